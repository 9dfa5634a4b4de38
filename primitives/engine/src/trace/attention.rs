//! Attention in blocks of positions and of heads: scores with the greatest so far, exponentials with
//! their sum so far, and values with their sums so far.

use super::{
	layout::{float_at, float_span, narrow, Layout, FLOAT},
	machine::{Machine, Stop},
	program::{Cost, Step, FUNCTION},
	tree::PAGE,
};
use crate::{
	architecture::llama::{rotate, Rope},
	numeric::{
		attention::{self, LANES},
		math, Kernel,
	},
};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// Bytes of queries, keys or values, and scores that one step has to do with.
const BUDGET: u64 = 128 * 1024;
/// Most heads whose keys and values one step keeps: each is far from the others in memory, and so
/// needs hashes of its own.
const TURNED: u64 = 8;

/// The heads of an attention.
pub(super) struct Heads {
	/// Heads of queries.
	pub heads: u32,
	/// Heads of keys and values.
	pub kv_heads: u32,
	/// Width of a head.
	pub dim: u32,
	/// What scores are multiplied by.
	pub factor: f32,
	/// How queries and keys are turned, if they are.
	pub rope: Option<Rope>,
	/// Whether a position sees those up to it. Otherwise it sees all.
	pub causal: bool,
}

pub(super) struct Attention {
	rope: Option<Rope>,
	causal: bool,
	factor: f32,
	kv_heads: u64,
	/// Heads that share keys and values.
	group: u64,
	/// Width of a head.
	dim: u64,
	/// Positions that keys and values have room for.
	rows: u64,
	/// Positions of a block.
	block: u64,
	/// Heads of keys and values that one step takes.
	heads: u64,
	/// The same where they are turned.
	turned: u64,
	/// Keys and values: for each layer the keys of each head, then the values.
	cache: u64,
	/// For each block the scores of each head.
	scores: u64,
	/// The greatest score of each head.
	greatest: u64,
	/// The sum of each head's exponentials.
	sums: u64,
}

/// What one step computes.
struct Part {
	/// Heads of keys and values.
	heads: Range<u64>,
	block: u64,
	/// Its first position, and how many it has.
	first: u64,
	count: u64,
}

impl Attention {
	/// Of `rows` positions, whose keys and values are kept for so many layers.
	pub fn new(of: Heads, layers: u32, rows: u64, layout: &mut Layout) -> Self {
		let Heads { heads, kv_heads, dim, factor, rope, causal } = of;
		let [heads, kv_heads, dim] = [heads, kv_heads, dim].map(u64::from);
		let group = heads.checked_div(kv_heads).unwrap_or(1).max(1);
		let page = PAGE as u64;

		// A head of keys: its queries and the ends of its ranges, and for each position a key and the
		// scores.
		let queries = float_at(page.saturating_mul(4), group.saturating_mul(dim));
		let lane = float_at(0, dim.saturating_add(group)).max(1);
		let lanes = LANES as u64;
		let least = queries.saturating_add(lane.saturating_mul(lanes));
		let taken = (BUDGET / least.max(1)).clamp(1, kv_heads.max(1));
		let left = (BUDGET / taken).saturating_sub(queries);
		let block = (left / lane / lanes).max(1).saturating_mul(lanes);

		let turned = float_at(page.saturating_mul(4), group.saturating_add(4).saturating_mul(dim));
		let turned = (BUDGET / turned.max(1)).min(TURNED).clamp(1, kv_heads.max(1));

		let values = kv_heads.saturating_mul(dim).saturating_mul(rows);
		let blocks = rows.div_ceil(block);
		Self {
			rope,
			causal,
			factor,
			kv_heads,
			group,
			dim,
			rows,
			block,
			heads: taken,
			turned,
			cache: layout.floats(values.saturating_mul(2).saturating_mul(layers.into())),
			scores: layout.floats(blocks.saturating_mul(heads).saturating_mul(block)),
			greatest: layout.floats(heads),
			sums: layout.floats(heads),
		}
	}

	/// Steps for each block of positions.
	pub fn tiles(&self) -> u64 {
		self.kv_heads.div_ceil(self.heads)
	}

