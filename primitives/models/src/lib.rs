//! Types and traits of the model registry, shared by pallets, runtime and clients.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod artifact;
pub mod contributions;
pub mod licence;
mod pages;
pub mod runtime_api;
mod types;

pub use artifact::{chunk_cid, chunk_hash, is_leaf, leaf_proof, root_of, ArtifactRef, CHUNK_SIZE};
pub use contributions::{
	ContributionId, ContributionInfo, ContributionKind, EntryId, ModelLineage, RoyaltyAccounts,
	RoyaltyInfo, RoyaltyTable,
};
pub use dodona_engine::Architecture;
pub use licence::LicenceFault;
pub use pages::{pages_root, Blake2};
pub use types::{
	Licence, Live, Manifest, Metadata, Mirror, ModelId, ModelInfo, Name, Organisation, Price,
	Reason, Tag, VersionId, VersionInfo, VersionState, WORK_UNIT,
};

use sp_core::H256;
use sp_runtime::DispatchResult;

/// What other pallets may know about models.
pub trait ModelInspect {
	/// The type of prices.
	type Balance;

	/// The version that a request for `model` gets now; `None` if there is none in use.
	fn active_version(model: ModelId) -> Option<VersionId>;

	/// The manifest of `version`, whatever its state.
	fn manifest(version: VersionId) -> Option<Manifest<Self::Balance>>;

	/// Whether a request may be made for `version`: it is active, or deprecated but still served.
	fn is_served(version: VersionId) -> bool;

	/// Whether `version` may answer what it was asked: it is neither suspended nor revoked, and the
	/// engine is the one that it was published for. One that waits for approval answers only those
	/// who examine it.
	fn may_answer(version: VersionId) -> bool;

	/// Whether `version` waits for approval.
	fn is_proposed(version: VersionId) -> bool;
}

/// Who decides over models.
pub trait ModelGovernance<Origin> {
	/// Refuses an origin that doesn't govern the model.
	fn ensure_governs(origin: Origin, model: ModelId) -> DispatchResult;
}

/// What a version must have shown before it is approved.
pub trait UpgradeGate {
	/// Refuses a version that has not reproduced the answers that its manifest claims.
	fn ensure_admitted(version: VersionId) -> DispatchResult;

	/// Refuses a version that has not beaten `active`, the version in use, on what the model is
	/// measured by.
	fn ensure_better(version: VersionId, active: VersionId) -> DispatchResult;

	/// Whether a version that waits for approval is in the middle of being compared with the one in
	/// use: who takes it back now would have had a try that leaves no trace.
	fn is_being_measured(version: VersionId) -> bool;

	/// A version doesn't wait for approval any more, or its record is dropped: what was found out
	/// about it may be dropped, unless it was approved.
	fn close(version: VersionId, approved: bool);

	/// A version became the active one: what was found beside another doesn't count any more.
	fn activated(version: VersionId);

	/// The model went over to the commons: what its owner had it measured by doesn't count any more.
	fn donated(model: ModelId);

	/// There is no such model any more.
	fn forget(model: ModelId);
}

/// A store of chunks that are kept for a while, each by its hash.
pub trait ChunkStore {
	/// Who pays deposits.
	type AccountId;
	/// How time is counted.
	type BlockNumber;

	/// First block in which the chunk is not kept any more; `None` if it is not kept now.
	fn kept_until(hash: H256) -> Option<Self::BlockNumber>;

	/// Whether the chunk can be renewed in this block.
	fn is_renewable(hash: H256) -> bool;

	/// Keeps the chunk for another period, at a deposit of `payer`.
	fn renew(payer: &Self::AccountId, hash: H256) -> DispatchResult;
}
