use crate::{mock::*, Artifacts, Error, Event, Versions};
use dodona_primitives_models::{VersionId, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, DispatchResult};

fn prune(who: AccountId, version: VersionId) -> DispatchResult {
	ModelRegistry::prune_version(signed(who), version)
}

fn revoke(who: AccountId, version: VersionId) {
	assert_ok!(ModelRegistry::revoke_version(signed(who), version, reason("old")));
}

#[test]
fn prune_should_drop_the_record_when_the_version_was_revoked_long_ago() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let old = version_in(ALICE, 0, 1, Active);
		let kept = version_in(ALICE, 0, 2, Active);
		go_to(5);
		revoke(ALICE, old);
		go_to(5 + REVOKED_RETENTION - 1);
		assert_noop!(prune(BOB, old), Error::<Test>::RevokedTooLately);
		go_to(5 + REVOKED_RETENTION);
		Closed::set(Vec::new());
		assert_ok!(prune(BOB, old));

		assert_eq!(events().last(), Some(&Event::VersionPruned { version: old }));
		assert!(!Versions::<Test>::contains_key(0, 1));
		assert_eq!(Closed::get().last(), Some(&(old, false)));
		assert_eq!((model(0).records, model(0).latest, model(0).active), (1, 2, Some(2)));
		assert_eq!(state(kept), Active);
		// Its number isn't given out again.
		assert_ok!(propose(ALICE, 0, 3));
		assert_eq!(state(id(0, 3)), Proposed);
		assert_noop!(prune(BOB, old), Error::<Test>::UnknownVersion);
	});
}

#[test]
fn prune_should_leave_a_lasting_claim_and_no_other() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.build_and_execute(|| {
			for (seed, from) in [(1, Active), (2, Approved)] {
				let version = version_in(ALICE, 0, seed, from);
				revoke(ALICE, version);
			}
			go_to(REVOKED_RETENTION + 1);
			for number in [1, 2] {
				assert_ok!(prune(BOB, id(0, number)));
			}
			assert!(Artifacts::<Test>::contains_key(H256::repeat_byte(1)));
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
			assert_ok!(propose(BOB, 1, 2));
		});
}

#[test]
fn prune_should_fail_when_the_version_is_not_revoked() {
	for from in all_states().into_iter().filter(|state| !matches!(state, Revoked { .. })) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			go_to(REVOKED_RETENTION * 2);
			assert_noop!(prune(BOB, version), Error::<Test>::NotRevoked);
		});
	}
}

#[test]
fn prune_should_fail_when_model_or_version_are_unknown_or_nobody_signs() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(prune(BOB, id(0, 1)), Error::<Test>::UnknownVersion);
		assert_noop!(prune(BOB, id(7, 1)), Error::<Test>::UnknownModel);
		assert_noop!(
			ModelRegistry::prune_version(RuntimeOrigin::none(), id(0, 1)),
			DispatchError::BadOrigin
		);
	});
}
