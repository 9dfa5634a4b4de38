//! A network of operators, some of them dishonest, that answers requests for a while.

use crate::{random::Random, tree::Memory};
use pallet_contributor_staking::{
	math::{self, Shares},
	sum_tree,
};
use sp_runtime::Perbill;

/// One token, in its smallest unit.
const UNIT: u128 = 1_000_000_000_000;

/// What is simulated. The defaults are those of a public chain, where the chain has them.
pub struct Parameters {
	/// How many operators there are.
	pub operators: u32,
	/// How many eras pass.
	pub eras: u32,
	/// Requests in an era.
	pub requests: u32,
	/// Seats of a committee.
	pub seats: u32,
	/// Committees that a request is given at most.
	pub attempts: u32,
	/// What an operator bonds.
	pub bond: u128,
	/// What is delegated to it.
	pub delegated: u128,
	/// What it keeps of its delegators' earnings.
	pub commission: Perbill,
	/// What a request pays.
	pub fee: u128,
	/// The seats' part of it.
	pub worker_share: Perbill,
	/// What an answer costs whoever computes it, as a part of what a seat earns.
	pub cost: Perbill,
	/// What dissent costs, as a part of the stake.
	pub penalty: Perbill,
	/// What a wrong answer that becomes final is worth to whoever planned it, in fees.
	pub prize: u128,
	/// How often a guess is right.
	pub luck: f64,
	/// How often an answer that nobody on the committee disputes is looked at by somebody else.
	pub audit: f64,
	/// What all the tokens are.
	pub issuance: u128,
	/// What is minted in a year, as a part of these.
	pub inflation: Perbill,
	/// The workers' part of that.
	pub worker_inflation: Perbill,
	/// The most that is minted for a seat.
	pub seat_cap: u128,
}

impl Default for Parameters {
	fn default() -> Self {
		Self {
			operators: 1_000,
			eras: 1_000,
			requests: 20,
			seats: 7,
			attempts: 3,
			bond: 1_000 * UNIT,
			delegated: 1_000 * UNIT,
			commission: Perbill::from_percent(10),
			fee: UNIT,
			worker_share: Perbill::from_percent(70),
			cost: Perbill::from_percent(50),
			penalty: Perbill::from_percent(5),
			prize: 10,
			luck: 0.1,
			audit: 0.05,
			issuance: 1_000_000_000 * UNIT,
			inflation: Perbill::from_percent(4),
			worker_inflation: Perbill::from_percent(60),
			seat_cap: UNIT / 10,
		}
	}
}

impl Parameters {
	/// Votes that make an outcome the result.
	fn quorum(&self) -> u32 {
		2 * self.seats / 3 + 1
	}
}

/// How an operator behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
	/// Computes the answer, and names it.
	Honest,
	/// Computes nothing, and guesses.
	Lazy,
	/// Names the wrong answer that all liars name, always.
	Lying,
	/// Names it only where the colluding have a quorum of the committee; else it is honest.
	Colluding,
}

impl Strategy {
	/// All but honesty.
	pub const DISHONEST: [Self; 3] = [Self::Lazy, Self::Lying, Self::Colluding];

	/// Its name.
	pub fn name(self) -> &'static str {
		match self {
			Self::Honest => "honest",
			Self::Lazy => "lazy",
			Self::Lying => "lying",
			Self::Colluding => "colluding",
		}
	}
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
	/// Profit of the honest, as a part of their bonds.
	pub honest: f64,
	/// Profit of the dishonest, if there are any.
	pub dishonest: Option<f64>,
	/// The part of all requests whose final answer is wrong.
	pub wrong: f64,
}

struct Operator {
	strategy: Strategy,
	bond: u128,
	pool: Shares,
	/// Earned, without the delegators' part.
	earned: u128,
	/// Spent on computing.
	spent: u128,
	/// Seats of this era that ended in the result.
	points: u32,
}

impl Operator {
	fn weight(&self) -> u128 {
		self.bond.saturating_add(self.pool.worth(self.pool.active))
	}

	fn earn(&mut self, amount: u128, commission: Perbill) {
		let delegated = self.pool.worth(self.pool.active);
		self.earned += math::split(amount, self.bond, delegated, commission).0;
	}

