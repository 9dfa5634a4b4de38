//! The rotary embedding, with the halves of a head as the parts of the complex numbers.

use super::{Config, RopeScaling};
use alloc::vec::Vec;

/// Frequencies of the rotations, one for each pair of values of a head.
pub(crate) struct Rope {
	frequencies: Vec<f32>,
}

impl Rope {
	pub fn new(config: &Config) -> Self {
		let dim = config.head_dim;
		let frequencies = (0..dim / 2).map(|pair| {
			// Rounded where `transformers` rounds, but for the power.
			let exponent = pair.saturating_mul(2) as f32 / dim as f32;
			let power = libm::pow(config.rope_theta.get().into(), exponent.into()) as f32;
			scale(1.0 / power, &config.rope_scaling)
		});
		Self { frequencies: frequencies.collect() }
	}

	/// For each position the cosines of its angles, then their sines.
	pub fn angles(&self, positions: impl Iterator<Item = u32>, out: &mut [f32]) {
		let half = self.frequencies.len();
		for (position, out) in positions.zip(out.chunks_exact_mut(half.saturating_mul(2).max(1))) {
			let (cosines, sines) = out.split_at_mut(half);
			for ((cosine, sine), frequency) in cosines.iter_mut().zip(sines).zip(&self.frequencies)
			{
				let angle = position as f32 * frequency;
				*cosine = libm::cosf(angle);
				*sine = libm::sinf(angle);
			}
		}
	}
}

/// A frequency after scaling.
fn scale(frequency: f32, scaling: &RopeScaling) -> f32 {
	match scaling {
		RopeScaling::None => frequency,
		RopeScaling::Linear { factor } => frequency / factor.get(),
		RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => {
			let (factor, low, high) = (factor.get(), low_freq_factor.get(), high_freq_factor.get());
			let positions = *original_positions as f32;
			let wave = core::f32::consts::TAU / frequency;
			if wave > positions / low {
				frequency / factor
			} else if wave < positions / high {
				frequency
			} else {
				let smooth = (positions / wave - low) / (high - low);
				(1.0 - smooth) * frequency / factor + smooth * frequency
			}
		},
	}
}

/// Turns each head in `heads` by `angles`: cosines, then sines.
pub(crate) fn rotate(heads: &mut [f32], angles: &[f32]) {
	let (cosines, sines) = angles.split_at(angles.len() / 2);
	for head in heads.chunks_exact_mut(angles.len().max(1)) {
		let (left, right) = head.split_at_mut(cosines.len());
		let pairs = left.iter_mut().zip(right).zip(cosines.iter().zip(sines));
		for ((left, right), (cosine, sine)) in pairs {
			let turned = *left * cosine - *right * sine;
			*right = *right * cosine + *left * sine;
			*left = turned;
		}
	}
}
