//! Proposals that nobody has admitted in time.

use crate::{mock::*, Error, Event, HoldReason};
use dodona_primitives_models::{VersionId, VersionState::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult};

/// Has Charlie, who has nothing to do with it, drop a proposal.
fn drop(version: VersionId) -> DispatchResult {
	ModelRegistry::drop_proposal(signed(CHARLIE), version)
}

/// A model of Alice's, and one in the commons.
fn models() -> ExtBuilder {
	ExtBuilder::default().model(ALICE, "digits").commons_model(ALICE, "commons")
}

#[test]
fn drop_should_make_room_and_return_the_deposit_when_a_version_is_not_admitted_in_time() {
	models().build_and_execute(|| {
		go_to(3);
		for (who, seed) in [(ALICE, 1), (BOB, 2)] {
			assert_ok!(propose(who, 1, seed));
		}
		let version = id(1, 2);
		assert_eq!(crate::mock::version(version).proposed_at, 3);
		NotAdmitted::set(vec![id(1, 1), version]);
		assert_noop!(propose(CHARLIE, 1, 3), Error::<Test>::TooManyProposals);

		go_to(3 + ADMISSION_PERIOD - 1);
		assert_noop!(drop(version), Error::<Test>::AdmissionGoesOn);
		go_to(3 + ADMISSION_PERIOD);
		assert_ok!(drop(version));
		let reason: crate::Reason = reason("not admitted in time").try_into().unwrap();
		let at = 3 + ADMISSION_PERIOD;
		assert_eq!(state(version), Revoked { reason: reason.clone(), at });
		assert_eq!(events().last(), Some(&Event::VersionRevoked { version, reason }));
		assert_eq!((held(HoldReason::Version, BOB), forfeited()), (0, 0));
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT);
		assert_eq!((model(1).proposals, model(1).live), (1, 0));
		assert_eq!(Closed::get(), [(version, false)]);
		assert_ok!(propose(CHARLIE, 1, 3));
		// There is a period for each, from its own block on.
		assert_noop!(drop(id(1, 3)), Error::<Test>::AdmissionGoesOn);
	});
}

#[test]
fn drop_should_be_refused_when_the_version_is_admitted() {
	models().build_and_execute(|| {
		assert_ok!(propose(BOB, 1, 1));
		go_to(1 + 2 * ADMISSION_PERIOD);
		assert_noop!(drop(id(1, 1)), Error::<Test>::IsAdmitted);
		assert_eq!(state(id(1, 1)), Proposed);
	});
}

#[test]
fn drop_should_be_refused_when_the_model_has_an_owner() {
	models().build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		NotAdmitted::set(vec![id(0, 1)]);
		go_to(1 + ADMISSION_PERIOD);
		assert_noop!(drop(id(0, 1)), Error::<Test>::NotInCommons);
		// It is the commons' once they have it.
		assert_ok!(ModelRegistry::donate_to_commons(signed(ALICE), 0));
		assert_ok!(drop(id(0, 1)));
		assert_eq!(held(HoldReason::Version, ALICE), 0);
	});
}

#[test]
fn drop_should_be_refused_when_the_version_does_not_wait_for_approval() {
	for from in all_states().into_iter().filter(|from| *from != Proposed) {
		ExtBuilder::default().commons_model(CURATOR, "commons").build_and_execute(|| {
			let version = version_in(CURATOR, 0, 1, from);
			NotAdmitted::set(vec![version]);
			go_to(1 + ADMISSION_PERIOD);
			assert_noop!(drop(version), Error::<Test>::NotProposed);
		});
	}
}

#[test]
fn drop_should_be_refused_when_it_is_not_signed_or_nothing_is_known() {
	models().build_and_execute(|| {
		let unsigned = ModelRegistry::drop_proposal(RuntimeOrigin::none(), id(1, 1));
		assert_noop!(unsigned, DispatchError::BadOrigin);
		assert_noop!(drop(id(1, 1)), Error::<Test>::UnknownVersion);
		assert_noop!(drop(id(7, 1)), Error::<Test>::UnknownModel);
	});
}
