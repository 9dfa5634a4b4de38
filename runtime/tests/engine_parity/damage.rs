//! Artifacts that are damaged, or made to do harm, and configurations that no model can have.

use crate::executors::{data_start, run, Answer};
use dodona_engine::{
	architecture::{bert, cnn, llama},
	golden::{self, random::Random},
	Architecture, Class, ConfigFault, EngineError, Field, Real,
};

/// One of each architecture and class that is read tensor by tensor.
fn architectures() -> Vec<Architecture> {
	let classes = [Class::F32, Class::Q8].into_iter().zip(0..);
	classes
		.flat_map(|(class, variant)| {
			[
				Architecture::Llama(golden::llama::config(class, variant)),
				golden::networks::bert(class, variant),
				golden::networks::cnn(class, variant),
			]
		})
		.collect()
}

fn sound(architecture: &Architecture) -> (Vec<u8>, Vec<u8>) {
	(golden::artifact(architecture, 5, 1.0).unwrap(), golden::input(architecture, 5))
}

#[test]
fn wasm_should_answer_as_native_does_when_a_header_is_changed() {
	let mut random = Random::new(61);
	for architecture in architectures() {
		let (artifact, input) = sound(&architecture);
		let header = data_start(&artifact) as u32;
		let mut refused = 0;
		for _ in 0..40 {
			let mut artifact = artifact.clone();
			for _ in 0..random.up_to(3) {
				artifact[random.below(header) as usize] = random.below(128) as u8;
			}
			refused += u32::from(run(&architecture, &artifact, &input).is_err());
		}
		assert!(refused > 20, "{architecture:?}");
	}
}

