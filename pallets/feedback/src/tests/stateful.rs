//! Random sequences of everything that can happen.

use crate::{mock::*, *};
use dodona_primitives_inference::{
	Rating::{self, Bad, Good},
	RequestId,
};
use dodona_primitives_models::VersionId;
use frame_support::{traits::fungible::Mutate, weights::Weight};
use proptest::{
	collection::vec,
	prelude::*,
	strategy::ValueTree,
	test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use sp_runtime::Perbill;
use std::collections::{BTreeMap, BTreeSet};

const ACCOUNTS: u64 = 8;

#[derive(Clone, Debug)]
enum Step {
	/// A request has its result.
	Finalize {
		who: AccountId,
		version: VersionId,
		part: Balance,
	},
	/// One of the last requests is pruned.
	Prune {
		back: u64,
	},
	/// One of the last requests, by whoever asked or somebody else.
	Commit {
		back: u64,
		by: Option<AccountId>,
		rating: Rating,
	},
	/// Of as many of those that wait; sometimes wrongly, or by somebody else.
	Reveal {
		offset: usize,
		by: Option<AccountId>,
		wrong: bool,
	},
	Advance {
		blocks: u64,
		room: u64,
	},
	Budget(Balance),
	RewardCap(Perbill),
	Margin(Perbill),
	Deposit(Balance),
	MinPeers(u32),
	RoundLength(u64),
	Treasury(Balance),
}

fn steps() -> impl Strategy<Value = Step> {
	let accounts = || 1..=ACCOUNTS;
	let others = || prop::option::weighted(0.05, 1..=ACCOUNTS);
	let versions = prop_oneof![3 => Just(VERSION), 1 => Just(NEXT), 1 => Just(OTHER)];
	let parts = prop_oneof![6 => 1..PART * 2, 1 => Just(0), 1 => 0..ENDOWMENT];
	let ratings = || prop_oneof![2 => Just(Good), 1 => Just(Bad)];
	let fractions = || (0..=1_000_000_000u32).prop_map(Perbill::from_parts);
	prop_oneof![
		40 => (accounts(), versions, parts)
			.prop_map(|(who, version, part)| Step::Finalize { who, version, part }),
		1 => (0..20u64).prop_map(|back| Step::Prune { back }),
		60 => (0..6u64, others(), ratings())
			.prop_map(|(back, by, rating)| Step::Commit { back, by, rating }),
		60 => (0..8usize, others(), prop::bool::weighted(0.05))
			.prop_map(|(offset, by, wrong)| Step::Reveal { offset, by, wrong }),
		20 => (1..4u64, prop_oneof![3 => Just(u64::MAX), 1 => 0..8_000_000_000u64])
			.prop_map(|(blocks, room)| Step::Advance { blocks, room }),
		1 => prop_oneof![0..2_000u128, 0..ENDOWMENT].prop_map(Step::Budget),
		1 => fractions().prop_map(Step::RewardCap),
		1 => fractions().prop_map(Step::Margin),
		1 => prop_oneof![Just(0), 0..100u128].prop_map(Step::Deposit),
		1 => (1..4u32).prop_map(Step::MinPeers),
		1 => (1..20u64).prop_map(Step::RoundLength),
		1 => prop_oneof![Just(EXISTENTIAL_DEPOSIT), 0..5_000u128, Just(TREASURY_BALANCE)]
			.prop_map(Step::Treasury),
	]
}

/// What the test knows besides.
#[derive(Default)]
struct Known {
	next: RequestId,
	/// Committed ratings that aren't revealed.
	committed: BTreeMap<RequestId, (AccountId, Rating)>,
	/// Requests that were rated ever.
	rated: BTreeSet<RequestId>,
	/// What was revealed ever.
	revealed: u64,
	/// What the treasury got of all requests that were rated.
	parts: Balance,
	/// Paid ever.
	paid: Balance,
	successes: BTreeMap<&'static str, u32>,
}

impl Known {
	fn count(&mut self, name: &'static str) {
		*self.successes.entry(name).or_default() += 1;
	}
}

fn take(step: Step, known: &mut Known) {
	match step {
		Step::Finalize { who, version, part } => {
			finalize_for(known.next, who, version, part);
			known.next += 1;
		},
		Step::Prune { back } => Final::remove(known.next.saturating_sub(back + 1)),
		Step::Commit { back, by, rating } => {
			let request = known.next.saturating_sub(back + 1);
			let asked = Final::get(request);
			let who = by.or(asked.map(|asked| asked.0)).unwrap_or(1);
			let (free, was_held) = (owned(who), held(who));
			if commit(who, request, rating).is_ok() {
				let (requester, _, part, _) = asked.unwrap();
				assert_eq!(who, requester);
				assert!(known.rated.insert(request), "{request} is rated twice");
				known.committed.insert(request, (who, rating));
				known.parts += part;
				known.count("commit_rating");
				let info = Feedback::rating(request).unwrap();
				assert!(info.cap <= part);
				assert_eq!(held(who), was_held + info.stake + info.deposit);
			}
			assert_eq!(owned(who), free);
		},
		Step::Reveal { offset, by, wrong } => {
			let waiting: Vec<_> = known
				.committed
				.iter()
				.filter(|(request, _)| {
					let info = Feedback::rating(**request);
					info.is_some_and(|info| info.round + 1 == round() || offset == 0)
				})
				.collect();
			let Some((request, (rater, rating))) = waiting.get(offset % waiting.len().max(1))
			else {
				return;
			};
			let (request, rater, rating) = (**request, *rater, *rating);
			let who = by.unwrap_or(rater);
			let says = match (wrong, rating) {
				(false, rating) => rating,
				(true, Good) => Bad,
				(true, Bad) => Good,
			};
			if reveal(who, request, says).is_ok() {
				assert!(who == rater && !wrong);
				known.committed.remove(&request);
				known.revealed += 1;
				known.count("reveal_rating");
			}
		},
		Step::Advance { blocks, room } => {
			for _ in 0..blocks {
				System::set_block_number(System::block_number() + 1);
				poll_with(Weight::from_parts(room, room));
			}
		},
		Step::Budget(budget) => Budget::set(budget),
		Step::RewardCap(cap) => RewardCap::set(cap),
		Step::Margin(margin) => Margin::set(margin),
		Step::Deposit(deposit) => Kept::set(deposit),
		Step::MinPeers(peers) => MinPeers::set(peers),
		Step::RoundLength(length) => RoundLength::set(length),
		Step::Treasury(balance) => {
			let _ = Balances::set_balance(&TREASURY, balance.max(EXISTENTIAL_DEPOSIT));
		},
	}
}

fn check(known: &mut Known) {
	Feedback::do_try_state().unwrap();
	for event in events() {
		match event {
			Event::RatingSettled { paid, taken, .. } => {
				assert!(paid == 0 || taken == 0);
				known.paid += paid;
				known.count(if paid > 0 {
					"won"
				} else if taken > 0 {
					"lost"
				} else {
					"even"
				});
			},
			Event::RatingForfeited { request, .. } => {
				assert!(known.committed.remove(&request).is_some());
				known.count("forfeited");
			},
			Event::RoundSettled { .. } => known.count("settled"),
			_ => (),
		}
	}
	System::reset_events();
	assert!(known.paid <= known.parts, "raters earn more than the treasury got");
	// Everything that is held is held for a rating that is there.
	let expected: Balance = Ratings::<Test>::iter()
		.map(|(_, _, rating)| rating.stake + rating.deposit)
		.chain(ScoredRatings::<Test>::iter_values().map(|scored| scored.held))
		.sum();
	assert_eq!((1..=ACCOUNTS).map(held).sum::<Balance>(), expected);
}

/// Takes all steps; says how often what happened.
fn run(steps: impl Iterator<Item = Step>) -> BTreeMap<&'static str, u32> {
	let mut successes = BTreeMap::new();
	ExtBuilder.build().execute_with(|| {
		let mut known = Known::default();
		for step in steps {
			take(step, &mut known);
			check(&mut known);
		}
		RoundLength::set(ROUND);
		settle_all();
		check(&mut known);
		check_empty();
		assert!(known.committed.is_empty(), "what was committed was revealed or forfeited");
		let said: u64 = [VERSION, NEXT, OTHER]
			.into_iter()
			.map(Feedback::ratings)
			.map(|ratings| ratings.good + ratings.bad)
			.sum();
		assert_eq!(said, known.revealed, "every revealed rating is counted once");
		successes = known.successes;
	});
	successes
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	// Short ones, so that what fails is made small.
	#[test]
	fn invariants_should_hold_whatever_happens(steps in vec(steps(), 1..200)) {
		run(steps.into_iter());
	}
}

