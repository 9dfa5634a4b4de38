//! Binary trees of hashes: over pages of memory and of weights, and over states.
//!
//! What is not there is zero: so is the hash of a page of zeros, and that of a node with two of
//! them. A hash function gives zero for nothing that anybody could find.

use alloc::vec::Vec;

/// The hash of a page, of a node, of a state.
pub type Hash = [u8; 32];

/// The hash of what is not there.
pub(super) const ZERO: Hash = [0; 32];

/// Bytes of a page of memory and of weights.
pub const PAGE: usize = 1024;

/// Levels between a page of weights and the root of its chunk of 1 MiB.
pub const CHUNK_DEPTH: u32 = 10;

/// blake2b with 32 bytes, given by the caller: the runtime's host computes it.
pub trait Hasher {
	/// The hash of `bytes`.
	fn hash(bytes: &[u8]) -> Hash;
}

/// The hash function where there is no host to ask.
#[cfg(feature = "std")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blake;

#[cfg(feature = "std")]
impl Hasher for Blake {
	fn hash(bytes: &[u8]) -> Hash {
		let mut out = ZERO;
		let hash = blake2b_simd::Params::new().hash_length(out.len()).hash(bytes);
		for (out, byte) in out.iter_mut().zip(hash.as_bytes()) {
			*out = *byte;
		}
		out
	}
}

/// The hash of a page.
pub(super) fn page<H: Hasher>(page: &[u8; PAGE]) -> Hash {
	if page.iter().all(|byte| *byte == 0) {
		return ZERO;
	}
	H::hash(page)
}

/// The hash of the node above `left` and `right`.
pub(super) fn node<H: Hasher>(left: &Hash, right: &Hash) -> Hash {
	if *left == ZERO && *right == ZERO {
		return ZERO;
	}
	let mut both = [0; 64];
	for (place, byte) in both.iter_mut().zip(left.iter().chain(right)) {
		*place = *byte;
	}
	H::hash(&both)
}

/// The nodes above `level`, which may end before the tree does.
pub(super) fn above<H: Hasher>(level: &[Hash]) -> Vec<Hash> {
	level
		.chunks(2)
		.map(|pair| match pair {
			[left, right] => node::<H>(left, right),
			[left, ..] => node::<H>(left, &ZERO),
			[] => ZERO,
		})
		.collect()
}

/// A node from the nodes some levels below it. Their number is a power of two; what is missing to
/// the next one is zero.
pub fn fold<H: Hasher>(children: &[Hash]) -> Hash {
	let mut level = children.to_vec();
	while level.len() > 1 {
		level = above::<H>(&level);
	}
	level.first().copied().unwrap_or(ZERO)
}

/// The node that is as many levels above leaf number `index` as `path` has hashes: the other child
/// of each level, from the leaf on.
pub fn node_at<H: Hasher>(leaf: Hash, index: u64, path: &[Hash]) -> Hash {
	path.iter()
		.fold((leaf, index), |(hash, index), other| {
			let above = match index & 1 {
				0 => node::<H>(&hash, other),
				_ => node::<H>(other, &hash),
			};
			(above, index >> 1)
		})
		.0
}

/// Levels of a tree over `leaves`.
pub(super) fn depth(leaves: u64) -> u32 {
	leaves
		.max(1)
		.saturating_sub(1)
		.checked_ilog2()
		.map_or(0, |log| log.saturating_add(1))
}

/// Levels of the tree over the pages of an artifact of `len` bytes: those of a chunk, and as many as
/// the chunks need.
pub fn pages_depth(len: u64) -> u32 {
	depth(len.div_ceil((PAGE as u64) << CHUNK_DEPTH)).saturating_add(CHUNK_DEPTH)
}

/// The root of the tree over an artifact's pages. The last page is filled up with zeros.
///
/// Each chunk of 1 MiB is a tree of its own, with the root that this function gives for it; the
/// roots of the chunks are the leaves of a tree. So a chunk and a path show what is under the root.
pub fn pages_root<H: Hasher>(bytes: &[u8]) -> Hash {
	fold::<H>(&chunk_roots::<H>(bytes))
}

