//! `dodona model quantize`: 8-bit weights out of floats, and what that costs.

use super::folder::{self, Folder, WEIGHTS};
use crate::{
	args::Quantize,
	commands::ask::input,
	error::{Error, Result},
	Session,
};
use codec::Encode;
use dodona_engine::{
	huggingface::Q8_METHOD, quantize::quantize, Architecture, Class, EngineError, Model, Tensors,
};
use serde::Serialize;
use serde_json::{json, Value};
use std::{
	fs::{self, File},
	io::{BufWriter, ErrorKind, Write},
	path::Path,
};

/// Most tokens that a step of a trial sees, if nobody says how many.
const CONTEXT: u32 = 512;
/// Longest text that is tried, in bytes.
const MAX_TEXT_LEN: u64 = 64 * 1024 * 1024;
/// Longest file that is copied, in bytes.
const MAX_COPY_LEN: usize = 256 * 1024 * 1024;
/// What belongs to a model besides its weights, and stays as it is.
const COPIED: [&str; 14] = [
	"1_Pooling/config.json",
	"LICENSE",
	"chat_template.jinja",
	"config_sentence_transformers.json",
	"generation_config.json",
	"merges.txt",
	"modules.json",
	"sentence_bert_config.json",
	"special_tokens_map.json",
	"tokenizer.json",
	"tokenizer.model",
	"tokenizer_config.json",
	"vocab.json",
	"vocab.txt",
];

pub fn run(session: &Session, args: Quantize) -> Result<()> {
	let before = Folder::open(&args.folder)?;
	if before.architecture.class() == Class::Q8 {
		return Err(Error::usage(format!("{} is an 8-bit model", args.folder.display()))
			.hint("quantise the model that it was made from"));
	}
	let trial = match &args.text {
		Some(path) => Some(Trial::read(path, args.context, &before)?),
		None => None,
	};
	check_out(&args.out)?;

	let spinner = session.output.spinner("quantising");
	write(&before, &args.out)?;
	let after = Folder::open(&args.out)?;
	spinner.finish_and_clear();

	let loss = match &trial {
		Some(trial) => {
			// One after the other: only one of them is in memory.
			let measured = [&before, &after].map(|folder| {
				let bar = session.output.bar(trial.steps(), "measuring");
				let measured = trial.measure(&folder.load()?, || bar.inc(1));
				bar.finish_and_clear();
				measured.map_err(|error| Error::failed(format!("the trial failed: {error}")))
			});
			let [before, after] = measured;
			Some(trial.compare(before?, after?))
		},
		None => None,
	};
	let document = Done {
		folder: args.out.display().to_string(),
		bytes: Change { before: before.size(), after: after.size() },
		loss,
	};
	session.output.result(&document, || document.text());
	Ok(())
}

/// Refuses a folder with something in it.
fn check_out(out: &Path) -> Result<()> {
	let is_empty = match fs::read_dir(out) {
		Ok(mut entries) => entries.next().is_none(),
		Err(error) if error.kind() == ErrorKind::NotFound => true,
		Err(error) => return Err(Error::usage(format!("{}: {error}", out.display()))),
	};
	if is_empty {
		return Ok(());
	}
	Err(Error::usage(format!("{} is not empty", out.display())).hint("name a new folder"))
}

/// Writes the 8-bit model of `folder` to `out`.
fn write(folder: &Folder, out: &Path) -> Result<()> {
	let fault = |path: &Path, error: &dyn std::fmt::Display| {
		Error::failed(format!("{}: {error}", path.display()))
	};
	fs::create_dir_all(out).map_err(|error| fault(out, &error))?;
	for name in COPIED {
		let Some(bytes) = folder::read(&folder.path, name, MAX_COPY_LEN)? else { continue };
		let path = out.join(name);
		let parent = path.parent().unwrap_or(out);
		fs::create_dir_all(parent)
			.and_then(|()| fs::write(&path, bytes))
			.map_err(|error| fault(&path, &error))?;
	}

	// Without this name it is no model: what is interrupted is not taken for one.
	let part = out.join(format!("{WEIGHTS}.part"));
	let path = out.join(WEIGHTS);
	let mut file = File::create(&part).map(BufWriter::new).map_err(|error| fault(&part, &error))?;
	let mut failed = None;
	let tensors = Tensors::open(&folder.sources()).map_err(|error| folder.unfit(error))?;
	let written = quantize(&folder.architecture, &tensors, &mut |bytes| {
		file.write_all(bytes).map_err(|error| {
			failed = Some(error);
			EngineError::Backend
		})
	});
	let flushed = file.flush();
	if let Some(error) = failed.or(flushed.err()) {
		return Err(fault(&part, &error).hint("make room, delete the folder and try again"));
	}
	written.map_err(|error| {
		// Nothing is left behind of a model that can't be quantised.
		let _ = fs::remove_dir_all(out);
		folder.unfit(error)
	})?;
	fs::rename(&part, &path).map_err(|error| fault(&path, &error))?;

	let path = out.join("config.json");
	let config = marked(&folder.config).map_err(|error| fault(&path, &error))?;
	fs::write(&path, config).map_err(|error| fault(&path, &error))
}

