//! Second committees: which results they are asked about, what they change, and who is paid.

use super::{toy::*, *};

/// From now on all results are audited.
fn audit_all() {
	AuditRate::set(Perbill::one());
}

/// A request whose first committee, operators 1 to 4, has named `said`, and whose second one, 5 to
/// 8, is drawn.
fn audited(said: &Output) -> RequestId {
	audit_all();
	let id = revealed(&[said.clone(), said.clone(), said.clone(), said.clone()]);
	go_to(until(id) + 2);
	assert_eq!(operators(id), [5, 6, 7, 8]);
	id
}

/// The numbers of the operators in a request's committee.
fn operators(id: RequestId) -> Vec<u8> {
	let state = state(id);
	let RequestState::Committing { committee, .. } = &state else { panic!("{state:?}") };
	committee.iter().map(|seat| AsRef::<[u8]>::as_ref(&seat.operator)[0]).collect()
}

/// The second committee commits to these outputs, and reveals them.
fn second(id: RequestId, outputs: &[Output]) {
	(5..).zip(outputs).for_each(|(number, output)| commit(id, number, output));
	(5..).zip(outputs).for_each(|(number, output)| reveal(id, number, output));
}

/// The second committee tells the truth, which wins by the trace of operator 5.
fn tell_the_truth(id: RequestId) -> H256 {
	second(id, &[output(), output(), output(), output()]);
	let truth = outcome_hash(&output());
	let claim = dispute(id).claims.iter().find(|it| it.answer == Some(truth)).unwrap().id;
	assert_ok!(open(hot(5), id, claim, &Trace::honest()));
	go_to(until(id) + 1);
	go_to(until(id) + 1);
	truth
}

fn checks() -> usize {
	Checks::<Test>::iter().count()
}

#[test]
fn result_should_be_put_to_other_operators_when_its_window_ends() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		go_to(until(id));
		assert!(matches!(state(id), RequestState::Agreed { .. }));
		next_block();
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert!(events().contains(&Event::AuditBegun { request: id }));
		assert_eq!(held(&requester()), PRICE, "nobody is paid yet");
		next_block();
		assert_eq!(operators(id), [5, 6, 7, 8]);
		assert_eq!(attempt(id), 2);
		assert!((1..=8).all(|number| Obligations::get()[&account(number)] == 1));
		assert!(AgreedAt::<Test>::contains_key(id));
	});
}

/// A result that all seats named, and that an outsider has challenged without a word more.
fn challenged_in_vain() -> RequestId {
	audit_all();
	let id = revealed(&[output(), output(), output(), output()]);
	assert_ok!(challenge(50, id, Some(wrong_output())));
	go_to(until(id) + 1);
	assert_eq!(standing(id), [0]);
	id
}

#[test]
fn result_should_be_audited_when_it_is_challenged_in_vain() {
	ExtBuilder::default().build_and_execute(|| {
		let id = challenged_in_vain();
		System::set_block_number(until(id) + 1);
		assert_noop!(advance(id), Error::<Test>::LeftToTheBlock);
		next_block();
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert!(events().contains(&Event::AuditBegun { request: id }));
		assert_eq!((Disputes::<Test>::iter().count(), RoomTaken::<Test>::get()), (0, 0));
		next_block();
		assert_eq!(operators(id), [5, 6, 7, 8]);
		assert!((1..=8).all(|number| Obligations::get()[&account(number)] == 1));
		second(id, &[output(), output(), output(), output()]);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!((1..=8).all(|number| free(&account(number)) >= 100));
		assert!(Punished::get().is_empty());
	});
}

#[test]
fn lie_should_come_out_in_its_audit_when_a_friend_has_challenged_it_before() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let wrong = wrong_output();
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		assert_ok!(challenge(50, id, None));
		go_to(until(id) + 1);
		go_to(until(id) + 2);
		let truth = tell_the_truth(id);
		assert_eq!(result(id), Some(truth), "it is not audited again");
		assert_eq!(Punished::get().len(), 4);
	});
}

/// A result of which a seat has shown a wrong trace, and 51 the right one for the same answer; the
/// claim of that.
fn refuted() -> (RequestId, u32) {
	audit_all();
	let id = revealed(&[output(), output(), output(), output()]);
	assert_ok!(challenge(50, id, None));
	let (wrong, honest) = (Trace::bogus(300), Trace::honest());
	assert_ok!(open(hot(1), id, 0, &wrong));
	assert_ok!(challenge(51, id, Some(output())));
	let right = standing(id)[2];
	assert_ok!(open(account(51), id, right, &honest));
	go_to(until(id) + 1);
	play_down(id, [(0, &wrong), (right, &honest)]);
	assert_ok!(settle(id, evidence(id, &honest)));
	assert_eq!(standing(id), [right]);
	(id, right)
}

