//! A model's tokenizer out of the node, checked against what the chain says, and kept.

use crate::{
	chain::Chain,
	commands::{
		cache::Cache,
		model::tokenizer::{Tokenizer, MAX_LEN},
	},
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::{chunk_cid, chunk_hash, ArtifactRef};

/// The tokenizer that the chain knows as `artifact`.
pub async fn tokenizer(
	session: &Session,
	chain: &Chain,
	artifact: &ArtifactRef,
) -> Result<Tokenizer> {
	let cache = Cache::new("tokenizers", "json");
	let kept = cache.get(artifact).filter(|json| json.len() <= MAX_LEN);
	let json = match kept {
		Some(json) => json,
		None => {
			let spinner = session.output.spinner("fetching the tokenizer");
			let json = fetch(artifact, async |cid: String| chain.chunk(&cid).await).await?;
			spinner.finish_and_clear();
			cache.put(artifact, &json);
			json
		},
	};
	Tokenizer::parse(&json).map_err(|error| {
		unusable(format!("the model's tokenizer can't be read: {error}"), "TokenizerUnreadable")
	})
}

/// Fetches and checks the bytes of `artifact`; `chunk` has those at a CID.
async fn fetch(
	artifact: &ArtifactRef,
	chunk: impl AsyncFn(String) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<u8>> {
	if artifact.size > MAX_LEN as u64 || !artifact.is_well_formed() {
		let what = format!("the model's tokenizer has {} bytes", artifact.size);
		return Err(unusable(what, "TokenizerTooLong"));
	}
	let absent = || {
		unusable("the node does not have the model's tokenizer", "TokenizerUnavailable")
			.hint("ask another node with --url, or give the tokens themselves: --tokens 1,2,3")
	};
	let other = || {
		unusable("the node serves something else as the model's tokenizer", "TokenizerMismatch")
			.hint("ask another node with --url, or give the tokens themselves: --tokens 1,2,3")
	};
	let index = chunk(chunk_cid(artifact.index)).await?.ok_or_else(absent)?;
	let hashes = artifact.open_index(&index).ok_or_else(other)?;
	let mut bytes = Vec::new();
	for (position, hash) in (0..).zip(hashes) {
		let piece = chunk(chunk_cid(hash)).await?.ok_or_else(absent)?;
		let len = artifact.chunk_len(position).map(|len| len as usize);
		if chunk_hash(&piece) != hash || Some(piece.len()) != len {
			return Err(other());
		}
		bytes.extend(piece);
	}
	Ok(bytes)
}

fn unusable(what: impl std::fmt::Display, reason: &str) -> Error {
	Error::failed(what)
		.because(reason)
		.hint("give the tokens themselves: --tokens 1,2,3")
}

#[cfg(test)]
mod tests {
	use super::*;
	use dodona_primitives_models::CHUNK_SIZE;
	use std::collections::BTreeMap;

	/// What a node has that stores `bytes`.
	fn stored(bytes: &[u8]) -> (ArtifactRef, BTreeMap<String, Vec<u8>>) {
		let (artifact, index, chunks) = ArtifactRef::of(bytes);
		let pieces = chunks.into_iter().chain([&index[..]]);
		let named = pieces.map(|piece| (chunk_cid(chunk_hash(piece)), piece.to_vec()));
		(artifact, named.collect())
	}

	async fn fetched(
		artifact: &ArtifactRef,
		node: &BTreeMap<String, Vec<u8>>,
	) -> Result<Vec<u8>, String> {
		fetch(artifact, async |cid: String| Ok(node.get(&cid).cloned()))
			.await
			.map_err(|error| error.reason.unwrap())
	}

	#[tokio::test]
	async fn tokenizer_should_be_all_bytes_that_the_chain_knows() {
		for len in [1, CHUNK_SIZE as usize, CHUNK_SIZE as usize * 2 + 7] {
			let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
			let (artifact, node) = stored(&bytes);
			assert!(fetched(&artifact, &node).await.unwrap() == bytes, "{len}");
		}
	}

	#[tokio::test]
	async fn tokenizer_should_be_refused_when_a_byte_differs_or_is_missing() {
		let bytes = vec![7; CHUNK_SIZE as usize + 3];
		let (artifact, node) = stored(&bytes);
		for (cid, piece) in &node {
			let changed = |change: &dyn Fn(&mut Vec<u8>)| {
				let mut node = node.clone();
				let mut piece = piece.clone();
				change(&mut piece);
				node.insert(cid.clone(), piece);
				node
			};
			for node in [changed(&|piece| piece[0] ^= 1), changed(&|piece| piece.push(0))] {
				assert_eq!(fetched(&artifact, &node).await.unwrap_err(), "TokenizerMismatch");
			}
			let mut node = node.clone();
			node.remove(cid);
			assert_eq!(fetched(&artifact, &node).await.unwrap_err(), "TokenizerUnavailable");
		}
		// As many bytes as the chunks have, but not as many as the chain says.
		let shorter = ArtifactRef { size: artifact.size - 1, ..artifact };
		assert_eq!(fetched(&shorter, &node).await.unwrap_err(), "TokenizerMismatch");
	}

	#[tokio::test]
	async fn tokenizer_should_be_refused_unfetched_when_it_is_too_long() {
		let (artifact, _) = stored(&[1, 2, 3]);
		let size = MAX_LEN as u64 + 1;
		let chunks = size.div_ceil(CHUNK_SIZE.into()) as u32;
		for long in [
			ArtifactRef { size, chunks, ..artifact },
			ArtifactRef { size: u64::MAX, ..artifact },
			ArtifactRef { chunks: 9, ..artifact },
		] {
			assert_eq!(fetched(&long, &BTreeMap::new()).await.unwrap_err(), "TokenizerTooLong");
		}
	}
}
