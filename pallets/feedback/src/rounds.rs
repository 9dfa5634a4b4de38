//! Rounds: one takes commitments, the one before is revealed, the one before that is settled. What
//! a block settles is bounded and metered; no round ends before the last one is settled.

use crate::{
	amount, raw,
	score::{self, Outcome, Scale},
	BalanceOf, Basis, Calibrations, Config, CurrentRound, CurrentSettlement, Event, Histories,
	HoldReason, ModelTallies, OwnTallies, OwnTally, Pallet, RatingOf, Ratings, Round, RoundTally,
	Said, Scored, ScoredOf, ScoredRatings, Settlement, SettlementOf, Stage, Tallies, WeightInfo,
	MOST_STEPS,
};
use dodona_primitives_inference::{Rating, RequestId, RoundRatings};
use dodona_primitives_models::VersionId;
use frame_support::{
	defensive,
	traits::{
		fungible::{Balanced, BalancedHold, Inspect, Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation},
		Imbalance,
	},
	weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::Get;
use sp_runtime::traits::{One, Saturating, Zero};

impl<T: Config> Pallet<T> {
	/// Settles what there is room for, and begins the next round when it is time.
	pub(crate) fn serve(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::poll_base()).is_err() {
			return;
		}
		if let Some(settlement) = CurrentSettlement::<T>::get() {
			CurrentSettlement::<T>::set(Self::settle(settlement, meter));
			return;
		}
		let round = CurrentRound::<T>::get();
		let over = round.since.saturating_add(T::RoundLength::get().max(One::one()));
		if now >= over && meter.try_consume(T::WeightInfo::begin_round()).is_ok() {
			Self::begin_round(round, now);
		}
	}

	/// Begins the round after `round`: what was revealed in that one is settled.
	pub(crate) fn begin_round(round: Round<BlockNumberFor<T>>, now: BlockNumberFor<T>) {
		let index = round.index.saturating_add(1);
		CurrentRound::<T>::put(Round { index, since: now, previous: round.since });
		Self::deposit_event(Event::RoundBegan { round: index });
		let Some(revealed) = round.index.checked_sub(1) else { return };
		if Ratings::<T>::iter_key_prefix(revealed).next().is_some() {
			CurrentSettlement::<T>::put(Settlement {
				round: revealed,
				won: Zero::zero(),
				forfeited: Zero::zero(),
				stage: Stage::Scoring,
			});
		}
	}

	/// Goes on with a settlement as far as there is room, and for so many steps at most. `None` if
	/// it is done.
	fn settle(mut settlement: SettlementOf<T>, meter: &mut WeightMeter) -> Option<SettlementOf<T>> {
		let mut steps = MOST_STEPS;
		loop {
			let is_over = match settlement.stage {
				Stage::Scoring => Self::score_all(&mut settlement, &mut steps, meter),
				Stage::Learning => Self::learn_all(&settlement, &mut steps, meter),
				Stage::Paying { .. } => Self::pay_all(&mut settlement, &mut steps, meter),
			};
			if !is_over {
				return Some(settlement);
			}
			settlement = Self::next_stage(settlement)?;
		}
	}

	/// The settlement in its next stage; `None` after the last one.
	fn next_stage(settlement: SettlementOf<T>) -> Option<SettlementOf<T>> {
		let stage = match settlement.stage {
			Stage::Scoring => Stage::Learning,
			Stage::Learning => {
				let treasury = T::Treasury::get();
				let there_is = T::Currency::reducible_balance(
					&treasury,
					Preservation::Preserve,
					Fortitude::Polite,
				);
				let budget = T::Budget::get().min(there_is);
				let scale = Scale::new(raw::<T>(budget), raw::<T>(settlement.won));
				Stage::Paying { budget, scale, paid: Zero::zero(), taken: Zero::zero() }
			},
			Stage::Paying { paid, taken, .. } => {
				let Settlement { round, forfeited, .. } = settlement;
				Self::deposit_event(Event::RoundSettled { round, paid, taken, forfeited });
				return None;
			},
		};
		Some(Settlement { stage, ..settlement })
	}

	/// Takes `next` as often as there is room; whether it came to its end. The end is a step, too.
	fn take_steps(
		steps: &mut u32,
		weight: Weight,
		meter: &mut WeightMeter,
		mut next: impl FnMut() -> bool,
	) -> bool {
		while *steps > 0 && meter.try_consume(weight).is_ok() {
			*steps = steps.saturating_sub(1);
			if !next() {
				return true;
			}
		}
		false
	}

	fn score_all(
		settlement: &mut SettlementOf<T>,
		steps: &mut u32,
		meter: &mut WeightMeter,
	) -> bool {
		// One iterator for all: each would step again over whatever was removed before.
		let mut ratings = Ratings::<T>::drain_prefix(settlement.round);
		Self::take_steps(steps, T::WeightInfo::score_step(), meter, || match ratings.next() {
			Some((request, rating)) => {
				Self::score_one(settlement, request, rating);
				true
			},
			None => false,
		})
	}

	fn learn_all(settlement: &SettlementOf<T>, steps: &mut u32, meter: &mut WeightMeter) -> bool {
		let mut tallies = Tallies::<T>::drain_prefix(settlement.round);
		Self::take_steps(steps, T::WeightInfo::learn_step(), meter, || match tallies.next() {
			Some((version, tally)) => {
				Self::learn_one(settlement.round, version, tally);
				true
			},
			None => false,
		})
	}

	fn pay_all(settlement: &mut SettlementOf<T>, steps: &mut u32, meter: &mut WeightMeter) -> bool {
		let mut scored = ScoredRatings::<T>::drain();
		Self::take_steps(steps, T::WeightInfo::pay_step(), meter, || match scored.next() {
			Some((request, scored)) => {
				Self::pay_one(settlement, request, scored);
				true
			},
			None => false,
		})
	}

	/// Scores a rating; settles it at once if nothing is to be paid or taken.
	fn score_one(settlement: &mut SettlementOf<T>, request: RequestId, rating: RatingOf<T>) {
		let held = rating.stake.saturating_add(rating.deposit);
		let rater = rating.rater;
		let said = match rating.said {
			Said::Revealed(said) => said,
			Said::Committed(_) => {
				let taken = Self::end(&rater, held, rating.stake);
				settlement.forfeited = settlement.forfeited.saturating_add(taken);
				Self::deposit_event(Event::RatingForfeited { request, rater, taken });
				return;
			},
		};
		let score = Self::score_of(settlement.round, rating.version, &rater, said);
		let outcome = Outcome::of(score, raw::<T>(rating.cap), raw::<T>(rating.stake));
		match outcome {
			Outcome::Even => {
				Self::end(&rater, held, Zero::zero());
				let (paid, taken) = (Zero::zero(), Zero::zero());
				Self::deposit_event(Event::RatingSettled { request, rater, paid, taken });
				return;
			},
			Outcome::Won(won) => {
				settlement.won = settlement.won.saturating_add(amount::<T>(won));
			},
			Outcome::Lost(_) => (),
		}
		ScoredRatings::<T>::insert(request, Scored { rater, held, outcome });
	}

	/// The score of one revealed rating, which is not scored again.
	fn score_of(round: u32, version: VersionId, rater: &T::AccountId, said: Rating) -> i64 {
		let own = OwnTallies::<T>::mutate_exists((round, version), rater, |own| {
			let tally = own.take().unwrap_or_default();
			let open = tally.open.saturating_sub(1);
			*own = (open > 0).then_some(OwnTally { open, ..tally });
			tally.said
		});
		let mut tally = Tallies::<T>::get(round, version);
		let basis = match tally.basis {
			Some(basis) => basis,
			None => {
				let basis = Self::basis(version);
				tally.basis = Some(basis);
				Tallies::<T>::insert(round, version, tally);
				basis
			},
		};
		let others = tally.said.without(own);
		if others.count() < Self::least_peers() {
			return 0;
		}
		score::score(said, others, basis.baseline)
	}

	fn least_peers() -> u64 {
		u64::from(T::MinPeers::get()).max(1)
	}

	/// What the next ratings of a version are compared with.
	pub(crate) fn basis(version: VersionId) -> Basis {
		let said = Histories::<T>::get(version).said;
		let of_model = ModelTallies::<T>::get(version.model);
		let class = score::class(said, of_model);
		let expected = score::expected(said, of_model);
		let baseline = score::baseline(expected, &Calibrations::<T>::get(class));
		Basis { expected, baseline, class }
	}

	/// Makes what was said about a version in a round part of its history.
	fn learn_one(round: u32, version: VersionId, tally: RoundTally) {
		let said = tally.said;
		// Only what was scored: nothing is at stake otherwise.
		if let Some(basis) = tally.basis.filter(|_| said.count() > Self::least_peers()) {
			Calibrations::<T>::mutate(basis.class, |calibration| {
				calibration.learn(said, basis.expected)
			});
		}
		Histories::<T>::mutate(version, |history| {
			history.said.merge(said);
			if history.rounds.is_full() && !history.rounds.is_empty() {
				history.rounds.remove(0);
			}
			let (good, bad) = (said.good, said.bad);
			// There is room now.
			let _ = history.rounds.try_push(RoundRatings { round, good, bad });
		});
		ModelTallies::<T>::mutate(version.model, |tally| tally.merge(said));
		let (good, bad) = (said.good, said.bad);
		Self::deposit_event(Event::VersionRated { version, round, good, bad });
	}

	/// Pays for a score, or takes what it lost, and returns the rest.
	fn pay_one(settlement: &mut SettlementOf<T>, request: RequestId, scored: ScoredOf<T>) {
		let Stage::Paying { scale, paid: all_paid, taken: all_taken, .. } = &mut settlement.stage
		else {
			return;
		};
		let Scored { rater, held, outcome } = scored;
		let (won, lost) = match outcome {
			Outcome::Even => (0, 0),
			Outcome::Won(won) => (scale.paid(won), 0),
			Outcome::Lost(lost) => (0, scale.taken(lost)),
		};
		let taken = Self::end(&rater, held, amount::<T>(lost));
		let treasury = T::Treasury::get();
		let won = amount::<T>(won);
		let paid = if won.is_zero() {
			won
		} else {
			// Unless the treasury has spent it meanwhile, or the account is gone.
			T::Currency::transfer(&treasury, &rater, won, Preservation::Preserve)
				.unwrap_or_default()
		};
		*all_paid = all_paid.saturating_add(paid);
		*all_taken = all_taken.saturating_add(taken);
		Self::deposit_event(Event::RatingSettled { request, rater, paid, taken });
	}

	/// Ends what is held for a rating: `lost` of it goes to the treasury, the rest back. Returns
	/// what was taken.
	fn end(rater: &T::AccountId, held: BalanceOf<T>, lost: BalanceOf<T>) -> BalanceOf<T> {
		let reason = HoldReason::Rating.into();
		let mut taken = Zero::zero();
		if !lost.is_zero() {
			let (credit, _) = T::Currency::slash(&reason, rater, lost);
			taken = credit.peek();
			// A treasury without an account can't take less than the existential deposit: then it
			// is burned.
			let _ = T::Currency::resolve(&T::Treasury::get(), credit);
		}
		let rest = held.saturating_sub(lost);
		if !rest.is_zero()
			&& T::Currency::release(&reason, rater, rest, Precision::BestEffort) != Ok(rest)
		{
			defensive!("what a rating has at stake is not held");
		}
		taken
	}
}
