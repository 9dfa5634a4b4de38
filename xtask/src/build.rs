//! Everything that is compiled, in one profile and with one set of features.

use crate::{
	report::{Outcome, Steps},
	root,
	setup::Tools,
	shell,
};
use std::{env, path::PathBuf, process::Command};

const ADVICE: &str = "\
the compiler's message is above. If it is about a missing library or header: `cargo xtask setup`.
If the machine ran out of memory: `CARGO_BUILD_JOBS=1 cargo xtask build`.";

/// What `cargo run` says about this program, beside `CARGO_PKG_…`.
const DESCRIPTION: [&str; 4] =
	["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"];

/// Builds the whole workspace.
pub fn run(tools: &Tools) -> Outcome<()> {
	Steps::new(1)
		.step("build the workspace (the first time: half an hour on two cores)", || all(tools))
}

/// The whole workspace at once: a part of it would unify features differently, and its
/// dependencies would be compiled again. For the same reason no dev-dependency adds a feature to
/// what is not one.
pub fn all(tools: &Tools) -> Outcome<()> {
	shell::run(cargo(tools).args(["build", "--workspace", "--locked"]), ADVICE)
}

/// Cargo, in the repository, with what the runtime's build needs to know.
pub fn cargo(tools: &Tools) -> Command {
	let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
	command.current_dir(root());
	// `cargo run` describes this program in variables that some dependencies' build scripts read: left
	// in place, they would compile half of the node again after every cargo that was called by hand.
	for (name, _) in env::vars_os() {
		let described = name.to_string_lossy();
		if described.starts_with("CARGO_PKG_") || DESCRIPTION.contains(&&*described) {
			command.env_remove(&name);
		}
	}
	if let Some(toolchain) = &tools.wasm_toolchain {
		command.env("WASM_BUILD_TOOLCHAIN", toolchain);
	}
	command
}

/// A program of this workspace. It lies beside this one: same target directory, same profile.
pub fn binary(name: &str) -> PathBuf {
	let this = env::current_exe().unwrap_or_default();
	this.with_file_name(name)
}
