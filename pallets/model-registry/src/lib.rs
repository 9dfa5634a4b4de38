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
//! ## Names
//!
//! A name is `name` or `organisation/name`. An organisation belongs to who registers the first model
//! under it, and only its holder registers more. [`Config::CuratorOrigin`] may give it to somebody
//! else. A model under it may have another owner, or belong to the commons.
//!
//! ## Life of a version
//!
//! ```text
//! Proposed ──approve──► Approved ──activate──► Active ──deprecate──► Deprecated
//!                                                 ▲                      │
//!                                                 └───────activate───────┘
//!        the last three ──suspend──► Suspended ──lift──► as before
//!        any of them ──revoke──► Revoked ──prune──► no record
//! ```
//!
//! At most one version of a model is active; activating one deprecates the one before. Active and
//! deprecated versions are served. [`Config::SuspendOrigin`] may suspend any version that was
//! approved, at once; [`Config::GuardianOrigin`] lifts a suspension, or confirms it by revoking the
//! version. It may revoke any version of any model, and the proposer a version that waits for
//! approval. While a version is suspended, none with the same artifact is proposed, approved or
//! activated.
//!
//! ## Approval
//!
//! [`Config::Gate`] decides what a version must have shown. Every version has to be admitted; one of
//! a commons model has to be better than the active one, too. A commons model that was in use and
//! has no active version can't be compared with: an old version is activated first. Only
//! [`Config::OverrideOrigin`] approves without comparison.
//!
//! ## Room for versions
//!
//! Versions that wait for approval and those that were approved are counted apart, so that no
//! number of proposals keeps a model from being used. In the commons an account may have one
//! version of a model waiting, and anyone may drop what is not admitted
//! [`Config::AdmissionPeriod`] after it was proposed: places can't be held by what nobody examines.
//!
//! ## Lineage
//!
//! Weights belong to the model that registered them first. Another model may use the same artifact
//! only if its manifest says that it is derived from a version of that model. A claim lasts once a
//! version with the artifact was active, until the guardian revokes it; before that it ends with
//! the last version that has the artifact.
//!
//! What a version was derived from, and lasting claims, survive the records of versions and models.
//! Only what never was approved leaves no lineage. A version may be derived from any whose number
//! was given out before, whether or not there is a record of it: so lineage has no cycles.
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
//! Deposits grow with what is recorded. Those for a model and its metadata are held from its owner:
//! a new owner takes them over, and they are returned when the model is donated or deregistered. A
//! version's deposit is held from its proposer and returned on revocation, but goes to
//! [`Config::Treasury`] if curator or guardian revoke the version while it waits for approval, or if
//! the proposer takes a version of a commons model back in the middle of its evaluation. An
//! organisation's is held from its holder, and returned when it is released or taken away.
//!
//! ## Pages
//!
//! A dispute opens single pages of a version's weights against the root over them in its manifest. A
//! chunk's hash says nothing of a page, so nobody has checked that root: anyone with a chunk that it
//! is wrong for can revoke the version, and gets its deposit.
//!
//! ## Keeping weights
//!
//! The chunks of a version's weights, tokenizer and folder are kept by [`Config::Storage`], each for
//! a while. Anyone may show that all of them are kept: the registry notes until when, and has those
//! that are due renewed at the cost of the model's *endowment*, which anyone can top up and which
//! pays the keeper. It says which versions' weights lapse before they do.
//!
//! The endowment is spent on what was approved, and can't get back: who endows a model relies on
//! those who govern it. A chunk is renewed, and the keeper paid for it, no more often than the store
//! lets it be renewed, whoever asks and however often the chunk is in one artifact or several.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod artifacts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod deposits;
mod inspect;
mod keeping;
mod lifecycle;
mod lineage;
mod manifest;
mod metadata;
#[cfg(test)]
mod mock;
mod name;
mod organisation;
mod ownership;
mod registration;
mod revocation;
mod state;
mod suspension;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use dodona_primitives_models::Reason;
pub use keeping::Part;
pub use pallet::*;
pub use types::{
	BalanceOf, Claim, CreditOf, Described, DescribedOf, Holding, HoldingOf, ManifestOf, Model,
	ModelOf, StateOf, Version, VersionOf,
};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use dodona_primitives_models::{
		ChunkStore, Live, Metadata, ModelId, Name, Organisation, UpgradeGate, VersionId,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{BalancedHold, Mutate, MutateHold},
			OnUnbalanced,
		},
		weights::WeightMeter,
		PalletId,
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

		/// May revoke any version of any model, and lift suspensions.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// May suspend any version of any model.
		type SuspendOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// May approve a version of a commons model that has not beaten the active one.
		type OverrideOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Knows what a version must have shown before it is approved.
		type Gate: UpgradeGate;

		/// Deposit for a model, besides that for its name.
		#[pallet::constant]
		type ModelDeposit: Get<BalanceOf<Self>>;

		/// Deposit for a version, besides that for its manifest.
		#[pallet::constant]
		type VersionDeposit: Get<BalanceOf<Self>>;

		/// Deposit for a model's metadata, besides that for what they say.
		#[pallet::constant]
		type MetadataDeposit: Get<BalanceOf<Self>>;

		/// Deposit for an organisation.
		#[pallet::constant]
		type OrganisationDeposit: Get<BalanceOf<Self>>;

		/// Deposit for each byte of a model's name, a manifest, and metadata.
		#[pallet::constant]
		type DepositPerByte: Get<BalanceOf<Self>>;

		/// Most versions of a model that were approved and are not revoked.
		#[pallet::constant]
		type MaxLiveVersions: Get<u32>;

		/// Most versions of a model that wait for approval.
		#[pallet::constant]
		type MaxProposals: Get<u32>;

		/// Blocks for which the record of a revoked version is kept: longer than anything goes on
		/// that began with the version.
		#[pallet::constant]
		type RevokedRetention: Get<BlockNumberFor<Self>>;

		/// Blocks after which anyone may drop a version that was proposed for a commons model and is
		/// not admitted.
		#[pallet::constant]
		type AdmissionPeriod: Get<BlockNumberFor<Self>>;

		/// Where the deposits of proposals go that curator or guardian revoke.
		type Treasury: OnUnbalanced<CreditOf<Self>>;

		/// Keeps what versions are made of.
		type Storage: ChunkStore<AccountId = Self::AccountId, BlockNumber = BlockNumberFor<Self>>;

		/// The accounts of the models' endowments are derived from it.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// What an endowment pays the keeper for each renewed chunk.
		#[pallet::constant]
		type KeeperReward: Get<BalanceOf<Self>>;

		/// Blocks before the weights of a version lapse that this is announced.
		#[pallet::constant]
		type LapseNotice: Get<BlockNumberFor<Self>>;

		/// Most chunks of an artifact, without the index, that the registry looks after.
		#[pallet::constant]
		type MaxKeptChunks: Get<u32>;

		/// Most chunks that one call renews.
		#[pallet::constant]
		type MaxRenewals: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need of the rest of the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::BenchmarkHelper;
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
		/// The deposit for a model's metadata.
		#[codec(index = 2)]
		Metadata,
		/// The deposit for an organisation.
		#[codec(index = 3)]
		Organisation,
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

	/// What is said of models.
	#[pallet::storage]
	pub type Descriptions<T: Config> = StorageMap<_, Twox64Concat, ModelId, DescribedOf<T>>;

	/// The account that a model's owner offers it to.
	#[pallet::storage]
	pub type Offers<T: Config> = StorageMap<_, Twox64Concat, ModelId, T::AccountId>;

	/// The organisations.
	// Names are anyone's choice, and so need a cryptographic hasher.
	#[pallet::storage]
	pub type Organisations<T: Config> = StorageMap<_, Blake2_128Concat, Organisation, HoldingOf<T>>;

	/// The number of the newest version of a model that is not registered any more, if it had any.
	#[pallet::storage]
	pub type Deregistered<T> = StorageMap<_, Twox64Concat, ModelId, u32>;

	/// The version that a version was derived from, whether or not there are records of them.
	// The pallet counts both parts of the key.
	#[pallet::storage]
	pub type Lineage<T> = StorageMap<_, Twox64Concat, VersionId, VersionId>;

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

	/// First block in which a part of a version may not be kept any more.
	// The pallet counts both parts of the first key; the second has three values.
	#[pallet::storage]
	pub type Kept<T: Config> =
		StorageDoubleMap<_, Twox64Concat, VersionId, Twox64Concat, Part, BlockNumberFor<T>>;

	/// The versions whose weights lapse in a block, unless that has been announced.
	// Block numbers can't be ground for a place in the trie, and the pallet counts the versions.
	#[pallet::storage]
	pub type Lapsing<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, VersionId, ()>;

	/// The first block such that weights that lapse in it may not all have been announced.
	#[pallet::storage]
	pub type LapseCursor<T: Config> = StorageValue<_, BlockNumberFor<T>>;

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
		/// A model's owner offers it to somebody, who may accept it.
		OwnershipOffered {
			/// The model.
			model: ModelId,
			/// The owner.
			from: T::AccountId,
			/// Who may accept it.
			to: T::AccountId,
		},
		/// A model's owner doesn't offer it any more.
		OfferWithdrawn {
			/// The model.
			model: ModelId,
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
		/// The deposit of a version went to the treasury, because curator or guardian revoked the
		/// version while it waited for approval, or its proposer in the middle of its evaluation.
		DepositForfeited {
			/// The version.
			version: VersionId,
			/// Whose deposit it was.
			proposer: T::AccountId,
			/// The deposit.
			amount: BalanceOf<T>,
		},
		/// It was said what a model is.
		MetadataSet {
			/// The model.
			model: ModelId,
		},
		/// Nothing is said of a model any more.
		MetadataCleared {
			/// The model.
			model: ModelId,
		},
		/// A version is not served until it is decided whether it is revoked or goes on.
		VersionSuspended {
			/// The version.
			version: VersionId,
			/// Why.
			reason: Reason,
		},
		/// A suspended version goes on.
		SuspensionLifted {
			/// The version.
			version: VersionId,
			/// What it is now.
			state: Live,
		},
		/// There is no record of a version any more.
		VersionPruned {
			/// The version.
			version: VersionId,
		},
		/// Somebody has shown that the root over pages in a version's manifest is wrong, and has got
		/// the version's deposit.
		PagesRefuted {
			/// The version, which is revoked.
			version: VersionId,
			/// Who has shown it.
			refuter: T::AccountId,
			/// The deposit.
			amount: BalanceOf<T>,
		},
		/// A model is not registered any more, and its name is free.
		ModelDeregistered {
			/// The model.
			model: ModelId,
			/// The name that it had.
			name: Name,
			/// The owner that it had.
			owner: T::AccountId,
		},
		/// An organisation has its first model.
		OrganisationFounded {
			/// The organisation.
			organisation: Organisation,
			/// Its holder.
			holder: T::AccountId,
		},
		/// The holder of an organisation gave it to another account.
		OrganisationTransferred {
			/// The organisation.
			organisation: Organisation,
			/// The holder before.
			from: T::AccountId,
			/// The holder now.
			to: T::AccountId,
		},
		/// An organisation was taken from its holder and given to another account.
		OrganisationReassigned {
			/// The organisation.
			organisation: Organisation,
			/// The holder before.
			from: T::AccountId,
			/// The holder now.
			to: T::AccountId,
		},
		/// Nobody holds an organisation any more.
		OrganisationReleased {
			/// The organisation.
			organisation: Organisation,
			/// The holder before.
			holder: T::AccountId,
		},
		/// Somebody gave to a model's endowment.
		ModelEndowed {
			/// The model.
			model: ModelId,
			/// Who.
			who: T::AccountId,
			/// How much.
			amount: BalanceOf<T>,
		},
		/// It was shown that a part of a version is kept.
		VersionKept {
			/// The version.
			version: VersionId,
			/// The part.
			part: Part,
			/// How many chunks were renewed for it.
			renewed: u32,
			/// First block in which it may not be kept any more.
			until: BlockNumberFor<T>,
		},
		/// The weights of a version lapse soon, unless somebody has them kept for longer.
		WeightsLapse {
			/// The version.
			version: VersionId,
			/// First block in which they may not be kept any more.
			at: BlockNumberFor<T>,
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
		/// The artifact's size contradicts its number of chunks or is too small for the architecture.
		InvalidArtifact,
		/// The engine doesn't have the semantics that the version was published for.
		UnsupportedEngine,
		/// The licence is not an SPDX expression, or names what is not in the SPDX lists. A licence
		/// that they don't have is named by `LicenseRef-` and a name.
		InvalidLicence,
		/// The version that this one would be derived from has never existed.
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
		/// The folder listing's size contradicts its number of chunks.
		InvalidFolder,
		/// Somebody else holds the organisation: choose another name, or ask the holder.
		NotYourOrganisation,
		/// There is no such organisation.
		UnknownOrganisation,
		/// The account holds the organisation already.
		AlreadyHolder,
		/// There are models under the organisation's name.
		OrganisationInUse,
		/// The owner offers the model to nobody.
		NoOffer,
		/// The owner doesn't offer the model to the signer.
		NotOffered,
		/// The description is not UTF-8 text without control characters.
		InvalidDescription,
		/// A tag is not of lower-case letters, digits, `-`, `.` and `_`, beginning with one of the
		/// first two.
		InvalidTag,
		/// A mirror is not an `https://` or `http://` address of printable ASCII without spaces.
		InvalidMirror,
		/// The version is neither approved, nor active, nor deprecated.
		NotSuspendable,
		/// The version isn't suspended.
		NotSuspended,
		/// The model was in use but has no active version that answers: activate an old one, and have
		/// this one compared with it. After a change of the engine no old one answers:
		/// [`Config::OverrideOrigin`] decides.
		NothingToCompare,
		/// The version isn't revoked.
		NotRevoked,
		/// The version was revoked less than [`Config::RevokedRetention`] blocks ago.
		RevokedTooLately,
		/// There are records of versions of the model: revoke and prune them first.
		HasVersions,
		/// The version doesn't have such a part.
		NoSuchPart,
		/// The artifact has more than [`Config::MaxKeptChunks`] chunks.
		TooManyChunks,
		/// The bytes are not the artifact's index chunk.
		WrongIndex,
		/// The bytes are not the artifact's chunk at this position, or the proof doesn't show it.
		WrongChunk,
		/// The manifest's root over pages doesn't have what is claimed at this position.
		WrongPagesProof,
		/// The manifest's root over pages has the chunk's pages at this position, as it should.
		PagesAreRight,
		/// A chunk of the artifact, or its index, is not kept: store it again first.
		WeightsIncomplete,
		/// Chunks can be renewed, but the endowment can't pay for one: endow the model first.
		EndowmentTooSmall,
		/// Chunks can be renewed, but this block has no place for one, or the extrinsic stores or
		/// renews something else: try again in another block.
		NoRoom,
		/// Deposits for chunks are held from the model's endowment: have the chunks released first.
		EndowmentHeld,
		/// The artifact is larger than any of the architecture can be.
		ArtifactTooLarge,
		/// A version with the same artifact is suspended: voters decide on that first.
		ArtifactSuspended,
		/// The model has an owner, who decides over what is proposed.
		NotInCommons,
		/// The version was proposed less than [`Config::AdmissionPeriod`] blocks ago, and may still be
		/// admitted.
		AdmissionGoesOn,
		/// The version is admitted: its proposer takes it back, or voters decide on it.
		IsAdmitted,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::announce_lapses(now, &mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxLiveVersions::get() > 0, "MaxLiveVersions must not be zero");
			assert!(T::MaxProposals::get() > 0, "MaxProposals must not be zero");
			assert!(T::MaxKeptChunks::get() > 0, "MaxKeptChunks must not be zero");
			assert!(T::MaxRenewals::get() > 0, "MaxRenewals must not be zero");
			let most = T::WeightInfo::keep_version(T::MaxKeptChunks::get(), T::MaxRenewals::get());
			let limit = T::BlockWeights::get().get(DispatchClass::Normal).max_extrinsic;
			let fits = limit.is_none_or(|limit| most.all_lte(limit));
			assert!(fits, "a block must have room for keeping a version of MaxKeptChunks");
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
		/// ## Details
		///
		/// Who registers the first model under an organisation becomes its holder, and pays the
		/// deposit for it, too. After that only the holder registers models under it.
		///
		/// ## Errors
		///
		/// [`Error::NameTooLong`], [`Error::InvalidName`], [`Error::NameTaken`],
		/// [`Error::NotYourOrganisation`], and the currency's if a deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::OrganisationFounded`] if it is the organisation's first model,
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
		/// [`Error::InvalidArtifact`], [`Error::ArtifactTooLarge`], [`Error::InvalidTokenizer`],
		/// [`Error::InvalidFolder`], [`Error::UnsupportedEngine`], [`Error::InvalidLicence`],
		/// [`Error::UnknownParent`], [`Error::ArtifactTaken`], [`Error::ArtifactSuspended`],
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
		/// Signed by the owner; [`Config::CuratorOrigin`] or [`Config::OverrideOrigin`] if the model
		/// is in the commons.
		///
		/// ## Details
		///
		/// [`Config::Gate`] must have admitted the version. If the model is in the commons and has
		/// been in use, it must have found the version better than the active one, unless the origin
		/// is [`Config::OverrideOrigin`].
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotOwner`],
		/// [`Error::NotProposed`], [`Error::TooManyVersions`], [`Error::ArtifactSuspended`],
		/// [`Error::NothingToCompare`], and the gate's.
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
		/// [`Error::NotActivatable`], [`Error::ArtifactSuspended`], [`Error::UnsupportedEngine`];
		/// [`Error::NothingToCompare`] and the gate's if a version of the commons was never active.
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
		/// version that waits for approval, or the proposer takes a version of the commons back in
		/// the middle of its evaluation: then it goes to [`Config::Treasury`].
		///
		/// If its owner has revoked a version that was in use, its model's claim on the artifact
		/// lasts. The guardian may revoke the version once more: that ends the claim.
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

		/// Donates a model to the commons, for ever, and returns its deposits to the owner.
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

		/// Offers a model to another account, which may accept it; or withdraws the offer.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// An offer takes the place of the one before. Without an account, the offer is withdrawn.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::InCommons`], [`Error::NotOwner`],
		/// [`Error::AlreadyOwner`], [`Error::NoOffer`].
		///
		/// ## Events
		///
		/// [`Event::OwnershipOffered`], or [`Event::OfferWithdrawn`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::transfer_ownership())]
		pub fn transfer_ownership(
			origin: OriginFor<T>,
			model: ModelId,
			to: Option<T::AccountId>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_offer(who, model, to)
		}

		/// Accepts a model that its owner offers.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the account that it is offered to, which becomes the owner.
		///
		/// ## Details
		///
		/// The new owner pays the deposits for the model and its metadata, and the old owner's are
		/// returned. Those of versions stay with who proposed them.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::InCommons`], [`Error::NotOffered`], and the currency's
		/// if a deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::OwnershipTransferred`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::accept_ownership())]
		pub fn accept_ownership(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_accept(who, model)
		}

		/// Says what a model is, or takes back what was said.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, who pays the deposit, or [`Config::CuratorOrigin`] if the model is in
		/// the commons: then there is none.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::NotOwner`], [`Error::InvalidDescription`],
		/// [`Error::InvalidTag`], [`Error::InvalidMirror`], and the currency's if the deposit can't
		/// be held.
		///
		/// ## Events
		///
		/// [`Event::MetadataSet`], or [`Event::MetadataCleared`].
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::set_metadata())]
		pub fn set_metadata(
			origin: OriginFor<T>,
			model: ModelId,
			metadata: Option<Metadata>,
		) -> DispatchResult {
			Self::do_set_metadata(origin, model, metadata)
		}

		/// Takes a version out of service at once, until it is decided what becomes of it.
		///
		/// ## Dispatch Origin
		///
		/// [`Config::SuspendOrigin`].
		///
		/// ## Details
		///
		/// If it was the active one, the model has none until another is activated.
		///
		/// ## Errors
		///
		/// [`Error::ReasonTooLong`], [`Error::UnknownModel`], [`Error::UnknownVersion`],
		/// [`Error::NotSuspendable`].
		///
		/// ## Events
		///
		/// [`Event::VersionSuspended`].
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::suspend_version(reason.len() as u32))]
		pub fn suspend_version(
			origin: OriginFor<T>,
			version: VersionId,
			reason: Vec<u8>,
		) -> DispatchResult {
			T::SuspendOrigin::ensure_origin(origin)?;
			Self::do_suspend(version, reason)
		}

		/// Makes a suspended version what it was before.
		///
		/// ## Dispatch Origin
		///
		/// [`Config::GuardianOrigin`].
		///
		/// ## Details
		///
		/// If it was the active one and another is by now, it is deprecated.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotSuspended`].
		///
		/// ## Events
		///
		/// [`Event::SuspensionLifted`].
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::lift_suspension())]
		pub fn lift_suspension(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_lift(version)
		}

		/// Drops the record of a version that was revoked long ago.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone.
		///
		/// ## Details
		///
		/// What it was derived from stays known, and so does a lasting claim on its artifact.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NotRevoked`],
		/// [`Error::RevokedTooLately`].
		///
		/// ## Events
		///
		/// [`Event::VersionPruned`].
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::prune_version())]
		pub fn prune_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_prune(version)
		}

		/// Drops the record of a model that has no records of versions, and frees its name.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the owner, who gets the deposits back and what is free of the endowment.
		///
		/// ## Details
		///
		/// Its id is not given out again. The lineage of its versions stays known, and lasting claims
		/// on their artifacts stay.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::InCommons`], [`Error::NotOwner`],
		/// [`Error::HasVersions`], [`Error::EndowmentHeld`].
		///
		/// ## Events
		///
		/// [`Event::ModelDeregistered`].
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::deregister())]
		pub fn deregister(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_deregister(who, model)
		}

		/// Gives an organisation, and the deposit that is held for it, to another account.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the holder.
		///
		/// ## Details
		///
		/// The models under it keep their owners. The deposit is the old holder's gift: taking over
		/// an organisation costs nothing and needs no consent.
		///
		/// ## Errors
		///
		/// [`Error::UnknownOrganisation`], [`Error::NotYourOrganisation`],
		/// [`Error::AlreadyHolder`], and the currency's if the new holder can't have the deposit.
		///
		/// ## Events
		///
		/// [`Event::OrganisationTransferred`].
		#[pallet::call_index(14)]
		#[pallet::weight(T::WeightInfo::transfer_organisation())]
		pub fn transfer_organisation(
			origin: OriginFor<T>,
			organisation: Organisation,
			to: T::AccountId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_transfer_organisation(who, organisation, to)
		}

		/// Takes an organisation from its holder and gives it to another account.
		///
		/// ## Dispatch Origin
		///
		/// [`Config::CuratorOrigin`].
		///
		/// ## Details
		///
		/// For names that their holders have no right to. The models under it keep their owners. The
		/// holder before gets the deposit back, and the new one pays none.
		///
		/// ## Errors
		///
		/// [`Error::UnknownOrganisation`], [`Error::AlreadyHolder`].
		///
		/// ## Events
		///
		/// [`Event::OrganisationReassigned`].
		#[pallet::call_index(15)]
		#[pallet::weight(T::WeightInfo::reassign_organisation())]
		pub fn reassign_organisation(
			origin: OriginFor<T>,
			organisation: Organisation,
			to: T::AccountId,
		) -> DispatchResult {
			T::CuratorOrigin::ensure_origin(origin)?;
			Self::do_reassign_organisation(organisation, to)
		}

		/// Gives up an organisation without models, and returns its deposit.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the holder.
		///
		/// ## Errors
		///
		/// [`Error::UnknownOrganisation`], [`Error::NotYourOrganisation`],
		/// [`Error::OrganisationInUse`].
		///
		/// ## Events
		///
		/// [`Event::OrganisationReleased`].
		#[pallet::call_index(16)]
		#[pallet::weight(T::WeightInfo::release_organisation())]
		pub fn release_organisation(
			origin: OriginFor<T>,
			organisation: Organisation,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_release_organisation(who, organisation)
		}

		/// Drops a version of a commons model that was proposed and not admitted in time.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone.
		///
		/// ## Details
		///
		/// The version is revoked, and the deposit goes back to the proposer.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::NotInCommons`], [`Error::UnknownVersion`],
		/// [`Error::NotProposed`], [`Error::AdmissionGoesOn`], [`Error::IsAdmitted`].
		///
		/// ## Events
		///
		/// [`Event::VersionRevoked`].
		#[pallet::call_index(17)]
		#[pallet::weight(T::WeightInfo::drop_proposal())]
		pub fn drop_proposal(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_drop(version)
		}

		/// Gives to a model's endowment, for ever.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone.
		///
		/// ## Details
		///
		/// The endowment pays for what [`Pallet::keep_version`] renews of the model's versions. What
		/// is left goes to the owner if the model is deregistered.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], and the currency's if the signer can't give as much, or if the
		/// endowment would be less than an account must have.
		///
		/// ## Events
		///
		/// [`Event::ModelEndowed`].
		#[pallet::call_index(20)]
		#[pallet::weight(T::WeightInfo::endow())]
		pub fn endow(
			origin: OriginFor<T>,
			model: ModelId,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_endow(who, model, amount)
		}

		/// Shows that a part of a version is kept, and has it kept for longer.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone. For each chunk that is renewed, the signer gets
		/// [`Config::KeeperReward`] from the model's endowment.
		///
		/// ## Details
		///
		/// `index` are the bytes of the part's index chunk. It and all chunks must be kept. Those
		/// that can be renewed are, those that end first before others, at a deposit of the model's
		/// endowment, and whoever paid the deposit before gets it back: at most
		/// [`Config::MaxRenewals`], and as far as the block has room and the endowment lasts. What
		/// is left can be renewed in the next block. Then it is noted until when the part is kept.
		///
		/// Nothing is renewed for a version that waits for approval or is suspended: it is only noted
		/// until when it is kept.
		///
		/// ## Errors
		///
		/// [`Error::UnknownVersion`], [`Error::AlreadyRevoked`], [`Error::NoSuchPart`],
		/// [`Error::TooManyChunks`], [`Error::WrongIndex`], [`Error::WeightsIncomplete`];
		/// [`Error::EndowmentTooSmall`] if chunks can be renewed but none could be paid for,
		/// [`Error::NoRoom`] if there was no place for one.
		///
		/// ## Events
		///
		/// [`Event::VersionKept`]; [`Event::WeightsLapse`] if that is soon.
		///
		/// ## Complexity
		///
		/// Linear in the number of chunks, and in that of renewals.
		#[pallet::call_index(21)]
		#[pallet::weight(
			T::WeightInfo::keep_version(Pallet::<T>::chunks_in(index), T::MaxRenewals::get())
		)]
		pub fn keep_version(
			origin: OriginFor<T>,
			version: VersionId,
			part: Part,
			index: Vec<u8>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let chunks = Self::chunks_in(&index);
			let renewed = Self::do_keep(who, version, part, index)?;
			Ok(Some(T::WeightInfo::keep_version(chunks, renewed)).into())
		}

		/// Shows that the root over pages in a version's manifest is wrong, and revokes the version.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone, who gets the version's deposit.
		///
		/// ## Details
		///
		/// `chunk` is the chunk of the weights at `position`, and `chunk_proof` shows that: the hashes
		/// on the way to the artifact's root. `claimed` is what the manifest has in place of the root
		/// over the chunk's pages, and `pages_proof` shows that: the hashes on the way to the
		/// manifest's `pages`. For weights of one chunk `claimed` is `pages` itself, and that proof is
		/// empty.
		///
		/// ## Errors
		///
		/// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::AlreadyRevoked`],
		/// [`Error::WrongChunk`], [`Error::WrongPagesProof`], [`Error::PagesAreRight`].
		///
		/// ## Events
		///
		/// [`Event::PagesRefuted`], [`Event::VersionRevoked`].
		///
		/// ## Complexity
		///
		/// Linear in the length of the chunk.
		#[pallet::call_index(22)]
		#[pallet::weight(T::WeightInfo::refute_pages(chunk.len() as u32))]
		pub fn refute_pages(
			origin: OriginFor<T>,
			version: VersionId,
			position: u32,
			chunk: Vec<u8>,
			chunk_proof: BoundedVec<H256, ConstU32<32>>,
			claimed: H256,
			pages_proof: BoundedVec<H256, ConstU32<32>>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_refute_pages(
				who,
				version,
				position,
				chunk,
				&chunk_proof,
				claimed,
				&pages_proof,
			)
		}
	}
}