	/// Steps in which queries and keys are turned.
	pub fn rotations(&self) -> u64 {
		self.kv_heads.div_ceil(self.turned)
	}

	/// Blocks of the positions up to `token`.
	pub fn blocks(&self, token: u64) -> u64 {
		(token / self.block).saturating_add(1)
	}

	/// The sum of [`blocks`](Self::blocks) of all tokens before `token`.
	pub fn blocks_before(&self, token: u64) -> u64 {
		let (whole, rest) = (token / self.block, token % self.block);
		let pairs = whole.saturating_mul(whole.saturating_sub(1)) / 2;
		self.block
			.saturating_mul(pairs)
			.saturating_add(rest.saturating_mul(whole))
			.saturating_add(token)
	}

	fn part(&self, step: &Step) -> Part {
		let (tile, token) = (u64::from(step.tile), u64::from(step.token));
		let tiles = self.tiles().max(1);
		let (block, part) = (tile / tiles, tile % tiles);
		let first = block.saturating_mul(self.block);
		let seen = if self.causal { token.saturating_add(1) } else { self.rows };
		let count = seen.saturating_sub(first).min(self.block);
		Part { heads: self.range(part, self.heads), block, first, count }
	}

	/// Part number `number` of the heads of keys and values.
	fn range(&self, number: u64, size: u64) -> Range<u64> {
		let start = number.saturating_mul(size).min(self.kv_heads);
		start..start.saturating_add(size).min(self.kv_heads)
	}

	/// Where the keys (0) or values (1) of a head are, from `position` on.
	fn cached(&self, layer: u32, which: u64, head: u64, position: u64) -> u64 {
		let heads = u64::from(layer).saturating_mul(2).saturating_add(which);
		let row = heads
			.saturating_mul(self.kv_heads)
			.saturating_add(head)
			.saturating_mul(self.rows)
			.saturating_add(position);
		float_at(self.cache, row.saturating_mul(self.dim))
	}

	/// Where the scores of a part are, and how many.
	fn scores_of(&self, part: &Part) -> (u64, u64) {
		let heads = self.kv_heads.saturating_mul(self.group);
		let row = part
			.block
			.saturating_mul(heads)
			.saturating_add(part.heads.start.saturating_mul(self.group));
		(
			float_at(self.scores, row.saturating_mul(self.block)),
			self.heads_of(part).saturating_mul(self.block),
		)
	}

	/// Heads of queries of a part.
	fn heads_of(&self, part: &Part) -> u64 {
		part.heads.end.saturating_sub(part.heads.start).saturating_mul(self.group)
	}

	/// Number `0` of a value for each head of a part, at `at`.
	fn of_heads(&self, at: u64, part: &Part) -> u64 {
		float_at(at, part.heads.start.saturating_mul(self.group))
	}

	/// Turns queries and keys by the token's position, and keeps keys and values.
	pub fn rotate(&self, machine: &mut Machine<'_>, step: &Step, qkv: u64) -> Result<(), Stop> {
		let heads = self.range(step.tile.into(), self.turned);
		let count = heads.end.saturating_sub(heads.start);
		let mut angles = vec![0.0; size(self.dim)?];
		if let Some(rope) = &self.rope {
			rope.angles(core::iter::once(step.token), &mut angles);
		}

		let width = self.group.saturating_mul(self.dim);
		let at = float_at(qkv, heads.start.saturating_mul(width));
		if self.rope.is_some() {
			let mut queries = machine.floats(at, count.saturating_mul(width))?;
			rotate(&mut queries, &angles);
			machine.put_floats(at, &queries)?;
		}

		let mut at = float_at(qkv, self.kv_heads.saturating_mul(width));
		for which in 0..2 {
			let first = float_at(at, heads.start.saturating_mul(self.dim));
			let mut rows = machine.floats(first, count.saturating_mul(self.dim))?;
			if which == 0 && self.rope.is_some() {
				rotate(&mut rows, &angles);
			}
			for (head, row) in heads.clone().zip(rows.chunks_exact(size(self.dim)?.max(1))) {
				let at = self.cached(step.layer, which, head, step.token.into());
				machine.put_floats(at, row)?;
			}
			at = float_at(at, self.kv_heads.saturating_mul(self.dim));
		}
		Ok(())
	}

