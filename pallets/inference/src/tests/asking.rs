//! Asking for another pallet, and telling it how requests end.

use super::*;
use sp_runtime::DispatchError;

fn ask_as(requester: AccountId, max_fee: Balance) -> Result<RequestId, DispatchError> {
	<Inference as Ask>::ask(&requester, VERSION, input(), max_fee)
}

/// Has a committee of 1 to 4 say the same.
fn answer(id: RequestId) {
	(1..=4).for_each(|number| commit(id, number, &output()));
	(1..=4).for_each(|number| reveal(id, number, &output()));
}

#[test]
fn ask_should_hold_the_fee_and_pin_the_version_when_it_is_not_in_use() {
	ExtBuilder::default().build_and_execute(|| {
		Served::set(false);
		let id = ask_as(requester(), PRICE).unwrap();
		let request = Requests::<Test>::get(id).unwrap();
		assert_eq!((request.requester, request.version), (requester(), VERSION));
		assert_eq!((request.fee, held(&requester())), (PRICE, PRICE));
		next_block();
		answer(id);
		go_to(10);
		assert!(matches!(state(id), RequestState::Finalized { .. }));
		assert_eq!(Told::get(), vec![(id, Some(output().into_inner()))]);
	});
}

#[test]
fn ask_should_be_refused_when_the_version_may_not_answer() {
	ExtBuilder::default().build_and_execute(|| {
		Answering::set(false);
		assert_noop!(ask_as(requester(), PRICE), Error::<Test>::VersionNotServed);
	});
}

#[test]
fn ask_should_be_refused_when_the_question_is_not_one_or_costs_too_much() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(ask_as(requester(), PRICE - 1), Error::<Test>::PriceAboveMaxFee);
		assert_noop!(ask_as(account(60), PRICE), sp_runtime::TokenError::FundsUnavailable);
		let wrong = Input::try_from(floats(&[1.0])).unwrap();
		let result = <Inference as Ask>::ask(&requester(), VERSION, wrong, PRICE);
		assert_noop!(result, Error::<Test>::WrongInputLength);
	});
}

#[test]
fn request_should_finish_when_its_version_is_taken_down_after_the_draw() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		Served::set(false);
		Answering::set(false);
		answer(id);
		go_to(10);
		assert!(matches!(state(id), RequestState::Finalized { .. }));
		assert_eq!(free(&account(1)), 200);
	});
}

#[test]
fn request_should_be_given_to_no_other_committee_when_its_version_is_taken_down() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		Answering::set(false);
		// Nobody commits.
		go_to(9);
		let RequestState::Failed { reason, .. } = state(id) else { panic!("failed") };
		assert_eq!(reason, FailureReason::VersionNotServed);
		assert_eq!((free(&requester()), held(&requester())), (100_000, 0));
		assert_eq!(Told::get(), vec![(id, None)]);
	});
}

#[test]
fn end_of_a_request_should_be_weighed_with_telling_it() {
	ExtBuilder::default().build_and_execute(|| {
		let told = |weight: Weight| weight + Results::weight();
		let id = ask();
		let due = Inference::due(&state(id));
		assert_eq!(Inference::weight_of_transition(id, due), told(<()>::fail()));
		next_block();
		let closed = <()>::close_commitments(4) + told(<()>::fail());
		let due = Inference::due(&state(id));
		assert_eq!(Inference::weight_of_transition(id, due), closed);
		(1..=4).for_each(|number| commit(id, number, &output()));
		let due = Inference::due(&state(id));
		let tallied = <()>::tally(4) + told(<()>::fail());
		assert_eq!(Inference::weight_of_transition(id, due), tallied);
		(1..=4).for_each(|number| reveal(id, number, &output()));
		let due = Inference::due(&state(id));
		let last = <()>::begin_audit(4) + told(<()>::finalize(4));
		assert_eq!(Inference::weight_of_transition(id, due), last);
	});
}
