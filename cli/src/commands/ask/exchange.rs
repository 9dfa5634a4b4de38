//! What goes into a request, and what comes out of it, in the model's own terms.

use super::{argmax, input};
use crate::{
	args::Generation,
	commands::{
		model::tokenizer::Tokenizer,
		question::{self, Given},
	},
	error::{Error, Result},
};
use codec::Encode;
use dodona_engine::Architecture;
use dodona_primitives_inference::{MAX_INPUT_LEN, MAX_OUTPUT_LEN};
use serde_json::{json, Value};

/// Most classes that people are shown: the likeliest of them.
const MOST_CLASSES: usize = 10;
/// Most numbers of an embedding that people are shown.
const MOST_NUMBERS: usize = 6;

/// The input of a request, and how its output is read.
pub struct Exchange {
	/// The input.
	pub input: Vec<u8>,
	reader: Reader,
}

/// How an output is read.
enum Reader {
	/// As a score for each class.
	Scores,
	/// As one row of numbers for all of these tokens.
	Embedding { prompt_tokens: Vec<u32> },
	/// As tokens that come after these.
	Text {
		prompt_tokens: Vec<u32>,
		/// Those that end a generation.
		stop: Vec<u32>,
		seed: Option<u64>,
		tokenizer: Option<Tokenizer>,
	},
}

/// What an output says.
#[derive(Debug, PartialEq)]
enum Meaning {
	Scores { logits: Vec<f32>, class: usize },
	Embedding(Vec<f32>),
	Text { tokens: Vec<u32>, text: Option<String>, end: &'static str },
}

impl Exchange {
	/// Refuses what the model, or the chain, does not take.
	pub fn new(architecture: &Architecture, given: Given, generation: &Generation) -> Result<Self> {
		let this = match (architecture, given) {
			(Architecture::Llama(config), Given::Tokens { tokens, tokenizer, .. }) => {
				let (prompt, seed) = question::prompt(generation, tokens, config);
				config.check_prompt(&prompt).map_err(|error| {
					question::refused_by_llama(error, &prompt, config.max_positions)
				})?;
				let input = prompt.encode();
				let stop = [prompt.stop, config.stop.to_vec()].concat();
				let prompt_tokens = prompt.tokens;
				Self { input, reader: Reader::Text { prompt_tokens, stop, seed, tokenizer } }
			},
			(_, Given::Tokens { tokens, .. }) => {
				let input = tokens.encode();
				architecture.check_input(&input).map_err(question::refused_by_encoder)?;
				Self { input, reader: Reader::Embedding { prompt_tokens: tokens } }
			},
			(_, Given::Numbers(input)) => Self { input, reader: Reader::Scores },
		};
		this.check_lengths(architecture)?;
		Ok(this)
	}

	fn check_lengths(&self, architecture: &Architecture) -> Result<()> {
		if self.input.len() > MAX_INPUT_LEN as usize {
			let message = format!("the chain takes questions of up to {MAX_INPUT_LEN} bytes");
			return Err(Error::usage(message).because("InputTooLong").hint("shorten the text"));
		}
		if architecture.max_output_len(&self.input) > MAX_OUTPUT_LEN {
			let most = MAX_OUTPUT_LEN / 4;
			let message = format!("the chain takes answers of up to {most} tokens or numbers");
			let error = Error::usage(message).because("OutputTooLong");
			return Err(match self.reader {
				Reader::Text { .. } => error.hint(format!("--max-tokens up to {most}")),
				_ => error,
			});
		}
		Ok(())
	}

	fn meaning(&self, output: &[u8]) -> Option<Meaning> {
		match &self.reader {
			Reader::Scores => {
				let logits = input::decode(output)?;
				let class = argmax(&logits)?;
				Some(Meaning::Scores { logits, class })
			},
			Reader::Embedding { .. } => input::decode(output).map(Meaning::Embedding),
			Reader::Text { stop, tokenizer, .. } => {
				let (chunks, rest) = output.as_chunks::<4>();
				let tokens: Vec<u32> = chunks.iter().copied().map(u32::from_le_bytes).collect();
				let last = tokens.last().filter(|_| rest.is_empty())?;
				let end = if stop.contains(last) { "stop" } else { "length" };
				let text = tokenizer.as_ref().and_then(|tokenizer| tokenizer.decode(&tokens).ok());
				Some(Meaning::Text { tokens, text, end })
			},
		}
	}

	/// Adds what `output` says to `document`, which is for scripts.
	pub fn add_to(&self, document: &mut Value, output: Option<&[u8]>) {
		let meaning = output.and_then(|output| self.meaning(output));
		match &self.reader {
			Reader::Scores => {
				document["answer"] = Value::Null;
				document["logits"] = Value::Null;
			},
			Reader::Embedding { prompt_tokens } => {
				document["embedding"] = Value::Null;
				document["prompt_tokens"] = json!(prompt_tokens);
			},
			Reader::Text { prompt_tokens, seed, .. } => {
				document["tokens"] = Value::Null;
				document["text"] = Value::Null;
				document["end"] = Value::Null;
				document["prompt_tokens"] = json!(prompt_tokens);
				document["seed"] = json!(seed);
			},
		}
		match meaning {
			Some(Meaning::Scores { logits, class }) => {
				document["answer"] = json!(class);
				document["logits"] = json!(logits);
			},
			Some(Meaning::Embedding(values)) => document["embedding"] = json!(values),
			Some(Meaning::Text { tokens, text, end }) => {
				document["tokens"] = json!(tokens);
				document["text"] = json!(text);
				document["end"] = json!(end);
			},
			None => {},
		}
	}

