//! A version taken out of use: at once by a guardian, for ever by voters; or a proposal by anyone.

use super::{
	calls::{of_version, Speaker, REGISTRY},
	named, propose, state_text, wrong_state,
};
use crate::{
	args::gov::{Takedown, VersionArg},
	chain::BlockNumber,
	error::{Error, Kind, Result},
	Session,
};
use dodona_primitives_models::{Reason, VersionState};
use serde_json::json;
use subxt::{ext::scale_decode::DecodeAsType, utils::Static};

/// What the chain keeps of a version besides what it tells.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Record {
	proposed_at: BlockNumber,
}

/// The reason as the chain takes it.
fn reason(text: &str) -> Result<Reason> {
	if text.trim().is_empty() {
		return Err(Error::usage("a reason is missing").hint("--reason with some words"));
	}
	let len = text.len();
	Reason::try_from(text.as_bytes().to_vec()).map_err(|_| {
		let most = Reason::bound();
		Error::usage(format!("the reason has {len} bytes"))
			.because("ReasonTooLong")
			.hint(format!("say it in {most}, with a link to more"))
	})
}

pub async fn suspend(session: &Session, args: Takedown) -> Result<()> {
	let Takedown { version: wanted, reason: why } = args;
	let reason = reason(&why)?;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (_, version) = named(&chain, &at, &wanted).await?;
	match &version.state {
		VersionState::Approved | VersionState::Active | VersionState::Deprecated => {},
		VersionState::Proposed => {
			let hint = "nobody can ask it yet; voters revoke it with `dodona gov confirm`";
			return Err(wrong_state(&wanted, &version.state, "NotSuspendable", hint));
		},
		state => {
			let hint = "it is out of use already";
			return Err(wrong_state(&wanted, state, "NotSuspendable", hint));
		},
	}
	let signer = session.signer(&chain).await?;
	let args = (Static(version.id), Static(reason));
	let included = chain.execute(&signer, REGISTRY, "suspend_version", args).await;
	let included = included.map_err(|error| match (error.kind, error.reason.as_deref()) {
		(Kind::Refused, Some("BadOrigin")) => error
			.hint("the parameter models.guardians says who may; anyone else: `dodona gov confirm`"),
		_ => error,
	})?;
	let name = format!("{}@{}", wanted.name, wanted.number);
	let was = state_text(&version.state);
	let document = json!({ "version": name, "was": was, "reason": why, "block": included.block });
	session.output.result(&document, || {
		format!(
			"{name} was {was} and is suspended since block {}: it takes no requests\n\
			 next         dodona gov confirm {name} --reason <why>, or dodona gov lift {name}",
			included.block
		)
	});
	Ok(())
}

pub async fn drop(session: &Session, wanted: VersionArg) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (_, version) = named(&chain, &at, &wanted).await?;
	if !matches!(version.state, VersionState::Proposed) {
		let hint = "only what waits for approval can be dropped";
		return Err(wrong_state(&wanted, &version.state, "NotProposed", hint));
	}
	let key = (version.id.model, version.id.number);
	let record: Option<Record> = chain.stored(&at, REGISTRY, "Versions", key).await?;
	let period: Option<BlockNumber> = chain.constant(&at, REGISTRY, "AdmissionPeriod");
	let end = record.zip(period).map(|(of, period)| of.proposed_at.saturating_add(period));
	let signer = session.signer(&chain).await?;
	let included = chain.execute(&signer, REGISTRY, "drop_proposal", (Static(version.id),)).await;
	let included = included.map_err(|error| match (error.reason.as_deref(), end) {
		(Some("ModelRegistry.AdmissionGoesOn"), Some(end)) => {
			error.hint(format!("it can be dropped from block {end} on, unless it is admitted"))
		},
		_ => error,
	})?;
	let name = format!("{}@{}", wanted.name, wanted.number);
	let document = json!({ "version": name, "block": included.block });
	session.output.result(&document, || {
		format!(
			"{name} is dropped since block {}: its proposer has the deposit back",
			included.block
		)
	});
	Ok(())
}

pub async fn lift(session: &Session, wanted: VersionArg) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (_, version) = named(&chain, &at, &wanted).await?;
	if !matches!(version.state, VersionState::Suspended { .. }) {
		let hint = "only what is suspended can go on";
		return Err(wrong_state(&wanted, &version.state, "NotSuspended", hint));
	}
	let call = of_version(&chain, &at, "lift_suspension", version.id)?;
	decide(session, &chain, &wanted, call).await
}

pub async fn confirm(session: &Session, args: Takedown) -> Result<()> {
	let Takedown { version: wanted, reason: why } = args;
	let reason = reason(&why)?;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (_, version) = named(&chain, &at, &wanted).await?;
	if let VersionState::Revoked { .. } = version.state {
		// Whoever did it: its model may still claim the weights.
		session
			.output
			.note("it is revoked already; what is left to end is its claim on the weights");
	}
	let args = (Static(version.id), Static(reason));
	let call = chain.call_data(&at, REGISTRY, "revoke_version", args)?;
	decide(session, &chain, &wanted, call).await
}

/// Has the voters of the guardians' track decide.
async fn decide(
	session: &Session,
	chain: &crate::chain::Chain,
	wanted: &VersionArg,
	call: Vec<u8>,
) -> Result<()> {
	let signer = session.signer(chain).await?;
	let made = propose::referendum(session, chain, &signer, Speaker::ModelGuardian, call).await?;
	let mut document = made.json();
	document["version"] = format!("{}@{}", wanted.name, wanted.number).into();
	session.output.result(&document, || made.lines(chain).join("\n"));
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn reason_should_be_refused_when_it_is_empty_or_too_long() {
		assert_eq!(reason("harmful").unwrap().to_vec(), b"harmful");
		assert!(reason(&"x".repeat(256)).is_ok());
		assert_eq!(reason(" ").unwrap_err().kind, Kind::Usage);
		// Bytes count, not characters.
		assert_eq!(reason(&"ü".repeat(129)).unwrap_err().reason.unwrap(), "ReasonTooLong");
	}
}
