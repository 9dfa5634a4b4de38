//! The windows of an image whose values lie place by place: for convolutions and for pools.

use crate::{
	architecture::cnn::Shape,
	numeric::math,
	trace::{
		layout::{float_at, float_span, narrow, span},
		machine::{Machine, Stop},
		product::Product,
		program::Cost,
	},
};
use alloc::{vec, vec::Vec};

/// Most pages that windows' lines are in that one step reads.
const PAGES: u32 = 128;
/// Most lines that one step reads: each is a range of its own.
const LINES: u64 = 32;
/// Values of windows or of results that one step has to do with, unless one window has more.
const VALUES: u64 = 4 * 1024;
/// Most windows of a step whose results are not one range.
const APART: u64 = 16;
/// Most values of a line of one window that a pool reads.
const LINE: u64 = 32 * 1024;

/// Windows of an image, in groups of neighbours in a row.
pub(super) struct Windows {
	size: u64,
	stride: u64,
	padding: u64,
	channels: u64,
	height: u64,
	width: u64,
	/// How many there are in a column and in a row.
	rows: u64,
	columns: u64,
	/// Windows of a group.
	pub places: u64,
	/// Lines of a window that one step takes. All, unless a group is one window.
	lines: u64,
	/// Whether windows are read where they are: each is one place.
	direct: bool,
}

/// Some windows.
pub(super) struct Group {
	row: u64,
	column: u64,
	pub count: u64,
}

impl Windows {
	/// Those that make the image `after` of `before`.
	pub fn of(before: Shape, after: Shape, size: u32, stride: u32, padding: u32) -> Self {
		let sides = |shape: Shape| match shape {
			Shape::Image { channels, height, width } => [channels, height, width].map(u64::from),
			Shape::Row(values) => [values.into(), 1, 1],
		};
		let [channels, height, width] = sides(before);
		let [_, rows, columns] = sides(after);
		let [size, stride, padding] = [size, stride, padding].map(u64::from);
		let line = float_span(size.saturating_mul(channels)).max(1);
		let lines = u64::from(PAGES / line).min(LINES).clamp(1, size.max(1));
		let direct = false;
		let places = 1;
		Self {
			size,
			stride,
			padding,
			channels,
			height,
			width,
			rows,
			columns,
			places,
			lines,
			direct,
		}
	}

	/// In groups for a product, which needs windows value by value.
	pub fn for_product(mut self, product: &Product) -> Self {
		let one = self.size == 1 && self.padding == 0;
		self.direct = one && (self.stride == 1 || self.len() > VALUES);
		let mut most = VALUES / self.len().max(product.outputs()).max(1);
		if product.tiles() > 1 {
			most = most.min(APART);
		}
		self.group_by(most);
		if self.direct && self.stride != 1 {
			self.places = 1;
		}
		self
	}

	/// Takes up to `most` neighbours together, as long as their lines fit into a step.
	fn group_by(&mut self, most: u64) {
		let mut places = most.clamp(1, self.columns.max(1));
		while places > 1 && (self.lines < self.size || self.line_pages(places) > PAGES) {
			places /= 2;
		}
		self.places = places;
	}

	/// Pages of the lines that one step reads for so many neighbours.
	fn line_pages(&self, places: u64) -> u32 {
		let line = self.across(places).saturating_mul(self.channels);
		float_span(line).saturating_mul(narrow(self.lines))
	}

	/// Places of a line of so many neighbours.
	fn across(&self, count: u64) -> u64 {
		count.saturating_sub(1).saturating_mul(self.stride).saturating_add(self.size)
	}

	fn area(&self) -> u64 {
		self.size.saturating_mul(self.size)
	}

	/// Values of a window.
	pub fn len(&self) -> u64 {
		self.area().saturating_mul(self.channels)
	}

	/// Steps that bring the windows of a group value by value.
	pub fn parts(&self) -> u64 {
		match self.direct {
			true => 0,
			false => self.size.div_ceil(self.lines),
		}
	}

