//! A product with a weight matrix, cut into steps.

use super::{
	layout::{float_at, float_span, narrow, span},
	machine::{finite, Machine, Stop},
	program::Cost,
};
use crate::{
	numeric::{
		math,
		matrix::{F32Builder, Matrix, Q8Builder},
	},
	Class,
};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// Bytes of weights that one step reads, unless a row alone has more.
const TILE: u64 = 64 * 1024;
/// Most floats of a row that one step reads. What is left, later steps add to its sum.
const PART: u64 = 32 * 1024;

/// A weight matrix of the file with its bias, if it has one.
pub(super) struct Product {
	class: Class,
	/// The first of its tensors in the table; the others follow as `Asked::weights` has them.
	first: u32,
	inputs: u64,
	outputs: u64,
	bias: bool,
}

/// What one step computes of a product.
struct Tile {
	outputs: Range<u64>,
	inputs: Range<u64>,
}

impl Product {
	pub fn new(class: Class, first: u32, inputs: u32, outputs: u32, bias: bool) -> Self {
		Self { class, first, inputs: inputs.into(), outputs: outputs.into(), bias }
	}

	/// Number of its tensors.
	pub fn tensors(class: Class, bias: bool) -> u32 {
		let weights: u32 = match class {
			Class::F32 => 1,
			Class::Q8 => 2,
		};
		weights.saturating_add(bias.into())
	}

	/// Number of its outputs.
	pub fn outputs(&self) -> u64 {
		self.outputs
	}

	/// Bytes of a weight, at most.
	fn size(&self) -> u64 {
		match self.class {
			Class::F32 => 4,
			Class::Q8 => 1,
		}
	}

	/// Outputs of a step.
	pub fn outputs_of_tile(&self) -> u64 {
		// Each output also has a scale, a bias, and its own place.
		let row = self.inputs.saturating_mul(self.size()).saturating_add(12);
		(TILE / row).clamp(1, self.outputs.max(1))
	}

	/// Inputs of a step. A quantised row is taken as a whole: its scale depends on all of it.
	fn inputs_of_tile(&self) -> u64 {
		match self.class {
			Class::F32 => self.inputs.min(PART),
			Class::Q8 => self.inputs,
		}
	}

	/// Steps for the same outputs.
	fn parts(&self) -> u64 {
		self.inputs.div_ceil(self.inputs_of_tile().max(1)).max(1)
	}

	/// Number of steps.
	pub fn tiles(&self) -> u64 {
		self.outputs.div_ceil(self.outputs_of_tile()).saturating_mul(self.parts())
	}

	fn tile(&self, number: u64) -> Tile {
		let part = |number: u64, size: u64, end: u64| {
			let start = number.saturating_mul(size).min(end);
			start..start.saturating_add(size).min(end)
		};
		let parts = self.parts();
		Tile {
			outputs: part(number / parts, self.outputs_of_tile(), self.outputs),
			inputs: part(number % parts, self.inputs_of_tile(), self.inputs),
		}
	}

	/// What one step of it costs, with its results written once.
	pub fn cost(&self) -> Cost {
		self.cost_of_rows(1, self.outputs)
	}

	/// What one step of it costs for several rows, each one's results `width` floats after those of
	/// the one before.
	pub fn cost_of_rows(&self, rows: u64, width: u64) -> Cost {
		let (inputs, outputs) = (self.inputs_of_tile(), self.outputs_of_tile());
		let weights = span(inputs.saturating_mul(self.size()).saturating_mul(outputs));
		let others: u32 = match (self.class, self.bias) {
			(Class::F32, false) => 0,
			(Class::F32, true) | (Class::Q8, false) => 1,
			(Class::Q8, true) => 2,
		};
		let results = match outputs == width {
			true => float_span(rows.saturating_mul(outputs)),
			false => float_span(outputs).saturating_mul(narrow(rows)),
		};
		// Scales, biases and sums so far; and an entry in the table for each tensor.
		let vectors = float_span(outputs).saturating_mul(others.saturating_add(1));
		let pages = weights
			.saturating_add(float_span(rows.saturating_mul(inputs)))
			.saturating_add(results)
			.saturating_add(vectors)
			.saturating_add(others.saturating_add(1));
		let work = inputs.saturating_add(1).saturating_mul(outputs.saturating_add(4));
		Cost { pages, work: work.saturating_mul(rows) }
	}

