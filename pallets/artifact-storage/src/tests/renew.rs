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
		run_to(6);
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
		run_to(6);
		assert_ok!(submit(ALICE, renew(b"weights")));
		assert_eq!(held(ALICE), 114);
	});
}

#[test]
fn renew_should_fail_when_more_than_half_of_the_retention_period_is_left() {
	for (retention_period, renewable_from) in [(10, 6), (11, 7), (3, 3), (2, 2)] {
		ExtBuilder::default().retention_period(retention_period).build_and_execute(|| {
			assert_ok!(submit(ALICE, store(b"weights")));
			for block in 1..renewable_from {
				run_to(block);
				for who in [ALICE, BOB] {
					assert_eq!(
						submit(who, renew(b"weights")),
						Err(Error::<Test>::RenewedTooEarly.into())
					);
				}
			}
			run_to(renewable_from);
			assert_ok!(submit(ALICE, renew(b"weights")));
			// The same holds of a renewal.
			assert_eq!(
				submit(ALICE, renew(b"weights")),
				Err(Error::<Test>::RenewedTooEarly.into())
			);
			run_to(2 * renewable_from - 1);
			assert_ok!(submit(ALICE, renew(b"weights")));
		});
	}
}

#[test]
fn renew_should_never_shorten_a_promise_when_the_retention_period_was_shortened() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		RetentionPeriod::set(4);
		run_to(8);
		assert_eq!(submit(ALICE, renew(b"weights")), Err(Error::<Test>::RenewedTooEarly.into()));
		run_to(9);
		assert_ok!(submit(ALICE, renew(b"weights")));
		assert_eq!(chunk(b"weights").unwrap().expires_at, 13);
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
		run_to(6);
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
fn renew_should_fail_when_the_block_has_its_renewals_and_work_in_the_next() {
	ExtBuilder::default().build_and_execute(|| {
		for byte in 0..=MAX_RENEWALS_PER_BLOCK as u8 {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		run_to(6);
		for byte in 0..MAX_RENEWALS_PER_BLOCK as u8 {
			assert_ok!(submit(ALICE, renew(&[byte])));
		}
		let last = renew(&[MAX_RENEWALS_PER_BLOCK as u8]);
		assert_eq!(submit(ALICE, last.clone()), Err(Error::<Test>::BlockFull.into()));
		run_to(7);
		assert_ok!(submit(ALICE, last));
	});
}

#[test]
fn stores_and_renewals_should_not_take_each_others_places_when_a_block_is_full_of_either() {
	for renewals_first in [true, false] {
		ExtBuilder::default().build_and_execute(|| {
			let stored = 0..MAX_CHUNKS_PER_BLOCK as u8;
			for byte in stored.clone() {
				assert_ok!(submit(ALICE, store(&[byte])));
			}
			run_to(6);
			let renewals = || {
				for byte in stored.clone().take(MAX_RENEWALS_PER_BLOCK as usize) {
					assert_ok!(submit(ALICE, renew(&[byte])));
				}
			};
			let stores = || {
				for byte in stored.clone() {
					assert_ok!(submit(BOB, store(&[byte, byte])));
				}
			};
			if renewals_first {
				renewals();
				stores();
			} else {
				stores();
				renewals();
			}
			assert_eq!(submit(BOB, store(b"more")), Err(Error::<Test>::BlockFull.into()));
		});
	}
}

#[test]
fn renew_should_fail_when_no_extrinsic_is_being_applied() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(6);
		System::note_finished_extrinsics();
		assert_noop!(
			TransactionStorage::renew(RuntimeOrigin::signed(ALICE), hash_of(b"weights")),
			Error::<Test>::NotInExtrinsic
		);
	});
}
