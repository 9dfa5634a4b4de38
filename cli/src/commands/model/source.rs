//! What is published: the weights, and what is said about them.

use super::{
	folder::{self, Folder},
	joined::Joined,
	listing::{self, Listing},
	pack::{pack, Laid},
	tokenizer::{self, Tokenizer},
};
use crate::{
	args::Publish,
	commands::question::takes_tokens,
	error::{Error, Result},
};
use dodona_engine::{
	architecture::mlp, huggingface::MAX_CONFIG_LEN, trace, EngineError, Model, Source,
};
use dodona_primitives_models::{Architecture, Licence, Name, CHUNK_SIZE};
use serde::Deserialize;
use std::{
	fs,
	path::{Path, PathBuf},
	rc::Rc,
};

/// A model on disk.
pub struct Publication {
	/// The folder or the file.
	pub path: PathBuf,
	/// The model's name.
	pub name: String,
	/// What is computed.
	pub architecture: Architecture,
	/// The licence.
	pub licence: Licence,
	/// The weights, as one safetensors file.
	pub weights: Rc<dyn Source>,
	/// `tokenizer.json`.
	pub tokenizer: Option<Vec<u8>>,
	/// The model's card, if it is a chunk or less.
	pub card: Option<Vec<u8>>,
	/// The files of the folder.
	pub listing: Option<Listing>,
	/// The artifact that begins with their list.
	pub folder: Option<Rc<dyn Source>>,
}

/// What only a publisher reads of a `config.json`.
#[derive(Debug, Default, Deserialize)]
struct Config {
	name: Option<String>,
	#[serde(alias = "licence")]
	license: Option<String>,
}

impl Publication {
	/// Finds what the command line names, and reads a folder's files once. The weights are not looked
	/// into yet.
	pub fn read(args: &Publish) -> Result<Self> {
		let path = &args.path;
		let config = if path.is_dir() { config_in(path)? } else { Config::default() };
		let name = args
			.name
			.clone()
			.or(config.name)
			.ok_or_else(|| Error::usage("the model has no name").hint("--name org/name"))?;
		check_name(&name)?;
		let licence = args.licence.clone().or(config.license).ok_or_else(|| {
			Error::usage("the model has no licence").hint("--licence with an SPDX expression")
		})?;
		dodona_primitives_models::licence::check(licence.as_bytes()).map_err(|fault| {
			Error::usage(format!("`{licence}` is no SPDX expression: {fault}"))
				.because("InvalidLicence")
				.hint("such as MIT, or Apache-2.0 WITH LLVM-exception, or LicenseRef-Mine")
		})?;
		let licence = licence.into_bytes().try_into().map_err(|_| {
			Error::usage("the licence is too long: an SPDX expression has up to 64 bytes")
		})?;
		let (architecture, paths) = match (&args.architecture, path.is_dir()) {
			(None, true) => (Folder::open(path)?.architecture, folder::weights(path)?),
			(Some(written), is_dir) => {
				let architecture = architecture(&written.family, &written.sizes)?;
				let files = if is_dir { folder::weights(path)? } else { vec![path.clone()] };
				(architecture, files)
			},
			(None, false) => {
				return Err(Error::usage("the model has no architecture")
					.hint("name a folder with a config.json, or say --architecture mlp:64,32,10"))
			},
		};
		let (weights, layout) = one(path, &paths)?;
		let tokenizer = if takes_tokens(&architecture) {
			folder::read(path, tokenizer::FILE, tokenizer::MAX_LEN)?
		} else {
			None
		};
		let mut this = Self {
			path: path.clone(),
			name,
			architecture,
			licence,
			weights,
			tokenizer,
			card: None,
			listing: None,
			folder: None,
		};
		if path.is_dir() {
			this.add_folder(&args.exclude, &layout)?;
		} else if let Some(excluded) = args.exclude.first() {
			return Err(Error::usage(format!(
				"{} is no folder: there is no `{excluded}` in it",
				path.display()
			)));
		}
		Ok(this)
	}

