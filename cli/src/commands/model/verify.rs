//! `dodona model verify`: whether a folder is the one that a version was published from.

use super::{
	chunks::Chunks,
	contents::{Chunk, Contents},
	listing, named, size_in_words,
	target::{Comparison, Target},
	Folder,
};
use crate::{
	args::Verify,
	commands::text,
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::{chunk_hash, Architecture};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};

pub async fn run(session: &Session, args: Verify) -> Result<()> {
	let chain = session.connect().await?;
	let (model, version) = named(&chain, &args.model).await?;
	let named_by_model = model.metadata.mirrors.iter().map(|mirror| text(mirror));
	let mirrors = args.mirror.into_iter().chain(named_by_model).collect();
	let chunks = Chunks::new(&chain, mirrors);
	let contents = Contents::of(&version.manifest, async |hash| chunks.get(hash).await).await?;
	let spinner = session.output.spinner("comparing");
	let found = compare(&args.folder, &contents, &version.manifest.architecture, async |hash| {
		chunks.get(hash).await
	})
	.await?;
	spinner.finish_and_clear();

	let name = format!("{}@{}", text(&model.name), version.id.number);
	let error = (!found.is_same()).then(|| {
		Error::failed(format!("{} is not {name}", args.folder.display()))
			.because("FolderDiffers")
			.hint(format!("fetch it into another folder: dodona model fetch {name} <folder>"))
	});
	let mut document = json!({
		"name": text(&model.name),
		"model": version.id.model,
		"version": version.id.number,
		"same": found.is_same(),
		"changed": found.changed,
		"missing": found.missing,
		"extra": found.extra,
		"architecture": found.architecture,
		"chunks": found.is_backed,
	});
	if let Some(error) = &error {
		document["error"] = error.json();
	}
	session.output.result(&document, || {
		let mut lines = Vec::new();
		for (what, paths) in
			[("changed", &found.changed), ("missing", &found.missing), ("extra  ", &found.extra)]
		{
			lines.extend(paths.iter().map(|path| format!("{what}  {}", path.escape_debug())));
		}
		if found.architecture == Some(false) {
			lines.push("config.json describes another architecture than the version has".into());
		}
		if found.is_backed == Some(false) {
			lines.push(
				"the list of files and the weights on the chain contradict each other".into(),
			);
		}
		if found.is_same() {
			let files = &contents.listing.files;
			let size = files.iter().map(|file| file.size).sum();
			let (count, size) = (files.len(), size_in_words(size));
			lines.push(format!("{} is {name}: {count} files, {size}", args.folder.display()));
		}
		lines.join("\n")
	});
	error.map_or(Ok(()), Err)
}

/// How a folder is beside a version.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
	changed: Vec<String>,
	missing: Vec<String>,
	/// Files that the version does not have.
	extra: Vec<String>,
	/// Whether the folder is of the version's architecture; `None` if it does not say.
	architecture: Option<bool>,
	/// Whether the files have the bytes of the version's chunks; `None` if they are other files.
	is_backed: Option<bool>,
}

impl Found {
	fn is_same(&self) -> bool {
		self.changed.is_empty()
			&& self.missing.is_empty()
			&& self.extra.is_empty()
			&& self.architecture != Some(false)
			&& self.is_backed == Some(true)
	}
}

async fn compare(
	folder: &Path,
	contents: &Contents,
	architecture: &Architecture,
	chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
) -> Result<Found> {
	if !folder.is_dir() {
		return Err(Error::usage(format!("{} is no folder", folder.display())));
	}
	let mut target = Target::new(folder, contents.listing.clone());
	let mut found = Found::default();
	for (entry, comparison) in contents.listing.files.iter().zip(target.compare()) {
		match comparison {
			Comparison::Same => {},
			Comparison::Differs => found.changed.push(entry.path.clone()),
			Comparison::Missing => found.missing.push(entry.path.clone()),
		}
	}
	let listed: BTreeSet<&str> = contents.listing.files.iter().map(|it| &it.path[..]).collect();
	let extra = listing::walk(folder, &[])?.into_iter().map(|file| file.name);
	found.extra = extra.filter(|name| !listed.contains(&name[..])).collect();
	found.architecture = Folder::open(folder).ok().map(|own| own.architecture == *architecture);
	if found.changed.is_empty() && found.missing.is_empty() {
		// The list is only its publisher's word: what workers run are the chunks.
		found.is_backed = Some(is_backed(contents, &target, chunk).await?);
	}
	Ok(found)
}

