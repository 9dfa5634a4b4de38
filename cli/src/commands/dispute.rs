//! `dodona dispute`: what is in dispute, and how far it is.

use crate::{
	args::dispute::Dispute as Command,
	chain::{At, Balance, BlockNumber, Chain},
	commands::{hex0x, model_name, short, version, Version},
	error::{Error, Result},
	output::table,
	Session,
};
use dodona_engine::trace::Program;
use dodona_primitives_inference::{
	player::{may_open, runs_here},
	Claim, Contest, DisputeInfo, RequestId, RequestInfo, RequestState, SeatStatus,
};
use serde_json::{json, Value};
use subxt::utils::AccountId32;

pub const PALLET: &str = "Inference";

pub type Info = DisputeInfo<AccountId32, Balance, BlockNumber>;
pub type Asked = RequestInfo<AccountId32, Balance, BlockNumber>;
type State = RequestState<AccountId32, BlockNumber>;

pub async fn run(session: &Session, command: Command) -> Result<()> {
	match command {
		Command::List => list(session).await,
		Command::Show { request } => show(session, request).await,
	}
}

/// The requests in dispute.
pub async fn disputes(chain: &Chain, at: &At) -> Result<Vec<RequestId>> {
	let mut all = Vec::new();
	loop {
		let after: Option<RequestId> = all.last().copied();
		let more: Vec<RequestId> = chain.call(at, "InferenceApi_disputes", (after,)).await?;
		if more.is_empty() {
			return Ok(all);
		}
		all.extend(more);
	}
}

/// The dispute over a request, and the request; none if there is none.
pub async fn find(chain: &Chain, at: &At, id: RequestId) -> Result<Option<(Info, Asked)>> {
	let info: Option<Info> = chain.call(at, "InferenceApi_dispute", (id,)).await?;
	let asked = asked(chain, at, id).await?;
	Ok(info.zip(asked))
}

/// A request.
pub async fn asked(chain: &Chain, at: &At, id: RequestId) -> Result<Option<Asked>> {
	chain.call(at, "InferenceApi_request", (id,)).await
}

async fn list(session: &Session) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (mut documents, mut rows) = (Vec::new(), Vec::new());
	for id in disputes(&chain, &at).await? {
		let Some((info, asked)) = find(&chain, &at, id).await? else { continue };
		let of = asked.request.version;
		let name = format!("{}@{}", model_name(&chain, &at, of.model).await?, of.number);
		let claims = info.dispute.claims.len();
		let stage = stage(&info.dispute.contest);
		documents.push(json!({
			"request": id, "model": name, "claims": claims, "stage": stage, "until": info.until,
		}));
		rows.push(vec![
			id.to_string(),
			name,
			claims.to_string(),
			stage.into(),
			info.until.to_string(),
		]);
	}
	session.output.result(&documents, || match rows.is_empty() {
		true => "no answer is in dispute".into(),
		false => table(&["request", "model", "claims", "stage", "until block"], &rows),
	});
	Ok(())
}

async fn show(session: &Session, id: RequestId) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let (info, asked) = find(&chain, &at, id).await?.ok_or_else(|| {
		Error::failed(format!("request {id} is not in dispute"))
			.because("NotDisputed")
			.hint("see those that are with `dodona dispute list`")
	})?;
	let of = asked.request.version;
	let name = format!("{}@{}", model_name(&chain, &at, of.model).await?, of.number);
	let version = version(&chain, &at, of).await?;
	let most: u64 = chain.constant(&at, PALLET, "MaxAdjudicationWork").unwrap_or(0);
	let place = version.as_ref().and_then(|version| Place::of(&info, version));
	let is_small = version.as_ref().is_some_and(|version| {
		let manifest = &version.manifest;
		runs_here(&manifest.architecture, &info.input, manifest.artifact.size, most)
	});
	let state = &asked.request.state;
	let claims = &info.dispute.claims;
	let document = json!({
		"request": id,
		"model": name,
		"stage": stage(&info.dispute.contest),
		"until": info.until,
		"claims": claims.iter().map(|claim| claim_json(&info, state, claim)).collect::<Vec<_>>(),
		"place": place.as_ref().map(Place::json),
		"runs_here": is_small,
		"bond": info.bond.to_string(),
		"rounds": info.dispute.rounds,
	});
	session.output.result(&document, || {
		let token = &chain.token;
		let mut lines = vec![format!("request  {id} to {name}")];
		for claim in claims {
			let answer = answer_text(claim.answer.map(|hash| hash.0));
			let by = match &claim.challenger {
				Some(challenger) => {
					format!("{} with a bond of {}", challenger.who, token.show(challenger.bond))
				},
				None => format!("{} seats", backers(state, claim).len()),
			};
			lines.push(format!("claim    {}: {answer}, by {by}; {}", claim.id, turn(&info, claim)));
		}
		lines.push(format!(
			"stage    {}, until block {}",
			stage(&info.dispute.contest),
			info.until
		));
		if let Some(place) = &place {
			lines.push(format!("place    {}", place.text()));
		}
		if is_small {
			lines.push("verdict  by anyone at once: the runtime can run this model itself".into());
		}
		lines.push(format!("cost     another claim takes a bond of {}", token.show(info.bond)));
		lines.join("\n")
	});
	Ok(())
}