#[test]
fn wasm_should_answer_as_native_does_when_data_is_changed_or_cut_off() {
	let mut random = Random::new(62);
	for architecture in architectures() {
		let (artifact, input) = sound(&architecture);
		let start = data_start(&artifact) as u32;
		let mut answers = Vec::new();
		for _ in 0..24 {
			let mut artifact = artifact.clone();
			for _ in 0..random.up_to(9) {
				let at = start + random.below(artifact.len() as u32 - start);
				artifact[at as usize] = random.below(256) as u8;
			}
			answers.push(run(&architecture, &artifact, &input));
			artifact.truncate(random.below(artifact.len() as u32) as usize);
			assert!(run(&architecture, &artifact, &input).is_err());
		}
		assert!(answers.iter().any(Result::is_ok), "{architecture:?}");
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_weights_are_not_finite() {
	let mut random = Random::new(63);
	let bad = [f32::NAN, f32::from_bits(0xff80_0001), f32::INFINITY, f32::NEG_INFINITY];
	for architecture in architectures() {
		let (artifact, input) = sound(&architecture);
		let words = ((artifact.len() - data_start(&artifact)) / 4) as u32;
		let mut refused = 0;
		for _ in 0..30 {
			let mut artifact = artifact.clone();
			let at = data_start(&artifact) + random.below(words) as usize * 4;
			artifact[at..][..4].copy_from_slice(&random.one_of(&bad).to_le_bytes());
			let answer = run(&architecture, &artifact, &input);
			// Not where the bytes are weights, or where they lie across two floats.
			refused += u32::from(matches!(answer, Err(EngineError::NonFiniteWeight { .. })));
		}
		let is_bytes = architecture.class() == Class::Q8;
		assert!(refused > 0 && (is_bytes || refused == 30), "{architecture:?}: {refused}");
	}
}

/// The answers to a file with `header` and `data` bytes of zeros.
fn answers(header: &str, data: usize) -> Vec<Answer> {
	let mut artifact = (header.len() as u64).to_le_bytes().to_vec();
	artifact.extend_from_slice(header.as_bytes());
	artifact.resize(artifact.len() + data, 0);
	architectures()
		.iter()
		.map(|architecture| run(architecture, &artifact, &golden::input(architecture, 1)))
		.collect()
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_header_lies() {
	let tensor = |shape: &str, offsets: &str| {
		format!(
			r#"{{"model.norm.weight":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#
		)
	};
	for header in [
		// Beyond what a 32-bit machine can count, and beyond any.
		tensor("[2]", "[0,4294967304]"),
		tensor("[2]", "[4294967296,4294967304]"),
		tensor("[2]", "[18446744073709551608,18446744073709551615]"),
		tensor("[2]", "[0,18446744073709551616]"),
		tensor("[4294967296]", "[0,8]"),
		tensor("[1073741826]", "[0,8]"),
		tensor("[1152921504606846976]", "[0,8]"),
		tensor("[4611686018427387905,4]", "[0,16]"),
		tensor("[4294967296,4294967296]", "[0,0]"),
		tensor("[0,18446744073709551615]", "[0,0]"),
		tensor("[2]", "[0,8.0]"),
		tensor("[2]", "[8,0]"),
		tensor("[1,1,1,1,1]", "[0,4]"),
		"[".repeat(60_000),
		"{\"__metadata__\":[".repeat(3_000),
		"{}".into(),
		"{".into(),
		String::new(),
	] {
		for answer in answers(&header, 16) {
			assert!(answer.is_err(), "{header}: {answer:?}");
		}
	}
	let long = " ".repeat(1024 * 1024 + 1);
	let refused = |answer: &Answer| matches!(answer, Err(EngineError::MalformedArtifact(_)));
	assert!(answers(&long, 0).iter().all(refused));
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_configuration_is_hostile() {
	let llama = golden::llama::config(Class::Q8, 0);
	let most = 1_000_000_000;
	let mut random = Random::new(64);
	let Architecture::Bert(bert) = golden::networks::bert(Class::F32, 0) else { unreachable!() };
	let Architecture::Cnn(cnn) = golden::networks::cnn(Class::F32, 0) else { unreachable!() };
	for architecture in [
		Architecture::Llama(llama::Config { layers: most, ..llama.clone() }),
		Architecture::Llama(llama::Config { vocab: u32::MAX, ..llama.clone() }),
		Architecture::Llama(llama::Config { heads: 1 << 31, head_dim: 2, ..llama.clone() }),
		Architecture::Llama(llama::Config { kv_heads: 3, ..llama.clone() }),
		Architecture::Llama(llama::Config { head_dim: 5, ..llama.clone() }),
		Architecture::Llama(llama::Config { rope_theta: Real::new(f32::NAN), ..llama.clone() }),
		Architecture::Llama(llama::Config { rms_eps: Real::new(-1.0), ..llama }),
		Architecture::Bert(bert::Config { layers: most, ..bert.clone() }),
		Architecture::Bert(bert::Config { heads: 0, ..bert.clone() }),
		Architecture::Bert(bert::Config { norm_eps: Real::new(f32::INFINITY), ..bert }),
		Architecture::Cnn(cnn::Config { height: u32::MAX, width: u32::MAX, ..cnn.clone() }),
		Architecture::Cnn(cnn::Config { layers: Default::default(), ..cnn }),
	] {
		let input = vec![0; random.below(64) as usize];
		let answer = run(&architecture, &[0; 64], &input);
		assert!(matches!(answer, Err(EngineError::InvalidConfig(_))), "{answer:?}");
	}
	let fault = ConfigFault::OutOfBounds { field: Field::Layers, got: most, least: 1, most: 128 };
	let config = llama::Config { layers: most, ..golden::llama::config(Class::F32, 0) };
	let answer = run(&Architecture::Llama(config), &[], &[]);
	assert_eq!(answer, Err(EngineError::InvalidConfig(fault)));
}

/// The largest that a configuration can ask for, and a file that has nothing of it.
#[test]
fn wasm_should_refuse_as_native_does_when_a_file_lacks_a_huge_model() {
	for class in [Class::F32, Class::Q8] {
		let config = llama::Config {
			vocab: llama::MAX_VOCAB,
			hidden: llama::MAX_HIDDEN,
			intermediate: llama::MAX_INTERMEDIATE,
			layers: llama::MAX_LAYERS,
			heads: 64,
			kv_heads: 64,
			head_dim: 256,
			max_positions: llama::MAX_POSITIONS,
			..golden::llama::config(class, 0)
		};
		let small = Architecture::Llama(golden::llama::config(class, 0));
		let (artifact, input) = sound(&small);
		let answer = run(&Architecture::Llama(config), &artifact, &input);
		assert!(matches!(answer, Err(EngineError::WrongShape { .. })), "{answer:?}");
	}
}
