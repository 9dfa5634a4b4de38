//! Where earnings go.
//!
//! What is somebody's for certain is paid at once; what is delegators' or not final yet waits in
//! the pallet's account. [`Totals`](crate::Totals) counts all of it.

use crate::{
	math,
	types::{amount, block, raw, BalanceOf, CreditOf},
	Config, ContributorEarned, ContributorPoints, Credits, CurrentEra, EarningsTotals, Event,
	Ledgers, Pallet, Pools, SeatPoints, LOG_TARGET,
};
use dodona_primitives_staking::{CauseId, Payee, PendingRewards, RewardSink};
use frame_support::traits::{
	fungible::Balanced,
	tokens::{Fortitude, Precision, Preservation},
	Get, Imbalance, OnUnbalanced,
};
use sp_runtime::traits::{AccountIdConversion, Saturating, Zero};

impl<T: Config> RewardSink<T::AccountId, CreditOf<T>> for Pallet<T> {
	fn reward_operator(operator: &T::AccountId, earned: CreditOf<T>) {
		Self::count_credited(earned.peek());
		Self::earn(&Payee::Operator(operator.clone()), earned);
	}

	fn reward_contributor(beneficiary: Option<&T::AccountId>, earned: CreditOf<T>) {
		Self::count_credited(earned.peek());
		Self::earn(&Payee::Contributor(beneficiary.cloned()), earned);
	}

	fn reward_treasury(earned: CreditOf<T>) {
		Self::count_credited(earned.peek());
		Self::earn(&Payee::Treasury, earned);
	}
}

impl<T: Config> PendingRewards<T::AccountId, CreditOf<T>> for Pallet<T> {
	fn credit(
		cause: CauseId,
		payee: Payee<T::AccountId>,
		earned: CreditOf<T>,
	) -> Result<(), CreditOf<T>> {
		let value = earned.peek();
		if value.is_zero() {
			return Ok(());
		}
		let mut credits = Credits::<T>::get(cause);
		match credits.iter_mut().find(|(other, _)| *other == payee) {
			Some((_, sum)) => *sum = sum.saturating_add(value),
			None => {
				if credits.try_push((payee, value)).is_err() {
					return Err(earned);
				}
			},
		}
		T::Currency::resolve(&Self::pot(), earned)?;
		Credits::<T>::insert(cause, credits);
		Self::count_credited(value);
		Ok(())
	}

	fn release(cause: CauseId) {
		for (payee, value) in Credits::<T>::take(cause) {
			Self::earn(&payee, Self::take_from_pot(raw::<T>(value)));
		}
	}

	fn take_back(cause: CauseId) -> CreditOf<T> {
		let all = Credits::<T>::take(cause)
			.iter()
			.fold(0u128, |sum, (_, value)| sum.saturating_add(raw::<T>(*value)));
		EarningsTotals::<T>::mutate(|totals| {
			totals.taken_back = totals.taken_back.saturating_add(all)
		});
		Self::take_from_pot(all)
	}
}

impl<T: Config> Pallet<T> {
	/// The account in which earnings wait.
	pub fn pot() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// Pays a fee, which has been counted as credited, and counts it for the era.
	fn earn(payee: &Payee<T::AccountId>, earned: CreditOf<T>) {
		let value = raw::<T>(earned.peek());
		match payee {
			Payee::Operator(operator) if value > 0 => {
				let era = CurrentEra::<T>::mutate(|era| {
					era.seats = era.seats.saturating_add(1);
					era.fees = era.fees.saturating_add(value);
					era.index
				});
				SeatPoints::<T>::mutate(era, operator, |seats| *seats = seats.saturating_add(1));
				Self::pay_operator(operator, earned);
			},
			Payee::Contributor(Some(beneficiary)) if value > 0 => {
				let era = CurrentEra::<T>::mutate(|era| {
					era.contributed = era.contributed.saturating_add(value);
					era.index
				});
				ContributorPoints::<T>::mutate(era, beneficiary, |points| {
					*points = points.saturating_add(value)
				});
				Self::pay_contributor(beneficiary, earned);
			},
			_ => Self::pay_treasury(earned),
		}
	}

