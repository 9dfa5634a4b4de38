//! Which step of a run computes what, and one step's execution.

use super::{
	bert::Bert,
	cnn::Cnn,
	layout::{self, span, Layout},
	llama::Llama,
	machine::{status, Machine, Pages, Stop},
	mlp::Mlp,
	table,
	tree::{self, pages_depth, Hash, Hasher, PAGE},
	witness::{End, EndWitness, Supplied, TraceFault, Witness, MAX_PAGES},
};
use crate::{Architecture, EngineError};
use alloc::{sync::Arc, vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// What a step computes. Which of its outputs, the tile says.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Operation {
	/// Reads the file's header: where each tensor is.
	#[codec(index = 0)]
	Table,
	/// A token's vector.
	#[codec(index = 1)]
	Embedding,
	/// A norm.
	#[codec(index = 2)]
	Norm,
	/// A layer's product, with what comes right after it.
	#[codec(index = 3)]
	Product,
	/// Queries, keys and values.
	#[codec(index = 4)]
	Queries,
	/// Turns queries and keys by their position, and keeps keys and values.
	#[codec(index = 5)]
	Rotation,
	/// Queries times keys, and the greatest.
	#[codec(index = 6)]
	Scores,
	/// Exponentials of the scores, and their sum.
	#[codec(index = 7)]
	Exponentials,
	/// Values, each times its share.
	#[codec(index = 8)]
	Mixture,
	/// Attention's last product, added to what went in.
	#[codec(index = 9)]
	Attended,
	/// The first products of a feed-forward block.
	#[codec(index = 10)]
	Inner,
	/// An activation.
	#[codec(index = 11)]
	Activation,
	/// The last product of a feed-forward block, added to what went in.
	#[codec(index = 12)]
	Outer,
	/// How much each token fits.
	#[codec(index = 13)]
	Logits,
	/// The next token.
	#[codec(index = 14)]
	Choice,
	/// An image's values in another order.
	#[codec(index = 15)]
	Order,
	/// Windows of an image, each as a row.
	#[codec(index = 16)]
	Patches,
	/// The greatest or the mean of windows, or of all tokens.
	#[codec(index = 17)]
	Pool,
}

impl Operation {
	/// All of them.
	pub const ALL: [Self; 18] = [
		Self::Table,
		Self::Embedding,
		Self::Norm,
		Self::Product,
		Self::Queries,
		Self::Rotation,
		Self::Scores,
		Self::Exponentials,
		Self::Mixture,
		Self::Attended,
		Self::Inner,
		Self::Activation,
		Self::Outer,
		Self::Logits,
		Self::Choice,
		Self::Order,
		Self::Patches,
		Self::Pool,
	];
}

impl fmt::Display for Operation {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Table => "table",
			Self::Embedding => "embedding",
			Self::Norm => "norm",
			Self::Product => "product",
			Self::Queries => "queries",
			Self::Rotation => "rotation",
			Self::Scores => "scores",
			Self::Exponentials => "exponentials",
			Self::Mixture => "mixture",
			Self::Attended => "attended",
			Self::Inner => "inner",
			Self::Activation => "activation",
			Self::Outer => "outer",
			Self::Logits => "logits",
			Self::Choice => "choice",
			Self::Order => "order",
			Self::Patches => "patches",
			Self::Pool => "pool",
		})
	}
}

/// Where a step is in a run.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Step {
	/// Position of the token; 0 where there are none.
	pub token: u32,
	/// The layer; what comes after the last counts as one.
	pub layer: u32,
	/// What is computed.
	pub operation: Operation,
	/// Which part of it.
	pub tile: u32,
}

impl fmt::Display for Step {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { token, layer, operation, tile } = self;
		write!(f, "token {token}, layer {layer}, {operation}, tile {tile}")
	}
}

/// What a transcendental function costs, in multiply-accumulates.
pub(super) const FUNCTION: u64 = 32;

/// What the execution of a step takes at most.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
	/// Pages that are opened, of memory and of weights. Each is hashed, twice if it is written, and so
	/// are the nodes above it.
	pub pages: u32,
	/// Multiply-accumulates; what is dearer counts as several.
	pub work: u64,
}

impl Cost {
	/// Both, one after the other.
	pub(super) fn plus(self, other: Self) -> Self {
		Self {
			pages: self.pages.saturating_add(other.pages),
			work: self.work.saturating_add(other.work),
		}
	}

	/// With so many pages more.
	pub(super) fn pages(self, pages: u32) -> Self {
		self.plus(Self { pages, work: 0 })
	}

	/// The greater of each.
	pub(super) fn most(self, other: Self) -> Self {
		Self { pages: self.pages.max(other.pages), work: self.work.max(other.work) }
	}
}

