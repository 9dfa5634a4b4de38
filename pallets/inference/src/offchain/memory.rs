//! What the worker must not forget: the salt and the output behind each commitment.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use core::marker::PhantomData;
use dodona_primitives_inference::{Output, RequestId, Salt};
use sp_core::H256;
use sp_runtime::{
	offchain::storage::{MutateStorageError, StorageRetrievalError, StorageValueRef},
	traits::AtLeast32BitUnsigned,
};

/// Blocks for which a seat that is not open any more is remembered: a reorganisation may open it
/// again.
const KEPT: u32 = 256;

/// A seat, as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct SeatId {
	/// The request.
	pub request: RequestId,
	/// The attempt that the seat was drawn in.
	pub attempt: u32,
	/// What the request was about when it was answered.
	pub subject: H256,
}

/// The answer of one seat.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct SeatRecord {
	/// The salt of the commitment.
	pub salt: Salt,
	/// Hash of the output.
	pub outcome: H256,
	/// The output.
	pub output: Output,
}

/// Seats with a record, each with the last block in which it was known to be open.
type Seats<BlockNumber> = Vec<(BlockNumber, SeatId)>;

/// The records of one operator, in the node's persistent local storage: a list of the seats, and an
/// entry for each.
pub(crate) struct Memory<BlockNumber> {
	operator: Vec<u8>,
	genesis: H256,
	phantom: PhantomData<BlockNumber>,
}

impl<BlockNumber: AtLeast32BitUnsigned + Codec + Copy> Memory<BlockNumber> {
	/// The memory of `operator` on the chain with this first block.
	pub fn of(genesis: H256, operator: &impl Encode) -> Self {
		Self { operator: operator.encode(), genesis, phantom: PhantomData }
	}

	/// The record of a seat, if there is one about the same question.
	pub fn recall(&self, seat: SeatId) -> Option<SeatRecord> {
		StorageValueRef::persistent(&self.key_of(seat)).get().ok().flatten()
	}

	/// Stores a record and returns what is stored then: the first record of a seat stands, so that
	/// two runs at once can't commit to different salts. `None` if nothing could be stored.
	pub fn remember(
		&self,
		now: BlockNumber,
		seat: SeatId,
		record: SeatRecord,
	) -> Option<SeatRecord> {
		// The list first: a seat in it without a record is harmless, and forgotten with the others.
		self.mutate(|seats| {
			if !seats.iter().any(|(_, known)| *known == seat) {
				seats.push((now, seat));
			}
		})?;
		let stored = StorageValueRef::persistent(&self.key_of(seat)).mutate(
			|known: Result<Option<SeatRecord>, StorageRetrievalError>| match known {
				Ok(Some(first)) => Err(first),
				_ => Ok(record),
			},
		);
		match stored {
			Ok(record) | Err(MutateStorageError::ValueFunctionFailed(record)) => Some(record),
			// Another run was first.
			Err(MutateStorageError::ConcurrentModification(_)) => self.recall(seat),
		}
	}

	/// Forgets seats that have not been open for a long time.
	pub fn tidy(&self, now: BlockNumber, open: &[RequestId]) {
		let is_stale = |(seen, seat): &(BlockNumber, SeatId)| {
			!open.contains(&seat.request) && seen.saturating_add(KEPT.into()) < now
		};
		let is_aging = |(seen, seat): &(BlockNumber, SeatId)| {
			open.contains(&seat.request) && seen.saturating_add((KEPT / 2).into()) < now
		};
		let seats: Seats<BlockNumber> = StorageValueRef::persistent(&self.key())
			.get()
			.ok()
			.flatten()
			.unwrap_or_default();
		// Most runs change nothing, and write nothing.
		if !seats.iter().any(|entry| is_stale(entry) || is_aging(entry)) {
			return;
		}
		// The records first: a seat that stays in the list is tidied again.
		for (_, seat) in seats.iter().filter(|entry| is_stale(entry)) {
			StorageValueRef::persistent(&self.key_of(*seat)).clear();
		}
		self.mutate(|seats| {
			seats.retain(|entry| !is_stale(entry));
			for entry in seats.iter_mut().filter(|entry| is_aging(entry)) {
				entry.0 = now;
			}
		});
	}

	/// Where the list is.
	fn key(&self) -> Vec<u8> {
		[b"dodona/seats/".as_slice(), self.genesis.as_bytes(), &self.operator].concat()
	}

	/// Where a seat's record is.
	fn key_of(&self, seat: SeatId) -> Vec<u8> {
		let seat = seat.encode();
		[b"dodona/seat/".as_slice(), self.genesis.as_bytes(), &self.operator, &seat].concat()
	}

	/// Changes the list in one step; `None` if another run changed it meanwhile.
	fn mutate(&self, change: impl Fn(&mut Seats<BlockNumber>)) -> Option<Seats<BlockNumber>> {
		StorageValueRef::persistent(&self.key())
			.mutate(|seats: Result<Option<Seats<BlockNumber>>, StorageRetrievalError>| {
				// A list that can't be decoded is of no use to anybody.
				let mut seats = seats.ok().flatten().unwrap_or_default();
				change(&mut seats);
				Ok::<_, ()>(seats)
			})
			.ok()
	}
}
