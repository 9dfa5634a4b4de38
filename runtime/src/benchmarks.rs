//! The pallets whose calls are measured.

use crate::*;
use alloc::{string::String, vec, vec::Vec};
use codec::Encode;
use cumulus_pallet_session_benchmarking::Pallet as SessionBench;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_inference::{
	Admission, Evaluation, HoldOut, Metric, Request, RequestId, RequestState, Seat, SeatStatus,
	Stage, MAX_COMMITTEE,
};
use dodona_primitives_models::{
	pages_root, Architecture, ArtifactRef, Manifest, ModelId, Price, VersionId, CHUNK_SIZE,
};
use dodona_primitives_staking::{Offence, Role, StakeSlash as _};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::{
	traits::{fungible::Mutate, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys},
	BoundedVec,
};
use frame_system_benchmarking::{
	extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
};
use pallet_model_evaluation::{benchmarking::BenchmarkHelper as _, Course, HoldOutSet};
use pallet_model_registry::BenchmarkHelper as _;
use sp_core::{storage::TrackedStorageKey, H256};
use sp_runtime::Perbill;

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
	[pallet_model_evaluation, ModelEvaluation]
	[pallet_contributions, Contributions]
	[pallet_feedback, Feedback]
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

	/// An active version of a new model.
	fn serve(architecture: Architecture, artifact: ArtifactRef, pages: H256) -> VersionId {
		let known_answers = H256::zero();
		let version =
			EvaluationArguments::propose(None, architecture, artifact, pages, known_answers);
		RegistryArguments::let_pass(version, None);
		EvaluationArguments::activate(version);
		version
	}
}

impl pallet_inference::benchmarking::BenchmarkHelper<AccountId> for InferenceArguments {
	fn version(inputs: u32, outputs: u32) -> VersionId {
		// Whatever is asked in a benchmark may be drawn for.
		randomness::Seed::put((Hash::repeat_byte(3), BlockNumber::MAX));
		let config = mlp::Config { widths: BoundedVec::truncate_from(vec![inputs, 1, outputs]) };
		let size = 4 * config.parameters() + 1024;
		let artifact = ArtifactRef {
			root: H256::repeat_byte(1),
			index: H256::repeat_byte(2),
			size,
			chunks: size.div_ceil(CHUNK_SIZE.into()) as u32,
		};
		let architecture = Architecture::Mlp(config);
		Self::serve(architecture, artifact, H256::zero())
	}

	fn network(architecture: Architecture, weights: &[u8]) -> VersionId {
		Self::serve(architecture, ArtifactRef::of(weights).0, pages_root(weights))
	}

	fn challenger(number: u32) -> AccountId {
		Self::rich("challenger", number)
	}

