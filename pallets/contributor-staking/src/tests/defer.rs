//! Slashes that wait.

use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, StakeSlash};
use frame_support::{assert_noop, assert_ok, weights::WeightMeter};
use sp_runtime::{DispatchError, Perbill};

const WAIT: u64 = 5;

fn percent(percent: u32) -> Perbill {
	Perbill::from_percent(percent)
}

/// Operator 1 with 1000 of its own and 1000 of account 2, a tenth of which will be taken.
fn offended() -> ExtBuilder {
	ExtBuilder::default().bonded(1, 1000)
}

fn offend() {
	assert_ok!(delegate(2, 1, 1000));
	SlashDefer::set(WAIT);
	assert_eq!(Staking::punish(&1, Offence::Dissent, percent(10)), 200);
}

#[test]
fn slash_should_take_nothing_until_it_is_due_when_slashes_wait() {
	offended().build_and_execute(|| {
		offend();
		assert_eq!(
			events().last(),
			Some(&Event::SlashDeferred {
				operator: 1,
				id: 0,
				offence: Offence::Dissent,
				fraction: percent(10),
				due: 1 + WAIT
			})
		);
		advance(WAIT - 1);
		poll();
		assert_eq!(ledger(1).draw_weight(), 2000);
		assert_eq!(Staking::pool_info(1).unwrap().slashes.len(), 1);
		advance(1);
		poll();
		assert_eq!(ledger(1).draw_weight(), 1800);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 100);
		assert_eq!(delegation(2, 1).uncollected, 100);
		assert!(!PendingSlashes::<Test>::contains_key(1));
		poll();
		assert_eq!(ledger(1).draw_weight(), 1800);
	});
}

#[test]
fn slash_should_take_nothing_at_all_when_it_is_cancelled() {
	offended().build_and_execute(|| {
		offend();
		assert_noop!(Staking::cancel_slash(signed(1), 1, 0), DispatchError::BadOrigin);
		assert_noop!(
			Staking::cancel_slash(RuntimeOrigin::root(), 1, 1),
			Error::<Test>::NoSuchSlash
		);
		events();
		assert_ok!(Staking::cancel_slash(RuntimeOrigin::root(), 1, 0));
		assert_eq!(events(), [Event::SlashCancelled { operator: 1, id: 0 }]);
		advance(WAIT);
		poll();
		assert_eq!(ledger(1).draw_weight(), 2000);
		assert_noop!(Staking::apply_slash(signed(9), 1, 0), Error::<Test>::NoSuchSlash);
		// The queue isn't held up by it.
		Staking::punish(&1, Offence::Dissent, percent(10));
		advance(WAIT);
		poll();
		assert_eq!(ledger(1).draw_weight(), 1800);
	});
}

#[test]
fn apply_slash_should_work_for_anyone_when_it_is_due() {
	offended().build_and_execute(|| {
		offend();
		assert_noop!(Staking::apply_slash(signed(9), 1, 0), Error::<Test>::SlashNotDue);
		advance(WAIT);
		assert_ok!(Staking::apply_slash(signed(9), 1, 0));
		assert_eq!(ledger(1).draw_weight(), 1800);
		poll();
		assert_eq!(ledger(1).draw_weight(), 1800);
	});
}

#[test]
fn slashes_should_be_applied_as_far_as_there_is_room_when_many_are_due() {
	ExtBuilder::default()
		.bonded(1, 1000)
		.bonded(2, 1000)
		.bonded(3, 1000)
		.build_and_execute(|| {
			SlashDefer::set(WAIT);
			for who in 1..=3 {
				Staking::punish(&who, Offence::Dissent, percent(10));
			}
			advance(WAIT);
			let two = <() as WeightInfo>::serve_slash().saturating_mul(2);
			Staking::serve_slashes(System::block_number(), &mut WeightMeter::with_limit(two));
			assert_eq!([1, 2, 3].map(|who| ledger(who).bonded), [900, 900, 1000]);
			Staking::serve_slashes(System::block_number(), &mut WeightMeter::with_limit(two));
			assert_eq!(ledger(3).bonded, 900);
		});
}

#[test]
fn first_slash_should_not_wait_any_more_when_there_is_no_room_for_another() {
	offended().build_and_execute(|| {
		SlashDefer::set(WAIT);
		for _ in 0..MAX_PENDING_SLASHES {
			Staking::punish(&1, Offence::Dissent, percent(10));
		}
		assert_eq!(ledger(1).bonded, 1000);
		Staking::punish(&1, Offence::Dissent, percent(50));
		assert_eq!(ledger(1).bonded, 900);
		assert_eq!(PendingSlashes::<Test>::get(1).len() as u32, MAX_PENDING_SLASHES);
		advance(WAIT);
		poll();
		assert_eq!(ledger(1).bonded, 365);
		assert_eq!(SlashQueue::<Test>::iter().count(), 0);
	});
}

