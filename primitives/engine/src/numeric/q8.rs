//! Class `Q8`: int8 weights with a scale for each output, activations quantised row by row.
//!
//! Sums are exact, so their order is free; the only roundings are those of the quantisation and of
//! the two products with a scale.

// Wasm has no vectors here, and words are worth their memory only there.
#[cfg(not(target_family = "wasm"))]
mod quads;
#[cfg(any(test, target_family = "wasm"))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
mod words;

#[cfg(not(target_family = "wasm"))]
use self::quads::Weights;
#[cfg(target_family = "wasm")]
use self::words::Weights;
use super::{kernel::Kernel, matrix::Matrix};
use alloc::{vec, vec::Vec};

/// Most inputs of a matrix: as many as a sum of products of two bytes has room for in 32 bits.
pub const MAX_INPUTS: usize = 131_072;

/// Weights `[outputs, inputs]` as bytes, in the layout that the target multiplies fastest.
pub struct Packed {
	outputs: usize,
	inputs: usize,
	weights: Weights,
	scales: Vec<f32>,
}

impl Packed {
	pub(super) fn outputs(&self) -> usize {
		self.outputs
	}

	pub(super) fn inputs(&self) -> usize {
		self.inputs
	}

	pub(super) fn bytes(&self) -> usize {
		self.weights.bytes().saturating_add(size_of_val(self.scales.as_slice()))
	}

	/// Weight `[j][k]` is the byte times the scale of output `j`.
	pub(super) fn row(&self, j: usize, out: &mut [f32]) -> Option<()> {
		let scale = self.scales.get(j).filter(|_| out.len() == self.inputs)?;
		for (out, weight) in out.iter_mut().zip(self.weights.row(j)) {
			*out = f32::from(weight) * scale;
		}
		Some(())
	}

	pub(super) fn product(&self, kernel: Kernel, x: &[f32], out: &mut [f32]) {
		let kernel = kernel.or_portable();
		let offset = Weights::offset(kernel);
		let width = self.weights.width();
		let rows = x.len() / self.inputs;
		let mut bytes = vec![offset; rows.saturating_mul(width)];
		let scales: Vec<f32> = x
			.chunks_exact(self.inputs)
			.zip(bytes.chunks_exact_mut(width))
			.map(|(x, bytes)| quantize(x, offset, bytes))
			.collect();
		let x = Inputs { bytes, scales, weight_scales: &self.scales };
		self.weights.product(kernel, &x, out);
	}
}

/// Quantised rows.
struct Inputs<'a> {
	/// As many a row as the weights' layout wants, and with its offset added.
	bytes: Vec<u8>,
	/// A scale for each row.
	scales: Vec<f32>,
	/// A scale for each output.
	weight_scales: &'a [f32],
}

impl Inputs<'_> {
	/// Writes to `out` what the sums of `row` and the outputs from `first` on come to.
	#[inline(always)]
	fn scale(&self, row: usize, first: usize, sums: &[i32], out: &mut [f32]) {
		let scale = self.scales.get(row).copied().unwrap_or_default();
		let weight_scales = self.weight_scales.get(first..).unwrap_or_default();
		for ((out, sum), weight_scale) in out.iter_mut().zip(sums).zip(weight_scales) {
			*out = (*sum as f32 * scale) * weight_scale;
		}
	}
}

/// Writes `x` to `out` as multiples of the scale that is given back, `offset` added to each.
///
/// With `m` as the greatest magnitude in `x`, the scale is `m / 127`, and a value `v` becomes
/// `v · (127 / m)`, within ±127, rounded to nearest, even; `0 · ∞`, where `m` is so small that
/// `127 / m` is infinite, becomes 0. A row of zeros has the scale 0. If a value is infinite or not
/// a number, so is the scale, and with it every output.
fn quantize(x: &[f32], offset: u8, out: &mut [u8]) -> f32 {
	/// 1.5 · 2²³: near it, floats are the integers.
	const INTEGERS: f32 = 12_582_912.0;

	// As integers magnitudes have the order that they have as floats, infinity and NaNs above.
	let most = x.iter().fold(0, |most, x| (x.to_bits() & 0x7FFF_FFFF).max(most));
	if most == 0 {
		out.fill(offset);
		return 0.0;
	}
	let most = f32::from_bits(most);
	let factor = 127.0 / most;
	// The sum is rounded to an integer; its lowest byte is the value's.
	let byte = |value: f32| ((value + INTEGERS).to_bits() as u8).wrapping_add(offset);
	if factor.is_finite() && most.is_finite() {
		// No product is beyond ±127 by more than a rounding.
		for (out, x) in out.iter_mut().zip(x) {
			*out = byte(x * factor);
		}
		return most / 127.0;
	}
	for (out, x) in out.iter_mut().zip(x) {
		let value = x * factor;
		let value = if value > 127.0 { 127.0 } else { value };
		let value = if value < -127.0 { -127.0 } else { value };
		*out = byte(if value.is_nan() { 0.0 } else { value });
	}
	most / 127.0
}

/// Builds a matrix of this class from its rows, one after the other.
pub struct Builder {
	/// Nothing if the matrix does not fit into memory.
	packed: Option<Packed>,
}

impl Builder {
	/// A builder of a matrix `[outputs, inputs]`.
	pub fn new(outputs: usize, inputs: usize) -> Self {
		let mut scales = Vec::new();
		let sound = (1..=MAX_INPUTS).contains(&inputs)
			&& outputs != 0
			&& scales.try_reserve_exact(outputs).is_ok();
		let weights = if sound { Weights::new(outputs, inputs) } else { None };
		Self { packed: weights.map(|weights| Packed { outputs, inputs, weights, scales }) }
	}

	/// Adds the weights of the next output, which are `row · scale`.
	///
	/// Nothing if the row has another length, if there are enough rows, or if the matrix does not
	/// fit into memory.
	pub fn push_row(&mut self, row: &[i8], scale: f32) -> Option<()> {
		let packed = self.packed.as_mut()?;
		if packed.scales.len() >= packed.outputs || row.len() != packed.inputs {
			return None;
		}
		packed.weights.push_row(packed.scales.len(), row)?;
		packed.scales.push(scale);
		Some(())
	}

	/// The matrix, if all of its rows are there.
	pub fn finish(self) -> Option<Matrix> {
		self.packed
			.filter(|packed| packed.scales.len() == packed.outputs)
			.map(Matrix::Q8)
	}
}
