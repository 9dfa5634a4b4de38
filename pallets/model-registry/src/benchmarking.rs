//! Benchmarks of the pallet.

use super::*;
use alloc::{vec, vec::Vec};
use codec::Encode;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{
	chunk_hash, Architecture, ArtifactRef, Live, Manifest, Metadata, Name, Organisation, Price,
	VersionId, VersionState, CHUNK_SIZE,
};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::ConstU32,
	traits::{
		fungible::{Inspect, InspectHold, Mutate},
		EnsureOrigin, Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{
	pallet_prelude::{BlockNumberFor, OriginFor},
	RawOrigin,
};
use sp_core::H256;
use sp_runtime::{
	traits::{Bounded, Saturating, Zero},
	DispatchResult,
};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper {
	/// Has the gate find that the version shows what it claims; and, if there is an active one, that
	/// it is better.
	fn let_pass(version: VersionId, active: Option<VersionId>);

	/// Has the gate find that nobody knows yet whether the version shows what it claims.
	fn let_wait(version: VersionId);

	/// Has the gate find that the version is in the middle of being compared with the active one.
	fn let_be_measured(version: VersionId, active: VersionId);

	/// Starts an extrinsic in which chunks can be renewed.
	fn start_extrinsic();

	/// Has the store keep a chunk with this hash, which can be renewed now or not.
	fn keep_chunk(hash: H256, is_renewable: bool);
}

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
		pages: H256::zero(),
		tokenizer: Some(artifact),
		folder: Some(artifact),
		known_answers: H256::zero(),
		engine: ENGINE_VERSION,
		derived_from: None,
		// The longest to check.
		licence: BoundedVec::truncate_from(
			b"((((((((MIT OR ISC OR MIT OR ISC OR MIT OR ISC OR MIT))))))))".to_vec(),
		),
		price: Price { request: BalanceOf::<T>::max_value(), work: BalanceOf::<T>::max_value() },
	}
}

/// Metadata that are as large as can be.
fn metadata() -> Metadata {
	let mut mirror = b"https://".to_vec();
	mirror.resize(128, b'a');
	Metadata {
		description: longest(),
		card: Some(H256::zero()),
		tags: BoundedVec::truncate_from(vec![longest(); 8]),
		mirrors: BoundedVec::truncate_from(vec![BoundedVec::truncate_from(mirror); 4]),
	}
}

/// As many letters.
fn text(length: u32) -> Vec<u8> {
	vec![b'a'; length as usize]
}

/// The organisation of all models here.
fn organisation() -> Organisation {
	longest_but(2)
}

/// A name under it that is as long as can be.
fn name() -> Vec<u8> {
	[&organisation()[..], b"/b"].concat()
}

/// As many letters as fit into a name, but for some.
fn longest_but(fewer: u32) -> Organisation {
	BoundedVec::truncate_from(text((Name::bound() as u32).saturating_sub(fewer)))
}

/// Model 0 of `owner`, of which all is said that can be.
fn with_model<T: Config>(owner: &T::AccountId) {
	assert!(Pallet::<T>::do_register(owner.clone(), name()).is_ok());
	let origin = RawOrigin::Signed(owner.clone()).into();
	assert!(Pallet::<T>::do_set_metadata(origin, 0, Some(metadata())).is_ok());
}

/// A new version of model 0 of `owner` in `state`.
fn version_in<T: Config>(owner: &T::AccountId, seed: u8, state: Live) -> VersionId {
	let origin = || -> OriginFor<T> { RawOrigin::Signed(owner.clone()).into() };
	let version = proposed::<T>(owner, seed);
	T::BenchmarkHelper::let_pass(version, None);
	assert!(Pallet::<T>::do_approve(origin(), version).is_ok());
	if state == Live::Active {
		assert!(Pallet::<T>::do_activate(origin(), version).is_ok());
	}
	version
}

/// A new version of model 0 that waits for approval.
fn proposed<T: Config>(proposer: &T::AccountId, seed: u8) -> VersionId {
	assert!(Pallet::<T>::do_propose(proposer.clone(), 0, manifest::<T>(seed)).is_ok());
	let number = Models::<T>::get(0).map_or(0, |model| model.latest);
	VersionId { model: 0, number }
}

