//! What holders do with their shares.

use crate::{mock::*, *};
use frame_support::{assert_noop, assert_ok};

#[test]
fn claim_should_pay_the_holder_whoever_asks_for_it() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 25, 0);
		assert_noop!(Royalties::claim(signed(OTHER), MODEL, 0), Error::<Test>::NothingToClaim);
		pay(VERSION, 1_000);
		events();
		assert_ok!(Royalties::claim(signed(OTHER), MODEL, 0));
		assert_eq!((gained(AUTHOR), gained(OTHER)), (250, 0));
		let holder = account(AUTHOR);
		let claimed = Event::Claimed { model: MODEL, entry: 0, holder, amount: 250 };
		assert_eq!(events(), vec![claimed]);
		assert_noop!(Royalties::claim(signed(OTHER), MODEL, 0), Error::<Test>::NothingToClaim);
		assert_noop!(Royalties::claim(signed(OTHER), MODEL, 1), Error::<Test>::UnknownEntry);
		assert_noop!(Royalties::claim(signed(OTHER), COMMONS, 0), Error::<Test>::UnknownEntry);
	});
}

#[test]
fn claim_should_fail_and_lose_nothing_when_the_account_cannot_take_so_little() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 0);
		assert_ok!(Royalties::transfer_share(signed(AUTHOR), MODEL, 0, account(180)));
		pay(VERSION, 2 * (EXISTENTIAL_DEPOSIT - 1));
		assert_noop!(Royalties::claim(signed(OTHER), MODEL, 0), Error::<Test>::CannotBePaid);
		pay(VERSION, 2);
		assert_ok!(Royalties::claim(signed(OTHER), MODEL, 0));
		assert_eq!(free(account(180)), EXISTENTIAL_DEPOSIT);
	});
}

#[test]
fn transfer_should_pay_the_old_holder_and_let_the_new_one_earn() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 10);
		advance(6);
		pay(VERSION, 1_000);
		events();
		assert_ok!(Royalties::transfer_share(signed(AUTHOR), MODEL, 0, account(OTHER)));
		let (from, to) = (account(AUTHOR), account(OTHER));
		assert_eq!(
			events(),
			vec![
				Event::Claimed { model: MODEL, entry: 0, holder: from.clone(), amount: 300 },
				Event::ShareTransferred { model: MODEL, entry: 0, from, to },
			]
		);
		// It vests as before.
		advance(2);
		pay(VERSION, 1_000);
		assert_eq!((gained(AUTHOR), pending(0)), (300, 400));
		let again = Royalties::transfer_share(signed(AUTHOR), MODEL, 0, account(12));
		assert_noop!(again, Error::<Test>::NotTheHolder);
		assert_ok!(Royalties::claim(signed(AUTHOR), MODEL, 0));
		assert_eq!((gained(AUTHOR), gained(OTHER)), (300, 400));
	});
}

#[test]
fn transfer_should_be_refused_when_the_signer_is_not_the_holder_or_gets_it() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 0);
		let transfer =
			|who, entry, to| Royalties::transfer_share(signed(who), MODEL, entry, account(to));
		assert_noop!(transfer(OWNER, 0, OWNER), Error::<Test>::NotTheHolder);
		assert_noop!(transfer(AUTHOR, 0, AUTHOR), Error::<Test>::AlreadyTheHolder);
		assert_noop!(transfer(AUTHOR, 1, OTHER), Error::<Test>::UnknownEntry);
	});
}

#[test]
fn end_should_pay_what_was_earned_and_leave_the_share_to_the_owner() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 0);
		pay(VERSION, 1_000);
		events();
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 0));
		let (holder, share) = (account(AUTHOR), percent(50));
		assert_eq!(
			events(),
			vec![
				Event::Claimed { model: MODEL, entry: 0, holder: holder.clone(), amount: 500 },
				Event::ShareEnded { model: MODEL, entry: 0, holder, share },
			]
		);
		pay(VERSION, 1_000);
		assert_eq!((gained(AUTHOR), gained(OWNER)), (500, 1_500));
		// It may be granted again.
		grant(OTHER, 100, 0);
	});
}

#[test]
fn end_should_be_refused_when_the_signer_is_not_the_holder() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 0);
		let end = |who, entry| Royalties::end_share(signed(who), MODEL, entry);
		assert_noop!(end(OWNER, 0), Error::<Test>::NotTheHolder);
		assert_noop!(end(AUTHOR, 1), Error::<Test>::UnknownEntry);
		assert_ok!(end(AUTHOR, 0));
		assert_noop!(end(AUTHOR, 0), Error::<Test>::UnknownEntry);
	});
}

#[test]
fn end_should_let_nothing_grow_when_the_share_still_vested() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 10);
		grant(OTHER, 20, 20);
		advance(5);
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 0));
		check();
		advance(5);
		pay(VERSION, 1_000);
		assert_eq!((pending(1), gained(OWNER)), (100, 900));
		assert_eq!(gained(AUTHOR), 0);
	});
}

#[test]
fn end_should_leave_the_dust_to_the_treasury() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 50, 0);
		// Half a unit each time: the unit that it needs is set aside.
		pay(VERSION, 3);
		assert_eq!((waiting(), pending(0), gained(OWNER)), (2, 1, 1));
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 0));
		assert_eq!((gained(AUTHOR), gained(TREASURY), waiting()), (1, 1, 0));
	});
}

#[test]
fn end_should_leave_no_dust_when_another_needs_the_unit() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 25, 0);
		grant(OTHER, 50, 0);
		pay(VERSION, 1);
		assert_eq!((waiting(), gained(OWNER)), (1, 0));
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 0));
		assert_eq!((gained(TREASURY), waiting()), (0, 1));
		pay(VERSION, 1);
		assert_eq!((pending(1), gained(OWNER)), (1, 1));
	});
}
