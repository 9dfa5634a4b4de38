//! # Feedback
//!
//! Whoever paid for an answer may rate it, once. Ratings are counted by version, and a governed
//! budget rewards those that say something which was not known.
//!
//! ## Overview
//!
//! Time is cut into rounds. In one, raters *commit* to ratings, so that nobody can copy; in the
//! next they *reveal* them; then the round is *settled*, in bounded steps. A rating is scored by
//! how much more the other raters of the same version agree with it than its earlier ratings let
//! one expect. The expectation is everything public, so that a rating which follows from what is
//! public, or from nothing at all, scores 0 on average: see [`score`].
//!
//! Gains and losses are in proportion to the score. What a rating can lose is at stake from the
//! commitment on; it is a little more than what it can earn, and that is never more than the
//! treasury got of the request's fee. So nobody can live off asking and rating.
//!
//! ## Interface
//!
//! - [`Call::commit_rating`]: rate an answer, without saying how.
//! - [`Call::reveal_rating`]: say how.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
#[cfg(test)]
mod mock;
mod rating;
mod rounds;
pub mod score;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod views;
pub mod weights;

/// Ratings or versions that a block settles at most: what waits must not fill whole blocks.
const MOST_STEPS: u32 = 32;

#[frame_support::pallet]
pub mod pallet {
	use super::{
		score::{Calibration, Class, Tally},
		BalanceOf, History, OwnTally, RatingOf, RoundOf, RoundTally, ScoredOf, SettlementOf,
		WeightInfo,
	};
	use dodona_primitives_inference::{RatedRequests, Rating, RequestId, Salt};
	use dodona_primitives_models::{ModelId, VersionId};
	use frame_support::{pallet_prelude::*, traits::fungible, weights::WeightMeter};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;
	use sp_runtime::{traits::Zero, Perbill};

	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<H256>>
	{
		/// The token of stakes and rewards.
		type Currency: fungible::Mutate<Self::AccountId>
			+ fungible::BalancedHold<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// The requests that can be rated.
		type Requests: RatedRequests<
			AccountId = Self::AccountId,
			Balance = BalanceOf<Self>,
			BlockNumber = BlockNumberFor<Self>,
		>;

		/// Pays the rewards, and gets what is lost.
		type Treasury: Get<Self::AccountId>;

		/// Blocks in a round, at least; at least 1. Raters have as long to reveal.
		#[pallet::constant]
		type RoundLength: Get<BlockNumberFor<Self>>;

		/// The most that a round's ratings earn together.
		#[pallet::constant]
		type Budget: Get<BalanceOf<Self>>;

		/// The most that a rating earns: so much of what the treasury got of the request's fee.
		#[pallet::constant]
		type RewardCap: Get<Perbill>;

		/// How much more a rating can lose than it can earn.
		#[pallet::constant]
		type Margin: Get<Perbill>;

		/// What is held for the record of a rating, and returned whatever happens.
		#[pallet::constant]
		type Deposit: Get<BalanceOf<Self>>;

		/// Ratings of a version by others that a rating is scored against, at least; at least 1.
		/// With fewer it is counted, and neither earns nor loses.
		#[pallet::constant]
		type MinPeers: Get<u32>;

		/// How many of a version's last rounds are kept one by one.
		#[pallet::constant]
		type MaxRounds: Get<u32>;

		/// Weights of this pallet's calls and steps.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need of the rest of the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId, BalanceOf<Self>>;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The stake and the deposit of a rating that is not settled.
		#[codec(index = 0)]
		Rating,
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The round in which commitments are taken.
	#[pallet::storage]
	pub type CurrentRound<T: Config> = StorageValue<_, RoundOf<T>, ValueQuery>;

	/// The round that is being settled.
	#[pallet::storage]
	pub type CurrentSettlement<T: Config> = StorageValue<_, SettlementOf<T>>;

	/// Ratings that are not scored, by the round of their commitment.
	// Rounds and requests are counted: nobody can choose a place in the trie.
	#[pallet::storage]
	pub type Ratings<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, RequestId, RatingOf<T>>;

	/// Ratings of the round that is being settled, scored and not paid for.
	#[pallet::storage]
	pub type ScoredRatings<T: Config> = StorageMap<_, Twox64Concat, RequestId, ScoredOf<T>>;

	/// What was said about a version in a round that is not settled.
	// The registry counts models and versions.
	#[pallet::storage]
	pub type Tallies<T> =
		StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, VersionId, RoundTally, ValueQuery>;

	/// What an account said about a version in a round, until all of it is scored.
	#[pallet::storage]
	pub type OwnTallies<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		(u32, VersionId),
		Blake2_128Concat,
		T::AccountId,
		OwnTally,
		ValueQuery,
	>;

	/// What was said about a version in all rounds that are settled.
	#[pallet::storage]
	pub type Histories<T: Config> =
		StorageMap<_, Twox64Concat, VersionId, History<T::MaxRounds>, ValueQuery>;

	/// What was said about all versions of a model in all rounds that are settled.
	#[pallet::storage]
	pub type ModelTallies<T> = StorageMap<_, Twox64Concat, ModelId, Tally, ValueQuery>;

	/// How wrong expectations were, by class. There are 300 classes at most.
	#[pallet::storage]
	pub type Calibrations<T> = StorageMap<_, Twox64Concat, Class, Calibration, ValueQuery>;

	/// What happens to ratings.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody rates an answer, and has not said how.
		RatingCommitted {
			/// The request.
			request: RequestId,
			/// Who rates.
			rater: T::AccountId,
			/// The round.
			round: u32,
			/// The most that the rating can earn.
			cap: BalanceOf<T>,
			/// The most that it can lose, on hold like the deposit.
			stake: BalanceOf<T>,
		},
		/// A rating was revealed.
		RatingRevealed {
			/// The request.
			request: RequestId,
			/// The version that answered.
			version: VersionId,
			/// Who rates.
			rater: T::AccountId,
			/// The rating.
			rating: Rating,
		},
		/// A rating was never revealed: its stake is gone, its deposit returned.
		RatingForfeited {
			/// The request.
			request: RequestId,
			/// Who committed.
			rater: T::AccountId,
			/// Taken from the rater.
			taken: BalanceOf<T>,
		},
		/// A rating was paid for, and everything else that was held for it returned.
		RatingSettled {
			/// The request.
			request: RequestId,
			/// Who rated.
			rater: T::AccountId,
			/// Paid to the rater.
			paid: BalanceOf<T>,
			/// Taken from the rater.
			taken: BalanceOf<T>,
		},
		/// What was said about a version in a round is part of its history.
		VersionRated {
			/// The version.
			version: VersionId,
			/// The round.
			round: u32,
			/// Good ratings in this round.
			good: u64,
			/// Bad ratings in this round.
			bad: u64,
		},
		/// A round began: commitments are for this one, and those of the one before can be revealed.
		RoundBegan {
			/// The round.
			round: u32,
		},
		/// All ratings of a round are settled.
		RoundSettled {
			/// The round.
			round: u32,
			/// Paid to raters.
			paid: BalanceOf<T>,
			/// Taken from raters.
			taken: BalanceOf<T>,
			/// Taken from those who never revealed.
			forfeited: BalanceOf<T>,
		},
	}

