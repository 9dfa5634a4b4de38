//! What a llama is like, and what is asked of it.

use crate::{
	architecture::Class, generate::Prompt, real::Real, ConfigFault, EngineError, Field, InputFault,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Largest vocabulary.
pub const MAX_VOCAB: u32 = 512 * 1024;
/// Largest width of the residual stream, and of all heads together.
pub const MAX_HIDDEN: u32 = 16 * 1024;
/// Largest width within a feed-forward block.
pub const MAX_INTERMEDIATE: u32 = 64 * 1024;
/// Most layers.
pub const MAX_LAYERS: u32 = 128;
/// Most heads.
pub const MAX_HEADS: u32 = 256;
/// Largest width of a head.
pub const MAX_HEAD_DIM: u32 = 512;
/// Most positions.
pub const MAX_POSITIONS: u32 = 1024 * 1024;
/// Most tokens that end a generation.
pub const MAX_STOP_TOKENS: u32 = 8;

/// The shape of a llama.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
	/// The class of its products.
	pub class: Class,
	/// Number of tokens that there are.
	pub vocab: u32,
	/// Width of the residual stream.
	pub hidden: u32,
	/// Width within a feed-forward block.
	pub intermediate: u32,
	/// Number of layers.
	pub layers: u32,
	/// Number of heads.
	pub heads: u32,
	/// Number of heads of keys and values; each serves the same number of heads.
	pub kv_heads: u32,
	/// Width of a head; even.
	pub head_dim: u32,
	/// Number of positions.
	pub max_positions: u32,
	/// Base of the rotary embedding's frequencies.
	pub rope_theta: Real,
	/// How the frequencies are stretched.
	pub rope_scaling: RopeScaling,
	/// What a norm adds to the mean square.
	pub rms_eps: Real,
	/// Whether the output's weights are the embedding's.
	pub tied: bool,
	/// Which products have a bias.
	pub biases: Biases,
	/// Tokens that end a generation.
	pub stop: BoundedVec<u32, ConstU32<MAX_STOP_TOKENS>>,
}

/// How the rotary embedding's frequencies are stretched, for more positions than in training.
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
pub enum RopeScaling {
	/// Not at all.
	#[codec(index = 0)]
	None,
	/// All by the same factor.
	#[codec(index = 1)]
	Linear {
		/// What they are divided by.
		factor: Real,
	},
	/// The low ones only, as Llama 3.1 has it.
	#[codec(index = 2)]
	Llama3 {
		/// What the low ones are divided by.
		factor: Real,
		/// Wave lengths above `original_positions / low_freq_factor` are the low frequencies.
		low_freq_factor: Real,
		/// Wave lengths below `original_positions / high_freq_factor` are the high frequencies.
		high_freq_factor: Real,
		/// Number of positions in training.
		original_positions: u32,
	},
}

/// Which products have a bias.
#[derive(
	Clone,
	Copy,
	Default,
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
pub struct Biases {
	/// Those of queries, keys and values.
	pub qkv: bool,
	/// The one of attention's output.
	pub o: bool,
	/// Those of the feed-forward block.
	pub mlp: bool,
}

impl Config {
	/// Refuses a configuration that the engine can't run.
	pub fn validate(&self) -> Result<(), EngineError> {
		self.find_fault().map_or(Ok(()), |fault| Err(fault.into()))
	}

	fn find_fault(&self) -> Option<ConfigFault> {
		let sizes = [
			(Field::Vocabulary, self.vocab, MAX_VOCAB),
			(Field::Hidden, self.hidden, MAX_HIDDEN),
			(Field::Intermediate, self.intermediate, MAX_INTERMEDIATE),
			(Field::Layers, self.layers, MAX_LAYERS),
			(Field::Heads, self.heads, MAX_HEADS),
			(Field::KvHeads, self.kv_heads, self.heads),
			(Field::HeadDim, self.head_dim, MAX_HEAD_DIM),
			(Field::AttentionWidth, self.attention_width(), MAX_HIDDEN),
			(Field::Positions, self.max_positions, MAX_POSITIONS),
		];
		for (field, got, most) in sizes {
			if got == 0 || got > most {
				return Some(ConfigFault::OutOfBounds { field, got, least: 1, most });
			}
		}
		for (field, got, of) in
			[(Field::Heads, self.heads, self.kv_heads), (Field::HeadDim, self.head_dim, 2)]
		{
			if !got.is_multiple_of(of) {
				return Some(ConfigFault::NotAMultiple { field, got, of });
			}
		}
		let most = self.vocab.saturating_sub(1);
		if let Some(got) = self.stop.iter().copied().find(|token| *token > most) {
			return Some(ConfigFault::OutOfBounds { field: Field::StopToken, got, least: 0, most });
		}
		let is_sound = |value: Real| value.get().is_finite() && value.get() > 0.0;
		let scaling = match self.rope_scaling {
			RopeScaling::None => true,
			RopeScaling::Linear { factor } => is_sound(factor),
			RopeScaling::Llama3 {
				factor,
				low_freq_factor: low,
				high_freq_factor: high,
				original_positions,
			} => {
				is_sound(factor)
					&& is_sound(low)
					&& is_sound(high)
					&& low.get() < high.get()
					&& (1..=MAX_POSITIONS).contains(&original_positions)
			},
		};
		// Frequencies above 1 would be none that any model has.
		let theta = is_sound(self.rope_theta) && self.rope_theta.get() >= 1.0;
		let eps = self.rms_eps.get().is_finite() && self.rms_eps.get() >= 0.0;
		[(Field::RopeTheta, theta), (Field::RopeScaling, scaling), (Field::NormEps, eps)]
			.into_iter()
			.find(|(_, sound)| !sound)
			.map(|(field, _)| ConfigFault::UnsoundReal { field })
	}

