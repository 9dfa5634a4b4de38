//! The canonical inference semantics: what a model's answer *is*.
//!
//! This crate is compiled natively (workers, clients) and into the runtime's Wasm, and gives the
//! same bytes in both. See `docs/engine.md` for the numeric contract.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
// Only `numeric` allows some, for processors' instructions.
#![deny(unsafe_code)]

extern crate alloc;

pub mod architecture;
pub mod artifact;
mod error;
pub mod generate;
pub mod golden;
pub mod huggingface;
mod model;
pub mod numeric;
pub mod quantize;
mod real;
pub mod trace;

pub use architecture::{Architecture, Class};
pub use artifact::{Source, Tensors, MAX_HEADER_LEN, MAX_RANK};
pub use error::{ArtifactFault, ConfigFault, EngineError, Field, InputFault, TensorName};
pub use golden::self_test;
pub use model::Model;
pub use real::Real;

/// Version of the semantics in this crate. A change of any output bit raises it.
pub const ENGINE_VERSION: u16 = 1;
