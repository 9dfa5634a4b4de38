//! What delegators do.

use super::{
	call::{execute, included},
	check::Wanted,
	holding, pool_of, unbonding_period,
	view::{commission, highest_commission, pool_json},
	Holding, Pace, Part, Pool, PALLET,
};
use crate::{
	amount::Token,
	args::stake::{Delegate, Portion, Switch, Withdraw},
	chain::{account_of, At, Balance, BlockNumber, Chain, Included},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_staking::DelegationInfo;
use serde_json::json;
use subxt::utils::AccountId32;

type Delegation = DelegationInfo<AccountId32, Balance, BlockNumber>;

pub async fn delegate(session: &Session, args: Delegate) -> Result<()> {
	let operator = args.operator.0;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let pool = pool_of(&chain, &at, &operator).await?;
	let amount = args.amount.of(&chain.token).map_err(Error::usage)?;
	let highest = highest_commission(&pool);
	let most = args.max_commission.map_or(highest, |most| Part(most.0));
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let mine = holding(&chain, &at, &me).await?;
	let has = with(&mine, &operator).map_or(0, |one| one.active);
	let least = chain.constant::<Balance>(&at, PALLET, "MinDelegation").unwrap_or_default();
	let wanted = Wanted { amount, has, least, most };
	wanted.check(&pool, me == operator, &chain.token)?;

	let call = (operator, amount, most.0);
	let pace = Pace::of(&chain, &at).await?;
	let shown = chain.token.show(amount);
	session
		.output
		.note(format!("delegating {shown} to {operator}: they stay in {me}, held"));
	session.output.note(match pool.raise {
		Some((raised, from)) if raised > pool.commission => format!(
			"it keeps {} of what they earn, and {} {}",
			commission(&pool).text(),
			Part(raised.deconstruct()).text(),
			pace.when(from),
		),
		_ => format!("it keeps {} of what they earn", commission(&pool).text()),
	});
	if let Some(period) = unbonding_period(&chain, &at) {
		session.output.note(format!(
			"a slash of the operator takes the same part of them, and does so for {} after \
			 `undelegate`",
			pace.blocks_text(period),
		));
	}
	let fee = chain.fee(&signer, PALLET, "delegate", call).await?;
	session
		.output
		.note(format!("the transaction costs {} at most", chain.token.show(fee)));
	let included = execute(&chain, &signer, "delegate", call).await?;

	let (pool, mine) = after(&chain, &operator, &me).await?;
	let active = with(&mine, &operator).map_or(0, |one| one.active);
	let document = json!({
		"operator": operator,
		"amount": amount.to_string(),
		"active": active.to_string(),
		"block": included.block,
		"fees": included.fee().to_string(),
		"pool": pool_json(&pool, &pace),
	});
	session.output.result(&document, || {
		let (all, token) = (pool.active, &chain.token);
		format!(
			"{me} delegates {} of the {} that {operator} has",
			token.show(active),
			token.show(all),
		)
	});
	Ok(())
}

pub async fn undelegate(session: &Session, operator: AccountId32, amount: Portion) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let mine = holding(&chain, &at, &me).await?;
	let active = delegation(&mine, &me, &operator)?.active;
	let amount = amount.of(active, &chain.token).map_err(Error::usage)?;
	let refuse = |message: String, reason: &str, hint: String| {
		Err(Error::failed(message).because(format!("{PALLET}.{reason}")).hint(hint))
	};
	if active == 0 || amount > active {
		let message = format!("{me} delegates {} to {operator}", chain.token.show(active));
		return refuse(message, "NotEnoughDelegated", "undelegate less, or `all`".into());
	}
	let least = chain.constant::<Balance>(&at, PALLET, "MinDelegation").unwrap_or_default();
	let left = active.saturating_sub(amount);
	if left > 0 && left < least {
		let message = format!("{} is too little to leave behind", chain.token.show(left));
		let hint = format!("leave {}, or undelegate `all`", chain.token.show(least));
		return refuse(message, "DelegationTooLow", hint);
	}

	let pace = Pace::of(&chain, &at).await?;
	let shown = chain.token.show(amount);
	let wait = match unbonding_period(&chain, &at) {
		Some(period) => format!(" for {}", pace.blocks_text(period)),
		None => String::new(),
	};
	session.output.note(format!(
		"{shown} leave {operator}: they earn nothing from now on, and answer for its offences{wait}"
	));
	let call = (operator, amount);
	let fee = chain.fee(&signer, PALLET, "undelegate", call).await?;
	session
		.output
		.note(format!("the transaction costs {} at most", chain.token.show(fee)));
	let included = execute(&chain, &signer, "undelegate", call).await?;
	let until = included
		.event(PALLET, "Undelegating")
		.and_then(|fields| {
			<(AccountId32, AccountId32, Balance, BlockNumber)>::decode(&mut &fields[..]).ok()
		})
		.map(|(.., until)| until);
	let mut document = json!({
		"operator": operator,
		"amount": amount.to_string(),
		"active": left.to_string(),
		"block": included.block,
		"from_block": until,
		"fees": included.fee().to_string(),
	});
	if let Some(until) = until {
		document["in_seconds"] = pace.json(until)["in_seconds"].clone();
	}
	session.output.result(&document, || {
		let when = until.map_or("later".into(), |until| pace.when(until));
		format!("{shown} are free {when}: `dodona stake withdraw`")
	});
	Ok(())
}

