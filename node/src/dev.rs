//! What `--dev` adds to the library's: a block each second, the hot keys of the workers that the
//! development chain starts with, and an engine server for them.

use crate::{
	chains::Chains,
	engine::{node_url, Background, Options, NODE_PORT},
};
use clap::{builder::ArgPredicate, Arg, ArgAction, ArgMatches, Command};
use dodona_primitives_inference::HOT_KEY_TYPE;
use dodona_runtime::genesis_config_presets::{worker, WORKERS};
use polkadot_omni_node_lib::chain_spec::LoadSpec;
use std::{
	fs, io,
	net::{Ipv4Addr, TcpListener},
	path::{Path, PathBuf},
	sync::Mutex,
};

/// Milliseconds from block to block.
const BLOCK_TIME: &str = "1000";

/// The engine server of this run.
static ENGINE: Mutex<Option<Background>> = Mutex::new(None);

/// Where the keys are when the chain itself is only temporary.
fn temporary_keystore() -> PathBuf {
	temporary("keystore")
}

/// A folder of this run alone.
fn temporary(what: &str) -> PathBuf {
	std::env::temp_dir().join(format!("dodona-dev-{what}-{}", std::process::id()))
}

/// Gives the library's arguments the values that they have on a development chain, unless they are
/// given otherwise.
pub fn with_defaults(command: Command) -> Command {
	// A flag that is not given is present all the same, as `false`.
	let set = || ArgPredicate::Equals("true".into());
	// The parser keeps defaults for as long as the program runs.
	let keystore: &'static str = temporary_keystore().display().to_string().leak();
	command
		.mut_arg("dev_block_time", |arg| {
			arg.long_help(
				"Start a node that makes a block each DEV_BLOCK_TIME milliseconds, without peers and \
				 without a relay chain. `--dev` sets it to 1000 unless it is given.",
			)
			.default_value_ifs([
				("instant_seal", set(), None),
				("dev", set(), Some(BLOCK_TIME)),
			])
		})
		.mut_arg("keystore_path", |arg| {
			arg.default_value_ifs([
				("base_path", ArgPredicate::IsPresent, None),
				("dev", set(), Some(keystore)),
			])
		})
		// The engine server has to know the port before the node has chosen one.
		.mut_arg("rpc_port", |arg| arg.value_parser(chosen_port))
		.arg(
			Arg::new("no_engine").long("no-engine").action(ArgAction::SetTrue).help(
				"With `--dev`: start no engine server. Workers compute their answers in Wasm.",
			),
		)
}

/// A port; one that is free for 0.
fn chosen_port(given: &str) -> Result<u16, String> {
	match given.parse::<u16>() {
		Ok(0) => free_port(0).map_err(|error| error.to_string()),
		port => port.map_err(|error| error.to_string()),
	}
}

/// The port, if it is free; one that is free for 0.
fn free_port(port: u16) -> io::Result<u16> {
	Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()?.port())
}

/// Puts the hot keys where the node that is about to start looks for keys, and starts its engine
/// server.
pub fn prepare(matches: &ArgMatches) -> Result<(), String> {
	if matches.subcommand().is_some() || !matches.get_flag("dev") {
		return Ok(());
	}
	let given = |id| matches.get_one::<PathBuf>(id);
	let keystore = match (given("keystore_path"), given("base_path")) {
		(Some(keystore), _) => keystore.clone(),
		(None, Some(base)) => {
			let chain = matches.get_one::<String>("chain").map_or("dev", String::as_str);
			base.join("chains").join(Chains.load_spec(chain)?.id()).join("keystore")
		},
		(None, None) => temporary_keystore(),
	};
	insert_hot_keys(&keystore)
		.map_err(|error| format!("can't write the hot keys to {}: {error}", keystore.display()))?;
	if !matches.get_flag("no_engine") {
		let port = matches.get_one("rpc_port").copied().unwrap_or(NODE_PORT);
		let cache =
			given("base_path").map_or_else(|| temporary("engine"), |base| base.join("engine"));
		start_engine(port, cache)?;
	}
	Ok(())
}

/// Starts an engine server for the node that is about to serve its RPC on `port`.
fn start_engine(port: u16, cache: PathBuf) -> Result<(), String> {
	if free_port(port).is_err() {
		// The node takes another port then, and says so; this one is somebody else's.
		eprintln!(
			"Port {port} is taken, so there is no engine server: name a free one with --rpc-port."
		);
		return Ok(());
	}
	let engine = Background::start(Options::new(node_url(port), cache))
		.map_err(|error| format!("{error}\nWith --no-engine, the node starts without it"))?;
	if let Ok(mut running) = ENGINE.lock() {
		*running = Some(engine);
	}
	Ok(())
}

