//! What a model is asked, in the model's own terms: the same here and through the chain.

use crate::{
	args::{Generation, Question},
	commands::{ask::input, model::tokenizer::Tokenizer},
	error::{Error, Result},
};
use dodona_engine::{
	architecture::llama,
	generate::{Prompt, Sampling, MAX_TEMPERATURE, MIN_TEMPERATURE},
	Architecture, EngineError, InputFault, Real,
};
use std::{
	hash::{BuildHasher, RandomState},
	path::Path,
};

/// Tokens that are generated if nobody says how many.
const MAX_TOKENS: u32 = 64;

/// The question of a command line, of a kind that the model takes.
pub enum Asked<'a> {
	Text(&'a str),
	Tokens(&'a [u32]),
	/// A file with numbers.
	Numbers(&'a Path),
}

/// What the model is given, as it takes it.
pub enum Given {
	Tokens { tokens: Vec<u32>, is_cut: bool, tokenizer: Option<Tokenizer> },
	Numbers(Vec<u8>),
}

impl<'a> Asked<'a> {
	/// Refuses a question of another kind than `architecture` takes.
	pub fn of(question: &'a Question, architecture: &Architecture) -> Result<Self> {
		let takes_tokens = takes_tokens(architecture);
		match question {
			Question { prompt: Some(text), .. } if takes_tokens => Ok(Self::Text(text)),
			Question { tokens: Some(tokens), .. } if takes_tokens => Ok(Self::Tokens(tokens)),
			Question { input: Some(path), .. } if !takes_tokens => Ok(Self::Numbers(path)),
			_ if takes_tokens => Err(Error::usage("the model takes text or tokens")
				.because("WrongInput")
				.hint("--prompt with a text, or --tokens 1,2,3")),
			_ => {
				let count = architecture.input_len() / 4;
				Err(Error::usage(format!("the model takes {count} numbers"))
					.because("WrongInput")
					.hint("--input with a JSON file that has an array of numbers"))
			},
		}
	}

	/// What the model takes it as. A text is cut to `limit` tokens, if there is one; without a
	/// tokenizer it is refused with the error that `missing` makes.
	pub fn given(
		self,
		architecture: &Architecture,
		tokenizer: Option<Tokenizer>,
		limit: Option<usize>,
		missing: impl FnOnce() -> Error,
	) -> Result<Given> {
		match self {
			Self::Text(text) => {
				let mut tokenizer = tokenizer.ok_or_else(missing)?;
				let encoded = tokenizer.encode(text, limit)?;
				let (tokens, is_cut) = (encoded.tokens, encoded.is_cut);
				Ok(Given::Tokens { tokens, is_cut, tokenizer: Some(tokenizer) })
			},
			Self::Tokens(tokens) => {
				Ok(Given::Tokens { tokens: tokens.to_vec(), is_cut: false, tokenizer })
			},
			Self::Numbers(path) => {
				let values = input::read(path)?;
				input::encode(architecture, &values).map(Given::Numbers)
			},
		}
	}
}

/// Whether a model of this architecture reads text, as tokens.
pub fn takes_tokens(architecture: &Architecture) -> bool {
	match architecture {
		Architecture::Llama(_) | Architecture::Bert(_) => true,
		Architecture::Mlp(_) | Architecture::Cnn(_) => false,
	}
}

/// Refuses options for language models, those of `generation` and `more`, where the model is none.
pub fn check_options(
	generation: &Generation,
	more: &[(&str, bool)],
	architecture: &Architecture,
) -> Result<()> {
	let kind = match architecture {
		Architecture::Llama(_) => return Ok(()),
		Architecture::Bert(_) => "an encoder",
		Architecture::Mlp(_) | Architecture::Cnn(_) => "a network of numbers",
	};
	let Generation { max_tokens, temperature, top_k, top_p, seed, stop } = generation;
	let options = [
		("--max-tokens", max_tokens.is_some()),
		("--temperature", temperature.is_some()),
		("--top-k", top_k.is_some()),
		("--top-p", top_p.is_some()),
		("--seed", seed.is_some()),
		("--stop", !stop.is_empty()),
	];
	match options.iter().chain(more).find(|(_, is_given)| *is_given) {
		Some((option, _)) => {
			Err(Error::usage(format!("{option} is for language models, this is {kind}"))
				.because("WrongOption")
				.hint(format!("leave out {option}")))
		},
		None => Ok(()),
	}
}

/// What a language model goes on with, and the seed of its draws if there are any.
pub fn prompt(
	generation: &Generation,
	tokens: Vec<u32>,
	config: &llama::Config,
) -> (Prompt, Option<u64>) {
	let given = tokens.len().try_into().unwrap_or(u32::MAX);
	let room = config.max_positions.saturating_sub(given);
	let max_tokens = generation.max_tokens.unwrap_or(MAX_TOKENS.min(room.max(1)));
	let (sampling, seed) = sampling(generation);
	(Prompt { tokens, max_tokens, sampling, stop: generation.stop.clone() }, seed)
}

/// How tokens are chosen, and the seed of the draws if there are any.
fn sampling(generation: &Generation) -> (Sampling, Option<u64>) {
	let Generation { temperature, top_k, top_p, seed, .. } = generation;
	let is_asked = top_k.is_some() || top_p.is_some() || seed.is_some();
	let temperature = temperature.unwrap_or(if is_asked { 1.0 } else { 0.0 });
	if temperature == 0.0 {
		return (Sampling::Greedy, None);
	}
	// 53 bits: what every reader of JSON keeps as it is.
	let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 11);
	let sampling = Sampling::Sample {
		temperature: Real::new(temperature),
		top_k: top_k.unwrap_or(0),
		top_p: Real::new(top_p.unwrap_or(1.0)),
		seed,
	};
	(sampling, Some(seed))
}

/// Tokens that an encoder can't take.
pub fn refused_by_encoder(error: EngineError) -> Error {
	let EngineError::InvalidInput(fault) = error else { return Error::failed(error) };
	let hint = match fault {
		InputFault::NoToken => "give at least one token",
		InputFault::TooManyTokens { .. } => "shorten the text",
		_ => "the text or the tokens are another model's",
	};
	Error::usage(fault).because("WrongInput").hint(hint)
}

/// A prompt that a language model with `most` positions can't go on with.
pub fn refused_by_llama(error: EngineError, prompt: &Prompt, most: u32) -> Error {
	let EngineError::InvalidInput(fault) = error else { return Error::failed(error) };
	let hint = match fault {
		InputFault::NoToken => "give at least one token".into(),
		InputFault::UnknownToken { .. } => "the text or the tokens are another model's".into(),
		InputFault::TooManyTokens { .. } => {
			let given = prompt.tokens.len();
			match most.checked_sub(given.try_into().unwrap_or(u32::MAX)).filter(|left| *left > 0) {
				Some(left) => format!("--max-tokens up to {left}"),
				None => format!("shorten the prompt to less than {most} tokens, it has {given}"),
			}
		},
		InputFault::NothingToGenerate => "--max-tokens from 1".into(),
		InputFault::Temperature => {
			format!("--temperature 0, or from {MIN_TEMPERATURE} to {MAX_TEMPERATURE}")
		},
		InputFault::TopP => "--top-p above 0 and up to 1".into(),
		InputFault::TooManyStopTokens { most, .. } => format!("--stop with up to {most} tokens"),
		InputFault::Undecodable => "see --help".into(),
	};
	Error::usage(fault).because("WrongInput").hint(hint)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		args::{Ask, Cli, Command},
		commands::model::{architecture, temporary, Folder},
		error::Kind,
	};
	use clap::Parser;

	fn args(arguments: &[&str]) -> Ask {
		let line = ["dodona", "ask", "model"].iter().chain(arguments);
		match Cli::try_parse_from(line).unwrap().command {
			Command::Ask(ask) => ask,
			other => panic!("{other:?}"),
		}
	}

	fn llama(test: &str) -> llama::Config {
		match Folder::open(temporary::Folder::llama(test).as_path()).unwrap().architecture {
			Architecture::Llama(config) => config,
			other => panic!("{other:?}"),
		}
	}

	#[test]
	fn question_should_be_refused_when_the_model_takes_another_kind() {
		let llama = Architecture::Llama(llama("kinds"));
		let mlp = architecture("mlp", &[64, 10]).unwrap();
		for (arguments, architecture, wanted) in [
			("--prompt=hello", &mlp, "64 numbers"),
			("--tokens=1,2", &mlp, "64 numbers"),
			("--input=/no/such/file", &llama, "text or tokens"),
		] {
			let error = Asked::of(&args(&[arguments]).question, architecture).err().unwrap();
			assert_eq!((error.kind, error.reason.as_deref()), (Kind::Usage, Some("WrongInput")));
			assert!(error.message.contains(wanted), "{}", error.message);
		}
		assert!(matches!(Asked::of(&args(&["--input=x"]).question, &mlp), Ok(Asked::Numbers(_))));
	}

	#[test]
	fn text_should_be_refused_when_there_is_no_tokenizer() {
		let llama = Architecture::Llama(llama("no-words"));
		let missing = || Error::usage("none").hint("--tokens 1,2,3");
		let args = args(&["--prompt=hello"]);
		let asked = Asked::of(&args.question, &llama).unwrap();
		let error = asked.given(&llama, None, None, missing).err().unwrap();
		assert_eq!(error.message, "none");
	}

	#[test]
	fn prompt_should_fill_the_models_room_when_nobody_says_how_much() {
		let config = llama("room-left");
		let max_tokens = |given: usize, arguments: &[&str]| {
			let args = args(&[&["--tokens=1"], arguments].concat());
			prompt(&args.generation, vec![1; given], &config).0.max_tokens
		};
		assert_eq!(config.max_positions, 32);
		assert_eq!(max_tokens(30, &[]), 2);
		// What does not fit is the engine's to refuse.
		assert_eq!(max_tokens(32, &[]), 1);
		assert_eq!(max_tokens(30, &["--max-tokens=9"]), 9);
		let roomy = llama::Config { max_positions: 2048, ..config.clone() };
		assert_eq!(prompt(&args(&["--tokens=1"]).generation, vec![1], &roomy).0.max_tokens, 64);
	}

	#[test]
	fn prompt_should_be_drawn_from_a_seed_only_when_somebody_asks_for_draws() {
		let config = llama("draws");
		let of = |arguments: &[&str]| {
			let args = args(&[&["--tokens=1"], arguments].concat());
			let (prompt, seed) = prompt(&args.generation, vec![1], &config);
			(prompt.sampling, seed)
		};
		assert_eq!(of(&[]), (Sampling::Greedy, None));
		assert_eq!(of(&["--temperature=0", "--seed=3"]), (Sampling::Greedy, None));
		let sample = |temperature: f32, top_k, top_p: f32, seed| {
			let (temperature, top_p) = (Real::new(temperature), Real::new(top_p));
			(Sampling::Sample { temperature, top_k, top_p, seed }, Some(seed))
		};
		assert_eq!(of(&["--seed=3"]), sample(1.0, 0, 1.0, 3));
		assert_eq!(
			of(&["--temperature=0.5", "--top-k=7", "--top-p=0.9", "--seed=18446744073709551615"]),
			sample(0.5, 7, 0.9, u64::MAX)
		);
		let drawn = [of(&["--top-k=7"]), of(&["--top-k=7"])].map(|(_, seed)| seed.unwrap());
		assert_ne!(drawn[0], drawn[1]);
		assert!(drawn.iter().all(|seed| *seed < 1 << 53), "{drawn:?}");
	}

	#[test]
	fn options_should_be_refused_when_they_mean_nothing_to_the_model() {
		let mlp = architecture("mlp", &[2, 1]).unwrap();
		let llama = Architecture::Llama(llama("options"));
		let check = |arguments: &[&str], more: &[(&str, bool)], architecture: &Architecture| {
			let args = args(&[&["--tokens=1"], arguments].concat());
			check_options(&args.generation, more, architecture)
		};
		assert!(check(&["--top-k=1"], &[("--logits", true)], &llama).is_ok());
		assert!(check(&[], &[("--logits", false)], &mlp).is_ok());
		assert!(check(&[], &[("--logits", true)], &mlp).is_err());
		for option in
			["--max-tokens=1", "--temperature=1", "--top-k=1", "--top-p=1", "--seed=1", "--stop=1"]
		{
			let error = check(&[option], &[], &mlp).unwrap_err();
			let name = option.split('=').next().unwrap();
			assert_eq!(error.kind, Kind::Usage);
			assert!(error.message.contains(name), "{option}: {}", error.message);
		}
	}
}
