//! The steps of an encoder: layer by layer, some tokens at a time, or one where it looks at all.

use super::{
	attention::{Attention, Heads},
	layout::{float_at, float_span, narrow, Layout, FLOAT},
	machine::{Machine, Stop},
	product::{self, Product, Rows, Then},
	program::{find, total, Cost, Operation, Schedule, Stage, Step, FUNCTION},
};
use crate::{
	architecture::bert::{Config, Pooling},
	numeric::math,
};
use alloc::{vec, vec::Vec};

/// Values of tokens that one step multiplies, unless one token has more, and most tokens.
const VALUES: u64 = 16 * 1024;
const GROUP: u64 = 8;
/// Values of tokens that one step adds up.
const POOLED: u64 = 32 * 1024;

pub(super) struct Bert {
	config: Config,
	tokens: u64,
	/// Tokens that one step multiplies.
	group: u64,
	attention: Attention,
	regions: Regions,
}

/// Where things are in memory.
struct Regions {
	tokens: u64,
	/// For each token its vector; its query, key and value; what it sees.
	x: u64,
	qkv: u64,
	seen: u64,
	/// Between the two layers of a perceptron, for a group of tokens.
	inner: u64,
	pooled: u64,
	/// Sums that are not complete.
	scratch: u64,
}

/// The products of a layer, and the numbers of its norms' weights, which their biases follow.
struct Layer {
	inputs: [Product; 3],
	output: Product,
	up: Product,
	down: Product,
	norms: [u32; 2],
}

/// Steps for some tokens after the other.
struct Pass {
	/// Tokens at a time.
	group: u64,
	stages: Vec<Stage>,
}

impl Bert {
	/// Of a valid configuration and so many tokens.
	pub fn new(config: &Config, tokens: u64, layout: &mut Layout) -> Self {
		let [hidden, intermediate] = [config.hidden, config.intermediate].map(u64::from);
		let widest = hidden.max(intermediate).max(1);
		let group = (VALUES / widest).min(GROUP).min(tokens).max(1);
		let Layer { inputs: [q, ..], output, up, down, .. } = layer(config, 0);
		let products = [q, output, up, down];
		let scratch = products.iter().map(Product::scratch).max().unwrap_or(0);
		let mut floats = |count: u64, width: u64| layout.floats(count.saturating_mul(width));
		let mut regions = Regions {
			tokens: 0,
			x: floats(tokens, hidden),
			qkv: floats(tokens, hidden.saturating_mul(3)),
			seen: floats(tokens, hidden),
			inner: floats(group, intermediate),
			pooled: floats(1, hidden),
			scratch: floats(1, scratch),
		};
		regions.tokens = layout.region(tokens.saturating_mul(4));
		let heads = Heads {
			heads: config.heads,
			kv_heads: config.heads,
			dim: config.head(),
			factor: config.factor(),
			rope: None,
			causal: false,
		};
		// A layer's keys and values are not used after it.
		let attention = Attention::new(heads, 1, tokens, layout);
		Self { config: config.clone(), tokens, group, attention, regions }
	}

	fn hidden(&self) -> u64 {
		self.config.hidden.into()
	}

	/// The steps of a layer.
	fn passes(&self, layer: &Layer) -> [Pass; 4] {
		let Layer { inputs, output, up, down, .. } = layer;
		let blocks = self.attention.blocks(self.tokens.saturating_sub(1));
		let attention = self.attention.tiles().saturating_mul(blocks);
		let inputs = inputs.iter().map(Product::tiles).fold(0, u64::saturating_add);
		let pass = |group: u64, stages: &[Stage]| Pass { group, stages: stages.to_vec() };
		[
			pass(self.group, &[(Operation::Queries, 0, inputs)]),
			pass(1, &[(Operation::Rotation, 0, self.attention.rotations())]),
			pass(
				1,
				&[
					(Operation::Scores, 0, attention),
					(Operation::Exponentials, 0, attention),
					(Operation::Mixture, 0, attention),
				],
			),
			pass(
				self.group,
				&[
					(Operation::Attended, 0, output.tiles()),
					(Operation::Norm, 0, 1),
					(Operation::Inner, 0, up.tiles()),
					(Operation::Outer, 0, down.tiles()),
					(Operation::Norm, 1, 1),
				],
			),
		]
	}

