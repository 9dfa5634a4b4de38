//! The Dodona runtime: a parachain on which models are public goods, their answers are computed
//! off-chain by bonded workers, and the runtime decides what a correct answer is.
//!
//! Pallets meet through the traits in `primitives/`; this crate joins them. What is configured
//! where: `configs/` by topic, `governance/` for tracks and origins, `apis.rs` for what clients
//! may ask, `genesis_config_presets.rs` for the chains that are known by name.
#![cfg_attr(not(feature = "std"), no_std)]
// The number of pallets and extensions takes the macros deeper than the default.
#![recursion_limit = "256"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod feeless;
pub mod genesis_config_presets;
pub mod governance;
pub mod randomness;
#[cfg(test)]
mod tests;

use alloc::{borrow::Cow, vec::Vec};
use frame_support::weights::{
	constants::{ExtrinsicBaseWeight, WEIGHT_REF_TIME_PER_SECOND},
	Weight,
};
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature, Perbill,
};
use sp_version::RuntimeVersion;

pub use governance::origins::pallet_origins;
pub use sp_consensus_aura::sr25519::AuthorityId as AuraId;

/// Any of the signatures that an account may sign with.
pub type Signature = MultiSignature;
/// The public key of an account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount of the native token, in its smallest unit.
pub type Balance = u128;
/// Counts an account's transactions.
pub type Nonce = u32;
/// The hash of a block or a state.
pub type Hash = sp_core::H256;
/// The number of a block.
pub type BlockNumber = u32;
/// How extrinsics name accounts.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What is checked of and taken from a transaction before it is dispatched.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	feeless::FeelessFirst,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it comes in.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a transaction's signature is over.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Dispatches extrinsics and hooks to the pallets.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

impl_opaque_keys! {
	/// The keys that a collator signs with.
	pub struct SessionKeys {
		/// Signs the blocks that it authors.
		pub aura: Aura,
	}
}

/// The version of this runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("dodona"),
	impl_name: Cow::Borrowed("dodona"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 0,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

/// One DONA.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a DONA.
pub const MILLIUNIT: Balance = UNIT / 1_000;
/// A millionth of a DONA.
pub const MICROUNIT: Balance = UNIT / 1_000_000;
/// The least that an account can hold.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLIUNIT;

/// Symbol of the native token.
pub const TOKEN_SYMBOL: &str = "DONA";
/// Decimal places of the native token.
pub const TOKEN_DECIMALS: u8 = 12;
/// Prefix of addresses.
pub const SS58_PREFIX: u16 = 42;

/// Milliseconds from block to block, where a relay chain sets the pace.
pub const MILLISECS_PER_BLOCK: u64 = 6_000;
/// Length of an Aura slot; can't be changed once the chain has started.
pub const SLOT_DURATION: u64 = MILLISECS_PER_BLOCK;
/// Blocks in a minute.
pub const MINUTES: BlockNumber = (60_000 / MILLISECS_PER_BLOCK) as BlockNumber;
/// Blocks in an hour.
pub const HOURS: BlockNumber = MINUTES * 60;
/// Blocks in a day.
pub const DAYS: BlockNumber = HOURS * 24;

/// Blocks that may be authored ahead of their inclusion on the relay chain.
const UNINCLUDED_SEGMENT_CAPACITY: u32 = 3;
/// Blocks that the relay chain takes in one of its slots.
const BLOCK_PROCESSING_VELOCITY: u32 = 1;
/// Length of the relay chain's slots.
const RELAY_CHAIN_SLOT_DURATION_MILLIS: u32 = 6_000;
/// Relay blocks between the tip and the relay parent that is built on.
const RELAY_PARENT_OFFSET: u32 = 0;

/// Part of a block's weight that hooks are expected to take.
const AVERAGE_ON_INITIALIZE_RATIO: Perbill = Perbill::from_percent(5);
/// Part of a block that is there for users.
const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);
/// Two seconds of compute, which is what backing validators take, and a whole proof.
const MAXIMUM_BLOCK_WEIGHT: Weight = Weight::from_parts(
	WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2),
	cumulus_primitives_core::relay_chain::MAX_POV_SIZE as u64,
);
/// Bytes of a block's extrinsics: six chunks of 1 MiB fit in the part for users.
const MAXIMUM_BLOCK_LENGTH: u32 = 9 * 1024 * 1024;

