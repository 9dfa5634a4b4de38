//! The pallets whose calls are measured.

use crate::*;
use alloc::{string::String, vec, vec::Vec};
use codec::Encode;
use cumulus_pallet_session_benchmarking::Pallet as SessionBench;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{Architecture, ArtifactRef, Manifest, VersionId, CHUNK_SIZE};
use dodona_primitives_staking::Role;
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::{
	traits::{fungible::Mutate, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys},
	BoundedVec,
};
use frame_system_benchmarking::{
	extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
};
use sp_core::{storage::TrackedStorageKey, H256};

frame_benchmarking::define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[cumulus_pallet_parachain_system, ParachainSystem]
	[pallet_timestamp, Timestamp]
	[pallet_parameters, Parameters]
	[pallet_balances, Balances]
	[pallet_transaction_payment, TransactionPayment]
	[pallet_collator_selection, CollatorSelection]
	[pallet_session, SessionBench::<Runtime>]
	[cumulus_pallet_xcmp_queue, XcmpQueue]
	[pallet_message_queue, MessageQueue]
	[pallet_utility, Utility]
	[pallet_multisig, Multisig]
	[pallet_proxy, Proxy]
	[pallet_preimage, Preimage]
	[pallet_scheduler, Scheduler]
	[pallet_referenda, Referenda]
	[pallet_conviction_voting, ConvictionVoting]
	[pallet_treasury, Treasury]
	[pallet_sudo, Sudo]
	[pallet_artifact_storage, TransactionStorage]
	[pallet_model_registry, ModelRegistry]
	[pallet_contributor_staking, ContributorStaking]
	[pallet_inference, Inference]
);

impl frame_system_benchmarking::Config for Runtime {}

impl pallet_transaction_payment::BenchmarkConfig for Runtime {}

impl cumulus_pallet_session_benchmarking::Config for Runtime {
	fn generate_session_keys_and_proof(owner: AccountId) -> (SessionKeys, Vec<u8>) {
		let generated = SessionKeys::generate(&owner.encode(), None);
		(generated.keys, generated.proof.encode())
	}
}

/// What the benchmarks of inference ask and whom.
pub struct InferenceArguments;

impl InferenceArguments {
	/// An account with more than it will ever need.
	fn rich(name: &'static str, index: u32) -> AccountId {
		let account: AccountId = frame_benchmarking::account(name, index, 0);
		Balances::set_balance(&account, 1_000_000_000 * UNIT);
		account
	}
}

impl pallet_inference::benchmarking::BenchmarkHelper<AccountId> for InferenceArguments {
	fn version(inputs: u32, outputs: u32) -> VersionId {
		// Whatever is asked in a benchmark may be drawn for.
		randomness::Seed::put((Hash::repeat_byte(3), BlockNumber::MAX));
		let owner = Self::rich("owner", 0);
		let origin = || RuntimeOrigin::signed(owner.clone());
		let name = b"dodona/benchmark".to_vec();
		ModelRegistry::register(origin(), name.clone()).expect("the name is new");
		let model = ModelRegistry::model_by_name(name).expect("registered").id;
		let config = mlp::Config { widths: BoundedVec::truncate_from(vec![inputs, outputs]) };
		let size = 4 * config.parameters() + 1024;
		let artifact = ArtifactRef {
			root: H256::repeat_byte(1),
			index: H256::repeat_byte(2),
			size,
			chunks: size.div_ceil(CHUNK_SIZE.into()) as u32,
		};
		let manifest = Manifest {
			architecture: Architecture::Mlp(config),
			artifact,
			tokenizer: None,
			engine: ENGINE_VERSION,
			derived_from: None,
			licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
			price: UNIT,
		};
		ModelRegistry::propose_version(origin(), model, manifest).expect("is valid");
		let version = VersionId { model, number: 1 };
		ModelRegistry::approve_version(origin(), version).expect("is proposed");
		ModelRegistry::activate_version(origin(), version).expect("is approved");
		version
	}

	fn operators(count: u32) -> Vec<(AccountId, AccountId)> {
		(0..count)
			.map(|index| {
				let operator = Self::rich("operator", index);
				let hot_key: AccountId = frame_benchmarking::account("hot", index, 0);
				let origin = RuntimeOrigin::signed(operator.clone());
				let bond = 1_000_000 * UNIT;
				ContributorStaking::bond(origin, Role::Worker, hot_key.clone(), bond)
					.expect("is new and rich");
				(operator, hot_key)
			})
			.collect()
	}

	fn requester() -> AccountId {
		Self::rich("requester", 0)
	}

	fn set_committee_size(seats: u32) {
		use configs::parameters::{dynamic_params::inference, RuntimeParameters};
		let parameter = inference::Parameters::CommitteeSize(inference::CommitteeSize, Some(seats));
		Parameters::set_parameter(RuntimeOrigin::root(), RuntimeParameters::Inference(parameter))
			.expect("root may");
	}
}

/// What can be measured.
pub fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
	let mut list = Vec::<BenchmarkList>::new();
	list_benchmarks!(list, extra);
	(list, AllPalletsWithSystem::storage_info())
}

/// Measures.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
	let whitelist: Vec<TrackedStorageKey> = AllPalletsWithSystem::whitelisted_storage_keys();
	let mut batches = Vec::<BenchmarkBatch>::new();
	let params = (&config, &whitelist);
	add_benchmarks!(params, batches);
	if batches.is_empty() {
		return Err("there is no benchmark of this name".into());
	}
	Ok(batches)
}