	fn steps_of_pass(&self, pass: &Pass) -> u64 {
		self.tokens.div_ceil(pass.group.max(1)).saturating_mul(total(&pass.stages))
	}

	/// Tokens whose vectors one step adds up.
	fn pooled_at_once(&self) -> u64 {
		(POOLED / self.hidden().max(1)).max(1)
	}

	/// Steps that make one vector of all.
	fn pool_tiles(&self) -> u64 {
		match self.config.pooling {
			Pooling::Mean => self.tokens.div_ceil(self.pooled_at_once()),
			Pooling::Cls => 1,
		}
	}

	/// A token's vector, its type's and its position's, added up.
	fn embed(&self, machine: &mut Machine<'_>, token: u64) -> Result<(), Stop> {
		let hidden = self.hidden();
		let number = machine.word(float_at(self.regions.tokens, token))?;
		let mut x = words(&self.config).row(machine, number.into())?;
		let positions = positions(&self.config);
		math::add(&mut x, &machine.vector(positions.saturating_add(1), 0, hidden)?);
		math::add(&mut x, &machine.vector(positions, token.saturating_mul(hidden), hidden)?);
		self.normalize(machine, &mut x, positions.saturating_add(2))?;
		machine.put_floats(self.row(self.regions.x, token), &x)
	}

	/// The norm whose weights have number `weights`, of each row of `x`.
	fn normalize(
		&self,
		machine: &mut Machine<'_>,
		x: &mut [f32],
		weights: u32,
	) -> Result<(), Stop> {
		let weight = machine.vector(weights, 0, self.hidden())?;
		let bias = machine.vector(weights.saturating_add(1), 0, self.hidden())?;
		math::layer_norm(x, &weight, &bias, self.config.norm_eps.get());
		Ok(())
	}

	/// Adds up tokens' vectors; the last step makes the output of them.
	fn pool(&self, machine: &mut Machine<'_>, tile: u64) -> Result<(), Stop> {
		let hidden = self.hidden();
		let first = tile.saturating_mul(self.pooled_at_once()).min(self.tokens);
		let count = match self.config.pooling {
			Pooling::Mean => self.tokens.saturating_sub(first).min(self.pooled_at_once()),
			Pooling::Cls => 1,
		};
		let rows = machine.floats(self.row(self.regions.x, first), count.saturating_mul(hidden))?;
		let mut rows = rows.chunks_exact(self.config.hidden.max(1) as usize);
		let mut pooled = match (self.config.pooling, tile) {
			(Pooling::Cls, _) => rows.next().ok_or(Stop::Fault)?.to_vec(),
			(Pooling::Mean, 0) => vec![0.0; self.config.hidden as usize],
			(Pooling::Mean, _) => machine.floats(self.regions.pooled, hidden)?,
		};
		rows.for_each(|row| math::add(&mut pooled, row));
		if tile.saturating_add(1) == self.pool_tiles() {
			let count = usize::try_from(self.tokens).map_err(|_| Stop::Fault)?;
			self.config.finish(&mut pooled, count).ok_or(Stop::Fault)?;
		}
		machine.put_floats(self.regions.pooled, &pooled)
	}

	/// Where the vector of `token` is.
	fn row(&self, at: u64, token: u64) -> u64 {
		float_at(at, token.saturating_mul(self.hidden()))
	}
}

