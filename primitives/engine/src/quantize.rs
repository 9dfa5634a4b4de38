//! Weights of class `Q8` out of floats.
//!
//! `{name}.weight` becomes `I8` of the same shape, and `{name}.weight_scale` has a factor for each
//! output: with `m` as the greatest magnitude of an output's weights, the factor is `m / 127`, and
//! a weight `w` becomes `w / factor`, rounded to nearest, even. What is only added (biases, norms,
//! positions) stays a float.

use crate::{
	artifact::MAX_LARGE_HEADER_LEN, Architecture, ArtifactFault, Class, EngineError, Tensors,
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// What one value of the file takes, in bytes.
const FLOAT: u64 = 4;

/// Tables whose rows are added to other values.
const ADDED: [&str; 2] =
	["embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"];

/// Quantises the weights of one output into `out`, and gives their factor.
///
/// Weights that are all zero have the factor 0, as those have whose factor is too small for a
/// float.
pub fn quantize_row(row: &[f32], out: &mut [i8]) -> f32 {
	let factor = factor(row);
	for (out, weight) in out.iter_mut().zip(row) {
		let multiple = if factor == 0.0 { 0.0 } else { libm::rintf(*weight / factor) };
		*out = multiple.clamp(-127.0, 127.0) as i8;
	}
	factor
}

fn factor(row: &[f32]) -> f32 {
	row.iter().fold(0f32, |most, weight| most.max(weight.abs())) / 127.0
}

/// The file of class `Q8` that `tensors`, the weights of `architecture` as floats, become, and its
/// architecture.
///
/// The file is given to `write` piece by piece; what that fails with ends it. Tensors that the
/// architecture does not need are left out.
pub fn quantize(
	architecture: &Architecture,
	tensors: &Tensors<'_>,
	write: &mut dyn FnMut(&[u8]) -> Result<(), EngineError>,
) -> Result<Architecture, EngineError> {
	let floats = architecture.to_class(Class::F32)?;
	floats.validate()?;
	floats.expect(tensors)?;

	// Floats come first, so that they stay aligned.
	let (mut floats, mut bytes) = (Vec::new(), Vec::new());
	for name in tensors.asked_for() {
		let shape = shape(tensors, name)?;
		if is_quantized(name, &shape) {
			let outputs = shape.first().copied().into_iter().collect();
			floats.push(Part { name: format!("{name}_scale"), shape: outputs, of: Some(name) });
			bytes.push(Part { name: name.to_owned(), shape, of: None });
		} else {
			floats.push(Part { name: name.to_owned(), shape, of: None });
		}
	}

	write(&header(&floats, &bytes)?)?;
	let mut buffer = Vec::new();
	for Part { name, shape, of } in &floats {
		if let Some(weight) = of {
			buffer.clear();
			tensors.for_each_row(weight, &self::shape(tensors, weight)?, |row| {
				buffer.extend_from_slice(&factor(row).to_le_bytes());
				Ok(())
			})?;
			write(&buffer)?;
			continue;
		}
		tensors.for_each_row(name, shape, |row| {
			buffer.clear();
			row.iter().for_each(|value| buffer.extend_from_slice(&value.to_le_bytes()));
			write(&buffer)
		})?;
	}
	let mut quantized_row = Vec::new();
	for Part { name, shape, .. } in &bytes {
		tensors.for_each_row(name, shape, |row| {
			quantized_row.resize(row.len(), 0);
			quantize_row(row, &mut quantized_row);
			buffer.clear();
			buffer.extend(quantized_row.iter().map(|value| value.cast_unsigned()));
			write(&buffer)
		})?;
	}
	architecture.to_class(Class::Q8)
}

/// A tensor of the file.
struct Part<'a> {
	name: String,
	shape: Vec<u32>,
	/// The weights that it has the factors of, if it has any.
	of: Option<&'a str>,
}

impl Part<'_> {
	fn values(&self) -> Option<u64> {
		self.shape.iter().try_fold(1u64, |all, size| all.checked_mul((*size).into()))
	}
}

fn is_quantized(name: &str, shape: &[u32]) -> bool {
	shape.len() > 1 && !ADDED.iter().any(|added| name.ends_with(added))
}

fn shape(tensors: &Tensors<'_>, name: &str) -> Result<Vec<u32>, EngineError> {
	let shape = tensors.shape(name).ok_or(EngineError::Backend)?;
	shape
		.iter()
		.map(|size| u32::try_from(*size).map_err(|_| EngineError::Backend))
		.collect()
}

/// The file's bytes in front of the data.
fn header(floats: &[Part<'_>], bytes: &[Part<'_>]) -> Result<Vec<u8>, EngineError> {
	let mut json = String::from(r#"{"__metadata__":{"format":"pt"}"#);
	let mut at = 0u64;
	let floats = floats.iter().map(|part| (part, "F32", FLOAT));
	for (part, dtype, size) in floats.chain(bytes.iter().map(|part| (part, "I8", 1))) {
		let end = part
			.values()
			.and_then(|values| values.checked_mul(size))
			.and_then(|len| len.checked_add(at))
			.ok_or(ArtifactFault::InconsistentOffsets)?;
		// Names are the architecture's own, and need no escapes.
		let Part { name, shape, .. } = part;
		json.push_str(&format!(
			r#","{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
		));
		at = end;
	}
	json.push('}');
	while json.len() % 8 != 0 {
		json.push(' ');
	}
	let len = json.len() as u64;
	if len > MAX_LARGE_HEADER_LEN.into() {
		let (got, most) = (len, MAX_LARGE_HEADER_LEN);
		return Err(ArtifactFault::HeaderTooLong { got, most }.into());
	}
	let mut header = len.to_le_bytes().to_vec();
	header.extend_from_slice(json.as_bytes());
	Ok(header)
}
