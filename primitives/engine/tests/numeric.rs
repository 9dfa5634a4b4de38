//! The arithmetic is what it is defined to be.

use burn::tensor::{activation::relu, TensorData};
use dodona_engine::{
	architecture::{mlp, Architecture},
	golden::{self, Generator, CASES},
	numeric::f32::{all_finite, decode, product, product_reference, tensor, values},
	Class, EngineError, Model,
};
use proptest::prelude::*;

fn widths(architecture: &Architecture) -> Vec<usize> {
	let Architecture::Mlp(mlp::Config { widths }) = architecture else { unreachable!() };
	widths.iter().map(|width| *width as usize).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

/// Weights as [inputs, outputs] and biases, in the order in which `golden::artifact` draws them.
fn layers(widths: &[usize], seed: u32, scale: f32) -> Vec<(Vec<f32>, Vec<f32>)> {
	let mut generator = Generator(seed).map(|value| value * scale);
	widths
		.windows(2)
		.map(|pair| {
			let file: Vec<f32> = generator.by_ref().take(pair[0] * pair[1]).collect();
			let weight = (0..file.len()).map(|at| file[at % pair[1] * pair[0] + at / pair[1]]);
			(weight.collect(), generator.by_ref().take(pair[1]).collect())
		})
		.collect()
}

/// The forward pass in nothing but burn's element-wise operations.
fn run_reference(architecture: &Architecture, seed: u32, scale: f32) -> Vec<f32> {
	let widths = widths(architecture);
	let input: Vec<f32> = decode(&golden::input(architecture, seed)).collect();
	let mut x = tensor(TensorData::new(input, [1, widths[0]]));
	let layers = layers(&widths, seed, scale);
	for (index, (weight, bias)) in layers.iter().enumerate() {
		let shape = [widths[index], widths[index + 1]];
		let weight = tensor(TensorData::new(weight.clone(), shape));
		let bias = tensor(TensorData::new(bias.clone(), [1, shape[1]]));
		x = product_reference(x, weight) + bias;
		if index + 1 < layers.len() {
			x = relu(x);
		}
	}
	values(x).unwrap()
}

fn run_engine(architecture: &Architecture, seed: u32, scale: f32) -> Vec<f32> {
	let artifact = golden::artifact(architecture, seed, scale).unwrap();
	let model = Model::load(architecture, &artifact).unwrap();
	decode(&model.run(&golden::input(architecture, seed)).unwrap()).collect()
}

/// The forward pass with `add(sum, x, weight)` in place of the contract's step.
fn run_with(case: &golden::Case, back: bool, add: fn(f32, f32, f32) -> f32) -> Vec<u32> {
	let architecture = golden::mlp(case.widths);
	let widths = widths(&architecture);
	let mut x: Vec<f32> = decode(&golden::input(&architecture, case.seed)).collect();
	let layers = layers(&widths, case.seed, case.scale);
	for (index, (weight, bias)) in layers.iter().enumerate() {
		let outputs = bias.len();
		let sum = |j: usize| {
			let step = |sum, k: usize| add(sum, x[k], weight[k * outputs + j]);
			let sum = if back {
				(0..x.len()).rev().fold(0.0, step)
			} else {
				(0..x.len()).fold(0.0, step)
			};
			sum + bias[j]
		};
		let y: Vec<f32> = (0..outputs).map(sum).collect();
		x = if index + 1 < layers.len() { y.iter().map(|v| v.max(0.0)).collect() } else { y };
	}
	bits(&x)
}

#[test]
fn self_test_should_pass() {
	assert_eq!(golden::self_test(), Ok(()));
}

#[test]
fn self_test_should_run_each_architecture_in_each_class() {
	let mlps = CASES.iter().map(|case| golden::mlp(case.widths));
	let llamas = golden::llama::cases().into_iter().map(|case| Architecture::Llama(case.config));
	let networks = golden::networks::cases().into_iter().map(|case| case.architecture);
	let architectures: Vec<Architecture> = mlps.chain(llamas).chain(networks).collect();
	let has = |class, is: fn(&Architecture) -> bool| {
		architectures.iter().any(|one| one.class() == class && is(one))
	};
	assert!(has(Class::F32, |one| matches!(one, Architecture::Mlp(_))));
	for class in [Class::F32, Class::Q8] {
		assert!(has(class, |one| matches!(one, Architecture::Llama(_))));
		assert!(has(class, |one| matches!(one, Architecture::Bert(_))));
		assert!(has(class, |one| matches!(one, Architecture::Cnn(_))));
	}
}

#[test]
fn golden_cases_should_be_what_the_contract_says_in_plain_rust() {
	for case in CASES {
		assert_eq!(run_with(case, false, |sum, x, w| sum + x * w), case.output);
	}
}

#[test]
fn golden_cases_should_differ_when_multiply_adds_are_fused() {
	for case in &CASES[2..5] {
		assert_ne!(run_with(case, false, |sum, x, w| x.mul_add(w, sum)), case.output);
	}
}

#[test]
fn golden_cases_should_differ_when_the_order_of_summation_is_another() {
	for case in &CASES[2..5] {
		assert_ne!(run_with(case, true, |sum, x, w| sum + x * w), case.output);
	}
}

#[test]
fn golden_cases_should_differ_when_subnormals_are_flushed() {
	fn flush(value: f32) -> f32 {
		if value.is_subnormal() {
			0.0
		} else {
			value
		}
	}
	let case = &CASES[5];
	assert_ne!(run_with(case, false, |sum, x, w| flush(sum + flush(x * w))), case.output);
}

#[test]
fn golden_cases_should_be_what_burns_elementwise_operations_give() {
	for case in CASES {
		let reference = run_reference(&golden::mlp(case.widths), case.seed, case.scale);
		assert_eq!(bits(&reference), case.output);
	}
}

#[test]
fn relu_should_keep_what_is_not_below_zero() {
	let given = [-1.0, -f32::MIN_POSITIVE, -0.0, 0.0, f32::MIN_POSITIVE, 1.0, f32::MAX, f32::MIN];
	let got = values(relu(tensor(TensorData::new(given.to_vec(), [1, 8])))).unwrap();
	assert_eq!(bits(&got), bits(&[0.0, 0.0, -0.0, 0.0, f32::MIN_POSITIVE, 1.0, f32::MAX, 0.0]));
}

#[test]
fn product_should_start_at_positive_zero() {
	let mut out = [f32::NAN; 2];
	product(&[-0.0, 1.0], &[1.0, 0.0, -0.0, -0.0], &mut out);
	assert_eq!(bits(&out), bits(&[0.0, 0.0]));
}

#[test]
fn all_finite_should_see_each_non_finite_value() {
	for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
		for at in 0..7 {
			let mut row = [f32::MAX, f32::MIN, 0.0, -0.0, 1.0, 1e-45, -1e-45];
			assert!(all_finite(&tensor(TensorData::new(row.to_vec(), [1, 7]))).unwrap());
			row[at] = bad;
			assert!(!all_finite(&tensor(TensorData::new(row.to_vec(), [1, 7]))).unwrap());
		}
	}
}

