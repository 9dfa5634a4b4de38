use crate::sum_tree::*;
use proptest::{collection::vec, prelude::*};
use std::{
	cell::Cell,
	collections::{BTreeMap, BTreeSet},
};

/// Nodes in memory that count how often they are read.
#[derive(Default)]
struct Memory {
	nodes: BTreeMap<(u32, u32), Node>,
	reads: Cell<u32>,
}

impl Nodes for Memory {
	fn get(&self, level: u32, index: u32) -> Node {
		self.reads.set(self.reads.get() + 1);
		self.nodes.get(&(level, index)).copied().unwrap_or_default()
	}

	fn set(&mut self, level: u32, index: u32, node: Node) {
		assert!(level < LEVELS && index < CAPACITY / FAN_OUT.pow(level + 1));
		self.nodes.insert((level, index), node);
	}
}

fn slots() -> impl Strategy<Value = u32> {
	// Neighbours, as well as slots that share nothing but the top.
	prop_oneof![0..40u32, 0..CAPACITY, Just(CAPACITY - 1)]
}

fn weights() -> impl Strategy<Value = u128> {
	prop_oneof![Just(0u128), 1..10u128, 0..u128::MAX / 1000]
}

fn tree_of(changes: &[(u32, u128)]) -> (Memory, BTreeMap<u32, u128>) {
	let (mut tree, mut model) = (Memory::default(), BTreeMap::new());
	for (slot, weight) in changes {
		set(&mut tree, *slot, *weight);
		model.insert(*slot, *weight);
	}
	(tree, model)
}

/// The slow way to find a slot.
fn find_in(model: &BTreeMap<u32, u128>, mut offset: u128) -> Option<u32> {
	for (slot, weight) in model {
		if offset < *weight {
			return Some(*slot);
		}
		offset -= weight;
	}
	None
}

proptest! {
	#[test]
	fn tree_should_agree_with_the_model_when_weights_change(
		changes in vec((slots(), weights()), 0..60),
		offsets in vec(any::<u128>(), 10),
	) {
		let (tree, model) = tree_of(&changes);
		let sum: u128 = model.values().sum();
		prop_assert_eq!(total(&tree), sum);
		for (slot, held) in &model {
			prop_assert_eq!(weight(&tree, *slot), *held);
		}
		for offset in offsets.into_iter().map(|offset| offset % sum.max(1)) {
			let found = find(&tree, offset, &[]);
			prop_assert_eq!(found.map(|found| found.slot), find_in(&model, offset));
			if let Some(found) = found {
				prop_assert_eq!(found.weight, model[&found.slot]);
			}
		}
		prop_assert_eq!(find(&tree, sum, &[]), None);
	}

	#[test]
	fn find_should_agree_with_a_model_without_the_slots_when_some_are_left_out(
		changes in vec((slots(), weights()), 1..60),
		left_out in vec(any::<prop::sample::Index>(), 0..10),
		offset in any::<u128>(),
	) {
		let (tree, mut model) = tree_of(&changes);
		let all: Vec<u32> = model.keys().copied().collect();
		let left_out: BTreeSet<u32> = left_out.iter().map(|index| *index.get(&all)).collect();
		let without: Vec<Weighted> = left_out
			.iter()
			.map(|slot| Weighted { slot: *slot, weight: model.remove(slot).unwrap_or_default() })
			.collect();
		let left: u128 = model.values().sum();
		let offset = offset % left.max(1);
		prop_assert_eq!(
			find(&tree, offset, &without).map(|found| found.slot),
			find_in(&model, offset)
		);
		prop_assert_eq!(find(&tree, left, &without), None);
	}

	#[test]
	fn draw_should_agree_with_the_model_when_some_are_excluded(
		changes in vec((slots(), weights()), 1..60),
		exclude in vec(slots(), 0..10),
		count in 0..40u32,
		numbers in vec(any::<u128>(), 40),
	) {
		let (tree, mut model) = tree_of(&changes);
		for slot in &exclude {
			model.remove(slot);
		}
		let mut next = numbers.iter();
		let drawn = draw(&tree, count, &exclude, |bound| next.next().unwrap() % bound);

		let mut next = numbers.iter();
		for slot in &drawn {
			let left: u128 = model.values().sum();
			prop_assert!(model.get(slot).is_some_and(|weight| *weight > 0));
			prop_assert_eq!(Some(*slot), find_in(&model, next.next().unwrap() % left));
			model.remove(slot);
		}
		if drawn.len() < count as usize {
			prop_assert_eq!(model.values().sum::<u128>(), 0);
		}
	}

	#[test]
	fn draw_should_read_no_more_than_its_share_when_the_tree_is_full_of_slots(
		changes in vec((slots(), 1..10u128), 60..200),
		exclude in vec(slots(), 0..10),
		count in 1..20u32,
	) {
		let (tree, _) = tree_of(&changes);
		tree.reads.set(0);
		draw(&tree, count, &exclude, |bound| bound / 2);
		prop_assert!(tree.reads.get() <= 1 + exclude.len() as u32 + count * LEVELS);
	}
}

#[test]
fn set_should_ignore_the_slot_when_it_is_beyond_the_capacity() {
	let mut tree = Memory::default();
	set(&mut tree, CAPACITY, 1);
	assert_eq!(total(&tree), 0);
	assert!(tree.nodes.is_empty());
}

#[test]
fn total_should_not_overflow_when_weights_are_as_large_as_can_be() {
	let (tree, _) = tree_of(&[(0, u128::MAX - 1), (CAPACITY - 1, 1)]);
	assert_eq!(total(&tree), u128::MAX);
	assert_eq!(find(&tree, u128::MAX - 1, &[]).unwrap().slot, CAPACITY - 1);
	assert_eq!(find(&tree, u128::MAX - 2, &[]).unwrap().slot, 0);
}
