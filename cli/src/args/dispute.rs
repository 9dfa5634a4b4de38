//! `dodona dispute` and `dodona watch` on the command line.

use crate::{amount::Amount, args::operation};
use clap::{Args, Subcommand};
use dodona_primitives_inference::player::Planted;

#[derive(Debug, Subcommand)]
pub enum Dispute {
	/// List the requests whose answers are in dispute.
	List,
	/// Show what is claimed, whose move it is, and how far it is.
	Show {
		/// The request's number.
		request: u64,
	},
}

#[derive(Debug, Args)]
pub struct Watch {
	/// Challenge wrong answers, and play their disputes to the end.
	#[arg(long, requires = "budget")]
	pub challenge: bool,
	/// Play for the right side of every open dispute, whoever it is of.
	#[arg(long)]
	pub defend: bool,
	/// Only these models; else all of them.
	#[arg(long, value_name = "NAME", value_delimiter = ',')]
	pub models: Vec<String>,
	/// Most to have in bonds at a time, in whole tokens.
	#[arg(long, value_name = "AMOUNT")]
	pub budget: Option<Amount>,
	/// For tests on a development chain: computes the first such step wrongly.
	#[arg(long, value_name = "OPERATION,LAYER,TOKEN", hide = true, value_parser = planted)]
	pub plant: Option<Planted>,
}

/// A wrong result, by the operation, the layer and the token that it is planted in.
fn planted(text: &str) -> Result<Planted, String> {
	let parts: Vec<&str> = text.split(',').collect();
	let [name, layer, token] = parts[..] else { return Err("three, with commas between".into()) };
	let number = |text: &str| text.parse().map_err(|error| format!("`{text}`: {error}"));
	Ok(Planted { operation: operation(name)?, layer: number(layer)?, token: number(token)? })
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::args::{Cli, Command};
	use clap::Parser;
	use dodona_engine::trace::Operation;

	fn watch(arguments: &[&str]) -> Option<Watch> {
		let line = ["dodona", "watch"].iter().chain(arguments);
		match Cli::try_parse_from(line).map(|cli| cli.command) {
			Ok(Command::Watch(watch)) => Some(watch),
			_ => None,
		}
	}

	#[test]
	fn watch_should_challenge_only_when_it_is_told_how_much_it_may_cost() {
		assert!(watch(&["--challenge"]).is_none());
		let args = watch(&["--challenge", "--budget=12.5", "--models=a,b/c"]).unwrap();
		assert!(args.challenge && !args.defend);
		assert_eq!(args.models, ["a", "b/c"]);
		assert!(watch(&["--defend"]).unwrap().budget.is_none());
	}

	#[test]
	fn planted_result_should_be_named_by_operation_layer_and_token() {
		let planted = watch(&["--plant=product,1,2"]).unwrap().plant.unwrap();
		assert_eq!((planted.operation, planted.layer, planted.token), (Operation::Product, 1, 2));
		for text in ["product", "product,1", "nothing,1,2", "product,1,x"] {
			assert!(watch(&["--plant", text]).is_none(), "{text}");
		}
	}
}