	fn groups_of_row(&self) -> u64 {
		self.columns.div_ceil(self.places).max(1)
	}

	pub fn groups(&self) -> u64 {
		self.rows.saturating_mul(self.groups_of_row())
	}

	pub fn group(&self, number: u64) -> Group {
		let of_row = self.groups_of_row();
		let column = (number % of_row).saturating_mul(self.places);
		let count = self.columns.saturating_sub(column).min(self.places);
		Group { row: number / of_row, column, count }
	}

	/// The number of a group's first window.
	pub fn number(&self, group: &Group) -> u64 {
		group.row.saturating_mul(self.columns).saturating_add(group.column)
	}

	/// Where the first value of a group is, if there is nothing around the image at `from`.
	pub fn place(&self, from: u64, group: &Group) -> u64 {
		let (y, x) =
			(group.row.saturating_mul(self.stride), group.column.saturating_mul(self.stride));
		let place = y.saturating_mul(self.width).saturating_add(x);
		float_at(from, place.saturating_mul(self.channels))
	}

	/// Line `line` of the windows of a group, without gaps: place by place `count` channels from
	/// `first` on. What is outside of the image is zeros.
	fn line(
		&self,
		machine: &mut Machine<'_>,
		from: u64,
		group: &Group,
		line: u64,
		(first, count): (u64, u64),
	) -> Result<Vec<f32>, Stop> {
		let across = self.across(group.count);
		let mut values = vec![0.0; size(across.saturating_mul(count))?];
		// In coordinates that count the padding.
		let left = group.column.saturating_mul(self.stride);
		let y = group.row.saturating_mul(self.stride).saturating_add(line);
		let Some(y) = y.checked_sub(self.padding).filter(|y| *y < self.height) else {
			return Ok(values);
		};
		let start = left.max(self.padding);
		let end = left.saturating_add(across).min(self.padding.saturating_add(self.width));
		let inside = end.saturating_sub(start);
		let outside = size(start.saturating_sub(left).saturating_mul(count))?;
		let place = y.saturating_mul(self.width).saturating_add(start.saturating_sub(self.padding));
		let at = float_at(from, place.saturating_mul(self.channels));
		let rest = values.get_mut(outside..).unwrap_or_default();
		if count == self.channels {
			let read = machine.floats(at, inside.saturating_mul(count))?;
			rest.iter_mut().zip(read).for_each(|(place, value)| *place = value);
			return Ok(values);
		}
		for (place, values) in (0..inside).zip(rest.chunks_exact_mut(size(count)?.max(1))) {
			let first = place.saturating_mul(self.channels).saturating_add(first);
			values.copy_from_slice(&machine.floats(float_at(at, first), count)?);
		}
		Ok(values)
	}

	/// Lines of the windows of a group to `to`: window by window and channel by channel, each from left
	/// to right and then down.
	pub fn gather(
		&self,
		machine: &mut Machine<'_>,
		from: u64,
		to: u64,
		tile: u64,
	) -> Result<(), Stop> {
		let parts = self.parts().max(1);
		let group = self.group(tile / parts);
		let first = (tile % parts).saturating_mul(self.lines);
		let lines = self.size.saturating_sub(first).min(self.lines);
		let (side, channels) = (size(self.size)?, size(self.channels)?);
		let stride = size(self.stride.saturating_mul(self.channels))?;
		// Values of a channel that come together.
		let run = size(lines)?.saturating_mul(side).max(1);
		let window = run.saturating_mul(channels).max(1);
		let mut out = vec![0.0; size(group.count)?.saturating_mul(window)];
		for line in 0..lines {
			let all = (0, self.channels);
			let values = self.line(machine, from, &group, first.saturating_add(line), all)?;
			let skipped = size(line)?.saturating_mul(side);
			for (number, window) in out.chunks_exact_mut(window).enumerate() {
				let values = values.get(number.saturating_mul(stride)..).unwrap_or_default();
				for (channel, run) in window.chunks_exact_mut(run).enumerate() {
					let values = values.iter().skip(channel).step_by(channels.max(1));
					let places = run.iter_mut().skip(skipped).take(side);
					places.zip(values).for_each(|(place, value)| *place = *value);
				}
			}
		}
		if parts == 1 {
			return machine.put_floats(to, &out);
		}
		for (channel, run) in (0u64..).zip(out.chunks_exact(run)) {
			let at = channel
				.saturating_mul(self.area())
				.saturating_add(first.saturating_mul(self.size));
			machine.put_floats(float_at(to, at), run)?;
		}
		Ok(())
	}