/// The roots of an artifact's chunks.
pub(super) fn chunk_roots<H: Hasher>(bytes: &[u8]) -> Vec<Hash> {
	bytes.chunks(PAGE << CHUNK_DEPTH).map(chunk_root::<H>).collect()
}

fn chunk_root<H: Hasher>(bytes: &[u8]) -> Hash {
	subtree::<H>(page_hashes::<H>(bytes), CHUNK_DEPTH)
}

/// The node that is `height` levels above `level`, which may end before the tree does.
pub(super) fn subtree<H: Hasher>(mut level: Vec<Hash>, height: u32) -> Hash {
	for _ in 0..height {
		level = above::<H>(&level);
	}
	level.first().copied().unwrap_or(ZERO)
}

/// The hashes of the pages that `bytes` begin.
pub(super) fn page_hashes<H: Hasher>(bytes: &[u8]) -> Vec<Hash> {
	let (pages, rest) = bytes.as_chunks::<PAGE>();
	let mut hashes: Vec<Hash> = pages.iter().map(page::<H>).collect();
	if !rest.is_empty() {
		hashes.push(page::<H>(&filled(rest)));
	}
	hashes
}

/// A page that begins with `bytes`.
pub(super) fn filled(bytes: &[u8]) -> [u8; PAGE] {
	let mut page = [0; PAGE];
	for (place, byte) in page.iter_mut().zip(bytes) {
		*place = *byte;
	}
	page
}

/// A leaf that is opened: its hash, and the one that takes its place.
pub(super) struct Opened {
	pub index: u64,
	pub before: Hash,
	pub after: Hash,
}

/// The roots before and after, over `leaves`, whose indices ascend, and `hashes`: the nodes that are
/// missing, level by level from the leaves on, each from left to right. Nothing if there are too
/// few or too many of them.
pub(super) fn roots<H: Hasher>(
	mut leaves: Vec<Opened>,
	depth: u32,
	hashes: &[Hash],
) -> Option<(Hash, Hash)> {
	let mut hashes = hashes.iter();
	for _ in 0..depth {
		let mut level = Vec::with_capacity(leaves.len());
		let mut rest = leaves.into_iter().peekable();
		while let Some(leaf) = rest.next() {
			let index = leaf.index >> 1;
			let (left, right) = if leaf.index & 1 == 1 {
				(stay(*hashes.next()?), leaf)
			} else if let Some(right) = rest.next_if(|next| next.index == (leaf.index | 1)) {
				(leaf, right)
			} else {
				(leaf, stay(*hashes.next()?))
			};
			let before = node::<H>(&left.before, &right.before);
			let same = left.before == left.after && right.before == right.after;
			let after = if same { before } else { node::<H>(&left.after, &right.after) };
			level.push(Opened { index, before, after });
		}
		leaves = level;
	}
	match (&leaves[..], hashes.next()) {
		([root], None) => Some((root.before, root.after)),
		_ => None,
	}
}

/// A node that nothing changes. Its index is its neighbour's business.
fn stay(hash: Hash) -> Opened {
	Opened { index: 0, before: hash, after: hash }
}

