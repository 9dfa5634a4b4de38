//! Floats that become weights of class `Q8`.

use dodona_engine::{
	golden::{self, networks},
	numeric::f32::decode,
	quantize::{quantize, quantize_row},
	Architecture, ArtifactFault, Class, ConfigFault, EngineError, Model, Source, Tensors,
};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

fn quantized(architecture: &Architecture, file: &[u8]) -> Result<Vec<u8>, EngineError> {
	let source: &dyn Source = &file;
	let mut out = Vec::new();
	let tensors = Tensors::open(&[source])?;
	let quantized = quantize(architecture, &tensors, &mut |bytes| {
		out.extend_from_slice(bytes);
		Ok(())
	})?;
	assert_eq!(quantized, architecture.to_class(Class::Q8).unwrap());
	Ok(out)
}

fn row(row: &[f32]) -> (Vec<i8>, f32) {
	let mut out = vec![99; row.len()];
	let factor = quantize_row(row, &mut out);
	(out, factor)
}

#[test]
fn quantize_row_should_round_to_nearest_and_ties_to_even() {
	assert_eq!(row(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49]), (vec![127, 0, 2, 2, 0, -2, 0], 1.0));
	assert_eq!(row(&[-254.0, 254.0, 3.0]), (vec![-127, 127, 2], 2.0));
}

#[test]
fn quantize_row_should_give_zeros_when_there_is_nothing_to_scale() {
	assert_eq!(row(&[]), (vec![], 0.0));
	assert_eq!(row(&[0.0, -0.0]), (vec![0, 0], 0.0));
	// A 127th of it is less than half of the least float.
	assert_eq!(row(&[f32::from_bits(63), 0.0]), (vec![0, 0], 0.0));
	assert_eq!(row(&[f32::from_bits(190), 0.0]), (vec![127, 0], f32::from_bits(1)));
}

#[test]
fn quantize_should_write_a_file_that_loads() {
	for architecture in [networks::bert(Class::F32, 0), networks::cnn(Class::F32, 0)] {
		let file = golden::artifact(&architecture, 5, 1.0).unwrap();
		let bytes = quantized(&architecture, &file).unwrap();
		let before = SafeTensors::deserialize(&file).unwrap();
		let after = SafeTensors::deserialize(&bytes).unwrap();
		for (name, tensor) in before.iter() {
			let new = after.tensor(name).unwrap();
			assert_eq!(new.shape(), tensor.shape(), "{name}");
			let is_added = name.contains("position_") || name.contains("token_type_");
			if tensor.shape().len() < 2 || is_added {
				assert_eq!(new.dtype(), Dtype::F32, "{name}");
				assert_eq!(new.data(), tensor.data(), "{name}");
				continue;
			}
			assert_eq!(new.dtype(), Dtype::I8, "{name}");
			let factors = after.tensor(&format!("{name}_scale")).unwrap();
			assert_eq!(factors.shape(), &tensor.shape()[..1]);
			let outputs = tensor.shape()[0];
			let values: Vec<f32> = decode(tensor.data()).collect();
			let rows = values.chunks_exact(values.len() / outputs);
			let new = new.data().chunks_exact(values.len() / outputs);
			for ((values, new), factor) in rows.zip(new).zip(decode(factors.data())) {
				let (expected, expected_factor) = row(values);
				assert_eq!(factor, expected_factor);
				assert!(new.iter().zip(expected).all(|(byte, value)| *byte as i8 == value));
			}
		}
		let factors =
			before.iter().filter(|(name, _)| after.tensor(&format!("{name}_scale")).is_ok());
		assert_eq!(after.len(), before.len() + factors.count());

		let model = Model::load(&architecture.to_class(Class::Q8).unwrap(), &bytes).unwrap();
		let input = golden::input(&architecture, 5);
		let [exact, coarse] = [Model::load(&architecture, &file).unwrap(), model]
			.map(|model| decode(&model.run(&input).unwrap()).collect::<Vec<f32>>());
		let most = exact.iter().fold(0f32, |most, value| most.max(value.abs()));
		for (exact, coarse) in exact.iter().zip(&coarse) {
			assert!((exact - coarse).abs() < 0.05 * most, "{exact} {coarse}");
		}
		assert_ne!(exact, coarse);
	}
}

