//! `dodona dev`: switches of a development node, which must serve unsafe RPC methods.

use crate::{
	args::{Dev, Fault},
	commands::hex0x,
	error::Result,
	Session,
};
use codec::Encode;
use dodona_primitives_inference::player::Planted;
use jsonrpsee::rpc_params;
use serde_json::{json, Value};

/// Where a worker looks up whether to misbehave, followed by its hot key.
const FAULT: &[u8] = b"dodona/fault/";
/// Where workers look up the address of their node's RPC.
const RPC: &[u8] = b"dodona/rpc";
/// Where workers look up the address of an engine server.
const ENGINE: &[u8] = b"dodona/engine";

pub async fn run(session: &Session, command: Dev) -> Result<()> {
	let chain = session.connect().await?;
	let (key, value) = match command {
		Dev::Fault { hot_key, fault, operation, layer, token } => {
			let key = [FAULT, &hot_key.0 .0].concat();
			let value = match fault {
				Fault::Lie => vec![1],
				Fault::Mute => vec![2],
				Fault::Silent => vec![3],
				Fault::Corrupt => (4u8, Planted { operation, layer, token }).encode(),
				Fault::None => vec![0],
			};
			(key, value)
		},
		Dev::Rpc { address } => (RPC.to_vec(), address.into_bytes()),
		Dev::Engine { address } => (ENGINE.to_vec(), address.into_bytes()),
	};
	let (key, value) = (hex0x(key), hex0x(value));
	let params = rpc_params!["PERSISTENT", &key, &value];
	let set: Result<Value> = chain.rpc("offchain_localStorageSet", params).await;
	set.map_err(|error| error.hint("start the node with --rpc-methods=unsafe"))?;
	session
		.output
		.result(&json!({ "key": key, "value": value }), || format!("{key} = {value}"));
	Ok(())
}
