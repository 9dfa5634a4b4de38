use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn renew_should_extend_the_retention_when_the_depositor_asks() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(6);
		assert_ok!(submit(ALICE, renew(b"weights")));

		assert_eq!(
			last_event(),
			Event::Renewed {
				content_hash: hash_of(b"weights"),
				depositor: ALICE,
				deposit: 114,
				expires_at: 16,
			}
		);
		assert_eq!(held(ALICE), 114);
		let chunk = chunk(b"weights").unwrap();
		// The bytes are where they were.
		assert_eq!((chunk.stored_at, chunk.extrinsic, chunk.expires_at), (1, 0, 16));
		run_to(15);
		assert!(TransactionStorage::contains(hash_of(b"weights")));
	});
}

#[test]
fn renew_should_move_the_deposit_when_another_account_pays() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_ok!(submit(BOB, renew(b"weights")));
		assert_eq!((held(ALICE), held(BOB)), (0, 114));
		assert_eq!(chunk(b"weights").unwrap().depositor, BOB);
	});
}

#[test]
fn renew_should_need_no_second_deposit_when_the_depositor_has_spent_the_rest() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		let rest = Balances::free_balance(ALICE) - 1;
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(ALICE), BOB, rest));
		assert_ok!(submit(ALICE, renew(b"weights")));
		assert_eq!(held(ALICE), 114);
	});
}

#[test]
fn renew_should_keep_the_promise_when_the_retention_period_was_shortened() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		RetentionPeriod::set(2);
		assert_ok!(submit(ALICE, renew(b"weights")));
		assert_eq!(chunk(b"weights").unwrap().expires_at, 11);
	});
}

#[test]
fn renew_should_fail_when_the_chunk_is_unknown_or_expired() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(submit(ALICE, renew(b"weights")), Err(Error::<Test>::NotStored.into()));
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(11);
		assert_eq!(submit(ALICE, renew(b"weights")), Err(Error::<Test>::Expired.into()));
	});
}

#[test]
fn renew_should_change_nothing_when_the_payer_cannot_pay() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		let before = chunk(b"weights");
		assert_eq!(
			submit(POOR, renew(b"weights")),
			Err(DispatchError::Token(TokenError::FundsUnavailable))
		);
		assert_eq!(chunk(b"weights"), before);
		assert_eq!(held(ALICE), 114);
	});
}

#[test]
fn renew_should_fail_when_the_block_is_full() {
	ExtBuilder::default().build_and_execute(|| {
		for byte in 0..MAX_CHUNKS_PER_BLOCK as u8 {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		assert_eq!(submit(ALICE, renew(&[0])), Err(Error::<Test>::BlockFull.into()));
	});
}

#[test]
fn renew_should_fail_when_no_extrinsic_is_being_applied() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		System::note_finished_extrinsics();
		assert_noop!(
			TransactionStorage::renew(RuntimeOrigin::signed(ALICE), hash_of(b"weights")),
			Error::<Test>::NotInExtrinsic
		);
	});
}
