// Weights that look random, in files as models have them.

import { u8aConcat } from '@polkadot/util';
import { safetensors } from './digits.mjs';

/** Numbers from 0 to 1 that look random: a linear congruential generator. */
export function numbers(seed) {
	let state = BigInt(seed);
	return () => {
		state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
		return Number(state >> 40n) / 2 ** 24;
	};
}

/** The number of values of a tensor. */
export const valuesIn = (shape) => shape.reduce((product, length) => product * length, 1);

/** A tensor of 32-bit floats, each of which `value` gives. */
export function tensor(name, shape, value) {
	return { name, shape, bytes: new Uint8Array(Float32Array.from({ length: valuesIn(shape) }, value).buffer) };
}

/** A safetensors file of these tensors. */
export function fileOf(tensors) {
	const header = {};
	let at = 0;
	for (const { name, shape, bytes } of tensors) {
		header[name] = { dtype: 'F32', shape, data_offsets: [at, at += bytes.length] };
	}
	return safetensors(JSON.stringify(header), u8aConcat(...tensors.map(({ bytes }) => bytes)));
}
