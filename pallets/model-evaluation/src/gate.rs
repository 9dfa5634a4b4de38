//! What whoever approves versions asks.

use crate::{measure::is_better, Admissions, Config, Course, Error, Evaluations, HoldOuts, Pallet};
use dodona_primitives_inference::{Admission, Stage};
use dodona_primitives_models::{ModelId, ModelInspect, UpgradeGate, VersionId};
use frame_support::{ensure, pallet_prelude::DispatchResult};

impl<T: Config> UpgradeGate for Pallet<T> {
	fn ensure_admitted(version: VersionId) -> DispatchResult {
		match Admissions::<T>::get(version) {
			Some(Admission::Reproduced) => Ok(()),
			Some(Admission::Contradicted { .. }) => Err(Error::<T>::AnswersContradicted.into()),
			_ => Err(Error::<T>::NotAdmitted.into()),
		}
	}

	fn ensure_better(version: VersionId, active: VersionId) -> DispatchResult {
		let set = HoldOuts::<T>::get(version.model).ok_or(Error::<T>::NoHoldOut)?;
		let course = Evaluations::<T>::get(version).ok_or(Error::<T>::NotEvaluated)?;
		let Stage::Scored { candidate, active: other } = course.evaluation.stage else {
			return Err(Error::<T>::NotEvaluated.into());
		};
		let current = Self::is_current(&course, active, set.number);
		ensure!(current && active.model == version.model, Error::<T>::StaleScore);
		let better = is_better(candidate, other, set.hold_out.margin);
		ensure!(better, Error::<T>::NotBetter);
		Ok(())
	}

	fn is_being_measured(version: VersionId) -> bool {
		let course = Evaluations::<T>::get(version)
			.filter(|course| course.evaluation.stage == Stage::Running);
		let set = HoldOuts::<T>::get(version.model);
		let active = T::Models::active_version(version.model);
		match (course, set, active) {
			(Some(course), Some(set), Some(active)) => {
				Self::is_current(&course, active, set.number)
			},
			_ => false,
		}
	}

	fn close(version: VersionId, approved: bool) {
		if !approved {
			Admissions::<T>::remove(version);
		}
		let is_scored = |course: &Course| matches!(course.evaluation.stage, Stage::Scored { .. });
		// What has no score by now will never have one.
		if !approved || !Evaluations::<T>::get(version).as_ref().is_some_and(is_scored) {
			Evaluations::<T>::remove(version);
		}
	}

	fn activated(version: VersionId) {
		Self::outdate(version.model, false);
	}

	fn donated(model: ModelId) {
		Self::outdate(model, true);
	}

	fn forget(model: ModelId) {
		HoldOuts::<T>::remove(model);
	}
}
