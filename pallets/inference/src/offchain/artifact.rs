//! Fetching weights from the node's own RPC. Whatever comes back is checked before it is used.

use super::{
	rpc::{self, CallError},
	switches,
};
use alloc::{format, vec::Vec};
use core::fmt;
use dodona_primitives_models::{chunk_cid, chunk_hash, ArtifactRef};
use sp_core::H256;
use sp_runtime::offchain::Timestamp;

/// The largest artifact that the worker's Wasm can hold beside what it is turned into.
pub(crate) const MAX_ARTIFACT: u64 = 8 * 1024 * 1024;

/// Why weights can't be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FetchError {
	/// The artifact is larger than the worker's Wasm can hold.
	TooLarge(u64),
	/// The node's RPC did not give a chunk.
	Call(CallError),
	/// A chunk is not the one that was asked for.
	CorruptChunk(H256),
	/// The index chunk does not belong to the artifact's root.
	CorruptIndex,
	/// The chunks are not as long together as the artifact.
	WrongSize(u64),
}

impl fmt::Display for FetchError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::TooLarge(size) => write!(
				f,
				"{size} bytes are more than the Wasm worker can hold: start an engine server, see \
				 docs/running.md"
			),
			Self::Call(error @ CallError::Unreachable(_)) => write!(
				f,
				"this node's RPC {error}: if it is elsewhere, set `dodona/rpc` in the offchain \
				 storage"
			),
			Self::Call(error) => write!(f, "this node's RPC {error}"),
			Self::CorruptChunk(hash) => write!(f, "chunk {hash:?} is corrupt"),
			Self::CorruptIndex => f.write_str("the index chunk is not the artifact's"),
			Self::WrongSize(size) => write!(f, "the chunks hold {size} bytes"),
		}
	}
}

/// The artifact's bytes, checked against its root.
pub(crate) fn fetch(artifact: &ArtifactRef, until: Timestamp) -> Result<Vec<u8>, FetchError> {
	if artifact.size > MAX_ARTIFACT {
		return Err(FetchError::TooLarge(artifact.size));
	}
	let index = chunk(artifact.index, until)?;
	let hashes = artifact.open_index(&index).ok_or(FetchError::CorruptIndex)?;
	let mut bytes = Vec::with_capacity(artifact.size as usize);
	for hash in hashes {
		bytes.extend(chunk(hash, until)?);
	}
	let size = bytes.len() as u64;
	if size == artifact.size {
		Ok(bytes)
	} else {
		Err(FetchError::WrongSize(size))
	}
}

/// One chunk, checked against its hash.
fn chunk(hash: H256, until: Timestamp) -> Result<Vec<u8>, FetchError> {
	let cid = format!(r#""{}""#, chunk_cid(hash));
	let bytes =
		rpc::call(&switches::rpc(), "bitswap_v1_get", &cid, until).map_err(FetchError::Call)?;
	if chunk_hash(&bytes) == hash {
		Ok(bytes)
	} else {
		Err(FetchError::CorruptChunk(hash))
	}
}
