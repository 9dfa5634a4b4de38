//! Ratings as clients see them.

use crate::{
	score, BalanceOf, Config, CurrentRound, CurrentSettlement, Histories, Pallet, Ratings, Said,
};
use dodona_primitives_inference::{RatingInfo, RatingRound, RequestId, VersionRatings};
use dodona_primitives_models::VersionId;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::Get;
use sp_runtime::{traits::Saturating, Perbill};

impl<T: Config> Pallet<T> {
	/// What was said about a version, as far as it is settled.
	pub fn ratings(version: VersionId) -> VersionRatings {
		let history = Histories::<T>::get(version);
		let baseline = Self::basis(version).baseline.clamp(0, score::ONE);
		VersionRatings {
			good: history.said.good,
			bad: history.said.bad,
			expected: Perbill::from_parts(u32::try_from(baseline).unwrap_or_default()),
			rounds: history.rounds.into_inner(),
		}
	}

	/// The rating of a request, until it is scored.
	pub fn rating(request: RequestId) -> Option<RatingInfo<T::AccountId, BalanceOf<T>>> {
		let current = CurrentRound::<T>::get().index;
		let settling = CurrentSettlement::<T>::get().map(|settlement| settlement.round);
		[Some(current), current.checked_sub(1), settling]
			.into_iter()
			.flatten()
			.find_map(|round| Some((round, Ratings::<T>::get(round, request)?)))
			.map(|(round, rating)| RatingInfo {
				rater: rating.rater,
				version: rating.version,
				round,
				cap: rating.cap,
				stake: rating.stake,
				deposit: rating.deposit,
				rating: match rating.said {
					Said::Committed(_) => None,
					Said::Revealed(said) => Some(said),
				},
			})
	}

	/// Where the rounds are.
	pub fn rating_round() -> RatingRound<BlockNumberFor<T>> {
		let round = CurrentRound::<T>::get();
		RatingRound {
			round: round.index,
			since: round.since,
			next: round.since.saturating_add(T::RoundLength::get()),
			final_since: round.previous,
			settling: CurrentSettlement::<T>::get().map(|settlement| settlement.round),
		}
	}
}
