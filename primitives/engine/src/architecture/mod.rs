//! The architectures that the engine can run.

pub mod mlp;

use crate::EngineError;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What is computed with a model's weights.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Architecture {
	/// A multi-layer perceptron with ReLU between its layers.
	#[codec(index = 0)]
	Mlp(mlp::Config),
}

impl Architecture {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		match self {
			Self::Mlp(config) => config.validate(),
		}
	}

	/// Refuses an input of the wrong length or with a non-finite value.
	pub fn check_input(&self, input: &[u8]) -> Result<(), EngineError> {
		match self {
			Self::Mlp(config) => config.check_input(input),
		}
	}

	/// Length of an input, in bytes.
	pub fn input_len(&self) -> u32 {
		match self {
			Self::Mlp(config) => config.input_len(),
		}
	}

	/// Length of an output, in bytes.
	pub fn output_len(&self) -> u32 {
		match self {
			Self::Mlp(config) => config.output_len(),
		}
	}

	/// Multiply-accumulates of one run: the unit of work for fees, deadlines and weights.
	pub fn work(&self) -> u64 {
		match self {
			Self::Mlp(config) => config.work(),
		}
	}
}
