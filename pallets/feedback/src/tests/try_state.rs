use crate::{mock::*, score::Tally, *};
use dodona_primitives_inference::Rating::{Bad, Good};
use frame_support::{
	assert_ok,
	traits::{fungible::MutateHold, tokens::Precision},
	weights::Weight,
};
use sp_runtime::DispatchError;

/// What the invariants say after `damage` to a state with ratings of three rounds: one that is
/// being scored, one that is revealed, and one that is committed to.
fn complaint(damage: impl FnOnce()) -> DispatchError {
	ExtBuilder.build().execute_with(|| {
		rate(1, VERSION, &[Good, Good, Bad]);
		rate_more();
		let step = <() as WeightInfo>::poll_base().saturating_add(<() as WeightInfo>::score_step());
		poll_with(step);
		assert_eq!(ScoredRatings::<Test>::iter().count(), 1);
		assert_ok!(Feedback::do_try_state());
		damage();
		Feedback::do_try_state().expect_err("the damage is seen")
	})
}

fn rate_more() {
	for request in 11..14 {
		finalize(request, request, VERSION);
		assert_ok!(commit(request, request, Good));
	}
	next_round();
	assert_ok!(reveal(11, 11, Good));
	finalize(21, 21, VERSION);
	assert_ok!(commit(21, 21, Good));
}

fn change(round: u32, request: u64, change: impl FnOnce(&mut RatingOf<Test>)) {
	Ratings::<Test>::mutate(round, request, |rating| change(rating.as_mut().unwrap()));
}

#[test]
fn try_state_should_complain_when_holds_and_ratings_differ() {
	let differs = DispatchError::Other("a rater's hold differs from its ratings");
	assert_eq!(complaint(|| change(2, 21, |rating| rating.stake += 1)), differs);
	assert_eq!(complaint(|| change(1, 12, |rating| rating.deposit -= 1)), differs);
	let released = complaint(|| {
		let reason = HoldReason::Rating.into();
		assert_ok!(Balances::release(&reason, &21, 1, Precision::Exact));
	});
	assert_eq!(released, differs);
	let earns_more = complaint(|| change(2, 21, |rating| rating.cap = rating.stake + 1));
	assert_eq!(earns_more, DispatchError::Other("a rating can earn more than it can lose"));
}

#[test]
fn try_state_should_complain_when_a_rating_is_in_the_wrong_round() {
	let over = complaint(|| CurrentRound::<Test>::mutate(|round| round.index += 1));
	assert_eq!(over, DispatchError::Other("a rating is of a round that is over"));
	let early = complaint(|| change(2, 21, |rating| rating.said = Said::Revealed(Good)));
	assert_eq!(early, DispatchError::Other("a rating is revealed in the round of its commitment"));
}

#[test]
fn try_state_should_complain_when_ratings_are_miscounted() {
	let fewer = complaint(|| Tallies::<Test>::mutate(1, VERSION, |tally| tally.said.good -= 1));
	assert_eq!(fewer, DispatchError::Other("a rating isn't counted"));
	let more = complaint(|| Tallies::<Test>::mutate(1, VERSION, |tally| tally.said.bad += 1));
	assert_eq!(more, DispatchError::Other("a tally counts ratings that aren't there"));
	let none = complaint(|| Tallies::<Test>::remove(1, VERSION));
	assert_eq!(none, DispatchError::Other("ratings aren't counted"));
	let open = complaint(|| OwnTallies::<Test>::mutate((1, VERSION), 11, |own| own.open += 1));
	assert_eq!(open, DispatchError::Other("an account's ratings are miscounted"));
	let lost = complaint(|| OwnTallies::<Test>::remove((1, VERSION), 11));
	assert_eq!(lost, DispatchError::Other("an account's ratings aren't counted"));
}

#[test]
fn try_state_should_complain_when_a_settlement_is_wrong() {
	let won = complaint(|| {
		CurrentSettlement::<Test>::mutate(|settlement| settlement.as_mut().unwrap().won += 1)
	});
	assert_eq!(won, DispatchError::Other("what was won is miscounted"));
	let left = ExtBuilder.build().execute_with(|| {
		rate(1, VERSION, &[Good; 3]);
		next_round();
		while ScoredRatings::<Test>::iter().count() < 3 {
			let step =
				<() as WeightInfo>::poll_base().saturating_add(<() as WeightInfo>::score_step());
			poll_with(step);
		}
		CurrentSettlement::<Test>::kill();
		Feedback::do_try_state().expect_err("the damage is seen")
	});
	assert_eq!(left, DispatchError::Other("a tally is of a round that is over"));
}

#[test]
fn try_state_should_complain_when_more_is_paid_than_there_is() {
	let paying = |damage: fn(&mut Balance, &mut Balance)| {
		ExtBuilder.build().execute_with(|| {
			rate(1, VERSION, &[Good; 3]);
			next_round();
			let step = <() as WeightInfo>::poll_base()
				.saturating_add(<() as WeightInfo>::score_step())
				.saturating_add(Weight::from_parts(1, 0));
			while ScoredRatings::<Test>::iter().count() < 3
				|| Tallies::<Test>::iter().count() > 0
				|| !matches!(
					CurrentSettlement::<Test>::get().map(|settlement| settlement.stage),
					Some(Stage::Paying { .. })
				) {
				poll_with(step);
			}
			CurrentSettlement::<Test>::mutate(|settlement| {
				let Some(Settlement { stage: Stage::Paying { budget, paid, .. }, .. }) = settlement
				else {
					panic!("it is paid for")
				};
				damage(budget, paid);
			});
			Feedback::do_try_state().expect_err("the damage is seen")
		})
	};
	let over_budget = paying(|budget, paid| *paid = *budget + 1);
	assert_eq!(over_budget, DispatchError::Other("more is paid than the budget"));
	let over_won = paying(|_, paid| *paid += 1);
	assert_eq!(over_won, DispatchError::Other("more is paid than was won"));
}

#[test]
fn try_state_should_complain_when_histories_do_not_match() {
	let settled = |damage: fn()| {
		ExtBuilder.build().execute_with(|| {
			rate(1, VERSION, &[Good, Good, Bad]);
			settle_all();
			assert_ok!(Feedback::do_try_state());
			damage();
			Feedback::do_try_state().expect_err("the damage is seen")
		})
	};
	let model = settled(|| ModelTallies::<Test>::mutate(7, |tally| tally.good += 1));
	assert_eq!(model, DispatchError::Other("a model's ratings aren't its versions'"));
	let none = settled(|| ModelTallies::<Test>::remove(7));
	assert_eq!(none, DispatchError::Other("a version's ratings aren't its model's"));
	let rounds = settled(|| {
		Histories::<Test>::mutate(VERSION, |history| history.said = Tally::default());
		ModelTallies::<Test>::remove(7);
	});
	assert_eq!(rounds, DispatchError::Other("a version's rounds have more ratings than it has"));
}