	pub fn patches_cost(&self) -> Cost {
		let values = self.places.saturating_mul(self.len());
		let pages = self.line_pages(self.places).saturating_add(float_span(values));
		Cost { pages, work: values.saturating_mul(4) }
	}
}

/// The greatest or the mean of each channel of windows.
pub(super) struct Pool {
	pub windows: Windows,
	mean: bool,
	/// Channels that one step takes.
	channels: u64,
}

/// What is known of a channel of a window from some of its values.
struct Seen {
	/// The sum, or the greatest.
	values: Vec<f32>,
	/// Which one the greatest is.
	places: Vec<f32>,
}

impl Pool {
	pub fn new(mut windows: Windows, mean: bool) -> Self {
		let channels = match windows.size.saturating_mul(windows.channels) <= LINE {
			true => windows.channels,
			false => LINE / windows.size.max(1),
		};
		if channels == windows.channels {
			windows.group_by(VALUES / channels.max(1));
		}
		Self { windows, mean, channels: channels.max(1) }
	}

	fn channel_parts(&self) -> u64 {
		self.windows.channels.div_ceil(self.channels)
	}

	/// Steps of a group.
	pub fn tiles(&self) -> u64 {
		self.windows.parts().saturating_mul(self.channel_parts())
	}

	/// Floats of what is known of windows that are not complete.
	pub fn scratch(&self) -> u64 {
		match self.windows.parts() {
			1 => 0,
			_ => self.channels.saturating_mul(2),
		}
	}

	pub fn run(
		&self,
		machine: &mut Machine<'_>,
		(from, to): (u64, u64),
		scratch: u64,
		tile: u64,
	) -> Result<(), Stop> {
		let windows = &self.windows;
		let parts = windows.parts().max(1);
		let (tile, part) = (tile / parts, tile % parts);
		let channel_parts = self.channel_parts().max(1);
		let group = windows.group(tile / channel_parts);
		let first_channel = (tile % channel_parts).saturating_mul(self.channels);
		let channels = windows.channels.saturating_sub(first_channel).min(self.channels);
		let count = group.count.saturating_mul(channels);
		let places = float_at(scratch, self.channels);

		let mut seen = match part {
			0 => self.nothing(size(count)?),
			_ => Seen {
				values: machine.floats(scratch, count)?,
				places: if self.mean { Vec::new() } else { machine.floats(places, count)? },
			},
		};
		let first = part.saturating_mul(windows.lines);
		let end = first.saturating_add(windows.lines).min(windows.size);
		for line in first..end {
			let values = windows.line(machine, from, &group, line, (first_channel, channels))?;
			self.add(&mut seen, &values, line, size(channels)?);
		}
		if end < windows.size {
			machine.put_floats(scratch, &seen.values)?;
			return match self.mean {
				true => Ok(()),
				false => machine.put_floats(places, &seen.places),
			};
		}
		if self.mean {
			let area = windows.area() as f32;
			seen.values.iter_mut().for_each(|value| *value /= area);
		}
		let place = windows.number(&group).saturating_mul(windows.channels);
		machine.put_floats(float_at(to, place.saturating_add(first_channel)), &seen.values)
	}

	fn nothing(&self, count: usize) -> Seen {
		match self.mean {
			true => Seen { values: vec![0.0; count], places: Vec::new() },
			false => Seen { values: vec![f32::NEG_INFINITY; count], places: vec![0.0; count] },
		}
	}

