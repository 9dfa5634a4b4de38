//! Which model claims an artifact, and until when.

use crate::{mock::*, Artifacts, Error};
use dodona_primitives_models::VersionState::*;
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::DispatchResult;

/// A model of Alice's, one of Bob's, and one in the commons.
fn models() -> ExtBuilder {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.commons_model(CHARLIE, "commons")
}

fn claimed() -> bool {
	Artifacts::<Test>::contains_key(H256::repeat_byte(1))
}

fn revoke(who: AccountId, model: u32, number: u32) {
	assert_ok!(ModelRegistry::revoke_version(signed(who), id(model, number), reason("")));
}

/// Has Bob propose the artifact as derived from Alice's version 1.
fn derive() -> DispatchResult {
	let mut derived = manifest(1);
	derived.derived_from = Some(id(0, 1));
	ModelRegistry::propose_version(signed(BOB), 1, derived)
}

#[test]
fn artifact_should_be_free_when_its_version_is_revoked_before_it_was_active() {
	for from in [Proposed, Approved] {
		models().build_and_execute(|| {
			version_in(ALICE, 0, 1, from);
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
			revoke(ALICE, 0, 1);
			assert!(!claimed());
			assert_ok!(propose(BOB, 1, 1));
			assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactTaken);
		});
	}
}

#[test]
fn artifact_should_be_free_when_the_curator_revokes_the_proposal_of_a_squatter() {
	models().build_and_execute(|| {
		assert_ok!(propose(BOB, 2, 1));
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactTaken);
		revoke(CURATOR, 2, 1);
		assert_ok!(propose(ALICE, 0, 1));
		assert_eq!(forfeited(), version_deposit());
	});
}

#[test]
fn artifact_should_stay_taken_when_its_version_was_active_before_it_was_revoked() {
	for from in [Active, Deprecated] {
		models().build_and_execute(|| {
			version_in(ALICE, 0, 1, from);
			revoke(ALICE, 0, 1);
			assert!(claimed());
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
			assert_ok!(propose(ALICE, 0, 1));
			// Nor does it become free by what comes after.
			revoke(ALICE, 0, 2);
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
		});
	}
}

#[test]
fn artifact_should_stay_taken_when_the_model_has_another_version_with_it() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Proposed);
		version_in(ALICE, 0, 1, Proposed);
		revoke(ALICE, 0, 1);
		assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
		revoke(ALICE, 0, 2);
		assert!(!claimed());
	});
}

#[test]
fn artifact_should_be_free_when_the_guardian_revokes_it_although_it_was_active() {
	models().build_and_execute(|| {
		version_in(BOB, 1, 1, Active);
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactTaken);
		let origin = RuntimeOrigin::root();
		assert_ok!(ModelRegistry::revoke_version(origin, id(1, 1), reason("not theirs")));
		assert_ok!(propose(ALICE, 0, 1));
		assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
	});
}

#[test]
fn artifact_should_stay_claimed_by_the_first_model_while_a_derived_version_has_it() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Proposed);
		assert_ok!(derive());
		revoke(ALICE, 0, 1);
		assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
		revoke(BOB, 1, 1);
		assert!(!claimed());
	});
}

#[test]
fn artifact_should_be_free_when_only_a_derived_version_of_another_model_was_active() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Approved);
		assert_ok!(derive());
		assert_ok!(ModelRegistry::approve_version(signed(BOB), id(1, 1)));
		assert_ok!(ModelRegistry::activate_version(signed(BOB), id(1, 1)));
		revoke(ALICE, 0, 1);
		revoke(BOB, 1, 1);
		assert!(!claimed());
	});
}

#[test]
fn artifact_should_stay_taken_when_the_guardian_revokes_only_what_was_derived() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Active);
		assert_ok!(derive());
		let origin = RuntimeOrigin::root();
		assert_ok!(ModelRegistry::revoke_version(origin, id(1, 1), reason("harmful")));
		revoke(ALICE, 0, 1);
		assert!(claimed());
	});
}

#[test]
fn artifact_should_be_free_when_the_guardian_revokes_what_its_owner_has_revoked_in_time() {
	models().build_and_execute(|| {
		version_in(BOB, 1, 1, Active);
		revoke(BOB, 1, 1);
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactTaken);
		let guardian = || RuntimeOrigin::root();
		go_to(5);
		let words = reason("not theirs");
		assert_ok!(ModelRegistry::revoke_version(guardian(), id(1, 1), words.clone()));
		assert_eq!(state(id(1, 1)), revoked("not theirs"));
		assert_ok!(propose(ALICE, 0, 1));
		// It has no claim any more that could end.
		assert_noop!(
			ModelRegistry::revoke_version(guardian(), id(1, 1), words),
			Error::<Test>::AlreadyRevoked
		);
	});
}

#[test]
fn artifact_should_lose_only_its_lasting_claim_when_another_version_of_the_model_has_it() {
	models().build_and_execute(|| {
		version_in(BOB, 1, 1, Active);
		version_in(BOB, 1, 1, Proposed);
		revoke(BOB, 1, 1);
		let origin = RuntimeOrigin::root();
		assert_ok!(ModelRegistry::revoke_version(origin, id(1, 1), reason("not theirs")));
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactTaken);
		revoke(BOB, 1, 2);
		assert!(!claimed());
	});
}

#[test]
fn artifact_should_stay_taken_when_the_guardian_revokes_again_what_was_only_derived() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Active);
		assert_ok!(derive());
		revoke(BOB, 1, 1);
		assert_noop!(
			ModelRegistry::revoke_version(RuntimeOrigin::root(), id(1, 1), reason("harmful")),
			Error::<Test>::AlreadyRevoked
		);
		assert!(claimed());
	});
}