#[test]
fn result_should_be_audited_without_a_seat_that_its_dispute_has_refuted() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = refuted();
		assert!(bonded(51) > 0);
		go_to(until(id) + 1);
		assert!(events().contains(&Event::AuditBegun { request: id }));
		assert_eq!(Reporters::get(), [(account(1), account(51))]);
		assert_eq!(bonded(51), 0);
		let obliged = |number| Obligations::get().get(&account(number)).copied().unwrap_or(0);
		assert_eq!([1, 2, 3, 4].map(obliged), [0, 1, 1, 1]);
		next_block();
		assert_eq!(operators(id), [5, 6, 7, 8]);
		// A part of the challenger's bond.
		let before = free(&account(1));
		second(id, &[output(), output(), output(), output()]);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(free(&account(1)), before, "nothing of the fee");
		assert!((2..=8).all(|number| free(&account(number)) == 800 / 7));
		assert_eq!(Punished::get().len(), 1);
	});
}

#[test]
fn lie_should_come_out_in_its_audit_when_one_liar_has_disagreed_before() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let (wrong, junk) = (wrong_output(), floats(&[7.0, 7.0]).try_into().unwrap());
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong, junk]);
		go_to(until(id) + 1);
		go_to(until(id) + 2);
		assert_eq!(Punished::get().len(), 1);
		let truth = tell_the_truth(id);
		assert_eq!(result(id), Some(truth));
		assert_eq!(Punished::get().len(), 4);
	});
}

#[test]
fn result_should_be_final_when_a_dispute_leaves_no_quorum_behind_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, right) = refuted();
		let (wrong, honest) = (Trace::bogus(301), Trace::honest());
		assert_ok!(open(hot(2), id, dispute(id).next_claim, &wrong));
		let [_, other] = standing(id)[..] else { panic!("two claims play") };
		play_down(id, [(right, &honest), (other, &wrong)]);
		assert_ok!(settle(id, evidence(id, &honest)));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(!events().contains(&Event::AuditBegun { request: id }));
		assert_eq!(Punished::get().len(), 2);
	});
}

#[test]
fn result_should_be_final_at_once_and_the_fee_shared_when_both_committees_agree() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		let agreed = AgreedAt::<Test>::get(id);
		second(id, &[output(), output(), output(), output()]);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(AgreedAt::<Test>::get(id), agreed);
		assert!(events().contains(&Event::AuditPassed { request: id, votes: 4 }));
		// The seats' 800 are shared by eight instead of four; the sum is the fee.
		assert!((1..=8).all(|number| free(&account(number)) == 100));
		assert_eq!((free(&account(90)), free(&treasury())), (150, 1 + 50));
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000 - PRICE));
		assert_eq!(Inference::finalized(id).unwrap().treasury, 50);
		assert!(Punished::get().is_empty());
		go_to(System::block_number() + 12);
		assert_eq!((Requests::<Test>::iter().count(), checks()), (0, 0));
	});
}

#[test]
fn first_committee_should_be_paid_as_always_when_the_second_is_silent() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		(5..=6).for_each(|number| commit(id, number, &output()));
		let RequestState::Committing { until, .. } = state(id) else { panic!("committing") };
		go_to(until + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(events().contains(&Event::AuditVoid { request: id }));
		assert!((1..=4).all(|number| free(&account(number)) == 200));
		assert!(Punished::get().is_empty(), "too few committed to know that the answer can be had");
		assert_eq!(free(&requester()), 100_000 - PRICE);
	});
}

#[test]
fn first_committee_should_be_paid_as_always_when_the_second_reveals_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		(5..=7).for_each(|number| commit(id, number, &wrong_output()));
		go_to(System::block_number() + 12);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!((1..=4).all(|number| free(&account(number)) == 200));
		// The usual penalties are theirs.
		let punished: Vec<_> =
			Punished::get().into_iter().map(|(who, what, _)| (who, what)).collect();
		let unrevealed = (5..=7).map(|number| (account(number), Offence::Unrevealed));
		let expected: Vec<_> =
			[(account(8), Offence::NoShow)].into_iter().chain(unrevealed).collect();
		assert_eq!(punished, expected);
	});
}

#[test]
fn silent_seats_of_the_second_should_take_nothing_from_those_who_named_the_result() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		(5..=7).for_each(|number| commit(id, number, &output()));
		let RequestState::Committing { until, .. } = state(id) else { panic!("committing") };
		go_to(until + 1);
		reveal(id, 5, &output());
		go_to(until + 10);
		assert!(events().contains(&Event::AuditPassed { request: id, votes: 1 }));
		// 800 for five.
		assert!((1..=5).all(|number| free(&account(number)) == 160));
		assert!((6..=8).all(|number| free(&account(number)) == 0));
		assert_eq!(free(&requester()), 100_000 - PRICE);
	});
}

