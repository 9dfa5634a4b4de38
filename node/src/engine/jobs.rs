//! Jobs: answers of models.

use super::{
	artifacts::{Artifacts, Weights},
	desk::{blocking, Desk, GivenUp},
	error::{Stop, Unavailable},
	metrics::{Counted, Metrics},
	models::{Key, Models, Needs},
	teams::{Team, Teams},
	traces,
};
use dodona_engine::{EngineError, Model, ENGINE_VERSION};
use dodona_primitives_inference::{Job, Progress, MAX_OUTPUT_LEN};
use std::{
	ops::ControlFlow,
	sync::Arc,
	time::{Duration, Instant},
};

/// Jobs that are over and remembered.
const REMEMBERED: usize = 256;
/// Tokens that an answer has room for.
const MAX_TOKENS: usize = MAX_OUTPUT_LEN as usize / size_of::<u32>();

/// All jobs.
pub struct Jobs {
	models: Models,
	artifacts: Arc<Artifacts>,
	teams: Arc<Teams>,
	metrics: Metrics,
	desk: Arc<Desk>,
	/// Most memory for a run in dispute, in bytes.
	trace_limit: u64,
}

impl Jobs {
	/// No jobs, and room for `queue` of them; one that nobody asked for during `patience` is given up.
	pub fn new(
		models: Models,
		artifacts: Arc<Artifacts>,
		teams: Arc<Teams>,
		metrics: Metrics,
		queue: usize,
		patience: Duration,
		trace_limit: u64,
	) -> Arc<Self> {
		let desk = Desk::new(metrics.jobs.clone(), queue, REMEMBERED, patience);
		Arc::new(Self { models, artifacts, teams, metrics, desk, trace_limit })
	}

	/// Models in memory.
	pub fn models(&self) -> &Models {
		&self.models
	}

	/// Where jobs are asked for.
	pub fn desk(&self) -> &Desk {
		&self.desk
	}

	/// How far `job` is, once it is over or `wait` has passed. Begins it unless it is known.
	pub async fn answer(self: &Arc<Self>, job: Job, wait: Duration) -> Progress {
		let (id, this) = (job.id(), self.clone());
		let work = |given_up| async move { this.compute(job, given_up).await };
		self.desk.answer(id, wait, work).await
	}

	/// The answer to `job`, the same as the engine gives everywhere.
	async fn compute(self: &Arc<Self>, job: Job, given_up: GivenUp) -> Result<Vec<u8>, Stop> {
		if job.engine != ENGINE_VERSION {
			return Err(Unavailable::Version(job.engine).into());
		}
		job.architecture.validate()?;
		Needs::of(&job).check(self.models.limit())?;
		traces::check(&job, self.trace_limit)?;
		let (key, job) = (Key::of(&job), Arc::new(job));
		let mut repair = false;
		loop {
			let queued = Counted::by(&self.metrics.queued);
			let weights = match self.models.has(&key) && !repair {
				true => None,
				false => Some(self.artifacts.fetch(&job.artifact, repair).await?),
			};
			let team = self.teams.acquire().await.ok_or(Unavailable::Crashed)?;
			drop(queued);
			let (this, job, given_up) = (self.clone(), job.clone(), given_up.clone());
			let outcome = blocking(move || this.run(&team, &job, weights, &given_up)).await;
			match outcome {
				// A chunk on disk is not what it was, or the model made room for another meanwhile.
				Err(Stop::Engine(EngineError::ReadFailed)) if !repair => repair = true,
				outcome => return outcome,
			}
		}
	}

	/// Loads the model unless it is in memory, and runs it.
	fn run(
		&self,
		team: &Team,
		job: &Job,
		weights: Option<Weights>,
		given_up: &GivenUp,
	) -> Result<Vec<u8>, Stop> {
		let given_up = || *given_up.borrow();
		let _computing = Counted::by(&self.metrics.computing);
		let (model, _lease) = self.models.get(job, given_up, || {
			let weights = weights.ok_or(EngineError::ReadFailed)?;
			let load = move || {
				self.artifacts.admit(job, &weights)?;
				Ok::<_, Stop>(Model::load_from(&job.architecture, &[&weights])?)
			};
			team.compute(load)
		})?;
		let start = Instant::now();
		let output = team.compute(|| {
			let mut room = MAX_TOKENS;
			model.run_in_steps(&job.input, &mut |tokens| {
				self.metrics.tokens.inc_by(tokens.len() as u64);
				room = room.saturating_sub(tokens.len());
				match given_up() || room == 0 {
					true => ControlFlow::Break(()),
					false => ControlFlow::Continue(()),
				}
			})
		});
		self.metrics.seconds.inc_by(start.elapsed().as_secs_f64());
		match output? {
			Some(output) if output.len() <= MAX_OUTPUT_LEN as usize => Ok(output),
			None if given_up() => Err(Unavailable::GivenUp.into()),
			_ => Err(Unavailable::OutputTooLong.into()),
		}
	}
}
