//! The engine as the machine that runs are traced on.

use alloc::vec::Vec;
use dodona_engine::trace::{fold, node_at, End, EndWitness, Program, Witness};
use dodona_primitives_inference::{Adjudicator, Ending, Run, Schedule, Unproven, MAX_DEPTH};
use dodona_primitives_models::{Architecture, Blake2};
use sp_core::H256;

/// See [`dodona_engine::trace`].
pub struct Engine;

/// The schedule of the run.
fn program(run: &Run) -> Result<Program, Unproven> {
	Program::new(run.architecture, run.input).map_err(|_| Unproven)
}

impl Adjudicator for Engine {
	type Witness = Witness;
	type EndWitness = EndWitness;

	fn decides(_: &Architecture) -> bool {
		true
	}

	fn schedule(run: &Run) -> Option<Schedule> {
		let program = program(run).ok()?;
		let (steps, depth) = (program.steps(), program.depth());
		(depth <= MAX_DEPTH).then_some(Schedule { steps, depth })
	}

	fn work(run: &Run, step: u64) -> u64 {
		let cost = program(run).ok().and_then(|program| program.cost(step));
		cost.map_or(0, |cost| cost.work)
	}

	fn execute(
		run: &Run,
		step: u64,
		before: Option<H256>,
		witness: &Witness,
	) -> Result<H256, Unproven> {
		let program = program(run)?;
		let before = before.map_or_else(|| program.start::<Blake2>(), |before| before.0);
		program
			.execute::<Blake2>(step, &before, &run.pages.0, run.size, witness)
			.map(H256)
			.map_err(|_| Unproven)
	}

	fn ending(run: &Run, end: H256, witness: &EndWitness) -> Result<Ending, Unproven> {
		match program(run)?.open_end::<Blake2>(&end.0, witness) {
			Ok(End::Output(output)) => Ok(Ending::Output(output)),
			Ok(End::Fault) => Ok(Ending::Fault),
			Err(_) => Err(Unproven),
		}
	}

	fn fold(children: &[H256]) -> H256 {
		let children: Vec<_> = children.iter().map(|hash| hash.0).collect();
		H256(fold::<Blake2>(&children))
	}

	fn root(leaf: H256, index: u64, path: &[H256]) -> H256 {
		let path: Vec<_> = path.iter().map(|hash| hash.0).collect();
		H256(node_at::<Blake2>(leaf.0, index, &path))
	}
}
