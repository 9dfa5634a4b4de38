use crate::{mock::*, *};
use dodona_primitives_staking::StakeSlash;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn unbond_should_keep_the_stake_held_but_out_of_draws_when_it_begins() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 200));
		assert_eq!(held(1), 500);
		assert_eq!(ledger(1).slashable(), 500);
		assert_eq!(ledger(1).draw_weight(), 300);
		let until = 1 + UNBONDING_PERIOD;
		assert_eq!(ledger(1).unbonding.to_vec(), [UnbondingChunk { amount: 200, until }]);
		assert_eq!(events(), [Event::Unbonding { operator: 1, amount: 200, until }]);
	});
}

#[test]
fn unbond_should_merge_chunks_when_they_mature_in_the_same_block() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		for _ in 0..=MAX_UNBONDING {
			assert_ok!(Staking::unbond(signed(1), 10));
		}
		assert_eq!(ledger(1).unbonding.len(), 1);
		assert_eq!(ledger(1).unbonding_total(), 10 * (MAX_UNBONDING as u128 + 1));
	});
}

#[test]
fn unbond_should_fail_when_there_are_as_many_chunks_as_there_can_be() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		for _ in 0..MAX_UNBONDING {
			assert_ok!(Staking::unbond(signed(1), 10));
			advance(1);
		}
		assert_noop!(Staking::unbond(signed(1), 10), Error::<Test>::TooManyUnbonding);
	});
}

#[test]
fn unbond_should_fail_when_too_little_would_stay_bonded() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(Staking::unbond(signed(1), 500 - MIN_BOND + 1), Error::<Test>::BondTooLow);
		assert_ok!(Staking::unbond(signed(1), 500 - MIN_BOND));
	});
}

#[test]
fn unbond_should_chill_when_everything_is_unbonded() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 500));
		assert_eq!(Eligible::<Test>::get(), 0);
		assert_eq!(
			events(),
			[
				Event::Unbonding { operator: 1, amount: 500, until: 1 + UNBONDING_PERIOD },
				Event::Chilled { operator: 1, reason: ChillReason::Unbonded },
			]
		);
	});
}

#[test]
fn unbond_should_not_chill_twice_when_the_operator_is_chilled() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		events();
		assert_ok!(Staking::unbond(signed(1), 500));
		assert_eq!(
			events(),
			[Event::Unbonding { operator: 1, amount: 500, until: 1 + UNBONDING_PERIOD }]
		);
	});
}

#[test]
fn unbond_should_fail_when_there_is_not_so_much() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(Staking::unbond(signed(1), 501), Error::<Test>::NotEnoughBonded);
		assert_noop!(Staking::unbond(signed(1), 0), Error::<Test>::AmountIsZero);
		assert_noop!(Staking::unbond(signed(2), 1), Error::<Test>::NotBonded);
		assert_noop!(Staking::unbond(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
	});
}

#[test]
fn rebond_should_take_the_newest_chunks_first_when_there_are_several() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 100));
		advance(1);
		assert_ok!(Staking::unbond(signed(1), 50));
		events();
		assert_ok!(Staking::rebond(signed(1), 70));
		assert_eq!(
			ledger(1).unbonding.to_vec(),
			[UnbondingChunk { amount: 80, until: 1 + UNBONDING_PERIOD }]
		);
		assert_eq!(ledger(1).draw_weight(), 420);
		assert_eq!(held(1), 500);
		assert_eq!(events(), [Event::Rebonded { operator: 1, amount: 70, bonded: 420 }]);
	});
}

#[test]
fn rebond_should_work_when_obligations_are_open() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 100));
		Staking::oblige(&1);
		assert_ok!(Staking::rebond(signed(1), 100));
		assert!(ledger(1).unbonding.is_empty());
	});
}

#[test]
fn rebond_should_leave_the_operator_chilled_when_it_was() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 500));
		assert_ok!(Staking::rebond(signed(1), 500));
		assert_eq!(Eligible::<Test>::get(), 0);
		assert_ok!(Staking::resume(signed(1)));
		assert_eq!(Eligible::<Test>::get(), 1);
	});
}

#[test]
fn rebond_should_fail_when_there_is_not_so_much() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 100));
		assert_noop!(Staking::rebond(signed(1), 101), Error::<Test>::NotEnoughUnbonding);
		assert_noop!(Staking::rebond(signed(1), 0), Error::<Test>::AmountIsZero);
		assert_noop!(Staking::rebond(signed(2), 1), Error::<Test>::NotBonded);
		assert_noop!(Staking::rebond(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
	});
}
