//! `dodona model`: publish, look up and run models.

mod folder;
mod quantize;
mod run;
mod source;
#[cfg(test)]
mod temporary;
mod tokenizer;

use crate::{
	args::{Model as Command, Publish},
	chain::{account_of, At, Balance, Chain},
	commands::{
		architecture_text, find_model, hex0x, model_by_name, models, text, version, Model, Version,
	},
	error::{Error, Result},
	output::table,
	Session,
};
use codec::Decode;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{
	chunk_cid, chunk_hash, ArtifactRef, Manifest, VersionId, VersionState,
};
use serde_json::{json, Value};
#[cfg(test)]
pub use source::architecture;
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use subxt::utils::{AccountId32, Static, H256};
use subxt_signer::sr25519::Keypair;

const REGISTRY: &str = "ModelRegistry";
const STORAGE: &str = "TransactionStorage";
/// Chunks that are sent before the first of them has to be in a block.
const IN_FLIGHT: usize = 4;

pub async fn run(session: &Session, command: Command) -> Result<()> {
	match command {
		Command::Publish(args) => publish(session, args).await,
		Command::List => list(session).await,
		Command::Show { name } => show(session, &name).await,
		Command::Run(args) => run::run(session, args),
		Command::Quantize(args) => quantize::run(session, args),
	}
}

async fn list(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let mut documents = Vec::new();
	let mut rows = Vec::new();
	for model in models(&chain, &at).await? {
		let mut document = model_json(&model);
		let mut row = vec![model.id.to_string(), text(&model.name)];
		match model.active {
			Some(number) => {
				let id = VersionId { model: model.id, number };
				let active = version(&chain, &at, id).await?.ok_or_else(|| vanished(id))?;
				document["price"] = active.manifest.price.to_string().into();
				document["architecture"] = architecture_text(&active.manifest.architecture).into();
				row.push(format!("@{number}"));
				row.push(architecture_text(&active.manifest.architecture));
				row.push(chain.token.show(active.manifest.price));
			},
			None => row.extend(["none".into(), String::new(), String::new()]),
		}
		row.push(owner_text(&model));
		documents.push(document);
		rows.push(row);
	}
	session.output.result(&documents, || {
		table(&["id", "name", "active", "architecture", "price", "owner"], &rows)
	});
	Ok(())
}

async fn show(session: &Session, name: &str) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, name).await?;
	let mut versions = Vec::new();
	for number in 1..=model.latest {
		let id = VersionId { model: model.id, number };
		versions.push(version(&chain, &at, id).await?.ok_or_else(|| vanished(id))?);
	}
	let mut document = model_json(&model);
	document["versions"] = versions.iter().map(version_json).collect();
	session.output.result(&document, || {
		let mut lines = vec![
			format!("model  {} (id {})", text(&model.name), model.id),
			format!("owner  {}", owner_text(&model)),
		];
		for version in &versions {
			let manifest = &version.manifest;
			lines.push(String::new());
			lines.push(format!("@{} {}", version.id.number, state_text(version.state)));
			lines.push(format!("  architecture  {}", architecture_text(&manifest.architecture)));
			lines.push(format!("  licence       {}", text(&manifest.licence)));
			lines.push(format!("  price         {}", chain.token.show(manifest.price)));
			lines.push(format!(
				"  weights       {}, root {}",
				size_text(&manifest.artifact),
				hex0x(manifest.artifact.root)
			));
			lines.push(format!("  proposed by   {}", version.proposer));
			if let Some(parent) = manifest.derived_from {
				lines.push(format!("  made from     model {} @{}", parent.model, parent.number));
			}
		}
		lines.join("\n")
	});
	Ok(())
}

