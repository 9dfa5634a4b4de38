//! Who may register models under an organisation's name.

use crate::{mock::*, Error, Event, HoldReason, Holding, HoldingOf, Organisations};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

fn holding(of: &str) -> Option<HoldingOf<Test>> {
	Organisations::<Test>::get(organisation(of))
}

/// What is held from each of Alice and Bob.
fn held_for_organisations() -> [Balance; 2] {
	[ALICE, BOB].map(|who| held(HoldReason::Organisation, who))
}

fn transfer(who: AccountId, to: AccountId) -> DispatchResult {
	ModelRegistry::transfer_organisation(signed(who), organisation("acme"), to)
}

fn reassign(who: AccountId, to: AccountId) -> DispatchResult {
	ModelRegistry::reassign_organisation(signed(who), organisation("acme"), to)
}

fn release(who: AccountId) -> DispatchResult {
	ModelRegistry::release_organisation(signed(who), organisation("acme"))
}

#[test]
fn organisation_should_belong_to_who_registers_its_first_model() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(register(ALICE, "acme/digits"));
		let (holder, deposit) = (ALICE, ORGANISATION_DEPOSIT);
		assert_eq!(
			events(),
			[
				Event::OrganisationFounded { organisation: organisation("acme"), holder },
				Event::ModelRegistered { model: 0, name: name("acme/digits"), owner: ALICE },
			]
		);
		assert_eq!(holding("acme"), Some(Holding { holder, deposit, models: 1 }));
		assert_ok!(register(ALICE, "acme/letters"));
		assert_eq!(holding("acme"), Some(Holding { holder, deposit, models: 2 }));
		assert_eq!(held_for_organisations(), [ORGANISATION_DEPOSIT, 0]);
		assert_eq!(
			held(HoldReason::Model, ALICE),
			model_deposit("acme/digits") + model_deposit("acme/letters")
		);
	});
}

#[test]
fn register_should_fail_when_somebody_else_holds_the_organisation() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		assert_noop!(register(BOB, "acme/letters"), Error::<Test>::NotYourOrganisation);
		// Names that only look alike are free, and so is the organisation's as a model's.
		for called in ["acme", "acme.", "acm/e", "acme-2/digits"] {
			assert_ok!(register(BOB, called));
		}
	});
}

#[test]
fn register_should_fail_when_only_the_deposit_for_the_organisation_cannot_be_held() {
	ExtBuilder::default().build_and_execute(|| {
		let funds = model_deposit("acme/digits") + ORGANISATION_DEPOSIT;
		let _ = Balances::force_set_balance(RuntimeOrigin::root(), POOR, funds);
		assert_noop!(
			register(POOR, "acme/digits"),
			DispatchError::Token(TokenError::FundsUnavailable)
		);
		// One unit has to stay free.
		let _ = Balances::force_set_balance(RuntimeOrigin::root(), POOR, funds + 1);
		assert_ok!(register(POOR, "acme/digits"));
	});
}

#[test]
fn organisation_should_stay_with_its_holder_when_a_model_goes_to_others() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		assert_ok!(ModelRegistry::transfer_ownership(signed(ALICE), 0, Some(BOB)));
		assert_ok!(ModelRegistry::accept_ownership(signed(BOB), 0));
		assert_noop!(register(BOB, "acme/letters"), Error::<Test>::NotYourOrganisation);
		assert_ok!(register(ALICE, "acme/letters"));
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 1));
		assert_eq!(holding("acme").unwrap().models, 2);
		assert_eq!(held_for_organisations(), [ORGANISATION_DEPOSIT, 0]);
	});
}

#[test]
fn transfer_should_give_the_organisation_and_its_deposit_to_another() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		assert_ok!(transfer(ALICE, BOB));
		let organisation = organisation("acme");
		assert_eq!(
			events(),
			[Event::OrganisationTransferred { organisation, from: ALICE, to: BOB }]
		);
		assert_eq!(held_for_organisations(), [0, ORGANISATION_DEPOSIT]);
		// The new holder has paid nothing, and the old one still owns the model.
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT);
		assert_eq!(model(0).owner, Some(ALICE));
		assert_ok!(register(BOB, "acme/letters"));
		assert_noop!(register(ALICE, "acme/sounds"), Error::<Test>::NotYourOrganisation);
	});
}

