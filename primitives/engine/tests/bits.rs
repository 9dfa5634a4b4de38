//! The bits of many answers as a few numbers, which every build has to get: any optimisation, any
//! processor that it is made for, any kernel that the processor at hand has.

use codec::Encode;
use dodona_engine::{
	architecture::llama::{Config, Logits, Scratch, Sequence},
	artifact::Tensors,
	golden::{self, random::Random},
	numeric::{
		attention::{self, LANES},
		math,
		matrix::{F32Builder, Matrix, Q8Builder},
		Kernel,
	},
	quantize::quantize,
	Architecture, Class, EngineError, Model, Real,
};

/// Models of each kind.
const MODELS: u64 = 32;
/// Products and functions of each kind.
const CALLS: u64 = 64;

/// 64-bit FNV-1a.
struct Hash(u64);

impl Hash {
	fn new() -> Self {
		Self(0xcbf2_9ce4_8422_2325)
	}

	fn bytes(&mut self, bytes: &[u8]) {
		for byte in bytes {
			self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
		}
	}

	fn floats(&mut self, values: &[f32]) {
		for value in values {
			self.bytes(&value.to_bits().to_le_bytes());
		}
	}
}

/// The answers of random models; those of language models with all of their logits.
fn models(first: u64, make: fn(&mut Random) -> Architecture) -> u64 {
	let mut hash = Hash::new();
	for seed in first..first + MODELS {
		let mut random = Random::new(seed);
		let architecture = make(&mut random);
		let scale = random.one_of(&[0.25, 1.0, 1.0, 3.0]);
		let artifact = golden::artifact(&architecture, random.bits(), scale).unwrap();
		let model = Model::load(&architecture, &artifact).unwrap();
		for _ in 0..3 {
			let input = random.input(&architecture);
			let answer = model.run(&input);
			assert!(
				matches!(answer, Ok(_) | Err(EngineError::NonFiniteResult { .. })),
				"{architecture:?}: {answer:?}"
			);
			hash.bytes(&answer.encode());
			if let Architecture::Llama(config) = &architecture {
				let tokens = config.decode_input(&input).unwrap().tokens;
				logits(&model, &tokens, &mut hash);
			}
		}
	}
	hash.0
}

fn logits(model: &Model, tokens: &[u32], hash: &mut Hash) {
	let llama = model.llama().unwrap();
	let mut cache = llama.cache();
	let mut sequences = [Sequence::new(&mut cache, tokens, Logits::All)];
	llama.forward(&mut sequences, &mut Scratch::default(), &mut |_, _, logits| {
		hash.floats(logits);
	});
	hash.bytes(&cache.save());
}

/// A llama with room for whole groups of tiles, and a text of more rows than are taken at once.
fn large(class: Class) -> u64 {
	let config = Config {
		class,
		vocab: 1_201,
		hidden: 200,
		intermediate: 500,
		layers: 2,
		heads: 6,
		kv_heads: 2,
		head_dim: 40,
		max_positions: 200,
		rms_eps: Real::new(1e-5),
		..golden::llama::config(class, 0)
	};
	let architecture = Architecture::Llama(config.clone());
	let artifact = golden::artifact(&architecture, 77, 1.0).unwrap();
	let model = Model::load(&architecture, &artifact).unwrap();
	let mut random = Random::new(77);
	let tokens: Vec<u32> = (0..150).map(|_| random.below(config.vocab)).collect();
	let mut hash = Hash::new();
	logits(&model, &tokens, &mut hash);
	hash.0
}

fn floats(random: &mut Random, count: usize) -> Vec<f32> {
	(0..count).map(|_| random.float()).collect()
}

fn products(kernel: Kernel, class: Class) -> u64 {
	let mut hash = Hash::new();
	for seed in 0..CALLS {
		let mut random = Random::new(1_000 + seed);
		let (inputs, outputs) = (random.up_to(300) as usize, random.up_to(200) as usize);
		let matrix: Matrix = match class {
			Class::F32 => {
				let mut builder = F32Builder::new(outputs, inputs);
				for _ in 0..outputs {
					builder.push_row(&floats(&mut random, inputs)).unwrap();
				}
				builder.finish().unwrap()
			},
			Class::Q8 => {
				let mut builder = Q8Builder::new(outputs, inputs);
				for _ in 0..outputs {
					let row: Vec<i8> = (0..inputs).map(|_| random.bits() as i8).collect();
					builder.push_row(&row, random.float()).unwrap();
				}
				builder.finish().unwrap()
			},
		};
		let rows = random.up_to(14) as usize;
		let mut out = vec![0.0; rows * outputs];
		matrix.product_with(kernel, &floats(&mut random, rows * inputs), &mut out);
		hash.floats(&out);
	}
	hash.0
}

