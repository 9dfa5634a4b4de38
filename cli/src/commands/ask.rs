//! `dodona ask`: a question, and the verified answer.

mod exchange;
pub mod input;
mod progress;

use crate::{
	args::Ask,
	chain::{At, Balance, BlockNumber, Chain},
	commands::{
		fetch, hex0x,
		model::tokenizer::Tokenizer,
		model_by_name, number_of,
		question::{self, Asked},
		short, version, Version,
	},
	error::{Error, Result},
	Session,
};
use codec::Decode;
use dodona_engine::Architecture;
use dodona_primitives_inference::{
	FailureReason, RequestId, RequestInfo, RequestState, SeatStatus,
};
use dodona_primitives_models::{VersionId, VersionState};
use exchange::Exchange;
use indicatif::ProgressBar;
use progress::Progress;
use serde_json::{json, Value};
use subxt::utils::{AccountId32, Static};

const PALLET: &str = "Inference";

type Info = RequestInfo<AccountId32, Balance, BlockNumber>;

pub async fn run(session: &Session, args: Ask) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let name = &args.model.name;
	let served = served(&chain, &at, &args).await?;
	let (id, number) = (served.id, served.id.number);
	let exchange = exchange(session, &chain, &args, &served).await?;
	let price: Balance = chain
		.call::<Option<Balance>>(&at, "InferenceApi_fee", (id, &exchange.input))
		.await?
		.ok_or_else(|| Error::failed(format!("`{name}@{number}` is not served")))?;
	let token = &chain.token;
	let max_fee = match &args.max_fee {
		Some(amount) => amount.of(token).map_err(Error::usage)?,
		None => price,
	};
	if price > max_fee {
		return Err(Error::failed(format!("an answer costs {}", token.show(price)))
			.because("PriceAboveMaxFee")
			.hint("raise --max-fee"));
	}

	let signer = session.signer(&chain).await?;
	let spinner = session.output.spinner(format!("asking {name}@{number}"));
	let call = (id.model, Some(number), Static(exchange.input.clone()), max_fee);
	let included = chain.execute(&signer, PALLET, "request", call).await?;
	let request = included
		.event(PALLET, "Requested")
		.and_then(|fields| RequestId::decode(&mut &fields[..]).ok())
		.ok_or_else(|| Error::failed("the chain took the request and does not say its number"))?;
	say(session, &spinner, format!("request {request} is in block {}", included.block));

	let (progress, info) =
		follow(session, &chain, &spinner, request, included.block, args.no_wait_final).await?;
	spinner.finish_and_clear();
	let settlement = settlement(&chain, &info).await?;
	let answer = Answer {
		model: format!("{name}@{number}"),
		exchange,
		progress,
		info,
		transaction_fee: included.fee(),
		settlement,
	};
	let error = match &answer.info.request.state {
		RequestState::Failed { reason, .. } => Some(
			Error::request_failed(format!("request {request}: {}", failure_text(*reason)))
				.because(format!("{reason:?}"))
				.hint("see the workers in `dodona status`; the whole fee went back"),
		),
		_ => None,
	};
	let mut document = answer.json();
	if let Some(error) = &error {
		document["error"] = error.json();
	}
	session.output.result(&document, || answer.text(&chain));
	error.map_or(Ok(()), Err)
}

/// The version that is asked.
async fn served(chain: &Chain, at: &At, args: &Ask) -> Result<Version> {
	let name = &args.model.name;
	let model = model_by_name(chain, at, name).await?;
	let number = number_of(&model, &args.model)?;
	version(chain, at, VersionId { model: model.id, number })
		.await?
		.filter(|version| matches!(version.state, VersionState::Active | VersionState::Deprecated))
		.ok_or_else(|| {
			Error::failed(format!("`{name}@{number}` is not served"))
				.because("VersionNotServed")
				.hint(format!("see the versions with `dodona model show {name}`"))
		})
}

/// The question as the version takes it.
async fn exchange(
	session: &Session,
	chain: &Chain,
	args: &Ask,
	served: &Version,
) -> Result<Exchange> {
	let architecture = &served.manifest.architecture;
	let asked = Asked::of(&args.question, architecture)?;
	question::check_options(&args.generation, &[], architecture)?;
	let tokenizer = tokenizer(session, chain, &asked, served).await?;
	let given = asked.given(architecture, tokenizer, None, || {
		Error::usage(format!("`{}` has no tokenizer", args.model.name))
			.because("NoTokenizer")
			.hint("give the tokens themselves: --tokens 1,2,3")
	})?;
	Exchange::new(architecture, given, &args.generation)
}