	/// Floats that sums so far need a place for.
	pub fn scratch(&self) -> u64 {
		if self.parts() > 1 {
			self.outputs_of_tile()
		} else {
			0
		}
	}

	/// Computes step number `number` for the row at `x`: the results and the number of the first. None
	/// while the sums are not complete; so far they are at `scratch`.
	pub fn run(
		&self,
		machine: &mut Machine<'_>,
		number: u64,
		x: u64,
		scratch: u64,
	) -> Result<Option<(u64, Vec<f32>)>, Stop> {
		self.run_rows(machine, number, x, 1, scratch)
	}

	/// [`run`](Self::run) for `rows` rows, one after the other at `x`: each one's results for the same
	/// outputs. More than one only where no sum has several steps.
	pub fn run_rows(
		&self,
		machine: &mut Machine<'_>,
		number: u64,
		x: u64,
		rows: u64,
		scratch: u64,
	) -> Result<Option<(u64, Vec<f32>)>, Stop> {
		if rows != 1 && self.parts() != 1 {
			return Err(Stop::Fault);
		}
		let tile = self.tile(number);
		let count = tile.outputs.end.saturating_sub(tile.outputs.start);
		let inputs = tile.inputs.end.saturating_sub(tile.inputs.start);
		let x = float_at(x, tile.inputs.start);
		let mut x = machine.floats(x, inputs.saturating_mul(rows))?;
		let mut sums = None;
		if tile.inputs.start != 0 {
			// A first input of 1 times the sum so far is that sum, which is never `-0.0`.
			sums = Some(machine.floats(scratch, count)?);
			x.insert(0, 1.0);
		}
		let matrix = self.load(machine, &tile, sums.as_deref())?;
		let rows = usize::try_from(rows).map_err(|_| Stop::Fault)?;
		let mut out = vec![0.0; matrix.outputs().saturating_mul(rows)];
		matrix.product(&x, &mut out);
		if tile.inputs.end < self.inputs {
			machine.put_floats(scratch, &out)?;
			return Ok(None);
		}
		if self.bias {
			let bias = Self::tensors(self.class, false).saturating_add(self.first);
			math::add_rows(&mut out, &machine.vector(bias, tile.outputs.start, count)?);
		}
		Ok(Some((tile.outputs.start, out)))
	}

	/// The weights of a step whose sums begin with `sums`.
	fn load(
		&self,
		machine: &mut Machine<'_>,
		tile: &Tile,
		sums: Option<&[f32]>,
	) -> Result<Matrix, Stop> {
		let weight = machine.tensor(self.first)?;
		let count = tile.outputs.end.saturating_sub(tile.outputs.start);
		let inputs = tile.inputs.end.saturating_sub(tile.inputs.start);
		let first = tile.outputs.start.saturating_mul(self.inputs);
		let width = usize::try_from(inputs).map_err(|_| Stop::Fault)?;
		let rows = usize::try_from(count).map_err(|_| Stop::Fault)?;
		let matrix = match self.class {
			Class::F32 if inputs == self.inputs => {
				let weights = machine.weight_floats(weight, first, count.saturating_mul(inputs))?;
				let mut builder = F32Builder::new(rows, width);
				for row in weights.chunks_exact(width.max(1)) {
					builder.push_row(row).ok_or(Stop::Fault)?;
				}
				builder.finish()
			},
			Class::F32 => {
				let width = width.saturating_add(sums.is_some().into());
				let mut builder = F32Builder::new(rows, width);
				for output in 0..rows {
					let mut row = Vec::with_capacity(width);
					row.extend(sums.and_then(|sums| sums.get(output)));
					let at = (output as u64)
						.saturating_mul(self.inputs)
						.saturating_add(tile.inputs.start)
						.saturating_add(first);
					row.extend(machine.weight_floats(weight, at, inputs)?);
					builder.push_row(&row).ok_or(Stop::Fault)?;
				}
				builder.finish()
			},
			Class::Q8 => {
				let scale = self.first.saturating_add(1);
				let scales = machine.vector(scale, tile.outputs.start, count)?;
				let weights = machine.weight_bytes(weight, first, count.saturating_mul(inputs))?;
				let mut builder = Q8Builder::new(rows, width);
				for (row, scale) in weights.chunks_exact(width.max(1)).zip(scales) {
					builder.push_row(row, scale).ok_or(Stop::Fault)?;
				}
				builder.finish()
			},
		};
		matrix.ok_or(Stop::Fault)
	}

