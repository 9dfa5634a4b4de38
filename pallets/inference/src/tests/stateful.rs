//! Random sequences of everything that can happen; every invariant holds after each.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Action {
	Ask,
	Commit { id: u64, number: u8, honest: bool },
	Reveal { id: u64, number: u8, honest: bool },
	Advance { id: u64 },
	NextBlock,
	Serve(bool),
	Randomness { age: Option<u64> },
	Hook { weight: u64 },
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
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn invariants_should_hold_after_any_sequence_of_calls(
		actions in prop::collection::vec(action(), 1..120),
	) {
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
					_ => (),
				}
				check();
			}
			// Left alone, every request ends, and all that was held is paid or returned.
			let end = System::block_number() + 200;
			go_to(end);
			assert_eq!(Requests::<Test>::iter().count(), 0);
			assert_eq!(held(&requester()), 0);
			assert_eq!(Balances::total_issuance(), issued);
			assert!(Obligations::get().values().all(|open| *open == 0));
		});
	}
}
