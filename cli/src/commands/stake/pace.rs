//! How fast blocks come, and how long it is until one of them.

use crate::{
	chain::{number, At, BlockNumber, Chain},
	error::Result,
};
use jsonrpsee::rpc_params;
use serde_json::{json, Value};

/// Over how many blocks the pace is measured.
const BLOCKS: u64 = 50;

/// How fast blocks come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
	now: BlockNumber,
	/// Milliseconds from one block to the next; `None` if nobody knows yet.
	block: Option<u64>,
}

impl Pace {
	/// The chain's pace over its last blocks.
	pub async fn of(chain: &Chain, at: &At) -> Result<Self> {
		let now = at.block_number();
		let kind: Value = chain.rpc("system_chainType", rpc_params![]).await?;
		// A development chain makes blocks at another pace than its own clock says.
		let blocks = match kind.as_str() {
			Some("Development") => 0,
			_ => now.saturating_sub(1).min(BLOCKS),
		};
		let block = match (blocks, timestamp(chain, at).await?) {
			// A node may have forgotten the state of old blocks: then it is unknown.
			(1.., Some(end)) => match chain.at(now - blocks).await {
				Ok(then) => timestamp(chain, &then)
					.await
					.ok()
					.flatten()
					.map(|start| end.saturating_sub(start) / blocks),
				Err(_) => None,
			},
			_ => None,
		};
		Ok(Self { now: number(now), block })
	}

	/// How long so many blocks take, for people.
	pub fn blocks_text(&self, blocks: BlockNumber) -> String {
		match self.seconds(blocks) {
			Some(seconds) => format!("{blocks} blocks, about {}", span(seconds)),
			None => format!("{blocks} blocks"),
		}
	}

	/// When `block` is, for people.
	pub fn when(&self, block: BlockNumber) -> String {
		match (self.is_past(block), self.seconds(block.saturating_sub(self.now))) {
			(true, _) => "now".into(),
			(false, Some(seconds)) => format!("from block {block}, in about {}", span(seconds)),
			(false, None) => format!("from block {block}"),
		}
	}

	/// When `block` is, for scripts.
	pub fn json(&self, block: BlockNumber) -> Value {
		json!({ "from_block": block, "in_seconds": self.seconds(block.saturating_sub(self.now)) })
	}

	/// Whether a transaction that is sent now is in `block` or later.
	pub fn is_past(&self, block: BlockNumber) -> bool {
		block <= self.now.saturating_add(1)
	}

	fn seconds(&self, blocks: BlockNumber) -> Option<u64> {
		Some(self.block?.saturating_mul(blocks.into()).div_ceil(1000))
	}
}

async fn timestamp(chain: &Chain, at: &At) -> Result<Option<u64>> {
	chain.stored(at, "Timestamp", "Now", ()).await
}

/// A time, roughly.
fn span(seconds: u64) -> String {
	const MINUTE: u64 = 60;
	const HOUR: u64 = 60 * MINUTE;
	const DAY: u64 = 24 * HOUR;
	let (unit, name) = match seconds {
		0..90 => (1, "s"),
		90..5400 => (MINUTE, "min"),
		5400..129_600 => (HOUR, "h"),
		_ => (DAY, "days"),
	};
	format!("{} {name}", seconds.saturating_add(unit / 2) / unit)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn span_should_be_in_the_unit_that_suits_it() {
		for (seconds, text) in [
			(0, "0 s"),
			(89, "89 s"),
			(90, "2 min"),
			(3600, "60 min"),
			(7200, "2 h"),
			(604_800, "7 days"),
		] {
			assert_eq!(span(seconds), text);
		}
	}

	#[test]
	fn pace_should_say_when_a_block_is() {
		let pace = Pace { now: 100, block: Some(6000) };
		assert_eq!(pace.when(110), "from block 110, in about 60 s");
		assert_eq!(pace.when(101), "now");
		assert_eq!(pace.blocks_text(5), "5 blocks, about 30 s");
		let unknown = Pace { block: None, ..pace };
		assert_eq!(unknown.when(110), "from block 110");
		assert_eq!(unknown.json(110)["in_seconds"], Value::Null);
	}
}
