//! Where samples are in a set.

use dodona_primitives_inference::{HoldOut, Metric, RevealedSample, Sample};
use dodona_primitives_models::{leaf_proof, root_of};
use sp_core::H256;
use sp_runtime::Perbill;

fn set(count: u32) -> (HoldOut, Vec<RevealedSample>) {
	let samples: Vec<Sample> = (0..count)
		.map(|number| Sample {
			input: number.to_le_bytes().to_vec().try_into().unwrap(),
			expected: Default::default(),
			salt: [0; 16],
		})
		.collect();
	let hashes: Vec<H256> = samples.iter().map(Sample::hash).collect();
	let hold_out = HoldOut {
		root: root_of(&hashes),
		samples: count,
		metric: Metric::Accuracy,
		per_evaluation: 1,
		margin: Perbill::zero(),
		used: 0,
	};
	let revealed = (0..).zip(samples).map(|(index, sample)| {
		let proof = leaf_proof(&hashes, index).unwrap().try_into().unwrap();
		RevealedSample { sample, proof }
	});
	(hold_out, revealed.collect())
}

#[test]
fn sample_should_be_at_its_place_and_at_no_other() {
	for count in 1..=40 {
		let (hold_out, samples) = set(count);
		for (place, sample) in (0..).zip(&samples) {
			let found: Vec<u32> =
				(0..count + 3).filter(|index| sample.is_at(&hold_out, *index)).collect();
			assert_eq!(found, vec![place], "of {count}");
		}
	}
}

#[test]
fn inner_node_should_not_be_a_sample() {
	let (hold_out, samples) = set(4);
	let mut short = samples[0].clone();
	short.proof.remove(0);
	assert!((0..4).all(|index| !short.is_at(&hold_out, index)));
}
