//! What clients may know. Nothing here is called by the runtime itself.

use crate::{
	math,
	position::Position,
	types::{amount, block, raw, BalanceOf, EraInfoOf, PoolInfoOf, StakeInfoOf},
	Config, Delegations, Ledgers, Pallet, PastEras, PendingSlashes, Pools,
};
use alloc::vec::Vec;
use dodona_primitives_staking::{
	DelegationInfo, EraInfo, PoolInfo, SlashInfo, StakeInfo, UnbondingInfo,
};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	SaturatedConversion,
};

/// Most delegations of an account that are looked at.
const MAX_LISTED: usize = 256;

impl<T: Config> Pallet<T> {
	/// What `account` has at stake, its unbonding schedule, and what it can claim.
	pub fn stake_info(account: T::AccountId) -> StakeInfoOf<T> {
		let ledger = Ledgers::<T>::get(&account);
		let delegations: Vec<_> = Delegations::<T>::iter_key_prefix(&account)
			.take(MAX_LISTED)
			.map(|operator| Self::delegation_info(operator, account.clone()))
			.collect();
		let claimable = delegations
			.iter()
			.fold(BalanceOf::<T>::zero(), |sum, info| sum.saturating_add(info.claimable));
		let mut unbonding: Vec<_> = ledger
			.iter()
			.flat_map(|ledger| &ledger.unbonding)
			.map(|chunk| (account.clone(), chunk.amount, chunk.until))
			.chain(delegations.iter().flat_map(|info| {
				info.unbonding
					.iter()
					.map(|(amount, until)| (info.operator.clone(), *amount, *until))
			}))
			.map(|(operator, amount, until)| UnbondingInfo { operator, amount, until })
			.collect();
		unbonding.sort_by_key(|chunk| chunk.until);
		let bonded = ledger.map_or_else(Zero::zero, |ledger| ledger.bonded);
		StakeInfo { bonded, delegations, unbonding, claimable }
	}

	/// What `account` can claim of all its delegations.
	pub fn pending_rewards(account: T::AccountId) -> BalanceOf<T> {
		Self::stake_info(account).claimable
	}

	/// What is delegated to `operator`, be it nothing yet.
	pub fn pool_info(operator: T::AccountId) -> Option<PoolInfoOf<T>> {
		let ledger = Ledgers::<T>::get(&operator);
		let pool = Pools::<T>::get(&operator);
		if ledger.is_none() && pool.is_none() {
			return None;
		}
		let pool = pool.unwrap_or_default();
		let own = ledger.map_or_else(Zero::zero, |ledger| ledger.bonded);
		let most = T::MaxDelegationRatio::get();
		let active = pool.shares.worth(pool.shares.active);
		let room = math::counted(raw::<T>(own), u128::MAX, most).saturating_sub(active);
		let now = frame_system::Pallet::<T>::block_number();
		let commission = pool.commission.at(block::<T>(now), T::MaxCommission::get());
		Some(PoolInfo {
			own,
			active: amount::<T>(active),
			unbonding: amount::<T>(pool.shares.balance.saturating_sub(active)),
			uncollected: amount::<T>(pool.shares.uncollected),
			delegators: pool.delegators,
			room: amount::<T>(if pool.closed { 0 } else { room }),
			commission,
			raise: pool
				.commission
				.raise
				.filter(|(_, from)| *from > block::<T>(now))
				.map(|(raised, from)| (raised, from.saturated_into())),
			dripping: amount::<T>(pool.stream.dripping),
			drips_until: pool.stream.until.saturated_into(),
			unclaimed: amount::<T>(pool.stream.unclaimed),
			closed: pool.closed,
			slashes: PendingSlashes::<T>::get(&operator)
				.into_iter()
				.map(|slash| SlashInfo {
					id: slash.id,
					offence: slash.offence,
					fraction: slash.fraction,
					due: slash.due,
					reporter: slash.reporter,
				})
				.collect(),
			operator,
		})
	}

	/// What the last eras paid, newest first.
	pub fn era_infos() -> Vec<EraInfoOf<T>> {
		let year = T::BlocksPerYear::get();
		PastEras::<T>::get()
			.into_iter()
			.rev()
			.map(|past| EraInfo {
				era: past.era,
				length: past.length.saturated_into(),
				fees: amount::<T>(past.fees),
				minted: amount::<T>(past.minted),
				stake: amount::<T>(past.stake),
				apr: math::apr(
					past.fees.saturating_add(past.minted),
					past.stake,
					past.length,
					year,
				),
			})
			.collect()
	}

	fn delegation_info(
		operator: T::AccountId,
		delegator: T::AccountId,
	) -> DelegationInfo<T::AccountId, BalanceOf<T>, BlockNumberFor<T>> {
		// Brought up to date, and not stored.
		let Position { pool, delegation, forfeited, .. } =
			Position::<T>::load(operator.clone(), delegator);
		DelegationInfo {
			operator,
			active: amount::<T>(delegation.value(&pool)),
			unbonding: delegation
				.unbonding
				.iter()
				.map(|chunk| (amount::<T>(pool.shares.worth(chunk.shares)), chunk.until))
				.collect(),
			held: amount::<T>(delegation.held.saturating_add(forfeited)),
			uncollected: amount::<T>(forfeited),
			claimable: amount::<T>(delegation.unclaimed),
			compound: delegation.compound,
		}
	}
}
