//! What only the rater knows until a rating is revealed, kept on disk.

use crate::{
	commands::hex0x,
	error::{Error, Result},
};
use dodona_primitives_inference::{Rating, RequestId, Salt};
use serde::{Deserialize, Serialize};
use std::{
	env,
	fs::{self, File, OpenOptions},
	io::{self, ErrorKind, Read, Write},
	os::unix::fs::OpenOptionsExt,
	path::{Path, PathBuf},
	process,
};
use subxt::utils::AccountId32;

/// A rating, and what keeps it from being guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Secret {
	pub rating: Rating,
	pub salt: Salt,
}

/// Where one is kept.
#[derive(Clone, Debug)]
pub struct Place(PathBuf);

impl Place {
	/// The place of an account's rating of a request of a chain.
	pub fn of(genesis: &[u8; 32], rater: &AccountId32, request: RequestId) -> Result<Self> {
		let named = env::var_os("XDG_STATE_HOME")
			.map(PathBuf::from)
			.filter(|path| path.is_absolute());
		let folder = named
			.or_else(|| env::home_dir().map(|home| home.join(".local/state")))
			.ok_or_else(|| {
				Error::failed("there is no place to keep a rating until it is revealed")
					.hint("set XDG_STATE_HOME to a folder")
			})?;
		Ok(Self::in_folder(&folder, genesis, rater, request))
	}

	fn in_folder(
		folder: &Path,
		genesis: &[u8; 32],
		rater: &AccountId32,
		request: RequestId,
	) -> Self {
		let chain = folder.join("dodona/ratings").join(hex0x(genesis));
		Self(chain.join(format!("{rater}-{request}.json")))
	}

	pub fn path(&self) -> &Path {
		&self.0
	}

	/// What is kept here, if anything is.
	pub fn load(&self) -> Result<Option<Secret>> {
		let bytes = match fs::read(&self.0) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
			Err(error) => return Err(self.unusable(error)),
		};
		serde_json::from_slice(&bytes).map(Some).map_err(|error| self.unusable(error))
	}

	/// Keeps a secret, so that a power cut after this doesn't lose it.
	pub fn save(&self, secret: &Secret) -> Result<()> {
		self.write(secret).map_err(|error| self.unusable(error))
	}

	fn write(&self, secret: &Secret) -> io::Result<()> {
		let folder = self.0.parent().unwrap_or(Path::new("."));
		fs::create_dir_all(folder)?;
		let part = self.0.with_extension(format!("{}.part", process::id()));
		let mut file = OpenOptions::new()
			.write(true)
			.create(true)
			.truncate(true)
			.mode(0o600)
			.open(&part)?;
		file.write_all(&serde_json::to_vec(secret)?)?;
		file.sync_all()?;
		fs::rename(part, &self.0)?;
		// The name has to last like what it names.
		File::open(folder)?.sync_all()
	}

	/// Keeps it no more. What can't be removed does no harm.
	pub fn forget(&self) {
		let _ = fs::remove_file(&self.0);
	}

	fn unusable(&self, error: impl std::fmt::Display) -> Error {
		Error::failed(format!("{}: {error}", self.0.display()))
			.hint("a rating is kept there until it is revealed: make it readable and writable")
	}
}

/// Random bytes that nobody else has.
pub fn salt() -> Result<Salt> {
	let mut salt = [0; 32];
	File::open("/dev/urandom")
		.and_then(|mut random| random.read_exact(&mut salt))
		.map(|()| salt)
		.map_err(|error| Error::failed(format!("no random numbers: {error}")))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::temporary::Folder;
	use std::os::unix::fs::PermissionsExt;

	#[test]
	fn secret_should_be_there_until_it_is_forgotten_and_for_its_owner_only() {
		let folder = Folder::new("secret", &[]);
		let place =
			|request| Place::in_folder(folder.as_path(), &[1; 32], &AccountId32([2; 32]), request);
		assert_eq!(place(5).load().unwrap(), None);
		let secret = Secret { rating: Rating::Good, salt: salt().unwrap() };
		place(5).save(&secret).unwrap();
		assert_eq!(place(5).load().unwrap(), Some(secret));
		assert_eq!(place(6).load().unwrap(), None);
		let mode = fs::metadata(place(5).path()).unwrap().permissions().mode();
		assert_eq!(mode & 0o077, 0);
		assert_eq!(fs::read_dir(place(5).path().parent().unwrap()).unwrap().count(), 1);

		place(5).forget();
		assert_eq!(place(5).load().unwrap(), None);
		fs::write(place(5).path(), "{").unwrap();
		assert!(place(5).load().is_err_and(|error| error.hint.is_some()));
	}

	#[test]
	fn salt_should_be_another_one_each_time() {
		assert_ne!(salt().unwrap(), salt().unwrap());
	}
}
