//! The check of the state finds what is wrong.

use crate::{
	mock::*, Artifacts, Claim, Deregistered, Descriptions, HoldReason, Lineage, Models, Names,
	Offers, Organisations, Proposals, Versions,
};
use dodona_primitives_models::{Live, VersionState::*};
use frame_support::{
	assert_ok,
	traits::{fungible::MutateHold, tokens::Precision::Exact},
};
use sp_core::H256;
use sp_runtime::{DispatchError, TryRuntimeError};

/// Breaks a state with two models, one in the commons, and versions; and has it checked.
fn broken(by: impl FnOnce()) -> Result<(), TryRuntimeError> {
	ExtBuilder::default()
		.model(ALICE, "acme/digits")
		.commons_model(BOB, "commons")
		.build()
		.execute_with(|| {
			assert_ok!(ModelRegistry::set_metadata(signed(ALICE), 0, Some(metadata(3))));
			assert_ok!(ModelRegistry::transfer_ownership(signed(ALICE), 0, Some(BOB)));
			version_in(ALICE, 0, 1, Active);
			version_in(ALICE, 0, 2, suspended(Live::Approved, ""));
			assert_ok!(propose(BOB, 1, 3));
			assert_ok!(ModelRegistry::do_try_state());
			by();
			ModelRegistry::do_try_state()
		})
}

fn change_model(model: u32, change: impl FnOnce(&mut crate::ModelOf<Test>)) {
	Models::<Test>::mutate(model, |record| change(record.as_mut().unwrap()));
}

fn change_version(number: u32, change: impl FnOnce(&mut crate::VersionOf<Test>)) {
	Versions::<Test>::mutate(0, number, |record| change(record.as_mut().unwrap()));
}

/// Asserts that the check fails for this reason.
macro_rules! assert_found {
	($reason:literal, $by:expr) => {
		assert_eq!(broken($by), Err(DispatchError::Other($reason)), $reason);
	};
}

#[test]
fn try_state_should_find_what_is_wrong_with_holds() {
	let differs = Err(DispatchError::Other("an account's hold differs from its deposits"));
	for reason in
		[HoldReason::Model, HoldReason::Version, HoldReason::Metadata, HoldReason::Organisation]
	{
		for who in [ALICE, BOB, CHARLIE] {
			let hold = || Balances::hold(&reason.into(), &who, 1).unwrap();
			assert_eq!(broken(hold), differs, "{reason:?} {who}");
		}
	}
	assert_found!("deposits are of an account that doesn't exist", || {
		change_model(0, |model| model.owner = Some(NOBODY));
		for reason in [HoldReason::Model, HoldReason::Metadata] {
			let amount = held(reason, ALICE);
			assert_ok!(Balances::release(&reason.into(), &ALICE, amount, Exact));
		}
	});
	assert_found!("a deposit is held for the commons", || change_model(1, |model| model.deposit =
		1));
}

#[test]
fn try_state_should_find_what_is_wrong_with_models() {
	assert_found!("a model's name is not its own", || Names::<Test>::remove(name("acme/digits")));
	assert_found!("a name is no model's", || Names::<Test>::insert(name("other"), 0));
	assert_found!("a model was deregistered", || Deregistered::<Test>::insert(0, 2));
	assert_found!("metadata are of no model", || Descriptions::<Test>::swap(0, 7));
	assert_found!("an unknown model is offered", || Offers::<Test>::insert(7, BOB));
	assert_found!("a model of the commons is offered", || Offers::<Test>::insert(1, BOB));
	assert_found!("a model is offered to its owner", || Offers::<Test>::insert(0, ALICE));
	assert_found!("an organisation miscounts its models", || {
		Organisations::<Test>::mutate(organisation("acme"), |of| of.as_mut().unwrap().models = 2)
	});
	assert_found!("nobody holds a model's organisation", || {
		Organisations::<Test>::remove(organisation("acme"))
	});
}

#[test]
fn try_state_should_find_what_is_wrong_with_versions() {
	assert_found!("a model miscounts its versions", || change_model(0, |model| model.live = 1));
	assert_found!("a model miscounts its records", || change_model(0, |model| model.records = 1));
	assert_found!("a model miscounts what waits for approval", || {
		change_model(1, |model| model.proposals = 0)
	});
	assert_found!("the active version is not the model's", || {
		change_model(0, |model| model.active = None)
	});
	assert_found!("the active version is not the model's", || {
		change_version(1, |version| version.state = suspended(Live::Active, ""))
	});
	assert_found!("a model with an active version was not used", || {
		change_model(0, |model| model.was_used = false)
	});
	assert_found!("a version's number wasn't given out", || change_model(0, |model| model
		.latest = 1));
	assert_found!("a version is proposed in a block to come", || {
		change_version(1, |version| version.proposed_at = System::block_number() + 1)
	});
	assert_found!("a deposit is held for a revoked version", || {
		change_version(2, |version| version.state = revoked(""))
	});
	assert_found!("what waits for approval is miscounted by proposer", || {
		Proposals::<Test>::insert(1, BOB, 2)
	});
	assert_found!("a proposer of what waits for approval is missing", || {
		Proposals::<Test>::remove(1, BOB)
	});
}

#[test]
fn try_state_should_find_what_is_wrong_with_lineage_and_claims() {
	assert_found!("a version's lineage isn't its manifest's", || {
		Lineage::<Test>::insert(id(0, 2), id(0, 1))
	});
	assert_found!("a version's lineage isn't its manifest's", || {
		change_version(2, |version| version.manifest.derived_from = Some(id(0, 1)))
	});
	let deregister = |versions| {
		crate::NextModelId::<Test>::put(8);
		Deregistered::<Test>::insert(7, versions);
	};
	assert_found!("a parent has never existed", || {
		deregister(1);
		Lineage::<Test>::insert(id(7, 1), id(7, 2));
	});
	assert_found!("a version with lineage has never existed", || {
		Lineage::<Test>::insert(id(7, 1), id(0, 1))
	});
	assert_found!("a version descends from itself", || {
		deregister(3);
		for (child, parent) in [(1, 2), (2, 3), (3, 1)] {
			Lineage::<Test>::insert(id(7, child), id(7, parent));
		}
	});
	let root = H256::repeat_byte(1);
	let claim = |first, versions, lasting| {
		let claim = Claim { first, versions, lasting, suspended: 0 };
		move || Artifacts::<Test>::insert(root, claim)
	};
	assert_found!("an artifact is not claimed", || Artifacts::<Test>::remove(root));
	assert_found!("a version has another model's artifact", claim(id(1, 1), 1, true));
	assert_found!(
		"an artifact is claimed by a version that doesn't have it",
		claim(id(0, 2), 1, true)
	);
	assert_found!("a claiming version has never existed", claim(id(0, 3), 1, true));
	assert_found!("a claim miscounts the artifact's versions", claim(id(0, 1), 2, true));
	for (seed, suspended) in [(1, 1), (2, 0), (2, 2)] {
		assert_found!("a claim miscounts what is suspended", || {
			let root = H256::repeat_byte(seed);
			Artifacts::<Test>::mutate(root, |claim| claim.as_mut().unwrap().suspended = suspended)
		});
	}
	assert_found!("a claim has outlived its versions", || {
		deregister(1);
		let claim = Claim { first: id(7, 1), versions: 0, lasting: false, suspended: 0 };
		Artifacts::<Test>::insert(H256::repeat_byte(9), claim);
	});
}
