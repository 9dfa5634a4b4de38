//! The game between two claims, down to the first step that they differ in.

use super::{toy::*, *};
use dodona_primitives_inference::{Adjudicator, Children, Contest, Move};
use frame_support::dispatch::CheckIfFeeless;
use proptest::prelude::*;

/// Seats 1 to 3 say what is right, seat 4 says something else: claims 0 and 1.
fn dissent() -> RequestId {
	let id = revealed(&[output(), output(), output(), wrong_output()]);
	assert!(matches!(state(id), RequestState::Disputed { .. }));
	id
}

fn lie(step: u64) -> Trace {
	Trace::to(Some(&wrong_output()), step)
}

/// A dispute in which both sides have shown their traces.
fn opened(honest: &Trace, lie: &Trace) -> RequestId {
	let id = dissent();
	assert_ok!(open(hot(1), id, 0, honest));
	assert_ok!(open(hot(4), id, 1, lie));
	id
}

fn step_in_dispute(id: RequestId) -> u64 {
	match dispute(id).contest {
		Contest::Settling { step, .. } => step,
		other => panic!("{other:?}"),
	}
}

#[test]
fn descent_should_find_the_step_and_the_runtime_should_decide_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, lie) = (Trace::honest(), lie(777));
		let id = opened(&honest, &lie);
		// 1,000 steps: 2^10 leaves, 6 and 4 levels down.
		assert_eq!(play_down(id, [(0, &honest), (1, &lie)]), 2);
		assert_eq!(step_in_dispute(id), 777);
		assert!(events().contains(&Event::StepFound { request: id, step: 777 }));
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!(standing(id), [0]);
		let (answer, until) = (Some(outcome_hash(&output())), until(id));
		assert!(events().contains(&Event::ClaimWon { request: id, claim: 0, answer, until }));
		assert!(Punished::get().is_empty(), "not while it can be challenged again");
		go_to(until + 1);
		assert_eq!(result(id), answer);
		assert_eq!(Punished::get(), vec![(account(4), Offence::Dissent, DissentPenalty::get())]);
		// Whoever showed the trace has reported it.
		assert_eq!(Reporters::get(), vec![(account(4), account(1))]);
		assert_eq!(free(&account(1)), 200);
	});
}

#[test]
fn dissenter_should_win_when_the_quorum_is_wrong() {
	ExtBuilder::default().build_and_execute(|| {
		let wrong = wrong_output();
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong, output()]);
		let (honest, lie) = (Trace::honest(), lie(0));
		assert_ok!(open(hot(2), id, 0, &lie));
		assert_ok!(open(account(4), id, 1, &honest));
		play_down(id, [(0, &lie), (1, &honest)]);
		// The first step begins with what the input says: there is no state before it to show.
		assert_eq!(step_in_dispute(id), 0);
		assert_ok!(settle(id, evidence(id, &honest)));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [1, 2, 3].map(account));
		assert_eq!(free(&account(4)), 200);
		// The parts of the three others went back.
		assert_eq!(free(&requester()), 100_000 - PRICE + 600);
		assert_eq!(Told::get(), vec![(id, Some(output().into_inner()))]);
	});
}

#[test]
fn side_should_lose_when_it_is_silent_at_the_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		// When the traces are shown.
		let id = dissent();
		assert_ok!(open(hot(1), id, 0, &Trace::honest()));
		go_to(until(id));
		assert_eq!(standing(id), [0, 1]);
		next_block();
		assert_eq!(standing(id), [0]);
		go_to(until(id) + 1);
		assert!(result(id).is_some());

		// On the way down: even the side that is right.
		let (honest, lie) = (Trace::honest(), lie(5));
		let id = opened(&honest, &lie);
		assert_ok!(descend(account(53), id, 1, &lie));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1]);
	});
}

