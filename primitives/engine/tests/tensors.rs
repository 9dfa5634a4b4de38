//! Artifacts of several files, of several types, and those that were made to do harm.

mod common;

use common::{file, floats, raw};
use dodona_engine::{
	architecture::llama,
	artifact::{Source, Tensors, MAX_LARGE_HEADER_LEN, MAX_NAME_LEN, MAX_SOURCES},
	golden, Architecture, ArtifactFault, Class, EngineError, Model,
};
use proptest::prelude::*;
use safetensors::Dtype;
use std::cell::Cell;

fn open(file: &[u8]) -> Option<EngineError> {
	Tensors::open(&[&file]).err()
}

fn entry(name: &str, dtype: &str, shape: &str, offsets: (u64, u64)) -> String {
	let (start, end) = offsets;
	format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

fn malformed(fault: ArtifactFault) -> Option<EngineError> {
	Some(EngineError::MalformedArtifact(fault))
}

/// A source that counts what is read of it.
struct Counting<'a> {
	bytes: &'a [u8],
	read: Cell<u64>,
	largest: Cell<usize>,
	/// Reads behind this fail.
	sound: u64,
}

impl<'a> Counting<'a> {
	fn new(bytes: &'a [u8]) -> Self {
		Self { bytes, read: Cell::new(0), largest: Cell::new(0), sound: u64::MAX }
	}
}

impl Source for Counting<'_> {
	fn len(&self) -> u64 {
		self.bytes.len() as u64
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		if offset + buf.len() as u64 > self.sound {
			return Err(EngineError::ReadFailed);
		}
		self.read.set(self.read.get() + buf.len() as u64);
		self.largest.set(self.largest.get().max(buf.len()));
		self.bytes.read_at(offset, buf)
	}
}

#[test]
fn tensors_should_be_found_in_all_files() {
	let first = file(&[floats("a", &[2, 2], &[1.0, 2.0, 3.0, 4.0]), floats("b", &[1], &[5.0])]);
	let second = file(&[floats("c", &[3], &[6.0, 7.0, 8.0])]);
	let (first, second) = (&first[..], &second[..]);
	let tensors = Tensors::open(&[&first, &second]).unwrap();
	assert_eq!(tensors.names().collect::<Vec<_>>(), ["a", "b", "c"]);
	assert!(tensors.has("c") && !tensors.has("d"));
	assert_eq!(tensors.shape("a"), Some(&[2, 2][..]));
	assert_eq!(tensors.dtype("a"), Some(Dtype::F32));
	assert_eq!(tensors.vector("c", 3), Ok(vec![6.0, 7.0, 8.0]));
	let mut rows = Vec::new();
	tensors
		.for_each_row("a", &[2, 2], |row| {
			rows.push(row.to_vec());
			Ok(())
		})
		.unwrap();
	assert_eq!(rows, [[1.0, 2.0], [3.0, 4.0]]);

	let unexpected = |name: &str| Err(EngineError::UnexpectedTensor { tensor: name.into() });
	assert_eq!(tensors.finish(|_| false), unexpected("b"));
	assert_eq!(tensors.finish(|name| name == "b"), Ok(()));
	assert_eq!(tensors.vector("b", 1), Ok(vec![5.0]));
	assert_eq!(tensors.finish(|_| false), Ok(()));
	assert_eq!(tensors.vector("d", 1), Err(EngineError::MissingTensor { tensor: "d".into() }));
}

#[test]
fn tensors_should_be_refused_when_a_name_is_in_two_files() {
	let first = file(&[floats("a", &[1], &[1.0])]);
	let second = file(&[floats("b", &[1], &[1.0]), floats("a", &[1], &[1.0])]);
	let (first, second) = (&first[..], &second[..]);
	assert_eq!(
		Tensors::open(&[&first, &second]).err(),
		Some(EngineError::DuplicateTensor { tensor: "a".into() })
	);
	let twice = [entry("a", "F32", "[1]", (0, 4)), entry("a", "F32", "[1]", (4, 8))].join(",");
	assert_eq!(
		open(&raw(&format!("{{{twice}}}"), 8)),
		Some(EngineError::DuplicateTensor { tensor: "a".into() })
	);
}

