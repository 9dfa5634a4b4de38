//! Asking for shares, and granting them.

use super::{ensure_there, execute, table::part, table_of, waiting, Waiting, PALLET};
use crate::{
	args::contribution::{Accept, Content, Kind, Propose},
	chain::{At, Balance, BlockNumber, Chain},
	commands::{hex0x, models, stake::Pace, text, Model},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_models::{ContributionId, ContributionKind, EntryId, ModelId};
use serde_json::json;
use std::{fs::File, io, path::Path};
use subxt::{
	dynamic::Value,
	ext::scale_value::At as _,
	utils::{AccountId32, Static, H256},
};

/// Read at a time.
const BUFFER: usize = 1 << 20;

impl From<Kind> for ContributionKind {
	fn from(kind: Kind) -> Self {
		match kind {
			Kind::Dataset => Self::Dataset,
			Kind::Weights => Self::Weights,
			Kind::Code => Self::Code,
			Kind::Evaluation => Self::Evaluation,
			Kind::Feedback => Self::Feedback,
			Kind::Application => Self::Application,
		}
	}
}

/// The hash that names what was given.
fn hash(content: &Content) -> Result<[u8; 32]> {
	match (&content.hash, &content.file) {
		(Some(hash), _) => Ok(hash.0),
		(None, Some(path)) => hash_of(path).map_err(|error| {
			Error::usage(format!("{}: {error}", path.display())).hint("name a file, or its --hash")
		}),
		(None, None) => Err(Error::usage("what was given is missing").hint("--file or --hash")),
	}
}

/// The BLAKE2b-256 hash of a file of any length.
fn hash_of(path: &Path) -> io::Result<[u8; 32]> {
	use io::Read;
	let mut file = File::open(path)?;
	let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
	let mut buffer = vec![0; BUFFER];
	loop {
		match file.read(&mut buffer)? {
			0 => break,
			len => state.update(buffer.get(..len).unwrap_or_default()),
		};
	}
	let mut hash = [0; 32];
	hash.copy_from_slice(state.finalize().as_bytes());
	Ok(hash)
}

pub async fn propose(session: &Session, args: Propose) -> Result<()> {
	let content = hash(&args.content)?;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, table) = table_of(&chain, &at, &args.model).await?;
	let share = part(args.share.0);
	if share.0 == 0 {
		return Err(Error::usage("a share of nothing is none").hint("--share above 0%"));
	}
	let signer = session.signer(&chain).await?;
	let deposit = chain
		.constant::<Balance>(&at, PALLET, "ContributionDeposit")
		.unwrap_or_default();
	let who = match table.owner {
		Some(owner) => format!("{owner} decides"),
		None => "voters decide".into(),
	};
	session
		.output
		.note(
			format!("{who}; until then {} are held, which come back", chain.token.show(deposit),),
		);
	let kind = ContributionKind::from(args.kind);
	let call = (model.id, Static(kind), H256(content), share.0);
	let included = execute(&chain, &signer, "propose_contribution", call).await?;
	let id = included
		.event(PALLET, "ContributionProposed")
		.and_then(|fields| ContributionId::decode(&mut &fields[..]).ok())
		.ok_or_else(|| Error::failed("the chain does not say the contribution's number"))?;
	let document = json!({
		"id": id,
		"name": args.model,
		"model": model.id,
		"content": hex0x(content),
		"share": share.number(),
		"deposit": deposit.to_string(),
		"fees": included.fee().to_string(),
	});
	session.output.result(&document, || {
		format!(
			"contribution {id} to {} asks for {}\naccepted by: dodona contribution accept {id}",
			args.model,
			share.text(),
		)
	});
	Ok(())
}

