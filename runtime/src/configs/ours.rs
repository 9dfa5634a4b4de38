//! Dodona's own pallets, joined here: they know one another only through the traits in
//! `primitives/`. Also what a node's off-chain worker needs to sign a transaction.

use super::{
	parameters::dynamic_params::{feedback, inference, models, staking},
	TreasuryAccount,
};
use crate::{
	deposit,
	feeless::FeelessFirst,
	governance::{CuratorOrigin, GuardianOrigin, SuspendOrigin},
	randomness::RelayRandomness,
	AccountId, Address, Balance, Balances, BlockNumber, Contributions, ContributorStaking,
	Inference, ModelEvaluation, ModelRegistry, Nonce, Runtime, RuntimeCall, RuntimeHoldReason,
	Signature, SignedPayload, System, TransactionStorage, TxExtension, UncheckedExtrinsic, DAYS,
	MICROUNIT, MINUTES, UNIT,
};
use codec::Encode;
use core::marker::PhantomData;
use dodona_primitives_inference::{MAX_CLAIMS, MAX_COMMITTEE};
use dodona_primitives_models::CHUNK_SIZE;
use frame_support::{
	parameter_types,
	traits::{tokens::imbalance::ResolveTo, Get},
	PalletId,
};
use frame_system::offchain::{AppCrypto, CreateBare, CreateSignedTransaction, SigningTypes};
use frame_system::EnsureRoot;
use sp_runtime::{
	generic::Era,
	traits::{SaturatedConversion, Verify},
	Perbill,
};

parameter_types! {
	pub const MaxChunkSize: u32 = CHUNK_SIZE;
	// A block's length bounds the full ones: so many that small ones can't keep them out.
	pub const MaxChunksPerBlock: u32 = 64;
	// Every chunk is stored once but renewed each period, by a short extrinsic.
	pub const MaxRenewalsPerBlock: u32 = 64;
	pub const ChunkDepositBase: Balance = deposit(1, 0);
	// Bodies are kept by archive nodes, not in the state: cheaper than state.
	pub const ChunkDepositPerByte: Balance = 10 * MICROUNIT;
	pub const ModelDeposit: Balance = 10 * UNIT;
	pub const VersionDeposit: Balance = 5 * UNIT;
	pub const MetadataDeposit: Balance = UNIT;
	// Dearer than a model: a name with a slash is a claim on all names that begin like it.
	pub const OrganisationDeposit: Balance = 100 * UNIT;
	pub const RegistryDepositPerByte: Balance = deposit(0, 1);
	pub const EndowmentPalletId: PalletId = PalletId(*b"do/endow");
	/// Two weeks, in which to renew or to object.
	pub const LapseNotice: BlockNumber = 14 * DAYS;
	// As many as the proof of one extrinsic has room for: files of up to 2 GiB.
	pub const MaxKeptChunks: u32 = 2_048;
	// A LeNet for two questions, and less than a tenth of a block where floats are slowest.
	pub const MaxAdmissionWork: u64 = 1_000_000;
	// More than any step of a model that a manifest can describe: see the engine's own tests.
	pub const MaxStepWork: u64 = 32 << 20;
	// Half of what a single core records in ten minutes: see `docs/engine.md`.
	pub const StepsPerPeriod: u64 = 1 << 20;
	pub const ResidentDepositBase: Balance = deposit(2, 0);
	pub const ResidentDepositPerByte: Balance = deposit(0, 1);
	/// Three days, in which a committee can examine what was proposed.
	pub const AdmissionPeriod: BlockNumber = 3 * DAYS;
	pub const MaxLiveVersions: u32 = 32;
	pub const MaxProposals: u32 = 64;
	pub const MaxUnbonding: u32 = 16;
	pub const MaxOperators: u32 = 4_096;
	pub const EarningsPalletId: PalletId = PalletId(*b"do/earns");
	pub const MaxPendingSlashes: u32 = 16;
	pub const MaxPayees: u32 = MAX_COMMITTEE + 2;
	pub const EraHistory: u32 = 30;
	pub const InflationCap: Perbill = Perbill::from_percent(10);
	pub const BlocksPerYear: u64 = 365 * DAYS as u64;
	pub const RoyaltiesPalletId: PalletId = PalletId(*b"do/royal");
	pub const ContributionDeposit: Balance = 5 * UNIT;
	pub const MaxOpenContributions: u32 = 64;
	pub const MaxOpenPerAccount: u32 = 16;
	pub const MaxRoyalties: u32 = 64;
	pub const MaxVesting: BlockNumber = 4 * 365 * DAYS;
	pub const MaxLineageDepth: u32 = 8;
	pub const RatingDeposit: Balance = deposit(1, 256);
	/// Fewer would let one other account decide what a rating is worth.
	pub const MinPeers: u32 = 3;
	pub const MaxRatingRounds: u32 = 30;
}