	pub fn rotation_cost(&self) -> Cost {
		let row =
			|heads: u64| float_span(heads.saturating_mul(self.dim).saturating_mul(self.turned));
		let kept = float_span(self.dim).saturating_mul(narrow(self.turned)).saturating_mul(2);
		let values = self
			.turned
			.saturating_mul(self.group.saturating_add(2))
			.saturating_mul(self.dim);
		Cost {
			pages: row(self.group).saturating_add(row(1).saturating_mul(2)).saturating_add(kept),
			// Powers, cosines and sines.
			work: values
				.saturating_mul(4)
				.saturating_add(self.dim.saturating_mul(FUNCTION.saturating_mul(4))),
		}
	}

	/// Queries times the keys of a block, and the greatest so far.
	pub fn score(&self, machine: &mut Machine<'_>, step: &Step, qkv: u64) -> Result<(), Stop> {
		let part = self.part(step);
		let (dim, block, count) = (size(self.dim)?, size(self.block)?, size(part.count)?);
		let width = self.group.saturating_mul(self.dim);
		let at = float_at(qkv, part.heads.start.saturating_mul(width));
		let queries = machine.floats(at, self.heads_of(&part).saturating_mul(self.dim))?;
		let heads = self.heads_of(&part);
		let greatest_at = self.of_heads(self.greatest, &part);
		let mut greatest = match part.block {
			0 => vec![f32::NEG_INFINITY; size(heads)?],
			_ => machine.floats(greatest_at, heads)?,
		};
		let mut scores = vec![0.0f32; size(self.scores_of(&part).1)?];

		let mut rows = scores.chunks_exact_mut(block.max(1));
		let mut greatest_of = greatest.iter_mut();
		let groups = queries.chunks_exact(size(width)?.max(1));
		for (head, queries) in part.heads.clone().zip(groups) {
			let at = self.cached(step.layer, 0, head, part.first);
			let keys = machine.floats(at, part.count.saturating_mul(self.dim))?;
			let keys = lanes(&keys, dim);
			for query in queries.chunks_exact(dim.max(1)) {
				let row = rows.next().ok_or(Stop::Fault)?;
				let greatest = greatest_of.next().ok_or(Stop::Fault)?;
				let used = row.get_mut(..count.next_multiple_of(LANES)).ok_or(Stop::Fault)?;
				let blocks = keys.chunks_exact(dim.max(1));
				attention::scores(Kernel::best(), query, blocks, used.as_chunks_mut().0);
				let (used, rest) = row.split_at_mut_checked(count).ok_or(Stop::Fault)?;
				rest.fill(0.0);
				math::scale(used, self.factor);
				let most = math::maximum(used);
				*greatest = if most > *greatest { most } else { *greatest };
			}
		}
		machine.put_floats(self.scores_of(&part).0, &scores)?;
		machine.put_floats(greatest_at, &greatest)
	}

	pub fn scores_cost(&self) -> Cost {
		let queries = float_span(self.heads.saturating_mul(self.group).saturating_mul(self.dim));
		self.block_cost(self.dim).pages(queries)
	}

	/// Exponentials of a block's scores, and their sum so far.
	pub fn exponentiate(&self, machine: &mut Machine<'_>, step: &Step) -> Result<(), Stop> {
		let part = self.part(step);
		let heads = self.heads_of(&part);
		let (at, count) = self.scores_of(&part);
		let mut scores = machine.floats(at, count)?;
		let greatest = machine.floats(self.of_heads(self.greatest, &part), heads)?;
		let sums_at = self.of_heads(self.sums, &part);
		let mut sums = match part.block {
			0 => vec![0.0; size(heads)?],
			_ => machine.floats(sums_at, heads)?,
		};
		let rows = scores.chunks_exact_mut(size(self.block)?.max(1));
		for ((row, greatest), sum) in rows.zip(&greatest).zip(&mut sums) {
			let row = row.get_mut(..size(part.count)?).ok_or(Stop::Fault)?;
			row.iter_mut().for_each(|x| *x -= *greatest);
			math::exp(row);
			*sum = row.iter().fold(*sum, |sum, x| sum + *x);
		}
		machine.put_floats(at, &scores)?;
		machine.put_floats(sums_at, &sums)
	}

