//! The engine in the runtime's Wasm, executed as a node executes it, and the native engine give
//! the same bytes: outputs and errors.

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::mlp::MAX_PARAMETERS,
	golden::{self, CASES},
	Architecture, ArtifactFault, EngineError, Model,
};
use sc_executor::WasmExecutor;
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use sp_state_machine::BasicExternalities;
use std::{borrow::Cow, sync::LazyLock};

type Answer = Result<Vec<u8>, EngineError>;

/// One for all tests, so that the runtime is compiled once. Host functions that only a collator
/// has are missing: reading no state, the engine calls none.
static EXECUTOR: LazyLock<WasmExecutor<sp_io::SubstrateHostFunctions>> =
	LazyLock::new(|| WasmExecutor::builder().with_allow_missing_host_functions(true).build());

fn run_wasm(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	let wasm = dodona_runtime::WASM_BINARY.expect("the runtime's Wasm is built with `std`");
	let fetcher = WrappedRuntimeCode(Cow::Borrowed(wasm));
	let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: vec![1] };
	let (answer, _) = EXECUTOR.call(
		&mut BasicExternalities::default(),
		&code,
		"InferenceApi_run",
		&(architecture, artifact, input).encode(),
		CallContext::Offchain,
	);
	Answer::decode(&mut &answer.expect("the runtime does not trap")[..]).expect("an answer")
}

fn run_native(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	Model::load(architecture, artifact)?.run(input)
}

/// Both answers, which are the same.
fn run(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	let native = run_native(architecture, artifact, input);
	assert_eq!(run_wasm(architecture, artifact, input), native, "{architecture:?}");
	native
}

/// A small generator (xorshift64*), seeded by each test.
struct Random(u64);

impl Random {
	fn next(&mut self) -> u32 {
		self.0 ^= self.0 >> 12;
		self.0 ^= self.0 << 25;
		self.0 ^= self.0 >> 27;
		(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
	}

	fn below(&mut self, most: u32) -> u32 {
		self.next() % most
	}

	/// A perceptron of up to five layers.
	fn architecture(&mut self) -> Architecture {
		let count = 2 + self.below(5);
		let widths: Vec<u32> = (0..count).map(|_| 1 + self.below(96)).collect();
		golden::mlp(&widths)
	}

	/// Overwrites `bytes` with finite values of any sign and mantissa, of very different sizes.
	fn fill(&mut self, bytes: &mut [u8]) {
		for chunk in bytes.chunks_exact_mut(4) {
			let bits = self.next();
			let exponent = 107 + self.below(24);
			chunk.copy_from_slice(&((bits & 0x807f_ffff) | (exponent << 23)).to_le_bytes());
		}
	}
}

fn artifact(architecture: &Architecture) -> Vec<u8> {
	golden::artifact(architecture, 1, 1.0).unwrap()
}

/// Where the weights begin.
fn data_start(artifact: &[u8]) -> usize {
	8 + u64::from_le_bytes(artifact[..8].try_into().unwrap()) as usize
}

#[test]
fn wasm_should_give_the_golden_outputs() {
	for case in CASES {
		let architecture = golden::mlp(case.widths);
		let artifact = golden::artifact(&architecture, case.seed, case.scale).unwrap();
		let expected: Vec<u8> = case.output.iter().flat_map(|bits| bits.to_le_bytes()).collect();
		let input = golden::input(&architecture, case.seed);
		assert_eq!(run_wasm(&architecture, &artifact, &input), Ok(expected));
	}
}

#[test]
fn wasm_should_give_the_native_bytes_when_weights_and_inputs_are_random() {
	let mut random = Random(0x0d0d_07a1);
	for _ in 0..60 {
		let architecture = random.architecture();
		let mut artifact = artifact(&architecture);
		let start = data_start(&artifact);
		random.fill(&mut artifact[start..]);
		let mut input = vec![0; architecture.input_len() as usize];
		random.fill(&mut input);
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
	for at in (data_start(&sound)..sound.len()).step_by(4) {
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
	let mut random = Random(0x0bad_0bad);
	let architecture = golden::mlp(&[3, 2, 2]);
	let sound = artifact(&architecture);
	let input = golden::input(&architecture, 1);
	for _ in 0..400 {
		let mut artifact = sound.clone();
		for _ in 0..1 + random.below(3) {
			let at = random.below(artifact.len() as u32) as usize;
			artifact[at] = random.next() as u8;
		}
		if random.below(4) == 0 {
			artifact.truncate(random.below(artifact.len() as u32) as usize);
		}
		let _ = run(&architecture, &artifact, &input);
	}
}
