//! Safetensors files that are nearly sound.

use crate::Reader;
use half::{bf16, f16};
use serde_json::Value;

const DTYPES: [&str; 10] =
	["F32", "F16", "BF16", "I8", "F64", "U8", "I32", "BOOL", "F8_E4M3", "F4"];

/// What a name can be that is nobody's, or that some architectures pass over.
const NAMES: [&str; 8] = [
	"",
	"x",
	"__metadata__",
	"lm_head.weight",
	"model.layers.0.self_attn.rotary_emb.inv_freq",
	"pooler.dense.weight",
	"embeddings.position_ids",
	"0.weight_scale",
];

/// A tensor of a file that is still to be written.
#[derive(Clone)]
struct Tensor {
	name: String,
	dtype: String,
	shape: Vec<u64>,
	data: Vec<u8>,
	/// What the header says instead of where the data is.
	lie: [Option<u64>; 2],
	file: usize,
}

/// The tensors of a sound file.
fn tensors(artifact: &[u8]) -> Vec<Tensor> {
	let (len, rest) = artifact.split_first_chunk().unwrap();
	let (header, data) = rest.split_at(u64::from_le_bytes(*len) as usize);
	let header: Value = serde_json::from_slice(header).unwrap();
	let number = |value: &Value| value.as_u64().unwrap();
	let tensor = |(name, entry): (&String, &Value)| {
		let [start, end] = [0, 1].map(|at| number(&entry["data_offsets"][at]) as usize);
		Tensor {
			name: name.clone(),
			dtype: entry["dtype"].as_str().unwrap().into(),
			shape: entry["shape"].as_array().unwrap().iter().map(number).collect(),
			data: data[start..end].to_vec(),
			lie: [None; 2],
			file: 0,
		}
	};
	header.as_object().unwrap().iter().map(tensor).collect()
}

/// Files made of `artifact` by what `reader` says; sound ones if it says nothing.
pub fn damaged(artifact: &[u8], reader: &mut Reader<'_>) -> Vec<Vec<u8>> {
	let mut tensors = tensors(artifact);
	for _ in 0..reader.byte() % 8 {
		change(&mut tensors, reader);
	}
	let count = tensors.iter().map(|tensor| tensor.file + 1).max().unwrap_or(1);
	let mut files: Vec<Vec<u8>> = (0..count).map(|file| write(&tensors, file, reader)).collect();
	for _ in 0..reader.byte() % 8 {
		let at = reader.below(files.len());
		overwrite(&mut files[at], reader);
	}
	files
}

fn change(tensors: &mut Vec<Tensor>, reader: &mut Reader<'_>) {
	let choice = reader.byte() % 14;
	let at = reader.below(tensors.len());
	let other = reader.below(tensors.len());
	let Some(given) = tensors.get(other).cloned() else { return };
	let tensor = &mut tensors[at];
	match choice {
		0 => drop(tensors.remove(at)),
		1 => tensors.push(given),
		2 => tensor.file = reader.below(3),
		3 => tensor.dtype = DTYPES[reader.below(DTYPES.len())].into(),
		4 => {
			let axis = reader.below(tensor.shape.len());
			if let Some(size) = tensor.shape.get_mut(axis) {
				*size = reader.number();
			}
		},
		5 => tensor.shape.push(reader.number()),
		6 => drop(tensor.shape.pop()),
		7 => tensor.lie[reader.below(2)] = Some(reader.number()),
		8 => tensor.name = given.name,
		9 => tensor.name = NAMES[reader.below(NAMES.len())].into(),
		10 => tensor.name = String::from_utf8_lossy(reader.some()).into_owned(),
		11 => halve(tensor, reader.byte() & 1 == 0),
		12 => {
			let at = reader.below(tensor.data.len() / 4);
			let value = float(reader);
			if let Some(bytes) = tensor.data.as_chunks_mut().0.get_mut(at) {
				*bytes = value.to_le_bytes();
			}
		},
		_ => {
			let len = tensor.data.len().saturating_sub(reader.below(9));
			tensor.data.resize(len + reader.below(9), reader.byte());
		},
	}
}

/// A float that arithmetic may stumble over, or any.
fn float(reader: &mut Reader<'_>) -> f32 {
	const EVIL: [f32; 10] = [
		f32::NAN,
		f32::INFINITY,
		f32::NEG_INFINITY,
		f32::MAX,
		f32::MIN,
		f32::MIN_POSITIVE,
		1e-45,
		0.0,
		-0.0,
		1e19,
	];
	let choice = usize::from(reader.byte());
	EVIL.get(choice).copied().unwrap_or_else(|| f32::from_bits(reader.u32()))
}

/// The same values, or nearly, in half the bytes.
fn halve(tensor: &mut Tensor, brain: bool) {
	if tensor.dtype != "F32" {
		return;
	}
	tensor.dtype = if brain { "BF16" } else { "F16" }.into();
	let values = tensor.data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
	let halves = values.map(|value| match brain {
		true => bf16::from_f32(value).to_le_bytes(),
		false => f16::from_f32(value).to_le_bytes(),
	});
	tensor.data = halves.flatten().collect();
}

/// The tensors of file number `file`, as their header says, or nearly.
fn write(tensors: &[Tensor], file: usize, reader: &mut Reader<'_>) -> Vec<u8> {
	let mut entries = Vec::new();
	let mut data = Vec::new();
	for tensor in tensors.iter().filter(|tensor| tensor.file == file) {
		let start = data.len() as u64;
		data.extend_from_slice(&tensor.data);
		let offsets = [start, data.len() as u64];
		let [start, end] = [0, 1].map(|at| tensor.lie[at].unwrap_or(offsets[at]));
		let name = Value::from(tensor.name.as_str());
		let (dtype, shape) = (&tensor.dtype, &tensor.shape);
		entries.push(format!(
			r#"{name}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
		));
	}
	if reader.byte() & 1 == 1 {
		entries.push(r#""__metadata__":{"format":"pt"}"#.into());
	}
	let header = format!("{{{}}}", entries.join(","));
	let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
	bytes.extend_from_slice(header.as_bytes());
	bytes.append(&mut data);
	bytes
}

/// Changes some bytes of a file without looking at what they are.
fn overwrite(file: &mut Vec<u8>, reader: &mut Reader<'_>) {
	let choice = reader.byte() % 5;
	let at = reader.below(file.len() + 1);
	match choice {
		0 => {
			let places = file.iter_mut().skip(at);
			places.zip(reader.some()).for_each(|(place, byte)| *place = *byte);
		},
		1 => file.truncate(at),
		2 => drop(file.splice(at..at, reader.some().iter().copied())),
		3 => {
			let end = (at + usize::from(reader.byte())).min(file.len());
			drop(file.drain(at..end));
		},
		// So long that no header is.
		_ => file.resize(file.len() + reader.below(1 << 14), reader.byte()),
	}
	// Most of these are to be about the header's content, not about its length.
	if reader.byte() & 1 == 1 {
		let end = file.iter().rposition(|byte| *byte == b'}').unwrap_or(0);
		let len = (end as u64).saturating_sub(7);
		if let Some(place) = file.first_chunk_mut() {
			*place = len.to_le_bytes();
		}
	}
}