impl Schedule for Bert {
	fn steps(&self) -> u64 {
		let passes = self.passes(&layer(&self.config, 0));
		let of_layer =
			passes.iter().map(|pass| self.steps_of_pass(pass)).fold(0, u64::saturating_add);
		of_layer
			.saturating_mul(self.config.layers.into())
			.saturating_add(self.tokens)
			.saturating_add(self.pool_tiles())
	}

	fn step(&self, number: u64) -> Step {
		let at = |token: u64, layer: u64, (operation, tile): (Operation, u64)| Step {
			token: narrow(token),
			layer: narrow(layer),
			operation,
			tile: narrow(tile),
		};
		let Some(left) = number.checked_sub(self.tokens) else {
			return at(number, 0, (Operation::Embedding, 0));
		};
		let passes = self.passes(&layer(&self.config, 0));
		let steps = passes.iter().map(|pass| self.steps_of_pass(pass));
		let size = steps.fold(0, u64::saturating_add).max(1);
		let layers = u64::from(self.config.layers);
		let layer = (left / size).min(layers);
		let mut left = left.saturating_sub(layer.saturating_mul(size));
		if layer < layers {
			for pass in &passes {
				let steps = self.steps_of_pass(pass);
				if left < steps {
					let each = total(&pass.stages).max(1);
					let token = (left / each).saturating_mul(pass.group);
					return at(token, layer, find(&pass.stages, left % each));
				}
				left = left.saturating_sub(steps);
			}
		}
		at(0, layers, (Operation::Pool, left))
	}

	fn kinds(&self) -> Vec<Step> {
		let of = |layer: u32, operation: Operation| Step { token: 0, layer, operation, tile: 0 };
		let passes = self.passes(&layer(&self.config, 0));
		let stages = passes.iter().flat_map(|pass| &pass.stages);
		let mut kinds: Vec<Step> = stages.map(|(operation, ..)| of(0, *operation)).collect();
		kinds.push(of(0, Operation::Embedding));
		kinds.push(of(self.config.layers, Operation::Pool));
		kinds
	}

	fn cost(&self, step: &Step) -> Cost {
		let Layer { inputs: [q, ..], output, up, down, .. } = layer(&self.config, 0);
		let hidden = self.hidden();
		let of = |product: &Product, width: u64| product.cost_of_rows(self.group, width);
		// Weights and biases of a norm, and their entries in the table.
		let norm = float_span(hidden).saturating_add(1).saturating_mul(2);
		let normed = |tokens: u64, pages: u32| Cost {
			pages: float_span(hidden.saturating_mul(tokens))
				.saturating_add(norm)
				.saturating_add(pages),
			work: hidden.saturating_mul(8).saturating_add(FUNCTION).saturating_mul(tokens),
		};
		match step.operation {
			Operation::Embedding => {
				// The token, and the vectors of its type and its position.
				let pages =
					float_span(hidden).saturating_add(1).saturating_mul(2).saturating_add(1);
				words(&self.config).row_cost().plus(normed(1, pages))
			},
			Operation::Queries => of(&q, hidden.saturating_mul(3)),
			Operation::Rotation => self.attention.rotation_cost(),
			Operation::Scores => self.attention.scores_cost(),
			Operation::Exponentials => self.attention.exponentials_cost(),
			Operation::Mixture => self.attention.mixture_cost(),
			Operation::Attended => of(&output, hidden),
			Operation::Norm => normed(self.group, 0),
			Operation::Inner => {
				let values = up.outputs_of_tile().saturating_mul(self.group);
				let work = values.saturating_mul(FUNCTION);
				of(&up, up.outputs()).plus(Cost { pages: 0, work })
			},
			Operation::Outer => of(&down, hidden),
			Operation::Pool => {
				let tokens = self.pooled_at_once().min(self.tokens);
				let values = tokens.saturating_add(4).saturating_mul(hidden);
				let pages = float_span(tokens.saturating_mul(hidden));
				let work = values.saturating_add(FUNCTION);
				Cost { pages: pages.saturating_add(float_span(hidden)), work }
			},
			_ => Cost::default(),
		}
	}