/// The version's tokenizer, where it has one and the question or the answer is text.
async fn tokenizer(
	session: &Session,
	chain: &Chain,
	asked: &Asked<'_>,
	served: &Version,
) -> Result<Option<Tokenizer>> {
	let writes = matches!(served.manifest.architecture, Architecture::Llama(_));
	let artifact = match (asked, &served.manifest.tokenizer) {
		(Asked::Text(_), Some(artifact)) => artifact,
		(Asked::Tokens(_), Some(artifact)) if writes => artifact,
		_ => return Ok(None),
	};
	match fetch::tokenizer(session, chain, artifact).await {
		Ok(tokenizer) => Ok(Some(tokenizer)),
		// Tokens do without: the answer is then shown as tokens, too.
		Err(error) if matches!(asked, Asked::Tokens(_)) => {
			session.output.note(format!("no text: {}", error.message));
			Ok(None)
		},
		Err(error) => Err(error),
	}
}

/// Says something above the spinner.
fn say(session: &Session, spinner: &ProgressBar, text: String) {
	spinner.suspend(|| session.output.note(text));
}

/// Follows the request from block to block, until it ends.
async fn follow(
	session: &Session,
	chain: &Chain,
	spinner: &ProgressBar,
	request: RequestId,
	since: BlockNumber,
	until_agreed: bool,
) -> Result<(Progress, Info)> {
	let mut progress = Progress::new(since);
	let mut blocks = chain.blocks().await?;
	let mut next = u64::from(since);
	loop {
		let head = chain.next_block(&mut blocks).await?;
		// The stream may skip blocks that came together; the request's way leads through each.
		while next <= head {
			let at = chain.at(next).await?;
			let info: Option<Info> = chain.call(&at, "InferenceApi_request", (request,)).await?;
			let info = info.ok_or_else(|| {
				Error::failed(format!("request {request} is not on the best chain any more"))
					.hint("ask again")
			})?;
			for step in progress.observe(next, &info) {
				say(session, spinner, step);
			}
			spinner.set_message(progress::waiting_for(&info));
			let agreed = matches!(info.request.state, RequestState::Agreed { .. });
			if info.request.state.is_terminal() || until_agreed && agreed {
				return Ok((progress, info));
			}
			next += 1;
		}
	}
}

/// What the requester paid and got back; `None` while the fee is held.
async fn settlement(chain: &Chain, info: &Info) -> Result<Option<(Balance, Balance)>> {
	match info.request.state {
		RequestState::Failed { .. } => Ok(Some((0, info.request.fee))),
		RequestState::Finalized { at, .. } => {
			let at: At = chain.at(at.into()).await?;
			let events = chain.events(&at, PALLET, "Finalized").await?;
			let settled = events
				.iter()
				.filter_map(|fields| {
					<(RequestId, [u8; 32], Balance, Balance)>::decode(&mut &fields[..]).ok()
				})
				.find(|(request, ..)| *request == info.id);
			Ok(settled.map(|(_, _, paid, refunded)| (paid, refunded)))
		},
		_ => Ok(None),
	}
}

/// Everything that is known about a request when its way ends.
struct Answer {
	model: String,
	exchange: Exchange,
	progress: Progress,
	info: Info,
	transaction_fee: Balance,
	settlement: Option<(Balance, Balance)>,
}

impl Answer {
	/// The outcome that a quorum named.
	fn outcome(&self) -> Option<[u8; 32]> {
		match &self.info.request.state {
			RequestState::Agreed { outcome, .. } | RequestState::Finalized { outcome, .. } => {
				Some(outcome.0)
			},
			_ => None,
		}
	}

	/// The bytes of the answer.
	fn output(&self) -> Option<&[u8]> {
		let outcome = self.outcome()?;
		let (_, output) = self.info.outputs.iter().find(|(hash, _)| hash.0 == outcome)?;
		Some(output)
	}