/// How far it is, in a word.
pub fn stage(contest: &Contest) -> &'static str {
	match contest {
		Contest::Opening => "opening",
		Contest::Descending { .. } => "descending",
		Contest::Settling { .. } => "settling",
		Contest::Won => "won",
	}
}

/// What is to be done for a claim.
fn turn(info: &Info, claim: &Claim<AccountId32, Balance>) -> &'static str {
	let side = info.dispute.side(claim.id);
	match (&info.dispute.contest, side) {
		(Contest::Won, _) => "has won, unless somebody challenges it",
		(_, None) => "waits for the winner",
		(Contest::Opening, _) if claim.opening.is_none() => "has to show its trace",
		(Contest::Descending { moves, .. }, Some(side))
			if moves.get(side).is_some_and(Option::is_none) =>
		{
			"has to say what is below the node"
		},
		(Contest::Settling { .. }, _) => "waits for the step to be executed, by anyone",
		_ => "has moved",
	}
}

/// The operators in the seats that revealed what a claim says.
fn backers<'a>(state: &'a State, claim: &Claim<AccountId32, Balance>) -> Vec<&'a AccountId32> {
	let seats = state.committee().into_iter().flatten();
	seats
		.filter(
			|seat| matches!(seat.status, SeatStatus::Revealed(said) if Some(said) == claim.answer),
		)
		.map(|seat| &seat.operator)
		.collect()
}

fn answer_text(answer: Option<[u8; 32]>) -> String {
	match answer {
		Some(hash) => short(&hex0x(hash)),
		None => "no answer".into(),
	}
}

fn claim_json(info: &Info, state: &State, claim: &Claim<AccountId32, Balance>) -> Value {
	let may_show: Vec<_> = backers(state, claim)
		.into_iter()
		.filter(|who| may_open(&info.dispute, claim, state, who))
		.collect();
	json!({
		"claim": claim.id,
		"answer": claim.answer.map(hex0x),
		"challenger": claim.challenger.as_ref().map(|it| it.who),
		"bond": claim.challenger.as_ref().map(|it| it.bond.to_string()),
		"seats": backers(state, claim),
		"may_show": may_show,
		"trace": claim.opening.as_ref().map(|it| hex0x(it.root)),
		"turn": turn(info, claim),
	})
}

/// Where in the run two claims differ, as far as it is known.
struct Place {
	/// The first and the last step that it can be.
	steps: (u64, u64),
	words: (String, String),
	/// Pages and work, at most, once it is known.
	cost: Option<(u32, u64)>,
}

impl Place {
	fn of(info: &Info, version: &Version) -> Option<Self> {
		let program = Program::new(&version.manifest.architecture, &info.input).ok()?;
		let last = program.steps().checked_sub(1)?;
		let (steps, cost) = match &info.dispute.contest {
			Contest::Descending { level, index, .. } => {
				let below = program.depth().checked_sub(*level)?;
				let first = index.checked_shl(below)?;
				let end = index.checked_add(1)?.checked_shl(below)?;
				((first.min(last), end.saturating_sub(1).min(last)), None)
			},
			Contest::Settling { step, .. } => {
				let cost = program.cost(*step)?;
				((*step, *step), Some((cost.pages, cost.work)))
			},
			_ => return None,
		};
		let describe = |step| program.describe(step).map(|it| it.to_string());
		let words = (describe(steps.0)?, describe(steps.1)?);
		Some(Self { steps, words, cost })
	}

	fn json(&self) -> Value {
		json!({
			"first": { "step": self.steps.0, "what": self.words.0 },
			"last": { "step": self.steps.1, "what": self.words.1 },
			"pages": self.cost.map(|(pages, _)| pages),
			"work": self.cost.map(|(_, work)| work),
		})
	}

