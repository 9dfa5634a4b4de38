//! What to do about a request, from what the chain says and what was computed here.

use crate::commands::dispute::{Asked, Info};
use dodona_engine::EngineError;
use dodona_primitives_inference::{
	outcome_hash,
	player::{may_open, next, next_of_seat, own, Known, Next},
	Contest, RequestState, Seat, SeatStatus, MAX_CLAIMS,
};
use subxt::utils::AccountId32;

/// What somebody watches for.
#[derive(Clone, Copy, Debug)]
pub struct Aims {
	/// Wrong answers are challenged.
	pub challenge: bool,
	/// The right side of every dispute is played for.
	pub defend: bool,
}

/// How a run ends, as it was computed here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
	/// With an output.
	Output(Vec<u8>),
	/// With a fault: there is no answer.
	Fault,
}

impl Answer {
	/// What the engine's result means; none if it is this machine's own trouble.
	pub fn of(result: Result<Vec<u8>, EngineError>) -> Result<Self, EngineError> {
		match result {
			Ok(output) => Ok(Self::Output(output)),
			Err(
				error @ (EngineError::ReadFailed
				| EngineError::OutOfMemory
				| EngineError::SelfTestFailed { .. }
				| EngineError::Backend),
			) => Err(error),
			Err(_) => Ok(Self::Fault),
		}
	}

	/// As it is claimed.
	pub fn hash(&self) -> Option<[u8; 32]> {
		match self {
			Self::Output(output) => Some(outcome_hash(output).0),
			Self::Fault => None,
		}
	}

	/// The output, if there is one.
	pub fn output(&self) -> Option<&[u8]> {
		match self {
			Self::Output(output) => Some(output),
			Self::Fault => None,
		}
	}
}

/// What was computed of a run.
#[derive(Clone, Copy, Default, Debug)]
pub struct Computed<'a> {
	/// How it ends.
	pub answer: Option<&'a Answer>,
	/// Root of its trace.
	pub root: Option<[u8; 32]>,
}

/// What to do about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
	/// Nothing for now.
	Nothing,
	/// To compute the answer first.
	FindAnswer,
	/// To record the trace first.
	Record,
	/// To claim the answer.
	Challenge,
	/// To have the runtime run the model.
	Adjudicate,
	/// To say what comes next.
	Say(Next),
}

/// What to do about a result that can be challenged.
pub fn about_result(outcome: [u8; 32], aims: Aims, computed: Computed<'_>) -> Act {
	match computed.answer {
		None => Act::FindAnswer,
		Some(answer) if answer.hash() == Some(outcome) || !aims.challenge => Act::Nothing,
		Some(_) => Act::Challenge,
	}
}

