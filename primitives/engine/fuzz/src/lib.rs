//! What the targets share: bytes that say what to do, models and runs to do it to, and a limit of memory.

pub mod attempts;
pub mod files;
pub mod memory;
pub mod reader;
pub mod runs;
pub mod subjects;

pub use reader::Reader;
pub use subjects::{subject, Subject};

use dodona_engine::Architecture;

/// Whether `output` is one that `architecture` may give.
pub fn is_sound(architecture: &Architecture, output: &[u8]) -> bool {
	let mut words = output.as_chunks::<4>().0.iter();
	architecture.check_output_len(output.len() as u32)
		&& match architecture {
			Architecture::Llama(config) => {
				words.all(|token| u32::from_le_bytes(*token) < config.vocab)
			},
			_ => words.all(|value| f32::from_le_bytes(*value).is_finite()),
		}
}
