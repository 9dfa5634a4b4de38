//! What a model's versions are measured by.

use crate::{mock::*, Error, Event, HoldOuts};
use dodona_primitives_inference::{HoldOut, Metric, MAX_EVALUATED, MAX_SAMPLES};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, DispatchResult, Perbill};

const ROOT: H256 = H256::repeat_byte(1);
const MARGIN: Perbill = Perbill::from_percent(3);

fn set(who: AccountId, samples: u32, per_evaluation: u32) -> DispatchResult {
	let metric = Metric::TokenAccuracy;
	let who = signed(who);
	ModelEvaluation::set_hold_out(
		who,
		MODEL,
		ROOT,
		samples,
		metric,
		per_evaluation,
		MARGIN,
		REVEALER,
	)
}

#[test]
fn set_hold_out_should_commit_to_the_samples() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(ModelEvaluation::hold_out(MODEL), None);
		assert_ok!(set(OWNER, 100, 10));
		let (root, metric, margin) = (ROOT, Metric::TokenAccuracy, MARGIN);
		let (samples, per_evaluation) = (100, 10);
		let expected = HoldOut { root, samples, metric, per_evaluation, margin, used: 0 };
		assert_eq!(hold_out(), expected);
		let (model, revealer) = (MODEL, REVEALER);
		assert_eq!(HoldOuts::<Test>::get(model).unwrap().revealer, revealer);
		let expected =
			Event::HoldOutSet { model, root, samples, metric, per_evaluation, margin, revealer };
		assert_eq!(events(), vec![expected]);
	});
}

#[test]
fn set_hold_out_should_begin_at_the_first_sample_when_it_replaces_a_set() {
	let builder = ExtBuilder::default().admitted(&[VERSION]).hold_out(8, 4);
	builder.build_and_execute(|| {
		let number = || HoldOuts::<Test>::get(MODEL).unwrap().number;
		assert_ok!(evaluate(VERSION, &samples(0, 8), 0..2));
		assert_eq!((hold_out().used, number()), (2, 1));
		assert_ok!(set(OWNER, 100, 10));
		assert_eq!((hold_out().used, number()), (0, 2));
	});
}

#[test]
fn samples_should_stay_used_up_when_the_same_set_is_committed_to_again() {
	let builder = ExtBuilder::default().admitted(&[VERSION]).hold_out(8, 4);
	builder.build_and_execute(|| {
		let all = samples(0, 8);
		assert_ok!(evaluate(VERSION, &all, 0..2));
		set_hold_out_of(ANYONE, &all, 2);
		assert_eq!((hold_out().used, hold_out().per_evaluation), (2, 2));
		let set = HoldOuts::<Test>::get(MODEL).unwrap();
		assert_eq!((set.number, set.revealer), (2, ANYONE));
		let first = evaluate_as(ANYONE, VERSION, &all, 0..2);
		assert_noop!(first, Error::<Test>::WrongSample);
		assert_ok!(evaluate_as(ANYONE, VERSION, &all, 2..4));
		assert_eq!(evaluation(VERSION).first, 2);
	});
}

#[test]
fn set_hold_out_should_be_refused_when_the_signer_does_not_govern_the_model() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(set(ANYONE, 100, 10), DispatchError::BadOrigin);
	});
}

#[test]
fn set_hold_out_should_be_refused_when_there_are_too_few_or_too_many_samples() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(set(OWNER, 0, 1), Error::<Test>::InvalidSamples);
		assert_noop!(set(OWNER, MAX_SAMPLES + 1, 1), Error::<Test>::InvalidSamples);
		assert_ok!(set(OWNER, MAX_SAMPLES, 1));
		assert_ok!(set(OWNER, 1, 1));
	});
}

#[test]
fn set_hold_out_should_be_refused_when_an_evaluation_takes_none_or_too_many() {
	ExtBuilder::default().build_and_execute(|| {
		for (samples, per_evaluation) in [(10, 0), (10, 11), (100, MAX_EVALUATED + 1)] {
			let result = set(OWNER, samples, per_evaluation);
			assert_noop!(result, Error::<Test>::InvalidPerEvaluation);
		}
		assert_ok!(set(OWNER, 10, 10));
		assert_ok!(set(OWNER, 100, MAX_EVALUATED));
	});
}