#[test]
fn tensors_should_be_refused_when_there_are_too_many_files() {
	let one = file(&[]);
	let one = &one[..];
	let sources: Vec<&dyn Source> = vec![&one; MAX_SOURCES + 1];
	let most = MAX_SOURCES as u32;
	assert_eq!(Tensors::open(&sources).err(), malformed(ArtifactFault::TooManyFiles { most }));
	assert!(Tensors::open(&sources[1..]).is_ok());
}

#[test]
fn halves_should_be_read_as_the_floats_that_they_are() {
	// Every value of 16 bits, against the definition in binary64.
	let f16 = |bits: u16| {
		let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
		let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
		match exponent {
			0 => sign * mantissa * 2f64.powi(-24),
			_ => sign * (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
		}
	};
	let bf16 = |bits: u16| f64::from(f32::from_bits(u32::from(bits) << 16));
	let cases: [(Dtype, u16, &dyn Fn(u16) -> f64); 2] =
		[(Dtype::F16, 0x7c00, &f16), (Dtype::BF16, 0x7f80, &bf16)];
	for (dtype, infinity, value) in cases {
		let finite: Vec<u16> = (0..=u16::MAX).filter(|bits| bits & infinity != infinity).collect();
		let bytes: Vec<u8> = finite.iter().flat_map(|bits| bits.to_le_bytes()).collect();
		let file = file(&[("a".into(), dtype, vec![finite.len()], bytes)]);
		let file = &file[..];
		let got = Tensors::open(&[&file]).unwrap().vector("a", finite.len() as u32).unwrap();
		for (bits, got) in finite.iter().zip(got) {
			assert_eq!(f64::from(got).to_bits(), value(*bits).to_bits(), "{dtype:?} {bits:#x}");
		}
		for bits in [infinity, infinity | 0x8000, infinity | 1, 0x7fff, 0xffff] {
			let bytes = [0u16, bits].iter().flat_map(|bits| bits.to_le_bytes()).collect();
			let file = common::file(&[("a".into(), dtype, vec![2], bytes)]);
			let file = &file[..];
			let refused = EngineError::NonFiniteWeight { tensor: "a".into(), at: 1 };
			assert_eq!(Tensors::open(&[&file]).unwrap().vector("a", 2), Err(refused));
		}
	}
}

#[test]
fn bytes_should_be_read_with_their_sign() {
	let bytes: Vec<u8> = (0..=255).collect();
	let file = file(&[("a".into(), Dtype::I8, vec![2, 128], bytes)]);
	let file = &file[..];
	let tensors = Tensors::open(&[&file]).unwrap();
	let mut rows: Vec<Vec<i8>> = Vec::new();
	let read = tensors.for_each_row_i8("a", &[2, 128], |row| {
		rows.push(row.to_vec());
		Ok(())
	});
	assert_eq!(read, Ok(()));
	assert_eq!(rows, [(0..=127).collect::<Vec<i8>>(), (-128..=-1).collect()]);
	let wrong = Err(EngineError::WrongDtype { tensor: "a".into() });
	assert_eq!(tensors.for_each_row("a", &[2, 128], |_| Ok(())), wrong);
}

#[test]
fn rows_should_be_read_in_pieces_that_do_not_depend_on_the_tensor() {
	let values: Vec<f32> = (0..300_000).map(|value| value as f32).collect();
	for shape in [[300_000, 1], [1_000, 300], [3, 100_000]] {
		let file = file(&[floats("a", &shape, &values)]);
		let source = Counting::new(&file);
		let tensors = Tensors::open(&[&source]).unwrap();
		let mut got = Vec::new();
		let rows = shape.map(|size| size as u32);
		tensors
			.for_each_row("a", &rows, |row| {
				assert_eq!(row.len(), shape[1]);
				got.extend_from_slice(row);
				Ok(())
			})
			.unwrap();
		assert_eq!(got, values);
		assert_eq!(source.read.get(), file.len() as u64);
		assert!(source.largest.get() <= (256 * 1024).max(shape[1] * 4));
	}
}

#[test]
fn file_should_be_refused_when_its_header_lies() {
	let one =
		|dtype: &str, shape: &str, offsets| format!("{{{}}}", entry("a", dtype, shape, offsets));
	let refused =
		|header: &str, fault| assert_eq!(open(&raw(header, 8)), malformed(fault), "{header}");
	let sound = one("F32", "[2]", (0, 8));
	assert_eq!(open(&raw(&sound, 8)), None);
	assert_eq!(open(&[]), malformed(ArtifactFault::TooShort));
	assert_eq!(open(&raw(&sound, 8)[..40]), malformed(ArtifactFault::HeaderCutOff));
	assert_eq!(open(&raw(&sound, 7)), malformed(ArtifactFault::OutOfBounds));
	assert_eq!(open(&raw(&sound, 9)), malformed(ArtifactFault::TrailingBytes));
	assert_eq!(open(&raw("{}", 0)), None);
	assert_eq!(open(&raw("{}", 1)), malformed(ArtifactFault::TrailingBytes));
	for got in [u64::from(MAX_LARGE_HEADER_LEN) + 1, u64::MAX] {
		let mut bytes = raw(&sound, 8);
		bytes[..8].copy_from_slice(&got.to_le_bytes());
		let most = MAX_LARGE_HEADER_LEN;
		assert_eq!(open(&bytes), malformed(ArtifactFault::HeaderTooLong { got, most }));
	}
	// More than there are bytes, in sizes and in offsets.
	let huge = [(1u64 << 60).to_string(), u64::MAX.to_string(), (1u64 << 62).to_string()];
	for size in &huge {
		for shape in [format!("[{size}]"), format!("[{size},{size}]"), format!("[{size},0]")] {
			let overflow = shape.ends_with(",0]") && size == &huge[0];
			let fault = open(&raw(&one("F32", &shape, (0, 8)), 8));
			assert_eq!(fault, malformed(ArtifactFault::InconsistentOffsets), "{shape} {overflow}");
		}
	}
	for offsets in [(0, 9), (0, u64::MAX), (u64::MAX, u64::MAX), (9, 9), (u64::MAX, 0)] {
		refused(&one("F32", "[2]", offsets), ArtifactFault::OutOfBounds);
	}
	for (dtype, shape, offsets) in [
		("F32", "[2]", (8, 0)),
		("F32", "[2]", (0, 4)),
		("F32", "[1]", (4, 8)),
		("F32", "[3]", (0, 8)),
		("F16", "[2]", (0, 8)),
		("F32", "[]", (0, 8)),
		("F32", "[0]", (0, 8)),
		("F4", "[3]", (0, 8)),
		("F32", "[1]", (2, 6)),
	] {
		refused(&one(dtype, shape, offsets), ArtifactFault::InconsistentOffsets);
	}
	let two = |first, second| {
		let entries = [entry("a", "F32", "[1]", first), entry("b", "F32", "[1]", second)];
		open(&raw(&format!("{{{}}}", entries.join(",")), 8))
	};
	assert_eq!(two((0, 4), (4, 8)), None);
	assert_eq!(two((4, 8), (0, 4)), None);
	for (first, second) in [((0, 4), (0, 4)), ((0, 4), (2, 6)), ((4, 8), (4, 8))] {
		assert_eq!(two(first, second), malformed(ArtifactFault::InconsistentOffsets));
	}
	for header in ["", "[]", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":{},\"__metadata__\":{}}"]
	{
		assert!(open(&raw(header, 0)).is_some(), "{header}");
	}
	refused(&one("F32", "[1,1,1,1,2]", (0, 8)), ArtifactFault::InvalidHeader);
}

#[test]
fn file_should_be_refused_when_a_name_is_too_long() {
	let named = |len| {
		let name = "n".repeat(len);
		open(&raw(&format!("{{{}}}", entry(&name, "U8", "[0]", (0, 0))), 0))
	};
	assert_eq!(named(MAX_NAME_LEN), None);
	let cut = "n".repeat(64);
	let refused = EngineError::UnexpectedTensor { tensor: cut.as_str().into() };
	assert_eq!(named(MAX_NAME_LEN + 1), Some(refused));
}

#[test]
fn empty_tensors_should_be_read_as_such() {
	let header = [
		entry("none", "F32", "[0]", (0, 0)),
		entry("a", "F32", "[1]", (0, 4)),
		entry("wide", "F32", "[0,7]", (4, 4)),
	];
	let file = raw(&format!("{{{}}}", header.join(",")), 4);
	let file = &file[..];
	let tensors = Tensors::open(&[&file]).unwrap();
	assert_eq!(tensors.vector("none", 0), Ok(vec![]));
	assert_eq!(tensors.vector("a", 1), Ok(vec![0.0]));
	assert_eq!(tensors.for_each_row("wide", &[0, 7], |_| unreachable!()), Ok(()));
}

#[test]
fn model_should_be_refused_before_its_weights_are_read_when_a_tensor_is_wrong() {
	let architecture = Architecture::Llama(golden::llama::config(Class::F32, 2));
	let bytes = golden::artifact(&architecture, 1, 1.0).unwrap();
	let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap());
	let whole = Counting::new(&bytes);
	assert!(Model::load_from(&architecture, &[&whole]).is_ok());
	assert_eq!(whole.read.get(), bytes.len() as u64);

	let Architecture::Llama(config) = &architecture else { unreachable!() };
	let wrong = llama::Config { tied: true, vocab: 36, ..config.clone() };
	let source = Counting::new(&bytes);
	let refused = Model::load_from(&Architecture::Llama(wrong), &[&source]);
	assert!(matches!(refused, Err(EngineError::WrongShape { .. })));
	assert_eq!(source.read.get(), header);
}

