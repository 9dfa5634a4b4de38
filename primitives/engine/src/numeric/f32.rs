//! Class `F32`: IEEE-754 binary32, rounded to nearest, one operation at a time.
//!
//! The product is this module's own and not burn's: `matrixmultiply/std`, which any crate in a
//! build can turn on, puts fused multiply-adds into burn's.

mod packed;

pub use packed::{Builder, Packed};

use crate::EngineError;
use alloc::vec::Vec;
use burn::tensor::{DType, Tensor, TensorData};

/// Bytes of one value.
pub const SIZE: u32 = 4;

/// The values in `bytes`, little endian. Bytes that do not fill a value are left out.
pub fn decode(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
	bytes
		.chunks_exact(SIZE as usize)
		.map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap_or_default()))
}

/// `values` as bytes, little endian.
pub fn encode(values: &[f32]) -> Vec<u8> {
	values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The position of the first value in `bytes` that is infinite or not a number.
pub fn first_non_finite(bytes: &[u8]) -> Option<u32> {
	(0u32..)
		.zip(decode(bytes))
		.find(|(_, value)| !value.is_finite())
		.map(|(at, _)| at)
}

/// The row vector `x` times the matrix `weight`, which is `[x.len(), out.len()]` row by row.
///
/// `out[j]` starts at `+0.0`; then, for `k = 0, 1, 2, …`, it becomes `out[j] + x[k] · weight[k][j]`,
/// the product rounded before the sum is. Outputs are the inner loop, so that a compiler can take
/// several at once without another order.
pub fn product(x: &[f32], weight: &[f32], out: &mut [f32]) {
	debug_assert_eq!(weight.len(), x.len() * out.len());
	out.fill(0.0);
	for (x, row) in x.iter().zip(weight.chunks_exact(out.len().max(1))) {
		for (out, weight) in out.iter_mut().zip(row) {
			*out += *x * *weight;
		}
	}
}

/// What [`product`] has to give, for every row of `x`: only slices, products and sums of burn's,
/// one element at a time.
pub fn product_reference(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
	let [rows, inputs] = x.dims();
	let [_, outputs] = weight.dims();
	let mut sum = tensor(TensorData::zeros::<f32, _>([rows, outputs]));
	for k in 0..inputs {
		let column = x.clone().slice([0..rows, k..k + 1]);
		let row = weight.clone().slice([k..k + 1, 0..outputs]);
		sum = sum + column * row;
	}
	sum
}

/// `data` as a tensor of this class, on [`device`](super::device).
pub fn tensor(data: TensorData) -> Tensor<2> {
	Tensor::from_data(data, (&super::device(), DType::F32))
}

/// The values of `tensor`, row by row.
pub fn values(tensor: Tensor<2>) -> Result<Vec<f32>, EngineError> {
	let data = tensor.try_into_data().map_err(|_| EngineError::Backend)?;
	data.try_into_vec().map_err(|_| EngineError::Backend)
}

/// Whether no value of `tensor` is infinite or not a number.
pub fn all_finite(tensor: &Tensor<2>) -> Result<bool, EngineError> {
	let finite = tensor.clone().is_finite().all();
	finite.try_into_scalar().map_err(|_| EngineError::Backend)
}
