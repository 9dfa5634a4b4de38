//! What is true of the pallet's storage between any two calls.

use crate::{
	AgreedAt, Assignments, BalanceOf, Check, Checks, Config, Deadlines, Disputes, Excluded,
	HoldReason, Idle, Inputs, NextRequestId, Outputs, Pallet, Queue, Requests, ResidentWeights,
	Residents, RoomTaken, ServedUpTo,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dodona_primitives_inference::{
	outcome_hash, quorum, Contest, RequestId, RequestState, SeatStatus,
};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_core::H256;
use sp_runtime::{
	traits::{Saturating, Zero},
	TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks that
	///
	/// - the fee of every request that has not ended is held, and nothing else is: Σ held = Σ fees;
	/// - every request has an id below the next one and a deadline not yet served, and an input
	///   exactly until it ends;
	/// - the queue is exactly the requests that wait for a committee, since when they do;
	/// - a committee's seats are held by distinct operators;
	/// - what is agreed on has a quorum behind it, and a result has an output that hashes to it;
	/// - exactly the disputed requests have a dispute, and it is counted;
	/// - the bonds of all claims are held, and nothing else is: Σ held = Σ bonds;
	/// - the claims of a dispute have different traces, and their outputs are there; two or more
	///   play, and one alone has won;
	/// - a request that is audited has no other result yet than its first committee's, which is held
	///   by other operators than the second's; only results that can be challenged wait to be
	///   computed again;
	/// - the deposits for weights in the state are held, and nothing else is: Σ held = Σ deposits;
	/// - the open seats are exactly those that can still be punished;
	/// - nothing is kept for requests that are not there.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut fees = BTreeMap::new();
		let mut open = BTreeSet::new();
		let mut waiting = BTreeSet::new();
		let served = ServedUpTo::<T>::get();
		let deadlines: BTreeSet<_> = Deadlines::<T>::iter_keys()
			.filter(|(at, _)| *at > served)
			.map(|(_, id)| id)
			.collect();

		for (id, request) in Requests::<T>::iter() {
			ensure!(id < NextRequestId::<T>::get(), "a request's id is below the next");
			let has_input = Inputs::<T>::contains_key(id);
			ensure!(has_input != request.state.is_terminal(), "an input until the request ends");
			ensure!(deadlines.contains(&id), "a request has a deadline not yet served");
			if !request.state.is_terminal() {
				let fee = fees.entry(request.requester.clone()).or_insert_with(Zero::zero);
				*fee = request.fee.saturating_add(*fee);
			}
			if let RequestState::Queued { since } = request.state {
				waiting.insert((since, id));
			}
			let is_open = matches!(
				request.state,
				RequestState::Agreed { .. } | RequestState::Disputed { .. }
			);
			ensure!(is_open || !Idle::<T>::contains_key(id), "what waits can be challenged");
			let first = Self::check_audit(id, &request.state)?;
			open.extend(first.iter().map(|operator| (operator.clone(), id)));
			let Some(committee) = request.state.committee() else { continue };
			let operators: BTreeSet<_> = committee.iter().map(|seat| &seat.operator).collect();
			ensure!(operators.len() == committee.len(), "a seat each");
			ensure!(first.iter().all(|operator| !operators.contains(operator)), "a seat each");
			let named = |outcome| {
				committee
					.iter()
					.filter(|seat| seat.status == SeatStatus::Revealed(outcome))
					.count()
			};
			match &request.state {
				RequestState::Agreed { outcome, .. } => {
					let quorum = quorum(committee.len() as u32);
					ensure!(named(*outcome) as u32 >= quorum, "what is agreed on has a quorum");
					ensure!(Outputs::<T>::contains_key(id, outcome), "and an output");
				},
				// A dispute may have made another outcome the result than a quorum's.
				RequestState::Finalized { outcome, .. } => {
					ensure!(Outputs::<T>::contains_key(id, outcome), "a result has an output");
				},
				RequestState::Disputed { .. } => {
					ensure!(Disputes::<T>::contains_key(id), "a dispute is there");
				},
				_ => (),
			}
			for seat in committee {
				let at_risk = match request.state {
					RequestState::Committing { .. } => true,
					RequestState::Revealing { .. } => seat.status != SeatStatus::Assigned,
					RequestState::Agreed { .. } | RequestState::Disputed { .. } => {
						matches!(seat.status, SeatStatus::Revealed(_))
					},
					_ => false,
				};
				if at_risk {
					open.insert((seat.operator.clone(), id));
				}
			}
		}
		ensure!(Assignments::<T>::iter_keys().collect::<BTreeSet<_>>() == open, "the open seats");
		ensure!(Queue::<T>::iter_keys().collect::<BTreeSet<_>>() == waiting, "the queue");

		let mut bonds = Self::check_disputes()?;
		let mut deposits = Self::check_residents()?;
		for (account, _) in frame_system::Account::<T>::iter() {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &account);
			let due = fees.remove(&account).unwrap_or_else(Zero::zero);
			let fee = held(HoldReason::Fee);
			ensure!(fee == due, "what is held is the fees of requests that have not ended");
			let due = bonds.remove(&account).unwrap_or_else(Zero::zero);
			let bond = held(HoldReason::Challenge);
			ensure!(bond == due, "what is held is the bonds of claims that stand");
			let due = deposits.remove(&account).unwrap_or_else(Zero::zero);
			let deposit = held(HoldReason::Resident);
			ensure!(deposit == due, "what is held is the deposits for weights in the state");
		}
		ensure!(fees.values().all(Zero::is_zero), "a fee is held");
		ensure!(bonds.values().all(Zero::is_zero), "a bond is held");
		ensure!(deposits.values().all(Zero::is_zero), "a deposit is held");

		for (id, outcome, output) in Outputs::<T>::iter() {
			ensure!(Requests::<T>::contains_key(id), "an output has a request");
			ensure!(outcome_hash(&output) == outcome, "an output is kept under its hash");
		}
		ensure!(
			Inputs::<T>::iter_keys()
				.chain(AgreedAt::<T>::iter_keys())
				.chain(Excluded::<T>::iter_keys())
				.chain(Checks::<T>::iter_keys())
				.chain(Idle::<T>::iter_keys())
				.all(Requests::<T>::contains_key),
			"nothing is kept for requests that are not there"
		);
		Ok(())
	}

	/// The operators of the first committee of a request that is audited, as far as they can be
	/// punished; none of one that is not.
	fn check_audit(
		id: RequestId,
		state: &RequestState<T::AccountId, frame_system::pallet_prelude::BlockNumberFor<T>>,
	) -> Result<BTreeSet<T::AccountId>, TryRuntimeError> {
		let Some(Check::Running { first, outcome }) = Checks::<T>::get(id) else {
			return Ok(BTreeSet::new());
		};
		let is_asked = matches!(
			state,
			RequestState::Queued { .. }
				| RequestState::Committing { .. }
				| RequestState::Revealing { .. }
		);
		ensure!(is_asked, "an audit ends with what the second committee says");
		let named = |said: &H256| *said == outcome;
		let said: BTreeMap<_, _> = first
			.iter()
			.filter_map(|seat| match seat.status {
				SeatStatus::Revealed(said) => Some((seat.operator.clone(), said)),
				_ => None,
			})
			.collect();
		let votes = said.values().filter(|said| named(said)).count() as u32;
		ensure!(votes >= quorum(first.len() as u32), "what is audited has a quorum");
		ensure!(Outputs::<T>::contains_key(id, outcome), "and an output");
		ensure!(AgreedAt::<T>::contains_key(id), "and was agreed on");
		Ok(said.into_keys().collect())
	}

	/// The deposits for weights in the state, by account.
	fn check_residents() -> Result<BTreeMap<T::AccountId, BalanceOf<T>>, TryRuntimeError> {
		let mut deposits = BTreeMap::new();
		for (version, resident) in Residents::<T>::iter() {
			let deposit = deposits.entry(resident.depositor).or_insert_with(Zero::zero);
			*deposit = resident.deposit.saturating_add(*deposit);
			let bytes = ResidentWeights::<T>::decode_len(version);
			ensure!(bytes == Some(resident.bytes as usize), "the weights are there");
		}
		ensure!(
			ResidentWeights::<T>::iter_keys().all(Residents::<T>::contains_key),
			"nobody's weights are in the state"
		);
		Ok(deposits)
	}

	/// The bonds of all claims, by account.
	fn check_disputes() -> Result<BTreeMap<T::AccountId, BalanceOf<T>>, TryRuntimeError> {
		let mut bonds = BTreeMap::new();
		let mut taken = 0u32;
		for (id, dispute) in Disputes::<T>::iter() {
			taken = taken.saturating_add(dispute.takes_room.into());
			let state = Requests::<T>::get(id).map(|request| request.state);
			let is_disputed = matches!(state, Some(RequestState::Disputed { .. }));
			ensure!(is_disputed, "only a disputed request has a dispute");
			let (mut ids, mut roots) = (BTreeSet::new(), BTreeSet::new());
			for claim in &dispute.claims {
				ensure!(claim.id < dispute.next_claim, "a claim's number is below the next");
				ensure!(ids.insert(claim.id), "claims have different numbers");
				if let Some(challenger) = &claim.challenger {
					let bond = bonds.entry(challenger.who.clone()).or_insert_with(Zero::zero);
					*bond = challenger.bond.saturating_add(*bond);
				}
				if let Some(answer) = claim.answer {
					ensure!(Outputs::<T>::contains_key(id, answer), "a claimed output is there");
				}
				if let Some(opening) = &claim.opening {
					ensure!(roots.insert(opening.root), "claims have different traces");
				}
			}
			let is_won = dispute.contest == Contest::Won;
			ensure!(is_won == (dispute.claims.len() == 1), "one claim alone has won");
			ensure!(is_won || dispute.sides().is_some(), "two claims play");
		}
		ensure!(RoomTaken::<T>::get() == taken, "disputes begun by challenges are counted");
		Ok(bonds)
	}
}
