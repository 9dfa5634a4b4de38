use crate::{mock::*, Error, Event, HoldReason};
use dodona_engine::architecture::mlp;
use dodona_primitives_models::{
	chunk_hash, leaf_proof, pages_root, Architecture, ArtifactRef, Manifest, VersionId,
	VersionState::*, CHUNK_SIZE,
};
use frame_support::{assert_noop, assert_ok, pallet_prelude::DispatchResult};
use sp_core::H256;

/// Weights of two chunks and a short one.
fn weights() -> Vec<u8> {
	(0..CHUNK_SIZE as usize * 2 + 1_500).map(|at| (at % 251) as u8).collect()
}

struct Weights {
	artifact: ArtifactRef,
	chunks: Vec<Vec<u8>>,
	hashes: Vec<H256>,
	/// Over the pages of each chunk, as the manifest has them.
	roots: Vec<H256>,
}

impl Weights {
	fn of(bytes: &[u8]) -> Self {
		let (artifact, _, chunks) = ArtifactRef::of(bytes);
		Self {
			artifact,
			hashes: chunks.iter().map(|chunk| chunk_hash(chunk)).collect(),
			roots: chunks.iter().map(|chunk| pages_root(chunk)).collect(),
			chunks: chunks.into_iter().map(<[u8]>::to_vec).collect(),
		}
	}

	/// The root that a publisher of these roots has in the manifest.
	fn pages(&self) -> H256 {
		let mut roots = self.roots.clone();
		roots.resize(roots.len().next_power_of_two(), H256::zero());
		let roots: Vec<[u8; 32]> = roots.into_iter().map(|root| root.0).collect();
		H256(dodona_engine::trace::fold::<dodona_primitives_models::Blake2>(&roots))
	}

	fn propose(&self, who: AccountId) -> VersionId {
		// Of so many weights that the file can be theirs.
		let outputs = (self.artifact.size / 4 / 1_024).max(1) as u32;
		let widths = vec![1_023.min(self.artifact.size as u32 / 8), outputs].try_into().unwrap();
		let architecture = Architecture::Mlp(mlp::Config { widths });
		let (artifact, pages) = (self.artifact, self.pages());
		let manifest = Manifest { architecture, artifact, pages, ..manifest(1) };
		assert_ok!(ModelRegistry::propose_version(signed(who), 0, manifest));
		id(0, model(0).latest)
	}

	/// Has `who` say that the chunk is not under the manifest's root.
	fn refute(&self, who: AccountId, version: VersionId, position: u32) -> DispatchResult {
		let at = position as usize;
		self.refute_with(who, version, position, self.chunks[at].clone(), self.roots[at])
	}

	fn refute_with(
		&self,
		who: AccountId,
		version: VersionId,
		position: u32,
		chunk: Vec<u8>,
		claimed: H256,
	) -> DispatchResult {
		let chunk_proof = leaf_proof(&self.hashes, position).unwrap();
		let pages_proof = self.artifact.pages_proof(&self.roots, position).unwrap();
		ModelRegistry::refute_pages(
			signed(who),
			version,
			position,
			chunk,
			chunk_proof.try_into().unwrap(),
			claimed,
			pages_proof.try_into().unwrap(),
		)
	}
}

#[test]
fn refute_should_revoke_the_version_and_give_the_deposit_to_the_refuter() {
	for (position, from) in [(0, Proposed), (1, Active), (2, Approved), (2, Deprecated)] {
		ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
			let mut weights = Weights::of(&weights());
			weights.roots[position as usize] = H256::repeat_byte(7);
			let version = weights.propose(ALICE);
			let deposit = held(HoldReason::Version, ALICE);
			if from != Proposed {
				assert_ok!(ModelRegistry::approve_version(signed(ALICE), version));
			}
			if matches!(from, Active | Deprecated) {
				assert_ok!(ModelRegistry::activate_version(signed(ALICE), version));
			}
			if from == Deprecated {
				assert_ok!(ModelRegistry::deprecate_version(signed(ALICE), version));
			}
			assert_eq!(state(version), from);

			assert_ok!(weights.refute(BOB, version, position));
			assert_eq!(state(version), revoked("wrong pages"));
			assert_eq!(Balances::free_balance(BOB), ENDOWMENT + deposit);
			assert_eq!((held(HoldReason::Version, ALICE), forfeited()), (0, 0));
			let refuted = Event::PagesRefuted { version, refuter: BOB, amount: deposit };
			assert!(events().contains(&refuted));
			let model = model(0);
			assert_eq!((model.active, model.live, model.proposals), (None, 0, 0));
			assert_noop!(weights.refute(BOB, version, position), Error::<Test>::AlreadyRevoked);
		});
	}
}

#[test]
fn refute_should_work_while_the_version_is_suspended() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let mut weights = Weights::of(&weights());
		weights.roots[0] = H256::zero();
		let version = weights.propose(ALICE);
		assert_ok!(ModelRegistry::approve_version(signed(ALICE), version));
		assert_ok!(suspend(version, reason("odd")));
		assert_ok!(weights.refute(BOB, version, 0));
		assert_eq!(state(version), revoked("wrong pages"));
	});
}

#[test]
fn refute_should_be_refused_when_the_pages_are_right() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let weights = Weights::of(&weights());
		assert_eq!(weights.pages(), pages_root(&self::weights()));
		let version = weights.propose(ALICE);
		for position in 0..3 {
			assert_noop!(weights.refute(BOB, version, position), Error::<Test>::PagesAreRight);
			// That the manifest has something else there can't be shown.
			let chunk = weights.chunks[position as usize].clone();
			let other = H256::repeat_byte(1);
			assert_noop!(
				weights.refute_with(BOB, version, position, chunk, other),
				Error::<Test>::WrongPagesProof
			);
		}
	});
}

#[test]
fn refute_should_be_refused_when_the_chunk_is_another() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let mut weights = Weights::of(&weights());
		weights.roots[2] = H256::repeat_byte(7);
		let version = weights.propose(ALICE);
		let claimed = weights.roots[2];
		let last = weights.chunks[2].clone();
		let refute = |position, chunk| weights.refute_with(BOB, version, position, chunk, claimed);
		let longer = [last.clone(), vec![0]].concat();
		for chunk in [vec![], longer, vec![0; last.len()]] {
			assert_noop!(refute(2, chunk), Error::<Test>::WrongChunk);
		}
		// The right chunk, at another place.
		assert_noop!(refute(1, last.clone()), Error::<Test>::WrongChunk);
		assert_ok!(refute(2, last));
	});
}

#[test]
fn refute_should_need_no_proof_when_there_is_one_chunk() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let mut weights = Weights::of(&[3; 2_000]);
		weights.roots[0] = H256::repeat_byte(7);
		let version = weights.propose(ALICE);
		assert_eq!(self::version(version).manifest.pages, H256::repeat_byte(7));
		assert_ok!(weights.refute(CHARLIE, version, 0));
	});
}

#[test]
fn refute_should_be_refused_when_there_is_no_such_version() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let weights = Weights::of(&[3; 2_000]);
		assert_noop!(weights.refute(BOB, id(1, 1), 0), Error::<Test>::UnknownModel);
		assert_noop!(weights.refute(BOB, id(0, 1), 0), Error::<Test>::UnknownVersion);
	});
}
