//! Asking and paying.

use super::*;
use codec::Encode;
use dodona_engine::{
	architecture::{llama, Class},
	generate::Prompt,
	golden,
};

fn request(version: Option<u32>, input: Vec<u8>, max_fee: Balance) -> sp_runtime::DispatchResult {
	Inference::request(RuntimeOrigin::signed(requester()), MODEL, version, input, max_fee)
}

#[test]
fn request_should_hold_the_price_and_pin_the_version() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask();
		let request = Requests::<Test>::get(id).unwrap();
		assert_eq!((request.version, request.fee, request.created), (VERSION, PRICE, 1));
		assert_eq!(request.state, RequestState::Queued { since: 1 });
		assert_eq!(held(&requester()), PRICE);
		assert_eq!(Inputs::<Test>::get(id), Some(input()));
		let fee = PRICE;
		let expected =
			Event::Requested { request: id, requester: requester(), version: VERSION, fee };
		assert_eq!(events(), vec![expected]);
	});
}

#[test]
fn request_should_hold_the_price_and_not_the_most_that_would_be_paid() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(request(Some(VERSION.number), input().into_inner(), PRICE * 10));
		assert_eq!(held(&requester()), PRICE);
	});
}

#[test]
fn request_should_be_refused_when_the_model_is_unknown() {
	ExtBuilder::default().build_and_execute(|| {
		let origin = RuntimeOrigin::signed(requester());
		assert_noop!(
			Inference::request(origin, MODEL + 1, None, input().into_inner(), PRICE),
			Error::<Test>::UnknownModel
		);
	});
}

#[test]
fn request_should_be_refused_when_the_version_is_not_served() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			request(Some(99), input().into_inner(), PRICE),
			Error::<Test>::VersionNotServed
		);
		Served::set(false);
		assert_noop!(request(None, input().into_inner(), PRICE), Error::<Test>::VersionNotServed);
	});
}

#[test]
fn request_should_be_refused_when_the_price_is_higher_than_the_requester_pays() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			request(None, input().into_inner(), PRICE - 1),
			Error::<Test>::PriceAboveMaxFee
		);
	});
}

#[test]
fn request_should_be_refused_when_the_input_has_another_length() {
	ExtBuilder::default().build_and_execute(|| {
		for values in [&[][..], &[1.0], &[1.0, 2.0, 3.0]] {
			let input = floats(values);
			assert_noop!(request(None, input, PRICE), Error::<Test>::WrongInputLength);
		}
		let input = floats(&[1.0, 2.0])[..7].to_vec();
		assert_noop!(request(None, input, PRICE), Error::<Test>::WrongInputLength);
	});
}

#[test]
fn request_should_be_refused_when_the_input_is_longer_than_any_can_be() {
	ExtBuilder::default().build_and_execute(|| {
		let input = vec![0; dodona_primitives_inference::MAX_INPUT_LEN as usize + 1];
		assert_noop!(request(None, input, PRICE), Error::<Test>::InputTooLong);
	});
}

#[test]
fn request_should_be_refused_when_the_input_is_not_finite() {
	ExtBuilder::default().build_and_execute(|| {
		for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
			let input = floats(&[1.0, value]);
			assert_noop!(request(None, input, PRICE), Error::<Test>::InputNotFinite);
		}
	});
}

/// Puts a language model of ten thousand positions in the place of the perceptron.
fn language_model() -> llama::Config {
	let config = llama::Config { max_positions: 10_000, ..golden::llama::config(Class::F32, 0) };
	Computed::set(Architecture::Llama(config.clone()));
	config
}

#[test]
fn request_should_be_taken_when_a_language_model_can_go_on_with_the_prompt() {
	ExtBuilder::default().build_and_execute(|| {
		let prompt = golden::llama::prompt(&language_model(), 1);
		assert_ok!(request(None, prompt.encode(), PRICE));
	});
}

