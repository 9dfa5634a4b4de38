//! The command lines of `dodona rate` and `dodona ratings`.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Rate {
	/// The request's number, which `dodona ask` shows.
	pub request: u64,
	/// What you think of the answer. Nobody sees it before the next round.
	#[arg(required_unless_present = "reveal", conflicts_with = "reveal")]
	pub rating: Option<Verdict>,
	/// Say how you rated it, in the round after: a rating that is never revealed loses its stake.
	#[arg(long)]
	pub reveal: bool,
	/// Stay until the rating can be revealed, and reveal it.
	#[arg(long)]
	pub wait: bool,
}

/// What somebody thinks of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Verdict {
	/// It was of use.
	Good,
	/// It was of no use.
	Bad,
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::args::{Cli, Command};
	use clap::Parser;

	fn parse(arguments: &[&str]) -> Option<Rate> {
		let line = ["dodona", "rate"].iter().chain(arguments);
		match Cli::try_parse_from(line).ok()?.command {
			Command::Rate(rate) => Some(rate),
			_ => None,
		}
	}

	#[test]
	fn rating_should_be_said_unless_one_is_revealed() {
		let good = parse(&["7", "good", "--wait"]).unwrap();
		assert_eq!((good.request, good.rating, good.wait), (7, Some(Verdict::Good), true));
		let reveal = parse(&["7", "--reveal"]).unwrap();
		assert_eq!((reveal.rating, reveal.reveal), (None, true));
		assert!(parse(&["7"]).is_none());
		assert!(parse(&["7", "good", "--reveal"]).is_none());
		assert!(parse(&["7", "fair"]).is_none());
	}
}
