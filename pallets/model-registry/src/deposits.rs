//! What deposits there are, and how they are held and returned.

use crate::{BalanceOf, Config, HoldReason, ManifestOf, Pallet};
use codec::Encode;
use dodona_primitives_models::{Metadata, Name};
use frame_support::{
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision::BestEffort, Get},
};
use sp_runtime::{
	traits::{Saturating, Zero},
	SaturatedConversion,
};

impl<T: Config> Pallet<T> {
	/// What a model of this name costs.
	pub fn model_deposit(name: &Name) -> BalanceOf<T> {
		Self::sized(T::ModelDeposit::get(), name.len())
	}

	/// What a version with this manifest costs.
	pub fn version_deposit(manifest: &ManifestOf<T>) -> BalanceOf<T> {
		Self::sized(T::VersionDeposit::get(), manifest.encoded_size())
	}

	/// What these metadata cost.
	pub fn metadata_deposit(metadata: &Metadata) -> BalanceOf<T> {
		Self::sized(T::MetadataDeposit::get(), metadata.encoded_size())
	}

	fn sized(base: BalanceOf<T>, bytes: usize) -> BalanceOf<T> {
		let bytes: BalanceOf<T> = (bytes as u64).saturated_into();
		base.saturating_add(T::DepositPerByte::get().saturating_mul(bytes))
	}

	/// Holds `after` instead of `before`.
	pub(crate) fn adjust_hold(
		reason: HoldReason,
		who: &T::AccountId,
		before: BalanceOf<T>,
		after: BalanceOf<T>,
	) -> DispatchResult {
		let reason = reason.into();
		let (more, less) = (after.saturating_sub(before), before.saturating_sub(after));
		if !more.is_zero() {
			T::Currency::hold(&reason, who, more)?;
		}
		if !less.is_zero() {
			T::Currency::release(&reason, who, less, BestEffort)?;
		}
		Ok(())
	}

	/// Holds a deposit.
	pub(crate) fn hold(
		reason: HoldReason,
		who: &T::AccountId,
		deposit: BalanceOf<T>,
	) -> DispatchResult {
		Self::adjust_hold(reason, who, Zero::zero(), deposit)
	}

	/// Returns a deposit.
	pub(crate) fn release(
		reason: HoldReason,
		who: &T::AccountId,
		deposit: BalanceOf<T>,
	) -> DispatchResult {
		Self::adjust_hold(reason, who, deposit, Zero::zero())
	}
}
