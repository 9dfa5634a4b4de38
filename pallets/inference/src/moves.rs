//! The game between two claims: down the trees of both traces to the first state that they differ
//! in, which the runtime computes.

use crate::{
	ClaimOf, CommitteeOf, Config, DisputeOf, Disputes, Error, Event, Pallet, RequestOf, Requests,
	StateOf, WeightInfo,
};
use codec::Encode;
use dodona_primitives_inference::{
	player::may_open, thousands, Adjudicator, Children, ClaimId, Contest, Move, Opening, Path,
	RequestId, RequestState, Schedule, SeatStatus, MAX_CLAIMS, MAX_COMMITTEE, MOVE_LEVELS,
};
use dodona_primitives_staking::StakeInspect;
use frame_support::{dispatch::WithPostDispatchInfo, ensure, pallet_prelude::*};
use frame_system::{
	ensure_signed,
	pallet_prelude::{BlockNumberFor, OriginFor},
};
use sp_core::H256;

/// What opens the part of memory and weights that a step works on.
pub(crate) type WitnessOf<T> = <<T as Config>::Adjudicator as Adjudicator>::Witness;
/// What is said for a side.
pub(crate) type MoveOf<T> = Move<<<T as Config>::Adjudicator as Adjudicator>::EndWitness>;

/// A state that both sides agree on, with its way to the root of one of their traces.
pub(crate) type Before = Option<(H256, Path)>;

/// How many claims may have been on their way when a trace was shown: if it is theirs, too, they are
/// taken back.
const LATE_CLAIMS: ClaimId = 2;

/// A move that can be made.
enum Checked<AccountId> {
	/// The claim's trace. A seat joins with a claim of its own for what it has said, because another
	/// one has shown a trace for it that is not its own.
	Open { joins: Option<H256>, opening: Opening<AccountId> },
	/// Somebody else stands for the same trace already.
	Withdraw,
	/// What the side says is below the node.
	Descend { side: usize, children: Children },
}

/// Whose trace it is that somebody shows.
struct Stands<AccountId> {
	/// Who stands for it.
	by: AccountId,
	/// What it has to end in.
	answer: Option<H256>,
	/// The answer that a seat joins with, by itself.
	joins: Option<H256>,
	/// Whether there is a bond on it.
	has_bond: bool,
}

/// What comes of both sides' moves.
enum Next {
	/// Another move of each.
	Play(Contest),
	/// Whether either of them goes on.
	Decided([bool; 2]),
	/// This claim is taken back.
	Withdrawn(ClaimId),
}

/// What comes of the step in dispute.
struct Executed {
	step: u64,
	/// The state after it.
	after: H256,
	/// Whether either side has said so.
	stand: [bool; 2],
}

/// Where two sides are that differ in a node of their traces' trees.
fn next_at(schedule: Schedule, level: u32, index: u64, nodes: [H256; 2]) -> Next {
	if level < schedule.depth {
		return Next::Play(Contest::Descending { level, index, nodes, moves: [None, None] });
	}
	if index < schedule.steps {
		return Next::Play(Contest::Settling { step: index, leaves: nodes });
	}
	// There is no such step: the leaf is zero.
	Next::Decided(nodes.map(|leaf| leaf == H256::zero()))
}

