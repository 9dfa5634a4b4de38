//! `dodona gov evaluate`: a proposed version beside the active one, over samples that nobody knew.

use super::{
	calls::EVALUATION,
	gate::{self, Gate},
	hold_out, named,
	set::Set,
	tracks::percent,
	wrong_state,
};
use crate::{
	args::gov::{Evaluate, VersionArg},
	chain::{account_of, At, Balance, Chain},
	commands::{hex0x, model_by_name, version, Version},
	error::{Error, Result},
	Session,
};
use dodona_primitives_inference::{
	Admission, Evaluation, HoldOut, RevealedSample, Stage, MAX_REVEALED,
};
use dodona_primitives_models::{VersionId, VersionState};
use subxt::utils::{AccountId32, Static};
use subxt_signer::sr25519::Keypair;

/// Everything that an evaluation needs.
struct Trial<'a> {
	session: &'a Session,
	chain: &'a Chain,
	wanted: &'a VersionArg,
	candidate: Version,
	active: Version,
	hold_out: HoldOut,
	/// Who alone reveals its samples.
	revealer: Option<AccountId32>,
	set: Set,
	/// How many samples are to be revealed.
	missing: u32,
}

pub async fn run(session: &Session, args: Evaluate) -> Result<()> {
	let set = Set::read(&args.set)?;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let trial = Trial::prepare(session, &chain, &at, &args.version, set).await?;
	let mut paid = None;
	if trial.missing > 0 {
		let max_fee = match &args.max_fee {
			Some(amount) => Some(amount.of(&chain.token).map_err(Error::usage)?),
			None => None,
		};
		paid = Some(trial.reveal(max_fee).await?);
	}
	let evaluation = trial.wait().await?;
	trial.show(&evaluation, paid).await
}

/// What comes before the error in what the chain says of a failure: version, place and count.
const FAILED_BEFORE_ERROR: usize = 16;

/// Refuses to show samples in the name of anybody but who is to: everybody would see them.
fn ensure_revealer(revealer: Option<&AccountId32>, signer: &AccountId32) -> Result<()> {
	match revealer {
		Some(revealer) if revealer != signer => {
			Err(Error::failed(format!("the samples are {revealer}'s to reveal, not {signer}'s"))
				.because("NotTheRevealer")
				.hint("sign with that account's key: --suri; or have voters commit to another set"))
		},
		_ => Ok(()),
	}
}

/// How many samples are to be revealed.
fn missing(before: Option<&Evaluation>, hold_out: &HoldOut, active: u32) -> u32 {
	match before {
		Some(evaluation) if evaluation.against == active => match evaluation.stage {
			Stage::Running => evaluation.samples.saturating_sub(evaluation.revealed),
			Stage::Scored { .. } => 0,
			Stage::Unanswered => hold_out.per_evaluation,
		},
		_ => hold_out.per_evaluation,
	}
}

/// Refuses what can't be measured by `set` now.
fn check_set(set: &Set, hold_out: &HoldOut, missing: u32) -> Result<()> {
	if !set.is(hold_out) {
		return Err(Error::usage("this is not the set that the chain has committed to")
			.because("WrongSet")
			.hint(format!("the one with the root {}", hex0x(hold_out.root))));
	}
	let left = hold_out.samples.saturating_sub(hold_out.used);
	if left < missing {
		return Err(Error::failed(format!("{left} samples are left, it takes {missing}"))
			.because("HoldOutExhausted")
			.hint("commit to another set with `dodona gov hold-out set`"));
	}
	Ok(())
}

