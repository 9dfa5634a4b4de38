//! What the build and the tests need besides Rust, found or installed.

mod packages;
mod wasm;

use crate::report::{Failure, Outcome, Steps};

/// What the tools are needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
	/// Building and running.
	Build,
	/// The tests as well.
	Everything,
}

/// What was found.
pub struct Tools {
	/// The rustup toolchain that builds the runtime, where it isn't the default one.
	pub wasm_toolchain: Option<String>,
}

/// Finds or installs everything. Where all is there, this does nothing and takes a moment.
pub fn run(purpose: Purpose) -> Outcome<Tools> {
	let mut steps = Steps::new(2);
	steps.step("system packages", || packages::ensure(purpose))?;
	let wasm_toolchain = steps.step("the runtime's target, wasm32v1-none", wasm::ensure)?;
	Ok(Tools { wasm_toolchain })
}

/// Says that something is there.
fn found(what: &str, how: &str) {
	println!("    ok: {what} ({how})");
}

/// Root's rights, which installing needs.
enum Root {
	Ours,
	Sudo,
}

impl Root {
	/// `commands` are what to type if there is no way to them.
	fn get(commands: &str) -> Outcome<Self> {
		use crate::shell::output;
		use std::process::Command;
		if output(Command::new("id").arg("-u")).as_deref() == Some("0") {
			return Ok(Self::Ours);
		}
		if output(Command::new("sudo").args(["-n", "true"])).is_some() {
			return Ok(Self::Sudo);
		}
		Err(Failure::new(
			"this needs root's rights, and sudo would ask for a password",
			format!("type this yourself, then try again:\n{commands}"),
		))
	}

	fn command(&self, program: &str) -> std::process::Command {
		match self {
			Self::Ours => std::process::Command::new(program),
			Self::Sudo => {
				let mut command = std::process::Command::new("sudo");
				command.args(["-n", program]);
				command
			},
		}
	}

	/// Installs Debian packages; with fresh lists if the ones at hand are too old.
	fn apt_install(&self, packages: &[String]) -> Outcome<()> {
		let install = || {
			let mut command = self.command("apt-get");
			command.env("DEBIAN_FRONTEND", "noninteractive");
			command.args(["install", "--yes", "--no-install-recommends"]).args(packages);
			crate::shell::run(
				&mut command,
				"apt-get says why above. Is the machine on a network, are its sources right?",
			)
		};
		if install().is_ok() {
			return Ok(());
		}
		crate::shell::run(
			self.command("apt-get").arg("update"),
			"apt-get says why above. Is the machine on a network, are its sources right?",
		)?;
		install()
	}
}
