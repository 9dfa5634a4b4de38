//! # Contributions
//!
//! Who gave something to a model, and what they get of what it earns.
//!
//! ## Overview
//!
//! Whoever gave something to a model (data, weights, code, questions, judgements, an application)
//! *proposes* it with the share that they ask for. Whoever governs the model accepts it, perhaps for
//! a smaller share, or rejects it. An accepted contribution is an *entry* in the model's royalty
//! table. All shares together are never more than everything; what they leave is the owner's, or
//! the treasury's if the commons govern the model.
//!
//! ## Vesting
//!
//! An entry's share grows from nothing by the same part in each block, and is whole when its
//! vesting ends. What doesn't count yet is the owner's like all the rest.
//!
//! ## Payment
//!
//! Each version has an account, which is paid the contributors' part of its fees. [`Call::distribute`]
//! shares it out by the rule of that block, whatever the number of entries: what they earned follows
//! from sums ([`math::Royalties`]), waits in the pallet's account, and is claimed by each. What is
//! left is paid at once.
//!
//! What was distributed before a table changed was shared out by the table before. What waits in a
//! version's account is shared out when somebody distributes it, and anyone may: who wants the rule
//! of today distributes today.
//!
//! ## Lineage
//!
//! A version that descends from a version of another model passes [`Config::LineageShare`] of what
//! it earns on to that version, when it is distributed; and that one passes on a part of what came
//! to it when it is distributed in turn. What came through [`Config::MaxLineageDepth`] models isn't
//! passed on. Versions in between of the same model make no difference. What a version was derived
//! from doesn't change when it is revoked, or when there is no record of it any more; what its model
//! earned that is nobody's share is the treasury's if the model has no owner any more.
//!
//! ## Interface
//!
//! Whoever pays fees uses [`RoyaltyAccounts`](dodona_primitives_models::RoyaltyAccounts). Clients
//! read [`Pallet::royalties`], [`Pallet::contributions`] and [`Pallet::undistributed`] through the
//! runtime API.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod distribution;
pub mod math;
#[cfg(test)]
mod mock;
mod proposals;
mod shares;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod types;
mod views;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Where the pallet logs to.
const LOG_TARGET: &str = "runtime::contributions";

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use dodona_primitives_models::{
		ContributionId, ContributionKind, EntryId, ModelGovernance, ModelId, ModelLineage,
		RoyaltyAccounts, VersionId,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Balanced, Inspect, InspectHold, Mutate, MutateHold},
			OnUnbalanced, StorageVersion,
		},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;
	use sp_runtime::{traits::Zero, Perbill, SaturatedConversion};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The native token.
		type Currency: Mutate<Self::AccountId>
			+ InspectHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ MutateHold<Self::AccountId>
			+ Balanced<Self::AccountId>;

		/// Why the runtime holds funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The models, what was derived from what, and who governs them.
		type Models: ModelLineage<AccountId = Self::AccountId> + ModelGovernance<OriginFor<Self>>;

		/// Names the account in which earnings wait for their holders, and those of versions.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Held from the author of a contribution until it is decided or withdrawn.
		#[pallet::constant]
		type ContributionDeposit: Get<BalanceOf<Self>>;

		/// Most contributions to a model that wait.
		#[pallet::constant]
		type MaxOpen: Get<u32>;

		/// Most contributions of an account that wait.
		#[pallet::constant]
		type MaxOpenPerAccount: Get<u32>;

		/// Most entries in the royalty table of a model.
		#[pallet::constant]
		type MaxEntries: Get<u32>;

		/// Most blocks that a share vests over; not more than [`math::MOST_VESTING`].
		#[pallet::constant]
		type MaxVesting: Get<BlockNumberFor<Self>>;

		/// What a version passes on to the one of another model that it descends from, of all that
		/// it earns.
		#[pallet::constant]
		type LineageShare: Get<Perbill>;

		/// Most models that anything is passed on through. Less than before only with a migration.
		#[pallet::constant]
		type MaxLineageDepth: Get<u32>;

		/// Gets what is nobody's.
		type Treasury: OnUnbalanced<CreditOf<Self>>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need of the rest of the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::BenchmarkHelper<Self::AccountId>;
	}

	/// Reasons for which this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a contribution that waits.
		#[codec(index = 0)]
		Contribution,
	}

	/// The number of the next contribution.
	#[pallet::storage]
	pub type NextContribution<T> = StorageValue<_, ContributionId, ValueQuery>;

	/// The contributions that wait.
	// The pallet counts the ids: nobody can choose a place in the trie.
	#[pallet::storage]
	pub type Contributions<T: Config> =
		StorageMap<_, Twox64Concat, ContributionId, ContributionOf<T>>;

	/// The contributions to a model that wait, oldest first.
	// The registry counts the models.
	#[pallet::storage]
	pub type Open<T: Config> =
		StorageMap<_, Twox64Concat, ModelId, BoundedVec<ContributionId, T::MaxOpen>, ValueQuery>;

	/// How many contributions of an account wait.
	// Anyone chooses their account: hashed, so that nobody can unbalance the trie.
	#[pallet::storage]
	pub type OpenBy<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// What the entries of a model have in common, once there has been one.
	#[pallet::storage]
	pub type Tables<T: Config> = StorageMap<_, Twox64Concat, ModelId, Table<T>, ValueQuery>;

	/// The entries in the royalty tables.
	// Both parts of the key are counted.
	#[pallet::storage]
	pub type Entries<T: Config> =
		StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, EntryId, EntryOf<T>>;

	/// What came to a version from those that were derived from it, and isn't distributed.
	#[pallet::storage]
	pub type Inherited<T: Config> = StorageMap<_, Twox64Concat, VersionId, StepsOf<T>, ValueQuery>;

	/// All that came and went.
	#[pallet::storage]
	pub type Totals<T> = StorageValue<_, Flows, ValueQuery>;

	/// Opens the account in which earnings wait.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Nothing is configured.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			// It is there from the start: nothing is too little for it.
			let least = T::Currency::minimum_balance();
			if let Err(error) = T::Currency::mint_into(&Pallet::<T>::pot(), least) {
				panic!("genesis can't open the account of royalties: {error:?}");
			}
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody asks for a share of what a model earns.
		#[codec(index = 0)]
		ContributionProposed {
			/// The contribution.
			id: ContributionId,
			/// The model.
			model: ModelId,
			/// Who gave it.
			author: T::AccountId,
			/// What it is.
			kind: ContributionKind,
			/// Hash of what was given.
			content: H256,
			/// The share that is asked for.
			share: Perbill,
		},
		/// A contribution earns a share from now on.
		#[codec(index = 1)]
		ContributionAccepted {
			/// The contribution.
			id: ContributionId,
			/// The model.
			model: ModelId,
			/// The entry in the model's royalty table.
			entry: EntryId,
			/// Who is paid.
			holder: T::AccountId,
			/// The whole share.
			share: Perbill,
			/// The block from which the whole share counts.
			vested: BlockNumberFor<T>,
		},
		/// A contribution earns nothing.
		#[codec(index = 2)]
		ContributionRejected {
			/// The contribution.
			id: ContributionId,
			/// The model.
			model: ModelId,
			/// Who gave it.
			author: T::AccountId,
		},
		/// The author of a contribution doesn't ask for a share any more.
		#[codec(index = 3)]
		ContributionWithdrawn {
			/// The contribution.
			id: ContributionId,
			/// The model.
			model: ModelId,
			/// Who gave it.
			author: T::AccountId,
		},
		/// A holder gave a share up.
		#[codec(index = 4)]
		ShareEnded {
			/// The model.
			model: ModelId,
			/// The entry.
			entry: EntryId,
			/// Who held it.
			holder: T::AccountId,
			/// The whole share.
			share: Perbill,
		},
		/// A share has another holder.
		#[codec(index = 5)]
		ShareTransferred {
			/// The model.
			model: ModelId,
			/// The entry.
			entry: EntryId,
			/// Who held it.
			from: T::AccountId,
			/// Who holds it.
			to: T::AccountId,
		},
		/// A holder was paid what its entry earned.
		#[codec(index = 6)]
		Claimed {
			/// The model.
			model: ModelId,
			/// The entry.
			entry: EntryId,
			/// Who was paid.
			holder: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// What a version earned was distributed.
		#[codec(index = 7)]
		Distributed {
			/// The version.
			version: VersionId,
			/// All that it earned.
			amount: BalanceOf<T>,
			/// What of it is passed on to the version that it descends from.
			passed_on: BalanceOf<T>,
			/// What of it waits for the holders of shares.
			shared: BalanceOf<T>,
			/// What was left.
			remainder: BalanceOf<T>,
			/// Who was paid what was left; `None` if it was the treasury.
			owner: Option<T::AccountId>,
		},
	}

	/// Why a call failed.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such model.
		UnknownModel,
		/// No such contribution waits: it was decided or withdrawn.
		UnknownContribution,
		/// The model's royalty table has no such entry.
		UnknownEntry,
		/// A share of nothing can be neither asked for nor granted.
		ShareIsZero,
		/// As many contributions to the model wait as may: some have to be decided first.
		TooManyProposals,
		/// As many of the account's contributions wait as may: withdraw one first.
		TooManyOwnProposals,
		/// Only the author of a contribution may withdraw it.
		NotTheAuthor,
		/// No more can be granted than was asked for.
		MoreThanRequested,
		/// A share doesn't vest as slowly as that.
		VestingTooLong,
		/// The model's royalty table is full: a holder has to give a share up first.
		TooManyEntries,
		/// The shares of the model would be more than everything: grant less.
		NotEnoughLeft,
		/// Only the holder of a share may give it up or away.
		NotTheHolder,
		/// The account holds the share already.
		AlreadyTheHolder,
		/// The entry earned nothing yet that isn't paid: `distribute` what the versions earned first.
		NothingToClaim,
		/// The account can't take so little: it would exist with less than the existential deposit.
		CannotBePaid,
		/// The version earned nothing since it was last distributed.
		NothingToDistribute,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxEntries::get() > 0, "MaxEntries must not be zero");
			assert!(T::MaxOpen::get() > 0, "MaxOpen must not be zero");
			assert!(T::MaxOpenPerAccount::get() > 0, "MaxOpenPerAccount must not be zero");
			assert!(
				T::MaxVesting::get().saturated_into::<u64>() <= math::MOST_VESTING,
				"MaxVesting must be at most math::MOST_VESTING"
			);
			assert!(!T::Currency::minimum_balance().is_zero(), "accounts must be able to exist");
			let account = |model, number| Self::royalty_account(VersionId { model, number });
			assert!(
				account(0, 1) != account(0, 1 << 31) && account(0, 1) != account(1 << 31, 1),
				"account ids must be long enough for each version to have its own"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks for a share of what a model earns.
		///
		/// ## Dispatch Origin
		///
		/// Signed by whoever gave something to the model.
		///
		/// ## Details
		///
		/// `content` is the hash of what was given. [`Config::ContributionDeposit`] is held from the
		/// author until whoever governs the model has decided, or the author withdraws it.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownModel`]
		/// - [`Error::ShareIsZero`]
		/// - [`Error::TooManyProposals`], [`Error::TooManyOwnProposals`] if too many wait.
		/// - Those of the currency, if the deposit can't be held.
		///
		/// ## Events
		///
		/// - [`Event::ContributionProposed`]
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::propose_contribution())]
		pub fn propose_contribution(
			origin: OriginFor<T>,
			model: ModelId,
			kind: ContributionKind,
			content: H256,
			share: Perbill,
		) -> DispatchResult {
			let author = ensure_signed(origin)?;
			Self::do_propose(author, model, kind, content, share)
		}

		/// Grants a contribution a share of what the model earns.
		///
		/// ## Dispatch Origin
		///
		/// Whoever governs the model: its owner, or the curator of a model of the commons.
		///
		/// ## Details
		///
		/// `share` is not more than was asked for. It grows over `vesting` blocks, and is whole at
		/// once if that is zero. Nobody but its holder can end it.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownContribution`]
		/// - those of an origin that doesn't govern the model
		/// - [`Error::ShareIsZero`], [`Error::MoreThanRequested`], [`Error::VestingTooLong`]
		/// - [`Error::TooManyEntries`], [`Error::NotEnoughLeft`] if there is no room in the table.
		///
		/// ## Events
		///
		/// - [`Event::ContributionAccepted`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::accept_contribution())]
		pub fn accept_contribution(
			origin: OriginFor<T>,
			id: ContributionId,
			share: Perbill,
			vesting: BlockNumberFor<T>,
		) -> DispatchResult {
			Self::do_accept(origin, id, share, vesting)
		}

		/// Grants a contribution nothing.
		///
		/// ## Dispatch Origin
		///
		/// Whoever governs the model: its owner, or the curator of a model of the commons.
		///
		/// ## Details
		///
		/// The deposit goes back to the author.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownContribution`]
		/// - those of an origin that doesn't govern the model
		///
		/// ## Events
		///
		/// - [`Event::ContributionRejected`]
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reject_contribution())]
		pub fn reject_contribution(origin: OriginFor<T>, id: ContributionId) -> DispatchResult {
			Self::do_reject(origin, id)
		}

		/// Asks for a share no more.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the author of the contribution.
		///
		/// ## Details
		///
		/// The deposit goes back to the author, whether or not there still is such a model.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownContribution`]
		/// - [`Error::NotTheAuthor`]
		///
		/// ## Events
		///
		/// - [`Event::ContributionWithdrawn`]
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw_contribution())]
		pub fn withdraw_contribution(origin: OriginFor<T>, id: ContributionId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who, id)
		}

		/// Gives a share up.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the holder of the share.
		///
		/// ## Details
		///
		/// Pays what it earned. From then on the share is the owner's or the treasury's, and may be
		/// granted again.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownEntry`]
		/// - [`Error::NotTheHolder`]
		/// - [`Error::CannotBePaid`]
		///
		/// ## Events
		///
		/// - [`Event::Claimed`] if it earned anything
		/// - [`Event::ShareEnded`]
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::end_share())]
		pub fn end_share(origin: OriginFor<T>, model: ModelId, entry: EntryId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_end(who, model, entry)
		}

		/// Gives a share to somebody else.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the holder of the share.
		///
		/// ## Details
		///
		/// Pays what it earned to who gives it away. It vests as before.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownEntry`]
		/// - [`Error::NotTheHolder`]
		/// - [`Error::AlreadyTheHolder`]
		/// - [`Error::CannotBePaid`]
		///
		/// ## Events
		///
		/// - [`Event::Claimed`] if it earned anything
		/// - [`Event::ShareTransferred`]
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::transfer_share())]
		pub fn transfer_share(
			origin: OriginFor<T>,
			model: ModelId,
			entry: EntryId,
			to: T::AccountId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_transfer(who, model, entry, to)
		}

		/// Pays the holder of a share what it earned.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownEntry`]
		/// - [`Error::NothingToClaim`]
		/// - [`Error::CannotBePaid`], and nothing is lost.
		///
		/// ## Events
		///
		/// - [`Event::Claimed`]
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, model: ModelId, entry: EntryId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_claim(model, entry)
		}

		/// Distributes what a version earned since it was last distributed.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone.
		///
		/// ## Details
		///
		/// A part is passed on to the version of another model that it descends from, and waits
		/// there until that one is distributed. Of the rest, the entries in the model's royalty table
		/// have earned their shares, and what is left is paid to the owner; to the treasury, if there
		/// is none or its account can't take it. The existential deposit stays in the version's
		/// account.
		///
		/// ## Errors
		///
		/// - [`Error::NothingToDistribute`]
		///
		/// ## Events
		///
		/// - [`Event::Distributed`]
		///
		/// ## Complexity
		///
		/// O(1), whatever the number of entries; and once in the life of each entry, when its
		/// vesting has ended, it is looked at.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::distribute(T::MaxEntries::get()))]
		pub fn distribute(origin: OriginFor<T>, version: VersionId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let ripened = Self::do_distribute(version)?;
			Ok(Some(T::WeightInfo::distribute(ripened)).into())
		}
	}
}