	/// Adds a line of some windows.
	fn add(&self, seen: &mut Seen, values: &[f32], line: u64, channels: usize) {
		let windows = &self.windows;
		let stride = (windows.stride as usize).saturating_mul(channels);
		let width = channels.max(1);
		for (number, known) in seen.values.chunks_mut(width).enumerate() {
			let places = seen.places.get_mut(number.saturating_mul(width)..).unwrap_or_default();
			let values = values.get(number.saturating_mul(stride)..).unwrap_or_default();
			for (x, values) in (0..windows.size).zip(values.chunks_exact(width)) {
				if self.mean {
					math::add(known, values);
					continue;
				}
				let place = line.saturating_mul(windows.size).saturating_add(x);
				let order = order(place, windows.area());
				for ((most, at), value) in known.iter_mut().zip(places.iter_mut()).zip(values) {
					if *value > *most || (*value == *most && order < *at) {
						(*most, *at) = (*value, order);
					}
				}
			}
		}
	}

	pub fn cost(&self) -> Cost {
		let windows = &self.windows;
		let count = self.channels.saturating_mul(windows.places);
		let read = match self.channels == windows.channels {
			true => windows.line_pages(windows.places),
			false => {
				let ranges = narrow(windows.size.saturating_mul(windows.lines));
				float_span(self.channels).saturating_mul(ranges)
			},
		};
		let pages = float_span(count).saturating_add(span(self.scratch().saturating_mul(4)));
		let values = count.saturating_mul(windows.size).saturating_mul(windows.lines);
		Cost { pages: read.saturating_add(pages), work: values.saturating_mul(4) }
	}
}

/// Values of which each is compared with those that come so many after it, before they are
/// compared with each other: see [`math::maximum`].
const LANES: u64 = 16;

/// When value number `place` of `count` is compared. Of two zeros with different signs, the one
/// that was compared first is the greatest. Exact: a window has no more than 2¹⁶ values.
fn order(place: u64, count: u64) -> f32 {
	let chunks = count / LANES;
	let order = match place < chunks.saturating_mul(LANES) {
		true => (place % LANES).saturating_mul(chunks).saturating_add(place / LANES),
		false => place,
	};
	order as f32
}

fn size(count: u64) -> Result<usize, Stop> {
	usize::try_from(count).map_err(|_| Stop::Fault)
}

#[cfg(test)]
mod tests {
	use super::{order, size, Pool, Windows};
	use crate::{architecture::cnn::Shape, golden::random::Random, numeric::math};

	#[test]
	fn greatest_should_be_the_first_compared_when_values_are_equal() {
		let mut random = Random::new(7);
		for side in (1..24).chain([40, 256]) {
			for _ in 0..20 {
				let image = Shape::Image { channels: 1, height: side, width: side };
				let one = Shape::Image { channels: 1, height: 1, width: 1 };
				let pool = Pool::new(Windows::of(image, one, side, 1, 0), false);
				// Few other values, so that zeros are often the greatest.
				let count = size((side * side).into()).ok().unwrap();
				let values: Vec<f32> =
					(0..count).map(|_| random.one_of(&[0.0, -0.0, -0.0, -1.0])).collect();
				let mut seen = pool.nothing(1);
				for (line, values) in (0..).zip(values.chunks(side as usize)) {
					pool.add(&mut seen, values, line, 1);
				}
				let expected = math::maximum(&values).to_bits();
				assert_eq!(seen.values[0].to_bits(), expected, "{side}: {values:?}");
			}
		}
	}

	#[test]
	fn values_should_have_an_order_each() {
		for count in [1u64, 15, 16, 17, 100, 65_536] {
			let mut all: Vec<f32> = (0..count).map(|place| order(place, count)).collect();
			all.sort_by(f32::total_cmp);
			assert!(all.iter().enumerate().all(|(at, order)| at as f32 == *order), "{count}");
		}
	}
}
