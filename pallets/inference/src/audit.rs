//! Audits: some results that nobody has disputed, or nobody with success, are put to a second
//! committee.

use crate::{
	AgreedAt, Checks, CommitteeOf, Config, Disputes, Event, Idle, Pallet, RequestOf, Requests,
	StateOf, WeightInfo,
};
use alloc::collections::BTreeMap;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_inference::{
	FailureReason, RequestId, RequestState, Seat, SeatStatus, MAX_COMMITTEE,
};
use dodona_primitives_models::ModelInspect;
use frame_support::{
	pallet_prelude::{BoundedVec, ConstU32, TypeInfo, Weight},
	traits::Randomness,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::{Get, H256};
use sp_runtime::{traits::Hash, Perbill};

/// The seats of a committee.
pub type Seats<AccountId> = BoundedVec<Seat<AccountId>, ConstU32<MAX_COMMITTEE>>;

/// What became of a result that was looked at again.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Check<AccountId> {
	/// A second committee is asked.
	#[codec(index = 0)]
	Running {
		/// The first one.
		first: Seats<AccountId>,
		/// What a quorum of it named.
		outcome: H256,
	},
	/// A second committee was asked; no other will be.
	#[codec(index = 1)]
	Audited {
		/// The seats that the fee is for, those of the first committee; `None` once all of it
		/// begins anew.
		seats: Option<u32>,
	},
	/// The runtime has run the model, and the result is right.
	#[codec(index = 2)]
	Confirmed,
}

/// How many seats named each outcome.
pub(crate) fn votes<AccountId>(committee: &[Seat<AccountId>]) -> BTreeMap<H256, u32> {
	let mut votes = BTreeMap::<H256, u32>::new();
	for seat in committee {
		if let SeatStatus::Revealed(outcome) = seat.status {
			let votes = votes.entry(outcome).or_default();
			*votes = votes.saturating_add(1);
		}
	}
	votes
}

/// Whether chance has it, for this part of all requests.
fn is_chosen(rate: Perbill, seed: H256) -> bool {
	let (first, _) = seed.as_fixed_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
	// There are so many numbers that they are as good as evenly spread.
	u64::from_le_bytes(*first) % u64::from(Perbill::one().deconstruct())
		< u64::from(rate.deconstruct())
}

impl<T: Config> Pallet<T> {
	/// Whether a result that nobody has disputed, or nobody with success, is audited, if such a part of
	/// all is.
	pub(crate) fn has_to_be_audited(
		rate: Perbill,
		id: RequestId,
		request: &RequestOf<T>,
		committee: &[Seat<T::AccountId>],
	) -> bool {
		let has_room = committee.len().saturating_mul(2) <= MAX_COMMITTEE as usize;
		if rate.is_zero() || !has_room || Checks::<T>::contains_key(id) {
			return false;
		}
		// The dispute that it may lead to has to end.
		if !T::Models::may_answer(request.version) || Self::decidable(request.version).is_err() {
			return false;
		}
		let (random, known_since) = T::Randomness::random(b"dodona/audit");
		// A seat that knows which results are audited lies about the others.
		AgreedAt::<T>::get(id).is_some_and(|agreed| known_since > agreed)
			&& is_chosen(rate, T::Hashing::hash_of(&(random, id)).into())
	}

	/// Whether it is left to chance what becomes of a result: then no call moves it on, as whoever
	/// signs it knows the block's randomness.
	pub(crate) fn is_left_to_chance(id: RequestId, now: BlockNumberFor<T>) -> bool {
		let is_due = |request: &RequestOf<T>| Self::due(&request.state) <= now;
		let is_result = |request: RequestOf<T>| match &request.state {
			RequestState::Agreed { .. } => true,
			RequestState::Disputed { committee, outcome, .. } => Disputes::<T>::get(id)
				.is_some_and(|dispute| Self::upheld(committee, &dispute, *outcome).is_some()),
			_ => false,
		};
		!T::AuditRate::get().is_zero()
			&& !Checks::<T>::contains_key(id)
			&& Requests::<T>::get(id).filter(is_due).is_some_and(is_result)
	}

	/// `Agreed` or `Disputed` → `Queued` for a second committee. The seats of the first stay obliged.
	pub(crate) fn begin_audit(
		id: RequestId,
		first: CommitteeOf<T>,
		outcome: H256,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		Idle::<T>::remove(id);
		Checks::<T>::insert(id, Check::Running { first, outcome });
		Self::deposit_event(Event::AuditBegun { request: id });
		RequestState::Queued { since: now }
	}