	fn operators(count: u32) -> Vec<(AccountId, AccountId)> {
		(0..count)
			.map(|index| {
				let operator = Self::rich("operator", index);
				let hot_key: AccountId = frame_benchmarking::account("hot", index, 0);
				let origin = RuntimeOrigin::signed(operator.clone());
				let bond = 1_000_000 * UNIT;
				ContributorStaking::bond(origin.clone(), Role::Worker, hot_key.clone(), bond)
					.expect("is new and rich");
				// Earnings are split with a pool, and the next slash makes the first one apply.
				ContributorStaking::set_commission(origin, Perbill::from_percent(10))
					.expect("is an operator");
				let delegator = RuntimeOrigin::signed(Self::rich("delegator", index));
				let agreed = Perbill::one();
				ContributorStaking::delegate(delegator, operator.clone(), bond, agreed)
					.expect("is rich");
				for _ in 0..configs::ours::MaxPendingSlashes::get() {
					let fraction = Perbill::from_parts(1_000);
					ContributorStaking::punish(&operator, Offence::Dissent, fraction);
				}
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

/// What the benchmarks of the registry need of the gate.
pub struct RegistryArguments;

impl RegistryArguments {
	/// Notes that a version is compared with the active one, and how far.
	fn compare(version: VersionId, active: VersionId, stage: Stage) {
		let hold_out = HoldOut {
			root: H256::zero(),
			samples: 1,
			metric: Metric::Accuracy,
			per_evaluation: 1,
			margin: Perbill::zero(),
			used: 1,
		};
		let evaluation = Evaluation {
			against: active.number,
			first: 0,
			revealed: 1,
			samples: 1,
			pending: 0,
			candidate: 0,
			active: 0,
			stage,
		};
		let revealer = InferenceArguments::rich("revealer", 0);
		let set = HoldOutSet { number: 0, revealer, hold_out };
		let course = Course { set: 0, metric: hold_out.metric, evaluation };
		pallet_model_evaluation::HoldOuts::<Runtime>::insert(version.model, set);
		pallet_model_evaluation::Evaluations::<Runtime>::insert(version, course);
	}
}

impl pallet_model_registry::BenchmarkHelper for RegistryArguments {
	fn let_pass(version: VersionId, active: Option<VersionId>) {
		pallet_model_evaluation::Admissions::<Runtime>::insert(version, Admission::Reproduced);
		if let Some(active) = active {
			let (candidate, other) = (Perbill::one(), Perbill::zero());
			Self::compare(version, active, Stage::Scored { candidate, active: other });
		}
	}

	fn let_wait(version: VersionId) {
		pallet_model_evaluation::Admissions::<Runtime>::remove(version);
	}

	fn let_be_measured(version: VersionId, active: VersionId) {
		Self::compare(version, active, Stage::Running);
	}

	fn start_extrinsic() {
		pallet_artifact_storage::benchmarking::enter_renewing_extrinsic::<Runtime>();
	}

	fn keep_chunk(hash: H256, is_renewable: bool) {
		let keeper = InferenceArguments::rich("keeper", 0);
		pallet_artifact_storage::benchmarking::keep::<Runtime>(&keeper, hash, is_renewable);
	}
}

/// What the benchmarks of evaluation measure.
pub struct EvaluationArguments;

impl pallet_model_evaluation::benchmarking::BenchmarkHelper<AccountId> for EvaluationArguments {
	fn owner() -> AccountId {
		InferenceArguments::rich("owner", 0)
	}

	fn propose(
		model: Option<ModelId>,
		architecture: Architecture,
		artifact: ArtifactRef,
		pages: H256,
		known_answers: H256,
	) -> VersionId {
		let origin = || RuntimeOrigin::signed(Self::owner());
		let model = model.unwrap_or_else(|| {
			let model = pallet_model_registry::NextModelId::<Runtime>::get();
			let name = alloc::format!("dodona/benchmark-{model}").into_bytes();
			ModelRegistry::register(origin(), name).expect("the name is new");
			model
		});
		let manifest = Manifest {
			architecture,
			artifact,
			pages,
			tokenizer: None,
			folder: None,
			known_answers,
			engine: ENGINE_VERSION,
			derived_from: None,
			licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
			price: Price { request: UNIT, work: 1 },
		};
		ModelRegistry::propose_version(origin(), model, manifest).expect("is valid");
		let number = pallet_model_registry::Models::<Runtime>::get(model).expect("exists").latest;
		VersionId { model, number }
	}

	fn activate(version: VersionId) {
		let origin = || RuntimeOrigin::signed(Self::owner());
		ModelRegistry::approve_version(origin(), version).expect("is proposed and admitted");
		ModelRegistry::activate_version(origin(), version).expect("is approved");
	}
}

/// What the benchmarks of contributions need of the registry.
pub struct ContributionArguments;

impl pallet_contributions::BenchmarkHelper<AccountId> for ContributionArguments {
	fn owner() -> AccountId {
		InferenceArguments::rich("owner", 0)
	}

	fn register() -> ModelId {
		let model = pallet_model_registry::NextModelId::<Runtime>::get();
		let name = alloc::format!("benchmark-{model}").into_bytes();
		ModelRegistry::register(RuntimeOrigin::signed(Self::owner()), name).expect("is new");
		model
	}

	fn descendant(ancestors: u32) -> VersionId {
		let (other, model) = (Self::register(), Self::register());
		let mut parent = VersionId { model: other, number: 1 };
		for number in 1..=ancestors + 1 {
			let version = VersionId { model, number };
			pallet_model_registry::Lineage::<Runtime>::insert(version, parent);
			parent = version;
		}
		parent
	}
}

/// What the benchmarks of feedback rate.
pub struct FeedbackArguments;

impl pallet_feedback::benchmarking::BenchmarkHelper<AccountId, Balance> for FeedbackArguments {
	fn finalized(requester: &AccountId, version: VersionId, treasury: Balance) -> RequestId {
		let id = pallet_inference::NextRequestId::<Runtime>::mutate(|next| {
			*next += 1;
			*next
		});
		let outcome = H256::zero();
		let seat = |index| Seat {
			operator: frame_benchmarking::account("operator", index, 0),
			status: SeatStatus::Revealed(outcome),
		};
		let committee = BoundedVec::truncate_from((0..MAX_COMMITTEE).map(seat).collect());
		let at = System::block_number();
		let request = Request {
			requester: requester.clone(),
			version,
			// The treasury gets a tenth.
			fee: treasury.saturating_mul(10),
			created: at,
			attempt: 1,
			state: RequestState::Finalized { committee, outcome, at },
		};
		pallet_inference::Requests::<Runtime>::insert(id, request);
		id
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
