//! A delegation and its pool, loaded together, brought up to date, and stored together.

use crate::{
	types::{amount, block, raw, Delegation, Pool},
	Config, Delegations, HoldReason, Ledgers, Pallet, Pools,
};
use frame_support::traits::{fungible::BalancedHold, OnUnbalanced};
use sp_runtime::{traits::Zero, DispatchResult};

/// What one account delegates to one operator.
pub(crate) struct Position<T: Config> {
	pub operator: T::AccountId,
	pub delegator: T::AccountId,
	pub pool: Pool,
	pub delegation: Delegation<T>,
	/// Taken from the account's hold when the position is stored.
	pub forfeited: u128,
	/// Earned while nobody had active shares: the operator's.
	idle: u128,
	is_new: bool,
}

impl<T: Config> Position<T> {
	/// The position, with all that it has earned counted and all that slashes took of it set
	/// apart. A position that isn't there is empty.
	pub fn load(operator: T::AccountId, delegator: T::AccountId) -> Self {
		let mut pool = Pools::<T>::get(&operator).unwrap_or_default();
		let found = Delegations::<T>::get(&delegator, &operator);
		let is_new = found.is_none();
		let mut delegation = found.unwrap_or_default();

		let now = block::<T>(frame_system::Pallet::<T>::block_number());
		let idle = pool.stream.advance(now, pool.shares.active);
		let accrued = pool.stream.accrued(delegation.active, delegation.counted_at);
		delegation.unclaimed = delegation.unclaimed.saturating_add(accrued);
		delegation.counted_at = pool.stream.per_share;

		let forfeited = pool.shares.collect(delegation.shares(), delegation.held);
		delegation.held = delegation.held.saturating_sub(forfeited);
		Self { operator, delegator, pool, delegation, forfeited, idle, is_new }
	}

	/// Whether there is none.
	pub fn is_new(&self) -> bool {
		self.is_new
	}

	/// Redeems `shares`, which are taken out of the delegation already. Returns what they bring.
	pub fn redeem(&mut self, shares: u128) -> u128 {
		let owned = self.delegation.shares().saturating_add(shares);
		let redeemed = self.pool.shares.redeem(shares, owned, self.delegation.held);
		let out = redeemed.paid.saturating_add(redeemed.forfeited);
		self.delegation.held = self.delegation.held.saturating_sub(out);
		self.forfeited = self.forfeited.saturating_add(redeemed.forfeited);
		redeemed.paid
	}

	/// Writes everything, and pays what became the treasury's and the operator's.
	pub fn store(mut self) -> DispatchResult {
		let gone = self.delegation.shares() == 0 && self.delegation.unclaimed == 0;
		match (self.is_new, gone) {
			(true, false) => self.pool.delegators = self.pool.delegators.saturating_add(1),
			(false, true) => self.pool.delegators = self.pool.delegators.saturating_sub(1),
			_ => (),
		}
		if gone {
			Delegations::<T>::remove(&self.delegator, &self.operator);
		} else {
			Delegations::<T>::insert(&self.delegator, &self.operator, self.delegation);
		}
		Pallet::<T>::store_pool(&self.operator, self.pool)?;
		Pallet::<T>::forfeit(&self.delegator, self.forfeited);
		Pallet::<T>::pot_to_operator(&self.operator, self.idle);
		Ok(())
	}
}

impl<T: Config> Pallet<T> {
	/// Writes a pool, and brings the operator's weight in draws in step with it.
	///
	/// When the last delegator has gone, what isn't due to anybody is the operator's, and what
	/// rounding left is the treasury's; a pool that its operator has left is forgotten.
	pub(crate) fn store_pool(operator: &T::AccountId, mut pool: Pool) -> DispatchResult {
		let (idle, dust) = if pool.delegators == 0 {
			let idle = core::mem::take(&mut pool.stream.dripping);
			(idle, core::mem::take(&mut pool.stream.unclaimed).saturating_sub(idle))
		} else {
			(0, 0)
		};
		let delegated = if pool.closed { 0 } else { pool.shares.worth(pool.shares.active) };
		if pool.closed && pool.delegators == 0 {
			Pools::<T>::remove(operator);
		} else {
			Pools::<T>::insert(operator, pool);
		}
		if Ledgers::<T>::contains_key(operator) {
			Self::mutate_ledger(operator, |ledger| {
				ledger.delegated = amount::<T>(delegated);
				Ok(())
			})?;
		}
		Self::pot_to_operator(operator, idle);
		Self::pot_to_treasury(dust);
		Ok(())
	}

	/// Brings what is the treasury's out of a delegator's hold.
	pub(crate) fn forfeit(delegator: &T::AccountId, forfeited: u128) {
		if forfeited == 0 {
			return;
		}
		let reason = HoldReason::Delegated.into();
		let (credit, missing) = T::Currency::slash(&reason, delegator, amount::<T>(forfeited));
		if !missing.is_zero() {
			log::error!(
				target: crate::LOG_TARGET,
				"{delegator:?} held {:?} less than it delegates",
				raw::<T>(missing),
			);
		}
		T::Treasury::on_unbalanced(credit);
	}
}
