//! Generation: which token is next, when it ends, and that nothing else changes it.

use codec::{Decode, Encode};
use dodona_engine::{
	architecture::llama::{Cache, Config, Llama, Logits, Scratch, Sequence},
	generate::{choose, uniform, End, Generated, Generation, Prompt, Sampling},
	golden::{self, llama::cases},
	Architecture, Class, EngineError, InputFault, Model, Real,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

fn load(config: &Config, seed: u32) -> Model {
	let architecture = Architecture::Llama(config.clone());
	Model::load(&architecture, &golden::artifact(&architecture, seed, 1.0).unwrap()).unwrap()
}

fn generate(llama: &Llama, prompt: &Prompt) -> Result<Generated, EngineError> {
	llama.generate(prompt, &mut |_| ControlFlow::Continue(()))
}

fn greedy(tokens: &[u32], max_tokens: u32) -> Prompt {
	Prompt { tokens: tokens.to_vec(), max_tokens, sampling: Sampling::Greedy, stop: vec![] }
}

fn sample(temperature: f32, top_k: u32, top_p: f32, seed: u64) -> Sampling {
	let (temperature, top_p) = (Real::new(temperature), Real::new(top_p));
	Sampling::Sample { temperature, top_k, top_p, seed }
}

#[test]
fn golden_prompts_should_go_on_as_they_do_elsewhere() {
	for case in cases() {
		let (tokens, logits) = golden::llama::run(&case).unwrap();
		assert_eq!(tokens, case.tokens);
		assert_eq!(logits[..case.logits.len()], *case.logits);
		assert_eq!(case.logits.len(), 6);
	}
}

#[test]
fn run_should_answer_with_the_tokens() {
	for case in cases() {
		let model = load(&case.config, case.seed);
		let expected: Vec<u8> = case.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
		let input = case.prompt.encode();
		assert_eq!(model.run(&input), Ok(expected.clone()));
		let architecture = model.architecture();
		assert_eq!(architecture.max_output_len(&input), case.prompt.max_tokens * 4);
		assert!(architecture.check_output_len(expected.len() as u32));
		assert!(input.len() as u32 <= architecture.input_len());
		assert!(expected.len() as u32 <= architecture.output_len());
		assert!(architecture.work(&input) > 0);
	}
	let architecture = Architecture::Llama(golden::llama::config(Class::F32, 0));
	let most = architecture.output_len();
	assert_eq!(most, 63 * 4);
	for wrong in [0, 3, 5, most + 4] {
		assert!(!architecture.check_output_len(wrong));
	}
}

#[test]
fn longest_prompt_should_be_as_long_as_the_architecture_says() {
	let config = Config { max_positions: 20_000, ..golden::llama::config(Class::F32, 0) };
	let prompt =
		Prompt { sampling: sample(1.0, 1, 1.0, 1), stop: vec![1; 8], ..greedy(&[1; 19_999], 1) };
	let input = prompt.encode();
	let architecture = Architecture::Llama(config);
	assert_eq!(architecture.check_input(&input), Ok(()));
	assert_eq!(architecture.input_len(), input.len() as u32);
}

#[test]
fn input_should_be_refused_when_it_does_not_fit() {
	let config = golden::llama::config(Class::F32, 0);
	let model = load(&config, 1);
	let refused = |input: &[u8], fault: InputFault| {
		let refused = EngineError::InvalidInput(fault);
		assert_eq!(model.architecture().check_input(input), Err(refused.clone()));
		assert_eq!(model.run(input), Err(refused));
		assert_eq!(model.architecture().work(input), 0);
		assert_eq!(model.architecture().max_output_len(input), 0);
	};
	let prompt = greedy(&[1, 2], 3);
	assert_eq!(model.architecture().check_input(&prompt.encode()), Ok(()));
	let change = |change: &dyn Fn(&mut Prompt)| {
		let mut prompt = prompt.clone();
		change(&mut prompt);
		prompt.encode()
	};
	let encoded = prompt.encode();
	refused(&[], InputFault::Undecodable);
	refused(&encoded[1..], InputFault::Undecodable);
	refused(&[&encoded[..], &[0]].concat(), InputFault::Undecodable);
	refused(&[0xff; 64], InputFault::Undecodable);
	refused(&change(&|prompt| prompt.tokens.clear()), InputFault::NoToken);
	refused(&change(&|prompt| prompt.max_tokens = 0), InputFault::NothingToGenerate);
	let token = config.vocab;
	let unknown = InputFault::UnknownToken { at: 1, token };
	refused(&change(&|prompt| prompt.tokens[1] = token), unknown);
	assert_eq!(model.architecture().check_input(&change(&|prompt| prompt.max_tokens = 62)), Ok(()));
	let too_many = |got| InputFault::TooManyTokens { got, most: 64 };
	refused(&change(&|prompt| prompt.max_tokens = 63), too_many(65));
	refused(&change(&|prompt| prompt.max_tokens = u32::MAX), too_many(u32::MAX));
	refused(
		&change(&|prompt| prompt.stop = vec![1; 9]),
		InputFault::TooManyStopTokens { got: 9, most: 8 },
	);
	for bad in [0.0, 0.009, 100.1, -1.0, f32::NAN, f32::INFINITY] {
		refused(
			&change(&|prompt| prompt.sampling = sample(bad, 0, 1.0, 0)),
			InputFault::Temperature,
		);
	}
	for bad in [0.0, -0.5, 1.001, f32::NAN, f32::INFINITY] {
		refused(&change(&|prompt| prompt.sampling = sample(1.0, 0, bad, 0)), InputFault::TopP);
	}
}

#[test]
fn generation_should_end_when_a_token_is_to_stop_it() {
	let case = &cases()[1];
	let model = load(&case.config, case.seed);
	let all = case.tokens;
	// The prompt's, and the model's own.
	for stop in [32, 26, 15] {
		let first = all.iter().position(|token| *token == stop).unwrap();
		let expected = Generated { tokens: all[..=first].to_vec(), end: End::Stop };
		let prompt = Prompt { stop: vec![1, stop], ..case.prompt.clone() };
		assert_eq!(generate(model.llama().unwrap(), &prompt), Ok(expected.clone()));

		let config = Config { stop: vec![stop].try_into().unwrap(), ..case.config.clone() };
		let stopping = load(&config, case.seed);
		assert_eq!(generate(stopping.llama().unwrap(), &case.prompt), Ok(expected));
	}
	let expected = Generated { tokens: all.to_vec(), end: End::Length };
	assert_eq!(generate(model.llama().unwrap(), &case.prompt), Ok(expected));
	// The last one that is asked for can be one that stops.
	let prompt = Prompt { stop: vec![all[2]], max_tokens: 3, ..case.prompt.clone() };
	assert_eq!(generate(model.llama().unwrap(), &prompt).map(|got| got.end), Ok(End::Stop));
}

#[test]
fn callback_should_see_each_token_and_be_able_to_give_up() {
	let case = &cases()[1];
	let model = load(&case.config, case.seed);
	for most in 1..=case.tokens.len() {
		let mut seen = Vec::new();
		let got = model.llama().unwrap().generate(&case.prompt, &mut |token| {
			seen.push(token);
			if seen.len() == most {
				ControlFlow::Break(())
			} else {
				ControlFlow::Continue(())
			}
		});
		assert_eq!(seen, case.tokens[..most]);
		let end = if most == case.tokens.len() { End::Length } else { End::Cancelled };
		assert_eq!(got, Ok(Generated { tokens: seen, end }));
	}
}

#[test]
fn callback_should_be_asked_after_each_part_of_a_prompt() {
	let config = Config { max_positions: 200, ..golden::llama::config(Class::F32, 0) };
	let model = load(&config, 1);
	let prompt = greedy(&[1; 129], 2);
	let run = |most: usize| {
		let mut steps = Vec::new();
		let answer = model.run_in_steps(&prompt.encode(), &mut |fresh| {
			steps.push(fresh.to_vec());
			if steps.len() == most {
				ControlFlow::Break(())
			} else {
				ControlFlow::Continue(())
			}
		});
		(steps, answer.unwrap())
	};
	let tokens = generate(model.llama().unwrap(), &prompt).unwrap().tokens;
	let steps = vec![vec![], vec![], vec![tokens[0]], vec![tokens[1]]];
	for most in 1..4 {
		assert_eq!(run(most), (steps[..most].to_vec(), None));
	}
	// What is over can't be given up.
	assert_eq!(run(4), (steps, Some(model.run(&prompt.encode()).unwrap())));
}

#[test]
fn generation_should_fail_as_often_as_it_is_tried_when_a_result_is_not_finite() {
	let config = golden::llama::config(Class::F32, 0);
	let architecture = Architecture::Llama(config);
	let artifact = golden::artifact(&architecture, 1, 2f32.powi(62)).unwrap();
	let model = Model::load(&architecture, &artifact).unwrap();
	let llama = model.llama().unwrap();
	let Err(error) = generate(llama, &greedy(&[1, 2, 3], 4)) else { panic!("it did not fail") };
	assert!(matches!(error, EngineError::NonFiniteResult { .. }));
	let mut generation = Generation::new(llama, greedy(&[1, 2, 3], 4)).unwrap();
	for _ in 0..4 {
		Generation::step(llama, &mut [&mut generation], 1, &mut Scratch::default());
	}
	assert_eq!(generation.outcome(), Some(&Err(error)));
	assert!(generation.generated().is_empty());
}

prop_compose! {
	fn prompts()(
		tokens in prop::collection::vec(0u32..37, 1..30),
		max_tokens in 1u32..30,
		sampling in prop_oneof![
			Just(Sampling::Greedy),
			(0.1f32..5.0, 0u32..50, 0.05f32..1.2, any::<u64>())
				.prop_map(|(t, k, p, seed)| sample(t, k, p.min(1.0), seed)),
		],
		stop in prop::collection::vec(0u32..37, 0..2),
	) -> Prompt {
		Prompt { tokens, max_tokens, sampling, stop }
	}
}

/// Steps until all are over.
fn finish(llama: &Llama, batch: &mut [Generation], prefill: usize) {
	let mut scratch = Scratch::default();
	while batch.iter().any(|generation| generation.outcome().is_none()) {
		let mut all: Vec<&mut Generation> = batch.iter_mut().collect();
		Generation::step(llama, &mut all, prefill, &mut scratch);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

	#[test]
	fn generations_should_not_change_when_they_are_computed_together(
		(class, variant) in (prop_oneof![Just(Class::F32), Just(Class::Q8)], 0u32..3),
		prompts in prop::collection::vec(prompts(), 1..5),
		prefill in 1usize..40,
		late in 0usize..4,
	) {
		let model = load(&golden::llama::config(class, variant), 3);
		let llama = model.llama().unwrap();
		let mut batch: Vec<Generation> = prompts
			.iter()
			.map(|prompt| Generation::new(llama, prompt.clone()).unwrap())
			.collect();
		// One of them is ahead of the others.
		let ahead = late % batch.len();
		for _ in 0..late {
			Generation::step(llama, &mut [&mut batch[ahead]], 3, &mut Scratch::default());
		}
		finish(llama, &mut batch, prefill);
		for (generation, prompt) in batch.iter().zip(&prompts) {
			let alone = generate(llama, prompt).unwrap();
			prop_assert_eq!(generation.generated(), &alone.tokens);
			prop_assert_eq!(generation.outcome(), Some(&Ok(alone.end)));
		}
	}

	#[test]
	fn generation_should_go_on_with_the_same_tokens_when_it_is_restored(
		(class, variant) in (prop_oneof![Just(Class::F32), Just(Class::Q8)], 0u32..3),
		prompt in prompts(),
		prefill in 1usize..10,
		steps in 0usize..40,
	) {
		let model = load(&golden::llama::config(class, variant), 3);
		let llama = model.llama().unwrap();
		let whole = generate(llama, &prompt).unwrap();
		let mut generation = Generation::new(llama, prompt.clone()).unwrap();
		for _ in 0..steps {
			Generation::step(llama, &mut [&mut generation], prefill, &mut Scratch::default());
		}
		let saved = generation.save(llama);
		let mut restored = [Generation::restore(llama, &saved).unwrap()];
		prop_assert_eq!(restored[0].generated(), generation.generated());
		prop_assert_eq!(restored[0].outcome(), generation.outcome());
		prop_assert_eq!(&restored[0].save(llama), &saved);
		finish(llama, &mut restored, 7);
		prop_assert_eq!(restored[0].generated(), &whole.tokens);

		let mut resumed =
			[Generation::resume(llama, prompt, generation.generated()).unwrap()];
		prop_assert_eq!(resumed[0].outcome(), generation.outcome());
		finish(llama, &mut resumed, 7);
		prop_assert_eq!(resumed[0].generated(), &whole.tokens);
		prop_assert_eq!(resumed[0].outcome(), Some(&Ok(whole.end)));
	}

	#[test]
	fn restore_should_not_panic_when_bytes_are_changed(
		prompt in prompts(),
		changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
		cut in prop::option::of(any::<prop::sample::Index>()),
	) {
		let model = load(&golden::llama::config(Class::F32, 2), 3);
		let llama = model.llama().unwrap();
		let mut generation = Generation::new(llama, prompt).unwrap();
		Generation::step(llama, &mut [&mut generation], 64, &mut Scratch::default());
		let mut bytes = generation.save(llama);
		for (at, value) in changes {
			let at = at.index(bytes.len().min(200));
			bytes[at] = value;
		}
		if let Some(cut) = cut {
			bytes.truncate(cut.index(bytes.len()));
		}
		if let Ok(generation) = Generation::restore(llama, &bytes) {
			finish(llama, &mut [generation], 5);
		}
	}

	#[test]
	fn prompt_should_not_panic_when_it_is_hostile(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
		let model = load(&golden::llama::config(Class::F32, 0), 1);
		let decodes = Prompt::decode(&mut &bytes[..]).is_ok();
		let answer = model.run(&bytes);
		prop_assert!(decodes || answer.is_err());
		prop_assert_eq!(model.architecture().check_input(&bytes).is_ok(), answer.is_ok());
	}
}

#[test]
fn resume_should_refuse_when_the_tokens_can_not_have_been_generated() {
	let config =
		Config { stop: vec![7].try_into().unwrap(), ..golden::llama::config(Class::F32, 0) };
	let model = load(&config, 1);
	let llama = model.llama().unwrap();
	let resume = |generated: &[u32]| {
		let prompt = Prompt { stop: vec![9], ..greedy(&[1], 3) };
		Generation::resume(llama, prompt, generated).map(|resumed| resumed.outcome().cloned())
	};
	assert_eq!(resume(&[1, 2]), Ok(None));
	assert_eq!(resume(&[1, 2, 3]), Ok(Some(Ok(End::Length))));
	assert_eq!(resume(&[1, 7]), Ok(Some(Ok(End::Stop))));
	for impossible in [&[1, 2, 3, 4][..], &[7, 1], &[9, 1], &[37]] {
		assert_eq!(resume(impossible), Err(EngineError::InvalidState));
	}
}

#[test]
fn restore_should_refuse_when_the_cache_has_no_token_left_to_compute() {
	let config = golden::llama::config(Class::F32, 0);
	let model = load(&config, 1);
	let llama = model.llama().unwrap();
	let prompt = greedy(&[1, 2, 3], 5);
	let mut cache = llama.cache();
	let mut sequences = [Sequence::new(&mut cache, &[1, 2, 3], Logits::None)];
	llama.forward(&mut sequences, &mut Scratch::default(), &mut |_, _, _| ());
	let restore = |generated: &[u32], cache: &Cache| {
		Generation::restore(llama, &(&prompt, generated, cache.save()).encode())
	};
	assert_eq!(restore(&[], &cache).err(), Some(EngineError::InvalidState));
	let whole = generate(llama, &prompt).unwrap().tokens;
	assert!(restore(&whole[..1], &cache).is_ok());
	cache.truncate(2);
	let mut batch = [restore(&[], &cache).unwrap()];
	finish(llama, &mut batch, 64);
	assert_eq!(batch[0].generated(), whole);
}

/// The rule again, in the plainest way that there is.
fn choose_plainly(logits: &[f32], sampling: &Sampling, number: u64) -> u32 {
	let Sampling::Sample { temperature, top_k, top_p, seed } = *sampling else {
		let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
		return logits.iter().position(|logit| *logit == most).unwrap() as u32;
	};
	let scaled: Vec<f32> = logits.iter().map(|logit| logit / temperature.get()).collect();
	let by_value = |values: &[f32]| {
		let mut order: Vec<usize> = (0..values.len()).collect();
		order.sort_by(|a, b| values[*b].partial_cmp(&values[*a]).unwrap());
		order
	};
	let most = if top_k == 0 { logits.len() } else { top_k as usize };
	let mut kept: Vec<usize> = by_value(&scaled).into_iter().take(most).collect();
	kept.sort();
	let greatest = kept.iter().map(|at| scaled[*at]).fold(f32::NEG_INFINITY, f32::max);
	let powers: Vec<f32> = kept.iter().map(|at| libm::expf(scaled[*at] - greatest)).collect();
	let total = powers.iter().fold(0.0, |sum, power| sum + power);
	let shares: Vec<f32> = powers.iter().map(|power| power / total).collect();
	let mut nucleus = Vec::new();
	let mut sum = 0.0;
	for at in by_value(&shares) {
		nucleus.push((kept[at], shares[at]));
		sum += shares[at];
		if top_p.get() < 1.0 && sum >= top_p.get() {
			break;
		}
	}
	nucleus.sort_by_key(|(token, _)| *token);
	let target = uniform(seed, number) * nucleus.iter().fold(0.0, |sum, (_, share)| sum + share);
	let mut sum = 0.0;
	let found = nucleus.iter().find(|(_, share)| {
		sum += share;
		sum > target
	});
	found.unwrap().0 as u32
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

	#[test]
	fn choose_should_follow_the_rule(
		// Few different values, so that there are ties.
		logits in prop_oneof![
			prop::collection::vec((-4i8..5).prop_map(f32::from), 1..60),
			prop::collection::vec(-30f32..30.0, 1..300),
			prop::collection::vec(prop_oneof![Just(0.0f32), Just(-0.0), Just(1.0)], 1..20),
		],
		(temperature, top_k, top_p) in (0.05f32..4.0, 0u32..70, 0.01f32..1.1),
		(seed, number) in any::<(u64, u64)>(),
	) {
		for sampling in [Sampling::Greedy, sample(temperature, top_k, top_p.min(1.0), seed)] {
			let expected = choose_plainly(&logits, &sampling, number);
			prop_assert_eq!(choose(&mut logits.clone(), &sampling, number), Some(expected));
		}
	}
}

#[test]
fn choose_should_take_the_lowest_token_when_logits_are_equal() {
	assert_eq!(choose(&mut [1.0, 3.0, 3.0, 2.0], &Sampling::Greedy, 0), Some(1));
	assert_eq!(choose(&mut [-0.0, 0.0], &Sampling::Greedy, 0), Some(0));
	let first = |top_k, top_p| {
		(0..200).all(|number| {
			choose(&mut [1.0, 3.0, 3.0, 3.0], &sample(1.0, top_k, top_p, 5), number) == Some(1)
		})
	};
	assert!(first(1, 1.0));
	assert!(first(0, 0.2));
	// The first of two has exactly half.
	assert!((0..50)
		.all(|number| { choose(&mut [2.0, 2.0], &sample(1.0, 0, 0.5, 5), number) == Some(0) }));
	assert!(!first(2, 1.0));
	// 0.3 is more than one of the three has.
	assert!(!first(0, 0.5));
	assert_eq!(choose(&mut [], &Sampling::Greedy, 0), None);
}

#[test]
fn choose_should_refuse_when_a_logit_overflows() {
	assert_eq!(choose(&mut [1e38, 1.0], &sample(0.01, 0, 1.0, 1), 0), None);
	assert_eq!(choose(&mut [1.0, -1e38], &sample(0.01, 0, 1.0, 1), 0), None);
	assert_eq!(choose(&mut [-1e30, 1.0], &sample(0.01, 0, 1.0, 1), 0), Some(1));
}

#[test]
fn choose_should_draw_as_often_as_is_probable() {
	// 1 : 2 : 5.
	let logits = [1f32.ln(), 2f32.ln(), 5f32.ln()];
	let mut counts = [0u32; 3];
	for number in 0..8_000 {
		let token = choose(&mut logits.clone(), &sample(1.0, 0, 1.0, 99), number).unwrap();
		counts[token as usize] += 1;
	}
	for (count, expected) in counts.iter().zip([1_000u32, 2_000, 5_000]) {
		assert!(count.abs_diff(expected) < 150, "{counts:?}");
	}
}

#[test]
fn uniform_should_be_what_it_is_elsewhere() {
	let bits = |number| (uniform(7, number) * (1 << 24) as f32) as u32;
	assert_eq!([0, 1, 2, 3].map(bits), [8797065, 5069051, 15787297, 14818128]);
	assert!((0..10_000).all(|number| (0.0..1.0).contains(&uniform(u64::MAX, number))));
}

#[test]
fn loss_should_be_the_logarithm_of_what_was_not_expected() {
	let config = golden::llama::config(Class::F32, 2);
	let model = load(&config, 14);
	let llama = model.llama().unwrap();
	let tokens: Vec<u32> = (0..40).map(|at| at * 7 % config.vocab).collect();
	// Sums of the losses of two texts, of which the second is the first's end.
	let loss = |tokens: &[u32]| llama.loss(tokens).unwrap();
	assert_eq!(loss(&tokens[..1]), 0.0);
	let two = loss(&[1, 2]);
	let total: f64 = (0..config.vocab).map(|next| (-loss(&[1, next])).exp()).sum();
	assert!((total - 1.0).abs() < 1e-9, "{total}");
	assert!(loss(&[1, 2, 3]) > two);
	assert!(loss(&tokens) / 39.0 > 1.0);
	assert_eq!(llama.loss(&[]), Err(InputFault::NoToken.into()));
	let unknown = InputFault::UnknownToken { at: 1, token: config.vocab };
	assert_eq!(llama.loss(&[1, config.vocab]), Err(unknown.into()));
}
