//! What a rating is worth. Pure: numbers in, numbers out.
//!
//! A rating is compared with what others say about the same version in the same round, and with
//! what was to be expected of them after all that had been said before. Shares and scores are in
//! parts per billion, amounts in the token's smallest unit. `docs/economics.md` has the argument.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_inference::Rating;
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Perbill;

/// All of something.
pub const ONE: i64 = 1_000_000_000;

/// Ratings that count as given before the first one: half of them good.
const PRIOR: u64 = 2;

/// Classes of versions by how many ratings they have; and classes of shares, each a tenth.
const MOST_KNOWN: u8 = 9;
const SHARE_CLASSES: i64 = 10;

/// Rounds that a calibration remembers in full. Then the old ones begin to count less.
const MEMORY: u32 = 1_024;

/// How many ratings there are.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Tally {
	/// Good ones.
	pub good: u64,
	/// Bad ones.
	pub bad: u64,
}

impl Tally {
	/// All of them.
	pub fn count(&self) -> u64 {
		self.good.saturating_add(self.bad)
	}

	/// Counts one more.
	pub fn add(&mut self, rating: Rating) {
		match rating {
			Rating::Good => self.good = self.good.saturating_add(1),
			Rating::Bad => self.bad = self.bad.saturating_add(1),
		}
	}

	/// Counts all of `others`.
	pub fn merge(&mut self, others: Tally) {
		self.good = self.good.saturating_add(others.good);
		self.bad = self.bad.saturating_add(others.bad);
	}

	/// All but `some`.
	pub fn without(&self, some: Tally) -> Tally {
		Tally { good: self.good.saturating_sub(some.good), bad: self.bad.saturating_sub(some.bad) }
	}

	/// The share of the good ones, rounded down, with `prior` more ratings of which `prior_share`
	/// are good; 0 if there is none at all.
	fn share(&self, prior: u64, prior_share: i64) -> i64 {
		let good = i128::from(self.good).saturating_mul(ONE.into());
		let prior_good = i128::from(prior).saturating_mul(prior_share.into());
		let count = i128::from(self.count()).saturating_add(prior.into());
		let share = good.saturating_add(prior_good).checked_div(count).unwrap_or_default();
		// Not above one, since neither share is.
		i64::try_from(share).unwrap_or(ONE)
	}
}

/// Versions of which as much is known, and of which as much is expected.
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
pub struct Class {
	/// 0 if nothing was said about the model, 1 if something was said about other versions of it,
	/// and otherwise one more than the number's binary digits, up to 9.
	pub known: u8,
	/// The tenth that the expected share is in.
	pub share: u8,
	/// What was said about the model's other versions: 0 for nothing, 1 for mostly bad ratings, 2
	/// for others.
	pub others: u8,
}

/// What a class of versions was wrong about.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Calibration {
	/// How much more good ratings there were than expected, added up round by round.
	pub error: i64,
	/// The rounds of versions that were counted.
	pub rounds: u32,
}

impl Calibration {
	/// What has to be added to an expectation of this class.
	fn correction(&self) -> i64 {
		// One round more, so that the first one does not decide alone.
		self.error
			.checked_div(i64::from(self.rounds).saturating_add(1))
			.unwrap_or_default()
	}

	/// Learns what was said about a version of this class.
	pub fn learn(&mut self, said: Tally, expected: i64) {
		if said.count() == 0 {
			return;
		}
		if self.rounds >= MEMORY {
			self.rounds /= 2;
			self.error /= 2;
		}
		self.error = self.error.saturating_add(said.share(0, 0).saturating_sub(expected));
		self.rounds = self.rounds.saturating_add(1);
	}
}

/// The share of good ratings that what was said before lets one expect of a version, uncorrected:
/// its own, with [`PRIOR`] ratings as good as those of the model's other versions.
///
/// `model` is all that was said about the model, this version included.
pub fn expected(version: Tally, model: Tally) -> i64 {
	let others = model.without(version);
	version.share(PRIOR, others.share(PRIOR, ONE / 2))
}

