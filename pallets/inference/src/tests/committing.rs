//! Commitments.

use super::*;

#[test]
fn request_should_take_reveals_as_soon_as_every_seat_has_committed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=3).for_each(|number| commit(id, number, &output()));
		assert!(matches!(state(id), RequestState::Committing { .. }));
		commit(id, 4, &output());
		assert!(matches!(state(id), RequestState::Revealing { until: 6, .. }));
		assert!(events().contains(&Event::CommitmentsClosed { request: id, committed: 4 }));
	});
}

#[test]
fn commitment_should_be_refused_when_the_signer_has_no_seat() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		assert_noop!(submit(5, commit_to(id, 5, &output())), Error::<Test>::NotYourSeat);
	});
}

#[test]
fn commitment_should_be_refused_when_the_signer_is_no_hot_key() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		let submissions = vec![commit_to(id, 1, &output())];
		// Not even the operator's own account: it does not sign what a worker says.
		assert_noop!(say(account(1), submissions), Error::<Test>::NotAHotKey);
	});
}

#[test]
fn commitment_should_be_refused_when_the_seat_has_committed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		commit(id, 1, &output());
		assert_noop!(submit(1, commit_to(id, 1, &wrong_output())), Error::<Test>::AlreadyCommitted);
	});
}

#[test]
fn commitment_should_be_refused_when_it_is_about_another_attempt() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		for attempt in [0, 2] {
			let submission = Submission { attempt, ..commit_to(id, 1, &output()) };
			assert_noop!(submit(1, submission), Error::<Test>::WrongAttempt);
		}
	});
}

#[test]
fn commitment_should_be_refused_before_the_draw_and_after_the_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		assert_noop!(submit(1, commit_to(id, 1, &output())), Error::<Test>::NotYourSeat);
		next_block();
		// The last block in which one is taken.
		go_to(7);
		commit(id, 1, &output());
		// Before the hook of the next block has closed the commitments.
		System::set_block_number(8);
		assert_noop!(submit(2, commit_to(id, 2, &output())), Error::<Test>::NotCommitting);
	});
}

#[test]
fn commitment_should_be_refused_when_the_request_is_unknown() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		let submission = Submission { request: id + 1, ..commit_to(id, 1, &output()) };
		assert_noop!(submit(1, submission), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn submit_should_be_refused_when_it_says_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(say(hot(1), vec![]), Error::<Test>::NothingSubmitted);
	});
}

#[test]
fn submit_should_take_what_is_right_when_other_statements_are_stale() {
	ExtBuilder::default().build_and_execute(|| {
		let (one, two) = (ask(), ask());
		next_block();
		commit(one, 1, &output());
		let stale = commit_to(one, 1, &output());
		let fresh = commit_to(two, 1, &output());
		assert_ok!(say(hot(1), vec![stale, fresh]));
		assert!(matches!(statuses(two)[0], SeatStatus::Committed(_)));
		assert!(events().contains(&Event::SubmissionRefused {
			request: one,
			operator: account(1),
			error: Error::<Test>::AlreadyCommitted.into(),
		}));
	});
}

#[test]
fn submit_should_be_feeless_only_when_every_statement_would_be_taken() {
	ExtBuilder::default().build_and_execute(|| {
		let (one, two) = (ask(), ask());
		next_block();
		let feeless = |number: u8, submissions: Vec<Submission>| {
			let origin = RuntimeOrigin::signed(hot(number));
			Inference::is_feeless(&origin, &submissions.try_into().unwrap())
		};
		let (first, second) = (commit_to(one, 1, &output()), commit_to(two, 1, &output()));
		assert!(feeless(1, vec![first.clone()]));
		assert!(feeless(1, vec![first.clone(), second.clone()]));
		assert!(!feeless(1, vec![]));
		assert!(!feeless(1, vec![first.clone(), first.clone()]), "the same twice");
		assert!(!feeless(5, vec![first.clone()]), "no seat");
		assert!(!feeless(30, vec![first.clone()]), "no operator");
		assert!(!feeless(1, vec![reveal_of(one, 1, &output())]), "too early");
		commit(one, 1, &output());
		assert!(!feeless(1, vec![first, second]), "one is stale");
	});
}

/// What submitting this is found to have cost.
fn cost_of(number: u8, submissions: Vec<Submission>) -> Weight {
	let origin = RuntimeOrigin::signed(hot(number));
	let result = Inference::submit(origin, submissions.try_into().unwrap());
	let info = result.unwrap_or_else(|error| error.post_info);
	info.actual_weight.expect("what it cost is known")
}

#[test]
fn submit_should_only_cost_what_happened_when_it_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let (one, two) = (ask(), ask());
		next_block();
		let commit = <() as WeightInfo>::commit(4);
		let fail = <() as WeightInfo>::fail() + Results::weight();
		let close = <() as WeightInfo>::close_commitments(4) + fail;
		let tally = <() as WeightInfo>::tally(4) + fail;
		let reveal = <() as WeightInfo>::reveal(4, output().len() as u32);
		let both =
			|number: u8| vec![commit_to(one, number, &output()), commit_to(two, number, &output())];
		for number in 1..=3 {
			assert_eq!(cost_of(number, both(number)), commit * 2);
		}
		// The last seat of one request; the other one's still wait.
		assert_eq!(cost_of(4, vec![commit_to(one, 4, &output())]), commit + close);
		for number in 1..=3 {
			assert_eq!(cost_of(number, vec![reveal_of(one, number, &output())]), reveal);
		}
		assert_eq!(cost_of(4, vec![reveal_of(one, 4, &output())]), reveal + tally);
		assert!(matches!(state(one), RequestState::Agreed { .. }));
	});
}

#[test]
fn submit_should_cost_what_was_looked_at_when_it_is_refused() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		let nothing = <() as WeightInfo>::commit(0);
		let unknown = Submission { request: id + 1, ..commit_to(id, 1, &output()) };
		assert_eq!(cost_of(1, vec![unknown]), nothing);
		assert_eq!(cost_of(1, vec![]), nothing);
		assert_eq!(cost_of(30, vec![commit_to(id, 1, &output())]), nothing);
		let early = vec![reveal_of(id, 1, &output())];
		assert_eq!(cost_of(1, early), <() as WeightInfo>::reveal(4, output().len() as u32));
	});
}
