//! What those who asked say about the answers.

use crate::{RequestId, Salt};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::VersionId;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{
	traits::{BlakeTwo256, Hash},
	Perbill,
};

/// Separates commitments to ratings from everything else that is ever hashed.
const RATING_DOMAIN: &[u8] = b"dodona/rating/v1";

/// What somebody thinks of an answer.
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
pub enum Rating {
	/// It was of no use.
	#[codec(index = 0)]
	Bad,
	/// It was of use.
	#[codec(index = 1)]
	Good,
}

/// The commitment of `rater` to a rating:
/// `blake2_256(domain ‖ genesis ‖ request ‖ rater ‖ rating ‖ salt)`, SCALE-encoded.
pub fn rating_commitment<AccountId: Encode>(
	genesis: H256,
	request: RequestId,
	rater: &AccountId,
	rating: Rating,
	salt: &Salt,
) -> H256 {
	BlakeTwo256::hash_of(&(RATING_DOMAIN, genesis, request, rater, rating, salt))
}

/// A request that has its result, as far as whoever rates it is concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RatedRequest<AccountId, Balance, BlockNumber> {
	/// Who asked and paid.
	pub requester: AccountId,
	/// The version that answered.
	pub version: VersionId,
	/// What the treasury got of the fee.
	pub treasury: Balance,
	/// The block in which the result became final.
	pub at: BlockNumber,
}

/// The requests that can be rated.
pub trait RatedRequests {
	/// The account type.
	type AccountId;
	/// The type of fees.
	type Balance;
	/// The type of block numbers.
	type BlockNumber;

	/// A request that has its result and is not pruned.
	fn finalized(
		request: RequestId,
	) -> Option<RatedRequest<Self::AccountId, Self::Balance, Self::BlockNumber>>;
}

/// What was said about a version, as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionRatings {
	/// Good ratings of all rounds.
	pub good: u64,
	/// Bad ratings of all rounds.
	pub bad: u64,
	/// The share of good ratings that is expected of the next ones: who says nothing new earns
	/// nothing.
	pub expected: Perbill,
	/// The last rounds in which somebody rated the version, oldest first.
	pub rounds: Vec<RoundRatings>,
}

/// What was said about a version in one round.
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
pub struct RoundRatings {
	/// The round in which the raters committed.
	pub round: u32,
	/// Good ratings.
	pub good: u64,
	/// Bad ratings.
	pub bad: u64,
}

/// The rounds of rating, as clients see them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RatingRound<BlockNumber> {
	/// The round in which commitments are taken now. Those of the one before are revealed.
	pub round: u32,
	/// Its first block.
	pub since: BlockNumber,
	/// The first block in which the next one can begin.
	pub next: BlockNumber,
	/// Requests can be rated whose result became final in this block or later.
	pub final_since: BlockNumber,
	/// The round that is being settled.
	pub settling: Option<u32>,
}

/// A rating that is not settled, as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RatingInfo<AccountId, Balance> {
	/// Who rates.
	pub rater: AccountId,
	/// The version that answered.
	pub version: VersionId,
	/// The round in which the rater committed.
	pub round: u32,
	/// The most that the rating can earn.
	pub cap: Balance,
	/// The most that it can lose.
	pub stake: Balance,
	/// What is returned whatever happens.
	pub deposit: Balance,
	/// The rating, once it is revealed.
	pub rating: Option<Rating>,
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn rating_commitment_should_differ_when_anything_it_is_bound_to_differs() {
		let of = |genesis: u8, request, rater: u64, rating, salt: u8| {
			rating_commitment(H256([genesis; 32]), request, &rater, rating, &[salt; 32])
		};
		let reference = of(0, 1, 5, Rating::Good, 1);
		let others = [
			of(1, 1, 5, Rating::Good, 1),
			of(0, 2, 5, Rating::Good, 1),
			of(0, 1, 6, Rating::Good, 1),
			of(0, 1, 5, Rating::Bad, 1),
			of(0, 1, 5, Rating::Good, 2),
		];
		assert!(others.iter().all(|other| *other != reference));
		assert_eq!(of(0, 1, 5, Rating::Good, 1), reference);
	}
}
