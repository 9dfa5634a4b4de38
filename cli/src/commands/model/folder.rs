//! A model in a folder: Hugging Face's, or one of Dodona's own architectures.

use super::tokenizer::Tokenizer;
use crate::error::{Error, Result};
use dodona_engine::{
	artifact::File,
	huggingface::{Files, FolderError, MAX_CONFIG_LEN},
	Architecture, EngineError, Model, Source,
};
use serde_json::Value;
use std::{
	collections::BTreeSet,
	ffi::OsStr,
	fmt::Display,
	fs,
	io::{ErrorKind, Read},
	path::{Component, Path, PathBuf},
};

/// The file that most models have their weights in.
pub const WEIGHTS: &str = "model.safetensors";
/// Where several files are listed.
pub const INDEX: &str = "model.safetensors.index.json";
/// What is said about a model, in a folder as Hugging Face has it.
pub const MODEL_CARD: &str = "README.md";
/// Longest list of files that is read, in bytes.
const MAX_INDEX_LEN: usize = 64 * 1024 * 1024;

/// A model on disk. Its weights are not read yet.
pub struct Folder {
	/// Where it is.
	pub path: PathBuf,
	/// What is computed.
	pub architecture: Architecture,
	/// `config.json`.
	pub config: Vec<u8>,
	files: Vec<File>,
}

impl Folder {
	/// Reads what the folder at `path` is a model of, and finds its weights.
	pub fn open(path: &Path) -> Result<Self> {
		if !path.is_dir() {
			return Err(Error::usage(format!("{} is no folder", path.display()))
				.hint("name the folder that has config.json and the weights"));
		}
		let config = read(path, "config.json", MAX_CONFIG_LEN)?.ok_or_else(|| {
			Error::usage(format!("{} has no config.json", path.display()))
				.hint("name the folder that has config.json and the weights")
		})?;
		let [generation, modules, pooling] =
			["generation_config.json", "modules.json", "1_Pooling/config.json"]
				.map(|name| read(path, name, MAX_CONFIG_LEN));
		let (generation, modules, pooling) = (generation?, modules?, pooling?);
		let architecture = Files {
			config: &config,
			generation: generation.as_deref(),
			modules: modules.as_deref(),
			pooling: pooling.as_deref(),
		}
		.architecture()
		.map_err(|error| refused(path, error))?;
		Ok(Self { path: path.into(), architecture, config, files: open(&weights(path)?)? })
	}

	/// The model, ready to run: in a program that computes as the engine is defined.
	pub fn load(&self) -> Result<Model> {
		dodona_engine::self_test().map_err(|error| {
			Error::failed(format!("this program's answers are not the engine's: {error}"))
				.hint("build it again without flags that change arithmetic")
		})?;
		Model::load_from(&self.architecture, &self.sources()).map_err(|error| self.unfit(error))
	}

	/// The files with the weights.
	pub fn sources(&self) -> Vec<&dyn Source> {
		self.files.iter().map(|file| file as &dyn Source).collect()
	}

	/// Length of the files with the weights, in bytes.
	pub fn size(&self) -> u64 {
		self.files.iter().map(Source::len).sum()
	}

	/// What is wrong with the weights.
	pub fn unfit(&self, error: EngineError) -> Error {
		unfit(&self.path, error)
	}

	/// The model's tokenizer.
	pub fn tokenizer(&self) -> Result<Option<Tokenizer>> {
		Tokenizer::open(&self.path)
	}

	/// To how many tokens the model cuts a text. Else it refuses one that is too long.
	pub fn text_limit(&self) -> Result<Option<usize>> {
		const FILE: &str = "sentence_bert_config.json";
		let Some(json) = read(&self.path, FILE, MAX_CONFIG_LEN)? else { return Ok(None) };
		let path = self.path.join(FILE);
		let value: Value =
			serde_json::from_slice(&json).map_err(|error| unreadable(&path, error))?;
		match value.get("max_seq_length") {
			None | Some(Value::Null) => Ok(None),
			Some(limit) => limit
				.as_u64()
				.and_then(|limit| usize::try_from(limit).ok())
				.filter(|limit| *limit > 0)
				.map(Some)
				.ok_or_else(|| unreadable(&path, "`max_seq_length` is no number of tokens")),
		}
	}
}

