//! What the versions of a model are measured by.

use crate::{Config, Error, Event, HoldOutSet, HoldOuts, Pallet};
use dodona_primitives_inference::{HoldOut, Metric, MAX_EVALUATED, MAX_SAMPLES};
use dodona_primitives_models::ModelId;
use frame_support::{ensure, pallet_prelude::DispatchResult};
use sp_core::H256;
use sp_runtime::Perbill;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::set_hold_out`].
	pub(crate) fn do_set_hold_out(
		model: ModelId,
		root: H256,
		samples: u32,
		metric: Metric,
		per_evaluation: u32,
		margin: Perbill,
		revealer: T::AccountId,
	) -> DispatchResult {
		ensure!((1..=MAX_SAMPLES).contains(&samples), Error::<T>::InvalidSamples);
		let most = samples.min(MAX_EVALUATED);
		ensure!((1..=most).contains(&per_evaluation), Error::<T>::InvalidPerEvaluation);
		let before = HoldOuts::<T>::get(model);
		let number = before.as_ref().map_or(0, |set| set.number).saturating_add(1);
		// Who has seen a sample has not forgotten it because somebody commits to it once more.
		let same = before.filter(|set| set.hold_out.root == root);
		let used = same.map_or(0, |set| set.hold_out.used.min(samples));
		let hold_out = HoldOut { root, samples, metric, per_evaluation, margin, used };
		let set = HoldOutSet { number, revealer: revealer.clone(), hold_out };
		HoldOuts::<T>::insert(model, set);
		Self::deposit_event(Event::HoldOutSet {
			model,
			root,
			samples,
			metric,
			per_evaluation,
			margin,
			revealer,
		});
		Ok(())
	}

	/// Makes all scores of a model's versions stale; and uses up its samples, if whoever chose them
	/// has no say any more.
	pub(crate) fn outdate(model: ModelId, is_used_up: bool) {
		HoldOuts::<T>::mutate_extant(model, |set| {
			set.number = set.number.saturating_add(1);
			if is_used_up {
				set.hold_out.used = set.hold_out.samples;
			}
		});
	}

	/// What the versions of a model are measured by.
	pub fn hold_out(model: ModelId) -> Option<HoldOut> {
		HoldOuts::<T>::get(model).map(|set| set.hold_out)
	}
}
