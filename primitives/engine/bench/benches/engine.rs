//! Tokens and texts a second, load time, and the memory that loading takes at most, for each
//! architecture and class; candle's beside them.

use codec::Encode;
use divan::{
	black_box,
	counter::{BytesCount, ItemsCount},
	AllocProfiler, Bencher,
};
use dodona_engine::{golden, self_test, Architecture, Class};
use dodona_engine_bench::{
	candle, engine::Engine, in_class, shapes, tokens, LanguageModel, Weights,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{env, fmt, path::Path};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const PREFILL: usize = 512;
const DECODE: usize = 128;
const TEXT: usize = 128;

/// Whose numbers are asked for.
#[derive(Clone, Copy, Debug)]
enum Who {
	Ours(Class),
	Candle,
}

impl Who {
	const ALL: [Self; 3] = [Self::Ours(Class::F32), Self::Ours(Class::Q8), Self::Candle];
	const OURS: [Self; 2] = [Self::Ours(Class::F32), Self::Ours(Class::Q8)];

	fn class(self) -> Class {
		match self {
			Self::Ours(class) => class,
			Self::Candle => Class::F32,
		}
	}
}

impl fmt::Display for Who {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Ours(class) => write!(f, "{class:?}"),
			Self::Candle => write!(f, "F32 (candle)"),
		}
	}
}

/// Whose numbers, and with how many threads.
struct Case {
	who: Who,
	threads: usize,
}

impl Case {
	fn all(of: &[Who]) -> Vec<Self> {
		of.iter()
			.flat_map(|who| [1, 2].map(|threads| Self { who: *who, threads }))
			.collect()
	}

	/// The threads that it runs on.
	fn pool(&self) -> ThreadPool {
		// candle asks the environment how many it may use.
		env::set_var("RAYON_NUM_THREADS", self.threads.to_string());
		ThreadPoolBuilder::new()
			.num_threads(self.threads)
			.build()
			.expect("threads start")
	}
}

impl fmt::Display for Case {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { who, threads } = self;
		write!(f, "{who}, {threads} thread{}", if *threads == 1 { "" } else { "s" })
	}
}

/// Random weights in a file; `None` if the architecture lacks the class.
fn weights(architecture: &Architecture, who: Who, name: &str) -> Option<Weights> {
	let architecture = in_class(architecture, who.class())?;
	let name = format!("{name}-{:?}", who.class());
	let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
	Some(Weights::random(architecture, folder, &name).expect("there is room for a model"))
}

/// The bytes that are read.
fn size(weights: &Weights) -> BytesCount {
	BytesCount::new(weights.path.metadata().expect("the file is there").len())
}

fn load(bencher: Bencher, who: Who, architecture: &Architecture, name: &str) {
	let Some(weights) = weights(architecture, who, name) else { return };
	bencher
		.counter(size(&weights))
		.bench_local(|| weights.load().expect("it is a model"));
}

/// `runs` answers of a network to one input, each of which counts as `items`.
fn run(
	bencher: Bencher,
	case: &Case,
	weights: &Weights,
	input: &[u8],
	(runs, items): (usize, usize),
) {
	let model = weights.load().expect("it is a model");
	let answers = || {
		for _ in 0..runs {
			black_box(model.run(black_box(input)).expect("it is an input"));
		}
	};
	let pool = case.pool();
	bencher
		.counter(ItemsCount::new(runs * items))
		.bench_local(|| pool.install(answers));
}

#[divan::bench_group(sample_size = 1, sample_count = 5)]
mod llama {
	use super::*;

	fn model(case: &Case) -> Box<dyn LanguageModel> {
		let weights = weights(&shapes::llama(), case.who, "llama").expect("it has both classes");
		match case.who {
			Who::Ours(_) => Box::new(Engine::load(&weights).expect("it is a model")),
			Who::Candle => Box::new(candle::Llama::load(&weights).expect("it is a model")),
		}
	}

	#[divan::bench(args = Case::all(&Who::ALL))]
	fn prefill(bencher: Bencher, case: &Case) {
		let mut model = model(case);
		let tokens = tokens(32_000, PREFILL);
		let pool = case.pool();
		bencher
			.counter(ItemsCount::new(PREFILL))
			.bench_local(|| pool.install(|| model.prefill(&tokens)).expect("these are tokens"));
	}

	#[divan::bench(args = Case::all(&Who::ALL))]
	fn decode(bencher: Bencher, case: &Case) {
		let mut model = model(case);
		let pool = case.pool();
		bencher
			.counter(ItemsCount::new(DECODE))
			.bench_local(|| pool.install(|| model.decode(1, DECODE)).expect("this is a token"));
	}

	#[divan::bench(args = Who::ALL)]
	fn load(bencher: Bencher, who: Who) {
		match who {
			Who::Ours(_) => super::load(bencher, who, &shapes::llama(), "llama"),
			Who::Candle => {
				let weights = weights(&shapes::llama(), who, "llama").expect("it has this class");
				bencher
					.counter(size(&weights))
					.bench_local(|| candle::Llama::load(&weights).expect("it is a model"));
			},
		}
	}
}

#[divan::bench_group(sample_size = 1, sample_count = 20)]
mod bert {
	use super::*;

	#[divan::bench(args = Case::all(&Who::ALL))]
	fn embed(bencher: Bencher, case: &Case) {
		let weights = weights(&shapes::bert(), case.who, "bert").expect("it has both classes");
		let text = tokens(30_000, TEXT);
		if let Who::Ours(_) = case.who {
			return run(bencher, case, &weights, &text.encode(), (1, TEXT));
		}
		let bert = candle::Bert::load(&weights).expect("it is a model");
		let pool = case.pool();
		bencher
			.counter(ItemsCount::new(TEXT))
			.bench_local(|| pool.install(|| bert.embed(&text)).expect("these are tokens"));
	}

	#[divan::bench(args = Who::OURS)]
	fn load(bencher: Bencher, who: Who) {
		super::load(bencher, who, &shapes::bert(), "bert");
	}
}

#[divan::bench_group(sample_size = 1, sample_count = 50)]
mod cnn {
	use super::*;

	#[divan::bench(args = Case::all(&Who::OURS))]
	fn run(bencher: Bencher, case: &Case) {
		let architecture = shapes::cnn();
		let weights = weights(&architecture, case.who, "cnn").expect("it has both classes");
		super::run(bencher, case, &weights, &golden::input(&architecture, 1), (100, 1));
	}

	#[divan::bench(args = Who::OURS)]
	fn load(bencher: Bencher, who: Who) {
		super::load(bencher, who, &shapes::cnn(), "cnn");
	}
}

#[divan::bench_group(sample_size = 1, sample_count = 50)]
mod mlp {
	use super::*;

	#[divan::bench(args = Case::all(&[Who::Ours(Class::F32)]))]
	fn run(bencher: Bencher, case: &Case) {
		let architecture = shapes::mlp();
		let weights = weights(&architecture, case.who, "mlp").expect("it has this class");
		super::run(bencher, case, &weights, &golden::input(&architecture, 1), (100, 1));
	}

	#[divan::bench(args = [Who::Ours(Class::F32)])]
	fn load(bencher: Bencher, who: Who) {
		super::load(bencher, who, &shapes::mlp(), "mlp");
	}
}

fn main() {
	// What is fast but wrong does not count.
	self_test().expect("this build computes what the engine does");
	divan::main();
}
