//! Known answers, and the check of a build against them.
//!
//! Weights and inputs come from a small generator, outputs were computed outside of this crate,
//! by rounding exact binary64 results after every single operation. Kernels, whose loops are made
//! for larger models than these, are held to plain ones.

mod kernels;
pub mod llama;
pub mod networks;
pub mod random;

use crate::{
	architecture::{
		self,
		asked::{Asked, Kind},
		bert, cnn, mlp, Architecture,
	},
	numeric::f32::encode,
	EngineError, Model,
};
use alloc::{string::String, vec::Vec};
use bounded_collections::BoundedVec;
use codec::Encode;
use safetensors::{tensor::TensorView, Dtype};

/// A perceptron, an input, and the output that they must give.
pub struct Case {
	/// The widths of the perceptron.
	pub widths: &'static [u32],
	/// The seed of weights and input.
	pub seed: u32,
	/// What the weights are multiplied with: a power of two.
	pub scale: f32,
	/// The bits of the output.
	pub output: &'static [u32],
}

/// The known answers. Each fails with another order of summation, with fused multiply-adds, or
/// (the last) with subnormal numbers taken for zero.
pub const CASES: &[Case] = &[
	Case { widths: &[1, 1], seed: 1, scale: 1.0, output: &[0x3c901840] },
	Case { widths: &[3, 5, 2], seed: 2, scale: 1.0, output: &[0x3d976379, 0xbec7ae7c] },
	Case {
		widths: &[64, 32, 10],
		seed: 3,
		scale: 1.0,
		output: &[
			0xc1153aad, 0xbf9efdc3, 0xc0007f64, 0xbd9e74a0, 0x4010611c, 0xc10b112c, 0x4049a154,
			0x3f84a0d2, 0x40904e66, 0xc0bfd4d8,
		],
	},
	Case {
		widths: &[257, 129, 65, 8],
		seed: 4,
		scale: 1.0,
		output: &[
			0x4254f04e, 0x3f88c54f, 0x41e47f38, 0x41230bbf, 0xc0d330eb, 0xc288133c, 0x4193648c,
			0x42042366,
		],
	},
	Case {
		widths: &[33, 17, 9, 5, 6],
		seed: 5,
		scale: 8.0,
		output: &[0xc46d341e, 0xc490a2e9, 0x44994eba, 0xc413af91, 0x448059c4, 0x44842c85],
	},
	Case {
		widths: &[16, 8],
		seed: 6,
		scale: f32::from_bits(1 << 7),
		output: &[
			0x0000003b, 0x80000068, 0x000000c2, 0x0000002b, 0x800000d2, 0x000000b9, 0x00000106,
			0x00000035,
		],
	},
];

/// Refuses a build whose arithmetic is not the engine's, as compiler flags, another crate's
/// features or a thread's floating-point mode can make it. To be called before serving answers.
pub fn self_test() -> Result<(), EngineError> {
	for (number, case) in (0u32..).zip(CASES) {
		let architecture = mlp(case.widths);
		let model = Model::load(&architecture, &artifact(&architecture, case.seed, case.scale)?)?;
		let expected: Vec<u8> = case.output.iter().flat_map(|bits| bits.to_le_bytes()).collect();
		if model.run(&input(&architecture, case.seed))? != expected {
			return Err(EngineError::SelfTestFailed { case: number });
		}
	}
	let llamas = CASES.len() as u32;
	let networks = llamas.saturating_add(llama::cases().len() as u32);
	let kernels = networks.saturating_add(networks::cases().len() as u32);
	llama::self_test(llamas)?;
	networks::self_test(networks)?;
	kernels::self_test(kernels)
}

/// The perceptron with these widths; those after the most that it can have are left out.
pub fn mlp(widths: &[u32]) -> Architecture {
	Architecture::Mlp(mlp::Config { widths: BoundedVec::truncate_from(widths.to_vec()) })
}

