//! Who governs a model.

use crate::{
	BalanceOf, Config, Descriptions, Error, Event, HoldReason, ModelOf, Models, Offers, Pallet,
};
use dodona_primitives_models::{ModelGovernance, ModelId, UpgradeGate};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::traits::Zero;

impl<T: Config> ModelGovernance<OriginFor<T>> for Pallet<T> {
	fn ensure_governs(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
		Self::ensure_governed_by(origin, &Self::known(model)?)
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_donate(who: T::AccountId, model: ModelId) -> DispatchResult {
		let mut record = Self::owned_by(&who, model)?;
		Self::release(HoldReason::Model, &who, record.deposit)?;
		Self::move_metadata_deposit(model, &who, None)?;
		record.owner = None;
		record.deposit = Zero::zero();
		Offers::<T>::remove(model);
		Models::<T>::insert(model, record);
		T::Gate::donated(model);
		Self::deposit_event(Event::ModelDonated { model, owner: who });
		Ok(())
	}

	pub(crate) fn do_offer(
		who: T::AccountId,
		model: ModelId,
		to: Option<T::AccountId>,
	) -> DispatchResult {
		Self::owned_by(&who, model)?;
		match to {
			Some(to) => {
				ensure!(to != who, Error::<T>::AlreadyOwner);
				Offers::<T>::insert(model, &to);
				Self::deposit_event(Event::OwnershipOffered { model, from: who, to });
			},
			None => {
				Offers::<T>::take(model).ok_or(Error::<T>::NoOffer)?;
				Self::deposit_event(Event::OfferWithdrawn { model });
			},
		}
		Ok(())
	}

	pub(crate) fn do_accept(who: T::AccountId, model: ModelId) -> DispatchResult {
		let mut record = Self::known(model)?;
		let from = record.owner.take().ok_or(Error::<T>::InCommons)?;
		let offered = Offers::<T>::take(model);
		ensure!(offered.as_ref() == Some(&who), Error::<T>::NotOffered);

		let deposit = Self::model_deposit(&record.name);
		Self::hold(HoldReason::Model, &who, deposit)?;
		Self::release(HoldReason::Model, &from, record.deposit)?;
		Self::move_metadata_deposit(model, &from, Some(&who))?;
		record.deposit = deposit;
		record.owner = Some(who.clone());
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::OwnershipTransferred { model, from, to: who });
		Ok(())
	}

	/// Returns the deposit for a model's metadata, if there are any, and holds it from the next
	/// owner.
	fn move_metadata_deposit(
		model: ModelId,
		from: &T::AccountId,
		to: Option<&T::AccountId>,
	) -> DispatchResult {
		let Some(mut described) = Descriptions::<T>::get(model) else { return Ok(()) };
		Self::release(HoldReason::Metadata, from, described.deposit)?;
		described.deposit = match to {
			Some(to) => {
				let deposit: BalanceOf<T> = Self::metadata_deposit(&described.metadata);
				Self::hold(HoldReason::Metadata, to, deposit)?;
				deposit
			},
			None => Zero::zero(),
		};
		Descriptions::<T>::insert(model, described);
		Ok(())
	}

	/// The model, if there is one.
	pub(crate) fn known(model: ModelId) -> Result<ModelOf<T>, DispatchError> {
		Models::<T>::get(model).ok_or(Error::<T>::UnknownModel.into())
	}

	/// Refuses an origin that doesn't govern the model.
	pub(crate) fn ensure_governed_by(origin: OriginFor<T>, record: &ModelOf<T>) -> DispatchResult {
		match &record.owner {
			Some(owner) => ensure!(ensure_signed(origin)? == *owner, Error::<T>::NotOwner),
			None => {
				T::CuratorOrigin::ensure_origin(origin)?;
			},
		}
		Ok(())
	}

	/// The model, if `who` owns it.
	pub(crate) fn owned_by(
		who: &T::AccountId,
		model: ModelId,
	) -> Result<ModelOf<T>, DispatchError> {
		let record = Self::known(model)?;
		let owner = record.owner.as_ref().ok_or(Error::<T>::InCommons)?;
		ensure!(owner == who, Error::<T>::NotOwner);
		Ok(record)
	}
}
