//! The samples of a hold-out set, as somebody writes them down.

use crate::{
	commands::ask::input,
	error::{Error, Result},
};
use codec::Encode;
use dodona_engine::generate::{Prompt, Sampling};
use dodona_primitives_inference::{
	Expected, Input, Metric, Sample, MAX_INPUT_LEN, MAX_OUTPUT_LEN, MAX_SAMPLES,
};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

/// One element of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
	input: Option<Value>,
	tokens: Option<Vec<u32>>,
	max_tokens: Option<u32>,
	expected: Value,
}

/// Reads the samples in a file, without salts, and how their answers are measured.
pub fn read(path: &Path) -> Result<(Metric, Vec<Sample>)> {
	let fault = |error: String| {
		Error::usage(format!("{}: {error}", path.display()))
			.because("WrongSamples")
			.hint(
				"an array of {\"input\": […], \"expected\": label}, \
			 or of {\"tokens\": […], \"max_tokens\": N, \"expected\": […]}",
			)
	};
	let json = fs::read(path).map_err(|error| fault(error.to_string()))?;
	parse(&json).map_err(fault)
}

fn parse(json: &[u8]) -> Result<(Metric, Vec<Sample>), String> {
	let elements: Vec<Value> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
	if elements.len() > MAX_SAMPLES as usize {
		return Err(format!("{} samples, the most are {MAX_SAMPLES}", elements.len()));
	}
	let mut samples = Vec::new();
	let mut all: Option<Metric> = None;
	for (at, element) in elements.into_iter().enumerate() {
		let (metric, sample) = one(element).map_err(|error| format!("sample {at}: {error}"))?;
		if *all.get_or_insert(metric) != metric {
			return Err(format!("sample {at}: labels and tokens don't go together"));
		}
		samples.push(sample);
	}
	Ok((all.ok_or("there are no samples")?, samples))
}

fn one(element: Value) -> Result<(Metric, Sample), String> {
	let Given { input, tokens, max_tokens, expected } =
		serde_json::from_value(element).map_err(|error| error.to_string())?;
	let (metric, expected) = self::expected(&expected)?;
	let input = match (input, tokens, metric) {
		(Some(values), None, Metric::Accuracy) if max_tokens.is_none() => {
			let mut numbers = Vec::new();
			input::flatten(&values, &mut numbers)?;
			numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
		},
		(None, Some(tokens), Metric::Accuracy) if max_tokens.is_none() => tokens.encode(),
		(None, Some(tokens), Metric::TokenAccuracy) => {
			let wanted = u32::try_from(expected.len() / 4).unwrap_or(u32::MAX);
			let max_tokens = max_tokens.unwrap_or(wanted);
			if max_tokens < wanted {
				return Err(format!("{wanted} tokens are expected of {max_tokens}"));
			}
			if max_tokens > MAX_OUTPUT_LEN / 4 {
				return Err(format!("max_tokens up to {}", MAX_OUTPUT_LEN / 4));
			}
			Prompt { tokens, max_tokens, sampling: Sampling::Greedy, stop: vec![] }.encode()
		},
		(Some(_), Some(_), _) => return Err("either input or tokens".into()),
		(None, None, _) => return Err("input or tokens are missing".into()),
		(Some(_), None, Metric::TokenAccuracy) => {
			return Err("tokens are expected, but an input of numbers is given".into());
		},
		(.., Metric::Accuracy) => return Err("max_tokens is for expected tokens".into()),
	};
	let len = input.len();
	let input = Input::try_from(input)
		.map_err(|_| format!("the question has {len} bytes, the most are {MAX_INPUT_LEN}"))?;
	Ok((metric, Sample { input, expected, salt: [0; 16] }))
}

