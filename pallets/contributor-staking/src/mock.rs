//! A runtime of this pallet and balances.

use crate as pallet_contributor_staking;
use crate::*;
use dodona_primitives_staking::Role;
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::Inspect, tokens::imbalance::ResolveTo, ConstU128, ConstU32, ConstU64,
		OnUnbalanced,
	},
	PalletId,
};
use frame_system::EnsureRoot;
use sp_runtime::{BuildStorage, Perbill};

pub type AccountId = u64;
pub type Balance = u128;

pub const TREASURY: AccountId = 999;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const MIN_BOND: Balance = 100;
pub const UNBONDING_PERIOD: u64 = 20;
pub const MAX_UNBONDING: u32 = 4;
pub const STRIKE_WINDOW: u64 = 50;
pub const MAX_STRIKES: u32 = 3;
pub const MIN_DELEGATION: Balance = 50;
pub const MOST_TIMES: u32 = 4;
pub const COMMISSION_DELAY: u64 = 30;
pub const DRIP_PERIOD: u64 = 10;
pub const MAX_PENDING_SLASHES: u32 = 3;
pub const MAX_PAYEES: u32 = 4;
pub const ERA_LENGTH: u64 = 100;
pub const YEAR: u64 = 1_000;
/// What every account below 100 begins with.
pub const ENDOWMENT: Balance = 100_000;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Staking: pallet_contributor_staking,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub const TreasuryAccount: AccountId = TREASURY;
	pub static LeastBond: Balance = MIN_BOND;
	pub static MaxOperators: u32 = 1000;
	pub static LeastDelegation: Balance = MIN_DELEGATION;
	pub static MaxRatio: u32 = MOST_TIMES;
	pub static LongestObligation: u64 = 1;
	// None, so that what a slash does is seen at once.
	pub static SlashDefer: u64 = 0;
	pub static Inflation: Perbill = Perbill::zero();
	pub static CallBack: Option<fn()> = None;
	pub static SeatCap: Balance = 1_000_000;
	pub const Earnings: PalletId = PalletId(*b"dod/earn");
	pub const HalfOfEarnings: Perbill = Perbill::from_percent(50);
	pub const ReporterShare: Perbill = Perbill::from_percent(10);
	pub const InflationCap: Perbill = Perbill::from_percent(20);
	pub const WorkerInflation: Perbill = Perbill::from_percent(60);
	pub const ContributorInflation: Perbill = Perbill::from_percent(30);
	pub const ContributorMatch: Perbill = Perbill::from_percent(50);
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
}

/// The treasury, which may do something before it takes what it gets.
pub struct Treasury;

impl OnUnbalanced<CreditOf<Test>> for Treasury {
	fn on_nonzero_unbalanced(amount: CreditOf<Test>) {
		if let Some(call_back) = CallBack::take() {
			call_back();
		}
		ResolveTo::<TreasuryAccount, Balances>::on_nonzero_unbalanced(amount);
	}
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type PalletId = Earnings;
	type MinBond = LeastBond;
	type MinPublisherBond = ConstU128<60>;
	type MinCuratorBond = ConstU128<70>;
	type MinDataContributorBond = ConstU128<80>;
	type MinDelegation = LeastDelegation;
	type MaxDelegationRatio = MaxRatio;
	type MaxCommission = HalfOfEarnings;
	type CommissionDelay = ConstU64<COMMISSION_DELAY>;
	type DripPeriod = ConstU64<DRIP_PERIOD>;
	type LongestObligation = LongestObligation;
	type SlashDeferPeriod = SlashDefer;
	type MaxPendingSlashes = ConstU32<MAX_PENDING_SLASHES>;
	type ReporterShare = ReporterShare;
	type SlashCancelOrigin = EnsureRoot<AccountId>;
	type MaxPayees = ConstU32<MAX_PAYEES>;
	type EraLength = ConstU64<ERA_LENGTH>;
	type BlocksPerYear = ConstU64<YEAR>;
	type Inflation = Inflation;
	type InflationCap = InflationCap;
	type WorkerInflation = WorkerInflation;
	type ContributorInflation = ContributorInflation;
	type SeatInflationCap = SeatCap;
	type ContributorMatch = ContributorMatch;
	type EraHistory = ConstU32<4>;
	type UnbondingPeriod = ConstU64<UNBONDING_PERIOD>;
	type MaxUnbonding = ConstU32<MAX_UNBONDING>;
	type MaxOperators = MaxOperators;
	type StrikeWindow = ConstU64<STRIKE_WINDOW>;
	type MaxStrikes = ConstU32<MAX_STRIKES>;
	type Treasury = Treasury;
	type WeightInfo = ();
}

