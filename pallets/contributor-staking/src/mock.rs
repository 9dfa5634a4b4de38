//! A runtime of this pallet and balances.

use crate as pallet_contributor_staking;
use crate::*;
use dodona_primitives_staking::Role;
use frame_support::{
	derive_impl, parameter_types,
	traits::{fungible::Inspect, tokens::imbalance::ResolveTo, ConstU32, ConstU64},
};
use sp_runtime::BuildStorage;

pub type AccountId = u64;
pub type Balance = u128;

pub const TREASURY: AccountId = 999;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const MIN_BOND: Balance = 100;
pub const UNBONDING_PERIOD: u64 = 20;
pub const MAX_UNBONDING: u32 = 4;
pub const STRIKE_WINDOW: u64 = 50;
pub const MAX_STRIKES: u32 = 3;
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
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = LeastBond;
	type UnbondingPeriod = ConstU64<UNBONDING_PERIOD>;
	type MaxUnbonding = ConstU32<MAX_UNBONDING>;
	type MaxOperators = MaxOperators;
	type StrikeWindow = ConstU64<STRIKE_WINDOW>;
	type MaxStrikes = ConstU32<MAX_STRIKES>;
	type Treasury = ResolveTo<TreasuryAccount, Balances>;
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
