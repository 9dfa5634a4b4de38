//! # Inference
//!
//! Requests for answers, the committees that compute them, and the rules by which one answer
//! becomes the result.
//!
//! ## Overview
//!
//! A requester pays for the answer of one version of a model to one input. A committee of bonded
//! operators is drawn from randomness that is YOUNGER than the request, so that nobody can choose
//! it; every seat computes the answer off-chain, commits to it, and reveals it once all have
//! committed. What a quorum of the ASSIGNED seats names is the result, unless a seat differs or
//! somebody challenges it: then the runtime decides. See [`RequestState`] for the life of a request:
//! every state has a deadline, and every way out either pays or refunds.
//!
//! ## Interface
//!
//! - [`Call::request`]: ask and pay.
//! - [`Call::submit`]: all that a worker has to say in a block; feeless for assigned seats.
//! - [`Call::advance`]: move on a request whose deadline has passed, if the block hook has not.
//! - [`Call::challenge`]: say with a bond that an answer is another.
//! - [`Call::play`], [`Call::settle`]: the game that finds the first wrong step of a run, and has
//!   the runtime execute it.
//! - [`Call::adjudicate`]: have the runtime run a small model itself.
//! - [`Call::reside`], [`Call::unreside`]: keep the weights of a small model in the state, so that
//!   blocks with time to spare run it.
//!
//! The pallet also is the worker: see the folder `offchain`. A node whose keystore holds a hot key of type
//! [`HOT_KEY_TYPE`] answers the requests that its operator has a seat in.
//!
//! [`RequestState`]: dodona_primitives_inference::RequestState
//! [`HOT_KEY_TYPE`]: dodona_primitives_inference::HOT_KEY_TYPE
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub use audit::Check;
pub use pallet::*;
pub use residents::Resident;
pub use weights::WeightInfo;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod crypto;
mod disputes;
mod escrow;
mod lifecycle;
pub mod machine;
mod moves;
mod offchain;
mod requests;
mod residents;
mod submissions;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod verdict;
pub mod weights;

/// Where this pallet logs.
const LOG_TARGET: &str = "runtime::inference";

#[frame_support::pallet]
pub mod pallet {
	use super::{
		audit::{Check, Seats},
		moves::{Before, MoveOf, WitnessOf},
		residents::{Resident, ResidentBytes},
		WeightInfo,
	};
	use alloc::vec::Vec;
	use dodona_primitives_inference::{
		Adjudicator, Claim, ClaimId, Dispute, FailureReason, Input, Output, Request, RequestId,
		RequestState, ResultSink, Submissions, MAX_COMMITTEE,
	};
	use dodona_primitives_models::{ModelId, ModelInspect, RoyaltyAccounts, VersionId};
	use dodona_primitives_staking::{RewardSink, StakeInspect, StakeSlash};
	use frame_support::{
		dispatch::WithPostDispatchInfo,
		pallet_prelude::*,
		traits::{fungible, fungible::Credit, Randomness},
		weights::WeightMeter,
	};
	use frame_system::{
		offchain::{AppCrypto, CreateSignedTransaction},
		pallet_prelude::*,
	};
	use sp_core::H256;
	use sp_runtime::{
		traits::{Hash, Zero},
		Perbill,
	};

	/// The type of fees.
	pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<
		<T as frame_system::Config>::AccountId,
	>>::Balance;
	/// An amount taken from a fee, on its way to whoever earned it.
	pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;
	/// A request of this chain.
	pub type RequestOf<T> =
		Request<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

	/// How far a request of this chain is.
	pub type StateOf<T> = RequestState<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

	/// The seats of a committee of this chain.
	pub type CommitteeOf<T> = Seats<<T as frame_system::Config>::AccountId>;

	/// A claim in a dispute of this chain.
	pub type ClaimOf<T> = Claim<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

	/// A dispute of this chain.
	pub type DisputeOf<T> = Dispute<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

	/// A version whose weights are in the state.
	pub type ResidentOf<T> = Resident<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

	/// Operators that a request must not be given to again.
	pub type ExcludedOf<T> = BoundedVec<
		<T as frame_system::Config>::AccountId,
		ConstU32<{ MAX_COMMITTEE * ATTEMPTS_LIMIT }>,
	>;

	/// The most that [`Config::MaxAttempts`] can be: storage has room for the operators of so many
	/// committees, and no more. Whoever lets a vote set the value has to keep it within.
	pub const ATTEMPTS_LIMIT: u32 = 4;

