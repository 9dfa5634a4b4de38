//! What is recorded of models and versions.

use crate::Config;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::{
	Manifest, Metadata, ModelId, ModelInfo, Name, VersionId, VersionState,
};
use frame_support::traits::fungible::{Credit, Inspect};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;

/// The balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Funds of the pallet's currency on their way.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// The record of a model in a runtime.
pub type ModelOf<T> = Model<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// The record of a version in a runtime.
pub type VersionOf<T> =
	Version<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// The state of a version in a runtime.
pub type StateOf<T> = VersionState<BlockNumberFor<T>>;

/// The record of an organisation in a runtime.
pub type HoldingOf<T> = Holding<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// The record of a model's metadata in a runtime.
pub type DescribedOf<T> = Described<BalanceOf<T>>;

/// A manifest in a runtime.
pub type ManifestOf<T> = Manifest<BalanceOf<T>>;

/// The record of a model.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Model<AccountId, Balance> {
	/// Its unique name.
	pub name: Name,
	/// Its owner; `None` if the commons govern it.
	pub owner: Option<AccountId>,
	/// What is held from the owner for it.
	pub deposit: Balance,
	/// Number of the active version.
	pub active: Option<u32>,
	/// Number of the newest version; 0 before the first.
	pub latest: u32,
	/// How many versions were approved and are not revoked.
	pub live: u32,
	/// How many versions wait for approval.
	pub proposals: u32,
	/// How many versions there are records of.
	pub records: u32,
	/// Whether a version of it has ever been active.
	pub was_used: bool,
}

impl<AccountId, Balance> Model<AccountId, Balance> {
	/// The model as clients see it.
	pub(crate) fn into_info(self, id: ModelId, metadata: Metadata) -> ModelInfo<AccountId> {
		let Self { name, owner, active, latest, .. } = self;
		ModelInfo { id, name, owner, active, latest, metadata }
	}
}

/// The record of a version.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Version<AccountId, Balance, BlockNumber> {
	/// Who proposed it.
	pub proposer: AccountId,
	/// What is held from the proposer for it.
	pub deposit: Balance,
	/// When it was proposed.
	pub proposed_at: BlockNumber,
	/// Where it is in its life.
	pub state: VersionState<BlockNumber>,
	/// What it is.
	pub manifest: Manifest<Balance>,
}

/// A model's claim on an artifact.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Claim {
	/// The version by which the model claimed it.
	pub first: VersionId,
	/// How many versions, of any model, have the artifact and are not revoked.
	pub versions: u32,
	/// Whether the claim outlives these versions.
	pub lasting: bool,
	/// How many of these versions are suspended.
	pub suspended: u32,
}

/// The record of an organisation.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Holding<AccountId, Balance> {
	/// Who holds it.
	pub holder: AccountId,
	/// What is held from the holder for it.
	pub deposit: Balance,
	/// How many models are registered under it.
	pub models: u32,
}

/// The record of a model's metadata.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Described<Balance> {
	/// What is said.
	pub metadata: Metadata,
	/// What is held from the model's owner for it.
	pub deposit: Balance,
}
