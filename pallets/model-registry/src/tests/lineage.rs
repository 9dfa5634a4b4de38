//! What was derived from what.

use crate::{mock::*, Error, Lineage};
use dodona_primitives_models::{VersionId, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

/// Has `who` propose a version of the model that is derived from `parent`.
fn derive(who: AccountId, model: u32, seed: u8, parent: VersionId) -> DispatchResult {
	let mut manifest = manifest(seed);
	manifest.derived_from = Some(parent);
	ModelRegistry::propose_version(signed(who), model, manifest)
}

fn revoke(who: AccountId, version: VersionId) {
	assert_ok!(ModelRegistry::revoke_version(signed(who), version, reason("")));
}

/// Revokes the versions, has them pruned, and deregisters Alice's model 0.
fn deregister(versions: &[VersionId]) {
	for version in versions {
		revoke(ALICE, *version);
	}
	go_to(System::block_number() + REVOKED_RETENTION);
	for version in versions {
		assert_ok!(ModelRegistry::prune_version(signed(ALICE), *version));
	}
	assert_ok!(ModelRegistry::deregister(signed(ALICE), 0));
}

/// A model of Alice's, and one of Bob's.
fn models() -> ExtBuilder {
	ExtBuilder::default().model(ALICE, "digits").model(BOB, "derived")
}

#[test]
fn lineage_should_survive_the_versions_and_their_model() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Active);
		assert_ok!(derive(ALICE, 0, 2, id(0, 1)));
		assert_ok!(ModelRegistry::approve_version(signed(ALICE), id(0, 2)));
		assert_ok!(derive(BOB, 1, 3, id(0, 2)));
		deregister(&[id(0, 1), id(0, 2)]);
		assert_eq!(Lineage::<Test>::get(id(1, 1)), Some(id(0, 2)));
		assert_eq!(Lineage::<Test>::get(id(0, 2)), Some(id(0, 1)));
		assert_eq!(Lineage::<Test>::get(id(0, 1)), None);
	});
}

#[test]
fn lineage_should_be_forgotten_when_the_version_is_revoked_before_it_was_approved() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Proposed);
		assert_ok!(derive(BOB, 1, 2, id(0, 1)));
		assert_eq!(Lineage::<Test>::get(id(1, 1)), Some(id(0, 1)));
		revoke(BOB, id(1, 1));
		assert_eq!(Lineage::<Test>::get(id(1, 1)), None);

		assert_ok!(derive(BOB, 1, 2, id(0, 1)));
		assert_ok!(ModelRegistry::approve_version(signed(BOB), id(1, 2)));
		revoke(BOB, id(1, 2));
		assert_eq!(Lineage::<Test>::get(id(1, 2)), Some(id(0, 1)));
	});
}

#[test]
fn version_should_be_a_parent_when_there_is_no_record_of_it_any_more() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Active);
		revoke(ALICE, id(0, 1));
		go_to(REVOKED_RETENTION + 1);
		assert_ok!(ModelRegistry::prune_version(signed(ALICE), id(0, 1)));
		assert_ok!(derive(BOB, 1, 2, id(0, 1)));
		assert_noop!(derive(BOB, 1, 3, id(0, 2)), Error::<Test>::UnknownParent);

		assert_ok!(ModelRegistry::deregister(signed(ALICE), 0));
		assert_ok!(derive(BOB, 1, 3, id(0, 1)));
		for unknown in [id(0, 0), id(0, 2)] {
			assert_noop!(derive(BOB, 1, 4, unknown), Error::<Test>::UnknownParent);
		}
	});
}

#[test]
fn lineage_should_have_no_cycles_as_a_parent_comes_before_its_child() {
	models().build_and_execute(|| {
		// Neither itself nor what is yet to come.
		assert_noop!(derive(ALICE, 0, 1, id(0, 1)), Error::<Test>::UnknownParent);
		assert_noop!(derive(ALICE, 0, 1, id(1, 1)), Error::<Test>::UnknownParent);
		assert_ok!(propose(ALICE, 0, 1));
		assert_noop!(derive(ALICE, 0, 2, id(0, 2)), Error::<Test>::UnknownParent);
		assert_ok!(derive(BOB, 1, 2, id(0, 1)));
		// A version that is derived from one that is derived from an older one of its model.
		assert_ok!(derive(ALICE, 0, 3, id(1, 1)));
	});
}

#[test]
fn lineage_should_have_no_cycles_when_a_model_is_registered_again_by_its_name() {
	models().build_and_execute(|| {
		version_in(ALICE, 0, 1, Active);
		assert_ok!(derive(BOB, 1, 2, id(0, 1)));
		deregister(&[id(0, 1)]);
		assert_ok!(register(ALICE, "digits"));
		// It has another id, and so its versions are others.
		assert_ok!(derive(ALICE, 2, 3, id(1, 1)));
		assert_eq!(Lineage::<Test>::get(id(0, 1)), None);
	});
}
