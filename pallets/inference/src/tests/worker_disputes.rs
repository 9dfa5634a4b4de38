//! The worker in a dispute: it stands up for what it has said.

use super::{
	worker::{with_node, Node},
	*,
};
use crate::offchain::switches::FAULT_KEY;
use codec::Encode;
use dodona_engine::trace::{Fault, Operation, Program, Trace};
use dodona_primitives_inference::{
	player::{self, Known, Planted, Said},
	Contest, Move,
};
use dodona_primitives_models::Blake2;
use frame_support::dispatch::CheckIfFeeless;
use sp_runtime::traits::Dispatchable;

/// What is computed wrongly by those who do.
const PLANTED: Planted = Planted { operation: Operation::Product, layer: 0, token: 0 };

/// The run of [`input`], true or not.
fn trace(planted: Option<Planted>) -> (Trace<Blake2>, Known) {
	let program = Program::new(&architecture(), &input()).unwrap();
	let fault: Option<Fault> = planted.map(|planted| planted.fault(&program).unwrap());
	let trace = Trace::record(&program, &weights(), fault).unwrap();
	let known = player::known(&trace).unwrap();
	(trace, known)
}

/// What the run of [`input`] ends in.
pub fn said_by(trace: &Trace<Blake2>) -> Output {
	let dodona_engine::trace::End::Output(output) = trace.end().unwrap().3 else {
		panic!("no answer")
	};
	output.try_into().unwrap()
}

/// Disputes are decided by the engine's steps.
pub fn by_steps() {
	ToySteps::set(0);
	MaxAdjudicationWork::set(0);
}

/// A request that the worker of operator 1 and three others have agreed on.
fn agreed(node: &Node, output: &Output) -> RequestId {
	let id = ask_and_draw();
	node.expect_artifact();
	node.run_and_include();
	(2..=4).for_each(|number| commit(id, number, output));
	node.run_and_include();
	(2..=4).for_each(|number| reveal(id, number, output));
	assert!(matches!(state(id), RequestState::Agreed { .. }));
	id
}

fn call_of<Witness, EndWitness>(id: RequestId, said: Said<Witness, EndWitness>) -> RuntimeCall
where
	toy::Witness: From<Witness>,
	toy::EndWitness: From<EndWitness>,
{
	RuntimeCall::Inference(match said {
		Said::Play { claim, step: Move::Descend(children) } => {
			Call::play { request: id, claim, step: Move::Descend(children) }
		},
		Said::Play { claim, step: Move::Open { root, end, path, witness } } => {
			let step = Move::Open { root, end, path, witness: witness.into() };
			Call::play { request: id, claim, step }
		},
		Said::Settle { before, witness } => {
			Call::settle { request: id, before, witness: witness.into() }
		},
	})
}

/// Plays for one side as an account with this number, if there is anything to say.
fn play_as(number: u8, id: RequestId, (trace, known): &(Trace<Blake2>, Known)) {
	if let Some(said) = player::say(trace, &player::next(&dispute(id), known)) {
		let origin = RuntimeOrigin::signed(account(number));
		assert_ok!(call_of(id, said).dispatch(origin));
	}
}

/// Lets the worker of operator 1 play until it has nothing to say, against `other`, who moves after
/// it; `serve` has what it asks for. Returns how often it said something.
pub fn play_against(
	node: &Node,
	number: u8,
	id: RequestId,
	other: &(Trace<Blake2>, Known),
	serve: impl Fn(),
) -> u32 {
	let mut said = 0;
	while !matches!(dispute(id).contest, Contest::Won) {
		serve();
		let calls = node.run_for_calls();
		let [RuntimeCall::Inference(call)] = &calls[..] else { panic!("says {calls:?}") };
		let origin = || RuntimeOrigin::signed(node.hot_key(1));
		assert!(call.is_feeless(&origin()), "{call:?} has to be free");
		assert_ok!(calls[0].clone().dispatch(origin()));
		said += 1;
		if !matches!(dispute(id).contest, Contest::Won | Contest::Settling { .. }) {
			play_as(number, id, other);
		}
		next_block();
	}
	said
}