/// Writes the workers' hot keys as the node's keystore has its keys: a file for each, named by type
/// and public key, with the secret in it.
fn insert_hot_keys(keystore: &Path) -> io::Result<()> {
	fs::create_dir_all(keystore)?;
	for n in 1..=WORKERS {
		let (_, hot_key) = worker(n);
		let public: &[u8] = hot_key.as_ref();
		let name: String =
			HOT_KEY_TYPE.0.iter().chain(public).map(|byte| format!("{byte:02x}")).collect();
		fs::write(keystore.join(name), format!("\"//Worker//{n}//hot\""))?;
	}
	Ok(())
}

/// Ends and removes what was only there for this run.
pub fn clean_up() {
	// It may be writing into the folder that is removed next.
	drop(ENGINE.lock().ok().and_then(|mut engine| engine.take()));
	for folder in [temporary_keystore(), temporary("engine")] {
		// There is nothing to remove unless the chain was temporary.
		let _ = fs::remove_dir_all(folder);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// The arguments after `line`.
	fn matches(line: &str) -> ArgMatches {
		let flag = |name: &'static str| {
			Arg::new(name).long(name.replace('_', "-")).action(clap::ArgAction::SetTrue)
		};
		let option = |name: &'static str| Arg::new(name).long(name.replace('_', "-"));
		let command = Command::new("node").args([
			flag("dev"),
			option("dev_block_time"),
			flag("instant_seal"),
			option("base_path"),
			option("keystore_path"),
			option("rpc_port"),
		]);
		with_defaults(command).get_matches_from(line.split_whitespace())
	}

	/// Block time and keystore after `line`.
	fn parsed(line: &str) -> (Option<String>, Option<String>) {
		let matches = matches(line);
		let value = |id| matches.get_one::<String>(id).cloned();
		(value("dev_block_time"), value("keystore_path"))
	}

	#[test]
	fn block_time_should_be_a_second_when_the_chain_is_for_development() {
		assert_eq!(parsed("node --dev").0.as_deref(), Some("1000"));
		assert_eq!(parsed("node --dev --dev-block-time 200").0.as_deref(), Some("200"));
		assert_eq!(parsed("node --dev --instant-seal").0, None);
		assert_eq!(parsed("node").0, None);
	}

	#[test]
	fn keystore_should_be_temporary_when_the_chain_is() {
		let temporary = temporary_keystore().display().to_string();
		assert_eq!(parsed("node --dev").1, Some(temporary));
		assert_eq!(parsed("node --dev --base-path /tmp/x").1, None);
		assert_eq!(parsed("node --dev --keystore-path /tmp/k").1.as_deref(), Some("/tmp/k"));
		assert_eq!(parsed("node").1, None);
	}

	#[test]
	fn rpc_port_should_be_a_free_one_when_the_system_shall_choose() {
		let port = |line| matches(line).get_one::<u16>("rpc_port").copied();
		assert_eq!(port("node --rpc-port 9999"), Some(9999));
		assert_eq!(port("node"), None);
		let chosen = port("node --rpc-port 0").expect("it was given");
		assert!(free_port(chosen).is_ok_and(|port| port == chosen && port != 0));
	}

	#[test]
	fn engine_should_not_start_when_the_nodes_port_is_somebody_elses() {
		let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
		let port = other.local_addr().expect("it is bound").port();
		start_engine(port, temporary("no-engine")).expect("the node starts all the same");
		assert!(ENGINE.lock().expect("nobody panicked").is_none());
	}

	#[test]
	fn hot_keys_should_be_in_files_as_the_keystore_names_them() {
		let folder = std::env::temp_dir().join(format!("dodona-hot-keys-{}", std::process::id()));
		insert_hot_keys(&folder).expect("the temporary folder is writable");
		let (_, hot_key) = worker(2);
		let public: &[u8] = hot_key.as_ref();
		let name: String = b"dodo".iter().chain(public).map(|byte| format!("{byte:02x}")).collect();
		let secret = fs::read_to_string(folder.join(name));
		let files = fs::read_dir(&folder).map(Iterator::count);
		fs::remove_dir_all(&folder).expect("the folder is ours");
		assert_eq!(secret.expect("the file is there"), "\"//Worker//2//hot\"");
		assert_eq!(files.expect("the folder is there"), WORKERS as usize);
	}
}