	fn slash(&mut self, fraction: Perbill) {
		self.bond -= fraction.mul_floor(self.bond);
		self.pool.slash(fraction);
	}

	fn profit(&self, began: u128) -> f64 {
		(self.bond + self.earned) as f64 - (began + self.spent) as f64
	}
}

/// What a seat names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
	Right,
	/// What the dishonest agreed on.
	Wrong,
	/// Something that nobody else names.
	Else,
}

struct Network<'a> {
	parameters: &'a Parameters,
	challenges: bool,
	operators: Vec<Operator>,
	tree: Memory,
	random: Random,
	wrong: u64,
}

/// Runs a network in which operators with `share` percent of the stake follow `strategy`.
pub fn run(
	parameters: &Parameters,
	strategy: Strategy,
	share: u32,
	challenges: bool,
	seed: u64,
) -> Outcome {
	let dishonest = parameters.operators * share / 100;
	let operators: Vec<_> = (0..parameters.operators)
		.map(|index| {
			let mut pool = Shares::default();
			pool.issue(parameters.delegated);
			let strategy = if index < dishonest { strategy } else { Strategy::Honest };
			Operator { strategy, bond: parameters.bond, pool, earned: 0, spent: 0, points: 0 }
		})
		.collect();
	let mut tree = Memory::new();
	for (slot, operator) in (0..).zip(&operators) {
		sum_tree::set(&mut tree, slot, operator.weight());
	}
	let random = Random::new(seed);
	let mut network = Network { parameters, challenges, operators, tree, random, wrong: 0 };
	for _ in 0..parameters.eras {
		for _ in 0..parameters.requests {
			network.request();
		}
		network.end_era();
	}
	network.outcome()
}

impl Network<'_> {
	/// Gives a request to committees until one of them agrees.
	fn request(&mut self) {
		for _ in 0..self.parameters.attempts {
			let random = &mut self.random;
			let committee =
				sum_tree::draw(&self.tree, self.parameters.seats, &[], |bound| random.below(bound));
			if self.answer(&committee) {
				return;
			}
		}
	}

	/// Lets a committee answer; says whether it agreed.
	fn answer(&mut self, committee: &[u32]) -> bool {
		let Parameters { seats, fee, worker_share, cost, .. } = *self.parameters;
		let quorum = self.parameters.quorum();
		let seat_pays = worker_share.mul_floor(fee) / u128::from(seats);
		let colluding = committee
			.iter()
			.filter(|slot| self.operators[**slot as usize].strategy == Strategy::Colluding)
			.count() as u32;

		let mut named = Vec::with_capacity(committee.len());
		for slot in committee {
			let operator = &mut self.operators[*slot as usize];
			let (name, computes) = match operator.strategy {
				Strategy::Honest => (Named::Right, true),
				Strategy::Lazy if self.random.happens(self.parameters.luck) => {
					(Named::Right, false)
				},
				Strategy::Lazy => (Named::Else, false),
				Strategy::Lying => (Named::Wrong, false),
				Strategy::Colluding if colluding >= quorum => (Named::Wrong, false),
				Strategy::Colluding => (Named::Right, true),
			};
			if computes {
				operator.spent += cost.mul_floor(seat_pays);
			}
			named.push((*slot, name));
		}
		let votes = |name| named.iter().filter(|(_, other)| *other == name).count() as u32;
		let result = [Named::Right, Named::Wrong].into_iter().find(|name| votes(*name) >= quorum);
		let Some(result) = result else { return false };

		let disputed = votes(result) < seats || self.random.happens(self.parameters.audit);
		// The runtime computes the answer, and the wrong side loses.
		let result = if self.challenges && disputed { Named::Right } else { result };
		for (slot, name) in named {
			let operator = &mut self.operators[slot as usize];
			if name == result {
				operator.earn(seat_pays, self.parameters.commission);
				operator.points += 1;
			} else {
				operator.slash(self.parameters.penalty);
				sum_tree::set(&mut self.tree, slot, operator.weight());
			}
			if name == Named::Wrong && result == Named::Wrong {
				// Nobody shares what they get for a lie with their delegators.
				operator.earned += self.parameters.prize * fee / u128::from(quorum);
			}
		}
		self.wrong += u64::from(result == Named::Wrong);
		true
	}

	/// Pays what is minted for an era: a day.
	fn end_era(&mut self) {
		let parameters = self.parameters;
		let budget = math::budget(parameters.issuance, parameters.inflation, 1, 365);
		let mut seats: u128 =
			self.operators.iter().map(|operator| u128::from(operator.points)).sum();
		let mut left = parameters
			.worker_inflation
			.mul_floor(budget)
			.min(seats.saturating_mul(parameters.seat_cap));
		for operator in &mut self.operators {
			let points = u128::from(core::mem::take(&mut operator.points));
			let part = math::part(left, points, seats);
			left -= part;
			seats -= points;
			operator.earn(part, parameters.commission);
		}
	}

	fn outcome(&self) -> Outcome {
		let began = self.parameters.bond;
		let profit = |honest: bool| {
			let of = || {
				self.operators
					.iter()
					.filter(move |operator| (operator.strategy == Strategy::Honest) == honest)
			};
			let sum: f64 = of().map(|operator| operator.profit(began)).sum();
			let count = of().count();
			(count > 0).then(|| sum / count as f64 / began as f64)
		};
		let requests = u64::from(self.parameters.eras) * u64::from(self.parameters.requests);
		Outcome {
			honest: profit(true).unwrap_or_default(),
			dishonest: profit(false),
			wrong: self.wrong as f64 / requests as f64,
		}
	}
}

