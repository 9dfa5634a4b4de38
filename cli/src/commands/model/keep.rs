//! `dodona model endow`, `keep` and `donate`: what becomes of a model's files.

use super::{chunks::Chunks, contents::Opened, named};
use crate::{
	amount::Amount,
	args::Keep,
	chain::{At, Balance, BlockNumber, Chain},
	commands::{model_by_name, text, Version},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_models::{ArtifactRef, Metadata, ModelId, VersionId};
use serde_json::{json, Value};
use subxt::{
	dynamic,
	utils::{AccountId32, Static, H256},
};
use subxt_signer::sr25519::Keypair;

const REGISTRY: &str = "ModelRegistry";
const STORAGE: &str = "TransactionStorage";
/// How many blocks without room for a renewal are tried, one after the other.
const MOST_FULL_BLOCKS: u32 = 10;
/// Blocks after which one looks again at a version for which nothing is renewed as it is.
const PAUSE: BlockNumber = 100;

pub async fn endow(session: &Session, name: &str, amount: Amount) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, name).await?;
	let amount = amount.of(&chain.token).map_err(Error::usage)?;
	let signer = session.signer(&chain).await?;
	let included = chain.execute(&signer, REGISTRY, "endow", (model.id, amount)).await?;
	let endowment = endowment(&chain, &chain.best().await?, model.id).await?;
	let document = json!({
		"name": name,
		"model": model.id,
		"amount": amount.to_string(),
		"endowment": endowment.to_string(),
		"fees": included.fee().to_string(),
	});
	session
		.output
		.result(&document, || format!("{name} is endowed with {}", chain.token.show(endowment)));
	Ok(())
}

pub async fn donate(session: &Session, name: &str) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, name).await?;
	let signer = session.signer(&chain).await?;
	let included = chain.execute(&signer, REGISTRY, "donate_to_commons", (model.id,)).await?;
	let document = json!({
		"name": name,
		"model": model.id,
		"owner": Value::Null,
		"fees": included.fee().to_string(),
	});
	session
		.output
		.result(&document, || format!("{name} belongs to the commons: voters decide about it"));
	Ok(())
}

/// What a model has for keeping its files.
pub async fn endowment(chain: &Chain, at: &At, model: ModelId) -> Result<Balance> {
	let id = at
		.constants()
		.entry(dynamic::constant::<Static<[u8; 8]>>(REGISTRY, "PalletId"))
		.map_err(|error| Error::failed(format!("{REGISTRY}.PalletId: {error}")))?;
	chain.free_balance(at, &endowment_account(id.0, model)).await
}

/// The account of a model that is nobody's.
fn endowment_account(pallet: [u8; 8], model: ModelId) -> AccountId32 {
	let mut account = [0; 32];
	account[..4].copy_from_slice(b"modl");
	account[4..12].copy_from_slice(&pallet);
	account[12..16].copy_from_slice(&model.to_le_bytes());
	account.into()
}

/// How the chain keeps a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Decode)]
pub struct Record {
	_depositor: [u8; 32],
	_deposit: Balance,
	_size: u32,
	_stored_at: BlockNumber,
	_extrinsic: u32,
	/// First block in which it is not kept any more.
	pub expires_at: BlockNumber,
}

/// How the chain keeps the chunk with this hash; `None` if it does not.
pub async fn record(chain: &Chain, at: &At, hash: [u8; 32]) -> Result<Option<Record>> {
	let Some(bytes) = chain.entry(at, STORAGE, "Chunks", H256(hash)).await? else {
		return Ok(None);
	};
	let record = Record::decode(&mut &bytes[..])
		.map_err(|error| Error::failed(format!("a chunk's record is unreadable: {error}")))?;
	let now = crate::chain::number(at.block_number());
	// One that has expired may still have a record, and may be stored again.
	Ok(Some(record).filter(|record| record.expires_at > now.saturating_add(1)))
}

/// The parts of a version, as the chain numbers them.
pub fn parts(version: &Version) -> Vec<(u8, &'static str, ArtifactRef)> {
	let manifest = &version.manifest;
	[
		(0, "weights", Some(manifest.artifact)),
		(1, "tokenizer", manifest.tokenizer),
		(2, "folder", manifest.folder),
	]
	.into_iter()
	.filter_map(|(part, name, artifact)| Some((part, name, artifact?)))
	.collect()
}

