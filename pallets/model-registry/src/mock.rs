//! A runtime to test the pallet in.

use crate as pallet_model_registry;
use codec::Encode;
use dodona_engine::{architecture::mlp, ENGINE_VERSION};
use dodona_primitives_models::{
	Architecture, ArtifactRef, Live, Manifest, Metadata, ModelId, Name, Organisation, Price,
	UpgradeGate, VersionId, VersionState,
};
use frame_support::{
	derive_impl, ord_parameter_types, parameter_types,
	traits::{
		fungible::InspectHold, tokens::imbalance::ResolveTo, ConstU128, ConstU32, EitherOfDiverse,
		Hooks,
	},
	weights::Weight,
	PalletId,
};
use frame_system::{EnsureRoot, EnsureSignedBy};
use sp_core::H256;
use sp_runtime::{traits::IdentityLookup, BuildStorage, DispatchError, DispatchResult};

/// Long enough for accounts that are derived from a pallet's id and a number.
pub type AccountId = u128;
pub type Balance = u128;
pub type BlockNumber = u32;
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
/// May suspend versions.
pub const GUARD: AccountId = 8;
/// May approve a version without comparison.
pub const OVERRIDER: AccountId = 9;

pub const ENDOWMENT: Balance = 1_000_000;
pub const MODEL_DEPOSIT: Balance = 1_000;
pub const VERSION_DEPOSIT: Balance = 100;
pub const METADATA_DEPOSIT: Balance = 10;
pub const ORGANISATION_DEPOSIT: Balance = 5_000;
pub const DEPOSIT_PER_BYTE: Balance = 2;
pub const REVOKED_RETENTION: u32 = 20;
pub const ADMISSION_PERIOD: u32 = 15;
pub const MAX_LIVE_VERSIONS: u32 = 3;
pub const MAX_PROPOSALS: u32 = 2;
/// Blocks for which a chunk is kept.
pub const RETENTION: BlockNumber = 20;
pub const CHUNK_DEPOSIT: Balance = 50;
pub const CHUNK_DEPOSIT_PER_BYTE: Balance = 1;
pub const KEEPER_REWARD: Balance = 7;
pub const LAPSE_NOTICE: BlockNumber = 4;
pub const MAX_KEPT_CHUNKS: u32 = 4;
pub const MAX_RENEWALS: u32 = 3;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Storage: pallet_artifact_storage,
		ModelRegistry: pallet_model_registry,
	}
);

ord_parameter_types! {
	pub const Curator: AccountId = CURATOR;
	pub const Guard: AccountId = GUARD;
	pub const Overrider: AccountId = OVERRIDER;
	pub const Treasury: AccountId = TREASURY;
}

parameter_types! {
	pub const Endowments: PalletId = PalletId(*b"endowmts");
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
}

impl pallet_artifact_storage::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MaxChunkSize = ConstU32<1024>;
	type MaxChunksPerBlock = ConstU32<8>;
	type MaxRenewalsPerBlock = ConstU32<{ MAX_RENEWALS + 1 }>;
	type DepositBase = ConstU128<CHUNK_DEPOSIT>;
	type DepositPerByte = ConstU128<CHUNK_DEPOSIT_PER_BYTE>;
	type RetentionPeriod = ConstU32<RETENTION>;
	type WeightInfo = ();
}

parameter_types! {
	/// Versions that have not shown what they claim.
	pub static NotAdmitted: Vec<VersionId> = Vec::new();
	/// Pairs of versions of which the first is not better than the second.
	pub static NotBetter: Vec<(VersionId, VersionId)> = Vec::new();
	/// Versions that are in the middle of being compared.
	pub static BeingMeasured: Vec<VersionId> = Vec::new();
	/// What the gate was told, in order.
	pub static Closed: Vec<(VersionId, bool)> = Vec::new();
	/// The versions that it was told became active.
	pub static Activated: Vec<VersionId> = Vec::new();
	/// The models that it was told went over to the commons.
	pub static Donated: Vec<ModelId> = Vec::new();
	/// The models that it was told are gone.
	pub static Forgotten: Vec<ModelId> = Vec::new();
}

/// Lets all pass but what it is told not to.
pub struct MockGate;

/// What [`MockGate`] says.
pub const REFUSED_ADMISSION: DispatchError = DispatchError::Other("not admitted");
/// What [`MockGate`] says.
pub const REFUSED_COMPARISON: DispatchError = DispatchError::Other("not better");

