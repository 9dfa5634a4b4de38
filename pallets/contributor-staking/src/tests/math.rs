//! The arithmetic, against a plain model of who owns what.

use crate::math::*;
use proptest::{collection::vec, prelude::*};
use sp_core::U256;
use sp_runtime::Perbill;

/// More than will ever be issued.
const MOST: u128 = 1 << 100;

fn fractions() -> impl Strategy<Value = Perbill> {
	prop_oneof![
		4 => (0..=1_000_000_000u32).prop_map(Perbill::from_parts),
		2 => (0..=50_000_000u32).prop_map(Perbill::from_parts),
		1 => Just(Perbill::one()),
	]
}

#[derive(Clone, Debug)]
enum Move {
	Delegate(usize, u128),
	Undelegate(usize, Perbill),
	Withdraw(usize),
	Slash(Perbill),
	Collect(usize),
}

fn moves() -> impl Strategy<Value = Move> {
	let amounts = prop_oneof![1..1_000u128, 1..MOST >> 8];
	prop_oneof![
		3 => (0..5usize, amounts).prop_map(|(who, amount)| Move::Delegate(who, amount)),
		2 => (0..5usize, fractions()).prop_map(|(who, part)| Move::Undelegate(who, part)),
		2 => (0..5usize).prop_map(Move::Withdraw),
		2 => fractions().prop_map(Move::Slash),
		1 => (0..5usize).prop_map(Move::Collect),
	]
}

#[derive(Clone, Copy, Default, Debug)]
struct Owner {
	active: u128,
	unbonding: u128,
	held: u128,
}

impl Owner {
	fn shares(&self) -> u128 {
		self.active + self.unbonding
	}
}

