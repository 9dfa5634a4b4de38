//! What can go wrong, and the exit code that says so.

use serde_json::{json, Value};
use std::fmt;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code of a run that went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
	/// Anything without a code of its own.
	Failed = 1,
	/// The command line or a file that it names makes no sense.
	Usage = 2,
	/// There is no chain at the other end.
	Unreachable = 3,
	/// The chain said no.
	Refused = 4,
	/// The chain took the request, and it ended without an answer.
	RequestFailed = 5,
}

impl Kind {
	/// The name that scripts see.
	pub fn name(self) -> &'static str {
		match self {
			Self::Failed => "failed",
			Self::Usage => "usage",
			Self::Unreachable => "chain_unreachable",
			Self::Refused => "refused",
			Self::RequestFailed => "request_failed",
		}
	}
}

/// What went wrong, and what to do about it.
#[derive(Debug)]
pub struct Error {
	/// Which exit code it is.
	pub kind: Kind,
	/// What went wrong.
	pub message: String,
	/// `Pallet.Error`, where the chain said no by name.
	pub reason: Option<String>,
	/// What to do about it.
	pub hint: Option<String>,
}

impl Error {
	fn new(kind: Kind, message: impl fmt::Display) -> Self {
		Self { kind, message: message.to_string(), reason: None, hint: None }
	}

	pub fn failed(message: impl fmt::Display) -> Self {
		Self::new(Kind::Failed, message)
	}

	pub fn usage(message: impl fmt::Display) -> Self {
		Self::new(Kind::Usage, message)
	}

	pub fn unreachable(message: impl fmt::Display) -> Self {
		Self::new(Kind::Unreachable, message)
	}

	pub fn refused(message: impl fmt::Display) -> Self {
		Self::new(Kind::Refused, message)
	}

	pub fn request_failed(message: impl fmt::Display) -> Self {
		Self::new(Kind::RequestFailed, message)
	}

	/// What scripts see of it.
	pub fn json(&self) -> Value {
		json!({
			"kind": self.kind.name(),
			"message": self.message,
			"reason": self.reason,
			"hint": self.hint,
		})
	}

	/// Adds the name that the chain gives the error.
	pub fn because(mut self, reason: impl fmt::Display) -> Self {
		self.reason = Some(reason.to_string());
		self
	}

	/// Adds what to do about it.
	pub fn hint(mut self, hint: impl fmt::Display) -> Self {
		self.hint = Some(hint.to_string());
		self
	}
}
