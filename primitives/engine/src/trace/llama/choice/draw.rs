//! A token drawn among so many that no step can look at all of them: the same as `generate::choose`
//! does, block by block. What has to be in order is sorted by turns: neighbouring blocks are merged,
//! and in as many rounds as there are blocks everything finds its place.

use super::WORK;
use crate::{
	generate::{uniform, Candidate, Sampling},
	numeric::math,
	trace::{
		layout::{float_at, float_span, narrow, Layout},
		machine::{finite, Machine, Stop},
		program::Cost,
	},
};
use alloc::vec::Vec;

pub(super) struct Draw {
	vocab: u64,
	/// Tokens of a block.
	block: u64,
	temperature: f32,
	/// How many of the greatest logits are kept; none is all.
	top_k: Option<u64>,
	/// How much of the probability is kept; none is all.
	top_p: Option<f32>,
	seed: u64,
	/// A [`State`].
	state: u64,
	/// Candidates, as many as the blocks have places.
	ranks: u64,
}

/// What one step does with a block of tokens, or with two blocks of candidates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
	/// Divides logits by the temperature.
	Divide,
	/// Sorts logits.
	RankLogits,
	/// Adds up the exponentials of what is kept.
	Sum,
	/// Writes shares to be sorted.
	Share,
	/// Sorts shares.
	RankShares,
	/// Finds how many of the greatest shares are kept.
	Cut,
	/// Adds up the shares that are kept.
	Total,
	/// Finds the token.
	Pick,
}

/// What steps leave to those after them.
#[derive(Clone, Copy)]
struct State {
	/// The greatest logit.
	greatest: f32,
	/// The last candidate among the logits that are kept.
	last_logit: Candidate,
	/// The sum of the exponentials.
	sum: f32,
	/// The sum of the shares that are kept so far, from the greatest on.
	kept: f32,
	/// Whether that is enough.
	enough: bool,
	/// The last candidate among the shares that are kept.
	last_share: Candidate,
	/// The sum of the shares that are kept, in the order of tokens.
	total: f32,
	/// The same, of the tokens that were looked at.
	passed: f32,
	/// The token, once it is found.
	chosen: Option<u32>,
	/// The last token that has a share.
	last: Option<u32>,
}

/// What is after all candidates, on places that no token has.
const NONE: Candidate = Candidate { token: u32::MAX, value: f32::MIN };

/// Bytes of a candidate.
const CANDIDATE: u64 = 8;

/// Floats and words of a [`State`].
const WORDS: u64 = 14;

impl Draw {
	/// Nothing if no token is drawn.
	pub fn new(vocab: u64, block: u64, sampling: &Sampling, layout: &mut Layout) -> Option<Self> {
		let Sampling::Sample { temperature, top_k, top_p, seed } = *sampling else { return None };
		let ranks = vocab.next_multiple_of(block).saturating_mul(CANDIDATE);
		Some(Self {
			vocab,
			block,
			temperature: temperature.get(),
			top_k: Some(u64::from(top_k)).filter(|k| (1..vocab).contains(k)),
			top_p: Some(top_p.get()).filter(|p| *p < 1.0),
			seed,
			state: layout.floats(WORDS),
			ranks: layout.region(ranks),
		})
	}

	fn blocks(&self) -> u64 {
		self.vocab.div_ceil(self.block)
	}

	/// Merges of neighbouring blocks, in as many rounds as there are blocks: in turns the first with the
	/// second and so on, and the second with the third and so on.
	fn merges(&self) -> u64 {
		let blocks = self.blocks();
		let both = blocks.saturating_sub(1);
		both.saturating_mul(blocks / 2)
			.saturating_add(if blocks % 2 == 1 { blocks / 2 } else { 0 })
	}

	/// The first block of merge number `number`.
	fn merged(&self, number: u64) -> u64 {
		let blocks = self.blocks();
		let rest = number % blocks.saturating_sub(1).max(1);
		match rest.checked_sub(blocks / 2) {
			None => rest.saturating_mul(2),
			Some(rest) => rest.saturating_mul(2).saturating_add(1),
		}
	}

	/// The stages, and how many steps each has.
	fn stages(&self) -> [(Stage, u64); 8] {
		let blocks = self.blocks();
		let (top_k, top_p) = (u64::from(self.top_k.is_some()), u64::from(self.top_p.is_some()));
		[
			(Stage::Divide, blocks),
			(Stage::RankLogits, top_k.saturating_mul(self.merges())),
			(Stage::Sum, blocks),
			(Stage::Share, top_p.saturating_mul(blocks)),
			(Stage::RankShares, top_p.saturating_mul(self.merges())),
			(Stage::Cut, top_p.saturating_mul(blocks)),
			(Stage::Total, blocks),
			(Stage::Pick, blocks),
		]
	}

