//! Bytes for targets without vectors: several of them in the fields of a word, so that one
//! multiplication of words gives several products.
//!
//! A word has two sets of [`FIELDS`] bytes, one [`SHIFT`] bits above the other. In each set the
//! bytes are [`FIELD`] bits apart, which is room for the sum of [`BLOCK`] products with bytes. A
//! sum below zero borrows from the fields above it, and is taken off them when fields are read.

use super::Inputs;
use crate::numeric::kernel::Kernel;
use alloc::vec::Vec;

/// Sums of a word.
const FIELDS: usize = 3;
/// Bits of a field.
const FIELD: u32 = 21;
/// Bits between the two sets of a word.
const SHIFT: u32 = 8;
/// One set's bytes.
const MASK: u64 = 0xFF | 0xFF << FIELD | 0xFF << (2 * FIELD);
/// What is added to a weight, so that it has no sign.
const BIAS: i32 = 128;
/// Products that fit a field: 32 · 255 · 127 is less than half of 2²¹.
const BLOCK: usize = 32;
/// Words of an input.
const WORDS: usize = 2;
/// Outputs of an input's words.
const OUTPUTS: usize = WORDS * 2 * FIELDS;

/// One input of [`OUTPUTS`] outputs.
type Step = [u64; WORDS];

/// The weights of a matrix, tile by tile.
pub(super) struct Weights {
	outputs: usize,
	inputs: usize,
	steps: Vec<Step>,
}

impl Weights {
	/// None yet of a matrix `[outputs, inputs]`; nothing if there is no memory for them.
	pub fn new(outputs: usize, inputs: usize) -> Option<Self> {
		let mut steps = Vec::new();
		steps.try_reserve_exact(outputs.div_ceil(OUTPUTS).checked_mul(inputs)?).ok()?;
		Some(Self { outputs, inputs, steps })
	}

	/// Adds those of output `j`, which is the next.
	pub fn push_row(&mut self, j: usize, row: &[i8]) -> Option<()> {
		let (word, bit) = place(j);
		if j.is_multiple_of(OUTPUTS) {
			let len = self.steps.len().checked_add(self.inputs)?;
			self.steps.resize(len, [0; WORDS]);
		}
		let tile = self.steps.chunks_exact_mut(self.inputs).next_back()?;
		for (step, weight) in tile.iter_mut().zip(row) {
			// The weight, 128 added.
			*step.get_mut(word)? |= u64::from(*weight as u8 ^ 0x80) << bit;
		}
		Some(())
	}

	/// Those of output `j`.
	pub fn row(&self, j: usize) -> impl Iterator<Item = i8> + '_ {
		let (word, bit) = place(j);
		let tile = self.steps.chunks_exact(self.inputs).nth(j / OUTPUTS).unwrap_or_default();
		tile.iter()
			.filter_map(move |step| step.get(word))
			.map(move |word| ((word >> bit) as u8 ^ 0x80) as i8)
	}

	/// Memory that they take.
	pub fn bytes(&self) -> usize {
		size_of_val(self.steps.as_slice())
	}

	/// Bytes of a row of inputs.
	pub fn width(&self) -> usize {
		self.inputs
	}

	/// What has to be added to each byte of an input.
	pub fn offset(_: Kernel) -> u8 {
		0
	}

	/// The product of each row of `x`.
	pub fn product(&self, _: Kernel, x: &Inputs<'_>, out: &mut [f32]) {
		let tiles = self.steps.chunks_exact(self.inputs);
		for (first, tile) in (0..).step_by(OUTPUTS).zip(tiles) {
			let mut rows = x.bytes.chunks_exact(self.inputs).enumerate();
			let mut out = out.chunks_exact_mut(self.outputs);
			while let Some((row, bytes)) = rows.next() {
				if let Some((next, more)) = rows.next() {
					let [sums, other] = sums([bytes, more], tile);
					self.finish(x, row, first, &sums, out.next());
					self.finish(x, next, first, &other, out.next());
				} else {
					let [sums] = sums([bytes], tile);
					self.finish(x, row, first, &sums, out.next());
				}
			}
		}
	}

	fn finish(
		&self,
		x: &Inputs<'_>,
		row: usize,
		first: usize,
		sums: &[i32; OUTPUTS],
		out: Option<&mut [f32]>,
	) {
		if let Some(out) = out.and_then(|out| out.get_mut(first..)) {
			x.scale(row, first, sums, out);
		}
	}
}

