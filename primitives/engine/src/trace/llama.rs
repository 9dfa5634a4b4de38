//! The steps of a language model: token by token, layer by layer.

mod choice;

use super::{
	attention::{Attention, Heads},
	layout::{float_at, float_span, narrow, Layout, FLOAT},
	machine::{Machine, Stop},
	product::{self, Product, Rows, Then},
	program::{find, total, Cost, Operation, Schedule, Stage, Step, FUNCTION},
};
use crate::{
	architecture::llama::{Config, Rope},
	generate::Prompt,
	numeric::math,
};
use alloc::{vec, vec::Vec};
use choice::Choice;

/// Values of an activation that one step computes.
const ACTIVATIONS: u64 = 16 * 1024;

pub(super) struct Llama {
	config: Config,
	/// Tokens that are given.
	given: u64,
	max_tokens: u64,
	attention: Attention,
	choice: Choice,
	regions: Regions,
}

/// Where things are in memory.
struct Regions {
	/// The tokens, those that are given first.
	tokens: u64,
	x: u64,
	normed: u64,
	/// Queries, keys and values of the token.
	qkv: u64,
	attended: u64,
	/// Gate, then up.
	inner: u64,
	activation: u64,
	logits: u64,
	/// Sums that are not complete.
	scratch: u64,
}

/// The products of a layer, and the numbers of its norms' weights.
struct Layer {
	norms: [u32; 2],
	q: Product,
	k: Product,
	v: Product,
	o: Product,
	gate: Product,
	up: Product,
	down: Product,
}

impl Llama {
	/// Of a valid configuration and a prompt that fits it.
	pub fn new(config: &Config, prompt: &Prompt, layout: &mut Layout) -> Self {
		let given = prompt.tokens.len() as u64;
		let max_tokens = u64::from(prompt.max_tokens);
		let vocab = u64::from(config.vocab);
		let mut floats = |count: u32| layout.floats(count.into());
		let (q, kv) = (config.attention_width(), config.kv_width());
		let mut regions = Regions {
			tokens: 0,
			x: floats(config.hidden),
			normed: floats(config.hidden),
			qkv: floats(q.saturating_add(kv).saturating_add(kv)),
			attended: floats(q),
			inner: floats(config.intermediate.saturating_mul(2)),
			activation: floats(config.intermediate),
			logits: floats(config.vocab),
			scratch: 0,
		};
		regions.tokens = layout.region(given.saturating_add(max_tokens).saturating_mul(4));
		let Layer { q, k, v, o, gate, up, down, .. } = layer(config, 0);
		let products = [q, k, v, o, gate, up, down, embedding(config), head(config)];
		let scratch = products.iter().map(Product::scratch).max().unwrap_or(0);
		regions.scratch = layout.floats(scratch);
		let heads = Heads {
			heads: config.heads,
			kv_heads: config.kv_heads,
			dim: config.head_dim,
			factor: (1.0 / libm::sqrt(f64::from(config.head_dim))) as f32,
			rope: Some(Rope::new(config)),
			causal: true,
		};
		// Nothing is computed from the last token.
		let rows = given.saturating_add(max_tokens).saturating_sub(1);
		Self {
			attention: Attention::new(heads, config.layers, rows, layout),
			choice: Choice::new(vocab, prompt, layout),
			config: config.clone(),
			given,
			max_tokens,
			regions,
		}
	}

	/// Tokens from which something is computed.
	fn rows(&self) -> u64 {
		self.given.saturating_add(self.max_tokens).saturating_sub(1)
	}