/// The steps of an architecture, without the first, which reads the header.
///
/// What a step does depends on its number and on memory alone. It ends the run with [`Stop::Fault`]
/// where `Model::run` says that a result is not finite; a memory that no run has may lead there,
/// too, but not to an error, to a panic, or to more work than [`cost`](Self::cost) says.
pub(super) trait Schedule: Send + Sync {
	/// How many there are; none where the answer is the input. No loop over steps or tokens.
	fn steps(&self) -> u64;
	/// Step number `number`, below [`steps`](Self::steps).
	fn step(&self, number: u64) -> Step;
	/// A step of each kind, such that none costs more than the one of its kind.
	fn kinds(&self) -> Vec<Step>;
	/// What a step costs at most, without the page that says how the run stands.
	fn cost(&self, step: &Step) -> Cost;
	/// Computes a step of a run that has not ended.
	fn run(&self, step: &Step, machine: &mut Machine<'_>) -> Result<(), Stop>;
	/// Where the input is, before the first step.
	fn input(&self) -> u64;
	/// Where the answer is in the end, and how long it is, unless a step ended the run before.
	fn output(&self) -> (u64, u64);
}

/// Steps of one kind that follow each other: operation, its first tile, and how many there are.
pub(super) type Stage = (Operation, u64, u64);

/// How many steps there are.
pub(super) fn total(stages: &[Stage]) -> u64 {
	stages.iter().map(|(_, _, count)| *count).fold(0, u64::saturating_add)
}

/// The operation and the tile of step number `left` of `stages`.
pub(super) fn find(stages: &[Stage], mut left: u64) -> (Operation, u64) {
	for (operation, first, count) in stages {
		if left < *count {
			return (*operation, first.saturating_add(left));
		}
		left = left.saturating_sub(*count);
	}
	// Unreachable: there are as many steps as the stages have.
	(Operation::Choice, left)
}

/// The schedule of one run: what is computed in which step, known from architecture and input alone.
#[derive(Clone)]
pub struct Program {
	architecture: Architecture,
	schedule: Arc<dyn Schedule>,
	/// What is in memory at the beginning.
	input: Vec<u8>,
	/// Tensors in the table.
	tensors: u32,
	/// Where the table is.
	table: u64,
	/// Where memory ends.
	end: u64,
}

impl fmt::Debug for Program {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Program")
			.field("architecture", &self.architecture)
			.field("steps", &self.steps())
			.finish_non_exhaustive()
	}
}

impl Program {
	/// The run of a model of `architecture` on `input`. Refuses what [`Model`](crate::Model) refuses.
	pub fn new(architecture: &Architecture, input: &[u8]) -> Result<Self, EngineError> {
		architecture.validate()?;
		architecture.check_input(input)?;
		let tensors = table::count(architecture);
		let mut layout = Layout::new();
		let table = layout.region(table::len(tensors));
		let (schedule, input): (Arc<dyn Schedule>, Vec<u8>) = match architecture {
			Architecture::Mlp(config) => (Arc::new(Mlp::new(config, &mut layout)), input.to_vec()),
			Architecture::Llama(config) => {
				let prompt = config.decode_input(input)?;
				let tokens = prompt.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
				(Arc::new(Llama::new(config, &prompt, &mut layout)), tokens)
			},
			Architecture::Cnn(config) => (Arc::new(Cnn::new(config, &mut layout)), input.to_vec()),
			Architecture::Bert(config) => {
				let tokens = config.tokens(input)?;
				let bytes = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
				(Arc::new(Bert::new(config, tokens.len() as u64, &mut layout)), bytes)
			},
		};
		let architecture = architecture.clone();
		Ok(Self { architecture, schedule, input, tensors, table, end: layout.end() })
	}

	/// Number of steps, at least 1.
	pub fn steps(&self) -> u64 {
		self.schedule.steps().saturating_add(1)
	}

	/// Levels of the trace's tree. Its leaves are the states after the steps; those that are missing
	/// to a power of two are zero.
	pub fn depth(&self) -> u32 {
		tree::depth(self.steps())
	}

	/// Levels of the tree over memory.
	pub fn memory_depth(&self) -> u32 {
		layout::depth(self.end)
	}

	/// The state before the first step: the input is in memory, and nothing else.
	pub fn start<H: Hasher>(&self) -> Hash {
		let first = self.schedule.input() / PAGE as u64;
		let mut level = tree::page_hashes::<H>(&self.input);
		let mut index = first;
		// The pages of the input ascend; a level's first may be a right child.
		for _ in 0..self.memory_depth() {
			if index & 1 == 1 {
				level.insert(0, tree::ZERO);
			}
			level = tree::above::<H>(&level);
			index >>= 1;
		}
		level.first().copied().unwrap_or(tree::ZERO)
	}

	/// What a step computes; none if there is no such step.
	pub fn describe(&self, step: u64) -> Option<Step> {
		match step.checked_sub(1) {
			None => Some(Step { token: 0, layer: 0, operation: Operation::Table, tile: 0 }),
			Some(number) => (number < self.schedule.steps()).then(|| self.schedule.step(number)),
		}
	}

	/// What the execution of a step takes at most; none if there is no such step.
	pub fn cost(&self, step: u64) -> Option<Cost> {
		self.describe(step).map(|step| self.cost_of(&step))
	}

