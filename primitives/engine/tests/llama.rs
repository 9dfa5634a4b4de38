//! Language models: loading, and what is computed of tokens.

mod common;

use codec::{Decode, Encode, MaxEncodedLen};
use common::{file, floats, Tensor};
use dodona_engine::{
	architecture::llama::{
		Biases, Cache, Config, Llama, Logits, RopeScaling, Scratch, Sequence, MAX_HIDDEN,
		MAX_LAYERS, MAX_POSITIONS, MAX_VOCAB,
	},
	golden, Architecture, Class, ConfigFault, EngineError, Field, InputFault, Model, Real,
};
use proptest::prelude::*;
use safetensors::SafeTensors;

/// The bits of logits, and the position that they are of.
type Bits = Vec<(u32, Vec<u32>)>;

fn load(config: &Config, seed: u32, scale: f32) -> Model {
	let architecture = Architecture::Llama(config.clone());
	Model::load(&architecture, &golden::artifact(&architecture, seed, scale).unwrap()).unwrap()
}

fn forward(
	llama: &Llama,
	cache: &mut Cache,
	tokens: &[u32],
	logits: Logits,
) -> Result<Bits, EngineError> {
	let mut bits = Vec::new();
	let mut sequences = [Sequence::new(cache, tokens, logits)];
	llama.forward(&mut sequences, &mut Scratch::default(), &mut |number, position, logits| {
		assert_eq!(number, 0);
		bits.push((position, logits.iter().map(|logit| logit.to_bits()).collect()));
	});
	let [sequence] = sequences;
	sequence.outcome.map(|()| bits)
}

/// The tensors of a file, to be changed.
fn tensors(bytes: &[u8]) -> Vec<Tensor> {
	let file = SafeTensors::deserialize(bytes).unwrap();
	let mut tensors: Vec<Tensor> = file
		.iter()
		.map(|(name, view)| {
			(name.to_string(), view.dtype(), view.shape().to_vec(), view.data().to_vec())
		})
		.collect();
	tensors.sort_by(|a, b| a.0.cmp(&b.0));
	tensors
}

prop_compose! {
	fn configs()(
		class in prop_oneof![Just(Class::F32), Just(Class::Q8)],
		(vocab, hidden, intermediate, layers) in (1u32..70, 1u32..40, 1u32..50, 1u32..4),
		(group, kv_heads, half) in (1u32..4, 1u32..4, 1u32..6),
		scaling in 0u32..3,
		(tied, qkv, o, mlp) in any::<(bool, bool, bool, bool)>(),
	) -> Config {
		Config {
			class,
			vocab,
			hidden,
			intermediate,
			layers,
			heads: group * kv_heads,
			kv_heads,
			head_dim: half * 2,
			tied,
			biases: Biases { qkv, o, mlp },
			max_positions: 100,
			..golden::llama::config(class, scaling)
		}
	}
}

/// Splits `tokens` at places that `cuts` say.
fn split<'a>(tokens: &'a [u32], cuts: &[prop::sample::Index]) -> Vec<&'a [u32]> {
	let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(tokens.len() + 1)).collect();
	places.extend([0, tokens.len()]);
	places.sort_unstable();
	places.windows(2).map(|pair| &tokens[pair[0]..pair[1]]).collect()
}