/// Whether the files have the bytes of the chunks.
async fn is_backed(
	contents: &Contents,
	target: &Target,
	chunk: impl AsyncFn([u8; 32]) -> Result<Vec<u8>>,
) -> Result<bool> {
	for piece in contents.chunks() {
		let Chunk { place, hash, .. } = piece;
		let within = piece.within();
		if !target.covers(place, within.clone()) {
			continue;
		}
		let gathered = if piece.is_whole() { target.gather(place, within.clone()) } else { None };
		let is_same = match gathered {
			Some(bytes) => chunk_hash(&bytes).0 == hash,
			// It has bytes that are in no file.
			None => {
				let bytes = contents.bytes(hash, &chunk).await?;
				target.has(place, within.start, piece.cut(&bytes)?)
			},
		};
		if !is_same {
			return Ok(false);
		}
	}
	Ok(true)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{contents::tests::Stored, temporary};
	use std::fs;

	async fn verify(stored: &Stored, folder: &temporary::Folder) -> Found {
		let contents = stored.contents().await;
		let architecture = stored.manifest.architecture.clone();
		let chunk = async |hash| Ok(stored.chunks[&hash].clone());
		compare(folder.as_path(), &contents, &architecture, chunk).await.unwrap()
	}

	fn llama(test: &str) -> temporary::Folder {
		let folder = temporary::Folder::llama(test);
		fs::write(folder.as_path().join("README.md"), "# A model").unwrap();
		folder.split(2);
		folder
	}

	#[tokio::test]
	async fn folder_should_be_the_same_when_nothing_has_changed() {
		let folder = llama("unchanged");
		let found = verify(&Stored::publish(folder.as_path()), &folder).await;
		assert!(found.is_same(), "{found:?}");
		assert_eq!((found.architecture, found.is_backed), (Some(true), Some(true)));
		// What is not published is not compared.
		fs::write(folder.as_path().join(".DS_Store"), "x").unwrap();
		assert!(verify(&Stored::publish(folder.as_path()), &folder).await.is_same());
	}

	#[tokio::test]
	async fn folder_should_differ_when_a_file_does() {
		let folder = llama("edited");
		let path = |name| folder.as_path().join(name);
		let stored = Stored::publish(folder.as_path());
		fs::write(path("README.md"), "# a model").unwrap();
		fs::write(path("NEW"), "").unwrap();
		let mut bytes = fs::read(path("1.safetensors")).unwrap();
		*bytes.last_mut().unwrap() ^= 1;
		fs::write(path("1.safetensors"), bytes).unwrap();
		fs::remove_file(path("0.safetensors")).unwrap();
		let found = verify(&stored, &folder).await;
		assert!(!found.is_same());
		assert_eq!(found.changed, ["1.safetensors", "README.md"]);
		assert_eq!(
			(found.missing, found.extra),
			(vec!["0.safetensors".into()], vec!["NEW".into()])
		);
	}

	#[tokio::test]
	async fn folder_should_differ_when_its_configuration_is_of_another_model() {
		let folder = llama("other-config");
		folder.change("config.json", |config| config["rms_norm_eps"] = 0.5.into());
		let mut stored = Stored::publish(folder.as_path());
		folder.change("config.json", |config| config["rms_norm_eps"] = 0.25.into());
		stored.manifest.architecture = Folder::open(folder.as_path()).unwrap().architecture;
		folder.change("config.json", |config| config["rms_norm_eps"] = 0.5.into());
		let found = verify(&stored, &folder).await;
		assert_eq!((found.changed.len(), found.architecture), (0, Some(false)));
		assert!(!found.is_same());
	}

	#[tokio::test]
	async fn folder_should_differ_when_the_list_is_not_of_the_weights() {
		// The list is honest about the files, but the chain has other weights.
		let folder = llama("liar");
		let mut stored = Stored::publish(folder.as_path());
		let other = llama("liar-other");
		let mut bytes = fs::read(other.as_path().join("1.safetensors")).unwrap();
		*bytes.last_mut().unwrap() ^= 1;
		fs::write(other.as_path().join("1.safetensors"), bytes).unwrap();
		stored.weights_of(&Stored::publish(other.as_path()));
		let found = verify(&stored, &folder).await;
		assert_eq!((found.changed.len(), found.is_backed), (0, Some(false)));
		assert!(!found.is_same());
	}
}
