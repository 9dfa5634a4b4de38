//! What the pallet keeps of operators, of what is delegated to them, and of eras.

use crate::{
	math::{counted, Shares, Stream},
	Config,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_staking::{Offence, Payee, Role};
use frame_support::{
	traits::{
		fungible::{Credit, Inspect},
		Get,
	},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::{
	traits::{Saturating, Zero},
	Perbill, SaturatedConversion,
};

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

/// A block as a plain number.
pub(crate) fn block<T: Config>(block: BlockNumberFor<T>) -> u64 {
	block.saturated_into()
}

/// An operator, as clients see it.
pub type OperatorInfoOf<T> = dodona_primitives_staking::OperatorInfo<
	<T as frame_system::Config>::AccountId,
	BalanceOf<T>,
	BlockNumberFor<T>,
>;

/// The stake of an account, as clients see it.
pub type StakeInfoOf<T> = dodona_primitives_staking::StakeInfo<
	<T as frame_system::Config>::AccountId,
	BalanceOf<T>,
	BlockNumberFor<T>,
>;

/// What is delegated to an operator, as clients see it.
pub type PoolInfoOf<T> = dodona_primitives_staking::PoolInfo<
	<T as frame_system::Config>::AccountId,
	BalanceOf<T>,
	BlockNumberFor<T>,
>;

/// An era, as clients see it.
pub type EraInfoOf<T> = dodona_primitives_staking::EraInfo<BalanceOf<T>, BlockNumberFor<T>>;

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
	/// Earned since it bonded, without its delegators' part.
	pub earned: BalanceOf<T>,
	/// Delegated to it, without what is unbonding.
	pub delegated: BalanceOf<T>,
	/// What of that counts in draws, as of the last change of its stake.
	pub counted: BalanceOf<T>,
}

impl<T: Config> Ledger<T> {
	/// Whether it can be drawn.
	pub fn is_eligible(&self) -> bool {
		!self.chilled && self.role == Role::Worker
	}

	/// Its weight in draws.
	pub fn draw_weight(&self) -> u128 {
		if self.is_eligible() {
			self.bonded.saturating_add(self.counted).saturated_into()
		} else {
			0
		}
	}

	/// Counts what is delegated anew.
	pub fn recount(&mut self) {
		let (own, delegated) = (self.bonded.saturated_into(), self.delegated.saturated_into());
		self.counted = counted(own, delegated, T::MaxDelegationRatio::get()).saturated_into();
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
			delegated: self.delegated,
			counted: self.counted,
			unbonding: self
				.unbonding
				.iter()
				.map(|chunk| (chunk.amount, chunk.until))
				.collect::<Vec<_>>(),
			hot_key: self.hot_key,
		}
	}
}

/// What an operator keeps of its delegators' earnings.
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
pub struct Commission {
	/// What it was set to last, without what waits.
	pub set: Perbill,
	/// A higher one, and the block from which it applies.
	pub raise: Option<(Perbill, u64)>,
}

impl Commission {
	/// What applies at `now`, if no more than `most` may.
	pub fn at(&self, now: u64, most: Perbill) -> Perbill {
		match self.raise {
			Some((raised, from)) if now >= from => raised,
			_ => self.set,
		}
		.min(most)
	}

	/// The highest that is announced.
	pub fn highest(&self, most: Perbill) -> Perbill {
		self.raise.map_or(self.set, |(raised, _)| raised.max(self.set)).min(most)
	}
}

/// What is delegated to one operator. Amounts are in the token's smallest unit.
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
pub struct Pool {
	/// Who owns how much of it.
	pub shares: Shares,
	/// What it earns.
	pub stream: Stream,
	/// How many delegate.
	pub delegators: u32,
	/// What the operator keeps.
	pub commission: Commission,
	/// Whether the operator has left: nothing comes in, and everything can leave at once.
	pub closed: bool,
}

