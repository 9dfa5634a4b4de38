//! Questions whose answers a version shows that it reproduces.

use super::tokenizer::Tokenizer;
use crate::{
	commands::ask::input,
	error::{Error, Result},
};
use codec::Encode;
use dodona_engine::{
	architecture::{bert, llama},
	generate::{Prompt, Sampling},
	Architecture, Model,
};
use dodona_primitives_inference::{
	outcome_hash, KnownAnswer, KnownAnswers, MAX_INPUT_LEN, MAX_KNOWN_ANSWERS, MAX_OUTPUT_LEN,
};
use serde::Deserialize;
use std::{fs, path::Path};
use subxt::utils::H256;

/// Tokens of a question that is made up.
const GIVEN: u32 = 4;
/// Tokens that a made-up question asks for.
const WANTED: u32 = 8;

/// A question in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
	/// Text, for a model that reads it.
	prompt: Option<String>,
	/// Or its tokens.
	tokens: Option<Vec<u32>>,
	/// How many tokens a language model writes.
	max_tokens: Option<u32>,
	/// Numbers, for a model that takes those.
	input: Option<Vec<f32>>,
	/// Hash of the answer, where its writer knows it.
	outcome: Option<H256>,
}

/// The questions in `file`, or ones that are made up, with the answers of `model`.
pub fn answered(
	model: &Model,
	tokenizer: Option<&[u8]>,
	file: Option<&Path>,
) -> Result<KnownAnswers> {
	let asked = match file {
		Some(file) => read(model.architecture(), tokenizer, file)?,
		None => made_up(model.architecture())
			.into_iter()
			.map(|input| Asked { input, outcome: None })
			.collect(),
	};
	let mut answers = Vec::new();
	for (number, Asked { input, outcome }) in (1..).zip(asked) {
		let fault = |what: &dyn std::fmt::Display| {
			Error::usage(format!("known answer {number}: {what}")).because("KnownAnswer")
		};
		let architecture = model.architecture();
		if input.len() > MAX_INPUT_LEN as usize {
			return Err(fault(&format!(
				"the chain takes questions of up to {MAX_INPUT_LEN} bytes"
			)));
		}
		if architecture.max_output_len(&input) > MAX_OUTPUT_LEN {
			return Err(fault(&format!("the chain takes answers of up to {MAX_OUTPUT_LEN} bytes")));
		}
		let output = model.run(&input).map_err(|error| fault(&error))?;
		let found = outcome_hash(&output);
		if outcome.is_some_and(|outcome| outcome.0 != found.0) {
			return Err(fault(&format!("the model's outcome is {found:?}")));
		}
		let input = input.try_into().map_err(|_| fault(&"it is too long"))?;
		answers.push(KnownAnswer { input, outcome: found });
	}
	if answers.is_empty() {
		return Err(Error::usage("a version needs a question with a known answer")
			.because("KnownAnswer")
			.hint("leave out --known-answers, and one is made up"));
	}
	answers.try_into().map_err(|_| {
		Error::usage(format!("a version has up to {MAX_KNOWN_ANSWERS} known answers"))
			.because("KnownAnswer")
	})
}

struct Asked {
	input: Vec<u8>,
	outcome: Option<H256>,
}

fn read(architecture: &Architecture, tokenizer: Option<&[u8]>, file: &Path) -> Result<Vec<Asked>> {
	let fault = |what: &dyn std::fmt::Display| {
		Error::usage(format!("{}: {what}", file.display())).hint(
			r#"a JSON array of up to 4 questions, such as [{"tokens": [1, 2], "max_tokens": 8}] or [{"input": [0.5, 1]}]"#,
		)
	};
	let json = fs::read(file).map_err(|error| fault(&error))?;
	let questions: Vec<Question> = serde_json::from_slice(&json).map_err(|error| fault(&error))?;
	let mut asked = Vec::new();
	for question in questions {
		let outcome = question.outcome;
		let input = encode(architecture, tokenizer, question).map_err(|what| fault(&what))?;
		asked.push(Asked { input, outcome });
	}
	Ok(asked)
}

fn encode(
	architecture: &Architecture,
	tokenizer: Option<&[u8]>,
	question: Question,
) -> Result<Vec<u8>, String> {
	let text = |text: &str| {
		let json = tokenizer.ok_or("the model has no tokenizer: give `tokens`")?;
		let encoded = Tokenizer::parse(json)?.encode(text, None).map_err(|error| error.message)?;
		Ok::<_, String>(encoded.tokens)
	};
	let Question { prompt, tokens, max_tokens, input, .. } = question;
	match (architecture, prompt, tokens, input) {
		(Architecture::Mlp(_) | Architecture::Cnn(_), None, None, Some(values)) => {
			input::encode(architecture, &values).map_err(|error| error.message)
		},
		(Architecture::Mlp(_) | Architecture::Cnn(_), ..) => {
			Err("the model takes an `input`".into())
		},
		(_, Some(_), Some(_), _) | (_, None, None, _) | (.., Some(_)) => {
			Err("the model takes either a `prompt` or `tokens`".into())
		},
		(Architecture::Llama(_), prompt, tokens, None) => {
			let tokens = prompt.map_or(Ok(tokens.unwrap_or_default()), |prompt| text(&prompt))?;
			Ok(greedy(tokens, max_tokens.unwrap_or(WANTED)))
		},
		(Architecture::Bert(_), prompt, tokens, None) => {
			let tokens = prompt.map_or(Ok(tokens.unwrap_or_default()), |prompt| text(&prompt))?;
			Ok(tokens.encode())
		},
	}
}

/// The input of a language model that takes the likeliest token each time.
fn greedy(tokens: Vec<u32>, max_tokens: u32) -> Vec<u8> {
	Prompt { tokens, max_tokens, sampling: Sampling::Greedy, stop: vec![] }.encode()
}

