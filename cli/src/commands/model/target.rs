//! Files on disk that a folder is rebuilt in, or compared with, chunk by chunk.

use super::listing::{self, Listing, Place, UNFINISHED};
use crate::error::{Error, Result};
use std::{
	collections::BTreeMap,
	fmt::Display,
	fs::{self, File, OpenOptions},
	io::{self, ErrorKind},
	ops::Range,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
};

/// A folder on disk, and which bytes of artifacts belong where in it.
pub struct Target {
	root: PathBuf,
	listing: Listing,
	/// For each file, whether it is there as a whole.
	finished: Vec<bool>,
	/// By place and, in it, by where they begin. They don't overlap.
	segments: BTreeMap<Place, Vec<Segment>>,
}

/// Some bytes of an artifact that are some bytes of a file.
#[derive(Clone, Copy, Debug)]
struct Segment {
	from: u64,
	len: u64,
	file: usize,
	at: u64,
}

impl Segment {
	/// The part of it that is in `range`.
	fn within(mut self, range: &Range<u64>) -> Option<Self> {
		let skipped = range.start.saturating_sub(self.from);
		let end = (self.from + self.len).min(range.end);
		self.from += skipped;
		self.at += skipped;
		self.len = end.checked_sub(self.from).filter(|len| *len > 0)?;
		Some(self)
	}
}

/// How a file on disk is beside the one that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
	Same,
	Differs,
	Missing,
}

impl Target {
	/// The folder `root` with the files of a `listing` that was checked.
	pub fn new(root: &Path, listing: Listing) -> Self {
		let mut segments = BTreeMap::<Place, Vec<Segment>>::new();
		for (file, entry) in listing.files.iter().enumerate() {
			let mut at = 0;
			for part in &entry.parts {
				let (place, from, len) = part.range();
				segments.entry(place).or_default().push(Segment { from, len, file, at });
				at += len;
			}
		}
		segments.values_mut().for_each(|list| list.sort_by_key(|segment| segment.from));
		Self { root: root.into(), finished: vec![false; listing.files.len()], listing, segments }
	}

	/// The files.
	pub fn listing(&self) -> &Listing {
		&self.listing
	}

	/// Makes the folder and its files as far as they are not there. Refuses to touch anything else:
	/// a file of the same name with other bytes, or a link.
	pub fn prepare(&mut self) -> Result<()> {
		fs::create_dir_all(&self.root).map_err(|error| unwritable(&self.root, error))?;
		for (entry, finished) in self.listing.files.iter().zip(&mut self.finished) {
			let path = self.root.join(&entry.path);
			let mut folder = self.root.clone();
			let above = entry.path.rsplit_once('/').map_or("", |(above, _)| above);
			for name in above.split_terminator('/') {
				folder.push(name);
				match fs::create_dir(&folder) {
					Err(error) if error.kind() != ErrorKind::AlreadyExists => {
						return Err(unwritable(&folder, error))
					},
					_ => {},
				}
				if !fs::symlink_metadata(&folder).is_ok_and(|it| it.is_dir()) {
					return Err(in_the_way(&folder, "no folder"));
				}
			}
			match fs::symlink_metadata(&path) {
				Err(error) if error.kind() == ErrorKind::NotFound => {},
				Err(error) => return Err(unwritable(&path, error)),
				Ok(found) if !found.is_file() => return Err(in_the_way(&path, "no file")),
				Ok(found) => {
					let is_same = found.len() == entry.size
						&& listing::hash(&path).map_err(|error| unwritable(&path, error))?.0
							== entry.blake2_256;
					if !is_same {
						return Err(in_the_way(&path, "another file than is fetched"));
					}
					*finished = true;
					continue;
				},
			}
			let part = unfinished(&path);
			if fs::symlink_metadata(&part).is_ok_and(|it| !it.is_file()) {
				return Err(in_the_way(&part, "no file"));
			}
			OpenOptions::new()
				.write(true)
				.create(true)
				.truncate(false)
				.open(&part)
				.and_then(|file| file.set_len(entry.size))
				.map_err(|error| unwritable(&part, error))?;
		}
		Ok(())
	}

