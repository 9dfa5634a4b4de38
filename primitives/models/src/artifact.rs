//! How weights are addressed: chunks by their hash, an artifact by the root over its chunks.

use alloc::{string::String, vec::Vec};
use binary_merkle_tree::merkle_root;
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
			root: merkle_root::<BlakeTwo256, _>(hashes),
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

	/// The hashes of the chunks, if `index` is this artifact's index chunk.
	pub fn open_index(&self, index: &[u8]) -> Option<Vec<H256>> {
		let well_sized = index.len() as u64 == u64::from(self.chunks).saturating_mul(32);
		if !well_sized || chunk_hash(index) != self.index {
			return None;
		}
		let hashes: Vec<H256> = index.chunks_exact(32).map(H256::from_slice).collect();
		(merkle_root::<BlakeTwo256, _>(&hashes) == self.root).then_some(hashes)
	}
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
	fn chunk_cid_should_be_a_version_1_raw_cid() {
		// The address of the empty chunk, as an IPFS node prints it.
		assert_eq!(
			chunk_cid(chunk_hash(b"")),
			"bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2q"
		);
	}
}
