//! The runtime API of the model registry.

use crate::{ModelId, ModelInfo, VersionId, VersionInfo};
use alloc::vec::Vec;
use codec::Codec;

sp_api::decl_runtime_apis! {
	/// Reads the model registry.
	pub trait ModelRegistryApi<AccountId, Balance, BlockNumber>
	where
		AccountId: Codec,
		Balance: Codec,
		BlockNumber: Codec,
	{
		/// The models among the `limit` ids (and never more than 256) from `start`, by id. What ids
		/// were given out is in `ModelRegistry.NextModelId`.
		fn models(start: ModelId, limit: u32) -> Vec<ModelInfo<AccountId>>;
		/// The model with this name.
		fn model_by_name(name: Vec<u8>) -> Option<ModelInfo<AccountId>>;
		/// A version.
		fn version(id: VersionId) -> Option<VersionInfo<AccountId, Balance, BlockNumber>>;
	}
}