pub async fn withdraw(session: &Session, args: Withdraw) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let mine = holding(&chain, &at, &me).await?;
	let pace = Pace::of(&chain, &at).await?;
	let named = args.operator.map(|one| one.0);
	if let Some(operator) = &named {
		delegation(&mine, &me, operator)?;
	}
	let chosen = |one: &&Delegation| named.is_none_or(|operator| one.operator == operator);
	let (mut due, mut waits) = (Vec::new(), None);
	for one in mine.delegations.iter().filter(chosen) {
		let pool = pool_of(&chain, &at, &one.operator).await?;
		if !pool.closed && !one.unbonding.iter().any(|(_, until)| pace.is_past(*until)) {
			continue;
		}
		if pool.slashes.is_empty() {
			due.push((one.operator, false));
			continue;
		}
		let fractions = pool.slashes.iter().map(|slash| Part(slash.fraction.deconstruct()));
		let loss = Part::together(fractions).text();
		if args.leave_behind {
			session.output.note(format!(
				"slashes of {} wait: {loss} of what leaves it stay behind, whatever becomes of them",
				one.operator,
			));
			due.push((one.operator, true));
		} else {
			let until = pool.slashes.iter().map(|slash| slash.due).max().unwrap_or_default();
			session.output.note(format!(
				"slashes of {} wait until block {until}: nothing leaves it",
				one.operator,
			));
			waits = Some((until, loss));
		}
	}
	if due.is_empty() {
		return Err(nothing_to_withdraw(&mine, named, waits, &pace, &chain.token));
	}

	let mut nonce = chain.nonce(&me).await?;
	let mut sent = Vec::new();
	for (operator, leave_behind) in due {
		session.output.note(format!("withdrawing from {operator} …"));
		let call = (operator, me, leave_behind);
		sent.push(chain.submit(&signer, nonce, PALLET, "withdraw_delegation", call).await?);
		nonce += 1;
	}
	let mut done = Vec::new();
	for submitted in sent {
		let included = included(&chain, submitted).await?;
		let fields = included.event(PALLET, "DelegationWithdrawn").unwrap_or_default();
		let event = <(AccountId32, AccountId32, Balance, Balance)>::decode(&mut &fields[..])
			.map_err(|error| {
				Error::failed(format!("the chain does not say what was freed: {error}"))
			})?;
		done.push((event, included.fee()));
	}
	let sum = |of: fn(&((AccountId32, AccountId32, Balance, Balance), Balance)) -> Balance| {
		done.iter().map(of).fold(0, Balance::saturating_add)
	};
	let (amount, left_behind) =
		(sum(|((_, _, amount, _), _)| *amount), sum(|((.., left), _)| *left));
	let document = json!({
		"withdrawn": done.iter().map(|((_, operator, amount, left), _)| json!({
			"operator": operator,
			"amount": amount.to_string(),
			"left_behind": left.to_string(),
		})).collect::<Vec<_>>(),
		"amount": amount.to_string(),
		"left_behind": left_behind.to_string(),
		"fees": sum(|(_, fee)| *fee).to_string(),
	});
	session.output.result(&document, || match left_behind {
		0 => format!("{} are free", chain.token.show(amount)),
		left => format!(
			"{} are free; slashes took {}",
			chain.token.show(amount),
			chain.token.show(left),
		),
	});
	Ok(())
}

