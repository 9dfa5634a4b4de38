//! What is always true of the pallet's state.

use crate::{
	Artifacts, BalanceOf, Config, Deregistered, Descriptions, HoldReason, Kept, LapseCursor,
	Lapsing, Lineage, Models, Names, NextModelId, Offers, Organisations, Pallet, Part, Proposals,
	Versions,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dodona_primitives_models::{ModelId, Organisation, VersionId, VersionState};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_core::H256;
use sp_runtime::{
	traits::{Saturating, Zero},
	TryRuntimeError,
};

/// What should be on hold for one reason.
type Deposits<T> = BTreeMap<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks the state.
	///
	/// - Models and names are paired one to one; every name is valid, and every id was given out.
	/// - For each of the reasons for holds, what is on hold from an account is the sum of its
	///   deposits: for models and metadata those of what it owns, for versions those of what it
	///   proposed, for organisations those of what it holds. The commons and revoked versions have
	///   none.
	/// - Metadata are of models, and so are offers, which are made by owners to others.
	/// - A model under an organisation's name is counted there, and nothing else is.
	/// - A model's versions have numbers from 1 to the latest; it counts the records of them, those
	///   that wait for approval and those that were approved and are not revoked.
	/// - What waits for approval is counted by model and proposer too, and nothing else is.
	/// - No version was proposed in a block to come.
	/// - A version is active if and only if its model says so, and then the model was used.
	/// - A model that is not registered any more has no records, and its id was given out.
	/// - A version's lineage is what its manifest says, and is only missing from one that is
	///   revoked. Parents have existed, and no version descends from itself.
	/// - A version that isn't revoked has an artifact that is claimed: by its own model, unless the
	///   version is derived from another.
	/// - A claim is by a version that has existed and, if there is a record of it, has the artifact.
	///   It counts the versions that have the artifact and are not revoked, and those of them that
	///   are suspended, and there is none on an artifact without such versions unless it lasts.
	/// - What is noted to be kept is a part of a version that isn't revoked.
	/// - Weights that are noted to be kept are listed in the block in which they lapse, unless that
	///   has been announced, and nothing else is listed.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::try_models()?;
		Self::try_versions()?;
		Self::try_organisations()?;
		Self::try_lineage()?;
		Self::try_claims()?;
		Self::try_kept()?;
		Self::try_holds()
	}

	fn try_models() -> Result<(), TryRuntimeError> {
		let mut models = 0usize;
		for (id, model) in Models::<T>::iter() {
			models.saturating_inc();
			ensure!(id < NextModelId::<T>::get(), "a model's id was not given out");
			ensure!(!Deregistered::<T>::contains_key(id), "a model was deregistered");
			ensure!(crate::name::is_valid(&model.name), "a model's name is not valid");
			ensure!(Names::<T>::get(&model.name) == Some(id), "a model's name is not its own");
			let is_commons = model.owner.is_none();
			ensure!(!is_commons || model.deposit.is_zero(), "a deposit is held for the commons");
		}
		// Each model has its name, so equal counts mean that there are no others.
		ensure!(Names::<T>::iter_keys().count() == models, "a name is no model's");

		for (id, latest) in Deregistered::<T>::iter() {
			ensure!(latest > 0, "a model without versions is remembered");
			ensure!(id < NextModelId::<T>::get(), "a deregistered model's id was not given out");
		}
		for (id, described) in Descriptions::<T>::iter() {
			let model = Models::<T>::get(id).ok_or("metadata are of no model")?;
			let is_commons = model.owner.is_none();
			ensure!(!is_commons || described.deposit.is_zero(), "a deposit is held for metadata");
		}
		for (id, to) in Offers::<T>::iter() {
			let model = Models::<T>::get(id).ok_or("an unknown model is offered")?;
			let owner = model.owner.ok_or("a model of the commons is offered")?;
			ensure!(owner != to, "a model is offered to its owner");
		}
		Ok(())
	}

	fn try_versions() -> Result<(), TryRuntimeError> {
		let mut versions = 0usize;
		let mut proposals = BTreeMap::<(ModelId, T::AccountId), u32>::new();
		for (id, model) in Models::<T>::iter() {
			let (mut live, mut waiting, mut records) = (0u32, 0u32, 0u32);
			for (number, record) in Versions::<T>::iter_prefix(id) {
				records.saturating_inc();
				versions.saturating_inc();
				ensure!(
					(1..=model.latest).contains(&number),
					"a version's number wasn't given out"
				);
				let now = frame_system::Pallet::<T>::block_number();
				ensure!(record.proposed_at <= now, "a version is proposed in a block to come");
				match record.state {
					VersionState::Proposed => {
						waiting.saturating_inc();
						proposals.entry((id, record.proposer)).or_default().saturating_inc();
					},
					VersionState::Approved
					| VersionState::Active
					| VersionState::Deprecated
					| VersionState::Suspended { .. } => live.saturating_inc(),
					VersionState::Revoked { .. } => {
						ensure!(record.deposit.is_zero(), "a deposit is held for a revoked version")
					},
				}
				ensure!(
					(record.state == VersionState::Active) == (model.active == Some(number)),
					"the active version is not the model's"
				);
			}
			ensure!(live == model.live, "a model miscounts its versions");
			ensure!(waiting == model.proposals, "a model miscounts what waits for approval");
			ensure!(records == model.records, "a model miscounts its records");
			if let Some(number) = model.active {
				ensure!(model.was_used, "a model with an active version was not used");
				let exists = Versions::<T>::contains_key(id, number);
				ensure!(exists, "the active version doesn't exist");
			}
		}
		// Each model has its versions, so equal counts mean that there are no others.
		ensure!(Versions::<T>::iter_keys().count() == versions, "a version is no model's");

		let mut listed = 0usize;
		for (model, proposer, count) in Proposals::<T>::iter() {
			listed.saturating_inc();
			ensure!(
				proposals.get(&(model, proposer)) == Some(&count),
				"what waits for approval is miscounted by proposer"
			);
		}
		ensure!(listed == proposals.len(), "a proposer of what waits for approval is missing");
		Ok(())
	}

	fn try_organisations() -> Result<(), TryRuntimeError> {
		let mut models = BTreeMap::<Organisation, u32>::new();
		for model in Models::<T>::iter_values() {
			if let Some(organisation) = crate::name::organisation(&model.name) {
				models.entry(organisation).or_default().saturating_inc();
			}
		}
		for (organisation, holding) in Organisations::<T>::iter() {
			let counted = models.remove(&organisation).unwrap_or_default();
			ensure!(counted == holding.models, "an organisation miscounts its models");
		}
		ensure!(models.is_empty(), "nobody holds a model's organisation");
		Ok(())
	}

	fn try_lineage() -> Result<(), TryRuntimeError> {
		for (model, number, record) in Versions::<T>::iter() {
			let parent = Lineage::<T>::get(VersionId { model, number });
			let is_revoked = matches!(record.state, VersionState::Revoked { .. });
			ensure!(
				parent == record.manifest.derived_from || (is_revoked && parent.is_none()),
				"a version's lineage isn't its manifest's"
			);
		}
		// Those that are known not to descend from themselves.
		let mut sound = BTreeSet::new();
		for (version, parent) in Lineage::<T>::iter() {
			ensure!(Self::has_existed(version), "a version with lineage has never existed");
			ensure!(Self::has_existed(parent), "a parent has never existed");
			let mut line = BTreeSet::new();
			let mut next = Some(version);
			while let Some(version) = next.filter(|version| !sound.contains(version)) {
				ensure!(line.insert(version), "a version descends from itself");
				next = Lineage::<T>::get(version);
			}
			sound.append(&mut line);
		}
		Ok(())
	}

	fn try_claims() -> Result<(), TryRuntimeError> {
		let mut artifacts = BTreeMap::<H256, (u32, u32)>::new();
		for (model, _, record) in Versions::<T>::iter() {
			if matches!(record.state, VersionState::Revoked { .. }) {
				continue;
			}
			let (root, parent) = (record.manifest.artifact.root, record.manifest.derived_from);
			let (versions, suspended) = artifacts.entry(root).or_default();
			versions.saturating_inc();
			if matches!(record.state, VersionState::Suspended { .. }) {
				suspended.saturating_inc();
			}
			let claimant =
				Artifacts::<T>::get(root).ok_or("an artifact is not claimed")?.first.model;
			ensure!(
				claimant == model || parent.is_some_and(|parent| parent.model == claimant),
				"a version has another model's artifact"
			);
		}
		for (root, claim) in Artifacts::<T>::iter() {
			let VersionId { model, number } = claim.first;
			ensure!(Self::has_existed(claim.first), "a claiming version has never existed");
			let has_it = Versions::<T>::get(model, number)
				.is_none_or(|record| record.manifest.artifact.root == root);
			ensure!(has_it, "an artifact is claimed by a version that doesn't have it");
			let (versions, suspended) = artifacts.get(&root).copied().unwrap_or_default();
			ensure!(claim.versions == versions, "a claim miscounts the artifact's versions");
			ensure!(claim.suspended == suspended, "a claim miscounts what is suspended");
			ensure!(versions > 0 || claim.lasting, "a claim has outlived its versions");
		}
		Ok(())
	}

	fn try_kept() -> Result<(), TryRuntimeError> {
		let mut lapsing = 0usize;
		for (version, part, until) in Kept::<T>::iter() {
			let record = Versions::<T>::get(version.model, version.number)
				.ok_or("what is kept is of no version")?;
			let is_revoked = matches!(record.state, VersionState::Revoked { .. });
			ensure!(!is_revoked, "it is noted until when a revoked version is kept");
			ensure!(part.of::<T>(&record.manifest).is_some(), "what is kept is no part");
			if part != Part::Weights {
				continue;
			}
			let cursor = LapseCursor::<T>::get().ok_or("nobody looks at what lapses")?;
			let is_listed = Lapsing::<T>::contains_key(until, version);
			// Those of the cursor's block may have been announced or not.
			ensure!(is_listed || until <= cursor, "weights are not listed where they lapse");
			ensure!(!is_listed || until >= cursor, "weights that lapse were passed over");
			lapsing.saturating_accrue(usize::from(is_listed));
		}
		// All that lapse and are listed, so equal counts mean that nothing else is.
		ensure!(Lapsing::<T>::iter_keys().count() == lapsing, "what lapses is not kept");
		Ok(())
	}

	fn try_holds() -> Result<(), TryRuntimeError> {
		let mut for_models = Deposits::<T>::new();
		let mut for_metadata = Deposits::<T>::new();
		for (id, model) in Models::<T>::iter() {
			let Some(owner) = model.owner else { continue };
			if let Some(described) = Descriptions::<T>::get(id) {
				add::<T>(&mut for_metadata, owner.clone(), described.deposit);
			}
			add::<T>(&mut for_models, owner, model.deposit);
		}
		let mut for_versions = Deposits::<T>::new();
		for record in Versions::<T>::iter_values() {
			add::<T>(&mut for_versions, record.proposer, record.deposit);
		}
		let mut for_organisations = Deposits::<T>::new();
		for holding in Organisations::<T>::iter_values() {
			add::<T>(&mut for_organisations, holding.holder, holding.deposit);
		}

		let mut sums = [
			(HoldReason::Model, for_models),
			(HoldReason::Version, for_versions),
			(HoldReason::Metadata, for_metadata),
			(HoldReason::Organisation, for_organisations),
		];
		for who in frame_system::Account::<T>::iter_keys() {
			for (reason, deposits) in &mut sums {
				let sum = deposits.remove(&who).unwrap_or_default();
				let held = T::Currency::balance_on_hold(&(*reason).into(), &who);
				ensure!(held == sum, "an account's hold differs from its deposits");
			}
		}
		let is_zero = |(_, deposits): &(HoldReason, Deposits<T>)| {
			deposits.values().all(|deposit| deposit.is_zero())
		};
		ensure!(sums.iter().all(is_zero), "deposits are of an account that doesn't exist");
		Ok(())
	}
}

fn add<T: Config>(deposits: &mut Deposits<T>, who: T::AccountId, deposit: BalanceOf<T>) {
	let sum = deposits.entry(who).or_insert(Zero::zero());
	*sum = sum.saturating_add(deposit);
}
