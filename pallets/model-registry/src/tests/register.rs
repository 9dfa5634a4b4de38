use crate::{mock::*, Error, Event, HoldReason, NextModelId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{ArithmeticError, DispatchError, TokenError};

#[test]
fn register_should_record_the_model_and_hold_the_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(register(ALICE, "letters"));
		assert_ok!(register(BOB, "digits-too"));

		assert_eq!(
			events(),
			[
				Event::ModelRegistered { model: 0, name: name("letters"), owner: ALICE },
				Event::ModelRegistered { model: 1, name: name("digits-too"), owner: BOB },
			]
		);
		let model = model(0);
		assert_eq!(model.owner, Some(ALICE));
		assert_eq!((model.active, model.latest, model.live), (None, 0, 0));
		// A longer name costs more.
		assert_eq!(model.deposit, MODEL_DEPOSIT + 7 * DEPOSIT_PER_BYTE);
		assert_eq!(held(HoldReason::Model, ALICE), model.deposit);
		assert_eq!(held(HoldReason::Model, BOB), MODEL_DEPOSIT + 10 * DEPOSIT_PER_BYTE);
	});
}

#[test]
fn register_should_accept_a_name_when_it_is_a_slug() {
	ExtBuilder::default().build_and_execute(|| {
		for called in ["a", "0", "a/b", "org-1/llama-3.2_1b", "a.b", &"x".repeat(64)] {
			assert_ok!(register(ALICE, called));
		}
	});
}

#[test]
fn register_should_fail_when_the_name_is_not_a_slug() {
	ExtBuilder::default().build_and_execute(|| {
		let names = [
			"", "/", "a/", "/a", "a//b", "a/b/c", "A", "a b", "a\n", "é", ".", "..", "-a", "_a",
			"a/.b", "a/-b", "a\\b", "a\0",
		];
		for called in names {
			assert_noop!(register(ALICE, called), Error::<Test>::InvalidName);
		}
	});
}

#[test]
fn register_should_fail_when_the_name_is_too_long() {
	ExtBuilder::default().build_and_execute(|| {
		for length in [65, 100_000] {
			assert_noop!(register(ALICE, &"x".repeat(length)), Error::<Test>::NameTooLong);
		}
	});
}

#[test]
fn register_should_fail_when_the_name_is_taken() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(register(ALICE, "digits"), Error::<Test>::NameTaken);
		assert_noop!(register(BOB, "digits"), Error::<Test>::NameTaken);
		assert_ok!(register(BOB, "bob/digits"));
	});
}

#[test]
fn register_should_fail_when_the_deposit_cannot_be_held() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(register(POOR, "digits"), DispatchError::Token(TokenError::FundsUnavailable));
	});
}

#[test]
fn register_should_fail_when_it_is_not_signed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			ModelRegistry::register(RuntimeOrigin::root(), b"digits".to_vec()),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn register_should_fail_when_all_ids_are_used() {
	ExtBuilder::default().build_and_execute(|| {
		NextModelId::<Test>::put(u32::MAX);
		assert_noop!(register(ALICE, "digits"), ArithmeticError::Overflow);
	});
}
