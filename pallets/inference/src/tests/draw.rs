//! Drawing a committee.

use super::*;

fn operators(id: RequestId) -> Vec<AccountId> {
	state(id)
		.committee()
		.unwrap()
		.iter()
		.map(|seat| seat.operator.clone())
		.collect()
}

#[test]
fn committee_should_be_drawn_in_a_later_block_than_the_request() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		let mut meter = WeightMeter::with_limit(Weight::MAX);
		<Inference as OnPoll<u64>>::on_poll(System::block_number(), &mut meter);
		assert_eq!(state(id), RequestState::Queued { since: 1 });
		assert_noop!(advance(id), Error::<Test>::NotDue);

		next_block();
		assert_eq!(operators(id), [1, 2, 3, 4].map(account));
		assert_eq!(statuses(id), [SeatStatus::Assigned; 4]);
		let RequestState::Committing { until, .. } = state(id) else { panic!("a committee") };
		assert_eq!(until, 2 + 5);
		assert_eq!(Obligations::get().values().sum::<u32>(), 4);
	});
}

#[test]
fn seed_should_differ_when_randomness_request_or_attempt_differs() {
	ExtBuilder::default().build_and_execute(|| {
		let random = H256::repeat_byte;
		let seed = Inference::seed(random(7), 1, 0);
		assert_ne!(seed, Inference::seed(random(7), 2, 0));
		assert_ne!(seed, Inference::seed(random(7), 1, 1));
		assert_ne!(seed, Inference::seed(random(8), 1, 0));
	});
}

#[test]
fn draw_should_use_the_randomness_of_the_block_of_the_draw() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		Random::set(H256::repeat_byte(9));
		next_block();
		assert_eq!(Seeds::get(), vec![Inference::seed(H256::repeat_byte(9), id, 0)]);
	});
}

#[test]
fn draw_should_leave_out_the_operator_who_asks() {
	ExtBuilder::default().build_and_execute(|| {
		for requester in [account(2), hot(2)] {
			let _ = Balances::force_set_balance(RuntimeOrigin::root(), requester.clone(), 10_000);
			let id = NextRequestId::<Test>::get();
			let origin = RuntimeOrigin::signed(requester.clone());
			assert_ok!(Inference::request(origin, MODEL, None, input().into_inner(), PRICE));
			next_block();
			assert_eq!(operators(id), [1, 3, 4, 5].map(account));
			// Made by this test, not by the pallet.
			let fee = held(&requester);
			assert_eq!(fee, PRICE);
		}
		// The two balances that the test made.
		pallet_balances::TotalIssuance::<Test>::mutate(|all| *all -= 20_000);
	});
}

#[test]
fn request_should_fail_and_be_refunded_when_there_are_fewer_operators_than_seats() {
	ExtBuilder::default().operators(&[1, 2, 3]).build_and_execute(|| {
		let id = ask();
		next_block();
		let reason = FailureReason::NoWorkers;
		assert_eq!(state(id), RequestState::Failed { reason, at: 2 });
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000));
		assert!(Obligations::get().is_empty());
		assert!(events().contains(&Event::Failed { request: id, reason }));
	});
}

#[test]
fn request_should_fail_and_be_refunded_when_its_version_may_not_answer_any_more_at_the_draw() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		Answering::set(false);
		next_block();
		let reason = FailureReason::VersionNotServed;
		assert_eq!(state(id), RequestState::Failed { reason, at: 2 });
		assert_eq!(free(&requester()), 100_000);
	});
}

#[test]
fn request_should_wait_for_randomness_that_is_younger_than_itself() {
	ExtBuilder::default().build_and_execute(|| {
		go_to(5);
		let id = ask();
		// Several blocks share one seed, which was known when the request was made; or an older one.
		for known_since in [5, 4, 0] {
			KnownSince::set(Some(known_since));
			next_block();
			assert_eq!(state(id), RequestState::Queued { since: 5 });
			assert_noop!(advance(id), Error::<Test>::NotDue);
		}
		KnownSince::set(Some(6));
		Random::set(H256::repeat_byte(9));
		next_block();
		assert!(matches!(state(id), RequestState::Committing { until: 14, .. }));
		assert_eq!(Seeds::get(), vec![Inference::seed(H256::repeat_byte(9), id, 0)]);
	});
}

#[test]
fn waiting_request_should_cost_nothing_until_there_is_younger_randomness() {
	ExtBuilder::default().build_and_execute(|| {
		let consumed = || {
			let now = System::block_number() + 1;
			System::set_block_number(now);
			let mut meter = WeightMeter::with_limit(Weight::MAX);
			<Inference as OnPoll<u64>>::on_poll(now, &mut meter);
			meter.consumed()
		};
		KnownSince::set(Some(1));
		consumed();
		let without = consumed();
		for _ in 0..50 {
			ask();
		}
		assert_eq!(consumed(), without);
		KnownSince::set(Some(4));
		assert!(consumed().all_gt(without));
		assert!(Requests::<Test>::iter_values()
			.all(|request| matches!(request.state, RequestState::Committing { .. })));
	});
}

