//! What workers say: commitments and reveals.

use crate::{Config, Error, Event, Outputs, Pallet, RequestOf, Requests, WeightInfo};
use dodona_primitives_inference::{
	commitment, outcome_hash, CommitmentContext, Output, RequestId, RequestState, Salt, SeatStatus,
	Statement, Submission, Submissions, MAX_COMMITTEE,
};
use dodona_primitives_models::ModelInspect;
use dodona_primitives_staking::StakeInspect;
use frame_support::{ensure, pallet_prelude::*};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_core::H256;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::submit`].
	pub(crate) fn do_submit(hot_key: T::AccountId, submissions: Submissions) -> DispatchResult {
		let operator = T::Stake::operator_of(&hot_key).ok_or(Error::<T>::NotAHotKey)?;
		ensure!(!submissions.is_empty(), Error::<T>::NothingSubmitted);
		let (mut taken, mut first_error) = (false, None);
		for submission in submissions {
			let request = submission.request;
			match Self::take(&operator, submission) {
				Ok(()) => taken = true,
				Err(error) => {
					let error = DispatchError::from(error);
					first_error = first_error.or(Some(error));
					let operator = operator.clone();
					Self::deposit_event(Event::SubmissionRefused { request, operator, error });
				},
			}
		}
		match first_error {
			Some(error) if !taken => Err(error),
			_ => Ok(()),
		}
	}

	/// Whether every statement would be taken, so that saying them costs nothing.
	pub(crate) fn is_feeless(origin: &OriginFor<T>, submissions: &Submissions) -> bool {
		let Ok(hot_key) = ensure_signed(origin.clone()) else { return false };
		let Some(operator) = T::Stake::operator_of(&hot_key) else { return false };
		// In rising order, so that nothing can be said twice.
		let requests = || submissions.iter().map(|submission| submission.request);
		let rising = requests().zip(requests().skip(1)).all(|(one, next)| one < next);
		!submissions.is_empty()
			&& rising && submissions.iter().all(|submission| Self::check(&operator, submission).is_ok())
	}

	/// What a batch costs: each statement may be the last that its request waited for.
	pub(crate) fn weight_of(submissions: &Submissions) -> Weight {
		// Every statement is weighed as an extrinsic of its own; an empty batch, as one.
		let least = T::WeightInfo::commit(MAX_COMMITTEE);
		let sum = submissions.iter().fold(Weight::zero(), |weight, submission| {
			weight.saturating_add(match &submission.statement {
				Statement::Commit { .. } => T::WeightInfo::commit(MAX_COMMITTEE)
					.saturating_add(T::WeightInfo::close_commitments(MAX_COMMITTEE)),
				Statement::Reveal { output, .. } => {
					let len = output.as_ref().map_or(0, |output| output.len() as u32);
					T::WeightInfo::reveal(MAX_COMMITTEE, len)
						.saturating_add(T::WeightInfo::tally(MAX_COMMITTEE))
				},
			})
		});
		sum.max(least)
	}

	/// The request and the seat's index, if the statement can be taken.
	fn check(
		operator: &T::AccountId,
		submission: &Submission,
	) -> Result<(RequestOf<T>, usize), Error<T>> {
		let id = submission.request;
		let request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		let index = request
			.state
			.committee()
			.and_then(|committee| committee.iter().position(|seat| seat.operator == *operator))
			.ok_or(Error::<T>::NotYourSeat)?;
		ensure!(request.attempt == submission.attempt, Error::<T>::WrongAttempt);
		let now = frame_system::Pallet::<T>::block_number();
		match &submission.statement {
			Statement::Commit { .. } => {
				let RequestState::Committing { committee, until } = &request.state else {
					return Err(Error::<T>::NotCommitting);
				};
				ensure!(now <= *until, Error::<T>::NotCommitting);
				let status = committee.get(index).map(|seat| seat.status);
				ensure!(status == Some(SeatStatus::Assigned), Error::<T>::AlreadyCommitted);
			},
			Statement::Reveal { outcome, salt, output } => {
				let RequestState::Revealing { committee, until } = &request.state else {
					return Err(Error::<T>::NotRevealing);
				};
				ensure!(now <= *until, Error::<T>::NotRevealing);
				let Some(SeatStatus::Committed(committed)) =
					committee.get(index).map(|seat| seat.status)
				else {
					return Err(Error::<T>::NothingToReveal);
				};
				let expected = Self::commitment_of(id, request.attempt, operator, *outcome, salt);
				ensure!(committed == expected, Error::<T>::CommitmentMismatch);
				Self::check_output(&request, id, *outcome, output.as_ref())?;
			},
		}
		Ok((request, index))
	}

	/// Whether the output behind `outcome` is known, or comes with it.
	fn check_output(
		request: &RequestOf<T>,
		id: RequestId,
		outcome: H256,
		output: Option<&Output>,
	) -> Result<(), Error<T>> {
		let Some(output) = output else {
			ensure!(Outputs::<T>::contains_key(id, outcome), Error::<T>::OutputMissing);
			return Ok(());
		};
		ensure!(outcome_hash(output) == outcome, Error::<T>::OutputMismatch);
		let manifest = T::Models::manifest(request.version).ok_or(Error::<T>::VersionNotServed)?;
		let len = manifest.architecture.output_len();
		ensure!(output.len() as u32 == len, Error::<T>::WrongOutputLength);
		Ok(())
	}

	/// Takes one statement; the last one that a request waits for moves it on.
	fn take(operator: &T::AccountId, submission: Submission) -> Result<(), Error<T>> {
		let (mut request, index) = Self::check(operator, &submission)?;
		let id = submission.request;
		let now = frame_system::Pallet::<T>::block_number();
		let status = match submission.statement {
			Statement::Commit { commitment } => {
				Self::deposit_event(Event::Committed { request: id, operator: operator.clone() });
				SeatStatus::Committed(commitment)
			},
			Statement::Reveal { outcome, output, .. } => {
				if let Some(output) = output {
					Outputs::<T>::insert(id, outcome, output);
				}
				let operator = operator.clone();
				Self::deposit_event(Event::Revealed { request: id, operator, outcome });
				SeatStatus::Revealed(outcome)
			},
		};
		match &mut request.state {
			RequestState::Committing { committee, .. }
			| RequestState::Revealing { committee, .. } => {
				if let Some(seat) = committee.get_mut(index) {
					seat.status = status;
				}
			},
			_ => return Err(Error::<T>::NotYourSeat),
		}
		request.state = match request.state.clone() {
			RequestState::Committing { committee, .. }
				if committee.iter().all(|seat| seat.status != SeatStatus::Assigned) =>
			{
				Self::close_commitments(id, &request, committee, now)
			},
			RequestState::Revealing { committee, .. }
				if !committee
					.iter()
					.any(|seat| matches!(seat.status, SeatStatus::Committed(_))) =>
			{
				Self::tally(id, &request, committee, now)
			},
			unchanged => unchanged,
		};
		Self::put(id, request);
		Ok(())
	}

	/// The commitment of `operator` to `outcome`, see
	/// [`commitment`](dodona_primitives_inference::commitment).
	pub(crate) fn commitment_of(
		request: RequestId,
		attempt: u32,
		operator: &T::AccountId,
		outcome: H256,
		salt: &Salt,
	) -> H256 {
		let genesis = Self::genesis_hash();
		commitment(&CommitmentContext { genesis, request, attempt, operator }, outcome, salt)
	}
}
