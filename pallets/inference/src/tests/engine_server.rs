//! The worker, beside an engine server.

use super::{
	worker::{requests, result, with_node, Node},
	*,
};
use crate::offchain::{
	artifact::FetchError,
	compute::{Computer, Standing},
	engine::Away,
	failures::{Failures, Subject},
	memory::SeatId,
	rpc::CallError,
	switches::ENGINE_KEY,
	Task, WorkError,
};
use codec::Encode;
use dodona_engine::{
	architecture::{cnn, Class},
	EngineError,
};
use dodona_primitives_inference::{Job, Progress};
use sp_core::offchain::testing::PendingRequest;
use sp_runtime::offchain::storage_lock::{StorageLock, Time};

const SERVER: &str = "http://127.0.0.1:9955";

/// As long as the worker waits for the answer, if it has all its time for that.
const LONG: u64 = 3_000;

/// An answer that never comes.
const NEVER: u64 = u64::MAX;

/// Runs `test` on a node with workers 1 to `workers` and an engine server.
pub fn with_server(workers: u8, test: impl FnOnce(&Node)) {
	with_node(workers, |node| {
		node.set_local(ENGINE_KEY, SERVER.as_bytes());
		test(node);
	});
}

/// The job that a request is.
pub fn job(id: RequestId) -> Job {
	let version = Requests::<Test>::get(id).unwrap().version;
	let Manifest { engine, architecture, artifact, pages, .. } = Models::manifest(version).unwrap();
	Job { engine, architecture, artifact, pages, input: Inputs::<Test>::get(id).unwrap() }
}

/// The server will be asked for the progress of a job, to be told within `wait` milliseconds.
pub fn asked(id: RequestId, wait: u64) -> PendingRequest {
	post("engine_answer", &job(id), wait)
}

/// The server will be asked this, to be told within `wait` milliseconds.
pub fn post(method: &str, what: &impl Encode, wait: u64) -> PendingRequest {
	let what = hex::encode(what.encode());
	let body =
		format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":["0x{what}",{wait}]}}"#);
	PendingRequest {
		method: "POST".into(),
		uri: SERVER.into(),
		headers: vec![("content-type".into(), "application/json".into())],
		body: body.into_bytes(),
		sent: true,
		..Default::default()
	}
}

/// What the server says.
pub trait Says {
	/// This progress.
	fn says(self, progress: Progress) -> Self;
	/// This text.
	fn writes(self, text: impl Into<Vec<u8>>) -> Self;
	/// After so many milliseconds.
	fn after(self, millis: u64) -> Self;
}

impl Says for PendingRequest {
	fn says(self, progress: Progress) -> Self {
		self.writes(result(&progress.encode()))
	}

	fn writes(self, text: impl Into<Vec<u8>>) -> Self {
		Self { response: Some(text.into()), ..self }
	}

	fn after(self, millis: u64) -> Self {
		Self { response_headers: vec![("takes".into(), millis.to_string())], ..self }
	}
}

fn done() -> Progress {
	Progress::Done(output().into_inner())
}

/// What has failed so far.
pub fn failed() -> Vec<Subject> {
	Failures::<u64>::of(Inference::genesis_hash()).subjects()
}

/// What one run computes with.
fn computer() -> Computer<Test> {
	let until = sp_io::offchain::timestamp().add(Duration::from_millis(4_000));
	Computer::new(System::block_number(), until, Failures::of(Inference::genesis_hash()))
}

/// The task that a request is, for worker 1.
fn task(id: RequestId) -> Task<u64> {
	let version = Requests::<Test>::get(id).unwrap().version;
	let subject = H256(job(id).using_encoded(sp_io::hashing::blake2_256));
	let seat = SeatId { request: id, attempt: attempt(id), subject };
	Task { worker: 0, last: 7, version, seat }
}

/// Two requests of one worker, with committees.
fn two_requests() -> (RequestId, RequestId) {
	let both = (ask_for(VERSION, &[1.0, 2.0]), ask_for(VERSION, &[5.0, 6.0]));
	next_block();
	both
}

#[test]
fn worker_should_commit_to_the_servers_answer_and_then_reveal_it() {
	with_server(1, |node| {
		let id = ask_and_draw();
		// Nobody is asked for weights.
		node.serve(asked(id, 0).says(done()));
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		node.run_and_include();
		assert_eq!(statuses(id)[0], SeatStatus::Revealed(outcome_hash(&output())));
		assert!(failed().is_empty());
	});
}

