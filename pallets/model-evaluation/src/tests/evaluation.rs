//! How a version does beside the one in use.

use crate::{mock::*, Error, Evaluations, Event, Questions};
use dodona_primitives_inference::{Metric, Stage};
use dodona_primitives_models::UpgradeGate;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, Perbill};

/// A hold-out set of 24 samples, of which an evaluation takes 10; `VERSION` and `OTHER` are
/// admitted.
fn builder() -> ExtBuilder {
	ExtBuilder::default().admitted(&[VERSION, OTHER]).hold_out(24, 10)
}

fn reveal(places: impl IntoIterator<Item = u32>) -> DispatchResult {
	evaluate(VERSION, &samples(0, 24), places)
}

#[test]
fn evaluate_should_ask_both_versions_each_sample() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..2));
		let active = dodona_primitives_models::VersionId { model: MODEL, number: 1 };
		let versions: Vec<_> = asked().into_iter().map(|(_, _, version)| version).collect();
		assert_eq!(versions, vec![VERSION, active, VERSION, active]);
		let samples = samples(0, 24);
		for request in 0..4 {
			let (who, _, input) = Asked::get(request).unwrap();
			assert_eq!((who, &input), (REVEALER, &samples[request as usize / 2].input));
		}
		let evaluation = evaluation(VERSION);
		assert_eq!((evaluation.against, evaluation.first), (1, 0));
		assert_eq!((evaluation.revealed, evaluation.samples, evaluation.pending), (2, 10, 4));
		assert_eq!(evaluation.stage, Stage::Running);
		assert_eq!(hold_out().used, 2);
		let (version, requests) = (VERSION, vec![0, 1, 2, 3]);
		let expected = Event::SamplesRevealed { version, against: 1, first: 0, count: 2, requests };
		assert_eq!(events(), vec![expected]);
	});
}

#[test]
fn version_should_be_scored_when_all_samples_are_revealed_and_answered() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		answer_all(5, 3);
		assert_eq!(evaluation(VERSION).stage, Stage::Running, "two are not revealed");
		assert_ok!(reveal(8..10));
		assert_wasted(Error::<Test>::StillAnswering, || reveal(10..11));
		answer_all(2, 1);
		assert_eq!(evaluation(VERSION).stage, scored(70, 40));
		assert_eq!(hold_out().used, 11);
		let [candidate, active] = [70, 40].map(Perbill::from_percent);
		let (version, samples) = (VERSION, 10);
		let expected = Event::Scored { version, against: 1, candidate, active, samples };
		assert_eq!(events().pop(), Some(expected));
		assert!(open().is_empty());
	});
}

#[test]
fn score_should_not_depend_on_the_order_of_answers_and_count_each_once() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		assert_ok!(reveal(8..10));
		for request in open().into_iter().rev() {
			// The version is right about every second sample, the other one about the first.
			let right = if request % 2 == 0 { request % 4 == 0 } else { request == 1 };
			finalize(request, &output(right));
			finalize(request, &output(true));
			fail(request);
		}
		assert_eq!(evaluation(VERSION).stage, scored(50, 10));
	});
}

#[test]
fn score_should_be_by_the_metric_that_the_set_had_when_it_is_replaced_meanwhile() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		assert_ok!(reveal(8..10));
		assert_ok!(ModelEvaluation::set_hold_out(
			signed(OWNER),
			MODEL,
			root(&samples(9, 10)),
			10,
			Metric::TokenAccuracy,
			10,
			Perbill::zero(),
			REVEALER,
		));
		answer_all(10, 1);
		assert_eq!(evaluation(VERSION).stage, scored(100, 10));
		let active = dodona_primitives_models::VersionId { model: MODEL, number: 1 };
		let result = ModelEvaluation::ensure_better(VERSION, active);
		assert_noop!(result, Error::<Test>::StaleScore);
	});
}

#[test]
fn evaluate_should_be_refused_when_a_sample_is_not_the_next_of_the_set() {
	builder().build_and_execute(|| {
		let result = evaluate(VERSION, &samples(0, 24), [1]);
		assert_noop!(result, Error::<Test>::WrongSample);
		assert_noop!(reveal([0, 0]), Error::<Test>::WrongSample);
		assert_noop!(reveal([0, 2]), Error::<Test>::WrongSample);
		assert_noop!(reveal([1, 0]), Error::<Test>::WrongSample);
		assert!(asked().is_empty(), "nothing is asked when one sample is wrong");
		assert_ok!(reveal([0, 1]));
		assert_noop!(reveal([0]), Error::<Test>::WrongSample);
		assert_noop!(reveal([3]), Error::<Test>::WrongSample);
		assert_ok!(reveal([2]));
	});
}

