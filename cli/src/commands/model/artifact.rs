//! Bytes in pieces that the chain stores, each under its hash.

use crate::error::{Error, Result};
use dodona_engine::{
	trace::{fold, pages_root, Blake},
	Source,
};
use dodona_primitives_models::{chunk_hash, ArtifactRef, CHUNK_SIZE};
use std::{
	path::{Path, PathBuf},
	rc::Rc,
};

/// A file, and how the chain knows it.
pub struct Artifact {
	/// How the chain knows it.
	pub reference: ArtifactRef,
	/// Root over its pages, by which a dispute opens a part of it.
	pub pages: [u8; 32],
	path: PathBuf,
	source: Rc<dyn Source>,
	index: Vec<u8>,
	hashes: Vec<[u8; 32]>,
}

/// A part of an artifact, or its index.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
	/// Its hash.
	pub hash: [u8; 32],
	/// Its length in bytes.
	pub len: usize,
	artifact: &'a Artifact,
	/// Where it begins; `None` for the index.
	start: Option<u64>,
}

impl Artifact {
	/// Reads `source`, of what is at `path`, once. Nothing of it stays in memory.
	pub fn of(path: &Path, source: Rc<dyn Source>) -> Result<Self> {
		let (mut hashes, mut pages) = (Vec::new(), Vec::new());
		let mut chunk = Vec::new();
		for start in (0..source.len()).step_by(CHUNK_SIZE as usize) {
			read(path, &*source, start, &mut chunk)?;
			hashes.push(chunk_hash(&chunk));
			// A chunk is a tree of its own.
			pages.push(pages_root::<Blake>(&chunk));
		}
		let (reference, index) = ArtifactRef::of_chunks(source.len(), &hashes);
		if index.len() > CHUNK_SIZE as usize {
			return Err(Error::usage(format!(
				"{} is too long: the chain knows files of up to 32 GiB",
				path.display()
			)));
		}
		let hashes = hashes.into_iter().map(|hash| hash.0).collect();
		let pages = fold::<Blake>(&pages);
		Ok(Self { reference, pages, path: path.into(), source, index, hashes })
	}

	/// The index.
	pub fn index(&self) -> &[u8] {
		&self.index
	}

	/// The pieces, with the index at the end.
	pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
		let starts = (0..self.source.len()).step_by(CHUNK_SIZE as usize);
		let chunks = self.hashes.iter().zip(starts).map(move |(hash, start)| Piece {
			hash: *hash,
			len: chunk_len(&*self.source, start),
			artifact: self,
			start: Some(start),
		});
		let index = Piece {
			hash: self.reference.index.0,
			len: self.index.len(),
			artifact: self,
			start: None,
		};
		chunks.chain([index])
	}
}

impl Piece<'_> {
	/// Its bytes.
	pub fn read(&self) -> Result<Vec<u8>> {
		let Artifact { path, source, index, .. } = self.artifact;
		let Some(start) = self.start else { return Ok(index.clone()) };
		let mut bytes = Vec::new();
		read(path, &**source, start, &mut bytes)?;
		if chunk_hash(&bytes).0 != self.hash {
			return Err(Error::failed(format!("{} has changed meanwhile", path.display()))
				.hint("run it again"));
		}
		Ok(bytes)
	}
}

fn chunk_len(source: &dyn Source, start: u64) -> usize {
	(source.len() - start).min(CHUNK_SIZE.into()) as usize
}

fn read(path: &Path, source: &dyn Source, start: u64, chunk: &mut Vec<u8>) -> Result<()> {
	chunk.resize(chunk_len(source, start), 0);
	source
		.read_at(start, chunk)
		.map_err(|error| Error::failed(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{spliced::Spliced, temporary};
	use dodona_engine::artifact::File;
	use std::fs;

	#[test]
	fn artifact_should_be_what_all_of_its_bytes_are_when_it_is_read_in_pieces() {
		let all: Vec<u8> = (0..CHUNK_SIZE * 2 + 5).map(|at| (at % 251) as u8).collect();
		for len in [1, CHUNK_SIZE as usize, CHUNK_SIZE as usize + 1, all.len()] {
			let bytes = &all[..len];
			let mut source = Spliced::default();
			source.push(bytes.to_vec());
			let artifact = Artifact::of(Path::new("a"), Rc::new(source)).unwrap();
			let (reference, index, chunks) = ArtifactRef::of(bytes);
			assert_eq!(artifact.reference, reference);
			assert_eq!(artifact.pages, pages_root::<Blake>(bytes));
			let pieces: Vec<_> = artifact.pieces().collect();
			let expected: Vec<&[u8]> = chunks.into_iter().chain([&index[..]]).collect();
			assert_eq!(pieces.len(), expected.len());
			for (piece, expected) in pieces.iter().zip(expected) {
				assert!(piece.read().unwrap() == expected);
				assert_eq!((piece.len, piece.hash), (expected.len(), chunk_hash(expected).0));
			}
		}
	}

	#[test]
	fn pages_should_be_those_that_others_compute() {
		let mut source = Spliced::default();
		source.push(vec![7; CHUNK_SIZE as usize]);
		source.push(vec![1; 5]);
		let artifact = Artifact::of(Path::new("a"), Rc::new(source)).unwrap();
		// Computed outside of this project, by the rules in docs/engine.md.
		let expected = "b7f9c9126ce779e0ae03b7b5556c04894c16186e62e75e144d6170f27e8c723c";
		assert_eq!(hex::encode(artifact.pages), expected);
	}

	#[test]
	fn piece_should_be_refused_when_the_file_has_changed() {
		let folder = temporary::Folder::new("changed", &[("a", "12345")]);
		let path = folder.as_path().join("a");
		let file = File::open(&path).unwrap();
		let artifact = Artifact::of(&path, Rc::new(file)).unwrap();
		fs::write(&path, "12346").unwrap();
		let error = artifact.pieces().next().unwrap().read().unwrap_err();
		assert!(error.message.contains("has changed"), "{}", error.message);
		fs::write(&path, "").unwrap();
		assert!(artifact.pieces().next().unwrap().read().is_err());
	}
}