	/// Why a call is refused. Nothing changes when it is.
	#[pallet::error]
	pub enum Error<T> {
		/// The request has no result yet, has failed, or is pruned.
		NotFinal,
		/// Only who asked can rate.
		NotYourRequest,
		/// The result became final before the last round began: it can't be rated any more.
		TooLate,
		/// The request is rated already.
		AlreadyRated,
		/// There is no rating of this request to reveal in this round: a rating is revealed in the
		/// round after its commitment.
		NothingToReveal,
		/// The rating is revealed already.
		AlreadyRevealed,
		/// Rating and salt are not what was committed to.
		CommitmentMismatch,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::serve(now, meter);
		}

		fn integrity_test() {
			assert!(!T::RoundLength::get().is_zero(), "a round has at least one block");
			assert!(T::MinPeers::get() > 0, "a rating is scored against at least one other");
			assert!(T::MaxRounds::get() > 0, "at least one round of a version is kept");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Rate an answer, without saying how yet.
		///
		/// ## Dispatch Origin
		/// Signed by whoever asked.
		///
		/// ## Details
		/// In the round in which the result became final, or in the next one. `commitment` is
		/// [`rating_commitment`](dodona_primitives_inference::rating_commitment) of the rating with
		/// 32 random bytes, which have to be kept until they are revealed in the round after this
		/// one. Holds what the rating can lose, and a deposit.
		///
		/// ## Errors
		/// - [`Error::NotFinal`], [`Error::NotYourRequest`], [`Error::TooLate`]
		/// - [`Error::AlreadyRated`]
		/// - that of a hold
		///
		/// ## Events
		/// [`Event::RatingCommitted`]
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::commit_rating())]
		pub fn commit_rating(
			origin: OriginFor<T>,
			#[pallet::compact] request: RequestId,
			commitment: H256,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_commit(who, request, commitment)
		}

		/// Say how an answer was rated.
		///
		/// ## Dispatch Origin
		/// Signed by whoever committed.
		///
		/// ## Details
		/// In the round after the one of the commitment. A rating that is not revealed loses its
		/// whole stake.
		///
		/// ## Errors
		/// - [`Error::NothingToReveal`], [`Error::NotYourRequest`], [`Error::AlreadyRevealed`]
		/// - [`Error::CommitmentMismatch`]
		///
		/// ## Events
		/// [`Event::RatingRevealed`]; later [`Event::RatingSettled`] or [`Event::RatingForfeited`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::reveal_rating())]
		pub fn reveal_rating(
			origin: OriginFor<T>,
			#[pallet::compact] request: RequestId,
			rating: Rating,
			salt: Salt,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_reveal(who, request, rating, salt)
		}
	}
}
