//! `dodona gov hold-out`: what the versions of a model are measured by.

use super::{
	calls::{Speaker, EVALUATION},
	gate, propose, samples,
	set::Set,
	tracks::percent,
};
use crate::{
	args::gov::{MetricArg, SetHoldOut},
	chain::{account_of, At, Chain},
	commands::{hex0x, model_by_name, version, Model},
	error::{Error, Result},
	Session,
};
use dodona_primitives_inference::{Expected, HoldOut, Metric};
use dodona_primitives_models::{Architecture, VersionId};
use serde_json::json;
use std::path::Path;
use subxt::{dynamic::Value, utils::Static};

pub fn make(session: &Session, samples: &Path, out: &Path) -> Result<()> {
	let (metric, samples) = samples::read(samples)?;
	let set = Set::make(metric, samples)?;
	set.write(out)?;
	let document = json!({
		"root": hex0x(set.root()),
		"samples": set.len(),
		"metric": metric_text(metric),
		"file": out.display().to_string(),
	});
	session.output.result(&document, || {
		format!(
			"root         {}\nsamples      {}, measured by {}\nfile         {}: keep it, and keep it to yourself",
			hex0x(set.root()),
			set.len(),
			metric_text(metric),
			out.display()
		)
	});
	Ok(())
}

pub fn metric_text(metric: Metric) -> &'static str {
	match metric {
		Metric::Accuracy => "accuracy",
		Metric::TokenAccuracy => "tokens",
	}
}

/// Refuses to measure `set` by something else than it is made for.
fn metric(set: &Set, wanted: Option<MetricArg>) -> Result<Metric> {
	let metric = match wanted {
		None => set.metric,
		Some(MetricArg::Accuracy) => Metric::Accuracy,
		Some(MetricArg::Tokens) => Metric::TokenAccuracy,
	};
	if metric != set.metric {
		let made_for = metric_text(set.metric);
		return Err(Error::usage(format!("the set is made for the metric {made_for}"))
			.because("WrongMetric")
			.hint("leave out --metric, or make a set of other samples"));
	}
	Ok(metric)
}

/// Refuses samples that `architecture` has no answer to.
pub fn check<'a>(
	architecture: &Architecture,
	samples: impl IntoIterator<Item = (u32, &'a [u8], &'a Expected)>,
	metric: Metric,
	what: &str,
) -> Result<()> {
	for (index, input, expected) in samples {
		let fault = match architecture.check_input(input) {
			Err(error) => Some(error.to_string()),
			Ok(()) => fault(architecture, input, expected, metric),
		};
		if let Some(fault) = fault {
			return Err(Error::usage(format!("sample {index} does not fit {what}: {fault}"))
				.because("WrongInput")
				.hint("make a set of questions that the model takes"));
		}
	}
	Ok(())
}

/// Why an answer of `architecture` can't be measured.
fn fault(
	architecture: &Architecture,
	input: &[u8],
	expected: &Expected,
	metric: Metric,
) -> Option<String> {
	let writes = matches!(architecture, Architecture::Llama(_));
	match metric {
		Metric::Accuracy if writes => Some("it writes tokens, and has no label".into()),
		Metric::TokenAccuracy if !writes => Some("it writes no tokens".into()),
		Metric::Accuracy => {
			let labels = architecture.max_output_len(input) / 4;
			let label: u32 = expected.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
			(label >= labels).then(|| format!("it has {labels} labels, expected is {label}"))
		},
		Metric::TokenAccuracy => None,
	}
}

pub async fn set(session: &Session, args: SetHoldOut) -> Result<()> {
	let set = Set::read(&args.set)?;
	let metric = metric(&set, args.metric)?;
	if args.per_evaluation > set.len() {
		return Err(Error::usage(format!("the set has {} samples", set.len()))
			.because("TooFewSamples")
			.hint("a smaller --per-evaluation"));
	}
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let model = model_by_name(&chain, &at, &args.model).await?;
	if let Some(before) = gate::hold_out(&chain, &at, &model).await? {
		refuse_used(&set, &before)?;
	}
	fits(session, &chain, &at, &model, &set).await?;

	let signer = session.signer(&chain).await?;
	let revealer = args.revealer.map_or(account_of(&signer), |account| account.0);
	let call = (
		model.id,
		Static(set.root()),
		set.len(),
		Value::unnamed_variant(format!("{metric:?}"), []),
		args.per_evaluation,
		args.margin.0,
		Value::from_bytes(revealer.0),
	);
	let (evaluations, margin) = (set.len() / args.per_evaluation, percent(args.margin.0));
	let summary = format!(
		"{} by {} of {} samples at a time, enough for {evaluations} evaluations, with a margin of {margin}; \
		 {revealer} reveals them",
		args.model,
		args.per_evaluation,
		set.len(),
	);
	let mut document = json!({
		"model": args.model,
		"root": hex0x(set.root()),
		"samples": set.len(),
		"metric": metric_text(metric),
		"per_evaluation": args.per_evaluation,
		"margin": super::tracks::fraction(args.margin.0),
		"revealer": revealer,
	});
	match model.owner {
		Some(owner) if owner != account_of(&signer) => {
			Err(Error::failed(format!("`{}` belongs to {owner}", args.model))
				.because("NotOwner")
				.hint("sign with its owner's key: --suri"))
		},
		Some(_) => {
			let included = chain.execute(&signer, EVALUATION, "set_hold_out", call).await?;
			document["block"] = included.block.into();
			session.output.result(&document, || {
				format!("measured since block {}: {summary}", included.block)
			});
			Ok(())
		},
		None => {
			session.output.note(format!("to be measured: {summary}"));
			let call = chain.call_data(&at, EVALUATION, "set_hold_out", call)?;
			let curator = Speaker::ModelCurator;
			let made = propose::referendum(session, &chain, &signer, curator, call).await?;
			document["referendum"] = made.json();
			session.output.result(&document, || made.lines(&chain).join("\n"));
			Ok(())
		},
	}
}

