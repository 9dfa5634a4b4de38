//! Commitments: who knows an outcome before anybody says it.

use crate::RequestId;
use codec::Encode;
use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash};

/// Separates commitments from everything else that is ever hashed.
const COMMITMENT_DOMAIN: &[u8] = b"dodona/commitment/v1";
/// Separates outcomes from everything else that is ever hashed.
const OUTCOME_DOMAIN: &[u8] = b"dodona/outcome/v1";

/// What keeps a commitment from being guessed: 32 random bytes, fresh for each.
pub type Salt = [u8; 32];

/// What a commitment is bound to.
#[derive(Encode)]
pub struct CommitmentContext<'a, AccountId> {
	/// Hash of the chain's first block.
	pub genesis: H256,
	/// The request.
	pub request: RequestId,
	/// The attempt that the seat was drawn in.
	pub attempt: u32,
	/// The operator in the seat: a copied commitment can't be opened by anybody else.
	pub operator: &'a AccountId,
}

/// `blake2_256(domain ‖ genesis ‖ request ‖ attempt ‖ operator ‖ outcome ‖ salt)`, SCALE-encoded.
pub fn commitment<AccountId: Encode>(
	context: &CommitmentContext<'_, AccountId>,
	outcome: H256,
	salt: &Salt,
) -> H256 {
	BlakeTwo256::hash_of(&(COMMITMENT_DOMAIN, context, outcome, salt))
}

/// The hash by which an output is counted: `blake2_256(domain ‖ output)`, SCALE-encoded.
pub fn outcome_hash(output: &[u8]) -> H256 {
	BlakeTwo256::hash_of(&(OUTCOME_DOMAIN, output))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn commitment_should_differ_when_anything_it_is_bound_to_differs() {
		let context = |genesis: u8, request, attempt, operator| CommitmentContext {
			genesis: H256([genesis; 32]),
			request,
			attempt,
			operator,
		};
		let (outcome, salt) = (outcome_hash(b"7"), [1; 32]);
		let reference = commitment(&context(0, 1, 0, &5u64), outcome, &salt);
		let others = [
			commitment(&context(1, 1, 0, &5u64), outcome, &salt),
			commitment(&context(0, 2, 0, &5u64), outcome, &salt),
			commitment(&context(0, 1, 1, &5u64), outcome, &salt),
			commitment(&context(0, 1, 0, &6u64), outcome, &salt),
			commitment(&context(0, 1, 0, &5u64), outcome_hash(b"8"), &salt),
			commitment(&context(0, 1, 0, &5u64), outcome, &[2; 32]),
		];
		assert!(others.iter().all(|other| *other != reference));
	}
}
