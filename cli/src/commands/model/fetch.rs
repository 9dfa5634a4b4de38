//! `dodona model fetch`: the folder that a version was published from.

use super::{
	chunks::Chunks,
	contents::{Chunk, Contents},
	named, size_in_words,
	target::Target,
};
use crate::{
	args::Fetch,
	commands::{hex0x, text},
	error::Result,
	Session,
};
use dodona_primitives_models::chunk_hash;
use serde_json::json;
use std::time::Instant;

pub async fn run(session: &Session, args: Fetch) -> Result<()> {
	let chain = session.connect().await?;
	let (model, version) = named(&chain, &args.model).await?;
	let named_by_model = model.metadata.mirrors.iter().map(|mirror| text(mirror));
	let mirrors = args.mirror.into_iter().chain(named_by_model).collect();
	let chunks = Chunks::new(&chain, mirrors);
	let spinner = session.output.spinner("looking up the folder");
	let contents = Contents::of(&version.manifest, async |hash| chunks.get(hash).await).await?;
	let mut target = Target::new(&args.folder, contents.listing.clone());
	target.prepare()?;
	let missing = missing(&contents, &target);
	spinner.finish_and_clear();

	let bytes: u64 = missing.iter().map(|chunk| chunk.len()).sum();
	let bar = session.output.bytes(bytes, "fetching");
	let start = Instant::now();
	for chunk in &missing {
		let bytes = contents.bytes(chunk.hash, async |hash| chunks.get(hash).await).await?;
		target.scatter(chunk.place, chunk.within().start, chunk.cut(&bytes)?)?;
		bar.inc(bytes.len() as u64);
	}
	bar.finish_and_clear();
	let seconds = start.elapsed().as_secs_f64();
	let spinner = session.output.spinner("checking the files");
	target.finish()?;
	spinner.finish_and_clear();

	let files = &target.listing().files;
	let size: u64 = files.iter().map(|file| file.size).sum();
	let name = format!("{}@{}", text(&model.name), version.id.number);
	let document = json!({
		"name": text(&model.name),
		"model": version.id.model,
		"version": version.id.number,
		"folder": args.folder,
		"files": files.iter().map(|file| json!({
			"path": file.path,
			"size": file.size,
			"blake2_256": hex0x(file.blake2_256),
		})).collect::<Vec<_>>(),
		"size": size,
		"chunks": { "fetched": missing.len(), "mirrored": chunks.mirrored() },
		"bytes": bytes,
		"seconds": seconds,
	});
	session.output.result(&document, || {
		let (count, folder) = (files.len(), args.folder.display());
		let from = match chunks.mirrored() {
			0 => String::new(),
			mirrored => format!(", {mirrored} chunks from mirrors"),
		};
		format!(
			"{name}: {count} files, {}, in {folder}{from}\nfetched {} in {seconds:.1} s",
			size_in_words(size),
			size_in_words(bytes),
		)
	});
	Ok(())
}

