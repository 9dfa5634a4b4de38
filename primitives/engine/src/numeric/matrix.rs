//! Weight matrices, laid out for the product of their numeric class.
//!
//! Both classes keep tiles of [`LANES`] outputs, and within a tile the inputs in order, so that a
//! processor takes several outputs at once while each output's sum keeps its order.

use super::{f32, kernel::Kernel, q8};

pub use super::{f32::Builder as F32Builder, q8::Builder as Q8Builder};

/// Outputs of a tile: as many as there are registers for, with vectors and without.
pub(super) const LANES: usize = if cfg!(target_family = "wasm") { 8 } else { 16 };

/// A weight matrix `[outputs, inputs]`.
pub enum Matrix {
	/// In class `F32`.
	F32(f32::Packed),
	/// In class `Q8`.
	Q8(q8::Packed),
}

impl Matrix {
	/// Number of outputs, at least 1.
	pub fn outputs(&self) -> usize {
		match self {
			Self::F32(packed) => packed.outputs(),
			Self::Q8(packed) => packed.outputs(),
		}
	}

	/// Number of inputs, at least 1.
	pub fn inputs(&self) -> usize {
		match self {
			Self::F32(packed) => packed.inputs(),
			Self::Q8(packed) => packed.inputs(),
		}
	}

	/// Each row of `x`, which is `[rows, inputs]`, times the matrix, into `out`, `[rows, outputs]`.
	///
	/// A row's result depends on that row alone: equal bits for every number of rows and threads,
	/// and on every processor. What is infinite or not a number in a row makes each of its outputs
	/// that it reaches so, too; nothing here hides it. If `x` and `out` have lengths that do not
	/// fit, all of `out` becomes NaN.
	pub fn product(&self, x: &[f32], out: &mut [f32]) {
		self.product_with(Kernel::best(), x, out);
	}

	/// [`product`](Self::product) by `kernel`, or by the portable one where the processor lacks it.
	pub fn product_with(&self, kernel: Kernel, x: &[f32], out: &mut [f32]) {
		let rows = x.len() / self.inputs();
		if rows.checked_mul(self.inputs()) != Some(x.len())
			|| rows.checked_mul(self.outputs()) != Some(out.len())
		{
			// A caller's mistake: as visible as any other fault of a result.
			return out.fill(core::primitive::f32::NAN);
		}
		match self {
			Self::F32(packed) => packed.product(kernel, x, out),
			Self::Q8(packed) => packed.product(kernel, x, out),
		}
	}

	/// Writes the weights of output `j` to `out`, as floats; nothing if there is no such output or
	/// `out` is not [`inputs`](Self::inputs) long.
	pub fn row(&self, j: usize, out: &mut [f32]) -> Option<()> {
		match self {
			Self::F32(packed) => packed.row(j, out),
			Self::Q8(packed) => packed.row(j, out),
		}
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		match self {
			Self::F32(packed) => packed.bytes(),
			Self::Q8(packed) => packed.bytes(),
		}
	}
}
