//! The command line.

pub mod contribution;
pub mod dispute;
pub mod gov;
pub mod rate;
pub mod stake;

use crate::amount::Amount;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dodona_engine::trace::Operation;
use std::{path::PathBuf, str::FromStr};
use subxt::utils::AccountId32;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line or a file that it names makes no sense
  3  the chain can't be reached, or stands still
  4  the chain refused the transaction
  5  the request ended without an answer; its fee went back";

/// Publish models, ask them, and work for them.
#[derive(Debug, Parser)]
#[command(name = "dodona", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub struct Cli {
	#[command(flatten)]
	pub global: Global,
	#[command(subcommand)]
	pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
	/// A node's WebSocket address.
	#[arg(long, global = true, env = "DODONA_URL", default_value = "ws://127.0.0.1:9944")]
	pub url: String,
	/// The signing key: a secret phrase, a hex seed or `//Name`. On a development chain: //Alice.
	#[arg(long, global = true, env = "DODONA_SURI", hide_env_values = true)]
	pub suri: Option<String>,
	/// Print one JSON document to standard output; amounts are in the smallest unit, as strings.
	#[arg(long, global = true)]
	pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
	/// Publish and look up models.
	#[command(subcommand)]
	Model(Model),
	/// Work for the network, and be paid for it.
	#[command(subcommand)]
	Worker(Worker),
	/// Delegate to workers, and look after what is at stake.
	#[command(subcommand)]
	Stake(stake::Stake),
	/// Ask a model, and wait for the verified answer.
	Ask(Ask),
	/// Look at disputes over answers.
	#[command(subcommand)]
	Dispute(dispute::Dispute),
	/// Compute the answers of others again, and stand up against wrong ones.
	Watch(dispute::Watch),
	/// Decide over models: referenda, votes, and what versions are measured by.
	#[command(subcommand)]
	Gov(gov::Gov),
	/// Say what an answer was worth, if you asked for it.
	Rate(rate::Rate),
	/// Show what those who asked say about a model.
	Ratings {
		/// The model's name, with `@N` for a version of it other than the active one.
		#[arg(value_name = "MODEL[@VERSION]")]
		model: ModelRef,
	},
	/// Ask for a share of what a model earns, grant and fetch it.
	#[command(subcommand)]
	Contribution(contribution::Contribution),
	/// Show the chain, its models and its workers.
	Status,
	/// Switches of a development node.
	#[command(subcommand, hide = true)]
	Dev(Dev),
}

#[derive(Debug, Subcommand)]
pub enum Model {
	/// Store a model's weights on the chain and put up a version of it.
	Publish(Publish),
	/// List all models.
	List,
	/// Show a model and its versions.
	Show {
		/// Its name.
		name: String,
		/// Name the chunks of every version, too.
		#[arg(long)]
		chunks: bool,
	},
	/// Rebuild the folder that a version was published from, byte for byte.
	Fetch(Fetch),
	/// Compare a folder with the version that was published from it.
	Verify(Verify),
	/// Pay for keeping a model's files. Nobody gets it back.
	Endow {
		/// The model's name.
		name: String,
		/// How much, in whole tokens.
		amount: Amount,
	},
	/// Have the chain keep a version's files for longer, at the cost of the model's endowment.
	Keep(Keep),
	/// Put a small version's weights into the chain's state: idle blocks check its answers from then
	/// on. A deposit is held.
	Reside {
		/// The model's name, with `@N` for a version of it other than the active one.
		#[arg(value_name = "MODEL[@VERSION]")]
		model: ModelRef,
	},
	/// Take a version's weights out of the state; whoever put them there gets the deposit back.
	Unreside {
		/// The model's name, with `@N` for a version of it other than the active one.
		#[arg(value_name = "MODEL[@VERSION]")]
		model: ModelRef,
	},
	/// Give a model to the commons, for ever: from then on voters decide about it.
	Donate {
		/// Its name.
		name: String,
	},
	/// Run a model from a folder, here and without a chain.
	Run(Run),
	/// Make an 8-bit model out of one with floating-point weights, and say what that costs.
	Quantize(Quantize),
}

