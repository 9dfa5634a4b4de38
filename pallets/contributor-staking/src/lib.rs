//! # Contributor staking
//!
//! Bonds, delegation, hot keys, rewards and penalties of those who run models.
//!
//! ## Overview
//!
//! An **operator** is an account that has bonded stake. It names a **hot key**, which signs for it
//! and holds no funds. Committees are drawn from operators in proportion to their stake: the active
//! bonds lie in a tree of sums ([`sum_tree`]), so that neither a draw nor a change of a bond ever
//! looks at all operators.
//!
//! Anyone **delegates** to an operator: tokens stay in the delegator's own account, held, and are
//! shares in the operator's pool ([`math::Shares`]). They count in draws up to a multiple of the
//! operator's own bond, earn in proportion, and answer for the operator's offences. A reward and a
//! slash change the pool alone, whatever the number of delegators; a delegator's part follows when
//! its delegation is next looked at.
//!
//! Stake that is unbonding can't be drawn by, but stays in reach of penalties. An operator's can be
//! withdrawn once its period has passed **and** it has no obligation left, that is, every request
//! that it has a seat in is final. No period is ever shorter than a seat can last.
//!
//! A **slash** takes the same fraction of all that an operator answers with: its own and what is
//! delegated to it, bonded and unbonding. It waits for a while in which governance may cancel it.
//! As long as one waits nothing comes in, and what it would take doesn't leave.
//!
//! **Earnings** come from fees and from what each era mints ([`Config::Inflation`]). An operator's
//! own part and its commission are paid at once; its delegators' drips into the pool over
//! [`Config::DripPeriod`], so that who delegates for a moment earns for a moment. What isn't final
//! is credited to a cause, and released or taken back to the last unit.
//!
//! An operator that is chilled isn't drawn. It chills itself by asking for it or by unbonding
//! everything; it is chilled if it was absent too often, or if penalties left it with less than
//! the least bond. It has to say when it is back.
//!
//! ## Interface
//!
//! Other pallets use [`StakeInspect`](dodona_primitives_staking::StakeInspect),
//! [`StakeSlash`](dodona_primitives_staking::StakeSlash),
//! [`RewardSink`](dodona_primitives_staking::RewardSink) and
//! [`PendingRewards`](dodona_primitives_staking::PendingRewards). Clients read
//! [`Pallet::operator_info`], [`Pallet::operators`], [`Pallet::stake_info`],
//! [`Pallet::pending_rewards`], [`Pallet::pool_info`] and [`Pallet::era_infos`] through the runtime
//! API.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod delegation;
mod draw;
mod eras;
pub mod math;
mod operators;
mod position;
mod rewards;
mod slashing;
pub mod sum_tree;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod types;
mod views;
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

/// Most slashes, and most payments of an era, in one block: others need the room too.
const MOST_STEPS: u32 = 32;

