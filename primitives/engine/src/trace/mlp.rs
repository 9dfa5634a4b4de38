//! The steps of a perceptron: layer by layer, some outputs at a time.

use super::{
	layout::{float_at, narrow, Layout},
	machine::{finite, Machine, Stop},
	product::Product,
	program::{Cost, Operation, Schedule, Step},
};
use crate::{architecture::mlp::Config, numeric::math, Class};
use alloc::vec::Vec;

pub(super) struct Mlp {
	layers: Vec<Product>,
	/// Where the first layer's input is.
	input: u64,
	/// Where the layers' results are, in turns.
	values: [u64; 2],
	/// Where sums are that are not complete.
	scratch: u64,
}

impl Mlp {
	/// Of a valid configuration.
	pub fn new(config: &Config, layout: &mut Layout) -> Self {
		let layers: Vec<Product> = (0u32..)
			.zip(config.layers())
			.map(|(layer, (inputs, outputs))| {
				Product::new(Class::F32, layer.saturating_mul(2), inputs, outputs, true)
			})
			.collect();
		let most = |of: fn(&Product) -> u64| layers.iter().map(of).max().unwrap_or(0);
		Self {
			input: layout.floats(config.widths.first().copied().unwrap_or(0).into()),
			values: [(); 2].map(|()| layout.floats(most(Product::outputs))),
			scratch: layout.floats(most(Product::scratch)),
			layers,
		}
	}

	/// Where the result of a layer is.
	fn result(&self, layer: u32) -> u64 {
		let [even, odd] = self.values;
		if layer.is_multiple_of(2) {
			even
		} else {
			odd
		}
	}

	fn last(&self) -> u32 {
		narrow(self.layers.len() as u64).saturating_sub(1)
	}
}

impl Schedule for Mlp {
	fn steps(&self) -> u64 {
		self.layers.iter().map(Product::tiles).fold(0, u64::saturating_add)
	}

	fn step(&self, mut number: u64) -> Step {
		let mut layer = 0u32;
		for product in &self.layers {
			let tiles = product.tiles();
			if number < tiles {
				break;
			}
			number = number.saturating_sub(tiles);
			layer = layer.saturating_add(1);
		}
		Step { token: 0, layer, operation: Operation::Product, tile: narrow(number) }
	}

	fn kinds(&self) -> Vec<Step> {
		let step = |layer| Step { token: 0, layer, operation: Operation::Product, tile: 0 };
		(0..=self.last()).map(step).collect()
	}

	fn cost(&self, step: &Step) -> Cost {
		self.layers.get(step.layer as usize).map_or(Cost::default(), Product::cost)
	}

	fn run(&self, step: &Step, machine: &mut Machine<'_>) -> Result<(), Stop> {
		let product = self.layers.get(step.layer as usize).ok_or(Stop::Fault)?;
		let x = match step.layer.checked_sub(1) {
			None => self.input,
			Some(before) => self.result(before),
		};
		let done = product.run(machine, step.tile.into(), x, self.scratch)?;
		let Some((first, mut values)) = done else { return Ok(()) };
		// Before the activation, which would turn `-inf` into a zero.
		finite(&values)?;
		if step.layer != self.last() {
			math::relu(&mut values);
		}
		machine.put_floats(float_at(self.result(step.layer), first), &values)
	}

	fn input(&self) -> u64 {
		self.input
	}

	fn output(&self) -> (u64, u64) {
		let count = self.layers.last().map_or(0, Product::outputs);
		(self.result(self.last()), float_at(0, count))
	}
}
