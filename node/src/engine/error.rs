//! Why a job has no answer, and why there is no server.

use dodona_engine::{EngineError, ENGINE_VERSION};
use dodona_primitives_inference::{Progress, MAX_OUTPUT_LEN};
use sp_core::H256;
use std::{fmt, io, net::SocketAddr, path::PathBuf};

/// Why a job has no answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Stop {
	/// The engine's own error.
	Engine(EngineError),
	/// The root over the weights' pages is another than the job's.
	OtherPages,
	/// This server can't, or not now.
	Unavailable(Unavailable),
}

impl From<EngineError> for Stop {
	fn from(error: EngineError) -> Self {
		Self::Engine(error)
	}
}

impl From<Unavailable> for Stop {
	fn from(reason: Unavailable) -> Self {
		Self::Unavailable(reason)
	}
}

impl From<Stop> for Progress {
	fn from(stop: Stop) -> Self {
		match stop {
			// This machine's, and no other's.
			Stop::Engine(
				error @ (EngineError::ReadFailed
				| EngineError::OutOfMemory
				| EngineError::SelfTestFailed { .. }
				| EngineError::Backend),
			) => Self::Unavailable(error.to_string()),
			Stop::Engine(error) => Self::Refused(error),
			Stop::OtherPages => Self::OtherPages,
			Stop::Unavailable(reason) => Self::Unavailable(reason.to_string()),
		}
	}
}

/// Why this server can't compute something, or not now.
#[derive(Clone, PartialEq, Debug)]
pub enum Unavailable {
	/// The job is for another version of the engine.
	Version(u16),
	/// There are as many jobs as are taken.
	QueueFull(usize),
	/// Nobody asked for the job any more, or somebody gave it up.
	GivenUp,
	/// The answer is longer than a reveal can carry.
	OutputTooLong,
	/// A bug ended the job.
	Crashed,
	/// Model and working memory are more than this server may use.
	TooLarge {
		/// What is needed, in bytes.
		needed: u64,
		/// What there is, in bytes.
		limit: u64,
	},
	/// The run's trace takes more memory than this server may use for traces.
	TraceTooLarge {
		/// What is needed, in bytes.
		needed: u64,
		/// What there is, in bytes.
		limit: u64,
	},
	/// What the run ends in can't be shown.
	NoEvidence,
	/// The artifact is larger than what is kept on disk.
	TooLargeForCache {
		/// What is needed, in bytes.
		needed: u64,
		/// What there is, in bytes.
		limit: u64,
	},
	/// Size and number of chunks contradict each other.
	MalformedReference,
	/// The node can't be reached, or did not answer.
	NodeAway {
		/// Its address.
		url: String,
		/// What happened.
		reason: String,
	},
	/// The node does not have the chunk.
	NoChunk(H256, String),
	/// The node gave something else than the chunk.
	CorruptChunk(H256),
	/// The index chunk does not belong to the artifact's root.
	CorruptIndex,
	/// The chunk is not as long as its place in the artifact.
	WrongChunkLength(H256),
	/// The cache can't be read or written.
	Disk(String),
}

impl fmt::Display for Unavailable {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Version(version) => write!(
				f,
				"this server has version {ENGINE_VERSION} of the engine, the job asks for \
				 {version}: use the release that has it"
			),
			Self::QueueFull(places) => {
				write!(f, "there are {places} jobs already: ask again later")
			},
			Self::GivenUp => f.write_str("the job was given up"),
			Self::OutputTooLong => {
				write!(f, "the answer is longer than the {MAX_OUTPUT_LEN} bytes that are revealed")
			},
			Self::Crashed => f.write_str("a bug ended the job; the server's log has more"),
			Self::TooLarge { needed, limit } => write!(
				f,
				"the model needs {needed} bytes of memory, and models may use {limit}: raise --memory"
			),
			Self::TraceTooLarge { needed, limit } => write!(
				f,
				"the run's trace needs {needed} bytes of memory, and traces may use {limit}: raise \
				 --trace-memory"
			),
			Self::NoEvidence => f.write_str("what the run ends in is too long to be shown"),
			Self::TooLargeForCache { needed, limit } => write!(
				f,
				"the artifact has {needed} bytes, and the cache keeps {limit}: raise --cache-size"
			),
			Self::MalformedReference => {
				f.write_str("the artifact's size and number of chunks contradict each other")
			},
			Self::NodeAway { url, reason } => write!(
				f,
				"no answer from the node at {url}: {reason}; is it running, and is --node its address?"
			),
			Self::NoChunk(hash, reason) => {
				write!(f, "the node does not give chunk {hash:?}: {reason}")
			},
			Self::CorruptChunk(hash) => write!(f, "chunk {hash:?} is corrupt"),
			Self::CorruptIndex => f.write_str("the index chunk is not the artifact's"),
			Self::WrongChunkLength(hash) => {
				write!(f, "chunk {hash:?} is not as long as its place in the artifact")
			},
			Self::Disk(reason) => write!(f, "{reason}: is there room, and is --cache writable?"),
		}
	}
}

/// Why there is no server.
#[derive(Debug)]
pub enum StartError {
	/// This build computes something else than the engine's semantics say.
	SelfTest(EngineError),
	/// The node's address is none.
	NodeAddress(String),
	/// The server can't listen there.
	Listen(SocketAddr, io::Error),
	/// The metrics can't be served there.
	Metrics(SocketAddr, io::Error),
	/// The cache's folder can't be made.
	Cache(PathBuf, io::Error),
	/// The operating system gives no threads, or something else that always works did not.
	Other(String),
}

impl fmt::Display for StartError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::SelfTest(error) => write!(
				f,
				"the engine's self-test failed, so nothing is served: {error}. Wrong answers cost \
				 stake. Build without flags that change arithmetic, or use a released program"
			),
			Self::NodeAddress(url) => write!(
				f,
				"`{url}` is no WebSocket address: --node takes something like ws://127.0.0.1:9944"
			),
			Self::Listen(address, error) => {
				write!(f, "can't listen on {address}: {error}; choose another with --listen")
			},
			Self::Metrics(address, error) => write!(
				f,
				"can't serve metrics on {address}: {error}; choose another --prometheus-port"
			),
			Self::Cache(folder, error) => {
				write!(f, "can't use {}: {error}; choose another --cache", folder.display())
			},
			Self::Other(reason) => write!(f, "the engine server can't start: {reason}"),
		}
	}
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn error_should_be_unavailable_when_another_machine_would_not_have_it() {
		let own = [
			EngineError::ReadFailed,
			EngineError::OutOfMemory,
			EngineError::Backend,
			EngineError::SelfTestFailed { case: 1 },
		];
		for error in own {
			let progress = Progress::from(Stop::from(error.clone()));
			assert_eq!(progress, Progress::Unavailable(error.to_string()));
		}
		let everywhere = EngineError::NonFiniteResult { layer: 1 };
		assert_eq!(Progress::from(Stop::from(everywhere.clone())), Progress::Refused(everywhere));
	}
}
