//! A multi-layer perceptron.
//!
//! Tensors `layers.{i}.weight` (`[outputs, inputs]`, as PyTorch's `Linear` has it) and
//! `layers.{i}.bias` (`[outputs]`), `i` counted from 0. Input and output are `f32`, little endian;
//! the output is the last layer's, without an activation.

use crate::{
	artifact::{self, Spec},
	numeric::f32::{self as class, SIZE},
	ConfigFault, EngineError,
};
use alloc::{format, vec, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use burn::tensor::{activation::relu, TensorData};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most widths: one more than there are layers.
pub const MAX_WIDTHS: u32 = 16;
/// Largest width.
pub const MAX_WIDTH: u32 = 16 * 1024;
/// Largest last width.
pub const MAX_OUTPUTS: u32 = 4 * 1024;
/// Most weights and biases together: 8 MiB, which fits the runtime's memory several times.
pub const MAX_PARAMETERS: u32 = 2 * 1024 * 1024;

/// The shape of a multi-layer perceptron.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
	/// Number of inputs, of each hidden layer's values, of outputs.
	pub widths: BoundedVec<u32, ConstU32<MAX_WIDTHS>>,
}

impl Config {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		self.find_fault().map_or(Ok(()), |fault| Err(EngineError::InvalidConfig(fault)))
	}

	fn find_fault(&self) -> Option<ConfigFault> {
		let count = self.widths.len() as u32;
		if count < 2 {
			return Some(ConfigFault::TooFewWidths { got: count });
		}
		for (at, got) in (0u32..).zip(self.widths.iter().copied()) {
			let most = if at.saturating_add(1) == count { MAX_OUTPUTS } else { MAX_WIDTH };
			if got == 0 || got > most {
				return Some(ConfigFault::WidthOutOfBounds { at, got, most });
			}
		}
		(self.parameters() > MAX_PARAMETERS.into())
			.then_some(ConfigFault::TooManyParameters { most: MAX_PARAMETERS })
	}

	/// Refuses an input of the wrong length or with a non-finite value.
	pub fn check_input(&self, input: &[u8]) -> Result<(), EngineError> {
		let got = u32::try_from(input.len()).unwrap_or(u32::MAX);
		let expected = self.input_len();
		if got != expected {
			return Err(EngineError::WrongInputLength { expected, got });
		}
		class::first_non_finite(input).map_or(Ok(()), |at| Err(EngineError::NonFiniteInput { at }))
	}

	/// Length of an input, in bytes.
	pub fn input_len(&self) -> u32 {
		self.widths.first().map_or(0, |width| width.saturating_mul(SIZE))
	}

	/// Length of an output, in bytes.
	pub fn output_len(&self) -> u32 {
		self.widths.last().map_or(0, |width| width.saturating_mul(SIZE))
	}

	/// Multiply-accumulates of one run.
	pub fn work(&self) -> u64 {
		self.layers().fold(0, |sum, (inputs, outputs)| {
			sum.saturating_add(u64::from(inputs).saturating_mul(outputs.into()))
		})
	}

	/// Weights and biases together.
	pub fn parameters(&self) -> u64 {
		let biases =
			self.layers().fold(0u64, |sum, (_, outputs)| sum.saturating_add(outputs.into()));
		self.work().saturating_add(biases)
	}

	/// Inputs and outputs of each layer.
	pub(crate) fn layers(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
		self.widths.iter().copied().zip(self.widths.iter().copied().skip(1))
	}

	/// The tensors of an artifact: weight and bias of each layer.
	pub(crate) fn specs(&self) -> Vec<Spec> {
		self.layers()
			.enumerate()
			.flat_map(|(layer, (inputs, outputs))| {
				[
					Spec { name: format!("layers.{layer}.weight"), shape: vec![outputs, inputs] },
					Spec { name: format!("layers.{layer}.bias"), shape: vec![outputs] },
				]
			})
			.collect()
	}
}

/// A perceptron with its weights.
pub(crate) struct Mlp {
	layers: Vec<Layer>,
}

struct Layer {
	/// `[inputs, outputs]`: the other way round than in the file, as the product reads it.
	weight: TensorData,
	/// `[1, outputs]`.
	bias: TensorData,
}

impl Mlp {
	/// The perceptron of a valid `config` with the weights in `artifact`, a file of `len` bytes or the
	/// beginning of one that is too long.
	pub fn load(config: &Config, artifact: &[u8], len: u64) -> Result<Self, EngineError> {
		let specs = config.specs();
		let tensors = artifact::read(artifact, len, &specs)?;
		for (spec, bytes) in specs.iter().zip(&tensors) {
			if let Some(at) = class::first_non_finite(bytes) {
				let tensor = spec.name.as_str().into();
				return Err(EngineError::NonFiniteWeight { tensor, at });
			}
		}

		let mut tensors = tensors.into_iter();
		let mut layers = Vec::with_capacity(config.widths.len());
		for (inputs, outputs) in config.layers() {
			let (Some(weight), Some(bias)) = (tensors.next(), tensors.next()) else {
				return Err(EngineError::Backend);
			};
			let (inputs, outputs) = (inputs as usize, outputs as usize);
			let bias = class::decode(bias).collect();
			layers.push(Layer {
				weight: TensorData::new(transpose(weight, inputs, outputs), [inputs, outputs]),
				bias: TensorData::new(bias, [1, outputs]),
			});
		}
		Ok(Self { layers })
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		let values =
			|layer: &Layer| layer.weight.num_elements().saturating_add(layer.bias.num_elements());
		self.layers
			.iter()
			.map(values)
			.fold(0, usize::saturating_add)
			.saturating_mul(SIZE as usize)
	}

	/// The output for `input`, which has the right length and is finite.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, EngineError> {
		let mut values: Vec<f32> = class::decode(input).collect();
		let last = self.layers.len().saturating_sub(1);
		for (index, layer) in self.layers.iter().enumerate() {
			let weight = layer.weight.as_slice().map_err(|_| EngineError::Backend)?;
			let mut product = vec![0.0; layer.bias.num_elements()];
			class::product(&values, weight, &mut product);

			let shape = layer.bias.shape().clone();
			let sum =
				class::tensor(TensorData::new(product, shape)) + class::tensor(layer.bias.clone());
			// Before the activation, which would turn `-inf` into a zero.
			if !class::all_finite(&sum)? {
				return Err(EngineError::NonFiniteResult { layer: index as u32 });
			}
			values = class::values(if index == last { sum } else { relu(sum) })?;
		}
		Ok(class::encode(&values))
	}
}

/// The matrix `[outputs, inputs]` in `bytes` as `[inputs, outputs]`.
fn transpose(bytes: &[u8], inputs: usize, outputs: usize) -> Vec<f32> {
	let mut matrix = vec![0.0; inputs.saturating_mul(outputs)];
	for (output, row) in bytes.chunks_exact(inputs.saturating_mul(SIZE as usize)).enumerate() {
		let column = matrix.iter_mut().skip(output).step_by(outputs);
		for (place, value) in column.zip(class::decode(row)) {
			*place = value;
		}
	}
	matrix
}