fn check(pool: &Shares, owners: &[Owner]) {
	let held: u128 = owners.iter().map(|owner| owner.held).sum();
	assert_eq!(held, pool.balance + pool.uncollected);
	assert_eq!(pool.total, owners.iter().map(Owner::shares).sum::<u128>());
	assert_eq!(pool.active, owners.iter().map(|owner| owner.active).sum::<u128>());
	let worth: u128 = owners.iter().map(|owner| pool.worth(owner.shares())).sum();
	assert!(worth <= pool.balance && pool.balance <= worth + owners.len() as u128);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn division_should_be_exact_to_less_than_one(a in 0..MOST, b in 0..MOST, c in 1..MOST) {
		let (down, up) = (mul_div(a, b, c), mul_div_up(a, b, c));
		let product = U256::from(a) * U256::from(b);
		let divisor = U256::from(c);
		if down < u128::MAX {
			prop_assert!(U256::from(down) * divisor <= product);
			prop_assert!((U256::from(down) + 1) * divisor > product);
			prop_assert!(U256::from(up) * divisor >= product);
			prop_assert!(up - down <= 1);
		}
		prop_assert_eq!(mul_div(a, b, 0), 0);
		prop_assert_eq!(mul_div_up(a, b, 0), 0);
	}

	#[test]
	fn shares_should_always_be_covered_by_what_is_held(moves in vec(moves(), 1..60)) {
		let mut pool = Shares::default();
		let mut owners = [Owner::default(); 5];
		let (mut brought, mut paid, mut treasury) = (0u128, 0u128, 0u128);
		for step in moves {
			match step {
				Move::Delegate(who, amount) => {
					let owner = &mut owners[who];
					let collected = pool.collect(owner.shares(), owner.held);
					owner.held -= collected;
					treasury += collected;
					let before = pool.worth(owner.shares());
					let (others, old) = (pool.total - owner.shares(), pool);
					if let Some(issued) = pool.issue(amount) {
						owner.active += issued;
						owner.held += amount;
						brought += amount;
						// Nobody buys more than they pay for.
						let gained = pool.worth(owner.shares()).saturating_sub(before);
						prop_assert!(gained <= amount + 1);
						// Nor at the others' cost: what these are worth together doesn't fall.
						prop_assert!(
							U256::from(others) * U256::from(pool.balance)
								/ U256::from(pool.total)
								>= U256::from(others) * U256::from(old.balance)
									/ U256::from(old.total.max(1))
						);
					}
				},
				Move::Undelegate(who, part) => {
					let owner = &mut owners[who];
					let shares = part.mul_floor(owner.active);
					owner.active -= shares;
					owner.unbonding += shares;
					pool.deactivate(shares);
				},
				Move::Withdraw(who) => {
					let owner = &mut owners[who];
					let collected = pool.collect(owner.shares(), owner.held);
					owner.held -= collected;
					let owned = owner.shares();
					let shares = core::mem::take(&mut owner.unbonding);
					let fair = pool.worth(shares);
					let redeemed = pool.redeem(shares, owned, owner.held);
					prop_assert!(redeemed.paid <= fair);
					// Only what others' rounding added isn't held, and so isn't paid.
					prop_assert!(fair - redeemed.paid <= 60);
					owner.held -= redeemed.paid + redeemed.forfeited;
					treasury += collected + redeemed.forfeited;
					paid += redeemed.paid;
					prop_assert!(owner.shares() > 0 || owner.held == 0);
				},
				Move::Slash(fraction) => {
					let before = pool.balance;
					let taken = pool.slash(fraction);
					prop_assert_eq!(taken, fraction.mul_floor(before));
				},
				Move::Collect(who) => {
					let owner = &mut owners[who];
					let collected = pool.collect(owner.shares(), owner.held);
					owner.held -= collected;
					treasury += collected;
					// Asking twice brings nothing more.
					prop_assert_eq!(pool.collect(owner.shares(), owner.held), 0);
				},
			}
			check(&pool, &owners);
		}
		// When the last one goes, nothing is left behind.
		for owner in &mut owners {
			let collected = pool.collect(owner.shares(), owner.held);
			owner.held -= collected;
			pool.deactivate(owner.active);
			let all = owner.shares();
			let redeemed = pool.redeem(all, all, owner.held);
			prop_assert!(all == 0 || owner.held == redeemed.paid + redeemed.forfeited);
			treasury += collected + redeemed.forfeited;
			paid += redeemed.paid;
		}
		prop_assert_eq!(pool, Shares::default());
		prop_assert_eq!(brought, paid + treasury);
	}

	#[test]
	fn shares_should_lose_the_same_fraction_when_they_are_slashed(
		amounts in vec(1_000_000..1u128 << 90, 2..6),
		slashes in vec((0..500_000_000u32).prop_map(Perbill::from_parts), 1..4),
	) {
		let mut pool = Shares::default();
		let shares: Vec<_> = amounts.iter().map(|amount| pool.issue(*amount).unwrap()).collect();
		for fraction in &slashes {
			pool.slash(*fraction);
		}
		for (amount, shares) in amounts.iter().zip(shares) {
			let left = after(*amount, slashes.iter().copied());
			let worth = pool.worth(shares);
			// Each slash rounds what it leaves up, by less than one.
			let slack = 2 + slashes.len() as u128;
			prop_assert!(worth + slack >= left && worth <= left + slack, "{worth} {left}");
		}
	}

	#[test]
	fn stream_should_never_pay_more_than_it_got(
		steps in vec((0..30u64, 0..1u128 << 80, 0..4u8, 0..1_000_000u128), 1..50),
		period in 1..100u64,
	) {
		let mut stream = Stream::default();
		let (mut now, mut got, mut paid, mut idle) = (0u64, 0u128, 0u128, 0u128);
		let mut owners = [(0u128, U256::zero()); 4];
		for (blocks, amount, who, shares) in steps {
			now += blocks;
			let active: u128 = owners.iter().map(|(shares, _)| shares).sum();
			idle += stream.advance(now, active);
			if active > 0 {
				stream.add(amount, now, period);
				got += amount;
				prop_assert!(stream.until > now && stream.until <= now + period.max(1));
			}
			// One of the owners is paid, and changes what it owns.
			let owner = &mut owners[who as usize];
			let due = stream.accrued(owner.0, owner.1);
			paid += due;
			stream.unclaimed -= due;
			*owner = (shares, stream.per_share);
			let owed: u128 = owners
				.iter()
				.map(|(shares, since)| stream.accrued(*shares, *since))
				.sum();
			prop_assert!(owed + stream.dripping <= stream.unclaimed);
			prop_assert_eq!(got, paid + idle + stream.unclaimed);
		}
		// In the end all of it is due, but for less than one for each time somebody was paid.
		now += period + 1;
		let active: u128 = owners.iter().map(|(shares, _)| shares).sum();
		idle += stream.advance(now, active);
		prop_assert_eq!(stream.dripping, 0);
		let owed: u128 =
			owners.iter().map(|(shares, since)| stream.accrued(*shares, *since)).sum();
		prop_assert!(got - paid - idle - owed <= 60, "{}", got - paid - idle - owed);
	}

	#[test]
	fn stream_should_pay_by_time_when_it_is_looked_at_often_or_seldom(
		amount in 1..1u128 << 80,
		period in 1..200u64,
		looks in vec(1..200u64, 0..20),
	) {
		let mut seldom = Stream::default();
		seldom.add(amount, 0, period);
		let mut often = seldom;
		let last = looks.iter().copied().max().unwrap_or(1);
		let mut looks = looks;
		looks.sort();
		for look in looks {
			often.advance(look, 1);
		}
		seldom.advance(last, 1);
		often.advance(last, 1);
		let (one, other) = (seldom.accrued(1, U256::zero()), often.accrued(1, U256::zero()));
		// Each look rounds down once.
		prop_assert!(other <= one && one - other <= 20, "{one} {other}");
		let exact = mul_div(amount, last.min(period).into(), period.into());
		prop_assert!(one == exact);
	}

	#[test]
	fn split_should_lose_nothing_and_favour_nobody(
		amount in 0..MOST, own in 0..MOST, delegated in 0..MOST, commission in fractions(),
	) {
		let (operator, delegators) = split(amount, own, delegated, commission);
		prop_assert_eq!(operator + delegators, amount);
		let shared = mul_div(amount, delegated, own + delegated);
		prop_assert_eq!(delegators, shared - commission.mul_floor(shared));
		prop_assert!(delegated > 0 || delegators == 0);
	}

	#[test]
	fn parts_should_sum_to_the_whole_when_all_points_are_paid(
		budget in 0..MOST, points in vec(1..1_000u128, 1..50),
	) {
		let mut all: u128 = points.iter().sum();
		let (mut left, mut paid) = (budget, 0);
		let exact = all;
		for points in points {
			let part = part(left, points, all);
			// In proportion, up to one unit for every part before it.
			let fair = mul_div(budget, points, exact);
			prop_assert!(part + 1 >= fair && part <= fair + 60, "{part} {fair}");
			left -= part;
			all -= points;
			paid += part;
		}
		prop_assert_eq!((left, paid), (0, budget));
	}

	#[test]
	fn budget_should_not_depend_on_how_a_year_is_divided(
		issuance in 0..MOST, rate in fractions(), eras in 1..365u64,
	) {
		let era = 1_000;
		let year = era * eras;
		let yearly = budget(issuance, rate, year, year);
		prop_assert_eq!(yearly, rate.mul_floor(issuance));
		let each = budget(issuance, rate, era, year);
		prop_assert!(each * eras as u128 <= yearly && yearly - each * (eras as u128) < eras.into());
	}
}

