//! Small models: the runtime runs them itself.

use super::{toy::Trace, *};

pub(super) fn adjudicate(id: RequestId, weights: Vec<u8>) -> DispatchResult {
	let declared = Inference::weight_of_any_adjudication(weights.len() as u32);
	let result = Inference::adjudicate(RuntimeOrigin::signed(account(53)), id, weights);
	let info = result.unwrap_or_else(|error| error.post_info);
	let used = info.actual_weight.expect("what it cost is known");
	assert!(used.all_lte(declared), "{used:?} of {declared:?}");
	result.map(|_| ()).map_err(|error| error.error)
}

#[test]
fn adjudication_should_end_a_dispute_in_the_same_block() {
	ExtBuilder::default().build_and_execute(|| {
		let wrong = wrong_output();
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), output()]);
		let now = System::block_number();
		assert_ok!(adjudicate(id, weights()));
		assert_eq!(System::block_number(), now);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Punished::get().len(), 3);
		assert_eq!(Disputes::<Test>::iter().count(), 0);
		let answer = Some(outcome_hash(&output()));
		assert!(events().contains(&Event::Adjudicated { request: id, answer }));
		assert_noop!(adjudicate(id, weights()), Error::<Test>::NotDisputed);
	});
}

#[test]
fn challenger_should_win_against_a_unanimous_committee() {
	ExtBuilder::default().build_and_execute(|| {
		let wrong = wrong_output();
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		assert_ok!(challenge(51, id, Some(output())));
		assert_ok!(adjudicate(id, weights()));
		assert_eq!(free(&account(51)), 100_000 + 800);
		assert_eq!(Reporters::get().len(), 4);
	});
}

#[test]
fn right_answer_should_be_the_result_when_nobody_has_claimed_it() {
	ExtBuilder::default().build_and_execute(|| {
		let wrong = wrong_output();
		let id = revealed(&[wrong.clone(), wrong.clone(), wrong.clone(), wrong]);
		assert_ok!(challenge(51, id, None));
		assert_ok!(adjudicate(id, weights()));
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Outputs::<Test>::get(id, outcome_hash(&output())), Some(output()));
		// The seats' part goes back. Of the bond a part is for whoever had it computed.
		assert_eq!(free(&requester()), 100_000 - PRICE + 800);
		assert_eq!(free(&account(51)), 100_000 - BOND);
		assert_eq!(free(&account(53)), 100_000 + 200);
		assert_eq!(free(&treasury()), 1 + 300 + 50);
		assert_eq!(Reporters::get()[0], (account(1), account(53)));
	});
}

#[test]
fn claims_that_wait_should_be_decided_as_well() {
	ExtBuilder::default().build_and_execute(|| {
		let id = revealed(&[output(), output(), output(), wrong_output()]);
		assert_ok!(challenge(51, id, None));
		assert_ok!(toy::open(hot(1), id, 0, &Trace::bogus(3)));
		assert_ok!(challenge(52, id, Some(output())));
		assert_ok!(adjudicate(id, weights()));
		assert_eq!((bonded(51), free(&account(51))), (0, 100_000 - BOND));
		assert_eq!((bonded(52), free(&account(52))), (0, 100_000));
		assert_eq!(Punished::get().len(), 1);
	});
}

#[test]
fn adjudication_should_be_refused_when_it_can_not_be_done() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(adjudicate(0, weights()), Error::<Test>::UnknownRequest);
		let id = revealed(&[output(), output(), output(), wrong_output()]);
		assert_noop!(adjudicate(id, weights_with(1.0)), Error::<Test>::WrongWeights);
		assert_noop!(adjudicate(id, vec![]), Error::<Test>::WrongWeights);
		// Four multiply-accumulates, and two layers.
		MaxAdjudicationWork::set(2_003);
		assert_noop!(adjudicate(id, weights()), Error::<Test>::TooLargeToRun);
		MaxAdjudicationWork::set(2_004);
		Decides::set(false);
		assert_noop!(adjudicate(id, weights()), Error::<Test>::NotDecidable);
		Decides::set(true);
		assert_ok!(adjudicate(id, weights()));
	});
}