#[test]
fn second_committee_should_wait_for_randomness_that_is_younger_than_the_first_ones_failure() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		KnownSince::set(Some(8));
		go_to(8);
		assert_eq!(state(id), RequestState::Queued { since: 8 });
		// Younger than the request, and not than the attempt that failed.
		next_block();
		assert_eq!(state(id), RequestState::Queued { since: 8 });
		KnownSince::set(Some(9));
		next_block();
		assert!(matches!(state(id), RequestState::Committing { .. }));
		assert_eq!(attempt(id), 2);
	});
}

#[test]
fn request_should_fail_and_be_refunded_when_no_younger_randomness_comes_in_time() {
	ExtBuilder::default().build_and_execute(|| {
		KnownSince::set(Some(1));
		let id = ask();
		go_to(1 + 20);
		assert_eq!(state(id), RequestState::Queued { since: 1 });
		assert_noop!(advance(id), Error::<Test>::NotDue);
		next_block();
		let reason = FailureReason::NoRandomness;
		assert_eq!(state(id), RequestState::Failed { reason, at: 22 });
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000));
		assert_eq!(Queue::<Test>::iter().count(), 0);
		assert!(events().contains(&Event::Failed { request: id, reason }));
		// Too late for it, and in time for others.
		KnownSince::set(Some(23));
		let other = ask();
		next_block();
		assert_eq!(state(id), RequestState::Failed { reason, at: 22 });
		assert!(matches!(state(other), RequestState::Committing { .. }));
	});
}

#[test]
fn request_should_be_drawn_in_the_last_block_of_its_time_and_not_later() {
	for (block, drawn) in [(21, true), (22, false)] {
		ExtBuilder::default().build_and_execute(|| {
			let id = ask();
			// Nothing was served meanwhile.
			System::set_block_number(block - 1);
			next_block();
			assert_eq!(matches!(state(id), RequestState::Committing { .. }), drawn);
			assert_eq!(matches!(state(id), RequestState::Failed { .. }), !drawn);
		});
	}
}

#[test]
fn request_that_ran_out_of_time_should_be_failed_by_anyone_when_the_hook_has_no_weight() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		System::set_block_number(21);
		assert_noop!(advance(id), Error::<Test>::NotDue);
		System::set_block_number(22);
		assert_ok!(advance(id));
		let reason = FailureReason::NoRandomness;
		assert_eq!(state(id), RequestState::Failed { reason, at: 22 });
		assert_eq!(free(&requester()), 100_000);
	});
}

/// A meter that leaves weight for this many draws in a block of `blocks` with waiting requests.
fn meter_for(draws: u64, blocks: u64) -> WeightMeter {
	let step = <() as WeightInfo>::serve_block();
	let draw = <() as WeightInfo>::draw(4).max(<() as WeightInfo>::fail());
	// A quarter is for draws.
	let limit = (draw * draws + step * blocks) * 4 + step * 2;
	WeightMeter::with_limit(limit + Weight::from_parts(8, 8))
}

#[test]
fn leftover_requests_should_wait_for_newer_randomness_than_what_they_were_left_over_with() {
	ExtBuilder::default().build_and_execute(|| {
		let ids: Vec<_> = (0..3).map(|_| ask()).collect();
		let left = || {
			let queued = |id: &&RequestId| matches!(state(**id), RequestState::Queued { .. });
			ids.iter().filter(queued).count()
		};
		let block = |block, draws| {
			System::set_block_number(block);
			<Inference as OnPoll<u64>>::on_poll(block, &mut meter_for(draws, 1));
			check();
			left()
		};
		KnownSince::set(Some(2));
		assert_eq!(block(2, 1), 2, "no weight for more");
		// With a seed that everybody has seen, stake could be moved to suit it.
		assert_eq!(block(3, 9), 2);
		KnownSince::set(Some(3));
		assert_eq!(block(4, 9), 0);
	});
}

#[test]
fn deadlines_should_be_served_when_there_are_more_draws_than_weight() {
	ExtBuilder::default().build_and_execute(|| {
		let first = ask_and_draw();
		go_to(7);
		for _ in 0..50 {
			ask();
		}
		System::set_block_number(8);
		<Inference as OnPoll<u64>>::on_poll(8, &mut meter_for(5, 7));
		let drawn = Requests::<Test>::iter_values()
			.filter(|request| matches!(request.state, RequestState::Committing { .. }))
			.count();
		assert!((1..50).contains(&drawn), "{drawn} draws");
		assert_eq!(state(first), RequestState::Queued { since: 8 }, "nobody committed in time");
	});
}
