//! Known answers that the runtime computes itself.

use crate::{mock::*, Error, Event, WeightInfo};
use dodona_engine::{architecture::Class, golden};
use dodona_primitives_inference::{Admission, KnownAnswers};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};
use sp_runtime::{DispatchErrorWithPostInfo, Weight};

type Outcome = Result<Option<Weight>, sp_runtime::DispatchError>;

fn admit_here(answers: KnownAnswers, weights: Vec<u8>) -> Outcome {
	ModelEvaluation::admit_here(signed(ANYONE), VERSION, answers, weights)
		.map(|info| info.actual_weight)
		.map_err(|DispatchErrorWithPostInfo { error, .. }| error)
}

#[test]
fn version_should_be_admitted_when_the_runtime_computes_what_it_claims() {
	for architecture in [mlp(), cnn(), golden::networks::cnn(Class::Q8, 1)] {
		ExtBuilder::default().build_and_execute(|| {
			Computed::set(architecture);
			Known::set(1);
			assert_ok!(admit_here(known(), weights()));
			assert_eq!(ModelEvaluation::admission(VERSION), Some(Admission::Reproduced));
			assert_eq!(events(), vec![Event::Admitted { version: VERSION }]);
			assert!(asked().is_empty(), "nobody is asked");
			assert_noop!(admit_here(known(), weights()), Error::<Test>::AlreadyAdmitted);
		});
	}
}

#[test]
fn admit_here_should_only_cost_what_was_computed() {
	ExtBuilder::default().build_and_execute(|| {
		let call = crate::Call::<Test>::admit_here {
			version: VERSION,
			answers: known(),
			weights: weights(),
		};
		let declared = call.get_dispatch_info().call_weight;
		let used = admit_here(known(), weights()).unwrap().unwrap();
		let bytes = weights().len() as u32 + 3 * 8;
		// 4 multiply-accumulates and 2 layers for each of 3 answers.
		assert_eq!(used, <()>::admit_here(bytes) + <()>::compute(7));
		assert_eq!(declared, <()>::admit_here(bytes) + <()>::compute(MAX_WORK as u32 / 1_000));
	});
}

#[test]
fn version_should_not_be_admitted_when_the_runtime_computes_something_else() {
	ExtBuilder::default().build_and_execute(|| {
		let right = known();
		Wrong::set(true);
		assert_ne!(known(), right);
		assert_noop!(admit_here(known(), weights()), Error::<Test>::WrongAnswer);
		assert_eq!(ModelEvaluation::admission(VERSION), None);
	});
}

#[test]
fn admit_here_should_be_refused_when_the_weights_are_others() {
	ExtBuilder::default().build_and_execute(|| {
		let other = golden::artifact(&mlp(), 2, 1.0).unwrap();
		let cut_off = weights()[1..].to_vec();
		for bytes in [other, cut_off, Vec::new()] {
			assert_noop!(admit_here(known(), bytes), Error::<Test>::WrongWeights);
		}
	});
}

#[test]
fn admit_here_should_be_refused_when_it_takes_too_much() {
	// 124,500 for each answer.
	ExtBuilder::default().build_and_execute(|| {
		Computed::set(golden::mlp(&[350, 350]));
		Known::set(2);
		assert_ok!(admit_here(known(), weights()));
	});
	ExtBuilder::default().build_and_execute(|| {
		Computed::set(golden::mlp(&[350, 350]));
		Known::set(3);
		assert_noop!(admit_here(known(), weights()), Error::<Test>::TooMuchWork);
	});
}

#[test]
fn admit_here_should_be_refused_when_the_version_is_not_for_this_runtime() {
	ExtBuilder::default().build_and_execute(|| {
		Silent::set(vec![VERSION]);
		assert_noop!(admit_here(known(), weights()), Error::<Test>::NotRunHere);
		Silent::set(vec![]);
		Computed::set(golden::networks::bert(Class::F32, 0));
		assert_noop!(admit_here(known(), weights()), Error::<Test>::NotRunHere);
	});
}

#[test]
fn admit_here_should_be_refused_when_the_weights_are_more_than_a_chunk() {
	ExtBuilder::default().build_and_execute(|| {
		let long = vec![0; dodona_primitives_models::CHUNK_SIZE as usize + 1];
		assert_noop!(admit_here(known(), long), Error::<Test>::NotRunHere);
	});
}

#[test]
fn admit_here_should_be_refused_when_committees_are_asked_or_nothing_is() {
	ExtBuilder::default().build_and_execute(|| {
		let nothing = KnownAnswers::default();
		assert_noop!(admit_here(nothing, weights()), Error::<Test>::NoKnownAnswers);
		assert_ok!(admit(VERSION));
		assert_noop!(admit_here(known(), weights()), Error::<Test>::AlreadyAsked);
		(0..3).for_each(fail);
		assert_ok!(admit_here(known(), weights()));
	});
}

#[test]
fn admit_here_should_be_refused_when_the_engine_refuses() {
	ExtBuilder::default().build_and_execute(|| {
		Unanswerable::set(true);
		assert_noop!(admit_here(known(), weights()), Error::<Test>::EngineRefused);
	});
}
