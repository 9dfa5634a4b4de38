//! A run as a machine: its end, each of its steps, and what comes of wrong ones.

use bounded_collections::BoundedVec;
use codec::{Decode, Encode};
use dodona_engine::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
		llama::Config,
	},
	generate::{Prompt, Sampling},
	golden::{self, random::Random},
	trace::{
		self, fold, node_at, pages_root, Blake, End, Fault, Hash, Hasher, Limits, Operation,
		Program, Trace, TraceFault, Witness, LEVELS, MAX_PAGES,
	},
	Architecture, Class, EngineError, Model, Real,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, ops::ControlFlow};

mod common;

/// So few that most has to be computed again.
const FEW: Limits = Limits { hashes: 5, states: 3 };

/// A run, and what it gives.
struct Run {
	architecture: Architecture,
	artifact: Vec<u8>,
	input: Vec<u8>,
	program: Program,
	expected: Result<Vec<u8>, EngineError>,
}

impl Run {
	fn new(architecture: Architecture, artifact: Vec<u8>, input: &[u8]) -> Self {
		let model = Model::load(&architecture, &artifact).unwrap();
		trace::check(&architecture, &artifact).unwrap();
		let program = Program::new(&architecture, input).unwrap();
		let expected = model.run(input);
		Self { architecture, artifact, input: input.to_vec(), program, expected }
	}

	fn random(seed: u64, make: fn(&mut Random) -> Architecture) -> Self {
		let mut random = Random::new(seed);
		let architecture = make(&mut random);
		// Some are so large that results are not finite.
		let scale = random.one_of(&[0.25, 1.0, 1.0, 1.0, 3.0, 1e19]);
		let artifact = golden::artifact(&architecture, random.bits(), scale).unwrap();
		let mut input = random.input(&architecture);
		if let (Architecture::Llama(config), 0) = (&architecture, random.below(3)) {
			// Some end with a token that they give on the way.
			let model = Model::load(&architecture, &artifact).unwrap();
			let mut prompt = config.decode_input(&input).unwrap();
			let tokens = model.run(&input).unwrap_or_default();
			let tokens: Vec<u32> =
				tokens.as_chunks().0.iter().map(|token| u32::from_le_bytes(*token)).collect();
			prompt.stop.extend(tokens.get(tokens.len() / 2));
			input = prompt.encode();
		}
		Self::new(architecture, artifact, &input)
	}

	fn record(&self, fault: Option<Fault>, limits: Limits) -> Trace<Blake> {
		Trace::record_within(&self.program, self.artifact.clone(), fault, limits).unwrap()
	}

	fn end(&self) -> End {
		match &self.expected {
			Ok(output) => End::Output(output.clone()),
			Err(EngineError::NonFiniteResult { .. }) => End::Fault,
			Err(error) => panic!("{error}"),
		}
	}

	/// Whoever knows nothing but the artifact's root.
	fn execute(&self, step: u64, before: &Hash, witness: &Witness) -> Result<Hash, TraceFault> {
		let weights = pages_root::<Blake>(&self.artifact);
		let len = self.artifact.len() as u64;
		self.program.execute::<Blake>(step, before, &weights, len, witness)
	}

	/// Executes `step` of `trace`: the state after it, if the trace shows what it has to show.
	fn judge(&self, trace: &Trace<Blake>, step: u64) -> Hash {
		let (before, witness) = trace.witness(step).unwrap();
		let pages = witness.memory.len() + witness.weights.len();
		let most = self.program.cost(step).unwrap();
		assert!(
			pages <= most.pages as usize,
			"{:?}: {pages} pages, {most:?}",
			self.program.describe(step)
		);
		let all = self.program.max_cost();
		assert!(most.pages <= all.pages && most.work <= all.work, "{step}: {most:?}, {all:?}");
		assert!(all.pages <= MAX_PAGES, "{all:?}");
		let before = self.before(trace, step, before);
		self.execute(step, &before, &witness).unwrap()
	}

