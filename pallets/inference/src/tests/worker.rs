//! The worker, against a node's interfaces as it finds them.

use super::{slow_servers::SlowServers, *};
use crate::offchain::{
	failures::{Failures, Subject, FORGOTTEN, LONGEST_PAUSE, MOST_FAILURES},
	memory::{Memory, SeatId, SeatRecord},
	switches::{DEFAULT_RPC, FAULT_KEY, RPC_KEY},
};
use codec::{Decode, Encode};
use dodona_primitives_inference::HOT_KEY_TYPE;
use dodona_primitives_models::{chunk_cid, chunk_hash};
use sp_core::offchain::{
	testing::{OffchainState, PendingRequest, PoolState, TestOffchainExt, TestTransactionPoolExt},
	OffchainDbExt, OffchainStorage, OffchainWorkerExt, Timestamp, TransactionPoolExt,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use std::sync::Arc;

/// The node around the worker.
pub struct Node {
	offchain: Arc<parking_lot::RwLock<OffchainState>>,
	pool: Arc<parking_lot::RwLock<PoolState>>,
	hot_keys: Vec<AccountId>,
}

/// Runs `test` on a node whose keystore holds the hot keys of operators 1 to `workers`.
pub fn with_node(workers: u8, test: impl FnOnce(&Node)) {
	let mut ext = ExtBuilder::default().build();
	let (offchain, offchain_state) = TestOffchainExt::new();
	let (pool, pool_state) = TestTransactionPoolExt::new();
	let keystore = MemoryKeystore::new();
	let hot_keys: Vec<AccountId> = (1..=workers)
		.map(|number| {
			let suri = format!("//Worker//{number}//hot");
			let key = keystore.sr25519_generate_new(HOT_KEY_TYPE, Some(&suri)).unwrap();
			AccountId::new(key.0)
		})
		.collect();
	ext.register_extension(OffchainDbExt::new(offchain.clone()));
	ext.register_extension(OffchainWorkerExt::new(SlowServers(offchain)));
	ext.register_extension(TransactionPoolExt::new(pool));
	ext.register_extension(KeystoreExt::new(keystore));
	ext.execute_with(|| {
		HotKeys::set(hot_keys.iter().cloned().zip((1..).map(account)).collect());
		test(&Node { offchain: offchain_state, pool: pool_state, hot_keys });
		check();
	});
}

impl Node {
	/// The RPC will be asked for this chunk, and gives `answer`.
	fn expect(&self, hash: H256, answer: impl Into<Vec<u8>>) {
		self.expect_at(DEFAULT_RPC, hash, answer);
	}

	fn expect_at(&self, address: &str, hash: H256, answer: impl Into<Vec<u8>>) {
		let cid = chunk_cid(hash);
		let body =
			format!(r#"{{"jsonrpc":"2.0","id":1,"method":"bitswap_v1_get","params":["{cid}"]}}"#);
		self.serve(PendingRequest {
			method: "POST".into(),
			uri: address.into(),
			headers: vec![("content-type".into(), "application/json".into())],
			body: body.into_bytes(),
			sent: true,
			response: Some(answer.into()),
			..Default::default()
		});
	}

	/// A server will be asked this next.
	pub fn serve(&self, request: PendingRequest) {
		self.offchain.write().expect_request(request);
	}

	/// How many milliseconds have passed.
	pub fn time(&self) -> u64 {
		self.offchain.read().timestamp.unix_millis()
	}

	pub fn set_time(&self, millis: u64) {
		self.offchain.write().timestamp = Timestamp::from_unix_millis(millis);
	}

	/// The RPC has the artifact.
	pub fn expect_artifact(&self) {
		self.expect_weights(&weights());
	}

	/// The RPC has these weights.
	fn expect_weights(&self, bytes: &[u8]) {
		let (artifact, index, chunks) = ArtifactRef::of(bytes);
		self.expect(artifact.index, result(&index));
		for chunk in chunks {
			self.expect(chunk_hash(chunk), result(chunk));
		}
	}

	/// The RPC will be asked for the index of these weights, and does not have it.
	fn expect_missing(&self, bytes: &[u8]) {
		let refusal = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32810,"message":"not found"}}"#;
		self.expect(ArtifactRef::of(bytes).0.index, refusal);
	}

	pub fn local(&self, key: &[u8]) -> Option<Vec<u8>> {
		self.offchain.read().persistent_storage.get(key)
	}

	pub fn set_local(&self, key: &[u8], value: &[u8]) {
		self.offchain.write().persistent_storage.set(b"", key, value);
	}

	pub fn set_fault(&self, number: usize, fault: u8) {
		self.set_local(&[FAULT_KEY, &self.hot_keys[number - 1].encode()].concat(), &[fault]);
	}

	/// One run of the worker; what it sent, in the order in which it did.
	pub fn run(&self) -> Vec<Vec<Submission>> {
		let said = self.run_for_calls().into_iter().map(|call| match call {
			RuntimeCall::Inference(Call::submit { submissions }) => submissions.into_inner(),
			other => panic!("unexpected call {other:?}"),
		});
		said.collect()
	}

	/// One run of the worker; the calls that it sent, in the order in which it did.
	pub fn run_for_calls(&self) -> Vec<RuntimeCall> {
		Inference::work(System::block_number());
		let sent = core::mem::take(&mut self.pool.write().transactions);
		let call = |bytes: Vec<u8>| Extrinsic::decode(&mut &*bytes).unwrap().function;
		sent.into_iter().map(call).collect()
	}

	/// The account of the hot key of operator `number`.
	pub fn hot_key(&self, number: usize) -> AccountId {
		self.hot_keys[number - 1].clone()
	}

	/// One run of the worker of operator 1; what it said, as the chain takes it.
	pub fn run_and_include(&self) -> Vec<Submission> {
		let said = self.run().concat();
		for submission in said.clone() {
			assert_ok!(say(self.hot_keys[0].clone(), vec![submission]));
		}
		said
	}
}

