//! Benchmarks of the calls.

use super::*;
use dodona_primitives_models::{
	ContributionId, ContributionKind, EntryId, ModelId, RoyaltyAccounts, VersionId,
};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Inspect, Mutate},
		Get,
	},
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::{
	traits::{One, Saturating},
	Perbill, SaturatedConversion,
};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// Owns the models.
	fn owner() -> AccountId;

	/// A new model.
	fn register() -> ModelId;

	/// A version of a new model that descends from so many others of its own model, the first of
	/// which was derived from a version of another model.
	fn descendant(ancestors: u32) -> VersionId;
}

/// More than any benchmark needs.
fn much<T: Config>() -> BalanceOf<T> {
	let least = T::Currency::minimum_balance().saturating_add(T::ContributionDeposit::get());
	least.saturating_mul(1_000_000u32.into())
}

fn funded<T: Config>(name: &'static str) -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = account(name, 0, 0);
	T::Currency::mint_into(&who, much::<T>())?;
	Ok(who)
}

/// Opens the account in which earnings wait.
fn open_pot<T: Config>() -> Result<(), BenchmarkError> {
	T::Currency::mint_into(&Pallet::<T>::pot(), T::Currency::minimum_balance())?;
	Ok(())
}

fn propose<T: Config>(
	author: &T::AccountId,
	model: ModelId,
) -> Result<ContributionId, BenchmarkError> {
	let id = NextContribution::<T>::get();
	let (kind, share) = (ContributionKind::Dataset, Perbill::from_percent(10));
	Pallet::<T>::do_propose(author.clone(), model, kind, H256::repeat_byte(1), share)?;
	Ok(id)
}

/// As many contributions to a model as may wait but one, and then one of an account with as many as
/// it may have but one.
fn crowded<T: Config>(model: ModelId, author: &T::AccountId) {
	let first = NextContribution::<T>::get();
	let others = first.saturating_add(T::MaxOpen::get()).saturating_sub(1);
	let open: BoundedVec<ContributionId, T::MaxOpen> =
		BoundedVec::truncate_from((first..others).collect());
	Open::<T>::insert(model, open);
	NextContribution::<T>::put(others);
	OpenBy::<T>::insert(author, T::MaxOpenPerAccount::get().saturating_sub(1));
}

/// Fills a model's table but for `room` entries; the first `vesting` of them vest until the next
/// block, and the others have vested. Returns the holder of all.
fn filled<T: Config>(
	model: ModelId,
	room: u32,
	vesting: u32,
) -> Result<T::AccountId, BenchmarkError> {
	let holder = funded::<T>("holder")?;
	let now = frame_system::Pallet::<T>::block_number().saturated_into::<u64>();
	let share = Perbill::from_parts(1_000_000);
	let mut table = Table::<T>::default();
	for id in 0..T::MaxEntries::get().saturating_sub(room) {
		let blocks = u64::from(id < vesting);
		let earner = table.royalties.admit(share, now, blocks);
		if !earner.is_vested {
			let _ = table.vesting.try_push((earner.until, id));
		}
		let (kind, content) = (ContributionKind::Code, H256::repeat_byte(2));
		Entries::<T>::insert(model, id, Entry { holder: holder.clone(), kind, content, earner });
		table.next = id.saturating_add(1);
		table.entries = table.next;
		table.granted = table.granted.saturating_add(share);
	}
	Tables::<T>::insert(model, table);
	Ok(holder)
}

/// A full table whose entries all earned something, and the holder of all.
fn earning<T: Config>() -> Result<(ModelId, EntryId, T::AccountId), BenchmarkError> {
	open_pot::<T>()?;
	let model = T::BenchmarkHelper::register();
	let holder = filled::<T>(model, 0, T::MaxEntries::get())?;
	next_block::<T>();
	let version = VersionId { model, number: 1 };
	T::Currency::mint_into(&Pallet::<T>::royalty_account(version), much::<T>())?;
	Pallet::<T>::do_distribute(version)?;
	Ok((model, T::MaxEntries::get().saturating_sub(1), holder))
}