	pub fn tiles(&self) -> u64 {
		self.stages().iter().map(|(_, count)| *count).fold(0, u64::saturating_add)
	}

	pub fn cost(&self) -> Cost {
		// The most is two blocks of candidates, or the logits and the candidates of one.
		let two = self.block.saturating_mul(2);
		let pages = float_span(two.saturating_mul(2)).saturating_add(4);
		Cost { pages, work: two.saturating_mul(WORK) }
	}

	/// Step number `tile`: the token number `number` of the answer, if it is the last.
	pub fn run(
		&self,
		machine: &mut Machine<'_>,
		tile: u64,
		number: u64,
		logits: u64,
	) -> Result<Option<u32>, Stop> {
		let mut left = tile;
		for (stage, count) in self.stages() {
			if left >= count {
				left = left.saturating_sub(count);
				continue;
			}
			if matches!(stage, Stage::RankLogits | Stage::RankShares) {
				self.merge(machine, self.merged(left))?;
				return Ok(None);
			}
			let mut state = State::read(machine, self.state)?;
			match stage {
				Stage::Divide => self.divide(machine, left, logits, &mut state)?,
				Stage::Sum => self.sum(machine, left, logits, &mut state)?,
				Stage::Share => self.share(machine, left, logits, &state)?,
				Stage::Cut => self.cut(machine, left, &mut state)?,
				Stage::Total => {
					let before = if left == 0 { 0.0 } else { state.total };
					let shares = self.shares(machine, left, logits, &state)?;
					state.total = shares.iter().fold(before, |sum, share| sum + share.value);
				},
				_ => self.pick(machine, left, number, logits, &mut state)?,
			}
			state.write(machine, self.state)?;
			let done = stage == Stage::Pick && left.saturating_add(1) == count;
			return match (done, state.chosen.or(state.last)) {
				(false, _) => Ok(None),
				(true, Some(token)) => Ok(Some(token)),
				(true, None) => Err(Stop::Fault),
			};
		}
		Err(Stop::Fault)
	}

	/// The first token of a block, and how many it has.
	fn tokens(&self, block: u64) -> (u64, u64) {
		let first = block.saturating_mul(self.block).min(self.vocab);
		(first, self.vocab.saturating_sub(first).min(self.block))
	}

	/// The logits of a block that are kept.
	fn logits(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		logits: u64,
		state: &State,
	) -> Result<Vec<Candidate>, Stop> {
		let (first, count) = self.tokens(block);
		let logits = machine.floats(float_at(logits, first), count)?;
		let all = (narrow(first)..).zip(logits).map(|(token, value)| Candidate { token, value });
		Ok(all
			.filter(|candidate| self.top_k.is_none() || *candidate >= state.last_logit)
			.collect())
	}

	/// The exponentials of candidates, in their places.
	fn exponentials(candidates: &mut [Candidate], greatest: f32) {
		let mut values: Vec<f32> =
			candidates.iter().map(|candidate| candidate.value - greatest).collect();
		math::exp(&mut values);
		for (candidate, value) in candidates.iter_mut().zip(values) {
			candidate.value = value;
		}
	}

	/// The shares of a block that are kept, as far as that is known.
	fn shares(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		logits: u64,
		state: &State,
	) -> Result<Vec<Candidate>, Stop> {
		let mut candidates = self.logits(machine, block, logits, state)?;
		Self::exponentials(&mut candidates, state.greatest);
		for candidate in &mut candidates {
			candidate.value /= state.sum;
			finite(&[candidate.value])?;
		}
		if state.enough {
			candidates.retain(|candidate| *candidate >= state.last_share);
		}
		Ok(candidates)
	}

	fn divide(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		logits: u64,
		state: &mut State,
	) -> Result<(), Stop> {
		let (first, count) = self.tokens(block);
		let at = float_at(logits, first);
		let mut values = machine.floats(at, count)?;
		values.iter_mut().for_each(|value| *value /= self.temperature);
		machine.put_floats(at, &values)?;
		let most = math::maximum(&values);
		if block == 0 {
			*state = State::new(most);
		} else if most > state.greatest {
			state.greatest = most;
		}
		if self.top_k.is_none() {
			return Ok(());
		}
		let candidates = (narrow(first)..).zip(values);
		let candidates = candidates.map(|(token, value)| Candidate { token, value }).collect();
		self.rank(machine, block, candidates)
	}

