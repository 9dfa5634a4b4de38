//! `dodona contribution`: ask for, grant and fetch shares of what models earn.

mod earnings;
mod proposals;
mod table;

use crate::{
	args::contribution::Contribution,
	chain::{At, Balance, BlockNumber, Chain, Included},
	commands::{model_by_name, Model},
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::{ContributionInfo, ContributionKind, RoyaltyTable};
use subxt::{ext::scale_encode::EncodeAsFields, utils::AccountId32};
use subxt_signer::sr25519::Keypair;

/// The pallet.
const PALLET: &str = "Contributions";

type Table = RoyaltyTable<AccountId32, Balance, BlockNumber>;
type Waiting = ContributionInfo<AccountId32, Balance>;

pub async fn run(session: &Session, command: Contribution) -> Result<()> {
	match command {
		Contribution::Propose(args) => proposals::propose(session, args).await,
		Contribution::List { model } => table::list(session, &model).await,
		Contribution::Accept(args) => proposals::accept(session, args).await,
		Contribution::Reject { id } => proposals::reject(session, id).await,
		Contribution::Withdraw { id } => proposals::withdraw(session, id).await,
		Contribution::Distribute { model } => earnings::distribute(session, &model).await,
		Contribution::Claim { model, entry } => earnings::claim(session, &model, entry).await,
		Contribution::Transfer { model, entry, to } => {
			earnings::transfer(session, &model, entry, to.0).await
		},
		Contribution::End { model, entry } => earnings::end(session, &model, entry).await,
	}
}

/// A model by its name, and who gets how much of what it earns.
async fn table_of(chain: &Chain, at: &At, name: &str) -> Result<(Model, Table)> {
	ensure_there(at)?;
	let model = model_by_name(chain, at, name).await?;
	let table: Option<Table> = chain.call(at, "ContributionsApi_royalties", (model.id,)).await?;
	let table = table.ok_or_else(|| {
		Error::failed(format!("`{name}` is gone"))
			.because("UnknownModel")
			.hint("run it again")
	})?;
	Ok((model, table))
}

/// The contributions to a model that wait.
async fn waiting(chain: &Chain, at: &At, model: &Model) -> Result<Vec<Waiting>> {
	chain.call(at, "ContributionsApi_contributions", (model.id,)).await
}

/// Refuses chains whose models don't share what they earn.
fn ensure_there(at: &At) -> Result<()> {
	match at.metadata_ref().pallet_by_name(PALLET) {
		Some(_) => Ok(()),
		None => Err(Error::failed("on this chain nobody shares what models earn")
			.hint("name a node of another chain with --url")),
	}
}

/// Signs and sends a call of the pallet, and waits until it has succeeded.
async fn execute(
	chain: &Chain,
	signer: &Keypair,
	call: &str,
	args: impl EncodeAsFields,
) -> Result<Included> {
	chain.execute(signer, PALLET, call, args).await.map_err(advised)
}

/// Adds what to do about a refusal that is known by name.
fn advised(error: Error) -> Error {
	let hint = match error.reason.as_deref() {
		Some("BadOrigin" | "ModelRegistry.NotOwner") => {
			"the model's owner decides; for a model of the commons its voters do, by a referendum on \
			 the track model_curator"
		},
		Some("Contributions.UnknownContribution" | "Contributions.UnknownEntry") => {
			"see what there is with `dodona contribution list <model>`"
		},
		Some("Contributions.TooManyProposals") => "wait until its owner has decided about some",
		Some("Contributions.TooManyOwnProposals") => {
			"`dodona contribution withdraw` one that is in vain"
		},
		Some("Contributions.NotTheAuthor" | "Contributions.NotTheHolder") => {
			"sign with the account that `dodona contribution list <model>` shows"
		},
		Some("Contributions.NotEnoughLeft") => "grant a smaller --share",
		Some("Contributions.VestingTooLong") => "a shorter --vesting",
		Some("Contributions.NothingToClaim") => "`dodona contribution distribute <model>` first",
		Some("Contributions.NothingToDistribute") => "wait until somebody has asked it",
		Some("Contributions.CannotBePaid") => {
			"fund the account with the existential deposit, or wait for more"
		},
		_ => return error,
	};
	error.hint(hint)
}

fn kind_text(kind: ContributionKind) -> &'static str {
	match kind {
		ContributionKind::Dataset => "dataset",
		ContributionKind::Weights => "weights",
		ContributionKind::Code => "code",
		ContributionKind::Evaluation => "evaluation",
		ContributionKind::Feedback => "feedback",
		ContributionKind::Application => "application",
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn refusal_should_come_with_a_hint_when_it_is_known() {
		let hint = |reason: &str| advised(Error::refused("no").because(reason)).hint;
		assert!(hint("Contributions.NotEnoughLeft").is_some_and(|hint| hint.contains("--share")));
		assert!(hint("BadOrigin").is_some());
		assert_eq!(hint("ContributorStaking.NothingToClaim"), None);
		assert_eq!(advised(Error::failed("no")).hint, None);
	}
}
