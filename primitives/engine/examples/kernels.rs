//! How fast products and functions of rows are here, next to what the memory gives.
//!
//! `cargo run --release -p dodona-engine --example kernels --features threads`; the number of
//! threads is `RAYON_NUM_THREADS`, and the word `read`, `f32`, `q8` or `maps` runs only that part.

use dodona_engine::numeric::{
	enter, math,
	matrix::{F32Builder, Matrix, Q8Builder},
	Kernel,
};
use std::{
	hint::black_box,
	thread,
	time::{Duration, Instant},
};

/// Inputs and outputs.
const SHAPES: [(usize, usize); 3] = [(576, 1536), (2048, 2048), (2048, 5632)];
const ROWS: [usize; 3] = [1, 4, 64];

/// Seconds that the fastest of many runs takes: others may be using the machine.
fn time(mut run: impl FnMut()) -> f64 {
	let end = Instant::now() + Duration::from_millis(300);
	let mut best = Duration::MAX;
	for round in 0.. {
		if round >= 5 && Instant::now() > end {
			break;
		}
		let start = Instant::now();
		run();
		best = best.min(start.elapsed());
	}
	best.as_secs_f64()
}

/// Values within ±1.
fn values(count: usize) -> Vec<f32> {
	(0..count as u32)
		.map(|at| (at.wrapping_mul(2_654_435_769) >> 8) as f32 / 2f32.powi(23) - 1.0)
		.collect()
}

fn f32_matrix(inputs: usize, outputs: usize) -> Option<Matrix> {
	let mut builder = F32Builder::new(outputs, inputs);
	for row in values(inputs * outputs).chunks_exact(inputs) {
		builder.push_row(row)?;
	}
	builder.finish()
}

fn q8_matrix(inputs: usize, outputs: usize) -> Option<Matrix> {
	let mut builder = Q8Builder::new(outputs, inputs);
	let bytes: Vec<i8> = values(inputs * outputs)
		.into_iter()
		.map(|value| (value * 127.0) as i8)
		.collect();
	for row in bytes.chunks_exact(inputs) {
		builder.push_row(row, 1.0 / 127.0)?;
	}
	builder.finish()
}

fn read(data: &[u64]) -> u64 {
	let mut sums = [0u64; 32];
	for chunk in data.chunks_exact(sums.len()) {
		for (sum, value) in sums.iter_mut().zip(chunk) {
			*sum = sum.wrapping_add(*value);
		}
	}
	sums.into_iter().fold(0, u64::wrapping_add)
}

fn bench_read() {
	let cores = thread::available_parallelism().map_or(1, usize::from);
	for mib in [1, 4, 16, 64, 256] {
		let data = vec![1u64; mib << 17];
		let one = time(|| _ = black_box(read(black_box(&data))));
		let all = time(|| {
			thread::scope(|scope| {
				for part in data.chunks(data.len().div_ceil(cores)) {
					scope.spawn(move || black_box(read(black_box(part))));
				}
			});
		});
		let gigabytes = (mib << 20) as f64 / 1e9;
		println!(
			"read {mib:3} MiB: {:5.1} GB/s with 1 thread, {:5.1} with {cores}",
			gigabytes / one,
			gigabytes / all
		);
	}
}

fn bench_products(class: &str, build: fn(usize, usize) -> Option<Matrix>) {
	for (inputs, outputs) in SHAPES {
		let Some(matrix) = build(inputs, outputs) else { continue };
		for rows in ROWS {
			let x = values(rows * inputs);
			let mut out = vec![0.0; rows * outputs];
			for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
				let seconds = time(|| matrix.product_with(kernel, black_box(&x), &mut out));
				println!(
					"{class:3} {inputs} x {outputs}, rows {rows:2}, {:8}: {:9.1} us, {:5.1} GB/s, \
					 {:6.1} Gflop/s",
					format!("{kernel:?}"),
					seconds * 1e6,
					matrix.bytes() as f64 / seconds / 1e9,
					2.0 * (rows * inputs * outputs) as f64 / seconds / 1e9,
				);
			}
		}
	}
}

fn bench_maps() {
	let maps: [(&str, fn(&mut [f32])); 4] = [
		("softmax", math::softmax),
		("silu", math::silu),
		("gelu_erf", math::gelu_erf),
		("gelu_tanh", math::gelu_tanh),
	];
	let x = values(4096);
	for (name, map) in maps {
		let mut y = x.clone();
		let seconds = time(|| {
			y.copy_from_slice(&x);
			map(black_box(&mut y));
		});
		println!("{name:9}: {:5.2} ns a value", seconds / x.len() as f64 * 1e9);
	}
}

fn main() {
	let only = std::env::args().nth(1);
	let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
	if wanted("read") {
		bench_read();
	}
	enter(|| {
		if wanted("f32") {
			bench_products("f32", f32_matrix);
		}
		if wanted("q8") {
			bench_products("q8", q8_matrix);
		}
		if wanted("maps") {
			bench_maps();
		}
	});
}
