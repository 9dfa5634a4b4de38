//! The Dodona node: polkadot-omni-node's library with the chains of Dodona built in.

mod chains;
mod dev;
mod engine;

use clap::{ArgMatches, Command, FromArgMatches, Subcommand};
use polkadot_omni_node_lib::{
	extra_subcommand::{DefaultExtraSubcommands, ExtraSubcommand},
	run_with_custom_cli,
	runtime::DefaultRuntimeResolver,
	CliConfig, RunConfig,
};

/// What the binary says about itself.
struct About;

impl CliConfig for About {
	fn impl_version() -> String {
		env!("CARGO_PKG_VERSION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"the project's README".into()
	}

	fn copyright_start_year() -> u16 {
		2026
	}
}

/// What the library's command line does not have, and what it calls extra itself.
#[derive(Debug, Subcommand)]
enum Commands {
	/// Serve the engine, natively, to the workers of a node.
	Engine(engine::Command),
	#[command(flatten)]
	Library(DefaultExtraSubcommands),
}

/// The extra subcommands. They come with the only place where the library lets a node see its
/// command line before it starts, which is where a development chain is made ready.
#[derive(Debug)]
struct Extra(Commands);

impl Subcommand for Extra {
	fn augment_subcommands(command: Command) -> Command {
		dev::with_defaults(Commands::augment_subcommands(command))
	}

	fn augment_subcommands_for_update(command: Command) -> Command {
		Self::augment_subcommands(command)
	}

	fn has_subcommand(name: &str) -> bool {
		Commands::has_subcommand(name)
	}
}

impl FromArgMatches for Extra {
	fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
		if let Err(error) = dev::prepare(matches) {
			clap::Error::raw(clap::error::ErrorKind::Io, format!("{error}\n")).exit();
		}
		Commands::from_arg_matches(matches).map(Self)
	}

	fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
		self.0.update_from_arg_matches(matches)
	}
}

impl ExtraSubcommand for Extra {
	fn handle(self, config: &RunConfig) -> Result<(), sc_cli::Error> {
		match self.0 {
			Commands::Engine(command) => {
				command.run().map_err(|error| sc_cli::Error::Application(error.into()))
			},
			Commands::Library(command) => command.handle(config),
		}
	}
}

fn main() {
	let config = RunConfig::new(Box::new(DefaultRuntimeResolver), Box::new(chains::Chains));
	let result = run_with_custom_cli::<About, Extra>(config);
	dev::clean_up();
	if let Err(error) = result {
		eprintln!("Error: {error}");
		std::process::exit(1);
	}
}
