//! A folder as a list of its files, and where the bytes of each are.
//!
//! A version's folder artifact is a line of JSON, and after its line feed the bytes that are neither
//! in the weights nor in the tokenizer.

use crate::error::{Error, Result};
use blake2b_simd::Params;
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeSet,
	fs,
	io::Read,
	path::{Path, PathBuf},
};
use subxt::utils::H256;

/// The version of the format.
const FORMAT: u32 = 1;
/// Longest list, in bytes.
pub const MAX_LEN: usize = 16 * 1024 * 1024;
/// Most files.
const MAX_FILES: usize = 10_000;
/// Longest path, in bytes.
const MAX_PATH_LEN: usize = 512;
/// Most folders within each other.
const MAX_DEPTH: usize = 16;
/// What the names of files that are being fetched end with.
pub const UNFINISHED: &str = ".dodona-part";

/// The files of a folder, by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
	format: u32,
	pub files: Vec<Entry>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
	/// Its path in the folder, with `/` between names.
	pub path: String,
	/// Its length in bytes.
	pub size: u64,
	/// Hash of its bytes.
	pub blake2_256: H256,
	/// Where they are, one after the other: offset and length.
	pub parts: Vec<Part>,
}

/// Some bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
	/// Of the weights.
	Weights(u64, u64),
	/// Of the tokenizer.
	Tokenizer(u64, u64),
	/// Of what comes after the list.
	Data(u64, u64),
}

/// Where bytes of files can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
	Weights,
	Tokenizer,
	Data,
}

/// How many bytes there are in each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
	pub weights: u64,
	pub tokenizer: u64,
	pub data: u64,
}

impl Part {
	/// The place, and where in it.
	pub fn range(self) -> (Place, u64, u64) {
		match self {
			Self::Weights(from, len) => (Place::Weights, from, len),
			Self::Tokenizer(from, len) => (Place::Tokenizer, from, len),
			Self::Data(from, len) => (Place::Data, from, len),
		}
	}
}

impl Listing {
	pub fn new(files: Vec<Entry>) -> Self {
		Self { format: FORMAT, files }
	}

	/// The line.
	pub fn encode(&self) -> Vec<u8> {
		let mut line = serde_json::to_vec(self).unwrap_or_default();
		line.push(b'\n');
		line
	}

	/// Reads a stranger's list, `line`, without its line feed.
	pub fn parse(line: &[u8], lengths: &Lengths) -> Result<Self, String> {
		#[derive(Deserialize)]
		struct Head {
			format: u32,
		}
		let Head { format } = serde_json::from_slice(line).map_err(|error| error.to_string())?;
		if format != FORMAT {
			return Err(format!("its format is {format}, this program reads {FORMAT}"));
		}
		let this: Self = serde_json::from_slice(line).map_err(|error| error.to_string())?;
		this.check(lengths)?;
		Ok(this)
	}

	/// Refuses paths that lead out of a folder or collide, and parts that are not there, overlap, or
	/// are not as long as the file: so files can't be longer than what they are made of.
	fn check(&self, lengths: &Lengths) -> Result<(), String> {
		if self.files.len() > MAX_FILES {
			return Err(format!("it has more than {MAX_FILES} files"));
		}
		let mut paths = BTreeSet::new();
		let mut ranges = Vec::new();
		for Entry { path, size, parts, .. } in &self.files {
			let fault = |what: &str| format!("`{}`: {what}", path.escape_debug());
			check_path(path).map_err(|what| fault(&what))?;
			// Not every file system tells them apart.
			if !paths.insert(path.to_lowercase()) {
				return Err(fault("there are two of this name"));
			}
			let mut sum = 0u64;
			for part in parts {
				let (place, from, len) = part.range();
				let most = match place {
					Place::Weights => lengths.weights,
					Place::Tokenizer => lengths.tokenizer,
					Place::Data => lengths.data,
				};
				let end = from.checked_add(len).filter(|end| *end <= most && len > 0);
				let end = end.ok_or_else(|| fault("a part of it is not there"))?;
				ranges.push((place, from, end));
				sum = sum.checked_add(len).ok_or_else(|| fault("is too long"))?;
			}
			if sum != *size {
				return Err(fault("its parts are not as long as it is"));
			}
		}
		for path in &paths {
			for (end, _) in path.match_indices('/') {
				if path.get(..end).is_some_and(|parent| paths.contains(parent)) {
					return Err(format!("`{}` is below a file", path.escape_debug()));
				}
			}
		}
		ranges.sort_unstable();
		let overlap = |pair: &[(Place, u64, u64)]| match pair {
			[(left, _, end), (right, from, _)] => left == right && from < end,
			_ => false,
		};
		if ranges.windows(2).any(overlap) {
			return Err("two files have the same part".into());
		}
		Ok(())
	}
}

