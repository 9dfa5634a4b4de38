//! State and calls by the names that the chain's metadata gives them.

use super::{refusal, At, Chain};
use crate::error::{Error, Result};
use subxt::{
	config::{substrate::BlakeTwo256, Hasher},
	dynamic::{self, Value},
	error::DispatchError,
	ext::{
		frame_decode::storage::{IntoDecodableValues, IntoEncodableValues},
		scale_decode::DecodeAsType,
		scale_encode::EncodeAsFields,
	},
	storage::PrefixOf,
	utils::H256,
};

impl Chain {
	/// The value of a pallet's storage at this key; its default, if it has one.
	pub async fn stored<K, R>(
		&self,
		at: &At,
		pallet: &str,
		entry: &str,
		key: K,
	) -> Result<Option<R>>
	where
		K: IntoEncodableValues + IntoDecodableValues,
		R: DecodeAsType,
	{
		let what = || format!("{pallet}.{entry}");
		let value = at
			.storage()
			.try_fetch(dynamic::storage::<K, R>(pallet, entry), key)
			.await
			.map_err(|error| self.failure(what(), error))?;
		value
			.map(|value| value.decode().map_err(|error| self.failure(what(), error)))
			.transpose()
	}

	/// All values of a pallet's map.
	pub async fn stored_all<K, R>(&self, at: &At, pallet: &str, map: &str) -> Result<Vec<(K, R)>>
	where
		(K,): IntoEncodableValues + IntoDecodableValues,
		(): PrefixOf<(K,)>,
		R: DecodeAsType,
	{
		let what = || format!("{pallet}.{map}");
		let mut entries = at
			.storage()
			.iter(dynamic::storage::<(K,), R>(pallet, map), ())
			.await
			.map_err(|error| self.failure(what(), error))?;
		let mut all = Vec::new();
		while let Some(entry) = entries.next().await {
			let entry = entry.map_err(|error| self.failure(what(), error))?;
			let key = entry.key().and_then(|key| key.decode());
			let (key,) = key.map_err(|error| self.failure(what(), error))?;
			let value = entry.value().decode().map_err(|error| self.failure(what(), error))?;
			all.push((key, value));
		}
		Ok(all)
	}

	/// The bytes of a call, for another one to carry.
	pub fn call_data(
		&self,
		at: &At,
		pallet: &str,
		call: &str,
		args: impl EncodeAsFields,
	) -> Result<Vec<u8>> {
		at.tx()
			.call_data(&dynamic::tx(pallet, call, args))
			.map_err(|error| self.failure(format!("{pallet}.{call}"), error))
	}

	/// What a call says, a variant in a variant; `None` if this chain has no such call.
	pub fn read_call(&self, at: &At, bytes: &[u8]) -> Option<Value> {
		at.tx().from_call_data_bytes(bytes).ok().map(|call| call.into_value())
	}

	/// The error in a call's result, from its SCALE-encoded bytes.
	pub fn dispatch_error(&self, at: &At, what: &str, bytes: &[u8]) -> Error {
		match DispatchError::decode_from(bytes, at.metadata()) {
			Ok(error) => refusal(what, error),
			Err(error) => Error::refused(format!("{what}: {error}")),
		}
	}
}

/// How the chain names bytes.
pub fn hash(bytes: &[u8]) -> H256 {
	BlakeTwo256.hash(bytes)
}
