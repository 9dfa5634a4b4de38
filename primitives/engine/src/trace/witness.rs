//! What a step is executed on: the pages that it opens, out of a witness.

use super::{
	machine::Pages,
	tree::{self, Hash, Hasher, Opened, PAGE},
};
use alloc::{collections::BTreeMap, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Most pages of a witness, of memory and of weights together.
pub const MAX_PAGES: u32 = 448;
/// Most hashes of a witness for each of the two.
pub const MAX_HASHES: u32 = 1536;

/// A page of memory or of weights.
pub type Page = [u8; PAGE];

/// The pages that a step opens, in the order in which it first reads or writes them, and the hashes
/// that lead from them to the roots: see [`Program::execute`](super::Program::execute). Which pages
/// these are, the step says.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Witness {
	/// Pages of memory, as they are before the step.
	pub memory: BoundedVec<Page, ConstU32<MAX_PAGES>>,
	/// Nodes of memory's tree that the pages don't give: level by level from the pages on, each from
	/// left to right.
	pub memory_hashes: BoundedVec<Hash, ConstU32<MAX_HASHES>>,
	/// Pages of the weights.
	pub weights: BoundedVec<Page, ConstU32<MAX_PAGES>>,
	/// Nodes of the weights' tree, likewise.
	pub weights_hashes: BoundedVec<Hash, ConstU32<MAX_HASHES>>,
}

/// The pages of memory that say what a run ended with, as a [`Witness`] has them.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct EndWitness {
	/// The pages.
	pub memory: BoundedVec<Page, ConstU32<MAX_PAGES>>,
	/// The nodes that are missing.
	pub memory_hashes: BoundedVec<Hash, ConstU32<MAX_HASHES>>,
}

/// What a run ended with.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum End {
	/// An answer.
	#[codec(index = 0)]
	Output(Vec<u8>),
	/// None: a result was not finite.
	#[codec(index = 1)]
	Fault,
}

/// Why a witness shows nothing, or a trace can't be asked.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TraceFault {
	/// The run has no such step.
	#[codec(index = 0)]
	NoSuchStep,
	/// The tree has no such node, or nothing is below it.
	#[codec(index = 1)]
	NoSuchNode,
	/// The witness has more pages than the step can open.
	#[codec(index = 2)]
	TooManyPages {
		/// What the witness has.
		got: u32,
		/// What the step can open.
		most: u32,
	},
	/// The step opens a page that the witness lacks.
	#[codec(index = 3)]
	MissingPage,
	/// The witness has a page that the step does not open.
	#[codec(index = 4)]
	UnusedPage,
	/// The witness has too few or too many hashes.
	#[codec(index = 5)]
	WrongHashes,
	/// The pages are not those of the state before.
	#[codec(index = 6)]
	OtherState,
	/// The pages are not those of the weights.
	#[codec(index = 7)]
	OtherWeights,
	/// The witness would be larger than one can be.
	#[codec(index = 8)]
	TooLarge,
}

impl fmt::Display for TraceFault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::NoSuchStep => write!(f, "the run has no such step"),
			Self::NoSuchNode => write!(f, "the trace has no such node, or nothing is below it"),
			Self::TooManyPages { got, most } => {
				write!(f, "{got} pages are opened, the step has use for {most}")
			},
			Self::MissingPage => write!(f, "a page that the step opens is missing"),
			Self::UnusedPage => write!(f, "the step does not open all of the pages"),
			Self::WrongHashes => write!(f, "there are too few or too many hashes"),
			Self::OtherState => write!(f, "the pages are not those of the state before the step"),
			Self::OtherWeights => write!(f, "the pages are not those of the weights"),
			Self::TooLarge => write!(f, "what is to be shown does not fit into a witness"),
		}
	}
}

impl core::error::Error for TraceFault {}

/// Pages out of a witness. Nothing of it is known to be true before [`close`](Self::close).
pub(super) struct Supplied<'a> {
	memory: Side<'a>,
	weights: Side<'a>,
}

struct Side<'a> {
	pages: &'a [Page],
	/// The same with what was written; empty where nothing is.
	written: Vec<Page>,
	/// Which of them is page number so and so.
	places: BTreeMap<u64, usize>,
}

