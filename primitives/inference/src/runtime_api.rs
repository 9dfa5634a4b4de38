//! The runtime API of inference requests.

use crate::{EngineError, RequestId, RequestInfo};
use alloc::vec::Vec;
use codec::Codec;
use dodona_primitives_models::{Architecture, VersionId};

sp_api::decl_runtime_apis! {
	/// Reads requests, and runs the engine that decides them.
	pub trait InferenceApi<AccountId, Balance, BlockNumber>
	where
		AccountId: Codec,
		Balance: Codec,
		BlockNumber: Codec,
	{
		/// A request that is not pruned yet.
		fn request(id: RequestId) -> Option<RequestInfo<AccountId, Balance, BlockNumber>>;
		/// What a request for this version costs now.
		fn price(version: VersionId) -> Option<Balance>;
		/// The output of `architecture` with these weights for this input, as this runtime's own
		/// engine computes it. Reads no state: anyone can check an answer with it.
		fn run(architecture: Architecture, artifact: Vec<u8>, input: Vec<u8>)
			-> Result<Vec<u8>, EngineError>;
	}
}
