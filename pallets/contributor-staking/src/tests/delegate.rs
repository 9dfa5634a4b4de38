use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, Role, StakeInspect, StakeSlash};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, Perbill, TokenError};

#[test]
fn delegate_should_hold_the_amount_and_count_in_draws_when_all_is_right() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 300));
		assert_eq!(held_for_delegation(2), 300);
		assert_eq!(free(2), ENDOWMENT - 300);
		assert_eq!(ledger(1).delegated, 300);
		assert_eq!(ledger(1).draw_weight(), 800);
		assert_eq!(pool(1).shares.balance, 300);
		assert_eq!(events(), [Event::Delegated { delegator: 2, operator: 1, amount: 300 }]);
		// The tokens are still the delegator's, and the operator's own stake is its own.
		assert_eq!(held(1), 500);
	});
}

#[test]
fn delegate_should_add_to_what_is_there_when_it_is_called_again() {
	ExtBuilder::default().bonded(1, 500).bonded(9, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, MIN_DELEGATION));
		// More may be little.
		assert_ok!(delegate(2, 1, 1));
		assert_ok!(delegate(2, 9, 100));
		assert_eq!(delegation(2, 1).active, MIN_DELEGATION + 1);
		assert_eq!(pool(1).delegators, 1);
		assert_eq!(held_for_delegation(2), MIN_DELEGATION + 101);
	});
}

#[test]
fn delegate_should_fail_when_it_would_not_be_right() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(Staking::bond(signed(5), Role::Curator, hot(5), 500));
		assert_noop!(delegate(1, 1, 300), Error::<Test>::SelfDelegation);
		assert_noop!(delegate(2, 1, 0), Error::<Test>::AmountIsZero);
		assert_noop!(delegate(2, 3, 300), Error::<Test>::NotBonded);
		assert_noop!(delegate(2, 5, 300), Error::<Test>::NotAWorker);
		assert_noop!(delegate(2, 1, MIN_DELEGATION - 1), Error::<Test>::DelegationTooLow);
		assert_noop!(
			Staking::delegate(RuntimeOrigin::root(), 1, 300, Perbill::one()),
			DispatchError::BadOrigin
		);
		assert_ok!(Staking::bond_extra(signed(1), 90_000));
		assert_noop!(delegate(2, 1, ENDOWMENT), DispatchError::from(TokenError::FundsUnavailable));
	});
}

#[test]
fn delegate_should_be_bounded_by_the_own_bond_when_it_is_to_count() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		let most = 500 * MOST_TIMES as u128;
		assert_ok!(delegate(2, 1, most - 100));
		assert_noop!(delegate(3, 1, 101), Error::<Test>::PoolFull);
		assert_ok!(delegate(3, 1, 100));
		assert_eq!(ledger(1).draw_weight(), 500 + most);
		// With less of its own, less counts.
		assert_ok!(Staking::unbond(signed(1), 400));
		assert_eq!(ledger(1).draw_weight(), 100 + 400);
		assert_ok!(Staking::rebond(signed(1), 200));
		assert_eq!(ledger(1).draw_weight(), 300 + 1_200);
		assert_eq!(ledger(1).delegated, most);
	});
}

#[test]
fn delegation_should_not_count_when_the_operator_is_chilled() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 500).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		assert_ok!(delegate(3, 1, 500));
		assert_eq!(Staking::draw(H256::zero(), 2, &[]), [2]);
		assert_ok!(Staking::resume(signed(1)));
		assert_eq!(Staking::draw(H256::zero(), 2, &[]).len(), 2);
	});
}

