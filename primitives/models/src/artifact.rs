//! How weights are addressed: chunks by their hash, an artifact by the root over its chunks.

use alloc::{string::String, vec::Vec};
use binary_merkle_tree::{merkle_proof, merkle_root, verify_proof};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use data_encoding::BASE32_NOPAD;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash};

/// Bytes of every chunk of an artifact but its last: 1 MiB.
pub const CHUNK_SIZE: u32 = 1024 * 1024;

/// CIDv1, raw codec, blake2b-256 multihash of 32 bytes.
const CID_PREFIX: [u8; 6] = [0x01, 0x55, 0xa0, 0xe4, 0x02, 0x20];

/// Where an artifact's bytes are found and how they are checked.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ArtifactRef {
	/// Binary Merkle root (`binary-merkle-tree`, blake2-256) over the hashes of the chunks.
	pub root: H256,
	/// Hash of the index chunk: the chunks' 32-byte hashes, one after the other.
	pub index: H256,
	/// Size of the artifact in bytes.
	pub size: u64,
	/// Number of chunks.
	pub chunks: u32,
}

impl ArtifactRef {
	/// Splits `bytes` into chunks; returns the reference, the index chunk and the chunks.
	pub fn of(bytes: &[u8]) -> (Self, Vec<u8>, Vec<&[u8]>) {
		let chunks: Vec<&[u8]> = bytes.chunks(CHUNK_SIZE as usize).collect();
		let hashes: Vec<H256> = chunks.iter().map(|chunk| chunk_hash(chunk)).collect();
		let (this, index) = Self::of_chunks(bytes.len() as u64, &hashes);
		(this, index, chunks)
	}

	/// The reference and the index chunk of an artifact of `size` bytes whose chunks have these
	/// hashes.
	pub fn of_chunks(size: u64, hashes: &[H256]) -> (Self, Vec<u8>) {
		let index: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
		let this = Self {
			root: root_of(hashes),
			index: chunk_hash(&index),
			size,
			chunks: hashes.len() as u32,
		};
		(this, index)
	}

	/// Whether size and number of chunks agree with each other.
	pub fn is_well_formed(&self) -> bool {
		self.size > 0 && self.size.div_ceil(CHUNK_SIZE.into()) == u64::from(self.chunks)
	}

	/// Length of the chunk at `position` in bytes: all have [`CHUNK_SIZE`] but the last.
	pub fn chunk_len(&self, position: u32) -> Option<u32> {
		if !self.is_well_formed() || position >= self.chunks {
			return None;
		}
		let left = self.size.saturating_sub(u64::from(position).saturating_mul(CHUNK_SIZE.into()));
		u32::try_from(left.min(CHUNK_SIZE.into())).ok()
	}

	/// Whether the chunk at `position` has this hash; `proof` are the hashes on the way to the root.
	pub fn has_chunk(&self, position: u32, hash: H256, proof: &[H256]) -> bool {
		is_leaf(self.root, self.chunks, position, hash, proof)
	}

	/// The hashes of the chunks, if `index` is this artifact's index chunk.
	pub fn open_index(&self, index: &[u8]) -> Option<Vec<H256>> {
		let well_sized = index.len() as u64 == u64::from(self.chunks).saturating_mul(32);
		if !well_sized || chunk_hash(index) != self.index {
			return None;
		}
		let hashes: Vec<H256> = index.chunks_exact(32).map(H256::from_slice).collect();
		(root_of(&hashes) == self.root).then_some(hashes)
	}
}

/// The root of a binary Merkle tree (`binary-merkle-tree`, blake2-256) with these leaves.
pub fn root_of(leaves: &[H256]) -> H256 {
	merkle_root::<BlakeTwo256, _>(leaves)
}

/// The hashes on the way from the leaf at `position` to the root over `leaves`; `None` if there is
/// no such leaf.
pub fn leaf_proof(leaves: &[H256], position: u32) -> Option<Vec<H256>> {
	((position as usize) < leaves.len())
		.then(|| merkle_proof::<BlakeTwo256, _, _>(leaves.to_vec(), position).proof)
}

