//! What a version shows before it is approved: that it is what it claims, and that it is better.

use crate::Input;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::is_leaf;
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};
use sp_runtime::{
	traits::{BlakeTwo256, Hash},
	Perbill,
};

/// Most samples that one evaluation takes.
pub const MAX_EVALUATED: u32 = 64;
/// Most samples that one extrinsic reveals.
pub const MAX_REVEALED: u32 = 8;
/// Most samples of a hold-out set.
pub const MAX_SAMPLES: u32 = 1 << 20;

/// Questions that a model's versions are measured by, committed to before anyone sees them.
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
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct HoldOut {
	/// Binary Merkle root (`binary-merkle-tree`, blake2-256) over the hashes of the encoded samples.
	pub root: H256,
	/// How many samples there are.
	pub samples: u32,
	/// How an answer is measured.
	pub metric: Metric,
	/// How many samples an evaluation takes. They are used up by it.
	pub per_evaluation: u32,
	/// By how much a version has to score higher than the one in use.
	pub margin: Perbill,
	/// Samples that are used up.
	pub used: u32,
}

/// How one answer is measured, from 0 to 1.
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
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Metric {
	/// 1 if the largest of the output's 32-bit floats has the number that is expected (a
	/// little-endian `u32`); of equal ones the first.
	#[codec(index = 0)]
	Accuracy,
	/// The part of the expected tokens (little-endian `u32`s) that the output has at the same place.
	#[codec(index = 1)]
	TokenAccuracy,
}

/// What is expected of an answer: a number, or tokens.
pub type Expected = BoundedVec<u8, ConstU32<1024>>;

/// A question of a hold-out set.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Sample {
	/// The question.
	pub input: Input,
	/// What is expected of the answer.
	pub expected: Expected,
	/// Keeps a small set of possible questions from being guessed out of the root.
	pub salt: [u8; 16],
}

/// A sample, shown to be of the set.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RevealedSample {
	/// The sample.
	pub sample: Sample,
	/// Hashes on the way to the root.
	pub proof: BoundedVec<H256, ConstU32<20>>,
}

impl Sample {
	/// Its leaf in the tree.
	pub fn hash(&self) -> H256 {
		BlakeTwo256::hash_of(self)
	}
}

impl RevealedSample {
	/// Whether it is the one at `index` of the set.
	pub fn is_at(&self, hold_out: &HoldOut, index: u32) -> bool {
		is_leaf(hold_out.root, hold_out.samples, index, self.sample.hash(), &self.proof)
	}
}

/// Whether a version reproduces the answers that it claims.
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
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Admission {
	/// Committees are being asked.
	#[codec(index = 0)]
	Asked {
		/// Questions without an answer yet.
		pending: u32,
		/// Whether one of them ended without an answer.
		incomplete: bool,
	},
	/// It does.
	#[codec(index = 1)]
	Reproduced,
	/// It does not.
	#[codec(index = 2)]
	Contradicted {
		/// The request whose answer is another than was claimed.
		request: crate::RequestId,
	},
	/// A question ended without an answer: it may be asked again.
	#[codec(index = 3)]
	Unanswered,
}

/// How a version did beside the one in use, over the same samples.
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
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Evaluation {
	/// Number of the version that it was compared with.
	pub against: u32,
	/// The first sample's place in the set.
	pub first: u32,
	/// Samples revealed so far.
	pub revealed: u32,
	/// Samples that it takes.
	pub samples: u32,
	/// Answers that are not there yet, of both versions.
	pub pending: u32,
	/// Sum of the version's measures.
	pub candidate: u64,
	/// Sum of the other's.
	pub active: u64,
	/// How far it is.
	pub stage: Stage,
}

/// How far an evaluation is.
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
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Stage {
	/// Samples are revealed and answered.
	#[codec(index = 0)]
	Running,
	/// All is answered.
	#[codec(index = 1)]
	Scored {
		/// The version's mean.
		candidate: Perbill,
		/// The other's mean.
		active: Perbill,
	},
	/// A question ended without an answer. It may begin again, with other samples.
	#[codec(index = 2)]
	Unanswered,
}
