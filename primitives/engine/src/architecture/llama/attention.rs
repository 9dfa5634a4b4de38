//! What one token takes from those before it, and from itself.

use super::cache::{Cache, LANES};
use crate::numeric::{attention, math, Kernel};
use alloc::vec::Vec;

/// Writes what the token at `position` attends to in `layer` to `out`, for all of its heads.
///
/// A score starts at `+0.0`, adds `query · key` dimension by dimension, and is then multiplied by
/// `1 / √head_dim`. An output starts at `+0.0` and adds `share · value` position by position.
///
/// Gives back whether all scores were finite; softmax would hide a `-inf`.
pub(super) fn attend(
	cache: &Cache,
	layer: usize,
	position: u32,
	queries: &[f32],
	scores: &mut Vec<f32>,
	out: &mut [f32],
) -> bool {
	let dim = cache.head_dim();
	let group = (queries.len() / dim.max(1) / cache.kv_heads().max(1))
		.saturating_mul(dim)
		.max(1);
	let factor = (1.0 / libm::sqrt(dim as f64)) as f32;
	let count = (position as usize).saturating_add(1);
	scores.resize(count.next_multiple_of(LANES), 0.0);

	let kernel = Kernel::best();
	let mut finite = true;
	let groups = queries.chunks_exact(group).zip(out.chunks_exact_mut(group));
	for (kv_head, (queries, out)) in groups.enumerate() {
		let heads = queries.chunks_exact(dim).zip(out.chunks_exact_mut(dim));
		for (query, out) in heads {
			let keys = cache.keys(layer, kv_head);
			attention::scores(kernel, query, keys, scores.as_chunks_mut().0);
			let scores = scores.get_mut(..count).unwrap_or_default();
			math::scale(scores, factor);
			finite &= math::first_non_finite(scores).is_none();
			math::softmax(scores);

			attention::mix(kernel, scores, cache.values(layer, kv_head), out);
		}
	}
	finite
}
