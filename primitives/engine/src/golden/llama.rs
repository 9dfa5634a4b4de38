//! Known answers of language models.

use super::Generator;
use crate::{
	architecture::{
		llama::{Biases, Config, Llama, Logits, RopeScaling, Scratch, Sequence},
		Architecture, Class,
	},
	generate::{Prompt, Sampling},
	EngineError, Model, Real,
};
use alloc::{vec, vec::Vec};
use bounded_collections::BoundedVec;
use core::ops::ControlFlow;

/// A llama, a prompt, and what it has to give.
pub struct Case {
	/// The llama.
	pub config: Config,
	/// The seed of its weights.
	pub seed: u32,
	/// The prompt.
	pub prompt: Prompt,
	/// The tokens that are generated.
	pub tokens: &'static [u32],
	/// The bits of the first logits after all of these but the last.
	pub logits: &'static [u32],
}

/// The known answers: grouped heads with Llama 3's frequencies and biases of queries, keys and
/// values; tied bytes with stretched frequencies, drawn by chance; one head for each with all
/// biases.
pub fn cases() -> Vec<Case> {
	vec![
		Case {
			config: config(Class::F32, 0),
			seed: 11,
			prompt: Prompt {
				tokens: vec![3, 1, 4, 1, 5],
				max_tokens: 24,
				sampling: Sampling::Sample {
					temperature: Real::new(0.8),
					top_k: 0,
					top_p: Real::new(1.0),
					seed: 15,
				},
				stop: vec![],
			},
			tokens: &[
				9, 32, 19, 9, 9, 23, 12, 12, 32, 35, 19, 13, 22, 13, 7, 8, 34, 34, 4, 28, 19, 2,
				26, 29,
			],
			logits: &[0xbd1a47f1, 0x3e0940a8, 0xbf75106e, 0x3edf2d00, 0x3c795658, 0xbf4f41de],
		},
		Case {
			config: config(Class::Q8, 1),
			seed: 12,
			prompt: Prompt {
				tokens: vec![9, 2, 6],
				max_tokens: 24,
				sampling: Sampling::Sample {
					temperature: Real::new(1.5),
					top_k: 20,
					top_p: Real::new(0.9),
					seed: 13,
				},
				stop: vec![],
			},
			tokens: &[
				13, 21, 32, 26, 26, 22, 15, 32, 24, 12, 33, 23, 3, 3, 32, 3, 21, 21, 6, 24, 8, 30,
				30, 30,
			],
			logits: &[0x3e8e7df6, 0x3ec08c5d, 0xbe701ad0, 0x3fa8b389, 0xbf234457, 0x3e89b123],
		},
		Case {
			config: config(Class::F32, 2),
			seed: 14,
			prompt: Prompt {
				tokens: vec![5, 3, 5],
				max_tokens: 24,
				sampling: Sampling::Greedy,
				stop: vec![],
			},
			tokens: &[
				27, 23, 27, 23, 27, 23, 27, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23,
				23, 23, 23,
			],
			logits: &[0x3efc2474, 0xbe85500f, 0x3d4c5dc4, 0xbf330f97, 0xbeeff02f, 0x3d42be6b],
		},
	]
}

/// A small llama: one of three variants, in either class.
pub fn config(class: Class, variant: u32) -> Config {
	let base = Config {
		class,
		vocab: 37,
		hidden: 12,
		intermediate: 20,
		layers: 2,
		heads: 4,
		kv_heads: 2,
		head_dim: 6,
		max_positions: 64,
		rope_theta: Real::new(10_000.0),
		rope_scaling: RopeScaling::None,
		rms_eps: Real::new(1e-5),
		tied: false,
		biases: Biases::default(),
		stop: BoundedVec::new(),
	};
	match variant {
		0 => Config {
			rope_theta: Real::new(500_000.0),
			rope_scaling: RopeScaling::Llama3 {
				factor: Real::new(8.0),
				low_freq_factor: Real::new(1.0),
				high_freq_factor: Real::new(4.0),
				original_positions: 16,
			},
			biases: Biases { qkv: true, ..Biases::default() },
			..base
		},
		1 => Config {
			hidden: 18,
			intermediate: 33,
			heads: 3,
			kv_heads: 1,
			head_dim: 8,
			rope_scaling: RopeScaling::Linear { factor: Real::new(4.0) },
			tied: true,
			..base
		},
		_ => Config {
			hidden: 10,
			intermediate: 17,
			layers: 3,
			heads: 2,
			biases: Biases { qkv: true, o: true, mlp: true },
			..base
		},
	}
}

/// A prompt for a llama like `config`, out of the generator.
pub fn prompt(config: &Config, seed: u32) -> Prompt {
	let least = config.vocab.max(1);
	let tokens = Generator(!seed).take(5).map(|value| value.to_bits() % least).collect();
	Prompt { tokens, max_tokens: 8, sampling: Sampling::Greedy, stop: Vec::new() }
}

/// Runs the known answers, the first of which is number `first`.
pub(super) fn self_test(first: u32) -> Result<(), EngineError> {
	for (number, case) in (first..).zip(cases()) {
		let (tokens, logits) = run(&case)?;
		if tokens != case.tokens || !logits.starts_with(case.logits) {
			return Err(EngineError::SelfTestFailed { case: number });
		}
	}
	Ok(())
}

/// The tokens of a case, and the bits of the logits after all of them but the last.
pub fn run(case: &Case) -> Result<(Vec<u32>, Vec<u32>), EngineError> {
	let architecture = Architecture::Llama(case.config.clone());
	let artifact = super::artifact(&architecture, case.seed, 1.0)?;
	let model = Model::load(&architecture, &artifact)?;
	let llama: &Llama = model.llama().ok_or(EngineError::Backend)?;
	let generated = llama.generate(&case.prompt, &mut |_| ControlFlow::Continue(()))?.tokens;

	let mut tokens = case.prompt.tokens.clone();
	tokens.extend_from_slice(&generated);
	tokens.pop();
	let mut cache = llama.cache();
	let mut sequences = [Sequence::new(&mut cache, &tokens, Logits::Last)];
	let mut bits = Vec::new();
	llama.forward(&mut sequences, &mut Scratch::default(), &mut |_, _, logits| {
		bits.extend(logits.iter().map(|logit| logit.to_bits()));
	});
	let [sequence] = sequences;
	sequence.outcome.map(|()| (generated, bits))
}
