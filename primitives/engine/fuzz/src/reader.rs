//! The fuzzer's bytes, as what they say is to be done.

/// The fuzzer's bytes, one after the other; zeros behind their end.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
	pub fn new(bytes: &'a [u8]) -> Self {
		Self(bytes)
	}

	pub fn is_empty(&self) -> bool {
		self.0.is_empty()
	}

	pub fn byte(&mut self) -> u8 {
		let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
		self.0 = rest;
		*first
	}

	pub fn u16(&mut self) -> u16 {
		u16::from_le_bytes([self.byte(), self.byte()])
	}

	pub fn u32(&mut self) -> u32 {
		u32::from(self.u16()) | u32::from(self.u16()) << 16
	}

	/// A number below `bound`, or 0.
	pub fn below(&mut self, bound: usize) -> usize {
		usize::from(self.u16()) % bound.max(1)
	}

	/// As many bytes as the next one says.
	pub fn some(&mut self) -> &'a [u8] {
		let len = usize::from(self.byte()).min(self.0.len());
		let (some, rest) = self.0.split_at(len);
		self.0 = rest;
		some
	}

	pub fn rest(&mut self) -> &'a [u8] {
		std::mem::take(&mut self.0)
	}

	/// One of the numbers that code gets wrong, or any.
	pub fn number(&mut self) -> u64 {
		const EVIL: [u64; 24] = [
			0,
			1,
			2,
			3,
			4,
			8,
			127,
			1 << 16,
			(1 << 31) - 1,
			1 << 31,
			(1 << 32) - 1,
			1 << 32,
			(1 << 32) + 4,
			1 << 53,
			1 << 60,
			1 << 61,
			1 << 62,
			(1 << 62) + 1,
			(1 << 63) - 1,
			1 << 63,
			u64::MAX - 8,
			u64::MAX - 7,
			u64::MAX - 1,
			u64::MAX,
		];
		let choice = usize::from(self.byte());
		EVIL.get(choice).copied().unwrap_or_else(|| self.u16().into())
	}
}
