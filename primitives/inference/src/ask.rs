//! How other pallets ask questions of their own, and are told the answers.

use crate::{Input, RequestId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::VersionId;
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};
use sp_runtime::{
	traits::{BlakeTwo256, Hash},
	DispatchError, Weight,
};

/// Most questions with known answers that a version carries.
pub const MAX_KNOWN_ANSWERS: u32 = 4;

/// Questions with known answers, at least one. The manifest has their hash.
pub type KnownAnswers = BoundedVec<KnownAnswer, ConstU32<MAX_KNOWN_ANSWERS>>;

/// A question whose answer is known.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct KnownAnswer {
	/// The question.
	pub input: Input,
	/// Hash of the output, see [`outcome_hash`](crate::outcome_hash).
	pub outcome: H256,
}

/// The hash by which a manifest names `answers`.
pub fn known_answers_hash(answers: &KnownAnswers) -> H256 {
	BlakeTwo256::hash_of(answers)
}

/// Asks committees in somebody's name.
pub trait Ask {
	/// Who pays.
	type AccountId;
	/// The type of fees.
	type Balance;

	/// Has `version` answer `input`, and holds the fee from `requester`. The version need not be in
	/// use yet. Refuses a fee above `max_fee`.
	fn ask(
		requester: &Self::AccountId,
		version: VersionId,
		input: Input,
		max_fee: Self::Balance,
	) -> Result<RequestId, DispatchError>;
}

/// Is told how every request ends.
pub trait ResultSink {
	/// `output` is the result, for ever; `outcome` is its hash.
	fn finalized(request: RequestId, outcome: H256, output: &[u8]);

	/// There is no result.
	fn failed(request: RequestId);

	/// The most that being told takes.
	fn weight() -> Weight;
}

impl ResultSink for () {
	fn finalized(_: RequestId, _: H256, _: &[u8]) {}

	fn failed(_: RequestId) {}

	fn weight() -> Weight {
		Weight::zero()
	}
}
