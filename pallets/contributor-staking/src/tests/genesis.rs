use crate::{mock::*, Eligible};
use dodona_primitives_staking::{Role, StakeInspect};

#[test]
fn genesis_should_bond_workers_when_it_names_them() {
	ExtBuilder::default().bonded(1, 500).bonded(2, 700).build_and_execute(|| {
		assert_eq!(ledger(1).role, Role::Worker);
		assert_eq!(held(1), 500);
		assert_eq!(held(2), 700);
		assert_eq!(Eligible::<Test>::get(), 2);
		assert_eq!(Staking::operator_of(&hot(2)), Some(2));
		assert_eq!(System::sufficients(&hot(2)), 1);
	});
}

#[test]
#[should_panic = "genesis can't bond 1 with 99"]
fn genesis_should_be_refused_when_a_bond_is_too_low() {
	ExtBuilder::default().bonded(1, MIN_BOND - 1).build();
}
