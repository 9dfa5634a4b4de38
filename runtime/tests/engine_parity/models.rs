//! Sound models of every architecture and class.

use crate::executors::{run, Answer};
use codec::Encode;
use dodona_engine::{
	architecture::llama::{self, RopeScaling},
	generate::{Prompt, Sampling},
	golden::{self, random::Random},
	Architecture, Class, EngineError, InputFault, Real,
};

const CLASSES: [Class; 2] = [Class::F32, Class::Q8];

fn bytes(words: &[u32]) -> Vec<u8> {
	words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn artifact(architecture: &Architecture, seed: u32) -> Vec<u8> {
	golden::artifact(architecture, seed, 1.0).unwrap()
}

#[test]
fn wasm_should_generate_the_golden_tokens() {
	for case in golden::llama::cases() {
		let architecture = Architecture::Llama(case.config);
		let answer = run(&architecture, &artifact(&architecture, case.seed), &case.prompt.encode());
		assert_eq!(answer, Ok(bytes(case.tokens)));
	}
}

#[test]
fn wasm_should_give_the_golden_outputs_of_networks() {
	for case in golden::networks::cases() {
		let artifact = artifact(&case.architecture, case.seed);
		assert_eq!(run(&case.architecture, &artifact, &case.input), Ok(bytes(case.output)));
	}
}

/// Runs models of random shapes with weights out of `scales`; gives back what they answered.
fn run_random(
	seed: u64,
	count: usize,
	scales: &[f32],
	make: impl Fn(&mut Random) -> Architecture,
) -> Vec<Answer> {
	let mut random = Random::new(seed);
	let mut answers = Vec::new();
	for _ in 0..count {
		let architecture = make(&mut random);
		let scale = random.one_of(scales);
		let artifact = golden::artifact(&architecture, random.bits(), scale).unwrap();
		for _ in 0..2 {
			answers.push(run(&architecture, &artifact, &random.input(&architecture)));
		}
	}
	answers
}

fn all_succeed(answers: &[Answer]) -> bool {
	answers.iter().all(Result::is_ok)
}

#[test]
fn wasm_should_generate_the_native_tokens_when_llamas_are_random() {
	for (class, seed) in CLASSES.into_iter().zip(1..) {
		let make = |random: &mut Random| Architecture::Llama(random.llama(class));
		let answers = run_random(seed, 40, &[0.5, 1.0, 2.0], make);
		assert!(all_succeed(&answers), "{class:?}");
	}
}

/// What a random draw may miss: one head of keys for all, no head shared, each rotary embedding,
/// tied and not, and widths that fill no tile.
#[test]
fn wasm_should_generate_the_native_tokens_when_llamas_are_special() {
	let mut random = Random::new(3);
	let real = Real::new;
	let scalings = [
		RopeScaling::None,
		RopeScaling::Linear { factor: real(3.0) },
		RopeScaling::Llama3 {
			factor: real(8.0),
			low_freq_factor: real(1.0),
			high_freq_factor: real(4.0),
			original_positions: 32,
		},
	];
	for class in CLASSES {
		for (heads, kv_heads, head_dim) in [(4, 1, 6), (3, 3, 2), (6, 2, 18)] {
			for (rope_scaling, tied) in scalings.into_iter().zip([true, false, true]) {
				let config = llama::Config {
					heads,
					kv_heads,
					head_dim,
					hidden: 17,
					intermediate: 23,
					rope_scaling,
					tied,
					..random.llama(class)
				};
				let sampling = Sampling::Sample {
					temperature: real(0.9),
					top_k: 0,
					top_p: real(1.0),
					seed: random.bits().into(),
				};
				let tokens = vec![0; 20];
				let prompt = Prompt { tokens, max_tokens: 30, sampling, stop: vec![] };
				let architecture = Architecture::Llama(config);
				let artifact = artifact(&architecture, random.bits());
				assert!(run(&architecture, &artifact, &prompt.encode()).is_ok());
			}
		}
	}
}

#[test]
fn wasm_should_give_the_native_embeddings_when_encoders_are_random() {
	for (class, seed) in CLASSES.into_iter().zip(11..) {
		let make = |random: &mut Random| Architecture::Bert(random.bert(class));
		assert!(all_succeed(&run_random(seed, 40, &[0.5, 1.0, 4.0], make)), "{class:?}");
	}
}

#[test]
fn wasm_should_give_the_native_outputs_when_convolutions_are_random() {
	for (class, seed) in CLASSES.into_iter().zip(21..) {
		let make = |random: &mut Random| Architecture::Cnn(random.cnn(class));
		assert!(all_succeed(&run_random(seed, 40, &[0.5, 1.0, 4.0], make)), "{class:?}");
	}
}

fn any(random: &mut Random, class: Class) -> Architecture {
	match random.below(4) {
		0 => random.mlp(),
		1 => Architecture::Llama(random.llama(class)),
		2 => Architecture::Bert(random.bert(class)),
		_ => Architecture::Cnn(random.cnn(class)),
	}
}

#[test]
fn wasm_should_answer_as_native_does_when_values_are_subnormal() {
	for (class, seed) in CLASSES.into_iter().zip(31..) {
		let tiny = [f32::from_bits(1 << 12), f32::from_bits(1 << 20), f32::MIN_POSITIVE];
		let answers = run_random(seed, 24, &tiny, |random| any(random, class));
		assert!(all_succeed(&answers), "{class:?}");
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_results_are_not_finite() {
	for (class, seed) in CLASSES.into_iter().zip(41..) {
		let huge = [2f32.powi(40), 2f32.powi(100), f32::MAX / 4.0];
		let answers = run_random(seed, 40, &huge, |random| any(random, class));
		let refused = |answer: &&Answer| matches!(answer, Err(EngineError::NonFiniteResult { .. }));
		assert!(answers.iter().filter(refused).count() > 20, "{class:?}");
		assert!(answers.iter().all(|answer| answer.is_ok() || refused(&answer)), "{class:?}");
	}
}

/// As many tokens as a validator's memory and time leave room for by far.
#[test]
fn wasm_should_generate_the_native_tokens_when_a_text_is_long() {
	for class in CLASSES {
		let architecture = Architecture::Llama(llama::Config {
			vocab: 1_024,
			hidden: 128,
			intermediate: 344,
			layers: 3,
			heads: 8,
			kv_heads: 2,
			head_dim: 16,
			max_positions: 512,
			..golden::llama::config(class, 0)
		});
		let mut random = Random::new(51);
		let prompt = Prompt {
			tokens: (0..180).map(|_| random.below(1_024)).collect(),
			max_tokens: 40,
			sampling: Sampling::Greedy,
			stop: vec![],
		};
		let answer = run(&architecture, &artifact(&architecture, 51), &prompt.encode()).unwrap();
		assert_eq!(answer.len(), 40 * 4);
	}
}

fn refused(architecture: &Architecture, input: &[u8]) -> Option<EngineError> {
	run(architecture, &artifact(architecture, 1), input).err()
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_prompt_is_wrong() {
	let architecture = Architecture::Llama(golden::llama::config(Class::F32, 0));
	let sound =
		Prompt { tokens: vec![1, 2], max_tokens: 4, sampling: Sampling::Greedy, stop: vec![] };
	assert_eq!(refused(&architecture, &sound.encode()), None);
	let sample = |temperature: f32, top_p: f32| Sampling::Sample {
		temperature: Real::new(temperature),
		top_k: 3,
		top_p: Real::new(top_p),
		seed: 0,
	};
	let with = |sampling| Prompt { sampling, ..sound.clone() };
	for (prompt, fault) in [
		(Prompt { tokens: vec![], ..sound.clone() }, InputFault::NoToken),
		(
			Prompt { tokens: vec![1, 37], ..sound.clone() },
			InputFault::UnknownToken { at: 1, token: 37 },
		),
		(
			Prompt { max_tokens: u32::MAX, ..sound.clone() },
			InputFault::TooManyTokens { got: u32::MAX, most: 64 },
		),
		(Prompt { max_tokens: 0, ..sound.clone() }, InputFault::NothingToGenerate),
		(
			Prompt { stop: vec![0; 9], ..sound.clone() },
			InputFault::TooManyStopTokens { got: 9, most: 8 },
		),
		(with(sample(f32::NAN, 1.0)), InputFault::Temperature),
		(with(sample(0.0, 1.0)), InputFault::Temperature),
		(with(sample(f32::INFINITY, 1.0)), InputFault::Temperature),
		(with(sample(1.0, f32::NAN)), InputFault::TopP),
		(with(sample(1.0, -0.0)), InputFault::TopP),
	] {
		let expected = Some(EngineError::InvalidInput(fault));
		assert_eq!(refused(&architecture, &prompt.encode()), expected);
	}
	let undecodable = Some(EngineError::InvalidInput(InputFault::Undecodable));
	for input in [&[][..], &[0xff; 40], &[0; 3], &(sound.clone(), 0u8).encode()] {
		assert_eq!(refused(&architecture, input), undecodable);
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_the_tokens_of_a_text_are_wrong() {
	let architecture = golden::networks::bert(Class::Q8, 0);
	for (tokens, fault) in [
		(vec![], InputFault::NoToken),
		(vec![0; 17], InputFault::TooManyTokens { got: 17, most: 16 }),
		(vec![3, u32::MAX], InputFault::UnknownToken { at: 1, token: u32::MAX }),
	] {
		let expected = Some(EngineError::InvalidInput(fault));
		assert_eq!(refused(&architecture, &tokens.encode()), expected);
	}
	let undecodable = Some(EngineError::InvalidInput(InputFault::Undecodable));
	assert_eq!(refused(&architecture, &[0xff; 9]), undecodable);
}

#[test]
fn wasm_should_refuse_as_native_does_when_an_image_is_wrong() {
	let architecture = golden::networks::cnn(Class::F32, 0);
	let sound = golden::input(&architecture, 1);
	for bad in [f32::NAN, f32::from_bits(0xffc0_0001), f32::INFINITY, f32::NEG_INFINITY] {
		let mut input = sound.clone();
		input[40..44].copy_from_slice(&bad.to_le_bytes());
		assert_eq!(refused(&architecture, &input), Some(EngineError::NonFiniteInput { at: 10 }));
	}
	let expected = Some(EngineError::WrongInputLength { expected: 576, got: 575 });
	assert_eq!(refused(&architecture, &sound[1..]), expected);
}
