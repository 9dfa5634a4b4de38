//! What nodes and clients may ask the runtime.

use crate::{
	configs::{xcm as xcm_config, ConsensusHook},
	genesis_config_presets,
	randomness::RelayRandomness,
	AccountId, AuraId, Balance, Block, BlockNumber, Executive, InherentDataExt, Nonce,
	OriginCaller, ParachainInfo, ParachainSystem, PolkadotXcm, Runtime, RuntimeCall, RuntimeEvent,
	RuntimeGenesisConfig, SessionKeys, System, TransactionPayment, BLOCK_PROCESSING_VELOCITY,
	RELAY_PARENT_OFFSET, SLOT_DURATION, VERSION,
};
use alloc::{vec, vec::Vec};
use codec::DecodeAll;
use cumulus_primitives_core::{ParaId, VerifySchedulingSignature};
use dodona_primitives_inference::{
	Adjudicator as _, Admission, DisputeInfo, EngineError, Evaluation, HoldOut, RatingInfo,
	RatingRound, RequestId, RequestInfo, Run, VersionRatings,
};
use dodona_primitives_models::{
	Architecture, ContributionInfo, ModelId, ModelInfo, RoyaltyAccounts as _, RoyaltyTable,
	VersionId, VersionInfo,
};
use dodona_primitives_staking::{EraInfo, OperatorInfo, PoolInfo, StakeInfo};
use frame_support::{
	genesis_builder_helper::{build_state, get_preset},
	weights::Weight,
};
use pallet_inference::machine::Engine;
use sp_api::impl_runtime_apis;
use sp_core::{crypto::KeyTypeId, OpaqueMetadata, H256};
use sp_runtime::{
	traits::Block as BlockT,
	transaction_validity::{TransactionSource, TransactionValidity},
	ApplyExtrinsicResult,
};
use sp_version::RuntimeVersion;
use xcm::{
	latest::prelude::AssetId, Version as XcmVersion, VersionedAsset, VersionedAssetId,
	VersionedAssets, VersionedLocation, VersionedXcm,
};
use xcm_runtime_apis::{
	dry_run::{CallDryRunEffects, Error as XcmDryRunApiError, XcmDryRunEffects},
	fees::Error as XcmPaymentApiError,
};

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block)
		}

		fn initialize_block(
			header: &<Block as BlockT>::Header,
		) -> sp_runtime::ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: frame_support::view_functions::ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(
			data: sp_inherents::InherentData,
		) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(
			block: <Block as BlockT>::LazyBlock,
			data: sp_inherents::InherentData,
		) -> sp_inherents::CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			tx: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, tx, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(
			owner: Vec<u8>,
			seed: Option<Vec<u8>>,
		) -> sp_session::OpaqueGeneratedSessionKeys {
			SessionKeys::generate(&owner, seed).into()
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			SessionKeys::decode_into_raw_public_keys(&encoded)
		}
	}

	impl sp_consensus_aura::AuraApi<Block, AuraId> for Runtime {
		fn slot_duration() -> sp_consensus_aura::SlotDuration {
			sp_consensus_aura::SlotDuration::from_millis(SLOT_DURATION)
		}

		fn authorities() -> Vec<AuraId> {
			pallet_aura::Authorities::<Runtime>::get().into_inner()
		}
	}

	impl cumulus_primitives_aura::AuraUnincludedSegmentApi<Block> for Runtime {
		fn can_build_upon(
			included_hash: <Block as BlockT>::Hash,
			slot: cumulus_primitives_aura::Slot,
		) -> bool {
			ConsensusHook::can_build_upon(included_hash, slot)
		}
	}

	impl cumulus_primitives_core::CollectCollationInfo<Block> for Runtime {
		fn collect_collation_info(
			header: &<Block as BlockT>::Header,
		) -> cumulus_primitives_core::CollationInfo {
			ParachainSystem::collect_collation_info(header)
		}
	}

	impl cumulus_primitives_core::GetParachainInfo<Block> for Runtime {
		fn parachain_id() -> ParaId {
			ParachainInfo::parachain_id()
		}
	}

	impl cumulus_primitives_core::RelayParentOffsetApi<Block> for Runtime {
		fn relay_parent_offset() -> u32 {
			RELAY_PARENT_OFFSET
		}

		fn max_claim_queue_offset() -> u8 {
			ParachainSystem::max_claim_queue_offset()
		}
	}

	impl cumulus_primitives_core::SchedulingV3EnabledApi<Block> for Runtime {
		fn scheduling_v3_enabled() -> bool {
			<Runtime as cumulus_pallet_parachain_system::Config>::SchedulingSignatureVerifier::V3_SCHEDULING_ENABLED
		}
	}

	impl cumulus_primitives_core::TargetBlockRate<Block> for Runtime {
		fn target_block_rate() -> u32 {
			BLOCK_PROCESSING_VELOCITY
		}
	}

	impl cumulus_primitives_core::KeyToIncludeInRelayProof<Block> for Runtime {
		fn keys_to_prove() -> cumulus_primitives_core::RelayProofRequest {
			RelayRandomness::proof_request()
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance>
		for Runtime
	{
		fn query_info(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_info(uxt, len)
		}

		fn query_fee_details(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment::FeeDetails<Balance> {
			TransactionPayment::query_fee_details(uxt, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<
		Block,
		Balance,
		RuntimeCall,
	> for Runtime
	{
		fn query_call_info(
			call: RuntimeCall,
			len: u32,
		) -> pallet_transaction_payment::RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_call_info(call, len)
		}

		fn query_call_fee_details(
			call: RuntimeCall,
			len: u32,
		) -> pallet_transaction_payment::FeeDetails<Balance> {
			TransactionPayment::query_call_fee_details(call, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl xcm_runtime_apis::fees::XcmPaymentApi<Block> for Runtime {
		fn query_acceptable_payment_assets(
			xcm_version: XcmVersion,
		) -> Result<Vec<VersionedAssetId>, XcmPaymentApiError> {
			let acceptable = vec![AssetId(xcm_config::NativeCurrency::get())];
			PolkadotXcm::query_acceptable_payment_assets(xcm_version, acceptable)
		}

		fn query_weight_to_asset_fee(
			weight: Weight,
			asset: VersionedAssetId,
		) -> Result<u128, XcmPaymentApiError> {
			type Trader = <xcm_config::XcmConfig as xcm_executor::Config>::Trader;
			PolkadotXcm::query_weight_to_asset_fee::<Trader>(weight, asset)
		}

		fn query_xcm_weight(message: VersionedXcm<()>) -> Result<Weight, XcmPaymentApiError> {
			PolkadotXcm::query_xcm_weight(message)
		}

		fn query_delivery_fees(
			destination: VersionedLocation,
			message: VersionedXcm<()>,
			asset_id: VersionedAssetId,
		) -> Result<VersionedAssets, XcmPaymentApiError> {
			type AssetExchanger = <xcm_config::XcmConfig as xcm_executor::Config>::AssetExchanger;
			PolkadotXcm::query_delivery_fees::<AssetExchanger>(destination, message, asset_id)
		}
	}

	impl xcm_runtime_apis::dry_run::DryRunApi<Block, RuntimeCall, RuntimeEvent, OriginCaller>
		for Runtime
	{
		fn dry_run_call(
			origin: OriginCaller,
			call: RuntimeCall,
			result_xcms_version: XcmVersion,
		) -> Result<CallDryRunEffects<RuntimeEvent>, XcmDryRunApiError> {
			PolkadotXcm::dry_run_call::<Runtime, xcm_config::XcmRouter, OriginCaller, RuntimeCall>(
				origin,
				call,
				result_xcms_version,
			)
		}

		fn dry_run_xcm(
			origin_location: VersionedLocation,
			xcm: VersionedXcm<RuntimeCall>,
		) -> Result<XcmDryRunEffects<RuntimeEvent>, XcmDryRunApiError> {
			PolkadotXcm::dry_run_xcm::<xcm_config::XcmRouter>(origin_location, xcm)
		}
	}

	impl xcm_runtime_apis::conversions::LocationToAccountApi<Block, AccountId> for Runtime {
		fn convert_location(
			location: VersionedLocation,
		) -> Result<AccountId, xcm_runtime_apis::conversions::Error> {
			xcm_runtime_apis::conversions::LocationToAccountHelper::<
				AccountId,
				xcm_config::LocationToAccountId,
			>::convert_location(location)
		}
	}

	impl xcm_runtime_apis::trusted_query::TrustedQueryApi<Block> for Runtime {
		fn is_trusted_reserve(
			asset: VersionedAsset,
			location: VersionedLocation,
		) -> xcm_runtime_apis::trusted_query::XcmTrustedQueryResult {
			PolkadotXcm::is_trusted_reserve(asset, location)
		}

		fn is_trusted_teleporter(
			asset: VersionedAsset,
			location: VersionedLocation,
		) -> xcm_runtime_apis::trusted_query::XcmTrustedQueryResult {
			PolkadotXcm::is_trusted_teleporter(asset, location)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			build_state::<RuntimeGenesisConfig>(config)
		}

		fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
			get_preset::<RuntimeGenesisConfig>(id, genesis_config_presets::get_preset)
		}

		fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
			genesis_config_presets::preset_names()
		}
	}

	impl dodona_primitives_models::runtime_api::ModelRegistryApi<
		Block,
		AccountId,
		Balance,
		BlockNumber,
	> for Runtime
	{
		fn models(start: ModelId, limit: u32) -> Vec<ModelInfo<AccountId>> {
			pallet_model_registry::Pallet::<Runtime>::models(start, limit)
		}

		fn model_by_name(name: Vec<u8>) -> Option<ModelInfo<AccountId>> {
			pallet_model_registry::Pallet::<Runtime>::model_by_name(name)
		}

		fn version(id: VersionId) -> Option<VersionInfo<AccountId, Balance, BlockNumber>> {
			pallet_model_registry::Pallet::<Runtime>::version(id)
		}
	}

	impl dodona_primitives_staking::runtime_api::ContributorStakingApi<
		Block,
		AccountId,
		Balance,
		BlockNumber,
	> for Runtime
	{
		fn operator(account: AccountId) -> Option<OperatorInfo<AccountId, Balance, BlockNumber>> {
			pallet_contributor_staking::Pallet::<Runtime>::operator_info(account)
		}

		fn operators(limit: u32) -> Vec<OperatorInfo<AccountId, Balance, BlockNumber>> {
			pallet_contributor_staking::Pallet::<Runtime>::operators(limit)
		}

		fn stake(account: AccountId) -> StakeInfo<AccountId, Balance, BlockNumber> {
			pallet_contributor_staking::Pallet::<Runtime>::stake_info(account)
		}

		fn pending_rewards(account: AccountId) -> Balance {
			pallet_contributor_staking::Pallet::<Runtime>::pending_rewards(account)
		}

		fn pool(operator: AccountId) -> Option<PoolInfo<AccountId, Balance, BlockNumber>> {
			pallet_contributor_staking::Pallet::<Runtime>::pool_info(operator)
		}

		fn eras() -> Vec<EraInfo<Balance, BlockNumber>> {
			pallet_contributor_staking::Pallet::<Runtime>::era_infos()
		}
	}

	impl dodona_primitives_inference::runtime_api::InferenceApi<
		Block,
		AccountId,
		Balance,
		BlockNumber,
	> for Runtime
	{
		fn request(id: RequestId) -> Option<RequestInfo<AccountId, Balance, BlockNumber>> {
			pallet_inference::Pallet::<Runtime>::request_info(id)
		}

		fn dispute(id: RequestId) -> Option<DisputeInfo<AccountId, Balance, BlockNumber>> {
			pallet_inference::Pallet::<Runtime>::dispute_info(id)
		}

		fn execute_step(
			architecture: Architecture,
			input: Vec<u8>,
			pages: H256,
			size: u64,
			step: u64,
			before: Option<H256>,
			witness: Vec<u8>,
		) -> Option<H256> {
			let witness = DecodeAll::decode_all(&mut &witness[..]).ok()?;
			let run = Run { architecture: &architecture, input: &input, pages, size };
			Engine::execute(&run, step, before, &witness).ok()
		}

		fn disputes(after: Option<RequestId>) -> Vec<RequestId> {
			pallet_inference::Pallet::<Runtime>::disputes(after)
		}

		fn fee(version: VersionId, input: Vec<u8>) -> Option<Balance> {
			pallet_inference::Pallet::<Runtime>::fee(version, &input)
		}

		fn run(
			architecture: Architecture,
			artifact: Vec<u8>,
			input: Vec<u8>,
		) -> Result<Vec<u8>, EngineError> {
			dodona_engine::Model::load(&architecture, &artifact)?.run(&input)
		}
	}

	impl dodona_primitives_inference::runtime_api::EvaluationApi<Block> for Runtime {
		fn hold_out(model: ModelId) -> Option<HoldOut> {
			pallet_model_evaluation::Pallet::<Runtime>::hold_out(model)
		}

		fn admission(version: VersionId) -> Option<Admission> {
			pallet_model_evaluation::Pallet::<Runtime>::admission(version)
		}

		fn evaluation(version: VersionId) -> Option<Evaluation> {
			pallet_model_evaluation::Pallet::<Runtime>::evaluation(version)
		}
	}

	impl dodona_primitives_inference::runtime_api::FeedbackApi<
		Block,
		AccountId,
		Balance,
		BlockNumber,
	> for Runtime
	{
		fn ratings(version: VersionId) -> VersionRatings {
			pallet_feedback::Pallet::<Runtime>::ratings(version)
		}

		fn rating(request: RequestId) -> Option<RatingInfo<AccountId, Balance>> {
			pallet_feedback::Pallet::<Runtime>::rating(request)
		}

		fn rating_round() -> RatingRound<BlockNumber> {
			pallet_feedback::Pallet::<Runtime>::rating_round()
		}
	}

	impl dodona_primitives_models::contributions::ContributionsApi<
		Block,
		AccountId,
		Balance,
		BlockNumber,
	> for Runtime
	{
		fn royalties(model: ModelId) -> Option<RoyaltyTable<AccountId, Balance, BlockNumber>> {
			pallet_contributions::Pallet::<Runtime>::royalties(model)
		}

		fn contributions(model: ModelId) -> Vec<ContributionInfo<AccountId, Balance>> {
			pallet_contributions::Pallet::<Runtime>::contributions(model)
		}

		fn royalty_account(version: VersionId) -> AccountId {
			crate::Contributions::royalty_account(version)
		}

		fn undistributed(version: VersionId) -> Balance {
			pallet_contributions::Pallet::<Runtime>::undistributed(version)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl frame_try_runtime::TryRuntime<Block> for Runtime {
		fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
			// A panic is how this API reports a failure.
			#[allow(clippy::unwrap_used)]
			let weight = Executive::try_runtime_upgrade(checks).unwrap();
			(weight, crate::configs::RuntimeBlockWeights::get().max_block)
		}

		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_try_runtime::TryStateSelect,
		) -> Weight {
			#[allow(clippy::unwrap_used)]
			Executive::try_execute_block(block, state_root_check, signature_check, select).unwrap()
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(
			extra: bool,
		) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
			crate::benchmarks::metadata(extra)
		}

		#[allow(non_local_definitions)]
		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			crate::benchmarks::dispatch(config)
		}
	}
}
