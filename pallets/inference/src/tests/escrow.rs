//! The split of a fee.

use super::*;
use crate::escrow::split;
use proptest::prelude::*;

proptest! {
	#[test]
	fn split_should_sum_to_the_fee(
		fee in any::<u128>(),
		seats in 1u32..=32,
		silent in 0u32..=32,
		workers in 0u32..=1_000_000_000,
		contributor in 0u32..=1_000_000_000,
	) {
		let winners = seats.saturating_sub(silent);
		let workers = Perbill::from_parts(workers);
		let contributor = Perbill::from_parts(contributor.min(1_000_000_000 - workers.deconstruct()));
		let split = split(fee, seats, winners, workers, contributor);
		let paid = split.seat * u128::from(winners) + split.contributor + split.treasury;
		prop_assert_eq!(paid + split.refund, fee);
		// No seat earns more because another one was silent.
		prop_assert!(split.seat <= workers.mul_floor(fee) / u128::from(seats));
	}
}
