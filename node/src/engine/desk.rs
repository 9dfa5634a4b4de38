//! Where work is asked for: each piece is begun when it is asked for first, and goes on while
//! somebody asks.

use super::{
	error::{Stop, Unavailable},
	metrics::Tally,
};
use dodona_primitives_inference::Progress;
use parking_lot::Mutex;
use sp_core::H256;
use std::{
	collections::{HashMap, VecDeque},
	future::Future,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::{
	sync::{watch, OwnedSemaphorePermit, Semaphore},
	task,
	time::{interval, timeout},
};

/// Whether a piece of work was given up.
pub type GivenUp = watch::Receiver<bool>;

/// What is asked for, and how far it is.
pub struct Desk {
	tally: Tally,
	/// Places for work that is not over.
	places: Arc<Semaphore>,
	queue: usize,
	/// Pieces that are over and remembered.
	remembered: usize,
	/// What nobody asked for in this time is given up.
	patience: Duration,
	table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
	entries: HashMap<H256, Entry>,
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

impl Desk {
	/// Nothing yet, and room for `queue` pieces of work and as many as are `remembered`.
	pub fn new(tally: Tally, queue: usize, remembered: usize, patience: Duration) -> Arc<Self> {
		let (places, table) = (Arc::new(Semaphore::new(queue)), Mutex::default());
		Arc::new(Self { tally, places, queue, remembered, patience, table })
	}

	/// How far the work named `id` is, once it is over or `wait` has passed. Begins `work` unless it is
	/// known.
	pub async fn answer<W>(
		self: &Arc<Self>,
		id: H256,
		wait: Duration,
		work: impl FnOnce(GivenUp) -> W,
	) -> Progress
	where
		W: Future<Output = Result<Vec<u8>, Stop>> + Send + 'static,
	{
		let Some(mut progress) = self.join(id, work) else {
			self.tally.unavailable.inc();
			return Stop::from(Unavailable::QueueFull(self.queue)).into();
		};
		// When the time has passed, it is still pending.
		let _ = timeout(wait, progress.wait_for(|now| *now != Progress::Pending)).await;
		let now = progress.borrow().clone();
		self.told(id, &now);
		now
	}

	/// Where the progress can be watched; `None` if it is new work, and there is no place.
	fn join<W>(
		self: &Arc<Self>,
		id: H256,
		work: impl FnOnce(GivenUp) -> W,
	) -> Option<watch::Receiver<Progress>>
	where
		W: Future<Output = Result<Vec<u8>, Stop>> + Send + 'static,
	{
		let mut table = self.table.lock();
		if let Some(entry) = table.entries.get_mut(&id) {
			entry.asked = Instant::now();
			return Some(entry.progress.subscribe());
		}
		let place = self.places.clone().try_acquire_owned().ok()?;
		let entry = self.begin(id, work, place);
		let progress = entry.progress.subscribe();
		table.entries.insert(id, entry);
		Some(progress)
	}

	fn begin<W>(
		self: &Arc<Self>,
		id: H256,
		work: impl FnOnce(GivenUp) -> W,
		place: OwnedSemaphorePermit,
	) -> Entry
	where
		W: Future<Output = Result<Vec<u8>, Stop>> + Send + 'static,
	{
		let (given_up, mut until_given_up) = watch::channel(false);
		let progress = Arc::new(watch::Sender::new(Progress::Pending));
		let entry = Entry { progress: progress.clone(), given_up, asked: Instant::now() };
		let (this, work) = (self.clone(), work(until_given_up.clone()));
		self.tally.started.inc();
		task::spawn(async move {
			let _place = place;
			let outcome = tokio::select! {
				outcome = work => outcome,
				// Whoever waited was told by whoever gave it up.
				_ = until_given_up.wait_for(|given_up| *given_up) => return,
			};
			this.finish(id, &progress, outcome);
		});
		entry
	}

	/// Gives up work. `false` if there is none of this name, or it is over.
	pub fn cancel(&self, id: H256) -> bool {
		let mut table = self.table.lock();
		if !table.entries.get(&id).is_some_and(Entry::is_pending) {
			return false;
		}
		if let Some(entry) = table.entries.remove(&id) {
			entry.given_up.send_replace(true);
			entry.progress.send_replace(Stop::from(Unavailable::GivenUp).into());
			self.tally.cancelled.inc();
		}
		true
	}

	/// Gives up what nobody asked for in a while, again and again. Never ends.
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
				let forgotten = table.entries.iter().filter(|(_, entry)| is_forgotten(entry));
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
			Progress::Done(_) | Progress::Pending => self.tally.done.inc(),
			Progress::Refused(error) => {
				log::debug!("job {id:?} is refused: {error}");
				self.tally.refused.inc();
			},
			Progress::OtherPages => {
				log::warn!(
					"job {id:?} is refused: the weights' pages are not those of its manifest"
				);
				self.tally.refused.inc();
			},
			Progress::Unavailable(reason) => {
				log::warn!("job {id:?} can't be computed: {reason}");
				self.tally.unavailable.inc();
			},
		}
		progress.send_replace(outcome);
		table.over.push_back(id);
		while table.over.len() > self.remembered {
			let oldest = table.over.pop_front();
			if let Some(id) =
				oldest.filter(|id| table.entries.get(id).is_some_and(|e| !e.is_pending()))
			{
				table.entries.remove(&id);
			}
		}
	}

	/// Somebody was told how far the work is. What was not available may be soon: asking again after
	/// that begins again.
	fn told(&self, id: H256, progress: &Progress) {
		let mut table = self.table.lock();
		let Some(entry) = table.entries.get_mut(&id) else { return };
		entry.asked = Instant::now();
		if matches!(progress, Progress::Unavailable(_)) && !entry.is_pending() {
			table.entries.remove(&id);
		}
	}
}

/// What `work` gives on a thread that may be busy for long.
pub async fn blocking<R: Send + 'static>(
	work: impl FnOnce() -> Result<R, Stop> + Send + 'static,
) -> Result<R, Stop> {
	task::spawn_blocking(work).await.unwrap_or_else(|error| {
		log::error!("a bug in the engine: {error}");
		Err(Unavailable::Crashed.into())
	})
}
