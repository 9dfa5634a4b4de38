//! `dodona model`: publish, look up and run models.

mod admission;
mod artifact;
mod bill;
pub mod chunks;
pub mod contents;
mod description;
mod fetch;
mod folder;
mod joined;
mod keep;
mod known_answers;
mod listing;
mod mirror;
mod pack;
mod parts;
mod publish;
mod quantize;
mod residence;
mod run;
mod show;
mod source;
mod spliced;
mod store;
mod target;
#[cfg(test)]
pub mod temporary;
pub mod tokenizer;
mod verify;

use crate::{
	args::{Model as Command, ModelRef},
	chain::{Balance, Chain},
	commands::{
		architecture_text, hex0x, model_by_name, number_of, state_text, text, version_of, Model,
		Version,
	},
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::{chunk_cid, ArtifactRef, Price, VersionId, VersionState};
pub use folder::Folder;
use serde_json::{json, Value};
#[cfg(test)]
pub use source::architecture;

pub async fn run(session: &Session, command: Command) -> Result<()> {
	match command {
		Command::Publish(args) => publish::run(session, args).await,
		Command::List => show::list(session).await,
		Command::Show { name, chunks } => show::run(session, &name, chunks).await,
		Command::Fetch(args) => fetch::run(session, args).await,
		Command::Verify(args) => verify::run(session, args).await,
		Command::Endow { name, amount } => keep::endow(session, &name, amount).await,
		Command::Keep(args) => keep::run(session, args).await,
		Command::Reside { model } => residence::reside(session, &model).await,
		Command::Unreside { model } => residence::unreside(session, &model).await,
		Command::Donate { name } => keep::donate(session, &name).await,
		Command::Run(args) => run::run(session, args),
		Command::Quantize(args) => quantize::run(session, args),
	}
}

/// A version that somebody named, the active one unless they named another.
async fn named(chain: &Chain, named: &ModelRef) -> Result<(Model, Version)> {
	let at = chain.best().await?;
	let model = model_by_name(chain, &at, &named.name).await?;
	let version = version_of(chain, &at, &model, number_of(&model, named)?).await?;
	Ok((model, version))
}

fn vanished(id: VersionId) -> Error {
	Error::failed(format!("model {} has no version {}", id.model, id.number))
}

fn owner_text(model: &Model) -> String {
	model.owner.map_or("the commons".into(), |owner| owner.to_string())
}

fn size_text(artifact: &ArtifactRef) -> String {
	let plural = if artifact.chunks == 1 { "" } else { "s" };
	format!("{} bytes in {} chunk{plural}", artifact.size, artifact.chunks)
}

/// A number of bytes, shortly.
fn size_in_words(bytes: u64) -> String {
	const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
	let mut size = bytes as f64;
	let mut unit = "bytes";
	for next in UNITS {
		if size < 1024.0 {
			break;
		}
		(size, unit) = (size / 1024.0, next);
	}
	match unit {
		"bytes" => format!("{bytes} bytes"),
		_ => format!("{size:.1} {unit}"),
	}
}

fn price_json(price: &Price<Balance>) -> Value {
	json!({ "request": price.request.to_string(), "work": price.work.to_string() })
}

fn version_json(version: &Version) -> Value {
	let manifest = &version.manifest;
	let mut document = json!({
		"model": version.id.model,
		"version": version.id.number,
		"state": state_text(&version.state),
		"proposer": version.proposer,
		"architecture": architecture_text(&manifest.architecture),
		"engine": manifest.engine,
		"licence": text(&manifest.licence),
		"price": price_json(&manifest.price),
		"derived_from": manifest.derived_from,
		"known_answers": hex0x(manifest.known_answers),
		"kept_until": version.kept_until,
		"artifact": artifact_json(&manifest.artifact),
		"tokenizer": manifest.tokenizer.as_ref().map(artifact_json),
		"folder": manifest.folder.as_ref().map(artifact_json),
	});
	match &version.state {
		VersionState::Revoked { reason, at } => {
			document["reason"] = text(reason).into();
			document["since"] = (*at).into();
		},
		VersionState::Suspended { was, reason } => {
			document["reason"] = text(reason).into();
			document["was"] = json!(was);
		},
		_ => {},
	}
	document
}

fn artifact_json(artifact: &ArtifactRef) -> Value {
	json!({
		"root": hex0x(artifact.root),
		"index": hex0x(artifact.index),
		"cid": chunk_cid(artifact.index),
		"size": artifact.size,
		"chunks": artifact.chunks,
	})
}

/// A chunk by its hash.
fn chunk_json(hash: impl AsRef<[u8]>) -> Value {
	let mut bytes = [0; 32];
	let hash = hash.as_ref();
	if hash.len() == bytes.len() {
		bytes.copy_from_slice(hash);
	}
	json!({ "hash": hex0x(bytes), "cid": chunk_cid(bytes.into()) })
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::Decode;
	use dodona_primitives_models::Manifest;

	fn version(tokenizer: Option<ArtifactRef>) -> Version {
		let (artifact, ..) = ArtifactRef::of(&[7; 300]);
		let manifest = Manifest {
			architecture: architecture("mlp", &[2, 1]).unwrap(),
			artifact,
			pages: Default::default(),
			tokenizer,
			folder: None,
			known_answers: Default::default(),
			engine: 1,
			derived_from: None,
			licence: Decode::decode(&mut &[12, b'M', b'I', b'T'][..]).unwrap(),
			price: Price { request: 5, work: 7 },
		};
		let id = VersionId { model: 3, number: 2 };
		let (proposer, state) = ([1; 32].into(), VersionState::Active);
		Version { id, proposer, state, kept_until: Some(99), manifest }
	}

	#[test]
	fn version_should_be_shown_with_its_tokenizer_when_it_has_one() {
		let (tokenizer, ..) = ArtifactRef::of(&[1; 5]);
		let with = version_json(&version(Some(tokenizer)));
		assert_eq!(with["tokenizer"]["size"], 5);
		assert_eq!(with["tokenizer"]["root"], hex0x(tokenizer.root));
		assert_ne!(with["tokenizer"]["root"], with["artifact"]["root"]);
		assert_eq!(version_json(&version(None))["tokenizer"], Value::Null);
	}

	#[test]
	fn version_should_be_shown_with_its_price_and_how_long_it_is_kept() {
		let shown = version_json(&version(None));
		assert_eq!(shown["price"], json!({ "request": "5", "work": "7" }));
		assert_eq!((&shown["kept_until"], &shown["reason"]), (&json!(99), &Value::Null));
		let reason = b"does harm".to_vec().try_into().unwrap();
		let state = VersionState::Revoked { reason, at: 7 };
		let shown = version_json(&Version { state, ..version(None) });
		assert_eq!(shown["state"], "revoked");
		assert_eq!((&shown["reason"], &shown["since"]), (&json!("does harm"), &json!(7)));
	}

	#[test]
	fn size_should_be_short_in_words() {
		let all = [0, 1023, 1024, 264_689, 3 << 20, 5 << 40, u64::MAX].map(size_in_words);
		let expected = [
			"0 bytes",
			"1023 bytes",
			"1.0 KiB",
			"258.5 KiB",
			"3.0 MiB",
			"5.0 TiB",
			"16777216.0 TiB",
		];
		assert_eq!(all, expected);
	}
}
