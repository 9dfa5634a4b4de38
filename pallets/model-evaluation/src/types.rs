//! What is kept of admissions and evaluations in course.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_inference::{Evaluation, Expected, HoldOut, Metric};
use dodona_primitives_models::VersionId;
use scale_info::TypeInfo;
use sp_core::H256;

/// The record of a hold-out set in a runtime.
pub type HoldOutSetOf<T> = HoldOutSet<<T as frame_system::Config>::AccountId>;

/// A hold-out set of a model.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct HoldOutSet<AccountId> {
	/// Which of the model's sets it is, from 1.
	pub number: u32,
	/// Who reveals its samples, and nobody else.
	pub revealer: AccountId,
	/// The set.
	pub hold_out: HoldOut,
}

/// An evaluation with what it was begun under.
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
pub struct Course {
	/// The number of the hold-out set.
	pub set: u32,
	/// The set's metric.
	pub metric: Metric,
	/// How far it is.
	pub evaluation: Evaluation,
}

impl Course {
	/// What tells this evaluation from others of the same version: a set's samples are used once.
	pub fn run(&self) -> (u32, u32) {
		(self.set, self.evaluation.first)
	}
}

/// What a request is for.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Question {
	/// To see whether a version reproduces an answer.
	#[codec(index = 0)]
	Known {
		/// The version.
		version: VersionId,
		/// Hash of the output that it claims.
		outcome: H256,
	},
	/// To measure a version, or the one in use beside it.
	#[codec(index = 1)]
	Sample {
		/// The version that waits for approval.
		version: VersionId,
		/// Which of its evaluations: see [`Course::run`].
		run: (u32, u32),
		/// Whether that version answers, and not the one in use.
		candidate: bool,
		/// What is expected of the answer.
		expected: Expected,
	},
}
