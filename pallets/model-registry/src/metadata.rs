//! What is said of a model.

use crate::{
	name::is_valid_part, Config, Described, Descriptions, Error, Event, HoldReason, Pallet,
};
use dodona_primitives_models::{Metadata, ModelId};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use frame_system::pallet_prelude::OriginFor;
use sp_runtime::traits::Zero;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_metadata(
		origin: OriginFor<T>,
		model: ModelId,
		metadata: Option<Metadata>,
	) -> DispatchResult {
		let record = Self::known(model)?;
		Self::ensure_governed_by(origin, &record)?;
		if let Some(metadata) = &metadata {
			ensure!(is_description(&metadata.description), Error::<T>::InvalidDescription);
			ensure!(metadata.tags.iter().all(|tag| is_valid_part(tag)), Error::<T>::InvalidTag);
			let are_mirrors = metadata.mirrors.iter().all(|mirror| is_mirror(mirror));
			ensure!(are_mirrors, Error::<T>::InvalidMirror);
		}

		let before = Descriptions::<T>::take(model).map(|described| described.deposit);
		let after = metadata.as_ref().map(Self::metadata_deposit);
		// The commons pays no deposits.
		let mut deposit = Zero::zero();
		if let Some(owner) = &record.owner {
			deposit = after.unwrap_or_default();
			let before = before.unwrap_or_default();
			Self::adjust_hold(HoldReason::Metadata, owner, before, deposit)?;
		}
		match metadata {
			Some(metadata) => {
				Descriptions::<T>::insert(model, Described { metadata, deposit });
				Self::deposit_event(Event::MetadataSet { model });
			},
			None => Self::deposit_event(Event::MetadataCleared { model }),
		}
		Ok(())
	}
}

fn is_description(text: &[u8]) -> bool {
	core::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control))
}

fn is_mirror(address: &[u8]) -> bool {
	let host = address.strip_prefix(b"https://").or_else(|| address.strip_prefix(b"http://"));
	host.is_some_and(|host| !host.is_empty() && host.iter().all(u8::is_ascii_graphic))
}