#[derive(Debug, Args)]
pub struct Run {
	/// A folder with `config.json`, safetensors files and, for text, `tokenizer.json`.
	pub folder: PathBuf,
	#[command(flatten)]
	pub question: Question,
	#[command(flatten)]
	pub generation: Generation,
	/// Go on after tokens that the folder says end a generation.
	#[arg(long)]
	pub ignore_stop: bool,
	/// With --json: what the model says about every token, for each one that it generates. With
	/// --max-tokens 0, only what it says at the end of the prompt.
	#[arg(long)]
	pub logits: bool,
}

/// How a language model goes on.
#[derive(Debug, Args)]
pub struct Generation {
	/// Most tokens to generate; 64, or as many as the model has room for.
	#[arg(long, value_name = "N")]
	pub max_tokens: Option<u32>,
	/// Draw tokens instead of taking the likeliest; above 1 more evenly, below 1 less.
	#[arg(long, value_name = "T")]
	pub temperature: Option<f32>,
	/// Draw from the K likeliest tokens only.
	#[arg(long, value_name = "K")]
	pub top_k: Option<u32>,
	/// Draw from the likeliest tokens that are P likely together.
	#[arg(long, value_name = "P")]
	pub top_p: Option<f32>,
	/// What decides the draws: the same seed, the same tokens. Else one is drawn, and printed.
	#[arg(long, value_name = "N")]
	pub seed: Option<u64>,
	/// A token that ends the generation, besides the model's own.
	#[arg(long, value_name = "ID", value_delimiter = ',')]
	pub stop: Vec<u32>,
}

