//! Random sequences of everything that can happen; every invariant holds after each.

use crate::{mock::*, Evaluations, Questions};
use dodona_primitives_inference::{Admission, Stage};
use dodona_primitives_models::{UpgradeGate, VersionId};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Action {
	Admit { version: VersionId },
	SetHoldOut { seed: u8, count: u32, per_evaluation: u32 },
	Evaluate { version: VersionId, count: u32, off: u32 },
	Finalize { request: u64, right: bool },
	Fail { request: u64 },
	Activate { number: u32 },
	Close { version: VersionId, approved: bool },
}

fn action() -> impl Strategy<Value = Action> {
	let version = prop_oneof![Just(VERSION), Just(OTHER)];
	let request = 0u64..80;
	prop_oneof![
		2 => version.clone().prop_map(|version| Action::Admit { version }),
		1 => (0u8..3, 1u32..30, 1u32..6).prop_map(|(seed, count, per_evaluation)| {
			Action::SetHoldOut { seed, count, per_evaluation }
		}),
		4 => (version.clone(), 1u32..4, prop_oneof![9 => Just(0u32), 1 => 0u32..3])
			.prop_map(|(version, count, off)| Action::Evaluate { version, count, off }),
		20 => (request.clone(), prop::bool::weighted(0.9))
			.prop_map(|(request, right)| Action::Finalize { request, right }),
		1 => request.prop_map(|request| Action::Fail { request }),
		1 => (1u32..3).prop_map(|number| Action::Activate { number }),
		1 => (version, any::<bool>())
			.prop_map(|(version, approved)| Action::Close { version, approved }),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn invariants_should_hold_after_any_sequence_of_calls(
		actions in prop::collection::vec(action(), 1..120),
	) {
		ExtBuilder::default().admitted(&[VERSION]).hold_out(30, 4).build().execute_with(|| {
			let (mut seed, mut count) = (0, 30);
			for action in actions {
				match action {
					Action::Admit { version } => {
						let _ = admit(version);
					},
					Action::SetHoldOut { seed: new, count: samples_of, per_evaluation } => {
						(seed, count) = (new, samples_of);
						set_hold_out(&samples(seed, count), per_evaluation.min(count));
					},
					Action::Evaluate { version, count: revealed, off } => {
						let used = hold_out().used;
						let first = used + off;
						let end = (first + revealed).min(count);
						let shown = evaluate(version, &samples(seed, count), first..end).is_ok();
						assert!(!shown || off == 0);
						// Used up whether somebody could be asked or not.
						assert_eq!(hold_out().used, if shown { end } else { used });
					},
					Action::Finalize { request, right } => {
						let known = Asked::get(request);
						match known {
							Some(_) if right => finalize_rightly(request),
							_ => finalize(request, b"another"),
						}
					},
					Action::Fail { request } => fail(request),
					Action::Activate { number } => Active::set(Some(number)),
					Action::Close { version, approved } => {
						Proposed::mutate(|all| all.retain(|proposed| *proposed != version));
						ModelEvaluation::close(version, approved);
					},
				}
				ModelEvaluation::do_try_state().unwrap();
			}
			// Every question is answered in the end, and nothing waits for ever.
			open().into_iter().for_each(fail);
			assert_eq!(Questions::<Test>::iter().count(), 0);
			for version in [VERSION, OTHER] {
				let asked = matches!(
					ModelEvaluation::admission(version),
					Some(Admission::Asked { .. })
				);
				assert!(!asked);
			}
			for course in Evaluations::<Test>::iter_values() {
				let evaluation = course.evaluation;
				assert_eq!(evaluation.pending, 0);
				let open = evaluation.revealed < evaluation.samples;
				assert!(evaluation.stage != Stage::Running || open);
			}
		});
	}
}
