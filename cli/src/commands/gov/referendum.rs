//! A referendum as the chain keeps it, and where it is on its way.

use super::tracks::{share, Rules, ONE};
use crate::{
	chain::{state::hash, At, Balance, BlockNumber, Chain},
	error::{Error, Result},
};
use codec::Encode;
use subxt::{ext::scale_decode::DecodeAsType, utils::H256};

const PALLET: &str = "Referenda";

/// A referendum's number.
pub type Index = u32;

/// A referendum.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub enum Referendum {
	Ongoing(Status),
	Approved(BlockNumber, Option<Deposit>, Option<Deposit>),
	Rejected(BlockNumber, Option<Deposit>, Option<Deposit>),
	Cancelled(BlockNumber, Option<Deposit>, Option<Deposit>),
	TimedOut(BlockNumber, Option<Deposit>, Option<Deposit>),
	Killed(BlockNumber),
}

/// What is known of a referendum that goes on.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Status {
	pub track: u16,
	pub proposal: Proposal,
	pub enactment: Moment,
	pub submitted: BlockNumber,
	pub submission_deposit: Deposit,
	pub decision_deposit: Option<Deposit>,
	pub deciding: Option<Deciding>,
	pub tally: Tally,
	pub in_queue: bool,
}

/// What is proposed: a call, or its hash.
#[derive(Clone, Debug, PartialEq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub enum Proposal {
	Legacy { hash: H256 },
	Inline(Vec<u8>),
	Lookup { hash: H256, len: u32 },
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub enum Moment {
	At(BlockNumber),
	After(BlockNumber),
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Deposit {
	pub amount: Balance,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Deciding {
	pub since: BlockNumber,
	pub confirming: Option<BlockNumber>,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Tally {
	pub ayes: Balance,
	pub nays: Balance,
	pub support: Balance,
}

/// Where a referendum is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
	/// Nobody has placed the decision deposit.
	NoDeposit {
		times_out: BlockNumber,
	},
	/// Voters are given time to notice.
	Preparing {
		until: BlockNumber,
	},
	/// As many as the track allows are decided before it.
	Queued,
	/// It does not pass yet; at the end it fails. The curves may fall so far before that it passes
	/// as it stands.
	Deciding {
		until: BlockNumber,
		passes: Option<BlockNumber>,
	},
	/// It passes, and has to go on passing.
	Confirming {
		until: BlockNumber,
		enacts: BlockNumber,
	},
	Approved {
		at: BlockNumber,
		enactment: Enactment,
	},
	Rejected {
		at: BlockNumber,
	},
	Cancelled {
		at: BlockNumber,
	},
	TimedOut {
		at: BlockNumber,
	},
	Killed {
		at: BlockNumber,
	},
}

/// What became of the call of a referendum that was approved.
#[derive(Clone, Debug, PartialEq)]
pub enum Enactment {
	Scheduled(BlockNumber),
	Done(BlockNumber),
	/// The chain refused the call.
	Failed {
		at: BlockNumber,
		reason: String,
	},
	/// It was dispatched, in a block that the node has forgotten.
	Past,
}

/// How a referendum stands against its track's curves, in parts per billion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
	pub approval: u32,
	pub needed_approval: u32,
	pub support: u32,
	pub needed_support: u32,
}

impl Proposal {
	/// The hash of the call.
	pub fn hash(&self) -> H256 {
		match self {
			Self::Legacy { hash } | Self::Lookup { hash, .. } => *hash,
			Self::Inline(bytes) => hash(bytes),
		}
	}
}

impl Status {
	/// Where it is, by the rules of its track, where there are `issuance` tokens.
	pub fn phase(
		&self,
		rules: &Rules,
		undeciding_timeout: BlockNumber,
		issuance: Balance,
	) -> Phase {
		match &self.deciding {
			Some(Deciding { confirming: Some(until), .. }) => {
				Phase::Confirming { until: *until, enacts: self.enacts(*until, rules) }
			},
			Some(Deciding { since, confirming: None }) => {
				let until = since.saturating_add(rules.decision_period);
				Phase::Deciding { until, passes: self.passes_from(*since, until, issuance, rules) }
			},
			None if self.in_queue => Phase::Queued,
			None if self.decision_deposit.is_none() => {
				Phase::NoDeposit { times_out: self.submitted.saturating_add(undeciding_timeout) }
			},
			None => Phase::Preparing { until: self.submitted.saturating_add(rules.prepare_period) },
		}
	}

	/// The block in which its call is dispatched if it is approved in block `approved`.
	pub fn enacts(&self, approved: BlockNumber, rules: &Rules) -> BlockNumber {
		let wanted = match self.enactment {
			Moment::At(block) => block,
			Moment::After(blocks) => approved.saturating_add(blocks),
		};
		wanted.max(approved.saturating_add(rules.min_enactment_period.max(1)))
	}

	/// The first of the blocks from `since` to `until` in which it passes without more votes.
	fn passes_from(
		&self,
		since: BlockNumber,
		until: BlockNumber,
		issuance: Balance,
		rules: &Rules,
	) -> Option<BlockNumber> {
		let passes = |block: BlockNumber| self.standing(block, issuance, rules).passes();
		// Curves fall: what passes in one block passes in all that follow.
		let (mut first, mut last) = (since, until);
		while first < last {
			let middle = first + (last - first) / 2;
			if passes(middle) {
				last = middle;
			} else {
				first = middle + 1;
			}
		}
		passes(first).then_some(first)
	}

	/// How it stands in block `now`, where there are `issuance` tokens.
	pub fn standing(&self, now: BlockNumber, issuance: Balance, rules: &Rules) -> Standing {
		let since = self.deciding.as_ref().map_or(now, |deciding| deciding.since);
		let passed = match rules.decision_period {
			0 => ONE,
			period => share(now.saturating_sub(since).into(), period.into()),
		};
		let Tally { ayes, nays, support } = self.tally;
		Standing {
			approval: share(ayes, ayes.saturating_add(nays)),
			needed_approval: rules.min_approval.threshold(passed),
			support: share(support, issuance),
			needed_support: rules.min_support.threshold(passed),
		}
	}
}

impl Standing {
	/// Whether it would pass now.
	pub fn passes(&self) -> bool {
		self.approval >= self.needed_approval && self.support >= self.needed_support
	}
}

impl Phase {
	/// The name that scripts see.
	pub fn name(&self) -> &'static str {
		match self {
			Self::NoDeposit { .. } => "no_deposit",
			Self::Preparing { .. } => "preparing",
			Self::Queued => "queued",
			Self::Deciding { .. } => "deciding",
			Self::Confirming { .. } => "confirming",
			Self::Approved { .. } => "approved",
			Self::Rejected { .. } => "rejected",
			Self::Cancelled { .. } => "cancelled",
			Self::TimedOut { .. } => "timed_out",
			Self::Killed { .. } => "killed",
		}
	}

	/// Whether voters can still do something about it.
	pub fn is_open(&self) -> bool {
		matches!(
			self,
			Self::NoDeposit { .. }
				| Self::Preparing { .. }
				| Self::Queued
				| Self::Deciding { .. }
				| Self::Confirming { .. }
		)
	}

	/// The block in which something happens next, if nobody does anything.
	pub fn until(&self) -> Option<BlockNumber> {
		match self {
			Self::NoDeposit { times_out: until }
			| Self::Preparing { until }
			| Self::Deciding { until, passes: None }
			| Self::Deciding { passes: Some(until), .. }
			| Self::Confirming { until, .. }
			| Self::Approved { enactment: Enactment::Scheduled(until), .. } => Some(*until),
			_ => None,
		}
	}

	/// For people.
	pub fn text(&self) -> String {
		match self {
			Self::NoDeposit { times_out } => {
				format!("waits for its decision deposit, until block {times_out}")
			},
			Self::Preparing { until } => format!("preparing: decided from block {until}"),
			Self::Queued => "queued: others of its track are decided first".into(),
			Self::Deciding { until, passes: None } => {
				format!("deciding: fails in block {until} with these votes")
			},
			Self::Deciding { passes: Some(block), .. } => {
				format!("deciding: passes from block {block} with these votes")
			},
			Self::Confirming { until, enacts } => {
				format!("confirming: approved in block {until}, enacted in block {enacts}")
			},
			Self::Approved { at, enactment } => format!(
				"approved in block {at}, {}",
				match enactment {
					Enactment::Scheduled(block) => format!("enacted in block {block}"),
					Enactment::Done(block) => format!("enacted in block {block}: done"),
					Enactment::Failed { at, reason } => {
						format!("and refused in block {at}: {reason}")
					},
					Enactment::Past => "and dispatched".into(),
				}
			),
			Self::Rejected { at } => format!("rejected in block {at}"),
			Self::Cancelled { at } => format!("cancelled in block {at}: its deposits come back"),
			Self::TimedOut { at } => format!("timed out in block {at} without a decision deposit"),
			Self::Killed { at } => format!("killed in block {at}: its deposits are lost"),
		}
	}
}