impl<'a> Supplied<'a> {
	pub fn new(memory: &'a [Page], weights: &'a [Page]) -> Self {
		Self {
			memory: Side { pages: memory, written: memory.to_vec(), places: BTreeMap::new() },
			weights: Side { pages: weights, written: Vec::new(), places: BTreeMap::new() },
		}
	}

	/// The roots of memory before and after, and the weights' root.
	pub fn close<H: Hasher>(
		self,
		memory: (u32, &[Hash]),
		weights: (u32, &[Hash]),
	) -> Result<(Hash, Hash, Option<Hash>), TraceFault> {
		let (before, after) = self.memory.close::<H>(memory)?.ok_or(TraceFault::MissingPage)?;
		let weights = self.weights.close::<H>(weights)?.map(|(root, _)| root);
		Ok((before, after, weights))
	}
}

impl Side<'_> {
	/// Where page number `index` is among the pages: the next one, if it was not opened before.
	fn open(&mut self, index: u64) -> Result<usize, TraceFault> {
		let next = self.places.len();
		let place = *self.places.entry(index).or_insert(next);
		if place >= self.pages.len() {
			return Err(TraceFault::MissingPage);
		}
		Ok(place)
	}

	fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
		each(at, out.len(), |index, page, bytes| {
			let place = self.open(index)?;
			let from = self.written.get(place).or(self.pages.get(place));
			let from = from.and_then(|from| from.get(page)).ok_or(TraceFault::MissingPage)?;
			for (out, byte) in out.get_mut(bytes).unwrap_or_default().iter_mut().zip(from) {
				*out = *byte;
			}
			Ok(())
		})
	}

	fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), TraceFault> {
		each(at, bytes.len(), |index, page, part| {
			let place = self.open(index)?;
			let to = self.written.get_mut(place).and_then(|to| to.get_mut(page));
			let to = to.ok_or(TraceFault::MissingPage)?;
			for (to, byte) in to.iter_mut().zip(bytes.get(part).unwrap_or_default()) {
				*to = *byte;
			}
			Ok(())
		})
	}

	/// The roots before and after; none if no page was opened.
	fn close<H: Hasher>(
		self,
		(depth, hashes): (u32, &[Hash]),
	) -> Result<Option<(Hash, Hash)>, TraceFault> {
		if self.places.len() != self.pages.len() {
			return Err(TraceFault::UnusedPage);
		}
		if self.places.is_empty() {
			return if hashes.is_empty() { Ok(None) } else { Err(TraceFault::WrongHashes) };
		}
		let mut leaves = Vec::with_capacity(self.places.len());
		for (index, place) in self.places {
			let page = self.pages.get(place).ok_or(TraceFault::MissingPage)?;
			let before = tree::page::<H>(page);
			let after = match self.written.get(place) {
				Some(written) if written != page => tree::page::<H>(written),
				_ => before,
			};
			leaves.push(Opened { index, before, after });
		}
		tree::roots::<H>(leaves, depth, hashes).ok_or(TraceFault::WrongHashes).map(Some)
	}
}

impl Pages for Supplied<'_> {
	fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
		self.memory.read(at, out)
	}

	fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), TraceFault> {
		self.memory.write(at, bytes)
	}

	fn weights(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
		self.weights.read(at, out)
	}
}

/// Calls `body` for each page that `len` bytes from `at` on touch: with its number, which of its
/// bytes, and which of the `len` these are.
pub(super) fn each(
	at: u64,
	len: usize,
	mut body: impl FnMut(
		u64,
		core::ops::Range<usize>,
		core::ops::Range<usize>,
	) -> Result<(), TraceFault>,
) -> Result<(), TraceFault> {
	let mut done = 0usize;
	while done < len {
		let now = at.saturating_add(done as u64);
		let start = (now % PAGE as u64) as usize;
		let count = PAGE.saturating_sub(start).min(len.saturating_sub(done));
		let end = done.saturating_add(count);
		body(now / PAGE as u64, start..start.saturating_add(count), done..end)?;
		done = end;
	}
	Ok(())
}
