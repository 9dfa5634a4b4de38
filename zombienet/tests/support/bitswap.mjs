// Chunks by their CIDs out of any node, over plain JSON-RPC: all that a client of its own needs.

import { hexToU8a, u8aConcat, u8aEq } from '@polkadot/util';
import { base32Encode, blake2AsU8a } from '@polkadot/util-crypto';

/** Version 1, raw codec, blake2b-256 multihash of 32 bytes. */
const CID_PREFIX = new Uint8Array([0x01, 0x55, 0xa0, 0xe4, 0x02, 0x20]);

export function cidOf(hash) {
	return base32Encode(u8aConcat(CID_PREFIX, hash), true);
}

/** The chunk with this hash. */
async function chunk(node, hash) {
	const response = await fetch(node.http, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ id: 1, jsonrpc: '2.0', method: 'bitswap_v1_get', params: [cidOf(hash)] }),
	});
	const { result, error } = await response.json();
	if (error) {
		throw new Error(`${cidOf(hash)}: ${error.message}`);
	}
	const bytes = hexToU8a(result);
	if (!u8aEq(blake2AsU8a(bytes), hash)) {
		throw new Error(`${cidOf(hash)}: the node serves something else`);
	}
	return bytes;
}

/** The bytes of an artifact, as a manifest names it. */
async function artifact(node, reference) {
	const hashes = await chunk(node, reference.index.toU8a());
	const chunks = [];
	for (let at = 0; at < hashes.length; at += 32) {
		chunks.push(await chunk(node, hashes.subarray(at, at + 32)));
	}
	const bytes = u8aConcat(...chunks);
	// The client's own structs have a `size`, too.
	const { size } = reference.toJSON();
	if (bytes.length !== size) {
		throw new Error(`${bytes.length} bytes, not ${size}`);
	}
	return bytes;
}

/** The files that a version was published from: their bytes by their paths. */
export async function files(node, manifest) {
	const [weights, tokenizer, listed] = await Promise.all([
		artifact(node, manifest.artifact),
		artifact(node, manifest.tokenizer.unwrap()),
		artifact(node, manifest.folder.unwrap()),
	]);
	const end = listed.indexOf('\n'.charCodeAt(0));
	const places = { weights, tokenizer, data: listed.subarray(end + 1) };
	const { files } = JSON.parse(Buffer.from(listed.subarray(0, end)).toString());
	return new Map(files.map(({ path, parts }) => {
		const bytes = parts.map((part) => {
			const [[place, [from, length]]] = Object.entries(part);
			return places[place].subarray(from, from + length);
		});
		return [path, u8aConcat(...bytes)];
	}));
}
