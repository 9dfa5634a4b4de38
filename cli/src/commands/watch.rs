//! `dodona watch`: computes the answers of others again, and stands up against wrong ones.
//!
//! What is to be done is read off the chain after each block: after a restart it goes on where it
//! was.

mod decide;
mod jobs;
mod moves;

use crate::{
	args::dispute::Watch,
	chain::{account_of, At, Balance, BlockNumber, Chain},
	commands::{
		dispute::{asked, disputes, find, Asked, Info, PALLET},
		hex0x, model_by_name, model_name, version,
		weights::Weights,
		Operator, Version,
	},
	error::{Error, Kind, Result},
	Session,
};
use codec::Decode;
use decide::{about_dispute, about_result, Act, Aims, Answer, Computed};
use dodona_engine::trace::Program;
use dodona_primitives_inference::{
	player::{runs_here, Planted},
	ClaimId, Request, RequestId, RequestState, Schedule,
};
use dodona_primitives_models::{ModelId, VersionId};
use jobs::{Computer, Done, Recorded, Run, Wanted};
use jsonrpsee::rpc_params;
use serde_json::{json, Value};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
};
use subxt::utils::{AccountId32, Static, H256};
use subxt_signer::sr25519::Keypair;

/// Most answers and traces that are remembered; what is forgotten is computed again.
const MOST_ANSWERS: usize = 256;
const MOST_TRACES: usize = 4;
/// Blocks after which weights that can't be had are asked for again.
const SHELVED: u64 = 50;

/// Who watches, what for, and what was found out.
struct Watcher<'a> {
	session: &'a Session,
	chain: &'a Chain,
	signer: Keypair,
	me: AccountId32,
	/// This account, and the operator whose hot key it is, if it is one.
	names: Vec<AccountId32>,
	aims: Aims,
	budget: Balance,
	/// A wrong result, for tests.
	planted: Option<Planted>,
	/// The models that are watched; all of them if there are none.
	models: BTreeSet<ModelId>,
	cases: BTreeMap<VersionId, Arc<Case>>,
	/// Versions whose weights can't be had, and when that is tried again.
	shelved: BTreeMap<VersionId, u64>,
	weights: Weights,
	computer: Computer,
	/// Results that can be challenged, and have not been found right.
	results: BTreeSet<RequestId>,
	answers: BTreeMap<RequestId, Answer>,
	traces: BTreeMap<RequestId, Box<Recorded>>,
	/// Disputes that something was said in.
	playing: BTreeSet<RequestId>,
	/// The claims with a bond of this account, until their dispute is over.
	bonds: BTreeSet<(RequestId, ClaimId)>,
	/// What the chain refused, or is too dear, and when it is tried again.
	pauses: BTreeMap<RequestId, (Act, u64)>,
	/// The last block whose events were read.
	scanned: (u64, H256),
}

/// A version that is watched.
struct Case {
	name: String,
	version: Version,
}

/// Something to be done for a request.
struct Task {
	id: RequestId,
	case: Arc<Case>,
	input: Vec<u8>,
	until: BlockNumber,
	/// What a challenge costs.
	bond: Balance,
	act: Act,
}

pub async fn run(session: &Session, args: Watch) -> Result<()> {
	if let Err(error) = dodona_engine::self_test() {
		return Err(Error::failed(format!(
			"this program does not compute as the chain does: {error}"
		))
		.because("SelfTestFailed")
		.hint("use a released program: what is wrong here costs bonds"));
	}
	let chain = session.connect().await?;
	if args.plant.is_some() {
		let kind: String = chain.rpc("system_chainType", rpc_params![]).await?;
		if kind != "Development" {
			return Err(Error::usage("--plant is for development chains"));
		}
	}
	let at = chain.best().await?;
	let mut models = BTreeSet::new();
	for name in &args.models {
		models.insert(model_by_name(&chain, &at, name).await?.id);
	}
	let budget = match &args.budget {
		Some(amount) => amount.of(&chain.token).map_err(Error::usage)?,
		None => 0,
	};
	let signer = session.signer(&chain).await?;
	let me = account_of(&signer);
	let operator: Option<Operator> =
		chain.call(&at, "ContributorStakingApi_operator", (me,)).await?;
	let operator = operator.map(|operator| operator.operator).filter(|operator| *operator != me);
	let mut watcher = Watcher {
		session,
		chain: &chain,
		me,
		names: [me].into_iter().chain(operator).collect(),
		signer,
		aims: Aims { challenge: args.challenge, defend: args.defend },
		budget,
		planted: args.plant,
		models,
		cases: BTreeMap::new(),
		shelved: BTreeMap::new(),
		weights: Weights::default(),
		computer: Computer::default(),
		results: BTreeSet::new(),
		answers: BTreeMap::new(),
		traces: BTreeMap::new(),
		playing: BTreeSet::new(),
		bonds: BTreeSet::new(),
		pauses: BTreeMap::new(),
		scanned: (at.block_number(), at.block_hash()),
	};
	watcher.begin(&at).await?;
	let mut blocks = chain.blocks().await?;
	loop {
		watcher.turn().await?;
		tokio::select! {
			block = chain.next_block(&mut blocks) => { block?; },
			(id, done) = watcher.computer.done() => watcher.learn(id, done)?,
		}
	}
}