/// Steps of the long runs together; `DODONA_SEED` repeats one of them.
const LONG_RUNS: u64 = 6;
const LONG_RUN: usize = 3_500;

#[test]
fn invariants_should_hold_through_many_thousand_steps() {
	let repeated = std::env::var("DODONA_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
	let first = repeated.unwrap_or_else(|| {
		let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
		now.expect("it is later than 1970").as_nanos() as u64
	});
	let runs = if repeated.is_some() { 1 } else { LONG_RUNS };
	let mut successes = BTreeMap::<&str, u32>::new();
	for seed in (0..runs).map(|run| first.wrapping_add(run)) {
		println!("repeat it with DODONA_SEED={seed}");
		let bytes = sp_io::hashing::blake2_256(&seed.to_le_bytes());
		let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
		let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
		let strategy = steps();
		let steps = (0..LONG_RUN)
			.map(|_| strategy.new_tree(&mut runner).expect("nothing is filtered").current());
		for (name, times) in run(steps) {
			*successes.entry(name).or_default() += times;
		}
	}
	println!("{successes:#?}");
	// Or it would show nothing.
	for name in ["commit_rating", "reveal_rating", "won", "lost", "even", "forfeited", "settled"] {
		let times = successes.get(name).copied().unwrap_or_default();
		assert!(repeated.is_some() || times >= 50, "{name} happened {times} times");
	}
}
