//! Products give the bits that their class defines, whatever they are computed with.

use dodona_engine::numeric::{
	f32::product,
	matrix::{F32Builder, Matrix, Q8Builder},
	q8::MAX_INPUTS,
	Kernel,
};
use proptest::prelude::*;

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

fn kernels() -> impl Iterator<Item = Kernel> {
	Kernel::ALL.into_iter().filter(|kernel| kernel.is_available())
}

fn f32_matrix(inputs: usize, weights: &[f32]) -> Matrix {
	let mut builder = F32Builder::new(weights.len() / inputs, inputs);
	for row in weights.chunks_exact(inputs) {
		builder.push_row(row).unwrap();
	}
	builder.finish().unwrap()
}

fn q8_matrix(inputs: usize, weights: &[i8], scales: &[f32]) -> Matrix {
	let mut builder = Q8Builder::new(scales.len(), inputs);
	for (row, scale) in weights.chunks_exact(inputs).zip(scales) {
		builder.push_row(row, *scale).unwrap();
	}
	builder.finish().unwrap()
}

/// The product of class `F32` as the MLP computes it, which burn's operations vouch for.
fn f32_reference(inputs: usize, weights: &[f32], x: &[f32]) -> Vec<f32> {
	let outputs = weights.len() / inputs;
	let transposed: Vec<f32> = (0..weights.len())
		.map(|at| weights[at % outputs * inputs + at / outputs])
		.collect();
	let mut out = vec![0.0; x.len() / inputs * outputs];
	for (x, out) in x.chunks_exact(inputs).zip(out.chunks_exact_mut(outputs)) {
		product(x, &transposed, out);
	}
	out
}

/// The product of class `Q8` as it is defined, one step after the other.
fn q8_reference(inputs: usize, weights: &[i8], scales: &[f32], x: &[f32]) -> Vec<f32> {
	x.chunks_exact(inputs)
		.flat_map(|x| {
			let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
			let (scale, factor) =
				if most == 0.0 { (0.0, 0.0) } else { (most / 127.0, 127.0 / most) };
			let x: Vec<i64> = x
				.iter()
				.map(|x| (x * factor).round_ties_even().clamp(-127.0, 127.0) as i64)
				.collect();
			weights.chunks_exact(inputs).zip(scales).map(move |(row, weight_scale)| {
				let sum: i64 = x.iter().zip(row).map(|(x, weight)| x * i64::from(*weight)).sum();
				(i32::try_from(sum).unwrap() as f32 * scale) * weight_scale
			})
		})
		.collect()
}

fn assert_product(matrix: &Matrix, x: &[f32], expected: &[f32]) {
	for kernel in kernels() {
		let mut out = vec![f32::NAN; expected.len()];
		matrix.product_with(kernel, x, &mut out);
		assert_eq!(bits(&out), bits(expected), "{kernel:?}");
	}
	let mut out = vec![f32::NAN; expected.len()];
	matrix.product(x, &mut out);
	assert_eq!(bits(&out), bits(expected));
}

/// Signed zeros, subnormals, and finite values of very different sizes.
fn value() -> impl Strategy<Value = f32> {
	let normal = (any::<bool>(), 1u32..180, 0u32..1 << 23);
	let subnormal = (any::<bool>(), Just(0u32), 0u32..1 << 23);
	let zero = (any::<bool>(), Just(0u32), Just(0u32));
	prop_oneof![6 => normal, 2 => subnormal, 1 => zero].prop_map(|(sign, exponent, mantissa)| {
		f32::from_bits((u32::from(sign) << 31) | (exponent << 23) | mantissa)
	})
}

/// Rows, inputs, outputs: up to several tiles and blocks, with a rest each.
fn shape() -> impl Strategy<Value = (usize, usize, usize)> {
	prop_oneof![
		(1usize..10, 1usize..70, 1usize..70),
		(1usize..3, 1usize..24, 70usize..300),
		(10usize..20, 1usize..24, 1usize..150),
	]
}

fn f32_case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>)> {
	shape().prop_flat_map(|(rows, inputs, outputs)| {
		(
			Just(inputs),
			prop::collection::vec(value(), inputs * outputs),
			prop::collection::vec(value(), rows * inputs),
		)
	})
}

