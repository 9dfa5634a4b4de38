//! What rewards, slashes and claims cost, whatever the number of delegators.

use super::counting::{count, Accesses};
use crate::mock::*;
use dodona_primitives_staking::{Offence, RewardSink, StakeSlash};
use frame_support::{assert_ok, traits::fungible::Mutate};
use sp_runtime::{DispatchResult, Perbill};

/// The first of the delegators.
const FIRST: AccountId = 10_000;

/// What each of these costs an operator with so many delegators.
#[derive(PartialEq, Eq, Debug)]
struct Costs {
	reward: Accesses,
	slash: Accesses,
	claim: Accesses,
	collect: Accesses,
	delegate: Accesses,
	undelegate: Accesses,
	withdraw: Accesses,
}

fn costs(delegators: u64) -> Costs {
	let mut ext = ExtBuilder::default().bonded(1, 90_000).build();
	ext.execute_with(|| {
		MaxRatio::set(1_000);
		for who in FIRST..FIRST + delegators {
			assert_ok!(Balances::mint_into(&who, 10_000));
			assert_ok!(delegate(who, 1, 1_000));
		}
		assert_ok!(Balances::mint_into(&FIRST, 10_000));
	});
	let mut measure = |what: &dyn Fn()| {
		// Events aren't part of it: the more there are, the fuller the block.
		ext.execute_with(System::reset_events);
		count(&mut ext, what)
	};
	let reward = measure(&|| Staking::reward_operator(&1, earnings(10_000_000)));
	measure(&|| advance(DRIP_PERIOD));
	let slash = measure(&|| {
		Staking::punish(&1, Offence::NoShow, Perbill::from_percent(10));
	});
	let claim = measure(&|| ok(Staking::claim(signed(2), 1, FIRST)));
	measure(&|| {
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(10));
	});
	let collect = measure(&|| ok(Staking::collect(signed(2), 1, FIRST)));
	let delegate = measure(&|| ok(delegate(FIRST, 1, 500)));
	let undelegate = measure(&|| ok(Staking::undelegate(signed(FIRST), 1, 100)));
	measure(&|| advance(UNBONDING_PERIOD));
	let withdraw = measure(&|| ok(Staking::withdraw_delegation(signed(FIRST), 1, FIRST, false)));
	Costs { reward, slash, claim, collect, delegate, undelegate, withdraw }
}

fn ok(result: DispatchResult) {
	assert_ok!(result);
}

#[test]
fn reward_slash_and_claim_should_cost_the_same_when_there_are_one_or_ten_thousand_delegators() {
	let one = costs(1);
	println!("{one:#?}");
	assert!(one.reward.reads > 5 && one.claim.writes > 3, "{one:?}");
	assert_eq!(costs(100), one);
	assert_eq!(costs(10_000), one);
}
