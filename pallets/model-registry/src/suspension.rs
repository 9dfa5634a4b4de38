//! Taking a version out of service for a while.

use crate::{
	state::{next, Step},
	Config, Error, Event, Models, Pallet, Reason,
};
use alloc::vec::Vec;
use dodona_primitives_models::{Live, VersionId, VersionState};
use frame_support::pallet_prelude::DispatchResult;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_suspend(version: VersionId, reason: Vec<u8>) -> DispatchResult {
		// Longer ones would not decode as a `Reason`, and nobody would be told why.
		let reason = Reason::try_from(reason).map_err(|_| Error::<T>::ReasonTooLong)?;
		let mut model = Self::known(version.model)?;
		let mut record = Self::version_of(version)?;
		record.state = next::<T>(record.state, Step::Suspend { reason: reason.clone() })?;
		if model.active == Some(version.number) {
			model.active = None;
			Models::<T>::insert(version.model, model);
		}
		Self::note_suspended(record.manifest.artifact.root);
		Self::put(version, record);
		Self::deposit_event(Event::VersionSuspended { version, reason });
		Ok(())
	}

	pub(crate) fn do_lift(version: VersionId) -> DispatchResult {
		let mut model = Self::known(version.model)?;
		let mut record = Self::version_of(version)?;
		let has_active = model.active.is_some();
		record.state = next::<T>(record.state, Step::Lift { has_active })?;
		let state = match record.state {
			VersionState::Active => {
				model.active = Some(version.number);
				Models::<T>::insert(version.model, model);
				Live::Active
			},
			VersionState::Approved => Live::Approved,
			_ => Live::Deprecated,
		};
		Self::note_lifted(record.manifest.artifact.root);
		Self::put(version, record);
		Self::deposit_event(Event::SuspensionLifted { version, state });
		Ok(())
	}
}
