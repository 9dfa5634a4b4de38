//! Keys and values of the positions that a sequence already has.

use super::Config;
use crate::EngineError;
use alloc::{boxed::Box, vec::Vec};

/// Positions of a block.
pub(super) use crate::numeric::attention::LANES;

/// Keys and values of a sequence. It belongs to one model.
///
/// It grows by blocks of 16 positions; a block has, for each layer, the keys as
/// `[kv_head][head_dim][position]` and the values as `[kv_head][position][head_dim]`.
#[derive(Clone)]
pub struct Cache {
	layers: usize,
	kv_heads: usize,
	head_dim: usize,
	len: u32,
	blocks: Vec<Box<[f32]>>,
}

impl Cache {
	/// The cache of an empty sequence.
	pub fn new(config: &Config) -> Self {
		Self {
			layers: config.layers as usize,
			kv_heads: config.kv_heads as usize,
			head_dim: config.head_dim as usize,
			len: 0,
			blocks: Vec::new(),
		}
	}

	/// Number of positions.
	pub fn len(&self) -> u32 {
		self.len
	}

	/// Whether there is no position.
	pub fn is_empty(&self) -> bool {
		self.len == 0
	}

	/// Memory that it takes, in bytes.
	pub fn bytes(&self) -> usize {
		self.blocks.iter().map(|block| size_of_val::<[f32]>(block)).sum()
	}

	/// Forgets all positions from `len` on.
	pub fn truncate(&mut self, len: u32) {
		if len < self.len {
			self.len = len;
			self.blocks.truncate((len as usize).div_ceil(LANES));
		}
	}

	/// Width of a head.
	pub(super) fn head_dim(&self) -> usize {
		self.head_dim
	}

	/// Whether it is one of a model of this configuration.
	pub(super) fn fits(&self, config: &Config) -> bool {
		let Self { layers, kv_heads, head_dim, .. } = Self::new(config);
		(self.layers, self.kv_heads, self.head_dim) == (layers, kv_heads, head_dim)
	}

	/// Counts the positions before `len` as there; they are written.
	pub(super) fn set_len(&mut self, len: u32) {
		self.len = len;
	}

	/// Makes room for the positions before `len`.
	pub(super) fn reserve(&mut self, len: u32) -> Result<(), EngineError> {
		let count = (len as usize).div_ceil(LANES);
		while self.blocks.len() < count {
			let size = self
				.head_len()
				.checked_mul(2)
				.and_then(|len| len.checked_mul(self.kv_heads))
				.and_then(|len| len.checked_mul(self.layers))
				.ok_or(EngineError::OutOfMemory)?;
			let mut block = Vec::new();
			block.try_reserve_exact(size).map_err(|_| EngineError::OutOfMemory)?;
			block.resize(size, 0.0);
			self.blocks.push(block.into_boxed_slice());
		}
		Ok(())
	}

	/// Writes keys and values of one layer and position; there is room for it.
	pub(super) fn write(
		&mut self,
		layer: usize,
		position: u32,
		keys: &[f32],
		values: &[f32],
	) -> Option<()> {
		let (head_dim, head_len) = (self.head_dim, self.head_len());
		let half = head_len.checked_mul(self.kv_heads)?;
		let lane = position as usize % LANES;
		let block = self.blocks.get_mut(position as usize / LANES)?;
		let block = block.chunks_exact_mut(half.checked_mul(2)?).nth(layer)?;
		let (key_block, value_block) = block.split_at_mut_checked(half)?;

		let heads = key_block.chunks_exact_mut(head_len).zip(keys.chunks_exact(head_dim));
		for (head, keys) in heads {
			for (lanes, key) in head.as_chunks_mut::<LANES>().0.iter_mut().zip(keys) {
				*lanes.get_mut(lane)? = *key;
			}
		}
		let heads = value_block.chunks_exact_mut(head_len).zip(values.chunks_exact(head_dim));
		for (head, values) in heads {
			head.chunks_exact_mut(head_dim).nth(lane)?.copy_from_slice(values);
		}
		Some(())
	}

