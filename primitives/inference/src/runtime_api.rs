//! The runtime API of inference requests.

use crate::{
	Admission, DisputeInfo, EngineError, Evaluation, HoldOut, RatingInfo, RatingRound, RequestId,
	RequestInfo, VersionRatings,
};
use alloc::vec::Vec;
use codec::Codec;
use dodona_primitives_models::{Architecture, ModelId, VersionId};
use sp_core::H256;

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
		/// What a request for this version costs now, with this input; `None` if it is not served.
		fn fee(version: VersionId, input: Vec<u8>) -> Option<Balance>;
		/// The output of `architecture` with these weights for this input, as this runtime's own
		/// engine computes it. Reads no state: anyone can check an answer with it.
		fn run(architecture: Architecture, artifact: Vec<u8>, input: Vec<u8>)
			-> Result<Vec<u8>, EngineError>;
		/// The dispute over a request; `None` if there is none.
		fn dispute(request: RequestId) -> Option<DisputeInfo<AccountId, Balance, BlockNumber>>;
		/// The state after a step of a run, as `settle` would execute it, so that evidence can be tried
		/// before it is paid for: `pages` and `size` are the weights', `before` is the state before the
		/// step, unless it is the first, `witness` is encoded. `None` if it shows nothing. Reads no
		/// state.
		fn execute_step(
			architecture: Architecture,
			input: Vec<u8>,
			pages: H256,
			size: u64,
			step: u64,
			before: Option<H256>,
			witness: Vec<u8>,
		) -> Option<H256>;
		/// The requests in dispute, at most 256 of them; `after` is the last one of those before.
		fn disputes(after: Option<RequestId>) -> Vec<RequestId>;
	}

	/// Reads what was found out about versions that wait for approval.
	pub trait EvaluationApi {
		/// What the versions of a model are measured by.
		fn hold_out(model: ModelId) -> Option<HoldOut>;
		/// Whether a version reproduces the answers that it claims; `None` if it was not asked yet.
		fn admission(version: VersionId) -> Option<Admission>;
		/// How a version did beside the one in use; `None` if it was not measured yet.
		fn evaluation(version: VersionId) -> Option<Evaluation>;
	}

	/// Reads what those who asked say about the answers.
	pub trait FeedbackApi<AccountId, Balance, BlockNumber>
	where
		AccountId: Codec,
		Balance: Codec,
		BlockNumber: Codec,
	{
		/// What was said about a version, as far as it is settled.
		fn ratings(version: VersionId) -> VersionRatings;
		/// The rating of a request, until it is settled.
		fn rating(request: RequestId) -> Option<RatingInfo<AccountId, Balance>>;
		/// Where the rounds are.
		fn rating_round() -> RatingRound<BlockNumber>;
	}
}