/// `config`, with what says that the weights are of class `Q8`.
fn marked(config: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
	let mut config: Value = serde_json::from_slice(config)?;
	if let Value::Object(fields) = &mut config {
		fields.insert("quantization_config".into(), json!({ "quant_method": Q8_METHOD }));
	}
	let mut json = serde_json::to_vec_pretty(&config)?;
	json.push(b'\n');
	Ok(json)
}

/// What both models are tried on.
#[derive(Debug, PartialEq)]
enum Trial {
	/// A language model: windows of a text, each beginning with the last token of the one before,
	/// so that every token but the first is guessed once.
	Windows { windows: Vec<Vec<u32>>, context: usize },
	/// An encoder: the lines of a text.
	Lines(Vec<Vec<u32>>),
}

impl Trial {
	fn read(path: &Path, context: Option<u32>, folder: &Folder) -> Result<Self> {
		let fault =
			|error: &dyn std::fmt::Display| Error::usage(format!("{}: {error}", path.display()));
		let size = fs::metadata(path).map_err(|error| fault(&error))?.len();
		if size > MAX_TEXT_LEN {
			return Err(fault(&format!("a text of more than {MAX_TEXT_LEN} bytes")));
		}
		let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
		let mut tokenizer = folder.tokenizer()?.ok_or_else(|| {
			Error::usage(format!("{} has no tokenizer.json", folder.path.display()))
				.hint("leave out --text")
		})?;
		match &folder.architecture {
			Architecture::Llama(config) => {
				let context = context.unwrap_or(CONTEXT.min(config.max_positions));
				if context < 2 || context > config.max_positions {
					return Err(Error::usage(format!("a context of {context} tokens"))
						.hint(format!("--context from 2 to {}", config.max_positions)));
				}
				let tokens = tokenizer.encode(&text, None)?.tokens;
				let context = context as usize;
				let windows = windows(&tokens, context);
				if windows.is_empty() {
					return Err(fault(&"too short a text").hint("at least two tokens are needed"));
				}
				Ok(Self::Windows { windows, context })
			},
			Architecture::Bert(config) => {
				let limit = folder.text_limit()?.unwrap_or(config.max_positions as usize);
				let lines = text.lines().filter(|line| !line.trim().is_empty());
				let lines = lines.map(|line| Ok(tokenizer.encode(line, Some(limit))?.tokens));
				let lines = lines.collect::<Result<Vec<_>>>()?;
				if lines.is_empty() {
					return Err(fault(&"there is no text in it"));
				}
				Ok(Self::Lines(lines))
			},
			Architecture::Mlp(_) | Architecture::Cnn(_) => {
				Err(Error::usage("the model does not read text").hint("leave out --text"))
			},
		}
	}

	fn steps(&self) -> u64 {
		match self {
			Self::Windows { windows, .. } => windows.len() as u64,
			Self::Lines(lines) => lines.len() as u64,
		}
	}

	/// For each window its loss, for each line its embedding.
	fn measure(&self, model: &Model, mut step: impl FnMut()) -> Result<Vec<Vec<f64>>, EngineError> {
		let windows = match self {
			Self::Windows { windows, .. } => windows,
			Self::Lines(lines) => lines,
		};
		windows
			.iter()
			.map(|tokens| {
				let measured = match model.llama() {
					Some(llama) => vec![llama.loss(tokens)?],
					None => {
						let output = model.run(&tokens.encode())?;
						let values = input::decode(&output).unwrap_or_default();
						values.into_iter().map(f64::from).collect()
					},
				};
				step();
				Ok(measured)
			})
			.collect()
	}