/// Refuses a path that is not of a visible file in a folder, on any system.
fn check_path(path: &str) -> Result<(), String> {
	if path.len() > MAX_PATH_LEN || path.split('/').count() > MAX_DEPTH {
		return Err("the path is too long".into());
	}
	if path.ends_with(UNFINISHED) {
		return Err(format!("names that end with {UNFINISHED} are for files that are fetched"));
	}
	for name in path.split('/') {
		if name.is_empty() || name.starts_with('.') {
			return Err("the path leads out of the folder, or to something hidden".into());
		}
		if name.chars().any(|it| it.is_control() || matches!(it, '\\' | ':')) {
			return Err("the path has characters that are not for names".into());
		}
	}
	Ok(())
}

/// A file on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
	/// Its path in the folder, with `/` between names.
	pub name: String,
	/// Where it is.
	pub path: PathBuf,
	/// Its length in bytes.
	pub size: u64,
}

/// The files in `folder` and below, by name, but hidden ones and those in `excluded`.
pub fn walk(folder: &Path, excluded: &[String]) -> Result<Vec<Found>> {
	let mut unused: BTreeSet<&str> = excluded.iter().map(|name| name.trim_matches('/')).collect();
	let wanted = unused.clone();
	let mut found = Vec::new();
	let mut folders = vec![(folder.to_owned(), String::new())];
	while let Some((path, prefix)) = folders.pop() {
		for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, error))? {
			let path = entry.map_err(|error| unreadable(&path, error))?.path();
			let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
				return Err(unfit(&path, "the name is no text"));
			};
			if name.starts_with('.') {
				continue;
			}
			let name = format!("{prefix}{name}");
			if wanted.contains(&name[..]) {
				unused.remove(&name[..]);
				continue;
			}
			let link = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error))?;
			let file = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
			check_path(&name).map_err(|what| unfit(&path, &what))?;
			if file.is_file() {
				// Links to files, too: a download cache of Hugging Face is made of them.
				found.push(Found { name, size: file.len(), path });
			} else if link.is_dir() {
				folders.push((path, format!("{name}/")));
			} else {
				return Err(unfit(&path, "it is neither a file nor a folder"));
			}
			if found.len() > MAX_FILES {
				return Err(Error::usage(format!(
					"{} has more than {MAX_FILES} files",
					folder.display()
				)));
			}
		}
	}
	if let Some(name) = unused.first() {
		return Err(Error::usage(format!("{} has no `{name}` to leave out", folder.display())));
	}
	found.sort_by(|left, right| left.name.cmp(&right.name));
	Ok(found)
}

/// Hash of a file's bytes, and how many there are.
pub fn hash(path: &Path) -> std::io::Result<(H256, u64)> {
	let mut file = fs::File::open(path)?;
	let mut state = Params::new().hash_length(32).to_state();
	let mut buf = vec![0; 1 << 20];
	loop {
		match file.read(&mut buf)? {
			0 => break,
			len => state.update(&buf[..len]),
		};
	}
	Ok((H256::from_slice(state.finalize().as_bytes()), state.count() as u64))
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
	Error::usage(format!("{}: {error}", path.display()))
}

