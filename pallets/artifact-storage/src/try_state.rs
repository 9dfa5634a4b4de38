//! What is always true of the pallet's state.

use crate::{BalanceOf, Chunks, Config, Cursor, Expiring, HoldReason, Indexing, Pallet, Pending};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{
	traits::{Saturating, Zero},
	TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks the state.
	///
	/// - An account's funds on hold for chunks are the sum of the deposits of its chunks.
	/// - A chunk is not empty and expires after the block that it was stored in.
	/// - A chunk is listed once, in the block that it expires in, and nothing else is listed.
	/// - Nothing is listed before the block from which expired chunks are looked for.
	/// - What nodes will be told to index is kept.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut deposits = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
		let mut chunks = 0usize;
		for (content_hash, chunk) in Chunks::<T>::iter() {
			ensure!(chunk.size > 0, "a chunk is empty");
			ensure!(chunk.expires_at > chunk.stored_at, "a chunk expires before it is stored");
			ensure!(
				Expiring::<T>::contains_key(chunk.expires_at, content_hash),
				"a chunk is not listed where it expires"
			);
			chunks.saturating_inc();
			let sum = deposits.entry(chunk.depositor).or_insert(Zero::zero());
			*sum = sum.saturating_add(chunk.deposit);
		}

		for (depositor, sum) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Chunk.into(), &depositor);
			ensure!(held == sum, "an account's hold differs from its deposits");
		}

		// Each chunk is listed, so equal counts mean that nothing else is.
		ensure!(Expiring::<T>::iter_keys().count() == chunks, "an unknown chunk is listed");
		let cursor = Cursor::<T>::get();
		for (expires_at, _) in Expiring::<T>::iter_keys() {
			ensure!(cursor.is_some_and(|cursor| cursor <= expires_at), "an expiry was passed over");
		}

		for operation in Pending::<T>::get() {
			let (Indexing::Store { content_hash, .. } | Indexing::Renew { content_hash, .. }) =
				operation;
			ensure!(Pallet::<T>::contains(content_hash), "what is not kept would be indexed");
		}
		Ok(())
	}
}
