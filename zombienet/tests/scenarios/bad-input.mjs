// Whatever makes no sense is refused with a reason, and costs no more than the transaction.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { LIMIT, UNIT } from '../support/chain.mjs';
import { artifactOf, encode, labelled, manifestOf, publish, safetensors, seven, weights } from '../support/digits.mjs';

const PRICE = 2n * UNIT;

export default function badInput(world) {
	let chain, api, alice, bob, model;

	before(async () => {
		({ chain } = world);
		({ api } = chain);
		alice = chain.account('//Alice');
		bob = chain.account('//Bob');
		model = await publish(chain, alice, 'bad-input/digits', PRICE);
	});

	/** Sends what must be refused for this reason, and nothing may be held for it. */
	async function refused(call, signer, reason) {
		const held = await chain.held(signer);
		await assert.rejects(chain.send(call, signer), { reason });
		assert.equal(await chain.held(signer), held);
	}

	test('request should be refused with a reason when it makes no sense', LIMIT, async () => {
		const next = await api.query.inference.nextRequestId();
		const request = (input, { of = model, version = null, maxFee = PRICE } = {}) =>
			api.tx.inference.request(of, version, u8aToHex(input), maxFee);
		const sound = encode(seven);
		const rest = seven.slice(1);
		const cases = [
			[request(encode(rest)), 'WrongInputLength'],
			[request(new Uint8Array(0)), 'WrongInputLength'],
			[request(new Uint8Array(64 * 1024 + 1)), 'InputTooLong'],
			[request(encode([Number.NaN, ...rest])), 'InputNotFinite'],
			[request(encode([Number.POSITIVE_INFINITY, ...rest])), 'InputNotFinite'],
			[request(sound, { of: 999 }), 'UnknownModel'],
			[request(sound, { version: 2 }), 'VersionNotServed'],
			[request(sound, { maxFee: PRICE - 1n }), 'PriceAboveMaxFee'],
		];
		for (const [call, reason] of cases) {
			await refused(call, bob, `inference.${reason}`);
		}
		assert.ok((await api.query.inference.nextRequestId()).eq(next));
	});

	test('statement should be refused with a reason when the seat is not the speaker\'s', LIMIT, async () => {
		// An operator whose hot key we hold, and that no committee has a seat for.
		const charlie = chain.account('//Charlie');
		const eve = chain.account('//Eve');
		await chain.send(api.tx.utility.batchAll([
			api.tx.contributorStaking.bond('Worker', eve.address, 1_000n * UNIT),
			api.tx.contributorStaking.chill(),
		]), charlie);
		const asked = await chain.ask(bob, model, encode(seven));
		await chain.reach(asked, 'Committing', 'Revealing', 'Agreed', 'Finalized');
		const commitment = u8aToHex(new Uint8Array(32));
		const commit = (request) =>
			api.tx.inference.submit([{ request, attempt: 1, statement: { Commit: { commitment } } }]);
		await refused(commit(asked.id), eve, 'inference.NotYourSeat');
		await refused(commit(999_999), eve, 'inference.UnknownRequest');
		await refused(api.tx.inference.submit([]), eve, 'inference.NothingSubmitted');
		await refused(commit(asked.id), chain.account('//Dave'), 'inference.NotAHotKey');
		await refused(api.tx.inference.advance(asked.id), chain.account('//Dave'), 'inference.NotDue');
		await chain.reach(asked, 'Finalized');
	});

	test('version should be refused with a reason when its manifest makes no sense', LIMIT, async () => {
		const { artifact } = artifactOf(labelled('bad-input/digits'));
		const manifest = manifestOf(artifact, PRICE);
		const cases = [
			[{ architecture: { Mlp: { widths: [64] } } }, 'InvalidArchitecture'],
			[{ artifact: { ...artifact, chunks: 2 } }, 'InvalidArtifact'],
			[{ tokenizer: { ...artifact, chunks: 2 } }, 'InvalidTokenizer'],
			[{ engine: 999 }, 'UnsupportedEngine'],
			[{ licence: '' }, 'InvalidLicence'],
		];
		for (const [change, reason] of cases) {
			const call = api.tx.modelRegistry.proposeVersion(model, { ...manifest, ...change });
			await refused(call, alice, `modelRegistry.${reason}`);
		}
		await refused(api.tx.modelRegistry.register('Not A Slug'), alice, 'modelRegistry.InvalidName');
	});

	test('fee should come back when the header of the weights lies', LIMIT, async () => {
		const header = JSON.stringify({
			// Behind the end of the file.
			'layers.0.weight': { dtype: 'F32', shape: [64, 64], data_offsets: [2 ** 20, 2 ** 20 + 64 * 64 * 4] },
		});
		const lying = await publish(chain, alice, 'bad-input/lies', PRICE, safetensors(header, weights));
		const free = await chain.free(bob);
		const asked = await chain.ask(bob, lying, encode(seven));
		await chain.reach(asked, 'Failed');
		assert.equal(await chain.free(bob), free - chain.feeIn(asked.events));

		// The chain and its workers go on.
		const sound = await chain.ask(bob, model, encode(seven));
		await chain.reach(sound, 'Finalized');
	});
}
