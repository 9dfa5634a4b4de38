// The digits model, published the way that the chain expects it, without the project's own tools.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringToU8a, u8aConcat, u8aToHex, u8aToString } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { root } from './node.mjs';

export const folder = join(root, 'models/digits');
export const weights = new Uint8Array(readFileSync(join(folder, 'model.safetensors')));
export const { widths } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
const CHUNK = 1024 * 1024;

/** The same weights in a file of their own: nobody else's model may have the same file. */
export function labelled(label) {
	const size = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
	const header = JSON.parse(u8aToString(weights.subarray(8, 8 + size)));
	const text = JSON.stringify({ __metadata__: { label }, ...header });
	return safetensors(text, weights.subarray(8 + size));
}

/** A safetensors file with this header, true or not. */
export function safetensors(header, tensors) {
	const text = stringToU8a(header.padEnd(Math.ceil(header.length / 8) * 8));
	const size = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
	return u8aConcat(size, text, tensors);
}

/** Held-out images: `{ input, truth }`. */
export const images = JSON.parse(readFileSync(join(folder, 'held-out.json'), 'utf8'));
/** A seven that the model reads right. */
export const seven = JSON.parse(readFileSync(join(folder, 'seven.json'), 'utf8'));

/** Numbers as the engine takes them: float32, little-endian. */
export function encode(numbers) {
	const bytes = new DataView(new ArrayBuffer(numbers.length * 4));
	numbers.forEach((number, i) => bytes.setFloat32(i * 4, number, true));
	return new Uint8Array(bytes.buffer);
}

/** The position of the highest score in an output. */
export function classOf(output) {
	const bytes = new Uint8Array(output);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const scores = Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
	return scores.indexOf(Math.max(...scores));
}

function merkleRoot(leaves) {
	let row = leaves.map((leaf) => blake2AsU8a(leaf));
	while (row.length > 1) {
		const above = [];
		for (let i = 0; i < row.length; i += 2) {
			above.push(i + 1 < row.length ? blake2AsU8a(u8aConcat(row[i], row[i + 1])) : row[i]);
		}
		row = above;
	}
	return row[0];
}

/** A file's chunks, its index chunk, and what a manifest says of it. */
export function artifactOf(bytes) {
	const chunks = [];
	for (let at = 0; at < bytes.length; at += CHUNK) {
		chunks.push(bytes.subarray(at, at + CHUNK));
	}
	const hashes = chunks.map((chunk) => blake2AsU8a(chunk));
	const index = u8aConcat(...hashes);
	const artifact = {
		root: merkleRoot(hashes),
		index: blake2AsU8a(index),
		size: bytes.length,
		chunks: chunks.length,
	};
	return { artifact, stored: [...chunks, index] };
}

export function manifestOf(artifact, price) {
	return {
		architecture: { Mlp: { widths } },
		artifact,
		tokenizer: null,
		engine: 1,
		derivedFrom: null,
		licence: 'CC-BY-4.0',
		price,
	};
}

/** Stores weights, registers a model, and proposes, approves and activates its first version. */
export async function publish(chain, owner, name, price, bytes = labelled(name)) {
	const { api } = chain;
	const { artifact, stored } = artifactOf(bytes);
	for (const chunk of stored) {
		await chain.send(api.tx.transactionStorage.store(u8aToHex(chunk)), owner);
	}
	const { events } = await chain.send(api.tx.modelRegistry.register(name), owner);
	const registered = events.find((event) => api.events.modelRegistry.ModelRegistered.is(event));
	const model = registered.data.model.toNumber();
	const version = { model, number: 1 };
	await chain.send(api.tx.modelRegistry.proposeVersion(model, manifestOf(artifact, price)), owner);
	await chain.send(api.tx.modelRegistry.approveVersion(version), owner);
	await chain.send(api.tx.modelRegistry.activateVersion(version), owner);
	return model;
}