	#[pallet::config]
	pub trait Config:
		CreateSignedTransaction<Call<Self>>
		+ frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<H256>>
	{
		/// The token that fees are paid in.
		type Currency: fungible::BalancedHold<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// The models that can be asked.
		type Models: ModelInspect<Balance = BalanceOf<Self>>;

		/// The operators that can be drawn, and their stake.
		type Stake: StakeInspect<AccountId = Self::AccountId>
			+ StakeSlash<AccountId = Self::AccountId>;

		/// Where fees go when a result is final.
		type Rewards: RewardSink<Self::AccountId, CreditOf<Self>>;

		/// Who is paid for a model: the contributors' part of a fee goes to the account of the version.
		type Royalties: RoyaltyAccounts<AccountId = Self::AccountId>;

		/// Who is told how requests end.
		type Results: ResultSink;

		/// Randomness for the draw, and the block in which it first could be known: a request of
		/// that block or a later one is not drawn from it.
		type Randomness: Randomness<H256, BlockNumberFor<Self>>;

		/// The hot keys' crypto.
		type AuthorityId: AppCrypto<Self::Public, Self::Signature>;

		/// Seats of a committee; from 1 to [`MAX_COMMITTEE`].
		#[pallet::constant]
		type CommitteeSize: Get<u32>;

		/// Committees that a request is given before it fails; from 1 to [`ATTEMPTS_LIMIT`].
		#[pallet::constant]
		type MaxAttempts: Get<u32>;

		/// Blocks within which a committee has to be drawn; at least 1.
		#[pallet::constant]
		type DrawPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks in which a drawn committee can commit.
		#[pallet::constant]
		type CommitPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks in which a committee can reveal once it has committed.
		#[pallet::constant]
		type RevealPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks from agreement to finality.
		#[pallet::constant]
		type ChallengePeriod: Get<BlockNumberFor<Self>>;

		/// Blocks for which a request that ended is kept.
		#[pallet::constant]
		type ResultRetention: Get<BlockNumberFor<Self>>;

		/// Part of its stake that a seat loses for never committing, when a quorum did.
		#[pallet::constant]
		type NoShowPenalty: Get<Perbill>;

		/// Part of its stake that a seat loses for never revealing what it committed to.
		#[pallet::constant]
		type UnrevealedPenalty: Get<Perbill>;

		/// Part of its stake that a seat loses for another outcome than the result.
		#[pallet::constant]
		type DissentPenalty: Get<Perbill>;

		/// Part of the fee that goes to the seats, in equal parts; a seat that did not name the
		/// result leaves its part to the requester. If none did, a challenger who has won gets all.
		#[pallet::constant]
		type WorkerShare: Get<Perbill>;

		/// Part of the fee that goes to whoever contributed the model. The rest is the treasury's.
		#[pallet::constant]
		type ContributorShare: Get<Perbill>;

		/// The machine that runs are traced on.
		type Adjudicator: Adjudicator;

		/// Blocks that each side of a dispute has for a move, for each [`Config::StepsPerPeriod`] that
		/// the run takes, begun ones too; at least 1.
		#[pallet::constant]
		type MovePeriod: Get<BlockNumberFor<Self>>;

		/// Steps that whoever has the weights can record within a [`Config::MovePeriod`]; at least 1.
		#[pallet::constant]
		type StepsPerPeriod: Get<u64>;

		/// Most periods that a move can take; at least 1. Longer runs are not asked for: a dispute
		/// over one would keep everybody waiting.
		#[pallet::constant]
		type MaxMovePeriods: Get<u32>;

		/// What is held for a challenge until it wins or loses, for each period that a move can take:
		/// more than a verdict costs. It doubles with each game that left one claim, and with each
		/// eight claims.
		#[pallet::constant]
		type ChallengeBond: Get<BalanceOf<Self>>;

		/// Part of a forfeited bond that goes to whoever stood for the other side. The rest is the
		/// treasury's.
		#[pallet::constant]
		type WinnerShare: Get<Perbill>;

		/// Disputes begun by challenges at the same time, from which on no other result can be
		/// challenged; at least 1. Seats that differ are always heard, and take up no room.
		#[pallet::constant]
		type MaxOpenDisputes: Get<u32>;

		/// The most work that the runtime does to run a model itself: the multiply-accumulates, and
		/// a thousand for each layer.
		#[pallet::constant]
		type MaxAdjudicationWork: Get<u64>;

		/// The most work of a step that the runtime executes.
		#[pallet::constant]
		type MaxStepWork: Get<u64>;

		/// Part of the results that are audited by a second committee. Those of committees that have
		/// more than half of [`MAX_COMMITTEE`] seats never are.
		#[pallet::constant]
		type AuditRate: Get<Perbill>;

		/// What is held for weights in the state, however many bytes they are.
		#[pallet::constant]
		type ResidentDepositBase: Get<BalanceOf<Self>>;

		/// What is held for each byte of weights in the state.
		#[pallet::constant]
		type ResidentDepositPerByte: Get<BalanceOf<Self>>;

		/// Weights of this pallet's calls and transitions.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need of the rest of the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The fee of a request that has not ended.
		#[codec(index = 0)]
		Fee,
		/// The bond of a challenge.
		#[codec(index = 1)]
		Challenge,
		/// The deposit for weights in the state.
		#[codec(index = 2)]
		Resident,
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The next request's id.
	#[pallet::storage]
	pub type NextRequestId<T> = StorageValue<_, RequestId, ValueQuery>;

	/// Every request that is not pruned yet.
	// Ids are counted by us: nobody can choose them.
	#[pallet::storage]
	pub type Requests<T: Config> = StorageMap<_, Twox64Concat, RequestId, RequestOf<T>>;

	/// The input of a request that has not ended.
	#[pallet::storage]
	pub type Inputs<T> = StorageMap<_, Twox64Concat, RequestId, Input>;

	/// Outputs that were revealed for a request, by their outcome hash.
	// The hash is the revealer's to choose, but only one entry for each seat is taken.
	#[pallet::storage]
	pub type Outputs<T> =
		StorageDoubleMap<_, Twox64Concat, RequestId, Blake2_128Concat, H256, Output>;

	/// The block in which a quorum named the outcome.
	#[pallet::storage]
	pub type AgreedAt<T> = StorageMap<_, Twox64Concat, RequestId, BlockNumberFor<T>>;

	/// Operators that a request was given to in vain.
	#[pallet::storage]
	pub type Excluded<T> = StorageMap<_, Twox64Concat, RequestId, ExcludedOf<T>, ValueQuery>;

	/// The requests that an operator has an open seat in.
	#[pallet::storage]
	pub type Assignments<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, RequestId, ()>;

	/// Requests to look at in a block, because a deadline may have passed by then.
	#[pallet::storage]
	pub type Deadlines<T> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, RequestId, ()>;

	/// Requests that wait for a committee, by the block that they wait since.
	// One look at the randomness tells for all of them how far it reaches.
	#[pallet::storage]
	pub type Queue<T> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, RequestId, ()>;

	/// The last block whose waiting requests have all been given a committee.
	#[pallet::storage]
	pub type DrawnUpTo<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// Since when the randomness was known that a block last had no weight to draw everything from.
	// Everybody has seen it: what is left then waits for newer.
	#[pallet::storage]
	pub type SpentRandomness<T> = StorageValue<_, BlockNumberFor<T>>;

	/// The dispute over each request that is in one.
	#[pallet::storage]
	pub type Disputes<T: Config> = StorageMap<_, Twox64Concat, RequestId, DisputeOf<T>>;

	/// How many of them were begun by a challenge.
	#[pallet::storage]
	pub type RoomTaken<T> = StorageValue<_, u32, ValueQuery>;

	/// The last block in which there was no room for another challenge.
	#[pallet::storage]
	pub type FullUntil<T> = StorageValue<_, BlockNumberFor<T>>;

	/// What became of results that were looked at again, until the request is pruned.
	#[pallet::storage]
	pub type Checks<T: Config> = StorageMap<_, Twox64Concat, RequestId, Check<T::AccountId>>;

	/// Results that the runtime computes again as soon as a block has time to spare. All of them can
	/// be challenged.
	#[pallet::storage]
	pub type Idle<T> = StorageMap<_, Twox64Concat, RequestId, ()>;

	/// The versions whose weights are in the state.
	#[pallet::storage]
	pub type Residents<T: Config> = StorageMap<_, Twox64Concat, VersionId, ResidentOf<T>>;

	/// Their weights.
	// Apart, so that nobody has to read them to know that they are there.
	#[pallet::storage]
	pub type ResidentWeights<T> = StorageMap<_, Twox64Concat, VersionId, ResidentBytes>;

	/// The last block whose deadlines have all been served.
	#[pallet::storage]
	pub type ServedUpTo<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// What happens to requests.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A request was made and its fee is held.
		Requested {
			/// The request.
			request: RequestId,
			/// Who asked.
			requester: T::AccountId,
			/// The version that has to answer.
			version: VersionId,
			/// The fee held.
			fee: BalanceOf<T>,
		},
		/// A committee was drawn.
		CommitteeDrawn {
			/// The request.
			request: RequestId,
			/// Which committee of this request it is, from 1.
			attempt: u32,
			/// The operators with a seat.
			operators: Vec<T::AccountId>,
		},
		/// A seat committed.
		Committed {
			/// The request.
			request: RequestId,
			/// Who holds the seat.
			operator: T::AccountId,
		},
		/// No commitment is taken any more; those who committed can reveal.
		CommitmentsClosed {
			/// The request.
			request: RequestId,
			/// Seats that committed.
			committed: u32,
		},
		/// A seat revealed its outcome.
		Revealed {
			/// The request.
			request: RequestId,
			/// Who holds the seat.
			operator: T::AccountId,
			/// Hash of the output.
			outcome: H256,
		},
		/// A statement was not taken; the others of its extrinsic were.
		SubmissionRefused {
			/// The request.
			request: RequestId,
			/// Who said it.
			operator: T::AccountId,
			/// Why.
			error: DispatchError,
		},
		/// A quorum named the same outcome; the challenge window is open.
		Agreed {
			/// The request.
			request: RequestId,
			/// Hash of the output.
			outcome: H256,
			/// Seats that named it.
			votes: u32,
		},
		/// An attempt brought no quorum, and another committee will be drawn.
		AttemptFailed {
			/// The request.
			request: RequestId,
			/// The attempt, from 1.
			attempt: u32,
		},
		/// The outcome is the result, and everybody is paid.
		Finalized {
			/// The request.
			request: RequestId,
			/// Hash of the output.
			outcome: H256,
			/// Paid to seats, contributor and treasury.
			paid: BalanceOf<T>,
			/// Returned to the requester.
			refunded: BalanceOf<T>,
		},
		/// There is no result, and the whole fee went back.
		Failed {
			/// The request.
			request: RequestId,
			/// Why.
			reason: FailureReason,
		},
		/// There is no room for another dispute: results can be challenged for longer.
		WindowExtended {
			/// The request.
			request: RequestId,
			/// Last block of the challenge window.
			until: BlockNumberFor<T>,
		},
		/// It is in dispute what the answer is.
		Disputed {
			/// The request.
			request: RequestId,
			/// How many outcomes the committee's seats named: the first claims, from 0.
			claims: u32,
		},
		/// Somebody put up a bond for an answer.
		Challenged {
			/// The request.
			request: RequestId,
			/// The claim's number.
			claim: ClaimId,
			/// Hash of the output; `None` if there is said to be no answer.
			answer: Option<H256>,
			/// Who did.
			challenger: T::AccountId,
			/// What is held.
			bond: BalanceOf<T>,
		},
		/// It is known which trace a claim stands for.
		TraceShown {
			/// The request.
			request: RequestId,
			/// The claim's number.
			claim: ClaimId,
			/// Root of the tree over the states after each step.
			root: H256,
			/// Who stands for it.
			by: T::AccountId,
		},
		/// A side said what is below the node in dispute.
		Moved {
			/// The request.
			request: RequestId,
			/// The claim's number.
			claim: ClaimId,
		},
		/// Both sides' traces differ first in this node.
		Narrowed {
			/// The request.
			request: RequestId,
			/// Level of the node, from the root, which is 0.
			level: u32,
			/// Its place in that level.
			index: u64,
		},
		/// Both sides agree on the state before a step, and not on the one after it.
		StepFound {
			/// The request.
			request: RequestId,
			/// The step.
			step: u64,
		},
		/// The runtime has executed the step in dispute.
		StepExecuted {
			/// The request.
			request: RequestId,
			/// The step.
			step: u64,
			/// The state after it.
			after: H256,
		},
		/// The runtime has run the model.
		Adjudicated {
			/// The request.
			request: RequestId,
			/// Hash of the output; `None` if there is no answer.
			answer: Option<H256>,
		},
		/// A claim was taken back, with its bond, because another one stands for the same trace.
		ClaimWithdrawn {
			/// The request.
			request: RequestId,
			/// The claim.
			claim: ClaimId,
		},
		/// A claim is out.
		ClaimLost {
			/// The request.
			request: RequestId,
			/// The claim's number.
			claim: ClaimId,
			/// What it said.
			answer: Option<H256>,
			/// What its challenger forfeited.
			forfeited: BalanceOf<T>,
		},
		/// Only one claim is left; it may be challenged again.
		ClaimWon {
			/// The request.
			request: RequestId,
			/// The claim's number.
			claim: ClaimId,
			/// What it says.
			answer: Option<H256>,
			/// Last block of the challenge window.
			until: BlockNumberFor<T>,
		},
		/// The version's runs can't be decided any more: bonds are returned, nobody is punished.
		DisputeAbandoned {
			/// The request.
			request: RequestId,
		},
		/// A second committee is asked before the result is final.
		AuditBegun {
			/// The request.
			request: RequestId,
		},
		/// All of the second committee that revealed anything named the result.
		AuditPassed {
			/// The request.
			request: RequestId,
			/// Seats of the second committee that did.
			votes: u32,
		},
		/// The second committee has nothing to say, or nobody could be asked: the result stands.
		AuditVoid {
			/// The request.
			request: RequestId,
		},
		/// The runtime has run the model, and the result is right.
		Confirmed {
			/// The request.
			request: RequestId,
		},
		/// The weights of a version are in the state.
		MadeResident {
			/// The version.
			version: VersionId,
			/// Who put them there.
			depositor: T::AccountId,
			/// What is held for it.
			deposit: BalanceOf<T>,
		},
		/// They are not any more, and the deposit is back.
		ResidencyEnded {
			/// The version.
			version: VersionId,
		},
		/// A request that ended is not kept any longer.
		Pruned {
			/// The request.
			request: RequestId,
		},
	}

