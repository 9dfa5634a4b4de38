//! Weights out of a safetensors file that may have been made to do harm.
//!
//! The header is read here, into nothing but the tensors that the architecture asks for: the
//! `safetensors` crate's own entry point keeps the last of two tensors with one name, builds
//! whatever the header describes, and adds offsets without a check. Its types and its validation
//! of the offsets are used, on values that are known to be in bounds.

use crate::{ArtifactFault, EngineError, TensorName};
use alloc::{string::String, vec::Vec};
use core::fmt;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::{
	de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
	Deserialize, Deserializer,
};

/// Longest header that is read, in bytes.
pub const MAX_HEADER_LEN: u32 = 64 * 1024;
/// Most dimensions of a tensor that are read.
pub const MAX_RANK: usize = 4;

/// The key in the header that is not a tensor.
const METADATA_KEY: &str = "__metadata__";

/// A tensor that an architecture asks for; always `F32`.
pub(crate) struct Spec {
	/// Its name in the file.
	pub name: String,
	/// Its shape in the file.
	pub shape: Vec<u32>,
}

/// The bytes of the tensors in `specs`, in their order. The file has them and no others.
pub(crate) fn read<'a>(file: &'a [u8], specs: &[Spec]) -> Result<Vec<&'a [u8]>, EngineError> {
	let (header, data) = split(file)?;
	let infos = parse(header, data.len(), specs)?;

	let mut tensors: Vec<(String, TensorInfo)> =
		specs.iter().map(|spec| spec.name.clone()).zip(infos.iter().cloned()).collect();
	tensors.sort_by_key(|(_, info)| info.data_offsets);
	let end = Metadata::new(None, tensors)
		.map_err(|_| malformed(ArtifactFault::InconsistentOffsets))?
		.data_len();
	if end != data.len() {
		return Err(malformed(ArtifactFault::TrailingBytes));
	}

	infos
		.iter()
		.map(|info| {
			data.get(info.data_offsets.0..info.data_offsets.1)
				.ok_or(malformed(ArtifactFault::OutOfBounds))
		})
		.collect()
}

fn malformed(fault: ArtifactFault) -> EngineError {
	EngineError::MalformedArtifact(fault)
}

/// Header and data of `file`.
fn split(file: &[u8]) -> Result<(&[u8], &[u8]), EngineError> {
	let (len, rest) = file.split_first_chunk::<8>().ok_or(malformed(ArtifactFault::TooShort))?;
	let len = u64::from_le_bytes(*len);
	let len = u32::try_from(len)
		.ok()
		.filter(|len| *len <= MAX_HEADER_LEN)
		.ok_or(malformed(ArtifactFault::HeaderTooLong { got: len, most: MAX_HEADER_LEN }))?;
	rest.split_at_checked(len as usize)
		.ok_or(malformed(ArtifactFault::HeaderCutOff))
}

/// What `header` says about the tensors in `specs`, in their order.
fn parse(header: &[u8], data_len: usize, specs: &[Spec]) -> Result<Vec<TensorInfo>, EngineError> {
	let mut found = Found { specs, data_len, infos: alloc::vec![None; specs.len()], fault: None };
	let mut json = serde_json::Deserializer::from_slice(header);
	let read = (&mut json).deserialize_map(&mut found).and_then(|()| json.end());
	if let Some(fault) = found.fault {
		return Err(fault);
	}
	read.map_err(|_| malformed(ArtifactFault::InvalidHeader))?;

	found
		.infos
		.into_iter()
		.zip(specs)
		.map(|(info, spec)| {
			info.ok_or_else(|| EngineError::MissingTensor { tensor: spec.name.as_str().into() })
		})
		.collect()
}

/// Collects the tensors of a header while it is read.
struct Found<'a> {
	specs: &'a [Spec],
	data_len: usize,
	infos: Vec<Option<TensorInfo>>,
	/// Why reading was given up: serde's own error can't carry it.
	fault: Option<EngineError>,
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

	fn insert(&mut self, name: &str, entry: Entry) -> Result<(), EngineError> {
		let data_len = self.data_len;
		let (spec, info) = self.slot(name)?;
		let tensor = || TensorName::from(name);
		if entry.dtype != Dtype::F32 {
			return Err(EngineError::WrongDtype { tensor: tensor() });
		}
		if entry.shape.0.len() != spec.shape.len() {
			return Err(EngineError::WrongRank {
				tensor: tensor(),
				expected: spec.shape.len() as u32,
				got: entry.shape.0.len() as u32,
			});
		}
		for (axis, (expected, got)) in (0u32..).zip(spec.shape.iter().zip(&entry.shape.0)) {
			if u64::from(*expected) != *got {
				let (expected, got) = (*expected, *got);
				return Err(EngineError::WrongShape { tensor: tensor(), axis, expected, got });
			}
		}
		// In bounds means that both fit `usize`, and that no sum of them overflows.
		let offset = |at: u64| usize::try_from(at).ok().filter(|at| *at <= data_len);
		let (Some(start), Some(end)) = (offset(entry.data_offsets.0), offset(entry.data_offsets.1))
		else {
			return Err(malformed(ArtifactFault::OutOfBounds));
		};
		*info = Some(TensorInfo {
			dtype: entry.dtype,
			shape: spec.shape.iter().map(|size| *size as usize).collect(),
			data_offsets: (start, end),
		});
		Ok(())
	}
}

impl<'de> Visitor<'de> for &mut Found<'_> {
	type Value = ();

	fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("the header of a safetensors file")
	}

	fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
		let mut metadata = false;
		while let Some(name) = map.next_key::<String>()? {
			if name == METADATA_KEY && !metadata {
				metadata = true;
				map.next_value::<IgnoredAny>()?;
				continue;
			}
			// Before the value is read: a stranger's tensor is not worth the memory.
			let read = match self.slot(&name) {
				Ok(_) => self.insert(&name, map.next_value()?),
				Err(fault) => Err(fault),
			};
			if let Err(fault) = read {
				self.fault = Some(fault);
				return Err(A::Error::custom("refused"));
			}
		}
		Ok(())
	}
}

/// A tensor as the header describes it. Plain `u64`s, so that a 32-bit host reads the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
	dtype: Dtype,
	shape: Shape,
	data_offsets: (u64, u64),
}

/// At most [`MAX_RANK`] sizes.
struct Shape(Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		deserializer.deserialize_seq(ShapeVisitor)
	}
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
	type Value = Shape;

	fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "at most {MAX_RANK} sizes")
	}

	fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
		let mut sizes = Vec::with_capacity(MAX_RANK);
		while let Some(size) = seq.next_element()? {
			if sizes.len() == MAX_RANK {
				return Err(A::Error::invalid_length(MAX_RANK, &self));
			}
			sizes.push(size);
		}
		Ok(Shape(sizes))
	}
}
