//! What is always true of the pallet's state.

use crate::{
	Artifacts, BalanceOf, Config, HoldReason, Models, Names, NextModelId, Pallet, Versions,
};
use alloc::collections::BTreeMap;
use dodona_primitives_models::{VersionId, VersionState};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{
	traits::{Saturating, Zero},
	TryRuntimeError,
};

type Deposits<T> = BTreeMap<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks the state.
	///
	/// - Models and names are paired one to one; every name is valid, and every id was given out.
	/// - An account's funds on hold for models are the sum of the deposits of those that it owns,
	///   and those of the commons have none.
	/// - An account's funds on hold for versions are the sum of the deposits of those that it
	///   proposed, and revoked ones have none.
	/// - A model has its versions from 1 to the latest, and counts those that are not revoked.
	/// - A version is active if and only if its model says so.
	/// - A version says why it was revoked if and only if it was.
	/// - A version's manifest names an artifact that is listed, and a parent that exists if any.
	/// - An artifact is listed with a version that has it.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let (mut model_deposits, mut version_deposits) =
			(Deposits::<T>::new(), Deposits::<T>::new());
		let (mut models, mut versions) = (0usize, 0usize);

		for (id, model) in Models::<T>::iter() {
			models.saturating_inc();
			ensure!(id < NextModelId::<T>::get(), "a model's id was not given out");
			ensure!(crate::name::is_valid(&model.name), "a model's name is not valid");
			ensure!(Names::<T>::get(&model.name) == Some(id), "a model's name is not its own");
			match model.owner {
				Some(owner) => add::<T>(&mut model_deposits, owner, model.deposit),
				None => ensure!(model.deposit.is_zero(), "a deposit is held for the commons"),
			}

			let mut live = 0u32;
			for number in 1..=model.latest {
				let record = Versions::<T>::get(id, number).ok_or("a version is missing")?;
				versions.saturating_inc();
				let is_revoked = record.state == VersionState::Revoked;
				if !is_revoked {
					live.saturating_inc();
				}
				ensure!(
					(record.state == VersionState::Active) == (model.active == Some(number)),
					"the active version is not the model's"
				);
				ensure!(
					record.revoked_for.is_some() == is_revoked,
					"a reason for revocation is missing or there without one"
				);
				ensure!(
					!is_revoked || record.deposit.is_zero(),
					"a deposit is held for a revoked version"
				);
				ensure!(
					Artifacts::<T>::contains_key(record.manifest.artifact.root),
					"an artifact is not listed"
				);
				if let Some(parent) = record.manifest.derived_from {
					ensure!(
						Versions::<T>::contains_key(parent.model, parent.number),
						"a parent doesn't exist"
					);
				}
				add::<T>(&mut version_deposits, record.proposer, record.deposit);
			}
			ensure!(live == model.live, "a model miscounts its versions");
			let active_exists =
				model.active.is_none_or(|number| (1..=model.latest).contains(&number));
			ensure!(active_exists, "the active version doesn't exist");
		}
		// Each model has its name and its versions, so equal counts mean that there are no others.
		ensure!(Names::<T>::iter_keys().count() == models, "a name is no model's");
		ensure!(Versions::<T>::iter_keys().count() == versions, "a version is no model's");

		for (root, VersionId { model, number }) in Artifacts::<T>::iter() {
			let has_it = Versions::<T>::get(model, number)
				.is_some_and(|record| record.manifest.artifact.root == root);
			ensure!(has_it, "an artifact is listed with a version that doesn't have it");
		}

		for (reason, deposits) in
			[(HoldReason::Model, model_deposits), (HoldReason::Version, version_deposits)]
		{
			let reason = reason.into();
			for (who, sum) in deposits {
				let held = T::Currency::balance_on_hold(&reason, &who);
				ensure!(held == sum, "an account's hold differs from its deposits");
			}
		}
		Ok(())
	}
}

fn add<T: Config>(deposits: &mut Deposits<T>, who: T::AccountId, deposit: BalanceOf<T>) {
	let sum = deposits.entry(who).or_insert(Zero::zero());
	*sum = sum.saturating_add(deposit);
}