	/// Row number `row` of the weights, as floats: a word's vector.
	pub fn row(&self, machine: &mut Machine<'_>, row: u64) -> Result<Vec<f32>, Stop> {
		if row >= self.outputs {
			return Err(Stop::Fault);
		}
		let at = row.saturating_mul(self.inputs);
		let weight = machine.tensor(self.first)?;
		match self.class {
			Class::F32 => machine.weight_floats(weight, at, self.inputs),
			Class::Q8 => {
				let scales = machine.vector(self.first.saturating_add(1), row, 1)?;
				let scale = scales.first().copied().ok_or(Stop::Fault)?;
				let bytes = machine.weight_bytes(weight, at, self.inputs)?;
				Ok(bytes.into_iter().map(|byte| f32::from(byte) * scale).collect())
			},
		}
	}

	/// What [`row`](Self::row) costs.
	pub fn row_cost(&self) -> Cost {
		let pages = span(self.inputs.saturating_mul(self.size())).saturating_add(4);
		Cost { pages, work: self.inputs }
	}
}

/// Where rows are that are multiplied.
pub(super) struct Rows {
	/// The first, after which the others are.
	pub x: u64,
	pub count: u64,
	/// Where the first one's results go, each other's `width` floats after those of the one before.
	pub out: u64,
	pub width: u64,
	/// For sums that are not complete.
	pub scratch: u64,
}

/// What becomes of a product's results.
pub(super) enum Then<'a> {
	Nothing,
	/// They are added to what is in their place.
	Add,
	Apply(&'a dyn Fn(&mut [f32])),
}

/// Computes step number `tile` of `products`, which come one after the other, and so do the results
/// of a row.
pub(super) fn multiply(
	machine: &mut Machine<'_>,
	products: &[&Product],
	mut tile: u64,
	rows: &Rows,
	then: &Then<'_>,
) -> Result<(), Stop> {
	let mut first = 0u64;
	for product in products {
		let tiles = product.tiles();
		if tile >= tiles {
			tile = tile.saturating_sub(tiles);
			first = first.saturating_add(product.outputs());
			continue;
		}
		let done = product.run_rows(machine, tile, rows.x, rows.count, rows.scratch)?;
		let Some((at, mut values)) = done else { return Ok(()) };
		// What an activation could hide ends the run before.
		finite(&values)?;
		let at = float_at(rows.out, first.saturating_add(at));
		let all = values.len() as u64;
		let whole = all == rows.count.saturating_mul(rows.width);
		let of_row = if whole { all } else { all.checked_div(rows.count).unwrap_or(0) };
		let of_row = usize::try_from(of_row).map_err(|_| Stop::Fault)?;
		for (row, values) in (0u64..).zip(values.chunks_exact_mut(of_row.max(1))) {
			let at = float_at(at, row.saturating_mul(rows.width));
			match then {
				Then::Nothing => {},
				Then::Add => math::add(values, &machine.floats(at, values.len() as u64)?),
				Then::Apply(function) => function(values),
			}
			machine.put_floats(at, values)?;
		}
		return Ok(());
	}
	Err(Stop::Fault)
}
