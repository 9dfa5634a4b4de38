//! The command line of `dodona stake`.

use super::{gov::Percent, AccountArg};
use crate::amount::{Amount, Token};
use clap::{Args, Subcommand, ValueEnum};
use std::str::FromStr;

#[derive(Debug, Subcommand)]
pub enum Stake {
	/// Show what an account has at stake, when it comes back, and what it can claim.
	Show {
		/// The account; yours, unless another one is given.
		account: Option<AccountArg>,
	},
	/// List the operators, with what they keep and what their delegators may expect.
	Operators,
	/// Show what is delegated to an operator, what it keeps, and which slashes wait.
	Pool {
		/// The operator.
		operator: AccountArg,
	},
	/// Show what the last eras paid.
	Eras,
	/// Delegate to an operator: it is drawn more often, and you share its earnings and its slashes.
	Delegate(Delegate),
	/// Begin to take back what you delegate. `withdraw` fetches it after the unbonding period.
	Undelegate {
		/// The operator.
		operator: AccountArg,
		/// How much, in whole tokens, or `all`.
		amount: Portion,
	},
	/// Fetch what has finished unbonding.
	Withdraw(Withdraw),
	/// Fetch what your delegations have earned.
	Claim {
		/// From this operator; else from all.
		operator: Option<AccountArg>,
	},
	/// Choose whether what a delegation has earned is delegated again when it is claimed.
	AutoCompound {
		/// The operator.
		operator: AccountArg,
		/// Whether it is.
		switch: Switch,
	},
}

#[derive(Debug, Args)]
pub struct Delegate {
	/// The operator.
	pub operator: AccountArg,
	/// How much, in whole tokens.
	pub amount: Amount,
	/// Most that the operator may keep of your earnings, now or announced. Else what it keeps now,
	/// or has announced.
	#[arg(long, value_name = "PERCENT")]
	pub max_commission: Option<Percent>,
}

#[derive(Debug, Args)]
pub struct Withdraw {
	/// From this operator; else from all.
	pub operator: Option<AccountArg>,
	/// While slashes of the operator wait: leave behind what they would take, for good, and go.
	#[arg(long)]
	pub leave_behind: bool,
}

/// On or off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Switch {
	On,
	Off,
}

/// A part of something, or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
	All,
	Some(Amount),
}

impl Portion {
	/// How much that is of `all`.
	pub fn of(&self, all: u128, token: &Token) -> Result<u128, String> {
		match self {
			Self::All => Ok(all),
			Self::Some(amount) => amount.of(token),
		}
	}
}

impl FromStr for Portion {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		match text {
			"all" => Ok(Self::All),
			amount => amount.parse().map(Self::Some).map_err(|error| format!("{error}, or `all`")),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::args::{Cli, Command};
	use clap::Parser;

	const OPERATOR: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

	fn parse(arguments: &[&str]) -> Option<Stake> {
		let line = ["dodona", "stake"].iter().chain(arguments);
		match Cli::try_parse_from(line).ok()?.command {
			Command::Stake(stake) => Some(stake),
			_ => None,
		}
	}

	#[test]
	fn portion_should_be_all_or_an_amount() {
		let token = Token { symbol: "DONA".into(), decimals: 2 };
		let of = |text: &str| text.parse::<Portion>()?.of(700, &token);
		assert_eq!(of("all"), Ok(700));
		assert_eq!(of("2.5"), Ok(250));
		for text in ["", "everything", "-1", "1.234"] {
			assert!(of(text).is_err(), "{text}");
		}
	}

	#[test]
	fn delegate_should_agree_to_no_commission_unless_one_is_named() {
		let most = |arguments: &[&str]| match parse(arguments)? {
			Stake::Delegate(delegate) => Some(delegate.max_commission),
			_ => None,
		};
		assert_eq!(most(&["delegate", OPERATOR, "10"]), Some(None));
		let named = ["delegate", OPERATOR, "10", "--max-commission", "2.5%"];
		assert_eq!(most(&named), Some(Some(Percent(25_000_000))));
		assert!(parse(&["delegate", OPERATOR]).is_none());
		assert!(parse(&["delegate", OPERATOR, "all"]).is_none());
	}
}
