//! Configurations: as the chain has them, and as Hugging Face writes them.
#![no_main]

use codec::{Decode, DecodeAll, Encode, MaxEncodedLen};
use dodona_engine::{golden, huggingface::Files, Architecture, Class, EngineError, Model};
use dodona_engine_fuzz::{is_sound, memory::within, subject, Reader};
use libfuzzer_sys::fuzz_target;

/// Multiply-accumulates, and parameters, of models that are run.
const SMALL: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	within(32 << 20, || match reader.byte() % 3 {
		0 => encoded(reader.rest()),
		1 => {
			let mut bytes = subject(reader.byte()).architecture.encode();
			for _ in 0..reader.byte() % 8 {
				let at = reader.below(bytes.len());
				bytes.iter_mut().skip(at).zip(reader.some()).for_each(|(at, byte)| *at = *byte);
			}
			encoded(&bytes);
		},
		_ => folder(&mut reader),
	});
});

fn encoded(mut bytes: &[u8]) {
	let all = bytes;
	let Ok(architecture) = Architecture::decode(&mut bytes) else { return };
	let used = &all[..all.len() - bytes.len()];
	assert!(used.len() <= Architecture::max_encoded_len());
	assert_eq!(Architecture::decode_all(&mut &architecture.encode()[..]), Ok(architecture.clone()));
	check(&architecture, bytes);
}

/// `input` is any.
fn check(architecture: &Architecture, input: &[u8]) {
	// A configuration that is not valid may be asked anything, too.
	let parameters = architecture.parameters();
	let sizes = [
		u64::from(architecture.input_len()),
		architecture.output_len().into(),
		architecture.least_artifact_len(),
	];
	let accepted = architecture.check_input(input);
	let (work, longest) = (architecture.work(input), architecture.max_output_len(input));
	let valid = architecture.validate();
	if let Err(error) = valid {
		assert!(matches!(error, EngineError::InvalidConfig(_)), "{error}");
		let _ = error.to_string();
		return;
	}
	// A llama with one position has no room for a token and an answer.
	let has_room =
		!matches!(architecture, Architecture::Llama(config) if config.max_positions == 1);
	assert!(!has_room || !sizes.contains(&0), "{sizes:?}");
	assert!(longest <= architecture.output_len());
	if accepted.is_ok() {
		assert!(work > 0 && longest > 0);
		assert!(input.len() <= architecture.input_len() as usize);
	}
	if let Ok(other) = architecture.to_class(Class::Q8) {
		assert_eq!(other.class(), Class::Q8);
		assert_eq!(other.validate(), Ok(()));
	}

	let input = golden::input(architecture, 1);
	let accepted = architecture.check_input(&input).is_ok();
	if parameters < SMALL && accepted && architecture.work(&input) < SMALL {
		let artifact = golden::artifact(architecture, 1, 1.0).unwrap();
		assert!(artifact.len() as u64 >= architecture.least_artifact_len());
		match Model::load(architecture, &artifact).unwrap().run(&input) {
			Ok(output) => assert!(is_sound(architecture, &output)),
			Err(error) => assert!(matches!(error, EngineError::NonFiniteResult { .. }), "{error}"),
		}
	}
}

/// Up to four files, which a zero byte ends.
fn folder(reader: &mut Reader<'_>) {
	let mut files = reader.rest().splitn(4, |byte| *byte == 0);
	let files = Files {
		config: files.next().unwrap_or_default(),
		generation: files.next(),
		modules: files.next(),
		pooling: files.next(),
	};
	match files.architecture() {
		Ok(architecture) => {
			assert_eq!(architecture.validate(), Ok(()));
			encoded(&architecture.encode());
		},
		Err(error) => assert!(error.to_string().len() < 4096),
	}
}
