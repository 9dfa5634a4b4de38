//! A runtime to test the pallet in.

use crate as pallet_model_evaluation;
use codec::Encode;
use dodona_engine::{architecture::Class, golden, Model, ENGINE_VERSION};
use dodona_primitives_inference::{
	known_answers_hash, outcome_hash, Ask, Evaluation, HoldOut, Input, KnownAnswer, KnownAnswers,
	Metric, RequestId, ResultSink, RevealedSample, Sample, Stage,
};
use dodona_primitives_models::{
	leaf_proof, pages_root, root_of, Architecture, ArtifactRef, Manifest, ModelGovernance, ModelId,
	ModelInspect, Price, VersionId,
};
use frame_support::{
	assert_ok, derive_impl, ensure,
	pallet_prelude::{OptionQuery, ValueQuery},
	parameter_types, storage_alias,
	traits::ConstU64,
	Blake2_128Concat,
};
use frame_system::ensure_signed;
use sp_core::H256;
use sp_runtime::{BuildStorage, DispatchError, DispatchResult, Perbill, TokenError};

pub type AccountId = u64;
pub type Balance = u128;
type Block = frame_system::mocking::MockBlockU32<Test>;

/// Governs every model.
pub const OWNER: AccountId = 1;
pub const ANYONE: AccountId = 2;
/// Can't pay for two requests.
pub const POOR: AccountId = 3;
/// Reveals the samples of every set.
pub const REVEALER: AccountId = 4;

pub const MODEL: ModelId = 7;
/// Wait for approval.
pub const VERSION: VersionId = VersionId { model: MODEL, number: 5 };
pub const OTHER: VersionId = VersionId { model: MODEL, number: 6 };
pub const PRICE: Balance = 10;
/// The most that the runtime computes itself.
pub const MAX_WORK: u64 = 300_000;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		ModelEvaluation: pallet_model_evaluation,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

parameter_types! {
	/// Number of the version in use of [`MODEL`].
	pub static Active: Option<u32> = Some(1);
	pub static Proposed: Vec<VersionId> = vec![VERSION, OTHER];
	/// Versions that don't answer.
	pub static Silent: Vec<VersionId> = Vec::new();
	pub static Computed: Architecture = mlp();
	/// Architecture, artifact and known answers of every version, if a benchmark has given them.
	pub static Given: Option<(Architecture, ArtifactRef, H256)> = None;
	/// The root over the pages that the manifest names, if it isn't that of [`weights`].
	pub static Pages: Option<H256> = None;
	/// How many questions have known answers.
	pub static Known: u32 = 3;
	/// Whether what the last of them has for an answer is another.
	pub static Wrong: bool = false;
	/// Whether the last of them is no question.
	pub static Unanswerable: bool = false;
}

/// What was asked, in storage, so that it is undone with whatever failed.
#[storage_alias]
pub type Asked =
	StorageMap<Prefix, Blake2_128Concat, RequestId, (AccountId, VersionId, Input), OptionQuery>;

#[storage_alias]
pub type NextRequest = StorageValue<Prefix, RequestId, ValueQuery>;

pub struct Models;

impl ModelInspect for Models {
	type Balance = Balance;

	fn active_version(model: ModelId) -> Option<VersionId> {
		let number = Active::get().filter(|_| model == MODEL)?;
		Some(VersionId { model, number })
	}

	fn manifest(version: VersionId) -> Option<Manifest<Balance>> {
		let usual =
			|| (Computed::get(), ArtifactRef::of(&weights()).0, known_answers_hash(&known()));
		let (architecture, artifact, known_answers) = Given::get().unwrap_or_else(usual);
		(version.model == MODEL).then(|| Manifest {
			architecture,
			artifact,
			pages: Pages::get().unwrap_or_else(|| pages_root(&weights())),
			tokenizer: None,
			folder: None,
			known_answers,
			engine: ENGINE_VERSION,
			derived_from: None,
			licence: Default::default(),
			price: Price { request: PRICE, work: 0 },
		})
	}

	fn is_served(version: VersionId) -> bool {
		Self::active_version(version.model) == Some(version)
	}

	fn may_answer(version: VersionId) -> bool {
		Self::manifest(version).is_some() && !Silent::get().contains(&version)
	}

	fn is_proposed(version: VersionId) -> bool {
		Proposed::get().contains(&version)
	}
}

impl ModelGovernance<RuntimeOrigin> for Models {
	fn ensure_governs(origin: RuntimeOrigin, _: ModelId) -> DispatchResult {
		ensure!(ensure_signed(origin)? == OWNER, DispatchError::BadOrigin);
		Ok(())
	}
}

/// Why nobody can be asked. Events keep no texts of errors.
pub const NOT_SERVED: DispatchError = DispatchError::Unavailable;
pub const TOO_DEAR: DispatchError = DispatchError::Exhausted;
pub const NO_FUNDS: DispatchError = DispatchError::Token(TokenError::FundsUnavailable);