async fn publish(session: &Session, args: Publish) -> Result<()> {
	let source = Source::read(&args)?;
	dodona_engine::Model::load(&source.architecture, &source.weights).map_err(|error| {
		Error::failed(format!("{} can't be published: {error}", source.path.display()))
			.hint("the weights have to fit the architecture exactly")
	})?;
	let (artifact, index, chunks) = ArtifactRef::of(&source.weights);

	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let at = chain.best().await?;
	let derived_from = match &args.derived_from {
		Some(parent) => {
			let model = model_by_name(&chain, &at, &parent.name).await?;
			let number = parent.version.or(model.active).ok_or_else(|| {
				Error::usage("--derived-from needs a version").hint(format!("{}@1", parent.name))
			})?;
			Some(VersionId { model: model.id, number })
		},
		None => None,
	};
	let manifest = Manifest {
		architecture: source.architecture.clone(),
		artifact,
		engine: ENGINE_VERSION,
		derived_from,
		licence: source.licence.clone(),
		price: args.price.of(&chain.token).map_err(Error::usage)?,
	};

	let known = find_model(&chain, &at, &source.name).await?;
	check_owner(&known, &me)?;
	check_artifact(&chain, &at, &known, &manifest).await?;
	let pieces: Vec<&[u8]> = chunks.into_iter().chain([index.as_slice()]).collect();
	let total = pieces.len();
	let missing = missing(&chain, &at, pieces).await?;
	let resumed = match &known {
		Some(model) => same_version(&chain, &at, model, &me, &manifest).await?,
		None => None,
	};
	let bill = Bill::estimate(&chain, &at, &signer, &missing, &known, resumed.is_some()).await?;
	session.output.note(format!(
		"{}: {}, {}\nto store: {} of {total} pieces; deposit {}, fees about {}",
		source.name,
		architecture_text(&manifest.architecture),
		size_text(&artifact),
		missing.len(),
		chain.token.show(bill.deposit),
		chain.token.show(bill.fees),
	));
	bill.check(&chain, &at, &me).await?;

	let mut fees = store(session, &chain, &signer, &missing).await?;
	read_back(&chain, &artifact).await?;

	let model = match known {
		Some(model) => model,
		None => {
			session.output.note(format!("registering {} …", source.name));
			let name = Static(source.name.as_bytes().to_vec());
			fees += chain.execute(&signer, REGISTRY, "register", (name,)).await?.fee();
			model_by_name(&chain, &chain.best().await?, &source.name).await?
		},
	};
	let mut published = match resumed {
		Some(version) => version,
		None => {
			session.output.note("proposing the version …");
			let call = (model.id, Static(manifest.clone()));
			fees += chain.execute(&signer, REGISTRY, "propose_version", call).await?.fee();
			let at = chain.best().await?;
			let model = model_by_name(&chain, &at, &source.name).await?;
			same_version(&chain, &at, &model, &me, &manifest)
				.await?
				.ok_or_else(|| Error::failed("the proposed version is not on the chain"))?
		},
	};
	if !args.propose_only && model.owner == Some(me) {
		for (state, call) in [
			(VersionState::Proposed, "approve_version"),
			(VersionState::Approved, "activate_version"),
		] {
			if published.state == state {
				session.output.note(format!("{} …", call.replace('_', " ")));
				let id = Static(published.id);
				fees += chain.execute(&signer, REGISTRY, call, (id,)).await?.fee();
				published = version(&chain, &chain.best().await?, published.id)
					.await?
					.ok_or_else(|| vanished(published.id))?;
			}
		}
	}

	let mut document = version_json(&published);
	document["name"] = source.name.clone().into();
	document["stored"] = missing.len().into();
	document["fees"] = fees.to_string().into();
	let served = published.state == VersionState::Active;
	session.output.result(&document, || {
		let id = format!("{}@{}", source.name, published.id.number);
		let paid = chain.token.show(fees);
		let state = state_text(published.state);
		if served {
			format!(
				"{id} is {state}; fees {paid}\nask it: dodona ask {} --input <file>",
				source.name
			)
		} else {
			let whose = owner_text(&model);
			format!("{id} is {state}; fees {paid}\nwho decides what comes next: {whose}, or a referendum")
		}
	});
	Ok(())
}

