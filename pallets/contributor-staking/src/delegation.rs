//! What delegators do.

use crate::{
	math,
	position::Position,
	types::{amount, raw, BalanceOf, UnbondingShares},
	Config, Error, Event, HoldReason, Ledgers, Pallet, PendingSlashes, Pools,
};
use dodona_primitives_staking::Role;
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	DispatchResult, Perbill,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_delegate(
		delegator: T::AccountId,
		operator: T::AccountId,
		value: BalanceOf<T>,
		most_commission: Perbill,
	) -> DispatchResult {
		ensure!(delegator != operator, Error::<T>::SelfDelegation);
		ensure!(!value.is_zero(), Error::<T>::AmountIsZero);
		let ledger = Ledgers::<T>::get(&operator).ok_or(Error::<T>::NotBonded)?;
		ensure!(ledger.role == Role::Worker, Error::<T>::NotAWorker);
		// A slash takes of what was there when its offence was seen, and of nothing else.
		ensure!(!PendingSlashes::<T>::contains_key(&operator), Error::<T>::SlashPending);

		let mut position = Position::<T>::load(operator.clone(), delegator.clone());
		let pool = &mut position.pool;
		ensure!(!pool.closed, Error::<T>::PoolClosed);
		let commission = pool.commission.highest(T::MaxCommission::get());
		ensure!(commission <= most_commission, Error::<T>::CommissionTooHigh);
		let value_raw = raw::<T>(value);
		let delegated = pool.shares.worth(pool.shares.active).saturating_add(value_raw);
		let own = raw::<T>(ledger.bonded);
		let counts = math::counted(own, delegated, T::MaxDelegationRatio::get());
		ensure!(counts == delegated, Error::<T>::PoolFull);

		let issued = pool.shares.issue(value_raw).ok_or(Error::<T>::DelegationTooLow)?;
		let delegation = &mut position.delegation;
		delegation.active = delegation.active.saturating_add(issued);
		delegation.held = delegation.held.saturating_add(value_raw);
		let worth = delegation.value(&position.pool);
		ensure!(amount::<T>(worth) >= T::MinDelegation::get(), Error::<T>::DelegationTooLow);

		T::Currency::hold(&HoldReason::Delegated.into(), &delegator, value)?;
		position.store()?;
		Self::deposit_event(Event::Delegated { delegator, operator, amount: value });
		Ok(())
	}

	pub(crate) fn do_undelegate(
		delegator: T::AccountId,
		operator: T::AccountId,
		value: BalanceOf<T>,
	) -> DispatchResult {
		ensure!(!value.is_zero(), Error::<T>::AmountIsZero);
		let mut position = Self::position(&operator, &delegator)?;
		ensure!(position.delegation.active > 0, Error::<T>::NotEnoughDelegated);
		let worth = amount::<T>(position.delegation.value(&position.pool));
		ensure!(value <= worth, Error::<T>::NotEnoughDelegated);
		let shares = if value == worth {
			position.delegation.active
		} else {
			position.pool.shares.covering(raw::<T>(value)).min(position.delegation.active)
		};
		let until = Self::unbond_shares(&mut position, shares)?;
		let left = position.delegation.value(&position.pool);
		ensure!(
			position.delegation.active == 0 || amount::<T>(left) >= T::MinDelegation::get(),
			Error::<T>::DelegationTooLow
		);
		position.store()?;
		Self::deposit_event(Event::Undelegating { delegator, operator, amount: value, until });
		Ok(())
	}

	/// Anyone may ask for it: what is free goes to its owner.
	pub(crate) fn do_withdraw_delegation(
		who: T::AccountId,
		operator: T::AccountId,
		delegator: T::AccountId,
		leave_behind: bool,
	) -> DispatchResult {
		ensure!(!leave_behind || who == delegator, Error::<T>::NotYourDelegation);
		let mut position = Self::position(&operator, &delegator)?;
		let pending = PendingSlashes::<T>::get(&operator);
		ensure!(leave_behind || pending.is_empty(), Error::<T>::SlashPending);

		let now = frame_system::Pallet::<T>::block_number();
		if position.pool.closed {
			position.pool.shares.deactivate(position.delegation.active);
		}
		let shares = position.delegation.take_matured(now, position.pool.closed);
		ensure!(shares > 0, Error::<T>::NothingToWithdraw);
		let brings = position.redeem(shares);
		let paid = math::after(brings, pending.iter().map(|slash| slash.fraction));
		position.forfeited = position.forfeited.saturating_add(brings.saturating_sub(paid));
		Self::leave(position, paid)
	}

	/// Frees `paid` of a position, and pays what a position without shares has earned.
	fn leave(mut position: Position<T>, paid: u128) -> DispatchResult {
		let (operator, delegator) = (position.operator.clone(), position.delegator.clone());
		let left_behind = amount::<T>(position.forfeited);
		let earned = if position.delegation.shares() == 0 {
			core::mem::take(&mut position.delegation.unclaimed)
		} else {
			0
		};
		position.pool.stream.unclaimed = position.pool.stream.unclaimed.saturating_sub(earned);
		position.store()?;
		let amount = amount::<T>(paid);
		T::Currency::release(&HoldReason::Delegated.into(), &delegator, amount, Precision::Exact)?;
		Self::pot_to_account(&delegator, earned);
		Self::deposit_event(Event::DelegationWithdrawn {
			delegator,
			operator,
			amount,
			left_behind,
		});
		Ok(())
	}

	/// Anyone may ask for it: the earnings go to their owner.
	pub(crate) fn do_claim(operator: T::AccountId, delegator: T::AccountId) -> DispatchResult {
		let mut position = Self::position(&operator, &delegator)?;
		let earned = core::mem::take(&mut position.delegation.unclaimed);
		ensure!(earned > 0, Error::<T>::NothingToClaim);
		position.pool.stream.unclaimed = position.pool.stream.unclaimed.saturating_sub(earned);
		let compounds = position.delegation.compound && position.delegation.active > 0;
		position.store()?;
		let value = amount::<T>(earned);
		ensure!(Self::pot_to_account(&delegator, earned), Error::<T>::CannotBePaid);
		Self::deposit_event(Event::Claimed {
			delegator: delegator.clone(),
			operator: operator.clone(),
			amount: value,
		});
		if compounds {
			// Where nothing can be added now, the earnings stay with the account.
			let _ = frame_support::storage::with_storage_layer(|| {
				Self::do_delegate(delegator, operator, value, Perbill::one())
			});
		}
		Ok(())
	}

	pub(crate) fn do_set_compound(
		delegator: T::AccountId,
		operator: T::AccountId,
		compound: bool,
	) -> DispatchResult {
		let mut position = Self::position(&operator, &delegator)?;
		position.delegation.compound = compound;
		position.store()?;
		Self::deposit_event(Event::CompoundSet { delegator, operator, compound });
		Ok(())
	}

	/// Anyone may ask for it: what slashes took goes to the treasury.
	pub(crate) fn do_collect(operator: T::AccountId, delegator: T::AccountId) -> DispatchResult {
		let position = Self::position(&operator, &delegator)?;
		let collected = position.forfeited;
		ensure!(collected > 0, Error::<T>::NothingToCollect);
		position.store()?;
		Self::deposit_event(Event::Collected {
			delegator,
			operator,
			amount: amount::<T>(collected),
		});
		Ok(())
	}

	/// Anyone may ask for it: a delegation that is dust begins to leave, and one that is worth
	/// nothing at all is gone at once.
	pub(crate) fn do_kick(operator: T::AccountId, delegator: T::AccountId) -> DispatchResult {
		let mut position = Self::position(&operator, &delegator)?;
		let all = position.delegation.shares();
		let worthless = position.pool.shares.worth(all) == 0;
		if worthless && all > 0 {
			let now = frame_system::Pallet::<T>::block_number();
			position.pool.shares.deactivate(position.delegation.active);
			let shares = position.delegation.take_matured(now, true);
			let paid = position.redeem(shares);
			Self::deposit_event(Event::Kicked {
				delegator,
				operator,
				amount: Zero::zero(),
				until: now,
			});
			return Self::leave(position, paid);
		}
		let worth = amount::<T>(position.delegation.value(&position.pool));
		// Half, so that a small slash makes nobody's delegation dust.
		ensure!(
			position.delegation.active > 0
				&& worth.saturating_mul(2u32.into()) < T::MinDelegation::get(),
			Error::<T>::NotDust
		);
		let shares = position.delegation.active;
		let until = Self::unbond_shares(&mut position, shares)?;
		position.store()?;
		Self::deposit_event(Event::Kicked { delegator, operator, amount: worth, until });
		Ok(())
	}

	/// Makes active `shares` of a position unbonding ones; returns until when.
	fn unbond_shares(
		position: &mut Position<T>,
		shares: u128,
	) -> Result<BlockNumberFor<T>, Error<T>> {
		let until = Self::unbonding_until();
		let delegation = &mut position.delegation;
		match delegation.unbonding.iter_mut().find(|chunk| chunk.until == until) {
			Some(chunk) => chunk.shares = chunk.shares.saturating_add(shares),
			None => delegation
				.unbonding
				.try_push(UnbondingShares { shares, until })
				.map_err(|_| Error::<T>::TooManyUnbonding)?,
		}
		delegation.active = delegation.active.saturating_sub(shares);
		position.pool.shares.deactivate(shares);
		Ok(until)
	}

	/// The block until which stake that leaves now stays in reach: for the period, and until the
	/// last seat that it may have been drawn into is final.
	pub(crate) fn unbonding_until() -> BlockNumberFor<T> {
		let period = T::UnbondingPeriod::get().max(T::LongestObligation::get());
		frame_system::Pallet::<T>::block_number().saturating_add(period)
	}

	/// The position of a delegator that has one.
	fn position(
		operator: &T::AccountId,
		delegator: &T::AccountId,
	) -> Result<Position<T>, Error<T>> {
		let position = Position::load(operator.clone(), delegator.clone());
		ensure!(!position.is_new(), Error::<T>::NotDelegated);
		Ok(position)
	}

	pub(crate) fn do_set_commission(operator: T::AccountId, commission: Perbill) -> DispatchResult {
		let ledger = Ledgers::<T>::get(&operator).ok_or(Error::<T>::NotBonded)?;
		ensure!(ledger.role == Role::Worker, Error::<T>::NotAWorker);
		let most = T::MaxCommission::get();
		ensure!(commission <= most, Error::<T>::CommissionTooHigh);
		let mut pool = Pools::<T>::get(&operator).unwrap_or_default();
		ensure!(!pool.closed, Error::<T>::PoolClosed);

		let now = frame_system::Pallet::<T>::block_number();
		let now_raw = crate::types::block::<T>(now);
		let current = pool.commission.at(now_raw, most);
		// Nobody is surprised by less, and without delegators nobody by more.
		let at_once = commission <= current || pool.delegators == 0;
		let from = if at_once { now } else { now.saturating_add(T::CommissionDelay::get()) };
		pool.commission.set = if at_once { commission } else { current };
		pool.commission.raise = (!at_once).then(|| (commission, crate::types::block::<T>(from)));
		Self::store_pool(&operator, pool)?;
		Self::deposit_event(Event::CommissionSet { operator, commission, from });
		Ok(())
	}
}
