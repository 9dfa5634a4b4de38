//! Steps of runs, on witnesses that are true, and on what the fuzzer has found worth keeping.

use crate::{
	attempts::{truth, Attempt},
	executors::in_wasm,
	reader::Reader,
	runs::{run, Run},
};
use codec::{DecodeAll, Encode};
use dodona_engine::trace::{Blake, Witness};
use sp_core::H256;
use std::fs;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../primitives/engine/fuzz/corpus/step");

/// Runs there are to choose among, and some more, which are the same again.
const RUNS: u8 = 32;

/// The state after the step, if the witness shows it: natively, and the same in both executors.
fn execute(run: &Run, attempt: &Attempt) -> Option<H256> {
	let witness = Witness::decode_all(&mut &attempt.witness[..]).ok();
	let native = witness.and_then(|witness| attempt.execute::<Blake>(run, &witness).ok());
	let native = native.map(H256);
	let Attempt { step, before, weights_len, witness } = attempt;
	// The state before the first step need not be named.
	let before = (*before != run.states[0]).then_some(H256(*before));
	let (architecture, input, pages) = (&run.architecture, &run.input, H256(run.weights));
	let call = (architecture, input, pages, weights_len, step, before, witness).encode();
	for (executor, answer) in in_wasm::<Option<H256>>("InferenceApi_execute_step", &call) {
		assert_eq!(answer, native, "{executor}: {architecture:?}, step {step}");
	}
	native
}

#[test]
fn wasm_should_execute_a_step_as_native_does_when_the_witness_is_true() {
	for run in (0..RUNS).map(run) {
		let steps = run.program.steps();
		for step in (0..steps).filter(|step| *step < 40 || step % 7 == 0 || step + 1 == steps) {
			let (at, weights_len) = (step as usize, run.artifact.len() as u64);
			let witness = truth(run, step).encode();
			let attempt = Attempt { step, before: run.states[at], weights_len, witness };
			assert_eq!(execute(run, &attempt), Some(H256(run.states[at + 1])));
		}
	}
}

#[test]
fn wasm_should_execute_a_step_as_native_does_when_the_witness_is_damaged() {
	let (mut executed, mut refused, mut undecodable) = (0, 0, 0);
	for file in fs::read_dir(CORPUS).unwrap() {
		let bytes = fs::read(file.unwrap().path()).unwrap();
		let mut reader = Reader::new(&bytes);
		let run = run(reader.byte());
		// The others are about a run's end.
		if !reader.byte().is_multiple_of(8) {
			let attempt = Attempt::read(run, &mut reader);
			match execute(run, &attempt) {
				Some(_) => executed += 1,
				None if Witness::decode_all(&mut &attempt.witness[..]).is_ok() => refused += 1,
				None => undecodable += 1,
			}
		}
	}
	let enough = executed > 0 && refused > 50 && undecodable > 0;
	assert!(enough, "{executed} executed, {refused} refused, {undecodable} undecodable");
}