#[test]
fn result_should_be_final_when_no_second_committee_can_be_had() {
	ExtBuilder::default().operators(&[1, 2, 3, 4, 5, 6, 7]).build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		go_to(until(id) + 2);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(events().contains(&Event::AuditVoid { request: id }));
		assert!((1..=4).all(|number| free(&account(number)) == 200));
	});
}

#[test]
fn result_should_be_final_when_there_is_no_randomness_for_a_second_committee() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		go_to(until(id) + 1);
		let begun = System::block_number();
		KnownSince::set(Some(begun));
		go_to(begun + 20);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		next_block();
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(events().contains(&Event::AuditVoid { request: id }));
	});
}

#[test]
fn result_should_be_final_when_its_version_is_suspended_during_the_audit() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		go_to(until(id) + 1);
		Answering::set(false);
		next_block();
		assert_eq!(result(id), Some(outcome_hash(&output())));
	});
}

#[test]
fn lie_should_end_in_a_dispute_that_the_second_committee_wins() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&wrong_output());
		second(id, &[output(), output(), output(), output()]);
		let RequestState::Disputed { committee, outcome, .. } = state(id) else {
			panic!("in dispute")
		};
		assert_eq!(committee.len(), 8);
		assert_eq!(outcome, Some(outcome_hash(&wrong_output())), "the first quorum's");
		let truth = outcome_hash(&output());
		let claim = dispute(id).claims.iter().find(|it| it.answer == Some(truth)).unwrap().id;
		assert_ok!(open(hot(5), id, claim, &Trace::honest()));
		// The liars have nothing to show.
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(truth));
		let all: Vec<_> = (1..=4).map(|number| (account(number), account(5))).collect();
		assert_eq!(Reporters::get(), all);
		assert_eq!(Punished::get().len(), 4);
		// They are paid like a committee that was right at first.
		assert!((1..=4).all(|number| free(&account(number)) == 0));
		assert!((5..=8).all(|number| free(&account(number)) == 200));
		assert_eq!(free(&requester()), 100_000 - PRICE);
		go_to(System::block_number() + 12);
		assert_eq!((checks(), Outputs::<Test>::iter().count()), (0, 0));
	});
}

#[test]
fn honest_committee_should_lose_nothing_when_the_second_lies() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		let wrong = wrong_output();
		second(id, &[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		// Nobody shows anything: the word of the first quorum stands.
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!((1..=4).all(|number| free(&account(number)) == 200));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [5, 6, 7, 8].map(account));
		assert_eq!(free(&requester()), 100_000 - PRICE);
	});
}

#[test]
fn one_honest_seat_of_the_second_should_be_enough_for_a_dispute() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&wrong_output());
		let wrong = wrong_output();
		second(id, &[wrong.clone(), wrong.clone(), wrong, output()]);
		assert_ok!(open(hot(8), id, 1, &Trace::honest()));
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Punished::get().len(), 7);
		// The fee is for four seats, of which one was right.
		assert_eq!(free(&account(8)), 200);
		assert_eq!(free(&requester()), 100_000 - PRICE + 600);
		assert_eq!(Inference::finalized(id).unwrap().treasury, 50);
	});
}

#[test]
fn nobody_should_be_punished_when_the_committees_differ_and_nobody_can_decide() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		Decides::set(false);
		second(id, &[wrong_output(), output(), output(), output()]);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(Punished::get().is_empty());
		assert!((1..=4).all(|number| free(&account(number)) == 200));
		assert_eq!(Outputs::<Test>::iter_prefix(id).count(), 1);
	});
}

/// An audit whose dispute leaves nobody standing: both sides show a wrong trace.
fn audited_in_vain() -> RequestId {
	let (id, wrong) = (audited(&wrong_output()), wrong_output());
	second(id, &[wrong.clone(), wrong.clone(), wrong, output()]);
	let sides = [Trace::to(Some(&wrong_output()), 300), Trace::bogus(300)];
	assert_ok!(open(hot(1), id, 0, &sides[0]));
	assert_ok!(open(hot(8), id, 1, &sides[1]));
	play_down(id, [(0, &sides[0]), (1, &sides[1])]);
	assert_ok!(settle(id, evidence(id, &sides[0])));
	// The others stand again, until each of them has done the same.
	(2..=7).for_each(|seat| throw(id, seat, &Trace::to(Some(&wrong_output()), 0)));
	assert_eq!(Punished::get().len(), 8);
	id
}