/// Whether the leaf at `position` of a binary Merkle tree (`binary-merkle-tree`, blake2-256) over
/// `leaves` hashes is `hash`; `proof` are the hashes on the way to the root.
pub fn is_leaf(root: H256, leaves: u32, position: u32, hash: H256, proof: &[H256]) -> bool {
	// Where the tree is not balanced, `verify_proof` takes a leaf at other positions as well, but
	// with a proof of another length than theirs.
	position < leaves
		&& proof.len() == proof_len(position, leaves)
		&& verify_proof::<BlakeTwo256, _, _>(&root, proof.iter().copied(), leaves, position, &hash)
}

/// How many hashes there are on the way from the leaf at `position` to the root.
fn proof_len(mut position: u32, mut leaves: u32) -> usize {
	let mut len = 0usize;
	while leaves > 1 {
		// The last one of an odd number goes up alone.
		if position % 2 == 1 || position.saturating_add(1) < leaves {
			len = len.saturating_add(1);
		}
		position /= 2;
		leaves = leaves.div_ceil(2);
	}
	len
}

/// The hash under which the chain stores `chunk`.
pub fn chunk_hash(chunk: &[u8]) -> H256 {
	BlakeTwo256::hash(chunk)
}

/// The CID (version 1, raw, blake2b-256, base32) of the chunk with this hash.
pub fn chunk_cid(hash: H256) -> String {
	let mut bytes = CID_PREFIX.to_vec();
	bytes.extend_from_slice(hash.as_bytes());
	let mut cid = String::from("b");
	cid.push_str(&BASE32_NOPAD.encode(&bytes).to_ascii_lowercase());
	cid
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn open_index_should_return_the_chunks_when_the_index_is_the_artifacts() {
		let bytes = alloc::vec![7u8; CHUNK_SIZE as usize * 2 + 5];
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		assert!(artifact.is_well_formed());
		assert_eq!(artifact.chunks, 3);
		let expected: Vec<H256> = chunks.iter().map(|chunk| chunk_hash(chunk)).collect();
		assert_eq!(artifact.open_index(&index), Some(expected));
	}

	#[test]
	fn open_index_should_refuse_when_a_byte_differs_or_is_missing() {
		let (artifact, mut index, _) = ArtifactRef::of(&[1, 2, 3]);
		assert_eq!(artifact.open_index(&index[..31]), None);
		index[0] ^= 1;
		assert_eq!(artifact.open_index(&index), None);
	}

	#[test]
	fn open_index_should_refuse_when_the_root_is_another() {
		let (mut artifact, index, _) = ArtifactRef::of(&[1, 2, 3]);
		artifact.root = H256::zero();
		assert_eq!(artifact.open_index(&index), None);
	}

	#[test]
	fn chunk_should_be_shown_to_be_of_the_artifact_when_it_is() {
		for chunks in 1..=9 {
			let hashes: Vec<H256> = (0..chunks).map(|chunk| chunk_hash(&[chunk])).collect();
			let (artifact, _) = ArtifactRef::of_chunks(1, &hashes);
			for (position, hash) in (0..).zip(&hashes) {
				let proof = leaf_proof(&hashes, position).unwrap();
				assert!(artifact.has_chunk(position, *hash, &proof));
				assert!(!artifact.has_chunk(position, chunk_hash(b"other"), &proof));
				for other in (0..=u32::from(chunks)).filter(|other| *other != position) {
					assert!(
						!artifact.has_chunk(other, *hash, &proof),
						"{chunks}: {position} at {other}"
					);
				}
				assert!(!artifact.has_chunk(
					position,
					*hash,
					&[proof, alloc::vec![*hash]].concat()
				));
			}
			assert_eq!(leaf_proof(&hashes, chunks.into()), None);
		}
	}

	#[test]
	fn chunk_len_should_be_whole_for_all_but_the_last() {
		let bytes = alloc::vec![7u8; CHUNK_SIZE as usize + 5];
		let (artifact, ..) = ArtifactRef::of(&bytes);
		assert_eq!([0, 1, 2].map(|at| artifact.chunk_len(at)), [Some(CHUNK_SIZE), Some(5), None]);
		assert_eq!(ArtifactRef { chunks: 3, ..artifact }.chunk_len(0), None);
	}

	#[test]
	fn chunk_cid_should_be_a_version_1_raw_cid() {
		// The address of the empty chunk, as an IPFS node prints it.
		assert_eq!(
			chunk_cid(chunk_hash(b"")),
			"bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2q"
		);
	}
}
