//! The engine in the runtime's Wasm and the native engine give the same bytes: outputs and errors.
//! The Wasm is executed twice, as a node does it and as the relay chain's validators do.

mod damage;
mod executors;
mod models;
mod node;
mod perceptrons;
mod steps;

// What the fuzzer's bytes mean.
#[allow(dead_code)]
#[path = "../../../primitives/engine/fuzz/src/attempts.rs"]
mod attempts;
#[allow(dead_code)]
#[path = "../../../primitives/engine/fuzz/src/reader.rs"]
mod reader;
#[path = "../../../primitives/engine/fuzz/src/runs.rs"]
mod runs;
#[allow(dead_code)]
#[path = "../../../primitives/engine/fuzz/src/subjects.rs"]
mod subjects;
