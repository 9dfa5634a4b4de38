use super::*;
use crate::{Challenger, Claim, Opening, Schedule, Seat, MOVE_LEVELS};
use alloc::vec;
use dodona_engine::golden;
use dodona_primitives_models::Blake2;
use proptest::prelude::*;
use sp_core::bounded::BoundedVec;

type Tracing = Trace<Blake2>;
type TestDispute = Dispute<u8, u128>;

/// A run, with a wrong result in `fault`.
struct Party {
	trace: Tracing,
	known: Known,
}

struct Case {
	program: Program,
	weights: Vec<u8>,
}

impl Case {
	fn new(widths: &[u32]) -> Self {
		let architecture = golden::mlp(widths);
		let weights = golden::artifact(&architecture, 3, 1.0).unwrap();
		let program = Program::new(&architecture, &golden::input(&architecture, 3)).unwrap();
		Self { program, weights }
	}

	fn party(&self, fault: Option<Fault>) -> Party {
		let trace = Tracing::record(&self.program, &self.weights, fault).unwrap();
		let known = known(&trace).unwrap();
		Party { trace, known }
	}

	fn schedule(&self) -> Schedule {
		Schedule { steps: self.program.steps(), depth: self.program.depth() }
	}

	/// Plays `dispute` until only one claim is left, as the chain does; each party sees only the
	/// dispute. Returns its number, and which step decided.
	fn play(&self, dispute: &mut TestDispute, parties: &[&Party]) -> (ClaimId, u64) {
		for _ in 0..100 {
			for party in parties {
				let next = next(dispute, &party.known);
				let Some(said) = say(&party.trace, &next) else { continue };
				match said {
					Said::Play { claim, step: Move::Open { root, end, path, witness } } => {
						let last = self.program.steps() - 1;
						let path: Vec<_> = path.iter().map(|hash| hash.0).collect();
						assert_eq!(trace::node_at::<Blake2>(end.0, last, &path), root.0);
						assert!(self.program.open_end::<Blake2>(&end.0, &witness).is_ok());
						let opening = Some(Opening { root, by: 0, before: 0 });
						dispute.claims.iter_mut().find(|it| it.id == claim).unwrap().opening =
							opening;
					},
					Said::Play { claim, step: Move::Descend(children) } => {
						let side = dispute.side(claim).unwrap();
						let Contest::Descending { nodes, moves, .. } = &mut dispute.contest else {
							panic!("no descent")
						};
						let plain: Vec<_> = children.iter().map(|hash| hash.0).collect();
						assert_eq!(trace::fold::<Blake2>(&plain), nodes[side].0);
						assert_eq!(moves[side].replace(children), None, "moved twice");
					},
					Said::Settle { before, witness } => {
						let Contest::Settling { step, leaves } = dispute.contest.clone() else {
							panic!("nothing to settle")
						};
						return self.settle(dispute, step, leaves, before, &witness);
					},
				}
				self.go_on(dispute);
			}
		}
		panic!("it does not end");
	}

	fn settle(
		&self,
		dispute: &TestDispute,
		step: u64,
		leaves: [H256; 2],
		before: Option<(H256, Path)>,
		witness: &Witness,
	) -> (ClaimId, u64) {
		let sides = dispute.sides().unwrap();
		let before = match before {
			None => self.program.start::<Blake2>(),
			Some((state, path)) => {
				let path: Vec<_> = path.iter().map(|hash| hash.0).collect();
				let root = trace::node_at::<Blake2>(state.0, step - 1, &path);
				assert!(sides.iter().any(|it| it.opening.as_ref().unwrap().root.0 == root));
				state.0
			},
		};
		let weights = trace::pages_root::<Blake2>(&self.weights);
		let len = self.weights.len() as u64;
		let after = self.program.execute::<Blake2>(step, &before, &weights, len, witness).unwrap();
		let right = leaves.iter().position(|leaf| leaf.0 == after).unwrap();
		(sides[right].id, step)
	}

