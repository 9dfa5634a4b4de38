//! `dodona rate`: say what an answer was worth; `dodona ratings`: what others said.

mod secret;

use crate::{
	args::{
		rate::{Rate, Verdict},
		ModelRef,
	},
	chain::{account_of, At, Balance, BlockNumber, Chain},
	commands::{
		model_by_name, number_of,
		stake::{Pace, Part},
	},
	error::{Error, Result},
	output::table,
	Session,
};
use codec::Decode;
use dodona_primitives_inference::{
	rating_commitment, Rating, RatingInfo, RatingRound, RequestId, VersionRatings,
};
use dodona_primitives_models::VersionId;
use secret::{Place, Secret};
use serde_json::{json, Value};
use subxt::utils::{AccountId32, Static, H256};
use subxt_signer::sr25519::Keypair;

/// The pallet.
const PALLET: &str = "Feedback";

type Committed = RatingInfo<AccountId32, Balance>;
type Round = RatingRound<BlockNumber>;

impl From<Verdict> for Rating {
	fn from(verdict: Verdict) -> Self {
		match verdict {
			Verdict::Good => Self::Good,
			Verdict::Bad => Self::Bad,
		}
	}
}

pub async fn run(session: &Session, args: Rate) -> Result<()> {
	let Rate { request, rating, wait, .. } = args;
	let chain = session.connect().await?;
	ensure_there(&chain.best().await?)?;
	let signer = session.signer(&chain).await?;
	let place = Place::of(&chain.genesis().0, &account_of(&signer), request)?;
	let rater = Rater { session, chain: &chain, signer: &signer, place, request };
	let mut document = match rating {
		Some(rating) => rater.commit(rating.into()).await?,
		None => json!({ "request": request, "revealed": false }),
	};
	if rating.is_none() || wait {
		rater.reveal(wait, &mut document).await?;
	}
	session.output.result(&document, || {
		if document["revealed"] == json!(true) {
			let rating = document["rating"].as_str().unwrap_or_default();
			return format!("request {request} is rated {rating}");
		}
		format!(
			"request {request} is rated, and nobody knows how\n\
			 next         dodona rate {request} --reveal, from block {} on; or it loses its stake",
			document["reveal_from"],
		)
	});
	Ok(())
}

/// Who rates a request.
struct Rater<'a> {
	session: &'a Session,
	chain: &'a Chain,
	signer: &'a Keypair,
	place: Place,
	request: RequestId,
}

impl Rater<'_> {
	/// Commits to a rating, whose salt is on disk before anything is sent.
	async fn commit(&self, rating: Rating) -> Result<Value> {
		let Self { session, chain, signer, request, .. } = *self;
		let at = chain.best().await?;
		let me = account_of(signer);
		if let Some(found) = committed(chain, &at, request).await? {
			let error = Error::failed(format!("request {request} is rated already"))
				.because(format!("{PALLET}.AlreadyRated"));
			return Err(match found.rating {
				None if found.rater == me => {
					error.hint(format!("say how with `dodona rate {request} --reveal`"))
				},
				_ => error.hint("it can be rated once"),
			});
		}
		// The salt of an attempt that was interrupted: its transaction may still be on the way.
		let salt = match self.place.load()? {
			Some(secret) => secret.salt,
			None => secret::salt()?,
		};
		self.place.save(&Secret { rating, salt })?;
		let genesis = chain.genesis().0.into();
		let commitment = rating_commitment(genesis, request, &me, rating, &salt);
		session.output.note(
			"what a rating can lose is held until its round is settled, with a deposit; it comes \
			 back, less what the rating loses",
		);
		let call = (request, H256(commitment.0));
		let sent = chain.execute(signer, PALLET, "commit_rating", call).await;
		let included = sent.map_err(|error| advised(error, request))?;
		let fields = included.event(PALLET, "RatingCommitted").unwrap_or_default();
		let (_, _, round, cap, stake) = <(RequestId, AccountId32, u32, Balance, Balance)>::decode(
			&mut &fields[..],
		)
		.map_err(|error| Error::failed(format!("the chain does not say the round: {error}")))?;
		let at = chain.best().await?;
		let next = round_at(chain, &at).await?.next;
		session.output.note(format!(
			"it can earn up to {} and lose up to {}",
			chain.token.show(cap),
			chain.token.show(stake),
		));
		Ok(json!({
			"request": request,
			"rating": rating_text(rating),
			"round": round,
			"cap": cap.to_string(),
			"stake": stake.to_string(),
			"reveal_from": next,
			"secret": self.place.path().display().to_string(),
			"revealed": false,
			"fees": included.fee().to_string(),
		}))
	}

	/// Says how the request was rated; if that is too early, later, or not at all.
	async fn reveal(&self, wait: bool, document: &mut Value) -> Result<()> {
		let Self { session, chain, signer, request, .. } = *self;
		let Some(secret) = self.place.load()? else {
			return Err(Error::failed(format!(
				"{} has no rating of request {request}",
				self.place.path().display()
			))
			.because("NoSecret")
			.hint("reveal it where, and as whom, you rated it"));
		};
		let mut blocks = chain.blocks().await?;
		loop {
			let at = chain.best().await?;
			let round = round_at(chain, &at).await?;
			let found = committed(chain, &at, request).await?;
			match due(found.as_ref(), round.round) {
				Due::Now => break,
				Due::Later if wait => chain.block_after(&mut blocks, &at).await?,
				Due::Later => {
					let when = Pace::of(chain, &at).await?.when(round.next);
					return Err(Error::failed("its round is not over yet")
						.because("TooEarly")
						.hint(format!("reveal it {when}, or with --wait")));
				},
				Due::Done => {
					return Err(Error::failed(format!("request {request} is revealed already"))
						.because(format!("{PALLET}.AlreadyRevealed"))
						.hint("its round will be settled by itself"))
				},
				Due::Never => {
					return Err(Error::failed(format!("no rating of request {request} waits"))
						.because(format!("{PALLET}.NothingToReveal"))
						.hint("a rating is revealed in the round after the one it was made in"))
				},
			}
		}
		session.output.note(format!("revealing {} …", rating_text(secret.rating)));
		let call = (request, Static(secret.rating), Static(secret.salt));
		let sent = chain.execute(signer, PALLET, "reveal_rating", call).await;
		let included = sent.map_err(|error| advised(error, request))?;
		self.place.forget();
		document["rating"] = rating_text(secret.rating).into();
		document["revealed"] = true.into();
		document["reveal_fees"] = included.fee().to_string().into();
		Ok(())
	}
}