#[test]
fn audit_should_count_as_no_attempt_and_be_made_once() {
	let operators: Vec<u8> = (1..=20).collect();
	ExtBuilder::default().operators(&operators).build_and_execute(|| {
		let id = audited_in_vain();
		next_block();
		// The second of two attempts.
		assert_eq!(self::operators(id), [9, 10, 11, 12]);
		assert_eq!(attempt(id), 3);
		(9..=12).for_each(|number| commit(id, number, &output()));
		(9..=12).for_each(|number| reveal(id, number, &output()));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())), "without another audit");
		assert!((9..=12).all(|number| free(&account(number)) == 200));
	});
}

#[test]
fn attempts_should_be_no_more_than_without_an_audit() {
	ExtBuilder::default().build_and_execute(|| {
		MaxAttempts::set(1);
		let id = audited_in_vain();
		assert!(matches!(state(id), RequestState::Failed { .. }));
		assert_eq!(free(&requester()), 100_000);
	});
}

#[test]
fn result_should_not_be_audited_by_randomness_that_a_seat_could_know() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		KnownSince::set(AgreedAt::<Test>::get(id));
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!(!events().contains(&Event::AuditBegun { request: id }));
	});
}

#[test]
fn result_should_be_audited_by_randomness_of_the_block_after_the_agreement() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		KnownSince::set(AgreedAt::<Test>::get(id).map(|at| at + 1));
		go_to(until(id) + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
	});
}

#[test]
fn result_should_not_be_audited_when_both_committees_have_no_room_or_nobody_could_decide() {
	let operators: Vec<u8> = (1..=40).collect();
	ExtBuilder::default().operators(&operators).build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		Decides::set(false);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		Decides::set(true);
		let id = revealed(&[output(), output(), output(), output()]);
		Answering::set(false);
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		Answering::set(true);
		for (seats, audits) in [(16, 1), (17, 1)] {
			CommitteeSize::set(seats);
			HotKeys::set((1..=40).map(|number| (hot(number), account(number))).collect());
			let id = ask_and_draw();
			(1..=seats as u8).for_each(|number| commit(id, number, &output()));
			(1..=seats as u8).for_each(|number| reveal(id, number, &output()));
			go_to(until(id) + 1);
			let begun = |event: &Event<Test>| matches!(event, Event::AuditBegun { .. });
			assert_eq!(events().iter().filter(|event| begun(event)).count(), audits);
		}
	});
}

#[test]
fn part_of_all_results_should_be_audited_by_the_rate() {
	ExtBuilder::default().build_and_execute(|| {
		let requests = 400;
		let agreed = Requests::<Test>::get(revealed(&[output(), output(), output(), output()]));
		let agreed = agreed.unwrap();
		KnownSince::set(Some(System::block_number() + 1));
		let is_chosen = |percent, id: u64| {
			let rate = Perbill::from_percent(percent);
			AgreedAt::<Test>::insert(id, System::block_number());
			let committee = agreed.state.committee().unwrap();
			let chosen = Inference::has_to_be_audited(rate, id, &agreed, committee);
			(id > 0).then(|| AgreedAt::<Test>::remove(id));
			chosen
		};
		let chosen: Vec<u64> = (0..requests).filter(|id| is_chosen(25, *id)).collect();
		assert!((70..=130).contains(&chosen.len()), "{} of {requests}", chosen.len());
		Random::set(H256::repeat_byte(8));
		let others: Vec<u64> = (0..requests).filter(|id| is_chosen(25, *id)).collect();
		assert_ne!(chosen, others);
		assert!(!(0..requests).any(|id| is_chosen(0, id)));
		assert!((0..requests).all(|id| is_chosen(100, id)));
	});
}

#[test]
fn call_should_not_end_a_window_when_the_result_may_be_audited() {
	ExtBuilder::default().build_and_execute(|| {
		audit_all();
		let id = revealed(&[output(), output(), output(), output()]);
		System::set_block_number(until(id) + 1);
		assert_noop!(advance(id), Error::<Test>::LeftToTheBlock);
		AuditRate::set(Perbill::zero());
		assert_ok!(advance(id));
		assert_eq!(result(id), Some(outcome_hash(&output())));
	});
}

#[test]
fn seats_of_the_first_committee_should_have_nothing_to_say_in_the_second() {
	ExtBuilder::default().build_and_execute(|| {
		let id = audited(&output());
		assert_noop!(submit(1, commit_to(id, 1, &output())), Error::<Test>::NotYourSeat);
		// What was bound to the first attempt is not taken in the second.
		let old = Submission { attempt: 1, ..commit_to(id, 5, &output()) };
		assert_noop!(submit(5, old), Error::<Test>::WrongAttempt);
		assert_noop!(challenge(51, id, None), Error::<Test>::NotChallengeable);
	});
}
