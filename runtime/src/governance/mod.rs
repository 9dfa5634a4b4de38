//! Who decides: token holders, by referenda on tracks of their own for models, for what must not
//! wait, and for the rest.

pub mod origins;
pub mod tracks;

use crate::{
	configs::{
		parameters::dynamic_params::{governance as periods, models},
		TreasuryAccount,
	},
	pallet_origins, AccountId, Balance, Balances, BlockNumber, Preimage, Referenda, Runtime,
	RuntimeCall, RuntimeEvent, Scheduler, System, DAYS, UNIT,
};
use alloc::vec::Vec;
use frame_support::{
	parameter_types,
	traits::{
		tokens::{pay::PayFromAccount, UnityAssetBalanceConversion},
		ConstU32, EitherOf, Get, MapSuccess, SortedMembers, TotalIssuanceOf,
	},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureSigned, EnsureSignedBy};
use origins::{
	EnsureModelCurator, EnsureModelGuardian, EnsureReferendumCanceller, EnsureReferendumKiller,
};
use sp_runtime::{
	traits::{IdentityLookup, ReplaceWithDefault},
	Permill,
};
use tracks::Tracks;

/// Who may approve, activate and deprecate versions.
pub type CuratorOrigin = EitherOf<EnsureModelCurator, EnsureRoot<AccountId>>;
/// Who decides whether a harmful version is revoked, or goes on.
pub type GuardianOrigin = EitherOf<EnsureRoot<AccountId>, EnsureModelGuardian>;
/// Who may suspend a harmful version until that is decided.
pub type SuspendOrigin = EitherOf<
	GuardianOrigin,
	MapSuccess<EnsureSignedBy<Guardians, AccountId>, ReplaceWithDefault<()>>,
>;

/// The accounts that may suspend a version at once.
pub struct Guardians;

impl SortedMembers<AccountId> for Guardians {
	fn sorted_members() -> Vec<AccountId> {
		let mut members = models::Guardians::get().into_inner();
		members.sort();
		members
	}
}

parameter_types! {
	pub const SubmissionDeposit: Balance = UNIT;
	pub const AlarmInterval: BlockNumber = 1;
	pub const MaxQueued: u32 = 100;
	pub const TreasuryPalletId: PalletId = PalletId(*b"do/trsry");
	pub const SpendPeriod: BlockNumber = 7 * DAYS;
	pub const PayoutPeriod: BlockNumber = 30 * DAYS;
	pub const Burn: Permill = Permill::zero();
	pub const MaxApprovals: u32 = 100;
	pub const MaxSpend: Balance = Balance::MAX;
}

impl pallet_origins::Config for Runtime {
	type AtGenesis = crate::configs::parameters::AtGenesis;
}

impl pallet_conviction_voting::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type Polls = Referenda;
	type MaxTurnout = TotalIssuanceOf<Balances, AccountId>;
	// A delegation looks at all of them, each with a proof: more would not fit into a block.
	type MaxVotes = ConstU32<32>;
	type VoteLockingPeriod = periods::VoteLockingPeriod;
	type BlockNumberProvider = System;
	type VotingHooks = ();
}

impl pallet_referenda::Config for Runtime {
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
	type Scheduler = Scheduler;
	type Currency = Balances;
	type SubmitOrigin = frame_support::traits::AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
	type CancelOrigin = EitherOf<EnsureRoot<AccountId>, EnsureReferendumCanceller>;
	type KillOrigin = EitherOf<EnsureRoot<AccountId>, EnsureReferendumKiller>;
	type Slash = pallet_treasury::Pallet<Runtime>;
	type Votes = pallet_conviction_voting::VotesOf<Runtime>;
	type Tally = pallet_conviction_voting::TallyOf<Runtime>;
	type SubmissionDeposit = SubmissionDeposit;
	type MaxQueued = MaxQueued;
	type UndecidingTimeout = periods::UndecidingTimeout;
	type AlarmInterval = AlarmInterval;
	type Tracks = Tracks;
	type Preimages = Preimage;
	type BlockNumberProvider = System;
}

impl pallet_treasury::Config for Runtime {
	type Currency = Balances;
	type RejectOrigin = EnsureRoot<AccountId>;
	type RuntimeEvent = RuntimeEvent;
	type SpendPeriod = SpendPeriod;
	type Burn = Burn;
	type PalletId = TreasuryPalletId;
	type BurnDestination = ();
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
	type SpendFunds = ();
	type MaxApprovals = MaxApprovals;
	type SpendOrigin = EnsureRootWithSuccess<AccountId, MaxSpend>;
	type AssetKind = ();
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
	type BalanceConverter = UnityAssetBalanceConversion;
	type PayoutPeriod = PayoutPeriod;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = TreasuryArguments;
	type BlockNumberProvider = System;
}

/// Whom the treasury's benchmarks pay.
#[cfg(feature = "runtime-benchmarks")]
pub struct TreasuryArguments;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_treasury::ArgumentsFactory<(), AccountId> for TreasuryArguments {
	fn create_asset_kind(_: u32) {}

	fn create_beneficiary(seed: [u8; 32]) -> AccountId {
		seed.into()
	}
}
