use crate::{mock::*, Error, Versions};
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{
	ModelGovernance, ModelId, ModelInspect, ModelLineage, VersionState::*,
};
use frame_support::assert_ok;
use sp_runtime::{DispatchError, DispatchResult};

type Registry = ModelRegistry;

#[test]
fn active_version_should_follow_the_model() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let first = version_in(ALICE, 0, 1, Approved);
		assert_eq!(Registry::active_version(0), None);
		assert_ok!(Registry::activate_version(signed(ALICE), first));
		assert_eq!(Registry::active_version(0), Some(first));
		let second = version_in(ALICE, 0, 2, Active);
		assert_eq!(Registry::active_version(0), Some(second));
		assert_ok!(Registry::revoke_version(signed(ALICE), second, reason("")));
		assert_eq!(Registry::active_version(0), None);
		assert_eq!(Registry::active_version(7), None);
	});
}

#[test]
fn is_served_should_hold_when_the_version_is_active_or_deprecated() {
	for state in all_states() {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, state.clone());
			let served = [Active, Deprecated].contains(&state);
			assert_eq!(Registry::is_served(version), served, "{state:?}");
			assert_eq!(Registry::manifest(version), Some(manifest(1)));
		});
	}
}

#[test]
fn may_answer_should_hold_unless_the_version_is_suspended_or_revoked() {
	for state in all_states() {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let version = version_in(ALICE, 0, 1, state.clone());
			let is_out = matches!(state, Suspended { .. } | Revoked { .. });
			assert_eq!(Registry::may_answer(version), !is_out, "{state:?}");
			assert_eq!(Registry::is_proposed(version), state == Proposed, "{state:?}");
		});
	}
}

#[test]
fn is_served_should_not_hold_when_the_engine_has_changed_since() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Active);
		Versions::<Test>::mutate(0, 1, |version| {
			version.as_mut().unwrap().manifest.engine = ENGINE_VERSION + 1;
		});
		assert!(!Registry::is_served(version));
		assert!(!Registry::may_answer(version));
		assert_eq!(Registry::active_version(0), None);
	});
}

#[test]
fn inspection_should_find_nothing_when_model_or_version_are_unknown() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert!(!Registry::is_served(id(0, 1)));
		assert!(!Registry::may_answer(id(0, 1)));
		assert!(!Registry::is_proposed(id(0, 1)));
		assert_eq!(Registry::manifest(id(0, 1)), None);
		assert_eq!(Registry::version(id(0, 1)), None);
		assert_eq!(Registry::owner(7), None);
		assert_eq!(Registry::model_by_name(b"letters".to_vec()), None);
		assert_eq!(Registry::model_by_name(vec![b'a'; 1000]), None);
	});
}

#[test]
fn owner_should_be_known_unless_the_model_is_in_the_commons() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.commons_model(BOB, "commons")
		.build_and_execute(|| {
			assert_eq!(Registry::owner(0), Some(ALICE));
			assert_eq!(Registry::owner(1), None);
		});
}

#[test]
fn models_should_be_listed_by_id_from_start_up_to_limit() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "letters")
		.commons_model(BOB, "commons")
		.build_and_execute(|| {
			version_in(BOB, 1, 1, Active);
			let ids = |start, limit| -> Vec<_> {
				Registry::models(start, limit).into_iter().map(|model| model.id).collect()
			};
			assert_eq!(ids(0, u32::MAX), [0, 1, 2]);
			assert_eq!(ids(1, 1), [1]);
			assert_eq!(ids(2, 5), [2]);
			assert!(ids(3, 5).is_empty());
			assert!(ids(0, 0).is_empty());

			let letters = Registry::model_by_name(b"letters".to_vec()).unwrap();
			assert_eq!(letters, Registry::models(1, 1)[0]);
			assert_eq!((letters.id, letters.name), (1, name("letters")));
			assert_eq!((letters.owner, letters.active, letters.latest), (Some(BOB), Some(1), 1));
		});
}

#[test]
fn models_should_be_looked_for_among_as_many_ids_when_some_are_gone() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(ALICE, "letters")
		.model(ALICE, "sounds")
		.build_and_execute(|| {
			assert_ok!(Registry::deregister(signed(ALICE), 0));
			assert_ok!(Registry::deregister(signed(ALICE), 1));
			let ids = |start, limit| -> Vec<_> {
				Registry::models(start, limit).into_iter().map(|model| model.id).collect()
			};
			assert_eq!((ids(0, 2), ids(0, 3), ids(2, 1)), (vec![], vec![2], vec![2]));
			// Nobody can make it look at more ids than it lists.
			crate::NextModelId::<Test>::put(10_000);
			crate::Models::<Test>::insert(300, model(2));
			assert_eq!((ids(3, u32::MAX), ids(250, u32::MAX)), (vec![], vec![300]));
			assert!(ids(u32::MAX, u32::MAX).is_empty());
			crate::Models::<Test>::remove(300);
		});
}

#[test]
fn models_should_be_shown_with_their_metadata() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(ALICE, "letters")
		.build_and_execute(|| {
			assert_ok!(Registry::set_metadata(signed(ALICE), 0, Some(metadata(3))));
			let shown: Vec<_> = Registry::models(0, 2).into_iter().map(|of| of.metadata).collect();
			assert_eq!(shown, [metadata(3), Default::default()]);
			assert_eq!(Registry::model_by_name(b"digits".to_vec()).unwrap().metadata, metadata(3));
		});
}

#[test]
fn governance_should_be_the_owners_or_the_curators() {
	fn ensure(origin: RuntimeOrigin, model: ModelId) -> DispatchResult {
		<Registry as ModelGovernance<RuntimeOrigin>>::ensure_governs(origin, model)
	}
	let models = ExtBuilder::default().model(ALICE, "digits").commons_model(BOB, "commons");
	models.build_and_execute(|| {
		assert_ok!(ensure(signed(ALICE), 0));
		assert_eq!(ensure(signed(BOB), 0), Err(Error::<Test>::NotOwner.into()));
		assert_eq!(ensure(signed(CURATOR), 0), Err(Error::<Test>::NotOwner.into()));
		assert_ok!(ensure(signed(CURATOR), 1));
		assert_eq!(ensure(signed(BOB), 1), Err(DispatchError::BadOrigin));
		assert_eq!(ensure(signed(ALICE), 2), Err(Error::<Test>::UnknownModel.into()));
	});
}

#[test]
fn models_should_list_no_more_than_256_when_more_are_asked_for() {
	ExtBuilder::default().build_and_execute(|| {
		for number in 0..257 {
			assert_ok!(register(ALICE, &format!("model-{number}")));
		}
		assert_eq!(Registry::models(0, u32::MAX).len(), 256);
		assert_eq!(Registry::models(256, u32::MAX).len(), 1);
	});
}

#[test]
fn version_should_be_shown_with_its_proposer_and_state() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let version = version_in(ALICE, 0, 1, Approved);
		let info = Registry::version(version).unwrap();
		assert_eq!((info.id, info.proposer, info.state), (version, ALICE, Approved));
		assert_eq!(info.kept_until, None);
		assert_eq!(info.manifest, manifest(1));
	});
}
