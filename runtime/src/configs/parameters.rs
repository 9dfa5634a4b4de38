//! Governed parameters: periods and fractions that a referendum changes without an upgrade.
//!
//! The defaults are those of a public chain. A chain that is started with `short_periods` gets
//! [`ShortPeriods`] instead.

use crate::{
	governance::origins::pallet_origins, Balance, BlockNumber, Runtime, RuntimeEvent, DAYS, HOURS,
	MINUTES, UNIT,
};
use frame_support::{
	dynamic_params::{dynamic_pallet_params, dynamic_params},
	traits::{dynamic_params::AggregatedKeyValue, AsEnsureOriginWithArg},
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
	// The pallet keeps its generated weights to itself, but for these.
	type WeightInfo = ();
}

/// The pace of a chain for trying things out, meant for a block each second.
pub struct ShortPeriods;

impl pallet_origins::ShortPeriods for ShortPeriods {
	fn apply() {
		use dynamic_params::{governance, inference, staking};
		use RuntimeParameters::{Governance, Inference, Staking};
		let parameters = [
			Inference(inference::Parameters::CommitteeSize(inference::CommitteeSize, Some(4))),
			Inference(inference::Parameters::CommitPeriod(inference::CommitPeriod, Some(10))),
			Inference(inference::Parameters::RevealPeriod(inference::RevealPeriod, Some(10))),
			Inference(inference::Parameters::ChallengePeriod(inference::ChallengePeriod, Some(3))),
			Inference(inference::Parameters::ResultRetention(
				inference::ResultRetention,
				Some(2 * HOURS),
			)),
			Staking(staking::Parameters::MinBond(staking::MinBond, Some(100 * UNIT))),
			Staking(staking::Parameters::UnbondingPeriod(staking::UnbondingPeriod, Some(30))),
			Staking(staking::Parameters::StrikeWindow(staking::StrikeWindow, Some(HOURS))),
			Governance(governance::Parameters::PreparePeriod(governance::PreparePeriod, Some(2))),
			Governance(governance::Parameters::DecisionPeriod(
				governance::DecisionPeriod,
				Some(40),
			)),
			Governance(governance::Parameters::ConfirmPeriod(governance::ConfirmPeriod, Some(4))),
			Governance(governance::Parameters::EnactmentPeriod(
				governance::EnactmentPeriod,
				Some(2),
			)),
			Governance(governance::Parameters::VoteLockingPeriod(
				governance::VoteLockingPeriod,
				Some(10),
			)),
			Governance(governance::Parameters::UndecidingTimeout(
				governance::UndecidingTimeout,
				Some(100),
			)),
		];
		for parameter in parameters {
			let (key, value) = parameter.into_parts();
			pallet_parameters::Parameters::<Runtime>::set(key, value);
		}
	}
}
