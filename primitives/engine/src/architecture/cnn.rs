//! A small convolutional network: layers one after the other.
//!
//! Tensors have the names and shapes that PyTorch's `Sequential` of the same layers gives them:
//! `{i}.weight` and `{i}.bias`, `i` the position among all layers, counted from 0. Input and
//! output are `f32`, little endian; an image is `[channels, height, width]`.

use super::{asked::Asked, linear::Linear, Class};
use crate::{
	artifact::Tensors,
	numeric::{
		f32::{self as class, SIZE},
		math,
		matrix::{F32Builder, Q8Builder},
	},
	ConfigFault, EngineError, Field,
};
use alloc::{format, string::String, vec, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most layers.
pub const MAX_LAYERS: u32 = 64;
/// Most values of an input: 64 KiB.
pub const MAX_INPUTS: u32 = 16 * 1024;
/// Most values between two layers: 4 MiB.
pub const MAX_VALUES: u32 = 1024 * 1024;
/// Most values of an output: 16 KiB.
pub const MAX_OUTPUTS: u32 = 4 * 1024;
/// Most values that one sum runs over.
pub const MAX_WINDOW: u32 = 64 * 1024;
/// Most weights and biases together: 16 MiB as floats.
pub const MAX_PARAMETERS: u32 = 4 * 1024 * 1024;

/// Values of the patches that are multiplied at a time, unless one has more.
const PATCH_VALUES: usize = 16 * 1024;

/// The shape of a network.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
	/// The numeric class.
	pub class: Class,
	/// Channels of the input.
	pub channels: u32,
	/// Height of the input.
	pub height: u32,
	/// Width of the input.
	pub width: u32,
	/// What happens to it.
	pub layers: BoundedVec<Layer, ConstU32<MAX_LAYERS>>,
}

/// One step of a network. Kernels and windows are square; what of an image does not fill a window
/// is left out, as PyTorch does.
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
pub enum Layer {
	/// A cross-correlation with a bias.
	#[codec(index = 0)]
	Conv2d {
		/// Channels of the result.
		outputs: u32,
		/// Side of the kernel.
		kernel: u32,
		/// How far the kernel moves on.
		stride: u32,
		/// Zeros around the image, on each side.
		padding: u32,
	},
	/// `max(x, 0)`.
	#[codec(index = 1)]
	Relu,
	/// The hyperbolic tangent.
	#[codec(index = 2)]
	Tanh,
	/// The greatest value of each window.
	#[codec(index = 3)]
	MaxPool {
		/// Side of the window.
		size: u32,
		/// How far the window moves on.
		stride: u32,
	},
	/// The mean of each window.
	#[codec(index = 4)]
	AvgPool {
		/// Side of the window.
		size: u32,
		/// How far the window moves on.
		stride: u32,
	},
	/// An image's values as one row.
	#[codec(index = 5)]
	Flatten,
	/// A matrix with a bias.
	#[codec(index = 6)]
	Linear {
		/// Values of the result.
		outputs: u32,
	},
}

/// What lies between two layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
	Image { channels: u32, height: u32, width: u32 },
	Row(u32),
}

impl Shape {
	/// Number of values.
	pub(crate) fn values(self) -> u64 {
		match self {
			Self::Image { channels, height, width } => {
				u64::from(channels).saturating_mul(height.into()).saturating_mul(width.into())
			},
			Self::Row(values) => values.into(),
		}
	}

	/// What `layer` makes of it; nothing if that makes no sense.
	fn after(self, layer: Layer) -> Option<Self> {
		match (layer, self) {
			(Layer::Relu | Layer::Tanh, shape) => Some(shape),
			(Layer::Flatten, shape) => Some(Self::Row(u32::try_from(shape.values()).ok()?)),
			(Layer::Linear { outputs }, Self::Row(_)) => Some(Self::Row(outputs)),
			(
				Layer::Conv2d { outputs, kernel, stride, padding },
				Self::Image { height, width, .. },
			) => {
				// More than the kernel could touch: whole rows of the result would be biases.
				if padding >= kernel {
					return None;
				}
				let side =
					|side: u32| windows(side.checked_add(padding.checked_mul(2)?)?, kernel, stride);
				Some(Self::Image { channels: outputs, height: side(height)?, width: side(width)? })
			},
			(
				Layer::MaxPool { size, stride } | Layer::AvgPool { size, stride },
				Self::Image { channels, height, width },
			) => Some(Self::Image {
				channels,
				height: windows(height, size, stride)?,
				width: windows(width, size, stride)?,
			}),
			_ => None,
		}
	}
}