/// A referendum.
pub async fn get(chain: &Chain, at: &At, index: Index) -> Result<Referendum> {
	find(chain, at, index).await?.ok_or_else(|| {
		Error::failed(format!("there is no referendum {index}"))
			.because("BadReferendum")
			.hint("see those that go on with `dodona gov status`")
	})
}

/// A referendum, if there is one with this number.
pub async fn find(chain: &Chain, at: &At, index: Index) -> Result<Option<Referendum>> {
	chain.stored(at, PALLET, "ReferendumInfoFor", (index,)).await
}

/// What goes on of a referendum that nothing is decided on yet.
pub async fn ongoing(chain: &Chain, at: &At, index: Index) -> Result<Status> {
	match get(chain, at, index).await? {
		Referendum::Ongoing(status) => Ok(status),
		_ => Err(Error::failed(format!("referendum {index} is over"))
			.because("NotOngoing")
			.hint(format!("see what became of it with `dodona gov status {index}`"))),
	}
}

/// All referenda that go on, by number.
pub async fn all_ongoing(chain: &Chain, at: &At) -> Result<Vec<(Index, Status)>> {
	let all: Vec<(Index, Referendum)> = chain.stored_all(at, PALLET, "ReferendumInfoFor").await?;
	let mut ongoing: Vec<(Index, Status)> = all
		.into_iter()
		.filter_map(|(index, referendum)| match referendum {
			Referendum::Ongoing(status) => Some((index, status)),
			_ => None,
		})
		.collect();
	ongoing.sort_by_key(|(index, _)| *index);
	Ok(ongoing)
}