	fn state(&self) -> &'static str {
		match self.info.request.state {
			RequestState::Queued { .. } => "queued",
			RequestState::Committing { .. } => "committing",
			RequestState::Revealing { .. } => "revealing",
			RequestState::Agreed { .. } => "agreed",
			RequestState::Disputed { .. } => "disputed",
			RequestState::Finalized { .. } => "finalized",
			RequestState::Failed { .. } => "failed",
		}
	}

	/// Operator, what it said, and whether that is the outcome.
	fn votes(&self) -> Vec<(AccountId32, &'static str, Option<[u8; 32]>, bool)> {
		let seats = self.info.request.state.committee().map_or(&[][..], |seats| seats);
		seats
			.iter()
			.map(|seat| match seat.status {
				SeatStatus::Assigned => (seat.operator, "absent", None, false),
				SeatStatus::Committed(_) => (seat.operator, "committed", None, false),
				SeatStatus::Revealed(hash) => {
					(seat.operator, "revealed", Some(hash.0), self.outcome() == Some(hash.0))
				},
			})
			.collect()
	}

	fn json(&self) -> Value {
		let votes = self.votes().into_iter().map(|(operator, status, outcome, agrees)| {
			json!({
				"operator": operator,
				"status": status,
				"outcome": outcome.map(hex0x),
				"agrees": agrees,
			})
		});
		let failure = match self.info.request.state {
			RequestState::Failed { reason, .. } => Some(format!("{reason:?}")),
			_ => None,
		};
		let mut document = json!({
			"request": self.info.id,
			"model": self.model,
			"state": self.state(),
			"failure": failure,
			"output": self.output().map(hex0x),
			"outcome": self.outcome().map(hex0x),
			"votes": votes.collect::<Vec<_>>(),
			"attempts": self.info.request.attempt,
			"blocks": self.progress.json(),
			"fee": {
				"held": self.info.request.fee.to_string(),
				"paid": self.settlement.map(|(paid, _)| paid.to_string()),
				"refunded": self.settlement.map(|(_, refunded)| refunded.to_string()),
				"transaction": self.transaction_fee.to_string(),
			},
		});
		self.exchange.add_to(&mut document, self.output());
		document
	}

	fn text(&self, chain: &Chain) -> String {
		let mut lines = self.output().map_or(vec![], |output| self.exchange.lines(output));
		let votes = self.votes();
		if !votes.is_empty() {
			let agreeing = votes.iter().filter(|(.., agrees)| *agrees).count();
			lines.push(format!("votes    {agreeing} of {} seats agree", votes.len()));
		}
		for (operator, status, outcome, agrees) in votes {
			let said = match (outcome, agrees) {
				(Some(outcome), true) => format!("revealed {}", short(&hex0x(outcome))),
				(Some(outcome), false) => format!("revealed {}: dissents", short(&hex0x(outcome))),
				(None, _) => status.to_owned(),
			};
			lines.push(format!("         {operator} {said}"));
		}
		lines.push(format!("blocks   {}", self.progress.text()));
		let token = &chain.token;
		lines.push(match self.settlement {
			Some((paid, 0)) => format!("fee      {} paid", token.show(paid)),
			Some((paid, refunded)) => {
				format!("fee      {} paid, {} refunded", token.show(paid), token.show(refunded))
			},
			None => format!("fee      {} held", token.show(self.info.request.fee)),
		});
		lines.push(format!("request  {} to {}: {}", self.info.id, self.model, self.state()));
		lines.join("\n")
	}
}

/// Position of the largest value; of the first one, if several are equal.
pub fn argmax(values: &[f32]) -> Option<usize> {
	let mut best: Option<(usize, f32)> = None;
	for (position, value) in values.iter().enumerate() {
		if best.is_none_or(|(_, largest)| *value > largest) {
			best = Some((position, *value));
		}
	}
	best.map(|(position, _)| position)
}

fn failure_text(reason: FailureReason) -> &'static str {
	match reason {
		FailureReason::NoWorkers => "there are too few workers for a committee",
		FailureReason::NoQuorum => "no committee agreed on an answer",
		FailureReason::VersionNotServed => "the version was suspended or revoked",
		FailureReason::NoRandomness => "no committee was drawn in time",
		FailureReason::NoAnswer => "a dispute has shown that there is no answer",
	}
}

#[cfg(test)]
mod tests {
	use super::argmax;

	#[test]
	fn argmax_should_be_the_first_of_the_largest() {
		assert_eq!(argmax(&[]), None);
		assert_eq!(argmax(&[-3.0, -1.0, -1.0, -2.0]), Some(1));
		assert_eq!(argmax(&[0.0]), Some(0));
	}
}
