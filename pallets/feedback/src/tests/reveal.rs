use crate::{mock::*, *};
use dodona_primitives_inference::Rating::{Bad, Good};
use frame_support::{assert_noop, assert_ok};

#[test]
fn reveal_should_count_the_rating_in_the_round_after_its_commitment() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_ok!(commit(5, 1, Good));
		next_round();
		System::reset_events();
		assert_ok!(reveal(5, 1, Good));
		let (request, version, rater, rating) = (1, VERSION, 5, Good);
		assert_eq!(events(), [Event::RatingRevealed { request, version, rater, rating }]);
		assert_eq!(Tallies::<Test>::get(0, VERSION).said, score::Tally { good: 1, bad: 0 });
		assert_eq!(held(5), HELD);
	});
}

#[test]
fn reveal_should_be_refused_before_and_after_its_round() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_noop!(reveal(5, 1, Good), Error::<Test>::NothingToReveal);
		assert_ok!(commit(5, 1, Good));
		assert_noop!(reveal(5, 1, Good), Error::<Test>::NothingToReveal);
		next_round();
		next_round();
		assert_noop!(reveal(5, 1, Good), Error::<Test>::NothingToReveal);
	});
}

#[test]
fn reveal_should_be_refused_when_it_is_not_what_was_committed_to() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_ok!(commit(5, 1, Good));
		next_round();
		assert_noop!(reveal(5, 1, Bad), Error::<Test>::CommitmentMismatch);
		let other = Feedback::reveal_rating(signed(5), 1, Good, salt(2));
		assert_noop!(other, Error::<Test>::CommitmentMismatch);
		assert_noop!(reveal(6, 1, Good), Error::<Test>::NotYourRequest);
		assert_ok!(reveal(5, 1, Good));
		assert_noop!(reveal(5, 1, Good), Error::<Test>::AlreadyRevealed);
	});
}

#[test]
fn reveal_should_be_refused_when_the_commitment_was_copied() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		finalize(2, 6, VERSION);
		assert_ok!(commit(5, 1, Good));
		assert_ok!(Feedback::commit_rating(signed(6), 2, commitment(5, 1, Good)));
		next_round();
		assert_ok!(reveal(5, 1, Good));
		let copied = Feedback::reveal_rating(signed(6), 2, Good, salt(1));
		assert_noop!(copied, Error::<Test>::CommitmentMismatch);
	});
}
