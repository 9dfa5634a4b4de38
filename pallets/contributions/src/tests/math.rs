//! The arithmetic, against a plain model of who earned what.

use crate::math::*;
use proptest::{collection::vec, prelude::*};
use sp_core::U256;
use sp_runtime::Perbill;

/// More than will ever be issued.
const MOST: u128 = 1 << 100;

fn shares() -> impl Strategy<Value = Perbill> {
	prop_oneof![
		4 => (1..=300_000_000u32).prop_map(Perbill::from_parts),
		1 => (1..=10u32).prop_map(Perbill::from_parts),
		1 => Just(Perbill::one()),
	]
}

fn amounts() -> impl Strategy<Value = u128> {
	prop_oneof![3 => 0..20u128, 2 => 0..1_000_000u128, 1 => 0..MOST]
}

#[derive(Clone, Debug)]
enum Move {
	Admit(Perbill, u64),
	Earn(u128, u64),
	Pay(usize),
	End(usize),
}

fn moves() -> impl Strategy<Value = Move> {
	let vesting = prop_oneof![Just(0), 1..20u64, 1..=MOST_VESTING];
	let blocks = prop_oneof![4 => 0..10u64, 1 => 0..MOST_VESTING];
	prop_oneof![
		2 => (shares(), vesting).prop_map(|(share, vesting)| Move::Admit(share, vesting)),
		5 => (amounts(), blocks).prop_map(|(amount, blocks)| Move::Earn(amount, blocks)),
		2 => (0..8usize).prop_map(Move::Pay),
		1 => (0..8usize).prop_map(Move::End),
	]
}

/// What the table should know of an entry.
struct Known {
	earner: Earner,
	/// All that it ever earned, amount by amount, in amount × parts.
	earned: U256,
	paid: u128,
}

