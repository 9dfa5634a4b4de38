//! Until when the chain keeps what a version is made of, and at whose cost it keeps it for longer.

use crate::{
	BalanceOf, Config, Error, Event, Kept, LapseCursor, Lapsing, ManifestOf, Models, Pallet,
	Versions, WeightInfo,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dodona_primitives_models::{ArtifactRef, ChunkStore, ModelId, VersionId, VersionState};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	storage::with_storage_layer,
	traits::{
		fungible::{Inspect, InspectHold, Mutate},
		tokens::{
			Fortitude::Polite,
			Preservation::{Expendable, Preserve},
		},
		Get,
	},
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{
	traits::{AccountIdConversion, One, Saturating, Zero},
	SaturatedConversion,
};

/// What a version is made of.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Part {
	/// [`artifact`](dodona_primitives_models::Manifest::artifact) of the manifest.
	#[codec(index = 0)]
	Weights,
	/// [`tokenizer`](dodona_primitives_models::Manifest::tokenizer) of the manifest.
	#[codec(index = 1)]
	Tokenizer,
	/// [`folder`](dodona_primitives_models::Manifest::folder) of the manifest.
	#[codec(index = 2)]
	Folder,
}

impl Part {
	/// All of them.
	const ALL: [Self; 3] = [Self::Weights, Self::Tokenizer, Self::Folder];

	/// Where its bytes are, if the version has it.
	pub(crate) fn of<T: Config>(self, manifest: &ManifestOf<T>) -> Option<ArtifactRef> {
		match self {
			Self::Weights => Some(manifest.artifact),
			Self::Tokenizer => manifest.tokenizer,
			Self::Folder => manifest.folder,
		}
	}
}

/// A chunk, and the first block in which it is not kept any more.
type Due<T> = (BlockNumberFor<T>, H256);

impl<T: Config> Pallet<T> {
	/// The account whose free balance is a model's endowment. Nobody has its key.
	pub fn endowment_account(model: ModelId) -> T::AccountId {
		T::PalletId::get().into_sub_account_truncating(model)
	}

	/// First block in which a part of the version may not be kept any more; `None` if nobody has
	/// shown that it is.
	pub fn kept_until(version: VersionId, part: Part) -> Option<BlockNumberFor<T>> {
		Kept::<T>::get(version, part)
	}

	pub(crate) fn do_endow(
		who: T::AccountId,
		model: ModelId,
		amount: BalanceOf<T>,
	) -> DispatchResult {
		ensure!(Models::<T>::contains_key(model), Error::<T>::UnknownModel);
		T::Currency::transfer(&who, &Self::endowment_account(model), amount, Preserve)?;
		Self::deposit_event(Event::ModelEndowed { model, who, amount });
		Ok(())
	}

	/// How many chunks an index of this length can have that is not refused for its length.
	pub(crate) fn chunks_in(index: &[u8]) -> u32 {
		let chunks: u32 = (index.len() / H256::len_bytes()).saturated_into();
		chunks.min(T::MaxKeptChunks::get())
	}

	/// Returns how many chunks were renewed.
	pub(crate) fn do_keep(
		who: T::AccountId,
		version: VersionId,
		part: Part,
		index: Vec<u8>,
	) -> Result<u32, DispatchError> {
		let record =
			Versions::<T>::get(version.model, version.number).ok_or(Error::<T>::UnknownVersion)?;
		let is_revoked = matches!(record.state, VersionState::Revoked { .. });
		ensure!(!is_revoked, Error::<T>::AlreadyRevoked);
		let artifact = part.of::<T>(&record.manifest).ok_or(Error::<T>::NoSuchPart)?;
		ensure!(artifact.chunks <= T::MaxKeptChunks::get(), Error::<T>::TooManyChunks);
		let hashes = artifact.open_index(&index).ok_or(Error::<T>::WrongIndex)?;

		// A chunk may be in an artifact more than once: it is kept, and paid for, once.
		let hashes: BTreeSet<H256> = hashes.into_iter().chain([artifact.index]).collect();
		let mut chunks = Vec::with_capacity(hashes.len());
		for hash in hashes {
			let end = T::Storage::kept_until(hash).ok_or(Error::<T>::WeightsIncomplete)?;
			chunks.push((end, hash));
		}
		// What ends first is renewed first.
		chunks.sort_unstable();

		// Anyone may propose a version of a commons model: what it says its chunks are must not
		// spend the endowment before somebody has approved it. Nor does what was taken out of use:
		// if the suspension is lifted, there is half a period to renew it.
		let renewed = match record.state {
			VersionState::Proposed | VersionState::Suspended { .. } => 0,
			_ => Self::renew_due(&who, version.model, &mut chunks)?,
		};
		let ends = chunks.iter().map(|(end, _)| *end);
		let until = ends.min().ok_or(Error::<T>::WeightsIncomplete)?;
		Self::note_kept(version, part, until);
		Self::deposit_event(Event::VersionKept { version, part, renewed, until });
		Ok(renewed)
	}

