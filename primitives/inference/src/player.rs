//! A party of a dispute: what it does next, and what it says.
//!
//! Both come from the dispute as the chain has it and from the party's own run alone. So nothing has
//! to be remembered: after a restart a party goes on where it was.

use crate::{
	outcome_hash, work_here, Children, Claim, ClaimId, Contest, Dispute, Move, Path, RequestState,
	SeatStatus, MAX_CLAIMS, MAX_WEIGHTS_LEN,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use dodona_engine::trace::{self, EndWitness, Fault, Hasher, Operation, Program, Trace, Witness};
use dodona_primitives_models::Architecture;
use sp_core::H256;

/// Most steps that are looked through for one of a kind.
const MOST_SEARCHED: u64 = 1 << 22;

/// What a party knows of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Known {
	/// Hash of the output; `None` if the run ends in a fault.
	pub answer: Option<H256>,
	/// Root of the tree over the states after each step.
	pub root: H256,
}

/// What a party does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Next {
	/// Nothing, until the dispute has changed.
	#[codec(index = 0)]
	Wait,
	/// Claims its answer: no claim that stands leads to it by its trace.
	#[codec(index = 1)]
	Challenge,
	/// Shows its trace.
	#[codec(index = 2)]
	Open {
		/// For this claim.
		claim: ClaimId,
	},
	/// Says what is below the node in dispute.
	#[codec(index = 3)]
	Descend {
		/// For this claim.
		claim: ClaimId,
		/// The node's level, from the root, which is 0.
		level: u32,
		/// Its place in that level.
		index: u64,
	},
	/// Has the runtime execute the step in dispute.
	#[codec(index = 4)]
	Settle {
		/// The step.
		step: u64,
	},
}

/// What a party says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Said<Witness, EndWitness> {
	/// A move.
	#[codec(index = 0)]
	Play {
		/// For this claim.
		claim: ClaimId,
		/// The move.
		step: Move<EndWitness>,
	},
	/// The evidence for the step in dispute.
	#[codec(index = 1)]
	Settle {
		/// The state before the step and its way to the root; `None` for the first step.
		before: Option<(H256, Path)>,
		/// What the step works on.
		witness: Witness,
	},
}

/// The claim that a party stands behind: its answer, by its trace or by none yet.
pub fn own<'a, AccountId, Balance>(
	dispute: &'a Dispute<AccountId, Balance>,
	known: &Known,
) -> Option<&'a Claim<AccountId, Balance>> {
	let root = |claim: &Claim<_, _>| claim.opening.as_ref().map(|opening| opening.root);
	let of = |wanted: Option<H256>| {
		let mut claims = dispute.claims.iter();
		claims.find(|claim| claim.answer == known.answer && root(claim) == wanted)
	};
	of(Some(known.root)).or_else(|| of(None))
}

/// What a party does next, who may be anyone.
pub fn next<AccountId, Balance>(dispute: &Dispute<AccountId, Balance>, known: &Known) -> Next {
	let Some(claim) = own(dispute, known) else {
		return match dispute.claims.len() < MAX_CLAIMS as usize {
			true => Next::Challenge,
			false => Next::Wait,
		};
	};
	let claim_id = claim.id;
	match &dispute.contest {
		Contest::Won => Next::Wait,
		_ if claim.opening.is_none() => Next::Open { claim: claim_id },
		Contest::Opening => Next::Wait,
		Contest::Descending { level, index, moves, .. } => {
			let side = dispute.side(claim_id).and_then(|side| moves.get(side));
			match side {
				Some(None) => Next::Descend { claim: claim_id, level: *level, index: *index },
				_ => Next::Wait,
			}
		},
		Contest::Settling { step, .. } => match dispute.side(claim_id) {
			Some(_) => Next::Settle { step: *step },
			None => Next::Wait,
		},
	}
}

