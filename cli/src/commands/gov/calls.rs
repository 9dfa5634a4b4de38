//! What a referendum would do: calls, made and told in words.

use super::{hold_out::metric_text, tracks::percent};
use crate::{
	chain::{At, Chain},
	commands::{hex0x, text, Model},
	error::Result,
};
use dodona_primitives_inference::Metric;
use dodona_primitives_models::{ModelId, VersionId};
use std::collections::{BTreeMap, BTreeSet};
use subxt::{
	dynamic::{At as _, Value},
	ext::scale_value::{stringify, Composite, ValueDef, Variant},
	utils::{AccountId32, Encoded, Static},
};

pub const REGISTRY: &str = "ModelRegistry";
pub const EVALUATION: &str = "ModelEvaluation";
pub const UTILITY: &str = "Utility";
/// Longest that a call without words of its own is shown, in characters.
const MOST_CHARACTERS: usize = 160;

/// Who a referendum speaks as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
	Root,
	ModelCurator,
	ModelGuardian,
}

/// The names of models.
pub type Names = BTreeMap<ModelId, String>;

impl Speaker {
	/// The track that its referenda are on.
	pub fn track(self) -> &'static str {
		match self {
			Self::Root => "root",
			Self::ModelCurator => "model_curator",
			Self::ModelGuardian => "model_guardian",
		}
	}

	/// The origin, as a call names it.
	pub fn origin(self) -> Value {
		let (group, name) = match self {
			Self::Root => ("system", "Root"),
			Self::ModelCurator => ("Origins", "ModelCurator"),
			Self::ModelGuardian => ("Origins", "ModelGuardian"),
		};
		Value::unnamed_variant(group, [Value::unnamed_variant(name, [])])
	}
}

/// A call of the registry that takes a version and nothing else.
pub fn of_version(chain: &Chain, at: &At, call: &str, version: VersionId) -> Result<Vec<u8>> {
	chain.call_data(at, REGISTRY, call, (Static(version),))
}

/// These calls, all of them or none.
pub fn batch(chain: &Chain, at: &At, calls: Vec<Vec<u8>>) -> Result<Vec<u8>> {
	chain.call_data(at, UTILITY, "batch_all", (batched(calls),))
}

/// These calls as the argument of a batch.
pub fn batched(calls: Vec<Vec<u8>>) -> Static<Vec<Encoded>> {
	Static(calls.into_iter().map(Encoded).collect())
}

/// The names of the models that the calls are about.
pub async fn names<'a>(
	chain: &Chain,
	at: &At,
	calls: impl IntoIterator<Item = &'a Value>,
) -> Result<Names> {
	let mut ids = BTreeSet::new();
	for call in calls {
		ids.extend(leaves(call).into_iter().filter_map(model));
	}
	let mut names = Names::new();
	for id in ids {
		let found: Vec<Model> = chain.call(at, "ModelRegistryApi_models", (id, 1u32)).await?;
		if let Some(model) = found.first().filter(|model| model.id == id) {
			names.insert(id, text(&model.name));
		}
	}
	Ok(names)
}

/// The version that a call would approve or activate.
pub fn upgrade(call: &Value) -> Option<VersionId> {
	leaves(call).into_iter().find_map(|leaf| match parts(leaf)? {
		(REGISTRY, Variant { name, values })
			if name == "approve_version" || name == "activate_version" =>
		{
			version(values)
		},
		_ => None,
	})
}

/// A call for people.
pub fn describe(call: &Value, names: &Names) -> String {
	let all: Vec<String> = leaves(call).into_iter().map(|leaf| one(leaf, names)).collect();
	all.join("; ")
}

/// The calls in a batch, or the call itself.
fn leaves(call: &Value) -> Vec<&Value> {
	match parts(call) {
		Some((UTILITY, Variant { name, values })) if name.contains("batch") => {
			let calls = values.at("calls").map(|calls| &calls.value);
			match calls {
				Some(ValueDef::Composite(calls)) => calls.values().flat_map(leaves).collect(),
				_ => vec![call],
			}
		},
		_ => vec![call],
	}
}

/// Pallet, and call with its arguments.
fn parts(call: &Value) -> Option<(&str, &Variant<()>)> {
	let ValueDef::Variant(Variant { name, values }) = &call.value else { return None };
	match &values.at(0)?.value {
		ValueDef::Variant(call) => Some((name, call)),
		_ => None,
	}
}

