//! # Contributor staking
//!
//! Bonds, hot keys, rewards and penalties of those who run models.
//!
//! ## Overview
//!
//! An **operator** is an account that has bonded stake. It names a **hot key**, which signs for it
//! and holds no funds. Committees are drawn from operators in proportion to their stake: the active
//! bonds lie in a tree of sums ([`sum_tree`]), so that neither a draw nor a change of a bond ever
//! looks at all operators.
//!
//! Stake that is unbonding can't be drawn by, but stays in reach of penalties: it can be withdrawn
//! once its period has passed **and** the operator has no obligation left, that is, every request
//! that it has a seat in is final. A penalty takes the same fraction of the bonded and of every
//! unbonding amount, and brings it to the treasury.
//!
//! An operator that is chilled isn't drawn. It chills itself by asking for it or by unbonding
//! everything; it is chilled if it was absent too often, or if penalties left it with less than
//! the least bond. It has to say when it is back.
//!
//! ## Interface
//!
//! Other pallets use [`StakeInspect`](dodona_primitives_staking::StakeInspect),
//! [`StakeSlash`](dodona_primitives_staking::StakeSlash) and
//! [`RewardSink`](dodona_primitives_staking::RewardSink). Clients read
//! [`Pallet::operator_info`] and [`Pallet::operators`] through the runtime API.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod draw;
mod operators;
mod rewards;
mod slashing;
pub mod sum_tree;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Where the pallet logs to.
const LOG_TARGET: &str = "runtime::contributor-staking";

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use dodona_primitives_staking::{Offence, Role};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{BalancedHold, Inspect, InspectHold, MutateHold},
			OnUnbalanced, StorageVersion,
		},
	};
	use frame_system::pallet_prelude::*;
	use sp_runtime::traits::Zero;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Bonds, hot keys, rewards and penalties of those who run models.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The native token.
		type Currency: InspectHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ MutateHold<Self::AccountId>
			+ BalancedHold<Self::AccountId>;

		/// Why the runtime holds funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The least active bond; not less than the existential deposit.
		#[pallet::constant]
		type MinBond: Get<BalanceOf<Self>>;

		/// Blocks for which unbonding stake can't be withdrawn.
		#[pallet::constant]
		type UnbondingPeriod: Get<BlockNumberFor<Self>>;

		/// Most unbonding chunks of an operator.
		#[pallet::constant]
		type MaxUnbonding: Get<u32>;

		/// Most operators; not more than [`sum_tree::CAPACITY`].
		#[pallet::constant]
		type MaxOperators: Get<u32>;

		/// Blocks, from the first strike on, in which strikes add up.
		#[pallet::constant]
		type StrikeWindow: Get<BlockNumberFor<Self>>;

		/// Strikes in a window that chill an operator.
		#[pallet::constant]
		type MaxStrikes: Get<u32>;

		/// Where penalties go, and earnings that nobody can be paid.
		type Treasury: OnUnbalanced<CreditOf<Self>>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The stake of an operator, bonded or unbonding.
		#[codec(index = 0)]
		Bonded,
	}

	/// Everything about an operator.
	// Anyone chooses their account: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type Ledgers<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Ledger<T>, OptionQuery>;

	/// The operator that a hot key signs for.
	// Anyone chooses hot keys: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type HotKeys<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId, OptionQuery>;

	/// The operator in each slot of the tree of weights; the slots have no gaps.
	// Slots are given out by the pallet, one by one.
	#[pallet::storage]
	pub type Slots<T: Config> = CountedStorageMap<_, Twox64Concat, u32, T::AccountId, OptionQuery>;

	/// The nodes of the tree of weights, by level and index.
	// Indices follow from slots.
	#[pallet::storage]
	pub type Weights<T: Config> =
		StorageMap<_, Twox64Concat, (u32, u32), sum_tree::Node, ValueQuery>;

	/// How many operators can be drawn.
	#[pallet::storage]
	pub type Eligible<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// What an account has earned by contributing models.
	// Anyone chooses their account: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type ContributorEarned<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BalanceOf<T>, ValueQuery>;

	/// Who is bonded from the first block on.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Workers: their account, their hot key and their bond.
		pub operators: Vec<(T::AccountId, T::AccountId, BalanceOf<T>)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (operator, hot_key, amount) in self.operators.clone() {
				let who = operator.clone();
				if let Err(error) = Pallet::<T>::do_bond(operator, Role::Worker, hot_key, amount) {
					panic!("genesis can't bond {who:?} with {amount:?}: {error:?}");
				}
			}
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became an operator.
		#[codec(index = 0)]
		Bonded {
			/// The operator.
			operator: T::AccountId,
			/// What it does.
			role: Role,
			/// The key that signs for it.
			hot_key: T::AccountId,
			/// Its bond.
			amount: BalanceOf<T>,
		},
		/// An operator bonded more.
		#[codec(index = 1)]
		BondIncreased {
			/// The operator.
			operator: T::AccountId,
			/// By how much.
			amount: BalanceOf<T>,
			/// Its bond now.
			bonded: BalanceOf<T>,
		},
		/// An operator began to unbond.
		#[codec(index = 2)]
		Unbonding {
			/// The operator.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
			/// The block from which it can be withdrawn.
			until: BlockNumberFor<T>,
		},
		/// Unbonding stake was bonded again.
		#[codec(index = 3)]
		Rebonded {
			/// The operator.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
			/// Its bond now.
			bonded: BalanceOf<T>,
		},
		/// Unbonded stake is free again.
		#[codec(index = 4)]
		Withdrawn {
			/// The operator.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// An operator without stake left.
		#[codec(index = 5)]
		Retired {
			/// Who was the operator.
			operator: T::AccountId,
		},
		/// Another key signs for an operator.
		#[codec(index = 6)]
		HotKeySet {
			/// The operator.
			operator: T::AccountId,
			/// The key.
			hot_key: T::AccountId,
		},
		/// An operator isn't drawn any more.
		#[codec(index = 7)]
		Chilled {
			/// The operator.
			operator: T::AccountId,
			/// Why.
			reason: ChillReason,
		},
		/// An operator is drawn again.
		#[codec(index = 8)]
		Resumed {
			/// The operator.
			operator: T::AccountId,
		},
		/// An operator lost stake to the treasury.
		#[codec(index = 9)]
		Punished {
			/// The operator.
			operator: T::AccountId,
			/// What it did.
			offence: Offence,
			/// What was taken.
			amount: BalanceOf<T>,
			/// Its strikes in the current window.
			strikes: u32,
		},
		/// An operator was paid for its work.
		#[codec(index = 10)]
		OperatorRewarded {
			/// The operator.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// The contributor of a model was paid.
		#[codec(index = 11)]
		ContributorRewarded {
			/// Who was paid.
			beneficiary: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// An account couldn't take what it earned; the treasury did.
		#[codec(index = 12)]
		RewardDiverted {
			/// Who earned it.
			beneficiary: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
	}

	/// Why a call failed.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is an operator already.
		AlreadyBonded,
		/// The account is no operator.
		NotBonded,
		/// The account is an operator's hot key.
		OperatorIsHotKey,
		/// The hot key is an operator, or would be its own.
		HotKeyIsOperator,
		/// The hot key is an operator's already.
		HotKeyInUse,
		/// There are as many operators as there can be.
		TooManyOperators,
		/// The active bond is, or would be, less than the least bond.
		BondTooLow,
		/// The amount is zero.
		AmountIsZero,
		/// Less than this is bonded.
		NotEnoughBonded,
		/// Less than this is unbonding.
		NotEnoughUnbonding,
		/// As many chunks are unbonding as there can be: withdraw or rebond some first.
		TooManyUnbonding,
		/// Requests that the operator has a seat in aren't final yet: its stake stays in reach.
		ObligationsOpen,
		/// Nothing has finished unbonding yet.
		NothingToWithdraw,
		/// The operator is chilled already.
		AlreadyChilled,
		/// The operator isn't chilled.
		NotChilled,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(!T::MinBond::get().is_zero(), "MinBond must not be zero");
			assert!(
				T::MinBond::get() >= T::Currency::minimum_balance(),
				"MinBond must be at least the existential deposit"
			);
			assert!(
				(1..=sum_tree::CAPACITY).contains(&T::MaxOperators::get()),
				"MaxOperators must be 1 ..= sum_tree::CAPACITY"
			);
			assert!(T::MaxUnbonding::get() > 0, "MaxUnbonding must not be zero");
			assert!(T::MaxStrikes::get() > 0, "MaxStrikes must not be zero");
			assert!(!T::StrikeWindow::get().is_zero(), "StrikeWindow must not be zero");
			assert!(!T::UnbondingPeriod::get().is_zero(), "UnbondingPeriod must not be zero");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Becomes an operator.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an account that is neither an operator nor a hot key.
		///
		/// ## Details
		///
		/// `amount` is held in the account. The hot key signs for the operator; it needs no funds,
		/// and can't be an operator or another operator's hot key.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyBonded`] if the account is an operator.
		/// - [`Error::OperatorIsHotKey`] if it is a hot key.
		/// - [`Error::BondTooLow`] if `amount` is less than [`Config::MinBond`].
		/// - [`Error::TooManyOperators`] if there are [`Config::MaxOperators`].
		/// - [`Error::HotKeyIsOperator`], [`Error::HotKeyInUse`] if the hot key can't be one.
		/// - Those of the currency, if `amount` can't be held.
		///
		/// ## Events
		///
		/// - [`Event::Bonded`]
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bond())]
		pub fn bond(
			origin: OriginFor<T>,
			role: Role,
			hot_key: T::AccountId,
			amount: BalanceOf<T>,
		) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_bond(operator, role, hot_key, amount)
		}

		/// Bonds more.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::AmountIsZero`] if there is nothing to bond.
		/// - Those of the currency, if `amount` can't be held.
		///
		/// ## Events
		///
		/// - [`Event::BondIncreased`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::bond_extra())]
		pub fn bond_extra(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_bond_extra(operator, amount)
		}

		/// Begins to unbond.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// What stays bonded is [`Config::MinBond`] or more, or nothing, which chills. Chunks that
		/// mature in the same block are one.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::AmountIsZero`] if there is nothing to unbond.
		/// - [`Error::NotEnoughBonded`] if less is bonded.
		/// - [`Error::BondTooLow`] if too little would stay bonded.
		/// - [`Error::TooManyUnbonding`] if [`Config::MaxUnbonding`] chunks are unbonding.
		///
		/// ## Events
		///
		/// - [`Event::Unbonding`]
		/// - [`Event::Chilled`] if nothing stays bonded.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_unbond(operator, amount)
		}

		/// Bonds again what is unbonding, the newest chunk first.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// An operator that is chilled stays so.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::AmountIsZero`] if there is nothing to bond.
		/// - [`Error::NotEnoughUnbonding`] if less is unbonding.
		///
		/// ## Events
		///
		/// - [`Event::Rebonded`]
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::rebond())]
		pub fn rebond(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_rebond(operator, amount)
		}

		/// Frees what has finished unbonding.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// Not while a request that the operator has a seat in isn't final: chill, and wait for
		/// it. An operator without any stake left retires: its hot key and its slot are free.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::ObligationsOpen`] if a request isn't final.
		/// - [`Error::NothingToWithdraw`] if nothing has finished unbonding.
		///
		/// ## Events
		///
		/// - [`Event::Withdrawn`]
		/// - [`Event::Retired`] if no stake is left.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::withdraw_unbonded())]
		pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_withdraw_unbonded(operator)
		}

		/// Lets another key sign for the operator.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// The former key can't sign for it any more. Without funds, its account is gone, and its
		/// nonce with it.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::HotKeyIsOperator`], [`Error::HotKeyInUse`] if the hot key can't be one.
		///
		/// ## Events
		///
		/// - [`Event::HotKeySet`]
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::set_hot_key())]
		pub fn set_hot_key(origin: OriginFor<T>, hot_key: T::AccountId) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_set_hot_key(operator, hot_key)
		}

		/// Keeps the operator out of draws.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// Seats that it has already stay its own.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::AlreadyChilled`] if it is out of draws.
		///
		/// ## Events
		///
		/// - [`Event::Chilled`]
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::chill())]
		pub fn chill(origin: OriginFor<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_chill(operator)
		}

		/// Lets the operator be drawn again.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an operator.
		///
		/// ## Details
		///
		/// Whoever was chilled for its strikes begins without any.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::NotChilled`] if it isn't out of draws.
		/// - [`Error::BondTooLow`] if less than [`Config::MinBond`] is bonded.
		///
		/// ## Events
		///
		/// - [`Event::Resumed`]
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::resume())]
		pub fn resume(origin: OriginFor<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_resume(operator)
		}
	}
}
