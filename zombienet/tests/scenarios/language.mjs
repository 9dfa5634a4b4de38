// A language model is published and asked by text; what it says is what anyone computes from the same weights.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { LIMIT, TRIES, UNIT } from '../support/chain.mjs';
import { root } from '../support/node.mjs';
import { Tool } from '../support/tool.mjs';

/** Blocks from a request of 64 tokens until nobody can challenge the answer any more. */
const FINAL = 6;
const TOKENS = 64;
const PROMPT = 'It was a fine morning, and';
const folder = join(root, 'models/novels');

/** A prompt as the engine takes it: tokens, how many more, greedily, no stop tokens of its own. */
function encode(tokens, most) {
	const [greedy, stop] = [new Uint8Array([0]), compactToU8a(0)];
	const words = new Uint8Array(new Uint32Array([...tokens, most]).buffer);
	return u8aConcat(compactToU8a(tokens.length), words, greedy, stop);
}

export default function language(world) {
	let tool, cache, model;

	before(() => {
		cache = mkdtempSync(join(tmpdir(), 'dodona-language-'));
		tool = new Tool(world, { XDG_CACHE_HOME: cache });
	});

	after(() => {
		rmSync(cache, { recursive: true, force: true });
	});

	/** What the same weights say on this machine, to the same question. */
	const natively = (tokens, ...args) =>
		tool.succeeds('model', 'run', folder, '--tokens', tokens.join(','), ...args);

	/** The answer that all seats agree on. */
	function assertAgreed(answer) {
		assert.equal(answer.state, 'finalized');
		assert.deepEqual(answer.votes.map(({ agrees }) => agrees), [true, true, true, true]);
	}

	test('language model should be published with its tokenizer', LIMIT, async () => {
		const about = ['--name', 'novels', '--licence', 'CC0-1.0', '--price', '1'];
		const published = await tool.succeeds('model', 'publish', folder, ...about);
		assert.equal(published.state, 'active');
		({ model } = published);
		const { versions } = await tool.succeeds('model', 'show', 'novels');
		assert.ok(versions[0].tokenizer.size > 0);
		assert.deepEqual(versions[0].tokenizer, published.tokenizer);
		assert.notEqual(versions[0].tokenizer.root, versions[0].artifact.root);

		// Again: everything is there already, and nothing is sent twice.
		const again = await tool.succeeds('model', 'publish', folder, ...about);
		assert.equal(again.stored, 0);
		assert.equal(again.version, published.version);
	});

	test('tokens should be the same when another client asks', LIMIT, async () => {
		const { chain } = world;
		const prompt = [0, 7, 301];
		const asked = await chain.ask(chain.account('//Bob'), model, encode(prompt, 5));
		const { state } = await chain.reach(asked, 'Finalized');
		const output = new Uint8Array(await chain.output(asked, state));
		const { tokens } = await natively(prompt, '--max-tokens', '5');
		assert.deepEqual(output, new Uint8Array(new Uint32Array(tokens).buffer));
	});

	test('text should be what the model says natively when it is asked by text', LIMIT, async () => {
		const answer = await tool.succeeds('ask', 'novels', '--prompt', PROMPT, '--max-tokens', `${TOKENS}`);
		assertAgreed(answer);
		const here = await natively(answer.prompt_tokens, '--max-tokens', `${TOKENS}`);
		assert.deepEqual(answer.tokens, here.tokens);
		assert.equal(answer.text, here.text);
		assert.equal(answer.end, here.end);
		assert.ok(answer.tokens.length === TOKENS || answer.end === 'stop');
		assert.equal(answer.seed, null);

		// The tokens in the prompt are those that the folder's own tokenizer makes of it.
		const asText = await tool.succeeds('model', 'run', folder, '--prompt', PROMPT, '--max-tokens', '1');
		assert.deepEqual(answer.prompt_tokens, asText.prompt_tokens);
	});

	test('text should be what the seed says when tokens are drawn', LIMIT, async () => {
		const drawn = ['--max-tokens', '24', '--temperature', '0.8', '--top-k', '40', '--top-p', '0.95'];
		const seeded = [...drawn, '--seed', '1848'];
		const answer = await tool.succeeds('ask', 'novels', '--prompt', PROMPT, ...seeded);
		assertAgreed(answer);
		assert.equal(answer.seed, 1848);
		const here = await natively(answer.prompt_tokens, ...seeded);
		assert.deepEqual(answer.tokens, here.tokens);

		// Without one a seed is drawn, and said: with it anyone gets the same.
		const chance = await tool.succeeds('ask', 'novels', '--tokens', answer.prompt_tokens.join(','), ...drawn);
		const repeated = await natively(answer.prompt_tokens, ...drawn, '--seed', `${chance.seed}`);
		assert.deepEqual(chance.tokens, repeated.tokens);
		assert.equal(chance.text, repeated.text);
	});

	test(`${TOKENS} tokens should be final within ${FINAL} blocks`, LIMIT, async () => {
		const waits = [];
		// On a machine that has other things to do, a worker may miss a block now and then.
		while (waits.length < TRIES && !waits.some((blocks) => blocks <= FINAL)) {
			const drawn = ['--temperature', '0.8', '--seed', `${waits.length}`];
			const answer = await tool.succeeds('ask', 'novels', '--prompt', PROMPT, '--max-tokens', `${TOKENS}`, ...drawn);
			assertAgreed(answer);
			waits.push(answer.blocks.final - answer.blocks.request);
		}
		assert.ok(Math.min(...waits) <= FINAL, `final ${waits} blocks after the request`);
	});

	test('people should see the text first, then who agrees', LIMIT, async () => {
		const question = ['--prompt', PROMPT, '--max-tokens', '8'];
		const { text } = await tool.succeeds('model', 'run', folder, ...question);
		const { code, stdout } = await tool.run('ask', 'novels', ...question, '--no-wait-final');
		assert.equal(code, 0);
		// A terminal gets nothing that it would obey.
		const shown = text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
		assert.ok(stdout.startsWith(`${shown}\n\ntokens `), stdout);
		assert.match(stdout, /^votes\s+4 of 4 seats agree$/m);
	});

	test('question should be refused before it is sent when it makes no sense', LIMIT, async () => {
		const { api } = world.chain;
		const next = await api.query.inference.nextRequestId();
		const many = Array(300).fill(5).join(',');
		const cases = [
			[['--input', join(root, 'models/digits/seven.json')], 'WrongInput'],
			[['--tokens', many], 'WrongInput'],
			[['--tokens', '4000000'], 'WrongInput'],
			[['--prompt', PROMPT, '--max-tokens', '0'], 'WrongInput'],
			[['--prompt', PROMPT, '--max-tokens', '100000'], 'WrongInput'],
			[['--prompt', PROMPT, '--temperature', '1000'], 'WrongInput'],
		];
		for (const [args, reason] of cases) {
			const error = await tool.fails(2, 'ask', 'novels', ...args);
			assert.equal(error.reason, reason, args.join(' '));
			assert.ok(error.hint, args.join(' '));
		}
		// One question, no more and no less: clap says so, in its own words.
		for (const args of [[], ['--prompt', PROMPT, '--tokens', '1']]) {
			assert.equal((await tool.run('ask', 'novels', ...args)).code, 2);
		}
		assert.ok((await api.query.inference.nextRequestId()).eq(next));
	});

	test('chain should refuse a question that makes no sense, whoever sends it', LIMIT, async () => {
		const { chain } = world;
		const bob = chain.account('//Bob');
		const held = await chain.held(bob);
		for (const input of [
			new Uint8Array([1, 2, 3]),
			encode([], 5),
			encode([4_000_000], 5),
			encode([5], 0),
			encode([5], 300),
			u8aConcat(encode([5], 5), new Uint8Array(1)),
		]) {
			const call = chain.api.tx.inference.request(model, null, u8aToHex(input), 100n * UNIT);
			await assert.rejects(chain.send(call, bob), { reason: 'inference.InvalidInput' });
		}
		assert.equal(await chain.held(bob), held);
	});
}
