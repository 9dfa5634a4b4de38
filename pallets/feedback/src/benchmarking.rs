//! Benchmarks of the calls, and of each step of a block.

use super::*;
use crate::score::{Outcome, Scale, Tally};
use dodona_primitives_inference::{rating_commitment, Rating, RequestId, RoundRatings, Salt};
use dodona_primitives_models::VersionId;
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Inspect, InspectHold, Mutate, MutateHold},
		Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::traits::{Bounded, Saturating, Zero};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper<AccountId, Balance> {
	/// A request of `requester` to `version` whose result becomes final in this block, and of whose
	/// fee the treasury gets so much, or as much as a fee allows.
	fn finalized(requester: &AccountId, version: VersionId, treasury: Balance) -> RequestId;
}

const REQUEST: RequestId = 7;
const VERSION: VersionId = VersionId { model: 1, number: 1 };
const SALT: Salt = [7; 32];
/// The round whose ratings are revealed in most of these.
const ROUND: u32 = 1;

/// An account that can pay any stake.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
	let who: T::AccountId = account(name, 0, 0);
	let _ = T::Currency::set_balance(&who, BalanceOf::<T>::max_value() / 4u32.into());
	who
}

/// Something that is neither zero nor dust.
fn some<T: Config>() -> BalanceOf<T> {
	T::Currency::minimum_balance().max(1_000_000u32.into())
}

/// A rating of [`REQUEST`] in [`ROUND`], with everything held for it.
fn rated<T: Config>(rater: &T::AccountId, said: Said) {
	let (cap, stake, deposit) = (some::<T>(), some::<T>(), T::Deposit::get());
	let held = stake.saturating_add(deposit);
	assert!(T::Currency::hold(&HoldReason::Rating.into(), rater, held).is_ok());
	let rater = rater.clone();
	let rating = Commitment { rater, version: VERSION, cap, stake, deposit, said };
	Ratings::<T>::insert(ROUND, REQUEST, rating);
}

/// A version that was rated in as many rounds as are kept one by one.
fn with_history<T: Config>() {
	let said = Tally { good: 1_000, bad: 1_000 };
	let round = RoundRatings { round: 0, good: 1, bad: 1 };
	let mut rounds = BoundedVec::default();
	while rounds.try_push(round).is_ok() {}
	Histories::<T>::insert(VERSION, History { said, rounds });
	ModelTallies::<T>::insert(VERSION.model, said);
}

fn settle_in<T: Config>(stage: Stage<BalanceOf<T>>) {
	let (index, since) = (ROUND.saturating_add(2), BlockNumberFor::<T>::zero());
	CurrentRound::<T>::put(Round { index, since, previous: since });
	CurrentSettlement::<T>::put(Settlement {
		round: ROUND,
		won: some::<T>(),
		forfeited: Zero::zero(),
		stage,
	});
}

/// A block with room for one step.
fn serve_one<T: Config>(step: frame_support::weights::Weight) {
	let limit = T::WeightInfo::poll_base().saturating_add(step);
	let mut meter = WeightMeter::with_limit(limit);
	Pallet::<T>::serve(frame_system::Pallet::<T>::block_number(), &mut meter);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn commit_rating() {
		let caller = funded::<T>("caller");
		let request = T::BenchmarkHelper::finalized(&caller, VERSION, some::<T>());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), request, H256::repeat_byte(1));

		assert!(Ratings::<T>::contains_key(CurrentRound::<T>::get().index, request));
	}

	#[benchmark]
	fn reveal_rating() {
		let caller = funded::<T>("caller");
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		let rating = Rating::Good;
		let commitment = rating_commitment(genesis.into(), REQUEST, &caller, rating, &SALT);
		rated::<T>(&caller, Said::Committed(commitment));
		let (index, since) = (ROUND.saturating_add(1), BlockNumberFor::<T>::zero());
		CurrentRound::<T>::put(Round { index, since, previous: since });

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), REQUEST, rating, SALT);

		assert_eq!(Tallies::<T>::get(ROUND, VERSION).said.good, 1);
	}

	/// Looking at what there is to do.
	#[benchmark]
	fn poll_base() {
		settle_in::<T>(Stage::Scoring);
		rated::<T>(&funded::<T>("rater"), Said::Revealed(Rating::Good));

		#[block]
		{
			serve_one::<T>(frame_support::weights::Weight::zero());
		}

		assert!(Ratings::<T>::contains_key(ROUND, REQUEST));
	}

	/// With something to settle.
	#[benchmark]
	fn begin_round() {
		rated::<T>(&funded::<T>("rater"), Said::Revealed(Rating::Good));
		let (index, since) = (ROUND.saturating_add(1), BlockNumberFor::<T>::zero());
		let round = Round { index, since, previous: since };
		CurrentRound::<T>::put(round);
		let now = T::RoundLength::get();

		#[block]
		{
			Pallet::<T>::begin_round(round, now);
		}

		assert!(CurrentSettlement::<T>::exists());
	}

	/// One that loses, the first of its version; and one that was never revealed costs less.
	#[benchmark]
	fn score_step() {
		let rater = funded::<T>("rater");
		rated::<T>(&rater, Said::Revealed(Rating::Good));
		with_history::<T>();
		let said = Tally { good: 1, bad: u64::from(T::MinPeers::get()).saturating_add(1) };
		Tallies::<T>::insert(ROUND, VERSION, RoundTally { said, basis: None });
		let own = OwnTally { said: Tally { good: 1, bad: 0 }, open: 1 };
		OwnTallies::<T>::insert((ROUND, VERSION), &rater, own);
		settle_in::<T>(Stage::Scoring);

		#[block]
		{
			serve_one::<T>(T::WeightInfo::score_step());
		}

		let scored = ScoredRatings::<T>::get(REQUEST);
		assert!(matches!(scored.map(|scored| scored.outcome), Some(Outcome::Lost(_))));
	}

	#[benchmark]
	fn learn_step() {
		with_history::<T>();
		let basis = Some(Pallet::<T>::basis(VERSION));
		let said = Tally { good: u64::from(T::MinPeers::get()).saturating_add(1), bad: 1 };
		Tallies::<T>::insert(ROUND, VERSION, RoundTally { said, basis });
		settle_in::<T>(Stage::Learning);

		#[block]
		{
			serve_one::<T>(T::WeightInfo::learn_step());
		}

		assert!(!Tallies::<T>::contains_key(ROUND, VERSION));
	}

	/// One that won; what one that lost leaves to the treasury costs as much.
	#[benchmark]
	fn pay_step() {
		let rater = funded::<T>("rater");
		let _ = T::Currency::set_balance(
			&T::Treasury::get(),
			BalanceOf::<T>::max_value() / 4u32.into(),
		);
		let held = some::<T>();
		assert!(T::Currency::hold(&HoldReason::Rating.into(), &rater, held).is_ok());
		let outcome = Outcome::Won(raw::<T>(some::<T>()));
		ScoredRatings::<T>::insert(REQUEST, Scored { rater: rater.clone(), held, outcome });
		let budget = some::<T>();
		let scale = Scale::new(raw::<T>(budget), raw::<T>(budget));
		let (paid, taken) = (Zero::zero(), Zero::zero());
		settle_in::<T>(Stage::Paying { budget, scale, paid, taken });

		#[block]
		{
			serve_one::<T>(T::WeightInfo::pay_step());
		}

		assert!(!ScoredRatings::<T>::contains_key(REQUEST));
		assert!(T::Currency::balance_on_hold(&HoldReason::Rating.into(), &rater).is_zero());
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
