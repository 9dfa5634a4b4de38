//! What others may know: other pallets and clients.

use crate::{BalanceOf, Config, ManifestOf, Models, Names, NextModelId, Pallet, Versions};
use alloc::vec::Vec;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{
	ModelId, ModelInfo, ModelInspect, Name, VersionId, VersionInfo, VersionState,
};

/// Most models that are listed at once.
const MAX_LISTED: u32 = 256;

impl<T: Config> ModelInspect for Pallet<T> {
	type AccountId = T::AccountId;
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
		Versions::<T>::get(version.model, version.number).is_some_and(|record| {
			matches!(record.state, VersionState::Active | VersionState::Deprecated) &&
				// Another engine would give other answers than those that were approved.
				record.manifest.engine == ENGINE_VERSION
		})
	}

	fn beneficiary(model: ModelId) -> Option<T::AccountId> {
		Models::<T>::get(model)?.owner
	}
}

impl<T: Config> Pallet<T> {
	/// All models, by id, from `start`, at most `limit` and never more than 256.
	pub fn models(start: ModelId, limit: u32) -> Vec<ModelInfo<T::AccountId>> {
		(start..NextModelId::<T>::get())
			.take(limit.min(MAX_LISTED) as usize)
			.filter_map(|id| Some(Models::<T>::get(id)?.into_info(id)))
			.collect()
	}

	/// The model with this name.
	pub fn model_by_name(name: Vec<u8>) -> Option<ModelInfo<T::AccountId>> {
		let id = Names::<T>::get(Name::try_from(name).ok()?)?;
		Some(Models::<T>::get(id)?.into_info(id))
	}

	/// A version.
	pub fn version(id: VersionId) -> Option<VersionInfo<T::AccountId, BalanceOf<T>>> {
		let record = Versions::<T>::get(id.model, id.number)?;
		let (proposer, state, manifest) = (record.proposer, record.state, record.manifest);
		Some(VersionInfo { id, proposer, state, manifest })
	}
}
