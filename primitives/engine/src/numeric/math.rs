//! Functions of rows of floats under the rules of class `F32`: one operation at a time, each
//! rounded to nearest, sums from `+0.0` in the order of the values, transcendentals by `libm`.

mod elementwise;

use super::Kernel;

/// The position of the first value that is infinite or not a number.
pub fn first_non_finite(values: &[f32]) -> Option<usize> {
	values.iter().position(|value| !value.is_finite())
}

/// Adds `y` to `x`, value by value.
pub fn add(x: &mut [f32], y: &[f32]) {
	debug_assert_eq!(x.len(), y.len());
	for (x, y) in x.iter_mut().zip(y) {
		*x += *y;
	}
}

/// Adds `bias` to each row of `x`.
pub fn add_rows(x: &mut [f32], bias: &[f32]) {
	for row in x.chunks_exact_mut(bias.len().max(1)) {
		add(row, bias);
	}
}

/// Multiplies `x` by `y`, value by value.
pub fn mul(x: &mut [f32], y: &[f32]) {
	debug_assert_eq!(x.len(), y.len());
	for (x, y) in x.iter_mut().zip(y) {
		*x *= *y;
	}
}

/// Multiplies each value of `x` by `factor`.
pub fn scale(x: &mut [f32], factor: f32) {
	for x in x {
		*x *= factor;
	}
}

/// `Σ x[i] · y[i]`.
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
	x.iter().zip(y).fold(0.0, |sum, (x, y)| sum + *x * *y)
}

/// `exp(x − m) / Σ exp(x − m)`, where `m` is the greatest value.
///
/// Hides a `-inf` in `x`, as masks want it; a `+inf` or a NaN makes every result a NaN.
pub fn softmax(x: &mut [f32]) {
	let most = maximum(x);
	for x in x.iter_mut() {
		*x -= most;
	}
	elementwise::map_exp(Kernel::best(), x);
	let sum: f32 = x.iter().fold(0.0, |sum, x| sum + *x);
	for x in x {
		*x /= sum;
	}
}

/// `exp(x)`.
pub fn exp(x: &mut [f32]) {
	elementwise::map_exp(Kernel::best(), x);
}

/// The greatest value; `-inf` of none. A NaN in `x` is passed over.
pub fn maximum(x: &[f32]) -> f32 {
	/// Whichever is first, the greatest is the same, but for the sign of a zero.
	fn fold(most: &mut f32, x: &f32) {
		*most = if *x > *most { *x } else { *most };
	}
	let mut most = [f32::NEG_INFINITY; 16];
	let (chunks, rest) = x.as_chunks::<16>();
	for chunk in chunks {
		most.iter_mut().zip(chunk).for_each(|(most, x)| fold(most, x));
	}
	let mut greatest = f32::NEG_INFINITY;
	most.iter().chain(rest).for_each(|x| fold(&mut greatest, x));
	greatest
}

/// `x / (1 + exp(−x))`.
pub fn silu(x: &mut [f32]) {
	elementwise::map_silu(Kernel::best(), x);
}

/// `(x · 0.5) · (1 + erf(x · √½))`.
pub fn gelu_erf(x: &mut [f32]) {
	elementwise::map_gelu_erf(Kernel::best(), x);
}

/// `(0.5 · x) · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`, with `x³` as `(x · x) · x`.
pub fn gelu_tanh(x: &mut [f32]) {
	/// √(2/π).
	const FACTOR: f32 = 0.797_884_6;
	for x in x {
		let cube = (*x * *x) * *x;
		*x = (0.5 * *x) * (1.0 + libm::tanhf(FACTOR * (*x + 0.044_715 * cube)));
	}
}

/// The hyperbolic tangent.
pub fn tanh(x: &mut [f32]) {
	for x in x {
		*x = libm::tanhf(*x);
	}
}

/// `max(x, 0)`; keeps `-0.0` and hides a `-inf`.
pub fn relu(x: &mut [f32]) {
	for x in x {
		if *x < 0.0 {
			*x = 0.0;
		}
	}
}

/// A NaN instead of an infinite divisor, which would turn what overflowed into zeros.
fn shown(divisor: f32) -> f32 {
	if divisor.is_finite() {
		divisor
	} else {
		f32::NAN
	}
}

/// Each row of `x` as `(x · r) · weight`, where `r` is `1 / √(Σ x² / n + eps)`. NaNs if
/// that root is infinite.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
	let n = weight.len().max(1);
	debug_assert_eq!(x.len(), out.len());
	debug_assert_eq!(x.len() % n, 0);
	for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
		let factor = 1.0 / shown(libm::sqrtf(dot(x, x) / n as f32 + eps));
		for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
			*out = (*x * factor) * *weight;
		}
	}
}

/// Each row of `x` as `((x − mean) / √(var + eps)) · weight + bias`, where `mean` is `Σ x / n` and
/// `var` is `Σ (x − mean)² / n`. NaNs if that root is infinite.
pub fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
	let n = weight.len().max(1);
	debug_assert_eq!(x.len() % n, 0);
	debug_assert_eq!(weight.len(), bias.len());
	for x in x.chunks_exact_mut(n) {
		let mean = x.iter().fold(0.0, |sum, x| sum + *x) / n as f32;
		let var = x.iter().fold(0.0, |sum, x| sum + (*x - mean) * (*x - mean)) / n as f32;
		let root = shown(libm::sqrtf(var + eps));
		for ((x, weight), bias) in x.iter_mut().zip(weight).zip(bias) {
			*x = ((*x - mean) / root) * *weight + *bias;
		}
	}
}
