//! What somebody could try, and what it brings them.

use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, RewardSink, StakeSlash};
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::Mutate, tokens::Preservation},
};
use sp_runtime::Perbill;

fn percent(percent: u32) -> Perbill {
	Perbill::from_percent(percent)
}

/// All that an account could get hold of in the end.
fn wealth(who: AccountId, operator: AccountId) -> Balance {
	let staked = Staking::stake_info(who)
		.delegations
		.into_iter()
		.filter(|delegation| delegation.operator == operator)
		.map(|delegation| {
			let unbonding: Balance = delegation.unbonding.iter().map(|(amount, _)| amount).sum();
			delegation.active + unbonding + delegation.claimable
		})
		.sum::<Balance>();
	free(who) + staked
}

#[test]
fn donations_should_not_change_what_shares_cost_when_somebody_was_first() {
	ExtBuilder::default().bonded(1, 10_000).build_and_execute(|| {
		assert_ok!(delegate(2, 1, MIN_DELEGATION));
		for to in [Staking::pot(), 1] {
			assert_ok!(<Balances as Mutate<_>>::transfer(&2, &to, 30_000, Preservation::Preserve));
		}
		assert_ok!(delegate(3, 1, 1_000));
		assert_eq!(delegation(3, 1).active, 1_000);
		assert_eq!(Staking::pending_rewards(2), 0);
	});
}

#[test]
fn newcomer_should_not_pay_for_a_slash_of_before_nor_earn_a_reward_of_before() {
	ExtBuilder::default().bonded(1, 1_024).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1_024));
		Staking::reward_operator(&1, earnings(200));
		advance(DRIP_PERIOD);
		Staking::punish(&1, Offence::Dissent, percent(50));
		assert_ok!(delegate(3, 1, 512));
		assert_eq!(wealth(3, 1), ENDOWMENT);
		Staking::reward_operator(&1, earnings(150));
		advance(DRIP_PERIOD);
		assert_eq!(wealth(3, 1), ENDOWMENT + 50);
		assert_eq!(wealth(2, 1), ENDOWMENT - 512 + 100 + 50);
	});
}

#[test]
fn sandwich_around_a_reward_should_bring_no_more_than_its_time_is_worth() {
	ExtBuilder::default().bonded(1, 8_192).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 8_192));
		// Three times as much as all the others, for one block.
		assert_ok!(delegate(3, 1, 24_576));
		Staking::reward_operator(&1, earnings(4_000));
		advance(1);
		assert_ok!(Staking::undelegate(signed(3), 1, 24_576));
		advance(DRIP_PERIOD);
		let tenth = 3_200 / DRIP_PERIOD as u128;
		assert_eq!(Staking::pending_rewards(3), tenth * 3 / 4);
		assert_eq!(Staking::pending_rewards(2), tenth / 4 + 3_200 - tenth);
		// And its stake is stuck for the period, in reach of every slash.
		Staking::punish(&1, Offence::Dissent, percent(10));
		assert_eq!(wealth(3, 1), ENDOWMENT - 24_576 + 22_119 + tenth * 3 / 4);
	});
}

#[test]
fn unbonding_should_not_escape_a_slash_however_it_is_done() {
	ExtBuilder::default().bonded(1, 1_000).bonded(4, 1_000).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1_000));
		assert_ok!(Staking::undelegate(signed(2), 1, 400));
		assert_ok!(Staking::undelegate(signed(2), 1, 600));
		// There is no way to move to another operator but out and in.
		assert_noop!(
			Staking::withdraw_delegation(signed(2), 1, 2, true),
			Error::<Test>::NothingToWithdraw
		);
		advance(UNBONDING_PERIOD - 1);
		Staking::punish(&1, Offence::Dissent, percent(30));
		advance(1);
		assert_ok!(Staking::withdraw_delegation(signed(2), 1, 2, false));
		assert_eq!(free(2), ENDOWMENT - 300);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 600);
	});
}

#[test]
fn going_in_and_out_should_never_bring_anything_when_shares_are_worth_fractions() {
	ExtBuilder::default().bonded(1, 10_000).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1_000));
		Staking::punish(&1, Offence::Dissent, Perbill::from_parts(333_333_333));
		assert_ok!(delegate(3, 1, 777));
		let (two, three) = (wealth(2, 1), wealth(3, 1));
		for amount in [51, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109] {
			assert_ok!(delegate(3, 1, amount));
			assert_ok!(Staking::undelegate(signed(3), 1, amount));
			advance(UNBONDING_PERIOD);
			assert_ok!(Staking::withdraw_delegation(signed(3), 1, 3, false));
		}
		assert!(wealth(3, 1) <= three, "{} {three}", wealth(3, 1));
		// The other delegator lost nothing by it.
		assert!(wealth(2, 1) >= two, "{} {two}", wealth(2, 1));
	});
}

#[test]
fn reporting_oneself_should_lose_money() {
	ExtBuilder::default().bonded(1, 1_000).build_and_execute(|| {
		let before = free(1) + held(1);
		Staking::punish_reported(&1, Offence::Dissent, percent(50), &1);
		assert_eq!(free(1) + held(1), before - 450);
	});
}

#[test]
fn treasury_that_calls_back_should_find_everything_done() {
	ExtBuilder::default().bonded(1, 1_000).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1_000));
		Staking::punish(&1, Offence::Dissent, percent(50));
		let before = free(TREASURY);
		CallBack::set(Some(|| {
			assert_noop!(Staking::collect(signed(9), 1, 2), Error::<Test>::NothingToCollect);
			Staking::do_try_state().expect("nothing is half done");
		}));
		assert_ok!(Staking::collect(signed(9), 1, 2));
		assert!(CallBack::get().is_none());
		assert_eq!(free(TREASURY), before + 500);
	});
}

#[test]
fn treasury_that_calls_back_should_not_be_slashed_twice_for_one_offence() {
	ExtBuilder::default().bonded(1, 1_000).build_and_execute(|| {
		SlashDefer::set(5);
		Staking::punish(&1, Offence::Dissent, percent(50));
		advance(5);
		CallBack::set(Some(|| {
			assert_noop!(Staking::apply_slash(signed(9), 1, 0), Error::<Test>::NoSuchSlash);
		}));
		assert_ok!(Staking::apply_slash(signed(9), 1, 0));
		assert_eq!(held(1), 500);
	});
}

#[test]
fn second_account_of_the_operator_should_count_no_more_than_any_delegator() {
	ExtBuilder::default().bonded(1, 200).build_and_execute(|| {
		assert_noop!(delegate(1, 1, 800), Error::<Test>::SelfDelegation);
		assert_ok!(delegate(2, 1, 800));
		assert_noop!(delegate(3, 1, 50), Error::<Test>::PoolFull);
		assert_eq!(ledger(1).draw_weight(), 1_000);
		// And all of it answers for the operator.
		Staking::punish(&1, Offence::Dissent, percent(10));
		assert_eq!(ledger(1).draw_weight(), 900);
	});
}
