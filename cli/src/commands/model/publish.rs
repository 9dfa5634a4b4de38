//! `dodona model publish`: a model's files onto the chain, and a version of it.

use super::{
	admission::{self, Question},
	artifact::Artifact,
	bill::{Bill, Fees},
	chunk_json,
	description::Said,
	keep::{keep_part, parts},
	known_answers, owner_text,
	parts::Parts,
	size_in_words, size_text,
	source::Publication,
	state_text,
	store::{missing, read_back, store},
	vanished, version_json,
};
use crate::{
	args::{ModelRef, Publish},
	chain::{account_of, At, Balance, Chain},
	commands::{architecture_text, find_model, model_by_name, text, version, Model, Version},
	error::{Error, Result},
	Session,
};
use codec::{Decode, Encode};
use dodona_engine::{Architecture, ENGINE_VERSION};
use dodona_primitives_inference::{known_answers_hash, KnownAnswers};
use dodona_primitives_models::{Manifest, Metadata, Price, VersionId, VersionState};
use serde_json::{json, Value};
use subxt::utils::{AccountId32, Static, H256};
use subxt_signer::sr25519::Keypair;

const REGISTRY: &str = "ModelRegistry";
const STORAGE: &str = "TransactionStorage";

pub async fn run(session: &Session, args: Publish) -> Result<()> {
	let spinner = session.output.spinner("reading the files");
	let publication = Publication::read(&args)?;
	spinner.set_message("loading the weights, to check them");
	let answers = {
		let model = publication.load()?;
		spinner.set_message("answering questions, for others to repeat");
		let tokenizer = publication.tokenizer.as_deref();
		known_answers::answered(&model, tokenizer, args.known_answers.as_deref())?
	};
	spinner.set_message("hashing");
	let parts = Parts::of(&publication)?;
	spinner.finish_and_clear();

	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let mut plan = Plan::new(&chain, &signer, &args, &publication, &parts, answers).await?;
	plan.bill(&parts).await?;
	session.output.note(plan.summary(&publication, &parts));
	session.output.note(plan.bill.text(&chain.token));
	if plan.is_unheard {
		session
			.output
			.note("only those who govern the model say what it is: that is left out");
	}
	if args.dry_run {
		let document = plan.json();
		session.output.result(&document, || "nothing was sent".into());
		return Ok(());
	}
	plan.bill.check(&chain, &chain.best().await?, &plan.me).await?;
	let stored = store(session, &chain, &signer, &parts.pieces()).await?;
	plan.fees += stored.fees;
	if stored.pieces > 0 {
		let (size, rate) = (size_in_words(stored.bytes), stored.rate());
		session.output.note(format!("stored {size}, {rate:.2} MiB/s"));
	}
	for artifact in parts.artifacts() {
		read_back(&chain, &artifact.reference).await?;
	}
	let (model, published) = plan.publish(session, &parts).await?;

	let name = &publication.name;
	let mut document = version_json(&published);
	document["name"] = name.clone().into();
	document["stored"] = stored.pieces.into();
	document["upload"] = json!({
		"bytes": stored.bytes,
		"seconds": stored.seconds,
		"mib_per_second": stored.rate(),
	});
	document["card"] = parts.card().map(|card| chunk_json(card.hash)).into();
	document["kept"] = plan.kept.clone().into();
	document["fees"] = plan.fees.to_string().into();
	session.output.result(&document, || {
		let id = format!("{name}@{}", published.id.number);
		let (state, paid) = (state_text(&published.state), chain.token.show(plan.fees));
		let next = match (&published.state, model.owner) {
			(VersionState::Active, _) => format!("ask it: {}", question(name, &plan.manifest)),
			(_, None) => {
				format!("voters decide what comes next: dodona gov propose-upgrade {id}")
			},
			_ => format!("who decides what comes next: {}", owner_text(&model)),
		};
		format!("{id} is {state}; fees {paid}\n{next}")
	});
	Ok(())
}