#[test]
fn undelegate_should_start_the_period_when_there_is_enough() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 300));
		events();
		assert_ok!(Staking::undelegate(signed(2), 1, 100));
		let until = 1 + UNBONDING_PERIOD;
		assert_eq!(
			events(),
			[Event::Undelegating { delegator: 2, operator: 1, amount: 100, until }]
		);
		assert_eq!(ledger(1).draw_weight(), 700);
		assert_eq!(held_for_delegation(2), 300);
		assert_eq!(delegation(2, 1).unbonding, [(100, until)]);

		let withdraw = || Staking::withdraw_delegation(signed(2), 1, 2, false);
		advance(UNBONDING_PERIOD - 1);
		assert_noop!(withdraw(), Error::<Test>::NothingToWithdraw);
		advance(1);
		events();
		assert_ok!(withdraw());
		assert_eq!(free(2), ENDOWMENT - 200);
		assert_eq!(
			events(),
			[Event::DelegationWithdrawn { delegator: 2, operator: 1, amount: 100, left_behind: 0 }]
		);
		assert_noop!(withdraw(), Error::<Test>::NothingToWithdraw);
	});
}

#[test]
fn undelegate_should_fail_when_it_would_not_be_right() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 300));
		let undelegate = |who, amount| Staking::undelegate(signed(who), 1, amount);
		assert_noop!(undelegate(3, 1), Error::<Test>::NotDelegated);
		assert_noop!(undelegate(2, 0), Error::<Test>::AmountIsZero);
		assert_noop!(undelegate(2, 301), Error::<Test>::NotEnoughDelegated);
		assert_noop!(undelegate(2, 300 - MIN_DELEGATION + 1), Error::<Test>::DelegationTooLow);
		for _ in 0..MAX_UNBONDING {
			assert_ok!(undelegate(2, 1));
			advance(1);
		}
		assert_noop!(undelegate(2, 1), Error::<Test>::TooManyUnbonding);
		assert_noop!(Staking::undelegate(RuntimeOrigin::none(), 1, 1), DispatchError::BadOrigin);
	});
}

#[test]
fn delegation_should_be_forgotten_when_the_last_of_it_is_withdrawn() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 300));
		assert_ok!(Staking::undelegate(signed(2), 1, 300));
		assert_eq!(ledger(1).draw_weight(), 500);
		assert_noop!(Staking::undelegate(signed(2), 1, 1), Error::<Test>::NotEnoughDelegated);
		advance(UNBONDING_PERIOD);
		// Anyone may ask for it; the owner gets it.
		assert_ok!(Staking::withdraw_delegation(signed(7), 1, 2, false));
		assert_eq!(free(2), ENDOWMENT);
		assert_eq!(Delegations::<Test>::iter().count(), 0);
		assert_eq!((pool(1).shares, pool(1).delegators), (Default::default(), 0));
	});
}

#[test]
fn unbonding_should_never_be_shorter_than_obligations_can_last() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		LongestObligation::set(UNBONDING_PERIOD * 3);
		assert_ok!(delegate(2, 1, 300));
		assert_ok!(Staking::undelegate(signed(2), 1, 300));
		assert_ok!(Staking::unbond(signed(1), 100));
		advance(UNBONDING_PERIOD * 3 - 1);
		assert_noop!(
			Staking::withdraw_delegation(signed(2), 1, 2, false),
			Error::<Test>::NothingToWithdraw
		);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::NothingToWithdraw);
		advance(1);
		assert_ok!(Staking::withdraw_delegation(signed(2), 1, 2, false));
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
	});
}

#[test]
fn slash_should_take_the_same_of_all_delegations_when_some_are_unbonding() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 400));
		assert_ok!(delegate(3, 1, 600));
		assert_ok!(Staking::undelegate(signed(2), 1, 200));
		events();
		let taken = Staking::punish(&1, Offence::Dissent, Perbill::from_percent(10));
		assert_eq!(taken, 50 + 100);
		assert_eq!(
			events(),
			[Event::Slashed {
				operator: 1,
				offence: Offence::Dissent,
				fraction: Perbill::from_percent(10),
				own: 50,
				delegated: 100
			}]
		);
		assert_eq!(ledger(1).draw_weight(), 450 + 180 + 540);
		// The worth is gone at once, the tokens when somebody looks.
		assert_eq!(delegation(2, 1).active, 180);
		assert_eq!(delegation(2, 1).unbonding[0].0, 180);
		assert_eq!(delegation(2, 1).uncollected, 40);
		assert_eq!(held_for_delegation(2), 400);
		assert_eq!(pool(1).shares.uncollected, 100);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 50);

		events();
		assert_ok!(Staking::collect(signed(9), 1, 2));
		assert_eq!(events(), [Event::Collected { delegator: 2, operator: 1, amount: 40 }]);
		assert_noop!(Staking::collect(signed(9), 1, 2), Error::<Test>::NothingToCollect);
		assert_noop!(Staking::collect(signed(9), 1, 9), Error::<Test>::NotDelegated);
		assert_eq!(held_for_delegation(2), 360);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 90);

		// The last of it is collected when it leaves.
		assert_ok!(Staking::undelegate(signed(3), 1, 540));
		assert_eq!(pool(1).shares.uncollected, 0);
		advance(UNBONDING_PERIOD);
		assert_ok!(Staking::withdraw_delegation(signed(3), 1, 3, false));
		assert_eq!(free(3), ENDOWMENT - 60);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 150);
	});
}

