//! What the steps of a dispute take in the runtime's Wasm, executed as a node executes it, next to
//! the weight that they are paid by: for each kind of operation the step with the most work.
//!
//! `cargo bench -p dodona-runtime --bench steps --profile dev`

#[path = "../tests/engine_parity/node.rs"]
mod node;

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::{
		bert, cnn,
		llama::{Biases, Config, RopeScaling},
	},
	generate::{Prompt, Sampling},
	golden,
	trace::{Operation, Program, Trace},
	Architecture, Class, Real,
};
use dodona_primitives_models::{pages_root, Blake2};
use dodona_runtime::Runtime;
use pallet_inference::weights::{SubstrateWeight, WeightInfo};
use sp_core::H256;
use std::{collections::BTreeMap, time::Instant};

/// Executions of each step, of which the fastest counts: others may be using the machine.
const ROUNDS: usize = 15;

fn main() {
	println!("| model | operation | work | witness, bytes | Wasm, ms | weight, ms | margin |");
	println!("|---|---|---|---|---|---|---|");
	let mut least = f64::MAX;
	for (name, architecture) in models() {
		least = least.min(measure(name, &architecture));
	}
	println!("the least margin is {least:.1}");
}

/// Prints a line for each kind of operation; returns the least margin.
fn measure(name: &str, architecture: &Architecture) -> f64 {
	let artifact = golden::artifact(architecture, 1, 1.0).expect("it is a configuration");
	let input = match architecture {
		Architecture::Llama(_) => {
			let tokens = (0..96).map(|at| at * 31 % 4096).collect();
			let sampling = Sampling::Sample {
				temperature: Real::new(1.0),
				top_k: 0,
				top_p: Real::new(0.9),
				seed: 1,
			};
			Prompt { tokens, max_tokens: 8, sampling, stop: vec![] }.encode()
		},
		_ => golden::input(architecture, 1),
	};
	let program = Program::new(architecture, &input).expect("the input is right");
	let trace = Trace::<Blake2>::record(&program, &artifact, None).expect("the model loads");
	let mut most = BTreeMap::<Operation, (u64, u64)>::new();
	for step in 0..program.steps() {
		let (Some(described), Some(cost)) = (program.describe(step), program.cost(step)) else {
			continue;
		};
		// Of those that cost the same the last, where most has gone before.
		let entry = most.entry(described.operation).or_default();
		if cost.work >= entry.1 {
			*entry = (step, cost.work);
		}
	}
	let mut least = f64::MAX;
	for (operation, (step, work)) in most {
		let (before, witness) = trace.witness(step).expect("there is such a step");
		let before = before.map(|(state, _)| H256(state));
		let witness = witness.encode();
		let pages = pages_root(&artifact);
		let size = artifact.len() as u64;
		let call = (architecture, &input, pages, size, step, before, &witness).encode();
		let mut seconds = f64::MAX;
		for _ in 0..ROUNDS {
			let start = Instant::now();
			let after = node::call("InferenceApi_execute_step", &call);
			seconds = seconds.min(start.elapsed().as_secs_f64());
			assert!(Option::<H256>::decode(&mut &after[..]).expect("a state").is_some());
		}
		let once = SubstrateWeight::<Runtime>::settle(witness.len() as u32)
			.saturating_add(SubstrateWeight::<Runtime>::step(work.div_ceil(1_000) as u32));
		let weight = once.ref_time() as f64 / 1e12;
		let margin = weight / seconds;
		println!(
			"| {name} | {operation} | {work} | {} | {:.2} | {:.2} | {margin:.1} |",
			witness.len(),
			seconds * 1e3,
			weight * 1e3,
		);
		least = least.min(margin);
	}
	least
}

fn models() -> Vec<(&'static str, Architecture)> {
	let mut models = Vec::new();
	models.push(("perceptron", golden::mlp(&[4096, 256, 10])));
	for class in [Class::Q8, Class::F32] {
		models.push(("llama", Architecture::Llama(llama(class))));
		models.push(("convolutions", Architecture::Cnn(network(class))));
		models.push(("encoder", Architecture::Bert(encoder(class))));
	}
	models
}

fn llama(class: Class) -> Config {
	Config {
		class,
		vocab: 16_384,
		hidden: 256,
		intermediate: 768,
		layers: 2,
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
	}
}

fn network(class: Class) -> cnn::Config {
	let conv = |kernel, padding| cnn::Layer::Conv2d { outputs: 32, kernel, stride: 1, padding };
	let layers = vec![
		conv(5, 2),
		cnn::Layer::Relu,
		cnn::Layer::AvgPool { size: 2, stride: 1 },
		conv(1, 0),
		cnn::Layer::Tanh,
		cnn::Layer::MaxPool { size: 3, stride: 2 },
		cnn::Layer::Flatten,
		cnn::Layer::Linear { outputs: 64 },
	];
	let layers = layers.try_into().expect("a few layers");
	cnn::Config { class, channels: 8, height: 32, width: 32, layers }
}

fn encoder(class: Class) -> bert::Config {
	match golden::networks::bert(class, 0) {
		Architecture::Bert(config) => bert::Config {
			hidden: 384,
			intermediate: 1536,
			layers: 1,
			heads: 12,
			max_positions: 512,
			..config
		},
		_ => unreachable!("it is an encoder"),
	}
}
