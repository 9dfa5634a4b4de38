//! The life of a request, as one enum that holds the data of each state in it.

use crate::{Output, RequestId, MAX_COMMITTEE};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::VersionId;
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};

/// A committee: one seat each.
pub type Committee<AccountId> = BoundedVec<Seat<AccountId>, ConstU32<MAX_COMMITTEE>>;

/// One committee place.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Seat<AccountId> {
	/// The bonded operator that holds it.
	pub operator: AccountId,
	/// What it has said so far.
	pub status: SeatStatus,
}

/// What the holder of a seat has said so far.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum SeatStatus {
	/// Nothing.
	#[codec(index = 0)]
	Assigned,
	/// That it knows the outcome: the commitment.
	#[codec(index = 1)]
	Committed(H256),
	/// The hash of the outcome.
	#[codec(index = 2)]
	Revealed(H256),
}

/// Why a request failed. The whole fee went back to the requester.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum FailureReason {
	/// Fewer eligible operators than a committee has seats.
	#[codec(index = 0)]
	NoWorkers,
	/// No attempt brought a quorum of equal outcomes.
	#[codec(index = 1)]
	NoQuorum,
	/// The version was suspended or revoked before a committee was drawn.
	#[codec(index = 2)]
	VersionNotServed,
	/// No committee was drawn in time: no randomness younger than the request came.
	#[codec(index = 3)]
	NoRandomness,
	/// The run ends in a fault, as a dispute has shown: this version has no answer to the input.
	#[codec(index = 4)]
	NoAnswer,
}

/// Where a request is in its life. Every state but the last two ends at a deadline.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
	feature = "std",
	serde(bound(
		serialize = "AccountId: serde::Serialize, BlockNumber: serde::Serialize",
		deserialize = "AccountId: serde::Deserialize<'de>, BlockNumber: serde::Deserialize<'de>"
	))
)]
pub enum RequestState<AccountId, BlockNumber> {
	/// Waits for a committee, which is drawn from randomness that nobody could know in `since`.
	#[codec(index = 0)]
	Queued {
		/// The block of the request, of the attempt that failed, or of the beginning of an audit.
		since: BlockNumber,
	},
	/// The committee computes and commits.
	#[codec(index = 1)]
	Committing {
		/// The seats.
		committee: Committee<AccountId>,
		/// Last block in which a commitment is taken.
		until: BlockNumber,
	},
	/// The committee reveals.
	#[codec(index = 2)]
	Revealing {
		/// The seats.
		committee: Committee<AccountId>,
		/// Last block in which a reveal is taken.
		until: BlockNumber,
	},
	/// A quorum named this outcome; it may be challenged.
	#[codec(index = 3)]
	Agreed {
		/// The seats.
		committee: Committee<AccountId>,
		/// Hash of the output.
		outcome: H256,
		/// Last block of the challenge window.
		until: BlockNumber,
	},
	/// It is in dispute what the answer is, and the runtime decides.
	#[codec(index = 4)]
	Disputed {
		/// The seats.
		committee: Committee<AccountId>,
		/// The outcome that a quorum named, if one did.
		outcome: Option<H256>,
		/// Last block for the next move; for another challenge, once only one claim is left.
		until: BlockNumber,
	},
	/// The outcome is the result, and everybody is paid.
	#[codec(index = 5)]
	Finalized {
		/// The seats.
		committee: Committee<AccountId>,
		/// Hash of the output.
		outcome: H256,
		/// The block in which it became final.
		at: BlockNumber,
	},
	/// There is no result, and the fee went back.
	#[codec(index = 6)]
	Failed {
		/// Why.
		reason: FailureReason,
		/// The block in which it failed.
		at: BlockNumber,
	},
}

impl<AccountId, BlockNumber> RequestState<AccountId, BlockNumber> {
	/// The committee, in the states that have one.
	pub fn committee(&self) -> Option<&Committee<AccountId>> {
		match self {
			Self::Committing { committee, .. }
			| Self::Revealing { committee, .. }
			| Self::Agreed { committee, .. }
			| Self::Disputed { committee, .. }
			| Self::Finalized { committee, .. } => Some(committee),
			Self::Queued { .. } | Self::Failed { .. } => None,
		}
	}

	/// Whether nothing will change any more.
	pub fn is_terminal(&self) -> bool {
		matches!(self, Self::Finalized { .. } | Self::Failed { .. })
	}
}

/// A request.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
	feature = "std",
	serde(bound(
		serialize = "AccountId: serde::Serialize, Balance: serde::Serialize, BlockNumber: serde::Serialize",
		deserialize = "AccountId: serde::Deserialize<'de>, Balance: serde::Deserialize<'de>, BlockNumber: serde::Deserialize<'de>"
	))
)]
pub struct Request<AccountId, Balance, BlockNumber> {
	/// Who asked and pays.
	pub requester: AccountId,
	/// The version that has to answer, pinned when the request was made.
	pub version: VersionId,
	/// Held from the requester until the request ends.
	pub fee: Balance,
	/// The block of the request.
	pub created: BlockNumber,
	/// Committees drawn so far, that of an audit among them.
	pub attempt: u32,
	/// Where it is in its life.
	pub state: RequestState<AccountId, BlockNumber>,
}

/// A request as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
#[cfg_attr(
	feature = "std",
	serde(bound(
		serialize = "AccountId: serde::Serialize, Balance: serde::Serialize, BlockNumber: serde::Serialize"
	))
)]
pub struct RequestInfo<AccountId, Balance, BlockNumber> {
	/// The request's id.
	pub id: RequestId,
	/// The request.
	pub request: Request<AccountId, Balance, BlockNumber>,
	/// Outputs revealed so far with their hashes; gone once the request is pruned.
	pub outputs: alloc::vec::Vec<(H256, Output)>,
	/// The block in which the answer was agreed on.
	pub agreed_at: Option<BlockNumber>,
}