/// What is going to be said to the chain, and what was.
struct Plan<'a> {
	chain: &'a Chain,
	signer: &'a Keypair,
	me: AccountId32,
	name: &'a str,
	manifest: Manifest<Balance>,
	answers: KnownAnswers,
	/// What is said of the model from now on, if that changes.
	metadata: Option<Metadata>,
	/// Whether something is said that nobody listens to.
	is_unheard: bool,
	/// Whether the version is put into use.
	activates: bool,
	known: Option<Model>,
	/// A version that is exactly this, from a run that was interrupted.
	resumed: Option<Version>,
	bill: Bill,
	missing: (usize, u64),
	fees: Balance,
	kept: Vec<Value>,
}

impl<'a> Plan<'a> {
	async fn new(
		chain: &'a Chain,
		signer: &'a Keypair,
		args: &Publish,
		publication: &'a Publication,
		parts: &Parts,
		answers: KnownAnswers,
	) -> Result<Self> {
		let me = account_of(signer);
		let at = chain.best().await?;
		let derived_from = match &args.derived_from {
			Some(parent) => Some(parent_of(chain, &at, parent).await?),
			None => None,
		};
		let amount = |amount: &crate::amount::Amount| amount.of(&chain.token).map_err(Error::usage);
		let reference = |artifact: &Artifact| artifact.reference;
		let manifest = Manifest {
			architecture: publication.architecture.clone(),
			artifact: parts.weights.reference,
			pages: parts.weights.pages.into(),
			tokenizer: parts.tokenizer.as_ref().map(reference),
			folder: parts.folder.as_ref().map(reference),
			known_answers: known_answers_hash(&answers),
			engine: ENGINE_VERSION,
			derived_from,
			licence: publication.licence.clone(),
			price: Price { request: amount(&args.price)?, work: amount(&args.price_per_work)? },
		};
		let name = &publication.name;
		let known = find_model(chain, &at, name).await?;
		check_owner(&known, &me)?;
		check_artifact(chain, &at, &known, &manifest).await?;
		let resumed = match &known {
			Some(model) => same_version(chain, &at, model, &me, &manifest).await?,
			None => None,
		};
		let said = Said {
			description: args.description.as_deref(),
			tags: &args.tag,
			mirrors: &args.mirror,
			card: parts.card().map(|card| card.hash),
		};
		let before = known.as_ref().map(|model| model.metadata.clone()).unwrap_or_default();
		let is_mine = known.as_ref().is_none_or(|model| model.owner == Some(me));
		let after = said.over(&before)?;
		let is_unheard = !is_mine
			&& (args.description.is_some() || !args.tag.is_empty() || !args.mirror.is_empty());
		let metadata = Some(after).filter(|after| is_mine && *after != before);
		Ok(Self {
			chain,
			signer,
			me,
			name,
			manifest,
			answers,
			metadata,
			is_unheard,
			activates: is_mine && !args.propose_only,
			known,
			resumed,
			bill: Bill::default(),
			missing: (0, 0),
			fees: 0,
			kept: Vec::new(),
		})
	}

