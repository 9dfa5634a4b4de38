//! Who governs a model.

use crate::{Config, Error, Event, HoldReason, Model, ModelOf, Models, Names, NextModelId, Pallet};
use alloc::vec::Vec;
use dodona_primitives_models::{ModelId, Name};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
	traits::{
		fungible::MutateHold,
		tokens::{
			Fortitude::Polite,
			Precision::{BestEffort, Exact},
			Restriction::OnHold,
		},
		Get,
	},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{traits::Zero, ArithmeticError};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(who: T::AccountId, name: Vec<u8>) -> DispatchResult {
		// Longer ones would not decode as a `Name`, and the signer would not be told why.
		let name = Name::try_from(name).map_err(|_| Error::<T>::NameTooLong)?;
		ensure!(crate::name::is_valid(&name), Error::<T>::InvalidName);
		ensure!(!Names::<T>::contains_key(&name), Error::<T>::NameTaken);

		let model = NextModelId::<T>::get();
		NextModelId::<T>::put(model.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		let deposit = T::ModelDeposit::get();
		T::Currency::hold(&HoldReason::Model.into(), &who, deposit)?;

		Names::<T>::insert(&name, model);
		let record = Model {
			name: name.clone(),
			owner: Some(who.clone()),
			deposit,
			active: None,
			latest: 0,
			live: 0,
			proposals: 0,
		};
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::ModelRegistered { model, name, owner: who });
		Ok(())
	}

	pub(crate) fn do_donate(who: T::AccountId, model: ModelId) -> DispatchResult {
		let mut record = Self::owned_by(&who, model)?;
		T::Currency::release(&HoldReason::Model.into(), &who, record.deposit, BestEffort)?;
		record.owner = None;
		record.deposit = Zero::zero();
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::ModelDonated { model, owner: who });
		Ok(())
	}

	pub(crate) fn do_transfer(
		who: T::AccountId,
		model: ModelId,
		new_owner: T::AccountId,
	) -> DispatchResult {
		let mut record = Self::owned_by(&who, model)?;
		ensure!(new_owner != who, Error::<T>::AlreadyOwner);
		// The held funds themselves move: a hold on funds of the new owner would need consent.
		T::Currency::transfer_on_hold(
			&HoldReason::Model.into(),
			&who,
			&new_owner,
			record.deposit,
			Exact,
			OnHold,
			Polite,
		)?;
		record.owner = Some(new_owner.clone());
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::OwnershipTransferred { model, from: who, to: new_owner });
		Ok(())
	}

	/// The model, if there is one.
	pub(crate) fn known(model: ModelId) -> Result<ModelOf<T>, DispatchError> {
		Models::<T>::get(model).ok_or(Error::<T>::UnknownModel.into())
	}

	/// Refuses an origin that doesn't govern the model.
	pub(crate) fn ensure_governs(origin: OriginFor<T>, record: &ModelOf<T>) -> DispatchResult {
		match &record.owner {
			Some(owner) => ensure!(ensure_signed(origin)? == *owner, Error::<T>::NotOwner),
			None => {
				T::CuratorOrigin::ensure_origin(origin)?;
			},
		}
		Ok(())
	}

	/// The model, if `who` owns it.
	fn owned_by(who: &T::AccountId, model: ModelId) -> Result<ModelOf<T>, DispatchError> {
		let record = Self::known(model)?;
		let owner = record.owner.as_ref().ok_or(Error::<T>::InCommons)?;
		ensure!(owner == who, Error::<T>::NotOwner);
		Ok(record)
	}
}
