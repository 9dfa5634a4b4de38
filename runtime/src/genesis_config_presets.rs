//! The chains that are known by name: `development`, of one node, and `local_testnet`, of two
//! collators on a relay chain. Both have bonded workers and short periods; only they have a sudo
//! key. What has no relay chain draws committees from the parent block's hash.

use crate::{
	AccountId, AuraId, Balance, BalancesConfig, CollatorSelectionConfig, ContributorStakingConfig,
	OriginsConfig, ParachainInfoConfig, PolkadotXcmConfig, RuntimeGenesisConfig, SessionConfig,
	SessionKeys, SudoConfig, EXISTENTIAL_DEPOSIT, UNIT,
};
use alloc::{format, vec, vec::Vec};
use cumulus_primitives_core::ParaId;
use frame_support::build_struct_json_patch;
use sp_core::{crypto::get_public_from_string_or_panic, sr25519};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring;

/// The id of the parachain in both presets.
pub const PARA_ID: ParaId = ParaId::new(2000);
/// Workers that are bonded from the first block.
pub const WORKERS: u32 = 4;

/// What the funded accounts have.
const ENDOWMENT: Balance = 1_000_000 * UNIT;
/// What each worker bonds.
const BOND: Balance = 10_000 * UNIT;
const SAFE_XCM_VERSION: u32 = xcm::prelude::XCM_VERSION;

/// The accounts that are funded.
fn funded() -> [Sr25519Keyring; 6] {
	[
		Sr25519Keyring::Alice,
		Sr25519Keyring::Bob,
		Sr25519Keyring::Charlie,
		Sr25519Keyring::Dave,
		Sr25519Keyring::Eve,
		Sr25519Keyring::Ferdie,
	]
}

/// The account of this derivation path; `//` comes by itself.
fn account(path: &str) -> AccountId {
	AccountId::from(get_public_from_string_or_panic::<sr25519::Public>(path))
}

/// The `n`th worker's account and its hot key, which holds no funds.
pub fn worker(n: u32) -> (AccountId, AccountId) {
	(account(&format!("Worker//{n}")), account(&format!("Worker//{n}//hot")))
}

fn genesis(collators: &[Sr25519Keyring], has_relay_chain: bool) -> serde_json::Value {
	let workers = (1..=WORKERS).map(worker).collect::<Vec<_>>();
	let collators = collators
		.iter()
		.map(|collator| (collator.to_account_id(), AuraId::from(collator.public())))
		.collect::<Vec<_>>();
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: funded()
				.iter()
				.map(|account| (account.to_account_id(), ENDOWMENT))
				.chain(workers.iter().map(|(operator, _)| (operator.clone(), 2 * BOND)))
				.collect::<Vec<_>>(),
		},
		parachain_info: ParachainInfoConfig { parachain_id: PARA_ID },
		collator_selection: CollatorSelectionConfig {
			invulnerables: collators.iter().map(|(who, _)| who.clone()).collect::<Vec<_>>(),
			candidacy_bond: EXISTENTIAL_DEPOSIT * 16,
		},
		session: SessionConfig {
			keys: collators
				.into_iter()
				.map(|(who, aura)| (who.clone(), who, SessionKeys { aura }))
				.collect::<Vec<_>>(),
		},
		polkadot_xcm: PolkadotXcmConfig { safe_xcm_version: Some(SAFE_XCM_VERSION) },
		origins: OriginsConfig {
			short_periods: true,
			draw_from_parent_hash: !has_relay_chain,
			guardians: vec![Sr25519Keyring::Eve.to_account_id()],
		},
		contributor_staking: ContributorStakingConfig {
			operators: workers
				.into_iter()
				.map(|(operator, hot_key)| (operator, hot_key, BOND))
				.collect::<Vec<_>>(),
		},
		sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
	})
}

/// The preset of this name, as a JSON patch of the default genesis.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => genesis(&[Sr25519Keyring::Alice], false),
		LOCAL_TESTNET_RUNTIME_PRESET => {
			genesis(&[Sr25519Keyring::Alice, Sr25519Keyring::Bob], true)
		},
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}
