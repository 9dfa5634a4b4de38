//! Encoders and convolutional networks: answers, limits, artifacts that are wrong or harmful.

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
	},
	golden::{self, networks},
	numeric::{
		f32::{decode, encode},
		math,
		matrix::{F32Builder, Matrix},
	},
	Architecture, Class, ConfigFault, EngineError, Field, InputFault, Model, Real, Source, Tensors,
};
use proptest::prelude::*;
use safetensors::{tensor::TensorView, SafeTensors};
use std::collections::BTreeMap;

/// Names, shapes and values of a file of floats.
type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn bert(change: impl FnOnce(&mut bert::Config)) -> Architecture {
	let Architecture::Bert(mut config) = networks::bert(Class::F32, 0) else { unreachable!() };
	change(&mut config);
	Architecture::Bert(config)
}

fn cnn(
	[channels, height, width]: [u32; 3],
	layers: impl IntoIterator<Item = Layer>,
) -> Architecture {
	let layers = layers.into_iter().collect::<Vec<_>>().try_into().unwrap();
	Architecture::Cnn(cnn::Config { class: Class::F32, channels, height, width, layers })
}

fn conv(outputs: u32, kernel: u32, stride: u32, padding: u32) -> Layer {
	Layer::Conv2d { outputs, kernel, stride, padding }
}

fn fault(architecture: &Architecture) -> Option<ConfigFault> {
	match architecture.validate() {
		Ok(()) => None,
		Err(EngineError::InvalidConfig(fault)) => Some(fault),
		Err(other) => panic!("{other}"),
	}
}

fn weights(architecture: &Architecture, seed: u32) -> Weights {
	let file = golden::artifact(architecture, seed, 1.0).unwrap();
	let file = SafeTensors::deserialize(&file).unwrap();
	file.iter()
		.map(|(name, view)| (name.into(), (view.shape().to_vec(), decode(view.data()).collect())))
		.collect()
}

fn file(weights: &Weights) -> Vec<u8> {
	let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = weights
		.iter()
		.map(|(name, (shape, values))| (name, shape, encode(values)))
		.collect();
	let views = bytes.iter().map(|(name, shape, bytes)| {
		(name.as_str(), TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes).unwrap())
	});
	safetensors::serialize(views, None).unwrap()
}

fn run(architecture: &Architecture, file: &[u8], input: &[u8]) -> Result<Vec<f32>, EngineError> {
	Model::load(architecture, file)?
		.run(input)
		.map(|output| decode(&output).collect())
}

/// What the four of `networks` with these weights give, and their inputs.
fn all() -> impl Iterator<Item = (Architecture, Vec<u8>, Vec<u8>)> {
	networks::cases().into_iter().map(|case| {
		let file = golden::artifact(&case.architecture, case.seed, 1.0).unwrap();
		(case.architecture, file, case.input)
	})
}

#[test]
fn network_should_give_the_known_answers() {
	for case in networks::cases() {
		let bits = networks::run(&case).unwrap();
		assert_eq!(bits, case.output, "{:?}", case.architecture);
	}
}

#[test]
fn network_should_say_its_lengths() {
	for (architecture, file, input) in all() {
		let output = Model::load(&architecture, &file).unwrap().run(&input).unwrap();
		assert_eq!(output.len() as u32, architecture.output_len());
		assert_eq!(architecture.max_output_len(&input), architecture.output_len());
		assert!(architecture.check_output_len(architecture.output_len()));
		assert!(!architecture.check_output_len(architecture.output_len() + 4));
		assert!(input.len() as u32 <= architecture.input_len());
		assert!(architecture.least_artifact_len() <= file.len() as u64);
		assert!(Model::load(&architecture, &file).unwrap().bytes() > 0);
		let decoded = Architecture::decode(&mut &architecture.encode()[..]);
		assert_eq!(decoded, Ok(architecture));
	}
}

#[test]
fn encoder_should_count_its_parameters_and_its_work() {
	let architecture = networks::bert(Class::F32, 0);
	let there: usize = weights(&architecture, 1).values().map(|(_, values)| values.len()).sum();
	assert_eq!(architecture.parameters(), there as u64);
	// Two blocks: four of 12 · 12 and two of 12 · 20 for each of 3 tokens, 2 · 12 for each pair.
	let work = 2 * (3 * (4 * 12 * 12 + 2 * 12 * 20) + 2 * 12 * 9);
	assert_eq!(architecture.work(&vec![1u32, 2, 3].encode()), work);
	assert_eq!(architecture.work(&[1]), 0);
}