	/// What the execution of any step takes at most.
	pub fn max_cost(&self) -> Cost {
		let first = self.describe(0);
		let kinds = self.schedule.kinds().into_iter().chain(first);
		kinds.map(|step| self.cost_of(&step)).fold(Cost::default(), Cost::most)
	}

	pub(super) fn cost_of(&self, step: &Step) -> Cost {
		// The page that says how the run stands.
		let cost = match step.operation {
			Operation::Table => table::cost(&self.architecture, self.tensors),
			_ => self.schedule.cost(step),
		};
		cost.plus(Cost { pages: 1, work: PAGE as u64 })
	}

	/// The state after `step`, if the one before it is `before`, by executing it on the pages of
	/// `witness`. `weights` is the [root](super::pages_root) of an artifact of `weights_len` bytes.
	///
	/// For a given state before there is one state after, whatever the witness; a witness that does not
	/// show it is an error. No more is computed than [`cost`](Self::cost) says.
	pub fn execute<H: Hasher>(
		&self,
		step: u64,
		before: &Hash,
		weights: &Hash,
		weights_len: u64,
		witness: &Witness,
	) -> Result<Hash, TraceFault> {
		let most = self.cost(step).ok_or(TraceFault::NoSuchStep)?.pages;
		let got = witness.memory.len().saturating_add(witness.weights.len());
		let got = layout::narrow(got as u64);
		if got > most {
			return Err(TraceFault::TooManyPages { got, most });
		}
		let mut pages = Supplied::new(&witness.memory, &witness.weights);
		self.run(step, &mut pages, weights_len)?;
		let memory = (self.memory_depth(), &witness.memory_hashes[..]);
		let artifact = (pages_depth(weights_len), &witness.weights_hashes[..]);
		let (got, after, got_weights) = pages.close::<H>(memory, artifact)?;
		if got != *before {
			return Err(TraceFault::OtherState);
		}
		if got_weights.is_some_and(|got| got != *weights) {
			return Err(TraceFault::OtherWeights);
		}
		Ok(after)
	}

	/// What a run ended with whose last state is `end`, shown by the pages of `witness`.
	pub fn open_end<H: Hasher>(&self, end: &Hash, witness: &EndWitness) -> Result<End, TraceFault> {
		let mut pages = Supplied::new(&witness.memory, &[]);
		let outcome = self.read_end(&mut pages)?;
		let memory = (self.memory_depth(), &witness.memory_hashes[..]);
		let (got, ..) = pages.close::<H>(memory, (0, &[]))?;
		if got != *end {
			return Err(TraceFault::OtherState);
		}
		Ok(outcome)
	}

	/// Computes a step on `pages`.
	pub(super) fn run(
		&self,
		step: u64,
		pages: &mut dyn Pages,
		weights_len: u64,
	) -> Result<(), TraceFault> {
		let mut machine = Machine::new(pages, self.end, weights_len, self.table);
		let done = self.run_on(step, &mut machine).or_else(|stop| match stop {
			Stop::Fault => machine.fail(),
			stop => Err(stop),
		});
		done.map_err(|stop| match stop {
			Stop::Witness(fault) => fault,
			// Unreachable: the first page is there.
			Stop::Fault => TraceFault::NoSuchStep,
		})
	}

	fn run_on(&self, step: u64, machine: &mut Machine<'_>) -> Result<(), Stop> {
		if machine.halted()? {
			return Ok(());
		}
		match step.checked_sub(1) {
			None => table::run(machine, &self.architecture, self.table)?,
			Some(number) => self.schedule.run(&self.schedule.step(number), machine)?,
		}
		if step.saturating_add(1) == self.steps() {
			machine.finish(self.schedule.output().1)?;
		}
		Ok(())
	}

	/// What is in `pages` in the end.
	pub(super) fn read_end(&self, pages: &mut dyn Pages) -> Result<End, TraceFault> {
		let mut head = [0; 16];
		pages.read(0, &mut head)?;
		let [a, b, c, d, _, _, _, _, len @ ..] = head;
		let len = u64::from_le_bytes(len);
		let (at, most) = self.schedule.output();
		if u32::from_le_bytes([a, b, c, d]) != status::DONE || len > most {
			return Ok(End::Fault);
		}
		if span(len) > MAX_PAGES {
			return Err(TraceFault::TooLarge);
		}
		let mut output = vec![0; usize::try_from(len).map_err(|_| TraceFault::TooLarge)?];
		pages.read(at, &mut output)?;
		Ok(End::Output(output))
	}

	/// The input, and where it is in memory before the first step.
	pub(super) fn input(&self) -> (u64, &[u8]) {
		(self.schedule.input(), &self.input)
	}
}

#[cfg(test)]
impl Program {
	/// A step of each kind.
	pub(super) fn kinds(&self) -> Vec<Step> {
		self.schedule.kinds()
	}

	/// Computes what is at `place`, as far as it can be.
	pub(super) fn run_place(&self, place: &Step, pages: &mut dyn Pages) {
		let mut machine = Machine::new(pages, self.end, 0, self.table);
		let _ = machine.halted();
		let _ = self.schedule.run(place, &mut machine);
	}
}
