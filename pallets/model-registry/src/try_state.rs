//! What is always true of the pallet's state.

use crate::{
	Artifacts, BalanceOf, Config, HoldReason, Models, Names, NextModelId, Pallet, Proposals,
	Versions,
};
use alloc::collections::BTreeMap;
use dodona_primitives_models::{ModelId, VersionId, VersionState};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_core::H256;
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
	/// - A model has its versions from 1 to the latest, and counts those that wait for approval
	///   and those that were approved and are not revoked.
	/// - What waits for approval is counted by model and proposer too, and nothing else is.
	/// - A version is active if and only if its model says so.
	/// - A version says why it was revoked if and only if it was.
	/// - A version's parent, if any, exists.
	/// - A version that isn't revoked has an artifact that is claimed: by its own model, unless the
	///   version is derived from another.
	/// - A claim is by a version that exists and has the artifact, counts the versions that have it
	///   and are not revoked, and there is none on an artifact without such versions unless it
	///   lasts.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let (mut model_deposits, mut version_deposits) =
			(Deposits::<T>::new(), Deposits::<T>::new());
		let (mut models, mut versions) = (0usize, 0usize);
		let mut proposals = BTreeMap::<(ModelId, T::AccountId), u32>::new();
		let mut artifacts = BTreeMap::<H256, u32>::new();

		for (id, model) in Models::<T>::iter() {
			models.saturating_inc();
			ensure!(id < NextModelId::<T>::get(), "a model's id was not given out");
			ensure!(crate::name::is_valid(&model.name), "a model's name is not valid");
			ensure!(Names::<T>::get(&model.name) == Some(id), "a model's name is not its own");
			match model.owner {
				Some(owner) => add::<T>(&mut model_deposits, owner, model.deposit),
				None => ensure!(model.deposit.is_zero(), "a deposit is held for the commons"),
			}

			let (mut live, mut waiting) = (0u32, 0u32);
			for number in 1..=model.latest {
				let record = Versions::<T>::get(id, number).ok_or("a version is missing")?;
				versions.saturating_inc();
				let is_revoked = record.state == VersionState::Revoked;
				match record.state {
					VersionState::Proposed => {
						waiting.saturating_inc();
						proposals
							.entry((id, record.proposer.clone()))
							.or_default()
							.saturating_inc();
					},
					VersionState::Approved | VersionState::Active | VersionState::Deprecated => {
						live.saturating_inc()
					},
					VersionState::Revoked => {},
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
				let root = record.manifest.artifact.root;
				let parent = record.manifest.derived_from;
				if !is_revoked {
					artifacts.entry(root).or_default().saturating_inc();
					let claim = Artifacts::<T>::get(root).ok_or("an artifact is not claimed")?;
					let claimant = claim.first.model;
					ensure!(
						claimant == id || parent.is_some_and(|parent| parent.model == claimant),
						"a version has another model's artifact"
					);
				}
				if let Some(parent) = parent {
					ensure!(
						Versions::<T>::contains_key(parent.model, parent.number),
						"a parent doesn't exist"
					);
				}
				add::<T>(&mut version_deposits, record.proposer, record.deposit);
			}
			ensure!(live == model.live, "a model miscounts its versions");
			ensure!(waiting == model.proposals, "a model miscounts what waits for approval");
			let active_exists =
				model.active.is_none_or(|number| (1..=model.latest).contains(&number));
			ensure!(active_exists, "the active version doesn't exist");
		}
		// Each model has its name and its versions, so equal counts mean that there are no others.
		ensure!(Names::<T>::iter_keys().count() == models, "a name is no model's");
		ensure!(Versions::<T>::iter_keys().count() == versions, "a version is no model's");

		for (root, claim) in Artifacts::<T>::iter() {
			let VersionId { model, number } = claim.first;
			let has_it = Versions::<T>::get(model, number)
				.is_some_and(|record| record.manifest.artifact.root == root);
			ensure!(has_it, "an artifact is claimed by a version that doesn't have it");
			let versions = artifacts.get(&root).copied().unwrap_or_default();
			ensure!(claim.versions == versions, "a claim miscounts the artifact's versions");
			ensure!(versions > 0 || claim.lasting, "a claim has outlived its versions");
		}

		let mut listed = 0usize;
		for (model, proposer, count) in Proposals::<T>::iter() {
			listed.saturating_inc();
			ensure!(
				proposals.get(&(model, proposer)) == Some(&count),
				"what waits for approval is miscounted by proposer"
			);
		}
		ensure!(listed == proposals.len(), "a proposer of what waits for approval is missing");

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
