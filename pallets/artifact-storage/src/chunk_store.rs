//! What other pallets may ask for: how long a chunk is kept, and that it is kept for longer.

use crate::{Chunks, Config, Pallet};
use dodona_primitives_models::ChunkStore;
use frame_support::{pallet_prelude::DispatchResult, storage::with_storage_layer};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;

impl<T: Config> ChunkStore for Pallet<T> {
	type AccountId = T::AccountId;
	type BlockNumber = BlockNumberFor<T>;

	fn kept_until(hash: H256) -> Option<BlockNumberFor<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		let chunk = Chunks::<T>::get(hash).filter(|chunk| !chunk.is_expired(now))?;
		Some(chunk.expires_at)
	}

	fn is_renewable(hash: H256) -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		Self::kept_until(hash).is_some_and(|end| Self::renewable_from(end) <= now)
	}

	fn renew(payer: &T::AccountId, hash: H256) -> DispatchResult {
		// The caller may go on after a failure, which must leave nothing behind.
		with_storage_layer(|| Self::do_renew(payer.clone(), hash))
	}
}
