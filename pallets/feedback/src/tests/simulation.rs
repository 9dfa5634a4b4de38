//! What strategies earn, over thousands of versions of which some are good and some are not.

use crate::score::*;
use dodona_primitives_inference::Rating::{self, Bad, Good};
use sp_runtime::Perbill;
use std::collections::BTreeMap;

/// A small generator of random numbers with a seed that is fixed.
struct Dice(u64);

impl Dice {
	fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut mixed = self.0;
		mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		mixed ^ (mixed >> 31)
	}

	/// Below one.
	fn part(&mut self) -> f64 {
		(self.next() >> 11) as f64 / (1u64 << 53) as f64
	}

	fn rating(&mut self, good: f64) -> Rating {
		if self.part() < good {
			Good
		} else {
			Bad
		}
	}
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Strategy {
	/// Says what the answer is worth; one time in ten it errs.
	Honest,
	Random,
	AlwaysGood,
	AlwaysBad,
	/// Says what most said about the version before.
	Copier,
	/// Says the contrary of it.
	Contrarian,
	/// Says what most said about the model before.
	OfModel,
}

use Strategy::*;

const STRATEGIES: [Strategy; 7] =
	[Honest, Random, AlwaysGood, AlwaysBad, Copier, Contrarian, OfModel];

/// How good versions are.
#[derive(Clone, Copy, Debug)]
enum World {
	/// Anything, with equal probability.
	Anything,
	/// One of three answers is of use, or nine of ten.
	TwoKinds,
	/// Most are good; none is perfect.
	MostlyGood,
	/// Each model has its quality, and its versions are near it.
	Families,
}

impl World {
	fn quality(self, model: u32, random: &mut Dice) -> f64 {
		match self {
			World::Anything => random.part(),
			World::TwoKinds if random.part() < 0.5 => 0.9,
			World::TwoKinds => 0.33,
			// The second highest of three.
			World::MostlyGood => {
				let mut parts = [random.part(), random.part(), random.part()];
				parts.sort_by(f64::total_cmp);
				0.5 + parts[1] / 2.0
			},
			World::Families => {
				let of_model = Dice(u64::from(model)).part();
				(of_model + (random.part() - 0.5) * 0.4).clamp(0.0, 1.0)
			},
		}
	}
}

const CAP: u128 = 1_000_000;
const MARGIN: Perbill = Perbill::from_percent(10);
const MODELS: u32 = 3_000;
const VERSIONS: u32 = 2;
/// Rounds in which a version is rated.
const ROUNDS: u32 = 5;

/// Average of what each strategy earns with a rating, in parts of the cap.
fn play(world: World, honest: u64, raters: u64, seed: u64) -> BTreeMap<Strategy, f64> {
	let mut random = Dice(seed);
	let mut calibrations = BTreeMap::<(u8, u8, u8), Calibration>::new();
	let mut earned = BTreeMap::<Strategy, (f64, f64)>::new();
	let stake = stake(CAP, MARGIN);
	for model in 0..MODELS {
		let mut of_model = Tally::default();
		for _ in 0..VERSIONS {
			let quality = world.quality(model, &mut random);
			let mut history = Tally::default();
			for _ in 0..ROUNDS {
				let expected = expected(history, of_model);
				let class = class(history, of_model);
				let class = (class.known, class.share, class.others);
				let calibration = calibrations.entry(class).or_default();
				let baseline = baseline(expected, calibration);
				let most = |tally: Tally| if tally.good >= tally.bad { Good } else { Bad };
				let said: Vec<(Strategy, Rating)> = (0..raters)
					.map(|_| {
						let pick = random.next() % 100;
						let strategy = if pick < honest {
							Honest
						} else {
							STRATEGIES[1 + (pick % 6) as usize]
						};
						let rating = match strategy {
							Honest => random.rating(0.1 + 0.8 * quality),
							Random => random.rating(0.5),
							AlwaysGood => Good,
							AlwaysBad => Bad,
							Copier => most(history),
							Contrarian if most(history) == Good => Bad,
							Contrarian => Good,
							OfModel => most(of_model),
						};
						(strategy, rating)
					})
					.collect();
				let mut tally = Tally::default();
				said.iter().for_each(|(_, rating)| tally.add(*rating));
				for (strategy, rating) in said {
					let mut own = Tally::default();
					own.add(rating);
					let score = score(rating, tally.without(own), baseline);
					let came = match Outcome::of(score, CAP, stake) {
						Outcome::Even => 0.0,
						Outcome::Won(won) => won as f64,
						Outcome::Lost(lost) => -(lost as f64),
					};
					let sum = earned.entry(strategy).or_default();
					*sum = (sum.0 + came / CAP as f64, sum.1 + 1.0);
				}
				calibration.learn(tally, expected);
				history.merge(tally);
				of_model.merge(tally);
			}
		}
	}
	earned
		.into_iter()
		.map(|(strategy, (sum, count))| (strategy, sum / count))
		.collect()
}

fn check(world: World, honest: u64, raters: u64) {
	for seed in [1, 2] {
		let earned = play(world, honest, raters, seed);
		println!("{world:?}, {honest} % honest, {raters} raters: {earned:.4?}");
		assert_eq!(earned.len(), STRATEGIES.len());
		for (strategy, average) in earned {
			if strategy == Honest {
				assert!(average > 0.0, "honesty earns {average} in {world:?}");
			} else {
				assert!(average <= 0.0, "{strategy:?} earns {average} in {world:?}");
			}
		}
	}
}

#[test]
fn only_honest_raters_should_earn_when_versions_are_of_any_quality() {
	check(World::Anything, 60, 12);
}

#[test]
fn only_honest_raters_should_earn_when_versions_are_of_two_kinds() {
	check(World::TwoKinds, 60, 12);
}

#[test]
fn only_honest_raters_should_earn_when_most_versions_are_good() {
	check(World::MostlyGood, 60, 12);
}

#[test]
fn only_honest_raters_should_earn_when_versions_are_like_their_models() {
	check(World::Families, 60, 12);
}

#[test]
fn only_honest_raters_should_earn_when_few_rate() {
	check(World::Anything, 60, 4);
}

#[test]
fn only_honest_raters_should_earn_when_many_rate() {
	check(World::Anything, 60, 40);
}

#[test]
fn only_honest_raters_should_earn_when_they_are_a_minority() {
	check(World::Anything, 40, 12);
}
