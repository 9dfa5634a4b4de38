//! Switches that an operator or a test sets in the node's local storage.

use alloc::string::String;
use codec::{Decode, Encode};
use dodona_primitives_inference::player::Planted;
use sp_core::offchain::StorageKind;

/// Where the worker reads the address of the node's own RPC from: UTF-8, not SCALE-encoded.
pub(crate) const RPC_KEY: &[u8] = b"dodona/rpc";
/// The address without one.
pub(crate) const DEFAULT_RPC: &str = "http://127.0.0.1:9944";
/// Where the worker reads the address of an engine server from: UTF-8, not SCALE-encoded. Without
/// one, it computes in its own Wasm.
pub(crate) const ENGINE_KEY: &[u8] = b"dodona/engine";
/// Test-only: followed by a hot key, names how its worker misbehaves. Not there, it does not.
pub(crate) const FAULT_KEY: &[u8] = b"dodona/fault/";

/// How a worker misbehaves, for tests that need one that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
	/// Says another output than the engine's.
	Lie,
	/// Commits, and never reveals.
	Mute,
	/// Says nothing at all.
	Silent,
	/// Computes with a wrong result in one step, and stands up for what follows from it.
	Corrupt(Planted),
}

impl Fault {
	/// Written as one byte, and what comes after it.
	fn parse(bytes: &[u8]) -> Option<Self> {
		match bytes.split_first()? {
			(1, _) => Some(Self::Lie),
			(2, _) => Some(Self::Mute),
			(3, _) => Some(Self::Silent),
			(4, mut planted) => Planted::decode(&mut planted).ok().map(Self::Corrupt),
			_ => None,
		}
	}
}

/// The fault that is switched on for this hot key.
pub(crate) fn fault(hot_key: &impl Encode) -> Option<Fault> {
	let key = [FAULT_KEY, &hot_key.encode()].concat();
	sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &key)
		.and_then(|bytes| Fault::parse(&bytes))
}

/// The address of the node's own RPC.
pub(crate) fn rpc() -> String {
	address(RPC_KEY).unwrap_or_else(|| DEFAULT_RPC.into())
}

/// The address of the engine server, if there is one.
pub(crate) fn engine() -> Option<String> {
	address(ENGINE_KEY).filter(|address| !address.is_empty())
}

/// An address that is not SCALE-encoded.
fn address(key: &[u8]) -> Option<String> {
	sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, key)
		.and_then(|address| String::from_utf8(address).ok())
}