	/// Adds all files of the folder.
	fn add_folder(&mut self, excluded: &[String], layout: &[Laid]) -> Result<()> {
		let found = listing::walk(&self.path, excluded)?;
		let tokenizer = self.tokenizer.as_ref().map(|_| self.path.join(tokenizer::FILE));
		let (listing, artifact) = pack(&found, layout, tokenizer.as_deref())?;
		let is_card = |file: &&listing::Found| {
			file.name == folder::MODEL_CARD && (1..=CHUNK_SIZE.into()).contains(&file.size)
		};
		if let Some(card) = found.iter().find(is_card) {
			let fault = |error| Error::usage(format!("{}: {error}", card.path.display()));
			self.card = Some(fs::read(&card.path).map_err(fault)?);
		}
		self.listing = Some(listing);
		self.folder = Some(Rc::new(artifact));
		Ok(())
	}

	/// The model. Refuses weights that the engine refuses, and a tokenizer that is none.
	pub fn load(&self) -> Result<Model> {
		dodona_engine::self_test().map_err(|error| {
			Error::failed(format!("this program's answers are not the engine's: {error}"))
				.hint("build it again without flags that change arithmetic")
		})?;
		if let Some(json) = &self.tokenizer {
			Tokenizer::parse(json).map_err(|error| {
				let file = self.path.join(tokenizer::FILE);
				Error::usage(format!("{}: {error}", file.display()))
			})?;
		}
		self.check_trace()
			.and_then(|()| Model::load_from(&self.architecture, &[&*self.weights]))
			.map_err(|error| folder::unfit(&self.path, error))
	}

	/// Refuses weights whose runs could not be disputed: workers don't answer with them.
	fn check_trace(&self) -> Result<(), EngineError> {
		let len = usize::try_from(self.weights.len()).map_err(|_| EngineError::OutOfMemory)?;
		let mut bytes = vec![0; len];
		self.weights.read_at(0, &mut bytes)?;
		trace::check(&self.architecture, &bytes)
	}
}

/// The files of weights as one, and where each of them is in it.
fn one(path: &Path, paths: &[PathBuf]) -> Result<(Rc<dyn Source>, Vec<Laid>)> {
	let mut files = folder::open(paths)?;
	let lay = |(path, (own, start, len)): (&PathBuf, (u64, u64, u64))| Laid {
		path: path.clone(),
		own,
		start,
		len,
	};
	match (files.pop(), files.is_empty()) {
		// Its bytes stay what they are, so that anyone who has the file knows its hash.
		(Some(file), true) => {
			let layout = paths.iter().zip([(0, 0, file.len())]).map(lay).collect();
			Ok((Rc::new(file), layout))
		},
		(last, _) => {
			files.extend(last);
			let joined = Joined::of(files).map_err(|error| folder::unfit(path, error))?;
			let layout = paths.iter().zip(joined.layout()).map(lay).collect();
			Ok((Rc::new(joined), layout))
		},
	}
}

/// The architecture of this family with these sizes.
pub fn architecture(family: &str, sizes: &[u32]) -> Result<Architecture> {
	if family != "mlp" {
		return Err(Error::usage(format!("there is no architecture `{family}`"))
			.hint("mlp:<inputs>,<hidden>,…,<outputs>"));
	}
	let widths = sizes
		.to_vec()
		.try_into()
		.map_err(|_| Error::usage(format!("an mlp has up to {} widths", mlp::MAX_WIDTHS)))?;
	let architecture = Architecture::Mlp(mlp::Config { widths });
	architecture.validate().map_err(Error::usage)?;
	Ok(architecture)
}

