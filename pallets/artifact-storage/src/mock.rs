//! A runtime to test the pallet in, and the part of a node that serves what it indexes.

use crate as pallet_artifact_storage;
use codec::Encode;
use frame_support::{
	derive_impl,
	dispatch::GetDispatchInfo,
	parameter_types,
	traits::{ConstU128, ConstU32, Hooks},
	weights::Weight,
};
use sp_core::H256;
use sp_runtime::{traits::Dispatchable, BuildStorage, DispatchResult};
use sp_state_machine::IndexOperation;
use std::collections::BTreeMap;

pub type AccountId = u64;
pub type Balance = u128;
pub type UncheckedExtrinsic = frame_system::mocking::MockUncheckedExtrinsic<Test>;
type Block = frame_system::mocking::MockBlockU32<Test>;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Can't pay for anything.
pub const POOR: AccountId = 3;

pub const ENDOWMENT: Balance = 1_000_000;
pub const BASE: Balance = 100;
pub const PER_BYTE: Balance = 2;
pub const MAX_CHUNK_SIZE: u32 = 1024;
pub const MAX_CHUNKS_PER_BLOCK: u32 = 4;
pub const MAX_RENEWALS_PER_BLOCK: u32 = 3;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Utility: pallet_utility,
		TransactionStorage: pallet_artifact_storage,
	}
);

parameter_types! {
	pub static RetentionPeriod: u32 = 10;
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

impl pallet_utility::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = ();
}

impl pallet_artifact_storage::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MaxChunkSize = ConstU32<MAX_CHUNK_SIZE>;
	type MaxChunksPerBlock = ConstU32<MAX_CHUNKS_PER_BLOCK>;
	type MaxRenewalsPerBlock = ConstU32<MAX_RENEWALS_PER_BLOCK>;
	type DepositBase = ConstU128<BASE>;
	type DepositPerByte = ConstU128<PER_BYTE>;
	type RetentionPeriod = RetentionPeriod;
	type WeightInfo = ();
}

/// Builds the state that a test starts from.
pub struct ExtBuilder {
	retention_period: u32,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { retention_period: 10 }
	}
}

impl ExtBuilder {
	pub fn retention_period(mut self, blocks: u32) -> Self {
		self.retention_period = blocks;
		self
	}

	fn build(self) -> sp_io::TestExternalities {
		RetentionPeriod::set(self.retention_period);
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: vec![(ALICE, ENDOWMENT), (BOB, ENDOWMENT), (POOR, 50)],
				..Default::default()
			},
			..Default::default()
		}
		.build_storage()
		.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(start_block);
		ext
	}

	/// Runs a test from the start of block 1, and checks the invariants.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			TransactionStorage::do_try_state().unwrap();
		});
	}

	/// Runs the calls that `test` submits in one block; returns what a node serves by hash from
	/// then on. Checks that it serves every chunk that the state records, and nothing under a
	/// wrong hash.
	pub fn build_and_serve(self, test: impl FnOnce(&mut Vec<Vec<u8>>)) -> BTreeMap<H256, Vec<u8>> {
		let mut ext = self.build();
		let mut body = Vec::new();
		let recorded: Vec<H256> = ext.execute_with(|| {
			test(&mut body);
			TransactionStorage::do_try_state().unwrap();
			end_block(Weight::zero());
			TransactionStorage::do_try_state().unwrap();
			crate::Chunks::<Test>::iter_keys().collect()
		});
		let served = serve(&body, ext.overlayed_changes().transaction_index_ops());
		for (content_hash, content) in &served {
			assert_eq!(*content_hash, hash_of(content), "other bytes are served");
		}
		for content_hash in recorded {
			assert!(served.contains_key(&content_hash), "a recorded chunk is not served");
		}
		served
	}
}

/// What a node's database serves after it has imported a block with this body: the last bytes of
/// the extrinsic that stores, unless the extrinsic renews; of several stores only the last.
fn serve(body: &[Vec<u8>], operations: &[IndexOperation]) -> BTreeMap<H256, Vec<u8>> {
	let mut stores = BTreeMap::new();
	let mut renewals = BTreeMap::new();
	for operation in operations {
		match operation {
			IndexOperation::Insert { extrinsic, hash, size } => {
				stores.insert(*extrinsic, (H256::from_slice(hash), *size as usize));
			},
			IndexOperation::Renew { extrinsic, hash } => {
				renewals.insert(*extrinsic, H256::from_slice(hash));
			},
		}
	}
	let mut served = BTreeMap::new();
	for (index, encoded) in body.iter().enumerate() {
		let index = index as u32;
		if renewals.contains_key(&index) {
			continue;
		}
		if let Some((hash, size)) = stores.get(&index) {
			served.insert(*hash, encoded[encoded.len() - size..].to_vec());
		}
	}
	served
}

