//! Randomness for draws: the relay chain's, which neither a collator nor a requester chooses.
//!
//! The seed of a block is the VRF output of the author of its relay parent. It comes with the
//! parachain inherent of the block, in a proof of the relay parent's state.
//!
//! **Since when it is known.** Anybody who looks at the relay chain knows a relay block's VRF
//! output before a parachain block is built on that relay block. What counts is which parachain
//! blocks were fixed before the relay block was there: those that its state has as included. So a
//! seed is known since the block after the included one, and whatever was decided in the included
//! block or before it was decided without knowing the seed. Blocks that share a relay parent
//! share all of this.
//!
//! **What a collator can do.** It can't leave the VRF output out of the proof: a block whose proof
//! withholds it is invalid. Honest collators never withhold it, since their proof always has the
//! keys that are read here; it is the same refusal that the parachain system has for messages and
//! upgrades. It is not refused when the proof shows that the relay chain has no such value, or
//! has one in another format: that is the relay chain's doing, and a chain that stops can't be
//! helped by a referendum. Then the old seed stays, from which nothing new is drawn.
//!
//! **What is left to choose.** A collator chooses among the few relay blocks that the relay chain
//! takes as a parent, or does not build. Having seen a relay block, it can build on an earlier one
//! and move stake there, before the draw. An author on the relay chain knows its own output for the
//! epoch ahead, and can leave out its block.
//!
//! The randomness of the relay chain's epochs would take away that choice, but whoever asks could
//! wait for hours. Mixed with anything fresh that the parachain has, like its parent's hash, it
//! would be chosen by the collator again. It is not used.
//!
//! **Without a relay chain.** On a development chain the relay chain is a mock, and has no VRF. Its
//! genesis sets the governed parameter `DrawFromParentHash`: then the seed of a block is its
//! parent's hash, which the parent's author could have chosen. Nothing else ever leads there.

use crate::{
	configs::parameters::dynamic_params::inference::DrawFromParentHash, BlockNumber, Hash, Header,
	Runtime,
};
use alloc::vec;
use codec::Decode;
use cumulus_pallet_parachain_system::{
	relay_state_snapshot::{Error, ReadEntryErr, RelayChainStateProof},
	OnSystemEvent,
};
use cumulus_primitives_core::{
	relay_chain::well_known_keys::CURRENT_BLOCK_RANDOMNESS, PersistedValidationData,
	RelayProofRequest, RelayStorageKey,
};
use frame_support::{
	pallet_prelude::OptionQuery,
	storage_alias,
	traits::{Get, Randomness},
	weights::Weight,
};
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash as _};

/// The last seed, and the first block in which somebody could know it.
#[storage_alias(verbatim)]
pub type Seed = StorageValue<RelayRandomness, (Hash, BlockNumber), OptionQuery>;

/// The relay chain's randomness.
pub struct RelayRandomness;

impl RelayRandomness {
	/// What the collator has to prove of the relay parent's state, besides what it always proves.
	pub fn proof_request() -> RelayProofRequest {
		RelayProofRequest { keys: vec![RelayStorageKey::Top(CURRENT_BLOCK_RANDOMNESS.to_vec())] }
	}

	/// The seed that a relay parent gives, if it gives one.
	fn seed_of(proof: &RelayChainStateProof) -> Option<(Hash, BlockNumber)> {
		// `None` for a slot without a VRF, of which relay chains have none.
		let author = read(proof.read_optional_entry::<Option<Hash>>(CURRENT_BLOCK_RANDOMNESS));
		let included = read(proof.read_included_para_head());
		let seed = author.flatten().flatten()?;
		let included = Header::decode(&mut &included?.0[..]).ok()?;
		Some((seed, included.number.saturating_add(1)))
	}
}

/// What the proof says, or `None` if the relay chain says nothing that is understood here.
///
/// Panics, which makes the block invalid, if the collator withholds it.
fn read<T>(entry: Result<T, Error>) -> Option<T> {
	match entry {
		Err(
			Error::ReadOptionalEntry(ReadEntryErr::Proof) | Error::ParaHead(ReadEntryErr::Proof),
		) => {
			panic!("the collator withholds what draws are made from")
		},
		Err(error) => {
			log::warn!("the relay chain gives no seed for draws: {error:?}");
			None
		},
		Ok(value) => Some(value),
	}
}

impl OnSystemEvent for RelayRandomness {
	fn on_validation_data(_: &PersistedValidationData) {}

	fn on_validation_code_applied() {}

	fn on_relay_state_proof(proof: &RelayChainStateProof) -> Weight {
		let seed = if DrawFromParentHash::get() {
			let now = frame_system::Pallet::<Runtime>::block_number();
			Some((frame_system::Pallet::<Runtime>::parent_hash(), now))
		} else {
			Self::seed_of(proof)
		};
		if let Some(seed) = seed {
			Seed::put(seed);
		}
		<Runtime as frame_system::Config>::DbWeight::get().reads_writes(3, 1)
	}
}

impl Randomness<H256, BlockNumber> for RelayRandomness {
	fn random(subject: &[u8]) -> (H256, BlockNumber) {
		// Before there is a seed nothing is drawn: it is said to be known for ever.
		let (seed, known_since) = Seed::get().unwrap_or_default();
		(BlakeTwo256::hash_of(&(seed, subject)), known_since)
	}
}
