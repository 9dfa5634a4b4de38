//! The worker in a dispute over a run that its Wasm is too small for: an engine server records it.

use super::{
	engine_server::{asked, failed, job, post, with_server, Says},
	worker::{requests, with_node, Node},
	worker_disputes::{by_steps, play_against, said_by},
	*,
};
use crate::offchain::{
	artifact::MAX_ARTIFACT,
	failures::{Failures, Subject},
	runs::Run,
	switches::{ENGINE_KEY, FAULT_KEY},
	WorkError,
};
use codec::Encode;
use dodona_engine::{
	trace::{Operation, Program, Trace},
	EngineError,
};
use dodona_primitives_inference::{
	player::{self, Next, Planted},
	Asks, Progress, Question,
};
use dodona_primitives_models::Blake2;
use sp_core::offchain::testing::PendingRequest;

/// What is computed wrongly by those who do.
const PLANTED: Planted = Planted { operation: Operation::Product, layer: 0, token: 0 };

/// As long as the worker waits for what it says next.
const WAIT: u64 = 1_000;

/// A perceptron with weights that the Wasm can't hold, one run of it, and the same with a wrong
/// result.
struct Large {
	truth: Trace<Blake2>,
	lie: Trace<Blake2>,
}

impl Large {
	/// It is the model that is asked.
	fn new() -> Self {
		by_steps();
		let network = dodona_engine::golden::mlp(&[1023, 2048]);
		let weights = dodona_engine::golden::artifact(&network, 1, 1.0).unwrap();
		assert!(weights.len() as u64 > MAX_ARTIFACT);
		let program = Program::new(&network, &Self::question(&network)).unwrap();
		let fault = PLANTED.fault(&program);
		assert!(fault.is_some());
		let [truth, lie] =
			[None, fault].map(|fault| Trace::record(&program, &weights, fault).unwrap());
		assert_ne!(said_by(&truth), said_by(&lie));
		Artifact::set(publish(&weights));
		Computed::set(network);
		Self { truth, lie }
	}

	fn question(network: &Architecture) -> Vec<u8> {
		dodona_engine::golden::input(network, 1)
	}

	/// A request that has a committee.
	fn ask(&self) -> RequestId {
		let id = NextRequestId::<Test>::get();
		let input = Self::question(&Computed::get());
		let origin = RuntimeOrigin::signed(requester());
		assert_ok!(Inference::request(origin, MODEL, None, input, PRICE));
		next_block();
		id
	}

	/// A request that all agree on, and that account 51 claims `claims` for.
	fn challenged(&self, node: &Node, claims: &Trace<Blake2>) -> RequestId {
		let (id, output) = (self.ask(), said_by(&self.truth));
		node.serve(asked(id, 0).says(Progress::Done(output.to_vec())));
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output));
		node.run_and_include();
		(2..=4).for_each(|number| reveal(id, number, &output));
		assert!(matches!(state(id), RequestState::Agreed { .. }));
		assert_ok!(challenge(51, id, Some(said_by(claims))));
		id
	}
}

/// The server will be asked this about the run of a request.
fn question(id: RequestId, planted: Option<Planted>, asks: Asks, wait: u64) -> PendingRequest {
	let question = Question { job: job(id), planted, asks };
	post("engine_trace", &question, wait)
}

fn known(id: RequestId) -> PendingRequest {
	question(id, None, Asks::Known, 0)
}

fn done(answer: impl Encode) -> Progress {
	Progress::Done(answer.encode())
}

/// The server is asked what comes next, and says it.
fn serve_move(node: &Node, id: RequestId, planted: Option<Planted>, trace: &Trace<Blake2>) {
	let known = player::known(trace).unwrap();
	let next = player::next(&dispute(id), &known);
	node.serve(question(id, planted, Asks::Known, 0).says(done(known)));
	if !matches!(next, Next::Wait | Next::Challenge) {
		let said = player::say(trace, &next);
		node.serve(question(id, planted, Asks::Say(next), WAIT).says(done(said)));
	}
}

#[test]
fn worker_should_defend_the_answer_of_a_large_model_to_the_end_by_its_server() {
	with_server(1, |node| {
		let large = Large::new();
		let id = large.challenged(node, &large.lie);
		let known = player::known(&large.lie).unwrap();
		let liar = (large.lie, known);
		let moves = play_against(node, 51, id, &liar, || serve_move(node, id, None, &large.truth));
		assert!(moves >= 3, "its trace, nodes below the root, and the step");
		assert_eq!(standing(id), [0]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&said_by(&large.truth))));
	});
}

