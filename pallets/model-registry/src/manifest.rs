//! What a manifest must be like.

use crate::{Artifacts, Claim, Config, Error, ManifestOf, Pallet};
use dodona_engine::{artifact::MAX_LARGE_HEADER_LEN, Architecture, ENGINE_VERSION};
use dodona_primitives_models::{licence, ArtifactRef, ModelId};
use frame_support::{ensure, pallet_prelude::DispatchResult};

/// Most bytes for each parameter. One takes 4 at most; as many again are for what the engine reads
/// over: heads of encoders, a table that is there twice, constants.
const BYTES_PER_PARAMETER: u64 = 8;

/// The most bytes that an artifact of the architecture has: a longer one would cost everybody who
/// fetches or keeps it, and be refused by the engine in the end.
fn most_artifact_len(architecture: &Architecture) -> u64 {
	architecture
		.parameters()
		.saturating_mul(BYTES_PER_PARAMETER)
		.saturating_add(MAX_LARGE_HEADER_LEN.into())
}

impl<T: Config> Pallet<T> {
	/// Refuses a manifest that `model` can't have a version with.
	pub(crate) fn ensure_valid(model: ModelId, manifest: &ManifestOf<T>) -> DispatchResult {
		ensure!(manifest.engine == ENGINE_VERSION, Error::<T>::UnsupportedEngine);
		ensure!(manifest.architecture.validate().is_ok(), Error::<T>::InvalidArchitecture);
		let artifact = &manifest.artifact;
		let is_long_enough = artifact.size > manifest.architecture.least_artifact_len();
		ensure!(artifact.is_well_formed() && is_long_enough, Error::<T>::InvalidArtifact);
		let is_small_enough = artifact.size <= most_artifact_len(&manifest.architecture);
		ensure!(is_small_enough, Error::<T>::ArtifactTooLarge);
		let is_well_formed =
			|part: &Option<ArtifactRef>| part.as_ref().is_none_or(ArtifactRef::is_well_formed);
		ensure!(is_well_formed(&manifest.tokenizer), Error::<T>::InvalidTokenizer);
		ensure!(is_well_formed(&manifest.folder), Error::<T>::InvalidFolder);
		ensure!(licence::check(&manifest.licence).is_ok(), Error::<T>::InvalidLicence);
		if let Some(parent) = manifest.derived_from {
			ensure!(Self::has_existed(parent), Error::<T>::UnknownParent);
		}
		if let Some(Claim { first, .. }) = Artifacts::<T>::get(artifact.root) {
			let is_derived = manifest.derived_from.is_some_and(|of| of.model == first.model);
			ensure!(first.model == model || is_derived, Error::<T>::ArtifactTaken);
		}
		Self::ensure_not_suspended(artifact.root)
	}
}
