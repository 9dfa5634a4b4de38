//! Runs in dispute: what parties ask, and what makes room for what.

use super::{
	jobs::{perceptrons, slow},
	*,
};
use codec::Decode;
use dodona_engine::{
	golden::{llama::config, networks},
	trace::{End, EndWitness, Operation, Program, Trace, Witness},
	Class,
};
use dodona_primitives_inference::{
	player::{self, Known, Next, Planted, Said},
	Asks, Question,
};
use dodona_primitives_models::Blake2;
use std::os::unix::fs::FileExt;

impl Engine {
	/// How a question ends.
	async fn told(&self, question: &Question) -> Progress {
		self.end_of("engine_trace", question).await
	}

	/// What is answered to a question.
	async fn says<R: Decode>(&self, question: &Question) -> R {
		match self.told(question).await {
			Progress::Done(bytes) => R::decode_all(&mut &bytes[..]).expect("it is what was asked"),
			other => panic!("{other:?}"),
		}
	}
}

/// Asks what is known of a run.
fn known(job: &Job) -> Question {
	Question { job: job.clone(), planted: None, asks: Asks::Known }
}

/// A question to a model with this seed.
fn asked(peer: &Peer, architecture: &Architecture, seed: u32) -> (Job, Vec<u8>) {
	let bytes = golden::artifact(architecture, seed, 1.0).expect("it is sound");
	let input = golden::input(architecture, seed);
	(job(architecture, peer.store(&bytes), input), bytes)
}

/// A run as a worker's Wasm records it.
fn recorded(job: &Job, bytes: &[u8], planted: Option<Planted>) -> Trace<Blake2> {
	let program = Program::new(&job.architecture, &job.input).expect("it is sound");
	let fault = planted.map(|planted| planted.fault(&program).expect("there is such a step"));
	Trace::record(&program, bytes, fault).expect("it is sound")
}

