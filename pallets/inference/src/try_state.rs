//! What is true of the pallet's storage between any two calls.

use crate::{
	AgreedAt, Assignments, Config, Deadlines, Excluded, HoldReason, Inputs, NextRequestId, Outputs,
	Pallet, Queue, Requests, ServedUpTo,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dodona_primitives_inference::{outcome_hash, quorum, RequestState, SeatStatus};
use frame_support::{ensure, traits::fungible::InspectHold};
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
	/// - a result has a quorum behind it, and its output hashes to it;
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
			let Some(committee) = request.state.committee() else { continue };
			let operators: BTreeSet<_> = committee.iter().map(|seat| &seat.operator).collect();
			ensure!(operators.len() == committee.len(), "a seat each");
			let named = |outcome| {
				committee
					.iter()
					.filter(|seat| seat.status == SeatStatus::Revealed(outcome))
					.count()
			};
			match &request.state {
				RequestState::Agreed { outcome, .. } | RequestState::Finalized { outcome, .. } => {
					let quorum = quorum(committee.len() as u32);
					ensure!(named(*outcome) as u32 >= quorum, "a result has a quorum");
					ensure!(Outputs::<T>::contains_key(id, outcome), "a result has an output");
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

		let reason = HoldReason::Fee.into();
		for (account, _) in frame_system::Account::<T>::iter() {
			let held = T::Currency::balance_on_hold(&reason, &account);
			let due = fees.remove(&account).unwrap_or_else(Zero::zero);
			ensure!(held == due, "what is held is the fees of requests that have not ended");
		}
		ensure!(fees.values().all(Zero::is_zero), "a fee is held");

		for (id, outcome, output) in Outputs::<T>::iter() {
			ensure!(Requests::<T>::contains_key(id), "an output has a request");
			ensure!(outcome_hash(&output) == outcome, "an output is kept under its hash");
		}
		ensure!(
			Inputs::<T>::iter_keys()
				.chain(AgreedAt::<T>::iter_keys())
				.chain(Excluded::<T>::iter_keys())
				.all(Requests::<T>::contains_key),
			"nothing is kept for requests that are not there"
		);
		Ok(())
	}
}
