//! Ask models on a fresh chain what they read and write, show how the answers came about, and have
//! voters put a better version into use.

mod upgrade;

use crate::{
	build, dev,
	node::{self, Node},
	report::{Failure, Outcome, Steps},
	root,
	setup::{self, Purpose},
	shell,
};
use serde_json::Value;
use std::{
	env,
	fs::{self, File},
	io::Write,
	path::Path,
	process::Stdio,
};

/// Images asked about.
const IMAGES: usize = 10;
/// Pixels in a row of an image.
const WIDTH: usize = 8;
/// From paper to ink.
const SHADES: [char; 6] = [' ', '.', ':', 'o', '#', '@'];
/// What the language model goes on with.
const BEGINNING: &str = "It was a fine morning, and";
/// How it does. Always taking the likeliest token, a small model repeats itself; with the seed, all
/// workers draw the same.
const HOW: [&str; 8] =
	["--max-tokens", "64", "--temperature", "0.8", "--top-k", "40", "--seed", "7"];
/// Characters in a line of its text.
const COLUMNS: usize = 92;

/// Sets up, builds, and runs the demonstration; the node ends with it.
pub fn run() -> Outcome<()> {
	let tools = setup::run(Purpose::Build)?;
	build::run(&tools)?;
	let log = env::temp_dir().join(format!("dodona-demo-{}.log", std::process::id()));
	let shown = show(&log);
	if shown.is_err() {
		println!("    the node's log: {}", log.display());
	} else {
		// A leftover in the temporary folder is no failure.
		let _ = fs::remove_file(&log);
	}
	shown
}

fn show(log: &Path) -> Outcome<()> {
	let mut steps = Steps::new(6);
	let node = steps.step("start a fresh chain", || {
		let file = File::create(log).map_err(|error| {
			Failure::new(format!("can't write to {}: {error}", log.display()), "set TMPDIR")
		})?;
		let quiet = ["--port", "0", "--no-prometheus"].map(String::from);
		let node = Node::start(node::free_port()?, &quiet, file.into())?;
		dev::tell_workers(&node)?;
		Ok(node)
	})?;
	let model = root().join("models/digits");
	steps.step("publish a model that reads digits", || publish(&node, &model, &[]))?;
	steps.step(&format!("ask it about {IMAGES} images that it has not seen"), || {
		let mut right = 0;
		let mut slowest = 0;
		for image in images(&model.join("held-out.json"), IMAGES)? {
			let arguments = ["digits", "--input", "-", "--no-wait-final"];
			let answer = ask(&node, &arguments, &format!("{:?}", image.pixels), answer)?;
			right += usize::from(answer.class == image.truth);
			slowest = slowest.max(answer.agreement.latency());
			println!("\n{}", card(&image, &answer));
		}
		println!(
			"\n    {right} of {IMAGES} are read right, each answer agreed on by a quorum, at most \
			 {slowest} blocks after the request"
		);
		Ok(())
	})?;
	steps.step("publish a model that writes", || {
		let about = ["--name", "novels", "--licence", "CC0-1.0"];
		publish(&node, &root().join("models/novels"), &about)
	})?;
	steps.step(&format!("have it go on with \"{BEGINNING}\""), || {
		let arguments = [&["novels", "--prompt", BEGINNING][..], &HOW].concat();
		println!("\n{}\n", page(&ask(&node, &arguments, "", said)?));
		Ok(())
	})?;
	let title = "measure a better version of a model that nobody owns, and vote on it";
	steps.step(title, || upgrade::run(&node, &model))
}

/// Publishes by the command line tool, as anyone would.
fn publish(node: &Node, model: &Path, about: &[&str]) -> Outcome<()> {
	let mut publish = dev::dodona(node);
	publish.args(["model", "publish"]).arg(model).args(about).args(["--price", "1"]);
	shell::run(&mut publish, "the node's log says more")
}

/// A held-out image.
struct Image {
	pixels: Vec<f64>,
	truth: u64,
}

/// What the network says about one.
struct Answer {
	class: u64,
	agreement: Agreement,
}

/// How the network goes on with a text.
struct Said {
	text: String,
	tokens: usize,
	agreement: Agreement,
	finalized: u64,
}

/// How an answer came about.
struct Agreement {
	votes: Vec<(String, bool)>,
	requested: u64,
	agreed: u64,
}

