//! Where things are in memory.

use super::tree::{self, PAGE};

/// Hands out memory, page by page. The first page says how the run stands.
pub(super) struct Layout {
	end: u64,
}

impl Layout {
	/// With the first page taken.
	pub fn new() -> Self {
		Self { end: PAGE as u64 }
	}

	/// The address of `len` bytes of its own, which begin a page.
	pub fn region(&mut self, len: u64) -> u64 {
		let at = self.end;
		let pages = len.div_ceil(PAGE as u64);
		self.end = at.saturating_add(pages.saturating_mul(PAGE as u64));
		at
	}

	/// Like [`region`](Self::region), of floats.
	pub fn floats(&mut self, count: u64) -> u64 {
		self.region(count.saturating_mul(FLOAT))
	}

	/// The first address that is not memory.
	pub fn end(&self) -> u64 {
		self.end
	}
}

/// Levels of the tree over memory that ends at `end`.
pub(super) fn depth(end: u64) -> u32 {
	tree::depth(end.div_ceil(PAGE as u64))
}

/// Bytes of a float.
pub(super) const FLOAT: u64 = 4;

/// The address of value number `index` of the floats at `at`.
pub(super) fn float_at(at: u64, index: u64) -> u64 {
	at.saturating_add(index.saturating_mul(FLOAT))
}

/// The most pages that `len` bytes touch, wherever they are.
pub(super) fn span(len: u64) -> u32 {
	match len.checked_sub(1) {
		None => 0,
		Some(last) => narrow(last / PAGE as u64).saturating_add(2),
	}
}

/// The most pages that `count` floats touch, wherever they are.
pub(super) fn float_span(count: u64) -> u32 {
	span(count.saturating_mul(FLOAT))
}

/// `value`, or the greatest that there is.
pub(super) fn narrow(value: u64) -> u32 {
	u32::try_from(value).unwrap_or(u32::MAX)
}