/// Refuses a model that only somebody else may propose a version of.
fn check_owner(known: &Option<Model>, me: &AccountId32) -> Result<()> {
	match known {
		Some(Model { name, owner: Some(owner), .. }) if owner != me => {
			Err(Error::failed(format!("`{}` belongs to {owner}", text(name)))
				.because("NotOwner")
				.hint("choose another --name, or sign with the owner's key"))
		},
		_ => Ok(()),
	}
}

/// Refuses weights that another model has, unless it is named as the one they come from.
async fn check_artifact(
	chain: &Chain,
	at: &At,
	known: &Option<Model>,
	manifest: &Manifest<Balance>,
) -> Result<()> {
	let root = H256(manifest.artifact.root.0);
	let Some(bytes) = chain.entry(at, REGISTRY, "Artifacts", root).await? else { return Ok(()) };
	let Ok(first) = VersionId::decode(&mut &bytes[..]) else { return Ok(()) };
	let is_own = known.as_ref().is_some_and(|model| model.id == first.model);
	if is_own || manifest.derived_from.is_some_and(|parent| parent.model == first.model) {
		return Ok(());
	}
	let page: Vec<Model> = chain.call(at, "ModelRegistryApi_models", (first.model, 1u32)).await?;
	let name = page.first().map_or("another model".into(), |model| text(&model.name));
	Err(Error::failed(format!("the weights are those of {name}@{}", first.number))
		.because("ArtifactTaken")
		.hint(format!("say where they come from: --derived-from {name}@{}", first.number)))
}

/// What publishing takes from the account.
struct Bill {
	deposit: Balance,
	fees: Balance,
}

impl Bill {
	async fn estimate(
		chain: &Chain,
		at: &At,
		signer: &Keypair,
		missing: &[&[u8]],
		known: &Option<Model>,
		is_proposed: bool,
	) -> Result<Self> {
		let constant = |pallet, name| chain.constant::<Balance>(at, pallet, name).unwrap_or(0);
		let base = constant(STORAGE, "DepositBase");
		let per_byte = constant(STORAGE, "DepositPerByte");
		let mut bill = Self { deposit: 0, fees: 0 };
		let mut fee_by_length = BTreeMap::new();
		for piece in missing {
			bill.deposit += base + per_byte * piece.len() as Balance;
			let fee = match fee_by_length.get(&piece.len()) {
				Some(fee) => *fee,
				None => {
					let fee =
						chain.fee(signer, STORAGE, "store", (Static(piece.to_vec()),)).await?;
					fee_by_length.insert(piece.len(), fee);
					fee
				},
			};
			bill.fees += fee;
		}
		if known.is_none() {
			bill.deposit += constant(REGISTRY, "ModelDeposit");
		}
		if !is_proposed {
			bill.deposit += constant(REGISTRY, "VersionDeposit");
		}
		Ok(bill)
	}

	/// Refuses when the account can't pay.
	async fn check(&self, chain: &Chain, at: &At, account: &AccountId32) -> Result<()> {
		let (needed, free) = (self.deposit + self.fees, chain.free_balance(at, account).await?);
		if free >= needed {
			return Ok(());
		}
		let token = &chain.token;
		Err(Error::failed(format!("{account} has {} to spend", token.show(free)))
			.hint(format!("fund it with {} more", token.show(needed - free))))
	}
}

/// The pieces that the chain does not keep yet, each once.
async fn missing<'a>(chain: &Chain, at: &At, pieces: Vec<&'a [u8]>) -> Result<Vec<&'a [u8]>> {
	let mut seen = BTreeSet::new();
	let mut missing = Vec::new();
	for piece in pieces {
		let hash = chunk_hash(piece).0;
		if seen.insert(hash) && chain.entry(at, STORAGE, "Chunks", H256(hash)).await?.is_none() {
			missing.push(piece);
		}
	}
	Ok(missing)
}

