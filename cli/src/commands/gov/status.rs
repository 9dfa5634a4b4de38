//! `dodona gov status`: what is being decided.

use super::{
	calls::{self, Names, Speaker},
	gate::Gate,
	propose::undeciding_timeout,
	referendum::{self, Enactment, Index, Phase, Referendum, Standing, Status},
	tracks::{self, fraction, percent, Track},
};
use crate::{
	chain::{At, Balance, Chain},
	commands::{hex0x, model_by_name, Model},
	error::Result,
	output::table,
	Session,
};
use dodona_primitives_models::VersionId;
use serde_json::{json, Value as Json};
use subxt::dynamic::Value;

/// Longest that a table says what a referendum does, in characters.
const MOST_CHARACTERS: usize = 60;

/// A referendum as it is shown.
pub struct View {
	index: Index,
	phase: Phase,
	/// What was known of it as long as it went on; `None` if the node has forgotten.
	detail: Option<Detail>,
	/// Deposits that were not fetched back.
	deposits: (Option<Balance>, Option<Balance>),
	/// What keeps the version that it would approve from being approved.
	gate: Option<(String, Gate)>,
}

/// What is known of a referendum that goes on, or went on.
struct Detail {
	status: Status,
	track: Option<Track>,
	/// How it stands; `None` once it is over.
	standing: Option<Standing>,
	does: Option<String>,
}

pub async fn list(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let mut views = Vec::new();
	for (index, status) in referendum::all_ongoing(&chain, &at).await? {
		views.push(View::ongoing(&chain, &at, index, status).await?);
	}
	let documents: Vec<Json> = views.iter().map(View::json).collect();
	session.output.result(&documents, || {
		if views.is_empty() {
			return "nothing is being decided".into();
		}
		let rows: Vec<Vec<String>> = views.iter().map(View::row).collect();
		let header = ["ref", "track", "does", "approval", "support", "state"];
		format!("{}\n\nmore with `dodona gov status <ref>`", table(&header, &rows))
	});
	Ok(())
}

pub async fn show(session: &Session, index: Index) -> Result<()> {
	let chain = session.connect().await?;
	let view = View::of(&chain, &chain.best().await?, index).await?;
	session.output.result(&view.json(), || view.text(&chain));
	Ok(())
}

impl View {
	/// A referendum, on its way or over.
	pub async fn of(chain: &Chain, at: &At, index: Index) -> Result<Self> {
		let (phase, deposits) = match referendum::get(chain, at, index).await? {
			Referendum::Ongoing(status) => return Self::ongoing(chain, at, index, status).await,
			Referendum::Approved(at, submission, decision) => {
				let enactment = Enactment::Past;
				(Phase::Approved { at, enactment }, (submission, decision))
			},
			Referendum::Rejected(at, submission, decision) => {
				(Phase::Rejected { at }, (submission, decision))
			},
			Referendum::Cancelled(at, submission, decision) => {
				(Phase::Cancelled { at }, (submission, decision))
			},
			Referendum::TimedOut(at, submission, decision) => {
				(Phase::TimedOut { at }, (submission, decision))
			},
			Referendum::Killed(at) => (Phase::Killed { at }, (None, None)),
		};
		let deposits = (deposits.0.map(|one| one.amount), deposits.1.map(|one| one.amount));
		Self::ended(chain, at, index, phase, deposits).await
	}

	async fn ongoing(chain: &Chain, at: &At, index: Index, status: Status) -> Result<Self> {
		let tracks = tracks::all(chain, at)?;
		let track = tracks.into_iter().find(|track| track.id == status.track).ok_or_else(|| {
			crate::error::Error::failed(format!("there is no track {} any more", status.track))
		})?;
		let now = crate::chain::number(at.block_number());
		let issuance = issuance(chain, at).await?;
		let standing = status.standing(now, issuance, &track.rules);
		let phase = status.phase(&track.rules, undeciding_timeout(chain, at), issuance);
		let call = call(chain, at, &status).await?;
		let (does, names) = words(chain, at, call.as_ref()).await?;
		let gate = match call.as_ref().and_then(calls::upgrade) {
			Some(version) => gate(chain, at, version, &names, track.name()).await?,
			None => None,
		};
		let deposits = (
			Some(status.submission_deposit.amount),
			status.decision_deposit.as_ref().map(|deposit| deposit.amount),
		);
		let detail = Detail { status, track: Some(track), standing: Some(standing), does };
		Ok(Self { index, phase, detail: Some(detail), deposits, gate })
	}

