//! What a worker asks an engine server beside its node, and what that answers.
//!
//! Both travel SCALE-encoded, as `0x`-hex, in JSON-RPC: `engine_answer(job, wait)` waits up to
//! `wait` milliseconds for the end of the job, `engine_cancel(id)` gives it up.

use crate::{EngineError, Input};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use dodona_primitives_models::{Architecture, ArtifactRef};
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash};

/// Everything that decides an answer. Asking for the same job again is asking for its progress.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Job {
	/// Version of the engine's semantics, `ENGINE_VERSION`: a server with another refuses.
	pub engine: u16,
	/// What is computed.
	pub architecture: Architecture,
	/// The weights.
	pub artifact: ArtifactRef,
	/// The request's input.
	pub input: Input,
}

impl Job {
	/// Identifies the job: equal ones have equal answers.
	pub fn id(&self) -> H256 {
		BlakeTwo256::hash_of(self)
	}
}

/// How far a job is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Progress {
	/// It waits for its turn, or is being computed.
	#[codec(index = 0)]
	Pending,
	/// It is over.
	#[codec(index = 1)]
	Done(Vec<u8>),
	/// The engine refuses weights or input, as it does everywhere.
	#[codec(index = 2)]
	Refused(EngineError),
	/// This server can't compute it now. The reason is for people.
	#[codec(index = 3)]
	Unavailable(String),
}

#[cfg(test)]
mod tests {
	use super::*;
	use dodona_engine::golden;

	#[test]
	fn id_should_differ_when_any_part_of_the_job_does() {
		let (artifact, ..) = ArtifactRef::of(&[1]);
		let (other, ..) = ArtifactRef::of(&[2]);
		let input = |bytes: &[u8]| Input::truncate_from(bytes.to_vec());
		let job =
			Job { engine: 1, architecture: golden::mlp(&[2, 1]), artifact, input: input(&[0]) };
		let others = [
			Job { engine: 2, ..job.clone() },
			Job { architecture: golden::mlp(&[1, 1]), ..job.clone() },
			Job { artifact: other, ..job.clone() },
			Job { input: input(&[1]), ..job.clone() },
		];
		assert!(others.iter().all(|other| other.id() != job.id()));
		assert_eq!(job.clone().id(), job.id());
	}
}