#[test]
fn logits_should_have_the_same_bits_when_threads_share_attention() {
	for class in [Class::F32, Class::Q8] {
		// Large enough to be split when there are many tokens, and for a single one not.
		let config = Config {
			hidden: 64,
			intermediate: 512,
			heads: 6,
			kv_heads: 3,
			head_dim: 32,
			max_positions: 200,
			..golden::llama::config(class, 0)
		};
		let model = load(&config, 1, 1.0);
		let llama = model.llama().unwrap();
		let tokens: Vec<u32> = (0..200).map(|at| at * 7 % config.vocab).collect();
		let whole = forward(llama, &mut llama.cache(), &tokens, Logits::All).unwrap();
		let mut cache = llama.cache();
		let single = tokens
			.iter()
			.flat_map(|token| forward(llama, &mut cache, &[*token], Logits::Last).unwrap());
		assert_eq!(single.collect::<Bits>(), whole);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

	#[test]
	fn logits_should_not_change_when_tokens_are_split_into_calls(
		config in configs(),
		seed in any::<u32>(),
		tokens in prop::collection::vec(any::<u32>(), 1..80),
		cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
	) {
		let tokens: Vec<u32> = tokens.iter().map(|token| token % config.vocab).collect();
		let model = load(&config, seed, 1.0);
		let llama = model.llama().unwrap();
		let whole = forward(llama, &mut llama.cache(), &tokens, Logits::All).unwrap();
		prop_assert_eq!(whole.len(), tokens.len());

		let mut cache = llama.cache();
		let mut parts = Vec::new();
		for part in split(&tokens, &cuts) {
			parts.extend(forward(llama, &mut cache, part, Logits::All).unwrap());
		}
		prop_assert_eq!(&parts, &whole);
		let mut cache = llama.cache();
		let single = tokens
			.iter()
			.flat_map(|token| forward(llama, &mut cache, &[*token], Logits::Last).unwrap());
		prop_assert_eq!(single.collect::<Bits>(), whole);
	}

	#[test]
	fn logits_should_not_change_when_sequences_share_a_call(
		config in configs(),
		seed in any::<u32>(),
		batch in prop::collection::vec(
			(prop::collection::vec(any::<u32>(), 0..40), prop::collection::vec(any::<u32>(), 0..40)),
			1..5,
		),
		logits in prop_oneof![Just(Logits::None), Just(Logits::Last), Just(Logits::All)],
	) {
		let model = load(&config, seed, 1.0);
		let llama = model.llama().unwrap();
		let known = |tokens: &Vec<u32>| -> Vec<u32> {
			tokens.iter().map(|token| token % config.vocab).collect()
		};
		let batch: Vec<_> =
			batch.iter().map(|(before, after)| (known(before), known(after))).collect();
		let mut caches: Vec<Cache> = Vec::new();
		let mut alone: Vec<Bits> = Vec::new();
		for (before, after) in &batch {
			let mut cache = llama.cache();
			forward(llama, &mut cache, before, Logits::None).unwrap();
			caches.push(cache.clone());
			alone.push(forward(llama, &mut cache, after, logits).unwrap());
		}
		let mut together: Vec<Bits> = vec![Vec::new(); batch.len()];
		let mut sequences: Vec<Sequence> = caches
			.iter_mut()
			.zip(&batch)
			.map(|(cache, (_, after))| Sequence::new(cache, after, logits))
			.collect();
		llama.forward(&mut sequences, &mut Scratch::default(), &mut |number, position, logits| {
			let bits = logits.iter().map(|logit| logit.to_bits()).collect();
			together[number].push((position, bits));
		});
		prop_assert!(sequences.iter().all(|sequence| sequence.outcome.is_ok()));
		prop_assert_eq!(together, alone);
		for (cache, (before, after)) in caches.iter().zip(&batch) {
			prop_assert_eq!(cache.len() as usize, before.len() + after.len());
		}
	}

	#[test]
	fn cache_should_go_on_with_the_same_bits_when_it_is_restored(
		config in configs(),
		seed in any::<u32>(),
		tokens in prop::collection::vec(any::<u32>(), 1..50),
		(first, second) in any::<(prop::sample::Index, prop::sample::Index)>(),
	) {
		let tokens: Vec<u32> = tokens.iter().map(|token| token % config.vocab).collect();
		let model = load(&config, seed, 1.0);
		let llama = model.llama().unwrap();
		let kept = first.index(tokens.len());
		let mut cache = llama.cache();
		forward(llama, &mut cache, &tokens[..kept], Logits::None).unwrap();
		let saved = cache.save();
		prop_assert_eq!(saved.len() as u64, 4 + config.cache_bytes() * kept as u64);
		let expected = forward(llama, &mut cache, &tokens[kept..], Logits::All).unwrap();

		let mut restored = Cache::restore(&config, &saved).unwrap();
		prop_assert_eq!(restored.len() as usize, kept);
		prop_assert_eq!(&restored.save(), &saved);
		prop_assert_eq!(&forward(llama, &mut restored, &tokens[kept..], Logits::All).unwrap(), &expected);
		prop_assert_eq!(restored.save(), cache.save());

		// What was forgotten leaves no trace.
		cache.truncate(kept as u32);
		prop_assert_eq!(cache.save(), saved);
		let other = second.index(tokens.len()) as u32 % config.vocab;
		forward(llama, &mut cache, &[other], Logits::None).unwrap();
		cache.truncate(kept as u32);
		prop_assert_eq!(forward(llama, &mut cache, &tokens[kept..], Logits::All).unwrap(), expected);
	}

	#[test]
	fn restore_should_not_panic_when_the_bytes_are_noise(
		config in configs(),
		len in any::<u32>(),
		bytes in prop::collection::vec(any::<u8>(), 0..300),
	) {
		prop_assert!(Cache::restore(&config, &bytes[..bytes.len().min(3)]).is_err());
		let mut state = len.to_le_bytes().to_vec();
		state.extend_from_slice(&bytes);
		let _ = Cache::restore(&config, &state);
	}
}

#[test]
fn restore_should_refuse_when_the_state_is_not_this_models() {
	let config = golden::llama::config(Class::F32, 0);
	let model = load(&config, 1, 1.0);
	let llama = model.llama().unwrap();
	let mut cache = llama.cache();
	forward(llama, &mut cache, &[1, 2, 3], Logits::None).unwrap();
	let saved = cache.save();
	assert!(Cache::restore(&config, &saved).is_ok());
	let invalid = |bytes: &[u8]| Cache::restore(&config, bytes).err();
	assert_eq!(invalid(&saved[..saved.len() - 4]), Some(EngineError::InvalidState));
	assert_eq!(invalid(&[&saved[..], &[0; 4]].concat()), Some(EngineError::InvalidState));
	assert_eq!(invalid(&[&saved[..], &[0]].concat()), Some(EngineError::InvalidState));
	let mut bytes = saved.clone();
	bytes[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
	assert_eq!(invalid(&bytes), Some(EngineError::InvalidState));
	let mut bytes = saved;
	bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
	assert_eq!(invalid(&bytes), Some(EngineError::InvalidState));

	// A cache of another shape.
	let other = load(&golden::llama::config(Class::F32, 2), 1, 1.0);
	let outcome = forward(other.llama().unwrap(), &mut cache, &[1], Logits::Last);
	assert_eq!(outcome, Err(EngineError::InvalidState));
	assert_eq!(cache.len(), 3);
}

#[test]
fn forward_should_refuse_when_tokens_do_not_fit() {
	let config = Config { max_positions: 4, ..golden::llama::config(Class::F32, 0) };
	let model = load(&config, 1, 1.0);
	let llama = model.llama().unwrap();
	let mut cache = llama.cache();
	let too_many = |got| Err(InputFault::TooManyTokens { got, most: 4 }.into());
	assert_eq!(forward(llama, &mut cache, &[0; 5], Logits::Last), too_many(5));
	assert_eq!(forward(llama, &mut cache, &[0; 3], Logits::Last).map(|bits| bits.len()), Ok(1));
	assert_eq!(forward(llama, &mut cache, &[0; 2], Logits::Last), too_many(5));
	let unknown = Err(InputFault::UnknownToken { at: 0, token: config.vocab }.into());
	assert_eq!(forward(llama, &mut cache, &[config.vocab], Logits::Last), unknown);
	assert_eq!(cache.len(), 3);
	assert_eq!(forward(llama, &mut cache, &[1], Logits::Last).map(|bits| bits[0].0), Ok(3));
	assert_eq!(forward(llama, &mut cache, &[], Logits::All), Ok(vec![]));
}

/// A llama whose answer to some tokens is not finite: what its one gate lets through is too large.
fn fragile(layers: u32, exponent: i32) -> (Config, Model) {
	let config = Config { intermediate: 1, layers, ..golden::llama::config(Class::F32, 0) };
	let architecture = Architecture::Llama(config.clone());
	let mut tensors = tensors(&golden::artifact(&architecture, 5, 1.0).unwrap());
	for tensor in tensors.iter_mut().filter(|tensor| tensor.0.contains("mlp")) {
		for bytes in tensor.3.as_chunks_mut::<4>().0 {
			*bytes = (f32::from_le_bytes(*bytes) * 2f32.powi(exponent)).to_le_bytes();
		}
	}
	let model = Model::load(&architecture, &file(&tensors)).unwrap();
	(config, model)
}

#[test]
fn error_should_be_the_first_tokens_when_tokens_are_split_into_calls() {
	let (config, model) = fragile(2, 45);
	let llama = model.llama().unwrap();
	let outcome = |tokens: &[u32]| forward(llama, &mut llama.cache(), tokens, Logits::All);
	let layer = |tokens: &[u32]| match outcome(tokens) {
		Ok(_) => None,
		Err(EngineError::NonFiniteResult { layer }) => Some(layer),
		Err(other) => panic!("{other}"),
	};
	// Tokens fail in either layer, at the logits, or not at all.
	let layers: std::collections::BTreeSet<_> =
		(0..config.vocab).map(|token| layer(&[token])).collect();
	assert_eq!(layers.into_iter().collect::<Vec<_>>(), [None, Some(0), Some(1), Some(2)]);

	for first in 0..config.vocab {
		let tokens: Vec<u32> = (0..20).map(|at| (first + at * at) % config.vocab).collect();
		let Err(whole) = outcome(&tokens) else { continue };
		for size in [1, 2, 3, 7] {
			let mut cache = llama.cache();
			let error = tokens
				.chunks(size)
				.find_map(|part| forward(llama, &mut cache, part, Logits::All).err());
			assert_eq!(error, Some(whole.clone()));
		}
	}
}

#[test]
fn error_should_be_seen_when_no_logits_are_asked_for() {
	let (config, model) = fragile(1, 45);
	let llama = model.llama().unwrap();
	let fails = |token, logits| {
		forward(llama, &mut llama.cache(), &[token], logits)
			== Err(EngineError::NonFiniteResult { layer: 0 })
	};
	let bad: Vec<u32> = (0..config.vocab).filter(|token| fails(*token, Logits::Last)).collect();
	assert!(!bad.is_empty());
	assert!(bad.iter().all(|token| fails(*token, Logits::None)));
}

#[test]
fn error_should_leave_other_sequences_and_the_cache_alone_when_a_sequence_fails() {
	let (config, model) = fragile(2, 22);
	let llama = model.llama().unwrap();
	let fails = |token: &u32| forward(llama, &mut llama.cache(), &[*token], Logits::Last).is_err();
	let bad = (0..config.vocab).find(fails).unwrap();
	let good = (0..config.vocab).find(|token| !fails(token)).unwrap();
	let expected = forward(llama, &mut llama.cache(), &[good, good], Logits::All).unwrap();

	let mut caches = [llama.cache(), llama.cache(), llama.cache()];
	forward(llama, &mut caches[1], &[good], Logits::None).unwrap();
	let before = caches[1].save();
	let [first, second, third] = &mut caches;
	let fine = [good, good];
	// More than are computed at once, before the one that fails.
	let mut failing = [good; 12];
	failing[9] = bad;
	let mut sequences = [
		Sequence::new(first, &fine, Logits::All),
		Sequence::new(second, &failing, Logits::All),
		Sequence::new(third, &fine, Logits::All),
	];
	let mut bits: [Bits; 3] = Default::default();
	llama.forward(&mut sequences, &mut Scratch::default(), &mut |number, position, logits| {
		bits[number].push((position, logits.iter().map(|logit| logit.to_bits()).collect()));
	});
	let outcomes = sequences.map(|sequence| sequence.outcome);
	assert!(matches!(outcomes, [Ok(()), Err(EngineError::NonFiniteResult { .. }), Ok(())]));
	let [first, second, third] = bits;
	assert_eq!([first, third], [expected.clone(), expected]);
	assert_eq!(second.len(), 9);
	assert_eq!(caches[1].save(), before);
}

#[test]
fn score_should_be_refused_when_it_is_infinite_and_softmax_would_hide_it() {
	let zeros = [0f32; 4];
	let matrix = |name: &str, values: &[f32; 4]| {
		floats(&format!("model.layers.0.{name}.weight"), &[2, 2], values)
	};
	let norm = |name: &str| floats(name, &[2], &[1.0; 2]);
	let build = |query: f32| {
		let artifact = file(&[
			floats("model.embed_tokens.weight", &[2, 2], &[1.0, 0.0, 0.0, 1.0]),
			norm("model.layers.0.input_layernorm.weight"),
			matrix("self_attn.q_proj", &[0.0, 0.0, 0.0, query]),
			matrix("self_attn.k_proj", &[1e20, 0.0, 0.0, 0.0]),
			matrix("self_attn.v_proj", &[1.0; 4]),
			matrix("self_attn.o_proj", &[1.0; 4]),
			norm("model.layers.0.post_attention_layernorm.weight"),
			matrix("mlp.gate_proj", &zeros),
			matrix("mlp.up_proj", &zeros),
			matrix("mlp.down_proj", &zeros),
			norm("model.norm.weight"),
		]);
		let config = Config {
			vocab: 2,
			hidden: 2,
			intermediate: 2,
			layers: 1,
			heads: 1,
			kv_heads: 1,
			head_dim: 2,
			rope_scaling: RopeScaling::None,
			tied: true,
			biases: Biases::default(),
			..golden::llama::config(Class::F32, 0)
		};
		Model::load(&Architecture::Llama(config), &artifact).unwrap()
	};
	// The second token turns by one radian: its product with the first one's key is negative, and
	// too large; with its own key it is zero.
	for (query, finite) in [(1e15, true), (1e20, false)] {
		let model = build(query);
		let llama = model.llama().unwrap();
		let outcome = forward(llama, &mut llama.cache(), &[0, 1], Logits::Last);
		assert_eq!(outcome.is_ok(), finite);
	}
}

#[test]
fn logits_should_be_refused_when_they_are_not_finite() {
	let config = golden::llama::config(Class::F32, 0);
	let architecture = Architecture::Llama(config.clone());
	let mut tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
	let head = tensors.iter_mut().find(|tensor| tensor.0 == "lm_head.weight").unwrap();
	for bytes in head.3.as_chunks_mut::<4>().0 {
		*bytes = f32::MAX.to_le_bytes();
	}
	let model = Model::load(&architecture, &file(&tensors)).unwrap();
	let llama = model.llama().unwrap();
	let mut cache = llama.cache();
	assert_eq!(forward(llama, &mut cache, &[1, 2], Logits::None), Ok(vec![]));
	for logits in [Logits::Last, Logits::All] {
		let refused = Err(EngineError::NonFiniteResult { layer: config.layers });
		assert_eq!(forward(llama, &mut cache, &[3, 4], logits), refused);
	}
	assert_eq!(cache.len(), 2);
}

#[test]
fn logits_should_not_be_given_after_those_that_are_not_finite() {
	let config = golden::llama::config(Class::F32, 0);
	let architecture = Architecture::Llama(config.clone());
	let mut tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
	let head = tensors.iter_mut().find(|tensor| tensor.0 == "lm_head.weight").unwrap();
	// The first logit is the last norm's first value, times so much.
	head.3[..48].fill(0);
	head.3[..4].copy_from_slice(&f32::MAX.to_le_bytes());
	let model = Model::load(&architecture, &file(&tensors)).unwrap();
	let llama = model.llama().unwrap();
	let given = |tokens: &[u32]| {
		let mut given = Vec::new();
		let mut cache = llama.cache();
		let mut sequences = [Sequence::new(&mut cache, tokens, Logits::All)];
		llama.forward(&mut sequences, &mut Scratch::default(), &mut |_, position, _| {
			given.push(position);
		});
		let [sequence] = sequences;
		(given, sequence.outcome)
	};
	let failed = || Err(EngineError::NonFiniteResult { layer: config.layers });
	let pairs = (0..config.vocab).flat_map(|a| (0..config.vocab).map(move |b| (a, b)));
	let gap = pairs
		.map(|(a, b)| [a, b, a])
		.find(|[a, b, c]| {
			let fails = |tokens: &[u32]| given(tokens).1.is_err();
			let alone = |token| forward(llama, &mut llama.cache(), &[token], Logits::All).is_ok();
			alone(*a) && fails(&[*a, *b]) && {
				// The third's own are finite.
				let mut cache = llama.cache();
				forward(llama, &mut cache, &[*a, *b], Logits::None).unwrap();
				forward(llama, &mut cache, &[*c], Logits::Last).is_ok()
			}
		})
		.unwrap();
	assert_eq!(given(&gap), (vec![0], failed()));
}

#[test]
fn model_should_load_only_when_all_tensors_and_no_others_are_there() {
	for (class, variant) in [(Class::F32, 0), (Class::Q8, 1), (Class::F32, 2), (Class::Q8, 2)] {
		let architecture = Architecture::Llama(golden::llama::config(class, variant));
		let tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
		let load = |tensors: &[Tensor]| Model::load(&architecture, &file(tensors)).err();
		assert_eq!(load(&tensors), None);
		for at in 0..tensors.len() {
			let mut fewer = tensors.clone();
			let (name, ..) = fewer.remove(at);
			let missing = EngineError::MissingTensor { tensor: name.as_str().into() };
			assert_eq!(load(&fewer), Some(missing));

			let mut longer = tensors.clone();
			longer[at].2[0] += 1;
			let more = longer[at].3.len() / (longer[at].2[0] - 1);
			longer[at].3.extend(vec![0; more]);
			assert!(matches!(load(&longer), Some(EngineError::WrongShape { .. })), "{name}");

			let mut other = tensors.clone();
			other[at].1 = match other[at].1 {
				safetensors::Dtype::I8 => safetensors::Dtype::U8,
				_ => safetensors::Dtype::I32,
			};
			let wrong = EngineError::WrongDtype { tensor: name.as_str().into() };
			assert_eq!(load(&other), Some(wrong));
		}
		let mut more = tensors.clone();
		more.push(floats("model.layers.9.input_layernorm.weight", &[1], &[1.0]));
		assert!(matches!(load(&more), Some(EngineError::UnexpectedTensor { .. })));
	}
}

#[test]
fn model_should_be_the_same_when_its_file_has_what_nobody_needs() {
	let config = golden::llama::config(Class::Q8, 1);
	assert!(config.tied);
	let architecture = Architecture::Llama(config.clone());
	let mut tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
	tensors.push(floats("model.layers.0.self_attn.rotary_emb.inv_freq", &[4], &[f32::NAN; 4]));
	tensors.push(floats("lm_head.weight", &[1], &[1.0]));
	let model = Model::load(&architecture, &file(&tensors)).unwrap();
	let llama = model.llama().unwrap();
	let plain = load(&config, 1, 1.0);
	assert_eq!(
		forward(llama, &mut llama.cache(), &[1, 2, 3], Logits::All),
		forward(plain.llama().unwrap(), &mut llama.cache(), &[1, 2, 3], Logits::All)
	);
	// Where the head is its own, it is needed.
	let untied = Architecture::Llama(Config { tied: false, ..config });
	assert!(matches!(Model::load(&untied, &file(&tensors)), Err(EngineError::WrongDtype { .. })));
}

#[test]
fn model_should_not_load_when_a_weight_is_not_finite() {
	for (class, variant) in [(Class::F32, 0), (Class::Q8, 2)] {
		let architecture = Architecture::Llama(golden::llama::config(class, variant));
		let tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
		for at in (0..tensors.len()).filter(|at| tensors[*at].1 == safetensors::Dtype::F32) {
			for bad in [f32::NAN, f32::INFINITY] {
				let mut tensors = tensors.clone();
				let last = tensors[at].3.len() - 4;
				tensors[at].3[last..].copy_from_slice(&bad.to_le_bytes());
				let refused = EngineError::NonFiniteWeight {
					tensor: tensors[at].0.as_str().into(),
					at: last as u32 / 4,
				};
				assert_eq!(Model::load(&architecture, &file(&tensors)).err(), Some(refused));
			}
		}
	}
}

#[test]
fn validate_should_refuse_when_a_number_is_out_of_bounds() {
	let base = golden::llama::config(Class::F32, 0);
	let fault = |change: &dyn Fn(&mut Config)| {
		let mut config = base.clone();
		change(&mut config);
		match config.validate() {
			Ok(()) => None,
			Err(EngineError::InvalidConfig(fault)) => Some(fault),
			Err(other) => panic!("{other}"),
		}
	};
	let out = |field, got, most| Some(ConfigFault::OutOfBounds { field, got, least: 1, most });
	assert_eq!(fault(&|_| ()), None);
	assert_eq!(fault(&|config| config.vocab = 0), out(Field::Vocabulary, 0, MAX_VOCAB));
	assert_eq!(
		fault(&|config| config.hidden = MAX_HIDDEN + 1),
		out(Field::Hidden, MAX_HIDDEN + 1, MAX_HIDDEN)
	);
	assert_eq!(
		fault(&|config| config.layers = 1_000_000_000),
		out(Field::Layers, 1_000_000_000, MAX_LAYERS)
	);
	assert_eq!(fault(&|config| config.kv_heads = 0), out(Field::KvHeads, 0, 4));
	assert_eq!(fault(&|config| config.kv_heads = 5), out(Field::KvHeads, 5, 4));
	assert_eq!(
		fault(&|config| config.max_positions = u32::MAX),
		out(Field::Positions, u32::MAX, MAX_POSITIONS)
	);
	assert_eq!(
		fault(&|config| (config.heads, config.kv_heads, config.head_dim) = (256, 256, 512)),
		out(Field::AttentionWidth, 256 * 512, MAX_HIDDEN)
	);
	for change in [
		|config: &mut Config| config.intermediate = u32::MAX,
		|config: &mut Config| config.heads = 257,
		|config: &mut Config| config.head_dim = 0,
	] {
		assert!(matches!(fault(&change), Some(ConfigFault::OutOfBounds { .. })));
	}
	assert_eq!(
		fault(&|config| config.kv_heads = 3),
		Some(ConfigFault::NotAMultiple { field: Field::Heads, got: 4, of: 3 })
	);
	assert_eq!(
		fault(&|config| config.head_dim = 7),
		Some(ConfigFault::NotAMultiple { field: Field::HeadDim, got: 7, of: 2 })
	);
	assert_eq!(
		fault(&|config| config.stop = vec![36, 37].try_into().unwrap()),
		Some(ConfigFault::OutOfBounds { field: Field::StopToken, got: 37, least: 0, most: 36 })
	);
	let unsound = |field| Some(ConfigFault::UnsoundReal { field });
	for bad in [f32::NAN, f32::INFINITY, -1.0, 0.0, 0.5] {
		let theta = fault(&|config| config.rope_theta = Real::new(bad));
		assert_eq!(theta, unsound(Field::RopeTheta));
	}
	for bad in [f32::NAN, f32::INFINITY, -1e-5] {
		assert_eq!(fault(&|config| config.rms_eps = Real::new(bad)), unsound(Field::NormEps));
	}
	let scaling = |factor, low, high, original_positions| RopeScaling::Llama3 {
		factor: Real::new(factor),
		low_freq_factor: Real::new(low),
		high_freq_factor: Real::new(high),
		original_positions,
	};
	for bad in [
		RopeScaling::Linear { factor: Real::new(0.0) },
		RopeScaling::Linear { factor: Real::new(f32::NAN) },
		scaling(0.0, 1.0, 4.0, 16),
		scaling(8.0, 0.0, 4.0, 16),
		scaling(8.0, 4.0, 4.0, 16),
		scaling(8.0, 1.0, f32::INFINITY, 16),
		scaling(8.0, 1.0, 4.0, 0),
	] {
		assert_eq!(fault(&|config| config.rope_scaling = bad), unsound(Field::RopeScaling));
	}
}

#[test]
fn config_should_encode_to_the_same_bytes_as_ever() {
	let mut config = golden::llama::config(Class::Q8, 0);
	config.stop = vec![2].try_into().unwrap();
	let architecture = Architecture::Llama(config);
	let bytes = architecture.encode();
	let expected = "01\
		01 25000000 0c000000 14000000 02000000 04000000 02000000 06000000 40000000 0024f448 \
		02 00000041 0000803f 00008040 10000000 acc52737 00 01 00 00 04 02000000";
	let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
	assert_eq!(hex, expected.replace([' ', '\t'], ""));
	assert_eq!(Architecture::decode(&mut &bytes[..]), Ok(architecture));
	assert!(Architecture::max_encoded_len() >= bytes.len());
}

#[test]
fn config_should_count_parameters_and_work() {
	for (class, variant) in [(Class::F32, 0), (Class::F32, 1), (Class::F32, 2)] {
		let config = golden::llama::config(class, variant);
		let architecture = Architecture::Llama(config.clone());
		let tensors = tensors(&golden::artifact(&architecture, 1, 1.0).unwrap());
		let values: usize = tensors.iter().map(|tensor| tensor.3.len() / 4).sum();
		assert_eq!(config.parameters(), values as u64);
		assert_eq!(architecture.parameters(), values as u64);

		// Products of one token, those of attention with itself, and the head's.
		let matrices: usize = tensors
			.iter()
			.filter(|tensor| tensor.2.len() == 2 && tensor.0.contains("layers"))
			.map(|tensor| tensor.3.len() / 4)
			.sum();
		let attention = 2 * config.heads * config.head_dim * config.layers;
		let head = config.vocab * config.hidden;
		let (matrices, attention, head) = (matrices as u64, u64::from(attention), u64::from(head));
		assert_eq!(config.work_of(1, 1), matrices + attention + head);
		// Three tokens are computed, which attend to 1, 2 and 3.
		assert_eq!(config.work_of(2, 2), 3 * matrices + 6 * attention + 2 * head);
		assert_eq!(config.work(b"?"), 0);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn config_should_not_panic_when_it_is_hostile(
		bytes in prop::collection::vec(any::<u8>(), 70..100),
		sizes in prop::collection::vec(prop_oneof![0u32..40, any::<u32>()], 8),
		input in prop::collection::vec(any::<u8>(), 0..64),
	) {
		let Ok(mut config) = Config::decode(&mut &bytes[..]) else { return Ok(()) };
		let numbers = [
			&mut config.vocab,
			&mut config.hidden,
			&mut config.intermediate,
			&mut config.layers,
			&mut config.heads,
			&mut config.kv_heads,
			&mut config.head_dim,
			&mut config.max_positions,
		];
		for (number, size) in numbers.into_iter().zip(sizes) {
			*number = size;
		}
		let architecture = Architecture::Llama(config.clone());
		let _ = (architecture.validate(), architecture.check_input(&input));
		let _ = (architecture.input_len(), architecture.output_len(), architecture.work(&input));
		let _ = (architecture.least_artifact_len(), architecture.max_output_len(&input));
		let _ = (config.cache_bytes(), config.work_of(u64::MAX, u64::MAX));
		// The file has none of its tensors, however large they are.
		prop_assert!(Model::load(&architecture, &file(&[])).is_err());
	}
}
