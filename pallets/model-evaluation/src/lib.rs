//! # Model evaluation
//!
//! What a version of a model has to show before it is approved: that it answers as its manifest
//! claims, and that it does better than the version in use.
//!
//! ## Overview
//!
//! A manifest has the hash of a few questions whose answers are known. To be *admitted*, a version
//! has to reproduce them: committees are asked, or, where it takes little, the runtime computes the
//! answers itself. One that doesn't can't be approved.
//!
//! Whoever governs a model can commit to a *hold-out set*: the root over samples that nobody has
//! seen, a metric, and the *revealer*, who alone shows them. An *evaluation* reveals the next samples
//! of the set and has committees put each of them to a version that waits for approval and to the
//! version in use. Both get a score. Samples that were revealed are used up, whatever comes of them.
//!
//! This pallet only finds out. Whoever approves versions asks it, by [`UpgradeGate`], and it asks
//! committees by [`Ask`].
//!
//! ## Interface
//!
//! - [`Call::admit`], [`Call::admit_here`]: have the known answers of a version checked.
//! - [`Call::set_hold_out`]: say what a model's versions are measured by.
//! - [`Call::evaluate`]: measure a version beside the one in use.
//!
//! [`UpgradeGate`]: dodona_primitives_models::UpgradeGate
//! [`Ask`]: dodona_primitives_inference::Ask
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub use pallet::*;
pub use types::{Course, HoldOutSet, HoldOutSetOf, Question};
pub use weights::WeightInfo;

