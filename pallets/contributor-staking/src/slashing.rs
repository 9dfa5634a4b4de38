//! Stake at risk: obligations, penalties that wait and may be cancelled, and strikes.

use crate::{
	types::{amount, raw, BalanceOf, ChillReason, PendingSlash, PendingSlashesOf},
	Config, Error, Event, HoldReason, Ledgers, NextSlash, Pallet, PendingSlashes, Pools,
	SlashQueue, SlashesServed, WeightInfo, LOG_TARGET, MOST_STEPS,
};
use dodona_primitives_staking::{Offence, StakeSlash};
use frame_support::{
	ensure,
	traits::{
		fungible::{Balanced, BalancedHold},
		Get, Imbalance, OnUnbalanced,
	},
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	DispatchResult, Perbill,
};

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
		Self::do_punish(operator, offence, fraction, None)
	}

	fn punish_reported(
		operator: &T::AccountId,
		offence: Offence,
		fraction: Perbill,
		reporter: &T::AccountId,
	) -> BalanceOf<T> {
		Self::do_punish(operator, offence, fraction, Some(reporter.clone()))
	}
}

impl<T: Config> Pallet<T> {
	fn do_punish(
		operator: &T::AccountId,
		offence: Offence,
		fraction: Perbill,
		reporter: Option<T::AccountId>,
	) -> BalanceOf<T> {
		// Who has left has nothing at stake.
		if !Ledgers::<T>::contains_key(operator) {
			return Zero::zero();
		}
		let now = frame_system::Pallet::<T>::block_number();
		let period = T::SlashDeferPeriod::get();
		let taken = if period.is_zero() {
			Self::slash(operator, offence, fraction, reporter)
		} else {
			let due = now.saturating_add(period);
			Self::defer(operator, offence, fraction, reporter, due)
		};
		if offence.is_of_liveness() {
			Self::strike(operator, now);
		}
		taken
	}

	/// Counts a strike, and chills whoever has too many.
	fn strike(operator: &T::AccountId, now: BlockNumberFor<T>) {
		let window = T::StrikeWindow::get();
		let struck = Self::mutate_ledger(operator, |ledger| {
			ledger.strike(now, window);
			let chills = ledger.strikes >= T::MaxStrikes::get() && !ledger.chilled;
			ledger.chilled |= chills;
			Ok((ledger.strikes, chills))
		});
		let Ok((strikes, chilled)) = struck else { return };
		let operator = operator.clone();
		Self::deposit_event(Event::Struck { operator: operator.clone(), strikes });
		if chilled {
			Self::deposit_event(Event::Chilled { operator, reason: ChillReason::Strikes });
		}
	}

	/// Notes a slash for later. With no room for another, the first that waits doesn't any more.
	pub(crate) fn defer(
		operator: &T::AccountId,
		offence: Offence,
		fraction: Perbill,
		reporter: Option<T::AccountId>,
		due: BlockNumberFor<T>,
	) -> BalanceOf<T> {
		let mut pending = PendingSlashes::<T>::get(operator);
		if pending.is_full() && !pending.is_empty() {
			let first = pending.remove(0);
			SlashQueue::<T>::remove(first.id);
			Self::slash(operator, first.offence, first.fraction, first.reporter);
		}
		let id = NextSlash::<T>::get();
		let slash = PendingSlash { id, offence, fraction, due, reporter };
		if pending.try_push(slash).is_err() {
			log::error!(target: LOG_TARGET, "no slash can wait: MaxPendingSlashes is zero");
			return Zero::zero();
		}
		NextSlash::<T>::put(id.wrapping_add(1));
		SlashQueue::<T>::insert(id, operator);
		PendingSlashes::<T>::insert(operator, pending);
		Self::deposit_event(Event::SlashDeferred {
			operator: operator.clone(),
			id,
			offence,
			fraction,
			due,
		});
		let own = Ledgers::<T>::get(operator).map_or_else(Zero::zero, |ledger| ledger.slashable());
		let pool = Pools::<T>::get(operator).filter(|pool| !pool.closed).unwrap_or_default();
		amount::<T>(
			fraction
				.mul_floor(raw::<T>(own))
				.saturating_add(fraction.mul_floor(pool.shares.balance)),
		)
	}

