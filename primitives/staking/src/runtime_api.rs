//! The runtime API of contributor staking.

use crate::OperatorInfo;
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
	}
}
