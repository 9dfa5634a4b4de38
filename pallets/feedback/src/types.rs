//! What is stored.

use crate::{
	score::{Class, Outcome, Scale, Tally},
	Config,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_inference::{Rating, RoundRatings};
use dodona_primitives_models::VersionId;
use frame_support::{
	traits::fungible, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound,
	PartialEqNoBound,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::{Get, H256};
use sp_runtime::traits::SaturatedConversion;

/// The type of amounts.
pub type BalanceOf<T> =
	<<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// A rating of this chain.
pub type RatingOf<T> = Commitment<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// A scored rating of this chain.
pub type ScoredOf<T> = Scored<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// A round's settlement on this chain.
pub type SettlementOf<T> = Settlement<BalanceOf<T>>;
/// Where the rounds of this chain are.
pub type RoundOf<T> = Round<BlockNumberFor<T>>;

/// An amount as a plain number, in the token's smallest unit.
pub(crate) fn raw<T: Config>(amount: BalanceOf<T>) -> u128 {
	amount.saturated_into()
}

/// A plain number as an amount.
pub(crate) fn amount<T: Config>(raw: u128) -> BalanceOf<T> {
	raw.saturated_into()
}

/// The round in which commitments are taken.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Round<BlockNumber> {
	/// Its number.
	pub index: u32,
	/// Its first block.
	pub since: BlockNumber,
	/// The first block of the one before.
	pub previous: BlockNumber,
}

/// A rating, from its commitment until it is scored.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Commitment<AccountId, Balance> {
	/// Who rates.
	pub rater: AccountId,
	/// The version that answered.
	pub version: VersionId,
	/// The most that it can earn.
	pub cap: Balance,
	/// The most that it can lose.
	pub stake: Balance,
	/// What is returned whatever happens.
	pub deposit: Balance,
	/// What the rater said so far.
	pub said: Said,
}

/// What a rater said so far.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Said {
	/// That there is a rating: the commitment.
	#[codec(index = 0)]
	Committed(H256),
	/// The rating.
	#[codec(index = 1)]
	Revealed(Rating),
}

/// A rating that was scored, until it is settled.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Scored<AccountId, Balance> {
	/// Who rated.
	pub rater: AccountId,
	/// On hold for it.
	pub held: Balance,
	/// What it comes to, if the budget suffices.
	pub outcome: Outcome,
}

/// What was said about a version in a round.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct RoundTally {
	/// All revealed ratings.
	pub said: Tally,
	/// What they are compared with, once the first one is scored.
	pub basis: Option<Basis>,
}

/// What a version's ratings of a round are compared with.
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
pub struct Basis {
	/// The share of good ratings that was expected, uncorrected.
	pub expected: i64,
	/// The same, corrected.
	pub baseline: i64,
	/// The class that was corrected for.
	pub class: Class,
}

/// What one account said about a version in a round.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct OwnTally {
	/// Its revealed ratings.
	pub said: Tally,
	/// How many of them are not scored.
	pub open: u32,
}

/// What was said about a version in all rounds that are settled.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Rounds))]
pub struct History<Rounds: Get<u32>> {
	/// All of it.
	pub said: Tally,
	/// The last rounds in which somebody rated it, oldest first.
	pub rounds: BoundedVec<RoundRatings, Rounds>,
}

/// How far the settlement of a round is.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Settlement<Balance> {
	/// The round.
	pub round: u32,
	/// What its ratings won so far, if the budget suffices.
	pub won: Balance,
	/// Taken for ratings that were never revealed.
	pub forfeited: Balance,
	/// What is being done.
	pub stage: Stage<Balance>,
}

/// What is done to settle a round, in this order.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage<Balance> {
	/// Each rating is scored.
	#[codec(index = 0)]
	Scoring,
	/// What was said about each version becomes part of its history.
	#[codec(index = 1)]
	Learning,
	/// Each score is paid for.
	#[codec(index = 2)]
	Paying {
		/// The most that is paid.
		budget: Balance,
		/// By how much everything is scaled down.
		scale: Scale,
		/// Paid so far.
		paid: Balance,
		/// Taken so far of those who lost.
		taken: Balance,
	},
}
