//! The command line of `dodona contribution`.

use super::{gov::Percent, AccountArg, ModelRef};
use clap::{Args, Subcommand, ValueEnum};
use std::{path::PathBuf, str::FromStr};

#[derive(Debug, Subcommand)]
pub enum Contribution {
	/// Ask for a share of what a model earns, for something that you gave to it.
	Propose(Propose),
	/// Show who gets how much of what a model earns, and who asks for more.
	List {
		/// The model's name.
		model: String,
	},
	/// Grant a contribution a share: for whoever owns the model. Only its holder can end it.
	Accept(Accept),
	/// Grant a contribution nothing: for whoever owns the model.
	Reject {
		/// The contribution's number.
		id: u32,
	},
	/// Ask for a share no more; the deposit comes back.
	Withdraw {
		/// The contribution's number.
		id: u32,
	},
	/// Share out what a model's versions have earned.
	Distribute {
		/// The model's name, with `@N` for one version; else all that have earned something.
		#[arg(value_name = "MODEL[@VERSION]")]
		model: ModelRef,
	},
	/// Fetch what your shares of a model have earned.
	Claim {
		/// The model's name.
		model: String,
		/// One entry of its table, whoever holds it; else all of yours.
		entry: Option<u32>,
	},
	/// Give a share to somebody else; what it has earned is yours.
	Transfer {
		/// The model's name.
		model: String,
		/// The entry of its table.
		entry: u32,
		/// Who gets it.
		to: AccountArg,
	},
	/// Give a share up, for good; what it has earned is yours.
	End {
		/// The model's name.
		model: String,
		/// The entry of its table.
		entry: u32,
	},
}

#[derive(Debug, Args)]
pub struct Propose {
	/// The model's name.
	pub model: String,
	/// What you gave.
	pub kind: Kind,
	/// Which part of what the model earns you ask for, such as 5%.
	#[arg(long, value_name = "PERCENT")]
	pub share: Percent,
	#[command(flatten)]
	pub content: Content,
}

/// What was given, by its hash.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Content {
	/// A file that has it.
	#[arg(long)]
	pub file: Option<PathBuf>,
	/// Its BLAKE2b-256 hash, 64 hex digits after 0x.
	#[arg(long)]
	pub hash: Option<HashArg>,
}

/// What somebody gave to a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Kind {
	Dataset,
	Weights,
	Code,
	Evaluation,
	Feedback,
	Application,
}

#[derive(Debug, Args)]
pub struct Accept {
	/// The contribution's number.
	pub id: u32,
	/// Which part of what the model earns; else as much as is asked for.
	#[arg(long, value_name = "PERCENT")]
	pub share: Option<Percent>,
	/// Blocks over which the share grows from nothing to the whole.
	#[arg(long, value_name = "BLOCKS", default_value_t = 0)]
	pub vesting: u32,
}

/// A hash in hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashArg(pub [u8; 32]);

impl FromStr for HashArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let mut bytes = [0; 32];
		let digits = text.strip_prefix("0x").unwrap_or(text);
		hex::decode_to_slice(digits, &mut bytes)
			.map(|()| Self(bytes))
			.map_err(|error| format!("not 32 bytes in hex: {error}"))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::args::{Cli, Command};
	use clap::Parser;

	fn parse(arguments: &[&str]) -> Option<Contribution> {
		let line = ["dodona", "contribution"].iter().chain(arguments);
		match Cli::try_parse_from(line).ok()?.command {
			Command::Contribution(contribution) => Some(contribution),
			_ => None,
		}
	}

	#[test]
	fn proposal_should_name_what_was_given_in_one_way() {
		let hash = "0x".to_owned() + &"ab".repeat(32);
		let with = |more: &[&str]| {
			let line = ["propose", "digits", "dataset", "--share", "5%"];
			parse(&[&line[..], more].concat()).is_some()
		};
		assert!(with(&["--file", "data.csv"]));
		assert!(with(&["--hash", &hash]));
		assert!(!with(&[]));
		assert!(!with(&["--hash", "0x12"]));
		assert!(!with(&["--hash", &hash, "--file", "data.csv"]));
	}

	#[test]
	fn acceptance_should_grant_what_is_asked_for_unless_it_says_otherwise() {
		let accept = |more: &[&str]| match parse(&[&["accept", "3"], more].concat())? {
			Contribution::Accept(accept) => Some((accept.share, accept.vesting)),
			_ => None,
		};
		assert_eq!(accept(&[]), Some((None, 0)));
		let part = ["--share", "1%", "--vesting", "9"];
		assert_eq!(accept(&part), Some((Some(Percent(10_000_000)), 9)));
	}
}