/// Stores the pieces; returns the fees.
async fn store(
	session: &Session,
	chain: &Chain,
	signer: &Keypair,
	pieces: &[&[u8]],
) -> Result<Balance> {
	let mut fees = 0;
	let bar = session.output.bar(pieces.len() as u64, "storing chunks");
	for group in pieces.chunks(IN_FLIGHT) {
		let first = chain.nonce(&account_of(signer)).await?;
		let mut sent = Vec::new();
		for (nonce, piece) in (first..).zip(group) {
			// Nodes index the last bytes of an extrinsic: the call has to be the whole of it.
			let call = (Static(piece.to_vec()),);
			sent.push(chain.submit(signer, nonce, STORAGE, "store", call).await?);
		}
		for submitted in sent {
			fees += chain.included(submitted).await?.fee();
			bar.inc(1);
		}
	}
	bar.finish_and_clear();
	Ok(fees)
}

/// Checks that the node serves the index of what was stored.
async fn read_back(chain: &Chain, artifact: &ArtifactRef) -> Result<()> {
	let missing = || {
		Error::failed("the node does not serve what is stored on the chain")
			.hint("publish to a node that keeps the chain's blocks (--blocks-pruning archive)")
	};
	let index = chain.chunk(&chunk_cid(artifact.index)).await?.ok_or_else(missing)?;
	artifact
		.open_index(&index)
		.map(|_| ())
		.ok_or_else(|| Error::failed("the node serves another index than was stored"))
}

/// The newest version that this account proposed with exactly this manifest and that still counts.
async fn same_version(
	chain: &Chain,
	at: &At,
	model: &Model,
	proposer: &AccountId32,
	manifest: &Manifest<Balance>,
) -> Result<Option<Version>> {
	for number in (1..=model.latest).rev() {
		let id = VersionId { model: model.id, number };
		let Some(version) = version(chain, at, id).await? else { continue };
		let counts = !matches!(version.state, VersionState::Revoked | VersionState::Deprecated);
		if counts && version.proposer == *proposer && version.manifest == *manifest {
			return Ok(Some(version));
		}
	}
	Ok(None)
}

fn vanished(id: VersionId) -> Error {
	Error::failed(format!("model {} has no version {}", id.model, id.number))
}

fn owner_text(model: &Model) -> String {
	model.owner.map_or("the commons".into(), |owner| owner.to_string())
}

fn size_text(artifact: &ArtifactRef) -> String {
	let plural = if artifact.chunks == 1 { "" } else { "s" };
	format!("{} bytes in {} chunk{plural}", artifact.size, artifact.chunks)
}

fn state_text(state: VersionState) -> &'static str {
	match state {
		VersionState::Proposed => "proposed",
		VersionState::Approved => "approved",
		VersionState::Active => "active",
		VersionState::Deprecated => "deprecated",
		VersionState::Revoked => "revoked",
	}
}

fn model_json(model: &Model) -> Value {
	json!({
		"id": model.id,
		"name": text(&model.name),
		"owner": model.owner,
		"active": model.active,
		"latest": model.latest,
	})
}

fn version_json(version: &Version) -> Value {
	let manifest = &version.manifest;
	json!({
		"model": version.id.model,
		"version": version.id.number,
		"state": state_text(version.state),
		"proposer": version.proposer,
		"architecture": architecture_text(&manifest.architecture),
		"engine": manifest.engine,
		"licence": text(&manifest.licence),
		"price": manifest.price.to_string(),
		"derived_from": manifest.derived_from,
		"artifact": {
			"root": hex0x(manifest.artifact.root),
			"index": hex0x(manifest.artifact.index),
			"cid": chunk_cid(manifest.artifact.index),
			"size": manifest.artifact.size,
			"chunks": manifest.artifact.chunks,
		},
	})
}