/// What is expected, and how it is measured.
fn expected(value: &Value) -> Result<(Metric, Expected), String> {
	let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
	let (metric, numbers) = match value {
		Value::Array(tokens) => {
			let tokens: Option<Vec<u32>> = tokens.iter().map(number).collect();
			(Metric::TokenAccuracy, tokens.filter(|tokens| !tokens.is_empty()))
		},
		label => (Metric::Accuracy, number(label).map(|label| vec![label])),
	};
	let numbers = numbers.ok_or("expected is a label, or an array of tokens")?;
	let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
	let most = Expected::bound() / 4;
	let expected = Expected::try_from(bytes);
	expected
		.map(|expected| (metric, expected))
		.map_err(|_| format!("at most {most} tokens are expected"))
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::DecodeAll;

	fn refusal(json: &str) -> String {
		parse(json.as_bytes()).unwrap_err()
	}

	#[test]
	fn sample_should_be_numbers_and_a_label() {
		let json = r#"[{"input": [[0.5, 1], [-2, 0]], "expected": 7}]"#;
		let (metric, samples) = parse(json.as_bytes()).unwrap();
		assert_eq!(metric, Metric::Accuracy);
		let bytes: Vec<u8> =
			[0.5f32, 1.0, -2.0, 0.0].iter().flat_map(|n| n.to_le_bytes()).collect();
		assert_eq!(samples[0].input.to_vec(), bytes);
		assert_eq!(samples[0].expected.to_vec(), [7, 0, 0, 0]);
	}

	#[test]
	fn sample_should_be_a_prompt_and_the_tokens_after_it() {
		let json = r#"[{"tokens": [1, 2], "expected": [3, 300]},
			{"tokens": [1], "max_tokens": 9, "expected": [3]}]"#;
		let (metric, samples) = parse(json.as_bytes()).unwrap();
		assert_eq!(metric, Metric::TokenAccuracy);
		assert_eq!(samples[0].expected.to_vec(), [3, 0, 0, 0, 44, 1, 0, 0]);
		let prompt = |at: usize| Prompt::decode_all(&mut &samples[at].input[..]).unwrap();
		assert_eq!((prompt(0).tokens, prompt(0).max_tokens), (vec![1, 2], 2));
		assert_eq!((prompt(1).sampling, prompt(1).max_tokens), (Sampling::Greedy, 9));
	}

	#[test]
	fn sample_should_be_what_an_encoder_takes_when_a_label_is_expected_of_tokens() {
		let (metric, samples) = parse(br#"[{"tokens": [5, 6], "expected": 1}]"#).unwrap();
		assert_eq!(metric, Metric::Accuracy);
		assert_eq!(Vec::<u32>::decode_all(&mut &samples[0].input[..]).unwrap(), [5, 6]);
	}

	#[test]
	fn samples_should_be_refused_with_their_place_when_they_make_no_sense() {
		for (json, why) in [
			("{}", "expected a sequence"),
			("[]", "no samples"),
			(r#"[{"input": [1], "expected": 1}, {"expected": 1}]"#, "sample 1: input or tokens"),
			(r#"[{"input": [1]}]"#, "missing field `expected`"),
			(r#"[{"input": ["a"], "expected": 1}]"#, "not a number"),
			(r#"[{"input": [1], "expected": -1}]"#, "a label, or an array of tokens"),
			(r#"[{"input": [1], "expected": 1.5}]"#, "a label, or an array of tokens"),
			(r#"[{"input": [1], "expected": 4294967296}]"#, "a label, or an array of tokens"),
			(r#"[{"tokens": [1], "expected": []}]"#, "a label, or an array of tokens"),
			(r#"[{"input": [1], "expected": [1]}]"#, "tokens are expected"),
			(r#"[{"input": [1], "tokens": [1], "expected": 1}]"#, "either input or tokens"),
			(
				r#"[{"tokens": [1], "max_tokens": 1, "expected": [1, 2]}]"#,
				"2 tokens are expected of 1",
			),
			(r#"[{"tokens": [1], "max_tokens": 5000, "expected": [1]}]"#, "up to 4096"),
			(r#"[{"tokens": [1], "max_tokens": 5, "expected": 1}]"#, "max_tokens is for"),
			(r#"[{"input": [1], "expected": 1, "label": 1}]"#, "unknown field"),
			(
				r#"[{"input": [1], "expected": 1}, {"tokens": [1], "expected": [1]}]"#,
				"sample 1: labels",
			),
		] {
			let refusal = refusal(json);
			assert!(refusal.contains(why), "{json}: {refusal}");
		}
		let tokens = vec!["1"; 257].join(",");
		let json = format!(r#"[{{"tokens": [1], "expected": [{tokens}]}}]"#);
		assert!(refusal(&json).contains("at most 256"));
		let input = vec!["1"; 16_385].join(",");
		let json = format!(r#"[{{"input": [{input}], "expected": 1}}]"#);
		assert!(refusal(&json).contains("65540 bytes"));
	}
}
