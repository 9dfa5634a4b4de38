//! Splits the outputs of a product over threads. No sum is split, so no bit depends on it.

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

#[cfg(feature = "threads")]
use pool::spread;

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
		let threads = rayon::current_num_threads();
		let parts = if threads == 1 { 1 } else { threads.saturating_mul(PARTS) };
		halve(tiles, parts, cost, out, body);
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
