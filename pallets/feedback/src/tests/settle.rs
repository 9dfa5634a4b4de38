use crate::{mock::*, *};
use dodona_primitives_inference::Rating::{Bad, Good};
use dodona_primitives_models::VersionId;
use frame_support::{assert_ok, traits::fungible::Mutate};
use sp_runtime::Perbill;

#[test]
fn settlement_should_pay_by_how_much_more_others_agree_than_expected() {
	ExtBuilder.build_and_execute(|| {
		// Half is expected of a version of which nothing is known.
		rate(1, VERSION, &[Good, Good, Good, Bad]);
		settle_all();
		// Two of the three others say the same: a sixth more.
		assert_eq!(settled(1), Some((166, 0)));
		assert_eq!(settled(3), Some((166, 0)));
		// All three say the contrary: one half less, with the margin.
		assert_eq!(settled(4), Some((0, 550)));
		assert_eq!(owned(1), ENDOWMENT + 166);
		assert_eq!(owned(4), ENDOWMENT - 550);
		assert_eq!(owned(TREASURY), TREASURY_BALANCE - 3 * 166 + 550);
		let last = events().pop().unwrap();
		let (round, paid, taken) = (0, 3 * 166, 550);
		assert!(events().contains(&Event::RoundSettled { round, paid, taken, forfeited: 0 }));
		assert_eq!(last, Event::RoundBegan { round: 4 });
	});
}

#[test]
fn settlement_should_pay_bad_ratings_like_good_ones() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Bad, Bad, Bad, Good]);
		settle_all();
		// Of a third nothing is lost by rounding but a unit.
		assert!(matches!(settled(1), Some((166..=167, 0))));
		assert_eq!(settled(4), Some((0, 550)));
	});
}

#[test]
fn settlement_should_scale_gains_and_losses_down_when_the_budget_is_short() {
	ExtBuilder.build_and_execute(|| {
		Budget::set(249);
		rate(1, VERSION, &[Good, Good, Good, Bad]);
		settle_all();
		// Half of what would be.
		assert_eq!(settled(1), Some((83, 0)));
		assert_eq!(settled(4), Some((0, 275)));
	});
}

#[test]
fn settlement_should_neither_pay_nor_take_without_a_budget() {
	ExtBuilder.build_and_execute(|| {
		Budget::set(0);
		rate(1, VERSION, &[Good, Good, Good, Bad]);
		settle_all();
		assert_eq!((settled(1), settled(4)), (Some((0, 0)), Some((0, 0))));
		assert_eq!(Feedback::ratings(VERSION).good, 3);
	});
}

#[test]
fn settlement_should_not_pay_more_than_the_treasury_has() {
	ExtBuilder.build().execute_with(|| {
		rate(1, VERSION, &[Good; 4]);
		let _ = Balances::set_balance(&TREASURY, EXISTENTIAL_DEPOSIT + 100);
		settle_all();
		assert_eq!(settled(1), Some((25, 0)));
		assert_eq!(owned(TREASURY), EXISTENTIAL_DEPOSIT);
		check_empty();
	});
}

#[test]
fn settlement_should_take_the_whole_stake_of_what_is_not_revealed() {
	ExtBuilder.build_and_execute(|| {
		// Whatever the budget: or not to reveal would be better than to lose.
		Budget::set(0);
		for who in [1, 2, 3] {
			finalize(who, who, VERSION);
			assert_ok!(commit(who, who, Good));
		}
		next_round();
		assert_ok!(reveal(1, 1, Good));
		settle_all();
		assert_eq!([owned(2), owned(3)], [ENDOWMENT - STAKE; 2]);
		let all = Event::RoundSettled { round: 0, paid: 0, taken: 0, forfeited: 2 * STAKE };
		assert!(events().contains(&all));
		assert_eq!(owned(1), ENDOWMENT);
		let forfeited = Event::RatingForfeited { request: 2, rater: 2, taken: STAKE };
		assert!(events().contains(&forfeited));
		assert_eq!(settled(2), None);
		assert_eq!(Feedback::ratings(VERSION).good, 1);
	});
}

#[test]
fn settlement_should_not_score_an_account_against_itself() {
	ExtBuilder.build_and_execute(|| {
		for request in 1..6 {
			finalize(request, 1, VERSION);
			assert_ok!(commit(1, request, Good));
		}
		finalize(6, 2, VERSION);
		assert_ok!(commit(2, 6, Bad));
		next_round();
		for request in 1..6 {
			assert_ok!(reveal(1, request, Good));
		}
		assert_ok!(reveal(2, 6, Bad));
		settle_all();
		// The only other one disagrees with all five, as if they were one.
		for request in 1..6 {
			assert_eq!(settled(request), Some((0, 550)));
		}
		assert_eq!(settled(6), Some((0, 550)));
	});
}

