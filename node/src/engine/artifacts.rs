//! Artifacts on disk: fetched chunk by chunk, and checked again wherever they are read.

use super::{
	error::{Stop, Unavailable},
	link::Node,
	metrics::Metrics,
};
use dodona_engine::{
	trace::{self, Blake},
	EngineError, Source,
};
use dodona_primitives_inference::Job;
use dodona_primitives_models::{chunk_hash, ArtifactRef, CHUNK_SIZE};
use sp_core::H256;
use std::{
	cell::RefCell,
	collections::{BTreeMap, HashMap},
	fmt::Display,
	fs::{self, File, OpenOptions},
	io,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
	sync::Arc,
	time::SystemTime,
};
use tokio::{sync::Mutex, task};

/// Artifacts whose pages' root is remembered.
const MOST_PAGES: usize = 1024;

/// The artifacts' files: for each `<root>` with its bytes, or `<root>.part` while some are missing,
/// and `<root>.index` with the hashes of its chunks.
pub struct Artifacts {
	folder: PathBuf,
	/// Most bytes on disk.
	limit: u64,
	node: Arc<Node>,
	metrics: Metrics,
	/// One download at a time.
	turn: Mutex<()>,
	/// By the artifact's root, the root over its pages.
	pages: parking_lot::Mutex<HashMap<H256, H256>>,
}

impl Artifacts {
	/// Those in `folder`, which is made.
	pub fn new(
		folder: PathBuf,
		limit: u64,
		node: Arc<Node>,
		metrics: Metrics,
	) -> io::Result<Arc<Self>> {
		fs::create_dir_all(&folder)?;
		let (turn, pages) = (Mutex::new(()), Default::default());
		Ok(Arc::new(Self { folder, limit, node, metrics, turn, pages }))
	}

	/// Refuses weights with which no dispute over an answer to `job` could be decided: then nobody
	/// should give one.
	pub fn admit(&self, job: &Job, weights: &Weights) -> Result<(), Stop> {
		let root = job.artifact.root;
		let known = self.pages.lock().get(&root).copied();
		let pages = match known {
			Some(pages) => pages,
			None => {
				let pages = weights.pages()?;
				let mut all = self.pages.lock();
				if all.len() >= MOST_PAGES {
					all.clear();
				}
				all.insert(root, pages);
				pages
			},
		};
		if pages != job.pages {
			return Err(Stop::OtherPages);
		}
		Ok(trace::check_from(&job.architecture, weights)?)
	}

	/// The artifact, with what is missing fetched. With `repair`, chunks on disk that are not what
	/// they should be are missing, too; without it, only reading shows them.
	pub async fn fetch(
		&self,
		artifact: &ArtifactRef,
		repair: bool,
	) -> Result<Weights, Unavailable> {
		let ArtifactRef { size, .. } = *artifact;
		if !artifact.is_well_formed() {
			return Err(Unavailable::MalformedReference);
		}
		if size > self.limit {
			return Err(Unavailable::TooLargeForCache { needed: size, limit: self.limit });
		}
		if let Some(weights) = self.complete(artifact).filter(|_| !repair) {
			return Ok(weights);
		}
		let _turn = self.turn.lock().await;
		// Perhaps another job was waited for that wanted the same.
		if let Some(weights) = self.complete(artifact).filter(|_| !repair) {
			return Ok(weights);
		}
		let [whole, part] = ["", ".part"].map(|end| self.path(artifact, end));
		self.make_room(artifact).map_err(disk(&self.folder))?;
		let hashes = self.index(artifact).await?;
		if whole.exists() {
			fs::rename(&whole, &part).map_err(disk(&whole))?;
		}
		let mut options = OpenOptions::new();
		options.read(true).write(true).create(true).truncate(false);
		let file = options.open(&part).map_err(disk(&part))?;
		let weights = Weights::new(file, *artifact, hashes);
		let (weights, missing) = task::spawn_blocking(move || {
			let missing = weights.missing();
			(weights, missing)
		})
		.await
		.map_err(|_| Unavailable::Crashed)?;
		for (number, hash) in missing {
			if weights.is_there(number) {
				self.metrics.corrupt_chunks.inc();
				log::warn!("chunk {number} of {} is corrupt: fetching it again", part.display());
			}
			let bytes = self.node.chunk(hash).await?;
			if bytes.len() != weights.len_of(number) {
				return Err(Unavailable::WrongChunkLength(hash));
			}
			weights.file.write_all_at(&bytes, start_of(number)).map_err(disk(&part))?;
		}
		weights.file.set_len(size).map_err(disk(&part))?;
		fs::rename(&part, &whole).map_err(disk(&whole))?;
		Ok(weights)
	}

