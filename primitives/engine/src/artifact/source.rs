//! Where the bytes of an artifact come from.

use crate::EngineError;

/// A file that is read piece by piece.
pub trait Source {
	/// Its length in bytes.
	fn len(&self) -> u64;

	/// Whether it has no bytes.
	fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Fills `buf` with the bytes from `offset` on, or fails with [`EngineError::ReadFailed`].
	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError>;
}

impl Source for &[u8] {
	fn len(&self) -> u64 {
		<[u8]>::len(self) as u64
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		let from = usize::try_from(offset).map_err(|_| EngineError::ReadFailed)?;
		let bytes = self
			.get(from..)
			.and_then(|rest| rest.get(..buf.len()))
			.ok_or(EngineError::ReadFailed)?;
		buf.copy_from_slice(bytes);
		Ok(())
	}
}

/// A file of the host's, read where the data is asked for: nothing of it stays in memory.
#[cfg(all(feature = "std", unix))]
pub struct File {
	file: std::fs::File,
	len: u64,
}

#[cfg(all(feature = "std", unix))]
impl File {
	/// Opens the file at `path`.
	pub fn open(path: &std::path::Path) -> std::io::Result<Self> {
		let file = std::fs::File::open(path)?;
		let len = file.metadata()?.len();
		Ok(Self { file, len })
	}
}

#[cfg(all(feature = "std", unix))]
impl Source for File {
	fn len(&self) -> u64 {
		self.len
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		use std::os::unix::fs::FileExt;
		self.file.read_exact_at(buf, offset).map_err(|_| EngineError::ReadFailed)
	}
}
