//! A run in dispute: recorded in this Wasm if it is small, by an engine server if it is not.

use super::{
	artifact::{self, MAX_ARTIFACT},
	engine::{self, Away},
	failures::{Failures, Subject},
	switches, WorkError,
};
use crate::{Config, Inputs};
use alloc::{boxed::Box, string::String, vec::Vec};
use codec::{Decode, DecodeAll};
use dodona_engine::{
	trace::{End, EndWitness, Limits, Program, Trace, Witness},
	Architecture,
};
use dodona_primitives_inference::{
	player::{self, Known, Next, Planted, Said},
	Asks, Job, Output, Progress, Question, RequestId,
};
use dodona_primitives_models::{pages_root, Blake2, Manifest, ModelInspect, VersionId};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::offchain::{Duration, Timestamp};

/// How long the weights of one version may take to arrive.
const FETCH_TIME: Duration = Duration::from_millis(4_000);

/// Most steps and work of a run that is recorded here: a second or two. What is larger is left to
/// the engine server.
pub(crate) const MOST_STEPS: u64 = 100_000;
const MOST_WORK: u64 = 200_000_000;

/// Whether a run on weights of `size` bytes takes too much to be recorded here.
pub(crate) fn is_large(
	program: &Program,
	architecture: &Architecture,
	input: &[u8],
	size: u64,
) -> bool {
	program.steps() > MOST_STEPS || architecture.work(input) > MOST_WORK || size > MAX_ARTIFACT
}

/// What is kept of a run: the memory of this Wasm is small.
const LIMITS: Limits = Limits { hashes: 16 * 1024, states: 8 };

/// A run that is recorded.
pub(crate) enum Run {
	/// In this Wasm.
	Here(Box<Trace<Blake2>>),
	/// By an engine server.
	There(Remote),
}

/// A run that an engine server records.
pub(crate) struct Remote {
	server: String,
	job: Job,
	planted: Option<Planted>,
	/// When nothing is waited for any more.
	until: Timestamp,
}

impl Run {
	/// The run of a request, with a wrong result where one is planted.
	pub fn of<T: Config>(
		id: RequestId,
		version: VersionId,
		planted: Option<Planted>,
		now: BlockNumberFor<T>,
		until: Timestamp,
		failures: &Failures<BlockNumberFor<T>>,
	) -> Result<Self, WorkError> {
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		let manifest = T::Models::manifest(version).ok_or(WorkError::Gone)?;
		let Manifest { engine, architecture, artifact, pages, .. } = manifest;
		let program = Program::new(&architecture, &input).map_err(WorkError::Engine)?;
		if is_large(&program, &architecture, &input, artifact.size) {
			let server = switches::engine().ok_or(WorkError::TooLongToRecord)?;
			let job = Job { engine, architecture, artifact, pages, input };
			return Ok(Self::There(Remote { server, job, planted, until }));
		}
		let weights = Subject::Weights(version);
		if !failures.begin(weights, now) {
			return Err(WorkError::TooEarly(weights));
		}
		let until = sp_io::offchain::timestamp().add(FETCH_TIME);
		let bytes =
			artifact::fetch(&artifact, until).map_err(|error| WorkError::Artifact(error, None))?;
		if pages_root(&bytes) != pages {
			return Err(WorkError::OtherPages);
		}
		failures.worked(weights);
		let fault = planted.and_then(|planted| planted.fault(&program));
		let trace = Trace::record_within(&program, bytes, fault, LIMITS);
		trace.map(Box::new).map(Self::Here).map_err(WorkError::Engine)
	}

	/// What is known of it.
	pub fn known(&self) -> Result<Known, WorkError> {
		match self {
			Self::Here(trace) => player::known(trace).ok_or(WorkError::NoEvidence),
			// It may take minutes, and other disputes have their turn, too.
			Self::There(remote) => remote.ask(Asks::Known, false),
		}
	}

	/// What is said next.
	pub fn say(&self, next: &Next) -> Result<Said<Witness, EndWitness>, WorkError> {
		let said = match self {
			Self::Here(trace) => player::say(trace, next),
			Self::There(remote) => remote.ask(Asks::Say(*next), true)?,
		};
		said.ok_or(WorkError::NoEvidence)
	}

	/// The answer that it ends in.
	pub fn output(&self) -> Result<Output, WorkError> {
		let output: Option<Vec<u8>> = match self {
			Self::Here(trace) => match trace.end().map_err(|_| WorkError::NoEvidence)?.3 {
				End::Output(output) => Some(output),
				End::Fault => None,
			},
			Self::There(remote) => remote.ask(Asks::End, false)?,
		};
		let output = output.ok_or(WorkError::NoEvidence)?;
		Output::try_from(output).map_err(|_| WorkError::OutputTooLong)
	}
}

impl Remote {
	/// What the server says; with `wait`, when it knows it, as far as the time reaches.
	fn ask<R: Decode>(&self, asks: Asks, wait: bool) -> Result<R, WorkError> {
		let question = Question { job: self.job.clone(), planted: self.planted, asks };
		match engine::trace(&self.server, &question, wait, self.until) {
			Ok(Progress::Done(bytes)) => {
				R::decode_all(&mut &bytes[..]).map_err(|_| WorkError::Server(Away::NotUnderstood))
			},
			Ok(Progress::Pending) => Err(WorkError::Computing),
			Ok(Progress::Refused(error)) => Err(WorkError::Engine(error)),
			Ok(Progress::OtherPages) => Err(WorkError::OtherPages),
			Ok(Progress::Unavailable(reason)) => Err(WorkError::Server(Away::Unavailable(reason))),
			Err(away) => Err(WorkError::Server(away)),
		}
	}
}
