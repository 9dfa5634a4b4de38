//! Until when the chain keeps what versions are made of, and who pays for it.

use crate::{mock::*, Error, Event, Kept, LapseCursor, Lapsing, Part, WeightInfo};
use dodona_engine::architecture::mlp;
use dodona_primitives_models::{
	chunk_hash, Architecture, ArtifactRef, ChunkStore, Manifest, ModelId, VersionId, CHUNK_SIZE,
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::DispatchResultWithPostInfo,
	traits::{
		fungible::{Inspect, InspectHold},
		Hooks,
	},
	weights::Weight,
};
use sp_core::H256;
use sp_runtime::{DispatchError, TokenError};

/// A model of Alice's, one of Bob's, and one in the commons.
fn models() -> ExtBuilder {
	ExtBuilder::default()
		.model(ALICE, "digits")
		.model(BOB, "copy")
		.commons_model(CHARLIE, "commons")
}

/// Does what a call does, in an extrinsic with these bytes.
fn in_extrinsic<R>(bytes: &[u8], call: impl FnOnce() -> R) -> R {
	System::set_extrinsic_index(System::extrinsic_index().unwrap_or_default());
	System::note_extrinsic(bytes.to_vec());
	let result = call();
	System::note_applied_extrinsic(&Ok(().into()), Default::default());
	result
}

/// Has Charlie store what isn't kept.
fn store(data: &[u8]) {
	if Storage::kept_until(chunk_hash(data)).is_none() {
		let store = || Storage::store(signed(CHARLIE), data.to_vec());
		assert_ok!(in_extrinsic(data, store));
	}
}

/// An artifact of these chunks. Nobody has said that chunks have the length that they should have.
fn artifact(chunks: &[&[u8]]) -> (ArtifactRef, Vec<u8>) {
	let hashes: Vec<H256> = chunks.iter().map(|chunk| chunk_hash(chunk)).collect();
	ArtifactRef::of_chunks(chunks.len() as u64 * u64::from(CHUNK_SIZE), &hashes)
}

/// Stores the chunks and their index, a block for each of them: they end one after the other.
fn store_all(chunks: &[&[u8]]) -> (ArtifactRef, Vec<u8>) {
	let (artifact, index) = artifact(chunks);
	for chunk in chunks.iter().chain([&&index[..]]) {
		store(chunk);
		go_to(System::block_number() + 1);
	}
	(artifact, index)
}

/// A manifest with these weights, of an architecture that has as many.
fn manifest_of(artifact: ArtifactRef) -> Manifest<Balance> {
	let widths = vec![128 * artifact.chunks, 1000, 1].try_into().unwrap();
	let architecture = Architecture::Mlp(mlp::Config { widths });
	Manifest { architecture, artifact, ..manifest(1) }
}

/// Has `who` propose a version with these weights.
fn proposed(who: AccountId, model: ModelId, artifact: ArtifactRef) -> VersionId {
	let manifest = manifest_of(artifact);
	assert_ok!(ModelRegistry::propose_version(signed(who), model, manifest));
	id(model, crate::Models::<Test>::get(model).unwrap().latest)
}

/// Has `who`, who governs the model, propose and approve a version with these weights.
fn approved(who: AccountId, model: ModelId, artifact: ArtifactRef) -> VersionId {
	let version = proposed(who, model, artifact);
	assert_ok!(ModelRegistry::approve_version(signed(who), version));
	version
}

/// An approved version of Alice's whose chunks were stored, with the index in the last of blocks 1
/// to 4.
fn kept_version() -> (VersionId, Vec<u8>) {
	let (artifact, index) = store_all(&[b"a", b"b", b"c"]);
	assert_eq!(System::block_number(), 5);
	(approved(ALICE, 0, artifact), index)
}

/// Has Bob show that a part is kept.
fn keep_part(version: VersionId, part: Part, index: &[u8]) -> DispatchResultWithPostInfo {
	let keep = || ModelRegistry::keep_version(signed(BOB), version, part, index.to_vec());
	in_extrinsic(b"keep", keep)
}

fn keep(version: VersionId, index: &[u8]) -> DispatchResultWithPostInfo {
	keep_part(version, Part::Weights, index)
}

