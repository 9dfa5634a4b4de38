//! What others may know: other pallets and clients.

use crate::{
	keeping::Part, BalanceOf, Config, Descriptions, Lineage, ManifestOf, Models, Names,
	NextModelId, Pallet, StateOf, VersionOf, Versions,
};
use alloc::vec::Vec;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{
	ModelId, ModelInfo, ModelInspect, ModelLineage, Name, VersionId, VersionInfo, VersionState,
};
use frame_system::pallet_prelude::BlockNumberFor;

/// Most ids that are looked at at once.
const MAX_LISTED: u32 = 256;

impl<T: Config> ModelInspect for Pallet<T> {
	type Balance = BalanceOf<T>;

	fn active_version(model: ModelId) -> Option<VersionId> {
		let number = Models::<T>::get(model)?.active?;
		let version = VersionId { model, number };
		Self::is_served(version).then_some(version)
	}

	fn manifest(version: VersionId) -> Option<ManifestOf<T>> {
		Some(Versions::<T>::get(version.model, version.number)?.manifest)
	}

	fn is_served(version: VersionId) -> bool {
		Self::is_and_runs(version, |state| {
			matches!(state, VersionState::Active | VersionState::Deprecated)
		})
	}

	fn may_answer(version: VersionId) -> bool {
		Self::is_and_runs(version, |state| {
			!matches!(state, VersionState::Suspended { .. } | VersionState::Revoked { .. })
		})
	}

	fn is_proposed(version: VersionId) -> bool {
		Versions::<T>::get(version.model, version.number)
			.is_some_and(|record| record.state == VersionState::Proposed)
	}
}

impl<T: Config> ModelLineage for Pallet<T> {
	type AccountId = T::AccountId;

	fn exists(model: ModelId) -> bool {
		Models::<T>::contains_key(model)
	}

	fn owner(model: ModelId) -> Option<T::AccountId> {
		Models::<T>::get(model)?.owner
	}

	fn parent(version: VersionId) -> Option<VersionId> {
		Lineage::<T>::get(version)
	}
}

impl<T: Config> Pallet<T> {
	/// The models among the `limit` ids, and never more than 256, from `start`, by id.
	pub fn models(start: ModelId, limit: u32) -> Vec<ModelInfo<T::AccountId>> {
		// Ids, not models: of however many none may be left.
		let end = start.saturating_add(limit.min(MAX_LISTED)).min(NextModelId::<T>::get());
		(start..end).filter_map(Self::info).collect()
	}

	/// The model with this name.
	pub fn model_by_name(name: Vec<u8>) -> Option<ModelInfo<T::AccountId>> {
		Self::info(Names::<T>::get(Name::try_from(name).ok()?)?)
	}

	/// A version.
	pub fn version(
		id: VersionId,
	) -> Option<VersionInfo<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>> {
		let VersionOf::<T> { proposer, state, manifest, .. } =
			Versions::<T>::get(id.model, id.number)?;
		let kept_until = Self::kept_until(id, Part::Weights);
		Some(VersionInfo { id, proposer, state, kept_until, manifest })
	}

	fn info(id: ModelId) -> Option<ModelInfo<T::AccountId>> {
		let model = Models::<T>::get(id)?;
		let described = Descriptions::<T>::get(id);
		Some(model.into_info(id, described.map(|of| of.metadata).unwrap_or_default()))
	}

	/// Whether the version's state is as wanted, and the engine the one that it was published for:
	/// another would give other answers than those that were approved.
	fn is_and_runs(version: VersionId, is_as_wanted: fn(&StateOf<T>) -> bool) -> bool {
		Versions::<T>::get(version.model, version.number).is_some_and(|record| {
			is_as_wanted(&record.state) && record.manifest.engine == ENGINE_VERSION
		})
	}
}
