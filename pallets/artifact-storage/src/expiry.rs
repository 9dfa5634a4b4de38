//! Releasing chunks that are not kept any more.

use crate::{
	Chunk, ChunkOf, Chunks, Config, Cursor, Error, Event, Expiring, HoldReason, Pallet, WeightInfo,
};
use frame_support::{
	defensive, ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision::BestEffort},
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_release(content_hash: H256) -> DispatchResult {
		let chunk = Chunks::<T>::get(content_hash).ok_or(Error::<T>::NotStored)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(chunk.is_expired(now), Error::<T>::NotExpired);
		Self::drop_chunk(content_hash, chunk);
		Ok(())
	}

	/// Releases expired chunks, oldest first, as far as `meter` allows; the next block goes on
	/// from there.
	pub(crate) fn release_expired(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::on_idle_base()).is_err() {
			return;
		}
		let Some(first) = Cursor::<T>::get() else { return };
		let mut block = first;
		// One iterator for a block: each would step again over whatever was removed before.
		let mut expired = Expiring::<T>::iter_key_prefix(block);
		// Each turn releases one chunk or leaves one block behind.
		while block <= now && meter.try_consume(T::WeightInfo::on_idle_step()).is_ok() {
			match expired.next() {
				Some(content_hash) => match Chunks::<T>::get(content_hash) {
					Some(chunk) => Self::drop_chunk(content_hash, chunk),
					None => {
						defensive!("an expiry is recorded for a chunk that is not");
						Expiring::<T>::remove(block, content_hash);
					},
				},
				None => {
					block.saturating_inc();
					expired = Expiring::<T>::iter_key_prefix(block);
				},
			}
		}
		if block != first {
			Cursor::<T>::put(block);
		}
	}

	/// Drops a chunk's record and returns its deposit.
	pub(crate) fn drop_chunk(content_hash: H256, chunk: ChunkOf<T>) {
		let Chunk { depositor, deposit, expires_at, .. } = chunk;
		Chunks::<T>::remove(content_hash);
		Expiring::<T>::remove(expires_at, content_hash);
		let reason = HoldReason::Chunk.into();
		if T::Currency::release(&reason, &depositor, deposit, BestEffort).is_err() {
			defensive!("the deposit of a chunk is not held");
		}
		Self::deposit_event(Event::Released { content_hash, depositor, deposit });
	}
}
