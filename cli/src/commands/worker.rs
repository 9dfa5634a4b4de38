//! `dodona worker`: bond, pause, set a commission, leave.

use crate::{
	amount::{Amount, Token},
	args::{gov::Percent, stake::Portion, AccountArg, Worker},
	chain::{account_of, At, Balance, BlockNumber, Chain},
	commands::{
		stake::{
			execute, find_pool, pool_json, pool_lines, role_text, unbonding_period, Pace, Part,
			Pool, PALLET,
		},
		Operator,
	},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_staking::Role;
use serde_json::{json, Value};
use subxt::{
	ext::scale_encode::EncodeAsFields,
	utils::{AccountId32, Static},
};
use subxt_signer::sr25519::Keypair;

pub async fn run(session: &Session, command: Worker) -> Result<()> {
	match command {
		Worker::Join { hot_key, bond } => join(session, hot_key, bond).await,
		Worker::Status { account } => status(session, account).await,
		Worker::BondExtra { amount } => bond_extra(session, amount).await,
		Worker::Unbond { amount } => unbond(session, amount).await,
		Worker::Rebond { amount } => rebond(session, amount).await,
		Worker::Pause => change(session, "chill", ()).await,
		Worker::Resume => change(session, "resume", ()).await,
		Worker::HotKey { key } => hot_key(session, key).await,
		Worker::Commission { part } => commission(session, part).await,
		Worker::Leave => leave(session).await,
		Worker::Withdraw => withdraw(session).await,
	}
}

/// An operator as scripts see it.
pub fn operator_json(operator: &Operator) -> Value {
	let unbonding: Vec<Value> = operator
		.unbonding
		.iter()
		.map(|(amount, block)| json!({ "amount": amount.to_string(), "from_block": block }))
		.collect();
	json!({
		"operator": operator.operator,
		"hot_key": operator.hot_key,
		"role": operator.role,
		"bonded": operator.bonded.to_string(),
		"delegated": operator.delegated.to_string(),
		"counted": operator.counted.to_string(),
		"unbonding": unbonding,
		"active": operator.active,
		"strikes": operator.strikes,
		"obligations": operator.obligations,
		"earned": operator.earned.to_string(),
	})
}

async fn connect(session: &Session) -> Result<(Chain, Keypair)> {
	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	Ok((chain, signer))
}

async fn find(chain: &Chain, at: &At, account: &AccountId32) -> Result<Option<Operator>> {
	chain.call(at, "ContributorStakingApi_operator", (account,)).await
}

async fn get(chain: &Chain, account: &AccountId32) -> Result<Operator> {
	let at = chain.best().await?;
	find(chain, &at, account).await?.ok_or_else(|| {
		Error::failed(format!("{account} is no operator"))
			.hint("bond with `dodona worker join --hot-key <key> --bond <amount>`")
	})
}

async fn show(session: &Session, chain: &Chain, account: &AccountId32) -> Result<()> {
	let operator = get(chain, account).await?;
	let at = chain.best().await?;
	let pool = find_pool(chain, &at, &operator.operator).await?;
	let pace = Pace::of(chain, &at).await?;
	let mut document = operator_json(&operator);
	document["pool"] = pool.as_ref().map(|pool| pool_json(pool, &pace)).into();
	session
		.output
		.result(&document, || describe(&operator, pool.as_ref(), &pace, &chain.token));
	Ok(())
}

fn describe(operator: &Operator, pool: Option<&Pool>, pace: &Pace, token: &Token) -> String {
	let state = match (operator.active, operator.role) {
		(true, _) => "active: drawn into committees",
		(false, Role::Worker) => "paused",
		(false, _) => "bonded",
	};
	let mut lines = vec![
		format!("operator     {}", operator.operator),
		format!("hot key      {}", operator.hot_key),
		format!("role         {}", role_text(operator.role)),
		format!("state        {state}"),
		format!("bonded       {}", token.show(operator.bonded)),
	];
	for (amount, block) in &operator.unbonding {
		lines.push(format!("unbonding    {}: {}", token.show(*amount), pace.when(*block)));
	}
	if let Some(pool) = pool {
		lines.extend(pool_lines(pool, pace, token));
	}
	lines.push(format!("strikes      {}", operator.strikes));
	lines.push(format!("open seats   {}", operator.obligations));
	lines.push(format!("earned       {}", token.show(operator.earned)));
	lines.join("\n")
}

/// Sends a call of the signer's, and shows what it is then.
async fn change(session: &Session, call: &str, args: impl EncodeAsFields) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	execute(&chain, &signer, call, args).await?;
	show(session, &chain, &account_of(&signer)).await
}

