//! Storing and renewing chunks, and telling the host.

use crate::{
	BalanceOf, Chunk, Chunks, Config, Cursor, Error, Event, Expiring, HoldReason, Indexing, Pallet,
	Pending,
};
use alloc::vec::Vec;
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{fungible::MutateHold, tokens::Precision::BestEffort, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
	traits::{One, Saturating},
	SaturatedConversion,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_store(who: T::AccountId, data: Vec<u8>) -> DispatchResult {
		ensure!(!data.is_empty(), Error::<T>::Empty);
		let size: u32 = data.len().saturated_into();
		ensure!(size <= T::MaxChunkSize::get(), Error::<T>::TooLarge);

		let (extrinsic, encoded) = Self::current_extrinsic()?;
		ensure!(encoded.ends_with(&data), Error::<T>::NotLast);

		let now = frame_system::Pallet::<T>::block_number();
		let content_hash = H256(sp_io::hashing::blake2_256(&data));
		if let Some(chunk) = Chunks::<T>::get(content_hash) {
			ensure!(chunk.is_expired(now), Error::<T>::AlreadyStored);
			Self::drop_chunk(content_hash, chunk);
		}

		Self::enqueue(Indexing::Store { extrinsic, content_hash, size })?;
		let deposit = Self::deposit_for(size);
		T::Currency::hold(&HoldReason::Chunk.into(), &who, deposit)?;

		let expires_at = Self::expiry_from(now);
		Expiring::<T>::insert(expires_at, content_hash, ());
		if Cursor::<T>::get().is_none() {
			Cursor::<T>::put(now);
		}
		let chunk =
			Chunk { depositor: who.clone(), deposit, size, stored_at: now, extrinsic, expires_at };
		Chunks::<T>::insert(content_hash, chunk);
		Self::deposit_event(Event::Stored {
			content_hash,
			depositor: who,
			deposit,
			size,
			expires_at,
		});
		Ok(())
	}

	pub(crate) fn do_renew(who: T::AccountId, content_hash: H256) -> DispatchResult {
		let chunk = Chunks::<T>::get(content_hash).ok_or(Error::<T>::NotStored)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(!chunk.is_expired(now), Error::<T>::Expired);

		let (extrinsic, _) = Self::current_extrinsic()?;
		Self::enqueue(Indexing::Renew { extrinsic, content_hash })?;

		// Released first: a depositor who renews needs no second deposit in hand.
		let reason = HoldReason::Chunk.into();
		T::Currency::release(&reason, &chunk.depositor, chunk.deposit, BestEffort)?;
		let deposit = Self::deposit_for(chunk.size);
		T::Currency::hold(&reason, &who, deposit)?;

		// A retention period that was shortened since doesn't take back what was promised.
		let expires_at = Self::expiry_from(now).max(chunk.expires_at);
		Expiring::<T>::remove(chunk.expires_at, content_hash);
		Expiring::<T>::insert(expires_at, content_hash, ());
		Chunks::<T>::insert(
			content_hash,
			Chunk { depositor: who.clone(), deposit, expires_at, ..chunk },
		);
		Self::deposit_event(Event::Renewed { content_hash, depositor: who, deposit, expires_at });
		Ok(())
	}

	/// Passes the block's operations to the host, which can't undo them.
	pub(crate) fn tell_host() {
		for operation in Pending::<T>::take() {
			match operation {
				Indexing::Store { extrinsic, content_hash, size } => {
					sp_io::transaction_index::index(extrinsic, size, content_hash.0)
				},
				Indexing::Renew { extrinsic, content_hash } => {
					sp_io::transaction_index::renew(extrinsic, content_hash.0)
				},
			}
		}
	}

	/// Index and bytes of the extrinsic that is being applied.
	fn current_extrinsic() -> Result<(u32, Vec<u8>), DispatchError> {
		let index =
			frame_system::Pallet::<T>::extrinsic_index().ok_or(Error::<T>::NotInExtrinsic)?;
		// While a block is initialised there is an index already, but no extrinsic.
		let encoded = frame_system::Pallet::<T>::extrinsic_data(index);
		ensure!(!encoded.is_empty(), Error::<T>::NotInExtrinsic);
		Ok((index, encoded))
	}

	/// Notes an operation for the end of the block.
	fn enqueue(operation: Indexing) -> DispatchResult {
		Pending::<T>::try_mutate(|pending| {
			let fits = pending.iter().all(|other| operation.is_compatible_with(other));
			ensure!(fits, Error::<T>::AlreadyIndexed);
			pending.try_push(operation).map_err(|_| Error::<T>::BlockFull.into())
		})
	}

	/// The deposit for a chunk of `size` bytes.
	fn deposit_for(size: u32) -> BalanceOf<T> {
		T::DepositPerByte::get()
			.saturating_mul(size.into())
			.saturating_add(T::DepositBase::get())
	}

	/// First block in which a chunk stored or renewed in `now` is not kept any more.
	fn expiry_from(now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		// At least the block itself, or the chunk could be released before nodes hear of it.
		now.saturating_add(T::RetentionPeriod::get().max(One::one()))
	}
}