impl<'a> Trial<'a> {
	async fn prepare(
		session: &'a Session,
		chain: &'a Chain,
		at: &At,
		wanted: &'a VersionArg,
		set: Set,
	) -> Result<Self> {
		let VersionArg { name, number } = wanted;
		let (model, candidate) = named(chain, at, wanted).await?;
		if !matches!(candidate.state, VersionState::Proposed) {
			let hint = "only what waits for approval is measured";
			return Err(wrong_state(wanted, &candidate.state, "NotProposed", hint));
		}
		let gate = Gate::of(chain, at, &model, *number).await?;
		if gate.admission != Some(Admission::Reproduced) {
			let closed = gate.closed();
			let why = closed.first().map_or(String::new(), |closed| closed.text());
			let error = Error::failed(format!("`{name}@{number}` is not admitted: {why}"));
			let hint = closed.first().and_then(|closed| closed.hint(&format!("{name}@{number}")));
			return Err(error
				.because("NotAdmitted")
				.hint(hint.unwrap_or("see `dodona gov status`".into())));
		}
		let active = model.active.map(|number| VersionId { model: model.id, number });
		let active = match active {
			Some(id) => version(chain, at, id).await?,
			None => None,
		};
		let active = active.ok_or_else(|| {
			Error::failed(format!("`{name}` has no active version to compare with"))
				.because("NoActiveVersion")
				.hint(format!(
					"`dodona gov propose-upgrade {name}@{number}`: no score is asked for"
				))
		})?;
		let hold_out = gate.hold_out.ok_or_else(|| {
			Error::failed(format!("`{name}` has no hold-out set"))
				.because("NoHoldOut")
				.hint(format!("`dodona gov hold-out set {name} SET.json --per-evaluation N`"))
		})?;
		let before = gate.evaluation.as_ref().filter(|_| gate.is_current);
		let missing = missing(before, &hold_out, active.id.number);
		check_set(&set, &hold_out, missing)?;
		let revealer = gate.revealer;
		Ok(Self { session, chain, wanted, candidate, active, hold_out, revealer, set, missing })
	}

	/// The next samples, with their proofs.
	fn next(&self, count: u32) -> Result<Vec<RevealedSample>> {
		let first = self.hold_out.used;
		(first..first.saturating_add(count))
			.map(|index| {
				self.set
					.reveal(index)
					.ok_or_else(|| Error::failed(format!("the set has no sample {index}")))
			})
			.collect()
	}

	/// What the dearest of the answers costs, and all of them together.
	fn fees(&self, samples: &[RevealedSample]) -> (Balance, Balance) {
		let versions = [&self.candidate, &self.active];
		let fees = samples
			.iter()
			.flat_map(|one| versions.map(|version| version.manifest.fee(&one.sample.input)));
		fees.fold((0, 0), |(most, sum), fee| (most.max(fee), sum.saturating_add(fee)))
	}

	/// Reveals the samples that are missing, in as few transactions as they take; returns what the
	/// answers to them cost.
	async fn reveal(&self, max_fee: Option<Balance>) -> Result<Balance> {
		let Self { session, chain, missing: count, .. } = self;
		let count = *count;
		let samples = self.next(count)?;
		for version in [&self.candidate, &self.active] {
			let first = self.hold_out.used;
			let checked = (first..).zip(&samples).map(|(index, RevealedSample { sample, .. })| {
				(index, &sample.input[..], &sample.expected)
			});
			let architecture = &version.manifest.architecture;
			let name = format!("@{}", version.id.number);
			hold_out::check(architecture, checked, self.hold_out.metric, &name)?;
		}
		let (dearest, sum) = self.fees(&samples);
		let max_fee = max_fee.unwrap_or(dearest);
		let show = |amount| chain.token.show(amount);
		if dearest > max_fee {
			return Err(Error::failed(format!("an answer costs {}", show(dearest)))
				.because("PriceAboveMaxFee")
				.hint("raise --max-fee"));
		}
		session.output.note(format!(
			"{count} samples for @{} and @{}: {} answers for {}",
			self.active.id.number,
			self.candidate.id.number,
			2 * count,
			show(sum)
		));
		let signer = session.signer(chain).await?;
		ensure_revealer(self.revealer.as_ref(), &account_of(&signer))?;
		let bar = session.output.bar(count.into(), "samples");
		for batch in samples.chunks(MAX_REVEALED as usize) {
			if !self.send(&signer, batch, max_fee).await? {
				break;
			}
			bar.inc(batch.len() as u64);
		}
		bar.finish_and_clear();
		Ok(sum)
	}

