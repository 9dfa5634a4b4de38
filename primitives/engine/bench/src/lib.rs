//! How fast the engine is, and candle beside it, on the same weights.
//!
//! `cargo bench` here times both; `compare.py` times them and others by the program `contender`.
#![deny(missing_docs)]

pub mod candle;
pub mod engine;
pub mod shapes;

use dodona_engine::{
	artifact::File, golden, huggingface, quantize::quantize, Architecture, Class, EngineError,
	Model, Source, Tensors,
};
use std::{
	error::Error,
	fs,
	io::{BufWriter, Write},
	path::{Path, PathBuf},
};

/// What is done, or why not.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Something that runs a language model.
pub trait LanguageModel: Send {
	/// Computes the logits after `tokens`, which are a text's first.
	fn prefill(&mut self, tokens: &[u32]) -> Result<()>;

	/// Generates `count` tokens after a text of one token, the likeliest each time.
	fn decode(&mut self, first: u32, count: usize) -> Result<Vec<u32>>;
}

/// A model on disk: what is computed, and its weights.
pub struct Weights {
	/// What is computed.
	pub architecture: Architecture,
	/// A safetensors file.
	pub path: PathBuf,
}

impl Weights {
	/// Those of a folder with `config.json` and one file of weights.
	pub fn of_folder(folder: &Path) -> Result<Self> {
		let config = fs::read(folder.join("config.json"))?;
		let path = folder.join("model.safetensors");
		Ok(Self { architecture: huggingface::architecture(&config)?, path })
	}

	/// Random ones, in a file of this name in `folder`.
	pub fn random(architecture: Architecture, folder: &Path, name: &str) -> Result<Self> {
		let path = folder.join(format!("{name}.safetensors"));
		fs::write(&path, golden::artifact(&architecture, 1, 1.0)?)?;
		Ok(Self { architecture, path })
	}

	/// The model, ready to run. Nothing but the weights stays in memory.
	pub fn load(&self) -> Result<Model> {
		let file = File::open(&self.path)?;
		Ok(Model::load_from(&self.architecture, &[&file as &dyn Source])?)
	}

	/// Writes the 8-bit model of this one to the folder `out`; `config` is this one's `config.json`.
	pub fn quantize(&self, config: &[u8], out: &Path) -> Result<()> {
		let mut config: serde_json::Value = serde_json::from_slice(config)?;
		if let Some(fields) = config.as_object_mut() {
			let method = serde_json::json!({ "quant_method": huggingface::Q8_METHOD });
			fields.insert("quantization_config".into(), method);
		}
		fs::create_dir_all(out)?;
		let file = File::open(&self.path)?;
		let tensors = Tensors::open(&[&file as &dyn Source])?;
		let mut written = BufWriter::new(fs::File::create(out.join("model.safetensors"))?);
		quantize(&self.architecture, &tensors, &mut |bytes| {
			written.write_all(bytes).map_err(|_| EngineError::Backend)
		})?;
		written.flush()?;
		Ok(fs::write(out.join("config.json"), serde_json::to_vec_pretty(&config)?)?)
	}
}

/// `architecture` in `class`; a perceptron has only one.
pub fn in_class(architecture: &Architecture, class: Class) -> Option<Architecture> {
	if architecture.class() == class {
		return Some(architecture.clone());
	}
	architecture.to_class(class).ok()
}

/// Some tokens below `vocab`.
pub fn tokens(vocab: u32, count: usize) -> Vec<u32> {
	let mut state = 1u32;
	let mut next = || {
		state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
		(state >> 8) % vocab
	};
	(0..count).map(|_| next()).collect()
}
