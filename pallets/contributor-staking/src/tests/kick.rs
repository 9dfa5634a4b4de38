use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, StakeSlash};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

#[test]
fn kick_should_unbond_a_delegation_when_it_is_dust() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, MIN_DELEGATION));
		assert_noop!(Staking::kick(signed(9), 1, 2), Error::<Test>::NotDust);
		assert_noop!(Staking::kick(signed(9), 1, 3), Error::<Test>::NotDelegated);
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(50));
		assert_noop!(Staking::kick(signed(9), 1, 2), Error::<Test>::NotDust);
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(4));
		events();
		assert_ok!(Staking::kick(signed(9), 1, 2));
		let until = 1 + UNBONDING_PERIOD;
		assert_eq!(events(), [Event::Kicked { delegator: 2, operator: 1, amount: 24, until }]);
		// It leaves like any other: kicking oneself is no way around a slash.
		assert_noop!(
			Staking::withdraw_delegation(signed(2), 1, 2, false),
			Error::<Test>::NothingToWithdraw
		);
		assert_noop!(Staking::kick(signed(9), 1, 2), Error::<Test>::NotDust);
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(20));
		advance(UNBONDING_PERIOD);
		assert_ok!(Staking::withdraw_delegation(signed(9), 1, 2, false));
		assert_eq!(free(2), ENDOWMENT - MIN_DELEGATION + 20);
	});
}

#[test]
fn kick_should_not_reach_what_was_enough_until_governance_wants_more() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, MIN_DELEGATION));
		LeastDelegation::set(MIN_DELEGATION * 2);
		assert_noop!(Staking::kick(signed(9), 1, 2), Error::<Test>::NotDust);
		LeastDelegation::set(MIN_DELEGATION * 2 + 1);
		assert_ok!(Staking::kick(signed(9), 1, 2));
		assert_eq!(ledger(1).delegated, 0);
	});
}
