//! Types and traits of the model registry, shared by pallets, runtime and clients.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod artifact;
pub mod runtime_api;
mod types;

pub use artifact::{chunk_cid, chunk_hash, ArtifactRef, CHUNK_SIZE};
pub use dodona_engine::Architecture;
pub use types::{
	Licence, Manifest, ModelId, ModelInfo, Name, VersionId, VersionInfo, VersionState,
};

/// What other pallets may know about models.
pub trait ModelInspect {
	/// The account type of whoever is paid for a model.
	type AccountId;
	/// The type of prices.
	type Balance;

	/// The version that a request for `model` gets now; `None` if there is none in use.
	fn active_version(model: ModelId) -> Option<VersionId>;

	/// The manifest of `version`, whatever its state.
	fn manifest(version: VersionId) -> Option<Manifest<Self::Balance>>;

	/// Whether a request may be made for `version`: it is active, or deprecated but still served.
	fn is_served(version: VersionId) -> bool;

	/// Who is paid the contributors' share of a request for `model`.
	fn beneficiary(model: ModelId) -> Option<Self::AccountId>;
}
