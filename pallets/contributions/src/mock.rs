//! A runtime of this pallet and balances, with a registry that does as it is told.

use crate as pallet_contributions;
use crate::*;
use dodona_primitives_models::{
	ContributionId, ContributionKind, EntryId, ModelGovernance, ModelId, ModelLineage,
	RoyaltyAccounts, VersionId,
};
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold, Mutate},
		tokens::imbalance::ResolveTo,
		ConstU128, ConstU32, ConstU64, OnUnbalanced,
	},
	PalletId,
};
use frame_system::ensure_signed;
use sp_core::{crypto::AccountId32, H256};
use sp_runtime::{traits::IdentityLookup, BuildStorage, DispatchError, DispatchResult, Perbill};
use std::collections::BTreeMap;

pub type AccountId = AccountId32;
pub type Balance = u128;

pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const DEPOSIT: Balance = 70;
pub const MAX_OPEN: u32 = 4;
pub const MAX_OPEN_PER_ACCOUNT: u32 = 3;
pub const MAX_ENTRIES: u32 = 6;
pub const MAX_VESTING: u64 = 1_000;
pub const MAX_DEPTH: u32 = 3;
/// What every account below 100 begins with.
pub const ENDOWMENT: Balance = 100_000;

/// A model with an owner.
pub const MODEL: ModelId = 1;
pub const OWNER: u8 = 1;
/// A model of the commons.
pub const COMMONS: ModelId = 2;
/// Governs the commons.
pub const CURATOR: u8 = 50;
pub const TREASURY: u8 = 200;
/// Gave something.
pub const AUTHOR: u8 = 10;
/// Gave something, too.
pub const OTHER: u8 = 11;
/// The first version of [`MODEL`].
pub const VERSION: VersionId = VersionId { model: MODEL, number: 1 };

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Royalties: pallet_contributions,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub TreasuryAccount: AccountId = account(TREASURY);
	pub const RoyaltyPallet: PalletId = PalletId(*b"dod/roya");
	pub static LineageShare: Perbill = Perbill::from_percent(10);
	/// The models, and who owns each.
	pub static Owners: BTreeMap<ModelId, Option<AccountId>> = BTreeMap::new();
	/// What versions were derived from.
	pub static Parents: BTreeMap<VersionId, VersionId> = BTreeMap::new();
	pub static CallBack: Option<fn()> = None;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
}

/// A registry.
pub struct Registry;

impl ModelLineage for Registry {
	type AccountId = AccountId;

	fn exists(model: ModelId) -> bool {
		Owners::get().contains_key(&model)
	}

	fn owner(model: ModelId) -> Option<AccountId> {
		Owners::get().get(&model).cloned().flatten()
	}

	fn parent(version: VersionId) -> Option<VersionId> {
		Parents::get().get(&version).copied()
	}
}

impl ModelGovernance<RuntimeOrigin> for Registry {
	fn ensure_governs(origin: RuntimeOrigin, model: ModelId) -> DispatchResult {
		let governor = match Owners::get().get(&model) {
			Some(Some(owner)) => owner.clone(),
			Some(None) => account(CURATOR),
			None => return Err(DispatchError::Other("unknown model")),
		};
		frame_support::ensure!(ensure_signed(origin)? == governor, DispatchError::BadOrigin);
		Ok(())
	}
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
	type Models = Registry;
	type PalletId = RoyaltyPallet;
	type ContributionDeposit = ConstU128<DEPOSIT>;
	type MaxOpen = ConstU32<MAX_OPEN>;
	type MaxOpenPerAccount = ConstU32<MAX_OPEN_PER_ACCOUNT>;
	type MaxEntries = ConstU32<MAX_ENTRIES>;
	type MaxVesting = ConstU64<MAX_VESTING>;
	type LineageShare = LineageShare;
	type MaxLineageDepth = ConstU32<MAX_DEPTH>;
	type Treasury = Treasury;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Registry;
}

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper<AccountId> for Registry {
	fn owner() -> AccountId {
		account(OWNER)
	}

	fn register() -> ModelId {
		MODEL
	}

	fn descendant(ancestors: u32) -> VersionId {
		derived(VERSION, version(COMMONS, 1));
		for number in 1..=ancestors {
			derived(version(MODEL, number + 1), version(MODEL, number));
		}
		version(MODEL, ancestors + 1)
	}
}

