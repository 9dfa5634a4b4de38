//! What a worker asks an engine server beside its node, and what that answers.
//!
//! Both travel SCALE-encoded, as `0x`-hex, in JSON-RPC: `engine_answer(job, wait)` waits up to
//! `wait` milliseconds for the end of the job, `engine_trace(question, wait)` for what a party of a
//! dispute over the job asks; `engine_cancel(id)` gives up either.

use crate::{
	player::{Next, Planted},
	EngineError, Input,
};
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
	/// Root over their pages, as the manifest has it.
	pub pages: H256,
	/// The request's input.
	pub input: Input,
}

impl Job {
	/// Identifies the job: equal ones have equal answers.
	pub fn id(&self) -> H256 {
		BlakeTwo256::hash_of(self)
	}
}

/// What a party of a dispute asks about the run of a job, which is recorded for that.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Question {
	/// The job.
	pub job: Job,
	/// A wrong result in its run, for tests.
	pub planted: Option<Planted>,
	/// What is asked.
	pub asks: Asks,
}

impl Question {
	/// Identifies the question.
	pub fn id(&self) -> H256 {
		BlakeTwo256::hash_of(self)
	}

	/// Identifies the run that it is about.
	pub fn run(&self) -> H256 {
		BlakeTwo256::hash_of(&(&self.job, &self.planted))
	}
}

/// What is asked about a run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Asks {
	/// What a party knows of it. The answer is a [`Known`](crate::player::Known).
	#[codec(index = 0)]
	Known,
	/// What it ends in. The answer is an `Option<Vec<u8>>`: the output, or `None` for a fault.
	#[codec(index = 1)]
	End,
	/// What the party says next. The answer is an `Option<Said<Witness, EndWitness>>`, see
	/// [`say`](crate::player::say).
	#[codec(index = 2)]
	Say(Next),
}

/// How far a job or a question is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Progress {
	/// It waits for its turn, or is being computed.
	#[codec(index = 0)]
	Pending,
	/// It is over: the output of a job, or what was asked, SCALE-encoded.
	#[codec(index = 1)]
	Done(Vec<u8>),
	/// The engine refuses weights or input, as it does everywhere.
	#[codec(index = 2)]
	Refused(EngineError),
	/// This server can't compute it now. The reason is for people.
	#[codec(index = 3)]
	Unavailable(String),
	/// The root over the weights' pages is not the job's: no dispute over an answer of theirs could be
	/// decided.
	#[codec(index = 4)]
	OtherPages,
}

#[cfg(test)]
mod tests {
	use super::*;
	use dodona_engine::{golden, trace::Operation};

	#[test]
	fn id_should_differ_when_any_part_of_the_job_does() {
		let (artifact, ..) = ArtifactRef::of(&[1]);
		let (other, ..) = ArtifactRef::of(&[2]);
		let input = |bytes: &[u8]| Input::truncate_from(bytes.to_vec());
		let (architecture, pages) = (golden::mlp(&[2, 1]), H256::repeat_byte(1));
		let job = Job { engine: 1, architecture, artifact, pages, input: input(&[0]) };
		let others = [
			Job { engine: 2, ..job.clone() },
			Job { architecture: golden::mlp(&[1, 1]), ..job.clone() },
			Job { artifact: other, ..job.clone() },
			Job { pages: H256::repeat_byte(2), ..job.clone() },
			Job { input: input(&[1]), ..job.clone() },
		];
		assert!(others.iter().all(|other| other.id() != job.id()));
		assert_eq!(job.clone().id(), job.id());

		let question = |planted, asks| Question { job: job.clone(), planted, asks };
		let planted = Planted { operation: Operation::Product, layer: 0, token: 0 };
		let [known, end] = [Asks::Known, Asks::End].map(|asks| question(None, asks));
		let other = question(Some(planted), Asks::Known);
		assert_ne!(known.id(), end.id());
		assert_ne!(known.id(), other.id());
		assert_eq!(known.run(), end.run());
		assert_ne!(known.run(), other.run());
	}
}
