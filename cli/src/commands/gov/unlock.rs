//! `dodona gov unlock`: tokens that votes have locked for as long as they may be.

use super::{
	calls::{self, UTILITY},
	referendum::{self, Index, Referendum},
	tracks::{self, Track},
	vote::{periods, target, AYE, LEVEL, PALLET},
};
use crate::{
	chain::{account_of, At, Balance, BlockNumber, Chain},
	error::{Error, Result},
	Session,
};
use serde_json::json;
use std::collections::BTreeMap;
use subxt::{ext::scale_decode::DecodeAsType, utils::AccountId32};

/// What an account does on a track, as far as it locks tokens.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Voting {
	Casting(Casting),
	Delegating(Delegating),
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Casting {
	votes: Vec<(Index, Vote)>,
	prior: Prior,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Delegating {
	balance: Balance,
	prior: Prior,
}

/// What earlier votes lock, and until when.
#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Prior(BlockNumber, Balance);

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Vote {
	Standard { vote: Ballot, balance: Balance },
	Split { aye: Balance, nay: Balance },
	SplitAbstain { aye: Balance, nay: Balance, abstain: Balance },
}

/// Side and conviction in a byte.
#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Ballot(u8);

/// How a referendum ended, as far as votes on it depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
	Decided {
		at: BlockNumber,
		aye: bool,
	},
	/// Cancelled, killed or timed out.
	Nothing,
}

/// An account's votes on a track.
#[derive(Debug)]
struct Held {
	track: u16,
	/// What the chain locks for them.
	lock: Balance,
	voting: Voting,
}

/// Something that stays locked.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
	track: u16,
	/// The referendum; `None` for earlier votes.
	referendum: Option<Index>,
	amount: Balance,
	/// The first block in which it is free; `None` until the referendum, or the delegation, ends.
	until: Option<BlockNumber>,
}

/// What can be done now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
	/// Votes that don't lock anything any more, with their tracks.
	removed: Vec<(u16, Index)>,
	/// Tracks on which less has to be locked than is.
	tracks: Vec<u16>,
	waiting: Vec<Waiting>,
	/// What is locked in the end.
	left: Balance,
}

impl Vote {
	fn balance(&self) -> Balance {
		match *self {
			Self::Standard { balance, .. } => balance,
			Self::Split { aye, nay } => aye.saturating_add(nay),
			Self::SplitAbstain { aye, nay, abstain } => {
				aye.saturating_add(nay).saturating_add(abstain)
			},
		}
	}

	/// The first block in which it locks nothing; `period` is that of the weakest conviction.
	fn free_from(&self, end: End, period: BlockNumber) -> BlockNumber {
		match (*self, end) {
			// Only those who won answer for it with their tokens.
			(Self::Standard { vote: Ballot(ballot), .. }, End::Decided { at, aye })
				if (ballot & AYE != 0) == aye =>
			{
				match periods(ballot & LEVEL) {
					0 => 0,
					periods => at.saturating_add(period.saturating_mul(periods)),
				}
			},
			_ => 0,
		}
	}
}

/// What can be unlocked in block `now`. Referenda without an end go on.
fn plan(
	held: &[Held],
	ends: &BTreeMap<Index, End>,
	now: BlockNumber,
	period: BlockNumber,
	only: Option<Index>,
) -> Plan {
	let mut plan = Plan::default();
	for Held { track, lock, voting } in held {
		let track = *track;
		let mut needed = 0;
		let mut wait = |referendum: Option<Index>, amount: Balance, until: Option<BlockNumber>| {
			needed = amount.max(needed);
			plan.waiting.push(Waiting { track, referendum, amount, until });
		};
		let prior = match voting {
			Voting::Casting(Casting { votes, prior }) => {
				for (index, vote) in votes {
					let until = ends.get(index).map(|end| vote.free_from(*end, period));
					// Removed sooner, it would lock all of the track's tokens for as long.
					if only.is_none_or(|only| only == *index)
						&& until.is_some_and(|until| until <= now)
					{
						plan.removed.push((track, *index));
					} else {
						wait(Some(*index), vote.balance(), until);
					}
				}
				prior
			},
			Voting::Delegating(Delegating { balance, prior }) => {
				wait(None, *balance, None);
				prior
			},
		};
		if prior.0 > now && prior.1 > 0 {
			wait(None, prior.1, Some(prior.0));
		}
		if needed < *lock {
			plan.tracks.push(track);
		}
		// All of them lock the same tokens.
		plan.left = plan.left.max(needed);
	}
	plan
}

