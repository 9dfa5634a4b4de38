// A model is published and asked by a client that this project did not write.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { LIMIT, PROMPT, seat, TRIES, UNIT } from '../support/chain.mjs';
import { classOf, encode, images, publish, seven } from '../support/digits.mjs';

const PRICE = 2n * UNIT;

export default function answers(world) {
	let chain, api, alice, bob, model;

	before(() => {
		({ chain } = world);
		({ api } = chain);
		alice = chain.account('//Alice');
		bob = chain.account('//Bob');
	});

	after(async () => {
		// The four that are left are the committee of every other scenario.
		await chain.send(api.tx.contributorStaking.chill(), chain.account('//Ferdie'));
	});

	test('answer should be right and prompt when the workers are honest', LIMIT, async () => {
		model = await publish(chain, alice, 'answers/digits', PRICE);
		const waits = [];
		let asked;
		// On a machine that has other things to do, a worker may miss a block now and then.
		while (waits.length < TRIES && !waits.some((blocks) => blocks <= PROMPT)) {
			asked = await chain.ask(bob, model, encode(seven));
			const { request, state, block } = await chain.reach(asked, 'Agreed', 'Finalized');
			assert.equal(classOf(await chain.output(asked, state)), 7);
			assert.equal(request.fee.toBigInt(), PRICE);
			await chain.reach(asked, 'Finalized');
			waits.push(block - asked.block);
		}
		assert.ok(Math.min(...waits) <= PROMPT, `agreed ${waits} blocks after the request`);

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
		let [worked, last] = [0, block];
		for (const id of ids) {
			const { state, block: final } = await chain.reach({ id, block }, 'Finalized');
			worked += seat(state, operator)?.isRevealed ? 1 : 0;
			last = Math.max(last, final);
		}
		assert.ok(worked > 0);
		const { OperatorRewarded } = api.events.contributorStaking;
		const blocks = Array.from({ length: last - block + 1 }, (_, i) => chain.events(block + i));
		const earned = (await Promise.all(blocks)).flat()
			.filter((event) => OperatorRewarded.is(event) && event.data.operator.eq(operator.address))
			.map((event) => event.data.amount.toBigInt());
		assert.deepEqual(earned, Array(worked).fill(PRICE * 7n / 10n / 4n));
		const ledger = (await (await chain.at(last)).query.contributorStaking.ledgers(operator.address)).unwrap();
		assert.equal(ledger.earned.toBigInt(), earned.reduce((sum, amount) => sum + amount));
		assert.equal(ledger.obligations.toNumber(), 0);
	});
}
