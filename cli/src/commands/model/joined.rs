//! Several safetensors files as one: an artifact on the chain is one file.

use dodona_engine::{artifact::File, EngineError, Source, Tensors};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes in front of a header that say how long it is.
const LEN_SIZE: u64 = 8;

/// The tensors of several files in one, without a copy of them: a header of its own, and the data
/// of one file after that of the other.
pub struct Joined {
	/// With its length in front.
	header: Vec<u8>,
	parts: Vec<Part>,
	len: u64,
}

/// The data of a file.
struct Part {
	file: File,
	/// Where it is in the file.
	from: u64,
	/// Where it is in all together.
	start: u64,
	len: u64,
}

#[derive(Deserialize)]
struct Entry {
	dtype: String,
	shape: Vec<u64>,
	data_offsets: (u64, u64),
}

impl Joined {
	/// Joins `files`, whose order decides that of the tensors.
	pub fn of(files: Vec<File>) -> Result<Self, EngineError> {
		// Refuses what is unsound, or has one tensor twice: below that can't be any more.
		Tensors::open(&files.iter().map(|file| file as &dyn Source).collect::<Vec<_>>())?;
		let mut tensors = Vec::new();
		let mut parts = Vec::new();
		let mut start = 0;
		for file in files {
			let (header, from) = read_header(&file)?;
			let len = file.len() - from;
			for (name, value) in header {
				if name == "__metadata__" {
					continue;
				}
				let mut entry = Entry::deserialize(value).map_err(|_| EngineError::ReadFailed)?;
				let (first, end) = entry.data_offsets;
				entry.data_offsets = (first.saturating_add(start), end.saturating_add(start));
				tensors.push((name, entry));
			}
			parts.push(Part { file, from, start, len });
			start += len;
		}
		tensors
			.sort_by(|(a, left), (b, right)| (left.data_offsets, a).cmp(&(right.data_offsets, b)));
		let header = header(&tensors);
		let before = header.len() as u64;
		parts.iter_mut().for_each(|part| part.start += before);
		Ok(Self { header, parts, len: before + start })
	}

	/// For each file, in their order, where its data begin in it, where they are in all together,
	/// and how many they are.
	pub fn layout(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
		self.parts.iter().map(|part| (part.from, part.start, part.len))
	}
}

/// The header of `file`, and where its data begins.
fn read_header(file: &File) -> Result<(Map<String, Value>, u64), EngineError> {
	let mut len = [0; LEN_SIZE as usize];
	file.read_at(0, &mut len)?;
	let len = u64::from_le_bytes(len);
	// The file was sound a moment ago; it may have changed since.
	let data = len.checked_add(LEN_SIZE).filter(|data| *data <= file.len());
	let data = data.ok_or(EngineError::ReadFailed)?;
	let mut header = vec![0; usize::try_from(len).map_err(|_| EngineError::ReadFailed)?];
	file.read_at(LEN_SIZE, &mut header)?;
	let header = serde_json::from_slice(&header).map_err(|_| EngineError::ReadFailed)?;
	Ok((header, data))
}

