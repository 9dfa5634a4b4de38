//! Inputs and outputs: numbers for people, `f32` in little-endian bytes for the engine.

use crate::error::{Error, Result};
use dodona_engine::Architecture;
use serde_json::Value;
use std::{fs, io::Read, path::Path};

/// Reads a JSON array of numbers, flat or in rows. `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<f32>> {
	let fault = |error: &dyn std::fmt::Display| {
		Error::usage(format!("{}: {error}", path.display()))
			.hint("an input is a JSON array of numbers, flat or in rows")
	};
	let json = if path == Path::new("-") {
		let mut json = Vec::new();
		std::io::stdin().read_to_end(&mut json).map_err(|error| fault(&error))?;
		json
	} else {
		fs::read(path).map_err(|error| fault(&error))?
	};
	parse(&json).map_err(|error| fault(&error))
}

fn parse(json: &[u8]) -> Result<Vec<f32>, String> {
	let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
	if !value.is_array() {
		return Err("not an array".into());
	}
	let mut values = Vec::new();
	flatten(&value, &mut values)?;
	Ok(values)
}

/// The numbers in a JSON array, flat or in rows.
pub fn flatten(value: &Value, values: &mut Vec<f32>) -> Result<(), String> {
	match value {
		Value::Array(rows) => rows.iter().try_for_each(|row| flatten(row, values)),
		Value::Number(number) => {
			let value =
				number.as_f64().map(|number| number as f32).filter(|value| value.is_finite());
			values.push(value.ok_or_else(|| format!("{number} is too large"))?);
			Ok(())
		},
		other => Err(format!("{other} is not a number")),
	}
}

/// The bytes of an input that `architecture` takes.
pub fn encode(architecture: &Architecture, values: &[f32]) -> Result<Vec<u8>> {
	let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
	architecture.check_input(&bytes).map_err(|error| {
		let wanted = architecture.input_len() / 4;
		Error::usage(format!("the input does not fit the model: {error}"))
			.because("WrongInput")
			.hint(format!("the model takes {wanted} numbers, the input has {}", values.len()))
	})?;
	Ok(bytes)
}

/// The numbers in an output; `None` if it is no row of numbers.
pub fn decode(output: &[u8]) -> Option<Vec<f32>> {
	let (chunks, rest) = output.as_chunks::<4>();
	rest.is_empty()
		.then(|| chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::architecture;
	use crate::error::Kind;

	#[test]
	fn input_should_be_the_same_when_it_is_flat_or_in_rows() {
		let flat = parse(b"[0, 0.5, 1, -2e1]").unwrap();
		assert_eq!(flat, [0.0, 0.5, 1.0, -20.0]);
		assert_eq!(parse(b"[[0, 0.5], [1, -2e1]]").unwrap(), flat);
	}

	#[test]
	fn input_should_be_refused_when_it_is_no_array_of_finite_numbers() {
		for json in ["", "{}", "7", "[1, null]", "[\"1\"]", "[1e39]", "[NaN]", "[1, 2"] {
			assert!(parse(json.as_bytes()).is_err(), "{json}");
		}
	}

	#[test]
	fn encode_should_write_little_endian_floats() {
		let mlp = architecture("mlp", &[2, 1]).unwrap();
		let bytes = encode(&mlp, &[1.0, -2.0]).unwrap();
		assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
		assert_eq!(decode(&bytes), Some(vec![1.0, -2.0]));
	}

	#[test]
	fn encode_should_refuse_when_the_model_takes_another_length() {
		let mlp = architecture("mlp", &[2, 1]).unwrap();
		for values in [&[][..], &[1.0], &[1.0, 2.0, 3.0]] {
			assert_eq!(encode(&mlp, values).unwrap_err().kind, Kind::Usage);
		}
	}

	#[test]
	fn decode_should_refuse_when_bytes_are_left() {
		assert_eq!(decode(&[0, 0, 0]), None);
		assert_eq!(decode(&[]), Some(vec![]));
	}
}
