// Nobody challenges anything here: the chain itself has some results looked at again.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Fault, LIMIT, UNIT } from '../support/chain.mjs';
import { classOf, encode, publish, seven } from '../support/digits.mjs';
import { Tool } from '../support/tool.mjs';

const NAME = 'audits/digits';
const PRICE = 2n * UNIT;
/** Seats of a committee, so that there are as many others for a second one. */
const PAIR = 2;
/** All results, in parts of a thousand million. */
const ALL = 1_000_000_000;
/** Blocks in which a result can be challenged: enough to give the workers other orders. */
const WINDOW = 15;
/** Blocks that two committees and a dispute may take. */
const LONG = 200;

export default function audits(world) {
	let chain, bob, dave, workers, tool, folder, image, model, usual;

	before(async () => {
		({ chain } = world);
		[bob, dave] = ['//Bob', '//Dave'].map((uri) => chain.account(uri));
		workers = chain.workers();
		folder = mkdtempSync(join(tmpdir(), 'dodona-audits-'));
		tool = new Tool(world, { XDG_CACHE_HOME: folder });
		image = join(folder, 'seven.json');
		writeFileSync(image, JSON.stringify(seven));
		const { auditRate, challengePeriod, committeeSize } = chain.api.consts.inference;
		usual = { AuditRate: auditRate, ChallengePeriod: challengePeriod, CommitteeSize: committeeSize };
		model = await publish(chain, dave, NAME, PRICE);
	});

	afterEach(async () => {
		await chain.setFaults(Fault.none);
		await chain.govern('Inference', usual);
	});

	after(() => rmSync(folder, { recursive: true, force: true }));

	const audited = () => chain.govern('Inference', { AuditRate: ALL, ChallengePeriod: WINDOW, CommitteeSize: PAIR });

	/** The first event of this kind that is about a request. */
	const event = (kind, asked) => chain.follow(`request ${asked.id}: ${kind}`, asked.block, async (at) => {
		const events = await at.query.system.events();
		const found = events.find(({ event }) => chain.api.events.inference[kind].is(event) && event.data.request.eq(asked.id));
		return found?.event.data;
	}, LONG);

	/** How a request ended, once nobody can be punished for it any more, and which workers were. */
	async function ended(asked, before) {
		const { state, block } = await chain.follow(`request ${asked.id}: a result`, asked.block, async (at, block) => {
			const { state } = (await at.query.inference.requests(asked.id)).unwrap();
			assert.ok(!state.isFailed, 'it has an answer');
			return state.isFinalized && { state: state.asFinalized, block };
		}, LONG);
		await Promise.all(workers.map(({ operator }) => chain.slashed(operator, block)));
		const after = await chain.bonds();
		return { state, punished: workers.filter((_, i) => after[i] < before[i]) };
	}

	test('answer should be final when a second committee says the same', LIMIT, async () => {
		await audited();
		const before = await chain.bonds();
		const answer = await tool.succeeds('--suri', '//Bob', 'ask', NAME, '--input', image);
		assert.equal(answer.answer, 7);
		assert.ok(answer.blocks.audit > answer.blocks.agreed, 'the tool tells an audit from another attempt');
		const asked = { id: chain.api.createType('u64', answer.request), block: answer.blocks.request };
		assert.equal((await event('AuditPassed', asked)).votes.toNumber(), PAIR);
		const { state, punished } = await ended(asked, before);
		const seats = state.committee.filter(({ status }) => status.isRevealed && status.asRevealed.eq(state.outcome));
		assert.equal(new Set(seats.map(({ operator }) => operator.toString())).size, 2 * PAIR, 'nobody sits in both');
		assert.deepEqual(punished, []);
	});

	test('truth should win when only the second committee tells it', LIMIT, async () => {
		await audited();
		const before = await chain.bonds();
		await chain.setFaults(Fault.lie);
		const asked = await chain.ask(bob, model, encode(seven));
		const { state: agreed } = await chain.reach(asked, 'Agreed');
		await chain.setFaults(Fault.none);
		const { state, punished } = await ended(asked, before);
		assert.equal(classOf(await chain.output(asked, state)), 7, 'the answer is right');
		assert.ok(!state.outcome.eq(agreed.outcome), 'the first committee agreed on another');
		const liars = agreed.committee.map(({ operator }) => operator.toString()).sort();
		assert.equal(liars.length, PAIR);
		assert.deepEqual(punished.map(({ operator }) => operator.address).sort(), liars);
	});

	test('idle block should confirm or correct the answers of weights in the state', LIMIT, async () => {
		await chain.govern('Inference', { AuditRate: 0, ChallengePeriod: WINDOW });
		const held = await chain.held(dave);
		const { deposit } = await tool.succeeds('--suri', '//Dave', 'model', 'reside', NAME);
		assert.equal(await chain.held(dave), held + BigInt(deposit));

		const honest = await chain.ask(bob, model, encode(seven));
		await event('Confirmed', honest);
		assert.deepEqual((await ended(honest, await chain.bonds())).punished, []);

		const before = await chain.bonds();
		await chain.setFaults(Fault.lie);
		const [free, hold] = [await chain.free(bob), await chain.held(bob)];
		const asked = await chain.ask(bob, model, encode(seven));
		const { state, punished } = await ended(asked, before);
		assert.equal(classOf(await chain.output(asked, state)), 7, 'the answer is right');
		assert.equal(punished.length, workers.length, 'all that lied are punished, though nobody challenged');
		const cost = free + hold - await chain.free(bob) - await chain.held(bob);
		assert.ok(cost - chain.feeIn(asked.events) < PRICE, 'the part of the seats goes back');

		const error = await tool.fails(4, '--suri', '//Bob', 'model', 'unreside', NAME);
		assert.equal(error.reason, 'Inference.NotYourResident');
		await tool.succeeds('--suri', '//Dave', 'model', 'unreside', NAME);
		assert.equal(await chain.held(dave), held, 'the deposit is back');
	});
}
