//! `dodona status`: the chain at a glance.

use crate::{
	chain::Balance,
	commands::{models, operators, short, text, worker::operator_json},
	error::Result,
	output::table,
	Session,
};
use jsonrpsee::rpc_params;
use serde_json::{json, Map, Value};

/// Constants that say how long things take and what they cost; governance sets most of them.
const PARAMETERS: [(&str, &str); 11] = [
	("Inference", "CommitteeSize"),
	("Inference", "MaxAttempts"),
	("Inference", "CommitPeriod"),
	("Inference", "RevealPeriod"),
	("Inference", "ChallengePeriod"),
	("Inference", "ResultRetention"),
	("ContributorStaking", "MinBond"),
	("ContributorStaking", "UnbondingPeriod"),
	("ContributorStaking", "LongestObligation"),
	("ContributorStaking", "MinDelegation"),
	("ContributorStaking", "EraLength"),
];

pub async fn run(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let name: String = chain.rpc("system_chain", rpc_params![]).await?;
	let node: String = chain.rpc("system_version", rpc_params![]).await?;
	let runtime: Value = chain.rpc("state_getRuntimeVersion", rpc_params![]).await?;
	let health: Value = chain.rpc("system_health", rpc_params![]).await?;
	let (best, finalized) = (chain.best().await?, chain.finalized().await?);
	let models = models(&chain, &best).await?;
	let operators = operators(&chain, &best).await?;

	let mut parameters = Map::new();
	for (pallet, constant) in PARAMETERS {
		if let Some(value) = chain.constant::<Balance>(&best, pallet, constant) {
			let shown = match constant {
				"MinBond" | "MinDelegation" => Value::from(value.to_string()),
				_ => Value::from(value as u64),
			};
			parameters.insert(format!("{pallet}.{constant}"), shown);
		}
	}
	let document = json!({
		"chain": name,
		"genesis": format!("{:?}", chain.genesis()),
		"node": node,
		"peers": health["peers"],
		"runtime": { "name": runtime["specName"], "version": runtime["specVersion"] },
		"best": best.block_number(),
		"finalized": finalized.block_number(),
		"token": { "symbol": chain.token.symbol, "decimals": chain.token.decimals },
		"parameters": parameters,
		"models": models.iter().map(|model| json!({
			"id": model.id,
			"name": text(&model.name),
			"active": model.active,
		})).collect::<Vec<_>>(),
		"operators": operators.iter().map(operator_json).collect::<Vec<_>>(),
	});
	session.output.result(&document, || {
		let mut lines = vec![
			format!("chain      {name}, genesis {}", short(&format!("{:?}", chain.genesis()))),
			format!("head       {} (final: {})", best.block_number(), finalized.block_number()),
			format!(
				"runtime    {} {}, node {node}, {} peers",
				runtime["specName"].as_str().unwrap_or("?"),
				runtime["specVersion"],
				health["peers"]
			),
		];
		for (name, value) in &parameters {
			let value = match value.as_str().and_then(|amount| amount.parse().ok()) {
				Some(amount) => chain.token.show(amount),
				None => value.to_string(),
			};
			lines.push(format!("           {name} = {value}"));
		}
		lines.push(format!("models     {}", models.len()));
		for model in &models {
			let active = model.active.map_or("no active version".into(), |n| format!("@{n}"));
			lines.push(format!("           {} {active}", text(&model.name)));
		}
		let active = operators.iter().filter(|operator| operator.active).count();
		lines.push(format!("operators  {}, {active} of them active", operators.len()));
		let rows: Vec<Vec<String>> = operators
			.iter()
			.map(|operator| {
				vec![
					operator.operator.to_string(),
					chain.token.show(operator.bonded),
					chain.token.show(operator.delegated),
					if operator.active { "active".into() } else { "paused".into() },
					operator.strikes.to_string(),
					chain.token.show(operator.earned),
				]
			})
			.collect();
		if !rows.is_empty() {
			lines.push(table(
				&["operator", "bonded", "delegated", "state", "strikes", "earned"],
				&rows,
			));
		}
		lines.join("\n")
	});
	Ok(())
}
