//! Random sequences of everything that can happen.

use crate::{mock::*, *};
use dodona_primitives_staking::{
	Offence, Payee, PendingRewards, RewardSink, Role, StakeInspect, StakeSlash,
};
use frame_support::traits::{GetCallName, Imbalance, UnfilteredDispatchable};
use proptest::{
	collection::vec,
	prelude::*,
	strategy::ValueTree,
	test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use sp_core::H256;
use sp_runtime::Perbill;
use std::collections::{BTreeMap, BTreeSet};

const OPERATORS: u64 = 6;
/// Operators, and others who delegate.
const ACCOUNTS: u64 = 12;
const CAUSES: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
	Call(AccountId, Call<Test>),
	/// One of the first slashes that wait.
	Cancel(u32),
	/// So many times what it was at first.
	LeastDelegation(Balance),
	Oblige(AccountId),
	Discharge(AccountId),
	Punish(AccountId, Offence, Perbill, Option<AccountId>),
	RewardOperator(AccountId, Balance),
	RewardContributor(Option<AccountId>, Balance),
	Credit(u64, Payee<AccountId>, Balance),
	Release(u64),
	TakeBack(u64),
	Draw(u64, u32, Vec<AccountId>),
	Defer(u64),
	Poll,
	Advance(u64),
}

fn operators() -> impl Strategy<Value = AccountId> {
	1..=OPERATORS
}

fn accounts() -> impl Strategy<Value = AccountId> {
	1..=ACCOUNTS
}

fn amounts() -> impl Strategy<Value = Balance> {
	prop_oneof![0..MIN_BOND, Just(MIN_BOND), MIN_BOND..2_000, 0..ENDOWMENT * 2]
}

/// What is delegated and taken back: often so little that it fits.
fn parts() -> impl Strategy<Value = Balance> {
	prop_oneof![4 => MIN_DELEGATION..500, 1 => amounts()]
}

fn hot_keys() -> impl Strategy<Value = AccountId> {
	// Few, so that they collide with one another, and sometimes with operators.
	prop_oneof![200..210u64, 1..=OPERATORS]
}

fn roles() -> impl Strategy<Value = Role> {
	prop_oneof![4 => Just(Role::Worker), 1 => Just(Role::Curator)]
}

fn fractions() -> impl Strategy<Value = Perbill> {
	prop_oneof![
		1 => (0..=1_000_000_000u32).prop_map(Perbill::from_parts),
		4 => (0..=200_000_000u32).prop_map(Perbill::from_parts),
		12 => (0..=20_000_000u32).prop_map(Perbill::from_parts),
	]
}

fn offences() -> impl Strategy<Value = Offence> {
	prop_oneof![Just(Offence::NoShow), Just(Offence::Unrevealed), Just(Offence::Dissent)]
}

fn payees() -> impl Strategy<Value = Payee<AccountId>> {
	prop_oneof![
		3 => operators().prop_map(Payee::Operator),
		1 => prop::option::of(200..210u64).prop_map(Payee::Contributor),
		1 => Just(Payee::Treasury),
	]
}

fn own_calls() -> impl Strategy<Value = Call<Test>> {
	prop_oneof![
		4 => (roles(), hot_keys(), amounts())
			.prop_map(|(role, hot_key, amount)| Call::bond { role, hot_key, amount }),
		1 => amounts().prop_map(|amount| Call::bond_extra { amount }),
		2 => amounts().prop_map(|amount| Call::unbond { amount }),
		1 => amounts().prop_map(|amount| Call::rebond { amount }),
		2 => Just(Call::withdraw_unbonded {}),
		1 => hot_keys().prop_map(|hot_key| Call::set_hot_key { hot_key }),
		1 => Just(Call::chill {}),
		2 => Just(Call::resume {}),
		1 => (0..=50u32).prop_map(|percent| Call::set_commission {
			commission: Perbill::from_percent(percent)
		}),
	]
}