/// What the chain says of a part that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
	pub renewed: u32,
	pub until: BlockNumber,
	pub fee: Balance,
}

/// Shows the chain that it keeps a part, and has it renewed as far as that is due.
pub async fn keep_part(
	chain: &Chain,
	signer: &Keypair,
	version: VersionId,
	part: u8,
	index: Vec<u8>,
) -> Result<Kept> {
	let call = (Static(version), Static(part), Static(index));
	let included = chain.execute(signer, REGISTRY, "keep_version", call).await?;
	let fee = included.fee();
	included
		.event(REGISTRY, "VersionKept")
		.and_then(|fields| <(VersionId, u8, u32, BlockNumber)>::decode(&mut &fields[..]).ok())
		.map(|(_, _, renewed, until)| Kept { renewed, until, fee })
		.ok_or_else(|| Error::failed("the chain does not say until when the version is kept"))
}

/// Which chunks of an artifact are due.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
	/// How many can be renewed now.
	now: u32,
	/// How many are not kept at all.
	lost: u32,
	/// The first block in which another one can be renewed.
	next: Option<BlockNumber>,
}

impl Due {
	fn add(&mut self, record: Option<Record>, now: BlockNumber, retention: BlockNumber) {
		let Some(record) = record else {
			self.lost += 1;
			return;
		};
		// The rule of the chain: no more than half of the period is left.
		let from = record.expires_at.saturating_sub(retention / 2);
		if from <= now {
			self.now += 1;
		} else {
			self.next = Some(self.next.map_or(from, |next| next.min(from)));
		}
	}
}

pub async fn run(session: &Session, args: Keep) -> Result<()> {
	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let (model, version) = named(&chain, &args.model).await?;
	let mirrors = model.metadata.mirrors.iter().map(|mirror| text(mirror)).collect();
	let chunks = Chunks::new(&chain, mirrors);
	let mut opened = Vec::new();
	for (part, name, artifact) in parts(&version) {
		let get = async |hash| chunks.get(hash).await;
		let index = chunks.get(artifact.index.0).await?;
		opened.push((part, name, index, Opened::of(&artifact, get).await?));
	}
	let name = format!("{}@{}", text(&model.name), version.id.number);
	loop {
		let mut round = Round::default();
		for (part, what, index, opened) in &opened {
			round
				.part(session, &chain, &signer, version.id, (*part, what, index), opened)
				.await?;
		}
		round.card(session, &chain, &signer, &model.metadata).await?;
		let endowment = endowment(&chain, &chain.best().await?, model.id).await?;
		let document = json!({
			"name": text(&model.name),
			"model": version.id.model,
			"version": version.id.number,
			"parts": round.parts,
			"renewed": round.renewed,
			"fees": round.fees.to_string(),
			"endowment": endowment.to_string(),
			"next": round.next,
		});
		let said = || {
			let (renewed, left) = (round.renewed, chain.token.show(endowment));
			let mut lines = vec![format!("{name}: {renewed} chunks renewed; {left} left for more")];
			lines.extend(round.lines.iter().cloned());
			lines.join("\n")
		};
		if !args.watch {
			session.output.result(&document, said);
			return Ok(());
		}
		match session.output.is_json() {
			true => session.output.document(&document),
			false => session.output.note(said()),
		}
		// If some are still due, there was no room for them.
		let next = u64::from(round.next.unwrap_or(0));
		let mut blocks = chain.blocks().await?;
		chain.block_after(&mut blocks, &chain.best().await?).await?;
		while chain.next_block(&mut blocks).await? < next {}
	}
}

/// One look after everything.
#[derive(Default)]
struct Round {
	parts: Vec<Value>,
	lines: Vec<String>,
	renewed: u32,
	fees: Balance,
	next: Option<BlockNumber>,
}

