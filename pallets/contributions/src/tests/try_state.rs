//! Whether the invariants are checked at all.

use crate::{math::Step, mock::*, *};
use frame_support::traits::fungible::Mutate;

/// Something of everything.
fn busy() -> sp_io::TestExternalities {
	let mut ext = ExtBuilder.build();
	ext.execute_with(|| {
		grant(AUTHOR, 20, 0);
		grant(OTHER, 30, 40);
		grant(OTHER, 10, 20);
		propose(AUTHOR, MODEL, 5).unwrap();
		propose(AUTHOR, MODEL, 6).unwrap();
		advance(7);
		derived(VERSION, version(COMMONS, 1));
		pay(VERSION, 1_001);
		check();
	});
	ext
}

fn expect(message: &str, spoil: impl FnOnce()) {
	busy().execute_with(|| {
		spoil();
		let error = Royalties::do_try_state().expect_err(message);
		assert_eq!(format!("{error:?}"), format!("Other({message:?})"));
	});
}

fn table(change: impl FnOnce(&mut Table<Test>)) {
	Tables::<Test>::mutate(MODEL, change);
}

#[test]
fn try_state_should_fail_when_a_hold_differs_from_the_deposits() {
	expect("an author's hold differs from its deposits", || {
		Contributions::<Test>::mutate_extant(3, |contribution| contribution.deposit += 1);
	});
}

#[test]
fn try_state_should_fail_when_proposals_are_miscounted() {
	expect("a contribution's id wasn't given out", || NextContribution::<Test>::put(4));
	expect("what waits isn't what is listed", || {
		Open::<Test>::mutate(MODEL, |open| open.pop());
	});
	expect("a contribution isn't listed", || Open::<Test>::remove(MODEL));
	expect("contributions aren't listed by age", || {
		Open::<Test>::mutate(MODEL, |open| (open[0], open[1]) = (open[1], open[0]))
	});
	expect("the contributions of an account are miscounted", || {
		OpenBy::<Test>::insert(account(AUTHOR), 1)
	});
	expect("an author isn't counted", || OpenBy::<Test>::remove(account(AUTHOR)));
}

#[test]
fn try_state_should_fail_when_a_table_is_not_that_of_its_entries() {
	expect("the entries of a model are miscounted", || table(|table| table.entries = 2));
	expect("an entry's number wasn't given out", || table(|table| table.next = 2));
	expect("the shares of a model aren't what is granted", || {
		table(|table| table.granted = percent(59))
	});
	expect("what has vested isn't what the entries have", || {
		table(|table| table.royalties.vested += 1)
	});
	expect("what is owed isn't what the entries earned", || {
		table(|table| table.royalties.owed += 1.into())
	});
	expect("what vests doesn't grow as its entries", || table(|table| table.royalties.rate += 1));
	expect("what vests doesn't grow as its entries", || table(|table| table.royalties.begun += 1));
	expect("vesting isn't in order", || {
		table(|table| {
			let all = &mut table.vesting;
			(all[0], all[1]) = (all[1], all[0]);
		})
	});
	expect("the entries that vest aren't those listed", || {
		table(|table| {
			table.vesting.pop();
		})
	});
}

#[test]
fn try_state_should_fail_when_money_is_missing() {
	expect("some royalties are lost, or paid twice", || {
		Totals::<Test>::mutate(|totals| totals.paid -= 1)
	});
	expect("royalties that wait aren't in the pallet's account", || {
		Balances::burn_from(
			&Royalties::pot(),
			1,
			frame_support::traits::tokens::Preservation::Preserve,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Polite,
		)
		.unwrap();
	});
	expect("nothing is inherited", || {
		let nothing = StepsOf::<Test>::truncate_from(vec![Step::default()]);
		Inherited::<Test>::insert(VERSION, nothing)
	});
}
