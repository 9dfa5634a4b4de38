//! Tests, by feature; and the chain that they run on.

mod adjudication;
mod asking;
mod audit;
mod challenge;
mod committing;
mod descent;
mod draw;
mod engine_dispute;
mod engine_server;
mod escrow;
mod final_result;
mod liveness;
mod request;
mod residents;
mod revealing;
mod server_disputes;
mod slow_servers;
mod stateful;
mod toy;
mod verdict;
mod worker;
mod worker_disputes;

use crate::{self as pallet_inference, crypto::HotKey, *};
use alloc::collections::BTreeMap;
use dodona_engine::architecture::mlp;
use dodona_primitives_inference::{
	commitment, outcome_hash, Ask, CommitmentContext, FailureReason, Input, Output, RatedRequests,
	RequestId, RequestState, ResultSink, Salt, Seat, SeatStatus, Statement, Submission,
	Submissions, MAX_CLAIMS, MAX_RESIDENT_LEN,
};
use dodona_primitives_models::{
	pages_root, Architecture, ArtifactRef, Manifest, ModelId, ModelInspect, Price, RoyaltyAccounts,
	VersionId,
};
use dodona_primitives_staking::{Offence, RewardSink, StakeInspect, StakeSlash};
use frame_support::{
	assert_noop, assert_ok, derive_impl, parameter_types,
	traits::{fungible::InspectHold, Hooks, OnPoll, Randomness},
	weights::{Weight, WeightMeter},
};
use frame_system::offchain::{
	AppCrypto, CreateSignedTransaction, CreateTransactionBase, SigningTypes,
};
use sp_core::{bounded_vec, offchain::Duration, ConstU128, ConstU64, H256};
use sp_runtime::{
	testing::TestXt, traits::IdentityLookup, AccountId32, BuildStorage, DispatchResult,
	MultiSignature, MultiSigner, Perbill,
};

pub type AccountId = AccountId32;
pub type Balance = u128;
pub type Extrinsic = TestXt<RuntimeCall, ()>;
pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Inference: pallet_inference,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
}

impl SigningTypes for Test {
	type Public = MultiSigner;
	type Signature = MultiSignature;
}

impl<LocalCall> CreateTransactionBase<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = Extrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	fn create_signed_transaction<C: AppCrypto<Self::Public, Self::Signature>>(
		call: RuntimeCall,
		_public: MultiSigner,
		_account: AccountId,
		nonce: u32,
	) -> Option<Extrinsic> {
		Some(Extrinsic::new_signed(call, nonce.into(), (), ()))
	}
}

pub const MODEL: ModelId = 1;
pub const VERSION: VersionId = VersionId { model: MODEL, number: 3 };
pub const PRICE: Balance = 1_000;
pub const BOND: Balance = 500;

parameter_types! {
	pub static CommitteeSize: u32 = 4;
	pub static MaxAttempts: u32 = 2;
	pub const NoShowPenalty: Perbill = Perbill::from_percent(1);
	pub const UnrevealedPenalty: Perbill = Perbill::from_percent(2);
	pub const DissentPenalty: Perbill = Perbill::from_percent(10);
	/// Of the runs on the toy machine; on the engine if there are none.
	pub static ToySteps: u64 = 1_000;
	/// Whether versions' runs can be decided.
	pub static Decides: bool = true;
	pub static Reporters: Vec<(AccountId, AccountId)> = Vec::new();
	pub static MaxOpenDisputes: u32 = 4;
	pub static AuditRate: Perbill = Perbill::zero();
	pub static MaxAdjudicationWork: u64 = 100_000;
	pub static MaxStepWork: u64 = 1_000_000;
	pub const WinnerShare: Perbill = Perbill::from_percent(40);
	pub const WorkerShare: Perbill = Perbill::from_percent(80);
	pub const ContributorShare: Perbill = Perbill::from_percent(15);

	/// Numbers of the operators that can be drawn, in the order in which they are.
	pub static Operators: Vec<u8> = vec![1, 2, 3, 4, 5, 6, 7, 8];
	pub static Obligations: BTreeMap<AccountId, u32> = BTreeMap::new();
	pub static Punished: Vec<(AccountId, Offence, Perbill)> = Vec::new();
	pub static Served: bool = true;
	/// Whether versions answer, in use or not.
	pub static Answering: bool = true;
	/// How requests ended, with the output of those that have a result.
	pub static Told: Vec<(RequestId, Option<Vec<u8>>)> = Vec::new();
	pub static Artifact: ArtifactRef = ArtifactRef::of(&weights()).0;
	/// Roots over the pages of weights other than [`weights`], by their artifact's root.
	pub static Pages: BTreeMap<H256, H256> = BTreeMap::new();
	pub static Asked: Price<Balance> = Price { request: PRICE, work: 0 };
	pub static Computed: Architecture = architecture();
	/// The engine that versions were published for.
	pub static Published: u16 = dodona_engine::ENGINE_VERSION;
	pub static StepsPerPeriod: u64 = 1 << 20;
	pub static MaxMovePeriods: u32 = 16;
	pub static HotKeys: BTreeMap<AccountId, AccountId> = BTreeMap::new();
	pub static Random: H256 = H256::repeat_byte(7);
	/// The block since which the randomness is known; without one, since the current block.
	pub static KnownSince: Option<u64> = None;
	/// Artifacts of versions beside [`VERSION`].
	pub static OtherArtifacts: BTreeMap<VersionId, ArtifactRef> = BTreeMap::new();
	/// How long it takes a worker to find out about a version.
	pub static Slow: BTreeMap<VersionId, Duration> = BTreeMap::new();
	pub static Seeds: Vec<H256> = Vec::new();
}

