//! The loops of a product, the same for each class and each set of instructions.

use super::{lanes::array, matrix::LANES};
use core::ops::Range;

/// What the loops need from a class: how the [`LANES`] sums of a tile grow.
pub(super) trait Tiles {
	/// One step of an input, as it is in memory.
	type Input: Copy;
	/// One step of a tile's weights, as it is in memory.
	type Weights;
	/// An input for all outputs of a tile.
	type Splat: Copy;
	/// Weights in registers.
	type Loaded: Copy;
	/// A tile's sums.
	type Sums: Copy;

	/// What the sums of `tile` start with.
	fn start(&self, tile: usize) -> Self::Sums;
	fn splat(input: Self::Input) -> Self::Splat;
	fn load(weights: &Self::Weights) -> Self::Loaded;
	fn add(sums: Self::Sums, input: Self::Splat, weights: Self::Loaded) -> Self::Sums;
	/// Writes what the sums of `tile` come to in `row`; the last tile's may be fewer than
	/// [`LANES`].
	fn finish(&self, row: usize, tile: usize, sums: Self::Sums, out: &mut [f32]);
}

/// Computes the tiles in `range` for all rows: `G1` tiles at a time for a single row, otherwise
/// blocks of `R` rows and `G` tiles, for which there have to be registers.
///
/// `x` has `steps` inputs a row, `weights` as many a tile, and `out` the rows' outputs from the
/// range's first tile on.
#[inline(always)]
pub(super) fn run<T: Tiles, const R: usize, const G: usize, const G1: usize>(
	tiles: &T,
	x: &[T::Input],
	weights: &[T::Weights],
	steps: usize,
	range: Range<usize>,
	out: &mut [&mut [f32]],
) {
	let first = range.start;
	let weights = range
		.start
		.checked_mul(steps)
		.zip(range.end.checked_mul(steps))
		.and_then(|(start, end)| weights.get(start..end))
		.unwrap_or_default();
	let steps = steps.max(1);
	if let [out] = out {
		let mut groups = weights.chunks_exact(steps * G1);
		let mut place = Place { row: 0, first, tile: first };
		for group in groups.by_ref() {
			block::<T, 1, G1>(tiles, x, group, steps, &place, core::slice::from_mut(out));
			place.tile += G1;
		}
		for group in groups.remainder().chunks_exact(steps) {
			block::<T, 1, 1>(tiles, x, group, steps, &place, core::slice::from_mut(out));
			place.tile += 1;
		}
	} else {
		let mut groups = weights.chunks_exact(steps * G);
		let mut tile = first;
		for group in groups.by_ref() {
			rows::<T, R, G>(tiles, x, group, steps, Place { row: 0, first, tile }, out);
			tile += G;
		}
		for group in groups.remainder().chunks_exact(steps) {
			rows::<T, R, 1>(tiles, x, group, steps, Place { row: 0, first, tile }, out);
			tile += 1;
		}
	}
}

/// Where a block's results belong.
struct Place {
	/// Its first row.
	row: usize,
	/// The tile that the rows' slices start with.
	first: usize,
	/// Its first tile.
	tile: usize,
}

/// All rows of `x` times the tiles in `group`, while those are in the processor's cache.
#[inline(always)]
fn rows<T: Tiles, const R: usize, const G: usize>(
	tiles: &T,
	x: &[T::Input],
	group: &[T::Weights],
	steps: usize,
	mut place: Place,
	out: &mut [&mut [f32]],
) {
	let mut x = x.chunks_exact(steps * R);
	let mut out = out.chunks_exact_mut(R);
	for (x, out) in x.by_ref().zip(out.by_ref()) {
		block::<T, R, G>(tiles, x, group, steps, &place, out);
		place.row += R;
	}
	let mut x = x.remainder().chunks_exact(steps * 4);
	let mut out = out.into_remainder().chunks_exact_mut(4);
	for (x, out) in x.by_ref().zip(out.by_ref()) {
		block::<T, 4, G>(tiles, x, group, steps, &place, out);
		place.row += 4;
	}
	let mut x = x.remainder().chunks_exact(steps * 2);
	let mut out = out.into_remainder().chunks_exact_mut(2);
	for (x, out) in x.by_ref().zip(out.by_ref()) {
		block::<T, 2, G>(tiles, x, group, steps, &place, out);
		place.row += 2;
	}
	for (x, out) in x.remainder().chunks_exact(steps).zip(out.into_remainder().chunks_exact_mut(1))
	{
		block::<T, 1, G>(tiles, x, group, steps, &place, out);
		place.row += 1;
	}
}

/// `R` rows of `x` times the `G` tiles in `group`, in registers.
///
/// The compiler sees that no index is out of bounds, and leaves out the checks in the inner loop.
#[inline(always)]
// Iterators over several arrays at once would be closures.
#[allow(clippy::needless_range_loop)]
fn block<T: Tiles, const R: usize, const G: usize>(
	tiles: &T,
	x: &[T::Input],
	group: &[T::Weights],
	steps: usize,
	place: &Place,
	out: &mut [&mut [f32]],
) {
	let x: [&[T::Input]; R] = array(|r| &x[r * steps..][..steps]);
	let group: [&[T::Weights]; G] = array(|g| &group[g * steps..][..steps]);
	// No closures: not every build inlines them into what is compiled for a kernel's instructions.
	let mut sums = [[tiles.start(place.tile); G]; R];
	for sums in &mut sums {
		for g in 1..G {
			sums[g] = tiles.start(place.tile + g);
		}
	}
	for k in 0..steps {
		let mut weights = [T::load(&group[0][k]); G];
		for g in 1..G {
			weights[g] = T::load(&group[g][k]);
		}
		for r in 0..R {
			let input = T::splat(x[r][k]);
			for g in 0..G {
				sums[r][g] = T::add(sums[r][g], input, weights[g]);
			}
		}
	}
	let at = (place.tile - place.first) * LANES;
	for ((out, sums), row) in out.iter_mut().zip(sums).zip(place.row..) {
		let out = out.get_mut(at..).unwrap_or_default();
		for ((out, sums), tile) in out.chunks_mut(LANES).zip(sums).zip(place.tile..) {
			tiles.finish(row, tile, sums, out);
		}
	}
}
