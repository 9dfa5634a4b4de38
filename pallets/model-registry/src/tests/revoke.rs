use crate::{mock::*, Error, Event, HoldReason};
use dodona_primitives_models::VersionState::*;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn revoke_should_return_the_deposit_and_keep_the_reason_whatever_the_state() {
	for from in [Proposed, Approved, Active, Deprecated] {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let revoked = version_in(ALICE, 0, 1, from);
			assert_ok!(ModelRegistry::revoke_version(signed(ALICE), revoked, reason("flawed")));

			assert_eq!(
				events().last(),
				Some(&Event::VersionRevoked { version: revoked, reason: reason("flawed") })
			);
			let record = version(revoked);
			assert_eq!((record.state, record.deposit), (Revoked, 0));
			assert_eq!(record.revoked_for, Some(reason("flawed")));
			assert_eq!(held(HoldReason::Version, ALICE), 0);
			assert_eq!((model(0).active, model(0).live, model(0).latest), (None, 0, 1));
		});
	}
}

#[test]
fn revoke_should_leave_the_active_version_alone_when_another_is_revoked() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let first = version_in(ALICE, 0, 1, Active);
		let second = version_in(ALICE, 0, 2, Active);
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), first, reason("")));
		assert_eq!(model(0).active, Some(2));
		assert_eq!(state(second), Active);
		assert_eq!(held(HoldReason::Version, ALICE), VERSION_DEPOSIT);
	});
}

#[test]
fn revoke_should_work_for_the_guardian_whoever_governs_the_model() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(ALICE, "commons")
		.build_and_execute(|| {
			let owned = version_in(ALICE, 0, 1, Active);
			assert_ok!(propose(BOB, 1, 2));
			for version in [owned, id(1, 1)] {
				let origin = RuntimeOrigin::root();
				assert_ok!(ModelRegistry::revoke_version(origin, version, reason("harmful")));
				assert_eq!(state(version), Revoked);
			}
			assert_eq!(held(HoldReason::Version, ALICE), 0);
			assert_eq!(held(HoldReason::Version, BOB), 0);
		});
}

#[test]
fn revoke_should_work_for_the_curator_when_the_model_is_in_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
		assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), id(0, 1), reason("spam")));
		assert_eq!(held(HoldReason::Version, BOB), 0);
	});
}

#[test]
fn revoke_should_work_for_the_proposer_only_until_the_version_is_approved() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		assert_ok!(propose(BOB, 0, 2));
		assert_noop!(
			ModelRegistry::revoke_version(signed(ALICE), id(0, 1), reason("")),
			DispatchError::BadOrigin
		);
		assert_ok!(ModelRegistry::revoke_version(signed(BOB), id(0, 1), reason("typo")));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 2)));
		assert_noop!(
			ModelRegistry::revoke_version(signed(BOB), id(0, 2), reason("typo")),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn revoke_should_fail_when_the_origin_does_not_govern_the_model() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		for who in [BOB, CURATOR] {
			assert_noop!(
				ModelRegistry::revoke_version(signed(who), version, reason("")),
				Error::<Test>::NotOwner
			);
		}
		assert_noop!(
			ModelRegistry::revoke_version(RuntimeOrigin::none(), version, reason("")),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn revoke_should_fail_when_the_version_is_revoked_or_unknown() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Revoked);
		for (version, error) in [
			(version, Error::<Test>::AlreadyRevoked),
			(id(0, 2), Error::<Test>::UnknownVersion),
			(id(7, 1), Error::<Test>::UnknownModel),
		] {
			assert_noop!(ModelRegistry::revoke_version(signed(ALICE), version, reason("")), error);
		}
	});
}