/// A safetensors file for `architecture` with weights out of the generator, times `scale`.
pub fn artifact(
	architecture: &Architecture,
	seed: u32,
	scale: f32,
) -> Result<Vec<u8>, EngineError> {
	architecture.validate()?;
	let mut generator = Generator(seed);
	let tensors: Vec<Tensor> = match architecture {
		Architecture::Mlp(config) => config
			.specs()
			.into_iter()
			.map(|spec| {
				let count = spec.shape.iter().map(|size| *size as usize).product();
				let values: Vec<f32> = generator.by_ref().take(count).map(|v| v * scale).collect();
				(spec.name, Dtype::F32, spec.shape, encode(&values))
			})
			.collect(),
		Architecture::Llama(config) => {
			tensors(architecture::llama::asked(config), &mut generator, scale)
		},
		Architecture::Bert(config) => tensors(bert::asked(config), &mut generator, scale),
		Architecture::Cnn(config) => tensors(cnn::asked(config), &mut generator, scale),
	};
	let views: Vec<(&str, TensorView)> = tensors
		.iter()
		.map(|(name, dtype, shape, data)| {
			let shape = shape.iter().map(|size| *size as usize).collect();
			let view = TensorView::new(*dtype, shape, data);
			view.map(|view| (name.as_str(), view)).map_err(|_| EngineError::Backend)
		})
		.collect::<Result<_, _>>()?;
	safetensors::serialize(views, None).map_err(|_| EngineError::Backend)
}

/// Tensors with values out of `generator`: norms around 1, biases around 0, and matrices, which
/// are times `scale`, so that a product is about as large as what it is made of.
fn tensors(asked: Vec<Asked>, generator: &mut Generator, scale: f32) -> Vec<Tensor> {
	let mut made = Vec::with_capacity(asked.len());
	// A matrix's scales come after it.
	let mut factor = scale;
	for Asked { name, kind, shape } in asked {
		if let Some(inputs) = shape.get(1..).filter(|inputs| !inputs.is_empty()) {
			let inputs: u32 = inputs.iter().product();
			// About √inputs, as a power of two.
			factor = scale / (1u32 << ((u32::BITS - inputs.leading_zeros()) / 2)) as f32;
		}
		let count = shape.iter().map(|size| *size as usize).product();
		let values = generator.take(count);
		let (dtype, bytes) = match kind {
			Kind::Bytes => (Dtype::I8, values.map(|value| (value * 127.0) as i8 as u8).collect()),
			Kind::Floats => {
				let value: fn(f32, f32) -> f32 = if shape.len() > 1 {
					|value, factor| value * factor
				} else if name.ends_with("weight_scale") {
					|value, factor| (1.0 + value * 0.5) * (factor / 128.0)
				} else if name.ends_with("weight") {
					|value, _| 1.0 + value * 0.5
				} else {
					|value, _| value * 0.5
				};
				let values: Vec<f32> = values.map(|out| value(out, factor)).collect();
				(Dtype::F32, encode(&values))
			},
		};
		made.push((name, dtype, shape, bytes));
	}
	made
}

/// A tensor's name, type, shape and bytes.
type Tensor = (String, Dtype, Vec<u32>, Vec<u8>);

/// An input for `architecture` out of the generator.
pub fn input(architecture: &Architecture, seed: u32) -> Vec<u8> {
	match architecture {
		Architecture::Llama(config) => return llama::prompt(config, seed).encode(),
		Architecture::Bert(config) => {
			let token = |value: f32| value.to_bits() % config.vocab.max(1);
			let count = config.max_positions.min(5) as usize;
			return Generator(!seed).take(count).map(token).collect::<Vec<u32>>().encode();
		},
		_ => {},
	}
	let count = architecture.input_len() / crate::numeric::f32::SIZE;
	let values: Vec<f32> = Generator(!seed).take(count as usize).collect();
	encode(&values)
}

/// A linear congruential generator of values in `-1.0..1.0`, each exact in 24 bits.
pub struct Generator(pub u32);

impl Iterator for Generator {
	type Item = f32;

	fn next(&mut self) -> Option<f32> {
		self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
		Some((self.0 >> 8) as f32 / (1u32 << 23) as f32 - 1.0)
	}
}
