//! What the server counts.

use serde_json::{json, Value};
use substrate_prometheus_endpoint::{
	register, Counter, Gauge, PrometheusError, Registry, F64, U64,
};

/// What the server counts. A clone counts the same.
#[derive(Clone)]
pub struct Metrics {
	/// Jobs.
	pub jobs: Tally,
	/// Jobs that wait for weights or threads.
	pub queued: Gauge<U64>,
	/// Jobs that are being computed.
	pub computing: Gauge<U64>,
	/// Seconds of computing, over all jobs.
	pub seconds: Counter<F64>,
	/// Tokens that were generated.
	pub tokens: Counter<U64>,
	/// Models in memory.
	pub models: Gauge<U64>,
	/// What they take, in bytes.
	pub model_bytes: Gauge<U64>,
	/// Models that made room for others.
	pub evictions: Counter<U64>,
	/// Questions about runs in dispute.
	pub questions: Tally,
	/// Runs that were recorded to the end.
	pub recorded: Counter<U64>,
	/// Runs that are being recorded.
	pub recording: Gauge<U64>,
	/// Seconds of recording, over all runs.
	pub recording_seconds: Counter<F64>,
	/// Recorded runs in memory.
	pub traces: Gauge<U64>,
	/// What they may take, in bytes.
	pub trace_bytes: Gauge<U64>,
	/// Chunks that came from the node.
	pub chunks: Counter<U64>,
	/// Chunks that were something else, from the node or on disk.
	pub corrupt_chunks: Counter<U64>,
}

/// How work ended that was asked for.
#[derive(Clone)]
pub struct Tally {
	/// What was taken.
	pub started: Counter<U64>,
	/// What has an answer.
	pub done: Counter<U64>,
	/// What the engine refused.
	pub refused: Counter<U64>,
	/// What this server could not compute, or did not take.
	pub unavailable: Counter<U64>,
	/// What was given up.
	pub cancelled: Counter<U64>,
}

impl Tally {
	/// Registers counters of these `things` in `registry`.
	fn new(registry: &Registry, things: &str) -> Result<Self, PrometheusError> {
		let counter = |end: &str, help: &str| {
			let (name, help) =
				(format!("dodona_engine_{things}_{end}_total"), format!("{help} ({things})"));
			register(Counter::<U64>::new(name, help)?, registry)
		};
		Ok(Self {
			started: counter("started", "What was taken")?,
			done: counter("done", "What has an answer")?,
			refused: counter("refused", "What the engine refused")?,
			unavailable: counter("unavailable", "What could not be computed here")?,
			cancelled: counter("cancelled", "What was given up")?,
		})
	}
}

impl Metrics {
	/// Registers everything in `registry`.
	pub fn new(registry: &Registry) -> Result<Self, PrometheusError> {
		let counter = |name: &str, help: &str| {
			register(Counter::<U64>::new(format!("dodona_engine_{name}"), help)?, registry)
		};
		let gauge = |name: &str, help: &str| {
			register(Gauge::<U64>::new(format!("dodona_engine_{name}"), help)?, registry)
		};
		let seconds = |name: &str, help: &str| {
			register(Counter::<F64>::new(format!("dodona_engine_{name}"), help)?, registry)
		};
		Ok(Self {
			jobs: Tally::new(registry, "jobs")?,
			queued: gauge("jobs_queued", "Jobs that wait for weights or threads")?,
			computing: gauge("jobs_computing", "Jobs that are being computed")?,
			seconds: seconds("seconds_total", "Seconds of computing")?,
			tokens: counter("tokens_total", "Tokens that were generated")?,
			models: gauge("models_resident", "Models in memory")?,
			model_bytes: gauge("models_resident_bytes", "What models take in memory")?,
			evictions: counter("models_evicted_total", "Models that made room for others")?,
			questions: Tally::new(registry, "questions")?,
			recorded: counter("traces_recorded_total", "Runs that were recorded to the end")?,
			recording: gauge("traces_recording", "Runs that are being recorded")?,
			recording_seconds: seconds("traces_seconds_total", "Seconds of recording")?,
			traces: gauge("traces_resident", "Recorded runs in memory")?,
			trace_bytes: gauge("traces_resident_bytes", "What recorded runs may take in memory")?,
			chunks: counter("chunks_fetched_total", "Chunks that came from the node")?,
			corrupt_chunks: counter("chunks_corrupt_total", "Chunks that were something else")?,
		})
	}

	/// The counters, for people.
	pub fn counters(&self) -> Value {
		json!({
			"started": self.jobs.started.get(),
			"done": self.jobs.done.get(),
			"refused": self.jobs.refused.get(),
			"unavailable": self.jobs.unavailable.get(),
			"cancelled": self.jobs.cancelled.get(),
			"seconds": self.seconds.get(),
			"tokens": self.tokens.get(),
			"evictions": self.evictions.get(),
			"chunks": self.chunks.get(),
			"corruptChunks": self.corrupt_chunks.get(),
		})
	}

	/// What is counted of runs in dispute, for people.
	pub fn traces(&self) -> Value {
		json!({
			"resident": self.traces.get(),
			"bytes": self.trace_bytes.get(),
			"recording": self.recording.get(),
			"recorded": self.recorded.get(),
			"seconds": self.recording_seconds.get(),
			"questions": {
				"started": self.questions.started.get(),
				"done": self.questions.done.get(),
				"refused": self.questions.refused.get(),
				"unavailable": self.questions.unavailable.get(),
				"cancelled": self.questions.cancelled.get(),
			},
		})
	}
}

/// Is counted by a gauge for as long as it is there.
pub struct Counted(Gauge<U64>);

impl Counted {
	/// Is counted by `gauge` from now on.
	pub fn by(gauge: &Gauge<U64>) -> Self {
		gauge.inc();
		Self(gauge.clone())
	}
}

impl Drop for Counted {
	fn drop(&mut self) {
		self.0.dec();
	}
}
