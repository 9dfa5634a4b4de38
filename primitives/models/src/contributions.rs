//! What people gave to models, and what they get of what the models earn.

use crate::{ModelId, VersionId};
use alloc::vec::Vec;
use codec::{Codec, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::Perbill;

/// Identifies a proposed contribution, for ever.
pub type ContributionId = u32;

/// Identifies an entry in the royalty table of a model: a model's entries count from 0.
pub type EntryId = u32;

/// What somebody gave to a model.
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
pub enum ContributionKind {
	/// Data that it was trained with.
	#[codec(index = 0)]
	Dataset,
	/// Weights that its own were made from, or a part of them.
	#[codec(index = 1)]
	Weights,
	/// What it is made or used with.
	#[codec(index = 2)]
	Code,
	/// Questions and answers that it is measured by.
	#[codec(index = 3)]
	Evaluation,
	/// Judgements of its answers.
	#[codec(index = 4)]
	Feedback,
	/// Something that people use it through.
	#[codec(index = 5)]
	Application,
}

/// What royalties need to know of models.
pub trait ModelLineage {
	/// The account type of owners.
	type AccountId;

	/// Whether there is such a model.
	fn exists(model: ModelId) -> bool;

	/// Who owns the model; `None` if the commons govern it, or there is none.
	fn owner(model: ModelId) -> Option<Self::AccountId>;

	/// The version that `version` was derived from, whether or not there are records of them.
	/// Nothing descends from itself.
	fn parent(version: VersionId) -> Option<VersionId>;
}

/// Where the earnings of versions go.
pub trait RoyaltyAccounts {
	/// The account type.
	type AccountId;

	/// The account that is paid the contributors' part of what a version earns.
	fn royalty_account(version: VersionId) -> Self::AccountId;
}

/// A contribution that waits for whoever governs the model, as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ContributionInfo<AccountId, Balance> {
	/// Its number.
	pub id: ContributionId,
	/// Who gave it.
	pub author: AccountId,
	/// What it is.
	pub kind: ContributionKind,
	/// Hash of what was given.
	pub content: H256,
	/// The share that its author asks for.
	pub share: Perbill,
	/// Held from its author until it is decided.
	pub deposit: Balance,
}

/// Who gets how much of what a model earns, as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RoyaltyTable<AccountId, Balance, BlockNumber> {
	/// Who gets what is left; `None` if it is the treasury.
	pub owner: Option<AccountId>,
	/// What is left in this block, rounded down.
	pub remainder: Perbill,
	/// All that entries have earned and not claimed, rounded up.
	pub waiting: Balance,
	/// The entries, by number.
	pub entries: Vec<RoyaltyInfo<AccountId, Balance, BlockNumber>>,
}

/// An entry in the royalty table of a model, as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RoyaltyInfo<AccountId, Balance, BlockNumber> {
	/// Its number.
	pub id: EntryId,
	/// Who is paid.
	pub holder: AccountId,
	/// For what.
	pub kind: ContributionKind,
	/// Hash of what was given.
	pub content: H256,
	/// The whole share.
	pub share: Perbill,
	/// What of it counts in this block, rounded down.
	pub vested: Perbill,
	/// The block that it was accepted in.
	pub from: BlockNumber,
	/// The block from which the whole share counts.
	pub until: BlockNumber,
	/// What can be claimed now.
	pub pending: Balance,
}

sp_api::decl_runtime_apis! {
	/// Reads contributions and royalties.
	pub trait ContributionsApi<AccountId, Balance, BlockNumber>
	where
		AccountId: Codec,
		Balance: Codec,
		BlockNumber: Codec,
	{
		/// Who gets how much of what a model earns; `None` if there is no such model.
		fn royalties(model: ModelId) -> Option<RoyaltyTable<AccountId, Balance, BlockNumber>>;
		/// The contributions to a model that wait for whoever governs it, oldest first.
		fn contributions(model: ModelId) -> Vec<ContributionInfo<AccountId, Balance>>;
		/// The account that is paid the contributors' part of what a version earns.
		fn royalty_account(version: VersionId) -> AccountId;
		/// What a version has earned that isn't distributed.
		fn undistributed(version: VersionId) -> Balance;
	}
}
