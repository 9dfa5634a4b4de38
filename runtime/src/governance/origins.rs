//! Origins that only a referendum on the track of the same name can speak with.

/// The origins, and the choice of a chain's pace at its genesis.
#[frame_support::pallet]
pub mod pallet_origins {
	use frame_support::pallet_prelude::*;

	/// Sets the governed periods that suit a chain for trying things out.
	pub trait ShortPeriods {
		/// Sets them.
		fn apply();
	}

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The periods of a chain that was started with `short_periods`.
		type ShortPeriods: ShortPeriods;
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
	}

	/// The pace of the chain.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Whether the governed periods start with values of a few blocks, so that one Wasm serves
		/// a public chain and one for trying things out.
		pub short_periods: bool,
		#[serde(skip)]
		/// Ties the configuration to its runtime.
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if self.short_periods {
				T::ShortPeriods::apply();
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
