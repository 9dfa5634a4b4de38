//! All of a run's memory, as somebody has it who runs it.

use super::tree::{self, filled, Hash, Hasher, PAGE, ZERO};
use alloc::{boxed::Box, sync::Arc};
use core::marker::PhantomData;

/// Pages in a tree with its hashes. A clone shares what neither changes.
pub(super) struct Memory<H> {
	depth: u32,
	root: Option<Arc<Node>>,
	hasher: PhantomData<fn() -> H>,
}

impl<H> Clone for Memory<H> {
	fn clone(&self) -> Self {
		Self { depth: self.depth, root: self.root.clone(), hasher: PhantomData }
	}
}

#[derive(Clone)]
struct Node {
	/// None since it was changed.
	hash: Option<Hash>,
	content: Content,
}

#[derive(Clone)]
enum Content {
	Page(Box<[u8; PAGE]>),
	Children([Option<Arc<Node>>; 2]),
}

impl<H: Hasher> Memory<H> {
	/// Memory of 2^`depth` pages of zeros.
	pub fn new(depth: u32) -> Self {
		Self { depth, root: None, hasher: PhantomData }
	}

	/// Page number `index`; none if all of it is zero.
	pub fn page(&self, index: u64) -> Option<&[u8; PAGE]> {
		let mut node = self.root.as_deref()?;
		for height in (0..self.depth).rev() {
			let Content::Children(children) = &node.content else { return None };
			node = children.get((index >> height & 1) as usize)?.as_deref()?;
		}
		match &node.content {
			Content::Page(page) => Some(page),
			Content::Children(_) => None,
		}
	}

	/// Page number `index`, to be changed.
	pub fn page_mut(&mut self, index: u64) -> Option<&mut [u8; PAGE]> {
		let mut place = &mut self.root;
		for height in (0..=self.depth).rev() {
			let node = Arc::make_mut(place.get_or_insert_with(|| {
				let content = match height {
					0 => Content::Page(Box::new(filled(&[]))),
					_ => Content::Children([None, None]),
				};
				Arc::new(Node { hash: None, content })
			}));
			node.hash = None;
			match &mut node.content {
				Content::Page(page) => return Some(page),
				Content::Children(children) => {
					let bit = index >> height.saturating_sub(1) & 1;
					place = children.get_mut(bit as usize)?;
				},
			}
		}
		None
	}

	/// The hash over all of it.
	pub fn root(&mut self) -> Hash {
		update::<H>(&mut self.root)
	}

	/// The hash of the node of this height and index; nothing has changed since [`root`](Self::root).
	pub fn hash(&self, height: u32, index: u64) -> Hash {
		let mut node = self.root.as_deref();
		for level in (height..self.depth).rev() {
			let Some(Node { content: Content::Children(children), .. }) = node else {
				return ZERO;
			};
			let bit = index >> level.saturating_sub(height) & 1;
			node = children.get(bit as usize).and_then(Option::as_deref);
		}
		node.and_then(|node| node.hash).unwrap_or(ZERO)
	}
}

/// The hash of a node, after those that changed below it.
fn update<H: Hasher>(place: &mut Option<Arc<Node>>) -> Hash {
	let Some(node) = place else { return ZERO };
	if let Some(hash) = node.hash {
		return hash;
	}
	// Nobody else has it: it was changed.
	let node = Arc::make_mut(node);
	let hash = match &mut node.content {
		Content::Page(page) => tree::page::<H>(page),
		Content::Children([left, right]) => {
			let (left, right) = (update::<H>(left), update::<H>(right));
			tree::node::<H>(&left, &right)
		},
	};
	node.hash = Some(hash);
	hash
}

#[cfg(test)]
mod tests {
	use super::{super::tree::Blake, *};
	use alloc::{vec, vec::Vec};
	use proptest::prelude::*;

	proptest! {
		#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

		#[test]
		fn memory_should_be_what_was_written_when_it_is_cloned(
			depth in 0u32..6,
			writes in prop::collection::vec((any::<u64>(), any::<u8>(), any::<bool>()), 1..40),
		) {
			let mut plain = vec![[0u8; PAGE]; 1 << depth];
			let mut memory = Memory::<Blake>::new(depth);
			let mut saved = Vec::new();
			for (index, byte, save) in writes {
				let index = index % (1 << depth);
				plain[index as usize][byte as usize] = byte;
				memory.page_mut(index).unwrap()[byte as usize] = byte;
				if save {
					let root = memory.root();
					saved.push((memory.clone(), root, plain.clone()));
				}
			}
			let root = memory.root();
			saved.push((memory, root, plain));
			for (memory, root, plain) in saved {
				let leaves: Vec<Hash> = plain.iter().map(tree::page::<Blake>).collect();
				prop_assert_eq!(tree::fold::<Blake>(&leaves), root);
				prop_assert_eq!(memory.hash(depth, 0), root);
				for (index, page) in plain.iter().enumerate() {
					prop_assert_eq!(memory.page(index as u64).unwrap_or(&[0; PAGE]), page);
					prop_assert_eq!(memory.hash(0, index as u64), leaves[index]);
				}
			}
		}
	}
}