/// The bytes of a proposed call, if the chain has them.
pub async fn call_bytes(chain: &Chain, at: &At, proposal: &Proposal) -> Result<Option<Vec<u8>>> {
	match proposal {
		Proposal::Inline(bytes) => Ok(Some(bytes.clone())),
		Proposal::Lookup { hash, len } => {
			chain.stored(at, "Preimage", "PreimageFor", ((*hash, *len),)).await
		},
		// Nothing on this chain proposes like that.
		Proposal::Legacy { .. } => Ok(None),
	}
}

/// What became of the call of a referendum that was approved in block `approved`, if that is
/// known; `status` is what it was then.
pub async fn enactment(
	chain: &Chain,
	at: &At,
	index: Index,
	approved: BlockNumber,
	status: Option<&Status>,
	rules: Option<&Rules>,
) -> Result<Enactment> {
	let name = task(index);
	let scheduled: Option<(BlockNumber, u32)> =
		chain.stored(at, "Scheduler", "Lookup", (name,)).await?;
	if let Some((block, _)) = scheduled {
		return Ok(Enactment::Scheduled(block));
	}
	let (Some(status), Some(rules)) = (status, rules) else { return Ok(Enactment::Past) };
	let block = status.enacts(approved, rules);
	Ok(dispatched(chain, block, name).await.unwrap_or(Enactment::Past))
}

/// How the task was dispatched in this block, if it was and the node knows.
async fn dispatched(chain: &Chain, block: BlockNumber, name: [u8; 32]) -> Option<Enactment> {
	let at = chain.at(block.into()).await.ok()?;
	let events = chain.events(&at, "Scheduler", "Dispatched").await.ok()?;
	// A task's address and its name, and then its result.
	let mine: Vec<u8> = Some(name).encode();
	let result = events.iter().find_map(|fields| fields.get(8..)?.strip_prefix(&mine[..]))?;
	match result.split_first()? {
		(0, _) => Some(Enactment::Done(block)),
		(_, error) => {
			let error = chain.dispatch_error(&at, "the call", error);
			let reason = error.reason.unwrap_or(error.message);
			Some(Enactment::Failed { at: block, reason })
		},
	}
}

/// The name under which the scheduler knows a referendum's call.
fn task(index: Index) -> [u8; 32] {
	hash(&(*b"assembly", "enactment", index).encode()).0
}

#[cfg(test)]
pub mod tests {
	use super::{super::tracks::tests::track, *};

	pub fn status() -> Status {
		let deposit = Deposit { amount: 5 };
		Status {
			track: 1,
			proposal: Proposal::Inline(vec![1, 2]),
			enactment: Moment::After(1),
			submitted: 100,
			submission_deposit: deposit.clone(),
			decision_deposit: Some(deposit),
			deciding: None,
			tally: Tally { ayes: 90, nays: 10, support: 30 },
			in_queue: false,
		}
	}