	/// Reveals a batch of samples. Returns whether that was needed: a transaction of an earlier run
	/// may still have been on its way.
	async fn send(
		&self,
		signer: &Keypair,
		batch: &[RevealedSample],
		max_fee: Balance,
	) -> Result<bool> {
		let args = (Static(self.candidate.id), Static(batch.to_vec()), max_fee);
		match self.chain.execute(signer, EVALUATION, "evaluate", args).await {
			Ok(included) => match included.event(EVALUATION, "EvaluationFailed") {
				None => Ok(true),
				Some(fields) => Err(self.wasted(&fields, batch.len()).await?),
			},
			Err(error) if error.reason.as_deref() == Some("ModelEvaluation.WrongSample") => {
				let at = self.chain.best().await?;
				match gate::evaluation(self.chain, &at, self.candidate.id).await? {
					Some(before) if before.revealed == before.samples => Ok(false),
					_ => Err(error.hint("samples were revealed meanwhile: run it again")),
				}
			},
			Err(error) => Err(error),
		}
	}

	/// Why the chain has used samples up and asked nobody, from what it says of that.
	async fn wasted(&self, fields: &[u8], samples: usize) -> Result<Error> {
		let at = self.chain.best().await?;
		let why = fields.get(FAILED_BEFORE_ERROR..).unwrap_or_default();
		let error = self.chain.dispatch_error(&at, "the evaluation", why);
		let message = format!("{samples} samples are used up, nobody was asked: {}", error.message);
		let hint = error.hint.unwrap_or("see to it, and run it again with the next samples".into());
		Ok(Error { message, hint: Some(hint), ..error })
	}

	/// Waits until every answer is there.
	async fn wait(&self) -> Result<Evaluation> {
		let Self { session, chain, .. } = self;
		let id = self.candidate.id;
		let mut blocks = chain.blocks().await?;
		let mut bar = None;
		loop {
			let at = chain.best().await?;
			let evaluation = gate::evaluation(chain, &at, id).await?.ok_or_else(|| {
				Error::failed("the version does not wait for approval any more")
					.because("NotProposed")
					.hint(format!("dodona model show {}", self.wanted.name))
			})?;
			let answers = u64::from(evaluation.samples) * 2;
			let bar = bar.get_or_insert_with(|| session.output.bar(answers, "answers"));
			bar.set_position(answers.saturating_sub(evaluation.pending.into()));
			if evaluation.stage != Stage::Running {
				bar.finish_and_clear();
				return Ok(evaluation);
			}
			if evaluation.revealed < evaluation.samples {
				return Err(Error::failed("samples are missing: somebody else evaluates it, too")
					.because("NotEvaluated")
					.hint("run it again"));
			}
			chain.next_block(&mut blocks).await?;
		}
	}