	async fn ended(
		chain: &Chain,
		at: &At,
		index: Index,
		mut phase: Phase,
		deposits: (Option<Balance>, Option<Balance>),
	) -> Result<Self> {
		let detail = before_end(chain, &phase, index).await;
		if let Phase::Approved { at: approved, enactment } = &mut phase {
			let status = detail.as_ref().map(|detail| &detail.status);
			let track = detail.as_ref().and_then(|detail| detail.track.as_ref());
			let rules = track.map(|track| &track.rules);
			*enactment = referendum::enactment(chain, at, index, *approved, status, rules).await?;
		}
		Ok(Self { index, phase, detail, deposits, gate: None })
	}

	pub fn json(&self) -> Json {
		let amount = |amount: Option<Balance>| amount.map(|amount| amount.to_string());
		let mut document = json!({
			"referendum": self.index,
			"state": self.phase.name(),
			"open": self.phase.is_open(),
			"until": self.phase.until(),
			"deposits": {
				"submission": amount(self.deposits.0),
				"decision": amount(self.deposits.1),
			},
			"track": null,
			"does": null,
		});
		match &self.phase {
			Phase::Confirming { enacts, .. } => document["enacts"] = (*enacts).into(),
			Phase::Approved { at, enactment } => {
				document["at"] = (*at).into();
				document["enactment"] = match enactment {
					Enactment::Scheduled(block) => json!({ "state": "scheduled", "block": block }),
					Enactment::Done(block) => json!({ "state": "done", "block": block }),
					Enactment::Failed { at, reason } => {
						json!({ "state": "refused", "block": at, "reason": reason })
					},
					Enactment::Past => json!({ "state": "dispatched" }),
				};
			},
			Phase::Rejected { at }
			| Phase::Cancelled { at }
			| Phase::TimedOut { at }
			| Phase::Killed { at } => document["at"] = (*at).into(),
			_ => {},
		}
		if let Some(detail) = &self.detail {
			let tally = &detail.status.tally;
			document["track"] = detail.track.as_ref().map(Track::name).into();
			document["does"] = detail.does.clone().into();
			document["call_hash"] = hex0x(detail.status.proposal.hash()).into();
			document["submitted"] = detail.status.submitted.into();
			document["tally"] = json!({
				"ayes": tally.ayes.to_string(),
				"nays": tally.nays.to_string(),
				"support": tally.support.to_string(),
			});
			if let Some(standing) = &detail.standing {
				document["approval"] = fraction(standing.approval).into();
				document["needed_approval"] = fraction(standing.needed_approval).into();
				document["support"] = fraction(standing.support).into();
				document["needed_support"] = fraction(standing.needed_support).into();
				document["passes"] = standing.passes().into();
			}
		}
		if let Some((version, gate)) = &self.gate {
			document["version"] = version.clone().into();
			document["gate"] = gate.json();
		}
		document
	}

	fn row(&self) -> Vec<String> {
		let detail = self.detail.as_ref();
		let standing = detail.and_then(|detail| detail.standing);
		let against = |pair: Option<(u32, u32)>| {
			pair.map_or(String::new(), |(has, needs)| {
				format!("{} of {}", percent(has), percent(needs))
			})
		};
		vec![
			self.index.to_string(),
			detail
				.and_then(|one| Some(one.track.as_ref()?.name().to_owned()))
				.unwrap_or_default(),
			detail
				.and_then(|one| one.does.as_deref())
				.map_or("its call is unknown".into(), cut),
			against(standing.map(|one| (one.approval, one.needed_approval))),
			against(standing.map(|one| (one.support, one.needed_support))),
			self.phase.text(),
		]
	}