impl UpgradeGate for MockGate {
	fn ensure_admitted(version: VersionId) -> DispatchResult {
		frame_support::ensure!(!NotAdmitted::get().contains(&version), REFUSED_ADMISSION);
		Ok(())
	}

	fn ensure_better(version: VersionId, active: VersionId) -> DispatchResult {
		frame_support::ensure!(!NotBetter::get().contains(&(version, active)), REFUSED_COMPARISON);
		Ok(())
	}

	fn is_being_measured(version: VersionId) -> bool {
		BeingMeasured::get().contains(&version)
	}

	fn close(version: VersionId, approved: bool) {
		Closed::mutate(|closed| closed.push((version, approved)));
	}

	fn activated(version: VersionId) {
		Activated::mutate(|activated| activated.push(version));
	}

	fn donated(model: ModelId) {
		Donated::mutate(|donated| donated.push(model));
	}

	fn forget(model: ModelId) {
		Forgotten::mutate(|forgotten| forgotten.push(model));
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for MockGate {
	fn let_pass(_: VersionId, _: Option<VersionId>) {}

	fn let_wait(version: VersionId) {
		NotAdmitted::mutate(|waiting| waiting.push(version));
	}

	fn let_be_measured(version: VersionId, _: VersionId) {
		BeingMeasured::mutate(|measured| measured.push(version));
	}

	fn start_extrinsic() {
		pallet_artifact_storage::benchmarking::enter_renewing_extrinsic::<Test>();
	}

	fn keep_chunk(hash: H256, is_renewable: bool) {
		use frame_support::traits::fungible::Mutate;
		Balances::set_balance(&CHARLIE, ENDOWMENT);
		pallet_artifact_storage::benchmarking::keep::<Test>(&CHARLIE, hash, is_renewable);
	}
}

impl pallet_model_registry::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CuratorOrigin = EnsureSignedBy<Curator, AccountId>;
	type GuardianOrigin = EnsureRoot<AccountId>;
	type SuspendOrigin = EitherOfDiverse<EnsureSignedBy<Guard, AccountId>, EnsureRoot<AccountId>>;
	type OverrideOrigin = EnsureSignedBy<Overrider, AccountId>;
	type Gate = MockGate;
	type ModelDeposit = ConstU128<MODEL_DEPOSIT>;
	type VersionDeposit = ConstU128<VERSION_DEPOSIT>;
	type MetadataDeposit = ConstU128<METADATA_DEPOSIT>;
	type OrganisationDeposit = ConstU128<ORGANISATION_DEPOSIT>;
	type DepositPerByte = ConstU128<DEPOSIT_PER_BYTE>;
	type MaxLiveVersions = ConstU32<MAX_LIVE_VERSIONS>;
	type MaxProposals = ConstU32<MAX_PROPOSALS>;
	type RevokedRetention = ConstU32<REVOKED_RETENTION>;
	type AdmissionPeriod = ConstU32<ADMISSION_PERIOD>;
	type Treasury = ResolveTo<Treasury, Balances>;
	type Storage = Storage;
	type PalletId = Endowments;
	type KeeperReward = ConstU128<KEEPER_REWARD>;
	type LapseNotice = ConstU32<LAPSE_NOTICE>;
	type MaxKeptChunks = ConstU32<MAX_KEPT_CHUNKS>;
	type MaxRenewals = ConstU32<MAX_RENEWALS>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = MockGate;
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
			NotAdmitted::set(Vec::new());
			NotBetter::set(Vec::new());
			BeingMeasured::set(Vec::new());
			Closed::set(Vec::new());
			Activated::set(Vec::new());
			Donated::set(Vec::new());
			Forgotten::set(Vec::new());
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
		pages: H256::zero(),
		tokenizer: None,
		folder: None,
		known_answers: H256::zero(),
		engine: ENGINE_VERSION,
		derived_from: None,
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		price: Price { request: 5, work: 1 },
	}
}

/// The deposit for a model of this name.
pub fn model_deposit(called: &str) -> Balance {
	MODEL_DEPOSIT + DEPOSIT_PER_BYTE * called.len() as Balance
}

/// The deposit for a version with a manifest as [`manifest`] makes it.
pub fn version_deposit() -> Balance {
	VERSION_DEPOSIT + DEPOSIT_PER_BYTE * manifest(0).encoded_size() as Balance
}

