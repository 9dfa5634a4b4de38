//! `dodona`: publish models, ask them, and work for them.

mod amount;
mod args;
mod chain;
mod commands;
mod error;
mod output;

use args::{Cli, Command};
use chain::Chain;
use clap::Parser;
use error::Result;
use output::Output;
use std::process::ExitCode;
use subxt_signer::sr25519::Keypair;

/// What every command gets.
pub struct Session {
	output: Output,
	url: String,
	suri: Option<String>,
}

impl Session {
	async fn connect(&self) -> Result<Chain> {
		Chain::connect(&self.url).await
	}

	async fn signer(&self, chain: &Chain) -> Result<Keypair> {
		chain.signer(self.suri.as_deref()).await
	}
}

#[tokio::main]
async fn main() -> ExitCode {
	let Cli { global, command } = Cli::parse();
	let session = Session { output: Output::new(global.json), url: global.url, suri: global.suri };
	let outcome = match command {
		Command::Model(command) => commands::model::run(&session, command).await,
		Command::Worker(command) => commands::worker::run(&session, command).await,
		Command::Stake(command) => commands::stake::run(&session, command).await,
		Command::Ask(args) => commands::ask::run(&session, args).await,
		Command::Dispute(command) => commands::dispute::run(&session, command).await,
		Command::Watch(args) => commands::watch::run(&session, args).await,
		Command::Gov(command) => commands::gov::run(&session, command).await,
		Command::Rate(args) => commands::rate::run(&session, args).await,
		Command::Ratings { model } => commands::rate::ratings(&session, &model).await,
		Command::Contribution(command) => commands::contribution::run(&session, command).await,
		Command::Status => commands::status::run(&session).await,
		Command::Dev(command) => commands::dev::run(&session, command).await,
	};
	match outcome {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			session.output.error(&error);
			ExitCode::from(error.kind as u8)
		},
	}
}