/// Checks that it can't be shown that a part is kept, and that nothing changes.
fn refuse_part(version: VersionId, part: Part, index: &[u8], error: Error<Test>) {
	let keep = || ModelRegistry::keep_version(signed(BOB), version, part, index.to_vec());
	in_extrinsic(b"keep", || {
		assert_noop!(keep(), error);
	});
}

fn refuse(version: VersionId, index: &[u8], error: Error<Test>) {
	refuse_part(version, Part::Weights, index, error);
}

fn kept(version: VersionId) -> Option<BlockNumber> {
	ModelRegistry::kept_until(version, Part::Weights)
}

fn endow(model: ModelId, amount: Balance) {
	assert_ok!(ModelRegistry::endow(signed(CHARLIE), model, amount));
}

/// What is free of a model's endowment, and what is held for its chunks.
fn endowment(model: ModelId) -> (Balance, Balance) {
	let account = ModelRegistry::endowment_account(model);
	(Balances::free_balance(account), Balances::total_balance_on_hold(&account))
}

/// The deposit for a chunk.
fn deposit(chunk: &[u8]) -> Balance {
	CHUNK_DEPOSIT + CHUNK_DEPOSIT_PER_BYTE * chunk.len() as Balance
}

/// How many chunks the last call renewed.
fn renewed() -> u32 {
	let events = events();
	let last = events.iter().rev().find_map(|event| match event {
		Event::VersionKept { renewed, .. } => Some(*renewed),
		_ => None,
	});
	last.expect("a version is kept")
}

/// Which versions' weights were said to lapse, and when.
fn lapses() -> Vec<(VersionId, BlockNumber)> {
	let events = events();
	let lapses = events.iter().filter_map(|event| match event {
		Event::WeightsLapse { version, at } => Some((*version, *at)),
		_ => None,
	});
	lapses.collect()
}

#[test]
fn endow_should_move_funds_to_an_account_of_the_models_own() {
	models().build_and_execute(|| {
		endow(0, 70);
		endow(1, 30);
		assert_ok!(ModelRegistry::endow(signed(BOB), 0, 5));
		assert_eq!((endowment(0), endowment(1)), ((75, 0), (30, 0)));
		let event = Event::ModelEndowed { model: 0, who: BOB, amount: 5 };
		assert_eq!(events().last(), Some(&event));
	});
}

#[test]
fn endow_should_fail_when_there_is_no_such_model_or_no_such_sum() {
	models().build_and_execute(|| {
		assert_noop!(ModelRegistry::endow(signed(BOB), 3, 5), Error::<Test>::UnknownModel);
		assert_noop!(
			ModelRegistry::endow(signed(POOR), 0, ENDOWMENT),
			DispatchError::Token(TokenError::FundsUnavailable)
		);
		assert_noop!(ModelRegistry::endow(RuntimeOrigin::root(), 0, 5), DispatchError::BadOrigin);
	});
}

#[test]
fn keep_should_note_the_first_block_in_which_a_chunk_or_the_index_ends() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		assert_ok!(keep(version, &index));
		// The first chunk was stored in block 1.
		let until = 1 + RETENTION;
		assert_eq!(kept(version), Some(until));
		assert_eq!(ModelRegistry::version(version).unwrap().kept_until, Some(until));
		let event = Event::VersionKept { version, part: Part::Weights, renewed: 0, until };
		assert_eq!(events().last(), Some(&event));
	});
}

#[test]
fn keep_should_note_the_index_when_it_ends_first() {
	models().build_and_execute(|| {
		let (artifact, index) = artifact(&[b"a"]);
		store(&index);
		go_to(2);
		store(b"a");
		let version = approved(ALICE, 0, artifact);
		assert_ok!(keep(version, &index));
		assert_eq!(kept(version), Some(1 + RETENTION));
	});
}

