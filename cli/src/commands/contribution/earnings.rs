//! Sharing out what versions earned, and fetching it.

use super::{advised, execute, table::earned, table_of, Table, PALLET};
use crate::{
	args::ModelRef,
	chain::{account_of, Balance, Included},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_models::{EntryId, ModelId, VersionId};
use serde_json::json;
use subxt::utils::{AccountId32, Static};

/// What `Distributed` says: the version, all of it, what is passed on, shared and left, and whose
/// that is.
type Distributed = (VersionId, Balance, Balance, Balance, Balance, Option<AccountId32>);

pub async fn distribute(session: &Session, named: &ModelRef) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, _) = table_of(&chain, &at, &named.name).await?;
	let mut due = earned(&chain, &at, &model).await?;
	if let Some(number) = named.version {
		due.retain(|(id, _)| id.number == number);
	}
	if due.is_empty() {
		return Err(Error::failed(format!("`{}` has nothing to share out", named.name))
			.because(format!("{PALLET}.NothingToDistribute"))
			.hint("wait until somebody has asked it"));
	}
	let signer = session.signer(&chain).await?;
	let mut nonce = chain.nonce(&account_of(&signer)).await?;
	let mut sent = Vec::new();
	for (id, amount) in due {
		let (name, shown) = (&named.name, chain.token.show(amount));
		session.output.note(format!("sharing out {shown} of {name}@{} …", id.number));
		let call = (Static(id),);
		sent.push(chain.submit(&signer, nonce, PALLET, "distribute", call).await?);
		nonce += 1;
	}
	let (mut done, mut fees) = (Vec::new(), 0u128);
	for submitted in sent {
		let included = chain.included(submitted).await.map_err(advised)?;
		fees = fees.saturating_add(included.fee());
		let fields = included.event(PALLET, "Distributed").unwrap_or_default();
		done.push(Distributed::decode(&mut &fields[..]).map_err(|error| {
			Error::failed(format!("the chain does not say what was shared out: {error}"))
		})?);
	}
	let document = json!({
		"name": named.name,
		"model": model.id,
		"versions": done.iter().map(|(id, amount, passed_on, shared, rest, owner)| json!({
			"version": id.number,
			"amount": amount.to_string(),
			"passed_on": passed_on.to_string(),
			"shared": shared.to_string(),
			"remainder": rest.to_string(),
			"owner": owner,
		})).collect::<Vec<_>>(),
		"fees": fees.to_string(),
	});
	session.output.result(&document, || {
		let lines: Vec<String> = done
			.iter()
			.map(|(id, amount, passed_on, shared, rest, owner)| {
				let show = |amount: &Balance| chain.token.show(*amount);
				let owner = owner.map_or("the treasury".into(), |owner| owner.to_string());
				format!(
					"{}@{}: {}; {} for holders of shares, {} for what it descends from, {} for \
					 {owner}",
					named.name,
					id.number,
					show(amount),
					show(shared),
					show(passed_on),
					show(rest),
				)
			})
			.collect();
		lines.join("\n")
	});
	Ok(())
}

pub async fn claim(session: &Session, name: &str, named: Option<EntryId>) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, table) = table_of(&chain, &at, name).await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let due = claimable(&table, &me, named);
	if due.is_empty() {
		return Err(Error::failed(format!("no share of `{name}` has anything for {me}"))
			.because(format!("{PALLET}.NothingToClaim"))
			.hint(format!("`dodona contribution distribute {name}` first")));
	}
	let mut nonce = chain.nonce(&me).await?;
	let mut sent = Vec::new();
	for entry in due {
		sent.push(chain.submit(&signer, nonce, PALLET, "claim", (model.id, entry)).await?);
		nonce += 1;
	}
	let (mut claimed, mut fees) = (Vec::new(), 0u128);
	for submitted in sent {
		let included = chain.included(submitted).await.map_err(advised)?;
		fees = fees.saturating_add(included.fee());
		claimed.extend(paid_in(&included));
	}
	let total = claimed.iter().fold(0u128, |sum, (.., amount)| sum.saturating_add(*amount));
	let document = json!({
		"name": name,
		"model": model.id,
		"claimed": claimed.iter().map(|(_, entry, holder, amount)| json!({
			"entry": entry,
			"holder": holder,
			"amount": amount.to_string(),
		})).collect::<Vec<_>>(),
		"amount": total.to_string(),
		"fees": fees.to_string(),
	});
	session
		.output
		.result(&document, || format!("{} of what {name} earned", chain.token.show(total)));
	Ok(())
}

/// The entries that have something for `me`, or the one that is named.
fn claimable(table: &Table, me: &AccountId32, named: Option<EntryId>) -> Vec<EntryId> {
	table
		.entries
		.iter()
		.filter(|entry| entry.pending > 0)
		.filter(|entry| match named {
			Some(id) => entry.id == id,
			None => entry.holder == *me,
		})
		.map(|entry| entry.id)
		.collect()
}

/// What `Claimed` says, if anything was paid.
fn paid_in(included: &Included) -> Option<(ModelId, EntryId, AccountId32, Balance)> {
	Decode::decode(&mut &included.event(PALLET, "Claimed")?[..]).ok()
}

pub async fn transfer(
	session: &Session,
	name: &str,
	entry: EntryId,
	to: AccountId32,
) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, _) = table_of(&chain, &at, name).await?;
	let signer = session.signer(&chain).await?;
	let included = execute(&chain, &signer, "transfer_share", (model.id, entry, to)).await?;
	let paid = paid_in(&included).map_or(0, |(.., amount)| amount);
	let document = json!({
		"name": name,
		"model": model.id,
		"entry": entry,
		"holder": to,
		"paid": paid.to_string(),
		"fees": included.fee().to_string(),
	});
	session.output.result(&document, || {
		format!("entry {entry} of {name} is {to}'s; {} are paid", chain.token.show(paid))
	});
	Ok(())
}

pub async fn end(session: &Session, name: &str, entry: EntryId) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, _) = table_of(&chain, &at, name).await?;
	let signer = session.signer(&chain).await?;
	let included = execute(&chain, &signer, "end_share", (model.id, entry)).await?;
	let paid = paid_in(&included).map_or(0, |(.., amount)| amount);
	let document = json!({
		"name": name,
		"model": model.id,
		"entry": entry,
		"paid": paid.to_string(),
		"fees": included.fee().to_string(),
	});
	session.output.result(&document, || {
		format!("entry {entry} of {name} is gone; {} are paid", chain.token.show(paid))
	});
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::Encode;

	/// A table with entries of these numbers, holders and amounts.
	fn table(entries: &[(EntryId, u8, Balance)]) -> Table {
		let entries: Vec<_> = entries
			.iter()
			.map(|(id, holder, pending)| {
				let what = ([*holder; 32], 0u8, [0u8; 32]);
				(*id, what, (0u32, 0u32, 0u32, 0u32), *pending)
			})
			.collect();
		let bytes = (None::<AccountId32>, 0u32, 0u128, entries).encode();
		Table::decode(&mut &bytes[..]).unwrap()
	}

	#[test]
	fn claim_should_be_for_ones_own_shares_unless_one_is_named() {
		let table = table(&[(0, 1, 5), (1, 2, 5), (4, 1, 0), (7, 1, 1)]);
		let me = AccountId32([1; 32]);
		assert_eq!(claimable(&table, &me, None), [0, 7]);
		assert_eq!(claimable(&table, &me, Some(1)), [1]);
		assert!(claimable(&table, &me, Some(4)).is_empty());
	}
}
