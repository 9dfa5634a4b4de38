//! What operators do with their bonds and hot keys.

use crate::{
	draw::StoredNodes,
	sum_tree,
	types::{BalanceOf, ChillReason, Ledger, OperatorInfoOf, UnbondingChunk},
	Config, Eligible, Error, Event, HoldReason, HotKeys, Ledgers, Pallet, PendingSlashes, Pools,
	Slots,
};
use alloc::vec::Vec;
use dodona_primitives_staking::Role;
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
	BoundedVec,
};
use sp_runtime::{
	traits::{Saturating, Zero},
	DispatchError, DispatchResult,
};

/// Most operators that one call of the runtime API returns.
const MAX_LISTED: u32 = 256;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bond(
		operator: T::AccountId,
		role: Role,
		hot_key: T::AccountId,
		amount: BalanceOf<T>,
	) -> DispatchResult {
		ensure!(!Ledgers::<T>::contains_key(&operator), Error::<T>::AlreadyBonded);
		ensure!(!HotKeys::<T>::contains_key(&operator), Error::<T>::OperatorIsHotKey);
		ensure!(amount >= Self::min_bond(role), Error::<T>::BondTooLow);
		let slot = Slots::<T>::count();
		ensure!(
			slot < T::MaxOperators::get() && slot < sum_tree::CAPACITY,
			Error::<T>::TooManyOperators
		);
		Self::claim_hot_key(&operator, &hot_key)?;
		T::Currency::hold(&HoldReason::Bonded.into(), &operator, amount)?;

		let ledger = Ledger {
			role,
			hot_key: hot_key.clone(),
			slot,
			bonded: amount,
			unbonding: BoundedVec::new(),
			chilled: false,
			strikes: 0,
			strikes_since: frame_system::Pallet::<T>::block_number(),
			obligations: 0,
			earned: Zero::zero(),
			delegated: Zero::zero(),
			counted: Zero::zero(),
		};
		Slots::<T>::insert(slot, &operator);
		Self::reweigh(slot, 0, ledger.draw_weight());
		Ledgers::<T>::insert(&operator, ledger);
		Self::deposit_event(Event::Bonded { operator, role, hot_key, amount });
		Ok(())
	}

	pub(crate) fn do_bond_extra(operator: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(!amount.is_zero(), Error::<T>::AmountIsZero);
		let bonded = Self::mutate_ledger(&operator, |ledger| {
			T::Currency::hold(&HoldReason::Bonded.into(), &operator, amount)?;
			// What is held fits, so its parts do.
			ledger.bonded = ledger.bonded.saturating_add(amount);
			Ok(ledger.bonded)
		})?;
		Self::deposit_event(Event::BondIncreased { operator, amount, bonded });
		Ok(())
	}

	pub(crate) fn do_unbond(operator: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(!amount.is_zero(), Error::<T>::AmountIsZero);
		let until = Self::unbonding_until();
		let chilled = Self::mutate_ledger(&operator, |ledger| {
			ensure!(amount <= ledger.bonded, Error::<T>::NotEnoughBonded);
			let rest = ledger.bonded.saturating_sub(amount);
			let least = Self::min_bond(ledger.role);
			ensure!(rest.is_zero() || rest >= least, Error::<T>::BondTooLow);
			match ledger.unbonding.iter_mut().find(|chunk| chunk.until == until) {
				Some(chunk) => chunk.amount = chunk.amount.saturating_add(amount),
				None => ledger
					.unbonding
					.try_push(UnbondingChunk { amount, until })
					.map_err(|_| Error::<T>::TooManyUnbonding)?,
			}
			ledger.bonded = rest;
			let chills = rest.is_zero() && !ledger.chilled;
			ledger.chilled |= chills;
			Ok(chills)
		})?;
		Self::deposit_event(Event::Unbonding { operator: operator.clone(), amount, until });
		if chilled {
			Self::deposit_event(Event::Chilled { operator, reason: ChillReason::Unbonded });
		}
		Ok(())
	}

	pub(crate) fn do_rebond(operator: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(!amount.is_zero(), Error::<T>::AmountIsZero);
		let bonded = Self::mutate_ledger(&operator, |ledger| {
			ensure!(ledger.rebond(amount), Error::<T>::NotEnoughUnbonding);
			Ok(ledger.bonded)
		})?;
		Self::deposit_event(Event::Rebonded { operator, amount, bonded });
		Ok(())
	}

	pub(crate) fn do_withdraw_unbonded(operator: T::AccountId) -> DispatchResult {
		let mut ledger = Ledgers::<T>::get(&operator).ok_or(Error::<T>::NotBonded)?;
		ensure!(ledger.obligations == 0, Error::<T>::ObligationsOpen);
		ensure!(!PendingSlashes::<T>::contains_key(&operator), Error::<T>::SlashPending);
		let amount = ledger.take_matured(frame_system::Pallet::<T>::block_number());
		// Without stake there is nothing to wait for: who lost it all to penalties can leave too.
		let retires = ledger.slashable().is_zero();
		ensure!(retires || !amount.is_zero(), Error::<T>::NothingToWithdraw);

		if !amount.is_zero() {
			T::Currency::release(&HoldReason::Bonded.into(), &operator, amount, Precision::Exact)?;
			Self::deposit_event(Event::Withdrawn { operator: operator.clone(), amount });
		}
		if retires {
			Self::retire(operator, ledger)?;
		} else {
			Ledgers::<T>::insert(&operator, ledger);
		}
		Ok(())
	}

	pub(crate) fn do_set_hot_key(operator: T::AccountId, hot_key: T::AccountId) -> DispatchResult {
		Ledgers::<T>::try_mutate(&operator, |ledger| {
			let ledger = ledger.as_mut().ok_or(Error::<T>::NotBonded)?;
			Self::claim_hot_key(&operator, &hot_key)?;
			Self::release_hot_key(&ledger.hot_key);
			ledger.hot_key = hot_key.clone();
			Ok::<_, DispatchError>(())
		})?;
		Self::deposit_event(Event::HotKeySet { operator, hot_key });
		Ok(())
	}

	pub(crate) fn do_chill(operator: T::AccountId) -> DispatchResult {
		Self::mutate_ledger(&operator, |ledger| {
			ensure!(!ledger.chilled, Error::<T>::AlreadyChilled);
			ledger.chilled = true;
			Ok(())
		})?;
		Self::deposit_event(Event::Chilled { operator, reason: ChillReason::Requested });
		Ok(())
	}

	pub(crate) fn do_resume(operator: T::AccountId) -> DispatchResult {
		Self::mutate_ledger(&operator, |ledger| {
			ensure!(ledger.chilled, Error::<T>::NotChilled);
			ensure!(ledger.bonded >= Self::min_bond(ledger.role), Error::<T>::BondTooLow);
			ledger.chilled = false;
			// Fewer strikes than it takes to be chilled stay: a chill of one's own wipes no slate.
			if ledger.strikes >= T::MaxStrikes::get() {
				ledger.strikes = 0;
			}
			Ok(())
		})?;
		Self::deposit_event(Event::Resumed { operator });
		Ok(())
	}

	/// The operator that `account` is, or whose hot key it is.
	pub fn operator_info(account: T::AccountId) -> Option<OperatorInfoOf<T>> {
		let operator = HotKeys::<T>::get(&account).unwrap_or(account);
		let ledger = Ledgers::<T>::get(&operator)?;
		let now = frame_system::Pallet::<T>::block_number();
		Some(ledger.info(operator, now, T::StrikeWindow::get()))
	}

	/// Operators in the order of their slots, at most `limit`, and never more than 256.
	pub fn operators(limit: u32) -> Vec<OperatorInfoOf<T>> {
		(0..Slots::<T>::count().min(limit).min(MAX_LISTED))
			.filter_map(|slot| Self::operator_info(Slots::<T>::get(slot)?))
			.collect()
	}

	/// Changes the ledger of `operator`, and its weight in draws with it. An error changes nothing.
	pub(crate) fn mutate_ledger<R>(
		operator: &T::AccountId,
		change: impl FnOnce(&mut Ledger<T>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		let mut ledger = Ledgers::<T>::get(operator).ok_or(Error::<T>::NotBonded)?;
		let before = ledger.draw_weight();
		let result = change(&mut ledger)?;
		ledger.recount();
		Self::reweigh(ledger.slot, before, ledger.draw_weight());
		Ledgers::<T>::insert(operator, ledger);
		Ok(result)
	}

	/// Brings the tree and the number of the eligible in step with a change of weight.
	fn reweigh(slot: u32, before: u128, after: u128) {
		if before == after {
			return;
		}
		sum_tree::set(&mut StoredNodes::<T>::new(), slot, after);
		match (before, after) {
			(0, _) => Eligible::<T>::mutate(|count| *count = count.saturating_add(1)),
			(_, 0) => Eligible::<T>::mutate(|count| *count = count.saturating_sub(1)),
			_ => {},
		}
	}

	/// Forgets an operator without stake; the last slot moves into the one that falls vacant.
	fn retire(operator: T::AccountId, ledger: Ledger<T>) -> DispatchResult {
		// While it can still be shared.
		Self::pay_seats_of(&operator);
		Self::reweigh(ledger.slot, ledger.draw_weight(), 0);
		Self::release_hot_key(&ledger.hot_key);
		Ledgers::<T>::remove(&operator);

		let last = Slots::<T>::count().saturating_sub(1);
		if let Some(moved) = Slots::<T>::take(last).filter(|_| last != ledger.slot) {
			let nodes = &mut StoredNodes::<T>::new();
			let weight = sum_tree::weight(nodes, last);
			sum_tree::set(nodes, last, 0);
			sum_tree::set(nodes, ledger.slot, weight);
			Ledgers::<T>::mutate_extant(&moved, |moved| moved.slot = ledger.slot);
			Slots::<T>::insert(ledger.slot, moved);
		}
		Self::close_pool(&operator)?;
		Self::deposit_event(Event::Retired { operator });
		Ok(())
	}

	/// Frees the delegators of an operator that leaves: what they earned is theirs at once, and
	/// what they delegated can be withdrawn without waiting.
	fn close_pool(operator: &T::AccountId) -> DispatchResult {
		let Some(mut pool) = Pools::<T>::get(operator) else { return Ok(()) };
		let idle = pool.stream.advance(pool.stream.until, pool.shares.active);
		pool.closed = true;
		Self::store_pool(operator, pool)?;
		Self::pot_to_operator(operator, idle);
		Ok(())
	}

	/// The least bond of those who do this.
	pub fn min_bond(role: Role) -> BalanceOf<T> {
		match role {
			Role::Worker => T::MinBond::get(),
			Role::Publisher => T::MinPublisherBond::get(),
			Role::Curator => T::MinCuratorBond::get(),
			Role::DataContributor => T::MinDataContributorBond::get(),
		}
	}

	/// Makes `hot_key` the one of `operator`.
	fn claim_hot_key(operator: &T::AccountId, hot_key: &T::AccountId) -> DispatchResult {
		ensure!(
			hot_key != operator && !Ledgers::<T>::contains_key(hot_key),
			Error::<T>::HotKeyIsOperator
		);
		ensure!(!HotKeys::<T>::contains_key(hot_key), Error::<T>::HotKeyInUse);
		HotKeys::<T>::insert(hot_key, operator);
		// A hot key has no funds, and an account with neither provider nor sufficient reference
		// can't sign extrinsics: there would be no place for its nonce.
		frame_system::Pallet::<T>::inc_sufficients(hot_key);
		Ok(())
	}

	/// Gives `hot_key` up.
	fn release_hot_key(hot_key: &T::AccountId) {
		HotKeys::<T>::remove(hot_key);
		frame_system::Pallet::<T>::dec_sufficients(hot_key);
	}
}