#[test]
fn quorum_should_stand_when_nobody_shows_a_trace() {
	ExtBuilder::default().build_and_execute(|| {
		let id = dissent();
		go_to(until(id) + 1);
		assert_eq!(standing(id), [0]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Punished::get(), vec![(account(4), Offence::Dissent, DissentPenalty::get())]);

		// Nor against a bond.
		Operators::set(vec![1, 2, 3, 4]);
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		go_to(until(id) + 1);
		assert_eq!((standing(id), bonded(51)), (vec![0], 0));
		let forfeited = Event::ClaimLost {
			request: id,
			claim: 1,
			answer: Some(outcome_hash(&wrong_output())),
			forfeited: BOND,
		};
		assert!(events().contains(&forfeited));
		// Of the bond nobody gets anything: nobody has shown the truth.
		assert_eq!([1, 2, 3, 4].map(|number| free(&account(number))), [200, 200, 200, 0]);
	});
}

#[test]
fn quorum_should_stand_when_nobody_settles() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, lie) = (Trace::honest(), lie(5));
		let id = opened(&honest, &lie);
		play_down(id, [(0, &honest), (1, &lie)]);
		go_to(until(id) + 1);
		assert_eq!(standing(id), [0]);
	});
}

#[test]
fn first_trace_should_give_the_other_side_time_for_its_own() {
	ExtBuilder::default().build_and_execute(|| {
		let id = dissent();
		let last = until(id);
		go_to(last);
		assert_ok!(open(hot(4), id, 1, &lie(5)));
		assert!(until(id) > last);
		go_to(until(id));
		assert_ok!(open(hot(1), id, 0, &Trace::honest()));
		assert!(matches!(dispute(id).contest, Contest::Descending { .. }));

		// Even a quorum can't leave it at that.
		Operators::set(vec![1, 2, 3, 4]);
		let id = dissent();
		assert_ok!(open(hot(4), id, 1, &lie(5)));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1]);
	});
}

#[test]
fn both_sides_should_be_out_when_nobody_moves_and_another_committee_is_asked() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[output(), output(), wrong_output(), wrong_output()]);
		go_to(until(id) + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert_eq!(Punished::get().len(), 4);
		assert_eq!(Disputes::<Test>::iter().count(), 0);
		assert_eq!(AgreedAt::<Test>::get(id), None);
		next_block();
		let state = state(id);
		let drawn: Vec<_> = state.committee().unwrap().iter().map(|seat| &seat.operator).collect();
		assert_eq!(drawn, [5, 6, 7, 8].map(account).iter().collect::<Vec<_>>());
	});
}

#[test]
fn all_sides_should_be_out_when_all_are_wrong() {
	ExtBuilder::default().build_and_execute(|| {
		let answers: Vec<Output> = (1..=4u8)
			.map(|number| Output::truncate_from(vec![number; output().len()]))
			.collect();
		let id = revealed(&answers);
		for game in 0..2 {
			// Two answers, each of one seat, by traces that are wrong in the same step.
			let sides: Vec<_> = standing(id)[..2]
				.iter()
				.map(|claim| {
					let said = dispute(id).claim(*claim).unwrap().answer;
					let seat =
						answers.iter().position(|it| Some(outcome_hash(it)) == said).unwrap();
					let trace = Trace::to(Some(&answers[seat]), 500);
					assert_ok!(open(hot(seat as u8 + 1), id, *claim, &trace));
					(*claim, trace)
				})
				.collect();
			play_down(id, [(sides[0].0, &sides[0].1), (sides[1].0, &sides[1].1)]);
			assert_ok!(settle(id, evidence(id, &sides[0].1)));
			assert_eq!(Punished::get().len(), 4 * game);
		}
		assert!(matches!(state(id), RequestState::Queued { .. }));
	});
}

#[test]
fn seats_should_stand_again_when_one_of_them_throws_their_game() {
	ExtBuilder::default().build_and_execute(|| {
		let (thrown, lie) = (Trace::bogus(0), Trace::to(None, 0));
		let id = revealed(&[output(), output(), output(), output()]);
		// Seat 1 plays against itself, all in one block: nobody else can say anything.
		throw(id, 1, &thrown);
		assert_eq!((standing(id), dispute(id).contest), (vec![2], Contest::Won));
		assert!(Punished::get().is_empty());
		// It can't do that again, but another one can.
		assert_ok!(challenge(52, id, None));
		assert_noop!(open(hot(1), id, 2, &Trace::bogus(1)), Error::<Test>::NotYourClaim);
		assert_ok!(open(hot(2), id, 2, &thrown));
		assert_ok!(open(account(52), id, 3, &lie));
		play_down(id, [(2, &thrown), (3, &lie)]);
		assert_ok!(settle(id, evidence(id, &thrown)));
		assert_eq!((standing(id), dispute(id).contest), (vec![4], Contest::Won));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!((punished, bonded(51), bonded(52)), ([1, 2].map(account).to_vec(), 0, 0));
	});
}

