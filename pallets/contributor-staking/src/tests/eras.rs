use crate::{mock::*, *};
use dodona_primitives_staking::RewardSink;
use frame_support::{assert_ok, traits::Imbalance, weights::WeightMeter};
use sp_runtime::Perbill;

/// So much is minted at most for one era: a tenth of a year's tenth.
fn budget() -> Balance {
	Balances::total_issuance() / 100
}

fn with_inflation(test: impl FnOnce()) {
	ExtBuilder::default().bonded(1, 1000).bonded(2, 1000).build_and_execute(|| {
		Inflation::set(Perbill::from_percent(10));
		test()
	});
}

fn end_era() {
	advance(ERA_LENGTH - System::block_number() % ERA_LENGTH);
	poll();
}

#[test]
fn era_should_mint_only_the_treasurys_part_when_nobody_worked() {
	with_inflation(|| {
		let (budget, issuance) = (budget(), Balances::total_issuance());
		end_era();
		let tenth = budget - Perbill::from_percent(90).mul_ceil(budget);
		let minted = Balances::total_issuance() - issuance;
		assert!(minted >= tenth && minted <= tenth + 2, "{minted} {tenth}");
		assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + minted);
		assert_eq!(pot(), 0);
		assert_eq!(CurrentEra::<Test>::get().index, 1);
	});
}

#[test]
fn era_should_pay_by_seats_when_operators_worked() {
	with_inflation(|| {
		assert_ok!(delegate(3, 2, 1000));
		for _ in 0..3 {
			Staking::reward_operator(&1, earnings(1));
		}
		Staking::reward_operator(&2, earnings(2));
		let (one, two, waits) = (free(1), free(2), pot());
		let sixty = Perbill::from_percent(60).mul_floor(budget());
		end_era();
		assert_eq!(free(1) - one, sixty * 3 / 4);
		// One quarter, half of it for the delegator.
		let quarter = sixty - sixty * 3 / 4;
		assert_eq!(free(2) - two, quarter - quarter / 2);
		assert_eq!(pot() - waits, quarter / 2);
		assert!(CurrentPayout::<Test>::get().is_none());
		assert_eq!(SeatPoints::<Test>::iter().count(), 0);
	});
}

#[test]
fn era_should_never_mint_more_for_a_seat_than_the_bound() {
	with_inflation(|| {
		SeatCap::set(100);
		Staking::reward_operator(&1, earnings(1));
		Staking::reward_operator(&2, earnings(1));
		Staking::reward_operator(&2, earnings(1));
		let (one, two) = (free(1), free(2));
		end_era();
		assert_eq!((free(1) - one, free(2) - two), (100, 200));
	});
}

#[test]
fn era_should_match_contributors_fees_up_to_the_bound() {
	with_inflation(|| {
		Staking::reward_contributor(Some(&5), earnings(1_000));
		Staking::reward_contributor(Some(&6), earnings(500));
		end_era();
		assert_eq!((free(5), free(6)), (ENDOWMENT + 1_500, ENDOWMENT + 750));
		assert_eq!(ContributorEarned::<Test>::get(5), 1_500);
		// With much in fees, the budget is the bound.
		let thirty = Perbill::from_percent(30).mul_floor(budget() + 3_000);
		Staking::reward_contributor(Some(&5), earnings(200_000));
		Staking::reward_contributor(Some(&6), earnings(100_000));
		let (five, six) = (free(5), free(6));
		end_era();
		let got = (free(5) - five, free(6) - six);
		assert!(got.0 + got.1 >= thirty && got.0 + got.1 < thirty * 11 / 10, "{got:?} {thirty}");
		assert!(got.0.abs_diff(2 * got.1) <= 2);
	});
}

#[test]
fn inflation_should_not_exceed_its_cap_when_governance_wants_more() {
	with_inflation(|| {
		Inflation::set(Perbill::one());
		let issuance = Balances::total_issuance();
		for _ in 0..10 {
			Staking::reward_operator(&1, earnings(1));
			Staking::reward_contributor(Some(&5), earnings(1));
			end_era();
		}
		// A year at twenty percent, compounded by era.
		let grown = Balances::total_issuance() as f64 / issuance as f64;
		assert!(grown > 1.02 && grown < 1.02f64.powi(10) + 1e-6, "{grown}");
	});
}

