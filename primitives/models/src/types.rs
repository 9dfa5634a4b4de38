//! Models, versions and manifests.

use crate::{Architecture, ArtifactRef};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32};

/// Identifies a model, for ever.
pub type ModelId = u32;

/// A model's slug, `org/name` or `name`: lower-case ASCII letters, digits, `-`, `.`, `_`.
pub type Name = BoundedVec<u8, ConstU32<64>>;

/// An SPDX licence expression.
pub type Licence = BoundedVec<u8, ConstU32<64>>;

/// Identifies a version of a model, for ever.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionId {
	/// The model.
	pub model: ModelId,
	/// Counts a model's versions from 1.
	pub number: u32,
}

/// What a version is: everything that decides its answers, and its price.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Manifest<Balance> {
	/// What is computed, and in which arithmetic.
	pub architecture: Architecture,
	/// The weights: a safetensors file.
	pub artifact: ArtifactRef,
	/// The `tokenizer.json` by which clients turn text into tokens and back. Answers don't depend on
	/// it: a request has tokens.
	pub tokenizer: Option<ArtifactRef>,
	/// Version of the engine's semantics that the weights were published for.
	pub engine: u16,
	/// The version that this one was made from, of this model or another.
	pub derived_from: Option<VersionId>,
	/// SPDX expression under which the weights may be used.
	pub licence: Licence,
	/// Price of one request, in the native token's smallest unit; zero is a price, too.
	pub price: Balance,
}

/// Where a version is in its life.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum VersionState {
	/// Waits for approval.
	#[codec(index = 0)]
	Proposed,
	/// May be made the active one.
	#[codec(index = 1)]
	Approved,
	/// The one that a request for the model gets.
	#[codec(index = 2)]
	Active,
	/// Was active; requests that name it are still served.
	#[codec(index = 3)]
	Deprecated,
	/// Not served any more.
	#[codec(index = 4)]
	Revoked,
}

/// A model as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ModelInfo<AccountId> {
	/// The model.
	pub id: ModelId,
	/// Its unique name.
	pub name: Name,
	/// Its owner; `None` if the commons governs it.
	pub owner: Option<AccountId>,
	/// Number of the active version.
	pub active: Option<u32>,
	/// Number of the newest version; 0 before the first.
	pub latest: u32,
}

/// A version as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionInfo<AccountId, Balance> {
	/// The version.
	pub id: VersionId,
	/// Who proposed it.
	pub proposer: AccountId,
	/// Where it is in its life.
	pub state: VersionState,
	/// What it is.
	pub manifest: Manifest<Balance>,
}
