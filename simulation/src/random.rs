//! Numbers that look random, and are the same for the same seed.

/// SplitMix64.
pub struct Random(u64);

impl Random {
	/// Begins with `seed`.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// The next 64 bits.
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut bits = self.0;
		bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		bits ^ (bits >> 31)
	}

	/// A number below `bound`, which is not 0.
	pub fn below(&mut self, bound: u128) -> u128 {
		let bits = u128::from(self.next()) << 64 | u128::from(self.next());
		bits % bound
	}

	/// Whether something of this probability happens.
	pub fn happens(&mut self, probability: f64) -> bool {
		let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
		uniform < probability
	}
}
