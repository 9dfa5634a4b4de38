//! The header of a safetensors file, read one tensor at a time.

use crate::{ArtifactFault, EngineError};
use alloc::{string::String, vec::Vec};
use core::fmt;
use safetensors::Dtype;
use serde::{
	de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
	Deserialize, Deserializer,
};

/// Most dimensions of a tensor that are read.
pub const MAX_RANK: usize = 4;

/// Bytes that say how long the header is.
pub(super) const LEN_SIZE: usize = 8;

/// The key in the header that is not a tensor.
const METADATA_KEY: &str = "__metadata__";

/// Takes the tensors of a header while it is read.
pub(super) trait Collect {
	/// Refuses a tensor by its name, before anything else of it is read: a stranger's tensor is not
	/// worth the memory.
	fn admit(&mut self, name: &str) -> Result<(), EngineError>;

	/// Takes a tensor that was admitted.
	fn insert(&mut self, name: String, entry: Entry) -> Result<(), EngineError>;
}

/// A tensor as the header describes it. Plain `u64`s, so that a 32-bit host reads the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
	pub dtype: Dtype,
	pub shape: Shape,
	pub data_offsets: (u64, u64),
}

/// The length of a header that may have `most` bytes, out of the bytes in front of it.
pub(super) fn len(bytes: [u8; LEN_SIZE], most: u32) -> Result<u32, EngineError> {
	let got = u64::from_le_bytes(bytes);
	u32::try_from(got)
		.ok()
		.filter(|len| *len <= most)
		.ok_or(ArtifactFault::HeaderTooLong { got, most }.into())
}

/// Gives every tensor in `header` to `collect`.
pub(super) fn parse(header: &[u8], collect: &mut impl Collect) -> Result<(), EngineError> {
	let mut visitor = Header { collect, fault: None };
	let mut json = serde_json::Deserializer::from_slice(header);
	let read = (&mut json).deserialize_map(&mut visitor).and_then(|()| json.end());
	if let Some(fault) = visitor.fault {
		return Err(fault);
	}
	read.map_err(|_| ArtifactFault::InvalidHeader.into())
}

struct Header<'a, C> {
	collect: &'a mut C,
	/// Why reading was given up: serde's own error can't carry it.
	fault: Option<EngineError>,
}

impl<'de, C: Collect> Visitor<'de> for &mut Header<'_, C> {
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
			let read = match self.collect.admit(&name) {
				Ok(()) => self.collect.insert(name, map.next_value()?),
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

/// At most [`MAX_RANK`] sizes.
pub(super) struct Shape(pub Vec<u64>);

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
