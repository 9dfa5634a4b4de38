//! Reveals.

use super::*;

/// A request whose four seats have committed to the right output.
fn committed() -> RequestId {
	let id = ask_and_draw();
	(1..=4).for_each(|number| commit(id, number, &output()));
	id
}

#[test]
fn request_should_be_agreed_as_soon_as_every_commitment_is_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		(1..=3).for_each(|number| reveal(id, number, &output()));
		assert!(matches!(state(id), RequestState::Revealing { .. }));
		reveal(id, 4, &output());
		let outcome = outcome_hash(&output());
		assert!(matches!(
			state(id),
			RequestState::Agreed { outcome: agreed, until: 5, .. } if agreed == outcome
		));
		assert_eq!(AgreedAt::<Test>::get(id), Some(2));
		assert_eq!(Outputs::<Test>::get(id, outcome), Some(output()));
		assert!(events().contains(&Event::Agreed { request: id, outcome, votes: 4 }));
	});
}

#[test]
fn reveal_should_be_refused_when_it_is_a_copy() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=3).for_each(|number| commit(id, number, &output()));
		// Seat 4 copies the commitment of seat 1, and then its reveal.
		assert_ok!(submit(4, commit_to(id, 1, &output())));
		reveal(id, 1, &output());
		assert_noop!(submit(4, reveal_of(id, 1, &output())), Error::<Test>::CommitmentMismatch);
	});
}

#[test]
fn reveal_should_be_refused_when_the_signer_has_another_seat() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		assert_noop!(submit(2, reveal_of(id, 1, &output())), Error::<Test>::CommitmentMismatch);
		assert_noop!(submit(5, reveal_of(id, 1, &output())), Error::<Test>::NotYourSeat);
	});
}

#[test]
fn reveal_should_be_refused_when_the_outcome_is_not_what_was_committed_to() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		assert_noop!(
			submit(1, reveal_of(id, 1, &wrong_output())),
			Error::<Test>::CommitmentMismatch
		);
	});
}

#[test]
fn reveal_should_be_refused_before_every_seat_has_committed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		commit(id, 1, &output());
		assert_noop!(submit(1, reveal_of(id, 1, &output())), Error::<Test>::NotRevealing);
	});
}

#[test]
fn reveal_should_be_refused_after_the_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		let RequestState::Revealing { until, .. } = state(id) else { panic!("revealing") };
		go_to(until);
		reveal(id, 1, &output());
		System::set_block_number(until + 1);
		assert_noop!(submit(2, reveal_of(id, 2, &output())), Error::<Test>::NotRevealing);
	});
}

#[test]
fn reveal_should_be_refused_the_second_time() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		reveal(id, 1, &output());
		assert_noop!(submit(1, reveal_of(id, 1, &output())), Error::<Test>::NothingToReveal);
	});
}

#[test]
fn first_reveal_should_carry_the_output_and_others_need_not() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		let bare = |number| {
			let (outcome, salt) = (outcome_hash(&output()), salt(number));
			let statement = Statement::Reveal { outcome, salt, output: None };
			Submission { request: id, attempt: attempt(id), statement }
		};
		assert_noop!(submit(1, bare(1)), Error::<Test>::OutputMissing);
		reveal(id, 2, &output());
		assert_ok!(submit(1, bare(1)));
	});
}

#[test]
fn reveal_should_be_refused_when_the_output_is_not_the_one_committed_to() {
	ExtBuilder::default().build_and_execute(|| {
		let id = committed();
		let (outcome, salt) = (outcome_hash(&output()), salt(1));
		let statement = Statement::Reveal { outcome, salt, output: Some(wrong_output()) };
		let submission = Submission { request: id, attempt: attempt(id), statement };
		assert_noop!(submit(1, submission), Error::<Test>::OutputMismatch);
	});
}

#[test]
fn reveal_should_be_refused_when_the_output_has_another_length() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		let long: Output = floats(&[1.0, 2.0, 3.0]).try_into().unwrap();
		(1..=4).for_each(|number| commit(id, number, &long));
		assert_noop!(submit(1, reveal_of(id, 1, &long)), Error::<Test>::WrongOutputLength);
	});
}
