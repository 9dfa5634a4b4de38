//! What is true of the pallet's storage between any two calls.

use crate::{measure::ONE, Admissions, Config, Evaluations, HoldOuts, Pallet, Question, Questions};
use alloc::collections::BTreeMap;
use dodona_primitives_inference::{Admission, Stage, MAX_EVALUATED, MAX_SAMPLES};
use frame_support::ensure;
use sp_runtime::{traits::Saturating, TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// Checks that
	///
	/// - an admission that is asked for waits for exactly the questions that are kept for it;
	/// - an evaluation waits for exactly the questions that are kept for it, has no more samples
	///   than it takes and no more points than it has answers;
	/// - a score is the end of an evaluation with all samples revealed and answered, and nothing
	///   else is;
	/// - no more samples of a set are used than there are, and an evaluation is by a set that was;
	/// - what was revealed for an evaluation is used up.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut known = BTreeMap::<_, u32>::new();
		let mut sampled = BTreeMap::<_, [u32; 2]>::new();
		for question in Questions::<T>::iter_values() {
			match question {
				Question::Known { version, .. } => {
					known.entry(version).or_default().saturating_inc()
				},
				Question::Sample { version, run, candidate, .. } => {
					let [active, of_candidate] = sampled.entry((version, run)).or_default();
					if candidate { of_candidate } else { active }.saturating_inc();
				},
			}
		}
		for (version, admission) in Admissions::<T>::iter() {
			let Admission::Asked { pending, .. } = admission else { continue };
			ensure!(pending > 0, "an admission that is asked for waits for an answer");
			let waiting = known.get(&version).copied();
			ensure!(waiting == Some(pending), "an admission waits for its questions");
		}
		for set in HoldOuts::<T>::iter_values() {
			let hold_out = set.hold_out;
			ensure!(set.number > 0, "a model's sets are numbered from 1");
			ensure!(hold_out.used <= hold_out.samples, "a sample is used once");
			ensure!(hold_out.samples <= MAX_SAMPLES, "a set is no larger than it may be");
			let per_evaluation = 1..=hold_out.samples.min(MAX_EVALUATED);
			ensure!(
				per_evaluation.contains(&hold_out.per_evaluation),
				"an evaluation takes no more samples than there are"
			);
		}
		for (version, course) in Evaluations::<T>::iter() {
			let evaluation = course.evaluation;
			let set = HoldOuts::<T>::get(version.model).ok_or("an evaluation is by a set")?;
			ensure!((1..=set.number).contains(&course.set), "an evaluation is by a known set");
			let shown = evaluation.first.saturating_add(evaluation.revealed);
			let is_used = course.set != set.number || shown <= set.hold_out.used;
			ensure!(is_used, "a sample that was revealed is used up");
			let [active, candidate] =
				sampled.get(&(version, course.run())).copied().unwrap_or_default();
			let waiting = active.saturating_add(candidate);
			ensure!(waiting == evaluation.pending, "an evaluation waits for its questions");
			let revealed = evaluation.revealed;
			ensure!((1..=evaluation.samples).contains(&revealed), "it takes no more than it does");
			ensure!(evaluation.samples <= MAX_EVALUATED, "it takes no more than any may");
			for (sum, waiting) in [(evaluation.active, active), (evaluation.candidate, candidate)] {
				let answered = u64::from(revealed.saturating_sub(waiting));
				ensure!(sum <= answered.saturating_mul(ONE), "no answer counts more than 1");
			}
			let complete = revealed == evaluation.samples && waiting == 0;
			match evaluation.stage {
				Stage::Running => ensure!(!complete, "an evaluation ends with its last answer"),
				Stage::Scored { .. } => ensure!(complete, "a score is of all samples"),
				Stage::Unanswered => (),
			}
		}
		Ok(())
	}
}
