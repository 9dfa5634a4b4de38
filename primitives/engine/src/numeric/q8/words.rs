//! Bytes for targets without vectors: several of them in the fields of a word, so that one
//! multiplication of words gives several products.
//!
//! A word has two sets of [`FIELDS`] bytes, one [`SHIFT`] bits above the other. In each set the
//! bytes are [`FIELD`] bits apart, which is room for the sum of a block's products. A sum below zero
//! borrows from the fields above it, and is taken off them when fields are read.

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
/// What a block's inputs above zero add up to at most, and those below: 255 times it is less than
/// half of what a field holds.
const MOST: i32 = ((1 << (FIELD - 1)) - 1) / 255;
/// Words of an input: as many as a processor has registers for.
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
	/// [`MASK`]. The compiler does not know it, and so keeps it in a register.
	mask: u64,
}

impl Weights {
	/// None yet of a matrix `[outputs, inputs]`; nothing if there is no memory for them.
	pub fn new(outputs: usize, inputs: usize) -> Option<Self> {
		let mut steps = Vec::new();
		steps.try_reserve_exact(outputs.div_ceil(OUTPUTS).checked_mul(inputs)?).ok()?;
		Some(Self { outputs, inputs, steps, mask: MASK })
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
		let rows: Vec<Row<'_>> = x.bytes.chunks_exact(self.inputs).map(Row::new).collect();
		let tiles = self.steps.chunks_exact(self.inputs);
		for (first, tile) in (0..).step_by(OUTPUTS).zip(tiles) {
			let out = out.chunks_exact_mut(self.outputs);
			for ((number, row), out) in rows.iter().enumerate().zip(out) {
				if let Some(out) = out.get_mut(first..) {
					x.scale(number, first, &row.sums(self.mask, tile), out);
				}
			}
		}
	}
}

/// The word of output `j` in its tile, and the lowest bit of its byte.
fn place(j: usize) -> (usize, u32) {
	let lane = j % OUTPUTS;
	let (set, field) = (lane / FIELDS % 2, lane % FIELDS);
	(lane / (2 * FIELDS), FIELD * field as u32 + SHIFT * set as u32)
}

/// A row of inputs.
struct Row<'a> {
	bytes: &'a [u8],
	/// The lengths of its blocks.
	blocks: Vec<usize>,
	/// What weights without a sign add to each sum.
	bias: i32,
}

impl<'a> Row<'a> {
	fn new(bytes: &'a [u8]) -> Self {
		let mut row = Self { bytes, blocks: Vec::new(), bias: 0 };
		let (mut len, mut above, mut below) = (0usize, 0i32, 0i32);
		for byte in bytes {
			let x = i32::from(*byte as i8);
			row.bias = row.bias.wrapping_add(x.wrapping_mul(BIAS));
			above = above.wrapping_add(x.max(0));
			below = below.wrapping_add(x.min(0));
			if above > MOST || below < -MOST {
				row.blocks.push(len);
				(len, above, below) = (0, x.max(0), x.min(0));
			}
			len = len.saturating_add(1);
		}
		row.blocks.push(len);
		row
	}

	/// The exact sums of products with each output of a tile.
	#[inline(always)]
	fn sums(&self, mask: u64, mut tile: &[Step]) -> [i32; OUTPUTS] {
		let mut sums = [self.bias.wrapping_neg(); OUTPUTS];
		let mut bytes = self.bytes;
		for len in &self.blocks {
			let (block, rest) = bytes.split_at_checked(*len).unwrap_or_default();
			let (steps, tiles_rest) = tile.split_at_checked(*len).unwrap_or_default();
			(bytes, tile) = (rest, tiles_rest);
			let (whole, upper) = products(block, steps, mask);
			for word in 0..WORDS {
				let lower = whole[word].wrapping_sub(upper[word] << SHIFT);
				add_fields(&mut sums, 2 * word, lower);
				add_fields(&mut sums, 2 * word + 1, upper[word]);
			}
		}
		sums
	}
}

/// The sums of a block's words, each times its input: whole words, and their upper sets.
///
/// Multiplying a whole word needs no mask. It gives both sets' sums, overlapping, and without the
/// upper set's the lower set's are left: modulo 2⁶⁴, nothing is lost. Alone in a function, the loop
/// has all of the registers.
#[inline(never)]
fn products(bytes: &[u8], steps: &[Step], mask: u64) -> ([u64; WORDS], [u64; WORDS]) {
	let (mut whole, mut upper) = ([0u64; WORDS], [0u64; WORDS]);
	for (byte, step) in bytes.iter().zip(steps) {
		let x = *byte as i8 as u64;
		for word in 0..WORDS {
			let set = (step[word] >> SHIFT) & mask;
			whole[word] = whole[word].wrapping_add(step[word].wrapping_mul(x));
			upper[word] = upper[word].wrapping_add(set.wrapping_mul(x));
		}
	}
	(whole, upper)
}

/// Adds the fields of set number `set` to their sums.
#[inline(always)]
fn add_fields(sums: &mut [i32; OUTPUTS], set: usize, word: u64) {
	let mut rest = word as i64;
	for sum in &mut sums[set * FIELDS..][..FIELDS] {
		let field = (rest << (64 - FIELD)) >> (64 - FIELD);
		*sum = sum.wrapping_add(field as i32);
		rest = rest.wrapping_sub(field) >> FIELD;
	}
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
		// With ones, a block is as full as it can be; with both signs, twice as long.
		let cases = [-127i8, -1, 1, 127].map(|x| [x, x]);
		for x in cases.into_iter().chain([[1, -1], [127, -127]]) {
			let inputs = 25_000 / usize::from(x[0].unsigned_abs()).max(2);
			for weights in [[-128; 2], [0; 2], [127; 2], [127, -128], [-128, 127]] {
				let repeat = |pair: [i8; 2]| pair.into_iter().cycle().take(inputs).collect();
				let rows: Vec<Vec<_>> = vec![repeat(x); 3];
				// Neighbours of the other sign show a borrow that is not taken off.
				let weights: Vec<_> = (0..OUTPUTS)
					.map(|j| repeat(if j % 2 == 0 { weights } else { [-128; 2] }))
					.collect();
				assert_eq!(product(&rows, &weights), reference(&rows, &weights));
			}
		}
	}
}
