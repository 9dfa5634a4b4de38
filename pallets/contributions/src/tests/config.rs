//! What the pallet works with.

use crate::mock::*;
use dodona_primitives_models::RoyaltyAccounts;
use frame_support::traits::Hooks;
use std::collections::BTreeSet;

#[test]
fn configuration_should_be_accepted_when_it_makes_sense() {
	Royalties::integrity_test();
}

#[test]
fn every_version_should_have_its_own_account() {
	let versions = (0..20).flat_map(|model| (1..20).map(move |number| version(model, number)));
	let accounts: BTreeSet<_> =
		versions.map(Royalties::royalty_account).chain([Royalties::pot()]).collect();
	assert_eq!(accounts.len(), 20 * 19 + 1);
}