fn number(value: Option<&Value>) -> Option<u32> {
	let value = value?;
	// Numbers may be wrapped in types of their own.
	match &value.value {
		ValueDef::Composite(inner) if inner.len() == 1 => number(inner.values().next()),
		_ => value.as_u128()?.try_into().ok(),
	}
}

fn bytes(value: Option<&Value>) -> Option<Vec<u8>> {
	let ValueDef::Composite(inner) = &value?.value else { return None };
	let inner: Vec<&Value> = inner.values().collect();
	match inner[..] {
		// Bytes may be wrapped in a type of their own.
		[one] if one.as_u128().is_none() => bytes(Some(one)),
		_ => inner.iter().map(|byte| byte.as_u128()?.try_into().ok()).collect(),
	}
}

fn version(args: &Composite<()>) -> Option<VersionId> {
	let version = args.at("version");
	let model = number(version.at("model"))?;
	Some(VersionId { model, number: number(version.at("number"))? })
}

/// The model that a call is about.
fn model(call: &Value) -> Option<ModelId> {
	let (pallet, Variant { values, .. }) = parts(call)?;
	if pallet != REGISTRY && pallet != EVALUATION {
		return None;
	}
	number(values.at("model")).or_else(|| version(values).map(|version| version.model))
}

/// A call that is no batch, for people.
fn one(call: &Value, names: &Names) -> String {
	worded(call, names).unwrap_or_else(|| match parts(call) {
		Some((pallet, Variant { name, values })) => {
			let args = Value::without_context(ValueDef::Composite(values.clone()));
			let mut shown = format!("{pallet}.{name} {}", stringify::to_string(&args));
			if let Some((end, _)) = shown.char_indices().nth(MOST_CHARACTERS) {
				shown.truncate(end);
				shown.push('…');
			}
			shown
		},
		None => stringify::to_string(call),
	})
}

/// A metric that a call names.
fn metric_named(name: &str) -> Option<&'static str> {
	let all = [Metric::Accuracy, Metric::TokenAccuracy];
	all.into_iter().find(|metric| format!("{metric:?}") == name).map(metric_text)
}

fn worded(call: &Value, names: &Names) -> Option<String> {
	let (pallet, Variant { name, values }) = parts(call)?;
	let model_name = |id: ModelId| names.get(&id).cloned().unwrap_or(format!("model {id}"));
	let version = || {
		let VersionId { model, number } = version(values)?;
		Some(format!("{}@{number}", model_name(model)))
	};
	let because = || {
		let reason = text(&bytes(values.at("reason")).unwrap_or_default());
		if reason.is_empty() {
			String::new()
		} else {
			format!(" ({reason})")
		}
	};
	Some(match (pallet, name.as_str()) {
		(REGISTRY, "approve_version") => format!("approve {}", version()?),
		(REGISTRY, "activate_version") => format!("activate {}", version()?),
		(REGISTRY, "revoke_version") => format!("revoke {}{}", version()?, because()),
		(REGISTRY, "suspend_version") => format!("suspend {}{}", version()?, because()),
		(REGISTRY, "lift_suspension") => format!("lift the suspension of {}", version()?),
		(REGISTRY, "deprecate_version") => match version() {
			Some(version) => format!("deprecate {version}"),
			None => format!("deprecate {}", model_name(model(call)?)),
		},
		(EVALUATION, "set_hold_out") => {
			let metric = match &values.at("metric")?.value {
				ValueDef::Variant(metric) => metric_named(&metric.name)?,
				_ => return None,
			};
			let revealer: [u8; 32] = bytes(values.at("revealer"))?.try_into().ok()?;
			format!(
				"measure {} by {metric} over {} of {} samples (root {}), with a margin of {}; {} reveals \
				 them",
				model_name(model(call)?),
				number(values.at("per_evaluation"))?,
				number(values.at("samples"))?,
				hex0x(bytes(values.at("root"))?),
				percent(number(values.at("margin"))?),
				AccountId32(revealer),
			)
		},
		("Referenda", "cancel") => format!("cancel referendum {}", number(values.at("index"))?),
		("Referenda", "kill") => format!("kill referendum {}", number(values.at("index"))?),
		_ => return None,
	})
}

