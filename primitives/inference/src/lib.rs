//! Requests and what happens to them: types, commitments and the runtime API, shared by the
//! pallet, the runtime and clients.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod ask;
mod commitment;
mod dispute;
mod evaluation;
mod feedback;
mod job;
pub mod player;
pub mod runtime_api;
mod state;

pub use ask::{known_answers_hash, Ask, KnownAnswer, KnownAnswers, ResultSink, MAX_KNOWN_ANSWERS};
pub use commitment::{commitment, outcome_hash, CommitmentContext, Salt};
pub use dispute::{
	thousands, work_here, Adjudicator, Challenger, Children, Claim, ClaimId, Contest, Dispute,
	DisputeInfo, Ending, Evidence, Move, Opening, Path, Run, Schedule, Unproven, MAX_CHILDREN,
	MAX_CLAIMS, MAX_DEPTH, MAX_RESIDENT_LEN, MAX_WEIGHTS_LEN, MOVE_LEVELS,
};
pub use dodona_engine::EngineError;
pub use evaluation::{
	Admission, Evaluation, Expected, HoldOut, Metric, RevealedSample, Sample, Stage, MAX_EVALUATED,
	MAX_REVEALED, MAX_SAMPLES,
};
pub use feedback::{
	rating_commitment, RatedRequest, RatedRequests, Rating, RatingInfo, RatingRound, RoundRatings,
	VersionRatings,
};
pub use job::{Asks, Job, Progress, Question};
pub use state::{FailureReason, Request, RequestInfo, RequestState, Seat, SeatStatus};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, crypto::KeyTypeId, ConstU32, H256};

/// Identifies a request, for ever.
pub type RequestId = u64;

/// Longest input of a request, in bytes.
pub const MAX_INPUT_LEN: u32 = 64 * 1024;
/// Longest output of a request, in bytes.
pub const MAX_OUTPUT_LEN: u32 = 16 * 1024;
/// Most seats that a committee can have.
pub const MAX_COMMITTEE: u32 = 32;
/// Most submissions in one extrinsic.
pub const MAX_SUBMISSIONS: u32 = 16;

/// The bytes of an input.
pub type Input = BoundedVec<u8, ConstU32<MAX_INPUT_LEN>>;
/// The bytes of an output.
pub type Output = BoundedVec<u8, ConstU32<MAX_OUTPUT_LEN>>;
/// All that one worker has to say in one block.
pub type Submissions = BoundedVec<Submission, ConstU32<MAX_SUBMISSIONS>>;

/// The key type of hot keys in a node's keystore.
pub const HOT_KEY_TYPE: KeyTypeId = KeyTypeId(*b"dodo");

/// Seats that have to name the same outcome: `floor(2·seats/3) + 1` of the ASSIGNED ones.
pub fn quorum(seats: u32) -> u32 {
	(seats.saturating_mul(2) / 3).saturating_add(1)
}

/// One thing that a worker says about one request.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Submission {
	/// The request that the worker has a seat in.
	pub request: RequestId,
	/// The attempt that the seat was drawn in.
	pub attempt: u32,
	/// What it says.
	pub statement: Statement,
}

/// What a worker says.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Statement {
	/// "I know the outcome."
	#[codec(index = 0)]
	Commit {
		/// See [`commitment`].
		commitment: H256,
	},
	/// "This is the outcome that I committed to."
	#[codec(index = 1)]
	Reveal {
		/// Hash of the output, see [`outcome_hash`].
		outcome: H256,
		/// The salt of the commitment.
		salt: Salt,
		/// The output itself; needed unless somebody has revealed it already.
		output: Option<Output>,
	},
}

#[cfg(test)]
mod tests {
	use super::quorum;

	#[test]
	fn quorum_should_be_more_than_two_thirds_of_the_seats() {
		for seats in 1..=super::MAX_COMMITTEE {
			let quorum = quorum(seats);
			assert!(quorum <= seats);
			assert!(quorum * 3 > seats * 2);
			assert!((quorum - 1) * 3 <= seats * 2);
		}
	}
}