#[test]
fn model_should_give_equal_bytes_from_several_threads() {
	let architecture = golden::mlp(&[64, 48, 10]);
	let artifact = golden::artifact(&architecture, 9, 1.0).unwrap();
	let model = Model::load(&architecture, &artifact).unwrap();
	let input = golden::input(&architecture, 9);
	let expected = model.run(&input).unwrap();
	std::thread::scope(|scope| {
		for _ in 0..4 {
			let (model, input, expected) = (model.clone(), &input, &expected);
			scope.spawn(move || assert_eq!(&model.run(input).unwrap(), expected));
		}
	});
}

/// Finite values of very different sizes; sums of few of them stay finite.
fn value() -> impl Strategy<Value = f32> {
	(any::<bool>(), 0u32..180, 0u32..1 << 23)
		.prop_map(|(sign, exponent, mantissa)| {
			(u32::from(sign) << 31) | (exponent << 23) | mantissa
		})
		.prop_map(f32::from_bits)
}

fn matrices() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, usize)> {
	(1usize..70, 1usize..70).prop_flat_map(|(inputs, outputs)| {
		(
			prop::collection::vec(value(), inputs),
			prop::collection::vec(value(), inputs * outputs),
			Just(outputs),
		)
	})
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn product_should_have_the_references_bits((x, weight, outputs) in matrices()) {
		let mut fast = vec![0.0; outputs];
		product(&x, &weight, &mut fast);
		let inputs = x.len();
		let reference = product_reference(
			tensor(TensorData::new(x, [1, inputs])),
			tensor(TensorData::new(weight, [inputs, outputs])),
		);
		prop_assert_eq!(bits(&fast), bits(&values(reference).unwrap()));
	}

	#[test]
	fn model_should_have_the_references_bits(
		widths in prop::collection::vec(1u32..40, 2..6),
		seed in any::<u32>(),
		scale in prop::sample::select(vec![1.0, 1.0 / 64.0, 16.0]),
	) {
		let architecture = golden::mlp(&widths);
		let engine = run_engine(&architecture, seed, scale);
		prop_assert_eq!(bits(&engine), bits(&run_reference(&architecture, seed, scale)));
	}
}

#[test]
fn model_should_refuse_a_result_that_is_not_finite() {
	let architecture = golden::mlp(&[4, 3, 2]);
	for (scale, layer) in [(f32::MAX, 0), (2f32.powi(80), 1)] {
		let artifact = golden::artifact(&architecture, 1, scale).unwrap();
		let model = Model::load(&architecture, &artifact).unwrap();
		let input = golden::input(&architecture, 1);
		assert_eq!(model.run(&input), Err(EngineError::NonFiniteResult { layer }));
	}
}
