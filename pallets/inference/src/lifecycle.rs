//! How a request moves from one state to the next.

use crate::{
	audit::votes, AgreedAt, Assignments, Checks, CommitteeOf, Config, Deadlines, DrawnUpTo, Error,
	Event, Excluded, Idle, Inputs, Outputs, Pallet, Queue, RequestOf, Requests, ServedUpTo,
	SpentRandomness, StateOf, WeightInfo, LOG_TARGET,
};
use alloc::vec::Vec;
use dodona_primitives_inference::{
	quorum, FailureReason, RequestId, RequestState, ResultSink, Seat, SeatStatus, MAX_CLAIMS,
	MAX_COMMITTEE,
};
use dodona_primitives_models::ModelInspect;
use dodona_primitives_staking::{Offence, StakeInspect, StakeSlash};
use frame_support::{ensure, pallet_prelude::*, traits::Randomness, weights::WeightMeter};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::{One, Saturating};

impl<T: Config> Pallet<T> {
	/// Stores a request, and makes sure that its next deadline is looked at.
	pub(crate) fn put(id: RequestId, request: RequestOf<T>) {
		if let RequestState::Queued { since } = request.state {
			Queue::<T>::insert(since, id, ());
		}
		Deadlines::<T>::insert(Self::due(&request.state), id, ());
		Requests::<T>::insert(id, request);
	}

	/// The first block in which a request in this state can be moved on by time alone.
	pub(crate) fn due(state: &StateOf<T>) -> BlockNumberFor<T> {
		let last = match state {
			RequestState::Queued { since } => since.saturating_add(T::DrawPeriod::get()),
			RequestState::Committing { until, .. }
			| RequestState::Revealing { until, .. }
			| RequestState::Agreed { until, .. }
			| RequestState::Disputed { until, .. } => *until,
			RequestState::Finalized { at, .. } | RequestState::Failed { at, .. } => {
				at.saturating_add(T::ResultRetention::get())
			},
		};
		last.saturating_add(One::one())
	}

	/// All that a block does by itself, with at most half of what `meter` has left.
	pub(crate) fn serve(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		// The other half is left to extrinsics: they are how a request moves on before its deadline.
		let mut budget = WeightMeter::with_limit(meter.remaining() / 2);
		if budget.try_consume(T::WeightInfo::serve_block()).is_err() {
			return;
		}
		// Half of that again, so that any number of new requests leaves weight for deadlines.
		let mut draws = WeightMeter::with_limit(budget.remaining() / 2);
		Self::serve_queue(now, &mut draws);
		budget.consume(draws.consumed());
		Self::serve_deadlines(now, &mut budget);
		meter.consume(budget.consumed());
	}