#[test]
fn nobody_should_stand_when_each_seat_has_shown_a_wrong_trace() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[output(), output(), output(), output()]);
		for seat in 1..=4u8 {
			assert!(Punished::get().is_empty());
			throw(id, seat, &Trace::bogus(0));
		}
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert_eq!(Punished::get().len(), 4);
	});
}

#[test]
fn wrong_move_should_be_refused_and_lose_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, lie) = (Trace::honest(), lie(5));
		let id = dissent();
		// A trace is shown by whoever stands for it.
		assert_noop!(open(hot(4), id, 0, &honest), Error::<Test>::NotYourClaim);
		assert_noop!(open(account(51), id, 0, &honest), Error::<Test>::NotYourClaim);
		assert_noop!(open(hot(1), id, 3, &honest), Error::<Test>::NoSuchClaim);
		assert_noop!(open(hot(1), id, 0, &lie), Error::<Test>::WrongEnding);
		let Move::Open { root, end, path, witness } = honest.opening() else { panic!() };
		let wrong = Move::Open { root: end, end, path: path.clone(), witness: witness.clone() };
		assert_noop!(play(hot(1), id, 0, wrong), Error::<Test>::WrongTrace);
		let wrong = Move::Open { root, end, path, witness: Counter(1) };
		assert_noop!(play(hot(1), id, 0, wrong), Error::<Test>::WrongEnding);
		let below = honest.below(0, 0);
		assert_noop!(play(hot(1), id, 0, Move::Descend(below.clone())), Error::<Test>::NotYourMove);
		assert_ok!(open(hot(1), id, 0, &honest));
		assert_noop!(open(hot(2), id, 0, &honest), Error::<Test>::AlreadyMoved);
		assert_ok!(open(hot(4), id, 1, &lie));

		let mut wrong = below.clone();
		wrong[0] = H256::zero();
		assert_noop!(play(hot(1), id, 0, Move::Descend(wrong)), Error::<Test>::WrongChildren);
		// They fold to the same node, but there are not as many as asked for.
		let few: Children = vec![
			<toy::Machine as Adjudicator>::fold(&below[..32]),
			<toy::Machine as Adjudicator>::fold(&below[32..]),
		]
		.try_into()
		.unwrap();
		assert_noop!(play(hot(1), id, 0, Move::Descend(few)), Error::<Test>::WrongChildren);
		assert_noop!(descend(hot(1), id, 1, &honest), Error::<Test>::WrongChildren);
		assert_noop!(settle(id, honest.witness(5)), Error::<Test>::NotSettling);
		assert_ok!(descend(hot(1), id, 0, &honest));
		assert_noop!(descend(hot(1), id, 0, &honest), Error::<Test>::AlreadyMoved);
		System::set_block_number(until(id) + 1);
		assert_noop!(descend(hot(4), id, 1, &lie), Error::<Test>::TooLate);
	});
}

#[test]
fn settling_should_be_refused_when_anything_about_it_is_wrong() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, lie) = (Trace::honest(), lie(64));
		let id = opened(&honest, &lie);
		play_down(id, [(0, &honest), (1, &lie)]);
		let (before, witness) = evidence(id, &honest);
		let (state, path) = before.clone().unwrap();
		let none = (None, witness.clone());
		assert_noop!(settle(id, none), Error::<Test>::WrongStateBefore);
		// A state of the trace, but not the one before.
		assert_noop!(settle(id, honest.witness(63)), Error::<Test>::WrongStateBefore);
		let mut short = path.clone();
		short.pop();
		let short = (Some((state, short)), witness.clone());
		assert_noop!(settle(id, short), Error::<Test>::WrongStateBefore);
		let other = (Some((state, path)), Counter(1));
		assert_noop!(settle(id, other), Error::<Test>::WrongWitness);
		MaxStepWork::set(999);
		assert_noop!(settle(id, evidence(id, &honest)), Error::<Test>::StepTooLarge);
		MaxStepWork::set(1_000);
		// The path may be that of the other side's trace, too.
		assert_ok!(settle(id, lie.witness(64)));
		assert_eq!(standing(id), [0]);
		assert_noop!(settle(id, honest.witness(64)), Error::<Test>::NotSettling);
	});
}

