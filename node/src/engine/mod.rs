//! The engine server: the engine as native code beside a node, with models in memory.
//!
//! Workers compute their answers in Wasm, which has neither threads nor vectors and little memory.
//! They ask this server first, and get the same bytes sooner.

mod artifacts;
mod desk;
mod error;
mod jobs;
mod link;
mod metrics;
mod models;
mod server;
mod teams;
#[cfg(test)]
mod tests;
mod traces;

pub use server::Options;

use clap::Args;
use error::StartError;
use server::{url_of, Server};
use sp_panic_handler::AbortGuard;
use std::{
	env, fs,
	future::Future,
	net::{Ipv4Addr, SocketAddr},
	path::PathBuf,
	sync::mpsc,
	thread,
	time::Duration,
};
use tokio::{runtime, signal, sync::oneshot};

/// Where a node serves its RPC unless told otherwise.
pub const NODE_PORT: u16 = 9944;
/// Most jobs that are not over.
const QUEUE: usize = 256;
/// A job that nobody asked for in this time is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most jobs that are computed at a time, unless said otherwise: each has threads for all cores.
const MOST_JOBS: usize = 4;
/// Memory for models where nobody knows what there is.
const LITTLE_MEMORY: u64 = 2 * 1024 * MIB;
/// Bytes on disk for artifacts, unless said otherwise.
const CACHE_SIZE_MIB: u64 = 20 * 1024;
const MIB: u64 = 1024 * 1024;

/// Serves the engine to the workers of a node.
#[derive(Debug, Args)]
pub struct Command {
	/// Where to listen. Whoever can connect can have answers computed.
	#[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9955")]
	listen: SocketAddr,

	/// The node's RPC, where chunks of weights come from. Its workers are told about this server, for
	/// which it has to serve unsafe methods.
	#[arg(long, value_name = "URL", default_value_t = node_url(NODE_PORT))]
	node: String,

	/// Memory for models and what is computed with them; half of the machine's without this.
	#[arg(long, value_name = "MiB")]
	memory: Option<u64>,

	/// Memory for runs in dispute beside that; a quarter of the machine's without this.
	#[arg(long, value_name = "MiB")]
	trace_memory: Option<u64>,

	/// Jobs that are computed at a time; as many as there are cores without this, but at most 4.
	#[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
	jobs: Option<u16>,

	/// A folder for artifacts, which are downloaded once; in the user's cache without this.
	#[arg(long, value_name = "DIR")]
	cache: Option<PathBuf>,

	/// Most that is kept in that folder. What was not used for the longest time goes first.
	#[arg(long, value_name = "MiB", default_value_t = CACHE_SIZE_MIB)]
	cache_size: u64,

	/// Serves metrics to Prometheus on this port of 127.0.0.1.
	#[arg(long, value_name = "PORT")]
	prometheus_port: Option<u16>,
}

impl Command {
	/// Serves until the program is interrupted.
	pub fn run(self) -> Result<(), StartError> {
		let mut logger = sc_cli::LoggerBuilder::new("info");
		logger.with_detailed_output(false);
		logger.init().map_err(|error| StartError::Other(error.to_string()))?;
		let defaults = Options::new(self.node, self.cache.unwrap_or_else(users_cache));
		let options = Options {
			listen: self.listen,
			memory: self.memory.map_or(defaults.memory, |mib| mib.saturating_mul(MIB)),
			trace_memory: self
				.trace_memory
				.map_or(defaults.trace_memory, |mib| mib.saturating_mul(MIB)),
			jobs: self.jobs.map_or(defaults.jobs, usize::from),
			cache_size: self.cache_size.saturating_mul(MIB),
			metrics: self.prometheus_port.map(|port| (Ipv4Addr::LOCALHOST, port).into()),
			..defaults
		};
		if !options.listen.ip().is_loopback() {
			log::warn!("anybody who reaches {} can use this server", options.listen);
		}
		let (memory, node) = (options.memory / MIB, options.node.clone());
		serve(options, |address| {
			log::info!("the engine is at {}, with {memory} MiB for models", url_of(address));
			log::info!("it looks for the node at {node}");
			async {
				// Without signals there is nothing to wait for.
				let _ = signal::ctrl_c().await;
			}
		})
	}
}

