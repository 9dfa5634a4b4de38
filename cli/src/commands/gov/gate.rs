//! What the chain demands of a version before voters may put it into use, and how far it is.

use super::{
	calls::{EVALUATION, REGISTRY},
	hold_out::metric_text,
	tracks::{fraction, percent},
};
use crate::{
	chain::{At, Chain},
	commands::{hex0x, Model},
	error::Result,
};
use dodona_primitives_inference::{Admission, Evaluation, HoldOut, RequestId, Stage};
use dodona_primitives_models::VersionId;
use serde_json::{json, Value};
use subxt::{
	ext::scale_decode::DecodeAsType,
	utils::{AccountId32, Static},
};

/// What the chain keeps of a model besides what it tells.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Record {
	was_used: bool,
}

/// What the chain keeps of an evaluation besides what it tells.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Course {
	set: u32,
}

/// What the chain keeps of a hold-out set besides what it tells.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct HoldOutSet {
	number: u32,
	revealer: AccountId32,
}

/// What is known about a proposed version.
#[derive(Clone, Debug)]
pub struct Gate {
	/// Whether the commons governs the model: only there the scores are asked for.
	pub commons: bool,
	/// Number of the version in use.
	pub active: Option<u32>,
	/// Whether a version of the model was ever in use.
	pub was_used: bool,
	pub admission: Option<Admission>,
	pub hold_out: Option<HoldOut>,
	/// Who reveals the samples of the hold-out set.
	pub revealer: Option<AccountId32>,
	pub evaluation: Option<Evaluation>,
	/// Whether the evaluation is by the hold-out set that counts.
	pub is_current: bool,
	/// Whether it is decided on the root track: then the scores are not asked for.
	pub overridden: bool,
}

/// Why the gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
	NotAsked,
	BeingAsked { pending: u32 },
	Contradicted { request: RequestId },
	NoAnswer,
	NothingToCompare,
	NoHoldOut,
	NotMeasured,
	BeingMeasured { revealed: u32, samples: u32, pending: u32 },
	NoScore,
	Stale { against: u32 },
	OtherSet,
	NotBetter { candidate: u32, active: u32, margin: u32 },
}

impl Gate {
	/// What the chain knows about `version` of `model`.
	pub async fn of(chain: &Chain, at: &At, model: &Model, number: u32) -> Result<Self> {
		let id = VersionId { model: model.id, number };
		let set: Option<HoldOutSet> = chain.stored(at, EVALUATION, "HoldOuts", (id.model,)).await?;
		let course: Option<Course> =
			chain.stored(at, EVALUATION, "Evaluations", (Static(id),)).await?;
		let set_of = course.map(|course| course.set);
		Ok(Self {
			commons: model.owner.is_none(),
			active: model.active,
			was_used: was_used(chain, at, model).await?,
			admission: chain.call(at, "EvaluationApi_admission", (id,)).await?,
			hold_out: hold_out(chain, at, model).await?,
			evaluation: evaluation(chain, at, id).await?,
			revealer: set.as_ref().map(|set| set.revealer),
			is_current: set_of.is_some() && set_of == set.as_ref().map(|set| set.number),
			overridden: false,
		})
	}

	/// Both scores, of the version and of the one that it was measured beside.
	pub fn scores(&self) -> Option<(u32, u32)> {
		match self.evaluation?.stage {
			Stage::Scored { candidate, active } => {
				Some((candidate.deconstruct(), active.deconstruct()))
			},
			_ => None,
		}
	}

	/// What keeps the version from being approved; nothing if voters alone decide.
	pub fn closed(&self) -> Vec<Closed> {
		let admission = match self.admission {
			Some(Admission::Reproduced) => None,
			None => Some(Closed::NotAsked),
			Some(Admission::Asked { pending, .. }) => Some(Closed::BeingAsked { pending }),
			Some(Admission::Contradicted { request }) => Some(Closed::Contradicted { request }),
			Some(Admission::Unanswered) => Some(Closed::NoAnswer),
		};
		admission.into_iter().chain(self.score_missing()).collect()
	}