#[test]
fn keep_should_note_each_part_by_itself() {
	models().build_and_execute(|| {
		let (weights, weights_index) = store_all(&[b"weights"]);
		let (tokenizer, tokenizer_index) = store_all(&[b"tokenizer"]);
		let (folder, folder_index) = store_all(&[b"folder"]);
		let mut manifest = manifest(1);
		manifest.artifact = weights;
		manifest.tokenizer = Some(tokenizer);
		manifest.folder = Some(folder);
		assert_ok!(ModelRegistry::propose_version(signed(ALICE), 0, manifest));
		let version = id(0, 1);
		let parts = [
			(Part::Folder, folder_index, 5),
			(Part::Tokenizer, tokenizer_index, 3),
			(Part::Weights, weights_index, 1),
		];
		for (part, index, stored_at) in &parts {
			assert_eq!(ModelRegistry::version(version).unwrap().kept_until, None);
			assert_ok!(keep_part(version, *part, index));
			assert_eq!(ModelRegistry::kept_until(version, *part), Some(stored_at + RETENTION));
		}
		assert_eq!(ModelRegistry::version(version).unwrap().kept_until, Some(1 + RETENTION));
		// The index of one part is not that of another.
		refuse_part(version, Part::Folder, &parts[1].1, Error::<Test>::WrongIndex);
	});
}

#[test]
fn keep_should_fail_when_the_version_has_no_such_part() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		for part in [Part::Tokenizer, Part::Folder] {
			refuse_part(version, part, &index, Error::<Test>::NoSuchPart);
		}
	});
}

#[test]
fn keep_should_fail_when_there_is_no_such_version() {
	models().build_and_execute(|| {
		for version in [id(0, 1), id(9, 1)] {
			refuse(version, &[0; 32], Error::<Test>::UnknownVersion);
		}
	});
}

#[test]
fn keep_should_fail_when_a_chunk_or_the_index_is_not_kept() {
	let chunks = [&b"a"[..], b"b", b"c"];
	for missing in 0..=chunks.len() {
		models().build_and_execute(|| {
			let (artifact, index) = artifact(&chunks);
			for (position, chunk) in chunks.iter().chain([&&index[..]]).enumerate() {
				if position != missing {
					store(chunk);
				}
			}
			let version = approved(ALICE, 0, artifact);
			refuse(version, &index, Error::<Test>::WeightsIncomplete);
		});
	}
}

#[test]
fn keep_should_fail_when_a_chunk_has_expired_although_it_was_not_released_yet() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		assert_ok!(keep(version, &index));
		go_to(1 + RETENTION);
		refuse(version, &index, Error::<Test>::WeightsIncomplete);
		// It can be stored again.
		store(b"a");
		assert_ok!(keep(version, &index));
		assert_eq!(kept(version), Some(1 + 2 * RETENTION));
	});
}

#[test]
fn keep_should_fail_when_the_index_is_corrupt_truncated_reordered_or_has_more() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let (first, others) = index.split_at(32);
		let lies = [
			Vec::new(),
			[&[index[0] ^ 1], &index[1..]].concat(),
			index[..95].to_vec(),
			others.to_vec(),
			[others, first].concat(),
			[first, &others[32..], &others[..32]].concat(),
			[first, first, first].concat(),
			[&index[..], first].concat(),
			[&index[..], &[0]].concat(),
			artifact(&[b"d", b"e", b"f"]).1,
		];
		for lie in lies {
			refuse(version, &lie, Error::<Test>::WrongIndex);
		}
	});
}

#[test]
fn keep_should_fail_when_the_index_of_the_manifest_is_not_of_its_root() {
	models().build_and_execute(|| {
		let (mut claimed, _) = store_all(&[b"a", b"b"]);
		let (other, index) = store_all(&[b"a", b"c"]);
		claimed.index = other.index;
		let version = approved(ALICE, 0, claimed);
		refuse(version, &index, Error::<Test>::WrongIndex);
	});
}

#[test]
fn keep_should_take_as_many_chunks_as_allowed_and_no_more() {
	let chunks: Vec<[u8; 1]> = (0..=MAX_KEPT_CHUNKS as u8).map(|byte| [byte]).collect();
	let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| &chunk[..]).collect();
	for (count, fits) in [(MAX_KEPT_CHUNKS, true), (MAX_KEPT_CHUNKS + 1, false)] {
		models().build_and_execute(|| {
			let (artifact, index) = store_all(&chunks[..count as usize]);
			let version = approved(ALICE, 0, artifact);
			if fits {
				assert_ok!(keep(version, &index));
			} else {
				refuse(version, &index, Error::<Test>::TooManyChunks);
			}
		});
	}
}

