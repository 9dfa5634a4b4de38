//! What is answered, and what is refused.

use super::*;
use dodona_engine::{
	architecture::bert,
	golden::{
		llama::{self, config},
		networks, CASES,
	},
	Class,
};
use dodona_primitives_inference::{Asks, Question};
use std::{
	io::{Read, Write},
	net::{TcpListener, TcpStream},
};

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_be_the_engines_when_the_model_is_fetched_from_the_node() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let perceptrons = CASES.iter().map(|case| (golden::mlp(case.widths), case.seed, case.scale));
	let llamas = [(Class::F32, 0), (Class::Q8, 1), (Class::F32, 2)]
		.map(|(class, variant)| (Architecture::Llama(config(class, variant)), variant, 1.0));
	let networks = [
		(networks::bert(Class::Q8, 0), 5, 1.0),
		(networks::bert(Class::F32, 1), 6, 1.0),
		(networks::cnn(Class::F32, 0), 7, 1.0),
		(networks::cnn(Class::Q8, 1), 8, 1.0),
	];
	for (architecture, seed, scale) in perceptrons.chain(llamas).chain(networks) {
		let bytes = golden::artifact(&architecture, seed, scale).expect("it is sound");
		let input = golden::input(&architecture, seed);
		let asked = job(&architecture, peer.store(&bytes), input.clone());
		let answer = engine.end(&asked).await;
		assert!(matches!(answer, Progress::Done(_)), "{answer:?}");
		assert_eq!(answer, expected(&architecture, &bytes, &input));
	}
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_have_the_known_tokens_when_a_generation_is_asked_for() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	for case in llama::cases() {
		let architecture = Architecture::Llama(case.config);
		let bytes = golden::artifact(&architecture, case.seed, 1.0).expect("it is sound");
		let asked = job(&architecture, peer.store(&bytes), case.prompt.encode());
		let tokens = case.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
		assert_eq!(engine.end(&asked).await, Progress::Done(tokens));
	}
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_refused_as_everywhere_when_the_engine_does() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let sound = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&sound, 1, 1.0).expect("it is sound");
	let input = golden::input(&sound, 1);
	let nan = f32::NAN.to_le_bytes();
	let large = [f32::MAX.to_le_bytes(); 3].concat();
	let llama = Architecture::Llama(config(Class::F32, 0));
	let llamas = golden::artifact(&llama, 2, 1.0).expect("it is sound");
	let stranger = llama::prompt(&config(Class::F32, 0), 1);
	let stranger = dodona_engine::generate::Prompt { tokens: vec![1, 37], ..stranger };
	let cases: [(&Architecture, &[u8], Vec<u8>); 8] = [
		// No layer, another model's weights, no weights at all.
		(&golden::mlp(&[3]), &bytes, input.clone()),
		(&golden::mlp(&[3, 4, 2]), &bytes, input.clone()),
		(&sound, &bytes[..100], input.clone()),
		// Too short, not a number, not a prompt, a token that there is not.
		(&sound, &bytes, input[1..].to_vec()),
		(&sound, &bytes, [&nan, &input[4..]].concat()),
		(&llama, &llamas, vec![255; 9]),
		(&llama, &llamas, stranger.encode()),
		// Weights come first.
		(&golden::mlp(&[3, 4, 2]), &bytes, nan.to_vec()),
	];
	for (architecture, bytes, input) in cases {
		let asked = job(architecture, peer.store(bytes), input.clone());
		let answer = engine.end(&asked).await;
		assert!(matches!(answer, Progress::Refused(_)), "{answer:?}");
		assert_eq!(answer, expected(architecture, bytes, &input));
	}
	let asked = job(&sound, peer.store(&bytes), large.clone());
	assert_eq!(engine.end(&asked).await, expected(&sound, &bytes, &large));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_should_differ_when_only_their_configurations_do() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let Architecture::Bert(config) = networks::bert(Class::F32, 0) else {
		panic!("it is an encoder");
	};
	let pooled = |pooling| Architecture::Bert(bert::Config { pooling, ..config.clone() });
	let [mean, first] = [bert::Pooling::Mean, bert::Pooling::Cls].map(pooled);
	let bytes = golden::artifact(&mean, 5, 1.0).expect("it is sound");
	let input = golden::input(&mean, 5);
	let mut answers = Vec::new();
	for architecture in [&mean, &first] {
		let asked = job(architecture, peer.store(&bytes), input.clone());
		let answer = engine.end(&asked).await;
		assert_eq!(answer, expected(architecture, &bytes, &input));
		answers.push(answer);
	}
	assert_ne!(answers[0], answers[1]);
	assert_eq!(engine.status("/models").await.as_array().map(Vec::len), Some(2));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_unavailable_when_it_is_for_another_version_of_the_engine() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let architecture = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 1));
	let asked = Job { engine: ENGINE_VERSION + 1, ..asked };
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains(&format!("asks for {}", ENGINE_VERSION + 1)), "{reason}");
	assert_eq!(engine.number("/counters/chunks").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_should_fail_when_the_job_is_not_encoded_as_one() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let architecture = golden::mlp(&[3, 5, 2]);
	let good = job(&architecture, ArtifactRef::of(&[1]).0, vec![0; 12]).encode();
	// Cut off, with bytes after the end, lengths that nothing has, no hex at all.
	let hostile = [
		format!("0x{}", hex::encode(&good[..good.len() - 1])),
		format!("0x{}00", hex::encode(&good)),
		format!("0x{}", hex::encode([&good[..2], &[0xff; 40]].concat())),
		format!("0x{}", "ff".repeat(100_000)),
		hex::encode(&good),
		"0xgg".into(),
		String::new(),
	];
	for job in hostile {
		for method in ["engine_answer", "engine_trace"] {
			let answer = engine.client.request::<String, _>(method, rpc_params![&job, 0]).await;
			assert!(matches!(answer, Err(Error::Call(error)) if error.code() == -32602));
		}
	}
	for id in ["0x00", "", "0x"] {
		let answer = engine.client.request::<bool, _>("engine_cancel", rpc_params![id]).await;
		assert!(matches!(answer, Err(Error::Call(error)) if error.code() == -32602));
	}
	assert_eq!(engine.number("/counters/started").await, 0);
	assert_eq!(engine.number("/traces/questions/started").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_should_not_start_when_a_thread_fails_the_self_test() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let mut options = Options::new(format!("ws://{}", peer.address), folder.0.clone());
	options.self_test = || match std::thread::current().name() {
		Some("engine-1-1") => Err(EngineError::SelfTestFailed { case: 7 }),
		_ => Ok(()),
	};
	(options.jobs, options.threads) = (2, 2);
	let Err(error) = Server::start(options).await else {
		panic!("one of the threads computes something else");
	};
	let error = error.to_string();
	assert!(error.contains("self-test failed") && error.contains("case 7"), "{error}");
	peer.stop().await;
}

/// What the server answers to `GET /health` by a client that calls it `host`.
fn health(engine: &Engine, host: &str) -> String {
	let mut stream = TcpStream::connect(engine.server.address()).expect("the server listens");
	let request = format!("GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
	stream.write_all(request.as_bytes()).expect("it is open");
	let mut answer = String::new();
	stream.read_to_string(&mut answer).expect("it is text");
	answer
}

#[tokio::test(flavor = "multi_thread")]
async fn health_should_be_the_status_when_asked_for_by_http() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let answer = health(&engine, "localhost");
	assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
	let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
	let status: Value = serde_json::from_str(body).expect("it is JSON");
	assert_eq!(status["engine"], ENGINE_VERSION);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_should_be_denied_when_it_names_another_host() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	// As a page does whose name was made to mean this machine.
	let answer = health(&engine, "example.org");
	assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_should_be_served_when_a_port_is_given() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let free = TcpListener::bind(LOOPBACK).expect("there are free ports");
	let address = free.local_addr().expect("it is bound");
	let mut options = Options::new(format!("ws://{}", peer.address), folder.0.clone());
	options.metrics = Some(address);
	let Err(error) = Server::start(options).await else { panic!("the port is taken") };
	assert!(error.to_string().contains("choose another --prometheus-port"), "{error}");
	drop(free);

	let engine = Engine::start(&peer, &folder, |options| options.metrics = Some(address)).await;
	let architecture = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 1));
	engine.end(&asked).await;
	let known = Question { job: asked, planted: None, asks: Asks::Known };
	engine.end_of("engine_trace", &known).await;
	until("metrics are there", || TcpStream::connect(address).is_ok()).await;
	let mut stream = TcpStream::connect(address).expect("it listens");
	stream
		.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
		.expect("it is open");
	let mut answer = String::new();
	stream.read_to_string(&mut answer).expect("it is text");
	let lines = [
		"jobs_done_total 1",
		"chunks_fetched_total 2",
		"models_resident 1",
		"questions_done_total 1",
		"traces_recorded_total 1",
		"traces_resident 1",
	];
	for line in lines {
		assert!(answer.contains(&format!("\ndodona_engine_{line}\n")), "{line}: {answer}");
	}
	engine.stop().await;
	peer.stop().await;
}
