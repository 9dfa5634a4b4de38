//! The tensors of one or several files, read row by row.

use super::{
	header::{self, Collect, Entry, LEN_SIZE},
	Source,
};
use crate::{ArtifactFault, EngineError};
use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use core::cell::Cell;
use half::{bf16, f16};
use safetensors::Dtype;

/// Longest header of one file, in bytes.
pub const MAX_HEADER_LEN: u32 = 1024 * 1024;
/// Most files of an artifact.
pub const MAX_SOURCES: usize = 256;
/// Longest name of a tensor, in bytes.
pub const MAX_NAME_LEN: usize = 256;

/// Bytes that are read at once, unless a row is longer.
const CHUNK_LEN: u64 = 256 * 1024;

/// The tensors of an artifact: the headers of its files are read and checked, the data is not.
pub struct Tensors<'a> {
	sources: Vec<&'a dyn Source>,
	tensors: BTreeMap<String, Tensor>,
}

struct Tensor {
	dtype: Dtype,
	shape: Vec<u64>,
	/// Which file it is in.
	source: usize,
	/// Where its data begins and ends, from the end of the header on.
	offsets: (u64, u64),
	/// Where its data begins in the file.
	start: u64,
	asked_for: Cell<bool>,
}

impl<'a> Tensors<'a> {
	/// Reads the headers of `sources`. Every file is a sound safetensors file for itself, and no
	/// tensor is in two of them.
	pub fn open(sources: &[&'a dyn Source]) -> Result<Self, EngineError> {
		if sources.len() > MAX_SOURCES {
			return Err(ArtifactFault::TooManyFiles { most: MAX_SOURCES as u32 }.into());
		}
		let mut this = Self { sources: sources.to_vec(), tensors: BTreeMap::new() };
		for (index, source) in sources.iter().enumerate() {
			this.open_one(index, *source)?;
		}
		Ok(this)
	}

	fn open_one(&mut self, index: usize, source: &dyn Source) -> Result<(), EngineError> {
		let file_len = source.len();
		let after_len = file_len.checked_sub(LEN_SIZE as u64).ok_or(ArtifactFault::TooShort)?;
		let mut len = [0; LEN_SIZE];
		source.read_at(0, &mut len)?;
		let header_len = header::len(len, MAX_HEADER_LEN)?;
		let data_len =
			after_len.checked_sub(header_len.into()).ok_or(ArtifactFault::HeaderCutOff)?;
		let mut bytes = vec![0; header_len as usize];
		source.read_at(LEN_SIZE as u64, &mut bytes)?;

		let start = u64::from(header_len).saturating_add(LEN_SIZE as u64);
		let mut file = File { tensors: &mut self.tensors, source: index, start, data_len };
		header::parse(&bytes, &mut file)?;
		self.check_offsets(index, data_len)
	}

	/// Whether the tensors of one file cover its data without holes and without overlaps.
	fn check_offsets(&self, source: usize, data_len: u64) -> Result<(), EngineError> {
		let mut offsets: Vec<(u64, u64)> = self
			.tensors
			.values()
			.filter(|tensor| tensor.source == source)
			.map(|tensor| tensor.offsets)
			.collect();
		offsets.sort_unstable();
		let mut at = 0;
		for (start, end) in offsets {
			if start != at {
				return Err(ArtifactFault::InconsistentOffsets.into());
			}
			at = end;
		}
		if at != data_len {
			return Err(ArtifactFault::TrailingBytes.into());
		}
		Ok(())
	}

	/// The names of all tensors, sorted.
	pub fn names(&self) -> impl Iterator<Item = &str> {
		self.tensors.keys().map(String::as_str)
	}

	/// The names of the tensors that were asked for, sorted.
	pub fn asked_for(&self) -> impl Iterator<Item = &str> {
		let asked_for = self.tensors.iter().filter(|(_, tensor)| tensor.asked_for.get());
		asked_for.map(|(name, _)| name.as_str())
	}

	/// Whether there is a tensor of this name.
	pub fn has(&self, name: &str) -> bool {
		self.tensors.contains_key(name)
	}

	/// The shape of a tensor.
	pub fn shape(&self, name: &str) -> Option<&[u64]> {
		self.tensors.get(name).map(|tensor| &*tensor.shape)
	}

	/// The type of a tensor's elements.
	pub fn dtype(&self, name: &str) -> Option<Dtype> {
		self.tensors.get(name).map(|tensor| tensor.dtype)
	}

	/// Where a tensor's data begins in its file, and the type of its elements.
	pub(crate) fn place(&self, name: &str) -> Option<(u64, Dtype)> {
		let tensor = self.tensors.get(name)?;
		Some((tensor.start.saturating_add(tensor.offsets.0), tensor.dtype))
	}

	/// Asks for a tensor, which has to have one of the types and exactly this shape.
	pub fn expect(&self, name: &str, dtypes: &[Dtype], shape: &[u32]) -> Result<(), EngineError> {
		self.find(name, dtypes, shape).map(|_| ())
	}

	/// Asks for a tensor of floats (`F32`, `F16`, `BF16`).
	pub fn expect_floats(&self, name: &str, shape: &[u32]) -> Result<(), EngineError> {
		self.expect(name, FLOATS, shape)
	}

	/// Asks for a tensor of `I8`.
	pub fn expect_i8(&self, name: &str, shape: &[u32]) -> Result<(), EngineError> {
		self.expect(name, &[Dtype::I8], shape)
	}

	/// Refuses a tensor that nobody asked for, unless `ignored` says that it does not matter.
	pub fn finish(&self, ignored: impl Fn(&str) -> bool) -> Result<(), EngineError> {
		for (name, tensor) in &self.tensors {
			if !tensor.asked_for.get() && !ignored(name) {
				return Err(EngineError::UnexpectedTensor { tensor: name.as_str().into() });
			}
		}
		Ok(())
	}

	/// Every row (the values along all axes but the first) of a tensor of floats, converted to `f32`, in
	/// order. Values that are not finite are refused.
	pub fn for_each_row(
		&self,
		name: &str,
		shape: &[u32],
		mut each: impl FnMut(&[f32]) -> Result<(), EngineError>,
	) -> Result<(), EngineError> {
		let tensor = self.find(name, FLOATS, shape)?;
		let len = row_len(shape);
		let mut row = vec![0f32; len];
		let mut at = 0u32;
		self.for_each_row_of_bytes(tensor, len, |bytes| {
			decode(tensor.dtype, bytes, &mut row);
			if let Some(bad) = row.iter().position(|value| !value.is_finite()) {
				let at = at.saturating_add(bad as u32);
				return Err(EngineError::NonFiniteWeight { tensor: name.into(), at });
			}
			at = at.saturating_add(len as u32);
			each(&row)
		})
	}

	/// Every row of a tensor of `I8`, in order.
	pub fn for_each_row_i8(
		&self,
		name: &str,
		shape: &[u32],
		mut each: impl FnMut(&[i8]) -> Result<(), EngineError>,
	) -> Result<(), EngineError> {
		let tensor = self.find(name, &[Dtype::I8], shape)?;
		let len = row_len(shape);
		let mut row = vec![0i8; len];
		self.for_each_row_of_bytes(tensor, len, |bytes| {
			for (value, byte) in row.iter_mut().zip(bytes) {
				*value = byte.cast_signed();
			}
			each(&row)
		})
	}

	/// All values of a tensor of floats with one axis of `len`, converted to `f32`.
	pub fn vector(&self, name: &str, len: u32) -> Result<Vec<f32>, EngineError> {
		let mut values = Vec::new();
		self.for_each_row(name, &[len], |row| {
			values.extend_from_slice(row);
			Ok(())
		})?;
		Ok(values)
	}

	fn find(&self, name: &str, dtypes: &[Dtype], shape: &[u32]) -> Result<&Tensor, EngineError> {
		let tensor = self
			.tensors
			.get(name)
			.ok_or_else(|| EngineError::MissingTensor { tensor: name.into() })?;
		if !dtypes.contains(&tensor.dtype) {
			return Err(EngineError::WrongDtype { tensor: name.into() });
		}
		check_shape(name, shape, &tensor.shape)?;
		tensor.asked_for.set(true);
		Ok(tensor)
	}

	/// Every `row_len` values of `tensor`, as bytes. The tensor's length is a multiple of it: its
	/// shape and its offsets were compared.
	fn for_each_row_of_bytes(
		&self,
		tensor: &Tensor,
		row_len: usize,
		mut each: impl FnMut(&[u8]) -> Result<(), EngineError>,
	) -> Result<(), EngineError> {
		let source = self.sources.get(tensor.source).ok_or(EngineError::Backend)?;
		let (start, end) = tensor.offsets;
		let mut left = end.saturating_sub(start);
		let row = row_len.saturating_mul(tensor.dtype.bitsize() / 8);
		if row == 0 || left == 0 {
			return Ok(());
		}
		let rows_at_once = (CHUNK_LEN / row as u64).max(1);
		let chunk = (row as u64).saturating_mul(rows_at_once).min(left);
		let mut bytes = vec![0; usize::try_from(chunk).map_err(|_| EngineError::ReadFailed)?];
		let mut at = tensor.start.saturating_add(start);
		while left > 0 {
			let len = left.min(chunk);
			let bytes = bytes.get_mut(..len as usize).ok_or(EngineError::Backend)?;
			source.read_at(at, bytes)?;
			bytes.chunks_exact(row).try_for_each(&mut each)?;
			at = at.saturating_add(len);
			left = left.saturating_sub(len);
		}
		Ok(())
	}
}

/// The types that a float may have in a file. All of them are exact in `f32`.
const FLOATS: &[Dtype] = &[Dtype::F32, Dtype::F16, Dtype::BF16];

/// Values in a row of a tensor of this shape; one axis is one row.
fn row_len(shape: &[u32]) -> usize {
	let axes = if shape.len() > 1 { shape.get(1..).unwrap_or_default() } else { shape };
	axes.iter().fold(1usize, |len, size| len.saturating_mul(*size as usize))
}

/// The floats in `bytes`, which are of type `dtype`.
pub(crate) fn decode(dtype: Dtype, bytes: &[u8], values: &mut [f32]) {
	match dtype {
		Dtype::F16 => {
			for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
				*value = f16::from_le_bytes(*bytes).to_f32();
			}
		},
		Dtype::BF16 => {
			for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
				*value = bf16::from_le_bytes(*bytes).to_f32();
			}
		},
		_ => {
			for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
				*value = f32::from_le_bytes(*bytes);
			}
		},
	}
}