/// Where the treasury's part goes.
pub fn treasury() -> AccountId {
	account(99)
}

pub fn account(number: u8) -> AccountId {
	AccountId::new([number; 32])
}

/// The hot key of operator `number`.
pub fn hot(number: u8) -> AccountId {
	account(100 + number)
}

pub fn requester() -> AccountId {
	account(50)
}

/// Two inputs, two outputs.
pub fn architecture() -> Architecture {
	Architecture::Mlp(mlp::Config { widths: bounded_vec![2, 2] })
}

/// A safetensors file for [`architecture`]: `y = [2·x0 + x1, x1 − 1]`.
pub fn weights() -> Vec<u8> {
	weights_with(-1.0)
}

/// The same with another number for the last bias.
pub fn weights_with(bias: f32) -> Vec<u8> {
	let header = br#"{"layers.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"layers.0.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}}"#;
	let mut header = header.to_vec();
	while !header.len().is_multiple_of(8) {
		header.push(b' ');
	}
	let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
	bytes.extend(header);
	bytes.extend(floats(&[0.0, bias, 2.0, 1.0, 0.0, 1.0]));
	bytes
}

/// The artifact of these weights, of which the mock knows the pages from now on.
pub fn publish(weights: &[u8]) -> ArtifactRef {
	let artifact = ArtifactRef::of(weights).0;
	Pages::mutate(|all| all.insert(artifact.root, pages_root(weights)));
	artifact
}