#[test]
fn keep_should_renew_what_is_due_at_the_cost_of_the_endowment() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		let before = Balances::total_balance_on_hold(&CHARLIE);
		let keeper = Balances::free_balance(BOB);
		// Half of the period after block 2.
		go_to(2 + RETENTION / 2);
		assert_ok!(keep(version, &index));

		assert_eq!(renewed(), 2);
		let paid = deposit(b"a") + deposit(b"b");
		assert_eq!(endowment(0), (10_000 - paid - 2 * KEEPER_REWARD, paid));
		assert_eq!(Balances::free_balance(BOB), keeper + 2 * KEEPER_REWARD);
		// Who stored them has the deposits back.
		assert_eq!(Balances::total_balance_on_hold(&CHARLIE), before - paid);
		// The third chunk is the first to end now.
		assert_eq!(kept(version), Some(3 + RETENTION));
		for chunk in [b"a", b"b"] {
			let until = Storage::kept_until(chunk_hash(chunk));
			assert_eq!(until, Some(2 + RETENTION / 2 + RETENTION));
		}
	});
}

#[test]
fn endowment_should_be_spent_once_in_half_a_period_when_somebody_keeps_again_and_again() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		let all = deposit(b"a") + deposit(b"b") + deposit(b"c") + deposit(&index);
		let mut spent = 0;
		for block in 5..5 + 3 * RETENTION {
			go_to(block);
			let (free, held) = endowment(0);
			for _ in 0..3 {
				assert_ok!(keep(version, &index));
			}
			let (free_now, held_now) = endowment(0);
			spent += (free + held) - (free_now + held_now);
			// Deposits are held, not spent, and once for each chunk.
			assert!(held_now <= all);
		}
		// Four chunks, each of which was due six times.
		assert_eq!(spent, 4 * 6 * KEEPER_REWARD);
	});
}

#[test]
fn keep_should_renew_a_chunk_once_when_the_artifact_has_it_several_times() {
	models().build_and_execute(|| {
		let (artifact, index) = store_all(&[b"a", b"a", b"a"]);
		let version = approved(ALICE, 0, artifact);
		endow(0, 10_000);
		go_to(RETENTION - 1);
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 2);
		let paid = deposit(b"a") + deposit(&index);
		assert_eq!(endowment(0), (10_000 - paid - 2 * KEEPER_REWARD, paid));
	});
}

#[test]
fn chunks_should_be_paid_for_by_one_endowment_when_two_versions_have_them() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let artifact = crate::mock::version(version).manifest.artifact;
		let mut derived = manifest_of(artifact);
		derived.derived_from = Some(version);
		assert_ok!(ModelRegistry::propose_version(signed(BOB), 1, derived));
		assert_ok!(ModelRegistry::approve_version(signed(BOB), id(1, 1)));
		let same = approved(ALICE, 0, artifact);
		endow(0, 10_000);
		endow(1, 10_000);
		go_to(1 + RETENTION / 2);
		for version in [id(1, 1), version, same] {
			assert_ok!(keep(version, &index));
		}
		let paid = deposit(b"a");
		assert_eq!(endowment(1), (10_000 - paid - KEEPER_REWARD, paid));
		assert_eq!(endowment(0), (10_000, 0));
		assert_eq!(kept(same), kept(id(1, 1)));
	});
}

#[test]
fn keep_should_renew_no_more_than_a_call_may_and_go_on_in_the_next() {
	models().build_and_execute(|| {
		let (artifact, index) = store_all(&[b"a", b"b", b"c", b"d"]);
		let version = approved(ALICE, 0, artifact);
		endow(0, 10_000);
		let now = RETENTION - 1;
		go_to(now);
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), MAX_RENEWALS);
		// What ended first was renewed first.
		assert_eq!(kept(version), Some(1 + MAX_RENEWALS + RETENTION));
		// The block has places for one more than a call may have.
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
		refuse(version, &index, Error::<Test>::NoRoom);
		go_to(now + 1);
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
		assert_eq!(kept(version), Some(now + RETENTION));
	});
}

