//! How what a version earned is shared out.

use crate::{mock::*, *};
use dodona_primitives_models::RoyaltyAccounts;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

#[test]
fn distribute_should_pay_the_owner_everything_when_nobody_has_a_share() {
	ExtBuilder.build_and_execute(|| {
		pay(VERSION, 1_003);
		assert_eq!(gained(OWNER), 1_003);
		let (amount, owner) = (1_003, Some(account(OWNER)));
		assert_eq!(
			events(),
			vec![Event::Distributed {
				version: VERSION,
				amount,
				passed_on: 0,
				shared: 0,
				remainder: amount,
				owner
			}]
		);
	});
}

#[test]
fn distribute_should_pay_the_treasury_what_is_left_when_the_model_is_of_the_commons() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, COMMONS, 40).unwrap();
		assert_ok!(Royalties::accept_contribution(signed(CURATOR), id, percent(40), 0));
		pay(version(COMMONS, 1), 1_000);
		assert_eq!(gained(TREASURY), 600);
		assert_ok!(Royalties::claim(signed(OTHER), COMMONS, 0));
		assert_eq!(gained(AUTHOR), 400);
	});
}

#[test]
fn distribute_should_pay_the_treasury_what_is_left_when_there_is_no_model_any_more() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 40, 0);
		Owners::mutate(|owners| owners.remove(&MODEL));
		pay(VERSION, 1_000);
		assert_eq!((gained(TREASURY), gained(OWNER), pending(0)), (600, 0, 400));
	});
}

#[test]
fn distribute_should_pay_the_treasury_what_is_left_when_the_owner_cannot_be_paid() {
	ExtBuilder.build_and_execute(|| {
		// Its account isn't there.
		Owners::mutate(|owners| owners.insert(MODEL, Some(account(180))));
		pay(VERSION, EXISTENTIAL_DEPOSIT - 1);
		assert_eq!(gained(TREASURY), EXISTENTIAL_DEPOSIT - 1);
		let Some(Event::Distributed { owner, .. }) = events().pop() else { panic!() };
		assert_eq!(owner, None);
		pay(VERSION, EXISTENTIAL_DEPOSIT);
		assert_eq!(free(account(180)), EXISTENTIAL_DEPOSIT);
	});
}

#[test]
fn distribute_should_share_out_by_the_table() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 20, 0);
		grant(OTHER, 5, 0);
		events();
		pay(VERSION, 10_000);
		assert_eq!((pending(0), pending(1)), (2_000, 500));
		assert_eq!(gained(OWNER), 7_500);
		let owner = Some(account(OWNER));
		assert_eq!(
			events(),
			vec![Event::Distributed {
				version: VERSION,
				amount: 10_000,
				passed_on: 0,
				shared: 2_500,
				remainder: 7_500,
				owner
			}]
		);
	});
}

#[test]
fn distribute_should_take_all_versions_to_one_table() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 20, 0);
		pay(VERSION, 1_000);
		pay(version(MODEL, 2), 500);
		pay(VERSION, 100);
		assert_eq!((pending(0), gained(OWNER)), (320, 1_280));
	});
}

#[test]
fn distribute_should_be_refused_when_nothing_was_earned() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(distribute(VERSION), Error::<Test>::NothingToDistribute);
		earn(VERSION, 0);
		// The account exists, and has to.
		assert_noop!(distribute(VERSION), Error::<Test>::NothingToDistribute);
		pay(VERSION, 1);
		assert_noop!(distribute(VERSION), Error::<Test>::NothingToDistribute);
		assert_eq!(free(Royalties::royalty_account(VERSION)), EXISTENTIAL_DEPOSIT);
	});
}

#[test]
fn distribute_should_lose_no_unit_when_shares_do_not_divide() {
	ExtBuilder.build_and_execute(|| {
		let third = Perbill::from_parts(333_333_333);
		for who in [AUTHOR, OTHER, 12] {
			let id = propose(who, MODEL, 100).unwrap();
			assert_ok!(Royalties::accept_contribution(signed(OWNER), id, third, 0));
		}
		// One unit each time: nobody's third of it is ever rounded away.
		for _ in 0..3_001 {
			pay(VERSION, 1);
		}
		for entry in 0..3 {
			assert_eq!(pending(entry), 1_000);
			assert_ok!(Royalties::claim(signed(OTHER), MODEL, entry));
		}
		// A billionth of each unit is the owner's: not a whole one yet.
		assert_eq!((waiting(), gained(OWNER)), (1, 0));
	});
}