	#[test]
	fn referendum_should_say_where_it_is_and_until_when() {
		let rules = track(1, "model_curator").rules;
		let phase = |change: &dyn Fn(&mut Status)| {
			let mut status = status();
			change(&mut status);
			status.phase(&rules, 50, 300)
		};
		assert_eq!(phase(&|_| ()), Phase::Preparing { until: 102 });
		assert_eq!(phase(&|one| one.decision_deposit = None), Phase::NoDeposit { times_out: 150 });
		assert_eq!(phase(&|one| one.in_queue = true), Phase::Queued);
		let deciding = |confirming| {
			phase(&move |one| one.deciding = Some(Deciding { since: 103, confirming }))
		};
		assert_eq!(deciding(None), Phase::Deciding { until: 143, passes: Some(103) });
		assert_eq!(deciding(Some(110)), Phase::Confirming { until: 110, enacts: 112 });
		assert_eq!(
			deciding(Some(110)).text(),
			"confirming: approved in block 110, enacted in block 112"
		);
	}

	#[test]
	fn referendum_should_say_from_when_it_passes_as_it_stands() {
		let rules = track(1, "model_curator").rules;
		let passes = |ayes, nays, support| {
			let mut one = status();
			one.tally = Tally { ayes, nays, support };
			one.deciding = Some(Deciding { since: 100, confirming: None });
			let phase = one.phase(&rules, 50, 1_000);
			let Phase::Deciding { until: 140, passes } = phase else { panic!("{phase:?}") };
			// And not a block before.
			if let Some(block) = passes.filter(|block| *block > 100) {
				assert!(!one.standing(block - 1, 1_000, &rules).passes());
				assert!(one.standing(block, 1_000, &rules).passes());
			}
			(passes, phase.until())
		};
		assert_eq!(passes(10, 0, 100), (Some(100), Some(100)));
		assert_eq!(passes(10, 0, 50), (Some(120), Some(120)));
		// Approval falls to 65 % half-way, support to nothing at the end.
		assert_eq!(passes(65, 35, 100), (Some(120), Some(120)));
		assert_eq!(passes(1, 1, 0), (Some(140), Some(140)));
		assert_eq!(passes(49, 51, 1_000), (None, Some(140)));
	}

	#[test]
	fn enactment_should_be_when_it_is_wanted_but_not_too_soon() {
		let mut rules = track(1, "model_curator").rules;
		let at = |enactment| Status { enactment, ..status() };
		assert_eq!(at(Moment::After(1)).enacts(10, &rules), 12);
		assert_eq!(at(Moment::After(7)).enacts(10, &rules), 17);
		assert_eq!(at(Moment::At(30)).enacts(10, &rules), 30);
		assert_eq!(at(Moment::At(3)).enacts(10, &rules), 12);
		rules.min_enactment_period = 0;
		assert_eq!(at(Moment::After(0)).enacts(10, &rules), 11);
	}

	#[test]
	fn referendum_should_pass_when_approval_and_support_reach_the_curves() {
		let rules = track(1, "model_curator").rules;
		let mut one = status();
		one.deciding = Some(Deciding { since: 100, confirming: None });
		let standing = one.standing(100, 300, &rules);
		assert_eq!((standing.approval, standing.support), (ONE / 10 * 9, ONE / 10));
		assert_eq!((standing.needed_approval, standing.needed_support), (ONE / 10 * 8, ONE / 10));
		assert!(standing.passes());
		assert!(!one.standing(100, 301, &rules).passes());
		// The curves fall with time.
		assert!(one.standing(120, 600, &rules).passes());
		one.tally.nays = 90;
		assert!(!one.standing(120, 600, &rules).passes());
		assert!(one.standing(140, 600, &rules).passes());
		one.tally = Tally { ayes: 0, nays: 0, support: 0 };
		assert!(!one.standing(140, 600, &rules).passes());
	}

	#[test]
	fn refused_call_should_be_told_apart_from_one_that_is_done() {
		let text = |enactment| Phase::Approved { at: 7, enactment }.text();
		assert_eq!(text(Enactment::Scheduled(9)), "approved in block 7, enacted in block 9");
		assert_eq!(text(Enactment::Done(9)), "approved in block 7, enacted in block 9: done");
		let reason = "ModelEvaluation.NotBetter".into();
		assert_eq!(
			text(Enactment::Failed { at: 9, reason }),
			"approved in block 7, and refused in block 9: ModelEvaluation.NotBetter"
		);
	}

	#[test]
	fn task_should_have_the_name_that_the_chain_gives_it() {
		let bytes = b"assembly\x24enactment\x03\x00\x00\x00";
		assert_eq!(task(3), hash(bytes).0);
	}
}
