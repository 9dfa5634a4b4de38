//! The command line of `dodona gov`.

use super::{AccountArg, ModelRef};
use crate::amount::Amount;
use clap::{Args, Subcommand, ValueEnum};
use dodona_primitives_inference::MAX_EVALUATED;
use std::{path::PathBuf, str::FromStr};

#[derive(Debug, Subcommand)]
pub enum Gov {
	/// Have voters decide on putting a proposed version of a commons model into use.
	ProposeUpgrade(ProposeUpgrade),
	/// Vote on a referendum.
	Vote(Vote),
	/// Have somebody else vote with your tokens.
	Delegate(Delegate),
	/// Vote with your tokens yourself again.
	Undelegate(Undelegate),
	/// Take back votes that lock nothing any more, and free the tokens.
	Unlock {
		/// A referendum's number: only the vote on that one.
		#[arg(value_name = "REF")]
		referendum: Option<u32>,
	},
	/// Give back the deposits of a referendum that is over.
	Refund {
		/// The referendum's number.
		#[arg(value_name = "REF")]
		referendum: u32,
	},
	/// Show what is being decided, or one referendum, with the scores of an upgrade.
	Status {
		/// A referendum's number.
		#[arg(value_name = "REF")]
		referendum: Option<u32>,
	},
	/// Questions that the versions of a model are measured by.
	#[command(subcommand)]
	HoldOut(HoldOut),
	/// Measure a proposed version beside the active one, with the next samples of the hold-out set.
	Evaluate(Evaluate),
	/// End a proposal for a commons model that nobody has had admitted in time: for anyone.
	Drop {
		/// The version.
		#[arg(value_name = "MODEL@VERSION")]
		version: VersionArg,
	},
	/// Take a version out of use at once: for guardians.
	Suspend(Takedown),
	/// Have voters decide that a suspended version goes on.
	Lift {
		/// The version.
		#[arg(value_name = "MODEL@VERSION")]
		version: VersionArg,
	},
	/// Have voters decide that a version is taken out of use for ever.
	Confirm(Takedown),
}

#[derive(Debug, Args)]
pub struct ProposeUpgrade {
	/// The version.
	#[arg(value_name = "MODEL@VERSION")]
	pub version: VersionArg,
	/// On the track that decides on everything, whatever the scores are.
	#[arg(long)]
	pub root: bool,
}

#[derive(Debug, Args)]
pub struct Vote {
	/// The referendum's number.
	#[arg(value_name = "REF")]
	pub referendum: u32,
	/// For or against.
	pub side: Side,
	#[command(flatten)]
	pub weight: VoteWeight,
}

#[derive(Debug, Args)]
pub struct VoteWeight {
	/// With how many tokens, in whole tokens.
	#[arg(long)]
	pub amount: Amount,
	/// How much each token counts: more, if it stays locked for longer when your side wins.
	#[arg(long, default_value = "1x")]
	pub conviction: Conviction,
}

/// A side of a vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Side {
	Aye,
	Nay,
}

/// How often a token counts, and for how long it is locked in return.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Conviction {
	/// A tenth, and no lock.
	None,
	/// Once; locked for one period.
	#[value(name = "1x")]
	X1,
	/// Twice; 2 periods.
	#[value(name = "2x")]
	X2,
	/// 3 times; 4 periods.
	#[value(name = "3x")]
	X3,
	/// 4 times; 8 periods.
	#[value(name = "4x")]
	X4,
	/// 5 times; 16 periods.
	#[value(name = "5x")]
	X5,
	/// 6 times; 32 periods.
	#[value(name = "6x")]
	X6,
}

#[derive(Debug, Args)]
pub struct Delegate {
	/// Who votes for you.
	#[arg(value_name = "TO")]
	pub to: AccountArg,
	/// On which tracks: names with commas between them, or `all`.
	#[arg(long = "track", value_name = "TRACK", required = true, value_delimiter = ',')]
	pub tracks: Vec<String>,
	#[command(flatten)]
	pub weight: VoteWeight,
}

#[derive(Debug, Args)]
pub struct Undelegate {
	/// On which tracks: names with commas between them, or `all`.
	#[arg(long = "track", value_name = "TRACK", required = true, value_delimiter = ',')]
	pub tracks: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum HoldOut {
	/// Make a set of samples to commit to, with salts. Keep it to yourself.
	Make {
		/// A JSON array of `{"input": […], "expected": label}` or of
		/// `{"tokens": […], "max_tokens": N, "expected": […]}`.
		samples: PathBuf,
		/// The file that is written. It is secret until its samples are revealed.
		#[arg(long, value_name = "SET")]
		out: PathBuf,
	},
	/// Have the versions of a model measured by a set. In the commons, voters decide on it.
	Set(SetHoldOut),
}

#[derive(Debug, Args)]
pub struct SetHoldOut {
	/// The model's name.
	pub model: String,
	/// A file that `hold-out make` wrote.
	pub set: PathBuf,
	/// How an answer is measured; else as the set is meant to be.
	#[arg(long)]
	pub metric: Option<MetricArg>,
	/// How many samples an evaluation takes.
	#[arg(
		long, value_name = "N",
		value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_EVALUATED)),
	)]
	pub per_evaluation: u32,
	/// By how much a new version has to score higher than the active one.
	#[arg(long, default_value = "1%")]
	pub margin: Percent,
	/// Who alone reveals the samples, and pays for the answers to them. Else you.
	#[arg(long, value_name = "ACCOUNT")]
	pub revealer: Option<AccountArg>,
}

/// How an answer is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MetricArg {
	/// Whether the largest number of the output is the expected one.
	Accuracy,
	/// The part of the expected tokens that the output has.
	Tokens,
}

