//! What is computed here, one thing at a time, beside following the chain.

use super::decide::Answer;
use dodona_engine::{
	trace::{Blake, End, Program, Trace},
	Architecture, EngineError, Model,
};
use dodona_primitives_inference::{player::Planted, RequestId};
use dodona_primitives_models::VersionId;
use std::sync::{Arc, Mutex};
use tokio::task::{self, JoinHandle};

/// A run that was recorded.
pub type Recorded = Trace<Blake>;

/// Everything that decides a run.
pub struct Run {
	pub request: RequestId,
	pub version: VersionId,
	pub architecture: Architecture,
	pub input: Vec<u8>,
	pub weights: Arc<Vec<u8>>,
	/// A wrong result, for tests.
	pub planted: Option<Planted>,
}

/// What is wanted of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wanted {
	/// The whole trace.
	Trace,
	/// How it ends.
	Answer,
}

/// What came of a run.
pub enum Done {
	Answer(Answer),
	Trace(Box<Recorded>),
	/// This machine can't compute it.
	Failed(EngineError),
}

/// What computes runs.
#[derive(Default)]
pub struct Computer {
	job: Option<(RequestId, JoinHandle<Done>)>,
	/// The model used last.
	model: Arc<Mutex<Option<(VersionId, Model)>>>,
}

impl Computer {
	/// Whether something is being computed.
	pub fn is_busy(&self) -> bool {
		self.job.is_some()
	}

	/// Begins to compute, unless something is being computed.
	pub fn begin(&mut self, run: Run, wanted: Wanted) {
		if self.is_busy() {
			return;
		}
		let (request, model) = (run.request, self.model.clone());
		let job = task::spawn_blocking(move || match wanted {
			Wanted::Answer => answer(&run, &model),
			Wanted::Trace => trace(&run),
		});
		self.job = Some((request, job));
	}

	/// What came of the run that is being computed; never, if there is none.
	pub async fn done(&mut self) -> (RequestId, Done) {
		let Some((request, job)) = &mut self.job else { return std::future::pending().await };
		let request = *request;
		// A panic is a bug of the engine's.
		let done = job.await.unwrap_or(Done::Failed(EngineError::Backend));
		self.job = None;
		(request, done)
	}
}

fn answer(run: &Run, kept: &Mutex<Option<(VersionId, Model)>>) -> Done {
	if run.planted.is_some() {
		return planted_answer(run);
	}
	let mut kept = kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
	let known = kept.take().filter(|(version, _)| *version == run.version);
	let model = match known {
		Some((_, model)) => Ok(model),
		None => Model::load(&run.architecture, &run.weights),
	};
	let result = model.and_then(|model| {
		let output = model.run(&run.input);
		*kept = Some((run.version, model));
		output
	});
	match Answer::of(result) {
		Ok(answer) => Done::Answer(answer),
		Err(error) => Done::Failed(error),
	}
}

fn trace(run: &Run) -> Done {
	match record(run) {
		Ok(trace) => Done::Trace(Box::new(trace)),
		Err(error) => Done::Failed(error),
	}
}

fn record(run: &Run) -> Result<Recorded, EngineError> {
	let program = Program::new(&run.architecture, &run.input)?;
	let fault = run.planted.and_then(|planted| planted.fault(&program));
	Recorded::record(&program, &run.weights, fault)
}

/// The answer of a run with a wrong result in it.
fn planted_answer(run: &Run) -> Done {
	let end = record(run).and_then(|trace| trace.end().map_err(|_| EngineError::Backend));
	match end {
		Ok((.., End::Output(output))) => Done::Answer(Answer::Output(output)),
		Ok((.., End::Fault)) => Done::Answer(Answer::Fault),
		Err(error) => Done::Failed(error),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::dispute::tests::version;
	use dodona_engine::{golden, trace::Operation};
	use dodona_primitives_inference::player::known;

	#[tokio::test]
	async fn answer_should_be_that_of_the_trace() {
		let mut computer = Computer::default();
		for (seed, widths) in [(1, [40, 3]), (2, [40, 3]), (3, [20, 5])] {
			let (version, weights) = version(&widths);
			let architecture = version.manifest.architecture;
			let weights = Arc::new(weights);
			let run = || Run {
				request: seed.into(),
				version: VersionId { model: widths[0], number: 1 },
				architecture: architecture.clone(),
				input: golden::input(&architecture, seed),
				weights: weights.clone(),
				planted: None,
			};
			let operation = Operation::Product;
			let planted = Some(Planted { operation, layer: 0, token: 0 });
			let mut answers = Vec::new();
			for planted in [None, planted] {
				let run = || Run { planted, ..run() };
				computer.begin(run(), Wanted::Answer);
				assert!(computer.is_busy());
				let (request, Done::Answer(answer)) = computer.done().await else {
					panic!("failed")
				};
				assert_eq!((request, computer.is_busy()), (seed.into(), false));
				computer.begin(run(), Wanted::Trace);
				let (_, Done::Trace(trace)) = computer.done().await else { panic!("failed") };
				assert_eq!(known(&trace).unwrap().answer.map(|hash| hash.0), answer.hash());
				answers.push(answer);
			}
			assert_ne!(answers[0], answers[1]);
		}
	}
}
