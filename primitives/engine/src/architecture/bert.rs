//! BERT's encoder: the tokens of a text in, one vector out.
//!
//! Input: SCALE `Vec<u32>`, the tokens, those that mark the text's ends among them. Output: `f32`,
//! little endian, as many as `hidden`. Tensors have the names that Hugging Face gives them, with
//! or without `bert.` in front; heads on top of the encoder are passed over.

use super::{
	asked::{Asked, Kind},
	linear::{Linear, Part},
	Class,
};
use crate::{
	artifact::Tensors,
	numeric::{
		f32::{encode, SIZE},
		math,
		matrix::F32Builder,
		threads,
	},
	real::Real,
	ConfigFault, EngineError, Field, InputFault,
};
use alloc::{format, string::String, vec, vec::Vec};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most tokens of a vocabulary.
pub const MAX_VOCAB: u32 = 1 << 20;
/// Most tokens of an input.
pub const MAX_POSITIONS: u32 = 8 * 1024;
/// Most token types.
pub const MAX_TYPES: u32 = 1024;
/// Largest hidden size: an output of 16 KiB.
pub const MAX_HIDDEN: u32 = 4 * 1024;
/// Largest intermediate size.
pub const MAX_INTERMEDIATE: u32 = 64 * 1024;
/// Most blocks.
pub const MAX_LAYERS: u32 = 128;

/// Queries whose scores are held at a time.
const QUERIES: usize = 64;

/// The shape of an encoder.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
	/// The numeric class.
	pub class: Class,
	/// Number of tokens that there are.
	pub vocab: u32,
	/// Most tokens of an input.
	pub max_positions: u32,
	/// Number of token types; every token is of the first.
	pub types: u32,
	/// Size of a token's vector.
	pub hidden: u32,
	/// Size between the two layers of a block's perceptron.
	pub intermediate: u32,
	/// Number of blocks.
	pub layers: u32,
	/// Number of attention heads, which share `hidden` equally.
	pub heads: u32,
	/// What is added to a variance before its root.
	pub norm_eps: Real,
	/// The function between the two layers of a block's perceptron.
	pub activation: Activation,
	/// How the tokens' vectors become one.
	pub pooling: Pooling,
	/// Whether the output is divided by its length.
	pub normalize: bool,
}

/// How the vectors of all tokens become one.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Pooling {
	/// Their mean.
	#[codec(index = 0)]
	Mean,
	/// The first token's.
	#[codec(index = 1)]
	Cls,
}

/// The function between the two layers of a block's perceptron.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Activation {
	/// GELU by the error function.
	#[codec(index = 0)]
	Gelu,
	/// GELU approximated by the hyperbolic tangent.
	#[codec(index = 1)]
	GeluTanh,
	/// `x / (1 + exp(−x))`.
	#[codec(index = 2)]
	Silu,
	/// `max(x, 0)`.
	#[codec(index = 3)]
	Relu,
}

impl Activation {
	pub(crate) fn apply(self, x: &mut [f32]) {
		match self {
			Self::Gelu => math::gelu_erf(x),
			Self::GeluTanh => math::gelu_tanh(x),
			Self::Silu => math::silu(x),
			Self::Relu => math::relu(x),
		}
	}
}