/// What storing `items` of `bytes` in all costs while they are there.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	(items as Balance) * 20 * MILLIUNIT + (bytes as Balance) * 100 * MICROUNIT
}

/// The fee for weight: by time or by proof, whichever is dearer.
pub struct WeightToFee;

impl WeightToFee {
	/// Fee of an extrinsic that does nothing.
	const BASE_FEE: Balance = MILLIUNIT;
	/// Bytes of proof that cost as much as that.
	const PROOF_BYTES_FOR_BASE_FEE: Balance = 10_000;
}

impl frame_support::weights::WeightToFee for WeightToFee {
	type Balance = Balance;

	fn weight_to_fee(weight: &Weight) -> Balance {
		let base = Balance::from(ExtrinsicBaseWeight::get().ref_time()).max(1);
		let time = Balance::from(weight.ref_time()).saturating_mul(Self::BASE_FEE) / base;
		let proof = Balance::from(weight.proof_size()).saturating_mul(Self::BASE_FEE)
			/ Self::PROOF_BYTES_FOR_BASE_FEE;
		time.max(proof)
	}
}

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	// The chain itself.
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type ParachainSystem = cumulus_pallet_parachain_system;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type ParachainInfo = parachain_info;
	#[runtime::pallet_index(4)]
	pub type Parameters = pallet_parameters;

	// Money.
	#[runtime::pallet_index(10)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(11)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(12)]
	pub type SkipFeelessPayment = pallet_skip_feeless_payment;

	// Collators. The order of these is part of their genesis.
	#[runtime::pallet_index(20)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(21)]
	pub type CollatorSelection = pallet_collator_selection;
	#[runtime::pallet_index(22)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(23)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(24)]
	pub type AuraExt = cumulus_pallet_aura_ext;

	// Messages.
	#[runtime::pallet_index(30)]
	pub type XcmpQueue = cumulus_pallet_xcmp_queue;
	#[runtime::pallet_index(31)]
	pub type PolkadotXcm = pallet_xcm;
	#[runtime::pallet_index(32)]
	pub type CumulusXcm = cumulus_pallet_xcm;
	#[runtime::pallet_index(33)]
	pub type MessageQueue = pallet_message_queue;

	// Tools.
	#[runtime::pallet_index(40)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(41)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(42)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(43)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(44)]
	pub type Scheduler = pallet_scheduler;

	// Governance.
	#[runtime::pallet_index(50)]
	pub type Referenda = pallet_referenda;
	#[runtime::pallet_index(51)]
	pub type ConvictionVoting = pallet_conviction_voting;
	#[runtime::pallet_index(52)]
	pub type Origins = pallet_origins;
	#[runtime::pallet_index(53)]
	pub type Treasury = pallet_treasury;

	// Models and those who run them.
	#[runtime::pallet_index(60)]
	pub type TransactionStorage = pallet_artifact_storage;
	#[runtime::pallet_index(61)]
	pub type ModelRegistry = pallet_model_registry;
	#[runtime::pallet_index(62)]
	pub type ContributorStaking = pallet_contributor_staking;
	#[runtime::pallet_index(63)]
	pub type Inference = pallet_inference;
	#[runtime::pallet_index(64)]
	pub type ModelEvaluation = pallet_model_evaluation;
	#[runtime::pallet_index(65)]
	pub type Contributions = pallet_contributions;
	#[runtime::pallet_index(66)]
	pub type Feedback = pallet_feedback;

	// Has a key on development chains only.
	#[runtime::pallet_index(255)]
	pub type Sudo = pallet_sudo;
}

cumulus_pallet_parachain_system::register_validate_block! {
	Runtime = Runtime,
	BlockExecutor = cumulus_pallet_aura_ext::BlockExecutor::<Runtime, Executive>,
}