impl Agreement {
	fn of(value: &Value) -> Option<Self> {
		let votes = value["votes"]
			.as_array()?
			.iter()
			.map(|vote| Some((vote["operator"].as_str()?.to_owned(), vote["agrees"].as_bool()?)));
		Some(Self {
			votes: votes.collect::<Option<_>>()?,
			requested: value["blocks"]["request"].as_u64()?,
			agreed: value["blocks"]["agreed"].as_u64()?,
		})
	}

	/// Blocks from the request to `block`.
	fn after(&self, block: u64) -> u64 {
		block.saturating_sub(self.requested)
	}

	/// Blocks from the request to the agreement.
	fn latency(&self) -> u64 {
		self.after(self.agreed)
	}

	/// Who agrees, in lines.
	fn lines(&self) -> Vec<String> {
		let agreeing = self.votes.iter().filter(|(_, agrees)| *agrees).count();
		let mut lines = vec![format!("{agreeing} of {} seats agree:", self.votes.len())];
		lines.extend(self.votes.iter().map(|(operator, agrees)| {
			let short: String = operator.chars().take(12).collect();
			format!("  {short}… {}", if *agrees { "agrees" } else { "does not" })
		}));
		lines
	}
}

/// The first images of a file, up to `most`.
fn images(path: &Path, most: usize) -> Outcome<Vec<Image>> {
	let broken = |why: &dyn std::fmt::Display| {
		Failure::new(
			format!("{}: {why}", path.display()),
			"git checkout models/digits, or train it again: models/digits/README.md",
		)
	};
	let text = fs::read(path).map_err(|error| broken(&error))?;
	let all: Vec<Value> = serde_json::from_slice(&text).map_err(|error| broken(&error))?;
	let images: Option<Vec<Image>> = all.iter().take(most).map(image).collect();
	images
		.filter(|images| images.len() >= IMAGES.min(most))
		.ok_or_else(|| broken(&"not enough images"))
}

fn image(value: &Value) -> Option<Image> {
	let pixels = value["input"].as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
	Some(Image { pixels, truth: value["truth"].as_u64()? })
}

/// Asks by the command line tool, as anyone would; `read` takes the answer out of what it prints.
fn ask<T>(
	node: &Node,
	arguments: &[&str],
	input: &str,
	read: impl FnOnce(&Value) -> Option<T>,
) -> Outcome<T> {
	let value = call(node, &[&["ask"], arguments].concat(), input)?;
	read(&value).ok_or_else(|| {
		Failure::new(format!("there is no answer in {value}"), "the node's log says more")
	})
}

/// What the command line tool prints for scripts.
fn call(node: &Node, arguments: &[&str], input: &str) -> Outcome<Value> {
	let mut command = dev::dodona(node);
	command.arg("--json").args(arguments);
	command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
	let started = command.spawn();
	let failed = |why: &dyn std::fmt::Display| {
		Failure::new(format!("`{}`: {why}", shell::show(&command)), "the node's log says more")
	};
	let mut asking = started.map_err(|error| failed(&error))?;
	let written = asking.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
	let output = asking.wait_with_output().map_err(|error| failed(&error))?;
	// If it did not read the input, its own words are the better explanation.
	if !output.status.success() || !matches!(written, Some(Ok(()))) {
		return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
	}
	serde_json::from_slice(&output.stdout).map_err(|error| failed(&error))
}

fn answer(value: &Value) -> Option<Answer> {
	Some(Answer { class: value["answer"].as_u64()?, agreement: Agreement::of(value)? })
}

fn said(value: &Value) -> Option<Said> {
	Some(Said {
		text: value["text"].as_str()?.to_owned(),
		tokens: value["tokens"].as_array()?.len(),
		agreement: Agreement::of(value)?,
		finalized: value["blocks"]["final"].as_u64()?,
	})
}

