use crate::{mock::*, *};
use dodona_primitives_staking::Role;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn bond_should_hold_the_stake_and_make_the_account_eligible_when_all_is_right() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(bond(1, 500));
		assert_eq!(held(1), 500);
		assert_eq!(free(1), ENDOWMENT - 500);
		assert_eq!(ledger(1).bonded, 500);
		assert_eq!(Eligible::<Test>::get(), 1);
		assert_eq!(ledger(1).slashable(), 500);
		assert_eq!(
			events(),
			[Event::Bonded { operator: 1, role: Role::Worker, hot_key: hot(1), amount: 500 }]
		);
	});
}

#[test]
fn bond_should_accept_exactly_the_least_bond_when_it_is_offered() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(bond(1, MIN_BOND - 1), Error::<Test>::BondTooLow);
		assert_ok!(bond(1, MIN_BOND));
	});
}

#[test]
fn bond_should_fail_when_the_account_is_an_operator() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(Staking::bond(signed(1), Role::Worker, 77, 500), Error::<Test>::AlreadyBonded);
	});
}

#[test]
fn bond_should_fail_when_the_account_is_a_hot_key() {
	ExtBuilder::default().bonded_with(1, 2, 500).build_and_execute(|| {
		assert_noop!(bond(2, 500), Error::<Test>::OperatorIsHotKey);
	});
}

#[test]
fn bond_should_fail_when_there_are_as_many_operators_as_there_can_be() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 500).build_and_execute(|| {
		MaxOperators::set(2);
		assert_noop!(bond(3, 500), Error::<Test>::TooManyOperators);
		MaxOperators::set(3);
		assert_ok!(bond(3, 500));
	});
}

#[test]
fn bond_should_fail_when_the_account_cannot_pay() {
	ExtBuilder::default().build_and_execute(|| {
		// It would be left with less than the existential deposit.
		let too_much = ENDOWMENT - EXISTENTIAL_DEPOSIT + 1;
		assert_eq!(
			frame_support::storage::with_storage_layer(|| bond(1, too_much)),
			Err(TokenError::FundsUnavailable.into())
		);
		assert!(!Ledgers::<Test>::contains_key(1));
		assert_ok!(bond(1, too_much - 1));
	});
}

#[test]
fn bond_should_fail_when_nobody_signed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Staking::bond(RuntimeOrigin::root(), Role::Worker, 77, 500),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn bond_extra_should_raise_the_bond_and_the_weight_when_there_are_funds() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::bond_extra(signed(1), 1));
		assert_eq!(held(1), 501);
		assert_eq!(ledger(1).draw_weight(), 501);
		assert_eq!(events(), [Event::BondIncreased { operator: 1, amount: 1, bonded: 501 }]);
	});
}

#[test]
fn bond_extra_should_fail_when_there_is_nothing_to_raise_or_to_raise_by() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(Staking::bond_extra(signed(2), 1), Error::<Test>::NotBonded);
		assert_noop!(Staking::bond_extra(signed(1), 0), Error::<Test>::AmountIsZero);
		assert_noop!(
			Staking::bond_extra(signed(1), ENDOWMENT),
			DispatchError::from(TokenError::FundsUnavailable)
		);
		assert_noop!(Staking::bond_extra(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
	});
}