pub async fn run(session: &Session, only: Option<Index>) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let signer = session.signer(&chain).await?;
	let account = account_of(&signer);
	let tracks = tracks::all(&chain, &at)?;
	let held = held(&chain, &at, &account, &tracks).await?;
	let ends = ends(&chain, &at, &held).await?;
	// The next block is the first that can do anything.
	let now = crate::chain::number(at.block_number()).saturating_add(1);
	let period = chain.constant(&at, PALLET, "VoteLockingPeriod").unwrap_or(BlockNumber::MAX);
	let plan = plan(&held, &ends, now, period, only);
	if let Some(index) = only {
		ensure_free(&plan, index, &account)?;
	}
	if plan.removed.is_empty() && plan.tracks.is_empty() {
		return Err(nothing(&plan, &account));
	}

	let mut steps = Vec::new();
	for (track, index) in &plan.removed {
		steps.push(chain.call_data(&at, PALLET, "remove_vote", (Some(*track), *index))?);
	}
	for track in &plan.tracks {
		steps.push(chain.call_data(&at, PALLET, "unlock", (*track, target(&account)))?);
	}
	let included = chain.execute(&signer, UTILITY, "batch_all", (calls::batched(steps),)).await?;
	let before = held.iter().map(|held| held.lock).max().unwrap_or(0);
	let name = |id: u16| {
		let found = tracks.iter().find(|track| track.id == id);
		found.map_or(id.to_string(), |track| track.name().to_owned())
	};
	let removed: Vec<Index> = plan.removed.iter().map(|(_, index)| *index).collect();
	let document = json!({
		"account": account,
		"block": included.block,
		"removed": removed,
		"tracks": plan.tracks.iter().map(|id| name(*id)).collect::<Vec<_>>(),
		"unlocked": before.saturating_sub(plan.left).to_string(),
		"locked": plan.left.to_string(),
		"waiting": plan.waiting.iter().map(|one| json!({
			"track": name(one.track),
			"referendum": one.referendum,
			"amount": one.amount.to_string(),
			"until": one.until,
		})).collect::<Vec<_>>(),
	});
	session.output.result(&document, || {
		let show = |amount| chain.token.show(amount);
		let unlocked = show(before.saturating_sub(plan.left));
		let mut lines = vec![format!("{account}: {unlocked} unlocked, {} locked", show(plan.left))];
		if !removed.is_empty() {
			let removed: Vec<String> = removed.iter().map(Index::to_string).collect();
			lines.push(format!("votes taken back: {}", removed.join(", ")));
		}
		lines.extend(plan.waiting.iter().map(|one| one.text(&name(one.track), show(one.amount))));
		lines.join("\n")
	});
	Ok(())
}

impl Waiting {
	fn text(&self, track: &str, amount: String) -> String {
		let what = match (self.referendum, self.until) {
			(Some(index), _) => format!("referendum {index}"),
			(None, Some(_)) => format!("earlier votes on {track}"),
			(None, None) => format!("the delegation on {track}"),
		};
		match self.until {
			Some(0) => format!("{amount} for {what}, which is over: `dodona gov unlock`"),
			Some(block) => format!("{amount} for {what} until block {block}"),
			None => format!("{amount} for {what}, which goes on"),
		}
	}
}

/// Refuses to unlock what a vote on one referendum still locks.
fn ensure_free(plan: &Plan, index: Index, account: &AccountId32) -> Result<()> {
	if plan.removed.iter().any(|(_, removed)| *removed == index) {
		return Ok(());
	}
	match plan.waiting.iter().find(|one| one.referendum == Some(index)) {
		None => Err(Error::failed(format!("{account} has no vote on referendum {index}"))
			.because("NotVoter")
			.hint("leave out the number: `dodona gov unlock`")),
		Some(Waiting { until: Some(block), .. }) => {
			Err(Error::failed(format!("the vote on referendum {index} locks until block {block}"))
				.because("StillLocked")
				.hint(format!("run it again in block {block}")))
		},
		Some(_) => Err(Error::failed(format!("referendum {index} goes on"))
			.because("Ongoing")
			.hint(format!("see how it stands with `dodona gov status {index}`"))),
	}
}

fn nothing(plan: &Plan, account: &AccountId32) -> Error {
	let error = Error::failed(format!("nothing of {account} can be unlocked now"))
		.because("NothingToUnlock");
	match plan.waiting.iter().filter_map(|one| one.until).min() {
		Some(block) => error.hint(format!("run it again in block {block}")),
		None if plan.waiting.is_empty() => error.hint("it has no votes, and delegates none"),
		None => error.hint("votes lock tokens until their referendum is over"),
	}
}

/// What an account has on the tracks on which something is locked for it.
async fn held(
	chain: &Chain,
	at: &At,
	account: &AccountId32,
	tracks: &[Track],
) -> Result<Vec<Held>> {
	let locks: Option<Vec<(u16, Balance)>> =
		chain.stored(at, PALLET, "ClassLocksFor", (*account,)).await?;
	let locks: BTreeMap<u16, Balance> = locks.unwrap_or_default().into_iter().collect();
	let mut held = Vec::new();
	for Track { id, .. } in tracks {
		let voting = chain.stored(at, PALLET, "VotingFor", (*account, *id)).await?;
		let Some(voting) = voting else { continue };
		held.push(Held { track: *id, lock: locks.get(id).copied().unwrap_or(0), voting });
	}
	Ok(held)
}

