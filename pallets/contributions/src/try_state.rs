//! What holds between blocks, always.

use crate::{
	distribution::all_of,
	math::{parts, sum, WHOLE},
	types::raw,
	Config, Contributions, Entries, HoldReason, Inherited, NextContribution, Open, OpenBy, Pallet,
	Tables, Totals,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use dodona_primitives_models::ModelId;
use frame_support::{
	ensure,
	traits::fungible::{Inspect, InspectHold},
};
use sp_core::U256;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Invariants:
	///
	/// - What an account holds for contributions is the deposits of those of its own that wait.
	/// - The contributions that wait for a model, and those of an account, are all that there are of
	///   it; ids were given out before.
	/// - A model's entries are counted, numbered with what was given out before, and their shares sum
	///   to what is granted: not more than one.
	/// - The entries that vest are all that haven't vested, soonest first.
	/// - The parts, rates and beginnings of a table are those of its entries, and so is what they
	///   earned, exactly.
	/// - What waits for entries and for versions is in the pallet's account.
	/// - What was received was paid, went to the treasury, or waits.
	/// - Nothing of nothing is inherited.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_proposals()?;
		let models: BTreeSet<ModelId> = Entries::<T>::iter_keys().map(|(model, _)| model).collect();
		for model in models.into_iter().chain(Tables::<T>::iter_keys()) {
			Self::check_table(model)?;
		}
		Self::check_money()
	}

	fn check_proposals() -> Result<(), TryRuntimeError> {
		let mut authors = BTreeMap::<T::AccountId, (u32, u128)>::new();
		let mut open = BTreeMap::<ModelId, BTreeSet<_>>::new();
		for (id, contribution) in Contributions::<T>::iter() {
			ensure!(id < NextContribution::<T>::get(), "a contribution's id wasn't given out");
			ensure!(open.entry(contribution.model).or_default().insert(id), "an id is used twice");
			let of = authors.entry(contribution.author).or_default();
			*of = (of.0.saturating_add(1), of.1.saturating_add(raw::<T>(contribution.deposit)));
		}
		for (model, ids) in Open::<T>::iter() {
			ensure!(ids.is_sorted(), "contributions aren't listed by age");
			let listed = ids.into_iter().collect();
			ensure!(open.remove(&model) == Some(listed), "what waits isn't what is listed");
		}
		ensure!(open.is_empty(), "a contribution isn't listed");
		for (author, count) in OpenBy::<T>::iter() {
			let of = authors.get(&author).map(|of| of.0);
			ensure!(of == Some(count), "the contributions of an account are miscounted");
		}
		for (author, (_, deposits)) in authors {
			ensure!(OpenBy::<T>::contains_key(&author), "an author isn't counted");
			let held = T::Currency::balance_on_hold(&HoldReason::Contribution.into(), &author);
			ensure!(raw::<T>(held) == deposits, "an author's hold differs from its deposits");
		}
		Ok(())
	}

	fn check_table(model: ModelId) -> Result<(), TryRuntimeError> {
		let table = Tables::<T>::get(model);
		let royalties = table.royalties;
		let (mut count, mut granted) = (0u32, 0u128);
		let (mut vested, mut owed) = (0u128, U256::zero());
		let (mut growing, mut growth) = (Vec::new(), (0u128, 0u128));
		for (id, entry) in Entries::<T>::iter_prefix(model) {
			let earner = entry.earner;
			ensure!(id < table.next, "an entry's number wasn't given out");
			ensure!(parts(earner.share) > 0, "an entry has a share of nothing");
			count = count.saturating_add(1);
			granted = granted.saturating_add(parts(earner.share));
			owed = owed.saturating_add(earner.unpaid(&royalties));
			if earner.is_vested {
				vested = vested.saturating_add(parts(earner.share));
			} else {
				growing.push((earner.until, id));
				let begun = earner.rate().saturating_mul(earner.from.into());
				growth = (growth.0.saturating_add(earner.rate()), growth.1.saturating_add(begun));
			}
		}
		ensure!(count == table.entries, "the entries of a model are miscounted");
		ensure!(granted == parts(table.granted), "the shares of a model aren't what is granted");
		ensure!(granted <= WHOLE, "the shares of a model are more than everything");
		ensure!(vested == royalties.vested, "what has vested isn't what the entries have");
		ensure!(owed == royalties.owed, "what is owed isn't what the entries earned");
		ensure!(table.vesting.is_sorted_by_key(|(until, _)| *until), "vesting isn't in order");
		growing.sort();
		let mut listed = table.vesting.to_vec();
		listed.sort();
		ensure!(growing == listed, "the entries that vest aren't those listed");
		ensure!(
			growth == (royalties.rate, royalties.begun),
			"what vests doesn't grow as its entries"
		);
		Ok(())
	}

	fn check_money() -> Result<(), TryRuntimeError> {
		let mut waiting = 0u128;
		for steps in Inherited::<T>::iter_values() {
			let all = sum(all_of(&steps));
			ensure!(all > 0, "nothing is inherited");
			waiting = waiting.saturating_add(all);
		}
		for table in Tables::<T>::iter_values() {
			waiting = waiting.saturating_add(table.royalties.waiting());
		}
		let totals = Totals::<T>::get();
		let known = totals.paid.saturating_add(totals.treasury).saturating_add(waiting);
		ensure!(totals.received == known, "some royalties are lost, or paid twice");
		// Anyone may send something to the account, and that is nobody's.
		let held = raw::<T>(T::Currency::balance(&Self::pot()));
		let least = raw::<T>(T::Currency::minimum_balance());
		ensure!(
			waiting == 0 || held >= waiting.saturating_add(least),
			"royalties that wait aren't in the pallet's account"
		);
		Ok(())
	}
}