fn pool_calls() -> impl Strategy<Value = Call<Test>> {
	let most_commission = Perbill::one();
	prop_oneof![
		6 => (operators(), parts())
			.prop_map(move |(operator, amount)| Call::delegate { operator, amount, most_commission }),
		2 => (operators(), parts())
			.prop_map(|(operator, amount)| Call::undelegate { operator, amount }),
		3 => (operators(), accounts(), any::<bool>()).prop_map(
			|(operator, delegator, leave_behind)| Call::withdraw_delegation {
				operator, delegator, leave_behind
			}
		),
		2 => (operators(), accounts())
			.prop_map(|(operator, delegator)| Call::claim { operator, delegator }),
		1 => (operators(), any::<bool>())
			.prop_map(|(operator, compound)| Call::set_compound { operator, compound }),
		1 => (operators(), accounts())
			.prop_map(|(operator, delegator)| Call::collect { operator, delegator }),
		3 => (operators(), accounts())
			.prop_map(|(operator, delegator)| Call::kick { operator, delegator }),
		3 => (operators(), 0..3u32).prop_map(|(operator, id)| Call::apply_slash { operator, id }),
	]
}

fn steps() -> impl Strategy<Value = Step> {
	prop_oneof![
		9 => (operators(), own_calls()).prop_map(|(who, call)| Step::Call(who, call)),
		12 => (accounts(), pool_calls()).prop_map(|(who, call)| Step::Call(who, call)),
		1 => (0..3u32).prop_map(Step::Cancel),
		1 => (1..4u128).prop_map(Step::LeastDelegation),
		1 => operators().prop_map(Step::Oblige),
		2 => operators().prop_map(Step::Discharge),
		2 => (operators(), offences(), fractions(), prop::option::of(accounts())).prop_map(
			|(who, offence, fraction, reporter)| Step::Punish(who, offence, fraction, reporter)
		),
		3 => (operators(), amounts()).prop_map(|(who, amount)| Step::RewardOperator(who, amount)),
		1 => (prop::option::of(200..210u64), 0..20u128)
			.prop_map(|(who, amount)| Step::RewardContributor(who, amount)),
		2 => (0..CAUSES, payees(), amounts())
			.prop_map(|(cause, payee, amount)| Step::Credit(cause, payee, amount)),
		1 => (0..CAUSES).prop_map(Step::Release),
		1 => (0..CAUSES).prop_map(Step::TakeBack),
		2 => (any::<u64>(), 0..8u32, vec(operators(), 0..3))
			.prop_map(|(seed, seats, exclude)| Step::Draw(seed, seats, exclude)),
		1 => (0..8u64).prop_map(Step::Defer),
		1 => Just(Step::Poll),
		4 => (1..UNBONDING_PERIOD * 2).prop_map(Step::Advance),
	]
}

/// What the test knows besides.
#[derive(Default)]
struct Known {
	obligations: BTreeMap<AccountId, u32>,
	credits: BTreeMap<u64, Balance>,
	/// How often each call did something.
	successes: BTreeMap<&'static str, u32>,
}

/// All that a slash of `who` can reach: its own, and what is delegated to it.
fn slashable(who: AccountId) -> (Balance, Balance) {
	let own = Ledgers::<Test>::get(who).map_or(0, |ledger| ledger.slashable());
	let pool = Pools::<Test>::get(who).filter(|pool| !pool.closed);
	(own, pool.map_or(0, |pool| pool.shares.balance))
}

/// What all accounts could claim, or will be able to.
fn promised() -> Balance {
	(1..=ACCOUNTS).map(Staking::pending_rewards).sum()
}

/// A delegation that is there, most of the time: what is drawn for a call seldom names one.
fn aim(who: &mut AccountId, call: &mut Call<Test>) {
	let all: BTreeSet<_> = Delegations::<Test>::iter_keys().collect();
	let pick = |operator: &mut AccountId, delegator: &mut AccountId| {
		let number = *operator * 31 + *delegator * 7;
		let found = all.iter().nth(number as usize % all.len().max(1));
		if let Some((from, to)) = found.filter(|_| !number.is_multiple_of(4)) {
			(*delegator, *operator) = (*from, *to);
		}
	};
	match call {
		Call::undelegate { operator, .. } | Call::set_compound { operator, .. } => {
			pick(operator, who)
		},
		Call::claim { operator, delegator }
		| Call::collect { operator, delegator }
		| Call::kick { operator, delegator } => pick(operator, delegator),
		Call::withdraw_delegation { operator, delegator, leave_behind } => {
			pick(operator, delegator);
			if *leave_behind {
				*who = *delegator;
			}
		},
		Call::apply_slash { operator, id } => {
			*id += SlashesServed::<Test>::get();
			*operator = SlashQueue::<Test>::get(*id).unwrap_or(*operator);
		},
		_ => (),
	}
}

