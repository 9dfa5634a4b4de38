//! What there is at stake, and what it earns.

use super::{eras_of, holding, mean_apr, percent, pool_of, Era, Holding, Pace, Part, Pool};
use crate::{
	amount::Token,
	args::AccountArg,
	chain::{account_of, At, Balance, BlockNumber, Chain},
	commands::{operators as list, Operator},
	error::Result,
	output::table,
	Session,
};
use dodona_primitives_staking::{DelegationInfo, Offence, Role};
use serde_json::{json, Map, Value};
use subxt::utils::AccountId32;

/// What an APR is counted in.
const MILLION: u64 = 1_000_000;

type Delegation = DelegationInfo<AccountId32, Balance, BlockNumber>;

pub async fn show(session: &Session, account: Option<AccountArg>) -> Result<()> {
	let chain = session.connect().await?;
	let account = match account {
		Some(account) => account.0,
		None => account_of(&session.signer(&chain).await?),
	};
	let at = chain.best().await?;
	let holding = holding(&chain, &at, &account).await?;
	let operator: Option<Operator> =
		chain.call(&at, "ContributorStakingApi_operator", (&account,)).await?;
	// A hot key is no operator itself.
	let operator = operator.filter(|one| one.operator == account);
	let pace = Pace::of(&chain, &at).await?;
	let document = json!({
		"account": account,
		"role": operator.as_ref().map(|one| one.role),
		"active": operator.as_ref().map(|one| one.active),
		"bonded": holding.bonded.to_string(),
		"delegations": holding
			.delegations
			.iter()
			.map(|one| delegation_json(one, &pace))
			.collect::<Vec<_>>(),
		"unbonding": holding
			.unbonding
			.iter()
			.map(|chunk| unbonding_json(Some(&chunk.operator), chunk.amount, chunk.until, &pace))
			.collect::<Vec<_>>(),
		"claimable": holding.claimable.to_string(),
	});
	session
		.output
		.result(&document, || text(&account, &holding, operator.as_ref(), &pace, &chain.token));
	Ok(())
}

fn text(
	account: &AccountId32,
	holding: &Holding,
	operator: Option<&Operator>,
	pace: &Pace,
	token: &Token,
) -> String {
	let mut lines = vec![format!("account      {account}")];
	if let Some(operator) = operator {
		let state = if operator.active { "active" } else { "paused" };
		lines.push(format!("role         {}, {state}", role_text(operator.role)));
		lines.push(format!("bonded       {}", token.show(holding.bonded)));
	}
	lines.push(format!("claimable    {}", token.show(holding.claimable)));
	for chunk in &holding.unbonding {
		let with = if chunk.operator == *account {
			"own bond".into()
		} else {
			format!("with {}", chunk.operator)
		};
		let when = pace.when(chunk.until);
		lines.push(format!("unbonding    {}, {with}: {when}", token.show(chunk.amount)));
	}
	let rows: Vec<Vec<String>> = holding
		.delegations
		.iter()
		.map(|one| {
			vec![
				one.operator.to_string(),
				token.show(one.active),
				token.show(one.claimable),
				if one.compound { "delegated again" } else { "paid out" }.into(),
				token.show(one.uncollected),
			]
		})
		.collect();
	if rows.is_empty() {
		lines.push("delegated    nothing".into());
	} else {
		lines.push(String::new());
		let header = ["delegated to", "worth", "claimable", "a claim is", "slashed, still held"];
		lines.push(table(&header, &rows));
	}
	lines.join("\n")
}

