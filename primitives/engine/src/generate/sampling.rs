//! Which token is next.

use crate::{numeric::math, real::Real, InputFault};
use alloc::{collections::BinaryHeap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::cmp::Ordering;
use scale_info::TypeInfo;

/// Least temperature. A lower one is not greedy enough to be worth the infinities.
pub const MIN_TEMPERATURE: f32 = 0.01;
/// Greatest temperature.
pub const MAX_TEMPERATURE: f32 = 100.0;

/// How a token is chosen.
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
pub enum Sampling {
	/// The one with the greatest logit.
	#[codec(index = 0)]
	Greedy,
	/// By chance.
	#[codec(index = 1)]
	Sample {
		/// What logits are divided by; from 0.01 to 100.
		temperature: Real,
		/// How many of the most probable tokens are taken into account; 0 is all.
		top_k: u32,
		/// How much of the probability is taken into account; above 0, at most 1.
		top_p: Real,
		/// What the random numbers are made of.
		seed: u64,
	},
}

impl Sampling {
	/// Refuses parameters out of their bounds.
	pub fn check(&self) -> Result<(), InputFault> {
		let Self::Sample { temperature, top_p, .. } = self else { return Ok(()) };
		// No NaN is in a range.
		if !(MIN_TEMPERATURE..=MAX_TEMPERATURE).contains(&temperature.get()) {
			return Err(InputFault::Temperature);
		}
		if !(top_p.get() > 0.0 && top_p.get() <= 1.0) {
			return Err(InputFault::TopP);
		}
		Ok(())
	}
}

/// The token that `logits`, all finite, choose as number `number` (from 0) of a generation. Ties
/// are the lowest token's. `None` if a logit is not finite after the division; `logits` are
/// overwritten.
pub fn choose(logits: &mut [f32], sampling: &Sampling, number: u64) -> Option<u32> {
	match *sampling {
		Sampling::Greedy => greatest(logits),
		Sampling::Sample { temperature, top_k, top_p, seed } => {
			for logit in logits.iter_mut() {
				*logit /= temperature.get();
			}
			if math::first_non_finite(logits).is_some() {
				return None;
			}
			draw(logits, top_k as usize, top_p.get(), uniform(seed, number))
		},
	}
}

/// The position of the greatest value; the first of equal ones.
fn greatest(values: &[f32]) -> Option<u32> {
	let mut best: Option<(u32, f32)> = None;
	for (at, value) in (0u32..).zip(values) {
		if best.is_none_or(|(_, most)| *value > most) {
			best = Some((at, *value));
		}
	}
	best.map(|(at, _)| at)
}

/// A token and its logit or its probability.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
	pub token: u32,
	pub value: f32,
}

/// Greater values are greater, and of equal ones those of lower tokens. Values are finite.
impl Ord for Candidate {
	fn cmp(&self, other: &Self) -> Ordering {
		let by_value = self.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal);
		by_value.then(other.token.cmp(&self.token))
	}
}

impl PartialOrd for Candidate {
	fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
		Some(self.cmp(other))
	}
}

impl PartialEq for Candidate {
	fn eq(&self, other: &Self) -> bool {
		self.cmp(other) == Ordering::Equal
	}
}

impl Eq for Candidate {}

fn draw(logits: &[f32], top_k: usize, top_p: f32, uniform: f32) -> Option<u32> {
	let mut kept: Vec<Candidate> = (0u32..)
		.zip(logits)
		.map(|(token, logit)| Candidate { token, value: *logit })
		.collect();
	if top_k != 0 && top_k < kept.len() {
		kept.select_nth_unstable_by(top_k, |a, b| b.cmp(a));
		kept.truncate(top_k);
		kept.sort_unstable_by_key(|candidate| candidate.token);
	}

	let mut shares: Vec<f32> = kept.iter().map(|candidate| candidate.value).collect();
	math::softmax(&mut shares);
	for (candidate, share) in kept.iter_mut().zip(shares) {
		candidate.value = share;
	}
	if top_p < 1.0 {
		let mut heap = BinaryHeap::from(kept);
		kept = Vec::new();
		let mut sum = 0.0;
		while let Some(candidate) = heap.pop() {
			kept.push(candidate);
			sum += candidate.value;
			if sum >= top_p {
				break;
			}
		}
		kept.sort_unstable_by_key(|candidate| candidate.token);
	}

	let total = kept.iter().fold(0.0, |sum, candidate| sum + candidate.value);
	let target = uniform * total;
	let mut sum = 0.0;
	for candidate in &kept {
		sum += candidate.value;
		if sum > target {
			return Some(candidate.token);
		}
	}
	// `uniform` is below 1, but rounded it may not be.
	kept.iter()
		.rev()
		.find(|candidate| candidate.value > 0.0)
		.map(|candidate| candidate.token)
}

/// The random number for token `number` of a generation, in `0.0..1.0`, exact in 24 bits.
///
/// SplitMix64's finalizer of the seed, plus `number + 1` times SplitMix64's increment, finalized.
pub fn uniform(seed: u64, number: u64) -> f32 {
	const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;
	let steps = number.wrapping_add(1).wrapping_mul(INCREMENT);
	let bits = finalize(finalize(seed).wrapping_add(steps));
	(bits >> 40) as f32 / (1u32 << 24) as f32
}

fn finalize(mut z: u64) -> u64 {
	z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
	z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
	z ^ (z >> 31)
}
