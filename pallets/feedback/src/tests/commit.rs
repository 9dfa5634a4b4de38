use crate::{mock::*, *};
use dodona_primitives_inference::Rating::{Bad, Good};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{Perbill, TokenError};

#[test]
fn commit_should_hold_the_stake_and_the_deposit() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_ok!(commit(5, 1, Good));
		assert_eq!(held(5), HELD);
		let (request, rater, round) = (1, 5, 0);
		let committed = Event::RatingCommitted { request, rater, round, cap: CAP, stake: STAKE };
		assert_eq!(events(), [committed]);
	});
}

#[test]
fn commit_should_never_let_a_rating_earn_more_than_the_treasury_got() {
	ExtBuilder.build_and_execute(|| {
		for (request, cap) in [(1, 0), (2, 50), (3, 100)] {
			RewardCap::set(Perbill::from_percent(cap));
			finalize(request, 5, VERSION);
			assert_ok!(commit(5, request, Good));
			let info = Feedback::rating(request).unwrap();
			assert_eq!(info.cap, PART * Balance::from(cap) / 100);
			assert!(info.cap <= PART && info.stake >= info.cap);
		}
	});
}

#[test]
fn commit_should_take_a_request_of_which_the_treasury_got_nothing() {
	ExtBuilder.build_and_execute(|| {
		Kept::set(0);
		finalize_for(1, 5, VERSION, 0);
		assert_ok!(commit(5, 1, Good));
		assert_eq!(held(5), 0);
	});
}

#[test]
fn commit_should_be_refused_when_the_request_has_no_result() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(commit(5, 1, Good), Error::<Test>::NotFinal);
	});
}

#[test]
fn commit_should_be_refused_when_somebody_else_asked() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_noop!(commit(6, 1, Good), Error::<Test>::NotYourRequest);
	});
}

#[test]
fn commit_should_be_refused_when_the_rater_has_not_enough() {
	ExtBuilder.build_and_execute(|| {
		finalize_for(1, 5, VERSION, ENDOWMENT * 2);
		assert_noop!(commit(5, 1, Good), TokenError::FundsUnavailable);
	});
}

#[test]
fn commit_should_be_taken_in_the_round_of_the_result_and_the_next() {
	ExtBuilder.build_and_execute(|| {
		next_round();
		finalize(1, 5, VERSION);
		finalize(2, 5, VERSION);
		finalize(3, 5, VERSION);
		assert_ok!(commit(5, 1, Good));
		next_round();
		assert_ok!(commit(5, 2, Good));
		next_round();
		assert_noop!(commit(5, 3, Good), Error::<Test>::TooLate);
	});
}

#[test]
fn commit_should_be_refused_when_the_request_is_rated() {
	ExtBuilder.build_and_execute(|| {
		finalize(1, 5, VERSION);
		assert_ok!(commit(5, 1, Good));
		let again = Error::<Test>::AlreadyRated;
		assert_noop!(commit(5, 1, Bad), again);
		next_round();
		let again = Error::<Test>::AlreadyRated;
		assert_noop!(commit(5, 1, Bad), again);
		assert_ok!(reveal(5, 1, Good));
		let again = Error::<Test>::AlreadyRated;
		assert_noop!(commit(5, 1, Bad), again);
	});
}

#[test]
fn commit_should_be_refused_for_ever_once_the_rating_is_settled() {
	ExtBuilder.build_and_execute(|| {
		// The last block in which it can be rated.
		next_round();
		finalize(1, 5, VERSION);
		next_round();
		assert_ok!(commit(5, 1, Good));
		next_round();
		assert_ok!(reveal(5, 1, Good));
		// However the rounds change meanwhile.
		RoundLength::set(1_000);
		let before = round();
		for _ in 0..60 {
			System::set_block_number(System::block_number() + 100);
			poll();
			assert!(commit(5, 1, Bad).is_err());
		}
		assert!(round() > before + 3);
		assert_eq!(Feedback::rating(1), None);
	});
}