	/// The state before a step, which the trace proves.
	fn before(&self, trace: &Trace<Blake>, step: u64, proven: Option<(Hash, Vec<Hash>)>) -> Hash {
		match proven {
			None => {
				assert_eq!(step, 0);
				self.program.start::<Blake>()
			},
			Some((state, path)) => {
				assert_eq!(path.len(), self.program.depth() as usize);
				assert_eq!(node_at::<Blake>(state, step - 1, &path), trace.root());
				state
			},
		}
	}

	/// The state after `step`, as the trace has it.
	fn state(&self, trace: &Trace<Blake>, step: u64) -> Hash {
		if step + 1 == self.program.steps() {
			return trace.end().unwrap().0;
		}
		self.before(trace, step + 1, trace.witness(step + 1).unwrap().0)
	}

	fn check_end(&self, trace: &Trace<Blake>) -> End {
		let (state, path, witness, end) = trace.end().unwrap();
		let last = self.program.steps() - 1;
		assert_eq!(node_at::<Blake>(state, last, &path), trace.root());
		assert_eq!(self.program.open_end::<Blake>(&state, &witness).as_ref(), Ok(&end));
		end
	}
}

/// The first step in which two traces differ, as two parties find it.
fn descend(program: &Program, left: &Trace<Blake>, right: &Trace<Blake>) -> Option<u64> {
	let (mut a, mut b) = (left.root(), right.root());
	let (mut level, mut index) = (0, 0);
	while a != b {
		if level == program.depth() {
			return Some(index);
		}
		let (ours, theirs) =
			(left.children(level, index).unwrap(), right.children(level, index).unwrap());
		assert_eq!((fold::<Blake>(&ours), fold::<Blake>(&theirs)), (a, b));
		let down = LEVELS.min(program.depth() - level);
		assert_eq!((ours.len(), theirs.len()), (1 << down, 1 << down));
		let first = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs).unwrap();
		(a, b) = (ours[first], theirs[first]);
		level += down;
		index = (index << down) + first as u64;
	}
	None
}

fn mlp(random: &mut Random) -> Architecture {
	random.mlp()
}

fn llama(random: &mut Random) -> Architecture {
	let class = random.one_of(&[Class::F32, Class::Q8]);
	Architecture::Llama(random.llama(class))
}

fn network(random: &mut Random) -> Architecture {
	let class = random.one_of(&[Class::F32, Class::Q8]);
	Architecture::Cnn(random.cnn(class))
}

fn encoder(random: &mut Random) -> Architecture {
	let class = random.one_of(&[Class::F32, Class::Q8]);
	Architecture::Bert(random.bert(class))
}

const KINDS: [fn(&mut Random) -> Architecture; 4] = [mlp, llama, network, encoder];

/// Some steps of a run: the first, the last, and others.
fn some_steps(random: &mut Random, steps: u64, count: usize) -> Vec<u64> {
	let mut some = vec![0, 1 % steps, steps - 1];
	some.extend((0..count).map(|_| u64::from(random.bits()) % steps));
	some
}

/// Runs of each test: more if the environment asks for it.
fn cases() -> u32 {
	let asked = std::env::var("DODONA_TRACES").ok();
	asked.map_or(40, |count| count.parse().unwrap())
}

/// Random runs have to be of each kind, or the tests below show less than they seem to.
#[test]
fn random_runs_should_end_in_each_way() {
	let (mut whole, mut early, mut faults) = (0, 0, 0);
	for seed in 0..60 {
		for make in KINDS {
			let run = Run::random(seed, make);
			match &run.expected {
				Err(_) => faults += 1,
				Ok(output)
					if output.len() < run.architecture.max_output_len(&run.input) as usize =>
				{
					early += 1;
				},
				Ok(_) => whole += 1,
			}
		}
	}
	assert!(whole > 20 && early > 2 && faults > 2, "{whole} whole, {early} early, {faults} faults");
}