#[test]
fn model_should_be_refused_when_a_read_fails() {
	let architecture = Architecture::Llama(golden::llama::config(Class::Q8, 1));
	let bytes = golden::artifact(&architecture, 1, 1.0).unwrap();
	for sound in (0..bytes.len() as u64).step_by(97) {
		let source = Counting { sound, ..Counting::new(&bytes) };
		let refused = Model::load_from(&architecture, &[&source]).err();
		assert_eq!(refused, Some(EngineError::ReadFailed));
	}
	let bytes = &bytes[..];
	assert_eq!(bytes.read_at(bytes.len() as u64, &mut [0]), Err(EngineError::ReadFailed));
	assert_eq!(bytes.read_at(u64::MAX, &mut [0]), Err(EngineError::ReadFailed));
	assert_eq!(bytes.read_at(bytes.len() as u64, &mut []), Ok(()));
}

#[test]
fn perceptron_should_load_from_a_source_as_from_memory() {
	let architecture = golden::mlp(&[3, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).unwrap();
	let input = golden::input(&architecture, 1);
	let source = Counting::new(&bytes);
	let streamed = Model::load_from(&architecture, &[&source]).unwrap();
	let loaded = Model::load(&architecture, &bytes).unwrap();
	assert_eq!(streamed.run(&input), loaded.run(&input));
	assert_eq!(streamed.bytes(), 32);

	let mut longer = bytes.clone();
	longer.resize(1 << 20, 0);
	let source = Counting::new(&longer);
	let refused = Model::load_from(&architecture, &[&source]).err();
	assert_eq!(refused, malformed(ArtifactFault::TrailingBytes));
	assert!(source.read.get() < 1 << 17);
	let (one, two) = (&bytes[..], &bytes[..]);
	let refused = Model::load_from(&architecture, &[&one, &two]).err();
	assert_eq!(refused, malformed(ArtifactFault::TooManyFiles { most: 1 }));
}

#[test]
fn perceptron_should_be_refused_for_the_same_from_a_source_when_the_file_is_too_long() {
	let architecture = golden::mlp(&[2, 1]);
	let far = 1u64 << 17;
	let holes = [(0, 8, far, far + 4), (far, far + 8, 0, 4), (far, far + 8, far + 8, far + 12)];
	for (weight, weight_end, bias, bias_end) in holes {
		let entries = [
			entry("layers.0.weight", "F32", "[1,2]", (weight, weight_end)),
			entry("layers.0.bias", "F32", "[1]", (bias, bias_end)),
		];
		let bytes = raw(&format!("{{{}}}", entries.join(",")), far as usize + 12);
		let in_memory = Model::load(&architecture, &bytes).err();
		assert_eq!(in_memory, malformed(ArtifactFault::InconsistentOffsets));
		assert_eq!(Model::load_from(&architecture, &[&&bytes[..]]).err(), in_memory);
	}
}

#[cfg(unix)]
#[test]
fn file_of_the_host_should_be_read_like_memory() {
	use dodona_engine::artifact::File;
	let path = std::env::temp_dir().join(format!("dodona-engine-{}", std::process::id()));
	let bytes = file(&[floats("a", &[2], &[1.0, 2.0])]);
	std::fs::write(&path, &bytes).unwrap();
	let source = File::open(&path).unwrap();
	assert_eq!(source.len(), bytes.len() as u64);
	assert!(!source.is_empty());
	assert_eq!(Tensors::open(&[&source]).unwrap().vector("a", 2), Ok(vec![1.0, 2.0]));
	// It became shorter since.
	std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
	let read = Tensors::open(&[&source]).unwrap().vector("a", 2);
	std::fs::remove_file(&path).unwrap();
	assert_eq!(read, Err(EngineError::ReadFailed));
	assert!(File::open(&path).is_err());
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

	#[test]
	fn load_should_not_panic_when_bytes_of_a_llama_are_changed(
		class in prop_oneof![Just(Class::F32), Just(Class::Q8)],
		changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
		cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
	) {
		let architecture = Architecture::Llama(golden::llama::config(class, 1));
		let mut bytes = golden::artifact(&architecture, 1, 1.0).unwrap();
		for (at, value) in changes {
			let at = at.index(bytes.len());
			bytes[at] = value;
		}
		if let Some(cut) = cut {
			bytes.truncate(cut.index(bytes.len()));
		}
		if let Ok(model) = Model::load(&architecture, &bytes) {
			let _ = model.run(&golden::input(&architecture, 1));
		}
	}

	#[test]
	fn open_should_refuse_what_does_not_cover_the_data(
		sizes in prop::collection::vec(0u64..5, 1..5),
		wrong in any::<prop::sample::Index>(),
		by in prop_oneof![Just(0i64), -2i64..3],
	) {
		let mut at = 0u64;
		let wrong = wrong.index(sizes.len());
		let mut entries = Vec::new();
		for (number, size) in sizes.iter().enumerate() {
			let shift = if number == wrong { by } else { 0 };
			let start = at.saturating_add_signed(shift);
			entries.push(entry(&number.to_string(), "U8", &format!("[{size}]"), (start, start + size)));
			at += size;
		}
		entries.reverse();
		let refused = open(&raw(&format!("{{{}}}", entries.join(",")), at as usize)).is_some();
		let moved = by != 0 && (by > 0 || sizes[..wrong].iter().any(|size| *size > 0));
		let empty = sizes[wrong] == 0;
		prop_assert!(moved || !refused);
		prop_assert!(!moved || refused || empty);
	}
}