#[test]
fn request_should_be_refused_when_a_language_model_can_not_go_on_with_the_prompt() {
	ExtBuilder::default().build_and_execute(|| {
		let config = language_model();
		let prompt = golden::llama::prompt(&config, 1);
		let tokens = vec![config.vocab];
		let foreign = Prompt { tokens, ..prompt.clone() };
		assert_noop!(request(None, foreign.encode(), PRICE), Error::<Test>::InvalidInput);
		let endless = Prompt { max_tokens: config.max_positions, ..prompt.clone() };
		assert_noop!(request(None, endless.encode(), PRICE), Error::<Test>::InvalidInput);
		let cut_off = prompt.encode()[1..].to_vec();
		assert_noop!(request(None, cut_off, PRICE), Error::<Test>::InvalidInput);
	});
}

#[test]
fn request_should_be_refused_when_the_answer_could_be_longer_than_any_can_be() {
	ExtBuilder::default().build_and_execute(|| {
		let most = dodona_primitives_inference::MAX_OUTPUT_LEN / 4;
		let prompt = golden::llama::prompt(&language_model(), 1);
		let long = Prompt { max_tokens: most, ..prompt.clone() };
		assert_ok!(request(None, long.encode(), PRICE));
		let too_long = Prompt { max_tokens: most + 1, ..prompt };
		assert_noop!(request(None, too_long.encode(), PRICE), Error::<Test>::OutputTooLong);
	});
}

#[test]
fn request_should_be_refused_when_the_requester_can_not_pay() {
	ExtBuilder::default().build_and_execute(|| {
		let poor = RuntimeOrigin::signed(account(60));
		assert_noop!(
			Inference::request(poor, MODEL, None, input().into_inner(), PRICE),
			sp_runtime::TokenError::FundsUnavailable
		);
	});
}

#[test]
fn request_info_should_show_the_outputs_that_were_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = ask_and_draw();
		(1..=4).for_each(|number| commit(id, number, &output()));
		reveal(id, 1, &output());
		let info = Inference::request_info(id).unwrap();
		assert_eq!(info.outputs, vec![(outcome_hash(&output()), output())]);
		assert_eq!(info.agreed_at, None);
		assert_eq!(Inference::request_info(id + 1), None);
	});
}

#[test]
fn fee_should_be_known_only_for_versions_that_are_served() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Inference::fee(VERSION, &input()), Some(PRICE));
		assert_eq!(Inference::fee(VersionId { model: MODEL, number: 1 }, &input()), None);
		Served::set(false);
		assert_eq!(Inference::fee(VERSION, &input()), None);
	});
}

#[test]
fn fee_should_grow_with_the_work_of_the_longest_answer() {
	ExtBuilder::default().build_and_execute(|| {
		let config = language_model();
		let prompt = golden::llama::prompt(&config, 1);
		let long = Prompt { max_tokens: 2_000, ..prompt.clone() };
		Asked::set(Price { request: 7, work: 3 });
		let fee = |prompt: &Prompt| {
			let work = Computed::get().work(&prompt.encode());
			assert!(work > 0);
			7 + 3 * Balance::from(work.div_ceil(1_000_000))
		};
		assert!(fee(&prompt) < fee(&long));
		for (id, prompt) in [(0, &prompt), (1, &long)] {
			let fee = fee(prompt);
			assert_eq!(Inference::fee(VERSION, &prompt.encode()), Some(fee));
			assert_noop!(request(None, prompt.encode(), fee - 1), Error::<Test>::PriceAboveMaxFee);
			assert_ok!(request(None, prompt.encode(), fee));
			assert_eq!(Requests::<Test>::get(id).unwrap().fee, fee);
		}
	});
}

#[test]
fn request_should_be_refused_when_the_fee_is_higher_than_any_amount() {
	ExtBuilder::default().build_and_execute(|| {
		Asked::set(Price { request: PRICE, work: Balance::MAX });
		let result = request(None, input().into_inner(), Balance::MAX - 1);
		assert_noop!(result, Error::<Test>::PriceAboveMaxFee);
	});
}
