//! A model that is ready to run.

use crate::{
	architecture::{
		bert::Bert,
		cnn::Cnn,
		llama::Llama,
		mlp::{self, Mlp},
		Architecture,
	},
	artifact::{Source, Tensors, MAX_HEADER_LEN},
	generate::{End, Generated},
	ArtifactFault, EngineError,
};
use alloc::{sync::Arc, vec, vec::Vec};
use core::{fmt, ops::ControlFlow};

/// An architecture with its weights. A clone shares the weights.
#[derive(Clone)]
pub struct Model {
	architecture: Architecture,
	network: Arc<Network>,
}

enum Network {
	Mlp(Mlp),
	Llama(Llama),
	Bert(Bert),
	Cnn(Cnn),
}

impl Model {
	/// The model of `architecture` with the weights in `artifact`, a safetensors file.
	pub fn load(architecture: &Architecture, artifact: &[u8]) -> Result<Self, EngineError> {
		if let Architecture::Mlp(config) = architecture {
			config.validate()?;
			let network = Network::Mlp(Mlp::load(config, artifact, artifact.len() as u64)?);
			return Ok(Self::new(architecture, network));
		}
		Self::load_from(architecture, &[&artifact])
	}

	/// The model of `architecture` with the weights in `sources`, one or several safetensors files,
	/// which are read piece by piece.
	pub fn load_from(
		architecture: &Architecture,
		sources: &[&dyn Source],
	) -> Result<Self, EngineError> {
		architecture.validate()?;
		let tensors = || Tensors::open(sources);
		let network = match architecture {
			Architecture::Mlp(config) => {
				let (artifact, len) = read(config, sources)?;
				Network::Mlp(Mlp::load(config, &artifact, len)?)
			},
			Architecture::Llama(config) => Network::Llama(Llama::load(config, &tensors()?)?),
			Architecture::Bert(config) => Network::Bert(Bert::load(config, &tensors()?)?),
			Architecture::Cnn(config) => Network::Cnn(Cnn::load(config, &tensors()?)?),
		};
		Ok(Self::new(architecture, network))
	}

	fn new(architecture: &Architecture, network: Network) -> Self {
		Self { architecture: architecture.clone(), network: Arc::new(network) }
	}

	/// The answer to `input`.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, EngineError> {
		let answer = self.run_in_steps(input, &mut |_| ControlFlow::Continue(()))?;
		// Unreachable: nobody gives up.
		answer.ok_or(EngineError::Backend)
	}

	/// The answer to `input`; none if `on_step` gave up. It is called after each step of a generation,
	/// as [`Llama::generate_in_steps`] does it. What is no language model runs to its end.
	pub fn run_in_steps(
		&self,
		input: &[u8],
		on_step: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
	) -> Result<Option<Vec<u8>>, EngineError> {
		match (&*self.network, &self.architecture) {
			(Network::Llama(llama), Architecture::Llama(config)) => {
				let prompt = config.decode_input(input)?;
				let Generated { tokens, end } = llama.generate_in_steps(&prompt, on_step)?;
				let bytes = || tokens.into_iter().flat_map(u32::to_le_bytes).collect();
				Ok((end != End::Cancelled).then(bytes))
			},
			(Network::Mlp(mlp), architecture) => {
				architecture.check_input(input)?;
				mlp.run(input).map(Some)
			},
			(Network::Bert(bert), _) => bert.run(input).map(Some),
			(Network::Cnn(cnn), architecture) => {
				architecture.check_input(input)?;
				cnn.run(input).map(Some)
			},
			// Unreachable: both are set together.
			_ => Err(EngineError::Backend),
		}
	}

	/// What is computed.
	pub fn architecture(&self) -> &Architecture {
		&self.architecture
	}

	/// The language model, if it is one.
	pub fn llama(&self) -> Option<&Llama> {
		match &*self.network {
			Network::Llama(llama) => Some(llama),
			_ => None,
		}
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		match &*self.network {
			Network::Mlp(mlp) => mlp.bytes(),
			Network::Llama(llama) => llama.bytes(),
			Network::Bert(bert) => bert.bytes(),
			Network::Cnn(cnn) => cnn.bytes(),
		}
	}
}

/// The one file of a perceptron, which is small, and its length: of a longer one, the beginning.
fn read(config: &mlp::Config, sources: &[&dyn Source]) -> Result<(Vec<u8>, u64), EngineError> {
	let [source] = sources else { return Err(ArtifactFault::TooManyFiles { most: 1 }.into()) };
	let most = config.parameters().saturating_mul(4).saturating_add(MAX_HEADER_LEN.into());
	// One byte more is enough to be refused for.
	let len = source.len().min(most.saturating_add(9));
	let mut bytes = vec![0; usize::try_from(len).map_err(|_| EngineError::ReadFailed)?];
	source.read_at(0, &mut bytes)?;
	Ok((bytes, source.len()))
}

impl fmt::Debug for Model {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Model")
			.field("architecture", &self.architecture)
			.finish_non_exhaustive()
	}
}
