//! Staking as clients see it.

use crate::Offence;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// The stake of one account.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct StakeInfo<AccountId, Balance, BlockNumber> {
	/// Bonded as an operator.
	pub bonded: Balance,
	/// All its delegations, at most 256.
	pub delegations: Vec<DelegationInfo<AccountId, Balance, BlockNumber>>,
	/// Everything that it is unbonding, soonest first.
	pub unbonding: Vec<UnbondingInfo<AccountId, Balance, BlockNumber>>,
	/// What it can claim now.
	pub claimable: Balance,
}

/// One delegation.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct DelegationInfo<AccountId, Balance, BlockNumber> {
	/// To whom.
	pub operator: AccountId,
	/// What it is worth and earns with, after slashes.
	pub active: Balance,
	/// What it is worth and doesn't earn: amount, and the block from which it can be withdrawn.
	pub unbonding: Vec<(Balance, BlockNumber)>,
	/// Held in the account for it.
	pub held: Balance,
	/// Of that, what slashes took and the treasury hasn't collected.
	pub uncollected: Balance,
	/// What can be claimed now.
	pub claimable: Balance,
	/// Whether a claim is delegated again.
	pub compound: bool,
}

/// Stake on its way out.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct UnbondingInfo<AccountId, Balance, BlockNumber> {
	/// The operator that it was with; the account itself, if it is its own bond.
	pub operator: AccountId,
	/// What it is worth.
	pub amount: Balance,
	/// The block from which it can be withdrawn.
	pub until: BlockNumber,
}

/// What is delegated to an operator.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct PoolInfo<AccountId, Balance, BlockNumber> {
	/// The operator.
	pub operator: AccountId,
	/// Bonded by the operator itself.
	pub own: Balance,
	/// Delegated, and earning.
	pub active: Balance,
	/// Delegated, and unbonding.
	pub unbonding: Balance,
	/// Slashed, and not collected from the delegators' accounts.
	pub uncollected: Balance,
	/// How many delegate.
	pub delegators: u32,
	/// How much more would count in draws.
	pub room: Balance,
	/// What the operator keeps of its delegators' earnings.
	pub commission: Perbill,
	/// A higher commission, and the block from which it applies.
	pub raise: Option<(Perbill, BlockNumber)>,
	/// Earned by delegators, and not due to them yet.
	pub dripping: Balance,
	/// The block in which the last of that is due.
	pub drips_until: BlockNumber,
	/// Earned by delegators, and not claimed; with what isn't due yet.
	pub unclaimed: Balance,
	/// Whether the operator has left, and everything can be withdrawn at once.
	pub closed: bool,
	/// Slashes that wait.
	pub slashes: Vec<SlashInfo<AccountId, BlockNumber>>,
}

/// A slash that waits, and may be cancelled.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SlashInfo<AccountId, BlockNumber> {
	/// Its number.
	pub id: u32,
	/// For what.
	pub offence: Offence,
	/// What it takes of the operator's stake, and of what is delegated to it.
	pub fraction: Perbill,
	/// The block from which it applies.
	pub due: BlockNumber,
	/// Who gets a part of it.
	pub reporter: Option<AccountId>,
}

/// What an era paid.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct EraInfo<Balance, BlockNumber> {
	/// Its number.
	pub era: u32,
	/// Its blocks.
	pub length: BlockNumber,
	/// Paid to operators and their delegators out of fees.
	pub fees: Balance,
	/// Minted for operators and their delegators.
	pub minted: Balance,
	/// What counted in draws at its end.
	pub stake: Balance,
	/// What a year of such eras would earn, in parts per million of the stake.
	pub apr: u64,
}
