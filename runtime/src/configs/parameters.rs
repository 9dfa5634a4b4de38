//! Governed parameters: periods and fractions that a referendum changes without an upgrade.
//!
//! The defaults are those of a public chain. What a chain for trying things out has instead is set
//! by [`AtGenesis`], if the genesis asks for it.

use crate::{
	governance::origins::pallet_origins, Balance, BlockNumber, Runtime, RuntimeEvent, DAYS, HOURS,
	MILLIUNIT, MINUTES, UNIT,
};
use alloc::vec::Vec;
use frame_support::{
	dynamic_params::{dynamic_pallet_params, dynamic_params},
	traits::{dynamic_params::AggregatedKeyValue, AsEnsureOriginWithArg, ConstU32},
	BoundedVec,
};
use frame_system::EnsureRoot;
use sp_runtime::Perbill;

/// The governed parameters.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// Of inference.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod inference {
		/// Seats of a committee.
		#[codec(index = 0)]
		pub static CommitteeSize: u32 = 7;
		/// Committees that a request is given before it fails.
		#[codec(index = 1)]
		pub static MaxAttempts: u32 = 3;
		/// Blocks in which a committee can commit.
		#[codec(index = 2)]
		pub static CommitPeriod: BlockNumber = 5 * MINUTES;
		/// Blocks in which a committee can reveal.
		#[codec(index = 3)]
		pub static RevealPeriod: BlockNumber = 2 * MINUTES;
		/// Blocks from agreement to finality.
		#[codec(index = 4)]
		pub static ChallengePeriod: BlockNumber = 10 * MINUTES;
		/// Blocks for which a request that ended is kept.
		#[codec(index = 5)]
		pub static ResultRetention: BlockNumber = 7 * DAYS;
		/// Part of its stake that a seat loses for never committing.
		#[codec(index = 6)]
		pub static NoShowPenalty: Perbill = Perbill::from_parts(1_000_000);
		/// Part of its stake that a seat loses for never revealing what it committed to.
		#[codec(index = 7)]
		pub static UnrevealedPenalty: Perbill = Perbill::from_parts(5_000_000);
		/// Part of its stake that a seat loses for another outcome than the result.
		#[codec(index = 8)]
		pub static DissentPenalty: Perbill = Perbill::from_parts(50_000_000);
		/// Part of the fee that goes to the seats.
		#[codec(index = 9)]
		pub static WorkerShare: Perbill = Perbill::from_percent(70);
		/// Part of the fee that goes to whoever contributed the model.
		#[codec(index = 10)]
		pub static ContributorShare: Perbill = Perbill::from_percent(20);
		/// Blocks for which a request waits for a seed that its committee can be drawn from.
		#[codec(index = 11)]
		pub static DrawPeriod: BlockNumber = 10 * MINUTES;
		/// Whether committees are drawn from the hash of the parent block, which its author could
		/// have chosen: only for a chain that has no real relay chain.
		#[codec(index = 12)]
		pub static DrawFromParentHash: bool = false;
		/// Blocks for each move in a dispute.
		#[codec(index = 13)]
		pub static MovePeriod: BlockNumber = 10 * MINUTES;
		/// What is held for the first challenge of a result.
		#[codec(index = 14)]
		pub static ChallengeBond: Balance = 100 * UNIT;
		/// Part of a bond that whoever stood for the truth gets of whoever did not.
		#[codec(index = 15)]
		pub static WinnerShare: Perbill = Perbill::from_percent(50);
		/// Disputes that challenges can open at the same time.
		#[codec(index = 16)]
		pub static MaxOpenDisputes: u32 = 64;
		/// Part of the results that a second committee is asked about.
		#[codec(index = 17)]
		pub static AuditRate: Perbill = Perbill::from_percent(2);
		/// Periods that a move can take, of the longest run that can be asked for.
		#[codec(index = 18)]
		pub static MaxMovePeriods: u32 = 16;
	}

	/// Of contributor staking.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod staking {
		/// The least that an operator bonds.
		#[codec(index = 0)]
		pub static MinBond: Balance = 1_000 * UNIT;
		/// Blocks from unbonding to withdrawal.
		#[codec(index = 1)]
		pub static UnbondingPeriod: BlockNumber = 7 * DAYS;
		/// Blocks in which strikes are counted together.
		#[codec(index = 2)]
		pub static StrikeWindow: BlockNumber = DAYS;
		/// Strikes in a window after which an operator is not drawn any more.
		#[codec(index = 3)]
		pub static MaxStrikes: u32 = 5;
		/// The least that a publisher bonds.
		#[codec(index = 4)]
		pub static MinPublisherBond: Balance = 100 * UNIT;
		/// The least that a curator bonds.
		#[codec(index = 5)]
		pub static MinCuratorBond: Balance = 500 * UNIT;
		/// The least that a data contributor bonds.
		#[codec(index = 6)]
		pub static MinDataContributorBond: Balance = 100 * UNIT;
		/// The least that an account delegates to an operator.
		#[codec(index = 7)]
		pub static MinDelegation: Balance = 10 * UNIT;
		/// How many times its own bond may be delegated to an operator, and counts in draws.
		#[codec(index = 8)]
		pub static MaxDelegationRatio: u32 = 4;
		/// The largest part of its delegators' earnings that an operator may keep.
		#[codec(index = 9)]
		pub static MaxCommission: Perbill = Perbill::from_percent(30);
		/// Blocks for which delegators see a higher commission before it holds.
		#[codec(index = 10)]
		pub static CommissionDelay: BlockNumber = 7 * DAYS;
		/// Blocks over which earnings drip into a pool.
		#[codec(index = 11)]
		pub static DripPeriod: BlockNumber = DAYS;
		/// Blocks in which governance can call a slash off.
		#[codec(index = 12)]
		pub static SlashDeferPeriod: BlockNumber = 2 * DAYS;
		/// Part of a slash that goes to whoever showed the offence.
		#[codec(index = 13)]
		pub static ReporterShare: Perbill = Perbill::from_percent(10);
		/// Blocks in an era.
		#[codec(index = 14)]
		pub static EraLength: BlockNumber = DAYS;
		/// New tokens in a year, as part of the issuance; the runtime has a cap for it.
		#[codec(index = 15)]
		pub static Inflation: Perbill = Perbill::from_percent(4);
		/// Part of an era's new tokens that is for workers.
		#[codec(index = 16)]
		pub static WorkerInflation: Perbill = Perbill::from_percent(60);
		/// Part of an era's new tokens that is for contributors. The rest is the treasury's.
		#[codec(index = 17)]
		pub static ContributorInflation: Perbill = Perbill::from_percent(25);
		/// The most new tokens that a seat earns.
		#[codec(index = 18)]
		pub static SeatInflationCap: Balance = UNIT / 10;
		/// The most new tokens that a contributor gets for each token of a fee; never so many that
		/// asking oneself pays.
		#[codec(index = 19)]
		pub static ContributorMatch: Perbill = Perbill::from_percent(25);
	}

	/// Of referenda.
	#[dynamic_pallet_params]
	#[codec(index = 2)]
	pub mod governance {
		/// Blocks from submission until a referendum may be decided on.
		#[codec(index = 0)]
		pub static PreparePeriod: BlockNumber = 2 * HOURS;
		/// Blocks in which a referendum is decided on.
		#[codec(index = 1)]
		pub static DecisionPeriod: BlockNumber = 14 * DAYS;
		/// Blocks for which a referendum must keep passing.
		#[codec(index = 2)]
		pub static ConfirmPeriod: BlockNumber = DAYS;
		/// Least number of blocks from approval to enactment.
		#[codec(index = 3)]
		pub static EnactmentPeriod: BlockNumber = DAYS;
		/// Blocks for which a vote of single conviction locks its tokens.
		#[codec(index = 4)]
		pub static VoteLockingPeriod: BlockNumber = 7 * DAYS;
		/// Blocks after which a referendum that nobody placed the deposit for times out.
		#[codec(index = 5)]
		pub static UndecidingTimeout: BlockNumber = 14 * DAYS;
		/// Like [`PreparePeriod`], for the tracks that prevent harm.
		#[codec(index = 6)]
		pub static UrgentPreparePeriod: BlockNumber = 10 * MINUTES;
		/// Like [`DecisionPeriod`], for the tracks that prevent harm.
		#[codec(index = 7)]
		pub static UrgentDecisionPeriod: BlockNumber = 3 * DAYS;
		/// Like [`ConfirmPeriod`], for the tracks that prevent harm.
		#[codec(index = 8)]
		pub static UrgentConfirmPeriod: BlockNumber = 30 * MINUTES;
		/// Like [`EnactmentPeriod`], for the tracks that prevent harm.
		#[codec(index = 9)]
		pub static UrgentEnactmentPeriod: BlockNumber = MINUTES;
	}

	/// Of models.
	#[dynamic_pallet_params]
	#[codec(index = 3)]
	pub mod models {
		/// Accounts that may suspend a version at once, until voters decide.
		#[codec(index = 0)]
		pub static Guardians: BoundedVec<crate::AccountId, ConstU32<16>> = BoundedVec::new();
		/// What whoever has a chunk of a model kept is paid for it, by the model's endowment.
		#[codec(index = 1)]
		pub static KeeperReward: Balance = 20 * MILLIUNIT;
		/// Blocks for which a chunk is kept once it is stored or renewed.
		#[codec(index = 2)]
		pub static RetentionPeriod: BlockNumber = 30 * DAYS;
		/// What a version passes on, of all that it earns, to the model that it descends from.
		#[codec(index = 3)]
		pub static LineageShare: Perbill = Perbill::from_percent(10);
	}

	/// Of what those who asked say about the answers.
	#[dynamic_pallet_params]
	#[codec(index = 4)]
	pub mod feedback {
		/// Blocks in a round of ratings.
		#[codec(index = 0)]
		pub static RoundLength: BlockNumber = DAYS;
		/// The most that the ratings of a round earn together.
		#[codec(index = 1)]
		pub static Budget: Balance = 100 * UNIT;
		/// The most that a rating earns, of what the treasury got of the request's fee; never so much
		/// that asking oneself pays.
		#[codec(index = 2)]
		pub static RewardCap: Perbill = Perbill::from_percent(50);
		/// How much more a rating can lose than earn.
		#[codec(index = 3)]
		pub static Margin: Perbill = Perbill::from_percent(10);
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		use dynamic_params::inference::{ChallengePeriod, Parameters};
		RuntimeParameters::Inference(Parameters::ChallengePeriod(ChallengePeriod, Some(1)))
	}
}

