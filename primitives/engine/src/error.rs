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
	/// The elements of a tensor are of another type than the architecture takes.
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
	/// A file of the artifact can't be read.
	#[codec(index = 14)]
	ReadFailed,
	/// The input is not what the architecture takes.
	#[codec(index = 15)]
	InvalidInput(InputFault),
	/// A saved state is not one of this model's.
	#[codec(index = 16)]
	InvalidState,
	/// There is not enough memory.
	#[codec(index = 17)]
	OutOfMemory,
}

impl From<ArtifactFault> for EngineError {
	fn from(fault: ArtifactFault) -> Self {
		Self::MalformedArtifact(fault)
	}
}

impl From<ConfigFault> for EngineError {
	fn from(fault: ConfigFault) -> Self {
		Self::InvalidConfig(fault)
	}
}

impl From<InputFault> for EngineError {
	fn from(fault: InputFault) -> Self {
		Self::InvalidInput(fault)
	}
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
	/// A number is out of bounds.
	#[codec(index = 3)]
	OutOfBounds {
		/// Which.
		field: Field,
		/// What it is.
		got: u32,
		/// The least that is allowed.
		least: u32,
		/// The most that is allowed.
		most: u32,
	},
	/// A real number is not one that the engine can compute with.
	#[codec(index = 4)]
	UnsoundReal {
		/// Which.
		field: Field,
	},
	/// A number is not a multiple of another.
	#[codec(index = 5)]
	NotAMultiple {
		/// Which.
		field: Field,
		/// Its value.
		got: u32,
		/// What it has to be a multiple of.
		of: u32,
	},
	/// A layer can't follow the one before it.
	#[codec(index = 6)]
	ImpossibleLayer {
		/// Position of the first such layer.
		at: u32,
	},
	/// The architecture has no such numeric class.
	#[codec(index = 7)]
	NoSuchClass,
}

/// A part of a configuration.
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
pub enum Field {
	/// Number of tokens that there are.
	#[codec(index = 0)]
	Vocabulary,
	/// Width of the residual stream.
	#[codec(index = 1)]
	Hidden,
	/// Width within a feed-forward block.
	#[codec(index = 2)]
	Intermediate,
	/// Number of layers.
	#[codec(index = 3)]
	Layers,
	/// Number of attention's heads.
	#[codec(index = 4)]
	Heads,
	/// Number of attention's heads of keys and values.
	#[codec(index = 5)]
	KvHeads,
	/// Width of a head.
	#[codec(index = 6)]
	HeadDim,
	/// Width of all heads together.
	#[codec(index = 7)]
	AttentionWidth,
	/// Number of positions.
	#[codec(index = 8)]
	Positions,
	/// A token that ends a generation.
	#[codec(index = 9)]
	StopToken,
	/// The base of the rotary embedding's frequencies.
	#[codec(index = 10)]
	RopeTheta,
	/// A number of the rotary embedding's scaling.
	#[codec(index = 11)]
	RopeScaling,
	/// What a norm adds to the variance.
	#[codec(index = 12)]
	NormEps,
	/// Number of token types.
	#[codec(index = 13)]
	TokenTypes,
	/// Number of an image's values.
	#[codec(index = 14)]
	Image,
	/// Number of values after a layer.
	#[codec(index = 15)]
	Values,
	/// Number of values that a sum runs over.
	#[codec(index = 16)]
	Window,
	/// Number of an output's values.
	#[codec(index = 17)]
	Outputs,
}

/// What is wrong with an input.
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
pub enum InputFault {
	/// The bytes are not an encoded input.
	#[codec(index = 0)]
	Undecodable,
	/// There is no token.
	#[codec(index = 1)]
	NoToken,
	/// A token is not in the vocabulary.
	#[codec(index = 2)]
	UnknownToken {
		/// Position of the first such token.
		at: u32,
		/// The token.
		token: u32,
	},
	/// The tokens, with those to be generated, are more than the model has positions for.
	#[codec(index = 3)]
	TooManyTokens {
		/// How many they are.
		got: u32,
		/// The most that are allowed.
		most: u32,
	},
	/// No token is to be generated.
	#[codec(index = 4)]
	NothingToGenerate,
	/// The temperature is not within its bounds.
	#[codec(index = 5)]
	Temperature,
	/// `top_p` is not above 0 and at most 1.
	#[codec(index = 6)]
	TopP,
	/// There are too many stop tokens.
	#[codec(index = 7)]
	TooManyStopTokens {
		/// How many they are.
		got: u32,
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
	/// There are too many files.
	#[codec(index = 7)]
	TooManyFiles {
		/// The most that are allowed.
		most: u32,
	},
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
			Self::WrongDtype { tensor } => {
				write!(f, "tensor {tensor} has elements of another type than the model")
			},
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
			Self::ReadFailed => write!(f, "a file of the artifact can't be read"),
			Self::InvalidInput(fault) => write!(f, "invalid input: {fault}"),
			Self::InvalidState => write!(f, "the saved state is not one of this model's"),
			Self::OutOfMemory => write!(f, "there is not enough memory"),
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
			Self::OutOfBounds { field, got, least, most } => {
				write!(f, "{field} is {got}, not within {least} and {most}")
			},
			Self::UnsoundReal { field } => {
				write!(f, "{field} is not a number that the engine can compute with")
			},
			Self::NotAMultiple { field, got, of } => {
				write!(f, "{field} is {got}, not a multiple of {of}")
			},
			Self::ImpossibleLayer { at } => {
				write!(f, "layer {at} can't follow what is before it")
			},
			Self::NoSuchClass => write!(f, "the architecture has no such numeric class"),
		}
	}
}

impl fmt::Display for Field {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Vocabulary => "the size of the vocabulary",
			Self::Hidden => "the hidden size",
			Self::Intermediate => "the intermediate size",
			Self::Layers => "the number of layers",
			Self::Heads => "the number of heads",
			Self::KvHeads => "the number of heads of keys and values",
			Self::HeadDim => "the size of a head",
			Self::AttentionWidth => "the size of all heads together",
			Self::Positions => "the number of positions",
			Self::StopToken => "a stop token",
			Self::RopeTheta => "the base of the rotary embedding",
			Self::RopeScaling => "the scaling of the rotary embedding",
			Self::NormEps => "the epsilon of the norms",
			Self::TokenTypes => "the number of token types",
			Self::Image => "the number of an image's values",
			Self::Values => "the number of values after a layer",
			Self::Window => "the number of values that a sum runs over",
			Self::Outputs => "the number of an output's values",
		})
	}
}

impl fmt::Display for InputFault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Undecodable => write!(f, "it is not encoded as the architecture takes it"),
			Self::NoToken => write!(f, "there is no token"),
			Self::UnknownToken { at, token } => {
				write!(f, "token {at}, {token}, is not in the vocabulary")
			},
			Self::TooManyTokens { got, most } => {
				write!(f, "{got} tokens with those to be generated, the model has room for {most}")
			},
			Self::NothingToGenerate => write!(f, "no token is to be generated"),
			Self::Temperature => write!(f, "the temperature is not within its bounds"),
			Self::TopP => write!(f, "top-p is not above 0 and at most 1"),
			Self::TooManyStopTokens { got, most } => {
				write!(f, "{got} stop tokens, {most} are allowed")
			},
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
			Self::TooManyFiles { most } => write!(f, "more than {most} files"),
		}
	}
}

impl core::error::Error for EngineError {}
impl core::error::Error for ConfigFault {}
impl core::error::Error for ArtifactFault {}
impl core::error::Error for InputFault {}
