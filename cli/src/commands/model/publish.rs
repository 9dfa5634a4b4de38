//! `dodona model publish`: a model's files onto the chain, and a version of it.

use super::{
	artifact::{Artifact, Piece},
	owner_text, size_text,
	source::Publication,
	state_text, tokenizer, vanished, version_json,
};
use crate::{
	args::{ModelRef, Publish},
	chain::{account_of, At, Balance, Chain},
	commands::{architecture_text, find_model, model_by_name, text, version, Model, Version},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_engine::{Architecture, Source, ENGINE_VERSION};
use dodona_primitives_models::{chunk_cid, ArtifactRef, Manifest, VersionId, VersionState};
use std::collections::{BTreeMap, BTreeSet};
use subxt::utils::{AccountId32, Static, H256};
use subxt_signer::sr25519::Keypair;

const REGISTRY: &str = "ModelRegistry";
const STORAGE: &str = "TransactionStorage";
/// Chunks that are sent before the first of them has to be in a block.
const IN_FLIGHT: usize = 4;

pub async fn run(session: &Session, args: Publish) -> Result<()> {
	let publication = Publication::read(&args)?;
	let spinner = session.output.spinner("loading the weights, to check them");
	publication.check()?;
	spinner.set_message("hashing");
	let weights = Artifact::of(&publication.path, &*publication.weights)?;
	let json = publication.tokenizer.as_deref();
	let path = publication.path.join(tokenizer::FILE);
	let tokenizer = match &json {
		Some(json) => Some(Artifact::of(&path, json as &dyn Source)?),
		None => None,
	};
	spinner.finish_and_clear();

	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let at = chain.best().await?;
	let derived_from = match &args.derived_from {
		Some(parent) => Some(parent_of(&chain, &at, parent).await?),
		None => None,
	};
	let manifest = Manifest {
		architecture: publication.architecture.clone(),
		artifact: weights.reference,
		tokenizer: tokenizer.as_ref().map(|tokenizer| tokenizer.reference),
		engine: ENGINE_VERSION,
		derived_from,
		licence: publication.licence.clone(),
		price: args.price.of(&chain.token).map_err(Error::usage)?,
	};

	let name = &publication.name;
	let known = find_model(&chain, &at, name).await?;
	check_owner(&known, &me)?;
	check_artifact(&chain, &at, &known, &manifest).await?;
	let artifacts: Vec<&Artifact> = [&weights].into_iter().chain(&tokenizer).collect();
	let pieces: Vec<Piece> = artifacts.iter().flat_map(|artifact| artifact.pieces()).collect();
	let missing = missing(&chain, &at, &pieces).await?;
	let resumed = match &known {
		Some(model) => same_version(&chain, &at, model, &me, &manifest).await?,
		None => None,
	};
	let bill = Bill::estimate(&chain, &at, &signer, &missing, &known, resumed.is_some()).await?;
	session.output.note(summary(name, &manifest));
	session.output.note(format!(
		"to store: {} of {} pieces; deposit {}, fees about {}",
		missing.len(),
		pieces.len(),
		chain.token.show(bill.deposit),
		chain.token.show(bill.fees),
	));
	bill.check(&chain, &at, &me).await?;

	let mut fees = store(session, &chain, &signer, &missing).await?;
	for artifact in &artifacts {
		read_back(&chain, &artifact.reference).await?;
	}

	let model = match known {
		Some(model) => model,
		None => {
			session.output.note(format!("registering {name} …"));
			let call = (Static(name.as_bytes().to_vec()),);
			fees += chain.execute(&signer, REGISTRY, "register", call).await?.fee();
			model_by_name(&chain, &chain.best().await?, name).await?
		},
	};
	let mut published = match resumed {
		Some(version) => version,
		None => {
			session.output.note("proposing the version …");
			let call = (model.id, Static(manifest.clone()));
			fees += chain.execute(&signer, REGISTRY, "propose_version", call).await?.fee();
			let at = chain.best().await?;
			let model = model_by_name(&chain, &at, name).await?;
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
	document["name"] = name.clone().into();
	document["stored"] = missing.len().into();
	document["fees"] = fees.to_string().into();
	session.output.result(&document, || {
		let id = format!("{name}@{}", published.id.number);
		let (state, paid) = (state_text(published.state), chain.token.show(fees));
		let next = if published.state == VersionState::Active {
			format!("ask it: {}", question(name, &manifest))
		} else {
			format!("who decides what comes next: {}, or a referendum", owner_text(&model))
		};
		format!("{id} is {state}; fees {paid}\n{next}")
	});
	Ok(())
}

/// What is published, in a line.
fn summary(name: &str, manifest: &Manifest<Balance>) -> String {
	let architecture = architecture_text(&manifest.architecture);
	let mut summary = format!("{name}: {architecture}, {}", size_text(&manifest.artifact));
	if let Some(tokenizer) = &manifest.tokenizer {
		summary.push_str(&format!("; tokenizer of {}", size_text(tokenizer)));
	}
	summary
}

/// How the model is asked.
fn question(name: &str, manifest: &Manifest<Balance>) -> String {
	let question = match (&manifest.architecture, manifest.tokenizer) {
		(Architecture::Mlp(_) | Architecture::Cnn(_), _) => "--input <file>",
		(Architecture::Llama(_) | Architecture::Bert(_), Some(_)) => "--prompt \"<text>\"",
		(Architecture::Llama(_) | Architecture::Bert(_), None) => "--tokens 1,2,3",
	};
	format!("dodona ask {name} {question}")
}

/// The version that another one was made from.
async fn parent_of(chain: &Chain, at: &At, parent: &ModelRef) -> Result<VersionId> {
	let model = model_by_name(chain, at, &parent.name).await?;
	let number = parent.version.or(model.active).ok_or_else(|| {
		Error::usage("--derived-from needs a version").hint(format!("{}@1", parent.name))
	})?;
	Ok(VersionId { model: model.id, number })
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
		missing: &[Piece<'_>],
		known: &Option<Model>,
		is_proposed: bool,
	) -> Result<Self> {
		let constant = |pallet, name| chain.constant::<Balance>(at, pallet, name).unwrap_or(0);
		let base = constant(STORAGE, "DepositBase");
		let per_byte = constant(STORAGE, "DepositPerByte");
		let mut bill = Self { deposit: 0, fees: 0 };
		let mut fee_by_length = BTreeMap::new();
		for piece in missing {
			bill.deposit += base + per_byte * piece.len as Balance;
			let fee = match fee_by_length.get(&piece.len) {
				Some(fee) => *fee,
				None => {
					// Any bytes: only their number counts.
					let call = (Static(vec![0u8; piece.len]),);
					let fee = chain.fee(signer, STORAGE, "store", call).await?;
					fee_by_length.insert(piece.len, fee);
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
async fn missing<'a>(chain: &Chain, at: &At, pieces: &[Piece<'a>]) -> Result<Vec<Piece<'a>>> {
	let mut seen = BTreeSet::new();
	let mut missing = Vec::new();
	for piece in pieces {
		let is_new = seen.insert(piece.hash);
		if is_new && chain.entry(at, STORAGE, "Chunks", H256(piece.hash)).await?.is_none() {
			missing.push(*piece);
		}
	}
	Ok(missing)
}

/// Stores the pieces; returns the fees.
async fn store(
	session: &Session,
	chain: &Chain,
	signer: &Keypair,
	pieces: &[Piece<'_>],
) -> Result<Balance> {
	let mut fees = 0;
	let bar = session.output.bar(pieces.len() as u64, "storing chunks");
	for group in pieces.chunks(IN_FLIGHT) {
		let first = chain.nonce(&account_of(signer)).await?;
		let mut sent = Vec::new();
		for (nonce, piece) in (first..).zip(group) {
			// Nodes index the last bytes of an extrinsic: the call has to be the whole of it.
			let call = (Static(piece.read()?),);
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

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{architecture, temporary, Folder};

	fn manifest(architecture: Architecture, has_tokenizer: bool) -> Manifest<Balance> {
		let (artifact, ..) = ArtifactRef::of(&[7; 300]);
		let (tokenizer, ..) = ArtifactRef::of(&[1; 5]);
		Manifest {
			architecture,
			artifact,
			tokenizer: has_tokenizer.then_some(tokenizer),
			engine: ENGINE_VERSION,
			derived_from: None,
			licence: Default::default(),
			price: 5,
		}
	}

	#[test]
	fn publisher_should_be_told_how_to_ask_when_the_version_is_in_use() {
		let mlp = architecture("mlp", &[2, 1]).unwrap();
		let folder = temporary::Folder::llama("how");
		let llama = Folder::open(folder.as_path()).unwrap().architecture;
		let said = |architecture: &Architecture, has_tokenizer| {
			question("a/b", &manifest(architecture.clone(), has_tokenizer))
		};
		assert_eq!(said(&mlp, false), "dodona ask a/b --input <file>");
		assert_eq!(said(&llama, false), "dodona ask a/b --tokens 1,2,3");
		assert_eq!(said(&llama, true), "dodona ask a/b --prompt \"<text>\"");
	}

	#[test]
	fn summary_should_name_the_tokenizer_when_there_is_one() {
		let mlp = || architecture("mlp", &[2, 1]).unwrap();
		assert_eq!(summary("a", &manifest(mlp(), false)), "a: mlp:2,1, 300 bytes in 1 chunk");
		let with = summary("a", &manifest(mlp(), true));
		assert!(with.ends_with("; tokenizer of 5 bytes in 1 chunk"), "{with}");
	}
}
