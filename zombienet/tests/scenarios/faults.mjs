// Workers misbehave: the answer stays right, or the fee comes back.

import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { Fault, LIMIT, seat, UNIT } from '../support/chain.mjs';
import { classOf, encode, publish, seven } from '../support/digits.mjs';

const PRICE = 2n * UNIT;

export default function faults(world) {
	let chain, bob, model, workers;

	before(async () => {
		({ chain } = world);
		bob = chain.account('//Bob');
		workers = chain.workers();
		model = await publish(chain, chain.account('//Alice'), 'faults/digits', PRICE);
	});

	afterEach(() => chain.setFaults(Fault.none));

	/** Asks while one worker has this fault; returns how it ended, and what each worker lost. */
	async function askWith(fault, culprit) {
		const before = await chain.bonds();
		await chain.setFaults(fault, [culprit]);
		const asked = await chain.ask(bob, model, encode(seven));
		const { state, block } = await chain.reach(asked, 'Finalized');
		assert.equal(classOf(await chain.output(asked, state)), 7, 'the answer is right');
		await chain.slashed(culprit.operator, block);
		const after = await chain.bonds();
		const losses = before.map((bond, i) => bond - after[i]);
		assert.ok(losses[workers.indexOf(culprit)] > 0n, 'the culprit is punished');
		assert.equal(losses.filter((loss) => loss > 0n).length, 1, 'nobody else is');
		return { state, said: seat(state, culprit.operator) };
	}

	test('answer should be right and the liar lose stake when one of four lies', LIMIT, async () => {
		const { state, said } = await askWith(Fault.lie, workers[0]);
		assert.ok(said.isRevealed);
		assert.ok(!said.asRevealed.eq(state.outcome), 'the liar named another outcome');
	});

	test('answer should be right when one worker goes silent after committing', LIMIT, async () => {
		const { said } = await askWith(Fault.mute, workers[1]);
		assert.ok(said.isCommitted);
	});

	test('answer should be right when one worker never commits', LIMIT, async () => {
		const { said } = await askWith(Fault.silent, workers[2]);
		assert.ok(said.isAssigned);
	});

	test('fee should come back to the last unit when all workers are silent', LIMIT, async () => {
		const bonded = await chain.bonds();
		await chain.setFaults(Fault.silent);
		const [free, held] = [await chain.free(bob), await chain.held(bob)];
		const asked = await chain.ask(bob, model, encode(seven));
		assert.equal(await chain.held(bob), held + PRICE);
		await chain.reach(asked, 'Failed');
		assert.equal(await chain.held(bob), held);
		assert.equal(await chain.free(bob), free - chain.feeIn(asked.events));
		assert.deepEqual(await chain.bonds(), bonded, 'nobody is punished');
	});
}