	/// What the chain makes of both sides' moves.
	fn go_on(&self, dispute: &mut TestDispute) {
		let Schedule { depth, .. } = self.schedule();
		let (level, index, nodes) = match &dispute.contest {
			Contest::Opening => {
				let roots =
					dispute.sides().unwrap().map(|it| it.opening.as_ref().map(|it| it.root));
				let [Some(one), Some(other)] = roots else { return };
				(0, 0, [one, other])
			},
			Contest::Descending { level, index, moves: [Some(one), Some(other)], .. } => {
				let down = (depth - level).min(MOVE_LEVELS);
				let place = one.iter().zip(other).position(|(one, other)| one != other).unwrap();
				(level + down, (index << down) + place as u64, [one[place], other[place]])
			},
			_ => return,
		};
		dispute.contest = match level < depth {
			true => Contest::Descending { level, index, nodes, moves: [None, None] },
			false => Contest::Settling { step: index, leaves: nodes },
		};
	}
}

fn claim(id: ClaimId, answer: Option<H256>, opening: Option<H256>) -> Claim<u8, u128> {
	let opening = opening.map(|root| Opening { root, by: 1, before: 0 });
	Claim { id, answer, challenger: None, opening }
}

fn dispute(claims: Vec<Claim<u8, u128>>, contest: Contest) -> TestDispute {
	Dispute {
		next_claim: claims.len() as u32,
		claims: BoundedVec::truncate_from(claims),
		rounds: 0,
		schedule: Schedule { steps: 1, depth: 0 },
		takes_room: false,
		refuted: BoundedVec::new(),
		revived: 0,
		contest,
	}
}

fn hash(byte: u8) -> H256 {
	H256::repeat_byte(byte)
}

fn me() -> Known {
	Known { answer: Some(hash(1)), root: hash(11) }
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

	#[test]
	fn party_should_win_by_what_it_sees_when_the_other_is_wrong_in_some_step(
		seed in any::<u64>(),
		first in any::<bool>(),
	) {
		let case = Case::new(&[40, 70, 30]);
		let honest = case.party(None);
		let step = seed % case.program.steps();
		let liar = case.party(Some(Fault { step, at: 2, bits: 0x40, words: 1 }));
		prop_assume!(liar.known.root != honest.known.root);
		let parties = if first { [&honest, &liar] } else { [&liar, &honest] };
		let claims = parties.iter().zip(0..);
		// Where both have the same answer, the other had to show its trace before the second challenged.
		let claims = claims.map(|(it, id)| {
			let same = honest.known.answer == liar.known.answer;
			claim(id, it.known.answer, (same && id == 0).then_some(it.known.root))
		});
		let mut dispute = dispute(claims.collect(), Contest::Opening);
		let (winner, decided) = case.play(&mut dispute, &parties);
		prop_assert_eq!(winner, if first { 0 } else { 1 });
		prop_assert_eq!(decided, step);
	}
}

#[test]
fn party_should_challenge_when_no_claim_is_its_own() {
	let other_answer = dispute(vec![claim(0, Some(hash(2)), None)], Contest::Opening);
	assert_eq!(next(&other_answer, &me()), Next::Challenge);
	let other_trace = claim(0, Some(hash(1)), Some(hash(12)));
	assert_eq!(next(&dispute(vec![other_trace.clone()], Contest::Won), &me()), Next::Challenge);
	let fault = dispute(vec![claim(0, None, None)], Contest::Opening);
	assert_eq!(next(&fault, &me()), Next::Challenge);
	let full = (0..MAX_CLAIMS).map(|id| claim(id, Some(hash(40 + id as u8)), None)).collect();
	assert_eq!(next(&dispute(full, Contest::Opening), &me()), Next::Wait);
}

#[test]
fn party_should_stand_behind_its_own_trace_when_another_leads_to_its_answer() {
	let claims = vec![
		claim(0, Some(hash(1)), Some(hash(12))),
		claim(1, Some(hash(2)), Some(hash(13))),
		claim(2, Some(hash(1)), None),
	];
	assert_eq!(next(&dispute(claims.clone(), Contest::Opening), &me()), Next::Open { claim: 2 });
	let mut shown = claims;
	shown[2].opening = Some(Opening { root: hash(11), by: 1, before: 0 });
	let contest = Contest::Descending {
		level: 0,
		index: 0,
		nodes: [hash(12), hash(13)],
		moves: [None, None],
	};
	// It waits for the winner.
	assert_eq!(next(&dispute(shown, contest), &me()), Next::Wait);
}