/// Revokes a version of `owner`, and lets time pass until it can be pruned.
fn revoke_and_wait<T: Config>(owner: &T::AccountId, version: VersionId) -> DispatchResult {
	let origin = RawOrigin::Signed(owner.clone()).into();
	Pallet::<T>::do_revoke(origin, version, text(Reason::bound() as u32))?;
	let now = frame_system::Pallet::<T>::block_number();
	let later = now.saturating_add(T::RevokedRetention::get());
	frame_system::Pallet::<T>::set_block_number(later);
	Ok(())
}

fn state_of<T: Config>(version: VersionId) -> Option<StateOf<T>> {
	Versions::<T>::get(version.model, version.number).map(|record| record.state)
}

/// An approved version of model 0, and its index: of its chunks some can be renewed, and some and
/// the index not.
fn kept_version<T: Config>(owner: &T::AccountId, due: u32, others: u32) -> (VersionId, Vec<u8>) {
	let chunks = due.saturating_add(others);
	let hashes: Vec<H256> = (0..chunks).map(|chunk| chunk_hash(&chunk.encode())).collect();
	let size = u64::from(chunks).saturating_mul(CHUNK_SIZE.into());
	let (artifact, index) = ArtifactRef::of_chunks(size, &hashes);
	for (position, hash) in (0..).zip(hashes) {
		T::BenchmarkHelper::keep_chunk(hash, position < due);
	}
	T::BenchmarkHelper::keep_chunk(artifact.index, false);
	let version = proposed::<T>(owner, 1);
	// As if it were of an architecture that has as many weights.
	Versions::<T>::mutate(version.model, version.number, |record| {
		if let Some(record) = record {
			record.manifest.artifact = artifact;
		}
	});
	T::BenchmarkHelper::let_pass(version, None);
	let origin = RawOrigin::Signed(owner.clone()).into();
	assert!(Pallet::<T>::do_approve(origin, version).is_ok());
	(version, index)
}

/// Endows model 0 with more than it will ever need.
fn endow_richly<T: Config>() {
	let endowment = Pallet::<T>::endowment_account(0);
	let _ = T::Currency::set_balance(&endowment, BalanceOf::<T>::max_value() / 8u32.into());
}

/// A version whose weights lapse next.
fn lapsing_version<T: Config>() -> BlockNumberFor<T> {
	let owner = funded::<T>("owner");
	with_model::<T>(&owner);
	let version = proposed::<T>(&owner, 1);
	let at = frame_system::Pallet::<T>::block_number().saturating_add(T::LapseNotice::get());
	Kept::<T>::insert(version, Part::Weights, at);
	Lapsing::<T>::insert(at, version, ());
	LapseCursor::<T>::put(at);
	at
}

