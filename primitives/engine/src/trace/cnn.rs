//! The steps of a convolutional network: layer by layer, window by window.
//!
//! Between convolutions and pools, an image's values lie place by place, the channels of a place one
//! after the other: a window is a few ranges then, however many channels there are. Where that is
//! another order than the model's (channel by channel), steps turn it over.

mod windows;

use super::{
	layout::{float_at, float_span, narrow, Layout},
	machine::{Machine, Stop},
	product::{self, Product, Rows, Then},
	program::{Cost, Operation, Schedule, Step, FUNCTION},
};
use crate::{
	architecture::cnn::{Config, Layer, Shape},
	numeric::math,
};
use alloc::{vec, vec::Vec};
use windows::{Pool, Windows};

/// Values that one step of an activation computes.
const ACTIVATIONS: u64 = 8 * 1024;
/// Values that one step brings into another order, and the shortest side of what it takes.
const ORDERED: u64 = 4 * 1024;
const SIDE: u64 = 32;

pub(super) struct Cnn {
	stages: Vec<Stage>,
	input: u64,
	/// Where the answer is, and its length.
	output: (u64, u64),
	/// Where windows are, one after the other, each value by value.
	patches: u64,
	/// Where sums are that are not complete.
	scratch: u64,
}

/// A layer, or what brings an image into the order that the next one needs.
struct Stage {
	layer: u32,
	/// Where its values come from and go to.
	from: u64,
	to: u64,
	work: Work,
}

enum Work {
	/// A matrix of values, turned over.
	Order {
		rows: u64,
		columns: u64,
	},
	Activation {
		values: u64,
		tanh: bool,
	},
	Linear(Product),
	Convolution(Windows, Product),
	Pool(Pool),
}

impl Cnn {
	/// Of a valid configuration.
	pub fn new(config: &Config, layout: &mut Layout) -> Self {
		let most = config.steps().map(|(_, _, after)| after.values()).max().unwrap_or(0);
		let most = most.max(config.input().values());
		let input = layout.floats(config.input().values());
		let others = [layout.floats(most), layout.floats(most)];
		let mut builder = Builder { stages: Vec::new(), layer: 0, at: input, others };
		let mut tensor = 0u32;
		// Whether the values lie place by place.
		let mut by_place = false;
		let mut shape = config.input();
		for (layer, before, after) in config.steps() {
			let wanted = match layer {
				Layer::Conv2d { .. } | Layer::MaxPool { .. } | Layer::AvgPool { .. } => true,
				Layer::Flatten => false,
				_ => by_place,
			};
			builder.order(before, by_place, wanted);
			by_place = wanted;
			let mut product = |inputs: u64, outputs: u32| {
				let product = Product::new(config.class, tensor, narrow(inputs), outputs, true);
				tensor = tensor.saturating_add(Product::tensors(config.class, true));
				product
			};
			match (layer, before, after) {
				(Layer::Relu | Layer::Tanh, ..) => {
					let tanh = layer == Layer::Tanh;
					builder.in_place(Work::Activation { values: before.values(), tanh });
				},
				(Layer::Linear { outputs }, ..) => {
					builder.push(Work::Linear(product(before.values(), outputs)));
				},
				(
					Layer::Conv2d { outputs, kernel, stride, padding },
					Shape::Image { channels, .. },
					_,
				) => {
					let area = u64::from(kernel).saturating_mul(kernel.into());
					let product = product(area.saturating_mul(channels.into()), outputs);
					let windows = Windows::of(before, after, kernel, stride, padding);
					builder.push(Work::Convolution(windows.for_product(&product), product));
				},
				(Layer::MaxPool { size, stride } | Layer::AvgPool { size, stride }, ..) => {
					let windows = Windows::of(before, after, size, stride, 0);
					let mean = matches!(layer, Layer::AvgPool { .. });
					builder.push(Work::Pool(Pool::new(windows, mean)));
				},
				_ => {},
			}
			shape = after;
			builder.layer = builder.layer.saturating_add(1);
		}
		builder.order(shape, by_place, false);
		let Builder { stages, at, .. } = builder;
		let patches = stages.iter().map(|stage| stage.work.patches()).max().unwrap_or(0);
		let scratch = stages.iter().map(|stage| stage.work.scratch()).max().unwrap_or(0);
		Self {
			stages,
			input,
			output: (at, float_at(0, shape.values())),
			patches: layout.floats(patches),
			scratch: layout.floats(scratch),
		}
	}

	fn stage(&self, step: &Step) -> Option<&Stage> {
		self.stages.iter().find(|stage| {
			stage.layer == step.layer && stage.work.operations().contains(&step.operation)
		})
	}
}

/// Adds one stage after the other.
struct Builder {
	stages: Vec<Stage>,
	layer: u32,
	/// Where the values are, and where they can go next.
	at: u64,
	others: [u64; 2],
}

