//! Configurations, inputs and errors.

use codec::{Decode, Encode, MaxEncodedLen};
use dodona_engine::{
	architecture::mlp::{MAX_OUTPUTS, MAX_PARAMETERS, MAX_WIDTH, MAX_WIDTHS},
	golden, Architecture, ConfigFault, EngineError, Model,
};
use proptest::prelude::*;

fn fault(widths: &[u32]) -> Option<ConfigFault> {
	match golden::mlp(widths).validate() {
		Ok(()) => None,
		Err(EngineError::InvalidConfig(fault)) => Some(fault),
		Err(other) => panic!("{other}"),
	}
}

#[test]
fn validate_should_refuse_when_there_is_no_layer() {
	assert_eq!(fault(&[]), Some(ConfigFault::TooFewWidths { got: 0 }));
	assert_eq!(fault(&[5]), Some(ConfigFault::TooFewWidths { got: 1 }));
}

#[test]
fn validate_should_refuse_when_a_width_is_out_of_bounds() {
	let out = |at, got, most| Some(ConfigFault::WidthOutOfBounds { at, got, most });
	assert_eq!(fault(&[0, 1]), out(0, 0, MAX_WIDTH));
	assert_eq!(fault(&[1, 0, 1]), out(1, 0, MAX_WIDTH));
	assert_eq!(fault(&[1, 0]), out(1, 0, MAX_OUTPUTS));
	assert_eq!(fault(&[MAX_WIDTH + 1, 1]), out(0, MAX_WIDTH + 1, MAX_WIDTH));
	assert_eq!(fault(&[1, MAX_OUTPUTS + 1]), out(1, MAX_OUTPUTS + 1, MAX_OUTPUTS));
	assert_eq!(fault(&[u32::MAX; MAX_WIDTHS as usize]), out(0, u32::MAX, MAX_WIDTH));
	assert_eq!(fault(&[MAX_WIDTH, 1]), None);
	assert_eq!(fault(&[1, MAX_WIDTH, MAX_OUTPUTS / 4096]), None);
}

#[test]
fn validate_should_refuse_when_there_are_too_many_parameters() {
	let too_many = Some(ConfigFault::TooManyParameters { most: MAX_PARAMETERS });
	// 2047 · 1024 + 1024 parameters are exactly the most.
	assert_eq!(fault(&[2047, 1024]), None);
	assert_eq!(fault(&[2048, 1024]), too_many);
	assert_eq!(fault(&[MAX_OUTPUTS; MAX_WIDTHS as usize]), too_many);
}

#[test]
fn architecture_should_not_decode_when_it_has_too_many_widths() {
	let encode = |count: u32| (0u8, vec![1u32; count as usize]).encode();
	assert!(Architecture::decode(&mut &encode(MAX_WIDTHS)[..]).is_ok());
	assert!(Architecture::decode(&mut &encode(MAX_WIDTHS + 1)[..]).is_err());
}

#[test]
fn architecture_should_say_its_lengths_and_its_work() {
	let architecture = golden::mlp(&[64, 32, 10]);
	assert_eq!(architecture.input_len(), 256);
	assert_eq!(architecture.output_len(), 40);
	assert_eq!(architecture.work(&[0; 256]), 64 * 32 + 32 * 10);
}

#[test]
fn input_should_be_refused_when_its_length_is_wrong() {
	let architecture = golden::mlp(&[3, 2]);
	let model = Model::load(&architecture, &golden::artifact(&architecture, 1, 1.0).unwrap());
	let model = model.unwrap();
	for got in [0, 4, 11, 13, 16] {
		let refused = Err(EngineError::WrongInputLength { expected: 12, got });
		let input = vec![0; got as usize];
		assert_eq!(architecture.check_input(&input), refused);
		assert_eq!(model.run(&input), refused.map(|()| Vec::new()));
	}
	assert_eq!(model.run(&[0; 12]).unwrap().len(), 8);
}

#[test]
fn input_should_be_refused_when_a_value_is_not_finite() {
	let architecture = golden::mlp(&[3, 2]);
	let model = Model::load(&architecture, &golden::artifact(&architecture, 1, 1.0).unwrap());
	let model = model.unwrap();
	for bad in [f32::NAN, f32::from_bits(0xffff_ffff), f32::INFINITY, f32::NEG_INFINITY] {
		for at in 0..3 {
			let mut input = [0; 12];
			input[at * 4..][..4].copy_from_slice(&bad.to_le_bytes());
			let refused = Err(EngineError::NonFiniteInput { at: at as u32 });
			assert_eq!(architecture.check_input(&input), refused);
			assert_eq!(model.run(&input), refused.map(|()| Vec::new()));
		}
	}
}

#[test]
fn model_should_not_load_when_the_configuration_is_invalid() {
	assert_eq!(
		Model::load(&golden::mlp(&[3]), &[]).unwrap_err(),
		EngineError::InvalidConfig(ConfigFault::TooFewWidths { got: 1 })
	);
}

#[test]
fn error_should_decode_to_itself_and_say_what_is_wrong() {
	let error = EngineError::WrongShape {
		tensor: "layers.0.weight".into(),
		axis: 1,
		expected: 64,
		got: u64::MAX,
	};
	let bytes = error.encode();
	assert!(bytes.len() <= EngineError::max_encoded_len());
	assert_eq!(EngineError::decode(&mut &bytes[..]).unwrap(), error);
	assert_eq!(
		error.to_string(),
		"tensor `layers.0.weight` has size 18446744073709551615 instead of 64 along axis 1"
	);
	let hostile = EngineError::UnexpectedTensor { tensor: "\u{1b}[2J".into() };
	assert!(!hostile.to_string().contains('\u{1b}'));
}

proptest! {
	#![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

	#[test]
	fn architecture_should_not_panic_when_it_is_hostile(
		widths in prop::collection::vec(any::<u32>(), 0..=MAX_WIDTHS as usize),
		input in prop::collection::vec(any::<u8>(), 0..64),
	) {
		let architecture = golden::mlp(&widths);
		let valid = architecture.validate().is_ok();
		let _ = architecture.check_input(&input);
		let (_, _) = (architecture.input_len(), architecture.output_len());
		prop_assert!(!valid || architecture.work(&input) <= MAX_PARAMETERS.into());
		prop_assert_eq!(valid, widths.len() >= 2 && {
			let layers = widths.windows(2);
			let count: u128 = layers.map(|pair| (u128::from(pair[0]) + 1) * u128::from(pair[1])).sum();
			widths.iter().all(|width| (1..=MAX_WIDTH).contains(width)) &&
				widths[widths.len() - 1] <= MAX_OUTPUTS &&
				count <= MAX_PARAMETERS.into()
		});
	}

	#[test]
	fn validate_should_bound_the_work_when_widths_are_plausible(
		widths in prop::collection::vec(1u32..=2048, 2..=6),
	) {
		let architecture = golden::mlp(&widths);
		if architecture.validate().is_ok() {
			prop_assert!(architecture.work(&[]) <= MAX_PARAMETERS.into());
			prop_assert_eq!(architecture.input_len(), widths[0] * 4);
		} else {
			let layers = widths.windows(2);
			let count: u64 = layers.map(|pair| u64::from(pair[0] + 1) * u64::from(pair[1])).sum();
			prop_assert!(count > MAX_PARAMETERS.into());
		}
	}
}