#[test]
fn keep_should_fail_when_a_chunk_is_due_and_the_extrinsic_stores_too() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		go_to(1 + RETENTION / 2);
		in_extrinsic(b"d", || {
			assert_ok!(Storage::store(signed(BOB), b"d".to_vec()));
			let keep = ModelRegistry::keep_version(signed(BOB), version, Part::Weights, index);
			assert_noop!(keep, Error::<Test>::NoRoom);
		});
	});
}

#[test]
fn keep_should_say_that_the_block_is_full_whatever_the_endowment_is() {
	for sum in [1, 10_000] {
		models().build_and_execute(|| {
			let (version, index) = kept_version();
			endow(0, sum);
			let others: Vec<[u8; 1]> = (0..=MAX_RENEWALS as u8).map(|byte| [byte]).collect();
			others.iter().for_each(|chunk| store(chunk));
			go_to(5 + RETENTION / 2);
			for chunk in &others {
				let renew = || Storage::renew(signed(CHARLIE), chunk_hash(chunk));
				assert_ok!(in_extrinsic(b"renew", renew));
			}
			refuse(version, &index, Error::<Test>::NoRoom);
			go_to(6 + RETENTION / 2);
			if sum > 1 {
				assert_ok!(keep(version, &index));
			} else {
				refuse(version, &index, Error::<Test>::EndowmentTooSmall);
			}
		});
	}
}

#[test]
fn keep_should_fail_when_a_chunk_is_due_and_the_endowment_cannot_pay_for_one() {
	let one = deposit(b"a") + KEEPER_REWARD;
	// Nothing, not the deposit, and not what an account must have besides.
	for sum in [0, one - 2, one] {
		models().build_and_execute(|| {
			let (version, index) = kept_version();
			if sum > 0 {
				endow(0, sum);
			}
			assert_ok!(keep(version, &index));
			go_to(1 + RETENTION / 2);
			refuse(version, &index, Error::<Test>::EndowmentTooSmall);
			assert_eq!(endowment(0), (sum, 0));
		});
	}
}

#[test]
fn keep_should_renew_what_the_endowment_can_pay_for_and_leave_it_alive() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let existential_deposit = 1;
		endow(0, deposit(b"a") + KEEPER_REWARD + existential_deposit);
		go_to(3 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
		assert_eq!(endowment(0), (existential_deposit, deposit(b"a")));
		assert_eq!(kept(version), Some(2 + RETENTION));
	});
}

#[test]
fn chunk_should_not_be_renewed_when_the_endowment_has_its_deposit_but_not_the_reward() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let rest = deposit(b"b") + KEEPER_REWARD - 1;
		endow(0, deposit(b"a") + KEEPER_REWARD + rest);
		go_to(3 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
		assert_eq!(endowment(0), (rest, deposit(b"a")));
		assert_eq!(Storage::kept_until(chunk_hash(b"b")), Some(2 + RETENTION));
	});
}

#[test]
fn deposit_should_come_back_to_the_endowment_when_a_chunk_is_released_or_renewed_by_another() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		go_to(2 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		let left = 10_000 - 2 * KEEPER_REWARD;
		go_to(2 + RETENTION);
		let renew = || Storage::renew(signed(CHARLIE), chunk_hash(b"a"));
		assert_ok!(in_extrinsic(b"renew", renew));
		assert_eq!(endowment(0), (left - deposit(b"b"), deposit(b"b")));
		go_to(2 + RETENTION / 2 + RETENTION);
		assert_ok!(Storage::release(signed(CHARLIE), chunk_hash(b"b")));
		assert_eq!(endowment(0), (left, 0));
	});
}