/// The class of a version.
pub fn class(version: Tally, model: Tally) -> Class {
	let known = match (version.count(), model.count()) {
		(0, 0) => 0,
		(0, _) => 1,
		(count, _) => {
			let digits = u64::BITS.saturating_sub(count.leading_zeros());
			u8::try_from(digits.saturating_add(1)).unwrap_or(MOST_KNOWN).min(MOST_KNOWN)
		},
	};
	let share = expected(version, model).saturating_mul(SHARE_CLASSES) / ONE;
	let share = share.clamp(0, SHARE_CLASSES.saturating_sub(1));
	let others = model.without(version);
	let others = match others.count() {
		0 => 0,
		_ if others.good < others.bad => 1,
		_ => 2,
	};
	Class { known, share: u8::try_from(share).unwrap_or_default(), others }
}

/// What the others' ratings are compared with: the expected share, corrected by how wrong such
/// expectations were.
pub fn baseline(expected: i64, calibration: &Calibration) -> i64 {
	expected.saturating_add(calibration.correction()).clamp(0, ONE)
}

/// How much more, or less, the others agree with `rating` than was to be expected. From -1 to 1,
/// and 0 without others.
pub fn score(rating: Rating, others: Tally, baseline: i64) -> i64 {
	if others.count() == 0 {
		return 0;
	}
	let more_good = others.share(0, 0).saturating_sub(baseline);
	match rating {
		Rating::Good => more_good,
		Rating::Bad => more_good.saturating_neg(),
	}
}

/// What a rating that can earn `cap` has to put at stake: the margin more, rounded up.
pub fn stake(cap: u128, margin: Perbill) -> u128 {
	cap.saturating_add(margin.mul_ceil(cap))
}

/// What a score comes to, before it is known whether the budget suffices.
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
pub enum Outcome {
	/// Nothing.
	#[codec(index = 0)]
	Even,
	/// So much is earned: `⌊score · cap⌋`.
	#[codec(index = 1)]
	Won(u128),
	/// So much is lost: `⌈−score · stake⌉`.
	#[codec(index = 2)]
	Lost(u128),
}

impl Outcome {
	/// What `score` comes to for a rating with this cap and stake, which is the loss of a score of
	/// -1.
	pub fn of(score: i64, cap: u128, stake: u128) -> Self {
		let size = u128::from(score.unsigned_abs());
		let one = u128::from(ONE.unsigned_abs());
		match score {
			0 => Self::Even,
			1.. => match mul_div(cap, size, one, 0) {
				0 => Self::Even,
				won => Self::Won(won.min(cap)),
			},
			_ => match mul_div(stake, size, one, one.saturating_sub(1)) {
				0 => Self::Even,
				lost => Self::Lost(lost.min(stake)),
			},
		}
	}
}

/// By how much a round's outcomes are scaled down, gains and losses alike, so that the budget
/// suffices.
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
pub struct Scale {
	part: u128,
	of: u128,
}

impl Scale {
	/// For a round in which `won` was won in all.
	pub fn new(budget: u128, won: u128) -> Self {
		if budget == 0 {
			Self { part: 0, of: 1 }
		} else if won <= budget {
			Self { part: 1, of: 1 }
		} else {
			Self { part: budget, of: won }
		}
	}

	/// What is paid of what was won, rounded down: all together is never more than the budget.
	pub fn paid(&self, won: u128) -> u128 {
		mul_div(won, self.part, self.of, 0).min(won)
	}

	/// What is taken of what was lost, rounded up.
	pub fn taken(&self, lost: u128) -> u128 {
		mul_div(lost, self.part, self.of, self.of.saturating_sub(1)).min(lost)
	}
}

/// `⌊(a · b + extra) / c⌋`, and 0 for `c = 0`. The most there is, should it not fit.
fn mul_div(a: u128, b: u128, c: u128, extra: u128) -> u128 {
	// Two numbers of 128 bits always fit.
	let product = U256::from(a).saturating_mul(b.into()).saturating_add(extra.into());
	product
		.checked_div(c.into())
		.map_or(0, |quotient| u128::try_from(quotient).unwrap_or(u128::MAX))
}
