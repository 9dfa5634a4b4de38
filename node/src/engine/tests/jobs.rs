//! Jobs side by side, models side by side, and their ends.

use super::*;
use dodona_engine::{
	architecture::llama,
	generate::{Prompt, Sampling},
	golden::llama::config,
	Class, Real,
};
use dodona_primitives_inference::MAX_OUTPUT_LEN;
use serde_json::json;

/// Most tokens of an answer.
const MOST_TOKENS: u32 = MAX_OUTPUT_LEN / 4;

/// A llama that generates for seconds, its weights, and a prompt for it.
pub fn slow(seed: u64) -> (Architecture, Vec<u8>, Vec<u8>) {
	let architecture = Architecture::Llama(llama::Config {
		hidden: 256,
		intermediate: 512,
		layers: 4,
		head_dim: 64,
		max_positions: 2 * MOST_TOKENS,
		..config(Class::F32, 0)
	});
	let bytes = golden::artifact(&architecture, 5, 1.0).expect("it is sound");
	let (temperature, top_p) = (Real::new(1.0), Real::new(1.0));
	let sampling = Sampling::Sample { temperature, top_k: 0, top_p, seed };
	let tokens = vec![1, 2, 3];
	let prompt = Prompt { tokens, max_tokens: MOST_TOKENS, sampling, stop: vec![] };
	(architecture, bytes, prompt.encode())
}

/// Perceptrons of the same size with different weights, and a question to each.
pub fn perceptrons(peer: &Peer) -> [(Job, Progress); 2] {
	let architecture = golden::mlp(&[256, 512, 4]);
	[1, 2].map(|seed| {
		let bytes = golden::artifact(&architecture, seed, 1.0).expect("it is sound");
		let input = golden::input(&architecture, seed);
		let answer = expected(&architecture, &bytes, &input);
		(job(&architecture, peer.store(&bytes), input), answer)
	})
}