#[test]
fn strikes_should_count_at_once_when_the_slash_waits() {
	offended().build_and_execute(|| {
		SlashDefer::set(WAIT);
		for _ in 0..MAX_STRIKES {
			Staking::punish(&1, Offence::NoShow, percent(1));
		}
		assert!(ledger(1).chilled);
		assert_eq!(ledger(1).bonded, 1000);
	});
}

#[test]
fn own_stake_should_not_leave_when_a_slash_waits() {
	offended().build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 1000));
		advance(UNBONDING_PERIOD);
		SlashDefer::set(WAIT);
		Staking::punish(&1, Offence::Dissent, percent(10));
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::SlashPending);
		advance(WAIT);
		assert_noop!(Staking::withdraw_unbonded(signed(1)), Error::<Test>::SlashPending);
		poll();
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		assert_eq!(free(1), ENDOWMENT - 100);
	});
}

#[test]
fn nothing_should_come_in_when_a_slash_waits() {
	offended().build_and_execute(|| {
		offend();
		assert_noop!(delegate(3, 1, 500), Error::<Test>::SlashPending);
		assert_ok!(Staking::cancel_slash(RuntimeOrigin::root(), 1, 0));
		assert_ok!(delegate(3, 1, 500));
	});
}

#[test]
fn delegation_should_wait_or_leave_behind_what_would_be_taken_when_a_slash_waits() {
	offended().build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1000));
		assert_ok!(delegate(3, 1, 1000));
		assert_ok!(Staking::undelegate(signed(2), 1, 1000));
		assert_ok!(Staking::undelegate(signed(3), 1, 1000));
		advance(UNBONDING_PERIOD);
		SlashDefer::set(WAIT);
		Staking::punish(&1, Offence::Dissent, percent(10));
		Staking::punish(&1, Offence::Dissent, percent(50));
		let withdraw =
			|who, leave_behind| Staking::withdraw_delegation(signed(who), 1, 2, leave_behind);
		assert_noop!(withdraw(2, false), Error::<Test>::SlashPending);
		assert_noop!(withdraw(9, false), Error::<Test>::SlashPending);
		assert_noop!(withdraw(9, true), Error::<Test>::NotYourDelegation);
		events();
		assert_ok!(withdraw(2, true));
		assert_eq!(
			events(),
			[Event::DelegationWithdrawn {
				delegator: 2,
				operator: 1,
				amount: 450,
				left_behind: 550
			}]
		);
		assert_eq!(free(2), ENDOWMENT - 550);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 550);
		// Who waits loses the same, or nothing.
		assert_ok!(Staking::cancel_slash(RuntimeOrigin::root(), 1, 1));
		advance(WAIT);
		poll();
		assert_ok!(Staking::withdraw_delegation(signed(3), 1, 3, false));
		assert_eq!(free(3), ENDOWMENT - 100);
	});
}

#[test]
fn reporter_should_get_a_part_of_the_own_stake_when_there_is_one() {
	offended().build_and_execute(|| {
		assert_ok!(delegate(2, 1, 1000));
		Staking::punish_reported(&1, Offence::Dissent, percent(10), &3);
		assert_eq!(free(3), ENDOWMENT + 10);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 90);
		assert_eq!(events().last(), Some(&Event::ReporterRewarded { reporter: 3, amount: 10 }));
		// It waits as long as the slash.
		SlashDefer::set(WAIT);
		Staking::punish_reported(&1, Offence::Dissent, percent(10), &3);
		assert_eq!(free(3), ENDOWMENT + 10);
		advance(WAIT);
		poll();
		assert_eq!(free(3), ENDOWMENT + 19);
	});
}

#[test]
fn reporters_part_should_go_to_the_treasury_when_the_account_cannot_take_it() {
	offended().build_and_execute(|| {
		Staking::punish_reported(&1, Offence::Dissent, Perbill::from_parts(9_000_000), &5_000);
		assert_eq!(free(5_000), 0);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 9);
	});
}

#[test]
fn operator_should_be_chilled_when_a_slash_that_waited_leaves_too_little() {
	ExtBuilder::default().bonded(1, MIN_BOND).build_and_execute(|| {
		SlashDefer::set(WAIT);
		Staking::punish(&1, Offence::Dissent, percent(10));
		assert!(!ledger(1).chilled);
		advance(WAIT);
		poll();
		assert!(ledger(1).chilled);
		assert_eq!(
			events().last(),
			Some(&Event::Chilled { operator: 1, reason: ChillReason::BondTooLow })
		);
	});
}
