//! The pallet's tree of weights, in memory.

use pallet_contributor_staking::sum_tree::{Node, Nodes, FAN_OUT, LEVELS};

/// Its nodes, by level and index.
pub struct Memory(Vec<Vec<Node>>);

impl Memory {
	/// A tree without weights.
	pub fn new() -> Self {
		let nodes = |level| FAN_OUT.pow(LEVELS - 1 - level) as usize;
		Self((0..LEVELS).map(|level| vec![Node::default(); nodes(level)]).collect())
	}
}

impl Nodes for Memory {
	fn get(&self, level: u32, index: u32) -> Node {
		self.0[level as usize][index as usize]
	}

	fn set(&mut self, level: u32, index: u32, node: Node) {
		self.0[level as usize][index as usize] = node;
	}
}
