//! Files for tests.

use safetensors::{tensor::TensorView, Dtype};

/// A tensor's name, type, shape and bytes.
pub type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

/// A tensor of `F32`.
#[allow(dead_code)]
pub fn floats(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
	let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
	(name.into(), Dtype::F32, shape.into(), bytes)
}

/// A safetensors file with these tensors.
pub fn file(tensors: &[Tensor]) -> Vec<u8> {
	let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
		(name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
	});
	safetensors::serialize(views, None).unwrap()
}

/// A safetensors file with this header and as many zeros behind it.
#[allow(dead_code)]
pub fn raw(header: &str, data_len: usize) -> Vec<u8> {
	let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
	bytes.extend_from_slice(header.as_bytes());
	bytes.resize(bytes.len() + data_len, 0);
	bytes
}
