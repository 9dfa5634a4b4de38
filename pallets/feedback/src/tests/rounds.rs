use crate::{mock::*, *};
use dodona_primitives_inference::Rating::Good;
use frame_support::{assert_ok, weights::Weight};

#[test]
fn round_should_begin_when_the_one_before_has_lasted() {
	ExtBuilder.build_and_execute(|| {
		System::set_block_number(ROUND - 1);
		poll();
		assert_eq!(round(), 0);
		next_block();
		assert_eq!(CurrentRound::<Test>::get(), Round { index: 1, since: ROUND, previous: 0 });
		assert_eq!(events(), [Event::RoundBegan { round: 1 }]);
		next_round();
		let expected = Round { index: 2, since: 2 * ROUND, previous: ROUND };
		assert_eq!(CurrentRound::<Test>::get(), expected);
	});
}

#[test]
fn round_should_last_until_the_one_before_it_is_settled() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 3]);
		next_round();
		assert_eq!(round(), 2);
		for _ in 0..3 * ROUND {
			System::set_block_number(System::block_number() + 1);
			poll_with(Weight::zero());
		}
		assert_eq!(round(), 2);
		assert!(CurrentSettlement::<Test>::get().is_some());
		// All in one block; the round ends in the next one.
		poll();
		assert!(CurrentSettlement::<Test>::get().is_none());
		assert_eq!(round(), 2);
		poll();
		assert_eq!(round(), 3);
	});
}

#[test]
fn settlement_should_take_no_more_than_so_many_steps_in_a_block() {
	ExtBuilder.build_and_execute(|| {
		let many = MOST_STEPS * 2 + 10;
		rate(1, VERSION, &vec![Good; many as usize]);
		next_round();
		let left = || Ratings::<Test>::iter().count() as u32;
		assert_eq!(left(), many);
		next_block();
		assert_eq!(left(), many - MOST_STEPS);
		next_block();
		assert_eq!(left(), many - 2 * MOST_STEPS);
		next_block();
		assert_eq!(left(), 0);
		let scored = ScoredRatings::<Test>::iter().count() as u32;
		assert!(scored >= many - MOST_STEPS);
	});
}

#[test]
fn settlement_should_take_one_step_when_there_is_room_for_one() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 3]);
		next_round();
		let steps = [
			<() as WeightInfo>::score_step(),
			<() as WeightInfo>::learn_step(),
			<() as WeightInfo>::pay_step(),
		];
		let most = steps.into_iter().reduce(|most, step| most.max(step)).unwrap();
		let state = || {
			(
				Ratings::<Test>::iter().count(),
				Tallies::<Test>::iter().count(),
				ScoredRatings::<Test>::iter().count(),
			)
		};
		// Three ratings, a version, three scores; and each stage ends with a step that finds nothing.
		let mut seen = vec![state()];
		let mut blocks = 0;
		while CurrentSettlement::<Test>::get().is_some() {
			poll_with(<() as WeightInfo>::poll_base().saturating_add(most));
			blocks += 1;
			if seen.last() != Some(&state()) {
				seen.push(state());
			}
			assert!(blocks < 20, "it comes to an end");
		}
		let expected = [
			(3, 1, 0),
			(2, 1, 1),
			(1, 1, 2),
			(0, 1, 3),
			(0, 0, 3),
			(0, 0, 2),
			(0, 0, 1),
			(0, 0, 0),
		];
		assert_eq!(seen, expected);
	});
}

#[test]
fn poll_should_do_nothing_when_there_is_no_room() {
	ExtBuilder.build_and_execute(|| {
		System::set_block_number(ROUND);
		poll_with(Weight::zero());
		assert_eq!(round(), 0);
		poll_with(<() as WeightInfo>::poll_base());
		assert_eq!(round(), 0);
		poll_with(
			<() as WeightInfo>::poll_base().saturating_add(<() as WeightInfo>::begin_round()),
		);
		assert_eq!(round(), 1);
	});
}

#[test]
fn round_should_begin_with_nothing_to_settle_when_nobody_rated() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..5 {
			next_round();
			assert!(CurrentSettlement::<Test>::get().is_none());
		}
		assert_eq!(System::block_number(), 5 * ROUND);
	});
}

#[test]
fn ratings_of_two_rounds_should_not_meet() {
	ExtBuilder.build_and_execute(|| {
		rate(1, VERSION, &[Good; 2]);
		// Committed while the others are revealed.
		for request in 11..14 {
			finalize(request, request, VERSION);
			assert_ok!(commit(request, request, Good));
		}
		next_round();
		for request in 11..14 {
			assert_ok!(reveal(request, request, Good));
		}
		next_block();
		assert_eq!(Feedback::ratings(VERSION).good, 2);
		settle_all();
		let view = Feedback::ratings(VERSION);
		assert_eq!((view.good, view.bad), (5, 0));
		let rounds: Vec<_> = view.rounds.iter().map(|round| (round.round, round.good)).collect();
		assert_eq!(rounds, [(0, 2), (1, 3)]);
	});
}