fn unfit(path: &Path, what: &str) -> Error {
	Error::usage(format!("{} can't be published: {what}", path.display()))
		.hint("leave it out with --exclude <path in the folder>")
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::temporary;

	const LENGTHS: Lengths = Lengths { weights: 100, tokenizer: 20, data: 50 };

	fn entry(path: &str, parts: &[Part]) -> Entry {
		let size = parts.iter().map(|part| part.range().2).sum();
		Entry { path: path.into(), size, blake2_256: H256::zero(), parts: parts.to_vec() }
	}

	fn parse(files: Vec<Entry>) -> Result<Listing, String> {
		Listing::parse(Listing::new(files).encode().trim_ascii_end(), &LENGTHS)
	}

	#[test]
	fn listing_should_be_one_line_that_is_read_as_it_was_written() {
		let files = vec![
			entry("a/b.safetensors", &[Part::Data(0, 8), Part::Weights(10, 90)]),
			entry("empty", &[]),
			entry("t \"ü\"", &[Part::Tokenizer(0, 20)]),
		];
		let line = Listing::new(files.clone()).encode();
		assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
		assert!(line.ends_with(b"\n"));
		assert_eq!(parse(files.clone()).unwrap().files, files);
		let text = String::from_utf8(line).unwrap();
		assert!(text.contains(r#""parts":[{"data":[0,8]},{"weights":[10,90]}]"#), "{text}");
		let zero = format!(r#""blake2_256":"0x{}""#, "0".repeat(64));
		assert!(text.contains(&zero), "{text}");
	}

	#[test]
	fn listing_should_be_refused_when_its_format_is_another() {
		let line = br#"{"format":2,"folders":[]}"#;
		assert!(Listing::parse(line, &LENGTHS).unwrap_err().contains("format is 2"));
		for line in [&b""[..], b"{}", b"[]", br#"{"format":1}"#, b"\xff"] {
			assert!(Listing::parse(line, &LENGTHS).is_err());
		}
	}

	#[test]
	fn listing_should_be_refused_when_a_path_leads_elsewhere() {
		for path in ["a", "a/b", "a b", "ä/ö.txt", "a..b", "a/b..", "-rf", "~"] {
			assert!(parse(vec![entry(path, &[])]).is_ok(), "{path}");
		}
		let long = "a/".repeat(16) + "a";
		let wide = "a".repeat(513);
		for path in [
			"",
			"/",
			"/etc/passwd",
			"..",
			"../a",
			"a/../b",
			"a/..",
			".",
			"./a",
			"a//b",
			"a/",
			".git/hooks/post-checkout",
			"a/.bashrc",
			"C:\\a",
			"C:a",
			"a\\..\\b",
			"a\nb",
			"a\0b",
			"a.dodona-part",
			&long,
			&wide,
		] {
			assert!(parse(vec![entry(path, &[])]).is_err(), "{}", path.escape_debug());
		}
	}

	#[test]
	fn listing_should_be_refused_when_paths_collide() {
		let fault = |paths: &[&str]| {
			parse(paths.iter().map(|path| entry(path, &[])).collect()).unwrap_err()
		};
		assert!(fault(&["a", "b", "a"]).contains("two of this name"));
		assert!(fault(&["a/README", "a/readme"]).contains("two of this name"));
		assert!(fault(&["a", "a/b"]).contains("below a file"));
		assert!(fault(&["A/b/c", "a-", "a/b"]).contains("below a file"));
	}

	#[test]
	fn listing_should_be_refused_when_a_part_is_not_there_or_taken_twice() {
		let fault = |parts: &[Part]| parse(vec![entry("a", parts)]).unwrap_err();
		for part in [
			Part::Weights(0, 101),
			Part::Weights(100, 1),
			Part::Tokenizer(20, 1),
			Part::Data(0, 51),
			Part::Data(0, 0),
		] {
			assert!(fault(&[part]).contains("is not there"), "{part:?}");
		}
		let mut wrapped = entry("a", &[]);
		wrapped.parts = vec![Part::Data(u64::MAX, 2)];
		assert!(parse(vec![wrapped]).unwrap_err().contains("is not there"));
		assert!(fault(&[Part::Data(0, 5), Part::Data(4, 5)]).contains("the same part"));
		let twice =
			vec![entry("a", &[Part::Weights(0, 100)]), entry("b", &[Part::Weights(0, 100)])];
		assert!(parse(twice).unwrap_err().contains("the same part"));
		// The same numbers in other places, side by side.
		let apart =
			[Part::Data(0, 5), Part::Data(5, 5), Part::Weights(0, 5), Part::Tokenizer(0, 5)];
		assert!(parse(vec![entry("a", &apart)]).is_ok());
	}

	#[test]
	fn listing_should_be_refused_when_a_file_is_not_as_long_as_its_parts() {
		for size in [0, 4, 6, u64::MAX] {
			let mut file = entry("a", &[Part::Data(0, 5)]);
			file.size = size;
			assert!(parse(vec![file]).unwrap_err().contains("as long as it is"), "{size}");
		}
	}

	fn names(found: &[Found]) -> Vec<&str> {
		found.iter().map(|file| &file.name[..]).collect()
	}

	#[test]
	fn walk_should_find_all_visible_files_by_name() {
		let folder =
			temporary::Folder::new("walk", &[("b", "12"), ("a.txt", ""), (".hidden", "x")]);
		let path = folder.as_path();
		for below in ["onnx/deep", ".git"] {
			fs::create_dir_all(path.join(below)).unwrap();
			fs::write(path.join(below).join("file"), "123").unwrap();
		}
		fs::create_dir(path.join("empty")).unwrap();
		let found = walk(path, &[]).unwrap();
		assert_eq!(names(&found), ["a.txt", "b", "onnx/deep/file"]);
		assert_eq!(found.iter().map(|file| file.size).collect::<Vec<_>>(), [0, 2, 3]);
		let excluded = |names: &[&str]| {
			walk(path, &names.iter().map(|name| name.to_string()).collect::<Vec<_>>())
		};
		assert_eq!(names(&excluded(&["onnx/", "b"]).unwrap()), ["a.txt"]);
		assert!(excluded(&["nothing"]).unwrap_err().message.contains("no `nothing`"));
	}

	#[test]
	fn walk_should_follow_links_to_files_and_refuse_others() {
		use std::os::unix::fs::symlink;
		let folder = temporary::Folder::new("links", &[("a", "123")]);
		let path = folder.as_path();
		symlink(path.join("a"), path.join("b")).unwrap();
		let found = walk(path, &[]).unwrap();
		assert_eq!((names(&found), found[1].size), (vec!["a", "b"], 3));
		symlink(path, path.join("loop")).unwrap();
		let error = walk(path, &[]).unwrap_err();
		assert!(error.hint.unwrap().contains("--exclude"), "{}", error.message);
		assert_eq!(walk(path, &["loop".into()]).unwrap().len(), 2);
		fs::remove_file(path.join("loop")).unwrap();
		symlink(path.join("nowhere"), path.join("c")).unwrap();
		assert!(walk(path, &[]).is_err());
	}

	#[test]
	fn hash_should_be_blake2b_of_32_bytes() {
		let folder = temporary::Folder::new("hash", &[("a", "abc")]);
		let (hash, len) = hash(&folder.as_path().join("a")).unwrap();
		let expected = dodona_primitives_models::chunk_hash(b"abc");
		assert_eq!((hash.0, len), (expected.0, 3));
	}
}
