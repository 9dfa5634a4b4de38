//! Artifacts that are wrong, or made to do harm.

use dodona_engine::{
	golden, Architecture, ArtifactFault, EngineError, Model, MAX_HEADER_LEN, MAX_RANK,
};
use proptest::prelude::*;

fn architecture() -> Architecture {
	golden::mlp(&[3, 2, 2])
}

fn valid() -> Vec<u8> {
	golden::artifact(&architecture(), 7, 1.0).unwrap()
}

/// A file with this header, and `data` bytes of zeros.
fn file(header: &str, data: usize) -> Vec<u8> {
	let mut file = (header.len() as u64).to_le_bytes().to_vec();
	file.extend_from_slice(header.as_bytes());
	file.resize(file.len() + data, 0);
	file
}

fn entry(name: &str, shape: &str, offsets: (u64, u64)) -> String {
	let (start, end) = offsets;
	format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

/// The entries of a sound header: weight, bias, weight, bias, of 24 + 8 + 16 + 8 bytes.
fn entries() -> Vec<String> {
	vec![
		entry("layers.0.weight", "[2,3]", (0, 24)),
		entry("layers.0.bias", "[2]", (24, 32)),
		entry("layers.1.weight", "[2,2]", (32, 48)),
		entry("layers.1.bias", "[2]", (48, 56)),
	]
}

fn header(entries: &[String]) -> String {
	format!("{{{}}}", entries.join(","))
}

/// What loading gives with entry `at` replaced.
fn replaced(at: usize, entry: String) -> Option<EngineError> {
	let mut entries = entries();
	entries[at] = entry;
	load(&file(&header(&entries), 56))
}

fn load(file: &[u8]) -> Option<EngineError> {
	Model::load(&architecture(), file).err()
}

fn malformed(fault: ArtifactFault) -> Option<EngineError> {
	Some(EngineError::MalformedArtifact(fault))
}

#[test]
fn artifact_should_load_when_it_is_sound() {
	assert_eq!(load(&valid()), None);
	assert_eq!(load(&file(&header(&entries()), 56)), None);
}

#[test]
fn artifact_should_load_when_its_tensors_are_in_another_order() {
	let mut entries = entries();
	entries.reverse();
	assert_eq!(load(&file(&header(&entries), 56)), None);

	let moved = [
		entry("layers.1.bias", "[2]", (0, 8)),
		entry("layers.0.weight", "[2,3]", (32, 56)),
		entry("layers.1.weight", "[2,2]", (16, 32)),
		entry("layers.0.bias", "[2]", (8, 16)),
	];
	assert_eq!(load(&file(&header(&moved), 56)), None);
}

#[test]
fn artifact_should_load_when_it_has_metadata_and_padding() {
	let mut entries = entries();
	entries.insert(0, r#""__metadata__":{"format":"pt"}"#.into());
	assert_eq!(load(&file(&(header(&entries) + "   "), 56)), None);
}

#[test]
fn artifact_should_give_each_weight_its_place() {
	// One output for each weight: the input's only one picks a column of the weight.
	let architecture = golden::mlp(&[3, 2]);
	let header = header(&[
		entry("layers.0.weight", "[2,3]", (0, 24)),
		entry("layers.0.bias", "[2]", (24, 32)),
	]);
	let mut file = file(&header, 0);
	for value in [1f32, 2.0, 3.0, 4.0, 5.0, 6.0, 0.25, 0.5] {
		file.extend_from_slice(&value.to_le_bytes());
	}
	let model = Model::load(&architecture, &file).unwrap();
	for (at, expected) in [(0, [1.25f32, 4.5]), (1, [2.25, 5.5]), (2, [3.25, 6.5])] {
		let mut input = [0; 12];
		input[at * 4..][..4].copy_from_slice(&1f32.to_le_bytes());
		assert_eq!(model.run(&input).unwrap(), expected.map(f32::to_le_bytes).concat());
	}
}

#[test]
fn artifact_should_be_refused_when_it_is_cut_off() {
	let valid = valid();
	for len in 0..valid.len() {
		let error = load(&valid[..len]);
		assert!(matches!(error, Some(EngineError::MalformedArtifact(_))), "{len}: {error:?}");
	}
	assert_eq!(load(&[]), malformed(ArtifactFault::TooShort));
	assert_eq!(load(&valid[..7]), malformed(ArtifactFault::TooShort));
	assert_eq!(load(&valid[..20]), malformed(ArtifactFault::HeaderCutOff));
	assert_eq!(load(&valid[..valid.len() - 1]), malformed(ArtifactFault::OutOfBounds));
}

#[test]
fn artifact_should_be_refused_when_bytes_follow() {
	let mut bytes = valid();
	bytes.push(0);
	assert_eq!(load(&bytes), malformed(ArtifactFault::TrailingBytes));
}

#[test]
fn artifact_should_be_refused_when_its_header_is_oversized() {
	let most = MAX_HEADER_LEN;
	for got in [u64::from(most) + 1, 100_000_000, u32::MAX.into(), u64::MAX - 7, u64::MAX] {
		let mut bytes = valid();
		bytes[..8].copy_from_slice(&got.to_le_bytes());
		assert_eq!(load(&bytes), malformed(ArtifactFault::HeaderTooLong { got, most }));
	}
	let mut bytes = valid();
	bytes[..8].copy_from_slice(&u64::from(most).to_le_bytes());
	assert_eq!(load(&bytes), malformed(ArtifactFault::HeaderCutOff));
}

#[test]
fn artifact_should_load_when_its_header_is_as_long_as_allowed() {
	let mut padded = header(&entries());
	padded.push_str(&" ".repeat(MAX_HEADER_LEN as usize - padded.len()));
	assert_eq!(load(&file(&padded, 56)), None);
}

#[test]
fn artifact_should_be_refused_when_its_header_is_not_a_map_of_tensors() {
	let refused = malformed(ArtifactFault::InvalidHeader);
	for header in
		["", "{", "[]", "null", "7", "\"\"", "{} {}", "{\"layers.0.bias\"}", "{\"__metadata__\":}"]
	{
		assert_eq!(load(&file(header, 56)), refused, "{header}");
	}
	assert_eq!(load(&file("{\u{0}}", 56)), refused);
	let mut not_utf8 = valid();
	not_utf8[10] = 0xff;
	assert_eq!(load(&not_utf8), refused);
	// Deeper than any stack.
	assert_eq!(load(&file(&"{\"__metadata__\":[".repeat(3_000), 56)), refused);
	assert_eq!(load(&file(&"[".repeat(60_000), 56)), refused);
}

#[test]
fn artifact_should_be_refused_when_an_entry_is_not_a_tensor() {
	let refused = malformed(ArtifactFault::InvalidHeader);
	let name = r#""layers.0.bias""#;
	for value in [
		"null",
		"{}",
		r#"{"dtype":"F32","shape":[2]}"#,
		r#"{"dtype":"F31","shape":[2],"data_offsets":[24,32]}"#,
		r#"{"dtype":"F32","shape":[2],"data_offsets":[24]}"#,
		r#"{"dtype":"F32","shape":[2],"data_offsets":[24,32,40]}"#,
		r#"{"dtype":"F32","shape":[2],"data_offsets":[-24,32]}"#,
		r#"{"dtype":"F32","shape":[2.0],"data_offsets":[24,32]}"#,
		r#"{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[24,32]}"#,
		r#"{"dtype":"F32","shape":[2],"data_offsets":[24,32],"more":[[[[]]]]}"#,
		r#"{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[24,32]}"#,
	] {
		assert_eq!(replaced(1, format!("{name}:{value}")), refused, "{value}");
	}
	let sizes = ["1"; MAX_RANK + 1].join(",");
	assert_eq!(replaced(1, entry("layers.0.bias", &format!("[{sizes}]"), (24, 32))), refused);
}

#[test]
fn artifact_should_be_refused_when_metadata_is_there_twice() {
	let mut entries = entries();
	entries.insert(0, r#""__metadata__":{}"#.into());
	entries.push(r#""__metadata__":{}"#.into());
	assert_eq!(
		load(&file(&header(&entries), 56)),
		Some(EngineError::UnexpectedTensor { tensor: "__metadata__".into() })
	);
}

#[test]
fn artifact_should_be_refused_when_a_tensor_is_there_twice() {
	let mut doubled = entries();
	doubled.push(entries()[1].clone());
	let refused = Some(EngineError::DuplicateTensor { tensor: "layers.0.bias".into() });
	assert_eq!(load(&file(&header(&doubled), 56)), refused);
	// The same name, spelt otherwise.
	doubled[4] = entry("layers.0.b\\u0069as", "[2]", (24, 32));
	assert_eq!(load(&file(&header(&doubled), 56)), refused);
}

#[test]
fn artifact_should_be_refused_when_a_tensor_is_missing() {
	for (at, name) in ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
		.into_iter()
		.enumerate()
	{
		let mut entries = entries();
		entries.remove(at);
		let refused = Some(EngineError::MissingTensor { tensor: name.into() });
		assert_eq!(load(&file(&header(&entries), 56)), refused);
	}
	assert_eq!(
		load(&file("{}", 0)),
		Some(EngineError::MissingTensor { tensor: "layers.0.weight".into() })
	);
}

#[test]
fn artifact_should_be_refused_when_it_has_another_tensor() {
	let mut more = entries();
	more.push(entry("layers.2.bias", "[2]", (56, 64)));
	assert_eq!(
		load(&file(&header(&more), 64)),
		Some(EngineError::UnexpectedTensor { tensor: "layers.2.bias".into() })
	);
	let name = "x".repeat(1_000);
	assert_eq!(
		load(&file(&header(&[entry(&name, "[]", (0, 0))]), 0)),
		Some(EngineError::UnexpectedTensor { tensor: name[..64].into() })
	);
}

#[test]
fn artifact_should_be_refused_when_a_tensor_is_not_f32() {
	for dtype in ["F64", "BF16", "I32", "U8", "F4"] {
		let entry = entries()[2].replace("F32", dtype);
		let refused = Some(EngineError::WrongDtype { tensor: "layers.1.weight".into() });
		assert_eq!(replaced(2, entry), refused);
	}
}

#[test]
fn artifact_should_be_refused_when_a_shape_is_wrong() {
	let tensor = || "layers.0.weight".into();
	for (shape, axis, expected, got) in [
		("[3,2]", 0, 2, 3),
		("[2,2]", 1, 3, 2),
		("[0,3]", 0, 2, 0),
		("[2,18446744073709551615]", 1, 3, u64::MAX),
		("[2,4294967299]", 1, 3, (1 << 32) + 3),
	] {
		assert_eq!(
			replaced(0, entry("layers.0.weight", shape, (0, 24))),
			Some(EngineError::WrongShape { tensor: tensor(), axis, expected, got })
		);
	}
	for (shape, got) in [("[]", 0), ("[6]", 1), ("[1,2,3]", 3)] {
		assert_eq!(
			replaced(0, entry("layers.0.weight", shape, (0, 24))),
			Some(EngineError::WrongRank { tensor: tensor(), expected: 2, got })
		);
	}
}

#[test]
fn artifact_should_be_refused_when_its_offsets_lie() {
	let bias = |offsets| replaced(1, entry("layers.0.bias", "[2]", offsets));
	for offsets in [
		(24, 57),
		(57, 65),
		(24, u64::MAX),
		(u64::MAX - 7, u64::MAX),
		(u64::MAX, 32),
		(1 << 32, (1 << 32) + 8),
	] {
		assert_eq!(bias(offsets), malformed(ArtifactFault::OutOfBounds), "{offsets:?}");
	}
	for offsets in [(32, 24), (24, 24), (24, 31), (24, 40), (20, 28), (0, 8), (28, 36), (48, 56)] {
		assert_eq!(bias(offsets), malformed(ArtifactFault::InconsistentOffsets), "{offsets:?}");
	}
}

#[test]
fn artifact_should_be_refused_when_a_weight_is_not_finite() {
	let valid = valid();
	let data = valid.len() - 56;
	for bad in [f32::NAN, f32::from_bits(0x7f80_0001), f32::INFINITY, f32::NEG_INFINITY] {
		for at in 0..14 {
			let mut bytes = valid.clone();
			bytes[data + at * 4..][..4].copy_from_slice(&bad.to_le_bytes());
			assert!(matches!(load(&bytes), Some(EngineError::NonFiniteWeight { .. })));
		}
	}
	let mut bytes = file(&header(&entries()), 56);
	let weight = bytes.len() - 56 + 4 * 5;
	bytes[weight..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
	assert_eq!(
		load(&bytes),
		Some(EngineError::NonFiniteWeight { tensor: "layers.0.weight".into(), at: 5 })
	);
}

proptest! {
	#![proptest_config(ProptestConfig {
		cases: 2_000,
		failure_persistence: None,
		..Default::default()
	})]

	#[test]
	fn load_should_not_panic_when_bytes_of_an_artifact_are_changed(
		changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
		cut in prop::option::of(any::<prop::sample::Index>()),
	) {
		let mut bytes = valid();
		for (at, value) in changes {
			let at = at.index(bytes.len());
			bytes[at] = value;
		}
		if let Some(cut) = cut {
			bytes.truncate(cut.index(bytes.len()));
		}
		if let Ok(model) = Model::load(&architecture(), &bytes) {
			let _ = model.run(&golden::input(&architecture(), 1));
		}
	}

	#[test]
	fn load_should_not_panic_when_numbers_of_the_header_are_changed(
		at in 0usize..4,
		shape in prop::collection::vec(any::<u64>(), 0..4),
		start in prop_oneof![0u64..64, any::<u64>()],
		end in prop_oneof![0u64..64, any::<u64>()],
	) {
		let names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"];
		let sound = ["[2,3]", "[2]", "[2,2]", "[2]"];
		let error = replaced(at, entry(names[at], sound[at], (start, end)));
		let offsets = [(0, 24), (24, 32), (32, 48), (48, 56)][at];
		prop_assert_eq!(error.is_none(), (start, end) == offsets);
		let shape = format!("{shape:?}").replace(' ', "");
		let refused = replaced(at, entry(names[at], &shape, offsets)).is_some();
		prop_assert_eq!(refused, shape != sound[at]);
	}

	#[test]
	fn load_should_not_panic_when_the_file_is_noise(
		bytes in prop::collection::vec(any::<u8>(), 0..200),
		header in "[\\[\\]{}\":,a-f0-9]{0,80}",
	) {
		prop_assert!(load(&bytes).is_some());
		prop_assert!(load(&file(&header, 56)).is_some());
	}
}