#[test]
fn cnn_should_count_its_parameters_and_its_work() {
	let architecture = networks::cnn(Class::F32, 0);
	let there: usize = weights(&architecture, 1).values().map(|(_, values)| values.len()).sum();
	assert_eq!(architecture.parameters(), there as u64);
	let layers = [conv(2, 3, 1, 0), Layer::Relu, Layer::Flatten, Layer::Linear { outputs: 5 }];
	let work = 8 * 27 + 8 + 8 + 5 * 8;
	assert_eq!(cnn([3, 4, 4], layers).work(&[]), work);
}

#[test]
fn encoder_should_refuse_when_the_input_is_not_made_of_its_tokens() {
	let (architecture, file, _) = all().next().unwrap();
	let model = Model::load(&architecture, &file).unwrap();
	let refusal = |input: &[u8], fault: InputFault| {
		assert_eq!(architecture.check_input(input), Err(EngineError::InvalidInput(fault)));
		assert_eq!(model.run(input), Err(EngineError::InvalidInput(fault)));
	};
	let mut followed = vec![1u32].encode();
	followed.push(0);
	refusal(&[], InputFault::Undecodable);
	refusal(&followed, InputFault::Undecodable);
	refusal(&vec![1u32, 2].encode()[..6], InputFault::Undecodable);
	// A count of 2^30 - 1.
	refusal(&[0xfe, 0xff, 0xff, 0xff], InputFault::Undecodable);
	refusal(&Vec::<u32>::new().encode(), InputFault::NoToken);
	refusal(&vec![1u32; 17].encode(), InputFault::TooManyTokens { got: 17, most: 16 });
	refusal(&vec![36u32, 37].encode(), InputFault::UnknownToken { at: 1, token: 37 });
	assert!(model.run(&vec![36u32; 16].encode()).is_ok());
}

