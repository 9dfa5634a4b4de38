//! What was derived from what.

use crate::{Config, Deregistered, Lineage, Models, Pallet};
use dodona_primitives_models::VersionId;

impl<T: Config> Pallet<T> {
	/// Whether there is such a version, or has been one: its model has given out its number.
	// A version's own number is given out after its parent was looked for, so none descends from
	// itself.
	pub(crate) fn has_existed(version: VersionId) -> bool {
		let latest = Models::<T>::get(version.model)
			.map(|model| model.latest)
			.or_else(|| Deregistered::<T>::get(version.model));
		version.number > 0 && latest.is_some_and(|latest| version.number <= latest)
	}

	/// Notes what a new version was derived from.
	pub(crate) fn note_parent(version: VersionId, parent: Option<VersionId>) {
		if let Some(parent) = parent {
			Lineage::<T>::insert(version, parent);
		}
	}

	/// Forgets what a version was derived from that nobody ever used.
	pub(crate) fn forget_parent(version: VersionId) {
		Lineage::<T>::remove(version);
	}
}
