//! The side of somebody who has the weights: runs a program and answers for each of its steps.

use super::{
	machine::Pages,
	memory::Memory,
	program::Program,
	tree::{self, pages_depth, Hash, Hasher, CHUNK_DEPTH, PAGE, ZERO},
	witness::{self, End, EndWitness, Page, TraceFault, Witness},
	LEVELS,
};
use crate::EngineError;
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec,
	vec::Vec,
};
use bounded_collections::{BoundedVec, ConstU32};
use core::ops::{ControlFlow, Range};

/// A wrong result, planted into one step: for tests, and for trying out disputes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
	/// Which step.
	pub step: u64,
	/// Which byte of what the step wrote, counted on from the beginning when it ends; of the first
	/// page if the step wrote nothing.
	pub at: u32,
	/// Which of the byte's bits are turned over.
	pub bits: u8,
	/// In how many words: in the byte itself, and in each fourth after it that the step wrote, but on
	/// the first page, which says whether the run goes on.
	pub words: u32,
}

/// How much a [`Trace`] keeps. What it does not keep, it computes again when it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// Most hashes of one level of the tree.
	pub hashes: u32,
	/// Most states of memory. They share the pages that did not change between them.
	pub states: u32,
}

impl Default for Limits {
	fn default() -> Self {
		Self { hashes: 128 * 1024, states: 32 }
	}
}

/// A run that was recorded.
pub struct Trace<H> {
	program: Program,
	weights: Vec<u8>,
	fault: Option<Fault>,
	/// The roots of the artifact's chunks, and the levels above.
	chunks: Vec<Vec<Hash>>,
	/// The trace's tree from this height on.
	height: u32,
	levels: Vec<Vec<Hash>>,
	/// Memory before some steps.
	states: BTreeMap<u64, Memory<H>>,
	/// Memory in the end.
	end: Memory<H>,
}

/// A hash and its path: the other child of each level, from it on.
pub type Proven = (Hash, Vec<Hash>);

impl<H: Hasher> Trace<H> {
	/// Runs `program` with `weights`, the artifact as it is on the chain, and with a wrong result where
	/// `fault` says.
	pub fn record(
		program: &Program,
		weights: &[u8],
		fault: Option<Fault>,
	) -> Result<Self, EngineError> {
		Self::record_within(program, weights.to_vec(), fault, Limits::default())
	}

	/// [`record`](Self::record) that keeps no more than `limits` say.
	pub fn record_within(
		program: &Program,
		weights: Vec<u8>,
		fault: Option<Fault>,
		limits: Limits,
	) -> Result<Self, EngineError> {
		let all = &mut || ControlFlow::Continue(());
		let trace = Self::record_in_steps(program, weights, fault, limits, all)?;
		// Unreachable: nothing ends it.
		trace.ok_or(EngineError::Backend)
	}

	/// [`record_within`](Self::record_within) that calls `each` before each step. None if that ends it.
	pub fn record_in_steps(
		program: &Program,
		weights: Vec<u8>,
		fault: Option<Fault>,
		limits: Limits,
		each: &mut dyn FnMut() -> ControlFlow<()>,
	) -> Result<Option<Self>, EngineError> {
		let steps = program.steps();
		let mut height = 0;
		while steps.checked_shr(height).unwrap_or(0) > limits.hashes.max(1).into() {
			height = height.saturating_add(1);
		}
		let mut this = Self {
			program: program.clone(),
			chunks: levels::<H>(tree::chunk_roots::<H>(&weights)),
			weights,
			fault,
			height,
			levels: Vec::new(),
			states: BTreeMap::new(),
			end: start(program).ok_or(EngineError::Backend)?,
		};
		let mut every = 1u64;
		let mut groups = Vec::new();
		let mut group = Vec::new();
		let mut run = Running { memory: this.end.clone(), halted: None };
		for step in 0..steps {
			if each().is_break() {
				return Ok(None);
			}
			if step.is_multiple_of(every) && run.halted.is_none() {
				this.states.insert(step, run.memory.clone());
				if this.states.len() > limits.states.max(1) as usize {
					every = every.saturating_mul(2);
					this.states.retain(|step, _| step.is_multiple_of(every));
				}
			}
			group.push(this.go(&mut run, step)?);
			if (group.len() as u64).checked_shr(height) == Some(1) {
				groups.push(tree::subtree::<H>(core::mem::take(&mut group), height));
			}
		}
		if !group.is_empty() {
			groups.push(tree::subtree::<H>(group, height));
		}
		this.levels = levels::<H>(groups);
		this.end = run.memory;
		Ok(Some(this))
	}