proptest! {
	#![proptest_config(ProptestConfig {
		failure_persistence: None,
		cases: cases(),
		..Default::default()
	})]

	#[test]
	fn run_should_end_with_the_models_answer(kind in 0..KINDS.len(), seed in any::<u64>()) {
		let run = Run::random(seed, KINDS[kind]);
		let trace = run.record(None, Limits::default());
		prop_assert_eq!(run.check_end(&trace), run.end());
		prop_assert_eq!(trace.weights_root(), pages_root::<Blake>(&run.artifact));
		// What is kept changes no node.
		let other = run.record(None, FEW);
		prop_assert_eq!(trace.root(), other.root());
		prop_assert_eq!(run.check_end(&other), run.end());
	}

	#[test]
	fn step_should_give_the_state_after_it(kind in 0..KINDS.len(), seed in any::<u64>()) {
		let run = Run::random(seed, KINDS[kind]);
		let trace = run.record(None, Limits::default());
		let mut random = Random::new(seed);
		for step in some_steps(&mut random, run.program.steps(), 20) {
			prop_assert_eq!(run.judge(&trace, step), run.state(&trace, step), "step {}", step);
		}
	}

	#[test]
	fn wrong_step_should_be_found_and_refuted(
		kind in 0..KINDS.len(),
		seed in any::<u64>(),
		step in any::<u64>(),
		at in any::<u32>(),
		bits in 1..=u8::MAX,
		words in prop_oneof![Just(1), 2..9u32, Just(u32::MAX)],
	) {
		let run = Run::random(seed, KINDS[kind]);
		let step = step % run.program.steps();
		let honest = run.record(None, FEW);
		let liar = run.record(Some(Fault { step, at, bits, words }), Limits::default());
		run.check_end(&liar);
		prop_assert_eq!(descend(&run.program, &honest, &liar), Some(step));
		let truth = run.judge(&honest, step);
		prop_assert_eq!(run.judge(&liar, step), truth);
		prop_assert_eq!(run.state(&honest, step), truth);
		prop_assert_ne!(run.state(&liar, step), truth);
		// A wrong state has one after it, too.
		for next in (step..run.program.steps()).skip(1).take(3) {
			prop_assert_eq!(run.judge(&liar, next), run.state(&liar, next));
		}
	}

	#[test]
	fn altered_witness_should_show_nothing(
		kind in 0..KINDS.len(),
		seed in any::<u64>(),
		step in any::<u64>(),
		changes in prop::collection::vec((any::<u32>(), 1..=u8::MAX), 40),
	) {
		let run = Run::random(seed, KINDS[kind]);
		let step = step % run.program.steps();
		let trace = run.record(None, Limits::default());
		let (before, witness) = trace.witness(step).unwrap();
		let before = run.before(&trace, step, before);
		let honest = witness.encode();
		for (at, bits) in changes {
			let mut bytes = honest.clone();
			let at = at as usize % bytes.len();
			bytes[at] ^= bits;
			if let Ok(altered) = Witness::decode(&mut &bytes[..]) {
				if altered != witness {
					prop_assert!(run.execute(step, &before, &altered).is_err(), "byte {}", at);
				}
			}
		}
		// Pages that are missing, too many or in another order.
		let mut short = witness.clone();
		short.memory.pop();
		prop_assert!(run.execute(step, &before, &short).is_err());
		let mut long = witness.clone();
		if long.memory.try_push([1; trace::PAGE]).is_ok() {
			prop_assert!(run.execute(step, &before, &long).is_err());
		}
		let mut turned = witness.clone();
		turned.memory = turned.memory.iter().rev().copied().collect::<Vec<_>>().try_into().unwrap();
		if turned != witness {
			prop_assert!(run.execute(step, &before, &turned).is_err());
		}
		let mut turned = witness.clone();
		turned.weights = turned.weights.iter().rev().copied().collect::<Vec<_>>().try_into().unwrap();
		if turned != witness {
			prop_assert!(run.execute(step, &before, &turned).is_err());
		}
	}

	#[test]
	fn any_bytes_should_be_executed_without_a_panic(
		kind in 0..KINDS.len(),
		seed in any::<u64>(),
		step in any::<u64>(),
		bytes in prop::collection::vec(any::<u8>(), 0..300),
	) {
		let run = Run::random(seed, KINDS[kind]);
		let step = step % run.program.steps();
		if let Ok(witness) = Witness::decode(&mut &bytes[..]) {
			prop_assert!(run.execute(step, &[1; 32], &witness).is_err());
		}
		hammer(&run, step, &mut Random::new(seed));
	}
}

