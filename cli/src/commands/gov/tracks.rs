//! The tracks of referenda, as the chain's metadata describes them.

use crate::{
	chain::{At, Balance, BlockNumber, Chain},
	error::{Error, Result},
};
use subxt::ext::scale_decode::DecodeAsType;

/// One, in parts per billion.
pub const ONE: u32 = 1_000_000_000;

/// How a kind of referendum is decided.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Rules {
	pub name: String,
	pub decision_deposit: Balance,
	pub prepare_period: BlockNumber,
	pub decision_period: BlockNumber,
	pub min_enactment_period: BlockNumber,
	pub min_approval: Curve,
	pub min_support: Curve,
}

/// A threshold that falls while it is decided, in parts per billion.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub enum Curve {
	LinearDecreasing { length: u32, floor: u32, ceil: u32 },
	SteppedDecreasing { begin: u32, end: u32, step: u32, period: u32 },
	Reciprocal { factor: i64, x_offset: i64, y_offset: i64 },
}

/// A track.
#[derive(Clone, Debug)]
pub struct Track {
	pub id: u16,
	pub rules: Rules,
}

impl Track {
	/// Its name.
	pub fn name(&self) -> &str {
		self.rules.name.trim_end_matches('\0')
	}
}

impl Curve {
	/// The threshold when `passed` of the period has passed.
	pub fn threshold(&self, passed: u32) -> u32 {
		let one = u64::from(ONE);
		match *self {
			Self::LinearDecreasing { length, floor, ceil } => {
				let (length, passed) = (u64::from(length), u64::from(passed.min(length)));
				let share = (passed * one).checked_div(length).unwrap_or(one);
				let fallen = share * u64::from(ceil.saturating_sub(floor)) / one;
				ceil.saturating_sub(narrow(fallen.into()))
			},
			Self::SteppedDecreasing { begin, end, step, period } => {
				let steps = passed.checked_div(period).unwrap_or(0);
				begin.saturating_sub(step.saturating_mul(steps)).max(end)
			},
			Self::Reciprocal { factor, x_offset, y_offset } => {
				let x = i128::from(passed) + i128::from(x_offset);
				let value = (i128::from(factor) * i128::from(ONE)).checked_div(x);
				value.map_or(ONE, |value| narrow(value + i128::from(y_offset)))
			},
		}
	}
}

/// A part of one.
fn narrow(parts: i128) -> u32 {
	u32::try_from(parts.clamp(0, ONE.into())).unwrap_or(ONE)
}

/// `part` of `whole`, rounded down; nothing of nothing.
pub fn share(part: u128, whole: u128) -> u32 {
	if part >= whole {
		return if whole == 0 { 0 } else { ONE };
	}
	// The product fits, unless a chain has more than 2^98 of the smallest unit.
	part.checked_mul(ONE.into()).map_or_else(
		|| narrow((part / (whole / u128::from(ONE))) as i128),
		|parts| narrow((parts / whole) as i128),
	)
}

/// A part of one for people, such as `93.75 %`.
pub fn percent(parts: u32) -> String {
	let (whole, rest) = (parts / 10_000_000, parts % 10_000_000 / 100_000);
	match rest {
		0 => format!("{whole} %"),
		rest => format!("{whole}.{} %", format!("{rest:02}").trim_end_matches('0')),
	}
}

/// A part of one for scripts.
pub fn fraction(parts: u32) -> f64 {
	f64::from(parts) / f64::from(ONE)
}

/// The tracks of the chain.
pub fn all(chain: &Chain, at: &At) -> Result<Vec<Track>> {
	let tracks: Vec<(u16, Rules)> = chain
		.constant(at, "Referenda", "Tracks")
		.ok_or_else(|| Error::failed("the chain does not say what its tracks are"))?;
	Ok(tracks.into_iter().map(|(id, rules)| Track { id, rules }).collect())
}

/// The track with this name.
pub fn find<'a>(tracks: &'a [Track], name: &str) -> Result<&'a Track> {
	tracks.iter().find(|track| track.name() == name).ok_or_else(|| {
		let known: Vec<&str> = tracks.iter().map(Track::name).collect();
		Error::usage(format!("there is no track `{name}`"))
			.because("NoTrack")
			.hint(format!("{}, or all", known.join(", ")))
	})
}