/// The same questions for the same architecture each time: an interrupted publication goes on with
/// the manifest that it began with.
fn made_up(architecture: &Architecture) -> Vec<Vec<u8>> {
	let numbers = |len: u32| {
		let value = |at: u32| ((at % 256 * 37 + 11) % 256) as f32 / 256.0;
		vec![(0..len / 4).flat_map(|at| value(at).to_le_bytes()).collect()]
	};
	match architecture {
		Architecture::Mlp(config) => numbers(config.input_len()),
		Architecture::Cnn(config) => numbers(config.input_len()),
		Architecture::Bert(config) => vec![tokens(config, 1).encode()],
		// Two: a few tokens say less about weights than a row of numbers.
		Architecture::Llama(config) => [1, 1009].map(|first| prompt(config, first)).to_vec(),
	}
}

fn tokens(config: &bert::Config, first: u32) -> Vec<u32> {
	spread(first, GIVEN.min(config.max_positions).max(1), config.vocab)
}

fn prompt(config: &llama::Config, first: u32) -> Vec<u8> {
	let given = GIVEN.min(config.max_positions.saturating_sub(1)).max(1);
	let wanted = WANTED.min(config.max_positions.saturating_sub(given)).max(1);
	greedy(spread(first, given, config.vocab), wanted)
}

/// Tokens from here and there in the vocabulary.
fn spread(first: u32, count: u32, vocab: u32) -> Vec<u32> {
	let token = |at: u32| (u64::from(first) + 97 * u64::from(at)) % u64::from(vocab.max(1));
	(0..count).map(|at| token(at) as u32).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::{architecture, temporary, Folder};
	use dodona_engine::architecture::Class;

	fn llama(test: &str) -> Model {
		Folder::open(temporary::Folder::llama(test).as_path()).unwrap().load().unwrap()
	}

	fn file(test: &str, json: &str) -> temporary::Folder {
		temporary::Folder::new(test, &[("q.json", json)])
	}

	fn from_file(model: &Model, test: &str, json: &str) -> Result<KnownAnswers> {
		let folder = file(test, json);
		let tokenizer = crate::commands::model::tokenizer::tests::json();
		answered(model, Some(tokenizer.as_bytes()), Some(&folder.as_path().join("q.json")))
	}

	#[test]
	fn made_up_questions_should_be_ones_that_the_model_takes() {
		let mut random = dodona_engine::golden::random::Random::new(7);
		let mut asked = 0;
		for class in [Class::F32, Class::Q8] {
			for _ in 0..20 {
				for architecture in [
					random.mlp(),
					Architecture::Llama(random.llama(class)),
					Architecture::Bert(random.bert(class)),
					Architecture::Cnn(random.cnn(class)),
				] {
					let inputs = made_up(&architecture);
					assert_eq!(inputs, made_up(&architecture));
					for input in inputs {
						architecture.check_input(&input).unwrap();
						asked += 1;
					}
				}
			}
		}
		assert!(asked > 160);
	}

	#[test]
	fn made_up_questions_should_be_answered_by_the_model() {
		let model = llama("known");
		let answers = answered(&model, None, None).unwrap();
		assert_eq!(answers.len(), 2);
		assert_ne!(answers[0].input, answers[1].input);
		for answer in &answers {
			let output = model.run(&answer.input).unwrap();
			assert_eq!(output.len(), 32);
			assert_eq!(answer.outcome, outcome_hash(&output));
		}
	}

	#[test]
	fn questions_of_a_file_should_be_asked_as_they_are() {
		let model = llama("asked");
		let answers = from_file(
			&model,
			"file",
			r#"[{"tokens": [3, 1, 4], "max_tokens": 2}, {"prompt": "hello", "max_tokens": 1}]"#,
		)
		.unwrap();
		assert_eq!(answers[0].input[..], greedy(vec![3, 1, 4], 2));
		assert_eq!(answers[1].input[..], greedy(vec![258, 257, 108, 111], 1));
		let outcome = |hash: &str| {
			let json =
				format!(r#"[{{"tokens": [3, 1, 4], "max_tokens": 2, "outcome": "{hash}"}}]"#);
			from_file(&model, "outcome", &json)
		};
		assert_eq!(outcome(&format!("{:?}", answers[0].outcome)).unwrap()[0], answers[0]);
		let error = outcome(&format!("{:?}", answers[1].outcome)).unwrap_err();
		assert!(error.message.contains("the model's outcome is"), "{}", error.message);
	}

	#[test]
	fn questions_of_a_file_should_be_refused_when_the_model_does_not_take_them() {
		let model = llama("refusing");
		let five = format!("[{}]", [r#"{"tokens": [1]}"#; 5].join(","));
		for json in [
			"",
			"{}",
			"[]",
			"[{}]",
			r#"[{"tokens": [1], "prompt": "a"}]"#,
			r#"[{"tokens": [260]}]"#,
			r#"[{"tokens": []}]"#,
			r#"[{"tokens": [1], "max_tokens": 32}]"#,
			r#"[{"input": [1.0]}]"#,
			r#"[{"tokens": [1], "temperature": 1}]"#,
			&five,
		] {
			let error = from_file(&model, "refused", json).unwrap_err();
			assert_eq!(error.kind, crate::error::Kind::Usage, "{json}");
		}
		let mlp = architecture("mlp", &[2, 1]).unwrap();
		let question = |json| encode(&mlp, None, serde_json::from_str(json).unwrap());
		assert_eq!(question(r#"{"input": [1, 0.5]}"#).unwrap().len(), 8);
		assert!(question(r#"{"input": [1]}"#).is_err());
		assert!(question(r#"{"tokens": [1, 2]}"#).is_err());
	}
}