/// The word of output `j` in its tile, and the lowest bit of its byte.
fn place(j: usize) -> (usize, u32) {
	let lane = j % OUTPUTS;
	let (set, field) = (lane / FIELDS % 2, lane % FIELDS);
	(lane / (2 * FIELDS), FIELD * field as u32 + SHIFT * set as u32)
}

/// The exact sums of products of each row of `x` with each output of a tile.
#[inline(always)]
fn sums<const R: usize>(x: [&[u8]; R], tile: &[Step]) -> [[i32; OUTPUTS]; R] {
	let mut sums = [[0i32; OUTPUTS]; R];
	let mut biases = [0i32; R];
	let x = x.map(|x| &x[..tile.len()]);
	let mut start = 0;
	while start < tile.len() {
		let end = tile.len().min(start + BLOCK);
		let mut words = [[0u64; 2 * WORDS]; R];
		for k in start..end {
			let sets: [u64; 2 * WORDS] =
				core::array::from_fn(|at| (tile[k][at / 2] >> (SHIFT * (at as u32 % 2))) & MASK);
			for r in 0..R {
				let x = x[r][k] as i8;
				biases[r] = biases[r].wrapping_add(i32::from(x));
				for (word, set) in words[r].iter_mut().zip(sets) {
					*word = word.wrapping_add(set.wrapping_mul(x as u64));
				}
			}
		}
		for (sums, words) in sums.iter_mut().zip(words) {
			for (sums, word) in sums.chunks_exact_mut(FIELDS).zip(words) {
				let mut rest = word as i64;
				for sum in sums {
					let field = (rest << (64 - FIELD)) >> (64 - FIELD);
					*sum = sum.wrapping_add(field as i32);
					rest = rest.wrapping_sub(field) >> FIELD;
				}
			}
		}
		start = end;
	}
	for (sums, bias) in sums.iter_mut().zip(biases) {
		for sum in sums {
			*sum = sum.wrapping_sub(bias.wrapping_mul(BIAS));
		}
	}
	sums
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::prelude::*;

	fn product(rows: &[Vec<i8>], weights: &[Vec<i8>]) -> Vec<f32> {
		let (inputs, outputs) = (rows[0].len(), weights.len());
		let mut words = Weights::new(outputs, inputs).unwrap();
		for (j, row) in weights.iter().enumerate() {
			words.push_row(j, row).unwrap();
		}
		for (j, row) in weights.iter().enumerate() {
			assert_eq!(&words.row(j).collect::<Vec<_>>(), row);
		}
		let x = Inputs {
			bytes: rows.iter().flatten().map(|byte| *byte as u8).collect(),
			scales: vec![0.5; rows.len()],
			weight_scales: &vec![0.25; outputs],
		};
		let mut out = vec![f32::NAN; rows.len() * outputs];
		words.product(Kernel::Portable, &x, &mut out);
		out
	}

	fn reference(rows: &[Vec<i8>], weights: &[Vec<i8>]) -> Vec<f32> {
		rows.iter()
			.flat_map(|x| weights.iter().map(move |row| x.iter().zip(row)))
			.map(|pairs| pairs.map(|(x, weight)| i32::from(*x) * i32::from(*weight)).sum())
			.map(|sum: i32| (sum as f32 * 0.5) * 0.25)
			.collect()
	}

	fn case() -> impl Strategy<Value = (Vec<Vec<i8>>, Vec<Vec<i8>>)> {
		(1usize..6, 1usize..100, 1usize..40).prop_flat_map(|(rows, inputs, outputs)| {
			(
				prop::collection::vec(prop::collection::vec(-127i8..=127, inputs), rows),
				prop::collection::vec(prop::collection::vec(any::<i8>(), inputs), outputs),
			)
		})
	}

	proptest! {
		#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

		#[test]
		fn product_should_be_exact((rows, weights) in case()) {
			prop_assert_eq!(product(&rows, &weights), reference(&rows, &weights));
		}
	}

	#[test]
	fn product_should_be_exact_when_fields_are_as_great_as_can_be() {
		for x in [-127, 127] {
			for weight in [-128, 0, 127] {
				let rows = vec![vec![x; 200]; 3];
				// Neighbours of the other sign show a borrow that is not taken off.
				let weights: Vec<_> = (0..OUTPUTS as i8)
					.map(|j| vec![if j % 2 == 0 { weight } else { -128 }; 200])
					.collect();
				assert_eq!(product(&rows, &weights), reference(&rows, &weights));
			}
		}
	}
}