/// The chunks that have bytes of files which are not on disk yet.
fn missing(contents: &Contents, target: &Target) -> Vec<Chunk> {
	let is_there = |chunk: &Chunk| {
		chunk.is_whole()
			&& target
				.gather(chunk.place, chunk.within())
				.is_some_and(|bytes| chunk_hash(&bytes).0 == chunk.hash)
	};
	contents
		.chunks()
		.filter(|chunk| target.wants(chunk.place, chunk.within()) && !is_there(chunk))
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{contents::tests::Stored, folder, listing, pack::pack, temporary};
	use dodona_engine::Source;
	use std::{fs, path::Path};

	/// Fetches what `stored` has, but no more than `most` chunks; says how many were missing.
	async fn fetch(stored: &Stored, folder: &Path, most: usize) -> Result<usize> {
		let contents = stored.contents().await;
		let mut target = Target::new(folder, contents.listing.clone());
		target.prepare()?;
		let missing = missing(&contents, &target);
		for chunk in missing.iter().take(most) {
			let bytes = &stored.chunks[&chunk.hash];
			target.scatter(chunk.place, chunk.within().start, chunk.cut(bytes)?)?;
		}
		if missing.len() <= most {
			target.finish()?;
		}
		Ok(missing.len())
	}

	fn same(left: &Path, right: &Path) {
		let found = |path| listing::walk(path, &[]).unwrap();
		let names = |path| found(path).into_iter().map(|it| it.name).collect::<Vec<_>>();
		assert_eq!(names(left), names(right));
		for file in found(left) {
			let bytes = |root: &Path| fs::read(root.join(&file.name)).unwrap();
			assert!(bytes(left) == bytes(right), "{}", file.name);
		}
	}

	/// A folder of more than three chunks, with all that a folder may have.
	fn published(test: &str, shards: usize) -> (temporary::Folder, Stored) {
		let folder = temporary::Folder::llama(test);
		let path = folder.as_path();
		let json = crate::commands::model::tokenizer::tests::json();
		fs::create_dir_all(path.join("more/deep")).unwrap();
		let large: Vec<u8> = (0..2_500_000u32).map(|at| (at % 253) as u8).collect();
		for (name, bytes) in [
			("tokenizer.json", json.as_bytes()),
			("README.md", b"# A model"),
			("more/empty", b""),
			("more/deep/large.bin", &large),
			(".git", b"hidden"),
		] {
			fs::write(path.join(name), bytes).unwrap();
		}
		if shards > 1 {
			folder.split(shards);
		}
		let stored = Stored::publish(path);
		(folder, stored)
	}

	#[tokio::test]
	async fn folder_should_come_back_byte_for_byte() {
		for (test, shards) in [("back-1", 1), ("back-3", 3)] {
			let (folder, stored) = published(test, shards);
			let out = temporary::Folder::new(&format!("{test}-out"), &[]);
			fetch(&stored, &out.as_path().join("new/one"), usize::MAX).await.unwrap();
			same(folder.as_path(), &out.as_path().join("new/one"));
			assert!(!out.as_path().join("new/one/.git").exists());
			// Once more: nothing to do.
			assert_eq!(fetch(&stored, &out.as_path().join("new/one"), 0).await.unwrap(), 0);
		}
	}

	#[tokio::test]
	async fn each_chunk_should_be_read_once() {
		let (_folder, stored) = published("once", 2);
		let asked = std::cell::RefCell::new(Vec::new());
		let get = async |hash: [u8; 32]| {
			asked.borrow_mut().push(hash);
			Ok(stored.chunks[&hash].clone())
		};
		let contents = Contents::of(&stored.manifest, &get).await.unwrap();
		let all: Vec<Chunk> = contents.chunks().collect();
		for chunk in &all {
			let bytes = contents.bytes(chunk.hash, &get).await.unwrap();
			assert!(*bytes == stored.chunks[&chunk.hash][..]);
		}
		let mut asked = asked.into_inner();
		asked.sort();
		let mut once = asked.clone();
		once.dedup();
		assert_eq!(asked, once);
		// All that is stored, but the model's card, which is a chunk of its own.
		assert_eq!(once.len(), stored.chunks.len() - 1);
	}

	#[tokio::test]
	async fn fetch_should_go_on_where_it_was_interrupted() {
		let (folder, stored) = published("resumed", 2);
		let out = temporary::Folder::new("resumed-out", &[]);
		let all = fetch(&stored, out.as_path(), 0).await.unwrap();
		assert!(all > 4, "{all}");
		assert_eq!(fetch(&stored, out.as_path(), all - 1).await.unwrap(), all);
		// What is not of a file as a whole is fetched again: a joined header, the end of the list.
		let left = fetch(&stored, out.as_path(), usize::MAX).await.unwrap();
		assert!(left <= 3, "{left} of {all}");
		same(folder.as_path(), out.as_path());
	}

	#[tokio::test]
	async fn fetch_should_replace_what_is_damaged_and_unfinished() {
		let (folder, stored) = published("damaged", 1);
		let out = temporary::Folder::new("damaged-out", &[]);
		let all = fetch(&stored, out.as_path(), usize::MAX - 1).await.unwrap();
		let name = |end: &str| out.as_path().join(format!("{}{end}", folder::WEIGHTS));
		let mut bytes = fs::read(name("")).unwrap();
		fs::remove_file(name("")).unwrap();
		bytes[100] ^= 1;
		fs::write(name(listing::UNFINISHED), bytes).unwrap();
		let again = fetch(&stored, out.as_path(), usize::MAX).await.unwrap();
		assert!(again > 0 && again < all, "{again} of {all}");
		same(folder.as_path(), out.as_path());
	}

	#[tokio::test]
	async fn fetch_should_touch_nothing_that_is_in_the_way() {
		let (_folder, stored) = published("way", 1);
		let fault = async |test: &str, prepare: &dyn Fn(&Path)| {
			let out = temporary::Folder::new(test, &[("keep", "mine")]);
			prepare(out.as_path());
			let error = fetch(&stored, out.as_path(), usize::MAX).await.unwrap_err();
			assert_eq!(fs::read(out.as_path().join("keep")).unwrap(), b"mine");
			error.message
		};
		let message =
			fault("way-file", &|path| fs::write(path.join("README.md"), "x").unwrap()).await;
		assert!(message.contains("another file"), "{message}");
		let message =
			fault("way-folder", &|path| fs::create_dir(path.join("README.md")).unwrap()).await;
		assert!(message.contains("no file"), "{message}");
		use std::os::unix::fs::symlink;
		let elsewhere = temporary::Folder::new("way-elsewhere", &[]);
		let link = |name: &'static str| {
			let to = elsewhere.as_path().to_owned();
			move |path: &Path| symlink(&to, path.join(name)).unwrap()
		};
		let message = fault("way-link", &link("more")).await;
		assert!(message.contains("no folder"), "{message}");
		let part = "README.md.dodona-part";
		let message = fault("way-part", &|path| {
			symlink(elsewhere.as_path().join("victim"), path.join(part)).unwrap()
		})
		.await;
		assert!(message.contains("no file"), "{message}");
		assert_eq!(fs::read_dir(elsewhere.as_path()).unwrap().count(), 0);
	}

	#[tokio::test]
	async fn fetch_should_refuse_a_file_that_is_not_what_the_list_says() {
		let (_folder, mut stored) = published("contradicted", 1);
		let entry = stored
			.listing
			.files
			.iter_mut()
			.find(|file| file.path == folder::WEIGHTS)
			.unwrap();
		entry.blake2_256 = subxt::utils::H256::zero();
		let out = temporary::Folder::new("contradicted-out", &[]);
		let error = fetch(&stored, out.as_path(), usize::MAX).await.unwrap_err();
		assert_eq!(error.reason.as_deref(), Some("ListingContradicted"));
		assert!(!out.as_path().join(folder::WEIGHTS).exists());
	}

	#[test]
	fn list_should_be_the_same_when_the_folder_is() {
		let (folder, _) = published("twice-packed", 2);
		let bytes = || {
			let found = listing::walk(folder.as_path(), &[]).unwrap();
			let (_, artifact) = pack(&found, &[], None).unwrap();
			let mut bytes = vec![0; artifact.len() as usize];
			artifact.read_at(0, &mut bytes).unwrap();
			bytes
		};
		assert!(bytes() == bytes());
	}
}
