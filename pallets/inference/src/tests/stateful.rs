//! Random sequences of everything that can happen; every invariant holds after each.

use super::{
	toy::{descend, evidence, open, settle, Trace},
	*,
};
use dodona_primitives_inference::Contest;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Action {
	Ask,
	Commit {
		id: u64,
		number: u8,
		honest: bool,
	},
	Reveal {
		id: u64,
		number: u8,
		honest: bool,
	},
	Advance {
		id: u64,
	},
	NextBlock,
	Serve(bool),
	Randomness {
		age: Option<u64>,
	},
	Hook {
		weight: u64,
	},
	Decides(bool),
	/// All seats say something.
	Answer {
		says: Vec<u8>,
	},
	/// Whoever has a seat says something.
	AnswerAgain {
		id: u64,
		says: Vec<u8>,
	},
	/// The end of a block in which so much weight is left.
	Idle {
		weight: u64,
	},
	Reside,
	Unreside {
		number: u8,
	},
	Challenge {
		id: u64,
		number: u8,
		says: u8,
	},
	Open {
		id: u64,
		claim: u32,
		number: u8,
		step: u64,
	},
	Descend {
		id: u64,
		side: usize,
	},
	Settle {
		id: u64,
		side: usize,
	},
	Adjudicate {
		id: u64,
		weights: bool,
	},
}

/// What can be said: what is right, other things, and that there is no answer.
fn says(number: u8) -> Option<Output> {
	match number {
		0 => Some(output()),
		1 => Some(wrong_output()),
		2 => None,
		_ => Some(floats(&[f32::from(number), 1.0]).try_into().unwrap()),
	}
}

/// A trace of a claim: a true one, if that is what the claim says and `step` is 0.
fn trace(answer: Option<H256>, step: u64) -> Trace {
	let step = step % ToySteps::get();
	let said = (0..6).map(says).find(|says| says.as_ref().map(|it| outcome_hash(it)) == answer);
	match said.flatten() {
		Some(said) if said == output() && step > 0 => Trace::bogus(step - 1),
		said => Trace::to(said.as_ref(), step),
	}
}

fn action() -> impl Strategy<Value = Action> {
	let (id, number) = (0u64..6, 1u8..=9);
	prop_oneof![
		1 => Just(Action::Ask),
		8 => (id.clone(), number.clone(), prop::bool::weighted(0.8))
			.prop_map(|(id, number, honest)| Action::Commit { id, number, honest }),
		8 => (id.clone(), number, prop::bool::weighted(0.8))
			.prop_map(|(id, number, honest)| Action::Reveal { id, number, honest }),
		1 => id.prop_map(|id| Action::Advance { id }),
		3 => Just(Action::NextBlock),
		1 => prop::bool::weighted(0.9).prop_map(Action::Serve),
		1 => prop::option::weighted(0.6, 0u64..30).prop_map(|age| Action::Randomness { age }),
		1 => (0u64..20).prop_map(|weight| Action::Hook { weight }),
		1 => prop::bool::weighted(0.95).prop_map(Action::Decides),
		4 => prop::collection::vec(prop_oneof![0u8..2, 3u8..6], 4)
			.prop_map(|says| Action::Answer { says }),
		3 => (0u64..6, prop::collection::vec(prop_oneof![4 => Just(0u8), 1 => 1u8..2, 1 => 6u8..9], 4))
			.prop_map(|(id, says)| Action::AnswerAgain { id, says }),
		2 => (0u64..8).prop_map(|weight| Action::Idle { weight }),
		1 => Just(Action::Reside),
		1 => (51u8..=53).prop_map(|number| Action::Unreside { number }),
		4 => (0u64..6, 51u8..=53, 0u8..6)
			.prop_map(|(id, number, says)| Action::Challenge { id, number, says }),
		16 => (0u64..6, 0u32..5, prop_oneof![1u8..=8, 51u8..=53], prop_oneof![Just(0), 0u64..200])
			.prop_map(|(id, claim, number, step)| Action::Open { id, claim, number, step }),
		16 => (0u64..6, 0usize..2).prop_map(|(id, side)| Action::Descend { id, side }),
		8 => (0u64..6, 0usize..2).prop_map(|(id, side)| Action::Settle { id, side }),
		1 => (0u64..6, any::<bool>()).prop_map(|(id, weights)| Action::Adjudicate { id, weights }),
	]
}