/// Executes `step` on as many pages as there can be, of any bytes, floats, small numbers and zeros.
fn hammer(run: &Run, step: u64, random: &mut Random) {
	let most = run.program.cost(step).unwrap().pages;
	for filling in 0..4 {
		let mut page = || {
			let mut page = [0; trace::PAGE];
			for place in page.as_chunks_mut::<4>().0 {
				*place = match filling {
					0 => random.bits().to_le_bytes(),
					1 => random.float().to_le_bytes(),
					2 => random.below(5).to_le_bytes(),
					_ => [0; 4],
				};
			}
			page
		};
		let mut witness = Witness {
			memory: Default::default(),
			memory_hashes: Default::default(),
			weights: Default::default(),
			weights_hashes: Default::default(),
		};
		for number in 0..most {
			// The first says how the run stands.
			let page = if number == 0 { [0; trace::PAGE] } else { page() };
			witness.memory.try_push(page).unwrap();
		}
		assert!(run.execute(step, &[1; 32], &witness).is_err());
		witness.memory.truncate(most as usize / 2);
		for _ in most / 2..most {
			witness.weights.try_push(page()).unwrap();
		}
		assert!(run.execute(step, &[1; 32], &witness).is_err());
		let mut one = witness.clone();
		one.memory.truncate(1);
		assert!(run.execute(step, &[1; 32], &one).is_err());
		witness.weights.try_push(page()).unwrap();
		let got = most + 1;
		let refused = run.execute(step, &[1; 32], &witness);
		assert_eq!(refused, Err(TraceFault::TooManyPages { got, most }));
	}
}

/// One run of each kind of schedule that random ones are too small for.
fn large_runs() -> Vec<(&'static str, Run)> {
	let config = golden::llama::config(Class::F32, 0);
	let run = |config: Config, tokens: u32, max_tokens: u32, sampling: Sampling| {
		let architecture = Architecture::Llama(config.clone());
		let mut random = Random::new(9);
		let tokens = (0..tokens).map(|_| random.below(config.vocab)).collect();
		let prompt = Prompt { tokens, max_tokens, sampling, stop: Vec::new() };
		let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
		Run::new(architecture, artifact, &prompt.encode())
	};
	let sample =
		Sampling::Sample { temperature: Real::new(1.3), top_k: 50, top_p: Real::new(0.9), seed: 7 };
	vec![
		("perceptron with several tiles", {
			let architecture = golden::mlp(&[1_500, 90, 1_000]);
			let artifact = golden::artifact(&architecture, 3, 0.05).unwrap();
			Run::new(architecture.clone(), artifact, &golden::input(&architecture, 3))
		}),
		("rows in several parts", {
			let config = Config { hidden: 8, intermediate: 40_000, layers: 1, ..config.clone() };
			run(config, 2, 1, Sampling::Greedy)
		}),
		("quantised rows that are long", {
			let config = Config {
				class: Class::Q8,
				hidden: 8,
				intermediate: 65_536,
				layers: 1,
				..config.clone()
			};
			run(config, 2, 1, Sampling::Greedy)
		}),
		("several blocks of positions and of heads", {
			let config = Config {
				hidden: 16,
				heads: 16,
				kv_heads: 8,
				head_dim: 256,
				layers: 1,
				max_positions: 100,
				..config.clone()
			};
			run(config, 60, 3, sample)
		}),
		("logits in several parts", {
			let config = Config {
				vocab: 200_000,
				hidden: 2,
				layers: 1,
				stop: Default::default(),
				..config.clone()
			};
			run(config, 2, 2, Sampling::Greedy)
		}),
		("a choice by chance among more than a step looks at", {
			let config = Config { vocab: 100_000, hidden: 2, layers: 1, ..config.clone() };
			run(config, 2, 2, sample)
		}),
		("a choice among many by chance", {
			let config = Config { vocab: 90_000, hidden: 2, layers: 1, ..config };
			run(config, 2, 2, sample)
		}),
	]
}

