//! How a dispute ends: who is out, what is forfeited, and what the answer is.

use crate::{
	audit::votes, disputes::Case, AgreedAt, BalanceOf, ClaimOf, CommitteeOf, Config, CreditOf,
	DisputeOf, Disputes, Error, Event, FullUntil, HoldReason, Idle, Outputs, Pallet, RequestOf,
	Requests, RoomTaken, StateOf, WeightInfo,
};
use alloc::vec::Vec;
use core::cmp::Reverse;
use dodona_engine::{trace::check, Model};
use dodona_primitives_inference::{
	quorum, thousands, work_here, Contest, Ending, FailureReason, RequestId, RequestState,
	ResultSink, Seat, SeatStatus, MAX_CLAIMS, MAX_COMMITTEE, MAX_WEIGHTS_LEN,
};
use dodona_primitives_models::ArtifactRef;
use dodona_primitives_staking::{Offence, RewardSink, StakeSlash};
use frame_support::{
	dispatch::WithPostDispatchInfo,
	ensure,
	pallet_prelude::*,
	traits::{
		fungible::{BalancedHold, MutateHold},
		tokens::Precision,
		Imbalance,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::Zero;

/// Who is rewarded for the truth.
#[derive(Clone)]
enum Defender<AccountId> {
	/// A challenger, or whoever had the runtime compute the answer.
	Account(AccountId),
	/// An operator that showed the trace of its seat's outcome.
	Operator(AccountId),
}

impl<AccountId> Defender<AccountId> {
	fn account(&self) -> &AccountId {
		match self {
			Self::Account(who) | Self::Operator(who) => who,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The time for a move, or for another challenge, is over.
	pub(crate) fn lapse(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let Some(dispute) = Disputes::<T>::get(id) else {
			// An invariant is broken. Nobody is punished, and the fee goes back.
			log::error!(target: crate::LOG_TARGET, "request {id} is disputed without a dispute");
			Self::dismiss(id, &committee);
			return Self::fail(id, request, FailureReason::NoQuorum, now);
		};
		// The engine or the record may be gone. Then nobody could move, or challenge the winner.
		if Self::decidable(request.version).is_err() {
			return Self::abandon(id, request, committee, dispute, now);
		}
		let stand = match (&dispute.contest, dispute.sides()) {
			(Contest::Won, _) => {
				// To have a friend disagree spares nobody an audit.
				if let Some(outcome) = Self::upheld(&committee, &dispute, outcome) {
					if Self::has_to_be_audited(T::AuditRate::get(), id, request, &committee) {
						return Self::audit_upheld(id, committee, dispute, outcome, now);
					}
				}
				let answer = dispute.claims.first().and_then(|claim| claim.answer);
				return Self::end_dispute(id, request, committee, dispute, answer, None, now);
			},
			(Contest::Descending { moves, .. }, _) => moves.each_ref().map(Option::is_some),
			(_, None) => [false, false],
			(Contest::Opening, Some(sides)) => match sides.map(|side| side.opening.is_some()) {
				[false, false] => Self::quorum_stands(sides, outcome),
				shown => shown,
			},
			(Contest::Settling { .. }, Some(sides)) => Self::quorum_stands(sides, outcome),
		};
		Self::decide(id, request, committee, outcome, dispute, stand, now)
	}

	/// The result of a quorum, if it is what a dispute has left, and has a quorum of seats behind it
	/// that were not shown to be wrong.
	pub(crate) fn upheld(
		committee: &[Seat<T::AccountId>],
		dispute: &DisputeOf<T>,
		outcome: Option<H256>,
	) -> Option<H256> {
		let answer = dispute.claims.first().and_then(|claim| claim.answer);
		let right = |seat: &&Seat<_>| Self::was_right(seat, dispute, answer) == Some(true);
		let votes = committee.iter().filter(right).count() as u32;
		let is_upheld = dispute.contest == Contest::Won
			&& answer == outcome
			&& votes >= quorum(committee.len() as u32);
		outcome.filter(|_| is_upheld)
	}

	/// Whether a seat has revealed the right answer, and has shown no wrong trace for it; `None` if it
	/// has revealed nothing.
	fn was_right(
		seat: &Seat<T::AccountId>,
		dispute: &DisputeOf<T>,
		answer: Option<H256>,
	) -> Option<bool> {
		match seat.status {
			SeatStatus::Revealed(said) => {
				Some(Some(said) == answer && !dispute.refuted.contains(&seat.operator))
			},
			_ => None,
		}
	}

	/// `Disputed` → `Queued` for a second committee. Seats that were wrong are over: they are punished,
	/// and from now on like those that have said nothing.
	fn audit_upheld(
		id: RequestId,
		mut committee: CommitteeOf<T>,
		dispute: DisputeOf<T>,
		outcome: H256,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let defender = dispute.claims.first().and_then(Self::defender);
		Self::punish_wrong(&committee, &dispute, Some(outcome), defender.as_ref());
		for seat in committee.iter_mut() {
			if Self::was_right(seat, &dispute, Some(outcome)) == Some(false) {
				Self::leave(id, &seat.operator);
				seat.status = SeatStatus::Assigned;
			}
		}
		dispute.claims.iter().for_each(Self::release_bond);
		Self::close_dispute(id, dispute.takes_room);
		Self::begin_audit(id, committee, outcome, now)
	}

	/// Where nobody has shown anything, the quorum's word stands: to disagree and do no more must
	/// not bring down all who agree.
	fn quorum_stands(sides: [&ClaimOf<T>; 2], outcome: Option<H256>) -> [bool; 2] {
		sides.map(|side| {
			side.challenger.is_none() && side.answer.is_some() && side.answer == outcome
		})
	}

	/// Goes on with those of the first two claims that stand, and whoever waits.
	pub(crate) fn decide(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		mut dispute: DisputeOf<T>,
		stand: [bool; 2],
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let mut lost = Vec::new();
		for (index, stands) in stand.into_iter().enumerate().rev() {
			if !stands && index < dispute.claims.len() {
				lost.push(dispute.claims.remove(index));
			}
		}
		// If one of the two stands, it is the first now.
		let winner = dispute.claims.first().filter(|_| stand != [false, false]);
		let defender = winner.and_then(Self::defender);
		for claim in lost.into_iter().rev() {
			Self::lose(id, &committee, &mut dispute, claim, defender.as_ref());
		}
		Self::revive(&committee, &mut dispute);
		if dispute.claims.len() == 1 {
			dispute.rounds = dispute.rounds.saturating_add(1);
		}
		Self::go_on(id, request, committee, outcome, dispute, now)
	}

	/// If no claim is left, the seats whose trace has not lost stand again for what they revealed, as
	/// long as one of the others has shown a wrong trace since they last did. So no seat can bring
	/// down the others by throwing their game before they have said anything.
	fn revive(committee: &[Seat<T::AccountId>], dispute: &mut DisputeOf<T>) {
		let refuted = dispute.refuted.len() as u32;
		if !dispute.claims.is_empty() || refuted <= dispute.revived {
			return;
		}
		dispute.revived = refuted;
		let others = committee.iter().filter(|seat| !dispute.refuted.contains(&seat.operator));
		let others: Vec<_> = others.cloned().collect();
		let mut answers: Vec<_> = votes(&others).into_iter().collect();
		answers.sort_by_key(|(_, votes)| Reverse(*votes));
		for (answer, _) in answers.into_iter().take(MAX_CLAIMS as usize) {
			// There is room: no claim is there.
			let _ = Self::join(dispute, Some(answer), None, None);
		}
	}

	/// Goes on with the claims that stand.
	pub(crate) fn go_on(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		mut dispute: DisputeOf<T>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let until = match dispute.claims.as_slice() {
			[] => return Self::nobody_stands(id, request, committee, dispute.takes_room, now),
			[claim] => {
				dispute.contest = Contest::Won;
				let until = Self::window_until(now, dispute.schedule);
				let (claim, answer) = (claim.id, claim.answer);
				Self::deposit_event(Event::ClaimWon { request: id, claim, answer, until });
				until
			},
			_ => {
				dispute.contest = Self::first_contest(&dispute);
				Self::move_until(now, dispute.schedule)
			},
		};
		Disputes::<T>::insert(id, dispute);
		RequestState::Disputed { committee, outcome, until }
	}

	/// A claim is out: whoever put up a bond for it forfeits it.
	fn lose(
		id: RequestId,
		committee: &[Seat<T::AccountId>],
		dispute: &mut DisputeOf<T>,
		claim: ClaimOf<T>,
		defender: Option<&Defender<T::AccountId>>,
	) {
		let forfeited = claim.challenger.as_ref().map_or_else(Zero::zero, |challenger| {
			let reason = HoldReason::Challenge.into();
			let (credit, missing) = T::Currency::slash(&reason, &challenger.who, challenger.bond);
			debug_assert!(missing.is_zero(), "a bond is held until its claim wins or loses");
			let forfeited = credit.peek();
			Self::share_out(credit, defender);
			forfeited
		});
		if let (None, Some(opening)) = (&claim.challenger, &claim.opening) {
			if !dispute.refuted.contains(&opening.by) {
				// At most one for each seat.
				let _ = dispute.refuted.try_push(opening.by.clone());
			}
		}
		if let Some(answer) = claim.answer {
			let is_said = committee.iter().any(|seat| seat.status == SeatStatus::Revealed(answer))
				|| dispute.claims.iter().any(|other| other.answer == Some(answer));
			if !is_said {
				Outputs::<T>::remove(id, answer);
			}
		}
		let (claim, answer) = (claim.id, claim.answer);
		Self::deposit_event(Event::ClaimLost { request: id, claim, answer, forfeited });
	}

	/// Who is rewarded if the claim wins.
	fn defender(claim: &ClaimOf<T>) -> Option<Defender<T::AccountId>> {
		match (&claim.challenger, &claim.opening) {
			(Some(challenger), _) => Some(Defender::Account(challenger.who.clone())),
			(None, Some(opening)) => Some(Defender::Operator(opening.by.clone())),
			(None, None) => None,
		}
	}

	/// Pays a part of a forfeited bond to whoever stood for the truth, the rest to the treasury.
	fn share_out(mut credit: CreditOf<T>, defender: Option<&Defender<T::AccountId>>) {
		let part = T::WinnerShare::get().mul_floor(credit.peek());
		match defender {
			Some(Defender::Account(who)) => Self::pay_account(&mut credit, who, part),
			Some(Defender::Operator(operator)) => {
				T::Rewards::reward_operator(operator, credit.extract(part));
			},
			None => (),
		}
		T::Rewards::reward_treasury(credit);
	}

	/// No claim is left: another committee is asked.
	fn nobody_stands(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		takes_room: bool,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		for seat in &committee {
			if matches!(seat.status, SeatStatus::Revealed(_)) {
				T::Stake::punish(&seat.operator, Offence::Dissent, T::DissentPenalty::get());
			}
		}
		Self::leave_dispute(id, &committee, takes_room);
		AgreedAt::<T>::remove(id);
		Self::try_again(id, request, committee.iter(), FailureReason::NoQuorum, now)
	}

	/// Nobody can decide any more: nobody is punished, and another committee is asked.
	fn abandon(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		dispute: DisputeOf<T>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		dispute.claims.iter().for_each(Self::release_bond);
		Self::leave_dispute(id, &committee, dispute.takes_room);
		AgreedAt::<T>::remove(id);
		Self::deposit_event(Event::DisputeAbandoned { request: id });
		Self::try_again(id, request, committee.iter(), FailureReason::NoQuorum, now)
	}

	/// The dispute is over, and no seat is obliged any more.
	fn leave_dispute(id: RequestId, committee: &[Seat<T::AccountId>], takes_room: bool) {
		Self::close_dispute(id, takes_room);
		Self::dismiss(id, committee);
	}

	/// The dispute is over, whatever came of it.
	fn close_dispute(id: RequestId, takes_room: bool) {
		Disputes::<T>::remove(id);
		Idle::<T>::remove(id);
		if takes_room {
			let taken = RoomTaken::<T>::get();
			if taken >= T::MaxOpenDisputes::get() {
				FullUntil::<T>::put(frame_system::Pallet::<T>::block_number());
			}
			RoomTaken::<T>::put(taken.saturating_sub(1));
		}
	}

	pub(crate) fn release_bond(claim: &ClaimOf<T>) {
		let Some(challenger) = &claim.challenger else { return };
		let reason = HoldReason::Challenge.into();
		let bond = challenger.bond;
		let released = T::Currency::release(&reason, &challenger.who, bond, Precision::BestEffort);
		debug_assert_eq!(released, Ok(bond), "a bond is held until its claim wins or loses");
	}

	/// `answer` is the right one, for ever: the claims that say so get their bonds back, and
	/// everybody who said something else loses. `finder` had the runtime compute it.
	pub(crate) fn end_dispute(
		id: RequestId,
		request: &RequestOf<T>,
		committee: CommitteeOf<T>,
		mut dispute: DisputeOf<T>,
		answer: Option<H256>,
		finder: Option<T::AccountId>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let claims = core::mem::take(&mut dispute.claims);
		let (won, lost): (Vec<_>, Vec<_>) =
			claims.into_iter().partition(|claim| claim.answer == answer);
		let defender =
			won.iter().find_map(Self::defender).or_else(|| finder.map(Defender::Account));
		won.iter().for_each(Self::release_bond);
		for claim in lost {
			Self::lose(id, &committee, &mut dispute, claim, defender.as_ref());
		}
		Self::punish_wrong(&committee, &dispute, answer, defender.as_ref());
		Self::leave_dispute(id, &committee, dispute.takes_room);
		let Some(outcome) = answer else {
			AgreedAt::<T>::remove(id);
			return Self::fail(id, request, FailureReason::NoAnswer, now);
		};
		AgreedAt::<T>::mutate(id, |at| *at = at.or(Some(now)));
		let challenger = won
			.iter()
			.find_map(|claim| claim.challenger.as_ref())
			.map(|challenger| &challenger.who);
		Self::pay_out(id, request, &committee, outcome, challenger);
		RequestState::Finalized { committee, outcome, at: now }
	}

	/// Seats that were wrong lose a part of their stake; whoever stood for the truth has reported it.
	fn punish_wrong(
		committee: &[Seat<T::AccountId>],
		dispute: &DisputeOf<T>,
		answer: Option<H256>,
		defender: Option<&Defender<T::AccountId>>,
	) {
		let (offence, part) = (Offence::Dissent, T::DissentPenalty::get());
		for seat in committee {
			if Self::was_right(seat, dispute, answer) != Some(false) {
				continue;
			}
			match defender.map(Defender::account) {
				Some(reporter) if *reporter != seat.operator => {
					T::Stake::punish_reported(&seat.operator, offence, part, reporter)
				},
				_ => T::Stake::punish(&seat.operator, offence, part),
			};
		}
	}

	/// See [`crate::Call::adjudicate`].
	pub(crate) fn do_adjudicate(
		who: T::AccountId,
		id: RequestId,
		weights: Vec<u8>,
	) -> DispatchResultWithPostInfo {
		let bytes = weights.len() as u32;
		let nothing = T::WeightInfo::adjudicate(0);
		let request = Requests::<T>::get(id)
			.ok_or_else(|| Error::<T>::UnknownRequest.with_weight(nothing))?;
		let (Some(dispute), RequestState::Disputed { committee, .. }) =
			(Disputes::<T>::get(id), request.state.clone())
		else {
			return Err(Error::<T>::NotDisputed.with_weight(nothing));
		};
		let (case, work) = Self::adjudicable(id, &request, &weights)
			.map_err(|error| error.with_weight(nothing))?;
		let weight = Self::weight_of_adjudication(bytes, work);
		if ArtifactRef::of(&weights).0 != case.manifest.artifact {
			return Err(Error::<T>::WrongWeights.with_weight(T::WeightInfo::adjudicate(bytes)));
		}
		let ending = Self::ending(&case, &weights);
		let now = frame_system::Pallet::<T>::block_number();
		let seats = committee.len() as u32;
		Self::pronounce(id, request, committee, dispute, ending, Some(who), now);
		Ok(Some(weight.saturating_add(Self::weight_of_conclusion(seats))).into())
	}

	/// What a run ends in, by running the model. What the engine refuses has no answer; nor has, as
	/// in a trace, what no trace can be had of.
	pub(crate) fn ending(case: &Case<BalanceOf<T>>, weights: &[u8]) -> Ending {
		let architecture = &case.manifest.architecture;
		match check(architecture, weights)
			.and_then(|()| Model::load(architecture, weights))
			.and_then(|model| model.run(&case.input))
		{
			Ok(output) => Ending::Output(output),
			Err(_) => Ending::Fault,
		}
	}

	/// The runtime has run the model: nothing is left to be said.
	pub(crate) fn pronounce(
		id: RequestId,
		mut request: RequestOf<T>,
		committee: CommitteeOf<T>,
		dispute: DisputeOf<T>,
		ending: Ending,
		finder: Option<T::AccountId>,
		now: BlockNumberFor<T>,
	) {
		let answer = ending.answer();
		if let (Some(answer), Some(output)) = (answer, ending.output()) {
			Outputs::<T>::insert(id, answer, output);
		}
		Self::deposit_event(Event::Adjudicated { request: id, answer });
		request.state = Self::end_dispute(id, &request, committee, dispute, answer, finder, now);
		Self::put(id, request);
	}

	/// What the run is decided by, if the runtime can run the model itself, and the work of that.
	fn adjudicable(
		id: RequestId,
		request: &RequestOf<T>,
		weights: &[u8],
	) -> Result<(Case<BalanceOf<T>>, u64), Error<T>> {
		let case = Self::case(id, request)?;
		let work =
			work_here(&case.manifest.architecture, &case.input).ok_or(Error::<T>::TooLargeToRun)?;
		ensure!(
			work <= T::MaxAdjudicationWork::get()
				&& case.manifest.artifact.size <= MAX_WEIGHTS_LEN.into(),
			Error::<T>::TooLargeToRun
		);
		ensure!(weights.len() as u64 == case.manifest.artifact.size, Error::<T>::WrongWeights);
		Ok((case, work))
	}

	/// What running a model with so many bytes of weights costs.
	fn weight_of_adjudication(bytes: u32, work: u64) -> Weight {
		T::WeightInfo::adjudicate(bytes).saturating_add(T::WeightInfo::compute(thousands(work)))
	}

	/// The most that [`crate::Call::adjudicate`] can cost.
	pub(crate) fn weight_of_any_adjudication(bytes: u32) -> Weight {
		Self::weight_of_adjudication(bytes, T::MaxAdjudicationWork::get())
			.saturating_add(Self::weight_of_conclusion(MAX_COMMITTEE))
	}

	/// What a verdict over so many seats costs.
	pub(crate) fn weight_of_conclusion(seats: u32) -> Weight {
		T::WeightInfo::conclude(seats).saturating_add(T::Results::weight())
	}

	/// What a side's silence, or its defeat, costs with so many seats; it may be the end of the
	/// request.
	pub(crate) fn weight_of_lapse(seats: u32) -> Weight {
		T::WeightInfo::lapse(seats).saturating_add(Self::weight_of_fail())
	}
}
