//! Benchmarks of the calls, and of being told an answer.

use super::*;
use alloc::{vec, vec::Vec};
use codec::Encode;
use dodona_engine::{
	architecture::{cnn, Class},
	golden, Model,
};
use dodona_primitives_inference::{
	known_answers_hash, outcome_hash, Admission, Evaluation, Expected, HoldOut, Input, KnownAnswer,
	KnownAnswers, Metric, RequestId, ResultSink, RevealedSample, Sample, Stage, MAX_EVALUATED,
	MAX_INPUT_LEN, MAX_OUTPUT_LEN, MAX_SAMPLES,
};
use dodona_primitives_models::{
	pages_root, root_of, Architecture, ArtifactRef, ModelId, VersionId, CHUNK_SIZE,
};
use frame_benchmarking::v2::*;
use frame_support::pallet_prelude::*;
use frame_system::RawOrigin;
use sp_core::H256;
use sp_runtime::{
	traits::{BlakeTwo256, Bounded, Hash},
	Perbill,
};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// Owns the models that [`Self::propose`] makes, and can pay for requests.
	fn owner() -> AccountId;

	/// A version that waits for approval, of `model` or of a new one, with a price above zero.
	fn propose(
		model: Option<ModelId>,
		architecture: Architecture,
		artifact: ArtifactRef,
		pages: H256,
		known_answers: H256,
	) -> VersionId;

	/// Approves a version, which is admitted, and puts it into use.
	fn activate(version: VersionId);
}

const REQUEST: RequestId = 7;

fn input(len: u32) -> Input {
	BoundedVec::truncate_from(vec![0; len as usize])
}

/// A perceptron of so many inputs.
fn architecture(inputs: u32, outputs: u32) -> Architecture {
	golden::mlp(&[inputs.max(1), outputs.max(1)])
}

/// Some artifact that can be of this architecture.
fn artifact(seed: u8, architecture: &Architecture) -> ArtifactRef {
	let size = architecture.least_artifact_len().saturating_add(1024);
	ArtifactRef {
		root: H256::repeat_byte(seed),
		index: H256::repeat_byte(seed),
		size,
		chunks: u32::try_from(size.div_ceil(CHUNK_SIZE.into())).unwrap_or(u32::MAX),
	}
}

/// One question with a known answer.
fn known(len: u32) -> KnownAnswers {
	let known = KnownAnswer { input: input(len), outcome: outcome_hash(b"") };
	BoundedVec::truncate_from(vec![known])
}

/// The first sample of a set as large as one can be, the set, and its proof. Only the way to the
/// root is there.
fn first_sample(len: u32) -> (HoldOut, RevealedSample) {
	let expected = Expected::truncate_from(vec![1; Expected::bound()]);
	let sample = Sample { input: input(len), expected, salt: [1; 16] };
	let mut proof = BoundedVec::default();
	let mut root = root_of(&[sample.hash()]);
	for level in 0..MAX_SAMPLES.ilog2() {
		let sibling = H256::repeat_byte(level as u8);
		root = BlakeTwo256::hash(&[root.as_bytes(), sibling.as_bytes()].concat());
		let _ = proof.try_push(sibling);
	}
	let hold_out = HoldOut {
		root,
		samples: MAX_SAMPLES,
		metric: Metric::Accuracy,
		per_evaluation: MAX_EVALUATED,
		margin: Perbill::zero(),
		used: 0,
	};
	(hold_out, RevealedSample { sample, proof })
}

/// Has a model measured by this set, of which the owner of all models reveals the samples.
fn set_of<T: Config>(model: ModelId, hold_out: HoldOut) {
	let revealer = T::BenchmarkHelper::owner();
	HoldOuts::<T>::insert(model, HoldOutSet { number: 1, revealer, hold_out });
}

