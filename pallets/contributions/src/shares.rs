//! What holders of shares do with them.

use crate::{types::EntryOf, Config, Entries, Error, Event, Pallet, Table, Tables};
use dodona_primitives_models::{EntryId, ModelId};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_claim(model: ModelId, id: EntryId) -> DispatchResult {
		let (mut table, mut entry) = Self::entry(model, id)?;
		let paid = table.royalties.pay(&mut entry.earner);
		ensure!(paid > 0, Error::<T>::NothingToClaim);
		Tables::<T>::insert(model, table);
		Entries::<T>::insert(model, id, &entry);
		Self::pay_holder(model, id, entry.holder, paid)
	}

	pub(crate) fn do_transfer(
		who: T::AccountId,
		model: ModelId,
		id: EntryId,
		to: T::AccountId,
	) -> DispatchResult {
		let (mut table, mut entry) = Self::entry(model, id)?;
		ensure!(entry.holder == who, Error::<T>::NotTheHolder);
		ensure!(to != who, Error::<T>::AlreadyTheHolder);
		let paid = table.royalties.pay(&mut entry.earner);
		entry.holder = to.clone();
		Tables::<T>::insert(model, table);
		Entries::<T>::insert(model, id, entry);
		Self::pay_holder(model, id, who.clone(), paid)?;
		Self::deposit_event(Event::ShareTransferred { model, entry: id, from: who, to });
		Ok(())
	}

	pub(crate) fn do_end(who: T::AccountId, model: ModelId, id: EntryId) -> DispatchResult {
		let (mut table, entry) = Self::entry(model, id)?;
		ensure!(entry.holder == who, Error::<T>::NotTheHolder);
		let share = entry.earner.share;
		let ended = table.royalties.end(entry.earner);
		table.entries.saturating_dec();
		table.granted = table.granted.saturating_sub(share);
		table.vesting.retain(|(_, other)| *other != id);
		Tables::<T>::insert(model, table);
		Entries::<T>::remove(model, id);
		Self::pay_holder(model, id, who.clone(), ended.paid)?;
		Self::pay_treasury(ended.dust);
		Self::deposit_event(Event::ShareEnded { model, entry: id, holder: who, share });
		Ok(())
	}

	fn entry(model: ModelId, id: EntryId) -> Result<(Table<T>, EntryOf<T>), Error<T>> {
		let entry = Entries::<T>::get(model, id).ok_or(Error::UnknownEntry)?;
		Ok((Tables::<T>::get(model), entry))
	}

	fn pay_holder(
		model: ModelId,
		entry: EntryId,
		holder: T::AccountId,
		paid: u128,
	) -> DispatchResult {
		if paid == 0 {
			return Ok(());
		}
		ensure!(Self::pay(&holder, paid), Error::<T>::CannotBePaid);
		let amount = crate::types::amount::<T>(paid);
		Self::deposit_event(Event::Claimed { model, entry, holder, amount });
		Ok(())
	}
}