#[derive(Debug, Args)]
pub struct Evaluate {
	/// The version.
	#[arg(value_name = "MODEL@VERSION")]
	pub version: VersionArg,
	/// The file that `hold-out make` wrote.
	pub set: PathBuf,
	/// Most that one answer may cost, in whole tokens. Else what the dearest of them costs.
	#[arg(long)]
	pub max_fee: Option<Amount>,
}

#[derive(Debug, Args)]
pub struct Takedown {
	/// The version.
	#[arg(value_name = "MODEL@VERSION")]
	pub version: VersionArg,
	/// Why, for everyone to read on the chain.
	#[arg(long)]
	pub reason: String,
}

/// A version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionArg {
	pub name: String,
	pub number: u32,
}

impl FromStr for VersionArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let ModelRef { name, version } = text.parse()?;
		let number = version.ok_or("name the version too: MODEL@VERSION")?;
		Ok(Self { name, number })
	}
}

/// A part of a whole, in parts per billion; written `1%` or `0.25%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub u32);

impl FromStr for Percent {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let fault =
			|| "a part looks like 1% or 0.25%, up to 100%, with up to 7 decimals".to_owned();
		let number = text.trim().strip_suffix('%').ok_or_else(fault)?.trim_end();
		let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
		let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
		if whole.is_empty() || whole.len() > 3 || !digits(whole) || !digits(fraction) {
			return Err(fault());
		}
		if number.ends_with('.') || fraction.len() > 7 {
			return Err(fault());
		}
		let parts: u32 = format!("{whole}{fraction:0<7}").parse().map_err(|_| fault())?;
		(parts <= 1_000_000_000).then_some(Self(parts)).ok_or_else(fault)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::args::{Cli, Command};
	use clap::Parser;

	fn parse(arguments: &[&str]) -> Option<Gov> {
		let line = ["dodona", "gov"].iter().chain(arguments);
		match Cli::try_parse_from(line).ok()?.command {
			Command::Gov(gov) => Some(gov),
			_ => None,
		}
	}

	#[test]
	fn version_should_be_refused_when_it_has_no_number() {
		let version = VersionArg { name: "org/digits".into(), number: 3 };
		assert_eq!("org/digits@3".parse(), Ok(version));
		for text in ["digits", "digits@", "digits@0", "@1", "digits@x", ""] {
			assert!(text.parse::<VersionArg>().is_err(), "{text}");
		}
	}

	#[test]
	fn percent_should_be_in_parts_per_billion() {
		for (text, parts) in [
			("0%", 0),
			("1%", 10_000_000),
			("0.25%", 2_500_000),
			("100%", 1_000_000_000),
			("0.0000001%", 1),
			("012 %", 120_000_000),
		] {
			assert_eq!(text.parse(), Ok(Percent(parts)), "{text}");
		}
	}

	#[test]
	fn percent_should_be_refused_when_it_is_no_part_of_a_whole() {
		for text in
			["", "%", "1", "0.01", "-1%", "101%", "100.0000001%", "1.%", ".5%", "1e1%", "9999%"]
		{
			assert!(text.parse::<Percent>().is_err(), "{text}");
		}
		assert!("0.00000001%".parse::<Percent>().is_err());
	}

	#[test]
	fn vote_should_count_once_unless_it_is_said_otherwise() {
		let vote = |arguments: &[&str]| match parse(arguments)? {
			Gov::Vote(vote) => Some((vote.referendum, vote.side, vote.weight.conviction)),
			_ => None,
		};
		let (aye, nay) = (Side::Aye, Side::Nay);
		assert_eq!(vote(&["vote", "3", "aye", "--amount=5"]), Some((3, aye, Conviction::X1)));
		for (text, conviction) in [
			("none", Conviction::None),
			("2x", Conviction::X2),
			("3x", Conviction::X3),
			("4x", Conviction::X4),
			("5x", Conviction::X5),
			("6x", Conviction::X6),
		] {
			let line = ["vote", "0", "nay", "--amount=0.5", "--conviction", text];
			assert_eq!(vote(&line), Some((0, nay, conviction)));
		}
		for wrong in [
			&["vote", "3", "aye"][..],
			&["vote", "3", "yes", "--amount=5"],
			&["vote", "aye", "--amount=5"],
			&["vote", "3", "aye", "--amount=5", "--conviction=7x"],
			&["vote", "3", "aye", "--amount=-5"],
		] {
			assert!(parse(wrong).is_none(), "{wrong:?}");
		}
	}

	#[test]
	fn delegation_should_name_its_tracks() {
		let to = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		let line = ["delegate", to, "--track=root,model_curator", "--amount=1", "--conviction=6x"];
		match parse(&line) {
			Some(Gov::Delegate(delegate)) => {
				assert_eq!(delegate.tracks, ["root", "model_curator"]);
				assert_eq!(delegate.weight.conviction, Conviction::X6);
			},
			other => panic!("{other:?}"),
		}
		assert!(parse(&["delegate", to, "--amount=1"]).is_none());
		assert!(parse(&["undelegate"]).is_none());
		assert!(matches!(parse(&["undelegate", "--track=all"]), Some(Gov::Undelegate(_))));
	}

	#[test]
	fn evaluation_should_take_as_many_samples_as_the_chain_does() {
		let set = |n: &str| {
			let count = format!("--per-evaluation={n}");
			match parse(&["hold-out", "set", "digits", "set.json", &count])? {
				Gov::HoldOut(HoldOut::Set(set)) => Some((set.per_evaluation, set.margin.0)),
				_ => None,
			}
		};
		assert_eq!(set("1"), Some((1, 10_000_000)));
		assert_eq!(set("64"), Some((64, 10_000_000)));
		assert_eq!((set("0"), set("65"), set("-1")), (None, None, None));
	}
}
