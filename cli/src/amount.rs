//! Amounts of the chain's token: people write `12.5`, the chain counts in its smallest unit.

use serde_json::Value;
use std::str::FromStr;

/// The chain's token, as the chain describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
	/// Its symbol.
	pub symbol: String,
	/// Digits after the point.
	pub decimals: u32,
}

impl Token {
	/// Reads the answer of `system_properties`; `None` if it does not describe one token.
	pub fn from_properties(properties: &Value) -> Option<Self> {
		let first = |name: &str| match properties.get(name)? {
			Value::Array(values) => values.first().cloned(),
			value => Some(value.clone()),
		};
		let symbol = first("tokenSymbol")?.as_str()?.to_owned();
		let decimals = first("tokenDecimals")?.as_u64()?;
		Some(Self { symbol, decimals: u32::try_from(decimals).ok().filter(|d| *d <= 30)? })
	}

	/// Writes `amount` with its symbol, without trailing zeros.
	pub fn show(&self, amount: u128) -> String {
		let unit = 10u128.pow(self.decimals);
		let (whole, rest) = (amount / unit, amount % unit);
		if rest == 0 {
			return format!("{whole} {}", self.symbol);
		}
		let fraction = format!("{rest:0>width$}", width = self.decimals as usize);
		format!("{whole}.{} {}", fraction.trim_end_matches('0'), self.symbol)
	}
}

/// An amount as somebody wrote it, before the number of decimals is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Amount {
	whole: String,
	fraction: String,
}

impl FromStr for Amount {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
		let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
		if whole.is_empty() || !digits(whole) || !digits(fraction) || text.trim().ends_with('.') {
			return Err("an amount looks like 12 or 12.5, in whole tokens".into());
		}
		Ok(Self { whole: whole.into(), fraction: fraction.trim_end_matches('0').into() })
	}
}

impl Amount {
	/// The amount in the smallest unit of `token`.
	pub fn of(&self, token: &Token) -> Result<u128, String> {
		let width = token.decimals as usize;
		if self.fraction.len() > width {
			return Err(format!("{} has {width} decimals, not more", token.symbol));
		}
		format!("{}{:0<width$}", self.whole, self.fraction)
			.parse()
			.map_err(|_| "the amount is too large".into())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;

	fn dona() -> Token {
		Token { symbol: "DONA".into(), decimals: 12 }
	}

	fn parse(text: &str) -> Result<u128, String> {
		text.parse::<Amount>()?.of(&dona())
	}

	#[test]
	fn amount_should_be_in_the_smallest_unit_when_it_is_well_formed() {
		assert_eq!(parse("12.5"), Ok(12_500_000_000_000));
		assert_eq!(parse("0.000000000001"), Ok(1));
		assert_eq!(parse("7"), Ok(7_000_000_000_000));
		assert_eq!(parse("1.5000000000000000"), Ok(1_500_000_000_000));
	}

	#[test]
	fn amount_should_be_refused_when_it_is_no_decimal_number() {
		for text in ["", ".5", "5.", "-1", "1e3", "1,5", "0x10", "1.2.3", "12 DONA"] {
			assert!(parse(text).is_err(), "{text}");
		}
	}

	#[test]
	fn amount_should_be_refused_when_it_is_too_fine_or_too_large() {
		assert!(parse("0.0000000000001").is_err());
		assert!(parse("340282366920938463463374608").is_err());
	}

	#[test]
	fn token_should_show_what_it_parsed() {
		assert_eq!(dona().show(12_500_000_000_000), "12.5 DONA");
		assert_eq!(dona().show(1), "0.000000000001 DONA");
		assert_eq!(dona().show(0), "0 DONA");
		assert_eq!(dona().show(3_000_000_000_000), "3 DONA");
	}

	#[test]
	fn token_should_be_read_from_the_properties_when_they_name_one() {
		let plain = json!({"tokenSymbol": "DONA", "tokenDecimals": 12, "ss58Format": 42});
		let listed = json!({"tokenSymbol": ["DONA"], "tokenDecimals": [12]});
		assert_eq!(Token::from_properties(&plain), Some(dona()));
		assert_eq!(Token::from_properties(&listed), Some(dona()));
		assert_eq!(Token::from_properties(&json!({})), None);
	}
}
