//! A model of the commons gets a better version: measured on the chain, then voted on.

use super::{answer, ask, call, images, Image};
use crate::{
	dev,
	node::Node,
	report::{Failure, Outcome},
	shell,
};
use serde_json::{json, Value};
use std::{
	env, fs,
	path::{Path, PathBuf},
	thread,
	time::{Duration, Instant},
};

/// The model.
const NAME: &str = "reader";
/// Two digits that its first version takes for each other.
const CONFUSED: (usize, usize) = (3, 5);
/// What the last layer has for a digit: 32 floats. The file ends with it.
const ROW: usize = 128;
const DIGITS: usize = 10;
/// How long voters and chain may take.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);

/// Has voters decide on a better version of a model that reads digits; `good` are its weights.
pub fn run(node: &Node, good: &Path) -> Outcome<()> {
	let workplace = Workplace::new()?;
	let (samples, set) = (workplace.0.join("samples.json"), workplace.0.join("set.json"));
	let bad = workplace.0.join("first");
	fs::create_dir_all(&bad).map_err(|error| unwritable(&bad, &error))?;
	for (file, change) in [("config.json", None), ("model.safetensors", Some(confuse))] {
		let bytes = fs::read(good.join(file)).map_err(|error| unreadable(good, &error))?;
		let changed = change.map_or(bytes.clone(), |change| change(bytes));
		fs::write(bad.join(file), changed).map_err(|error| unwritable(&bad, &error))?;
	}
	let held_out = good.join("held-out.json");
	let text = fs::read(&held_out).map_err(|error| unreadable(&held_out, &error))?;
	let written = samples_of(&text).ok_or_else(|| unreadable(&held_out, &"no images"))?;
	fs::write(&samples, written).map_err(|error| unwritable(&samples, &error))?;
	let all = images(&held_out, usize::MAX)?;
	let three = all.iter().rev().find(|image| image.truth == CONFUSED.0 as u64);
	let three = three.ok_or_else(|| unreadable(&held_out, &"no three"))?;
	let [bad, good, samples, set] =
		[&*bad, good, &*samples, &*set].map(|path| path.display().to_string());

	let name = ["--name", NAME];
	dodona(node, &[&["model", "publish", &bad], &name[..]].concat())?;
	dodona(node, &["model", "donate", NAME])?;
	println!("\n    {}\n", asked(node, three)?);
	dodona(node, &["gov", "hold-out", "make", &samples, "--out", &set])?;
	dodona(node, &["gov", "hold-out", "set", NAME, &set, "--per-evaluation", "24"])?;
	decide(node, 0)?;
	let proposal = ["--derived-from", "digits@1", "--propose-only"];
	dodona(node, &[&["model", "publish", &good], &name[..], &proposal[..]].concat())?;
	let candidate = format!("{NAME}@2");
	dodona(node, &["gov", "evaluate", &candidate, &set])?;
	dodona(node, &["gov", "propose-upgrade", &candidate])?;
	decide(node, 1)?;
	println!("\n    {}", asked(node, three)?);
	Ok(())
}

/// Votes for a referendum, and waits until its call is dispatched.
fn decide(node: &Node, referendum: u32) -> Outcome<()> {
	let number = referendum.to_string();
	dodona(node, &["gov", "vote", &number, "aye", "--amount", "700000", "--conviction", "2x"])?;
	let started = Instant::now();
	let mut status = Value::Null;
	while started.elapsed() < PATIENCE {
		status = call(node, &["gov", "status", &number], "")?;
		match status["enactment"]["state"].as_str() {
			Some("done") => return dodona(node, &["gov", "status", &number]),
			Some("refused") => break,
			_ => thread::sleep(PAUSE),
		}
	}
	Err(Failure::new(
		format!("referendum {referendum} is not enacted: {status}"),
		"the node's log says more",
	))
}

/// What the version in use says about an image, in a line.
fn asked(node: &Node, image: &Image) -> Outcome<String> {
	let input = format!("{:?}", image.pixels);
	let said = ask(node, &[NAME, "--input", "-", "--no-wait-final"], &input, |value| {
		Some((value["model"].as_str()?.to_owned(), answer(value)?.class))
	})?;
	Ok(format!("{} reads a {} as {}", said.0, image.truth, said.1))
}

/// Runs the command line tool, as anyone would.
fn dodona(node: &Node, arguments: &[&str]) -> Outcome<()> {
	shell::run(dev::dodona(node).args(arguments), "the node's log says more")
}

/// Weights that take two digits for each other.
fn confuse(mut weights: Vec<u8>) -> Vec<u8> {
	if let Some(start) = weights.len().checked_sub(ROW * DIGITS) {
		let (low, high) = CONFUSED;
		let (before, after) = weights[start..].split_at_mut(high * ROW);
		before[low * ROW..(low + 1) * ROW].swap_with_slice(&mut after[..ROW]);
	}
	weights
}

/// Held-out images as samples that versions are measured by.
fn samples_of(images: &[u8]) -> Option<String> {
	let images: Vec<Value> = serde_json::from_slice(images).ok()?;
	let sample = |image: &Value| json!({ "input": image["input"], "expected": image["truth"] });
	Some(Value::Array(images.iter().map(sample).collect()).to_string())
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
	Failure::new(format!("{}: {error}", path.display()), "git checkout models/digits")
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
	Failure::new(format!("can't write to {}: {error}", path.display()), "set TMPDIR")
}

/// A folder of our own, removed when it goes out of scope.
struct Workplace(PathBuf);

impl Workplace {
	fn new() -> Outcome<Self> {
		let path = env::temp_dir().join(format!("dodona-demo-{}", std::process::id()));
		fs::create_dir_all(&path).map_err(|error| unwritable(&path, &error))?;
		Ok(Self(path))
	}
}

impl Drop for Workplace {
	fn drop(&mut self) {
		// A leftover in the temporary folder is no failure.
		let _ = fs::remove_dir_all(&self.0);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::root;

	#[test]
	fn weights_should_have_two_rows_exchanged_and_nothing_else() {
		let path = root().join("models/digits/model.safetensors");
		let good = fs::read(path).unwrap();
		let bad = confuse(good.clone());
		let start = good.len() - ROW * DIGITS;
		assert_eq!(bad[..start], good[..start]);
		let row = |weights: &[u8], digit: usize| weights[start..][digit * ROW..][..ROW].to_vec();
		for digit in 0..DIGITS {
			let from = match digit {
				3 => 5,
				5 => 3,
				same => same,
			};
			assert_eq!(row(&bad, digit), row(&good, from), "{digit}");
		}
		assert_ne!(row(&good, 3), row(&good, 5));
		assert_eq!(confuse(vec![1]), [1]);
	}

	#[test]
	fn samples_should_be_what_the_tool_takes() {
		let samples = samples_of(br#"[{"input": [0.5, 1], "truth": 7}]"#).unwrap();
		assert_eq!(samples, r#"[{"expected":7,"input":[0.5,1]}]"#);
		assert!(samples_of(b"{}").is_none());
	}
}