/// Why nothing can be withdrawn.
fn nothing_to_withdraw(
	mine: &Holding,
	named: Option<AccountId32>,
	waits: Option<(BlockNumber, String)>,
	pace: &Pace,
	token: &Token,
) -> Error {
	if let Some((until, loss)) = waits {
		return Error::failed("slashes wait: nothing leaves")
			.because(format!("{PALLET}.SlashPending"))
			.hint(format!("after block {until}; or now, with --leave-behind, less {loss}"));
	}
	let error = Error::failed("nothing that was delegated has finished unbonding")
		.because(format!("{PALLET}.NothingToWithdraw"));
	let next = mine
		.delegations
		.iter()
		.filter(|one| named.is_none_or(|operator| one.operator == operator))
		.flat_map(|one| &one.unbonding)
		.min_by_key(|(_, until)| *until);
	match next {
		Some((amount, until)) => {
			error.hint(format!("{} can be withdrawn {}", token.show(*amount), pace.when(*until)))
		},
		None => error.hint("begin with `dodona stake undelegate <operator> <amount>`"),
	}
}

pub async fn claim(session: &Session, named: Option<AccountId32>) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let mine = holding(&chain, &at, &me).await?;
	if let Some(operator) = &named {
		delegation(&mine, &me, operator)?;
	}
	let due: Vec<&Delegation> = mine
		.delegations
		.iter()
		.filter(|one| named.is_none_or(|operator| one.operator == operator))
		.filter(|one| one.claimable > 0)
		.collect();
	if due.is_empty() {
		return Err(Error::failed(format!("{me} has nothing to claim"))
			.because(format!("{PALLET}.NothingToClaim"))
			.hint("what is earned becomes due little by little: `dodona stake pool <operator>`"));
	}
	let mut nonce = chain.nonce(&me).await?;
	let mut sent = Vec::new();
	for one in due {
		let how = if one.compound { ", and delegating it again" } else { "" };
		let (shown, operator) = (chain.token.show(one.claimable), one.operator);
		session.output.note(format!("claiming {shown} or more from {operator}{how} …"));
		sent.push(chain.submit(&signer, nonce, PALLET, "claim", (operator, me)).await?);
		nonce += 1;
	}
	let (mut claimed, mut fees, mut total) = (Vec::new(), 0u128, 0u128);
	for submitted in sent {
		let included = included(&chain, submitted).await?;
		let (operator, amount) = claimed_in(&included)?;
		let again = included.event(PALLET, "Delegated").is_some();
		fees = fees.saturating_add(included.fee());
		total = total.saturating_add(amount);
		claimed.push((operator, amount, again));
	}
	let document = json!({
		"claimed": claimed.iter().map(|(operator, amount, again)| json!({
			"operator": operator,
			"amount": amount.to_string(),
			"delegated_again": again,
		})).collect::<Vec<_>>(),
		"amount": total.to_string(),
		"fees": fees.to_string(),
	});
	session.output.result(&document, || {
		let lines: Vec<String> = claimed
			.iter()
			.map(|(operator, amount, again)| {
				let to = if *again { "delegated again" } else { "paid out" };
				format!("{} from {operator}: {to}", chain.token.show(*amount))
			})
			.collect();
		lines.join("\n")
	});
	Ok(())
}

/// What a claim paid, and whose earnings they were.
fn claimed_in(included: &Included) -> Result<(AccountId32, Balance)> {
	let fields = included.event(PALLET, "Claimed").unwrap_or_default();
	<(AccountId32, AccountId32, Balance)>::decode(&mut &fields[..])
		.map(|(_, operator, amount)| (operator, amount))
		.map_err(|error| Error::failed(format!("the chain does not say what it paid: {error}")))
}

pub async fn auto_compound(session: &Session, operator: AccountId32, switch: Switch) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	delegation(&holding(&chain, &at, &me).await?, &me, &operator)?;
	let compound = switch == Switch::On;
	let included = execute(&chain, &signer, "set_compound", (operator, compound)).await?;
	let document = json!({
		"operator": operator,
		"compound": compound,
		"fees": included.fee().to_string(),
	});
	session.output.result(&document, || {
		let to = if compound { "delegated again, as far as there is room" } else { "paid out" };
		format!("what is claimed from {operator} is {to}")
	});
	Ok(())
}

/// What an account delegates to an operator.
fn with<'a>(mine: &'a Holding, operator: &AccountId32) -> Option<&'a Delegation> {
	mine.delegations.iter().find(|one| one.operator == *operator)
}

fn delegation<'a>(
	mine: &'a Holding,
	me: &AccountId32,
	operator: &AccountId32,
) -> Result<&'a Delegation> {
	with(mine, operator).ok_or_else(|| {
		Error::failed(format!("{me} delegates nothing to {operator}"))
			.because(format!("{PALLET}.NotDelegated"))
			.hint("see what it delegates with `dodona stake show`")
	})
}

async fn after(chain: &Chain, operator: &AccountId32, me: &AccountId32) -> Result<(Pool, Holding)> {
	let at: At = chain.best().await?;
	Ok((pool_of(chain, &at, operator).await?, holding(chain, &at, me).await?))
}
