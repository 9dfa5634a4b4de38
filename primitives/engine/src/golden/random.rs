//! Random models, for tests: the same for the same seed, in every build.

use crate::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
		llama::{self, Biases, RopeScaling},
		Architecture, Class,
	},
	generate::{uniform, Prompt, Sampling},
	Real,
};
use alloc::vec::Vec;
use bounded_collections::BoundedVec;
use codec::Encode;

/// Draws sizes and numbers.
pub struct Random {
	seed: u64,
	drawn: u64,
}

impl Random {
	/// What is drawn depends on `seed` alone.
	pub fn new(seed: u64) -> Self {
		Self { seed, drawn: 0 }
	}

	/// A number below `bound`, which is at most 2²⁴.
	pub fn below(&mut self, bound: u32) -> u32 {
		let number = uniform(self.seed, self.drawn) * bound as f32;
		self.drawn = self.drawn.wrapping_add(1);
		(number as u32).min(bound.saturating_sub(1))
	}

	/// A number from 1 to `most`.
	pub fn up_to(&mut self, most: u32) -> u32 {
		self.below(most).saturating_add(1)
	}

	/// One of `items`, of which there is at least one.
	pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
		items[self.below(items.len() as u32) as usize]
	}

	fn flip(&mut self) -> bool {
		self.below(2) == 1
	}

	fn real(&mut self, values: &[f32]) -> Real {
		Real::new(self.one_of(values))
	}

	/// Any 32 bits.
	pub fn bits(&mut self) -> u32 {
		(self.below(1 << 16) << 16) | self.below(1 << 16)
	}

	/// An `f32` of any sign and mantissa, and of a magnitude from 2⁻²⁰ to 16.
	pub fn float(&mut self) -> f32 {
		let exponent = self.below(24).saturating_add(107);
		f32::from_bits((self.bits() & 0x807f_ffff) | (exponent << 23))
	}

	/// A perceptron of up to five layers.
	pub fn mlp(&mut self) -> Architecture {
		let count = self.up_to(5).saturating_add(1);
		let widths: Vec<u32> = (0..count).map(|_| self.up_to(96)).collect();
		super::mlp(&widths)
	}

	/// A llama with 96 positions: one head for each, one for several or one for all, every rotary
	/// embedding, any biases, tied or not, sizes that fill no tile.
	pub fn llama(&mut self, class: Class) -> llama::Config {
		let kv_heads = self.up_to(4);
		let vocab = self.up_to(300);
		let stop: Vec<u32> = (0..self.below(3)).map(|_| self.below(vocab)).collect();
		llama::Config {
			class,
			vocab,
			hidden: self.up_to(90),
			intermediate: self.up_to(120),
			layers: self.up_to(3),
			heads: kv_heads.saturating_mul(self.up_to(4)),
			kv_heads,
			head_dim: self.up_to(12).saturating_mul(2),
			max_positions: 96,
			rope_theta: self.real(&[100.0, 10_000.0, 500_000.0, 1e6]),
			rope_scaling: match self.below(3) {
				0 => RopeScaling::None,
				1 => RopeScaling::Linear { factor: self.real(&[1.5, 2.0, 4.0, 7.3]) },
				_ => RopeScaling::Llama3 {
					factor: self.real(&[2.0, 8.0, 32.0]),
					low_freq_factor: self.real(&[0.5, 1.0]),
					high_freq_factor: self.real(&[2.0, 4.0]),
					original_positions: self.up_to(64),
				},
			},
			rms_eps: self.real(&[1e-6, 1e-5, 1e-3]),
			tied: self.flip(),
			biases: Biases { qkv: self.flip(), o: self.flip(), mlp: self.flip() },
			stop: BoundedVec::truncate_from(stop),
		}
	}

	/// An encoder.
	pub fn bert(&mut self, class: Class) -> bert::Config {
		let heads = self.up_to(4);
		let activations =
			[Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Relu];
		bert::Config {
			class,
			vocab: self.up_to(200),
			max_positions: self.up_to(48),
			types: self.up_to(3),
			hidden: heads.saturating_mul(self.up_to(22)),
			intermediate: self.up_to(120),
			layers: self.up_to(3),
			heads,
			norm_eps: self.real(&[1e-12, 1e-5]),
			activation: self.one_of(&activations),
			pooling: self.one_of(&[Pooling::Mean, Pooling::Cls]),
			normalize: self.flip(),
		}
	}

	/// A convolutional network.
	pub fn cnn(&mut self, class: Class) -> cnn::Config {
		let mut config = cnn::Config {
			class,
			channels: self.up_to(3),
			height: self.up_to(16),
			width: self.up_to(16),
			layers: BoundedVec::new(),
		};
		for _ in 0..self.up_to(6) {
			let layer = match self.below(5) {
				0 | 1 => Layer::Conv2d {
					outputs: self.up_to(20),
					kernel: self.up_to(4),
					stride: self.up_to(2),
					padding: self.below(3),
				},
				2 => Layer::MaxPool { size: self.up_to(3), stride: self.up_to(3) },
				3 => Layer::AvgPool { size: self.up_to(3), stride: self.up_to(3) },
				_ => self.one_of(&[Layer::Relu, Layer::Tanh]),
			};
			add(&mut config, layer);
		}
		add(&mut config, Layer::Flatten);
		add(&mut config, Layer::Linear { outputs: self.up_to(40) });
		add(&mut config, self.one_of(&[Layer::Relu, Layer::Tanh]));
		add(&mut config, Layer::Linear { outputs: self.up_to(20) });
		config
	}

	/// A prompt for `config`, greedy or by chance.
	pub fn prompt(&mut self, config: &llama::Config) -> Prompt {
		let sampling = match self.below(3) {
			0 => Sampling::Greedy,
			_ => Sampling::Sample {
				temperature: self.real(&[0.3, 1.0, 1.7]),
				top_k: self.one_of(&[0, 1, 5, 40]),
				top_p: self.real(&[0.2, 0.9, 1.0]),
				seed: self.bits().into(),
			},
		};
		let most = config.max_positions.saturating_sub(1).clamp(1, 40);
		let tokens: Vec<u32> = (0..self.up_to(most)).map(|_| self.below(config.vocab)).collect();
		let left = config.max_positions.saturating_sub(tokens.len() as u32).clamp(1, 16);
		let stop: Vec<u32> = (0..self.below(2)).map(|_| self.below(config.vocab)).collect();
		Prompt { tokens, max_tokens: self.up_to(left), sampling, stop }
	}

	/// An input for `architecture`.
	pub fn input(&mut self, architecture: &Architecture) -> Vec<u8> {
		match architecture {
			Architecture::Llama(config) => self.prompt(config).encode(),
			Architecture::Bert(config) => {
				let count = self.up_to(config.max_positions);
				(0..count).map(|_| self.below(config.vocab)).collect::<Vec<u32>>().encode()
			},
			Architecture::Mlp(_) | Architecture::Cnn(_) => {
				let count = architecture.input_len() / crate::numeric::f32::SIZE;
				(0..count).flat_map(|_| self.float().to_le_bytes()).collect()
			},
		}
	}
}

/// Adds `layer`, if it can come next.
fn add(config: &mut cnn::Config, layer: Layer) {
	let mut longer = config.clone();
	if longer.layers.try_push(layer).is_ok() && longer.validate().is_ok() {
		*config = longer;
	}
}
