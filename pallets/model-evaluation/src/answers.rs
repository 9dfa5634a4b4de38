//! How requests end: an answer is taken once, by whatever asked for it.

use crate::{Config, Pallet, Question, Questions, WeightInfo};
use dodona_primitives_inference::{RequestId, ResultSink};
use sp_core::H256;
use sp_runtime::Weight;

impl<T: Config> ResultSink for Pallet<T> {
	fn finalized(request: RequestId, outcome: H256, output: &[u8]) {
		Self::take(request, Some((outcome, output)));
	}

	fn failed(request: RequestId) {
		Self::take(request, None);
	}

	fn weight() -> Weight {
		T::WeightInfo::take_sample().max(T::WeightInfo::take_known())
	}
}

impl<T: Config> Pallet<T> {
	fn take(request: RequestId, answer: Option<(H256, &[u8])>) {
		match Questions::<T>::take(request) {
			Some(Question::Known { version, outcome }) => {
				Self::take_known(request, version, outcome, answer.map(|(outcome, _)| outcome));
			},
			Some(Question::Sample { version, run, candidate, expected }) => {
				let output = answer.map(|(_, output)| output);
				Self::take_sample(request, version, run, candidate, &expected, output);
			},
			None => (),
		}
	}
}
