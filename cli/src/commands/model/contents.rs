//! What a version consists of: its artifacts, their chunks, and the files that are made of them.

use super::listing::{Lengths, Listing, Place, MAX_LEN};
use crate::error::{Error, Result};
use dodona_primitives_models::{ArtifactRef, Manifest, CHUNK_SIZE};
use std::{borrow::Cow, fmt::Display, ops::Range};

/// A version's artifacts, and the list of its files.
pub struct Contents {
	/// For each place its artifact, and how much of it comes before the place.
	places: Vec<(Place, Opened, u64)>,
	pub listing: Listing,
	/// The chunk that the list ends in, as the first bytes of files are in it, too.
	last: ([u8; 32], Vec<u8>),
}

/// An artifact and the hashes of its chunks.
pub struct Opened {
	pub artifact: ArtifactRef,
	pub hashes: Vec<[u8; 32]>,
}

/// A chunk of a version's artifacts.
#[derive(Clone, Debug)]
pub struct Chunk {
	pub place: Place,
	/// Where it is in its artifact.
	pub range: Range<u64>,
	/// Where the place begins in the artifact.
	before: u64,
	pub hash: [u8; 32],
}

impl Contents {
	/// Finds out what a version consists of; `chunk` has the bytes of a hash.
	pub async fn of<Balance>(
		manifest: &Manifest<Balance>,
		chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
	) -> Result<Self> {
		let folder = manifest.folder.ok_or_else(|| {
			Error::failed("the version was published without a folder")
				.because("NoFolder")
				.hint("its weights are the artifact that `dodona model show` names")
		})?;
		let folder = Opened::of(&folder, &chunk).await?;
		let (line, last) = line(&folder, &chunk).await?;
		let before = line.len() as u64 + 1;
		let lengths = Lengths {
			weights: manifest.artifact.size,
			tokenizer: manifest.tokenizer.map_or(0, |tokenizer| tokenizer.size),
			data: folder.artifact.size.saturating_sub(before),
		};
		let listing = Listing::parse(&line, &lengths).map_err(malformed)?;
		let mut places = vec![(Place::Weights, Opened::of(&manifest.artifact, &chunk).await?, 0)];
		if let Some(tokenizer) = &manifest.tokenizer {
			places.push((Place::Tokenizer, Opened::of(tokenizer, &chunk).await?, 0));
		}
		places.push((Place::Data, folder, before));
		Ok(Self { places, listing, last })
	}

	/// The bytes of one of the chunks: those that were read already, or else what `chunk` has.
	pub async fn bytes(
		&self,
		hash: [u8; 32],
		chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
	) -> Result<Cow<'_, [u8]>> {
		match &self.last {
			(last, bytes) if *last == hash => Ok(bytes.into()),
			_ => Ok(chunk(hash).await?.into()),
		}
	}

	/// The chunks of all artifacts.
	pub fn chunks(&self) -> impl Iterator<Item = Chunk> + '_ {
		self.places.iter().flat_map(|(place, opened, before)| {
			opened.chunks().map(|(range, hash)| Chunk {
				place: *place,
				range,
				before: *before,
				hash,
			})
		})
	}
}

impl Opened {
	/// Reads an artifact's index.
	pub async fn of(
		artifact: &ArtifactRef,
		chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
	) -> Result<Self> {
		// An index is a chunk, too.
		if !artifact.is_well_formed() || artifact.chunks > CHUNK_SIZE / 32 {
			let ArtifactRef { size, chunks, .. } = artifact;
			return Err(Error::failed(format!("{size} bytes in {chunks} chunks are no artifact"))
				.because("MalformedArtifact")
				.hint("it is the publisher's fault: nobody can fetch this version"));
		}
		let index = chunk(artifact.index.0).await?;
		let hashes = artifact.open_index(&index).ok_or_else(|| {
			Error::failed("the index of the chunks is not that of the artifact")
				.because("LyingIndex")
				.hint("it is the publisher's fault: nobody can fetch this version")
		})?;
		Ok(Self { artifact: *artifact, hashes: hashes.into_iter().map(|hash| hash.0).collect() })
	}

	/// Where its chunks begin and end, with their hashes.
	fn chunks(&self) -> impl Iterator<Item = (Range<u64>, [u8; 32])> + '_ {
		(0u32..).zip(&self.hashes).filter_map(|(position, hash)| {
			let start = u64::from(position) * u64::from(CHUNK_SIZE);
			let len = self.artifact.chunk_len(position)?;
			Some((start..start + u64::from(len), *hash))
		})
	}
}

/// The line that a folder's artifact begins with, without its line feed, and the chunk that it ends
/// in.
async fn line(
	folder: &Opened,
	chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
) -> Result<(Vec<u8>, ([u8; 32], Vec<u8>))> {
	let mut line = Vec::new();
	for (range, hash) in folder.chunks() {
		let bytes = chunk(hash).await?;
		check_len(&bytes, &range)?;
		let end = bytes.iter().position(|byte| *byte == b'\n');
		line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
		if line.len() > MAX_LEN {
			return Err(malformed("it is too long"));
		}
		if end.is_some() {
			return Ok((line, (hash, bytes)));
		}
	}
	Err(malformed("it has no end"))
}

/// Refuses a chunk that is not as long as its artifact says.
fn check_len(bytes: &[u8], range: &Range<u64>) -> Result<()> {
	if bytes.len() as u64 == range.end - range.start {
		return Ok(());
	}
	Err(Error::failed("a chunk is not as long as the artifact says")
		.because("MalformedArtifact")
		.hint("it is the publisher's fault: nobody can fetch this version"))
}

fn malformed(fault: impl Display) -> Error {
	Error::failed(format!("the list of the folder's files is refused: {fault}"))
		.because("MalformedListing")
		.hint("it is the publisher's fault, or this program is too old")
}