	/// The artifact, if its file and its index are here.
	fn complete(&self, artifact: &ArtifactRef) -> Option<Weights> {
		let index = fs::read(self.path(artifact, ".index")).ok()?;
		let hashes = artifact.open_index(&index)?;
		let path = self.path(artifact, "");
		let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
		if file.metadata().ok()?.len() != artifact.size {
			return None;
		}
		// What was used last is what is kept. Without the mark, it is only fetched again earlier.
		let _ = file.set_modified(SystemTime::now());
		Some(Weights::new(file, *artifact, hashes))
	}

	/// The hashes of the artifact's chunks.
	async fn index(&self, artifact: &ArtifactRef) -> Result<Vec<H256>, Unavailable> {
		let path = self.path(artifact, ".index");
		let here = fs::read(&path).ok();
		if let Some(hashes) = here.and_then(|index| artifact.open_index(&index)) {
			return Ok(hashes);
		}
		let index = self.node.chunk(artifact.index).await?;
		let hashes = artifact.open_index(&index).ok_or(Unavailable::CorruptIndex)?;
		fs::write(&path, &index).map_err(disk(&path))?;
		Ok(hashes)
	}

	fn path(&self, artifact: &ArtifactRef, end: &str) -> PathBuf {
		self.folder.join(format!("{}{end}", hex::encode(artifact.root)))
	}

	/// Removes what was not used for the longest time until `artifact` fits.
	fn make_room(&self, artifact: &ArtifactRef) -> io::Result<()> {
		let own = hex::encode(artifact.root);
		// By root: when it was used last, and how many bytes it takes.
		let mut others: BTreeMap<String, (SystemTime, u64, Vec<PathBuf>)> = BTreeMap::new();
		for entry in fs::read_dir(&self.folder)? {
			let entry = entry?;
			let name = entry.file_name();
			let Some(root) = name.to_str().and_then(root_of).filter(|root| *root != own) else {
				continue;
			};
			let metadata = entry.metadata()?;
			let (used, bytes, paths) =
				others.entry(root.into()).or_insert((SystemTime::UNIX_EPOCH, 0, Vec::new()));
			*used = metadata.modified()?.max(*used);
			*bytes = bytes.saturating_add(metadata.len());
			paths.push(entry.path());
		}
		let mut others: Vec<_> = others.into_values().collect();
		others.sort_by_key(|(used, ..)| *used);
		let mut total =
			others.iter().fold(artifact.size, |sum, (_, len, _)| sum.saturating_add(*len));
		for (_, bytes, paths) in others {
			if total <= self.limit {
				break;
			}
			for path in paths {
				log::info!("removing {} to make room", path.display());
				fs::remove_file(path)?;
			}
			total = total.saturating_sub(bytes);
		}
		Ok(())
	}
}

/// The root that a file of the cache is named by. Other files are nobody's business.
fn root_of(name: &str) -> Option<&str> {
	let (root, end) = name.split_at_checked(64)?;
	let is_root = root.bytes().all(|byte| byte.is_ascii_hexdigit());
	(is_root && ["", ".part", ".index"].contains(&end)).then_some(root)
}

/// What an error of the operating system is here.
fn disk(path: &Path) -> impl Fn(io::Error) -> Unavailable + '_ {
	move |error: io::Error| {
		let (path, error): (_, &dyn Display) = (path.display(), &error);
		Unavailable::Disk(format!("{path}: {error}"))
	}
}