#[test]
fn party_should_wait_when_it_has_moved_or_won() {
	let own = claim(0, Some(hash(1)), Some(hash(11)));
	let other = claim(1, Some(hash(2)), Some(hash(12)));
	let with = |moves| {
		let nodes = [hash(11), hash(12)];
		let contest = Contest::Descending { level: 6, index: 5, nodes, moves };
		next(&dispute(vec![own.clone(), other.clone()], contest), &me())
	};
	let moved = || Some(Children::truncate_from(vec![hash(5)]));
	assert_eq!(with([None, None]), Next::Descend { claim: 0, level: 6, index: 5 });
	assert_eq!(with([None, moved()]), Next::Descend { claim: 0, level: 6, index: 5 });
	assert_eq!(with([moved(), None]), Next::Wait);
	assert_eq!(next(&dispute(vec![own.clone()], Contest::Won), &me()), Next::Wait);
	let opening = dispute(vec![own, other], Contest::Opening);
	assert_eq!(next(&opening, &me()), Next::Wait);
}

#[test]
fn trace_should_be_shown_by_whoever_stands_for_the_claim_only() {
	let seat = |operator, status| Seat { operator, status };
	let state = RequestState::<u8, u32>::Disputed {
		committee: BoundedVec::truncate_from(vec![
			seat(1, SeatStatus::Revealed(hash(1))),
			seat(2, SeatStatus::Revealed(hash(2))),
			seat(3, SeatStatus::Committed(hash(1))),
		]),
		outcome: None,
		until: 9,
	};
	let seats = claim(0, Some(hash(1)), None);
	let mut game = dispute(vec![seats.clone()], Contest::Opening);
	let allowed = |claim: &Claim<u8, u128>| -> Vec<u8> {
		(1..=4).filter(|who| may_open(&game, claim, &state, who)).collect()
	};
	assert_eq!(allowed(&seats), [1]);
	let challenger = Some(Challenger { who: 4, bond: 1 });
	assert_eq!(allowed(&Claim { challenger, ..seats.clone() }), [4]);
	assert_eq!(allowed(&claim(1, None, None)), [0u8; 0]);
	// Its trace has lost already.
	game.refuted = BoundedVec::truncate_from(vec![1]);
	assert!(!may_open(&game, &seats, &state, &1));
}

#[test]
fn runtime_should_run_small_models_itself_and_no_large_ones() {
	let (small, work) = (golden::mlp(&[40, 70, 30]), 40 * 70 + 70 * 30 + 3 * 1_000);
	let input = golden::input(&small, 1);
	assert!(runs_here(&small, &input, MAX_WEIGHTS_LEN.into(), work));
	assert!(!runs_here(&small, &input, MAX_WEIGHTS_LEN.into(), work - 1));
	assert!(!runs_here(&small, &input, u64::from(MAX_WEIGHTS_LEN) + 1, work));
}

#[test]
fn planted_fault_should_be_in_the_step_that_it_names() {
	let case = Case::new(&[40, 70, 30]);
	for layer in 0..2 {
		let planted = Planted { operation: Operation::Product, layer, token: 0 };
		let step = planted.fault(&case.program).unwrap().step;
		let described = case.program.describe(step).unwrap();
		assert_eq!((described.operation, described.layer), (Operation::Product, layer));
		let before = step.checked_sub(1).and_then(|step| case.program.describe(step)).unwrap();
		assert_ne!((before.operation, before.layer), (Operation::Product, layer));
	}
	let none = Planted { operation: Operation::Scores, layer: 0, token: 0 };
	assert_eq!(none.fault(&case.program), None);
	let planted = Planted { operation: Operation::Product, layer: 1, token: 0 };
	let wrong = case.party(planted.fault(&case.program));
	assert_ne!(wrong.known.answer, case.party(None).known.answer);
}