#[test]
fn worker_should_ask_again_after_the_next_block_while_the_server_records() {
	with_server(1, |node| {
		let large = Large::new();
		let id = large.challenged(node, &large.lie);
		for _ in 0..2 {
			node.serve(known(id).says(Progress::Pending));
			assert!(node.run_for_calls().is_empty());
			assert_eq!(failed(), [], "it is not a failure");
			next_block();
		}
		// What it says may take a while, too.
		let what = player::known(&large.truth).unwrap();
		let next = player::next(&dispute(id), &what);
		node.serve(known(id).says(done(what)));
		node.serve(question(id, None, Asks::Say(next), WAIT).says(Progress::Pending).after(WAIT));
		assert!(node.run_for_calls().is_empty());
		assert_eq!(failed(), []);
		next_block();
		serve_move(node, id, None, &large.truth);
		assert_eq!(node.run_for_calls().len(), 1);
	});
}

#[test]
fn worker_should_ask_ever_less_often_when_the_server_can_not_record() {
	let reasons = [
		Progress::Unavailable("no memory".into()),
		Progress::Refused(EngineError::OutOfMemory),
		Progress::OtherPages,
		Progress::Done(vec![7]),
	];
	for reason in reasons {
		with_server(1, |node| {
			let large = Large::new();
			let id = large.challenged(node, &large.lie);
			let mut asked = Vec::new();
			for block in 0..4 {
				// After 1 and after 2 more blocks.
				if [0, 1, 3].contains(&block) {
					node.serve(known(id).says(reason.clone()));
					asked.push(block);
				}
				assert!(node.run_for_calls().is_empty());
				assert_eq!(failed().len(), 1);
				next_block();
			}
			assert_eq!(asked.len(), 3);
		});
	}
}

#[test]
fn worker_should_say_nothing_when_the_server_gets_another_answer() {
	with_server(1, |node| {
		let large = Large::new();
		let id = large.challenged(node, &large.lie);
		let wrong = player::known(&large.lie).unwrap();
		node.serve(known(id).says(done(wrong)));
		assert!(node.run_for_calls().is_empty());
		assert_eq!(failed().len(), 1);
	});
}

#[test]
fn worker_should_stand_up_for_the_corrupt_answer_of_a_large_model_when_it_is_told_to() {
	with_server(1, |node| {
		let large = Large::new();
		let key = [FAULT_KEY, &node.hot_key(1).encode()].concat();
		node.set_local(&key, &(4u8, PLANTED).encode());
		let (id, right, wrong) = (large.ask(), said_by(&large.truth), said_by(&large.lie));
		let end = || question(id, Some(PLANTED), Asks::End, 0);
		// It takes a while.
		node.serve(asked(id, 0).says(Progress::Done(right.to_vec())));
		node.serve(end().says(Progress::Pending));
		assert!(node.run().is_empty());
		next_block();
		node.serve(asked(id, 0).says(Progress::Done(right.to_vec())));
		node.serve(end().says(done(Some(wrong.to_vec()))));
		assert_eq!(requests(&[node.run_and_include()]), [[id]]);
		(2..=4).for_each(|number| commit(id, number, &wrong));
		node.run_and_include();
		(2..=4).for_each(|number| reveal(id, number, &wrong));
		assert_ok!(challenge(51, id, Some(right)));
		let known = player::known(&large.truth).unwrap();
		let honest = (large.truth, known);
		let serve = || serve_move(node, id, Some(PLANTED), &large.lie);
		assert!(play_against(node, 51, id, &honest, serve) >= 3);
		assert_eq!(standing(id), [1]);
	});
}

#[test]
fn worker_should_say_what_is_missing_when_there_is_no_server_for_a_large_model() {
	with_server(1, |node| {
		let large = Large::new();
		let id = large.challenged(node, &large.lie);
		node.set_local(ENGINE_KEY, b"");
		// Nobody is asked for anything.
		assert!(node.run_for_calls().is_empty());
		assert_eq!(failed().len(), 1);
		let now = System::block_number();
		let until = sp_io::offchain::timestamp();
		let failures = Failures::of(Inference::genesis_hash());
		let run = Run::of::<Test>(id, VERSION, None, now, until, &failures);
		let error = run.err().unwrap();
		assert!(matches!(error, WorkError::TooLongToRecord));
		assert!(error.to_string().contains("start an engine server"), "{error}");
		assert!(error.is_news());
	});
}

#[test]
fn worker_should_record_a_small_run_by_itself_when_there_is_a_server() {
	with_node(1, |node| {
		by_steps();
		let id = ask_and_draw();
		node.expect_artifact();
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		node.run_and_include();
		(2..=4).for_each(|number| reveal(id, number, &output()));
		assert_ok!(challenge(51, id, Some(wrong_output())));
		node.set_local(ENGINE_KEY, b"http://127.0.0.1:9955");
		node.expect_artifact();
		assert_eq!(node.run_for_calls().len(), 1);
	});
}

#[test]
fn worker_should_not_answer_by_itself_when_the_server_finds_other_pages() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::OtherPages));
		assert!(node.run().is_empty());
		assert!(matches!(failed()[..], [Subject::Answer(_)]));
	});
}
