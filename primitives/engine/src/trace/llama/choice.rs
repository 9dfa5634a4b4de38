//! Which token is next.

mod draw;

use crate::{
	generate::{choose, Prompt, Sampling},
	trace::{
		layout::{float_at, float_span, narrow, Layout},
		machine::{Machine, Stop},
		program::Cost,
	},
};
use alloc::vec::Vec;
use draw::Draw;

/// Most logits that one step looks at.
const LOGITS: u64 = 96 * 1024;
/// Logits of a block, where all of them are too many for a step and one is drawn.
const BLOCK: u64 = 24 * 1024;
/// What looking at a logit costs, in multiply-accumulates: with chance, it is sorted.
const WORK: u64 = 128;

pub(super) struct Choice {
	vocab: u64,
	sampling: Sampling,
	stop: Vec<u32>,
	/// The greatest logit so far, and its token.
	greatest: u64,
	/// Where one is drawn among too many for a step.
	draw: Option<Draw>,
}

impl Choice {
	pub fn new(vocab: u64, prompt: &Prompt, layout: &mut Layout) -> Self {
		let draw = match prompt.sampling {
			Sampling::Sample { .. } if vocab > LOGITS => {
				Draw::new(vocab, BLOCK, &prompt.sampling, layout)
			},
			_ => None,
		};
		Self {
			vocab,
			sampling: prompt.sampling,
			stop: prompt.stop.clone(),
			greatest: layout.floats(2),
			draw,
		}
	}

	/// Whether the prompt says that `token` ends the generation.
	pub fn ends(&self, token: u32) -> bool {
		self.stop.contains(&token)
	}

	/// Steps of a choice.
	pub fn tiles(&self) -> u64 {
		match &self.draw {
			Some(draw) => draw.tiles(),
			None => self.vocab.div_ceil(LOGITS),
		}
	}

	pub fn cost(&self) -> Cost {
		if let Some(draw) = &self.draw {
			return draw.cost();
		}
		let logits = self.vocab.min(LOGITS);
		let pages = float_span(logits).saturating_add(2);
		Cost { pages, work: logits.saturating_mul(WORK) }
	}

	/// Looks at some of the logits for token number `number` of the answer: the token, once all of them
	/// were looked at.
	pub fn run(
		&self,
		machine: &mut Machine<'_>,
		tile: u64,
		number: u64,
		logits: u64,
	) -> Result<Option<u32>, Stop> {
		if let Some(draw) = &self.draw {
			return draw.run(machine, tile, number, logits);
		}
		if self.tiles() == 1 {
			let mut logits = machine.floats(logits, self.vocab)?;
			return choose(&mut logits, &self.sampling, number).map(Some).ok_or(Stop::Fault);
		}
		let first = tile.saturating_mul(LOGITS).min(self.vocab);
		let count = self.vocab.saturating_sub(first).min(LOGITS);
		let mut logits = machine.floats(float_at(logits, first), count)?;
		let at = choose(&mut logits, &Sampling::Greedy, number).ok_or(Stop::Fault)?;
		let value = *logits.get(at as usize).ok_or(Stop::Fault)?;
		let mut token = narrow(first).saturating_add(at);
		let token_at = float_at(self.greatest, 1);
		let mut greatest = value;
		if tile != 0 {
			let before = machine.floats(self.greatest, 1)?;
			let before = before.first().copied().ok_or(Stop::Fault)?;
			// Of equal ones, the lowest token's.
			if value <= before {
				token = machine.word(token_at)?;
				greatest = before;
			}
		}
		if tile.saturating_add(1) == self.tiles() {
			return Ok(Some(token));
		}
		machine.put_floats(self.greatest, &[greatest])?;
		machine.write(token_at, &token.to_le_bytes())?;
		Ok(None)
	}
}
