//! Whether a version reproduces the answers that it claims.

use crate::{Admissions, Config, Error, Event, Pallet, Question, Questions, WeightInfo};
use alloc::vec::Vec;
use dodona_engine::{trace::check, Model};
use dodona_primitives_inference::{
	known_answers_hash, outcome_hash, thousands, work_here, Admission, Ask, KnownAnswers, RequestId,
};
use dodona_primitives_models::{
	pages_root, ArtifactRef, Manifest, ModelInspect, VersionId, CHUNK_SIZE,
};
use frame_support::{dispatch::DispatchResultWithPostInfo, ensure, pallet_prelude::*};
use sp_core::H256;
use sp_runtime::Weight;

impl<T: Config> Pallet<T> {
	/// See [`crate::Call::admit`].
	pub(crate) fn do_admit(
		who: T::AccountId,
		version: VersionId,
		answers: KnownAnswers,
		max_fee: T::Balance,
	) -> DispatchResult {
		Self::ensure_admissible(version, &answers)?;
		let mut requests = Vec::with_capacity(answers.len());
		for answer in answers {
			let request = T::Ask::ask(&who, version, answer.input, max_fee)?;
			let outcome = answer.outcome;
			Questions::<T>::insert(request, Question::Known { version, outcome });
			requests.push(request);
		}
		let pending = requests.len() as u32;
		Admissions::<T>::insert(version, Admission::Asked { pending, incomplete: false });
		Self::deposit_event(Event::AdmissionAsked { version, requests });
		Ok(())
	}

	/// See [`crate::Call::admit_here`].
	pub(crate) fn do_admit_here(
		version: VersionId,
		answers: KnownAnswers,
		weights: Vec<u8>,
	) -> DispatchResultWithPostInfo {
		let manifest = Self::ensure_admissible(version, &answers)?;
		// The engine is the one that the version was published for.
		ensure!(T::Models::may_answer(version), Error::<T>::NotRunHere);
		let architecture = &manifest.architecture;
		ensure!(weights.len() <= CHUNK_SIZE as usize, Error::<T>::NotRunHere);
		let work = answers
			.iter()
			.try_fold(0, |sum: u64, answer| {
				Some(sum.saturating_add(work_here(architecture, &answer.input)?))
			})
			.ok_or(Error::<T>::NotRunHere)?;
		ensure!(work <= T::MaxAdmissionWork::get(), Error::<T>::TooMuchWork);
		ensure!(ArtifactRef::of(&weights).0 == manifest.artifact, Error::<T>::WrongWeights);
		ensure!(pages_root(&weights) == manifest.pages, Error::<T>::WrongPages);
		// Whoever answers wrongly for such a model could not be shown to.
		ensure!(check(architecture, &weights).is_ok(), Error::<T>::NotTraceable);

		let model = Model::load(architecture, &weights).map_err(|_| Error::<T>::EngineRefused)?;
		for answer in &answers {
			let output = model.run(&answer.input).map_err(|_| Error::<T>::EngineRefused)?;
			ensure!(outcome_hash(&output) == answer.outcome, Error::<T>::WrongAnswer);
		}
		Admissions::<T>::insert(version, Admission::Reproduced);
		Self::deposit_event(Event::Admitted { version });
		Ok(Some(Self::weight_of_admit_here(&answers, &weights, work)).into())
	}

	/// The manifest of a version whose known answers these are, and were not checked yet.
	fn ensure_admissible(
		version: VersionId,
		answers: &KnownAnswers,
	) -> Result<Manifest<T::Balance>, Error<T>> {
		ensure!(T::Models::is_proposed(version), Error::<T>::NotProposed);
		match Admissions::<T>::get(version) {
			Some(Admission::Asked { .. }) => return Err(Error::<T>::AlreadyAsked),
			Some(Admission::Reproduced) => return Err(Error::<T>::AlreadyAdmitted),
			Some(Admission::Contradicted { .. }) => return Err(Error::<T>::AnswersContradicted),
			Some(Admission::Unanswered) | None => (),
		}
		let manifest = T::Models::manifest(version).ok_or(Error::<T>::NotProposed)?;
		ensure!(!answers.is_empty(), Error::<T>::NoKnownAnswers);
		ensure!(
			known_answers_hash(answers) == manifest.known_answers,
			Error::<T>::KnownAnswersMismatch
		);
		Ok(manifest)
	}

	/// Takes the answer to a question whose answer is known; `None` if there is no answer.
	pub(crate) fn take_known(
		request: RequestId,
		version: VersionId,
		claimed: H256,
		outcome: Option<H256>,
	) {
		let Some(Admission::Asked { pending, incomplete }) = Admissions::<T>::get(version) else {
			return;
		};
		let (pending, incomplete) = (pending.saturating_sub(1), incomplete || outcome.is_none());
		let admission = match outcome {
			Some(outcome) if outcome != claimed => {
				Self::deposit_event(Event::Contradicted { version, request });
				Admission::Contradicted { request }
			},
			_ if pending > 0 => Admission::Asked { pending, incomplete },
			_ if incomplete => {
				Self::deposit_event(Event::AdmissionUnanswered { version });
				Admission::Unanswered
			},
			_ => {
				Self::deposit_event(Event::Admitted { version });
				Admission::Reproduced
			},
		};
		Admissions::<T>::insert(version, admission);
	}

	/// Whether a version reproduces the answers that it claims; `None` if it was not asked yet.
	pub fn admission(version: VersionId) -> Option<Admission> {
		Admissions::<T>::get(version)
	}

	/// What having committees answer these questions costs. Each is weighed as a call of its own.
	pub(crate) fn weight_of_admit(answers: &KnownAnswers) -> Weight {
		let sum = answers.iter().fold(Weight::zero(), |weight, answer| {
			weight.saturating_add(T::WeightInfo::admit(answer.input.len() as u32))
		});
		sum.max(T::WeightInfo::admit(0))
	}

	/// What computing these answers here costs.
	pub(crate) fn weight_of_admit_here(
		answers: &KnownAnswers,
		weights: &[u8],
		work: u64,
	) -> Weight {
		let bytes = answers
			.iter()
			.fold(weights.len(), |sum, answer| sum.saturating_add(answer.input.len()));
		let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
		T::WeightInfo::admit_here(bytes).saturating_add(T::WeightInfo::compute(thousands(work)))
	}
}
