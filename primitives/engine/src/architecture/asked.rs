//! The tensors that an architecture asks for.

use super::Class;
use crate::{artifact::Tensors, EngineError};
use alloc::{format, string::String, vec, vec::Vec};

/// A tensor that an architecture needs.
pub(crate) struct Asked {
	/// Its name.
	pub name: String,
	/// What its elements are.
	pub kind: Kind,
	/// Its shape.
	pub shape: Vec<u32>,
}

/// What the elements of a tensor are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
	/// Floats of any size.
	Floats,
	/// `I8`.
	Bytes,
}

impl Asked {
	/// The tensors of a weight matrix: `{name}.weight`, whose first size is the number of outputs,
	/// and perhaps `{name}.bias`.
	///
	/// In class `F32` the weights are floats; in class `Q8` they are `I8`, and
	/// `{name}.weight_scale` has a float for each output.
	pub fn weights(class: Class, name: &str, shape: Vec<u32>, bias: bool) -> Vec<Self> {
		let outputs = vec![shape.first().copied().unwrap_or(0)];
		let of = |suffix: &str, kind: Kind, shape: Vec<u32>| Self {
			name: format!("{name}.{suffix}"),
			kind,
			shape,
		};
		let mut asked = match class {
			Class::F32 => vec![of("weight", Kind::Floats, shape)],
			Class::Q8 => vec![
				of("weight", Kind::Bytes, shape),
				of("weight_scale", Kind::Floats, outputs.clone()),
			],
		};
		if bias {
			asked.push(of("bias", Kind::Floats, outputs));
		}
		asked
	}

	/// Refuses `tensors` that lack it, without reading it.
	pub fn expect(&self, tensors: &Tensors<'_>) -> Result<(), EngineError> {
		match self.kind {
			Kind::Floats => tensors.expect_floats(&self.name, &self.shape),
			Kind::Bytes => tensors.expect_i8(&self.name, &self.shape),
		}
	}
}