/// An artifact's bytes, read from disk. A chunk is compared with its hash whenever it is read: what a
/// disk has made of it since it was written never gets into a model.
pub struct Weights {
	file: File,
	artifact: ArtifactRef,
	hashes: Vec<H256>,
	/// The chunk that was read last.
	last: RefCell<Option<(usize, Vec<u8>)>>,
}

impl Weights {
	fn new(file: File, artifact: ArtifactRef, hashes: Vec<H256>) -> Self {
		Self { file, artifact, hashes, last: RefCell::new(None) }
	}

	/// The chunks that are not there, or not what they should be.
	fn missing(&self) -> Vec<(usize, H256)> {
		let numbered = self.hashes.iter().copied().enumerate();
		numbered.filter(|(number, _)| self.chunk(*number).is_none()).collect()
	}

	/// A chunk, if it is there as it should be.
	fn chunk(&self, number: usize) -> Option<Vec<u8>> {
		let mut bytes = vec![0; self.len_of(number)];
		self.file.read_exact_at(&mut bytes, start_of(number)).ok()?;
		(Some(&chunk_hash(&bytes)) == self.hashes.get(number)).then_some(bytes)
	}

	/// The root over all pages.
	fn pages(&self) -> Result<H256, EngineError> {
		let chunk = |number| self.chunk(number).ok_or(EngineError::ReadFailed);
		let root = |bytes: Vec<u8>| trace::pages_root::<Blake>(&bytes);
		let numbers = 0..self.hashes.len();
		let roots = numbers.map(|number| chunk(number).map(root)).collect::<Result<Vec<_>, _>>()?;
		Ok(H256(trace::fold::<Blake>(&roots)))
	}

	/// All bytes.
	pub fn read(&self) -> Result<Vec<u8>, EngineError> {
		let mut bytes = Vec::new();
		let len = usize::try_from(self.artifact.size).map_err(|_| EngineError::OutOfMemory)?;
		bytes.try_reserve_exact(len).map_err(|_| EngineError::OutOfMemory)?;
		for number in 0..self.hashes.len() {
			bytes.extend(self.chunk(number).ok_or(EngineError::ReadFailed)?);
		}
		Ok(bytes)
	}

	/// Whether the file has something in the chunk's place.
	fn is_there(&self, number: usize) -> bool {
		let end = start_of(number).saturating_add(self.len_of(number) as u64);
		self.file.metadata().is_ok_and(|metadata| metadata.len() >= end)
	}

	/// The length of a chunk; 0 if there is none of this number.
	fn len_of(&self, number: usize) -> usize {
		let len = u32::try_from(number).ok().and_then(|number| self.artifact.chunk_len(number));
		len.unwrap_or_default() as usize
	}
}

/// Where a chunk begins.
fn start_of(number: usize) -> u64 {
	(number as u64).saturating_mul(CHUNK_SIZE.into())
}

impl Source for Weights {
	fn len(&self) -> u64 {
		self.artifact.size
	}

	fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), EngineError> {
		let (mut offset, mut rest) = (offset, buf);
		while !rest.is_empty() {
			let number = usize::try_from(offset / u64::from(CHUNK_SIZE));
			let number = number.map_err(|_| EngineError::ReadFailed)?;
			let mut last = self.last.borrow_mut();
			if last.as_ref().is_none_or(|(known, _)| *known != number) {
				*last = self.chunk(number).map(|bytes| (number, bytes));
			}
			let (_, bytes) = last.as_ref().ok_or(EngineError::ReadFailed)?;
			let from = (offset % u64::from(CHUNK_SIZE)) as usize;
			let bytes = bytes.get(from..).filter(|bytes| !bytes.is_empty());
			let bytes = bytes.ok_or(EngineError::ReadFailed)?;
			let len = bytes.len().min(rest.len());
			let (part, left) = rest.split_at_mut(len);
			part.copy_from_slice(bytes.get(..len).unwrap_or_default());
			(rest, offset) = (left, offset.saturating_add(len as u64));
		}
		Ok(())
	}
}
