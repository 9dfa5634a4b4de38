//! Running other programs.

use crate::report::{Failure, Outcome};
use std::{
	fs, io,
	path::Path,
	process::{Command, Stdio},
};

/// Runs `command` with our own output; `advice` is for when it fails.
pub fn run(command: &mut Command, advice: &str) -> Outcome<()> {
	println!("    $ {}", show(command));
	let status = command.status().map_err(|error| cannot_start(command, &error))?;
	if status.success() {
		return Ok(());
	}
	Err(Failure::new(format!("`{}` failed: {status}", show(command)), advice))
}

/// What `command` prints, if it succeeds. Says nothing.
pub fn output(command: &mut Command) -> Option<String> {
	let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
	let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
	output.status.success().then_some(text)
}

/// The first line that `program --version` prints, if there is such a program.
pub fn version(program: &str) -> Option<String> {
	let text = output(Command::new(program).arg("--version"))?;
	Some(text.lines().next().unwrap_or_default().to_owned())
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
	let words = std::iter::once(command.get_program()).chain(command.get_args());
	words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The failure of a command that did not even start.
pub fn cannot_start(command: &Command, error: &io::Error) -> Failure {
	Failure::new(
		format!("can't run `{}`: {error}", show(command)),
		"install it, or put it into PATH",
	)
}

/// The names in a folder; none if it can't be read.
pub fn names(folder: &Path) -> Vec<String> {
	let entries = fs::read_dir(folder).into_iter().flatten().flatten();
	entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