	fn text(&self) -> String {
		let ((first, last), (from, to)) = (self.steps, &self.words);
		match self.cost {
			Some((pages, work)) => {
				format!("step {first}: {from}; at most {pages} KiB and {work} multiply-accumulates")
			},
			None => format!("in steps {first} to {last}: from {from} to {to}"),
		}
	}
}

#[cfg(test)]
pub mod tests {
	use super::*;
	use dodona_engine::golden;
	use dodona_primitives_inference::{Children, Dispute, Input, Opening, Schedule};
	use dodona_primitives_models::{ArtifactRef, Manifest, Price, VersionId, VersionState};

	/// A perceptron's version.
	pub fn version(widths: &[u32]) -> (Version, Vec<u8>) {
		let architecture = golden::mlp(widths);
		let bytes = golden::artifact(&architecture, 3, 1.0).unwrap();
		let manifest = Manifest {
			architecture,
			artifact: ArtifactRef::of(&bytes).0,
			pages: dodona_engine::trace::pages_root::<dodona_engine::trace::Blake>(&bytes).into(),
			tokenizer: None,
			folder: None,
			known_answers: Default::default(),
			engine: 1,
			derived_from: None,
			licence: Default::default(),
			price: Price { request: 5, work: 0 },
		};
		let id = VersionId { model: 3, number: 2 };
		let (proposer, state) = ([1; 32].into(), VersionState::Active);
		(Version { id, proposer, state, kept_until: None, manifest }, bytes)
	}

	/// A dispute between claims that say these bytes, the first by seats.
	pub fn info(claims: &[Option<u8>], contest: Contest, input: Vec<u8>) -> Info {
		let claim = |(id, answer): (u32, &Option<u8>)| Claim {
			id,
			answer: answer.map(|byte| [byte; 32].into()),
			challenger: None,
			opening: None,
		};
		let claims: Vec<_> = (0..).zip(claims).map(claim).collect();
		Info {
			request: 7,
			dispute: Dispute {
				next_claim: claims.len() as u32,
				claims: claims.try_into().unwrap(),
				rounds: 0,
				schedule: Schedule { steps: 4, depth: 2 },
				takes_room: true,
				refuted: Default::default(),
				revived: 0,
				contest,
			},
			until: 99,
			bond: 10,
			input: Input::try_from(input).unwrap(),
		}
	}

	fn nodes<Hash: From<[u8; 32]>>() -> [Hash; 2] {
		[[1; 32].into(), [2; 32].into()]
	}

	#[test]
	fn place_should_be_a_range_of_steps_until_the_step_is_known() {
		let (version, _) = version(&[400, 100, 10]);
		let input = golden::input(&version.manifest.architecture, 1);
		let program = Program::new(&version.manifest.architecture, &input).unwrap();
		let of = |contest| Place::of(&info(&[Some(1), Some(2)], contest, input.clone()), &version);
		let moves = [None, None];
		let all = of(Contest::Descending { level: 0, index: 0, nodes: nodes(), moves }).unwrap();
		assert_eq!(all.steps, (0, program.steps() - 1));
		assert!(
			all.words.0.contains("table") && all.words.1.contains("layer 1"),
			"{:?}",
			all.words
		);
		let moves = [None, None];
		let half = of(Contest::Descending { level: 1, index: 0, nodes: nodes(), moves }).unwrap();
		assert_eq!(half.steps, (0, (1 << (program.depth() - 1)) - 1));
		let one = of(Contest::Settling { step: 1, leaves: nodes() }).unwrap();
		assert_eq!(one.steps, (1, 1));
		assert!(one.text().contains("product"), "{}", one.text());
		assert!(of(Contest::Opening).is_none());
	}

	#[test]
	fn turn_should_be_that_of_whoever_has_not_moved() {
		let turns = |info: &Info| -> Vec<&str> {
			info.dispute.claims.iter().map(|claim| turn(info, claim)).collect()
		};
		let mut opening = info(&[Some(1), Some(2), None], Contest::Opening, vec![]);
		opening.dispute.claims[0].opening =
			Some(Opening { root: [5; 32].into(), by: [1; 32].into(), before: 2 });
		let expected = ["has moved", "has to show its trace", "waits for the winner"];
		assert_eq!(turns(&opening), expected);
		let moves = [Some(Children::default()), None];
		let contest = Contest::Descending { level: 0, index: 0, nodes: nodes(), moves };
		let descending = info(&[Some(1), Some(2)], contest, vec![]);
		assert_eq!(turns(&descending), ["has moved", "has to say what is below the node"]);
	}
}
