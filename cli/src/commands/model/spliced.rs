//! Bytes from several places as one source, without a copy of them.

use dodona_engine::{artifact::File, EngineError, Source};
use std::path::{Path, PathBuf};

/// Bytes from several places, one after the other.
#[derive(Default)]
pub struct Spliced {
	parts: Vec<Part>,
	len: u64,
}

struct Part {
	/// Where it is in all together.
	start: u64,
	len: u64,
	origin: Origin,
}

enum Origin {
	Bytes(Vec<u8>),
	/// Opened when it is read: a folder may have more files than a process may hold open.
	File {
		path: PathBuf,
		from: u64,
	},
}

impl Spliced {
	/// Adds `bytes`.
	pub fn push(&mut self, bytes: Vec<u8>) {
		let len = bytes.len() as u64;
		self.add(len, Origin::Bytes(bytes));
	}

	/// Adds `len` bytes of a file.
	pub fn push_file(&mut self, path: &Path, from: u64, len: u64) {
		self.add(len, Origin::File { path: path.into(), from });
	}

	/// Adds all of `other`.
	pub fn append(&mut self, other: Self) {
		for part in other.parts {
			self.add(part.len, part.origin);
		}
	}

	fn add(&mut self, len: u64, origin: Origin) {
		if len > 0 {
			self.parts.push(Part { start: self.len, len, origin });
			self.len += len;
		}
	}
}

impl Source for Spliced {
	fn len(&self) -> u64 {
		self.len
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		let end = offset.checked_add(buf.len() as u64).filter(|end| *end <= self.len);
		end.ok_or(EngineError::ReadFailed)?;
		let first = self.parts.partition_point(|part| part.start + part.len <= offset);
		let (mut at, mut rest) = (offset, buf);
		for part in self.parts.iter().skip(first) {
			if rest.is_empty() {
				break;
			}
			let skipped = at - part.start;
			let most = usize::try_from(part.len - skipped).unwrap_or(usize::MAX);
			let (now, later) = rest.split_at_mut(most.min(rest.len()));
			match &part.origin {
				Origin::Bytes(bytes) => bytes.as_slice().read_at(skipped, now)?,
				Origin::File { path, from } => {
					let file = File::open(path).map_err(|_| EngineError::ReadFailed)?;
					file.read_at(from + skipped, now)?;
				},
			}
			at += now.len() as u64;
			rest = later;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::temporary;
	use std::fs;

	#[test]
	fn bytes_should_be_the_same_however_they_are_read() {
		let folder = temporary::Folder::new("spliced", &[("a", "0123456789"), ("b", "")]);
		let path = |name| folder.as_path().join(name);
		let mut tail = Spliced::default();
		tail.push(b"end".to_vec());
		let mut spliced = Spliced::default();
		spliced.push(b"begin".to_vec());
		spliced.push_file(&path("b"), 0, 0);
		spliced.push_file(&path("a"), 2, 5);
		spliced.push(Vec::new());
		spliced.append(tail);
		let whole = b"begin23456end";
		assert_eq!(spliced.len(), whole.len() as u64);
		for from in 0..=whole.len() {
			for to in from..=whole.len() {
				let mut buf = vec![0; to - from];
				spliced.read_at(from as u64, &mut buf).unwrap();
				assert_eq!(buf, whole[from..to], "{from}..{to}");
			}
		}
		assert_eq!(spliced.read_at(13, &mut [0]), Err(EngineError::ReadFailed));
		assert_eq!(spliced.read_at(u64::MAX, &mut [0]), Err(EngineError::ReadFailed));
		fs::write(path("a"), "0123").unwrap();
		assert_eq!(spliced.read_at(0, &mut [0; 13]), Err(EngineError::ReadFailed));
	}
}
