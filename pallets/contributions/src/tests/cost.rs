//! What a payment and a claim cost, whatever the number of entries.

use crate::{math::Royalties as Math, mock::*};
use codec::Encode;
use frame_support::assert_ok;
use sp_runtime::DispatchResult;

/// How many keys are looked up, and how many change.
#[derive(PartialEq, Eq, Debug)]
struct Cost {
	reads: usize,
	writes: usize,
}

fn count(ext: &mut sp_io::TestExternalities, execute: impl FnOnce() -> DispatchResult) -> Cost {
	// Events aren't part of it, and what has been changed before is looked up like all the rest.
	ext.execute_with(System::reset_events);
	ext.commit_all().expect("the changes are no transaction's");
	let recorder = Default::default();
	ext.execute_with_recorder(Clone::clone(&recorder), || {
		assert_ok!(execute());
	});
	let reads = recorder.recorded_keys().values().map(|keys| keys.len()).sum();
	let writes = ext.overlayed_changes().changes().count();
	Cost { reads, writes }
}

/// What a payment and a claim cost with so many entries that have vested, and as many that vest.
fn costs(vested: u32, vesting: u32) -> (Cost, Cost) {
	let mut ext = ExtBuilder.build();
	ext.execute_with(|| {
		for number in 0..vested + vesting {
			grant(AUTHOR, 10, if number < vested { 0 } else { 100 });
		}
		pay(VERSION, 1_000);
		advance(1);
		earn(VERSION, 1_000);
	});
	let payment = count(&mut ext, || distribute(VERSION));
	let claim = count(&mut ext, || crate::mock::Royalties::claim(signed(OTHER), MODEL, 0));
	(payment, claim)
}

#[test]
fn payment_and_claim_should_cost_the_same_whatever_the_number_of_entries() {
	let one = costs(1, 0);
	println!("{one:#?}");
	assert!(one.0.reads > 5 && one.1.writes > 3, "{one:?}");
	assert_eq!(costs(MAX_ENTRIES, 0), one);
	assert_eq!(costs(1, MAX_ENTRIES - 1), one);
}

#[test]
fn payment_should_look_at_an_entry_only_when_its_vesting_has_ended() {
	let mut ext = ExtBuilder.build();
	ext.execute_with(|| {
		for vesting in [0, 5, 5, 5, 20] {
			grant(AUTHOR, 10, vesting);
		}
		pay(VERSION, 1_000);
		advance(10);
		earn(VERSION, 1_000);
	});
	let ending = count(&mut ext, || distribute(VERSION));
	ext.execute_with(|| earn(VERSION, 1_000));
	let later = count(&mut ext, || distribute(VERSION));
	assert_eq!(ending.writes, later.writes + 3);
}

#[test]
fn sums_should_take_the_same_room_however_much_was_earned() {
	let empty = Math::default();
	let mut full = Math::default();
	full.admit(percent(100), 0, 0);
	full.share_out(u128::MAX, u64::MAX).expect("it is the first");
	assert_eq!(empty.encoded_size(), full.encoded_size());
}