	/// The keys of one layer and head, block by block: `[head_dim][position]`.
	pub(super) fn keys(
		&self,
		layer: usize,
		head: usize,
	) -> impl Iterator<Item = &[[f32; LANES]]> + Clone {
		self.halves(layer, head, 0).map(|keys| keys.as_chunks().0)
	}

	/// The values of one layer and head, block by block: `[position][head_dim]`.
	pub(super) fn values(&self, layer: usize, head: usize) -> impl Iterator<Item = &[f32]> + Clone {
		self.halves(layer, head, self.kv_heads)
	}

	fn halves(
		&self,
		layer: usize,
		head: usize,
		first: usize,
	) -> impl Iterator<Item = &[f32]> + Clone {
		let len = self.head_len();
		let heads = layer.saturating_mul(self.kv_heads.saturating_mul(2));
		let at = heads.saturating_add(first).saturating_add(head).saturating_mul(len);
		self.blocks
			.iter()
			.map(move |block| block.get(at..at.saturating_add(len)).unwrap_or_default())
	}

	/// Values of a block for one layer and head, of keys or of values.
	fn head_len(&self) -> usize {
		self.head_dim.saturating_mul(LANES)
	}

	/// All of it as bytes, which depend on nothing but the positions that it has: the number of
	/// positions (`u32`), then for each layer and head the keys, position by position, and the
	/// values, `f32` each, little endian.
	pub fn save(&self) -> Vec<u8> {
		let count = self.len as usize;
		let mut bytes = self.len.to_le_bytes().to_vec();
		for layer in 0..self.layers {
			for head in 0..self.kv_heads {
				for position in 0..count {
					let block = self.keys(layer, head).nth(position / LANES).unwrap_or_default();
					for lanes in block {
						let key = lanes.get(position % LANES).copied().unwrap_or_default();
						bytes.extend_from_slice(&key.to_le_bytes());
					}
				}
				let rows = self.values(layer, head).flat_map(|block| block.chunks(self.head_dim));
				for value in rows.take(count).flatten() {
					bytes.extend_from_slice(&value.to_le_bytes());
				}
			}
		}
		bytes
	}

	/// The cache that [`save`](Self::save) made `bytes` of, for the same model.
	pub fn restore(config: &Config, bytes: &[u8]) -> Result<Self, EngineError> {
		let (len, rest) = bytes.split_first_chunk().ok_or(EngineError::InvalidState)?;
		let len = u32::from_le_bytes(*len);
		let (values, left) = rest.as_chunks::<4>();
		let expected = config.cache_bytes().checked_mul(len.into());
		if !left.is_empty() || expected != Some(rest.len() as u64) || len > config.max_positions {
			return Err(EngineError::InvalidState);
		}
		let mut values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
		if values.clone().any(|value| !value.is_finite()) {
			return Err(EngineError::InvalidState);
		}
		let mut this = Self::new(config);
		this.reserve(len)?;
		let (count, head_dim, head_len) = (len as usize, this.head_dim, this.head_len());
		let half = head_len.saturating_mul(this.kv_heads);
		for layer in 0..this.layers {
			for head in 0..this.kv_heads {
				let at = layer
					.saturating_mul(half.saturating_mul(2))
					.saturating_add(head.saturating_mul(head_len));
				for position in 0..count {
					let block = this.blocks.get_mut(position / LANES);
					let keys = block.and_then(|block| block.get_mut(at..)?.get_mut(..head_len));
					for lanes in keys.unwrap_or_default().as_chunks_mut::<LANES>().0 {
						if let (Some(key), Some(value)) =
							(lanes.get_mut(position % LANES), values.next())
						{
							*key = value;
						}
					}
				}
				let at = at.saturating_add(half);
				for position in 0..count {
					let block = this.blocks.get_mut(position / LANES);
					let rows = block.and_then(|block| block.get_mut(at..)?.get_mut(..head_len));
					let rows = rows.unwrap_or_default();
					let row = rows.chunks_exact_mut(head_dim).nth(position % LANES);
					for (place, value) in row.unwrap_or_default().iter_mut().zip(&mut values) {
						*place = value;
					}
				}
			}
		}
		this.len = len;
		Ok(this)
	}
}
