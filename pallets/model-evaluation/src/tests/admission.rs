//! Whether a version reproduces the answers that it claims.

use crate::{mock::*, Admissions, Error, Event, Questions};
use dodona_primitives_inference::{Admission, KnownAnswers};
use dodona_primitives_models::UpgradeGate;
use frame_support::{assert_noop, assert_ok};

fn admission() -> Option<Admission> {
	ModelEvaluation::admission(VERSION)
}

#[test]
fn admit_should_ask_the_version_every_question_with_a_known_answer() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		let expected: Vec<_> = (0..3).map(|request| (request, ANYONE, VERSION)).collect();
		assert_eq!(asked(), expected);
		let inputs: Vec<_> = (0..3).map(|request| Asked::get(request).unwrap().2).collect();
		assert_eq!(inputs, known().into_iter().map(|known| known.input).collect::<Vec<_>>());
		assert_eq!(admission(), Some(Admission::Asked { pending: 3, incomplete: false }));
		let requests = vec![0, 1, 2];
		assert_eq!(events(), vec![Event::AdmissionAsked { version: VERSION, requests }]);
		assert_noop!(ModelEvaluation::ensure_admitted(VERSION), Error::<Test>::NotAdmitted);
	});
}

#[test]
fn version_should_be_admitted_when_all_answers_are_as_claimed_in_any_order() {
	for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(admit(VERSION));
			for request in order {
				assert_noop!(ModelEvaluation::ensure_admitted(VERSION), Error::<Test>::NotAdmitted);
				finalize_rightly(request);
				// Told twice, it is taken once.
				finalize_rightly(request);
				fail(request);
			}
			assert_eq!(admission(), Some(Admission::Reproduced));
			assert_ok!(ModelEvaluation::ensure_admitted(VERSION));
			assert_eq!(events().pop(), Some(Event::Admitted { version: VERSION }));
			assert!(open().is_empty());
			assert_noop!(admit(VERSION), Error::<Test>::AlreadyAdmitted);
		});
	}
}

#[test]
fn version_should_never_be_admitted_when_one_answer_is_another() {
	for wrong in 0..3 {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(admit(VERSION));
			for request in 0..3 {
				if request == wrong {
					finalize(request, b"another");
				} else {
					finalize_rightly(request);
				}
			}
			assert_eq!(admission(), Some(Admission::Contradicted { request: wrong }));
			let told = events().into_iter().filter(
				|event| matches!(event, Event::Contradicted { request, .. } if *request == wrong),
			);
			assert_eq!(told.count(), 1);
			assert_noop!(
				ModelEvaluation::ensure_admitted(VERSION),
				Error::<Test>::AnswersContradicted
			);
			assert_noop!(admit(VERSION), Error::<Test>::AnswersContradicted);
			assert!(open().is_empty());
		});
	}
}

#[test]
fn version_should_stay_contradicted_when_another_question_has_no_answer() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		finalize(1, b"another");
		fail(0);
		finalize(2, b"another");
		assert_eq!(admission(), Some(Admission::Contradicted { request: 1 }));
	});
}

#[test]
fn admission_should_begin_again_when_a_question_had_no_answer() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		fail(1);
		finalize_rightly(0);
		// The others are still waited for, so that no two rounds are mixed.
		assert_eq!(admission(), Some(Admission::Asked { pending: 1, incomplete: true }));
		assert_noop!(admit(VERSION), Error::<Test>::AlreadyAsked);
		finalize_rightly(2);
		assert_eq!(admission(), Some(Admission::Unanswered));
		assert_eq!(events().pop(), Some(Event::AdmissionUnanswered { version: VERSION }));
		assert_noop!(ModelEvaluation::ensure_admitted(VERSION), Error::<Test>::NotAdmitted);

		assert_ok!(admit(VERSION));
		assert_eq!(open(), vec![3, 4, 5]);
		// What the first round answered is of no use to the second.
		(0..3).for_each(finalize_rightly);
		assert_eq!(admission(), Some(Admission::Asked { pending: 3, incomplete: false }));
		(3..6).for_each(finalize_rightly);
		assert_eq!(admission(), Some(Admission::Reproduced));
	});
}

#[test]
fn admission_should_be_contradicted_when_one_has_no_answer_and_the_last_is_another() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		fail(0);
		finalize_rightly(1);
		finalize(2, b"another");
		assert_eq!(admission(), Some(Admission::Contradicted { request: 2 }));
	});
}

#[test]
fn admit_should_be_refused_when_the_version_does_not_wait_for_approval() {
	ExtBuilder::default().build_and_execute(|| {
		Proposed::set(vec![OTHER]);
		assert_noop!(admit(VERSION), Error::<Test>::NotProposed);
	});
}

#[test]
fn admit_should_be_refused_when_the_answers_are_not_those_of_the_manifest() {
	ExtBuilder::default().build_and_execute(|| {
		let mut other = known();
		other[2].outcome.0[0] ^= 1;
		let mut fewer = known();
		fewer.pop();
		for answers in [other, fewer] {
			assert_noop!(
				ModelEvaluation::admit(signed(ANYONE), VERSION, answers, PRICE),
				Error::<Test>::KnownAnswersMismatch
			);
		}
	});
}

#[test]
fn admit_should_be_refused_when_nothing_would_be_asked() {
	ExtBuilder::default().build_and_execute(|| {
		// Also where the manifest has the hash of an empty list.
		Known::set(0);
		let nothing = KnownAnswers::default();
		assert_eq!(known(), nothing);
		assert_noop!(
			ModelEvaluation::admit(signed(ANYONE), VERSION, nothing, PRICE),
			Error::<Test>::NoKnownAnswers
		);
	});
}

#[test]
fn admit_should_ask_nothing_when_one_question_is_refused() {
	ExtBuilder::default().build_and_execute(|| {
		let poor = ModelEvaluation::admit(signed(POOR), VERSION, known(), PRICE);
		assert_noop!(poor, NO_FUNDS);
		assert!(asked().is_empty() && open().is_empty());
		let dear = ModelEvaluation::admit(signed(ANYONE), VERSION, known(), PRICE - 1);
		assert_noop!(dear, TOO_DEAR);
		assert_eq!(admission(), None);
	});
}

#[test]
fn answers_should_be_dropped_when_the_version_is_gone() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		finalize_rightly(0);
		Proposed::set(vec![]);
		ModelEvaluation::close(VERSION, false);
		assert_eq!(Admissions::<Test>::iter().count(), 0);
		finalize(1, b"another");
		fail(2);
		assert_eq!(Admissions::<Test>::iter().count(), 0);
		assert_eq!(Questions::<Test>::iter().count(), 0);
	});
}

#[test]
fn requests_of_others_should_be_none_of_its_business() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(admit(VERSION));
		finalize(99, b"another");
		fail(98);
		assert_eq!(admission(), Some(Admission::Asked { pending: 3, incomplete: false }));
	});
}
