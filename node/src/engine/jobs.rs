//! Jobs: each is begun when it is asked for first, and goes on while somebody asks.

use super::{
	artifacts::{Artifacts, Weights},
	error::{Stop, Unavailable},
	metrics::{Counted, Metrics},
	models::{Key, Models, Needs},
	teams::{Team, Teams},
};
use dodona_engine::{EngineError, Model, ENGINE_VERSION};
use dodona_primitives_inference::{Job, Progress, MAX_OUTPUT_LEN};
use parking_lot::Mutex;
use sp_core::H256;
use std::{
	collections::{HashMap, VecDeque},
	ops::ControlFlow,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::{
	sync::{watch, OwnedSemaphorePermit, Semaphore},
	task,
	time::{interval, timeout},
};

/// Jobs that are over and remembered.
const REMEMBERED: usize = 256;
/// Tokens that an answer has room for.
const MAX_TOKENS: usize = MAX_OUTPUT_LEN as usize / size_of::<u32>();

/// All jobs.
pub struct Jobs {
	models: Models,
	artifacts: Artifacts,
	teams: Arc<Teams>,
	metrics: Metrics,
	/// Places for jobs that are not over.
	places: Arc<Semaphore>,
	queue: usize,
	/// A job that nobody asked for in this time is given up.
	patience: Duration,
	table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
	jobs: HashMap<H256, Entry>,
	/// Those that are over, the oldest first.
	over: VecDeque<H256>,
}

struct Entry {
	progress: Arc<watch::Sender<Progress>>,
	given_up: watch::Sender<bool>,
	/// When somebody asked last.
	asked: Instant,
}

impl Entry {
	fn is_pending(&self) -> bool {
		*self.progress.borrow() == Progress::Pending
	}
}

impl Jobs {
	/// No jobs, and room for `queue` of them.
	pub fn new(
		models: Models,
		artifacts: Artifacts,
		teams: Arc<Teams>,
		metrics: Metrics,
		queue: usize,
		patience: Duration,
	) -> Arc<Self> {
		let places = Arc::new(Semaphore::new(queue));
		let table = Mutex::default();
		Arc::new(Self { models, artifacts, teams, metrics, places, queue, patience, table })
	}

	/// Models in memory.
	pub fn models(&self) -> &Models {
		&self.models
	}

	/// How far `job` is, once it is over or `wait` has passed. Begins it unless it is known.
	pub async fn answer(self: &Arc<Self>, job: Job, wait: Duration) -> Progress {
		let id = job.id();
		let Some(mut progress) = self.join(id, job) else {
			self.metrics.unavailable.inc();
			return Stop::from(Unavailable::QueueFull(self.queue)).into();
		};
		// When the time has passed, it is still pending.
		let _ = timeout(wait, progress.wait_for(|now| *now != Progress::Pending)).await;
		let now = progress.borrow().clone();
		self.told(id, &now);
		now
	}

	/// Where the progress of the job can be watched; `None` if it is a new one, and there is no place.
	fn join(self: &Arc<Self>, id: H256, job: Job) -> Option<watch::Receiver<Progress>> {
		let mut table = self.table.lock();
		if let Some(entry) = table.jobs.get_mut(&id) {
			entry.asked = Instant::now();
			return Some(entry.progress.subscribe());
		}
		let place = self.places.clone().try_acquire_owned().ok()?;
		let entry = self.begin(id, job, place);
		let progress = entry.progress.subscribe();
		table.jobs.insert(id, entry);
		Some(progress)
	}

	fn begin(self: &Arc<Self>, id: H256, job: Job, place: OwnedSemaphorePermit) -> Entry {
		let (given_up, mut until_given_up) = watch::channel(false);
		let progress = Arc::new(watch::Sender::new(Progress::Pending));
		let entry = Entry { progress: progress.clone(), given_up, asked: Instant::now() };
		let this = self.clone();
		self.metrics.started.inc();
		task::spawn(async move {
			let _place = place;
			let watched = until_given_up.clone();
			let outcome = tokio::select! {
				outcome = this.compute(job, watched) => outcome,
				// Whoever waited was told by whoever gave it up.
				_ = until_given_up.wait_for(|given_up| *given_up) => return,
			};
			this.finish(id, &progress, outcome);
		});
		entry
	}

	/// Gives up a job. `false` if there is none, or it is over.
	pub fn cancel(&self, id: H256) -> bool {
		let mut table = self.table.lock();
		if !table.jobs.get(&id).is_some_and(Entry::is_pending) {
			return false;
		}
		if let Some(entry) = table.jobs.remove(&id) {
			entry.given_up.send_replace(true);
			entry.progress.send_replace(Stop::from(Unavailable::GivenUp).into());
			self.metrics.cancelled.inc();
		}
		true
	}

	/// Gives up jobs that nobody asked for in a while, again and again. Never ends.
	pub async fn sweep(&self) {
		let mut rounds = interval((self.patience / 4).max(Duration::from_millis(1)));
		loop {
			rounds.tick().await;
			let is_forgotten = |entry: &Entry| {
				entry.is_pending()
					&& entry.progress.receiver_count() == 0
					&& entry.asked.elapsed() >= self.patience
			};
			let forgotten: Vec<H256> = {
				let table = self.table.lock();
				let forgotten = table.jobs.iter().filter(|(_, entry)| is_forgotten(entry));
				forgotten.map(|(id, _)| *id).collect()
			};
			for id in forgotten {
				log::debug!("job {id:?} is given up: nobody asks for it");
				self.cancel(id);
			}
		}
	}

	fn finish(&self, id: H256, progress: &watch::Sender<Progress>, outcome: Result<Vec<u8>, Stop>) {
		let outcome = outcome.map_or_else(Progress::from, Progress::Done);
		let mut table = self.table.lock();
		if *progress.borrow() != Progress::Pending {
			return;
		}
		match &outcome {
			Progress::Done(_) | Progress::Pending => self.metrics.done.inc(),
			Progress::Refused(error) => {
				log::debug!("job {id:?} is refused: {error}");
				self.metrics.refused.inc();
			},
			Progress::Unavailable(reason) => {
				log::warn!("job {id:?} can't be computed: {reason}");
				self.metrics.unavailable.inc();
			},
		}
		progress.send_replace(outcome);
		table.over.push_back(id);
		while table.over.len() > REMEMBERED {
			let oldest = table.over.pop_front();
			if let Some(id) =
				oldest.filter(|id| table.jobs.get(id).is_some_and(|e| !e.is_pending()))
			{
				table.jobs.remove(&id);
			}
		}
	}

	/// Somebody was told how far a job is. What was not available may be soon: asking again after
	/// that begins again.
	fn told(&self, id: H256, progress: &Progress) {
		let mut table = self.table.lock();
		let Some(entry) = table.jobs.get_mut(&id) else { return };
		entry.asked = Instant::now();
		if matches!(progress, Progress::Unavailable(_)) && !entry.is_pending() {
			table.jobs.remove(&id);
		}
	}

	/// The answer to `job`, the same as the engine gives everywhere.
	async fn compute(
		self: &Arc<Self>,
		job: Job,
		given_up: watch::Receiver<bool>,
	) -> Result<Vec<u8>, Stop> {
		if job.engine != ENGINE_VERSION {
			return Err(Unavailable::Version(job.engine).into());
		}
		job.architecture.validate()?;
		Needs::of(&job).check(self.models.limit())?;
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
			let outcome =
				task::spawn_blocking(move || this.run(&team, &job, weights, &given_up)).await;
			match outcome {
				// A chunk on disk is not what it was, or the model made room for another meanwhile.
				Ok(Err(Stop::Engine(EngineError::ReadFailed))) if !repair => repair = true,
				Ok(outcome) => return outcome,
				Err(error) => {
					log::error!("a bug in the engine: {error}");
					return Err(Unavailable::Crashed.into());
				},
			}
		}
	}

	/// Loads the model unless it is in memory, and runs it.
	fn run(
		&self,
		team: &Team,
		job: &Job,
		weights: Option<Weights>,
		given_up: &watch::Receiver<bool>,
	) -> Result<Vec<u8>, Stop> {
		let given_up = || *given_up.borrow();
		let _computing = Counted::by(&self.metrics.computing);
		let (model, _lease) = self.models.get(job, given_up, || {
			let weights = weights.ok_or(EngineError::ReadFailed)?;
			let load = move || Model::load_from(&job.architecture, &[&weights]);
			Ok(team.compute(load)?)
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
