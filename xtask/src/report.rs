//! What the person in front of it reads: steps with their time, and failures with advice.

use std::{
	fmt::Display,
	time::{Duration, Instant},
};

/// The result of anything that can fail.
pub type Outcome<T> = Result<T, Failure>;

/// What went wrong, and what to do about it.
#[derive(Debug)]
pub struct Failure {
	what: String,
	advice: String,
}

impl Failure {
	pub fn new(what: impl Display, advice: impl Display) -> Self {
		Self { what: what.to_string(), advice: advice.to_string() }
	}

	pub fn print(&self) {
		eprintln!("\nerror: {}", self.what);
		for line in self.advice.lines() {
			eprintln!("  {line}");
		}
	}
}

/// Counts the steps of a command and takes their time.
pub struct Steps {
	total: usize,
	done: usize,
	started: Instant,
}

impl Steps {
	pub fn new(total: usize) -> Self {
		Self { total, done: 0, started: Instant::now() }
	}

	/// Does one step; says what it is and how long it took.
	pub fn step<T>(&mut self, title: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
		self.done += 1;
		println!("==> [{}/{}] {title}", self.done, self.total);
		let started = Instant::now();
		let result = work();
		let ended = if result.is_ok() { "done" } else { "failed" };
		println!("    {ended} after {}", time(started.elapsed()));
		result
	}

	/// Time since the first step.
	pub fn elapsed(&self) -> String {
		time(self.started.elapsed())
	}
}

/// A duration as people say it.
pub fn time(duration: Duration) -> String {
	let seconds = duration.as_secs();
	match seconds {
		0..=9 => format!("{:.1} s", duration.as_secs_f32()),
		10..=59 => format!("{seconds} s"),
		_ => format!("{} min {} s", seconds / 60, seconds % 60),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn time_should_be_in_minutes_when_it_is_long() {
		assert_eq!(time(Duration::from_millis(1234)), "1.2 s");
		assert_eq!(time(Duration::from_secs(59)), "59 s");
		assert_eq!(time(Duration::from_secs(61)), "1 min 1 s");
	}
}