#[test]
fn worker_should_commit_when_the_answer_comes_while_it_waits() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(done()).after(LONG));
		assert_eq!(requests(&node.run()), [[id]]);
	});
}

#[test]
fn worker_should_ask_again_in_the_next_run_when_the_server_is_not_done() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(Progress::Pending).after(LONG));
		assert!(node.run().is_empty());
		assert!(failed().is_empty());
		next_block();
		node.serve(asked(id, 0).says(done()));
		assert_eq!(requests(&node.run()), [[id]]);
	});
}

#[test]
fn answer_should_be_no_news_while_the_server_computes_it() {
	with_server(1, |node| {
		let id = ask_and_draw();
		let mut computer = computer();
		node.serve(asked(id, 0).says(Progress::Pending));
		assert!(matches!(computer.ask(&task(id), false), Ok(Standing::Pending)));
		node.serve(asked(id, LONG).says(Progress::Pending));
		let error = computer.wait_for(&task(id)).unwrap_err();
		assert!(matches!(error, WorkError::Computing));
		assert!(!error.is_news());
	});
}

#[test]
fn worker_should_put_all_questions_before_it_waits_for_the_most_urgent() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		node.serve(asked(one, 0).says(Progress::Pending));
		node.serve(asked(two, 0).says(Progress::Pending));
		node.serve(asked(one, LONG).says(done()).after(1_500));
		// What is left of the time.
		node.serve(asked(two, 1_500).says(done()));
		assert_eq!(requests(&node.run()), [[one], [two]]);
	});
}

#[test]
fn worker_should_commit_to_what_is_done_before_it_waits() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		node.serve(asked(one, 0).says(Progress::Pending));
		node.serve(asked(two, 0).says(done()));
		node.serve(asked(one, LONG).says(done()));
		assert_eq!(requests(&node.run()), [[two], [one]]);
	});
}

#[test]
fn worker_should_commit_to_what_is_done_before_it_computes_by_itself() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		node.serve(asked(one, 0).says(Progress::Unavailable("no memory".into())));
		node.serve(asked(two, 0).says(done()));
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[two], [one]]);
	});
}

#[test]
fn worker_should_wait_no_longer_than_a_run_may_take() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		let three = ask();
		next_block();
		for id in [one, two, three] {
			node.serve(asked(id, 0).says(Progress::Pending));
		}
		node.serve(asked(one, LONG).says(Progress::Pending).after(LONG + 500));
		node.serve(asked(two, 0).says(Progress::Pending).after(NEVER));
		// The third is not even asked for.
		assert!(node.run().is_empty());
		assert_eq!(node.time(), 4_000);
		assert!(failed().is_empty());
		next_block();
		for id in [one, two, three] {
			node.serve(asked(id, 0).says(done()));
		}
		assert_eq!(requests(&node.run()), [[one, two, three]]);
	});
}

#[test]
fn worker_should_ask_nothing_more_when_its_time_is_up() {
	with_server(1, |node| {
		let ids: Vec<_> = (0..5).map(|number| ask_for(VERSION, &[number as f32, 0.0])).collect();
		next_block();
		// Nobody is asked for the fifth, nor again for the others.
		for id in &ids[..4] {
			node.serve(asked(*id, 0).says(Progress::Pending).after(1_000));
		}
		assert!(node.run().is_empty());
		assert!(failed().is_empty());
	});
}

#[test]
fn worker_should_not_wait_when_another_run_does() {
	with_server(1, |node| {
		let id = ask_and_draw();
		let key = (b"dodona/waiting/", Inference::genesis_hash()).encode();
		let mut lock = StorageLock::<Time>::with_deadline(&key, Duration::from_millis(4_000));
		let turn = lock.try_lock();
		assert!(turn.is_ok());
		node.serve(asked(id, 0).says(Progress::Pending));
		assert!(node.run().is_empty());
		// The other one was killed, and its turn ends by itself.
		node.set_time(4_001);
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(done()));
		assert_eq!(requests(&node.run()), [[id]]);
		assert_eq!(node.local(&key), None, "this one gave its turn back");
		drop(turn);
	});
}

#[test]
fn workers_of_one_node_should_ask_the_server_once_and_commit_each_for_itself() {
	with_server(2, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(done()));
		let sent = node.run();
		assert_eq!(requests(&sent), [[id], [id]]);
		assert_ne!(sent[0][0].statement, sent[1][0].statement);
	});
}

