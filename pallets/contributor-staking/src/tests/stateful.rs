//! Random sequences of everything that can happen.

use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, RewardSink, Role, StakeInspect, StakeSlash};
use frame_support::traits::UnfilteredDispatchable;
use proptest::{collection::vec, prelude::*};
use sp_core::H256;
use sp_runtime::Perbill;
use std::collections::{BTreeMap, BTreeSet};

const OPERATORS: u64 = 6;

#[derive(Clone, Debug)]
enum Step {
	Call(AccountId, Call<Test>),
	Oblige(AccountId),
	Discharge(AccountId),
	Punish(AccountId, Offence, Perbill),
	RewardOperator(AccountId, Balance),
	RewardContributor(Option<AccountId>, Balance),
	Draw(u64, u32, Vec<AccountId>),
	Advance(u64),
}

fn operators() -> impl Strategy<Value = AccountId> {
	1..=OPERATORS
}

fn amounts() -> impl Strategy<Value = Balance> {
	prop_oneof![0..MIN_BOND, Just(MIN_BOND), MIN_BOND..2_000, 0..ENDOWMENT * 2]
}

fn hot_keys() -> impl Strategy<Value = AccountId> {
	// Few, so that they collide with one another, and sometimes with operators.
	prop_oneof![200..210u64, 1..=OPERATORS]
}

fn fractions() -> impl Strategy<Value = Perbill> {
	prop_oneof![(0..=1_000_000_000u32).prop_map(Perbill::from_parts), Just(Perbill::one())]
}

fn offences() -> impl Strategy<Value = Offence> {
	prop_oneof![Just(Offence::NoShow), Just(Offence::Unrevealed), Just(Offence::Dissent)]
}

fn calls() -> impl Strategy<Value = Call<Test>> {
	prop_oneof![
		3 => (hot_keys(), amounts())
			.prop_map(|(hot_key, amount)| Call::bond { role: Role::Worker, hot_key, amount }),
		1 => amounts().prop_map(|amount| Call::bond_extra { amount }),
		2 => amounts().prop_map(|amount| Call::unbond { amount }),
		1 => amounts().prop_map(|amount| Call::rebond { amount }),
		2 => Just(Call::withdraw_unbonded {}),
		1 => hot_keys().prop_map(|hot_key| Call::set_hot_key { hot_key }),
		1 => Just(Call::chill {}),
		1 => Just(Call::resume {}),
	]
}

fn steps() -> impl Strategy<Value = Step> {
	prop_oneof![
		12 => (operators(), calls()).prop_map(|(who, call)| Step::Call(who, call)),
		1 => operators().prop_map(Step::Oblige),
		2 => operators().prop_map(Step::Discharge),
		2 => (operators(), offences(), fractions())
			.prop_map(|(who, offence, fraction)| Step::Punish(who, offence, fraction)),
		1 => (operators(), amounts()).prop_map(|(who, amount)| Step::RewardOperator(who, amount)),
		1 => (prop::option::of(200..210u64), 0..20u128)
			.prop_map(|(who, amount)| Step::RewardContributor(who, amount)),
		2 => (any::<u64>(), 0..8u32, vec(operators(), 0..3))
			.prop_map(|(seed, seats, exclude)| Step::Draw(seed, seats, exclude)),
		3 => (1..UNBONDING_PERIOD * 2).prop_map(Step::Advance),
	]
}

/// All that a slash of `who` can reach.
fn slashable(who: AccountId) -> Balance {
	Ledgers::<Test>::get(who).map_or(0, |ledger| ledger.slashable())
}

fn take(step: Step, obligations: &mut BTreeMap<AccountId, u32>) {
	match step {
		Step::Call(who, call) => {
			let before = slashable(who);
			let leaves = matches!(call, Call::withdraw_unbonded {});
			let result = frame_support::storage::with_storage_layer(|| {
				call.dispatch_bypass_filter(signed(who))
			});
			if leaves && result.is_ok() {
				assert_eq!(obligations.get(&who).copied().unwrap_or_default(), 0);
			} else {
				assert!(slashable(who) >= before, "a slash can be escaped");
			}
		},
		Step::Oblige(who) => {
			if Ledgers::<Test>::contains_key(who) {
				*obligations.entry(who).or_default() += 1;
				Staking::oblige(&who);
			}
		},
		Step::Discharge(who) => {
			if let Some(open) = obligations.get_mut(&who).filter(|open| **open > 0) {
				*open -= 1;
				Staking::discharge(&who);
			}
		},
		Step::Punish(who, offence, fraction) => {
			let (before, treasury) = (slashable(who), free(TREASURY));
			let taken = Staking::punish(&who, offence, fraction);
			assert_eq!(slashable(who), before - taken);
			assert_eq!(free(TREASURY), treasury + taken);
			// Each part is rounded down for itself.
			assert!(taken <= fraction.mul_floor(before));
			assert!(taken + 1 + MAX_UNBONDING as u128 > fraction.mul_floor(before));
		},
		Step::RewardOperator(who, amount) => Staking::reward_operator(&who, earnings(amount)),
		Step::RewardContributor(who, amount) => {
			Staking::reward_contributor(who.as_ref(), earnings(amount))
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
		Step::Advance(blocks) => advance(blocks),
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn invariants_should_hold_whatever_happens(steps in vec(steps(), 1..120)) {
		ExtBuilder::default().bonded(1, 500).bonded(2, 900).build_and_execute(|| {
			let mut obligations = BTreeMap::new();
			for step in steps {
				let shown = format!("{step:?}");
				take(step, &mut obligations);
				Staking::do_try_state().unwrap_or_else(|error| panic!("{shown}: {error:?}"));
				assert_eq!(funds(), Balances::total_issuance(), "{shown}");
				for (who, open) in &obligations {
					let counted = Ledgers::<Test>::get(who).map_or(0, |ledger| ledger.obligations);
					assert_eq!(counted, *open, "{shown}");
				}
			}
		});
	}
}