/// The same of networks and encoders.
fn large_networks() -> Vec<(&'static str, Run)> {
	let run = |architecture: Architecture, input: &[u8]| {
		let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
		Run::new(architecture, artifact, input)
	};
	let mut runs = Vec::new();
	let mut network = |name, class, [channels, height, width]: [u32; 3], layers: &[Layer]| {
		let layers = BoundedVec::truncate_from(layers.to_vec());
		let architecture =
			Architecture::Cnn(cnn::Config { class, channels, height, width, layers });
		architecture.validate().unwrap();
		let input = golden::input(&architecture, 3);
		runs.push((name, run(architecture, &input)));
	};
	let conv =
		|outputs, kernel, stride, padding| Layer::Conv2d { outputs, kernel, stride, padding };
	let (small, wide) = ([1, 128, 128], conv(64, 1, 1, 0));
	for class in [Class::F32, Class::Q8] {
		network("windows that are large", class, small, &[wide, conv(2, 32, 96, 0)]);
		network("lines that are many", class, small, &[conv(1, 256, 100, 255)]);
		network("channels that are many", class, [16_384, 1, 1], &[conv(2, 2, 1, 1)]);
		network("a first layer of many channels", class, [4_096, 2, 2], &[conv(20, 2, 1, 1)]);
		network(
			"a usual network",
			class,
			[3, 64, 64],
			&[
				conv(16, 3, 1, 1),
				Layer::Relu,
				Layer::MaxPool { size: 3, stride: 2 },
				conv(40, 1, 2, 0),
				Layer::Tanh,
				conv(40, 3, 1, 1),
				Layer::AvgPool { size: 2, stride: 2 },
				Layer::Flatten,
				Layer::Linear { outputs: 10 },
			],
		);
	}
	for pool in [Layer::MaxPool { size: 64, stride: 64 }, Layer::AvgPool { size: 64, stride: 60 }] {
		network("pools of large windows", Class::F32, small, &[wide, pool, Layer::Relu]);
	}
	for pool in [Layer::MaxPool { size: 2, stride: 1 }, Layer::AvgPool { size: 2, stride: 1 }] {
		let layers = [conv(65_536, 1, 1, 0), pool, conv(3, 1, 1, 0)];
		network("pools of many channels", Class::Q8, [1, 2, 3], &layers);
	}
	network("nothing to compute", Class::F32, [1, 4, 4], &[Layer::Flatten]);

	let base = bert::Config {
		class: Class::F32,
		vocab: 50,
		max_positions: 1_000,
		types: 1,
		hidden: 64,
		intermediate: 20,
		layers: 1,
		heads: 2,
		norm_eps: Real::new(1e-12),
		activation: Activation::Gelu,
		pooling: Pooling::Mean,
		normalize: true,
	};
	let mut encoder = |name, config: bert::Config, tokens: u32| {
		let mut random = Random::new(4);
		let tokens: Vec<u32> = (0..tokens).map(|_| random.below(config.vocab)).collect();
		runs.push((name, run(Architecture::Bert(config), &tokens.encode())));
	};
	encoder("tokens that are many", base.clone(), 700);
	encoder(
		"rows in several parts, of an encoder",
		bert::Config { hidden: 8, intermediate: 40_000, ..base.clone() },
		3,
	);
	encoder(
		"quantised rows that are long, of an encoder",
		bert::Config { class: Class::Q8, hidden: 8, intermediate: 65_536, ..base.clone() },
		3,
	);
	let config = bert::Config { class: Class::Q8, hidden: 1_024, heads: 1, ..base };
	encoder("vectors that are long", config, 50);
	runs
}

