//! What `--dev` adds to the library's: a block each second, and the hot keys of the workers that the
//! development chain starts with.

use crate::chains::Chains;
use clap::{builder::ArgPredicate, ArgMatches, Command};
use dodona_primitives_inference::HOT_KEY_TYPE;
use dodona_runtime::genesis_config_presets::{worker, WORKERS};
use polkadot_omni_node_lib::chain_spec::LoadSpec;
use std::{
	fs, io,
	path::{Path, PathBuf},
};

/// Milliseconds from block to block.
const BLOCK_TIME: &str = "1000";

/// Where the keys are when the chain itself is only temporary.
fn temporary_keystore() -> PathBuf {
	std::env::temp_dir().join(format!("dodona-dev-keystore-{}", std::process::id()))
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
}

/// Puts the hot keys where the node that is about to start looks for keys.
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
		.map_err(|error| format!("can't write the hot keys to {}: {error}", keystore.display()))
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

/// Removes what was only there for this run.
pub fn clean_up() {
	// There is nothing to remove unless the chain was temporary.
	let _ = fs::remove_dir_all(temporary_keystore());
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::Arg;

	/// What the library's arguments are after `line`: block time and keystore.
	fn parsed(line: &str) -> (Option<String>, Option<String>) {
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
		]);
		let matches = with_defaults(command).get_matches_from(line.split_whitespace());
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