	fn score_missing(&self) -> Option<Closed> {
		if !self.commons || self.overridden {
			return None;
		}
		let Some(active) = self.active else {
			return self.was_used.then_some(Closed::NothingToCompare);
		};
		let Some(hold_out) = self.hold_out else { return Some(Closed::NoHoldOut) };
		let Some(evaluation) = self.evaluation else { return Some(Closed::NotMeasured) };
		if !self.is_current {
			return Some(Closed::OtherSet);
		}
		let Evaluation { against, revealed, samples, pending, stage, .. } = evaluation;
		match stage {
			Stage::Running => Some(Closed::BeingMeasured { revealed, samples, pending }),
			Stage::Unanswered => Some(Closed::NoScore),
			Stage::Scored { .. } if against != active => Some(Closed::Stale { against }),
			Stage::Scored { candidate, active } => {
				let (candidate, active) = (candidate.deconstruct(), active.deconstruct());
				let margin = hold_out.margin.deconstruct();
				let is_better = candidate > active && candidate >= active.saturating_add(margin);
				(!is_better).then_some(Closed::NotBetter { candidate, active, margin })
			},
		}
	}

	/// For people, about a version that is called `name`.
	pub fn lines(&self, name: &str) -> Vec<String> {
		let mut lines = Vec::new();
		if let (Some((candidate, active)), Some(evaluation)) = (self.scores(), &self.evaluation) {
			lines.push(format!(
				"scores       {} for @{}, {} for the version, over {} samples{}",
				percent(active),
				evaluation.against,
				percent(candidate),
				evaluation.samples,
				self.hold_out.map_or(String::new(), |set| {
					format!("; margin {}", percent(set.margin.deconstruct()))
				}),
			));
		}
		let closed = self.closed();
		if closed.is_empty() {
			lines.push(match self.overridden {
				true => "gate         open on the root track, whatever the scores are".into(),
				false => "gate         open: voters alone decide".into(),
			});
		}
		for reason in closed {
			lines.push(format!("gate         closed: {}", reason.text()));
			if let Some(hint) = reason.hint(name) {
				lines.push(format!("             {hint}"));
			}
		}
		lines
	}

	/// For scripts.
	pub fn json(&self) -> Value {
		let closed: Vec<&str> = self.closed().iter().map(Closed::name).collect();
		json!({
			"open": closed.is_empty(),
			"overridden": self.overridden,
			"closed": closed,
			"admission": self.admission.map(|admission| match admission {
				Admission::Asked { .. } => "asked",
				Admission::Reproduced => "reproduced",
				Admission::Contradicted { .. } => "contradicted",
				Admission::Unanswered => "unanswered",
			}),
			"active": self.active,
			"evaluation": self.evaluation.as_ref().map(evaluation_json),
			"hold_out": self.hold_out.as_ref().map(hold_out_json),
			"revealer": self.revealer,
		})
	}
}