#[test]
fn worker_should_defend_its_answer_to_the_end_when_it_is_challenged() {
	with_node(1, |node| {
		by_steps();
		let id = agreed(node, &output());
		let liar = trace(Some(PLANTED));
		assert_ok!(challenge(51, id, Some(said_by(&liar.0))));
		// Its trace, what is below the root, and the step.
		assert_eq!(play_against(node, 51, id, &liar, || node.expect_artifact()), 3);
		assert_eq!(standing(id), [0]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(bonded(51), 0);
	});
}

#[test]
fn worker_should_stand_up_for_a_corrupt_answer_and_lose_when_it_is_told_to() {
	with_node(1, |node| {
		by_steps();
		let key = [FAULT_KEY, &node.hot_key(1).encode()].concat();
		node.set_local(&key, &(4u8, PLANTED).encode());
		let wrong = said_by(&trace(Some(PLANTED)).0);
		assert_ne!(wrong, output());
		// The honest answer, and then the corrupt one.
		node.expect_artifact();
		let id = agreed(node, &wrong);
		assert_ok!(challenge(51, id, Some(output())));
		assert_eq!(play_against(node, 51, id, &trace(None), || node.expect_artifact()), 3);
		assert_eq!(standing(id), [1]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Punished::get().len(), 4);
	});
}

#[test]
fn worker_should_not_repeat_at_once_what_it_has_said() {
	with_node(1, |node| {
		by_steps();
		let id = agreed(node, &output());
		assert_ok!(challenge(51, id, Some(wrong_output())));
		node.expect_artifact();
		assert_eq!(node.run_for_calls().len(), 1);
		assert!(node.run_for_calls().is_empty(), "the pool has it");
		// It got lost.
		next_block();
		node.expect_artifact();
		assert_eq!(node.run_for_calls().len(), 1);
		next_block();
		assert!(node.run_for_calls().is_empty(), "the pauses grow");
	});
}

#[test]
fn worker_should_say_nothing_for_an_answer_that_no_run_ends_in() {
	with_node(1, |node| {
		by_steps();
		node.set_fault(1, 1);
		let lie = output().iter().map(|byte| byte.wrapping_add(1)).collect::<Vec<_>>();
		let id = agreed(node, &lie.try_into().unwrap());
		assert_ok!(challenge(51, id, Some(output())));
		node.expect_artifact();
		assert!(node.run_for_calls().is_empty());
		play_as(51, id, &trace(None));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1], "silence loses");
	});
}

#[test]
fn worker_should_leave_a_dispute_to_others_when_it_is_not_its_own() {
	with_node(1, |node| {
		by_steps();
		// Operators 2 to 5 are drawn.
		Operators::set(vec![2, 3, 4, 5]);
		let id = ask_and_draw();
		(2..=5).for_each(|number| commit(id, number, &output()));
		(2..=5).for_each(|number| reveal(id, number, &output()));
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert!(node.run_for_calls().is_empty());
	});
}

#[test]
fn worker_should_not_answer_with_weights_that_no_dispute_could_be_decided_with() {
	with_node(1, |node| {
		ask_and_draw();
		let root = Artifact::get().root;
		Pages::mutate(|all| all.insert(root, H256::repeat_byte(1)));
		node.expect_artifact();
		assert!(node.run().is_empty());
	});
}

#[test]
fn one_worker_of_a_node_should_speak_for_all_who_said_the_same() {
	with_node(2, |node| {
		by_steps();
		let id = ask_and_draw();
		(1..=4).for_each(|number| commit_with(node, id, number));
		assert_ok!(challenge(51, id, Some(wrong_output())));
		node.expect_artifact();
		assert_eq!(node.run_for_calls().len(), 1);
	});
}

/// Commits for operator `number`, and reveals if it is the last one.
fn commit_with(node: &Node, id: RequestId, number: u8) {
	let key = |number: u8| match number {
		1 | 2 => node.hot_key(number.into()),
		_ => hot(number),
	};
	assert_ok!(say(key(number), vec![commit_to(id, number, &output())]));
	if number == 4 {
		(1..=4).for_each(|number| {
			assert_ok!(say(key(number), vec![reveal_of(id, number, &output())]));
		});
	}
}