impl pallet_artifact_storage::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MaxChunkSize = MaxChunkSize;
	type MaxChunksPerBlock = MaxChunksPerBlock;
	type MaxRenewalsPerBlock = MaxRenewalsPerBlock;
	type DepositBase = ChunkDepositBase;
	type DepositPerByte = ChunkDepositPerByte;
	// A chunk can be renewed when half of it has passed.
	type RetentionPeriod = AtLeast<2, models::RetentionPeriod>;
	type WeightInfo = pallet_artifact_storage::weights::SubstrateWeight<Runtime>;
}

impl pallet_model_registry::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CuratorOrigin = CuratorOrigin;
	type GuardianOrigin = GuardianOrigin;
	type SuspendOrigin = SuspendOrigin;
	type OverrideOrigin = EnsureRoot<AccountId>;
	type Gate = ModelEvaluation;
	type Storage = TransactionStorage;
	type PalletId = EndowmentPalletId;
	type KeeperReward = models::KeeperReward;
	type LapseNotice = LapseNotice;
	type MaxKeptChunks = MaxKeptChunks;
	type MaxRenewals = MaxRenewalsPerBlock;
	type ModelDeposit = ModelDeposit;
	type VersionDeposit = VersionDeposit;
	type MetadataDeposit = MetadataDeposit;
	type OrganisationDeposit = OrganisationDeposit;
	type DepositPerByte = RegistryDepositPerByte;
	type RevokedRetention = RevokedRetention;
	type AdmissionPeriod = AdmissionPeriod;
	type MaxLiveVersions = MaxLiveVersions;
	type MaxProposals = MaxProposals;
	type Treasury = ResolveTo<TreasuryAccount, Balances>;
	type WeightInfo = pallet_model_registry::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::RegistryArguments;
}

impl pallet_model_evaluation::Config for Runtime {
	type Balance = Balance;
	type Models = ModelRegistry;
	type Ask = Inference;
	type MaxAdmissionWork = MaxAdmissionWork;
	type WeightInfo = pallet_model_evaluation::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::EvaluationArguments;
}

/// Longer than any request lives: a committee that works when its version is revoked reads the
/// record to the end. Days longer, since a dispute that lasts until the record is gone is abandoned:
/// the bonds that keep it going so long cost more than what it could save from a penalty.
pub struct RevokedRetention;

impl Get<BlockNumber> for RevokedRetention {
	fn get() -> BlockNumber {
		(4 * DAYS).saturating_add(LongestObligation::get())
	}
}

impl pallet_contributor_staking::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = staking::MinBond;
	type UnbondingPeriod = AtLeast<1, staking::UnbondingPeriod>;
	type MaxUnbonding = MaxUnbonding;
	type MaxOperators = MaxOperators;
	type StrikeWindow = AtLeast<1, staking::StrikeWindow>;
	type MaxStrikes = AtLeast<1, staking::MaxStrikes>;
	type Treasury = ResolveTo<TreasuryAccount, Balances>;
	type PalletId = EarningsPalletId;
	type MinPublisherBond = staking::MinPublisherBond;
	type MinCuratorBond = staking::MinCuratorBond;
	type MinDataContributorBond = staking::MinDataContributorBond;
	type MinDelegation = staking::MinDelegation;
	type MaxDelegationRatio = staking::MaxDelegationRatio;
	type MaxCommission = staking::MaxCommission;
	type CommissionDelay = staking::CommissionDelay;
	type DripPeriod = AtLeast<1, staking::DripPeriod>;
	type LongestObligation = LongestObligation;
	type SlashDeferPeriod = staking::SlashDeferPeriod;
	type MaxPendingSlashes = MaxPendingSlashes;
	type ReporterShare = staking::ReporterShare;
	type SlashCancelOrigin = GuardianOrigin;
	type MaxPayees = MaxPayees;
	type EraLength = AtLeast<1, staking::EraLength>;
	type BlocksPerYear = BlocksPerYear;
	type Inflation = staking::Inflation;
	type InflationCap = InflationCap;
	type WorkerInflation = staking::WorkerInflation;
	type ContributorInflation = staking::ContributorInflation;
	type SeatInflationCap = staking::SeatInflationCap;
	type ContributorMatch = ContributorMatch;
	type EraHistory = EraHistory;
	type WeightInfo = pallet_contributor_staking::weights::SubstrateWeight<Runtime>;
}

