// The command line tool against a real node.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LIMIT, PROMPT } from '../support/chain.mjs';
import { folder, seven } from '../support/digits.mjs';
import { cli } from '../support/node.mjs';

export default function tool(world) {
	const image = join(folder, 'seven.json');
	let workplace;

	before(() => {
		workplace = mkdtempSync(join(tmpdir(), 'dodona-cli-'));
	});

	after(() => {
		rmSync(workplace, { recursive: true, force: true });
	});

	/** Runs the tool; returns its exit code and what it printed. */
	function dodona(...args) {
		const env = { ...process.env, DODONA_URL: world.node.ws };
		return new Promise((ended) => {
			execFile(cli, args, { env }, (error, stdout, stderr) => {
				ended({ code: error ? error.code : 0, stdout, stderr });
			});
		});
	}

	/** Runs the tool, which must succeed; returns its JSON. */
	async function succeeds(...args) {
		const { code, stdout, stderr } = await dodona('--json', ...args);
		assert.equal(code, 0, `dodona ${args.join(' ')}: ${stderr}`);
		return JSON.parse(stdout);
	}

	/** Runs the tool, which must fail with this exit code; returns its JSON. */
	async function fails(code, ...args) {
		const result = await dodona('--json', ...args);
		assert.equal(result.code, code, `dodona ${args.join(' ')}: ${result.stdout} ${result.stderr}`);
		const { error } = JSON.parse(result.stdout);
		assert.ok(error.message);
		return error;
	}

	function file(name, content) {
		const path = join(workplace, name);
		writeFileSync(path, content);
		return path;
	}

	test('tool should publish a model and get the right answer from it', LIMIT, async () => {
		await succeeds('model', 'publish', folder, '--price', '1');
		const models = await succeeds('model', 'list');
		assert.ok(JSON.stringify(models).includes('"digits"'));

		const answer = await succeeds('ask', 'digits', '--input', image);
		assert.equal(answer.answer, 7);
		assert.equal(answer.state, 'finalized');
		assert.equal(answer.votes.filter(({ agrees }) => agrees).length, 4);
		const blocks = answer.blocks.agreed - answer.blocks.request;
		assert.ok(blocks <= PROMPT, `agreed ${blocks} blocks after the request`);
		const { held, paid, refunded } = answer.fee;
		assert.equal(BigInt(paid) + BigInt(refunded), BigInt(held));

		const { code, stdout } = await dodona('ask', 'digits', '--input', image, '--no-wait-final');
		assert.equal(code, 0);
		assert.match(stdout, /^answer\s+7$/m);
	});

	test('tool should show the chain and its workers', LIMIT, async () => {
		await succeeds('status');
		await succeeds('model', 'show', 'digits');
		const worker = await succeeds('--suri', '//Worker//1', 'worker', 'status');
		assert.ok(JSON.stringify(worker).includes('active'));
	});

	test('tool should say what to do when something is wrong', LIMIT, async () => {
		await fails(2, 'ask', 'digits', '--input', file('short.json', JSON.stringify(seven.slice(1))));
		await fails(2, 'ask', 'digits', '--input', file('words.json', '"seven"'));
		await fails(2, 'ask', 'digits', '--input', join(workplace, 'nothing.json'));
		const unknown = await fails(1, 'ask', 'nothing', '--input', image);
		assert.equal(unknown.reason, 'UnknownModel');
		assert.ok(unknown.hint);
		// Weights that are none: refused before anything is stored.
		const broken = file('broken.safetensors', 'no weights');
		const about = ['--name', 'broken', '--licence', 'MIT', '--architecture', 'mlp:64,10'];
		await fails(1, 'model', 'publish', broken, ...about);
		await fails(3, '--url', 'ws://127.0.0.1:1', 'status');
	});
}
