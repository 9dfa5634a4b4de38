//! How fast the engine is in the runtime's Wasm, executed as a node executes it, next to the native
//! engine on one thread.
//!
//! `cargo bench -p dodona-runtime --bench engine --profile dev`

#[path = "../tests/engine_parity/node.rs"]
mod node;

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::llama::{Biases, Config, RopeScaling},
	generate::{Prompt, Sampling},
	golden, Architecture, Class, EngineError, Model, Real,
};
use std::{env, time::Instant};

type Answer = Result<Vec<u8>, EngineError>;

/// Runs of each kind, of which the fastest counts: others may be using the machine.
const ROUNDS: usize = 7;
/// Tokens of a prompt.
const GIVEN: usize = 64;
/// Tokens that are generated.
const GENERATED: u32 = 64;

/// Seconds that the parts of an answer take.
struct Times {
	/// Reading the weights, in Wasm with getting them there.
	load: f64,
	/// A token of the prompt.
	given: f64,
	/// A generated token.
	generated: f64,
}

impl Times {
	/// From the seconds of three answers: one token after one, one after [`GIVEN`], and
	/// [`GENERATED`] after one.
	fn new([least, given, generated]: [f64; 3]) -> Self {
		let given = (given - least) / (GIVEN - 1) as f64;
		let generated = (generated - least) / f64::from(GENERATED - 1);
		Self { load: least - generated, given, generated }
	}
}

fn main() {
	env::set_var("RAYON_NUM_THREADS", "1");
	println!("| model | | load, ms | prompt, ms a token | answer, ms a token |");
	println!("|---|---|---|---|---|");
	for (name, class, config) in [
		("3 million, Q8", Class::Q8, small()),
		("3 million, F32", Class::F32, small()),
		("9 million, Q8", Class::Q8, large()),
	] {
		let (native, wasm) = measure(&Architecture::Llama(Config { class, ..config }));
		print(name, &native, &wasm);
	}
}

fn print(name: &str, native: &Times, wasm: &Times) {
	for (kind, Times { load, given, generated }) in [("native", native), ("Wasm", wasm)] {
		println!(
			"| {name} | {kind} | {:.1} | {:.3} | {:.3} |",
			load * 1e3,
			given * 1e3,
			generated * 1e3
		);
	}
	println!(
		"| {name} | Wasm / native | {:.1} | {:.2} | {:.2} |",
		wasm.load / native.load,
		wasm.given / native.given,
		wasm.generated / native.generated
	);
}

/// Native times, and those in Wasm.
fn measure(architecture: &Architecture) -> (Times, Times) {
	let artifact = golden::artifact(architecture, 1, 1.0).expect("it is a configuration");
	let prompt = |given: usize, max_tokens: u32| {
		let tokens = (0..given as u32).map(|at| at * 31 % 4096).collect();
		Prompt { tokens, max_tokens, sampling: Sampling::Greedy, stop: vec![] }.encode()
	};
	let inputs = [prompt(1, 1), prompt(GIVEN, 1), prompt(1, GENERATED)];
	let (mut native, mut wasm) = ([f64::MAX; 3], [f64::MAX; 3]);
	for _ in 0..ROUNDS {
		for ((input, native), wasm) in inputs.iter().zip(&mut native).zip(&mut wasm) {
			let start = Instant::now();
			let expected = run_native(architecture, &artifact, input);
			*native = native.min(start.elapsed().as_secs_f64());

			let call = (architecture, &artifact, input).encode();
			let start = Instant::now();
			let answer = node::call("InferenceApi_run", &call);
			*wasm = wasm.min(start.elapsed().as_secs_f64());
			let answer = Answer::decode(&mut &answer[..]).expect("it is an answer");
			assert_eq!(answer, expected, "Wasm and native give the same bytes");
		}
	}
	(Times::new(native), Times::new(wasm))
}

fn run_native(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	Model::load(architecture, artifact)?.run(input)
}

fn small() -> Config {
	Config {
		class: Class::Q8,
		vocab: 4096,
		hidden: 192,
		intermediate: 512,
		layers: 6,
		heads: 6,
		kv_heads: 2,
		head_dim: 32,
		max_positions: 512,
		rope_theta: Real::new(10_000.0),
		rope_scaling: RopeScaling::None,
		rms_eps: Real::new(1e-5),
		tied: true,
		biases: Biases::default(),
		stop: Default::default(),
	}
}

/// About as large as what fits into a runtime's memory.
fn large() -> Config {
	Config {
		hidden: 384,
		intermediate: 1024,
		layers: 5,
		heads: 6,
		kv_heads: 2,
		head_dim: 64,
		..small()
	}
}
