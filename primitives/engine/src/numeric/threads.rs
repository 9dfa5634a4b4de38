//! Splits work over threads: the outputs of a product, rows, heads. No sum is split, so no bit
//! depends on it.

use alloc::vec::Vec;
use core::ops::Range;

/// Calls `body` with ranges that make up the tiles `0..tiles`, and with each row's outputs of
/// such a range. `cost` is what one tile costs, in bytes of weights times rows.
pub(super) fn split<F>(tiles: usize, cost: usize, out: &mut [f32], outputs: usize, body: F)
where
	F: Fn(Range<usize>, &mut [&mut [f32]]) + Sync,
{
	if out.len() == outputs {
		spread(0..tiles, cost, &mut [out], &body);
	} else if outputs != 0 {
		let mut rows: Vec<&mut [f32]> = out.chunks_exact_mut(outputs).collect();
		spread(0..tiles, cost, &mut rows, &body);
	}
}

/// What an activation costs, in bytes that a product reads in the same time.
pub(crate) const ACTIVATION: usize = 32;

#[cfg(feature = "threads")]
pub(crate) use pool::each;
#[cfg(feature = "threads")]
use pool::spread;

/// Calls `body` with all of `items`.
#[cfg(not(feature = "threads"))]
pub(crate) fn each<T>(items: &mut [T], _cost: usize, body: impl Fn(&mut [T])) {
	body(items);
}

#[cfg(not(feature = "threads"))]
fn spread<F>(tiles: Range<usize>, _cost: usize, out: &mut [&mut [f32]], body: &F)
where
	F: Fn(Range<usize>, &mut [&mut [f32]]) + Sync,
{
	body(tiles, out);
}

/// Runs `job` on one of the threads that products are split over: saves each product the way there.
pub fn enter<R: Send>(job: impl FnOnce() -> R + Send) -> R {
	#[cfg(feature = "threads")]
	return rayon::scope(|_| job());
	#[cfg(not(feature = "threads"))]
	job()
}

#[cfg(feature = "threads")]
mod pool {
	use crate::numeric::matrix::LANES;
	use alloc::vec::Vec;
	use core::ops::Range;

	/// Below this, a second thread costs more than it gives.
	const LEAST: usize = 256 * 1024;
	/// Tiles that stay together: the most that a kernel takes at once.
	const GROUP: usize = 8;
	/// Parts for each thread, so that one that is held up leaves some to the others.
	const PARTS: usize = 4;

	pub fn spread<F>(tiles: Range<usize>, cost: usize, out: &mut [&mut [f32]], body: &F)
	where
		F: Fn(Range<usize>, &mut [&mut [f32]]) + Sync,
	{
		halve(tiles, parts(), cost, out, body);
	}

	/// Parts that work is split into, if it is worth that.
	fn parts() -> usize {
		match rayon::current_num_threads() {
			1 => 1,
			threads => threads.saturating_mul(PARTS),
		}
	}

	/// Calls `body` with parts that make up `items`, in any order. `cost` is what one of them costs,
	/// in bytes that a product reads in the same time.
	pub fn each<T: Send>(items: &mut [T], cost: usize, body: impl Fn(&mut [T]) + Sync) {
		share(items, parts(), cost, &body);
	}

	fn share<T, F>(items: &mut [T], parts: usize, cost: usize, body: &F)
	where
		T: Send,
		F: Fn(&mut [T]) + Sync,
	{
		let half = items.len() / 2;
		if parts < 2 || half.saturating_mul(cost) < LEAST {
			return body(items);
		}
		let (left, right) = items.split_at_mut(half);
		rayon::join(|| share(left, parts / 2, cost, body), || share(right, parts / 2, cost, body));
	}

	fn halve<F>(tiles: Range<usize>, parts: usize, cost: usize, out: &mut [&mut [f32]], body: &F)
	where
		F: Fn(Range<usize>, &mut [&mut [f32]]) + Sync,
	{
		let half = (tiles.len() / 2).next_multiple_of(GROUP);
		if parts < 2 || half >= tiles.len() || half.saturating_mul(cost) < LEAST {
			return body(tiles, out);
		}
		let middle = tiles.start.saturating_add(half);
		let at = half.saturating_mul(LANES);
		let (mut left, mut right): (Vec<_>, Vec<_>) =
			out.iter_mut().map(|row| row.split_at_mut(at.min(row.len()))).unzip();
		rayon::join(
			|| halve(tiles.start..middle, parts / 2, cost, &mut left, body),
			|| halve(middle..tiles.end, parts / 2, cost, &mut right, body),
		);
	}
}
