//! A folder as an artifact: the list of its files, and the bytes that are in no other artifact.

use super::{
	listing::{self, Entry, Found, Listing, Part},
	spliced::Spliced,
};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Where a file of weights is in the artifact of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
	/// The file.
	pub path: PathBuf,
	/// Bytes at its beginning that are not in the artifact.
	pub own: u64,
	/// Where the others are in the artifact.
	pub start: u64,
	/// How many they are.
	pub len: u64,
}

/// The list of the `found` files, and the artifact that begins with it. Reads every file once.
pub fn pack(
	found: &[Found],
	weights: &[Laid],
	tokenizer: Option<&Path>,
) -> Result<(Listing, Spliced)> {
	let mut data = Spliced::default();
	let mut end = 0;
	let mut files = Vec::new();
	for Found { name, path, size } in found {
		let fault = |what: &dyn std::fmt::Display| {
			Error::failed(format!("{}: {what}", path.display())).hint("run it again")
		};
		let (hash, hashed) = listing::hash(path).map_err(|error| fault(&error))?;
		if hashed != *size {
			return Err(fault(&"it has changed meanwhile"));
		}
		let mut parts = Vec::new();
		let mut own = *size;
		if let Some(laid) = weights.iter().find(|laid| laid.path == *path) {
			own = laid.own;
			parts.extend((laid.len > 0).then_some(Part::Weights(laid.start, laid.len)));
		} else if tokenizer == Some(path) && *size > 0 {
			own = 0;
			parts.push(Part::Tokenizer(0, *size));
		}
		if own > 0 {
			parts.insert(0, Part::Data(end, own));
			data.push_file(path, 0, own);
			end += own;
		}
		files.push(Entry { path: name.clone(), size: *size, blake2_256: hash, parts });
	}
	let listing = Listing::new(files);
	let line = listing.encode();
	if line.len() > listing::MAX_LEN {
		return Err(Error::usage("the folder has too many files")
			.hint("leave some out with --exclude <path in the folder>"));
	}
	let mut artifact = Spliced::default();
	artifact.push(line);
	artifact.append(data);
	Ok((listing, artifact))
}
