//! The engine.

use crate::{LanguageModel, Result, Weights};
use dodona_engine::{
	architecture::llama::{Cache, Llama, Logits, Scratch, Sequence},
	generate::{choose, Sampling},
	numeric::enter,
	Model,
};

/// A language model that the engine runs, on the threads of the pool that it is called in.
pub struct Engine {
	model: Model,
	scratch: Scratch,
}

impl Engine {
	/// Reads the weights.
	pub fn load(weights: &Weights) -> Result<Self> {
		let model = weights.load()?;
		model.llama().ok_or("no language model")?;
		Ok(Self { model, scratch: Scratch::default() })
	}

	fn run<R: Send>(
		&mut self,
		job: impl FnOnce(&Llama, &mut Cache, &mut Scratch) -> Result<R> + Send,
	) -> Result<R> {
		let Self { model, scratch } = self;
		let llama = model.llama().ok_or("no language model")?;
		enter(|| job(llama, &mut llama.cache(), scratch))
	}
}

impl LanguageModel for Engine {
	fn prefill(&mut self, tokens: &[u32]) -> Result<()> {
		self.run(|llama, cache, scratch| next(llama, cache, scratch, tokens).map(drop))
	}

	fn decode(&mut self, first: u32, count: usize) -> Result<Vec<u32>> {
		self.run(|llama, cache, scratch| {
			let mut tokens = Vec::with_capacity(count);
			let mut token = first;
			for _ in 0..count {
				token = next(llama, cache, scratch, &[token])?;
				tokens.push(token);
			}
			Ok(tokens)
		})
	}
}

/// The likeliest token after `tokens`, which come next in `cache`.
fn next(llama: &Llama, cache: &mut Cache, scratch: &mut Scratch, tokens: &[u32]) -> Result<u32> {
	let mut token = None;
	let mut sequences = [Sequence::new(cache, tokens, Logits::Last)];
	llama.forward(&mut sequences, scratch, &mut |_, _, logits| {
		token = choose(logits, &Sampling::Greedy, 0);
	});
	let [sequence] = sequences;
	sequence.outcome?;
	Ok(token.ok_or("no logits")?)
}