pub struct ExtBuilder;

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let rich = (1..100).map(|who| (account(who), ENDOWMENT));
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: rich.chain([(account(TREASURY), EXISTENTIAL_DEPOSIT)]).collect(),
				..Default::default()
			},
			..Default::default()
		}
		.build_storage()
		.expect("the genesis is valid");
		Owners::set([(MODEL, Some(account(OWNER))), (COMMONS, None)].into());
		Parents::set(BTreeMap::new());
		LineageShare::set(Perbill::from_percent(10));
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			check();
		});
	}
}

/// Whether all invariants hold, and every unit is somebody's.
pub fn check() {
	Royalties::do_try_state().expect("the invariants hold");
	assert_eq!(funds(), Balances::total_issuance());
	// Nobody sends anything to the pallet's account in these tests.
	assert_eq!(free(Royalties::pot()), EXISTENTIAL_DEPOSIT + waiting());
}

/// All that waits.
pub fn waiting() -> Balance {
	let inherited: Balance = Inherited::<Test>::iter_values()
		.flatten()
		.map(|step| step.earned + step.through)
		.sum();
	let tables: Balance =
		Tables::<Test>::iter_values().map(|table| table.royalties.waiting()).sum();
	inherited + tables
}

/// All that accounts own.
pub fn funds() -> Balance {
	frame_system::Account::<Test>::iter()
		.map(|(_, account)| account.data.free + account.data.reserved)
		.sum()
}

pub fn account(who: u8) -> AccountId {
	AccountId::new([who; 32])
}

pub fn signed(who: u8) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(who))
}

pub fn percent(share: u32) -> Perbill {
	Perbill::from_percent(share)
}

pub fn version(model: ModelId, number: u32) -> VersionId {
	VersionId { model, number }
}

/// Proposes a share in percent for a dataset; returns its id.
pub fn propose(who: u8, model: ModelId, share: u32) -> Result<ContributionId, DispatchError> {
	let id = NextContribution::<Test>::get();
	let kind = ContributionKind::Dataset;
	Royalties::propose_contribution(signed(who), model, kind, content(), percent(share))?;
	Ok(id)
}

pub fn content() -> H256 {
	H256::repeat_byte(7)
}

/// Grants an account a share in percent of [`MODEL`]; returns the entry's number.
pub fn grant(who: u8, share: u32, vesting: u64) -> EntryId {
	let id = propose(who, MODEL, share).expect("there is room");
	let entry = Tables::<Test>::get(MODEL).next;
	Royalties::accept_contribution(signed(OWNER), id, percent(share), vesting)
		.expect("there is room");
	entry
}

/// Has a version earn something; its account is opened if it is the first time.
pub fn earn(version: VersionId, amount: Balance) {
	let account = Royalties::royalty_account(version);
	let opening = if free(account.clone()) == 0 { EXISTENTIAL_DEPOSIT } else { 0 };
	Balances::mint_into(&account, opening + amount).expect("it can be paid");
}

pub fn distribute(version: VersionId) -> DispatchResult {
	Royalties::distribute(signed(99), version)
		.map(|_| ())
		.map_err(|failed| failed.error)
}

/// Has a version earn something and distributes it.
pub fn pay(version: VersionId, amount: Balance) {
	earn(version, amount);
	distribute(version).expect("there is something");
}

pub fn derived(version: VersionId, parent: VersionId) {
	Parents::mutate(|parents| parents.insert(version, parent));
}

pub fn entry(id: EntryId) -> EntryOf<Test> {
	Entries::<Test>::get(MODEL, id).expect("there is such an entry")
}

/// What can be claimed of an entry of [`MODEL`].
pub fn pending(id: EntryId) -> Balance {
	entry(id).earner.pending(&Tables::<Test>::get(MODEL).royalties)
}

pub fn free(who: AccountId) -> Balance {
	<Balances as Inspect<_>>::balance(&who)
}

/// What an account got since the beginning, without deposits.
pub fn gained(who: u8) -> Balance {
	let began = if who == TREASURY { EXISTENTIAL_DEPOSIT } else { ENDOWMENT };
	free(account(who)) + held(who) - began
}

pub fn held(who: u8) -> Balance {
	Balances::balance_on_hold(&HoldReason::Contribution.into(), &account(who))
}

pub fn advance(blocks: u64) {
	System::set_block_number(System::block_number() + blocks);
}

/// The events of this pallet since the last call.
pub fn events() -> Vec<Event<Test>> {
	let events = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Royalties(event) => Some(event),
			_ => None,
		})
		.collect();
	System::reset_events();
	events
}
