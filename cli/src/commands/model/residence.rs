//! `dodona model reside` and `unreside`: weights in the chain's state, so that idle blocks check answers.

use super::named;
use crate::{
	args::ModelRef,
	chain::Balance,
	commands::{dispute::PALLET, text, weights, Version},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_primitives_inference::MAX_RESIDENT_LEN;
use dodona_primitives_models::VersionId;
use serde_json::json;
use subxt::utils::{AccountId32, Static};

pub async fn reside(session: &Session, model: &ModelRef) -> Result<()> {
	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let (found, version) = named(&chain, model).await?;
	check(&version)?;
	let bytes = weights::load(&chain, &chain.best().await?, &version).await?;
	let call = (Static(version.id), Static(bytes));
	let included = chain.execute(&signer, PALLET, "reside", call).await?;
	let deposit = included
		.event(PALLET, "MadeResident")
		.and_then(|fields| <(VersionId, AccountId32, Balance)>::decode(&mut &fields[..]).ok())
		.map(|(_, _, deposit)| deposit)
		.ok_or_else(|| Error::failed("the chain does not say what it holds as a deposit"))?;
	let name = format!("{}@{}", text(&found.name), version.id.number);
	let document = json!({
		"name": text(&found.name),
		"model": version.id.model,
		"version": version.id.number,
		"deposit": deposit.to_string(),
		"fees": included.fee().to_string(),
	});
	session.output.result(&document, || {
		let deposit = chain.token.show(deposit);
		format!("idle blocks check the answers of {name} from now on; {deposit} are held")
	});
	Ok(())
}

pub async fn unreside(session: &Session, model: &ModelRef) -> Result<()> {
	let chain = session.connect().await?;
	let signer = session.signer(&chain).await?;
	let (found, version) = named(&chain, model).await?;
	let included = chain.execute(&signer, PALLET, "unreside", (Static(version.id),)).await?;
	let name = format!("{}@{}", text(&found.name), version.id.number);
	let document = json!({
		"name": text(&found.name),
		"model": version.id.model,
		"version": version.id.number,
		"fees": included.fee().to_string(),
	});
	session
		.output
		.result(&document, || format!("the weights of {name} are not in the state any more"));
	Ok(())
}

/// Refuses weights that are too long, before they are fetched.
fn check(version: &Version) -> Result<()> {
	let size = version.manifest.artifact.size;
	if size > MAX_RESIDENT_LEN.into() {
		return Err(Error::failed(format!("the weights have {size} bytes"))
			.because("Inference.TooLargeToReside")
			.hint(format!(
				"only up to {MAX_RESIDENT_LEN} bytes can be in the state; `dodona watch` checks answers of larger models"
			)));
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::dispute::tests::version;

	#[test]
	fn weights_should_be_refused_unfetched_when_they_are_too_long_for_the_state() {
		let (mut version, _) = version(&[40, 3]);
		version.manifest.artifact.size = MAX_RESIDENT_LEN.into();
		assert!(check(&version).is_ok());
		version.manifest.artifact.size += 1;
		let error = check(&version).unwrap_err();
		assert_eq!(error.reason.as_deref(), Some("Inference.TooLargeToReside"));
	}
}