#[test]
fn evaluate_should_be_refused_when_a_sample_is_of_another_set_or_changed() {
	builder().build_and_execute(|| {
		let result = evaluate(VERSION, &samples(1, 24), [0]);
		assert_noop!(result, Error::<Test>::WrongSample);
		let with = |change: fn(&mut dodona_primitives_inference::RevealedSample)| {
			let mut changed = revealed(&samples(0, 24), 0);
			change(&mut changed);
			let changed = vec![changed].try_into().unwrap();
			ModelEvaluation::evaluate(signed(REVEALER), VERSION, changed, PRICE)
		};
		let wrong = Error::<Test>::WrongSample;
		assert_noop!(with(|it| it.sample.expected[0] ^= 1), wrong);
		assert_noop!(with(|it| it.sample.salt[0] ^= 1), Error::<Test>::WrongSample);
		assert_noop!(with(|it| it.sample.input = question(7)), Error::<Test>::WrongSample);
		assert_noop!(with(|it| it.proof[0].0[0] ^= 1), Error::<Test>::WrongSample);
		assert_noop!(with(|it| assert!(it.proof.pop().is_some())), Error::<Test>::WrongSample);
		assert_ok!(with(|_| ()));
	});
}

#[test]
fn evaluate_should_ask_nobody_when_more_samples_are_revealed_than_it_takes() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		assert_wasted(Error::<Test>::TooManySamples, || reveal(8..11));
		assert_noop!(reveal([]), Error::<Test>::NothingRevealed);
		assert_ok!(reveal(11..13));
		assert_eq!(evaluation(VERSION).revealed, 10);
	});
	let builder = ExtBuilder::default().admitted(&[VERSION]).hold_out(24, 3);
	builder.build_and_execute(|| {
		assert_wasted(Error::<Test>::TooManySamples, || reveal(0..4));
		assert_ok!(reveal(4..7));
	});
}

#[test]
fn evaluate_should_ask_nobody_when_the_version_may_not_be_measured() {
	builder().build_and_execute(|| {
		Proposed::set(vec![OTHER]);
		assert_wasted(Error::<Test>::NotProposed, || reveal(0..1));
	});
	ExtBuilder::default().hold_out(24, 10).build_and_execute(|| {
		assert_wasted(Error::<Test>::NotAdmitted, || reveal(0..1));
		assert_ok!(admit(VERSION));
		assert_wasted(Error::<Test>::NotAdmitted, || reveal(1..2));
		finalize(0, b"another");
		assert_wasted(Error::<Test>::NotAdmitted, || reveal(2..3));
	});
	builder().build_and_execute(|| {
		Active::set(None);
		assert_wasted(Error::<Test>::NoActiveVersion, || reveal(0..1));
	});
}

#[test]
fn evaluate_should_be_refused_when_the_model_has_no_set() {
	ExtBuilder::default().admitted(&[VERSION]).build_and_execute(|| {
		assert_noop!(reveal(0..1), Error::<Test>::NoHoldOut);
	});
}

#[test]
fn evaluate_should_be_refused_when_the_signer_is_not_the_revealer() {
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		for stranger in [OWNER, ANYONE] {
			let stolen = evaluate_as(stranger, OTHER, &all, 0..8);
			assert_noop!(stolen, Error::<Test>::NotTheRevealer);
		}
		assert_ok!(reveal(0..8));
		let stolen = evaluate_as(ANYONE, VERSION, &all, 8..10);
		assert_noop!(stolen, Error::<Test>::NotTheRevealer);
		set_hold_out_of(ANYONE, &samples(1, 24), 10);
		assert_noop!(evaluate(VERSION, &samples(1, 24), 0..8), Error::<Test>::NotTheRevealer);
		assert_ok!(evaluate_as(ANYONE, VERSION, &samples(1, 24), 0..8));
	});
}

#[test]
fn samples_should_be_used_up_when_the_version_is_taken_back_before_they_are_in_a_block() {
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		assert_ok!(reveal(0..4));
		Proposed::set(vec![OTHER]);
		ModelEvaluation::close(VERSION, false);
		assert_wasted(Error::<Test>::NotProposed, || reveal(4..8));
		// What has learnt from them is measured by others.
		assert_noop!(evaluate(OTHER, &all, 4..8), Error::<Test>::WrongSample);
		assert_ok!(evaluate(OTHER, &all, 8..16));
		assert_eq!(evaluation(OTHER).first, 8);
	});
}

