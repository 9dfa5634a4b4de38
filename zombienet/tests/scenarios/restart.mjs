// A node, or the engine server beside it, dies in the middle of its workers' work, and comes back.
//
// The node that dies is the chain's only one: while it is dead there are no blocks, and no deadline
// comes closer. Workers can't be in another node than the author, since a development chain's blocks
// have no seal, and a node refuses those of its peers. Where the engine server dies, blocks go on.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Chain, Fault, LIMIT, UNIT } from '../support/chain.mjs';
import { classOf, encode as numbers, publish, seven } from '../support/digits.mjs';
import { Engine, EngineServer } from '../support/engine.mjs';
import { encode as prompt, LONGEST, write } from '../support/llama.mjs';
import { Node } from '../support/node.mjs';
import { Tool } from '../support/tool.mjs';

const TOKENS = [3, 1, 4];
/**
 * Blocks for a committee to commit in, and to reveal in: a node's own engine server may take long to
 * find the node when both have started again.
 */
const PERIOD = 100;
/** Blocks without an engine server. */
const WITHOUT = 2;

export default function restart(world) {
	let folder, tool;

	before(() => {
		folder = mkdtempSync(join(tmpdir(), 'dodona-restart-'));
		tool = new Tool(world);
	});

	after(() => {
		rmSync(folder, { recursive: true, force: true });
	});

	/** Runs `begin` when it is needed first. */
	function once(begin) {
		let result;
		return () => result ??= begin();
	}

	/** The models that are asked: `{ digits, writer }`. */
	const models = once(async () => {
		const { chain } = world;
		write(folder, 2718);
		const about = ['--name', 'restart-writer', '--licence', 'CC0-1.0', '--price', '1'];
		const [digits, { model: writer }] = await Promise.all([
			publish(chain, chain.account('//Dave'), 'restart/digits', UNIT),
			tool.succeeds('--suri', '//Charlie', 'model', 'publish', folder, ...about),
			chain.govern('Inference', { CommitPeriod: PERIOD, RevealPeriod: PERIOD }),
		]);
		return { digits, writer };
	});

	/** Asks for the longest answer; returns when the beginning of it is there. */
	async function askAtLength(seed) {
		const { chain } = world;
		const { writer } = await models();
		const engine = await Engine.of(chain);
		const { tokens, done } = (await engine.status()).counters;
		const asked = await chain.ask(chain.account('//Bob'), writer, prompt(TOKENS, LONGEST, seed));
		await engine.generates(tokens + LONGEST / 16);
		await assertNothingSaid(asked, await chain.best());

		/** The engine is at it, and at nothing else. */
		const assertUnfinished = async () => {
			const { jobs, counters } = await engine.status();
			assert.equal(jobs.running, 1);
			assert.equal(counters.done, done);
			assert.ok(counters.tokens < tokens + LONGEST);
		};
		return { ...asked, seed, assertUnfinished };
	}

	/** At this block, the first committee has said nothing yet. */
	async function assertNothingSaid(asked, block) {
		const { query } = await world.chain.at(block);
		const { attempt, state } = (await query.inference.requests(asked.id)).unwrap();
		assert.equal(attempt.toNumber(), 1);
		assert.ok(state.isCommitting, state.type);
		assert.ok(state.asCommitting.committee.every(({ status }) => status.isAssigned));
	}

	/** The first committee gives the right answer, in time. */
	async function assertAnswered(asked) {
		const { chain } = world;
		const { request, state, block } = await chain.reach(asked, 'Finalized');
		assert.equal(request.attempt.toNumber(), 1, 'the first committee answered');
		assert.ok(state.committee.every(({ status }) => status.isRevealed && status.asRevealed.eq(state.outcome)));
		const { Slashed, SlashDeferred, Struck } = chain.api.events.contributorStaking;
		const isPenalty = (event) => [Slashed, SlashDeferred, Struck].some((kind) => kind.is(event));
		for (let at = asked.block; at <= block; at += 1) {
			assert.ok(!(await chain.events(at)).some(isPenalty), `block ${at}`);
		}

		const question = ['--tokens', TOKENS.join(','), '--max-tokens', `${LONGEST}`];
		const drawn = ['--temperature', '1', '--seed', `${asked.seed}`];
		const { tokens } = await tool.succeeds('model', 'run', folder, ...question, ...drawn);
		assert.equal(tokens.length, LONGEST);
		const output = new Uint8Array(await chain.output(asked, state));
		assert.deepEqual(output, new Uint8Array(new Uint32Array(tokens).buffer));
	}

	/** The engine of now has computed one answer, and all of it. */
	async function assertComputedAgain() {
		const engine = await Engine.of(world.chain);
		const { done, tokens } = (await engine.status()).counters;
		assert.deepEqual({ done, tokens }, { done: 1, tokens: LONGEST });
	}

	/** The node is killed when one request waits for its reveals, and another is being answered. */
	const killed = once(async () => {
		const { chain, node } = world;
		const { digits } = await models();
		// Nothing may be revealed before the node is gone.
		await chain.setFaults(Fault.mute);
		const committed = await chain.ask(chain.account('//Bob'), digits, numbers(seven));
		const { state } = await chain.reach(committed, 'Revealing');
		assert.ok(state.committee.every(({ status }) => status.isCommitted));
		const unanswered = await askAtLength(1);
		const best = await chain.best();
		await chain.disconnect();
		await unanswered.assertUnfinished();
		await node.kill();

		world.node = await Node.start(node.folder);
		world.chain = await Chain.connect(world.node);
		await world.chain.setFaults(Fault.none);
		assert.ok(await world.chain.best() >= best, 'the chain goes on where it was');
		return { committed, unanswered };
	});

	test('generation should be final in its first attempt when its engine server is killed', LIMIT, async () => {
		const { chain, node } = world;
		await models();
		const own = await chain.engine();
		let server = await EngineServer.start(node);
		try {
			const asked = await askAtLength(0);
			await asked.assertUnfinished();
			await server.kill();
			await assert.rejects(server.status());
			const dead = await chain.best();
			await chain.follow('blocks without an engine server', dead, (_, block) => block >= dead + WITHOUT);
			await assertNothingSaid(asked, dead + WITHOUT);

			server = await EngineServer.start(node, server.folder);
			await assertAnswered(asked);
			await assertComputedAgain();
		} finally {
			await server.stop();
			await chain.setEngine(own);
		}
	});

	test('reveals should follow when the node is killed after the commitments', LIMIT, async () => {
		const { committed } = await killed();
		const { chain } = world;
		const { request, state } = await chain.reach(committed, 'Finalized');
		assert.equal(request.attempt.toNumber(), 1, 'the first committee answered');
		assert.ok(state.committee.every(({ status }) => status.isRevealed));
		assert.equal(classOf(await chain.output(committed, state)), 7);
	});

	test('generation should be final in its first attempt when the node is killed', LIMIT, async () => {
		const { unanswered } = await killed();
		await assertAnswered(unanswered);
		await assertComputedAgain();
	});
}
