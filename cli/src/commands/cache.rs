//! Artifacts that were fetched once, on this machine.

use crate::commands::hex0x;
use dodona_primitives_models::ArtifactRef;
use std::{env, fs, io, path::PathBuf, process};

/// A folder of artifacts of one kind. What can't be kept is fetched again: that is only slow.
pub struct Cache {
	folder: Option<PathBuf>,
	extension: &'static str,
}

impl Cache {
	/// Those of a kind, in the user's cache.
	pub fn new(kind: &str, extension: &'static str) -> Self {
		let named = env::var_os("XDG_CACHE_HOME")
			.map(PathBuf::from)
			.filter(|path| path.is_absolute());
		let caches = named.or_else(|| env::home_dir().map(|home| home.join(".cache")));
		Self { folder: caches.map(|caches| caches.join("dodona").join(kind)), extension }
	}

	fn path(&self, artifact: &ArtifactRef) -> Option<PathBuf> {
		let name = format!("{}.{}", hex0x(artifact.root), self.extension);
		self.folder.as_ref().map(|folder| folder.join(name))
	}

	/// The bytes of `artifact`, if they are there and are what they were.
	pub fn get(&self, artifact: &ArtifactRef) -> Option<Vec<u8>> {
		let path = self.path(artifact)?;
		if fs::metadata(&path).ok()?.len() != artifact.size {
			return None;
		}
		fs::read(path).ok().filter(|bytes| ArtifactRef::of(bytes).0 == *artifact)
	}

	/// Keeps `bytes`. Another process may do the same: a file is there as a whole, or not.
	pub fn put(&self, artifact: &ArtifactRef, bytes: &[u8]) {
		let Some(path) = self.path(artifact) else { return };
		let part = path.with_extension(format!("{}.part", process::id()));
		let write = || -> io::Result<()> {
			fs::create_dir_all(path.parent().unwrap_or(&path))?;
			fs::write(&part, bytes)?;
			fs::rename(&part, &path)
		};
		let _ = write();
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::temporary;

	#[test]
	fn cache_should_give_back_what_it_keeps_and_nothing_that_has_changed() {
		let folder = temporary::Folder::new("cache", &[]);
		let folder = folder.as_path().join("tokenizers");
		let cache = Cache { folder: Some(folder.clone()), extension: "json" };
		let (artifact, ..) = ArtifactRef::of(b"{}");
		assert_eq!(cache.get(&artifact), None);
		cache.put(&artifact, b"{}");
		assert_eq!(cache.get(&artifact), Some(b"{}".to_vec()));
		assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

		fs::write(cache.path(&artifact).unwrap(), "[]").unwrap();
		assert_eq!(cache.get(&artifact), None);
		cache.put(&artifact, b"{}");
		assert_eq!(cache.get(&artifact), Some(b"{}".to_vec()));
	}
}
