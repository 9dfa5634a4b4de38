//! The server: JSON-RPC on HTTP and WebSocket, and what is behind it.

use super::{
	artifacts::Artifacts, error::StartError, jobs::Jobs, link::Node, metrics::Metrics,
	models::Models, teams::Teams, traces::Traces,
};
use codec::{Decode, DecodeAll, Encode};
use dodona_engine::{EngineError, ENGINE_VERSION};
use dodona_primitives_inference::{Job, Progress, Question};
use jsonrpsee::{
	server::{
		middleware::http::{HostFilterLayer, ProxyGetRequestLayer},
		BatchRequestConfig, PingConfig, ServerHandle,
	},
	types::{error::INVALID_PARAMS_CODE, ErrorObjectOwned, Params},
	RpcModule,
};
use serde_json::{json, Value};
use sp_core::H256;
use std::{
	fmt::Display,
	net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
	path::PathBuf,
	sync::Arc,
	time::Duration,
};
use substrate_prometheus_endpoint::{init_prometheus, Registry};
use tokio::{task::JoinHandle, time::timeout};

/// Longest request: a job in hex, with room to spare.
const MAX_REQUEST: u32 = 512 * 1024;
/// Longest answer: a witness in hex, with room to spare. Workers take no more than this.
const MAX_RESPONSE: u32 = 2 * 1024 * 1024;
/// Most connections at a time.
const MAX_CONNECTIONS: u32 = 128;
/// Most calls in one request.
const MAX_BATCH: u32 = 16;
/// Longest time that clients have for their last words.
const GRACE: Duration = Duration::from_secs(1);
/// Longest time that a call waits.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What a server is started with.
pub struct Options {
	/// Where it listens.
	pub listen: SocketAddr,
	/// Its node's RPC, a WebSocket.
	pub node: String,
	/// Most memory for models and what is computed with them, in bytes.
	pub memory: u64,
	/// Most memory for runs in dispute beside that, in bytes.
	pub trace_memory: u64,
	/// Most jobs that are computed at a time.
	pub jobs: usize,
	/// Threads for each of them.
	pub threads: usize,
	/// Most jobs that are not over.
	pub queue: usize,
	/// A job that nobody asked for in this time is given up.
	pub patience: Duration,
	/// The folder of artifacts.
	pub cache: PathBuf,
	/// Most bytes in it.
	pub cache_size: u64,
	/// Where metrics are served.
	pub metrics: Option<SocketAddr>,
	/// What every thread that computes has to pass.
	pub self_test: fn() -> Result<(), EngineError>,
}

/// A server that runs.
pub struct Server {
	address: SocketAddr,
	handle: ServerHandle,
	tasks: Vec<JoinHandle<()>>,
}

/// What methods work with.
struct Context {
	jobs: Arc<Jobs>,
	traces: Arc<Traces>,
	node: Arc<Node>,
	metrics: Metrics,
	teams: usize,
}

impl Server {
	/// Starts a server. Nothing is served unless the self-test is passed.
	pub async fn start(options: Options) -> Result<Self, StartError> {
		let Options { listen, memory, queue, patience, cache, cache_size, .. } = options;
		let teams = Teams::new(options.jobs, options.threads, options.self_test)?;
		let registry = Registry::new();
		let metrics = Metrics::new(&registry).map_err(other)?;
		let node = Node::new(options.node, metrics.clone())?;
		let artifacts = Artifacts::new(cache.clone(), cache_size, node.clone(), metrics.clone())
			.map_err(|error| StartError::Cache(cache, error))?;
		let models = Models::new(memory, metrics.clone());
		let traces = Traces::new(
			artifacts.clone(),
			metrics.clone(),
			options.trace_memory,
			patience,
			options.self_test,
		)?;
		let limit = options.trace_memory;
		let jobs = Jobs::new(models, artifacts, teams, metrics.clone(), queue, patience, limit);

		let hosts = ["localhost:*".into(), "127.0.0.1:*".into(), host_of(listen.ip())];
		let middleware = tower::ServiceBuilder::new()
			.layer(HostFilterLayer::new(hosts).map_err(other)?)
			.layer(ProxyGetRequestLayer::new("/health", "engine_status").map_err(other)?);
		let server = jsonrpsee::server::Server::builder()
			.max_request_body_size(MAX_REQUEST)
			.max_response_body_size(MAX_RESPONSE)
			.max_connections(MAX_CONNECTIONS)
			.max_subscriptions_per_connection(0)
			.set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
			.enable_ws_ping(PingConfig::default())
			.set_http_middleware(middleware)
			.build(listen)
			.await
			.map_err(|error| StartError::Listen(listen, error))?;
		let address = server.local_addr().map_err(|error| StartError::Listen(listen, error))?;

		let mut tasks = Vec::new();
		if let Some(address) = options.metrics {
			// The exporter itself would only log that it can't.
			TcpListener::bind(address).map_err(|error| StartError::Metrics(address, error))?;
			tasks.push(tokio::spawn(async move {
				if let Err(error) = init_prometheus(address, registry).await {
					log::error!("metrics are not served: {error}");
				}
			}));
		}
		let (swept, linked, engine) = (jobs.clone(), node.clone(), url_of(address));
		tasks.push(tokio::spawn(async move { swept.desk().sweep().await }));
		let swept = traces.clone();
		tasks.push(tokio::spawn(async move { swept.desk().sweep().await }));
		tasks.push(tokio::spawn(async move { linked.announce(&engine).await }));
		let context = Context { jobs, traces, node, metrics, teams: options.jobs };
		let handle = server.start(methods(context).map_err(other)?);
		Ok(Self { address, handle, tasks })
	}