pub async fn operators(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let apr = mean_apr(&eras_of(&chain, &at).await?);
	let pace = Pace::of(&chain, &at).await?;
	let mut all = Vec::new();
	for operator in list(&chain, &at).await? {
		let pool = pool_of(&chain, &at, &operator.operator).await?;
		all.push((operator, pool));
	}
	// What people look for first: who earns something and takes more.
	all.sort_by_key(|(operator, pool)| (!operator.active, pool.commission, operator.operator.0));
	let document = json!({
		"apr": apr.map(share),
		"operators": all.iter().map(|(operator, pool)| {
			let mut document = pool_json(pool, &pace);
			document["role"] = json!(operator.role);
			document["active"] = operator.active.into();
			document["strikes"] = operator.strikes.into();
			document["apr"] = json!(delegators_apr(operator, pool, apr).map(share));
			document
		}).collect::<Vec<_>>(),
	});
	session.output.result(&document, || {
		let rows: Vec<Vec<String>> = all
			.iter()
			.map(|(operator, pool)| {
				vec![
					operator.operator.to_string(),
					role_text(operator.role).into(),
					chain.token.show(pool.own),
					chain.token.show(pool.active),
					chain.token.show(pool.room),
					commission_text(pool),
					delegators_apr(operator, pool, apr)
						.map_or("-".into(), |apr| percent(apr, MILLION)),
					state_text(operator, pool).into(),
				]
			})
			.collect();
		if rows.is_empty() {
			return "there are no operators".into();
		}
		let header =
			["operator", "role", "bonded", "delegated", "room", "commission", "apr", "state"];
		let apr = match apr {
			Some(_) => {
				"apr: what all stake earned in the last eras, a year long, less the commission"
			},
			None => "apr: not known before the first era has ended",
		};
		format!("{}\n\n{apr}\nmore with `dodona stake pool <operator>`", table(&header, &rows))
	});
	Ok(())
}

pub async fn pool(session: &Session, operator: AccountId32) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let pool = pool_of(&chain, &at, &operator).await?;
	let pace = Pace::of(&chain, &at).await?;
	session.output.result(&pool_json(&pool, &pace), || {
		let mut lines = vec![
			format!("operator     {operator}"),
			format!("bonded       {}", chain.token.show(pool.own)),
		];
		lines.extend(pool_lines(&pool, &pace, &chain.token));
		lines.join("\n")
	});
	Ok(())
}

pub async fn eras(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let eras = eras_of(&chain, &at).await?;
	let current = current_era(&chain, &at).await?;
	let document = json!({
		"current": current,
		"eras": eras.iter().map(era_json).collect::<Vec<_>>(),
		"apr": mean_apr(&eras).map(share),
	});
	session.output.result(&document, || {
		let mut lines = Vec::new();
		if let (Some(index), Some(since)) = (current.get("era"), current.get("since")) {
			lines.push(format!("now          era {index}, since block {since}"));
		}
		if eras.is_empty() {
			lines.push("no era has ended yet".into());
			return lines.join("\n");
		}
		let rows: Vec<Vec<String>> = eras
			.iter()
			.map(|era| {
				vec![
					era.era.to_string(),
					era.length.to_string(),
					chain.token.show(era.fees),
					chain.token.show(era.minted),
					chain.token.show(era.stake),
					percent(era.apr, MILLION),
				]
			})
			.collect();
		lines.push(String::new());
		lines.push(table(&["era", "blocks", "fees", "minted", "stake", "apr"], &rows));
		lines.join("\n")
	});
	Ok(())
}

/// The era that runs.
async fn current_era(chain: &Chain, at: &At) -> Result<Map<String, Value>> {
	let era: Option<subxt::dynamic::Value> =
		chain.stored(at, super::PALLET, "CurrentEra", ()).await?;
	let field = |name: &str| {
		use subxt::ext::scale_value::At as _;
		era.as_ref().and_then(|era| era.at(name)).and_then(|value| value.as_u128())
	};
	let mut current = Map::new();
	for (name, key) in [("era", "index"), ("since", "since"), ("seats", "seats")] {
		if let Some(value) = field(key).and_then(|value| u64::try_from(value).ok()) {
			current.insert(name.into(), value.into());
		}
	}
	for name in ["fees", "contributed"] {
		if let Some(value) = field(name) {
			current.insert(name.into(), value.to_string().into());
		}
	}
	Ok(current)
}

/// What a year in this operator's pool would earn, in parts per million, if it earns what all do.
fn delegators_apr(operator: &Operator, pool: &Pool, apr: Option<u64>) -> Option<u64> {
	let earns = operator.active && operator.role == Role::Worker && !pool.closed;
	Some(commission(pool).rest_of(apr.filter(|_| earns)?))
}

/// What the operator keeps now.
pub fn commission(pool: &Pool) -> Part {
	Part(pool.commission.deconstruct())
}

/// What the operator keeps, now or announced.
pub fn highest_commission(pool: &Pool) -> Part {
	let raised = pool.raise.map_or(0, |(raised, _)| raised.deconstruct());
	commission(pool).max(Part(raised))
}

/// What the operator keeps, and what it has announced.
pub fn commission_text(pool: &Pool) -> String {
	let now = commission(pool).text();
	match pool.raise {
		Some((raised, from)) => {
			format!("{now}, {} from block {from}", Part(raised.deconstruct()).text())
		},
		None => now,
	}
}