/// What an operator does next that has revealed the answer: where anyone else would challenge, its
/// seat stands for it already, and it shows its trace under the next claim's number.
pub fn next_of_seat<AccountId, Balance>(
	dispute: &Dispute<AccountId, Balance>,
	known: &Known,
) -> Next {
	match next(dispute, known) {
		Next::Challenge => Next::Open { claim: dispute.next_claim },
		other => other,
	}
}

/// Whether `who` can say which trace a claim stands for: its challenger, or, where there is none, an
/// operator in a seat that revealed the answer and has shown no other trace that lost.
pub fn may_open<AccountId: PartialEq, Balance, BlockNumber>(
	dispute: &Dispute<AccountId, Balance>,
	claim: &Claim<AccountId, Balance>,
	state: &RequestState<AccountId, BlockNumber>,
	who: &AccountId,
) -> bool {
	if let Some(challenger) = &claim.challenger {
		return challenger.who == *who;
	}
	let mut seats = state.committee().into_iter().flatten();
	!dispute.refuted.contains(who)
		&& seats.any(|seat| {
			seat.operator == *who
				&& matches!(seat.status, SeatStatus::Revealed(said) if Some(said) == claim.answer)
		})
}

/// Whether the runtime can run the model itself, with weights of `size` bytes, where it does no more
/// than `most` work.
pub fn runs_here(architecture: &Architecture, input: &[u8], size: u64, most: u64) -> bool {
	size <= MAX_WEIGHTS_LEN.into()
		&& work_here(architecture, input).is_some_and(|work| work <= most)
}

/// What a party knows that has recorded the run.
pub fn known<H: Hasher>(trace: &Trace<H>) -> Option<Known> {
	let (.., end) = trace.end().ok()?;
	let answer = match end {
		trace::End::Output(output) => Some(outcome_hash(&output)),
		trace::End::Fault => None,
	};
	Some(Known { answer, root: H256(trace.root()) })
}

/// What the party says that has recorded the run. Nothing if there is nothing to say, or no room for
/// it.
pub fn say<H: Hasher>(trace: &Trace<H>, next: &Next) -> Option<Said<Witness, EndWitness>> {
	Some(match *next {
		Next::Wait | Next::Challenge => return None,
		Next::Open { claim } => {
			let (end, path, witness, _) = trace.end().ok()?;
			let (root, end, path) = (H256(trace.root()), H256(end), bounded_path(path)?);
			Said::Play { claim, step: Move::Open { root, end, path, witness } }
		},
		Next::Descend { claim, level, index } => {
			let children: Vec<H256> =
				trace.children(level, index).ok()?.into_iter().map(H256).collect();
			Said::Play { claim, step: Move::Descend(Children::try_from(children).ok()?) }
		},
		Next::Settle { step } => {
			let (before, witness) = trace.witness(step).ok()?;
			let before = match before {
				Some((state, path)) => Some((H256(state), bounded_path(path)?)),
				None => None,
			};
			Said::Settle { before, witness }
		},
	})
}

fn bounded_path(path: Vec<trace::Hash>) -> Option<Path> {
	let path: Vec<H256> = path.into_iter().map(H256).collect();
	path.try_into().ok()
}

/// A wrong result to be planted, by what is computed where: for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Planted {
	/// What is computed.
	pub operation: Operation,
	/// The layer.
	pub layer: u32,
	/// Position of the token; 0 where there are none.
	pub token: u32,
}

impl Planted {
	/// The wrong result of the first such step; `None` if a run has none.
	pub fn fault(&self, program: &Program) -> Option<Fault> {
		let is_it = |step: &u64| {
			program.describe(*step).is_some_and(|described| {
				described.operation == self.operation
					&& described.layer == self.layer
					&& described.token == self.token
			})
		};
		let step = (0..program.steps().min(MOST_SEARCHED)).find(is_it)?;
		// Another token; or all numbers' negatives. A single wrong number seldom changes an answer.
		Some(match self.operation {
			Operation::Choice => Fault { step, at: 0, bits: 1, words: 1 },
			_ => Fault { step, at: 3, bits: 0x80, words: u32::MAX },
		})
	}
}

#[cfg(test)]
mod tests;
