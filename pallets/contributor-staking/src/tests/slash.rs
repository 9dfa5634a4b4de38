use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, StakeSlash};
use frame_support::assert_ok;
use sp_runtime::Perbill;

fn percent(percent: u32) -> Perbill {
	Perbill::from_percent(percent)
}

/// What is said of a slash of operator 1 without delegators.
fn slashed(offence: Offence, of: u32, own: Balance) -> Event<Test> {
	Event::Slashed { operator: 1, offence, fraction: percent(of), own, delegated: 0 }
}

#[test]
fn punish_should_bring_the_fraction_to_the_treasury_when_all_is_bonded() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_eq!(Staking::punish(&1, Offence::Dissent, percent(10)), 100);
		assert_eq!(held(1), 900);
		assert_eq!(ledger(1).draw_weight(), 900);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 100);
		assert_eq!(events(), [slashed(Offence::Dissent, 10, 100)]);
	});
}

#[test]
fn punish_should_take_the_same_fraction_of_every_part_when_some_is_unbonding() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 200));
		advance(1);
		assert_ok!(Staking::unbond(signed(1), 101));
		// Matured, but not withdrawn.
		advance(UNBONDING_PERIOD);
		assert_eq!(Staking::punish(&1, Offence::Unrevealed, percent(10)), 69 + 20 + 10);
		assert_eq!(ledger(1).bonded, 630);
		let amounts: Vec<_> = ledger(1).unbonding.iter().map(|chunk| chunk.amount).collect();
		assert_eq!(amounts, [180, 91]);
		assert_eq!(ledger(1).slashable(), 1000 - 99);
	});
}

#[test]
fn punish_should_take_everything_when_the_fraction_is_one() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 200));
		assert_eq!(Staking::punish(&1, Offence::Dissent, Perbill::one()), 1000);
		assert_eq!(held(1), 0);
		assert!(ledger(1).unbonding.is_empty());
		assert_eq!(Eligible::<Test>::get(), 0);
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + 1000);
	});
}

#[test]
fn punish_should_chill_when_the_bond_falls_below_the_least() {
	ExtBuilder::default().bonded(1, MIN_BOND + 1).build_and_execute(|| {
		// One off is still enough of a bond.
		Staking::punish(&1, Offence::Dissent, percent(1));
		assert!(!ledger(1).chilled);
		events();
		Staking::punish(&1, Offence::Dissent, percent(1));
		assert_eq!(
			events(),
			[
				slashed(Offence::Dissent, 1, 1),
				Event::Chilled { operator: 1, reason: ChillReason::BondTooLow },
			]
		);
		assert_eq!(Eligible::<Test>::get(), 0);
	});
}

#[test]
fn punish_should_chill_when_strikes_add_up_within_the_window() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		Staking::punish(&1, Offence::NoShow, percent(1));
		advance(STRIKE_WINDOW / 2);
		Staking::punish(&1, Offence::Unrevealed, percent(1));
		assert!(!ledger(1).chilled);
		advance(STRIKE_WINDOW / 2 - 1);
		events();
		let amount = Staking::punish(&1, Offence::NoShow, percent(1));
		assert_eq!(
			events(),
			[
				slashed(Offence::NoShow, 1, amount),
				Event::Struck { operator: 1, strikes: MAX_STRIKES },
				Event::Chilled { operator: 1, reason: ChillReason::Strikes },
			]
		);
		assert_eq!(Eligible::<Test>::get(), 0);
	});
}

#[test]
fn punish_should_count_strikes_anew_when_the_window_is_over() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		for _ in 1..MAX_STRIKES {
			Staking::punish(&1, Offence::NoShow, percent(1));
		}
		advance(STRIKE_WINDOW);
		Staking::punish(&1, Offence::NoShow, percent(1));
		assert_eq!(ledger(1).strikes, 1);
		assert!(!ledger(1).chilled);
		// The new window begins with its first strike.
		advance(STRIKE_WINDOW - 1);
		Staking::punish(&1, Offence::NoShow, percent(1));
		assert_eq!(ledger(1).strikes, 2);
	});
}

#[test]
fn punish_should_count_no_strike_when_the_offence_is_dissent() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		for _ in 0..MAX_STRIKES * 2 {
			Staking::punish(&1, Offence::Dissent, percent(1));
		}
		assert_eq!(ledger(1).strikes, 0);
		assert!(!ledger(1).chilled);
	});
}

#[test]
fn punish_should_reach_a_chilled_operator_without_chilling_it_again() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(1)));
		events();
		assert_eq!(Staking::punish(&1, Offence::Dissent, percent(99)), 990);
		assert_eq!(events().len(), 1);
	});
}

#[test]
fn punish_should_do_nothing_when_the_account_is_no_operator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Staking::punish(&1, Offence::Dissent, Perbill::one()), 0);
		assert_eq!(free(1), ENDOWMENT);
		assert_eq!(events(), []);
	});
}

#[test]
fn obligations_should_be_counted_when_they_begin_and_end() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		Staking::oblige(&1);
		Staking::oblige(&1);
		assert_eq!(ledger(1).obligations, 2);
		Staking::discharge(&1);
		assert_eq!(ledger(1).obligations, 1);
	});
}

#[test]
fn obligations_should_not_go_wrong_when_there_are_none_or_nobody_to_have_them() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		Staking::discharge(&1);
		assert_eq!(ledger(1).obligations, 0);
		Staking::oblige(&2);
		Staking::discharge(&2);
		assert!(!Ledgers::<Test>::contains_key(2));
	});
}
