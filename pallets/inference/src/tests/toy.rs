//! A machine that runs are traced on in tests: it adds numbers to a counter, which ends as the
//! output. With no steps it is the engine's.

use super::*;
use crate::machine::Engine;
use codec::{Decode, DecodeWithMemTracking, Encode};
use dodona_engine::trace;
use dodona_primitives_inference::{
	Adjudicator, Children, ClaimId, Contest, Ending, Move, Path, Run, Schedule, Unproven,
};
use frame_support::traits::{fungible::Mutate, tokens::Preservation};
use scale_info::TypeInfo;
use sp_io::hashing::blake2_256;

/// The number that step `step` adds.
fn added(step: u64) -> u64 {
	step.wrapping_mul(step).wrapping_add(1)
}

fn number(output: &[u8]) -> u64 {
	u64::from_le_bytes(output.try_into().expect("two floats"))
}

/// What the counter ends as.
fn right(run: &Run) -> u64 {
	if run.input == input().as_slice() {
		number(&output())
	} else {
		number(&blake2_256(run.input)[..8])
	}
}

/// The counter before the first step.
fn start(run: &Run) -> u64 {
	(0..ToySteps::get()).fold(right(run), |sum, step| sum.wrapping_sub(added(step)))
}

fn leaf(counter: u64) -> H256 {
	H256(blake2_256(&counter.to_le_bytes()))
}

fn above(level: &[H256]) -> Vec<H256> {
	level.chunks(2).map(Engine::fold).collect()
}

/// The counter before a step; or what the engine's step works on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Evidence<Engine> {
	Counter(u64),
	Engine(Engine),
}

impl<Engine> From<Engine> for Evidence<Engine> {
	fn from(engine: Engine) -> Self {
		Self::Engine(engine)
	}
}

pub use Evidence::Counter;
pub type Witness = Evidence<trace::Witness>;
pub type EndWitness = Evidence<trace::EndWitness>;

pub struct Machine;

impl Adjudicator for Machine {
	type Witness = Witness;
	type EndWitness = EndWitness;

	fn decides(architecture: &Architecture) -> bool {
		Decides::get() && (ToySteps::get() > 0 || Engine::decides(architecture))
	}

	fn schedule(run: &Run) -> Option<Schedule> {
		if ToySteps::get() == 0 {
			return Engine::schedule(run);
		}
		Some(schedule())
	}

	fn work(run: &Run, step: u64) -> u64 {
		if ToySteps::get() == 0 {
			return Engine::work(run, step);
		}
		1_000
	}

	fn execute(
		run: &Run,
		step: u64,
		before: Option<H256>,
		witness: &Witness,
	) -> Result<H256, Unproven> {
		match witness {
			Evidence::Engine(witness) => Engine::execute(run, step, before, witness),
			Counter(counter) => {
				let before = before.unwrap_or_else(|| leaf(start(run)));
				if leaf(*counter) != before {
					return Err(Unproven);
				}
				Ok(leaf(counter.wrapping_add(added(step))))
			},
		}
	}

	fn ending(run: &Run, end: H256, witness: &EndWitness) -> Result<Ending, Unproven> {
		match witness {
			Evidence::Engine(witness) => Engine::ending(run, end, witness),
			Counter(counter) if leaf(*counter) != end => Err(Unproven),
			Counter(u64::MAX) => Ok(Ending::Fault),
			Counter(counter) => Ok(Ending::Output(counter.to_le_bytes().to_vec())),
		}
	}

	fn fold(children: &[H256]) -> H256 {
		Engine::fold(children)
	}

	fn root(leaf: H256, index: u64, path: &[H256]) -> H256 {
		Engine::root(leaf, index, path)
	}
}

pub fn schedule() -> Schedule {
	let steps = ToySteps::get();
	Schedule { steps, depth: steps.next_power_of_two().ilog2() }
}

/// What one party says happened.
#[derive(Clone)]
pub struct Trace {
	states: Vec<u64>,
	/// From the leaves on.
	levels: Vec<Vec<H256>>,
	start: u64,
}

impl Trace {
	/// A trace of the run on [`input`] that ends in `output`, or in a fault, and is wrong from `step`
	/// on unless that is right.
	pub fn to(output: Option<&Output>, step: u64) -> Self {
		let run = (architecture(), input());
		let run = Run { architecture: &run.0, input: &run.1, pages: H256::zero(), size: 0 };
		let wanted = output.map_or(u64::MAX, |output| number(output));
		let off = wanted.wrapping_sub(right(&run));
		let start = start(&run);
		let mut counter = start;
		let state = |at: u64| {
			counter = counter.wrapping_add(added(at));
			counter.wrapping_add(if at >= step { off } else { 0 })
		};
		Self::of(start, (0..ToySteps::get()).map(state).collect())
	}

	/// The one that is true.
	pub fn honest() -> Self {
		Self::to(Some(&output()), 0)
	}

	/// One that ends in the right output, with a wrong state after `step`.
	pub fn bogus(step: u64) -> Self {
		let Self { start, mut states, .. } = Self::honest();
		states[step as usize] ^= 1;
		Self::of(start, states)
	}

	/// One with something where no step is.
	pub fn padded(self) -> Self {
		let mut leaves = self.levels[0].clone();
		*leaves.last_mut().unwrap() = H256::repeat_byte(1);
		Self::on(self.start, self.states, leaves)
	}

