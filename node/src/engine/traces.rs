//! Runs in dispute: each is recorded once, and kept while there is room, for what parties ask.

use super::{
	artifacts::{Artifacts, Weights},
	desk::{blocking, Desk, GivenUp},
	error::{StartError, Stop, Unavailable},
	metrics::{Counted, Metrics},
	teams::{Team, Teams},
};
use codec::Encode;
use dodona_engine::{
	trace::{Blake, End, Limits, Program, Trace},
	EngineError, ENGINE_VERSION,
};
use dodona_primitives_inference::{player, Asks, Job, Progress, Question};
use parking_lot::Mutex;
use sp_core::H256;
use std::{
	ops::ControlFlow,
	sync::Arc,
	thread,
	time::{Duration, Instant},
};

/// Questions that are not over, and that are remembered: an answer may have half a megabyte.
const QUEUE: usize = 32;
const REMEMBERED: usize = 32;
/// While answers are computed, recording works so long, and rests so long: they go first.
const WORK: Duration = Duration::from_millis(20);
const REST: Duration = Duration::from_millis(60);
/// What a page of memory takes with its hash and its part of the tree above it.
const PAGE_BYTES: u64 = 1280;
/// What a hash takes with its part of the tree above it.
const HASH_BYTES: u64 = 64;
/// States of memory beside those that are kept: while recording, in the end, and while telling.
const MORE_STATES: u64 = 3;

type Recorded = Trace<Blake>;

/// Runs that are recorded.
pub struct Traces {
	artifacts: Arc<Artifacts>,
	metrics: Metrics,
	desk: Arc<Desk>,
	/// A thread that records one run at a time.
	recorder: Arc<Teams>,
	/// A thread that says what parties ask, so that nobody waits for another run's recording.
	teller: Arc<Teams>,
	/// Most memory for them, in bytes.
	limit: u64,
	/// The one used last at the end.
	kept: Mutex<Vec<Kept>>,
}

struct Kept {
	run: H256,
	trace: Arc<Recorded>,
	/// What it takes at most.
	bytes: u64,
}

/// A run to be recorded.
struct Run {
	id: H256,
	question: Question,
	program: Program,
	limits: Limits,
	bytes: u64,
}

impl Traces {
	/// No runs, and room for `limit` bytes of them. Its threads pass `self_test` first. A question that
	/// nobody asked in `patience` is given up, and so is the recording that it waits for.
	pub fn new(
		artifacts: Arc<Artifacts>,
		metrics: Metrics,
		limit: u64,
		patience: Duration,
		self_test: fn() -> Result<(), EngineError>,
	) -> Result<Arc<Self>, StartError> {
		let desk = Desk::new(metrics.questions.clone(), QUEUE, REMEMBERED, patience);
		let (recorder, teller) = (Teams::new(1, 1, self_test)?, Teams::new(1, 1, self_test)?);
		let kept = Mutex::default();
		Ok(Arc::new(Self { artifacts, metrics, desk, recorder, teller, limit, kept }))
	}

	/// Where questions are asked.
	pub fn desk(&self) -> &Desk {
		&self.desk
	}

	/// How far `question` is, once it is over or `wait` has passed. Begins to record the run unless it
	/// is known.
	pub async fn answer(self: &Arc<Self>, question: Question, wait: Duration) -> Progress {
		let (id, this) = (question.id(), self.clone());
		let work = |given_up| async move { this.tell(question, given_up).await };
		self.desk.answer(id, wait, work).await
	}

	/// What is asked, SCALE-encoded.
	async fn tell(
		self: &Arc<Self>,
		question: Question,
		given_up: GivenUp,
	) -> Result<Vec<u8>, Stop> {
		let Question { job, asks, .. } = &question;
		if job.engine != ENGINE_VERSION {
			return Err(Unavailable::Version(job.engine).into());
		}
		let (id, asks) = (question.run(), asks.clone());
		let program = Program::new(&job.architecture, &job.input)?;
		let (limits, bytes) = limits(&program, job.artifact.size, self.limit)?;
		let run = Arc::new(Run { id, question, program, limits, bytes });
		loop {
			if self.has(&id) {
				let team = self.teller.acquire().await.ok_or(Unavailable::Crashed)?;
				// It may have made room for another meanwhile.
				if let Some(trace) = self.take(&id) {
					return blocking(move || {
						let said = team.compute(|| said(&trace, &asks));
						// Before the next one is told something, or makes room.
						drop(trace);
						drop(team);
						said
					})
					.await;
				}
			}
			self.record(&run, &given_up).await?;
		}
	}

	/// Records a run, unless somebody else has by the time that it is its turn.
	async fn record(self: &Arc<Self>, run: &Arc<Run>, given_up: &GivenUp) -> Result<(), Stop> {
		let artifact = &run.question.job.artifact;
		let mut repair = false;
		loop {
			let weights = self.artifacts.fetch(artifact, repair).await?;
			let team = self.recorder.acquire().await.ok_or(Unavailable::Crashed)?;
			if self.has(&run.id) {
				return Ok(());
			}
			// What makes room is used by nobody.
			let quiet = self.teller.acquire().await.ok_or(Unavailable::Crashed)?;
			self.make_room(run.bytes);
			drop(quiet);
			let (this, run, given_up) = (self.clone(), run.clone(), given_up.clone());
			let outcome = blocking(move || this.run(&team, &run, &weights, &given_up)).await;
			match outcome {
				// A chunk on disk is not what it was.
				Err(Stop::Engine(EngineError::ReadFailed)) if !repair => repair = true,
				outcome => return outcome,
			}
		}
	}

