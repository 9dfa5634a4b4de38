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
		assert_noop!(
			Inference::advance(RuntimeOrigin::signed(account(51)), id),
			Error::<Test>::NotDue
		);

		next_block();
		assert_eq!(operators(id), [1, 2, 3, 4].map(account));
		assert_eq!(statuses(id), [SeatStatus::Assigned; 4]);
		let RequestState::Committing { until, .. } = state(id) else { panic!("a committee") };
		assert_eq!(until, 2 + 5);
		assert_eq!(Obligations::get().values().sum::<u32>(), 4);
	});
}

#[test]
fn seed_should_differ_when_block_request_or_attempt_differs() {
	ExtBuilder::default().build_and_execute(|| {
		let seed = Inference::seed(1, 0);
		assert_ne!(seed, Inference::seed(2, 0));
		assert_ne!(seed, Inference::seed(1, 1));
		Random::set(H256::repeat_byte(8));
		assert_ne!(seed, Inference::seed(1, 0));
	});
}

#[test]
fn draw_should_use_the_randomness_of_the_block_of_the_draw() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		Random::set(H256::repeat_byte(9));
		next_block();
		assert_eq!(Seeds::get(), vec![Inference::seed(id, 0)]);
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
fn request_should_fail_and_be_refunded_when_its_version_is_revoked_before_the_draw() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		Served::set(false);
		next_block();
		let reason = FailureReason::VersionRevoked;
		assert_eq!(state(id), RequestState::Failed { reason, at: 2 });
		assert_eq!(free(&requester()), 100_000);
	});
}