	async fn show(&self, evaluation: &Evaluation, paid: Option<Balance>) -> Result<()> {
		let Self { session, chain, .. } = self;
		let at = chain.best().await?;
		let model = model_by_name(chain, &at, &self.wanted.name).await?;
		let gate = Gate::of(chain, &at, &model, self.candidate.id.number).await?;
		let name = format!("{}@{}", self.wanted.name, self.wanted.number);
		let hold_out = gate.hold_out.unwrap_or(self.hold_out);
		let left = hold_out.samples.saturating_sub(hold_out.used) / hold_out.per_evaluation.max(1);
		let mut document = gate::evaluation_json(evaluation);
		document["version"] = name.clone().into();
		document["gate"] = gate.json();
		document["fees"] = paid.map(|paid| paid.to_string()).into();
		document["evaluations_left"] = left.into();
		let scores = match evaluation.stage {
			Stage::Scored { candidate, active } => {
				Some((candidate.deconstruct(), active.deconstruct()))
			},
			_ => None,
		};
		let error = scores.is_none().then(|| {
			Error::request_failed("a sample ended without an answer")
				.because("Unanswered")
				.hint("see the workers in `dodona status`, and run it again with the next samples")
		});
		if let Some(error) = &error {
			document["error"] = error.json();
		}
		session.output.result(&document, || {
			let mut lines = Vec::new();
			if let Some((candidate, active)) = scores {
				lines.push(format!("@{:<11} {}", evaluation.against, percent(active)));
				lines.push(format!("@{:<11} {}", self.wanted.number, percent(candidate)));
			}
			lines.extend(gate.lines(&name).into_iter().filter(|line| line.starts_with("gate")));
			lines.push(format!("left         samples for {left} more evaluations"));
			lines.join("\n")
		});
		error.map_or(Ok(()), Err)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::{Decode, Encode};
	use dodona_primitives_inference::{Metric, Sample};

	fn hold_out(set: &Set, used: u32) -> HoldOut {
		HoldOut {
			root: set.root(),
			samples: set.len(),
			metric: Metric::Accuracy,
			per_evaluation: 4,
			margin: Decode::decode(&mut &0u32.encode()[..]).unwrap(),
			used,
		}
	}

	fn set() -> Set {
		let sample = |at: u8| Sample {
			input: vec![at; 8].try_into().unwrap(),
			expected: vec![0; 4].try_into().unwrap(),
			salt: [0; 16],
		};
		Set::make(Metric::Accuracy, (0..10).map(sample).collect()).unwrap()
	}

	#[test]
	fn evaluation_should_go_on_where_it_stopped() {
		let hold_out = hold_out(&set(), 2);
		let at = |against: u32, revealed: u32, stage: Stage| {
			let (candidate, active) = (0, 0);
			let evaluation = Evaluation {
				against,
				first: 0,
				revealed,
				samples: 4,
				pending: 0,
				candidate,
				active,
				stage,
			};
			missing(Some(&evaluation), &hold_out, 1)
		};
		let zero = || Decode::decode(&mut &0u32.encode()[..]).unwrap();
		let scored = Stage::Scored { candidate: zero(), active: zero() };
		assert_eq!(missing(None, &hold_out, 1), 4);
		assert_eq!(at(1, 2, Stage::Running), 2);
		assert_eq!(at(1, 4, Stage::Running), 0);
		assert_eq!(at(1, 4, scored), 0);
		// What was measured beside another version, or not to the end, begins again.
		assert_eq!(at(2, 4, scored), 4);
		assert_eq!(at(2, 2, Stage::Running), 4);
		assert_eq!(at(1, 4, Stage::Unanswered), 4);
	}

	#[test]
	fn set_should_be_refused_when_it_is_another_one_or_used_up() {
		let (one, other) = (set(), set());
		assert!(check_set(&one, &hold_out(&one, 6), 4).is_ok());
		let reason = |result: Result<()>| result.unwrap_err().reason.unwrap();
		assert_eq!(reason(check_set(&other, &hold_out(&one, 0), 4)), "WrongSet");
		assert_eq!(reason(check_set(&one, &hold_out(&one, 7), 4)), "HoldOutExhausted");
		assert!(check_set(&one, &hold_out(&one, 7), 3).is_ok());
		// An evaluation that is over takes none.
		assert!(check_set(&one, &hold_out(&one, 10), 0).is_ok());
	}

	#[test]
	fn samples_should_not_be_shown_by_anybody_but_the_revealer() {
		let [revealer, other] = [1, 2].map(|byte| AccountId32([byte; 32]));
		assert!(ensure_revealer(Some(&revealer), &revealer).is_ok());
		let error = ensure_revealer(Some(&revealer), &other).unwrap_err();
		assert_eq!(error.reason.as_deref(), Some("NotTheRevealer"));
		assert!(error.message.contains(&revealer.to_string()), "{}", error.message);
	}
}
