//! A development node of our own, ended when it goes out of scope.

use crate::{
	build,
	report::{Failure, Outcome},
	shell,
};
use std::{
	io,
	net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
	process::{Child, Command, Stdio},
	thread,
	time::{Duration, Instant},
};

/// How long a node may take until it answers: starting compiles the runtime's Wasm several times.
const PATIENCE: Duration = Duration::from_secs(300);
/// Several lines for each block say what one line says too.
const QUIET: &str =
	"sc_basic_authorship=warn,sc_consensus_manual_seal=warn,polkadot_omni_node_lib=warn";
const PAUSE: Duration = Duration::from_millis(200);

/// A running node.
pub struct Node {
	child: Child,
	/// Where its RPC listens.
	pub address: SocketAddr,
}

impl Node {
	/// Starts `dodona-node --dev` on `port`, and returns when its RPC answers.
	pub fn start(port: u16, arguments: &[String], log: Stdio) -> Outcome<Self> {
		let mut command = Command::new(build::binary("dodona-node"));
		command
			.args(["--dev", "--rpc-port", &port.to_string()])
			.args(["-l", QUIET])
			.args(arguments);
		command.stdin(Stdio::null()).stderr(log);
		println!("    $ {}", shell::show(&command));
		let child = command.spawn().map_err(|error| shell::cannot_start(&command, &error))?;
		let mut node = Self { child, address: (Ipv4Addr::LOCALHOST, port).into() };
		node.wait_until_it_answers()?;
		Ok(node)
	}

	/// Waits until the node ends by itself, as it does on Ctrl-C.
	pub fn wait(mut self) -> Outcome<()> {
		let status = self.child.wait().map_err(lost)?;
		if status.success() {
			return Ok(());
		}
		Err(Failure::new(format!("the node ended: {status}"), "its log above says why"))
	}

	fn wait_until_it_answers(&mut self) -> Outcome<()> {
		let started = Instant::now();
		while started.elapsed() < PATIENCE {
			if let Some(status) = self.child.try_wait().map_err(lost)? {
				return Err(Failure::new(
					format!("the node ended before it answered: {status}"),
					"its log says why",
				));
			}
			if TcpStream::connect_timeout(&self.address, PAUSE).is_ok() {
				return Ok(());
			}
			thread::sleep(PAUSE);
		}
		Err(Failure::new(
			format!("the node does not answer on {} after {} s", self.address, PATIENCE.as_secs()),
			"its log says what it is doing",
		))
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		// It may have ended by itself.
		let _ = self.child.kill();
		let _ = self.child.wait();
	}
}

fn lost(error: io::Error) -> Failure {
	Failure::new(format!("lost sight of the node: {error}"), "try again")
}

/// Whether nothing listens on `port` here.
pub fn is_free(port: u16) -> bool {
	TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nothing listens on.
pub fn free_port() -> Outcome<u16> {
	let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
	port.map(|address| address.port()).map_err(|error| {
		Failure::new(
			format!("no free port: {error}"),
			"does this machine have a loopback interface?",
		)
	})
}
