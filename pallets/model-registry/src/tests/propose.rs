use crate::{mock::*, Artifacts, Claim, Error, Event, HoldReason};
use codec::Encode;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{
	Architecture, ArtifactRef, Manifest, Price, VersionState, CHUNK_SIZE,
};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, TokenError};

/// Proposes what `change` makes of a valid manifest for Alice's model 0.
fn propose_changed(change: impl FnOnce(&mut Manifest<Balance>)) -> sp_runtime::DispatchResult {
	let mut manifest = manifest(1);
	change(&mut manifest);
	ModelRegistry::propose_version(signed(ALICE), 0, manifest)
}

#[test]
fn propose_should_record_the_version_and_hold_the_deposit() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(propose(ALICE, 0, 2));

		let artifact = H256::repeat_byte(2);
		assert_eq!(
			events().last(),
			Some(&Event::VersionProposed { version: id(0, 2), proposer: ALICE, artifact })
		);
		let version = version(id(0, 2));
		assert_eq!((version.proposer, version.deposit), (ALICE, version_deposit()));
		assert_eq!(version.state, VersionState::Proposed);
		assert_eq!(version.manifest, manifest(2));
		assert_eq!((model(0).latest, model(0).active), (2, None));
		assert_eq!((model(0).live, model(0).proposals, model(0).records), (0, 2, 2));
		assert_eq!(held(HoldReason::Version, ALICE), 2 * version_deposit());
		assert_eq!(held(HoldReason::Model, ALICE), model_deposit("digits"));
		let claim = Claim { first: id(0, 2), versions: 1, lasting: false, suspended: 0 };
		assert_eq!(Artifacts::<Test>::get(artifact), Some(claim));
	});
}

#[test]
fn propose_should_fail_when_the_signer_is_not_the_owner() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(propose(BOB, 0, 1), Error::<Test>::NotOwner);
		assert_noop!(propose(CURATOR, 0, 1), Error::<Test>::NotOwner);
		assert_noop!(
			ModelRegistry::propose_version(RuntimeOrigin::root(), 0, manifest(1)),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn propose_should_work_for_anyone_when_the_model_is_in_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(BOB, 0, 1));
		assert_eq!(held(HoldReason::Version, BOB), version_deposit());
		assert_eq!(version(id(0, 1)).proposer, BOB);
	});
}

#[test]
fn propose_should_fail_when_the_model_is_unknown() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(propose(ALICE, 0, 1), Error::<Test>::UnknownModel);
	});
}

#[test]
fn propose_should_fail_when_the_deposit_cannot_be_held() {
	ExtBuilder::default().commons_model(ALICE, "digits").build_and_execute(|| {
		assert_noop!(propose(POOR, 0, 1), DispatchError::Token(TokenError::FundsUnavailable));
	});
}

#[test]
fn propose_should_fail_when_the_engine_is_another() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for engine in [0, ENGINE_VERSION + 1] {
			assert_noop!(
				propose_changed(|manifest| manifest.engine = engine),
				Error::<Test>::UnsupportedEngine
			);
		}
	});
}

#[test]
fn propose_should_fail_when_the_engine_cannot_run_the_architecture() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for widths in [vec![], vec![2], vec![2, 0, 1], vec![mlp::MAX_WIDTH, mlp::MAX_WIDTH, 1]] {
			let widths = widths.try_into().unwrap();
			assert_noop!(
				propose_changed(
					|manifest| manifest.architecture = Architecture::Mlp(mlp::Config { widths })
				),
				Error::<Test>::InvalidArchitecture
			);
		}
	});
}

#[test]
fn propose_should_fail_when_the_artifact_contradicts_itself() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for (size, chunks) in [(300, 0), (300, 2), (u64::from(CHUNK_SIZE) + 1, 1), (0, 0)] {
			assert_noop!(
				propose_changed(|manifest| {
					manifest.artifact.size = size;
					manifest.artifact.chunks = chunks;
				}),
				Error::<Test>::InvalidArtifact
			);
		}
	});
}

#[test]
fn propose_should_fail_when_the_artifact_is_too_short_for_the_architecture() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		// 2·3 + 3 + 3·1 + 1 parameters of 4 bytes, and the length of a header that isn't empty.
		assert_noop!(
			propose_changed(|manifest| manifest.artifact.size = 13 * 4 + 8),
			Error::<Test>::InvalidArtifact
		);
		assert_ok!(propose_changed(|manifest| manifest.artifact.size = 13 * 4 + 9));
	});
}

#[test]
fn propose_should_fail_when_the_artifact_is_too_large_for_the_architecture() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let sized = |size: u64| {
			propose_changed(|manifest| {
				manifest.artifact.size = size;
				manifest.artifact.chunks = size.div_ceil(CHUNK_SIZE.into()) as u32;
			})
		};
		// 13 parameters of 8 bytes, and the longest header.
		let most = 13 * 8 + (1 << 20);
		for size in [most + 1, 4 << 30, u64::from(u32::MAX) << 20] {
			assert_noop!(sized(size), Error::<Test>::ArtifactTooLarge);
		}
		assert_ok!(sized(most));
	});
}