pub fn result(bytes: &[u8]) -> String {
	format!(r#"{{"jsonrpc":"2.0","id":1,"result":"0x{}"}}"#, hex::encode(bytes))
}

#[test]
fn worker_should_commit_to_the_engines_answer_and_then_reveal_it() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.expect_artifact();
		assert_eq!(node.run_and_include().len(), 1);
		assert!(matches!(statuses(id)[0], SeatStatus::Committed(_)));
		assert!(node.run().is_empty(), "nothing to say while others have not committed");

		(2..=4).for_each(|number| commit(id, number, &output()));
		let said = node.run_and_include();
		assert!(matches!(
			&said[0].statement,
			Statement::Reveal { output: Some(revealed), .. } if *revealed == output()
		));
		assert_eq!(statuses(id)[0], SeatStatus::Revealed(outcome_hash(&output())));
	});
}

#[test]
fn worker_should_reveal_without_the_output_when_the_chain_knows_it() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.expect_artifact();
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		reveal(id, 2, &output());
		let said = node.run_and_include();
		assert!(matches!(&said[0].statement, Statement::Reveal { output: None, .. }));
	});
}

#[test]
fn worker_should_say_the_same_again_when_its_extrinsic_was_lost_or_it_was_restarted() {
	with_node(1, |node| {
		ask_and_draw();
		node.expect_artifact();
		let first = node.run();
		// Nothing but the local storage is left of the first run: the RPC is not asked again.
		next_block();
		assert_eq!(node.run(), first);
	});
}

#[test]
fn worker_should_say_nothing_when_it_has_no_seat() {
	with_node(1, |node| {
		Operators::set(vec![5, 6, 7, 8]);
		ask_and_draw();
		assert!(node.run().is_empty());
	});
}

#[test]
fn worker_should_keep_to_itself_what_would_be_heard_too_late() {
	with_node(1, |node| {
		let id = ask_and_draw();
		let RequestState::Committing { until, .. } = state(id) else { panic!("committing") };
		go_to(until);
		assert!(node.run().is_empty(), "the next block takes no commitment");
	});
	with_node(1, |node| {
		let id = ask_and_draw();
		node.expect_artifact();
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		let RequestState::Revealing { until, .. } = state(id) else { panic!("revealing") };
		go_to(until);
		assert!(node.run().is_empty(), "the next block takes no reveal");
	});
}

