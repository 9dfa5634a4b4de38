//! Storing and renewing chunks, and telling the host.

use crate::{
	BalanceOf, Chunk, Chunks, Config, Cursor, Error, Event, Expiring, HoldReason, Indexing, Pallet,
	Pending,
};
use alloc::{vec, vec::Vec};
use codec::{Compact, CompactLen, Decode, Encode};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	storage::storage_prefix,
	traits::{fungible::MutateHold, tokens::Precision::BestEffort, Get, PalletInfoAccess},
	StorageHasher, Twox64Concat,
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

		let extrinsic = Self::current_extrinsic()?;
		ensure!(Self::ends_with(extrinsic, &data), Error::<T>::NotLast);

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
		ensure!(Self::renewable_from(chunk.expires_at) <= now, Error::<T>::RenewedTooEarly);

		let extrinsic = Self::current_extrinsic()?;
		Self::enqueue(Indexing::Renew { extrinsic, content_hash })?;

		// Released first: a depositor who renews needs no second deposit in hand.
		let reason = HoldReason::Chunk.into();
		T::Currency::release(&reason, &chunk.depositor, chunk.deposit, BestEffort)?;
		let deposit = Self::deposit_for(chunk.size);
		T::Currency::hold(&reason, &who, deposit)?;

		// Later than before, since no more than half of a period is left.
		let expires_at = Self::expiry_from(now);
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

	/// Index of the extrinsic that is being applied.
	fn current_extrinsic() -> Result<u32, DispatchError> {
		let index =
			frame_system::Pallet::<T>::extrinsic_index().ok_or(Error::<T>::NotInExtrinsic)?;
		// While a block is initialised there is an index already, but no extrinsic.
		ensure!(sp_io::storage::exists(&Self::extrinsic_key(index)), Error::<T>::NotInExtrinsic);
		Ok(index)
	}

	/// Whether `data` are the last bytes of the extrinsic with this index.
	fn ends_with(extrinsic: u32, data: &[u8]) -> bool {
		let key = Self::extrinsic_key(extrinsic);
		// The bytes come after their number, which takes up to five.
		let head = Self::read(&key, 0, 5);
		let Ok(Compact(length)) = Compact::<u32>::decode(&mut &head[..]) else { return false };
		let before = (length as usize).saturating_sub(data.len());
		let start = before.saturating_add(Compact::<u32>::compact_len(&length));
		// No more than the end is read: the rest may be long, and a batch may ask often.
		Self::read(&key, start, data.len()) == data
	}

	/// Up to `length` bytes of what is stored under `key`, from `start`.
	fn read(key: &[u8], start: usize, length: usize) -> Vec<u8> {
		let mut bytes = vec![0; length];
		let left = sp_io::storage::read(key, &mut bytes, start.saturated_into()).unwrap_or(0);
		bytes.truncate(left as usize);
		bytes
	}

	/// Where `frame_system` keeps an extrinsic while it is applied.
	pub(crate) fn extrinsic_key(index: u32) -> Vec<u8> {
		let system = <frame_system::Pallet<T> as PalletInfoAccess>::name();
		let mut key = storage_prefix(system.as_bytes(), b"ExtrinsicData").to_vec();
		key.extend(Twox64Concat::hash(&index.encode()));
		key
	}

	/// Notes an operation for the end of the block.
	fn enqueue(operation: Indexing) -> DispatchResult {
		let limit = if operation.is_renewal() {
			T::MaxRenewalsPerBlock::get()
		} else {
			T::MaxChunksPerBlock::get()
		};
		Pending::<T>::try_mutate(|pending| {
			let fits = pending.iter().all(|other| operation.is_compatible_with(other));
			ensure!(fits, Error::<T>::AlreadyIndexed);
			let alike = pending.iter().filter(|other| other.is_renewal() == operation.is_renewal());
			ensure!(alike.count() < limit as usize, Error::<T>::BlockFull);
			pending.try_push(operation).map_err(|_| Error::<T>::BlockFull.into())
		})
	}

	/// The deposit for a chunk of `size` bytes.
	pub(crate) fn deposit_for(size: u32) -> BalanceOf<T> {
		T::DepositPerByte::get()
			.saturating_mul(size.into())
			.saturating_add(T::DepositBase::get())
	}

	/// First block in which a chunk stored or renewed in `now` is not kept any more.
	fn expiry_from(now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		now.saturating_add(Self::retention())
	}

	/// First block in which a chunk that expires in `expires_at` can be renewed.
	pub(crate) fn renewable_from(expires_at: BlockNumberFor<T>) -> BlockNumberFor<T> {
		expires_at.saturating_sub(Self::retention() / 2u32.into())
	}

	/// The retention period, but at least the block itself, or a chunk could be released before
	/// nodes hear of it.
	fn retention() -> BlockNumberFor<T> {
		T::RetentionPeriod::get().max(One::one())
	}
}
