//! A runtime to test the pallet in.

use crate as pallet_model_registry;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{
	Architecture, ArtifactRef, Manifest, ModelId, Name, VersionId, VersionState,
};
use frame_support::{
	derive_impl, ord_parameter_types,
	traits::{fungible::InspectHold, tokens::imbalance::ResolveTo, ConstU128, ConstU32},
};
use frame_system::{EnsureRoot, EnsureSignedBy};
use sp_core::H256;
use sp_runtime::{BuildStorage, DispatchResult};

pub type AccountId = u64;
pub type Balance = u128;
type Block = frame_system::mocking::MockBlockU32<Test>;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CURATOR: AccountId = 3;
/// Can't pay a deposit.
pub const POOR: AccountId = 4;
/// Has no account yet.
pub const NOBODY: AccountId = 5;
/// Where forfeited deposits go.
pub const TREASURY: AccountId = 6;
/// Can propose, too.
pub const CHARLIE: AccountId = 7;

pub const ENDOWMENT: Balance = 1_000_000;
pub const MODEL_DEPOSIT: Balance = 1_000;
pub const VERSION_DEPOSIT: Balance = 100;
pub const MAX_LIVE_VERSIONS: u32 = 3;
pub const MAX_PROPOSALS: u32 = 2;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		ModelRegistry: pallet_model_registry,
	}
);

ord_parameter_types! {
	pub const Curator: AccountId = CURATOR;
	pub const Treasury: AccountId = TREASURY;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
}

impl pallet_model_registry::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CuratorOrigin = EnsureSignedBy<Curator, AccountId>;
	type GuardianOrigin = EnsureRoot<AccountId>;
	type ModelDeposit = ConstU128<MODEL_DEPOSIT>;
	type VersionDeposit = ConstU128<VERSION_DEPOSIT>;
	type MaxLiveVersions = ConstU32<MAX_LIVE_VERSIONS>;
	type MaxProposals = ConstU32<MAX_PROPOSALS>;
	type Treasury = ResolveTo<Treasury, Balances>;
	type WeightInfo = ();
}

/// Builds the state that a test starts from.
#[derive(Default)]
pub struct ExtBuilder {
	models: Vec<(AccountId, &'static str)>,
	commons: Vec<(AccountId, &'static str)>,
}

impl ExtBuilder {
	/// Has `owner` register a model; ids count from 0 in the order of these calls, the commons'
	/// after all others.
	pub fn model(mut self, owner: AccountId, name: &'static str) -> Self {
		self.models.push((owner, name));
		self
	}

	/// Has `donor` register a model and donate it to the commons.
	pub fn commons_model(mut self, donor: AccountId, name: &'static str) -> Self {
		self.commons.push((donor, name));
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: vec![
					(ALICE, ENDOWMENT),
					(BOB, ENDOWMENT),
					(CURATOR, ENDOWMENT),
					(CHARLIE, ENDOWMENT),
					(POOR, VERSION_DEPOSIT),
				],
				..Default::default()
			},
			..Default::default()
		}
		.build_storage()
		.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			for (owner, name) in self.models {
				register(owner, name).unwrap();
			}
			for (donor, name) in self.commons {
				let model = crate::NextModelId::<Test>::get();
				register(donor, name).unwrap();
				ModelRegistry::donate_to_commons(signed(donor), model).unwrap();
			}
			System::reset_events();
		});
		ext
	}

	/// Runs a test, and checks the invariants.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			ModelRegistry::do_try_state().unwrap();
		});
	}
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn name(name: &str) -> Name {
	Name::try_from(name.as_bytes().to_vec()).unwrap()
}

pub fn reason(reason: &str) -> Vec<u8> {
	reason.as_bytes().to_vec()
}

pub fn id(model: ModelId, number: u32) -> VersionId {
	VersionId { model, number }
}

/// A valid manifest; another `seed` means other weights.
pub fn manifest(seed: u8) -> Manifest<Balance> {
	let widths = vec![2, 3, 1].try_into().unwrap();
	Manifest {
		architecture: Architecture::Mlp(mlp::Config { widths }),
		artifact: ArtifactRef {
			root: H256::repeat_byte(seed),
			index: H256::zero(),
			size: 300,
			chunks: 1,
		},
		tokenizer: None,
		engine: ENGINE_VERSION,
		derived_from: None,
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		price: 5,
	}
}

pub fn register(who: AccountId, called: &str) -> DispatchResult {
	ModelRegistry::register(signed(who), called.as_bytes().to_vec())
}

pub fn propose(who: AccountId, model: ModelId, seed: u8) -> DispatchResult {
	ModelRegistry::propose_version(signed(who), model, manifest(seed))
}

/// Has `who`, who governs the model, propose a version and take it to the state.
pub fn version_in(who: AccountId, model: ModelId, seed: u8, state: VersionState) -> VersionId {
	propose(who, model, seed).unwrap();
	let version = id(model, crate::Models::<Test>::get(model).unwrap().latest);
	let approve = || ModelRegistry::approve_version(signed(who), version).unwrap();
	let activate = || ModelRegistry::activate_version(signed(who), version).unwrap();
	match state {
		VersionState::Proposed => {},
		VersionState::Approved => approve(),
		VersionState::Active => {
			approve();
			activate();
		},
		VersionState::Deprecated => {
			approve();
			activate();
			ModelRegistry::deprecate_version(signed(who), version).unwrap();
		},
		VersionState::Revoked => {
			ModelRegistry::revoke_version(signed(who), version, reason("test")).unwrap()
		},
	}
	version
}

pub fn model(model: ModelId) -> crate::ModelOf<Test> {
	crate::Models::<Test>::get(model).unwrap()
}

pub fn version(version: VersionId) -> crate::VersionOf<Test> {
	crate::Versions::<Test>::get(version.model, version.number).unwrap()
}

pub fn state(of: VersionId) -> VersionState {
	version(of).state
}

pub fn held(reason: crate::HoldReason, who: AccountId) -> Balance {
	Balances::balance_on_hold(&reason.into(), &who)
}

/// What the treasury has got.
pub fn forfeited() -> Balance {
	Balances::free_balance(TREASURY)
}

/// The pallet's events so far.
pub fn events() -> Vec<crate::Event<Test>> {
	System::read_events_for_pallet::<crate::Event<Test>>()
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}
