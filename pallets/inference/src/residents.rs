//! Small models that the chain runs itself when it has nothing else to do: their weights are in the
//! state, and results that nobody has challenged are computed again from them.

use crate::{
	audit::Check, BalanceOf, Checks, Config, Disputes, Error, Event, HoldReason, Idle, Pallet,
	Requests, ResidentWeights, Residents, WeightInfo,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_inference::{
	thousands, work_here, RequestId, RequestState, Schedule, MAX_COMMITTEE, MAX_INPUT_LEN,
	MAX_RESIDENT_LEN,
};
use dodona_primitives_models::{ArtifactRef, ModelInspect, VersionId};
use frame_support::{
	ensure,
	pallet_prelude::{BoundedVec, ConstU32, DispatchResult, TypeInfo, Weight},
	traits::{fungible::MutateHold, tokens::Precision},
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::Get;
use sp_runtime::traits::Saturating;

/// The weights of a version in the state.
pub(crate) type ResidentBytes = BoundedVec<u8, ConstU32<MAX_RESIDENT_LEN>>;

/// A version whose weights are in the state.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Resident<AccountId, Balance> {
	/// Who put them there.
	pub depositor: AccountId,
	/// Held from the depositor as long as they are there.
	pub deposit: Balance,
	/// Bytes of the weights.
	pub bytes: u32,
	/// What a run counts as, see [`work_here`].
	pub work: u64,
}

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::reside`].
	pub(crate) fn do_reside(
		who: T::AccountId,
		version: VersionId,
		weights: Vec<u8>,
	) -> DispatchResult {
		ensure!(!Residents::<T>::contains_key(version), Error::<T>::AlreadyResident);
		ensure!(T::Models::may_answer(version), Error::<T>::VersionNotServed);
		let manifest = Self::decidable(version)?;
		// The architectures that the runtime runs take the same for any input.
		let work = work_here(&manifest.architecture, &[]).ok_or(Error::<T>::TooLargeToRun)?;
		ensure!(work <= T::MaxAdjudicationWork::get(), Error::<T>::TooLargeToRun);
		let weights = ResidentBytes::try_from(weights).map_err(|_| Error::<T>::TooLargeToReside)?;
		ensure!(ArtifactRef::of(&weights).0 == manifest.artifact, Error::<T>::WrongWeights);

		let bytes = weights.len() as u32;
		let deposit = Self::resident_deposit(bytes);
		T::Currency::hold(&HoldReason::Resident.into(), &who, deposit)?;
		let resident = Resident { depositor: who.clone(), deposit, bytes, work };
		Residents::<T>::insert(version, resident);
		ResidentWeights::<T>::insert(version, weights);
		Self::deposit_event(Event::MadeResident { version, depositor: who, deposit });
		Ok(())
	}

	/// See [`crate::Call::unreside`].
	pub(crate) fn do_unreside(who: T::AccountId, version: VersionId) -> DispatchResult {
		let Resident { depositor, deposit, .. } =
			Residents::<T>::get(version).ok_or(Error::<T>::NotResident)?;
		ensure!(depositor == who || !T::Models::may_answer(version), Error::<T>::NotYourResident);
		let reason = HoldReason::Resident.into();
		let released = T::Currency::release(&reason, &depositor, deposit, Precision::BestEffort);
		debug_assert_eq!(
			released,
			Ok(deposit),
			"a deposit is held as long as the weights are there"
		);
		Residents::<T>::remove(version);
		ResidentWeights::<T>::remove(version);
		Self::deposit_event(Event::ResidencyEnded { version });
		Ok(())
	}

	/// What is held for so many bytes.
	pub(crate) fn resident_deposit(bytes: u32) -> BalanceOf<T> {
		T::ResidentDepositPerByte::get()
			.saturating_mul(bytes.into())
			.saturating_add(T::ResidentDepositBase::get())
	}

	/// A result that can be challenged now is computed again, if the runtime has the weights.
	pub(crate) fn await_idle_time(id: RequestId, version: VersionId) {
		if Residents::<T>::contains_key(version) {
			Idle::<T>::insert(id, ());
		}
	}

	/// Computes one result again, if what is left of the block is enough. Returns what that cost.
	pub(crate) fn reexecute(now: BlockNumberFor<T>, left: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(left);
		if meter.try_consume(T::WeightInfo::idle()).is_err() {
			return meter.consumed();
		}
		// One look: whatever is there fits into a block that has little else to do.
		let Some(id) = Idle::<T>::iter_keys().next() else { return meter.consumed() };
		let request = Requests::<T>::get(id);
		let resident = request.as_ref().and_then(|request| Residents::<T>::get(request.version));
		let (Some(request), Some(resident)) = (request, resident) else {
			// The weights were taken away meanwhile.
			Idle::<T>::remove(id);
			return meter.consumed();
		};
		let (committee, agreed) = match request.state.clone() {
			RequestState::Agreed { committee, outcome, .. } => (committee, Some(outcome)),
			RequestState::Disputed { committee, .. } => (committee, None),
			_ => {
				Idle::<T>::remove(id);
				return meter.consumed();
			},
		};
		// What an upgrade has made too large is never done.
		let is_too_large = resident.work > T::MaxAdjudicationWork::get();
		let weight = Self::weight_of_reexecution(resident.bytes, resident.work);
		let verdict = Self::weight_of_conclusion(MAX_COMMITTEE);
		if !is_too_large && !meter.can_consume(weight.saturating_add(verdict)) {
			return meter.consumed();
		}
		Idle::<T>::remove(id);
		if is_too_large {
			return meter.consumed();
		}
		meter.consume(weight);
		let weights = ResidentWeights::<T>::get(request.version);
		let (Ok(case), Some(weights)) = (Self::case(id, &request), weights) else {
			return meter.consumed();
		};
		let ending = Self::ending(&case, &weights);
		if agreed.is_some() && ending.answer() == agreed {
			// Whatever was audited before must not be again.
			if !Checks::<T>::contains_key(id) {
				Checks::<T>::insert(id, Check::Confirmed);
			}
			Self::deposit_event(Event::Confirmed { request: id });
		} else {
			meter.consume(Self::weight_of_conclusion(committee.len() as u32));
			// As if somebody had challenged it; but nobody stands for anything, or plays.
			let nothing = Schedule { steps: 1, depth: 0 };
			let none = || Self::new_dispute(BoundedVec::new(), nothing, false);
			let dispute = Disputes::<T>::get(id).unwrap_or_else(none);
			Self::pronounce(id, request, committee, dispute, ending, None, now);
		}
		meter.consumed()
	}

	/// What computing a result again costs, if it is right.
	pub(crate) fn weight_of_reexecution(bytes: u32, work: u64) -> Weight {
		T::WeightInfo::reexecute(bytes)
			.saturating_add(T::WeightInfo::compute(thousands(work)))
			// It is measured with a short question.
			.saturating_add(Weight::from_parts(0, MAX_INPUT_LEN.into()))
	}
}
