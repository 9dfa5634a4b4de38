//! Weights out of safetensors files that may have been made to do harm.
//!
//! The headers are read here: the `safetensors` crate's own entry point keeps the last of two
//! tensors with one name, builds whatever the header describes, and adds offsets without a check.

mod header;
mod source;
mod tensors;

pub use header::MAX_RANK;
#[cfg(all(feature = "std", unix))]
pub use source::File;
pub use source::Source;
pub(crate) use tensors::decode as decode_floats;
pub use tensors::{Tensors, MAX_NAME_LEN, MAX_SOURCES};

use crate::{ArtifactFault, EngineError};
use alloc::{string::String, vec::Vec};
use header::{Collect, Entry, LEN_SIZE};
use safetensors::{
	tensor::{Metadata, TensorInfo},
	Dtype,
};

/// Longest header that is read where a file has to have exactly the tensors of a small
/// architecture, in bytes.
pub const MAX_HEADER_LEN: u32 = 64 * 1024;
/// Longest header of a file that is read by [`Tensors`], in bytes.
pub const MAX_LARGE_HEADER_LEN: u32 = tensors::MAX_HEADER_LEN;

/// A tensor that an architecture asks for; always `F32`.
pub(crate) struct Spec {
	/// Its name in the file.
	pub name: String,
	/// Its shape in the file.
	pub shape: Vec<u32>,
}

/// The bytes of the tensors in `specs`, in their order. The file has them and no others.
///
/// `file` may be only the beginning of a file that has `len` bytes, if that is too long for these
/// tensors whatever its header: what is wrong with it is the same.
pub(crate) fn read<'a>(
	file: &'a [u8],
	len: u64,
	specs: &[Spec],
) -> Result<Vec<&'a [u8]>, EngineError> {
	let (header, data) = split(file)?;
	let beyond = len.saturating_sub(file.len() as u64);
	let data_len = beyond.saturating_add(data.len() as u64);
	let infos = parse(header, data_len, specs)?;

	let mut tensors: Vec<(String, TensorInfo)> =
		specs.iter().map(|spec| spec.name.clone()).zip(infos.iter().cloned()).collect();
	tensors.sort_by_key(|(_, info)| info.data_offsets);
	let end = Metadata::new(None, tensors)
		.map_err(|_| ArtifactFault::InconsistentOffsets)?
		.data_len();
	if end as u64 != data_len {
		return Err(ArtifactFault::TrailingBytes.into());
	}

	infos
		.iter()
		.map(|info| {
			data.get(info.data_offsets.0..info.data_offsets.1)
				.ok_or(ArtifactFault::OutOfBounds.into())
		})
		.collect()
}

/// Header and data of `file`.
fn split(file: &[u8]) -> Result<(&[u8], &[u8]), EngineError> {
	let (len, rest) = file.split_first_chunk::<LEN_SIZE>().ok_or(ArtifactFault::TooShort)?;
	let len = header::len(*len, MAX_HEADER_LEN)?;
	rest.split_at_checked(len as usize).ok_or(ArtifactFault::HeaderCutOff.into())
}

/// What `header` says about the tensors in `specs`, in their order.
fn parse(header: &[u8], data_len: u64, specs: &[Spec]) -> Result<Vec<TensorInfo>, EngineError> {
	let mut found = Found { specs, data_len, infos: alloc::vec![None; specs.len()] };
	header::parse(header, &mut found)?;
	found
		.infos
		.into_iter()
		.zip(specs)
		.map(|(info, spec)| {
			info.ok_or_else(|| EngineError::MissingTensor { tensor: spec.name.as_str().into() })
		})
		.collect()
}

/// Collects the tensors of a header that has to have exactly those in `specs`.
struct Found<'a> {
	specs: &'a [Spec],
	data_len: u64,
	infos: Vec<Option<TensorInfo>>,
}

impl Found<'_> {
	fn slot(&mut self, name: &str) -> Result<(&Spec, &mut Option<TensorInfo>), EngineError> {
		let (spec, info) = self
			.specs
			.iter()
			.zip(self.infos.iter_mut())
			.find(|(spec, _)| spec.name == name)
			.ok_or_else(|| EngineError::UnexpectedTensor { tensor: name.into() })?;
		if info.is_some() {
			return Err(EngineError::DuplicateTensor { tensor: name.into() });
		}
		Ok((spec, info))
	}
}

impl Collect for Found<'_> {
	fn admit(&mut self, name: &str) -> Result<(), EngineError> {
		self.slot(name).map(|_| ())
	}

	fn insert(&mut self, name: String, entry: Entry) -> Result<(), EngineError> {
		let data_len = self.data_len;
		let (spec, info) = self.slot(&name)?;
		if entry.dtype != Dtype::F32 {
			return Err(EngineError::WrongDtype { tensor: name.as_str().into() });
		}
		tensors::check_shape(&name, &spec.shape, &entry.shape.0)?;
		// In bounds means that both fit `usize`, and that no sum of them overflows.
		let offset = |at: u64| usize::try_from(at).ok().filter(|_| at <= data_len);
		let (Some(start), Some(end)) = (offset(entry.data_offsets.0), offset(entry.data_offsets.1))
		else {
			return Err(ArtifactFault::OutOfBounds.into());
		};
		*info = Some(TensorInfo {
			dtype: entry.dtype,
			shape: spec.shape.iter().map(|size| *size as usize).collect(),
			data_offsets: (start, end),
		});
		Ok(())
	}
}