	fn of(start: u64, states: Vec<u64>) -> Self {
		let mut leaves: Vec<H256> = states.iter().map(|state| leaf(*state)).collect();
		leaves.resize(1 << schedule().depth, H256::zero());
		Self::on(start, states, leaves)
	}

	fn on(start: u64, states: Vec<u64>, leaves: Vec<H256>) -> Self {
		let mut levels = vec![leaves];
		while levels.last().unwrap().len() > 1 {
			levels.push(above(levels.last().unwrap()));
		}
		Self { states, levels, start }
	}

	pub fn root(&self) -> H256 {
		self.levels.last().unwrap()[0]
	}

	fn path(&self, index: u64) -> Path {
		let sibling = |(height, level): (usize, &Vec<H256>)| level[(index >> height) as usize ^ 1];
		let below = self.levels.len() - 1;
		self.levels[..below]
			.iter()
			.enumerate()
			.map(sibling)
			.collect::<Vec<_>>()
			.try_into()
			.unwrap()
	}

	pub fn opening(&self) -> Move<EndWitness> {
		let last = self.states.len() as u64 - 1;
		let (end, witness) = (self.levels[0][last as usize], Counter(self.states[last as usize]));
		Move::Open { root: self.root(), end, path: self.path(last), witness }
	}

	pub fn below(&self, level: u32, index: u64) -> Children {
		let depth = schedule().depth;
		let down = (depth - level).min(6);
		let height = (depth - level - down) as usize;
		let first = (index as usize) << down;
		self.levels[height][first..first + (1 << down)].to_vec().try_into().unwrap()
	}

	/// The state before a step with its path, and the counter before it.
	pub fn witness(&self, step: u64) -> (Option<(H256, Path)>, Witness) {
		match step.checked_sub(1) {
			None => (None, Counter(self.start)),
			Some(last) => {
				let state = self.levels[0][last as usize];
				(Some((state, self.path(last))), Counter(self.states[last as usize]))
			},
		}
	}
}

/// Makes a move; it costs no more than was declared.
pub fn play(
	who: AccountId,
	id: RequestId,
	claim: ClaimId,
	step: Move<EndWitness>,
) -> DispatchResult {
	let declared = Inference::weight_of_any_move(&step);
	let result = Inference::play(RuntimeOrigin::signed(who), id, claim, step);
	let info = result.unwrap_or_else(|error| error.post_info);
	let used = info.actual_weight.expect("what it cost is known");
	assert!(used.all_lte(declared), "{used:?} of {declared:?}");
	result.map(|_| ()).map_err(|error| error.error)
}

/// Shows a claim's trace.
pub fn open(who: AccountId, id: RequestId, claim: ClaimId, trace: &Trace) -> DispatchResult {
	play(who, id, claim, trace.opening())
}

/// Says what is below the node in dispute.
pub fn descend(who: AccountId, id: RequestId, claim: ClaimId, trace: &Trace) -> DispatchResult {
	let Contest::Descending { level, index, .. } = dispute(id).contest else {
		panic!("nothing to go down to")
	};
	play(who, id, claim, Move::Descend(trace.below(level, index)))
}

/// The state before the step in dispute and what it works on, as `trace` has them.
pub fn evidence(id: RequestId, trace: &Trace) -> (Option<(H256, Path)>, Witness) {
	let Contest::Settling { step, .. } = dispute(id).contest else { panic!("no step in dispute") };
	trace.witness(step)
}

pub fn settle(id: RequestId, (before, witness): (Option<(H256, Path)>, Witness)) -> DispatchResult {
	let declared = Inference::weight_of_any_settling(&witness);
	let result = Inference::settle(RuntimeOrigin::signed(account(53)), id, before, witness);
	let info = result.unwrap_or_else(|error| error.post_info);
	let used = info.actual_weight.expect("what it cost is known");
	assert!(used.all_lte(declared), "{used:?} of {declared:?}");
	result.map(|_| ()).map_err(|error| error.error)
}

/// Plays two opened sides down to the step that they differ in. Returns how many rounds it takes.
pub fn play_down(id: RequestId, sides: [(ClaimId, &Trace); 2]) -> u32 {
	let mut rounds = 0;
	while matches!(Disputes::<Test>::get(id).map(|it| it.contest), Some(Contest::Descending { .. }))
	{
		for (claim, trace) in sides {
			assert_ok!(descend(account(53), id, claim, trace));
			check();
		}
		rounds += 1;
	}
	rounds
}

/// A seat that is in league with a challenger throws the game of all who say the same: its trace is
/// wrong in the first step, and so is the other's.
pub fn throw(id: RequestId, seat: u8, thrown: &Trace) {
	let lie = Trace::to(None, 0);
	let bond = Inference::dispute_info(id).map_or(BOND, |info| info.bond);
	for friend in [52, 53].map(account) {
		if free(&account(51)) <= bond {
			let all = free(&friend).saturating_sub(1);
			assert_ok!(Balances::transfer(&friend, &account(51), all, Preservation::Expendable));
		}
	}
	assert_ok!(challenge(51, id, None));
	let [theirs, other] = standing(id)[..] else { panic!("two claims play") };
	assert_ok!(open(hot(seat), id, theirs, thrown));
	assert_ok!(open(account(51), id, other, &lie));
	play_down(id, [(theirs, thrown), (other, &lie)]);
	assert_ok!(settle(id, evidence(id, thrown)));
}