#[test]
fn share_should_grow_with_each_block_when_it_vests() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 40, 10);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (0, 1_000));
		advance(1);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (40, 1_960));
		advance(4);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (240, 2_760));
		advance(5);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (640, 3_360));
		advance(1_000);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (1_040, 3_960));
	});
}

#[test]
fn share_should_be_whole_in_the_end_when_it_does_not_divide() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 10, 3);
		advance(1);
		pay(VERSION, 1_000);
		// A third of a tenth: the unit that it has a third of is set aside.
		assert_eq!((pending(0), gained(OWNER)), (33, 966));
		advance(1);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), gained(OWNER)), (99, 1_900));
		advance(1);
		pay(VERSION, 1_000);
		// Not a part of it is missing.
		assert!(entry(0).earner.is_vested);
		assert_eq!((pending(0), gained(OWNER)), (199, 2_800));
	});
}

#[test]
fn share_should_earn_the_same_when_it_is_claimed_in_between() {
	let run = |claims: bool| {
		let mut got = 0;
		ExtBuilder.build_and_execute(|| {
			grant(AUTHOR, 33, 50);
			for block in 0..80 {
				advance(1);
				pay(VERSION, 97 + block);
				if claims {
					let _ = Royalties::claim(signed(OTHER), MODEL, 0);
				}
			}
			let _ = Royalties::claim(signed(OTHER), MODEL, 0);
			got = gained(AUTHOR);
		});
		got
	};
	assert!(run(false) > 1_000);
	assert_eq!(run(true), run(false));
}

#[test]
fn share_should_be_whole_when_its_vesting_ended_long_before() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 10, 5);
		grant(OTHER, 10, 3);
		grant(12, 10, 500);
		advance(100);
		assert_eq!(Tables::<Test>::get(MODEL).vesting.len(), 3);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), pending(1), pending(2)), (100, 100, 20));
		assert!(entry(0).earner.is_vested && entry(1).earner.is_vested);
		assert!(!entry(2).earner.is_vested);
	});
}

#[test]
fn earnings_should_be_shared_by_the_old_table_when_they_were_distributed_before() {
	ExtBuilder.build_and_execute(|| {
		pay(VERSION, 1_000);
		grant(AUTHOR, 50, 0);
		pay(VERSION, 1_000);
		grant(OTHER, 30, 0);
		pay(VERSION, 1_000);
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 0));
		pay(VERSION, 1_000);
		assert_eq!((gained(AUTHOR), pending(1)), (1_000, 600));
		assert_eq!(gained(OWNER), 1_000 + 500 + 200 + 700);
	});
}

#[test]
fn remainder_should_be_the_owners_of_that_block() {
	ExtBuilder.build_and_execute(|| {
		pay(VERSION, 1_000);
		Owners::mutate(|owners| owners.insert(MODEL, Some(account(OTHER))));
		pay(VERSION, 500);
		Owners::mutate(|owners| owners.insert(MODEL, None));
		pay(VERSION, 250);
		assert_eq!((gained(OWNER), gained(OTHER), gained(TREASURY)), (1_000, 500, 250));
	});
}

#[test]
fn everything_should_have_been_written_when_the_treasury_calls_back() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, COMMONS, 50).unwrap();
		assert_ok!(Royalties::accept_contribution(signed(CURATOR), id, percent(50), 0));
		CallBack::set(Some(|| {
			assert_noop!(distribute(version(COMMONS, 1)), Error::<Test>::NothingToDistribute);
			assert_ok!(Royalties::claim(signed(OTHER), COMMONS, 0));
		}));
		pay(version(COMMONS, 1), 1_000);
		assert!(CallBack::get().is_none());
		assert_eq!((gained(AUTHOR), gained(TREASURY)), (500, 500));
	});
}