	/// Writes the bill.
	async fn bill(&mut self, parts: &Parts) -> Result<()> {
		let chain = self.chain;
		let at = chain.best().await?;
		let constant = |pallet, name| chain.constant::<Balance>(&at, pallet, name).unwrap_or(0);
		let mut fees = Fees::new(chain, self.signer);
		let missing = missing(chain, &at, &parts.pieces()).await?;
		let (mut deposit, mut fee) = (0, 0);
		for piece in &missing {
			deposit += constant(STORAGE, "DepositBase")
				+ constant(STORAGE, "DepositPerByte") * piece.len as Balance;
			fee += fees.of_storing(piece.len).await?;
		}
		let bytes = missing.iter().map(|piece| piece.len as u64).sum();
		self.missing = (missing.len(), bytes);
		let (count, all) = (missing.len(), parts.pieces().len());
		self.bill
			.add(format!("{count} of {all} chunks, {}", size_in_words(bytes)), deposit, fee);

		let sized = |base, len: usize| {
			constant(REGISTRY, base) + constant(REGISTRY, "DepositPerByte") * len as Balance
		};
		let name = self.name.as_bytes().to_vec();
		if self.known.is_none() {
			if let Some(organisation) = self.organisation(&at).await? {
				let deposit = constant(REGISTRY, "OrganisationDeposit");
				self.bill.add(format!("organisation {organisation}"), deposit, 0);
			}
			let deposit = sized("ModelDeposit", name.len());
			let fee = fees.of(REGISTRY, "register", (Static(name),)).await?;
			self.bill.add(format!("model {}", self.name), deposit, fee);
		}
		// Of any model: which one does not change what a call costs.
		let model = self.known.as_ref().map_or(0, |model| model.id);
		let id = VersionId { model, number: 1 };
		if self.resumed.is_none() {
			let deposit = sized("VersionDeposit", self.manifest.encoded_size());
			let call = (model, Static(self.manifest.clone()));
			let fee = fees.of(REGISTRY, "propose_version", call).await?;
			self.bill.add("version", deposit, fee);
		}
		if let Some(metadata) = &self.metadata {
			let before = self.known.as_ref().map(|model| &model.metadata);
			let before = before.filter(|before| **before != Metadata::default());
			let before = before.map_or(0, |it| sized("MetadataDeposit", it.encoded_size()));
			let deposit = sized("MetadataDeposit", metadata.encoded_size());
			let call = (model, Static(Some(metadata.clone())));
			let fee = fees.of(REGISTRY, "set_metadata", call).await?;
			self.bill.add("metadata", deposit.saturating_sub(before), fee);
		}
		let state = self.resumed.as_ref().map(|version| &version.state);
		if state.is_none_or(|state| *state == VersionState::Proposed) {
			let fee = admission::fees(&fees, &at, id, self.question(parts)).await?;
			self.bill.add("admission", 0, fee);
		}
		let mut fee = 0;
		for artifact in parts.artifacts() {
			let call = (Static(id), Static(0u8), Static(artifact.index().to_vec()));
			fee += fees.of(REGISTRY, "keep_version", call).await?;
		}
		self.bill.add("noting that it is kept", 0, fee);
		if self.activates && state != Some(&VersionState::Active) {
			let mut fee = 0;
			for call in ["approve_version", "activate_version"] {
				fee += fees.of(REGISTRY, call, (Static(id),)).await?;
			}
			self.bill.add("putting it into use", 0, fee);
		}
		Ok(())
	}

