//! The runtime API of contributor staking.

use crate::{EraInfo, OperatorInfo, PoolInfo, StakeInfo};
use alloc::vec::Vec;
use codec::Codec;

sp_api::decl_runtime_apis! {
	/// Reads contributor staking.
	pub trait ContributorStakingApi<AccountId, Balance, BlockNumber>
	where
		AccountId: Codec,
		Balance: Codec,
		BlockNumber: Codec,
	{
		/// The operator that this account is, or whose hot key it is.
		fn operator(account: AccountId) -> Option<OperatorInfo<AccountId, Balance, BlockNumber>>;
		/// All operators, in no order that means anything, at most `limit` (and never more than 256).
		fn operators(limit: u32) -> Vec<OperatorInfo<AccountId, Balance, BlockNumber>>;
		/// What an account has at stake, its unbonding schedule, and what it can claim.
		fn stake(account: AccountId) -> StakeInfo<AccountId, Balance, BlockNumber>;
		/// What an account can claim of all its delegations.
		fn pending_rewards(account: AccountId) -> Balance;
		/// What is delegated to an operator.
		fn pool(operator: AccountId) -> Option<PoolInfo<AccountId, Balance, BlockNumber>>;
		/// What the last eras paid, newest first.
		fn eras() -> Vec<EraInfo<Balance, BlockNumber>>;
	}
}