	/// Takes `fraction` of all the stake that the operator answers with.
	///
	/// Its own is taken at once: a part of it is the reporter's, the rest the treasury's. What is
	/// delegated loses its worth at once; the treasury collects it from the delegators' accounts.
	pub(crate) fn slash(
		operator: &T::AccountId,
		offence: Offence,
		fraction: Perbill,
		reporter: Option<T::AccountId>,
	) -> BalanceOf<T> {
		let mut delegated = None;
		let shared = Pools::<T>::mutate_exists(operator, |pool| {
			let Some(pool) = pool.as_mut().filter(|pool| !pool.closed) else { return 0 };
			let taken = pool.shares.slash(fraction);
			delegated = Some(pool.shares.worth(pool.shares.active));
			taken
		});
		let slashed = Self::mutate_ledger(operator, |ledger| {
			let own = ledger.slash(fraction);
			if let Some(delegated) = delegated {
				ledger.delegated = amount::<T>(delegated);
			}
			let chills = ledger.bonded < Self::min_bond(ledger.role) && !ledger.chilled;
			ledger.chilled |= chills;
			Ok((own, chills))
		});
		let Ok((own, chilled)) = slashed else { return Zero::zero() };

		let (mut credit, missing) = T::Currency::slash(&HoldReason::Bonded.into(), operator, own);
		if !missing.is_zero() {
			log::error!(target: LOG_TARGET, "{operator:?} held {missing:?} less than its ledger says");
		}
		let delegated = amount::<T>(shared);
		Self::deposit_event(Event::Slashed {
			operator: operator.clone(),
			offence,
			fraction,
			own,
			delegated,
		});
		if chilled {
			Self::deposit_event(Event::Chilled {
				operator: operator.clone(),
				reason: ChillReason::BondTooLow,
			});
		}
		if let Some(reporter) = reporter {
			let part = credit.extract(T::ReporterShare::get().mul_floor(credit.peek()));
			let value = part.peek();
			// An account that can't take it leaves it to the treasury.
			match T::Currency::resolve(&reporter, part) {
				Ok(()) if !value.is_zero() => {
					Self::deposit_event(Event::ReporterRewarded { reporter, amount: value })
				},
				Ok(()) => (),
				Err(unpaid) => credit.subsume(unpaid),
			}
		}
		T::Treasury::on_unbalanced(credit);
		own.saturating_add(delegated)
	}

	/// Applies slashes whose time has come, in the order in which they were noted.
	pub(crate) fn serve_slashes(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let mut id = SlashesServed::<T>::get();
		for _ in 0..MOST_STEPS {
			let none_is_left = id == NextSlash::<T>::get();
			if none_is_left || meter.try_consume(T::WeightInfo::serve_slash()).is_err() {
				return;
			}
			// One that was cancelled or applied before its time is in the queue no more.
			if let Some(operator) = SlashQueue::<T>::get(id) {
				let pending = PendingSlashes::<T>::get(&operator);
				let due = pending.iter().find(|slash| slash.id == id).map(|slash| slash.due);
				if due.is_some_and(|due| due > now) {
					return;
				}
				if let Some(slash) = Self::take_pending(&operator, id) {
					Self::slash(&operator, slash.offence, slash.fraction, slash.reporter);
				}
			}
			id = id.wrapping_add(1);
			SlashesServed::<T>::put(id);
		}
	}

	/// Removes a slash that waits.
	fn take_pending(
		operator: &T::AccountId,
		id: u32,
	) -> Option<PendingSlash<T::AccountId, BlockNumberFor<T>>> {
		SlashQueue::<T>::remove(id);
		PendingSlashes::<T>::mutate_exists(operator, |pending| {
			let mut rest: PendingSlashesOf<T> = pending.take()?;
			let found = rest.iter().position(|slash| slash.id == id);
			let slash = found.map(|index| rest.remove(index));
			*pending = (!rest.is_empty()).then_some(rest);
			slash
		})
	}

	/// Anyone may ask for it once it is due.
	pub(crate) fn do_apply_slash(operator: T::AccountId, id: u32) -> DispatchResult {
		let slash = Self::take_pending(&operator, id).ok_or(Error::<T>::NoSuchSlash)?;
		ensure!(slash.due <= frame_system::Pallet::<T>::block_number(), Error::<T>::SlashNotDue);
		Self::slash(&operator, slash.offence, slash.fraction, slash.reporter);
		Ok(())
	}

	pub(crate) fn do_cancel_slash(operator: T::AccountId, id: u32) -> DispatchResult {
		Self::take_pending(&operator, id).ok_or(Error::<T>::NoSuchSlash)?;
		Self::deposit_event(Event::SlashCancelled { operator, id });
		Ok(())
	}
}
