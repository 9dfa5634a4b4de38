//! Where the answers of one run come from: an engine server beside the node, where there is one,
//! or the engine in this Wasm.

use super::{
	artifact::{self, MAX_ARTIFACT},
	engine::{self, Away},
	failures::{Failures, Subject},
	models::Models,
	runs::is_large,
	switches, Task, WorkError,
};
use crate::{Config, Inputs, LOG_TARGET};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use dodona_engine::{
	trace::{self, Program},
	Model,
};
use dodona_primitives_inference::{Input, Job, Output, Progress};
use dodona_primitives_models::{pages_root, Manifest, ModelInspect};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
	offchain::{Duration, Timestamp},
	traits::Saturating,
};

/// How long the weights of one version may take to arrive.
const FETCH_TIME: Duration = Duration::from_millis(4_000);

/// How many blocks before the last one the Wasm helps an engine server that is not done.
const LAST_BLOCKS: u32 = 2;

/// Most work for which it does, in multiply-accumulates: a tenth of a second. More would take the
/// processor from the server just when it has no time to lose.
const QUICK: u64 = 100_000_000;

/// Where the answer to a question stands.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
	/// It is known.
	Known(Output),
	/// The engine server computes it.
	Pending,
	/// It is left to the Wasm: there is no engine server, or it does not help.
	Own(Option<Away>),
}

/// The computations of one run, and what they share.
pub(crate) struct Computer<T: Config> {
	now: BlockNumberFor<T>,
	/// When no new computation is begun, and nothing is waited for.
	until: Timestamp,
	/// By question: the hot keys of one node ask it once.
	standings: BTreeMap<H256, Standing>,
	/// The engine server's address, or why it is not asked in this run.
	server: Result<String, Option<Away>>,
	models: Models,
	failures: Failures<BlockNumberFor<T>>,
}

impl<T: Config> Computer<T> {
	pub fn new(
		now: BlockNumberFor<T>,
		until: Timestamp,
		failures: Failures<BlockNumberFor<T>>,
	) -> Self {
		let server = switches::engine().ok_or(None);
		let (standings, models) = (BTreeMap::new(), Models::default());
		Self { now, until, standings, server, models, failures }
	}

	/// Asks the engine server, unless it is known where the answer stands. With `wait`, asks again
	/// for what it is computing, and waits for it while there is time.
	pub fn ask(
		&mut self,
		task: &Task<BlockNumberFor<T>>,
		wait: bool,
	) -> Result<Standing, WorkError> {
		let subject = task.seat.subject;
		match self.standings.get(&subject) {
			Some(Standing::Pending) if wait => (),
			Some(standing) => return Ok(standing.clone()),
			None => (),
		}
		let server = match &self.server {
			Ok(address) => address,
			Err(away) => return Ok(Standing::Own(away.clone())),
		};
		let answer = Subject::Answer(subject);
		if self.failures.is_early(answer, self.now) {
			return Err(WorkError::TooEarly(answer));
		}
		let (manifest, input) = Self::question(task)?;
		let Manifest { engine, architecture, artifact, pages, .. } = manifest;
		let job = Job { engine, architecture, artifact, pages, input };
		if self.is_over() {
			return if wait { Ok(Standing::Pending) } else { Err(WorkError::OutOfTime) };
		}
		let standing = match engine::answer(server, &job, wait, self.until) {
			Ok(Progress::Pending) => Standing::Pending,
			Ok(Progress::Done(output)) => match Output::try_from(output) {
				Ok(output) => {
					self.failures.worked(answer);
					Standing::Known(output)
				},
				Err(_) => return Err(self.failed(answer, WorkError::OutputTooLong)),
			},
			Ok(Progress::Refused(error)) => {
				return Err(self.failed(answer, WorkError::Engine(error)))
			},
			Ok(Progress::OtherPages) => return Err(self.failed(answer, WorkError::OtherPages)),
			Ok(Progress::Unavailable(reason)) => self.left_by(Away::Unavailable(reason)),
			Err(away) => self.left_by(away),
		};
		self.standings.insert(subject, standing.clone());
		Ok(standing)
	}

	/// Waits for an answer of the engine server.
	pub fn wait_for(&mut self, task: &Task<BlockNumberFor<T>>) -> Result<Output, WorkError> {
		match self.ask(task, true)? {
			Standing::Known(output) => Ok(output),
			Standing::Pending => Err(WorkError::Computing),
			Standing::Own(_) => self.compute(task),
		}
	}

