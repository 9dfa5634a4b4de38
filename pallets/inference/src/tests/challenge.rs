//! Challenges: who can make them, what they cost, and how many there can be.

use super::{adjudication::adjudicate, toy::*, *};
use alloc::collections::BTreeSet;

fn agreed() -> RequestId {
	let id = revealed(&[output(), output(), output(), output()]);
	assert!(matches!(state(id), RequestState::Agreed { .. }));
	id
}

/// Another output for each number.
fn other(number: u8) -> Output {
	floats(&[f32::from(number), 0.0]).try_into().unwrap()
}

#[test]
fn challenge_should_open_a_dispute_with_two_claims_and_hold_a_bond() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert_eq!((bonded(51), free(&account(51))), (BOND, 100_000 - BOND));
		let dispute = dispute(id);
		let answers: Vec<_> = dispute.claims.iter().map(|claim| claim.answer).collect();
		assert_eq!(answers, [output(), wrong_output()].map(|it| Some(outcome_hash(&it))));
		assert_eq!(until(id), System::block_number() + 4);
		assert_eq!(Outputs::<Test>::iter_prefix(id).count(), 2);
	});
}

#[test]
fn challenge_should_be_refused_when_the_answer_is_claimed_already() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		assert_noop!(challenge(51, id, Some(output())), Error::<Test>::AlreadyClaimed);
		assert_ok!(challenge(51, id, None));
		assert_noop!(challenge(51, id, None), Error::<Test>::AlreadyClaimed);
		// Whoever has claimed it may never show a trace.
		assert_ok!(challenge(52, id, None));
	});
}

#[test]
fn challenge_should_be_refused_when_there_is_nothing_to_challenge() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(challenge(51, 0, None), Error::<Test>::UnknownRequest);
		let id = ask_and_draw();
		assert_noop!(challenge(51, id, None), Error::<Test>::NotChallengeable);
		(1..=4).for_each(|number| commit(id, number, &output()));
		(1..=4).for_each(|number| reveal(id, number, &output()));
		let last = until(id);
		System::set_block_number(last + 1);
		assert_noop!(challenge(51, id, None), Error::<Test>::TooLate);
		System::set_block_number(last);
		Decides::set(false);
		assert_noop!(challenge(51, id, None), Error::<Test>::NotDecidable);
		Decides::set(true);
		let long: Output = floats(&[1.0; 3]).try_into().unwrap();
		assert_noop!(challenge(51, id, Some(long)), Error::<Test>::WrongOutputLength);
		go_to(last + 1);
		assert_noop!(challenge(51, id, None), Error::<Test>::NotChallengeable);
	});
}

#[test]
fn challenge_should_be_refused_when_the_bond_can_not_be_held() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		assert!(challenge(70, id, None).is_err());
		assert_eq!(Disputes::<Test>::iter().count(), 0);
	});
}

#[test]
fn claims_should_be_no_more_than_there_is_room_for() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		for number in 1..MAX_CLAIMS as u8 {
			assert_ok!(challenge(51, id, Some(other(number))));
		}
		assert_eq!(bonded(51), BOND * u128::from(MAX_CLAIMS - 1));
		assert_noop!(challenge(52, id, Some(other(100))), Error::<Test>::TooManyClaims);
		// Nobody moves for any of them: they go out one by one, and make room.
		go_to(until(id) + 1);
		assert_ok!(challenge(52, id, Some(other(100))));
		assert_eq!(standing(id), [0, 2, 3, 4, 5, 6, 7, 8]);
	});
}