	/// What can be done about it next, for people.
	fn next(&self) -> Option<String> {
		let index = self.index;
		match (&self.phase, self.deposits) {
			(Phase::NoDeposit { .. }, _) => {
				Some(format!("referenda.placeDecisionDeposit({index})"))
			},
			(phase, _) if phase.is_open() => {
				Some(format!("dodona gov vote {index} aye|nay --amount <amount>"))
			},
			(_, (_, Some(_))) => Some(format!("dodona gov refund {index}")),
			_ => None,
		}
	}

	pub fn text(&self, chain: &Chain) -> String {
		let show = |amount| chain.token.show(amount);
		let track = self.detail.as_ref().and_then(|detail| detail.track.as_ref());
		let on = track.map_or(String::new(), |track| format!(" on the track {}", track.name()));
		let mut lines = vec![format!("referendum   {}{on}", self.index)];
		if let Some(detail) = &self.detail {
			let does = detail.does.as_deref().unwrap_or("nobody has noted its call");
			lines.push(format!("does         {does}"));
		}
		lines.push(format!("state        {}", self.phase.text()));
		if let Some(detail) = &self.detail {
			let tally = &detail.status.tally;
			lines.push(format!("tally        {} aye, {} nay", show(tally.ayes), show(tally.nays)));
			if let Some(standing) = &detail.standing {
				let Standing { approval, needed_approval, support, needed_support } = *standing;
				let (has, needs) = (percent(approval), percent(needed_approval));
				lines.push(format!("approval     {has}, needs {needs} now"));
				let (has, needs) = (percent(support), percent(needed_support));
				lines.push(format!("support      {has} of all tokens, needs {needs} now"));
			}
		}
		if let Some((version, gate)) = &self.gate {
			lines.extend(gate.lines(version));
		}
		let held: Vec<String> = [(self.deposits.0, "submission"), (self.deposits.1, "decision")]
			.into_iter()
			.filter_map(|(amount, name)| Some(format!("{} for {name}", show(amount?))))
			.collect();
		if !held.is_empty() {
			lines.push(format!("deposits     {}", held.join(", ")));
		}
		lines.extend(self.next().map(|next| format!("next         {next}")));
		lines.join("\n")
	}
}

/// What fits into a table.
fn cut(text: &str) -> String {
	match text.char_indices().nth(MOST_CHARACTERS) {
		Some((end, _)) => format!("{}…", &text[..end]),
		None => text.to_owned(),
	}
}

/// How many tokens there are.
pub async fn issuance(chain: &Chain, at: &At) -> Result<Balance> {
	Ok(chain.stored(at, "Balances", "TotalIssuance", ()).await?.unwrap_or_default())
}

/// The call of a referendum, if the chain has it and can read it.
async fn call(chain: &Chain, at: &At, status: &Status) -> Result<Option<Value>> {
	let bytes = referendum::call_bytes(chain, at, &status.proposal).await?;
	Ok(bytes.and_then(|bytes| chain.read_call(at, &bytes)))
}

/// A call in words, and the names of the models in it.
async fn words(chain: &Chain, at: &At, call: Option<&Value>) -> Result<(Option<String>, Names)> {
	let Some(call) = call else { return Ok((None, Names::new())) };
	let names = calls::names(chain, at, [call]).await?;
	Ok((Some(calls::describe(call, &names)), names))
}

/// What keeps `version` from being approved, and what it is called.
async fn gate(
	chain: &Chain,
	at: &At,
	version: VersionId,
	names: &Names,
	track: &str,
) -> Result<Option<(String, Gate)>> {
	let Some(name) = names.get(&version.model) else { return Ok(None) };
	let model: Model = model_by_name(chain, at, name).await?;
	let gate = Gate::of(chain, at, &model, version.number).await?;
	let overridden = track == Speaker::Root.track();
	Ok(Some((format!("{name}@{}", version.number), Gate { overridden, ..gate })))
}

