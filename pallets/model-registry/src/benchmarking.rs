//! Benchmarks of the pallet.

use super::*;
use alloc::{vec, vec::Vec};
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{
	Architecture, ArtifactRef, Manifest, Name, VersionId, VersionState, CHUNK_SIZE,
};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::ConstU32,
	traits::{fungible::Mutate, EnsureOrigin},
	BoundedVec,
};
use frame_system::{pallet_prelude::OriginFor, RawOrigin};
use sp_core::H256;
use sp_runtime::traits::Bounded;

/// An account that can pay any deposit.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
	let who: T::AccountId = account(name, 0, 0);
	let _ = T::Currency::set_balance(&who, BalanceOf::<T>::max_value() / 4u32.into());
	who
}

/// The longest value of a bounded field.
fn longest<const N: u32>() -> BoundedVec<u8, ConstU32<N>> {
	BoundedVec::truncate_from(vec![b'a'; N as usize])
}

/// A manifest that is as large as a valid one can be.
fn manifest<T: Config>(seed: u8) -> ManifestOf<T> {
	let widths = BoundedVec::truncate_from(vec![64; mlp::MAX_WIDTHS as usize]);
	let artifact = ArtifactRef {
		root: H256::repeat_byte(seed),
		index: H256::zero(),
		size: CHUNK_SIZE.into(),
		chunks: 1,
	};
	Manifest {
		architecture: Architecture::Mlp(mlp::Config { widths }),
		artifact,
		tokenizer: Some(artifact),
		engine: ENGINE_VERSION,
		derived_from: None,
		licence: longest(),
		price: BalanceOf::<T>::max_value(),
	}
}

/// As many letters.
fn text(length: u32) -> Vec<u8> {
	vec![b'a'; length as usize]
}

/// Model 0 of `owner`.
fn with_model<T: Config>(owner: &T::AccountId) {
	assert!(Pallet::<T>::do_register(owner.clone(), text(Name::bound() as u32)).is_ok());
}

/// A new version of model 0 of `owner` in `state`.
fn version_in<T: Config>(owner: &T::AccountId, seed: u8, state: VersionState) -> VersionId {
	let origin = || -> OriginFor<T> { RawOrigin::Signed(owner.clone()).into() };
	assert!(Pallet::<T>::do_propose(owner.clone(), 0, manifest::<T>(seed)).is_ok());
	let number = Models::<T>::get(0).map_or(0, |model| model.latest);
	let version = VersionId { model: 0, number };
	if state != VersionState::Proposed {
		assert!(Pallet::<T>::do_approve(origin(), version).is_ok());
	}
	if state == VersionState::Active {
		assert!(Pallet::<T>::do_activate(origin(), version).is_ok());
	}
	version
}

fn state_of<T: Config>(version: VersionId) -> Option<VersionState> {
	Versions::<T>::get(version.model, version.number).map(|record| record.state)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register(n: Linear<1, { Name::bound() as u32 }>) {
		let caller = funded::<T>("caller");

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), text(n));

		assert!(Models::<T>::contains_key(0));
	}

	#[benchmark]
	fn propose_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let parent = version_in::<T>(&caller, 1, VersionState::Proposed);
		let mut manifest = manifest::<T>(2);
		manifest.derived_from = Some(parent);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, manifest);

		assert!(Versions::<T>::contains_key(0, 2));
	}

	#[benchmark]
	fn approve_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, VersionState::Proposed);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert_eq!(state_of::<T>(version), Some(VersionState::Approved));
	}

	#[benchmark]
	fn activate_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let before = version_in::<T>(&caller, 1, VersionState::Active);
		let version = version_in::<T>(&caller, 2, VersionState::Approved);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert_eq!(state_of::<T>(before), Some(VersionState::Deprecated));
		assert_eq!(state_of::<T>(version), Some(VersionState::Active));
	}

	#[benchmark]
	fn deprecate_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, VersionState::Active);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert_eq!(state_of::<T>(version), Some(VersionState::Deprecated));
	}

	#[benchmark]
	fn revoke_version(r: Linear<0, { Reason::bound() as u32 }>) -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, VersionState::Proposed);
		// Its deposit goes to the treasury.
		let guardian =
			T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(guardian as T::RuntimeOrigin, version, text(r));

		assert_eq!(state_of::<T>(version), Some(VersionState::Revoked));
		Ok(())
	}

	#[benchmark]
	fn donate_to_commons() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0);

		assert!(Models::<T>::get(0).is_some_and(|model| model.owner.is_none()));
	}

	#[benchmark]
	fn transfer_ownership() {
		let caller = funded::<T>("caller");
		let new_owner = funded::<T>("new owner");
		with_model::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, new_owner.clone());

		assert!(Models::<T>::get(0).is_some_and(|model| model.owner == Some(new_owner)));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