/// Applies a call as an extrinsic of its own; returns its result and the extrinsic's bytes.
pub fn apply(who: AccountId, call: impl Into<RuntimeCall>) -> (DispatchResult, Vec<u8>) {
	let call = call.into();
	let encoded = UncheckedExtrinsic::new_bare(call.clone()).encode();
	System::note_extrinsic(encoded.clone());
	let info = call.get_dispatch_info();
	let result = call.dispatch(RuntimeOrigin::signed(who));
	System::note_applied_extrinsic(&result, info);
	(result.map(|_| ()).map_err(|error| error.error), encoded)
}

/// Does what a call of another pallet does, in an extrinsic of its own.
pub fn in_extrinsic<R>(call: impl FnOnce() -> R) -> R {
	System::note_extrinsic(b"another pallet's call".to_vec());
	let result = call();
	System::note_applied_extrinsic(&Ok(().into()), Default::default());
	result
}

/// Applies a call as an extrinsic of its own.
pub fn submit(who: AccountId, call: impl Into<RuntimeCall>) -> DispatchResult {
	apply(who, call).0
}

pub fn store(data: &[u8]) -> RuntimeCall {
	pallet_artifact_storage::Call::store { data: data.to_vec() }.into()
}

pub fn renew(data: &[u8]) -> RuntimeCall {
	pallet_artifact_storage::Call::renew { content_hash: hash_of(data) }.into()
}

pub fn release(data: &[u8]) -> RuntimeCall {
	pallet_artifact_storage::Call::release { content_hash: hash_of(data) }.into()
}

pub fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
	pallet_utility::Call::batch { calls }.into()
}

pub fn batch_all(calls: Vec<RuntimeCall>) -> RuntimeCall {
	pallet_utility::Call::batch_all { calls }.into()
}

pub fn force_batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
	pallet_utility::Call::force_batch { calls }.into()
}

pub fn remark(remark: &[u8]) -> RuntimeCall {
	frame_system::Call::remark { remark: remark.to_vec() }.into()
}

pub fn hash_of(data: &[u8]) -> H256 {
	H256(sp_io::hashing::blake2_256(data))
}

pub fn chunk(data: &[u8]) -> Option<crate::ChunkOf<Test>> {
	crate::Chunks::<Test>::get(hash_of(data))
}

/// Has what was stored in this block be renewable in it: twice the retention period is left half.
pub fn double_retention() {
	RetentionPeriod::mutate(|blocks| *blocks *= 2);
}

/// What is on hold for the chunks of an account.
pub fn held(who: AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&crate::HoldReason::Chunk.into(), &who)
}

/// The deposit for `data`.
pub fn deposit(data: &[u8]) -> Balance {
	BASE + PER_BYTE * data.len() as Balance
}

/// The pallet's last event.
pub fn last_event() -> crate::Event<Test> {
	let events = System::read_events_for_pallet::<crate::Event<Test>>();
	events.last().expect("the pallet has deposited an event").clone()
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

fn start_block() {
	let number = System::block_number() + 1;
	System::initialize(&number, &Default::default(), &Default::default());
	TransactionStorage::on_initialize(number);
}

/// Ends the block, with this much weight left over.
pub fn end_block(idle: Weight) {
	let number = System::block_number();
	System::note_finished_extrinsics();
	TransactionStorage::on_idle(number, idle);
	TransactionStorage::on_finalize(number);
	System::finalize();
}

/// Goes to the start of block `number`, with this much weight left over in each block.
pub fn run_to_with(number: u32, idle: Weight) {
	while System::block_number() < number {
		end_block(idle);
		start_block();
		TransactionStorage::do_try_state().unwrap();
	}
}

/// Goes to the start of block `number` through blocks that are full.
pub fn run_to(number: u32) {
	run_to_with(number, Weight::zero());
}