	/// The state after `step`, which comes next in `run`.
	fn go(&self, run: &mut Running<H>, step: u64) -> Result<Hash, EngineError> {
		let fault = self.fault.filter(|fault| fault.step == step);
		if let (Some(hash), None) = (run.halted, fault) {
			return Ok(hash);
		}
		let mut pages = Recorder::new(&mut run.memory, &self.weights);
		self.program
			.run(step, &mut pages, self.weights.len() as u64)
			.map_err(|_| EngineError::Backend)?;
		if let Some(fault) = fault {
			pages.spoil(&fault);
		}
		let hash = run.memory.root();
		let running = run.memory.page(0).is_none_or(|page| page.starts_with(&[0; 4]));
		run.halted = (!running).then_some(hash);
		Ok(hash)
	}

	/// Memory before `step`.
	fn before(&self, step: u64) -> Result<Running<H>, EngineError> {
		let (first, memory) = self.states.range(..=step).next_back().ok_or(EngineError::Backend)?;
		let mut run = Running { memory: memory.clone(), halted: None };
		for step in *first..step {
			self.go(&mut run, step)?;
		}
		Ok(run)
	}

	/// The states after the steps in `range`.
	fn leaves(&self, range: Range<u64>) -> Result<Vec<Hash>, EngineError> {
		let range = range.start..range.end.min(self.program.steps());
		if range.is_empty() {
			return Ok(Vec::new());
		}
		let mut run = self.before(range.start)?;
		range.map(|step| self.go(&mut run, step)).collect()
	}

	/// What was run.
	pub fn program(&self) -> &Program {
		&self.program
	}

	/// The root of the trace's tree.
	pub fn root(&self) -> Hash {
		self.levels.last().and_then(|level| level.first()).copied().unwrap_or(ZERO)
	}

	/// The root of the weights' tree.
	pub fn weights_root(&self) -> Hash {
		self.chunks.last().and_then(|level| level.first()).copied().unwrap_or(ZERO)
	}

	/// The state after the last step with its path to the root, the pages that show what the run ended
	/// with, and that.
	pub fn end(&self) -> Result<(Hash, Vec<Hash>, EndWitness, End), TraceFault> {
		let last = self.program.steps().saturating_sub(1);
		let (state, path) = self.path(last)?;
		let mut memory = self.end.clone();
		let mut pages = Recorder::new(&mut memory, &[]);
		let end = self.program.read_end(&mut pages)?;
		let (memory, memory_hashes) = self.open(&self.end, pages.memory_seen)?;
		Ok((state, path, EndWitness { memory, memory_hashes }, end))
	}

	/// The nodes below node number `index` of `level`, counted from the root, which is level 0: those
	/// [`LEVELS`] levels below it, or the leaves if they come first.
	pub fn children(&self, level: u32, index: u64) -> Result<Vec<Hash>, TraceFault> {
		let height = self.program.depth().checked_sub(level).ok_or(TraceFault::NoSuchNode)?;
		if height == 0 || index.checked_shr(level).unwrap_or(0) != 0 {
			return Err(TraceFault::NoSuchNode);
		}
		let down = height.min(LEVELS);
		let below = height.saturating_sub(down);
		let count = 1u64 << down;
		let first = index << down;
		if below >= self.height {
			return Ok((first..)
				.take(count as usize)
				.map(|index| self.kept(below, index))
				.collect());
		}
		let size = 1u64 << below;
		let leaves = first.saturating_mul(size)..first.saturating_add(count).saturating_mul(size);
		let leaves = self.leaves(leaves).map_err(|_| TraceFault::NoSuchNode)?;
		let mut children: Vec<Hash> = leaves
			.chunks(size as usize)
			.map(|leaves| tree::subtree::<H>(leaves.to_vec(), below))
			.collect();
		children.resize(count as usize, ZERO);
		Ok(children)
	}

