use crate::{mock::*, Error, Event, HoldReason, Reason};
use dodona_primitives_models::{Live, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn bounded(words: &str) -> Reason {
	Reason::try_from(reason(words)).unwrap()
}

#[test]
fn revoke_should_return_the_deposit_and_keep_the_reason_whatever_the_state() {
	for from in all_states().into_iter().filter(|from| !matches!(from, Revoked { .. })) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let flawed = version_in(ALICE, 0, 1, from);
			assert_ok!(ModelRegistry::revoke_version(signed(ALICE), flawed, reason("flawed")));

			assert_eq!(
				events().last(),
				Some(&Event::VersionRevoked { version: flawed, reason: bounded("flawed") })
			);
			let record = version(flawed);
			assert_eq!((record.state, record.deposit), (revoked("flawed"), 0));
			assert_eq!((held(HoldReason::Version, ALICE), forfeited()), (0, 0));
			let model = model(0);
			assert_eq!((model.active, model.latest), (None, 1));
			assert_eq!((model.live, model.proposals, model.records), (0, 0, 1));
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
		assert_eq!(held(HoldReason::Version, ALICE), version_deposit());
	});
}

#[test]
fn revoke_should_work_for_the_guardian_whoever_governs_the_model() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(ALICE, "commons")
		.build_and_execute(|| {
			let owned = version_in(ALICE, 0, 1, Active);
			let before = Balances::free_balance(ALICE);
			assert_ok!(propose(BOB, 1, 2));
			for version in [owned, id(1, 1)] {
				let origin = RuntimeOrigin::root();
				assert_ok!(ModelRegistry::revoke_version(origin, version, reason("harmful")));
				assert_eq!(state(version), revoked("harmful"));
			}
			assert_eq!(held(HoldReason::Version, ALICE), 0);
			assert_eq!(held(HoldReason::Version, BOB), 0);
			// What was in use is not spam: its deposit is not forfeited.
			assert_eq!(Balances::free_balance(ALICE), before + version_deposit());
			assert_eq!(forfeited(), version_deposit());
		});
}

#[test]
fn revoke_should_work_for_the_curator_when_the_model_is_in_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 1)));
		assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), id(0, 1), reason("spam")));
		assert_eq!((held(HoldReason::Version, BOB), forfeited()), (0, 0));
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT);
	});
}

#[test]
fn revoke_should_work_for_the_proposer_only_until_the_version_is_approved() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		assert_noop!(
			ModelRegistry::revoke_version(signed(ALICE), id(0, 1), reason("")),
			DispatchError::BadOrigin
		);
		assert_ok!(ModelRegistry::revoke_version(signed(BOB), id(0, 1), reason("typo")));
		assert_eq!((Balances::free_balance(BOB), forfeited()), (ENDOWMENT, 0));
		assert_eq!(model(0).proposals, 0);
		assert_ok!(propose(BOB, 0, 2));
		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), id(0, 2)));
		assert_noop!(
			ModelRegistry::revoke_version(signed(BOB), id(0, 2), reason("typo")),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn revoke_should_forfeit_the_deposit_when_curator_or_guardian_revoke_a_proposal() {
	for judge in [signed(CURATOR), RuntimeOrigin::root()] {
		ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
			assert_ok!(propose(BOB, 0, 1));
			assert_ok!(ModelRegistry::revoke_version(judge, id(0, 1), reason("spam")));
			assert_eq!((held(HoldReason::Version, BOB), forfeited()), (0, version_deposit()));
			assert_eq!(Balances::free_balance(BOB), ENDOWMENT - version_deposit());
			assert_eq!(version(id(0, 1)).deposit, 0);
			let (version, amount) = (id(0, 1), version_deposit());
			assert_eq!(
				events()[1..],
				[
					Event::DepositForfeited { version, proposer: BOB, amount },
					Event::VersionRevoked { version, reason: bounded("spam") },
				]
			);
		});
	}
}

