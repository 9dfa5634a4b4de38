//! Who pays for a dispute, and who earns by it.

use super::{toy::*, *};
use dodona_primitives_inference::Contest;

/// All seats say the same wrong thing, and one account knows better.
fn unanimous_lie() -> RequestId {
	let wrong = wrong_output();
	let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
	assert_ok!(challenge(51, id, Some(output())));
	id
}

fn lie() -> Trace {
	Trace::to(Some(&wrong_output()), 300)
}

#[test]
fn truth_should_win_when_all_seats_lie_and_one_account_challenges() {
	ExtBuilder::default().build_and_execute(|| {
		let id = unanimous_lie();
		let honest = Trace::honest();
		assert_ok!(open(hot(1), id, 0, &lie()));
		assert_ok!(open(account(51), id, 1, &honest));
		play_down(id, [(0, &lie()), (1, &honest)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!(standing(id), [1]);
		assert_eq!(bonded(51), BOND, "it may have to be defended again");
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Outputs::<Test>::iter_prefix(id).count(), 1);
		// All are punished together, and the challenger has reported each.
		let all: Vec<_> = (1..=4).map(|number| (account(number), account(51))).collect();
		assert_eq!(Reporters::get(), all);
		assert_eq!(Punished::get().len(), 4);
		// The seats' part of the fee is the challenger's; contributor and treasury have theirs.
		assert_eq!(free(&account(51)), 100_000 + 800);
		assert_eq!(free(&account(90)), 150);
		assert_eq!(free(&treasury()), 1 + 50);
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000 - PRICE));
		assert_eq!(Told::get(), vec![(id, Some(output().into_inner()))]);
	});
}

#[test]
fn challenger_should_lose_its_bond_when_it_lies() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		let honest = Trace::honest();
		assert_ok!(open(hot(2), id, 0, &honest));
		assert_ok!(open(account(51), id, 1, &lie()));
		play_down(id, [(0, &honest), (1, &lie())]);
		assert_ok!(settle(id, evidence(id, &honest)));
		assert_eq!((bonded(51), free(&account(51))), (0, 100_000 - BOND));
		// 40 % for whoever showed the true trace, the rest for the treasury.
		assert_eq!(free(&account(2)), 200);
		assert_eq!(free(&treasury()), 1 + 300);
		let answer = Some(outcome_hash(&wrong_output()));
		let lost = Event::ClaimLost { request: id, claim: 1, answer, forfeited: BOND };
		assert!(events().contains(&lost));
		assert_eq!(Outputs::<Test>::get(id, outcome_hash(&wrong_output())), None);
		go_to(until(id) + 1);
		assert!(Punished::get().is_empty());
		assert_eq!(free(&account(2)), 200 + 200);
		assert_eq!(free(&requester()), 100_000 - PRICE);
	});
}

#[test]
fn challenger_should_lose_its_bond_when_it_is_silent() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, Some(wrong_output())));
		assert_ok!(open(hot(2), id, 0, &Trace::honest()));
		go_to(until(id) + 1);
		assert_eq!((bonded(51), free(&account(51))), (0, 100_000 - BOND));
		assert_eq!(standing(id), [0]);
		assert_eq!(dispute(id).contest, Contest::Won);
	});
}

#[test]
fn winner_should_be_challenged_again_when_it_is_wrong_too() {
	ExtBuilder::default().build_and_execute(|| {
		// Challengers of the same party fill all places, so that nobody else can say what is right.
		let id = unanimous_lie();
		let honest = Trace::honest();
		go_to(until(id));
		assert_ok!(open(hot(1), id, 0, &lie()));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [0]);
		// But what is left can be challenged again.
		go_to(until(id));
		assert_ok!(challenge(52, id, Some(output())));
		assert_eq!(bonded(52), 2 * BOND);
		assert_ok!(open(account(52), id, 2, &honest));
		play_down(id, [(0, &lie()), (2, &honest)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(free(&account(52)), 100_000 + 800);
		// Who opened for the lie had earned by the silence of the first challenger.
		assert_eq!(free(&account(1)), 200);
	});
}

#[test]
fn fee_should_go_back_when_the_run_ends_in_a_fault() {
	ExtBuilder::default().build_and_execute(|| {
		// The toy's run of this input ends in an answer; but nobody plays for it.
		let id = revealed(&[output(), output(), output(), output()]);
		assert_ok!(challenge(51, id, None));
		assert_ok!(open(account(51), id, 1, &Trace::to(None, 9)));
		go_to(until(id) + 1);
		assert_eq!(standing(id), [1]);
		go_to(until(id) + 1);
		let reason = FailureReason::NoAnswer;
		assert!(matches!(state(id), RequestState::Failed { reason: why, .. } if why == reason));
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000));
		assert_eq!((bonded(51), free(&account(51))), (0, 100_000));
		assert_eq!(Reporters::get().len(), 4);
		assert_eq!(AgreedAt::<Test>::get(id), None);
		assert_eq!(Outputs::<Test>::iter().count(), 0);
	});
}

#[test]
fn operators_should_stay_obliged_until_the_dispute_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let id = unanimous_lie();
		assert_ok!(open(account(51), id, 1, &Trace::honest()));
		assert!((1..=4).all(|number| Obligations::get()[&account(number)] == 1));
		go_to(until(id) + 1);
		assert!((1..=4).all(|number| Obligations::get()[&account(number)] == 1));
		go_to(until(id) + 1);
		assert!((1..=4).all(|number| Obligations::get()[&account(number)] == 0));
	});
}

#[test]
fn nobody_should_be_heard_twice_when_only_part_of_a_committee_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		commit(id, 1, &output());
		commit(id, 2, &wrong_output());
		(3..=4).for_each(|number| commit(id, number, &output()));
		reveal(id, 1, &output());
		reveal(id, 2, &wrong_output());
		let RequestState::Revealing { until: last, .. } = state(id) else { panic!("revealing") };
		go_to(last + 1);
		// No quorum, and two outcomes: the runtime decides instead of another committee.
		assert!(matches!(state(id), RequestState::Disputed { outcome: None, .. }));
		assert_eq!(Punished::get().len(), 2);
		let truth = dispute(id)
			.claims
			.iter()
			.position(|claim| claim.answer == Some(outcome_hash(&output())));
		assert_ok!(open(hot(1), id, truth.unwrap() as u32, &Trace::honest()));
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		let punished: Vec<_> =
			Punished::get().into_iter().map(|(who, what, _)| (who, what)).collect();
		let expected = [(3, Offence::Unrevealed), (4, Offence::Unrevealed), (2, Offence::Dissent)];
		assert_eq!(punished, expected.map(|(number, what)| (account(number), what)));
	});
}