/// What is wrong with the weights at `path`.
pub fn unfit(path: &Path, error: EngineError) -> Error {
	let hint = match error {
		EngineError::OutOfMemory => "make an 8-bit model of it elsewhere: dodona model quantize",
		EngineError::ReadFailed => "fetch the folder anew: a file ends early, or its disk fails",
		_ => "the weights have to be exactly those that config.json describes",
	};
	Error::usage(format!("{} can't be run: {error}", path.display())).hint(hint)
}

/// The files at these paths.
pub fn open(paths: &[PathBuf]) -> Result<Vec<File>> {
	let open = |path: &PathBuf| File::open(path).map_err(|error| unreadable(path, error));
	paths.iter().map(open).collect()
}

/// Where the files with the weights are.
pub fn weights(folder: &Path) -> Result<Vec<PathBuf>> {
	let usual = folder.join(WEIGHTS);
	if usual.is_file() {
		return Ok(vec![usual]);
	}
	if let Some(index) = read(folder, INDEX, MAX_INDEX_LEN)? {
		return listed(&index)
			.map(|names| names.iter().map(|name| folder.join(name)).collect())
			.map_err(|error| unreadable(&folder.join(INDEX), error));
	}
	let mut found = Vec::new();
	for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
		let path = entry.map_err(|error| unreadable(folder, error))?.path();
		if path.extension() == Some(OsStr::new("safetensors")) {
			found.push(path);
		}
	}
	if found.is_empty() {
		return Err(Error::usage(format!("{} has no safetensors file", folder.display())).hint(
			"convert other formats first: in Python, `model.save_pretrained(folder)` writes one",
		));
	}
	found.sort();
	Ok(found)
}

/// The names of the files that an index lists.
fn listed(index: &[u8]) -> Result<BTreeSet<String>, String> {
	let index: Value = serde_json::from_slice(index).map_err(|error| error.to_string())?;
	let map = index
		.get("weight_map")
		.and_then(Value::as_object)
		.ok_or("`weight_map` is missing")?;
	let mut names = BTreeSet::new();
	for name in map.values() {
		let name = name.as_str().ok_or("`weight_map` has something other than names of files")?;
		// A stranger's list: nothing outside of the folder.
		let mut parts = Path::new(name).components();
		if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
			return Err(format!("`{}` is no file of the folder", name.escape_debug()));
		}
		names.insert(name.to_owned());
	}
	if names.is_empty() {
		return Err("`weight_map` is empty".into());
	}
	Ok(names)
}

/// The bytes of a file in `folder`, if there is one.
pub fn read(folder: &Path, name: &str, most: usize) -> Result<Option<Vec<u8>>> {
	let path = folder.join(name);
	let file = match fs::File::open(&path) {
		Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
		opened => opened.map_err(|error| unreadable(&path, error))?,
	};
	let mut bytes = Vec::new();
	file.take(most as u64 + 1)
		.read_to_end(&mut bytes)
		.map_err(|error| unreadable(&path, error))?;
	if bytes.len() > most {
		return Err(unreadable(&path, format!("it has more than {most} bytes")));
	}
	Ok(Some(bytes))
}

fn unreadable(path: &Path, error: impl Display) -> Error {
	Error::usage(format!("{}: {error}", path.display()))
}

