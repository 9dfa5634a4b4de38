use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn release_should_return_the_deposit_when_anyone_asks_after_expiry() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(11);
		assert_ok!(submit(BOB, release(b"weights")));

		assert_eq!(
			last_event(),
			Event::Released { content_hash: hash_of(b"weights"), depositor: ALICE, deposit: 114 }
		);
		assert_eq!(chunk(b"weights"), None);
		assert_eq!(held(ALICE), 0);
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
	});
}

#[test]
fn release_should_fail_when_the_chunk_has_not_expired_even_for_the_depositor() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(10);
		assert_eq!(submit(ALICE, release(b"weights")), Err(Error::<Test>::NotExpired.into()));
		assert_eq!(held(ALICE), 114);
	});
}

#[test]
fn release_should_fail_when_the_chunk_is_unknown_or_already_released() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(submit(ALICE, release(b"weights")), Err(Error::<Test>::NotStored.into()));
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to(11);
		assert_ok!(submit(BOB, release(b"weights")));
		assert_eq!(submit(BOB, release(b"weights")), Err(Error::<Test>::NotStored.into()));
	});
}

#[test]
fn release_should_fail_when_it_is_not_signed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			TransactionStorage::release(RuntimeOrigin::none(), hash_of(b"weights")),
			DispatchError::BadOrigin
		);
	});
}