	/// The state before `step` with its path to the root (none for the first, before which is the
	/// program's [start](Program::start)), and the witness of the step.
	pub fn witness(&self, step: u64) -> Result<(Option<Proven>, Witness), TraceFault> {
		if step >= self.program.steps() {
			return Err(TraceFault::NoSuchStep);
		}
		let before = step.checked_sub(1).map(|before| self.path(before)).transpose()?;
		let mut state = self.before(step).map_err(|_| TraceFault::NoSuchStep)?.memory;
		state.root();
		let mut memory = state.clone();
		let mut pages = Recorder::new(&mut memory, &self.weights);
		self.program.run(step, &mut pages, self.weights.len() as u64)?;
		let Recorder { memory_seen, weights_seen, .. } = pages;
		let (memory, memory_hashes) = self.open(&state, memory_seen)?;
		let (weights, weights_hashes) = self.open_weights(weights_seen)?;
		Ok((before, Witness { memory, memory_hashes, weights, weights_hashes }))
	}

	/// The state after `step` with its path to the root.
	fn path(&self, step: u64) -> Result<Proven, TraceFault> {
		let first = step >> self.height << self.height;
		let group = first..first.saturating_add(1 << self.height);
		let mut level = match self.height {
			0 => Vec::new(),
			_ => self.leaves(group).map_err(|_| TraceFault::NoSuchStep)?,
		};
		let mut at = step.saturating_sub(first);
		let leaf = match self.height {
			0 => self.kept(0, step),
			_ => level.get(at as usize).copied().unwrap_or(ZERO),
		};
		let mut path = Vec::new();
		for height in 0..self.program.depth() {
			if height < self.height {
				path.push(level.get((at ^ 1) as usize).copied().unwrap_or(ZERO));
				level = tree::above::<H>(&level);
				at >>= 1;
			} else {
				path.push(self.kept(height, step >> height ^ 1));
			}
		}
		Ok((leaf, path))
	}

	/// A node of the trace's tree of a height that is kept.
	fn kept(&self, height: u32, index: u64) -> Hash {
		get(&self.levels, height.saturating_sub(self.height), index)
	}

	/// Pages of `memory`, and the nodes that are missing.
	fn open(&self, memory: &Memory<H>, seen: Seen) -> Result<Opening, TraceFault> {
		let page = |index: &u64| memory.page(*index).copied().unwrap_or([0; PAGE]);
		let pages = seen.order.iter().map(page).collect();
		let depth = self.program.memory_depth();
		let indices = seen.all.into_iter().collect();
		bounded(pages, tree::missing(indices, depth, |height, index| memory.hash(height, index)))
	}

	/// Pages of the weights, and the nodes that are missing.
	fn open_weights(&self, seen: Seen) -> Result<Opening, TraceFault> {
		let bytes = |at: u64, len: u64| {
			let from = usize::try_from(at).ok().and_then(|at| self.weights.get(at..));
			let from = from.unwrap_or_default();
			from.get(..len as usize).unwrap_or(from)
		};
		let page = |index: &u64| {
			let size = PAGE as u64;
			tree::filled(bytes(index.saturating_mul(size), size))
		};
		let pages = seen.order.iter().map(page).collect();
		if seen.all.is_empty() {
			return bounded(pages, Vec::new());
		}
		let size = (PAGE as u64) << CHUNK_DEPTH;
		// The levels of the chunks that are asked for.
		let mut chunks: BTreeMap<u64, Vec<Vec<Hash>>> = BTreeMap::new();
		let node = |height: u32, index: u64| {
			let Some(up) = CHUNK_DEPTH.checked_sub(height).filter(|up| *up != 0) else {
				return get(&self.chunks, height.saturating_sub(CHUNK_DEPTH), index);
			};
			let chunk = index >> up;
			let levels = chunks.entry(chunk).or_insert_with(|| {
				let bytes = bytes(chunk.saturating_mul(size), size);
				levels::<H>(tree::page_hashes::<H>(bytes))
			});
			get(levels, height, index & (1u64 << up).saturating_sub(1))
		};
		let depth = pages_depth(self.weights.len() as u64);
		let indices = seen.all.into_iter().collect();
		bounded(pages, tree::missing(indices, depth, node))
	}
}

