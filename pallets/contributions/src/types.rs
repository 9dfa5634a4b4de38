//! What the pallet keeps of contributions, and of what models earn.

use crate::{
	math::{Earner, Royalties, Step},
	Config,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::{
	ContributionInfo, ContributionKind, EntryId, ModelId, RoyaltyInfo, RoyaltyTable,
};
use frame_support::{
	traits::fungible::{Credit, Inspect},
	BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{Perbill, SaturatedConversion};

/// Amounts of the native token.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Money on its way to somebody.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// An amount as a plain number, in the token's smallest unit.
pub(crate) fn raw<T: Config>(amount: BalanceOf<T>) -> u128 {
	amount.saturated_into()
}

/// A plain number as an amount.
pub(crate) fn amount<T: Config>(raw: u128) -> BalanceOf<T> {
	raw.saturated_into()
}

/// A contribution that waits, in a runtime.
pub type ContributionOf<T> = Contribution<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// A contribution that waits, as clients see it.
pub type ContributionInfoOf<T> =
	ContributionInfo<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// An entry in a royalty table, in a runtime.
pub type EntryOf<T> = Entry<<T as frame_system::Config>::AccountId>;

/// An entry in a royalty table, as clients see it.
pub type RoyaltyInfoOf<T> =
	RoyaltyInfo<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// A royalty table, as clients see it.
pub type RoyaltyTableOf<T> =
	RoyaltyTable<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// What came to a version from those that were derived from it, by the number of models that it
/// climbed through: first what came through one.
pub type StepsOf<T> = BoundedVec<Step, <T as Config>::MaxLineageDepth>;

/// A contribution that waits for whoever governs the model.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Contribution<AccountId, Balance> {
	/// The model.
	pub model: ModelId,
	/// Who gave it.
	pub author: AccountId,
	/// What it is.
	pub kind: ContributionKind,
	/// Hash of what was given.
	pub content: H256,
	/// The share that its author asks for.
	pub share: Perbill,
	/// What is held from the author until it is decided.
	pub deposit: Balance,
}

/// An entry in the royalty table of a model.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Entry<AccountId> {
	/// Who is paid.
	pub holder: AccountId,
	/// For what.
	pub kind: ContributionKind,
	/// Hash of what was given.
	pub content: H256,
	/// What it earns.
	pub earner: Earner,
}

/// What the entries of a model have in common.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[codec(mel_bound())]
#[scale_info(skip_type_params(T))]
pub struct Table<T: Config> {
	/// What they earn.
	pub royalties: Royalties,
	/// The number of the next entry.
	pub next: EntryId,
	/// How many entries there are.
	pub entries: u32,
	/// The sum of all whole shares.
	pub granted: Perbill,
	/// Entries that vest, and the block in which the whole share counts: soonest first.
	pub vesting: BoundedVec<(u64, EntryId), T::MaxEntries>,
}

/// What came and went, in the token's smallest unit.
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
pub struct Flows {
	/// Taken from the accounts of versions.
	pub received: u128,
	/// Paid to holders of shares and owners of models.
	pub paid: u128,
	/// Paid to the treasury.
	pub treasury: u128,
}
