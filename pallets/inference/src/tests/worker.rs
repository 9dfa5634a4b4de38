//! The worker, against a node's interfaces as it finds them.

use super::*;
use crate::offchain::switches::{DEFAULT_RPC, FAULT_KEY, RPC_KEY};
use codec::{Compact, Decode, Encode};
use dodona_primitives_inference::HOT_KEY_TYPE;
use dodona_primitives_models::{chunk_cid, chunk_hash};
use sp_core::offchain::{
	testing::{OffchainState, PendingRequest, PoolState, TestOffchainExt, TestTransactionPoolExt},
	OffchainDbExt, OffchainStorage, OffchainWorkerExt, TransactionPoolExt,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use std::sync::Arc;

/// The node around the worker.
struct Node {
	offchain: Arc<parking_lot::RwLock<OffchainState>>,
	pool: Arc<parking_lot::RwLock<PoolState>>,
	hot_keys: Vec<AccountId>,
}

/// Runs `test` on a node whose keystore holds the hot keys of operators 1 to `workers`.
fn with_node(workers: u8, test: impl FnOnce(&Node)) {
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
	ext.register_extension(OffchainWorkerExt::new(offchain));
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
		self.offchain.write().expect_request(PendingRequest {
			method: "POST".into(),
			uri: address.into(),
			headers: vec![("content-type".into(), "application/json".into())],
			body: body.into_bytes(),
			sent: true,
			response: Some(answer.into()),
			..Default::default()
		});
	}

	/// The RPC has the artifact.
	fn expect_artifact(&self) {
		let bytes = weights();
		let (artifact, index, chunks) = ArtifactRef::of(&bytes);
		self.expect(artifact.index, result(&index));
		for chunk in chunks {
			self.expect(chunk_hash(chunk), result(chunk));
		}
	}

	fn set_local(&self, key: &[u8], value: &[u8]) {
		self.offchain.write().persistent_storage.set(b"", key, value);
	}

	fn set_fault(&self, number: usize, fault: u8) {
		self.set_local(&[FAULT_KEY, &self.hot_keys[number - 1].encode()].concat(), &[fault]);
	}

	/// One run of the worker; what it sent, in the order in which it did.
	fn run(&self) -> Vec<Vec<Submission>> {
		Inference::work(System::block_number());
		let mut sent = core::mem::take(&mut self.pool.write().transactions);
		sent.reverse();
		sent.into_iter()
			.map(|bytes| {
				let extrinsic = Extrinsic::decode(&mut &*bytes).unwrap();
				match extrinsic.function {
					RuntimeCall::Inference(Call::submit { submissions }) => {
						submissions.into_inner()
					},
					other => panic!("unexpected call {other:?}"),
				}
			})
			.collect()
	}

	/// One run of the worker of operator 1; what it said, as the chain takes it.
	fn run_and_include(&self) -> Vec<Submission> {
		let said = self.run().concat();
		for submission in said.clone() {
			let origin = RuntimeOrigin::signed(self.hot_keys[0].clone());
			assert_ok!(Inference::submit(origin, bounded_vec![submission]));
		}
		said
	}
}

fn result(bytes: &[u8]) -> String {
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
		let (one, two) = (ask(), ask());
		next_block();
		node.expect_artifact();
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
		Artifact::set(artifact);
		ask_and_draw();
		node.expect(artifact.index, result(&index));
		node.expect(chunk_hash(chunks[0]), result(chunks[0]));
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
			let submissions = bounded_vec![commit_to(id, number, &output())];
			assert_ok!(Inference::submit(RuntimeOrigin::signed(origin), submissions));
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
		let stored = || {
			let key = (b"dodona/seats/", Inference::genesis_hash(), account(1)).encode();
			let bytes = node.offchain.read().persistent_storage.get(&key).unwrap();
			Compact::<u32>::decode(&mut &bytes[..]).unwrap().0
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