#[tokio::test(flavor = "multi_thread")]
async fn generation_should_stop_when_it_is_given_up_in_the_middle() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let (architecture, bytes, prompt) = slow(1);
	let asked = job(&architecture, peer.store(&bytes), prompt);
	assert_eq!(engine.progress(&asked, 0).await, Progress::Pending);
	engine.until_not(0, "/counters/tokens").await;
	assert_eq!(engine.progress(&asked, 1).await, Progress::Pending);

	assert!(engine.cancel(&asked).await);
	engine.until("/jobs/running", 0).await;
	assert!(engine.number("/counters/tokens").await < MOST_TOKENS.into());
	assert_eq!(engine.number("/counters/cancelled").await, 1);
	assert_eq!(engine.number("/counters/done").await, 0);
	assert!(!engine.cancel(&asked).await);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_should_be_told_when_a_job_is_given_up() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let (architecture, bytes, prompt) = slow(1);
	let asked = job(&architecture, peer.store(&bytes), prompt);
	assert_eq!(engine.progress(&asked, 0).await, Progress::Pending);
	let give_up = async {
		engine.until_not(0, "/counters/tokens").await;
		engine.cancel(&asked).await
	};
	let (end, given_up) = tokio::join!(engine.end(&asked), give_up);
	assert!(given_up);
	assert!(
		matches!(&end, Progress::Unavailable(reason) if reason.contains("given up")),
		"{end:?}"
	);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_given_up_when_nobody_asks_for_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let patience = Duration::from_millis(200);
	let engine = Engine::start(&peer, &folder, |options| options.patience = patience).await;
	let (architecture, bytes, prompt) = slow(1);
	let asked = job(&architecture, peer.store(&bytes), prompt);
	assert_eq!(engine.progress(&asked, 0).await, Progress::Pending);
	engine.until("/counters/cancelled", 1).await;
	engine.until("/jobs/running", 0).await;
	assert!(engine.number("/counters/tokens").await < MOST_TOKENS.into());
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_go_on_when_somebody_waits_for_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let patience = Duration::from_millis(200);
	let engine = Engine::start(&peer, &folder, |options| options.patience = patience).await;
	let (architecture, bytes, prompt) = slow(1);
	let (_, _, other) = slow(2);
	let artifact = peer.store(&bytes);
	let [awaited, forgotten] = [prompt, other].map(|prompt| job(&architecture, artifact, prompt));
	let meanwhile = async {
		engine.until_not(0, "/counters/tokens").await;
		// It is asked for later, and given up sooner.
		assert_eq!(engine.progress(&forgotten, 0).await, Progress::Pending);
		let given_up = engine.until_not(0, "/counters/cancelled").await;
		assert!(engine.cancel(&awaited).await);
		given_up
	};
	let (_, given_up) = tokio::join!(engine.end(&awaited), meanwhile);
	assert_eq!(given_up, 1);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_computed_once_when_it_is_asked_for_twice() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let [(asked, answer), _] = perceptrons(&peer);
	let (first, second) = tokio::join!(engine.end(&asked), engine.end(&asked));
	assert_eq!((&first, &second), (&answer, &answer));
	assert_eq!(engine.end(&asked).await, answer);
	assert_eq!(engine.number("/counters/started").await, 1);
	assert_eq!(engine.number("/counters/done").await, 1);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_should_be_loaded_once_when_jobs_share_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let [(asked, _), _] = perceptrons(&peer);
	let others = (1..9).map(|seed| Job {
		input: Input::truncate_from(golden::input(&asked.architecture, seed)),
		..asked.clone()
	});
	let others: Vec<Job> = others.collect();
	let mut ends = Vec::new();
	for asked in &others {
		assert!(!matches!(engine.progress(asked, 0).await, Progress::Unavailable(_)));
	}
	for asked in &others {
		ends.push(engine.end(asked).await);
	}
	assert!(ends.iter().all(|end| matches!(end, Progress::Done(_))), "{ends:?}");
	assert_eq!(engine.number("/counters/done").await, 8);
	// The index and one chunk.
	assert_eq!(engine.number("/counters/chunks").await, 2);
	assert_eq!(engine.status("/models").await.as_array().map(Vec::len), Some(1));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_should_make_room_when_another_does_not_fit_beside_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let [(first, answer), (second, other)] = perceptrons(&peer);
	let memory = first.artifact.size * 3 / 2;
	let engine = Engine::start(&peer, &folder, |options| options.memory = memory).await;
	assert_eq!(engine.end(&first).await, answer);
	assert_eq!(engine.end(&second).await, other);
	assert_eq!(engine.number("/counters/evictions").await, 1);
	assert_eq!(engine.status("/models/0/root").await, json!(second.artifact.root));
	assert!(engine.number("/memory/used").await <= memory);
	// Another question, for which the first has to come back.
	let input = golden::input(&first.architecture, 77);
	let again = Job { input: Input::truncate_from(input), ..first };
	assert!(matches!(engine.end(&again).await, Progress::Done(_)));
	assert_eq!(engine.number("/counters/evictions").await, 2);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_should_stay_when_a_job_uses_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let (architecture, bytes, prompt) = slow(1);
	let long = job(&architecture, peer.store(&bytes), prompt);
	let [(short, answer), _] = perceptrons(&peer);
	// The cache of keys and values counts, too.
	let Architecture::Llama(config) = &architecture else { panic!("it is a llama") };
	let cache = config.cache_bytes() * u64::from(3 + MOST_TOKENS);
	let memory = long.artifact.size + cache + short.artifact.size / 2;
	let engine = Engine::start(&peer, &folder, |options| options.memory = memory).await;
	assert_eq!(engine.progress(&long, 0).await, Progress::Pending);
	engine.until_not(0, "/counters/tokens").await;
	assert_eq!(engine.progress(&short, 50).await, Progress::Pending);
	assert_eq!(engine.number("/counters/evictions").await, 0);
	assert!(engine.cancel(&long).await);
	// What its keys and values took is room enough.
	assert_eq!(engine.end(&short).await, answer);
	assert_eq!(engine.number("/counters/evictions").await, 0);
	assert_eq!(engine.status("/models").await.as_array().map(Vec::len), Some(2));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_unavailable_when_its_model_is_above_the_limit() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let [(asked, _), _] = perceptrons(&peer);
	let memory = asked.artifact.size - 1;
	let engine = Engine::start(&peer, &folder, |options| options.memory = memory).await;
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains(&format!("needs {} bytes", asked.artifact.size)), "{reason}");
	assert!(reason.contains(&format!("may use {memory}")), "{reason}");
	assert_eq!(engine.number("/counters/chunks").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_unavailable_when_the_queue_is_full() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |options| options.queue = 1).await;
	let (architecture, bytes, prompt) = slow(1);
	let long = job(&architecture, peer.store(&bytes), prompt);
	let [(short, answer), _] = perceptrons(&peer);
	assert_eq!(engine.progress(&long, 0).await, Progress::Pending);
	let reason = engine.unavailable(&short).await;
	assert!(reason.contains("1 jobs already"), "{reason}");
	// Those that are known may be asked for.
	assert_eq!(engine.progress(&long, 0).await, Progress::Pending);
	assert!(engine.cancel(&long).await);
	let end = async {
		loop {
			match engine.end(&short).await {
				Progress::Unavailable(_) => sleep(Duration::from_millis(2)).await,
				end => return end,
			}
		}
	};
	assert_eq!(timeout(PATIENCE, end).await.expect("there is a place again"), answer);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_should_wait_for_their_turn_when_all_threads_compute() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |options| options.jobs = 1).await;
	let (architecture, bytes, prompt) = slow(1);
	let (_, _, other) = slow(2);
	let artifact = peer.store(&bytes);
	let [first, second] = [prompt, other].map(|prompt| job(&architecture, artifact, prompt));
	assert_eq!(engine.progress(&first, 0).await, Progress::Pending);
	engine.until_not(0, "/counters/tokens").await;
	assert_eq!(engine.progress(&second, 0).await, Progress::Pending);
	engine.until("/jobs/queued", 1).await;
	assert_eq!(engine.number("/jobs/running").await, 1);
	assert!(engine.cancel(&first).await);
	engine.until("/jobs/queued", 0).await;
	assert!(engine.cancel(&second).await);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_unavailable_when_its_answer_can_not_be_revealed() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let architecture = Architecture::Llama(llama::Config {
		max_positions: 2 * MOST_TOKENS,
		..config(Class::F32, 0)
	});
	let bytes = golden::artifact(&architecture, 5, 1.0).expect("it is sound");
	let artifact = peer.store(&bytes);
	let prompt = |max_tokens| Prompt {
		tokens: vec![1, 2, 3],
		max_tokens,
		sampling: Sampling::Greedy,
		stop: vec![],
	};
	let asked = job(&architecture, artifact, prompt(MOST_TOKENS + 1).encode());
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains("longer than"), "{reason}");
	let input = prompt(MOST_TOKENS).encode();
	let asked = job(&architecture, artifact, input.clone());
	assert_eq!(engine.end(&asked).await, expected(&architecture, &bytes, &input));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_should_be_forgotten_when_many_came_after_them() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let architecture = golden::mlp(&[1, 1]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let artifact = peer.store(&bytes);
	let asked = |value: u16| job(&architecture, artifact, f32::from(value).to_le_bytes().to_vec());
	for value in 0..257 {
		assert!(matches!(engine.end(&asked(value)).await, Progress::Done(_)));
	}
	// The second is still known, the first is not.
	engine.end(&asked(1)).await;
	assert_eq!(engine.number("/counters/started").await, 257);
	engine.end(&asked(0)).await;
	assert_eq!(engine.number("/counters/started").await, 258);
	engine.stop().await;
	peer.stop().await;
}
