//! A runtime of this pallet and balances.

use crate as pallet_feedback;
use crate::*;
use dodona_primitives_inference::{
	rating_commitment, RatedRequest, RatedRequests, Rating, RequestId, Salt,
};
use dodona_primitives_models::VersionId;
use frame_support::{
	assert_ok, derive_impl, parameter_types, storage_alias,
	traits::{fungible::InspectHold, ConstU32, Hooks},
	weights::{Weight, WeightMeter},
	Twox64Concat,
};
use sp_runtime::{BuildStorage, DispatchResult, Perbill};

pub type AccountId = u64;
pub type Balance = u128;

pub const TREASURY: AccountId = 999;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
/// What every account below 100 begins with.
pub const ENDOWMENT: Balance = 1_000_000;
pub const TREASURY_BALANCE: Balance = 1_000_000_000;
pub const ROUND: u64 = 10;
pub const DEPOSIT: Balance = 20;
/// The treasury's part of a usual request's fee; a rating earns at most half of it.
pub const PART: Balance = 2_000;
pub const CAP: Balance = 1_000;
/// A tenth more than the cap.
pub const STAKE: Balance = 1_100;
pub const HELD: Balance = STAKE + DEPOSIT;
pub const MOST_ROUNDS: u32 = 3;

pub const VERSION: VersionId = VersionId { model: 7, number: 1 };
/// Of the same model.
pub const NEXT: VersionId = VersionId { model: 7, number: 2 };
/// Of another one.
pub const OTHER: VersionId = VersionId { model: 8, number: 1 };

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Feedback: pallet_feedback,
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
	pub static RoundLength: u64 = ROUND;
	pub static Budget: Balance = 1_000_000;
	pub static RewardCap: Perbill = Perbill::from_percent(50);
	pub static Margin: Perbill = Perbill::from_percent(10);
	pub static Kept: Balance = DEPOSIT;
	pub static MinPeers: u32 = 1;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
}

/// Requests with a result: who asked, whom, what the treasury got, and the block.
#[storage_alias]
pub type Final = StorageMap<Prefix, Twox64Concat, RequestId, (AccountId, VersionId, Balance, u64)>;

pub struct Requests;

impl RatedRequests for Requests {
	type AccountId = AccountId;
	type Balance = Balance;
	type BlockNumber = u64;

	fn finalized(request: RequestId) -> Option<RatedRequest<AccountId, Balance, u64>> {
		let (requester, version, treasury, at) = Final::get(request)?;
		Some(RatedRequest { requester, version, treasury, at })
	}
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Requests = Requests;
	type Treasury = TreasuryAccount;
	type RoundLength = RoundLength;
	type Budget = Budget;
	type RewardCap = RewardCap;
	type Margin = Margin;
	type Deposit = Kept;
	type MinPeers = MinPeers;
	type MaxRounds = ConstU32<MOST_ROUNDS>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchmarkHelper;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkHelper;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId, Balance> for BenchmarkHelper {
	fn finalized(requester: &AccountId, version: VersionId, treasury: Balance) -> RequestId {
		Final::insert(0, (requester, version, treasury, System::block_number()));
		0
	}
}

#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let mut balances: Vec<_> = (1..100).map(|who| (who, ENDOWMENT)).collect();
		balances.push((TREASURY, TREASURY_BALANCE));
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
			..Default::default()
		};
		let mut ext = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			// A test may build several chains in its thread.
			RoundLength::set(ROUND);
			Budget::set(1_000_000);
			RewardCap::set(Perbill::from_percent(50));
			Margin::set(Perbill::from_percent(10));
			Kept::set(DEPOSIT);
			MinPeers::set(1);
			System::set_block_number(1);
		});
		ext
	}

	/// Runs a test, and checks the invariants; and that nothing is held once all is settled.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			let issued = Balances::total_issuance();
			test();
			Feedback::do_try_state().unwrap();
			settle_all();
			check_empty();
			assert_eq!(Balances::total_issuance(), issued, "nothing is made or lost");
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder.build()
}

