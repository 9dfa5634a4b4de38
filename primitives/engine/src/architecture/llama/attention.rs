//! What one token takes from those before it, and from itself.

use super::cache::{Cache, LANES};
use crate::numeric::{attention, math, Kernel};
use alloc::vec::Vec;

/// Heads of one token that share keys and values.
pub(super) struct Group<'a> {
	pub cache: &'a Cache,
	/// Which of the heads of keys and values it is.
	pub kv_head: usize,
	pub position: u32,
	pub queries: &'a [f32],
	pub out: &'a mut [f32],
	/// Whether all scores were finite; softmax would hide a `-inf`.
	pub finite: bool,
}

impl Group<'_> {
	/// Writes what the token attends to in `layer` to `out`.
	///
	/// A score starts at `+0.0`, adds `query · key` dimension by dimension, and is then multiplied by
	/// `1 / √head_dim`. An output starts at `+0.0` and adds `share · value` position by position.
	pub fn attend(&mut self, layer: usize, scores: &mut Vec<f32>) {
		let dim = self.cache.head_dim().max(1);
		let factor = (1.0 / libm::sqrt(dim as f64)) as f32;
		let count = (self.position as usize).saturating_add(1);
		scores.resize(count.next_multiple_of(LANES), 0.0);

		let kernel = Kernel::best();
		for (query, out) in self.queries.chunks_exact(dim).zip(self.out.chunks_exact_mut(dim)) {
			let keys = self.cache.keys(layer, self.kv_head);
			attention::scores(kernel, query, keys, scores.as_chunks_mut().0);
			let scores = scores.get_mut(..count).unwrap_or_default();
			math::scale(scores, factor);
			self.finite &= math::first_non_finite(scores).is_none();
			math::softmax(scores);

			attention::mix(kernel, scores, self.cache.values(layer, self.kv_head), out);
		}
	}
}
