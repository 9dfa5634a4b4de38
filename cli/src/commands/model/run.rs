//! `dodona model run`: a model in a folder, run here.

use super::{folder::Folder, tokenizer::Tokenizer};
use crate::{
	args::Run,
	commands::{
		ask::{argmax, input},
		question::{self, Asked, Given},
	},
	error::{Error, Result},
	output, Session,
};
use codec::Encode;
use dodona_engine::{
	architecture::llama::{Llama, Logits, Scratch, Sequence},
	generate::End,
	Architecture, EngineError, Model,
};
use serde::Serialize;
use std::{
	io::{self, Write},
	ops::ControlFlow,
	time::{Duration, Instant},
};

pub fn run(session: &Session, args: Run) -> Result<()> {
	let folder = open(&args)?;
	check(&args, &folder.architecture, session.output.is_json())?;
	let given = given(&args, &folder)?;
	let start = Instant::now();
	let model = folder.load()?;
	let load = start.elapsed();
	match (model.llama(), given) {
		(Some(llama), Given::Tokens { tokens, tokenizer, .. }) => {
			let mut printer = Printer::new(!session.output.is_json(), tokenizer.as_ref());
			let on_token = &mut |token| printer.token(token);
			let said = Said::generate(&args, llama, tokens, tokenizer.as_ref(), load, on_token)?;
			printer.finish(said.text.as_deref())?;
			match session.output.is_json() {
				true => session.output.document(&said),
				false => session.output.note(said.note()),
			}
		},
		(_, given) => {
			let answer = Answer::compute(&model, given, load)?;
			match session.output.is_json() {
				true => session.output.document(&answer),
				false => {
					output::print(&answer.text());
					session.output.note(answer.note());
				},
			}
		},
	}
	Ok(())
}

/// The model, with the ends of a generation as the command line says.
fn open(args: &Run) -> Result<Folder> {
	let mut folder = Folder::open(&args.folder)?;
	if args.ignore_stop {
		if let Architecture::Llama(config) = &mut folder.architecture {
			config.stop = Default::default();
		}
	}
	Ok(folder)
}

/// Refuses options that mean nothing to the model.
fn check(args: &Run, architecture: &Architecture, is_json: bool) -> Result<()> {
	if args.logits && !is_json {
		return Err(Error::usage("--logits is for scripts").hint("add --json"));
	}
	let more = [("--ignore-stop", args.ignore_stop), ("--logits", args.logits)];
	question::check_options(&args.generation, &more, architecture)
}

/// What the model is given, as it takes it.
fn given(args: &Run, folder: &Folder) -> Result<Given> {
	let architecture = &folder.architecture;
	let asked = Asked::of(&args.question, architecture)?;
	let takes_tokens = question::takes_tokens(architecture);
	let tokenizer = if takes_tokens { folder.tokenizer()? } else { None };
	let limit = if takes_tokens { folder.text_limit()? } else { None };
	asked.given(architecture, tokenizer, limit, || {
		Error::usage(format!("{} has no tokenizer.json", folder.path.display()))
			.hint("give the tokens themselves: --tokens 1,2,3")
	})
}

