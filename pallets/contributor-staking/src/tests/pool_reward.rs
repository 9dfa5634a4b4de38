use crate::{mock::*, *};
use dodona_primitives_staking::RewardSink;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

#[test]
fn reward_should_be_shared_by_stake_and_drip_when_there_are_delegators() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(Staking::set_commission(signed(1), Perbill::from_percent(25)));
		assert_ok!(delegate(2, 1, 128));
		assert_ok!(delegate(3, 1, 384));
		events();
		Staking::reward_operator(&1, earnings(1_024));
		// Half is its own, and a quarter of the other half.
		assert_eq!(free(1), ENDOWMENT - 512 + 640);
		assert_eq!(ledger(1).earned, 640);
		assert_eq!(pot(), 384);
		assert_eq!(
			events(),
			[
				Event::DelegatorsRewarded { operator: 1, amount: 384 },
				Event::OperatorRewarded { operator: 1, amount: 640 },
			]
		);
		assert_eq!(Staking::pending_rewards(2), 0);
		advance(DRIP_PERIOD / 2);
		assert_eq!((Staking::pending_rewards(2), Staking::pending_rewards(3)), (48, 144));
		advance(DRIP_PERIOD);
		assert_eq!((Staking::pending_rewards(2), Staking::pending_rewards(3)), (96, 288));
	});
}

#[test]
fn claim_should_pay_what_is_due_when_anyone_asks() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 512));
		assert_noop!(Staking::claim(signed(2), 1, 2), Error::<Test>::NothingToClaim);
		assert_noop!(Staking::claim(signed(2), 1, 3), Error::<Test>::NotDelegated);
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD / 2);
		events();
		assert_ok!(Staking::claim(signed(9), 1, 2));
		assert_eq!(free(2), ENDOWMENT - 512 + 50);
		assert_eq!(events(), [Event::Claimed { delegator: 2, operator: 1, amount: 50 }]);
		advance(DRIP_PERIOD);
		assert_ok!(Staking::claim(signed(2), 1, 2));
		assert_eq!(free(2), ENDOWMENT - 512 + 100);
		assert_eq!(pot(), 0);
	});
}

#[test]
fn claim_should_delegate_again_when_the_delegator_wants_it() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_noop!(Staking::set_compound(signed(2), 1, true), Error::<Test>::NotDelegated);
		assert_ok!(delegate(2, 1, 512));
		assert_ok!(Staking::set_compound(signed(2), 1, true));
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD);
		events();
		assert_ok!(Staking::claim(signed(9), 1, 2));
		assert_eq!(delegation(2, 1).active, 612);
		assert_eq!(free(2), ENDOWMENT - 512);
		assert_eq!(
			events(),
			[
				Event::Claimed { delegator: 2, operator: 1, amount: 100 },
				Event::Delegated { delegator: 2, operator: 1, amount: 100 },
			]
		);
		// Not into a pool that is full: then it is free.
		assert_ok!(Staking::unbond(signed(1), 400));
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD);
		assert_ok!(Staking::claim(signed(9), 1, 2));
		assert_eq!(delegation(2, 1).active, 612);
		assert!(free(2) > ENDOWMENT - 512);
		// Nor when it is on its way out.
		assert_ok!(Staking::rebond(signed(1), 400));
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD);
		assert_ok!(Staking::undelegate(signed(2), 1, 612));
		assert_ok!(Staking::claim(signed(9), 1, 2));
		assert_eq!(delegation(2, 1).active, 0);
	});
}

#[test]
fn claim_should_fail_and_lose_nothing_when_the_account_cannot_take_it() {
	use frame_support::traits::fungible::Mutate;
	const POOR: AccountId = 5_000;
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		// A provider keeps the account while all that it has is held.
		System::inc_providers(&POOR);
		assert_ok!(Balances::mint_into(&POOR, 512));
		assert_ok!(delegate(POOR, 1, 512));
		Staking::reward_operator(&1, earnings(10));
		advance(DRIP_PERIOD);
		assert_eq!(Staking::pending_rewards(POOR), 5);
		assert_noop!(Staking::claim(signed(9), 1, POOR), Error::<Test>::CannotBePaid);
		assert_eq!(Staking::pending_rewards(POOR), 5);
	});
}

#[test]
fn reward_should_go_to_the_operator_alone_when_all_delegations_are_unbonding() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 512));
		assert_ok!(Staking::undelegate(signed(2), 1, 512));
		Staking::reward_operator(&1, earnings(200));
		assert_eq!(free(1), ENDOWMENT - 512 + 200);
		assert_eq!(pot(), 0);
	});
}

#[test]
fn dripping_earnings_should_be_the_operators_when_nobody_has_active_shares() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 512));
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD / 2);
		assert_ok!(Staking::undelegate(signed(2), 1, 512));
		advance(DRIP_PERIOD);
		// Half became due while nobody was in it.
		let before = free(1);
		assert_ok!(delegate(3, 1, 100));
		assert_eq!(free(1), before + 50);
		assert_eq!(Staking::pending_rewards(3), 0);
		assert_eq!(Staking::pending_rewards(2), 50);
	});
}

#[test]
fn last_withdrawal_should_pay_what_was_earned_and_leave_nothing_waiting() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 512));
		Staking::reward_operator(&1, earnings(1_000));
		let own = free(1);
		advance(DRIP_PERIOD / 2);
		assert_ok!(Staking::undelegate(signed(2), 1, 512));
		advance(UNBONDING_PERIOD);
		assert_ok!(Staking::withdraw_delegation(signed(2), 1, 2, false));
		// Half was the delegators'; this one was there for half of the time.
		assert_eq!(free(2), ENDOWMENT + 250);
		assert_eq!(free(1), own + 250);
		assert_eq!(pot(), 0);
	});
}

#[test]
fn delegators_should_get_all_they_earned_when_the_operator_leaves() {
	ExtBuilder::default().bonded(1, 512).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 512));
		assert_ok!(Staking::unbond(signed(1), 512));
		advance(UNBONDING_PERIOD);
		Staking::reward_operator(&1, earnings(200));
		assert_eq!(pot(), 200);
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(Staking::pending_rewards(2), 200);
		assert_ok!(Staking::withdraw_delegation(signed(2), 1, 2, false));
		assert_eq!(free(2), ENDOWMENT + 200);
		assert_eq!(pot(), 0);
	});
}
