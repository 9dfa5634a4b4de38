//! The canonical inference semantics: what a model's answer *is*.
//!
//! This crate is compiled natively (workers, clients) and into the runtime's Wasm, and gives the
//! same bytes in both. See `docs/engine.md` for the numeric contract.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod architecture;
mod artifact;
mod error;
pub mod golden;
mod model;
pub mod numeric;

pub use architecture::Architecture;
pub use artifact::{MAX_HEADER_LEN, MAX_RANK};
pub use error::{ArtifactFault, ConfigFault, EngineError, TensorName};
pub use golden::self_test;
pub use model::Model;

/// Version of the semantics in this crate. A change of any output bit raises it.
pub const ENGINE_VERSION: u16 = 1;
