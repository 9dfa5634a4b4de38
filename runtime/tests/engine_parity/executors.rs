//! The engine, three times.

use codec::{Decode, Encode};
use dodona_engine::{Architecture, EngineError, Model};
use polkadot_node_core_pvf_common::executor_interface::{
	create_runtime_from_artifact_bytes, prepare, DEFAULT_CONFIG,
};
use sc_executor::{with_externalities_safe, WasmExecutor};
use sc_executor_wasmtime::{RuntimeBlob, WasmModule, WasmtimeRuntime};
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use sp_state_machine::BasicExternalities;
use std::{borrow::Cow, sync::LazyLock};

pub type Answer = Result<Vec<u8>, EngineError>;

const FUNCTION: &str = "InferenceApi_run";

fn wasm() -> &'static [u8] {
	dodona_runtime::WASM_BINARY.expect("the runtime's Wasm is built with `std`")
}

/// A node's executor: one for all tests, so that the runtime is compiled once. Host functions that
/// only a collator has are missing: reading no state, the engine calls none.
static NODE: LazyLock<WasmExecutor<sp_io::SubstrateHostFunctions>> =
	LazyLock::new(|| WasmExecutor::builder().with_allow_missing_host_functions(true).build());

fn run_in_node(call: &[u8]) -> Vec<u8> {
	let fetcher = WrappedRuntimeCode(Cow::Borrowed(wasm()));
	let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: vec![1] };
	let mut externalities = BasicExternalities::default();
	let (answer, _) = NODE.call(&mut externalities, &code, FUNCTION, call, CallContext::Offchain);
	answer.expect("the runtime does not trap in a node")
}

/// The runtime as the relay chain's validators prepare it: NaNs are made canonical, the stack is
/// counted, memory is limited.
#[allow(unsafe_code)]
static VALIDATOR: LazyLock<WasmtimeRuntime> = LazyLock::new(|| {
	let parameters = Default::default();
	let blob = RuntimeBlob::uncompress_if_needed(wasm()).expect("the runtime is Wasm");
	let prepared = prepare(blob, &parameters).expect("validators can prepare the runtime");
	// SAFETY: nothing has touched what was prepared in the line above.
	unsafe { create_runtime_from_artifact_bytes(&prepared, &parameters) }
		.expect("validators can load the runtime")
});

fn run_in_validator(call: &[u8]) -> Vec<u8> {
	let mut externalities = BasicExternalities::default();
	let answer = with_externalities_safe(&mut externalities, || {
		VALIDATOR
			.new_instance(DEFAULT_CONFIG.semantics.heap_alloc_strategy)?
			.call(FUNCTION, call)
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
	for (executor, bytes) in [("node", run_in_node(&call)), ("validator", run_in_validator(&call))]
	{
		let answer = Answer::decode(&mut &bytes[..]).expect("an answer");
		assert_eq!(answer, native, "{executor}: {architecture:?}");
	}
	native
}

/// Where the data of a safetensors file begins.
pub fn data_start(artifact: &[u8]) -> usize {
	8 + u64::from_le_bytes(artifact[..8].try_into().unwrap()) as usize
}