fn call(mut who: AccountId, mut call: Call<Test>, known: &mut Known) {
	aim(&mut who, &mut call);
	let name = call.get_call_name();
	let before: BTreeMap<_, _> =
		(1..=OPERATORS).map(|operator| (operator, slashable(operator))).collect();
	let (now, waiting) = (System::block_number(), promised());
	let leaves = matches!(call, Call::withdraw_unbonded {});
	let withdraws = match call {
		Call::withdraw_delegation { operator, .. } | Call::kick { operator, .. } => Some(operator),
		_ => None,
	};
	let slashes = matches!(call, Call::apply_slash { .. });
	let pays = leaves || withdraws.is_some() || matches!(call, Call::claim { .. });
	let result =
		frame_support::storage::with_storage_layer(|| call.dispatch_bypass_filter(signed(who)));
	*known.successes.entry(name).or_default() += u32::from(result.is_ok());
	if leaves && result.is_ok() {
		assert_eq!(known.obligations.get(&who).copied().unwrap_or_default(), 0);
		assert!(!PendingSlashes::<Test>::contains_key(who));
	}
	for (operator, (own, delegated)) in before {
		let after = slashable(operator);
		let may = slashes && result.is_ok();
		assert!(may || (leaves && operator == who) || after.0 >= own, "own stake escapes");
		let closes = leaves && operator == who;
		assert!(
			may || closes || withdraws == Some(operator) || after.1 >= delegated,
			"delegated stake escapes"
		);
	}
	assert_eq!(now, System::block_number());
	// Nobody's earnings change by anybody's calls, unless they are paid out.
	if !pays {
		assert!(promised() >= waiting, "earnings are lost");
	}
}

fn take(step: Step, known: &mut Known) {
	match step {
		Step::Call(who, what) => call(who, what, known),
		Step::Cancel(offset) => {
			let id = SlashesServed::<Test>::get() + offset;
			if let Some(who) = SlashQueue::<Test>::get(id) {
				assert!(Staking::cancel_slash(RuntimeOrigin::root(), who, id).is_ok());
				*known.successes.entry("cancel_slash").or_default() += 1;
			}
		},
		Step::LeastDelegation(times) => LeastDelegation::set(MIN_DELEGATION * times),
		Step::Oblige(who) => {
			if Ledgers::<Test>::contains_key(who) {
				*known.obligations.entry(who).or_default() += 1;
				Staking::oblige(&who);
			}
		},
		Step::Discharge(who) => {
			if let Some(open) = known.obligations.get_mut(&who).filter(|open| **open > 0) {
				*open -= 1;
				Staking::discharge(&who);
			}
		},
		Step::Punish(who, offence, fraction, reporter) => {
			let waits = PendingSlashes::<Test>::get(who).is_full() || SlashDefer::get() > 0;
			let (own, delegated) = slashable(who);
			let taken = match reporter {
				Some(reporter) => Staking::punish_reported(&who, offence, fraction, &reporter),
				None => Staking::punish(&who, offence, fraction),
			};
			if !waits && Ledgers::<Test>::contains_key(who) {
				let after = slashable(who);
				assert_eq!(after.0 + after.1, own + delegated - taken);
				assert_eq!(after.1, delegated - fraction.mul_floor(delegated));
				// Each part is rounded down for itself.
				let most = fraction.mul_floor(own) + fraction.mul_floor(delegated);
				assert!(taken <= most && taken + 1 + MAX_UNBONDING as u128 > most);
			}
		},
		Step::RewardOperator(who, amount) => Staking::reward_operator(&who, earnings(amount)),
		Step::RewardContributor(who, amount) => {
			Staking::reward_contributor(who.as_ref(), earnings(amount))
		},
		Step::Credit(cause, payee, amount) => {
			if Staking::credit(cause, payee, earnings(amount)).is_ok() {
				*known.credits.entry(cause).or_default() += amount;
			}
		},
		Step::Release(cause) => {
			known.credits.remove(&cause);
			Staking::release(cause);
		},
		Step::TakeBack(cause) => {
			let credited = known.credits.remove(&cause).unwrap_or_default();
			let back = Staking::take_back(cause);
			assert_eq!(back.peek(), credited);
			Staking::reward_treasury(back);
		},
		Step::Draw(seed, seats, exclude) => {
			let drawn = Staking::draw(H256::from_low_u64_be(seed), seats, &exclude);
			let eligible: BTreeSet<_> = Ledgers::<Test>::iter()
				.filter(|(who, ledger)| ledger.is_eligible() && !exclude.contains(who))
				.map(|(who, _)| who)
				.collect();
			assert_eq!(drawn.len(), eligible.len().min(seats as usize));
			assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), drawn.len());
			assert!(drawn.iter().all(|who| eligible.contains(who)));
		},
		// Half the time nothing waits.
		Step::Defer(blocks) => SlashDefer::set(blocks.saturating_sub(4)),
		Step::Poll => poll(),
		Step::Advance(blocks) => advance(blocks),
	}
}

