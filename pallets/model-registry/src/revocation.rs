//! How a version ends.

use crate::{
	state::{next, Step},
	Config, Error, Event, HoldReason, ModelOf, Models, Pallet, Reason, VersionOf, Versions,
};
use alloc::vec::Vec;
use dodona_primitives_models::{chunk_hash, pages_root, UpgradeGate, VersionId, VersionState};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, EnsureOrigin},
	traits::{
		fungible::{Balanced, BalancedHold},
		Get, Imbalance, OnUnbalanced,
	},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_core::H256;
use sp_runtime::traits::{Saturating, Zero};

/// Why a version was dropped.
const NOT_ADMITTED: &[u8] = b"not admitted in time";
/// Why a version was revoked whose pages were refuted.
const WRONG_PAGES: &[u8] = b"wrong pages";

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

/// Who gets a version's deposit when it is revoked.
enum Heir<AccountId> {
	/// Whoever paid it.
	Proposer,
	/// The treasury: the version was spam.
	Treasury,
	/// Whoever showed that the manifest is wrong.
	Refuter(AccountId),
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_revoke(
		origin: OriginFor<T>,
		version: VersionId,
		reason: Vec<u8>,
	) -> DispatchResult {
		// Longer ones would not decode as a `Reason`, and the signer would not be told why.
		let reason = Reason::try_from(reason).map_err(|_| Error::<T>::ReasonTooLong)?;
		let model = Self::known(version.model)?;
		let mut record = Self::version_of(version)?;
		let revoker = Self::revoker(origin, &model, &record)?;
		if let (VersionState::Revoked { at, .. }, Revoker::Guardian) = (&record.state, revoker) {
			record.state = VersionState::Revoked { reason: reason.clone(), at: *at };
			let artifact = record.manifest.artifact.root;
			ensure!(Self::end_claim(artifact, version), Error::<T>::AlreadyRevoked);
			Self::put(version, record);
			Self::deposit_event(Event::VersionRevoked { version, reason });
			return Ok(());
		}
		let was_proposed = record.state == VersionState::Proposed;
		let is_forfeited = match revoker {
			Revoker::Curator | Revoker::Guardian => was_proposed,
			// Samples of the commons were used up for it, and no score is left of that.
			Revoker::Proposer => model.owner.is_none() && T::Gate::is_being_measured(version),
			Revoker::Owner => false,
		};
		let heir = if is_forfeited { Heir::Treasury } else { Heir::Proposer };
		Self::end(version, model, record, reason, heir, revoker == Revoker::Guardian)
	}

	/// See [`crate::Call::refute_pages`].
	pub(crate) fn do_refute_pages(
		who: T::AccountId,
		version: VersionId,
		position: u32,
		chunk: Vec<u8>,
		chunk_proof: &[H256],
		claimed: H256,
		pages_proof: &[H256],
	) -> DispatchResult {
		let model = Self::known(version.model)?;
		let record = Self::version_of(version)?;
		let (artifact, pages) = (record.manifest.artifact, record.manifest.pages);
		let is_whole = artifact.chunk_len(position).map(|len| len as usize) == Some(chunk.len());
		ensure!(
			is_whole && artifact.has_chunk(position, chunk_hash(&chunk), chunk_proof),
			Error::<T>::WrongChunk
		);
		let is_claimed = artifact.has_pages(pages, position, claimed, pages_proof);
		ensure!(is_claimed, Error::<T>::WrongPagesProof);
		ensure!(pages_root(&chunk) != claimed, Error::<T>::PagesAreRight);
		let reason = Reason::truncate_from(WRONG_PAGES.to_vec());
		Self::end(version, model, record, reason, Heir::Refuter(who), false)
	}