/// The image, and beside it what was said about it.
fn card(image: &Image, answer: &Answer) -> String {
	let Answer { class, agreement } = answer;
	let verdict = if *class == image.truth { "right" } else { "wrong" };
	let mut said = vec![
		format!("answer {class}, truth {}: {verdict}", image.truth),
		format!("agreed in block {}, {} after the request", agreement.agreed, agreement.latency()),
	];
	said.extend(agreement.lines());
	let mut rows: Vec<String> = image.pixels.chunks(WIDTH).map(row).collect();
	let blank = " ".repeat(WIDTH * 2);
	rows.resize(rows.len().max(said.len()), blank);
	said.resize(rows.len(), String::new());
	let lines = rows.iter().zip(said).map(|(row, said)| format!("    {row}   {said}"));
	lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The text from its beginning, and below it how it came about.
fn page(said: &Said) -> String {
	let Said { text, tokens, agreement, finalized } = said;
	let mut lines = fold(&format!("{BEGINNING}{text}"), COLUMNS);
	lines.push(String::new());
	lines.push(format!(
		"{tokens} tokens: agreed in block {}, {} after the request; final in block {finalized}, {} \
		 after the request",
		agreement.agreed,
		agreement.latency(),
		agreement.after(*finalized)
	));
	lines.extend(agreement.lines());
	let lines = lines.iter().map(|line| format!("    {line}").trim_end().to_owned());
	lines.collect::<Vec<_>>().join("\n")
}

/// The lines of `text`, broken between words where they are longer than `columns`.
fn fold(text: &str, columns: usize) -> Vec<String> {
	let mut lines = Vec::new();
	for paragraph in text.lines() {
		let mut line = String::new();
		for word in paragraph.split_whitespace() {
			if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
				lines.push(std::mem::take(&mut line));
			}
			if !line.is_empty() {
				line.push(' ');
			}
			line.push_str(word);
		}
		lines.push(line);
	}
	lines
}

/// A row of pixels, each two characters wide: characters are half as wide as high.
fn row(pixels: &[f64]) -> String {
	let darkest = SHADES.len() - 1;
	let shade = |pixel: &f64| {
		let position = (pixel.clamp(0.0, 1.0) * darkest as f64).round() as usize;
		SHADES[position.min(darkest)]
	};
	pixels.iter().map(shade).flat_map(|shade| [shade, shade]).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;

	fn agreement() -> Agreement {
		let votes = vec![("5Grwva".to_owned(), true), ("5FHneW".to_owned(), false)];
		Agreement { votes, requested: 10, agreed: 13 }
	}

	#[test]
	fn row_should_go_from_paper_to_ink() {
		assert_eq!(row(&[0.0, 0.5, 1.0]), "  oo@@");
		assert_eq!(row(&[-1.0, 2.0]), "  @@");
	}

	#[test]
	fn card_should_say_so_when_the_answer_is_wrong() {
		let image = Image { pixels: vec![0.0; 64], truth: 3 };
		let card = card(&image, &Answer { class: 9, agreement: agreement() });
		assert!(card.contains("answer 9, truth 3: wrong"), "{card}");
		assert!(card.contains("agreed in block 13, 3 after the request"), "{card}");
		assert!(card.contains("1 of 2 seats agree"), "{card}");
	}

	#[test]
	fn page_should_show_the_whole_text_and_how_it_came_about() {
		let text = " we set out.\nThe road was long".to_owned();
		let page = page(&Said { text, tokens: 9, agreement: agreement(), finalized: 15 });
		assert!(
			page.starts_with("    It was a fine morning, and we set out.\n    The road"),
			"{page}"
		);
		let when = "9 tokens: agreed in block 13, 3 after the request; final in block 15, 5 after";
		assert!(page.contains(when), "{page}");
		assert!(page.contains("1 of 2 seats agree"), "{page}");
	}

	#[test]
	fn fold_should_break_long_lines_between_words() {
		assert_eq!(fold("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
		assert_eq!(fold("one two", 7), ["one two"]);
		assert_eq!(fold("incomprehensibly long", 5), ["incomprehensibly", "long"]);
	}

	#[test]
	fn answer_should_be_none_when_the_request_failed() {
		let blocks = json!({ "request": 1, "agreed": 4, "final": 6 });
		let votes = json!([{ "operator": "5Grwva", "agrees": true }]);
		let agreed = json!({ "answer": 7, "votes": votes, "blocks": blocks });
		assert_eq!(answer(&agreed).unwrap().agreement.latency(), 3);
		assert!(answer(&json!({ "answer": null, "votes": [], "blocks": blocks })).is_none());

		let mut written =
			json!({ "text": "a", "tokens": [1, 2], "votes": votes, "blocks": blocks });
		let said_at = said(&written).unwrap();
		assert_eq!((said_at.tokens, said_at.agreement.after(said_at.finalized)), (2, 5));
		written["text"] = Value::Null;
		assert!(said(&written).is_none());
	}

	#[test]
	fn images_of_the_repository_should_be_enough_for_the_demonstration() {
		let images = images(&root().join("models/digits/held-out.json"), IMAGES).unwrap();
		assert!(images
			.iter()
			.all(|image| image.pixels.len() == WIDTH * WIDTH && image.truth < 10));
	}
}
