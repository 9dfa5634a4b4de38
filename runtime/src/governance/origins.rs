//! Origins that only a referendum on the track of the same name can speak with.

/// The origins, and what a genesis can choose.
#[frame_support::pallet]
pub mod pallet_origins {
	use alloc::vec::Vec;
	use frame_support::pallet_prelude::*;

	/// Sets governed parameters.
	pub trait AtGenesis<AccountId> {
		/// Sets who may suspend a version at once.
		fn guardians(accounts: Vec<AccountId>);
		/// Sets periods of a few blocks.
		fn short_periods();
		/// Has committees drawn without a relay chain.
		fn draw_from_parent_hash();
	}

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Does what the genesis asks for.
		type AtGenesis: AtGenesis<Self::AccountId>;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// Who a referendum speaks as.
	#[pallet::origin]
	#[derive(
		Clone,
		Copy,
		PartialEq,
		Eq,
		Debug,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
	)]
	pub enum Origin {
		/// Decides which version of a model answers.
		#[codec(index = 0)]
		ModelCurator,
		/// Takes a harmful version out of use.
		#[codec(index = 1)]
		ModelGuardian,
		/// Ends a referendum, and gives its deposits back.
		#[codec(index = 2)]
		ReferendumCanceller,
		/// Ends a referendum, and takes its deposits.
		#[codec(index = 3)]
		ReferendumKiller,
	}

	/// What kind of chain it is.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Whether the governed periods start with values of a few blocks, so that one Wasm serves
		/// a public chain and one for trying things out.
		pub short_periods: bool,
		/// Whether committees are drawn from the hash of the parent block. Its author could have
		/// chosen it: only for a chain without a real relay chain.
		pub draw_from_parent_hash: bool,
		/// The accounts that may suspend a version at once, at most 16.
		pub guardians: Vec<T::AccountId>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if self.short_periods {
				T::AtGenesis::short_periods();
			}
			if !self.guardians.is_empty() {
				T::AtGenesis::guardians(self.guardians.clone());
			}
			if self.draw_from_parent_hash {
				T::AtGenesis::draw_from_parent_hash();
			}
		}
	}
}

pub use pallet_origins::Origin;

macro_rules! ensure_origin {
	($(#[$doc:meta])* $name:ident, $variant:ident) => {
		$(#[$doc])*
		pub struct $name;

		impl<O> frame_support::traits::EnsureOrigin<O> for $name
		where
			O: Into<Result<Origin, O>> + From<Origin>,
		{
			type Success = ();

			fn try_origin(outer: O) -> Result<(), O> {
				match outer.into() {
					Ok(Origin::$variant) => Ok(()),
					Ok(other) => Err(O::from(other)),
					Err(outer) => Err(outer),
				}
			}

			#[cfg(feature = "runtime-benchmarks")]
			fn try_successful_origin() -> Result<O, ()> {
				Ok(O::from(Origin::$variant))
			}
		}
	};
}

ensure_origin!(
	/// Passes the origin of the `model_curator` track.
	EnsureModelCurator,
	ModelCurator
);
ensure_origin!(
	/// Passes the origin of the `model_guardian` track.
	EnsureModelGuardian,
	ModelGuardian
);
ensure_origin!(
	/// Passes the origin of the `referendum_canceller` track.
	EnsureReferendumCanceller,
	ReferendumCanceller
);
ensure_origin!(
	/// Passes the origin of the `referendum_killer` track.
	EnsureReferendumKiller,
	ReferendumKiller
);