/// The tracks with these names; `all` is every one.
pub fn named<'a>(tracks: &'a [Track], names: &[String]) -> Result<Vec<&'a Track>> {
	if names.iter().any(|name| name == "all") {
		return Ok(tracks.iter().collect());
	}
	let mut found: Vec<&Track> = Vec::new();
	for name in names {
		let track = find(tracks, name)?;
		if !found.iter().any(|other| other.id == track.id) {
			found.push(track);
		}
	}
	Ok(found)
}

#[cfg(test)]
pub mod tests {
	use super::*;

	pub fn track(id: u16, name: &str) -> Track {
		let curve = |floor: u32, ceil: u32| Curve::LinearDecreasing {
			length: ONE,
			floor: floor * 10_000_000,
			ceil: ceil * 10_000_000,
		};
		let rules = Rules {
			name: format!("{name:\0<25}"),
			decision_deposit: 10,
			prepare_period: 2,
			decision_period: 40,
			min_enactment_period: 2,
			min_approval: curve(50, 80),
			min_support: curve(0, 10),
		};
		Track { id, rules }
	}

	#[test]
	fn threshold_should_fall_to_the_floor_over_the_period() {
		let rules = track(1, "model_curator").rules;
		let approval = |passed: u32| rules.min_approval.threshold(passed) / 10_000_000;
		assert_eq!((approval(0), approval(ONE / 2), approval(ONE)), (80, 65, 50));
		let short = Curve::LinearDecreasing { length: ONE / 2, floor: 0, ceil: ONE };
		assert_eq!(short.threshold(ONE / 4), ONE / 2);
		assert_eq!((short.threshold(ONE / 2), short.threshold(ONE)), (0, 0));
		let none = Curve::LinearDecreasing { length: 0, floor: 5, ceil: ONE };
		assert_eq!(none.threshold(0), 5);
	}

	#[test]
	fn threshold_should_step_down_and_end_at_the_end() {
		let (step, period) = (ONE / 10, ONE / 4);
		let curve = Curve::SteppedDecreasing { begin: ONE / 2, end: ONE / 4, step, period };
		let at = |passed: u32| curve.threshold(passed) / 10_000_000;
		assert_eq!(
			(at(0), at(period - 1), at(period), at(2 * period), at(ONE)),
			(50, 50, 40, 30, 25)
		);
	}

	#[test]
	fn threshold_should_stay_within_one_when_it_is_reciprocal() {
		// 0.2 / (x + 0.2) - 0.1
		let curve = Curve::Reciprocal {
			factor: 200_000_000,
			x_offset: 200_000_000,
			y_offset: -100_000_000,
		};
		assert_eq!((curve.threshold(0), curve.threshold(200_000_000)), (900_000_000, 400_000_000));
		let (factor, x_offset) = (i64::from(ONE), 0);
		assert_eq!(Curve::Reciprocal { factor, x_offset, y_offset: 0 }.threshold(0), ONE);
		assert_eq!(Curve::Reciprocal { factor, x_offset, y_offset: i64::MIN }.threshold(1), 0);
	}

	#[test]
	fn share_should_be_a_part_of_the_whole() {
		assert_eq!((share(0, 0), share(5, 0), share(0, 5)), (0, 0, 0));
		assert_eq!((share(1, 3), share(3, 3), share(4, 3)), (333_333_333, ONE, ONE));
		let large = u128::MAX / 4;
		assert!(share(large, large * 2).abs_diff(ONE / 2) <= 1);
	}

	#[test]
	fn percent_should_be_short() {
		for (parts, text) in [
			(0, "0 %"),
			(ONE, "100 %"),
			(937_500_000, "93.75 %"),
			(905_000_000, "90.5 %"),
			(1_000_000, "0.1 %"),
			(333_333_333, "33.33 %"),
			(99_999, "0 %"),
		] {
			assert_eq!(percent(parts), text);
		}
	}

	#[test]
	fn tracks_should_be_found_once_by_their_names() {
		let tracks = [track(0, "root"), track(1, "model_curator")];
		let ids = |names: &[&str]| {
			let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
			named(&tracks, &names)
				.map(|found| found.iter().map(|track| track.id).collect::<Vec<_>>())
		};
		assert_eq!(ids(&["model_curator", "model_curator"]).unwrap(), vec![1]);
		assert_eq!(ids(&["all", "root"]).unwrap(), vec![0, 1]);
		let error = ids(&["root", "other"]).unwrap_err();
		assert_eq!(error.hint.unwrap(), "root, model_curator, or all");
	}
}
