//! A version's life.

use crate::{
	Config, Error, Event, HoldReason, ManifestOf, ModelOf, Models, Pallet, Proposals, Reason,
	Version, VersionOf, Versions,
};
use alloc::vec::Vec;
use dodona_engine::ENGINE_VERSION;
use dodona_primitives_models::{ModelId, VersionId, VersionState};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
	traits::{
		fungible::{BalancedHold, MutateHold},
		tokens::Precision::BestEffort,
		Get, Imbalance, OnUnbalanced,
	},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{
	traits::{Saturating, Zero},
	ArithmeticError,
};

/// What is done to a version.
#[derive(Clone, Copy)]
enum Step {
	Approve,
	Activate,
	Deprecate,
	Revoke,
}

/// By what right a version is revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Revoker {
	/// It is the signer's own, and waits for approval.
	Proposer,
	/// The signer owns the model.
	Owner,
	/// The model is in the commons.
	Curator,
	/// Any model.
	Guardian,
}

/// The state that a step leads to.
fn next<T: Config>(state: VersionState, step: Step) -> Result<VersionState, Error<T>> {
	use VersionState::*;
	match (step, state) {
		(Step::Approve, Proposed) => Ok(Approved),
		(Step::Approve, Approved | Active | Deprecated | Revoked) => Err(Error::NotProposed),
		(Step::Activate, Approved | Deprecated) => Ok(Active),
		(Step::Activate, Proposed | Active | Revoked) => Err(Error::NotActivatable),
		(Step::Deprecate, Active) => Ok(Deprecated),
		(Step::Deprecate, Proposed | Approved | Deprecated | Revoked) => Err(Error::NotActive),
		(Step::Revoke, Proposed | Approved | Active | Deprecated) => Ok(Revoked),
		(Step::Revoke, Revoked) => Err(Error::AlreadyRevoked),
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_propose(
		who: T::AccountId,
		model: ModelId,
		manifest: ManifestOf<T>,
	) -> DispatchResult {
		let mut record = Self::known(model)?;
		let own = Proposals::<T>::get(model, &who);
		match &record.owner {
			Some(owner) => ensure!(*owner == who, Error::<T>::NotOwner),
			None => ensure!(own == 0, Error::<T>::AlreadyProposing),
		}
		Self::ensure_valid(model, &manifest)?;
		ensure!(record.proposals < T::MaxProposals::get(), Error::<T>::TooManyProposals);

		let number = record.latest.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let deposit = T::VersionDeposit::get();
		T::Currency::hold(&HoldReason::Version.into(), &who, deposit)?;

		record.latest = number;
		record.proposals.saturating_inc();
		Models::<T>::insert(model, record);
		Proposals::<T>::insert(model, &who, own.saturating_add(1));
		let version = VersionId { model, number };
		let artifact = manifest.artifact.root;
		Self::claim(artifact, version);
		let proposed = Version {
			proposer: who.clone(),
			deposit,
			state: VersionState::Proposed,
			revoked_for: None,
			manifest,
		};
		Self::put(version, proposed);
		Self::deposit_event(Event::VersionProposed { version, proposer: who, artifact });
		Ok(())
	}

	pub(crate) fn do_approve(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (mut model, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Approve)?;
		ensure!(model.live < T::MaxLiveVersions::get(), Error::<T>::TooManyVersions);
		model.live.saturating_inc();
		Self::end_proposal(version.model, &mut model, &record.proposer);
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		Self::deposit_event(Event::VersionApproved { version });
		Ok(())
	}

	pub(crate) fn do_activate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (mut model, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Activate)?;
		// The engine may have changed since the version was proposed.
		ensure!(record.manifest.engine == ENGINE_VERSION, Error::<T>::UnsupportedEngine);

		if let Some(number) = model.active.replace(version.number) {
			let before = VersionId { number, ..version };
			let mut deprecated = Self::version_of(before)?;
			deprecated.state = next::<T>(deprecated.state, Step::Deprecate)?;
			Self::put(before, deprecated);
			Self::deposit_event(Event::VersionDeprecated { version: before });
		}
		Models::<T>::insert(version.model, model);
		Self::make_claim_last(record.manifest.artifact.root, version);
		Self::put(version, record);
		Self::deposit_event(Event::VersionActivated { version });
		Ok(())
	}

	pub(crate) fn do_deprecate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
		let (mut model, mut record) = Self::governed(origin, version)?;
		record.state = next::<T>(record.state, Step::Deprecate)?;
		model.active = None;
		Models::<T>::insert(version.model, model);
		Self::put(version, record);
		Self::deposit_event(Event::VersionDeprecated { version });
		Ok(())
	}

	pub(crate) fn do_revoke(
		origin: OriginFor<T>,
		version: VersionId,
		reason: Vec<u8>,
	) -> DispatchResult {
		// Longer ones would not decode as a `Reason`, and the signer would not be told why.
		let reason = Reason::try_from(reason).map_err(|_| Error::<T>::ReasonTooLong)?;
		let mut model = Self::known(version.model)?;
		let mut record = Self::version_of(version)?;
		let revoker = Self::revoker(origin, &model, &record)?;
		let was_proposed = record.state == VersionState::Proposed;
		record.state = next::<T>(record.state, Step::Revoke)?;

		let is_judged = matches!(revoker, Revoker::Curator | Revoker::Guardian);
		Self::end_deposit(version, &mut record, was_proposed && is_judged)?;
		record.revoked_for = Some(reason.clone());
		if was_proposed {
			Self::end_proposal(version.model, &mut model, &record.proposer);
		} else {
			model.live.saturating_dec();
		}
		if model.active == Some(version.number) {
			model.active = None;
		}
		Models::<T>::insert(version.model, model);
		let artifact = record.manifest.artifact.root;
		Self::weaken_claim(artifact, version, revoker == Revoker::Guardian);
		Self::put(version, record);
		Self::deposit_event(Event::VersionRevoked { version, reason });
		Ok(())
	}

	/// By what right `origin` may revoke the version.
	fn revoker(
		origin: OriginFor<T>,
		model: &ModelOf<T>,
		record: &VersionOf<T>,
	) -> Result<Revoker, DispatchError> {
		// Nobody has relied on a proposal yet: its proposer may take it back.
		let is_proposer = ensure_signed(origin.clone()).is_ok_and(|who| who == record.proposer);
		if record.state == VersionState::Proposed && is_proposer {
			return Ok(Revoker::Proposer);
		}
		let Err(origin) = T::GuardianOrigin::try_origin(origin) else {
			return Ok(Revoker::Guardian);
		};
		Self::ensure_governs(origin, model)?;
		Ok(if model.owner.is_some() { Revoker::Owner } else { Revoker::Curator })
	}

	/// Gives a version's deposit to the treasury if it is forfeited, and else to the proposer.
	fn end_deposit(
		version: VersionId,
		record: &mut VersionOf<T>,
		is_forfeited: bool,
	) -> DispatchResult {
		let (proposer, deposit) = (&record.proposer, record.deposit);
		let hold = HoldReason::Version.into();
		if is_forfeited {
			let (credit, _) = T::Currency::slash(&hold, proposer, deposit);
			let amount = credit.peek();
			T::Treasury::on_unbalanced(credit);
			let proposer = proposer.clone();
			Self::deposit_event(Event::DepositForfeited { version, proposer, amount });
		} else {
			T::Currency::release(&hold, proposer, deposit, BestEffort)?;
		}
		record.deposit = Zero::zero();
		Ok(())
	}

	/// Notes that a version doesn't wait for approval any more.
	fn end_proposal(id: ModelId, model: &mut ModelOf<T>, proposer: &T::AccountId) {
		model.proposals.saturating_dec();
		Proposals::<T>::mutate_exists(id, proposer, |count| {
			*count = count.and_then(|count| count.checked_sub(1)).filter(|count| *count > 0);
		});
	}

	/// The version and its model, if `origin` governs them.
	fn governed(
		origin: OriginFor<T>,
		version: VersionId,
	) -> Result<(ModelOf<T>, VersionOf<T>), DispatchError> {
		let model = Self::known(version.model)?;
		Self::ensure_governs(origin, &model)?;
		Ok((model, Self::version_of(version)?))
	}

	fn version_of(version: VersionId) -> Result<VersionOf<T>, DispatchError> {
		Versions::<T>::get(version.model, version.number).ok_or(Error::<T>::UnknownVersion.into())
	}

	fn put(version: VersionId, record: VersionOf<T>) {
		Versions::<T>::insert(version.model, version.number, record);
	}
}
