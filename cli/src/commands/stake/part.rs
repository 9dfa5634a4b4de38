//! Parts of a whole, as people and scripts see them.

/// What the chain counts parts of a whole in.
const BILLION: u32 = 1_000_000_000;

/// A part of a whole, in parts per billion.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Part(pub u32);

impl Part {
	/// For people.
	pub fn text(self) -> String {
		percent(self.0.into(), BILLION.into())
	}

	/// For scripts.
	pub fn number(self) -> f64 {
		f64::from(self.0) / f64::from(BILLION)
	}

	/// What is left of `amount` without this part of it.
	pub fn rest_of(self, amount: u64) -> u64 {
		let rest = u128::from(BILLION.saturating_sub(self.0)) * u128::from(amount);
		u64::try_from(rest / u128::from(BILLION)).unwrap_or(u64::MAX)
	}

	/// What all of these take, each from what those before have left.
	pub fn together(parts: impl Iterator<Item = Part>) -> Part {
		let left = parts.fold(u64::from(BILLION), |left, part| part.rest_of(left));
		Part(BILLION.saturating_sub(u32::try_from(left).unwrap_or(BILLION)))
	}
}

/// `part` of `whole` in percent, with two decimals at most.
pub fn percent(part: u64, whole: u64) -> String {
	let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
	let (whole, rest) = (hundredths / 100, hundredths % 100);
	match rest {
		0 => format!("{whole} %"),
		rest => format!("{whole}.{} %", format!("{rest:02}").trim_end_matches('0')),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn percent_should_be_short() {
		for (part, text) in
			[(0, "0 %"), (50_000, "5 %"), (125_500, "12.55 %"), (1_002_000, "100.2 %")]
		{
			assert_eq!(percent(part, 1_000_000), text);
		}
	}

	#[test]
	fn parts_should_be_taken_from_what_is_left() {
		let half = Part(BILLION / 2);
		assert_eq!(Part::together([half, half].into_iter()), Part(750_000_000));
		assert_eq!(Part::together([].into_iter()), Part(0));
		assert_eq!(Part::together([Part(BILLION), half].into_iter()), Part(BILLION));
		assert_eq!(Part(50_000_000).rest_of(1_000_000), 950_000);
	}
}
