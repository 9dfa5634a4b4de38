//! SPDX licence expressions.
//!
//! ```text
//! expression  = operand { ("AND" | "OR") operand }
//! operand     = "(" expression ")" | licence [ "WITH" exception ]
//! licence     = id [ "+" ] | [ "DocumentRef-" word ":" ] "LicenseRef-" word
//! ```
//!
//! Ids and exceptions are those of the SPDX lists, in capital or small letters. Operators are all in
//! capital or all in small letters.

mod spdx;

use core::{cmp::Ordering, fmt};

/// How deep parentheses may be nested.
const MAX_DEPTH: u32 = 8;

/// What is wrong with an expression, and at which byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LicenceFault {
	/// A licence or an opening parenthesis is missing.
	NoLicence {
		/// Where it should be.
		at: usize,
	},
	/// There is no such licence.
	UnknownLicence {
		/// Where it is named.
		at: usize,
	},
	/// There is no such exception, or none is named.
	UnknownException {
		/// Where it should be.
		at: usize,
	},
	/// `AND` or `OR` is missing.
	NoOperator {
		/// Where it should be.
		at: usize,
	},
	/// A parenthesis is not closed.
	Unclosed {
		/// Where it opens.
		at: usize,
	},
	/// A parenthesis is closed that was not opened.
	Unopened {
		/// Where it closes.
		at: usize,
	},
	/// Parentheses are nested too deep.
	TooDeep {
		/// Where the innermost opens.
		at: usize,
	},
}

impl fmt::Display for LicenceFault {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let (at, what) = match self {
			Self::NoLicence { at } => (at, "a licence is missing"),
			Self::UnknownLicence { at } => {
				(at, "no licence of the SPDX list has this id: name another by `LicenseRef-…`")
			},
			Self::UnknownException { at } => (at, "no exception of the SPDX list has this id"),
			Self::NoOperator { at } => (at, "`AND` or `OR` is missing"),
			Self::Unclosed { at } => (at, "the parenthesis is not closed"),
			Self::Unopened { at } => (at, "the parenthesis was not opened"),
			Self::TooDeep { at } => (at, "parentheses are nested too deep: at most 8"),
		};
		write!(f, "at byte {at}: {what}")
	}
}

impl core::error::Error for LicenceFault {}

/// Refuses what is not an SPDX licence expression.
pub fn check(expression: &[u8]) -> Result<(), LicenceFault> {
	Expression { text: expression, at: 0 }.check(None, 0)
}

/// What is left of an expression.
struct Expression<'a> {
	text: &'a [u8],
	/// Bytes of it that are read.
	at: usize,
}

/// A word or a parenthesis, and where it begins.
type Word<'a> = (usize, &'a [u8]);

impl<'a> Expression<'a> {
	/// Checks operands and operators up to the end; within a parenthesis that opens at `opened`, up
	/// to and with the one that closes it.
	fn check(&mut self, opened: Option<usize>, depth: u32) -> Result<(), LicenceFault> {
		loop {
			self.operand(depth)?;
			match (self.next(), opened) {
				(None, None) => return Ok(()),
				(None, Some(at)) => return Err(LicenceFault::Unclosed { at }),
				(Some((_, b")")), Some(_)) => return Ok(()),
				(Some((at, b")")), None) => return Err(LicenceFault::Unopened { at }),
				(Some((_, b"AND" | b"and" | b"OR" | b"or")), _) => {},
				(Some((at, _)), _) => return Err(LicenceFault::NoOperator { at }),
			}
		}
	}

	fn operand(&mut self, depth: u32) -> Result<(), LicenceFault> {
		match self.next() {
			None => Err(LicenceFault::NoLicence { at: self.at }),
			Some((at, b")" | b"AND" | b"and" | b"OR" | b"or" | b"WITH" | b"with")) => {
				Err(LicenceFault::NoLicence { at })
			},
			Some((at, b"(")) if depth >= MAX_DEPTH => Err(LicenceFault::TooDeep { at }),
			Some((at, b"(")) => self.check(Some(at), depth.saturating_add(1)),
			Some((at, word)) if !is_licence(word) => Err(LicenceFault::UnknownLicence { at }),
			Some(_) => self.exception(),
		}
	}

