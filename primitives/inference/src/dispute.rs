//! Disputes: what is claimed, how far the game is, and what decides it.

use crate::{Input, Output, RequestId, MAX_OUTPUT_LEN};
use alloc::vec::Vec;
use codec::{Codec, Decode, DecodeWithMemTracking, Encode, EncodeLike, MaxEncodedLen};
use core::fmt::Debug;
use dodona_engine::trace;
use dodona_primitives_models::Architecture;
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};

/// Most claims that stand in a dispute at the same time.
pub const MAX_CLAIMS: u32 = 8;
/// Levels of a trace's tree that one move goes down.
pub const MOVE_LEVELS: u32 = 6;
/// Most nodes in one move: those [`MOVE_LEVELS`] below the one in dispute.
pub const MAX_CHILDREN: u32 = 1 << MOVE_LEVELS;
/// Most levels of a trace's tree.
pub const MAX_DEPTH: u32 = 63;
/// Most bytes of weights that come in one extrinsic for the runtime to run the model itself: with what
/// is around them a little less than a mebibyte.
pub const MAX_WEIGHTS_LEN: u32 = 1024 * 1024 - 1024;
/// Most bytes of weights in the state for one version.
pub const MAX_RESIDENT_LEN: u32 = 256 * 1024;

/// Numbers the claims of a dispute, from 0.
pub type ClaimId = u32;

/// The nodes of a trace's tree below the one in dispute, from the left.
pub type Children = BoundedVec<H256, ConstU32<MAX_CHILDREN>>;

/// The hashes on the way from a leaf of a trace's tree to its root, from below.
pub type Path = BoundedVec<H256, ConstU32<MAX_DEPTH>>;

/// What somebody says the run ends in.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Claim<AccountId, Balance> {
	/// Its number.
	pub id: ClaimId,
	/// Hash of the output; `None` if the run ends in a fault, and there is no answer.
	pub answer: Option<H256>,
	/// Who put up a bond for it; without one, the seats that revealed the answer stand for it with
	/// their stake.
	pub challenger: Option<Challenger<AccountId, Balance>>,
	/// The trace that leads to the answer, once it is known.
	pub opening: Option<Opening<AccountId>>,
}

/// Who put up a bond for a claim.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Challenger<AccountId, Balance> {
	/// The account.
	pub who: AccountId,
	/// Held from it until the claim wins or loses.
	pub bond: Balance,
}

/// A trace that somebody stands for.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Opening<AccountId> {
	/// Root of the tree over the states after each step.
	pub root: H256,
	/// Who showed it: the challenger, or the operator in one of the claim's seats.
	pub by: AccountId,
	/// Claims from this number on were made when it could be seen.
	pub before: ClaimId,
}

/// How many steps a run takes.
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
pub struct Schedule {
	/// Steps; at least 1.
	pub steps: u64,
	/// Levels of the trace's tree below its root; the leaves beyond the last step are zero.
	pub depth: u32,
}

impl Schedule {
	/// For how many periods a move can be made, if in each of them `per_period` steps are recorded.
	pub fn periods(&self, per_period: u64) -> u64 {
		self.steps.div_ceil(per_period.max(1)).max(1)
	}
}

/// How far the first two claims of a dispute are with each other.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Contest {
	/// Both have to show a trace that ends in what they say.
	#[codec(index = 0)]
	Opening,
	/// They look for the first state that they differ in.
	#[codec(index = 1)]
	Descending {
		/// Level of the node that they differ in, from the root, which is 0.
		level: u32,
		/// Its place in that level.
		index: u64,
		/// What either says it is.
		nodes: [H256; 2],
		/// What either says is below it.
		moves: [Option<Children>; 2],
	},
	/// They agree on the state before a step, and differ in the one after it.
	#[codec(index = 2)]
	Settling {
		/// The step.
		step: u64,
		/// What either says the state after it is.
		leaves: [H256; 2],
	},
	/// Only one claim is left. It may be challenged again.
	#[codec(index = 3)]
	Won,
}

/// A dispute over a request.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
	feature = "std",
	serde(bound(
		serialize = "AccountId: serde::Serialize, Balance: serde::Serialize",
		deserialize = "AccountId: serde::Deserialize<'de>, Balance: serde::Deserialize<'de>"
	))
)]
pub struct Dispute<AccountId, Balance> {
	/// The claims that stand. The first two play, the others wait for the winner.
	pub claims: BoundedVec<Claim<AccountId, Balance>, ConstU32<MAX_CLAIMS>>,
	/// The next claim's number.
	pub next_claim: ClaimId,
	/// How often only one claim was left. Each time doubles the bond of the next challenge, and so do
	/// each [`MAX_CLAIMS`] claims.
	pub rounds: u32,
	/// How many steps the run takes.
	pub schedule: Schedule,
	/// Whether a challenge began it, and it takes up room for others.
	pub takes_room: bool,
	/// Operators that showed a trace which lost.
	pub refuted: BoundedVec<AccountId, ConstU32<{ crate::MAX_COMMITTEE }>>,
	/// How many those were when no claim was left, and the other seats stood again for theirs.
	pub revived: u32,
	/// How far the first two claims are with each other.
	pub contest: Contest,
}

impl<AccountId, Balance> Dispute<AccountId, Balance> {
	/// The two claims that play.
	pub fn sides(&self) -> Option<[&Claim<AccountId, Balance>; 2]> {
		match (&self.contest, self.claims.as_slice()) {
			(Contest::Won, _) => None,
			(_, [one, other, ..]) => Some([one, other]),
			_ => None,
		}
	}