	/// Splits what an operator earned between itself and its delegators.
	pub(crate) fn pay_operator(operator: &T::AccountId, mut earned: CreditOf<T>) {
		let ledger = Ledgers::<T>::get(operator).filter(|ledger| !ledger.delegated.is_zero());
		if let Some(ledger) = ledger {
			Pools::<T>::mutate_extant(operator, |pool| {
				let now = block::<T>(frame_system::Pallet::<T>::block_number());
				let (own, delegated) = (raw::<T>(ledger.bonded), raw::<T>(ledger.delegated));
				let commission = pool.commission.at(now, T::MaxCommission::get());
				let value = raw::<T>(earned.peek());
				let (_, shared) = math::split(value, own, delegated, commission);
				if shared == 0 {
					return;
				}
				let part = earned.extract(amount::<T>(shared));
				match T::Currency::resolve(&Self::pot(), part) {
					Ok(()) => {
						// Who delegates has active shares, so nothing of it is nobody's.
						pool.stream.advance(now, pool.shares.active);
						let period = block::<T>(T::DripPeriod::get());
						pool.stream.add(shared, now, period);
						Self::deposit_event(Event::DelegatorsRewarded {
							operator: operator.clone(),
							amount: amount::<T>(shared),
						});
					},
					Err(unpaid) => Self::pay_treasury(unpaid),
				}
			});
		}
		Self::pay_own(operator, earned);
	}

	/// Pays an operator what it needn't share.
	fn pay_own(operator: &T::AccountId, earned: CreditOf<T>) {
		let Some(own) = Self::pay(operator, earned) else { return };
		Ledgers::<T>::mutate_extant(operator, |ledger| {
			ledger.earned = ledger.earned.saturating_add(own);
		});
		Self::deposit_event(Event::OperatorRewarded { operator: operator.clone(), amount: own });
	}

	pub(crate) fn pay_contributor(beneficiary: &T::AccountId, earned: CreditOf<T>) {
		let Some(value) = Self::pay(beneficiary, earned) else { return };
		ContributorEarned::<T>::mutate(beneficiary, |total| *total = total.saturating_add(value));
		Self::deposit_event(Event::ContributorRewarded {
			beneficiary: beneficiary.clone(),
			amount: value,
		});
	}

	pub(crate) fn pay_treasury(earned: CreditOf<T>) {
		let value = raw::<T>(earned.peek());
		if value == 0 {
			return;
		}
		EarningsTotals::<T>::mutate(|totals| {
			totals.treasury = totals.treasury.saturating_add(value)
		});
		T::Treasury::on_unbalanced(earned);
	}

	/// Puts `earned` into the account of `who`, and says how much that was. What the account can't
	/// take, for instance because it would exist with less than the existential deposit, goes to
	/// the treasury.
	fn pay(who: &T::AccountId, earned: CreditOf<T>) -> Option<BalanceOf<T>> {
		let value = earned.peek();
		if value.is_zero() {
			return None;
		}
		match T::Currency::resolve(who, earned) {
			Ok(()) => {
				EarningsTotals::<T>::mutate(|totals| {
					totals.paid = totals.paid.saturating_add(raw::<T>(value))
				});
				Some(value)
			},
			Err(unpaid) => {
				Self::pay_treasury(unpaid);
				Self::deposit_event(Event::RewardDiverted {
					beneficiary: who.clone(),
					amount: value,
				});
				None
			},
		}
	}

	/// Pays `value` out of the pot to `who`; says whether the account could take it.
	pub(crate) fn pot_to_account(who: &T::AccountId, value: u128) -> bool {
		value == 0 || Self::pay(who, Self::take_from_pot(value)).is_some()
	}

	/// Pays `value` out of the pot to the treasury.
	pub(crate) fn pot_to_treasury(value: u128) {
		if value > 0 {
			Self::pay_treasury(Self::take_from_pot(value));
		}
	}

	/// Pays an operator what its pool earned while nobody was in it.
	pub(crate) fn pot_to_operator(operator: &T::AccountId, value: u128) {
		if value > 0 {
			Self::pay_own(operator, Self::take_from_pot(value));
		}
	}

	/// Takes `value` out of the pallet's account.
	pub(crate) fn take_from_pot(value: u128) -> CreditOf<T> {
		if value == 0 {
			return CreditOf::<T>::zero();
		}
		T::Currency::withdraw(
			&Self::pot(),
			amount::<T>(value),
			Precision::Exact,
			Preservation::Preserve,
			Fortitude::Polite,
		)
		.unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "earnings of {value} aren't there: {error:?}");
			CreditOf::<T>::zero()
		})
	}

	pub(crate) fn count_credited(value: BalanceOf<T>) {
		EarningsTotals::<T>::mutate(|totals| {
			totals.credited = totals.credited.saturating_add(raw::<T>(value))
		});
	}
}
