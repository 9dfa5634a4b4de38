//! Lines over two axes, as an SVG file.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 6] = ["#c1432e", "#2e6fc1", "#3d8b4f", "#8a5fb0", "#b08a2e", "#555555"];

/// One line.
pub struct Line {
	/// What it shows.
	pub name: String,
	/// Its points, from left to right.
	pub points: Vec<(f64, f64)>,
	/// Whether it is dashed.
	pub dashed: bool,
}

/// A chart.
pub struct Chart {
	/// What it shows.
	pub title: String,
	/// What is across.
	pub across: String,
	/// What is up.
	pub up: String,
	/// What to multiply values with that are up.
	pub scale: f64,
	/// The lines.
	pub lines: Vec<Line>,
}

impl Chart {
	/// The file.
	pub fn svg(&self) -> String {
		let xs = || self.lines.iter().flat_map(|line| line.points.iter().map(|(x, _)| *x));
		let ys = || {
			self.lines
				.iter()
				.flat_map(|line| line.points.iter().map(|(_, y)| *y * self.scale))
		};
		let (left, right) = (xs().fold(0.0, f64::min), xs().fold(1.0, f64::max));
		let step = step(ys().fold(0.0, f64::max) - ys().fold(0.0, f64::min));
		let low = (ys().fold(0.0, f64::min) / step).floor() * step;
		let high = (ys().fold(0.0, f64::max) / step).ceil().max(low / step + 1.0) * step;
		let x = |value: f64| LEFT + (value - left) / (right - left) * (WIDTH - LEFT - RIGHT);
		let y =
			|value: f64| HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);

		let mut svg = format!(
			"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
			 font-family=\"sans-serif\" font-size=\"12\">\n\
			 <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
			 <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{}</text>\n",
			self.title
		);
		let mut put = |text: String| {
			// A string takes everything.
			let _ = writeln!(svg, "{text}");
		};
		let mut level = low;
		while level <= high + step / 2.0 {
			let at = y(level);
			let colour = if level.abs() < step / 2.0 { "#888888" } else { "#e4e4e4" };
			put(format!(
				"<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{colour}\"/>",
				WIDTH - RIGHT
			));
			put(format!(
				"<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
				LEFT - 8.0,
				at + 4.0,
				(level / step).round() * step
			));
			level += step;
		}
		let mut mark = left;
		while mark <= right {
			put(format!(
				"<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
				x(mark),
				HEIGHT - BOTTOM + 18.0
			));
			mark += 10.0;
		}
		put(format!(
			"<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
			(LEFT + WIDTH - RIGHT) / 2.0,
			HEIGHT - 12.0,
			self.across
		));
		put(format!(
			"<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
			(TOP + HEIGHT - BOTTOM) / 2.0,
			self.up
		));
		for (index, (line, colour)) in self.lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
			let dash = if line.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
			let points: Vec<_> = line
				.points
				.iter()
				.map(|(across, up)| format!("{:.1},{:.1}", x(*across), y(*up * self.scale)))
				.collect();
			put(format!(
				"<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
				points.join(" ")
			));
			let at = TOP + 14.0 + 16.0 * index as f64;
			put(format!(
				"<line x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\" stroke=\"{colour}\" \
				 stroke-width=\"2\"{dash}/>",
				LEFT + 14.0,
				LEFT + 40.0,
				at - 4.0,
				at - 4.0
			));
			put(format!("<text x=\"{}\" y=\"{at}\">{}</text>", LEFT + 46.0, line.name));
		}
		svg + "</svg>\n"
	}
}

/// A round distance of marks, for some five to ten of them.
fn step(span: f64) -> f64 {
	let rough = (span / 6.0).max(1e-9);
	let power = 10f64.powf(rough.log10().floor());
	[1.0, 2.0, 5.0, 10.0]
		.into_iter()
		.map(|factor| factor * power)
		.find(|step| *step >= rough)
		.unwrap_or(power)
}
