//! What other pallets may know of operators, and the draw of committees.

use crate::{sum_tree, Config, HotKeys, Ledgers, Pallet, Slots, Weights};
use alloc::vec::Vec;
use core::marker::PhantomData;
use dodona_primitives_staking::StakeInspect;
use sp_core::{H256, U256};
use sp_io::hashing::blake2_256;

/// Sets the numbers of a draw apart from all else that is derived from the same seed.
const DRAW_DOMAIN: &[u8] = b"dodona/staking/draw";

/// The nodes of the tree of weights, in storage.
pub(crate) struct StoredNodes<T>(PhantomData<T>);

impl<T> StoredNodes<T> {
	/// The tree.
	pub(crate) fn new() -> Self {
		Self(PhantomData)
	}
}

impl<T: Config> sum_tree::Nodes for StoredNodes<T> {
	fn get(&self, level: u32, index: u32) -> sum_tree::Node {
		Weights::<T>::get((level, index))
	}

	fn set(&mut self, level: u32, index: u32, node: sum_tree::Node) {
		if node.iter().all(|weight| *weight == 0) {
			Weights::<T>::remove((level, index));
		} else {
			Weights::<T>::insert((level, index), node);
		}
	}
}

/// The `counter`th number below `bound` that `seed` stands for.
///
/// 256 random bits are reduced to at most 128: no number is likelier than another by more than one
/// part in 2^128.
pub(crate) fn random_below(seed: H256, counter: u32, bound: u128) -> u128 {
	let hash = codec::Encode::using_encoded(&(DRAW_DOMAIN, seed, counter), blake2_256);
	U256::from_little_endian(&hash)
		.checked_rem(U256::from(bound))
		.map_or(0, |number| number.low_u128())
}

impl<T: Config> StakeInspect for Pallet<T> {
	type AccountId = T::AccountId;

	fn operator_of(hot_key: &T::AccountId) -> Option<T::AccountId> {
		HotKeys::<T>::get(hot_key)
	}

	fn draw(seed: H256, seats: u32, exclude: &[T::AccountId]) -> Vec<T::AccountId> {
		let exclude: Vec<u32> = exclude
			.iter()
			.filter_map(|operator| Ledgers::<T>::get(operator).map(|ledger| ledger.slot))
			.collect();
		let mut counter = 0u32;
		let drawn = sum_tree::draw(&StoredNodes::<T>::new(), seats, &exclude, |bound| {
			let number = random_below(seed, counter, bound);
			counter = counter.saturating_add(1);
			number
		});
		drawn.into_iter().filter_map(Slots::<T>::get).collect()
	}
}
