//! What the server counts.

use serde_json::{json, Value};
use substrate_prometheus_endpoint::{
	register, Counter, Gauge, PrometheusError, Registry, F64, U64,
};

/// What the server counts. A clone counts the same.
#[derive(Clone)]
pub struct Metrics {
	/// Jobs that were taken.
	pub started: Counter<U64>,
	/// Jobs with an answer.
	pub done: Counter<U64>,
	/// Jobs that the engine refused.
	pub refused: Counter<U64>,
	/// Jobs that this server could not compute, or did not take.
	pub unavailable: Counter<U64>,
	/// Jobs that were given up.
	pub cancelled: Counter<U64>,
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
	/// Chunks that came from the node.
	pub chunks: Counter<U64>,
	/// Chunks that were something else, from the node or on disk.
	pub corrupt_chunks: Counter<U64>,
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
		let seconds = Counter::<F64>::new("dodona_engine_seconds_total", "Seconds of computing")?;
		Ok(Self {
			started: counter("jobs_started_total", "Jobs that were taken")?,
			done: counter("jobs_done_total", "Jobs with an answer")?,
			refused: counter("jobs_refused_total", "Jobs that the engine refused")?,
			unavailable: counter("jobs_unavailable_total", "Jobs that could not be computed here")?,
			cancelled: counter("jobs_cancelled_total", "Jobs that were given up")?,
			queued: gauge("jobs_queued", "Jobs that wait for weights or threads")?,
			computing: gauge("jobs_computing", "Jobs that are being computed")?,
			seconds: register(seconds, registry)?,
			tokens: counter("tokens_total", "Tokens that were generated")?,
			models: gauge("models_resident", "Models in memory")?,
			model_bytes: gauge("models_resident_bytes", "What models take in memory")?,
			evictions: counter("models_evicted_total", "Models that made room for others")?,
			chunks: counter("chunks_fetched_total", "Chunks that came from the node")?,
			corrupt_chunks: counter("chunks_corrupt_total", "Chunks that were something else")?,
		})
	}

	/// The counters, for people.
	pub fn counters(&self) -> Value {
		json!({
			"started": self.started.get(),
			"done": self.done.get(),
			"refused": self.refused.get(),
			"unavailable": self.unavailable.get(),
			"cancelled": self.cancelled.get(),
			"seconds": self.seconds.get(),
			"tokens": self.tokens.get(),
			"evictions": self.evictions.get(),
			"chunks": self.chunks.get(),
			"corruptChunks": self.corrupt_chunks.get(),
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
