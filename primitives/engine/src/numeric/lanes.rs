//! Several outputs' sums side by side, in the registers of a [`Kernel`](super::Kernel).

use super::matrix::LANES;

/// What `of` gives for each place. Unlike the library's functions for arrays, it is inlined in every
/// build: into the loops, and into what is compiled for a processor's instructions.
#[inline(always)]
pub(super) fn array<T: Copy, const N: usize>(of: impl Fn(usize) -> T) -> [T; N] {
	let mut values = [of(0); N];
	let mut at = 1;
	while at < N {
		values[at] = of(at);
		at += 1;
	}
	values
}

/// [`LANES`] floats.
pub(super) trait Floats: Copy {
	fn splat(value: f32) -> Self;
	fn load(values: &[f32; LANES]) -> Self;
	/// `self + x · weights`, the product rounded before the sum is.
	fn add_product(self, x: Self, weights: Self) -> Self;
	fn store(self) -> [f32; LANES];
}

/// Inputs of an output that are multiplied at once.
#[cfg(not(target_family = "wasm"))]
pub(super) const QUAD: usize = 4;

/// [`LANES`] exact sums, or [`QUAD`] bytes for each of as many outputs.
#[cfg(not(target_family = "wasm"))]
pub(super) trait Bytes: Copy {
	/// What has to be added to an input's bytes, modulo 256. Sums have to start at minus that
	/// times the sum of the weights.
	const OFFSET: u8;
	fn load_sums(sums: &[i32; LANES]) -> Self;
	fn splat(inputs: [u8; QUAD]) -> Self;
	fn load(weights: &[[i8; QUAD]; LANES]) -> Self;
	/// `self` and, for each output, the products of its weights and the inputs.
	fn add_products(self, inputs: Self, weights: Self) -> Self;
	fn store(self) -> [i32; LANES];
}

/// What every target has.
#[derive(Clone, Copy)]
pub(super) struct Portable<T>([T; LANES]);

impl Floats for Portable<f32> {
	#[inline(always)]
	fn splat(value: f32) -> Self {
		Self([value; LANES])
	}

	#[inline(always)]
	fn load(values: &[f32; LANES]) -> Self {
		Self(*values)
	}

	#[inline(always)]
	fn add_product(mut self, x: Self, weights: Self) -> Self {
		for ((sum, x), weight) in self.0.iter_mut().zip(x.0).zip(weights.0) {
			*sum += x * weight;
		}
		self
	}

	#[inline(always)]
	fn store(self) -> [f32; LANES] {
		self.0
	}
}

#[cfg(not(target_family = "wasm"))]
impl Bytes for Portable<i32> {
	const OFFSET: u8 = 0;

	#[inline(always)]
	fn load_sums(sums: &[i32; LANES]) -> Self {
		Self(*sums)
	}

	#[inline(always)]
	fn splat(inputs: [u8; QUAD]) -> Self {
		Self([i32::from_le_bytes(inputs); LANES])
	}

	#[inline(always)]
	fn load(weights: &[[i8; QUAD]; LANES]) -> Self {
		Self(array(|lane| i32::from_le_bytes(array(|at| weights[lane][at] as u8))))
	}

	#[inline(always)]
	fn add_products(mut self, inputs: Self, weights: Self) -> Self {
		for ((sum, inputs), weights) in self.0.iter_mut().zip(inputs.0).zip(weights.0) {
			for (input, weight) in inputs.to_le_bytes().into_iter().zip(weights.to_le_bytes()) {
				let product = i32::from(input as i8).wrapping_mul(i32::from(weight as i8));
				*sum = sum.wrapping_add(product);
			}
		}
		self
	}

	#[inline(always)]
	fn store(self) -> [i32; LANES] {
		self.0
	}
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use x86::{Avx2, Avx512};

// SAFETY, of every block in here: these functions are inlined into functions that are compiled for
// their instructions, and that only run where `Kernel::is_available` has found them. What is read
// or written through a pointer is an array of the very size.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[allow(unsafe_code)]
mod x86 {
	use super::{Bytes, Floats, LANES, QUAD};
	use core::arch::x86_64::*;

	/// Two registers of 256 bits.
	#[derive(Clone, Copy)]
	pub(in crate::numeric) struct Avx2<T>(T, T);

	/// A register of 512 bits.
	#[derive(Clone, Copy)]
	pub(in crate::numeric) struct Avx512<T>(T);