/// How the referenda that were voted on ended.
async fn ends(chain: &Chain, at: &At, held: &[Held]) -> Result<BTreeMap<Index, End>> {
	let mut ends = BTreeMap::new();
	for held in held {
		let Voting::Casting(Casting { votes, .. }) = &held.voting else { continue };
		for (index, _) in votes {
			let end = match referendum::find(chain, at, *index).await? {
				Some(Referendum::Ongoing(_)) => continue,
				Some(Referendum::Approved(at, ..)) => End::Decided { at, aye: true },
				Some(Referendum::Rejected(at, ..)) => End::Decided { at, aye: false },
				_ => End::Nothing,
			};
			ends.insert(*index, end);
		}
	}
	Ok(ends)
}

#[cfg(test)]
mod tests {
	use super::*;

	const PERIOD: BlockNumber = 10;

	fn vote(ballot: u8, balance: Balance) -> Vote {
		Vote::Standard { vote: Ballot(ballot), balance }
	}

	fn casting(track: u16, lock: Balance, votes: &[(Index, Vote)], prior: Prior) -> Held {
		Held { track, lock, voting: Voting::Casting(Casting { votes: votes.to_vec(), prior }) }
	}

	fn approved(at: BlockNumber) -> End {
		End::Decided { at, aye: true }
	}

	#[test]
	fn vote_should_lock_only_those_who_won_and_said_so_with_conviction() {
		let free = |ballot, end| vote(ballot, 5).free_from(end, PERIOD);
		assert_eq!(free(AYE | 1, approved(100)), 110);
		assert_eq!(free(AYE | 3, approved(100)), 140);
		assert_eq!(free(6, End::Decided { at: 100, aye: false }), 420);
		assert_eq!(free(AYE, approved(100)), 0);
		assert_eq!(free(6, approved(100)), 0);
		assert_eq!(free(AYE | 6, End::Nothing), 0);
		let split = Vote::Split { aye: 1, nay: 2 };
		assert_eq!((split.free_from(approved(100), PERIOD), split.balance()), (0, 3));
	}

	#[test]
	fn plan_should_take_back_what_locks_nothing_and_leave_the_rest() {
		let none = Prior(0, 0);
		let votes =
			[(1, vote(AYE | 1, 50)), (2, vote(AYE | 6, 10)), (3, vote(1, 70)), (4, vote(AYE, 9))];
		let held = [casting(1, 70, &votes, none), casting(2, 8, &[], Prior(120, 8))];
		let ends = BTreeMap::from([(1, approved(100)), (2, approved(100)), (3, approved(100))]);
		let in_block = |now, only| plan(&held, &ends, now, PERIOD, only);

		let early = in_block(109, None);
		assert_eq!((early.removed, early.tracks, early.left), (vec![(1, 3)], vec![1], 50));
		let late = in_block(110, None);
		assert_eq!(late.removed, [(1, 1), (1, 3)]);
		assert_eq!((late.tracks, late.left), (vec![1], 10));
		let waits = |referendum, amount, until, track| Waiting { track, referendum, amount, until };
		assert_eq!(
			late.waiting,
			[
				waits(Some(2), 10, Some(420), 1),
				waits(Some(4), 9, None, 1),
				waits(None, 8, Some(120), 2)
			]
		);
		// What earlier votes lock is free without any of them.
		let later = in_block(120, Some(1));
		assert_eq!((later.removed, later.tracks), (vec![(1, 1)], vec![2]));
	}

	#[test]
	fn plan_should_do_nothing_where_nothing_is_free() {
		let delegating = Voting::Delegating(Delegating { balance: 5, prior: Prior(50, 9) });
		let held = [Held { track: 0, lock: 9, voting: delegating }];
		let early = plan(&held, &BTreeMap::new(), 49, PERIOD, None);
		assert!(early.removed.is_empty() && early.tracks.is_empty());
		assert_eq!((early.left, early.waiting.len()), (9, 2));
		let late = plan(&held, &BTreeMap::new(), 50, PERIOD, None);
		assert_eq!((late.tracks, late.left), (vec![0], 5));
	}

	#[test]
	fn one_vote_should_be_refused_while_it_locks() {
		let votes = [(1, vote(AYE | 1, 50)), (2, vote(AYE, 10))];
		let held = [casting(1, 50, &votes, Prior(0, 0))];
		let ends = BTreeMap::from([(1, approved(100))]);
		let reason = |now, index| {
			let plan = plan(&held, &ends, now, PERIOD, Some(index));
			ensure_free(&plan, index, &AccountId32([1; 32]))
				.err()
				.and_then(|error| error.reason)
		};
		assert_eq!(reason(109, 1).as_deref(), Some("StillLocked"));
		assert_eq!(reason(110, 1), None);
		assert_eq!(reason(110, 2).as_deref(), Some("Ongoing"));
		assert_eq!(reason(110, 3).as_deref(), Some("NotVoter"));
	}
}
