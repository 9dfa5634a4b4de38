//! Proofs that a chunk is under the root over an artifact's pages.
#![no_main]

use dodona_engine::trace::{
	fold, node_at, pages_depth, pages_root, Blake, Hash, Hasher, CHUNK_DEPTH, PAGE,
};
use dodona_engine_fuzz::Reader;
use libfuzzer_sys::fuzz_target;

const CHUNK: usize = PAGE << CHUNK_DEPTH;

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	let artifact = artifact(&mut reader);
	let depth = pages_depth(artifact.len() as u64);
	let tree = tree(&artifact, depth);
	let root = tree[depth as usize][0];
	assert_eq!(pages_root::<Blake>(&artifact), root);

	let chunks = &tree[CHUNK_DEPTH as usize];
	for (chunk, expected) in artifact.chunks(CHUNK).zip(chunks) {
		assert_eq!(pages_root::<Blake>(chunk), *expected);
	}
	assert_eq!(fold::<Blake>(chunks), root);

	// From a chunk, or from a page.
	let height = if reader.byte() & 1 == 0 { CHUNK_DEPTH } else { 0 };
	let nodes = &tree[height as usize];
	let index = reader.below(nodes.len());
	let path: Vec<Hash> = (height..depth)
		.map(|level| tree[level as usize][(index >> (level - height)) ^ 1])
		.collect();
	assert_eq!(node_at::<Blake>(nodes[index], index as u64, &path), root);
	lie(nodes, index, path, &root, &mut reader);

	// Numbers that nothing has.
	let (len, index) = (reader.number(), reader.number());
	let depth = pages_depth(len);
	assert!((CHUNK_DEPTH..=54).contains(&depth));
	assert!(depth == 54 || len <= (CHUNK as u64) << (depth - CHUNK_DEPTH));
	node_at::<Blake>([1; 32], index, &vec![[2; 32]; reader.byte().into()]);
});

/// Something else in the place of node number `index`, or the node in another place: if the root
/// is the same, it is there, too.
fn lie(nodes: &[Hash], index: usize, mut path: Vec<Hash>, root: &Hash, reader: &mut Reader<'_>) {
	let (mut node, mut at) = (nodes[index], index);
	let levels = path.len();
	for _ in 0..reader.byte() % 8 {
		let level = reader.below(path.len());
		match reader.byte() % 7 {
			0 => node[reader.below(32)] ^= reader.byte(),
			1 => node = nodes[reader.below(nodes.len())],
			2 => at = reader.below(nodes.len()),
			3 => path.iter_mut().skip(level).take(1).for_each(|hash| hash[0] ^= reader.byte()),
			4 => path.iter_mut().skip(level).take(1).for_each(|hash| *hash = Hash::default()),
			5 => drop(path.pop()),
			_ => path.push(Hash::default()),
		}
	}
	// Whoever checks a path checks how long it is.
	if path.len() == levels && node_at::<Blake>(node, at as u64, &path) == *root {
		assert_eq!(node, nodes[at]);
	}
}

/// Up to a few MiB, most of it zeros.
fn artifact(reader: &mut Reader<'_>) -> Vec<u8> {
	let chunks = [0, 0, 0, 0, 1, 1, 2, 4][usize::from(reader.byte() % 8)];
	let len = chunks * CHUNK + usize::from(reader.u16());
	let mut bytes = vec![0; len.saturating_sub(reader.byte().into()).max(1)];
	for _ in 0..reader.byte() % 8 {
		let at = reader.u32() as usize % bytes.len();
		bytes.iter_mut().skip(at).zip(reader.some()).for_each(|(at, byte)| *at = *byte);
	}
	bytes
}

/// Every level of the tree over the pages of `artifact`, computed plainly.
fn tree(artifact: &[u8], depth: u32) -> Vec<Vec<Hash>> {
	let zero = Hash::default();
	let page = |bytes: &[u8]| {
		let mut page = [0; PAGE];
		page[..bytes.len()].copy_from_slice(bytes);
		if page == [0; PAGE] {
			return zero;
		}
		Blake::hash(&page)
	};
	let mut level: Vec<Hash> = artifact.chunks(PAGE).map(page).collect();
	level.resize(1 << depth, zero);
	let mut levels = vec![level];
	for _ in 0..depth {
		let node = |pair: &[Hash]| {
			if pair == [zero; 2] {
				return zero;
			}
			Blake::hash(&pair.concat())
		};
		levels.push(levels[levels.len() - 1].chunks(2).map(node).collect());
	}
	levels
}
