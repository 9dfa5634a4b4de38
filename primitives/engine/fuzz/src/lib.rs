//! What the targets share: bytes that say what to do, models to do it to, and a limit of memory.

pub mod files;
pub mod memory;

use dodona_engine::{
	golden::{self, random::Random},
	Architecture, Class,
};
use std::sync::LazyLock;

/// The fuzzer's bytes, one after the other; zeros behind their end.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
	pub fn new(bytes: &'a [u8]) -> Self {
		Self(bytes)
	}

	pub fn is_empty(&self) -> bool {
		self.0.is_empty()
	}

	pub fn byte(&mut self) -> u8 {
		let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
		self.0 = rest;
		*first
	}

	pub fn u16(&mut self) -> u16 {
		u16::from_le_bytes([self.byte(), self.byte()])
	}

	pub fn u32(&mut self) -> u32 {
		u32::from(self.u16()) | u32::from(self.u16()) << 16
	}

	/// A number below `bound`, or 0.
	pub fn below(&mut self, bound: usize) -> usize {
		usize::from(self.u16()) % bound.max(1)
	}

	/// As many bytes as the next one says.
	pub fn some(&mut self) -> &'a [u8] {
		let len = usize::from(self.byte()).min(self.0.len());
		let (some, rest) = self.0.split_at(len);
		self.0 = rest;
		some
	}

	pub fn rest(&mut self) -> &'a [u8] {
		std::mem::take(&mut self.0)
	}

	/// One of the numbers that code gets wrong, or any.
	pub fn number(&mut self) -> u64 {
		const EVIL: [u64; 24] = [
			0,
			1,
			2,
			3,
			4,
			8,
			127,
			1 << 16,
			(1 << 31) - 1,
			1 << 31,
			(1 << 32) - 1,
			1 << 32,
			(1 << 32) + 4,
			1 << 53,
			1 << 60,
			1 << 61,
			1 << 62,
			(1 << 62) + 1,
			(1 << 63) - 1,
			1 << 63,
			u64::MAX - 8,
			u64::MAX - 7,
			u64::MAX - 1,
			u64::MAX,
		];
		let choice = usize::from(self.byte());
		EVIL.get(choice).copied().unwrap_or_else(|| self.u16().into())
	}
}

/// A model, its weights and an input.
pub struct Subject {
	pub architecture: Architecture,
	pub artifact: Vec<u8>,
	pub input: Vec<u8>,
}

/// The subject that `choice` stands for.
pub fn subject(choice: u8) -> &'static Subject {
	&SUBJECTS[usize::from(choice) % SUBJECTS.len()]
}

/// The golden models of each architecture and class, and some of random shapes.
static SUBJECTS: LazyLock<Vec<Subject>> = LazyLock::new(|| {
	let mut random = Random::new(7);
	let mut architectures = vec![golden::mlp(&[2, 1]), golden::mlp(&[5, 4, 3])];
	for class in [Class::F32, Class::Q8] {
		let llamas =
			(0..3).map(|variant| Architecture::Llama(golden::llama::config(class, variant)));
		architectures.extend(llamas);
		for variant in 0..2 {
			architectures.push(golden::networks::bert(class, variant));
			architectures.push(golden::networks::cnn(class, variant));
		}
		architectures.push(Architecture::Llama(random.llama(class)));
		architectures.push(Architecture::Bert(random.bert(class)));
		architectures.push(Architecture::Cnn(random.cnn(class)));
	}
	let with_weights = |architecture: Architecture| Subject {
		artifact: golden::artifact(&architecture, 3, 1.0).unwrap(),
		input: golden::input(&architecture, 3),
		architecture,
	};
	architectures.into_iter().map(with_weights).collect()
});

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