#[test]
fn revoke_should_forfeit_the_deposit_when_the_proposer_does_it_in_the_middle_of_the_evaluation() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		for (number, measured) in [(1, true), (2, false)] {
			assert_ok!(propose(BOB, 0, 1));
			let version = id(0, number);
			BeingMeasured::set(if measured { vec![version] } else { vec![] });
			assert_ok!(ModelRegistry::revoke_version(signed(BOB), version, reason("no luck")));
			assert_eq!((held(HoldReason::Version, BOB), forfeited()), (0, version_deposit()));
		}
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT - version_deposit());
	});
}

#[test]
fn revoke_should_return_the_deposit_when_an_owner_measures_versions_and_takes_one_back() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		BeingMeasured::set(vec![id(0, 1)]);
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), id(0, 1), reason("")));
		assert_eq!((held(HoldReason::Version, ALICE), forfeited()), (0, 0));
	});
}

#[test]
fn revoke_should_return_the_deposit_when_the_owner_revokes_a_proposal_of_the_owner_before() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(ModelRegistry::transfer_ownership(signed(ALICE), 0, Some(BOB)));
		assert_ok!(ModelRegistry::accept_ownership(signed(BOB), 0));
		assert_ok!(ModelRegistry::revoke_version(signed(BOB), id(0, 1), reason("")));
		assert_eq!((held(HoldReason::Version, ALICE), forfeited()), (0, 0));
	});
}

#[test]
fn revoke_should_return_the_deposit_when_the_curator_takes_back_a_proposal_of_its_own() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		assert_ok!(propose(CURATOR, 0, 1));
		assert_ok!(ModelRegistry::revoke_version(signed(CURATOR), id(0, 1), reason("")));
		assert_eq!((Balances::free_balance(CURATOR), forfeited()), (ENDOWMENT, 0));
	});
}

#[test]
fn revoke_should_tell_the_gate_only_of_what_waited_for_approval() {
	for from in all_states().into_iter().filter(|from| !matches!(from, Revoked { .. })) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, from.clone());
			Closed::set(Vec::new());
			assert_ok!(ModelRegistry::revoke_version(signed(ALICE), version, reason("")));
			let closed = if from == Proposed { vec![(version, false)] } else { vec![] };
			assert_eq!(Closed::get(), closed, "{from:?}");
		});
	}
}

#[test]
fn revoke_should_confirm_a_suspension_when_the_guardian_says_so() {
	ExtBuilder::default().commons_model(CURATOR, "commons").build_and_execute(|| {
		let version = version_in(CURATOR, 0, 1, suspended(Live::Active, "harmful?"));
		assert_noop!(
			ModelRegistry::revoke_version(signed(GUARD), version, reason("harmful")),
			DispatchError::BadOrigin
		);
		let guardian = RuntimeOrigin::root();
		assert_ok!(ModelRegistry::revoke_version(guardian, version, reason("harmful")));
		assert_eq!((state(version), model(0).live), (revoked("harmful"), 0));
		assert_eq!((held(HoldReason::Version, CURATOR), forfeited()), (0, 0));
	});
}

#[test]
fn revoke_should_fail_when_the_reason_is_too_long() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		for length in [257, 100_000] {
			assert_noop!(
				ModelRegistry::revoke_version(signed(ALICE), version, vec![b'a'; length]),
				Error::<Test>::ReasonTooLong
			);
		}
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), version, vec![b'a'; 256]));
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
		let version = version_in(ALICE, 0, 1, revoked(""));
		for (version, error) in [
			(version, Error::<Test>::AlreadyRevoked),
			(id(0, 2), Error::<Test>::UnknownVersion),
			(id(7, 1), Error::<Test>::UnknownModel),
		] {
			assert_noop!(ModelRegistry::revoke_version(signed(ALICE), version, reason("")), error);
		}
	});
}
