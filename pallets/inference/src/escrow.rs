//! Where a fee goes. What is held for a request is paid or returned when it ends, to the last unit.

use crate::{BalanceOf, Config, CreditOf, HoldReason, Pallet, RequestOf, Requests};
use dodona_primitives_inference::{
	RatedRequest, RatedRequests, RequestId, RequestState, Seat, SeatStatus,
};
use dodona_primitives_models::RoyaltyAccounts;
use dodona_primitives_staking::RewardSink;
use frame_support::traits::{
	fungible::{Balanced, BalancedHold, MutateHold},
	tokens::Precision,
	Imbalance,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::{Get, H256};
use sp_runtime::{
	traits::{Saturating, Zero},
	Perbill,
};

/// How a fee is split, in the token's smallest unit. The parts sum to the fee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Split<Balance> {
	/// For each seat that named the result.
	pub seat: Balance,
	/// For whoever contributed the model.
	pub contributor: Balance,
	/// For the treasury, rounding included.
	pub treasury: Balance,
	/// Back to the requester: the parts of the seats that did not name the result.
	pub refund: Balance,
}

/// Splits `fee` for a committee of `seats` of which `winners` named the result.
///
/// `seat = ⌊⌊fee · workers⌋ / seats⌋`, `contributor = ⌊fee · contributor⌋`,
/// `refund = seat · (seats − winners)`, and the treasury gets what is left.
pub(crate) fn split<Balance>(
	fee: Balance,
	seats: u32,
	winners: u32,
	workers: Perbill,
	contributor: Perbill,
) -> Split<Balance>
where
	Balance: frame_support::traits::tokens::Balance,
{
	let seat = workers.mul_floor(fee).checked_div(&seats.into()).unwrap_or_else(Zero::zero);
	let contributor = contributor.mul_floor(fee).min(fee);
	let refund = seat.saturating_mul(seats.saturating_sub(winners).into());
	let treasury = fee
		.saturating_sub(seat.saturating_mul(winners.into()))
		.saturating_sub(refund)
		.saturating_sub(contributor);
	Split { seat, contributor, treasury, refund }
}

impl<T: Config> RatedRequests for Pallet<T> {
	type AccountId = T::AccountId;
	type Balance = BalanceOf<T>;
	type BlockNumber = BlockNumberFor<T>;

	// The treasury's part is that by today's shares: who changes them changes what ratings can earn.
	fn finalized(
		id: RequestId,
	) -> Option<RatedRequest<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>> {
		let request = Requests::<T>::get(id)?;
		let RequestState::Finalized { committee, outcome, at } = &request.state else {
			return None;
		};
		let treasury = Self::split_of(id, &request, committee, *outcome).treasury;
		let (version, at) = (request.version, *at);
		Some(RatedRequest { requester: request.requester, version, treasury, at })
	}
}

/// The seats that named `outcome`.
fn winners<AccountId>(
	committee: &[Seat<AccountId>],
	outcome: H256,
) -> impl Iterator<Item = &Seat<AccountId>> {
	committee
		.iter()
		.filter(move |seat| seat.status == SeatStatus::Revealed(outcome))
}

impl<T: Config> Pallet<T> {
	/// How a fee is split if `outcome` is the result.
	fn split_of(
		id: RequestId,
		request: &RequestOf<T>,
		committee: &[Seat<T::AccountId>],
		outcome: H256,
	) -> Split<BalanceOf<T>> {
		let winners = winners(committee, outcome).count() as u32;
		split(
			request.fee,
			Self::seats_paid(id, committee, winners),
			winners,
			T::WorkerShare::get(),
			T::ContributorShare::get(),
		)
	}

	/// Pays for `outcome` out of the fee; returns what was paid and what went back. If no seat named
	/// it, the seats' part is that of the `challenger` who did.
	pub(crate) fn pay(
		id: RequestId,
		request: &RequestOf<T>,
		committee: &[Seat<T::AccountId>],
		outcome: H256,
		challenger: Option<&T::AccountId>,
	) -> (BalanceOf<T>, BalanceOf<T>) {
		let split = Self::split_of(id, request, committee, outcome);
		let challenger = challenger.filter(|_| winners(committee, outcome).next().is_none());
		let (found, refund) = match challenger {
			Some(_) => (split.refund, Zero::zero()),
			None => (Zero::zero(), split.refund),
		};
		let earned = request.fee.saturating_sub(refund);
		let (mut pot, missing) =
			T::Currency::slash(&HoldReason::Fee.into(), &request.requester, earned);
		debug_assert!(missing.is_zero(), "the fee is held until the request ends");
		let paid = pot.peek();
		for seat in winners(committee, outcome) {
			let part = pot.extract(split.seat);
			T::Rewards::reward_operator(&seat.operator, part);
		}
		if let Some(challenger) = challenger {
			Self::pay_account(&mut pot, challenger, found);
		}
		let contributors = T::Royalties::royalty_account(request.version);
		T::Rewards::reward_contributor(Some(&contributors), pot.extract(split.contributor));
		T::Rewards::reward_treasury(pot);
		Self::release(request, refund);
		(paid, refund)
	}

	/// Pays `amount` out of `pot`. An account that can't take it leaves it there, for the treasury.
	pub(crate) fn pay_account(pot: &mut CreditOf<T>, who: &T::AccountId, amount: BalanceOf<T>) {
		if let Err(unpaid) = T::Currency::resolve(who, pot.extract(amount)) {
			pot.subsume(unpaid);
		}
	}

	/// Returns `amount` of the fee to the requester.
	pub(crate) fn release(request: &RequestOf<T>, amount: BalanceOf<T>) {
		if amount.is_zero() {
			return;
		}
		let reason = HoldReason::Fee.into();
		let released =
			T::Currency::release(&reason, &request.requester, amount, Precision::BestEffort);
		debug_assert_eq!(released, Ok(amount), "the fee is held until the request ends");
	}
}