#[test]
fn three_claims_should_play_one_after_the_other() {
	ExtBuilder::default().build_and_execute(|| {
		let third = floats(&[1.0, 1.0]).try_into().unwrap();
		let id = revealed(&[wrong_output(), third, output(), output()]);
		// Most votes first.
		assert_eq!(dispute(id).claims[0].answer, Some(outcome_hash(&output())));
		let third = Trace::to(Some(&floats(&[1.0, 1.0]).try_into().unwrap()), 900);
		let (honest, wrong) = (Trace::honest(), lie(3));
		let place = |output: &Output| {
			let answer = Some(outcome_hash(output));
			dispute(id).claims.iter().find(|claim| claim.answer == answer).unwrap().id
		};
		let (truth, second) = (place(&output()), place(&wrong_output()));
		let last = 3 - truth - second;
		// All show their traces at once: whoever waits need not be asked for it again.
		assert_ok!(open(hot(3), id, truth, &honest));
		assert_ok!(open(hot(1), id, second, &wrong));
		assert_ok!(open(hot(2), id, last, &third));
		for _ in 0..2 {
			let playing = standing(id)[1];
			let other = if playing == second { &wrong } else { &third };
			play_down(id, [(truth, &honest), (playing, other)]);
			assert_eq!(step_in_dispute(id), if playing == second { 3 } else { 900 });
			assert_ok!(settle(id, evidence(id, &honest)));
		}
		assert_eq!(standing(id), [truth]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Punished::get().len(), 2);
	});
}

#[test]
fn leaf_where_no_step_is_should_lose_without_an_execution() {
	ExtBuilder::default().build_and_execute(|| {
		let honest = Trace::honest();
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert_ok!(open(hot(1), id, 0, &honest));
		// The same answer, with something after the end of the trace.
		assert_ok!(challenge(52, id, Some(output())));
		assert_ok!(open(account(52), id, 2, &honest.clone().padded()));
		go_to(until(id) + 1);
		play_down(id, [(0, &honest), (2, &honest.clone().padded())]);
		assert_eq!(standing(id), [0]);
	});
}

#[test]
fn right_answer_should_be_defended_when_a_seat_shows_a_wrong_trace_for_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, bogus) = (Trace::honest(), Trace::bogus(100));
		let id = dissent();
		// Seat 3 is with the liar, and was faster.
		assert_ok!(open(hot(3), id, 0, &bogus));
		assert_ok!(open(hot(4), id, 1, &lie(20)));
		// Anybody can stand for the same answer with another trace.
		assert_ok!(challenge(51, id, Some(output())));
		assert_noop!(open(hot(2), id, 3, &bogus), Error::<Test>::SameTrace);
		assert_ok!(open(account(51), id, 2, &honest));
		play_down(id, [(0, &bogus), (1, &lie(20))]);
		assert_eq!(step_in_dispute(id), 20);
		// The way to the state before has to be in one of the two traces that play.
		assert_noop!(settle(id, evidence(id, &honest)), Error::<Test>::WrongStateBefore);
		assert_ok!(settle(id, evidence(id, &bogus)));
		// The bogus trace was right so far. Now it plays against the true one.
		assert_eq!(standing(id), [0, 2]);
		play_down(id, [(0, &bogus), (2, &honest)]);
		assert_eq!(step_in_dispute(id), 100);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!(standing(id), [2]);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(bonded(51), 0);
		// The seat that showed it is punished although it named the result.
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [3, 4].map(account));
	});
}

