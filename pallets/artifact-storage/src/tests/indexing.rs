//! What nodes serve, whatever is batched, rolled back or repeated.

use crate::{mock::*, Error};
use frame_support::assert_ok;

/// A call that a signed origin may not make.
fn fails() -> RuntimeCall {
	frame_system::Call::set_heap_pages { pages: 1 }.into()
}

#[test]
fn node_should_serve_the_chunk_when_store_is_the_extrinsic() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		for (who, data) in [(ALICE, &b"weights"[..]), (BOB, b"index")] {
			let (result, encoded) = apply(who, store(data));
			assert_ok!(result);
			body.push(encoded);
		}
	});
	assert_eq!(served.get(&hash_of(b"weights")), Some(&b"weights".to_vec()));
	assert_eq!(served.get(&hash_of(b"index")), Some(&b"index".to_vec()));
}

#[test]
fn node_should_serve_the_chunk_when_store_is_the_last_call_of_a_batch() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) =
			apply(ALICE, batch_all(vec![remark(b"a"), batch(vec![store(b"weights")])]));
		assert_ok!(result);
		body.push(encoded);
	});
	assert_eq!(served.get(&hash_of(b"weights")), Some(&b"weights".to_vec()));
}

#[test]
fn store_should_fail_when_it_is_not_the_last_call_of_a_batch() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) = apply(ALICE, batch_all(vec![store(b"weights"), remark(b"a")]));
		assert_eq!(result, Err(Error::<Test>::NotLast.into()));
		body.push(encoded);
		assert_eq!(chunk(b"weights"), None);
	});
	assert!(served.is_empty());
}

#[test]
fn store_should_fail_when_the_extrinsic_already_stores_another_tail_of_itself() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) = apply(ALICE, batch_all(vec![store(b"ts"), store(b"weights")]));
		assert_eq!(result, Err(Error::<Test>::AlreadyIndexed.into()));
		body.push(encoded);
	});
	assert!(served.is_empty());
}

#[test]
fn node_should_serve_nothing_when_the_store_was_rolled_back() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		// The extrinsic ends with the content, but in a call that comes after a failure.
		let calls = vec![store(b"weights"), fails(), remark(b"weights")];
		let (result, encoded) = apply(ALICE, force_batch(vec![batch_all(calls)]));
		assert_ok!(result);
		body.push(encoded);
		assert_eq!(chunk(b"weights"), None);
		assert_eq!(held(ALICE), 0);
	});
	assert!(served.is_empty());
}

#[test]
fn node_should_serve_the_chunk_when_another_store_of_the_extrinsic_was_rolled_back() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) = apply(
			ALICE,
			force_batch(vec![batch_all(vec![store(b"ts"), fails()]), store(b"weights")]),
		);
		assert_ok!(result);
		body.push(encoded);
		let (result, encoded) = apply(
			ALICE,
			force_batch(vec![
				store(b"ex"),
				batch_all(vec![store(b"dex"), fails(), remark(b"index")]),
			]),
		);
		assert_ok!(result);
		body.push(encoded);
		assert!(chunk(b"weights").is_some());
		assert!(chunk(b"ex").is_some());
	});
	assert_eq!(served.keys().len(), 2);
	assert!(served.contains_key(&hash_of(b"weights")));
}

#[test]
fn node_should_serve_the_chunk_when_a_renewal_of_the_extrinsic_was_rolled_back() {
	let served = ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) = apply(BOB, store(b"index"));
		assert_ok!(result);
		body.push(encoded);
		double_retention();
		let (result, encoded) = apply(
			ALICE,
			force_batch(vec![batch_all(vec![renew(b"index"), fails()]), store(b"weights")]),
		);
		assert_ok!(result);
		body.push(encoded);
		assert_eq!(chunk(b"index").unwrap().depositor, BOB);
	});
	assert!(served.contains_key(&hash_of(b"weights")));
}

#[test]
fn store_should_fail_when_the_extrinsic_also_renews() {
	ExtBuilder::default().build_and_serve(|body| {
		let (result, encoded) = apply(ALICE, store(b"index"));
		assert_ok!(result);
		body.push(encoded);
		double_retention();
		let (result, encoded) = apply(ALICE, batch_all(vec![renew(b"index"), store(b"weights")]));
		assert_eq!(result, Err(Error::<Test>::AlreadyIndexed.into()));
		body.push(encoded);
	});
}

#[test]
fn renew_should_fail_when_the_extrinsic_also_stores() {
	ExtBuilder::default().build_and_serve(|body| {
		// The only way for a store to come before the last call: to be its last bytes too.
		let content_hash = hash_of(b"index");
		let (result, encoded) = apply(ALICE, store(b"index"));
		assert_ok!(result);
		body.push(encoded);
		double_retention();
		let (result, encoded) =
			apply(ALICE, batch_all(vec![store(&content_hash.0), renew(b"index")]));
		assert_eq!(result, Err(Error::<Test>::AlreadyIndexed.into()));
		body.push(encoded);
	});
}

#[test]
fn renew_should_work_for_several_chunks_when_they_are_batched() {
	ExtBuilder::default().build_and_serve(|body| {
		for data in [&b"weights"[..], b"index"] {
			let (result, encoded) = apply(ALICE, store(data));
			assert_ok!(result);
			body.push(encoded);
		}
		double_retention();
		let (result, encoded) = apply(BOB, batch_all(vec![renew(b"weights"), renew(b"index")]));
		assert_ok!(result);
		body.push(encoded);
		assert_eq!(held(BOB), deposit(b"weights") + deposit(b"index"));
	});
}

#[test]
fn host_should_hear_of_an_operation_once() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_eq!(crate::Pending::<Test>::get().len(), 1);
		run_to(2);
		assert!(crate::Pending::<Test>::get().is_empty());
	});
}
