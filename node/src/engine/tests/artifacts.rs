//! Weights on their way from the node into a model.

use super::*;
use dodona_primitives_models::CHUNK_SIZE;
use std::{os::unix::fs::FileExt, time::SystemTime};

const CHUNK: usize = CHUNK_SIZE as usize;

/// A byte of the chunk with this number, so that a test can change it.
fn flip(folder: &Folder, artifact: &ArtifactRef, at: usize) {
	let options = &mut fs::OpenOptions::new();
	let file = options.read(true).write(true).open(folder.file(artifact)).expect("it is there");
	let mut byte = [0];
	file.read_exact_at(&mut byte, at as u64).expect("the file is longer");
	file.write_all_at(&[byte[0] ^ 1], at as u64).expect("it is writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_should_be_loaded_when_the_node_gives_a_corrupt_chunk() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let (architecture, bytes) = large();
	let input = golden::input(&architecture, 3);
	let asked = job(&architecture, peer.store(&bytes), input.clone());
	let chunk = &bytes[CHUNK..2 * CHUNK];
	let mut corrupt = chunk.to_vec();
	corrupt[77] ^= 4;
	peer.replace(chunk, Some(corrupt));

	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains("corrupt"), "{reason}");
	assert_eq!(engine.number("/counters/corruptChunks").await, 1);
	assert_eq!(engine.status("/models").await, serde_json::json!([]));
	assert_eq!(engine.number("/memory/used").await, 0);
	assert!(!folder.file(&asked.artifact).exists());

	peer.replace(chunk, Some(chunk.to_vec()));
	assert_eq!(engine.end(&asked).await, expected(&architecture, &bytes, &input));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn artifact_should_be_unavailable_when_the_index_is_not_its_own() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let (architecture, bytes) = large();
	let artifact = peer.store(&bytes).artifact;
	let (other, ..) = ArtifactRef::of(&bytes[1..]);
	let input = golden::input(&architecture, 3);
	let cases = [
		(ArtifactRef { root: other.root, ..artifact }, "index chunk is not the artifact's"),
		(ArtifactRef { size: artifact.size + 1, ..artifact }, "not as long as its place"),
		(ArtifactRef { chunks: 4, ..artifact }, "contradict each other"),
		(ArtifactRef { size: 0, chunks: 0, ..artifact }, "contradict each other"),
		(ArtifactRef { index: other.index, ..artifact }, "Block not found"),
	];
	for (artifact, part) in cases {
		let reason = engine.unavailable(&job(&architecture, artifact, input.clone())).await;
		assert!(reason.contains(part), "{reason}");
	}
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn download_should_go_on_when_it_was_interrupted() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let (architecture, bytes) = large();
	let input = golden::input(&architecture, 3);
	let asked = job(&architecture, peer.store(&bytes), input.clone());
	let chunks: Vec<&[u8]> = bytes.chunks(CHUNK).collect();
	peer.replace(chunks[1], None);

	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains("Block not found"), "{reason}");
	engine.stop().await;

	peer.replace(chunks[1], Some(chunks[1].to_vec()));
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	assert_eq!(engine.end(&asked).await, expected(&architecture, &bytes, &input));
	assert_eq!(chunks.iter().map(|chunk| peer.asked(chunk)).collect::<Vec<_>>(), [1, 2, 1]);
	assert_eq!(engine.number("/counters/corruptChunks").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_file_should_be_repaired_when_a_bit_of_it_flips() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let (architecture, bytes) = large();
	let input = golden::input(&architecture, 3);
	let asked = job(&architecture, peer.store(&bytes), input.clone());
	let chunks: Vec<&[u8]> = bytes.chunks(CHUNK).collect();
	let answer = expected(&architecture, &bytes, &input);
	// Nothing, a weight of the second chunk, the length of the header.
	for (round, bit) in [None, Some(CHUNK + 500), Some(0)].into_iter().enumerate() {
		if let Some(at) = bit {
			flip(&folder, &asked.artifact, at);
		}
		let engine = Engine::start(&peer, &folder, |_| ()).await;
		assert_eq!(engine.end(&asked).await, answer);
		let corrupt = engine.number("/counters/corruptChunks").await;
		assert_eq!(corrupt, u64::from(bit.is_some()), "round {round}");
		engine.stop().await;
	}
	assert_eq!(fs::read(folder.file(&asked.artifact)).expect("it is there"), bytes);
	assert_eq!(chunks.iter().map(|chunk| peer.asked(chunk)).collect::<Vec<_>>(), [2, 2, 1]);
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_should_be_fetched_when_it_is_cached() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let (architecture, bytes) = large();
	let input = golden::input(&architecture, 3);
	let asked = job(&architecture, peer.store(&bytes), input.clone());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	engine.end(&asked).await;
	engine.stop().await;
	peer.stock.lock().chunks.clear();
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	assert_eq!(engine.end(&asked).await, expected(&architecture, &bytes, &input));
	assert_eq!(engine.number("/counters/chunks").await, 0);
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_file_should_go_when_another_needs_the_room() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let architecture = golden::mlp(&[256, 512, 4]);
	let stored = |seed| {
		let bytes = golden::artifact(&architecture, seed, 1.0).expect("it is sound");
		(peer.store(&bytes), bytes)
	};
	let mut artifacts = [1, 2, 3].map(stored);
	// Not the order of their names.
	artifacts.sort_by_key(|(stored, _)| stored.artifact.root);
	let [first, third, second] = artifacts;
	let room = 2 * first.1.len() as u64 + 1024;
	let input = golden::input(&architecture, 9);
	let strangers = folder.0.join("a-strangers-file".repeat(5));
	// In a second server the first is the one that was used last.
	for artifacts in [[&first, &second], [&first, &third]] {
		let engine = Engine::start(&peer, &folder, |options| options.cache_size = room).await;
		let file = fs::File::create(&strangers).expect("the folder is there");
		file.set_len(4096).expect("there is room");
		file.set_modified(SystemTime::UNIX_EPOCH).expect("it is ours");
		for (stored, bytes) in artifacts {
			let asked = job(&architecture, *stored, input.clone());
			assert_eq!(engine.end(&asked).await, expected(&architecture, bytes, &input));
		}
		engine.stop().await;
	}
	let there = [&first, &second, &third].map(|(stored, _)| folder.file(&stored.artifact).exists());
	assert_eq!(there, [true, false, true]);
	assert!(strangers.exists());

	let engine = Engine::start(&peer, &folder, |options| options.cache_size = room).await;
	// More than all of it.
	let (architecture, bytes) = large();
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 3));
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains(&format!("the cache keeps {room}")), "{reason}");
	engine.stop().await;
	peer.stop().await;
}
