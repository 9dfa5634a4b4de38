//! The llama family: RMS norm, rotary embedding, grouped attention, SwiGLU.
//!
//! Tensors are named as `transformers` names those of `LlamaForCausalLM`, which `Qwen2ForCausalLM`
//! and `MistralForCausalLM` share. The input is an encoded [`Prompt`](crate::generate::Prompt), the
//! output the generated tokens as `u32`, little endian.

mod attention;
mod cache;
mod config;
mod rope;

pub use cache::Cache;
pub use config::{
	Biases, Config, RopeScaling, MAX_HEADS, MAX_HEAD_DIM, MAX_HIDDEN, MAX_INTERMEDIATE, MAX_LAYERS,
	MAX_POSITIONS, MAX_STOP_TOKENS, MAX_VOCAB,
};

use super::asked::{Asked, Kind};

use crate::{
	architecture::{
		linear::{Linear, Part},
		Class,
	},
	artifact::Tensors,
	numeric::{math, threads},
	EngineError, InputFault,
};
use alloc::{format, string::String, vec::Vec};
use attention::Group;
pub(crate) use rope::{rotate, Rope};

/// Most tokens that are computed at once. How many changes no bit.
const MAX_ROWS: usize = 64;
/// Least tokens that are computed at once.
const MIN_ROWS: usize = 4;
/// Most tokens whose logits are computed at once.
const LOGIT_ROWS: usize = 8;

/// A llama with its weights.
pub struct Llama {
	config: Config,
	embedding: Linear,
	layers: Vec<Layer>,
	norm: Vec<f32>,
	/// None where it is the embedding.
	head: Option<Linear>,
	rope: Rope,
	rows: usize,
}

struct Layer {
	attention_norm: Vec<f32>,
	/// Queries, keys and values in one.
	qkv: Linear,
	o: Linear,
	mlp_norm: Vec<f32>,
	/// Gate and up in one.
	gate_up: Linear,
	down: Linear,
}

/// For which tokens logits are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Logits {
	/// None.
	None,
	/// The last one.
	Last,
	/// All.
	All,
}

/// What is computed of one sequence.
pub struct Sequence<'a> {
	/// Keys and values of the tokens before; those of `tokens` are added.
	pub cache: &'a mut Cache,
	/// The tokens that come next.
	pub tokens: &'a [u32],
	/// Whose logits are asked for.
	pub logits: Logits,
	/// Whether that was done. After an error the cache is as it was.
	pub outcome: Result<(), EngineError>,
	/// Positions that the cache had.
	start: u32,
}

impl<'a> Sequence<'a> {
	/// `tokens` that come after those in `cache`.
	pub fn new(cache: &'a mut Cache, tokens: &'a [u32], logits: Logits) -> Self {
		let start = cache.len();
		Self { cache, tokens, logits, outcome: Ok(()), start }
	}

	/// Tokens that are computed already.
	fn done(&self) -> usize {
		self.cache.len().saturating_sub(self.start) as usize
	}
}

/// Memory that is used again from one call to the next.
#[derive(Default)]
pub struct Scratch {
	rows: Vec<Row>,
	wanted: Vec<usize>,
	x: Vec<f32>,
	normed: Vec<f32>,
	angles: Vec<f32>,
	qkv: Vec<f32>,
	attended: Vec<f32>,
	gate_up: Vec<f32>,
	activation: Vec<f32>,
	delta: Vec<f32>,
	logits: Vec<f32>,
}

/// A token that is computed.
struct Row {
	sequence: usize,
	position: u32,
	token: u32,
	wants_logits: bool,
	/// The first layer with a result that is not finite.
	failed: Option<u32>,
}

impl Llama {
	/// Asks for the tensors of a valid `config`, without reading them, and refuses others.
	pub(crate) fn expect(config: &Config, tensors: &Tensors<'_>) -> Result<(), EngineError> {
		asked(config).iter().try_for_each(|asked| asked.expect(tensors))?;
		tensors.finish(|name| {
			// Constants that old exports have, and the head that is the embedding.
			name.ends_with(".rotary_emb.inv_freq") || config.tied && name == "lm_head.weight"
		})
	}