	/// The steps of a layer for a token that has `blocks` blocks of positions to look at: operation, its
	/// first tile, and how many there are.
	fn stages(&self, layer: &Layer, blocks: u64) -> [Stage; 11] {
		let Layer { q, k, v, o, gate, up, down, .. } = layer;
		let sum = |products: &[&Product]| {
			products.iter().map(|product| product.tiles()).fold(0, u64::saturating_add)
		};
		let attention = self.attention.tiles().saturating_mul(blocks);
		let intermediate = u64::from(self.config.intermediate);
		[
			(Operation::Norm, 0, 1),
			(Operation::Queries, 0, sum(&[q, k, v])),
			(Operation::Rotation, 0, self.attention.rotations()),
			(Operation::Scores, 0, attention),
			(Operation::Exponentials, 0, attention),
			(Operation::Mixture, 0, attention),
			(Operation::Attended, 0, sum(&[o])),
			(Operation::Norm, 1, 1),
			(Operation::Inner, 0, sum(&[gate, up])),
			(Operation::Activation, 0, intermediate.div_ceil(ACTIVATIONS)),
			(Operation::Outer, 0, sum(&[down])),
		]
	}

	/// The steps after the layers, for a token whose successor is chosen.
	fn last_stages(&self) -> [Stage; 3] {
		[
			(Operation::Norm, 0, 1),
			(Operation::Logits, 0, head(&self.config).tiles()),
			(Operation::Choice, 0, self.choice.tiles()),
		]
	}

	/// Steps of a layer for a token that has `blocks` blocks of positions to look at.
	fn steps_of_layer(&self, layer: &Layer, blocks: u64) -> u64 {
		total(&self.stages(layer, blocks))
	}

	/// Steps of all tokens before `token`.
	fn steps_before(&self, layer: &Layer, token: u64) -> u64 {
		let layers = u64::from(self.config.layers);
		let fixed = self.steps_of_layer(layer, 0);
		let by_block = self.steps_of_layer(layer, 1).saturating_sub(fixed);
		let body = layers.saturating_mul(fixed).saturating_add(1).saturating_mul(token);
		let blocks = self.attention.blocks_before(token);
		let attention = layers.saturating_mul(by_block).saturating_mul(blocks);
		let chosen = token.saturating_sub(self.given.saturating_sub(1));
		body.saturating_add(attention)
			.saturating_add(chosen.saturating_mul(total(&self.last_stages())))
	}

	/// A product's step: its part number `tile` of `products`, which read `x` one after the other and
	/// write to `out` likewise, after what `last` makes of the results.
	fn multiply(
		&self,
		machine: &mut Machine<'_>,
		products: &[&Product],
		tile: u64,
		x: u64,
		out: u64,
		add: bool,
	) -> Result<(), Stop> {
		let rows = Rows { x, count: 1, out, width: 0, scratch: self.regions.scratch };
		let then = if add { Then::Add } else { Then::Nothing };
		product::multiply(machine, products, tile, &rows, &then)
	}

	fn norm(&self, machine: &mut Machine<'_>, weights: u32) -> Result<(), Stop> {
		let hidden = u64::from(self.config.hidden);
		let x = machine.floats(self.regions.x, hidden)?;
		let weights = machine.vector(weights, 0, hidden)?;
		let mut out = vec![0.0; x.len()];
		math::rms_norm(&x, &weights, self.config.rms_eps.get(), &mut out);
		machine.put_floats(self.regions.normed, &out)
	}

	fn activate(&self, machine: &mut Machine<'_>, tile: u64) -> Result<(), Stop> {
		let all = u64::from(self.config.intermediate);
		let first = tile.saturating_mul(ACTIVATIONS).min(all);
		let count = all.saturating_sub(first).min(ACTIVATIONS);
		let gate = float_at(self.regions.inner, first);
		let mut values = machine.floats(gate, count)?;
		let up = machine.floats(float_at(gate, all), count)?;
		math::silu(&mut values);
		math::mul(&mut values, &up);
		machine.put_floats(float_at(self.regions.activation, first), &values)
	}

	fn embed(&self, machine: &mut Machine<'_>, token: u64) -> Result<(), Stop> {
		let number = machine.word(float_at(self.regions.tokens, token))?;
		let row = embedding(&self.config).row(machine, number.into())?;
		machine.put_floats(self.regions.x, &row)
	}

	/// Adds the token that was chosen after `token`, and ends the run if it is one that ends it.
	fn push(&self, machine: &mut Machine<'_>, token: u64, chosen: u32) -> Result<(), Stop> {
		let number = token.saturating_add(1);
		machine.write(float_at(self.regions.tokens, number), &chosen.to_le_bytes())?;
		if self.choice.ends(chosen) || self.config.stop.contains(&chosen) {
			let count = number.saturating_sub(self.given).saturating_add(1);
			machine.finish(count.saturating_mul(FLOAT))?;
		}
		Ok(())
	}
}

