//! What publishing takes from the account.

use crate::{
	amount::Token,
	chain::{At, Balance, Chain},
	error::{Error, Result},
	output::table,
};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use subxt::{ext::scale_encode::EncodeAsFields, utils::AccountId32};
use subxt_signer::sr25519::Keypair;

/// What publishing takes from the account, step by step.
#[derive(Debug, Default)]
pub struct Bill {
	items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
	what: String,
	/// Comes back when it is undone.
	deposit: Balance,
	fee: Balance,
}

impl Bill {
	pub fn add(&mut self, what: impl Into<String>, deposit: Balance, fee: Balance) {
		self.items.push(Item { what: what.into(), deposit, fee });
	}

	pub fn deposit(&self) -> Balance {
		self.items.iter().map(|item| item.deposit).sum()
	}

	pub fn fees(&self) -> Balance {
		self.items.iter().map(|item| item.fee).sum()
	}

	/// For people.
	pub fn text(&self, token: &Token) -> String {
		let row = |what: &str, deposit: Balance, fee: Balance| {
			let amount = |amount: Balance| match amount {
				0 => "-".into(),
				amount => token.show(rounded(amount, token)),
			};
			vec![what.to_owned(), amount(deposit), amount(fee)]
		};
		let mut rows: Vec<_> =
			self.items.iter().map(|item| row(&item.what, item.deposit, item.fee)).collect();
		rows.push(row("together", self.deposit(), self.fees()));
		table(&["", "deposit", "fees, at most"], &rows)
	}

	/// For scripts.
	pub fn json(&self) -> Value {
		json!({
			"deposit": self.deposit().to_string(),
			"fees": self.fees().to_string(),
			"items": self.items.iter().map(|item| json!({
				"what": item.what,
				"deposit": item.deposit.to_string(),
				"fees": item.fee.to_string(),
			})).collect::<Vec<_>>(),
		})
	}

	/// Refuses when the account can't pay.
	pub async fn check(&self, chain: &Chain, at: &At, account: &AccountId32) -> Result<()> {
		let needed = self.deposit().saturating_add(self.fees());
		let free = chain.free_balance(at, account).await?;
		if free >= needed {
			return Ok(());
		}
		let token = &chain.token;
		Err(Error::failed(format!("{account} has {} to spend", token.show(free)))
			.because("FundsUnavailable")
			.hint(format!("fund it with {} more", token.show(needed - free))))
	}
}

/// Without digits that nobody reads, and no less than it is.
fn rounded(amount: Balance, token: &Token) -> Balance {
	let least = 10u128.pow(token.decimals.saturating_sub(4));
	amount.div_ceil(least).saturating_mul(least)
}

/// What calls cost, each asked for once.
pub struct Fees<'a> {
	pub chain: &'a Chain,
	pub signer: &'a Keypair,
	stores: BTreeMap<usize, Balance>,
}

impl<'a> Fees<'a> {
	pub fn new(chain: &'a Chain, signer: &'a Keypair) -> Self {
		Self { chain, signer, stores: BTreeMap::new() }
	}

	/// What a call costs at most.
	pub async fn of(&self, pallet: &str, call: &str, args: impl EncodeAsFields) -> Result<Balance> {
		self.chain.fee(self.signer, pallet, call, args).await
	}

	/// What storing so many bytes costs.
	pub async fn of_storing(&mut self, len: usize) -> Result<Balance> {
		if let Some(fee) = self.stores.get(&len) {
			return Ok(*fee);
		}
		// Any bytes: only their number counts.
		let call = (subxt::utils::Static(vec![0u8; len]),);
		let fee = self.of("TransactionStorage", "store", call).await?;
		self.stores.insert(len, fee);
		Ok(fee)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn bill_should_add_up_and_never_show_less_than_it_is() {
		let token = Token { symbol: "DONA".into(), decimals: 12 };
		let mut bill = Bill::default();
		bill.add("storing", 5_000_000_000_000, 1);
		bill.add("proposing", 0, 200_000_000_000);
		assert_eq!((bill.deposit(), bill.fees()), (5_000_000_000_000, 200_000_000_001));
		let expected = "           deposit  fees, at most\n\
			storing    5 DONA   0.0001 DONA\n\
			proposing  -        0.2 DONA\n\
			together   5 DONA   0.2001 DONA";
		assert_eq!(bill.text(&token), expected);
		assert_eq!(bill.json()["items"][1]["fees"], "200000000000");
	}
}
