use super::{
	dev,
	governance::{proposed_version, signed},
	state_of,
};
use crate::{
	configs::parameters::dynamic_params::inference::DrawFromParentHash,
	genesis_config_presets::PARA_ID, randomness::RelayRandomness, BlockNumber, Hash, Header,
	Inference, ModelRegistry, Runtime, RuntimeOrigin, System, UNIT,
};
use codec::Encode;
use cumulus_pallet_parachain_system::{relay_state_snapshot::RelayChainStateProof, OnSystemEvent};
use cumulus_primitives_core::{
	relay_chain::{
		well_known_keys::{para_head, CURRENT_BLOCK_RANDOMNESS},
		HeadData,
	},
	RelayStorageKey,
};
use dodona_primitives_inference::RequestState;
use frame_support::{
	assert_ok,
	traits::{Get, OnPoll, Randomness},
	weights::WeightMeter,
};
use sp_core::{storage::StateVersion, H256};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::traits::{BlakeTwo256, Header as _};
use sp_state_machine::{prove_read, InMemoryBackend};

/// Something else in the relay chain's state, which is always proven.
const ANOTHER: &[u8] = b"another";

/// What a relay block's state has for the runtime.
#[derive(Clone)]
struct Relay {
	randomness: Option<Vec<u8>>,
	head: Option<Vec<u8>>,
}

impl Relay {
	/// A relay block whose author's output is this, in which this block is the included one.
	fn new(output: u8, included: BlockNumber) -> Self {
		let header = Header::new(
			included,
			Default::default(),
			Default::default(),
			Default::default(),
			Default::default(),
		);
		Self {
			randomness: Some(Some(Hash::repeat_byte(output)).encode()),
			head: Some(HeadData(header.encode()).encode()),
		}
	}

	/// A proof that leaves out what is under these keys.
	fn proof_without(&self, withheld: &[&[u8]]) -> RelayChainStateProof {
		let entries = [
			(CURRENT_BLOCK_RANDOMNESS.to_vec(), self.randomness.clone()),
			(para_head(PARA_ID), self.head.clone()),
			(ANOTHER.to_vec(), Some(vec![1; 64])),
		];
		let keys = entries
			.iter()
			.map(|(key, _)| key.clone())
			.filter(|key| !withheld.contains(&key.as_slice()))
			.collect::<Vec<_>>();
		let entries = entries.into_iter().filter(|(_, value)| value.is_some());
		let backend = InMemoryBackend::<BlakeTwo256>::default()
			.update(entries.map(|entry| (None, vec![entry])), StateVersion::V1);
		let root = *backend.root();
		let proof = prove_read(backend, keys).expect("the state is in memory");
		RelayChainStateProof::new(PARA_ID, root, proof).expect("the proof has this root")
	}

	fn proof(&self) -> RelayChainStateProof {
		self.proof_without(&[])
	}
}

/// Block `number` on `parent` and on this of the relay chain, as far as randomness knows it; what is
/// drawn in it, and since when it is known.
fn draw_in(number: BlockNumber, parent: u8, relay: &RelayChainStateProof) -> (H256, BlockNumber) {
	System::set_block_number(number - 1);
	System::initialize(&number, &Hash::repeat_byte(parent), &Default::default());
	RelayRandomness::on_relay_state_proof(relay);
	RelayRandomness::random(b"draw")
}

/// A chain that has a relay chain.
fn local() -> TestExternalities {
	state_of(Some(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET))
}

#[test]
fn draw_should_follow_from_the_relay_authors_output_alone_when_there_is_a_relay_chain() {
	let draw = |parent, output| {
		local().execute_with(|| draw_in(9, parent, &Relay::new(output, 5).proof()))
	};
	assert_ne!(draw(1, 1), draw(1, 2));
	// A collator that chose the parent has not chosen the draw.
	assert_eq!(draw(1, 1), draw(2, 1));
}

#[test]
fn draw_should_be_known_since_the_included_block_when_there_is_a_relay_chain() {
	local().execute_with(|| {
		// Block 6 is not included yet: whoever asks in it may already see the relay block.
		assert_eq!(draw_in(9, 1, &Relay::new(1, 5).proof()).1, 6);
	});
}

#[test]
fn draw_should_not_change_when_the_relay_parent_is_the_same() {
	local().execute_with(|| {
		let relay = Relay::new(1, 5).proof();
		let first = draw_in(8, 1, &relay);
		assert_eq!(draw_in(9, 2, &relay), first);
		assert_eq!(draw_in(10, 3, &relay), first);
	});
}

#[test]
fn draw_should_change_when_the_relay_parent_is_new() {
	local().execute_with(|| {
		let (first, known_since) = draw_in(8, 1, &Relay::new(1, 5).proof());
		assert_eq!(known_since, 6);
		let (second, known_since) = draw_in(9, 1, &Relay::new(2, 5).proof());
		assert_ne!(second, first);
		assert_eq!(known_since, 6);
		let (third, known_since) = draw_in(10, 1, &Relay::new(3, 8).proof());
		assert_ne!(third, second);
		assert_eq!(known_since, 9);
	});
}

