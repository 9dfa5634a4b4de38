//! Whose artifact is whose.

use crate::{Artifacts, Claim, Config, Pallet};
use dodona_primitives_models::VersionId;
use sp_core::H256;
use sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	/// Notes that a new version has the artifact; the first one's model claims it.
	pub(crate) fn claim(artifact: H256, version: VersionId) {
		Artifacts::<T>::mutate(artifact, |claim| match claim {
			Some(claim) => claim.versions.saturating_inc(),
			None => *claim = Some(Claim { first: version, versions: 1, lasting: false }),
		});
	}

	/// Notes that a version with the artifact has been put into use.
	pub(crate) fn make_claim_last(artifact: H256, version: VersionId) {
		Artifacts::<T>::mutate(artifact, |claim| match claim {
			Some(claim) if claim.first.model == version.model => claim.lasting = true,
			_ => {},
		});
	}

	/// Notes that a version with the artifact was revoked, and whether the guardian did it.
	pub(crate) fn weaken_claim(artifact: H256, version: VersionId, by_guardian: bool) {
		Artifacts::<T>::mutate_exists(artifact, |entry| {
			let Some(claim) = entry else { return };
			claim.versions.saturating_dec();
			if by_guardian && claim.first.model == version.model {
				claim.lasting = false;
			}
			if claim.versions == 0 && !claim.lasting {
				*entry = None;
			}
		});
	}

	/// Ends the lasting claim of the version's model. Returns whether there was one.
	pub(crate) fn end_claim(artifact: H256, version: VersionId) -> bool {
		Artifacts::<T>::mutate_exists(artifact, |entry| match entry {
			Some(claim) if claim.first.model == version.model && claim.lasting => {
				claim.lasting = false;
				if claim.versions == 0 {
					*entry = None;
				}
				true
			},
			_ => false,
		})
	}
}