/// Shares on their way out.
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
pub struct UnbondingShares<BlockNumber> {
	/// How many.
	pub shares: u128,
	/// The block from which they can be redeemed.
	pub until: BlockNumber,
}

/// What an account delegates to one operator. Amounts are in the token's smallest unit.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[codec(mel_bound())]
#[scale_info(skip_type_params(T))]
pub struct Delegation<T: Config> {
	/// Shares that earn.
	pub active: u128,
	/// Shares that are unbonding, oldest first.
	pub unbonding: BoundedVec<UnbondingShares<BlockNumberFor<T>>, T::MaxUnbonding>,
	/// What the account holds for all these.
	pub held: u128,
	/// What a share had earned when the earnings were last counted.
	pub counted_at: U256,
	/// Earned and counted, and not paid.
	pub unclaimed: u128,
	/// Whether a claim is delegated again.
	pub compound: bool,
}

impl<T: Config> Default for Delegation<T> {
	fn default() -> Self {
		Self {
			active: 0,
			unbonding: BoundedVec::new(),
			held: 0,
			counted_at: U256::zero(),
			unclaimed: 0,
			compound: false,
		}
	}
}

impl<T: Config> Delegation<T> {
	/// All shares.
	pub fn shares(&self) -> u128 {
		self.unbonding
			.iter()
			.fold(self.active, |sum, chunk| sum.saturating_add(chunk.shares))
	}

	/// What the active shares are worth.
	pub fn value(&self, pool: &Pool) -> u128 {
		pool.shares.worth(self.active).min(self.held)
	}

	/// Removes the shares that can be redeemed at `now`, all of them if the pool is `closed`;
	/// returns how many.
	pub fn take_matured(&mut self, now: BlockNumberFor<T>, closed: bool) -> u128 {
		let before = self.shares();
		if closed {
			self.active = 0;
		}
		self.unbonding.retain(|chunk| !closed && chunk.until > now);
		before.saturating_sub(self.shares())
	}
}

/// A slash that waits, and may be cancelled.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PendingSlash<AccountId, BlockNumber> {
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

/// Slashes of one operator that wait, in the order of the offences.
pub type PendingSlashesOf<T> = BoundedVec<
	PendingSlash<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>,
	<T as Config>::MaxPendingSlashes,
>;

/// What was credited for one cause, and to whom.
pub type CreditsOf<T> = BoundedVec<
	(Payee<<T as frame_system::Config>::AccountId>, BalanceOf<T>),
	<T as Config>::MaxPayees,
>;

/// What became of all earnings, ever: `credited = paid + treasury + taken_back + pending`, where
/// the pallet's account holds what is pending.
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
pub struct Totals {
	/// Brought in.
	pub credited: u128,
	/// Paid to accounts.
	pub paid: u128,
	/// Paid to the treasury.
	pub treasury: u128,
	/// Given back after a verdict.
	pub taken_back: u128,
}

/// The era that runs.
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
pub struct Era {
	/// Its number.
	pub index: u32,
	/// Its first block.
	pub since: u64,
	/// Seats that ended in the result, and earned a fee.
	pub seats: u128,
	/// What contributors earned in fees.
	pub contributed: u128,
	/// What operators and their delegators earned in fees.
	pub fees: u128,
}

/// An era that has ended and is being paid.
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
pub struct Payout {
	/// Its number.
	pub era: u32,
	/// Seats not paid yet.
	pub seats: u128,
	/// What is left for them.
	pub workers: u128,
	/// What contributors earned in fees that isn't matched yet.
	pub contributed: u128,
	/// What is left for them.
	pub contributors: u128,
}

/// An era that has ended.
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
pub struct PastEra {
	/// Its number.
	pub era: u32,
	/// Its blocks.
	pub length: u64,
	/// What operators and their delegators earned in fees.
	pub fees: u128,
	/// What was minted for them.
	pub minted: u128,
	/// What counted in draws at its end.
	pub stake: u128,
}
