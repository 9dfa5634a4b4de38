//! What a manifest must be like.

use crate::{Artifacts, Claim, Config, Error, ManifestOf, Pallet, Versions};
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{ArtifactRef, ModelId};
use frame_support::{ensure, pallet_prelude::DispatchResult};

impl<T: Config> Pallet<T> {
	/// Refuses a manifest that `model` can't have a version with.
	pub(crate) fn ensure_valid(model: ModelId, manifest: &ManifestOf<T>) -> DispatchResult {
		ensure!(manifest.engine == ENGINE_VERSION, Error::<T>::UnsupportedEngine);
		ensure!(manifest.architecture.validate().is_ok(), Error::<T>::InvalidArchitecture);
		let artifact = &manifest.artifact;
		let is_long_enough = artifact.size > manifest.architecture.least_artifact_len();
		ensure!(artifact.is_well_formed() && is_long_enough, Error::<T>::InvalidArtifact);
		let tokenizer = manifest.tokenizer.as_ref();
		ensure!(tokenizer.is_none_or(ArtifactRef::is_well_formed), Error::<T>::InvalidTokenizer);
		ensure!(is_printable(&manifest.licence), Error::<T>::InvalidLicence);
		if let Some(parent) = manifest.derived_from {
			let exists = Versions::<T>::contains_key(parent.model, parent.number);
			ensure!(exists, Error::<T>::UnknownParent);
		}
		if let Some(Claim { first, .. }) = Artifacts::<T>::get(artifact.root) {
			let is_derived = manifest.derived_from.is_some_and(|of| of.model == first.model);
			ensure!(first.model == model || is_derived, Error::<T>::ArtifactTaken);
		}
		Ok(())
	}
}

fn is_printable(text: &[u8]) -> bool {
	text.iter().any(u8::is_ascii_graphic)
		&& text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}
