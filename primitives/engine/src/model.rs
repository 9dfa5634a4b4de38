//! A model that is ready to run.

use crate::{
	architecture::{mlp::Mlp, Architecture},
	EngineError,
};
use alloc::{sync::Arc, vec::Vec};
use core::fmt;

/// An architecture with its weights. A clone shares the weights.
#[derive(Clone)]
pub struct Model {
	architecture: Architecture,
	network: Arc<Network>,
}

enum Network {
	Mlp(Mlp),
}

impl Model {
	/// The model of `architecture` with the weights in `artifact`, a safetensors file.
	pub fn load(architecture: &Architecture, artifact: &[u8]) -> Result<Self, EngineError> {
		architecture.validate()?;
		let network = match architecture {
			Architecture::Mlp(config) => Network::Mlp(Mlp::load(config, artifact)?),
		};
		Ok(Self { architecture: architecture.clone(), network: Arc::new(network) })
	}

	/// The answer to `input`.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, EngineError> {
		self.architecture.check_input(input)?;
		match &*self.network {
			Network::Mlp(mlp) => mlp.run(input),
		}
	}

	/// What is computed.
	pub fn architecture(&self) -> &Architecture {
		&self.architecture
	}
}

impl fmt::Debug for Model {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Model")
			.field("architecture", &self.architecture)
			.finish_non_exhaustive()
	}
}
