//! Weights in the layout that the product reads fastest.

use crate::numeric::{
	kernel::Kernel,
	lanes::{Floats, Portable},
	matrix::{Matrix, LANES},
	threads,
	tiles::{self, Tiles},
};
use alloc::vec::Vec;
use core::{marker::PhantomData, ops::Range};

/// One input of [`LANES`] outputs.
#[derive(Clone, Copy)]
#[cfg_attr(target_family = "wasm", repr(C))]
#[cfg_attr(not(target_family = "wasm"), repr(C, align(64)))]
struct Lanes([f32; LANES]);

/// Tiles that the portable kernel takes at a time for a single row.
const PORTABLE: usize = if cfg!(target_family = "wasm") { 1 } else { 2 };

/// Weights `[outputs, inputs]`, tile by tile.
pub struct Packed {
	outputs: usize,
	inputs: usize,
	lanes: Vec<Lanes>,
}

impl Packed {
	pub(in crate::numeric) fn outputs(&self) -> usize {
		self.outputs
	}

	pub(in crate::numeric) fn inputs(&self) -> usize {
		self.inputs
	}

	pub(in crate::numeric) fn bytes(&self) -> usize {
		size_of_val(self.lanes.as_slice())
	}

	pub(in crate::numeric) fn row(&self, j: usize, out: &mut [f32]) -> Option<()> {
		if j >= self.outputs || out.len() != self.inputs {
			return None;
		}
		let tile = self.lanes.chunks_exact(self.inputs).nth(j / LANES)?;
		for (out, lanes) in out.iter_mut().zip(tile) {
			*out = *lanes.0.get(j % LANES)?;
		}
		Some(())
	}

	pub(in crate::numeric) fn product(&self, kernel: Kernel, x: &[f32], out: &mut [f32]) {
		let rows = x.len() / self.inputs;
		let cost = size_of::<Lanes>().saturating_mul(self.inputs).saturating_mul(rows);
		let tiles = self.lanes.len() / self.inputs;
		threads::split(tiles, cost, out, self.outputs, |range, out| {
			self.compute(kernel, x, range, out);
		});
	}

	#[cfg(all(feature = "std", target_arch = "x86_64"))]
	#[allow(unsafe_code)]
	fn compute(&self, kernel: Kernel, x: &[f32], range: Range<usize>, out: &mut [&mut [f32]]) {
		use crate::numeric::lanes::{Avx2, Avx512};
		use core::arch::x86_64::{__m256, __m512};

		#[target_feature(enable = "avx2")]
		fn avx2(packed: &Packed, x: &[f32], range: Range<usize>, out: &mut [&mut [f32]]) {
			packed.run::<Avx2<__m256>, 6, 1, 4>(x, range, out);
		}

		/// AVX-512 has fused multiply-adds, but Rust does not fuse what its source does not.
		#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
		fn avx512(packed: &Packed, x: &[f32], range: Range<usize>, out: &mut [&mut [f32]]) {
			packed.run::<Avx512<__m512>, 6, 4, 8>(x, range, out);
		}

		match kernel {
			// SAFETY: the processor has what the function is compiled for.
			Kernel::Avx512 if kernel.is_available() => unsafe { avx512(self, x, range, out) },
			// SAFETY: as above.
			Kernel::Avx2 if kernel.is_available() => unsafe { avx2(self, x, range, out) },
			_ => self.run::<Portable<f32>, 4, 1, PORTABLE>(x, range, out),
		}
	}

	#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
	fn compute(&self, _: Kernel, x: &[f32], range: Range<usize>, out: &mut [&mut [f32]]) {
		self.run::<Portable<f32>, 4, 1, PORTABLE>(x, range, out);
	}

	#[inline(always)]
	fn run<V: Floats, const R: usize, const G: usize, const G1: usize>(
		&self,
		x: &[f32],
		range: Range<usize>,
		out: &mut [&mut [f32]],
	) {
		let sums = Sums::<V>(PhantomData);
		tiles::run::<_, R, G, G1>(&sums, x, &self.lanes, self.inputs, range, out);
	}
}

/// Sums in the order of the inputs, in registers `V`.
struct Sums<V>(PhantomData<V>);

impl<V: Floats> Tiles for Sums<V> {
	type Input = f32;
	type Weights = Lanes;
	type Splat = V;
	type Loaded = V;
	type Sums = V;

	#[inline(always)]
	fn start(&self, _: usize) -> V {
		V::splat(0.0)
	}

	#[inline(always)]
	fn splat(input: f32) -> V {
		V::splat(input)
	}

	#[inline(always)]
	fn load(weights: &Lanes) -> V {
		V::load(&weights.0)
	}

	#[inline(always)]
	fn add(sums: V, input: V, weights: V) -> V {
		sums.add_product(input, weights)
	}

	#[inline(always)]
	fn finish(&self, _: usize, _: usize, sums: V, out: &mut [f32]) {
		for (out, sum) in out.iter_mut().zip(sums.store()) {
			*out = sum;
		}
	}
}

/// Builds a matrix of this class from its rows, one after the other.
pub struct Builder {
	packed: Packed,
	rows: usize,
	/// Whether the memory is there.
	sound: bool,
}

impl Builder {
	/// A builder of a matrix `[outputs, inputs]`.
	pub fn new(outputs: usize, inputs: usize) -> Self {
		let mut lanes = Vec::new();
		let sound = inputs != 0
			&& outputs != 0
			&& outputs
				.div_ceil(LANES)
				.checked_mul(inputs)
				.is_some_and(|count| lanes.try_reserve_exact(count).is_ok());
		Self { packed: Packed { outputs, inputs, lanes }, rows: 0, sound }
	}

	/// Adds the weights of the next output.
	///
	/// Nothing if the row has another length, if there are enough rows, or if the matrix does not
	/// fit into memory.
	pub fn push_row(&mut self, row: &[f32]) -> Option<()> {
		let Packed { outputs, inputs, lanes } = &mut self.packed;
		if !self.sound || self.rows >= *outputs || row.len() != *inputs {
			return None;
		}
		let lane = self.rows % LANES;
		if lane == 0 {
			lanes.resize(lanes.len().checked_add(*inputs)?, Lanes([0.0; LANES]));
		}
		let tile = lanes.chunks_exact_mut(*inputs).next_back()?;
		for (lanes, value) in tile.iter_mut().zip(row) {
			*lanes.0.get_mut(lane)? = *value;
		}
		self.rows = self.rows.checked_add(1)?;
		Some(())
	}

	/// The matrix, if all of its rows are there.
	pub fn finish(self) -> Option<Matrix> {
		(self.sound && self.rows == self.packed.outputs).then_some(Matrix::F32(self.packed))
	}
}
