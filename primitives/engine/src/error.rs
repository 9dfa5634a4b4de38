//! What can be wrong with a configuration, an artifact or an input.

use alloc::string::String;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Why the engine gives no answer. The same bytes natively and in Wasm.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EngineError {
	/// The engine can't run this configuration.
	#[codec(index = 0)]
	InvalidConfig(ConfigFault),
	/// The input has another length than the architecture takes.
	#[codec(index = 1)]
	WrongInputLength {
		/// What the architecture takes, in bytes.
		expected: u32,
		/// What the input has, in bytes.
		got: u32,
	},
	/// A value of the input is infinite or not a number.
	#[codec(index = 2)]
	NonFiniteInput {
		/// Position of the first such value.
		at: u32,
	},
	/// The artifact is not a sound safetensors file.
	#[codec(index = 3)]
	MalformedArtifact(ArtifactFault),
	/// The artifact names a tensor twice.
	#[codec(index = 4)]
	DuplicateTensor {
		/// The tensor.
		tensor: TensorName,
	},
	/// The artifact lacks a tensor of the architecture.
	#[codec(index = 5)]
	MissingTensor {
		/// The tensor.
		tensor: TensorName,
	},
	/// The artifact has a tensor that the architecture does not know.
	#[codec(index = 6)]
	UnexpectedTensor {
		/// The tensor.
		tensor: TensorName,
	},
	/// The elements of a tensor are not `F32`.
	#[codec(index = 7)]
	WrongDtype {
		/// The tensor.
		tensor: TensorName,
	},
	/// A tensor has another number of dimensions than the architecture says.
	#[codec(index = 8)]
	WrongRank {
		/// The tensor.
		tensor: TensorName,
		/// What the architecture says.
		expected: u32,
		/// What the tensor has.
		got: u32,
	},
	/// A tensor has another size along an axis than the architecture says.
	#[codec(index = 9)]
	WrongShape {
		/// The tensor.
		tensor: TensorName,
		/// The first axis that differs.
		axis: u32,
		/// What the architecture says.
		expected: u32,
		/// What the tensor has.
		got: u64,
	},
	/// A weight is infinite or not a number.
	#[codec(index = 10)]
	NonFiniteWeight {
		/// The tensor.
		tensor: TensorName,
		/// Position of the first such value, in the file's order.
		at: u32,
	},
	/// A layer's result is infinite or not a number.
	#[codec(index = 11)]
	NonFiniteResult {
		/// The first such layer.
		layer: u32,
	},
	/// This build does not compute what the semantics say.
	#[codec(index = 12)]
	SelfTestFailed {
		/// The first golden case that differs.
		case: u32,
	},
	/// The tensor library gave something back that it was not asked for.
	#[codec(index = 13)]
	Backend,
}

/// What is wrong with a configuration.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ConfigFault {
	/// There is no layer: fewer than two widths.
	#[codec(index = 0)]
	TooFewWidths {
		/// Widths given.
		got: u32,
	},
	/// A width is out of bounds.
	#[codec(index = 1)]
	WidthOutOfBounds {
		/// Position of the first such width.
		at: u32,
		/// The width.
		got: u32,
		/// The largest that is allowed there; the smallest is 1.
		most: u32,
	},
	/// There are too many parameters in total.
	#[codec(index = 2)]
	TooManyParameters {
		/// The most that are allowed.
		most: u32,
	},
}

/// What is wrong with a safetensors file.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ArtifactFault {
	/// The file is too short to say how long its header is.
	#[codec(index = 0)]
	TooShort,
	/// The file says that its header is longer than the engine reads.
	#[codec(index = 1)]
	HeaderTooLong {
		/// What the file says, in bytes.
		got: u64,
		/// The most that the engine reads, in bytes.
		most: u32,
	},
	/// The file ends before its header does.
	#[codec(index = 2)]
	HeaderCutOff,
	/// The header is not JSON of the right form.
	#[codec(index = 3)]
	InvalidHeader,
	/// A tensor ends behind the end of the file.
	#[codec(index = 4)]
	OutOfBounds,
	/// The tensors overlap, leave holes, or are not as long as their shapes say.
	#[codec(index = 5)]
	InconsistentOffsets,
	/// Bytes follow the last tensor.
	#[codec(index = 6)]
	TrailingBytes,
}

/// A tensor's name, cut after 64 bytes.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TensorName(pub BoundedVec<u8, ConstU32<64>>);

impl From<&str> for TensorName {
	fn from(name: &str) -> Self {
		Self(BoundedVec::truncate_from(name.as_bytes().to_vec()))
	}
}

impl fmt::Display for TensorName {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		// A name comes out of a stranger's file: nothing that a terminal would obey.
		write!(f, "`{}`", String::from_utf8_lossy(&self.0).escape_debug())
	}
}

impl fmt::Display for EngineError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::InvalidConfig(fault) => write!(f, "invalid configuration: {fault}"),
			Self::WrongInputLength { expected, got } => {
				write!(f, "the input has {got} bytes, the model takes {expected}")
			},
			Self::NonFiniteInput { at } => {
				write!(f, "value {at} of the input is infinite or not a number")
			},
			Self::MalformedArtifact(fault) => write!(f, "malformed safetensors file: {fault}"),
			Self::DuplicateTensor { tensor } => write!(f, "tensor {tensor} is there twice"),
			Self::MissingTensor { tensor } => write!(f, "tensor {tensor} is missing"),
			Self::UnexpectedTensor { tensor } => {
				write!(f, "tensor {tensor} is not part of the architecture")
			},
			Self::WrongDtype { tensor } => write!(f, "tensor {tensor} is not of type F32"),
			Self::WrongRank { tensor, expected, got } => {
				write!(f, "tensor {tensor} has {got} dimensions instead of {expected}")
			},
			Self::WrongShape { tensor, axis, expected, got } => {
				write!(f, "tensor {tensor} has size {got} instead of {expected} along axis {axis}")
			},
			Self::NonFiniteWeight { tensor, at } => {
				write!(f, "value {at} of tensor {tensor} is infinite or not a number")
			},
			Self::NonFiniteResult { layer } => {
				write!(f, "the result of layer {layer} is infinite or not a number")
			},
			Self::SelfTestFailed { case } => write!(
				f,
				"this build's arithmetic differs from the semantics (golden case {case}); \
				 its answers would be wrong"
			),
			Self::Backend => write!(f, "the tensor library failed"),
		}
	}
}

impl fmt::Display for ConfigFault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::TooFewWidths { got } => write!(f, "{got} widths given, at least 2 are needed"),
			Self::WidthOutOfBounds { at, got, most } => {
				write!(f, "width {at} is {got}, not within 1 and {most}")
			},
			Self::TooManyParameters { most } => write!(f, "more than {most} parameters"),
		}
	}
}

impl fmt::Display for ArtifactFault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::TooShort => write!(f, "shorter than 8 bytes"),
			Self::HeaderTooLong { got, most } => {
				write!(f, "a header of {got} bytes, {most} are allowed")
			},
			Self::HeaderCutOff => write!(f, "it ends within its header"),
			Self::InvalidHeader => write!(f, "its header can't be read"),
			Self::OutOfBounds => write!(f, "a tensor ends behind the end of the file"),
			Self::InconsistentOffsets => {
				write!(f, "its tensors overlap, leave holes or contradict their shapes")
			},
			Self::TrailingBytes => write!(f, "bytes follow its last tensor"),
		}
	}
}

impl core::error::Error for EngineError {}
impl core::error::Error for ConfigFault {}
impl core::error::Error for ArtifactFault {}
