//! A version's life.

use crate::{
	Artifacts, Config, Error, Event, HoldReason, ManifestOf, ModelOf, Models, Pallet, Reason,
	Version, VersionOf, Versions,
};
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{ModelId, VersionId, VersionState};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
	traits::{fungible::MutateHold, tokens::Precision::BestEffort, Get},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{
	traits::{Saturating, Zero},
	ArithmeticError,
};

/// What is done to a version.
#[derive(Clone, Copy)]
enum Step {
	Approve,
	Activate,
	Deprecate,
	Revoke,
}

/// The state that a step leads to.
fn next<T: Config>(state: VersionState, step: Step) -> Result<VersionState, Error<T>> {
	use VersionState::*;
	match (step, state) {
		(Step::Approve, Proposed) => Ok(Approved),
		(Step::Approve, Approved | Active | Deprecated | Revoked) => Err(Error::NotProposed),
		(Step::Activate, Approved | Deprecated) => Ok(Active),
		(Step::Activate, Proposed | Active | Revoked) => Err(Error::NotActivatable),
		(Step::Deprecate, Active) => Ok(Deprecated),
		(Step::Deprecate, Proposed | Approved | Deprecated | Revoked) => Err(Error::NotActive),
		(Step::Revoke, Proposed | Approved | Active | Deprecated) => Ok(Revoked),
		(Step::Revoke, Revoked) => Err(Error::AlreadyRevoked),
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_propose(
		who: T::AccountId,
		model: ModelId,
		manifest: ManifestOf<T>,
	) -> DispatchResult {
		let mut record = Self::known(model)?;
		if let Some(owner) = &record.owner {
			ensure!(*owner == who, Error::<T>::NotOwner);
		}
		Self::ensure_valid(model, &manifest)?;
		ensure!(record.live < T::MaxLiveVersions::get(), Error::<T>::TooManyVersions);

		let number = record.latest.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let deposit = T::VersionDeposit::get();
		T::Currency::hold(&HoldReason::Version.into(), &who, deposit)?;

		record.latest = number;
		record.live.saturating_inc();
		Models::<T>::insert(model, record);
		let version = VersionId { model, number };
		let artifact = manifest.artifact.root;
		if !Artifacts::<T>::contains_key(artifact) {
			Artifacts::<T>::insert(artifact, version);
		}
		let proposed = Version {
			proposer: who.clone(),
			deposit,
			state: VersionState::Proposed,
			revoked_for: None,
			manifest,
		};
		Self::put(version, proposed);
		Self::deposit_event(Event::VersionProposed { version, proposer: who, artifact });
		Ok(())
	}

	pub(crate) fn do_approve(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (_, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Approve)?;
		Self::put(version, record);
		Self::deposit_event(Event::VersionApproved { version });
		Ok(())
	}

	pub(crate) fn do_activate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (mut model, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Activate)?;
		// The engine may have changed since the version was proposed.
		ensure!(record.manifest.engine == ENGINE_VERSION, Error::<T>::UnsupportedEngine);

		if let Some(number) = model.active.replace(version.number) {
			let before = VersionId { number, ..version };
			let mut deprecated = Self::version_of(before)?;
			deprecated.state = next::<T>(deprecated.state, Step::Deprecate)?;
			Self::put(before, deprecated);
			Self::deposit_event(Event::VersionDeprecated { version: before });
		}
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		Self::deposit_event(Event::VersionActivated { version });
		Ok(())
	}

	pub(crate) fn do_deprecate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (mut model, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Deprecate)?;
		model.active = None;
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		Self::deposit_event(Event::VersionDeprecated { version });
		Ok(())
	}

	pub(crate) fn do_revoke(
		origin: OriginFor<T>,
		version: VersionId,
		reason: Reason,
	) -> DispatchResult {
		let mut model = Self::known(version.model)?;
		let mut record = Self::version_of(version)?;
		Self::ensure_may_revoke(origin, &model, &record)?;
		record.state = next::<T>(record.state, Step::Revoke)?;

		T::Currency::release(
			&HoldReason::Version.into(),
			&record.proposer,
			record.deposit,
			BestEffort,
		)?;
		record.deposit = Zero::zero();
		record.revoked_for = Some(reason.clone());
		if model.active == Some(version.number) {
			model.active = None;
		}
		model.live.saturating_dec();
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		Self::deposit_event(Event::VersionRevoked { version, reason });
		Ok(())
	}

	fn ensure_may_revoke(
		origin: OriginFor<T>,
		model: &ModelOf<T>,
		record: &VersionOf<T>,
	) -> DispatchResult {
		let Err(origin) = T::GuardianOrigin::try_origin(origin) else { return Ok(()) };
		// Nobody has relied on a proposal yet: its proposer may take it back.
		let is_proposer = ensure_signed(origin.clone()).is_ok_and(|who| who == record.proposer);
		if record.state == VersionState::Proposed && is_proposer {
			return Ok(());
		}
		Self::ensure_governs(origin, model)
	}

	/// The version and its model, if `origin` governs them.
	fn governed(
		origin: OriginFor<T>,
		version: VersionId,
	) -> Result<(ModelOf<T>, VersionOf<T>), DispatchError> {
		let model = Self::known(version.model)?;
		Self::ensure_governs(origin, &model)?;
		Ok((model, Self::version_of(version)?))
	}

	fn version_of(version: VersionId) -> Result<VersionOf<T>, DispatchError> {
		Versions::<T>::get(version.model, version.number).ok_or(Error::<T>::UnknownVersion.into())
	}

	fn put(version: VersionId, record: VersionOf<T>) {
		Versions::<T>::insert(version.model, version.number, record);
	}
}