#[test]
fn endowment_should_not_be_spent_when_a_version_of_the_commons_was_only_proposed() {
	models().build_and_execute(|| {
		// Chunks of somebody's own, which the commons have never approved.
		let (artifact, index) = store_all(&[b"a", b"b", b"c"]);
		let version = proposed(BOB, 2, artifact);
		endow(2, 10_000);
		let before = Balances::free_balance(BOB);
		go_to(1 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		assert_eq!((endowment(2), Balances::free_balance(BOB)), ((10_000, 0), before));
		assert_eq!(kept(version), Some(1 + RETENTION));

		assert_ok!(ModelRegistry::approve_version(signed(CURATOR), version));
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
	});
}

#[test]
fn keep_should_work_in_every_state_but_that_of_a_revoked_version() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		let owner = || signed(ALICE);
		assert_ok!(ModelRegistry::activate_version(owner(), version));
		assert_ok!(keep(version, &index));
		assert_ok!(ModelRegistry::deprecate_version(owner(), version));
		assert_ok!(keep(version, &index));
		let root = RuntimeOrigin::root;
		assert_ok!(ModelRegistry::suspend_version(root(), version, reason("harmful")));
		assert_ok!(keep(version, &index));
		assert_ok!(ModelRegistry::revoke_version(root(), version, reason("harmful")));
		go_to(2 + RETENTION / 2);
		refuse(version, &index, Error::<Test>::AlreadyRevoked);
	});
}

#[test]
fn endowment_should_not_be_spent_while_the_version_is_suspended() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		assert_ok!(suspend(version, reason("harmful")));
		go_to(1 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		assert_eq!((renewed(), kept(version)), (0, Some(1 + RETENTION)));
		assert_eq!(endowment(0), (10_000, 0));
		assert_ok!(ModelRegistry::lift_suspension(RuntimeOrigin::root(), version));
		assert_ok!(keep(version, &index));
		assert_eq!(renewed(), 1);
	});
}

#[test]
fn keep_should_cost_the_weight_of_what_was_renewed() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		go_to(2 + RETENTION / 2);
		let weight = keep(version, &index).unwrap().actual_weight;
		assert_eq!(weight, Some(<()>::keep_version(3, 2)));
		let weight = keep(version, &index).unwrap().actual_weight;
		assert_eq!(weight, Some(<()>::keep_version(3, 0)));
	});
}

#[test]
fn keep_should_fail_when_it_is_not_signed() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let keep =
			|| ModelRegistry::keep_version(RuntimeOrigin::root(), version, Part::Weights, index);
		in_extrinsic(b"keep", || {
			assert_noop!(keep(), DispatchError::BadOrigin);
		});
	});
}

#[test]
fn lapse_should_be_announced_once_when_the_notice_begins() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		assert_ok!(keep(version, &index));
		let until = 1 + RETENTION;
		go_to(until - LAPSE_NOTICE);
		assert_eq!(lapses(), vec![]);
		// In what is left of that block.
		go_to(until - LAPSE_NOTICE + 1);
		assert_eq!(lapses(), vec![(version, until)]);
		assert_ok!(keep_part(version, Part::Weights, &index).map(|_| ()).or_else(too_small));
		go_to(until + 5);
		assert_eq!(lapses(), vec![(version, until)]);
	});
}

fn too_small(
	error: sp_runtime::DispatchErrorWithPostInfo<frame_support::dispatch::PostDispatchInfo>,
) -> Result<(), DispatchError> {
	assert_eq!(error.error, Error::<Test>::EndowmentTooSmall.into());
	Ok(())
}

#[test]
fn lapse_should_not_be_announced_when_the_weights_are_kept_for_longer_meanwhile() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		assert_ok!(keep(version, &index));
		go_to(4 + RETENTION / 2);
		for _ in 0..2 {
			assert_ok!(keep(version, &index));
			go_to(System::block_number() + 1);
		}
		let until = kept(version).unwrap();
		assert_eq!(until, 4 + RETENTION / 2 + RETENTION);
		go_to(until - LAPSE_NOTICE);
		assert_eq!(lapses(), vec![]);
		go_to(until);
		assert_eq!(lapses(), vec![(version, until)]);
	});
}

#[test]
fn lapse_should_be_announced_at_once_when_the_notice_has_begun_already() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		let until = 1 + RETENTION;
		go_to(until - 2);
		// Nothing is renewed.
		assert_ok!(suspend(version, reason("")));
		assert_ok!(keep(version, &index));
		assert_eq!(lapses(), vec![(version, until)]);
		assert_eq!(Lapsing::<Test>::iter().count(), 0);
		// Who says it again changes nothing.
		assert_ok!(keep(version, &index));
		assert_eq!(lapses().len(), 1);
	});
}