#[test]
fn other_seats_should_stand_for_the_right_answer_without_a_bond() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, bogus) = (Trace::honest(), Trace::bogus(100));
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert_noop!(open(hot(2), id, 2, &honest), Error::<Test>::AlreadyMoved);
		// Seat 3 is with the challenger: it shows a wrong trace for the quorum, and says no more.
		assert_ok!(open(hot(3), id, 0, &bogus));
		let by_itself = Call::<Test>::play { request: id, claim: 2, step: honest.opening() };
		assert!(by_itself.is_feeless(&RuntimeOrigin::signed(hot(1))));
		assert!(!by_itself.is_feeless(&RuntimeOrigin::signed(hot(5))));
		assert_noop!(open(account(53), id, 2, &honest), Error::<Test>::NotYourClaim);
		assert_noop!(open(hot(2), id, 2, &lie(1)), Error::<Test>::WrongEnding);
		assert_ok!(open(hot(1), id, 2, &honest));
		assert_noop!(open(hot(1), id, 3, &Trace::bogus(7)), Error::<Test>::AlreadyMoved);
		assert_noop!(open(hot(3), id, 3, &honest), Error::<Test>::AlreadyMoved);
		assert_ok!(open(account(51), id, 1, &lie(20)));
		assert_ok!(descend(account(51), id, 1, &lie(20)));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1, 2]);
		play_down(id, [(1, &lie(20)), (2, &honest)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [3].map(account));
	});
}

#[test]
fn seat_should_stand_against_a_lie_that_has_won() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, bogus) = (Trace::honest(), Trace::bogus(100));
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert_ok!(open(hot(3), id, 0, &bogus));
		assert_ok!(open(account(51), id, 1, &lie(20)));
		assert_ok!(descend(account(51), id, 1, &lie(20)));
		go_to(until(id) + 1);
		assert_eq!((standing(id), dispute(id).contest), (vec![1], Contest::Won));
		go_to(until(id));
		assert_noop!(open(hot(3), id, 2, &honest), Error::<Test>::AlreadyMoved);
		assert_ok!(open(hot(2), id, 2, &honest));
		play_down(id, [(1, &lie(20)), (2, &honest)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!((standing(id), bonded(51)), (vec![2], 0));
	});
}

#[test]
fn claim_should_be_taken_back_when_somebody_stands_for_the_same_trace() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, wrong) = (Trace::honest(), wrong_output());
		let lie = lie(20);
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		for number in [51, 52, 53] {
			assert_ok!(challenge(number, id, Some(output())));
		}
		assert_ok!(open(hot(1), id, 0, &lie));
		assert_ok!(open(account(51), id, 1, &honest));
		// Who waits, and who plays.
		assert_ok!(open(account(53), id, 3, &honest));
		assert_eq!((standing(id), bonded(53)), (vec![0, 1, 2], 0));
		assert!(events().contains(&Event::ClaimWithdrawn { request: id, claim: 3 }));
		play_down(id, [(0, &lie), (1, &honest)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!(standing(id), [1, 2]);
		assert_ok!(open(account(52), id, 2, &honest));
		assert_eq!((standing(id), bonded(52)), (vec![1], 0));
		assert_eq!(dispute(id).contest, Contest::Won);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(free(&account(52)), 100_000);
	});
}

#[test]
fn claim_should_not_be_taken_back_when_its_trace_was_there_to_be_seen() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, wrong) = (Trace::honest(), wrong_output());
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		assert_ok!(challenge(51, id, Some(output())));
		assert_ok!(open(account(51), id, 1, &honest));
		// The first two may have been on their way.
		assert_ok!(challenge(52, id, Some(output())));
		assert_ok!(challenge(53, id, Some(output())));
		assert_ok!(open(account(53), id, 3, &honest));
		assert_ok!(open(account(52), id, 2, &honest));
		assert_ok!(challenge(53, id, Some(output())));
		assert_noop!(open(account(53), id, 4, &honest), Error::<Test>::SameTrace);
		assert_eq!([52, 53].map(bonded), [0, BOND]);
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1, 4]);
		go_to(until(id) + 1);
		assert_eq!((standing(id), bonded(53)), (vec![1], 0));
		assert_eq!(free(&account(53)), 100_000 - BOND);
	});
}

