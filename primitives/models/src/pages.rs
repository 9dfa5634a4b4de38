//! The pages of weights: by them a part of an artifact is opened that is smaller than a chunk.

use crate::ArtifactRef;
use alloc::vec::Vec;
use dodona_engine::trace::{self, node_at, pages_depth, Hash, Hasher, CHUNK_DEPTH};
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash as _};

/// blake2-256, by the host where there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blake2;

impl Hasher for Blake2 {
	fn hash(bytes: &[u8]) -> Hash {
		BlakeTwo256::hash(bytes).0
	}
}

/// The root over the pages of an artifact, or of one of its chunks.
pub fn pages_root(bytes: &[u8]) -> H256 {
	H256(trace::pages_root::<Blake2>(bytes))
}

impl ArtifactRef {
	/// Whether `chunk`, the root over the pages of the chunk at `position`, is under `pages`, the root
	/// over those of all; `proof` are the hashes on the way.
	pub fn has_pages(&self, pages: H256, position: u32, chunk: H256, proof: &[H256]) -> bool {
		let proof: Vec<Hash> = proof.iter().map(|hash| hash.0).collect();
		position < self.chunks
			&& proof.len() == self.chunk_levels() as usize
			&& node_at::<Blake2>(chunk.0, position.into(), &proof) == pages.0
	}

	/// The hashes on the way from the chunk at `position` to the root over all pages; `roots` are
	/// those over the pages of each chunk. `None` if there is no such chunk.
	pub fn pages_proof(&self, roots: &[H256], position: u32) -> Option<Vec<H256>> {
		if position as usize >= roots.len() {
			return None;
		}
		let mut level: Vec<Hash> = roots.iter().map(|root| root.0).collect();
		let (mut proof, mut index) = (Vec::new(), position as usize);
		for _ in 0..self.chunk_levels() {
			// What is missing is zero.
			proof.push(H256(level.get(index ^ 1).copied().unwrap_or_default()));
			level = level.chunks(2).map(pair_root).collect();
			index /= 2;
		}
		Some(proof)
	}

	/// Levels of the pages' tree above its chunks.
	fn chunk_levels(&self) -> u32 {
		pages_depth(self.size).saturating_sub(CHUNK_DEPTH)
	}
}

/// The node above one or two.
fn pair_root(pair: &[Hash]) -> Hash {
	let [left, right] = [0, 1].map(|at| pair.get(at).copied().unwrap_or_default());
	trace::fold::<Blake2>(&[left, right])
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::CHUNK_SIZE;
	use alloc::vec;

	#[test]
	fn chunk_should_be_shown_to_be_under_the_pages_root_when_it_is() {
		for (chunks, rest) in [(0, 5), (0, 1_025), (1, 0), (1, 1), (2, 2_000), (4, 7)] {
			let len = CHUNK_SIZE as usize * chunks + rest;
			let bytes: Vec<u8> = (0..len).map(|at| (at % 253) as u8).collect();
			let (artifact, _, parts) = ArtifactRef::of(&bytes);
			let pages = pages_root(&bytes);
			let roots: Vec<H256> = parts.iter().map(|part| pages_root(part)).collect();
			for (position, root) in (0..).zip(&roots) {
				let proof = artifact.pages_proof(&roots, position).unwrap();
				assert!(artifact.has_pages(pages, position, *root, &proof));
				assert!(!artifact.has_pages(pages, position, H256::repeat_byte(1), &proof));
				assert!(!artifact.has_pages(pages, artifact.chunks, *root, &proof));
				let long = [proof, vec![H256::zero()]].concat();
				assert!(!artifact.has_pages(pages, position, *root, &long));
			}
			assert_eq!(artifact.pages_proof(&roots, artifact.chunks), None);
		}
	}

	#[test]
	fn pages_root_should_differ_when_a_byte_does() {
		let mut bytes = vec![7; 3_000];
		let root = pages_root(&bytes);
		assert_eq!(root.0, trace::pages_root::<trace::Blake>(&bytes));
		bytes[2_999] = 8;
		assert_ne!(root, pages_root(&bytes));
	}
}