/// What the model is given.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Question {
	/// Text.
	#[arg(long, short)]
	pub prompt: Option<String>,
	/// Numbers of tokens, with commas between them.
	#[arg(long, value_name = "IDS", value_delimiter = ',')]
	pub tokens: Option<Vec<u32>>,
	/// A JSON file with an array of numbers, flat or in rows, for models that take such. `-` reads
	/// standard input.
	#[arg(long, short)]
	pub input: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Quantize {
	/// The model: a folder with `config.json` and safetensors files.
	pub folder: PathBuf,
	/// A folder for the 8-bit model, new or empty.
	pub out: PathBuf,
	/// A text to try both models on.
	#[arg(long, value_name = "FILE")]
	pub text: Option<PathBuf>,
	/// How many tokens of the text each step of the trial sees; else up to 512.
	#[arg(long, value_name = "N", requires = "text")]
	pub context: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Fetch {
	/// The model's name, with `@N` for a version of it other than the active one.
	#[arg(value_name = "MODEL[@VERSION]")]
	pub model: ModelRef,
	/// A folder, which is made if it is not there. What an interrupted run has fetched stays.
	pub folder: PathBuf,
	/// An address that has chunks under `<address>/<CID>`, besides those that the model names.
	#[arg(long, value_name = "URL")]
	pub mirror: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Verify {
	/// The folder.
	pub folder: PathBuf,
	/// The model's name, with `@N` for a version of it other than the active one.
	#[arg(value_name = "MODEL[@VERSION]")]
	pub model: ModelRef,
	/// An address that has chunks under `<address>/<CID>`, besides those that the model names.
	#[arg(long, value_name = "URL")]
	pub mirror: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Keep {
	/// The model's name, with `@N` for a version of it other than the active one.
	#[arg(value_name = "MODEL[@VERSION]")]
	pub model: ModelRef,
	/// Stay, and do it again whenever it is due.
	#[arg(long)]
	pub watch: bool,
}

#[derive(Debug, Args)]
pub struct Publish {
	/// A folder that `model run` takes, or a safetensors file. All files of a folder are stored, but
	/// hidden ones.
	pub path: PathBuf,
	/// The model's name: `org/name` or `name`. Else from `config.json`.
	#[arg(long)]
	pub name: Option<String>,
	/// What is computed with the weights, such as `mlp:64,32,10`. Else from `config.json`.
	#[arg(long)]
	pub architecture: Option<ArchitectureArg>,
	/// SPDX expression under which the weights may be used. Else `license` in `config.json`.
	#[arg(long, alias = "license")]
	pub licence: Option<String>,
	/// Price of a request, in whole tokens.
	#[arg(long, default_value = "0")]
	pub price: Amount,
	/// Price of a million multiply-accumulates of the longest answer, besides.
	#[arg(long, default_value = "0")]
	pub price_per_work: Amount,
	/// The version that this one was made from.
	#[arg(long, value_name = "MODEL@VERSION")]
	pub derived_from: Option<ModelRef>,
	/// Propose the version and leave it to others to approve and activate it.
	#[arg(long)]
	pub propose_only: bool,
	/// A line about the model.
	#[arg(long, value_name = "TEXT")]
	pub description: Option<String>,
	/// What the model is found by; up to 8.
	#[arg(long, value_name = "TAG")]
	pub tag: Vec<String>,
	/// An address that has the chunks, too, under `<address>/<CID>`; up to 4.
	#[arg(long, value_name = "URL")]
	pub mirror: Vec<String>,
	/// A file or folder in the folder that is not stored.
	#[arg(long, value_name = "PATH")]
	pub exclude: Vec<String>,
	/// Questions whose answers the version has to reproduce before it is approved, a JSON file. Else
	/// they are made up.
	#[arg(long, value_name = "FILE")]
	pub known_answers: Option<PathBuf>,
	/// Only say what it would cost.
	#[arg(long)]
	pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum Worker {
	/// Bond, and be drawn into committees.
	Join {
		/// The public key that your node signs with (address or hex); keep no funds on it.
		#[arg(long)]
		hot_key: AccountArg,
		/// What you put at stake, in whole tokens.
		#[arg(long)]
		bond: Amount,
	},
	/// Show an operator: yourself, unless another account is given.
	Status {
		/// The operator's account or its hot key.
		account: Option<AccountArg>,
	},
	/// Bond more.
	BondExtra {
		/// How much, in whole tokens.
		amount: Amount,
	},
	/// Unbond a part, and go on with the rest. `withdraw` fetches it after the unbonding period.
	Unbond {
		/// How much, in whole tokens, or `all`, which also pauses.
		amount: stake::Portion,
	},
	/// Bond again what is unbonding, the newest first.
	Rebond {
		/// How much, in whole tokens, or `all`.
		amount: stake::Portion,
	},
	/// Be drawn no more for a while. Seats that you have already stay yours.
	#[command(alias = "chill")]
	Pause,
	/// Be drawn again after a pause.
	Resume,
	/// Be drawn no more and unbond everything. `withdraw` fetches it after the unbonding period.
	Leave,
	/// Fetch what has finished unbonding.
	Withdraw,
	/// Let another key sign for you; put it into your node's keystore first.
	HotKey {
		/// The new public key (address or hex); keep no funds on it.
		key: AccountArg,
	},
	/// Set what you keep of your delegators' earnings.
	Commission {
		/// A part of them, such as 5%. Less applies at once, more after a delay that they see.
		#[arg(value_name = "PERCENT")]
		part: gov::Percent,
	},
}

#[derive(Debug, Args)]
pub struct Ask {
	/// The model's name, with `@N` for a version of it other than the active one.
	#[arg(value_name = "MODEL[@VERSION]")]
	pub model: ModelRef,
	#[command(flatten)]
	pub question: Question,
	#[command(flatten)]
	pub generation: Generation,
	/// Most that the answer may cost, in whole tokens. Else what it costs now.
	#[arg(long)]
	pub max_fee: Option<Amount>,
	/// Return when a quorum agrees; do not wait until nobody can challenge it any more.
	#[arg(long)]
	pub no_wait_final: bool,
}

#[derive(Debug, Subcommand)]
pub enum Dev {
	/// Make the node's worker with this hot key misbehave: a test of the others.
	Fault {
		/// The worker's hot key.
		hot_key: AccountArg,
		/// What it does.
		fault: Fault,
		/// With `corrupt`: what is computed wrongly, such as `product`.
		#[arg(long, default_value = "product", value_parser = operation)]
		operation: Operation,
		/// With `corrupt`: in which layer.
		#[arg(long, default_value_t = 0)]
		layer: u32,
		/// With `corrupt`: at which token's position.
		#[arg(long, default_value_t = 0)]
		token: u32,
	},
	/// Tell the node's workers where its own RPC is.
	Rpc {
		/// An `http://` address.
		// Not `url`, which is the option of every command.
		#[arg(value_name = "URL")]
		address: String,
	},
	/// Tell the node's workers where an engine server is.
	Engine {
		/// An `http://` address; an empty one, if there is none.
		#[arg(value_name = "URL")]
		address: String,
	},
}

/// How a worker misbehaves.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Fault {
	/// Names another output than the true one.
	Lie,
	/// Commits, and never reveals.
	Mute,
	/// Says nothing at all.
	Silent,
	/// Computes one step wrongly, and stands up for what follows from it.
	Corrupt,
	/// Does its work.
	None,
}

/// What steps compute, by name.
fn operation(name: &str) -> Result<Operation, String> {
	let mut all = Operation::ALL.into_iter();
	all.find(|operation| operation.to_string() == name).ok_or_else(|| {
		let names: Vec<_> = Operation::ALL.iter().map(|operation| operation.to_string()).collect();
		format!("there are {}", names.join(", "))
	})
}

/// An account: an address or 32 bytes in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountArg(pub AccountId32);

impl FromStr for AccountArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		if let Some(digits) = text.strip_prefix("0x") {
			let mut bytes = [0; 32];
			return hex::decode_to_slice(digits, &mut bytes)
				.map(|()| Self(bytes.into()))
				.map_err(|error| format!("not 32 bytes in hex: {error}"));
		}
		AccountId32::from_str(text)
			.map(Self)
			.map_err(|error| format!("neither an address nor 0x and 64 hex digits: {error}"))
	}
}

/// A model's name, and perhaps the number of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef {
	pub name: String,
	pub version: Option<u32>,
}

