//! Keeps `docs/architecture.md` true.

use crate::root;
use std::{collections::BTreeSet, fs};

/// The paths that the document's code map names: the headings of its entries.
fn named() -> BTreeSet<String> {
	let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
	let map = text.split("## Code map").nth(1).expect("there is a code map");
	let map = map.split("\n## ").next().unwrap();
	let headings = map.lines().filter_map(|line| line.strip_prefix("### "));
	headings
		.flat_map(|line| line.split('`').skip(1).step_by(2))
		.map(str::to_owned)
		.collect()
}

/// The members of the workspace.
fn members() -> BTreeSet<String> {
	let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
	let list = text
		.split("members = [")
		.nth(1)
		.and_then(|rest| rest.split(']').next())
		.unwrap();
	list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn code_map_should_name_only_what_exists() {
	let named = named();
	assert!(!named.is_empty());
	for path in named {
		assert!(root().join(&path).exists(), "docs/architecture.md names {path}: it is not there");
	}
}

#[test]
fn code_map_should_name_every_member_of_the_workspace() {
	let (members, named) = (members(), named());
	assert!(!members.is_empty());
	let missing: Vec<&String> = members.difference(&named).collect();
	assert!(missing.is_empty(), "docs/architecture.md does not name {missing:?}");
}

/// Every path in backticks anywhere in the documents, if it looks like one of this repository.
#[test]
fn documents_should_name_only_files_that_exist() {
	let documents = ["README.md", "docs/architecture.md", "docs/protocol.md", "docs/running.md"];
	for document in documents {
		let text = fs::read_to_string(root().join(document)).unwrap();
		for path in text.split('`').skip(1).step_by(2).filter(|word| is_path(word)) {
			assert!(root().join(path).exists(), "{document} names {path}: it is not there");
		}
	}
}

fn is_path(word: &str) -> bool {
	let top =
		["cli/", "docs/", "models/", "node/", "pallets/", "primitives/", "runtime/", "xtask/"];
	top.iter()
		.chain(&["zombienet/", ".ci/", ".cargo/"])
		.any(|folder| word.starts_with(folder))
		&& !word.contains(['*', '<', '{', ' ', '…'])
}