fn q8_case() -> impl Strategy<Value = (usize, Vec<i8>, Vec<f32>, Vec<f32>)> {
	shape().prop_flat_map(|(rows, inputs, outputs)| {
		let x = prop_oneof![
			prop::collection::vec(-4f32..4.0, rows * inputs),
			prop::collection::vec(value(), rows * inputs),
			prop::collection::vec(Just(0.0), rows * inputs),
			// Multiples of one half: ties.
			prop::collection::vec((-254i32..255).prop_map(|x| x as f32 / 2.0), rows * inputs),
		];
		(
			Just(inputs),
			prop::collection::vec(any::<i8>(), inputs * outputs),
			prop::collection::vec(0f32..1.0, outputs),
			x,
		)
	})
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn f32_product_should_have_the_references_bits((inputs, weights, x) in f32_case()) {
		let expected = f32_reference(inputs, &weights, &x);
		assert_product(&f32_matrix(inputs, &weights), &x, &expected);
	}

	#[test]
	fn q8_product_should_have_the_references_bits((inputs, weights, scales, x) in q8_case()) {
		let expected = q8_reference(inputs, &weights, &scales, &x);
		assert_product(&q8_matrix(inputs, &weights, &scales), &x, &expected);
	}

	#[test]
	fn row_should_be_the_weights_of_an_output(
		inputs in 1usize..40,
		outputs in 1usize..40,
		seed in any::<i8>(),
	) {
		let bytes: Vec<i8> =
			(0..inputs * outputs).map(|at| seed.wrapping_add((at as i8).wrapping_mul(37))).collect();
		let floats: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) * 0.37).collect();
		let scales: Vec<f32> = (0..outputs).map(|j| 0.25 + j as f32).collect();
		let (f32, q8) = (f32_matrix(inputs, &floats), q8_matrix(inputs, &bytes, &scales));
		let mut row = vec![f32::NAN; inputs];
		for (j, scale) in scales.iter().enumerate() {
			let at = j * inputs..(j + 1) * inputs;
			f32.row(j, &mut row).unwrap();
			prop_assert_eq!(&row, &floats[at.clone()]);
			q8.row(j, &mut row).unwrap();
			let expected = bytes[at].iter().map(|byte| f32::from(*byte) * scale);
			prop_assert_eq!(&row, &expected.collect::<Vec<_>>());
		}
		for matrix in [&f32, &q8] {
			prop_assert_eq!(matrix.row(outputs, &mut row), None);
			prop_assert_eq!(matrix.row(0, &mut vec![0.0; inputs + 1]), None);
			prop_assert_eq!((matrix.outputs(), matrix.inputs()), (outputs, inputs));
		}
	}
}

#[test]
fn f32_product_should_keep_the_order_of_the_inputs() {
	// Backwards, or in pairs, it is 1.
	let x = [1.0, 1.0, -1.0, 1.0];
	let weights = [1.0, 2f32.powi(30), 2f32.powi(30), 0.0].repeat(33);
	for rows in [1, 3, 12] {
		let expected = vec![0.0; rows * 33];
		assert_product(&f32_matrix(4, &weights), &x.repeat(rows), &expected);
	}
}

#[test]
fn f32_product_should_round_each_product() {
	// The square of 1 + 2⁻¹² is not a float; a fused multiply-add would leave 2⁻²⁴.
	let value = 1.0 + 2f32.powi(-12);
	let x = [1.0, value];
	let weights = [-(1.0 + 2f32.powi(-11)), value].repeat(33);
	for rows in [1, 3, 12] {
		assert_product(&f32_matrix(2, &weights), &x.repeat(rows), &vec![0.0; rows * 33]);
	}
}

#[test]
fn f32_product_should_not_flush_subnormals() {
	let x = [2f32.powi(-70), -2f32.powi(-70)];
	let weights = [2f32.powi(-75), -2f32.powi(-79)].repeat(17);
	let expected = 2f32.powi(-145) + 2f32.powi(-149);
	assert!(expected.is_subnormal());
	assert_product(&f32_matrix(2, &weights), &x, &[expected; 17]);
}

#[test]
fn q8_product_should_be_exact_when_a_sum_is_as_great_as_can_be() {
	for (x, weight) in [(1.0, -128), (-1.0, -128), (1.0, 127), (-1.0, 127)] {
		let matrix = q8_matrix(MAX_INPUTS, &[weight; MAX_INPUTS], &[1.0]);
		let sum = 127 * MAX_INPUTS as i64 * i64::from(weight) * x as i64;
		let expected = i32::try_from(sum).unwrap() as f32 * (1.0 / 127.0);
		assert_product(&matrix, &vec![x; MAX_INPUTS], &[expected]);
	}
}

#[test]
fn q8_product_should_round_ties_to_even() {
	// With 127 as the greatest value a step is 1.
	let x = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5];
	let quantised = [127.0, 0.0, 2.0, 2.0, -0.0, -2.0, -2.0, 126.0];
	for (at, expected) in quantised.into_iter().enumerate() {
		let mut weights = [0; 8];
		weights[at] = 1;
		assert_product(&q8_matrix(8, &weights, &[1.0]), &x, &[expected + 0.0]);
	}
}

