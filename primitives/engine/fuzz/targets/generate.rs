//! Prompts, samplings, and saved generations that nobody saved.
#![no_main]

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::llama::{Cache, Llama, Scratch},
	generate::{choose, Generation, Prompt, Sampling},
	golden, Architecture, Class, EngineError, InputFault, Model, Real,
};
use dodona_engine_fuzz::{memory::within, Reader};
use libfuzzer_sys::fuzz_target;
use std::{ops::ControlFlow, sync::LazyLock};

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
	let configs = [Class::F32, Class::Q8]
		.into_iter()
		.flat_map(|class| (0..3).map(move |variant| golden::llama::config(class, variant)));
	let load = |config| {
		let architecture = Architecture::Llama(config);
		Model::load(&architecture, &golden::artifact(&architecture, 3, 1.0).unwrap()).unwrap()
	};
	configs.map(load).collect()
});

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	let model = &MODELS[usize::from(reader.byte()) % MODELS.len()];
	let llama = model.llama().unwrap();
	within(16 << 20, || match reader.byte() % 4 {
		0 => {
			let input = reader.rest();
			let answer = model.run(input);
			assert_eq!(answer.is_ok(), model.architecture().check_input(input).is_ok());
		},
		1 => {
			let prompt = prompt(&mut reader);
			generate(llama, &prompt, &mut reader);
		},
		2 => {
			// A sound generation, saved and changed, or any bytes.
			let mut saved = match reader.byte() & 1 {
				0 => some_generation(llama, &mut reader).save(llama),
				_ => reader.rest().to_vec(),
			};
			while !reader.is_empty() {
				let at = reader.below(saved.len());
				saved.iter_mut().skip(at).zip(reader.some()).for_each(|(at, byte)| *at = *byte);
			}
			restore(llama, &saved);
		},
		_ => draw(&mut reader),
	});
});

/// A prompt that is often sound.
fn prompt(reader: &mut Reader<'_>) -> Prompt {
	let tokens = reader.some().iter().map(|token| u32::from(*token) % 40).collect();
	let max_tokens = reader.byte().into();
	let stop = reader.some().iter().take(10).map(|token| (*token).into()).collect();
	Prompt { tokens, max_tokens, sampling: sampling(reader), stop }
}

fn sampling(reader: &mut Reader<'_>) -> Sampling {
	let mut real = |sound: f32| match reader.byte() {
		0 => Real::new(sound),
		1 => Real::new(f32::from_bits(reader.u32())),
		part => Real::new(f32::from(part) / 256.0),
	};
	let [temperature, top_p] = [real(1.0), real(1.0)];
	match reader.byte() & 1 {
		0 => Sampling::Greedy,
		_ => Sampling::Sample {
			temperature,
			top_k: reader.byte().into(),
			top_p,
			seed: reader.u32().into(),
		},
	}
}

/// Generates at once, and step by step with interruptions: the same tokens come.
fn generate(llama: &Llama, prompt: &Prompt, reader: &mut Reader<'_>) {
	let whole = match llama.generate(prompt, &mut |_| ControlFlow::Continue(())) {
		Ok(whole) => whole.tokens,
		Err(error) => {
			assert!(matches!(error, EngineError::InvalidInput(_)), "{error}");
			return assert!(llama.config().check_prompt(prompt).is_err());
		},
	};
	assert!(!whole.is_empty() && whole.len() <= prompt.max_tokens as usize);
	assert!(whole.iter().all(|token| *token < llama.config().vocab));

	let mut generation = Generation::new(llama, prompt.clone()).unwrap();
	let mut scratch = Scratch::default();
	while generation.outcome().is_none() {
		Generation::step(llama, &mut [&mut generation], reader.byte().into(), &mut scratch);
		if reader.byte() & 1 == 1 {
			let saved = generation.save(llama);
			generation = Generation::restore(llama, &saved).unwrap();
			assert_eq!(generation.save(llama), saved);
		}
	}
	assert_eq!(generation.outcome().map(Result::is_ok), Some(true));
	assert_eq!(generation.generated(), whole);
}

fn some_generation(llama: &Llama, reader: &mut Reader<'_>) -> Generation {
	let prompt =
		Prompt { tokens: vec![1, 2, 3], max_tokens: 12, sampling: Sampling::Greedy, stop: vec![] };
	let mut generation = Generation::new(llama, prompt).unwrap();
	for _ in 0..reader.byte() % 4 {
		Generation::step(llama, &mut [&mut generation], 8, &mut Scratch::default());
	}
	generation
}

/// Whatever the bytes are, they are refused or gone on with.
fn restore(llama: &Llama, saved: &[u8]) {
	if let Ok(cache) = Cache::restore(llama.config(), saved) {
		assert_eq!(cache.save(), saved);
	}
	let mut generation = match Generation::restore(llama, saved) {
		Ok(generation) => generation,
		Err(error) => {
			return assert!(
				matches!(error, EngineError::InvalidState | EngineError::InvalidInput(_)),
				"{error}"
			);
		},
	};
	for _ in 0..3 {
		Generation::step(llama, &mut [&mut generation], 16, &mut Scratch::default());
	}
	assert!(generation.generated().iter().all(|token| *token < llama.config().vocab));
	match generation.outcome() {
		// Keys and values may be any floats.
		Some(Err(error)) => {
			assert!(matches!(error, EngineError::NonFiniteResult { .. }), "{error}")
		},
		_ => assert!(Generation::restore(llama, &generation.save(llama)).is_ok()),
	}
}

/// A token out of any logits.
fn draw(reader: &mut Reader<'_>) {
	let sampling = match reader.byte() & 1 {
		0 => sampling(reader),
		_ => match Sampling::decode(&mut reader.some()) {
			Ok(sampling) => sampling,
			Err(_) => return,
		},
	};
	let number = reader.byte().into();
	match sampling.check() {
		Ok(()) => {},
		Err(fault) => return assert!(matches!(fault, InputFault::Temperature | InputFault::TopP)),
	}
	let words = reader.rest().as_chunks().0.iter();
	let logits: Vec<f32> = words
		.map(|word| f32::from_le_bytes(*word))
		.filter(|logit| logit.is_finite())
		.collect();
	let token = choose(&mut logits.clone(), &sampling, number);
	assert_eq!(token, choose(&mut logits.clone(), &sampling.clone(), number));
	match token {
		Some(token) => assert!((token as usize) < logits.len()),
		None => {
			let Sampling::Sample { temperature, .. } = sampling else {
				return assert!(logits.is_empty());
			};
			let divided = logits.iter().map(|logit| logit / temperature.get());
			assert!(logits.is_empty() || divided.into_iter().any(|logit| !logit.is_finite()));
		},
	}
	assert_eq!(Sampling::decode(&mut &sampling.encode()[..]), Ok(sampling));
}
