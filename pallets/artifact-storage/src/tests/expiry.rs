use crate::{mock::*, Cursor, Expiring, WeightInfo};
use frame_support::{assert_ok, traits::Hooks, weights::Weight};

/// Weight for the search and this many steps of it.
fn steps(count: u64) -> Weight {
	<()>::on_idle_base() + <()>::on_idle_step() * count
}

#[test]
fn on_idle_should_release_a_chunk_when_it_expires() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to_with(11, Weight::MAX);
		assert_eq!(held(ALICE), 114);
		run_to_with(12, Weight::MAX);
		assert_eq!(held(ALICE), 0);
		assert_eq!(chunk(b"weights"), None);
	});
}

#[test]
fn on_idle_should_leave_a_chunk_alone_when_it_was_renewed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(submit(ALICE, store(b"weights")));
		run_to_with(10, Weight::MAX);
		assert_ok!(submit(ALICE, renew(b"weights")));
		run_to_with(20, Weight::MAX);
		assert_eq!(held(ALICE), 114);
		run_to_with(21, Weight::MAX);
		assert_eq!(chunk(b"weights"), None);
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn on_idle_should_go_on_where_it_stopped_when_the_weight_runs_out() {
	ExtBuilder::default().build_and_execute(|| {
		for byte in 0..3 {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		run_to(20);
		assert_eq!(Cursor::<Test>::get(), Some(1));

		// Ten blocks in which nothing expired, then one chunk.
		TransactionStorage::on_idle(20, steps(11));
		assert_eq!(Cursor::<Test>::get(), Some(11));
		assert_eq!(Expiring::<Test>::iter().count(), 2);
		TransactionStorage::on_idle(20, steps(1));
		assert_eq!(Expiring::<Test>::iter().count(), 1);
		TransactionStorage::on_idle(20, Weight::MAX);
		assert_eq!(Expiring::<Test>::iter().count(), 0);
		assert_eq!(Cursor::<Test>::get(), Some(21));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn on_idle_should_never_use_more_than_the_remaining_weight() {
	ExtBuilder::default().build_and_execute(|| {
		for byte in 0..3 {
			assert_ok!(submit(ALICE, store(&[byte])));
		}
		run_to(20);
		for limit in [Weight::zero(), steps(0) - Weight::from_parts(1, 0), steps(0), steps(2)] {
			let used = TransactionStorage::on_idle(20, limit);
			assert!(used.all_lte(limit), "{used} > {limit}");
		}
		assert_eq!(Cursor::<Test>::get(), Some(3));
		// Once all is released it stops of itself.
		assert!(TransactionStorage::on_idle(20, Weight::MAX).all_lte(steps(22)));
	});
}

#[test]
fn on_idle_should_do_nothing_when_nothing_was_ever_stored() {
	ExtBuilder::default().build_and_execute(|| {
		run_to_with(50, Weight::MAX);
		assert_eq!(Cursor::<Test>::get(), None);
		// The first chunk doesn't make it walk through the blocks before.
		assert_ok!(submit(ALICE, store(b"weights")));
		assert_eq!(Cursor::<Test>::get(), Some(50));
	});
}

#[test]
fn on_idle_should_release_all_chunks_of_several_blocks_when_there_is_weight() {
	ExtBuilder::default().build_and_execute(|| {
		for block in 1..=3 {
			run_to(block);
			for byte in 0..MAX_CHUNKS_PER_BLOCK as u8 {
				assert_ok!(submit(ALICE, store(&[byte, block as u8])));
			}
		}
		run_to(13);
		// A part of a block, of which some were released by hand, and the rest with the others.
		assert_ok!(submit(BOB, release(&[1, 1])));
		TransactionStorage::on_idle(13, steps(12));
		TransactionStorage::do_try_state().unwrap();
		assert_eq!(crate::Chunks::<Test>::iter().count(), 9);
		TransactionStorage::on_idle(13, steps(13 + 9));
		assert_eq!(crate::Chunks::<Test>::iter().count(), 0);
		assert_eq!(held(ALICE), 0);
	});
}
