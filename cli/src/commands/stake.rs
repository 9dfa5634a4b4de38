//! `dodona stake`: delegate, look after what is at stake, and fetch what it earned.

mod call;
mod check;
mod moves;
mod pace;
mod part;
mod view;

use crate::{
	args::stake::Stake,
	chain::{At, Balance, BlockNumber, Chain},
	error::{Error, Result},
	Session,
};
use dodona_primitives_staking::{EraInfo, PoolInfo, StakeInfo};
use subxt::utils::AccountId32;

pub use call::execute;
pub use pace::Pace;
pub use part::{percent, Part};
pub use view::{pool_json, pool_lines, role_text};

pub type Holding = StakeInfo<AccountId32, Balance, BlockNumber>;
pub type Pool = PoolInfo<AccountId32, Balance, BlockNumber>;
pub type Era = EraInfo<Balance, BlockNumber>;

/// The pallet.
pub const PALLET: &str = "ContributorStaking";

pub async fn run(session: &Session, command: Stake) -> Result<()> {
	match command {
		Stake::Show { account } => view::show(session, account).await,
		Stake::Operators => view::operators(session).await,
		Stake::Pool { operator } => view::pool(session, operator.0).await,
		Stake::Eras => view::eras(session).await,
		Stake::Delegate(args) => moves::delegate(session, args).await,
		Stake::Undelegate { operator, amount } => {
			moves::undelegate(session, operator.0, amount).await
		},
		Stake::Withdraw(args) => moves::withdraw(session, args).await,
		Stake::Claim { operator } => moves::claim(session, operator.map(|one| one.0)).await,
		Stake::AutoCompound { operator, switch } => {
			moves::auto_compound(session, operator.0, switch).await
		},
	}
}

/// What an account has at stake.
async fn holding(chain: &Chain, at: &At, account: &AccountId32) -> Result<Holding> {
	chain.call(at, "ContributorStakingApi_stake", (account,)).await
}

/// What is delegated to an operator, if it is one, or was one that others still delegate to.
pub async fn find_pool(chain: &Chain, at: &At, operator: &AccountId32) -> Result<Option<Pool>> {
	chain.call(at, "ContributorStakingApi_pool", (operator,)).await
}

async fn pool_of(chain: &Chain, at: &At, operator: &AccountId32) -> Result<Pool> {
	find_pool(chain, at, operator).await?.ok_or_else(|| {
		Error::failed(format!("{operator} is no operator"))
			.because("NotBonded")
			.hint("see them with `dodona stake operators`")
	})
}

/// What the last eras paid, newest first.
async fn eras_of(chain: &Chain, at: &At) -> Result<Vec<Era>> {
	chain.call(at, "ContributorStakingApi_eras", ()).await
}

/// What a year of eras like these would earn, in parts per million; `None` before any has ended.
fn mean_apr(eras: &[Era]) -> Option<u64> {
	let blocks: u128 = eras.iter().map(|era| u128::from(era.length)).sum();
	let sum = eras
		.iter()
		.map(|era| u128::from(era.apr) * u128::from(era.length))
		.fold(0u128, u128::saturating_add);
	u64::try_from(sum.checked_div(blocks)?).ok()
}

/// Blocks from undelegating, or unbonding, until it can be withdrawn.
pub fn unbonding_period(chain: &Chain, at: &At) -> Option<BlockNumber> {
	let period = |name| chain.constant::<BlockNumber>(at, PALLET, name);
	Some(period("UnbondingPeriod")?.max(period("LongestObligation").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn era(length: u32, apr: u64) -> Era {
		Era { era: 0, length, fees: 0, minted: 0, stake: 0, apr }
	}

	#[test]
	fn apr_should_weigh_eras_by_their_length() {
		assert_eq!(mean_apr(&[]), None);
		assert_eq!(mean_apr(&[era(0, 5)]), None);
		assert_eq!(mean_apr(&[era(10, 40_000), era(30, 0)]), Some(10_000));
		assert_eq!(mean_apr(&[era(u32::MAX, u64::MAX), era(u32::MAX, u64::MAX)]), Some(u64::MAX));
	}
}
