//! Everything that CI checks.

use crate::{
	build,
	report::{Failure, Outcome, Steps},
	root,
	setup::{self, Purpose, Tools},
	shell::{self, output, version},
};
use std::{
	io::{BufRead, BufReader},
	process::{Command, Stdio},
};

/// Sets up and checks; stops at the first failure.
pub fn run() -> Outcome<()> {
	let tools = setup::run(Purpose::Everything)?;
	let mut steps = Steps::new(6);
	steps.step("formatting", || format(&tools))?;
	steps.step("lints (the first time: checks every dependency)", || lint(&tools))?;
	steps.step("build (the first time: half an hour on two cores)", || build::all(&tools))?;
	let passed = steps.step("unit and integration tests", || unit(&tools))?;
	steps.step("the end-to-end tests' client", client)?;
	steps.step("end-to-end tests", end_to_end)?;
	println!("\ntest result: ok. {passed} passed; 0 failed; in all harnesses of cargo together");
	println!("end to end: as above. The checks took {}", steps.elapsed());
	Ok(())
}

fn format(tools: &Tools) -> Outcome<()> {
	if !has_component(tools, "fmt") {
		return Ok(());
	}
	let mut check = build::cargo(tools);
	shell::run(check.args(["fmt", "--all", "--check"]), "cargo fmt --all")
}

fn lint(tools: &Tools) -> Outcome<()> {
	if !has_component(tools, "clippy") {
		return Ok(());
	}
	let mut clippy = build::cargo(tools);
	clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
	shell::run(&mut clippy, "each lint says above what it wants")
}

/// Debian's toolchain comes without some components; rustup's never has to.
fn has_component(tools: &Tools, name: &str) -> bool {
	let there = || output(build::cargo(tools).args([name, "--version"])).is_some();
	if there() {
		return true;
	}
	if version("rustup").is_some() {
		let component = if name == "fmt" { "rustfmt" } else { name };
		let mut add = Command::new("rustup");
		// Whether it worked is what the next look says.
		let _ = shell::run(add.args(["component", "add", component]), "");
		if there() {
			return true;
		}
	}
	println!("    SKIPPED: this toolchain has no `cargo {name}`; CI has");
	false
}

/// Runs cargo's tests; returns how many passed.
fn unit(tools: &Tools) -> Outcome<u32> {
	let mut test = build::cargo(tools);
	test.args(["test", "--workspace", "--locked"]).stdout(Stdio::piped());
	println!("    $ {}", shell::show(&test));
	let mut child = test.spawn().map_err(|error| shell::cannot_start(&test, &error))?;
	let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
	let mut passed = 0;
	for line in lines.into_iter().flatten().map_while(Result::ok) {
		println!("{line}");
		passed += passed_in(&line);
	}
	match child.wait() {
		Ok(status) if status.success() => Ok(passed),
		_ => Err(Failure::new(
			"tests failed",
			"their names are above. One alone: cargo test --workspace <part of its name>",
		)),
	}
}

/// The tests that passed, if `line` is the summary of a harness.
fn passed_in(line: &str) -> u32 {
	let count = line.strip_prefix("test result: ok. ").and_then(|rest| rest.split(' ').next());
	count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn client() -> Outcome<()> {
	let mut install = Command::new("npm");
	install
		.args(["ci", "--no-audit", "--no-fund"])
		.current_dir(root().join("zombienet"));
	shell::run(&mut install, "is the npm registry within reach? `npm config get registry`")
}

fn end_to_end() -> Outcome<()> {
	let mut test = Command::new("node");
	test.current_dir(root().join("zombienet"));
	test.args(["--test", "--test-reporter=spec", "tests/end-to-end.test.mjs"]);
	test.env("DODONA_NODE", build::binary("dodona-node"));
	test.env("DODONA_CLI", build::binary("dodona"));
	shell::run(
		&mut test,
		"which test it was, and where its node's log is, is said above. Again, without the rest:\n\
		 cd zombienet && CARGO_TARGET_DIR=<where you build> npm test",
	)
}

#[cfg(test)]
mod tests {
	use super::passed_in;

	#[test]
	fn passed_in_should_count_only_summaries() {
		assert_eq!(passed_in("test result: ok. 12 passed; 0 failed; 0 ignored; finished"), 12);
		assert_eq!(passed_in("test result: FAILED. 3 passed; 1 failed;"), 0);
		assert_eq!(passed_in("test foo ... ok"), 0);
	}
}