#[test]
fn evaluate_should_ask_nothing_and_use_the_samples_up_when_one_request_is_refused() {
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		assert_wasted(TOO_DEAR, || {
			let one = vec![revealed(&all, 0)].try_into().unwrap();
			ModelEvaluation::evaluate(signed(REVEALER), VERSION, one, PRICE - 1)
		});
		set_hold_out_of(POOR, &all, 10);
		assert_wasted(NO_FUNDS, || evaluate_as(POOR, VERSION, &all, 1..2));
		set_hold_out(&all, 10);
		Silent::set(vec![dodona_primitives_models::VersionId { model: MODEL, number: 1 }]);
		assert_wasted(NOT_SERVED, || reveal(2..5));
		assert!(asked().is_empty() && open().is_empty() && hold_out().used == 5);
	});
}

#[test]
fn evaluation_should_begin_again_with_other_samples_when_one_had_no_answer() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		fail(3);
		let (version, request) = (VERSION, 3);
		assert_eq!(events().pop(), Some(Event::EvaluationUnanswered { version, request }));
		assert_eq!(evaluation(VERSION).stage, Stage::Unanswered);
		fail(4);
		let told = |event: &Event<Test>| matches!(event, Event::EvaluationUnanswered { .. });
		assert_eq!(events().iter().filter(|event| told(event)).count(), 1);

		assert_ok!(reveal(8..16));
		assert_ok!(reveal(16..18));
		assert_eq!((evaluation(VERSION).first, evaluation(VERSION).pending), (8, 20));
		// Answers to the evaluation before don't count in this one.
		for request in [0, 1, 2, 5, 6] {
			finalize(request, &output(true));
			assert_eq!(evaluation(VERSION).pending, 20);
		}
		fail(7);
		assert_eq!(evaluation(VERSION).stage, Stage::Running);
		for request in open().into_iter().filter(|request| *request >= 16) {
			finalize(request, &output(request % 2 == 0));
		}
		assert_eq!(evaluation(VERSION).stage, scored(100, 0));
		assert!(!open().is_empty(), "some of the first one's are still out");
		answer_all(0, 10);
		assert_eq!(evaluation(VERSION).stage, scored(100, 0));
	});
}

#[test]
fn version_should_not_be_measured_again_when_it_has_a_score_that_counts() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		assert_ok!(reveal(8..10));
		answer_all(1, 5);
		assert_wasted(Error::<Test>::AlreadyScored, || reveal(10..11));
		// A set of its own makes another one of it, and so does another version in use.
		Active::set(Some(2));
		assert_ok!(reveal(11..19));
		assert_ok!(reveal(19..21));
		answer_all(7, 5);
		assert_eq!((evaluation(VERSION).against, evaluation(VERSION).first), (2, 11));
		assert_eq!(evaluation(VERSION).stage, scored(70, 50));
		set_hold_out(&samples(4, 4), 1);
		assert_ok!(evaluate(VERSION, &samples(4, 4), 0..1));
		answer_all(1, 0);
		assert_eq!(evaluation(VERSION).stage, scored(100, 0));
	});
}

#[test]
fn evaluation_should_begin_again_when_the_version_in_use_is_another_in_the_middle() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..4));
		Active::set(Some(2));
		assert_ok!(reveal(4..12));
		assert_eq!((evaluation(VERSION).against, evaluation(VERSION).first), (2, 4));
		// Answers of the one that was in use before don't count.
		(0..8).for_each(|request| finalize(request, &output(true)));
		assert_ok!(reveal(12..14));
		answer_all(6, 4);
		assert_eq!(evaluation(VERSION).stage, scored(60, 40));
		let asked = asked().into_iter().filter(|(request, ..)| *request >= 8);
		let versions: Vec<u32> = asked.map(|(_, _, version)| version.number).collect();
		assert_eq!(versions, [VERSION.number, 2].repeat(10));
	});
}

#[test]
fn evaluation_should_begin_again_when_the_set_is_replaced_in_the_middle() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..4));
		let other = samples(1, 10);
		set_hold_out(&other, 5);
		assert_noop!(reveal(4..5), Error::<Test>::WrongSample);
		assert_ok!(evaluate(VERSION, &other, 0..5));
		// The first one began at the same place; its answers still don't count.
		(0..8).for_each(|request| finalize(request, &output(true)));
		assert_eq!((evaluation(VERSION).candidate, evaluation(VERSION).pending), (0, 10));
		answer_all(1, 2);
		assert_eq!(evaluation(VERSION).stage, scored(20, 40));
	});
}

