//! A product with a weight matrix, and its bias.

use super::{asked::Asked, Class};
use crate::{
	artifact::Tensors,
	numeric::{
		math,
		matrix::{F32Builder, Matrix, Q8Builder},
	},
	EngineError,
};
use alloc::{format, vec, vec::Vec};

/// One of the tensors that make up a [`Linear`].
pub(crate) struct Part<'a> {
	/// Its name, without `.weight`.
	pub name: &'a str,
	/// Its outputs.
	pub outputs: u32,
}

/// A weight matrix with a bias or none. Several of a file's with the same inputs can be one here.
pub(crate) struct Linear {
	weight: Matrix,
	/// Empty if there is none.
	bias: Vec<f32>,
}

impl Linear {
	/// Of a matrix that was read by somebody else. Without values, `bias` is none.
	pub fn new(weight: Matrix, bias: Vec<f32>) -> Self {
		Self { weight, bias }
	}

	/// Reads the tensors of `parts`, see [`Asked::weights`], into one matrix, their outputs one after
	/// the other.
	pub fn load(
		tensors: &Tensors<'_>,
		class: Class,
		parts: &[Part<'_>],
		inputs: u32,
		bias: bool,
	) -> Result<Self, EngineError> {
		// Nothing is allocated for a matrix that is not in the file.
		for Part { name, outputs } in parts {
			let asked = Asked::weights(class, name, vec![*outputs, inputs], bias);
			asked.iter().try_for_each(|asked| asked.expect(tensors))?;
		}
		let outputs = parts.iter().fold(0u32, |sum, part| sum.saturating_add(part.outputs));
		let weight = match class {
			Class::F32 => load_f32(tensors, parts, outputs, inputs)?,
			Class::Q8 => load_q8(tensors, parts, outputs, inputs)?,
		};
		let mut biases = Vec::new();
		if bias {
			for Part { name, outputs } in parts {
				biases.extend(tensors.vector(&format!("{name}.bias"), *outputs)?);
			}
		}
		Ok(Self { weight, bias: biases })
	}

	/// `x · Wᵀ + b` for each row of `x`.
	pub fn apply(&self, x: &[f32], out: &mut [f32]) {
		self.weight.product(x, out);
		if !self.bias.is_empty() {
			math::add_rows(out, &self.bias);
		}
	}

	/// The weights alone.
	pub fn weight(&self) -> &Matrix {
		&self.weight
	}

	/// Memory that it takes, in bytes.
	pub fn bytes(&self) -> usize {
		self.weight.bytes().saturating_add(size_of_val(self.bias.as_slice()))
	}
}

fn load_f32(
	tensors: &Tensors<'_>,
	parts: &[Part<'_>],
	outputs: u32,
	inputs: u32,
) -> Result<Matrix, EngineError> {
	let mut builder = F32Builder::new(outputs as usize, inputs as usize);
	for Part { name, outputs } in parts {
		tensors.for_each_row(&format!("{name}.weight"), &[*outputs, inputs], |row| {
			builder.push_row(row).ok_or(EngineError::OutOfMemory)
		})?;
	}
	builder.finish().ok_or(EngineError::OutOfMemory)
}

fn load_q8(
	tensors: &Tensors<'_>,
	parts: &[Part<'_>],
	outputs: u32,
	inputs: u32,
) -> Result<Matrix, EngineError> {
	let mut builder = Q8Builder::new(outputs as usize, inputs as usize);
	for Part { name, outputs } in parts {
		let scales = tensors.vector(&format!("{name}.weight_scale"), *outputs)?;
		let mut scales = scales.into_iter();
		tensors.for_each_row_i8(&format!("{name}.weight"), &[*outputs, inputs], |row| {
			let scale = scales.next().ok_or(EngineError::Backend)?;
			builder.push_row(row, scale).ok_or(EngineError::OutOfMemory)
		})?;
	}
	builder.finish().ok_or(EngineError::OutOfMemory)
}
