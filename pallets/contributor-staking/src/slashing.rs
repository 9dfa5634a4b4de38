//! Stake at risk: obligations, penalties and strikes.

use crate::{
	types::{BalanceOf, ChillReason},
	Config, Event, HoldReason, Ledgers, Pallet, LOG_TARGET,
};
use dodona_primitives_staking::{Offence, StakeSlash};
use frame_support::traits::{fungible::BalancedHold, Get, OnUnbalanced};
use sp_runtime::{traits::Zero, Perbill};

impl<T: Config> StakeSlash for Pallet<T> {
	type AccountId = T::AccountId;
	type Balance = BalanceOf<T>;

	fn oblige(operator: &T::AccountId) {
		Ledgers::<T>::mutate(operator, |ledger| match ledger {
			Some(ledger) => ledger.obligations = ledger.obligations.saturating_add(1),
			None => log::error!(target: LOG_TARGET, "{operator:?} is obliged, but has no bond"),
		});
	}

	fn discharge(operator: &T::AccountId) {
		Ledgers::<T>::mutate(operator, |ledger| match ledger {
			Some(ledger) if ledger.obligations > 0 => {
				ledger.obligations = ledger.obligations.saturating_sub(1)
			},
			_ => log::error!(target: LOG_TARGET, "{operator:?} has nothing to be discharged of"),
		});
	}

	fn punish(operator: &T::AccountId, offence: Offence, fraction: Perbill) -> BalanceOf<T> {
		let now = frame_system::Pallet::<T>::block_number();
		let window = T::StrikeWindow::get();
		let punished = Self::mutate_ledger(operator, |ledger| {
			let amount = ledger.slash(fraction);
			if offence.is_of_liveness() {
				ledger.strike(now, window);
			}
			let strikes = ledger.strikes_at(now, window);
			let reason = if strikes >= T::MaxStrikes::get() {
				Some(ChillReason::Strikes)
			} else if ledger.bonded < T::MinBond::get() {
				Some(ChillReason::BondTooLow)
			} else {
				None
			};
			let reason = reason.filter(|_| !ledger.chilled);
			ledger.chilled |= reason.is_some();
			Ok((amount, strikes, reason))
		});
		// Who has left has nothing at stake.
		let Ok((amount, strikes, chilled)) = punished else { return Zero::zero() };

		let (credit, missing) = T::Currency::slash(&HoldReason::Bonded.into(), operator, amount);
		if !missing.is_zero() {
			log::error!(target: LOG_TARGET, "{operator:?} held {missing:?} less than its ledger says");
		}
		T::Treasury::on_unbalanced(credit);

		let operator = operator.clone();
		Self::deposit_event(Event::Punished {
			operator: operator.clone(),
			offence,
			amount,
			strikes,
		});
		if let Some(reason) = chilled {
			Self::deposit_event(Event::Chilled { operator, reason });
		}
		amount
	}
}
