//! How answers are measured.

use crate::measure::{is_better, mean, measure, ONE};
use codec::Encode;
use dodona_primitives_inference::Metric::{Accuracy, TokenAccuracy};
use proptest::prelude::*;
use sp_runtime::Perbill;

fn floats(values: &[f32]) -> Vec<u8> {
	values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn words(values: &[u32]) -> Vec<u8> {
	values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn accuracy_should_be_1_when_the_largest_is_where_it_is_expected() {
	for (values, at) in [
		(vec![3.0], 0),
		(vec![1.0, 3.0, 2.0], 1),
		(vec![-3.0, -1.0, -2.0], 1),
		(vec![2.0, 5.0, 5.0], 1),
		(vec![-0.0, 0.0], 0),
		(vec![1.0, f32::INFINITY], 1),
		(vec![f32::NEG_INFINITY, f32::NEG_INFINITY], 0),
	] {
		for expected in 0..3u32 {
			let points = if expected == at { ONE } else { 0 };
			assert_eq!(
				measure(Accuracy, &expected.encode(), &floats(&values)),
				points,
				"{values:?}"
			);
		}
	}
}

#[test]
fn accuracy_should_be_0_when_the_answer_or_what_is_expected_makes_no_sense() {
	let first = 0u32.encode();
	assert_eq!(measure(Accuracy, &first, &[]), 0);
	assert_eq!(measure(Accuracy, &first, &floats(&[1.0])[..3]), 0);
	assert_eq!(measure(Accuracy, &first, &[floats(&[1.0]), vec![0]].concat()), 0);
	assert_eq!(measure(Accuracy, &first, &floats(&[1.0, f32::NAN])), 0);
	assert_eq!(measure(Accuracy, &first, &floats(&[f32::NAN, 1.0])), 0);
	assert_eq!(measure(Accuracy, &first[..3], &floats(&[1.0])), 0);
	assert_eq!(measure(Accuracy, &[&first[..], &[0]].concat(), &floats(&[1.0])), 0);
}

#[test]
fn token_accuracy_should_be_the_part_of_expected_tokens_at_their_place() {
	let expected = words(&[1, 2, 3, 4]);
	for (output, points) in [
		(words(&[1, 2, 3, 4]), ONE),
		(words(&[1, 2, 3, 4, 5]), ONE),
		(words(&[1, 2]), ONE / 2),
		(words(&[9, 2, 9, 9]), ONE / 4),
		(words(&[4, 3, 2, 1]), 0),
		(words(&[2, 3, 4]), 0),
		(vec![], 0),
		([words(&[1, 2, 3, 4]), vec![1]].concat(), 0),
	] {
		assert_eq!(measure(TokenAccuracy, &expected, &output), points);
	}
	assert_eq!(measure(TokenAccuracy, &words(&[1, 2, 3]), &words(&[1])), ONE / 3);
}

#[test]
fn token_accuracy_should_be_0_when_what_is_expected_makes_no_sense() {
	assert_eq!(measure(TokenAccuracy, &[], &words(&[1])), 0);
	assert_eq!(measure(TokenAccuracy, &[], &[]), 0);
	assert_eq!(measure(TokenAccuracy, &[1, 0, 0, 0, 2], &words(&[1])), 0);
}

proptest! {
	#[test]
	fn measure_should_be_from_0_to_1_whatever_it_gets(
		expected in prop::collection::vec(any::<u8>(), 0..64),
		output in prop::collection::vec(any::<u8>(), 0..64),
		tokens in any::<bool>(),
	) {
		let metric = if tokens { TokenAccuracy } else { Accuracy };
		prop_assert!(measure(metric, &expected, &output) <= ONE);
	}

	#[test]
	fn accuracy_should_be_1_for_one_place_and_no_other(
		values in prop::collection::vec(-1e30f32..1e30, 1..32),
	) {
		let right = |at: &u32| measure(Accuracy, &at.encode(), &floats(&values)) == ONE;
		let places: Vec<u32> = (0..40).filter(right).collect();
		prop_assert_eq!(places.len(), 1);
		let most = values[places[0] as usize];
		prop_assert!(values.iter().all(|value| *value <= most));
		prop_assert!(values[..places[0] as usize].iter().all(|value| *value < most));
	}

	#[test]
	fn token_accuracy_should_be_1_only_for_an_answer_that_begins_as_expected(
		expected in prop::collection::vec(0u32..3, 1..8),
		output in prop::collection::vec(0u32..3, 0..10),
	) {
		let whole = measure(TokenAccuracy, &words(&expected), &words(&output)) == ONE;
		prop_assert_eq!(whole, output.starts_with(&expected));
	}

	#[test]
	fn mean_should_lie_between_least_and_greatest(
		measures in prop::collection::vec(0..=ONE, 1..=64),
	) {
		let mean = u64::from(mean(measures.iter().sum(), measures.len() as u32).deconstruct());
		prop_assert!(*measures.iter().min().unwrap() <= mean);
		prop_assert!(mean <= *measures.iter().max().unwrap());
	}

	#[test]
	fn nothing_should_be_better_than_itself_or_by_more_than_there_is(
		[candidate, active, margin] in prop::array::uniform3(0u32..=1_000_000_000),
	) {
		let part = Perbill::from_parts;
		let better = is_better(part(candidate), part(active), part(margin));
		let ahead = i64::from(candidate) - i64::from(active);
		prop_assert_eq!(better, ahead > 0 && ahead >= i64::from(margin));
	}
}

#[test]
fn mean_should_be_0_when_there_is_nothing() {
	assert_eq!(mean(0, 0), Perbill::zero());
	assert_eq!(mean(u64::MAX, 1), Perbill::one());
}

#[test]
fn version_should_not_be_better_when_the_margin_is_out_of_reach() {
	let percent = Perbill::from_percent;
	assert!(!is_better(percent(100), percent(95), percent(10)));
	assert!(is_better(percent(100), percent(90), percent(10)));
}