impl Schedule for Llama {
	fn steps(&self) -> u64 {
		self.steps_before(&layer(&self.config, 0), self.rows())
	}

	fn step(&self, number: u64) -> Step {
		let shape = layer(&self.config, 0);
		// The last token whose steps begin at `number` or before.
		let (mut token, mut end) = (0, self.rows());
		while end.saturating_sub(token) > 1 {
			let middle = token.midpoint(end);
			if self.steps_before(&shape, middle) <= number {
				token = middle;
			} else {
				end = middle;
			}
		}
		let left = number.saturating_sub(self.steps_before(&shape, token));
		let at = |layer: u64, (operation, tile): (Operation, u64)| Step {
			token: narrow(token),
			layer: narrow(layer),
			operation,
			tile: narrow(tile),
		};
		let Some(left) = left.checked_sub(1) else { return at(0, (Operation::Embedding, 0)) };
		let stages = self.stages(&shape, self.attention.blocks(token));
		let size = total(&stages).max(1);
		let layers = u64::from(self.config.layers);
		let layer = (left / size).min(layers);
		let left = left.saturating_sub(layer.saturating_mul(size));
		if layer < layers {
			at(layer, find(&stages, left))
		} else {
			at(layer, find(&self.last_stages(), left))
		}
	}

	fn kinds(&self) -> Vec<Step> {
		let token = narrow(self.rows().saturating_sub(1));
		let layers = self.config.layers;
		let of = |layer: u32| {
			move |(operation, tile, _): &Stage| Step {
				token,
				layer,
				operation: *operation,
				tile: narrow(*tile),
			}
		};
		let mut kinds = vec![Step { token, layer: 0, operation: Operation::Embedding, tile: 0 }];
		kinds.extend(self.stages(&layer(&self.config, 0), 1).iter().map(of(0)));
		kinds.extend(self.last_stages().iter().map(of(layers)));
		kinds
	}

	fn cost(&self, step: &Step) -> Cost {
		let Layer { q, k, v, o, gate, up, down, .. } = layer(&self.config, step.layer);
		let most = |products: &[&Product]| {
			products.iter().map(|product| product.cost()).fold(Cost::default(), Cost::most)
		};
		let hidden = u64::from(self.config.hidden);
		match step.operation {
			Operation::Embedding => {
				embedding(&self.config).row_cost().pages(float_span(hidden).saturating_add(1))
			},
			Operation::Norm => Cost {
				pages: float_span(hidden).saturating_mul(3).saturating_add(1),
				work: hidden.saturating_mul(4).saturating_add(FUNCTION),
			},
			Operation::Queries => most(&[&q, &k, &v]),
			Operation::Rotation => self.attention.rotation_cost(),
			Operation::Scores => self.attention.scores_cost(),
			Operation::Exponentials => self.attention.exponentials_cost(),
			Operation::Mixture => self.attention.mixture_cost(),
			Operation::Attended => most(&[&o]),
			Operation::Inner => most(&[&gate, &up]),
			Operation::Activation => {
				let count = ACTIVATIONS.min(self.config.intermediate.into());
				Cost {
					pages: float_span(count).saturating_mul(3),
					work: count.saturating_mul(FUNCTION),
				}
			},
			Operation::Outer => most(&[&down]),
			Operation::Logits => head(&self.config).cost(),
			Operation::Choice => self.choice.cost().pages(1),
			_ => Cost::default(),
		}
	}

