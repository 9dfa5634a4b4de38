//! Silence: every state ends, and whoever paid for nothing is refunded.

use super::*;

#[test]
fn silent_seats_should_be_punished_when_the_others_are_a_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=3).for_each(|number| commit(id, number, &output()));
		go_to(8);
		assert!(matches!(state(id), RequestState::Revealing { .. }));
		assert_eq!(Punished::get(), vec![(account(4), Offence::NoShow, NoShowPenalty::get())]);
		assert_eq!(Obligations::get()[&account(4)], 0);
		(1..=3).for_each(|number| reveal(id, number, &output()));
		assert!(matches!(state(id), RequestState::Agreed { .. }));
		go_to(20);
		// The silent seat's part went back.
		assert_eq!(free(&requester()), 100_000 - 800);
	});
}

#[test]
fn seat_should_be_punished_harder_when_it_commits_and_does_not_reveal() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=4).for_each(|number| commit(id, number, &output()));
		(1..=3).for_each(|number| reveal(id, number, &output()));
		let RequestState::Revealing { until, .. } = state(id) else { panic!("revealing") };
		go_to(until + 1);
		assert!(matches!(state(id), RequestState::Agreed { .. }));
		assert_eq!(
			Punished::get(),
			vec![(account(4), Offence::Unrevealed, UnrevealedPenalty::get())]
		);
		assert!(UnrevealedPenalty::get() > NoShowPenalty::get());
	});
}

#[test]
fn unrevealed_seat_should_not_be_counted_for_the_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=4).for_each(|number| commit(id, number, &output()));
		(1..=2).for_each(|number| reveal(id, number, &output()));
		let RequestState::Revealing { until, .. } = state(id) else { panic!("revealing") };
		go_to(until + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert_eq!(Punished::get().len(), 2);
	});
}

#[test]
fn request_should_get_fresh_operators_when_a_committee_was_silent() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=2).for_each(|number| commit(id, number, &output()));
		go_to(8);
		assert_eq!(state(id), RequestState::Queued { since: 8 });
		assert!(events().contains(&Event::AttemptFailed { request: id, attempt: 1 }));
		next_block();
		let state = state(id);
		let drawn: Vec<_> = state.committee().unwrap().iter().map(|seat| &seat.operator).collect();
		assert_eq!(drawn, [1, 2, 5, 6].map(account).iter().collect::<Vec<_>>());
		assert_eq!(attempt(id), 2);
		// A commitment of the first attempt says nothing in the second.
		let stale = Submission { attempt: 1, ..commit_to(id, 1, &output()) };
		assert_noop!(submit(1, stale), Error::<Test>::WrongAttempt);
	});
}

#[test]
fn request_should_fail_and_be_refunded_when_every_attempt_was_in_vain() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		go_to(8);
		assert_eq!(state(id), RequestState::Queued { since: 8 });
		go_to(9 + 5 + 1);
		let reason = FailureReason::NoQuorum;
		assert_eq!(state(id), RequestState::Failed { reason, at: 15 });
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000));
		assert_eq!(Excluded::<Test>::get(id).len(), 0);
	});
}

#[test]
fn nobody_should_be_punished_when_nobody_could_answer() {
	ExtBuilder::default().build_and_execute(|| {
		ask_and_draw();
		go_to(20);
		assert!(Punished::get().is_empty());
	});
}

#[test]
fn nobody_should_be_punished_for_silence_when_no_quorum_could_answer() {
	ExtBuilder::default().build_and_execute(|| {
		// One seat commits to anything at all, while the weights can't be had.
		let id = ask_and_draw();
		commit(id, 1, &wrong_output());
		go_to(8);
		assert_eq!(state(id), RequestState::Queued { since: 8 });
		assert!(Punished::get().is_empty());
	});
}

#[test]
fn advance_should_move_a_request_on_when_the_hook_has_no_weight() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		assert_noop!(advance(id), Error::<Test>::NotDue);
		(1..=3).for_each(|number| commit(id, number, &output()));
		System::set_block_number(8);
		let mut meter = WeightMeter::with_limit(Weight::from_parts(1, 0));
		<Inference as OnPoll<u64>>::on_poll(8, &mut meter);
		assert_eq!(meter.consumed(), Weight::zero());
		assert!(matches!(state(id), RequestState::Committing { .. }));
		assert_ok!(advance(id));
		assert!(matches!(state(id), RequestState::Revealing { .. }));
		assert_noop!(advance(id + 1), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn advance_should_not_draw_a_committee_whatever_randomness_there_is() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		System::set_block_number(2);
		// Whoever signs it knows the seed, and could have moved stake in this very block.
		assert_noop!(advance(id), Error::<Test>::NotDue);
	});
}

#[test]
fn advance_should_only_cost_what_happened_when_it_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		let cost = || {
			let result = Inference::advance(RuntimeOrigin::signed(account(51)), id);
			let info = result.unwrap_or_else(|error| error.post_info);
			info.actual_weight.expect("what it cost is known")
		};
		assert_eq!(cost(), <() as WeightInfo>::serve_block());
		System::set_block_number(8);
		let fail = <() as WeightInfo>::fail() + Results::weight();
		let close = <() as WeightInfo>::close_commitments(4) + fail;
		assert_eq!(cost(), close);
		assert_eq!(state(id), RequestState::Queued { since: 8 });
	});
}

#[test]
fn hook_should_go_on_where_it_stopped_when_its_weight_ran_out() {
	ExtBuilder::default().build_and_execute(|| {
		let ids: Vec<_> = (0..5).map(|_| ask()).collect();
		next_block();
		let committing = || {
			let is = |id: &&RequestId| matches!(state(**id), RequestState::Committing { .. });
			ids.iter().filter(is).count()
		};
		assert_eq!(committing(), 5);
		// No randomness, no draws: only deadlines.
		KnownSince::set(Some(0));
		ServedUpTo::<Test>::put(7);
		// Enough for one transition and its bookkeeping in half of it, and not for two.
		let one = <() as WeightInfo>::close_commitments(4)
			+ <() as WeightInfo>::fail()
			+ <() as WeightInfo>::serve_block() * 3;
		let mut now = 7;
		let mut left = 5;
		while left > 0 {
			now += 1;
			System::set_block_number(now);
			let mut meter = WeightMeter::with_limit(one * 2 + Weight::from_parts(1, 1) * 2);
			<Inference as OnPoll<u64>>::on_poll(now, &mut meter);
			assert!(meter.consumed().all_lte(one));
			let now_left = committing();
			assert!(now_left < left, "some progress in every block");
			assert!(left - now_left <= 1, "no more than the weight allows");
			left = now_left;
			check();
		}
	});
}

#[test]
fn hook_should_catch_up_when_blocks_were_missed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		System::set_block_number(15);
		let mut meter = WeightMeter::with_limit(Weight::MAX);
		<Inference as OnPoll<u64>>::on_poll(15, &mut meter);
		assert!(matches!(state(id), RequestState::Committing { until: 20, .. }));
		assert_eq!((ServedUpTo::<Test>::get(), DrawnUpTo::<Test>::get()), (15, 14));

		System::set_block_number(500);
		<Inference as OnPoll<u64>>::on_poll(500, &mut meter);
		assert_eq!(state(id), RequestState::Queued { since: 500 });
		assert_eq!((ServedUpTo::<Test>::get(), DrawnUpTo::<Test>::get()), (500, 499));
	});
}