/// What a language model says.
#[derive(Debug, Serialize)]
struct Said {
	/// The tokens that it generated.
	tokens: Vec<u32>,
	/// Their text, if the folder has a tokenizer.
	text: Option<String>,
	/// Why there are no more.
	end: &'static str,
	prompt_tokens: Vec<u32>,
	/// What decided the draws, if there were any.
	seed: Option<u64>,
	/// For each token, what it was chosen from.
	#[serde(skip_serializing_if = "Option::is_none")]
	logits: Option<Vec<Vec<f32>>>,
	timing: Timing,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Timing {
	load_ms: f64,
	/// Until the first token.
	prefill_ms: f64,
	prefill_tokens_per_second: f64,
	/// After the first token.
	decode_ms: f64,
	decode_tokens_per_second: f64,
}

impl Said {
	fn generate(
		args: &Run,
		llama: &Llama,
		given: Vec<u32>,
		tokenizer: Option<&Tokenizer>,
		load: Duration,
		on_token: &mut dyn FnMut(u32) -> ControlFlow<()>,
	) -> Result<Self> {
		let most = llama.config().max_positions;
		let (prompt, seed) = question::prompt(&args.generation, given, llama.config());
		let refused = |error| question::refused_by_llama(error, &prompt, most);
		let mut first = None;
		let start = Instant::now();
		let (tokens, end) = if prompt.max_tokens == 0 && args.logits {
			(Vec::new(), End::Length)
		} else {
			let generated = llama
				.generate(&prompt, &mut |token| {
					first.get_or_insert_with(|| start.elapsed());
					on_token(token)
				})
				.map_err(refused)?;
			(generated.tokens, generated.end)
		};
		let total = start.elapsed();
		let first = first.unwrap_or(total);
		let decode = total.saturating_sub(first);
		let timing = Timing {
			load_ms: milliseconds(load),
			prefill_ms: milliseconds(first),
			prefill_tokens_per_second: rate(prompt.tokens.len(), first),
			decode_ms: milliseconds(decode),
			decode_tokens_per_second: rate(tokens.len().saturating_sub(1), decode),
		};
		let rows = args.logits.then(|| logits(llama, &prompt.tokens, &tokens));
		Ok(Self {
			logits: rows.transpose().map_err(refused)?,
			text: tokenizer.map(|tokenizer| tokenizer.decode(&tokens)).transpose()?,
			end: match end {
				End::Stop => "stop",
				End::Length => "length",
				End::Cancelled => "cancelled",
			},
			prompt_tokens: prompt.tokens,
			tokens,
			seed,
			timing,
		})
	}

	fn note(&self) -> String {
		let Timing { load_ms, prefill_ms, .. } = self.timing;
		let seed = self.seed.map_or(String::new(), |seed| format!("; drawn with --seed {seed}"));
		format!(
			"loaded in {load_ms:.0} ms; {} tokens read in {prefill_ms:.0} ms, {:.1} a second; \
			 {} generated, {:.1} a second{seed}",
			self.prompt_tokens.len(),
			self.timing.prefill_tokens_per_second,
			self.tokens.len(),
			self.timing.decode_tokens_per_second,
		)
	}
}

/// What the model says at the end of `given` and after each of the `generated` tokens but the last:
/// what those were chosen from. It is computed again, and has the same bits.
fn logits(llama: &Llama, given: &[u32], generated: &[u32]) -> Result<Vec<Vec<f32>>, EngineError> {
	let mut cache = llama.cache();
	let mut scratch = Scratch::default();
	let mut rows = Vec::new();
	let tokens = [given, generated].concat();
	let wanted = generated.len().max(1);
	let (before, rest) = tokens.split_at(given.len().saturating_sub(1));
	let rest = rest.get(..wanted).unwrap_or(rest);
	for (tokens, which) in [(before, Logits::None), (rest, Logits::All)] {
		let mut batch = [Sequence::new(&mut cache, tokens, which)];
		llama.forward(&mut batch, &mut scratch, &mut |_, _, logits| rows.push(logits.to_vec()));
		let [sequence] = batch;
		sequence.outcome?;
	}
	Ok(rows)
}

/// Writes tokens as they come.
struct Printer<'a> {
	is_on: bool,
	text: Option<Box<dyn FnMut(u32) -> Result<Option<String>> + 'a>>,
	written: String,
	failed: Option<Error>,
}

impl<'a> Printer<'a> {
	fn new(is_on: bool, tokenizer: Option<&'a Tokenizer>) -> Self {
		let text = tokenizer.map(|tokenizer| Box::new(tokenizer.stream()) as _);
		Self { is_on, text, written: String::new(), failed: None }
	}

	fn token(&mut self, token: u32) -> ControlFlow<()> {
		if !self.is_on {
			return ControlFlow::Continue(());
		}
		let piece = match &mut self.text {
			Some(stream) => stream(token),
			None => Ok(Some(format!("{token} "))),
		};
		match piece {
			Ok(None) => ControlFlow::Continue(()),
			Ok(Some(piece)) => self.write(&piece),
			Err(error) => {
				self.failed = Some(error);
				ControlFlow::Break(())
			},
		}
	}

	fn write(&mut self, piece: &str) -> ControlFlow<()> {
		self.written.push_str(piece);
		let mut out = io::stdout().lock();
		// Whoever reads may have had enough.
		match out.write_all(piece.as_bytes()).and_then(|()| out.flush()) {
			Ok(()) => ControlFlow::Continue(()),
			Err(_) => ControlFlow::Break(()),
		}
	}

