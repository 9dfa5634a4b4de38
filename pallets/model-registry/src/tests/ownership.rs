use crate::{mock::*, Descriptions, Error, Event, HoldReason, Offers};
use dodona_primitives_models::VersionState;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

/// Has the owner offer model 0 to `to`.
fn offer(owner: AccountId, to: AccountId) {
	assert_ok!(ModelRegistry::transfer_ownership(signed(owner), 0, Some(to)));
}

fn accept(who: AccountId) -> sp_runtime::DispatchResult {
	ModelRegistry::accept_ownership(signed(who), 0)
}

#[test]
fn donate_should_give_the_model_to_the_commons_and_return_the_deposits() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, VersionState::Active);
		assert_ok!(ModelRegistry::set_metadata(signed(ALICE), 0, Some(metadata(3))));
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));

		assert_eq!(events().last(), Some(&Event::ModelDonated { model: 0, owner: ALICE }));
		assert_eq!((model(0).owner, model(0).deposit), (None, 0));
		assert_eq!(held(HoldReason::Model, ALICE), 0);
		assert_eq!(held(HoldReason::Metadata, ALICE), 0);
		assert_eq!(Descriptions::<Test>::get(0).unwrap().metadata, metadata(3));
		// The version stays in use, and its deposit with it.
		assert_eq!(model(0).active, Some(1));
		assert_eq!(held(HoldReason::Version, ALICE), version_deposit());
		assert_ok!(ModelRegistry::deprecate_version(signed(CURATOR), version));
	});
}

#[test]
fn donate_should_end_an_offer() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		offer(ALICE, BOB);
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));
		assert_eq!(Offers::<Test>::get(0), None);
		assert_noop!(accept(BOB), Error::<Test>::InCommons);
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
				ModelRegistry::transfer_ownership(signed(who), 0, Some(BOB)),
				Error::<Test>::InCommons
			);
			assert_noop!(accept(who), Error::<Test>::InCommons);
		}
	});
}

#[test]
fn ownership_calls_should_fail_when_the_model_is_unknown() {
	ExtBuilder::default().build_and_execute(|| {
		let unknown = Error::<Test>::UnknownModel;
		assert_noop!(ModelRegistry::donate_to_commons(signed(ALICE), 0), unknown);
		let unknown = Error::<Test>::UnknownModel;
		assert_noop!(ModelRegistry::transfer_ownership(signed(ALICE), 0, None), unknown);
		assert_noop!(accept(ALICE), Error::<Test>::UnknownModel);
	});
}

#[test]
fn transfer_should_change_nothing_until_it_is_accepted() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		offer(ALICE, BOB);
		assert_eq!(events(), [Event::OwnershipOffered { model: 0, from: ALICE, to: BOB }]);
		assert_eq!(Offers::<Test>::get(0), Some(BOB));
		assert_eq!((model(0).owner, held(HoldReason::Model, BOB)), (Some(ALICE), 0));
		assert_noop!(propose(BOB, 0, 1), Error::<Test>::NotOwner);
		assert_ok!(propose(ALICE, 0, 1));
	});
}

#[test]
fn accept_should_move_the_model_and_have_the_new_owner_pay_the_deposits() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, VersionState::Active);
		assert_ok!(ModelRegistry::set_metadata(signed(ALICE), 0, Some(metadata(3))));
		offer(ALICE, BOB);
		assert_ok!(accept(BOB));

		assert_eq!(
			events().last(),
			Some(&Event::OwnershipTransferred { model: 0, from: ALICE, to: BOB })
		);
		assert_eq!((model(0).owner, Offers::<Test>::get(0)), (Some(BOB), None));
		for (who, for_model, for_metadata) in
			[(ALICE, 0, 0), (BOB, model_deposit("digits"), metadata_deposit(&metadata(3)))]
		{
			assert_eq!(held(HoldReason::Model, who), for_model);
			assert_eq!(held(HoldReason::Metadata, who), for_metadata);
		}
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT - version_deposit());
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
fn accept_should_fail_when_the_model_is_not_offered_to_the_signer() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(accept(BOB), Error::<Test>::NotOffered);
		offer(ALICE, BOB);
		for who in [ALICE, CHARLIE, CURATOR] {
			assert_noop!(accept(who), Error::<Test>::NotOffered);
		}
		assert_noop!(
			ModelRegistry::accept_ownership(RuntimeOrigin::root(), 0),
			DispatchError::BadOrigin
		);
		// The last offer counts.
		offer(ALICE, CHARLIE);
		assert_noop!(accept(BOB), Error::<Test>::NotOffered);
		assert_ok!(accept(CHARLIE));
		// And it is used up.
		offer(CHARLIE, ALICE);
		assert_ok!(accept(ALICE));
		assert_noop!(accept(CHARLIE), Error::<Test>::NotOffered);
	});
}

#[test]
fn accept_should_fail_when_the_deposits_cannot_be_held() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		offer(ALICE, POOR);
		assert_noop!(accept(POOR), DispatchError::Token(TokenError::FundsUnavailable));
		offer(ALICE, NOBODY);
		assert_noop!(accept(NOBODY), DispatchError::Token(TokenError::FundsUnavailable));
	});
}

#[test]
fn offer_should_be_gone_when_it_is_withdrawn() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let withdraw = |who| ModelRegistry::transfer_ownership(signed(who), 0, None);
		assert_noop!(withdraw(ALICE), Error::<Test>::NoOffer);
		offer(ALICE, BOB);
		assert_noop!(withdraw(BOB), Error::<Test>::NotOwner);
		assert_ok!(withdraw(ALICE));
		assert_eq!(events().last(), Some(&Event::OfferWithdrawn { model: 0 }));
		assert_noop!(accept(BOB), Error::<Test>::NotOffered);
	});
}

#[test]
fn transfer_should_fail_when_the_signer_is_not_the_owner() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(BOB), 0, Some(BOB)),
			Error::<Test>::NotOwner
		);
		assert_noop!(
			ModelRegistry::transfer_ownership(RuntimeOrigin::root(), 0, Some(BOB)),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn transfer_should_fail_when_the_owner_is_the_same() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(
			ModelRegistry::transfer_ownership(signed(ALICE), 0, Some(ALICE)),
			Error::<Test>::AlreadyOwner
		);
	});
}
