//! Chunks that another pallet's call has renewed.

use crate::{mock::*, Error, Event, Pending};
use dodona_primitives_models::ChunkStore;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

fn kept_until(data: &[u8]) -> Option<u32> {
	TransactionStorage::kept_until(hash_of(data))
}

fn is_renewable(data: &[u8]) -> bool {
	TransactionStorage::is_renewable(hash_of(data))
}

/// Renews in the name of `payer`, as a call of another pallet would.
fn renew_for(payer: AccountId, data: &[u8]) -> DispatchResult {
	<TransactionStorage as ChunkStore>::renew(&payer, hash_of(data))
}

#[test]
fn kept_until_should_be_the_expiry_when_the_chunk_is_kept() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(kept_until(b"weights"), None);
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_eq!(kept_until(b"weights"), Some(11));
		run_to(10);
		assert_eq!(kept_until(b"weights"), Some(11));
		assert_ok!(submit(ALICE, renew(b"weights")));
		assert_eq!(kept_until(b"weights"), Some(20));
	});
}

#[test]
fn kept_until_should_be_nothing_when_the_chunk_has_expired_but_is_not_released_yet() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(11);
		assert!(chunk(b"weights").is_some());
		assert_eq!(kept_until(b"weights"), None);
	});
}

#[test]
fn chunk_should_be_renewable_when_and_only_when_a_renewal_works() {
	for retention_period in [1, 2, 3, 10, 11] {
		ExtBuilder::default().retention_period(retention_period).build_and_execute(|| {
			assert!(!is_renewable(b"weights"));
			assert_ok!(submit(ALICE, store(b"weights")));
			for block in 1..=12 {
				run_to(block);
				let works = in_extrinsic(|| {
					frame_support::storage::with_transaction(|| {
						let works = renew_for(ALICE, b"weights").is_ok();
						sp_runtime::TransactionOutcome::Rollback(Ok::<_, DispatchError>(works))
					})
				});
				assert_eq!(works, Ok(is_renewable(b"weights")), "in block {block}");
			}
		});
	}
}

#[test]
fn node_should_keep_all_chunks_when_another_pallets_call_renews_several() {
	ExtBuilder::default().build_and_execute(|| {
		for data in [&b"weights"[..], b"index"] {
			assert_ok!(submit(ALICE, store(data)));
		}
		run_to(6);
		in_extrinsic(|| {
			for data in [&b"weights"[..], b"index"] {
				assert_ok!(renew_for(BOB, data));
			}
		});
		assert_eq!((held(ALICE), held(BOB)), (0, deposit(b"weights") + deposit(b"index")));
		assert_eq!((kept_until(b"weights"), kept_until(b"index")), (Some(16), Some(16)));
		assert_eq!(
			last_event(),
			Event::Renewed {
				content_hash: hash_of(b"index"),
				depositor: BOB,
				deposit: deposit(b"index"),
				expires_at: 16,
			}
		);
		// The host is told of both.
		assert_eq!(Pending::<Test>::get().len(), 2);
	});
}

#[test]
fn renewal_should_leave_nothing_behind_when_it_fails_and_the_call_goes_on() {
	ExtBuilder::default().build_and_execute(|| {
		for data in [&b"weights"[..], b"index"] {
			assert_ok!(submit(ALICE, store(data)));
		}
		run_to(6);
		in_extrinsic(|| {
			let before = (chunk(b"weights"), held(ALICE), Pending::<Test>::get());
			// The deposit before goes back first, and the operation is noted before that.
			assert_eq!(
				renew_for(POOR, b"weights"),
				Err(DispatchError::Token(TokenError::FundsUnavailable))
			);
			assert_eq!((chunk(b"weights"), held(ALICE), Pending::<Test>::get()), before);
			assert_ok!(renew_for(BOB, b"index"));
		});
		assert_eq!(Pending::<Test>::get().len(), 1);
		assert_eq!((held(ALICE), held(BOB)), (deposit(b"weights"), deposit(b"index")));
	});
}

#[test]
fn renewal_should_fail_when_the_block_has_no_room_for_another() {
	ExtBuilder::default().build_and_execute(|| {
		let bytes = 0..=MAX_RENEWALS_PER_BLOCK as u8;
		for byte in bytes.clone() {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		run_to(6);
		in_extrinsic(|| {
			let results: Vec<DispatchResult> =
				bytes.clone().map(|byte| renew_for(BOB, &[byte])).collect();
			let (last, others) = results.split_last().unwrap();
			assert!(others.iter().all(Result::is_ok));
			assert_eq!(*last, Err(Error::<Test>::BlockFull.into()));
		});
	});
}

#[test]
fn renewal_should_fail_when_the_chunk_is_unknown_expired_or_not_due() {
	ExtBuilder::default().build_and_execute(|| {
		in_extrinsic(|| {
			assert_noop!(renew_for(BOB, b"weights"), Error::<Test>::NotStored);
		});
		assert_ok!(submit(ALICE, store(b"weights")));
		in_extrinsic(|| {
			assert_noop!(renew_for(BOB, b"weights"), Error::<Test>::RenewedTooEarly);
		});
		run_to(11);
		in_extrinsic(|| {
			assert_noop!(renew_for(BOB, b"weights"), Error::<Test>::Expired);
		});
	});
}

#[test]
fn renewal_should_fail_when_no_extrinsic_is_being_applied() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(6);
		assert_noop!(renew_for(BOB, b"weights"), Error::<Test>::NotInExtrinsic);
	});
}

#[test]
fn renewal_should_fail_when_the_extrinsic_stores_too() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(6);
		System::note_extrinsic(b"index".to_vec());
		assert_ok!(TransactionStorage::store(RuntimeOrigin::signed(ALICE), b"index".to_vec()));
		assert_noop!(renew_for(BOB, b"weights"), Error::<Test>::AlreadyIndexed);
	});
}
