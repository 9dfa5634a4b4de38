//! How what a version earned reaches those who have a part in it.

use crate::{
	math::{self, sum, Step},
	types::{amount, raw, CreditOf, StepsOf},
	Config, Entries, Error, Event, Inherited, Pallet, Tables, Totals, LOG_TARGET,
};
use dodona_primitives_models::{ModelId, ModelLineage, RoyaltyAccounts, VersionId};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::{Balanced, Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		Get, Imbalance, OnUnbalanced,
	},
};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError, SaturatedConversion};

impl<T: Config> RoyaltyAccounts for Pallet<T> {
	type AccountId = T::AccountId;

	fn royalty_account(version: VersionId) -> T::AccountId {
		T::PalletId::get().into_sub_account_truncating(version)
	}
}

/// What was shared out among the entries of a model.
struct SharedOut {
	/// Set aside for them.
	shared: u128,
	/// Entries whose vesting had ended.
	ripened: u32,
}

impl<T: Config> Pallet<T> {
	/// The account in which earnings wait for the holders of shares.
	pub fn pot() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// Distributes what a version earned since. Returns how many entries' vesting had ended.
	pub(crate) fn do_distribute(version: VersionId) -> Result<u32, DispatchError> {
		let own = Self::earned_by(version);
		let inherited = Inherited::<T>::take(version);
		let total = sum(all_of(&inherited)).saturating_add(own);
		ensure!(total > 0, Error::<T>::NothingToDistribute);
		let passed_on = Self::pass_on(version, own, &inherited);
		let kept = total.saturating_sub(passed_on);
		let SharedOut { shared, ripened } = Self::share_out(version.model, kept)?;
		let remainder = kept.saturating_sub(shared);
		Self::receive(version, own)?;

		let owner = T::Models::owner(version.model).filter(|owner| Self::pay(owner, remainder));
		if owner.is_none() {
			Self::pay_treasury(remainder);
		}
		Self::deposit_event(Event::Distributed {
			version,
			amount: amount::<T>(total),
			passed_on: amount::<T>(passed_on),
			shared: amount::<T>(shared),
			remainder: amount::<T>(remainder),
			owner,
		});
		Ok(ripened)
	}

	/// What fees brought to a version's account, without what keeps the account alive.
	pub(crate) fn earned_by(version: VersionId) -> u128 {
		let account = Self::royalty_account(version);
		let (keep, polite) = (Preservation::Preserve, Fortitude::Polite);
		raw::<T>(T::Currency::reducible_balance(&account, keep, polite))
	}

	/// Notes what a version passes on to the one that it was derived from; returns how much that
	/// is.
	fn pass_on(version: VersionId, own: u128, inherited: &StepsOf<T>) -> u128 {
		let Some(ancestor) = Self::ancestor(version) else { return 0 };
		let most = T::MaxLineageDepth::get() as usize;
		let passed = math::pass_on(own, inherited, T::LineageShare::get(), most);
		let all = sum(passed.iter().copied());
		if all == 0 {
			return 0;
		}
		let is_own_model = ancestor.model == version.model;
		Inherited::<T>::mutate(ancestor, |steps| {
			for (depth, more) in passed.into_iter().enumerate() {
				if steps.get(depth).is_none() {
					// There is room: nothing is passed on through more models than there may be.
					let _ = steps.try_push(Step::default());
				}
				let Some(step) = steps.get_mut(depth) else { continue };
				let sum = if is_own_model { &mut step.through } else { &mut step.earned };
				*sum = sum.saturating_add(more);
			}
		});
		all
	}

	/// The nearest version of another model that `version` descends from; if that isn't found soon,
	/// one of the same model on the way to it. None if it descends from none.
	fn ancestor(version: VersionId) -> Option<VersionId> {
		let mut ancestor = T::Models::parent(version)?;
		for _ in 1..T::MaxLineageDepth::get() {
			if ancestor.model != version.model {
				break;
			}
			ancestor = T::Models::parent(ancestor)?;
		}
		Some(ancestor)
	}

	/// Shares `kept` out among the entries of a model.
	fn share_out(model: ModelId, kept: u128) -> Result<SharedOut, DispatchError> {
		let mut ripened = 0u32;
		if kept == 0 || !Tables::<T>::contains_key(model) {
			return Ok(SharedOut { shared: 0, ripened });
		}
		let now = frame_system::Pallet::<T>::block_number().saturated_into();
		Tables::<T>::try_mutate(model, |table| {
			while let Some((_, id)) = table.vesting.first().filter(|(until, _)| *until <= now) {
				Entries::<T>::mutate(model, id, |entry| {
					if let Some(entry) = entry {
						table.royalties.ripen(&mut entry.earner);
					}
				});
				table.vesting.remove(0);
				ripened = ripened.saturating_add(1);
			}
			let shared = table.royalties.share_out(kept, now).ok_or(ArithmeticError::Overflow)?;
			Ok(SharedOut { shared, ripened })
		})
	}

	/// Takes what a version's account earned to where it waits.
	fn receive(version: VersionId, own: u128) -> DispatchResult {
		if own > 0 {
			let (from, to) = (Self::royalty_account(version), Self::pot());
			T::Currency::transfer(&from, &to, amount::<T>(own), Preservation::Preserve)?;
			Totals::<T>::mutate(|totals| totals.received = totals.received.saturating_add(own));
		}
		Ok(())
	}

	/// Pays what waited to `who`; says whether the account could take it.
	pub(crate) fn pay(who: &T::AccountId, value: u128) -> bool {
		if value == 0 {
			return true;
		}
		let keep = Preservation::Preserve;
		let is_paid = T::Currency::transfer(&Self::pot(), who, amount::<T>(value), keep).is_ok();
		if is_paid {
			Totals::<T>::mutate(|totals| totals.paid = totals.paid.saturating_add(value));
		}
		is_paid
	}

	/// Pays what waited to the treasury.
	pub(crate) fn pay_treasury(value: u128) {
		if value == 0 {
			return;
		}
		let (exact, keep) = (Precision::Exact, Preservation::Preserve);
		let withdrawn =
			T::Currency::withdraw(&Self::pot(), amount::<T>(value), exact, keep, Fortitude::Polite);
		let credit = withdrawn.unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "royalties of {value} aren't there: {error:?}");
			CreditOf::<T>::zero()
		});
		Totals::<T>::mutate(|totals| totals.treasury = totals.treasury.saturating_add(value));
		T::Treasury::on_unbalanced(credit);
	}
}

/// All amounts that came to a version.
pub(crate) fn all_of(steps: &[Step]) -> impl Iterator<Item = u128> + '_ {
	steps.iter().map(|step| step.earned.saturating_add(step.through))
}