#[test]
fn worker_should_answer_several_requests_in_one_extrinsic() {
	with_node(1, |node| {
		let (one, two) = (ask_for(VERSION, &[1.0, 2.0]), ask_for(VERSION, &[3.0, 4.0]));
		next_block();
		// Both of them with one model.
		node.expect_artifact();
		let sent = node.run();
		assert_eq!(sent.len(), 1);
		let requests: Vec<_> = sent[0].iter().map(|submission| submission.request).collect();
		assert_eq!(requests, vec![one, two]);
	});
}

#[test]
fn workers_of_one_node_should_compute_an_answer_once_and_commit_each_for_itself() {
	with_node(2, |node| {
		ask_and_draw();
		// There is no time for a second computation.
		Slow::mutate(|all| all.insert(VERSION, Duration::from_millis(5_000)));
		node.expect_artifact();
		let sent = node.run();
		assert_eq!(sent.len(), 2);
		assert_ne!(sent[0][0].statement, sent[1][0].statement);
	});
}

#[test]
fn worker_should_ask_the_rpc_that_the_operator_named() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.set_local(RPC_KEY, b"http://127.0.0.1:12345");
		let bytes = weights();
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		node.expect_at("http://127.0.0.1:12345", artifact.index, result(&index));
		node.expect_at("http://127.0.0.1:12345", chunk_hash(chunks[0]), result(chunks[0]));
		node.run_and_include();
		assert!(matches!(statuses(id)[0], SeatStatus::Committed(_)));
	});
}

/// The worker says nothing when the RPC answers so; and it answers once the RPC is well again.
fn should_recover_from(expect: impl FnOnce(&Node, ArtifactRef, &[u8], &[u8])) {
	with_node(1, |node| {
		let id = ask_and_draw();
		let bytes = weights();
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		expect(node, artifact, &index, chunks[0]);
		assert!(node.run().is_empty());
		next_block();
		node.expect_artifact();
		node.run_and_include();
		assert!(matches!(statuses(id)[0], SeatStatus::Committed(_)));
	});
}

#[test]
fn worker_should_not_answer_when_the_chunk_is_corrupt() {
	should_recover_from(|node, artifact, index, chunk| {
		let mut corrupt = chunk.to_vec();
		corrupt[100] ^= 1;
		node.expect(artifact.index, result(index));
		node.expect(chunk_hash(chunk), result(&corrupt));
	});
}

#[test]
fn worker_should_not_answer_when_the_index_is_corrupt() {
	should_recover_from(|node, artifact, index, _| {
		node.expect(artifact.index, result(&index[1..]));
	});
}

#[test]
fn worker_should_not_answer_when_the_node_does_not_have_the_chunk() {
	should_recover_from(|node, artifact, _, _| {
		let refusal = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32810,"message":"not found"}}"#;
		node.expect(artifact.index, refusal);
	});
}

#[test]
fn worker_should_not_answer_when_the_rpc_does_not_speak_json_rpc() {
	for answer in ["<html>", "", "{}", r#"{"result":"zz"}"#, r#"{"result":"0xzz"}"#] {
		should_recover_from(|node, artifact, _, _| node.expect(artifact.index, answer));
	}
}

#[test]
fn worker_should_not_ask_for_an_artifact_that_it_can_not_hold() {
	with_node(1, |node| {
		Artifact::mutate(|artifact| artifact.size = u64::MAX);
		ask_and_draw();
		assert!(node.run().is_empty());
	});
}

#[test]
fn worker_should_not_answer_when_the_engine_refuses_the_weights() {
	with_node(1, |node| {
		let bytes = b"not a safetensors file".to_vec();
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		Artifact::set(publish(&bytes));
		ask_and_draw();
		node.expect(artifact.index, result(&index));
		node.expect(chunk_hash(chunks[0]), result(chunks[0]));
		assert!(node.run().is_empty());
		// Nor does it ask for them again in every block.
		next_block();
		node.expect(artifact.index, result(&index));
		node.expect(chunk_hash(chunks[0]), result(chunks[0]));
		assert!(node.run().is_empty());
		next_block();
		assert!(node.run().is_empty());
	});
}

