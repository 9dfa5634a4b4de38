//! A development chain to play with.

use crate::{
	build,
	node::{self, Node},
	report::{Failure, Outcome, Steps},
	setup::{self, Purpose},
	shell,
};
use std::process::{Command, Stdio};

/// Where wallets, and the node's own workers, look for a node.
const PORT: u16 = 9944;

/// Sets up, builds, and runs the chain until Ctrl-C.
pub fn run(arguments: &[String]) -> Outcome<()> {
	let (port, arguments) = take_port(arguments)?;
	let tools = setup::run(Purpose::Build)?;
	build::run(&tools)?;
	let mut steps = Steps::new(1);
	let node = steps.step("start the chain", || {
		if !node::is_free(port) {
			return Err(Failure::new(
				format!("something listens on port {port} already"),
				"stop it, or choose another port: cargo xtask dev --rpc-port 9955",
			));
		}
		let node = Node::start(port, &arguments, Stdio::inherit())?;
		tell_workers(&node)?;
		Ok(node)
	})?;
	println!("{}", welcome(port));
	node.wait()
}

/// The node's workers fetch weights from the node's own RPC: they have to know where it is.
pub fn tell_workers(node: &Node) -> Outcome<()> {
	let mut command = dodona(node);
	command
		.args(["dev", "rpc", &format!("http://{}", node.address)])
		.stdout(Stdio::null());
	shell::run(&mut command, "is it another node that listens there?")
}

/// The command line tool, talking to `node`.
pub fn dodona(node: &Node) -> Command {
	let mut command = Command::new(build::binary("dodona"));
	command.env("DODONA_URL", format!("ws://{}", node.address));
	command
}

/// Our arguments without `--rpc-port`, and the port.
fn take_port(arguments: &[String]) -> Outcome<(u16, Vec<String>)> {
	let wrong = || Failure::new("--rpc-port takes a port", "cargo xtask dev --rpc-port 9955");
	let mut port = PORT;
	let mut rest = Vec::new();
	let mut arguments = arguments.iter();
	while let Some(argument) = arguments.next() {
		let value = match argument.strip_prefix("--rpc-port") {
			Some("") => arguments.next().ok_or_else(wrong)?,
			Some(value) => value.strip_prefix('=').ok_or_else(wrong)?,
			None => {
				rest.push(argument.clone());
				continue;
			},
		};
		port = value.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
	}
	Ok((port, rest))
}

fn welcome(port: u16) -> String {
	let dodona = build::binary("dodona").display().to_string();
	let url = if port == PORT { String::new() } else { format!(" --url ws://127.0.0.1:{port}") };
	format!(
		"
The development chain is up: a block every second, four workers, everything forgotten at the end.

  look at it        https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A{port}#/explorer
  RPC               ws://127.0.0.1:{port}
  publish a model   {dodona}{url} model publish models/digits
  ask it            {dodona}{url} ask digits --input models/digits/seven.json
  stop it           Ctrl-C
"
	)
}

#[cfg(test)]
mod tests {
	use super::take_port;

	fn words(text: &str) -> Vec<String> {
		text.split_whitespace().map(str::to_owned).collect()
	}

	#[test]
	fn port_should_be_taken_from_the_arguments_when_it_is_there() {
		let taken = |text| take_port(&words(text)).unwrap();
		assert_eq!(taken("-l debug"), (9944, words("-l debug")));
		assert_eq!(taken("--rpc-port 1 -l debug"), (1, words("-l debug")));
		assert_eq!(taken("-l debug --rpc-port=2"), (2, words("-l debug")));
	}

	#[test]
	fn port_should_be_refused_when_it_is_none() {
		for text in ["--rpc-port", "--rpc-port x", "--rpc-port=0", "--rpc-ports 1"] {
			assert!(take_port(&words(text)).is_err(), "{text}");
		}
	}
}