	pub(crate) fn do_drop(version: VersionId) -> DispatchResult {
		let model = Self::known(version.model)?;
		ensure!(model.owner.is_none(), Error::<T>::NotInCommons);
		let record = Self::version_of(version)?;
		ensure!(record.state == VersionState::Proposed, Error::<T>::NotProposed);
		let now = frame_system::Pallet::<T>::block_number();
		let had_time = now >= record.proposed_at.saturating_add(T::AdmissionPeriod::get());
		ensure!(had_time, Error::<T>::AdmissionGoesOn);
		ensure!(T::Gate::ensure_admitted(version).is_err(), Error::<T>::IsAdmitted);
		let reason = Reason::truncate_from(NOT_ADMITTED.to_vec());
		Self::end(version, model, record, reason, Heir::Proposer, false)
	}

	/// Revokes a version that isn't revoked.
	fn end(
		version: VersionId,
		mut model: ModelOf<T>,
		mut record: VersionOf<T>,
		reason: Reason,
		heir: Heir<T::AccountId>,
		by_guardian: bool,
	) -> DispatchResult {
		let was_proposed = record.state == VersionState::Proposed;
		let was_suspended = matches!(record.state, VersionState::Suspended { .. });
		let at = frame_system::Pallet::<T>::block_number();
		record.state = next::<T>(record.state, Step::Revoke { reason: reason.clone(), at })?;
		Self::end_deposit(version, &mut record, heir)?;
		if was_proposed {
			Self::end_proposal(version.model, &mut model, &record.proposer);
			Self::forget_parent(version);
		} else {
			model.live.saturating_dec();
		}
		if model.active == Some(version.number) {
			model.active = None;
		}
		Models::<T>::insert(version.model, model);
		let artifact = record.manifest.artifact.root;
		if was_suspended {
			Self::note_lifted(artifact);
		}
		Self::weaken_claim(artifact, version, by_guardian);
		Self::put(version, record);
		Self::forget_kept(version);
		if was_proposed {
			T::Gate::close(version, false);
		}
		Self::deposit_event(Event::VersionRevoked { version, reason });
		Ok(())
	}

	pub(crate) fn do_prune(version: VersionId) -> DispatchResult {
		let mut model = Self::known(version.model)?;
		let record = Self::version_of(version)?;
		let VersionState::Revoked { at, .. } = record.state else {
			return Err(Error::<T>::NotRevoked.into());
		};
		let now = frame_system::Pallet::<T>::block_number();
		let is_old = now >= at.saturating_add(T::RevokedRetention::get());
		ensure!(is_old, Error::<T>::RevokedTooLately);
		model.records.saturating_dec();
		Models::<T>::insert(version.model, model);
		Versions::<T>::remove(version.model, version.number);
		T::Gate::close(version, false);
		Self::deposit_event(Event::VersionPruned { version });
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
		Self::ensure_governed_by(origin, model)?;
		Ok(if model.owner.is_some() { Revoker::Owner } else { Revoker::Curator })
	}

	/// Gives a version's deposit to whoever it is due to.
	fn end_deposit(
		version: VersionId,
		record: &mut VersionOf<T>,
		heir: Heir<T::AccountId>,
	) -> DispatchResult {
		let (proposer, deposit) = (&record.proposer, record.deposit);
		let forfeit = || T::Currency::slash(&HoldReason::Version.into(), proposer, deposit).0;
		match heir {
			Heir::Proposer => Self::release(HoldReason::Version, proposer, deposit)?,
			Heir::Treasury => {
				let credit = forfeit();
				let amount = credit.peek();
				T::Treasury::on_unbalanced(credit);
				let proposer = proposer.clone();
				Self::deposit_event(Event::DepositForfeited { version, proposer, amount });
			},
			Heir::Refuter(refuter) => {
				let credit = forfeit();
				let amount = credit.peek();
				// An account that can't take it leaves it to the treasury.
				if let Err(credit) = T::Currency::resolve(&refuter, credit) {
					T::Treasury::on_unbalanced(credit);
				}
				Self::deposit_event(Event::PagesRefuted { version, refuter, amount });
			},
		}
		record.deposit = Zero::zero();
		Ok(())
	}
}