#[test]
fn worker_should_not_ask_the_server_again_when_it_was_restarted_after_an_answer() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(done()));
		let first = node.run();
		assert_eq!(requests(&first), [[id]]);
		next_block();
		assert_eq!(node.run(), first);
	});
}

#[test]
fn worker_should_ask_ever_less_often_when_the_server_refuses() {
	with_server(1, |node| {
		let id = ask_and_draw();
		for block in 2..=4 {
			if block < 4 {
				let refusal = Progress::Refused(EngineError::NonFiniteResult { layer: 1 });
				node.serve(asked(id, 0).says(refusal));
			}
			// The Wasm would refuse, too: nobody is asked for weights.
			assert!(node.run().is_empty());
			assert!(matches!(failed()[..], [Subject::Answer(_)]));
			next_block();
		}
	});
}

#[test]
fn refusal_should_be_the_engines_own() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Refused(EngineError::OutOfMemory)));
		let error = computer().ask(&task(id), false).unwrap_err();
		assert!(matches!(error, WorkError::Engine(EngineError::OutOfMemory)));
		assert!(error.is_news());
	});
}

#[test]
fn worker_should_say_nothing_when_the_servers_output_is_longer_than_a_reveal_can_carry() {
	with_server(1, |node| {
		let id = ask_and_draw();
		let long =
			Progress::Done(vec![0; dodona_primitives_inference::MAX_OUTPUT_LEN as usize + 1]);
		node.serve(asked(id, 0).says(long));
		assert!(node.run().is_empty());
		assert!(matches!(failed()[..], [Subject::Answer(_)]));
	});
}

#[test]
fn worker_should_forget_a_refusal_when_the_server_answers() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Refused(EngineError::OutOfMemory)));
		node.run();
		next_block();
		node.serve(asked(id, 0).says(done()));
		assert_eq!(requests(&node.run()), [[id]]);
		assert!(failed().is_empty());
	});
}

#[test]
fn worker_should_lie_about_the_servers_answer_only_when_the_switch_is_on() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.set_fault(1, 1);
		node.serve(asked(id, 0).says(done()));
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		node.run_and_include();
		let SeatStatus::Revealed(outcome) = statuses(id)[0] else { panic!("revealed") };
		assert_ne!(outcome, outcome_hash(&output()));
	});
}

#[test]
fn worker_should_compute_by_itself_when_there_is_no_server() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.set_local(ENGINE_KEY, b"");
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[id]]);
	});
}

#[test]
fn worker_should_compute_everything_by_itself_when_the_server_is_away() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		// It costs time once in a run.
		node.serve(asked(one, 0).says(done()).after(NEVER));
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[one, two]]);
		assert_eq!(node.time(), 1_000);
	});
}

#[test]
fn worker_should_compute_by_itself_what_the_server_can_not() {
	with_server(1, |node| {
		let (one, two) = two_requests();
		node.serve(asked(one, 0).says(Progress::Unavailable("no memory".into())));
		node.serve(asked(two, 0).says(Progress::Pending));
		node.expect_artifact();
		node.serve(asked(two, LONG).says(done()));
		assert_eq!(requests(&node.run()), [[one], [two]]);
	});
}

#[test]
fn worker_should_compute_by_itself_when_the_server_goes_away_while_it_waits() {
	with_server(1, |node| {
		let id = ask_and_draw();
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(Progress::Unavailable("shutting down".into())));
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[id]]);
	});
}

#[test]
fn worker_should_compute_by_itself_when_the_server_makes_no_sense() {
	let trailing = [Progress::Pending.encode(), vec![0]].concat();
	let too_long = Progress::Done(vec![0; 1024 * 1024 + 1024]).encode();
	let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;
	for answer in [
		"<html>",
		"",
		"{}",
		r#"{"result":null}"#,
		r#"{"result":"zz"}"#,
		r#"{"result":"0xzz"}"#,
		r#"{"result":"0x"}"#,
		r#"{"result":"0x09"}"#,
		&result(&trailing),
		&result(&too_long),
		error,
	] {
		with_server(1, |node| {
			let id = ask_and_draw();
			node.serve(asked(id, 0).writes(answer));
			node.expect_artifact();
			node.run_and_include();
			(2..=4).for_each(|number| commit(id, number, &output()));
			node.run_and_include();
			let outcome = outcome_hash(&output());
			assert_eq!(statuses(id)[0], SeatStatus::Revealed(outcome), "{answer:.80}");
		});
	}
}

