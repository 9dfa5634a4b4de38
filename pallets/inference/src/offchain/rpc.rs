//! JSON-RPC over HTTP, as far as the worker needs it: one call, whose result is bytes.

use alloc::{format, string::String, vec, vec::Vec};
use core::fmt;
use dodona_primitives_models::CHUNK_SIZE;
use serde::Deserialize;
use sp_runtime::offchain::{http, Timestamp};

/// Longest answer: twice a chunk in hex, and room for what JSON puts around it.
const MOST_BYTES: usize = CHUNK_SIZE as usize * 2 + 1024;

/// Why a call has no result. As text, it goes on after the name of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum CallError {
	/// There is no server at this address, or it did not answer in time.
	Unreachable(String),
	/// It answered with something else than HTTP 200.
	Status(u16),
	/// The answer is longer than any that is specified.
	TooLong,
	/// The answer is not what it is specified to be.
	NotUnderstood,
	/// The server's own error.
	Refused(i64, String),
}

impl fmt::Display for CallError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Unreachable(address) => write!(f, "gave no answer at {address} in time"),
			Self::Status(code) => write!(f, "answered with HTTP {code}"),
			Self::TooLong => f.write_str("gave an answer that is too long"),
			Self::NotUnderstood => f.write_str("gave no JSON-RPC answer"),
			Self::Refused(code, message) => write!(f, "refused: {message} ({code})"),
		}
	}
}

/// A JSON-RPC answer.
#[derive(Deserialize)]
struct Answer {
	result: Option<String>,
	error: Option<RpcError>,
}

/// A JSON-RPC error.
#[derive(Deserialize)]
struct RpcError {
	code: i64,
	message: String,
}

/// Calls a method of the server at `address`. `params` are JSON, with commas between them; the
/// result is a string of hex digits.
pub(crate) fn call(
	address: &str,
	method: &str,
	params: &str,
	until: Timestamp,
) -> Result<Vec<u8>, CallError> {
	let unreachable = || CallError::Unreachable(address.into());
	let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{params}]}}"#);
	let response = http::Request::post(address, vec![body.into_bytes()])
		.add_header("content-type", "application/json")
		.deadline(until)
		.send()
		.map_err(|_| unreachable())?
		.try_wait(until)
		.ok()
		.and_then(Result::ok)
		.ok_or_else(unreachable)?;
	if response.code != 200 {
		return Err(CallError::Status(response.code));
	}
	let mut body = response.body();
	body.deadline(until);
	let answer: Vec<u8> = body.by_ref().take(MOST_BYTES.saturating_add(1)).collect();
	if answer.len() > MOST_BYTES {
		return Err(CallError::TooLong);
	}
	if body.error().is_some() {
		return Err(unreachable());
	}
	parse(&answer)
}

/// The bytes in an answer.
fn parse(answer: &[u8]) -> Result<Vec<u8>, CallError> {
	match serde_json::from_slice(answer).map_err(|_| CallError::NotUnderstood)? {
		Answer { error: Some(error), .. } => Err(CallError::Refused(error.code, error.message)),
		Answer { result: Some(data), .. } => {
			let digits = data.strip_prefix("0x").ok_or(CallError::NotUnderstood)?;
			hex::decode(digits).map_err(|_| CallError::NotUnderstood)
		},
		Answer { .. } => Err(CallError::NotUnderstood),
	}
}