pub struct Committees;

impl Ask for Committees {
	type AccountId = AccountId;
	type Balance = Balance;

	fn ask(
		requester: &AccountId,
		version: VersionId,
		input: Input,
		max_fee: Balance,
	) -> Result<RequestId, DispatchError> {
		ensure!(Models::may_answer(version), NOT_SERVED);
		ensure!(max_fee >= PRICE, TOO_DEAR);
		ensure!(*requester != POOR || NextRequest::get() == 0, NO_FUNDS);
		let request = NextRequest::get();
		NextRequest::put(request + 1);
		Asked::insert(request, (*requester, version, input));
		Ok(request)
	}
}

impl pallet_model_evaluation::Config for Test {
	type Balance = Balance;
	type Models = Models;
	type Ask = Committees;
	type MaxAdmissionWork = ConstU64<MAX_WORK>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchmarkHelper;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkHelper;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId> for BenchmarkHelper {
	fn owner() -> AccountId {
		OWNER
	}

	fn propose(
		model: Option<ModelId>,
		architecture: Architecture,
		artifact: ArtifactRef,
		known_answers: H256,
	) -> VersionId {
		Given::set(Some((architecture, artifact, known_answers)));
		model.map_or(VERSION, |_| OTHER)
	}

	fn activate(version: VersionId) {
		Active::set(Some(version.number));
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

/// Builds the state that a test starts from.
#[derive(Default)]
pub struct ExtBuilder {
	admitted: Vec<VersionId>,
	samples: Option<(u32, u32)>,
}

impl ExtBuilder {
	/// These versions have reproduced their known answers.
	pub fn admitted(mut self, versions: &[VersionId]) -> Self {
		self.admitted = versions.to_vec();
		self
	}

	/// [`MODEL`] has a hold-out set of so many [`samples`], of which an evaluation takes a few.
	pub fn hold_out(mut self, samples: u32, per_evaluation: u32) -> Self {
		self.samples = Some((samples, per_evaluation));
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			Active::set(Some(1));
			Proposed::set(vec![VERSION, OTHER]);
			Silent::set(Vec::new());
			Computed::set(mlp());
			Known::set(3);
			Wrong::set(false);
			Unanswerable::set(false);
			System::set_block_number(1);
			for version in self.admitted {
				let admission = dodona_primitives_inference::Admission::Reproduced;
				crate::Admissions::<Test>::insert(version, admission);
			}
			if let Some((count, per_evaluation)) = self.samples {
				set_hold_out(&samples(0, count), per_evaluation);
			}
			System::reset_events();
		});
		ext
	}

	/// Runs a test, and checks the invariants.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			ModelEvaluation::do_try_state().unwrap();
		});
	}
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Two inputs, two outputs.
pub fn mlp() -> Architecture {
	golden::mlp(&[2, 2])
}

pub fn cnn() -> Architecture {
	golden::networks::cnn(Class::F32, 0)
}

/// The weights of every version.
pub fn weights() -> Vec<u8> {
	golden::artifact(&Computed::get(), 1, 1.0).unwrap()
}

pub fn question(number: u32) -> Input {
	Input::try_from(golden::input(&Computed::get(), number)).unwrap()
}

/// What the engine answers.
pub fn answer(input: &Input) -> Vec<u8> {
	Model::load(&Computed::get(), &weights()).unwrap().run(input).unwrap()
}

/// The questions with known answers of every version.
pub fn known() -> KnownAnswers {
	let mut known: Vec<_> = (0..Known::get())
		.map(|number| {
			let input = question(number);
			let outcome = outcome_hash(&answer(&input));
			KnownAnswer { input, outcome }
		})
		.collect();
	if let Some(last) = known.last_mut() {
		if Wrong::get() {
			last.outcome = outcome_hash(b"another");
		}
		if Unanswerable::get() {
			last.input.pop();
		}
	}
	known.try_into().unwrap()
}

/// Samples, each of whose answers is expected to be largest at place 1.
pub fn samples(seed: u8, count: u32) -> Vec<Sample> {
	(0..count)
		.map(|number| Sample {
			input: question(100 + number),
			expected: 1u32.encode().try_into().unwrap(),
			salt: [seed; 16],
		})
		.collect()
}

pub fn root(samples: &[Sample]) -> H256 {
	root_of(&hashes(samples))
}

fn hashes(samples: &[Sample]) -> Vec<H256> {
	samples.iter().map(Sample::hash).collect()
}

pub fn set_hold_out(samples: &[Sample], per_evaluation: u32) {
	set_hold_out_of(REVEALER, samples, per_evaluation);
}