mod admission;
mod answers;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod evaluation;
mod gate;
mod hold_out;
mod measure;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
	use super::{Course, HoldOutSetOf, Question, WeightInfo};
	use alloc::vec::Vec;
	use dodona_primitives_inference::{
		Admission, Ask, KnownAnswers, Metric, RequestId, RevealedSample, MAX_REVEALED,
	};
	use dodona_primitives_models::{ModelGovernance, ModelId, ModelInspect, VersionId};
	use frame_support::{pallet_prelude::*, traits::tokens};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;
	use sp_runtime::Perbill;

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The type of fees.
		type Balance: tokens::Balance;

		/// The models and whoever governs them.
		type Models: ModelInspect<Balance = Self::Balance> + ModelGovernance<OriginFor<Self>>;

		/// How committees are asked.
		type Ask: Ask<AccountId = Self::AccountId, Balance = Self::Balance>;

		/// The most work that the runtime does itself to admit a version: the multiply-accumulates of
		/// all its known answers, and a thousand for each layer of each.
		#[pallet::constant]
		type MaxAdmissionWork: Get<u64>;

		/// Weights of this pallet's calls, and of being told an answer.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need of the rest of the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// Whether versions reproduce the answers that they claim.
	// The registry counts models and versions: nobody can choose a place in the trie.
	#[pallet::storage]
	pub type Admissions<T> = StorageMap<_, Twox64Concat, VersionId, Admission>;

	/// What the versions of a model are measured by.
	#[pallet::storage]
	pub type HoldOuts<T: Config> = StorageMap<_, Twox64Concat, ModelId, HoldOutSetOf<T>>;

	/// The last evaluation of a version.
	#[pallet::storage]
	pub type Evaluations<T> = StorageMap<_, Twox64Concat, VersionId, Course>;

	/// Requests of this pallet that have not ended, and what they are for.
	// Ids of requests are counted.
	#[pallet::storage]
	pub type Questions<T> = StorageMap<_, Twox64Concat, RequestId, Question>;

	/// What is found out.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Committees are asked the questions whose answers are known.
		AdmissionAsked {
			/// The version that answers.
			version: VersionId,
			/// The requests.
			requests: Vec<RequestId>,
		},
		/// A version reproduces the answers that its manifest claims.
		Admitted {
			/// The version.
			version: VersionId,
		},
		/// A version gave another answer than its manifest claims.
		Contradicted {
			/// The version.
			version: VersionId,
			/// The request with the other answer.
			request: RequestId,
		},
		/// Not every question with a known answer was answered: they can be asked again.
		AdmissionUnanswered {
			/// The version.
			version: VersionId,
		},
		/// A model's versions are measured by other samples from now on.
		HoldOutSet {
			/// The model.
			model: ModelId,
			/// Root over the samples.
			root: H256,
			/// How many samples there are.
			samples: u32,
			/// How an answer is measured.
			metric: Metric,
			/// How many samples an evaluation takes.
			per_evaluation: u32,
			/// By how much a version has to score higher than the one in use.
			margin: Perbill,
			/// Who reveals the samples.
			revealer: T::AccountId,
		},
		/// Samples were revealed, and put to a version and the one in use.
		SamplesRevealed {
			/// The version.
			version: VersionId,
			/// Number of the version in use.
			against: u32,
			/// The first one's place in the set.
			first: u32,
			/// How many they are.
			count: u32,
			/// The requests: for each sample the version's, then the other's.
			requests: Vec<RequestId>,
		},
		/// Samples were revealed, and are used up, but nobody was asked.
		EvaluationFailed {
			/// The version that was to be measured.
			version: VersionId,
			/// The first sample's place in the set.
			first: u32,
			/// How many they are.
			count: u32,
			/// Why.
			error: DispatchError,
		},
		/// A version was measured beside the one in use.
		Scored {
			/// The version.
			version: VersionId,
			/// Number of the version that was in use.
			against: u32,
			/// The version's score.
			candidate: Perbill,
			/// The other's score.
			active: Perbill,
			/// How many samples they are the mean of.
			samples: u32,
		},
		/// A sample was not answered: the evaluation came to nothing, and can begin again.
		EvaluationUnanswered {
			/// The version.
			version: VersionId,
			/// The request that has no answer.
			request: RequestId,
		},
	}

	/// Why a call is refused. Nothing changes when it is.
	#[pallet::error]
	pub enum Error<T> {
		/// The version doesn't wait for approval.
		NotProposed,
		/// There is no question: a version has to have at least one whose answer is known.
		NoKnownAnswers,
		/// These are not the known answers that the version's manifest has the hash of.
		KnownAnswersMismatch,
		/// The version's known answers are being asked for already: wait for the committees.
		AlreadyAsked,
		/// The version has reproduced its known answers already.
		AlreadyAdmitted,
		/// The version gave another answer than its manifest claims: propose another one.
		AnswersContradicted,
		/// The version has not reproduced its known answers: `admit` it first.
		NotAdmitted,
		/// The runtime can't run this version itself: have it admitted by committees.
		NotRunHere,
		/// The answers take more work than the runtime does itself: have the version admitted by
		/// committees.
		TooMuchWork,
		/// The bytes are not the version's weights.
		WrongWeights,
		/// The root over the weights' pages is not the one that the manifest names: propose the
		/// version again with the right one, which the weights are hashed to page by page.
		WrongPages,
		/// The file's header is too long for a run to be taken apart into steps, so that answers
		/// could not be disputed: publish it with a shorter one.
		NotTraceable,
		/// The engine refuses the weights or a question.
		EngineRefused,
		/// An answer is another than the version's manifest claims.
		WrongAnswer,
		/// A hold-out set has from 1 to 1,048,576 samples.
		InvalidSamples,
		/// An evaluation takes from 1 to 64 samples, and no more than there are.
		InvalidPerEvaluation,
		/// The model has no hold-out set to be measured by.
		NoHoldOut,
		/// The hold-out set has not as many samples left: it has to be replaced.
		HoldOutExhausted,
		/// The samples are somebody else's to reveal: sign as the revealer of the hold-out set.
		NotTheRevealer,
		/// The model has no version in use to compare with.
		NoActiveVersion,
		/// No sample is revealed.
		NothingRevealed,
		/// More samples are revealed than the evaluation still takes.
		TooManySamples,
		/// A sample is not the next one of the set, or its proof is wrong: reveal them in order,
		/// from the first that is not used up.
		WrongSample,
		/// All samples are revealed: wait for the committees.
		StillAnswering,
		/// The version has been measured by this set and beside the version in use.
		AlreadyScored,
		/// The version has no score: `evaluate` it first.
		NotEvaluated,
		/// The score is of another hold-out set or beside another version than the one in use:
		/// `evaluate` the version again.
		StaleScore,
		/// The version does not score higher than the one in use by the margin.
		NotBetter,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Have committees answer the questions whose answers a version claims to know.
		///
		/// ## Dispatch Origin
		/// Signed by anyone, who pays the fee of each question.
		///
		/// ## Details
		/// `max_fee` is for each question. The version is admitted once all answers are as claimed.
		/// One other answer is enough to keep it from being approved, for ever. If a question has no
		/// answer, its fee comes back and all can be asked again.
		///
		/// ## Errors
		/// - [`Error::NotProposed`]
		/// - [`Error::NoKnownAnswers`], [`Error::KnownAnswersMismatch`]
		/// - [`Error::AlreadyAsked`], [`Error::AlreadyAdmitted`], [`Error::AnswersContradicted`]
		/// - those of a request
		///
		/// ## Events
		/// [`Event::AdmissionAsked`]; later [`Event::Admitted`], [`Event::Contradicted`] or
		/// [`Event::AdmissionUnanswered`]
		#[pallet::call_index(0)]
		#[pallet::weight(Pallet::<T>::weight_of_admit(answers))]
		pub fn admit(
			origin: OriginFor<T>,
			version: VersionId,
			answers: KnownAnswers,
			#[pallet::compact] max_fee: T::Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_admit(who, version, answers, max_fee)
		}

		/// Commit to the samples that a model's versions are measured by.
		///
		/// ## Dispatch Origin
		/// Whoever governs the model: its owner, or the curator of a model of the commons.
		///
		/// ## Details
		/// Replaces the set before. Scores by that one don't count any more. If it has the same root,
		/// the samples that are used up stay so. Only `revealer` reveals the samples.
		///
		/// ## Errors
		/// - those of an origin that doesn't govern the model
		/// - [`Error::InvalidSamples`], [`Error::InvalidPerEvaluation`]
		///
		/// ## Events
		/// [`Event::HoldOutSet`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_hold_out())]
		pub fn set_hold_out(
			origin: OriginFor<T>,
			model: ModelId,
			root: H256,
			samples: u32,
			metric: Metric,
			per_evaluation: u32,
			margin: Perbill,
			revealer: T::AccountId,
		) -> DispatchResult {
			T::Models::ensure_governs(origin, model)?;
			Self::do_set_hold_out(model, root, samples, metric, per_evaluation, margin, revealer)
		}

		/// Reveal the next samples of a model's hold-out set, and put them to a version and to the
		/// version in use.
		///
		/// ## Dispatch Origin
		/// Signed by the revealer of the set, who pays the fees of both versions.
		///
		/// ## Details
		/// The first call begins the evaluation, and later ones go on with it until as many samples
		/// are revealed as it takes. An evaluation by a set that was replaced, or beside a version
		/// that is not in use any more, is not gone on with: another one begins. `max_fee` is for
		/// each request.
		///
		/// Once the samples are shown to be the next ones they are used up: everybody has seen them.
		/// If nobody can be asked then, the call goes through all the same, asks nobody, and
		/// [`Event::EvaluationFailed`] says why: [`Error::NotProposed`], [`Error::NotAdmitted`],
		/// [`Error::NoActiveVersion`], [`Error::TooManySamples`], [`Error::StillAnswering`],
		/// [`Error::AlreadyScored`], [`Error::HoldOutExhausted`], or an error of a request.
		///
		/// ## Errors
		/// - [`Error::NoHoldOut`], [`Error::NotTheRevealer`]
		/// - [`Error::NothingRevealed`], [`Error::HoldOutExhausted`], [`Error::WrongSample`]
		///
		/// ## Events
		/// [`Event::SamplesRevealed`], and later [`Event::Scored`] or
		/// [`Event::EvaluationUnanswered`]; or [`Event::EvaluationFailed`]
		///
		/// ## Complexity
		/// O(samples), each with two requests.
		#[pallet::call_index(2)]
		#[pallet::weight(Pallet::<T>::weight_of_evaluate(revealed))]
		pub fn evaluate(
			origin: OriginFor<T>,
			version: VersionId,
			revealed: BoundedVec<RevealedSample, ConstU32<MAX_REVEALED>>,
			#[pallet::compact] max_fee: T::Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_evaluate(who, version, revealed, max_fee)
		}

		/// Have the runtime itself compute the answers that a small version claims to know.
		///
		/// ## Dispatch Origin
		/// Signed by anyone.
		///
		/// ## Details
		/// For perceptrons and convolutional networks whose weights are one chunk, and whose answers
		/// take no more than [`Config::MaxAdmissionWork`] together. Another answer than the claimed
		/// one is an error, and leaves nothing behind. Only the weight of what was computed is used
		/// in the end.
		///
		/// ## Errors
		/// - [`Error::NotProposed`], [`Error::AlreadyAsked`], [`Error::AlreadyAdmitted`],
		///   [`Error::AnswersContradicted`]
		/// - [`Error::NoKnownAnswers`], [`Error::KnownAnswersMismatch`], [`Error::WrongWeights`],
		///   [`Error::WrongPages`], [`Error::NotTraceable`]
		/// - [`Error::NotRunHere`], [`Error::TooMuchWork`], [`Error::EngineRefused`]
		/// - [`Error::WrongAnswer`]
		///
		/// ## Events
		/// [`Event::Admitted`]
		///
		/// ## Complexity
		/// O(weights + work)
		#[pallet::call_index(3)]
		#[pallet::weight(Pallet::<T>::weight_of_admit_here(answers, weights, T::MaxAdmissionWork::get()))]
		pub fn admit_here(
			origin: OriginFor<T>,
			version: VersionId,
			answers: KnownAnswers,
			weights: Vec<u8>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_admit_here(version, answers, weights)
		}
	}
}