	fn sum(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		logits: u64,
		state: &mut State,
	) -> Result<(), Stop> {
		if let (0, Some(last)) = (block, self.top_k.and_then(|k| k.checked_sub(1))) {
			let found = self.candidates(machine, last, 1)?;
			state.last_logit = *found.first().ok_or(Stop::Fault)?;
		}
		let mut candidates = self.logits(machine, block, logits, state)?;
		Self::exponentials(&mut candidates, state.greatest);
		state.sum = candidates.iter().fold(state.sum, |sum, candidate| sum + candidate.value);
		Ok(())
	}

	fn share(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		logits: u64,
		state: &State,
	) -> Result<(), Stop> {
		let shares = self.shares(machine, block, logits, state)?;
		self.rank(machine, block, shares)
	}

	fn cut(&self, machine: &mut Machine<'_>, block: u64, state: &mut State) -> Result<(), Stop> {
		let first = block.saturating_mul(self.block);
		for candidate in self.candidates(machine, first, self.block)? {
			if state.enough || candidate == NONE {
				break;
			}
			state.last_share = candidate;
			state.kept += candidate.value;
			state.enough = self.top_p.is_none_or(|top_p| state.kept >= top_p);
		}
		Ok(())
	}

	fn pick(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		number: u64,
		logits: u64,
		state: &mut State,
	) -> Result<(), Stop> {
		let target = uniform(self.seed, number) * state.total;
		for share in self.shares(machine, block, logits, state)? {
			state.passed += share.value;
			if state.passed > target {
				state.chosen = state.chosen.or(Some(share.token));
			}
			// Rounding may leave none.
			if share.value > 0.0 {
				state.last = Some(share.token);
			}
		}
		Ok(())
	}

	/// Sorts two neighbouring blocks of candidates.
	fn merge(&self, machine: &mut Machine<'_>, block: u64) -> Result<(), Stop> {
		let first = block.saturating_mul(self.block);
		let mut both = self.candidates(machine, first, self.block.saturating_mul(2))?;
		both.sort_unstable_by(|a, b| b.cmp(a));
		self.put(machine, first, &both)
	}

	/// Writes a block's candidates, the greatest first.
	fn rank(
		&self,
		machine: &mut Machine<'_>,
		block: u64,
		mut candidates: Vec<Candidate>,
	) -> Result<(), Stop> {
		candidates.sort_unstable_by(|a, b| b.cmp(a));
		candidates.resize(usize::try_from(self.block).map_err(|_| Stop::Fault)?, NONE);
		self.put(machine, block.saturating_mul(self.block), &candidates)
	}

	/// `count` candidates from number `first` on.
	fn candidates(
		&self,
		machine: &mut Machine<'_>,
		first: u64,
		count: u64,
	) -> Result<Vec<Candidate>, Stop> {
		let at = self.ranks.saturating_add(first.saturating_mul(CANDIDATE));
		let words = machine.words(at, count.saturating_mul(2))?;
		words
			.as_chunks()
			.0
			.iter()
			.map(|[token, value]| candidate(*token, *value))
			.collect()
	}

	fn put(
		&self,
		machine: &mut Machine<'_>,
		first: u64,
		candidates: &[Candidate],
	) -> Result<(), Stop> {
		let at = self.ranks.saturating_add(first.saturating_mul(CANDIDATE));
		let words: Vec<u32> = candidates
			.iter()
			.flat_map(|candidate| [candidate.token, candidate.value.to_bits()])
			.collect();
		machine.put_words(at, &words)
	}
}

/// The candidate with these bits. Ends the run if they are no number: there would be no order.
fn candidate(token: u32, value: u32) -> Result<Candidate, Stop> {
	let value = f32::from_bits(value);
	finite(&[value])?;
	Ok(Candidate { token, value })
}

impl State {
	fn new(greatest: f32) -> Self {
		Self {
			greatest,
			last_logit: NONE,
			sum: 0.0,
			kept: 0.0,
			enough: false,
			last_share: NONE,
			total: 0.0,
			passed: 0.0,
			chosen: None,
			last: None,
		}
	}

