//! The engine in the runtime's Wasm and the native engine give the same bytes: outputs and errors.
//! The Wasm is executed twice, as a node does it and as the relay chain's validators do.

mod damage;
mod executors;
mod models;
mod perceptrons;