impl Watcher<'_> {
	/// Says what happened: a line for people, or one for scripts.
	fn tell(&self, event: &str, id: RequestId, mut document: Value, text: impl AsRef<str>) {
		if let Value::Object(fields) = &mut document {
			fields.insert("event".into(), event.into());
			fields.insert("request".into(), id.into());
		}
		match self.session.output.is_json() {
			true => self.session.output.document(&document),
			false => self.session.output.note(format!("request {id}: {}", text.as_ref())),
		}
	}

	/// Looks for results that can be challenged already.
	async fn begin(&mut self, at: &At) -> Result<()> {
		type Stored = Static<Request<AccountId32, Balance, BlockNumber>>;
		let all = self.chain.stored_all::<RequestId, Stored>(at, PALLET, "Requests").await?;
		let open = all
			.into_iter()
			.filter(|(_, request)| matches!(request.0.state, RequestState::Agreed { .. }));
		self.results = open.map(|(id, _)| id).collect();
		let (count, me) = (self.results.len(), self.me);
		match self.session.output.is_json() {
			true => self.session.output.document(
				&json!({ "event": "watching", "account": me, "block": self.scanned.0, "results": count }),
			),
			false => {
				self.session.output.note(format!("watching as {me}, {count} results to check"))
			},
		}
		Ok(())
	}

	/// Reads what happened up to the best block.
	async fn scan(&mut self, best: &At) -> Result<()> {
		let (last, hash) = self.scanned;
		let (block, now) = (best.block_number(), best.block_hash());
		if now == hash {
			return Ok(());
		}
		// The best chain may be another one than before.
		for number in last.saturating_add(1).min(block)..=block {
			let at = self.chain.at(number).await?;
			for fields in self.chain.events(&at, PALLET, "Agreed").await? {
				if let Ok(id) = RequestId::decode(&mut &fields[..]) {
					self.results.insert(id);
				}
			}
			for fields in self.chain.events(&at, PALLET, "ClaimLost").await? {
				type Fields = (RequestId, ClaimId, Option<[u8; 32]>, Balance);
				let Ok((id, claim, _, forfeited)) = Fields::decode(&mut &fields[..]) else {
					continue;
				};
				if self.bonds.contains(&(id, claim)) {
					let text =
						format!("claim {claim} lost, with {}", self.chain.token.show(forfeited));
					let document = json!({ "claim": claim, "forfeited": forfeited.to_string() });
					self.tell("lost", id, document, &text);
					return Err(Error::failed(format!("request {id}: {text}"))
						.because("ClaimLost")
						.hint("find out why before you go on: this machine may compute wrongly"));
				}
			}
		}
		self.scanned = (block, now);
		Ok(())
	}

	/// Remembers what was computed.
	fn learn(&mut self, id: RequestId, done: Done) -> Result<()> {
		match done {
			Done::Answer(answer) => {
				let hash = answer.hash().map(hex0x);
				let text = match &hash {
					Some(hash) => format!("computed {}", crate::commands::short(hash)),
					None => "computed: there is no answer".into(),
				};
				self.tell("computed", id, json!({ "answer": hash }), text);
				forget(&mut self.answers, MOST_ANSWERS);
				self.answers.insert(id, answer);
			},
			Done::Trace(trace) => {
				let (root, steps) = (hex0x(trace.root()), trace.program().steps());
				let text = format!("recorded {steps} steps");
				self.tell("recorded", id, json!({ "trace": root, "steps": steps }), text);
				forget(&mut self.traces, MOST_TRACES);
				self.traces.insert(id, trace);
			},
			Done::Failed(error) => {
				return Err(Error::failed(format!("request {id} can't be computed here: {error}")))
			},
		}
		Ok(())
	}

	/// What a version is, if it is watched.
	async fn case(&mut self, at: &At, id: VersionId) -> Result<Option<Arc<Case>>> {
		if !self.models.is_empty() && !self.models.contains(&id.model) {
			return Ok(None);
		}
		if let Some(case) = self.cases.get(&id) {
			return Ok(Some(case.clone()));
		}
		let Some(version) = version(self.chain, at, id).await? else { return Ok(None) };
		let name = format!("{}@{}", model_name(self.chain, at, id.model).await?, id.number);
		let case = Arc::new(Case { name, version });
		self.cases.insert(id, case.clone());
		Ok(Some(case))
	}

	/// Does what there is to do at the best block.
	async fn turn(&mut self) -> Result<()> {
		let at = self.chain.best().await?;
		// What was lost is known before what comes next is decided.
		self.scan(&at).await?;
		let mut tasks = self.about_disputes(&at).await?;
		tasks.extend(self.about_results(&at).await?);
		// What is late first.
		tasks.sort_by_key(|task| (task.until, task.id));
		self.compute(&at, &tasks).await?;
		self.perform(&at, tasks).await
	}

	/// What there is to do about open disputes.
	async fn about_disputes(&mut self, at: &At) -> Result<Vec<Task>> {
		let most: u64 = self.chain.constant(at, PALLET, "MaxAdjudicationWork").unwrap_or(0);
		let open = disputes(self.chain, at).await?;
		self.report_ends(at, &open).await?;
		let mut tasks = Vec::new();
		for id in open {
			let Some((info, asked)) = find(self.chain, at, id).await? else { continue };
			self.note_bonds(&info);
			let Some(case) = self.case(at, asked.request.version).await? else { continue };
			let manifest = &case.version.manifest;
			let runs_here =
				runs_here(&manifest.architecture, &info.input, manifest.artifact.size, most);
			let root = self.traces.get(&id).map(|trace| trace.root());
			let computed = Computed { answer: self.answers.get(&id), root };
			let act = about_dispute((&info, &asked), &self.names, self.aims, runs_here, computed);
			if act == Act::Record && Program::new(&manifest.architecture, &info.input).is_err() {
				continue;
			}
			let Info { until, bond, input, .. } = info;
			tasks.push(Task { id, case, input: input.into_inner(), until, bond, act });
		}
		Ok(tasks)
	}

	/// Remembers which claims of a dispute this account has put up a bond for.
	fn note_bonds(&mut self, info: &Info) {
		for claim in &info.dispute.claims {
			if claim.challenger.as_ref().is_some_and(|challenger| challenger.who == self.me) {
				self.bonds.insert((info.request, claim.id));
				self.playing.insert(info.request);
			}
		}
	}

	/// Says how disputes ended that something was said in.
	async fn report_ends(&mut self, at: &At, open: &[RequestId]) -> Result<()> {
		let over: Vec<_> = self.playing.iter().copied().filter(|id| !open.contains(id)).collect();
		for id in over {
			let Some(asked) = asked(self.chain, at, id).await? else { continue };
			let right = match (&asked.request.state, self.answers.get(&id)) {
				(RequestState::Finalized { outcome, .. }, Some(answer)) => {
					Some(answer.hash() == Some(outcome.0))
				},
				_ => None,
			};
			let state = end_text(&asked);
			self.tell("over", id, json!({ "state": state, "right": right }), state);
			self.playing.remove(&id);
			self.bonds.retain(|(request, _)| *request != id);
			self.traces.remove(&id);
		}
		Ok(())
	}

	/// What there is to do about results that can be challenged.
	async fn about_results(&mut self, at: &At) -> Result<Vec<Task>> {
		let least: Balance =
			self.chain.constant(at, PALLET, "ChallengeBond").unwrap_or(Balance::MAX);
		let per_period: u64 = self.chain.constant(at, PALLET, "StepsPerPeriod").unwrap_or(1);
		let mut tasks = Vec::new();
		for id in self.results.clone() {
			let asked = asked(self.chain, at, id).await?;
			let Some((asked, outcome, until)) = asked.and_then(agreed) else {
				self.results.remove(&id);
				continue;
			};
			let Some(case) = self.case(at, asked.request.version).await? else {
				self.results.remove(&id);
				continue;
			};
			let root = None;
			let computed = Computed { answer: self.answers.get(&id), root };
			let act = about_result(outcome, self.aims, computed);
			if let Some(answer) = computed.answer {
				let right = answer.hash() == Some(outcome);
				if right || !self.aims.challenge {
					let text = if right { "is right" } else { "is WRONG" };
					let document =
						json!({ "model": case.name, "right": right, "outcome": hex0x(outcome) });
					self.tell(
						"checked",
						id,
						document,
						format!("the answer of {} {text}", case.name),
					);
					self.results.remove(&id);
					continue;
				}
			}
			let Some(input) = self.input(at, id).await? else { continue };
			let bond = match act {
				Act::Challenge => {
					least.saturating_mul(periods(&case.version, &input, per_period).into())
				},
				_ => 0,
			};
			tasks.push(Task { id, case, input, until, bond, act });
		}
		Ok(tasks)
	}

	async fn input(&self, at: &At, id: RequestId) -> Result<Option<Vec<u8>>> {
		let stored = self.chain.stored::<_, Static<Vec<u8>>>(at, PALLET, "Inputs", (id,)).await?;
		Ok(stored.map(|bytes| bytes.0))
	}

	/// Begins the computation that is most urgent, unless one is under way.
	async fn compute(&mut self, at: &At, tasks: &[Task]) -> Result<()> {
		if self.computer.is_busy() {
			return Ok(());
		}
		let now = at.block_number();
		for task in tasks {
			let wanted = match task.act {
				Act::FindAnswer => Wanted::Answer,
				Act::Record => Wanted::Trace,
				_ => continue,
			};
			let Case { name, version } = &*task.case;
			if self.shelved.get(&version.id).is_some_and(|until| now < *until) {
				continue;
			}
			let weights = match self.weights.get(self.chain, at, version).await {
				Ok(weights) => weights,
				Err(error) if error.kind == Kind::Unreachable => return Err(error),
				Err(error) => {
					let document = json!({ "model": name, "reason": error.reason });
					let text = format!("{name} can't be checked: {}", error.message);
					self.tell("unchecked", task.id, document, text);
					self.shelved.insert(version.id, now.saturating_add(SHELVED));
					continue;
				},
			};
			let (architecture, input) = (version.manifest.architecture.clone(), task.input.clone());
			let (request, version, planted) = (task.id, version.id, self.planted);
			let run = Run { request, version, architecture, input, weights, planted };
			self.computer.begin(run, wanted);
			return Ok(());
		}
		Ok(())
	}
}

