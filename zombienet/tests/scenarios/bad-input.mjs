// Whatever makes no sense is refused with a reason, and costs no more than the transaction.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { LIMIT, UNIT } from '../support/chain.mjs';
import { admit, artifactOf, CHUNK, encode, knownAnswers, labelled, manifestOf, propose, publish, register, safetensors, seven, weights } from '../support/digits.mjs';

const PRICE = 2n * UNIT;
const FOUR_GIB = 2 ** 32;

export default function badInput(world) {
	let chain, api, alice, bob, model;

	before(async () => {
		({ chain } = world);
		({ api } = chain);
		alice = chain.account('//Alice');
		bob = chain.account('//Bob');
		model = await publish(chain, alice, 'bad-input/digits', PRICE);
	});

	/** Sends calls that must be refused, each for its reason, and nothing may be held for them. */
	async function refused(signer, pallet, cases) {
		const held = await chain.held(signer);
		const sent = await chain.sendAll(cases.map(([call]) => call), signer);
		const reasons = sent.map(({ reason }) => reason?.reason ?? reason);
		assert.deepEqual(reasons, cases.map(([, reason]) => `${pallet}.${reason}`));
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
		await refused(bob, 'inference', cases);
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
		await refused(eve, 'inference', [
			[commit(asked.id), 'NotYourSeat'],
			[commit(999_999), 'UnknownRequest'],
			[api.tx.inference.submit([]), 'NothingSubmitted'],
		]);
		await refused(chain.account('//Dave'), 'inference', [
			[commit(asked.id), 'NotAHotKey'],
			[api.tx.inference.advance(asked.id), 'NotDue'],
		]);
		await chain.reach(asked, 'Finalized');
	});

	test('version should be refused with a reason when its manifest makes no sense', LIMIT, async () => {
		const { artifact } = artifactOf(labelled('bad-input/digits'));
		const manifest = manifestOf(artifact, PRICE);
		const cases = [
			[{ architecture: { Mlp: { widths: [64] } } }, 'InvalidArchitecture'],
			[{ artifact: { ...artifact, chunks: 2 } }, 'InvalidArtifact'],
			[{ artifact: { ...artifact, size: FOUR_GIB } }, 'InvalidArtifact'],
			[{ artifact: { ...artifact, size: FOUR_GIB, chunks: FOUR_GIB / CHUNK } }, 'ArtifactTooLarge'],
			[{ tokenizer: { ...artifact, chunks: 2 } }, 'InvalidTokenizer'],
			[{ folder: { ...artifact, size: FOUR_GIB } }, 'InvalidFolder'],
			[{ engine: 999 }, 'UnsupportedEngine'],
			// The version itself, which would be the second; and the one after.
			[{ derivedFrom: { model, number: 2 } }, 'UnknownParent'],
			[{ derivedFrom: { model, number: 3 } }, 'UnknownParent'],
			...['', 'free', 'MIT AND', 'MIT OR (Apache-2.0', 'MIT, Apache-2.0', 'LicenseRef-']
				.map((licence) => [{ licence }, 'InvalidLicence']),
		];
		await refused(alice, 'modelRegistry', cases.map(([change, reason]) =>
			[api.tx.modelRegistry.proposeVersion(model, { ...manifest, ...change }), reason]));
	});

	test('name should be refused with a reason when it is none, or another\'s', LIMIT, async () => {
		const { register } = api.tx.modelRegistry;
		await refused(bob, 'modelRegistry', [
			[register('Not A Slug'), 'InvalidName'],
			[register('bad-input/'), 'InvalidName'],
			[register('bad-input/digits'), 'NameTaken'],
			[register('bad-input/better'), 'NotYourOrganisation'],
		]);
	});

	test('weights should be refused under another name when their origin is not said', LIMIT, async () => {
		const copy = await register(chain, bob, 'copied-digits');
		const { artifact } = artifactOf(labelled('bad-input/digits'));
		const propose = (about) =>
			api.tx.modelRegistry.proposeVersion(copy, { ...manifestOf(artifact, PRICE), ...about });
		await refused(bob, 'modelRegistry', [[propose({}), 'ArtifactTaken']]);
		await chain.send(propose({ derivedFrom: { model, number: 1 } }), bob);
		assert.ok((await api.query.modelRegistry.lineage({ model: copy, number: 1 })).unwrap().model.eq(model));
	});

	test('chunk should be refused with a reason when it is none', LIMIT, async () => {
		const store = (bytes) => api.tx.transactionStorage.store(u8aToHex(bytes));
		const [one, two] = [1, 2].map((byte) => new Uint8Array(100).fill(byte));
		const { stored: [kept] } = artifactOf(labelled('bad-input/digits'));
		await refused(bob, 'transactionStorage', [
			[store(new Uint8Array(0)), 'Empty'],
			[store(new Uint8Array(CHUNK + 1)), 'TooLarge'],
			[store(kept), 'AlreadyStored'],
			[api.tx.utility.batchAll([store(one), store(two)]), 'NotLast'],
		]);
	});

	test('version should not be approved when it does not answer as it claims', LIMIT, async () => {
		const claimed = await propose(chain, alice, model, PRICE, labelled('bad-input claims'), () =>
			[{ input: u8aToHex(encode(seven)), outcome: new Uint8Array(32) }]);
		const { admit: ask } = api.tx.modelEvaluation;
		const { version, answers } = claimed;
		const approval = api.tx.modelRegistry.approveVersion(version);
		const right = await knownAnswers(chain, labelled('bad-input claims'));
		await refused(alice, 'modelEvaluation', [
			[approval, 'NotAdmitted'],
			[ask(version, right, PRICE), 'KnownAnswersMismatch'],
			[ask(version, [], PRICE), 'NoKnownAnswers'],
		]);
		const { admission } = await admit(chain, alice, claimed);
		assert.equal(admission, 'Contradicted');
		await refused(alice, 'modelEvaluation', [
			[approval, 'AnswersContradicted'],
			[ask(version, answers, PRICE), 'AnswersContradicted'],
		]);
		await chain.send(api.tx.modelRegistry.revokeVersion(version, 'it lies'), alice);
	});

	test('fee should come back when the header of the weights lies', LIMIT, async () => {
		const header = JSON.stringify({
			// Behind the end of the file.
			'layers.0.weight': { dtype: 'F32', shape: [64, 64], data_offsets: [2 ** 20, 2 ** 20 + 64 * 64 * 4] },
		});
		const weightless = safetensors(header, weights);
		const lying = await register(chain, alice, 'bad-input/lies');
		// No engine has an answer to claim.
		const claimed = await propose(chain, alice, lying, PRICE, weightless, () =>
			[{ input: u8aToHex(encode(seven)), outcome: new Uint8Array(32) }]);
		const [free, held] = [await chain.free(bob), await chain.held(bob)];
		const { admission, events } = await admit(chain, bob, claimed);
		assert.equal(admission, 'Unanswered');
		assert.equal(await chain.held(bob), held);
		assert.equal(await chain.free(bob), free - chain.feeIn(events));
		const approval = api.tx.modelRegistry.approveVersion(claimed.version);
		await refused(alice, 'modelEvaluation', [[approval, 'NotAdmitted']]);

		// The chain and its workers go on.
		const sound = await chain.ask(bob, model, encode(seven));
		await chain.reach(sound, 'Finalized');
	});
}