fn check(known: &Known, shown: &str) {
	Staking::do_try_state().unwrap_or_else(|error| panic!("{shown}: {error:?}"));
	assert_eq!(funds(), Balances::total_issuance(), "{shown}");
	for (who, open) in &known.obligations {
		let counted = Ledgers::<Test>::get(who).map_or(0, |ledger| ledger.obligations);
		assert_eq!(counted, *open, "{shown}");
	}
}

/// Everybody goes home: nothing may be stuck, held, or waiting.
fn everybody_leaves(mut known: Known) {
	SlashDefer::set(0);
	LeastDelegation::set(MIN_DELEGATION);
	for cause in 0..CAUSES {
		Staking::release(cause);
	}
	for (who, open) in core::mem::take(&mut known.obligations) {
		(0..open).for_each(|_| Staking::discharge(&who));
	}
	for (operator, slashes) in PendingSlashes::<Test>::iter().collect::<Vec<_>>() {
		for slash in slashes {
			Staking::cancel_slash(RuntimeOrigin::root(), operator, slash.id).expect("it waits");
		}
	}
	advance(ERA_LENGTH);
	poll();
	poll();
	// What has matured makes room for what hasn't begun to leave, and operators follow when they can.
	for _ in 0..3 {
		for (who, operator, delegation) in Delegations::<Test>::iter().collect::<Vec<_>>() {
			let _ = Staking::withdraw_delegation(signed(who), operator, who, false);
			let left = Staking::stake_info(who)
				.delegations
				.into_iter()
				.find(|info| info.operator == operator);
			let Some(left) = left else { continue };
			if left.active > 0 {
				let _ = Staking::undelegate(signed(who), operator, left.active);
			} else if delegation.active > 0 {
				let _ = Staking::kick(signed(who), operator, who);
			}
		}
		for (who, ledger) in Ledgers::<Test>::iter().collect::<Vec<_>>() {
			let _ = Staking::withdraw_unbonded(signed(who));
			if ledger.bonded > 0 {
				let _ = Staking::unbond(signed(who), ledger.bonded);
			}
		}
		advance(UNBONDING_PERIOD);
		Staking::do_try_state().unwrap();
	}
	let left: Vec<_> = Delegations::<Test>::iter().collect();
	assert!(left.is_empty(), "{left:?}");
	assert_eq!(Ledgers::<Test>::iter().count(), 0);
	assert_eq!(Pools::<Test>::iter().count(), 0);
	assert_eq!((1..=ACCOUNTS).map(|who| held(who) + held_for_delegation(who)).sum::<u128>(), 0);
	// Dust went to the treasury: all that waits is gone, to the last unit.
	poll();
	assert_eq!(pot(), 0);
}

/// Takes all steps; says how often each call did something.
fn run(steps: impl Iterator<Item = Step>) -> BTreeMap<&'static str, u32> {
	let mut successes = BTreeMap::new();
	ExtBuilder::default().bonded(1, 500).bonded(2, 900).build_and_execute(|| {
		Inflation::set(Perbill::from_percent(10));
		let mut known = Known::default();
		for step in steps {
			let shown = format!("{step:?}");
			take(step, &mut known);
			check(&known, &shown);
			System::reset_events();
		}
		successes = known.successes.clone();
		everybody_leaves(known);
	});
	successes
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	// Short ones, so that what fails is made small.
	#[test]
	fn invariants_should_hold_whatever_happens(steps in vec(steps(), 1..120)) {
		run(steps.into_iter());
	}
}

/// Steps of the long runs together; `DODONA_SEED` repeats one of them.
const LONG_RUNS: u64 = 6;
const LONG_RUN: usize = 2_500;

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
	for name in Call::<Test>::get_call_names() {
		let times = successes.get(name).copied().unwrap_or_default();
		assert!(repeated.is_some() || times >= 10, "{name} worked {times} times");
	}
}