#[test]
fn results_should_not_become_final_while_there_is_no_room_to_challenge_them() {
	ExtBuilder::default().build_and_execute(|| {
		MaxOpenDisputes::set(1);
		let (spam, lie) =
			(agreed(), revealed(&[wrong_output(), wrong_output(), wrong_output(), wrong_output()]));
		assert_ok!(challenge(51, spam, Some(wrong_output())));
		assert_noop!(challenge(52, lie, Some(output())), Error::<Test>::TooManyDisputes);
		assert_eq!(bonded(52), 0);
		let last = until(lie);
		go_to(last + 1);
		assert_eq!(until(lie), last + 1 + 3, "it can be challenged for longer");
		// The dispute that filled all the room ends by itself, and its challenger loses the bond.
		while Disputes::<Test>::iter().count() > 0 {
			next_block();
		}
		assert_eq!(free(&account(51)), 100_000 - BOND);
		assert_ok!(challenge(52, lie, Some(output())));
	});
}

#[test]
fn dissent_should_be_heard_when_there_is_no_room_for_challenges() {
	ExtBuilder::default().build_and_execute(|| {
		MaxOpenDisputes::set(1);
		let one = agreed();
		assert_ok!(challenge(51, one, None));
		let two = revealed(&[output(), output(), output(), wrong_output()]);
		assert!(matches!(state(two), RequestState::Disputed { .. }));
		assert_eq!(Inference::disputes(None).len(), 2);
		// Joining costs no room.
		assert_ok!(challenge(52, two, None));
	});
}

#[test]
fn dissent_should_take_no_room_from_challenges() {
	ExtBuilder::default().build_and_execute(|| {
		MaxOpenDisputes::set(1);
		revealed(&[output(), output(), output(), wrong_output()]);
		Operators::set(vec![1, 2, 3, 4]);
		assert_ok!(challenge(51, agreed(), None));
		assert_eq!(RoomTaken::<Test>::get(), 1);
	});
}

#[test]
fn results_should_stay_open_for_a_whole_window_after_there_was_no_room() {
	ExtBuilder::default().build_and_execute(|| {
		MaxOpenDisputes::set(1);
		let lie = revealed(&[wrong_output(), wrong_output(), wrong_output(), wrong_output()]);
		let spam = agreed();
		let last = until(lie);
		assert_ok!(challenge(51, spam, Some(wrong_output())));
		assert_ok!(adjudicate(spam, weights()));
		// The room is there again before the lie's window ends; but it was not for most of it.
		assert_eq!((RoomTaken::<Test>::get(), System::block_number() < last), (0, true));
		go_to(last + 1);
		assert!(matches!(state(lie), RequestState::Agreed { .. }));
		assert_eq!(until(lie), last + 1 + 3);
		go_to(until(lie) + 1);
		assert!(matches!(state(lie), RequestState::Finalized { .. }));
	});
}

#[test]
fn disputes_should_be_listed_page_by_page() {
	ExtBuilder::default().build_and_execute(|| {
		let ids: Vec<_> = (0..3)
			.map(|_| {
				Operators::set(vec![1, 2, 3, 4]);
				revealed(&[output(), output(), output(), wrong_output()])
			})
			.collect();
		let all = Inference::disputes(None);
		assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), ids.into_iter().collect());
		assert_eq!(Inference::disputes(Some(all[0])), all[1..]);
		assert!(Inference::disputes(Some(all[2])).is_empty());
	});
}

#[test]
fn results_should_not_become_final_when_they_can_not_be_challenged_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		let disputed = {
			Operators::set(vec![1, 2, 3, 4]);
			revealed(&[output(), output(), output(), wrong_output()])
		};
		go_to(until(disputed) + 1);
		assert_eq!(standing(disputed), [0]);
		let split = {
			Operators::set(vec![1, 2, 3, 4]);
			let id = ask_and_draw();
			let said = [output(), output(), output(), wrong_output()];
			(1..).zip(&said).for_each(|(number, output)| commit(id, number, output));
			(1..).zip(&said[..3]).for_each(|(number, output)| reveal(id, number, output));
			(id, said)
		};
		// A new engine, whose steps are others.
		let _ = id;
		Published::set(0);
		reveal(split.0, 4, &split.1[3]);
		go_to(until(disputed).max(System::block_number()) + 1);
		for id in [disputed, split.0] {
			let state = state(id);
			assert!(
				matches!(state, RequestState::Queued { .. } | RequestState::Failed { .. }),
				"{state:?}"
			);
			assert_eq!(AgreedAt::<Test>::get(id), None);
		}
		assert!(Punished::get().is_empty());
	});
}

