// The digits model, published the way that the chain expects it, without the project's own tools.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactAddLength, compactToU8a, hexToU8a, stringToU8a, u8aConcat, u8aToHex, u8aToString } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { UNIT } from './chain.mjs';
import { merkleRoot } from './merkle.mjs';
import { root } from './node.mjs';
import { pagesRoot } from './pages.mjs';

export const folder = join(root, 'models/digits');
export const weights = new Uint8Array(readFileSync(join(folder, 'model.safetensors')));
export const { widths } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
/** Bytes of every chunk but an artifact's last. */
export const CHUNK = 1024 * 1024;

/** The weights' header, and their tensors. */
function split() {
	const size = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
	const header = JSON.parse(u8aToString(weights.subarray(8, 8 + size)));
	return { header, tensors: weights.subarray(8 + size) };
}

/** The same weights in a file of their own: nobody else's model may have the same file. */
export function labelled(label) {
	const { header, tensors } = split();
	return safetensors(JSON.stringify({ __metadata__: { label }, ...header }), tensors);
}

/** Worse weights: they take the digit that `digits` has at each place for the next one there. */
export function confused(label, digits) {
	const { header, tensors } = split();
	const mixed = tensors.slice();
	for (const name of ['weight', 'bias']) {
		const { shape: [rows], data_offsets: [from, to] } = header[`layers.${widths.length - 2}.${name}`];
		const row = (digit) => from + (to - from) / rows * digit;
		digits.forEach((digit, i) => {
			mixed.set(tensors.subarray(row(digit), row(digit + 1)), row(digits[(i + 1) % digits.length]));
		});
	}
	return safetensors(JSON.stringify({ __metadata__: { label }, ...header }), mixed);
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

/** What a manifest says of chunks with these hashes, and their index chunk. */
export function artifactOfChunks(size, hashes) {
	const index = u8aConcat(...hashes);
	const artifact = { root: merkleRoot(hashes), index: blake2AsU8a(index), size, chunks: hashes.length };
	return { artifact, index };
}

/** A file's chunks, its index chunk, and what a manifest says of it. */
export function artifactOf(bytes) {
	const chunks = [];
	for (let at = 0; at < bytes.length; at += CHUNK) {
		chunks.push(bytes.subarray(at, at + CHUNK));
	}
	const { artifact, index } = artifactOfChunks(bytes.length, chunks.map((chunk) => blake2AsU8a(chunk)));
	// Not a part of the reference, but of the manifest beside it.
	artifact.pages = pagesRoot(chunks);
	return { artifact, stored: [...chunks, index] };
}

/** What the chain's own engine answers, computed by a node. */
export async function answerOf(chain, bytes, input) {
	const run = await chain.api.call.inferenceApi.run({ Mlp: { widths } }, u8aToHex(bytes), u8aToHex(input));
	return run.asOk.toU8a(true);
}

/** A question and the hash of its answer, as a version carries them, in a list. */
export async function knownAnswers(chain, bytes, input = encode(seven)) {
	const texts = [stringToU8a('dodona/outcome/v1'), await answerOf(chain, bytes, input)];
	return [{ input: u8aToHex(input), outcome: blake2AsU8a(u8aConcat(...texts.map(compactAddLength))) }];
}

/** The hash by which a manifest names known answers. */
export function answersHash(answers) {
	const encoded = answers.map(({ input, outcome }) => u8aConcat(compactAddLength(hexToU8a(input)), outcome));
	return blake2AsU8a(u8aConcat(compactToU8a(answers.length), ...encoded));
}

export function manifestOf({ pages = new Uint8Array(32), ...artifact }, price, answers = []) {
	return {
		architecture: { Mlp: { widths } },
		artifact,
		pages,
		tokenizer: null,
		folder: null,
		knownAnswers: answersHash(answers),
		engine: 1,
		derivedFrom: null,
		licence: 'CC-BY-4.0',
		price: { request: price, work: 0 },
	};
}

/** Stores an artifact's chunks and its index. */
export async function store(chain, owner, stored) {
	const { store } = chain.api.tx.transactionStorage;
	const sent = await chain.sendAll(stored.map((chunk) => store(u8aToHex(chunk))), owner);
	for (const { reason } of sent.filter(({ status }) => status === 'rejected')) {
		throw reason;
	}
}

/** Registers a model; returns its id. */
export async function register(chain, owner, name) {
	const { api } = chain;
	const { events } = await chain.send(api.tx.modelRegistry.register(name), owner);
	const registered = events.find((event) => api.events.modelRegistry.ModelRegistered.is(event));
	return registered.data.model.toNumber();
}

/**
 * Stores weights and proposes them as a model's next version; returns it with the known answers that it
 * claims.
 */
export async function propose(chain, proposer, model, price, bytes, claim = () => knownAnswers(chain, bytes)) {
	const { api } = chain;
	const { artifact, stored } = artifactOf(bytes);
	await store(chain, proposer, stored);
	const answers = await claim();
	const manifest = manifestOf(artifact, price, answers);
	const { events } = await chain.send(api.tx.modelRegistry.proposeVersion(model, manifest), proposer);
	const proposed = events.find((event) => api.events.modelRegistry.VersionProposed.is(event));
	return { version: proposed.data.version.toJSON(), answers };
}

/** Has committees admit a version, and waits for it. */
export async function admit(chain, payer, { version, answers }, maxFee = 100n * UNIT) {
	const { events, block } = await chain.send(chain.api.tx.modelEvaluation.admit(version, answers, maxFee), payer);
	const what = `admission of ${version.model}@${version.number}`;
	const admission = await chain.follow(what, block, async (at) => {
		const { type } = (await at.query.modelEvaluation.admissions(version)).unwrap();
		return type !== 'Asked' && type;
	});
	return { admission, events };
}

/** Stores weights, registers a model, and has its first version admitted, approved and activated. */
export async function publish(chain, owner, name, price, bytes = labelled(name)) {
	const { modelEvaluation, modelRegistry, utility } = chain.api.tx;
	const model = await register(chain, owner, name);
	const { version, answers } = await propose(chain, owner, model, price, bytes);
	await chain.send(utility.batchAll([
		modelEvaluation.admitHere(version, answers, u8aToHex(bytes)),
		modelRegistry.approveVersion(version),
		modelRegistry.activateVersion(version),
	]), owner);
	return model;
}
