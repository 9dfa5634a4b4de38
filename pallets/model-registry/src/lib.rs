//! # Model registry
//!
//! Models, their versions, and the rules by which a version becomes the one in use.
//!
//! ## Overview
//!
//! A *model* is a name under which *versions* follow one another. A version is a manifest: all that
//! decides its answers, and its price. Who governs a model decides over its versions:
//!
//! - an *owner-governed* model is governed by its owner, who alone proposes versions and is paid
//!   for its use;
//! - a *commons* model is governed by [`Config::CuratorOrigin`], and anyone may propose a version
//!   of it. An owner can donate a model to the commons, and nobody can take it back.
//!
//! ## Life of a version
//!
//! ```text
//! Proposed ──approve──► Approved ──activate──► Active ──deprecate──► Deprecated
//!                                                 ▲                      │
//!                                                 └───────activate───────┘
//!        any of them ──revoke──► Revoked
//! ```
//!
//! At most one version of a model is active; activating one deprecates the one before. Active and
//! deprecated versions are served. [`Config::GuardianOrigin`] may revoke any version of any model,
//! and the proposer a version that waits for approval.
//!
//! ## Room for versions
//!
//! Versions that wait for approval and those that were approved are counted apart, so that no
//! number of proposals keeps a model from being used. In the commons an account may have one
//! version of a model waiting.
//!
//! ## Lineage
//!
//! Weights belong to the model that registered them first. Another model may use the same artifact
//! only if its manifest says that it is derived from a version of that model. A claim lasts once a
//! version with the artifact was active, until the guardian revokes it; before that it ends with
//! the last version that has the artifact.
//!
//! A root can be read from the pool before it is in a block, and anyone who is faster can be the
//! first with it: the registry records who came first, not who trained the weights.
//!
//! ## Prices
//!
//! Any price is valid, and zero is: the fee is zero then, and so are the workers' earnings.
//!
//! ## Deposits
//!
//! A model's deposit is held from its owner: it moves with the ownership and is returned on
//! donation. A version's deposit is held from its proposer and returned on revocation, but goes to
//! [`Config::Treasury`] if curator or guardian revoke the version while it waits for approval.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod artifacts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod inspect;
mod lifecycle;
mod manifest;
#[cfg(test)]
mod mock;
mod name;
mod ownership;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::{
	BalanceOf, Claim, CreditOf, ManifestOf, Model, ModelOf, Reason, Version, VersionOf,
};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use dodona_primitives_models::{ModelId, Name, VersionId};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{BalancedHold, Mutate, MutateHold},
			OnUnbalanced,
		},
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;

	/// The storage version of this pallet.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Configuration of the pallet.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The currency of deposits and prices.
		type Currency: Mutate<Self::AccountId>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ BalancedHold<Self::AccountId>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Governs the models of the commons.
		type CuratorOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// May revoke any version of any model.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Deposit for a model.
		#[pallet::constant]
		type ModelDeposit: Get<BalanceOf<Self>>;

		/// Deposit for a version.
		#[pallet::constant]
		type VersionDeposit: Get<BalanceOf<Self>>;

		/// Most versions of a model that were approved and are not revoked.
		#[pallet::constant]
		type MaxLiveVersions: Get<u32>;

		/// Most versions of a model that wait for approval.
		#[pallet::constant]
		type MaxProposals: Get<u32>;

		/// Where the deposits of proposals go that curator or guardian revoke.
		type Treasury: OnUnbalanced<CreditOf<Self>>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Reasons for which this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a model.
		#[codec(index = 0)]
		Model,
		/// The deposit for a version.
		#[codec(index = 1)]
		Version,
	}

	/// The id of the next model.
	#[pallet::storage]
	pub type NextModelId<T> = StorageValue<_, ModelId, ValueQuery>;

	/// The models.
	// The pallet counts the ids: nobody can choose a place in the trie.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, ModelOf<T>>;

	/// The models by name.
	// Names are anyone's choice, and so need a cryptographic hasher.
	#[pallet::storage]
	pub type Names<T> = StorageMap<_, Blake2_128Concat, Name, ModelId>;

	/// The versions, by model and number.
	// The pallet counts both keys.
	#[pallet::storage]
	pub type Versions<T: Config> =
		StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, u32, VersionOf<T>>;

	/// Which model claims an artifact, by the artifact's root.
	// Nobody has checked that a root is a hash.
	#[pallet::storage]
	pub type Artifacts<T> = StorageMap<_, Blake2_128Concat, H256, Claim>;

	/// How many versions of a model wait for approval, by who proposed them.
	// The pallet counts the models; accounts are anyone's choice.
	#[pallet::storage]
	pub type Proposals<T: Config> =
		StorageDoubleMap<_, Twox64Concat, ModelId, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was registered.
		ModelRegistered {
			/// The model.
			model: ModelId,
			/// Its name.
			name: Name,
			/// Its owner.
			owner: T::AccountId,
		},
		/// A version was proposed.
		VersionProposed {
			/// The version.
			version: VersionId,
			/// Who proposed it.
			proposer: T::AccountId,
			/// Root of its artifact.
			artifact: H256,
		},
		/// A version was approved.
		VersionApproved {
			/// The version.
			version: VersionId,
		},
		/// A version became the active one of its model.
		VersionActivated {
			/// The version.
			version: VersionId,
		},
		/// A version is not the active one of its model any more, but still served.
		VersionDeprecated {
			/// The version.
			version: VersionId,
		},
		/// A version is not served any more.
		VersionRevoked {
			/// The version.
			version: VersionId,
			/// Why.
			reason: Reason,
		},
		/// A model was donated to the commons.
		ModelDonated {
			/// The model.
			model: ModelId,
			/// The owner that it had.
			owner: T::AccountId,
		},
		/// A model has another owner.
		OwnershipTransferred {
			/// The model.
			model: ModelId,
			/// The owner before.
			from: T::AccountId,
			/// The owner now.
			to: T::AccountId,
		},
		/// The deposit of a version went to the treasury, because the version was revoked while it
		/// waited for approval.
		DepositForfeited {
			/// The version.
			version: VersionId,
			/// Whose deposit it was.
			proposer: T::AccountId,
			/// The deposit.
			amount: BalanceOf<T>,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// The name is not a slug `org/name` or `name`.
		InvalidName,
		/// A model has this name already.
		NameTaken,
		/// There is no such model.
		UnknownModel,
		/// There is no such version.
		UnknownVersion,
		/// The signer doesn't own the model.
		NotOwner,
		/// The commons govern the model already.
		InCommons,
		/// The account owns the model already.
		AlreadyOwner,
		/// The engine can't run the architecture.
		InvalidArchitecture,
		/// The artifact's size contradicts its number of chunks or the architecture.
		InvalidArtifact,
		/// The engine doesn't have the semantics that the version was published for.
		UnsupportedEngine,
		/// The licence is empty or not printable ASCII.
		InvalidLicence,
		/// The version that this one would be derived from doesn't exist.
		UnknownParent,
		/// Another model has the artifact, and the version isn't said to be derived from it.
		ArtifactTaken,
		/// The model has as many approved versions as it may.
		TooManyVersions,
		/// The version isn't waiting for approval.
		NotProposed,
		/// The version is neither approved nor deprecated.
		NotActivatable,
		/// The version isn't active.
		NotActive,
		/// The version is revoked already.
		AlreadyRevoked,
		/// The name is longer than 64 bytes.
		NameTooLong,
		/// The reason is longer than 256 bytes.
		ReasonTooLong,
		/// As many versions of the model wait for approval as may.
		TooManyProposals,
		/// Another version of the model, by the same proposer, waits for approval.
		AlreadyProposing,
		/// The tokenizer's size contradicts its number of chunks.
		InvalidTokenizer,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxLiveVersions::get() > 0, "MaxLiveVersions must not be zero");
			assert!(T::MaxProposals::get() > 0, "MaxProposals must not be zero");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a model.
		///
		/// ## Dispatch Origin
		///
		/// Signed; the signer becomes the owner and pays the deposit.
		///
		/// ## Errors
		///
		/// [`Error::NameTooLong`], [`Error::InvalidName`], [`Error::NameTaken`], and the currency's
		/// if the deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::ModelRegistered`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(name.len() as u32))]
		pub fn register(origin: OriginFor<T>, name: Vec<u8>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_register(who, name)
		}

		/// Proposes a version of a model.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, or by anyone if the model is in the commons; the signer pays the
		/// deposit.
		///
		/// ## Details
		///
		/// Of a model in the commons an account may have one version waiting for approval. The
		/// proposer takes a version back by [`Pallet::revoke_version`].
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::NotOwner`], [`Error::InvalidArchitecture`],
		/// [`Error::InvalidArtifact`], [`Error::InvalidTokenizer`], [`Error::UnsupportedEngine`],
		/// [`Error::InvalidLicence`], [`Error::UnknownParent`], [`Error::ArtifactTaken`],
		/// [`Error::TooManyProposals`], [`Error::AlreadyProposing`], and the currency's if the
		/// deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::VersionProposed`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::propose_version())]
		pub fn propose_version(
			origin: OriginFor<T>,
			model: ModelId,
			manifest: ManifestOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_propose(who, model, manifest)
		}

		/// Approves a proposed version.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, or [`Config::CuratorOrigin`] if the model is in the commons.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotOwner`],
		/// [`Error::NotProposed`], [`Error::TooManyVersions`].
		///
		/// ## Events
		///
		/// [`Event::VersionApproved`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::approve_version())]
		pub fn approve_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			Self::do_approve(origin, version)
		}

		/// Makes an approved or deprecated version the active one, and deprecates the one before.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, or [`Config::CuratorOrigin`] if the model is in the commons.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotOwner`],
		/// [`Error::NotActivatable`], [`Error::UnsupportedEngine`].
		///
		/// ## Events
		///
		/// [`Event::VersionDeprecated`] if another version was active,
		/// [`Event::VersionActivated`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::activate_version())]
		pub fn activate_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			Self::do_activate(origin, version)
		}

		/// Deprecates the active version: the model has none until another is activated.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, or [`Config::CuratorOrigin`] if the model is in the commons.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotOwner`],
		/// [`Error::NotActive`].
		///
		/// ## Events
		///
		/// [`Event::VersionDeprecated`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::deprecate_version())]
		pub fn deprecate_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			Self::do_deprecate(origin, version)
		}

		/// Revokes a version for ever.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, or [`Config::CuratorOrigin`] if the model is in the commons;
		/// [`Config::GuardianOrigin`] for any model; signed by the proposer while the version waits
		/// for approval.
		///
		/// ## Details
		///
		/// The deposit goes back to the proposer, unless curator or guardian revoke somebody else's
		/// version that waits for approval: then it goes to [`Config::Treasury`].
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotOwner`],
		/// [`Error::ReasonTooLong`], [`Error::AlreadyRevoked`].
		///
		/// ## Events
		///
		/// [`Event::DepositForfeited`] if the deposit goes to the treasury,
		/// [`Event::VersionRevoked`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::revoke_version(reason.len() as u32))]
		pub fn revoke_version(
			origin: OriginFor<T>,
			version: VersionId,
			reason: Vec<u8>,
		) -> DispatchResult {
			Self::do_revoke(origin, version, reason)
		}

		/// Donates a model to the commons, for ever, and returns its deposit to the owner.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::InCommons`], [`Error::NotOwner`].
		///
		/// ## Events
		///
		/// [`Event::ModelDonated`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::donate_to_commons())]
		pub fn donate_to_commons(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_donate(who, model)
		}

		/// Gives a model, and the deposit that is held for it, to another account.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// The deposit is the old owner's gift: taking over a model costs nothing and needs no
		/// consent.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::InCommons`], [`Error::NotOwner`],
		/// [`Error::AlreadyOwner`], and the currency's if the new owner can't have the deposit.
		///
		/// ## Events
		///
		/// [`Event::OwnershipTransferred`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::transfer_ownership())]
		pub fn transfer_ownership(
			origin: OriginFor<T>,
			model: ModelId,
			new_owner: T::AccountId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_transfer(who, model, new_owner)
		}
	}
}