#[test]
fn bond_should_not_grow_when_a_claim_is_taken_back() {
	ExtBuilder::default().build_and_execute(|| {
		let honest = Trace::honest();
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, None));
		assert_ok!(open(hot(1), id, 0, &honest));
		go_to(until(id) + 1);
		assert_eq!(Inference::bond(&dispute(id)), BOND * 2);
		assert_ok!(challenge(52, id, Some(output())));
		assert_ok!(open(account(52), id, 2, &honest));
		assert_eq!((standing(id), bonded(52)), (vec![0], 0));
		assert_eq!(Inference::bond(&dispute(id)), BOND * 2);
	});
}

#[test]
fn run_of_one_step_should_be_settled_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		ToySteps::set(1);
		let (honest, lie) = (Trace::honest(), lie(0));
		let id = opened(&honest, &lie);
		assert_eq!(step_in_dispute(id), 0);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!(standing(id), [0]);
	});
}

#[test]
fn moves_should_be_free_for_whoever_has_revealed_and_for_nobody_else() {
	ExtBuilder::default().build_and_execute(|| {
		let (honest, lie) = (Trace::honest(), lie(5));
		let id = dissent();
		let is_free =
			|who: AccountId, call: Call<Test>| call.is_feeless(&RuntimeOrigin::signed(who));
		let opening = || Call::play { request: id, claim: 0, step: honest.opening() };
		assert!(is_free(hot(1), opening()));
		assert!(!is_free(hot(4), opening()));
		assert!(!is_free(account(51), opening()));
		assert_ok!(open(hot(1), id, 0, &honest));
		assert!(!is_free(hot(2), opening()), "it would not be taken");
		assert_ok!(open(hot(4), id, 1, &lie));
		let below =
			|claim| Call::play { request: id, claim, step: Move::Descend(honest.below(0, 0)) };
		assert!(is_free(hot(2), below(0)));
		assert!(!is_free(hot(4), below(1)));
		assert!(!is_free(hot(5), below(0)));
		play_down(id, [(0, &honest), (1, &lie)]);
		let settling = |trace: &Trace, step| {
			let (before, witness) = trace.witness(step);
			Call::settle { request: id, before, witness }
		};
		assert!(is_free(hot(3), settling(&honest, 5)));
		assert!(!is_free(hot(3), settling(&honest, 6)));
		assert!(!is_free(account(53), settling(&honest, 5)));
	});
}

#[test]
fn dispute_should_be_given_up_when_nobody_can_decide_it_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened(&Trace::honest(), &lie(5));
		assert_ok!(challenge(51, id, None));
		Decides::set(false);
		go_to(until(id) + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert!(Punished::get().is_empty());
		assert_eq!(bonded(51), 0);
		assert_eq!(free(&account(51)), 100_000);
		assert!(events().contains(&Event::DisputeAbandoned { request: id }));
	});
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

	#[test]
	fn descent_should_find_every_first_wrong_step(
		steps in 1u64..5_000,
		wrong in any::<prop::sample::Index>(),
		lies in any::<bool>(),
	) {
		ToySteps::set(steps);
		let wrong = wrong.index(steps as usize) as u64;
		ExtBuilder::default().build().execute_with(|| {
			let honest = Trace::honest();
			// A state that is wrong once, or everything from there on.
			let last = wrong + 1 == steps;
			let lie = if lies || last { lie(wrong) } else { Trace::bogus(wrong) };
			let says = if lies || last { wrong_output() } else { output() };
			let id = revealed(&[output(), output(), output(), output()]);
			assert_ok!(challenge(51, id, Some(wrong_output())));
			assert_ok!(open(hot(1), id, 0, &honest));
			let mut liar = 1;
			if says == output() {
				assert_ok!(challenge(52, id, Some(says)));
				liar = 2;
				assert_ok!(open(account(52), id, 2, &lie));
				// The first challenger never shows a trace.
				go_to(until(id) + 1);
			} else {
				assert_ok!(open(account(51), id, 1, &lie));
			}
			let rounds = play_down(id, [(0, &honest), (liar, &lie)]);
			assert_eq!(rounds, schedule().depth.div_ceil(6));
			assert_eq!(step_in_dispute(id), wrong);
			assert_ok!(settle(id, evidence(id, &honest)));
			assert_eq!(standing(id), [0]);
			check();
		});
	}
}
