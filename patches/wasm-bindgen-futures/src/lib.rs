//! What burn's tree names of this crate, without a browser: nothing that Dodona runs calls it.
#![no_std]

/// Would run `future` on the browser's event loop. There is none: the future is dropped.
pub fn spawn_local<F: core::future::Future<Output = ()> + 'static>(future: F) {
	drop(future);
}