/// When a rating can be revealed.
#[derive(Debug, PartialEq, Eq)]
enum Due {
	Now,
	Later,
	Done,
	Never,
}

fn due(found: Option<&Committed>, round: u32) -> Due {
	match found {
		Some(found) if found.rating.is_some() => Due::Done,
		Some(found) if found.round == round => Due::Later,
		Some(found) if found.round.checked_add(1) == Some(round) => Due::Now,
		_ => Due::Never,
	}
}

pub async fn ratings(session: &Session, named: &ModelRef) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	ensure_there(&at)?;
	let model = model_by_name(&chain, &at, &named.name).await?;
	let number = number_of(&model, named)?;
	let id = VersionId { model: model.id, number };
	let said: VersionRatings = chain.call(&at, "FeedbackApi_ratings", (id,)).await?;
	let expected = Part(said.expected.deconstruct());
	let document = json!({
		"name": named.name,
		"model": model.id,
		"version": number,
		"good": said.good,
		"bad": said.bad,
		"expected": expected.number(),
		"rounds": said.rounds,
	});
	session.output.result(&document, || {
		let mut lines = vec![
			format!("{}@{number}", named.name),
			format!("ratings      {} good, {} bad", said.good, said.bad),
			format!("expected     {} of the next ones good", expected.text()),
		];
		let rows: Vec<Vec<String>> = said
			.rounds
			.iter()
			.map(|one| vec![one.round.to_string(), one.good.to_string(), one.bad.to_string()])
			.collect();
		if !rows.is_empty() {
			lines.push(String::new());
			lines.push(table(&["round", "good", "bad"], &rows));
		}
		lines.join("\n")
	});
	Ok(())
}

/// The rating of a request that isn't settled.
async fn committed(chain: &Chain, at: &At, request: RequestId) -> Result<Option<Committed>> {
	chain.call(at, "FeedbackApi_rating", (request,)).await
}

async fn round_at(chain: &Chain, at: &At) -> Result<Round> {
	chain.call(at, "FeedbackApi_rating_round", ()).await
}

/// Refuses chains on which nobody rates.
fn ensure_there(at: &At) -> Result<()> {
	match at.metadata_ref().pallet_by_name(PALLET) {
		Some(_) => Ok(()),
		None => Err(Error::failed("on this chain answers can't be rated")
			.hint("name a node of another chain with --url")),
	}
}

/// Adds what to do about a refusal that is known by name.
fn advised(error: Error, request: RequestId) -> Error {
	let hint = match error.reason.as_deref().and_then(|reason| reason.strip_prefix(PALLET)) {
		Some(".NotFinal") => "rate an answer once it is final, and not long after".into(),
		Some(".NotYourRequest") => "sign with the account that asked".into(),
		Some(".TooLate") => "rate an answer in the round in which it is final, or the next".into(),
		Some(".AlreadyRated") => format!("say how with `dodona rate {request} --reveal`"),
		_ => return error,
	};
	error.hint(hint)
}

fn rating_text(rating: Rating) -> &'static str {
	match rating {
		Rating::Good => "good",
		Rating::Bad => "bad",
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn rating_should_be_revealed_in_the_round_after_its_own() {
		let version = VersionId { model: 0, number: 1 };
		let rater = AccountId32([1; 32]);
		let open =
			Committed { rater, version, round: 4, cap: 1, stake: 1, deposit: 1, rating: None };
		assert_eq!(due(Some(&open), 4), Due::Later);
		assert_eq!(due(Some(&open), 5), Due::Now);
		assert_eq!(due(Some(&open), 6), Due::Never);
		assert_eq!(due(None, 5), Due::Never);
		let done = Committed { rating: Some(Rating::Bad), ..open };
		assert_eq!(due(Some(&done), 5), Due::Done);
	}
}
