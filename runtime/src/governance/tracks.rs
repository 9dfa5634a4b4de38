//! The tracks of referenda: one for everything, two for models. Their periods are governed
//! parameters, so that a chain for trying things out decides in seconds.

use super::{origins::Origin, periods};
use crate::{Balance, BlockNumber, OriginCaller, RuntimeOrigin, UNIT};
use alloc::borrow::Cow;
use frame_support::traits::{Get, OriginTrait};
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use sp_runtime::{str_array, Perbill};

/// The number of a track.
pub type TrackId = u16;

/// The tracks of this chain.
pub struct Tracks;

impl Tracks {
	/// Decides on everything.
	pub const ROOT: TrackId = 0;
	/// Decides which version of a model answers.
	pub const MODEL_CURATOR: TrackId = 1;
	/// Takes a harmful version out of use.
	pub const MODEL_GUARDIAN: TrackId = 2;

	/// A track with this chain's periods.
	fn track(
		id: TrackId,
		name: [u8; 25],
		max_deciding: u32,
		decision_deposit: Balance,
		min_approval: Curve,
		min_support: Curve,
	) -> Track<TrackId, Balance, BlockNumber> {
		Track {
			id,
			info: TrackInfo {
				name,
				max_deciding,
				decision_deposit,
				prepare_period: periods::PreparePeriod::get(),
				// The curves divide by these two.
				decision_period: periods::DecisionPeriod::get().max(1),
				confirm_period: periods::ConfirmPeriod::get().max(1),
				min_enactment_period: periods::EnactmentPeriod::get(),
				min_approval,
				min_support,
			},
		}
	}
}

/// Falls over the whole decision period from `ceil` to `floor`, in percent.
fn linear(floor: u32, ceil: u32) -> Curve {
	Curve::LinearDecreasing {
		length: Perbill::one(),
		floor: Perbill::from_percent(floor),
		ceil: Perbill::from_percent(ceil),
	}
}

impl TracksInfo<Balance, BlockNumber> for Tracks {
	type Id = TrackId;
	type RuntimeOrigin = <RuntimeOrigin as OriginTrait>::PalletsOrigin;

	fn tracks() -> impl Iterator<Item = Cow<'static, Track<TrackId, Balance, BlockNumber>>> {
		[
			Self::track(
				Self::ROOT,
				str_array("root"),
				1,
				1_000 * UNIT,
				linear(50, 100),
				linear(1, 50),
			),
			Self::track(
				Self::MODEL_CURATOR,
				str_array("model_curator"),
				20,
				10 * UNIT,
				linear(50, 80),
				linear(0, 10),
			),
			Self::track(
				Self::MODEL_GUARDIAN,
				str_array("model_guardian"),
				20,
				50 * UNIT,
				linear(50, 100),
				linear(1, 20),
			),
		]
		.into_iter()
		.map(Cow::Owned)
	}

	fn track_for(origin: &Self::RuntimeOrigin) -> Result<TrackId, ()> {
		match origin {
			OriginCaller::system(frame_system::RawOrigin::Root) => Ok(Self::ROOT),
			OriginCaller::Origins(Origin::ModelCurator) => Ok(Self::MODEL_CURATOR),
			OriginCaller::Origins(Origin::ModelGuardian) => Ok(Self::MODEL_GUARDIAN),
			_ => Err(()),
		}
	}
}