/// Memory between two steps.
struct Running<H> {
	memory: Memory<H>,
	/// The state since the run ended.
	halted: Option<Hash>,
}

/// Memory before the first step.
fn start<H: Hasher>(program: &Program) -> Option<Memory<H>> {
	let mut memory = Memory::new(program.memory_depth());
	let (at, input) = program.input();
	let mut index = at / PAGE as u64;
	for bytes in input.chunks(PAGE) {
		*memory.page_mut(index)? = tree::filled(bytes);
		index = index.checked_add(1)?;
	}
	memory.root();
	Some(memory)
}

/// `level` and those above it, up to the root.
fn levels<H: Hasher>(level: Vec<Hash>) -> Vec<Vec<Hash>> {
	let mut levels = vec![level];
	while let Some(last) = levels.last().filter(|last| last.len() > 1) {
		let above = tree::above::<H>(last);
		levels.push(above);
	}
	levels
}

/// A node of a tree that is kept; zero beyond its end.
fn get(levels: &[Vec<Hash>], height: u32, index: u64) -> Hash {
	let level = levels.get(height as usize);
	let node = usize::try_from(index).ok().and_then(|index| level?.get(index));
	node.copied().unwrap_or(ZERO)
}

type Opening = (
	BoundedVec<Page, ConstU32<{ witness::MAX_PAGES }>>,
	BoundedVec<Hash, ConstU32<{ witness::MAX_HASHES }>>,
);

fn bounded(pages: Vec<Page>, hashes: Vec<Hash>) -> Result<Opening, TraceFault> {
	let pages = pages.try_into().map_err(|_| TraceFault::TooLarge)?;
	let hashes = hashes.try_into().map_err(|_| TraceFault::TooLarge)?;
	Ok((pages, hashes))
}

/// Memory and weights of whoever runs, with what was touched.
struct Recorder<'a, H> {
	memory: &'a mut Memory<H>,
	weights: &'a [u8],
	memory_seen: Seen,
	weights_seen: Seen,
	/// Where something was written.
	written: Vec<Range<u64>>,
}

/// Pages that were touched.
#[derive(Default)]
struct Seen {
	/// In the order of the first time.
	order: Vec<u64>,
	all: BTreeSet<u64>,
}

impl Seen {
	fn see(&mut self, index: u64) {
		if self.order.last() != Some(&index) && self.all.insert(index) {
			self.order.push(index);
		}
	}
}

impl<'a, H: Hasher> Recorder<'a, H> {
	fn new(memory: &'a mut Memory<H>, weights: &'a [u8]) -> Self {
		let (memory_seen, weights_seen) = (Seen::default(), Seen::default());
		Self { memory, weights, memory_seen, weights_seen, written: Vec::new() }
	}

	/// Makes what was written wrong.
	fn spoil(&mut self, fault: &Fault) {
		let written = || self.written.iter().cloned().flatten();
		let at = u64::from(fault.at).checked_rem(written().count() as u64);
		let places: BTreeSet<u64> = match at {
			// What is written twice is made wrong once.
			Some(at) => {
				let words = written().skip(at as usize).step_by(4).enumerate();
				let words = words.filter(|(number, place)| *number == 0 || *place >= PAGE as u64);
				words.map(|(_, place)| place).take(fault.words as usize).collect()
			},
			None => BTreeSet::from([u64::from(fault.at) % PAGE as u64]),
		};
		for place in places {
			let page = self.memory.page_mut(place / PAGE as u64);
			let byte = page.and_then(|page| page.get_mut((place % PAGE as u64) as usize));
			if let Some(byte) = byte {
				*byte ^= fault.bits;
			}
		}
	}
}