	/// What is left of `text`: a character that has not got all of its bytes.
	fn rest<'t>(&self, text: Option<&'t str>) -> &'t str {
		text.and_then(|text| text.strip_prefix(&self.written)).unwrap_or_default()
	}

	fn finish(mut self, text: Option<&str>) -> Result<()> {
		if self.is_on {
			let rest = format!("{}\n", self.rest(text));
			// As above, and there is nothing to end any more.
			let _ = self.write(&rest);
		}
		self.failed.map_or(Ok(()), Err)
	}
}

/// What a model says that is no language model.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
	/// An encoder's.
	Embedding { embedding: Vec<f32>, prompt_tokens: Vec<u32>, is_cut: bool, timing: Elapsed },
	/// That of a network of numbers.
	Output { output: Vec<f32>, largest: Option<usize>, timing: Elapsed },
}

/// How long loading and computing took.
#[derive(Clone, Copy, Debug, Serialize)]
struct Elapsed {
	load_ms: f64,
	run_ms: f64,
}

impl Answer {
	fn compute(model: &Model, given: Given, load: Duration) -> Result<Self> {
		let start = Instant::now();
		let run = |input: &[u8]| {
			let output = model.run(input).map_err(question::refused_by_encoder)?;
			let timing =
				Elapsed { load_ms: milliseconds(load), run_ms: milliseconds(start.elapsed()) };
			input::decode(&output)
				.map(|values| (values, timing))
				.ok_or_else(|| Error::failed("the output is no row of numbers"))
		};
		Ok(match given {
			Given::Tokens { tokens: prompt_tokens, is_cut, .. } => {
				let (embedding, timing) = run(&prompt_tokens.encode())?;
				Self::Embedding { embedding, prompt_tokens, is_cut, timing }
			},
			Given::Numbers(input) => {
				let (output, timing) = run(&input)?;
				Self::Output { largest: argmax(&output), output, timing }
			},
		})
	}

	/// The numbers, one in a line.
	fn text(&self) -> String {
		let (Self::Embedding { embedding: values, .. } | Self::Output { output: values, .. }) =
			self;
		let values: Vec<String> = values.iter().map(f32::to_string).collect();
		values.join("\n")
	}

	fn note(&self) -> String {
		let (Self::Embedding { timing, .. } | Self::Output { timing, .. }) = self;
		let what = match self {
			Self::Embedding { is_cut: true, .. } => {
				"the text is longer than what the model reads, and its end was left out\n".into()
			},
			Self::Output { largest: Some(largest), .. } => {
				format!("the largest is number {largest}, counted from 0\n")
			},
			_ => String::new(),
		};
		format!("{what}loaded in {:.0} ms, computed in {:.1} ms", timing.load_ms, timing.run_ms)
	}
}

fn milliseconds(duration: Duration) -> f64 {
	(duration.as_secs_f64() * 1e6).round() / 1e3
}

