//! The arithmetic, and what it promises.

use crate::score::*;
use dodona_primitives_inference::Rating::{self, Bad, Good};
use proptest::prelude::*;
use sp_runtime::Perbill;

fn tallies() -> impl Strategy<Value = Tally> {
	let counts = || prop_oneof![0..4u64, 0..1_000u64, 0..u64::MAX / 4];
	(counts(), counts()).prop_map(|(good, bad)| Tally { good, bad })
}

fn calibrations() -> impl Strategy<Value = Calibration> {
	(0..=1_024u32, -1.0..=1.0f64).prop_map(|(rounds, mean)| {
		let error = (mean * f64::from(rounds) * ONE as f64) as i64;
		Calibration { error, rounds }
	})
}

fn parts() -> impl Strategy<Value = i64> {
	prop_oneof![Just(0), Just(ONE), 0..=ONE]
}

/// What a rating earns on average, in parts of the cap, if each of `others` ratings is good with
/// this probability; gains count once, and losses with the margin.
fn expectation(rating: Rating, others: u32, good: f64, baseline: i64, margin: f64) -> f64 {
	let mut probability = (1.0 - good).powi(others as i32);
	let mut sum = 0.0;
	for count in 0..=others {
		let tally = Tally { good: count.into(), bad: (others - count).into() };
		let score = score(rating, tally, baseline) as f64 / ONE as f64;
		sum += probability * if score < 0.0 { score * (1.0 + margin) } else { score };
		probability *= f64::from(others - count) / f64::from(count + 1) * good / (1.0 - good);
	}
	sum
}

/// Sums of billions of small parts.
const NEARLY: f64 = 1e-6;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn score_should_be_zero_on_average_when_others_are_as_expected(
		others in 1..40u32,
		good in 0.01..0.99f64,
	) {
		let baseline = (good * ONE as f64) as i64;
		for rating in [Good, Bad] {
			prop_assert!(expectation(rating, others, good, baseline, 0.0).abs() < NEARLY);
			// And what it comes to is never above nothing.
			prop_assert!(expectation(rating, others, good, baseline, 0.1) < NEARLY);
		}
	}

	#[test]
	fn score_should_be_higher_for_what_others_say_more_often_than_expected(
		others in 1..40u32,
		good in 0.01..0.99f64,
		baseline in 0.0..=1.0f64,
	) {
		prop_assume!((good - baseline).abs() > 0.01);
		let baseline_parts = (baseline * ONE as f64) as i64;
		let of = |rating| expectation(rating, others, good, baseline_parts, 0.0);
		prop_assert!((of(Good) - (good - baseline)).abs() < NEARLY);
		prop_assert!((of(Bad) - (baseline - good)).abs() < NEARLY);
		let paid = |rating| expectation(rating, others, good, baseline_parts, 0.1);
		prop_assert_eq!(paid(Good) > paid(Bad), good > baseline);
	}

	#[test]
	fn score_should_be_bounded_and_fair(others in tallies(), baseline in parts()) {
		let (good, bad) = (score(Good, others, baseline), score(Bad, others, baseline));
		prop_assert_eq!(good, -bad);
		prop_assert!((-ONE..=ONE).contains(&good));
	}

	#[test]
	fn outcome_should_be_within_cap_and_stake(
		score in -ONE..=ONE,
		cap in 0..u128::MAX / 4,
		margin in 0..=1_000_000_000u32,
	) {
		let stake = stake(cap, Perbill::from_parts(margin));
		prop_assert!(stake >= cap);
		match (Outcome::of(score, cap, stake), Outcome::of(-score, cap, stake)) {
			(Outcome::Won(won), Outcome::Lost(lost)) => {
				prop_assert!(won <= cap && lost <= stake && won <= lost && score > 0);
			},
			(Outcome::Lost(lost), Outcome::Won(won)) => {
				prop_assert!(won <= cap && lost <= stake && won <= lost && score < 0);
			},
			(Outcome::Even, Outcome::Even) => prop_assert!(score == 0 || cap == 0),
			// A gain of less than a unit is nothing, and a loss of less than one is one.
			(Outcome::Even, Outcome::Lost(lost)) | (Outcome::Lost(lost), Outcome::Even) => {
				prop_assert!(lost <= 2 && score != 0);
			},
			other => prop_assert!(false, "{other:?}"),
		}
	}

	#[test]
	fn scale_should_never_pay_more_than_the_budget(
		won in prop::collection::vec(0..u128::MAX / 256, 0..60),
		lost in 0..u128::MAX / 256,
		budget in prop_oneof![0..100u128, 0..u128::MAX],
	) {
		let all: u128 = won.iter().sum();
		let scale = Scale::new(budget, all);
		let paid: Vec<u128> = won.iter().map(|won| scale.paid(*won)).collect();
		let sum: u128 = paid.iter().sum();
		prop_assert!(sum <= budget && sum <= all);
		// All of it, but for less than one unit each.
		prop_assert!(sum + won.len() as u128 >= budget.min(all));
		prop_assert!(scale.taken(lost) <= lost);
		// Who loses is not spared more than who wins is kept from.
		prop_assert!(scale.taken(lost) >= scale.paid(lost));
		if budget >= all && budget > 0 {
			prop_assert_eq!(scale.taken(lost), lost);
			prop_assert_eq!(sum, all);
		}
		if budget == 0 {
			prop_assert_eq!(scale.taken(lost), 0);
		}
	}

	#[test]
	fn expectations_should_be_shares(
		version in tallies(),
		other in tallies(),
		calibration in calibrations(),
	) {
		let mut model = version;
		model.merge(other);
		let expected = expected(version, model);
		prop_assert!((0..=ONE).contains(&expected));
		prop_assert!((0..=ONE).contains(&baseline(expected, &calibration)));
		let class = class(version, model);
		prop_assert!(class.known <= 9 && class.share <= 9 && class.others <= 2);
		prop_assert_eq!(class.known == 0, model.count() == 0);
		prop_assert_eq!(class.known >= 2, version.count() > 0);
	}

	#[test]
	fn calibration_should_find_what_is_always_wrong(
		share in 0..=20u64,
		guess in parts(),
		rounds in 1..3_000u32,
	) {
		let mut calibration = Calibration::default();
		let said = Tally { good: share, bad: 20 - share };
		for _ in 0..rounds {
			calibration.learn(said, guess);
		}
		let found = baseline(guess, &calibration);
		let truth = share as i64 * ONE / 20;
		let most = (ONE as f64 / f64::from(rounds.min(512) + 1)) as i64 + 10;
		prop_assert!((found - truth).abs() <= most, "{found} {truth}");
		prop_assert!(calibration.rounds <= 1_024);
	}
}