impl<H: Hasher> Pages for Recorder<'_, H> {
	fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
		witness::each(at, out.len(), |index, bytes, part| {
			self.memory_seen.see(index);
			let out = out.get_mut(part).unwrap_or_default();
			match self.memory.page(index).and_then(|page| page.get(bytes)) {
				Some(bytes) => out.copy_from_slice(bytes),
				None => out.fill(0),
			}
			Ok(())
		})
	}

	fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), TraceFault> {
		self.written.push(at..at.saturating_add(bytes.len() as u64));
		witness::each(at, bytes.len(), |index, page, part| {
			self.memory_seen.see(index);
			let to = self.memory.page_mut(index).and_then(|to| to.get_mut(page));
			let to = to.ok_or(TraceFault::MissingPage)?;
			to.copy_from_slice(bytes.get(part).unwrap_or_default());
			Ok(())
		})
	}

	fn weights(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
		let from = usize::try_from(at).ok().and_then(|at| self.weights.get(at..));
		let from = from.and_then(|from| from.get(..out.len())).ok_or(TraceFault::MissingPage)?;
		out.copy_from_slice(from);
		witness::each(at, out.len(), |index, _, _| {
			self.weights_seen.see(index);
			Ok(())
		})
	}
}

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod tests {
	use super::{
		super::{Blake, Step},
		*,
	};
	use crate::{
		architecture::llama::{self, Config, RopeScaling},
		generate::{Prompt, Sampling},
		Architecture, Class, Real,
	};
	use codec::Encode;

	/// The largest that there can be, in one way or another.
	fn largest() -> Vec<Config> {
		let mut all = Vec::new();
		for class in [Class::F32, Class::Q8] {
			// All heads together are as wide as they can be, and each shares keys with none or with all.
			for head_dim in [2, 8, 24, 48, 62, 64, 128, 256, 512] {
				let heads = (llama::MAX_HIDDEN / head_dim).min(llama::MAX_HEADS);
				for kv_heads in [1, heads / 2, heads] {
					all.push(Config {
						class,
						vocab: llama::MAX_VOCAB,
						hidden: llama::MAX_HIDDEN,
						intermediate: llama::MAX_INTERMEDIATE,
						layers: llama::MAX_LAYERS,
						heads: heads - heads % kv_heads,
						kv_heads,
						head_dim,
						max_positions: llama::MAX_POSITIONS,
						rope_theta: Real::new(10_000.0),
						rope_scaling: RopeScaling::None,
						rms_eps: Real::new(1e-5),
						tied: false,
						biases: llama::Biases { qkv: true, o: true, mlp: true },
						stop: Default::default(),
					});
				}
			}
		}
		all
	}

	#[test]
	fn witness_should_be_bounded_when_the_model_is_as_large_as_can_be() {
		let sample = Sampling::Sample {
			temperature: Real::new(1.0),
			top_k: 9,
			top_p: Real::new(0.5),
			seed: 1,
		};
		for (sampling, config) in [Sampling::Greedy, sample]
			.into_iter()
			.flat_map(|sampling| largest().into_iter().map(move |config| (sampling, config)))
		{
			let architecture = Architecture::Llama(config);
			let max_tokens = llama::MAX_POSITIONS - 5;
			let prompt = Prompt { tokens: vec![1, 2, 3], max_tokens, sampling, stop: Vec::new() };
			let program = Program::new(&architecture, &prompt.encode()).unwrap();
			let most = program.max_cost();
			assert!(most.pages <= witness::MAX_PAGES, "{architecture:?}: {most:?}");

			// Without weights and on empty memory, what comes before the fault is opened.
			for kind in program.kinds() {
				for tile in [0, 1, 2, 5, 100, 1_000, 60_000] {
					let place = Step { tile, ..kind };
					let mut memory = start::<Blake>(&program).unwrap();
					let mut pages = Recorder::new(&mut memory, &[]);
					program.run_place(&place, &mut pages);
					let seen = pages.memory_seen.all;
					let cost = program.cost_of(&place);
					assert!(seen.len() <= cost.pages as usize, "{architecture:?}: {place}");
					let indices = seen.into_iter().collect();
					let hashes = tree::missing(indices, program.memory_depth(), |_, _| ZERO);
					let most = witness::MAX_HASHES as usize;
					assert!(hashes.len() <= most, "{architecture:?}: {place}, {}", hashes.len());
				}
			}
		}
	}
}
