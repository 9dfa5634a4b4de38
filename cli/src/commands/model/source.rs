//! What is published: the weights, and what is said about them.

use super::folder::Folder;
use crate::{
	args::Publish,
	error::{Error, Result},
};
use dodona_engine::architecture::mlp;
use dodona_primitives_models::{Architecture, Licence, Name};
use serde::Deserialize;
use std::{
	fs,
	path::{Path, PathBuf},
};

/// A model on disk.
#[derive(Debug)]
pub struct Source {
	/// The safetensors file.
	pub path: PathBuf,
	/// Its bytes.
	pub weights: Vec<u8>,
	/// The model's name.
	pub name: String,
	/// What is computed.
	pub architecture: Architecture,
	/// The licence.
	pub licence: Licence,
}

/// `config.json` next to the weights. Other fields are for others to read.
#[derive(Debug, Default, Deserialize)]
struct Config {
	name: Option<String>,
	#[serde(alias = "licence")]
	license: Option<String>,
	architecture: Option<String>,
	widths: Option<Vec<u32>>,
}

impl Source {
	/// Finds and reads what the command line names.
	pub fn read(args: &Publish) -> Result<Self> {
		let (path, config) = if args.path.is_dir() {
			(weights_in(&args.path)?, config_in(&args.path)?)
		} else {
			(args.path.clone(), Config::default())
		};
		let name = args
			.name
			.clone()
			.or(config.name)
			.ok_or_else(|| Error::usage("the model has no name").hint("--name org/name"))?;
		check_name(&name)?;
		let licence = args.licence.clone().or(config.license).ok_or_else(|| {
			Error::usage("the model has no licence").hint("--licence with an SPDX expression")
		})?;
		let architecture =
			match (&args.architecture, config.architecture, config.widths) {
				(Some(written), _, _) => architecture(&written.family, &written.sizes)?,
				(None, Some(family), Some(widths)) => architecture(&family, &widths)?,
				(None, _, _) if args.path.join("config.json").is_file() => {
					Folder::open(&args.path)?.architecture
				},
				_ => return Err(Error::usage("the model has no architecture").hint(
					"--architecture mlp:64,32,10, or `architecture` and `widths` in config.json",
				)),
			};
		let weights = fs::read(&path)
			.map_err(|error| Error::usage(format!("{}: {error}", path.display())))?;
		let licence = licence.into_bytes().try_into().map_err(|_| {
			Error::usage("the licence is too long: an SPDX expression has up to 64 bytes")
		})?;
		Ok(Self { path, weights, name, architecture, licence })
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

fn weights_in(folder: &Path) -> Result<PathBuf> {
	let usual = folder.join("model.safetensors");
	if usual.is_file() {
		return Ok(usual);
	}
	let unreadable = |error| Error::usage(format!("{}: {error}", folder.display()));
	let mut found = Vec::new();
	for entry in fs::read_dir(folder).map_err(unreadable)? {
		let path = entry.map_err(unreadable)?.path();
		if path.extension().is_some_and(|extension| extension == "safetensors") {
			found.push(path);
		}
	}
	match (found.pop(), found.is_empty()) {
		(Some(path), true) => Ok(path),
		_ => Err(Error::usage(format!(
			"{} has no model.safetensors and not exactly one other safetensors file",
			folder.display()
		))
		.hint("name the file itself")),
	}
}

fn config_in(folder: &Path) -> Result<Config> {
	let path = folder.join("config.json");
	if !path.exists() {
		return Ok(Config::default());
	}
	let unreadable =
		|error: &dyn std::fmt::Display| Error::usage(format!("{}: {error}", path.display()));
	let json = fs::read(&path).map_err(|error| unreadable(&error))?;
	serde_json::from_slice(&json).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		args::{Cli, Command, Model},
		commands::model::temporary,
	};
	use clap::Parser;

	fn publish(arguments: &[&str]) -> Result<Source> {
		let line = ["dodona", "model", "publish"].iter().chain(arguments);
		match Cli::try_parse_from(line).unwrap().command {
			Command::Model(Model::Publish(args)) => Source::read(&args),
			other => panic!("{other:?}"),
		}
	}

	const CONFIG: &str =
		r#"{"name": "a/b", "license": "MIT", "architecture": "mlp", "widths": [4, 3], "x": 1}"#;

	#[test]
	fn source_should_take_everything_from_the_folder_when_nothing_is_said() {
		let path =
			temporary::Folder::new("plain", &[("config.json", CONFIG), ("model.safetensors", "w")]);
		let source = publish(&[path.path()]).unwrap();
		assert_eq!(source.name, "a/b");
		assert_eq!(source.licence.to_vec(), b"MIT");
		assert_eq!(source.weights, b"w");
		assert_eq!(source.architecture, architecture("mlp", &[4, 3]).unwrap());
	}

	#[test]
	fn source_should_be_what_the_folder_is_a_model_of_when_it_is_no_perceptron() {
		let path = temporary::Folder::llama("publish");
		let source = publish(&[path.path(), "--name=a", "--licence=MIT"]).unwrap();
		assert!(matches!(source.architecture, Architecture::Llama(llama) if llama.vocab == 260));
	}

	#[test]
	fn source_should_prefer_the_command_line_when_both_say_something() {
		let path = temporary::Folder::new(
			"override",
			&[("config.json", CONFIG), ("model.safetensors", "w")],
		);
		let source =
			publish(&[path.path(), "--name=c", "--license=Apache-2.0", "--architecture=mlp:8,2"])
				.unwrap();
		assert_eq!(source.name, "c");
		assert_eq!(source.licence.to_vec(), b"Apache-2.0");
		assert_eq!(source.architecture, architecture("mlp", &[8, 2]).unwrap());
	}

	#[test]
	fn source_should_be_refused_when_something_is_missing_or_ambiguous() {
		let two = temporary::Folder::new(
			"two",
			&[("config.json", CONFIG), ("a.safetensors", ""), ("b.safetensors", "")],
		);
		let bare = temporary::Folder::new("bare", &[("model.safetensors", "w")]);
		let broken =
			temporary::Folder::new("broken", &[("config.json", "{"), ("model.safetensors", "w")]);
		for arguments in [
			vec![two.path()],
			vec![broken.path()],
			vec![bare.path()],
			vec![bare.path(), "--name=a"],
			vec![bare.path(), "--name=a", "--licence=MIT"],
			vec!["/no/such/file", "--name=a", "--licence=MIT", "--architecture=mlp:2,1"],
		] {
			let error = publish(&arguments).unwrap_err();
			assert_eq!(error.kind, crate::error::Kind::Usage, "{arguments:?}");
		}
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
