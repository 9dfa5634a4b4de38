//! What holds between blocks, always.

use crate::{
	draw::StoredNodes,
	sum_tree,
	sum_tree::Nodes,
	types::{block, raw},
	Config, ContributorPoints, Credits, CurrentEra, CurrentPayout, Delegations, EarningsTotals,
	Eligible, HoldReason, HotKeys, Ledgers, NextSlash, Pallet, PendingSlashes, Pools, SeatPoints,
	SlashQueue, Slots, Weights,
};
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{
	ensure,
	traits::fungible::{Inspect, InspectHold},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Invariants:
	///
	/// - What an operator's account holds for its bond is what its ledger says is bonded and
	///   unbonding.
	/// - No unbonding chunk is empty; no two mature in the same block.
	/// - Ledgers and slots name one another, and the slots have no gaps.
	/// - The weight of a slot is the bonded stake of an eligible operator with what counts of its
	///   delegations, and 0 of any other.
	/// - Every other weight in the tree is the sum of the node below; nodes of zeros aren't stored.
	/// - As many operators are counted as eligible as have a weight, and those are all that may be
	///   drawn.
	/// - Ledgers and hot keys name one another; no operator is a hot key.
	/// - Every hot key's account has the reference that lets it sign.
	/// - There are no more operators than the tree can hold.
	/// - What an account holds for its delegations is what they say, operator by operator.
	/// - What all delegators of a pool hold is what its shares are worth and what slashes took that
	///   isn't collected.
	/// - A pool's shares are those of its delegations; what these are worth, each rounded down, is
	///   what the pool is worth, but for less than one unit for each chunk of shares.
	/// - What counts of a pool in draws is what its ledger says; a pool without ledger is closed, and
	///   a closed one takes part in nothing.
	/// - What delegators could claim, and what isn't due to them yet, is there: all of it is in the
	///   pool's unclaimed earnings.
	/// - Everything credited was paid, went to the treasury, was taken back, or waits in the pallet's
	///   account: for delegators, for causes to be final, or for an era to be paid.
	/// - A slash that waits is in the queue, and nothing else is.
	/// - An era's seats and contributions are those of its operators and contributors.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_ledgers()?;
		Self::check_tree()?;
		Self::check_pools()?;
		Self::check_earnings()?;
		Self::check_slashes()?;
		Self::check_eras()
	}

	fn check_pools() -> Result<(), TryRuntimeError> {
		let mut holds = BTreeMap::<T::AccountId, u128>::new();
		let mut delegators = BTreeMap::<T::AccountId, u32>::new();
		for (delegator, operator, delegation) in Delegations::<T>::iter() {
			let held = holds.entry(delegator).or_default();
			*held = held.saturating_add(delegation.held);
			let count = delegators.entry(operator).or_default();
			*count = count.saturating_add(1);
			ensure!(
				delegation.shares() > 0 || delegation.unclaimed > 0,
				"an empty delegation is stored"
			);
			ensure!(
				delegation.unbonding.iter().all(|chunk| chunk.shares > 0),
				"a chunk of no shares is unbonding"
			);
		}
		for (delegator, held) in holds {
			let on_hold = T::Currency::balance_on_hold(&HoldReason::Delegated.into(), &delegator);
			ensure!(raw::<T>(on_hold) == held, "a delegator's hold differs from its delegations");
		}
		for (operator, pool) in Pools::<T>::iter() {
			let count = delegators.remove(&operator).unwrap_or_default();
			ensure!(pool.delegators == count, "a pool's delegators are miscounted");
			Self::check_pool(&operator)?;
			match Ledgers::<T>::get(&operator) {
				Some(ledger) => {
					let active = pool.shares.worth(pool.shares.active);
					let counts = if pool.closed { 0 } else { active };
					ensure!(
						raw::<T>(ledger.delegated) == counts,
						"an operator's ledger and pool differ"
					);
				},
				None => ensure!(pool.closed, "a pool without operator is open"),
			}
			ensure!(!pool.closed || count > 0, "a closed pool without delegators is stored");
			ensure!(!pool.closed || pool.stream.dripping == 0, "a closed pool earns");
		}
		ensure!(delegators.is_empty(), "a delegation has no pool");
		Ok(())
	}

	fn check_pool(operator: &T::AccountId) -> Result<(), TryRuntimeError> {
		let Some(mut pool) = Pools::<T>::get(operator) else { return Ok(()) };
		let now = block::<T>(frame_system::Pallet::<T>::block_number());
		let idle = pool.stream.advance(now, pool.shares.active);
		let (mut total, mut active, mut held) = (0u128, 0u128, 0u128);
		let (mut worth, mut chunks, mut claimable) = (0u128, 0u128, 0u128);
		for (_, other, delegation) in Delegations::<T>::iter() {
			if other != *operator {
				continue;
			}
			total = total.saturating_add(delegation.shares());
			active = active.saturating_add(delegation.active);
			held = held.saturating_add(delegation.held);
			for shares in delegation
				.unbonding
				.iter()
				.map(|chunk| chunk.shares)
				.chain([delegation.active].into_iter().filter(|active| *active > 0))
			{
				worth = worth.saturating_add(pool.shares.worth(shares));
				chunks = chunks.saturating_add(1);
			}
			claimable = claimable
				.saturating_add(delegation.unclaimed)
				.saturating_add(pool.stream.accrued(delegation.active, delegation.counted_at));
		}
		ensure!(pool.shares.total == total, "a pool's shares aren't its delegations'");
		ensure!(pool.shares.active == active, "a pool's active shares aren't its delegations'");
		ensure!(
			pool.shares.balance.saturating_add(pool.shares.uncollected) == held,
			"what delegators hold isn't what their pool says"
		);
		ensure!(
			worth <= pool.shares.balance && pool.shares.balance <= worth.saturating_add(chunks),
			"shares aren't worth what their pool is"
		);
		ensure!(
			claimable.saturating_add(pool.stream.dripping) <= pool.stream.unclaimed,
			"delegators could claim more than there is"
		);
		ensure!(idle == 0 || active == 0, "earnings of delegators are nobody's");
		Ok(())
	}

	fn check_earnings() -> Result<(), TryRuntimeError> {
		let pools = Pools::<T>::iter_values()
			.fold(0u128, |sum, pool| sum.saturating_add(pool.stream.unclaimed));
		let credits = Credits::<T>::iter_values()
			.flatten()
			.fold(0u128, |sum, (_, credit)| sum.saturating_add(raw::<T>(credit)));
		let payout = CurrentPayout::<T>::get().unwrap_or_default();
		let pending = pools
			.saturating_add(credits)
			.saturating_add(payout.workers)
			.saturating_add(payout.contributors);
		let totals = EarningsTotals::<T>::get();
		let known = totals
			.paid
			.saturating_add(totals.treasury)
			.saturating_add(totals.taken_back)
			.saturating_add(pending);
		ensure!(totals.credited == known, "some earnings are lost, or paid twice");
		// Anyone may send something to the account, and that is nobody's.
		let held = raw::<T>(T::Currency::balance(&Self::pot()));
		let least = raw::<T>(T::Currency::minimum_balance());
		ensure!(
			pending == 0 || held >= pending.saturating_add(least),
			"earnings that wait aren't in the pallet's account"
		);
		Ok(())
	}

	fn check_slashes() -> Result<(), TryRuntimeError> {
		let mut waiting = 0usize;
		for (operator, slashes) in PendingSlashes::<T>::iter() {
			ensure!(Ledgers::<T>::contains_key(&operator), "a slash waits for nobody");
			ensure!(!slashes.is_empty(), "an empty list of slashes is stored");
			for slash in &slashes {
				waiting = waiting.saturating_add(1);
				ensure!(
					SlashQueue::<T>::get(slash.id).as_ref() == Some(&operator),
					"a slash that waits isn't in the queue"
				);
				ensure!(slash.id < NextSlash::<T>::get(), "a slash has a number of the future");
			}
		}
		ensure!(SlashQueue::<T>::iter().count() == waiting, "the queue has a slash too many");
		Ok(())
	}

	fn check_eras() -> Result<(), TryRuntimeError> {
		let era = CurrentEra::<T>::get();
		let payout = CurrentPayout::<T>::get().unwrap_or_default();
		let (mut seats, mut unpaid) = (0u128, 0u128);
		for (of, _, points) in SeatPoints::<T>::iter() {
			let sum = if of == era.index { &mut seats } else { &mut unpaid };
			*sum = sum.saturating_add(points.into());
		}
		ensure!(seats == era.seats, "an era's seats are miscounted");
		ensure!(unpaid == payout.seats, "the seats of an era that is paid are miscounted");
		let (mut contributed, mut unmatched) = (0u128, 0u128);
		for (of, _, points) in ContributorPoints::<T>::iter() {
			let sum = if of == era.index { &mut contributed } else { &mut unmatched };
			*sum = sum.saturating_add(points);
		}
		ensure!(contributed == era.contributed, "an era's contributions are miscounted");
		ensure!(
			unmatched == payout.contributed,
			"contributions of an era that is paid are miscounted"
		);
		Ok(())
	}

	fn check_ledgers() -> Result<(), TryRuntimeError> {
		let (mut operators, mut eligible) = (0u32, 0u32);
		for (operator, ledger) in Ledgers::<T>::iter() {
			operators = operators.saturating_add(1);
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Bonded.into(), &operator)
					== ledger.slashable(),
				"an operator's hold differs from its ledger"
			);
			for chunk in &ledger.unbonding {
				ensure!(chunk.amount > Default::default(), "an unbonding chunk is empty");
				let same = ledger.unbonding.iter().filter(|other| other.until == chunk.until);
				ensure!(same.count() == 1, "two unbonding chunks mature in one block");
			}
			ensure!(
				Slots::<T>::get(ledger.slot).as_ref() == Some(&operator),
				"an operator's slot isn't its own"
			);
			ensure!(
				sum_tree::weight(&StoredNodes::<T>::new(), ledger.slot) == ledger.draw_weight(),
				"an operator's weight in draws isn't its stake"
			);
			let (own, counted) = (raw::<T>(ledger.bonded), raw::<T>(ledger.counted));
			ensure!(
				counted <= raw::<T>(ledger.delegated) && (own > 0 || counted == 0),
				"more counts in draws than is delegated"
			);
			if ledger.is_eligible() {
				ensure!(ledger.draw_weight() > 0, "an eligible operator can't be drawn");
				eligible = eligible.saturating_add(1);
			}
			ensure!(
				HotKeys::<T>::get(&ledger.hot_key).as_ref() == Some(&operator),
				"an operator's hot key isn't its own"
			);
			ensure!(!HotKeys::<T>::contains_key(&operator), "an operator is a hot key");
			ensure!(
				frame_system::Pallet::<T>::sufficients(&ledger.hot_key) > 0,
				"a hot key can't sign"
			);
		}
		ensure!(Eligible::<T>::get() == eligible, "the eligible are miscounted");
		ensure!(Slots::<T>::count() == operators, "slots are miscounted");
		ensure!(operators <= sum_tree::CAPACITY, "more operators than the tree can hold");
		for slot in 0..operators {
			ensure!(Slots::<T>::contains_key(slot), "the slots have a gap");
		}
		ensure!(HotKeys::<T>::iter().count() == operators as usize, "a hot key has no operator");
		Ok(())
	}

	fn check_tree() -> Result<(), TryRuntimeError> {
		let nodes = StoredNodes::<T>::new();
		let mut stored = BTreeSet::new();
		for ((level, index), node) in Weights::<T>::iter() {
			let sum = sum_tree::sum_of(&node);
			ensure!(level < sum_tree::LEVELS, "a node is above the top of the tree");
			ensure!(sum > 0, "a node of zeros is stored");
			stored.insert((level, index));
			for (child, weight) in (index.saturating_mul(sum_tree::FAN_OUT)..).zip(node) {
				match level.checked_sub(1) {
					Some(below) => ensure!(
						sum_tree::sum_of(&nodes.get(below, child)) == weight,
						"a weight isn't the sum of the node below"
					),
					None => ensure!(
						weight == 0 || Slots::<T>::contains_key(child),
						"a vacant slot has a weight"
					),
				}
			}
		}
		for (level, index) in &stored {
			let parent = (level.saturating_add(1), index / sum_tree::FAN_OUT);
			ensure!(
				parent.0 == sum_tree::LEVELS || stored.contains(&parent),
				"a node isn't reached from the top"
			);
		}
		Ok(())
	}
}
