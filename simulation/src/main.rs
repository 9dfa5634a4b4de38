//! What honest and dishonest operators earn over a thousand eras, and how often a wrong answer
//! becomes final: `cargo run -p dodona-simulation -- [FOLDER] [SEED]`.
//!
//! Committees, shares, slashes and earnings are computed by the pallet's own arithmetic. The same
//! seed gives the same figures.
#![deny(missing_docs)]

mod chart;
mod model;
mod random;
mod tree;

use chart::{Chart, Line};
use model::{Outcome, Parameters, Strategy};
use std::{fs, io, path::PathBuf, process::ExitCode};

/// Shares of the stake that are dishonest, in percent.
const SHARES: [u32; 13] = [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60];

struct Row {
	strategy: Strategy,
	challenges: bool,
	share: u32,
	outcome: Outcome,
}

fn main() -> ExitCode {
	let mut arguments = std::env::args().skip(1);
	let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "docs/simulation".into()));
	let seed = match arguments.next().map(|seed| seed.parse()) {
		None => 1,
		Some(Ok(seed)) => seed,
		Some(Err(_)) => {
			eprintln!("the seed must be a number: dodona-simulation [FOLDER] [SEED]");
			return ExitCode::FAILURE;
		},
	};
	let parameters = Parameters::default();
	let rows = run(&parameters, seed);
	print(&rows);
	match write(&folder, &rows, &parameters) {
		Ok(()) => {
			println!("\nfigures are in {}", folder.display());
			ExitCode::SUCCESS
		},
		Err(error) => {
			eprintln!("{} can't be written: {error}", folder.display());
			ExitCode::FAILURE
		},
	}
}

fn run(parameters: &Parameters, seed: u64) -> Vec<Row> {
	let mut rows = Vec::new();
	for strategy in Strategy::DISHONEST {
		for challenges in [false, true] {
			for share in SHARES {
				let outcome = model::run(parameters, strategy, share, challenges, seed);
				rows.push(Row { strategy, challenges, share, outcome });
			}
		}
	}
	rows
}

fn print(rows: &[Row]) {
	println!("strategy    challenges  share  honest %  dishonest %  wrong and final");
	for row in rows {
		println!(
			"{:<11} {:<10}  {:>4}%  {:>8.2}  {:>11}  {:>15.6}",
			row.strategy.name(),
			if row.challenges { "yes" } else { "no" },
			row.share,
			row.outcome.honest * 100.0,
			row.outcome
				.dishonest
				.map_or("-".into(), |profit| format!("{:.2}", profit * 100.0)),
			row.outcome.wrong,
		);
	}
	println!();
	for strategy in Strategy::DISHONEST {
		for challenges in [false, true] {
			let of = |row: &&Row| row.strategy == strategy && row.challenges == challenges;
			let pays = rows
				.iter()
				.filter(of)
				.find(|row| row.outcome.dishonest > Some(row.outcome.honest.max(0.0)));
			let with = if challenges { "with" } else { "without" };
			match pays {
				Some(row) => println!(
					"{} pays more than honesty from {} % of the stake on, {with} challenges",
					strategy.name(),
					row.share
				),
				None => println!(
					"{} never pays more than honesty up to {} % of the stake, {with} challenges",
					strategy.name(),
					SHARES[SHARES.len() - 1]
				),
			}
		}
	}
}

fn write(folder: &PathBuf, rows: &[Row], parameters: &Parameters) -> io::Result<()> {
	fs::create_dir_all(folder)?;
	let mut table = String::from("strategy,challenges,share,honest,dishonest,wrong\n");
	for row in rows {
		let Outcome { honest, dishonest, wrong } = row.outcome;
		let dishonest = dishonest.map_or(String::new(), |profit| format!("{profit:.6}"));
		table += &format!(
			"{},{},{},{honest:.6},{dishonest},{wrong:.8}\n",
			row.strategy.name(),
			row.challenges,
			row.share
		);
	}
	fs::write(folder.join("figures.csv"), table)?;

	let points = |strategy: Strategy, challenges: bool, value: &dyn Fn(&Outcome) -> Option<f64>| {
		rows.iter()
			.filter(|row| row.strategy == strategy && row.challenges == challenges)
			.filter_map(|row| Some((f64::from(row.share), value(&row.outcome)?)))
			.collect::<Vec<_>>()
	};
	for (challenges, file) in [(false, "profit.svg"), (true, "profit-challenged.svg")] {
		let mut lines: Vec<_> = Strategy::DISHONEST
			.into_iter()
			.map(|strategy| Line {
				name: strategy.name().into(),
				points: points(strategy, challenges, &|outcome| outcome.dishonest),
				dashed: false,
			})
			.collect();
		lines.push(Line {
			name: "honest, beside colluding".into(),
			points: points(Strategy::Colluding, challenges, &|outcome| Some(outcome.honest)),
			dashed: true,
		});
		let with = if challenges { "with" } else { "without" };
		let chart = Chart {
			title: format!("Profit over {} eras, {with} challenges", parameters.eras),
			across: "dishonest share of the stake, %".into(),
			up: "profit, % of the own bond".into(),
			lines,
			scale: 100.0,
		};
		fs::write(folder.join(file), chart.svg())?;
	}
	let mut lines = Vec::new();
	for challenges in [false, true] {
		let with = if challenges { "with" } else { "without" };
		lines.push(Line {
			name: format!("colluding, {with} challenges"),
			points: points(Strategy::Colluding, challenges, &|outcome| Some(outcome.wrong)),
			dashed: false,
		});
		let expected = SHARES
			.iter()
			.map(|share| {
				let adversary = f64::from(*share) / 100.0;
				(f64::from(*share), model::wrong_expected(parameters, adversary, challenges))
			})
			.collect();
		let name = format!("expected, {with} challenges");
		lines.push(Line { name, points: expected, dashed: true });
	}
	let chart = Chart {
		title: "Requests that end with a wrong answer".into(),
		across: "colluding share of the stake, %".into(),
		up: "part of all requests, %".into(),
		lines,
		scale: 100.0,
	};
	fs::write(folder.join("wrong.svg"), chart.svg())
}
