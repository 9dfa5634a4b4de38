// The tree over an artifact's pages, by which a dispute opens a part of the weights: blake2-256, and
// zero for what is not there.

import { u8aConcat } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';

/** Bytes of a page, and levels from a page to the root of its chunk of 1 MiB. */
const [PAGE, CHUNK_DEPTH] = [1024, 10];
const ZERO = new Uint8Array(32);

const isZero = (bytes) => bytes.every((byte) => byte === 0);

function node(left, right) {
	return isZero(left) && isZero(right) ? ZERO : blake2AsU8a(u8aConcat(left, right));
}

function above(row) {
	return Array.from({ length: Math.ceil(row.length / 2) }, (_, i) => node(row[2 * i], row[2 * i + 1] ?? ZERO));
}

function chunkRoot(bytes) {
	let row = Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, i) => {
		const page = new Uint8Array(PAGE);
		page.set(bytes.subarray(i * PAGE, (i + 1) * PAGE));
		return isZero(page) ? ZERO : blake2AsU8a(page);
	});
	for (let level = 0; level < CHUNK_DEPTH; level += 1) {
		row = above(row);
	}
	return row[0] ?? ZERO;
}

/** The root over the pages of these chunks. */
export function pagesRoot(chunks) {
	let row = chunks.map(chunkRoot);
	while (row.length > 1) {
		row = above(row);
	}
	return row[0] ?? ZERO;
}
