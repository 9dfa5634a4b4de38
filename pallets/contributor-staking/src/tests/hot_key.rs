use crate::{mock::*, *};
use dodona_primitives_staking::{Role, StakeInspect};
use frame_support::{assert_noop, assert_ok};
use frame_system::CheckNonce;
use sp_runtime::{transaction_validity::InvalidTransaction, DispatchError};

/// Whether the account can sign an extrinsic, as far as its nonce goes.
fn can_sign(who: AccountId) -> bool {
	match CheckNonce::<Test>::validate_nonce_for_account(&who, 0) {
		Ok(_) => true,
		Err(error) => {
			assert_eq!(error, InvalidTransaction::Payment.into());
			false
		},
	}
}

#[test]
fn hot_key_should_be_able_to_sign_without_funds_when_it_is_set() {
	ExtBuilder::default().build_and_execute(|| {
		assert!(!can_sign(hot(1)));
		assert_ok!(bond(1, 500));
		assert!(can_sign(hot(1)));
		assert_eq!(Staking::operator_of(&hot(1)), Some(1));
		assert_eq!(ledger(1).hot_key, hot(1));
	});
}

#[test]
fn hot_key_should_not_be_able_to_sign_when_it_is_replaced() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::set_hot_key(signed(1), 77_000));
		assert!(!can_sign(hot(1)));
		assert!(can_sign(77_000));
		assert_eq!(Staking::operator_of(&hot(1)), None);
		assert_eq!(Staking::operator_of(&77_000), Some(1));
		assert_eq!(ledger(1).hot_key, 77_000);
		assert_eq!(events(), [Event::HotKeySet { operator: 1, hot_key: 77_000 }]);
		// The former one is anybody's again.
		assert_ok!(Staking::bond(signed(2), Role::Worker, hot(1), 500));
	});
}

#[test]
fn hot_key_should_not_be_able_to_sign_when_its_operator_retires() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 500));
		advance(UNBONDING_PERIOD);
		assert!(can_sign(hot(1)));
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert!(!can_sign(hot(1)));
	});
}

#[test]
fn hot_key_should_keep_its_account_when_it_has_funds_and_is_replaced() {
	ExtBuilder::default().bonded_with(1, 2, 500).build_and_execute(|| {
		assert_eq!(System::sufficients(&2), 1);
		assert_ok!(Staking::set_hot_key(signed(1), hot(1)));
		assert_eq!(System::sufficients(&2), 0);
		assert_eq!(free(2), ENDOWMENT);
		assert!(can_sign(2));
	});
}

#[test]
fn hot_key_should_be_refused_when_it_is_taken() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 500).build_and_execute(|| {
		assert_noop!(Staking::set_hot_key(signed(1), hot(2)), Error::<Test>::HotKeyInUse);
		// One's own is taken too.
		assert_noop!(Staking::set_hot_key(signed(1), hot(1)), Error::<Test>::HotKeyInUse);
		assert_noop!(
			Staking::bond(signed(3), Role::Worker, hot(1), 500),
			Error::<Test>::HotKeyInUse
		);
	});
}

#[test]
fn hot_key_should_be_refused_when_it_is_an_operator() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 500).build_and_execute(|| {
		assert_noop!(Staking::set_hot_key(signed(1), 2), Error::<Test>::HotKeyIsOperator);
		assert_noop!(Staking::set_hot_key(signed(1), 1), Error::<Test>::HotKeyIsOperator);
		assert_noop!(
			Staking::bond(signed(3), Role::Worker, 3, 500),
			Error::<Test>::HotKeyIsOperator
		);
		assert_noop!(
			Staking::bond(signed(3), Role::Worker, 1, 500),
			Error::<Test>::HotKeyIsOperator
		);
	});
}

#[test]
fn set_hot_key_should_fail_when_the_signer_is_no_operator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Staking::set_hot_key(signed(1), 77_000), Error::<Test>::NotBonded);
		assert_noop!(Staking::set_hot_key(RuntimeOrigin::none(), 77_000), DispatchError::BadOrigin);
	});
}