	impl Floats for Avx2<__m256> {
		#[inline(always)]
		fn splat(value: f32) -> Self {
			unsafe { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
		}

		#[inline(always)]
		fn load(values: &[f32; LANES]) -> Self {
			let at = values.as_ptr();
			unsafe { Self(_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))) }
		}

		#[inline(always)]
		fn add_product(self, x: Self, weights: Self) -> Self {
			unsafe {
				Self(
					_mm256_add_ps(self.0, _mm256_mul_ps(x.0, weights.0)),
					_mm256_add_ps(self.1, _mm256_mul_ps(x.1, weights.1)),
				)
			}
		}

		#[inline(always)]
		fn store(self) -> [f32; LANES] {
			let mut values = [0.0; LANES];
			let at = values.as_mut_ptr();
			unsafe {
				_mm256_storeu_ps(at, self.0);
				_mm256_storeu_ps(at.add(8), self.1);
			}
			values
		}
	}

	impl Floats for Avx512<__m512> {
		#[inline(always)]
		fn splat(value: f32) -> Self {
			unsafe { Self(_mm512_set1_ps(value)) }
		}

		#[inline(always)]
		fn load(values: &[f32; LANES]) -> Self {
			unsafe { Self(_mm512_loadu_ps(values.as_ptr())) }
		}

		#[inline(always)]
		fn add_product(self, x: Self, weights: Self) -> Self {
			unsafe { Self(_mm512_add_ps(self.0, _mm512_mul_ps(x.0, weights.0))) }
		}

		#[inline(always)]
		fn store(self) -> [f32; LANES] {
			let mut values = [0.0; LANES];
			unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) };
			values
		}
	}

	impl Bytes for Avx2<__m256i> {
		const OFFSET: u8 = 0;

		#[inline(always)]
		fn load_sums(sums: &[i32; LANES]) -> Self {
			let at = sums.as_ptr();
			unsafe { Self(_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(8).cast())) }
		}

		#[inline(always)]
		fn splat(inputs: [u8; QUAD]) -> Self {
			let inputs = i32::from_le_bytes(inputs);
			unsafe { Self(_mm256_set1_epi32(inputs), _mm256_set1_epi32(inputs)) }
		}

		#[inline(always)]
		fn load(weights: &[[i8; QUAD]; LANES]) -> Self {
			let at = weights.as_ptr();
			unsafe { Self(_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(8).cast())) }
		}

		/// |weight| ≤ 128 times ±input, |input| ≤ 127: two such products fit 16 bits.
		#[inline(always)]
		fn add_products(self, inputs: Self, weights: Self) -> Self {
			unsafe {
				let ones = _mm256_set1_epi16(1);
				let left = _mm256_maddubs_epi16(
					_mm256_abs_epi8(weights.0),
					_mm256_sign_epi8(inputs.0, weights.0),
				);
				let right = _mm256_maddubs_epi16(
					_mm256_abs_epi8(weights.1),
					_mm256_sign_epi8(inputs.1, weights.1),
				);
				Self(
					_mm256_add_epi32(self.0, _mm256_madd_epi16(left, ones)),
					_mm256_add_epi32(self.1, _mm256_madd_epi16(right, ones)),
				)
			}
		}

		#[inline(always)]
		fn store(self) -> [i32; LANES] {
			let mut sums = [0; LANES];
			let at = sums.as_mut_ptr();
			unsafe {
				_mm256_storeu_si256(at.cast(), self.0);
				_mm256_storeu_si256(at.add(8).cast(), self.1);
			}
			sums
		}
	}

	impl Bytes for Avx512<__m512i> {
		/// The instruction takes one side without a sign.
		const OFFSET: u8 = 128;

		#[inline(always)]
		fn load_sums(sums: &[i32; LANES]) -> Self {
			unsafe { Self(_mm512_loadu_si512(sums.as_ptr().cast())) }
		}

		#[inline(always)]
		fn splat(inputs: [u8; QUAD]) -> Self {
			unsafe { Self(_mm512_set1_epi32(i32::from_le_bytes(inputs))) }
		}

		#[inline(always)]
		fn load(weights: &[[i8; QUAD]; LANES]) -> Self {
			unsafe { Self(_mm512_loadu_si512(weights.as_ptr().cast())) }
		}

		#[inline(always)]
		fn add_products(self, inputs: Self, weights: Self) -> Self {
			unsafe { Self(_mm512_dpbusd_epi32(self.0, inputs.0, weights.0)) }
		}

		#[inline(always)]
		fn store(self) -> [i32; LANES] {
			let mut sums = [0; LANES];
			unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), self.0) };
			sums
		}
	}
}
