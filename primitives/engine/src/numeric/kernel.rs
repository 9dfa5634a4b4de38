//! Which instructions a product is computed with. They change its speed and none of its bits.

/// A set of instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kernel {
	/// What every processor of the target has.
	Portable,
	/// x86-64 with AVX2.
	Avx2,
	/// x86-64 with AVX-512 and its byte products.
	Avx512,
}

impl Kernel {
	/// All of them, the fastest last.
	pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

	/// The fastest that this processor has.
	pub fn best() -> Self {
		Self::ALL
			.into_iter()
			.rev()
			.find(|kernel| kernel.is_available())
			.unwrap_or(Self::Portable)
	}

	/// Itself if this processor has it, otherwise the portable one.
	pub(super) fn or_portable(self) -> Self {
		if self.is_available() {
			self
		} else {
			Self::Portable
		}
	}

	/// Whether this processor has it.
	#[cfg(all(feature = "std", target_arch = "x86_64"))]
	pub fn is_available(self) -> bool {
		match self {
			Self::Portable => true,
			Self::Avx2 => is_x86_feature_detected!("avx2"),
			Self::Avx512 => {
				is_x86_feature_detected!("avx512f")
					&& is_x86_feature_detected!("avx512bw")
					&& is_x86_feature_detected!("avx512vnni")
			},
		}
	}

	/// Whether this processor has it.
	#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
	pub fn is_available(self) -> bool {
		self == Self::Portable
	}
}

/// Compiles `$portable` for each kernel, and calls the one for `kernel`.
macro_rules! dispatch {
	($kernel:expr, $portable:ident, ($($name:ident: $type:ty),*) $(, $lifetime:lifetime)?) => {{
		#[cfg(all(feature = "std", target_arch = "x86_64"))]
		#[target_feature(enable = "avx2")]
		fn avx2$(<$lifetime>)?($($name: $type),*) {
			$portable($($name),*);
		}

		/// AVX-512 has fused multiply-adds, but Rust does not fuse what its source does not.
		#[cfg(all(feature = "std", target_arch = "x86_64"))]
		#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
		fn avx512$(<$lifetime>)?($($name: $type),*) {
			$portable($($name),*);
		}

		match $kernel {
			// SAFETY: the processor has what the function is compiled for.
			#[cfg(all(feature = "std", target_arch = "x86_64"))]
			Kernel::Avx512 if $kernel.is_available() => unsafe { avx512($($name),*) },
			// SAFETY: as above.
			#[cfg(all(feature = "std", target_arch = "x86_64"))]
			Kernel::Avx2 if $kernel.is_available() => unsafe { avx2($($name),*) },
			_ => $portable($($name),*),
		}
	}};
}

pub(super) use dispatch;
