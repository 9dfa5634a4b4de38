//! The two products of attention, with keys and values in blocks of positions.
//!
//! Both take several sums at once, of positions or of dimensions, and leave the order of each as it
//! is.

use super::{kernel::dispatch, Kernel};

/// Positions of a block.
pub const LANES: usize = 16;

/// Positions of a block that are taken at once: there have to be registers for them.
const PART: usize = if cfg!(target_family = "wasm") { 8 } else { LANES };
/// Blocks that are taken at once, so that one addition need not wait for another.
const BLOCKS: usize = 4;
/// Dimensions that are taken at once, while there are so many: there have to be registers for them.
const WIDE: usize = if cfg!(target_family = "wasm") { 8 } else { 32 };
/// Dimensions that are taken at once, of those that are left.
const NARROW: usize = 8;

/// Writes the products of `query` with all keys of a block to each place in `out`. A block of keys
/// is `[dimension][position]`; a sum starts at `+0.0` and takes the dimensions in order.
#[allow(unsafe_code)]
pub fn scores<'a>(
	kernel: Kernel,
	query: &[f32],
	keys: impl Iterator<Item = &'a [[f32; LANES]]>,
	out: &mut [[f32; LANES]],
) {
	dispatch!(kernel, scores_portable, (
		query: &[f32],
		keys: impl Iterator<Item = &'a [[f32; LANES]]>,
		out: &mut [[f32; LANES]]
	), 'a);
}

#[inline(always)]
fn scores_portable<'a>(
	query: &[f32],
	mut keys: impl Iterator<Item = &'a [[f32; LANES]]>,
	out: &mut [[f32; LANES]],
) {
	// Without vectors, a block alone is more than there are registers for.
	let several = if cfg!(target_family = "wasm") { 0 } else { out.len() / BLOCKS };
	let (several, rest) = out.split_at_mut(several.saturating_mul(BLOCKS));
	for out in several.as_chunks_mut::<BLOCKS>().0 {
		let (Some(a), Some(b), Some(c), Some(d)) =
			(keys.next(), keys.next(), keys.next(), keys.next())
		else {
			return;
		};
		let mut sums = [[0.0f32; LANES]; BLOCKS];
		for ((((query, a), b), c), d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
			for (sums, keys) in sums.iter_mut().zip([a, b, c, d]) {
				add_products(sums, *query, keys);
			}
		}
		*out = sums;
	}
	for (out, keys) in rest.iter_mut().zip(keys) {
		for (part, out) in out.as_chunks_mut::<PART>().0.iter_mut().enumerate() {
			let mut sums = [0.0f32; PART];
			for (query, keys) in query.iter().zip(keys) {
				if let Some(keys) = keys.as_chunks().0.get(part) {
					add_products(&mut sums, *query, keys);
				}
			}
			*out = sums;
		}
	}
}

/// Adds `factor` times each of `values` to its sum.
#[inline(always)]
fn add_products<const N: usize>(sums: &mut [f32; N], factor: f32, values: &[f32; N]) {
	for (sum, value) in sums.iter_mut().zip(values) {
		*sum += factor * value;
	}
}

/// Writes the sum of all positions' values, each times its share, to `out`. A block of values is
/// `[position][dimension]`; a sum starts at `+0.0` and takes the positions in order.
#[allow(unsafe_code)]
pub fn mix<'a>(
	kernel: Kernel,
	shares: &[f32],
	values: impl Iterator<Item = &'a [f32]>,
	out: &mut [f32],
) {
	dispatch!(kernel, mix_portable, (
		shares: &[f32],
		values: impl Iterator<Item = &'a [f32]>,
		out: &mut [f32]
	), 'a);
}

#[inline(always)]
fn mix_portable<'a>(shares: &[f32], values: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
	out.fill(0.0);
	let dim = out.len().max(1);
	let (wide, rest) = out.as_chunks_mut::<WIDE>();
	let (narrow, rest) = rest.as_chunks_mut::<NARROW>();
	let single = rest.as_chunks_mut::<1>().0;
	for (shares, values) in shares.chunks(LANES).zip(values) {
		let mut at = 0;
		for out in wide.iter_mut() {
			at = add(shares, values, dim, at, out);
		}
		for out in narrow.iter_mut() {
			at = add(shares, values, dim, at, out);
		}
		for out in single.iter_mut() {
			at = add(shares, values, dim, at, out);
		}
	}
}

/// Adds a block's values of `N` dimensions, from `at` on, to `out`; gives back where they end.
#[inline(always)]
fn add<const N: usize>(
	shares: &[f32],
	values: &[f32],
	dim: usize,
	at: usize,
	out: &mut [f32; N],
) -> usize {
	let mut sums = *out;
	for (share, values) in shares.iter().zip(values.chunks_exact(dim)) {
		// Never none: all dimensions are in a position's values.
		if let Some(values) = values.get(at..).and_then(|values| values.first_chunk::<N>()) {
			add_products(&mut sums, *share, values);
		}
	}
	*out = sums;
	at.saturating_add(N)
}