pub fn floats(values: &[f32]) -> Vec<u8> {
	values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn input() -> Input {
	floats(&[3.0, 4.0]).try_into().unwrap()
}

/// The right output for [`input`].
pub fn output() -> Output {
	floats(&[10.0, 3.0]).try_into().unwrap()
}

pub fn wrong_output() -> Output {
	floats(&[3.0, 10.0]).try_into().unwrap()
}

pub struct Models;

impl ModelInspect for Models {
	type Balance = Balance;

	fn active_version(model: ModelId) -> Option<VersionId> {
		(model == MODEL).then_some(VERSION)
	}

	fn manifest(version: VersionId) -> Option<Manifest<Balance>> {
		if let Some(time) = Slow::get().get(&version) {
			sp_io::offchain::sleep_until(sp_io::offchain::timestamp().add(*time));
		}
		let other = OtherArtifacts::get().get(&version).copied();
		other.or((version == VERSION).then(Artifact::get)).map(|artifact| Manifest {
			architecture: Computed::get(),
			artifact,
			pages: {
				let other = Pages::get().get(&artifact.root).copied();
				other.unwrap_or_else(|| pages_root(&weights()))
			},
			tokenizer: None,
			folder: None,
			known_answers: H256::zero(),
			engine: Published::get(),
			derived_from: None,
			licence: b"CC0-1.0".to_vec().try_into().unwrap(),
			price: Asked::get(),
		})
	}

	fn is_served(version: VersionId) -> bool {
		Self::manifest(version).is_some() && Served::get()
	}

	fn may_answer(version: VersionId) -> bool {
		Self::manifest(version).is_some() && Answering::get()
	}

	fn is_proposed(_: VersionId) -> bool {
		unreachable!("requests don't depend on it")
	}
}

pub struct Royalties;

impl RoyaltyAccounts for Royalties {
	type AccountId = AccountId;

	fn royalty_account(_: VersionId) -> AccountId {
		account(90)
	}
}

pub struct Stake;

impl StakeInspect for Stake {
	type AccountId = AccountId;

	fn operator_of(hot_key: &AccountId) -> Option<AccountId> {
		let known = HotKeys::get().get(hot_key).cloned();
		known.or_else(|| (1..=20).find(|number| hot(*number) == *hot_key).map(account))
	}

	fn draw(seed: H256, seats: u32, exclude: &[AccountId]) -> Vec<AccountId> {
		Seeds::mutate(|seeds| seeds.push(seed));
		Operators::get()
			.into_iter()
			.map(account)
			.filter(|operator| !exclude.contains(operator))
			.take(seats as usize)
			.collect()
	}
}

impl StakeSlash for Stake {
	type AccountId = AccountId;
	type Balance = Balance;

	fn oblige(operator: &AccountId) {
		Obligations::mutate(|all| *all.entry(operator.clone()).or_default() += 1);
	}

	fn discharge(operator: &AccountId) {
		Obligations::mutate(|all| *all.get_mut(operator).expect("obliged before") -= 1);
	}

	fn punish(operator: &AccountId, offence: Offence, fraction: Perbill) -> Balance {
		assert!(Obligations::get()[operator] > 0, "punished only while obliged");
		Punished::mutate(|all| all.push((operator.clone(), offence, fraction)));
		fraction * 1_000_000
	}

	fn punish_reported(
		operator: &AccountId,
		offence: Offence,
		fraction: Perbill,
		reporter: &AccountId,
	) -> Balance {
		Reporters::mutate(|all| all.push((operator.clone(), reporter.clone())));
		Self::punish(operator, offence, fraction)
	}
}

pub struct Rewards;

impl RewardSink<AccountId, CreditOf<Test>> for Rewards {
	fn reward_operator(operator: &AccountId, earned: CreditOf<Test>) {
		use frame_support::traits::fungible::Balanced;
		let _ = Balances::resolve(operator, earned);
	}

	fn reward_contributor(beneficiary: Option<&AccountId>, earned: CreditOf<Test>) {
		Self::reward_operator(beneficiary.unwrap_or(&treasury()), earned);
	}

	fn reward_treasury(earned: CreditOf<Test>) {
		Self::reward_operator(&treasury(), earned);
	}
}

pub struct Results;

impl ResultSink for Results {
	fn finalized(request: RequestId, outcome: H256, output: &[u8]) {
		assert_eq!(outcome, outcome_hash(output));
		Told::mutate(|told| told.push((request, Some(output.to_vec()))));
	}

	fn failed(request: RequestId) {
		Told::mutate(|told| told.push((request, None)));
	}

	fn weight() -> Weight {
		Weight::from_parts(1_000_000, 1_000)
	}
}

pub struct TestRandomness;

impl Randomness<H256, u64> for TestRandomness {
	fn random(_: &[u8]) -> (H256, u64) {
		(Random::get(), KnownSince::get().unwrap_or_else(System::block_number))
	}
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Stake = Stake;
	type Rewards = Rewards;
	type Royalties = Royalties;
	type Results = Results;
	type Randomness = TestRandomness;
	type AuthorityId = HotKey;
	type CommitteeSize = CommitteeSize;
	type MaxAttempts = MaxAttempts;
	type DrawPeriod = ConstU64<20>;
	type CommitPeriod = ConstU64<5>;
	type RevealPeriod = ConstU64<4>;
	type ChallengePeriod = ConstU64<3>;
	type ResultRetention = ConstU64<10>;
	type NoShowPenalty = NoShowPenalty;
	type UnrevealedPenalty = UnrevealedPenalty;
	type DissentPenalty = DissentPenalty;
	type WorkerShare = WorkerShare;
	type ContributorShare = ContributorShare;
	type Adjudicator = toy::Machine;
	type MovePeriod = ConstU64<4>;
	type StepsPerPeriod = StepsPerPeriod;
	type MaxMovePeriods = MaxMovePeriods;
	type ChallengeBond = ConstU128<BOND>;
	type WinnerShare = WinnerShare;
	type MaxOpenDisputes = MaxOpenDisputes;
	type MaxAdjudicationWork = MaxAdjudicationWork;
	type MaxStepWork = MaxStepWork;
	type AuditRate = AuditRate;
	type ResidentDepositBase = ConstU128<10>;
	type ResidentDepositPerByte = ConstU128<2>;
	type WeightInfo = ();
}

/// Builds the chain of a test.
#[derive(Default)]
pub struct ExtBuilder {
	operators: Option<Vec<u8>>,
}

impl ExtBuilder {
	pub fn operators(mut self, operators: &[u8]) -> Self {
		self.operators = Some(operators.to_vec());
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let balances = [50, 51, 52, 53].map(|number| (account(number), 100_000));
		let balances = [balances.to_vec(), vec![(treasury(), 1)]].concat();
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
			..Default::default()
		};
		let mut ext = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			// A test may build several chains in its thread.
			Obligations::take();
			Served::set(true);
			Answering::set(true);
			Told::take();
			KnownSince::set(None);
			Punished::take();
			Reporters::take();
			if let Some(operators) = self.operators {
				Operators::set(operators);
			}
			System::set_block_number(1);
		});
		ext
	}

	/// Runs `test`, and checks afterwards that every invariant holds and nobody is left obliged
	/// for a request that ended.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			let issued = Balances::total_issuance();
			test();
			check();
			assert_eq!(Balances::total_issuance(), issued, "fees are neither made nor lost");
		});
	}
}

