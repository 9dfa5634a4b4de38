// A model of the commons gets another version: measured on chain, voted on, enacted; and is taken down.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { LIMIT, UNIT } from '../support/chain.mjs';
import { admit, answerOf, classOf, confused, encode, images, labelled, propose, publish } from '../support/digits.mjs';
import { HoldOut } from '../support/hold-out.mjs';
import { approve, enacted, submit } from '../support/referenda.mjs';
import { Tool } from '../support/tool.mjs';

const PRICE = UNIT;
const NAME = 'upgrade/digits';
/** Samples of an evaluation: as many as one transaction can reveal. */
const SAMPLES = 8;
/** Parts per billion. */
const MARGIN = 10_000_000;
const BILLION = 1_000_000_000;
/** Versions by number: one that takes threes for fives, the true one, and one that reads nothing. */
const VERSIONS = {
	1: confused('upgrade 1', [3, 5]),
	2: labelled('upgrade 2'),
	3: confused('upgrade 3', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
};
/** Images of the first hold-out set; and a three. */
const [measured, three] = [images.slice(0, 2 * SAMPLES), images[25]];

export default function upgrade(world) {
	let chain, api, alice, bob, charlie, eve, workplace, tool, model;

	before(() => {
		({ chain } = world);
		({ api } = chain);
		[alice, bob, charlie, eve] = ['//Alice', '//Bob', '//Charlie', '//Eve'].map(chain.account);
		workplace = mkdtempSync(join(tmpdir(), 'dodona-upgrade-'));
		tool = new Tool(world);
	});

	after(() => {
		rmSync(workplace, { recursive: true, force: true });
	});

	const versionOf = (number) => ({ model, number });
	const readAs = async (number, image) =>
		classOf(await answerOf(chain, VERSIONS[number], encode(image.input)));
	const states = () => Promise.all([1, 2, 3].map(async (number) => {
		const version = await api.query.modelRegistry.versions(model, number);
		return version.isSome && version.unwrap().state.type;
	}));

	/** What a version's score over these samples has to be. */
	async function scoreOf(number, samples) {
		const read = await Promise.all(samples.map((image) => readAs(number, image)));
		const right = read.filter((digit, i) => digit === samples[i].truth).length;
		return right * BILLION / samples.length;
	}

	/** Asks without a version; the answer has to be that of version `number`. */
	async function assertAnsweredBy(number) {
		const asked = await chain.ask(bob, model, encode(three.input));
		const { request, state } = await chain.reach(asked, 'Agreed', 'Finalized');
		assert.equal(request.version.number.toNumber(), number);
		assert.equal(classOf(await chain.output(asked, state)), await readAs(number, three));
	}

	/** The voters decide on what approves and activates this version. */
	const decideOn = (number) => submit(chain, charlie, 'ModelCurator', api.tx.utility.batchAll([
		api.tx.modelRegistry.approveVersion(versionOf(number)),
		api.tx.modelRegistry.activateVersion(versionOf(number)),
	]));

	test('scores should be on chain before anybody votes', LIMIT, async () => {
		model = await publish(chain, charlie, NAME, PRICE, VERSIONS[1]);
		await chain.send(api.tx.modelRegistry.donateToCommons(model), charlie);
		const set = new HoldOut(measured);
		const setHoldOut = api.tx.modelEvaluation.setHoldOut(
			model, set.root, measured.length, 'Accuracy', SAMPLES, MARGIN, bob.address);
		await assert.rejects(chain.send(setHoldOut, charlie), { reason: 'BadOrigin' });
		const commitment = await submit(chain, charlie, 'ModelCurator', setHoldOut);
		const [candidate] = await Promise.all([
			propose(chain, bob, model, PRICE, VERSIONS[2]),
			approve(chain, commitment, [alice, charlie]),
		]);
		const evaluate = (from, to, number = 2) =>
			api.tx.modelEvaluation.evaluate(versionOf(number), set.reveal(from, to), PRICE);
		const { admission } = await admit(chain, bob, candidate);
		assert.equal(admission, 'Reproduced');
		assert.equal((await enacted(chain, commitment)).refused, false);

		// Whoever copies samples out of the pool can't use them up for a version of no use.
		await assert.rejects(chain.send(evaluate(0, 1, 3), charlie), { reason: 'modelEvaluation.NotTheRevealer' });
		await assert.rejects(chain.send(evaluate(1, 2), bob), { reason: 'modelEvaluation.WrongSample' });
		// What was shown in vain is used up all the same.
		const { events } = await chain.send(evaluate(0, 1, 3), bob);
		const { data: failed } = events.find((event) => api.events.modelEvaluation.EvaluationFailed.is(event));
		assert.equal(api.registry.findMetaError(failed.error.asModule).name, 'NotProposed');
		const { block } = await chain.send(evaluate(1, 1 + SAMPLES), bob);
		const score = await chain.follow('both versions have a score', block, async (at) => {
			const { stage } = (await at.query.modelEvaluation.evaluations(versionOf(2))).unwrap().evaluation;
			return stage.isScored && stage.asScored;
		});
		const samples = measured.slice(1, 1 + SAMPLES);
		assert.equal(score.candidate.toNumber(), await scoreOf(2, samples));
		assert.equal(score.active.toNumber(), await scoreOf(1, samples));
		assert.ok(score.candidate.gt(score.active));
		assert.deepEqual(await states(), ['Active', 'Proposed', false]);
	});

	test('version should be in use for what is asked from its enactment on', LIMIT, async (t) => {
		assert.notEqual(await readAs(1, three), await readAs(2, three));
		const approval = api.tx.modelRegistry.approveVersion(versionOf(2));
		await assert.rejects(chain.send(approval, charlie), { reason: 'BadOrigin' });
		const start = Date.now();
		const referendum = await decideOn(2);
		await Promise.all([
			approve(chain, referendum, [alice], 'Locked2x'),
			approve(chain, referendum, [bob], 'Locked1x'),
		]);
		// While it is confirmed, somebody asks in each block.
		const asked = [];
		const { block, refused } = await enacted(chain, referendum, async (at) => {
			const info = (await at.query.referenda.referendumInfoFor(referendum.index)).unwrap();
			if (info.isApproved || info.asOngoing.deciding.unwrapOrDefault().confirming.isSome) {
				asked.push(await chain.ask(bob, model, encode(three.input)));
			}
		});
		const seconds = Math.round((Date.now() - start) / 1000);
		assert.equal(refused, false);
		assert.deepEqual(await states(), ['Deprecated', 'Active', false]);

		let inFlight = 0;
		for (const one of asked) {
			const { request, state, block: final } = await chain.reach(one, 'Finalized');
			const number = one.block < block ? 1 : 2;
			assert.equal(request.version.number.toNumber(), number, `asked in ${one.block}, enacted in ${block}`);
			assert.equal(classOf(await chain.output(one, state)), await readAs(number, three));
			inFlight += one.block < block && final > block ? 1 : 0;
		}
		assert.ok(inFlight > 0, 'one was asked before and answered after the enactment');
		await assertAnsweredBy(2);

		const blocks = block - referendum.block;
		t.diagnostic(`from submission to enactment: ${blocks} blocks, ${seconds} s; ${inFlight} requests in flight`);
	});

	test('worse version should stay out of use whatever the voters say', LIMIT, async () => {
		const file = (name, content) => {
			const path = join(workplace, name);
			writeFileSync(path, JSON.stringify(content));
			return path;
		};
		const voters = ['//Alice', '//Bob'];
		const vote = async ({ referendum: index }) => {
			const ayes = voters.map((voter) =>
				tool.succeeds('--suri', voter, 'gov', 'vote', `${index}`, 'aye', '--amount', '400000'));
			await Promise.all(ayes);
			return { index, block: await chain.best() };
		};
		const samples = file('samples.json', images.map(({ input, truth }) => ({ input, expected: truth })));
		const set = join(workplace, 'set.json');
		await tool.succeeds('gov', 'hold-out', 'make', samples, '--out', set);
		const about = ['--per-evaluation', `${SAMPLES}`, '--margin', '1%'];
		const { referendum: proposal } = await tool.succeeds('gov', 'hold-out', 'set', NAME, set, ...about);
		const commitment = await vote(proposal);
		await admit(chain, charlie, await propose(chain, charlie, model, PRICE, VERSIONS[3]));
		assert.equal((await enacted(chain, commitment)).refused, false);

		const evaluation = await tool.succeeds('gov', 'evaluate', `${NAME}@3`, set);
		assert.ok(evaluation.candidate < evaluation.active, JSON.stringify(evaluation));
		const proposed = await tool.succeeds('gov', 'propose-upgrade', `${NAME}@3`);
		assert.deepEqual(proposed.gate.closed, ['not_better']);
		const referendum = await vote(proposed);
		const { block, refused } = await enacted(chain, referendum);
		assert.equal(refused, 'modelEvaluation.NotBetter');
		const status = await tool.succeeds('gov', 'status', `${referendum.index}`);
		assert.equal(status.state, 'approved');
		assert.equal(status.tally.nays, '0');
		assert.deepEqual(status.enactment, { state: 'refused', block, reason: 'ModelEvaluation.NotBetter' });
		assert.deepEqual(await states(), ['Deprecated', 'Active', 'Proposed']);
		await assertAnsweredBy(2);

		// The vote had an effect, so it locks; the deposits are free.
		const refund = await tool.succeeds('gov', 'refund', `${referendum.index}`);
		assert.ok(BigInt(refund.submission) > 0n && BigInt(refund.decision) > 0n);
		assert.equal((await tool.fails(1, 'gov', 'refund', `${referendum.index}`)).reason, 'NoDeposit');
		const locked = await tool.fails(1, '--suri', voters[1], 'gov', 'unlock', `${referendum.index}`);
		assert.equal(locked.reason, 'StillLocked');
	});

	test('version should take no requests while it is suspended', LIMIT, async () => {
		const { inference, modelRegistry, utility } = api.tx;
		const suspend = modelRegistry.suspendVersion(versionOf(2), 'reads private letters');
		await assert.rejects(chain.send(suspend, bob), { reason: 'BadOrigin' });
		const [free, held] = [await chain.free(eve), await chain.held(eve)];
		// No committee can be drawn for this one before the suspension.
		const request = inference.request(model, null, u8aToHex(encode(three.input)), PRICE);
		const { block, events } = await chain.send(utility.batchAll([request, suspend]), eve);
		const { data } = events.find((event) => api.events.inference.Requested.is(event));
		assert.equal(data.fee.toBigInt(), PRICE);
		const { state } = await chain.reach({ id: data.request, block }, 'Failed');
		assert.equal(state.reason.type, 'VersionNotServed');
		assert.equal(await chain.held(eve), held);
		assert.equal(await chain.free(eve), free - chain.feeIn(events));

		const before = await chain.held(bob);
		await assert.rejects(chain.ask(bob, model, encode(three.input)), { reason: 'inference.UnknownModel' });
		const pinned = inference.request(model, 2, u8aToHex(encode(three.input)), PRICE);
		await assert.rejects(chain.send(pinned, bob), { reason: 'inference.VersionNotServed' });
		assert.equal(await chain.held(bob), before);
		const { state: suspended } = (await api.query.modelRegistry.versions(model, 2)).unwrap();
		assert.equal(suspended.asSuspended.reason.toUtf8(), 'reads private letters');

		// Who suspends does not decide: voters do.
		const lift = modelRegistry.liftSuspension(versionOf(2));
		await assert.rejects(chain.send(lift, eve), { reason: 'BadOrigin' });
		const referendum = await submit(chain, charlie, 'ModelGuardian', lift);
		await approve(chain, referendum, [alice, bob]);
		assert.equal((await enacted(chain, referendum)).refused, false);
		await assertAnsweredBy(2);
	});
}
