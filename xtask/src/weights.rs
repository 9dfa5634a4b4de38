//! Measure the weights of our pallets, and write them where they belong.

use crate::{
	build,
	report::{Failure, Outcome, Steps},
	root,
	setup::{self, Purpose, Tools},
	shell,
};
use std::{
	env,
	path::{Path, PathBuf},
	process::Command,
};

/// The SDK's measuring tool, of the same train as the workspace.
const BENCHER: (&str, &str) = ("frame-omni-bencher", "0.28.0");
/// Our pallets: the crate's name, and its folder.
const PALLETS: [(&str, &str); 5] = [
	("pallet_artifact_storage", "pallets/artifact-storage"),
	("pallet_contributor_staking", "pallets/contributor-staking"),
	("pallet_inference", "pallets/inference"),
	("pallet_model_evaluation", "pallets/model-evaluation"),
	("pallet_model_registry", "pallets/model-registry"),
];

/// Builds the runtime with its benchmarks, and runs them.
pub fn run() -> Outcome<()> {
	let tools = setup::run(Purpose::Build)?;
	let target = target()?;
	let mut steps = Steps::new(3);
	steps.step("the measuring tool", || bencher(&tools, &target))?;
	steps.step("the runtime with its benchmarks", || runtime(&tools, &target))?;
	steps.step("measure", || {
		PALLETS.iter().try_for_each(|(pallet, folder)| measure(&target, pallet, folder))
	})
}

/// A target directory of its own: other features would compile everything else again.
fn target() -> Outcome<PathBuf> {
	let this = env::current_exe()
		.map_err(|error| Failure::new(error, "run it as `cargo xtask weights`"))?;
	Ok(this.with_file_name("weights"))
}

fn bencher(tools: &Tools, target: &Path) -> Outcome<()> {
	let mut install = build::cargo(tools);
	install.args(["install", "--locked", "--version", BENCHER.1, BENCHER.0, "--root"]);
	install.arg(target).env("CARGO_TARGET_DIR", target);
	shell::run(&mut install, "is crates.io within reach?")
}

fn runtime(tools: &Tools, target: &Path) -> Outcome<()> {
	let mut build = build::cargo(tools);
	build.args(["build", "--locked", "-p", "dodona-runtime", "--features", "runtime-benchmarks"]);
	build.env("CARGO_TARGET_DIR", target);
	shell::run(&mut build, "the compiler's message is above")
}

fn measure(target: &Path, pallet: &str, folder: &str) -> Outcome<()> {
	let wasm = "debug/wbuild/dodona-runtime/dodona_runtime.compact.compressed.wasm";
	let mut measure = Command::new(target.join("bin").join(BENCHER.0));
	measure.args(["v1", "benchmark", "pallet", "--extrinsic=*", "--steps=20", "--repeat=10"]);
	measure.args(["--genesis-builder=runtime", "--genesis-builder-preset=development"]);
	measure.arg(format!("--pallet={pallet}"));
	measure.arg("--runtime").arg(target.join(wasm));
	measure.arg("--template").arg(root().join("xtask/src/weights.hbs"));
	measure.arg("--output").arg(root().join(folder).join("src/weights.rs"));
	shell::run(&mut measure, "a benchmark that fails says why above")
}