/// A pool as scripts see it.
pub fn pool_json(pool: &Pool, pace: &Pace) -> Value {
	json!({
		"operator": pool.operator,
		"bonded": pool.own.to_string(),
		"delegated": pool.active.to_string(),
		"unbonding": pool.unbonding.to_string(),
		"uncollected": pool.uncollected.to_string(),
		"delegators": pool.delegators,
		"room": pool.room.to_string(),
		"commission": commission(pool).number(),
		"raise": pool.raise.map(|(raised, from)| {
			let mut raise = pace.json(from);
			raise["commission"] = json!(Part(raised.deconstruct()).number());
			raise
		}),
		"dripping": pool.dripping.to_string(),
		"drips_until": pool.drips_until,
		"unclaimed": pool.unclaimed.to_string(),
		"closed": pool.closed,
		"slashes": pool.slashes.iter().map(|slash| json!({
			"id": slash.id,
			"offence": slash.offence,
			"fraction": Part(slash.fraction.deconstruct()).number(),
			"due": slash.due,
			"reporter": slash.reporter,
		})).collect::<Vec<_>>(),
	})
}

/// A pool for people, without the operator's own.
pub fn pool_lines(pool: &Pool, pace: &Pace, token: &Token) -> Vec<String> {
	let mut lines = vec![
		format!("delegated    {} by {}", token.show(pool.active), pool.delegators),
		format!("commission   {}", commission_text(pool)),
	];
	if pool.unbonding > 0 {
		lines.push(format!("leaving      {}", token.show(pool.unbonding)));
	}
	if pool.uncollected > 0 {
		lines.push(format!("slashed      {}, still held", token.show(pool.uncollected)));
	}
	if pool.dripping > 0 {
		let when = pace.when(pool.drips_until);
		lines.push(format!("not due yet  {}, all of it {when}", token.show(pool.dripping)));
	}
	lines.push(match pool.closed {
		true => "room         none: the operator has left, withdraw at once".into(),
		false => format!("room         {}", token.show(pool.room)),
	});
	for slash in &pool.slashes {
		lines.push(format!(
			"slash        {} of everything, for {}: {}",
			Part(slash.fraction.deconstruct()).text(),
			offence_text(slash.offence),
			pace.when(slash.due),
		));
	}
	lines
}

fn delegation_json(one: &Delegation, pace: &Pace) -> Value {
	json!({
		"operator": one.operator,
		"active": one.active.to_string(),
		"unbonding": one
			.unbonding
			.iter()
			.map(|(amount, until)| unbonding_json(None, *amount, *until, pace))
			.collect::<Vec<_>>(),
		"held": one.held.to_string(),
		"uncollected": one.uncollected.to_string(),
		"claimable": one.claimable.to_string(),
		"compound": one.compound,
	})
}

fn unbonding_json(
	operator: Option<&AccountId32>,
	amount: Balance,
	until: BlockNumber,
	pace: &Pace,
) -> Value {
	let mut document = pace.json(until);
	document["amount"] = amount.to_string().into();
	if let Some(operator) = operator {
		document["operator"] = json!(operator);
	}
	document
}

fn era_json(era: &Era) -> Value {
	json!({
		"era": era.era,
		"blocks": era.length,
		"fees": era.fees.to_string(),
		"minted": era.minted.to_string(),
		"stake": era.stake.to_string(),
		"apr": share(era.apr),
	})
}

/// An APR for scripts.
fn share(apr: u64) -> f64 {
	apr as f64 / MILLION as f64
}

fn state_text(operator: &Operator, pool: &Pool) -> &'static str {
	match (operator.active, pool.slashes.is_empty(), pool.room) {
		(_, false, _) => "a slash waits",
		(false, ..) => "paused",
		(true, true, 0) => "active, full",
		(true, true, _) => "active",
	}
}

pub fn role_text(role: Role) -> &'static str {
	match role {
		Role::Worker => "worker",
		Role::Publisher => "publisher",
		Role::Curator => "curator",
		Role::DataContributor => "data contributor",
	}
}

fn offence_text(offence: Offence) -> &'static str {
	match offence {
		Offence::NoShow => "not committing",
		Offence::Unrevealed => "not revealing",
		Offence::Dissent => "another answer than the result",
	}
}
