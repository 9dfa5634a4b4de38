//! What holds between blocks, always.

use crate::{
	raw,
	score::{Outcome, Tally},
	Config, CurrentRound, CurrentSettlement, Histories, HoldReason, ModelTallies, OwnTallies,
	Pallet, Ratings, Said, ScoredRatings, Stage, Tallies,
};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Invariants:
	///
	/// - What an account holds for ratings is the stakes and deposits of those that aren't settled.
	/// - A rating can lose no less than it can earn.
	/// - Ratings are of this round, the one before, or the one that is being settled; and only of
	///   one that is being scored if they are of that. None is revealed in this round.
	/// - A round's tally of a version counts all its revealed ratings, and no others while none is
	///   scored. An account's own tally has as many open as it has ratings.
	/// - Ratings that are scored wait only while a round is settled, with no more won than the
	///   settlement knows of; and no more is paid than won, nor than the budget.
	/// - What was said about a model is what was said about its versions.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_holds()?;
		Self::check_rounds()?;
		Self::check_settlement()?;
		Self::check_histories()
	}

	fn check_holds() -> Result<(), TryRuntimeError> {
		let mut holds = BTreeMap::<T::AccountId, u128>::new();
		for (_, _, rating) in Ratings::<T>::iter() {
			ensure!(rating.cap <= rating.stake, "a rating can earn more than it can lose");
			let held = holds.entry(rating.rater).or_default();
			*held = held
				.saturating_add(raw::<T>(rating.stake))
				.saturating_add(raw::<T>(rating.deposit));
		}
		for scored in ScoredRatings::<T>::iter_values() {
			let held = holds.entry(scored.rater).or_default();
			*held = held.saturating_add(raw::<T>(scored.held));
		}
		for (rater, held) in holds {
			let on_hold = T::Currency::balance_on_hold(&HoldReason::Rating.into(), &rater);
			ensure!(raw::<T>(on_hold) == held, "a rater's hold differs from its ratings");
		}
		Ok(())
	}

	fn check_rounds() -> Result<(), TryRuntimeError> {
		let current = CurrentRound::<T>::get().index;
		let settlement = CurrentSettlement::<T>::get();
		let scoring = settlement
			.as_ref()
			.filter(|settlement| settlement.stage == Stage::Scoring)
			.map(|settlement| settlement.round);
		let mut tallies = BTreeMap::<_, Tally>::new();
		let mut open = BTreeMap::<_, u32>::new();
		for (round, _, rating) in Ratings::<T>::iter() {
			let is_before = current.checked_sub(1) == Some(round);
			ensure!(
				round == current || is_before || scoring == Some(round),
				"a rating is of a round that is over"
			);
			let Said::Revealed(said) = rating.said else { continue };
			ensure!(round != current, "a rating is revealed in the round of its commitment");
			tallies.entry((round, rating.version)).or_default().add(said);
			let count = open.entry((round, rating.version, rating.rater)).or_default();
			*count = count.saturating_add(1);
		}
		for (round, version, tally) in Tallies::<T>::iter() {
			let settling = settlement.as_ref().map(|settlement| settlement.round);
			let is_settling = settling == Some(round);
			ensure!(
				is_settling || current.checked_sub(1) == Some(round),
				"a tally is of a round that is over"
			);
			let left = tallies.remove(&(round, version)).unwrap_or_default();
			ensure!(
				left.good <= tally.said.good && left.bad <= tally.said.bad,
				"a rating isn't counted"
			);
			ensure!(is_settling || left == tally.said, "a tally counts ratings that aren't there");
			ensure!(is_settling || tally.basis.is_none(), "a round is scored before its time");
		}
		ensure!(tallies.is_empty(), "ratings aren't counted");
		for ((round, version), rater, own) in OwnTallies::<T>::iter() {
			let left = open.remove(&(round, version, rater)).unwrap_or_default();
			ensure!(own.open == left && left > 0, "an account's ratings are miscounted");
			ensure!(own.said.count() >= left.into(), "an account's ratings aren't counted");
		}
		ensure!(open.is_empty(), "an account's ratings aren't counted");
		Ok(())
	}

	fn check_settlement() -> Result<(), TryRuntimeError> {
		let won = ScoredRatings::<T>::iter_values().fold(0u128, |sum, scored| {
			sum.saturating_add(match scored.outcome {
				Outcome::Won(won) => won,
				_ => 0,
			})
		});
		let Some(settlement) = CurrentSettlement::<T>::get() else {
			ensure!(ScoredRatings::<T>::iter_keys().next().is_none(), "a scored rating is left");
			return Ok(());
		};
		let all_won = raw::<T>(settlement.won);
		ensure!(
			settlement.round.checked_add(2) == Some(CurrentRound::<T>::get().index),
			"a round is settled that isn't revealed"
		);
		match settlement.stage {
			Stage::Scoring | Stage::Learning => {
				ensure!(won == all_won, "what was won is miscounted")
			},
			Stage::Paying { budget, paid, .. } => {
				ensure!(paid <= budget, "more is paid than the budget");
				ensure!(raw::<T>(paid).saturating_add(won) <= all_won, "more is paid than was won");
			},
		}
		Ok(())
	}

	fn check_histories() -> Result<(), TryRuntimeError> {
		let mut models = BTreeMap::<_, Tally>::new();
		for (version, history) in Histories::<T>::iter() {
			models.entry(version.model).or_default().merge(history.said);
			let mut rounds = Tally::default();
			for round in &history.rounds {
				rounds.merge(Tally { good: round.good, bad: round.bad });
			}
			ensure!(
				rounds.good <= history.said.good && rounds.bad <= history.said.bad,
				"a version's rounds have more ratings than it has"
			);
			ensure!(
				history.rounds.is_sorted_by_key(|round| round.round),
				"a version's rounds are not in order"
			);
		}
		for (model, tally) in ModelTallies::<T>::iter() {
			let said = models.remove(&model).unwrap_or_default();
			ensure!(said == tally, "a model's ratings aren't its versions'");
		}
		ensure!(models.is_empty(), "a version's ratings aren't its model's");
		Ok(())
	}
}
