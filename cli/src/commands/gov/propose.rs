//! A referendum: its call noted, submitted, and its decision deposit placed.

use super::{
	calls::{self, Speaker, UTILITY},
	gate::Gate,
	named,
	referendum::{self, Index, Phase},
	state_text,
	status::issuance,
	tracks::{self, Track},
	wrong_state,
};
use crate::{
	args::gov::ProposeUpgrade,
	chain::{state::hash, At, Balance, BlockNumber, Chain},
	commands::hex0x,
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_models::VersionState;
use serde_json::{json, Value as Json};
use subxt::dynamic::Value;
use subxt_signer::sr25519::Keypair;

const PALLET: &str = "Referenda";

/// A referendum that was made.
pub struct Made {
	pub index: Index,
	track: Track,
	phase: Phase,
	call: Vec<u8>,
	does: String,
	submission: Balance,
}

/// Submits a referendum that dispatches `call` in the name of `speaker`, and places its deposit.
pub async fn referendum(
	session: &Session,
	chain: &Chain,
	signer: &Keypair,
	speaker: Speaker,
	call: Vec<u8>,
) -> Result<Made> {
	let at = chain.best().await?;
	let tracks = tracks::all(chain, &at)?;
	let track = tracks::find(&tracks, speaker.track())?.clone();
	let index = match waiting(chain, &at, &track, &call).await? {
		Some(index) => index,
		None => submit(session, chain, &at, signer, speaker, &call).await?,
	};
	let deposit = chain.token.show(track.rules.decision_deposit);
	session.output.note(format!("placing the decision deposit of {deposit} …"));
	chain.execute(signer, PALLET, "place_decision_deposit", (index,)).await?;

	let at = chain.best().await?;
	let status = referendum::ongoing(chain, &at, index).await?;
	let timeout = undeciding_timeout(chain, &at);
	let phase = status.phase(&track.rules, timeout, issuance(chain, &at).await?);
	let does = described(chain, &at, &call).await?;
	let submission = status.submission_deposit.amount;
	Ok(Made { index, track, phase, call, does, submission })
}

/// The referendum on this call that lacks nothing but its deposit.
async fn waiting(chain: &Chain, at: &At, track: &Track, call: &[u8]) -> Result<Option<Index>> {
	let hash = hash(call);
	let ongoing = referendum::all_ongoing(chain, at).await?;
	let same = ongoing
		.into_iter()
		.find(|(_, status)| status.track == track.id && status.proposal.hash() == hash);
	match same {
		None => Ok(None),
		Some((index, status)) if status.decision_deposit.is_none() => Ok(Some(index)),
		Some((index, _)) => Err(Error::failed(format!("referendum {index} proposes the same"))
			.because("AlreadyProposed")
			.hint(format!("vote on it: `dodona gov vote {index} aye --amount <amount>`"))),
	}
}

async fn submit(
	session: &Session,
	chain: &Chain,
	at: &At,
	signer: &Keypair,
	speaker: Speaker,
	call: &[u8],
) -> Result<Index> {
	let hash = hash(call);
	let len = u32::try_from(call.len()).unwrap_or(u32::MAX);
	let noted: Option<Vec<u8>> =
		chain.stored(at, "Preimage", "PreimageFor", ((hash, len),)).await?;
	let mut steps = Vec::new();
	if noted.is_none() {
		steps.push(chain.call_data(at, "Preimage", "note_preimage", (call.to_vec(),))?);
	}
	let lookup = [("hash", Value::from_bytes(hash.0)), ("len", Value::u128(len.into()))];
	let proposal = Value::named_variant("Lookup", lookup);
	// As soon as its track allows.
	let enactment = Value::unnamed_variant("After", [Value::u128(1)]);
	steps.push(chain.call_data(at, PALLET, "submit", (speaker.origin(), proposal, enactment))?);
	session.output.note("noting the call and submitting the referendum …");
	let included = chain.execute(signer, UTILITY, "batch_all", (calls::batched(steps),)).await?;
	included
		.event(PALLET, "Submitted")
		.and_then(|fields| Index::decode(&mut &fields[..]).ok())
		.ok_or_else(|| Error::failed("the chain took the referendum and does not say its number"))
}

/// Blocks after which a referendum without a deposit times out.
pub fn undeciding_timeout(chain: &Chain, at: &At) -> BlockNumber {
	chain.constant(at, PALLET, "UndecidingTimeout").unwrap_or(BlockNumber::MAX)
}

/// A call in words.
async fn described(chain: &Chain, at: &At, call: &[u8]) -> Result<String> {
	match chain.read_call(at, call) {
		Some(call) => {
			let names = calls::names(chain, at, [&call]).await?;
			Ok(calls::describe(&call, &names))
		},
		None => Ok(hex0x(call)),
	}
}

impl Made {
	pub fn json(&self) -> Json {
		json!({
			"referendum": self.index,
			"track": self.track.name(),
			"does": self.does,
			"call": hex0x(&self.call),
			"call_hash": hex0x(hash(&self.call)),
			"state": self.phase.name(),
			"until": self.phase.until(),
			"deposits": {
				"submission": self.submission.to_string(),
				"decision": self.track.rules.decision_deposit.to_string(),
			},
		})
	}

	pub fn lines(&self, chain: &Chain) -> Vec<String> {
		let show = |amount| chain.token.show(amount);
		vec![
			format!("referendum   {} on the track {}", self.index, self.track.name()),
			format!("does         {}", self.does),
			format!("state        {}", self.phase.text()),
			format!(
				"deposits     {} for submission, {} for the decision",
				show(self.submission),
				show(self.track.rules.decision_deposit)
			),
			format!("next         dodona gov vote {} aye --amount <amount>", self.index),
		]
	}
}

/// `dodona gov propose-upgrade`.
pub async fn upgrade(session: &Session, args: ProposeUpgrade) -> Result<()> {
	let ProposeUpgrade { version: wanted, root } = args;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (model, version) = named(&chain, &at, &wanted).await?;
	let name = format!("{}@{}", wanted.name, wanted.number);
	if let Some(owner) = model.owner {
		return Err(Error::failed(format!("`{}` is not in the commons", wanted.name))
			.because("NotInCommons")
			.hint(format!("its owner {owner} decides alone")));
	}
	let steps: &[&str] = match version.state {
		VersionState::Proposed => &["approve_version", "activate_version"],
		VersionState::Approved | VersionState::Deprecated => &["activate_version"],
		ref state => {
			let hint = format!("see its versions with `dodona model show {}`", wanted.name);
			return Err(wrong_state(&wanted, state, "NotActivatable", &hint));
		},
	};
	// What was approved has passed the gate.
	let gate = match version.state {
		VersionState::Proposed => {
			let gate = Gate::of(&chain, &at, &model, wanted.number).await?;
			Some(Gate { overridden: root, ..gate })
		},
		_ => None,
	};
	match &gate {
		Some(gate) => gate.lines(&name).iter().for_each(|line| session.output.note(line)),
		None => session
			.output
			.note(format!("gate         passed: {name} is {}", state_text(&version.state))),
	}
	let calls: Result<Vec<_>> = steps
		.iter()
		.map(|step| calls::of_version(&chain, &at, step, version.id))
		.collect();
	let call = calls::batch(&chain, &at, calls?)?;
	let speaker = if root { Speaker::Root } else { Speaker::ModelCurator };
	let signer = session.signer(&chain).await?;
	let made = referendum(session, &chain, &signer, speaker, call).await?;
	let mut document = made.json();
	document["version"] = name.into();
	document["gate"] = gate.map(|gate| gate.json()).into();
	session.output.result(&document, || made.lines(&chain).join("\n"));
	Ok(())
}