	fn compare(&self, before: Vec<Vec<f64>>, after: Vec<Vec<f64>>) -> Loss {
		match self {
			Self::Windows { windows, context } => {
				let tokens: usize = windows.iter().map(|window| window.len() - 1).sum();
				let perplexity = |losses: &[Vec<f64>]| {
					(losses.iter().flatten().sum::<f64>() / tokens as f64).exp()
				};
				let (before, after) = (perplexity(&before), perplexity(&after));
				Loss::Perplexity { perplexity: Change { before, after }, tokens, context: *context }
			},
			Self::Lines(lines) => {
				let cosines: Vec<f64> = before
					.iter()
					.zip(&after)
					.map(|(before, after)| cosine(before, after))
					.collect();
				let cosine = Cosine {
					mean: cosines.iter().sum::<f64>() / cosines.len() as f64,
					least: cosines.iter().copied().fold(1.0, f64::min),
				};
				Loss::Cosine { cosine, texts: lines.len() }
			},
		}
	}
}

/// `tokens` in windows that overlap by one.
fn windows(tokens: &[u32], context: usize) -> Vec<Vec<u32>> {
	let step = context.saturating_sub(1).max(1);
	(0..tokens.len().saturating_sub(1))
		.step_by(step)
		.map(|start| tokens[start..tokens.len().min(start + context)].to_vec())
		.collect()
}