/// How many in a second; none if there was no time.
fn rate(count: usize, duration: Duration) -> f64 {
	let seconds = duration.as_secs_f64();
	if seconds > 0.0 {
		count as f64 / seconds
	} else {
		0.0
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		args::{Cli, Command, Model as ModelCommand},
		commands::model::temporary,
		error::Kind,
	};
	use clap::Parser;
	use std::path::Path;

	fn args(folder: &temporary::Folder, arguments: &[&str]) -> Run {
		parse(folder.path(), arguments)
	}

	fn parse(folder: &str, arguments: &[&str]) -> Run {
		let line = ["dodona", "model", "run", folder].into_iter();
		match Cli::try_parse_from(line.chain(arguments.iter().copied())).unwrap().command {
			Command::Model(ModelCommand::Run(args)) => args,
			other => panic!("{other:?}"),
		}
	}

	/// As `run`, without printing.
	fn said(folder: &temporary::Folder, arguments: &[&str]) -> Result<Said> {
		let args = args(folder, arguments);
		let folder = open(&args)?;
		check(&args, &folder.architecture, true)?;
		let Given::Tokens { tokens, tokenizer, .. } = given(&args, &folder)? else {
			panic!("not a language model");
		};
		let (model, load) = (folder.load()?, Duration::ZERO);
		let llama = model.llama().unwrap();
		let on_token = &mut |_| ControlFlow::Continue(());
		Said::generate(&args, llama, tokens, tokenizer.as_ref(), load, on_token)
	}

	#[test]
	fn run_should_generate_the_likeliest_tokens_when_nothing_else_is_said() {
		let folder = temporary::Folder::llama("greedy");
		let said = said(&folder, &["--tokens=3,1,4", "--max-tokens=9", "--logits"]).unwrap();
		assert_eq!((said.prompt_tokens, said.end, said.text), (vec![3, 1, 4], "length", None));
		assert_eq!(said.tokens.len(), 9);
		let logits = said.logits.unwrap();
		assert!(logits.iter().all(|row| row.len() == 260));
		let likeliest = logits.iter().map(|row| argmax(row).unwrap() as u32);
		assert_eq!(likeliest.collect::<Vec<_>>(), said.tokens);
	}

	#[test]
	fn run_should_only_look_at_the_prompt_when_nothing_is_to_be_generated() {
		let folder = temporary::Folder::llama("look");
		let look = said(&folder, &["--tokens=3,1,4", "--max-tokens=0", "--logits"]).unwrap();
		let one = said(&folder, &["--tokens=3,1,4", "--max-tokens=1", "--logits"]).unwrap();
		assert_eq!((look.tokens.len(), one.tokens.len()), (0, 1));
		assert_eq!(look.logits, one.logits);
		let error = said(&folder, &["--tokens=3,1,4", "--max-tokens=0"]).unwrap_err();
		assert_eq!(error.kind, Kind::Usage);
	}

	#[test]
	fn run_should_fill_the_models_room_when_the_default_is_more() {
		let folder = temporary::Folder::llama("room");
		let tokens = vec!["7"; 30].join(",");
		let said_at =
			|arguments: &[&str]| said(&folder, &[&["--tokens", &tokens], arguments].concat());
		assert_eq!(said_at(&[]).unwrap().tokens.len(), 2);
		let error = said_at(&["--max-tokens=3"]).unwrap_err();
		assert_eq!(
			(error.kind, error.hint.as_deref()),
			(Kind::Usage, Some("--max-tokens up to 2"))
		);
	}

	#[test]
	fn run_should_draw_the_same_tokens_when_the_seed_is_the_same() {
		let folder = temporary::Folder::llama("seed");
		let draw = |seed: &str| {
			let arguments = ["--tokens=5", "--max-tokens=20", "--temperature=2", seed];
			let said = said(&folder, &arguments).unwrap();
			(said.tokens, said.seed)
		};
		let (tokens, seed) = draw("--top-k=200");
		assert_eq!(draw(&format!("--seed={}", seed.unwrap())).1, seed);
		assert_eq!(draw("--seed=1"), draw("--seed=1"));
		assert_ne!(draw("--seed=1").0, draw("--seed=2").0);
		assert_ne!(draw("--seed=1").0, tokens);
		let cold = said(&folder, &["--tokens=5", "--temperature=0", "--top-p=0.5"]).unwrap();
		assert_eq!(cold.seed, None);
	}

	#[test]
	fn run_should_end_with_a_stop_token_unless_it_is_ignored() {
		let folder = temporary::Folder::llama("stop");
		let all = said(&folder, &["--tokens=3,1,4", "--max-tokens=9"]).unwrap().tokens;
		let end = all[4];
		let first = all.iter().position(|token| *token == end).unwrap();

		let stop = format!("--stop={end}");
		let stopped = said(&folder, &["--tokens=3,1,4", &stop, "--logits"]).unwrap();
		assert_eq!((stopped.tokens, stopped.end), (all[..=first].to_vec(), "stop"));
		assert_eq!(stopped.logits.unwrap().len(), first + 1);

		folder.change("config.json", |config| config["eos_token_id"] = end.into());
		let stopped = said(&folder, &["--tokens=3,1,4"]).unwrap();
		assert_eq!((stopped.tokens, stopped.end), (all[..=first].to_vec(), "stop"));
		let on = said(&folder, &["--tokens=3,1,4", "--max-tokens=9", "--ignore-stop"]).unwrap();
		assert_eq!((on.tokens, on.end), (all, "length"));
	}

	#[test]
	fn run_should_say_what_to_do_when_the_model_cannot_go_on_with_the_prompt() {
		let folder = temporary::Folder::llama("refused");
		let many = vec!["7"; 32].join(",");
		for (arguments, hint) in [
			(vec!["--tokens=260"], "another model's"),
			(vec!["--tokens", &many], "less than 32 tokens"),
			(vec!["--tokens=1", "--temperature=1000"], "0.01 to 100"),
			(vec!["--tokens=1", "--top-p=0"], "--top-p above 0"),
			(vec!["--tokens=1", "--stop=1,2,3,4,5,6,7,8,9"], "up to 8"),
			(vec!["--prompt=hello"], "--tokens 1,2,3"),
			(vec!["--input=/no/such/file"], "--tokens 1,2,3"),
		] {
			let error = said(&folder, &arguments).unwrap_err();
			assert_eq!(error.kind, Kind::Usage, "{arguments:?}");
			assert!(error.hint.as_ref().unwrap().contains(hint), "{arguments:?}: {error:?}");
		}
	}

	#[test]
	fn check_should_refuse_options_when_they_mean_nothing_to_the_model() {
		let folder = temporary::Folder::llama("options");
		let checked = |arguments: &[&str], architecture: &Architecture, is_json| {
			check(&args(&folder, arguments), architecture, is_json)
		};
		let llama = Folder::open(folder.as_path()).unwrap().architecture;
		let mlp = crate::commands::model::architecture("mlp", &[2, 1]).unwrap();
		assert!(checked(&["--tokens=1", "--logits", "--top-k=1"], &llama, true).is_ok());
		assert!(checked(&["--tokens=1", "--logits"], &llama, false).is_err());
		assert!(checked(&["--input=x"], &mlp, true).is_ok());
		for option in ["--max-tokens=1", "--ignore-stop", "--logits"] {
			let error = checked(&["--input=x", option], &mlp, true).unwrap_err();
			let name = option.split('=').next().unwrap();
			assert!(error.message.contains(name), "{option}: {}", error.message);
		}
	}

	#[test]
	fn answer_should_be_the_output_and_its_largest_when_the_model_takes_numbers() {
		let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
		let folder = Folder::open(&folder).unwrap();
		let input = format!("--input={}", folder.path.join("seven.json").display());
		let path = folder.path.to_str().unwrap();
		let given = given(&parse(path, &[&input]), &folder).unwrap();
		let answer = Answer::compute(&folder.load().unwrap(), given, Duration::ZERO).unwrap();
		let Answer::Output { output, largest, .. } = &answer else { panic!("{answer:?}") };
		assert_eq!((output.len(), *largest), (10, Some(7)));
		assert_eq!(answer.text().lines().count(), 10);
	}

	#[test]
	fn printer_should_write_the_whole_text_when_its_last_character_is_not_complete() {
		let json = crate::commands::model::tokenizer::tests::json();
		let folder = temporary::Folder::new("printer", &[("tokenizer.json", &json)]);
		let tokenizer = Tokenizer::open(folder.as_path()).unwrap().unwrap();
		// The two bytes of `é`, and the first of another one.
		let tokens = [257, 0xc3, 0xa9, 0xc3];
		let mut printer = Printer::new(true, Some(&tokenizer));
		assert!(tokens.iter().all(|token| printer.token(*token).is_continue()));
		assert_eq!(printer.written, "helé");
		let text = tokenizer.decode(&tokens).unwrap();
		assert_eq!(printer.rest(Some(&text)), "\u{fffd}");
		assert_eq!(printer.rest(Some("something else")), "");
	}

	#[test]
	fn run_should_take_text_and_give_text_when_there_is_a_tokenizer() {
		let folder = temporary::Folder::llama("text");
		let json = crate::commands::model::tokenizer::tests::json();
		std::fs::write(folder.as_path().join("tokenizer.json"), json).unwrap();
		let said = said(&folder, &["--prompt=hello", "--max-tokens=5"]).unwrap();
		assert_eq!(said.prompt_tokens, [258, 257, 108, 111]);
		let tokenizer = Tokenizer::open(folder.as_path()).unwrap().unwrap();
		assert_eq!(said.text, Some(tokenizer.decode(&said.tokens).unwrap()));
	}

	#[test]
	fn run_should_cut_a_text_where_the_folder_says() {
		let folder = temporary::Folder::llama("cut-text");
		let json = crate::commands::model::tokenizer::tests::json();
		for (name, content) in
			[("tokenizer.json", &*json), ("sentence_bert_config.json", r#"{"max_seq_length": 3}"#)]
		{
			std::fs::write(folder.as_path().join(name), content).unwrap();
		}
		let said = said(&folder, &["--prompt=hello", "--max-tokens=1"]).unwrap();
		assert_eq!(said.prompt_tokens, [258, 257, 108]);
	}
}
