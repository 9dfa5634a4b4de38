//! What is printed, and where: results to standard output, everything else to standard error.

use crate::error::Error;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use std::{
	cell::Cell,
	io::{self, ErrorKind, Write},
	time::Duration,
};

/// Prints for people, or for scripts.
pub struct Output {
	json: bool,
	printed: Cell<bool>,
}

impl Output {
	pub fn new(json: bool) -> Self {
		Self { json, printed: Cell::new(false) }
	}

	/// Prints the one result of this run: `value` for scripts, `text` for people.
	pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
		self.printed.set(true);
		if self.json {
			print(&serde_json::to_string_pretty(value).unwrap_or_default());
		} else {
			print(text().trim_end());
		}
	}

	/// Whether a script reads along.
	pub fn is_json(&self) -> bool {
		self.json
	}

	/// Prints the one result of this run for scripts, in one line: it may have long lists.
	pub fn document(&self, value: &impl Serialize) {
		self.printed.set(true);
		print(&serde_json::to_string(value).unwrap_or_default());
	}

	/// Prints why this run ends without what it was asked for.
	pub fn error(&self, error: &Error) {
		eprintln!("error: {}", error.message);
		if let Some(hint) = &error.hint {
			eprintln!("  try: {hint}");
		}
		// Scripts get one document: a result that was printed has the error in it.
		if self.json && !self.printed.get() {
			let document = json!({ "error": error.json() });
			print(&serde_json::to_string_pretty(&document).unwrap_or_default());
		}
	}

	/// Says what is done.
	pub fn note(&self, text: impl AsRef<str>) {
		eprintln!("{}", text.as_ref());
	}

	/// A bar for work of known length. Without a terminal it stays invisible.
	pub fn bar(&self, length: u64, what: &'static str) -> ProgressBar {
		let style = ProgressStyle::with_template("{msg} [{bar:32}] {pos}/{len} {elapsed}")
			.unwrap_or_else(|_| ProgressStyle::default_bar());
		ProgressBar::new(length).with_style(style).with_message(what)
	}

	/// A bar for so many bytes. Without a terminal it stays invisible.
	pub fn bytes(&self, length: u64, what: &'static str) -> ProgressBar {
		let template =
			"{msg} [{bar:32}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
		let style =
			ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
		ProgressBar::new(length).with_style(style).with_message(what)
	}

	/// A sign of life for work of unknown length. Without a terminal it stays invisible.
	pub fn spinner(&self, what: impl Into<String>) -> ProgressBar {
		let spinner = ProgressBar::new_spinner().with_message(what.into());
		spinner.enable_steady_tick(Duration::from_millis(120));
		spinner
	}
}

/// Writes a line to standard output, whose reader may have had enough.
pub fn print(line: &str) {
	match writeln!(io::stdout().lock(), "{line}") {
		Err(error) if error.kind() != ErrorKind::BrokenPipe => {
			eprintln!("error: standard output: {error}");
		},
		_ => {},
	}
}

/// Columns, each as wide as its widest cell.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
	let width = |column: usize| {
		let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
		cells.chain(header.get(column).map(|cell| cell.len())).max().unwrap_or(0)
	};
	let widths: Vec<usize> = (0..header.len()).map(width).collect();
	let line = |cells: &mut dyn Iterator<Item = &str>| {
		let padded: Vec<String> =
			cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
		padded.join("  ").trim_end().to_owned()
	};
	let mut lines = vec![line(&mut header.iter().copied())];
	lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
	lines.join("\n")
}

#[cfg(test)]
mod tests {
	use super::table;

	#[test]
	fn table_should_align_its_columns_when_cells_differ_in_width() {
		let rows = [vec!["1".into(), "long name".into()], vec!["22".into(), "b".into()]];
		assert_eq!(table(&["id", "name"], &rows), "id  name\n1   long name\n22  b");
	}
}