fn holder<T: Config>() -> Option<T::AccountId> {
	Organisations::<T>::get(organisation()).map(|holding| holding.holder)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register(n: Linear<3, { Name::bound() as u32 }>) {
		let caller = funded::<T>("caller");
		// The first model of an organisation.
		let name = [&text(n.saturating_sub(2))[..], b"/b"].concat();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), name);

		assert!(Models::<T>::contains_key(0));
	}

	#[benchmark]
	fn propose_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let parent = version_in::<T>(&caller, 1, Live::Approved);
		let mut manifest = manifest::<T>(2);
		manifest.derived_from = Some(parent);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, manifest);

		assert!(Versions::<T>::contains_key(0, 2));
	}

	#[benchmark]
	fn approve_version() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let active = version_in::<T>(&caller, 1, Live::Active);
		Pallet::<T>::do_donate(caller.clone(), 0)?;
		let version = proposed::<T>(&caller, 2);
		T::BenchmarkHelper::let_pass(version, Some(active));
		// The version has to be better than the active one.
		let curator =
			T::CuratorOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(curator as T::RuntimeOrigin, version);

		assert_eq!(state_of::<T>(version), Some(VersionState::Approved));
		Ok(())
	}

	#[benchmark]
	fn activate_version() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let before = version_in::<T>(&caller, 1, Live::Active);
		let version = version_in::<T>(&caller, 2, Live::Approved);
		Pallet::<T>::do_donate(caller.clone(), 0)?;
		// It has to be better than the active one, and has a set by which that was measured.
		T::BenchmarkHelper::let_pass(version, Some(before));
		let curator =
			T::CuratorOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(curator as T::RuntimeOrigin, version);

		assert_eq!(state_of::<T>(before), Some(VersionState::Deprecated));
		assert_eq!(state_of::<T>(version), Some(VersionState::Active));
		Ok(())
	}

	#[benchmark]
	fn deprecate_version() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, Live::Active);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert_eq!(state_of::<T>(version), Some(VersionState::Deprecated));
	}

	#[benchmark]
	fn revoke_version(r: Linear<0, { Reason::bound() as u32 }>) -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let parent = version_in::<T>(&caller, 1, Live::Active);
		let mut manifest = manifest::<T>(2);
		manifest.derived_from = Some(parent);
		Pallet::<T>::do_propose(caller.clone(), 0, manifest)?;
		Pallet::<T>::do_donate(caller.clone(), 0)?;
		let version = VersionId { model: 0, number: 2 };
		// What the gate has found is dropped, and the deposit goes to the treasury.
		T::BenchmarkHelper::let_be_measured(version, parent);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version, text(r));

		assert!(matches!(state_of::<T>(version), Some(VersionState::Revoked { .. })));
		Ok(())
	}

	#[benchmark]
	fn donate_to_commons() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		// There is a set by which the model is measured.
		let [version, active] = [2, 1].map(|number| VersionId { model: 0, number });
		T::BenchmarkHelper::let_pass(version, Some(active));

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
		_(RawOrigin::Signed(caller), 0, Some(new_owner.clone()));

		assert_eq!(Offers::<T>::get(0), Some(new_owner));
	}

	#[benchmark]
	fn accept_ownership() -> Result<(), BenchmarkError> {
		let owner = funded::<T>("owner");
		let caller = funded::<T>("caller");
		with_model::<T>(&owner);
		Pallet::<T>::do_offer(owner, 0, Some(caller.clone()))?;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), 0);

		assert!(Models::<T>::get(0).is_some_and(|model| model.owner == Some(caller)));
		Ok(())
	}

	#[benchmark]
	fn set_metadata() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let mut metadata = metadata();
		metadata.card = None;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, Some(metadata.clone()));

		assert!(Descriptions::<T>::get(0).is_some_and(|described| described.metadata == metadata));
	}

	#[benchmark]
	fn suspend_version(r: Linear<0, { Reason::bound() as u32 }>) -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, Live::Active);
		let guard =
			T::SuspendOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(guard as T::RuntimeOrigin, version, text(r));

		assert!(matches!(state_of::<T>(version), Some(VersionState::Suspended { .. })));
		Ok(())
	}

	#[benchmark]
	fn lift_suspension() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, Live::Active);
		Pallet::<T>::do_suspend(version, text(Reason::bound() as u32))?;
		let guardian =
			T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(guardian as T::RuntimeOrigin, version);

		assert_eq!(state_of::<T>(version), Some(VersionState::Active));
		Ok(())
	}

	#[benchmark]
	fn prune_version() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, Live::Active);
		revoke_and_wait::<T>(&caller, version)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert_eq!(state_of::<T>(version), None);
		Ok(())
	}

	#[benchmark]
	fn deregister() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = version_in::<T>(&caller, 1, Live::Active);
		revoke_and_wait::<T>(&caller, version)?;
		Pallet::<T>::do_prune(version)?;
		Pallet::<T>::do_offer(caller.clone(), 0, Some(funded::<T>("new owner")))?;
		let endowment = Pallet::<T>::endowment_account(0);
		let _ = T::Currency::set_balance(&endowment, BalanceOf::<T>::max_value() / 8u32.into());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0);

		assert!(!Models::<T>::contains_key(0));
		Ok(())
	}

	#[benchmark]
	fn transfer_organisation() {
		let caller = funded::<T>("caller");
		let new_holder = funded::<T>("new holder");
		with_model::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), organisation(), new_holder.clone());

		assert_eq!(holder::<T>(), Some(new_holder));
	}

	#[benchmark]
	fn reassign_organisation() -> Result<(), BenchmarkError> {
		let owner = funded::<T>("owner");
		let new_holder = funded::<T>("new holder");
		with_model::<T>(&owner);
		let curator =
			T::CuratorOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(curator as T::RuntimeOrigin, organisation(), new_holder.clone());

		assert_eq!(holder::<T>(), Some(new_holder));
		Ok(())
	}

	#[benchmark]
	fn release_organisation() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		Pallet::<T>::do_deregister(caller.clone(), 0)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), organisation());

		assert_eq!(holder::<T>(), None);
		Ok(())
	}

	#[benchmark]
	fn drop_proposal() -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let parent = version_in::<T>(&caller, 1, Live::Approved);
		let mut manifest = manifest::<T>(2);
		manifest.derived_from = Some(parent);
		Pallet::<T>::do_propose(caller.clone(), 0, manifest)?;
		Pallet::<T>::do_donate(caller.clone(), 0)?;
		let version = VersionId { model: 0, number: 2 };
		T::BenchmarkHelper::let_wait(version);
		let now = frame_system::Pallet::<T>::block_number();
		let later = now.saturating_add(T::AdmissionPeriod::get());
		frame_system::Pallet::<T>::set_block_number(later);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version);

		assert!(matches!(state_of::<T>(version), Some(VersionState::Revoked { .. })));
		Ok(())
	}

	#[benchmark]
	fn endow() {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let amount = BalanceOf::<T>::max_value() / 8u32.into();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, amount);

		let endowment = Pallet::<T>::endowment_account(0);
		assert_eq!(T::Currency::balance(&endowment), amount);
	}

	// So many chunks would have a proof of more than a block, if the most that each could have to
	// show were added up.
	#[benchmark(pov_mode = Measured)]
	fn keep_version(
		c: Linear<1, { T::MaxKeptChunks::get().saturating_sub(T::MaxRenewals::get()) }>,
		r: Linear<0, { T::MaxRenewals::get() }>,
	) {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		endow_richly::<T>();
		let (version, index) = kept_version::<T>(&caller, r, c);
		T::BenchmarkHelper::start_extrinsic();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version, Part::Weights, index);

		assert!(Pallet::<T>::kept_until(version, Part::Weights).is_some());
		let held = T::Currency::total_balance_on_hold(&Pallet::<T>::endowment_account(0));
		assert_eq!(held.is_zero(), r == 0);
	}

	/// A chunk of so many bytes, which is all the weights.
	#[benchmark]
	fn refute_pages(b: Linear<1, { CHUNK_SIZE }>) -> Result<(), BenchmarkError> {
		let caller = funded::<T>("caller");
		with_model::<T>(&caller);
		let version = proposed::<T>(&caller, 1);
		let chunk = vec![1; b as usize];
		Versions::<T>::mutate(version.model, version.number, |record| {
			if let Some(record) = record {
				record.manifest.artifact = ArtifactRef::of(&chunk).0;
			}
		});
		let (none, claimed) = (BoundedVec::default(), H256::zero());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), version, 0, chunk, none.clone(), claimed, none);

		assert!(matches!(state_of::<T>(version), Some(VersionState::Revoked { .. })));
		Ok(())
	}

	#[benchmark]
	fn on_idle_base() {
		let at = lapsing_version::<T>();
		let mut meter = WeightMeter::with_limit(T::WeightInfo::on_idle_base());

		#[block]
		{
			Pallet::<T>::announce_lapses(at, &mut meter);
		}

		assert_eq!(Lapsing::<T>::iter().count(), 1);
	}

	#[benchmark]
	fn on_idle_step() {
		let at = lapsing_version::<T>();
		let limit = T::WeightInfo::on_idle_base().saturating_add(T::WeightInfo::on_idle_step());
		let mut meter = WeightMeter::with_limit(limit);

		#[block]
		{
			Pallet::<T>::announce_lapses(at, &mut meter);
		}

		assert_eq!(Lapsing::<T>::iter().count(), 0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