/// How many windows of `size` fit along `side`.
fn windows(side: u32, size: u32, stride: u32) -> Option<u32> {
	if size == 0 {
		return None;
	}
	side.checked_sub(size)?.checked_div(stride)?.checked_add(1)
}

impl Config {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		self.find_fault().map_or(Ok(()), |fault| Err(EngineError::InvalidConfig(fault)))
	}

	fn find_fault(&self) -> Option<ConfigFault> {
		let bound = |field: Field, got: u64, most: u32| {
			let got = u32::try_from(got).unwrap_or(u32::MAX);
			let inside = (1..=most).contains(&got);
			(!inside).then_some(ConfigFault::OutOfBounds { field, got, least: 1, most })
		};
		let mut shape = self.input();
		let mut fault = bound(Field::Image, shape.values(), MAX_INPUTS)
			.or_else(|| bound(Field::Layers, self.layers.len() as u64, MAX_LAYERS));
		for (at, layer) in (0u32..).zip(&self.layers) {
			if fault.is_some() {
				return fault;
			}
			let Some(next) = shape.after(*layer) else {
				return Some(ConfigFault::ImpossibleLayer { at });
			};
			fault = bound(Field::Values, next.values(), MAX_VALUES)
				.or_else(|| bound(Field::Window, sum_len(*layer, shape), MAX_WINDOW));
			shape = next;
		}
		fault
			.or_else(|| bound(Field::Outputs, shape.values(), MAX_OUTPUTS))
			.or_else(|| {
				(self.parameters() > MAX_PARAMETERS.into())
					.then_some(ConfigFault::TooManyParameters { most: MAX_PARAMETERS })
			})
	}

	pub(crate) fn input(&self) -> Shape {
		Shape::Image { channels: self.channels, height: self.height, width: self.width }
	}

	/// Each layer with what it gets and what it gives. Ends where a layer makes no sense.
	pub(crate) fn steps(&self) -> impl Iterator<Item = (Layer, Shape, Shape)> + '_ {
		self.layers.iter().scan(self.input(), |shape, layer| {
			let (before, after) = (*shape, shape.after(*layer)?);
			*shape = after;
			Some((*layer, before, after))
		})
	}

	/// Each layer's weights.
	fn weights(&self) -> impl Iterator<Item = Option<Weights>> + '_ {
		self.steps().enumerate().map(|(at, (layer, before, _))| {
			let shape = match (layer, before) {
				(Layer::Conv2d { outputs, kernel, .. }, Shape::Image { channels, .. }) => {
					vec![outputs, channels, kernel, kernel]
				},
				(Layer::Linear { outputs }, Shape::Row(inputs)) => vec![outputs, inputs],
				_ => return None,
			};
			Some(Weights { name: format!("{at}"), shape })
		})
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
		bytes(self.input())
	}

	/// Length of an output, in bytes.
	pub fn output_len(&self) -> u32 {
		bytes(self.steps().last().map_or(self.input(), |(_, _, after)| after))
	}

	/// Multiply-accumulates of one run; a value that is only looked at counts as one.
	pub fn work(&self) -> u64 {
		self.steps().fold(0, |work, (layer, before, after)| {
			let step = after.values().saturating_mul(sum_len(layer, before).max(1));
			work.saturating_add(step)
		})
	}

	/// Weights and biases together.
	pub fn parameters(&self) -> u64 {
		self.steps().fold(0, |sum, (layer, before, _)| {
			let (Layer::Conv2d { outputs, .. } | Layer::Linear { outputs }) = layer else {
				return sum;
			};
			let of_one = sum_len(layer, before).saturating_add(1);
			sum.saturating_add(of_one.saturating_mul(outputs.into()))
		})
	}
}

/// How many values of `before` one value after `layer` comes from.
fn sum_len(layer: Layer, before: Shape) -> u64 {
	let square = |side: u32| u64::from(side).saturating_mul(side.into());
	match (layer, before) {
		(Layer::Conv2d { kernel, .. }, Shape::Image { channels, .. }) => {
			square(kernel).saturating_mul(channels.into())
		},
		(Layer::MaxPool { size, .. } | Layer::AvgPool { size, .. }, _) => square(size),
		(Layer::Linear { .. }, before) => before.values(),
		_ => 1,
	}
}