impl Closed {
	/// The name that scripts see.
	pub fn name(&self) -> &'static str {
		match self {
			Self::NotAsked => "not_admitted",
			Self::BeingAsked { .. } => "admission_pending",
			Self::Contradicted { .. } => "admission_contradicted",
			Self::NoAnswer => "admission_unanswered",
			Self::NothingToCompare => "nothing_to_compare",
			Self::NoHoldOut => "no_hold_out",
			Self::NotMeasured => "not_evaluated",
			Self::BeingMeasured { .. } => "evaluation_running",
			Self::NoScore => "evaluation_unanswered",
			Self::Stale { .. } | Self::OtherSet => "stale_score",
			Self::NotBetter { .. } => "not_better",
		}
	}

	/// For people.
	pub fn text(&self) -> String {
		match self {
			Self::NotAsked => "nobody has checked its known answers".into(),
			Self::BeingAsked { pending } => {
				format!("its known answers are being checked, {pending} are missing")
			},
			Self::Contradicted { request } => {
				format!("it does not reproduce its known answers, see request {request}")
			},
			Self::NoAnswer => "a question with a known answer ended without one".into(),
			Self::NothingToCompare => "the model has no active version to compare with".into(),
			Self::NoHoldOut => "the model has no hold-out set".into(),
			Self::NotMeasured => "it was not measured yet".into(),
			Self::BeingMeasured { revealed, samples, pending } => format!(
				"it is being measured, {revealed} of {samples} samples are revealed, \
				 {pending} answers are missing"
			),
			Self::NoScore => "its evaluation ended without an answer to a sample".into(),
			Self::Stale { against } => {
				format!("its score is beside @{against}, which is not the active version any more")
			},
			Self::OtherSet => "its score is by a hold-out set that was replaced".into(),
			Self::NotBetter { candidate, active, margin } => format!(
				"{} is not better than {} by {}",
				percent(*candidate),
				percent(*active),
				percent(*margin)
			),
		}
	}

	/// What to do about it, for a version that is called `name`.
	pub fn hint(&self, name: &str) -> Option<String> {
		match self {
			Self::NotAsked | Self::NoAnswer => Some(
				"have it checked: modelEvaluation.admit, or `dodona model publish` again".into(),
			),
			Self::NothingToCompare => Some(
				"activate an old version first: `dodona gov propose-upgrade`; or --root".into(),
			),
			Self::NoHoldOut => {
				let model = name.split('@').next().unwrap_or(name);
				let set = format!("dodona gov hold-out set {model} SET.json --per-evaluation N");
				Some(format!("`{set}`, or --root"))
			},
			Self::NotMeasured | Self::NoScore | Self::Stale { .. } | Self::OtherSet => {
				Some(format!("`dodona gov evaluate {name} SET.json`"))
			},
			Self::NotBetter { .. } => {
				Some("only the root track can put it into use: --root".into())
			},
			Self::BeingAsked { .. } | Self::BeingMeasured { .. } | Self::Contradicted { .. } => {
				None
			},
		}
	}
}

/// What the versions of a model are measured by.
pub async fn hold_out(chain: &Chain, at: &At, model: &Model) -> Result<Option<HoldOut>> {
	chain.call(at, "EvaluationApi_hold_out", (model.id,)).await
}

/// How a version did.
pub async fn evaluation(chain: &Chain, at: &At, id: VersionId) -> Result<Option<Evaluation>> {
	chain.call(at, "EvaluationApi_evaluation", (id,)).await
}

/// Whether a version of a model was ever in use.
async fn was_used(chain: &Chain, at: &At, model: &Model) -> Result<bool> {
	let record: Option<Record> = chain.stored(at, REGISTRY, "Models", (model.id,)).await?;
	Ok(record.is_some_and(|record| record.was_used))
}

pub fn evaluation_json(evaluation: &Evaluation) -> Value {
	let (stage, scores) = match evaluation.stage {
		Stage::Running => ("running", None),
		Stage::Scored { candidate, active } => ("scored", Some((candidate, active))),
		Stage::Unanswered => ("unanswered", None),
	};
	json!({
		"stage": stage,
		"against": evaluation.against,
		"samples": evaluation.samples,
		"revealed": evaluation.revealed,
		"pending": evaluation.pending,
		"candidate": scores.map(|(candidate, _)| fraction(candidate.deconstruct())),
		"active": scores.map(|(_, active)| fraction(active.deconstruct())),
	})
}

