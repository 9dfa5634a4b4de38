//! `cargo xtask`: set up, build, run, test and show Dodona.

#[cfg(test)]
mod architecture;
mod build;
mod demo;
mod dev;
#[cfg(test)]
mod features;
mod node;
mod report;
mod setup;
mod shell;
mod test;
mod weights;

use report::{Failure, Outcome};
use setup::Purpose;
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

const USAGE: &str = "\
Usage: cargo xtask <command>

  setup            install what the build and the tests need; does nothing where it is there
  build            setup, then build the node and the command line tool
  dev [arguments]  setup, build, then run a development chain; arguments go to the node
  demo             setup, build, then ask models on a fresh chain what they read and write
  test             setup, then everything that CI checks
  weights          setup, then measure the weights of our pallets on this machine

The variables that matter: CARGO_TARGET_DIR (where to build) and WASM_BUILD_TOOLCHAIN (the rustup
toolchain that builds the runtime; chosen by setup where it is not set).";

fn main() -> ExitCode {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	match run(&arguments) {
		Ok(()) => ExitCode::SUCCESS,
		Err(failure) => {
			failure.print();
			ExitCode::FAILURE
		},
	}
}

fn run(arguments: &[String]) -> Outcome<()> {
	let command = arguments.first().map(String::as_str);
	let rest = arguments.get(1..).unwrap_or_default();
	if command != Some("dev") && !rest.is_empty() {
		return Err(Failure::new(
			format!("{} takes no arguments", command.unwrap_or_default()),
			USAGE,
		));
	}
	match command {
		Some("setup") => setup::run(Purpose::Everything).map(drop),
		Some("build") => build::run(&setup::run(Purpose::Build)?),
		Some("dev") => dev::run(rest),
		Some("demo") => demo::run(),
		Some("test") => test::run(),
		Some("weights") => weights::run(),
		None | Some("help" | "--help" | "-h") => {
			println!("{USAGE}");
			Ok(())
		},
		Some(other) => Err(Failure::new(format!("there is no command `{other}`"), USAGE)),
	}
}

/// The repository.
fn root() -> PathBuf {
	let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
	let here = here.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).into());
	here.parent().map(Path::to_path_buf).unwrap_or(here)
}
