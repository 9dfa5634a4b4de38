//! Benchmarks of the calls, and of what other pallets ask for.

use super::*;
use crate::draw::StoredNodes;
use alloc::vec::Vec;
use dodona_primitives_staking::{Offence, RewardSink, Role, StakeInspect, StakeSlash};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Balanced, Inspect},
		EnsureOrigin, Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::{
	traits::{Saturating, Zero},
	Perbill, SaturatedConversion,
};

/// Seats and excluded operators that draws are measured with, at most.
const MAX_DRAWN: u32 = 32;
const MAX_EXCLUDED: u32 = 96;

/// Delegators that an operator is measured with, at most: more cost nothing more, and the tests
/// count that up to ten thousand.
const MAX_DELEGATORS: u32 = 100;

/// More than any benchmark bonds.
fn stake<T: Config>() -> BalanceOf<T> {
	T::MinBond::get().saturating_mul(10u32.into())
}

fn funded<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who: T::AccountId = account(name, index, 0);
	let amount = stake::<T>()
		.saturating_mul(10u32.into())
		.saturating_add(T::Currency::minimum_balance());
	// Whatever can't be resolved shows in the benchmark as a lack of funds.
	let _ = T::Currency::resolve(&who, T::Currency::issue(amount));
	who
}

fn bonded<T: Config>(index: u32) -> Result<T::AccountId, BenchmarkError> {
	let operator = funded::<T>("operator", index);
	Pallet::<T>::do_bond(operator.clone(), Role::Worker, account("hot", index, 0), stake::<T>())?;
	Ok(operator)
}

/// An operator in the first of two slots, with as many unbonding chunks as there can be, the
/// last of which matures at `last`.
fn laden<T: Config>(chunks: u32, last: BlockNumberFor<T>) -> Result<T::AccountId, BenchmarkError> {
	let operator = bonded::<T>(0)?;
	bonded::<T>(1)?;
	let bonded = stake::<T>();
	let amount = T::Currency::minimum_balance();
	let all = amount.saturating_mul(chunks.into());
	Pallet::<T>::do_bond_extra(operator.clone(), all)?;
	let unbonding: Vec<_> = (0..chunks)
		.map(|age| UnbondingChunk { amount, until: last.saturating_sub(age.into()) })
		.rev()
		.collect();
	Pallet::<T>::mutate_ledger(&operator, |ledger| {
		ledger.bonded = bonded;
		ledger.unbonding = BoundedVec::truncate_from(unbonding);
		Ok(())
	})?;
	Ok(operator)
}

/// What a benchmark delegates.
fn delegated<T: Config>() -> BalanceOf<T> {
	T::MinDelegation::get().saturating_mul(2u32.into())
}

/// Operator 0 with so many delegators, and the first of these with as many unbonding chunks as
/// there can be but one, with earnings that drip and a slash that isn't collected. All of it is due
/// at once.
fn pooled<T: Config>(delegators: u32) -> Result<(T::AccountId, T::AccountId), BenchmarkError> {
	let operator = laden::<T>(T::MaxUnbonding::get(), T::UnbondingPeriod::get())?;
	// So much that all may delegate to it, whatever the ratio.
	let chunks: BalanceOf<T> = T::MaxUnbonding::get().into();
	let parts = chunks.saturating_add(delegators.into()).saturating_add(2u32.into());
	let much = delegated::<T>().saturating_mul(parts).saturating_mul(2u32.into());
	let _ = T::Currency::resolve(&operator, T::Currency::issue(much));
	Pallet::<T>::do_bond_extra(operator.clone(), much)?;
	Pallet::<T>::do_set_commission(operator.clone(), T::MaxCommission::get())?;
	for index in 0..delegators {
		let who = funded::<T>("delegator", index);
		let _ = T::Currency::resolve(&who, T::Currency::issue(much));
		Pallet::<T>::do_delegate(who, operator.clone(), delegated::<T>(), Perbill::one())?;
	}
	let delegator: T::AccountId = account("delegator", 0, 0);
	let unit = T::MinDelegation::get();
	Pallet::<T>::do_delegate(
		delegator.clone(),
		operator.clone(),
		unit.saturating_mul(chunks),
		Perbill::one(),
	)?;
	for _ in 1..T::MaxUnbonding::get() {
		next_block::<T>(1u32.into());
		Pallet::<T>::do_undelegate(delegator.clone(), operator.clone(), unit)?;
	}
	earn::<T>(&operator);
	next_block::<T>(T::DripPeriod::get());
	Pallet::<T>::slash(&operator, Offence::NoShow, Perbill::from_percent(1), None);
	Ok((operator, delegator))
}

fn next_block<T: Config>(blocks: BlockNumberFor<T>) {
	let now = frame_system::Pallet::<T>::block_number();
	frame_system::Pallet::<T>::set_block_number(now.saturating_add(blocks));
}

