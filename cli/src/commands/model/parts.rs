//! What is stored of a publication.

use super::{
	artifact::{Artifact, Piece},
	folder::MODEL_CARD,
	source::Publication,
	spliced::Spliced,
	tokenizer,
};
use crate::error::Result;
use std::rc::Rc;

/// The artifacts of a version, and its model's card.
pub struct Parts {
	pub weights: Artifact,
	pub tokenizer: Option<Artifact>,
	/// What makes a folder of them.
	pub folder: Option<Artifact>,
	card: Option<Artifact>,
}

impl Parts {
	/// Reads all files of a publication once.
	pub fn of(publication: &Publication) -> Result<Self> {
		let small = |name: &str, bytes: &Option<Vec<u8>>| {
			let source = |bytes: &Vec<u8>| {
				let mut source = Spliced::default();
				source.push(bytes.clone());
				Artifact::of(&publication.path.join(name), Rc::new(source))
			};
			bytes.as_ref().map(source).transpose()
		};
		let folder = publication.folder.clone();
		let folder = folder.map(|folder| Artifact::of(&publication.path, folder));
		Ok(Self {
			weights: Artifact::of(&publication.path, publication.weights.clone())?,
			tokenizer: small(tokenizer::FILE, &publication.tokenizer)?,
			folder: folder.transpose()?,
			card: small(MODEL_CARD, &publication.card)?,
		})
	}

	/// The artifacts that a manifest names.
	pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
		[&self.weights].into_iter().chain(&self.tokenizer).chain(&self.folder)
	}

	/// The chunk that is the model's card.
	pub fn card(&self) -> Option<Piece<'_>> {
		self.card.as_ref().and_then(|card| card.pieces().next())
	}

	/// All that is stored.
	pub fn pieces(&self) -> Vec<Piece<'_>> {
		self.artifacts().flat_map(Artifact::pieces).chain(self.card()).collect()
	}
}
