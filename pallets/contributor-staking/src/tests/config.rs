use crate::{mock::*, *};
use frame_support::traits::Hooks;

#[test]
fn configuration_should_pass_when_it_is_the_one_of_the_mock() {
	ExtBuilder::default().build_and_execute(Staking::integrity_test);
}

#[test]
#[should_panic = "MaxOperators must be"]
fn configuration_should_be_refused_when_the_tree_cannot_hold_the_operators() {
	MaxOperators::set(sum_tree::CAPACITY + 1);
	ExtBuilder::default().build_and_execute(Staking::integrity_test);
}

#[test]
#[should_panic = "MinBond must be at least the existential deposit"]
fn configuration_should_be_refused_when_a_bond_could_be_dust() {
	LeastBond::set(EXISTENTIAL_DEPOSIT - 1);
	ExtBuilder::default().build_and_execute(Staking::integrity_test);
}
