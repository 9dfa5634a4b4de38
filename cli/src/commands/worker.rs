//! `dodona worker`: bond, pause, leave.

use crate::{
	amount::{Amount, Token},
	args::{AccountArg, Worker},
	chain::{account_of, At, Balance, Chain},
	commands::Operator,
	error::{Error, Result},
	Session,
};
use dodona_primitives_staking::Role;
use serde_json::{json, Value};
use subxt::utils::{AccountId32, Static};
use subxt_signer::sr25519::Keypair;

const PALLET: &str = "ContributorStaking";

pub async fn run(session: &Session, command: Worker) -> Result<()> {
	match command {
		Worker::Join { hot_key, bond } => join(session, hot_key, bond).await,
		Worker::Status { account } => status(session, account).await,
		Worker::Resume => {
			let (chain, signer) = connect(session).await?;
			chain.execute(&signer, PALLET, "resume", ()).await?;
			show(session, &chain, &account_of(&signer)).await
		},
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
		"bonded": operator.bonded.to_string(),
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
	session
		.output
		.result(&operator_json(&operator), || describe(&operator, &chain.token));
	Ok(())
}

fn describe(operator: &Operator, token: &Token) -> String {
	let state = if operator.active { "active: drawn into committees" } else { "paused" };
	let mut lines = vec![
		format!("operator     {}", operator.operator),
		format!("hot key      {}", operator.hot_key),
		format!("state        {state}"),
		format!("bonded       {}", token.show(operator.bonded)),
	];
	for (amount, block) in &operator.unbonding {
		lines.push(format!("unbonding    {} until block {block}", token.show(*amount)));
	}
	lines.push(format!("strikes      {}", operator.strikes));
	lines.push(format!("open seats   {}", operator.obligations));
	lines.push(format!("earned       {}", token.show(operator.earned)));
	lines.join("\n")
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
	chain.execute(&signer, PALLET, "bond", args).await?;
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

async fn leave(session: &Session) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let account = account_of(&signer);
	let operator = get(&chain, &account).await?;
	if operator.active {
		session.output.note("pausing …");
		chain.execute(&signer, PALLET, "chill", ()).await?;
	}
	if operator.bonded > 0 {
		session
			.output
			.note(format!("unbonding {} …", chain.token.show(operator.bonded)));
		chain.execute(&signer, PALLET, "unbond", (operator.bonded,)).await?;
	}
	show(session, &chain, &account).await
}

async fn withdraw(session: &Session) -> Result<()> {
	let (chain, signer) = connect(session).await?;
	let account = account_of(&signer);
	chain.execute(&signer, PALLET, "withdraw_unbonded", ()).await?;
	let at = chain.best().await?;
	let left = find(&chain, &at, &account).await?;
	// An operator with nothing left is forgotten.
	let document = json!({ "withdrawn": true, "operator": left.as_ref().map(operator_json) });
	session.output.result(&document, || match &left {
		Some(operator) => describe(operator, &chain.token),
		None => format!("{account} has withdrawn everything and is no operator any more"),
	});
	Ok(())
}
