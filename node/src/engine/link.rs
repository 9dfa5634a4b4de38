//! The engine's node: chunks come from it, and its workers are told where the engine is.

use super::{
	error::{StartError, Unavailable},
	metrics::Metrics,
};
use dodona_primitives_models::{chunk_cid, chunk_hash};
use jsonrpsee::{
	core::client::{ClientT, Error},
	rpc_params,
	ws_client::{PingConfig, WsClient, WsClientBuilder},
};
use serde_json::Value;
use sp_core::H256;
use std::{
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::{sync::Mutex, time::sleep};

/// Longest answer that is taken: a chunk in hex, with room to spare.
const MAX_MESSAGE: u32 = 8 * 1024 * 1024;
/// Longest time that an answer, or a connection, may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Pauses between attempts to connect, doubled from the first to the last: short, since a committee
/// may be waiting for what this node's workers have to say.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The attempt without success that is worth a warning: a node takes a while to start.
const WORTH_A_WARNING: u32 = 60;
/// Where the node's workers look up the addresses of the engine and of their own node's RPC.
const ENGINE_KEY: &[u8] = b"dodona/engine";
const RPC_KEY: &[u8] = b"dodona/rpc";

/// The engine's node.
pub struct Node {
	url: String,
	client: Mutex<Option<Arc<WsClient>>>,
	announced: AtomicBool,
	metrics: Metrics,
}

impl Node {
	/// The node at `url`. There is no connection yet.
	pub fn new(url: String, metrics: Metrics) -> Result<Arc<Self>, StartError> {
		if !url.starts_with("ws://") && !url.starts_with("wss://") {
			return Err(StartError::NodeAddress(url));
		}
		let (client, announced) = (Mutex::new(None), AtomicBool::new(false));
		Ok(Arc::new(Self { url, client, announced, metrics }))
	}

	/// Its address.
	pub fn url(&self) -> &str {
		&self.url
	}

	/// Whether its workers know about the engine.
	pub fn is_announced(&self) -> bool {
		self.announced.load(Ordering::Relaxed)
	}

	/// The connection, a new one if the last is lost.
	async fn client(&self) -> Result<Arc<WsClient>, Unavailable> {
		let mut client = self.client.lock().await;
		if let Some(client) = client.as_ref().filter(|client| client.is_connected()) {
			return Ok(client.clone());
		}
		let fresh = WsClientBuilder::new()
			.connection_timeout(TIMEOUT)
			.request_timeout(TIMEOUT)
			.max_request_size(MAX_MESSAGE)
			.max_response_size(MAX_MESSAGE)
			.enable_ws_ping(PingConfig::default())
			.build(&self.url)
			.await;
		let fresh = Arc::new(fresh.map_err(|error| self.away(error))?);
		*client = Some(fresh.clone());
		Ok(fresh)
	}

	/// The chunk with this hash.
	pub async fn chunk(&self, hash: H256) -> Result<Vec<u8>, Unavailable> {
		let client = self.client().await?;
		let answer = client.request("bitswap_v1_get", rpc_params![chunk_cid(hash)]).await;
		let digits: String = answer.map_err(|error| match error {
			Error::Call(error) => Unavailable::NoChunk(hash, error.message().into()),
			error => self.away(error),
		})?;
		let bytes = digits.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
		match bytes.filter(|bytes| chunk_hash(bytes) == hash) {
			Some(bytes) => {
				self.metrics.chunks.inc();
				Ok(bytes)
			},
			None => {
				self.metrics.corrupt_chunks.inc();
				Err(Unavailable::CorruptChunk(hash))
			},
		}
	}

	/// Tells the node's workers that the engine is at `engine`, whenever there is a new connection: a
	/// node that was started again may have forgotten. Never ends.
	pub async fn announce(&self, engine: &str) {
		let (mut pause, mut failures) = (FIRST_PAUSE, 0u32);
		loop {
			match self.client().await {
				Ok(client) => {
					(pause, failures) = (FIRST_PAUSE, 0);
					self.announce_to(&client, engine).await;
					client.on_disconnect().await;
					self.announced.store(false, Ordering::Relaxed);
					log::warn!("the connection to the node at {} is lost", self.url);
				},
				Err(error) => {
					failures = failures.saturating_add(1);
					let is_news = failures == WORTH_A_WARNING;
					let level = if is_news { log::Level::Warn } else { log::Level::Debug };
					log::log!(level, "{error}");
				},
			}
			sleep(pause).await;
			pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
		}
	}

	async fn announce_to(&self, client: &WsClient, engine: &str) {
		// What the node serves on WebSocket, it serves on HTTP, too.
		let rpc = self.url.replacen("ws", "http", 1);
		for (key, value) in [(RPC_KEY, rpc.as_str()), (ENGINE_KEY, engine)] {
			let [key, value] =
				[key, value.as_bytes()].map(|bytes| format!("0x{}", hex::encode(bytes)));
			let params = rpc_params!["PERSISTENT", key, value];
			let set: Result<Value, _> = client.request("offchain_localStorageSet", params).await;
			if let Err(error) = set {
				log::warn!(
					"the node at {} does not let its workers be told about the engine at {engine}: \
					 {error}. Tell them by `dodona dev rpc {rpc}` and `dodona dev engine {engine}`, \
					 where the node serves unsafe methods",
					self.url,
				);
				return;
			}
		}
		self.announced.store(true, Ordering::Relaxed);
		log::info!("workers of the node at {} use the engine at {engine}", self.url);
	}

	fn away(&self, error: Error) -> Unavailable {
		Unavailable::NodeAway { url: self.url.clone(), reason: error.to_string() }
	}
}
