//! How an answer is measured. Outputs are those of a quorum, but nobody has looked at them.

use dodona_primitives_inference::Metric;
use sp_runtime::Perbill;

/// What a right answer counts.
pub(crate) const ONE: u64 = 1_000_000_000;

/// What `output` counts, from 0 to [`ONE`]. What can't be measured counts nothing.
pub(crate) fn measure(metric: Metric, expected: &[u8], output: &[u8]) -> u64 {
	match metric {
		Metric::Accuracy => {
			let right = number(expected).is_some_and(|wanted| largest(output) == Some(wanted));
			u64::from(right).saturating_mul(ONE)
		},
		Metric::TokenAccuracy => {
			let (Some(wanted), Some(got)) = (tokens(expected), tokens(output)) else { return 0 };
			let count = wanted.len() as u64;
			let right = wanted.zip(got).filter(|(wanted, got)| wanted == got).count() as u64;
			right.saturating_mul(ONE).checked_div(count).unwrap_or(0)
		},
	}
}

/// The mean of so many measures.
pub(crate) fn mean(sum: u64, samples: u32) -> Perbill {
	let parts = sum.checked_div(samples.into()).unwrap_or(0);
	Perbill::from_parts(u32::try_from(parts).unwrap_or(u32::MAX).min(ONE as u32))
}

/// Whether `candidate` is higher than `active`, and by `margin` at least. Nothing is capped: where
/// less than the margin is left above `active`, nothing is good enough.
pub(crate) fn is_better(candidate: Perbill, active: Perbill, margin: Perbill) -> bool {
	let [candidate, active, margin] =
		[candidate, active, margin].map(|part| u64::from(part.deconstruct()));
	candidate > active && candidate >= active.saturating_add(margin)
}

/// A number, little endian.
fn number(bytes: &[u8]) -> Option<u32> {
	bytes.try_into().map(u32::from_le_bytes).ok()
}

/// The words of four bytes that `bytes` are; `None` if some are left over.
fn tokens(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
	bytes.len().is_multiple_of(4).then(|| bytes.chunks_exact(4))
}

/// Position of the largest float, of equal ones the first; `None` if there is none, or one that is
/// no number.
fn largest(output: &[u8]) -> Option<u32> {
	let mut best: Option<(u32, f32)> = None;
	for (at, word) in (0u32..).zip(tokens(output)?) {
		let value = f32::from_le_bytes(word.try_into().ok()?);
		if value.is_nan() {
			return None;
		}
		if best.is_none_or(|(_, most)| value > most) {
			best = Some((at, value));
		}
	}
	best.map(|(at, _)| at)
}