#[test]
fn agreement_should_come_to_nothing_when_it_can_not_be_challenged_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		Published::set(0);
		go_to(until(id) + 1);
		assert!(!matches!(state(id), RequestState::Agreed { .. } | RequestState::Finalized { .. }));
		assert_eq!(AgreedAt::<Test>::get(id), None);
		assert!((1..=4).all(|number| Obligations::get()[&account(number)] == 0));
	});
}

#[test]
fn long_runs_should_have_longer_to_be_recorded() {
	ExtBuilder::default().build_and_execute(|| {
		for (per_period, blocks) in [(1_000, 4), (999, 8), (100, 40)] {
			StepsPerPeriod::set(per_period);
			Operators::set(vec![1, 2, 3, 4]);
			let id = revealed(&[output(), output(), output(), wrong_output()]);
			assert_eq!(until(id), System::block_number() + blocks);
		}
	});
}

#[test]
fn long_runs_should_cost_a_bond_for_each_period() {
	ExtBuilder::default().build_and_execute(|| {
		for (per_period, periods) in [(1_000, 1), (999, 2), (100, 10)] {
			StepsPerPeriod::set(per_period);
			Operators::set(vec![1, 2, 3, 4]);
			let id = agreed();
			let before = bonded(51);
			assert_ok!(challenge(51, id, None));
			assert_eq!(bonded(51), before + BOND * periods);
		}
	});
}

#[test]
fn run_should_not_be_asked_for_when_a_dispute_over_it_would_last_too_long() {
	ExtBuilder::default().build_and_execute(|| {
		let ask = || {
			Inference::request(
				RuntimeOrigin::signed(requester()),
				MODEL,
				None,
				input().into_inner(),
				PRICE,
			)
		};
		StepsPerPeriod::set(100);
		MaxMovePeriods::set(9);
		assert_noop!(ask(), Error::<Test>::RunTooLong);
		MaxMovePeriods::set(10);
		assert_ok!(ask());
	});
}

#[test]
fn each_round_should_double_the_bond_of_the_next_challenge() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		for round in 0..3 {
			assert_ok!(challenge(51, id, Some(other(round as u8))));
			assert_eq!(bonded(51), BOND << round);
			if round == 0 {
				assert_ok!(open(hot(1), id, 0, &Trace::honest()));
			}
			go_to(until(id) + 1);
			assert_eq!(standing(id), [0]);
			assert_eq!(Inference::dispute_info(id).unwrap().bond, BOND << (round + 1));
		}
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
	});
}

#[test]
fn bond_should_grow_with_the_claims_and_not_without_end() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed();
		assert_ok!(challenge(51, id, None));
		let of = |next_claim| DisputeOf::<Test> { next_claim, ..dispute(id) };
		assert_eq!(Inference::bond(&of(7)), BOND);
		assert_eq!(Inference::bond(&of(8)), BOND * 2);
		assert_eq!(Inference::bond(&of(24)), BOND * 8);
		assert_eq!(Inference::bond(&of(u32::MAX)), Inference::bond(&of(2_000)));
	});
}

#[test]
fn requester_should_be_able_to_challenge() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[wrong_output(), wrong_output(), wrong_output(), wrong_output()]);
		assert_ok!(challenge(50, id, Some(output())));
		assert_ok!(open(requester(), id, 1, &Trace::honest()));
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		// Nobody else has earned the seats' part.
		assert_eq!(free(&requester()), 100_000 - PRICE + 800);
	});
}
