//! What a step works with: memory, weights, and how the run stands.

use super::{layout::FLOAT, witness::TraceFault};
use crate::{artifact::decode_floats, numeric::math};
use alloc::{vec, vec::Vec};
use safetensors::Dtype;

/// Where a step's bytes come from. Addresses are within bounds.
pub(super) trait Pages {
	/// Fills `out` with memory from `at` on.
	fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault>;
	/// Writes `bytes` to memory from `at` on.
	fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), TraceFault>;
	/// Fills `out` with the artifact's bytes from `at` on.
	fn weights(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault>;
}

/// Why a step can't go on.
pub(super) enum Stop {
	/// The run has no answer: its numbers, or a memory that no run has, lead nowhere.
	Fault,
	/// The witness is none of this step.
	Witness(TraceFault),
}

impl From<TraceFault> for Stop {
	fn from(fault: TraceFault) -> Self {
		Self::Witness(fault)
	}
}

/// How a run stands: the beginning of the first page.
pub(super) mod status {
	/// It goes on.
	pub const RUNNING: u32 = 0;
	/// There is an answer, whose length is at [`LEN`].
	pub const DONE: u32 = 1;
	/// There is none.
	pub const FAULT: u32 = 2;
	/// Where the answer's length is, 8 bytes.
	pub const LEN: u64 = 8;
}

/// A tensor of the artifact, out of the table in memory.
#[derive(Clone, Copy)]
pub(super) struct Tensor {
	/// Where its data begins in the file.
	pub start: u64,
	pub dtype: Dtype,
}

/// Bytes of a tensor's entry in the table: never in two pages.
pub(super) const ENTRY: u64 = 16;

/// What numbers stand for types in the table.
pub(super) const DTYPES: [(u32, Dtype); 4] =
	[(1, Dtype::F32), (2, Dtype::F16), (3, Dtype::BF16), (4, Dtype::I8)];

/// The state of a run, as its steps see it.
pub(super) struct Machine<'a> {
	pages: &'a mut dyn Pages,
	/// Where memory ends.
	memory_len: u64,
	weights_len: u64,
	/// Where the table of tensors is.
	table: u64,
	halted: bool,
}

impl<'a> Machine<'a> {
	pub fn new(pages: &'a mut dyn Pages, memory_len: u64, weights_len: u64, table: u64) -> Self {
		Self { pages, memory_len, weights_len, table, halted: false }
	}

	/// Whether the run has ended.
	pub fn halted(&mut self) -> Result<bool, Stop> {
		self.halted |= self.word(0)? != status::RUNNING;
		Ok(self.halted)
	}

	/// Ends the run with an answer of `len` bytes, unless it has ended.
	pub fn finish(&mut self, len: u64) -> Result<(), Stop> {
		if self.halted {
			return Ok(());
		}
		self.halted = true;
		self.write(status::LEN, &len.to_le_bytes())?;
		self.write(0, &status::DONE.to_le_bytes())
	}

	/// Ends the run without an answer.
	pub fn fail(&mut self) -> Result<(), Stop> {
		self.halted = true;
		self.write(0, &status::FAULT.to_le_bytes())
	}

	/// Length of the artifact.
	pub fn weights_len(&self) -> u64 {
		self.weights_len
	}

	fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), Stop> {
		bound(at, out.len(), self.memory_len)?;
		Ok(self.pages.read(at, out)?)
	}

	/// `bytes` to memory from `at` on.
	pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), Stop> {
		bound(at, bytes.len(), self.memory_len)?;
		Ok(self.pages.write(at, bytes)?)
	}

	/// The `u32` at `at`.
	pub fn word(&mut self, at: u64) -> Result<u32, Stop> {
		let mut bytes = [0; 4];
		self.read(at, &mut bytes)?;
		Ok(u32::from_le_bytes(bytes))
	}

	/// `count` times a `u32` from `at` on.
	pub fn words(&mut self, at: u64, count: u64) -> Result<Vec<u32>, Stop> {
		let mut bytes = buffer(count, FLOAT)?;
		self.read(at, &mut bytes)?;
		Ok(bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
	}

	/// Writes `words` from `at` on.
	pub fn put_words(&mut self, at: u64, words: &[u32]) -> Result<(), Stop> {
		let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
		self.write(at, &bytes)
	}

	/// `count` floats from `at` on. Ends the run unless all of them are finite: no run writes others.
	pub fn floats(&mut self, at: u64, count: u64) -> Result<Vec<f32>, Stop> {
		let mut bytes = buffer(count, FLOAT)?;
		self.read(at, &mut bytes)?;
		let values: Vec<f32> = crate::numeric::f32::decode(&bytes).collect();
		finite(&values)?;
		Ok(values)
	}

	/// Writes `values` from `at` on. Ends the run unless all of them are finite: where `Model::run` looks
	/// at a result only later, it finds that one not finite either. So no state has the bits of a NaN,
	/// which executors differ in.
	pub fn put_floats(&mut self, at: u64, values: &[f32]) -> Result<(), Stop> {
		finite(values)?;
		self.write(at, &crate::numeric::f32::encode(values))
	}

	/// Bytes of the artifact.
	pub fn weights(&mut self, at: u64, count: u64) -> Result<Vec<u8>, Stop> {
		let mut bytes = buffer(count, 1)?;
		bound(at, bytes.len(), self.weights_len)?;
		self.pages.weights(at, &mut bytes)?;
		Ok(bytes)
	}

	/// Tensor number `index` of those that the architecture asks for.
	pub fn tensor(&mut self, index: u32) -> Result<Tensor, Stop> {
		let at = self.table.saturating_add(u64::from(index).saturating_mul(ENTRY));
		let mut start = [0; 8];
		self.read(at, &mut start)?;
		let number = self.word(at.saturating_add(8))?;
		let dtype = DTYPES.iter().find(|(of, _)| *of == number).ok_or(Stop::Fault)?.1;
		Ok(Tensor { start: u64::from_le_bytes(start), dtype })
	}

	/// `count` floats of `tensor` from number `first` on, all of them finite.
	pub fn weight_floats(
		&mut self,
		tensor: Tensor,
		first: u64,
		count: u64,
	) -> Result<Vec<f32>, Stop> {
		let size = match tensor.dtype {
			Dtype::F32 => 4,
			Dtype::F16 | Dtype::BF16 => 2,
			_ => return Err(Stop::Fault),
		};
		let at = tensor.start.saturating_add(first.saturating_mul(size));
		let bytes = self.weights(at, count.saturating_mul(size))?;
		let mut values = vec![0.0; usize::try_from(count).map_err(|_| Stop::Fault)?];
		decode_floats(tensor.dtype, &bytes, &mut values);
		finite(&values)?;
		Ok(values)
	}

	/// `count` floats of tensor number `index`, see [`weight_floats`](Self::weight_floats).
	pub fn vector(&mut self, index: u32, first: u64, count: u64) -> Result<Vec<f32>, Stop> {
		let tensor = self.tensor(index)?;
		self.weight_floats(tensor, first, count)
	}

	/// `count` bytes of `tensor` from number `first` on.
	pub fn weight_bytes(
		&mut self,
		tensor: Tensor,
		first: u64,
		count: u64,
	) -> Result<Vec<i8>, Stop> {
		if tensor.dtype != Dtype::I8 {
			return Err(Stop::Fault);
		}
		let bytes = self.weights(tensor.start.saturating_add(first), count)?;
		Ok(bytes.into_iter().map(u8::cast_signed).collect())
	}
}

/// Ends the run unless all of `values` are finite.
pub(super) fn finite(values: &[f32]) -> Result<(), Stop> {
	math::first_non_finite(values).map_or(Ok(()), |_| Err(Stop::Fault))
}

/// Ends the run unless `len` bytes from `at` on end before `end`.
fn bound(at: u64, len: usize, end: u64) -> Result<(), Stop> {
	let last = at.checked_add(len as u64).ok_or(Stop::Fault)?;
	(last <= end).then_some(()).ok_or(Stop::Fault)
}

fn buffer(count: u64, size: u64) -> Result<Vec<u8>, Stop> {
	let len = count.checked_mul(size).and_then(|len| usize::try_from(len).ok());
	Ok(vec![0; len.ok_or(Stop::Fault)?])
}
