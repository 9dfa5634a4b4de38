//! Making a request, for whoever signs or for another pallet, and reading one.

use crate::{
	AgreedAt, BalanceOf, Config, Error, Event, HoldReason, Inputs, NextRequestId, Outputs, Pallet,
	RequestOf, Requests,
};
use alloc::vec::Vec;
use dodona_primitives_inference::{
	Ask, EngineError, Input, Request, RequestId, RequestInfo, RequestState, MAX_OUTPUT_LEN,
};
use dodona_primitives_models::{Manifest, ModelId, ModelInspect, VersionId};
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::request`].
	pub(crate) fn do_request(
		requester: T::AccountId,
		model: ModelId,
		version: Option<u32>,
		input: Vec<u8>,
		max_fee: BalanceOf<T>,
	) -> DispatchResult {
		// A longer one would not decode as an `Input`, and the requester would not be told why.
		let input = Input::try_from(input).map_err(|_| Error::<T>::InputTooLong)?;
		let version = match version {
			Some(number) => VersionId { model, number },
			None => T::Models::active_version(model).ok_or(Error::<T>::UnknownModel)?,
		};
		ensure!(T::Models::is_served(version), Error::<T>::VersionNotServed);
		Self::place(requester, version, input, max_fee).map(|_| ())
	}

	/// Asks `version`, if it has an answer to `input` at no more than `max_fee`.
	fn place(
		requester: T::AccountId,
		version: VersionId,
		input: Input,
		max_fee: BalanceOf<T>,
	) -> Result<RequestId, DispatchError> {
		let manifest = T::Models::manifest(version).ok_or(Error::<T>::VersionNotServed)?;
		let fee = Self::quote(&manifest, &input)?;
		ensure!(fee <= max_fee, Error::<T>::PriceAboveMaxFee);
		T::Currency::hold(&HoldReason::Fee.into(), &requester, fee)?;

		let now = frame_system::Pallet::<T>::block_number();
		let id = NextRequestId::<T>::mutate(|next| {
			let id = *next;
			*next = next.saturating_add(1);
			id
		});
		Inputs::<T>::insert(id, input);
		let state = RequestState::Queued { since: now };
		let request =
			Request { requester: requester.clone(), version, fee, created: now, attempt: 0, state };
		Self::put(id, request);
		Self::deposit_event(Event::Requested { request: id, requester, version, fee });
		Ok(id)
	}

	/// What the answer to `input` costs, if there is one that a request can carry.
	fn quote(manifest: &Manifest<BalanceOf<T>>, input: &[u8]) -> Result<BalanceOf<T>, Error<T>> {
		let architecture = &manifest.architecture;
		architecture.check_input(input).map_err(|error| match error {
			EngineError::NonFiniteInput { .. } => Error::<T>::InputNotFinite,
			EngineError::WrongInputLength { .. } => Error::<T>::WrongInputLength,
			_ => Error::<T>::InvalidInput,
		})?;
		let longest = architecture.max_output_len(input);
		ensure!(longest <= MAX_OUTPUT_LEN, Error::<T>::OutputTooLong);
		let most = T::MaxMovePeriods::get().max(1);
		let is_too_long = Self::schedule_of(manifest, input)
			.is_some_and(|schedule| Self::periods(schedule) > most.into());
		ensure!(!is_too_long, Error::<T>::RunTooLong);
		Ok(manifest.fee(input))
	}

	/// A request with its outputs, as clients see it.
	pub fn request_info(
		id: RequestId,
	) -> Option<RequestInfo<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>> {
		let request: RequestOf<T> = Requests::<T>::get(id)?;
		let outputs = Outputs::<T>::iter_prefix(id).collect();
		Some(RequestInfo { id, request, outputs, agreed_at: AgreedAt::<T>::get(id) })
	}

	/// What a request for `version` costs now, with this input; `None` if it is not served.
	pub fn fee(version: VersionId, input: &[u8]) -> Option<BalanceOf<T>> {
		T::Models::is_served(version)
			.then(|| T::Models::manifest(version))
			.flatten()
			.map(|manifest| manifest.fee(input))
	}
}

impl<T: Config> Ask for Pallet<T> {
	type AccountId = T::AccountId;
	type Balance = BalanceOf<T>;

	fn ask(
		requester: &T::AccountId,
		version: VersionId,
		input: Input,
		max_fee: BalanceOf<T>,
	) -> Result<RequestId, DispatchError> {
		ensure!(T::Models::may_answer(version), Error::<T>::VersionNotServed);
		Self::place(requester.clone(), version, input, max_fee)
	}
}
