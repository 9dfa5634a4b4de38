use crate::{mock::*, *};
use dodona_primitives_staking::RewardSink;
use frame_support::{assert_ok, traits::fungible::Mutate};

/// An account without funds.
const NOBODY: AccountId = 5_000;

#[test]
fn reward_should_reach_the_operator_and_be_counted_when_it_is_bonded() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		Staking::reward_operator(&1, earnings(30));
		Staking::reward_operator(&1, earnings(12));
		assert_eq!(free(1), ENDOWMENT - 500 + 42);
		assert_eq!(ledger(1).earned, 42);
		assert_eq!(ledger(1).bonded, 500);
		assert_eq!(
			events(),
			[
				Event::OperatorRewarded { operator: 1, amount: 30 },
				Event::OperatorRewarded { operator: 1, amount: 12 },
			]
		);
	});
}

#[test]
fn reward_should_reach_the_account_when_it_is_no_operator_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		Staking::reward_operator(&1, earnings(30));
		assert_eq!(free(1), ENDOWMENT + 30);
		assert!(!Ledgers::<Test>::contains_key(1));
	});
}

#[test]
fn reward_should_go_to_the_treasury_when_the_account_cannot_take_it() {
	ExtBuilder::default().build_and_execute(|| {
		let amount = EXISTENTIAL_DEPOSIT - 1;
		Staking::reward_operator(&NOBODY, earnings(amount));
		Staking::reward_contributor(Some(&NOBODY), earnings(amount));
		assert_eq!(free(NOBODY), 0);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 2 * amount);
		assert_eq!(ContributorEarned::<Test>::get(NOBODY), 0);
		let diverted = Event::RewardDiverted { beneficiary: NOBODY, amount };
		assert_eq!(events(), [diverted.clone(), diverted]);
	});
}

#[test]
fn reward_should_not_be_counted_as_earned_when_it_went_to_the_treasury() {
	ExtBuilder::default().build_and_execute(|| {
		// An operator whose whole account is its bond: all its free balance is spent.
		assert_ok!(bond(1, ENDOWMENT - EXISTENTIAL_DEPOSIT));
		System::inc_providers(&1);
		assert_ok!(Balances::burn_from(
			&1,
			EXISTENTIAL_DEPOSIT,
			frame_support::traits::tokens::Preservation::Expendable,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Force,
		));
		Staking::reward_operator(&1, earnings(EXISTENTIAL_DEPOSIT - 1));
		assert_eq!(ledger(1).earned, 0);
		assert_eq!(free(TREASURY), 2 * EXISTENTIAL_DEPOSIT - 1);
	});
}

#[test]
fn reward_should_reach_the_contributor_and_be_counted_when_there_is_one() {
	ExtBuilder::default().build_and_execute(|| {
		Staking::reward_contributor(Some(&2), earnings(30));
		Staking::reward_contributor(Some(&2), earnings(12));
		assert_eq!(free(2), ENDOWMENT + 42);
		assert_eq!(ContributorEarned::<Test>::get(2), 42);
		assert_eq!(
			events(),
			[
				Event::ContributorRewarded { beneficiary: 2, amount: 30 },
				Event::ContributorRewarded { beneficiary: 2, amount: 12 },
			]
		);
	});
}

#[test]
fn reward_should_go_to_the_treasury_when_there_is_no_contributor() {
	ExtBuilder::default().build_and_execute(|| {
		Staking::reward_contributor(None, earnings(30));
		Staking::reward_treasury(earnings(12));
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 42);
	});
}

#[test]
fn reward_should_leave_no_trace_when_there_is_none() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		Staking::reward_operator(&1, earnings(0));
		Staking::reward_contributor(Some(&1), earnings(0));
		Staking::reward_treasury(earnings(0));
		assert_eq!(events(), []);
		assert!(!ContributorEarned::<Test>::contains_key(1));
	});
}