	/// Renews, in this order, those of the chunks that can be renewed, until there is no room or no
	/// endowment left; returns how many.
	fn renew_due(
		keeper: &T::AccountId,
		model: ModelId,
		chunks: &mut [Due<T>],
	) -> Result<u32, DispatchError> {
		let endowment = Self::endowment_account(model);
		let mut renewed = 0u32;
		for (end, hash) in chunks {
			if renewed >= T::MaxRenewals::get() {
				break;
			}
			if !T::Storage::is_renewable(*hash) {
				continue;
			}
			match Self::renew_chunk(&endowment, keeper, *hash) {
				Ok(()) => {},
				// The storage's own: no room in the block, or in the extrinsic.
				Err(DispatchError::Module(_)) if renewed == 0 => {
					return Err(Error::<T>::NoRoom.into());
				},
				Err(DispatchError::Module(_)) => break,
				// The currency's.
				Err(_) if renewed == 0 => return Err(Error::<T>::EndowmentTooSmall.into()),
				Err(_) => break,
			}
			renewed.saturating_inc();
			if let Some(later) = T::Storage::kept_until(*hash) {
				*end = later;
			}
		}
		Ok(renewed)
	}

	/// Renews a chunk and pays the keeper, or does neither.
	fn renew_chunk(endowment: &T::AccountId, keeper: &T::AccountId, hash: H256) -> DispatchResult {
		with_storage_layer(|| {
			T::Storage::renew(endowment, hash)?;
			let reward = T::KeeperReward::get();
			if !reward.is_zero() {
				T::Currency::transfer(endowment, keeper, reward, Preserve)?;
			}
			Ok(())
		})
	}

	/// Notes until when a part is kept; of weights, what will say so before they lapse.
	fn note_kept(version: VersionId, part: Part, until: BlockNumberFor<T>) {
		let before = Kept::<T>::get(version, part);
		if before == Some(until) {
			return;
		}
		Kept::<T>::insert(version, part, until);
		if part != Part::Weights {
			return;
		}
		if let Some(before) = before {
			Lapsing::<T>::remove(before, version);
		}
		if until < Self::lapse_cursor() {
			// Those that lapse so soon have been announced already.
			Self::deposit_event(Event::WeightsLapse { version, at: until });
		} else {
			Lapsing::<T>::insert(until, version, ());
		}
	}

	/// The first block such that weights that lapse in it may not all have been announced.
	fn lapse_cursor() -> BlockNumberFor<T> {
		LapseCursor::<T>::get().unwrap_or_else(|| {
			let now = frame_system::Pallet::<T>::block_number();
			let cursor = Self::announced_in(now).saturating_add(One::one());
			LapseCursor::<T>::put(cursor);
			cursor
		})
	}

	/// The last block such that weights that lapse in it are announced in block `now`.
	fn announced_in(now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		now.saturating_add(T::LapseNotice::get())
	}

	/// Says which versions' weights lapse soon, as far as `meter` allows; the next block goes on
	/// from there.
	pub(crate) fn announce_lapses(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::on_idle_base()).is_err() {
			return;
		}
		let Some(first) = LapseCursor::<T>::get() else { return };
		let last = Self::announced_in(now);
		let mut block = first;
		// One iterator for a block: each would step again over whatever was removed before.
		let mut versions = Lapsing::<T>::iter_key_prefix(block);
		// Each turn announces one version or leaves one block behind.
		while block <= last && meter.try_consume(T::WeightInfo::on_idle_step()).is_ok() {
			match versions.next() {
				Some(version) => {
					Lapsing::<T>::remove(block, version);
					Self::deposit_event(Event::WeightsLapse { version, at: block });
				},
				None => {
					block.saturating_inc();
					versions = Lapsing::<T>::iter_key_prefix(block);
				},
			}
		}
		if block != first {
			LapseCursor::<T>::put(block);
		}
	}

	/// Forgets until when a version is kept, as nobody needs it any more.
	pub(crate) fn forget_kept(version: VersionId) {
		for part in Part::ALL {
			let until = Kept::<T>::take(version, part);
			if let (Part::Weights, Some(until)) = (part, until) {
				Lapsing::<T>::remove(until, version);
			}
		}
	}

	/// Gives the endowment of a model that ends to its owner. Refused while deposits of chunks are
	/// held from it, or these would come back to an account that is nobody's.
	pub(crate) fn close_endowment(model: ModelId, owner: &T::AccountId) -> DispatchResult {
		let endowment = Self::endowment_account(model);
		let held = T::Currency::total_balance_on_hold(&endowment);
		ensure!(held.is_zero(), Error::<T>::EndowmentHeld);
		let amount = T::Currency::reducible_balance(&endowment, Expendable, Polite);
		if !amount.is_zero() {
			T::Currency::transfer(&endowment, owner, amount, Expendable)?;
		}
		Ok(())
	}
}
