//! The models of one run.

use alloc::vec::Vec;
use dodona_engine::Model;
use dodona_primitives_models::VersionId;

/// Most models that are kept at a time: the worker's Wasm has to hold them, and what the next is
/// read from.
const MOST_MODELS: usize = 2;

/// Models that are ready to run, the one used last at the end.
#[derive(Default)]
pub(crate) struct Models(Vec<(VersionId, Model)>);

impl Models {
	/// The model of `version`; loads it if it is not here.
	pub fn get<E>(
		&mut self,
		version: VersionId,
		load: impl FnOnce() -> Result<Model, E>,
	) -> Result<Model, E> {
		let model = match self.0.iter().position(|(known, _)| *known == version) {
			Some(index) => self.0.remove(index).1,
			None => {
				// Before the next one is read, so that there is room for it.
				if self.0.len() >= MOST_MODELS {
					self.0.remove(0);
				}
				load()?
			},
		};
		self.0.push((version, model.clone()));
		Ok(model)
	}
}