fn attention(kernel: Kernel) -> u64 {
	let mut hash = Hash::new();
	for seed in 0..CALLS {
		let mut random = Random::new(2_000 + seed);
		let (dim, blocks) = (random.up_to(96) as usize, random.up_to(9) as usize);
		let query = floats(&mut random, dim);
		let cache = floats(&mut random, blocks * dim * LANES);
		let keys = cache.chunks_exact(dim * LANES).map(|keys| keys.as_chunks().0);
		let mut scores = vec![[0.0; LANES]; blocks];
		attention::scores(kernel, &query, keys, &mut scores);
		hash.floats(scores.as_flattened());

		let shares = floats(&mut random, blocks * LANES - random_rest(seed));
		let mut out = vec![0.0; dim];
		attention::mix(kernel, &shares, cache.chunks_exact(dim * LANES), &mut out);
		hash.floats(&out);
	}
	hash.0
}

/// Positions that the last block lacks.
fn random_rest(seed: u64) -> usize {
	(seed * 7) as usize % LANES
}

fn functions() -> u64 {
	let mut hash = Hash::new();
	for seed in 0..CALLS {
		let mut random = Random::new(3_000 + seed);
		let n = random.up_to(200) as usize;
		let weight = floats(&mut random, n);
		let bias = floats(&mut random, n);
		// Far out, where exp is 0 or infinite, as well as near zero.
		let scale = random.one_of(&[1e-30, 1e-3, 1.0, 30.0]);
		let x: Vec<f32> = floats(&mut random, 3 * n).iter().map(|x| x * scale).collect();
		let maps: [fn(&mut [f32]); 5] =
			[math::softmax, math::silu, math::gelu_erf, math::gelu_tanh, math::relu];
		for map in maps {
			let mut y = x.clone();
			map(&mut y);
			hash.floats(&y);
		}
		let mut y = x.clone();
		math::rms_norm(&x, &weight, 1e-5, &mut y);
		hash.floats(&y);
		let mut y = x;
		math::layer_norm(&mut y, &weight, &bias, 1e-5);
		hash.floats(&y);
	}
	hash.0
}

/// Files of class `Q8` made of floats.
fn quantized() -> u64 {
	let mut hash = Hash::new();
	for seed in 0..MODELS {
		let mut random = Random::new(4_000 + seed);
		let architecture = match seed % 3 {
			0 => Architecture::Llama(random.llama(Class::F32)),
			1 => Architecture::Bert(random.bert(Class::F32)),
			_ => Architecture::Cnn(random.cnn(Class::F32)),
		};
		let artifact = golden::artifact(&architecture, random.bits(), 1.0).unwrap();
		let file = &artifact[..];
		let tensors = Tensors::open(&[&file]).unwrap();
		let written = quantize(&architecture, &tensors, &mut |bytes| {
			hash.bytes(bytes);
			Ok(())
		});
		hash.bytes(&written.encode());
	}
	hash.0
}

#[test]
fn answers_should_have_the_same_bits_in_every_build() {
	let got = [
		("mlp", models(0, |random| random.mlp())),
		("llama, F32", models(100, |random| Architecture::Llama(random.llama(Class::F32)))),
		("llama, Q8", models(200, |random| Architecture::Llama(random.llama(Class::Q8)))),
		("larger llama, F32", large(Class::F32)),
		("larger llama, Q8", large(Class::Q8)),
		("bert, F32", models(300, |random| Architecture::Bert(random.bert(Class::F32)))),
		("bert, Q8", models(400, |random| Architecture::Bert(random.bert(Class::Q8)))),
		("cnn, F32", models(500, |random| Architecture::Cnn(random.cnn(Class::F32)))),
		("cnn, Q8", models(600, |random| Architecture::Cnn(random.cnn(Class::Q8)))),
		("functions", functions()),
		("quantized files", quantized()),
	];
	let expected = [
		("mlp", 0x5143_bca2_af57_fd8c),
		("llama, F32", 0xf9d1_197d_36a3_f113),
		("llama, Q8", 0x3f62_dbb5_8db2_bc12),
		("larger llama, F32", 0x3498_8687_3447_6add),
		("larger llama, Q8", 0x5aab_4d5b_8158_52d9),
		("bert, F32", 0x27c6_7135_73c0_59ec),
		("bert, Q8", 0x5ade_0e43_cf4e_28f0),
		("cnn, F32", 0xfaa4_b3f4_a4e4_8ef8),
		("cnn, Q8", 0x8b1f_87ac_1027_0e15),
		("functions", 0x4c38_f88d_1a9f_99d7),
		("quantized files", 0x7ade_ccc5_00fb_f545),
	];
	assert_eq!(got, expected, "got {got:#x?}");
}

#[test]
fn kernels_should_have_the_same_bits_in_every_build() {
	for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
		let got = [products(kernel, Class::F32), products(kernel, Class::Q8), attention(kernel)];
		let expected = [0xc83c_4e6a_0a81_f84b, 0xc528_9339_700a_c89d, 0x40de_704e_1096_732f];
		assert_eq!(got, expected, "{kernel:?}: got {got:#x?}");
	}
}