	fn run(&self, step: &Step, machine: &mut Machine<'_>) -> Result<(), Stop> {
		let Regions { x, normed, qkv, attended, inner, activation, logits, .. } = self.regions;
		let (token, tile) = (u64::from(step.token), u64::from(step.tile));
		let Layer { norms, q, k, v, o, gate, up, down } = layer(&self.config, step.layer);
		let attention = &self.attention;
		match step.operation {
			Operation::Embedding => self.embed(machine, token),
			Operation::Norm if step.layer == self.config.layers => {
				self.norm(machine, last_norm(&self.config))
			},
			Operation::Norm => {
				let weights = norms.get(step.tile as usize).ok_or(Stop::Fault)?;
				self.norm(machine, *weights)
			},
			Operation::Queries => self.multiply(machine, &[&q, &k, &v], tile, normed, qkv, false),
			Operation::Rotation => attention.rotate(machine, step, qkv),
			Operation::Scores => attention.score(machine, step, qkv),
			Operation::Exponentials => attention.exponentiate(machine, step),
			Operation::Mixture => attention.mix(machine, step, attended),
			Operation::Attended => self.multiply(machine, &[&o], tile, attended, x, true),
			Operation::Inner => self.multiply(machine, &[&gate, &up], tile, normed, inner, false),
			Operation::Activation => self.activate(machine, tile),
			Operation::Outer => self.multiply(machine, &[&down], tile, activation, x, true),
			Operation::Logits => {
				self.multiply(machine, &[&head(&self.config)], tile, normed, logits, false)
			},
			Operation::Choice => {
				// From 0 on: the prompt's last token is followed by the first.
				let number = token.saturating_sub(self.given.saturating_sub(1));
				match self.choice.run(machine, tile, number, logits)? {
					Some(chosen) => self.push(machine, token, chosen),
					None => Ok(()),
				}
			},
			_ => Err(Stop::Fault),
		}
	}

	fn input(&self) -> u64 {
		self.regions.tokens
	}

	fn output(&self) -> (u64, u64) {
		(float_at(self.regions.tokens, self.given), float_at(0, self.max_tokens))
	}
}

/// Words' vectors.
fn embedding(config: &Config) -> Product {
	Product::new(config.class, 0, config.hidden, config.vocab, false)
}

/// The number of the last norm's weights.
fn last_norm(config: &Config) -> u32 {
	let layers = tensors_of_layer(config).saturating_mul(config.layers);
	Product::tensors(config.class, false).saturating_add(layers)
}

/// The product that gives the logits.
fn head(config: &Config) -> Product {
	if config.tied {
		return embedding(config);
	}
	let first = last_norm(config).saturating_add(1);
	Product::new(config.class, first, config.hidden, config.vocab, false)
}

/// How many tensors a layer has.
fn tensors_of_layer(config: &Config) -> u32 {
	let of = |bias: bool, count: u32| Product::tensors(config.class, bias).saturating_mul(count);
	let biases = config.biases;
	[of(biases.qkv, 3), of(biases.o, 1), of(biases.mlp, 3)]
		.iter()
		.fold(2, |a, b| a.saturating_add(*b))
}

/// The tensors of a layer, in the order in which the architecture asks for them.
fn layer(config: &Config, layer: u32) -> Layer {
	let mut next = tensors_of_layer(config)
		.saturating_mul(layer)
		.saturating_add(Product::tensors(config.class, false));
	let mut take = |count: u32| {
		let first = next;
		next = next.saturating_add(count);
		first
	};
	let (hidden, intermediate, class) = (config.hidden, config.intermediate, config.class);
	let (attention, kv, biases) = (config.attention_width(), config.kv_width(), config.biases);
	let first = take(1);
	let mut product = |inputs, outputs, bias| {
		Product::new(class, take(Product::tensors(class, bias)), inputs, outputs, bias)
	};
	let q = product(hidden, attention, biases.qkv);
	let k = product(hidden, kv, biases.qkv);
	let v = product(hidden, kv, biases.qkv);
	let o = product(attention, hidden, biases.o);
	let second = take(1);
	let mut product = |inputs, outputs, bias| {
		Product::new(class, take(Product::tensors(class, bias)), inputs, outputs, bias)
	};
	let gate = product(hidden, intermediate, biases.mlp);
	let up = product(hidden, intermediate, biases.mlp);
	let down = product(intermediate, hidden, biases.mlp);
	Layer { norms: [first, second], q, k, v, o, gate, up, down }
}
