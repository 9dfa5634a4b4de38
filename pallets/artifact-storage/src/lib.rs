//! # Artifact storage
//!
//! Content-addressed storage of artifacts in the chain's own blocks.
//!
//! ## Overview
//!
//! The bytes travel in an extrinsic and stay in the body of its block; the state keeps a short
//! record of them. Nodes index the bytes by their blake2-256 hash and serve them by CID (version 1,
//! raw, blake2b-256). A deposit is held for as long as they are kept, and whoever wants to keep
//! them longer renews them once half of the retention period is over.
//!
//! ## What a node serves is what the state records
//!
//! The host indexes the last bytes of an extrinsic without looking at them, it keeps one store per
//! extrinsic, and it doesn't forget an operation when the call that asked for it is rolled back. So
//! that a node can never serve other bytes under a hash, and serves all that the state records:
//!
//! - [`store`](Pallet::store) demands that the data are the last bytes of the extrinsic. It works
//!   alone, as the last call of a batch, or wrapped in a call that ends with it.
//! - an extrinsic stores once, or renews, but not both.
//! - the host hears of a block's operations in its `on_finalize`, when no call can be rolled back.
//!
//! A node must keep block bodies for as long as chunks are retained.
//!
//! ## Renewals by other pallets
//!
//! Other pallets renew chunks through the trait `ChunkStore` in the name of whoever pays, in a call
//! that comes from an extrinsic: what holds for [`renew`](Pallet::renew) holds for them, too.
//!
//! ## Room in a block
//!
//! Stores and renewals have places of their own, so that neither can take the other's. A chunk
//! can't be renewed sooner than half a retention period after it was stored or renewed: to fill the
//! places for renewals block after block takes a deposit for each place in half a retention period.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod chunk_store;
mod expiry;
#[cfg(test)]
mod mock;
mod storing;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::{BalanceOf, Chunk, ChunkOf, Indexing, MaxIndexed};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::fungible::{Mutate, MutateHold},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;

	/// The storage version of this pallet.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Configuration of the pallet.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The currency that deposits are held in.
		type Currency: Mutate<Self::AccountId>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Most bytes of a chunk.
		#[pallet::constant]
		type MaxChunkSize: Get<u32>;

		/// Most stores in one block.
		#[pallet::constant]
		type MaxChunksPerBlock: Get<u32>;

		/// Most renewals in one block.
		#[pallet::constant]
		type MaxRenewalsPerBlock: Get<u32>;

		/// Deposit for a chunk, whatever its size.
		#[pallet::constant]
		type DepositBase: Get<BalanceOf<Self>>;

		/// Deposit for each byte of a chunk.
		#[pallet::constant]
		type DepositPerByte: Get<BalanceOf<Self>>;

		/// Blocks for which a chunk is kept after its store or renewal.
		#[pallet::constant]
		type RetentionPeriod: Get<BlockNumberFor<Self>>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Reasons for which this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a chunk that is kept.
		#[codec(index = 0)]
		Chunk,
	}

	/// The chunks that are kept, by their content's hash.
	// The key is a cryptographic hash already.
	#[pallet::storage]
	pub type Chunks<T: Config> = StorageMap<_, Identity, H256, ChunkOf<T>>;

	/// The chunks that expire in a block.
	// Block numbers can't be ground for a place in the trie; the second key is a hash already.
	#[pallet::storage]
	pub type Expiring<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Identity, H256, ()>;

	/// The first block whose expired chunks may not all have been released.
	#[pallet::storage]
	pub type Cursor<T: Config> = StorageValue<_, BlockNumberFor<T>>;

	/// What nodes are told to index at the end of this block.
	#[pallet::storage]
	pub type Pending<T: Config> = StorageValue<_, BoundedVec<Indexing, MaxIndexed<T>>, ValueQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A chunk was stored.
		Stored {
			/// Hash of the content.
			content_hash: H256,
			/// Who paid the deposit.
			depositor: T::AccountId,
			/// The deposit.
			deposit: BalanceOf<T>,
			/// Size of the content in bytes.
			size: u32,
			/// First block in which the chunk is not kept any more.
			expires_at: BlockNumberFor<T>,
		},
		/// A chunk is kept for longer.
		Renewed {
			/// Hash of the content.
			content_hash: H256,
			/// Who pays the deposit from now on.
			depositor: T::AccountId,
			/// The deposit.
			deposit: BalanceOf<T>,
			/// First block in which the chunk is not kept any more.
			expires_at: BlockNumberFor<T>,
		},
		/// A chunk is not kept any more and its deposit was returned.
		Released {
			/// Hash of the content.
			content_hash: H256,
			/// Who got the deposit back.
			depositor: T::AccountId,
			/// The deposit.
			deposit: BalanceOf<T>,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// There are no data.
		Empty,
		/// The data are longer than a chunk may be.
		TooLarge,
		/// The data are not the last bytes of the extrinsic, which are all that nodes can index.
		NotLast,
		/// The call doesn't come from an extrinsic.
		NotInExtrinsic,
		/// The same content is already stored and kept.
		AlreadyStored,
		/// The extrinsic stores or renews already, in a way that excludes this.
		AlreadyIndexed,
		/// No more chunks can be stored, or no more can be renewed, in this block.
		BlockFull,
		/// No such chunk is stored.
		NotStored,
		/// The chunk has expired.
		Expired,
		/// The chunk has not expired yet.
		NotExpired,
		/// More than half of the retention period is left: the chunk can be renewed from the block
		/// on that is half of [`Config::RetentionPeriod`] before its `expires_at`.
		RenewedTooEarly,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
			// For `on_finalize`.
			T::WeightInfo::on_finalize(MaxIndexed::<T>::get())
		}

		fn on_finalize(_now: BlockNumberFor<T>) {
			Self::tell_host();
		}

		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::release_expired(now, &mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxChunkSize::get() > 0, "MaxChunkSize must not be zero");
			assert!(T::MaxChunksPerBlock::get() > 0, "MaxChunksPerBlock must not be zero");
			assert!(T::MaxRenewalsPerBlock::get() > 0, "MaxRenewalsPerBlock must not be zero");
			let longest = *T::BlockLength::get().max.get(DispatchClass::Normal);
			assert!(T::MaxChunkSize::get() < longest, "a chunk must fit into a block");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Stores a chunk in this block and has nodes serve it by its hash.
		///
		/// ## Dispatch Origin
		///
		/// Signed; the signer pays the deposit.
		///
		/// ## Details
		///
		/// `data` must be the last bytes of the extrinsic, and the extrinsic may store only once:
		/// the call works alone, as the last call of a batch, or wrapped in a call that ends with
		/// it. Content that has expired but was not released yet is released first.
		///
		/// ## Errors
		///
		/// [`Error::Empty`], [`Error::TooLarge`], [`Error::NotInExtrinsic`], [`Error::NotLast`],
		/// [`Error::AlreadyStored`], [`Error::AlreadyIndexed`], [`Error::BlockFull`], and the
		/// currency's if the deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::Stored`].
		///
		/// ## Complexity
		///
		/// Linear in the length of `data`, which is hashed and compared.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::store(data.len() as u32))]
		pub fn store(origin: OriginFor<T>, data: Vec<u8>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_store(who, data)
		}

		/// Keeps a chunk for another retention period from now.
		///
		/// ## Dispatch Origin
		///
		/// Signed; the signer pays the deposit from now on, at its present rate, and the depositor
		/// before gets theirs back.
		///
		/// ## Details
		///
		/// Anyone may renew any chunk, once no more than half of the retention period is left. An
		/// extrinsic may renew several chunks, but not store one too.
		///
		/// ## Errors
		///
		/// [`Error::NotStored`], [`Error::Expired`], [`Error::RenewedTooEarly`],
		/// [`Error::NotInExtrinsic`], [`Error::AlreadyIndexed`], [`Error::BlockFull`], and the
		/// currency's if the deposit can't be held.
		///
		/// ## Events
		///
		/// [`Event::Renewed`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::renew())]
		pub fn renew(origin: OriginFor<T>, content_hash: H256) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_renew(who, content_hash)
		}

		/// Gives the deposit of an expired chunk back and drops its record.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone.
		///
		/// ## Errors
		///
		/// [`Error::NotStored`], [`Error::NotExpired`].
		///
		/// ## Events
		///
		/// [`Event::Released`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::release())]
		pub fn release(origin: OriginFor<T>, content_hash: H256) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_release(content_hash)
		}
	}

	impl<T: Config> Pallet<T> {
		/// Whether the content with this hash is stored and kept.
		pub fn contains(content_hash: H256) -> bool {
			let now = frame_system::Pallet::<T>::block_number();
			Chunks::<T>::get(content_hash).is_some_and(|chunk| !chunk.is_expired(now))
		}

		/// Blocks for which a chunk is kept after a store or a renewal made now.
		pub fn retention_period() -> BlockNumberFor<T> {
			T::RetentionPeriod::get()
		}
	}
}