#[test]
fn encoder_should_be_traced_by_the_names_of_its_file() {
	use dodona_engine::artifact::Tensors;
	let architecture = golden::networks::bert(Class::F32, 0);
	let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
	let source = &artifact[..];
	let tensors = Tensors::open(&[&source]).unwrap();
	let renamed: Vec<common::Tensor> = tensors
		.names()
		.map(|name| {
			let shape = tensors.shape(name).unwrap();
			let sizes: Vec<u32> = shape.iter().map(|size| *size as u32).collect();
			let mut values = Vec::new();
			let read = tensors.for_each_row(name, &sizes, |row| {
				values.extend_from_slice(row);
				Ok(())
			});
			read.unwrap();
			let early = name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta");
			let shape: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
			common::floats(&format!("bert.{early}"), &shape, &values)
		})
		.collect();
	let run = Run::new(architecture, common::file(&renamed), &[3u32, 1, 4].to_vec().encode());
	let trace = run.record(None, Limits::default());
	assert!(run.expected.is_ok());
	assert_eq!(run.check_end(&trace), run.end());
	assert_eq!(run.judge(&trace, 0), run.state(&trace, 0));
}

#[test]
fn large_run_should_end_with_the_models_answer_and_fit_its_witnesses() {
	for (name, run) in large_runs().into_iter().chain(large_networks()) {
		let trace = run.record(None, Limits::default());
		assert_eq!(run.check_end(&trace), run.end(), "{name}");
		let mut random = Random::new(1);
		let mut sizes: BTreeMap<Operation, usize> = BTreeMap::new();
		for step in some_steps(&mut random, run.program.steps(), 60) {
			assert_eq!(run.judge(&trace, step), run.state(&trace, step), "{name}, step {step}");
			let operation = run.program.describe(step).unwrap().operation;
			if !sizes.contains_key(&operation) {
				hammer(&run, step, &mut random);
			}
			let size = trace.witness(step).unwrap().1.encoded_size();
			assert!(size <= 512 * 1024, "{name}, {operation}: {size} bytes");
			let most = sizes.entry(operation).or_default();
			*most = size.max(*most);
		}
		println!("{name}: {} steps, {sizes:?}, {:?}", run.program.steps(), run.program.max_cost());
	}
}

#[test]
fn every_step_should_have_its_place() {
	for seed in 0..30 {
		for make in KINDS {
			let run = Run::random(seed, make);
			let steps = run.program.steps();
			let mut seen = std::collections::BTreeSet::new();
			let mut last = None;
			for step in 0..steps {
				let place = run.program.describe(step).unwrap();
				let key = (place.token, place.layer, place.operation, place.tile);
				assert!(seen.insert(key), "{:?}: {place:?} twice", run.architecture);
				let now = match run.architecture {
					// Tokens come one after the other.
					Architecture::Llama(_) => (place.token, place.layer),
					_ => (place.layer, 0),
				};
				assert!(last.is_none_or(|last| last <= now), "{place:?} after {last:?}");
				last = Some(now);
			}
			assert_eq!(run.program.describe(steps), None);
			assert_eq!(run.program.cost(steps), None);
			assert!(1u64 << run.program.depth() >= steps);
		}
	}
}

