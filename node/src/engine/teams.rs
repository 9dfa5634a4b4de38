//! Threads that compute, in teams: each team computes one job at a time.
//!
//! A team has all of the machine's cores to itself, and the operating system divides them between
//! teams. With one pool for all jobs, a thread that waits for its half of a product could begin with
//! another job, and its own would wait for the end of that.

use super::{error::StartError, never_abort};
use dodona_engine::EngineError;
use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All teams.
pub struct Teams {
	idle: Mutex<Vec<ThreadPool>>,
	free: Arc<Semaphore>,
}

impl Teams {
	/// `count` teams of `threads` threads. Every one of these threads passes `self_test` first, since
	/// a thread has a floating-point mode of its own.
	pub fn new(
		count: usize,
		threads: usize,
		self_test: fn() -> Result<(), EngineError>,
	) -> Result<Arc<Self>, StartError> {
		let team = |number| {
			let pool = ThreadPoolBuilder::new()
				.num_threads(threads)
				.thread_name(move |thread| format!("engine-{number}-{thread}"))
				.start_handler(|_| never_abort())
				.build()
				.map_err(|error| StartError::Other(error.to_string()))?;
			for outcome in pool.broadcast(|_| self_test()) {
				outcome.map_err(StartError::SelfTest)?;
			}
			Ok(pool)
		};
		let idle = (0..count).map(team).collect::<Result<Vec<_>, _>>()?;
		Ok(Arc::new(Self { idle: Mutex::new(idle), free: Arc::new(Semaphore::new(count)) }))
	}

	/// Waits for a team, in the order of asking. `None` only if there are none any more.
	pub async fn acquire(self: &Arc<Self>) -> Option<Team> {
		let permit = self.free.clone().acquire_owned().await.ok()?;
		let pool = self.idle.lock().pop();
		Some(Team { pool, home: self.clone(), _permit: permit })
	}
}

/// A team with a job.
pub struct Team {
	pool: Option<ThreadPool>,
	home: Arc<Teams>,
	_permit: OwnedSemaphorePermit,
}

impl Team {
	/// Computes on the team's threads. A panic comes out here.
	pub fn compute<R: Send>(&self, job: impl FnOnce() -> R + Send) -> R {
		match &self.pool {
			Some(pool) => pool.install(job),
			// Unreachable: there are as many permits as pools.
			None => job(),
		}
	}
}

impl Drop for Team {
	fn drop(&mut self) {
		self.home.idle.lock().extend(self.pool.take());
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{
		future::{poll_fn, Future},
		panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe},
		pin::pin,
		task::Poll,
	};

	#[tokio::test]
	async fn team_should_go_on_when_a_job_panics() {
		let teams = Teams::new(1, 2, || Ok(())).expect("there are threads");
		// A node's hook ends the whole program unless the thread asks for something else.
		let before = take_hook();
		sp_panic_handler::set("nowhere", "0");
		for _ in 0..3 {
			let team = teams.acquire().await.expect("there is one");
			let job = || rayon::join(|| panic!("a bug"), || 1);
			assert!(catch_unwind(AssertUnwindSafe(|| team.compute(job))).is_err());
			assert_eq!(team.compute(|| rayon::join(|| 1, rayon::current_num_threads)), (1, 2));
		}
		set_hook(before);
	}

	#[tokio::test]
	async fn team_should_be_waited_for_when_all_are_busy() {
		let teams = Teams::new(2, 1, || Ok(())).expect("there are threads");
		let busy = [teams.acquire().await, teams.acquire().await];
		let mut third = pin!(teams.acquire());
		// Its turn does not come while both are there.
		assert!(poll_fn(|context| Poll::Ready(third.as_mut().poll(context))).await.is_pending());
		drop(busy);
		assert_eq!(third.await.expect("one is free").compute(|| 7), 7);
	}
}