impl Config {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		let bounds = [
			(Field::Vocabulary, self.vocab, MAX_VOCAB),
			(Field::Positions, self.max_positions, MAX_POSITIONS),
			(Field::TokenTypes, self.types, MAX_TYPES),
			(Field::Hidden, self.hidden, MAX_HIDDEN),
			(Field::Intermediate, self.intermediate, MAX_INTERMEDIATE),
			(Field::Layers, self.layers, MAX_LAYERS),
			(Field::Heads, self.heads, MAX_HIDDEN),
		];
		for (field, got, most) in bounds {
			if !(1..=most).contains(&got) {
				return Err(ConfigFault::OutOfBounds { field, got, least: 1, most }.into());
			}
		}
		if self.hidden.checked_rem(self.heads) != Some(0) {
			let (field, got, of) = (Field::Hidden, self.hidden, self.heads);
			return Err(ConfigFault::NotAMultiple { field, got, of }.into());
		}
		let eps = self.norm_eps.get();
		// Without it, a token of equal values would be divided by zero.
		if !(eps > 0.0 && eps.is_finite()) {
			return Err(ConfigFault::UnsoundReal { field: Field::NormEps }.into());
		}
		Ok(())
	}

	/// Refuses an input that is not made of this encoder's tokens.
	pub fn check_input(&self, input: &[u8]) -> Result<(), EngineError> {
		self.tokens(input).map(|_| ())
	}

	/// The tokens in `input`.
	pub fn tokens(&self, input: &[u8]) -> Result<Vec<u32>, EngineError> {
		let mut bytes = input;
		let tokens = Vec::<u32>::decode_all(&mut bytes).map_err(|_| InputFault::Undecodable)?;
		let got = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
		if got == 0 {
			return Err(InputFault::NoToken.into());
		}
		if got > self.max_positions {
			return Err(InputFault::TooManyTokens { got, most: self.max_positions }.into());
		}
		for (at, token) in (0u32..).zip(&tokens) {
			if *token >= self.vocab {
				return Err(InputFault::UnknownToken { at, token: *token }.into());
			}
		}
		Ok(tokens)
	}

	/// Makes the output of the sum of `count` tokens' vectors, or of the first one's. Nothing if it is
	/// not finite.
	pub(crate) fn finish(&self, pooled: &mut [f32], count: usize) -> Option<()> {
		if self.pooling == Pooling::Mean {
			pooled.iter_mut().for_each(|sum| *sum /= count as f32);
		}
		if self.normalize {
			let square = math::dot(pooled, pooled);
			// An infinite length would turn every value into a zero.
			let length = Some(libm::sqrtf(square)).filter(|length| length.is_finite())?;
			pooled.iter_mut().for_each(|value| *value /= length.max(MIN_LENGTH));
		}
		finite(pooled)
	}

	/// What a head's scores are multiplied by.
	pub(crate) fn factor(&self) -> f32 {
		1.0 / libm::sqrtf(self.head() as f32)
	}

	/// Length of the longest input, in bytes.
	pub fn max_input_len(&self) -> u32 {
		// The count of the tokens takes up to 4 bytes.
		self.max_positions.saturating_mul(4).saturating_add(4)
	}

	/// Length of an output, in bytes.
	pub fn output_len(&self) -> u32 {
		self.hidden.saturating_mul(SIZE)
	}

	/// Size of an attention head.
	pub(crate) fn head(&self) -> u32 {
		self.hidden.checked_div(self.heads).unwrap_or(0)
	}

	/// Multiply-accumulates of the answer to `input`; 0 if it is not one.
	pub fn work(&self, input: &[u8]) -> u64 {
		self.tokens(input).map_or(0, |tokens| self.work_of(tokens.len() as u64))
	}

	/// Multiply-accumulates for an input of `tokens` tokens.
	pub fn work_of(&self, tokens: u64) -> u64 {
		let hidden = u64::from(self.hidden);
		let linear = hidden
			.saturating_mul(4)
			.saturating_add(u64::from(self.intermediate).saturating_mul(2));
		let attention = tokens.saturating_mul(2);
		linear
			.saturating_add(attention)
			.saturating_mul(hidden)
			.saturating_mul(tokens)
			.saturating_mul(self.layers.into())
	}

	/// Weights and biases together.
	pub fn parameters(&self) -> u64 {
		let [hidden, intermediate] = [self.hidden, self.intermediate].map(u64::from);
		let embeddings = [self.vocab, self.max_positions, self.types].map(u64::from);
		let rows = embeddings.iter().fold(2u64, |sum, rows| sum.saturating_add(*rows));
		// Four of the attention and two of the perceptron, their biases, two norms.
		let block = hidden
			.saturating_mul(4)
			.saturating_add(intermediate.saturating_mul(2))
			.saturating_add(9)
			.saturating_mul(hidden)
			.saturating_add(intermediate);
		rows.saturating_mul(hidden)
			.saturating_add(block.saturating_mul(self.layers.into()))
	}
}

