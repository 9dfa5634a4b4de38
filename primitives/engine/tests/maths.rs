//! Functions of rows do the operations that they are defined by, and hide nothing else.

use dodona_engine::numeric::math;
use proptest::prelude::*;

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

/// The sum in the order of the values, from `+0.0`.
fn sum(values: impl Iterator<Item = f32>) -> f32 {
	let mut sum = 0.0;
	for value in values {
		sum += value;
	}
	sum
}

fn row(most: usize) -> impl Strategy<Value = Vec<f32>> {
	prop::collection::vec(
		prop_oneof![-4f32..4.0, -90f32..90.0, -1e-6f32..1e-6, Just(0.0), Just(-0.0)],
		1..most,
	)
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn softmax_should_be_what_it_is_defined_to_be(x in row(70)) {
		let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
		let exps: Vec<f32> = x.iter().map(|x| libm::expf(x - most)).collect();
		let sum = sum(exps.iter().copied());
		let expected: Vec<f32> = exps.iter().map(|exp| exp / sum).collect();
		let mut got = x;
		math::softmax(&mut got);
		prop_assert_eq!(bits(&got), bits(&expected));
	}

	#[test]
	fn activations_should_be_what_they_are_defined_to_be(x in row(70)) {
		let mut got = x.clone();
		math::silu(&mut got);
		let expected: Vec<f32> = x.iter().map(|x| x / (1.0 + libm::expf(-x))).collect();
		prop_assert_eq!(bits(&got), bits(&expected));

		let mut got = x.clone();
		math::gelu_erf(&mut got);
		let erf = |x: f32| libm::erff(x * core::f32::consts::FRAC_1_SQRT_2);
		let expected: Vec<f32> = x.iter().map(|x| (x * 0.5) * (1.0 + erf(*x))).collect();
		prop_assert_eq!(bits(&got), bits(&expected));

		let mut got = x.clone();
		math::gelu_tanh(&mut got);
		let inner = |x: f32| 0.797_884_6 * (x + 0.044_715 * ((x * x) * x));
		let tanh = |x: f32| libm::tanhf(inner(x));
		let expected: Vec<f32> = x.iter().map(|x| (0.5 * x) * (1.0 + tanh(*x))).collect();
		prop_assert_eq!(bits(&got), bits(&expected));
	}

	#[test]
	fn norms_should_be_what_they_are_defined_to_be(x in row(40), rows in 1usize..4) {
		let n = x.len();
		let weight: Vec<f32> = x.iter().map(|x| 1.5 - x).collect();
		let bias: Vec<f32> = x.iter().map(|x| x * 0.3).collect();
		let many: Vec<f32> =
			(0..rows).flat_map(|row| x.iter().map(move |x| x + row as f32)).collect();

		let mut expected = Vec::new();
		for x in many.chunks_exact(n) {
			let squares = sum(x.iter().map(|x| x * x));
			let factor = 1.0 / (squares / n as f32 + 1e-5).sqrt();
			expected.extend(x.iter().zip(&weight).map(|(x, weight)| (x * factor) * weight));
		}
		let mut got = vec![f32::NAN; many.len()];
		math::rms_norm(&many, &weight, 1e-5, &mut got);
		prop_assert_eq!(bits(&got), bits(&expected));

		let mut expected = Vec::new();
		for x in many.chunks_exact(n) {
			let mean = sum(x.iter().copied()) / n as f32;
			let root = (sum(x.iter().map(|x| (x - mean) * (x - mean))) / n as f32 + 1e-5).sqrt();
			for ((x, weight), bias) in x.iter().zip(&weight).zip(&bias) {
				expected.push(((x - mean) / root) * weight + bias);
			}
		}
		let mut got = many;
		math::layer_norm(&mut got, &weight, &bias, 1e-5);
		prop_assert_eq!(bits(&got), bits(&expected));
	}
}

#[test]
fn softmax_should_give_masked_values_nothing() {
	let mut x = [0.0, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
	math::softmax(&mut x);
	assert_eq!(x, [0.5, 0.0, 0.5, 0.0]);
}

#[test]
fn functions_should_not_hide_a_nan_or_an_infinity() {
	for bad in [f32::NAN, -f32::NAN, f32::INFINITY] {
		for at in 0..40 {
			let mut x = [0.25; 40];
			x[at] = bad;
			let shows = |map: fn(&mut [f32])| {
				let mut y = x;
				map(&mut y);
				math::first_non_finite(&y).is_some()
			};
			assert!(shows(math::softmax));
			assert!(shows(math::silu));
			assert!(shows(math::gelu_erf));
			assert!(shows(math::gelu_tanh));
			assert!(shows(math::relu));
			assert!(shows(|x| math::layer_norm(x, &[1.0; 40], &[0.0; 40], 1e-5)));
			assert!(shows(|x| {
				let given = x.to_vec();
				math::rms_norm(&given, &[1.0; 40], 1e-5, x);
			}));
		}
	}
	for map in [math::silu, math::gelu_erf, math::gelu_tanh] {
		let mut x = [f32::NEG_INFINITY];
		map(&mut x);
		assert!(!x[0].is_finite());
	}
}

#[test]
fn first_non_finite_should_be_the_first() {
	assert_eq!(math::first_non_finite(&[0.0, f32::MAX, f32::MIN, 1e-45]), None);
	assert_eq!(math::first_non_finite(&[0.0, f32::NEG_INFINITY, f32::NAN]), Some(1));
	assert_eq!(math::first_non_finite(&[0.0, 1.0, f32::NAN]), Some(2));
	let mut x = [1.0; 100];
	x[77] = f32::INFINITY;
	assert_eq!(math::first_non_finite(&x), Some(77));
}
