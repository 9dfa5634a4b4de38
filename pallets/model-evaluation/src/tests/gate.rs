//! What whoever approves versions is told.

use crate::{mock::*, Admissions, Error, Evaluations};
use dodona_primitives_inference::Stage;
use dodona_primitives_models::{UpgradeGate, VersionId};
use frame_support::{assert_noop, assert_ok};

const ACTIVE: VersionId = VersionId { model: MODEL, number: 1 };

/// Measures `VERSION` with 20 samples: so many of them are right of it and of the one in use.
fn measured(candidate: u32, active: u32, test: impl FnOnce()) {
	let builder = ExtBuilder::default().admitted(&[VERSION]).hold_out(40, 20);
	builder.build_and_execute(|| {
		let all = samples(0, 40);
		for places in [0..8, 8..16, 16..20] {
			assert_ok!(evaluate(VERSION, &all, places));
		}
		answer_all(candidate, active);
		test();
	});
}

#[test]
fn version_should_be_better_when_it_is_ahead_by_the_margin() {
	// The margin is a tenth.
	for (candidate, active) in [(12, 10), (2, 0), (20, 18), (20, 0)] {
		measured(candidate, active, || {
			assert_ok!(ModelEvaluation::ensure_better(VERSION, ACTIVE));
		});
	}
}

#[test]
fn version_should_not_be_better_when_it_is_ahead_by_less_than_the_margin() {
	for (candidate, active) in [(11, 10), (10, 10), (9, 10), (0, 0), (1, 0), (20, 19), (0, 20)] {
		measured(candidate, active, || {
			let result = ModelEvaluation::ensure_better(VERSION, ACTIVE);
			assert_noop!(result, Error::<Test>::NotBetter);
		});
	}
}

#[test]
fn score_should_be_stale_when_another_version_is_in_use_or_the_set_is_replaced() {
	measured(20, 0, || {
		let result = ModelEvaluation::ensure_better(VERSION, VersionId { number: 2, ..ACTIVE });
		assert_noop!(result, Error::<Test>::StaleScore);
		let result = ModelEvaluation::ensure_better(VERSION, VersionId { model: 9, ..ACTIVE });
		assert_noop!(result, Error::<Test>::StaleScore);
		assert_ok!(ModelEvaluation::ensure_better(VERSION, ACTIVE));
		// Even by the same one.
		set_hold_out(&samples(0, 40), 20);
		let result = ModelEvaluation::ensure_better(VERSION, ACTIVE);
		assert_noop!(result, Error::<Test>::StaleScore);
	});
}

#[test]
fn score_should_be_stale_when_a_version_became_active_since() {
	measured(20, 0, || {
		let used = ModelEvaluation::hold_out(MODEL).unwrap().used;
		ModelEvaluation::activated(VersionId { number: 2, ..ACTIVE });
		// The one that it was compared with is active again: it may have been beaten meanwhile.
		ModelEvaluation::activated(ACTIVE);
		let result = ModelEvaluation::ensure_better(VERSION, ACTIVE);
		assert_noop!(result, Error::<Test>::StaleScore);
		assert_eq!(ModelEvaluation::hold_out(MODEL).unwrap().used, used);
	});
}

#[test]
fn set_should_be_used_up_when_the_model_goes_over_to_the_commons() {
	measured(20, 0, || {
		ModelEvaluation::donated(MODEL);
		let result = ModelEvaluation::ensure_better(VERSION, ACTIVE);
		assert_noop!(result, Error::<Test>::StaleScore);
		let next = evaluate(VERSION, &samples(0, 40), 20..21);
		assert_noop!(next, Error::<Test>::HoldOutExhausted);
	});
}

#[test]
fn version_should_not_be_better_when_it_is_not_measured() {
	ExtBuilder::default().admitted(&[VERSION]).build_and_execute(|| {
		let better = || ModelEvaluation::ensure_better(VERSION, ACTIVE);
		assert_noop!(better(), Error::<Test>::NoHoldOut);
		set_hold_out(&samples(0, 4), 2);
		assert_noop!(better(), Error::<Test>::NotEvaluated);
		assert_ok!(evaluate(VERSION, &samples(0, 4), 0..1));
		answer_all(1, 0);
		assert_noop!(better(), Error::<Test>::NotEvaluated);
		assert_ok!(evaluate(VERSION, &samples(0, 4), 1..2));
		fail(2);
		assert_noop!(better(), Error::<Test>::NotEvaluated);
	});
}

#[test]
fn close_should_keep_what_was_found_out_when_the_version_is_approved() {
	measured(20, 0, || {
		ModelEvaluation::close(VERSION, true);
		assert!(matches!(evaluation(VERSION).stage, Stage::Scored { .. }));
		assert_ok!(ModelEvaluation::ensure_admitted(VERSION));
		// Once its record is gone, nothing is left.
		ModelEvaluation::close(VERSION, false);
		assert_eq!(Evaluations::<Test>::iter().count(), 0);
		assert_eq!(Admissions::<Test>::iter().count(), 0);
	});
}

#[test]
fn close_should_keep_no_evaluation_that_has_not_ended() {
	ExtBuilder::default().admitted(&[VERSION]).hold_out(4, 2).build_and_execute(|| {
		assert_ok!(evaluate(VERSION, &samples(0, 4), 0..1));
		Proposed::set(vec![]);
		ModelEvaluation::close(VERSION, true);
		assert_eq!(Evaluations::<Test>::iter().count(), 0);
		answer_all(1, 1);
		assert_eq!(Evaluations::<Test>::iter().count(), 0);
	});
}

#[test]
fn forget_should_leave_no_hold_out_set() {
	ExtBuilder::default().hold_out(4, 2).build_and_execute(|| {
		ModelEvaluation::forget(ACTIVE.model + 1);
		assert!(ModelEvaluation::hold_out(ACTIVE.model).is_some());
		ModelEvaluation::forget(ACTIVE.model);
		assert!(ModelEvaluation::hold_out(ACTIVE.model).is_none());
	});
}

#[test]
fn close_should_do_nothing_when_nothing_is_known_of_the_version() {
	measured(20, 0, || {
		ModelEvaluation::close(OTHER, false);
		ModelEvaluation::close(OTHER, true);
		assert_ok!(ModelEvaluation::ensure_better(VERSION, ACTIVE));
	});
}