	/// The llama of a valid `config` with the weights in `tensors`, which have no others.
	pub fn load(config: &Config, tensors: &Tensors<'_>) -> Result<Self, EngineError> {
		// Before any of them is read: a wrong file costs nothing.
		Self::expect(config, tensors)?;

		let names: Vec<LayerNames> = (0..config.layers).map(LayerNames::new).collect();
		let [embedding, head] = [EMBEDDING, HEAD].map(|name| Product::table(config, name));
		let mut layers = Vec::with_capacity(names.len());
		for names in &names {
			let [qkv, o, gate_up, down] = names.products(config);
			layers.push(Layer {
				attention_norm: tensors.vector(&names.attention_norm, config.hidden)?,
				qkv: qkv.load(config, tensors)?,
				o: o.load(config, tensors)?,
				mlp_norm: tensors.vector(&names.mlp_norm, config.hidden)?,
				gate_up: gate_up.load(config, tensors)?,
				down: down.load(config, tensors)?,
			});
		}
		let mut this = Self {
			config: config.clone(),
			embedding: embedding.load(config, tensors)?,
			layers,
			norm: tensors.vector(NORM, config.hidden)?,
			head: if config.tied { None } else { Some(head.load(config, tensors)?) },
			rope: Rope::new(config),
			rows: 0,
		};
		this.rows = this.rows_at_once();
		Ok(this)
	}

	/// So many rows that what is computed of them stays small beside the weights.
	fn rows_at_once(&self) -> usize {
		let Widths { hidden, attention, qkv, intermediate } = self.widths();
		let row =
			[hidden, hidden, hidden, attention, qkv, intermediate, intermediate, intermediate]
				.into_iter()
				.fold(0usize, usize::saturating_add)
				.saturating_mul(size_of::<f32>());
		(self.bytes() / 16 / row.max(1)).clamp(MIN_ROWS, MAX_ROWS)
	}

	/// Its configuration.
	pub fn config(&self) -> &Config {
		&self.config
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		let layers = self.layers.iter().map(|layer| {
			let norms = size_of_val(layer.attention_norm.as_slice())
				.saturating_add(size_of_val(layer.mlp_norm.as_slice()));
			[&layer.qkv, &layer.o, &layer.gate_up, &layer.down]
				.into_iter()
				.fold(norms, |sum, linear| sum.saturating_add(linear.bytes()))
		});
		let head = self.head.as_ref().map_or(0, Linear::bytes);
		layers.fold(self.embedding.bytes().saturating_add(head), usize::saturating_add)
	}

	/// An empty cache.
	pub fn cache(&self) -> Cache {
		Cache::new(&self.config)
	}