#[test]
fn delegate_should_buy_at_the_worth_of_now_when_there_was_a_slash() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 400));
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(50));
		assert_ok!(delegate(3, 1, 200));
		assert_eq!(delegation(3, 1).active, 200);
		assert_eq!(delegation(2, 1).active, 200);
		assert_eq!(pool(1).shares.total, 800);
		// Who had more pays for it when it adds to what it has.
		assert_ok!(delegate(2, 1, 100));
		assert_eq!(held_for_delegation(2), 300);
		assert_eq!(delegation(2, 1).active, 300);
	});
}

#[test]
fn pool_should_take_nothing_until_it_is_cleared_when_a_slash_took_everything() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 400));
		assert_ok!(delegate(3, 1, 400));
		Staking::punish(&1, Offence::Dissent, Perbill::one());
		assert_eq!(ledger(1).draw_weight(), 0);
		assert_ok!(Staking::bond_extra(signed(1), 1_000));
		assert_ok!(Staking::resume(signed(1)));
		assert_noop!(delegate(4, 1, 400), Error::<Test>::DelegationTooLow);
		// What is worth nothing is gone at once, whoever asks.
		assert_ok!(Staking::kick(signed(4), 1, 2));
		assert_ok!(Staking::kick(signed(4), 1, 3));
		assert_eq!(held_for_delegation(2) + held_for_delegation(3), 0);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 1_300);
		assert_ok!(delegate(4, 1, 400));
		assert_eq!(delegation(4, 1).active, 400);
	});
}

#[test]
fn delegators_should_be_free_at_once_when_the_operator_has_left() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 400));
		assert_ok!(delegate(3, 1, 600));
		assert_ok!(delegate(5, 1, 200));
		assert_ok!(Staking::unbond(signed(1), 500));
		assert_eq!(ledger(1).draw_weight(), 0);
		// Until it has left, its delegators answer with it.
		assert_noop!(
			Staking::withdraw_delegation(signed(2), 1, 2, false),
			Error::<Test>::NothingToWithdraw
		);
		advance(UNBONDING_PERIOD);
		assert_ok!(Staking::undelegate(signed(3), 1, 100));
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert!(pool(1).closed);
		assert_ok!(Staking::withdraw_delegation(signed(2), 1, 2, false));
		assert_eq!(free(2), ENDOWMENT);
		assert_eq!(pool(1).shares.active, 700);

		// It may come back, but takes nothing before all have gone.
		assert_ok!(bond(1, 700));
		assert_noop!(delegate(4, 1, 100), Error::<Test>::PoolClosed);
		assert_noop!(
			Staking::set_commission(signed(1), Perbill::zero()),
			Error::<Test>::PoolClosed
		);
		// Nor do those who stayed answer for it, count for it, or earn with it.
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(50));
		assert_eq!(ledger(1).draw_weight(), 350);
		assert_ok!(Staking::withdraw_delegation(signed(9), 1, 5, false));
		assert_eq!((free(5), ledger(1).draw_weight()), (ENDOWMENT, 350));
		assert_ok!(Staking::withdraw_delegation(signed(9), 1, 3, false));
		assert_eq!(free(3), ENDOWMENT);
		assert!(!Pools::<Test>::contains_key(1));
		assert_ok!(delegate(4, 1, 100));
	});
}