/// As in a block: what fails changes nothing.
fn transactional(call: impl FnOnce() -> DispatchResult) -> DispatchResult {
	frame_support::storage::with_storage_layer(call)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn invariants_should_hold_after_any_sequence_of_calls(
		actions in prop::collection::vec(action(), 1..120),
	) {
		ToySteps::set(100);
		Decides::set(true);
		MaxOpenDisputes::set(2);
		AuditRate::set(Perbill::from_percent(60));
		let mut traces = BTreeMap::<H256, Trace>::new();
		let mut ext = ExtBuilder::default().build();
		ext.execute_with(|| {
			let issued = Balances::total_issuance();
			for action in actions {
				let said = |honest| if honest { output() } else { wrong_output() };
				let known = |id: &u64| Requests::<Test>::contains_key(id);
				match action {
					Action::Ask => {
						let origin = RuntimeOrigin::signed(requester());
						let _ = Inference::request(origin, MODEL, None, input().into_inner(), PRICE);
					},
					Action::Commit { id, number, honest } if known(&id) => {
						let _ = submit(number, commit_to(id, number, &said(honest)));
					},
					Action::Reveal { id, number, honest } if known(&id) => {
						let _ = submit(number, reveal_of(id, number, &said(honest)));
					},
					Action::Advance { id } => {
						let _ = advance(id);
					},
					Action::NextBlock => next_block(),
					Action::Serve(served) => {
						Served::set(served);
						Answering::set(served);
					},
					Action::Randomness { age } => {
						KnownSince::set(age.map(|age| System::block_number().saturating_sub(age)));
					},
					Action::Hook { weight } => {
						let now = System::block_number() + 1;
						System::set_block_number(now);
						let weight = <() as WeightInfo>::draw(4) * weight;
						let mut meter = WeightMeter::with_limit(weight);
						<Inference as OnPoll<u64>>::on_poll(now, &mut meter);
						assert!(meter.consumed().all_lte(weight / 2));
					},
					Action::Decides(decides) => Decides::set(decides),
					Action::Answer { says: numbers } => {
						let id = NextRequestId::<Test>::get();
						let origin = RuntimeOrigin::signed(requester());
						let _ = Inference::request(origin, MODEL, None, input().into_inner(), PRICE);
						next_block();
						for (number, said) in (1..).zip(&numbers) {
							let said = says(*said).unwrap();
							if known(&id) {
								let _ = submit(number, commit_to(id, number, &said));
							}
						}
						for (number, said) in (1..).zip(&numbers) {
							let said = says(*said).unwrap();
							if known(&id) {
								let _ = submit(number, reveal_of(id, number, &said));
							}
						}
					},
					Action::AnswerAgain { id, says: numbers } if known(&id) => {
						// An 8 is silent, a 7 never reveals.
						let RequestState::Committing { committee, .. } = state(id) else { continue };
						let seats: Vec<u8> = committee
							.iter()
							.map(|seat| AsRef::<[u8]>::as_ref(&seat.operator)[0])
							.collect();
						for (number, said) in seats.iter().zip(&numbers) {
							if *said < 8 {
								let said = says(*said).unwrap();
								let _ = submit(*number, commit_to(id, *number, &said));
							}
						}
						for (number, said) in seats.iter().zip(&numbers) {
							if *said < 7 {
								let said = says(*said).unwrap();
								let _ = submit(*number, reveal_of(id, *number, &said));
							}
						}
					},
					Action::Idle { weight } => {
						let cost = <() as WeightInfo>::idle()
							+ Inference::weight_of_reexecution(1_000, 10_000);
						idle(cost * weight / 4);
					},
					Action::Reside => {
						let _ = transactional(|| reside(52, weights()));
					},
					Action::Unreside { number } => {
						let origin = RuntimeOrigin::signed(account(number));
						let _ = transactional(|| Inference::unreside(origin, VERSION));
					},
					Action::Challenge { id, number, says: said } => {
						let _ = transactional(|| challenge(number, id, says(said)));
					},
					Action::Open { id, claim, number, step } => {
						let Some(dispute) = Disputes::<Test>::get(id) else { continue };
						let Some(stands) = dispute.claim(claim) else { continue };
						let trace = trace(stands.answer, step);
						let who = if number < 50 { hot(number) } else { account(number) };
						if open(who, id, claim, &trace).is_ok() {
							traces.insert(trace.root(), trace);
						}
					},
					Action::Descend { id, side } | Action::Settle { id, side } => {
						let Some(dispute) = Disputes::<Test>::get(id) else { continue };
						let Some(sides) = dispute.sides() else { continue };
						let Some(opening) = &sides[side].opening else { continue };
						let trace = &traces[&opening.root];
						match dispute.contest {
							Contest::Descending { .. } => {
								let _ = descend(account(53), id, sides[side].id, trace);
							},
							Contest::Settling { .. } => {
								// Either side's trace shows it, as both agree on what is before.
								let late = System::block_number() > until(id);
								let settled = settle(id, evidence(id, trace));
								assert_eq!(settled.is_ok(), !late && Decides::get());
							},
							_ => (),
						}
					},
					Action::Adjudicate { id, weights: right } => {
						let weights = if right { weights() } else { weights_with(1.0) };
						let origin = RuntimeOrigin::signed(account(53));
						let _ = Inference::adjudicate(origin, id, weights);
					},
					_ => (),
				}
				check();
			}
			// Left alone, every request ends, and all that was held is paid or returned.
			let end = System::block_number() + 400;
			go_to(end);
			assert_eq!(Requests::<Test>::iter().count(), 0);
			assert_eq!(Disputes::<Test>::iter().count() as u32 + RoomTaken::<Test>::get(), 0);
			(51..=53).for_each(|number| assert_eq!(bonded(number), 0));
			assert_eq!(Checks::<Test>::iter().count() + Idle::<Test>::iter().count(), 0);
			let _ = Inference::unreside(RuntimeOrigin::signed(account(52)), VERSION);
			assert_eq!(deposited(52), 0);
			check();
			assert_eq!(held(&requester()), 0);
			assert_eq!(Balances::total_issuance(), issued);
			assert!(Obligations::get().values().all(|open| *open == 0));
		});
	}
}
