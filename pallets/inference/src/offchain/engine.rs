//! Asking an engine server for an answer, or about a run in dispute. The server is the operator's own and computes what the
//! Wasm would, faster; nothing is kept of one that does not.

use super::rpc::{self, CallError};
use alloc::{format, string::String};
use codec::{DecodeAll, Encode};
use core::fmt;
use dodona_primitives_inference::{Job, Progress, Question};
use sp_runtime::offchain::{Duration, Timestamp};

/// How much longer than it was told to wait a server may take.
const MARGIN: Duration = Duration::from_millis(1_000);

/// Why there is nothing from the engine server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Away {
	/// The call has no result.
	Call(CallError),
	/// The result is not a `Progress`.
	NotUnderstood,
	/// The server says that it can't compute the answer now.
	Unavailable(String),
}

impl fmt::Display for Away {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("the engine server ")?;
		match self {
			Self::Call(error) => error.fmt(f),
			Self::NotUnderstood => f.write_str("gave something that is no progress"),
			Self::Unavailable(reason) => write!(f, "can't compute it: {reason:.200}"),
		}
	}
}

impl Away {
	/// Whether it would cost time to ask again.
	pub fn takes_time(&self) -> bool {
		matches!(self, Self::Call(CallError::Unreachable(_)))
	}
}

/// Asks the server at `address` how far a job is; it begins the job if it does not know it. With
/// `wait`, the server answers when the job is over, or shortly before `until`; else at once.
pub(crate) fn answer(
	address: &str,
	job: &Job,
	wait: bool,
	until: Timestamp,
) -> Result<Progress, Away> {
	ask(address, "engine_answer", job, wait, until)
}

/// Like [`answer`], for a question about a run.
pub(crate) fn trace(
	address: &str,
	question: &Question,
	wait: bool,
	until: Timestamp,
) -> Result<Progress, Away> {
	ask(address, "engine_trace", question, wait, until)
}

fn ask(
	address: &str,
	method: &str,
	what: &impl Encode,
	wait: bool,
	until: Timestamp,
) -> Result<Progress, Away> {
	let now = sp_io::offchain::timestamp();
	let wait = if wait { until.sub(MARGIN).diff(&now) } else { Duration::default() };
	let params = format!(r#""0x{}",{}"#, hex::encode(what.encode()), wait.millis());
	let deadline = now.add(wait).add(MARGIN).min(until);
	let result = rpc::call(address, method, &params, deadline).map_err(Away::Call)?;
	Progress::decode_all(&mut &result[..]).map_err(|_| Away::NotUnderstood)
}