impl Options {
	/// Everything that nobody said something else about.
	pub fn new(node: String, cache: PathBuf) -> Self {
		let threads = thread::available_parallelism().map_or(1, usize::from);
		let memory = machine_memory().map_or(LITTLE_MEMORY, |bytes| bytes / 2);
		Self {
			listen: (Ipv4Addr::LOCALHOST, 0).into(),
			node,
			memory,
			trace_memory: memory / 2,
			jobs: threads.min(MOST_JOBS),
			threads,
			queue: QUEUE,
			patience: PATIENCE,
			cache,
			cache_size: CACHE_SIZE_MIB.saturating_mul(MIB),
			metrics: None,
			self_test: dodona_engine::self_test,
		}
	}
}

/// A server on threads of its own. It ends when this is dropped.
pub struct Background {
	stop: Option<oneshot::Sender<()>>,
	thread: Option<thread::JoinHandle<()>>,
}

impl Background {
	/// Starts a server.
	pub fn start(options: Options) -> Result<Self, StartError> {
		let (started, is_started) = mpsc::channel();
		let (stop, stopped) = oneshot::channel::<()>();
		let thread = thread::Builder::new().name("engine".into()).spawn(move || {
			let report = started.clone();
			let outcome = serve(options, |_| {
				// Nobody listens once the program ends.
				let _ = report.send(Ok(()));
				async move {
					let _ = stopped.await;
				}
			});
			let _ = started.send(outcome);
		});
		let thread = thread.map_err(|error| StartError::Other(error.to_string()))?;
		let dead = || Err(StartError::Other("its thread has ended".into()));
		is_started.recv().unwrap_or_else(|_| dead())?;
		Ok(Self { stop: Some(stop), thread: Some(thread) })
	}
}

impl Drop for Background {
	fn drop(&mut self) {
		// Dropping the other end means the same.
		drop(self.stop.take());
		if let Some(thread) = self.thread.take() {
			let _ = thread.join();
		}
	}
}

/// Serves until what `until` makes of the server's address is over.
fn serve<F: Future<Output = ()>>(
	options: Options,
	until: impl FnOnce(SocketAddr) -> F,
) -> Result<(), StartError> {
	let runtime = runtime::Builder::new_multi_thread()
		.worker_threads(2)
		.thread_name("engine-server")
		.on_thread_start(never_abort)
		.enable_all()
		.build()
		.map_err(|error| StartError::Other(error.to_string()))?;
	let outcome = runtime.block_on(async {
		let server = Server::start(options).await?;
		until(server.address()).await;
		server.stop().await;
		Ok(())
	});
	// A job that is being computed is of no use any more.
	runtime.shutdown_background();
	outcome
}

/// Makes a panic on this thread end only what panics, where a node ends as a whole.
fn never_abort() {
	drop(AbortGuard::never_abort());
}

/// The RPC of a node on this machine.
pub fn node_url(port: u16) -> String {
	format!("ws://127.0.0.1:{port}")
}

/// The user's own folder for what can be downloaded again.
fn users_cache() -> PathBuf {
	// A relative one is ignored, as the XDG Base Directory Specification has it.
	let named = env::var_os("XDG_CACHE_HOME")
		.map(PathBuf::from)
		.filter(|path| path.is_absolute());
	named
		.or_else(|| env::home_dir().map(|home| home.join(".cache")))
		.unwrap_or_else(env::temp_dir)
		.join("dodona/engine")
}

/// The machine's memory in bytes, or what this program may have of it, as Linux says.
fn machine_memory() -> Option<u64> {
	let info = fs::read_to_string("/proc/meminfo").ok()?;
	let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
	let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
	let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
	let most = group.and_then(|most| most.trim().parse().ok()).unwrap_or(u64::MAX);
	Some(kib.saturating_mul(1024).min(most))
}