pub fn hold_out_json(hold_out: &HoldOut) -> Value {
	json!({
		"root": hex0x(hold_out.root),
		"samples": hold_out.samples,
		"used": hold_out.used,
		"per_evaluation": hold_out.per_evaluation,
		"metric": metric_text(hold_out.metric),
		"margin": fraction(hold_out.margin.deconstruct()),
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::{Decode, Encode};
	use dodona_primitives_inference::Metric;

	fn parts<T: Decode>(parts: u32) -> T {
		T::decode(&mut &parts.encode()[..]).unwrap()
	}

	fn evaluation(stage: Stage) -> Evaluation {
		Evaluation {
			against: 1,
			first: 0,
			revealed: 16,
			samples: 16,
			pending: 0,
			candidate: 0,
			active: 0,
			stage,
		}
	}

	fn scored(candidate: u32, active: u32) -> Gate {
		let stage = Stage::Scored { candidate: parts(candidate), active: parts(active) };
		let hold_out = HoldOut {
			root: Default::default(),
			samples: 64,
			metric: Metric::Accuracy,
			per_evaluation: 16,
			margin: parts(10_000_000),
			used: 16,
		};
		Gate {
			commons: true,
			active: Some(1),
			was_used: true,
			admission: Some(Admission::Reproduced),
			hold_out: Some(hold_out),
			revealer: Some(AccountId32([1; 32])),
			evaluation: Some(evaluation(stage)),
			is_current: true,
			overridden: false,
		}
	}

	#[test]
	fn gate_should_be_open_when_the_version_is_better_by_the_margin() {
		assert_eq!(scored(910_000_000, 900_000_000).closed(), []);
		let short =
			Closed::NotBetter { candidate: 909_999_999, active: 900_000_000, margin: 10_000_000 };
		assert_eq!(scored(909_999_999, 900_000_000).closed(), [short]);
		// Without a margin it has to be better all the same.
		let mut equal = scored(900_000_000, 900_000_000);
		equal.hold_out.as_mut().unwrap().margin = parts(0);
		assert_eq!(equal.closed().len(), 1);
		// And nothing is better than all.
		assert_eq!(scored(1_000_000_000, 1_000_000_000).closed().len(), 1);
	}

	#[test]
	fn gate_should_say_everything_that_is_missing() {
		let mut gate = scored(910_000_000, 900_000_000);
		gate.active = Some(2);
		assert_eq!(gate.closed(), [Closed::Stale { against: 1 }]);
		gate.evaluation = Some(evaluation(Stage::Unanswered));
		assert_eq!(gate.closed(), [Closed::NoScore]);
		gate.evaluation = Some(evaluation(Stage::Running));
		assert_eq!(gate.closed()[0].name(), "evaluation_running");
		gate.is_current = false;
		assert_eq!(gate.closed(), [Closed::OtherSet]);
		gate.evaluation = None;
		gate.admission = Some(Admission::Asked { pending: 2, incomplete: false });
		assert_eq!(gate.closed(), [Closed::BeingAsked { pending: 2 }, Closed::NotMeasured]);
		gate.hold_out = None;
		gate.admission = None;
		assert_eq!(gate.closed(), [Closed::NotAsked, Closed::NoHoldOut]);
		assert_eq!(gate.json()["closed"], json!(["not_admitted", "no_hold_out"]));
	}

	#[test]
	fn gate_should_ask_for_no_score_when_there_was_nothing_to_beat() {
		let mut gate = scored(0, 900_000_000);
		gate.active = None;
		assert_eq!(gate.closed(), [Closed::NothingToCompare]);
		gate.was_used = false;
		assert_eq!(gate.closed(), []);
		gate.active = Some(1);
		gate.commons = false;
		assert_eq!(gate.closed(), []);
		gate.admission = Some(Admission::Contradicted { request: 7 });
		assert_eq!(gate.closed(), [Closed::Contradicted { request: 7 }]);
	}

	#[test]
	fn gate_should_ask_for_admission_only_when_root_decides() {
		let mut gate = scored(0, 900_000_000);
		gate.overridden = true;
		assert_eq!(gate.closed(), []);
		assert!(gate.lines("digits@2")[1].ends_with("whatever the scores are"));
		gate.admission = None;
		assert_eq!(gate.closed(), [Closed::NotAsked]);
	}

	#[test]
	fn gate_should_show_both_scores() {
		let gate = scored(937_500_000, 900_000_000);
		assert_eq!(
			gate.lines("digits@2"),
			[
				"scores       90 % for @1, 93.75 % for the version, over 16 samples; margin 1 %",
				"gate         open: voters alone decide",
			]
		);
		let lines = scored(900_000_000, 937_500_000).lines("digits@2");
		assert_eq!(lines[1], "gate         closed: 90 % is not better than 93.75 % by 1 %");
		assert_eq!(gate.json()["evaluation"]["candidate"], json!(0.9375));
		assert_eq!(gate.json()["hold_out"]["metric"], json!("accuracy"));
	}

	#[test]
	fn hint_should_name_the_model_without_its_version() {
		let hint = Closed::NoHoldOut.hint("org/digits@2").unwrap();
		assert!(hint.contains("hold-out set org/digits SET.json"), "{hint}");
	}
}
