use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, StakeInspect, StakeSlash};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, Perbill};

#[test]
fn chill_should_take_the_operator_out_of_draws_when_it_is_in() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 500).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		assert_eq!(Eligible::<Test>::get(), 1);
		assert_eq!(Staking::draw(H256::zero(), 2, &[]), [2]);
		assert_eq!(events(), [Event::Chilled { operator: 1, reason: ChillReason::Requested }]);
	});
}

#[test]
fn chill_should_fail_when_the_operator_is_out_already() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		assert_noop!(Staking::chill(signed(1)), Error::<Test>::AlreadyChilled);
		assert_noop!(Staking::chill(signed(2)), Error::<Test>::NotBonded);
		assert_noop!(Staking::chill(RuntimeOrigin::none()), DispatchError::BadOrigin);
	});
}

#[test]
fn resume_should_bring_the_operator_back_when_it_is_out() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		events();
		assert_ok!(Staking::resume(signed(1)));
		assert_eq!(Staking::draw(H256::zero(), 2, &[]), [1]);
		assert_eq!(events(), [Event::Resumed { operator: 1 }]);
	});
}

#[test]
fn resume_should_fail_when_the_operator_is_in() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_noop!(Staking::resume(signed(1)), Error::<Test>::NotChilled);
		assert_noop!(Staking::resume(signed(2)), Error::<Test>::NotBonded);
		assert_noop!(Staking::resume(RuntimeOrigin::none()), DispatchError::BadOrigin);
	});
}

#[test]
fn resume_should_fail_until_the_bond_suffices_when_penalties_lowered_it() {
	ExtBuilder::default().bonded(1, MIN_BOND).build_and_execute(|| {
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(1));
		assert_noop!(Staking::resume(signed(1)), Error::<Test>::BondTooLow);
		assert_ok!(Staking::bond_extra(signed(1), 1));
		assert_ok!(Staking::resume(signed(1)));
	});
}

#[test]
fn resume_should_clear_the_strikes_when_they_chilled_the_operator() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		for _ in 0..MAX_STRIKES {
			Staking::punish(&1, Offence::NoShow, Perbill::zero());
		}
		assert!(ledger(1).chilled);
		assert_ok!(Staking::resume(signed(1)));
		assert_eq!(ledger(1).strikes, 0);
		Staking::punish(&1, Offence::NoShow, Perbill::zero());
		assert!(!ledger(1).chilled);
	});
}

#[test]
fn resume_should_keep_the_strikes_when_the_operator_chilled_itself() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		for _ in 1..MAX_STRIKES {
			Staking::punish(&1, Offence::NoShow, Perbill::zero());
		}
		assert_ok!(Staking::chill(signed(1)));
		assert_ok!(Staking::resume(signed(1)));
		assert_eq!(ledger(1).strikes, MAX_STRIKES - 1);
		Staking::punish(&1, Offence::NoShow, Perbill::zero());
		assert!(ledger(1).chilled);
	});
}