pub async fn accept(session: &Session, args: Accept) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, found) = find(&chain, &at, args.id).await?;
	let asked = part(found.share.deconstruct());
	let share = args.share.map_or(asked, |share| part(share.0));
	if share > asked {
		let message = format!("contribution {} asks for {}", args.id, asked.text());
		return Err(Error::failed(message)
			.because(format!("{PALLET}.MoreThanRequested"))
			.hint("grant no more than that"));
	}
	let signer = session.signer(&chain).await?;
	let name = text(&model.name);
	let grows = match args.vesting {
		0 => String::new(),
		blocks => format!(", growing over {}", Pace::of(&chain, &at).await?.blocks_text(blocks)),
	};
	session.output.note(format!(
		"{} get {} of what {name} earns{grows}: only they can end it",
		found.author,
		share.text(),
	));
	let call = (args.id, share.0, args.vesting);
	let included = execute(&chain, &signer, "accept_contribution", call).await?;
	let fields = included.event(PALLET, "ContributionAccepted").unwrap_or_default();
	type Accepted = (ContributionId, ModelId, EntryId, AccountId32, u32, BlockNumber);
	let (_, _, entry, holder, _, vested) = Accepted::decode(&mut &fields[..])
		.map_err(|error| Error::failed(format!("the chain does not say the entry: {error}")))?;
	let document = json!({
		"id": args.id,
		"name": name,
		"model": model.id,
		"entry": entry,
		"holder": holder,
		"share": share.number(),
		"whole_from": vested,
		"fees": included.fee().to_string(),
	});
	session
		.output
		.result(&document, || format!("entry {entry} of {name}: {} for {holder}", share.text()));
	Ok(())
}

pub async fn reject(session: &Session, id: ContributionId) -> Result<()> {
	end(session, id, "reject_contribution", "rejected").await
}

pub async fn withdraw(session: &Session, id: ContributionId) -> Result<()> {
	end(session, id, "withdraw_contribution", "withdrawn").await
}

async fn end(session: &Session, id: ContributionId, call: &str, done: &str) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	ensure_there(&at)?;
	let signer = session.signer(&chain).await?;
	let included = execute(&chain, &signer, call, (id,)).await?;
	let document = json!({ "id": id, "state": done, "fees": included.fee().to_string() });
	session
		.output
		.result(&document, || format!("contribution {id} is {done}; its author has the deposit"));
	Ok(())
}

/// A contribution that waits, and its model.
async fn find(chain: &Chain, at: &At, id: ContributionId) -> Result<(Model, Waiting)> {
	ensure_there(at)?;
	let stored: Option<Value> = chain.stored(at, PALLET, "Contributions", (id,)).await?;
	let number = stored.as_ref().and_then(|found| found.at("model")).and_then(|id| id.as_u128());
	let unknown = || {
		Error::failed(format!("no contribution {id} waits"))
			.because(format!("{PALLET}.UnknownContribution"))
			.hint("see what waits with `dodona contribution list <model>`")
	};
	let number = number.ok_or_else(unknown)?;
	let model = models(chain, at)
		.await?
		.into_iter()
		.find(|model| u128::from(model.id) == number);
	let model = model.ok_or_else(unknown)?;
	let found = waiting(chain, at, &model).await?.into_iter().find(|found| found.id == id);
	Ok((model, found.ok_or_else(unknown)?))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{args::contribution::HashArg, commands::model::temporary::Folder};

	#[test]
	fn content_should_be_named_by_the_hash_of_all_its_bytes() {
		let long = "x".repeat(BUFFER + 1);
		let folder = Folder::new("contribution", &[("data", &long)]);
		let file = Some(folder.as_path().join("data"));
		let expected = blake2b_simd::Params::new().hash_length(32).hash(long.as_bytes());
		let hashed = hash(&Content { file, hash: None }).unwrap();
		assert_eq!(hashed, expected.as_bytes());
		let named = Content { file: None, hash: Some(HashArg([7; 32])) };
		assert_eq!(hash(&named).unwrap(), [7; 32]);
		let missing = Content { file: Some(folder.as_path().join("nothing")), hash: None };
		assert!(hash(&missing).is_err_and(|error| error.hint.is_some()));
	}
}
