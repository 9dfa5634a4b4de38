//! Who may register models under an organisation's name.

use crate::{Config, Error, Event, HoldReason, Holding, HoldingOf, Organisations, Pallet};
use dodona_primitives_models::{Name, Organisation};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude::Polite, Precision::Exact, Restriction::OnHold},
		Get,
	},
};
use sp_runtime::traits::{Saturating, Zero};

impl<T: Config> Pallet<T> {
	/// Counts a new model of `who` in the organisation that its name has, if any: in a new one, or
	/// one that `who` holds.
	pub(crate) fn enter_organisation(who: &T::AccountId, name: &Name) -> DispatchResult {
		let Some(organisation) = crate::name::organisation(name) else { return Ok(()) };
		let mut holding = match Organisations::<T>::get(&organisation) {
			Some(holding) => holding,
			None => Self::found(who.clone(), organisation.clone())?,
		};
		ensure!(holding.holder == *who, Error::<T>::NotYourOrganisation);
		holding.models.saturating_inc();
		Organisations::<T>::insert(organisation, holding);
		Ok(())
	}

	/// Counts a model no more in its organisation, if any.
	pub(crate) fn leave_organisation(name: &Name) {
		let Some(organisation) = crate::name::organisation(name) else { return };
		Organisations::<T>::mutate(organisation, |holding| {
			if let Some(holding) = holding {
				holding.models.saturating_dec();
			}
		});
	}

	pub(crate) fn do_transfer_organisation(
		who: T::AccountId,
		organisation: Organisation,
		to: T::AccountId,
	) -> DispatchResult {
		let mut holding = Self::held_by(&who, &organisation)?;
		ensure!(to != who, Error::<T>::AlreadyHolder);
		if !holding.deposit.is_zero() {
			// The held funds themselves move: a hold on funds of the new holder would need consent.
			let (reason, deposit) = (HoldReason::Organisation.into(), holding.deposit);
			T::Currency::transfer_on_hold(&reason, &who, &to, deposit, Exact, OnHold, Polite)?;
		}
		holding.holder = to.clone();
		Organisations::<T>::insert(&organisation, holding);
		Self::deposit_event(Event::OrganisationTransferred { organisation, from: who, to });
		Ok(())
	}

	pub(crate) fn do_reassign_organisation(
		organisation: Organisation,
		to: T::AccountId,
	) -> DispatchResult {
		let holding = Self::holding(&organisation)?;
		let Holding { holder: from, deposit, models } = holding;
		ensure!(to != from, Error::<T>::AlreadyHolder);
		Self::release(HoldReason::Organisation, &from, deposit)?;
		let holding = Holding { holder: to.clone(), deposit: Zero::zero(), models };
		Organisations::<T>::insert(&organisation, holding);
		Self::deposit_event(Event::OrganisationReassigned { organisation, from, to });
		Ok(())
	}

	pub(crate) fn do_release_organisation(
		who: T::AccountId,
		organisation: Organisation,
	) -> DispatchResult {
		let holding = Self::held_by(&who, &organisation)?;
		ensure!(holding.models == 0, Error::<T>::OrganisationInUse);
		Self::release(HoldReason::Organisation, &who, holding.deposit)?;
		Organisations::<T>::remove(&organisation);
		Self::deposit_event(Event::OrganisationReleased { organisation, holder: who });
		Ok(())
	}

	/// A new organisation without models.
	fn found(
		holder: T::AccountId,
		organisation: Organisation,
	) -> Result<HoldingOf<T>, DispatchError> {
		let deposit = T::OrganisationDeposit::get();
		Self::hold(HoldReason::Organisation, &holder, deposit)?;
		let event = Event::OrganisationFounded { organisation, holder: holder.clone() };
		Self::deposit_event(event);
		Ok(Holding { holder, deposit, models: 0 })
	}

	fn holding(organisation: &Organisation) -> Result<HoldingOf<T>, Error<T>> {
		Organisations::<T>::get(organisation).ok_or(Error::UnknownOrganisation)
	}

	/// The organisation's record, if `who` holds it.
	fn held_by(who: &T::AccountId, organisation: &Organisation) -> Result<HoldingOf<T>, Error<T>> {
		let holding = Self::holding(organisation)?;
		ensure!(holding.holder == *who, Error::NotYourOrganisation);
		Ok(holding)
	}
}
