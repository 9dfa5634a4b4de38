//! What clients may know. Nothing here is called by the runtime itself.

use crate::{
	distribution::all_of,
	math::{parts, share_of, sum},
	types::{amount, BalanceOf, ContributionInfoOf, EntryOf, RoyaltyInfoOf, RoyaltyTableOf, Table},
	Config, Contributions, Entries, Inherited, Open, Pallet, Tables,
};
use alloc::vec::Vec;
use dodona_primitives_models::{
	ContributionInfo, EntryId, ModelId, ModelLineage, RoyaltyInfo, RoyaltyTable, VersionId,
};
use sp_runtime::{traits::Saturating, Perbill, SaturatedConversion};

impl<T: Config> Pallet<T> {
	/// Who gets how much of what a model earns; `None` if there is no such model, nor ever was a
	/// contribution to it.
	pub fn royalties(model: ModelId) -> Option<RoyaltyTableOf<T>> {
		if !T::Models::exists(model) && !Tables::<T>::contains_key(model) {
			return None;
		}
		let table = Tables::<T>::get(model);
		let mut entries: Vec<_> = Entries::<T>::iter_prefix(model)
			.map(|(id, entry)| Self::royalty_info(&table, id, entry))
			.collect();
		entries.sort_by_key(|entry| entry.id);
		let granted =
			entries.iter().fold(0u128, |sum, entry| sum.saturating_add(parts(entry.vested)));
		// Of what vests, as much is left as is shown not to count.
		let remainder = Perbill::one().saturating_sub(share_of(granted));
		let waiting = amount::<T>(table.royalties.waiting());
		Some(RoyaltyTable { owner: T::Models::owner(model), remainder, waiting, entries })
	}

	/// The contributions to a model that wait, oldest first.
	pub fn contributions(model: ModelId) -> Vec<ContributionInfoOf<T>> {
		Open::<T>::get(model)
			.into_iter()
			.filter_map(|id| {
				let found = Contributions::<T>::get(id)?;
				Some(ContributionInfo {
					id,
					author: found.author,
					kind: found.kind,
					content: found.content,
					share: found.share,
					deposit: found.deposit,
				})
			})
			.collect()
	}

	/// What a version earned that isn't distributed, with what came from versions that were derived
	/// from it.
	pub fn undistributed(version: VersionId) -> BalanceOf<T> {
		let inherited = sum(all_of(&Inherited::<T>::get(version)));
		amount::<T>(Self::earned_by(version).saturating_add(inherited))
	}

	fn royalty_info(table: &Table<T>, id: EntryId, entry: EntryOf<T>) -> RoyaltyInfoOf<T> {
		let now = frame_system::Pallet::<T>::block_number().saturated_into();
		let EntryOf::<T> { holder, kind, content, earner } = entry;
		RoyaltyInfo {
			id,
			holder,
			kind,
			content,
			share: earner.share,
			vested: share_of(earner.parts_at(now)),
			from: earner.from.saturated_into(),
			until: earner.until.saturated_into(),
			pending: amount::<T>(earner.pending(&table.royalties)),
		}
	}
}
