//! Stops a target that takes more memory than it may.

use std::{
	alloc::{GlobalAlloc, Layout, System},
	sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: everything is the system's own.
unsafe impl GlobalAlloc for Counting {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		let now = NOW.fetch_add(layout.size(), Relaxed).saturating_add(layout.size());
		// A panic's own message is not the engine's.
		if now > MOST.load(Relaxed) && !std::thread::panicking() {
			MOST.store(usize::MAX, Relaxed);
			eprintln!("{} bytes more, {now} in all: too much", layout.size());
			std::process::abort();
		}
		unsafe { System.alloc(layout) }
	}

	unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
		NOW.fetch_sub(layout.size(), Relaxed);
		unsafe { System.dealloc(pointer, layout) }
	}
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `job`, which may take `most` bytes.
pub fn within<R>(most: usize, job: impl FnOnce() -> R) -> R {
	MOST.store(NOW.load(Relaxed).saturating_add(most), Relaxed);
	let result = job();
	MOST.store(usize::MAX, Relaxed);
	result
}
