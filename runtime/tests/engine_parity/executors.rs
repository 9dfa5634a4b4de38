//! The engine, three times.

use crate::node;
use codec::{Decode, Encode};
use dodona_engine::{Architecture, EngineError, Model};
use polkadot_node_core_pvf_common::executor_interface::{
	create_runtime_from_artifact_bytes, prepare, DEFAULT_CONFIG,
};
use sc_executor::with_externalities_safe;
use sc_executor_wasmtime::{RuntimeBlob, WasmModule, WasmtimeRuntime};
use sp_state_machine::BasicExternalities;
use std::sync::LazyLock;

pub type Answer = Result<Vec<u8>, EngineError>;

/// The runtime as the relay chain's validators prepare it: NaNs are made canonical, the stack is
/// counted, memory is limited.
#[allow(unsafe_code)]
static VALIDATOR: LazyLock<WasmtimeRuntime> = LazyLock::new(|| {
	let parameters = Default::default();
	let blob = RuntimeBlob::uncompress_if_needed(node::wasm()).expect("the runtime is Wasm");
	let prepared = prepare(blob, &parameters).expect("validators can prepare the runtime");
	// SAFETY: nothing has touched what was prepared in the line above.
	unsafe { create_runtime_from_artifact_bytes(&prepared, &parameters) }
		.expect("validators can load the runtime")
});

fn run_in_validator(function: &str, call: &[u8]) -> Vec<u8> {
	let mut externalities = BasicExternalities::default();
	let answer = with_externalities_safe(&mut externalities, || {
		VALIDATOR
			.new_instance(DEFAULT_CONFIG.semantics.heap_alloc_strategy)?
			.call(function, call)
	});
	answer
		.and_then(|answer| answer)
		.expect("the runtime does not trap in a validator")
}

fn run_native(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	Model::load(architecture, artifact)?.run(input)
}

/// The answer, which is the same natively and in both executors.
pub fn run(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Answer {
	let native = run_native(architecture, artifact, input);
	let call = (architecture, artifact, input).encode();
	for (executor, answer) in in_wasm::<Answer>("InferenceApi_run", &call) {
		assert_eq!(answer, native, "{executor}: {architecture:?}");
	}
	native
}

/// What a function of the runtime answers in each executor.
pub fn in_wasm<T: Decode>(function: &str, call: &[u8]) -> [(&'static str, T); 2] {
	let answers =
		[("node", node::call(function, call)), ("validator", run_in_validator(function, call))];
	answers.map(|(executor, bytes)| (executor, T::decode(&mut &bytes[..]).expect("an answer")))
}

/// Where the data of a safetensors file begins.
pub fn data_start(artifact: &[u8]) -> usize {
	8 + u64::from_le_bytes(artifact[..8].try_into().unwrap()) as usize
}