fn cosine(left: &[f64], right: &[f64]) -> f64 {
	let dot = |left: &[f64], right: &[f64]| {
		left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>()
	};
	dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[derive(Serialize)]
struct Done {
	folder: String,
	bytes: Change<u64>,
	/// What the model lost, if there was a text to try it on.
	#[serde(flatten)]
	loss: Option<Loss>,
}

#[derive(Serialize)]
struct Change<T> {
	before: T,
	after: T,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Loss {
	Perplexity {
		perplexity: Change<f64>,
		tokens: usize,
		context: usize,
	},
	/// Between the embeddings of both.
	Cosine {
		cosine: Cosine,
		texts: usize,
	},
}

#[derive(Serialize)]
struct Cosine {
	mean: f64,
	least: f64,
}

impl Done {
	fn text(&self) -> String {
		let Change { before, after } = self.bytes;
		let share = after as f64 / before.max(1) as f64;
		let size = format!("weights     {before} bytes, now {after} ({:.0} %)", share * 100.0);
		let loss = match &self.loss {
			Some(Loss::Perplexity { perplexity: Change { before, after }, tokens, context }) => {
				let more = (after / before - 1.0) * 100.0;
				format!(
					"perplexity  {before:.4}, now {after:.4} ({more:+.2} %), \
					 over {tokens} tokens in windows of {context}"
				)
			},
			Some(Loss::Cosine { cosine: Cosine { mean, least }, texts }) => format!(
				"cosine      {mean:.6} between the embeddings of both, at least {least:.6}, \
				 over {texts} lines"
			),
			None => "loss        not measured; with --text FILE it is".into(),
		};
		format!("{size}\n{loss}\nrun it: dodona model run {}", self.folder)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{commands::model::temporary, error::Kind};

	#[test]
	fn windows_should_guess_every_token_but_the_first_once() {
		let tokens: Vec<u32> = (0..10).collect();
		assert_eq!(windows(&tokens, 4), [vec![0, 1, 2, 3], vec![3, 4, 5, 6], vec![6, 7, 8, 9]]);
		assert_eq!(windows(&tokens[..9], 4)[2..], [vec![6, 7, 8]]);
		assert_eq!(windows(&tokens[..8], 4)[2..], [vec![6, 7]]);
		assert_eq!(windows(&tokens[..7], 4).len(), 2);
		assert_eq!(windows(&tokens, 2).len(), 9);
		assert_eq!(windows(&tokens, 512).concat(), tokens);
		assert!(windows(&tokens[..1], 4).is_empty() && windows(&[], 4).is_empty());
	}

	#[test]
	fn perplexity_should_be_the_number_of_tokens_when_all_are_equally_likely() {
		let trial = Trial::Windows { windows: windows(&[0; 9], 4), context: 4 };
		let of = |each: f64| vec![vec![3.0 * each], vec![3.0 * each], vec![2.0 * each]];
		let Loss::Perplexity { perplexity, tokens, .. } =
			trial.compare(of(16f64.ln()), of(32f64.ln()))
		else {
			panic!("no perplexity");
		};
		assert_eq!(tokens, 8);
		assert!((perplexity.before - 16.0).abs() < 1e-9 && (perplexity.after - 32.0).abs() < 1e-9);
	}

	#[test]
	fn cosine_should_say_how_far_two_directions_are_apart() {
		let trial = Trial::Lines(vec![vec![], vec![]]);
		let before = vec![vec![1.0, 0.0], vec![0.0, 2.0]];
		let after = vec![vec![3.0, 0.0], vec![1.0, 1.0]];
		let Loss::Cosine { cosine: Cosine { mean, least }, texts } = trial.compare(before, after)
		else {
			panic!("no cosine");
		};
		assert_eq!(texts, 2);
		assert!((least - 0.5f64.sqrt()).abs() < 1e-12, "{least}");
		assert!((mean - (1.0 + least) / 2.0).abs() < 1e-12, "{mean}");
	}

	#[test]
	fn configuration_should_be_marked_and_otherwise_stay_when_it_is_quantised() {
		let config = br#"{"model_type": "llama", "quantization_config": null, "x": [1, 2.5]}"#;
		let value: Value = serde_json::from_slice(&marked(config).unwrap()).unwrap();
		let expected = json!({
			"model_type": "llama",
			"quantization_config": { "quant_method": "dodona_q8" },
			"x": [1, 2.5],
		});
		assert_eq!(value, expected);
	}

	#[test]
	fn quantised_folder_should_be_a_smaller_model_of_the_other_class() {
		let source = temporary::Folder::llama("floats");
		source.change("config.json", |config| config["eos_token_id"] = 7.into());
		fs::write(source.as_path().join("generation_config.json"), r#"{"eos_token_id": [8]}"#)
			.unwrap();
		let out = temporary::Folder::new("bytes", &[]);
		let floats = Folder::open(source.as_path()).unwrap();
		write(&floats, out.as_path()).unwrap();
		let bytes = Folder::open(out.as_path()).unwrap();
		assert_eq!(
			(floats.architecture.class(), bytes.architecture.class()),
			(Class::F32, Class::Q8)
		);
		assert!(bytes.size() * 3 < floats.size() * 2, "{} of {}", bytes.size(), floats.size());
		let Architecture::Llama(config) = &bytes.architecture else { panic!("no llama") };
		assert_eq!(config.stop[..], [8]);
		assert_eq!(fs::read_dir(out.as_path()).unwrap().count(), 3);

		let trial = Trial::Windows { windows: windows(&[1, 2, 3, 4, 5, 6, 7], 4), context: 4 };
		let mut steps = 0;
		let [before, after] = [&floats, &bytes]
			.map(|folder| trial.measure(&folder.load().unwrap(), || steps += 1).unwrap());
		let Loss::Perplexity { perplexity, tokens, .. } = trial.compare(before, after) else {
			panic!("no perplexity");
		};
		assert_eq!((tokens, steps), (6, 4));
		let change = perplexity.after / perplexity.before;
		assert!(change != 1.0 && (0.9..1.1).contains(&change), "{change}");
	}

	#[test]
	fn out_should_be_empty_when_a_model_cannot_be_quantised() {
		let source = temporary::Folder::llama("mismatch");
		source.change("config.json", |config| config["vocab_size"] = 261.into());
		let out = temporary::Folder::new("nothing", &[]);
		let error = write(&Folder::open(source.as_path()).unwrap(), out.as_path()).unwrap_err();
		assert!(error.message.contains("model.embed_tokens"), "{}", error.message);
		assert!(check_out(out.as_path()).is_ok());
	}

	#[test]
	fn out_should_be_refused_when_there_is_something_in_it() {
		let folder = temporary::Folder::new("out", &[]);
		let path = folder.as_path();
		assert!(check_out(path).is_ok());
		assert!(check_out(&path.join("new")).is_ok());
		fs::write(path.join("a"), "").unwrap();
		assert_eq!(check_out(path).unwrap_err().kind, Kind::Usage);
		assert_eq!(check_out(&path.join("a")).unwrap_err().kind, Kind::Usage);
	}
}
