use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, StakeInspect, StakeSlash};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, Perbill};

#[test]
fn withdraw_should_release_only_what_has_matured_when_there_are_several_chunks() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 100));
		advance(1);
		assert_ok!(Staking::unbond(signed(1), 50));
		advance(UNBONDING_PERIOD - 2);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::NothingToWithdraw);
		advance(1);
		events();
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(held(1), 400);
		assert_eq!(free(1), ENDOWMENT - 400);
		assert_eq!(ledger(1).unbonding_total(), 50);
		assert_eq!(events(), [Event::Withdrawn { operator: 1, amount: 100 }]);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::NothingToWithdraw);
	});
}

#[test]
fn withdraw_should_fail_until_the_last_obligation_ends_when_stake_has_matured() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		Staking::oblige(&1);
		Staking::oblige(&1);
		assert_ok!(Staking::unbond(signed(1), 500));
		advance(UNBONDING_PERIOD * 10);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::ObligationsOpen);
		Staking::discharge(&1);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::ObligationsOpen);
		// Long matured, and still within reach.
		assert_eq!(Staking::punish(&1, Offence::Dissent, Perbill::from_percent(10)), 50);
		Staking::discharge(&1);
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(free(1), ENDOWMENT - 50);
	});
}

#[test]
fn withdraw_should_retire_the_operator_when_no_stake_is_left() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 500));
		advance(UNBONDING_PERIOD);
		events();
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(
			events(),
			[Event::Withdrawn { operator: 1, amount: 500 }, Event::Retired { operator: 1 }]
		);
		assert_eq!(free(1), ENDOWMENT);
		assert_eq!(Staking::operator_of(&hot(1)), None);
		assert_eq!(Slots::<Test>::count(), 0);
		assert_eq!(Weights::<Test>::iter().count(), 0);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::NotBonded);
		assert_ok!(bond(1, 500));
	});
}

#[test]
fn withdraw_should_move_the_last_slot_into_the_vacant_one_when_an_operator_retires() {
	ExtBuilder::default()
		.bonded(1, 100)
		.bonded(2, 200)
		.bonded(3, 300)
		.build_and_execute(|| {
			assert_ok!(Staking::unbond(signed(1), 100));
			advance(UNBONDING_PERIOD);
			assert_ok!(Staking::withdraw_unbonded(signed(1)));
			assert_eq!(Slots::<Test>::get(0), Some(3));
			assert_eq!(Slots::<Test>::get(1), Some(2));
			assert_eq!(Slots::<Test>::get(2), None);
			assert_eq!(ledger(3).slot, 0);
			Staking::do_try_state().unwrap();
			// The slot at the end is given out again.
			assert_ok!(bond(4, 400));
			assert_eq!(ledger(4).slot, 2);
		});
}

#[test]
fn withdraw_should_retire_the_operator_when_penalties_took_everything() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		Staking::oblige(&1);
		Staking::punish(&1, Offence::Dissent, Perbill::one());
		assert_eq!(held(1), 0);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::ObligationsOpen);
		Staking::discharge(&1);
		events();
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(events(), [Event::Retired { operator: 1 }]);
	});
}

#[test]
fn withdraw_should_fail_when_nobody_signed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Staking::withdraw_unbonded(RuntimeOrigin::none()), DispatchError::BadOrigin);
	});
}
