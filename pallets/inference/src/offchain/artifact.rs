//! Fetching weights from the node's own RPC. Whatever comes back is checked before it is used.

use super::switches;
use alloc::{format, string::String, vec, vec::Vec};
use core::fmt;
use dodona_primitives_models::{chunk_cid, chunk_hash, ArtifactRef, CHUNK_SIZE};
use serde::Deserialize;
use sp_core::H256;
use sp_runtime::offchain::{http, Timestamp};

/// The largest artifact that the worker's Wasm can hold beside what it is turned into.
const MAX_ARTIFACT: u64 = 8 * 1024 * 1024;

/// Why weights can't be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FetchError {
	/// The artifact is larger than the worker's Wasm can hold.
	TooLarge(u64),
	/// The node's RPC is not at the address in `dodona/rpc`, or did not answer in time.
	Unreachable,
	/// The RPC answered with something else than HTTP 200.
	Status(u16),
	/// The RPC's answer is not what it is specified to be.
	NotUnderstood,
	/// The RPC's own error: this node does not have the chunk.
	Refused(i64, String),
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
			Self::TooLarge(size) => {
				write!(f, "{size} bytes are more than the Wasm worker can hold")
			},
			Self::Unreachable => write!(
				f,
				"no answer from this node's RPC at {}: set `dodona/rpc` in the offchain storage",
				switches::rpc()
			),
			Self::Status(code) => write!(f, "this node's RPC answered with HTTP {code}"),
			Self::NotUnderstood => f.write_str("this node's RPC gave no JSON-RPC answer"),
			Self::Refused(code, message) => {
				write!(f, "this node's RPC refused: {message} ({code})")
			},
			Self::CorruptChunk(hash) => write!(f, "chunk {hash:?} is corrupt"),
			Self::CorruptIndex => f.write_str("the index chunk is not the artifact's"),
			Self::WrongSize(size) => write!(f, "the chunks hold {size} bytes"),
		}
	}
}

/// A JSON-RPC answer.
#[derive(Deserialize)]
struct Answer {
	result: Option<String>,
	error: Option<RpcError>,
}

/// A JSON-RPC error.
#[derive(Deserialize)]
struct RpcError {
	code: i64,
	message: String,
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
	let body = format!(
		r#"{{"jsonrpc":"2.0","id":1,"method":"bitswap_v1_get","params":["{}"]}}"#,
		chunk_cid(hash)
	);
	let response = http::Request::post(&switches::rpc(), vec![body.into_bytes()])
		.add_header("content-type", "application/json")
		.deadline(until)
		.send()
		.map_err(|_| FetchError::Unreachable)?
		.try_wait(until)
		.ok()
		.and_then(Result::ok)
		.ok_or(FetchError::Unreachable)?;
	if response.code != 200 {
		return Err(FetchError::Status(response.code));
	}
	// Twice a chunk in hex, and room for what JSON puts around it.
	let most = CHUNK_SIZE as usize * 2 + 1024;
	let mut body = response.body();
	body.deadline(until);
	let answer: Vec<u8> = body.take(most).collect();
	let bytes = parse(&answer)?;
	if chunk_hash(&bytes) == hash {
		Ok(bytes)
	} else {
		Err(FetchError::CorruptChunk(hash))
	}
}

/// The bytes in the RPC's answer.
fn parse(answer: &[u8]) -> Result<Vec<u8>, FetchError> {
	match serde_json::from_slice(answer).map_err(|_| FetchError::NotUnderstood)? {
		Answer { error: Some(error), .. } => Err(FetchError::Refused(error.code, error.message)),
		Answer { result: Some(data), .. } => {
			let digits = data.strip_prefix("0x").ok_or(FetchError::NotUnderstood)?;
			hex::decode(digits).map_err(|_| FetchError::NotUnderstood)
		},
		Answer { .. } => Err(FetchError::NotUnderstood),
	}
}
