//! A tree of sums over weighted slots: weights change, and slots are found by weight, in a number
//! of node accesses that only depends on the height of the tree.
//!
//! Pure: where the nodes are kept is up to [`Nodes`].

use alloc::vec::Vec;

/// Children of a node.
pub const FAN_OUT: u32 = 16;
/// Levels of nodes; level 0 holds the weights of the slots, the top one is a single node.
pub const LEVELS: u32 = 4;
/// Slots that the tree can hold.
pub const CAPACITY: u32 = FAN_OUT.pow(LEVELS);

/// The weights of a node's children.
pub type Node = [u128; FAN_OUT as usize];

/// Where nodes are kept. A node never written is one of zeros.
pub trait Nodes {
	/// The node at `index` of `level`.
	fn get(&self, level: u32, index: u32) -> Node;
	/// Replaces the node at `index` of `level`.
	fn set(&mut self, level: u32, index: u32, node: Node);
}

/// A slot and its weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weighted {
	/// The slot.
	pub slot: u32,
	/// Its weight.
	pub weight: u128,
}

/// Sets the weight of `slot`. Slots beyond [`CAPACITY`] are ignored.
///
/// The sum of all weights must fit `u128`.
pub fn set(nodes: &mut impl Nodes, slot: u32, weight: u128) {
	if slot >= CAPACITY {
		return;
	}
	let (mut path, mut sum) = (slot, weight);
	for level in 0..LEVELS {
		let (index, child) = (path / FAN_OUT, path % FAN_OUT);
		let mut node = nodes.get(level, index);
		match node.get_mut(child as usize) {
			Some(held) if *held != sum => *held = sum,
			_ => return,
		}
		nodes.set(level, index, node);
		path = index;
		sum = sum_of(&node);
	}
}

/// The weight of `slot`.
pub fn weight(nodes: &impl Nodes, slot: u32) -> u128 {
	let node = nodes.get(0, slot / FAN_OUT);
	node.get((slot % FAN_OUT) as usize).copied().unwrap_or_default()
}

/// The sum of all weights.
pub fn total(nodes: &impl Nodes) -> u128 {
	sum_of(&nodes.get(LEVELS - 1, 0))
}

/// The slot that `offset` falls on, if the slots were laid end to end in their order, each as long
/// as its weight, without those in `without`. None if `offset` is past the end.
pub fn find(nodes: &impl Nodes, mut offset: u128, without: &[Weighted]) -> Option<Weighted> {
	let mut path = 0u32;
	let mut found = 0u128;
	for level in (0..LEVELS).rev() {
		let mut node = nodes.get(level, path);
		let span = FAN_OUT.pow(level);
		for gone in without {
			let under = gone.slot / span;
			if under / FAN_OUT == path {
				if let Some(sum) = node.get_mut((under % FAN_OUT) as usize) {
					*sum = sum.saturating_sub(gone.weight);
				}
			}
		}
		let mut chosen = None;
		for (child, sum) in (0u32..).zip(node) {
			if offset < sum {
				chosen = Some((child, sum));
				break;
			}
			offset = offset.saturating_sub(sum);
		}
		let (child, sum) = chosen?;
		path = path.saturating_mul(FAN_OUT).saturating_add(child);
		found = sum;
	}
	Some(Weighted { slot: path, weight: found })
}

/// Draws up to `count` distinct slots, each with a chance in proportion to its weight among those
/// that are left. Slots of `exclude`, and those without weight, are never drawn.
///
/// `random_below(n)` gives a uniform number in `0..n`, and is never asked for `n = 0`.
pub fn draw(
	nodes: &impl Nodes,
	count: u32,
	exclude: &[u32],
	mut random_below: impl FnMut(u128) -> u128,
) -> Vec<u32> {
	let mut without: Vec<Weighted> = Vec::new();
	for slot in exclude {
		if !without.iter().any(|gone| gone.slot == *slot) {
			without.push(Weighted { slot: *slot, weight: weight(nodes, *slot) });
		}
	}
	let excluded = without.iter().fold(0u128, |sum, gone| sum.saturating_add(gone.weight));
	let mut left = total(nodes).saturating_sub(excluded);
	let mut drawn = Vec::new();
	for _ in 0..count {
		if left == 0 {
			break;
		}
		let Some(pick) = find(nodes, random_below(left), &without) else { break };
		left = left.saturating_sub(pick.weight);
		drawn.push(pick.slot);
		without.push(pick);
	}
	drawn
}

/// The sum of a node's weights.
pub fn sum_of(node: &Node) -> u128 {
	node.iter().fold(0u128, |sum, weight| sum.saturating_add(*weight))
}
