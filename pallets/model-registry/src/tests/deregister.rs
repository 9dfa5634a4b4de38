use crate::{
	mock::*, Artifacts, Deregistered, Descriptions, Error, Event, HoldReason, Models, Names, Offers,
};
use dodona_primitives_models::VersionState::*;
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, DispatchResult};

fn deregister(who: AccountId, model: u32) -> DispatchResult {
	ModelRegistry::deregister(signed(who), model)
}

/// Revokes version 1 of model 0, which is Alice's, and has it pruned.
fn drop_version() {
	assert_ok!(ModelRegistry::revoke_version(signed(ALICE), id(0, 1), reason("")));
	go_to(System::block_number() + REVOKED_RETENTION);
	assert_ok!(ModelRegistry::prune_version(signed(BOB), id(0, 1)));
}

#[test]
fn deregister_should_return_all_deposits_and_free_the_name() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(ModelRegistry::set_metadata(signed(ALICE), 0, Some(metadata(3))));
		assert_ok!(ModelRegistry::transfer_ownership(signed(ALICE), 0, Some(BOB)));
		assert_ok!(deregister(ALICE, 0));

		let name = name("digits");
		assert_eq!(
			events().last(),
			Some(&Event::ModelDeregistered { model: 0, name: name.clone(), owner: ALICE })
		);
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
		for reason in [HoldReason::Model, HoldReason::Metadata] {
			assert_eq!(held(reason, ALICE), 0);
		}
		assert!(!Models::<Test>::contains_key(0) && !Names::<Test>::contains_key(name));
		assert!(!Descriptions::<Test>::contains_key(0) && !Offers::<Test>::contains_key(0));
		assert_eq!(Forgotten::get(), [0]);
		// Nothing has to be remembered of a model that never had a version.
		assert!(!Deregistered::<Test>::contains_key(0));
		assert_noop!(ModelRegistry::accept_ownership(signed(BOB), 0), Error::<Test>::UnknownModel);

		assert_ok!(register(BOB, "digits"));
		assert_eq!(model(1).owner, Some(BOB));
	});
}

#[test]
fn deregister_should_return_the_endowment() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(ModelRegistry::endow(signed(BOB), 0, 500));
		assert_ok!(deregister(ALICE, 0));
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT + 500);
	});
}

#[test]
fn deregister_should_leave_lasting_claims_and_the_number_of_versions() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.build_and_execute(|| {
			version_in(ALICE, 0, 1, Active);
			drop_version();
			assert_ok!(deregister(ALICE, 0));
			assert_eq!(Deregistered::<Test>::get(0), Some(1));
			assert!(Artifacts::<Test>::contains_key(H256::repeat_byte(1)));
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
			// Not even for who was the owner, unless it is said to be derived.
			assert_ok!(register(ALICE, "digits"));
			assert_noop!(propose(ALICE, 2, 1), Error::<Test>::ArtifactTaken);
			let mut derived = manifest(1);
			derived.derived_from = Some(id(0, 1));
			assert_ok!(ModelRegistry::propose_version(signed(ALICE), 2, derived));
		});
}

#[test]
fn deregister_should_fail_while_there_is_a_record_of_a_version() {
	for state in all_states() {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			version_in(ALICE, 0, 1, state);
			assert_noop!(deregister(ALICE, 0), Error::<Test>::HasVersions);
		});
	}
}

#[test]
fn deregister_should_fail_when_the_signer_is_not_the_owner() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(ALICE, "commons")
		.build_and_execute(|| {
			for who in [BOB, CURATOR] {
				assert_noop!(deregister(who, 0), Error::<Test>::NotOwner);
			}
			for who in [ALICE, CURATOR] {
				assert_noop!(deregister(who, 1), Error::<Test>::InCommons);
			}
			assert_noop!(deregister(ALICE, 2), Error::<Test>::UnknownModel);
			assert_noop!(
				ModelRegistry::deregister(RuntimeOrigin::root(), 0),
				DispatchError::BadOrigin
			);
		});
}
