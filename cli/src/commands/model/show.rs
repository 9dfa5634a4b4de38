//! `dodona model list` and `show`: what models there are.

use super::{
	artifact_json,
	chunks::Chunks,
	contents::Opened,
	description::metadata_json,
	keep::{endowment, parts},
	owner_text, price_json, size_in_words, size_text, state_text, vanished, version_json,
};
use crate::{
	amount::Token,
	chain::{At, Balance, Chain},
	commands::{architecture_text, hex0x, model_by_name, models, text, version, Model, Version},
	error::Result,
	output::table,
	Session,
};
use dodona_primitives_models::{chunk_cid, Price, VersionId, VersionState};
use serde_json::{json, Value};

pub async fn list(session: &Session) -> Result<()> {
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
				document["price"] = price_json(&manifest.price);
				document["architecture"] = architecture_text(&manifest.architecture).into();
				document["tokenizer"] = manifest.tokenizer.as_ref().map(artifact_json).into();
				row.push(format!("@{number}"));
				row.push(architecture_text(&manifest.architecture));
				row.push(size_in_words(manifest.artifact.size));
				row.push(price_text(&manifest.price, &chain.token));
			},
			None => row.extend(["none".into(), String::new(), String::new(), String::new()]),
		}
		row.push(owner_text(&model));
		documents.push(document);
		rows.push(row);
	}
	session.output.result(&documents, || {
		let header = ["id", "name", "active", "architecture", "weights", "price", "owner"];
		table(&header, &rows)
	});
	Ok(())
}

pub async fn run(session: &Session, name: &str, chunks: bool) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, name).await?;
	let mut versions = Vec::new();
	for number in 1..=model.latest {
		let id = VersionId { model: model.id, number };
		// Of one that was revoked long ago there is no record.
		versions.extend(version(&chain, &at, id).await?);
	}
	let endowment = endowment(&chain, &at, model.id).await?;
	let mut document = model_json(&model);
	document["endowment"] = endowment.to_string().into();
	let mut documents = Vec::new();
	for version in &versions {
		let mut document = version_json(version);
		if chunks {
			document["cids"] = cids(&chain, &model, version).await?;
		}
		documents.push(document);
	}
	document["versions"] = documents.iter().cloned().collect();
	session.output.result(&document, || {
		let mut lines = about(&model);
		lines.push(format!("endowment    {}", chain.token.show(endowment)));
		for (version, document) in versions.iter().zip(&documents) {
			lines.push(String::new());
			lines.extend(version_lines(version, &at, &chain.token));
			for (part, ..) in parts(version).iter().map(|(_, name, _)| (name,)) {
				let cids = document["cids"][part].as_array();
				for cid in cids.into_iter().flatten().filter_map(Value::as_str) {
					lines.push(format!("  {part:<12}  {cid}"));
				}
			}
		}
		lines.join("\n")
	});
	Ok(())
}

/// The addresses of all chunks of a version, by part.
async fn cids(chain: &Chain, model: &Model, version: &Version) -> Result<Value> {
	let mirrors = model.metadata.mirrors.iter().map(|mirror| text(mirror)).collect();
	let chunks = Chunks::new(chain, mirrors);
	let mut cids = json!({});
	for (_, part, artifact) in parts(version) {
		let opened = Opened::of(&artifact, async |hash| chunks.get(hash).await).await?;
		cids[part] = opened.hashes.iter().map(|hash| chunk_cid((*hash).into())).collect();
	}
	Ok(cids)
}

