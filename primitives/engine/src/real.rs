//! Real numbers in configurations.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// An `f32` that is equal to another one if its bits are: a configuration is compared and hashed.
///
/// It may be infinite or not a number, as bytes from outside may say; whoever computes with it
/// refuses that first.
#[derive(
	Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Real(u32);

impl Real {
	/// The real number of this value.
	pub const fn new(value: f32) -> Self {
		Self(value.to_bits())
	}

	/// Its value.
	pub const fn get(self) -> f32 {
		f32::from_bits(self.0)
	}
}

impl From<f32> for Real {
	fn from(value: f32) -> Self {
		Self::new(value)
	}
}

impl fmt::Debug for Real {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Debug::fmt(&self.get(), f)
	}
}

impl fmt::Display for Real {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Display::fmt(&self.get(), f)
	}
}

#[cfg(feature = "serde")]
impl serde::Serialize for Real {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_f32(self.get())
	}
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Real {
	fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		f32::deserialize(deserializer).map(Self::new)
	}
}