fn header(tensors: &[(String, Entry)]) -> Vec<u8> {
	let mut text = r#"{"__metadata__":{"format":"pt"}"#.to_owned();
	for (name, Entry { dtype, shape, data_offsets }) in tensors {
		let (name, dtype) = (Value::from(name.as_str()), Value::from(dtype.as_str()));
		let (start, end) = data_offsets;
		text.push_str(&format!(
			r#",{name}:{{"dtype":{dtype},"shape":{shape:?},"data_offsets":[{start},{end}]}}"#
		));
	}
	text.push('}');
	while !text.len().is_multiple_of(LEN_SIZE as usize) {
		text.push(' ');
	}
	[&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Source for Joined {
	fn len(&self) -> u64 {
		self.len
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		let end = offset.checked_add(buf.len() as u64).filter(|end| *end <= self.len);
		let end = end.ok_or(EngineError::ReadFailed)?;
		let mut rest = buf;
		if let Some(header) = self.header.get(usize::try_from(offset).unwrap_or(usize::MAX)..) {
			let (now, later) = rest.split_at_mut(header.len().min(rest.len()));
			now.copy_from_slice(&header[..now.len()]);
			rest = later;
		}
		for part in &self.parts {
			if rest.is_empty() {
				break;
			}
			let at = end - rest.len() as u64;
			if let Some(left) = (part.start + part.len).checked_sub(at) {
				let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
				let (now, later) = rest.split_at_mut(most);
				part.file.read_at(part.from + (at - part.start), now)?;
				rest = later;
			}
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{folder, temporary};
	use dodona_engine::{
		architecture::llama::{Logits, Scratch, Sequence},
		Architecture, Model,
	};
	use std::fs;

	/// All bytes of `source`, read `step` at a time.
	fn bytes(source: &dyn Source, step: usize) -> Vec<u8> {
		let mut bytes = vec![0; source.len() as usize];
		for (number, piece) in bytes.chunks_mut(step).enumerate() {
			source.read_at((number * step) as u64, piece).unwrap();
		}
		bytes
	}

	fn joined(folder: &temporary::Folder) -> Result<Joined, EngineError> {
		Joined::of(folder::open(&folder::weights(folder.as_path()).unwrap()).unwrap())
	}

	#[test]
	fn joined_files_should_be_the_same_model_as_they_are() {
		let folder = temporary::Folder::llama("join");
		let answer = |architecture: &Architecture, source: &dyn Source| {
			let model = Model::load_from(architecture, &[source]).unwrap();
			let mut cache = model.llama().unwrap().cache();
			let tokens = [3, 1, 4];
			let mut batch = [Sequence::new(&mut cache, &tokens, Logits::Last)];
			let mut row = Vec::new();
			let sink = &mut |_: usize, _: u32, logits: &mut [f32]| row.extend_from_slice(logits);
			model.llama().unwrap().forward(&mut batch, &mut Scratch::default(), sink);
			row
		};
		let opened = folder::Folder::open(folder.as_path()).unwrap();
		let architecture = opened.architecture.clone();
		let whole = answer(&architecture, opened.sources()[0]);
		assert_eq!(whole.len(), 260);
		folder.split(3);
		let joined = joined(&folder).unwrap();
		assert_eq!(joined.parts.len(), 3);
		assert_eq!(answer(&architecture, &joined), whole);
	}

	#[test]
	fn joined_file_should_be_the_same_however_it_is_read() {
		let folder = temporary::Folder::llama("read");
		let size = fs::metadata(folder.as_path().join(folder::WEIGHTS)).unwrap().len();
		folder.split(4);
		let joined = joined(&folder).unwrap();
		let whole = bytes(&joined, usize::MAX);
		assert!(whole.len().abs_diff(size as usize) < 64, "{} of {size}", whole.len());
		for step in [1, 7, 4096, joined.header.len(), joined.header.len() + 1] {
			assert!(bytes(&joined, step) == whole, "{step}");
		}
		assert_eq!(joined.read_at(joined.len, &mut [0]), Err(EngineError::ReadFailed));
		assert_eq!(joined.read_at(u64::MAX, &mut [0]), Err(EngineError::ReadFailed));
		assert_eq!(joined.read_at(joined.len, &mut []), Ok(()));
	}

	#[test]
	fn files_should_be_refused_when_two_have_the_same_tensor() {
		let folder = temporary::Folder::llama("twice");
		let path = folder.as_path().join(folder::WEIGHTS);
		fs::copy(&path, folder.as_path().join("a.safetensors")).unwrap();
		fs::rename(&path, folder.as_path().join("b.safetensors")).unwrap();
		assert!(matches!(joined(&folder).err(), Some(EngineError::DuplicateTensor { .. })));
	}

	#[test]
	fn files_should_be_refused_when_one_is_cut_off() {
		let folder = temporary::Folder::llama("cut-off");
		folder.split(2);
		let path = folder.as_path().join("1.safetensors");
		let bytes = fs::read(&path).unwrap();
		fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
		assert!(matches!(joined(&folder).err(), Some(EngineError::MalformedArtifact(_))));
	}
}