	/// The organisation that the model's name founds. Refuses one that is somebody else's.
	async fn organisation(&self, at: &At) -> Result<Option<&'a str>> {
		let Some((organisation, _)) = self.name.split_once('/') else { return Ok(None) };
		let key = (organisation.as_bytes().to_vec(),);
		let held: Option<Static<(AccountId32, Balance, u32)>> =
			self.chain.stored(at, REGISTRY, "Organisations", key).await?;
		match held {
			None => Ok(Some(organisation)),
			Some(Static((holder, ..))) if holder == self.me => Ok(None),
			Some(Static((holder, ..))) => {
				Err(Error::failed(format!("the organisation `{organisation}` is {holder}'s"))
					.because("NotYourOrganisation")
					.hint("choose another --name, or sign with the holder's key"))
			},
		}
	}

	fn question<'q>(&'q self, parts: &'q Parts) -> Question<'q> {
		Question { answers: &self.answers, manifest: &self.manifest, weights: &parts.weights }
	}

	/// What is published, in lines.
	fn summary(&self, publication: &Publication, parts: &Parts) -> String {
		let (name, manifest) = (self.name, &self.manifest);
		let mut lines = vec![summary(name, manifest)];
		if let Some(listing) = &publication.listing {
			let size = listing.files.iter().map(|file| file.size).sum();
			let (count, size) = (listing.files.len(), size_in_words(size));
			lines.push(format!("folder of {count} files, {size}"));
			// What is not the model's own may be a surprise.
			let known = parts.weights.reference.size
				+ parts.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.reference.size);
			let other = parts.folder.as_ref().map_or(0, |folder| folder.reference.size);
			if other > known {
				let other = size_in_words(other);
				lines.push(format!("{other} of it are no weights: --exclude leaves files out"));
			}
		}
		lines.join("\n")
	}

	/// The bill, for scripts.
	fn json(&self) -> Value {
		let (pieces, bytes) = self.missing;
		json!({
			"name": self.name,
			"architecture": architecture_text(&self.manifest.architecture),
			"artifact": super::artifact_json(&self.manifest.artifact),
			"tokenizer": self.manifest.tokenizer.as_ref().map(super::artifact_json),
			"folder": self.manifest.folder.as_ref().map(super::artifact_json),
			"to_store": { "chunks": pieces, "bytes": bytes },
			"bill": self.bill.json(),
		})
	}

	/// Says all that is to be said, as far as nobody has said it.
	async fn publish(&mut self, session: &Session, parts: &Parts) -> Result<(Model, Version)> {
		let (chain, name) = (self.chain, self.name);
		let model = match self.known.take() {
			Some(model) => model,
			None => {
				session.output.note(format!("registering {name} …"));
				self.execute("register", (Static(name.as_bytes().to_vec()),)).await?;
				model_by_name(chain, &chain.best().await?, name).await?
			},
		};
		if let Some(metadata) = self.metadata.take() {
			session.output.note("saying what it is …");
			self.execute("set_metadata", (model.id, Static(Some(metadata)))).await?;
		}
		let mut published = match self.resumed.take() {
			Some(version) => version,
			None => {
				session.output.note("proposing the version …");
				let call = (model.id, Static(self.manifest.clone()));
				self.execute("propose_version", call).await?;
				let at = chain.best().await?;
				let model = model_by_name(chain, &at, name).await?;
				same_version(chain, &at, &model, &self.me, &self.manifest)
					.await?
					.ok_or_else(|| Error::failed("the proposed version is not on the chain"))?
			},
		};
		self.keep(session, &published, parts).await?;
		if published.state == VersionState::Proposed {
			let question = self.question(parts);
			let fees =
				admission::admit(session, chain, self.signer, published.id, question).await?;
			self.fees += fees;
		}
		if !self.activates {
			return Ok((model, published));
		}
		for (state, call) in [
			(VersionState::Proposed, "approve_version"),
			(VersionState::Approved, "activate_version"),
		] {
			if published.state == state {
				session.output.note(format!("{} …", call.replace('_', " ")));
				self.execute(call, (Static(published.id),)).await?;
				published = version(chain, &chain.best().await?, published.id)
					.await?
					.ok_or_else(|| vanished(published.id))?;
			}
		}
		Ok((model, published))
	}

	/// Has the registry note until when the version's parts are kept.
	async fn keep(&mut self, session: &Session, published: &Version, parts_: &Parts) -> Result<()> {
		let at = self.chain.best().await?;
		let most = self.chain.constant::<u32>(&at, REGISTRY, "MaxKeptChunks").unwrap_or(0);
		for ((part, name, reference), artifact) in
			parts(published).into_iter().zip(parts_.artifacts())
		{
			if reference.chunks > most {
				session.output.note(format!(
					"the registry does not look after the {name}: it has more than {most} chunks"
				));
				continue;
			}
			let index = artifact.index().to_vec();
			let kept = keep_part(self.chain, self.signer, published.id, part, index).await?;
			self.fees += kept.fee;
			self.kept.push(json!({ "part": name, "until": kept.until }));
		}
		Ok(())
	}

	async fn execute(
		&mut self,
		call: &str,
		args: impl subxt::ext::scale_encode::EncodeAsFields,
	) -> Result<()> {
		self.fees += self.chain.execute(self.signer, REGISTRY, call, args).await?.fee();
		Ok(())
	}
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
	let page = page.first().filter(|model| model.id == first.model);
	let name = page.map_or("another model".into(), |model| text(&model.name));
	Err(Error::failed(format!("the weights are those of {name}@{}", first.number))
		.because("ArtifactTaken")
		.hint(format!("say where they come from: --derived-from {name}@{}", first.number)))
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
		let counts = matches!(
			version.state,
			VersionState::Proposed | VersionState::Approved | VersionState::Active
		);
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
	use dodona_primitives_models::ArtifactRef;

	fn manifest(architecture: Architecture, has_tokenizer: bool) -> Manifest<Balance> {
		let (artifact, ..) = ArtifactRef::of(&[7; 300]);
		let (tokenizer, ..) = ArtifactRef::of(&[1; 5]);
		Manifest {
			architecture,
			artifact,
			pages: Default::default(),
			tokenizer: has_tokenizer.then_some(tokenizer),
			folder: None,
			known_answers: Default::default(),
			engine: ENGINE_VERSION,
			derived_from: None,
			licence: Default::default(),
			price: Price { request: 5, work: 1 },
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
