//! Perceptrons, and what of an artifact goes wrong for every architecture alike.

use crate::executors::{self, run};
use dodona_engine::{
	architecture::mlp::MAX_PARAMETERS,
	golden::{self, random::Random, CASES},
	Architecture, ArtifactFault, EngineError,
};

fn artifact(architecture: &Architecture) -> Vec<u8> {
	golden::artifact(architecture, 1, 1.0).unwrap()
}

/// Overwrites `bytes` with floats of very different sizes.
fn fill(random: &mut Random, bytes: &mut [u8]) {
	for chunk in bytes.chunks_exact_mut(4) {
		chunk.copy_from_slice(&random.float().to_le_bytes());
	}
}

#[test]
fn wasm_should_give_the_golden_outputs() {
	for case in CASES {
		let architecture = golden::mlp(case.widths);
		let artifact = golden::artifact(&architecture, case.seed, case.scale).unwrap();
		let expected: Vec<u8> = case.output.iter().flat_map(|bits| bits.to_le_bytes()).collect();
		let input = golden::input(&architecture, case.seed);
		assert_eq!(run(&architecture, &artifact, &input), Ok(expected));
	}
}

#[test]
fn wasm_should_give_the_native_bytes_when_weights_and_inputs_are_random() {
	let mut random = Random::new(0x0d0d_07a1);
	for _ in 0..60 {
		let architecture = random.mlp();
		let mut artifact = artifact(&architecture);
		let start = executors::data_start(&artifact);
		fill(&mut random, &mut artifact[start..]);
		let input = random.input(&architecture);
		let output = run(&architecture, &artifact, &input).unwrap();
		assert_eq!(output.len(), architecture.output_len() as usize);
	}
}

#[test]
fn wasm_should_give_the_native_bytes_when_values_are_subnormal() {
	let architecture = golden::mlp(&[20, 30, 10]);
	let artifact = golden::artifact(&architecture, 3, f32::from_bits(1 << 12)).unwrap();
	let output = run(&architecture, &artifact, &golden::input(&architecture, 3)).unwrap();
	assert!(output.chunks(4).any(|value| value != [0; 4]));
}

#[test]
fn wasm_should_run_the_largest_models() {
	for widths in [&[2047, 1024][..], &[16_384, 127, 100], &[1, 16_384, 125], &[350; 16]] {
		let architecture = golden::mlp(widths);
		let Architecture::Mlp(config) = &architecture else { unreachable!() };
		assert!(config.parameters() * 10 > u64::from(MAX_PARAMETERS) * 8);
		let input = golden::input(&architecture, 4);
		run(&architecture, &golden::artifact(&architecture, 4, 0.125).unwrap(), &input).unwrap();
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_an_input_is_wrong() {
	let architecture = golden::mlp(&[6, 4, 3]);
	let artifact = artifact(&architecture);
	for bad in [f32::NAN, f32::from_bits(0xffc0_0001), f32::INFINITY, f32::NEG_INFINITY] {
		for at in 0..6 {
			let mut input = golden::input(&architecture, 2);
			input[at * 4..][..4].copy_from_slice(&bad.to_le_bytes());
			let refused = Err(EngineError::NonFiniteInput { at: at as u32 });
			assert_eq!(run(&architecture, &artifact, &input), refused);
		}
	}
	let refused = Err(EngineError::WrongInputLength { expected: 24, got: 23 });
	assert_eq!(run(&architecture, &artifact, &[0; 23]), refused);
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_weight_is_not_finite() {
	let architecture = golden::mlp(&[6, 4, 3]);
	let input = golden::input(&architecture, 2);
	let sound = artifact(&architecture);
	for at in (executors::data_start(&sound)..sound.len()).step_by(4) {
		let mut artifact = sound.clone();
		artifact[at..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
		let answer = run(&architecture, &artifact, &input);
		assert!(matches!(answer, Err(EngineError::NonFiniteWeight { .. })), "{answer:?}");
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_result_is_not_finite() {
	let architecture = golden::mlp(&[64, 32, 10]);
	let input = golden::input(&architecture, 3);
	for (scale, layer) in [(f32::MAX, 0), (2f32.powi(80), 1)] {
		let artifact = golden::artifact(&architecture, 3, scale).unwrap();
		let refused = Err(EngineError::NonFiniteResult { layer });
		assert_eq!(run(&architecture, &artifact, &input), refused);
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_a_configuration_is_hostile() {
	let widths = [&[][..], &[7], &[0, 1], &[u32::MAX; 16], &[4_096; 16], &[16_384, 4_096]];
	for widths in widths {
		let architecture = golden::mlp(widths);
		let answer = run(&architecture, &[0; 64], &[]);
		assert!(matches!(answer, Err(EngineError::InvalidConfig(_))), "{answer:?}");
	}
}

#[test]
fn wasm_should_refuse_as_native_does_when_an_artifact_is_hostile() {
	let architecture = golden::mlp(&[2, 1]);
	let refuse = |header: &str, fault| {
		let mut artifact = (header.len() as u64).to_le_bytes().to_vec();
		artifact.extend_from_slice(header.as_bytes());
		artifact.extend_from_slice(&[0; 12]);
		let refused = Err(EngineError::MalformedArtifact(fault));
		assert_eq!(run(&architecture, &artifact, &[0; 8]), refused, "{header}");
	};
	let weight = |offsets: &str| {
		format!(r#"{{"layers.0.weight":{{"dtype":"F32","shape":[1,2],"data_offsets":{offsets}}}}}"#)
	};
	// Beyond what a 32-bit machine can count, and beyond any.
	refuse(&weight("[0,4294967304]"), ArtifactFault::OutOfBounds);
	refuse(&weight("[18446744073709551608,18446744073709551615]"), ArtifactFault::OutOfBounds);
	refuse(&weight("[0,18446744073709551616]"), ArtifactFault::InvalidHeader);
	refuse(&weight("[0,8.0]"), ArtifactFault::InvalidHeader);
	refuse(&weight("[0,8e0]"), ArtifactFault::InvalidHeader);
	refuse(&weight("[0,1e999]"), ArtifactFault::InvalidHeader);
	refuse(&weight("[0,-8]"), ArtifactFault::InvalidHeader);
	refuse(&"[".repeat(60_000), ArtifactFault::InvalidHeader);
	refuse(&"{\"__metadata__\":[".repeat(3_000), ArtifactFault::InvalidHeader);
}

#[test]
fn wasm_should_answer_as_native_does_when_bytes_of_an_artifact_are_changed() {
	let mut random = Random::new(0x0bad_0bad);
	let architecture = golden::mlp(&[3, 2, 2]);
	let sound = artifact(&architecture);
	let input = golden::input(&architecture, 1);
	for _ in 0..400 {
		let mut artifact = sound.clone();
		for _ in 0..1 + random.below(3) {
			let at = random.below(artifact.len() as u32) as usize;
			artifact[at] = random.below(256) as u8;
		}
		if random.below(4) == 0 {
			artifact.truncate(random.below(artifact.len() as u32) as usize);
		}
		let _ = run(&architecture, &artifact, &input);
	}
}