#[derive(Default)]
pub struct ExtBuilder {
	operators: Vec<(AccountId, AccountId, Balance)>,
}

impl ExtBuilder {
	/// Bonds a worker at genesis; its hot key is [`hot`] of it.
	pub fn bonded(mut self, operator: AccountId, amount: Balance) -> Self {
		self.operators.push((operator, hot(operator), amount));
		self
	}

	/// Bonds a worker at genesis, with a hot key.
	pub fn bonded_with(mut self, operator: AccountId, hot: AccountId, amount: Balance) -> Self {
		self.operators.push((operator, hot, amount));
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: (1..100)
					.map(|who| (who, ENDOWMENT))
					.chain([(TREASURY, EXISTENTIAL_DEPOSIT)])
					.collect(),
				..Default::default()
			},
			staking: pallet_contributor_staking::GenesisConfig { operators: self.operators },
			..Default::default()
		}
		.build_storage()
		.expect("the genesis is valid");
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Staking::do_try_state().expect("the invariants hold");
			assert_eq!(funds(), Balances::total_issuance());
		});
	}
}

/// The hot key of a genesis operator.
pub fn hot(operator: AccountId) -> AccountId {
	operator + 1_000_000
}

/// All that accounts own.
pub fn funds() -> Balance {
	frame_system::Account::<Test>::iter()
		.map(|(_, account)| account.data.free + account.data.reserved)
		.sum()
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Bonds a worker with the hot key [`hot`].
pub fn bond(operator: AccountId, amount: Balance) -> sp_runtime::DispatchResult {
	Staking::bond(signed(operator), Role::Worker, hot(operator), amount)
}

pub fn ledger(operator: AccountId) -> Ledger<Test> {
	Ledgers::<Test>::get(operator).expect("the operator is bonded")
}

pub fn held(who: AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&HoldReason::Bonded.into(), &who)
}

pub fn held_for_delegation(who: AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&HoldReason::Delegated.into(), &who)
}

/// Delegates, whatever the commission.
pub fn delegate(
	delegator: AccountId,
	operator: AccountId,
	amount: Balance,
) -> sp_runtime::DispatchResult {
	Staking::delegate(signed(delegator), operator, amount, Perbill::one())
}

pub fn pool(operator: AccountId) -> Pool {
	Pools::<Test>::get(operator).expect("the operator has a pool")
}

/// What a delegator sees of its delegation.
pub fn delegation(
	delegator: AccountId,
	operator: AccountId,
) -> dodona_primitives_staking::DelegationInfo<AccountId, Balance, u64> {
	Staking::stake_info(delegator)
		.delegations
		.into_iter()
		.find(|delegation| delegation.operator == operator)
		.expect("it delegates")
}

/// What waits in the pallet's account.
pub fn pot() -> Balance {
	free(Staking::pot()) - EXISTENTIAL_DEPOSIT
}

/// Lets the pallet do what is due, with all the room there is.
pub fn poll() {
	use frame_support::traits::Hooks;
	Staking::on_poll(System::block_number(), &mut frame_support::weights::WeightMeter::new());
}

pub fn free(who: AccountId) -> Balance {
	<Balances as Inspect<_>>::balance(&who)
}

pub fn advance(blocks: u64) {
	System::set_block_number(System::block_number() + blocks);
}

/// The events of this pallet since the last call.
pub fn events() -> Vec<Event<Test>> {
	let events = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Staking(event) => Some(event),
			_ => None,
		})
		.collect();
	System::reset_events();
	events
}

/// Money out of thin air, as a fee would bring it.
pub fn earnings(amount: Balance) -> CreditOf<Test> {
	use frame_support::traits::fungible::Balanced;
	<Balances as Balanced<AccountId>>::issue(amount)
}
