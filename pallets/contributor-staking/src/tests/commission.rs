use crate::{mock::*, *};
use dodona_primitives_staking::RewardSink;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, Perbill};

fn percent(percent: u32) -> Perbill {
	Perbill::from_percent(percent)
}

fn set(to: u32) {
	assert_ok!(Staking::set_commission(signed(1), percent(to)));
}

/// What the operator keeps of 200, half of which is earned by delegations.
fn kept() -> Balance {
	let before = free(1);
	Staking::reward_operator(&1, earnings(200));
	free(1) - before - 100
}

#[test]
fn commission_should_apply_at_once_when_nobody_delegates() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		set(20);
		assert_eq!(
			events(),
			[Event::CommissionSet { operator: 1, commission: percent(20), from: 1 }]
		);
		assert_ok!(delegate(2, 1, 500));
		assert_eq!(kept(), 20);
	});
}

#[test]
fn commission_should_wait_when_it_is_raised_and_be_visible_meanwhile() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 500));
		events();
		set(30);
		let from = 1 + COMMISSION_DELAY;
		assert_eq!(events(), [Event::CommissionSet { operator: 1, commission: percent(30), from }]);
		let info = Staking::pool_info(1).unwrap();
		assert_eq!((info.commission, info.raise), (percent(0), Some((percent(30), from))));
		advance(COMMISSION_DELAY - 1);
		assert_eq!(kept(), 0);
		advance(1);
		assert_eq!(kept(), 30);
		assert_eq!(Staking::pool_info(1).unwrap().raise, None);
		// The next raise begins where this one ended.
		set(40);
		assert_eq!(kept(), 30);
	});
}

#[test]
fn commission_should_wait_anew_when_a_raise_is_replaced() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 500));
		set(10);
		advance(COMMISSION_DELAY - 1);
		set(50);
		advance(1);
		assert_eq!(kept(), 0);
		advance(COMMISSION_DELAY - 1);
		assert_eq!(kept(), 50);
	});
}

#[test]
fn commission_should_fall_at_once_and_forget_a_raise_when_it_is_lowered() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		set(30);
		assert_ok!(delegate(2, 1, 500));
		set(40);
		set(10);
		assert_eq!(kept(), 10);
		advance(COMMISSION_DELAY * 2);
		assert_eq!(kept(), 10);
	});
}

#[test]
fn set_commission_should_fail_when_it_is_too_high_or_there_is_no_worker() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(
			Staking::set_commission(signed(1), percent(51)),
			Error::<Test>::CommissionTooHigh
		);
		assert_noop!(Staking::set_commission(signed(2), percent(1)), Error::<Test>::NotBonded);
		assert_ok!(Staking::bond(
			signed(2),
			dodona_primitives_staking::Role::Publisher,
			hot(2),
			500
		));
		assert_noop!(Staking::set_commission(signed(2), percent(1)), Error::<Test>::NotAWorker);
		assert_noop!(
			Staking::set_commission(RuntimeOrigin::root(), percent(1)),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn delegate_should_fail_when_the_commission_is_or_will_be_higher_than_agreed() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		set(10);
		let delegate = |most| Staking::delegate(signed(2), 1, 100, percent(most));
		assert_noop!(delegate(9), Error::<Test>::CommissionTooHigh);
		assert_ok!(delegate(10));
		set(20);
		assert_noop!(delegate(19), Error::<Test>::CommissionTooHigh);
		assert_ok!(delegate(20));
	});
}
