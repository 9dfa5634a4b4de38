//! What a trace costs here: a language model of ten million parameters, some tokens.
//!
//! `cargo run --release -p dodona-engine --example trace`

use codec::Encode;
use dodona_engine::{
	architecture::llama::{self, Biases, RopeScaling},
	generate::{Prompt, Sampling},
	golden,
	trace::{Blake, Hash, Hasher, Program, Trace},
	Architecture, Class, Model, Real,
};
use std::{
	collections::BTreeMap,
	sync::atomic::{AtomicU64, Ordering},
	time::Instant,
};

static HASHES: AtomicU64 = AtomicU64::new(0);

/// Counts.
struct Counted;

impl Hasher for Counted {
	fn hash(bytes: &[u8]) -> Hash {
		HASHES.fetch_add(1, Ordering::Relaxed);
		Blake::hash(bytes)
	}
}

fn main() {
	for class in [Class::Q8, Class::F32] {
		measure(class);
	}
}

fn measure(class: Class) {
	let config = llama::Config {
		class,
		vocab: 16_384,
		hidden: 256,
		intermediate: 768,
		layers: 8,
		heads: 8,
		kv_heads: 4,
		head_dim: 32,
		max_positions: 512,
		rope_theta: Real::new(10_000.0),
		rope_scaling: RopeScaling::None,
		rms_eps: Real::new(1e-5),
		tied: true,
		biases: Biases::default(),
		stop: Default::default(),
	};
	let architecture = Architecture::Llama(config);
	let artifact = golden::artifact(&architecture, 1, 1.0).expect("a valid configuration");
	let prompt = Prompt {
		tokens: (0..16).collect(),
		max_tokens: 16,
		sampling: Sampling::Greedy,
		stop: Vec::new(),
	};
	let input = prompt.encode();
	let model = Model::load(&architecture, &artifact).expect("its own weights");
	let start = Instant::now();
	model.run(&input).expect("finite results");
	let plain = start.elapsed();

	let program = Program::new(&architecture, &input).expect("an input of its own");
	let (steps, depth) = (program.steps(), program.depth());
	println!(
		"{class:?}: {} parameters, {} tokens given, {} generated: {steps} steps, depth {depth}, memory {} levels",
		architecture.parameters(),
		prompt.tokens.len(),
		prompt.max_tokens,
		program.memory_depth(),
	);
	let start = Instant::now();
	let trace = Trace::<Blake>::record(&program, &artifact, None).expect("a trace");
	println!("run {plain:?}, recorded {:?}", start.elapsed());
	let counted = Trace::<Counted>::record(&program, &artifact, None).expect("a trace");
	let all = HASHES.swap(0, Ordering::Relaxed);
	let pages = artifact.len().div_ceil(1024) * 2;
	println!("{all} hashes, of these about {pages} for the weights");
	drop(counted);

	// The last step of each kind that has most to open.
	let mut most: BTreeMap<_, (usize, u64, u64)> = BTreeMap::new();
	let weights = trace.weights_root();
	let mut work = BTreeMap::new();
	for step in (0..steps).step_by(7) {
		let (before, witness) = trace.witness(step).expect("a step of the trace");
		let state = before.map_or_else(|| program.start::<Blake>(), |(state, _)| state);
		HASHES.store(0, Ordering::Relaxed);
		let start = Instant::now();
		program
			.execute::<Counted>(step, &state, &weights, artifact.len() as u64, &witness)
			.expect("its own witness");
		let time = start.elapsed().as_micros() as u64;

		let hashes = HASHES.load(Ordering::Relaxed);
		let operation = program.describe(step).expect("a step").operation;
		let entry = most.entry(operation).or_default();
		let size = witness.encoded_size();
		*entry = (entry.0.max(size), entry.1.max(hashes), entry.2.max(time));
		work.insert(operation, program.cost(step).expect("a step"));
	}
	println!("operation, bytes of a witness, hashes, microseconds natively, cost");
	for (operation, (size, hashes, time)) in most {
		println!("{operation}, {size}, {hashes}, {time}, {:?}", work.get(&operation));
	}
}