fn next_block<T: Config>() {
	let now = frame_system::Pallet::<T>::block_number();
	frame_system::Pallet::<T>::set_block_number(now.saturating_add(BlockNumberFor::<T>::one()));
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn propose_contribution() -> Result<(), BenchmarkError> {
		let model = T::BenchmarkHelper::register();
		let author = funded::<T>("author")?;
		crowded::<T>(model, &author);
		let id = NextContribution::<T>::get();
		let (kind, share) = (ContributionKind::Dataset, Perbill::from_percent(10));

		#[extrinsic_call]
		_(RawOrigin::Signed(author), model, kind, H256::repeat_byte(1), share);

		assert!(Contributions::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn accept_contribution() -> Result<(), BenchmarkError> {
		let model = T::BenchmarkHelper::register();
		filled::<T>(model, 1, T::MaxEntries::get())?;
		let author = funded::<T>("author")?;
		crowded::<T>(model, &author);
		let id = propose::<T>(&author, model)?;
		let origin = RawOrigin::Signed(T::BenchmarkHelper::owner());
		let (share, vesting) = (Perbill::from_percent(1), T::MaxVesting::get());

		#[extrinsic_call]
		_(origin, id, share, vesting);

		assert_eq!(Tables::<T>::get(model).entries, T::MaxEntries::get());
		Ok(())
	}

	#[benchmark]
	fn reject_contribution() -> Result<(), BenchmarkError> {
		let model = T::BenchmarkHelper::register();
		let author = funded::<T>("author")?;
		crowded::<T>(model, &author);
		let id = propose::<T>(&author, model)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(T::BenchmarkHelper::owner()), id);

		assert!(!Contributions::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn withdraw_contribution() -> Result<(), BenchmarkError> {
		let model = T::BenchmarkHelper::register();
		let author = funded::<T>("author")?;
		crowded::<T>(model, &author);
		let id = propose::<T>(&author, model)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(author), id);

		assert!(!Contributions::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn end_share() -> Result<(), BenchmarkError> {
		let (model, entry, holder) = earning::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(holder), model, entry);

		assert!(!Entries::<T>::contains_key(model, entry));
		Ok(())
	}

	#[benchmark]
	fn transfer_share() -> Result<(), BenchmarkError> {
		let (model, entry, holder) = earning::<T>()?;
		let to: T::AccountId = account("next", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(holder), model, entry, to.clone());

		assert_eq!(Entries::<T>::get(model, entry).map(|entry| entry.holder), Some(to));
		Ok(())
	}

	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let (model, entry, _) = earning::<T>()?;
		let anyone = funded::<T>("anyone")?;

		#[extrinsic_call]
		_(RawOrigin::Signed(anyone), model, entry);

		let table = Tables::<T>::get(model);
		let entry = Entries::<T>::get(model, entry).ok_or("the entry stays")?;
		assert_eq!(entry.earner.pending(&table.royalties), 0);
		Ok(())
	}

	/// With so many entries whose vesting has ended.
	#[benchmark]
	fn distribute(r: Linear<0, { T::MaxEntries::get() }>) -> Result<(), BenchmarkError> {
		open_pot::<T>()?;
		// As far to the next model as is looked.
		let version = T::BenchmarkHelper::descendant(T::MaxLineageDepth::get().saturating_sub(1));
		filled::<T>(version.model, 0, r)?;
		next_block::<T>();
		let much = much::<T>();
		T::Currency::mint_into(&Pallet::<T>::royalty_account(version), much)?;
		let step = math::Step { earned: much.saturated_into(), through: much.saturated_into() };
		let steps = (0..T::MaxLineageDepth::get()).map(|_| step).collect();
		Inherited::<T>::insert(version, StepsOf::<T>::truncate_from(steps));
		for _ in 0..T::MaxLineageDepth::get() {
			T::Currency::mint_into(&Pallet::<T>::pot(), much)?;
			T::Currency::mint_into(&Pallet::<T>::pot(), much)?;
		}
		let anyone = funded::<T>("anyone")?;

		#[extrinsic_call]
		_(RawOrigin::Signed(anyone), version);

		assert!(Tables::<T>::get(version.model).vesting.is_empty());
		assert!(!Inherited::<T>::contains_key(version));
		Ok(())
	}

	impl_benchmark_test_suite!(
		Pallet,
		crate::mock::ExtBuilder::default().build(),
		crate::mock::Test
	);
}