/// Everything that must be true between any two calls.
pub fn check() {
	Inference::do_try_state().unwrap();
	for (id, request) in Requests::<Test>::iter() {
		let told = Told::get().iter().filter(|(told, _)| *told == id).count();
		assert_eq!(told, usize::from(request.state.is_terminal()), "{id}'s end is told once");
	}
	for (operator, obligations) in Obligations::get() {
		let open = Assignments::<Test>::iter_key_prefix(&operator).count() as u32;
		assert_eq!(obligations, open, "{operator} is obliged for its open seats");
	}
}

/// Goes to the next block.
pub fn next_block() {
	let now = System::block_number() + 1;
	System::set_block_number(now);
	let mut meter = WeightMeter::with_limit(Weight::MAX);
	<Inference as OnPoll<u64>>::on_poll(now, &mut meter);
	check();
}

pub fn go_to(block: u64) {
	while System::block_number() < block {
		next_block();
	}
}

/// Asks, and returns the request's id.
pub fn ask() -> RequestId {
	let id = NextRequestId::<Test>::get();
	assert_ok!(Inference::request(
		RuntimeOrigin::signed(requester()),
		MODEL,
		None,
		input().into_inner(),
		PRICE
	));
	id
}

/// Asks a version, and returns the request's id.
pub fn ask_for(version: VersionId, input: &[f32]) -> RequestId {
	let id = NextRequestId::<Test>::get();
	let origin = RuntimeOrigin::signed(requester());
	let VersionId { model, number } = version;
	assert_ok!(Inference::request(origin, model, Some(number), floats(input), PRICE));
	id
}

/// Asks, and goes to the block in which the committee is drawn.
pub fn ask_and_draw() -> RequestId {
	let id = ask();
	next_block();
	assert!(matches!(state(id), RequestState::Committing { .. }));
	id
}

pub fn state(id: RequestId) -> RequestState<AccountId, u64> {
	Requests::<Test>::get(id).expect("the request is there").state
}

pub fn attempt(id: RequestId) -> u32 {
	Requests::<Test>::get(id).expect("the request is there").attempt
}

pub fn salt(number: u8) -> Salt {
	[number; 32]
}

pub fn commit_to(id: RequestId, number: u8, output: &Output) -> Submission {
	let (genesis, operator) = (Inference::genesis_hash(), account(number));
	let context =
		CommitmentContext { genesis, request: id, attempt: attempt(id), operator: &operator };
	let commitment = commitment(&context, outcome_hash(output), &salt(number));
	let statement = Statement::Commit { commitment };
	Submission { request: id, attempt: attempt(id), statement }
}