	/// What of `range` of `place` belongs to files.
	fn segments(&self, place: Place, range: Range<u64>) -> impl Iterator<Item = Segment> + '_ {
		let list = self.segments.get(&place).map_or(&[][..], |list| list);
		let first = list.partition_point(|segment| segment.from + segment.len <= range.start);
		list.iter()
			.skip(first)
			.take_while({
				let end = range.end;
				move |segment| segment.from < end
			})
			.filter_map(move |segment| segment.within(&range))
	}

	/// Whether a file that is not finished has some of these bytes.
	pub fn wants(&self, place: Place, range: Range<u64>) -> bool {
		self.segments(place, range)
			.any(|segment| self.finished.get(segment.file) == Some(&false))
	}

	/// Whether a file has some of these bytes.
	pub fn covers(&self, place: Place, range: Range<u64>) -> bool {
		self.segments(place, range).next().is_some()
	}

	/// Where a file is now.
	fn path(&self, file: usize) -> io::Result<PathBuf> {
		let entry = self.listing.files.get(file).ok_or(ErrorKind::NotFound)?;
		let path = self.root.join(&entry.path);
		Ok(match self.finished.get(file) {
			Some(true) => path,
			_ => unfinished(&path),
		})
	}

	/// These bytes out of the files, if they are all there.
	pub fn gather(&self, place: Place, range: Range<u64>) -> Option<Vec<u8>> {
		let mut bytes = Vec::new();
		for segment in self.segments(place, range.clone()) {
			let start = bytes.len();
			if segment.from != range.start + start as u64 {
				return None;
			}
			bytes.resize(start + usize::try_from(segment.len).ok()?, 0);
			let file = File::open(self.path(segment.file).ok()?).ok()?;
			file.read_exact_at(&mut bytes[start..], segment.at).ok()?;
		}
		(bytes.len() as u64 == range.end - range.start).then_some(bytes)
	}

	/// Puts `bytes`, which begin at `from` in `place`, into the files that are not finished.
	pub fn scatter(&self, place: Place, from: u64, bytes: &[u8]) -> Result<()> {
		for (segment, slice) in self.slices(place, from, bytes) {
			if self.finished.get(segment.file) == Some(&true) {
				continue;
			}
			let path = self.path(segment.file).map_err(Error::failed)?;
			OpenOptions::new()
				.write(true)
				.open(&path)
				.and_then(|file| file.write_all_at(slice, segment.at))
				.map_err(|error| unwritable(&path, error))?;
		}
		Ok(())
	}

	/// Whether the files have `bytes`, which begin at `from` in `place`, where they belong.
	pub fn has(&self, place: Place, from: u64, bytes: &[u8]) -> bool {
		self.slices(place, from, bytes).all(|(segment, slice)| {
			let mut found = vec![0; slice.len()];
			self.path(segment.file)
				.and_then(File::open)
				.and_then(|file| file.read_exact_at(&mut found, segment.at))
				.is_ok_and(|()| found == slice)
		})
	}

	fn slices<'a>(
		&'a self,
		place: Place,
		from: u64,
		bytes: &'a [u8],
	) -> impl Iterator<Item = (Segment, &'a [u8])> + 'a {
		let end = from.saturating_add(bytes.len() as u64);
		self.segments(place, from..end).filter_map(move |segment| {
			let start = usize::try_from(segment.from - from).ok()?;
			let len = usize::try_from(segment.len).ok()?;
			Some((segment, bytes.get(start..start.checked_add(len)?)?))
		})
	}

	/// Checks the files as wholes, and gives them their names.
	pub fn finish(&mut self) -> Result<()> {
		for (entry, finished) in self.listing.files.iter().zip(&mut self.finished) {
			if *finished {
				continue;
			}
			let path = self.root.join(&entry.path);
			let part = unfinished(&path);
			let (hash, size) = listing::hash(&part).map_err(|error| unwritable(&part, error))?;
			if (hash, size) != (entry.blake2_256, entry.size) {
				return Err(Error::failed(format!(
					"`{}` has other bytes than its publisher says",
					entry.path.escape_debug()
				))
				.because("ListingContradicted")
				.hint("the list of files is wrong, the weights are those of the chain"));
			}
			fs::rename(&part, &path).map_err(|error| unwritable(&path, error))?;
			*finished = true;
		}
		Ok(())
	}

	/// Compares each file on disk, as a whole, with the listed one.
	pub fn compare(&mut self) -> Vec<Comparison> {
		// Files are where they belong, none is unfinished.
		self.finished.fill(true);
		let compare = |entry: &listing::Entry| match listing::hash(&self.root.join(&entry.path)) {
			Err(_) => Comparison::Missing,
			Ok(found) if found == (entry.blake2_256, entry.size) => Comparison::Same,
			Ok(_) => Comparison::Differs,
		};
		self.listing.files.iter().map(compare).collect()
	}
}

fn unfinished(path: &Path) -> PathBuf {
	let mut name = path.as_os_str().to_owned();
	name.push(UNFINISHED);
	name.into()
}

fn unwritable(path: &Path, error: impl Display) -> Error {
	Error::failed(format!("{}: {error}", path.display()))
}

fn in_the_way(path: &Path, what: &str) -> Error {
	Error::usage(format!("{} is {what}", path.display())).hint("fetch into another folder")
}