#[test]
fn worker_should_lie_only_when_the_switch_is_on() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.set_fault(1, 1);
		node.expect_artifact();
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		node.run_and_include();
		let SeatStatus::Revealed(outcome) = statuses(id)[0] else { panic!("revealed") };
		assert_ne!(outcome, outcome_hash(&output()));
	});
}

#[test]
fn worker_should_go_silent_after_committing_when_the_switch_says_so() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.set_fault(1, 2);
		node.expect_artifact();
		node.run_and_include();
		(2..=4).for_each(|number| commit(id, number, &output()));
		assert!(node.run().is_empty());
		node.set_fault(1, 0);
		assert_eq!(node.run().len(), 1);
	});
}

#[test]
fn worker_should_be_silent_when_the_switch_says_so() {
	with_node(1, |node| {
		ask_and_draw();
		node.set_fault(1, 3);
		assert!(node.run().is_empty());
	});
}

#[test]
fn worker_should_not_reveal_a_commitment_that_it_did_not_make() {
	with_node(1, |node| {
		let id = ask_and_draw();
		(1..=4).for_each(|number| {
			let origin = if number == 1 { node.hot_keys[0].clone() } else { hot(number) };
			assert_ok!(say(origin, vec![commit_to(id, number, &output())]));
		});
		assert!(node.run().is_empty());
	});
}

#[test]
fn worker_should_answer_anew_when_a_reorganisation_made_the_id_another_question() {
	with_node(1, |node| {
		let id = ask_and_draw();
		node.expect_artifact();
		let first = node.run();
		let other: Input = floats(&[5.0, 5.0]).try_into().unwrap();
		Inputs::<Test>::insert(id, other);
		node.expect_artifact();
		assert_ne!(node.run(), first);
		Inputs::<Test>::insert(id, input());
		assert_eq!(node.run(), first, "and back again");
	});
}

#[test]
fn worker_should_forget_a_seat_only_long_after_it_was_open() {
	with_node(1, |node| {
		ask_and_draw();
		node.expect_artifact();
		node.run();
		let subject = (VERSION, requester(), input()).using_encoded(sp_io::hashing::blake2_256);
		let seat = (0u64, 1u32, subject).encode();
		let stored = || {
			let operator = (Inference::genesis_hash(), account(1)).encode();
			let get = |key: Vec<u8>| node.local(&key);
			let list = get([b"dodona/seats/".as_slice(), &operator].concat()).unwrap();
			let seats = Vec::<(u64, [u8; 44])>::decode(&mut &list[..]).unwrap();
			let is_there = get([b"dodona/seat/".as_slice(), &operator, &seat].concat()).is_some();
			assert_eq!(is_there, !seats.is_empty());
			seats.len()
		};
		// Not open any more after block 8.
		go_to(258);
		node.run();
		assert_eq!(stored(), 1);
		go_to(259);
		node.run();
		assert_eq!(stored(), 0);
	});
}

/// Another version, with weights of its own.
fn other_version(number: u32) -> (VersionId, Vec<u8>) {
	let version = VersionId { model: 7, number };
	let bytes = weights_with(number as f32);
	OtherArtifacts::mutate(|all| all.insert(version, publish(&bytes)));
	(version, bytes)
}

/// The requests that were spoken of in each extrinsic.
pub fn requests(sent: &[Vec<Submission>]) -> Vec<Vec<RequestId>> {
	let of = |said: &Vec<Submission>| said.iter().map(|submission| submission.request).collect();
	sent.iter().map(of).collect()
}

/// Lets a committee commit or reveal until this block.
fn set_until(id: RequestId, block: u64) {
	Requests::<Test>::mutate(id, |request| match &mut request.as_mut().unwrap().state {
		RequestState::Committing { until, .. } | RequestState::Revealing { until, .. } => {
			*until = block;
		},
		other => panic!("{other:?}"),
	});
}

