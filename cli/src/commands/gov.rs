//! `dodona gov`: propose, measure and decide which versions of models are used.

mod calls;
mod evaluate;
mod gate;
mod hold_out;
mod propose;
mod referendum;
mod refund;
mod samples;
mod set;
mod status;
mod takedown;
mod tracks;
mod unlock;
mod vote;

use crate::{
	args::gov::{Gov, HoldOut, VersionArg},
	chain::{At, Chain},
	commands::{model_by_name, state_text, version_of, Model, Version},
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::VersionState;

pub async fn run(session: &Session, command: Gov) -> Result<()> {
	match command {
		Gov::ProposeUpgrade(args) => propose::upgrade(session, args).await,
		Gov::Vote(args) => vote::vote(session, args).await,
		Gov::Delegate(args) => vote::delegate(session, args).await,
		Gov::Undelegate(args) => vote::undelegate(session, args).await,
		Gov::Unlock { referendum } => unlock::run(session, referendum).await,
		Gov::Refund { referendum } => refund::run(session, referendum).await,
		Gov::Status { referendum: Some(index) } => status::show(session, index).await,
		Gov::Status { referendum: None } => status::list(session).await,
		Gov::HoldOut(HoldOut::Make { samples, out }) => hold_out::make(session, &samples, &out),
		Gov::HoldOut(HoldOut::Set(args)) => hold_out::set(session, args).await,
		Gov::Evaluate(args) => evaluate::run(session, args).await,
		Gov::Drop { version } => takedown::drop(session, version).await,
		Gov::Suspend(args) => takedown::suspend(session, args).await,
		Gov::Lift { version } => takedown::lift(session, version).await,
		Gov::Confirm(args) => takedown::confirm(session, args).await,
	}
}

/// A version that somebody named, with its model.
async fn named(chain: &Chain, at: &At, named: &VersionArg) -> Result<(Model, Version)> {
	let VersionArg { name, number } = named;
	let model = model_by_name(chain, at, name).await?;
	let version = version_of(chain, at, &model, *number).await?;
	Ok((model, version))
}

/// A version that is in another state than a command is for.
fn wrong_state<N>(named: &VersionArg, state: &VersionState<N>, reason: &str, hint: &str) -> Error {
	let VersionArg { name, number } = named;
	Error::failed(format!("`{name}@{number}` is {}", state_text(state)))
		.because(reason)
		.hint(hint)
}
