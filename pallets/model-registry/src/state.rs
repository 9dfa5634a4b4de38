//! What a version can become.

use crate::{Config, Error, Reason, StateOf};
use dodona_primitives_models::{Live, VersionState::*};
use frame_system::pallet_prelude::BlockNumberFor;

/// What is done to a version.
pub(crate) enum Step<BlockNumber> {
	Approve,
	Activate,
	Deprecate,
	Suspend { reason: Reason },
	Lift { has_active: bool },
	Revoke { reason: Reason, at: BlockNumber },
}

/// The state that a step leads to.
pub(crate) fn next<T: Config>(
	state: StateOf<T>,
	step: Step<BlockNumberFor<T>>,
) -> Result<StateOf<T>, Error<T>> {
	match (step, state) {
		(Step::Approve, Proposed) => Ok(Approved),
		(Step::Approve, Approved | Active | Deprecated | Suspended { .. } | Revoked { .. }) => {
			Err(Error::NotProposed)
		},
		(Step::Activate, Approved | Deprecated) => Ok(Active),
		(Step::Activate, Proposed | Active | Suspended { .. } | Revoked { .. }) => {
			Err(Error::NotActivatable)
		},
		(Step::Deprecate, Active) => Ok(Deprecated),
		(Step::Deprecate, Proposed | Approved | Deprecated | Suspended { .. } | Revoked { .. }) => {
			Err(Error::NotActive)
		},
		(Step::Suspend { reason }, Approved) => Ok(Suspended { was: Live::Approved, reason }),
		(Step::Suspend { reason }, Active) => Ok(Suspended { was: Live::Active, reason }),
		(Step::Suspend { reason }, Deprecated) => Ok(Suspended { was: Live::Deprecated, reason }),
		(Step::Suspend { .. }, Proposed | Suspended { .. } | Revoked { .. }) => {
			Err(Error::NotSuspendable)
		},
		(Step::Lift { has_active }, Suspended { was, .. }) => Ok(match was {
			Live::Approved => Approved,
			Live::Active if !has_active => Active,
			Live::Active | Live::Deprecated => Deprecated,
		}),
		(Step::Lift { .. }, Proposed | Approved | Active | Deprecated | Revoked { .. }) => {
			Err(Error::NotSuspended)
		},
		(
			Step::Revoke { reason, at },
			Proposed | Approved | Active | Deprecated | Suspended { .. },
		) => Ok(Revoked { reason, at }),
		(Step::Revoke { .. }, Revoked { .. }) => Err(Error::AlreadyRevoked),
	}
}
