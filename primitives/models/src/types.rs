//! Models, versions and manifests.

use crate::{Architecture, ArtifactRef};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};
use sp_runtime::traits::{AtLeast32BitUnsigned, UniqueSaturatedInto};

/// Identifies a model, for ever.
pub type ModelId = u32;

/// A model's slug, `org/name` or `name`: lower-case ASCII letters, digits, `-`, `.`, `_`.
pub type Name = BoundedVec<u8, ConstU32<64>>;

/// An SPDX licence expression.
pub type Licence = BoundedVec<u8, ConstU32<64>>;

/// An organisation: the part of a name before the slash.
pub type Organisation = BoundedVec<u8, ConstU32<64>>;

/// Why something was decided, in words.
pub type Reason = BoundedVec<u8, ConstU32<256>>;

/// Multiply-accumulates in a unit of work.
pub const WORK_UNIT: u64 = 1_000_000;

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
	/// Root over the weights' pages, by which a dispute opens a part of them. Anyone can show that
	/// it isn't.
	pub pages: H256,
	/// The `tokenizer.json` by which clients turn text into tokens and back. Answers don't depend on
	/// it: a request has tokens.
	pub tokenizer: Option<ArtifactRef>,
	/// What makes the folder that the version was published from out of weights and tokenizer. Only
	/// for clients.
	pub folder: Option<ArtifactRef>,
	/// Hash of the questions whose answers are known: `blake2_256` of the encoded list. A version
	/// that does not reproduce them is not approved.
	pub known_answers: H256,
	/// Version of the engine's semantics that the weights were published for.
	pub engine: u16,
	/// The version that this one was made from, of this model or another.
	pub derived_from: Option<VersionId>,
	/// SPDX expression under which the weights may be used.
	pub licence: Licence,
	/// What a request costs.
	pub price: Price<Balance>,
}

impl<Balance: AtLeast32BitUnsigned + Copy> Manifest<Balance> {
	/// What the answer to `input` costs.
	pub fn fee(&self, input: &[u8]) -> Balance {
		let units = self.architecture.work(input).div_ceil(WORK_UNIT);
		let work = self.price.work.saturating_mul(units.unique_saturated_into());
		self.price.request.saturating_add(work)
	}
}

/// What a request costs, in the native token's smallest unit; zero is a price, too.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Price<Balance> {
	/// For every request.
	pub request: Balance,
	/// For each unit of work ([`WORK_UNIT`]) that the longest answer to the input takes, and for the
	/// last one begun.
	pub work: Balance,
}

/// Where a version is in its life.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum VersionState<BlockNumber> {
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
	/// Not served any more, for ever.
	#[codec(index = 4)]
	Revoked {
		/// Why.
		reason: Reason,
		/// Since when.
		at: BlockNumber,
	},
	/// Not served until it is decided whether it is revoked or goes on.
	#[codec(index = 5)]
	Suspended {
		/// What it was, and is again if it goes on.
		was: Live,
		/// Why.
		reason: Reason,
	},
}

/// What an approved version can be while nothing is wrong with it.
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
pub enum Live {
	/// As [`VersionState::Approved`].
	#[codec(index = 0)]
	Approved,
	/// As [`VersionState::Active`]; if another version is active by then, as
	/// [`VersionState::Deprecated`].
	#[codec(index = 1)]
	Active,
	/// As [`VersionState::Deprecated`].
	#[codec(index = 2)]
	Deprecated,
}

/// A tag: lower-case ASCII letters, digits, `-`, `.`, `_`.
pub type Tag = BoundedVec<u8, ConstU32<32>>;

/// An address, `https://…/`, under which the chunks of a model's artifacts may be had by CID.
pub type Mirror = BoundedVec<u8, ConstU32<128>>;

/// What is said of a model. Nothing depends on it.
#[derive(
	Clone,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Metadata {
	/// What it is, in a line.
	pub description: BoundedVec<u8, ConstU32<256>>,
	/// Hash of the chunk with the model card, from which its CID follows.
	pub card: Option<H256>,
	/// What it is found by.
	pub tags: BoundedVec<Tag, ConstU32<8>>,
	/// Where chunks may be had besides the chain. What comes from there is verified as well.
	pub mirrors: BoundedVec<Mirror, ConstU32<4>>,
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
	/// What is said of it.
	pub metadata: Metadata,
}

/// A version as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionInfo<AccountId, Balance, BlockNumber> {
	/// The version.
	pub id: VersionId,
	/// Who proposed it.
	pub proposer: AccountId,
	/// Where it is in its life.
	pub state: VersionState<BlockNumber>,
	/// First block in which its weights may not be kept by the chain any more; `None` if nobody has
	/// shown that they are.
	pub kept_until: Option<BlockNumber>,
	/// What it is.
	pub manifest: Manifest<Balance>,
}
