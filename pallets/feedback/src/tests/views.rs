use crate::mock::*;
use dodona_primitives_inference::{
	Rating::{Bad, Good},
	RatingInfo, RatingRound, RoundRatings, VersionRatings,
};
use frame_support::assert_ok;
use sp_runtime::Perbill;

#[test]
fn rating_should_show_what_is_at_stake_until_it_is_settled() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_eq!(Feedback::rating(1), None);
		assert_ok!(commit(5, 1, Good));
		let committed = RatingInfo {
			rater: 5,
			version: VERSION,
			round: 0,
			cap: CAP,
			stake: STAKE,
			deposit: DEPOSIT,
			rating: None,
		};
		assert_eq!(Feedback::rating(1), Some(committed.clone()));
		next_round();
		assert_eq!(Feedback::rating(1), Some(committed.clone()));
		assert_ok!(reveal(5, 1, Good));
		let revealed = RatingInfo { rating: Some(Good), ..committed };
		assert_eq!(Feedback::rating(1), Some(revealed.clone()));
		next_round();
		assert_eq!(Feedback::rating(1), Some(revealed));
		settle_all();
		assert_eq!(Feedback::rating(1), None);
	});
}

#[test]
fn rating_round_should_show_what_is_being_done() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good, Bad]);
		next_round();
		let expected = RatingRound {
			round: 2,
			since: 2 * ROUND,
			next: 3 * ROUND,
			final_since: ROUND,
			settling: Some(0),
		};
		assert_eq!(Feedback::rating_round(), expected);
		next_block();
		assert_eq!(Feedback::rating_round(), RatingRound { settling: None, ..expected });
	});
}

#[test]
fn ratings_should_show_what_is_expected_next() {
	ExtBuilder.build_and_execute(|| {
		let nothing = VersionRatings {
			good: 0,
			bad: 0,
			expected: Perbill::from_percent(50),
			rounds: Vec::new(),
		};
		assert_eq!(Feedback::ratings(VERSION), nothing);
		rate(1, VERSION, &[Good, Good, Bad]);
		settle_all();
		let round = RoundRatings { round: 0, good: 2, bad: 1 };
		// Three, and two of which one is good.
		let expected = Perbill::from_percent(60);
		let said = VersionRatings { good: 2, bad: 1, expected, rounds: vec![round] };
		assert_eq!(Feedback::ratings(VERSION), said);
	});
}