#[test]
fn score_should_be_zero_without_others() {
	assert_eq!(score(Good, Tally::default(), 0), 0);
}

#[test]
fn expectation_should_be_half_when_nothing_was_said() {
	let nothing = Tally::default();
	assert_eq!(expected(nothing, nothing), ONE / 2);
	assert_eq!(baseline(ONE / 2, &Calibration::default()), ONE / 2);
	assert_eq!(class(nothing, nothing), Class { known: 0, share: 5, others: 0 });
}

#[test]
fn class_should_tell_how_much_is_known() {
	let of = |count| class(Tally { good: count, bad: 0 }, Tally { good: count, bad: 0 }).known;
	let known = [1, 2, 3, 4, 7, 8, 127, 128, 1_000_000].map(of);
	assert_eq!(known, [2, 3, 3, 4, 4, 5, 8, 9, 9]);
	let of_model = class(Tally::default(), Tally { good: 1, bad: 0 });
	assert_eq!(of_model.known, 1);
}

#[test]
fn class_should_tell_what_was_said_about_other_versions() {
	let version = Tally { good: 1, bad: 0 };
	let with = |good: u64, bad| class(version, Tally { good: 1 + good, bad }).others;
	assert_eq!([with(0, 0), with(1, 2), with(1, 1), with(2, 1)], [0, 1, 2, 2]);
}

#[test]
fn rounding_should_be_against_the_rater() {
	assert_eq!(Outcome::of(1, 1_000, 1_100), Outcome::Even);
	assert_eq!(Outcome::of(-1, 1_000, 1_100), Outcome::Lost(1));
	let third = Scale::new(1, 3);
	assert_eq!((third.paid(2), third.taken(2)), (0, 1));
}

#[test]
fn calibration_should_forget_slowly() {
	let mut calibration = Calibration::default();
	let (good, bad) = (Tally { good: 1, bad: 0 }, Tally { good: 0, bad: 1 });
	for _ in 0..5_000 {
		calibration.learn(good, ONE / 2);
	}
	assert!(baseline(ONE / 2, &calibration) > ONE / 100 * 99);
	for _ in 0..5_000 {
		calibration.learn(bad, ONE / 2);
	}
	assert!(baseline(ONE / 2, &calibration) < ONE / 100 * 5);
}