#[test]
fn transfer_should_fail_when_the_signer_is_not_the_holder_or_the_other_is() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		for who in [BOB, CURATOR] {
			assert_noop!(transfer(who, BOB), Error::<Test>::NotYourOrganisation);
		}
		assert_noop!(transfer(ALICE, ALICE), Error::<Test>::AlreadyHolder);
		assert_noop!(transfer(ALICE, NOBODY), DispatchError::Token(TokenError::CannotCreateHold));
		assert_noop!(
			ModelRegistry::transfer_organisation(RuntimeOrigin::root(), organisation("acme"), BOB),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn reassign_should_take_the_organisation_from_a_squatter_who_gets_the_deposit_back() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		assert_ok!(reassign(CURATOR, BOB));
		let acme = organisation("acme");
		assert_eq!(
			events(),
			[Event::OrganisationReassigned { organisation: acme, from: ALICE, to: BOB }]
		);
		assert_eq!(holding("acme"), Some(Holding { holder: BOB, deposit: 0, models: 1 }));
		assert_eq!(held_for_organisations(), [0, 0]);
		assert_noop!(register(ALICE, "acme/letters"), Error::<Test>::NotYourOrganisation);
		assert_ok!(register(BOB, "acme/letters"));
		// It goes on without a deposit.
		assert_ok!(transfer(BOB, ALICE));
		assert_eq!(holding("acme"), Some(Holding { holder: ALICE, deposit: 0, models: 2 }));
	});
}

#[test]
fn reassign_should_work_when_the_new_holder_has_no_account() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		assert_ok!(reassign(CURATOR, NOBODY));
		assert_eq!(holding("acme").unwrap().holder, NOBODY);
	});
}

#[test]
fn reassign_should_fail_when_the_curator_does_not_say_so_or_nothing_changes() {
	ExtBuilder::default().model(ALICE, "acme/digits").build_and_execute(|| {
		for who in [ALICE, BOB] {
			assert_noop!(reassign(who, BOB), DispatchError::BadOrigin);
		}
		assert_noop!(reassign(CURATOR, ALICE), Error::<Test>::AlreadyHolder);
	});
}

#[test]
fn release_should_return_the_deposit_when_no_model_is_left() {
	ExtBuilder::default()
		.model(ALICE, "acme/digits")
		.model(ALICE, "acme/letters")
		.build_and_execute(|| {
			assert_ok!(ModelRegistry::deregister(signed(ALICE), 0));
			assert_noop!(release(ALICE), Error::<Test>::OrganisationInUse);
			assert_ok!(ModelRegistry::deregister(signed(ALICE), 1));
			assert_eq!(held_for_organisations(), [ORGANISATION_DEPOSIT, 0]);
			assert_noop!(register(BOB, "acme/letters"), Error::<Test>::NotYourOrganisation);
			assert_noop!(release(BOB), Error::<Test>::NotYourOrganisation);

			assert_ok!(release(ALICE));
			let acme = organisation("acme");
			assert_eq!(
				events().last(),
				Some(&Event::OrganisationReleased { organisation: acme, holder: ALICE })
			);
			assert_eq!(held_for_organisations(), [0, 0]);
			assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
			assert_ok!(register(BOB, "acme/letters"));
			assert_eq!(held_for_organisations(), [0, ORGANISATION_DEPOSIT]);
		});
}

#[test]
fn organisation_calls_should_fail_when_it_is_unknown() {
	ExtBuilder::default().model(ALICE, "acme").build_and_execute(|| {
		for result in [transfer(ALICE, BOB), reassign(CURATOR, BOB), release(ALICE)] {
			assert_eq!(result, Err(Error::<Test>::UnknownOrganisation.into()));
		}
	});
}