	/// Which of the two that play the claim is.
	pub fn side(&self, claim: ClaimId) -> Option<usize> {
		self.sides()?.iter().position(|side| side.id == claim)
	}

	/// The claim with this number.
	pub fn claim(&self, id: ClaimId) -> Option<&Claim<AccountId, Balance>> {
		self.claims.iter().find(|claim| claim.id == id)
	}
}

/// What is said for a side.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Move<EndWitness> {
	/// The trace, and that it ends in what the side says.
	#[codec(index = 0)]
	Open {
		/// Root of the tree over the states after each step.
		root: H256,
		/// The state after the last step.
		end: H256,
		/// From there to the root.
		path: Path,
		/// Shows what is in that state.
		witness: EndWitness,
	},
	/// The nodes below the one in dispute.
	#[codec(index = 1)]
	Descend(Children),
}

/// A dispute as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
	feature = "std",
	serde(bound(
		serialize = "AccountId: serde::Serialize, Balance: serde::Serialize, BlockNumber: serde::Serialize",
		deserialize = "AccountId: serde::Deserialize<'de>, Balance: serde::Deserialize<'de>, BlockNumber: serde::Deserialize<'de>"
	))
)]
pub struct DisputeInfo<AccountId, Balance, BlockNumber> {
	/// The request that it is over.
	pub request: RequestId,
	/// The dispute.
	pub dispute: Dispute<AccountId, Balance>,
	/// Last block for the next move, or for another challenge.
	pub until: BlockNumber,
	/// What is held for a challenge now.
	pub bond: Balance,
	/// The request's input.
	pub input: Input,
}

/// A run in dispute: everything that decides its trace.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
	/// What is computed.
	pub architecture: &'a Architecture,
	/// From what.
	pub input: &'a [u8],
	/// Root over the pages of the weights.
	pub pages: H256,
	/// Bytes of the weights.
	pub size: u64,
}

/// What a run ends in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
	/// An answer.
	Output(Vec<u8>),
	/// None.
	Fault,
}

impl Ending {
	/// As it is claimed: the hash of the output, or `None`.
	pub fn answer(&self) -> Option<H256> {
		match self {
			Self::Output(output) => Some(crate::outcome_hash(output)),
			Self::Fault => None,
		}
	}

	/// The output, if there is one that a request can carry.
	pub fn output(self) -> Option<Output> {
		match self {
			Self::Output(output) if output.len() <= MAX_OUTPUT_LEN as usize => {
				Some(Output::truncate_from(output))
			},
			_ => None,
		}
	}
}

/// What can be an argument of a call.
pub trait Evidence:
	Codec
	+ EncodeLike
	+ DecodeWithMemTracking
	+ Clone
	+ PartialEq
	+ Eq
	+ Debug
	+ TypeInfo
	+ Send
	+ Sync
	+ 'static
{
}

impl<E> Evidence for E where
	E: Codec
		+ EncodeLike
		+ DecodeWithMemTracking
		+ Clone
		+ PartialEq
		+ Eq
		+ Debug
		+ TypeInfo
		+ Send
		+ Sync
		+ 'static
{
}

/// Why evidence shows nothing. Whoever gave it may try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unproven;

/// The machine that runs are traced on: it knows the steps of a run, and executes one of them.
pub trait Adjudicator {
	/// Opens the part of memory and weights that a step works on; workers have the engine's.
	type Witness: Evidence + From<trace::Witness>;
	/// Opens what a run ended in; workers have the engine's.
	type EndWitness: Evidence + From<trace::EndWitness>;

	/// Whether runs of this architecture can be decided step by step.
	fn decides(architecture: &Architecture) -> bool;

	/// How many steps the run takes; `None` if the input has no run.
	fn schedule(run: &Run) -> Option<Schedule>;

	/// The most that a step of the run takes, known before it runs; 0 beyond the last one.
	fn work(run: &Run, step: u64) -> u64;

	/// The state after `step`, by executing it; `before` is `None` for the first one.
	fn execute(
		run: &Run,
		step: u64,
		before: Option<H256>,
		witness: &Self::Witness,
	) -> Result<H256, Unproven>;

	/// What a run ended in, given the state after the last step.
	fn ending(run: &Run, end: H256, witness: &Self::EndWitness) -> Result<Ending, Unproven>;

	/// A node of a trace's tree from those below it, a power of two of them.
	fn fold(children: &[H256]) -> H256;

	/// The root of a trace's tree whose leaf at `index` is `leaf`, by the hashes on the way.
	fn root(leaf: H256, index: u64, path: &[H256]) -> H256;
}

/// What each layer counts, whatever its size.
const LAYER_WORK: u64 = 1_000;

/// What computing the answer to `input` in the runtime counts as, in multiply-accumulates; `None`
/// for architectures that it doesn't run in one piece.
pub fn work_here(architecture: &Architecture, input: &[u8]) -> Option<u64> {
	let layers = match architecture {
		Architecture::Mlp(config) => config.widths.len() as u64,
		Architecture::Cnn(config) => config.layers.len() as u64,
		Architecture::Llama(_) | Architecture::Bert(_) => return None,
	};
	Some(architecture.work(input).saturating_add(layers.saturating_mul(LAYER_WORK)))
}

/// Work in thousands, begun ones too: what weights are measured in.
pub fn thousands(work: u64) -> u32 {
	u32::try_from(work.div_ceil(1_000)).unwrap_or(u32::MAX)
}