	/// What `output` says, in lines for people.
	pub fn lines(&self, output: &[u8]) -> Vec<String> {
		match self.meaning(output) {
			Some(Meaning::Scores { logits, class }) => scores(&logits, class),
			Some(Meaning::Embedding(values)) => {
				let first: Vec<String> =
					values.iter().take(MOST_NUMBERS).map(|value| format!("{value:.4}")).collect();
				let more = if values.len() > MOST_NUMBERS { " …" } else { "" };
				let count = values.len();
				vec![format!("answer   {}{more} ({count} numbers: --json)", first.join(" "))]
			},
			Some(Meaning::Text { tokens, text, end }) => self.text(&tokens, text.as_deref(), end),
			None => vec![],
		}
	}

	fn text(&self, tokens: &[u32], text: Option<&str>, end: &str) -> Vec<String> {
		let mut lines = match text {
			Some(text) => vec![printable(text), String::new()],
			None => {
				let tokens: Vec<String> = tokens.iter().map(u32::to_string).collect();
				vec![tokens.join(" "), String::new()]
			},
		};
		let why = match end {
			"stop" => "the last one ends the text",
			_ => "as many as were asked for",
		};
		if let Reader::Text { prompt_tokens, seed, .. } = &self.reader {
			let (count, given) = (tokens.len(), prompt_tokens.len());
			lines.push(format!("tokens   {count} after {given} of the prompt; {why}"));
			lines.extend(seed.map(|seed| format!("seed     {seed}")));
		}
		lines
	}
}

/// A classifier's answer, and the likeliest classes.
fn scores(logits: &[f32], class: usize) -> Vec<String> {
	let mut classes: Vec<(usize, &f32)> = logits.iter().enumerate().collect();
	if classes.len() > MOST_CLASSES {
		classes.sort_by(|(_, left), (_, right)| right.total_cmp(left));
		classes.truncate(MOST_CLASSES);
	}
	let logits: Vec<String> =
		classes.iter().map(|(class, logit)| format!("{class}: {logit:.3}")).collect();
	vec![format!("answer   {class}"), format!("logits   {}", logits.join("  "))]
}

/// A stranger's text without what a terminal would obey.
fn printable(text: &str) -> String {
	let shown = |character: char| match character {
		'\n' | '\t' => character,
		character if character.is_control() => char::REPLACEMENT_CHARACTER,
		character => character,
	};
	text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		args::{Ask, Cli, Command},
		commands::model::{self, temporary, Folder},
		error::Kind,
	};
	use clap::Parser;
	use dodona_engine::{architecture::llama, generate::Prompt};

	fn generation(arguments: &[&str]) -> Generation {
		let line = ["dodona", "ask", "a", "--tokens=1"].iter().chain(arguments);
		match Cli::try_parse_from(line).unwrap().command {
			Command::Ask(Ask { generation, .. }) => generation,
			other => panic!("{other:?}"),
		}
	}

	fn llama(test: &str, stop: &[u32]) -> Architecture {
		let folder = temporary::Folder::llama(test);
		folder.change("config.json", |config| config["eos_token_id"] = stop.into());
		Folder::open(folder.as_path()).unwrap().architecture
	}

	fn tokens(tokens: &[u32], has_tokenizer: bool) -> Given {
		let json = model::tokenizer::tests::json();
		let tokenizer = has_tokenizer.then(|| Tokenizer::parse(json.as_bytes()).unwrap());
		Given::Tokens { tokens: tokens.to_vec(), is_cut: false, tokenizer }
	}

	fn bytes(tokens: &[u32]) -> Vec<u8> {
		tokens.iter().flat_map(|token| token.to_le_bytes()).collect()
	}

	#[test]
	fn exchange_should_carry_the_prompt_that_the_engine_reads() {
		let llama = llama("carried", &[7]);
		let arguments = ["--max-tokens=5", "--seed=3", "--temperature=0.5", "--stop=9"];
		let exchange =
			Exchange::new(&llama, tokens(&[3, 1, 4], false), &generation(&arguments)).unwrap();
		let Architecture::Llama(config) = &llama else { panic!() };
		let Prompt { tokens, max_tokens, stop, .. } = config.decode_input(&exchange.input).unwrap();
		assert_eq!((tokens, max_tokens, stop), (vec![3, 1, 4], 5, vec![9]));
		let mut document = json!({});
		exchange.add_to(&mut document, None);
		let expected = json!({
			"tokens": null, "text": null, "end": null, "prompt_tokens": [3, 1, 4], "seed": 3,
		});
		assert_eq!(document, expected);
	}

