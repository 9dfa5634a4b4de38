// The command line tool against a real node.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { LIMIT, PROMPT, TRIES, UNIT } from '../support/chain.mjs';
import { artifactOf, folder, seven, weights } from '../support/digits.mjs';
import { Tool } from '../support/tool.mjs';

export default function commands(world) {
	const image = join(folder, 'seven.json');
	let workplace, tool;

	before(() => {
		workplace = mkdtempSync(join(tmpdir(), 'dodona-cli-'));
		tool = new Tool(world);
	});

	after(() => {
		rmSync(workplace, { recursive: true, force: true });
	});

	function file(name, content) {
		const path = join(workplace, name);
		writeFileSync(path, content);
		return path;
	}

	test('tool should publish a model and get the right answer from it', LIMIT, async () => {
		await tool.succeeds('model', 'publish', folder, '--price', '1');
		const models = await tool.succeeds('model', 'list');
		assert.ok(JSON.stringify(models).includes('"digits"'));

		const waits = [];
		// On a machine that has other things to do, a worker may miss a block now and then.
		while (waits.length < TRIES && !waits.some((blocks) => blocks <= PROMPT)) {
			const answer = await tool.succeeds('ask', 'digits', '--input', image);
			assert.equal(answer.answer, 7);
			assert.equal(answer.state, 'finalized');
			assert.equal(answer.votes.filter(({ agrees }) => agrees).length, 4);
			const { held, paid, refunded } = answer.fee;
			assert.equal(BigInt(paid) + BigInt(refunded), BigInt(held));
			waits.push(answer.blocks.agreed - answer.blocks.request);
		}
		assert.ok(Math.min(...waits) <= PROMPT, `agreed ${waits} blocks after the request`);

		const { code, stdout } = await tool.run('ask', 'digits', '--input', image, '--no-wait-final');
		assert.equal(code, 0);
		assert.match(stdout, /^answer\s+7$/m);
	});

	test('tool should show the chain and its workers', LIMIT, async () => {
		await tool.succeeds('status');
		await tool.succeeds('model', 'show', 'digits');
		const worker = await tool.succeeds('--suri', '//Worker//1', 'worker', 'status');
		assert.ok(JSON.stringify(worker).includes('active'));
	});

	test('tool should have a model kept, and say until when', LIMIT, async () => {
		await tool.succeeds('model', 'endow', 'digits', '5');
		const { endowment, parts, renewed } = await tool.succeeds('model', 'keep', 'digits');
		assert.equal(BigInt(endowment), 5n * UNIT);
		assert.deepEqual(parts.map(({ part }) => part), ['weights', 'folder']);
		assert.equal(renewed, 0, 'what was just stored is not due');
		const { versions: [{ kept_until: until }] } = await tool.succeeds('model', 'show', 'digits');
		const { chunks } = world.chain.api.query.transactionStorage;
		const ends = await Promise.all(artifactOf(weights).stored.map(async (chunk) =>
			(await chunks(blake2AsU8a(chunk))).unwrap().expiresAt.toNumber()));
		assert.equal(until, Math.min(...ends));
	});

	test('tool should say what to do when something is wrong', LIMIT, async () => {
		await tool.fails(2, 'ask', 'digits', '--input', file('short.json', JSON.stringify(seven.slice(1))));
		await tool.fails(2, 'ask', 'digits', '--input', file('words.json', '"seven"'));
		await tool.fails(2, 'ask', 'digits', '--input', join(workplace, 'nothing.json'));
		// Of another kind than the model takes, which is said.
		for (const question of [['--prompt', 'seven'], ['--tokens', '7']]) {
			const error = await tool.fails(2, 'ask', 'digits', ...question);
			assert.match(error.message, /takes 64 numbers/);
		}
		await tool.fails(2, 'ask', 'digits', '--input', image, '--temperature', '1');
		const unknown = await tool.fails(1, 'ask', 'nothing', '--input', image);
		assert.equal(unknown.reason, 'UnknownModel');
		assert.ok(unknown.hint);
		// Weights that are none: refused before anything is stored.
		const broken = file('broken.safetensors', 'no weights');
		const about = ['--name', 'broken', '--licence', 'MIT', '--architecture', 'mlp:64,10'];
		await tool.fails(2, 'model', 'publish', broken, ...about);
		const free = await tool.fails(2, 'model', 'publish', folder, '--licence', 'free');
		assert.equal(free.reason, 'InvalidLicence');
		const copied = ['model', 'publish', folder, '--name', 'copied'];
		const taken = await tool.fails(1, '--suri', '//Bob', ...copied);
		assert.equal(taken.reason, 'ArtifactTaken');
		assert.match(taken.hint, /--derived-from digits@1/);
		await tool.fails(3, '--url', 'ws://127.0.0.1:1', 'status');
	});
}