	/// Whether the Wasm has to compute what the engine server should have done by now: a small
	/// model must not lose its seat because the server has a queue of large ones.
	pub fn has_to_help(&self, task: &Task<BlockNumberFor<T>>) -> bool {
		task.last.saturating_sub(self.now) <= LAST_BLOCKS.into()
			&& Self::question(task).is_ok_and(|(manifest, input)| {
				manifest.artifact.size <= MAX_ARTIFACT
					&& manifest.architecture.work(&input) <= QUICK
			})
	}

	/// Computes an answer here: fetches and checks the weights, and runs the engine on them.
	pub fn compute(&mut self, task: &Task<BlockNumberFor<T>>) -> Result<Output, WorkError> {
		let subject = task.seat.subject;
		let away = match self.standings.get(&subject) {
			Some(Standing::Known(output)) => return Ok(output.clone()),
			Some(Standing::Own(away)) => away.clone(),
			_ => self.server.clone().err().flatten(),
		};
		if self.is_over() {
			return Err(WorkError::OutOfTime);
		}
		let Self { now, standings, server, models, failures, .. } = self;
		// By itself: what one input does to a model says nothing of its other inputs.
		let answer = Subject::Answer(subject);
		if failures.is_early(answer, *now) {
			return Err(WorkError::TooEarly(answer));
		}
		let input = Inputs::<T>::get(task.seat.request).ok_or(WorkError::Gone)?;
		// What nobody here could record for a dispute is not said.
		let is_alone = *server == Err(None) || matches!(away, Some(Away::Unavailable(_)));
		if is_alone {
			let manifest = T::Models::manifest(task.version).ok_or(WorkError::Gone)?;
			let Manifest { architecture, artifact, .. } = &manifest;
			let program = Program::new(architecture, &input).map_err(WorkError::Engine)?;
			if is_large(&program, architecture, &input, artifact.size) {
				return Err(WorkError::TooLongToRecord);
			}
		}
		let model = models.get(task.version, || {
			let manifest = T::Models::manifest(task.version).ok_or(WorkError::Gone)?;
			let weights = Subject::Weights(task.version);
			if !failures.begin(weights, *now) {
				return Err(WorkError::TooEarly(weights));
			}
			let until = sp_io::offchain::timestamp().add(FETCH_TIME);
			let bytes = artifact::fetch(&manifest.artifact, until)
				.map_err(|error| WorkError::Artifact(error, away))?;
			// What nobody could decide a dispute with, nobody should answer with.
			if pages_root(&bytes) != manifest.pages {
				return Err(WorkError::OtherPages);
			}
			trace::check(&manifest.architecture, &bytes).map_err(WorkError::Engine)?;
			let model = Model::load(&manifest.architecture, &bytes).map_err(WorkError::Engine)?;
			failures.worked(weights);
			Ok(model)
		})?;
		if !failures.begin(answer, *now) {
			return Err(WorkError::TooEarly(answer));
		}
		let output = model.run(&input).map_err(WorkError::Engine)?;
		let output = Output::try_from(output).map_err(|_| WorkError::OutputTooLong)?;
		failures.worked(answer);
		standings.insert(subject, Standing::Known(output.clone()));
		Ok(output)
	}

	/// What failed before.
	pub fn failures(&self) -> Vec<Subject> {
		self.failures.subjects()
	}

	/// Whether the time of this run is up.
	fn is_over(&self) -> bool {
		sp_io::offchain::timestamp() >= self.until
	}

	/// What is asked, and of what.
	fn question(
		task: &Task<BlockNumberFor<T>>,
	) -> Result<(Manifest<<T::Models as ModelInspect>::Balance>, Input), WorkError> {
		let manifest = T::Models::manifest(task.version).ok_or(WorkError::Gone)?;
		let input = Inputs::<T>::get(task.seat.request).ok_or(WorkError::Gone)?;
		Ok((manifest, input))
	}

	/// Remembers that the engine server has no answer and never will.
	fn failed(&self, answer: Subject, error: WorkError) -> WorkError {
		self.failures.begin(answer, self.now);
		error
	}

	/// The engine server does not help. If asking it takes time, it is not asked again in this run.
	fn left_by(&mut self, away: Away) -> Standing {
		log::debug!(target: LOG_TARGET, "{away}; its question is left to the Wasm");
		if away.takes_time() {
			self.server = Err(Some(away.clone()));
		}
		Standing::Own(Some(away))
	}
}
