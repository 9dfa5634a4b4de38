//! What was tried to earn without saying anything.

use crate::mock::*;
use dodona_primitives_inference::Rating::{Bad, Good};
use frame_support::assert_ok;
use sp_runtime::Perbill;

/// What accounts from 1 to `count` have won, less what they lost.
fn earned(count: u64) -> i128 {
	(1..=count).map(|who| owned(who) as i128 - ENDOWMENT as i128).sum()
}

#[test]
fn asking_oneself_should_bring_less_than_it_costs_whatever_is_agreed() {
	ExtBuilder.build_and_execute(|| {
		RewardCap::set(Perbill::one());
		Budget::set(Balance::MAX);
		// One person with twenty accounts, who turns round each time that all expect the same.
		let mut asked = 0;
		for times in 0..8 {
			let rating = if times % 2 == 0 { Good } else { Bad };
			rate(times * 100 + 1, VERSION, &[rating; 20]);
			asked += 20 * PART;
			settle_all();
			assert!(earned(20) > 0, "collusion brings something");
			assert!(earned(20) < asked as i128, "and costs more");
		}
	});
}

#[test]
fn many_cheap_ratings_should_not_make_a_dear_one_pay_more_than_its_cap() {
	ExtBuilder.build_and_execute(|| {
		for who in 1..20 {
			finalize_for(who, who, VERSION, 2);
			assert_ok!(commit(who, who, Good));
		}
		finalize_for(20, 20, VERSION, 200_000);
		assert_ok!(commit(20, 20, Good));
		next_round();
		for who in 1..=20 {
			assert_ok!(reveal(who, who, Good));
		}
		settle_all();
		assert_eq!(settled(20), Some((50_000, 0)));
	});
}

#[test]
fn not_to_reveal_should_never_be_better_than_to_lose() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 30]);
		settle_all();
		// Seven see in the round of the reveals that they are alone, and two of them say nothing.
		for who in 1..10 {
			finalize(100 + who, who, VERSION);
			assert_ok!(commit(who, 100 + who, if who < 8 { Good } else { Bad }));
		}
		next_round();
		for who in 1..9 {
			assert_ok!(reveal(who, 100 + who, if who < 8 { Good } else { Bad }));
		}
		let before = [owned(8), owned(9)];
		settle_all();
		let lost = [before[0] - owned(8), before[1] - owned(9)];
		assert!(lost[0] > 0 && lost[0] < lost[1], "{lost:?}");
		assert_eq!(lost[1], STAKE);
	});
}

#[test]
fn a_version_without_other_raters_should_earn_nothing() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good]);
		settle_all();
		assert_eq!(settled(1), Some((0, 0)));
	});
}

#[test]
fn copying_what_was_said_before_should_earn_nothing_of_a_version_that_is_as_it_was() {
	ExtBuilder.build_and_execute(|| {
		// Three of four ratings are good, round after round; the first of them is the copier's.
		let mut earned_by_copier = 0;
		for times in 0..30 {
			let mut ratings = [Good; 16];
			ratings[12..].fill(Bad);
			rate(times * 100 + 1, VERSION, &ratings);
			settle_all();
			let (paid, taken) = settled(times * 100 + 1).unwrap();
			// In the first round nobody can copy.
			if times > 0 {
				earned_by_copier += paid as i128 - taken as i128;
			}
		}
		// Itself one of the good ones, it finds fewer of them among the others than all see.
		assert!(earned_by_copier <= 0, "{earned_by_copier}");
	});
}