	/// Why a call is refused. Nothing changes when it is.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such model or it has no active version: see `model list`.
		UnknownModel,
		/// There is no such version, or it is not served any more.
		VersionNotServed,
		/// The fee is higher than the `max_fee` of the request.
		PriceAboveMaxFee,
		/// The input is longer than a request can carry.
		InputTooLong,
		/// The input's length is not what the architecture takes.
		WrongInputLength,
		/// The input holds a NaN or an infinity.
		InputNotFinite,
		/// The input is not a question for this architecture: it can't be decoded, names a token
		/// that the model has not, or asks for more tokens than it has positions for.
		InvalidInput,
		/// The output could be longer than a request can carry: ask for fewer tokens.
		OutputTooLong,
		/// The run takes so many steps that a dispute over it would last too long. Ask for fewer
		/// tokens.
		RunTooLong,
		/// There is no such request, or it is pruned.
		UnknownRequest,
		/// The signer is not the hot key of a bonded operator.
		NotAHotKey,
		/// The extrinsic says nothing.
		NothingSubmitted,
		/// The operator has no seat in this request.
		NotYourSeat,
		/// The statement is about another attempt than the current one.
		WrongAttempt,
		/// The request takes no commitments now.
		NotCommitting,
		/// The seat has committed already.
		AlreadyCommitted,
		/// The request takes no reveals now.
		NotRevealing,
		/// The seat has revealed already, or never committed.
		NothingToReveal,
		/// Outcome and salt are not what was committed to.
		CommitmentMismatch,
		/// The first reveal of an outcome has to carry the output.
		OutputMissing,
		/// The output is not the one that the outcome is the hash of.
		OutputMismatch,
		/// The output's length is not what the architecture gives.
		WrongOutputLength,
		/// The request's deadline has not passed: it can't be moved on by time alone.
		NotDue,
		/// The request has no answer that could be challenged: wait until it is agreed on.
		NotChallengeable,
		/// The runtime can't decide runs of this version.
		NotDecidable,
		/// There are as many disputes as there can be: try again, nothing is final meanwhile.
		TooManyDisputes,
		/// As many claims stand as can at the same time: try again when one is out.
		TooManyClaims,
		/// The answer is claimed already: move for that claim, or wait until its trace is shown.
		AlreadyClaimed,
		/// The request is not in dispute.
		NotDisputed,
		/// The time for it is over.
		TooLate,
		/// No such claim stands.
		NoSuchClaim,
		/// Only its challenger, or an operator that revealed the answer, shows a claim's trace.
		NotYourClaim,
		/// The claim is not one of the two that play, or another kind of move is asked for.
		NotYourMove,
		/// The move has been made, perhaps by somebody else.
		AlreadyMoved,
		/// The state does not lead to the root: the path has to be as long as the tree is deep.
		WrongTrace,
		/// What the trace ends in is not what the claim says.
		WrongEnding,
		/// Another claim stands for this trace.
		SameTrace,
		/// The nodes do not fold to the one in dispute, or they are not as many as they have to be.
		WrongChildren,
		/// No step is in dispute yet, or any more.
		NotSettling,
		/// The step takes more work than the runtime does at once.
		StepTooLarge,
		/// The state before the step is not the one that both sides agree on; there is none before
		/// the first step.
		WrongStateBefore,
		/// The witness does not show what the step works on.
		WrongWitness,
		/// The run is too large for the runtime to do it at once: play.
		TooLargeToRun,
		/// The bytes are not the version's weights.
		WrongWeights,
		/// The result may be audited, which is left to the block: wait for it.
		LeftToTheBlock,
		/// The version's weights are in the state already.
		AlreadyResident,
		/// The weights are too long to be kept in the state.
		TooLargeToReside,
		/// The version's weights are not in the state.
		NotResident,
		/// As long as the version may answer, only whoever put its weights there takes them away.
		NotYourResident,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		// After the inherents, so that the draw sees this block's randomness.
		fn on_poll(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::serve(now, meter);
		}

