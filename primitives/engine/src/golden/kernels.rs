//! Products that are large enough for every loop of a kernel, beside what defines them.

use super::Generator;
use crate::{
	numeric::{
		f32::product,
		matrix::{F32Builder, Matrix, Q8Builder},
	},
	EngineError,
};
use alloc::{vec, vec::Vec};

/// Inputs that are no multiple of what a kernel takes at once.
const INPUTS: usize = 131;
/// More outputs than any kernel takes at once, and a tile that is not full.
const OUTPUTS: usize = 163;
/// Numbers of rows: one by itself, and as many as there are sizes of blocks.
const ROWS: [usize; 2] = [1, 13];

/// Computes a product of each class with the kernel that answers are computed with. The first is
/// case number `first`.
pub(super) fn self_test(first: u32) -> Result<(), EngineError> {
	let backend = EngineError::Backend;
	// The weights of an output, one after the other.
	let weights: Vec<f32> = Generator(31).take(INPUTS * OUTPUTS).collect();
	let bytes: Vec<i8> = weights.iter().map(|weight| (weight * 127.0) as i8).collect();
	let scales: Vec<f32> = Generator(32).take(OUTPUTS).collect();

	let mut f32 = F32Builder::new(OUTPUTS, INPUTS);
	for row in weights.chunks_exact(INPUTS) {
		f32.push_row(row).ok_or(backend.clone())?;
	}
	let mut q8 = Q8Builder::new(OUTPUTS, INPUTS);
	for (row, scale) in bytes.chunks_exact(INPUTS).zip(&scales) {
		q8.push_row(row, *scale).ok_or(backend.clone())?;
	}
	let transposed: Vec<f32> = (0..INPUTS)
		.flat_map(|input| weights.iter().skip(input).step_by(INPUTS).copied())
		.collect();
	compare(first, &f32.finish().ok_or(backend.clone())?, |x, out| product(x, &transposed, out))?;
	compare(first.saturating_add(1), &q8.finish().ok_or(backend)?, |x, out| {
		product_of_bytes(x, &bytes, &scales, out);
	})
}

/// Refuses a matrix whose product is not `definition`'s, row by row.
fn compare(
	case: u32,
	matrix: &Matrix,
	definition: impl Fn(&[f32], &mut [f32]),
) -> Result<(), EngineError> {
	for rows in ROWS {
		let x: Vec<f32> = Generator(33).take(rows * INPUTS).collect();
		let mut got = vec![0.0; rows * OUTPUTS];
		matrix.product(&x, &mut got);
		let mut expected = vec![0.0; rows * OUTPUTS];
		for (x, out) in x.chunks_exact(INPUTS).zip(expected.chunks_exact_mut(OUTPUTS)) {
			definition(x, out);
		}
		if !got
			.iter()
			.zip(&expected)
			.all(|(got, expected)| got.to_bits() == expected.to_bits())
		{
			return Err(EngineError::SelfTestFailed { case });
		}
	}
	Ok(())
}

/// The product of class `Q8`, as it is defined.
fn product_of_bytes(x: &[f32], weights: &[i8], scales: &[f32], out: &mut [f32]) {
	let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
	let quantized: Vec<i32> = x
		.iter()
		.map(|x| libm::rintf((x * (127.0 / most)).clamp(-127.0, 127.0)) as i32)
		.collect();
	for ((out, weights), scale) in out.iter_mut().zip(weights.chunks_exact(x.len())).zip(scales) {
		let products = quantized.iter().zip(weights).map(|(x, weight)| x * i32::from(*weight));
		*out = (products.sum::<i32>() as f32 * (most / 127.0)) * scale;
	}
}
