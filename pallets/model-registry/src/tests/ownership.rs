use crate::{mock::*, Error, Event, HoldReason};
use dodona_primitives_models::{ModelInspect, VersionState};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn donate_should_give_the_model_to_the_commons_and_return_the_deposit() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, VersionState::Active);
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));

		assert_eq!(events().last(), Some(&Event::ModelDonated { model: 0, owner: ALICE }));
		assert_eq!((model(0).owner, model(0).deposit), (None, 0));
		assert_eq!(held(HoldReason::Model, ALICE), 0);
		// The version stays in use, and its deposit with it.
		assert_eq!(model(0).active, Some(1));
		assert_eq!(held(HoldReason::Version, ALICE), VERSION_DEPOSIT);
		assert_ok!(ModelRegistry::deprecate_version(signed(CURATOR), version));
	});
}

#[test]
fn donate_should_fail_when_the_signer_is_not_the_owner() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for who in [BOB, CURATOR] {
			assert_noop!(ModelRegistry::donate_to_commons(signed(who), 0), Error::<Test>::NotOwner);
		}
		assert_noop!(
			ModelRegistry::donate_to_commons(RuntimeOrigin::root(), 0),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn ownership_should_be_gone_for_ever_when_the_model_is_in_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(ModelRegistry::donate_to_commons(signed(ALICE), 0), Error::<Test>::InCommons);
		for who in [ALICE, CURATOR] {
			assert_noop!(
				ModelRegistry::transfer_ownership(signed(who), 0, BOB),
				Error::<Test>::InCommons
			);
		}
	});
}

#[test]
fn ownership_calls_should_fail_when_the_model_is_unknown() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			ModelRegistry::donate_to_commons(signed(ALICE), 0),
			Error::<Test>::UnknownModel
		);
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(ALICE), 0, BOB),
			Error::<Test>::UnknownModel
		);
	});
}

#[test]
fn transfer_should_move_the_model_and_its_deposit() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, VersionState::Active);
		assert_ok!(ModelRegistry::transfer_ownership(signed(ALICE), 0, BOB));

		assert_eq!(
			events().last(),
			Some(&Event::OwnershipTransferred { model: 0, from: ALICE, to: BOB })
		);
		assert_eq!(model(0).owner, Some(BOB));
		assert_eq!(held(HoldReason::Model, ALICE), 0);
		assert_eq!(held(HoldReason::Model, BOB), MODEL_DEPOSIT);
		// The new owner has paid nothing.
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT);
		assert_eq!(<ModelRegistry as ModelInspect>::beneficiary(0), Some(BOB));
		assert_noop!(
			ModelRegistry::deprecate_version(signed(ALICE), version),
			Error::<Test>::NotOwner
		);
		assert_ok!(ModelRegistry::deprecate_version(signed(BOB), version));
		// The proposer gets the version's deposit, whoever owns the model by then.
		assert_ok!(ModelRegistry::revoke_version(signed(BOB), version, reason("")));
		assert_eq!(held(HoldReason::Version, ALICE), 0);
	});
}

#[test]
fn transfer_should_fail_when_the_signer_is_not_the_owner() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(BOB), 0, BOB),
			Error::<Test>::NotOwner
		);
		assert_noop!(
			ModelRegistry::transfer_ownership(RuntimeOrigin::root(), 0, BOB),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn transfer_should_fail_when_the_owner_is_the_same() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(ALICE), 0, ALICE),
			Error::<Test>::AlreadyOwner
		);
	});
}

#[test]
fn transfer_should_fail_when_the_new_owner_has_no_account() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(ALICE), 0, NOBODY),
			DispatchError::Token(TokenError::CannotCreateHold)
		);
	});
}