	/// Computes the tokens of every sequence in `batch`. The logits that are asked for go to
	/// `sink`, with the number of the sequence and the position, in the order of positions.
	///
	/// A sequence's results depend on its own tokens alone: not on the others, and not on how its
	/// tokens are split into calls.
	pub fn forward(
		&self,
		batch: &mut [Sequence<'_>],
		scratch: &mut Scratch,
		sink: &mut dyn FnMut(usize, u32, &mut [f32]),
	) {
		for sequence in batch.iter_mut() {
			if let Err(error) = self.prepare(sequence) {
				sequence.outcome = Err(error);
			}
		}
		loop {
			scratch.rows.clear();
			for (number, sequence) in batch.iter().enumerate() {
				let room = self.rows.saturating_sub(scratch.rows.len());
				if sequence.outcome.is_err() || room == 0 {
					continue;
				}
				let done = sequence.done();
				let last = sequence.tokens.len().saturating_sub(1);
				let left = sequence.tokens.iter().enumerate().skip(done).take(room);
				scratch.rows.extend(left.zip(sequence.cache.len()..).map(
					|((at, token), position)| Row {
						sequence: number,
						position,
						token: *token,
						wants_logits: match sequence.logits {
							Logits::None => false,
							Logits::Last => at == last,
							Logits::All => true,
						},
						failed: None,
					},
				));
			}
			if scratch.rows.is_empty() {
				break;
			}
			if self.pass(batch, scratch, sink).is_none() {
				// Unreachable: every slice was given its length above.
				for sequence in batch.iter_mut() {
					sequence.outcome = Err(EngineError::Backend);
				}
			}
		}
		for sequence in batch.iter_mut().filter(|sequence| sequence.outcome.is_err()) {
			sequence.cache.truncate(sequence.start);
		}
	}

	/// Checks a sequence and makes room for it.
	fn prepare(&self, sequence: &mut Sequence<'_>) -> Result<(), EngineError> {
		if !sequence.cache.fits(&self.config) {
			return Err(EngineError::InvalidState);
		}
		let got = u32::try_from(sequence.tokens.len())
			.map_or(u32::MAX, |count| count.saturating_add(sequence.start));
		let most = self.config.max_positions;
		if got > most {
			return Err(InputFault::TooManyTokens { got, most }.into());
		}
		let known = |token: &u32| *token < self.config.vocab;
		if let Some((at, token)) = (0u32..).zip(sequence.tokens).find(|(_, token)| !known(token)) {
			return Err(InputFault::UnknownToken { at, token: *token }.into());
		}
		sequence.cache.reserve(got)
	}

	/// Computes the rows in `scratch`. None if a slice is not as long as it has to be.
	fn pass(
		&self,
		batch: &mut [Sequence<'_>],
		scratch: &mut Scratch,
		sink: &mut dyn FnMut(usize, u32, &mut [f32]),
	) -> Option<()> {
		let Widths { hidden, attention, qkv, intermediate } = self.widths();
		let rows = scratch.rows.len();
		for (buffer, width) in [
			(&mut scratch.x, hidden),
			(&mut scratch.normed, hidden),
			(&mut scratch.delta, hidden),
			(&mut scratch.qkv, qkv),
			(&mut scratch.attended, attention),
			(&mut scratch.gate_up, intermediate.checked_mul(2)?),
			(&mut scratch.activation, intermediate),
			(&mut scratch.angles, self.config.head_dim as usize),
		] {
			buffer.resize(rows.checked_mul(width)?, 0.0);
		}

		for (row, x) in scratch.rows.iter().zip(scratch.x.chunks_exact_mut(hidden)) {
			self.embedding.weight().row(row.token as usize, x)?;
		}
		self.rope
			.angles(scratch.rows.iter().map(|row| row.position), &mut scratch.angles);
		for (number, layer) in (0u32..).zip(&self.layers) {
			self.layer(number, layer, batch, scratch)?;
		}

		// A sequence's first token that fails is the one that counts, however its tokens are split.
		scratch.wanted.clear();
		for (index, row) in scratch.rows.iter().enumerate() {
			let sequence = batch.get_mut(row.sequence)?;
			if sequence.outcome.is_err() {
				continue;
			}
			match row.failed {
				Some(layer) => sequence.outcome = Err(EngineError::NonFiniteResult { layer }),
				None if row.wants_logits => scratch.wanted.push(index),
				None => {},
			}
		}
		self.logits(batch, scratch, sink)?;
		for row in &scratch.rows {
			let sequence = batch.get_mut(row.sequence)?;
			if sequence.outcome.is_ok() {
				sequence.cache.set_len(row.position.checked_add(1)?);
			}
		}
		Some(())
	}

	/// One layer of every row in `scratch`.
	///
	/// Where a value becomes infinite or a NaN, so does the row's `x` in the end: products, sums,
	/// norms (of a row that has such a value), SiLU and the rotation hide none, and a score, of
	/// which softmax can hide one, is looked at by itself. So are the keys, which other rows will
	/// meet: each row scores itself.
	fn layer(
		&self,
		number: u32,
		layer: &Layer,
		batch: &mut [Sequence<'_>],
		scratch: &mut Scratch,
	) -> Option<()> {
		let eps = self.config.rms_eps.get();
		let Widths { hidden, attention, qkv, intermediate } = self.widths();
		let Scratch { rows, x, normed, angles, attended, gate_up, activation, delta, .. } = scratch;
		let fused = &mut scratch.qkv;

		math::rms_norm(x, &layer.attention_norm, eps, normed);
		layer.qkv.apply(normed, fused);
		let angles = angles.chunks_exact(self.config.head_dim as usize);
		for ((row, fused), angles) in rows.iter().zip(fused.chunks_exact_mut(qkv)).zip(angles) {
			let kv = qkv.checked_sub(attention)? / 2;
			let (rotated, values) = fused.split_at_mut_checked(attention.checked_add(kv)?)?;
			rope::rotate(rotated, angles);
			let keys = rotated.get(attention..)?;
			let cache = &mut batch.get_mut(row.sequence)?.cache;
			cache.write(number as usize, row.position, keys, values)?;
		}
		let kv_heads = self.config.kv_heads as usize;
		let group = attention.checked_div(kv_heads)?;
		let mut groups = Vec::with_capacity(rows.len().checked_mul(kv_heads)?);
		let queries = fused.chunks_exact(qkv).zip(attended.chunks_exact_mut(attention));
		for (row, (fused, attended)) in rows.iter().zip(queries) {
			let (cache, position) = (&*batch.get(row.sequence)?.cache, row.position);
			let queries = fused.get(..attention)?.chunks_exact(group);
			let parts = queries.zip(attended.chunks_exact_mut(group)).enumerate();
			groups.extend(parts.map(|(kv_head, (queries, out))| Group {
				cache,
				kv_head,
				position,
				queries,
				out,
				finite: true,
			}));
		}
		// Keys and values, for each query.
		let positions = rows.iter().map(|row| row.position as usize).max()?;
		let cost = positions.saturating_mul(group).saturating_mul(2 * size_of::<f32>());
		threads::each(&mut groups, cost, |groups| {
			let mut scores = Vec::new();
			groups.iter_mut().for_each(|group| group.attend(number as usize, &mut scores));
		});
		for (row, groups) in rows.iter_mut().zip(groups.chunks_exact(kv_heads)) {
			if !groups.iter().all(|group| group.finite) {
				row.failed.get_or_insert(number);
			}
		}
		layer.o.apply(attended, delta);
		math::add(x, delta);

		math::rms_norm(x, &layer.mlp_norm, eps, normed);
		layer.gate_up.apply(normed, gate_up);
		let halves = gate_up.chunks_exact(intermediate.checked_mul(2)?);
		let mut halves: Vec<_> = halves.zip(activation.chunks_exact_mut(intermediate)).collect();
		threads::each(&mut halves, intermediate.saturating_mul(threads::ACTIVATION), |halves| {
			for (gate_up, activation) in halves {
				// Never none: there are twice as many.
				if let Some((gate, up)) = gate_up.split_at_checked(intermediate) {
					activation.copy_from_slice(gate);
					math::silu(activation);
					math::mul(activation, up);
				}
			}
		});
		layer.down.apply(activation, delta);
		math::add(x, delta);

		for (row, x) in rows.iter_mut().zip(x.chunks_exact(hidden)) {
			if math::first_non_finite(x).is_some() {
				row.failed.get_or_insert(number);
			}
		}
		Some(())
	}

	/// The logits of the rows that want them.
	fn logits(
		&self,
		batch: &mut [Sequence<'_>],
		scratch: &mut Scratch,
		sink: &mut dyn FnMut(usize, u32, &mut [f32]),
	) -> Option<()> {
		let Widths { hidden, .. } = self.widths();
		let vocab = self.config.vocab as usize;
		let eps = self.config.rms_eps.get();
		let head = self.head.as_ref().unwrap_or(&self.embedding);
		for wanted in scratch.wanted.chunks(LOGIT_ROWS) {
			let normed = scratch.normed.get_mut(..wanted.len().checked_mul(hidden)?)?;
			for (index, normed) in wanted.iter().zip(normed.chunks_exact_mut(hidden)) {
				let x = scratch.x.chunks_exact(hidden).nth(*index)?;
				math::rms_norm(x, &self.norm, eps, normed);
			}
			scratch.logits.resize(wanted.len().checked_mul(vocab)?, 0.0);
			head.apply(normed, &mut scratch.logits);
			for (index, logits) in wanted.iter().zip(scratch.logits.chunks_exact_mut(vocab)) {
				let row = scratch.rows.get_mut(*index)?;
				let sequence = batch.get_mut(row.sequence)?;
				// An error is of a later token than those that want logits, or of these.
				if row.failed.is_some() {
					continue;
				}
				if math::first_non_finite(logits).is_some() {
					sequence.outcome =
						Err(EngineError::NonFiniteResult { layer: self.config.layers });
					fail_from(&mut scratch.rows, *index);
					continue;
				}
				sink(row.sequence, row.position, logits);
			}
		}
		Some(())
	}

	fn widths(&self) -> Widths {
		let attention = self.config.attention_width() as usize;
		let kv = self.config.kv_width() as usize;
		Widths {
			hidden: self.config.hidden as usize,
			attention,
			qkv: attention.saturating_add(kv).saturating_add(kv),
			intermediate: self.config.intermediate as usize,
		}
	}
}

/// Marks the row `index` and those of the same sequence behind it.
fn fail_from(rows: &mut [Row], index: usize) {
	let Some(sequence) = rows.get(index).map(|row| row.sequence) else { return };
	for row in rows.iter_mut().skip(index).filter(|row| row.sequence == sequence) {
		row.failed.get_or_insert(u32::MAX);
	}
}

struct Widths {
	hidden: usize,
	attention: usize,
	qkv: usize,
	intermediate: usize,
}

/// The tensors outside of the layers; those of products without `.weight`.
const EMBEDDING: &str = "model.embed_tokens";
const NORM: &str = "model.norm.weight";
const HEAD: &str = "lm_head";

/// All tensors that a llama needs.
pub(crate) fn asked(config: &Config) -> Vec<Asked> {
	let norm = |name: &str| Asked {
		name: name.into(),
		kind: Kind::Floats,
		shape: alloc::vec![config.hidden],
	};
	let mut asked = Product::table(config, EMBEDDING).asked(config.class);
	for names in (0..config.layers).map(LayerNames::new) {
		let [qkv, o, gate_up, down] = names.products(config);
		asked.push(norm(&names.attention_norm));
		asked.extend([qkv, o].iter().flat_map(|product| product.asked(config.class)));
		asked.push(norm(&names.mlp_norm));
		asked.extend([gate_up, down].iter().flat_map(|product| product.asked(config.class)));
	}
	asked.push(norm(NORM));
	if !config.tied {
		asked.extend(Product::table(config, HEAD).asked(config.class));
	}
	asked
}

/// The tensors of a layer; those of products without `.weight`.
struct LayerNames {
	attention_norm: String,
	q: String,
	k: String,
	v: String,
	o: String,
	mlp_norm: String,
	gate: String,
	up: String,
	down: String,
}

impl LayerNames {
	fn new(layer: u32) -> Self {
		let name = |part: &str| format!("model.layers.{layer}.{part}");
		Self {
			attention_norm: name("input_layernorm.weight"),
			q: name("self_attn.q_proj"),
			k: name("self_attn.k_proj"),
			v: name("self_attn.v_proj"),
			o: name("self_attn.o_proj"),
			mlp_norm: name("post_attention_layernorm.weight"),
			gate: name("mlp.gate_proj"),
			up: name("mlp.up_proj"),
			down: name("mlp.down_proj"),
		}
	}

	/// Queries, keys and values; attention's output; gate and up; down.
	fn products(&self, config: &Config) -> [Product<'_>; 4] {
		let Config { hidden, intermediate, biases, .. } = *config;
		let (attention, kv) = (config.attention_width(), config.kv_width());
		let part = |name, outputs| Part { name, outputs };
		[
			Product {
				parts: alloc::vec![part(&self.q, attention), part(&self.k, kv), part(&self.v, kv)],
				inputs: hidden,
				bias: biases.qkv,
			},
			Product {
				parts: alloc::vec![part(&self.o, hidden)],
				inputs: attention,
				bias: biases.o,
			},
			Product {
				parts: alloc::vec![part(&self.gate, intermediate), part(&self.up, intermediate)],
				inputs: hidden,
				bias: biases.mlp,
			},
			Product {
				parts: alloc::vec![part(&self.down, hidden)],
				inputs: intermediate,
				bias: biases.mlp,
			},
		]
	}
}

/// A product of the architecture, as the file has it.
struct Product<'a> {
	parts: Vec<Part<'a>>,
	inputs: u32,
	bias: bool,
}

impl<'a> Product<'a> {
	/// The embedding, or the head.
	fn table(config: &Config, name: &'a str) -> Self {
		let parts = alloc::vec![Part { name, outputs: config.vocab }];
		Self { parts, inputs: config.hidden, bias: false }
	}

	/// Its tensors, as [`Linear`] takes them.
	fn asked(&self, class: Class) -> Vec<Asked> {
		let of = |part: &Part<'_>| {
			Asked::weights(class, part.name, alloc::vec![part.outputs, self.inputs], self.bias)
		};
		self.parts.iter().flat_map(of).collect()
	}

	fn load(&self, config: &Config, tensors: &Tensors<'_>) -> Result<Linear, EngineError> {
		Linear::load(tensors, config.class, &self.parts, self.inputs, self.bias)
	}
}