/// What is said of a model, in lines.
fn about(model: &Model) -> Vec<String> {
	let metadata = &model.metadata;
	let mut lines = vec![
		format!("model        {} (id {})", text(&model.name), model.id),
		format!("owner        {}", owner_text(model)),
	];
	if !metadata.description.is_empty() {
		lines.push(format!("description  {}", text(&metadata.description)));
	}
	if !metadata.tags.is_empty() {
		let tags: Vec<String> = metadata.tags.iter().map(|tag| text(tag)).collect();
		lines.push(format!("tags         {}", tags.join(", ")));
	}
	lines.extend(metadata.mirrors.iter().map(|mirror| format!("mirror       {}", text(mirror))));
	lines.extend(metadata.card.map(|card| format!("card         {}", chunk_cid(card))));
	lines
}

fn version_lines(version: &Version, at: &At, token: &Token) -> Vec<String> {
	let manifest = &version.manifest;
	let mut lines = vec![match &version.state {
		VersionState::Revoked { reason, at } => {
			format!("@{} revoked in block {at}: {}", version.id.number, text(reason))
		},
		VersionState::Suspended { reason, .. } => {
			format!("@{} suspended: {}", version.id.number, text(reason))
		},
		state => format!("@{} {}", version.id.number, state_text(state)),
	}];
	lines.push(format!("  architecture  {}", architecture_text(&manifest.architecture)));
	lines.push(format!("  licence       {}", text(&manifest.licence)));
	lines.push(format!("  price         {}", price_text(&manifest.price, token)));
	for (_, part, artifact) in parts(version) {
		lines.push(format!(
			"  {part:<12}  {}, root {}",
			size_text(&artifact),
			hex0x(artifact.root)
		));
	}
	lines.push(match version.kept_until {
		Some(until) => {
			let left = u64::from(until).saturating_sub(at.block_number());
			format!("  kept          until block {until}, {left} from now")
		},
		None => "  kept          until nobody knows when: `dodona model keep`".into(),
	});
	lines.push(format!("  proposed by   {}", version.proposer));
	if let Some(parent) = manifest.derived_from {
		lines.push(format!("  made from     model {} @{}", parent.model, parent.number));
	}
	lines
}

/// What a request costs.
fn price_text(price: &Price<Balance>, token: &Token) -> String {
	match price {
		Price { request, work: 0 } => token.show(*request),
		Price { request: 0, work } => format!("{} a unit of work", token.show(*work)),
		Price { request, work } => {
			format!("{}, and {} a unit of work", token.show(*request), token.show(*work))
		},
	}
}

fn model_json(model: &Model) -> Value {
	json!({
		"id": model.id,
		"name": text(&model.name),
		"owner": model.owner,
		"active": model.active,
		"latest": model.latest,
		"metadata": metadata_json(&model.metadata),
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn price_should_name_only_what_is_not_free() {
		let token = Token { symbol: "D".into(), decimals: 1 };
		let text = |request, work| price_text(&Price { request, work }, &token);
		assert_eq!((text(0, 0), text(10, 0)), ("0 D".into(), "1 D".into()));
		assert_eq!(text(0, 1), "0.1 D a unit of work");
		assert_eq!(text(10, 1), "1 D, and 0.1 D a unit of work");
	}

	#[test]
	fn model_should_be_shown_with_what_is_said_of_it() {
		let bytes = |text: &str| text.as_bytes().to_vec();
		let mut model = Model {
			id: 3,
			name: bytes("a/b").try_into().unwrap(),
			owner: None,
			active: Some(2),
			latest: 4,
			metadata: Default::default(),
		};
		assert_eq!(about(&model).len(), 2);
		model.metadata.description = bytes("says things").try_into().unwrap();
		model.metadata.tags = vec![bytes("tiny").try_into().unwrap()].try_into().unwrap();
		model.metadata.card = Some([7; 32].into());
		assert_eq!(about(&model).len(), 5);
		let shown = model_json(&model);
		assert_eq!(shown["metadata"]["description"], "says things");
		assert_eq!(shown["metadata"]["tags"], json!(["tiny"]));
		let cid = shown["metadata"]["card"]["cid"].as_str().unwrap();
		assert_eq!(cid, chunk_cid([7; 32].into()));
	}
}