/// The most blocks from a draw to finality. Only whoever pays a bond that doubles each time can make
/// a dispute longer.
pub struct LongestObligation;

impl Get<BlockNumber> for LongestObligation {
	fn get() -> BlockNumber {
		// Half of the claims that a dispute has room for play one after the other; of a model with a
		// billion weights, a game takes 7 moves, and has one period more for another challenge. One
		// more is about a result that is audited when it is over.
		let games = inference::MovePeriod::get().saturating_mul((MAX_CLAIMS / 2 + 1) * 8);
		let dispute = games.saturating_mul(inference::MaxMovePeriods::get().max(1));
		// Of a result that is audited.
		let second = inference::DrawPeriod::get()
			.saturating_add(inference::CommitPeriod::get())
			.saturating_add(inference::RevealPeriod::get());
		[
			inference::CommitPeriod::get(),
			inference::RevealPeriod::get(),
			inference::ChallengePeriod::get(),
			second,
			dispute,
			// What a block has no room for is served in one of the next.
			2 * MINUTES,
		]
		.into_iter()
		.fold(0, BlockNumber::saturating_add)
	}
}

impl pallet_inference::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = ModelRegistry;
	type Stake = ContributorStaking;
	type Rewards = ContributorStaking;
	type Royalties = Contributions;
	type Results = ModelEvaluation;
	type Randomness = RelayRandomness;
	type AuthorityId = pallet_inference::crypto::HotKey;
	type CommitteeSize = Within<1, MAX_COMMITTEE, inference::CommitteeSize>;
	type MaxAttempts = Within<1, { pallet_inference::ATTEMPTS_LIMIT }, inference::MaxAttempts>;
	type DrawPeriod = AtLeast<1, inference::DrawPeriod>;
	type CommitPeriod = AtLeast<1, inference::CommitPeriod>;
	type RevealPeriod = AtLeast<1, inference::RevealPeriod>;
	type ChallengePeriod = AtLeast<1, inference::ChallengePeriod>;
	type ResultRetention = AtLeast<1, inference::ResultRetention>;
	type NoShowPenalty = inference::NoShowPenalty;
	type UnrevealedPenalty = inference::UnrevealedPenalty;
	type DissentPenalty = inference::DissentPenalty;
	type Adjudicator = pallet_inference::machine::Engine;
	type MovePeriod = AtLeast<1, inference::MovePeriod>;
	type StepsPerPeriod = StepsPerPeriod;
	type MaxMovePeriods = AtLeast<1, inference::MaxMovePeriods>;
	type ChallengeBond = inference::ChallengeBond;
	type WinnerShare = inference::WinnerShare;
	type MaxOpenDisputes = AtLeast<1, inference::MaxOpenDisputes>;
	// The same benchmark measures both.
	type MaxAdjudicationWork = MaxAdmissionWork;
	type MaxStepWork = MaxStepWork;
	type AuditRate = inference::AuditRate;
	type ResidentDepositBase = ResidentDepositBase;
	type ResidentDepositPerByte = ResidentDepositPerByte;
	type WorkerShare = inference::WorkerShare;
	type ContributorShare = ContributorShare;
	type WeightInfo = pallet_inference::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::InferenceArguments;
}