#[test]
fn nothing_should_be_minted_when_inflation_is_off() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		Staking::reward_operator(&1, earnings(100));
		let issuance = Balances::total_issuance();
		end_era();
		assert_eq!(Balances::total_issuance(), issuance);
		assert_eq!(PastEras::<Test>::get().last().map(|era| era.fees), Some(100));
	});
}

#[test]
fn payout_should_go_on_where_it_stopped_when_there_is_little_room() {
	with_inflation(|| {
		Staking::reward_operator(&1, earnings(1));
		Staking::reward_operator(&2, earnings(1));
		Staking::reward_contributor(Some(&5), earnings(1_000));
		let (one, two) = (free(1), free(2));
		advance(ERA_LENGTH);
		let step = <() as WeightInfo>::pay_era_step();
		let first = step + <() as WeightInfo>::end_era();
		Staking::serve_eras(System::block_number(), &mut WeightMeter::with_limit(first));
		let paid = || (free(1) > one) as u32 + (free(2) > two) as u32;
		assert_eq!(paid(), 1);
		Staking::do_try_state().unwrap();
		// What is earned meanwhile is the next era's.
		Staking::reward_operator(&1, earnings(1));
		// However late it is, no other era ends before this one is paid.
		advance(ERA_LENGTH * 3);
		for _ in 0..2 {
			Staking::serve_eras(System::block_number(), &mut WeightMeter::with_limit(step));
			Staking::do_try_state().unwrap();
		}
		assert_eq!(paid(), 2);
		assert_eq!(free(5), ENDOWMENT + 1_500);
		assert_eq!(CurrentEra::<Test>::get().index, 1);
		Staking::serve_eras(System::block_number(), &mut WeightMeter::with_limit(step));
		assert!(CurrentPayout::<Test>::get().is_none());
		Staking::serve_eras(System::block_number(), &mut WeightMeter::with_limit(first));
		// And that one is paid for all its blocks.
		assert_eq!(CurrentEra::<Test>::get().index, 2);
		assert_eq!(PastEras::<Test>::get().last().map(|era| era.length), Some(ERA_LENGTH * 3));
	});
}

#[test]
fn operator_should_be_paid_with_its_delegators_when_it_leaves_during_a_payout() {
	with_inflation(|| {
		assert_ok!(delegate(3, 1, 1000));
		assert_ok!(Staking::unbond(signed(1), 1000));
		Staking::reward_operator(&1, earnings(2));
		advance(ERA_LENGTH);
		Staking::end_era(CurrentEra::<Test>::get(), System::block_number());
		assert_ok!(Staking::withdraw_unbonded(signed(1)));
		// All of the stake that was left is the delegator's.
		assert!(Staking::pending_rewards(3) > 1_000);
		poll();
	});
}

#[test]
fn nothing_should_be_minted_for_others_when_there_is_nowhere_to_keep_it() {
	with_inflation(|| {
		assert_ok!(<Balances as frame_support::traits::fungible::Mutate<_>>::burn_from(
			&Staking::pot(),
			EXISTENTIAL_DEPOSIT,
			frame_support::traits::tokens::Preservation::Expendable,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Force,
		));
		SeatCap::set(EXISTENTIAL_DEPOSIT - 1);
		Staking::reward_operator(&1, earnings(1));
		let one = free(1);
		let (issuance, treasury) = (Balances::total_issuance(), free(TREASURY));
		end_era();
		assert_eq!(free(1), one);
		assert_eq!(Balances::total_issuance() - issuance, free(TREASURY) - treasury);
	});
}

#[test]
fn eras_should_be_remembered_newest_first_and_only_the_last() {
	with_inflation(|| {
		assert_ok!(delegate(3, 1, 1000));
		for _ in 0..6 {
			Staking::reward_operator(&1, earnings(300));
			end_era();
		}
		let eras = Staking::era_infos();
		assert_eq!(eras.iter().map(|era| era.era).collect::<Vec<_>>(), [5, 4, 3, 2]);
		let last = &eras[0];
		assert_eq!((last.fees, last.stake, last.length), (300, 3_000, ERA_LENGTH));
		assert_eq!(last.apr, crate::math::apr(last.fees + last.minted, 3_000, ERA_LENGTH, YEAR));
		assert!(last.apr > 1_000_000);
		assert_eq!(earnings(5).peek(), 5);
	});
}
