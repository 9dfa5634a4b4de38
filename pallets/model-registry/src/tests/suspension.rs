use crate::{mock::*, Artifacts, Error, Event, HoldReason};
use dodona_primitives_models::{Live, ModelInspect, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::DispatchError;

fn lift(version: dodona_primitives_models::VersionId) -> sp_runtime::DispatchResult {
	ModelRegistry::lift_suspension(RuntimeOrigin::root(), version)
}

#[test]
fn suspend_should_take_a_version_out_of_service_and_say_why() {
	for (from, was) in
		[(Approved, Live::Approved), (Active, Live::Active), (Deprecated, Live::Deprecated)]
	{
		for guard in [signed(GUARD), RuntimeOrigin::root()] {
			ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
				let version = version_in(ALICE, 0, 1, from.clone());
				let words = reason("stolen");
				assert_ok!(ModelRegistry::suspend_version(guard, version, words.clone()));
				assert_eq!(state(version), suspended(was, "stolen"));
				let reason = words.try_into().unwrap();
				assert_eq!(events().last(), Some(&Event::VersionSuspended { version, reason }));
				assert!(!ModelRegistry::is_served(version));
				assert_eq!((model(0).active, model(0).live), (None, 1));
				assert_eq!(held(HoldReason::Version, ALICE), version_deposit());
			});
		}
	}
}

#[test]
fn suspend_should_leave_the_active_version_alone_when_another_is_suspended() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let first = version_in(ALICE, 0, 1, Active);
		let second = version_in(ALICE, 0, 2, Active);
		assert_ok!(suspend(first, reason("")));
		assert_eq!((model(0).active, state(second)), (Some(2), Active));
	});
}

#[test]
fn suspend_should_fail_when_the_version_was_not_approved_or_is_out_of_service() {
	let is_live = |state: &_| [Approved, Active, Deprecated].contains(state);
	for from in all_states().into_iter().filter(|state| !is_live(state)) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			assert_noop!(suspend(version, reason("")), Error::<Test>::NotSuspendable);
		});
	}
}

#[test]
fn suspend_should_fail_when_the_origin_may_not() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		for who in [ALICE, BOB, CURATOR, OVERRIDER] {
			assert_noop!(
				ModelRegistry::suspend_version(signed(who), version, reason("")),
				DispatchError::BadOrigin
			);
		}
	});
}

#[test]
fn suspend_should_fail_when_the_reason_is_too_long() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		for length in [257, 100_000] {
			assert_noop!(suspend(version, vec![b'a'; length]), Error::<Test>::ReasonTooLong);
		}
		assert_ok!(suspend(version, vec![b'a'; 256]));
	});
}

#[test]
fn lift_should_make_the_version_what_it_was() {
	for (from, was) in
		[(Approved, Live::Approved), (Active, Live::Active), (Deprecated, Live::Deprecated)]
	{
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from.clone());
			let before = model(0);
			assert_ok!(suspend(version, reason("")));
			assert_ok!(lift(version));
			assert_eq!((state(version), model(0)), (from.clone(), before));
			assert_eq!(events().last(), Some(&Event::SuspensionLifted { version, state: was }));
		});
	}
}

#[test]
fn lift_should_deprecate_the_version_when_another_is_active_by_then() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let first = version_in(ALICE, 0, 1, suspended(Live::Active, ""));
		let second = version_in(ALICE, 0, 2, Active);
		assert_ok!(lift(first));
		assert_eq!((state(first), state(second)), (Deprecated, Active));
		assert_eq!(model(0).active, Some(2));
		let state = Live::Deprecated;
		assert_eq!(events().last(), Some(&Event::SuspensionLifted { version: first, state }));
	});
}

#[test]
fn lift_should_fail_when_the_version_is_not_suspended() {
	for from in all_states().into_iter().filter(|state| !matches!(state, Suspended { .. })) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			assert_noop!(lift(version), Error::<Test>::NotSuspended);
		});
	}
}

#[test]
fn lift_should_fail_when_the_origin_is_not_the_guardian() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, suspended(Live::Active, ""));
		for who in [ALICE, CURATOR, GUARD] {
			assert_noop!(
				ModelRegistry::lift_suspension(signed(who), version),
				DispatchError::BadOrigin
			);
		}
	});
}

fn suspended_with(seed: u8) -> u32 {
	Artifacts::<Test>::get(H256::repeat_byte(seed)).map_or(0, |claim| claim.suspended)
}

#[test]
fn artifact_should_not_come_back_under_another_number_while_its_version_is_suspended() {
	let models = ExtBuilder::default().model(ALICE, "digits").model(BOB, "copy");
	models.build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		let [waits, may_be_activated] = [Proposed, Approved].map(|to| version_in(ALICE, 0, 1, to));
		assert_ok!(suspend(version, reason("harmful")));
		assert_eq!(suspended_with(1), 1);

		let refused = Error::<Test>::ArtifactSuspended;
		assert_noop!(propose(ALICE, 0, 1), refused);
		let mut derived = manifest(1);
		derived.derived_from = Some(version);
		let derive = || ModelRegistry::propose_version(signed(BOB), 1, derived.clone());
		assert_noop!(derive(), Error::<Test>::ArtifactSuspended);
		let approve = || ModelRegistry::approve_version(signed(ALICE), waits);
		assert_noop!(approve(), Error::<Test>::ArtifactSuspended);
		let activate = || ModelRegistry::activate_version(signed(ALICE), may_be_activated);
		assert_noop!(activate(), Error::<Test>::ArtifactSuspended);
		// Other weights are not touched.
		assert_ok!(propose(ALICE, 0, 2));

		assert_ok!(lift(version));
		assert_eq!(suspended_with(1), 0);
		assert_ok!(approve());
		assert_ok!(activate());
		assert_ok!(derive());
	});
}

#[test]
fn artifact_should_stay_away_until_its_last_suspended_version_is_decided_on() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let versions = [Active, Approved].map(|to| version_in(ALICE, 0, 1, to));
		for version in versions {
			assert_ok!(suspend(version, reason("")));
		}
		assert_eq!(suspended_with(1), 2);
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), versions[0], reason("")));
		assert_eq!(suspended_with(1), 1);
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::ArtifactSuspended);
		let guardian = RuntimeOrigin::root();
		assert_ok!(ModelRegistry::revoke_version(guardian, versions[1], reason("harmful")));
		assert_eq!(suspended_with(1), 0);
		assert_ok!(propose(ALICE, 0, 1));
	});
}

#[test]
fn suspension_calls_should_fail_when_model_or_version_are_unknown() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for (version, error) in
			[(id(0, 1), Error::<Test>::UnknownVersion), (id(7, 1), Error::<Test>::UnknownModel)]
		{
			let error = DispatchError::from(error);
			assert_noop!(suspend(version, reason("")), error);
			assert_noop!(lift(version), error);
		}
	});
}
