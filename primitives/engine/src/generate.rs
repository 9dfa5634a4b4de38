//! Text as tokens, one after the other: which one is next is part of the semantics.

mod sampling;

pub(crate) use sampling::Candidate;
pub use sampling::{choose, uniform, Sampling, MAX_TEMPERATURE, MIN_TEMPERATURE};

use crate::{
	architecture::llama::{Cache, Config, Llama, Logits, Scratch, Sequence, MAX_STOP_TOKENS},
	EngineError, InputFault,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use core::ops::ControlFlow;
use scale_info::TypeInfo;

/// What to go on with, and how.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Prompt {
	/// The tokens that are given; at least one.
	pub tokens: Vec<u32>,
	/// The most tokens that are generated; at least one.
	pub max_tokens: u32,
	/// How a token is chosen.
	pub sampling: Sampling,
	/// Tokens that end the generation, besides the model's own; at most 8.
	pub stop: Vec<u32>,
}

impl Prompt {
	/// Refuses a prompt that a model with so many tokens and positions can't go on with.
	pub fn check(&self, vocab: u32, max_positions: u32) -> Result<(), InputFault> {
		if self.tokens.is_empty() {
			return Err(InputFault::NoToken);
		}
		if self.max_tokens == 0 {
			return Err(InputFault::NothingToGenerate);
		}
		let got = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
		let got = got.saturating_add(self.max_tokens);
		if got > max_positions {
			return Err(InputFault::TooManyTokens { got, most: max_positions });
		}
		if let Some((at, token)) = (0u32..).zip(&self.tokens).find(|(_, token)| **token >= vocab) {
			return Err(InputFault::UnknownToken { at, token: *token });
		}
		let got = u32::try_from(self.stop.len()).unwrap_or(u32::MAX);
		if got > MAX_STOP_TOKENS {
			return Err(InputFault::TooManyStopTokens { got, most: MAX_STOP_TOKENS });
		}
		self.sampling.check()
	}
}

/// Why a generation is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum End {
	/// The last token is one that ends it.
	Stop,
	/// There are as many tokens as were asked for.
	Length,
	/// It was given up.
	Cancelled,
}

/// Tokens, and why there are no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generated {
	/// The tokens, with the one that ended it.
	pub tokens: Vec<u32>,
	/// Why there are no more.
	pub end: End,
}

/// A generation on its way.
#[derive(Clone)]
pub struct Generation {
	/// Those given, and those generated.
	tokens: Vec<u32>,
	/// How many were given.
	given: usize,
	max_tokens: u32,
	sampling: Sampling,
	stop: Vec<u32>,
	cache: Cache,
	outcome: Option<Result<End, EngineError>>,
}

/// What [`Generation::save`] writes.
#[derive(Encode, Decode)]
struct Saved {
	prompt: Prompt,
	generated: Vec<u32>,
	cache: Vec<u8>,
}

impl Generation {
	/// The beginning of a generation. Nothing is computed yet.
	pub fn new(llama: &Llama, prompt: Prompt) -> Result<Self, EngineError> {
		Self::resume(llama, prompt, &[])
	}

	/// A generation that already got this far. What `generated` was computed from is computed
	/// again; the same tokens follow.
	pub fn resume(llama: &Llama, prompt: Prompt, generated: &[u32]) -> Result<Self, EngineError> {
		let Config { vocab, max_positions, stop: model_stop, .. } = llama.config();
		prompt.check(*vocab, *max_positions)?;
		let Prompt { mut tokens, max_tokens, sampling, mut stop } = prompt;
		stop.extend(model_stop);
		let given = tokens.len();
		let known = generated.iter().all(|token| token < vocab);
		let (last, before) = match generated.split_last() {
			Some((last, before)) => (Some(last), before),
			None => (None, &[][..]),
		};
		if !known
			|| generated.len() > max_tokens as usize
			|| before.iter().any(|token| stop.contains(token))
		{
			return Err(EngineError::InvalidState);
		}
		let outcome = last.and_then(|last| end(*last, generated.len(), max_tokens, &stop)).map(Ok);
		tokens.extend_from_slice(generated);
		let cache = llama.cache();
		Ok(Self { tokens, given, max_tokens, sampling, stop, cache, outcome })
	}

	/// The tokens so far.
	pub fn generated(&self) -> &[u32] {
		self.tokens.get(self.given..).unwrap_or_default()
	}

	/// How it ended; `None` while it goes on.
	pub fn outcome(&self) -> Option<&Result<End, EngineError>> {
		self.outcome.as_ref()
	}

	/// Memory that its keys and values take, in bytes.
	pub fn cache_bytes(&self) -> usize {
		self.cache.bytes()
	}

	/// All that is needed to go on with it, as bytes.
	pub fn save(&self, llama: &Llama) -> Vec<u8> {
		let stop = self.stop.len().saturating_sub(llama.config().stop.len());
		let prompt = Prompt {
			tokens: self.tokens.get(..self.given).unwrap_or_default().to_vec(),
			max_tokens: self.max_tokens,
			sampling: self.sampling,
			stop: self.stop.get(..stop).unwrap_or_default().to_vec(),
		};
		let generated = self.generated().to_vec();
		Saved { prompt, generated, cache: self.cache.save() }.encode()
	}

	/// The generation that [`save`](Self::save) made `bytes` of, with the same model. The bytes are
	/// trusted to be the cache of their tokens.
	pub fn restore(llama: &Llama, mut bytes: &[u8]) -> Result<Self, EngineError> {
		let saved = Saved::decode_all(&mut bytes).map_err(|_| EngineError::InvalidState)?;
		let mut this = Self::resume(llama, saved.prompt, &saved.generated)?;
		this.cache = Cache::restore(llama.config(), &saved.cache)?;
		// At least one token has to be left: the next one's logits are not saved.
		if this.cache.len() as usize >= this.tokens.len() {
			return Err(EngineError::InvalidState);
		}
		Ok(this)
	}