/// An evaluation that waits for nothing but the answer to [`REQUEST`].
fn last_sample<T: Config>(version: VersionId, expected: Expected) {
	let evaluation = Evaluation {
		against: 1,
		first: 0,
		revealed: MAX_EVALUATED,
		samples: MAX_EVALUATED,
		pending: 1,
		candidate: 0,
		active: 0,
		stage: Stage::Running,
	};
	let course = Course { set: 1, metric: Metric::Accuracy, evaluation };
	let run = course.run();
	Evaluations::<T>::insert(version, course);
	let question = Question::Sample { version, run, candidate: true, expected };
	Questions::<T>::insert(REQUEST, question);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// One question of so many bytes.
	#[benchmark]
	fn admit(i: Linear<4, MAX_INPUT_LEN>) -> Result<(), BenchmarkError> {
		let answers = known(i / 4 * 4);
		let network = architecture(i / 4, 1);
		let hash = known_answers_hash(&answers);
		let (artifact, pages) = (artifact(1, &network), H256::zero());
		let version = T::BenchmarkHelper::propose(None, network, artifact, pages, hash);
		let who = T::BenchmarkHelper::owner();

		#[extrinsic_call]
		_(RawOrigin::Signed(who), version, answers, T::Balance::max_value());

		assert!(matches!(Admissions::<T>::get(version), Some(Admission::Asked { pending: 1, .. })));
		Ok(())
	}

	/// Weights of so many bytes, and the little that is computed with them.
	#[benchmark]
	fn admit_here(b: Linear<2048, { CHUNK_SIZE }>) -> Result<(), BenchmarkError> {
		const INPUTS: u32 = 256;
		// A weight for each input, one for the output, and a bias; and a header of up to 512 bytes.
		let hidden = (b - 512) / 4 / (INPUTS + 2);
		let network = golden::mlp(&[INPUTS, hidden, 1]);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let model = Model::load(&network, &weights).map_err(|_| "it is a model")?;
		let input = Input::truncate_from(golden::input(&network, 1));
		let output = model.run(&input).map_err(|_| "it is an input")?;
		let known = KnownAnswer { input, outcome: outcome_hash(&output) };
		let answers = KnownAnswers::truncate_from(vec![known]);
		let hash = known_answers_hash(&answers);
		let (artifact, pages) = (ArtifactRef::of(&weights).0, pages_root(&weights));
		let version = T::BenchmarkHelper::propose(None, network, artifact, pages, hash);
		let who = T::BenchmarkHelper::owner();

		#[extrinsic_call]
		_(RawOrigin::Signed(who), version, answers, weights);

		assert_eq!(Admissions::<T>::get(version), Some(Admission::Reproduced));
		Ok(())
	}

	/// So many thousands of what counts as work, of the kind that takes longest: convolutions that
	/// multiply each value with one weight.
	#[benchmark]
	fn compute(w: Linear<8, 999>) -> Result<(), BenchmarkError> {
		const LAYERS: u32 = 61;
		let conv = cnn::Layer::Conv2d { outputs: 1, kernel: 1, stride: 1, padding: 0 };
		let mut layers = vec![conv; LAYERS as usize - 1];
		layers.push(cnn::Layer::MaxPool { size: 2, stride: 2 });
		let (channels, height, width) = (1, w * 1_000 / LAYERS / 64, 64);
		let layers = BoundedVec::truncate_from(layers);
		let config = cnn::Config { class: Class::Q8, channels, height, width, layers };
		let network = Architecture::Cnn(config);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let model = Model::load(&network, &weights).map_err(|_| "it is a model")?;
		let input = golden::input(&network, 1);
		let output;

		#[block]
		{
			output = model.run(&input);
		}

		assert!(output.is_ok());
		Ok(())
	}

	#[benchmark]
	fn set_hold_out() -> Result<(), BenchmarkError> {
		let network = architecture(1, 1);
		let (artifact, zero) = (artifact(1, &network), H256::zero());
		let version = T::BenchmarkHelper::propose(None, network, artifact, zero, zero);
		let who = T::BenchmarkHelper::owner();
		let (hold_out, _) = first_sample(4);
		set_of::<T>(version.model, hold_out);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(who.clone()),
			version.model,
			H256::repeat_byte(1),
			MAX_SAMPLES,
			Metric::Accuracy,
			MAX_EVALUATED,
			Perbill::zero(),
			who.clone(),
		);

		assert_eq!(HoldOuts::<T>::get(version.model).map(|set| set.number), Some(2));
		Ok(())
	}

	/// One sample with a question of so many bytes.
	#[benchmark]
	fn evaluate(i: Linear<4, MAX_INPUT_LEN>) -> Result<(), BenchmarkError> {
		let network = architecture(i / 4, 1);
		let propose = |model, seed| {
			let (artifact, zero) = (artifact(seed, &network), H256::zero());
			let version = T::BenchmarkHelper::propose(model, network.clone(), artifact, zero, zero);
			Admissions::<T>::insert(version, Admission::Reproduced);
			version
		};
		let active = propose(None, 1);
		T::BenchmarkHelper::activate(active);
		let version = propose(Some(active.model), 2);
		let (hold_out, revealed) = first_sample(i / 4 * 4);
		set_of::<T>(version.model, hold_out);
		let revealed = BoundedVec::truncate_from(vec![revealed]);
		let who = T::BenchmarkHelper::owner();

		#[extrinsic_call]
		_(RawOrigin::Signed(who), version, revealed, T::Balance::max_value());

		assert_eq!(Evaluations::<T>::get(version).map(|course| course.evaluation.pending), Some(2));
		Ok(())
	}

	/// The last known answer.
	#[benchmark]
	fn take_known() -> Result<(), BenchmarkError> {
		let version = VersionId { model: 0, number: 1 };
		let outcome = outcome_hash(b"");
		Questions::<T>::insert(REQUEST, Question::Known { version, outcome });
		Admissions::<T>::insert(version, Admission::Asked { pending: 1, incomplete: false });

		#[block]
		{
			Pallet::<T>::finalized(REQUEST, outcome, b"");
		}

		assert_eq!(Admissions::<T>::get(version), Some(Admission::Reproduced));
		Ok(())
	}

	/// The last sample's answer, as long as one can be.
	#[benchmark]
	fn take_sample() -> Result<(), BenchmarkError> {
		let version = VersionId { model: 0, number: 1 };
		let output: Vec<u8> =
			(0..MAX_OUTPUT_LEN / 4).flat_map(|value| (value as f32).to_le_bytes()).collect();
		let outcome = outcome_hash(&output);
		last_sample::<T>(version, Expected::truncate_from((MAX_OUTPUT_LEN / 4 - 1).encode()));

		#[block]
		{
			Pallet::<T>::finalized(REQUEST, outcome, &output);
		}

		let course = Evaluations::<T>::get(version).ok_or("the evaluation is there")?;
		assert!(matches!(course.evaluation.stage, Stage::Scored { .. }));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