	/// Reads `WITH` and an exception, if they follow.
	fn exception(&mut self) -> Result<(), LicenceFault> {
		let before = self.at;
		let Some((_, b"WITH" | b"with")) = self.next() else {
			self.at = before;
			return Ok(());
		};
		match self.next() {
			Some((_, word)) if is_listed(spdx::EXCEPTIONS, word) => Ok(()),
			Some((at, _)) => Err(LicenceFault::UnknownException { at }),
			None => Err(LicenceFault::UnknownException { at: self.at }),
		}
	}

	/// The next word.
	fn next(&mut self) -> Option<Word<'a>> {
		let left = self.text.get(self.at..)?;
		let spaces = left.iter().take_while(|byte| **byte == b' ').count();
		let (start, left) = (self.at.saturating_add(spaces), left.get(spaces..)?);
		let len = match left.first()? {
			b'(' | b')' => 1,
			_ => left.iter().take_while(|byte| !b" ()".contains(byte)).count(),
		};
		self.at = start.saturating_add(len);
		Some((start, left.get(..len)?))
	}
}

fn is_licence(word: &[u8]) -> bool {
	is_reference(word) || is_listed(spdx::LICENCES, word.strip_suffix(b"+").unwrap_or(word))
}

/// Whether `word` names a licence that isn't in the list.
fn is_reference(word: &[u8]) -> bool {
	let licence = match word.strip_prefix(b"DocumentRef-") {
		None => word,
		Some(rest) => {
			let mut parts = rest.splitn(2, |byte| *byte == b':');
			match (parts.next(), parts.next()) {
				(Some(document), Some(licence)) if is_word(document) => licence,
				_ => return false,
			}
		},
	};
	licence.strip_prefix(b"LicenseRef-").is_some_and(is_word)
}

fn is_word(word: &[u8]) -> bool {
	let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
	!word.is_empty() && word.iter().all(is_allowed)
}

fn is_listed(list: &[&str], word: &[u8]) -> bool {
	list.binary_search_by(|listed| compare(listed.as_bytes(), word)).is_ok()
}

