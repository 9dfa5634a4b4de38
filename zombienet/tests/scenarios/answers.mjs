// A model is published, asked and governed by a client that this project did not write.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import { LIMIT, PROMPT, seat, UNIT } from '../support/chain.mjs';
import { artifactOf, classOf, encode, images, labelled, manifestOf, publish, seven } from '../support/digits.mjs';

const PRICE = 2n * UNIT;
const NAME = 'answers/digits';

export default function answers(world) {
	let chain, api, alice, bob, model;

	before(() => {
		({ chain } = world);
		({ api } = chain);
		alice = chain.account('//Alice');
		bob = chain.account('//Bob');
	});

	test('answer should be right and prompt when the workers are honest', LIMIT, async () => {
		model = await publish(chain, alice, NAME, PRICE);
		const asked = await chain.ask(bob, model, encode(seven));
		const { request, state, block } = await chain.reach(asked, 'Agreed', 'Finalized');
		assert.equal(classOf(await chain.output(asked, state)), 7);
		const blocks = block - asked.block;
		assert.ok(blocks <= PROMPT, `agreed ${blocks} blocks after the request`);
		assert.equal(request.fee.toBigInt(), PRICE);

		const settled = await chain.reach(asked, 'Finalized');
		assert.equal(await chain.held(bob), 0n);
		const hash = await api.rpc.chain.getBlockHash(settled.block);
		const events = await (await api.at(hash)).query.system.events();
		const { Finalized } = api.events.inference;
		const { data } = events.map(({ event }) => event).find((event) => Finalized.is(event));
		assert.equal(data.paid.toBigInt(), PRICE, 'every seat named the result');
		assert.equal(data.refunded.toBigInt(), 0n);
	});

	test('worker should answer and be paid when it has bonded', LIMIT, async () => {
		const operator = chain.account('//Ferdie');
		const hotKey = chain.account('//Ferdie//hot');
		const key = ['dodo', '//Ferdie//hot', u8aToHex(hotKey.publicKey)];
		await chain.provider.send('author_insertKey', key);
		const bond = await chain.bonded(chain.account('//Worker//1'));
		await chain.send(api.tx.contributorStaking.bond('Worker', hotKey.address, bond), operator);

		// Each committee leaves one of five out: of eight, the newcomer is not left out of all.
		const asking = images.slice(0, 8).map(({ input }) =>
			api.tx.inference.request(model, null, u8aToHex(encode(input)), PRICE));
		const { block, events } = await chain.send(api.tx.utility.batchAll(asking), bob);
		const ids = events.filter((event) => api.events.inference.Requested.is(event))
			.map((event) => event.data.request);
		assert.equal(ids.length, asking.length);
		let worked = 0;
		for (const id of ids) {
			const { state } = await chain.reach({ id, block }, 'Finalized');
			worked += seat(state, operator)?.isRevealed ? 1 : 0;
		}
		assert.ok(worked > 0);
		const ledger = (await api.query.contributorStaking.ledgers(operator.address)).unwrap();
		const share = PRICE * 7n / 10n / 4n;
		assert.equal(ledger.earned.toBigInt(), BigInt(worked) * share);
		assert.equal(ledger.obligations.toNumber(), 0);
		// The four that are left are the committee of every other scenario.
		await chain.send(api.tx.contributorStaking.chill(), operator);
	});

	test('active version should change when a referendum of the curators says so', LIMIT, async () => {
		await chain.send(api.tx.modelRegistry.donateToCommons(model), alice);
		// The same weights at another price: what the commons decides on here is the price.
		const manifest = manifestOf(artifactOf(labelled(NAME)).artifact, PRICE / 2n);
		await chain.send(api.tx.modelRegistry.proposeVersion(model, manifest), bob);
		const version = { model, number: 2 };
		const approve = api.tx.modelRegistry.approveVersion(version);
		await assert.rejects(chain.send(approve, alice), { reason: 'BadOrigin' });

		const activate = api.tx.modelRegistry.activateVersion(version);
		const decision = api.tx.utility.batchAll([approve, activate]).method;
		await chain.send(api.tx.preimage.notePreimage(decision.toHex()), alice);
		const proposal = {
			Lookup: { hash: blake2AsHex(decision.toU8a()), len: decision.toU8a().length },
		};
		const submit = api.tx.referenda.submit({ Origins: 'ModelCurator' }, proposal, { After: 1 });
		const submitted = await chain.send(submit, alice);
		const { Submitted } = api.events.referenda;
		const { index } = submitted.events.find((event) => Submitted.is(event)).data;
		await chain.send(api.tx.referenda.placeDecisionDeposit(index), alice);
		for (const voter of [alice, bob]) {
			const balance = await chain.free(voter) / 2n;
			const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance } };
			await chain.send(api.tx.convictionVoting.vote(index, vote), voter);
		}

		await chain.follow('version 2 becomes active', submitted.block, async (at) => {
			const { active } = (await at.query.modelRegistry.models(model)).unwrap();
			return active.unwrap().eq(2);
		});
		const { versions } = api.query.modelRegistry;
		const states = await Promise.all([1, 2].map((number) => versions(model, number)));
		assert.deepEqual(states.map((one) => one.unwrap().state.type), ['Deprecated', 'Active']);

		const asked = await chain.ask(bob, model, encode(seven));
		const { request, state } = await chain.reach(asked, 'Agreed', 'Finalized');
		assert.equal(request.version.number.toNumber(), 2);
		assert.equal(request.fee.toBigInt(), PRICE / 2n);
		assert.equal(classOf(await chain.output(asked, state)), 7);
	});
}