/// Nothing is left of any rating but what was said.
pub fn check_empty() {
	assert_eq!(Ratings::<Test>::iter().count(), 0);
	assert_eq!(ScoredRatings::<Test>::iter().count(), 0);
	assert_eq!(Tallies::<Test>::iter().count(), 0);
	assert_eq!(OwnTallies::<Test>::iter().count(), 0);
	assert!(CurrentSettlement::<Test>::get().is_none());
	assert_eq!((1..100).map(held).sum::<Balance>(), 0);
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::Rating.into(), &who)
}

/// What an account has, held or not.
pub fn owned(who: AccountId) -> Balance {
	use frame_support::traits::fungible::Inspect;
	Balances::total_balance(&who)
}

/// A block of which this pallet gets as much as it can use.
pub fn poll() {
	poll_with(Weight::MAX);
}

pub fn poll_with(limit: Weight) {
	let mut meter = WeightMeter::with_limit(limit);
	Feedback::on_poll(System::block_number(), &mut meter);
	Feedback::do_try_state().unwrap();
}

pub fn next_block() {
	System::set_block_number(System::block_number() + 1);
	poll();
}

pub fn round() -> u32 {
	CurrentRound::<Test>::get().index
}

/// Goes to the first block of the next round.
pub fn next_round() {
	let before = round();
	while round() == before {
		next_block();
	}
}

/// Goes on until what is committed now is settled.
pub fn settle_all() {
	(0..3).for_each(|_| next_round());
	while CurrentSettlement::<Test>::get().is_some() {
		next_block();
	}
}

pub fn salt(request: RequestId) -> Salt {
	sp_io::hashing::blake2_256(&request.to_le_bytes())
}

pub fn commitment(who: AccountId, request: RequestId, rating: Rating) -> sp_core::H256 {
	rating_commitment(System::block_hash(0), request, &who, rating, &salt(request))
}

/// A request by `who` has its result now.
pub fn finalize(request: RequestId, who: AccountId, version: VersionId) {
	finalize_for(request, who, version, PART);
}

pub fn finalize_for(request: RequestId, who: AccountId, version: VersionId, treasury: Balance) {
	Final::insert(request, (who, version, treasury, System::block_number()));
}

pub fn commit(who: AccountId, request: RequestId, rating: Rating) -> DispatchResult {
	Feedback::commit_rating(signed(who), request, commitment(who, request, rating))
}

pub fn reveal(who: AccountId, request: RequestId, rating: Rating) -> DispatchResult {
	Feedback::reveal_rating(signed(who), request, rating, salt(request))
}

/// Accounts from 1 on ask `version`, rate what they get, and reveal it; request and account have
/// the same number, plus `first`. Afterwards the round of the reveals goes on.
pub fn rate(first: RequestId, version: VersionId, ratings: &[Rating]) {
	for (request, (who, rating)) in (first..).zip((1..).zip(ratings)) {
		finalize(request, who, version);
		assert_ok!(commit(who, request, *rating));
	}
	next_round();
	for (request, (who, rating)) in (first..).zip((1..).zip(ratings)) {
		assert_ok!(reveal(who, request, *rating));
	}
}

/// The pallet's events so far.
pub fn events() -> Vec<crate::Event<Test>> {
	System::read_events_for_pallet::<crate::Event<Test>>()
}

/// What the settlement of a request's rating paid and took.
pub fn settled(request: RequestId) -> Option<(Balance, Balance)> {
	let mut found = None;
	for record in System::events() {
		if let RuntimeEvent::Feedback(Event::RatingSettled { request: of, paid, taken, .. }) =
			record.event
		{
			if of == request {
				assert_eq!(found, None, "a rating is settled once");
				found = Some((paid, taken));
			}
		}
	}
	found
}