#[test]
fn q8_product_should_be_defined_when_a_rows_scale_is_subnormal() {
	// 127 over the greatest value is infinite: zeros stay zeros, all others are ±127.
	let least = f32::from_bits(1);
	let x = [3.0 * least, 0.0, -0.0, -least];
	let matrix = q8_matrix(4, &[1, 1, 1, 2], &[2f32.powi(60)]);
	let expected = (-127.0 * (3.0 * least / 127.0)) * 2f32.powi(60);
	assert_product(&matrix, &x, &[expected]);
	// Here it is finite, and the scale is not zero.
	let x = [500.0 * least, 0.0, -0.0, -500.0 * least];
	assert_product(&matrix, &x, &[q8_reference(4, &[1, 1, 1, 2], &[2f32.powi(60)], &x)[0]]);
}

#[test]
fn product_should_not_hide_what_is_not_finite() {
	let ones = [1.0; 5 * 40];
	let f32 = f32_matrix(5, &ones);
	let q8 = q8_matrix(5, &[1; 5 * 40], &[1.0; 40]);
	let zeros = q8_matrix(5, &[0; 5 * 40], &[0.0; 40]);
	for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
		for at in 0..5 {
			for rows in [1, 8] {
				let mut x = vec![0.5; 5 * rows];
				x[at] = bad;
				for matrix in [&f32, &q8, &zeros] {
					for kernel in kernels() {
						let mut out = vec![0.0; 40 * rows];
						matrix.product_with(kernel, &x, &mut out);
						assert!(out[..40].iter().all(|value| !value.is_finite()));
						assert!(out[40..].iter().all(|value| value.is_finite()));
					}
				}
			}
		}
	}
}

#[test]
fn builder_should_refuse_what_does_not_fit() {
	let mut builder = F32Builder::new(2, 3);
	assert_eq!(builder.push_row(&[1.0; 2]), None);
	assert_eq!(builder.push_row(&[1.0; 4]), None);
	assert_eq!(builder.push_row(&[1.0; 3]), Some(()));
	assert_eq!(builder.push_row(&[2.0; 3]), Some(()));
	assert_eq!(builder.push_row(&[3.0; 3]), None);
	assert!(builder.finish().is_some());

	let mut builder = Q8Builder::new(2, 3);
	assert_eq!(builder.push_row(&[1; 4], 1.0), None);
	assert_eq!(builder.push_row(&[1; 3], 1.0), Some(()));
	assert!(builder.finish().is_none());

	for (outputs, inputs) in [(0, 1), (1, 0), (usize::MAX, usize::MAX), (1 << 40, 1 << 30)] {
		let mut builder = F32Builder::new(outputs, inputs);
		assert_eq!(builder.push_row(&[]), None);
		assert!(builder.finish().is_none());
		let mut builder = Q8Builder::new(outputs, inputs);
		assert_eq!(builder.push_row(&[], 1.0), None);
		assert!(builder.finish().is_none());
	}
	let inputs = MAX_INPUTS + 1;
	assert_eq!(Q8Builder::new(1, inputs).push_row(&vec![0; inputs], 1.0), None);
}

#[test]
fn product_should_have_the_same_bits_when_threads_share_it() {
	// Large enough to be split, with a last tile that is not full.
	let (inputs, outputs) = (400, 1003);
	let mut state = 1u32;
	let mut next = || {
		state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
		(state >> 8) as f32 / 2f32.powi(23) - 1.0
	};
	let weights: Vec<f32> = (0..inputs * outputs).map(|_| next()).collect();
	let bytes: Vec<i8> = weights.iter().map(|weight| (weight * 128.0) as i8).collect();
	let scales: Vec<f32> = (0..outputs).map(|_| next()).collect();
	let f32 = f32_matrix(inputs, &weights);
	let q8 = q8_matrix(inputs, &bytes, &scales);
	for rows in [1, 2, 7] {
		let x: Vec<f32> = (0..rows * inputs).map(|_| next()).collect();
		assert_product(&f32, &x, &f32_reference(inputs, &weights, &x));
		assert_product(&q8, &x, &q8_reference(inputs, &bytes, &scales, &x));
	}
}

#[test]
fn product_should_be_nan_when_lengths_do_not_fit() {
	for matrix in [f32_matrix(5, &[1.0; 15]), q8_matrix(5, &[1; 15], &[1.0; 3])] {
		for (x, out) in [(5, 2), (5, 4), (4, 3), (6, 3), (0, 3), (10, 3), (5, 6)] {
			let mut out = vec![0.0; out];
			matrix.product(&vec![1.0; x], &mut out);
			assert!(out.iter().all(|value| value.is_nan()));
		}
		matrix.product(&[], &mut []);
	}
}
