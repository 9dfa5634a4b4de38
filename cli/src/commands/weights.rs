//! A version's weights: out of the node or a mirror, checked against what the chain says, and kept.

use crate::{
	chain::{At, Chain},
	commands::{
		cache::Cache,
		model::{chunks::Chunks, contents::Opened},
		text, Model, Version,
	},
	error::{Error, Result},
};
use dodona_engine::trace;
use dodona_primitives_models::{pages_root, ArtifactRef, VersionId};
use std::sync::Arc;

/// Most weights that are in memory at a time.
const MOST: usize = 2;

/// Weights in memory, those used last at the end.
#[derive(Default)]
pub struct Weights(Vec<(VersionId, Arc<Vec<u8>>)>);

impl Weights {
	/// The weights of a version.
	pub async fn get(&mut self, chain: &Chain, at: &At, version: &Version) -> Result<Arc<Vec<u8>>> {
		if let Some(place) = self.0.iter().position(|(id, _)| *id == version.id) {
			let found = self.0.remove(place);
			let bytes = found.1.clone();
			self.0.push(found);
			return Ok(bytes);
		}
		let bytes = Arc::new(load(chain, at, version).await?);
		if self.0.len() >= MOST {
			self.0.remove(0);
		}
		self.0.push((version.id, bytes.clone()));
		Ok(bytes)
	}
}

/// The weights of a version, which is not remembered.
pub async fn load(chain: &Chain, at: &At, version: &Version) -> Result<Vec<u8>> {
	let artifact = &version.manifest.artifact;
	let cache = Cache::new("weights", "safetensors");
	let bytes = match cache.get(artifact) {
		Some(bytes) => bytes,
		None => {
			let model = version.id.model;
			let found: Vec<Model> =
				chain.call(at, "ModelRegistryApi_models", (model, 1u32)).await?;
			let model = found.iter().find(|found| found.id == model);
			let mirrors = model.into_iter().flat_map(|model| model.metadata.mirrors.iter());
			let chunks = Chunks::new(chain, mirrors.map(|mirror| text(mirror)).collect());
			let bytes = fetch(artifact, async |hash| chunks.get(hash).await).await?;
			cache.put(artifact, &bytes);
			bytes
		},
	};
	check(&bytes, version)?;
	Ok(bytes)
}

/// Fetches and checks the bytes of `artifact`.
async fn fetch(
	artifact: &ArtifactRef,
	chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
	let opened = Opened::of(artifact, &chunk).await?;
	let mut bytes = Vec::new();
	for hash in &opened.hashes {
		bytes.extend(chunk(*hash).await?);
	}
	if bytes.len() as u64 != artifact.size {
		return Err(Error::failed("the chunks are not as long as the artifact says")
			.because("MalformedArtifact")
			.hint("it is the publisher's fault: nobody can fetch this version"));
	}
	Ok(bytes)
}

/// Refuses weights that no dispute could be decided with.
fn check(bytes: &[u8], version: &Version) -> Result<()> {
	if pages_root(bytes) != version.manifest.pages {
		return Err(Error::failed(
			"the root over the weights' pages is not the one in the manifest",
		)
		.because("PagesMismatch")
		.hint("anybody can show it by `modelRegistry.refutePages`, and have the version revoked"));
	}
	trace::check(&version.manifest.architecture, bytes).map_err(|error| {
		Error::failed(format!("runs with these weights have no trace: {error}")).because("NoTrace")
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::dispute::tests::version;
	use dodona_primitives_models::{chunk_hash, CHUNK_SIZE};
	use std::collections::BTreeMap;

	#[tokio::test]
	async fn weights_should_be_all_bytes_that_the_chain_knows_or_refused() {
		let bytes: Vec<u8> = (0..CHUNK_SIZE * 2 + 7).map(|at| (at % 251) as u8).collect();
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		let pieces = chunks.into_iter().chain([&index[..]]);
		let node: BTreeMap<_, _> = pieces.map(|it| (chunk_hash(it).0, it.to_vec())).collect();
		let get = async |hash| node.get(&hash).cloned().ok_or_else(|| Error::failed("absent"));
		assert!(fetch(&artifact, &get).await.unwrap() == bytes);

		let shorter = ArtifactRef { size: artifact.size - 1, ..artifact };
		let error = fetch(&shorter, &get).await.unwrap_err();
		assert_eq!(error.reason.as_deref(), Some("MalformedArtifact"));
	}

	#[test]
	fn weights_should_be_refused_when_no_dispute_could_be_decided_with_them() {
		let (version, bytes) = version(&[40, 3]);
		let reason = |bytes: &[u8], version: &Version| {
			check(bytes, version).err().map(|error| error.reason.unwrap())
		};
		assert_eq!(reason(&bytes, &version), None);
		let mut other = version.clone();
		other.manifest.pages = Default::default();
		assert_eq!(reason(&bytes, &other).as_deref(), Some("PagesMismatch"));
		let mut none = version.clone();
		none.manifest.pages = pages_root(b"no weights");
		assert_eq!(reason(b"no weights", &none).as_deref(), Some("NoTrace"));
	}
}
