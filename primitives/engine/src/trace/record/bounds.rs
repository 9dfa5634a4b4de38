//! Witnesses of networks and encoders whose sizes are as unusual as they can be.

use super::{start, tree, witness, Recorder, ZERO};
use crate::{
	architecture::{
		bert,
		cnn::{Config, Layer},
		Architecture, Class,
	},
	golden::{networks, random::Random},
	trace::{Blake, Program, Step},
};
use alloc::{vec, vec::Vec};
use bounded_collections::BoundedVec;
use codec::Encode;

/// Most work of a step.
const WORK: u64 = 32 * 1024 * 1024;

fn check(architecture: &Architecture, input: &[u8]) {
	let program = Program::new(architecture, input).unwrap();
	let most = program.max_cost();
	assert!(most.pages <= witness::MAX_PAGES && most.work <= WORK, "{architecture:?}: {most:?}");

	// Without weights and on empty memory: all of what has none, the rest up to them.
	for kind in program.kinds() {
		for tile in [0, 1, 2, 3, 100, 1_000] {
			let place = Step { tile, ..kind };
			let mut memory = start::<Blake>(&program).unwrap();
			let mut pages = Recorder::new(&mut memory, &[]);
			program.run_place(&place, &mut pages);
			let seen = pages.memory_seen.all;
			let most = program.cost_of(&place).pages as usize;
			assert!(seen.len() <= most, "{architecture:?}, {place}: {}, {most}", seen.len());
			let indices = seen.into_iter().collect();
			let hashes = tree::missing(indices, program.memory_depth(), |_, _| ZERO);
			let most = witness::MAX_HASHES as usize;
			assert!(hashes.len() <= most, "{architecture:?}, {place}: {}", hashes.len());
		}
	}
}

#[test]
fn encoders_steps_should_be_bounded_when_its_sizes_are_extreme() {
	let Architecture::Bert(base) = networks::bert(Class::F32, 0) else { unreachable!() };
	for class in [Class::F32, Class::Q8] {
		for (heads, hidden) in [(1, 4_096), (64, 4_096), (4_096, 4_096), (1, 1), (7, 77)] {
			for intermediate in [1, 100, 40_000, 65_536] {
				for tokens in [1, 100, 8_192u32] {
					let config = bert::Config {
						class,
						max_positions: bert::MAX_POSITIONS,
						heads,
						hidden,
						intermediate,
						layers: bert::MAX_LAYERS,
						..base.clone()
					};
					let input = vec![0u32; tokens as usize].encode();
					check(&Architecture::Bert(config), &input);
				}
			}
		}
	}
}

#[test]
fn networks_steps_should_be_bounded_when_its_sizes_are_extreme() {
	let mut random = Random::new(11);
	let mut checked = 0;
	while checked < 400 {
		// Sizes of every magnitude.
		let mut any = |most: u32| (1u32 << random.below(most)) | random.below(2);
		let class = if any(2) == 1 { Class::F32 } else { Class::Q8 };
		let (channels, height, width) = (any(15), any(9), any(9));
		let mut convolution = || Layer::Conv2d {
			outputs: any(17),
			kernel: any(9),
			stride: any(8),
			padding: any(8).saturating_sub(1),
		};
		let mut layers: Vec<Layer> = vec![convolution(), convolution()];
		let pool = (any(9), any(8));
		layers.insert(
			1,
			match any(2) {
				1 => Layer::MaxPool { size: pool.0, stride: pool.1 },
				_ => Layer::AvgPool { size: pool.0, stride: pool.1 },
			},
		);
		layers.truncate(any(2) as usize);
		let layers = BoundedVec::truncate_from(layers);
		let mut config = Config { class, channels, height, width, layers };
		if config.validate().is_err() {
			// Most have too many values for an output.
			config.layers.force_push(Layer::Conv2d {
				outputs: 1,
				kernel: 1,
				stride: 9,
				padding: 0,
			});
		}
		if config.validate().is_ok() {
			let input = vec![0; config.input_len() as usize];
			check(&Architecture::Cnn(config), &input);
			checked += 1;
		}
	}
}
