//! What is recorded of a chunk.

use crate::Config;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::traits::{fungible::Inspect, Get};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;

/// The balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// The record of a chunk in a runtime.
pub type ChunkOf<T> =
	Chunk<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// The record of a chunk.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Chunk<AccountId, Balance, BlockNumber> {
	/// Who paid the deposit.
	pub depositor: AccountId,
	/// The deposit that is held.
	pub deposit: Balance,
	/// Size of the content in bytes.
	pub size: u32,
	/// Block whose body holds the content.
	pub stored_at: BlockNumber,
	/// Index in that block of the extrinsic that ends with the content.
	pub extrinsic: u32,
	/// First block in which the chunk is not kept any more.
	pub expires_at: BlockNumber,
}

impl<AccountId, Balance, BlockNumber: PartialOrd> Chunk<AccountId, Balance, BlockNumber> {
	/// Whether the chunk is not kept any more in block `now`.
	pub fn is_expired(&self, now: BlockNumber) -> bool {
		now >= self.expires_at
	}
}

/// Most operations on nodes' index in one block: all stores and all renewals.
pub struct MaxIndexed<T>(PhantomData<T>);

impl<T: Config> Get<u32> for MaxIndexed<T> {
	fn get() -> u32 {
		T::MaxChunksPerBlock::get().saturating_add(T::MaxRenewalsPerBlock::get())
	}
}

/// An operation on the index that nodes keep of the chunks.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Indexing {
	/// The last bytes of an extrinsic are a chunk.
	#[codec(index = 0)]
	Store {
		/// Index of the extrinsic.
		extrinsic: u32,
		/// Hash of the content.
		content_hash: H256,
		/// Size of the content in bytes.
		size: u32,
	},
	/// An extrinsic asks for a chunk to be kept as long as its own block.
	#[codec(index = 1)]
	Renew {
		/// Index of the extrinsic.
		extrinsic: u32,
		/// Hash of the content.
		content_hash: H256,
	},
}

impl Indexing {
	/// Whether the host can take both operations: they belong to different extrinsics, or are
	/// both renewals.
	pub(crate) fn is_compatible_with(&self, other: &Self) -> bool {
		match (self, other) {
			(Self::Renew { .. }, Self::Renew { .. }) => true,
			_ => self.extrinsic() != other.extrinsic(),
		}
	}

	/// Whether it is a renewal.
	pub(crate) fn is_renewal(&self) -> bool {
		matches!(self, Self::Renew { .. })
	}

	fn extrinsic(&self) -> u32 {
		match self {
			Self::Store { extrinsic, .. } | Self::Renew { extrinsic, .. } => *extrinsic,
		}
	}
}
