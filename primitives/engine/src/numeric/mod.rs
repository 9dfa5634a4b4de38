//! The arithmetic that an answer is defined by, one module for each numeric class.

pub mod attention;
pub mod f32;
mod kernel;
mod lanes;
pub mod math;
pub mod matrix;
pub mod q8;
pub(crate) mod threads;
mod tiles;

pub use kernel::Kernel;
pub use threads::enter;

use burn::tensor::Device;

/// The device that everything runs on: the only place that names one.
///
/// burn's default device depends on what else is compiled in, and on the environment.
#[allow(deprecated)]
pub fn device() -> Device {
	Device::ndarray()
}