#[test]
fn evaluation_that_is_left_should_be_gone_on_with() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..1));
		answer_all(1, 1);
		assert_ok!(reveal(1..9));
		assert_ok!(reveal(9..10));
		answer_all(3, 3);
		assert_eq!(evaluation(VERSION).stage, scored(40, 40));
	});
}

#[test]
fn two_versions_should_never_be_given_the_same_sample() {
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		assert_ok!(evaluate(VERSION, &all, 0..4));
		assert_noop!(evaluate(OTHER, &all, 0..4), Error::<Test>::WrongSample);
		assert_ok!(evaluate(OTHER, &all, 4..12));
		assert_ok!(evaluate(VERSION, &all, 12..18));
		assert_ok!(evaluate(OTHER, &all, 18..20));
		assert_eq!(evaluation(VERSION).revealed, 10);
		assert_eq!(evaluation(OTHER).revealed, 10);
		for (request, _, version) in asked() {
			finalize(request, &output(version == OTHER));
		}
		assert_eq!(evaluation(VERSION).stage, scored(0, 0));
		assert_eq!(evaluation(OTHER).stage, scored(100, 0));
	});
}

#[test]
fn evaluate_should_be_refused_when_not_enough_samples_are_left() {
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		assert_ok!(evaluate(VERSION, &all, 0..8));
		fail(0);
		assert_ok!(evaluate(VERSION, &all, 8..15));
		fail(20);
		// 9 are left, and it takes 10.
		assert_wasted(Error::<Test>::HoldOutExhausted, || evaluate(VERSION, &all, 15..16));
		assert_eq!(hold_out().used, 16);
	});
	// What another version takes in between can be missing in the end.
	builder().build_and_execute(|| {
		let all = samples(0, 24);
		assert_ok!(evaluate(VERSION, &all, 0..8));
		fail(0);
		assert_ok!(evaluate(VERSION, &all, 8..9));
		assert_ok!(evaluate(OTHER, &all, 9..17));
		assert_ok!(evaluate(VERSION, &all, 17..24));
		let padded = samples(0, 25);
		assert_noop!(evaluate(VERSION, &padded, 24..25), Error::<Test>::HoldOutExhausted);
		set_hold_out(&samples(1, 10), 10);
		assert_ok!(evaluate(VERSION, &samples(1, 10), 0..8));
	});
}

#[test]
fn answers_should_be_dropped_when_the_version_is_gone() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..4));
		finalize(0, &output(true));
		Proposed::set(vec![]);
		ModelEvaluation::close(VERSION, false);
		assert_eq!(Evaluations::<Test>::iter().count(), 0);
		(1..7).for_each(|request| finalize(request, &output(true)));
		fail(7);
		assert_eq!(Evaluations::<Test>::iter().count(), 0);
		assert_eq!(Questions::<Test>::iter().count(), 0);
	});
}

#[test]
fn hostile_outputs_should_count_nothing() {
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		assert_ok!(reveal(8..10));
		let outputs: [&[u8]; 4] = [b"", &[0; 7], &[0xff; 8], &[0; 16 * 1024]];
		for (request, output) in open().into_iter().zip(outputs.iter().cycle()) {
			finalize(request, output);
		}
		assert_eq!(evaluation(VERSION).stage, scored(0, 0));
	});
}

#[test]
fn version_should_be_in_the_middle_of_it_until_it_has_a_score_or_none_that_would_count() {
	let measured = || ModelEvaluation::is_being_measured(VERSION);
	builder().build_and_execute(|| {
		assert!(!measured());
		assert_ok!(reveal(0..8));
		assert!(measured() && !ModelEvaluation::is_being_measured(OTHER));
		Active::set(Some(2));
		assert!(!measured(), "it begins again beside another version");
		Active::set(None);
		assert!(!measured(), "nobody can go on with it");
		Active::set(Some(1));
		assert_ok!(reveal(8..10));
		assert!(measured());
		answer_all(1, 1);
		assert!(!measured(), "it has a score");
	});
	builder().build_and_execute(|| {
		assert_ok!(reveal(0..8));
		set_hold_out(&samples(1, 24), 10);
		assert!(!measured(), "it begins again with another set");
		assert_ok!(evaluate(VERSION, &samples(1, 24), 0..1));
		assert!(measured());
		open().into_iter().for_each(fail);
		assert!(!measured(), "a sample has no answer");
	});
}
