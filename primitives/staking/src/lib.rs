//! Types and traits of contributor staking, shared by pallets, runtime and clients.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod runtime_api;
mod views;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::Perbill;

pub use views::*;

/// What a bonded account does for the network.
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
pub enum Role {
	/// Runs models: is drawn into committees.
	#[codec(index = 0)]
	Worker,
	/// Publishes models and keeps them up.
	#[codec(index = 1)]
	Publisher,
	/// Judges models for the community.
	#[codec(index = 2)]
	Curator,
	/// Gives data that models are trained or judged with.
	#[codec(index = 3)]
	DataContributor,
}

/// Why stake is taken.
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
pub enum Offence {
	/// Drawn into a committee, and never committed.
	#[codec(index = 0)]
	NoShow,
	/// Committed, and never revealed.
	#[codec(index = 1)]
	Unrevealed,
	/// Revealed another outcome than the one that became the result.
	#[codec(index = 2)]
	Dissent,
}

impl Offence {
	/// Whether the offence is one of absence, which counts as a strike.
	pub fn is_of_liveness(self) -> bool {
		matches!(self, Self::NoShow | Self::Unrevealed)
	}
}

/// What other pallets may know about bonded operators.
pub trait StakeInspect {
	/// The account type.
	type AccountId;

	/// The operator whose hot key this is.
	fn operator_of(hot_key: &Self::AccountId) -> Option<Self::AccountId>;

	/// Draws up to `seats` DISTINCT operators, weighted by stake without replacement, none of them
	/// in `exclude`. Returns fewer if there are fewer. O((seats + exclude) · log workers) reads.
	fn draw(seed: H256, seats: u32, exclude: &[Self::AccountId]) -> Vec<Self::AccountId>;
}

/// Stake at risk: obligations that keep it in reach, and the taking of it.
pub trait StakeSlash {
	/// The account type.
	type AccountId;
	/// The type of stakes.
	type Balance;

	/// Keeps the stake of `operator` in reach until as many calls of [`Self::discharge`].
	fn oblige(operator: &Self::AccountId);

	/// Ends one obligation.
	fn discharge(operator: &Self::AccountId);

	/// Takes `fraction` of the stake that the operator answers with, its own and what is delegated
	/// to it, at once or once governance had time to object; counts a strike if the offence is one
	/// of liveness. Returns what that is now.
	fn punish(operator: &Self::AccountId, offence: Offence, fraction: Perbill) -> Self::Balance;

	/// Like [`Self::punish`], with a part for whoever showed the offence.
	fn punish_reported(
		operator: &Self::AccountId,
		offence: Offence,
		fraction: Perbill,
		_reporter: &Self::AccountId,
	) -> Self::Balance {
		Self::punish(operator, offence, fraction)
	}
}

/// Where earnings go. `Credit` is an imbalance already taken from whoever pays.
pub trait RewardSink<AccountId, Credit> {
	/// Pays an operator for work that ended in the result.
	fn reward_operator(operator: &AccountId, earned: Credit);

	/// Pays whoever contributed the model; without one, the treasury.
	fn reward_contributor(beneficiary: Option<&AccountId>, earned: Credit);

	/// Pays the treasury.
	fn reward_treasury(earned: Credit);
}

/// What credits that aren't final are for: the number of a request.
pub type CauseId = u64;

/// Who earns something.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Payee<AccountId> {
	/// An operator, for work that ended in the result.
	#[codec(index = 0)]
	Operator(AccountId),
	/// Whoever contributed the model; without one, the treasury.
	#[codec(index = 1)]
	Contributor(Option<AccountId>),
	/// The treasury.
	#[codec(index = 2)]
	Treasury,
}

/// Earnings that a verdict may still take back.
pub trait PendingRewards<AccountId, Credit> {
	/// Sets `earned` aside for `payee` until `cause` is final. Gives it back if there is no room
	/// for another payee, or nowhere to keep it.
	fn credit(cause: CauseId, payee: Payee<AccountId>, earned: Credit) -> Result<(), Credit>;

	/// Pays all that was credited for `cause`.
	fn release(cause: CauseId);

	/// Takes back exactly what was credited for `cause`, and not released.
	fn take_back(cause: CauseId) -> Credit;
}

/// A bonded operator as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct OperatorInfo<AccountId, Balance, BlockNumber> {
	/// The bonded account.
	pub operator: AccountId,
	/// What it does.
	pub role: Role,
	/// Its signing key, without funds.
	pub hot_key: AccountId,
	/// Bonded, in the native token's smallest unit.
	pub bonded: Balance,
	/// Unbonding: amount, and the block from which it can be withdrawn.
	pub unbonding: Vec<(Balance, BlockNumber)>,
	/// Whether it is drawn into committees.
	pub active: bool,
	/// Strikes in the current window.
	pub strikes: u32,
	/// Requests not final yet that it has a seat in.
	pub obligations: u32,
	/// Earned since it bonded, without its delegators' part.
	pub earned: Balance,
	/// Delegated to it, without what is unbonding.
	pub delegated: Balance,
	/// What of that counts in draws.
	pub counted: Balance,
}
