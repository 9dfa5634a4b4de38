//! Making a request, and reading one.

use crate::{
	AgreedAt, BalanceOf, Config, Error, Event, HoldReason, Inputs, NextRequestId, Outputs, Pallet,
	RequestOf, Requests,
};
use alloc::vec::Vec;
use dodona_primitives_inference::{
	EngineError, Input, Request, RequestId, RequestInfo, RequestState, MAX_OUTPUT_LEN,
};
use dodona_primitives_models::{ModelId, ModelInspect, VersionId};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::fungible::MutateHold};
use frame_system::pallet_prelude::BlockNumberFor;

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
		let manifest = T::Models::manifest(version).ok_or(Error::<T>::VersionNotServed)?;
		ensure!(manifest.price <= max_fee, Error::<T>::PriceAboveMaxFee);
		let architecture = &manifest.architecture;
		architecture.check_input(&input).map_err(|error| match error {
			EngineError::NonFiniteInput { .. } => Error::<T>::InputNotFinite,
			EngineError::WrongInputLength { .. } => Error::<T>::WrongInputLength,
			_ => Error::<T>::InvalidInput,
		})?;
		let longest = architecture.max_output_len(&input);
		ensure!(longest <= MAX_OUTPUT_LEN, Error::<T>::OutputTooLong);

		T::Currency::hold(&HoldReason::Fee.into(), &requester, manifest.price)?;

		let now = frame_system::Pallet::<T>::block_number();
		let id = NextRequestId::<T>::mutate(|next| {
			let id = *next;
			*next = next.saturating_add(1);
			id
		});
		Inputs::<T>::insert(id, input);
		let fee = manifest.price;
		let state = RequestState::Queued { since: now };
		let request =
			Request { requester: requester.clone(), version, fee, created: now, attempt: 0, state };
		Self::put(id, request);
		Self::deposit_event(Event::Requested { request: id, requester, version, fee });
		Ok(())
	}

	/// A request with its outputs, as clients see it.
	pub fn request_info(
		id: RequestId,
	) -> Option<RequestInfo<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>> {
		let request: RequestOf<T> = Requests::<T>::get(id)?;
		let outputs = Outputs::<T>::iter_prefix(id).collect();
		Some(RequestInfo { id, request, outputs, agreed_at: AgreedAt::<T>::get(id) })
	}

	/// What a request for `version` costs now; `None` if it is not served.
	pub fn price(version: VersionId) -> Option<BalanceOf<T>> {
		T::Models::is_served(version)
			.then(|| T::Models::manifest(version))
			.flatten()
			.map(|manifest| manifest.price)
	}
}
