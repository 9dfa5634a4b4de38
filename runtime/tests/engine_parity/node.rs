//! The runtime's Wasm, executed as a node executes it. The benchmarks use this too.

use sc_executor::WasmExecutor;
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use sp_state_machine::BasicExternalities;
use std::{borrow::Cow, sync::LazyLock};

pub fn wasm() -> &'static [u8] {
	dodona_runtime::WASM_BINARY.expect("the runtime's Wasm is built with `std`")
}

/// One for all, so that the runtime is compiled once. Host functions that only a collator has are
/// missing: reading no state, the engine calls none.
static NODE: LazyLock<WasmExecutor<sp_io::SubstrateHostFunctions>> =
	LazyLock::new(|| WasmExecutor::builder().with_allow_missing_host_functions(true).build());

/// What a function of the runtime answers.
pub fn call(function: &str, call: &[u8]) -> Vec<u8> {
	let fetcher = WrappedRuntimeCode(Cow::Borrowed(wasm()));
	let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: vec![1] };
	let mut externalities = BasicExternalities::default();
	let (answer, _) = NODE.call(&mut externalities, &code, function, call, CallContext::Offchain);
	answer.expect("the runtime does not trap in a node")
}