#[tokio::test(flavor = "multi_thread")]
async fn party_should_say_what_it_would_of_its_own_trace_when_it_asks_the_server() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let llama = Architecture::Llama(config(Class::Q8, 1));
	let architectures = [
		golden::mlp(&[40, 30, 3]),
		llama,
		networks::bert(Class::Q8, 0),
		networks::cnn(Class::F32, 0),
	];
	let mut runs = 0;
	for architecture in &architectures {
		let (job, bytes) = asked(&peer, architecture, 5);
		let operation = match architecture {
			Architecture::Llama(_) | Architecture::Bert(_) => Operation::Inner,
			_ => Operation::Product,
		};
		let mut all = Vec::new();
		for planted in [None, Some(Planted { operation, layer: 0, token: 0 })] {
			runs += 1;
			let own = recorded(&job, &bytes, planted);
			let question = |asks| Question { job: job.clone(), planted, asks };
			// One of them has it recorded for both.
			let (first, second) = (question(Asks::Known), question(Asks::End));
			let (known, output): (Known, Option<Vec<u8>>) =
				tokio::join!(engine.says(&first), engine.says(&second));
			assert_eq!(Some(known), player::known(&own));
			match own.end().expect("it is short").3 {
				End::Output(expected) => assert_eq!(output, Some(expected)),
				End::Fault => assert_eq!(output, None),
			}
			all.push(known);
			let last = own.program().steps() - 1;
			let nexts = [
				Next::Open { claim: 1 },
				Next::Descend { claim: 2, level: 0, index: 0 },
				Next::Settle { step: 0 },
				Next::Settle { step: last / 2 },
				Next::Settle { step: last },
				// Nothing can be said.
				Next::Wait,
				Next::Settle { step: last + 1 },
			];
			for next in nexts {
				let said: Option<Said<Witness, EndWitness>> =
					engine.says(&question(Asks::Say(next))).await;
				assert_eq!(said, player::say(&own, &next), "{next:?}");
			}
		}
		assert_ne!(all[0].root, all[1].root);
		assert_eq!(engine.number("/traces/recorded").await, runs);
	}
	assert_eq!(engine.number("/traces/questions/done").await, runs * 9);
	assert_eq!(engine.number("/traces/resident").await, runs);
	assert_eq!(engine.number("/counters/done").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_refused_when_the_weights_have_other_pages() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let ([(right, answer), _], pages) = (perceptrons(&peer), H256::repeat_byte(1));
	let wrong = Job { pages, ..right.clone() };
	assert_eq!(engine.end(&wrong).await, Progress::OtherPages);
	assert_eq!(engine.status("/models").await, serde_json::json!([]));
	assert_eq!(engine.told(&known(&wrong)).await, Progress::OtherPages);
	assert_eq!(engine.end(&right).await, answer);
	// The model is in memory now.
	let input = golden::input(&right.architecture, 77);
	let another = Job { input: Input::truncate_from(input), ..wrong };
	assert_eq!(engine.end(&another).await, Progress::OtherPages);
	assert_eq!(engine.number("/counters/refused").await, 2);
	assert_eq!(engine.number("/traces/questions/refused").await, 1);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_refused_when_no_run_of_the_weights_has_a_trace() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let llama = Architecture::Llama(config(Class::F32, 0));
	let bytes = golden::artifact(&llama, 5, 1.0).expect("it is sound");
	let (len, rest) = bytes.split_first_chunk::<8>().expect("it has a header");
	let (header, data) = rest.split_at(u64::from_le_bytes(*len) as usize);
	let mut header = header.to_vec();
	header.resize(400 * 1024, b' ');
	let long = [&(header.len() as u64).to_le_bytes()[..], &header, data].concat();
	assert!(Model::load(&llama, &long).is_ok());

	let asked = job(&llama, peer.store(&long), golden::input(&llama, 3));
	let refusal = trace::check(&llama, &long).expect_err("the header is too long");
	assert_eq!(engine.end(&asked).await, Progress::Refused(refusal.clone()));
	assert_eq!(engine.told(&known(&asked)).await, Progress::Refused(refusal));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_should_not_wait_when_a_long_run_is_recorded() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let [(job, answer), (other, _)] = perceptrons(&peer);
	let _: Known = engine.says(&known(&job)).await;
	let (architecture, bytes, prompt) = slow(1);
	let long = known(&super::job(&architecture, peer.store(&bytes), prompt));
	assert_eq!(engine.ask("engine_trace", &long, 0).await, Progress::Pending);
	engine.until("/traces/recording", 1).await;

	// Answers, and what is asked about a run that was recorded.
	assert_eq!(engine.end(&job).await, answer);
	let again = Question { asks: Asks::End, ..known(&job) };
	let output: Option<Vec<u8>> = engine.says(&again).await;
	assert_eq!(output.map(Progress::Done), Some(answer));
	// Another run has to, for one is recorded at a time.
	let second = known(&other);
	assert_eq!(engine.ask("engine_trace", &second, 20).await, Progress::Pending);
	assert_eq!(engine.number("/traces/recording").await, 1);
	assert!(engine.cancel_id(long.id()).await);
	let _: Known = engine.says(&second).await;
	assert_eq!(engine.number("/traces/recorded").await, 2);
	assert_eq!(engine.number("/traces/questions/cancelled").await, 1);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_should_end_when_nobody_asks_any_more() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let patience = Duration::from_millis(200);
	let engine = Engine::start(&peer, &folder, |options| options.patience = patience).await;
	let (architecture, bytes, prompt) = slow(1);
	let long = known(&job(&architecture, peer.store(&bytes), prompt));
	assert_eq!(engine.ask("engine_trace", &long, 0).await, Progress::Pending);
	engine.until("/traces/questions/cancelled", 1).await;
	engine.until("/traces/recording", 0).await;
	assert_eq!(engine.number("/traces/recorded").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_should_make_room_when_another_does_not_fit_beside_it() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let [(first, _), (second, _)] = perceptrons(&peer);
	let memory = first.artifact.size * 3 / 2;
	let engine = Engine::start(&peer, &folder, |options| options.trace_memory = memory).await;
	for (job, recorded) in [(&first, 1), (&second, 2)] {
		let _: Known = engine.says(&known(job)).await;
		assert_eq!(engine.number("/traces/recorded").await, recorded);
		assert_eq!(engine.number("/traces/resident").await, 1);
		assert!(engine.number("/traces/bytes").await <= memory);
	}
	// What was told is remembered; another question has the first one recorded again.
	let _: Known = engine.says(&known(&first)).await;
	assert_eq!(engine.number("/traces/recorded").await, 2);
	let again = Question { asks: Asks::End, ..known(&first) };
	let _: Option<Vec<u8>> = engine.says(&again).await;
	assert_eq!(engine.number("/traces/recorded").await, 3);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn question_should_be_unavailable_when_a_trace_is_above_the_limit() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let [(asked, _), _] = perceptrons(&peer);
	let memory = asked.artifact.size;
	let engine = Engine::start(&peer, &folder, |options| options.trace_memory = memory).await;
	let Progress::Unavailable(reason) = engine.told(&known(&asked)).await else {
		panic!("there is no memory for it");
	};
	assert!(reason.contains("raise --trace-memory"), "{reason}");
	assert!(reason.contains(&format!("may use {memory}")), "{reason}");
	// What it could not stand up for it does not answer.
	assert_eq!(engine.unavailable(&asked).await, reason);
	assert_eq!(engine.number("/counters/chunks").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn question_should_be_unavailable_when_it_is_for_another_version_of_the_engine() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let [(asked, _), _] = perceptrons(&peer);
	let asked = Job { engine: ENGINE_VERSION + 1, ..asked };
	let told = engine.told(&known(&asked)).await;
	assert!(
		matches!(&told, Progress::Unavailable(reason) if reason.contains("asks for")),
		"{told:?}"
	);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_should_be_recorded_with_the_right_weights_when_a_bit_of_the_file_flips() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let (architecture, bytes) = large();
	let input = golden::input(&architecture, 3);
	let asked = job(&architecture, peer.store(&bytes), input);
	// The pages are known from here on, and the file is on disk.
	assert!(matches!(engine.end(&asked).await, Progress::Done(_)));
	let file = fs::OpenOptions::new().write(true).open(folder.file(&asked.artifact));
	let at = bytes.len() - 1;
	file.expect("it is there")
		.write_all_at(&[bytes[at] ^ 1], at as u64)
		.expect("it is writable");
	let told: Known = engine.says(&known(&asked)).await;
	assert_eq!(Some(told), player::known(&recorded(&asked, &bytes, None)));
	assert_eq!(engine.number("/counters/corruptChunks").await, 1);
	engine.stop().await;
	peer.stop().await;
}