#[test]
fn quantize_should_keep_floats_aligned() {
	let architecture = networks::bert(Class::F32, 0);
	let bytes =
		quantized(&architecture, &golden::artifact(&architecture, 5, 1.0).unwrap()).unwrap();
	let file = SafeTensors::deserialize(&bytes).unwrap();
	let start = bytes.as_ptr() as usize;
	let floats = file.iter().filter(|(_, tensor)| tensor.dtype() == Dtype::F32);
	for (name, tensor) in floats {
		assert_eq!((tensor.data().as_ptr() as usize - start) % 4, 0, "{name}");
	}
}

#[test]
fn quantize_should_leave_out_what_is_not_needed() {
	let architecture = networks::bert(Class::F32, 0);
	let file = golden::artifact(&architecture, 5, 1.0).unwrap();
	let mut views: Vec<_> = SafeTensors::deserialize(&file).unwrap().tensors();
	let head = [0u8; 4];
	let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![1, 1], &head).unwrap();
	views.push(("pooler.dense.weight".into(), view));
	let with_head = safetensors::serialize(views, None).unwrap();
	assert_eq!(quantized(&architecture, &with_head), quantized(&architecture, &file));
}

#[test]
fn quantize_should_refuse_when_there_is_nothing_to_quantize() {
	let architecture = golden::mlp(&[3, 2]);
	let file = golden::artifact(&architecture, 5, 1.0).unwrap();
	let no_class = EngineError::InvalidConfig(ConfigFault::NoSuchClass);
	assert_eq!(quantized(&architecture, &file), Err(no_class));

	let architecture = networks::cnn(Class::Q8, 1);
	let file = golden::artifact(&architecture, 5, 1.0).unwrap();
	let wrong = EngineError::WrongDtype { tensor: "0.weight".into() };
	assert_eq!(quantized(&architecture, &file), Err(wrong));
}

#[test]
fn quantize_should_fail_when_writing_does() {
	let architecture = networks::cnn(Class::F32, 0);
	let file = golden::artifact(&architecture, 5, 1.0).unwrap();
	let whole = quantized(&architecture, &file).unwrap().len();
	for room in [0, 100, whole - 1] {
		let (source, mut left) = (&file[..], room);
		let tensors = Tensors::open(&[&source as &dyn Source]).unwrap();
		let outcome = quantize(&architecture, &tensors, &mut |bytes| {
			left = left.checked_sub(bytes.len()).ok_or(EngineError::ReadFailed)?;
			Ok(())
		});
		assert_eq!(outcome, Err(EngineError::ReadFailed), "{room}");
	}
}

#[test]
fn quantize_should_refuse_when_the_file_is_cut_off() {
	let architecture = networks::cnn(Class::F32, 0);
	let file = golden::artifact(&architecture, 5, 1.0).unwrap();
	let cut = quantized(&architecture, &file[..file.len() - 1]);
	assert_eq!(cut, Err(EngineError::MalformedArtifact(ArtifactFault::OutOfBounds)));
}

proptest! {
	#[test]
	fn quantize_row_should_be_off_by_half_a_step_at_most(
		values in prop::collection::vec(-1e3f32..1e3, 1..40),
		power in -20i32..20,
	) {
		let values: Vec<f32> = values.iter().map(|value| value * 2f32.powi(power)).collect();
		let (bytes, factor) = row(&values);
		for (value, byte) in values.iter().zip(bytes) {
			let off = (f64::from(*value) - f64::from(byte) * f64::from(factor)).abs();
			prop_assert!(off <= f64::from(factor) * 0.50001);
		}
	}
}
