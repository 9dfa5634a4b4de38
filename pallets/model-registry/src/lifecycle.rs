//! How a version becomes the one in use.

use crate::{
	state::{next, Step},
	Config, Error, Event, HoldReason, ManifestOf, ModelOf, Models, Pallet, Proposals, Version,
	VersionOf, Versions,
};
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{ModelId, ModelInspect, UpgradeGate, VersionId, VersionState};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
	traits::Get,
};
use frame_system::pallet_prelude::OriginFor;
use sp_runtime::{traits::Saturating, ArithmeticError};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_propose(
		who: T::AccountId,
		model: ModelId,
		manifest: ManifestOf<T>,
	) -> DispatchResult {
		let mut record = Self::known(model)?;
		let own = Proposals::<T>::get(model, &who);
		match &record.owner {
			Some(owner) => ensure!(*owner == who, Error::<T>::NotOwner),
			None => ensure!(own == 0, Error::<T>::AlreadyProposing),
		}
		Self::ensure_valid(model, &manifest)?;
		ensure!(record.proposals < T::MaxProposals::get(), Error::<T>::TooManyProposals);

		let number = record.latest.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let deposit = Self::version_deposit(&manifest);
		Self::hold(HoldReason::Version, &who, deposit)?;

		record.latest = number;
		record.records.saturating_inc();
		record.proposals.saturating_inc();
		Models::<T>::insert(model, record);
		Proposals::<T>::insert(model, &who, own.saturating_add(1));
		let version = VersionId { model, number };
		let artifact = manifest.artifact.root;
		Self::claim(artifact, version);
		Self::note_parent(version, manifest.derived_from);
		let (proposer, state) = (who.clone(), VersionState::Proposed);
		let proposed_at = frame_system::Pallet::<T>::block_number();
		Self::put(version, Version { proposer, deposit, proposed_at, state, manifest });
		Self::deposit_event(Event::VersionProposed { version, proposer: who, artifact });
		Ok(())
	}

	pub(crate) fn do_approve(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let mut model = Self::known(version.model)?;
		let must_be_better = Self::ensure_approver(origin, &model)?;
		let mut record = Self::version_of(version)?;
		record.state = next::<T>(record.state, Step::Approve)?;
		ensure!(model.live < T::MaxLiveVersions::get(), Error::<T>::TooManyVersions);
		Self::ensure_not_suspended(record.manifest.artifact.root)?;
		T::Gate::ensure_admitted(version)?;
		if must_be_better {
			Self::ensure_better(version, &model)?;
		}

		model.live.saturating_inc();
		Self::end_proposal(version.model, &mut model, &record.proposer);
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		T::Gate::close(version, true);
		Self::deposit_event(Event::VersionApproved { version });
		Ok(())
	}

	pub(crate) fn do_activate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let is_override = T::OverrideOrigin::try_origin(origin.clone()).is_ok();
		let (mut model, mut record) = Self::governed(origin, version)?;
		let was_approved = record.state == VersionState::Approved;
		record.state = next::<T>(record.state, Step::Activate)?;
		Self::ensure_not_suspended(record.manifest.artifact.root)?;
		// Another version may have become active since it was approved, or an owner approved it.
		if model.owner.is_none() && was_approved && !is_override {
			Self::ensure_better(version, &model)?;
		}
		// The engine may have changed since the version was proposed.
		ensure!(record.manifest.engine == ENGINE_VERSION, Error::<T>::UnsupportedEngine);

		model.was_used = true;
		if let Some(number) = model.active.replace(version.number) {
			let before = VersionId { number, ..version };
			let mut deprecated = Self::version_of(before)?;
			deprecated.state = next::<T>(deprecated.state, Step::Deprecate)?;
			Self::put(before, deprecated);
			Self::deposit_event(Event::VersionDeprecated { version: before });
		}
		Models::<T>::insert(version.model, model);
		Self::make_claim_last(record.manifest.artifact.root, version);
		Self::put(version, record);
		T::Gate::activated(version);
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

	/// Refuses an origin that may not approve versions of the model. Returns whether they have to be
	/// better than the active one.
	fn ensure_approver(origin: OriginFor<T>, model: &ModelOf<T>) -> Result<bool, DispatchError> {
		let is_commons = model.owner.is_none();
		let origin = match T::OverrideOrigin::try_origin(origin) {
			Ok(_) if is_commons => return Ok(false),
			// Overriding is of no use to an owner, and nobody else has a say.
			Ok(_) => return Err(DispatchError::BadOrigin),
			Err(origin) => origin,
		};
		Self::ensure_governed_by(origin, model)?;
		Ok(is_commons)
	}

	/// Refuses a version that isn't better than the active one.
	fn ensure_better(version: VersionId, model: &ModelOf<T>) -> DispatchResult {
		let active = model.active.map(|number| VersionId { number, ..version });
		// One for another engine answers nothing any more.
		match active.filter(|active| Self::is_served(*active)) {
			Some(active) => T::Gate::ensure_better(version, active),
			// Else a worse one would follow whenever the active one is put out of use first.
			None => {
				ensure!(!model.was_used, Error::<T>::NothingToCompare);
				Ok(())
			},
		}
	}

	/// Notes that a version doesn't wait for approval any more.
	pub(crate) fn end_proposal(id: ModelId, model: &mut ModelOf<T>, proposer: &T::AccountId) {
		model.proposals.saturating_dec();
		Proposals::<T>::mutate_exists(id, proposer, |count| {
			*count = count.and_then(|count| count.checked_sub(1)).filter(|count| *count > 0);
		});
	}

	/// The version and its model, if `origin` governs them.
	fn governed(
		origin: OriginFor<T>,
		version: VersionId,
	) -> Result<(ModelOf<T>, VersionOf<T>), DispatchError> {
		let model = Self::known(version.model)?;
		Self::ensure_governed_by(origin, &model)?;
		Ok((model, Self::version_of(version)?))
	}

	pub(crate) fn version_of(version: VersionId) -> Result<VersionOf<T>, DispatchError> {
		Versions::<T>::get(version.model, version.number).ok_or(Error::<T>::UnknownVersion.into())
	}

	pub(crate) fn put(version: VersionId, record: VersionOf<T>) {
		Versions::<T>::insert(version.model, version.number, record);
	}
}
