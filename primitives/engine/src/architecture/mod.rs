//! The architectures that the engine can run.

pub(crate) mod asked;
pub mod bert;
pub mod cnn;
mod linear;
pub mod llama;
pub mod mlp;

use crate::{ConfigFault, EngineError, Tensors};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The arithmetic of an architecture's products. Everything else is always class `F32`.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Class {
	/// Floats, summed in a fixed order.
	#[codec(index = 0)]
	F32,
	/// Bytes with a scale, of weights and activations.
	#[codec(index = 1)]
	Q8,
}

/// What is computed with a model's weights.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Architecture {
	/// A multi-layer perceptron with ReLU between its layers.
	#[codec(index = 0)]
	Mlp(mlp::Config),
	/// A language model of the llama family.
	#[codec(index = 1)]
	Llama(llama::Config),
	/// An encoder of texts.
	#[codec(index = 2)]
	Bert(bert::Config),
	/// A small convolutional network.
	#[codec(index = 3)]
	Cnn(cnn::Config),
}

impl Architecture {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		match self {
			Self::Mlp(config) => config.validate(),
			Self::Llama(config) => config.validate(),
			Self::Bert(config) => config.validate(),
			Self::Cnn(config) => config.validate(),
		}
	}

	/// The arithmetic of its products.
	pub fn class(&self) -> Class {
		match self {
			Self::Mlp(_) => Class::F32,
			Self::Llama(config) => config.class,
			Self::Bert(config) => config.class,
			Self::Cnn(config) => config.class,
		}
	}

	/// Refuses an input that is not one of this architecture's.
	pub fn check_input(&self, input: &[u8]) -> Result<(), EngineError> {
		match self {
			Self::Mlp(config) => config.check_input(input),
			Self::Llama(config) => config.decode_input(input).map(|_| ()),
			Self::Bert(config) => config.check_input(input),
			Self::Cnn(config) => config.check_input(input),
		}
	}

	/// Length of an input, in bytes; of the longest, where inputs differ.
	pub fn input_len(&self) -> u32 {
		match self {
			Self::Mlp(config) => config.input_len(),
			Self::Llama(config) => config.max_input_len(),
			Self::Bert(config) => config.max_input_len(),
			Self::Cnn(config) => config.input_len(),
		}
	}

	/// Length of an output, in bytes; of the longest, where outputs differ.
	pub fn output_len(&self) -> u32 {
		match self {
			Self::Mlp(config) => config.output_len(),
			Self::Llama(config) => config.max_output_len(),
			Self::Bert(config) => config.output_len(),
			Self::Cnn(config) => config.output_len(),
		}
	}

	/// The most bytes that the output for `input` has; 0 if it is not an input.
	pub fn max_output_len(&self, input: &[u8]) -> u32 {
		match self {
			Self::Mlp(config) => config.output_len(),
			Self::Llama(config) => config.max_output_len_of(input),
			Self::Bert(config) => config.output_len(),
			Self::Cnn(config) => config.output_len(),
		}
	}

	/// Whether an output can have `len` bytes.
	pub fn check_output_len(&self, len: u32) -> bool {
		match self {
			Self::Mlp(config) => len == config.output_len(),
			Self::Llama(config) => {
				len != 0 && len.is_multiple_of(4) && len <= config.max_output_len()
			},
			Self::Bert(config) => len == config.output_len(),
			Self::Cnn(config) => len == config.output_len(),
		}
	}

	/// Multiply-accumulates of the answer to `input`: the unit of work for fees, deadlines and
	/// weights. 0 if it is not an input.
	pub fn work(&self, input: &[u8]) -> u64 {
		match self {
			Self::Mlp(config) => config.work(),
			Self::Llama(config) => config.work(input),
			Self::Bert(config) => config.work(input),
			Self::Cnn(config) => config.work(),
		}
	}

	/// Weights and biases together.
	pub fn parameters(&self) -> u64 {
		match self {
			Self::Mlp(config) => config.parameters(),
			Self::Llama(config) => config.parameters(),
			Self::Bert(config) => config.parameters(),
			Self::Cnn(config) => config.parameters(),
		}
	}

	/// The least bytes that an artifact has: its header's length, and each parameter.
	pub fn least_artifact_len(&self) -> u64 {
		let bytes = match (self, self.class()) {
			(Self::Mlp(_), _) => 4,
			// `F16` at least, or a byte.
			(_, Class::F32) => 2,
			(_, Class::Q8) => 1,
		};
		self.parameters().saturating_mul(bytes).saturating_add(8)
	}

	/// The same in another class.
	pub fn to_class(&self, class: Class) -> Result<Self, EngineError> {
		match self {
			Self::Mlp(_) => Err(ConfigFault::NoSuchClass.into()),
			Self::Llama(config) => Ok(Self::Llama(llama::Config { class, ..config.clone() })),
			Self::Bert(config) => Ok(Self::Bert(bert::Config { class, ..config.clone() })),
			Self::Cnn(config) => Ok(Self::Cnn(cnn::Config { class, ..config.clone() })),
		}
	}

	/// Asks for the tensors that a model of this architecture has, and refuses others that matter.
	pub(crate) fn expect(&self, tensors: &Tensors<'_>) -> Result<(), EngineError> {
		match self {
			Self::Mlp(_) => Err(ConfigFault::NoSuchClass.into()),
			Self::Llama(config) => llama::Llama::expect(config, tensors),
			Self::Bert(config) => bert::Bert::expect(config, tensors),
			Self::Cnn(config) => cnn::Cnn::expect(config, tensors),
		}
	}
}