/// An encoder with its weights.
pub(crate) struct Bert {
	config: Config,
	/// Its rows are the tokens' vectors; nothing is multiplied with it.
	words: Linear,
	/// `[positions, hidden]`.
	positions: Vec<f32>,
	/// `[hidden]`.
	kind: Vec<f32>,
	norm: Norm,
	blocks: Vec<Block>,
}

struct Block {
	/// Query, key and value.
	input: Linear,
	output: Linear,
	attention_norm: Norm,
	up: Linear,
	down: Linear,
	norm: Norm,
}

struct Norm {
	weight: Vec<f32>,
	bias: Vec<f32>,
	eps: f32,
}

/// The least that an output is divided by.
const MIN_LENGTH: f32 = 1e-12;

impl Bert {
	/// Asks for the tensors of a valid `config`, without reading them, and refuses others.
	pub fn expect(config: &Config, tensors: &Tensors<'_>) -> Result<(), EngineError> {
		let names = Names::of(config, tensors);
		names.asked().iter().try_for_each(|asked| asked.expect(tensors))?;
		tensors.finish(|name| {
			let name = name.strip_prefix(names.prefix).unwrap_or(name);
			// Heads, and a table of the numbers 0, 1, 2, … that old versions saved.
			["cls.", "pooler.", "embeddings.position_ids"]
				.iter()
				.any(|other| name.starts_with(other))
		})
	}

	/// The encoder of a valid `config` with the weights in `tensors`.
	pub fn load(config: &Config, tensors: &Tensors<'_>) -> Result<Self, EngineError> {
		// Nothing is allocated for a tensor that is not in the file.
		Self::expect(config, tensors)?;
		let names = Names::of(config, tensors);
		let hidden = config.hidden;
		let mut positions = Vec::new();
		tensors.for_each_row(&names.name(POSITIONS), &[config.max_positions, hidden], |row| {
			positions.extend_from_slice(row);
			Ok(())
		})?;
		let mut kind = Vec::new();
		tensors.for_each_row(&names.name(TYPES), &[config.types, hidden], |row| {
			if kind.is_empty() {
				kind.extend_from_slice(row);
			}
			Ok(())
		})?;
		let load = |product: &Product| names.load(tensors, product);
		let load_norm = |name: &str| names.load_norm(tensors, name);
		let blocks = (0..config.layers)
			.map(|layer| {
				let [input, output, up, down] = names.products(layer);
				let [attention_norm, norm] = names.norms(layer);
				Ok(Block {
					input: load(&input)?,
					output: load(&output)?,
					attention_norm: load_norm(&attention_norm)?,
					up: load(&up)?,
					down: load(&down)?,
					norm: load_norm(&norm)?,
				})
			})
			.collect::<Result<_, EngineError>>()?;
		Ok(Self {
			config: config.clone(),
			words: load(&names.words())?,
			positions,
			kind,
			norm: load_norm(&names.name(NORM))?,
			blocks,
		})
	}

