//! What workers say: commitments and reveals.

use crate::{Config, Error, Event, Outputs, Pallet, RequestOf, Requests, WeightInfo};
use dodona_primitives_inference::{
	commitment, outcome_hash, CommitmentContext, Output, RequestId, RequestState, Salt, SeatStatus,
	Statement, Submission, Submissions, MAX_COMMITTEE,
};
use dodona_primitives_models::ModelInspect;
use dodona_primitives_staking::StakeInspect;
use frame_support::{dispatch::WithPostDispatchInfo, ensure, pallet_prelude::*};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_core::H256;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::submit`].
	pub(crate) fn do_submit(
		hot_key: T::AccountId,
		submissions: Submissions,
	) -> DispatchResultWithPostInfo {
		let nothing = T::WeightInfo::commit(0);
		let operator = T::Stake::operator_of(&hot_key)
			.ok_or_else(|| Error::<T>::NotAHotKey.with_weight(nothing))?;
		ensure!(!submissions.is_empty(), Error::<T>::NothingSubmitted.with_weight(nothing));
		let (mut taken, mut first_error, mut weight) = (false, None, Weight::zero());
		for submission in submissions {
			let request = submission.request;
			let (result, used) = Self::take(&operator, submission);
			weight = weight.saturating_add(used);
			match result {
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
			Some(error) if !taken => Err(error.with_weight(weight)),
			_ => Ok(Some(weight).into()),
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
			&& rising && submissions.iter().all(|submission| {
			Requests::<T>::get(submission.request)
				.is_some_and(|request| Self::check(&operator, &request, submission).is_ok())
		})
	}

	/// The most that a batch can cost: each statement may be the last that its request waited for.
	pub(crate) fn weight_of(submissions: &Submissions) -> Weight {
		// Every statement is weighed as an extrinsic of its own; an empty batch, as one.
		let least = T::WeightInfo::commit(MAX_COMMITTEE);
		let sum = submissions.iter().fold(Weight::zero(), |weight, submission| {
			let statement = &submission.statement;
			weight
				.saturating_add(Self::weight_of_statement(statement, MAX_COMMITTEE))
				.saturating_add(match statement {
					Statement::Commit { .. } => Self::weight_of_any_close(),
					Statement::Reveal { .. } => Self::weight_of_any_tally(),
				})
		});
		sum.max(least)
	}

	/// What a statement about a request with so many seats costs, taken or not, if others are still
	/// waited for.
	fn weight_of_statement(statement: &Statement, seats: u32) -> Weight {
		match statement {
			Statement::Commit { .. } => T::WeightInfo::commit(seats),
			Statement::Reveal { output, .. } => {
				let len = output.as_ref().map_or(0, |output| output.len() as u32);
				T::WeightInfo::reveal(seats, len)
			},
		}
	}

	/// The seat's index, if the statement can be taken.
	fn check(
		operator: &T::AccountId,
		request: &RequestOf<T>,
		submission: &Submission,
	) -> Result<usize, Error<T>> {
		let id = submission.request;
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
				Self::check_output(request, id, *outcome, output.as_ref())?;
			},
		}
		Ok(index)
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
		let len = output.len() as u32;
		ensure!(manifest.architecture.check_output_len(len), Error::<T>::WrongOutputLength);
		Ok(())
	}

	/// Takes one statement; the last one that a request waits for moves it on. Also returns what
	/// that cost.
	fn take(operator: &T::AccountId, submission: Submission) -> (Result<(), Error<T>>, Weight) {
		let id = submission.request;
		let Some(mut request) = Requests::<T>::get(id) else {
			let weight = Self::weight_of_statement(&submission.statement, 0);
			return (Err(Error::<T>::UnknownRequest), weight);
		};
		let seats = request.state.committee().map_or(0, |committee| committee.len() as u32);
		let mut weight = Self::weight_of_statement(&submission.statement, seats);
		let index = match Self::check(operator, &request, &submission) {
			Ok(index) => index,
			Err(error) => return (Err(error), weight),
		};
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
			_ => return (Err(Error::<T>::NotYourSeat), weight),
		}
		request.state = match request.state.clone() {
			RequestState::Committing { committee, .. }
				if committee.iter().all(|seat| seat.status != SeatStatus::Assigned) =>
			{
				weight = weight
					.saturating_add(Self::weight_of_close(seats))
					.saturating_add(Self::weight_of_audit(id));
				Self::close_commitments(id, &request, committee, now)
			},
			RequestState::Revealing { committee, .. }
				if !committee
					.iter()
					.any(|seat| matches!(seat.status, SeatStatus::Committed(_))) =>
			{
				weight = weight
					.saturating_add(Self::weight_of_tally(seats))
					.saturating_add(Self::weight_of_audit(id));
				Self::tally(id, &request, committee, now)
			},
			unchanged => unchanged,
		};
		Self::put(id, request);
		(Ok(()), weight)
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
