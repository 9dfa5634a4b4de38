//! How models come and go.

use crate::{
	Config, Deregistered, Descriptions, Error, Event, HoldReason, Model, Models, Names,
	NextModelId, Offers, Pallet,
};
use alloc::vec::Vec;
use dodona_primitives_models::{ModelId, Name, UpgradeGate};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(who: T::AccountId, name: Vec<u8>) -> DispatchResult {
		// Longer ones would not decode as a `Name`, and the signer would not be told why.
		let name = Name::try_from(name).map_err(|_| Error::<T>::NameTooLong)?;
		ensure!(crate::name::is_valid(&name), Error::<T>::InvalidName);
		ensure!(!Names::<T>::contains_key(&name), Error::<T>::NameTaken);
		Self::enter_organisation(&who, &name)?;

		let model = NextModelId::<T>::get();
		NextModelId::<T>::put(model.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		let deposit = Self::model_deposit(&name);
		Self::hold(HoldReason::Model, &who, deposit)?;

		Names::<T>::insert(&name, model);
		let record = Model {
			name: name.clone(),
			owner: Some(who.clone()),
			deposit,
			active: None,
			latest: 0,
			live: 0,
			proposals: 0,
			records: 0,
			was_used: false,
		};
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::ModelRegistered { model, name, owner: who });
		Ok(())
	}

	pub(crate) fn do_deregister(who: T::AccountId, model: ModelId) -> DispatchResult {
		let record = Self::owned_by(&who, model)?;
		ensure!(record.records == 0, Error::<T>::HasVersions);
		Self::release(HoldReason::Model, &who, record.deposit)?;
		if let Some(described) = Descriptions::<T>::take(model) {
			Self::release(HoldReason::Metadata, &who, described.deposit)?;
		}
		Self::close_endowment(model, &who)?;

		Offers::<T>::remove(model);
		Models::<T>::remove(model);
		let name = record.name;
		Names::<T>::remove(&name);
		Self::leave_organisation(&name);
		T::Gate::forget(model);
		if record.latest > 0 {
			Deregistered::<T>::insert(model, record.latest);
		}
		Self::deposit_event(Event::ModelDeregistered { model, name, owner: who });
		Ok(())
	}
}