async fn join(session: &Session, hot_key: AccountArg, bond: Amount) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let amount = bond.of(&chain.token).map_err(Error::usage)?;
	let at = chain.best().await?;
	if let Some(minimum) = chain.constant::<Balance>(&at, PALLET, "MinBond") {
		if amount < minimum {
			return Err(Error::failed(format!(
				"a bond of {} is too small",
				chain.token.show(amount)
			))
			.hint(format!("bond {} or more", chain.token.show(minimum))));
		}
	}
	session.output.note(format!("bonding {} …", chain.token.show(amount)));
	let args = (Static(Role::Worker), hot_key.0, amount);
	execute(&chain, &signer, "bond", args).await?;
	session.output.note(format!(
		"your node needs the secret of {} in its keystore, with key type `dodo`",
		hot_key.0
	));
	show(session, &chain, &account_of(&signer)).await
}

async fn status(session: &Session, account: Option<AccountArg>) -> Result<()> {
	let chain = session.connect().await?;
	let account = match account {
		Some(account) => account.0,
		None => account_of(&session.signer(&chain).await?),
	};
	show(session, &chain, &account).await
}

async fn bond_extra(session: &Session, amount: Amount) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let amount = amount.of(&chain.token).map_err(Error::usage)?;
	session.output.note(format!("bonding {} more …", chain.token.show(amount)));
	execute(&chain, &signer, "bond_extra", (amount,)).await?;
	show(session, &chain, &account_of(&signer)).await
}

async fn unbond(session: &Session, amount: Portion) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let operator = get(&chain, &account_of(&signer)).await?;
	let amount = amount.of(operator.bonded, &chain.token).map_err(Error::usage)?;
	note_unbonding(session, &chain, amount).await?;
	execute(&chain, &signer, "unbond", (amount,)).await?;
	show(session, &chain, &account_of(&signer)).await
}

/// Says what unbonding means before it begins.
async fn note_unbonding(session: &Session, chain: &Chain, amount: Balance) -> Result<()> {
	let at = chain.best().await?;
	let wait = match unbonding_period(chain, &at) {
		Some(period) => format!(" for {}", Pace::of(chain, &at).await?.blocks_text(period)),
		None => String::new(),
	};
	let shown = chain.token.show(amount);
	session
		.output
		.note(format!("unbonding {shown}: they stay in reach of slashes{wait} …"));
	Ok(())
}

async fn rebond(session: &Session, amount: Portion) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let operator = get(&chain, &account_of(&signer)).await?;
	let all = operator
		.unbonding
		.iter()
		.fold(0u128, |sum, (chunk, _)| sum.saturating_add(*chunk));
	let amount = amount.of(all, &chain.token).map_err(Error::usage)?;
	session.output.note(format!("bonding {} again …", chain.token.show(amount)));
	execute(&chain, &signer, "rebond", (amount,)).await?;
	show(session, &chain, &account_of(&signer)).await
}

async fn hot_key(session: &Session, key: AccountArg) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let operator = get(&chain, &account_of(&signer)).await?;
	session.output.note(format!(
		"from now on {} signs, and {} can't: your node needs its secret, with key type `dodo`",
		key.0, operator.hot_key,
	));
	execute(&chain, &signer, "set_hot_key", (key.0,)).await?;
	show(session, &chain, &account_of(&signer)).await
}

async fn commission(session: &Session, part: Percent) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let at = chain.best().await?;
	let wanted = Part(part.0);
	let most = chain.constant::<u32>(&at, PALLET, "MaxCommission").map(Part);
	if let Some(most) = most.filter(|most| wanted > *most) {
		return Err(Error::failed(format!("an operator keeps {} at most", most.text()))
			.because(format!("{PALLET}.CommissionTooHigh"))
			.hint("set a lower one"));
	}
	let included = execute(&chain, &signer, "set_commission", (wanted.0,)).await?;
	let pace = Pace::of(&chain, &chain.best().await?).await?;
	let from = included
		.event(PALLET, "CommissionSet")
		.and_then(|fields| <(AccountId32, u32, BlockNumber)>::decode(&mut &fields[..]).ok())
		.map(|(.., from)| from);
	if let Some(from) = from.filter(|from| *from > included.block) {
		session
			.output
			.note(format!("your delegators see it now, and it applies {}", pace.when(from),));
	}
	show(session, &chain, &account_of(&signer)).await
}

async fn leave(session: &Session) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let account = account_of(&signer);
	let operator = get(&chain, &account).await?;
	if operator.active {
		session.output.note("pausing …");
		execute(&chain, &signer, "chill", ()).await?;
	}
	if operator.bonded > 0 {
		note_unbonding(session, &chain, operator.bonded).await?;
		execute(&chain, &signer, "unbond", (operator.bonded,)).await?;
	}
	show(session, &chain, &account).await
}

async fn withdraw(session: &Session) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let account = account_of(&signer);
	execute(&chain, &signer, "withdraw_unbonded", ()).await?;
	let at = chain.best().await?;
	let left = find(&chain, &at, &account).await?;
	let pace = Pace::of(&chain, &at).await?;
	// An operator with nothing left is forgotten.
	let document = json!({ "withdrawn": true, "operator": left.as_ref().map(operator_json) });
	session.output.result(&document, || match &left {
		Some(operator) => describe(operator, None, &pace, &chain.token),
		None => format!("{account} has withdrawn everything and is no operator any more"),
	});
	Ok(())
}
