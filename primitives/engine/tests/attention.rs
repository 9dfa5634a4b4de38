//! The sums of attention are what plain loops give, with every kernel.

use dodona_engine::numeric::{
	attention::{mix, scores, LANES},
	Kernel,
};
use proptest::prelude::*;

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

/// Finite values of any sign, of very different sizes.
fn values(count: usize, seed: u64) -> Vec<f32> {
	let mut state = seed | 1;
	let mut next = || {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		let bits = (state >> 32) as u32;
		f32::from_bits(bits & 0x807f_ffff | (100 + bits % 40) << 23)
	};
	(0..count).map(|_| next()).collect()
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn scores_should_be_sums_in_the_order_of_dimensions(
		(dim, blocks) in (1usize..80, 1usize..12),
		seed in any::<u64>(),
	) {
		let query = values(dim, seed);
		let keys = values(blocks * dim * LANES, !seed);
		let blocks: Vec<&[[f32; LANES]]> =
			keys.chunks(dim * LANES).map(|block| block.as_chunks().0).collect();
		let expected: Vec<f32> = blocks
			.iter()
			.flat_map(|block| (0..LANES).map(|lane| {
				query.iter().zip(*block).fold(0.0, |sum, (query, keys)| sum + query * keys[lane])
			}))
			.collect();
		for kernel in Kernel::ALL {
			let mut out = vec![[f32::NAN; LANES]; blocks.len()];
			scores(kernel, &query, blocks.iter().copied(), &mut out);
			prop_assert_eq!(bits(out.as_flattened()), bits(&expected), "{:?}", kernel);
		}
	}

	#[test]
	fn mix_should_be_sums_in_the_order_of_positions(
		(dim, positions) in (1usize..140, 1usize..100),
		seed in any::<u64>(),
	) {
		let shares = values(positions, seed);
		let rows = values(positions.next_multiple_of(LANES) * dim, !seed);
		let expected: Vec<f32> = (0..dim)
			.map(|at| {
				let values = rows.chunks(dim).map(|row| row[at]);
				shares.iter().zip(values).fold(0.0, |sum, (share, value)| sum + share * value)
			})
			.collect();
		for kernel in Kernel::ALL {
			let mut out = vec![f32::NAN; dim];
			mix(kernel, &shares, rows.chunks(LANES * dim), &mut out);
			prop_assert_eq!(bits(&out), bits(&expected), "{:?}", kernel);
		}
	}
}