/// What somebody with these `names` does about a dispute, whose model the runtime `runs_here`, or not.
pub fn about_dispute(
	(info, asked): (&Info, &Asked),
	names: &[AccountId32],
	aims: Aims,
	runs_here: bool,
	computed: Computed<'_>,
) -> Act {
	let Info { dispute, .. } = info;
	let RequestState::Disputed { .. } = asked.request.state else { return Act::Nothing };
	let mut challengers = dispute.claims.iter().filter_map(|claim| claim.challenger.as_ref());
	let is_mine = challengers.any(|challenger| names.contains(&challenger.who));
	if !aims.challenge && !aims.defend && !is_mine {
		return Act::Nothing;
	}
	let Some(answer) = computed.answer else { return Act::FindAnswer };
	let is_right = |said: Option<[u8; 32]>| said == answer.hash();
	let mut claims = dispute.claims.iter().map(|claim| is_right(claim.answer.map(|hash| hash.0)));
	let is_claimed = claims.any(|is_right| is_right);
	let plays = aims.defend || is_mine;
	if runs_here {
		let is_settled = dispute.contest == Contest::Won && is_claimed;
		return match is_settled || (is_claimed && !plays) {
			true => Act::Nothing,
			false => Act::Adjudicate,
		};
	}
	if !is_claimed {
		let has_room = dispute.claims.len() < MAX_CLAIMS as usize;
		return if aims.challenge && has_room { Act::Challenge } else { Act::Nothing };
	}
	let Some(root) = computed.root else { return Act::Record };
	let known = Known { answer: answer.hash().map(Into::into), root: root.into() };
	let state = &asked.request.state;
	let has_said = |seat: &Seat<AccountId32>| {
		let is_mine = names.contains(&seat.operator);
		is_mine && matches!(seat.status, SeatStatus::Revealed(said) if Some(said) == known.answer)
	};
	// Whoever has revealed the answer needs no bond to show another trace for it.
	let joins = plays && state.committee().is_some_and(|seats| seats.iter().any(has_said));
	let next = if joins { next_of_seat(dispute, &known) } else { next(dispute, &known) };
	match next {
		Next::Wait => Act::Nothing,
		Next::Challenge if aims.challenge => Act::Challenge,
		Next::Challenge => Act::Nothing,
		_ if !plays => Act::Nothing,
		said @ Next::Open { .. } => {
			let allowed = match own(dispute, &known) {
				Some(claim) => names.iter().any(|who| may_open(dispute, claim, state, who)),
				None => joins,
			};
			if allowed {
				Act::Say(said)
			} else {
				Act::Nothing
			}
		},
		said => Act::Say(said),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::dispute::tests::info;
	use dodona_primitives_inference::{Challenger, Opening, Request, RequestInfo};
	use dodona_primitives_models::VersionId;

	const CHALLENGER: Aims = Aims { challenge: true, defend: false };
	const DEFENDER: Aims = Aims { challenge: false, defend: true };
	const ROOT: [u8; 32] = [9; 32];

	fn me() -> AccountId32 {
		[77; 32].into()
	}

	/// Whose hot key this is.
	fn operator() -> AccountId32 {
		[78; 32].into()
	}

	/// What this machine has computed.
	fn right() -> Answer {
		Answer::Output(vec![1, 2, 3])
	}

	/// A dispute in which the first claim is the right answer, if it is `told`, and the other is not.
	fn case(told: bool, contest: Contest) -> (Info, Asked) {
		let mut info = info(&[Some(1), Some(2)], contest, vec![]);
		if told {
			info.dispute.claims[0].answer = right().hash().map(Into::into);
		}
		let seat = |(operator, claim): (u8, usize)| Seat {
			operator: [operator; 32].into(),
			status: SeatStatus::Revealed(info.dispute.claims[claim].answer.unwrap()),
		};
		let committee: Vec<_> = [(11, 0), (12, 1)].into_iter().map(seat).collect();
		let state = RequestState::Disputed {
			committee: committee.try_into().unwrap(),
			outcome: None,
			until: 99,
		};
		let request = Request {
			requester: [50; 32].into(),
			version: VersionId { model: 3, number: 2 },
			fee: 5,
			created: 1,
			attempt: 1,
			state,
		};
		(info, RequestInfo { id: 7, request, outputs: vec![], agreed_at: None })
	}

	fn act(case: &(Info, Asked), aims: Aims, runs_here: bool, root: Option<[u8; 32]>) -> Act {
		let answer = right();
		let computed = Computed { answer: Some(&answer), root };
		about_dispute((&case.0, &case.1), &[me(), operator()], aims, runs_here, computed)
	}

	#[test]
	fn result_should_be_challenged_only_when_it_is_wrong_and_that_is_the_aim() {
		let answer = right();
		let computed = Computed { answer: Some(&answer), root: None };
		let outcome = answer.hash().unwrap();
		assert_eq!(about_result(outcome, CHALLENGER, Computed::default()), Act::FindAnswer);
		assert_eq!(about_result(outcome, CHALLENGER, computed), Act::Nothing);
		assert_eq!(about_result([1; 32], CHALLENGER, computed), Act::Challenge);
		assert_eq!(about_result([1; 32], DEFENDER, computed), Act::Nothing);
		let computed = Computed { answer: Some(&Answer::Fault), root: None };
		assert_eq!(about_result(outcome, CHALLENGER, computed), Act::Challenge);
	}

	#[test]
	fn engine_error_should_be_an_answer_unless_it_is_this_machines() {
		let everywhere = Answer::of(Err(EngineError::NonFiniteResult { layer: 1 }));
		assert_eq!(everywhere, Ok(Answer::Fault));
		assert_eq!(Answer::of(Err(EngineError::OutOfMemory)), Err(EngineError::OutOfMemory));
	}

	#[test]
	fn dispute_should_be_adjudicated_at_once_when_the_runtime_can_run_the_model() {
		let claimed = case(true, Contest::Opening);
		assert_eq!(act(&claimed, DEFENDER, true, None), Act::Adjudicate);
		// Somebody else's business.
		assert_eq!(act(&claimed, CHALLENGER, true, None), Act::Nothing);
		assert_eq!(act(&case(false, Contest::Opening), CHALLENGER, true, None), Act::Adjudicate);
		let mut won = case(true, Contest::Won);
		won.0.dispute.claims.pop();
		assert_eq!(act(&won, DEFENDER, true, None), Act::Nothing);
		let mut lie = case(false, Contest::Won);
		lie.0.dispute.claims.pop();
		assert_eq!(act(&lie, DEFENDER, true, None), Act::Adjudicate);
	}

	#[test]
	fn truth_should_be_claimed_when_no_claim_is_right() {
		let lies = case(false, Contest::Opening);
		assert_eq!(act(&lies, CHALLENGER, false, None), Act::Challenge);
		assert_eq!(act(&lies, DEFENDER, false, None), Act::Nothing);
		// The right answer, by a trace that is not the right one.
		let mut bogus = case(true, Contest::Opening);
		bogus.0.dispute.claims[0].opening =
			Some(Opening { root: [3; 32].into(), by: [11; 32].into(), before: 2 });
		assert_eq!(act(&bogus, CHALLENGER, false, Some(ROOT)), Act::Challenge);
	}

	#[test]
	fn trace_should_be_shown_for_ones_own_claim_only() {
		let seats = case(true, Contest::Opening);
		assert_eq!(act(&seats, DEFENDER, false, None), Act::Record);
		assert_eq!(act(&seats, DEFENDER, false, Some(ROOT)), Act::Nothing);
		let mut mine = case(true, Contest::Opening);
		mine.0.dispute.claims[0].challenger = Some(Challenger { who: me(), bond: 10 });
		// With no aim at all: what was begun is played to its end.
		let none = Aims { challenge: false, defend: false };
		assert_eq!(act(&mine, none, false, Some(ROOT)), Act::Say(Next::Open { claim: 0 }));
		assert_eq!(act(&seats, none, false, Some(ROOT)), Act::Nothing);
		// The operator's seat has said it.
		let mut seated = case(true, Contest::Opening);
		let RequestState::Disputed { committee, .. } = &mut seated.1.request.state else {
			panic!()
		};
		committee[0].operator = operator();
		assert_eq!(act(&seated, DEFENDER, false, Some(ROOT)), Act::Say(Next::Open { claim: 0 }));
		// Another seat has shown a wrong trace for it: this one shows its own, without a bond.
		seated.0.dispute.claims[0].opening =
			Some(Opening { root: [3; 32].into(), by: [11; 32].into(), before: 2 });
		let claim = seated.0.dispute.next_claim;
		assert_eq!(act(&seated, DEFENDER, false, Some(ROOT)), Act::Say(Next::Open { claim }));
		assert_eq!(act(&seated, none, false, Some(ROOT)), Act::Nothing);
	}

	#[test]
	fn side_should_be_played_for_by_defenders_and_its_challenger() {
		let contest = || Contest::Descending {
			level: 0,
			index: 0,
			nodes: [ROOT.into(), [4; 32].into()],
			moves: [None, None],
		};
		let opened = |who: Option<AccountId32>| {
			let mut case = case(true, contest());
			let claim = &mut case.0.dispute.claims[0];
			claim.opening = Some(Opening { root: ROOT.into(), by: [11; 32].into(), before: 2 });
			claim.challenger = who.map(|who| Challenger { who, bond: 10 });
			case
		};
		let down = Act::Say(Next::Descend { claim: 0, level: 0, index: 0 });
		assert_eq!(act(&opened(None), DEFENDER, false, Some(ROOT)), down);
		assert_eq!(act(&opened(Some(me())), CHALLENGER, false, Some(ROOT)), down);
		assert_eq!(act(&opened(None), CHALLENGER, false, Some(ROOT)), Act::Nothing);
	}
}
