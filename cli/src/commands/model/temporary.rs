//! Folders for tests.

use serde_json::{json, Map, Value};
use std::{
	fs,
	path::{Path, PathBuf},
};

/// A folder of its own for each test, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
	/// A folder with these files, for the test of this name.
	pub fn new(test: &str, files: &[(&str, &str)]) -> Self {
		let path = std::env::temp_dir().join(format!("dodona-{}-{test}", std::process::id()));
		fs::create_dir_all(&path).unwrap();
		for (name, content) in files {
			fs::write(path.join(name), content).unwrap();
		}
		Self(path)
	}

	/// A folder with a tiny language model of 260 tokens and 32 positions, without a tokenizer.
	pub fn llama(test: &str) -> Self {
		let config = json!({
			"architectures": ["LlamaForCausalLM"],
			"eos_token_id": null,
			"hidden_size": 8,
			"intermediate_size": 12,
			"max_position_embeddings": 32,
			"num_attention_heads": 2,
			"num_hidden_layers": 2,
			"num_key_value_heads": 1,
			"vocab_size": 260,
		});
		let this = Self::new(test, &[("config.json", &config.to_string())]);
		let mut tensors = vec![
			("model.embed_tokens.weight".to_owned(), vec![260, 8]),
			("lm_head.weight".to_owned(), vec![260, 8]),
			("model.norm.weight".to_owned(), vec![8]),
		];
		for layer in 0..2 {
			for (name, shape) in [
				("input_layernorm", vec![8]),
				("post_attention_layernorm", vec![8]),
				("self_attn.q_proj", vec![8, 8]),
				("self_attn.k_proj", vec![4, 8]),
				("self_attn.v_proj", vec![4, 8]),
				("self_attn.o_proj", vec![8, 8]),
				("mlp.gate_proj", vec![12, 8]),
				("mlp.up_proj", vec![12, 8]),
				("mlp.down_proj", vec![8, 12]),
			] {
				tensors.push((format!("model.layers.{layer}.{name}.weight"), shape));
			}
		}
		fs::write(this.0.join("model.safetensors"), safetensors(&tensors)).unwrap();
		this
	}

	/// Puts the weights into `count` files, by turns.
	pub fn split(&self, count: usize) {
		let path = self.0.join("model.safetensors");
		let file = fs::read(&path).unwrap();
		fs::remove_file(path).unwrap();
		let (len, rest) = file.split_first_chunk().unwrap();
		let (header, data) = rest.split_at(u64::from_le_bytes(*len) as usize);
		let header: Map<String, Value> = serde_json::from_slice(header).unwrap();
		let mut parts = vec![(Map::new(), Vec::new()); count];
		for ((name, mut entry), part) in header.into_iter().zip((0..count).cycle()) {
			let (header, part) = &mut parts[part];
			let [from, to] = [0, 1].map(|at| entry["data_offsets"][at].as_u64().unwrap() as usize);
			entry["data_offsets"] = json!([part.len(), part.len() + to - from]);
			part.extend_from_slice(&data[from..to]);
			header.insert(name, entry);
		}
		for (number, (header, data)) in parts.into_iter().enumerate() {
			fs::write(self.0.join(format!("{number}.safetensors")), join(header, &data)).unwrap();
		}
	}

	/// Changes fields of a JSON file.
	pub fn change(&self, name: &str, change: impl FnOnce(&mut Value)) {
		let path = self.0.join(name);
		let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
		change(&mut value);
		fs::write(path, value.to_string()).unwrap();
	}

	/// Where it is.
	pub fn path(&self) -> &str {
		self.0.to_str().unwrap()
	}

	/// Where it is.
	pub fn as_path(&self) -> &Path {
		&self.0
	}
}

impl Drop for Folder {
	fn drop(&mut self) {
		let _ = fs::remove_dir_all(&self.0);
	}
}

/// A file of these tensors, with numbers between -1 and 1 that look random.
fn safetensors(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
	let mut header = Map::new();
	let mut data = Vec::new();
	let mut state = 1u32;
	for (name, shape) in tensors {
		let start = data.len();
		for _ in 0..shape.iter().product() {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			let value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
			data.extend(value.to_le_bytes());
		}
		let offsets = [start, data.len()];
		header.insert(
			name.clone(),
			json!({ "dtype": "F32", "shape": shape, "data_offsets": offsets }),
		);
	}
	join(header, &data)
}

fn join(header: Map<String, Value>, data: &[u8]) -> Vec<u8> {
	let header = Value::from(header).to_string().into_bytes();
	[&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
}
