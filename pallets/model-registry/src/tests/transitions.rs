use crate::{mock::*, Error, Event, Versions};
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::VersionState::*;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn version_should_go_through_its_life_when_the_owner_decides() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Proposed);
		assert_ok!(ModelRegistry::approve_version(signed(ALICE), version));
		assert_eq!((state(version), model(0).active), (Approved, None));
		assert_ok!(ModelRegistry::activate_version(signed(ALICE), version));
		assert_eq!((state(version), model(0).active), (Active, Some(1)));
		assert_ok!(ModelRegistry::deprecate_version(signed(ALICE), version));
		assert_eq!((state(version), model(0).active), (Deprecated, None));
		assert_eq!(
			events()[1..],
			[
				Event::VersionApproved { version },
				Event::VersionActivated { version },
				Event::VersionDeprecated { version },
			]
		);
	});
}

#[test]
fn version_should_go_through_its_life_when_the_curator_decides_for_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		let version = id(0, 1);
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), version));
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), version));
		assert_eq!(model(0).active, Some(1));
		assert_ok!(ModelRegistry::deprecate_version(signed(CURATOR), version));
		assert_eq!(state(version), Deprecated);
	});
}

#[test]
fn activate_should_deprecate_the_version_that_was_active() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let first = version_in(ALICE, 0, 1, Active);
		let second = version_in(ALICE, 0, 2, Active);
		assert_eq!((state(first), state(second)), (Deprecated, Active));
		assert_eq!(model(0).active, Some(2));
		assert_eq!(
			events()[events().len() - 2..],
			[
				Event::VersionDeprecated { version: first },
				Event::VersionActivated { version: second },
			]
		);

		// And back.
		assert_ok!(ModelRegistry::activate_version(signed(ALICE), first));
		assert_eq!((state(first), state(second)), (Active, Deprecated));
	});
}

#[test]
fn approve_should_fail_when_the_version_is_not_proposed() {
	for from in all_states().into_iter().filter(|state| *state != Proposed) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			assert_noop!(
				ModelRegistry::approve_version(signed(ALICE), version),
				Error::<Test>::NotProposed
			);
		});
	}
}

#[test]
fn activate_should_fail_when_the_version_is_neither_approved_nor_deprecated() {
	let activatable = |state: &_| [Approved, Deprecated].contains(state);
	for from in all_states().into_iter().filter(|state| !activatable(state)) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			assert_noop!(
				ModelRegistry::activate_version(signed(ALICE), version),
				Error::<Test>::NotActivatable
			);
		});
	}
}

#[test]
fn activate_should_fail_when_the_engine_has_changed_since() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Approved);
		Versions::<Test>::mutate(0, 1, |version| {
			version.as_mut().unwrap().manifest.engine = ENGINE_VERSION + 1;
		});
		assert_noop!(
			ModelRegistry::activate_version(signed(ALICE), version),
			Error::<Test>::UnsupportedEngine
		);
	});
}

#[test]
fn deprecate_should_fail_when_the_version_is_not_active() {
	for from in all_states().into_iter().filter(|state| *state != Active) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from);
			assert_noop!(
				ModelRegistry::deprecate_version(signed(ALICE), version),
				Error::<Test>::NotActive
			);
		});
	}
}

#[test]
fn transitions_should_fail_when_the_model_or_the_version_is_unknown() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		type Call = fn(RuntimeOrigin, dodona_primitives_models::VersionId) -> DispatchResult;
		type DispatchResult = sp_runtime::DispatchResult;
		let calls: [Call; 3] = [
			ModelRegistry::approve_version,
			ModelRegistry::activate_version,
			ModelRegistry::deprecate_version,
		];
		for call in calls {
			assert_noop!(call(signed(ALICE), id(7, 1)), Error::<Test>::UnknownModel);
			assert_noop!(call(signed(ALICE), id(0, 1)), Error::<Test>::UnknownVersion);
		}
	});
}

#[test]
fn transitions_should_fail_when_the_origin_does_not_govern_the_model() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(ALICE, "commons")
		.build_and_execute(|| {
			let owned = version_in(ALICE, 0, 1, Active);
			assert_ok!(propose(BOB, 1, 2));
			let common = id(1, 1);
			let calls = [
				ModelRegistry::approve_version,
				ModelRegistry::activate_version,
				ModelRegistry::deprecate_version,
			];
			for call in calls {
				// The curator has no say over an owner's model.
				for who in [BOB, CURATOR] {
					assert_noop!(call(signed(who), owned), Error::<Test>::NotOwner);
				}
				assert_noop!(call(RuntimeOrigin::root(), owned), DispatchError::BadOrigin);
				// Nor have the donor and the proposer over the commons'.
				for who in [ALICE, BOB] {
					assert_noop!(call(signed(who), common), DispatchError::BadOrigin);
				}
				assert_noop!(call(RuntimeOrigin::root(), common), DispatchError::BadOrigin);
			}
		});
}