/// Refuses a set whose samples are known already.
fn refuse_used(set: &Set, before: &HoldOut) -> Result<()> {
	if set.is(before) && before.used > 0 {
		return Err(Error::usage(format!("{} samples of this set are revealed", before.used))
			.because("SetInUse")
			.hint("make a new one of samples that nobody has seen"));
	}
	Ok(())
}

/// Refuses a set that the active version has no answers to.
async fn fits(session: &Session, chain: &Chain, at: &At, model: &Model, set: &Set) -> Result<()> {
	let Some(number) = model.active else {
		session
			.output
			.note("the model has no active version: nobody checks whether the samples fit it");
		return Ok(());
	};
	let id = VersionId { model: model.id, number };
	let Some(active) = version(chain, at, id).await? else { return Ok(()) };
	let samples = (0u32..).zip(&set.samples);
	let samples = samples.map(|(index, one)| (index, &one.input[..], &one.expected));
	check(&active.manifest.architecture, samples, set.metric, &format!("@{number}"))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		commands::model::{architecture, temporary, Folder},
		error::Kind,
	};
	use codec::{Decode, Encode};
	use dodona_engine::generate::{Prompt, Sampling};

	fn checked(
		architecture: &Architecture,
		input: &[u8],
		label: u32,
		metric: Metric,
	) -> Result<()> {
		let expected = Expected::try_from(label.to_le_bytes().to_vec()).unwrap();
		check(architecture, [(3, input, &expected)], metric, "@1")
	}

	#[test]
	fn samples_should_be_refused_when_the_model_has_no_answer_to_them() {
		let mlp = architecture("mlp", &[2, 3]).unwrap();
		let good = [0u8; 8];
		assert!(checked(&mlp, &good, 2, Metric::Accuracy).is_ok());
		for (input, label, metric, why) in [
			(&good[..4], 0, Metric::Accuracy, "sample 3 does not fit @1"),
			(&good[..], 3, Metric::Accuracy, "3 labels, expected is 3"),
			(&good[..], 0, Metric::TokenAccuracy, "writes no tokens"),
			(&f32::NAN.to_le_bytes().repeat(2)[..], 0, Metric::Accuracy, "sample 3"),
		] {
			let error = checked(&mlp, input, label, metric).unwrap_err();
			assert!(error.message.contains(why), "{}", error.message);
			assert_eq!(error.kind, Kind::Usage);
		}
	}

	#[test]
	fn samples_should_be_refused_when_a_language_model_has_no_label() {
		let folder = temporary::Folder::llama("hold-out-llama");
		let llama = Folder::open(folder.as_path()).unwrap().architecture;
		let prompt =
			Prompt { tokens: vec![1], max_tokens: 1, sampling: Sampling::Greedy, stop: vec![] };
		assert!(checked(&llama, &prompt.encode(), 1, Metric::TokenAccuracy).is_ok());
		assert!(checked(&llama, &prompt.encode(), 1, Metric::Accuracy).is_err());
	}

	#[test]
	fn set_should_be_measured_as_it_is_made_for() {
		let (kind, samples) = (
			Metric::Accuracy,
			vec![dodona_primitives_inference::Sample {
				input: vec![0; 8].try_into().unwrap(),
				expected: vec![0; 4].try_into().unwrap(),
				salt: [0; 16],
			}],
		);
		let set = Set::make(kind, samples).unwrap();
		assert_eq!(metric(&set, None).unwrap(), Metric::Accuracy);
		assert_eq!(metric(&set, Some(MetricArg::Accuracy)).unwrap(), Metric::Accuracy);
		assert!(metric(&set, Some(MetricArg::Tokens)).is_err());

		let mut before = HoldOut {
			root: set.root(),
			samples: 1,
			metric: kind,
			per_evaluation: 1,
			margin: Decode::decode(&mut &0u32.encode()[..]).unwrap(),
			used: 0,
		};
		assert!(refuse_used(&set, &before).is_ok());
		before.used = 1;
		assert_eq!(refuse_used(&set, &before).unwrap_err().reason.unwrap(), "SetInUse");
		before.root = Default::default();
		assert!(refuse_used(&set, &before).is_ok());
	}
}