#[cfg(test)]
pub mod tests {
	use super::*;

	/// A call with these named arguments.
	pub fn call(pallet: &str, name: &str, args: &[(&str, Value)]) -> Value {
		let call = Value::named_variant(name, args.iter().cloned());
		Value::unnamed_variant(pallet, [call])
	}

	pub fn version(model: u128, number: u128) -> (&'static str, Value) {
		let id = [("model", Value::u128(model)), ("number", Value::u128(number))];
		("version", Value::named_composite(id))
	}

	fn batch(calls: &[Value]) -> Value {
		call(UTILITY, "batch_all", &[("calls", Value::unnamed_composite(calls.iter().cloned()))])
	}

	fn known() -> Names {
		Names::from([(3, "org/digits".into())])
	}

	#[test]
	fn upgrade_should_be_told_in_words_with_the_name_of_the_model() {
		let approve = call(REGISTRY, "approve_version", &[version(3, 2)]);
		let activate = call(REGISTRY, "activate_version", &[version(3, 2)]);
		let both = batch(&[approve.clone(), activate]);
		assert_eq!(describe(&both, &known()), "approve org/digits@2; activate org/digits@2");
		assert_eq!(upgrade(&both), Some(VersionId { model: 3, number: 2 }));
		assert_eq!(describe(&approve, &Names::new()), "approve model 3@2");
		assert_eq!(upgrade(&batch(&[])), None);
	}

	#[test]
	fn takedown_should_be_told_with_its_reason() {
		let reason = ("reason", Value::unnamed_composite([Value::from_bytes("harmful")]));
		let revoke = call(REGISTRY, "revoke_version", &[version(3, 1), reason]);
		assert_eq!(describe(&revoke, &known()), "revoke org/digits@1 (harmful)");
		assert_eq!(upgrade(&revoke), None);
		let reason = ("reason", Value::from_bytes("x"));
		let revoke = call(REGISTRY, "revoke_version", &[version(3, 1), reason]);
		assert_eq!(describe(&revoke, &known()), "revoke org/digits@1 (x)");
		let lift = call(REGISTRY, "lift_suspension", &[version(9, 1)]);
		assert_eq!(describe(&lift, &known()), "lift the suspension of model 9@1");
	}

	#[test]
	fn hold_out_should_be_told_with_its_margin() {
		let set = call(
			EVALUATION,
			"set_hold_out",
			&[
				("model", Value::u128(3)),
				("root", Value::unnamed_composite([Value::from_bytes([0xab; 32])])),
				("samples", Value::u128(100)),
				("metric", Value::unnamed_variant("Accuracy", [])),
				("per_evaluation", Value::u128(16)),
				("margin", Value::unnamed_composite([Value::u128(10_000_000)])),
				("revealer", Value::unnamed_composite([Value::from_bytes([0; 32])])),
			],
		);
		let root = "ab".repeat(32);
		let words = format!(
			"measure org/digits by accuracy over 16 of 100 samples (root 0x{root}), \
			 with a margin of 1 %; {} reveals them",
			AccountId32([0; 32])
		);
		assert_eq!(describe(&set, &known()), words);
		assert_eq!(model(&set), Some(3));
		assert_eq!(metric_named("TokenAccuracy"), Some("tokens"));
		assert_eq!(metric_named("Luck"), None);
	}

	#[test]
	fn call_should_be_shown_as_it_is_when_there_are_no_words_for_it() {
		let remark = call("System", "remark", &[("remark", Value::from_bytes([1, 2]))]);
		assert_eq!(describe(&remark, &known()), "System.remark { remark: (1, 2) }");
		let long = call("System", "remark", &[("remark", Value::from_bytes([1; 999]))]);
		assert_eq!(describe(&long, &known()).chars().count(), MOST_CHARACTERS + 1);
		// Another pallet's argument of the same name is no model.
		assert_eq!(model(&call("Other", "call", &[("model", Value::u128(3))])), None);
		let odd = call(REGISTRY, "approve_version", &[("version", Value::u128(1))]);
		assert_eq!(describe(&odd, &known()), "ModelRegistry.approve_version { version: 1 }");
	}
}
