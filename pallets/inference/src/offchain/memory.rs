//! What the worker must not forget: the salt and the output behind each commitment.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use core::marker::PhantomData;
use dodona_primitives_inference::{Output, RequestId, Salt};
use sp_core::H256;
use sp_runtime::{
	offchain::storage::{StorageRetrievalError, StorageValueRef},
	traits::AtLeast32BitUnsigned,
};

/// Blocks for which a seat that is not open any more is remembered: a reorganisation may open it
/// again.
const KEPT: u32 = 256;

/// The answer of one seat.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct SeatRecord {
	/// The request.
	pub request: RequestId,
	/// The attempt that the seat was drawn in.
	pub attempt: u32,
	/// What the request was about when it was answered.
	pub subject: H256,
	/// The salt of the commitment.
	pub salt: Salt,
	/// Hash of the output.
	pub outcome: H256,
	/// The output.
	pub output: Output,
}

impl SeatRecord {
	/// Whether this is the record of that seat.
	fn is_of(&self, request: RequestId, attempt: u32, subject: H256) -> bool {
		self.request == request && self.attempt == attempt && self.subject == subject
	}
}

/// Records, each with the last block in which its seat was known to be open.
type Records<BlockNumber> = Vec<(BlockNumber, SeatRecord)>;

/// The records of one operator, in the node's persistent local storage.
pub(crate) struct Memory<BlockNumber> {
	key: Vec<u8>,
	phantom: PhantomData<BlockNumber>,
}

impl<BlockNumber: AtLeast32BitUnsigned + Codec + Copy> Memory<BlockNumber> {
	/// The memory of `operator` on the chain with this first block.
	pub fn of(genesis: H256, operator: &impl Encode) -> Self {
		Self { key: (b"dodona/seats/", genesis, operator).encode(), phantom: PhantomData }
	}

	/// The record of a seat, if there is one about the same question.
	pub fn recall(&self, request: RequestId, attempt: u32, subject: H256) -> Option<SeatRecord> {
		self.records()
			.into_iter()
			.map(|(_, record)| record)
			.find(|record| record.is_of(request, attempt, subject))
	}

	/// Stores a record and returns what is stored then: the first record of a seat stands, so that
	/// two runs at once can't commit to different salts. `None` if nothing could be stored.
	pub fn remember(&self, now: BlockNumber, record: SeatRecord) -> Option<SeatRecord> {
		let (request, attempt, subject) = (record.request, record.attempt, record.subject);
		let stored = self.mutate(|records| {
			if !records.iter().any(|(_, known)| known.is_of(request, attempt, subject)) {
				records.push((now, record.clone()));
			}
		})?;
		stored
			.into_iter()
			.map(|(_, record)| record)
			.find(|record| record.is_of(request, attempt, subject))
	}

	/// Forgets seats that have not been open for a long time.
	pub fn tidy(&self, now: BlockNumber, open: &[RequestId]) {
		let is_stale = |(seen, record): &(BlockNumber, SeatRecord)| {
			!open.contains(&record.request) && seen.saturating_add(KEPT.into()) < now
		};
		let is_aging = |(seen, record): &(BlockNumber, SeatRecord)| {
			open.contains(&record.request) && seen.saturating_add((KEPT / 2).into()) < now
		};
		// Most runs change nothing, and write nothing.
		if !self.records().iter().any(|entry| is_stale(entry) || is_aging(entry)) {
			return;
		}
		self.mutate(|records| {
			records.retain(|entry| !is_stale(entry));
			for entry in records.iter_mut().filter(|entry| is_aging(entry)) {
				entry.0 = now;
			}
		});
	}

	fn records(&self) -> Records<BlockNumber> {
		StorageValueRef::persistent(&self.key).get().ok().flatten().unwrap_or_default()
	}

	/// Changes the records in one step; `None` if another run changed them meanwhile.
	fn mutate(&self, change: impl Fn(&mut Records<BlockNumber>)) -> Option<Records<BlockNumber>> {
		StorageValueRef::persistent(&self.key)
			.mutate(|records: Result<Option<Records<BlockNumber>>, StorageRetrievalError>| {
				// Records that can't be decoded are of no use to anybody.
				let mut records = records.ok().flatten().unwrap_or_default();
				change(&mut records);
				Ok::<_, ()>(records)
			})
			.ok()
	}
}
