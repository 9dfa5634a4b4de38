use crate::{mock::*, *};
use dodona_primitives_staking::{Offence, Role, StakeInspect, StakeSlash};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::Perbill;

const OTHERS: [(Role, Balance); 3] =
	[(Role::Publisher, 60), (Role::Curator, 70), (Role::DataContributor, 80)];

#[test]
fn bond_should_demand_the_least_of_the_role() {
	ExtBuilder::default().build_and_execute(|| {
		for (who, (role, least)) in (1..).zip(OTHERS) {
			let bond = |amount| Staking::bond(signed(who), role, hot(who), amount);
			assert_noop!(bond(least - 1), Error::<Test>::BondTooLow);
			assert_ok!(bond(least));
			assert_noop!(Staking::unbond(signed(who), 1), Error::<Test>::BondTooLow);
			assert_ok!(Staking::bond_extra(signed(who), 1));
			assert_ok!(Staking::unbond(signed(who), 1));
		}
	});
}

#[test]
fn others_than_workers_should_never_be_drawn() {
	ExtBuilder::default().bonded(9, 100).build_and_execute(|| {
		for (who, (role, _)) in (1..).zip(OTHERS) {
			assert_ok!(Staking::bond(signed(who), role, hot(who), 5_000));
		}
		assert_eq!(Staking::draw(H256::zero(), 4, &[]), [9]);
		assert_eq!(Eligible::<Test>::get(), 1);
	});
}

#[test]
fn slash_should_chill_below_the_least_of_the_role() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Staking::bond(signed(1), Role::DataContributor, hot(1), 100));
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(20));
		assert!(!ledger(1).chilled);
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(2));
		assert!(ledger(1).chilled);
		assert_noop!(Staking::resume(signed(1)), Error::<Test>::BondTooLow);
	});
}