#[test]
fn draw_should_stay_the_old_one_when_the_relay_chain_gives_none() {
	let complete = Relay::new(2, 8);
	for relay in [
		// Proven to be absent.
		Relay { randomness: None, ..complete.clone() },
		Relay { head: None, ..complete.clone() },
		// A slot without a VRF.
		Relay { randomness: Some(None::<Hash>.encode()), ..complete.clone() },
		// Another format.
		Relay { randomness: Some(vec![7; 40]), ..complete.clone() },
		Relay { head: Some(vec![7; 40]), ..complete.clone() },
		Relay { head: Some(HeadData(vec![7; 40]).encode()), ..complete.clone() },
	] {
		local().execute_with(|| {
			let old = draw_in(8, 1, &Relay::new(1, 5).proof());
			assert_eq!(draw_in(9, 2, &relay.proof()), old);
			assert_ne!(draw_in(10, 3, &complete.proof()), old);
		});
	}
}

#[test]
fn draw_should_be_known_for_ever_when_there_never_was_a_seed() {
	local().execute_with(|| {
		assert_eq!(RelayRandomness::random(b"draw").1, 0);
		let absent = Relay { randomness: None, ..Relay::new(1, 5) };
		assert_eq!(draw_in(9, 1, &absent.proof()).1, 0);
	});
}

#[test]
fn committee_should_be_drawn_when_the_relay_chain_has_included_the_question() {
	local().execute_with(|| {
		let version = proposed_version();
		assert_ok!(ModelRegistry::approve_version(RuntimeOrigin::root(), version));
		assert_ok!(ModelRegistry::activate_version(RuntimeOrigin::root(), version));
		System::set_block_number(4);
		assert_ok!(Inference::request(signed(Alice), 0, None, vec![0; 16], UNIT));
		let state_in = |number, relay: &RelayChainStateProof| {
			draw_in(number, 1, relay);
			Inference::on_poll(number, &mut WeightMeter::new());
			pallet_inference::Requests::<Runtime>::get(0).expect("was made").state
		};
		let waits = |state| matches!(state, RequestState::Queued { since: 4 });
		let early = Relay::new(1, 3).proof();
		assert!(waits(state_in(5, &early)));
		assert!(waits(state_in(6, &early)));
		assert!(waits(state_in(7, &Relay { randomness: None, ..Relay::new(2, 4) }.proof())));
		assert!(matches!(state_in(8, &Relay::new(3, 4).proof()), RequestState::Committing { .. }));
	});
}

#[test]
#[should_panic(expected = "the collator withholds")]
fn block_should_be_invalid_when_its_collator_withholds_the_output() {
	local().execute_with(|| {
		draw_in(9, 1, &Relay::new(1, 5).proof_without(&[CURRENT_BLOCK_RANDOMNESS]));
	});
}

#[test]
#[should_panic(expected = "the collator withholds")]
fn block_should_be_invalid_when_its_collator_withholds_the_included_head() {
	local().execute_with(|| {
		draw_in(9, 1, &Relay::new(1, 5).proof_without(&[para_head(PARA_ID).as_slice()]));
	});
}

#[test]
fn draw_should_follow_from_the_parent_hash_when_the_chain_has_no_relay_chain() {
	let relay = Relay::new(1, 5);
	let draw = |number, parent, proof: &_| dev().execute_with(|| draw_in(number, parent, proof));
	let (drawn, known_since) = draw(9, 1, &relay.proof());
	// Whoever asked in block 8 did not know its hash.
	assert_eq!(known_since, 9);
	assert_ne!(draw(9, 2, &relay.proof()).0, drawn);
	// Whatever the mock says.
	assert_eq!(draw(9, 1, &Relay::new(2, 7).proof()).0, drawn);
	assert_eq!(draw(9, 1, &relay.proof_without(&[CURRENT_BLOCK_RANDOMNESS])).0, drawn);
}

#[test]
fn only_the_development_chain_should_draw_from_the_parent_hash() {
	assert!(dev().execute_with(DrawFromParentHash::get));
	assert!(!local().execute_with(DrawFromParentHash::get));
	assert!(!state_of(None).execute_with(DrawFromParentHash::get));
}

#[test]
fn collators_should_be_asked_for_the_output() {
	let keys = RelayRandomness::proof_request().keys;
	assert_eq!(keys, [RelayStorageKey::Top(CURRENT_BLOCK_RANDOMNESS.to_vec())]);
}

#[test]
fn draw_should_differ_when_the_subject_does() {
	dev().execute_with(|| {
		assert_ne!(RelayRandomness::random(b"one").0, RelayRandomness::random(b"two").0);
	});
}
