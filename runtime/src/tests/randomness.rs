use super::dev;
use crate::{
	genesis_config_presets::PARA_ID,
	randomness::{RelayRandomness, Seed},
	Hash, System,
};
use codec::Encode;
use cumulus_pallet_parachain_system::{relay_state_snapshot::RelayChainStateProof, OnSystemEvent};
use cumulus_primitives_core::relay_chain::well_known_keys::{
	CURRENT_BLOCK_RANDOMNESS, ONE_EPOCH_AGO_RANDOMNESS,
};
use frame_support::traits::Randomness;
use sp_core::{storage::StateVersion, H256};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{prove_read, InMemoryBackend};

/// A proof of a relay chain's state that has `entries`, for the keys that the runtime asks for.
fn proof_of(entries: &[(&[u8], Vec<u8>)]) -> RelayChainStateProof {
	// Without any entry there would be no root.
	let other = (b"another".to_vec(), Some(vec![1]));
	let entries = entries
		.iter()
		.map(|(key, value)| (key.to_vec(), Some(value.clone())))
		.chain([other])
		.map(|entry| (None, vec![entry]));
	let backend = InMemoryBackend::<BlakeTwo256>::default().update(entries, StateVersion::V1);
	let root = *backend.root();
	let keys = RelayRandomness::proof_request().keys.into_iter().map(|key| match key {
		cumulus_primitives_core::RelayStorageKey::Top(key) => key,
		other => panic!("the runtime asks for no child trie: {other:?}"),
	});
	let proof = prove_read(backend, keys.collect::<Vec<_>>()).expect("the state is in memory");
	RelayChainStateProof::new(PARA_ID, root, proof).expect("the proof has this root")
}

/// The draw of a block on this parent, with this of the relay chain's state proven.
fn draw_in(parent: u8, relay: &[(&[u8], Vec<u8>)]) -> H256 {
	dev().execute_with(|| {
		System::initialize(&1, &Hash::repeat_byte(parent), &Default::default());
		RelayRandomness::on_relay_state_proof(&proof_of(relay));
		let (random, known_since) = RelayRandomness::random(b"draw");
		assert_eq!(known_since, 1);
		random
	})
}

#[test]
fn randomness_should_be_the_relay_authors_when_it_is_proven() {
	let relay = |byte| [(CURRENT_BLOCK_RANDOMNESS, Some(Hash::repeat_byte(byte)).encode())];
	assert_ne!(draw_in(1, &relay(1)), draw_in(1, &relay(2)));
	// A collator that chose the parent has not chosen the draw.
	assert_eq!(draw_in(1, &relay(1)), draw_in(2, &relay(1)));
}

#[test]
fn randomness_should_fall_back_to_the_parent_hash_when_nothing_is_proven() {
	assert_ne!(draw_in(1, &[]), draw_in(2, &[]));
	assert_eq!(draw_in(1, &[]), draw_in(1, &[]));
}

#[test]
fn randomness_should_be_fresh_in_each_block_when_only_the_epochs_is_proven() {
	let no_vrf = (CURRENT_BLOCK_RANDOMNESS, None::<Hash>.encode());
	let epoch =
		|byte| [no_vrf.clone(), (ONE_EPOCH_AGO_RANDOMNESS, Hash::repeat_byte(byte).encode())];
	assert_ne!(draw_in(1, &epoch(1)), draw_in(2, &epoch(1)));
	assert_ne!(draw_in(1, &epoch(1)), draw_in(1, &epoch(2)));
}

#[test]
fn randomness_should_not_outlive_the_block_whose_proof_had_it() {
	dev().execute_with(|| {
		let relay = [(CURRENT_BLOCK_RANDOMNESS, Some(Hash::repeat_byte(7)).encode())];
		RelayRandomness::on_relay_state_proof(&proof_of(&relay));
		assert!(Seed::get().is_some());
		RelayRandomness::on_relay_state_proof(&proof_of(&[]));
		assert_eq!(Seed::get(), None);
	});
}

#[test]
fn randomness_should_differ_when_the_subject_does() {
	dev().execute_with(|| {
		assert_ne!(RelayRandomness::random(b"one").0, RelayRandomness::random(b"two").0);
	});
}