#[test]
fn cnn_should_refuse_when_the_input_is_not_an_image() {
	let (architecture, file, mut input) = all().nth(2).unwrap();
	let model = Model::load(&architecture, &file).unwrap();
	let expected = 4 * 2 * 9 * 8;
	assert_eq!(
		model.run(&input[1..]),
		Err(EngineError::WrongInputLength { expected, got: expected - 1 })
	);
	input[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
	assert_eq!(model.run(&input), Err(EngineError::NonFiniteInput { at: 2 }));
}

#[test]
fn encoder_should_be_refused_when_a_size_is_out_of_bounds() {
	type Case = (Field, u32, fn(&mut bert::Config) -> &mut u32);
	let cases: [Case; 6] = [
		(Field::Vocabulary, bert::MAX_VOCAB, |config| &mut config.vocab),
		(Field::Positions, bert::MAX_POSITIONS, |config| &mut config.max_positions),
		(Field::TokenTypes, bert::MAX_TYPES, |config| &mut config.types),
		(Field::Hidden, bert::MAX_HIDDEN, |config| &mut config.hidden),
		(Field::Intermediate, bert::MAX_INTERMEDIATE, |config| &mut config.intermediate),
		(Field::Layers, bert::MAX_LAYERS, |config| &mut config.layers),
	];
	for (field, most, size) in cases {
		let with = |value| {
			fault(&bert(|config| {
				config.heads = 1;
				*size(config) = value;
			}))
		};
		for got in [0, most + 1, 1_000_000_000] {
			assert_eq!(with(got), Some(ConfigFault::OutOfBounds { field, got, least: 1, most }));
		}
		assert_eq!(with(1), None);
		assert_eq!(with(most), None);
	}
}

#[test]
fn encoder_should_be_refused_when_its_heads_do_not_share_it_equally() {
	let with = |heads| fault(&bert(|config| config.heads = heads));
	let uneven = |of| Some(ConfigFault::NotAMultiple { field: Field::Hidden, got: 12, of });
	assert_eq!(with(12), None);
	assert_eq!(with(5), uneven(5));
	assert_eq!(with(24), uneven(24));
	let (field, most) = (Field::Heads, bert::MAX_HIDDEN);
	assert_eq!(with(0), Some(ConfigFault::OutOfBounds { field, got: 0, least: 1, most }));
}

#[test]
fn encoder_should_be_refused_when_its_epsilon_is_unsound() {
	for eps in [0.0, -1e-5, f32::NAN, f32::INFINITY] {
		let unsound = ConfigFault::UnsoundReal { field: Field::NormEps };
		assert_eq!(fault(&bert(|config| config.norm_eps = Real::new(eps))), Some(unsound));
	}
	assert_eq!(fault(&bert(|config| config.norm_eps = Real::new(1e-40))), None);
}

#[test]
fn cnn_should_be_refused_when_a_layer_is_impossible() {
	let impossible = |at| Some(ConfigFault::ImpossibleLayer { at });
	let of = |layers: &[Layer]| fault(&cnn([2, 5, 7], layers.iter().copied()));
	assert_eq!(of(&[conv(1, 5, 1, 0)]), None);
	assert_eq!(of(&[conv(1, 6, 1, 0)]), impossible(0));
	assert_eq!(of(&[conv(1, 6, 1, 1)]), None);
	assert_eq!(of(&[conv(1, 1, 0, 0)]), impossible(0));
	assert_eq!(of(&[conv(1, 0, 1, 0)]), impossible(0));
	assert_eq!(of(&[conv(1, 3, 1, 3)]), impossible(0));
	assert_eq!(of(&[conv(1, u32::MAX, u32::MAX, u32::MAX - 1)]), impossible(0));
	assert_eq!(of(&[Layer::Linear { outputs: 1 }]), impossible(0));
	assert_eq!(of(&[Layer::Flatten, conv(1, 1, 1, 0)]), impossible(1));
	assert_eq!(of(&[Layer::Relu, Layer::MaxPool { size: 6, stride: 1 }]), impossible(1));
	assert_eq!(of(&[Layer::AvgPool { size: 0, stride: 1 }]), impossible(0));
	assert_eq!(of(&[Layer::AvgPool { size: 2, stride: 0 }]), impossible(0));
	assert_eq!(of(&[Layer::Flatten, Layer::Flatten, Layer::Tanh]), None);
}

#[test]
fn cnn_should_be_refused_when_a_size_is_out_of_bounds() {
	let out = |field, got, most| Some(ConfigFault::OutOfBounds { field, got, least: 1, most });
	let none: [Layer; 0] = [];
	assert_eq!(fault(&cnn([1, 1, 1], none)), out(Field::Layers, 0, cnn::MAX_LAYERS));
	let of = |shape, layers: &[Layer]| fault(&cnn(shape, layers.iter().copied()));
	assert_eq!(of([0, 1, 1], &[Layer::Relu]), out(Field::Image, 0, cnn::MAX_INPUTS));
	assert_eq!(of([u32::MAX; 3], &[Layer::Relu]), out(Field::Image, u32::MAX, cnn::MAX_INPUTS));
	let [big, small] = [cnn::MAX_INPUTS, cnn::MAX_OUTPUTS];
	assert_eq!(of([big + 1, 1, 1], &[Layer::Relu]), out(Field::Image, big + 1, big));
	assert_eq!(of([small + 1, 1, 1], &[Layer::Relu]), out(Field::Outputs, small + 1, small));
	assert_eq!(of([small, 1, 1], &[Layer::Relu]), None);
	let linear = |outputs| Layer::Linear { outputs };
	assert_eq!(of([1, 1, 1], &[Layer::Flatten, linear(0)]), out(Field::Values, 0, cnn::MAX_VALUES));
	let values = cnn::MAX_VALUES;
	let wide = [Layer::Flatten, linear(values + 1), linear(1)];
	assert_eq!(of([1, 1, 1], &wide), out(Field::Values, values + 1, values));
	let window = cnn::MAX_WINDOW;
	let wide = [Layer::Flatten, linear(window + 1), linear(1)];
	assert_eq!(of([1, 1, 1], &wide), out(Field::Window, window + 1, window));
	let many = ConfigFault::TooManyParameters { most: cnn::MAX_PARAMETERS };
	// 1023 · 4096 + 4097 parameters are one too many.
	let wide = |hidden| [Layer::Flatten, linear(hidden), linear(1)];
	assert_eq!(of([1021, 1, 1], &wide(4096)), None);
	assert_eq!(of([1022, 1, 1], &wide(4096)), Some(many));
}

#[test]
fn encoder_should_load_when_its_tensors_have_other_names() {
	let architecture = networks::bert(Class::F32, 0);
	let input = vec![5u32, 6, 7].encode();
	let plain = weights(&architecture, 3);
	let answer = run(&architecture, &file(&plain), &input).unwrap();

	let renamed = |rename: &dyn Fn(&str) -> String| {
		let mut renamed: Weights =
			plain.iter().map(|(name, tensor)| (rename(name), tensor.clone())).collect();
		for head in ["cls.predictions.bias", "pooler.dense.weight", "embeddings.position_ids"] {
			renamed.insert(rename(head), (vec![2], vec![1.0, 2.0]));
		}
		run(&architecture, &file(&renamed), &input)
	};
	assert_eq!(renamed(&|name| name.into()), Ok(answer.clone()));
	assert_eq!(renamed(&|name| format!("bert.{name}")), Ok(answer.clone()));
	let early = |name: &str| {
		let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
		format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
	};
	assert_eq!(renamed(&early), Ok(answer));
}

#[test]
fn network_should_be_refused_when_a_tensor_is_missing_or_wrong_or_unknown() {
	for (architecture, ..) in all().step_by(2) {
		let plain = weights(&architecture, 3);
		let error = |weights: &Weights| Model::load(&architecture, &file(weights)).err();
		assert_eq!(error(&plain), None);
		for (name, (shape, values)) in &plain {
			let tensor = || name.as_str().into();
			let mut without = plain.clone();
			without.remove(name);
			// Without its words nothing says that the names have no prefix.
			let missing = error(&without);
			assert!(matches!(missing, Some(EngineError::MissingTensor { .. })), "{name}");

			let mut reshaped = plain.clone();
			reshaped.insert(name.clone(), (vec![1, 1, 1, values.len()], values.clone()));
			let (axis, rank) = (shape.len() as u32, shape.len());
			let refused = error(&reshaped);
			if rank == 4 {
				assert!(matches!(refused, Some(EngineError::WrongShape { .. })), "{name}");
			} else {
				let wrong = EngineError::WrongRank { tensor: tensor(), expected: axis, got: 4 };
				assert_eq!(refused, Some(wrong));
			}

			let mut poisoned = plain.clone();
			let at = values.len() - 1;
			poisoned.get_mut(name).unwrap().1[at] = f32::NAN;
			let wrong = EngineError::NonFiniteWeight { tensor: tensor(), at: at as u32 };
			assert_eq!(error(&poisoned), Some(wrong));
		}
		let mut strange = plain.clone();
		strange.insert("strange".into(), (vec![1], vec![0.0]));
		let unexpected = EngineError::UnexpectedTensor { tensor: "strange".into() };
		assert_eq!(error(&strange), Some(unexpected));
	}
}

#[test]
fn encoder_should_refuse_when_a_result_is_not_finite() {
	let architecture = networks::bert(Class::F32, 0);
	let outcome = |name: &str, values: &[f32]| {
		let mut weights = weights(&architecture, 3);
		let (_, tensor) = weights.get_mut(name).unwrap();
		tensor
			.iter_mut()
			.zip(values.iter().cycle())
			.for_each(|(place, value)| *place = *value);
		run(&architecture, &file(&weights), &vec![1u32, 2].encode())
	};
	let layer = |layer| Err(EngineError::NonFiniteResult { layer });
	// The variance is infinite: without a look at it, the norm would give its bias.
	assert_eq!(outcome("embeddings.token_type_embeddings.weight", &[1e25, -1e25]), layer(0));
	// Scores of +inf and -inf.
	let query = "encoder.layer.1.attention.self.query.bias";
	let key = "encoder.layer.1.attention.self.key.weight";
	assert!(outcome(query, &[1e10]).is_ok());
	assert!(outcome(key, &[1e10]).is_ok());
	assert_eq!(outcome(query, &[3e38]), layer(2));
	// What is finite in every token, and in their sum is not.
	assert_eq!(outcome("encoder.layer.1.output.LayerNorm.bias", &[3e38]), layer(3));
	// A length that is infinite would turn every value into a zero.
	assert_eq!(outcome("encoder.layer.1.output.LayerNorm.bias", &[1e30]), layer(3));
}

#[test]
fn encoder_should_refuse_when_its_pooled_result_is_not_finite() {
	let architecture = bert(|config| config.normalize = false);
	let mut weights = weights(&architecture, 3);
	weights.get_mut("encoder.layer.1.output.LayerNorm.bias").unwrap().1.fill(3e38);
	let outcome = run(&architecture, &file(&weights), &vec![1u32, 2].encode());
	assert_eq!(outcome, Err(EngineError::NonFiniteResult { layer: 3 }));
}

#[test]
fn encoder_should_refuse_when_softmax_would_hide_what_is_not_finite() {
	let architecture = networks::bert(Class::F32, 0);
	let Architecture::Bert(config) = &architecture else { unreachable!() };
	let mut weights = weights(&architecture, 3);
	let tokens = [1, 2];
	let x: Vec<f32> = embeddings(config, &weights, &tokens).iter().map(|x| x[0]).collect();
	let mut set = |name: &str, values: &[f32]| {
		let name = format!("encoder.layer.0.attention.self.{name}");
		let (_, tensor) = weights.get_mut(&name).unwrap();
		tensor
			.iter_mut()
			.zip(values.iter().cycle())
			.for_each(|(place, value)| *place = *value);
	};
	// The keys of the token with the greater value are 0, those of the other one are far below.
	let mut row = [0.0; 12];
	row[0] = 1e20;
	set("key.weight", &row);
	set("key.bias", &[-(x[0].max(x[1]) * 1e20)]);
	set("query.weight", &[0.0]);
	set("query.bias", &[1e15]);
	let outcome = run(&architecture, &file(&weights), &tokens.to_vec().encode());
	assert!(outcome.is_ok());

	let name = "encoder.layer.0.attention.self.query.bias";
	weights.get_mut(name).unwrap().1.fill(1e20);
	let outcome = run(&architecture, &file(&weights), &tokens.to_vec().encode());
	assert_eq!(outcome, Err(EngineError::NonFiniteResult { layer: 1 }));
}

#[test]
fn encoder_should_refuse_when_relu_would_hide_what_is_not_finite() {
	let architecture = bert(|config| config.activation = Activation::Relu);
	let mut weights = weights(&architecture, 3);
	let set = |weights: &mut Weights, name: &str, value: f32| {
		weights.get_mut(name).unwrap().1.fill(value);
	};
	assert!(run(&architecture, &file(&weights), &vec![1u32].encode()).is_ok());
	// -inf for every token.
	set(&mut weights, "encoder.layer.0.attention.output.LayerNorm.bias", 1e19);
	set(&mut weights, "encoder.layer.0.intermediate.dense.weight", -1e20);
	set(&mut weights, "encoder.layer.0.intermediate.dense.bias", 0.0);
	let outcome = run(&architecture, &file(&weights), &vec![1u32].encode());
	assert_eq!(outcome, Err(EngineError::NonFiniteResult { layer: 1 }));
}

#[test]
fn cnn_should_refuse_when_a_result_is_not_finite() {
	let layers =
		[conv(1, 1, 1, 0), Layer::Relu, Layer::AvgPool { size: 2, stride: 1 }, Layer::Flatten];
	let architecture = cnn([1, 2, 2], layers);
	let outcome = |weight: f32, bias: f32| {
		let tensors = [("0.weight", vec![1, 1, 1, 1], weight), ("0.bias", vec![1], bias)];
		let weights = tensors
			.into_iter()
			.map(|(name, shape, value)| (name.into(), (shape, vec![value])))
			.collect();
		run(&architecture, &file(&weights), &encode(&[1.0; 4]))
	};
	assert_eq!(outcome(2.0, 1.0), Ok(vec![3.0]));
	assert_eq!(outcome(-3e38, -3e38), Err(EngineError::NonFiniteResult { layer: 0 }));
	assert_eq!(outcome(3e38, 0.0), Err(EngineError::NonFiniteResult { layer: 2 }));
}

/// The rows of a tensor.
fn matrix(weights: &Weights, name: &str) -> Matrix {
	let (shape, values) = &weights[name];
	let inputs = shape[1..].iter().product();
	let mut builder = F32Builder::new(shape[0], inputs);
	values.chunks_exact(inputs).for_each(|row| builder.push_row(row).unwrap());
	builder.finish().unwrap()
}

fn linear(weights: &Weights, name: &str, x: &[f32]) -> Vec<f32> {
	let matrix = matrix(weights, &format!("{name}.weight"));
	let mut out = vec![0.0; matrix.outputs()];
	matrix.product(x, &mut out);
	math::add(&mut out, &weights[&format!("{name}.bias")].1);
	out
}

fn norm(weights: &Weights, name: &str, x: &mut [f32], eps: f32) {
	let [weight, bias] = ["weight", "bias"].map(|part| &weights[&format!("{name}.{part}")].1);
	math::layer_norm(x, weight, bias, eps);
}

/// What the first block of an encoder gets.
fn embeddings(config: &bert::Config, weights: &Weights, tokens: &[u32]) -> Vec<Vec<f32>> {
	let hidden = config.hidden as usize;
	let row = |name: &str, at: usize| {
		weights[&format!("embeddings.{name}.weight")].1[at * hidden..][..hidden].to_vec()
	};
	let embedding = |(place, token): (usize, &u32)| {
		let mut sum = row("word_embeddings", *token as usize);
		math::add(&mut sum, &row("token_type_embeddings", 0));
		math::add(&mut sum, &row("position_embeddings", place));
		norm(weights, "embeddings.LayerNorm", &mut sum, config.norm_eps.get());
		sum
	};
	tokens.iter().enumerate().map(embedding).collect()
}

/// What an encoder has to give, one token and one head after the other.
fn reference(config: &bert::Config, weights: &Weights, tokens: &[u32]) -> Vec<f32> {
	let (hidden, eps) = (config.hidden as usize, config.norm_eps.get());
	let mut x = embeddings(config, weights, tokens);
	let head = hidden / config.heads as usize;
	for layer in 0..config.layers {
		let name = |part: &str| format!("encoder.layer.{layer}.{part}");
		let [queries, keys, values] = ["query", "key", "value"].map(|part| {
			let name = name(&format!("attention.self.{part}"));
			x.iter().map(|x| linear(weights, &name, x)).collect::<Vec<_>>()
		});
		for (x, query) in x.iter_mut().zip(&queries) {
			let mut seen = Vec::new();
			for at in (0..hidden).step_by(head) {
				let part = at..at + head;
				let score = |key: &Vec<f32>| {
					math::dot(&query[part.clone()], &key[part.clone()])
						* (1.0 / (head as f32).sqrt())
				};
				let mut shares: Vec<f32> = keys.iter().map(score).collect();
				math::softmax(&mut shares);
				for d in part {
					let column: Vec<f32> = values.iter().map(|value| value[d]).collect();
					seen.push(math::dot(&shares, &column));
				}
			}
			let mut sum = linear(weights, &name("attention.output.dense"), &seen);
			math::add(&mut sum, x);
			norm(weights, &name("attention.output.LayerNorm"), &mut sum, eps);
			let mut inner = linear(weights, &name("intermediate.dense"), &sum);
			match config.activation {
				Activation::Gelu => math::gelu_erf(&mut inner),
				Activation::GeluTanh => math::gelu_tanh(&mut inner),
				Activation::Silu => math::silu(&mut inner),
				Activation::Relu => math::relu(&mut inner),
			}
			*x = linear(weights, &name("output.dense"), &inner);
			math::add(x, &sum);
			norm(weights, &name("output.LayerNorm"), x, eps);
		}
	}
	let mut pooled = x[0].clone();
	if config.pooling == Pooling::Mean {
		x[1..].iter().for_each(|x| math::add(&mut pooled, x));
		pooled.iter_mut().for_each(|sum| *sum /= x.len() as f32);
	}
	if config.normalize {
		let length = math::dot(&pooled, &pooled).sqrt().max(1e-12);
		pooled.iter_mut().for_each(|value| *value /= length);
	}
	pooled
}

#[test]
fn embedding_should_have_the_same_bits_when_threads_share_attention() {
	// Large enough to be split, with some queries left over.
	let architecture = bert(|config| {
		*config = bert::Config {
			max_positions: 130,
			hidden: 48,
			heads: 3,
			intermediate: 256,
			..config.clone()
		}
	});
	let Architecture::Bert(config) = &architecture else { unreachable!() };
	let weights = weights(&architecture, 1);
	let tokens: Vec<u32> = (0..130).map(|at| at * 7 % config.vocab).collect();
	let got = run(&architecture, &file(&weights), &tokens.encode()).unwrap();
	assert_eq!(encode(&got), encode(&reference(config, &weights, &tokens)));
}

/// What a convolution has to give, one place after the other.
fn convolve(
	[channels, height, width]: [usize; 3],
	[outputs, kernel, stride, padding]: [usize; 4],
	weights: &Weights,
	image: &[f32],
) -> Vec<f32> {
	let windows = |side: usize| (side + 2 * padding - kernel) / stride + 1;
	let mut out = Vec::new();
	for output in 0..outputs {
		for row in 0..windows(height) {
			for column in 0..windows(width) {
				let mut sum = 0.0f32;
				for channel in 0..channels {
					for y in 0..kernel {
						for x in 0..kernel {
							let at = [row * stride + y, column * stride + x];
							let inside = (padding..height + padding).contains(&at[0])
								&& (padding..width + padding).contains(&at[1]);
							let value = if inside {
								let [y, x] = at.map(|at| at - padding);
								image[(channel * height + y) * width + x]
							} else {
								0.0
							};
							let weight = ((output * channels + channel) * kernel + y) * kernel + x;
							sum += value * weights["0.weight"].1[weight];
						}
					}
				}
				out.push(sum + weights["0.bias"].1[output]);
			}
		}
	}
	out
}

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn encoder_should_give_the_bits_of_a_plain_loop(
		(heads, head) in (1u32..4, 1u32..9),
		(intermediate, layers, types) in (1u32..40, 1u32..3, 1u32..3),
		activation in prop::sample::select(
			vec![Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Relu]
		),
		(is_mean, normalize) in any::<(bool, bool)>(),
		tokens in prop::collection::vec(0u32..50, 1..150),
		seed in any::<u32>(),
	) {
		let config = bert::Config {
			class: Class::F32,
			vocab: 50,
			max_positions: 150,
			types,
			hidden: heads * head,
			intermediate,
			layers,
			heads,
			norm_eps: Real::new(1e-6),
			activation,
			pooling: if is_mean { Pooling::Mean } else { Pooling::Cls },
			normalize,
		};
		let architecture = Architecture::Bert(config.clone());
		let weights = weights(&architecture, seed);
		let expected = reference(&config, &weights, &tokens);
		let got = run(&architecture, &file(&weights), &tokens.encode()).unwrap();
		prop_assert_eq!(bits(&got), bits(&expected));
	}

	#[test]
	fn convolution_should_give_the_bits_of_a_plain_loop(
		shape in [1usize..4, 1usize..30, 1usize..30],
		(outputs, kernel, stride) in (1usize..20, 1usize..6, 1usize..4),
		padding in 0usize..5,
		seed in any::<u32>(),
	) {
		let sizes = [outputs, kernel, stride, padding];
		let layer = {
			let [outputs, kernel, stride, padding] = sizes.map(|size| size as u32);
			conv(outputs, kernel, stride, padding)
		};
		let architecture = cnn(shape.map(|size| size as u32), [layer]);
		prop_assume!(architecture.validate().is_ok());
		let weights = weights(&architecture, seed);
		let input = golden::input(&architecture, seed);
		let image: Vec<f32> = decode(&input).collect();
		let expected = convolve(shape, sizes, &weights, &image);
		let got = run(&architecture, &file(&weights), &input).unwrap();
		prop_assert_eq!(bits(&got), bits(&expected));
	}

	#[test]
	fn network_should_not_panic_when_its_file_is_damaged(
		which in 0usize..4,
		flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
		cut in prop::option::of(any::<prop::sample::Index>()),
	) {
		let (architecture, mut file, input) = all().nth(which).unwrap();
		for (at, byte) in flips {
			let at = at.index(file.len());
			file[at] ^= byte;
		}
		if let Some(cut) = cut {
			file.truncate(cut.index(file.len()));
		}
		if let Ok(model) = Model::load(&architecture, &file) {
			if let Ok(output) = model.run(&input) {
				prop_assert!(decode(&output).all(f32::is_finite));
			}
		}
	}

	#[test]
	fn architecture_should_not_panic_when_it_is_made_of_any_bytes(
		index in 2u8..4,
		bytes in prop::collection::vec(any::<u8>(), 0..80),
	) {
		let bytes = [vec![index], bytes].concat();
		if let Ok(architecture) = Architecture::decode(&mut &bytes[..]) {
			let _ = architecture.work(&[4, 0, 0, 0, 0]);
			let _ = (architecture.parameters(), architecture.least_artifact_len());
			let _ = (architecture.input_len(), architecture.output_len());
			let empty: &[u8] = b"\x02\0\0\0\0\0\0\0{}";
			if architecture.validate().is_ok() {
				let _ = Tensors::open(&[&empty as &dyn Source]).unwrap();
				prop_assert!(Model::load(&architecture, empty).is_err());
			}
		}
	}
}
