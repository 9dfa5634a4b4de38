//! The server as its clients see it, with a node that has chunks and notes what it is told.

mod answers;
mod artifacts;
mod jobs;
mod link;
mod traces;

use super::{
	server::{url_of, Server},
	Options,
};
use codec::{DecodeAll, Encode};
use dodona_engine::{golden, trace, Architecture, EngineError, Model, ENGINE_VERSION};
use dodona_primitives_inference::{Input, Job, Progress};
use dodona_primitives_models::{chunk_cid, chunk_hash, pages_root, ArtifactRef};
use jsonrpsee::{
	core::client::{ClientT, Error},
	rpc_params,
	server::ServerHandle,
	types::ErrorObjectOwned,
	ws_client::{WsClient, WsClientBuilder},
	RpcModule,
};
use parking_lot::Mutex;
use serde_json::Value;
use sp_core::H256;
use std::{
	collections::HashMap,
	fs,
	net::SocketAddr,
	path::PathBuf,
	sync::{
		atomic::{AtomicU32, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::time::{sleep, timeout};

/// How long a test waits for what it expects, at most.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOPBACK: SocketAddr =
	SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What a stand-in for a node has and knows.
#[derive(Default)]
struct Stock {
	/// Chunks by their address.
	chunks: HashMap<String, Vec<u8>>,
	/// Every chunk that was asked for.
	asked: Vec<String>,
	/// The local storage of workers.
	storage: HashMap<String, String>,
	/// Whether unsafe methods are refused.
	safe: bool,
}

/// An artifact that a node has.
#[derive(Clone, Copy)]
struct Stored {
	artifact: ArtifactRef,
	pages: H256,
}

/// One that no pages are known of.
impl From<ArtifactRef> for Stored {
	fn from(artifact: ArtifactRef) -> Self {
		Self { artifact, pages: H256::zero() }
	}
}

/// A stand-in for a node: it speaks the part of its RPC that the engine uses.
struct Peer {
	stock: Arc<Mutex<Stock>>,
	address: SocketAddr,
	handle: ServerHandle,
}

impl Peer {
	async fn start() -> Self {
		Self::start_at(LOOPBACK, Arc::default()).await
	}

	async fn start_at(address: SocketAddr, stock: Arc<Mutex<Stock>>) -> Self {
		let server = jsonrpsee::server::Server::builder()
			.build(address)
			.await
			.expect("the port is free");
		let address = server.local_addr().expect("it is bound");
		let mut module = RpcModule::new(stock.clone());
		module
			.register_method("bitswap_v1_get", |params, stock, _| {
				let (cid,): (String,) = params.parse()?;
				let mut stock = stock.lock();
				stock.asked.push(cid.clone());
				let chunk = stock.chunks.get(&cid);
				let none = || ErrorObjectOwned::owned(-32810, "Block not found", None::<()>);
				chunk.map(|chunk| format!("0x{}", hex::encode(chunk))).ok_or_else(none)
			})
			.expect("the name is new");
		module
			.register_method("offchain_localStorageSet", |params, stock, _| {
				let (kind, key, value): (String, String, String) = params.parse()?;
				let mut stock = stock.lock();
				if stock.safe {
					return Err(ErrorObjectOwned::owned(-32601, "RPC call is unsafe", None::<()>));
				}
				assert_eq!(kind, "PERSISTENT");
				stock.storage.insert(text(&key), text(&value));
				Ok(())
			})
			.expect("the name is new");
		Self { stock, address, handle: server.start(module) }
	}

	/// Stores an artifact.
	fn store(&self, bytes: &[u8]) -> Stored {
		let (artifact, index, chunks) = ArtifactRef::of(bytes);
		let mut stock = self.stock.lock();
		for chunk in chunks.into_iter().chain([&index[..]]) {
			stock.chunks.insert(chunk_cid(chunk_hash(chunk)), chunk.to_vec());
		}
		Stored { artifact, pages: pages_root(bytes) }
	}

	/// Changes the chunk that is stored for `original`.
	fn replace(&self, original: &[u8], chunk: Option<Vec<u8>>) {
		let cid = chunk_cid(chunk_hash(original));
		let mut stock = self.stock.lock();
		match chunk {
			Some(chunk) => stock.chunks.insert(cid, chunk),
			None => stock.chunks.remove(&cid),
		};
	}

	/// How often a chunk was asked for.
	fn asked(&self, chunk: &[u8]) -> usize {
		let cid = chunk_cid(chunk_hash(chunk));
		self.stock.lock().asked.iter().filter(|asked| **asked == cid).count()
	}

	async fn stop(self) {
		self.handle.stop().expect("it runs");
		self.handle.stopped().await;
	}
}

/// The text in 0x-hex.
fn text(digits: &str) -> String {
	let bytes = hex::decode(digits.strip_prefix("0x").expect("0x-hex")).expect("hex");
	String::from_utf8(bytes).expect("UTF-8")
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
	fn new() -> Self {
		static NUMBER: AtomicU32 = AtomicU32::new(0);
		let number = NUMBER.fetch_add(1, Ordering::Relaxed);
		let name = format!("dodona-engine-test-{}-{number}", std::process::id());
		Self(std::env::temp_dir().join(name))
	}

	/// The file of an artifact.
	fn file(&self, artifact: &ArtifactRef) -> PathBuf {
		self.0.join(hex::encode(artifact.root))
	}
}

impl Drop for Folder {
	fn drop(&mut self) {
		let _ = fs::remove_dir_all(&self.0);
	}
}

/// An engine server and a client of it.
struct Engine {
	server: Server,
	client: WsClient,
	url: String,
}

impl Engine {
	/// Starts a server for the node `peer`, with its files in `folder`, after `change`.
	async fn start(peer: &Peer, folder: &Folder, change: impl FnOnce(&mut Options)) -> Self {
		let mut options = Options::new(format!("ws://{}", peer.address), folder.0.clone());
		(options.jobs, options.threads) = (2, 2);
		(options.memory, options.trace_memory) = (1 << 30, 1 << 30);
		change(&mut options);
		let server = Server::start(options).await.expect("everything it needs is there");
		let address = server.address();
		let client = WsClientBuilder::new().build(format!("ws://{address}")).await;
		Self { client: client.expect("the server listens"), url: url_of(address), server }
	}

	async fn stop(self) {
		self.server.stop().await;
	}

	/// How far `job` is after at most `wait`.
	async fn progress(&self, job: &Job, wait: u64) -> Progress {
		self.ask("engine_answer", job, wait).await
	}

	/// How far what is asked of `method` is after at most `wait`.
	async fn ask(&self, method: &str, what: &impl Encode, wait: u64) -> Progress {
		let what = format!("0x{}", hex::encode(what.encode()));
		let answer: String =
			self.client.request(method, rpc_params![what, wait]).await.expect("it is known");
		let bytes = hex::decode(answer.strip_prefix("0x").expect("0x-hex")).expect("hex");
		Progress::decode_all(&mut &bytes[..]).expect("it is a `Progress`")
	}

	/// How `job` ends.
	async fn end(&self, job: &Job) -> Progress {
		self.end_of("engine_answer", job).await
	}

	/// How what is asked of `method` ends.
	async fn end_of(&self, method: &str, what: &impl Encode) -> Progress {
		let end = async {
			loop {
				let progress = self.ask(method, what, 10_000).await;
				if progress != Progress::Pending {
					return progress;
				}
			}
		};
		timeout(PATIENCE, end).await.expect("it ends")
	}

	/// Why `job` can't be computed.
	async fn unavailable(&self, job: &Job) -> String {
		match self.end(job).await {
			Progress::Unavailable(reason) => reason,
			other => panic!("{other:?}"),
		}
	}

	async fn cancel(&self, job: &Job) -> bool {
		self.cancel_id(job.id()).await
	}

	async fn cancel_id(&self, id: H256) -> bool {
		let id = format!("{id:?}");
		self.client
			.request("engine_cancel", rpc_params![id])
			.await
			.expect("it is known")
	}

	/// A part of the status, named by a JSON pointer.
	async fn status(&self, pointer: &str) -> Value {
		let status: Value =
			self.client.request("engine_status", rpc_params![]).await.expect("it is known");
		status
			.pointer(pointer)
			.unwrap_or_else(|| panic!("{status} has no {pointer}"))
			.clone()
	}

	/// A number of the status.
	async fn number(&self, pointer: &str) -> u64 {
		self.status(pointer).await.as_u64().expect("it is a number")
	}

	/// Waits until a part of the status is `value`.
	async fn until(&self, pointer: &str, value: impl Into<Value>) {
		let value = value.into();
		let end = async {
			while self.status(pointer).await != value {
				sleep(Duration::from_millis(2)).await;
			}
		};
		timeout(PATIENCE, end)
			.await
			.unwrap_or_else(|_| panic!("{pointer} never is {value}"));
	}

	/// Waits until a number of the status is not `value` any more, and returns what it is then.
	async fn until_not(&self, value: u64, pointer: &str) -> u64 {
		let end = async {
			loop {
				let now = self.number(pointer).await;
				if now != value {
					return now;
				}
				sleep(Duration::from_millis(2)).await;
			}
		};
		timeout(PATIENCE, end)
			.await
			.unwrap_or_else(|_| panic!("{pointer} is {value} for ever"))
	}
}

/// Waits until `is_so`.
async fn until(what: &str, is_so: impl Fn() -> bool) {
	let end = async {
		while !is_so() {
			sleep(Duration::from_millis(2)).await;
		}
	};
	timeout(PATIENCE, end)
		.await
		.unwrap_or_else(|_| panic!("{what}: this never happens"));
}

/// The question of `input` to the model of `architecture` in `artifact`.
fn job(architecture: &Architecture, stored: impl Into<Stored>, input: Vec<u8>) -> Job {
	let Stored { artifact, pages } = stored.into();
	Job {
		engine: ENGINE_VERSION,
		architecture: architecture.clone(),
		artifact,
		pages,
		input: Input::truncate_from(input),
	}
}

/// A perceptron with a bit more than two chunks of weights.
fn large() -> (Architecture, Vec<u8>) {
	let architecture = golden::mlp(&[512, 1024, 10]);
	let bytes = golden::artifact(&architecture, 3, 1.0).expect("it is sound");
	assert_eq!(ArtifactRef::of(&bytes).0.chunks, 3);
	(architecture, bytes)
}

/// What a model's answer is.
fn expected(architecture: &Architecture, artifact: &[u8], input: &[u8]) -> Progress {
	let model =
		trace::check(architecture, artifact).and_then(|()| Model::load(architecture, artifact));
	match model.and_then(|model| model.run(input)) {
		Ok(output) => Progress::Done(output),
		Err(error) => Progress::Refused(error),
	}
}
