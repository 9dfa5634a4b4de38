//! What did not work, and when the worker tries it again: a model that can't be had, or an input
//! that no answer can be computed for, must not take the time of all the others in every block.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use core::marker::PhantomData;
use dodona_primitives_models::VersionId;
use sp_core::H256;
use sp_runtime::{
	offchain::storage::{StorageRetrievalError, StorageValueRef},
	traits::AtLeast32BitUnsigned,
};

/// Longest pause between two attempts, in blocks.
pub(crate) const LONGEST_PAUSE: u32 = 64;
/// Blocks after which a failure is forgotten.
pub(crate) const FORGOTTEN: u32 = 1024;
/// Most failures that are remembered.
pub(crate) const MOST_FAILURES: usize = 128;

/// What can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Subject {
	/// To have the weights of a version.
	Weights(VersionId),
	/// To answer a question: with another one, the same weights may work.
	Answer(H256),
}

/// Attempts in a row without success, one of which may be under way.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct Failure<BlockNumber> {
	subject: Subject,
	attempts: u32,
	/// The block of the last one.
	last: BlockNumber,
}

impl<BlockNumber: AtLeast32BitUnsigned + Copy> Failure<BlockNumber> {
	/// The block of the next attempt: 1, 2, 4, … blocks after the last.
	fn next(&self) -> BlockNumber {
		let doublings = self.attempts.saturating_sub(1).min(u32::BITS - 1);
		self.last.saturating_add((1u32 << doublings).min(LONGEST_PAUSE).into())
	}

	fn is_stale(&self, now: BlockNumber) -> bool {
		self.last.saturating_add(FORGOTTEN.into()) < now
	}
}

/// The failures of this node, in its persistent local storage.
pub(crate) struct Failures<BlockNumber> {
	key: Vec<u8>,
	phantom: PhantomData<BlockNumber>,
}

impl<BlockNumber: AtLeast32BitUnsigned + Codec + Copy> Failures<BlockNumber> {
	/// The failures on the chain with this first block.
	pub fn of(genesis: H256) -> Self {
		Self { key: (b"dodona/failures/", genesis).encode(), phantom: PhantomData }
	}

	/// Whether it is too early for another attempt.
	pub fn is_early(&self, subject: Subject, now: BlockNumber) -> bool {
		self.list()
			.iter()
			.any(|failure| failure.subject == subject && now < failure.next())
	}

	/// Begins an attempt: until it has worked it counts as one that failed, so that neither a trap
	/// nor a restart nor another run at the same time tries again at once. `false` if it is too
	/// early for one.
	pub fn begin(&self, subject: Subject, now: BlockNumber) -> bool {
		StorageValueRef::persistent(&self.key)
			.mutate(|failures: Result<Option<_>, StorageRetrievalError>| {
				let mut failures: Vec<Failure<BlockNumber>> = decoded(failures);
				failures.retain(|failure| !failure.is_stale(now));
				let known = failures.iter().position(|failure| failure.subject == subject);
				let attempts = match known.map(|index| failures.remove(index)) {
					Some(failure) if now < failure.next() => return Err(()),
					Some(failure) => failure.attempts.saturating_add(1),
					None => 1,
				};
				// In the order of the last attempts, so that the first is the one to forget.
				if failures.len() >= MOST_FAILURES {
					failures.remove(0);
				}
				failures.push(Failure { subject, attempts, last: now });
				Ok(failures)
			})
			.is_ok()
	}

	/// The attempt was a success.
	pub fn worked(&self, subject: Subject) {
		// If another run changes the list meanwhile, there is one pause too many.
		let _ = StorageValueRef::persistent(&self.key).mutate(
			|failures: Result<Option<_>, StorageRetrievalError>| {
				let mut failures: Vec<Failure<BlockNumber>> = decoded(failures);
				failures.retain(|failure| failure.subject != subject);
				Ok::<_, ()>(failures)
			},
		);
	}

	/// What failed, or is being tried by another run.
	pub fn subjects(&self) -> Vec<Subject> {
		self.list().into_iter().map(|failure| failure.subject).collect()
	}

	fn list(&self) -> Vec<Failure<BlockNumber>> {
		decoded(StorageValueRef::persistent(&self.key).get())
	}
}

/// The list; one that can't be decoded is of no use to anybody.
fn decoded<T>(stored: Result<Option<Vec<T>>, StorageRetrievalError>) -> Vec<T> {
	stored.ok().flatten().unwrap_or_default()
}