	/// Runs it on the recorder's thread, and keeps the trace.
	fn run(
		&self,
		team: &Team,
		run: &Run,
		weights: &Weights,
		given_up: &GivenUp,
	) -> Result<(), Stop> {
		let Run { id, question: Question { job, planted, .. }, program, limits, bytes } = run;
		let _recording = Counted::by(&self.metrics.recording);
		let start = Instant::now();
		let weights = self.weights(job, weights)?;
		let fault = planted.and_then(|planted| planted.fault(program));
		let mut working = Instant::now();
		let mut each = || {
			if *given_up.borrow() {
				return ControlFlow::Break(());
			}
			if self.metrics.computing.get() > 0 && working.elapsed() >= WORK {
				thread::sleep(REST);
				working = Instant::now();
			}
			ControlFlow::Continue(())
		};
		let trace =
			team.compute(|| Recorded::record_in_steps(program, weights, fault, *limits, &mut each));
		self.metrics.recording_seconds.inc_by(start.elapsed().as_secs_f64());
		let trace = Arc::new(trace?.ok_or(Unavailable::GivenUp)?);
		self.metrics.recorded.inc();
		let mut kept = self.kept.lock();
		kept.push(Kept { run: *id, trace, bytes: *bytes });
		self.publish(&kept);
		Ok(())
	}

	/// The weights in memory, if disputes over them can be decided.
	fn weights(&self, job: &Job, weights: &Weights) -> Result<Vec<u8>, Stop> {
		self.artifacts.admit(job, weights)?;
		Ok(weights.read()?)
	}

	fn has(&self, run: &H256) -> bool {
		self.kept.lock().iter().any(|kept| kept.run == *run)
	}

	/// The trace of a run, if it is here.
	fn take(&self, run: &H256) -> Option<Arc<Recorded>> {
		let mut all = self.kept.lock();
		let at = all.iter().position(|kept| kept.run == *run)?;
		let kept = all.remove(at);
		let trace = kept.trace.clone();
		all.push(kept);
		Some(trace)
	}

	/// Forgets those that were not used for the longest time until `needed` more bytes fit.
	fn make_room(&self, needed: u64) {
		let mut all = self.kept.lock();
		while !all.is_empty() && bytes_of(&all).saturating_add(needed) > self.limit {
			all.remove(0);
		}
		self.publish(&all);
	}

	fn publish(&self, kept: &[Kept]) {
		self.metrics.traces.set(kept.len() as u64);
		self.metrics.trace_bytes.set(bytes_of(kept));
	}
}

fn bytes_of(kept: &[Kept]) -> u64 {
	kept.iter().fold(0, |sum, kept| sum.saturating_add(kept.bytes))
}

/// Refuses a job whose run could not be recorded with `limit` bytes: whoever answers it could not
/// stand up for the answer.
pub fn check(job: &Job, limit: u64) -> Result<(), Stop> {
	let Ok(program) = Program::new(&job.architecture, &job.input) else {
		// The engine says why.
		return Ok(());
	};
	limits(&program, job.artifact.size, limit)?;
	Ok(())
}

/// How much is kept of a run, and what that takes at most, with the `size` bytes of its weights.
fn limits(program: &Program, size: u64, limit: u64) -> Result<(Limits, u64), Unavailable> {
	let mut limits = Limits::default();
	let hashes = program.steps().min(limits.hashes.into()).saturating_mul(HASH_BYTES);
	let pages = 1u64.checked_shl(program.memory_depth()).unwrap_or(u64::MAX);
	let needed = |states: u32| {
		let states = MORE_STATES.saturating_add(states.into());
		let memory = pages.saturating_mul(PAGE_BYTES).saturating_mul(states);
		size.saturating_add(hashes).saturating_add(memory)
	};
	// With fewer states, an answer takes longer.
	while limits.states > 1 && needed(limits.states) > limit {
		limits.states /= 2;
	}
	let needed = needed(limits.states);
	if needed > limit {
		return Err(Unavailable::TraceTooLarge { needed, limit });
	}
	Ok((limits, needed))
}

/// What is asked about a run.
fn said(trace: &Recorded, asks: &Asks) -> Result<Vec<u8>, Stop> {
	Ok(match asks {
		Asks::Known => player::known(trace).ok_or(Unavailable::NoEvidence)?.encode(),
		Asks::End => match trace.end().map_err(|_| Unavailable::NoEvidence)?.3 {
			End::Output(output) => Some(output).encode(),
			End::Fault => None::<Vec<u8>>.encode(),
		},
		Asks::Say(next) => player::say(trace, next).encode(),
	})
}
