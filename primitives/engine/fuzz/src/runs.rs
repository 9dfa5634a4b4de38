//! Runs of small models, recorded.

use crate::subjects::{self, Subject};
use codec::Encode;
use dodona_engine::{
	generate::{Prompt, Sampling},
	golden,
	trace::{pages_root, Blake, Hash, Limits, Program, Trace},
	Architecture, Class, Model, Real,
};
use std::sync::{LazyLock, OnceLock};

/// A run, as somebody has it who tells the truth.
pub struct Run {
	pub architecture: Architecture,
	pub artifact: Vec<u8>,
	pub input: Vec<u8>,
	pub program: Program,
	pub trace: Trace<Blake>,
	/// The root over the artifact's pages.
	pub weights: Hash,
	/// The state before each step, and the last one.
	pub states: Vec<Hash>,
}

impl Run {
	fn record(Subject { architecture, artifact, input }: &Subject) -> Self {
		let program = Program::new(architecture, input).unwrap();
		let limits = Limits { hashes: u32::MAX, states: u32::MAX };
		let trace = Trace::record_within(&program, artifact.clone(), None, limits).unwrap();
		let before = (1..program.steps()).map(|step| trace.witness(step).unwrap().0.unwrap().0);
		let mut states = vec![program.start::<Blake>()];
		states.extend(before);
		states.push(trace.end().unwrap().0);
		Self {
			architecture: architecture.clone(),
			artifact: artifact.clone(),
			input: input.clone(),
			weights: pages_root::<Blake>(artifact),
			program,
			trace,
			states,
		}
	}
}

/// The run that `choice` stands for. It is recorded when it is asked for first.
pub fn run(choice: u8) -> &'static Run {
	static RUNS: [OnceLock<Run>; 64] = [const { OnceLock::new() }; 64];
	let at = usize::from(choice) % ASKED.len();
	RUNS[at].get_or_init(|| Run::record(&ASKED[at]))
}

/// The subjects on short inputs; a run that ends before it has to; and of each architecture one
/// whose results are not finite.
static ASKED: LazyLock<Vec<Subject>> = LazyLock::new(|| {
	let mut asked = Vec::new();
	for (number, subject) in subjects::all().iter().enumerate() {
		let (architecture, artifact) = (subject.architecture.clone(), subject.artifact.clone());
		let input = match &architecture {
			Architecture::Llama(_) => prompt(number % 2 == 0).encode(),
			_ => subject.input.clone(),
		};
		asked.push(Subject { architecture, artifact, input });
	}

	let llama = Architecture::Llama(golden::llama::config(Class::F32, 0));
	let artifact = golden::artifact(&llama, 5, 1.0).unwrap();
	let mut prompt = prompt(true);
	let answer = Model::load(&llama, &artifact).unwrap().run(&prompt.encode()).unwrap();
	prompt.stop.extend(answer.first_chunk().map(|token| u32::from_le_bytes(*token)));
	asked.push(Subject { architecture: llama, artifact, input: prompt.encode() });

	for architecture in [
		golden::mlp(&[5, 4, 3]),
		Architecture::Llama(golden::llama::config(Class::Q8, 1)),
		golden::networks::bert(Class::F32, 0),
		golden::networks::cnn(Class::Q8, 1),
	] {
		let artifact = golden::artifact(&architecture, 3, 1e30).unwrap();
		let input = golden::input(&architecture, 3);
		asked.push(Subject { architecture, artifact, input });
	}
	asked
});

/// Two tokens, and two to come.
fn prompt(greedy: bool) -> Prompt {
	let sampling = match greedy {
		true => Sampling::Greedy,
		false => Sampling::Sample {
			temperature: Real::new(1.3),
			top_k: 9,
			top_p: Real::new(0.9),
			seed: 7,
		},
	};
	Prompt { tokens: vec![1, 0], max_tokens: 2, sampling, stop: Vec::new() }
}