	/// Where it listens.
	pub fn address(&self) -> SocketAddr {
		self.address
	}

	/// Ends it. A computation that runs is not waited for.
	pub async fn stop(self) {
		for task in &self.tasks {
			task.abort();
		}
		// It is an error to be stopped already. Clients that wait for an answer are left alone soon.
		let _ = self.handle.stop();
		let _ = timeout(GRACE, self.handle.stopped()).await;
	}
}

fn other(error: impl Display) -> StartError {
	StartError::Other(error.to_string())
}

/// What the header `Host` of a request may say besides names of this machine.
fn host_of(ip: IpAddr) -> String {
	match ip {
		IpAddr::V4(ip) => format!("{ip}:*"),
		IpAddr::V6(ip) => format!("[{ip}]:*"),
	}
}

/// Where programs on this machine reach a server that listens on `address`.
pub fn url_of(address: SocketAddr) -> String {
	let ip = match address.ip() {
		IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
		IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
		ip => ip,
	};
	format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn methods(context: Context) -> Result<RpcModule<Context>, jsonrpsee::core::RegisterMethodError> {
	let mut module = RpcModule::new(context);
	module.register_async_method("engine_answer", |params, context, _| async move {
		let (job, wait): (Job, _) =
			asked(&params, "the job is not a SCALE-encoded `Job` in 0x-hex")?;
		Ok::<_, ErrorObjectOwned>(told(context.jobs.answer(job, wait).await))
	})?;
	module.register_async_method("engine_trace", |params, context, _| async move {
		let what = "the question is not a SCALE-encoded `Question` in 0x-hex";
		let (question, wait): (Question, _) = asked(&params, what)?;
		Ok::<_, ErrorObjectOwned>(told(context.traces.answer(question, wait).await))
	})?;
	module.register_method("engine_cancel", |params: Params, context, _| {
		let (id,): (String,) = params.parse()?;
		let id: Option<[u8; 32]> = bytes(&id).and_then(|bytes| bytes.try_into().ok());
		let id = id.ok_or_else(|| invalid("the job's id is not 32 bytes in 0x-hex"))?;
		let desks = [context.jobs.desk(), context.traces.desk()];
		Ok::<_, ErrorObjectOwned>(desks.into_iter().any(|desk| desk.cancel(H256(id))))
	})?;
	module.register_method("engine_status", |_, context, _| context.status())?;
	Ok(module)
}

/// What is asked for, and how long its end is waited for.
fn asked<A: Decode>(params: &Params, problem: &str) -> Result<(A, Duration), ErrorObjectOwned> {
	let (what, wait): (String, u64) = params.parse()?;
	let what = bytes(&what).and_then(|bytes| A::decode_all(&mut &bytes[..]).ok());
	let what = what.ok_or_else(|| invalid(problem))?;
	Ok((what, Duration::from_millis(wait).min(MAX_WAIT)))
}

/// Progress as it is told.
fn told(progress: Progress) -> String {
	format!("0x{}", hex::encode(progress.encode()))
}

/// The bytes of 0x-hex.
fn bytes(digits: &str) -> Option<Vec<u8>> {
	hex::decode(digits.strip_prefix("0x")?).ok()
}

fn invalid(reason: &str) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(INVALID_PARAMS_CODE, reason, None::<()>)
}

impl Context {
	/// How the server is, for people and their programs.
	fn status(&self) -> Value {
		let Self { jobs, node, metrics, teams, .. } = self;
		let models = jobs.models();
		json!({
			"version": env!("CARGO_PKG_VERSION"),
			"engine": ENGINE_VERSION,
			"node": { "url": node.url(), "announced": node.is_announced() },
			"memory": { "used": models.used(), "limit": models.limit() },
			"models": models.list(),
			"jobs": {
				"queued": metrics.queued.get(),
				"running": metrics.computing.get(),
				"most": teams,
			},
			"traces": metrics.traces(),
			"counters": metrics.counters(),
		})
	}
}
