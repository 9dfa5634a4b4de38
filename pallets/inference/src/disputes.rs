//! How a dispute begins, and who joins it.

use crate::{
	BalanceOf, ClaimOf, CommitteeOf, Config, DisputeOf, Disputes, Error, Event, FullUntil,
	HoldReason, Inputs, Outputs, Pallet, RequestOf, Requests, RoomTaken, StateOf,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Reverse;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_inference::{
	outcome_hash, Adjudicator, Challenger, Claim, ClaimId, Contest, Dispute, DisputeInfo, Input,
	Opening, Output, RequestId, RequestState, Run, Schedule, MAX_CLAIMS,
};
use dodona_primitives_models::{Manifest, ModelInspect, VersionId};
use frame_support::{ensure, pallet_prelude::*, traits::fungible::MutateHold};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::{CheckedAdd, SaturatedConversion, Saturating};

/// Most disputes that one look returns.
const MAX_LISTED: usize = 256;

/// What a run is decided by.
pub(crate) struct Case<Balance> {
	/// The version's manifest.
	pub manifest: Manifest<Balance>,
	/// The request's input.
	pub input: Input,
}

impl<Balance> Case<Balance> {
	/// The run.
	pub fn run(&self) -> Run<'_> {
		Run {
			architecture: &self.manifest.architecture,
			input: &self.input,
			pages: self.manifest.pages,
			size: self.manifest.artifact.size,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The manifest of a version whose runs the runtime can decide; it is published for this engine.
	pub(crate) fn decidable(version: VersionId) -> Result<Manifest<BalanceOf<T>>, Error<T>> {
		T::Models::manifest(version)
			.filter(|manifest| manifest.engine == ENGINE_VERSION)
			.filter(|manifest| T::Adjudicator::decides(&manifest.architecture))
			.ok_or(Error::<T>::NotDecidable)
	}

	/// What the run of a request is decided by.
	pub(crate) fn case(
		id: RequestId,
		request: &RequestOf<T>,
	) -> Result<Case<BalanceOf<T>>, Error<T>> {
		let manifest = Self::decidable(request.version)?;
		let input = Inputs::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		Ok(Case { manifest, input })
	}

	/// How many steps the run of a request takes, if the runtime can decide it.
	pub(crate) fn schedule(id: RequestId, request: &RequestOf<T>) -> Result<Schedule, Error<T>> {
		let Case { manifest, input } = Self::case(id, request)?;
		Self::schedule_of(&manifest, &input).ok_or(Error::<T>::NotDecidable)
	}

	/// How many steps the run of a version on `input` takes, if the runtime can decide it.
	pub(crate) fn schedule_of(manifest: &Manifest<BalanceOf<T>>, input: &[u8]) -> Option<Schedule> {
		let Manifest { architecture, pages, artifact, .. } = manifest;
		let decides = T::Adjudicator::decides(architecture);
		let run = Run { architecture, input, pages: *pages, size: artifact.size };
		decides.then(|| T::Adjudicator::schedule(&run)).flatten()
	}

	/// For how many periods a move can be made: to record a long run takes long.
	pub(crate) fn periods(schedule: Schedule) -> u64 {
		schedule.periods(T::StepsPerPeriod::get())
	}

	/// Whether the version's results can't be challenged any more: it was published for an engine
	/// that this runtime had before, or its record is gone.
	pub(crate) fn is_stale(version: VersionId) -> bool {
		T::Models::manifest(version).is_none_or(|manifest| manifest.engine != ENGINE_VERSION)
	}

	/// Whether there is no room for another challenge, or has not been for all of a window.
	pub(crate) fn is_full(now: BlockNumberFor<T>) -> bool {
		let is_recent =
			|last: BlockNumberFor<T>| last.saturating_add(T::ChallengePeriod::get()) >= now;
		RoomTaken::<T>::get() >= T::MaxOpenDisputes::get()
			|| FullUntil::<T>::get().is_some_and(is_recent)
	}

	/// `Revealing` → `Disputed`, because seats named different outcomes.
	pub(crate) fn dissent(
		id: RequestId,
		schedule: Schedule,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		votes: BTreeMap<H256, u32>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let mut answers: Vec<(H256, u32)> = votes.into_iter().collect();
		answers.sort_by_key(|(_, votes)| Reverse(*votes));
		let claim = |(id, (answer, _)): (u32, (H256, u32))| Claim {
			id,
			answer: Some(answer),
			challenger: None,
			opening: None,
		};
		// Whoever there is no room for can challenge when there is.
		let most = MAX_CLAIMS as usize;
		let claims: Vec<_> = (0..).zip(answers).take(most).map(claim).collect();
		let next_claim = claims.len() as u32;
		let claims = BoundedVec::truncate_from(claims);
		Disputes::<T>::insert(id, Self::new_dispute(claims, schedule, false));
		Self::deposit_event(Event::Disputed { request: id, claims: next_claim });
		RequestState::Disputed { committee, outcome, until: Self::move_until(now, schedule) }
	}

	/// See [`crate::Call::challenge`].
	pub(crate) fn do_challenge(
		who: T::AccountId,
		id: RequestId,
		output: Option<Output>,
	) -> DispatchResult {
		let mut request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		let now = frame_system::Pallet::<T>::block_number();
		let (committee, outcome, until, mut dispute) = match request.state.clone() {
			RequestState::Agreed { committee, outcome, until } => {
				let schedule = Self::schedule(id, &request)?;
				let taken = RoomTaken::<T>::get();
				ensure!(taken < T::MaxOpenDisputes::get(), Error::<T>::TooManyDisputes);
				RoomTaken::<T>::put(taken.saturating_add(1));
				let claim = Claim { id: 0, answer: Some(outcome), challenger: None, opening: None };
				let mut claims = BoundedVec::new();
				let _ = claims.try_push(claim);
				Self::deposit_event(Event::Disputed { request: id, claims: 1 });
				(committee, Some(outcome), until, Self::new_dispute(claims, schedule, true))
			},
			RequestState::Disputed { committee, outcome, until } => {
				let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotDisputed)?;
				(committee, outcome, until, dispute)
			},
			_ => return Err(Error::<T>::NotChallengeable.into()),
		};
		ensure!(now <= until, Error::<T>::TooLate);
		let answer = Self::check_claim(&who, &dispute, request.version, output.as_ref())?;

		let bond = Self::bond(&dispute);
		T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;
		let challenger = Some(Challenger { who: who.clone(), bond });
		let (claim, begins) = Self::join(&mut dispute, answer, challenger, None)?;
		if let (Some(answer), Some(output)) = (answer, output) {
			Outputs::<T>::insert(id, answer, output);
		}
		let until = if begins { Self::move_until(now, dispute.schedule) } else { until };
		Disputes::<T>::insert(id, dispute);
		request.state = RequestState::Disputed { committee, outcome, until };
		Self::put(id, request);
		Self::deposit_event(Event::Challenged {
			request: id,
			claim,
			answer,
			challenger: who,
			bond,
		});
		Ok(())
	}

	/// Adds a claim; returns its number, and whether a game begins with it.
	pub(crate) fn join(
		dispute: &mut DisputeOf<T>,
		answer: Option<H256>,
		challenger: Option<Challenger<T::AccountId, BalanceOf<T>>>,
		opening: Option<Opening<T::AccountId>>,
	) -> Result<(ClaimId, bool), Error<T>> {
		let id = dispute.next_claim;
		dispute.next_claim = id.checked_add(1).ok_or(Error::<T>::TooManyClaims)?;
		dispute
			.claims
			.try_push(Claim { id, answer, challenger, opening })
			.map_err(|_| Error::<T>::TooManyClaims)?;
		// Whoever was alone has somebody to play with now; others are not kept waiting.
		let begins = dispute.claims.len() == 2;
		if begins {
			dispute.contest = Contest::Opening;
		}
		Ok((id, begins))
	}

	/// The answer, if it can be claimed.
	fn check_claim(
		who: &T::AccountId,
		dispute: &DisputeOf<T>,
		version: VersionId,
		output: Option<&Output>,
	) -> Result<Option<H256>, Error<T>> {
		let manifest = Self::decidable(version)?;
		if let Some(output) = output {
			let len = output.len() as u32;
			ensure!(manifest.architecture.check_output_len(len), Error::<T>::WrongOutputLength);
		}
		let answer = output.map(|output| outcome_hash(output));
		// With a trace that is shown already, somebody may stand for the same answer with another. And
		// while none is, somebody else may never show one.
		let is_theirs = |claim: &ClaimOf<T>| {
			claim.challenger.as_ref().is_none_or(|challenger| challenger.who == *who)
		};
		let is_known = |claim: &ClaimOf<T>| {
			claim.answer == answer && claim.opening.is_none() && is_theirs(claim)
		};
		ensure!(!dispute.claims.iter().any(is_known), Error::<T>::AlreadyClaimed);
		ensure!(dispute.claims.len() < MAX_CLAIMS as usize, Error::<T>::TooManyClaims);
		Ok(answer)
	}

	/// A dispute that nobody has moved in.
	pub(crate) fn new_dispute(
		claims: BoundedVec<ClaimOf<T>, ConstU32<MAX_CLAIMS>>,
		schedule: Schedule,
		takes_room: bool,
	) -> DisputeOf<T> {
		Dispute {
			next_claim: claims.len() as u32,
			claims,
			rounds: 0,
			schedule,
			takes_room,
			refuted: BoundedVec::new(),
			revived: 0,
			contest: Contest::Opening,
		}
	}

	/// What a challenge costs now.
	// Each one keeps the result from being final for another while, whether it is alone or comes
	// while others play: to do it again and again has to cost more and more.
	pub(crate) fn bond(dispute: &DisputeOf<T>) -> BalanceOf<T> {
		let doubled = dispute.rounds.saturating_add(dispute.next_claim / MAX_CLAIMS);
		let periods: BalanceOf<T> = Self::periods(dispute.schedule).saturated_into();
		let once = T::ChallengeBond::get().saturating_mul(periods);
		(0..doubled.min(128))
			.fold(once, |bond: BalanceOf<T>, _| bond.checked_add(&bond).unwrap_or(bond))
	}

	/// Last block in which the one claim that is left in `now` can be challenged: a seat may have to
	/// record its run first, to stand against it.
	pub(crate) fn window_until(now: BlockNumberFor<T>, schedule: Schedule) -> BlockNumberFor<T> {
		Self::periods_from(now, T::ChallengePeriod::get(), schedule)
	}

	/// Last block for a move that is asked for in `now`.
	pub(crate) fn move_until(now: BlockNumberFor<T>, schedule: Schedule) -> BlockNumberFor<T> {
		Self::periods_from(now, T::MovePeriod::get(), schedule)
	}

	/// Last of the blocks after `now` that a run needs, at so many for each of its periods.
	fn periods_from(
		now: BlockNumberFor<T>,
		period: BlockNumberFor<T>,
		schedule: Schedule,
	) -> BlockNumberFor<T> {
		let periods: BlockNumberFor<T> = Self::periods(schedule).saturated_into();
		now.saturating_add(period.saturating_mul(periods))
	}

	/// The dispute over a request, as clients see it.
	pub fn dispute_info(
		id: RequestId,
	) -> Option<DisputeInfo<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>> {
		let dispute = Disputes::<T>::get(id)?;
		let RequestState::Disputed { until, .. } = Requests::<T>::get(id)?.state else {
			return None;
		};
		let bond = Self::bond(&dispute);
		Some(DisputeInfo { request: id, until, bond, input: Inputs::<T>::get(id)?, dispute })
	}

	/// The requests in dispute, at most 256 of them; `after` is the last one of those before.
	pub fn disputes(after: Option<RequestId>) -> Vec<RequestId> {
		match after {
			Some(last) => {
				let last = Disputes::<T>::hashed_key_for(last);
				Disputes::<T>::iter_keys_from(last).take(MAX_LISTED).collect()
			},
			None => Disputes::<T>::iter_keys().take(MAX_LISTED).collect(),
		}
	}
}
