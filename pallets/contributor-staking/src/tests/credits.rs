use crate::{mock::*, *};
use dodona_primitives_staking::{Payee, PendingRewards, RewardSink};
use frame_support::{assert_ok, traits::Imbalance};

fn credit(cause: u64, payee: Payee<AccountId>, amount: Balance) {
	assert!(Staking::credit(cause, payee, earnings(amount)).is_ok());
}

fn credit_all(cause: u64) {
	credit(cause, Payee::Operator(1), 200);
	credit(cause, Payee::Contributor(Some(3)), 30);
	credit(cause, Payee::Contributor(None), 5);
	credit(cause, Payee::Treasury, 7);
}

#[test]
fn credits_should_wait_and_be_paid_as_rewards_when_they_are_released() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 500));
		events();
		credit_all(8);
		credit_all(9);
		assert_eq!(events(), []);
		assert_eq!(pot(), 484);
		assert_eq!(CurrentEra::<Test>::get().seats, 0);
		Staking::release(8);
		assert_eq!(free(1), ENDOWMENT - 500 + 100);
		assert_eq!(free(3), ENDOWMENT + 30);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 12);
		// What waits is the delegators', and the other cause's.
		assert_eq!(pot(), 100 + 242);
		assert_eq!(CurrentEra::<Test>::get().seats, 1);
		// Only once.
		Staking::release(8);
		assert_eq!(pot(), 100 + 242);
	});
}

#[test]
fn credits_should_be_taken_back_to_the_last_unit_when_a_verdict_says_so() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		assert_ok!(delegate(2, 1, 500));
		credit_all(8);
		credit(8, Payee::Operator(1), 1);
		let back = Staking::take_back(8);
		assert_eq!(back.peek(), 243);
		assert_eq!(Staking::take_back(8).peek(), 0);
		Staking::release(8);
		assert_eq!(pot(), 0);
		assert_eq!(free(1), ENDOWMENT - 500);
		Staking::reward_treasury(back);
	});
}

#[test]
fn credit_should_be_given_back_when_there_is_no_room() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		for who in 0..MAX_PAYEES as u64 {
			credit(8, Payee::Operator(10 + who), 10);
		}
		// More for one of them is no payee more, and nothing is no payee at all.
		credit(8, Payee::Operator(10), 10);
		credit(8, Payee::Treasury, 0);
		let back = Staking::credit(8, Payee::Treasury, earnings(10)).unwrap_err();
		assert_eq!(back.peek(), 10);
		assert_eq!(Staking::take_back(8).peek(), 10 * (MAX_PAYEES as u128 + 1));
	});
}

#[test]
fn credit_should_be_given_back_when_the_account_of_earnings_is_missing() {
	ExtBuilder::default().bonded(1, 500).build_and_execute(|| {
		drop(Staking::take_from_pot(0));
		assert_ok!(<Balances as frame_support::traits::fungible::Mutate<_>>::burn_from(
			&Staking::pot(),
			EXISTENTIAL_DEPOSIT,
			frame_support::traits::tokens::Preservation::Expendable,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Force,
		));
		let little = EXISTENTIAL_DEPOSIT - 1;
		let back = Staking::credit(8, Payee::Treasury, earnings(little)).unwrap_err();
		assert_eq!(back.peek(), little);
		assert!(!Credits::<Test>::contains_key(8));
	});
}

#[test]
fn credits_should_reach_the_account_when_the_operator_has_left() {
	ExtBuilder::default().build_and_execute(|| {
		credit(8, Payee::Operator(1), 200);
		Staking::release(8);
		assert_eq!(free(1), ENDOWMENT + 200);
	});
}
