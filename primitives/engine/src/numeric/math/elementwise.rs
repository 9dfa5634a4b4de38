//! `libm`'s transcendental functions without branches, so that a compiler takes several values at
//! once: the same operations in the same order, and for every float the same bits.
//!
//! The algorithms and their constants are FreeBSD's, as `libm` has them:
//!
//! > Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//! > Developed at SunPro, a Sun Microsystems, Inc. business.
//! > Permission to use, copy, modify, and distribute this software is freely granted, provided that
//! > this notice is preserved.

use crate::numeric::{kernel::dispatch, Kernel};

/// Replaces each value of `x` by `f` of it. The loop is inlined together with `f` into functions
/// for each kernel.
macro_rules! map {
	($(#[$doc:meta])* $name:ident, $f:expr) => {
		$(#[$doc])*
		#[allow(unsafe_code)]
		pub(in crate::numeric) fn $name(kernel: Kernel, x: &mut [f32]) {
			#[inline(always)]
			fn portable(x: &mut [f32]) {
				for x in x {
					*x = $f(*x);
				}
			}

			dispatch!(kernel, portable, (x: &mut [f32]));
		}
	};
}

map! {
	/// `exp(x)`.
	map_exp, exp
}

map! {
	/// `x / (1 + exp(−x))`.
	map_silu, |x: f32| x / (1.0 + exp(-x))
}

map! {
	/// `(x · 0.5) · (1 + erf(x · √½))`.
	map_gelu_erf, |x: f32| (x * 0.5) * (1.0 + erf(x * core::f32::consts::FRAC_1_SQRT_2))
}

/// `libm::expf`.
#[inline(always)]
#[allow(clippy::excessive_precision)]
fn exp(value: f32) -> f32 {
	const LN2_HI: f32 = 6.931_457_519_5e-1;
	const LN2_LO: f32 = 1.428_606_765_3e-6;
	const INV_LN2: f32 = 1.442_695_021_6;
	const P1: f32 = 1.666_662_544_0e-1;
	const P2: f32 = -2.766_733_290_6e-3;

	// What is not within these bounds, or not a number, is replaced at the end.
	let x = if value > 89.0 { 89.0 } else { value };
	let x = if x > -104.0 { x } else { -104.0 };

	// x = k · ln 2 + (hi − lo).
	let k = (INV_LN2 * x + 0.5f32.copysign(x)) as i32;
	let hi = x - k as f32 * LN2_HI;
	let lo = k as f32 * LN2_LO;
	let rest = hi - lo;
	let square = rest * rest;
	let c = rest - square * (P1 + square * P2);
	let y = 1.0 + (rest * c / (2.0 - c) - lo + hi);

	// y · 2ᵏ. Half of k leaves y normal, so that only the second product rounds.
	let half = k >> 1;
	let y = y * power(half) * power(k.wrapping_sub(half));

	// |x| up to 2⁻¹⁴.
	let y = if x.to_bits() & 0x7FFF_FFFF <= 0x3900_0000 { 1.0 + x } else { y };
	let y = if value >= f32::from_bits(0x42B1_7218) { f32::INFINITY } else { y };
	let y = if value <= f32::from_bits(0xC2CF_F1B5) { 0.0 } else { y };
	if value.is_nan() {
		value
	} else {
		y
	}
}

/// 2ⁿ, for an `n` that leaves it normal.
#[inline(always)]
fn power(n: i32) -> f32 {
	f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `libm::erff`.
#[inline(always)]
#[allow(clippy::excessive_precision)]
fn erf(value: f32) -> f32 {
	// Without vectors, branches save more than they cost.
	if cfg!(target_family = "wasm") {
		return libm::erff(value);
	}
	let x = value.abs();

	// |x| < 0.84375.
	let z = value * value;
	let p = polynomial(
		z,
		&[
			1.2837916613e-01,
			-3.2504209876e-01,
			-2.8481749818e-02,
			-5.7702702470e-03,
			-2.3763017452e-05,
		],
	);
	let q = polynomial(
		z,
		&[
			1.0,
			3.9791721106e-01,
			6.5022252500e-02,
			5.0813062117e-03,
			1.3249473704e-04,
			-3.9602282413e-06,
		],
	);
	let small = value + value * (p / q);
	let tiny = 0.125 * (8.0 * value + 1.0270333290e+00 * value);

	// |x| < 1.25.
	let s = x - 1.0;
	let p = polynomial(
		s,
		&[
			-2.3621185683e-03,
			4.1485610604e-01,
			-3.7220788002e-01,
			3.1834661961e-01,
			-1.1089469492e-01,
			3.5478305072e-02,
			-2.1663755178e-03,
		],
	);
	let q = polynomial(
		s,
		&[
			1.0,
			1.0642088205e-01,
			5.4039794207e-01,
			7.1828655899e-02,
			1.2617121637e-01,
			1.3637083583e-02,
			1.1984500103e-02,
		],
	);
	let near_one = 1.0 - 8.4506291151e-01 - p / q;

	// |x| < 1/0.35, and |x| < 6.
	let s = 1.0 / (x * x);
	let low = x.to_bits() < 0x4036_DB6D;
	let r = polynomial(
		s,
		&[
			-9.8649440333e-03,
			-6.9385856390e-01,
			-1.0558626175e+01,
			-6.2375331879e+01,
			-1.6239666748e+02,
			-1.8460508728e+02,
			-8.1287437439e+01,
			-9.8143291473e+00,
		],
	);
	let r_high = polynomial(
		s,
		&[
			-9.8649431020e-03,
			-7.9928326607e-01,
			-1.7757955551e+01,
			-1.6063638306e+02,
			-6.3756646729e+02,
			-1.0250950928e+03,
			-4.8351919556e+02,
		],
	);
	let t = polynomial(
		s,
		&[
			1.0,
			1.9651271820e+01,
			1.3765776062e+02,
			4.3456588745e+02,
			6.4538726807e+02,
			4.2900814819e+02,
			1.0863500214e+02,
			6.5702495575e+00,
			-6.0424413532e-02,
		],
	);
	let t_high = polynomial(
		s,
		&[
			1.0,
			3.0338060379e+01,
			3.2579251099e+02,
			1.5367296143e+03,
			3.1998581543e+03,
			2.5530502930e+03,
			4.7452853394e+02,
			-2.2440952301e+01,
		],
	);
	let ratio = (if low { r } else { r_high }) / (if low { t } else { t_high });
	let z = f32::from_bits(x.to_bits() & 0xFFFF_E000);
	let large = exp(-z * z - 0.5625) * exp((z - x) * (z + x) + ratio) / x;

	let complement = if x < 1.25 { near_one } else { large };
	let complement = if x >= 6.0 { power(-120) } else { complement };
	let y = (1.0 - complement).copysign(value);
	let y = if x < 0.84375 { small } else { y };
	let y = if x < power(-28) { tiny } else { y };
	if value.is_nan() {
		value
	} else {
		y
	}
}

/// `c[0] + x · (c[1] + x · (c[2] + …))`.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: &[f32; N]) -> f32 {
	let mut sum = c[N - 1];
	let mut at = N - 1;
	while at > 0 {
		at -= 1;
		sum = c[at] + x * sum;
	}
	sum
}

#[cfg(all(test, feature = "std"))]
mod tests {
	use super::*;

	/// Every float where the environment asks for it, otherwise each 4099th.
	fn assert_map(map: fn(Kernel, &mut [f32]), reference: fn(f32) -> f32) {
		let step = if std::env::var_os("DODONA_EVERY_FLOAT").is_some() { 1 } else { 4099 };
		let check = |x: &[f32]| {
			let expected: Vec<f32> = x.iter().map(|x| reference(*x)).collect();
			for kernel in Kernel::ALL {
				let mut got = x.to_vec();
				map(kernel, &mut got);
				let same = |(got, expected): (&f32, &f32)| {
					got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan()
				};
				let wrong = got.iter().zip(&expected).position(|pair| !same(pair));
				assert!(wrong.is_none(), "{kernel:?}, {:?}", wrong.map(|at| (x[at], got[at])));
			}
		};
		let mut all = (0..=u32::MAX).step_by(step).map(f32::from_bits);
		loop {
			let some: Vec<f32> = all.by_ref().take(1 << 16).collect();
			if some.is_empty() {
				break;
			}
			check(&some);
		}
		// Around what the functions distinguish, and where the power of two in exp changes.
		let bounds = [
			0,
			0x0080_0000,
			0x3180_0000,
			0x3900_0000,
			0x3EB1_7218,
			0x3F58_0000,
			0x3F85_1592,
			0x3FA0_0000,
			0x4036_DB6D,
			0x40C0_0000,
			0x42AE_AC50,
			0x42B1_7218,
			0x42CF_F1B5,
			0x7F80_0000,
		];
		let powers = (0..152).map(|k| (k as f32 + 0.5) * core::f32::consts::LN_2);
		for bits in bounds.into_iter().chain(powers.map(f32::to_bits)) {
			let near = (0..400).map(|n| bits.wrapping_add(n).wrapping_sub(200));
			let near = near.flat_map(|bits| [bits, bits ^ 1 << 31]);
			check(&near.map(f32::from_bits).collect::<Vec<_>>());
		}
	}

	#[test]
	fn exp_should_have_libms_bits() {
		assert_map(map_exp, libm::expf);
	}

	#[test]
	fn silu_should_have_libms_bits() {
		assert_map(map_silu, |x| x / (1.0 + libm::expf(-x)));
	}

	map! {
		/// `erf(x)`.
		map_erf, erf
	}

	#[test]
	fn erf_should_have_libms_bits() {
		assert_map(map_erf, libm::erff);
	}

	#[test]
	fn gelu_should_have_libms_bits() {
		assert_map(map_gelu_erf, |x| {
			(x * 0.5) * (1.0 + libm::erff(x * core::f32::consts::FRAC_1_SQRT_2))
		});
	}
}
