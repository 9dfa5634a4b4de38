use crate::{mock::*, Error, Event, Pending};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn store_should_record_the_chunk_and_hold_the_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(BOB, remark(b"first extrinsic")));
		assert_ok!(submit(ALICE, store(b"weights")));

		assert_eq!(
			last_event(),
			Event::Stored {
				content_hash: hash_of(b"weights"),
				depositor: ALICE,
				deposit: 114,
				size: 7,
				expires_at: 11,
			}
		);
		let chunk = chunk(b"weights").unwrap();
		assert_eq!((chunk.depositor, chunk.deposit, chunk.size), (ALICE, 114, 7));
		assert_eq!((chunk.stored_at, chunk.extrinsic, chunk.expires_at), (1, 1, 11));
		assert_eq!(held(ALICE), 114);
		assert!(TransactionStorage::contains(hash_of(b"weights")));
		assert!(!TransactionStorage::contains(hash_of(b"other")));
	});
}

#[test]
fn store_should_accept_a_chunk_when_it_is_as_large_as_allowed() {
	ExtBuilder::default().build_and_execute(|| {
		let data = vec![7; MAX_CHUNK_SIZE as usize];
		assert_ok!(submit(ALICE, store(&data)));
		assert_eq!(held(ALICE), deposit(&data));
	});
}

#[test]
fn store_should_fail_when_the_data_are_empty_or_too_long() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(submit(ALICE, store(b"")), Err(Error::<Test>::Empty.into()));
		let data = vec![7; MAX_CHUNK_SIZE as usize + 1];
		assert_eq!(submit(ALICE, store(&data)), Err(Error::<Test>::TooLarge.into()));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn store_should_fail_when_the_content_is_already_kept() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_eq!(submit(BOB, store(b"weights")), Err(Error::<Test>::AlreadyStored.into()));
		run_to(10);
		assert_eq!(submit(BOB, store(b"weights")), Err(Error::<Test>::AlreadyStored.into()));
		assert_eq!((held(ALICE), held(BOB)), (114, 0));
	});
}

#[test]
fn store_should_replace_the_content_when_it_has_expired() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(11);
		assert!(!TransactionStorage::contains(hash_of(b"weights")));
		assert_ok!(submit(BOB, store(b"weights")));
		assert_eq!((held(ALICE), held(BOB)), (0, 114));
		assert_eq!(chunk(b"weights").unwrap().stored_at, 11);
		assert!(TransactionStorage::contains(hash_of(b"weights")));
	});
}

#[test]
fn store_should_fail_when_the_deposit_cannot_be_held() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(
			submit(POOR, store(b"weights")),
			Err(DispatchError::Token(TokenError::FundsUnavailable))
		);
		assert_eq!(chunk(b"weights"), None);
		assert!(Pending::<Test>::get().is_empty());
	});
}

#[test]
fn store_should_fail_when_the_block_is_full_and_work_in_the_next() {
	ExtBuilder::default().build_and_execute(|| {
		for byte in 0..MAX_CHUNKS_PER_BLOCK as u8 {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		assert_eq!(submit(ALICE, store(b"weights")), Err(Error::<Test>::BlockFull.into()));
		run_to(2);
		assert_ok!(submit(ALICE, store(b"weights")));
	});
}

#[test]
fn store_should_fail_when_it_is_not_signed() {
	ExtBuilder::default().build_and_execute(|| {
		let data = b"weights".to_vec();
		assert_noop!(
			TransactionStorage::store(RuntimeOrigin::root(), data),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn store_should_fail_when_no_extrinsic_is_being_applied() {
	ExtBuilder::default().build_and_execute(|| {
		// As from a scheduler in `on_initialize`: there is an index, but no extrinsic.
		assert_eq!(System::extrinsic_index(), Some(0));
		assert_noop!(
			TransactionStorage::store(RuntimeOrigin::signed(ALICE), b"weights".to_vec()),
			Error::<Test>::NotInExtrinsic
		);
		// As from `on_idle`.
		System::note_finished_extrinsics();
		assert_noop!(
			TransactionStorage::store(RuntimeOrigin::signed(ALICE), b"weights".to_vec()),
			Error::<Test>::NotInExtrinsic
		);
	});
}

#[test]
fn retention_period_should_be_the_configured_one() {
	ExtBuilder::default().retention_period(25).build_and_execute(|| {
		assert_eq!(TransactionStorage::retention_period(), 25);
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_eq!(chunk(b"weights").unwrap().expires_at, 26);
	});
}

#[test]
fn store_should_keep_a_chunk_for_a_block_when_the_retention_period_is_zero() {
	ExtBuilder::default().retention_period(0).build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		assert!(TransactionStorage::contains(hash_of(b"weights")));
		run_to(2);
		assert!(!TransactionStorage::contains(hash_of(b"weights")));
	});
}

#[test]
fn store_should_find_the_data_at_the_end_when_the_extrinsic_is_of_any_length() {
	ExtBuilder::default().build_and_execute(|| {
		// The number of an extrinsic's bytes takes one, two or four bytes.
		for length in [1, 50, 70, 20_000] {
			let calls = vec![remark(&vec![1; length]), store(&[length as u8; 9])];
			assert_ok!(submit(ALICE, batch_all(calls)));
			let calls = vec![store(&[length as u8, 7]), remark(&vec![1; length])];
			assert_eq!(submit(ALICE, batch_all(calls)), Err(Error::<Test>::NotLast.into()));
		}
	});
}

#[test]
fn store_should_fail_when_the_data_are_longer_than_the_extrinsic() {
	ExtBuilder::default().build_and_execute(|| {
		// As if the call came from elsewhere while a short extrinsic is applied. The bytes that the
		// state has are its number of bytes, and then the bytes.
		System::note_extrinsic(b"short".to_vec());
		for data in [&b"very short"[..], b"\x14short"] {
			assert_noop!(
				TransactionStorage::store(RuntimeOrigin::signed(ALICE), data.to_vec()),
				Error::<Test>::NotLast
			);
		}
		assert_ok!(TransactionStorage::store(RuntimeOrigin::signed(ALICE), b"short".to_vec()));
	});
}