/// The hashes that [`roots`] needs for leaves with these indices, which ascend. `node` gives the one
/// of a height and index.
pub(super) fn missing(
	mut indices: Vec<u64>,
	depth: u32,
	mut node: impl FnMut(u32, u64) -> Hash,
) -> Vec<Hash> {
	let mut hashes = Vec::new();
	for height in 0..depth {
		let mut rest = indices.iter().copied().peekable();
		while let Some(index) = rest.next() {
			if index & 1 == 1 {
				hashes.push(node(height, index ^ 1));
			} else if rest.next_if_eq(&(index | 1)).is_none() {
				hashes.push(node(height, index | 1));
			}
		}
		indices.iter_mut().for_each(|index| *index >>= 1);
		indices.dedup();
	}
	hashes
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::{vec, vec::Vec};
	use proptest::prelude::*;

	/// The root over all leaves, and every level from the leaves on.
	fn whole(mut level: Vec<Hash>, depth: u32) -> Vec<Vec<Hash>> {
		level.resize(1 << depth, ZERO);
		let mut levels = vec![level];
		for _ in 0..depth {
			levels.push(above::<Blake>(levels.last().unwrap()));
		}
		levels
	}

	fn hashes(bytes: &[u8]) -> Vec<Hash> {
		bytes.iter().map(|byte| if *byte < 80 { ZERO } else { [*byte; 32] }).collect()
	}

	proptest! {
		#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

		#[test]
		fn roots_should_be_those_of_the_whole_tree(
			depth in 0u32..7,
			before in prop::collection::vec(any::<u8>(), 64),
			changes in prop::collection::btree_map(0u64..64, any::<u8>(), 1..20),
		) {
			let mut before = hashes(&before);
			before.truncate(1 << depth);
			let mut after = before.clone();
			let mut leaves = Vec::new();
			for (index, byte) in changes.into_iter().filter(|(index, _)| index >> depth == 0) {
				let place = &mut after[index as usize];
				*place = hashes(&[byte])[0];
				leaves.push(Opened { index, before: before[index as usize], after: *place });
			}
			prop_assume!(!leaves.is_empty());
			let levels = whole(before, depth);
			let proof = missing(
				leaves.iter().map(|leaf| leaf.index).collect(),
				depth,
				|height, index| levels[height as usize][index as usize],
			);
			let expected = (levels[depth as usize][0], whole(after, depth)[depth as usize][0]);
			let again = || leaves.iter().map(|leaf| Opened { ..*leaf }).collect();
			prop_assert_eq!(roots::<Blake>(again(), depth, &proof), Some(expected));

			let mut long = proof.clone();
			long.push(ZERO);
			prop_assert_eq!(roots::<Blake>(again(), depth, &long), None);
			if let Some((_, short)) = proof.split_last() {
				prop_assert_eq!(roots::<Blake>(again(), depth, short), None);
			}
		}

		#[test]
		fn node_at_should_be_the_root(
			depth in 0u32..7,
			leaves in prop::collection::vec(any::<u8>(), 1..64),
			index in any::<u64>(),
		) {
			let mut leaves = hashes(&leaves);
			leaves.truncate(1 << depth);
			let index = index % leaves.len() as u64;
			let leaf = leaves[index as usize];
			let levels = whole(leaves.clone(), depth);
			let path: Vec<Hash> = (0..depth)
				.map(|height| levels[height as usize][(index >> height) as usize ^ 1])
				.collect();
			let root = levels[depth as usize][0];
			prop_assert_eq!(node_at::<Blake>(leaf, index, &path), root);
			prop_assert_eq!(fold::<Blake>(&levels[0]), root);
		}
	}

	#[test]
	fn pages_root_should_be_made_of_its_chunks_roots() {
		const MIB: usize = 1 << 20;
		for (len, depth) in
			[(1, 10), (MIB, 10), (MIB + 1, 11), (2 * MIB, 11), (3 * MIB - 5, 12), (0, 10)]
		{
			let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
			assert_eq!(pages_depth(len as u64), depth);
			let roots: Vec<Hash> = bytes.chunks(MIB).map(pages_root::<Blake>).collect();
			let root = pages_root::<Blake>(&bytes);
			assert_eq!(root, fold::<Blake>(&roots));
			let mut leaves = page_hashes::<Blake>(&bytes);
			leaves.resize(1 << depth, ZERO);
			assert_eq!(root, fold::<Blake>(&leaves));
		}
	}

	#[test]
	fn depth_should_be_enough_and_no_more() {
		for leaves in 1..70u64 {
			let depth = depth(leaves);
			assert!(1 << depth >= leaves && (depth == 0 || 1 << (depth - 1) < leaves));
		}
		assert_eq!(depth(u64::MAX), 64);
	}
}
