//! Disputes over runs of the engine.

use super::{
	toy::{play, settle, Evidence},
	*,
};
use dodona_engine::{
	architecture::Class,
	trace::{Fault, Program, Trace},
};
use dodona_primitives_inference::{Contest, Move, Path};
use dodona_primitives_models::Blake2;
use frame_support::dispatch::CheckIfFeeless;

fn question(network: &Architecture) -> Vec<u8> {
	dodona_engine::golden::input(network, 1)
}

fn hashes(path: Vec<[u8; 32]>) -> Vec<H256> {
	path.into_iter().map(H256).collect()
}

fn path(path: Vec<[u8; 32]>) -> Path {
	hashes(path).try_into().unwrap()
}

fn opening(trace: &Trace<Blake2>) -> Move<toy::EndWitness> {
	let (end, way, witness, _) = trace.end().unwrap();
	let witness = Evidence::Engine(witness);
	Move::Open { root: H256(trace.root()), end: H256(end), path: path(way), witness }
}

fn answer(trace: &Trace<Blake2>) -> Option<Output> {
	match trace.end().unwrap().3 {
		dodona_engine::trace::End::Output(output) => Some(output.try_into().unwrap()),
		dodona_engine::trace::End::Fault => None,
	}
}

/// Says on the chain that a question is answered by a committee of liars, and returns the request.
fn asked(network: &Architecture, weights: &[u8], says: &Output) -> RequestId {
	ToySteps::set(0);
	MaxAdjudicationWork::set(0);
	Computed::set(network.clone());
	Artifact::set(publish(weights));
	let id = NextRequestId::<Test>::get();
	let origin = RuntimeOrigin::signed(requester());
	assert_ok!(Inference::request(origin, MODEL, None, question(network), PRICE));
	next_block();
	(1..=4).for_each(|number| commit(id, number, says));
	(1..=4).for_each(|number| reveal(id, number, says));
	id
}

/// A run that goes wrong in `step` and ends in another answer than `right`: the sign or the exponent
/// of one of the first numbers that the step wrote is another.
fn lie(
	program: &Program,
	weights: &[u8],
	step: u64,
	right: &[u8],
) -> Option<(Trace<Blake2>, Output)> {
	let faults = (0..8).flat_map(|number| [(number * 4 + 3, 0x80), (number * 4 + 2, 0x40)]);
	faults.into_iter().find_map(|(at, bits)| {
		let fault = Some(Fault { step, at, bits, words: 1 });
		let lie = Trace::<Blake2>::record(program, weights, fault).ok()?;
		let says = answer(&lie).filter(|says| says.as_slice() != right)?;
		Some((lie, says))
	})
}

/// All seats give an answer that one step corrupts; one account challenges it and wins. Returns how
/// many moves down each side made.
fn dispute_over(network: &Architecture, steps: impl Fn(u64) -> Vec<u64>, at_least: usize) -> u32 {
	let weights = dodona_engine::golden::artifact(network, 1, 1.0).unwrap();
	let program = Program::new(network, &question(network)).unwrap();
	let honest = Trace::<Blake2>::record(&program, &weights, None).unwrap();
	let right = dodona_engine::Model::load(network, &weights).unwrap();
	let right = right.run(&question(network)).unwrap();
	assert_eq!(answer(&honest).unwrap().as_slice(), right);
	let (mut changed, mut rounds) = (0, 0);
	for step in steps(program.steps()) {
		let Some((lie, says)) = lie(&program, &weights, step, &right) else { continue };
		changed += 1;
		rounds = 0;
		ExtBuilder::default().build_and_execute(|| {
			let id = asked(network, &weights, &says);
			assert_ok!(challenge(51, id, Some(right.clone().try_into().unwrap())));
			assert_ok!(play(hot(1), id, 0, opening(&lie)));
			assert_ok!(play(account(51), id, 1, opening(&honest)));
			while let Contest::Descending { level, index, .. } = dispute(id).contest {
				for (claim, trace) in [(0, &lie), (1, &honest)] {
					let below = hashes(trace.children(level, index).unwrap());
					let below = Move::Descend(below.try_into().unwrap());
					assert_ok!(play(account(53), id, claim, below));
				}
				rounds += 1;
			}
			let Contest::Settling { step: found, .. } = dispute(id).contest else { panic!() };
			assert_eq!(found, step);
			// What the liar's own trace has of the step decides it just as well.
			for trace in [&lie, &honest] {
				let (before, witness) = trace.witness(step).unwrap();
				let before = before.map(|(state, way)| (H256(state), path(way)));
				let (before, witness) = (before, Evidence::Engine(witness));
				let call: Call<Test> =
					Call::settle { request: id, before: before.clone(), witness: witness.clone() };
				assert!(call.is_feeless(&RuntimeOrigin::signed(hot(2))));
				if trace.root() == honest.root() {
					assert_ok!(settle(id, (before, witness)));
				}
			}
			assert_eq!(standing(id), [1]);
			go_to(until(id) + 1);
			assert_eq!(result(id), Some(outcome_hash(&right)));
			assert_eq!(Reporters::get().len(), 4);
		});
	}
	assert!(changed >= at_least, "{changed} steps change the answer");
	rounds
}

#[test]
fn truth_should_win_whatever_step_of_a_perceptron_is_corrupted() {
	let network = Architecture::Mlp(mlp::Config { widths: bounded_vec![4, 5, 3, 2] });
	// The table of tensors, and three layers; not every wrong number changes the answer.
	assert_eq!(dispute_over(&network, |steps| (0..steps).collect(), 2), 1);
}

#[test]
fn truth_should_win_whatever_step_of_a_language_model_is_corrupted() {
	for class in [Class::F32, Class::Q8] {
		let network = Architecture::Llama(dodona_engine::golden::llama::config(class, 0));
		let some = |steps: u64| (1..16).map(|part| part * steps / 16).collect();
		assert!(dispute_over(&network, some, 1) > 1, "a run has more than 64 steps");
	}
}