/// The deposit for these metadata.
pub fn metadata_deposit(metadata: &Metadata) -> Balance {
	METADATA_DEPOSIT + DEPOSIT_PER_BYTE * metadata.encoded_size() as Balance
}

/// Metadata of all that can be said, with a description of this length.
pub fn metadata(length: usize) -> Metadata {
	Metadata {
		description: vec![b'd'; length].try_into().unwrap(),
		card: Some(H256::repeat_byte(9)),
		tags: vec![b"text".to_vec().try_into().unwrap()].try_into().unwrap(),
		mirrors: vec![b"https://example.org/".to_vec().try_into().unwrap()].try_into().unwrap(),
	}
}

pub fn organisation(organisation: &str) -> Organisation {
	Organisation::try_from(organisation.as_bytes().to_vec()).unwrap()
}

/// The state of a version that was revoked for this reason in the first block.
pub fn revoked(words: &str) -> VersionState<u32> {
	VersionState::Revoked { reason: reason(words).try_into().unwrap(), at: 1 }
}

/// The state of a version that is suspended for this reason.
pub fn suspended(was: Live, words: &str) -> VersionState<u32> {
	VersionState::Suspended { was, reason: reason(words).try_into().unwrap() }
}

/// One of each.
pub fn all_states() -> [VersionState<u32>; 8] {
	use VersionState::*;
	[
		Proposed,
		Approved,
		Active,
		Deprecated,
		suspended(Live::Approved, "test"),
		suspended(Live::Active, "test"),
		suspended(Live::Deprecated, "test"),
		revoked("test"),
	]
}

pub fn register(who: AccountId, called: &str) -> DispatchResult {
	ModelRegistry::register(signed(who), called.as_bytes().to_vec())
}

pub fn propose(who: AccountId, model: ModelId, seed: u8) -> DispatchResult {
	ModelRegistry::propose_version(signed(who), model, manifest(seed))
}

/// Has `who`, who governs the model, propose a version and take it to the state.
pub fn version_in(who: AccountId, model: ModelId, seed: u8, state: VersionState<u32>) -> VersionId {
	propose(who, model, seed).unwrap();
	let version = id(model, crate::Models::<Test>::get(model).unwrap().latest);
	take_to(who, version, state);
	version
}

fn take_to(who: AccountId, version: VersionId, state: VersionState<u32>) {
	match state {
		VersionState::Proposed => {},
		VersionState::Approved => ModelRegistry::approve_version(signed(who), version).unwrap(),
		VersionState::Active => {
			take_to(who, version, VersionState::Approved);
			ModelRegistry::activate_version(signed(who), version).unwrap();
		},
		VersionState::Deprecated => {
			take_to(who, version, VersionState::Active);
			ModelRegistry::deprecate_version(signed(who), version).unwrap();
		},
		VersionState::Revoked { reason, .. } => {
			ModelRegistry::revoke_version(signed(who), version, reason.into()).unwrap()
		},
		VersionState::Suspended { was, reason } => {
			let before = match was {
				Live::Approved => VersionState::Approved,
				Live::Active => VersionState::Active,
				Live::Deprecated => VersionState::Deprecated,
			};
			take_to(who, version, before);
			suspend(version, reason.into()).unwrap();
		},
	}
}

/// Has the guard suspend a version.
pub fn suspend(version: VersionId, reason: Vec<u8>) -> DispatchResult {
	ModelRegistry::suspend_version(signed(GUARD), version, reason)
}

pub fn model(model: ModelId) -> crate::ModelOf<Test> {
	crate::Models::<Test>::get(model).unwrap()
}

pub fn version(version: VersionId) -> crate::VersionOf<Test> {
	crate::Versions::<Test>::get(version.model, version.number).unwrap()
}

pub fn state(of: VersionId) -> VersionState<u32> {
	version(of).state
}

pub fn held(reason: crate::HoldReason, who: AccountId) -> Balance {
	Balances::balance_on_hold(&reason.into(), &who)
}

/// Ends blocks, with all the weight left over that there is, until it is `block`.
pub fn go_to(block: BlockNumber) {
	while System::block_number() < block {
		let now = System::block_number();
		System::note_finished_extrinsics();
		ModelRegistry::on_idle(now, Weight::MAX);
		Storage::on_finalize(now);
		System::set_block_number(now + 1);
	}
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