fn refused(folder: &Path, error: FolderError) -> Error {
	let hint = match &error {
		FolderError::Unsupported { .. } => {
			"docs/engine.md says which architectures and settings the engine has"
		},
		FolderError::Engine(_) => "docs/engine.md says what the engine's limits are",
		_ => "correct the file, or write the folder anew",
	};
	Error::usage(format!("{} can't be run: {error}", folder.display())).hint(hint)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{commands::model::temporary, error::Kind};

	const MLP: &str = r#"{"name": "a/b", "architecture": "mlp", "widths": [4, 3]}"#;

	fn names(folder: &temporary::Folder) -> Vec<String> {
		let found = weights(folder.as_path()).unwrap();
		found
			.iter()
			.map(|path| path.file_name().unwrap().to_str().unwrap().into())
			.collect()
	}

	#[test]
	fn weights_should_be_all_of_a_models_files_and_no_others() {
		let index = r#"{"weight_map": {"x": "b.safetensors", "y": "a.safetensors",
			"z": "b.safetensors"}}"#;
		let files = [("a.safetensors", ""), ("b.safetensors", ""), ("c.safetensors", "")];
		let stray = temporary::Folder::new("stray", &files);
		assert_eq!(names(&stray), ["a.safetensors", "b.safetensors", "c.safetensors"]);
		let indexed = temporary::Folder::new("indexed", &[&files[..], &[(INDEX, index)]].concat());
		assert_eq!(names(&indexed), ["a.safetensors", "b.safetensors"]);
		let single = [&files[..], &[(INDEX, index), (WEIGHTS, "")]].concat();
		assert_eq!(names(&temporary::Folder::new("single", &single)), [WEIGHTS]);
	}

	#[test]
	fn index_should_be_refused_when_it_names_something_outside_of_the_folder() {
		let listing =
			|name: &str| listed(format!(r#"{{"weight_map": {{"x": {name}}}}}"#).as_bytes());
		assert!(listing(r#""model-00001-of-00002.safetensors""#).is_ok());
		for name in ["\"/etc/passwd\"", "\"../a\"", "\"a/b\"", "\"..\"", "\"\"", "7"] {
			assert!(listing(name).is_err(), "{name}");
		}
		for index in ["", "{}", r#"{"weight_map": {}}"#, r#"{"weight_map": []}"#] {
			assert!(listed(index.as_bytes()).is_err(), "{index}");
		}
	}

	#[test]
	fn folder_should_be_a_model_when_configuration_and_weights_are_there() {
		let path = temporary::Folder::new("model", &[("config.json", MLP), (WEIGHTS, "12345")]);
		let folder = Folder::open(path.as_path()).unwrap();
		assert!(matches!(&folder.architecture, Architecture::Mlp(mlp) if mlp.widths[..] == [4, 3]));
		assert_eq!(folder.size(), 5);
		assert_eq!(folder.load().unwrap_err().kind, Kind::Usage);
	}

	#[test]
	fn folder_should_be_refused_with_a_reason_when_it_is_no_model() {
		let yarn = r#"{"architectures": ["LlamaForCausalLM"], "rope_scaling": {"type": "yarn"}}"#;
		let cases = [
			("nothing", vec![], "no config.json"),
			("weightless", vec![("config.json", MLP)], "no safetensors file"),
			("broken", vec![("config.json", "{"), (WEIGHTS, "")], "config.json"),
			("yarn", vec![("config.json", yarn), (WEIGHTS, "")], "yarn"),
			("lost", vec![("config.json", MLP), (INDEX, "{}")], INDEX),
		];
		for (test, files, reason) in cases {
			let path = temporary::Folder::new(test, &files);
			let error = Folder::open(path.as_path()).err().unwrap();
			assert_eq!(error.kind, Kind::Usage, "{test}");
			assert!(error.message.contains(reason), "{}", error.message);
		}
		let error = Folder::open(Path::new("/no/such/folder")).err().unwrap();
		assert!(error.message.contains("is no folder"), "{}", error.message);
	}

	#[test]
	fn text_limit_should_be_what_the_model_says() {
		let limit = |test, json| {
			let files = [("config.json", MLP), (WEIGHTS, ""), ("sentence_bert_config.json", json)];
			let path = temporary::Folder::new(test, &files);
			Folder::open(path.as_path()).unwrap().text_limit()
		};
		assert_eq!(limit("limit", r#"{"max_seq_length": 256}"#).unwrap(), Some(256));
		assert_eq!(limit("no-limit", r#"{"max_seq_length": null}"#).unwrap(), None);
		for json in [r#"{"max_seq_length": 0}"#, r#"{"max_seq_length": "256"}"#, "{"] {
			assert_eq!(limit("bad-limit", json).unwrap_err().kind, Kind::Usage, "{json}");
		}
	}

	#[test]
	fn read_should_refuse_a_file_when_it_is_too_long() {
		let folder = temporary::Folder::new("long", &[("a", "12345")]);
		let path = folder.as_path();
		assert_eq!(read(path, "a", 5).unwrap().unwrap(), b"12345");
		assert_eq!(read(path, "a", 4).unwrap_err().kind, Kind::Usage);
		assert!(read(path, "b", 4).unwrap().is_none());
	}
}
