//! Files of weights: any bytes, and files that are nearly sound, of every architecture and class.
#![no_main]

use codec::Decode;
use dodona_engine::{
	artifact::{Source, Tensors},
	quantize::quantize,
	Architecture, Class, EngineError, Model,
};
use dodona_engine_fuzz::{files::damaged, is_sound, memory::within, subject, Reader};
use libfuzzer_sys::fuzz_target;

/// The most of a file's length that loading it takes, and what it takes of any.
const TIMES: usize = 12;
const BESIDES: usize = 6 << 20;

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	let subject = subject(reader.byte());
	let how = reader.byte();
	let files = match how % 4 {
		0 => vec![reader.rest().to_vec()],
		_ => damaged(&subject.artifact, &mut reader),
	};
	// Now and then a model that is not the file's, of any size.
	let architecture = match how / 64 {
		3 => Architecture::decode(&mut reader.rest()).unwrap_or(subject.architecture.clone()),
		_ => subject.architecture.clone(),
	};
	let len: usize = files.iter().map(Vec::len).sum();
	within(len * TIMES + BESIDES, || check(&architecture, &files, &subject.input));
});

fn check(architecture: &Architecture, files: &[Vec<u8>], input: &[u8]) {
	let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
	let sources: Vec<&dyn Source> = slices.iter().map(|slice| slice as &dyn Source).collect();
	let loaded = Model::load_from(architecture, &sources);
	if let [file] = &slices[..] {
		let in_memory = Model::load(architecture, file);
		assert_eq!(in_memory.as_ref().err(), loaded.as_ref().err());
	}
	let model = match loaded {
		Ok(model) => model,
		Err(error) => return assert!(is_of_a_file(&error), "{error}"),
	};
	run(&model, input);

	if architecture.class() == Class::F32 && !matches!(architecture, Architecture::Mlp(_)) {
		let tensors = Tensors::open(&sources).unwrap();
		let mut file = Vec::new();
		let quantized = quantize(architecture, &tensors, &mut |bytes| {
			file.extend_from_slice(bytes);
			Ok(())
		});
		run(&Model::load(&quantized.unwrap(), &file).unwrap(), input);
	}
}

fn run(model: &Model, input: &[u8]) {
	match model.run(input) {
		Ok(output) => assert!(is_sound(model.architecture(), &output)),
		Err(error) => assert!(
			matches!(
				error,
				EngineError::NonFiniteResult { .. }
					| EngineError::InvalidInput(_)
					| EngineError::WrongInputLength { .. }
			),
			"{error}"
		),
	}
}

/// Whether a file can be at fault for it: not the host, and not the engine.
fn is_of_a_file(error: &EngineError) -> bool {
	use EngineError::*;
	!matches!(
		error,
		Backend
			| ReadFailed
			| OutOfMemory
			| InvalidState
			| SelfTestFailed { .. }
			| NonFiniteResult { .. }
	)
}