fn bytes(shape: Shape) -> u32 {
	u32::try_from(shape.values()).map_or(u32::MAX, |values| values.saturating_mul(SIZE))
}

/// A network with its weights.
pub(crate) struct Cnn {
	steps: Vec<Step>,
}

struct Step {
	layer: Layer,
	before: Shape,
	after: Shape,
	/// Of a convolution or a matrix.
	weights: Option<Linear>,
}

impl Cnn {
	/// Asks for the tensors of a valid `config`, without reading them, and refuses others.
	pub fn expect(config: &Config, tensors: &Tensors<'_>) -> Result<(), EngineError> {
		asked(config).iter().try_for_each(|asked| asked.expect(tensors))?;
		tensors.finish(|_| false)
	}

	/// The network of a valid `config` with the weights in `tensors`.
	pub fn load(config: &Config, tensors: &Tensors<'_>) -> Result<Self, EngineError> {
		// Nothing is allocated for a tensor that is not in the file.
		Self::expect(config, tensors)?;
		let mut steps = Vec::with_capacity(config.layers.len());
		for ((layer, before, after), weights) in config.steps().zip(config.weights()) {
			let weights = weights.map(|weights| weights.load(tensors, config.class)).transpose()?;
			steps.push(Step { layer, before, after, weights });
		}
		Ok(Self { steps })
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		self.steps
			.iter()
			.flat_map(|step| &step.weights)
			.fold(0, |sum, weights| sum.saturating_add(weights.bytes()))
	}

	/// The output for `input`, which has the right length and is finite.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, EngineError> {
		let mut values: Vec<f32> = class::decode(input).collect();
		for (layer, step) in (0u32..).zip(&self.steps) {
			values = step.run(values).ok_or(EngineError::NonFiniteResult { layer })?;
		}
		Ok(class::encode(&values))
	}
}

/// All tensors that a network needs.
pub(crate) fn asked(config: &Config) -> Vec<Asked> {
	let weights = config.weights().flatten();
	weights
		.flat_map(|weights| Asked::weights(config.class, &weights.name, weights.shape, true))
		.collect()
}

/// A layer's weights in a file.
struct Weights {
	/// Without `.weight`.
	name: String,
	/// The first size is the number of outputs, the others together are the inputs of one.
	shape: Vec<u32>,
}

impl Weights {
	fn outputs(&self) -> u32 {
		self.shape.first().copied().unwrap_or(0)
	}

	fn inputs(&self) -> usize {
		self.shape
			.iter()
			.skip(1)
			.fold(1, |all, size| all.saturating_mul(*size as usize))
	}

	/// Reads the tensors.
	fn load(&self, tensors: &Tensors<'_>, class: Class) -> Result<Linear, EngineError> {
		let weight = format!("{}.weight", self.name);
		let (outputs, inputs) = (self.outputs(), self.inputs());
		let matrix = match class {
			Class::F32 => {
				let mut builder = F32Builder::new(outputs as usize, inputs);
				tensors.for_each_row(&weight, &self.shape, |row| {
					builder.push_row(row).ok_or(EngineError::OutOfMemory)
				})?;
				builder.finish()
			},
			Class::Q8 => {
				let scales = tensors.vector(&format!("{weight}_scale"), outputs)?;
				let mut scales = scales.into_iter();
				let mut builder = Q8Builder::new(outputs as usize, inputs);
				tensors.for_each_row_i8(&weight, &self.shape, |row| {
					let scale = scales.next().ok_or(EngineError::Backend)?;
					builder.push_row(row, scale).ok_or(EngineError::OutOfMemory)
				})?;
				builder.finish()
			},
		};
		let matrix = matrix.ok_or(EngineError::OutOfMemory)?;
		Ok(Linear::new(matrix, tensors.vector(&format!("{}.bias", self.name), outputs)?))
	}
}