	pub fn exponentials_cost(&self) -> Cost {
		let values = self.heads.saturating_mul(self.group).saturating_mul(self.block);
		let heads = float_span(self.heads.saturating_mul(self.group)).saturating_mul(2);
		let pages = float_span(values).saturating_add(heads);
		Cost { pages, work: values.saturating_mul(FUNCTION) }
	}

	/// A block's values, each times its share, added to what the blocks before gave.
	pub fn mix(&self, machine: &mut Machine<'_>, step: &Step, out: u64) -> Result<(), Stop> {
		let part = self.part(step);
		let heads = self.heads_of(&part);
		let (at, count) = self.scores_of(&part);
		let (dim, used) = (size(self.dim)?, size(part.count)?);
		let scores = machine.floats(at, count)?;
		let sums = machine.floats(self.of_heads(self.sums, &part), heads)?;
		let width = heads.saturating_mul(self.dim);
		let out =
			float_at(out, part.heads.start.saturating_mul(self.group).saturating_mul(self.dim));
		let mut mixed = match part.block {
			0 => vec![0.0; size(width)?],
			_ => machine.floats(out, width)?,
		};

		let mut rows = scores.chunks_exact(size(self.block)?.max(1)).zip(&sums);
		let groups = mixed.chunks_exact_mut(size(self.group.saturating_mul(self.dim))?.max(1));
		for (head, mixed) in part.heads.clone().zip(groups) {
			let at = self.cached(step.layer, 1, head, part.first);
			// The first position is the sum so far, with a share of 1: it is never `-0.0`.
			let mut values = vec![0.0; dim];
			values.extend(machine.floats(at, part.count.saturating_mul(self.dim))?);
			for mixed in mixed.chunks_exact_mut(dim.max(1)) {
				let (row, sum) = rows.next().ok_or(Stop::Fault)?;
				let row = row.get(..used).ok_or(Stop::Fault)?;
				let mut shares = vec![1.0];
				shares.extend(row.iter().map(|x| *x / *sum));
				values.get_mut(..dim).ok_or(Stop::Fault)?.copy_from_slice(mixed);
				let blocks = values.chunks(dim.saturating_mul(LANES).max(1));
				attention::mix(Kernel::best(), &shares, blocks, mixed);
			}
		}
		machine.put_floats(out, &mixed)
	}

	pub fn mixture_cost(&self) -> Cost {
		let out = float_span(self.heads.saturating_mul(self.group).saturating_mul(self.dim));
		self.block_cost(self.dim.saturating_add(4)).pages(out)
	}

	/// Keys or values of a block, its scores, and a float of each head.
	fn block_cost(&self, work: u64) -> Cost {
		let heads = self.heads.saturating_mul(self.group);
		let scores = heads.saturating_mul(self.block);
		let rows = float_span(self.block.saturating_mul(self.dim));
		let pages = rows
			.saturating_mul(narrow(self.heads))
			.saturating_add(float_span(scores))
			.saturating_add(float_span(heads));
		Cost { pages, work: scores.saturating_mul(work.saturating_add(FLOAT)) }
	}
}

/// `rows` of `dim` values as attention's products take them: blocks of some rows, value by value.
fn lanes(rows: &[f32], dim: usize) -> Vec<[f32; LANES]> {
	let blocks = (rows.len() / dim.max(1)).div_ceil(LANES);
	let mut out = vec![[0.0; LANES]; blocks.saturating_mul(dim)];
	let from = rows.chunks(dim.saturating_mul(LANES).max(1));
	for (out, rows) in out.chunks_exact_mut(dim.max(1)).zip(from) {
		for (lane, row) in rows.chunks_exact(dim.max(1)).enumerate() {
			for (out, value) in out.iter_mut().zip(row) {
				if let Some(place) = out.get_mut(lane) {
					*place = *value;
				}
			}
		}
	}
	out
}

fn size(count: u64) -> Result<usize, Stop> {
	usize::try_from(count).map_err(|_| Stop::Fault)
}
