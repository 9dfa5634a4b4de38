//! Who gets how much of what a model earns.

use super::{kind_text, table_of, waiting, Table, Waiting};
use crate::{
	amount::Token,
	chain::{At, Balance, Chain},
	commands::{
		hex0x, short,
		stake::{Pace, Part},
		Model,
	},
	error::Result,
	output::table,
	Session,
};
use dodona_primitives_models::VersionId;
use serde_json::{json, Value};

pub async fn list(session: &Session, name: &str) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, royalties) = table_of(&chain, &at, name).await?;
	let open = waiting(&chain, &at, &model).await?;
	let earned = earned(&chain, &at, &model).await?;
	let pace = Pace::of(&chain, &at).await?;
	let document = json!({
		"name": name,
		"model": model.id,
		"owner": royalties.owner,
		"remainder": part(royalties.remainder.deconstruct()).number(),
		"undistributed": earned.iter().map(|(id, amount)| json!({
			"version": id.number,
			"amount": amount.to_string(),
		})).collect::<Vec<_>>(),
		"shares": royalties.entries.iter().map(|entry| json!({
			"entry": entry.id,
			"holder": entry.holder,
			"kind": kind_text(entry.kind),
			"content": hex0x(entry.content),
			"share": part(entry.share.deconstruct()).number(),
			"vested": part(entry.vested.deconstruct()).number(),
			"since": entry.from,
			"whole": pace.json(entry.until),
			"pending": entry.pending.to_string(),
		})).collect::<Vec<_>>(),
		"waiting": open.iter().map(waiting_json).collect::<Vec<_>>(),
	});
	session
		.output
		.result(&document, || text(name, &royalties, &open, &earned, &pace, &chain.token));
	Ok(())
}

/// What the versions of a model have earned that isn't distributed, without those that have not.
pub async fn earned(chain: &Chain, at: &At, model: &Model) -> Result<Vec<(VersionId, Balance)>> {
	let mut earned = Vec::new();
	for number in 1..=model.latest {
		let id = VersionId { model: model.id, number };
		let amount: Balance = chain.call(at, "ContributionsApi_undistributed", (id,)).await?;
		if amount > 0 {
			earned.push((id, amount));
		}
	}
	Ok(earned)
}

pub fn waiting_json(one: &Waiting) -> Value {
	json!({
		"id": one.id,
		"author": one.author,
		"kind": kind_text(one.kind),
		"content": hex0x(one.content),
		"share": part(one.share.deconstruct()).number(),
		"deposit": one.deposit.to_string(),
	})
}

pub fn part(parts: u32) -> Part {
	Part(parts)
}

fn text(
	name: &str,
	royalties: &Table,
	open: &[Waiting],
	earned: &[(VersionId, Balance)],
	pace: &Pace,
	token: &Token,
) -> String {
	let owner = royalties
		.owner
		.as_ref()
		.map_or("the treasury".into(), |owner| owner.to_string());
	let rest = part(royalties.remainder.deconstruct()).text();
	let mut lines = vec![format!("owner        {owner}: {rest}")];
	for (id, amount) in earned {
		lines.push(format!("to share     {} of {name}@{}", token.show(*amount), id.number));
	}
	let rows: Vec<Vec<String>> = royalties
		.entries
		.iter()
		.map(|entry| {
			let whole = part(entry.share.deconstruct()).text();
			let share = match entry.vested == entry.share {
				true => whole,
				false => {
					let vested = part(entry.vested.deconstruct()).text();
					format!("{vested} now, {whole} {}", pace.when(entry.until))
				},
			};
			vec![
				entry.id.to_string(),
				entry.holder.to_string(),
				kind_text(entry.kind).into(),
				short(&hex0x(entry.content)),
				share,
				token.show(entry.pending),
			]
		})
		.collect();
	if !rows.is_empty() {
		lines.push(String::new());
		lines.push(table(&["entry", "holder", "for", "content", "share", "to claim"], &rows));
	}
	let rows: Vec<Vec<String>> = open
		.iter()
		.map(|one| {
			vec![
				one.id.to_string(),
				one.author.to_string(),
				kind_text(one.kind).into(),
				short(&hex0x(one.content)),
				part(one.share.deconstruct()).text(),
			]
		})
		.collect();
	if !rows.is_empty() {
		lines.push(String::new());
		lines.push(table(&["waits", "author", "for", "content", "asks for"], &rows));
	}
	lines.join("\n")
}