	fn read(machine: &mut Machine<'_>, at: u64) -> Result<Self, Stop> {
		let words = machine.words(at, WORDS)?;
		let [greatest, a, b, sum, kept, enough, c, d, total, passed, chosen, token, last, last_token] =
			*words.first_chunk().ok_or(Stop::Fault)?;
		let [greatest, sum, kept, total, passed] =
			[greatest, sum, kept, total, passed].map(f32::from_bits);
		finite(&[greatest, sum, kept, total, passed])?;
		let option = |there: u32, token: u32| (there != 0).then_some(token);
		Ok(Self {
			greatest,
			last_logit: candidate(a, b)?,
			sum,
			kept,
			enough: enough != 0,
			last_share: candidate(c, d)?,
			total,
			passed,
			chosen: option(chosen, token),
			last: option(last, last_token),
		})
	}

	fn write(&self, machine: &mut Machine<'_>, at: u64) -> Result<(), Stop> {
		let Self { greatest, last_logit, sum, kept, enough, last_share, total, passed, .. } = *self;
		finite(&[greatest, last_logit.value, sum, kept, last_share.value, total, passed])?;
		let words: [u32; WORDS as usize] = [
			greatest.to_bits(),
			last_logit.token,
			last_logit.value.to_bits(),
			sum.to_bits(),
			kept.to_bits(),
			enough.into(),
			last_share.token,
			last_share.value.to_bits(),
			total.to_bits(),
			passed.to_bits(),
			self.chosen.is_some().into(),
			self.chosen.unwrap_or(0),
			self.last.is_some().into(),
			self.last.unwrap_or(0),
		];
		machine.put_words(at, &words)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{generate::choose, trace::machine::Pages, trace::witness::TraceFault, Real};
	use alloc::{vec, vec::Vec};
	use proptest::prelude::*;

	/// Memory as one piece.
	struct Plain(Vec<u8>);

	impl Pages for Plain {
		fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), TraceFault> {
			out.copy_from_slice(&self.0[at as usize..][..out.len()]);
			Ok(())
		}

		fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), TraceFault> {
			self.0[at as usize..][..bytes.len()].copy_from_slice(bytes);
			Ok(())
		}

		fn weights(&mut self, _: u64, _: &mut [u8]) -> Result<(), TraceFault> {
			Err(TraceFault::MissingPage)
		}
	}

	fn draw(logits: &[f32], block: u64, sampling: &Sampling, number: u64) -> Option<u32> {
		let mut layout = Layout::new();
		let at = layout.floats(logits.len() as u64);
		let draw = Draw::new(logits.len() as u64, block, sampling, &mut layout).unwrap();
		let mut pages = Plain(vec![0; layout.end() as usize]);
		let len = layout.end();
		let mut machine = Machine::new(&mut pages, len, 0, 0);
		machine.put_floats(at, logits).ok().unwrap();
		let mut chosen = None;
		for tile in 0..draw.tiles() {
			match draw.run(&mut machine, tile, number, at) {
				Ok(token) => {
					assert_eq!(token.is_some(), tile + 1 == draw.tiles());
					chosen = token;
				},
				Err(Stop::Fault) => return None,
				Err(Stop::Witness(fault)) => panic!("{fault}"),
			}
		}
		chosen
	}

	fn logit() -> impl Strategy<Value = f32> {
		// With many that are equal, and some of which nothing is left.
		prop_oneof![
			4 => (-8i8..8).prop_map(|x| f32::from(x) * 0.5),
			4 => -5.0f32..5.0,
			1 => Just(-200.0f32),
			1 => Just(-0.0f32),
			1 => 1e37f32..3e38,
		]
	}

	proptest! {
		#![proptest_config(ProptestConfig {
			failure_persistence: None,
			cases: 2_000,
			..Default::default()
		})]

		#[test]
		fn draw_should_be_the_choice_of_all_at_once(
			logits in prop::collection::vec(logit(), 1..90),
			block in 1u64..20,
			temperature in prop_oneof![Just(1.0f32), 0.01f32..3.0],
			top_k in 0u32..100,
			top_p in prop_oneof![Just(1.0f32), Just(f32::MIN_POSITIVE), 0.01f32..1.0],
			seed in any::<u64>(),
			number in 0u64..5,
		) {
			let sampling = Sampling::Sample {
				temperature: Real::new(temperature),
				top_k,
				top_p: Real::new(top_p),
				seed,
			};
			let expected = choose(&mut logits.clone(), &sampling, number);
			prop_assert_eq!(draw(&logits, block, &sampling, number), expected);
		}
	}
}
