use crate::{draw::random_below, mock::*};
use dodona_primitives_staking::StakeInspect;
use frame_support::assert_ok;
use sp_core::H256;
use std::collections::{BTreeMap, BTreeSet};

fn seed(number: u64) -> H256 {
	H256::from_low_u64_be(number)
}

/// 1 to `count`, each with 100 times its number at stake.
fn workers(count: u64) -> ExtBuilder {
	(1..=count).fold(ExtBuilder::default(), |builder, who| builder.bonded(who, who as u128 * 100))
}

#[test]
fn draw_should_return_distinct_operators_when_there_are_enough() {
	workers(40).build_and_execute(|| {
		for number in 0..200 {
			let drawn = Staking::draw(seed(number), 7, &[]);
			assert_eq!(drawn.len(), 7);
			assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 7);
		}
	});
}

#[test]
fn draw_should_return_everybody_when_there_are_fewer_than_seats() {
	workers(5).build_and_execute(|| {
		let mut drawn = Staking::draw(seed(1), 9, &[]);
		drawn.sort();
		assert_eq!(drawn, [1, 2, 3, 4, 5]);
	});
}

#[test]
fn draw_should_return_nobody_when_there_are_no_seats_or_no_operators() {
	workers(3).build_and_execute(|| {
		assert!(Staking::draw(seed(1), 0, &[]).is_empty());
		assert!(Staking::draw(seed(1), 3, &[1, 2, 3]).is_empty());
	});
	ExtBuilder::default().build_and_execute(|| {
		assert!(Staking::draw(seed(1), 3, &[]).is_empty());
	});
}

#[test]
fn draw_should_be_the_same_when_the_seed_is() {
	workers(40).build_and_execute(|| {
		assert_eq!(Staking::draw(seed(1), 7, &[]), Staking::draw(seed(1), 7, &[]));
		assert_ne!(Staking::draw(seed(1), 7, &[]), Staking::draw(seed(2), 7, &[]));
	});
}

#[test]
fn draw_should_not_return_the_excluded_when_they_have_the_most_at_stake() {
	workers(10).build_and_execute(|| {
		for number in 0..200 {
			// Twice the same, one that has no bond, and a hot key are no obstacle.
			let drawn = Staking::draw(seed(number), 8, &[10, 9, 10, 77, hot(8)]);
			assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 8);
			assert!(drawn.iter().all(|who| *who < 9));
		}
	});
}

#[test]
fn draw_should_not_return_the_chilled_when_they_are_excluded_too() {
	workers(4).build_and_execute(|| {
		assert_ok!(Staking::chill(signed(4)));
		let mut drawn = Staking::draw(seed(3), 4, &[4, 1]);
		drawn.sort();
		assert_eq!(drawn, [2, 3]);
	});
}

#[test]
fn draw_should_choose_in_proportion_to_stake_when_repeated() {
	workers(4).build_and_execute(|| {
		const DRAWS: u64 = 10_000;
		let mut first = BTreeMap::<AccountId, u64>::new();
		let mut pairs = BTreeMap::<(AccountId, AccountId), u64>::new();
		for number in 0..DRAWS {
			let drawn = Staking::draw(seed(number), 2, &[]);
			*first.entry(drawn[0]).or_default() += 1;
			*pairs.entry((drawn[0], drawn[1])).or_default() += 1;
		}
		let close = |seen: u64, chance: f64| {
			let expected = chance * DRAWS as f64;
			let deviation = (DRAWS as f64 * chance * (1. - chance)).sqrt();
			assert!((seen as f64 - expected).abs() < 4. * deviation, "{seen} is not {expected}");
		};
		for a in 1..=4u64 {
			close(first[&a], a as f64 / 10.);
			for b in (1..=4u64).filter(|b| *b != a) {
				// The second is drawn from what the first leaves.
				close(pairs[&(a, b)], a as f64 / 10. * b as f64 / (10 - a) as f64);
			}
		}
	});
}

#[test]
fn random_below_should_cover_the_range_evenly_when_the_bound_is_small() {
	let mut seen = [0u32; 7];
	for counter in 0..7_000 {
		seen[random_below(seed(1), counter, 7) as usize] += 1;
	}
	assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
}

#[test]
fn random_below_should_use_all_bits_when_the_bound_is_large() {
	let numbers: Vec<u128> =
		(0..100).map(|counter| random_below(seed(1), counter, u128::MAX)).collect();
	assert!(numbers.iter().any(|number| *number > u128::MAX / 4 * 3));
	assert!(numbers.iter().any(|number| *number < u128::MAX / 4));
	assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 100);
}