impl Builder {
	fn push(&mut self, work: Work) {
		let [next, other] = self.others;
		self.stages.push(Stage { layer: self.layer, from: self.at, to: next, work });
		// What the input is in is not used again.
		self.others = [other, next];
		self.at = next;
	}

	fn in_place(&mut self, work: Work) {
		self.stages.push(Stage { layer: self.layer, from: self.at, to: self.at, work });
	}

	/// Brings the values of an image into the order that is wanted.
	fn order(&mut self, shape: Shape, by_place: bool, wanted: bool) {
		let Shape::Image { channels, height, width } = shape else { return };
		let places = u64::from(height).saturating_mul(width.into());
		// Both orders are the same otherwise.
		if by_place != wanted && channels > 1 && places > 1 {
			let channels = u64::from(channels);
			let (rows, columns) = if wanted { (channels, places) } else { (places, channels) };
			self.push(Work::Order { rows, columns });
		}
	}
}

impl Work {
	/// The operations, in the order in which they come for each group of windows.
	fn operations(&self) -> &'static [Operation] {
		match self {
			Self::Order { .. } => &[Operation::Order],
			Self::Activation { .. } => &[Operation::Activation],
			Self::Linear(_) => &[Operation::Product],
			Self::Convolution(..) => &[Operation::Patches, Operation::Product],
			Self::Pool(_) => &[Operation::Pool],
		}
	}

	/// Steps of `operation` for each group.
	fn tiles(&self, operation: Operation) -> u64 {
		match (self, operation) {
			(Self::Order { rows, columns }, _) => {
				let (height, width) = block(*rows, *columns);
				rows.div_ceil(height).saturating_mul(columns.div_ceil(width))
			},
			(Self::Activation { values, .. }, _) => values.div_ceil(ACTIVATIONS),
			(Self::Convolution(windows, _), Operation::Patches) => windows.parts(),
			(Self::Linear(product) | Self::Convolution(_, product), _) => product.tiles(),
			(Self::Pool(pool), _) => pool.tiles(),
		}
	}

	/// Groups of windows.
	fn groups(&self) -> u64 {
		match self {
			Self::Convolution(windows, _) => windows.groups(),
			Self::Pool(pool) => pool.windows.groups(),
			_ => 1,
		}
	}

	fn tiles_of_group(&self) -> u64 {
		let tiles = self.operations().iter().map(|operation| self.tiles(*operation));
		tiles.fold(0, u64::saturating_add)
	}

	fn steps(&self) -> u64 {
		self.groups().saturating_mul(self.tiles_of_group())
	}

	/// Operation and tile of step number `number`.
	fn at(&self, number: u64) -> (Operation, u64) {
		let size = self.tiles_of_group().max(1);
		let (group, mut left) = (number / size, number % size);
		let mut found = (Operation::Product, 0);
		for operation in self.operations() {
			let tiles = self.tiles(*operation);
			found = (*operation, group.saturating_mul(tiles).saturating_add(left));
			if left < tiles {
				break;
			}
			left = left.saturating_sub(tiles);
		}
		found
	}

	/// Floats of windows that lie one after the other.
	fn patches(&self) -> u64 {
		match self {
			Self::Convolution(windows, _) if windows.parts() != 0 => {
				windows.places.saturating_mul(windows.len())
			},
			_ => 0,
		}
	}

	/// Floats of sums that are not complete.
	fn scratch(&self) -> u64 {
		match self {
			Self::Linear(product) | Self::Convolution(_, product) => product.scratch(),
			Self::Pool(pool) => pool.scratch(),
			_ => 0,
		}
	}

	fn cost(&self, operation: Operation) -> Cost {
		match (self, operation) {
			(Self::Order { rows, columns }, _) => {
				let (height, width) = block(*rows, *columns);
				let pages =
					ranges(height, width, *columns).saturating_add(ranges(width, height, *rows));
				Cost { pages, work: height.saturating_mul(width).saturating_mul(4) }
			},
			(Self::Activation { values, .. }, _) => {
				let values = ACTIVATIONS.min(*values);
				Cost { pages: float_span(values), work: values.saturating_mul(FUNCTION) }
			},
			(Self::Linear(product), _) => product.cost(),
			(Self::Convolution(windows, _), Operation::Patches) => windows.patches_cost(),
			(Self::Convolution(windows, product), _) => {
				product.cost_of_rows(windows.places, product.outputs())
			},
			(Self::Pool(pool), _) => pool.cost(),
		}
	}
}

impl Schedule for Cnn {
	fn steps(&self) -> u64 {
		self.stages.iter().map(|stage| stage.work.steps()).fold(0, u64::saturating_add)
	}

	fn step(&self, mut number: u64) -> Step {
		let mut step = Step { token: 0, layer: 0, operation: Operation::Product, tile: 0 };
		for Stage { layer, work, .. } in &self.stages {
			let steps = work.steps();
			if number < steps {
				let (operation, tile) = work.at(number);
				step = Step { token: 0, layer: *layer, operation, tile: narrow(tile) };
				break;
			}
			number = number.saturating_sub(steps);
		}
		step
	}