pub fn reveal_of(id: RequestId, number: u8, output: &Output) -> Submission {
	let (outcome, salt) = (outcome_hash(output), salt(number));
	let statement = Statement::Reveal { outcome, salt, output: Some(output.clone()) };
	Submission { request: id, attempt: attempt(id), statement }
}

pub fn submit(number: u8, submission: Submission) -> DispatchResult {
	say(hot(number), vec![submission])
}

/// Submits; whatever comes of it costs no more than was declared.
pub fn say(hot_key: AccountId, submissions: Vec<Submission>) -> DispatchResult {
	let submissions: Submissions = submissions.try_into().expect("not too many");
	let declared = Inference::weight_of(&submissions);
	let result = Inference::submit(RuntimeOrigin::signed(hot_key), submissions);
	let info = result.unwrap_or_else(|error| error.post_info);
	let used = info.actual_weight.expect("what it cost is known");
	assert!(used.all_lte(declared), "{used:?} of {declared:?}");
	result.map(|_| ()).map_err(|error| error.error)
}

/// Moves a request on by time.
pub fn advance(id: RequestId) -> DispatchResult {
	let result = Inference::advance(RuntimeOrigin::signed(account(51)), id);
	let info = result.unwrap_or_else(|error| error.post_info);
	let used = info.actual_weight.expect("what it cost is known");
	assert!(used.all_lte(Inference::weight_of_any_transition()));
	result.map(|_| ()).map_err(|error| error.error)
}

/// Commits with a hot key.
pub fn commit(id: RequestId, number: u8, output: &Output) {
	assert_ok!(submit(number, commit_to(id, number, output)));
}

/// Reveals with a hot key.
pub fn reveal(id: RequestId, number: u8, output: &Output) {
	assert_ok!(submit(number, reveal_of(id, number, output)));
}

/// The statuses of a request's seats.
pub fn statuses(id: RequestId) -> Vec<SeatStatus> {
	let state = state(id);
	state
		.committee()
		.into_iter()
		.flatten()
		.map(|seat: &Seat<AccountId>| seat.status)
		.collect()
}

/// A request that the seats of a committee have revealed these outputs for.
pub fn revealed(outputs: &[Output]) -> RequestId {
	let id = ask_and_draw();
	(1..).zip(outputs).for_each(|(number, output)| commit(id, number, output));
	(1..).zip(outputs).for_each(|(number, output)| reveal(id, number, output));
	id
}

/// Puts up a bond for an answer.
pub fn challenge(number: u8, id: RequestId, output: Option<Output>) -> DispatchResult {
	Inference::challenge(RuntimeOrigin::signed(account(number)), id, output)
}

pub fn dispute(id: RequestId) -> DisputeOf<Test> {
	Disputes::<Test>::get(id).expect("the request is in dispute")
}

/// The numbers of the claims that stand.
pub fn standing(id: RequestId) -> Vec<u32> {
	dispute(id).claims.iter().map(|claim| claim.id).collect()
}

/// What is held of an account for weights in the state.
pub fn deposited(number: u8) -> Balance {
	Balances::balance_on_hold(&HoldReason::Resident.into(), &account(number))
}

/// Puts the version's weights into the state.
pub fn reside(number: u8, weights: Vec<u8>) -> DispatchResult {
	Inference::reside(RuntimeOrigin::signed(account(number)), VERSION, weights)
}

/// The end of a block in which so much weight is left; returns what was used of it.
pub fn idle(left: Weight) -> Weight {
	let used = Inference::on_idle(System::block_number(), left);
	assert!(used.all_lte(left), "{used:?} of {left:?}");
	check();
	used
}

/// What is held of an account for its challenges.
pub fn bonded(number: u8) -> Balance {
	Balances::balance_on_hold(&HoldReason::Challenge.into(), &account(number))
}

/// The last block for the next move, or for another challenge.
pub fn until(id: RequestId) -> u64 {
	match state(id) {
		RequestState::Agreed { until, .. } | RequestState::Disputed { until, .. } => until,
		other => panic!("{other:?} can't be challenged"),
	}
}

pub fn result(id: RequestId) -> Option<H256> {
	match state(id) {
		RequestState::Finalized { outcome, .. } => Some(outcome),
		_ => None,
	}
}

pub fn free(who: &AccountId) -> Balance {
	Balances::free_balance(who)
}

pub fn held(who: &AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::Fee.into(), who)
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Inference(event) => Some(event),
			_ => None,
		})
		.collect()
}