#[test]
fn lapse_should_not_be_announced_when_the_version_is_revoked() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		assert_ok!(keep(version, &index));
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), version, reason("wrong")));
		assert_eq!((Kept::<Test>::iter().count(), Lapsing::<Test>::iter().count()), (0, 0));
		go_to(2 + RETENTION);
		assert_eq!(lapses(), vec![]);
	});
}

#[test]
fn lapse_should_not_be_announced_when_only_a_tokenizer_lapses() {
	models().build_and_execute(|| {
		let (tokenizer, index) = store_all(&[b"tokenizer"]);
		let mut manifest = manifest(1);
		manifest.tokenizer = Some(tokenizer);
		assert_ok!(ModelRegistry::propose_version(signed(ALICE), 0, manifest));
		assert_ok!(keep_part(id(0, 1), Part::Tokenizer, &index));
		go_to(2 + RETENTION);
		assert_eq!(lapses(), vec![]);
	});
}

#[test]
fn on_idle_should_go_on_where_it_stopped_when_the_weight_runs_out() {
	models().build_and_execute(|| {
		let (artifact, index) = store_all(&[b"a"]);
		let versions: Vec<VersionId> = (0..2).map(|_| approved(ALICE, 0, artifact)).collect();
		for version in &versions {
			assert_ok!(keep(*version, &index));
		}
		let until = 1 + RETENTION;
		let now = until - LAPSE_NOTICE;
		let first = LapseCursor::<Test>::get().unwrap();
		assert_eq!(first, 3 + LAPSE_NOTICE + 1);
		// As if all blocks had been full.
		System::set_block_number(now);
		let steps = |count: u64| <()>::on_idle_base() + <()>::on_idle_step() * count;
		let idle = |weight: Weight| {
			let used = ModelRegistry::on_idle(now, weight);
			assert!(used.all_lte(weight));
		};
		idle(Weight::zero());
		idle(<()>::on_idle_base());
		assert_eq!(LapseCursor::<Test>::get(), Some(first));
		// The blocks in which nothing lapses, and the first version.
		idle(steps(u64::from(until - first) + 1));
		assert_eq!(lapses().len(), 1);
		idle(steps(1));
		let announced: std::collections::BTreeSet<_> = lapses().into_iter().collect();
		assert_eq!(announced, versions.iter().map(|version| (*version, until)).collect());
		idle(Weight::MAX);
		assert_eq!(LapseCursor::<Test>::get(), Some(until + 1));
		assert_eq!(lapses().len(), 2);
	});
}

#[test]
fn endowment_should_go_to_the_owner_when_the_model_is_deregistered() {
	models().build_and_execute(|| {
		endow(0, 500);
		let before = Balances::total_balance(&ALICE);
		assert_ok!(ModelRegistry::deregister(signed(ALICE), 0));
		assert_eq!(Balances::total_balance(&ALICE), before + 500);
		assert_eq!(endowment(0), (0, 0));
		assert_noop!(ModelRegistry::endow(signed(BOB), 0, 5), Error::<Test>::UnknownModel);
	});
}

#[test]
fn deregister_should_wait_until_no_deposit_of_a_chunk_is_held_from_the_endowment() {
	models().build_and_execute(|| {
		let (version, index) = kept_version();
		endow(0, 10_000);
		go_to(1 + RETENTION / 2);
		assert_ok!(keep(version, &index));
		assert_ok!(ModelRegistry::revoke_version(signed(ALICE), version, reason("wrong")));
		System::set_block_number(System::block_number() + REVOKED_RETENTION);
		assert_ok!(ModelRegistry::prune_version(signed(BOB), version));
		assert_noop!(ModelRegistry::deregister(signed(ALICE), 0), Error::<Test>::EndowmentHeld);

		go_to(System::block_number().max(1 + RETENTION / 2 + RETENTION));
		assert_ok!(Storage::release(signed(BOB), chunk_hash(b"a")));
		let before = Balances::total_balance(&ALICE);
		assert_ok!(ModelRegistry::deregister(signed(ALICE), 0));
		assert_eq!(Balances::total_balance(&ALICE), before + 10_000 - KEEPER_REWARD);
	});
}
