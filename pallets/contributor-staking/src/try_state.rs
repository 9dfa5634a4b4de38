//! What holds between blocks, always.

use crate::{
	draw::StoredNodes, sum_tree, sum_tree::Nodes, Config, Eligible, HoldReason, HotKeys, Ledgers,
	Pallet, Slots, Weights,
};
use alloc::collections::BTreeSet;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Invariants:
	///
	/// - What an operator's account holds for its bond is what its ledger says is bonded and
	///   unbonding.
	/// - No unbonding chunk is empty; no two mature in the same block.
	/// - Ledgers and slots name one another, and the slots have no gaps.
	/// - The weight of a slot is the bonded stake of an eligible operator, and 0 of any other.
	/// - Every other weight in the tree is the sum of the node below; nodes of zeros aren't stored.
	/// - As many operators are counted as eligible as have a weight, and those are all that may be
	///   drawn.
	/// - Ledgers and hot keys name one another; no operator is a hot key.
	/// - Every hot key's account has the reference that lets it sign.
	/// - There are no more operators than the tree can hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_ledgers()?;
		Self::check_tree()
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