impl Step {
	/// Nothing if a value became infinite or not a number: ReLU and the pools get none of them.
	fn run(&self, mut values: Vec<f32>) -> Option<Vec<f32>> {
		let values = match (self.layer, self.before, &self.weights) {
			(Layer::Relu, ..) => {
				math::relu(&mut values);
				values
			},
			(Layer::Tanh, ..) => {
				math::tanh(&mut values);
				values
			},
			(Layer::Linear { .. }, _, Some(weights)) => {
				let mut out = vec![0.0; weights.weight().outputs()];
				weights.apply(&values, &mut out);
				out
			},
			(Layer::Conv2d { .. }, Shape::Image { .. }, Some(weights)) => {
				self.convolve(&values, weights)?
			},
			(Layer::MaxPool { size, stride }, Shape::Image { .. }, _) => {
				self.pool(&values, size, stride, math::maximum)?
			},
			(Layer::AvgPool { size, stride }, Shape::Image { .. }, _) => {
				let mean = |window: &[f32]| {
					window.iter().fold(0.0, |sum, value| sum + *value) / window.len() as f32
				};
				self.pool(&values, size, stride, mean)?
			},
			_ => values,
		};
		math::first_non_finite(&values).is_none().then_some(values)
	}

	/// Every place of the kernel is a row of the product: its values channel by channel, each from
	/// left to right and then down, those outside of the image zeros.
	fn convolve(&self, values: &[f32], weights: &Linear) -> Option<Vec<f32>> {
		let (
			Layer::Conv2d { kernel, stride, padding, .. },
			Shape::Image { height, width, .. },
			Shape::Image { channels: outputs, height: rows, width: columns },
		) = (self.layer, self.before, self.after)
		else {
			return None;
		};
		let [kernel, stride, padding, height, width, outputs, rows, columns] =
			[kernel, stride, padding, height, width, outputs, rows, columns]
				.map(|size| size as usize);
		let area = rows.checked_mul(columns)?;
		let len = weights.weight().inputs();
		let at_once = PATCH_VALUES.checked_div(len)?.clamp(1, area);
		let mut patches = vec![0.0; at_once.checked_mul(len)?];
		let mut sums = vec![0.0; at_once.checked_mul(outputs)?];
		let mut out = vec![0.0; area.checked_mul(outputs)?];
		for first in (0..area).step_by(at_once) {
			let count = at_once.min(area.checked_sub(first)?);
			let patches = patches.get_mut(..count.checked_mul(len)?)?;
			for (place, patch) in (first..).zip(patches.chunks_exact_mut(len)) {
				let top = place.checked_div(columns)?.checked_mul(stride)?;
				let left = place.checked_rem(columns)?.checked_mul(stride)?;
				let planes = values.chunks_exact(height.checked_mul(width)?);
				let parts = patch.chunks_exact_mut(kernel.checked_mul(kernel)?);
				for (plane, part) in planes.zip(parts) {
					for (y, row) in (top..).zip(part.chunks_exact_mut(kernel)) {
						// In coordinates that count the padding.
						let line = y
							.checked_sub(padding)
							.and_then(|y| plane.chunks_exact(width).nth(y))
							.unwrap_or_default();
						for (x, value) in (left..).zip(row) {
							let inside = x.checked_sub(padding).and_then(|x| line.get(x));
							*value = inside.copied().unwrap_or(0.0);
						}
					}
				}
			}
			let sums = sums.get_mut(..count.checked_mul(outputs)?)?;
			weights.apply(patches, sums);
			for (channel, plane) in out.chunks_exact_mut(area).enumerate() {
				let places = plane.get_mut(first..first.checked_add(count)?)?;
				let of_channel = sums.iter().skip(channel).step_by(outputs);
				places.iter_mut().zip(of_channel).for_each(|(place, sum)| *place = *sum);
			}
		}
		Some(out)
	}

	/// `of` each window, whose values come from left to right and then down.
	fn pool(
		&self,
		values: &[f32],
		size: u32,
		stride: u32,
		of: impl Fn(&[f32]) -> f32,
	) -> Option<Vec<f32>> {
		let (
			Shape::Image { height, width, .. },
			Shape::Image { channels, height: rows, width: columns },
		) = (self.before, self.after)
		else {
			return None;
		};
		let [size, stride, height, width, channels, rows, columns] =
			[size, stride, height, width, channels, rows, columns].map(|size| size as usize);
		let mut out = Vec::with_capacity(channels.checked_mul(rows)?.checked_mul(columns)?);
		let mut window = Vec::with_capacity(size.checked_mul(size)?);
		for plane in values.chunks_exact(height.checked_mul(width)?) {
			for row in 0..rows {
				for column in 0..columns {
					let (top, left) = (row.checked_mul(stride)?, column.checked_mul(stride)?);
					window.clear();
					for line in plane.chunks_exact(width).skip(top).take(size) {
						window.extend_from_slice(line.get(left..left.checked_add(size)?)?);
					}
					out.push(of(&window));
				}
			}
		}
		Some(out)
	}
}
