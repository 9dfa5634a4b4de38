//! A hold-out set with the salts of its samples: the file that its maker keeps.

use crate::{
	commands::hex0x,
	error::{Error, Result},
};
use dodona_primitives_inference::{
	Expected, HoldOut, Input, Metric, RevealedSample, Sample, MAX_SAMPLES,
};
use dodona_primitives_models::{leaf_proof, root_of};
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File, OpenOptions},
	io::{self, Read, Write},
	path::Path,
};
use subxt::utils::H256;

/// What the file says that it is.
const FORMAT: &str = "dodona-hold-out/1";

/// Samples in the order in which they are revealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Set {
	pub metric: Metric,
	pub samples: Vec<Sample>,
	hashes: Vec<H256>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
	format: String,
	metric: Name,
	root: String,
	samples: Vec<Entry>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
	Accuracy,
	Tokens,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
	input: String,
	expected: String,
	salt: String,
}

impl Set {
	/// Gives every sample a salt, and all of them an order that nobody chose: an evaluation takes
	/// them one after the other, and a file may be sorted.
	pub fn make(metric: Metric, mut samples: Vec<Sample>) -> Result<Self> {
		let mut random = File::open("/dev/urandom")
			.map_err(|error| Error::failed(format!("no random numbers: {error}")))?;
		for sample in &mut samples {
			random
				.read_exact(&mut sample.salt)
				.map_err(|error| Error::failed(format!("no random numbers: {error}")))?;
		}
		samples.sort_by_cached_key(Sample::hash);
		Ok(Self::of(metric, samples))
	}

	fn of(metric: Metric, samples: Vec<Sample>) -> Self {
		let hashes = samples.iter().map(Sample::hash).collect();
		Self { metric, samples, hashes }
	}

	/// How many samples there are.
	pub fn len(&self) -> u32 {
		u32::try_from(self.samples.len()).unwrap_or(u32::MAX)
	}

	/// What the chain commits to.
	pub fn root(&self) -> H256 {
		root_of(&self.hashes)
	}

	/// Whether the chain has committed to this set.
	pub fn is(&self, hold_out: &HoldOut) -> bool {
		self.root() == hold_out.root && self.len() == hold_out.samples
	}

	/// The sample at `index`, shown to be of the set.
	pub fn reveal(&self, index: u32) -> Option<RevealedSample> {
		let sample = self.samples.get(index as usize)?.clone();
		let proof = leaf_proof(&self.hashes, index)?.try_into().ok()?;
		Some(RevealedSample { sample, proof })
	}