#[test]
fn propose_should_fail_when_the_tokenizer_contradicts_itself() {
	let tokenizer = |size, chunks| ArtifactRef {
		root: H256::repeat_byte(3),
		index: H256::repeat_byte(4),
		size,
		chunks,
	};
	ExtBuilder::default().model(ALICE, "tales").build_and_execute(|| {
		for (size, chunks) in [(300, 0), (300, 2), (u64::from(CHUNK_SIZE) + 1, 1), (0, 0)] {
			assert_noop!(
				propose_changed(|manifest| manifest.tokenizer = Some(tokenizer(size, chunks))),
				Error::<Test>::InvalidTokenizer
			);
		}
		assert_ok!(propose_changed(|manifest| manifest.tokenizer = Some(tokenizer(300, 1))));
		assert_eq!(version(id(0, 1)).manifest.tokenizer, Some(tokenizer(300, 1)));
	});
}

#[test]
fn propose_should_fail_when_the_folder_listing_contradicts_itself() {
	ExtBuilder::default().model(ALICE, "tales").build_and_execute(|| {
		let (folder, ..) = ArtifactRef::of(b"{}");
		let chunks = 2;
		assert_noop!(
			propose_changed(|manifest| manifest.folder = Some(ArtifactRef { chunks, ..folder })),
			Error::<Test>::InvalidFolder
		);
		assert_ok!(propose_changed(|manifest| manifest.folder = Some(folder)));
	});
}

#[test]
fn propose_should_hold_more_when_the_manifest_is_longer() {
	ExtBuilder::default().model(ALICE, "tales").build_and_execute(|| {
		let (folder, ..) = ArtifactRef::of(b"{}");
		assert_ok!(propose_changed(|manifest| manifest.folder = Some(folder)));
		let more = DEPOSIT_PER_BYTE * folder.encoded_size() as Balance;
		assert_eq!(held(HoldReason::Version, ALICE), version_deposit() + more);
	});
}

#[test]
fn propose_should_accept_a_tokenizer_again_when_another_model_has_it() {
	let models = ExtBuilder::default().model(ALICE, "tales").model(BOB, "novels");
	models.build_and_execute(|| {
		let (tokenizer, ..) = ArtifactRef::of(b"{}");
		for (who, model) in [(ALICE, 0), (BOB, 1)] {
			let mut manifest = manifest(model as u8);
			manifest.tokenizer = Some(tokenizer);
			assert_ok!(ModelRegistry::propose_version(signed(who), model, manifest));
		}
		assert!(!Artifacts::<Test>::contains_key(tokenizer.root));
	});
}

#[test]
fn propose_should_fail_when_the_licence_is_no_spdx_expression() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for licence in [&b""[..], b"MIT\n", b"Proprietary", b"MIT OR", b"(MIT"] {
			assert_noop!(
				propose_changed(|manifest| manifest.licence = licence.to_vec().try_into().unwrap()),
				Error::<Test>::InvalidLicence
			);
		}
		assert_ok!(propose_changed(|manifest| manifest.licence =
			b"MIT OR (Apache-2.0 WITH LLVM-exception)".to_vec().try_into().unwrap()));
	});
}

#[test]
fn propose_should_fail_when_the_parent_does_not_exist() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for parent in [id(0, 0), id(0, 1), id(7, 1)] {
			assert_noop!(
				propose_changed(|manifest| manifest.derived_from = Some(parent)),
				Error::<Test>::UnknownParent
			);
		}
		assert_ok!(propose(ALICE, 0, 2));
		assert_ok!(propose_changed(|manifest| manifest.derived_from = Some(id(0, 1))));
	});
}

#[test]
fn propose_should_fail_when_another_model_has_the_artifact() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.build_and_execute(|| {
			assert_ok!(propose(ALICE, 0, 1));
			assert_ok!(propose(BOB, 1, 2));
			assert_noop!(propose(BOB, 1, 1), Error::<Test>::ArtifactTaken);
			// Derived from something else.
			let mut copy = manifest(1);
			copy.derived_from = Some(id(1, 1));
			assert_noop!(
				ModelRegistry::propose_version(signed(BOB), 1, copy),
				Error::<Test>::ArtifactTaken
			);
		});
}

#[test]
fn propose_should_accept_the_artifact_of_another_model_when_it_is_derived_from_it() {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.build_and_execute(|| {
			assert_ok!(propose(ALICE, 0, 1));
			let mut derived = manifest(1);
			derived.derived_from = Some(id(0, 1));
			assert_ok!(ModelRegistry::propose_version(signed(BOB), 1, derived));
			// The first to have it stays listed.
			let claim = Artifacts::<Test>::get(H256::repeat_byte(1)).unwrap();
			assert_eq!((claim.first, claim.versions), (id(0, 1), 2));
		});
}

#[test]
fn propose_should_accept_an_artifact_again_when_the_model_is_the_same() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(propose(ALICE, 0, 1));
		assert_ok!(propose_changed(|manifest| manifest.price.request = 7));
		assert_eq!(version(id(0, 2)).manifest.price.request, 7);
	});
}

#[test]
fn propose_should_accept_any_price_when_it_is_zero_or_as_high_as_can_be() {
	for price in [0, 1, Balance::MAX].map(|price| Price { request: price, work: price }) {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			assert_ok!(propose_changed(|manifest| manifest.price = price));
			assert_eq!(version(id(0, 1)).manifest.price, price);
		});
	}
}