/// Compares the shape of a tensor with the one that an architecture says.
pub(super) fn check_shape(name: &str, expected: &[u32], got: &[u64]) -> Result<(), EngineError> {
	if expected.len() != got.len() {
		return Err(EngineError::WrongRank {
			tensor: name.into(),
			expected: expected.len() as u32,
			got: got.len() as u32,
		});
	}
	for (axis, (expected, got)) in (0u32..).zip(expected.iter().zip(got)) {
		if u64::from(*expected) != *got {
			let (expected, got) = (*expected, *got);
			return Err(EngineError::WrongShape { tensor: name.into(), axis, expected, got });
		}
	}
	Ok(())
}

/// Collects the tensors of one file.
struct File<'a> {
	tensors: &'a mut BTreeMap<String, Tensor>,
	source: usize,
	start: u64,
	data_len: u64,
}

impl Collect for File<'_> {
	fn admit(&mut self, name: &str) -> Result<(), EngineError> {
		if name.len() > MAX_NAME_LEN {
			return Err(EngineError::UnexpectedTensor { tensor: name.into() });
		}
		if self.tensors.contains_key(name) {
			return Err(EngineError::DuplicateTensor { tensor: name.into() });
		}
		Ok(())
	}

	fn insert(&mut self, name: String, entry: Entry) -> Result<(), EngineError> {
		let (start, end) = entry.data_offsets;
		if start > self.data_len || end > self.data_len {
			return Err(ArtifactFault::OutOfBounds.into());
		}
		let bits = entry
			.shape
			.0
			.iter()
			.try_fold(entry.dtype.bitsize() as u64, |bits, size| bits.checked_mul(*size));
		let len = bits.filter(|bits| bits % 8 == 0).map(|bits| bits / 8);
		if len.is_none() || len != end.checked_sub(start) {
			return Err(ArtifactFault::InconsistentOffsets.into());
		}
		let tensor = Tensor {
			dtype: entry.dtype,
			shape: entry.shape.0,
			source: self.source,
			offsets: entry.data_offsets,
			start: self.start,
			asked_for: Cell::new(false),
		};
		self.tensors.insert(name, tensor);
		Ok(())
	}
}