#[test]
fn settlement_should_count_and_not_score_when_there_are_too_few_others() {
	ExtBuilder.build_and_execute(|| {
		MinPeers::set(3);
		rate(1, VERSION, &[Good; 3]);
		settle_all();
		assert_eq!(settled(1), Some((0, 0)));
		assert_eq!(Feedback::ratings(VERSION).good, 3);
		assert_eq!(Calibrations::<Test>::iter().count(), 0);
		rate(11, OTHER, &[Good; 4]);
		settle_all();
		assert_eq!(settled(11), Some((500, 0)));
		assert_eq!(Calibrations::<Test>::iter().count(), 1);
	});
}

#[test]
fn settlement_should_pay_less_for_what_is_known() {
	ExtBuilder.build_and_execute(|| {
		let mut all = Vec::new();
		for times in 0..6 {
			let first = 100 * times + 1;
			rate(first, VERSION, &[Good; 20]);
			settle_all();
			let (paid, taken) = settled(first).unwrap();
			assert_eq!(taken, 0);
			all.push(paid);
		}
		// After so many good ratings, and two of which one is good.
		assert_eq!(all[..2], [CAP / 2, CAP - CAP * 21 / 22 - 1]);
		// And less, where it turned out before that as much was still too little.
		assert!(all[2] <= CAP - CAP * 41 / 42 && all[5] <= CAP - CAP * 101 / 102, "{all:?}");
		// What counts is whether the others are as expected, and not whether oneself is.
		rate(1_001, VERSION, &[Good, Good, Good, Bad]);
		settle_all();
		let taken = [1_001, 1_004].map(|request| settled(request).unwrap().1);
		assert!(taken[0] > 300 && taken[1] < 15, "{taken:?}");
	});
}

#[test]
fn settlement_should_pay_those_who_see_that_something_has_changed() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 30]);
		settle_all();
		rate(101, VERSION, &[Bad; 4]);
		settle_all();
		let (paid, _) = settled(101).unwrap();
		assert!(paid > 900, "{paid}");
	});
}

#[test]
fn settlement_should_expect_of_a_new_version_what_was_said_about_the_model() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 38]);
		settle_all();
		let expected = |version| Pallet::<Test>::basis(version).expected;
		// 39 of 40, counting what is assumed before the first one.
		assert_eq!(expected(NEXT), 975_000_000);
		assert_eq!(expected(OTHER), 500_000_000);
		rate(101, NEXT, &[Good; 3]);
		settle_all();
		let (paid, _) = settled(101).unwrap();
		assert!(paid <= 25, "{paid}");
	});
}

#[test]
fn settlement_should_expect_of_a_new_model_what_was_said_about_new_ones() {
	ExtBuilder.build_and_execute(|| {
		let paid: Vec<_> = (0..3u64)
			.map(|model| {
				let version = VersionId { model: 20 + model as u32, number: 1 };
				rate(model * 100 + 1, version, &[Good; 4]);
				settle_all();
				settled(model * 100 + 1).unwrap()
			})
			.collect();
		// Half; and half of the error more with one error, two thirds of it with two.
		assert_eq!(paid, [(500, 0), (250, 0), (166, 0)]);
	});
}

#[test]
fn settlement_should_keep_the_last_rounds_of_a_version() {
	ExtBuilder.build_and_execute(|| {
		let mut rounds = Vec::new();
		for times in 0..5 {
			rounds.push(round());
			rate(times * 10 + 1, VERSION, &[Good, Bad, Good]);
			settle_all();
		}
		let view = Feedback::ratings(VERSION);
		assert_eq!((view.good, view.bad), (10, 5));
		let kept: Vec<_> = view.rounds.iter().map(|round| round.round).collect();
		assert_eq!(kept, rounds[2..]);
		assert!(view.rounds.iter().all(|round| (round.good, round.bad) == (2, 1)));
		assert_eq!(ModelTallies::<Test>::get(7), score::Tally { good: 10, bad: 5 });
	});
}

#[test]
fn settlement_should_use_what_was_agreed_when_the_rater_committed() {
	ExtBuilder.build_and_execute(|| {
		for who in 1..4 {
			finalize(who, who, VERSION);
			assert_ok!(commit(who, who, if who == 3 { Bad } else { Good }));
		}
		RewardCap::set(Perbill::one());
		Margin::set(Perbill::one());
		next_round();
		for who in 1..4 {
			assert_ok!(reveal(who, who, if who == 3 { Bad } else { Good }));
		}
		settle_all();
		assert_eq!(settled(3), Some((0, 550)));
		assert_eq!(settled(1), Some((0, 0)));
	});
}

#[test]
fn settlement_should_compare_all_of_a_round_with_the_same() {
	ExtBuilder.build_and_execute(|| {
		// More than a block settles, of two versions of a model that is new.
		rate(1, VERSION, &[Good; 40]);
		// What is settled first must not be what the rest is compared with.
		settle_all();
		let paid: Vec<_> = (1..41).map(|request| settled(request).unwrap()).collect();
		assert_eq!(paid, [(500, 0); 40]);
	});
}