#[test]
fn every_kind_of_wrong_step_should_be_found() {
	let mut kinds: BTreeMap<Operation, u32> = BTreeMap::new();
	for seed in 1..=6 {
		for make in KINDS {
			let run = Run::random(seed, make);
			let honest = run.record(None, Limits::default());
			let mut done = std::collections::BTreeSet::new();
			for step in 0..run.program.steps() {
				let operation = run.program.describe(step).unwrap().operation;
				if !done.insert(operation) {
					continue;
				}
				let fault = Fault { step, at: 2, bits: 0x40, words: 1 };
				let liar = run.record(Some(fault), Limits::default());
				assert_eq!(descend(&run.program, &honest, &liar), Some(step), "{operation}");
				let truth = run.judge(&liar, step);
				assert_eq!(run.state(&honest, step), truth, "{operation}");
				assert_ne!(run.state(&liar, step), truth, "{operation}");
				*kinds.entry(operation).or_default() += 1;
			}
		}
	}
	let all = Operation::ALL;
	assert!(all.iter().all(|kind| kinds.contains_key(kind)), "{kinds:?}");
}

#[test]
fn later_steps_should_change_nothing_when_the_run_has_ended() {
	let config = golden::llama::config(Class::F32, 0);
	let architecture = Architecture::Llama(config.clone());
	let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
	let prompt = |stop: Vec<u32>| {
		let tokens = vec![1, 2, 3];
		Prompt { tokens, max_tokens: 6, sampling: Sampling::Greedy, stop }.encode()
	};
	let model = Model::load(&architecture, &artifact).unwrap();
	let tokens = model.run(&prompt(Vec::new())).unwrap();
	let third = u32::from_le_bytes(tokens.as_chunks().0[0]);
	let run = Run::new(architecture, artifact, &prompt(vec![third]));
	assert_eq!(run.expected.as_ref().unwrap().len(), 4, "it has to end early");
	let trace = run.record(None, FEW);
	assert_eq!(run.check_end(&trace), run.end());
	let last = run.program.steps() - 1;
	let (state, witness) = trace.witness(last).unwrap();
	let (memory, weights) = (witness.memory.len(), witness.weights.len());
	assert_eq!((memory, weights), (1, 0));
	assert_eq!(run.state(&trace, last), state.unwrap().0);
}

#[test]
fn weights_of_sixteen_bits_should_give_the_models_answer() {
	use dodona_engine::artifact::Tensors;
	use safetensors::Dtype;
	for dtype in [Dtype::F16, Dtype::BF16] {
		let architecture = Architecture::Llama(golden::llama::config(Class::F32, 1));
		let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
		let source = &artifact[..];
		let tensors = Tensors::open(&[&source]).unwrap();
		let short: Vec<common::Tensor> = tensors
			.names()
			.map(|name| {
				let shape = tensors.shape(name).unwrap();
				let sizes: Vec<u32> = shape.iter().map(|size| *size as u32).collect();
				let mut bytes = Vec::new();
				tensors
					.for_each_row(name, &sizes, |row| {
						for value in row {
							bytes.extend(match dtype {
								Dtype::F16 => half::f16::from_f32(*value).to_le_bytes(),
								_ => half::bf16::from_f32(*value).to_le_bytes(),
							});
						}
						Ok(())
					})
					.unwrap();
				let shape = shape.iter().map(|size| *size as usize).collect();
				(name.to_string(), dtype, shape, bytes)
			})
			.collect();
		let input = golden::input(&architecture, 3);
		let run = Run::new(architecture, common::file(&short), &input);
		let trace = run.record(None, Limits::default());
		assert_eq!(run.check_end(&trace), run.end());
		for step in 0..run.program.steps().min(60) {
			assert_eq!(run.judge(&trace, step), run.state(&trace, step));
		}
	}
}

#[test]
fn trace_should_say_what_it_can_not_be_asked() {
	let run = Run::random(1, mlp);
	let trace = run.record(None, Limits::default());
	let (depth, steps) = (run.program.depth(), run.program.steps());
	assert_eq!(trace.children(depth, 0), Err(TraceFault::NoSuchNode));
	assert_eq!(trace.children(0, 1), Err(TraceFault::NoSuchNode));
	assert_eq!(trace.children(u32::MAX, 0), Err(TraceFault::NoSuchNode));
	assert_eq!(trace.witness(steps), Err(TraceFault::NoSuchStep));
	let (_, witness) = trace.witness(0).unwrap();
	let start = run.program.start::<Blake>();
	assert_eq!(run.execute(steps, &start, &witness), Err(TraceFault::NoSuchStep));
	assert_eq!(run.execute(0, &[7; 32], &witness), Err(TraceFault::OtherState));
	let len = run.artifact.len() as u64;
	let program = &run.program;
	let other = program.execute::<Blake>(0, &start, &[7; 32], len, &witness);
	assert_eq!(other, Err(TraceFault::OtherWeights));
}

