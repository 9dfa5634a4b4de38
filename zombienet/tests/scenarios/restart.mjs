// A node dies between its workers' commitments and reveals, and comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chain, Fault, LIMIT, UNIT } from '../support/chain.mjs';
import { classOf, encode, publish, seven } from '../support/digits.mjs';
import { Node } from '../support/node.mjs';

export default function restart(world) {
	test('reveals should follow when the node is killed after the commitments', LIMIT, async () => {
		const setFaults = (chain, fault) =>
			Promise.all(chain.workers().map(({ hotKey }) => chain.setFault(hotKey, fault)));
		const { chain, node } = world;
		const model = await publish(chain, chain.account('//Alice'), 'restart/digits', UNIT);
		// Nothing may be revealed before the node is gone.
		await setFaults(chain, Fault.mute);
		const asked = await chain.ask(chain.account('//Bob'), model, encode(seven));
		const revealing = await chain.reach(asked, 'Revealing');
		assert.ok(revealing.state.committee.every((seat) => seat.status.isCommitted));
		await chain.disconnect();
		await node.kill();

		world.node = await Node.start(node.folder);
		const risen = world.chain = await Chain.connect(world.node);
		await setFaults(risen, Fault.none);
		assert.ok(await risen.best() >= revealing.block, 'the chain goes on where it was');
		const { request, state } = await risen.reach(asked, 'Finalized');
		assert.equal(request.attempt.toNumber(), 1, 'the first committee answered');
		assert.ok(state.committee.every((seat) => seat.status.isRevealed));
		assert.equal(classOf(await risen.output(asked, state)), 7);
	});
}