impl Known {
	/// The parts that count, straight from the share.
	fn parts(&self, now: u64) -> u128 {
		let Earner { share, from, until, .. } = self.earner;
		let whole = u128::from(share.deconstruct()) << 32;
		if now >= until {
			whole
		} else {
			whole / u128::from(until - from) * u128::from(now - from)
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn every_unit_should_be_somebodys_whatever_happens(moves in vec(moves(), 1..80)) {
		let mut table = Royalties::default();
		let mut known: Vec<Known> = vec![];
		let (mut now, mut granted) = (1u64, 0u32);
		let (mut distributed, mut remainder, mut paid, mut dust) = (0u128, 0u128, 0u128, 0u128);
		for step in moves {
			match step {
				Move::Admit(share, vesting) => {
					if share.deconstruct() <= 1_000_000_000 - granted && known.len() < 8 {
						granted += share.deconstruct();
						let earner = table.admit(share, now, vesting);
						known.push(Known { earner, earned: U256::zero(), paid: 0 });
					}
				},
				Move::Earn(amount, blocks) => {
					now += blocks;
					for Known { earner, .. } in &mut known {
						if earner.until <= now {
							table.ripen(earner);
						}
					}
					let all: u128 = known.iter().map(|known| known.parts(now)).sum();
					prop_assert_eq!(table.parts_at(now), all);
					let set_aside = table.share_out(amount, now).unwrap();
					prop_assert!(set_aside <= amount);
					for known in &mut known {
						known.earned += U256::from(amount) * U256::from(known.parts(now));
					}
					distributed += amount;
					remainder += amount - set_aside;
				},
				Move::Pay(at) => {
					if let Some(known) = known.get_mut(at) {
						let now_paid = table.pay(&mut known.earner);
						known.paid += now_paid;
						paid += now_paid;
						prop_assert_eq!(U256::from(known.paid), known.earned / U256::from(WHOLE));
						prop_assert_eq!(known.earner.pending(&table), 0);
					}
				},
				Move::End(at) => {
					if at < known.len() {
						let gone = known.remove(at);
						let pending = gone.earner.pending(&table);
						granted -= gone.earner.share.deconstruct();
						let ended = table.end(gone.earner);
						prop_assert_eq!(ended.paid, pending);
						prop_assert!(ended.dust <= 1);
						let all = gone.earned / U256::from(WHOLE);
						prop_assert_eq!(U256::from(gone.paid + ended.paid), all);
						paid += ended.paid;
						dust += ended.dust;
					}
				},
			}
			// Exactly, and no more than a unit of it is nobody's yet.
			prop_assert_eq!(distributed, remainder + paid + dust + table.waiting());
			let owed = known.iter().fold(U256::zero(), |all, known| {
				all + known.earned - U256::from(known.paid) * U256::from(WHOLE)
			});
			prop_assert_eq!(table.owed, owed);
			let pending: u128 = known.iter().map(|known| known.earner.pending(&table)).sum();
			prop_assert!(pending <= table.waiting());
			prop_assert!(table.waiting() <= pending + known.len() as u128);
		}
		for known in known {
			table.end(known.earner);
		}
		prop_assert_eq!((table.waiting(), table.owed), (0, U256::zero()));
		prop_assert_eq!((table.vested, table.rate, table.begun), (0, 0, 0));
	}

	#[test]
	fn pass_on_should_give_away_no_more_than_there_is(
		own in amounts(),
		inherited in vec((amounts(), amounts()), 0..6),
		share in (0..=1_000_000_000u32).prop_map(Perbill::from_parts),
		more in 0..3usize,
	) {
		let most = inherited.len() + more;
		let steps: Vec<_> =
			inherited.into_iter().map(|(earned, through)| Step { earned, through }).collect();
		let passed = pass_on(own, &steps, share, most);
		prop_assert!(passed.len() <= most);
		let came = core::iter::once(own).chain(steps.iter().map(|step| step.earned));
		for (depth, (passed, came)) in passed.iter().zip(came).enumerate() {
			let through = steps.get(depth).map_or(0, |step| step.through);
			let part = passed - through;
			// The part of it, to less than a unit.
			prop_assert!(part <= share.mul_ceil(came) && part + 1 > share.mul_floor(came));
		}
		let all: u128 = passed.iter().sum();
		prop_assert!(all <= own + steps.iter().map(|step| step.earned + step.through).sum::<u128>());
	}

	#[test]
	fn share_should_never_be_more_than_whole_nor_fall(
		share in shares(),
		from in 0..MOST_VESTING,
		vesting in 1..=MOST_VESTING,
		[early, late] in prop::array::uniform2(0..=MOST_VESTING),
	) {
		let mut table = Royalties::default();
		let earner = table.admit(share, from, vesting);
		let (early, late) = (from + early.min(late), from + early.max(late));
		prop_assert!(earner.parts_at(early) <= earner.parts_at(late));
		prop_assert!(earner.parts_at(late) <= parts(share));
		// It is short of what it should be by less than a billionth.
		let passed = U256::from((late - from).min(vesting));
		let exact = U256::from(parts(share)) * passed / U256::from(vesting);
		prop_assert!(exact - U256::from(earner.parts_at(late)) < U256::from(1u64 << 32));
		prop_assert_eq!(earner.parts_at(from + vesting), parts(share));
		prop_assert!(earner.rate() > 0);
	}
}

#[test]
fn share_of_should_undo_parts() {
	for share in [0, 1, 333_333_333, 1_000_000_000].map(Perbill::from_parts) {
		assert_eq!(share_of(parts(share)), share);
	}
	assert_eq!(share_of(parts(Perbill::from_parts(7)) - 1), Perbill::from_parts(6));
	assert_eq!(parts(Perbill::one()), WHOLE);
}

#[test]
fn share_out_should_refuse_more_than_can_be_counted() {
	let mut table = Royalties::default();
	table.admit(Perbill::one(), 0, 0);
	assert_eq!(table.share_out(u128::MAX, u64::MAX), Some(u128::MAX));
	let before = table;
	assert_eq!(table.share_out(1, u64::MAX), None);
	assert_eq!(table, before);
}

#[test]
fn nothing_should_overflow_when_numbers_are_as_large_as_they_get() {
	let mut table = Royalties::default();
	let mut earner = table.admit(Perbill::one(), u64::MAX - 2, MOST_VESTING);
	table.share_out(u128::MAX, u64::MAX).unwrap();
	assert_eq!(table.pay(&mut earner), u128::MAX);
}

#[test]
fn pass_on_should_stop_at_the_most() {
	let step = |earned, through| Step { earned, through };
	let tenth = Perbill::from_percent(10);
	assert_eq!(pass_on(100, &[], tenth, 3), vec![10]);
	assert_eq!(pass_on(100, &[step(50, 7)], tenth, 3), vec![17, 5]);
	let three = [step(50, 7), step(30, 0), step(1_000, 2)];
	assert_eq!(pass_on(100, &three, tenth, 3), vec![17, 5, 5]);
	assert_eq!(pass_on(100, &three[..2], tenth, 2), vec![17, 5]);
	assert_eq!(pass_on(100, &[], tenth, 0), Vec::<u128>::new());
}