	/// Writes a file that only its owner reads, and that is not there yet.
	pub fn write(&self, path: &Path) -> Result<()> {
		let failed = |error: io::Error| {
			let failed = Error::usage(format!("{}: {error}", path.display()));
			match error.kind() {
				io::ErrorKind::AlreadyExists => {
					failed.hint("a set is never overwritten: name another file")
				},
				_ => failed,
			}
		};
		let mut options = OpenOptions::new();
		options.write(true).create_new(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
		let mut file = options.open(path).map_err(failed)?;
		let written = file.write_all(self.document().as_bytes()).and_then(|()| file.sync_all());
		written.map_err(|error| {
			// Half a set is none, and would be in the way of the next attempt.
			let _ = fs::remove_file(path);
			failed(error)
		})
	}

	/// Reads a file that [`Self::write`] has written, and checks it.
	pub fn read(path: &Path) -> Result<Self> {
		let fault = |error: String| {
			Error::usage(format!("{}: {error}", path.display()))
				.because("WrongSet")
				.hint("a set is a file that `dodona gov hold-out make` wrote")
		};
		let json = fs::read(path).map_err(|error| fault(error.to_string()))?;
		Self::parse(&json).map_err(fault)
	}

	fn document(&self) -> String {
		let entry = |sample: &Sample| Entry {
			input: hex0x(&sample.input),
			expected: hex0x(&sample.expected),
			salt: hex0x(sample.salt),
		};
		let document = Document {
			format: FORMAT.into(),
			metric: match self.metric {
				Metric::Accuracy => Name::Accuracy,
				Metric::TokenAccuracy => Name::Tokens,
			},
			root: hex0x(self.root()),
			samples: self.samples.iter().map(entry).collect(),
		};
		serde_json::to_string_pretty(&document).unwrap_or_default()
	}

	fn parse(json: &[u8]) -> Result<Self, String> {
		let Document { format, metric, root, samples } =
			serde_json::from_slice(json).map_err(|error| error.to_string())?;
		if format != FORMAT {
			return Err(format!("its format is `{format}`, not `{FORMAT}`"));
		}
		if samples.is_empty() || samples.len() > MAX_SAMPLES as usize {
			return Err(format!("it has {} samples", samples.len()));
		}
		let samples: Result<Vec<Sample>, String> = samples
			.iter()
			.enumerate()
			.map(|(at, entry)| entry.sample().ok_or_else(|| format!("sample {at} is damaged")))
			.collect();
		let metric = match metric {
			Name::Accuracy => Metric::Accuracy,
			Name::Tokens => Metric::TokenAccuracy,
		};
		let set = Self::of(metric, samples?);
		if hex0x(set.root()) != root {
			return Err("its samples are not those of its root".into());
		}
		Ok(set)
	}
}

impl Entry {
	fn sample(&self) -> Option<Sample> {
		let bytes = |digits: &str| hex::decode(digits.strip_prefix("0x")?).ok();
		Some(Sample {
			input: Input::try_from(bytes(&self.input)?).ok()?,
			expected: Expected::try_from(bytes(&self.expected)?).ok()?,
			salt: bytes(&self.salt)?.try_into().ok()?,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::temporary;
	use codec::{Decode, Encode};

	pub fn samples(count: u32) -> Vec<Sample> {
		(0..count)
			.map(|at| Sample {
				input: Input::try_from(vec![at as u8; 8]).unwrap(),
				expected: Expected::try_from(vec![1, 0, 0, 0]).unwrap(),
				salt: [0; 16],
			})
			.collect()
	}

	fn committed(set: &Set) -> HoldOut {
		HoldOut {
			root: set.root(),
			samples: set.len(),
			metric: set.metric,
			per_evaluation: 1,
			margin: Decode::decode(&mut &0u32.encode()[..]).unwrap(),
			used: 0,
		}
	}

	#[test]
	fn sample_should_be_proved_at_its_own_place_and_at_no_other() {
		for count in [1, 2, 3, 7, 16] {
			let set = Set::make(Metric::Accuracy, samples(count)).unwrap();
			let hold_out = committed(&set);
			assert!(set.is(&hold_out));
			for index in 0..count {
				let revealed = set.reveal(index).unwrap();
				for place in 0..count {
					assert_eq!(revealed.is_at(&hold_out, place), place == index, "{index} {place}");
				}
				let mut other = revealed.clone();
				other.sample.expected[0] ^= 1;
				assert!(!other.is_at(&hold_out, index));
			}
			assert_eq!(set.reveal(count), None);
		}
	}

	#[test]
	fn set_should_be_another_one_each_time_it_is_made() {
		let make = || Set::make(Metric::Accuracy, samples(16)).unwrap();
		let (one, other) = (make(), make());
		assert_ne!(one.root(), other.root());
		assert!(!one.is(&committed(&other)));
		let inputs = |set: &Set| -> Vec<Vec<u8>> {
			set.samples.iter().map(|sample| sample.input.to_vec()).collect()
		};
		// One in 16! has the order of the file.
		assert_ne!(inputs(&one), inputs(&Set::of(Metric::Accuracy, samples(16))));
		let sorted = |set: &Set| {
			let mut inputs = inputs(set);
			inputs.sort();
			inputs
		};
		assert_eq!(sorted(&one), sorted(&other));
	}

	#[test]
	fn file_should_give_back_the_set_and_be_nobody_elses() {
		let folder = temporary::Folder::new("hold-out", &[]);
		let path = folder.as_path().join("set.json");
		let set = Set::make(Metric::TokenAccuracy, samples(5)).unwrap();
		set.write(&path).unwrap();
		assert_eq!(Set::read(&path).unwrap(), set);
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
		}
		// It is not overwritten.
		let other = Set::make(Metric::Accuracy, samples(2)).unwrap();
		assert!(other.write(&path).unwrap_err().hint.unwrap().contains("never overwritten"));
		assert_eq!(Set::read(&path).unwrap(), set);
	}

	#[test]
	fn file_should_be_refused_when_it_is_damaged() {
		let set = Set::make(Metric::Accuracy, samples(3)).unwrap();
		let good = set.document();
		assert!(Set::parse(good.as_bytes()).is_ok());
		let salt = hex0x(set.samples[0].salt);
		let root = hex0x(set.root());
		for (from, to, why) in [
			(salt.as_str(), "0x00", "sample 0 is damaged"),
			(salt.as_str(), &format!("0x{}", "00".repeat(16)), "not those of its root"),
			(root.as_str(), "0x00", "not those of its root"),
			(FORMAT, "dodona-hold-out/2", "its format is"),
			("\"accuracy\"", "\"other\"", "unknown variant"),
			("\"salt\"", "\"pepper\"", "unknown field"),
		] {
			let bad = good.replacen(from, to, 1);
			assert_ne!(bad, good, "{why}");
			let refusal = Set::parse(bad.as_bytes()).unwrap_err();
			assert!(refusal.contains(why), "{refusal}");
		}
		assert!(Set::parse(b"[]").is_err());
	}
}