	/// The output for `input`.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, EngineError> {
		self.embed(&self.config.tokens(input)?).map(|vector| encode(&vector))
	}

	/// Memory that the weights take, in bytes.
	pub fn bytes(&self) -> usize {
		let norm = |norm: &Norm| size_of_val(&*norm.weight).saturating_mul(2);
		self.blocks.iter().fold(
			self.words
				.bytes()
				.saturating_add(size_of_val(&*self.positions))
				.saturating_add(norm(&self.norm)),
			|sum, block| {
				[&block.input, &block.output, &block.up, &block.down]
					.iter()
					.fold(sum, |sum, linear| sum.saturating_add(linear.bytes()))
					.saturating_add(norm(&block.attention_norm))
					.saturating_add(norm(&block.norm))
			},
		)
	}

	/// The vector of `tokens`, of which there are at least one and at most `positions`.
	fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
		let mut x = self.embeddings(tokens)?;
		let mut layer = 0u32;
		for block in &self.blocks {
			layer = layer.saturating_add(1);
			block.run(&mut x, &self.config).ok_or(EngineError::NonFiniteResult { layer })?;
		}
		let layer = layer.saturating_add(1);
		self.pool(&x).ok_or(EngineError::NonFiniteResult { layer })
	}

	/// What the first block gets: `[tokens, hidden]`.
	fn embeddings(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
		let hidden = self.config.hidden as usize;
		let mut x = vec![0.0; tokens.len().saturating_mul(hidden)];
		let rows = x.chunks_exact_mut(hidden).zip(self.positions.chunks_exact(hidden));
		for ((x, position), token) in rows.zip(tokens) {
			self.words.weight().row(*token as usize, x).ok_or(EngineError::Backend)?;
			math::add(x, &self.kind);
			math::add(x, position);
		}
		self.norm.apply(&mut x).ok_or(EngineError::NonFiniteResult { layer: 0 })?;
		Ok(x)
	}

	fn pool(&self, x: &[f32]) -> Option<Vec<f32>> {
		let hidden = self.config.hidden as usize;
		let mut rows = x.chunks_exact(hidden);
		let count = rows.len();
		let mut pooled = match self.config.pooling {
			Pooling::Mean => {
				let mut sum = vec![0.0; hidden];
				rows.for_each(|row| math::add(&mut sum, row));
				sum
			},
			Pooling::Cls => rows.next()?.to_vec(),
		};
		self.config.finish(&mut pooled, count)?;
		Some(pooled)
	}
}

const WORDS: &str = "embeddings.word_embeddings";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";
const NORM: &str = "embeddings.LayerNorm";

/// All tensors that an encoder needs, by the names that it has alone in a file.
pub(crate) fn asked(config: &Config) -> Vec<Asked> {
	Names { config, prefix: "", norm: NORM_PARTS }.asked()
}

/// The same by the names that they have in `tensors`.
pub(crate) fn asked_in(config: &Config, tensors: &Tensors<'_>) -> Vec<Asked> {
	Names::of(config, tensors).asked()
}

/// What the two tensors of a norm are called.
const NORM_PARTS: [&str; 2] = ["weight", "bias"];
/// What TensorFlow called them, and early files still do.
const EARLY_NORM_PARTS: [&str; 2] = ["gamma", "beta"];

/// What the tensors of an encoder are called in a file.
struct Names<'a> {
	config: &'a Config,
	prefix: &'static str,
	norm: [&'static str; 2],
}

/// Tensors that are one matrix.
struct Product {
	/// Their names, each without `.weight`.
	names: Vec<String>,
	inputs: u32,
	/// Of each of them.
	outputs: u32,
	bias: bool,
}

impl<'a> Names<'a> {
	fn of(config: &'a Config, tensors: &Tensors<'_>) -> Self {
		let with_prefix = tensors.has(&format!("bert.{WORDS}.weight"));
		let prefix = if with_prefix { "bert." } else { "" };
		let is_early = tensors.has(&format!("{prefix}{NORM}.gamma"));
		let norm = if is_early { EARLY_NORM_PARTS } else { NORM_PARTS };
		Self { config, prefix, norm }
	}

	/// All tensors.
	fn asked(&self) -> Vec<Asked> {
		let Config { hidden, max_positions, types, layers, .. } = *self.config;
		let table = |name: &str, rows: u32| Asked {
			name: self.name(name),
			kind: Kind::Floats,
			shape: vec![rows, hidden],
		};
		let mut asked = self.asked_product(&self.words());
		asked.extend([table(POSITIONS, max_positions), table(TYPES, types)]);
		asked.extend(self.asked_norm(&self.name(NORM)));
		for layer in 0..layers {
			let [input, output, up, down] = self.products(layer);
			let [attention_norm, norm] = self.norms(layer);
			asked.extend([input, output].iter().flat_map(|product| self.asked_product(product)));
			asked.extend(self.asked_norm(&attention_norm));
			asked.extend([up, down].iter().flat_map(|product| self.asked_product(product)));
			asked.extend(self.asked_norm(&norm));
		}
		asked
	}

