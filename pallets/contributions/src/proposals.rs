//! How a contribution is proposed and decided.

use crate::{
	types::{Contribution, ContributionOf, Entry},
	Config, Contributions, Entries, Error, Event, HoldReason, NextContribution, Open, OpenBy,
	Pallet, Tables,
};
use dodona_primitives_models::{
	ContributionId, ContributionKind, ModelGovernance, ModelId, ModelLineage,
};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use frame_system::pallet_prelude::{BlockNumberFor, OriginFor};
use sp_core::H256;
use sp_runtime::{traits::Saturating, ArithmeticError, Perbill, SaturatedConversion};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_propose(
		author: T::AccountId,
		model: ModelId,
		kind: ContributionKind,
		content: H256,
		share: Perbill,
	) -> DispatchResult {
		ensure!(T::Models::exists(model), Error::<T>::UnknownModel);
		ensure!(!share.is_zero(), Error::<T>::ShareIsZero);
		let own = OpenBy::<T>::get(&author);
		ensure!(own < T::MaxOpenPerAccount::get(), Error::<T>::TooManyOwnProposals);
		let id = NextContribution::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		Open::<T>::try_mutate(model, |open| open.try_push(id))
			.map_err(|_| Error::<T>::TooManyProposals)?;

		let deposit = T::ContributionDeposit::get();
		T::Currency::hold(&HoldReason::Contribution.into(), &author, deposit)?;
		NextContribution::<T>::put(next);
		OpenBy::<T>::insert(&author, own.saturating_add(1));
		let contribution =
			Contribution { model, author: author.clone(), kind, content, share, deposit };
		Contributions::<T>::insert(id, contribution);
		Self::deposit_event(Event::ContributionProposed {
			id,
			model,
			author,
			kind,
			content,
			share,
		});
		Ok(())
	}

	pub(crate) fn do_accept(
		origin: OriginFor<T>,
		id: ContributionId,
		share: Perbill,
		vesting: BlockNumberFor<T>,
	) -> DispatchResult {
		let contribution = Self::governed(origin, id)?;
		let model = contribution.model;
		ensure!(!share.is_zero(), Error::<T>::ShareIsZero);
		ensure!(share <= contribution.share, Error::<T>::MoreThanRequested);
		ensure!(vesting <= T::MaxVesting::get(), Error::<T>::VestingTooLong);
		let mut table = Tables::<T>::get(model);
		ensure!(table.entries < T::MaxEntries::get(), Error::<T>::TooManyEntries);
		let left = Perbill::one().saturating_sub(table.granted);
		ensure!(share <= left, Error::<T>::NotEnoughLeft);
		let entry = table.next;
		table.next = entry.checked_add(1).ok_or(ArithmeticError::Overflow)?;

		let now = frame_system::Pallet::<T>::block_number();
		let vesting = vesting.saturated_into();
		let earner = table.royalties.admit(share, now.saturated_into(), vesting);
		if !earner.is_vested {
			let at = table.vesting.partition_point(|(until, _)| *until <= earner.until);
			table
				.vesting
				.try_insert(at, (earner.until, entry))
				.map_err(|_| Error::<T>::TooManyEntries)?;
		}
		table.entries.saturating_inc();
		table.granted = table.granted.saturating_add(share);
		Tables::<T>::insert(model, table);

		Self::close(id, &contribution)?;
		let Contribution { author: holder, kind, content, .. } = contribution;
		Self::deposit_event(Event::ContributionAccepted {
			id,
			model,
			entry,
			holder: holder.clone(),
			share,
			vested: earner.until.saturated_into(),
		});
		Entries::<T>::insert(model, entry, Entry { holder, kind, content, earner });
		Ok(())
	}

	pub(crate) fn do_reject(origin: OriginFor<T>, id: ContributionId) -> DispatchResult {
		let contribution = Self::governed(origin, id)?;
		Self::close(id, &contribution)?;
		let Contribution { model, author, .. } = contribution;
		Self::deposit_event(Event::ContributionRejected { id, model, author });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId, id: ContributionId) -> DispatchResult {
		let contribution = Self::open(id)?;
		ensure!(contribution.author == who, Error::<T>::NotTheAuthor);
		Self::close(id, &contribution)?;
		let Contribution { model, author, .. } = contribution;
		Self::deposit_event(Event::ContributionWithdrawn { id, model, author });
		Ok(())
	}

	/// Drops what waits no more, and returns its deposit.
	fn close(id: ContributionId, contribution: &ContributionOf<T>) -> DispatchResult {
		let Contribution { model, author, deposit, .. } = contribution;
		let reason = HoldReason::Contribution.into();
		T::Currency::release(&reason, author, *deposit, Precision::BestEffort)?;
		Contributions::<T>::remove(id);
		Open::<T>::mutate_exists(model, |open| {
			if let Some(ids) = open {
				ids.retain(|other| *other != id);
			}
			*open = open.take().filter(|ids| !ids.is_empty());
		});
		OpenBy::<T>::mutate_exists(author, |count| {
			*count = count.and_then(|count| count.checked_sub(1)).filter(|count| *count > 0);
		});
		Ok(())
	}

	fn open(id: ContributionId) -> Result<ContributionOf<T>, Error<T>> {
		Contributions::<T>::get(id).ok_or(Error::UnknownContribution)
	}

	/// The contribution, if `origin` governs its model.
	fn governed(
		origin: OriginFor<T>,
		id: ContributionId,
	) -> Result<ContributionOf<T>, DispatchError> {
		let contribution = Self::open(id)?;
		T::Models::ensure_governs(origin, contribution.model)?;
		Ok(contribution)
	}
}
