//! A language model that is timed from outside, by lines on standard input and output.
//!
//! `contender engine|candle <folder>` loads the model and says how long that took, in seconds. Then
//! `prefill <n>` and `decode <n>` are answered with seconds, the latter with the tokens, too, and
//! `memory` with the most bytes that the process has had. `RAYON_NUM_THREADS` says how many threads.
//! `contender quantize <folder> <out>` writes an 8-bit model.

use dodona_engine::{self_test, Architecture};
use dodona_engine_bench::{candle, engine::Engine, tokens, LanguageModel, Result, Weights};
use std::{env, fs, io, path::Path, time::Instant};

fn main() -> Result<()> {
	let arguments: Vec<String> = env::args().skip(1).collect();
	let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
	match arguments[..] {
		["engine", folder] => {
			self_test()?;
			let weights = Weights::of_folder(Path::new(folder))?;
			serve(&weights, |weights| Engine::load(weights))
		},
		["candle", folder] => {
			let weights = Weights::of_folder(Path::new(folder))?;
			serve(&weights, |weights| candle::Llama::load(weights))
		},
		["quantize", folder, out] => {
			let folder = Path::new(folder);
			let config = fs::read(folder.join("config.json"))?;
			Weights::of_folder(folder)?.quantize(&config, Path::new(out))
		},
		_ => {
			Err("usage: contender engine|candle <folder>, contender quantize <folder> <out>".into())
		},
	}
}

fn serve<M: LanguageModel>(
	weights: &Weights,
	load: impl FnOnce(&Weights) -> Result<M>,
) -> Result<()> {
	let Architecture::Llama(config) = &weights.architecture else {
		return Err("no language model".into());
	};
	let start = Instant::now();
	let mut model = load(weights)?;
	println!("{}", start.elapsed().as_secs_f64());
	for line in io::stdin().lines() {
		let line = line?;
		match line.split_once(' ') {
			Some(("prefill", count)) => {
				let tokens = tokens(config.vocab, count.parse()?);
				let start = Instant::now();
				model.prefill(&tokens)?;
				println!("{}", start.elapsed().as_secs_f64());
			},
			Some(("decode", count)) => {
				let count = count.parse()?;
				let start = Instant::now();
				let tokens = model.decode(1, count)?;
				let seconds = start.elapsed().as_secs_f64();
				println!("{seconds} {tokens:?}");
			},
			_ if line == "memory" => println!("{}", peak()?),
			_ => return Err(format!("`{line}` is no command").into()),
		}
	}
	Ok(())
}

/// The most memory that this process has had, in bytes.
fn peak() -> Result<u64> {
	let status = fs::read_to_string("/proc/self/status")?;
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
	let kibibytes: u64 = line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").trim().parse()?;
	Ok(kibibytes * 1024)
}