	fn asked_product(&self, product: &Product) -> Vec<Asked> {
		let Product { names, inputs, outputs, bias } = product;
		let weights = names.iter().flat_map(|name| {
			Asked::weights(self.config.class, name, vec![*outputs, *inputs], *bias)
		});
		weights.collect()
	}

	fn asked_norm(&self, name: &str) -> [Asked; 2] {
		let shape = vec![self.config.hidden];
		self.norm_parts(name)
			.map(|name| Asked { name, kind: Kind::Floats, shape: shape.clone() })
	}

	fn words(&self) -> Product {
		let Config { hidden, vocab, .. } = *self.config;
		Product { names: vec![self.name(WORDS)], inputs: hidden, outputs: vocab, bias: false }
	}

	/// Query, key and value; attention's output; the perceptron's two.
	fn products(&self, layer: u32) -> [Product; 4] {
		let Config { hidden, intermediate, .. } = *self.config;
		let product = |names: &[&str], inputs, outputs| Product {
			names: names.iter().map(|name| self.name_in(layer, name)).collect(),
			inputs,
			outputs,
			bias: true,
		};
		let inputs = ["attention.self.query", "attention.self.key", "attention.self.value"];
		[
			product(&inputs, hidden, hidden),
			product(&["attention.output.dense"], hidden, hidden),
			product(&["intermediate.dense"], hidden, intermediate),
			product(&["output.dense"], intermediate, hidden),
		]
	}

	/// The one after attention, the one after the perceptron.
	fn norms(&self, layer: u32) -> [String; 2] {
		["attention.output.LayerNorm", "output.LayerNorm"].map(|name| self.name_in(layer, name))
	}

	fn name_in(&self, layer: u32, name: &str) -> String {
		format!("{}encoder.layer.{layer}.{name}", self.prefix)
	}

	fn name(&self, name: &str) -> String {
		format!("{}{name}", self.prefix)
	}

	fn norm_parts(&self, name: &str) -> [String; 2] {
		self.norm.map(|part| format!("{name}.{part}"))
	}

	fn load(&self, tensors: &Tensors<'_>, product: &Product) -> Result<Linear, EngineError> {
		let Product { names, inputs, outputs, bias } = product;
		let parts: Vec<Part<'_>> =
			names.iter().map(|name| Part { name, outputs: *outputs }).collect();
		Linear::load(tensors, self.config.class, &parts, *inputs, *bias)
	}

	fn load_norm(&self, tensors: &Tensors<'_>, name: &str) -> Result<Norm, EngineError> {
		let [weight, bias] = self.norm_parts(name);
		Ok(Norm {
			weight: tensors.vector(&weight, self.config.hidden)?,
			bias: tensors.vector(&bias, self.config.hidden)?,
			eps: self.config.norm_eps.get(),
		})
	}
}

impl Block {
	/// Nothing if a value became infinite or not a number.
	///
	/// Products, sums, norms and the GELUs pass on what is not finite. What can hide it is looked
	/// at before it runs: softmax an infinite score, ReLU a `-inf`.
	fn run(&self, x: &mut Vec<f32>, config: &Config) -> Option<()> {
		let seen = self.attention(x, config)?;
		let mut sum = apply(&self.output, &seen);
		math::add(&mut sum, x);
		self.attention_norm.apply(&mut sum)?;

		let mut inner = apply(&self.up, &sum);
		finite(&inner)?;
		let width = config.intermediate as usize;
		let mut rows: Vec<_> = inner.chunks_exact_mut(width).collect();
		threads::each(&mut rows, width.saturating_mul(threads::ACTIVATION), |rows| {
			rows.iter_mut().for_each(|row| config.activation.apply(row));
		});
		*x = apply(&self.down, &inner);
		math::add(x, &sum);
		self.norm.apply(x)
	}