/// How many levels a move goes down from `level`.
fn levels(schedule: Schedule, level: u32) -> u32 {
	schedule.depth.saturating_sub(level).min(MOVE_LEVELS)
}

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::play`].
	pub(crate) fn do_play(
		who: T::AccountId,
		id: RequestId,
		claim: ClaimId,
		step: MoveOf<T>,
	) -> DispatchResultWithPostInfo {
		let weight = Self::weight_of_move(&step);
		let (request, mut dispute) =
			Self::disputed(id).map_err(|error| error.with_weight(weight))?;
		let checked = Self::check_move(&who, id, &request, &dispute, claim, step)
			.map_err(|error| error.with_weight(weight))?;
		let next = match checked {
			Checked::Open { joins, opening } => {
				let Opening { root, by, .. } = opening.clone();
				if joins.is_some() {
					Self::join(&mut dispute, joins, None, Some(opening))
						.map_err(|error| error.with_weight(weight))?;
				} else if let Some(claim) = dispute.claims.iter_mut().find(|it| it.id == claim) {
					claim.opening = Some(opening);
				}
				Self::deposit_event(Event::TraceShown { request: id, claim, root, by });
				match dispute.contest {
					Contest::Opening => Self::next_of_openings(&dispute),
					_ => None,
				}
			},
			Checked::Withdraw => Some(Next::Withdrawn(claim)),
			Checked::Descend { side, children } => {
				Self::deposit_event(Event::Moved { request: id, claim });
				Self::next_of_children(&mut dispute, side, children)
			},
		};
		let Some(next) = next else {
			Self::wait_for_other(id, request, &dispute, claim);
			Disputes::<T>::insert(id, dispute);
			return Ok(Some(weight).into());
		};
		let decided = Self::apply(id, request, dispute, next);
		Ok(Some(weight.saturating_add(decided)).into())
	}

	/// Gives the other side time for its trace: until the first one is shown, it may have had no
	/// reason to show any.
	fn wait_for_other(
		id: RequestId,
		mut request: RequestOf<T>,
		dispute: &DisputeOf<T>,
		claim: ClaimId,
	) {
		let is_first = dispute.contest == Contest::Opening && dispute.side(claim).is_some();
		if let (true, RequestState::Disputed { until, .. }) = (is_first, &mut request.state) {
			let now = frame_system::Pallet::<T>::block_number();
			*until = Self::move_until(now, dispute.schedule);
			Self::put(id, request);
		}
	}

	/// A request in dispute, whose time to move is not over.
	fn disputed(id: RequestId) -> Result<(RequestOf<T>, DisputeOf<T>), Error<T>> {
		let request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		let RequestState::Disputed { until, .. } = &request.state else {
			return Err(Error::<T>::NotDisputed);
		};
		let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotDisputed)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now <= *until, Error::<T>::TooLate);
		Ok((request, dispute))
	}

	/// The move, if it can be made now.
	fn check_move(
		who: &T::AccountId,
		id: RequestId,
		request: &RequestOf<T>,
		dispute: &DisputeOf<T>,
		claim: ClaimId,
		step: MoveOf<T>,
	) -> Result<Checked<T::AccountId>, Error<T>> {
		match step {
			Move::Open { root, end, path, witness } => {
				let stands = Self::opens(who, request, dispute, claim)?;
				let case = Self::case(id, request)?;
				let last = dispute.schedule.steps.saturating_sub(1);
				ensure!(
					path.len() == dispute.schedule.depth as usize
						&& T::Adjudicator::root(end, last, &path) == root,
					Error::<T>::WrongTrace
				);
				let ending = T::Adjudicator::ending(&case.run(), end, &witness)
					.map_err(|_| Error::<T>::WrongEnding)?;
				ensure!(ending.answer() == stands.answer, Error::<T>::WrongEnding);
				let shown = dispute
					.claims
					.iter()
					.filter_map(|claim| claim.opening.as_ref())
					.find(|opening| opening.root == root);
				if let Some(shown) = shown {
					// Whoever claims what can be seen already only keeps others waiting.
					let is_early = claim < shown.before.saturating_add(LATE_CLAIMS);
					ensure!(stands.has_bond && is_early, Error::<T>::SameTrace);
					return Ok(Checked::Withdraw);
				}
				let before = dispute.next_claim.saturating_add(stands.joins.is_some().into());
				let opening = Opening { root, by: stands.by, before };
				Ok(Checked::Open { joins: stands.joins, opening })
			},
			Move::Descend(children) => {
				let Contest::Descending { level, nodes, moves, .. } = &dispute.contest else {
					return Err(Error::<T>::NotYourMove);
				};
				ensure!(dispute.claim(claim).is_some(), Error::<T>::NoSuchClaim);
				let side = dispute.side(claim).ok_or(Error::<T>::NotYourMove)?;
				let (Some(node), Some(moved)) = (nodes.get(side), moves.get(side)) else {
					return Err(Error::<T>::NotYourMove);
				};
				ensure!(moved.is_none(), Error::<T>::AlreadyMoved);
				let expected = 1usize << levels(dispute.schedule, *level);
				ensure!(
					children.len() == expected && T::Adjudicator::fold(&children) == *node,
					Error::<T>::WrongChildren
				);
				Ok(Checked::Descend { side, children })
			},
		}
	}

	/// What `who` can show the trace of under this number.
	fn opens(
		who: &T::AccountId,
		request: &RequestOf<T>,
		dispute: &DisputeOf<T>,
		claim: ClaimId,
	) -> Result<Stands<T::AccountId>, Error<T>> {
		if claim == dispute.next_claim {
			let (by, answer) = Self::seat_of(who, request).ok_or(Error::<T>::NotYourClaim)?;
			// Once for each seat, and not while the seats' own claim waits for its trace.
			let is_taken = |claim: &ClaimOf<T>| {
				claim.challenger.is_none()
					&& match &claim.opening {
						None => claim.answer == Some(answer),
						Some(opening) => opening.by == by,
					}
			};
			let has_lost = dispute.refuted.contains(&by);
			ensure!(!has_lost && !dispute.claims.iter().any(is_taken), Error::<T>::AlreadyMoved);
			ensure!(dispute.claims.len() < MAX_CLAIMS as usize, Error::<T>::TooManyClaims);
			let (joins, has_bond) = (Some(answer), false);
			return Ok(Stands { by, answer: joins, joins, has_bond });
		}
		let stands = dispute.claim(claim).ok_or(Error::<T>::NoSuchClaim)?;
		ensure!(stands.opening.is_none(), Error::<T>::AlreadyMoved);
		let by = Self::backer(who, request, dispute, stands).ok_or(Error::<T>::NotYourClaim)?;
		let (answer, has_bond) = (stands.answer, stands.challenger.is_some());
		Ok(Stands { by, answer, joins: None, has_bond })
	}

	/// The operator that `who` speaks for, and what it revealed for the request.
	fn seat_of(who: &T::AccountId, request: &RequestOf<T>) -> Option<(T::AccountId, H256)> {
		let mut names = [Some(who.clone()), T::Stake::operator_of(who)].into_iter().flatten();
		names.find_map(|name| Self::revealed(request, &name).map(|said| (name, said)))
	}

	/// In whose name `who` can say what a claim's trace is: its challenger's; without one, that of
	/// an operator in a seat that revealed the answer.
	fn backer(
		who: &T::AccountId,
		request: &RequestOf<T>,
		dispute: &DisputeOf<T>,
		claim: &ClaimOf<T>,
	) -> Option<T::AccountId> {
		let operator = T::Stake::operator_of(who);
		let mut names = [Some(who.clone()), operator].into_iter().flatten();
		names.find(|name| may_open(dispute, claim, &request.state, name))
	}

	/// The outcome that the operator revealed for the request.
	fn revealed(request: &RequestOf<T>, operator: &T::AccountId) -> Option<H256> {
		let seat = request.state.committee()?.iter().find(|seat| seat.operator == *operator)?;
		match seat.status {
			SeatStatus::Revealed(outcome) => Some(outcome),
			_ => None,
		}
	}

	/// Whether a move costs nothing: it can be made, and by the hot key of an operator that
	/// revealed what the claim says.
	pub(crate) fn is_move_free(
		origin: &OriginFor<T>,
		id: RequestId,
		claim: ClaimId,
		step: &MoveOf<T>,
	) -> bool {
		let Ok(who) = ensure_signed(origin.clone()) else { return false };
		let Ok((request, dispute)) = Self::disputed(id) else { return false };
		let speaks = match step {
			Move::Open { .. } if claim == dispute.next_claim => {
				T::Stake::operator_of(&who).is_some()
			},
			_ => Self::speaks_for(&who, &request, dispute.claim(claim)),
		};
		speaks && Self::check_move(&who, id, &request, &dispute, claim, step.clone()).is_ok()
	}

	/// Whether `who` is the hot key of an operator that revealed what one of the claims says.
	fn speaks_for<'a>(
		who: &T::AccountId,
		request: &RequestOf<T>,
		claims: impl IntoIterator<Item = &'a ClaimOf<T>>,
	) -> bool
	where
		T: 'a,
	{
		let Some(operator) = T::Stake::operator_of(who) else { return false };
		let said = Self::revealed(request, &operator);
		said.is_some() && claims.into_iter().any(|claim| claim.answer == said)
	}

	/// What follows once both sides have shown their traces.
	fn next_of_openings(dispute: &DisputeOf<T>) -> Option<Next> {
		let roots = dispute.sides()?.map(|side| side.opening.as_ref().map(|it| it.root));
		let [Some(one), Some(other)] = roots else { return None };
		Some(next_at(dispute.schedule, 0, 0, [one, other]))
	}

	/// The contest of the first two claims, from its beginning.
	pub(crate) fn first_contest(dispute: &DisputeOf<T>) -> Contest {
		match Self::next_of_openings(dispute) {
			Some(Next::Play(contest)) => contest,
			_ => Contest::Opening,
		}
	}

	/// Notes the nodes that a side says are there; what follows once both have.
	fn next_of_children(
		dispute: &mut DisputeOf<T>,
		side: usize,
		children: Children,
	) -> Option<Next> {
		let schedule = dispute.schedule;
		let Contest::Descending { level, index, moves, .. } = &mut dispute.contest else {
			return None;
		};
		*moves.get_mut(side)? = Some(children);
		let [Some(one), Some(other)] = moves else { return None };
		// The nodes above differ, so two of these do.
		let (place, nodes) = one
			.iter()
			.zip(other.iter())
			.enumerate()
			.find(|(_, (one, other))| one != other)
			.map(|(place, (one, other))| (place as u64, [*one, *other]))?;
		let down = levels(schedule, *level);
		let index = index.checked_shl(down)?.saturating_add(place);
		Some(next_at(schedule, level.saturating_add(down), index, nodes))
	}

	/// Goes on with a dispute. Returns what it costs beyond the move.
	fn apply(
		id: RequestId,
		mut request: RequestOf<T>,
		mut dispute: DisputeOf<T>,
		next: Next,
	) -> Weight {
		let now = frame_system::Pallet::<T>::block_number();
		let seats = request.state.committee().map_or(0, |committee| committee.len() as u32);
		let mut weight = Weight::zero();
		request.state = match (next, request.state.clone()) {
			(Next::Play(contest), RequestState::Disputed { committee, outcome, .. }) => {
				match &contest {
					Contest::Descending { level, index, .. } => {
						let (level, index) = (*level, *index);
						Self::deposit_event(Event::Narrowed { request: id, level, index });
					},
					Contest::Settling { step, .. } => {
						Self::deposit_event(Event::StepFound { request: id, step: *step });
					},
					_ => (),
				}
				dispute.contest = contest;
				let until = Self::move_until(now, dispute.schedule);
				Disputes::<T>::insert(id, dispute);
				RequestState::Disputed { committee, outcome, until }
			},
			(Next::Withdrawn(claim), RequestState::Disputed { committee, outcome, until }) => {
				Self::withdraw(id, &request, committee, outcome, until, dispute, claim)
			},
			(Next::Decided(stand), RequestState::Disputed { committee, outcome, .. }) => {
				weight = Self::weight_of_lapse(seats);
				Self::decide(id, &request, committee, outcome, dispute, stand, now)
			},
			(_, unchanged) => unchanged,
		};
		Self::put(id, request);
		weight
	}

	/// A claim is taken back, with its bond: another one stands for the same trace.
	fn withdraw(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		until: BlockNumberFor<T>,
		mut dispute: DisputeOf<T>,
		claim: ClaimId,
	) -> StateOf<T> {
		let plays = dispute.side(claim).is_some();
		if let Some(at) = dispute.claims.iter().position(|it| it.id == claim) {
			Self::release_bond(&dispute.claims.remove(at));
			Self::deposit_event(Event::ClaimWithdrawn { request: id, claim });
		}
		if plays {
			let now = frame_system::Pallet::<T>::block_number();
			return Self::go_on(id, request, committee, outcome, dispute, now);
		}
		Disputes::<T>::insert(id, dispute);
		RequestState::Disputed { committee, outcome, until }
	}

	/// See [`crate::Call::settle`].
	pub(crate) fn do_settle(
		id: RequestId,
		before: Before,
		witness: WitnessOf<T>,
	) -> DispatchResultWithPostInfo {
		let nothing = Self::weight_of_settling(&witness, 0);
		let (request, dispute) = Self::disputed(id).map_err(|error| error.with_weight(nothing))?;
		let (result, work) = Self::check_settling(id, &request, &dispute, &before, &witness);
		let weight = Self::weight_of_settling(&witness, work);
		let Executed { step, after, stand } = result.map_err(|error| error.with_weight(weight))?;
		Self::deposit_event(Event::StepExecuted { request: id, step, after });
		let decided = Self::apply(id, request, dispute, Next::Decided(stand));
		Ok(Some(weight.saturating_add(decided)).into())
	}

	/// Executes the step in dispute; also returns the work that it was.
	fn check_settling(
		id: RequestId,
		request: &RequestOf<T>,
		dispute: &DisputeOf<T>,
		before: &Before,
		witness: &WitnessOf<T>,
	) -> (Result<Executed, Error<T>>, u64) {
		let Contest::Settling { step, leaves } = dispute.contest else {
			return (Err(Error::<T>::NotSettling), 0);
		};
		let case = match Self::case(id, request) {
			Ok(case) => case,
			Err(error) => return (Err(error), 0),
		};
		let run = case.run();
		let work = T::Adjudicator::work(&run, step);
		if work > T::MaxStepWork::get() {
			return (Err(Error::<T>::StepTooLarge), 0);
		}
		let before = match (step.checked_sub(1), before) {
			(None, None) => None,
			(Some(last), Some((state, path))) if Self::is_agreed(dispute, *state, last, path) => {
				Some(*state)
			},
			_ => return (Err(Error::<T>::WrongStateBefore), 0),
		};
		let executed = T::Adjudicator::execute(&run, step, before, witness)
			.map(|after| Executed { step, after, stand: leaves.map(|leaf| leaf == after) })
			.map_err(|_| Error::<T>::WrongWitness);
		(executed, work)
	}

	/// Whether `state` is what the traces of both sides have after step `last`, which is before the
	/// first one that they differ in: then either's path shows it.
	fn is_agreed(dispute: &DisputeOf<T>, state: H256, last: u64, path: &Path) -> bool {
		let is_whole = path.len() == dispute.schedule.depth as usize;
		let (Some(sides), true) = (dispute.sides(), is_whole) else {
			return false;
		};
		let root = T::Adjudicator::root(state, last, path);
		sides
			.iter()
			.any(|side| side.opening.as_ref().is_some_and(|opening| opening.root == root))
	}

	/// Whether the deciding call costs nothing: it decides, and is made by the hot key of an
	/// operator that revealed what one of the sides says.
	pub(crate) fn is_settling_free(
		origin: &OriginFor<T>,
		id: RequestId,
		before: &Before,
		witness: &WitnessOf<T>,
	) -> bool {
		let Ok(who) = ensure_signed(origin.clone()) else { return false };
		let Ok((request, dispute)) = Self::disputed(id) else { return false };
		let Some(sides) = dispute.sides() else { return false };
		Self::speaks_for(&who, &request, sides)
			&& Self::check_settling(id, &request, &dispute, before, witness).0.is_ok()
	}

	/// What a move costs, taken or not, if the other side still has to make its own; twice, as it is
	/// also checked to see whether the call is free.
	pub(crate) fn weight_of_move(step: &MoveOf<T>) -> Weight {
		let once = match step {
			Move::Open { witness, .. } => T::WeightInfo::open(witness.encoded_size() as u32),
			Move::Descend(_) => T::WeightInfo::descend(),
		};
		once.saturating_mul(2)
	}

	/// The most that a move can cost.
	pub(crate) fn weight_of_any_move(step: &MoveOf<T>) -> Weight {
		Self::weight_of_move(step).saturating_add(Self::weight_of_lapse(MAX_COMMITTEE))
	}

	/// What executing a step of so much work costs; twice, as it is also tried to see whether the
	/// call is free.
	fn weight_of_settling(witness: &WitnessOf<T>, work: u64) -> Weight {
		T::WeightInfo::settle(witness.encoded_size() as u32)
			.saturating_add(T::WeightInfo::step(thousands(work)))
			.saturating_mul(2)
	}

	/// The most that the deciding call can cost.
	pub(crate) fn weight_of_any_settling(witness: &WitnessOf<T>) -> Weight {
		Self::weight_of_settling(witness, T::MaxStepWork::get())
			.saturating_add(Self::weight_of_lapse(MAX_COMMITTEE))
	}
}
