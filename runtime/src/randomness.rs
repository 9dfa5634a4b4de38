//! Randomness for draws: the relay chain's, which neither a collator nor a worker chooses.
//!
//! The parachain inherent of every block carries a proof of some of the relay parent's state. The
//! VRF output of the relay parent's author is taken from it when the inherent is executed, and is
//! this block's seed: whoever made a request in an earlier block did not know it.
//!
//! Where the proof lacks it, the seed is the hash of the parent block, with the randomness of the
//! relay chain's last epoch if there is that. So it is on a development chain, whose relay chain is
//! a mock: there the author of the parent block could have chosen it.

use crate::{BlockNumber, Hash, Runtime};
use alloc::vec;
use cumulus_pallet_parachain_system::{relay_state_snapshot::RelayChainStateProof, OnSystemEvent};
use cumulus_primitives_core::{
	relay_chain::well_known_keys::{CURRENT_BLOCK_RANDOMNESS, ONE_EPOCH_AGO_RANDOMNESS},
	PersistedValidationData, RelayProofRequest, RelayStorageKey,
};
use frame_support::{
	pallet_prelude::OptionQuery, storage_alias, traits::Randomness, weights::Weight,
};
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash as _};

/// The seed that this block's relay parent gave, if it gave one.
#[storage_alias(verbatim)]
pub type Seed = StorageValue<RelayRandomness, Hash, OptionQuery>;

/// The relay chain's randomness.
pub struct RelayRandomness;

impl RelayRandomness {
	/// What the collator has to prove of the relay parent's state.
	pub fn proof_request() -> RelayProofRequest {
		RelayProofRequest {
			keys: vec![
				RelayStorageKey::Top(CURRENT_BLOCK_RANDOMNESS.to_vec()),
				RelayStorageKey::Top(ONE_EPOCH_AGO_RANDOMNESS.to_vec()),
			],
		}
	}
}

impl OnSystemEvent for RelayRandomness {
	fn on_validation_data(_: &PersistedValidationData) {}

	fn on_validation_code_applied() {}

	fn on_relay_state_proof(proof: &RelayChainStateProof) -> Weight {
		// The author's output is `None` for a slot without a VRF.
		let author = proof.read_optional_entry::<Option<Hash>>(CURRENT_BLOCK_RANDOMNESS);
		let epoch = proof.read_optional_entry::<Hash>(ONE_EPOCH_AGO_RANDOMNESS);
		let seed = match (author, epoch) {
			(Ok(Some(Some(author))), _) => Some(author),
			// Known since the epoch began: only the parent block makes it fresh.
			(_, Ok(Some(epoch))) => {
				let parent = frame_system::Pallet::<Runtime>::parent_hash();
				Some(BlakeTwo256::hash_of(&(epoch, parent)))
			},
			_ => None,
		};
		Seed::set(seed);
		<Runtime as frame_system::Config>::DbWeight::get().reads_writes(1, 1)
	}
}

impl Randomness<H256, BlockNumber> for RelayRandomness {
	fn random(subject: &[u8]) -> (H256, BlockNumber) {
		let seed = Seed::get().unwrap_or_else(frame_system::Pallet::<Runtime>::parent_hash);
		let now = frame_system::Pallet::<Runtime>::block_number();
		(BlakeTwo256::hash_of(&(seed, subject)), now)
	}
}
