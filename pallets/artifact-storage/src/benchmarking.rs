//! Benchmarks of the pallet, and what those of other pallets need of it.

use super::*;
use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Mutate, MutateHold},
		Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::traits::{Bounded, One, Saturating};

/// An account that can pay any deposit.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
	let who: T::AccountId = account(name, 0, 0);
	let _ = T::Currency::set_balance(&who, BalanceOf::<T>::max_value() / 4u32.into());
	who
}

/// Makes `data` the extrinsic that is being applied.
fn enter_extrinsic<T: Config>(index: u32, data: Vec<u8>) {
	// It lives for a block in memory only: no proof holds it but the extrinsic itself, whose length
	// is counted elsewhere.
	frame_benchmarking::benchmarking::add_to_whitelist(Pallet::<T>::extrinsic_key(index).into());
	frame_system::Pallet::<T>::set_extrinsic_index(index);
	frame_system::Pallet::<T>::note_extrinsic(data);
}

/// Starts an extrinsic in which chunks can be renewed, in a block that is full of stores.
pub fn enter_renewing_extrinsic<T: Config>() {
	enter_extrinsic::<T>(0, vec![7u8; 32]);
	fill_pending::<T>(T::MaxChunksPerBlock::get(), 0);
}

/// Has a chunk of 32 bytes with this hash kept at a deposit of `payer`, renewable now or not.
pub fn keep<T: Config>(payer: &T::AccountId, content_hash: H256, is_renewable: bool) {
	let now = frame_system::Pallet::<T>::block_number();
	let retention = T::RetentionPeriod::get();
	let left = if is_renewable { retention / 2u32.into() } else { retention };
	let expires_at = now.saturating_add(left).max(now.saturating_add(One::one()));
	let (size, deposit) = (32, Pallet::<T>::deposit_for(32));
	assert!(T::Currency::hold(&HoldReason::Chunk.into(), payer, deposit).is_ok());
	Expiring::<T>::insert(expires_at, content_hash, ());
	Cursor::<T>::put(now);
	let depositor = payer.clone();
	let chunk = Chunk { depositor, deposit, size, stored_at: now, extrinsic: 0, expires_at };
	Chunks::<T>::insert(content_hash, chunk);
}

/// Has `who` store `data`; returns its hash.
fn stored<T: Config>(who: &T::AccountId, data: Vec<u8>) -> H256 {
	enter_extrinsic::<T>(0, data.clone());
	let content_hash = H256(sp_io::hashing::blake2_256(&data));
	assert!(Pallet::<T>::do_store(who.clone(), data).is_ok());
	Pending::<T>::kill();
	content_hash
}

/// Goes to the block in which what is stored now expires.
fn expire<T: Config>() -> BlockNumberFor<T> {
	let now = frame_system::Pallet::<T>::block_number()
		.saturating_add(T::RetentionPeriod::get())
		.saturating_add(One::one());
	frame_system::Pallet::<T>::set_block_number(now);
	now
}

/// Queues this many stores, and this many renewals.
fn fill_pending<T: Config>(stores: u32, renewals: u32) {
	let mut pending = Vec::new();
	for index in 0..stores.saturating_add(renewals) {
		let extrinsic = index.saturating_add(1);
		let content_hash = H256::repeat_byte(index as u8);
		pending.push(if index < stores {
			Indexing::Store { extrinsic, content_hash, size: 1 }
		} else {
			Indexing::Renew { extrinsic, content_hash }
		});
	}
	Pending::<T>::put(BoundedVec::truncate_from(pending));
}

/// Goes to the last block in which what is stored now is kept.
fn almost_expire<T: Config>() {
	let now = frame_system::Pallet::<T>::block_number()
		.saturating_add(T::RetentionPeriod::get())
		.saturating_sub(One::one());
	frame_system::Pallet::<T>::set_block_number(now);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn store(b: Linear<1, { T::MaxChunkSize::get() }>) {
		let caller = funded::<T>("caller");
		let data = vec![7u8; b as usize];
		// The same content has expired, and its deposit goes back to somebody else.
		let content_hash = stored::<T>(&funded::<T>("depositor"), data.clone());
		expire::<T>();
		enter_extrinsic::<T>(0, data.clone());
		let stores = T::MaxChunksPerBlock::get().saturating_sub(1);
		fill_pending::<T>(stores, T::MaxRenewalsPerBlock::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), data);

		assert!(Pallet::<T>::contains(content_hash));
	}

	#[benchmark]
	fn renew() {
		let content_hash = stored::<T>(&funded::<T>("depositor"), vec![7u8; 32]);
		let caller = funded::<T>("caller");
		almost_expire::<T>();
		let renewals = T::MaxRenewalsPerBlock::get().saturating_sub(1);
		fill_pending::<T>(T::MaxChunksPerBlock::get(), renewals);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), content_hash);

		assert!(Chunks::<T>::get(content_hash).is_some_and(|chunk| chunk.depositor == caller));
	}

	#[benchmark]
	fn release() {
		let content_hash = stored::<T>(&funded::<T>("depositor"), vec![7u8; 32]);
		let caller = funded::<T>("caller");
		expire::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), content_hash);

		assert!(!Chunks::<T>::contains_key(content_hash));
	}

	#[benchmark]
	fn on_finalize(n: Linear<0, { MaxIndexed::<T>::get() }>) {
		let stores = n.min(T::MaxChunksPerBlock::get());
		fill_pending::<T>(stores, n.saturating_sub(stores));

		#[block]
		{
			Pallet::<T>::tell_host();
		}

		assert!(Pending::<T>::get().is_empty());
	}

	#[benchmark]
	fn on_idle_base() {
		stored::<T>(&funded::<T>("depositor"), vec![7u8; 32]);
		let mut meter = WeightMeter::with_limit(T::WeightInfo::on_idle_base());

		#[block]
		{
			Pallet::<T>::release_expired(frame_system::Pallet::<T>::block_number(), &mut meter);
		}

		assert_eq!(Chunks::<T>::iter().count(), 1);
	}

	#[benchmark]
	fn on_idle_step() {
		let content_hash = stored::<T>(&funded::<T>("depositor"), vec![7u8; 32]);
		let expires_at = Chunks::<T>::get(content_hash).map(|chunk| chunk.expires_at);
		Cursor::<T>::set(expires_at);
		let now = expire::<T>();
		let limit = T::WeightInfo::on_idle_base().saturating_add(T::WeightInfo::on_idle_step());
		let mut meter = WeightMeter::with_limit(limit);

		#[block]
		{
			Pallet::<T>::release_expired(now, &mut meter);
		}

		assert_eq!(Chunks::<T>::iter().count(), 0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