#[test]
fn file_should_have_no_trace_when_its_header_is_too_long() {
	let architecture = Architecture::Llama(golden::llama::config(Class::F32, 0));
	let artifact = golden::artifact(&architecture, 5, 1.0).unwrap();
	let (len, rest) = artifact.split_first_chunk::<8>().unwrap();
	let spaces = |count: usize| {
		let (header, data) = rest.split_at(u64::from_le_bytes(*len) as usize);
		let mut header = header.to_vec();
		header.resize(header.len() + count, b' ');
		[&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
	};
	let input = golden::input(&architecture, 3);
	let room = 384 * 1024 - u64::from_le_bytes(*len) as usize;
	let run = Run::new(architecture.clone(), spaces(room), &input);
	let trace = run.record(None, Limits::default());
	assert_eq!(run.check_end(&trace), run.end());
	assert_eq!(run.judge(&trace, 0), run.state(&trace, 0));

	let long = spaces(room + 1);
	assert!(Model::load(&architecture, &long).is_ok());
	assert!(trace::check(&architecture, &long).is_err());
	// Another model's file.
	assert!(trace::check(&golden::mlp(&[2, 2]), &artifact).is_err());
}

#[test]
fn recording_should_end_when_it_is_told_to() {
	let run = Run::new(
		golden::mlp(&[40, 30, 20, 10, 3]),
		golden::artifact(&golden::mlp(&[40, 30, 20, 10, 3]), 5, 1.0).unwrap(),
		&golden::input(&golden::mlp(&[40, 30, 20, 10, 3]), 5),
	);
	let steps = run.program.steps();
	assert!(steps > 3);
	let record = |most: u64| {
		let mut seen = 0;
		let trace = Trace::<Blake>::record_in_steps(
			&run.program,
			run.artifact.clone(),
			None,
			Limits::default(),
			&mut || {
				seen += 1;
				if seen > most {
					ControlFlow::Break(())
				} else {
					ControlFlow::Continue(())
				}
			},
		);
		(trace.unwrap().map(|trace| trace.root()), seen)
	};
	assert_eq!(record(3), (None, 4));
	let whole = run.record(None, Limits::default()).root();
	assert_eq!(record(steps), (Some(whole), steps));
}

/// Roots that every build has to get.
#[test]
fn roots_should_be_the_same_in_every_build() {
	let mut got = Vec::new();
	let seeds = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3), (1, 3)];
	for (seed, kind) in seeds {
		let make = KINDS[kind];
		let run = Run::random(seed, make);
		let trace = run.record(None, Limits::default());
		let root = Blake::hash(&[trace.root(), trace.weights_root()].concat());
		got.push((run.program.steps(), u64::from_le_bytes(*root.first_chunk().unwrap())));
	}
	let expected = [
		(0x6, 0xeca8_a2a3_f0ba_7e16),
		(0x5, 0x1d7c_edc2_e9be_0719),
		(0x262, 0xfbaf_5893_82ab_5e3e),
		(0x1b1, 0x879d_cd47_6744_68a1),
		(0x7c, 0xddc4_f035_029c_261d),
		(0xa, 0x3545_063c_cdb4_1869),
		(0x17, 0x0328_08bf_c722_edd6),
		(0x1a7, 0xbbe2_bf7f_bb13_b48b),
		(0xa4, 0x185e_bbaf_10ee_e36b),
	];
	assert_eq!(got, expected, "got {got:#x?}");
}