	fn kinds(&self) -> Vec<Step> {
		let kinds = self.stages.iter().flat_map(|stage| {
			let operations = stage.work.operations().iter();
			let some = operations.filter(|operation| stage.work.tiles(**operation) != 0);
			some.map(|operation| Step {
				token: 0,
				layer: stage.layer,
				operation: *operation,
				tile: 0,
			})
		});
		kinds.collect()
	}

	fn cost(&self, step: &Step) -> Cost {
		let stage = self.stage(step);
		stage.map_or(Cost::default(), |stage| stage.work.cost(step.operation))
	}

	fn run(&self, step: &Step, machine: &mut Machine<'_>) -> Result<(), Stop> {
		let Stage { from, to, work, .. } = self.stage(step).ok_or(Stop::Fault)?;
		let (from, to, tile) = (*from, *to, u64::from(step.tile));
		match work {
			Work::Order { rows, columns } => turn(machine, (from, to), (*rows, *columns), tile),
			Work::Activation { values, tanh } => activate(machine, from, *values, *tanh, tile),
			Work::Linear(product) => {
				let rows = Rows { x: from, count: 1, out: to, width: 0, scratch: self.scratch };
				product::multiply(machine, &[product], tile, &rows, &Then::Nothing)
			},
			Work::Convolution(windows, _) if step.operation == Operation::Patches => {
				windows.gather(machine, from, self.patches, tile)
			},
			Work::Convolution(windows, product) => {
				let tiles = product.tiles().max(1);
				let group = windows.group(tile / tiles);
				let x = match windows.parts() {
					0 => windows.place(from, &group),
					_ => self.patches,
				};
				let width = product.outputs();
				let out = float_at(to, windows.number(&group).saturating_mul(width));
				let rows = Rows { x, count: group.count, out, width, scratch: self.scratch };
				product::multiply(machine, &[product], tile % tiles, &rows, &Then::Nothing)
			},
			Work::Pool(pool) => pool.run(machine, (from, to), self.scratch, tile),
		}
	}

	fn input(&self) -> u64 {
		self.input
	}

	fn output(&self) -> (u64, u64) {
		self.output
	}
}

fn activate(
	machine: &mut Machine<'_>,
	at: u64,
	count: u64,
	tanh: bool,
	tile: u64,
) -> Result<(), Stop> {
	let first = tile.saturating_mul(ACTIVATIONS).min(count);
	let at = float_at(at, first);
	let mut values = machine.floats(at, count.saturating_sub(first).min(ACTIVATIONS))?;
	match tanh {
		true => math::tanh(&mut values),
		false => math::relu(&mut values),
	}
	machine.put_floats(at, &values)
}

/// Height and width of what one step turns over of a matrix: all of a short side, so that these
/// ranges join, or few of either.
fn block(rows: u64, columns: u64) -> (u64, u64) {
	let other = |side: u64| (ORDERED / side.max(1)).max(SIDE);
	match (rows <= SIDE, columns <= SIDE) {
		(_, true) => (other(columns).min(rows).max(1), columns.max(1)),
		(true, false) => (rows.max(1), other(rows).min(columns)),
		(false, false) => (SIDE, SIDE),
	}
}

/// The most pages of `count` ranges of `len` floats, which join if they are whole rows of `row`.
fn ranges(count: u64, len: u64, row: u64) -> u32 {
	match len == row {
		true => float_span(count.saturating_mul(len)),
		false => float_span(len).saturating_mul(narrow(count)),
	}
}

/// Writes a part of a matrix, turned over.
fn turn(
	machine: &mut Machine<'_>,
	(from, to): (u64, u64),
	(rows, columns): (u64, u64),
	tile: u64,
) -> Result<(), Stop> {
	let (height, width) = block(rows, columns);
	let across = columns.div_ceil(width).max(1);
	let top = (tile / across).saturating_mul(height).min(rows);
	let left = (tile % across).saturating_mul(width).min(columns);
	let height = rows.saturating_sub(top).min(height);
	let width = columns.saturating_sub(left).min(width);
	let size = |count: u64| usize::try_from(count).map_err(|_| Stop::Fault);
	let mut turned = vec![0.0; size(height.saturating_mul(width))?];
	let (tall, wide) = (size(height)?, size(width)?);
	for row in 0..tall {
		let at = top.saturating_add(row as u64).saturating_mul(columns).saturating_add(left);
		let values = machine.floats(float_at(from, at), width)?;
		let places = turned.iter_mut().skip(row).step_by(tall.max(1));
		places.zip(values).for_each(|(place, value)| *place = value);
	}
	for (column, values) in turned.chunks_exact(tall.max(1)).take(wide).enumerate() {
		let at = left.saturating_add(column as u64).saturating_mul(rows).saturating_add(top);
		machine.put_floats(float_at(to, at), values)?;
	}
	Ok(())
}