#[test]
fn worker_should_ask_for_weights_ever_less_often_when_they_can_not_be_had() {
	with_node(1, |node| {
		let id = ask_and_draw();
		set_until(id, 1000);
		let attempts = [2, 3, 5, 9, 17, 33, 65, 129, 193, 257];
		for block in 2..300 {
			System::set_block_number(block);
			if attempts.contains(&block) {
				node.expect_missing(&weights());
			}
			// A request that nobody expects fails the test.
			assert!(node.run().is_empty());
		}
		assert_eq!(LONGEST_PAUSE, 64);
	});
}

#[test]
fn worker_should_forget_a_failure_when_it_works_again() {
	with_node(1, |node| {
		ask();
		next_block();
		node.expect_missing(&weights());
		assert!(node.run().is_empty());
		next_block();
		node.expect_artifact();
		assert_eq!(node.run().len(), 1);
		assert!(Failures::<u64>::of(Inference::genesis_hash()).subjects().is_empty());
	});
}

#[test]
fn worker_should_answer_the_most_urgent_first() {
	with_node(1, |node| {
		let (slow, bytes) = other_version(1);
		let (urgent, _) = (ask_for(slow, &[1.0, 2.0]), next_block());
		let (later, _) = (ask(), next_block());
		Slow::mutate(|all| all.insert(slow, Duration::from_millis(5_000)));
		node.expect_weights(&bytes);
		// It takes all the time there is.
		assert_eq!(requests(&node.run()), [[urgent]]);
		Slow::take();
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [vec![urgent], vec![later]]);
	});
}

#[test]
fn worker_should_answer_what_has_failed_last_however_urgent_it_is() {
	with_node(1, |node| {
		let (bad, bytes) = other_version(1);
		let urgent = ask_for(bad, &[1.0, 2.0]);
		next_block();
		node.expect_missing(&bytes);
		assert!(node.run().is_empty());
		let later = ask();
		next_block();
		// Whichever comes first, there is no time for the other.
		let slow = Duration::from_millis(5_000);
		Slow::set([(bad, slow), (VERSION, slow)].into());
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[later]]);
		Slow::take();
		node.expect_weights(&bytes);
		assert_eq!(requests(&node.run()), [vec![later], vec![urgent]]);
	});
}

#[test]
fn worker_should_say_what_it_knows_when_a_computation_takes_all_its_time() {
	with_node(2, |node| {
		// A hot key that has something to compute comes before one that has something to reveal.
		Operators::set(vec![2, 3, 4, 5]);
		let revealing = ask_and_draw();
		node.expect_artifact();
		let said = node.run().concat();
		assert_ok!(say(node.hot_keys[1].clone(), said));
		(3..=5).for_each(|number| commit(revealing, number, &output()));
		Operators::set(vec![1, 6, 7, 8]);
		let (slow, bytes) = other_version(1);
		let computing = ask_for(slow, &[1.0, 2.0]);
		next_block();
		Slow::mutate(|all| all.insert(slow, Duration::from_millis(5_000)));
		node.expect_weights(&bytes);
		let sent = node.run();
		assert_eq!(requests(&sent), [[revealing], [computing]]);
		assert!(matches!(sent[0][0].statement, Statement::Reveal { .. }));
	});
}

#[test]
fn worker_should_keep_two_models_and_no_more() {
	with_node(1, |node| {
		let versions: Vec<_> = (1..=3).map(other_version).collect();
		// Equally urgent: in the order of their ids.
		for (number, index) in [0, 1, 0, 2, 0, 1].into_iter().enumerate() {
			ask_for(versions[index].0, &[number as f32, 0.0]);
		}
		next_block();
		// The first is used too often to be dropped.
		for index in [0, 1, 2, 1] {
			node.expect_weights(&versions[index].1);
		}
		assert_eq!(node.run()[0].len(), 6);
	});
}

#[test]
fn worker_should_answer_others_when_one_input_is_too_much_for_the_model() {
	with_node(1, |node| {
		let too_much = ask_for(VERSION, &[f32::MAX, f32::MAX]);
		let fine = ask();
		next_block();
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[fine]]);
		let failed = Failures::<u64>::of(Inference::genesis_hash()).subjects();
		assert!(matches!(failed[..], [Subject::Answer(_)]));
		// Not even for its weights does it ask in every block.
		next_block();
		node.expect_artifact();
		assert_eq!(requests(&node.run()), [[fine]]);
		next_block();
		assert_eq!(requests(&node.run()), [[fine]]);
		assert!(matches!(state(too_much), RequestState::Committing { .. }));
	});
}

