//! `dodona model`: publish, look up and run models.

mod artifact;
mod folder;
mod joined;
mod publish;
mod quantize;
mod run;
mod source;
#[cfg(test)]
pub mod temporary;
pub mod tokenizer;

use crate::{
	args::Model as Command,
	commands::{architecture_text, hex0x, model_by_name, models, text, version, Model, Version},
	error::{Error, Result},
	output::table,
	Session,
};
use dodona_primitives_models::{chunk_cid, ArtifactRef, VersionId, VersionState};
#[cfg(test)]
pub use folder::Folder;
use serde_json::{json, Value};
#[cfg(test)]
pub use source::architecture;

pub async fn run(session: &Session, command: Command) -> Result<()> {
	match command {
		Command::Publish(args) => publish::run(session, args).await,
		Command::List => list(session).await,
		Command::Show { name } => show(session, &name).await,
		Command::Run(args) => run::run(session, args),
		Command::Quantize(args) => quantize::run(session, args),
	}
}

async fn list(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let mut documents = Vec::new();
	let mut rows = Vec::new();
	for model in models(&chain, &at).await? {
		let mut document = model_json(&model);
		let mut row = vec![model.id.to_string(), text(&model.name)];
		match model.active {
			Some(number) => {
				let id = VersionId { model: model.id, number };
				let active = version(&chain, &at, id).await?.ok_or_else(|| vanished(id))?;
				let manifest = &active.manifest;
				document["price"] = manifest.price.to_string().into();
				document["architecture"] = architecture_text(&manifest.architecture).into();
				document["tokenizer"] = manifest.tokenizer.as_ref().map(artifact_json).into();
				row.push(format!("@{number}"));
				row.push(architecture_text(&manifest.architecture));
				row.push(manifest.tokenizer.map_or(String::new(), tokenizer_text));
				row.push(chain.token.show(manifest.price));
			},
			None => row.extend(["none".into(), String::new(), String::new(), String::new()]),
		}
		row.push(owner_text(&model));
		documents.push(document);
		rows.push(row);
	}
	session.output.result(&documents, || {
		let header = ["id", "name", "active", "architecture", "tokenizer", "price", "owner"];
		table(&header, &rows)
	});
	Ok(())
}

async fn show(session: &Session, name: &str) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, name).await?;
	let mut versions = Vec::new();
	for number in 1..=model.latest {
		let id = VersionId { model: model.id, number };
		versions.push(version(&chain, &at, id).await?.ok_or_else(|| vanished(id))?);
	}
	let mut document = model_json(&model);
	document["versions"] = versions.iter().map(version_json).collect();
	session.output.result(&document, || {
		let mut lines = vec![
			format!("model  {} (id {})", text(&model.name), model.id),
			format!("owner  {}", owner_text(&model)),
		];
		for version in &versions {
			let manifest = &version.manifest;
			lines.push(String::new());
			lines.push(format!("@{} {}", version.id.number, state_text(version.state)));
			lines.push(format!("  architecture  {}", architecture_text(&manifest.architecture)));
			lines.push(format!("  licence       {}", text(&manifest.licence)));
			lines.push(format!("  price         {}", chain.token.show(manifest.price)));
			lines.push(format!(
				"  weights       {}, root {}",
				size_text(&manifest.artifact),
				hex0x(manifest.artifact.root)
			));
			if let Some(tokenizer) = &manifest.tokenizer {
				let (size, root) = (size_text(tokenizer), hex0x(tokenizer.root));
				lines.push(format!("  tokenizer     {size}, root {root}"));
			}
			lines.push(format!("  proposed by   {}", version.proposer));
			if let Some(parent) = manifest.derived_from {
				lines.push(format!("  made from     model {} @{}", parent.model, parent.number));
			}
		}
		lines.join("\n")
	});
	Ok(())
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

/// The size of a tokenizer, shortly.
fn tokenizer_text(tokenizer: ArtifactRef) -> String {
	match tokenizer.size.div_ceil(1024) {
		kib @ 0..1024 => format!("{kib} KiB"),
		kib => format!("{} MiB", kib.div_ceil(1024)),
	}
}

fn state_text(state: VersionState) -> &'static str {
	match state {
		VersionState::Proposed => "proposed",
		VersionState::Approved => "approved",
		VersionState::Active => "active",
		VersionState::Deprecated => "deprecated",
		VersionState::Revoked => "revoked",
	}
}

fn model_json(model: &Model) -> Value {
	json!({
		"id": model.id,
		"name": text(&model.name),
		"owner": model.owner,
		"active": model.active,
		"latest": model.latest,
	})
}

fn version_json(version: &Version) -> Value {
	let manifest = &version.manifest;
	json!({
		"model": version.id.model,
		"version": version.id.number,
		"state": state_text(version.state),
		"proposer": version.proposer,
		"architecture": architecture_text(&manifest.architecture),
		"engine": manifest.engine,
		"licence": text(&manifest.licence),
		"price": manifest.price.to_string(),
		"derived_from": manifest.derived_from,
		"artifact": artifact_json(&manifest.artifact),
		"tokenizer": manifest.tokenizer.as_ref().map(artifact_json),
	})
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
			tokenizer,
			engine: 1,
			derived_from: None,
			licence: Decode::decode(&mut &[12, b'M', b'I', b'T'][..]).unwrap(),
			price: 5,
		};
		let id = VersionId { model: 3, number: 2 };
		Version { id, proposer: [1; 32].into(), state: VersionState::Active, manifest }
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
	fn tokenizer_should_have_a_short_size() {
		let text = |size| tokenizer_text(ArtifactRef { size, ..version(None).manifest.artifact });
		assert_eq!((text(1), text(264_689)), ("1 KiB".into(), "259 KiB".into()));
		assert_eq!((text(1 << 20), text((9 << 20) + 1)), ("1 MiB".into(), "10 MiB".into()));
	}
}