	fn run(&self, step: &Step, machine: &mut Machine<'_>) -> Result<(), Stop> {
		let Regions { x, qkv, seen, inner, scratch, .. } = self.regions;
		let (token, tile) = (u64::from(step.token), u64::from(step.tile));
		let Layer { inputs: [q, k, v], output, up, down, norms } = layer(&self.config, step.layer);
		let count = self.tokens.saturating_sub(token).min(self.group);
		let hidden = self.hidden();
		let (x, seen) = (self.row(x, token), self.row(seen, token));
		let qkv = self.row(qkv, token.saturating_mul(3));
		// There is room for the keys and values of one layer.
		let here = Step { layer: 0, ..*step };
		let attention = &self.attention;
		let rows = |x: u64, out: u64, width: u64| Rows { x, count, out, width, scratch };
		match step.operation {
			Operation::Embedding => self.embed(machine, token),
			Operation::Queries => {
				let rows = rows(x, qkv, hidden.saturating_mul(3));
				product::multiply(machine, &[&q, &k, &v], tile, &rows, &Then::Nothing)
			},
			Operation::Rotation => attention.rotate(machine, &here, qkv),
			Operation::Scores => attention.score(machine, &here, qkv),
			Operation::Exponentials => attention.exponentiate(machine, &here),
			Operation::Mixture => attention.mix(machine, &here, seen),
			Operation::Attended => {
				let rows = rows(seen, x, hidden);
				product::multiply(machine, &[&output], tile, &rows, &Then::Add)
			},
			Operation::Norm => {
				let weights = norms.get(step.tile as usize).ok_or(Stop::Fault)?;
				let mut values = machine.floats(x, count.saturating_mul(hidden))?;
				self.normalize(machine, &mut values, *weights)?;
				machine.put_floats(x, &values)
			},
			Operation::Inner => {
				let activation = |values: &mut [f32]| self.config.activation.apply(values);
				let rows = rows(x, inner, up.outputs());
				product::multiply(machine, &[&up], tile, &rows, &Then::Apply(&activation))
			},
			Operation::Outer => {
				let rows = rows(inner, x, hidden);
				product::multiply(machine, &[&down], tile, &rows, &Then::Add)
			},
			Operation::Pool => self.pool(machine, tile),
			_ => Err(Stop::Fault),
		}
	}

	fn input(&self) -> u64 {
		self.regions.tokens
	}

	fn output(&self) -> (u64, u64) {
		(self.regions.pooled, self.hidden().saturating_mul(FLOAT))
	}
}

/// Words' vectors.
fn words(config: &Config) -> Product {
	Product::new(config.class, 0, config.hidden, config.vocab, false)
}

/// The number of the positions' vectors. The types' follow, and the weights and biases of a norm.
fn positions(config: &Config) -> u32 {
	Product::tensors(config.class, false)
}

/// The tensors of a layer, in the order in which the architecture asks for them.
fn layer(config: &Config, layer: u32) -> Layer {
	let Config { class, hidden, intermediate, .. } = *config;
	let of_product = Product::tensors(class, true);
	// Six products and two norms.
	let of_layer = of_product.saturating_mul(6).saturating_add(4);
	let mut next = of_layer
		.saturating_mul(layer)
		.saturating_add(positions(config))
		.saturating_add(4);
	let mut take = |count: u32| {
		let first = next;
		next = next.saturating_add(count);
		first
	};
	let mut product =
		|inputs, outputs| Product::new(class, take(of_product), inputs, outputs, true);
	let inputs = [(); 3].map(|()| product(hidden, hidden));
	let output = product(hidden, hidden);
	let first = take(2);
	let mut product =
		|inputs, outputs| Product::new(class, take(of_product), inputs, outputs, true);
	let up = product(hidden, intermediate);
	let down = product(intermediate, hidden);
	Layer { inputs, output, up, down, norms: [first, take(2)] }
}
