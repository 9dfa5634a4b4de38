// A whole committee says the same wrong thing, and one outsider with a bond makes the truth win.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, test } from 'node:test';
import { corrupt, Fault, LIMIT, UNIT } from '../support/chain.mjs';
import { classOf, encode, publish, seven } from '../support/digits.mjs';
import { Tool } from '../support/tool.mjs';
import { fileOf, numbers, tensor } from '../support/weights.mjs';

const PRICE = 2n * UNIT;
/** Blocks in which a result can be challenged: enough to compute it again. */
const WINDOW = 30;
/** Blocks that a dispute may take. */
const LONG = 300;
/** A perceptron of more than the mebibyte that the runtime takes at once: disputes over it are played. */
const WIDE = [64, 8192, 10];
const WIDE_NAME = 'disputes/wide';

export default function disputes(world) {
	let chain, bob, eve, workers, folder, watch, model;

	before(async () => {
		({ chain } = world);
		[bob, eve] = ['//Bob', '//Eve'].map((uri) => chain.account(uri));
		workers = chain.workers();
		folder = mkdtempSync(join(tmpdir(), 'dodona-disputes-'));
		await setWindow(WINDOW);
	});

	afterEach(async () => {
		watch?.child.kill();
		await chain.setFaults(Fault.none);
	});

	after(async () => {
		await setWindow(1);
		rmSync(folder, { recursive: true, force: true });
	});

	const setWindow = (blocks) => chain.govern('Inference', { ChallengePeriod: blocks });
	const wealth = async (account) => await chain.free(account) + await chain.held(account);

	/** Has Eve watch over a model, and waits until she does; returns what she said so far, which grows. */
	async function watchOver(model, ...more) {
		const tool = new Tool(world, { XDG_CACHE_HOME: folder });
		const aims = ['--challenge', '--budget', '1000', '--models', model];
		watch = tool.start('--suri', '//Eve', '--json', 'watch', ...aims, ...more);
		const said = [];
		const lines = createInterface({ input: watch.child.stdout });
		lines.on('line', (line) => said.push(JSON.parse(line)));
		watch.ended.then(({ code, stderr }) => watch.child.killed || console.log(`watch: ${code} ${stderr}`));
		await Promise.race([once(lines, 'line'), watch.ended]);
		return said;
	}

	/** The outcome that a request ends with, once nobody can be punished for it any more, and how many steps the runtime executed. */
	async function result(asked) {
		const { StepExecuted } = chain.api.events.inference;
		let executed = 0;
		const final = await chain.follow(`request ${asked.id}: a result`, asked.block, async (at, block) => {
			const { state } = (await at.query.inference.requests(asked.id)).unwrap();
			assert.ok(!state.isFailed, 'it has an answer');
			executed += (await at.query.system.events()).filter(({ event }) => StepExecuted.is(event)).length;
			return state.isFinalized && { block, outcome: state.asFinalized.outcome };
		}, LONG);
		await Promise.all(workers.map(({ operator }) => chain.slashed(operator, final.block)));
		return { outcome: final.outcome, executed };
	}

	/** Asks a model that all workers answer wrongly; returns the result, and what Eve said. */
	async function askLiars(model, name, fault) {
		const said = await watchOver(name);
		const [before, rich] = [await chain.bonds(), await wealth(eve)];
		await chain.setFaults(fault);
		const asked = await chain.ask(bob, model, encode(seven));
		const { outcome, executed } = await result(asked);
		const after = await chain.bonds();
		after.forEach((bond, i) => assert.ok(bond < before[i], `worker ${i + 1} is punished`));
		assert.ok(await wealth(eve) > rich, 'the challenger profits');
		const output = (await chain.api.query.inference.outputs(asked.id, outcome)).unwrap();
		return { output, executed, said: said.filter(({ request }) => request === asked.id.toNumber()) };
	}

	test('truth should win at once when the runtime can run the model itself', LIMIT, async () => {
		const name = 'disputes/digits';
		const digits = await publish(chain, chain.account('//Alice'), name, PRICE);
		const { output, said } = await askLiars(digits, name, Fault.lie);
		assert.equal(classOf(output), 7, 'the answer is right');
		const events = said.map(({ event }) => event);
		assert.ok(events.includes('challenged') && events.includes('adjudicated'), `${events}`);
	});

	test('truth should win step by step when the model is too large for that', LIMIT, async () => {
		const path = join(folder, 'model.safetensors');
		writeFileSync(path, wide());
		const tool = new Tool(world);
		const about = ['--name', WIDE_NAME, '--licence', 'CC0-1.0', '--price', '2', '--architecture', `mlp:${WIDE}`];
		({ model } = await tool.succeeds('model', 'publish', path, ...about));
		const { output, said, executed } = await askLiars(model, WIDE_NAME, corrupt('product', 1));
		await chain.setFaults(Fault.none);
		const image = join(folder, 'seven.json');
		writeFileSync(image, JSON.stringify(seven));
		const honest = await tool.succeeds('ask', WIDE_NAME, '--input', image);
		assert.equal(classOf(output), honest.answer, 'the answer is what honest workers say');
		const moves = said.filter(({ event }) => event === 'moved').map(({ move }) => move);
		assert.equal(moves[0], 'open');
		assert.ok(moves.includes('descend'), `${moves}`);
		// The other side may have been faster to have the step executed.
		assert.equal(executed, 1);
		const largest = Math.max(...said.map(({ bytes }) => bytes ?? 0));
		assert.ok(largest < 1024 * 1024, `a move of ${largest} bytes`);
	});

	test('lying challenger should lose its bond when the workers stand up for their answer', LIMIT, async () => {
		const said = await watchOver(WIDE_NAME, '--plant', 'product,1,0');
		const [before, rich] = [await chain.bonds(), await wealth(eve)];
		const asked = await chain.ask(bob, model, encode(seven));
		const { code } = await watch.ended;
		assert.equal(code, 1, 'the challenger is told that it has lost');
		assert.equal(said.at(-1).event, 'lost');
		await result(asked);
		(await chain.bonds()).forEach((bond, i) => assert.equal(bond, before[i], `worker ${i + 1} is not punished`));
		assert.ok(await wealth(eve) < rich, 'the bond is gone');
	});
}

/** Weights of the wide perceptron, of numbers that look random. */
function wide() {
	const next = numbers(1);
	return fileOf(WIDE.slice(1).flatMap((outputs, layer) => {
		const inputs = WIDE[layer];
		const value = () => (2 * next() - 1) / Math.sqrt(inputs);
		return [
			tensor(`layers.${layer}.bias`, [outputs], value),
			tensor(`layers.${layer}.weight`, [outputs, inputs], value),
		];
	}));
}
