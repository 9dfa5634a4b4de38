//! Bytes for processors with vectors: tiles of outputs, and in each a few inputs of an output side
//! by side, as instructions that add up their products want them.

use super::Inputs;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use crate::numeric::lanes::{Avx2, Avx512};
use crate::numeric::{
	kernel::Kernel,
	lanes::{array, Bytes, Portable, QUAD},
	matrix::LANES,
	threads,
	tiles::{self, Tiles},
};
use alloc::vec::Vec;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use core::arch::x86_64::{__m256i, __m512i};
use core::{marker::PhantomData, ops::Range};

/// [`QUAD`] inputs of [`LANES`] outputs, output by output.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Quads([[i8; QUAD]; LANES]);

/// The weights of a matrix, tile by tile.
pub(super) struct Weights {
	outputs: usize,
	/// Quads of a tile.
	steps: usize,
	quads: Vec<Quads>,
	/// Each output's sum of weights, tile by tile.
	sums: Vec<[i32; LANES]>,
}

impl Weights {
	/// None yet of a matrix `[outputs, inputs]`; nothing if there is no memory for them.
	pub fn new(outputs: usize, inputs: usize) -> Option<Self> {
		let steps = inputs.div_ceil(QUAD);
		let tiles = outputs.div_ceil(LANES);
		let (mut quads, mut sums) = (Vec::new(), Vec::new());
		quads.try_reserve_exact(tiles.checked_mul(steps)?).ok()?;
		sums.try_reserve_exact(tiles).ok()?;
		Some(Self { outputs, steps, quads, sums })
	}

	/// Adds those of output `j`, which is the next.
	pub fn push_row(&mut self, j: usize, row: &[i8]) -> Option<()> {
		let lane = j % LANES;
		if lane == 0 {
			let len = self.quads.len().checked_add(self.steps)?;
			self.quads.resize(len, Quads([[0; QUAD]; LANES]));
			self.sums.push([0; LANES]);
		}
		let tile = self.quads.chunks_exact_mut(self.steps).next_back()?;
		for (quads, row) in tile.iter_mut().zip(row.chunks(QUAD)) {
			for (weight, value) in quads.0.get_mut(lane)?.iter_mut().zip(row) {
				*weight = *value;
			}
		}
		*self.sums.last_mut()?.get_mut(lane)? = row.iter().map(|weight| i32::from(*weight)).sum();
		Some(())
	}

	/// Those of output `j`, and perhaps zeros.
	pub fn row(&self, j: usize) -> impl Iterator<Item = i8> + '_ {
		let tile = self.quads.chunks_exact(self.steps).nth(j / LANES).unwrap_or_default();
		tile.iter().filter_map(move |quads| quads.0.get(j % LANES)).flatten().copied()
	}

	/// Memory that they take.
	pub fn bytes(&self) -> usize {
		size_of_val(self.quads.as_slice()).saturating_add(size_of_val(self.sums.as_slice()))
	}

	/// Bytes of a row of inputs.
	pub fn width(&self) -> usize {
		self.steps.saturating_mul(QUAD)
	}

	/// What `kernel` wants to be added to each byte of an input.
	pub fn offset(kernel: Kernel) -> u8 {
		match kernel {
			#[cfg(all(feature = "std", target_arch = "x86_64"))]
			Kernel::Avx512 => <Avx512<__m512i> as Bytes>::OFFSET,
			#[cfg(all(feature = "std", target_arch = "x86_64"))]
			Kernel::Avx2 => <Avx2<__m256i> as Bytes>::OFFSET,
			_ => <Portable<i32> as Bytes>::OFFSET,
		}
	}

	/// The product of each row of `x`.
	pub fn product(&self, kernel: Kernel, x: &Inputs<'_>, out: &mut [f32]) {
		let cost = size_of::<Quads>().saturating_mul(self.steps).saturating_mul(x.scales.len());
		threads::split(self.sums.len(), cost, out, self.outputs, |range, out| {
			self.compute(kernel, x, range, out);
		});
	}

	#[cfg(all(feature = "std", target_arch = "x86_64"))]
	#[allow(unsafe_code)]
	fn compute(&self, kernel: Kernel, x: &Inputs<'_>, range: Range<usize>, out: &mut [&mut [f32]]) {
		#[target_feature(enable = "avx2")]
		fn avx2(weights: &Weights, x: &Inputs<'_>, range: Range<usize>, out: &mut [&mut [f32]]) {
			weights.run::<Avx2<__m256i>, 4, 1, 4>(x, range, out);
		}

		#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
		fn avx512(weights: &Weights, x: &Inputs<'_>, range: Range<usize>, out: &mut [&mut [f32]]) {
			weights.run::<Avx512<__m512i>, 6, 4, 8>(x, range, out);
		}

		match kernel {
			// SAFETY: the processor has what the function is compiled for.
			Kernel::Avx512 if kernel.is_available() => unsafe { avx512(self, x, range, out) },
			// SAFETY: as above.
			Kernel::Avx2 if kernel.is_available() => unsafe { avx2(self, x, range, out) },
			_ => self.run::<Portable<i32>, 1, 1, 1>(x, range, out),
		}
	}

	#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
	fn compute(&self, _: Kernel, x: &Inputs<'_>, range: Range<usize>, out: &mut [&mut [f32]]) {
		self.run::<Portable<i32>, 1, 1, 1>(x, range, out);
	}

	#[inline(always)]
	fn run<V: Bytes, const R: usize, const G: usize, const G1: usize>(
		&self,
		x: &Inputs<'_>,
		range: Range<usize>,
		out: &mut [&mut [f32]],
	) {
		let sums = Sums::<V> { weights: self, x, registers: PhantomData };
		let (inputs, _) = x.bytes.as_chunks::<QUAD>();
		tiles::run::<_, R, G, G1>(&sums, inputs, &self.quads, self.steps, range, out);
	}
}

/// Exact sums, in registers `V`.
struct Sums<'a, V> {
	weights: &'a Weights,
	x: &'a Inputs<'a>,
	registers: PhantomData<V>,
}

impl<V: Bytes> Tiles for Sums<'_, V> {
	type Input = [u8; QUAD];
	type Weights = Quads;
	type Splat = V;
	type Loaded = V;
	type Sums = V;

	#[inline(always)]
	fn start(&self, tile: usize) -> V {
		let sums = self.weights.sums.get(tile).unwrap_or(&[0; LANES]);
		V::load_sums(&array(|lane| sums[lane].wrapping_mul(-i32::from(V::OFFSET))))
	}

	#[inline(always)]
	fn splat(input: [u8; QUAD]) -> V {
		V::splat(input)
	}

	#[inline(always)]
	fn load(weights: &Quads) -> V {
		V::load(&weights.0)
	}

	#[inline(always)]
	fn add(sums: V, input: V, weights: V) -> V {
		sums.add_products(input, weights)
	}

	#[inline(always)]
	fn finish(&self, row: usize, tile: usize, sums: V, out: &mut [f32]) {
		self.x.scale(row, tile.saturating_mul(LANES), &sums.store(), out);
	}
}
