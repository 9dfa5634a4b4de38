//! What the chain would refuse to delegate, said with the numbers.

use super::{view::highest_commission, Part, Pool, PALLET};
use crate::{
	amount::Token,
	chain::Balance,
	error::{Error, Result},
};

/// What somebody wants to delegate.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
	pub amount: Balance,
	/// What it delegates to the operator already.
	pub has: Balance,
	/// The least that a delegation is.
	pub least: Balance,
	/// The highest commission that it agrees to.
	pub most: Part,
}

impl Wanted {
	/// Refuses what the operator's pool can't take; `is_own` if it is the operator that delegates.
	pub fn check(self, pool: &Pool, is_own: bool, token: &Token) -> Result<()> {
		let operator = pool.operator;
		let refuse = |message: String, reason: &str, hint: String| {
			Err(Error::failed(message).because(format!("{PALLET}.{reason}")).hint(hint))
		};
		let others = || "choose another operator: `dodona stake operators`".to_owned();
		if self.amount == 0 {
			return Err(Error::usage("nothing can't be delegated").hint("an amount above 0"));
		}
		if is_own {
			let hint = "bond it with `dodona worker bond-extra`".into();
			return refuse("nobody delegates to itself".into(), "SelfDelegation", hint);
		}
		if pool.closed {
			return refuse(format!("{operator} has left"), "PoolClosed", others());
		}
		if let Some(slash) = pool.slashes.iter().max_by_key(|slash| slash.due) {
			let message = format!("slashes of {operator} wait: nothing comes in");
			let hint = format!("delegate after block {}, or to another operator", slash.due);
			return refuse(message, "SlashPending", hint);
		}
		let keeps = highest_commission(pool);
		if keeps > self.most {
			let message = format!("{operator} keeps {}, now or announced", keeps.text());
			let agree = keeps.text().replace(' ', "");
			let hint = format!("--max-commission {agree}, or delegate to another operator");
			return refuse(message, "CommissionTooHigh", hint);
		}
		if self.amount > pool.room {
			let room = token.show(pool.room);
			return refuse(format!("only {room} more would count"), "PoolFull", others());
		}
		if self.has.saturating_add(self.amount) < self.least {
			let message = format!("{} is too little to delegate", token.show(self.amount));
			let least = self.least.saturating_sub(self.has);
			let hint = format!("delegate {} or more", token.show(least));
			return refuse(message, "DelegationTooLow", hint);
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::error::Kind;
	use codec::{Decode, Encode};
	use dodona_primitives_staking::{Offence, SlashInfo};
	use subxt::utils::AccountId32;

	const WANTED: Wanted = Wanted { amount: 100, has: 0, least: 10, most: Part(50_000_000) };

	/// A pool with room for 100, whose operator keeps 5 %.
	fn pool(change: impl FnOnce(&mut Pool)) -> Pool {
		let raise: Option<(u32, u32)> = None;
		let slashes: Vec<(u32, Offence, u32, u32, Option<AccountId32>)> = Vec::new();
		let bytes = (
			(AccountId32([1; 32]), 1u128, 0u128, 0u128, 0u128, 0u32, 100u128),
			(50_000_000u32, raise, 0u128, 0u32, 0u128, false, slashes),
		)
			.encode();
		let mut pool = Pool::decode(&mut &bytes[..]).unwrap();
		change(&mut pool);
		pool
	}

	fn refused(wanted: Wanted, is_own: bool, pool: &Pool) -> Option<String> {
		let token = Token { symbol: "DONA".into(), decimals: 0 };
		let error = wanted.check(pool, is_own, &token).err()?;
		assert!(error.hint.is_some());
		Some(error.reason.unwrap_or_else(|| error.kind.name().into()))
	}

	#[test]
	fn delegation_should_be_refused_when_the_chain_would_refuse_it() {
		let open = pool(|_| ());
		assert_eq!(refused(WANTED, false, &open), None);
		let by = |wanted, is_own, pool: &Pool| refused(wanted, is_own, pool).unwrap();
		let reason = |name: &str| format!("{PALLET}.{name}");
		assert_eq!(by(Wanted { amount: 0, ..WANTED }, false, &open), Kind::Usage.name());
		assert_eq!(by(WANTED, true, &open), reason("SelfDelegation"));
		assert_eq!(by(WANTED, false, &pool(|pool| pool.closed = true)), reason("PoolClosed"));
		assert_eq!(by(Wanted { amount: 101, ..WANTED }, false, &open), reason("PoolFull"));
		let (offence, due) = (Offence::NoShow, 9);
		let slashed = pool(|pool| {
			let fraction = pool.commission;
			pool.slashes.push(SlashInfo { id: 0, offence, fraction, due, reporter: None })
		});
		assert_eq!(by(WANTED, false, &slashed), reason("SlashPending"));
		let cheaper = Wanted { most: Part(49_999_999), ..WANTED };
		assert_eq!(by(cheaper, false, &open), reason("CommissionTooHigh"));
	}

	#[test]
	fn delegation_should_be_refused_when_a_raise_is_more_than_agreed_to() {
		let raised = pool(|pool| pool.raise = Some((pool.commission + pool.commission, 9)));
		assert_eq!(refused(WANTED, false, &raised), Some(format!("{PALLET}.CommissionTooHigh")));
		let agreed = Wanted { most: Part(100_000_000), ..WANTED };
		assert_eq!(refused(agreed, false, &raised), None);
	}

	#[test]
	fn delegation_should_be_refused_when_it_would_be_dust() {
		let open = pool(|_| ());
		let little = Wanted { amount: 9, ..WANTED };
		assert_eq!(refused(little, false, &open), Some(format!("{PALLET}.DelegationTooLow")));
		assert_eq!(refused(Wanted { has: 1, ..little }, false, &open), None);
	}
}