/// How likely a request ends with the wrong answer of the colluding, who have `share` of the stake,
/// while nobody has been slashed: they have a quorum, or, where wrong answers are challenged, all
/// seats, and nobody else looks.
pub fn wrong_expected(parameters: &Parameters, share: f64, challenges: bool) -> f64 {
	let colluding = (f64::from(parameters.operators) * share).floor();
	let all = f64::from(parameters.operators);
	let of = |seats: u32| hypergeometric(all, colluding, parameters.seats, seats);
	if challenges {
		of(parameters.seats) * (1.0 - parameters.audit)
	} else {
		(parameters.quorum()..=parameters.seats).map(of).sum()
	}
}

/// The chance of `hits` among `drawn` out of `all`, of which `marked` are marked.
fn hypergeometric(all: f64, marked: f64, drawn: u32, hits: u32) -> f64 {
	choose(marked, hits) * choose(all - marked, drawn - hits) / choose(all, drawn)
}

fn choose(from: f64, count: u32) -> f64 {
	(0..count)
		.map(|taken| (from - f64::from(taken)).max(0.0) / f64::from(taken + 1))
		.product()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn small() -> Parameters {
		Parameters { operators: 100, eras: 50, ..Default::default() }
	}

	#[test]
	fn run_should_be_the_same_when_the_seed_is() {
		let of = |seed| run(&small(), Strategy::Lying, 20, true, seed);
		assert_eq!(of(1).honest.to_bits(), of(1).honest.to_bits());
		assert_ne!(of(1).honest.to_bits(), of(2).honest.to_bits());
	}

	#[test]
	fn honest_operators_should_profit_when_all_are_honest() {
		let outcome = run(&small(), Strategy::Lazy, 0, true, 1);
		assert!(outcome.honest > 0.0 && outcome.dishonest.is_none() && outcome.wrong == 0.0);
	}

	#[test]
	fn lazy_and_lying_operators_should_lose_when_they_are_few() {
		for strategy in [Strategy::Lazy, Strategy::Lying] {
			let outcome = run(&small(), strategy, 10, false, 1);
			assert!(outcome.dishonest < Some(0.0), "{strategy:?} {outcome:?}");
		}
	}

	#[test]
	fn wrong_answers_should_be_as_frequent_as_expected_when_nobody_challenges() {
		let parameters = Parameters { eras: 500, penalty: Perbill::zero(), ..Default::default() };
		let outcome = run(&parameters, Strategy::Colluding, 50, false, 1);
		let expected = wrong_expected(&parameters, 0.5, false);
		assert!((outcome.wrong - expected).abs() < 0.02, "{} {expected}", outcome.wrong);
	}

	#[test]
	fn chances_should_sum_to_one() {
		let sum: f64 = (0..=7).map(|hits| hypergeometric(1_000.0, 300.0, 7, hits)).sum();
		assert!((sum - 1.0).abs() < 1e-9);
	}
}