	#[test]
	fn output_should_be_the_text_of_its_tokens_when_the_model_writes() {
		let llama = llama("written", &[259]);
		let given = || tokens(&[258, 104], true);
		let exchange = Exchange::new(&llama, given(), &generation(&["--stop=8"])).unwrap();
		let read = |output: &[u8]| {
			let mut document = json!({});
			exchange.add_to(&mut document, Some(output));
			(document["text"].clone(), document["end"].clone(), document["tokens"].clone())
		};
		let text = [257, 108, 111];
		assert_eq!(read(&bytes(&text)), (json!("hello"), json!("length"), json!(text)));
		for stop in [8, 259] {
			let (_, end, tokens) = read(&bytes(&[257, stop]));
			assert_eq!((end, tokens), (json!("stop"), json!([257, stop])));
		}
		// Nothing that a language model says.
		for output in [&[][..], &[1, 0, 0]] {
			assert_eq!(read(output), (json!(null), json!(null), json!(null)));
			assert!(exchange.lines(output).is_empty());
		}

		let lines = exchange.lines(&bytes(&text));
		assert_eq!(lines[0], "hello");
		assert!(lines[2].contains("3 after 2 of the prompt"), "{lines:?}");
		assert_eq!(lines.len(), 3);
		let drawn = Exchange::new(&llama, given(), &generation(&["--seed=42"])).unwrap();
		assert_eq!(drawn.lines(&bytes(&text)).last().unwrap(), "seed     42");
	}

	#[test]
	fn output_should_be_tokens_when_there_is_no_tokenizer() {
		let llama = llama("wordless", &[]);
		let exchange = Exchange::new(&llama, tokens(&[1], false), &generation(&[])).unwrap();
		assert_eq!(exchange.lines(&bytes(&[257, 108]))[0], "257 108");
		let mut document = json!({});
		exchange.add_to(&mut document, Some(&bytes(&[257, 108])));
		assert_eq!((&document["text"], &document["tokens"]), (&json!(null), &json!([257, 108])));
	}

	#[test]
	fn text_should_do_nothing_to_a_terminal() {
		assert_eq!(printable("a\n\tb\u{1b}[2J\r\u{9b}é"), "a\n\tb\u{fffd}[2J\u{fffd}\u{fffd}é");
	}

	#[test]
	fn output_should_be_scores_when_the_model_takes_numbers() {
		let mlp = model::architecture("mlp", &[2, 3]).unwrap();
		let given = Given::Numbers(input::encode(&mlp, &[0.5, 1.0]).unwrap());
		let exchange = Exchange::new(&mlp, given, &generation(&[])).unwrap();
		assert_eq!(exchange.input.len(), 8);
		let output: Vec<u8> = [0.5f32, 2.0, -1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
		let mut document = json!({});
		exchange.add_to(&mut document, Some(&output));
		assert_eq!(document, json!({ "answer": 1, "logits": [0.5, 2.0, -1.0] }));
		assert_eq!(exchange.lines(&output)[0], "answer   1");
	}

	#[test]
	fn question_should_be_refused_when_the_model_cannot_go_on_with_it() {
		let llama = llama("unfit", &[]);
		for (given, arguments, hint) in [
			(vec![], vec![], "at least one token"),
			(vec![260], vec![], "another model's"),
			(vec![7; 32], vec![], "less than 32 tokens"),
			(vec![1], vec!["--max-tokens=32"], "--max-tokens up to 31"),
			(vec![1], vec!["--max-tokens=0"], "--max-tokens from 1"),
			(vec![1], vec!["--temperature=1000"], "0.01 to 100"),
			(vec![1], vec!["--stop=1,2,3,4,5,6,7,8,9"], "up to 8"),
		] {
			let exchange = Exchange::new(&llama, tokens(&given, false), &generation(&arguments));
			let error = exchange.err().unwrap();
			assert_eq!(error.kind, Kind::Usage, "{arguments:?}");
			assert!(error.hint.as_ref().unwrap().contains(hint), "{arguments:?}: {error:?}");
		}
	}

	#[test]
	fn question_should_be_refused_when_the_chain_would_refuse_its_length() {
		let Architecture::Llama(config) = llama("lengths", &[]) else { panic!() };
		let roomy = Architecture::Llama(llama::Config { max_positions: 40_000, ..config });
		let reason = |given: usize, most: &str| {
			let given = tokens(&vec![1; given], false);
			let exchange = Exchange::new(&roomy, given, &generation(&[most]));
			exchange.err().map(|error| error.reason.unwrap())
		};
		assert_eq!(reason(1, "--max-tokens=4096"), None);
		assert_eq!(reason(1, "--max-tokens=4097").as_deref(), Some("OutputTooLong"));
		assert_eq!(reason(16_000, "--max-tokens=1"), None);
		assert_eq!(reason(16_400, "--max-tokens=1").as_deref(), Some("InputTooLong"));
	}
}