/// Pays an operator a fee that is worth sharing, and not too much to be delegated again.
fn earn<T: Config>(operator: &T::AccountId) {
	let fee = T::Currency::minimum_balance().saturating_mul(1_000u32.into());
	Pallet::<T>::reward_operator(operator, T::Currency::issue(fee));
}

/// Notes a slash for later; returns its number.
fn deferred<T: Config>(operator: &T::AccountId, due: BlockNumberFor<T>) -> u32 {
	let id = NextSlash::<T>::get();
	let reporter = Some(funded::<T>("reporter", 0));
	Pallet::<T>::defer(operator, Offence::NoShow, Perbill::from_percent(1), reporter, due);
	id
}

/// As many slashes as can wait, due in the first block.
fn all_deferred<T: Config>(operator: &T::AccountId) -> u32 {
	let first = deferred::<T>(operator, Zero::zero());
	for _ in 1..T::MaxPendingSlashes::get() {
		deferred::<T>(operator, Zero::zero());
	}
	first
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn bond() -> Result<(), BenchmarkError> {
		bonded::<T>(0)?;
		let operator = funded::<T>("operator", 1);
		let hot_key: T::AccountId = account("hot", 1, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), Role::Worker, hot_key, stake::<T>());
		assert!(Ledgers::<T>::contains_key(operator));
		Ok(())
	}

	#[benchmark]
	fn bond_extra() -> Result<(), BenchmarkError> {
		let last = T::UnbondingPeriod::get();
		let operator = laden::<T>(T::MaxUnbonding::get(), last)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), stake::<T>());
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| ledger.bonded > stake::<T>()));
		Ok(())
	}

	#[benchmark]
	fn unbond() -> Result<(), BenchmarkError> {
		let last = T::UnbondingPeriod::get();
		let operator = laden::<T>(T::MaxUnbonding::get().saturating_sub(1), last)?;
		frame_system::Pallet::<T>::set_block_number(last);
		// All of it, which chills.
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), stake::<T>());
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| ledger.chilled));
		Ok(())
	}

	#[benchmark]
	fn rebond() -> Result<(), BenchmarkError> {
		let last = T::UnbondingPeriod::get();
		let operator = laden::<T>(T::MaxUnbonding::get(), last)?;
		let all = T::Currency::minimum_balance().saturating_mul(T::MaxUnbonding::get().into());
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), all);
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| ledger.unbonding.is_empty()));
		Ok(())
	}

	#[benchmark]
	fn withdraw_unbonded() -> Result<(), BenchmarkError> {
		let last = T::UnbondingPeriod::get();
		let operator = laden::<T>(T::MaxUnbonding::get().saturating_sub(1), last)?;
		// All of it, so that the operator retires, and another moves into its slot.
		Pallet::<T>::do_unbond(operator.clone(), stake::<T>())?;
		frame_system::Pallet::<T>::set_block_number(last.saturating_mul(2u32.into()));
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()));
		assert!(!Ledgers::<T>::contains_key(operator));
		Ok(())
	}

	#[benchmark]
	fn set_hot_key() -> Result<(), BenchmarkError> {
		let operator = bonded::<T>(0)?;
		let hot_key: T::AccountId = account("hot", 1, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(operator), hot_key.clone());
		assert!(HotKeys::<T>::contains_key(hot_key));
		Ok(())
	}

	#[benchmark]
	fn chill() -> Result<(), BenchmarkError> {
		let operator = laden::<T>(T::MaxUnbonding::get(), T::UnbondingPeriod::get())?;
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()));
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| ledger.chilled));
		Ok(())
	}

	#[benchmark]
	fn resume() -> Result<(), BenchmarkError> {
		let operator = laden::<T>(T::MaxUnbonding::get(), T::UnbondingPeriod::get())?;
		Pallet::<T>::do_chill(operator.clone())?;
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()));
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| !ledger.chilled));
		Ok(())
	}

	#[benchmark]
	fn punish() -> Result<(), BenchmarkError> {
		let operator = laden::<T>(T::MaxUnbonding::get(), T::UnbondingPeriod::get())?;
		// The last strike chills, whether the slash waits or not.
		Pallet::<T>::mutate_ledger(&operator, |ledger| {
			ledger.strikes = T::MaxStrikes::get();
			Ok(())
		})?;
		let taken;
		#[block]
		{
			taken = Pallet::<T>::punish(&operator, Offence::NoShow, Perbill::from_percent(99));
		}
		assert!(!taken.is_zero());
		assert!(Ledgers::<T>::get(operator).is_some_and(|ledger| ledger.chilled));
		Ok(())
	}

	#[benchmark]
	fn punish_deferred() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		for _ in 1..T::MaxPendingSlashes::get() {
			deferred::<T>(&operator, Zero::zero());
		}
		let reporter = Some(funded::<T>("reporter", 0));
		#[block]
		{
			let part = Perbill::from_percent(1);
			Pallet::<T>::defer(&operator, Offence::NoShow, part, reporter, Zero::zero());
		}
		assert_eq!(
			PendingSlashes::<T>::decode_len(&operator),
			Some(T::MaxPendingSlashes::get() as usize)
		);
		Ok(())
	}

	/// A slash of everything that an operator answers with.
	#[benchmark]
	fn slash(d: Linear<1, MAX_DELEGATORS>) -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(d)?;
		let reporter = Some(funded::<T>("reporter", 0));
		let taken;
		#[block]
		{
			let most = Perbill::from_percent(99);
			taken = Pallet::<T>::slash(&operator, Offence::Dissent, most, reporter);
		}
		assert!(!taken.is_zero());
		Ok(())
	}

	/// A fee for an operator with delegators.
	#[benchmark]
	fn reward_operator(d: Linear<1, MAX_DELEGATORS>) -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(d)?;
		let before = Pools::<T>::get(&operator).unwrap_or_default().stream.unclaimed;
		#[block]
		{
			earn::<T>(&operator);
		}
		assert!(Pools::<T>::get(&operator).unwrap_or_default().stream.unclaimed > before);
		Ok(())
	}

	#[benchmark]
	fn set_commission() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		Pallet::<T>::do_set_commission(operator.clone(), Perbill::zero())?;
		// A raise.
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), T::MaxCommission::get());
		assert!(Pools::<T>::get(&operator).is_some_and(|pool| pool.commission.raise.is_some()));
		Ok(())
	}

	#[benchmark]
	fn delegate() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(delegator.clone()), operator.clone(), delegated::<T>(), Perbill::one());
		assert!(Delegations::<T>::contains_key(delegator, operator));
		Ok(())
	}

	#[benchmark]
	fn undelegate() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		let one: BalanceOf<T> = 1u32.into();
		#[extrinsic_call]
		_(RawOrigin::Signed(delegator.clone()), operator.clone(), one);
		let unbonding = Delegations::<T>::get(delegator, operator).map(|all| all.unbonding.len());
		assert_eq!(unbonding, Some(T::MaxUnbonding::get() as usize));
		Ok(())
	}

	#[benchmark]
	fn withdraw_delegation() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		let worth = Pallet::<T>::stake_info(delegator.clone())
			.delegations
			.first()
			.map_or_else(Zero::zero, |info| info.active);
		// All of it, the earnings too, while as many slashes wait as can.
		Pallet::<T>::do_undelegate(delegator.clone(), operator.clone(), worth)?;
		all_deferred::<T>(&operator);
		next_block::<T>(T::UnbondingPeriod::get().max(T::LongestObligation::get()));
		#[extrinsic_call]
		_(RawOrigin::Signed(delegator.clone()), operator.clone(), delegator.clone(), true);
		assert!(!Delegations::<T>::contains_key(delegator, operator));
		Ok(())
	}

	/// The earnings are delegated again.
	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		Pallet::<T>::do_set_compound(delegator.clone(), operator.clone(), true)?;
		let held = || Delegations::<T>::get(&delegator, &operator).map(|all| all.held);
		let before = held();
		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), operator.clone(), delegator.clone());
		assert!(held() > before);
		Ok(())
	}

	/// A claim beside others who could claim: it costs no more.
	#[benchmark]
	fn claim_beside(d: Linear<1, MAX_DELEGATORS>) -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(d)?;
		#[extrinsic_call]
		claim(RawOrigin::Signed(operator.clone()), operator.clone(), delegator.clone());
		assert!(Delegations::<T>::get(delegator, operator).is_some_and(|all| all.unclaimed == 0));
		Ok(())
	}

	#[benchmark]
	fn set_compound() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(delegator.clone()), operator.clone(), true);
		assert!(Delegations::<T>::get(delegator, operator).is_some_and(|all| all.compound));
		Ok(())
	}

	#[benchmark]
	fn collect() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		let caller = funded::<T>("caller", 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), operator.clone(), delegator);
		assert!(Pools::<T>::get(operator).is_some_and(|pool| pool.shares.uncollected <= 1));
		Ok(())
	}

	#[benchmark]
	fn kick() -> Result<(), BenchmarkError> {
		let (operator, delegator) = pooled::<T>(1)?;
		// Worth nothing: it is gone at once, and what it earned is paid.
		Pallet::<T>::slash(&operator, Offence::Dissent, Perbill::one(), None);
		let caller = funded::<T>("caller", 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), operator.clone(), delegator.clone());
		assert!(!Delegations::<T>::contains_key(delegator, operator));
		Ok(())
	}

	#[benchmark]
	fn cancel_slash() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		let id = all_deferred::<T>(&operator);
		let origin = T::SlashCancelOrigin::try_successful_origin()
			.map_err(|()| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, operator.clone(), id);
		assert!(!SlashQueue::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn apply_slash() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		let id = all_deferred::<T>(&operator);
		let caller = funded::<T>("caller", 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), operator.clone(), id);
		assert!(!SlashQueue::<T>::contains_key(id));
		Ok(())
	}

	/// One slash that is due; finding out that no other is costs less.
	#[benchmark]
	fn serve_slash() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		let id = all_deferred::<T>(&operator);
		SlashesServed::<T>::put(id);
		let mut meter = WeightMeter::with_limit(T::WeightInfo::serve_slash());
		#[block]
		{
			Pallet::<T>::serve_slashes(T::UnbondingPeriod::get(), &mut meter);
		}
		assert!(!SlashQueue::<T>::contains_key(id));
		Ok(())
	}

	/// No slash waits, and an era goes on with none to be paid.
	#[benchmark]
	fn poll_base() -> Result<(), BenchmarkError> {
		let mut meter = WeightMeter::new();
		#[block]
		{
			Pallet::<T>::serve_slashes(Zero::zero(), &mut meter);
			Pallet::<T>::serve_eras(Zero::zero(), &mut meter);
		}
		assert!(meter.consumed().is_zero());
		assert!(CurrentPayout::<T>::get().is_none());
		Ok(())
	}

	/// The end of an era in which somebody worked, when as many are remembered as can be.
	#[benchmark]
	fn end_era() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		earn::<T>(&operator);
		let length: u64 = T::EraLength::get().saturated_into();
		let mut era = CurrentEra::<T>::get();
		for _ in 0..T::EraHistory::get() {
			era.since = era.since.saturating_add(length);
			PastEras::<T>::mutate(|past| {
				let _ = past.try_push(PastEra { era: 0, length, fees: 0, minted: 0, stake: 0 });
			});
		}
		let index = era.index;
		#[block]
		{
			Pallet::<T>::end_era(era, era.since.saturating_add(length));
		}
		assert_eq!(CurrentEra::<T>::get().index, index.saturating_add(1));
		Ok(())
	}

	/// One operator with delegators is paid.
	#[benchmark]
	fn pay_era_step() -> Result<(), BenchmarkError> {
		let (operator, _) = pooled::<T>(1)?;
		let era = CurrentEra::<T>::get();
		let pay = T::Currency::minimum_balance().saturating_mul(1_000_000u32.into());
		let _ = T::Currency::resolve(&Pallet::<T>::pot(), T::Currency::issue(pay));
		CurrentPayout::<T>::put(Payout {
			era: era.index,
			seats: era.seats,
			workers: pay.saturated_into(),
			contributed: 0,
			contributors: 0,
		});
		#[block]
		{
			Pallet::<T>::pay_era_step();
		}
		assert_eq!(SeatPoints::<T>::get(era.index, operator), 0);
		Ok(())
	}

	#[benchmark]
	fn draw(s: Linear<1, MAX_DRAWN>, e: Linear<0, MAX_EXCLUDED>) -> Result<(), BenchmarkError> {
		// Operators of the genesis would be in the way.
		let _ = Ledgers::<T>::clear(u32::MAX, None);
		let _ = Slots::<T>::clear(u32::MAX, None);
		let _ = Weights::<T>::clear(u32::MAX, None);
		// Slots far from one another, so that their paths share as few nodes as can be.
		let operators = s.saturating_add(e).min(T::MaxOperators::get());
		let apart = sum_tree::CAPACITY / operators.max(1);
		let weight: u128 = stake::<T>().saturated_into();
		let all = (0..operators).map(bonded::<T>).collect::<Result<Vec<_>, _>>()?;
		for (index, operator) in (0..operators).zip(&all).rev() {
			let slot = index.saturating_mul(apart);
			sum_tree::set(&mut StoredNodes::<T>::new(), index, 0);
			sum_tree::set(&mut StoredNodes::<T>::new(), slot, weight);
			Slots::<T>::remove(index);
			Slots::<T>::insert(slot, operator);
			Ledgers::<T>::mutate_extant(operator, |ledger| ledger.slot = slot);
		}
		let exclude: Vec<_> = all.into_iter().take(e as usize).collect();
		let drawn;
		#[block]
		{
			drawn = Pallet::<T>::draw(H256::repeat_byte(7), s, &exclude);
		}
		assert!(drawn.iter().all(|operator| !exclude.contains(operator)));
		assert_eq!(drawn.len() as u32, operators.saturating_sub(e).min(s));
		Ok(())
	}

	impl_benchmark_test_suite!(
		Pallet,
		crate::mock::ExtBuilder::default().build(),
		crate::mock::Test
	);
}