impl FromStr for ModelRef {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let (name, version) = match text.split_once('@') {
			None => (text, None),
			Some((name, number)) => {
				let version = number.parse().ok().filter(|number| *number > 0);
				(name, Some(version.ok_or("after the @ comes a version's number, from 1")?))
			},
		};
		if name.is_empty() {
			return Err("a model's name is missing".into());
		}
		Ok(Self { name: name.into(), version })
	}
}

/// An architecture as it is written on the command line: `mlp:64,32,10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchitectureArg {
	pub family: String,
	pub sizes: Vec<u32>,
}

impl FromStr for ArchitectureArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let (family, sizes) =
			text.split_once(':').ok_or("an architecture looks like mlp:64,32,10")?;
		let sizes: Result<Vec<u32>, _> = sizes.split(',').map(|size| size.trim().parse()).collect();
		let sizes = sizes.map_err(|_| "sizes are numbers with commas between them")?;
		Ok(Self { family: family.trim().into(), sizes })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn command_line_should_be_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn command_line_should_keep_an_argument_apart_from_an_option_of_every_command() {
		let line = ["dodona", "--url=ws://a", "dev", "rpc", "http://b"];
		let cli = Cli::try_parse_from(line).unwrap();
		assert_eq!(cli.global.url, "ws://a");
		assert!(matches!(cli.command, Command::Dev(Dev::Rpc { address }) if address == "http://b"));
	}

	#[test]
	fn fault_should_name_the_step_that_is_computed_wrongly() {
		let parse = |arguments: &[&str]| {
			let hot_key = format!("0x{}", "11".repeat(32));
			let line = ["dodona", "dev", "fault", &hot_key].into_iter().chain(arguments.to_vec());
			match Cli::try_parse_from(line).map(|cli| cli.command) {
				Ok(Command::Dev(Dev::Fault { operation, layer, token, .. })) => {
					Some((operation, layer, token))
				},
				_ => None,
			}
		};
		let named = parse(&["corrupt", "--operation=table", "--layer=2", "--token=3"]);
		assert_eq!(named, Some((Operation::Table, 2, 3)));
		assert_eq!(parse(&["lie"]), Some((Operation::Product, 0, 0)));
		assert_eq!(parse(&["corrupt", "--operation=nothing"]), None);
	}

	#[test]
	fn model_ref_should_carry_the_version_when_one_is_named() {
		let plain = ModelRef { name: "dodona/digits".into(), version: None };
		let pinned = ModelRef { name: "digits".into(), version: Some(3) };
		assert_eq!("dodona/digits".parse(), Ok(plain));
		assert_eq!("digits@3".parse(), Ok(pinned));
	}

	#[test]
	fn model_ref_should_be_refused_when_name_or_version_make_no_sense() {
		for text in ["", "@1", "digits@", "digits@x", "digits@0", "digits@-1", "digits@1@2"] {
			assert!(text.parse::<ModelRef>().is_err(), "{text}");
		}
	}

	#[test]
	fn architecture_should_be_refused_when_it_has_no_sizes() {
		let parsed = "mlp: 64,32, 10".parse();
		assert_eq!(parsed, Ok(ArchitectureArg { family: "mlp".into(), sizes: vec![64, 32, 10] }));
		for text in ["mlp", "mlp:", "mlp:64,,10", "mlp:64;10", "mlp:-1"] {
			assert!(text.parse::<ArchitectureArg>().is_err(), "{text}");
		}
	}

	#[test]
	fn run_should_take_exactly_one_question() {
		let parse = |arguments: &[&str]| {
			let line = ["dodona", "model", "run", "folder"].iter().chain(arguments);
			match Cli::try_parse_from(line).map(|cli| cli.command) {
				Ok(Command::Model(Model::Run(run))) => Some(run),
				_ => None,
			}
		};
		let run = parse(&["--tokens=1,2,30", "--stop=4,5", "--stop", "6"]).unwrap();
		let stop = run.generation.stop;
		assert_eq!((run.question.tokens, stop), (Some(vec![1, 2, 30]), vec![4, 5, 6]));
		assert_eq!(parse(&["--prompt", "-1"]).map(|run| run.question.prompt), None);
		assert_eq!(parse(&["--prompt=-1"]).unwrap().question.prompt, Some("-1".into()));
		for arguments in
			[&[][..], &["--tokens=1", "--prompt=a"], &["--tokens=1,,2"], &["--tokens="]]
		{
			assert!(parse(arguments).is_none(), "{arguments:?}");
		}
	}

	#[test]
	fn ask_should_take_exactly_one_question_and_how_to_go_on() {
		let parse = |arguments: &[&str]| {
			let line = ["dodona", "ask", "novels@2"].iter().chain(arguments);
			match Cli::try_parse_from(line).map(|cli| cli.command) {
				Ok(Command::Ask(ask)) => Some(ask),
				_ => None,
			}
		};
		let ask = parse(&["--prompt=It was", "--max-tokens=8", "--seed=7", "--stop=1,2"]).unwrap();
		assert_eq!((ask.model.version, ask.question.prompt), (Some(2), Some("It was".into())));
		assert_eq!((ask.generation.max_tokens, ask.generation.seed), (Some(8), Some(7)));
		assert_eq!(ask.generation.stop, [1, 2]);
		assert!(parse(&["--input=-"]).is_some() && parse(&["--tokens=1"]).is_some());
		for arguments in [&[][..], &["--tokens=1", "--input=-"], &["--prompt=a", "--logits"]] {
			assert!(parse(arguments).is_none(), "{arguments:?}");
		}
	}

	#[test]
	fn account_should_be_the_same_when_written_as_address_or_in_hex() {
		let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		let hex = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
		assert_eq!(address.parse::<AccountArg>().unwrap(), hex.parse().unwrap());
		assert!("5Grwva".parse::<AccountArg>().is_err());
		assert!("0x1234".parse::<AccountArg>().is_err());
	}
}
