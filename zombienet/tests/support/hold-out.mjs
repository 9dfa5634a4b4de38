// A hold-out set: questions with expected answers that the chain only knows the root over.

import { randomBytes } from 'node:crypto';
import { compactAddLength, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { encode } from './digits.mjs';
import { merkleProof, merkleRoot } from './merkle.mjs';

export class HoldOut {
	/** A set of images `{ input, truth }`, in their order. */
	constructor(images) {
		this.samples = images.map(({ input, truth }) => ({
			input: encode(input),
			expected: new Uint8Array(new Uint32Array([truth]).buffer),
			salt: new Uint8Array(randomBytes(16)),
		}));
		this.leaves = this.samples.map(({ input, expected, salt }) =>
			blake2AsU8a(u8aConcat(compactAddLength(input), compactAddLength(expected), salt)));
	}

	get root() {
		return merkleRoot(this.leaves);
	}

	/** The samples from `from` up to `to`, shown to be of the set. */
	reveal(from, to) {
		return this.samples.slice(from, to).map(({ input, expected, salt }, i) => ({
			sample: { input: u8aToHex(input), expected: u8aToHex(expected), salt },
			proof: merkleProof(this.leaves, from + i),
		}));
	}
}