impl pallet_parameters::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = RuntimeParameters;
	type AdminOrigin = AsEnsureOriginWithArg<EnsureRoot<crate::AccountId>>;
	// The numbers that the pallet's authors measured, over the database costs that this runtime has
	// too. Their type that takes the costs from the runtime is private.
	type WeightInfo = ();
}

/// What a genesis can ask for: the pace of a chain for trying things out, meant for a block each
/// second, and draws that need no relay chain.
pub struct AtGenesis;

impl AtGenesis {
	fn set(parameters: impl IntoIterator<Item = RuntimeParameters>) {
		for parameter in parameters {
			let (key, value) = parameter.into_parts();
			pallet_parameters::Parameters::<Runtime>::set(key, value);
		}
	}
}

impl pallet_origins::AtGenesis<crate::AccountId> for AtGenesis {
	fn short_periods() {
		use dynamic_params::{
			feedback::{self, Parameters as F},
			governance::{self, Parameters as G},
			inference::{self, Parameters as I},
			staking::{self, Parameters as S},
		};
		Self::set(
			[
				I::CommitteeSize(inference::CommitteeSize, Some(4)),
				I::CommitPeriod(inference::CommitPeriod, Some(10)),
				I::RevealPeriod(inference::RevealPeriod, Some(10)),
				I::ChallengePeriod(inference::ChallengePeriod, Some(1)),
				I::ResultRetention(inference::ResultRetention, Some(2 * HOURS)),
				I::DrawPeriod(inference::DrawPeriod, Some(40)),
				I::MovePeriod(inference::MovePeriod, Some(8)),
				I::MaxMovePeriods(inference::MaxMovePeriods, Some(2)),
				I::AuditRate(inference::AuditRate, Some(Perbill::zero())),
			]
			.map(RuntimeParameters::Inference),
		);
		Self::set(
			[
				S::MinBond(staking::MinBond, Some(100 * UNIT)),
				S::UnbondingPeriod(staking::UnbondingPeriod, Some(30)),
				S::StrikeWindow(staking::StrikeWindow, Some(HOURS)),
				S::CommissionDelay(staking::CommissionDelay, Some(20)),
				S::DripPeriod(staking::DripPeriod, Some(10)),
				S::SlashDeferPeriod(staking::SlashDeferPeriod, Some(5)),
				S::EraLength(staking::EraLength, Some(50)),
			]
			.map(RuntimeParameters::Staking),
		);
		Self::set([RuntimeParameters::Feedback(F::RoundLength(feedback::RoundLength, Some(30)))]);
		Self::set(
			[
				G::PreparePeriod(governance::PreparePeriod, Some(2)),
				G::DecisionPeriod(governance::DecisionPeriod, Some(40)),
				G::ConfirmPeriod(governance::ConfirmPeriod, Some(4)),
				G::EnactmentPeriod(governance::EnactmentPeriod, Some(2)),
				G::VoteLockingPeriod(governance::VoteLockingPeriod, Some(10)),
				G::UndecidingTimeout(governance::UndecidingTimeout, Some(100)),
				G::UrgentPreparePeriod(governance::UrgentPreparePeriod, Some(1)),
				G::UrgentDecisionPeriod(governance::UrgentDecisionPeriod, Some(20)),
				G::UrgentConfirmPeriod(governance::UrgentConfirmPeriod, Some(2)),
				G::UrgentEnactmentPeriod(governance::UrgentEnactmentPeriod, Some(1)),
			]
			.map(RuntimeParameters::Governance),
		);
	}

	fn guardians(accounts: Vec<crate::AccountId>) {
		use dynamic_params::models::{Guardians, Parameters};
		let parameter = Parameters::Guardians(Guardians, Some(BoundedVec::truncate_from(accounts)));
		Self::set([RuntimeParameters::Models(parameter)]);
	}

	fn draw_from_parent_hash() {
		use dynamic_params::inference::{DrawFromParentHash, Parameters};
		let parameter = Parameters::DrawFromParentHash(DrawFromParentHash, Some(true));
		Self::set([RuntimeParameters::Inference(parameter)]);
	}
}