#[test]
fn worker_should_say_everything_in_rising_order_and_reveals_before_commitments() {
	with_node(1, |node| {
		// More than an extrinsic has room for; the last request is the only one to reveal.
		for number in 0..18 {
			ask_for(VERSION, &[number as f32, 0.0]);
		}
		next_block();
		node.expect_artifact();
		assert_eq!(node.run()[0].len(), 16);
		let said: Vec<Submission> = node.run().concat();
		assert!(said.iter().all(|submission| submission.request < 16), "the others have to wait");
		// The most urgent ones are not those with the lowest ids.
		(0..16).for_each(|id| set_until(id, 20));
		let said = requests(&node.run()).concat();
		assert_eq!(said, (0..14).chain(16..18).collect::<Vec<_>>());
		let origin = RuntimeOrigin::signed(node.hot_keys[0].clone());
		let submissions = node.run().concat().try_into().unwrap();
		assert!(Inference::is_feeless(&origin, &submissions));
		// One to reveal, and by far not the most urgent.
		let mine = submissions.into_iter().find(|said| said.request == 5).unwrap();
		assert_ok!(say(node.hot_keys[0].clone(), vec![mine]));
		(2..=4).for_each(|number| commit(5, number, &output()));
		set_until(5, 30);
		let said = node.run().concat();
		assert_eq!(said.len(), 16);
		assert!(said.iter().any(|said| matches!(said.statement, Statement::Reveal { .. })));
	});
}

#[test]
fn first_record_of_a_seat_should_stand_when_two_runs_answer_at_once() {
	with_node(1, |_| {
		let memory = Memory::<u64>::of(Inference::genesis_hash(), &account(1));
		let seat = SeatId { request: 1, attempt: 1, subject: H256::zero() };
		let record = |number| SeatRecord {
			salt: salt(number),
			outcome: outcome_hash(&output()),
			output: output(),
		};
		assert_eq!(memory.recall(seat), None);
		assert_eq!(memory.remember(2, seat, record(1)), Some(record(1)));
		// Another salt would open another commitment than the one that was sent.
		assert_eq!(memory.remember(2, seat, record(2)), Some(record(1)));
		assert_eq!(memory.recall(seat), Some(record(1)));
		let next_attempt = SeatId { attempt: 2, ..seat };
		assert_eq!(memory.remember(3, next_attempt, record(2)), Some(record(2)));
	});
}

#[test]
fn attempt_should_count_as_failed_until_it_has_worked() {
	with_node(1, |_| {
		let failures = Failures::<u64>::of(Inference::genesis_hash());
		let subject = Subject::Answer(H256::repeat_byte(1));
		let other = Subject::Answer(H256::repeat_byte(2));
		assert!(failures.begin(subject, 10));
		// Whether it trapped, was killed or goes on: nobody else tries in the same block.
		assert!(!failures.begin(subject, 10));
		assert!(failures.begin(other, 10), "another one");
		assert!(failures.begin(subject, 11));
		assert!(!failures.begin(subject, 12));
		failures.worked(subject);
		assert!(failures.begin(subject, 12));
		assert_eq!(failures.subjects(), [other, subject]);
	});
}

#[test]
fn failures_should_be_forgotten_when_they_are_old_or_too_many() {
	with_node(1, |_| {
		let failures = Failures::<u64>::of(Inference::genesis_hash());
		let subject = |number: u32| Subject::Weights(VersionId { model: 0, number });
		(0..=MOST_FAILURES as u32).for_each(|number| assert!(failures.begin(subject(number), 1)));
		let known = failures.subjects();
		assert_eq!(known.len(), MOST_FAILURES);
		assert_eq!(known[0], subject(1), "the oldest is forgotten first");
		let old = 2 + u64::from(FORGOTTEN);
		assert!(failures.begin(subject(1000), old - 1));
		assert_eq!(failures.subjects().len(), MOST_FAILURES);
		assert!(failures.begin(subject(1001), old));
		assert_eq!(failures.subjects(), [subject(1000), subject(1001)]);
	});
}
