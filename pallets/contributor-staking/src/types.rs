//! What the pallet keeps of an operator.

use crate::Config;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_staking::Role;
use frame_support::{
	traits::fungible::{Credit, Inspect},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{Saturating, Zero},
	Perbill, SaturatedConversion,
};

/// Amounts of the native token.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Money on its way to somebody.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// An operator, as clients see it.
pub type OperatorInfoOf<T> = dodona_primitives_staking::OperatorInfo<
	<T as frame_system::Config>::AccountId,
	BalanceOf<T>,
	BlockNumberFor<T>,
>;

/// Why an operator is not drawn any more.
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
pub enum ChillReason {
	/// It asked for it.
	#[codec(index = 0)]
	Requested,
	/// It unbonded everything.
	#[codec(index = 1)]
	Unbonded,
	/// It was absent too often.
	#[codec(index = 2)]
	Strikes,
	/// Penalties left it with less than the least bond.
	#[codec(index = 3)]
	BondTooLow,
}

/// Stake on its way out.
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
pub struct UnbondingChunk<Balance, BlockNumber> {
	/// How much.
	pub amount: Balance,
	/// The block from which it can be withdrawn.
	pub until: BlockNumber,
}

/// All about one operator.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[codec(mel_bound())]
#[scale_info(skip_type_params(T))]
pub struct Ledger<T: Config> {
	/// What it does.
	pub role: Role,
	/// The key that signs for it.
	pub hot_key: T::AccountId,
	/// Its place in the tree of weights.
	pub slot: u32,
	/// Bonded, without what is unbonding.
	pub bonded: BalanceOf<T>,
	/// Unbonding, oldest first.
	pub unbonding: BoundedVec<UnbondingChunk<BalanceOf<T>, BlockNumberFor<T>>, T::MaxUnbonding>,
	/// Whether it is kept out of draws.
	pub chilled: bool,
	/// Liveness offences since [`Self::strikes_since`].
	pub strikes: u32,
	/// The block that the current strike window began in.
	pub strikes_since: BlockNumberFor<T>,
	/// Requests not final yet that it has a seat in.
	pub obligations: u32,
	/// Earned since it bonded.
	pub earned: BalanceOf<T>,
}

impl<T: Config> Ledger<T> {
	/// Whether it can be drawn.
	pub fn is_eligible(&self) -> bool {
		!self.chilled && self.role == Role::Worker
	}

	/// Its weight in draws.
	pub fn draw_weight(&self) -> u128 {
		if self.is_eligible() {
			self.bonded.saturated_into()
		} else {
			0
		}
	}

	/// Everything that is unbonding.
	pub fn unbonding_total(&self) -> BalanceOf<T> {
		self.unbonding
			.iter()
			.fold(Zero::zero(), |sum: BalanceOf<T>, chunk| sum.saturating_add(chunk.amount))
	}

	/// All stake that a slash can reach.
	pub fn slashable(&self) -> BalanceOf<T> {
		self.bonded.saturating_add(self.unbonding_total())
	}

	/// Strikes that still count at `now`.
	pub fn strikes_at(&self, now: BlockNumberFor<T>, window: BlockNumberFor<T>) -> u32 {
		if now >= self.strikes_since.saturating_add(window) {
			0
		} else {
			self.strikes
		}
	}

	/// Counts a strike at `now`; the first one after a window opens the next.
	pub fn strike(&mut self, now: BlockNumberFor<T>, window: BlockNumberFor<T>) {
		self.strikes = self.strikes_at(now, window).saturating_add(1);
		if self.strikes == 1 {
			self.strikes_since = now;
		}
	}

	/// Takes `fraction` of the bonded and of every unbonding amount alike; returns the sum.
	pub fn slash(&mut self, fraction: Perbill) -> BalanceOf<T> {
		let before = self.slashable();
		self.bonded = self.bonded.saturating_sub(fraction.mul_floor(self.bonded));
		for chunk in self.unbonding.iter_mut() {
			chunk.amount = chunk.amount.saturating_sub(fraction.mul_floor(chunk.amount));
		}
		self.unbonding.retain(|chunk| !chunk.amount.is_zero());
		before.saturating_sub(self.slashable())
	}

	/// Removes what has matured at `now`; returns the sum.
	pub fn take_matured(&mut self, now: BlockNumberFor<T>) -> BalanceOf<T> {
		let before = self.unbonding_total();
		self.unbonding.retain(|chunk| chunk.until > now);
		before.saturating_sub(self.unbonding_total())
	}

	/// Moves `amount` from unbonding back to bonded, the newest chunk first. Does nothing and
	/// returns false if less is unbonding.
	pub fn rebond(&mut self, amount: BalanceOf<T>) -> bool {
		if self.unbonding_total() < amount {
			return false;
		}
		let mut missing = amount;
		for chunk in self.unbonding.iter_mut().rev() {
			let moved = missing.min(chunk.amount);
			chunk.amount = chunk.amount.saturating_sub(moved);
			missing = missing.saturating_sub(moved);
		}
		self.unbonding.retain(|chunk| !chunk.amount.is_zero());
		self.bonded = self.bonded.saturating_add(amount);
		true
	}

	/// How clients see it.
	pub fn info(
		self,
		operator: T::AccountId,
		now: BlockNumberFor<T>,
		window: BlockNumberFor<T>,
	) -> OperatorInfoOf<T> {
		OperatorInfoOf::<T> {
			operator,
			role: self.role,
			bonded: self.bonded,
			active: self.is_eligible(),
			strikes: self.strikes_at(now, window),
			obligations: self.obligations,
			earned: self.earned,
			unbonding: self
				.unbonding
				.iter()
				.map(|chunk| (chunk.amount, chunk.until))
				.collect::<Vec<_>>(),
			hot_key: self.hot_key,
		}
	}
}