	/// What every token sees of all of them: `[tokens, hidden]`.
	fn attention(&self, x: &[f32], config: &Config) -> Option<Vec<f32>> {
		let (hidden, head) = (config.hidden as usize, config.head() as usize);
		let tokens = x.len().checked_div(hidden)?;
		let inputs = apply(&self.input, x);

		// A head's values lie together here, so that each can be another thread's.
		let size = tokens.checked_mul(head)?;
		let mut seen = vec![0.0; x.len()];
		let mut heads: Vec<_> =
			seen.chunks_exact_mut(size).enumerate().map(|head| (head, None)).collect();
		let cost = size.saturating_mul(tokens).saturating_mul(2 * size_of::<f32>());
		threads::each(&mut heads, cost, |heads| {
			for ((number, seen), done) in heads {
				*done = attend(&inputs, hidden, number.saturating_mul(head), head, seen);
			}
		});
		if heads.iter().any(|(_, done)| done.is_none()) {
			return None;
		}
		let mut out = vec![0.0; x.len()];
		for (number, seen) in seen.chunks_exact(size).enumerate() {
			let rows = out.chunks_exact_mut(hidden);
			for (out, seen) in rows.zip(seen.chunks_exact(head)) {
				out.chunks_exact_mut(head).nth(number)?.copy_from_slice(seen);
			}
		}
		Some(out)
	}
}

/// What every token sees of all of them with the head whose queries begin at `first`:
/// `[tokens, head]`. In `inputs`, a token's query, key and value lie one after the other.
fn attend(
	inputs: &[f32],
	hidden: usize,
	first: usize,
	head: usize,
	seen: &mut [f32],
) -> Option<()> {
	let width = hidden.checked_mul(3)?;
	let tokens = inputs.len().checked_div(width)?;
	let factor = 1.0 / libm::sqrtf(head as f32);
	let part = first..first.checked_add(head)?;
	let keys = first.checked_add(hidden)?;
	let keys = keys..keys.checked_add(head)?;
	let values = first.checked_add(hidden.checked_mul(2)?)?;

	let mut builder = F32Builder::new(tokens, head);
	for row in inputs.chunks_exact(width) {
		builder.push_row(row.get(keys.clone())?)?;
	}
	let keys = builder.finish()?;
	let mut builder = F32Builder::new(head, tokens);
	let mut column = vec![0.0; tokens];
	for at in values..values.checked_add(head)? {
		let values = inputs.iter().skip(at).step_by(width);
		column.iter_mut().zip(values).for_each(|(place, value)| *place = *value);
		builder.push_row(&column)?;
	}
	let values = builder.finish()?;

	let mut scores = vec![0.0; QUERIES.min(tokens).checked_mul(tokens)?];
	let rows = inputs.chunks(QUERIES.checked_mul(width)?);
	for (rows, seen) in rows.zip(seen.chunks_mut(QUERIES.checked_mul(head)?)) {
		// The queries are used up when what was seen takes their place.
		for (query, row) in seen.chunks_exact_mut(head).zip(rows.chunks_exact(width)) {
			query.copy_from_slice(row.get(part.clone())?);
		}
		let count = rows.len().checked_div(width)?;
		let scores = scores.get_mut(..count.checked_mul(tokens)?)?;
		keys.product(seen, scores);
		math::scale(scores, factor);
		finite(scores)?;
		scores.chunks_exact_mut(tokens).for_each(math::softmax);
		values.product(scores, seen);
	}
	Some(())
}

impl Norm {
	/// Nothing if a value is infinite or not a number, before or after.
	fn apply(&self, x: &mut [f32]) -> Option<()> {
		math::layer_norm(x, &self.weight, &self.bias, self.eps);
		finite(x)
	}
}

/// `linear` of each row of `x`.
fn apply(linear: &Linear, x: &[f32]) -> Vec<f32> {
	let weight = linear.weight();
	let rows = x.len().checked_div(weight.inputs()).unwrap_or(0);
	let mut out = vec![0.0; rows.saturating_mul(weight.outputs())];
	linear.apply(x, &mut out);
	out
}

fn finite(values: &[f32]) -> Option<()> {
	math::first_non_finite(values).is_none().then_some(())
}
