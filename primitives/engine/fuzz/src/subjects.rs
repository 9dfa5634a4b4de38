//! Models to do harm to.

use dodona_engine::{
	golden::{self, random::Random},
	Architecture, Class,
};
use std::sync::LazyLock;

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

/// All of them.
pub fn all() -> &'static [Subject] {
	&SUBJECTS
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