/// For how many periods a challenge of what was said to this `input` takes a bond; for none if it
/// can't be decided.
fn periods(version: &Version, input: &[u8], per_period: u64) -> u64 {
	let program = Program::new(&version.manifest.architecture, input).ok();
	let schedule =
		program.map(|program| Schedule { steps: program.steps(), depth: program.depth() });
	schedule.map_or(0, |schedule| schedule.periods(per_period))
}

/// Makes room for one more.
fn forget<T>(map: &mut BTreeMap<RequestId, T>, most: usize) {
	while map.len() >= most {
		map.pop_first();
	}
}

/// A request whose result can be challenged.
fn agreed(asked: Asked) -> Option<(Asked, [u8; 32], BlockNumber)> {
	match asked.request.state {
		RequestState::Agreed { outcome, until, .. } => Some((asked, outcome.0, until)),
		_ => None,
	}
}

fn end_text(asked: &Asked) -> &'static str {
	match asked.request.state {
		RequestState::Finalized { .. } => "finalized",
		RequestState::Failed { .. } => "failed",
		_ if asked.agreed_at.is_some() => "audited",
		_ => "asked again",
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn oldest_should_be_forgotten_when_there_is_no_room() {
		let mut map: BTreeMap<RequestId, u8> = (0..4).map(|id| (id, 0)).collect();
		forget(&mut map, 4);
		assert_eq!(map.into_keys().collect::<Vec<_>>(), [1, 2, 3]);
	}
}