/// Where the pallet logs to.
const LOG_TARGET: &str = "runtime::contributor-staking";

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use dodona_primitives_staking::{CauseId, Offence, Role};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Balanced, BalancedHold, Inspect, InspectHold, MutateHold},
			OnUnbalanced, StorageVersion,
		},
		weights::WeightMeter,
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use sp_runtime::{traits::Zero, Perbill};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Bonds, delegation, hot keys, rewards and penalties of those who run models.
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

		/// Names the account in which earnings wait.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The least active bond of a worker; not less than the existential deposit.
		#[pallet::constant]
		type MinBond: Get<BalanceOf<Self>>;

		/// The least active bond of a publisher; not less than the existential deposit.
		#[pallet::constant]
		type MinPublisherBond: Get<BalanceOf<Self>>;

		/// The least active bond of a curator; not less than the existential deposit.
		#[pallet::constant]
		type MinCuratorBond: Get<BalanceOf<Self>>;

		/// The least active bond of a data contributor; not less than the existential deposit.
		#[pallet::constant]
		type MinDataContributorBond: Get<BalanceOf<Self>>;

		/// The least that an account delegates to an operator; less than half of it is dust, which
		/// anyone may kick.
		#[pallet::constant]
		type MinDelegation: Get<BalanceOf<Self>>;

		/// How many times its own bond may be delegated to an operator, and count in draws.
		#[pallet::constant]
		type MaxDelegationRatio: Get<u32>;

		/// The most that an operator keeps of its delegators' earnings.
		#[pallet::constant]
		type MaxCommission: Get<Perbill>;

		/// Blocks for which a raise of a commission is visible before it applies.
		#[pallet::constant]
		type CommissionDelay: Get<BlockNumberFor<Self>>;

		/// Blocks over which delegators' earnings become due.
		#[pallet::constant]
		type DripPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks for which unbonding stake can't be withdrawn, unless an obligation can last longer.
		#[pallet::constant]
		type UnbondingPeriod: Get<BlockNumberFor<Self>>;

		/// The most blocks from a draw to the end of the obligations that come with it; unbonding
		/// never takes less.
		#[pallet::constant]
		type LongestObligation: Get<BlockNumberFor<Self>>;

		/// Most unbonding chunks of an operator, and of a delegation.
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

		/// Blocks for which a slash waits; with none it applies at once.
		#[pallet::constant]
		type SlashDeferPeriod: Get<BlockNumberFor<Self>>;

		/// Most slashes of an operator that wait; with one more, the first applies at once.
		#[pallet::constant]
		type MaxPendingSlashes: Get<u32>;

		/// What a reporter gets of what a slash takes of the operator's own stake.
		#[pallet::constant]
		type ReporterShare: Get<Perbill>;

		/// Who may cancel a slash that waits.
		type SlashCancelOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Most payees of what is credited for one cause.
		#[pallet::constant]
		type MaxPayees: Get<u32>;

		/// Blocks of an era.
		#[pallet::constant]
		type EraLength: Get<BlockNumberFor<Self>>;

		/// Blocks of a year.
		#[pallet::constant]
		type BlocksPerYear: Get<u64>;

		/// What may be minted in a year, as a part of the issuance.
		#[pallet::constant]
		type Inflation: Get<Perbill>;

		/// The most that [`Self::Inflation`] can be; not governed.
		#[pallet::constant]
		type InflationCap: Get<Perbill>;

		/// The workers' part of what may be minted.
		#[pallet::constant]
		type WorkerInflation: Get<Perbill>;

		/// The contributors' part of what may be minted; the treasury's is the rest.
		#[pallet::constant]
		type ContributorInflation: Get<Perbill>;

		/// The most that is minted for a seat.
		#[pallet::constant]
		type SeatInflationCap: Get<BalanceOf<Self>>;

		/// The most that is minted for a contributor, as a part of what it earned in fees.
		#[pallet::constant]
		type ContributorMatch: Get<Perbill>;

		/// Eras whose earnings are remembered.
		#[pallet::constant]
		type EraHistory: Get<u32>;

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
		/// What an account delegates, bonded or unbonding.
		#[codec(index = 1)]
		Delegated,
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

	/// What is delegated to each operator.
	// Operators choose their accounts: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type Pools<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Pool, OptionQuery>;

	/// What an account delegates, by the operator.
	// Anyone chooses their account: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type Delegations<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Blake2_128Concat,
		T::AccountId,
		Delegation<T>,
		OptionQuery,
	>;

	/// Slashes of each operator that wait.
	// Operators choose their accounts: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type PendingSlashes<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, PendingSlashesOf<T>, ValueQuery>;

	/// Whose slash a number is, while it waits.
	// Numbers are given out by the pallet, one by one.
	#[pallet::storage]
	pub type SlashQueue<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId, OptionQuery>;

	/// The number of the next slash that waits.
	#[pallet::storage]
	pub type NextSlash<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// All slashes with a number before this one have been applied or cancelled.
	#[pallet::storage]
	pub type SlashesServed<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// Earnings that aren't final, by what they are for.
	// Numbers of requests are given out one by one.
	#[pallet::storage]
	pub type Credits<T: Config> = StorageMap<_, Twox64Concat, CauseId, CreditsOf<T>, ValueQuery>;

	/// What became of all earnings, ever.
	#[pallet::storage]
	pub type EarningsTotals<T: Config> = StorageValue<_, Totals, ValueQuery>;

	/// The era that runs.
	#[pallet::storage]
	pub type CurrentEra<T: Config> = StorageValue<_, Era, ValueQuery>;

	/// The era that is being paid.
	#[pallet::storage]
	pub type CurrentPayout<T: Config> = StorageValue<_, Payout, OptionQuery>;

	/// Eras that ended last, oldest first.
	#[pallet::storage]
	pub type PastEras<T: Config> = StorageValue<_, BoundedVec<PastEra, T::EraHistory>, ValueQuery>;

	/// An operator's seats that ended in the result and earned a fee, by the era.
	// Operators choose their accounts: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type SeatPoints<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// What a contributor earned in fees, by the era.
	// Anyone chooses their account: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type ContributorPoints<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Blake2_128Concat, T::AccountId, u128, ValueQuery>;

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
			// The account in which earnings wait is there from the start: nothing is too little
			// for it.
			let least = T::Currency::issue(T::Currency::minimum_balance());
			if T::Currency::resolve(&Pallet::<T>::pot(), least).is_err() {
				panic!("genesis can't open the account of earnings");
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
		/// A slash took stake.
		#[codec(index = 9)]
		Slashed {
			/// The operator.
			operator: T::AccountId,
			/// What it did.
			offence: Offence,
			/// What was taken, as a part of all that the operator answers with.
			fraction: Perbill,
			/// What was taken of its own.
			own: BalanceOf<T>,
			/// What was taken of what is delegated to it.
			delegated: BalanceOf<T>,
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
		/// An operator was absent once more.
		#[codec(index = 13)]
		Struck {
			/// The operator.
			operator: T::AccountId,
			/// Its strikes in the current window.
			strikes: u32,
		},
		/// A slash waits.
		#[codec(index = 14)]
		SlashDeferred {
			/// The operator.
			operator: T::AccountId,
			/// The number of the slash.
			id: u32,
			/// What the operator did.
			offence: Offence,
			/// What will be taken, as a part of all that the operator answers with.
			fraction: Perbill,
			/// The block from which it applies.
			due: BlockNumberFor<T>,
		},
		/// A slash that waited will take nothing.
		#[codec(index = 15)]
		SlashCancelled {
			/// The operator.
			operator: T::AccountId,
			/// The number of the slash.
			id: u32,
		},
		/// Whoever showed an offence was paid.
		#[codec(index = 16)]
		ReporterRewarded {
			/// Who was paid.
			reporter: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// An operator's commission was set.
		#[codec(index = 17)]
		CommissionSet {
			/// The operator.
			operator: T::AccountId,
			/// What it will keep of its delegators' earnings.
			commission: Perbill,
			/// The block from which that applies.
			from: BlockNumberFor<T>,
		},
		/// An account delegated to an operator.
		#[codec(index = 18)]
		Delegated {
			/// Who delegated.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// A delegation began to leave.
		#[codec(index = 19)]
		Undelegating {
			/// Who delegated.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// How much leaves.
			amount: BalanceOf<T>,
			/// The block from which it can be withdrawn.
			until: BlockNumberFor<T>,
		},
		/// What was delegated is free again.
		#[codec(index = 20)]
		DelegationWithdrawn {
			/// Who delegated.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// How much is free.
			amount: BalanceOf<T>,
			/// What slashes took of it, or would have taken.
			left_behind: BalanceOf<T>,
		},
		/// A delegator was paid what it earned.
		#[codec(index = 21)]
		Claimed {
			/// Who delegates.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// A delegator chose whether its claims are delegated again.
		#[codec(index = 22)]
		CompoundSet {
			/// Who delegates.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// Whether they are.
			compound: bool,
		},
		/// What slashes took of a delegation went to the treasury.
		#[codec(index = 23)]
		Collected {
			/// Who delegates.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// A delegation that is dust began to leave.
		#[codec(index = 24)]
		Kicked {
			/// Who delegated.
			delegator: T::AccountId,
			/// To whom.
			operator: T::AccountId,
			/// What it is worth.
			amount: BalanceOf<T>,
			/// The block from which it can be withdrawn.
			until: BlockNumberFor<T>,
		},
		/// The delegators of an operator earned something, which is due to them little by little.
		#[codec(index = 25)]
		DelegatorsRewarded {
			/// The operator.
			operator: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// An era ended, and money was minted.
		#[codec(index = 26)]
		EraEnded {
			/// Its number.
			era: u32,
			/// Minted for operators and their delegators.
			workers: BalanceOf<T>,
			/// Minted for contributors.
			contributors: BalanceOf<T>,
			/// Minted for the treasury.
			treasury: BalanceOf<T>,
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
		/// An operator's own stake is bonded, not delegated: use `bond_extra`.
		SelfDelegation,
		/// Only workers are delegated to, and earn a commission.
		NotAWorker,
		/// The account delegates nothing to this operator.
		NotDelegated,
		/// Slashes of this operator wait for governance: try again when they are decided. Who
		/// leaves may leave behind what they would take.
		SlashPending,
		/// The operator has left: withdraw, and choose another.
		PoolClosed,
		/// No more would count in draws: choose another operator, or wait until it bonds more.
		PoolFull,
		/// The commission is, or is about to be, more than that.
		CommissionTooHigh,
		/// The delegation is, or would be, less than the least one.
		DelegationTooLow,
		/// The delegation is worth less than this.
		NotEnoughDelegated,
		/// Only the delegator itself may leave anything behind.
		NotYourDelegation,
		/// Nothing has been earned yet.
		NothingToClaim,
		/// The account can't take so little: it would exist with less than the existential deposit.
		CannotBePaid,
		/// Slashes have taken nothing that isn't collected.
		NothingToCollect,
		/// The delegation is no dust.
		NotDust,
		/// No slash of this operator with this number waits.
		NoSuchSlash,
		/// Governance may still cancel the slash.
		SlashNotDue,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
			// Looking at what there is to do.
			if meter.try_consume(T::WeightInfo::poll_base()).is_ok() {
				Self::serve_slashes(now, meter);
				Self::serve_eras(now, meter);
			}
		}

		fn integrity_test() {
			assert!(!T::MinBond::get().is_zero(), "MinBond must not be zero");
			for role in [Role::Worker, Role::Publisher, Role::Curator, Role::DataContributor] {
				assert!(
					Self::min_bond(role) >= T::Currency::minimum_balance(),
					"MinBond must be at least the existential deposit"
				);
			}
			assert!(
				T::MinDelegation::get() >= T::Currency::minimum_balance()
					&& !T::MinDelegation::get().is_zero(),
				"MinDelegation must be at least the existential deposit"
			);
			assert!(T::MaxPendingSlashes::get() > 0, "MaxPendingSlashes must not be zero");
			assert!(T::BlocksPerYear::get() > 0, "BlocksPerYear must not be zero");
			assert!(!T::EraLength::get().is_zero(), "EraLength must not be zero");
			assert!(!T::DripPeriod::get().is_zero(), "DripPeriod must not be zero");
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
		/// - [`Error::BondTooLow`] if `amount` is less than the least of the role.
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
		/// What stays bonded is the least of the role or more, or nothing, which chills. Chunks that
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
		/// Not while a request that the operator has a seat in isn't final (chill, and wait for
		/// it), nor while slashes wait. An operator without any stake left retires: its hot key and
		/// its slot are free, and so are its delegators.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`] if the account is no operator.
		/// - [`Error::ObligationsOpen`] if a request isn't final.
		/// - [`Error::SlashPending`] if slashes wait.
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
		/// - [`Error::BondTooLow`] if less than the least of the role is bonded.
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

		/// Sets what the operator keeps of its delegators' earnings.
		///
		/// ## Dispatch Origin
		///
		/// Signed by a worker.
		///
		/// ## Details
		///
		/// Less applies at once, and so does more while nobody delegates; else more applies after
		/// [`Config::CommissionDelay`]. A raise that waits is replaced.
		///
		/// ## Errors
		///
		/// - [`Error::NotBonded`], [`Error::NotAWorker`] if the account is no worker.
		/// - [`Error::CommissionTooHigh`] if it is more than [`Config::MaxCommission`].
		/// - [`Error::PoolClosed`] if those who delegated before it left last haven't all gone.
		///
		/// ## Events
		///
		/// - [`Event::CommissionSet`]
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::set_commission())]
		pub fn set_commission(origin: OriginFor<T>, commission: Perbill) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_set_commission(operator, commission)
		}

		/// Delegates `amount` to an operator.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone but the operator.
		///
		/// ## Details
		///
		/// `amount` is held in the account. It counts in draws and earns from now on, and answers
		/// for the operator's offences from now on until it is withdrawn. `most_commission` is the
		/// highest commission, now or announced, that the account agrees to.
		///
		/// ## Errors
		///
		/// - [`Error::SelfDelegation`] if the account is the operator.
		/// - [`Error::AmountIsZero`] if there is nothing to delegate.
		/// - [`Error::NotBonded`], [`Error::NotAWorker`] if the operator is no worker.
		/// - [`Error::SlashPending`] if slashes of the operator wait.
		/// - [`Error::PoolClosed`] if those who delegated before it left last haven't all gone.
		/// - [`Error::CommissionTooHigh`] if it keeps more than `most_commission`.
		/// - [`Error::PoolFull`] if so much wouldn't count.
		/// - [`Error::DelegationTooLow`] if less than [`Config::MinDelegation`] would be delegated.
		/// - Those of the currency, if `amount` can't be held.
		///
		/// ## Events
		///
		/// - [`Event::Delegated`]
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::delegate())]
		pub fn delegate(
			origin: OriginFor<T>,
			operator: T::AccountId,
			amount: BalanceOf<T>,
			most_commission: Perbill,
		) -> DispatchResult {
			let delegator = ensure_signed(origin)?;
			Self::do_delegate(delegator, operator, amount, most_commission)
		}

		/// Begins to take back what is delegated to an operator.
		///
		/// ## Dispatch Origin
		///
		/// Signed by a delegator.
		///
		/// ## Details
		///
		/// From now on it neither counts nor earns; it can be withdrawn after
		/// [`Config::UnbondingPeriod`], or after [`Config::LongestObligation`] if that is longer. What stays is [`Config::MinDelegation`] or more, or nothing.
		///
		/// ## Errors
		///
		/// - [`Error::AmountIsZero`] if nothing is to leave.
		/// - [`Error::NotDelegated`], [`Error::NotEnoughDelegated`] if there is less.
		/// - [`Error::TooManyUnbonding`] if [`Config::MaxUnbonding`] chunks are unbonding.
		/// - [`Error::DelegationTooLow`] if too little would stay.
		///
		/// ## Events
		///
		/// - [`Event::Undelegating`]
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::undelegate())]
		pub fn undelegate(
			origin: OriginFor<T>,
			operator: T::AccountId,
			amount: BalanceOf<T>,
		) -> DispatchResult {
			let delegator = ensure_signed(origin)?;
			Self::do_undelegate(delegator, operator, amount)
		}

		/// Frees what a delegator has finished unbonding; everything, if the operator has left.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone; by the delegator itself to leave anything behind.
		///
		/// ## Details
		///
		/// While slashes wait nothing can leave, unless the delegator leaves behind what they would
		/// take: that is the treasury's then, even if they are cancelled later. With the last share,
		/// what the delegation has earned is paid.
		///
		/// ## Errors
		///
		/// - [`Error::NotDelegated`] if there is no such delegation.
		/// - [`Error::NothingToWithdraw`] if nothing has finished unbonding.
		/// - [`Error::SlashPending`] if slashes wait and nothing is to be left behind.
		/// - [`Error::NotYourDelegation`] if somebody else wants to leave something behind.
		///
		/// ## Events
		///
		/// - [`Event::DelegationWithdrawn`]
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::withdraw_delegation())]
		pub fn withdraw_delegation(
			origin: OriginFor<T>,
			operator: T::AccountId,
			delegator: T::AccountId,
			leave_behind: bool,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw_delegation(who, operator, delegator, leave_behind)
		}

		/// Pays a delegator what it has earned, or delegates that again.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Details
		///
		/// If the delegator wants its earnings delegated, and the operator can take more, they are
		/// delegated; else they are free.
		///
		/// ## Errors
		///
		/// - [`Error::NotDelegated`] if there is no such delegation.
		/// - [`Error::NothingToClaim`] if it has earned nothing.
		/// - [`Error::CannotBePaid`] if the account can't take so little.
		///
		/// ## Events
		///
		/// - [`Event::Claimed`], and [`Event::Delegated`]
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(
			origin: OriginFor<T>,
			operator: T::AccountId,
			delegator: T::AccountId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_claim(operator, delegator)
		}

		/// Chooses whether claims are delegated again.
		///
		/// ## Dispatch Origin
		///
		/// Signed by a delegator.
		///
		/// ## Errors
		///
		/// - [`Error::NotDelegated`] if it delegates nothing to this operator.
		///
		/// ## Events
		///
		/// - [`Event::CompoundSet`]
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::set_compound())]
		pub fn set_compound(
			origin: OriginFor<T>,
			operator: T::AccountId,
			compound: bool,
		) -> DispatchResult {
			let delegator = ensure_signed(origin)?;
			Self::do_set_compound(delegator, operator, compound)
		}

		/// Brings to the treasury what slashes took of a delegation.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Errors
		///
		/// - [`Error::NotDelegated`] if there is no such delegation.
		/// - [`Error::NothingToCollect`] if slashes took nothing that isn't collected.
		///
		/// ## Events
		///
		/// - [`Event::Collected`]
		#[pallet::call_index(14)]
		#[pallet::weight(T::WeightInfo::collect())]
		pub fn collect(
			origin: OriginFor<T>,
			operator: T::AccountId,
			delegator: T::AccountId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_collect(operator, delegator)
		}

		/// Makes a delegation leave that is worth less than half of [`Config::MinDelegation`].
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Details
		///
		/// It unbonds like any other. One that is worth nothing is gone at once.
		///
		/// ## Errors
		///
		/// - [`Error::NotDelegated`] if there is no such delegation.
		/// - [`Error::NotDust`] if it is worth enough.
		/// - [`Error::TooManyUnbonding`] if [`Config::MaxUnbonding`] chunks are unbonding.
		///
		/// ## Events
		///
		/// - [`Event::Kicked`]
		#[pallet::call_index(15)]
		#[pallet::weight(T::WeightInfo::kick())]
		pub fn kick(
			origin: OriginFor<T>,
			operator: T::AccountId,
			delegator: T::AccountId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_kick(operator, delegator)
		}

		/// Cancels a slash that waits.
		///
		/// ## Dispatch Origin
		///
		/// [`Config::SlashCancelOrigin`].
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchSlash`] if it doesn't wait.
		///
		/// ## Events
		///
		/// - [`Event::SlashCancelled`]
		#[pallet::call_index(16)]
		#[pallet::weight(T::WeightInfo::cancel_slash())]
		pub fn cancel_slash(
			origin: OriginFor<T>,
			operator: T::AccountId,
			id: u32,
		) -> DispatchResult {
			T::SlashCancelOrigin::ensure_origin(origin)?;
			Self::do_cancel_slash(operator, id)
		}

		/// Applies a slash that is due; the pallet does that itself where blocks have room.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchSlash`] if it doesn't wait.
		/// - [`Error::SlashNotDue`] if it isn't due.
		///
		/// ## Events
		///
		/// - [`Event::Slashed`]
		#[pallet::call_index(17)]
		#[pallet::weight(T::WeightInfo::apply_slash())]
		pub fn apply_slash(
			origin: OriginFor<T>,
			operator: T::AccountId,
			id: u32,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_apply_slash(operator, id)
		}
	}
}