/// Compares without regard to case.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
	one.iter()
		.map(u8::to_ascii_lowercase)
		.cmp(other.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
	use super::{LicenceFault::*, *};
	use alloc::{format, string::String, vec::Vec};

	#[test]
	fn lists_should_be_sorted_as_they_are_searched() {
		for list in [spdx::LICENCES, spdx::EXCEPTIONS] {
			let is_ascending =
				|pair: &[&str]| compare(pair[0].as_bytes(), pair[1].as_bytes()) == Ordering::Less;
			assert!(list.windows(2).all(is_ascending));
			assert!(list.iter().all(|id| is_word(id.as_bytes())));
		}
	}

	#[test]
	fn every_listed_id_should_be_accepted_in_any_case() {
		for id in spdx::LICENCES {
			for text in [String::from(*id), id.to_lowercase(), id.to_uppercase(), format!("{id}+")]
			{
				assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
			}
		}
		for id in spdx::EXCEPTIONS {
			assert_eq!(check(format!("GPL-2.0-only WITH {id}").as_bytes()), Ok(()), "{id}");
			assert_eq!(check(id.as_bytes()), Err(UnknownLicence { at: 0 }), "{id}");
		}
	}

	#[test]
	fn expression_should_be_accepted_when_it_is_well_formed() {
		for text in [
			"MIT",
			"  MIT  ",
			"Apache-2.0 OR MIT",
			"mit or apache-2.0",
			"MIT OR (Apache-2.0 WITH LLVM-exception)",
			"GPL-2.0+ WITH Classpath-exception-2.0 AND (MIT OR BSD-3-Clause AND Zlib)",
			"(MIT)AND(ISC)",
			"((((((((MIT))))))))",
			"LicenseRef-llama3.2",
			"DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2 AND MIT",
			"LicenseRef-a WITH LLVM-exception",
		] {
			assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
		}
	}

	#[test]
	fn expression_should_be_refused_at_the_byte_where_it_goes_wrong() {
		for (text, fault) in [
			("", NoLicence { at: 0 }),
			("   ", NoLicence { at: 0 }),
			("()", NoLicence { at: 1 }),
			("AND", NoLicence { at: 0 }),
			("MIT AND", NoLicence { at: 7 }),
			("MIT OR OR ISC", NoLicence { at: 7 }),
			("MIT AND )", NoLicence { at: 8 }),
			("WITH LLVM-exception", NoLicence { at: 0 }),
			("Proprietary", UnknownLicence { at: 0 }),
			("MIT OR Proprietary", UnknownLicence { at: 7 }),
			("MIT OR not a licence", UnknownLicence { at: 7 }),
			("MIT\n", UnknownLicence { at: 0 }),
			("MIT\tOR ISC", UnknownLicence { at: 0 }),
			("+", UnknownLicence { at: 0 }),
			("MIT++", UnknownLicence { at: 0 }),
			("MI", UnknownLicence { at: 0 }),
			("MITx", UnknownLicence { at: 0 }),
			("NONE", UnknownLicence { at: 0 }),
			("LicenseRef-", UnknownLicence { at: 0 }),
			("LicenseRef-a_b", UnknownLicence { at: 0 }),
			("LicenseRef-a+", UnknownLicence { at: 0 }),
			("licenseref-a", UnknownLicence { at: 0 }),
			("DocumentRef-a", UnknownLicence { at: 0 }),
			("DocumentRef-a:MIT", UnknownLicence { at: 0 }),
			("DocumentRef-:LicenseRef-a", UnknownLicence { at: 0 }),
			("DocumentRef-a:b:LicenseRef-a", UnknownLicence { at: 0 }),
			("MIT WITH", UnknownException { at: 8 }),
			("MIT WITH ISC", UnknownException { at: 9 }),
			("MIT WITH (LLVM-exception)", UnknownException { at: 9 }),
			("MIT ISC", NoOperator { at: 4 }),
			("MIT +", NoOperator { at: 4 }),
			("MIT And ISC", NoOperator { at: 4 }),
			("MIT(ISC)", NoOperator { at: 3 }),
			("(MIT) WITH LLVM-exception", NoOperator { at: 6 }),
			("MIT WITH LLVM-exception WITH LLVM-exception", NoOperator { at: 24 }),
			("(MIT", Unclosed { at: 0 }),
			("MIT OR ((ISC)", Unclosed { at: 7 }),
			("MIT)", Unopened { at: 3 }),
			("(MIT))", Unopened { at: 5 }),
			("(((((((((MIT)))))))))", TooDeep { at: 8 }),
			("Überlizenz", UnknownLicence { at: 0 }),
		] {
			assert_eq!(check(text.as_bytes()), Err(fault), "{text}");
		}
	}

	#[test]
	fn expression_should_be_refused_when_it_is_long_and_hostile() {
		for pattern in [&b"("[..], b"(MIT OR ", b") ", b"MIT ", b"\xff", b"\0", b"+ "] {
			let text: Vec<u8> = pattern.iter().copied().cycle().take(100_000).collect();
			assert!(check(&text).is_err());
		}
		let alternatives = ["MIT"; 10_000].join(" OR ");
		assert_eq!(check(alternatives.as_bytes()), Ok(()));
	}

	#[test]
	fn fault_should_say_where_and_what() {
		let fault = check(b"MIT OR Proprietary").unwrap_err();
		assert!(format!("{fault}").starts_with("at byte 7: no licence of the SPDX list"));
	}
}
