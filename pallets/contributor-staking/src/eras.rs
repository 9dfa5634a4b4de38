//! What is minted for each era, and who gets it.
//!
//! An era's budget follows from the issuance and the governed rate. Of it, operators get the same
//! for every seat that ended in the result, and contributors in proportion to what they earned in
//! fees: both only up to a bound for each seat, and for each unit earned. What the bounds leave is
//! never minted. The part of the treasury is.

use crate::{
	draw::StoredNodes,
	math, sum_tree,
	types::{amount, block, raw, CreditOf, Era, PastEra, Payout},
	Config, ContributorPoints, CurrentEra, CurrentPayout, Event, Pallet, PastEras, SeatPoints,
	WeightInfo, MOST_STEPS,
};
use frame_support::{
	traits::{
		fungible::{Balanced, Inspect},
		Get, Imbalance,
	},
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;

impl<T: Config> Pallet<T> {
	/// Ends the era if it is over, and pays for the last one as far as there is room, and for so many
	/// at most. No era ends before the last one is paid: what waits is at most one era's.
	pub(crate) fn serve_eras(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if !CurrentPayout::<T>::exists() {
			let era = CurrentEra::<T>::get();
			let over = era.since.saturating_add(block::<T>(T::EraLength::get()).max(1));
			if block::<T>(now) < over || meter.try_consume(T::WeightInfo::end_era()).is_err() {
				return;
			}
			Self::end_era(era, block::<T>(now));
		}
		for _ in 0..MOST_STEPS {
			if !CurrentPayout::<T>::exists()
				|| meter.try_consume(T::WeightInfo::pay_era_step()).is_err()
			{
				return;
			}
			Self::pay_era_step();
		}
	}

	/// Mints what `era` is worth, and begins the next one.
	pub(crate) fn end_era(era: Era, now: u64) {
		let length = now.saturating_sub(era.since);
		let issuance = raw::<T>(T::Currency::total_issuance());
		let rate = T::Inflation::get().min(T::InflationCap::get());
		let budget = math::budget(issuance, rate, length, T::BlocksPerYear::get());
		let (for_workers, for_contributors) =
			(T::WorkerInflation::get(), T::ContributorInflation::get());
		let workers = for_workers
			.mul_floor(budget)
			.min(era.seats.saturating_mul(raw::<T>(T::SeatInflationCap::get())));
		// The same unit can't be spent twice, should the shares sum to more than one.
		let left = budget.saturating_sub(for_workers.mul_floor(budget));
		let contributors = for_contributors.mul_floor(budget).min(left);
		let treasury = left.saturating_sub(contributors);
		let contributors = contributors.min(T::ContributorMatch::get().mul_floor(era.contributed));

		let mut minted = T::Currency::issue(amount::<T>(workers.saturating_add(contributors)));
		minted = match T::Currency::resolve(&Self::pot(), minted) {
			Ok(()) => CreditOf::<T>::zero(),
			Err(nowhere) => nowhere,
		};
		let is_kept = minted.peek() == amount::<T>(0);
		let (workers, contributors) = if is_kept { (workers, contributors) } else { (0, 0) };
		// Too little for an account to begin with: as if it had never been minted.
		drop(minted);
		Self::count_credited(amount::<T>(
			workers.saturating_add(contributors).saturating_add(treasury),
		));
		Self::pay_treasury(T::Currency::issue(amount::<T>(treasury)));

		CurrentPayout::<T>::put(Payout {
			era: era.index,
			seats: era.seats,
			workers,
			contributed: era.contributed,
			contributors,
		});
		PastEras::<T>::mutate(|past| {
			if past.is_full() && !past.is_empty() {
				past.remove(0);
			}
			// There is room now, unless no era is to be remembered.
			let _ = past.try_push(PastEra {
				era: era.index,
				length,
				fees: era.fees,
				minted: workers,
				stake: sum_tree::total(&StoredNodes::<T>::new()),
			});
		});
		let next = era.index.saturating_add(1);
		CurrentEra::<T>::put(Era { index: next, since: now, ..Default::default() });
		Self::deposit_event(Event::EraEnded {
			era: era.index,
			workers: amount::<T>(workers),
			contributors: amount::<T>(contributors),
			treasury: amount::<T>(treasury),
		});
	}

	/// Pays one operator or contributor of the era that has ended; ends the payout when there is
	/// none left.
	pub(crate) fn pay_era_step() {
		let Some(mut payout) = CurrentPayout::<T>::get() else { return };
		if let Some((operator, seats)) = SeatPoints::<T>::iter_prefix(payout.era).next() {
			SeatPoints::<T>::remove(payout.era, &operator);
			let part = Self::part_of_seats(&mut payout, seats);
			CurrentPayout::<T>::put(payout);
			Self::pay_operator(&operator, Self::take_from_pot(part));
		} else if let Some((who, points)) = ContributorPoints::<T>::iter_prefix(payout.era).next() {
			ContributorPoints::<T>::remove(payout.era, &who);
			let part = math::part(payout.contributors, points, payout.contributed);
			payout.contributors = payout.contributors.saturating_sub(part);
			payout.contributed = payout.contributed.saturating_sub(points);
			CurrentPayout::<T>::put(payout);
			Self::pay_contributor(&who, Self::take_from_pot(part));
		} else {
			CurrentPayout::<T>::kill();
			Self::pot_to_treasury(payout.workers.saturating_add(payout.contributors));
		}
	}

	/// Pays an operator for its seats of the era that has ended.
	pub(crate) fn pay_seats_of(operator: &T::AccountId) {
		let Some(mut payout) = CurrentPayout::<T>::get() else { return };
		let seats = SeatPoints::<T>::take(payout.era, operator);
		if seats == 0 {
			return;
		}
		let part = Self::part_of_seats(&mut payout, seats);
		CurrentPayout::<T>::put(payout);
		Self::pay_operator(operator, Self::take_from_pot(part));
	}

	fn part_of_seats(payout: &mut Payout, seats: u32) -> u128 {
		let part = math::part(payout.workers, seats.into(), payout.seats);
		payout.workers = payout.workers.saturating_sub(part);
		payout.seats = payout.seats.saturating_sub(seats.into());
		part
	}
}
