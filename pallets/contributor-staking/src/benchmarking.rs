//! Benchmarks of the calls, and of what other pallets ask for.

use super::*;
use crate::draw::StoredNodes;
use alloc::vec::Vec;
use dodona_primitives_staking::{Offence, Role, StakeInspect, StakeSlash};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Balanced, Inspect},
		Get,
	},
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