	/// Goes one step on with every generation in `batch` that is not over: computes what its next
	/// token depends on, and chooses that, or computes the next `prefill` tokens (at least one) of
	/// a prompt that is longer. What it gets depends neither on `prefill` nor on the others.
	pub fn step(llama: &Llama, batch: &mut [&mut Self], prefill: usize, scratch: &mut Scratch) {
		let mut running: Vec<&mut &mut Self> =
			batch.iter_mut().filter(|generation| generation.outcome.is_none()).collect();
		let mut next: Vec<Next> = running
			.iter()
			.map(|generation| Next {
				sampling: generation.sampling,
				number: generation.generated().len() as u64,
				token: None,
			})
			.collect();
		let mut sequences: Vec<Sequence> = running
			.iter_mut()
			.map(|generation| {
				let Self { tokens, cache, .. } = &mut ***generation;
				let left = tokens.get(cache.len() as usize..).unwrap_or_default();
				match left.get(..prefill.max(1)).filter(|part| part.len() < left.len()) {
					Some(part) => Sequence::new(cache, part, Logits::None),
					None => Sequence::new(cache, left, Logits::Last),
				}
			})
			.collect();
		llama.forward(&mut sequences, scratch, &mut |number, _, logits| {
			if let Some(next) = next.get_mut(number) {
				next.token = Some(choose(logits, &next.sampling, next.number));
			}
		});
		let outcomes: Vec<_> = sequences.into_iter().map(|sequence| sequence.outcome).collect();
		for ((generation, next), outcome) in running.into_iter().zip(next).zip(outcomes) {
			let layer = llama.config().layers;
			match (outcome, next.token) {
				(Err(error), _) => generation.outcome = Some(Err(error)),
				(Ok(()), Some(None)) => {
					generation.outcome = Some(Err(EngineError::NonFiniteResult { layer }));
				},
				(Ok(()), Some(Some(token))) => generation.push(token),
				(Ok(()), None) => {},
			}
		}
	}

	fn push(&mut self, token: u32) {
		self.tokens.push(token);
		self.outcome = end(token, self.generated().len(), self.max_tokens, &self.stop).map(Ok);
	}
}

/// The next token of a generation.
struct Next {
	sampling: Sampling,
	/// How many were generated before it.
	number: u64,
	token: Option<Option<u32>>,
}

/// Whether a generation is over after `last`, the token that makes it `count`.
fn end(last: u32, count: usize, max_tokens: u32, stop: &[u32]) -> Option<End> {
	if stop.contains(&last) {
		Some(End::Stop)
	} else if count >= max_tokens as usize {
		Some(End::Length)
	} else {
		None
	}
}

/// Tokens of a prompt that are computed in one step.
const PREFILL: usize = 64;

impl Llama {
	/// Goes on with `prompt`. `on_token` is called with every token as soon as it is there, and can
	/// give up.
	pub fn generate(
		&self,
		prompt: &Prompt,
		on_token: &mut dyn FnMut(u32) -> ControlFlow<()>,
	) -> Result<Generated, EngineError> {
		self.generate_in_steps(prompt, &mut |fresh| {
			fresh.iter().try_for_each(|token| on_token(*token))
		})
	}

	/// Goes on with `prompt`. `on_step` is called after every step, with the token that it gave, or
	/// with none after a part of a long prompt, and can give up.
	pub fn generate_in_steps(
		&self,
		prompt: &Prompt,
		on_step: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
	) -> Result<Generated, EngineError> {
		let mut generation = Generation::new(self, prompt.clone())?;
		let mut scratch = Scratch::default();
		loop {
			let before = generation.generated().len();
			Generation::step(self, &mut [&mut generation], PREFILL, &mut scratch);
			let fresh = generation.generated().get(before..).unwrap_or_default();
			let cancelled = on_step(fresh).is_break();
			match generation.outcome.take() {
				Some(Err(error)) => return Err(error),
				Some(Ok(end)) => return Ok(generation.finish(end)),
				None if cancelled => return Ok(generation.finish(End::Cancelled)),
				None => {},
			}
		}
	}

	/// The sum over all `tokens` but the first of `-ln p`, where `p` is the probability that the
	/// model gives the token after those before it. For people: it is not part of an answer.
	pub fn loss(&self, tokens: &[u32]) -> Result<f64, EngineError> {
		let (last, before) = tokens.split_last().ok_or(InputFault::NoToken)?;
		if *last >= self.config().vocab {
			let at = u32::try_from(before.len()).unwrap_or(u32::MAX);
			return Err(InputFault::UnknownToken { at, token: *last }.into());
		}
		let mut cache = self.cache();
		let mut sequences = [Sequence::new(&mut cache, before, Logits::All)];
		let mut sum = 0.0;
		self.forward(&mut sequences, &mut Scratch::default(), &mut |_, position, logits| {
			let next = tokens.get((position as usize).saturating_add(1));
			let logit = next.and_then(|next| logits.get(*next as usize)).copied();
			let logit = f64::from(logit.unwrap_or_default());
			let total: f64 = logits.iter().map(|other| libm::exp(f64::from(*other) - logit)).sum();
			sum += libm::log(total);
		});
		let [sequence] = sequences;
		sequence.outcome.map(|()| sum)
	}
}

impl Generation {
	fn finish(mut self, end: End) -> Generated {
		Generated { tokens: self.tokens.split_off(self.given.min(self.tokens.len())), end }
	}
}
