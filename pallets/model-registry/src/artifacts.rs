//! Whose artifact is whose.

use crate::{Artifacts, Claim, Config, Error, Pallet};
use dodona_primitives_models::VersionId;
use frame_support::{ensure, pallet_prelude::DispatchResult};
use sp_core::H256;
use sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	/// Notes that a new version has the artifact; the first one's model claims it.
	pub(crate) fn claim(artifact: H256, version: VersionId) {
		Artifacts::<T>::mutate(artifact, |claim| match claim {
			Some(claim) => claim.versions.saturating_inc(),
			None => {
				*claim = Some(Claim { first: version, versions: 1, lasting: false, suspended: 0 })
			},
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

	/// Refuses an artifact of which a version is suspended: it would be served under another number.
	pub(crate) fn ensure_not_suspended(artifact: H256) -> DispatchResult {
		let suspended = Artifacts::<T>::get(artifact).map_or(0, |claim| claim.suspended);
		ensure!(suspended == 0, Error::<T>::ArtifactSuspended);
		Ok(())
	}

	/// Notes that a version with the artifact was suspended.
	pub(crate) fn note_suspended(artifact: H256) {
		Artifacts::<T>::mutate_extant(artifact, |claim| claim.suspended.saturating_inc());
	}

	/// Notes that a version with the artifact is not suspended any more.
	pub(crate) fn note_lifted(artifact: H256) {
		Artifacts::<T>::mutate_extant(artifact, |claim| claim.suspended.saturating_dec());
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
