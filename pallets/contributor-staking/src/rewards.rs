//! Where earnings go.

use crate::{
	types::{BalanceOf, CreditOf},
	Config, ContributorEarned, Event, Ledgers, Pallet,
};
use dodona_primitives_staking::RewardSink;
use frame_support::traits::{fungible::Balanced, Imbalance, OnUnbalanced};
use sp_runtime::traits::{Saturating, Zero};

impl<T: Config> RewardSink<T::AccountId, CreditOf<T>> for Pallet<T> {
	fn reward_operator(operator: &T::AccountId, earned: CreditOf<T>) {
		let Some(amount) = Self::pay(operator, earned) else { return };
		Ledgers::<T>::mutate_extant(operator, |ledger| {
			ledger.earned = ledger.earned.saturating_add(amount);
		});
		Self::deposit_event(Event::OperatorRewarded { operator: operator.clone(), amount });
	}

	fn reward_contributor(beneficiary: Option<&T::AccountId>, earned: CreditOf<T>) {
		let Some(beneficiary) = beneficiary else { return T::Treasury::on_unbalanced(earned) };
		let Some(amount) = Self::pay(beneficiary, earned) else { return };
		ContributorEarned::<T>::mutate(beneficiary, |total| *total = total.saturating_add(amount));
		Self::deposit_event(Event::ContributorRewarded {
			beneficiary: beneficiary.clone(),
			amount,
		});
	}

	fn reward_treasury(earned: CreditOf<T>) {
		T::Treasury::on_unbalanced(earned);
	}
}

impl<T: Config> Pallet<T> {
	/// Puts `earned` into the account of `who`, and says how much that was. What the account can't
	/// take, for instance because it would exist with less than the existential deposit, goes to
	/// the treasury.
	fn pay(who: &T::AccountId, earned: CreditOf<T>) -> Option<BalanceOf<T>> {
		let amount = earned.peek();
		if amount.is_zero() {
			return None;
		}
		match T::Currency::resolve(who, earned) {
			Ok(()) => Some(amount),
			Err(unpaid) => {
				T::Treasury::on_unbalanced(unpaid);
				Self::deposit_event(Event::RewardDiverted { beneficiary: who.clone(), amount });
				None
			},
		}
	}
}