/// Refuses a name that the chain would refuse.
fn check_name(name: &str) -> Result<()> {
	let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
	let well_formed_part = |part: &str| {
		part.bytes().next().is_some_and(alphanumeric)
			&& part.bytes().all(|byte| alphanumeric(byte) || b"-._".contains(&byte))
	};
	let well_formed = name.split('/').count() <= 2
		&& name.split('/').all(well_formed_part)
		&& Name::try_from(name.as_bytes().to_vec()).is_ok();
	if well_formed {
		return Ok(());
	}
	Err(Error::usage(format!("`{name}` can't be a model's name"))
		.hint("org/name or name, in a-z, 0-9, `-`, `.` and `_`, up to 64 characters"))
}

fn config_in(folder: &Path) -> Result<Config> {
	const FILE: &str = "config.json";
	let Some(json) = folder::read(folder, FILE, MAX_CONFIG_LEN)? else {
		return Ok(Config::default());
	};
	serde_json::from_slice(&json)
		.map_err(|error| Error::usage(format!("{}: {error}", folder.join(FILE).display())))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		args::{Cli, Command, Model as ModelCommand},
		commands::model::temporary,
		error::Kind,
	};
	use clap::Parser;
	use std::fs;

	impl Publication {
		/// What is published of `folder`, of a name and a licence that mean nothing.
		pub fn of(folder: &Path) -> Self {
			publish(&[folder.to_str().unwrap(), ABOUT[0], ABOUT[1]]).unwrap()
		}
	}

	fn publish(arguments: &[&str]) -> Result<Publication> {
		let line = ["dodona", "model", "publish"].iter().chain(arguments);
		match Cli::try_parse_from(line).unwrap().command {
			Command::Model(ModelCommand::Publish(args)) => Publication::read(&args),
			other => panic!("{other:?}"),
		}
	}

	fn bytes(publication: &Publication) -> Vec<u8> {
		let mut bytes = vec![0; publication.weights.len() as usize];
		publication.weights.read_at(0, &mut bytes).unwrap();
		bytes
	}

	const CONFIG: &str =
		r#"{"name": "a/b", "license": "MIT", "architecture": "mlp", "widths": [4, 3], "x": 1}"#;
	const ABOUT: [&str; 2] = ["--name=a", "--licence=MIT"];

	fn mlp(test: &str) -> temporary::Folder {
		temporary::Folder::new(test, &[("config.json", CONFIG), ("model.safetensors", "w")])
	}

	#[test]
	fn publication_should_take_everything_from_the_folder_when_nothing_is_said() {
		let path = mlp("plain");
		let publication = publish(&[path.path()]).unwrap();
		assert_eq!(publication.name, "a/b");
		assert_eq!(publication.licence.to_vec(), b"MIT");
		assert_eq!(bytes(&publication), b"w");
		assert_eq!(publication.architecture, architecture("mlp", &[4, 3]).unwrap());
		assert!(publication.tokenizer.is_none());
	}

	#[test]
	fn publication_should_prefer_the_command_line_when_both_say_something() {
		let path = mlp("override");
		let publication =
			publish(&[path.path(), "--name=c", "--license=Apache-2.0", "--architecture=mlp:8,2"])
				.unwrap();
		assert_eq!(publication.name, "c");
		assert_eq!(publication.licence.to_vec(), b"Apache-2.0");
		assert_eq!(publication.architecture, architecture("mlp", &[8, 2]).unwrap());
	}

	#[test]
	fn publication_should_be_a_language_model_with_all_that_its_folder_says() {
		let folder = temporary::Folder::llama("publish");
		let (json, path) = (crate::commands::model::tokenizer::tests::json(), folder.as_path());
		fs::write(path.join("generation_config.json"), r#"{"eos_token_id": [8, 9]}"#).unwrap();
		let publish = || publish(&[&[folder.path()][..], &ABOUT].concat());
		assert!(publish().unwrap().tokenizer.is_none());
		fs::write(path.join("tokenizer.json"), &json).unwrap();
		let publication = publish().unwrap();
		publication.load().unwrap();
		let Architecture::Llama(config) = &publication.architecture else { panic!("no llama") };
		assert_eq!((config.vocab, &config.stop[..]), (260, &[8, 9][..]));
		assert_eq!(publication.tokenizer.as_deref(), Some(json.as_bytes()));
		// As it is, if it is one file.
		assert!(bytes(&publication) == fs::read(path.join("model.safetensors")).unwrap());

		folder.split(3);
		let publication = publish().unwrap();
		publication.load().unwrap();
		assert!(bytes(&publication) == bytes(&publish().unwrap()));
	}

	#[test]
	fn tokenizer_should_be_left_out_when_the_model_takes_numbers() {
		let folder = mlp("numbers");
		fs::write(folder.as_path().join("tokenizer.json"), "not looked at").unwrap();
		assert!(publish(&[folder.path()]).unwrap().tokenizer.is_none());
	}

	#[test]
	fn load_should_refuse_what_nobody_could_use() {
		let error = publish(&[mlp("useless").path()]).unwrap().load().err().unwrap();
		assert!(error.hint.unwrap().contains("config.json"));

		let folder = temporary::Folder::llama("speechless");
		fs::write(folder.as_path().join("tokenizer.json"), "{}").unwrap();
		let about = [&[folder.path()][..], &ABOUT].concat();
		let error = publish(&about).unwrap().load().err().unwrap();
		assert!(error.message.contains("tokenizer.json"), "{}", error.message);
		fs::remove_file(folder.as_path().join("tokenizer.json")).unwrap();
		publish(&about).unwrap().load().unwrap();
		folder.change("config.json", |config| config["vocab_size"] = 261.into());
		let error = publish(&about).unwrap().load().err().unwrap();
		assert_eq!(error.kind, Kind::Usage);
		assert!(error.message.contains("model.embed_tokens"), "{}", error.message);
	}

	#[test]
	fn publication_should_be_refused_when_something_is_missing_or_ambiguous() {
		let two = temporary::Folder::new(
			"two",
			&[("config.json", CONFIG), ("a.safetensors", ""), ("b.safetensors", "")],
		);
		let bare = temporary::Folder::new("bare", &[("model.safetensors", "w")]);
		let broken =
			temporary::Folder::new("broken", &[("config.json", "{"), ("model.safetensors", "w")]);
		let long = "--licence=".to_owned() + &"a".repeat(65);
		for arguments in [
			vec![two.path()],
			vec![broken.path()],
			vec![bare.path()],
			vec![bare.path(), "--name=a"],
			vec![bare.path(), "--name=a", "--licence=MIT"],
			vec![bare.path(), "--name=a", "--architecture=mlp:2,1", long.as_str()],
			vec!["/no/such/file", "--name=a", "--licence=MIT"],
			vec!["/no/such/file", "--name=a", "--licence=MIT", "--architecture=mlp:2,1"],
		] {
			let error = publish(&arguments).err().unwrap();
			assert_eq!(error.kind, Kind::Usage, "{arguments:?}");
		}
		let arguments = [bare.path(), "--name=a", "--licence=MIT", "--architecture=mlp:2,1"];
		assert!(publish(&arguments).is_ok());
	}

	#[test]
	fn architecture_should_be_refused_when_the_engine_cannot_run_it() {
		assert!(architecture("mlp", &[64, 32, 10]).is_ok());
		assert!(architecture("transformer", &[64, 10]).is_err());
		assert!(architecture("mlp", &[64]).is_err());
		assert!(architecture("mlp", &[64, 0, 10]).is_err());
		assert!(architecture("mlp", &[2; 17]).is_err());
	}

	#[test]
	fn name_should_be_refused_when_the_chain_would_refuse_it() {
		for name in ["digits", "dodona/digits", "a.b_c-1/x"] {
			assert!(check_name(name).is_ok(), "{name}");
		}
		let long = "a".repeat(65);
		for name in
			["", "/", "a/", "/a", "a/b/c", "Digits", "a b", "ä", "-a", "a/.b", long.as_str()]
		{
			assert!(check_name(name).is_err(), "{name}");
		}
	}
}