#[test]
fn shares_should_not_be_sold_when_they_are_worth_next_to_nothing() {
	let mut pool = Shares::default();
	assert_eq!(pool.issue(1 << 40), Some(1 << 40));
	// One part in 2^20 is left, and a little more.
	pool.slash(Perbill::from_parts(999_999_000));
	assert!(pool.issue(1_000).is_some());
	pool.slash(Perbill::from_parts(999_999_000));
	assert_eq!(pool.issue(1_000), None);
	pool.slash(Perbill::one());
	assert_eq!(pool.balance, 0);
	assert_eq!(pool.issue(1_000), None);
}

#[test]
fn shares_should_not_be_sold_when_there_would_be_none() {
	let mut pool = Shares { total: 1, active: 1, balance: 1_000, uncollected: 0 };
	let before = pool;
	assert_eq!(pool.issue(999), None);
	assert_eq!(pool, before);
	assert_eq!(pool.issue(0), None);
	assert_eq!(pool.issue(1_000), Some(1));
}

#[test]
fn stream_should_return_what_became_due_while_nobody_had_shares() {
	let mut stream = Stream::default();
	stream.add(100, 0, 10);
	assert_eq!(stream.advance(4, 0), 40);
	assert_eq!(stream.unclaimed, 60);
	assert_eq!(stream.advance(10, 2), 0);
	assert_eq!(stream.accrued(2, U256::zero()), 60);
}

#[test]
fn stream_should_not_be_put_off_when_little_is_added() {
	let mut stream = Stream::default();
	stream.add(1_000_000, 0, 100);
	for now in 1..=100 {
		stream.advance(now, 1);
		stream.add(1, now, 100);
	}
	// All but the crumbs is due after its hundred blocks.
	stream.advance(102, 1);
	assert!(stream.dripping < 200, "{}", stream.dripping);
}

#[test]
fn apr_should_be_in_parts_per_million_of_the_stake() {
	assert_eq!(apr(10, 1_000, 100, 1_000), 100_000);
	assert_eq!(apr(10, 0, 100, 1_000), 0);
	assert_eq!(apr(10, 1_000, 0, 1_000), 0);
	assert_eq!(apr(u128::MAX, 1, 1, u64::MAX), u64::MAX);
}

#[test]
fn counted_should_be_bounded_by_the_own_stake() {
	assert_eq!(counted(100, 399, 4), 399);
	assert_eq!(counted(100, 500, 4), 400);
	assert_eq!(counted(0, 500, 4), 0);
	assert_eq!(counted(u128::MAX, 500, 4), 500);
}
