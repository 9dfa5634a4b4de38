// Binary Merkle trees as the chain has them: blake2-256, the last of an odd number goes up alone.

import { u8aConcat } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';

/** The rows of the tree over these leaves, from the lowest to the root's. */
function rows(leaves) {
	const all = [leaves.map((leaf) => blake2AsU8a(leaf))];
	while (all.at(-1).length > 1) {
		const row = all.at(-1);
		const above = [];
		for (let i = 0; i < row.length; i += 2) {
			above.push(i + 1 < row.length ? blake2AsU8a(u8aConcat(row[i], row[i + 1])) : row[i]);
		}
		all.push(above);
	}
	return all;
}

export function merkleRoot(leaves) {
	return rows(leaves).at(-1)[0];
}

/** The hashes on the way from the leaf at `position` to the root. */
export function merkleProof(leaves, position) {
	const siblings = rows(leaves).slice(0, -1).map((row, height) => row[(position >> height) ^ 1]);
	return siblings.filter((hash) => hash !== undefined);
}