	/// The prompt in `input`, which fits this model.
	pub fn decode_input(&self, mut input: &[u8]) -> Result<Prompt, EngineError> {
		let prompt = Prompt::decode_all(&mut input).map_err(|_| InputFault::Undecodable)?;
		self.check_prompt(&prompt)?;
		Ok(prompt)
	}

	/// Refuses a prompt that does not fit this model.
	pub fn check_prompt(&self, prompt: &Prompt) -> Result<(), EngineError> {
		prompt.check(self.vocab, self.max_positions).map_err(Into::into)
	}

	/// The most bytes that an input has.
	pub fn max_input_len(&self) -> u32 {
		// Tokens and stop tokens with their counts, the number of tokens, the sampling.
		let most = self.max_positions.saturating_sub(1).saturating_add(MAX_STOP_TOKENS);
		most.saturating_mul(4).saturating_add(4 + 1 + 4 + 21)
	}

	/// The most bytes that the output for `input` has; 0 if it is not an input.
	pub fn max_output_len_of(&self, input: &[u8]) -> u32 {
		self.decode_input(input).map_or(0, |prompt| prompt.max_tokens.saturating_mul(4))
	}

	/// The most bytes that an output has.
	pub fn max_output_len(&self) -> u32 {
		self.max_positions.saturating_sub(1).saturating_mul(4)
	}

	/// Weights and biases together.
	pub fn parameters(&self) -> u64 {
		let [hidden, intermediate, vocab] =
			[self.hidden, self.intermediate, self.vocab].map(u64::from);
		let q = u64::from(self.attention_width());
		let qkv = q.saturating_add(u64::from(self.kv_width()).saturating_mul(2));
		let biases = [
			(self.biases.qkv, qkv),
			(self.biases.o, hidden),
			(self.biases.mlp, intermediate.saturating_mul(2).saturating_add(hidden)),
		];
		let biases = biases
			.into_iter()
			.filter(|(there, _)| *there)
			.fold(0u64, |sum, (_, count)| sum.saturating_add(count));
		let norms = hidden.saturating_mul(2);
		let layer = self.work_of_a_layer().saturating_add(norms).saturating_add(biases);
		let tables: u64 = if self.tied { 1 } else { 2 };
		layer
			.saturating_mul(self.layers.into())
			.saturating_add(tables.saturating_mul(vocab).saturating_mul(hidden))
			.saturating_add(hidden)
	}

	/// Multiply-accumulates of the answer to `input`; 0 if it is not one.
	pub fn work(&self, input: &[u8]) -> u64 {
		self.decode_input(input)
			.map_or(0, |prompt| self.work_of(prompt.tokens.len() as u64, prompt.max_tokens.into()))
	}

	/// Multiply-accumulates of generating `generated` tokens after `given` ones.
	pub fn work_of(&self, given: u64, generated: u64) -> u64 {
		// Nothing is computed from the last token.
		let rows = given.saturating_add(generated).saturating_sub(1);
		let pairs = rows.saturating_mul(rows.saturating_add(1)) / 2;
		let layer = self
			.work_of_a_layer()
			.saturating_mul(rows)
			.saturating_add(pairs.saturating_mul(2).saturating_mul(self.attention_width().into()));
		let head = u64::from(self.vocab).saturating_mul(self.hidden.into());
		layer
			.saturating_mul(self.layers.into())
			.saturating_add(head.saturating_mul(generated))
	}

	/// Multiply-accumulates of one token in one layer, without those of attention itself.
	fn work_of_a_layer(&self) -> u64 {
		let q = u64::from(self.attention_width());
		let kv = u64::from(self.kv_width());
		let intermediate = u64::from(self.intermediate);
		q.saturating_add(kv)
			.saturating_mul(2)
			.saturating_add(intermediate.saturating_mul(3))
			.saturating_mul(self.hidden.into())
	}

	/// Memory that a cache takes for each position, in bytes.
	pub fn cache_bytes(&self) -> u64 {
		u64::from(self.kv_width()).saturating_mul(self.layers.into()).saturating_mul(8)
	}

	/// Width of all heads together.
	pub(crate) fn attention_width(&self) -> u32 {
		self.heads.saturating_mul(self.head_dim)
	}

	/// Width of all heads of keys, or of values, together.
	pub(crate) fn kv_width(&self) -> u32 {
		self.kv_heads.saturating_mul(self.head_dim)
	}
}