pub fn set_hold_out_of(revealer: AccountId, samples: &[Sample], per_evaluation: u32) {
	assert_ok!(ModelEvaluation::set_hold_out(
		signed(OWNER),
		MODEL,
		root(samples),
		samples.len() as u32,
		Metric::Accuracy,
		per_evaluation,
		Perbill::from_percent(10),
		revealer,
	));
}

/// The sample at `index` with its proof.
pub fn revealed(samples: &[Sample], index: u32) -> RevealedSample {
	let proof = leaf_proof(&hashes(samples), index).unwrap().try_into().unwrap();
	RevealedSample { sample: samples[index as usize].clone(), proof }
}

pub fn admit(version: VersionId) -> DispatchResult {
	ModelEvaluation::admit(signed(ANYONE), version, known(), PRICE)
}

/// Has the revealer show the samples at these places.
pub fn evaluate(
	version: VersionId,
	samples: &[Sample],
	places: impl IntoIterator<Item = u32>,
) -> DispatchResult {
	evaluate_as(REVEALER, version, samples, places)
}

/// Has `who` show the samples at these places.
pub fn evaluate_as(
	who: AccountId,
	version: VersionId,
	samples: &[Sample],
	places: impl IntoIterator<Item = u32>,
) -> DispatchResult {
	let revealed: Vec<_> = places.into_iter().map(|index| revealed(samples, index)).collect();
	ModelEvaluation::evaluate(signed(who), version, revealed.try_into().unwrap(), PRICE)
}

/// Checks that samples are used up although nobody could be asked, for this reason, and that nothing
/// else changes.
pub fn assert_wasted(error: impl Into<DispatchError>, evaluate: impl FnOnce() -> DispatchResult) {
	let (used, evaluations, asked) = (hold_out().used, evaluations(), asked());
	let (open, told) = (open(), events().len());
	assert_ok!(evaluate());
	let events = events();
	let Some(crate::Event::EvaluationFailed { first, count, error: why, .. }) = events.last()
	else {
		panic!("{events:?}");
	};
	assert_eq!((*first, *why, events.len()), (used, error.into(), told + 1));
	assert!(*count > 0);
	assert_eq!(hold_out().used, used + count);
	assert_eq!((crate::mock::evaluations(), crate::mock::asked()), (evaluations, asked));
	assert_eq!(crate::mock::open(), open);
	ModelEvaluation::do_try_state().unwrap();
}

fn evaluations() -> Vec<(VersionId, crate::Course)> {
	let mut all: Vec<_> = crate::Evaluations::<Test>::iter().collect();
	all.sort_by_key(|(version, _)| *version);
	all
}

/// What was asked: who asked whom, by request.
pub fn asked() -> Vec<(RequestId, AccountId, VersionId)> {
	let mut asked: Vec<_> = Asked::iter()
		.map(|(request, (who, version, _))| (request, who, version))
		.collect();
	asked.sort();
	asked
}

/// Requests that are not answered, in their order.
pub fn open() -> Vec<RequestId> {
	let mut open: Vec<_> = crate::Questions::<Test>::iter_keys().collect();
	open.sort();
	open
}

/// A request ends with this output.
pub fn finalize(request: RequestId, output: &[u8]) {
	ModelEvaluation::finalized(request, outcome_hash(output), output);
	ModelEvaluation::do_try_state().unwrap();
}

/// A request ends without an answer.
pub fn fail(request: RequestId) {
	ModelEvaluation::failed(request);
	ModelEvaluation::do_try_state().unwrap();
}

/// A request ends with the engine's answer.
pub fn finalize_rightly(request: RequestId) {
	let (_, _, input) = Asked::get(request).unwrap();
	finalize(request, &answer(&input));
}

/// An output that [`samples`] count as 1 or 0.
pub fn output(right: bool) -> Vec<u8> {
	let floats: [f32; 2] = if right { [0.0, 1.0] } else { [1.0, 0.0] };
	floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// Answers all open questions: of each version as many rightly as it is given points.
pub fn answer_all(mut candidate: u32, mut active: u32) {
	for request in open() {
		let (_, _, version) = asked()[request as usize];
		let points = if Proposed::get().contains(&version) { &mut candidate } else { &mut active };
		let right = *points > 0;
		*points = points.saturating_sub(1);
		finalize(request, &output(right));
	}
}

pub fn evaluation(version: VersionId) -> Evaluation {
	ModelEvaluation::evaluation(version).unwrap()
}

pub fn hold_out() -> HoldOut {
	ModelEvaluation::hold_out(MODEL).unwrap()
}

pub fn scored(candidate: u32, active: u32) -> Stage {
	let [candidate, active] = [candidate, active].map(Perbill::from_percent);
	Stage::Scored { candidate, active }
}

/// The pallet's events so far.
pub fn events() -> Vec<crate::Event<Test>> {
	System::read_events_for_pallet::<crate::Event<Test>>()
}
