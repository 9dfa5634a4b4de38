//! A model takes little more memory than its weights and its cache.
#![allow(unsafe_code)]

use dodona_engine::{
	architecture::llama::{Biases, Config},
	artifact::Source,
	generate::{Prompt, Sampling},
	golden, Architecture, Class, EngineError, Model,
};
use std::{
	alloc::{GlobalAlloc, Layout, System},
	ops::ControlFlow,
	sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Counts the bytes that are allocated, and the most that were at once.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system's own.
unsafe impl GlobalAlloc for Counting {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
		MOST.fetch_max(now, Relaxed);
		unsafe { System.alloc(layout) }
	}

	unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
		NOW.fetch_sub(layout.size(), Relaxed);
		unsafe { System.dealloc(pointer, layout) }
	}
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file whose data is the same value, 1/64, again and again, and never in memory.
struct Constant {
	header: Vec<u8>,
	len: u64,
}

impl Source for Constant {
	fn len(&self) -> u64 {
		self.len
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		let value = 0.015_625f32.to_le_bytes();
		for (at, byte) in (offset..).zip(buf) {
			let data = at.checked_sub(self.header.len() as u64);
			*byte = match data {
				None => self.header[at as usize],
				Some(at) => value[at as usize % 4],
			};
		}
		Ok(())
	}
}

/// A file with the tensors that a golden artifact of `config` would have.
fn constant(config: &Config) -> Constant {
	let mut header = String::from("{");
	let mut at = 0u64;
	let mut tensor = |name: String, dtype: &str, shape: &[u32]| {
		let size = if dtype == "I8" { 1 } else { 4 };
		let end = at + shape.iter().map(|size| u64::from(*size)).product::<u64>() * size;
		let comma = if at == 0 { "" } else { "," };
		header += &format!(
			r#"{comma}"{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
		);
		at = end;
	};
	let mut matrix = |name: String, outputs: u32, inputs: u32| match config.class {
		Class::F32 => tensor(name + ".weight", "F32", &[outputs, inputs]),
		Class::Q8 => {
			tensor(format!("{name}.weight"), "I8", &[outputs, inputs]);
			tensor(format!("{name}.weight_scale"), "F32", &[outputs]);
		},
	};
	let (attention, kv) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
	matrix("model.embed_tokens".into(), config.vocab, config.hidden);
	for layer in 0..config.layers {
		let mut of = |name: &str, outputs, inputs| {
			matrix(format!("model.layers.{layer}.{name}"), outputs, inputs);
		};
		of("self_attn.q_proj", attention, config.hidden);
		of("self_attn.k_proj", kv, config.hidden);
		of("self_attn.v_proj", kv, config.hidden);
		of("self_attn.o_proj", config.hidden, attention);
		of("mlp.gate_proj", config.intermediate, config.hidden);
		of("mlp.up_proj", config.intermediate, config.hidden);
		of("mlp.down_proj", config.hidden, config.intermediate);
	}
	let norms = (0..config.layers).flat_map(|layer| {
		["input_layernorm", "post_attention_layernorm"]
			.map(|name| format!("model.layers.{layer}.{name}.weight"))
	});
	for norm in norms.chain(["model.norm.weight".into()]) {
		tensor(norm, "F32", &[config.hidden]);
	}
	header.push('}');
	let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
	bytes.extend_from_slice(header.as_bytes());
	Constant { len: bytes.len() as u64 + at, header: bytes }
}

#[test]
fn model_should_take_little_more_memory_than_weights_and_cache() {
	for class in [Class::F32, Class::Q8] {
		let config = Config {
			vocab: 4_000,
			hidden: 256,
			intermediate: 700,
			layers: 6,
			heads: 4,
			kv_heads: 2,
			head_dim: 64,
			max_positions: 512,
			tied: true,
			biases: Biases::default(),
			..golden::llama::config(class, 0)
		};
		let source = constant(&config);
		let weights = match class {
			Class::F32 => config.parameters() * 4,
			Class::Q8 => config.parameters(),
		};
		let before = NOW.load(Relaxed);
		MOST.store(before, Relaxed);
		let architecture = Architecture::Llama(config.clone());
		let model = Model::load_from(&architecture, &[&source]).unwrap();
		let taken = (MOST.load(Relaxed) - before) as f64 / weights as f64;
		assert!(taken < 1.1, "{class:?}: {taken} of the weights to load");

		let prompt = Prompt {
			tokens: vec![1; 200],
			max_tokens: 20,
			sampling: Sampling::Greedy,
			stop: vec![],
		};
		let llama = model.llama().unwrap();
		let generated = llama.generate(&prompt, &mut |_| ControlFlow::Continue(())).unwrap();
		assert_eq!(generated.tokens.len(), 20);
		let cache = config.cache_bytes() * 220;
		let taken = (MOST.load(Relaxed) - before) as f64 - cache as f64;
		let taken = taken / weights as f64;
		assert!(taken < 1.2, "{class:?}: {taken} of the weights to run");
		assert!(model.bytes() as u64 >= weights && model.bytes() as u64 <= weights * 11 / 10);
	}
}