/// What a referendum was in the block before it ended, if the node still knows.
async fn before_end(chain: &Chain, phase: &Phase, index: Index) -> Option<Detail> {
	let end = match phase {
		Phase::Approved { at, .. }
		| Phase::Rejected { at }
		| Phase::Cancelled { at }
		| Phase::TimedOut { at }
		| Phase::Killed { at } => *at,
		_ => return None,
	};
	let at = chain.at(end.checked_sub(1)?.into()).await.ok()?;
	let Referendum::Ongoing(status) = referendum::find(chain, &at, index).await.ok()?? else {
		return None;
	};
	let track = tracks::all(chain, &at).ok()?.into_iter().find(|track| track.id == status.track);
	let call = call(chain, &at, &status).await.ok()?;
	let (does, _) = words(chain, &at, call.as_ref()).await.ok()?;
	Some(Detail { status, track, standing: None, does })
}

#[cfg(test)]
mod tests {
	use super::{
		super::{referendum::tests::status, tracks::tests::track},
		*,
	};
	use crate::commands::gov::referendum::Deciding;

	fn view(change: impl FnOnce(&mut Status)) -> View {
		let track = track(1, "model_curator");
		let mut status = status();
		change(&mut status);
		let standing = status.standing(103, 100, &track.rules);
		let phase = status.phase(&track.rules, 50, 100);
		let deposits = (Some(5), status.decision_deposit.as_ref().map(|deposit| deposit.amount));
		let does = Some("approve digits@2".into());
		let detail = Detail { status, track: Some(track), standing: Some(standing), does };
		View { index: 3, phase, detail: Some(detail), deposits, gate: None }
	}

	#[test]
	fn referendum_should_be_shown_against_its_curves() {
		let since = Deciding { since: 103, confirming: Some(107) };
		let view = view(|status| status.deciding = Some(since));
		assert_eq!(
			view.row(),
			[
				"3",
				"model_curator",
				"approve digits@2",
				"90 % of 80 %",
				"30 % of 10 %",
				"confirming: approved in block 107, enacted in block 109",
			]
		);
		let document = view.json();
		assert_eq!(
			(&document["track"], &document["passes"]),
			(&"model_curator".into(), &true.into())
		);
		assert_eq!((&document["until"], &document["enacts"]), (&107.into(), &109.into()));
		assert_eq!(
			(&document["approval"], &document["needed_support"]),
			(&0.9.into(), &0.1.into())
		);
		assert_eq!(document["tally"]["ayes"], "90");
	}

	#[test]
	fn table_should_cut_what_is_long() {
		let mut long = view(|_| ());
		long.detail.as_mut().unwrap().does = Some("ä".repeat(61));
		assert_eq!(long.row()[2], format!("{}…", "ä".repeat(60)));
		long.detail.as_mut().unwrap().does = None;
		assert_eq!(long.row()[2], "its call is unknown");
	}

	#[test]
	fn referendum_should_say_what_can_be_done_next() {
		let next = |phase| View { phase, ..view(|_| ()) }.next();
		assert!(next(Phase::NoDeposit { times_out: 9 })
			.unwrap()
			.contains("placeDecisionDeposit(3)"));
		assert!(next(Phase::Queued).unwrap().starts_with("dodona gov vote 3"));
		assert!(next(Phase::Rejected { at: 9 }).unwrap().contains("gov refund 3"));
		let mut over = view(|_| ());
		(over.phase, over.deposits) = (Phase::Killed { at: 9 }, (None, None));
		assert_eq!(over.next(), None);
	}

	#[test]
	fn referendum_should_say_that_its_deposit_is_missing() {
		let document = view(|status| status.decision_deposit = None).json();
		assert_eq!((&document["state"], &document["until"]), (&"no_deposit".into(), &150.into()));
		assert_eq!(document["deposits"], json!({ "submission": "5", "decision": null }));
	}

	#[test]
	fn refusal_should_be_shown_when_the_call_of_an_approved_referendum_fails() {
		let reason = "ModelEvaluation.NotBetter".to_owned();
		let phase = Phase::Approved { at: 7, enactment: Enactment::Failed { at: 9, reason } };
		let document = View { phase, ..view(|_| ()) }.json();
		assert_eq!(
			document["enactment"],
			json!({ "state": "refused", "block": 9, "reason": "ModelEvaluation.NotBetter" })
		);
		assert_eq!((&document["open"], &document["at"]), (&false.into(), &7.into()));
	}
}