	/// The first committee of a request that is being audited, and what it named.
	pub(crate) fn audit_of(id: RequestId) -> Option<(CommitteeOf<T>, H256)> {
		match Checks::<T>::get(id) {
			Some(Check::Running { first, outcome }) => Some((first, outcome)),
			_ => None,
		}
	}

	/// No committee can be asked: the request fails. One that is audited has its result already.
	pub(crate) fn give_up(
		id: RequestId,
		request: &RequestOf<T>,
		reason: FailureReason,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		match Self::audit_of(id) {
			Some((first, outcome)) => Self::void_audit(id, request, first, outcome, now),
			None => Self::fail(id, request, reason, now),
		}
	}

	/// The second committee has nothing to say: the result stands as if it had not been asked.
	pub(crate) fn void_audit(
		id: RequestId,
		request: &RequestOf<T>,
		first: CommitteeOf<T>,
		outcome: H256,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		Checks::<T>::insert(id, Check::Audited { seats: Some(first.len() as u32) });
		Self::deposit_event(Event::AuditVoid { request: id });
		Self::finalize(id, request, first, outcome, now)
	}

	/// `Revealing` → `Finalized` or `Disputed`: both committees are one now.
	pub(crate) fn end_audit(
		id: RequestId,
		request: &RequestOf<T>,
		first: CommitteeOf<T>,
		outcome: H256,
		second: CommitteeOf<T>,
		now: BlockNumberFor<T>,
	) -> StateOf<T> {
		let said = votes(&second).values().fold(0u32, |sum, votes| sum.saturating_add(*votes));
		let seats = first.len() as u32;
		// There is room: the second was given as many seats as the first, no more than half.
		let both = first.iter().chain(&second).cloned().collect();
		let both = CommitteeOf::<T>::truncate_from(both);
		let votes = votes(&both);
		let audited = Check::Audited { seats: Some(seats) };
		if said > 0 && votes.len() == 1 {
			Checks::<T>::insert(id, audited);
			Self::deposit_event(Event::AuditPassed { request: id, votes: said });
			return Self::finalize(id, request, both, outcome, now);
		}
		match Self::schedule(id, request) {
			Ok(schedule) if said > 0 => {
				Checks::<T>::insert(id, audited);
				Self::dissent(id, schedule, both, Some(outcome), votes, now)
			},
			// Nobody is shown to be wrong: those who revealed lose nothing.
			_ => {
				Self::dismiss(id, &second);
				Self::void_audit(id, request, first, outcome, now)
			},
		}
	}

	/// Another committee answers anew, about which nothing is known. Returns how many of those that
	/// were asked were no attempts but audits.
	pub(crate) fn forget_check(id: RequestId) -> u32 {
		match Checks::<T>::get(id) {
			Some(Check::Audited { .. }) => {
				Checks::<T>::insert(id, Check::Audited { seats: None });
				1
			},
			Some(_) => {
				Checks::<T>::remove(id);
				0
			},
			None => 0,
		}
	}

	/// For how many seats a fee is: those of the committee. An audit shares the same among more, if
	/// more have named the result, and takes nothing from those who have if the others have not.
	pub(crate) fn seats_paid(id: RequestId, committee: &[Seat<T::AccountId>], winners: u32) -> u32 {
		match Checks::<T>::get(id) {
			Some(Check::Audited { seats: Some(seats) }) => seats.max(winners),
			_ => committee.len() as u32,
		}
	}

	/// What the end of an audit costs beyond the step that leads to it; nothing if there is none.
	pub(crate) fn weight_of_audit(id: RequestId) -> Weight {
		Self::audit_of(id).map_or_else(Weight::zero, |(first, _)| {
			Self::weight_of_audit_end((first.len() as u32).saturating_mul(2))
		})
	}

	/// What the end of an audit costs with so many seats in both committees.
	// What is kept of an audit is read and changed at the end as it is at the beginning.
	pub(crate) fn weight_of_audit_end(seats: u32) -> Weight {
		T::WeightInfo::begin_audit(seats)
			.saturating_add(Self::weight_of_finalize(seats).max(T::WeightInfo::dispute(seats)))
	}
}
