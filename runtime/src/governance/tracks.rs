//! The tracks of referenda: one for everything, two for models, two for referenda themselves.
//!
//! Three of them prevent harm: they take a version out of use, call off a slash, or end a referendum,
//! and can do nothing else. They have periods of their own, of hours instead of weeks, and in return ask for more
//! approval and a deposit that is high for what they can do. All periods are governed parameters, so
//! that a chain for trying things out decides in seconds.
//!
//! As many referenda of a track are decided at a time that nobody can afford to keep a track busy: on
//! the tracks that end referenda hundreds, on others as many as voters can follow.

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

/// How fast a track is.
#[derive(Clone, Copy)]
enum Pace {
	/// Voters have days to notice and to decide.
	Careful,
	/// Harm is done while they decide.
	Urgent,
}

impl Tracks {
	/// Decides on everything.
	pub const ROOT: TrackId = 0;
	/// Decides which version of a model answers.
	pub const MODEL_CURATOR: TrackId = 1;
	/// Takes a harmful version out of use.
	pub const MODEL_GUARDIAN: TrackId = 2;
	/// Ends a referendum that was a mistake.
	pub const REFERENDUM_CANCELLER: TrackId = 3;
	/// Ends a referendum that was meant to harm, and takes its deposits.
	pub const REFERENDUM_KILLER: TrackId = 4;

	/// A track with this chain's periods.
	fn track(
		id: TrackId,
		name: [u8; 25],
		pace: Pace,
		max_deciding: u32,
		decision_deposit: Balance,
		min_approval: Curve,
		min_support: Curve,
	) -> Track<TrackId, Balance, BlockNumber> {
		let (prepare_period, decision_period, confirm_period, min_enactment_period) = match pace {
			Pace::Careful => (
				periods::PreparePeriod::get(),
				periods::DecisionPeriod::get(),
				periods::ConfirmPeriod::get(),
				periods::EnactmentPeriod::get(),
			),
			Pace::Urgent => (
				periods::UrgentPreparePeriod::get(),
				periods::UrgentDecisionPeriod::get(),
				periods::UrgentConfirmPeriod::get(),
				periods::UrgentEnactmentPeriod::get(),
			),
		};
		Track {
			id,
			info: TrackInfo {
				name,
				max_deciding,
				decision_deposit,
				prepare_period,
				// The curves divide by these two.
				decision_period: decision_period.max(1),
				confirm_period: confirm_period.max(1),
				min_enactment_period,
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
				Pace::Careful,
				10,
				1_000 * UNIT,
				linear(50, 100),
				linear(1, 50),
			),
			Self::track(
				Self::MODEL_CURATOR,
				str_array("model_curator"),
				Pace::Careful,
				20,
				10 * UNIT,
				linear(50, 80),
				linear(1, 10),
			),
			Self::track(
				Self::MODEL_GUARDIAN,
				str_array("model_guardian"),
				Pace::Urgent,
				50,
				500 * UNIT,
				linear(75, 95),
				linear(1, 10),
			),
			Self::track(
				Self::REFERENDUM_CANCELLER,
				str_array("referendum_canceller"),
				Pace::Urgent,
				500,
				100 * UNIT,
				linear(60, 90),
				linear(1, 10),
			),
			Self::track(
				Self::REFERENDUM_KILLER,
				str_array("referendum_killer"),
				Pace::Urgent,
				500,
				500 * UNIT,
				linear(75, 95),
				linear(1, 10),
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
			OriginCaller::Origins(Origin::ReferendumCanceller) => Ok(Self::REFERENDUM_CANCELLER),
			OriginCaller::Origins(Origin::ReferendumKiller) => Ok(Self::REFERENDUM_KILLER),
			_ => Err(()),
		}
	}
}