impl Round {
	/// Looks after a part of a version, of this number, name and index.
	async fn part(
		&mut self,
		session: &Session,
		chain: &Chain,
		signer: &Keypair,
		version: VersionId,
		(part, name, index): (u8, &str, &[u8]),
		opened: &Opened,
	) -> Result<()> {
		let (mut renewed, mut full) = (0, 0);
		let kept = loop {
			let due = due(chain, opened).await?;
			if due.lost > 0 {
				return Err(Error::failed(format!(
					"{} chunks of the {name} are not kept",
					due.lost
				))
				.because("WeightsIncomplete")
				.hint("publish the folder again: what is missing is stored anew"));
			}
			if due.now > 0 {
				session.output.note(format!("{name}: {} chunks are due", due.now));
			}
			let kept = match keep_part(chain, signer, version, part, index.to_vec()).await {
				Err(error) if full < MOST_FULL_BLOCKS && is_for_room(&error) => {
					full += 1;
					session.output.note("no room in this block: trying the next");
					continue;
				},
				kept => kept?,
			};
			self.fees += kept.fee;
			renewed += kept.renewed;
			// One call renews no more than there is room for.
			if kept.renewed == 0 || kept.renewed >= due.now {
				break kept;
			}
		};
		self.renewed += renewed;
		let due = due(chain, opened).await?;
		let next = match (due.now, renewed) {
			(0, _) => due.next,
			(_, 0) => {
				session.output.note("nothing is renewed for a version that is not approved");
				Some(crate::chain::number(chain.best().await?.block_number()) + PAUSE)
			},
			_ => Some(0),
		};
		self.next = self.next.into_iter().chain(next).min();
		self.lines.push(format!("{name:<9} until block {}", kept.until));
		self.parts.push(json!({
			"part": name,
			"chunks": opened.artifact.chunks,
			"renewed": renewed,
			"due": due.now,
			"until": kept.until,
		}));
		Ok(())
	}

	/// Renews the model's card, which is in no artifact, at the signer's own cost.
	async fn card(
		&mut self,
		session: &Session,
		chain: &Chain,
		signer: &Keypair,
		metadata: &Metadata,
	) -> Result<()> {
		let Some(card) = metadata.card else { return Ok(()) };
		let at = chain.best().await?;
		let Some(record) = record(chain, &at, card.0).await? else {
			session.output.note("the model's card is not kept any more");
			return Ok(());
		};
		let mut due = Due::default();
		due.add(Some(record), crate::chain::number(at.block_number()), retention(chain, &at)?);
		if due.now == 0 {
			return Ok(());
		}
		let included = chain.execute(signer, STORAGE, "renew", (Static(card.0),)).await?;
		self.fees += included.fee();
		self.renewed += 1;
		Ok(())
	}
}

/// Whether it is only this block that had no room.
fn is_for_room(error: &Error) -> bool {
	error.reason.as_deref() == Some("ModelRegistry.NoRoom")
}

async fn due(chain: &Chain, opened: &Opened) -> Result<Due> {
	let at = chain.best().await?;
	let (now, retention) = (crate::chain::number(at.block_number()), retention(chain, &at)?);
	let mut due = Due::default();
	let mut hashes = opened.hashes.clone();
	hashes.push(opened.artifact.index.0);
	hashes.sort_unstable();
	hashes.dedup();
	for hash in hashes {
		due.add(record(chain, &at, hash).await?, now, retention);
	}
	Ok(due)
}

/// For how many blocks a chunk is kept.
fn retention(chain: &Chain, at: &At) -> Result<BlockNumber> {
	chain
		.constant(at, STORAGE, "RetentionPeriod")
		.ok_or_else(|| Error::failed("the chain does not say for how long it keeps chunks"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn endowment_should_be_the_account_that_the_chain_derives() {
		// As `PalletId(*b"dona/mod").into_sub_account_truncating(258u32)`.
		let account = endowment_account(*b"dona/mod", 258);
		let expected = [&b"modldona/mod\x02\x01"[..], &[0; 18]].concat();
		assert_eq!(account.0[..], expected);
	}

	#[test]
	fn chunks_should_be_due_when_no_more_than_half_of_their_time_is_left() {
		let record = |expires_at| {
			Some(Record {
				_depositor: [0; 32],
				_deposit: 0,
				_size: 1,
				_stored_at: 0,
				_extrinsic: 0,
				expires_at,
			})
		};
		let mut due = Due::default();
		for expires_at in [1150, 1151, 1160] {
			due.add(record(expires_at), 1100, 100);
		}
		due.add(None, 1100, 100);
		assert_eq!(due, Due { now: 1, lost: 1, next: Some(1101) });
	}
}