		fn on_idle(now: BlockNumberFor<T>, left: Weight) -> Weight {
			Self::reexecute(now, left)
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::work(now);
		}

		fn integrity_test() {
			let seats = T::CommitteeSize::get();
			assert!((1..=MAX_COMMITTEE).contains(&seats), "a committee has 1 to 32 seats");
			assert!(
				(1..=ATTEMPTS_LIMIT).contains(&T::MaxAttempts::get()),
				"a request is given 1 to 4 committees"
			);
			assert!(!T::DrawPeriod::get().is_zero(), "a committee is drawn in a later block");
			assert!(!T::MovePeriod::get().is_zero(), "there is time for a move");
			assert!(T::StepsPerPeriod::get() > 0, "some steps are recorded in it");
			assert!(T::MaxOpenDisputes::get() > 0, "there is room for a dispute");
			let shares = T::WorkerShare::get().deconstruct() as u64
				+ T::ContributorShare::get().deconstruct() as u64;
			assert!(shares <= 1_000_000_000, "no more than the fee can be shared");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Ask a model, and hold the fee until the request ends.
		///
		/// ## Dispatch Origin
		/// Signed by whoever pays.
		///
		/// ## Details
		/// Without `version` the model's active version answers. Either way the request is pinned
		/// to that version. The fee is the version's price of a request and of the units of work that
		/// the longest answer to this input takes. The committee is drawn as soon as there is
		/// randomness that nobody could know in this block.
		///
		/// ## Errors
		/// - [`Error::UnknownModel`], [`Error::VersionNotServed`]
		/// - [`Error::PriceAboveMaxFee`]
		/// - [`Error::InputTooLong`], [`Error::WrongInputLength`], [`Error::InputNotFinite`],
		///   [`Error::InvalidInput`], [`Error::OutputTooLong`], [`Error::RunTooLong`]
		///
		/// ## Events
		/// [`Event::Requested`]
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::request(input.len() as u32))]
		pub fn request(
			origin: OriginFor<T>,
			model: ModelId,
			version: Option<u32>,
			input: Vec<u8>,
			#[pallet::compact] max_fee: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_request(who, model, version, input, max_fee)
		}

		/// Say everything that a worker has to say in this block.
		///
		/// ## Dispatch Origin
		/// Signed by the hot key of a bonded operator.
		///
		/// ## Details
		/// Each statement is taken or refused by itself. Feeless if every one would be taken. Only
		/// the weight of what happened is used in the end.
		///
		/// ## Errors
		/// - [`Error::NotAHotKey`], [`Error::NothingSubmitted`]
		/// - if no statement was taken, the first one's error
		///
		/// ## Events
		/// [`Event::Committed`], [`Event::Revealed`], [`Event::SubmissionRefused`], and whatever
		/// follows from the last seat's statement.
		#[pallet::call_index(1)]
		#[pallet::weight(Pallet::<T>::weight_of(submissions))]
		#[pallet::feeless_if(|origin: &OriginFor<T>, submissions: &Submissions| -> bool {
			Pallet::<T>::is_feeless(origin, submissions)
		})]
		pub fn submit(
			origin: OriginFor<T>,
			submissions: Submissions,
		) -> DispatchResultWithPostInfo {
			let hot_key = ensure_signed(origin)?;
			Self::do_submit(hot_key, submissions)
		}

		/// Move on a request whose deadline has passed.
		///
		/// ## Dispatch Origin
		/// Signed by anyone.
		///
		/// ## Details
		/// The block hook does this by itself; the call is for a chain too busy to. It never draws
		/// a committee: within a block, whoever signs it knows what would be drawn, and which results
		/// would be audited. A request whose time in the queue is over fails.
		///
		/// ## Errors
		/// - [`Error::UnknownRequest`], [`Error::NotDue`], [`Error::LeftToTheBlock`]
		///
		/// ## Events
		/// Those of the transition.
		#[pallet::call_index(2)]
		#[pallet::weight(Pallet::<T>::weight_of_any_transition())]
		pub fn advance(origin: OriginFor<T>, request: RequestId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let now = frame_system::Pallet::<T>::block_number();
			let weight = Self::weight_of_transition(request, now);
			if Self::is_left_to_chance(request, now) {
				return Err(Error::<T>::LeftToTheBlock.with_weight(weight));
			}
			match Self::do_advance(request, now) {
				Ok(()) => Ok(Some(weight).into()),
				Err(error) => Err(error.with_weight(weight)),
			}
		}

		/// Say that the answer of a request is another, and put up a bond for it.
		///
		/// ## Dispatch Origin
		/// Signed by anyone, the requester too.
		///
		/// ## Details
		/// While a result can be challenged, and as long as it is in dispute. Without `output` the
		/// claim is that the run ends in a fault, and there is no answer. The bond is held, and
		/// comes back if the claim is right. [`Event::Challenged`] has the claim's number. Its trace
		/// has to be shown by [`Call::play`], unless somebody has the runtime run the model.
		///
		/// ## Errors
		/// - [`Error::UnknownRequest`], [`Error::NotChallengeable`], [`Error::TooLate`]
		/// - [`Error::NotDecidable`], [`Error::WrongOutputLength`]
		/// - [`Error::AlreadyClaimed`], [`Error::TooManyClaims`], [`Error::TooManyDisputes`]
		///
		/// ## Events
		/// [`Event::Disputed`] if it is the first claim against the result, [`Event::Challenged`]
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::challenge(
			output.as_ref().map_or(0, |output| output.len() as u32)
		))]
		pub fn challenge(
			origin: OriginFor<T>,
			request: RequestId,
			output: Option<Output>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_challenge(who, request, output)
		}

		/// Make a move for a claim of a dispute.
		///
		/// ## Dispatch Origin
		/// Signed: a claim's trace is shown by its challenger, or by an operator, or its hot key,
		/// that revealed the answer; any other move is made by anyone.
		///
		/// ## Details
		/// Both sides move in the same round, in any order. A wrong move is refused, and costs
		/// nothing but the call. An operator shows its own trace under the next claim's number if
		/// another one has shown a wrong one for its answer: its seat stands for a claim of its own
		/// then. A challenger whose trace somebody else has shown takes its claim back, with the bond.
		/// Feeless for the hot key of an operator that revealed the answer, if
		/// the move would be taken.
		///
		/// ## Errors
		/// - [`Error::UnknownRequest`], [`Error::NotDisputed`], [`Error::TooLate`]
		/// - [`Error::NoSuchClaim`], [`Error::NotYourClaim`], [`Error::NotYourMove`],
		///   [`Error::AlreadyMoved`]
		/// - [`Error::WrongTrace`], [`Error::WrongEnding`], [`Error::SameTrace`],
		///   [`Error::WrongChildren`], [`Error::NotDecidable`]
		///
		/// ## Events
		/// [`Event::TraceShown`] or [`Event::Moved`]; after the second side's move
		/// [`Event::Narrowed`], [`Event::StepFound`] or [`Event::ClaimLost`].
		#[pallet::call_index(4)]
		#[pallet::weight(Pallet::<T>::weight_of_any_move(step))]
		#[pallet::feeless_if(
			|origin: &OriginFor<T>, request: &RequestId, claim: &ClaimId, step: &MoveOf<T>| -> bool {
				Pallet::<T>::is_move_free(origin, *request, *claim, step)
			}
		)]
		pub fn play(
			origin: OriginFor<T>,
			request: RequestId,
			claim: ClaimId,
			step: MoveOf<T>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::do_play(who, request, claim, step)
		}

		/// Have the runtime execute the step that two sides of a dispute differ in.
		///
		/// ## Dispatch Origin
		/// Signed by anyone.
		///
		/// ## Details
		/// `before` is the state before the step and its way to the root of one of the traces; `None`
		/// for the first step. The side whose state is the one computed goes on; if neither's is, both
		/// are out. Feeless for the hot key of an operator that revealed what one of the sides says,
		/// if it decides.
		///
		/// ## Errors
		/// - [`Error::UnknownRequest`], [`Error::NotDisputed`], [`Error::TooLate`],
		///   [`Error::NotSettling`]
		/// - [`Error::WrongStateBefore`], [`Error::WrongWitness`]
		/// - [`Error::NotDecidable`], [`Error::StepTooLarge`]
		///
		/// ## Events
		/// [`Event::StepExecuted`], [`Event::ClaimLost`] and whatever follows.
		#[pallet::call_index(5)]
		#[pallet::weight(Pallet::<T>::weight_of_any_settling(witness))]
		#[pallet::feeless_if(
			|
				origin: &OriginFor<T>,
				request: &RequestId,
				before: &Before,
				witness: &WitnessOf<T>,
			| -> bool { Pallet::<T>::is_settling_free(origin, *request, before, witness) }
		)]
		pub fn settle(
			origin: OriginFor<T>,
			request: RequestId,
			before: Before,
			witness: WitnessOf<T>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_settle(request, before, witness)
		}

		/// Have the runtime run the model itself, and end a dispute at once.
		///
		/// ## Dispatch Origin
		/// Signed by anyone.
		///
		/// ## Details
		/// For perceptrons and convolutional networks whose run is no more than
		/// [`Config::MaxAdjudicationWork`], with weights of up to 1,023 KiB: the whole safetensors file.
		/// The answer is final, whether somebody claimed it or not.
		///
		/// ## Errors
		/// - [`Error::UnknownRequest`], [`Error::NotDisputed`]
		/// - [`Error::NotDecidable`], [`Error::TooLargeToRun`], [`Error::WrongWeights`]
		///
		/// ## Events
		/// [`Event::Adjudicated`], [`Event::ClaimLost`], and [`Event::Finalized`] or
		/// [`Event::Failed`].
		#[pallet::call_index(6)]
		#[pallet::weight(Pallet::<T>::weight_of_any_adjudication(weights.len() as u32))]
		pub fn adjudicate(
			origin: OriginFor<T>,
			request: RequestId,
			weights: Vec<u8>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::do_adjudicate(who, request, weights)
		}

		/// Put the weights of a small version into the state, and hold a deposit for them and for each byte.
		///
		/// ## Dispatch Origin
		/// Signed by anyone.
		///
		/// ## Details
		/// For versions whose runs [`Call::adjudicate`] can do, with weights of up to 256 KiB: the
		/// whole safetensors file. From then on results of this version are computed again by the
		/// first block with time to spare, while they can be challenged: a wrong one ends as if
		/// somebody had challenged it and called [`Call::adjudicate`].
		///
		/// ## Errors
		/// - [`Error::AlreadyResident`], [`Error::VersionNotServed`], [`Error::NotDecidable`]
		/// - [`Error::TooLargeToRun`], [`Error::TooLargeToReside`], [`Error::WrongWeights`]
		///
		/// ## Events
		/// [`Event::MadeResident`]
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::reside(weights.len() as u32))]
		pub fn reside(
			origin: OriginFor<T>,
			version: VersionId,
			weights: Vec<u8>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_reside(who, version, weights)
		}

		/// Take the weights of a version out of the state, and return the deposit to whoever put them
		/// there.
		///
		/// ## Dispatch Origin
		/// Signed by whoever put them there; by anyone while the version may not answer, since it is
		/// suspended, revoked or pruned, or for another engine.
		///
		/// ## Errors
		/// - [`Error::NotResident`], [`Error::NotYourResident`]
		///
		/// ## Events
		/// [`Event::ResidencyEnded`]
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::unreside())]
		pub fn unreside(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unreside(who, version)
		}
	}

	impl<T: Config> Pallet<T> {
		/// The hash of the chain's first block, which commitments are bound to.
		pub fn genesis_hash() -> H256 {
			frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(0u32)).into()
		}

		/// The seed of one draw.
		pub(crate) fn seed(random: H256, request: RequestId, attempt: u32) -> H256 {
			let seed = (random, request, attempt).using_encoded(T::Hashing::hash);
			seed.into()
		}
	}
}
