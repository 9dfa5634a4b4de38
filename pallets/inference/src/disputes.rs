//! How a dispute begins, and who joins it.

use crate::{
	BalanceOf, Config, DisputeOf, Disputes, Error, Event, HoldReason, Inputs, Outputs, Pallet,
	RequestOf, Requests,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Reverse;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_inference::{
	outcome_hash, Adjudicator, Challenger, Claim, Contest, Dispute, DisputeInfo, Input, Output,
	RequestId, RequestState, Run, Seat, MAX_CLAIMS, MAX_COMMITTEE,
};
use dodona_primitives_models::{Manifest, ModelInspect, VersionId};
use frame_support::{ensure, pallet_prelude::*, traits::fungible::MutateHold};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::{CheckedAdd, Saturating};

/// The seats of a committee.
type CommitteeOf<T> =
	BoundedVec<Seat<<T as frame_system::Config>::AccountId>, ConstU32<MAX_COMMITTEE>>;

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

	/// `Revealing` → `Disputed`, because seats named different outcomes.
	pub(crate) fn dissent(
		id: RequestId,
		committee: CommitteeOf<T>,
		outcome: Option<H256>,
		votes: BTreeMap<H256, u32>,
		now: BlockNumberFor<T>,
	) -> RequestState<T::AccountId, BlockNumberFor<T>> {
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
		Disputes::<T>::insert(id, Self::new_dispute(BoundedVec::truncate_from(claims)));
		Self::deposit_event(Event::Disputed { request: id, claims: next_claim });
		RequestState::Disputed { committee, outcome, until: Self::move_until(now) }
	}

	/// See [`crate::Call::challenge`].
	pub(crate) fn do_challenge(
		who: T::AccountId,
		id: RequestId,
		output: Option<Output>,
	) -> DispatchResult {
		let mut request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		let now = frame_system::Pallet::<T>::block_number();
		let (committee, outcome, until, mut dispute) = match request.state {
			RequestState::Agreed { committee, outcome, until } => {
				ensure!(
					Disputes::<T>::count() < T::MaxOpenDisputes::get(),
					Error::<T>::TooManyDisputes
				);
				let claim = Claim { id: 0, answer: Some(outcome), challenger: None, opening: None };
				let mut claims = BoundedVec::new();
				let _ = claims.try_push(claim);
				Self::deposit_event(Event::Disputed { request: id, claims: 1 });
				(committee, Some(outcome), until, Self::new_dispute(claims))
			},
			RequestState::Disputed { committee, outcome, until } => {
				let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotDisputed)?;
				(committee, outcome, until, dispute)
			},
			_ => return Err(Error::<T>::NotChallengeable.into()),
		};
		ensure!(now <= until, Error::<T>::TooLate);
		let answer = Self::check_claim(&dispute, request.version, output.as_ref())?;

		let bond = Self::bond(&dispute);
		T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;
		let claim = dispute.next_claim;
		dispute.next_claim = claim.checked_add(1).ok_or(Error::<T>::TooManyClaims)?;
		let challenger = Some(Challenger { who: who.clone(), bond });
		dispute
			.claims
			.try_push(Claim { id: claim, answer, challenger, opening: None })
			.map_err(|_| Error::<T>::TooManyClaims)?;
		if let (Some(answer), Some(output)) = (answer, output) {
			Outputs::<T>::insert(id, answer, output);
		}
		// Whoever was alone has somebody to play with now; others are not kept waiting.
		let is_alone = dispute.claims.len() == 2;
		let until = if is_alone { Self::move_until(now) } else { until };
		if is_alone {
			dispute.contest = Contest::Opening;
		}
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

	/// The answer, if it can be claimed.
	fn check_claim(
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
		// With a trace that is shown already, somebody may stand for the same answer with another.
		let is_known = |claim: &Claim<_, _>| claim.answer == answer && claim.opening.is_none();
		ensure!(!dispute.claims.iter().any(is_known), Error::<T>::AlreadyClaimed);
		ensure!(dispute.claims.len() < MAX_CLAIMS as usize, Error::<T>::TooManyClaims);
		Ok(answer)
	}

	/// A dispute that nobody has moved in.
	fn new_dispute(
		claims: BoundedVec<Claim<T::AccountId, BalanceOf<T>>, ConstU32<MAX_CLAIMS>>,
	) -> DisputeOf<T> {
		Dispute {
			next_claim: claims.len() as u32,
			claims,
			rounds: 0,
			schedule: None,
			refuted: BoundedVec::new(),
			contest: Contest::Opening,
		}
	}

	/// What a challenge costs now.
	// Each one keeps the result from being final for another while, whether it is alone or comes
	// while others play: to do it again and again has to cost more and more.
	pub(crate) fn bond(dispute: &DisputeOf<T>) -> BalanceOf<T> {
		let doubled = dispute.rounds.saturating_add(dispute.next_claim / MAX_CLAIMS);
		(0..doubled.min(128)).fold(T::ChallengeBond::get(), |bond: BalanceOf<T>, _| {
			bond.checked_add(&bond).unwrap_or(bond)
		})
	}

	/// Last block for a move that is asked for in `now`.
	pub(crate) fn move_until(now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		now.saturating_add(T::MovePeriod::get())
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

	/// The requests in dispute, at most 256 of them.
	pub fn disputes() -> Vec<RequestId> {
		Disputes::<T>::iter_keys().take(MAX_LISTED).collect()
	}
}