impl Chunk {
	/// Its length.
	pub fn len(&self) -> u64 {
		self.range.end - self.range.start
	}

	/// What of the place is in it.
	pub fn within(&self) -> Range<u64> {
		self.range.start.saturating_sub(self.before)..self.range.end.saturating_sub(self.before)
	}

	/// What of its bytes is in the place. Refuses others than it can have.
	pub fn cut<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8]> {
		check_len(bytes, &self.range)?;
		let before = self.before.saturating_sub(self.range.start);
		let before = usize::try_from(before).unwrap_or(usize::MAX).min(bytes.len());
		Ok(&bytes[before..])
	}

	/// Whether all of it is in the place.
	pub fn is_whole(&self) -> bool {
		self.before <= self.range.start
	}
}

#[cfg(test)]
pub mod tests {
	use super::*;
	use crate::commands::model::{parts::Parts, source::Publication};
	use dodona_primitives_models::chunk_hash;
	use std::{collections::BTreeMap, path::Path};

	/// What a chain has after a publication.
	pub struct Stored {
		pub manifest: Manifest<u128>,
		pub listing: Listing,
		pub chunks: BTreeMap<[u8; 32], Vec<u8>>,
	}

	impl Stored {
		pub fn publish(folder: &Path) -> Self {
			let publication = Publication::of(folder);
			let parts = Parts::of(&publication).unwrap();
			let pieces = parts.pieces();
			Self {
				manifest: Manifest {
					architecture: publication.architecture.clone(),
					artifact: parts.weights.reference,
					pages: parts.weights.pages.into(),
					tokenizer: parts.tokenizer.as_ref().map(|it| it.reference),
					folder: parts.folder.as_ref().map(|it| it.reference),
					known_answers: Default::default(),
					engine: 1,
					derived_from: None,
					licence: Default::default(),
					price: Default::default(),
				},
				listing: publication.listing.clone().unwrap(),
				chunks: pieces.iter().map(|it| (it.hash, it.read().unwrap())).collect(),
			}
		}

		/// As if the weights were those of `other`.
		pub fn weights_of(&mut self, other: &Self) {
			self.manifest.artifact = other.manifest.artifact;
			self.chunks.extend(other.chunks.clone());
		}

		/// What of it can be had; with the list as it is now.
		pub async fn contents(&self) -> Contents {
			let mut contents = of(&self.manifest, &self.chunks).await.unwrap();
			contents.listing = self.listing.clone();
			contents
		}
	}

	async fn of(
		manifest: &Manifest<u128>,
		chunks: &BTreeMap<[u8; 32], Vec<u8>>,
	) -> Result<Contents, String> {
		let get = async |hash| chunks.get(&hash).cloned().ok_or_else(|| Error::failed("absent"));
		Contents::of(manifest, get)
			.await
			.map_err(|error| error.reason.unwrap_or(error.message))
	}

	fn stored(test: &str) -> Stored {
		let folder = crate::commands::model::temporary::Folder::llama(test);
		Stored::publish(folder.as_path())
	}

	#[tokio::test]
	async fn contents_should_be_refused_when_an_index_lies() {
		let mut stored = stored("lying-index");
		assert!(of(&stored.manifest, &stored.chunks).await.is_ok());
		for part in 0..2 {
			let mut manifest = stored.manifest.clone();
			let artifact = match part {
				0 => &mut manifest.artifact,
				_ => manifest.folder.as_mut().unwrap(),
			};
			artifact.root = Default::default();
			let fault = of(&manifest, &stored.chunks).await.err();
			assert_eq!(fault.as_deref(), Some("LyingIndex"));
		}
		stored.manifest.folder = None;
		assert_eq!(of(&stored.manifest, &stored.chunks).await.err().as_deref(), Some("NoFolder"));
	}

	#[tokio::test]
	async fn contents_should_be_refused_unfetched_when_a_size_is_absurd() {
		let stored = stored("absurd-size");
		let (size, chunks) = (u64::MAX, u32::MAX);
		for (size, chunks) in [(4 << 30, 1), (size, chunks), (0, 0), ((32 << 30) + 1, 32769)] {
			let mut manifest = stored.manifest.clone();
			manifest.folder = Some(ArtifactRef { size, chunks, ..manifest.artifact });
			let fault = of(&manifest, &BTreeMap::new()).await.err();
			assert_eq!(fault.as_deref(), Some("MalformedArtifact"), "{size} in {chunks}");
		}
	}

	#[tokio::test]
	async fn contents_should_be_refused_when_the_list_is_none() {
		let mut stored = stored("no-list");
		let line = stored.listing.encode();
		for bytes in [
			&b"{}\n"[..],
			b"\n",
			b"no line feed",
			line.trim_ascii_end(),
			// A part of the data is not there.
			&line,
		] {
			let (artifact, index, chunks) = ArtifactRef::of(bytes);
			stored.manifest.folder = Some(artifact);
			for piece in chunks.into_iter().chain([&index[..]]) {
				stored.chunks.insert(chunk_hash(piece).0, piece.to_vec());
			}
			let fault = of(&stored.manifest, &stored.chunks).await.err();
			assert_eq!(fault.as_deref(), Some("MalformedListing"), "{}", bytes.escape_ascii());
		}
	}

	#[tokio::test]
	async fn contents_should_be_refused_when_a_chunk_is_shorter_than_it_claims() {
		let mut stored = stored("short");
		let folder = stored.manifest.folder.as_mut().unwrap();
		folder.size += 1;
		let fault = of(&stored.manifest, &stored.chunks).await.err();
		assert_eq!(fault.as_deref(), Some("MalformedArtifact"));
	}
}
