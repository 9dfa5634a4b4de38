//! How a version does beside the one in use.

use crate::{
	measure::{mean, measure},
	Admissions, Config, Course, Error, Evaluations, Event, HoldOutSetOf, HoldOuts, Pallet,
	Question, Questions, WeightInfo,
};
use alloc::vec::Vec;
use dodona_primitives_inference::{
	Admission, Ask, Evaluation, RequestId, RevealedSample, Stage, MAX_REVEALED,
};
use dodona_primitives_models::{ModelInspect, VersionId};
use frame_support::{ensure, pallet_prelude::*, storage::with_storage_layer};
use sp_runtime::Weight;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::evaluate`].
	pub(crate) fn do_evaluate(
		who: T::AccountId,
		version: VersionId,
		revealed: BoundedVec<RevealedSample, ConstU32<MAX_REVEALED>>,
		max_fee: T::Balance,
	) -> DispatchResult {
		let before = HoldOuts::<T>::get(version.model).ok_or(Error::<T>::NoHoldOut)?;
		// Anybody else has seen the samples in the pool, and would use them up for a version that is
		// of no use.
		ensure!(who == before.revealer, Error::<T>::NotTheRevealer);
		let count = revealed.len() as u32;
		ensure!(count > 0, Error::<T>::NothingRevealed);
		let mut set = before.clone();
		let first = set.hold_out.used;
		let end = first.checked_add(count).filter(|end| *end <= set.hold_out.samples);
		set.hold_out.used = end.ok_or(Error::<T>::HoldOutExhausted)?;
		let are_next = (first..).zip(&revealed).all(|(index, one)| one.is_at(&set.hold_out, index));
		ensure!(are_next, Error::<T>::WrongSample);

		// Everybody has seen them now, whatever comes of it.
		HoldOuts::<T>::insert(version.model, set);
		let asked =
			with_storage_layer(|| Self::ask_samples(&who, version, &before, revealed, max_fee));
		if let Err(error) = asked {
			Self::deposit_event(Event::EvaluationFailed { version, first, count, error });
		}
		Ok(())
	}

	/// Puts samples, which are the next ones of `set`, to a version and to the one in use.
	fn ask_samples(
		who: &T::AccountId,
		version: VersionId,
		set: &HoldOutSetOf<T>,
		revealed: BoundedVec<RevealedSample, ConstU32<MAX_REVEALED>>,
		max_fee: T::Balance,
	) -> DispatchResult {
		ensure!(T::Models::is_proposed(version), Error::<T>::NotProposed);
		let admitted = Admissions::<T>::get(version) == Some(Admission::Reproduced);
		ensure!(admitted, Error::<T>::NotAdmitted);
		let active = T::Models::active_version(version.model).ok_or(Error::<T>::NoActiveVersion)?;
		let mut course = Self::course(version, active, set)?;
		let evaluation = &mut course.evaluation;
		let (first, count) = (set.hold_out.used, revealed.len() as u32);
		let left = evaluation.samples.saturating_sub(evaluation.revealed);
		ensure!(count <= left, Error::<T>::TooManySamples);
		evaluation.revealed = evaluation.revealed.saturating_add(count);
		evaluation.pending = evaluation.pending.saturating_add(count.saturating_mul(2));

		let run = course.run();
		let mut requests = Vec::new();
		for RevealedSample { sample, .. } in revealed {
			for (asked, candidate) in [(version, true), (active, false)] {
				let request = T::Ask::ask(who, asked, sample.input.clone(), max_fee)?;
				let expected = sample.expected.clone();
				let question = Question::Sample { version, run, candidate, expected };
				Questions::<T>::insert(request, question);
				requests.push(request);
			}
		}
		Evaluations::<T>::insert(version, course);
		let against = active.number;
		Self::deposit_event(Event::SamplesRevealed { version, against, first, count, requests });
		Ok(())
	}

	/// The evaluation to go on with: the one in course, or a new one.
	fn course(
		version: VersionId,
		active: VersionId,
		set: &HoldOutSetOf<T>,
	) -> Result<Course, Error<T>> {
		let before = Evaluations::<T>::get(version)
			.filter(|course| Self::is_current(course, active, set.number));
		if let Some(course) = before {
			match course.evaluation.stage {
				// Otherwise it would be measured until it had luck.
				Stage::Scored { .. } => return Err(Error::<T>::AlreadyScored),
				Stage::Running if course.evaluation.revealed < course.evaluation.samples => {
					return Ok(course);
				},
				Stage::Running => return Err(Error::<T>::StillAnswering),
				Stage::Unanswered => (),
			}
		}
		let samples = set.hold_out.per_evaluation;
		let first = set.hold_out.used;
		let end = first.checked_add(samples).filter(|end| *end <= set.hold_out.samples);
		ensure!(end.is_some(), Error::<T>::HoldOutExhausted);
		let evaluation = Evaluation {
			against: active.number,
			first,
			revealed: 0,
			samples,
			pending: 0,
			candidate: 0,
			active: 0,
			stage: Stage::Running,
		};
		Ok(Course { set: set.number, metric: set.hold_out.metric, evaluation })
	}

	/// Whether an evaluation is by the set that counts, and beside the version in use.
	pub(crate) fn is_current(course: &Course, active: VersionId, set: u32) -> bool {
		course.set == set && course.evaluation.against == active.number
	}

	/// Takes the answer to a sample; `None` if there is no answer.
	pub(crate) fn take_sample(
		request: RequestId,
		version: VersionId,
		run: (u32, u32),
		candidate: bool,
		expected: &[u8],
		output: Option<&[u8]>,
	) {
		let Some(mut course) = Evaluations::<T>::get(version).filter(|course| course.run() == run)
		else {
			return;
		};
		let (metric, evaluation) = (course.metric, &mut course.evaluation);
		evaluation.pending = evaluation.pending.saturating_sub(1);
		match output {
			Some(output) => {
				let measured = measure(metric, expected, output);
				let sum =
					if candidate { &mut evaluation.candidate } else { &mut evaluation.active };
				*sum = sum.saturating_add(measured);
			},
			None if evaluation.stage == Stage::Running => {
				evaluation.stage = Stage::Unanswered;
				Self::deposit_event(Event::EvaluationUnanswered { version, request });
			},
			None => (),
		}
		let Evaluation { against, revealed, samples, pending, stage, .. } = *evaluation;
		if stage == Stage::Running && pending == 0 && revealed == samples {
			let candidate = mean(evaluation.candidate, samples);
			let active = mean(evaluation.active, samples);
			evaluation.stage = Stage::Scored { candidate, active };
			Self::deposit_event(Event::Scored { version, against, candidate, active, samples });
		}
		Evaluations::<T>::insert(version, course);
	}

	/// How a version did beside the one in use; `None` if it was not measured yet.
	pub fn evaluation(version: VersionId) -> Option<Evaluation> {
		Evaluations::<T>::get(version).map(|course| course.evaluation)
	}

	/// What revealing these samples costs. Each is weighed as a call of its own.
	pub(crate) fn weight_of_evaluate(revealed: &[RevealedSample]) -> Weight {
		let sum = revealed.iter().fold(Weight::zero(), |weight, revealed| {
			let input = revealed.sample.input.len() as u32;
			weight.saturating_add(T::WeightInfo::evaluate(input))
		});
		sum.max(T::WeightInfo::evaluate(0))
	}
}