	/// Draws a committee for every request that is older than this block's randomness, as far as
	/// `budget` reaches.
	fn serve_queue(now: BlockNumberFor<T>, budget: &mut WeightMeter) {
		let (random, known_since) = T::Randomness::random(b"dodona/draw");
		// Since the block that was the first to draw from it, stake could be moved to suit it.
		if SpentRandomness::<T>::get().is_some_and(|spent| known_since <= spent) {
			return;
		}
		let youngest = known_since.min(now).saturating_sub(One::one());
		let overdue = now.saturating_sub(T::DrawPeriod::get()).saturating_sub(One::one());
		let before = DrawnUpTo::<T>::get();
		// Whoever waits since an earlier block fails at the deadline.
		let mut drawn = before.max(overdue.min(youngest));
		let step = T::WeightInfo::serve_block();
		'blocks: while drawn < youngest {
			let since = drawn.saturating_add(One::one());
			// One iterator for all: each would step again over whatever was removed before.
			let mut waiting = Queue::<T>::iter_key_prefix(since);
			loop {
				let next = waiting.next();
				let weight = next.map_or_else(Weight::zero, Self::weight_of_draw);
				// Each step leaves enough to go on to the next block.
				if !budget.can_consume(weight.saturating_add(step)) {
					SpentRandomness::<T>::put(known_since);
					break 'blocks;
				}
				let Some(id) = next else { break };
				budget.consume(weight);
				Self::do_draw(id, random, now);
			}
			budget.consume(step);
			drawn = since;
		}
		if drawn > before {
			DrawnUpTo::<T>::put(drawn);
		}
	}

	/// Takes a request out of the queue, and draws its committee.
	pub(crate) fn do_draw(id: RequestId, random: H256, now: BlockNumberFor<T>) {
		let Some(mut request) = Requests::<T>::get(id) else { return };
		let RequestState::Queued { since } = request.state else { return };
		Queue::<T>::remove(since, id);
		request.state = Self::draw(id, &mut request, random, now);
		Self::put(id, request);
	}

	/// Serves the deadlines up to `now`, as far as `budget` reaches; the next block goes on where
	/// this one stopped.
	fn serve_deadlines(now: BlockNumberFor<T>, budget: &mut WeightMeter) {
		let before = ServedUpTo::<T>::get();
		let mut served = before;
		let step = T::WeightInfo::serve_block();
		'blocks: while served < now {
			let block = served.saturating_add(One::one());
			// One iterator for all: each would step again over whatever was removed before.
			let mut due = Deadlines::<T>::iter_key_prefix(block);
			loop {
				let next = due.next();
				let weight =
					next.map_or_else(Weight::zero, |id| Self::weight_of_transition(id, now));
				// Each step leaves enough to go on to the next block.
				if !budget.can_consume(weight.saturating_add(step)) {
					break 'blocks;
				}
				let Some(id) = next else { break };
				budget.consume(weight);
				Deadlines::<T>::remove(block, id);
				match Self::do_advance(id, now) {
					// Served, or moved on before its deadline: then its next one has an entry.
					Ok(()) => (),
					Err(error) => Self::keep_deadline(id, now, error),
				}
			}
			budget.consume(step);
			served = block;
		}
		if served > before {
			ServedUpTo::<T>::put(served);
		}
	}

	/// A request that was looked at too early, because it moved on by itself, is looked at again.
	fn keep_deadline(id: RequestId, now: BlockNumberFor<T>, error: DispatchError) {
		let Some(request) = Requests::<T>::get(id) else { return };
		let due = Self::due(&request.state);
		if due > now {
			Deadlines::<T>::insert(due, id, ());
		} else {
			// `advance` stays open to anyone; an invariant is broken, though.
			log::error!(target: LOG_TARGET, "request {id} can't move on: {error:?}");
		}
	}

	/// What drawing a committee for this request costs.
	fn weight_of_draw(id: RequestId) -> Weight {
		// Whoever is left out costs a draw as much as whoever is drawn; in vain, it obliges nobody.
		let excluded = Excluded::<T>::decode_len(id).unwrap_or_default() as u32;
		let first = Self::audit_of(id).map_or(0, |(first, _)| first.len() as u32);
		let seats = T::CommitteeSize::get().max(first);
		T::WeightInfo::draw(seats.saturating_add(excluded).saturating_add(first))
			.max(Self::weight_of_fail())
			.saturating_add(Self::weight_of_audit(id))
	}

	/// What moving this request on by time costs.
	pub(crate) fn weight_of_transition(id: RequestId, now: BlockNumberFor<T>) -> Weight {
		let Some(RequestOf::<T> { state, .. }) = Requests::<T>::get(id) else {
			return T::WeightInfo::serve_block();
		};
		if Self::due(&state) > now {
			return T::WeightInfo::serve_block();
		}
		let seats = state.committee().map_or(0, |committee| committee.len() as u32);
		match state {
			RequestState::Queued { .. } => {
				Self::weight_of_fail().saturating_add(Self::weight_of_audit(id))
			},
			RequestState::Committing { .. } => {
				Self::weight_of_close(seats).saturating_add(Self::weight_of_audit(id))
			},
			RequestState::Revealing { .. } => {
				Self::weight_of_tally(seats).saturating_add(Self::weight_of_audit(id))
			},
			RequestState::Agreed { .. } => Self::weight_of_end_of_window(seats),
			RequestState::Disputed { .. } => Self::weight_of_end_of_dispute(seats),
			RequestState::Finalized { .. } | RequestState::Failed { .. } => T::WeightInfo::prune(),
		}
	}

	/// What the end of a request without a result costs.
	pub(crate) fn weight_of_fail() -> Weight {
		T::WeightInfo::fail().saturating_add(T::Results::weight())
	}

	/// What making the outcome of so many seats the result costs.
	pub(crate) fn weight_of_finalize(seats: u32) -> Weight {
		T::WeightInfo::finalize(seats).saturating_add(T::Results::weight())
	}

	/// What the end of the time to challenge costs, once it is known whether there is an audit.
	fn weight_of_end_of_window(seats: u32) -> Weight {
		T::WeightInfo::begin_audit(seats).saturating_add(Self::weight_of_finalize(seats))
	}

	/// What the end of the time for a move, or for another challenge, costs: it may be the end of the
	/// dispute, or of the request, or an audit.
	fn weight_of_end_of_dispute(seats: u32) -> Weight {
		Self::weight_of_lapse(seats)
			.max(Self::weight_of_conclusion(seats))
			.saturating_add(T::WeightInfo::begin_audit(seats))
	}

	/// The most that closing the commitments of a committee can cost.
	pub(crate) fn weight_of_any_close() -> Weight {
		let audited = Self::weight_of_close(MAX_COMMITTEE / 2)
			.saturating_add(Self::weight_of_audit_end(MAX_COMMITTEE));
		Self::weight_of_close(MAX_COMMITTEE).max(audited)
	}

	/// The most that counting the reveals of a committee can cost.
	pub(crate) fn weight_of_any_tally() -> Weight {
		let audited = Self::weight_of_tally(MAX_COMMITTEE / 2)
			.saturating_add(Self::weight_of_audit_end(MAX_COMMITTEE));
		Self::weight_of_tally(MAX_COMMITTEE).max(audited)
	}

	/// What closing the commitments of so many seats costs; it may be the end of the request.
	pub(crate) fn weight_of_close(seats: u32) -> Weight {
		T::WeightInfo::close_commitments(seats).saturating_add(Self::weight_of_fail())
	}

	/// What counting the reveals of so many seats costs; it may be the end of the request, or a
	/// dispute.
	pub(crate) fn weight_of_tally(seats: u32) -> Weight {
		T::WeightInfo::tally(seats)
			.max(T::WeightInfo::dispute(seats))
			.saturating_add(Self::weight_of_fail())
	}

	/// The most that moving a request on by time can cost.
	pub(crate) fn weight_of_any_transition() -> Weight {
		Self::weight_of_any_close()
			.max(Self::weight_of_any_tally())
			.max(Self::weight_of_end_of_window(MAX_COMMITTEE))
			.max(Self::weight_of_end_of_dispute(MAX_COMMITTEE))
			.max(T::WeightInfo::prune())
			.max(T::WeightInfo::serve_block())
	}

	/// See [`crate::Call::advance`].
	pub(crate) fn do_advance(id: RequestId, now: BlockNumberFor<T>) -> DispatchResult {
		let mut request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		ensure!(Self::due(&request.state) <= now, Error::<T>::NotDue);
		request.state = match request.state.clone() {
			RequestState::Queued { since } => {
				Queue::<T>::remove(since, id);
				Self::give_up(id, &request, FailureReason::NoRandomness, now)
			},
			RequestState::Committing { committee, .. } => {
				Self::close_commitments(id, &request, committee, now)
			},
			RequestState::Revealing { committee, .. } => Self::tally(id, &request, committee, now),
			// Nobody could have challenged it to the end.
			RequestState::Agreed { committee, .. } if Self::is_stale(request.version) => {
				Idle::<T>::remove(id);
				Self::dismiss(id, &committee);
				AgreedAt::<T>::remove(id);
				Self::try_again(id, &request, committee.iter(), FailureReason::NoQuorum, now)
			},
			// Nobody can be kept from challenging by disputes over something else.
			RequestState::Agreed { committee, outcome, .. } if Self::is_full(now) => {
				let until = now.saturating_add(T::ChallengePeriod::get());
				Self::deposit_event(Event::WindowExtended { request: id, until });
				RequestState::Agreed { committee, outcome, until }
			},
			RequestState::Agreed { committee, outcome, .. }
				if Self::has_to_be_audited(T::AuditRate::get(), id, &request, &committee) =>
			{
				Self::begin_audit(id, committee, outcome, now)
			},
			RequestState::Agreed { committee, outcome, .. } => {
				Self::finalize(id, &request, committee, outcome, now)
			},
			RequestState::Disputed { committee, outcome, .. } => {
				Self::lapse(id, &request, committee, outcome, now)
			},
			RequestState::Finalized { .. } | RequestState::Failed { .. } => {
				Self::prune(id);
				return Ok(());
			},
		};
		Self::put(id, request);
		Ok(())
	}

	/// `Queued` → `Committing` or `Failed`.
	fn draw(
		id: RequestId,
		request: &mut RequestOf<T>,
		random: H256,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		if !T::Models::may_answer(request.version) {
			return Self::give_up(id, request, FailureReason::VersionNotServed, now);
		}
		// An audit has as many seats as the committee that it audits.
		let (first, _) = Self::audit_of(id).unwrap_or_default();
		let seats = match first.len() as u32 {
			0 => T::CommitteeSize::get().clamp(1, MAX_COMMITTEE),
			seats => seats,
		};
		// Nobody computes the answer to a question of their own.
		let own = T::Stake::operator_of(&request.requester);
		let mut exclude: Vec<T::AccountId> = Excluded::<T>::get(id).into_inner();
		exclude.push(request.requester.clone());
		exclude.extend(own);
		exclude.extend(first.into_iter().map(|seat| seat.operator));

		let seed = Self::seed(random, id, request.attempt);
		let operators = T::Stake::draw(seed, seats, &exclude);
		if (operators.len() as u32) < seats {
			return Self::give_up(id, request, FailureReason::NoWorkers, now);
		}
		request.attempt = request.attempt.saturating_add(1);
		for operator in &operators {
			T::Stake::oblige(operator);
			Assignments::<T>::insert(operator, id, ());
		}
		let seat = |operator: &T::AccountId| Seat {
			operator: operator.clone(),
			status: SeatStatus::Assigned,
		};
		let committee = BoundedVec::truncate_from(operators.iter().map(seat).collect());
		Self::deposit_event(Event::CommitteeDrawn {
			request: id,
			attempt: request.attempt,
			operators,
		});
		RequestState::Committing { committee, until: now.saturating_add(T::CommitPeriod::get()) }
	}

	/// `Committing` → `Revealing`, `Queued` or `Failed`; or the end of an audit.
	pub(crate) fn close_commitments(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let seats = committee.len() as u32;
		let committed =
			committee.iter().filter(|seat| seat.status != SeatStatus::Assigned).count() as u32;
		let enough = committed >= quorum(seats);
		for seat in committee.iter().filter(|seat| seat.status == SeatStatus::Assigned) {
			// Only a quorum shows that the answer could be had: where the weights are missing or
			// corrupt, a single seat that commits to anything must not bring the others down.
			if enough {
				T::Stake::punish(&seat.operator, Offence::NoShow, T::NoShowPenalty::get());
			}
			Self::leave(id, &seat.operator);
		}
		if enough {
			Self::deposit_event(Event::CommitmentsClosed { request: id, committed });
			let until = now.saturating_add(T::RevealPeriod::get());
			return RequestState::Revealing { committee, until };
		}
		for seat in committee.iter().filter(|seat| seat.status != SeatStatus::Assigned) {
			Self::leave(id, &seat.operator);
		}
		let silent = committee.iter().filter(|seat| seat.status == SeatStatus::Assigned);
		Self::try_again(id, request, silent, FailureReason::NoQuorum, now)
	}

	/// `Revealing` → `Agreed`, `Disputed`, `Queued` or `Failed`; or the end of an audit.
	pub(crate) fn tally(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		for seat in &committee {
			// Who never committed was punished and released when the commitments were closed.
			if matches!(seat.status, SeatStatus::Committed(_)) {
				let penalty = T::UnrevealedPenalty::get();
				T::Stake::punish(&seat.operator, Offence::Unrevealed, penalty);
				Self::leave(id, &seat.operator);
			}
		}
		if let Some((first, outcome)) = Self::audit_of(id) {
			return Self::end_audit(id, request, first, outcome, committee, now);
		}
		let votes = votes(&committee);
		let needed = quorum(committee.len() as u32);
		let agreed = votes.iter().find(|(_, votes)| **votes >= needed);
		let agreed = agreed.map(|(outcome, votes)| (*outcome, *votes));
		if let Some((outcome, votes)) = agreed {
			Self::deposit_event(Event::Agreed { request: id, outcome, votes });
			AgreedAt::<T>::insert(id, now);
		}
		let is_split = votes.len() > 1;
		if let (true, Ok(schedule)) = (is_split, Self::schedule(id, request)) {
			let outcome = agreed.map(|(outcome, _)| outcome);
			return Self::dissent(id, schedule, committee, outcome, votes, now);
		}
		// Where seats differ that can't be heard any more, nobody is punished for it.
		let agreed = agreed.filter(|_| !is_split || !Self::is_stale(request.version));
		if let Some((outcome, _)) = agreed {
			Self::await_idle_time(id, request.version);
			let until = now.saturating_add(T::ChallengePeriod::get());
			return RequestState::Agreed { committee, outcome, until };
		}
		// Nobody is shown to be wrong: those who revealed lose nothing.
		AgreedAt::<T>::remove(id);
		Self::dismiss(id, &committee);
		Self::try_again(id, request, committee.iter(), FailureReason::NoQuorum, now)
	}

	/// `Agreed` → `Finalized`.
	pub(crate) fn finalize(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		outcome: H256,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		Idle::<T>::remove(id);
		for seat in &committee {
			if matches!(seat.status, SeatStatus::Revealed(other) if other != outcome) {
				T::Stake::punish(&seat.operator, Offence::Dissent, T::DissentPenalty::get());
			}
		}
		Self::dismiss(id, &committee);
		Self::pay_out(id, request, &committee, outcome, None);
		RequestState::Finalized { committee, outcome, at: now }
	}

	/// `outcome` is the result: pays for it, and drops whatever else there was.
	pub(crate) fn pay_out(
		id: RequestId,
		request: &RequestOf<T>,
		committee: &[Seat<T::AccountId>],
		outcome: H256,
		challenger: Option<&T::AccountId>,
	) {
		let (paid, refunded) = Self::pay(id, request, committee, outcome, challenger);
		Self::forget_outputs(id, Some(outcome));
		Self::forget_question(id);
		Self::deposit_event(Event::Finalized { request: id, outcome, paid, refunded });
		match Outputs::<T>::get(id, outcome) {
			Some(output) => T::Results::finalized(id, outcome, &output),
			// An outcome is only counted with its output.
			None => T::Results::failed(id),
		}
	}

	/// → `Queued` for another committee, without `unwanted`; → `Failed` after the last attempt. An
	/// audit comes to nothing.
	pub(crate) fn try_again<'a>(
		id: RequestId,
		request: &RequestOf<T>,
		unwanted: impl Iterator<Item = &'a Seat<T::AccountId>>,
		reason: FailureReason,
		now: BlockNumberFor<T>,
	) -> StateOf<T>
	where
		T::AccountId: 'a,
	{
		if let Some((first, outcome)) = Self::audit_of(id) {
			return Self::void_audit(id, request, first, outcome, now);
		}
		let audits = Self::forget_check(id);
		if request.attempt >= T::MaxAttempts::get().saturating_add(audits) {
			return Self::fail(id, request, reason, now);
		}
		Excluded::<T>::mutate(id, |excluded| {
			for seat in unwanted {
				// Bounded by the most seats of the most attempts, so there is always room.
				let _ = excluded.try_push(seat.operator.clone());
			}
		});
		Self::forget_outputs(id, None);
		Self::deposit_event(Event::AttemptFailed { request: id, attempt: request.attempt });
		RequestState::Queued { since: now }
	}

	/// → `Failed`: the whole fee goes back.
	pub(crate) fn fail(
		id: RequestId,
		request: &RequestOf<T>,
		reason: FailureReason,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		Self::release(request, request.fee);
		Self::forget_outputs(id, None);
		Self::forget_question(id);
		Self::deposit_event(Event::Failed { request: id, reason });
		T::Results::failed(id);
		RequestState::Failed { reason, at: now }
	}

	/// Removes what is left of a request that ended.
	fn prune(id: RequestId) {
		Self::forget_outputs(id, None);
		Requests::<T>::remove(id);
		AgreedAt::<T>::remove(id);
		Checks::<T>::remove(id);
		Self::deposit_event(Event::Pruned { request: id });
	}

	/// Ends the open seats of those who revealed.
	pub(crate) fn dismiss(id: RequestId, committee: &[Seat<T::AccountId>]) {
		for seat in committee {
			if matches!(seat.status, SeatStatus::Revealed(_)) {
				Self::leave(id, &seat.operator);
			}
		}
	}

	/// Ends one open seat: the operator is not at risk for this request any more.
	pub(crate) fn leave(id: RequestId, operator: &T::AccountId) {
		if Assignments::<T>::take(operator, id).is_some() {
			T::Stake::discharge(operator);
		}
	}

	/// Removes what is of no use once a request has ended: nobody will be drawn for it again.
	fn forget_question(id: RequestId) {
		Inputs::<T>::remove(id);
		Excluded::<T>::remove(id);
	}

	/// Removes all revealed outputs but that of `result`: at most one for each seat and claim, and
	/// one that the runtime has computed.
	fn forget_outputs(id: RequestId, result: Option<H256>) {
		let most = MAX_COMMITTEE.saturating_add(MAX_CLAIMS).saturating_add(1) as usize;
		let outcomes: Vec<H256> = Outputs::<T>::iter_key_prefix(id).take(most).collect();
		for outcome in outcomes.into_iter().filter(|outcome| Some(*outcome) != result) {
			Outputs::<T>::remove(id, outcome);
		}
	}
}
