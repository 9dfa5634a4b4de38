//! Keeps features out of the build that could change what the engine computes.

use crate::root;
use serde_json::Value;
use std::{
	collections::{BTreeMap, BTreeSet},
	process::Command,
};

/// What the engine computes with, and the features that may be on. All others are looked at first:
/// `std`, `simd` and `multi-threads` put other arithmetic in place of this one.
const KNOWN: [(&str, &[&str]); 6] = [
	("burn", &["ndarray"]),
	(
		"burn-core",
		&["burn-backend", "burn-backend-extension", "burn-dispatch", "extension", "ndarray"],
	),
	("burn-dispatch", &["burn-ndarray", "ndarray"]),
	("burn-ndarray", &[]),
	("burn-tensor", &["extension", "ndarray"]),
	// Square roots by the processor's instruction, which rounds as the portable ones do.
	("libm", &["arch", "default"]),
];

/// The features of all packages for this machine, of whatever in the workspace turns them on.
fn features() -> BTreeMap<String, BTreeSet<String>> {
	let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
	let mut metadata = Command::new(cargo);
	metadata
		.current_dir(root())
		.args(["metadata", "--locked", "--format-version", "1"]);
	metadata.args(["--filter-platform", &host()]);
	let output = metadata.output().unwrap();
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
	let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
	let names = metadata["packages"]
		.as_array()
		.unwrap()
		.iter()
		.map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()));
	let names: BTreeMap<&str, &str> = names.collect();
	let mut features = BTreeMap::<String, BTreeSet<String>>::new();
	for node in metadata["resolve"]["nodes"].as_array().unwrap() {
		let name = names[node["id"].as_str().unwrap()];
		let of = node["features"].as_array().unwrap().iter();
		let of = of.map(|feature| feature.as_str().unwrap().to_owned());
		features.entry(name.to_owned()).or_default().extend(of);
	}
	features
}

fn host() -> String {
	let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
	let output = Command::new(rustc).arg("-vV").output().unwrap();
	let text = String::from_utf8(output.stdout).unwrap();
	text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// The features in `features` that are not known, each as `package/feature`.
fn unknown(features: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
	let mut unknown = Vec::new();
	for (package, known) in KNOWN {
		let on = features.get(package).unwrap_or_else(|| panic!("{package} is gone"));
		let others = on.iter().filter(|feature| !known.contains(&feature.as_str()));
		unknown.extend(others.map(|feature| format!("{package}/{feature}")));
	}
	unknown
}

#[test]
fn features_that_could_change_an_answer_should_be_off_in_the_whole_workspace() {
	let unknown = unknown(&features());
	assert!(
		unknown.is_empty(),
		"{unknown:?} are on. `cargo tree -e features -i <package>` says who turned them on"
	);
}

#[test]
fn features_should_be_found_when_they_are_not_known() {
	let known = KNOWN.map(|(package, known)| {
		(package.to_owned(), known.iter().map(|feature| feature.to_string()).collect())
	});
	let mut features = BTreeMap::from(known);
	assert_eq!(unknown(&features), Vec::<String>::new());
	features.entry("burn-ndarray".into()).or_default().insert("simd".into());
	features.entry("libm".into()).or_default().insert("force-soft-floats".into());
	assert_eq!(unknown(&features), ["burn-ndarray/simd", "libm/force-soft-floats"]);
}