impl pallet_contributions::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = ModelRegistry;
	type PalletId = RoyaltiesPalletId;
	type ContributionDeposit = ContributionDeposit;
	type MaxOpen = MaxOpenContributions;
	type MaxOpenPerAccount = MaxOpenPerAccount;
	type MaxEntries = MaxRoyalties;
	type MaxVesting = MaxVesting;
	type LineageShare = models::LineageShare;
	type MaxLineageDepth = MaxLineageDepth;
	type Treasury = ResolveTo<TreasuryAccount, Balances>;
	type WeightInfo = pallet_contributions::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::ContributionArguments;
}

impl pallet_feedback::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Requests = Inference;
	type Treasury = TreasuryAccount;
	type RoundLength = AtLeast<1, feedback::RoundLength>;
	type Budget = feedback::Budget;
	type RewardCap = RewardCap;
	type Margin = feedback::Margin;
	type Deposit = RatingDeposit;
	type MinPeers = MinPeers;
	type MaxRounds = MaxRatingRounds;
	type WeightInfo = pallet_feedback::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::FeedbackArguments;
}

/// A governed number, but never outside of what its pallet can work with.
pub struct Within<const MIN: u32, const MAX: u32, Governed>(PhantomData<Governed>);

impl<const MIN: u32, const MAX: u32, Governed: Get<u32>> Get<u32> for Within<MIN, MAX, Governed> {
	fn get() -> u32 {
		Governed::get().clamp(MIN, MAX)
	}
}

/// A governed number with a floor.
pub type AtLeast<const MIN: u32, Governed> = Within<MIN, { u32::MAX }, Governed>;

/// The governed share, but never more than the workers leave.
pub struct ContributorShare;

impl Get<Perbill> for ContributorShare {
	fn get() -> Perbill {
		let left = Perbill::one() - inference::WorkerShare::get();
		inference::ContributorShare::get().min(left)
	}
}

/// What workers and contributors leave of a fee.
fn treasury_share() -> Perbill {
	Perbill::one() - inference::WorkerShare::get() - ContributorShare::get()
}

/// The governed match, but never more than what the treasury gets when a contributor asks its own
/// model.
pub struct ContributorMatch;

impl Get<Perbill> for ContributorMatch {
	fn get() -> Perbill {
		let most = Perbill::from_rational(
			treasury_share().deconstruct(),
			ContributorShare::get().deconstruct(),
		);
		staking::ContributorMatch::get().min(most)
	}
}

/// The governed cap, but never so much that together with the match it gives back all that the
/// treasury gets when a contributor asks its own model.
pub struct RewardCap;

impl Get<Perbill> for RewardCap {
	fn get() -> Perbill {
		let treasury = treasury_share();
		let left = treasury - ContributorShare::get() * ContributorMatch::get();
		let most = Perbill::from_rational(left.deconstruct(), treasury.deconstruct());
		feedback::RewardCap::get().min(most)
	}
}

impl SigningTypes for Runtime {
	type Public = <Signature as Verify>::Signer;
	type Signature = Signature;
}

impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateBare<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

/// Blocks for which a worker's transaction stays valid: it is built anew until it is taken.
const WORKER_ERA: u64 = 16;

impl<LocalCall> CreateSignedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_signed_transaction<C: AppCrypto<Self::Public, Signature>>(
		call: RuntimeCall,
		public: Self::Public,
		account: AccountId,
		nonce: Nonce,
	) -> Option<UncheckedExtrinsic> {
		// The off-chain worker runs on the state after block `n`, whose own hash is not in it yet.
		let parent = System::block_number().saturated_into::<u64>().saturating_sub(1);
		let extension: TxExtension = (
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckEra::from(Era::mortal(WORKER_ERA, parent)),
			frame_system::CheckNonce::from(nonce),
			frame_system::CheckWeight::new(),
			FeelessFirst::from(pallet_transaction_payment::ChargeTransactionPayment::from(0)),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		);
		let payload = SignedPayload::new(call, extension)
			.inspect_err(|error| log::warn!("a worker's transaction can't be built: {error:?}"))
			.ok()?;
		let signature = payload.using_encoded(|bytes| C::sign(bytes, public))?;
		let (call, extension, _) = payload.deconstruct();
		Some(UncheckedExtrinsic::new_signed(call, Address::Id(account), signature, extension))
	}
}
