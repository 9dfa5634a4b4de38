//! What a version must have shown before it is approved.

use crate::{mock::*, Error};
use dodona_primitives_models::{Live, VersionId, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult};

fn approve(who: AccountId, version: VersionId) -> DispatchResult {
	ModelRegistry::approve_version(signed(who), version)
}

/// A model of the commons.
fn commons() -> ExtBuilder {
	ExtBuilder::default().commons_model(ALICE, "commons")
}

/// A version of it in use, and one that waits for approval and is not better.
fn active_and_worse() -> [VersionId; 2] {
	assert_ok!(propose(CURATOR, 0, 1));
	assert_ok!(approve(CURATOR, id(0, 1)));
	assert_ok!(ModelRegistry::activate_version(signed(CURATOR), id(0, 1)));
	assert_ok!(propose(BOB, 0, 2));
	NotBetter::set(vec![(id(0, 2), id(0, 1))]);
	[id(0, 1), id(0, 2)]
}

#[test]
fn approve_should_fail_when_the_version_is_not_admitted_whoever_says_so() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(ALICE, "commons")
		.build_and_execute(|| {
			assert_ok!(propose(ALICE, 0, 1));
			assert_ok!(propose(BOB, 1, 2));
			NotAdmitted::set(vec![id(0, 1), id(1, 1)]);
			assert_noop!(approve(ALICE, id(0, 1)), REFUSED_ADMISSION);
			for who in [CURATOR, OVERRIDER] {
				assert_noop!(approve(who, id(1, 1)), REFUSED_ADMISSION);
			}
			NotAdmitted::set(vec![]);
			assert_ok!(approve(ALICE, id(0, 1)));
			assert_ok!(approve(CURATOR, id(1, 1)));
			assert_eq!(Closed::get(), [(id(0, 1), true), (id(1, 1), true)]);
		});
}

#[test]
fn approve_should_fail_when_a_version_of_the_commons_is_not_better_than_the_active_one() {
	commons().build_and_execute(|| {
		let [_, worse] = active_and_worse();
		assert_noop!(approve(CURATOR, worse), REFUSED_COMPARISON);
		NotBetter::set(vec![]);
		assert_ok!(approve(CURATOR, worse));
	});
}

#[test]
fn approve_should_work_without_comparison_when_it_is_overridden() {
	commons().build_and_execute(|| {
		let [_, worse] = active_and_worse();
		assert_ok!(approve(OVERRIDER, worse));
		assert_eq!(state(worse), Approved);
		// The origin decides nothing else.
		assert_noop!(
			ModelRegistry::activate_version(signed(OVERRIDER), worse),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn approve_should_fail_when_an_owners_model_is_overridden() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_noop!(approve(OVERRIDER, id(0, 1)), DispatchError::BadOrigin);
	});
}

#[test]
fn approve_should_compare_nothing_when_the_model_is_an_owners() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let active = version_in(ALICE, 0, 1, Active);
		assert_ok!(propose(ALICE, 0, 2));
		NotBetter::set(vec![(id(0, 2), active)]);
		assert_ok!(approve(ALICE, id(0, 2)));
	});
}

#[test]
fn approve_should_compare_nothing_until_the_model_is_in_use() {
	commons().build_and_execute(|| {
		for seed in [1, 2] {
			assert_ok!(propose(BOB, 0, seed));
			assert_ok!(approve(CURATOR, id(0, seed.into())));
		}
	});
}

#[test]
fn approve_should_fail_when_the_active_version_was_put_out_of_use_first() {
	commons().build_and_execute(|| {
		let [active, worse] = active_and_worse();
		assert_ok!(ModelRegistry::deprecate_version(signed(CURATOR), active));
		assert_noop!(approve(CURATOR, worse), Error::<Test>::NothingToCompare);
		// The way out: what was in use is again, and compared with.
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), active));
		assert_noop!(approve(CURATOR, worse), REFUSED_COMPARISON);
		// Nor does it help to suspend or revoke it.
		assert_ok!(suspend(active, reason("")));
		assert_eq!(state(active), suspended(Live::Active, ""));
		assert_noop!(approve(CURATOR, worse), Error::<Test>::NothingToCompare);
		assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), active, reason("")));
		assert_noop!(approve(CURATOR, worse), Error::<Test>::NothingToCompare);
		assert_ok!(approve(OVERRIDER, worse));
	});
}

#[test]
fn activate_should_fail_when_a_version_of_the_commons_is_not_better_than_the_active_one() {
	commons().build_and_execute(|| {
		let [_, worse] = active_and_worse();
		assert_ok!(approve(OVERRIDER, worse));
		let activate = || ModelRegistry::activate_version(signed(CURATOR), worse);
		assert_noop!(activate(), REFUSED_COMPARISON);
		NotBetter::set(vec![]);
		assert_ok!(activate());
	});
}

#[test]
fn activate_should_compare_nothing_when_a_version_was_in_use_before() {
	commons().build_and_execute(|| {
		let [first, second] = active_and_worse();
		NotBetter::set(vec![]);
		assert_ok!(approve(CURATOR, second));
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), second));
		NotBetter::set(vec![(first, second)]);
		assert_ok!(ModelRegistry::activate_version(signed(CURATOR), first));
		assert_eq!(Activated::get(), [first, second, first]);
	});
}

#[test]
fn activate_should_fail_when_only_the_owner_approved_the_version_before_the_donation() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let active = version_in(ALICE, 0, 1, Active);
		let other = version_in(ALICE, 0, 2, Approved);
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));
		assert_eq!(Donated::get(), [0]);
		NotBetter::set(vec![(other, active)]);
		let activate = || ModelRegistry::activate_version(signed(CURATOR), other);
		assert_noop!(activate(), REFUSED_COMPARISON);
		NotBetter::set(vec![]);
		assert_ok!(activate());
	});
}

#[test]
fn approve_should_fail_when_the_owner_put_the_active_version_out_of_use_before_the_donation() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		version_in(ALICE, 0, 1, Deprecated);
		assert_ok!(propose(ALICE, 0, 2));
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));
		assert_noop!(approve(CURATOR, id(0, 2)), Error::<Test>::NothingToCompare);
	});
}
