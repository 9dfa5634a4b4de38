//! How many versions a model may have.

use crate::{mock::*, Error, HoldReason, Proposals};
use dodona_primitives_models::{Live, VersionState::*};
use frame_support::{assert_noop, assert_ok};

#[test]
fn propose_should_fail_when_as_many_versions_wait_as_may() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(propose(BOB, 0, 2));
		assert_eq!(model(0).proposals, MAX_PROPOSALS);
		assert_noop!(propose(CHARLIE, 0, 3), Error::<Test>::TooManyProposals);

		// Each way out of waiting makes room.
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
		assert_ok!(propose(CHARLIE, 0, 3));
		assert_noop!(propose(ALICE, 0, 4), Error::<Test>::TooManyProposals);
		assert_ok!(ModelRegistry::revoke_version(signed(BOB), id(0, 2), reason("")));
		assert_ok!(propose(ALICE, 0, 4));
		assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), id(0, 3), reason("")));
		assert_ok!(propose(BOB, 0, 5));
	});
}

#[test]
fn propose_should_fail_when_the_proposer_has_another_waiting_in_the_commons() {
	ExtBuilder::default()
		.commons_model(ALICE, "commons")
		.commons_model(ALICE, "others")
		.build_and_execute(|| {
			assert_ok!(propose(BOB, 0, 1));
			assert_noop!(propose(BOB, 0, 2), Error::<Test>::AlreadyProposing);
			// Of another model it may.
			assert_ok!(propose(BOB, 1, 3));
			assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
			assert_ok!(propose(BOB, 0, 2));
			assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), id(0, 2), reason("")));
			assert_ok!(propose(BOB, 0, 2));
		});
}

#[test]
fn propose_should_work_for_the_owner_until_as_many_versions_wait_as_may() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(propose(ALICE, 0, 2));
		assert_noop!(propose(ALICE, 0, 3), Error::<Test>::TooManyProposals);
		assert_eq!(Proposals::<Test>::get(0, ALICE), 2);

		// What waits goes along into the commons, where one would have been the most.
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
		assert_noop!(propose(ALICE, 0, 3), Error::<Test>::AlreadyProposing);
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 2)));
		assert_ok!(propose(ALICE, 0, 3));
	});
}

#[test]
fn approve_should_fail_when_the_model_has_as_many_approved_versions_as_it_may() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for (seed, state) in [(1, Approved), (2, Active), (3, suspended(Live::Approved, ""))] {
			version_in(ALICE, 0, seed, state);
		}
		assert_eq!(model(0).live, MAX_LIVE_VERSIONS);
		assert_ok!(propose(ALICE, 0, 4));
		assert_noop!(
			ModelRegistry::approve_version(signed(ALICE), id(0, 4)),
			Error::<Test>::TooManyVersions
		);
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), id(0, 1), reason("old")));
		assert_ok!(ModelRegistry::approve_version(signed(ALICE), id(0, 4)));
		assert_eq!((model(0).live, model(0).proposals), (MAX_LIVE_VERSIONS, 0));
	});
}

#[test]
fn approve_should_work_when_somebody_has_filled_the_model_with_proposals() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
		assert_ok!(propose(ALICE, 0, 2));
		for spammer in [BOB, CHARLIE, BOB] {
			if let Ok(()) = propose(spammer, 0, 3) {
				let last = id(0, model(0).latest);
				assert_eq!(state(last), Proposed);
			}
		}
		assert_eq!(model(0).proposals, MAX_PROPOSALS);
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), id(0, 1)));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 2)));
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), id(0, 2)));
		assert_eq!(held(HoldReason::Version, ALICE), 2 * version_deposit());
	});
}
