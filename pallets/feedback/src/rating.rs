//! Committing to a rating, and revealing it.

use crate::{
	amount, raw, score, Commitment, Config, CurrentRound, Error, Event, HoldReason, OwnTallies,
	Pallet, Ratings, Said, Tallies,
};
use dodona_primitives_inference::{rating_commitment, RatedRequests, Rating, RequestId, Salt};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::fungible::MutateHold};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::{Get, H256};
use sp_runtime::traits::{Saturating, Zero};

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::commit_rating`].
	pub(crate) fn do_commit(
		who: T::AccountId,
		request: RequestId,
		commitment: H256,
	) -> DispatchResult {
		let rated = T::Requests::finalized(request).ok_or(Error::<T>::NotFinal)?;
		ensure!(rated.requester == who, Error::<T>::NotYourRequest);
		let round = CurrentRound::<T>::get();
		// What is rated in one round is remembered to the end of the next, and can't be rated again
		// afterwards: that is what the bound is for, besides being one.
		ensure!(rated.at >= round.previous, Error::<T>::TooLate);
		let before = round.index.checked_sub(1);
		let is_rated = Ratings::<T>::contains_key(round.index, request)
			|| before.is_some_and(|before| Ratings::<T>::contains_key(before, request));
		ensure!(!is_rated, Error::<T>::AlreadyRated);

		let cap = T::RewardCap::get().mul_floor(raw::<T>(rated.treasury));
		let stake = amount::<T>(score::stake(cap, T::Margin::get()));
		let (cap, deposit) = (amount::<T>(cap), T::Deposit::get());
		let held = stake.saturating_add(deposit);
		if !held.is_zero() {
			T::Currency::hold(&HoldReason::Rating.into(), &who, held)?;
		}
		let (rater, said) = (who.clone(), Said::Committed(commitment));
		let rating = Commitment { rater, version: rated.version, cap, stake, deposit, said };
		Ratings::<T>::insert(round.index, request, rating);
		let round = round.index;
		Self::deposit_event(Event::RatingCommitted { request, rater: who, round, cap, stake });
		Ok(())
	}

	/// See [`crate::Call::reveal_rating`].
	pub(crate) fn do_reveal(
		who: T::AccountId,
		request: RequestId,
		rating: Rating,
		salt: Salt,
	) -> DispatchResult {
		let round = CurrentRound::<T>::get().index.checked_sub(1);
		let round = round.ok_or(Error::<T>::NothingToReveal)?;
		let mut committed = Ratings::<T>::get(round, request).ok_or(Error::<T>::NothingToReveal)?;
		ensure!(committed.rater == who, Error::<T>::NotYourRequest);
		let Said::Committed(commitment) = committed.said else {
			return Err(Error::<T>::AlreadyRevealed.into());
		};
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		let opened = rating_commitment(genesis.into(), request, &who, rating, &salt);
		ensure!(opened == commitment, Error::<T>::CommitmentMismatch);

		let version = committed.version;
		Tallies::<T>::mutate(round, version, |tally| tally.said.add(rating));
		OwnTallies::<T>::mutate((round, version), &who, |own| {
			own.said.add(rating);
			own.open = own.open.saturating_add(1);
		});
		committed.said = Said::Revealed(rating);
		Ratings::<T>::insert(round, request, committed);
		Self::deposit_event(Event::RatingRevealed { request, version, rater: who, rating });
		Ok(())
	}
}
