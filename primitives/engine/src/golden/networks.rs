//! Known answers of encoders and convolutional networks.

use crate::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
		Architecture, Class,
	},
	EngineError, Model, Real,
};
use alloc::{vec, vec::Vec};
use bounded_collections::BoundedVec;
use codec::Encode;

/// A network, an input, and the output that they must give.
pub struct Case {
	/// The network.
	pub architecture: Architecture,
	/// The seed of its weights.
	pub seed: u32,
	/// The input.
	pub input: Vec<u8>,
	/// The bits of the output.
	pub output: &'static [u32],
}

/// The known answers: an encoder and a convolutional network of either class.
pub fn cases() -> Vec<Case> {
	let case = |architecture: Architecture, seed, tokens: &[u32], output| {
		let input =
			if tokens.is_empty() { super::input(&architecture, seed) } else { tokens.encode() };
		Case { architecture, seed, input, output }
	};
	vec![
		case(
			bert(Class::F32, 0),
			21,
			&[3, 1, 4, 1, 5],
			&[
				0xbc1cf3d0, 0xbcc045aa, 0xbedf231f, 0x3eba1191, 0x3d5ef8be, 0xbd2d508a, 0xbd3184e9,
				0xbe9c0cc7, 0xbd83aa80, 0x3f276adf, 0xbe22ed29, 0xbeb1dffe,
			],
		),
		case(
			bert(Class::Q8, 1),
			22,
			&[9, 2, 6],
			&[
				0x3f4ada6e, 0x3f0b8a70, 0x3edb3e06, 0xbf9e17a4, 0x3e251d24, 0x3e5c125c, 0x3f1b924d,
				0xc01a0b2b, 0x3fa78903, 0x3e907f03,
			],
		),
		case(
			cnn(Class::F32, 0),
			23,
			&[],
			&[0xbf0851e7, 0xbe8c093e, 0xbf0c48ba, 0x3f26a615, 0xbe4e578e, 0xbef3d5f0],
		),
		case(cnn(Class::Q8, 1), 24, &[], &[0x3edfbc8f, 0x3d664a10, 0x3d77baa8, 0xbedfff65]),
	]
}

/// A small encoder: one of two variants, in either class.
pub fn bert(class: Class, variant: u32) -> Architecture {
	let base = bert::Config {
		class,
		vocab: 37,
		max_positions: 16,
		types: 2,
		hidden: 12,
		intermediate: 20,
		layers: 2,
		heads: 3,
		norm_eps: Real::new(1e-12),
		activation: Activation::Gelu,
		pooling: Pooling::Mean,
		normalize: true,
	};
	Architecture::Bert(match variant {
		0 => base,
		_ => bert::Config {
			types: 1,
			hidden: 10,
			intermediate: 17,
			heads: 2,
			norm_eps: Real::new(1e-5),
			activation: Activation::GeluTanh,
			pooling: Pooling::Cls,
			normalize: false,
			..base
		},
	})
}

/// A small convolutional network: one of two variants, in either class.
pub fn cnn(class: Class, variant: u32) -> Architecture {
	let conv =
		|outputs, kernel, stride, padding| Layer::Conv2d { outputs, kernel, stride, padding };
	let (channels, height, width, layers) = match variant {
		0 => (
			2,
			9,
			8,
			vec![
				conv(5, 3, 2, 1),
				Layer::Relu,
				Layer::MaxPool { size: 2, stride: 1 },
				conv(4, 2, 1, 0),
				Layer::Tanh,
				Layer::AvgPool { size: 2, stride: 1 },
				Layer::Flatten,
				Layer::Linear { outputs: 6 },
			],
		),
		_ => (
			1,
			8,
			8,
			vec![
				conv(3, 3, 1, 1),
				Layer::Relu,
				Layer::MaxPool { size: 2, stride: 2 },
				Layer::Flatten,
				Layer::Linear { outputs: 5 },
				Layer::Relu,
				Layer::Linear { outputs: 4 },
			],
		),
	};
	let layers = BoundedVec::truncate_from(layers);
	Architecture::Cnn(cnn::Config { class, channels, height, width, layers })
}

/// Runs the known answers, the first of which is number `first`.
pub(super) fn self_test(first: u32) -> Result<(), EngineError> {
	for (number, case) in (first..).zip(cases()) {
		if run(&case)? != case.output {
			return Err(EngineError::SelfTestFailed { case: number });
		}
	}
	Ok(())
}

/// The bits of a case's output.
pub fn run(case: &Case) -> Result<Vec<u32>, EngineError> {
	let artifact = super::artifact(&case.architecture, case.seed, 1.0)?;
	let output = Model::load(&case.architecture, &artifact)?.run(&case.input)?;
	Ok(crate::numeric::f32::decode(&output).map(f32::to_bits).collect())
}
