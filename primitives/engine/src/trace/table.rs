//! The first step: where the tensors are in the file, written to memory.

use super::{
	layout::{narrow, span},
	machine::{Machine, Stop, DTYPES, ENTRY},
	program::Cost,
	tree::PAGE,
	witness::MAX_PAGES,
};
use crate::{
	architecture::{
		asked::{Asked, Kind},
		bert, cnn, llama,
	},
	artifact::{Source, Tensors, MAX_HEADER_LEN},
	Architecture, ArtifactFault, EngineError,
};
use alloc::vec::Vec;
use safetensors::Dtype;

/// Bytes in front of the header that say how long it is.
const LEN_SIZE: u64 = 8;

/// What reading a byte of a header costs, in units of work.
const WORK: u64 = 32;

/// Longest header of a file whose runs have a trace: all of it is one step's.
const MAX_TRACED_HEADER_LEN: u32 = 384 * 1024;

/// Longest header of a file for `architecture`.
pub(super) fn max_header_len(architecture: &Architecture) -> u32 {
	match architecture {
		Architecture::Mlp(_) => MAX_HEADER_LEN,
		// A long table leaves fewer of the step's pages.
		_ => MAX_PAGES
			.saturating_sub(span(len(count(architecture))))
			.saturating_sub(3)
			.saturating_mul(PAGE as u32)
			.min(MAX_TRACED_HEADER_LEN),
	}
}

/// Bytes of the table of so many tensors.
pub(super) fn len(tensors: u32) -> u64 {
	u64::from(tensors).saturating_mul(ENTRY)
}

/// What reading the header and writing the table costs at most.
pub(super) fn cost(architecture: &Architecture, tensors: u32) -> Cost {
	let header = LEN_SIZE.saturating_add(max_header_len(architecture).into());
	let pages = span(header).saturating_add(span(len(tensors)));
	let work = header.saturating_add(len(tensors)).saturating_mul(WORK);
	Cost { pages, work }
}

/// The tensors that a model of `architecture` has, in the table's order.
pub(super) fn asked(architecture: &Architecture) -> Vec<Asked> {
	match architecture {
		Architecture::Mlp(config) => config
			.specs()
			.into_iter()
			.map(|spec| Asked { name: spec.name, kind: Kind::Floats, shape: spec.shape })
			.collect(),
		Architecture::Llama(config) => llama::asked(config),
		Architecture::Bert(config) => bert::asked(config),
		Architecture::Cnn(config) => cnn::asked(config),
	}
}

/// Reads the header, refuses what the loader refuses in it, and writes the table to `at`.
pub(super) fn run(
	machine: &mut Machine<'_>,
	architecture: &Architecture,
	at: u64,
) -> Result<(), Stop> {
	let file_len = machine.weights_len();
	let head = machine.weights(0, LEN_SIZE)?;
	let len = head.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
	if len > max_header_len(architecture).into() {
		return Err(Stop::Fault);
	}
	let header = machine.weights(LEN_SIZE, len)?;
	let file = Head { bytes: [head, header].concat(), len: file_len };
	let places = places(architecture, &file).map_err(|_| Stop::Fault)?;
	let mut bytes = Vec::with_capacity(places.len().saturating_mul(ENTRY as usize));
	for (start, dtype) in places {
		let number = DTYPES.iter().find(|(_, of)| *of == dtype).ok_or(Stop::Fault)?.0;
		bytes.extend_from_slice(&start.to_le_bytes());
		bytes.extend_from_slice(&u64::from(number).to_le_bytes());
	}
	machine.write(at, &bytes)
}

/// Refuses an artifact whose runs have no trace: its header is longer than a step reads, or it is
/// not this architecture's.
pub fn check(architecture: &Architecture, artifact: &[u8]) -> Result<(), EngineError> {
	check_from(architecture, &artifact)
}

/// [`check`] of an artifact that is read piece by piece.
pub fn check_from(architecture: &Architecture, artifact: &dyn Source) -> Result<(), EngineError> {
	architecture.validate()?;
	let mut head = [0; LEN_SIZE as usize];
	if artifact.len() >= LEN_SIZE {
		artifact.read_at(0, &mut head)?;
	}
	let len = u64::from_le_bytes(head);
	let most = max_header_len(architecture);
	if len > most.into() {
		return Err(ArtifactFault::HeaderTooLong { got: len, most }.into());
	}
	places(architecture, artifact).map(|_| ())
}

/// Where each tensor's data begins in the file, and what it is.
fn places(
	architecture: &Architecture,
	file: &dyn Source,
) -> Result<Vec<(u64, Dtype)>, EngineError> {
	let tensors = Tensors::open(&[file])?;
	let asked = match architecture {
		Architecture::Bert(config) => bert::asked_in(config, &tensors),
		_ => asked(architecture),
	};
	match architecture {
		Architecture::Mlp(_) => {
			for Asked { name, shape, .. } in &asked {
				tensors.expect(name, &[Dtype::F32], shape)?;
			}
			tensors.finish(|_| false)?;
		},
		_ => architecture.expect(&tensors)?,
	}
	let place = |asked: &Asked| tensors.place(&asked.name).ok_or(EngineError::Backend);
	asked.iter().map(place).collect()
}

/// The beginning of a file that has `len` bytes.
struct Head {
	bytes: Vec<u8>,
	len: u64,
}

impl Source for Head {
	fn len(&self) -> u64 {
		self.len
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		(&self.bytes[..]).read_at(offset, buf)
	}
}

/// How many tensors a model of `architecture` has. Layers that are alike are counted once: this is
/// asked in each move of a dispute.
pub(super) fn count(architecture: &Architecture) -> u32 {
	let of_layers = |layers: u32, asked: &dyn Fn(u32) -> Vec<Asked>| {
		let [none, one] = [0, 1].map(|layers| asked(layers).len() as u64);
		none.saturating_add(one.saturating_sub(none).saturating_mul(layers.into()))
	};
	narrow(match architecture {
		Architecture::Llama(config) => of_layers(config.layers, &|layers| {
			llama::asked(&llama::Config { layers, ..config.clone() })
		}),
		Architecture::Bert(config) => of_layers(config.layers, &|layers| {
			bert::asked(&bert::Config { layers, ..config.clone() })
		}),
		Architecture::Mlp(_) | Architecture::Cnn(_) => asked(architecture).len() as u64,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{architecture::Class, golden::random::Random};

	#[test]
	fn count_should_be_that_of_all_tensors() {
		let mut random = Random::new(1);
		for class in [Class::F32, Class::Q8].repeat(16) {
			let all = [
				random.mlp(),
				Architecture::Llama(random.llama(class)),
				Architecture::Bert(random.bert(class)),
				Architecture::Cnn(random.cnn(class)),
			];
			for architecture in all {
				assert_eq!(count(&architecture) as usize, asked(&architecture).len());
			}
		}
	}
}
