//! What blocks do when they have time to spare.

use super::dev;
use crate::{configs::RuntimeBlockWeights, Runtime};
use dodona_primitives_inference::{MAX_COMMITTEE, MAX_RESIDENT_LEN};
use pallet_inference::{Config, WeightInfo};

type Weights = <Runtime as Config>::WeightInfo;

#[test]
fn largest_resident_should_fit_into_a_block_that_is_half_empty() {
	dev().execute_with(|| {
		let thousands = <Runtime as Config>::MaxAdjudicationWork::get() / 1_000;
		let run = Weights::idle()
			+ Weights::reexecute(MAX_RESIDENT_LEN)
			+ Weights::compute(thousands as u32)
			+ Weights::conclude(MAX_COMMITTEE);
		assert!(run.all_lte(RuntimeBlockWeights::get().max_block / 2), "{run:?}");
		assert!(Weights::reexecute(MAX_RESIDENT_LEN).proof_size() >= MAX_RESIDENT_LEN.into());
	});
}