#[test]
fn worker_should_answer_when_the_server_is_back_though_the_wasm_can_not_have_the_model() {
	with_server(1, |node| {
		Artifact::mutate(|artifact| artifact.size = 8 * 1024 * 1024 + 1);
		let (one, two) = two_requests();
		node.serve(asked(one, 0).says(done()).after(NEVER));
		assert!(node.run().is_empty());
		assert_eq!(failed(), [Subject::Weights(VERSION)]);
		next_block();
		node.serve(asked(one, 0).says(done()));
		node.serve(asked(two, 0).says(done()));
		assert_eq!(requests(&node.run()), [[one, two]]);
	});
}

#[test]
fn error_should_say_what_to_do_when_neither_the_server_nor_the_wasm_can_have_the_model() {
	with_server(1, |node| {
		Artifact::mutate(|artifact| artifact.size = 8 * 1024 * 1024 + 1);
		let (one, two) = two_requests();
		let mut computer = computer();
		node.serve(asked(one, 0).says(done()).after(NEVER));
		let unreachable = Away::Call(CallError::Unreachable(SERVER.into()));
		for id in [one, two] {
			let standing = computer.ask(&task(id), false);
			assert!(matches!(standing, Ok(Standing::Own(Some(away))) if away == unreachable));
		}
		// As for the one that was not asked.
		let error = computer.compute(&task(two)).unwrap_err();
		assert!(matches!(
			&error,
			WorkError::Artifact(FetchError::TooLarge(8_388_609), Some(away)) if *away == unreachable
		));
		assert!(error.is_news());
		let text = error.to_string();
		for part in [SERVER, "8388609 bytes", "start an engine server", "docs/running.md"] {
			assert!(text.contains(part), "{part:?} in {text:?}");
		}
	});
}

#[test]
fn worker_should_say_what_it_knows_when_the_server_hangs() {
	with_server(1, |node| {
		let revealing = ask_and_draw();
		node.serve(asked(revealing, 0).says(done()));
		node.run_and_include();
		(2..=4).for_each(|number| commit(revealing, number, &output()));
		let computing = ask();
		next_block();
		node.serve(asked(computing, 0).says(Progress::Pending));
		node.serve(asked(computing, LONG).says(Progress::Pending).after(NEVER));
		let sent = node.run();
		assert_eq!(requests(&sent), [[revealing]]);
		assert!(matches!(sent[0][0].statement, Statement::Reveal { .. }));
		assert_eq!(node.time(), 4_000);
	});
}

#[test]
fn worker_should_compute_a_small_answer_by_itself_when_the_server_is_not_done_in_the_end() {
	with_server(1, |node| {
		let id = ask_and_draw();
		let RequestState::Committing { until, .. } = state(id) else { panic!("committing") };
		go_to(until - 3);
		node.serve(asked(id, 0).says(Progress::Pending));
		node.serve(asked(id, LONG).says(Progress::Pending));
		assert!(node.run().is_empty());
		next_block();
		node.serve(asked(id, 0).says(Progress::Pending));
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[id]]);
	});
}

#[test]
fn worker_should_leave_a_large_answer_to_the_server_until_the_end() {
	let convolution = cnn::Layer::Conv2d { outputs: 64, kernel: 3, stride: 1, padding: 1 };
	let slow = Architecture::Cnn(cnn::Config {
		class: Class::F32,
		channels: 4,
		height: 64,
		width: 64,
		layers: bounded_vec![convolution, convolution],
	});
	assert!(slow.work(&[]) > 100_000_000);
	let changes: [fn(Architecture); 2] = [
		|slow| Computed::set(slow),
		|_| Artifact::mutate(|artifact| artifact.size = 8 * 1024 * 1024 + 1),
	];
	for change in changes {
		with_server(1, |node| {
			let id = ask_and_draw();
			change(slow.clone());
			let RequestState::Committing { until, .. } = state(id) else { panic!("committing") };
			go_to(until - 1);
			node.serve(asked(id, 0).says(Progress::Pending));
			node.serve(asked(id, LONG).says(done()));
			assert_eq!(requests(&node.run()), [[id]]);
		});
		Computed::set(architecture());
	}
}
