// A folder is published in spite of an interruption, and comes back byte for byte; lies are found out.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsHex, blake2AsU8a } from '@polkadot/util-crypto';
import { cidOf, files } from '../support/bitswap.mjs';
import { LIMIT } from '../support/chain.mjs';
import { artifactOf, artifactOfChunks, CHUNK, labelled, manifestOf, store } from '../support/digits.mjs';
import { write, writeTokenizer } from '../support/llama.mjs';
import { Tool } from '../support/tool.mjs';

const MIB = 1024 * 1024;
const NAME = 'library/writer';
const OWNER = ['--suri', '//Dave'];

export default function library(world) {
	let chain, api, dave, workplace, folder, tool, published;

	before(() => {
		({ chain } = world);
		({ api } = chain);
		dave = chain.account('//Dave');
		tool = new Tool(world);
		workplace = mkdtempSync(join(tmpdir(), 'dodona-library-'));
		folder = join(workplace, 'published');
		mkdirSync(folder);
		write(folder, 1729, { layers: 9, files: 2 });
		writeTokenizer(folder);
		writeFileSync(join(folder, 'README.md'), '# A model that writes\n\nNobody has trained it.\n');
	});

	after(() => {
		rmSync(workplace, { recursive: true, force: true });
	});

	/** What became of this account's stores from block `from` on: hashes, and how many were refused. */
	async function storesOf(account, from) {
		const { TransactionFeePaid } = api.events.transactionPayment;
		const [stored, refused] = [[], []];
		for (let block = from; block <= await chain.best(); block += 1) {
			const records = await (await chain.at(block)).query.system.events();
			const own = records.filter(({ event, phase }) => TransactionFeePaid.is(event)
				&& event.data.who.eq(account.address) && phase.isApplyExtrinsic);
			for (const { phase } of own) {
				const events = records.filter((record) => record.phase.eq(phase)).map(({ event }) => event);
				refused.push(...events.filter((event) => api.events.system.ExtrinsicFailed.is(event))
					.map((event) => chain.reason(event.data.dispatchError)));
				stored.push(...events.filter((event) => api.events.transactionStorage.Stored.is(event))
					.map((event) => event.data.contentHash.toHex()));
			}
		}
		return { stored, refused };
	}

	test('publishing should go on where it was killed', LIMIT, async (t) => {
		const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
		assert.ok(size >= 25 * MIB, `${size} bytes`);
		const publish = [...OWNER, 'model', 'publish', folder, '--name', NAME, '--licence', 'CC0-1.0', '--tag', 'random'];
		const { to_store: { chunks } } = await tool.succeeds(...publish, '--dry-run');
		assert.ok(chunks * MIB > size);

		const start = await chain.best() + 1;
		const interrupted = tool.start(...publish);
		// A few more are on their way then.
		await chain.follow('some chunks are stored', start, async (_, block) =>
			(await chain.events(block)).some((event) => api.events.transactionStorage.Stored.is(event)));
		interrupted.child.kill('SIGKILL');
		assert.equal((await interrupted.ended).code, 'SIGKILL');
		assert.equal((await tool.fails(1, 'model', 'show', NAME)).reason, 'UnknownModel');

		published = await tool.succeeds(...publish);
		const { stored, refused } = await storesOf(dave, start);
		assert.equal(published.state, 'active');
		assert.equal(stored.length, chunks);
		assert.equal(new Set(stored).size, chunks);
		assert.deepEqual(refused, [], 'nothing is sent twice');
		assert.ok(published.stored > 0 && published.stored < chunks, `${published.stored} of ${chunks}`);
		const { bytes, mib_per_second: rate } = published.upload;
		t.diagnostic(`killed after ${chunks - published.stored} of ${chunks} chunks; then ${(bytes / MIB).toFixed(1)} MiB stored at ${rate.toFixed(2)} MiB/s`);
	});

	test('folder should be the same when another client reads it from the chain', LIMIT, async (t) => {
		const { manifest } = (await api.query.modelRegistry.versions(published.model, published.version)).unwrap();
		const start = performance.now();
		const found = await files(world.node, manifest);
		const seconds = (performance.now() - start) / 1000;
		assert.deepEqual([...found.keys()].sort(), readdirSync(folder).sort());
		let size = 0;
		for (const [path, bytes] of found) {
			assert.ok(readFileSync(join(folder, path)).equals(bytes), path);
			size += bytes.length;
		}
		t.diagnostic(`${(size / MIB).toFixed(1)} MiB by bitswap_v1_get at ${(size / MIB / seconds).toFixed(2)} MiB/s`);
	});

	test('folder should come back, and be checked, by the tool', LIMIT, async (t) => {
		const copy = join(workplace, 'fetched');
		const { bytes, seconds } = await tool.succeeds('model', 'fetch', NAME, copy);
		t.diagnostic(`${(bytes / MIB).toFixed(1)} MiB fetched at ${(bytes / MIB / seconds).toFixed(2)} MiB/s`);
		await promisify(execFile)('diff', ['-r', folder, copy]);
		assert.equal((await tool.succeeds('model', 'verify', copy, NAME)).same, true);

		for (const name of ['README.md', 'model-00002-of-00002.safetensors']) {
			const path = join(copy, name);
			const whole = readFileSync(path);
			const changed = Buffer.from(whole);
			changed[changed.length - 1] ^= 1;
			writeFileSync(path, changed);
			assert.deepEqual(await differences(copy), { changed: [name], missing: [], extra: [] });
			writeFileSync(path, whole);
		}
		rmSync(join(copy, 'README.md'));
		writeFileSync(join(copy, 'virus.py'), '');
		assert.deepEqual(await differences(copy), { changed: [], missing: ['README.md'], extra: ['virus.py'] });
	});

	/** What `model verify` finds in a folder that is not the published one. */
	async function differences(copy) {
		const { code, stdout, stderr } = await tool.run('--json', 'model', 'verify', copy, NAME);
		assert.equal(code, 1, stderr);
		const { same, changed, missing, extra, error } = JSON.parse(stdout);
		assert.equal(same, false);
		assert.equal(error.reason, 'FolderDiffers');
		return { changed, missing, extra };
	}

	/** The bytes of a folder's artifact, for a folder of one file. */
	function folderOf(card) {
		const parts = [{ data: [0, card.length] }];
		const entry = { path: 'README.md', size: card.length, blake2_256: blake2AsHex(card), parts };
		return u8aConcat(stringToU8a(`${JSON.stringify({ format: 1, files: [entry] })}\n`), card);
	}

	/**
	 * Proposes versions whose folders may not be what they claim, each of a model of its own. Of each:
	 * its name, the folder's artifact, and the chunks that are stored for it.
	 */
	async function proposeFolders(owner, folders) {
		const weights = artifactOf(labelled(folders[0].name));
		const model = (await api.query.modelRegistry.nextModelId()).toNumber();
		const calls = folders.flatMap(({ name, folder }, i) => [
			api.tx.modelRegistry.register(name),
			api.tx.modelRegistry.proposeVersion(model + i, {
				...manifestOf(weights.artifact, 0),
				folder,
				// Only the first model with these weights need not say where they come from.
				derivedFrom: i > 0 ? { model, number: 1 } : null,
			}),
		]);
		const chunks = [...weights.stored, ...folders.flatMap(({ stored }) => stored)];
		const distinct = new Map(chunks.map((chunk) => [blake2AsHex(chunk), chunk]));
		await store(chain, owner, [...distinct.values()]);
		await chain.send(api.tx.utility.batchAll(calls), owner);
	}

	test('fetching should find out what is not as it was published', LIMIT, async () => {
		const card = new Uint8Array(CHUNK + 1000).fill(7);
		const content = folderOf(card);
		const honest = artifactOf(content);
		const [first, last] = honest.stored;
		const changed = first.slice();
		changed[CHUNK - 1] ^= 1;

		/** These chunks, under an index that has them in this order. */
		const consistent = (...chunks) => {
			const hashes = chunks.map((chunk) => blake2AsU8a(chunk));
			const { artifact, index } = artifactOfChunks(content.length, hashes);
			return { folder: artifact, stored: [...chunks, index] };
		};
		/** The honest folder, but with an index of these chunks. */
		const lying = (...chunks) => {
			const { folder: { index }, stored } = consistent(...chunks);
			return { folder: { ...honest.artifact, index }, stored };
		};
		/** A folder, but with something else said about it. */
		const said = ({ folder, stored }, about) => ({ folder: { ...folder, ...about }, stored });
		const lies = [
			['honest', consistent(first, last)],
			['reordered', lying(last, first), 'LyingIndex'],
			['duplicated', lying(first, first), 'LyingIndex'],
			['longer', lying(first, last, last), 'LyingIndex'],
			['shorter', lying(first), 'LyingIndex'],
			['4-gib', said(lying(first, last), { size: 2 ** 32, chunks: 4096 }), 'LyingIndex'],
			['as-said/reordered', consistent(last, first), 'MalformedArtifact'],
			['as-said/duplicated', said(consistent(first, first), { size: 2 * CHUNK }), 'ListingContradicted'],
			['as-said/corrupt', consistent(changed, last), 'ListingContradicted'],
			['as-said/truncated', consistent(first.subarray(0, -1), last), 'MalformedArtifact'],
		].map(([name, lie, reason]) => ({ ...lie, name: name.includes('/') ? name : `lies/${name}`, reason }));
		await proposeFolders(chain.account('//Ferdie'), lies);

		for (const { name, reason } of lies) {
			const to = join(workplace, name);
			if (!reason) {
				await tool.succeeds('model', 'fetch', `${name}@1`, to);
				assert.ok(readFileSync(join(to, 'README.md')).equals(card));
				continue;
			}
			const error = await tool.fails(1, 'model', 'fetch', `${name}@1`, to);
			assert.equal(error.reason, reason, name);
			assert.ok(error.hint, name);
			assert.ok(!existsSync(join(to, 'README.md')), name);
		}
	});

	test('mirror should be believed nothing but the right bytes', LIMIT, async () => {
		const card = new Uint8Array(1000).fill(8);
		const { artifact, stored: [chunk, index] } = artifactOf(folderOf(card));
		const name = 'mirrored';
		await proposeFolders(chain.account('//Charlie'), [{ name, folder: artifact, stored: [index] }]);

		let served;
		const mirror = createServer((request, response) => {
			const found = request.url === `/${cidOf(blake2AsU8a(chunk))}` && served;
			response.writeHead(found ? 200 : 404).end(found);
		}).listen(0, '127.0.0.1');
		try {
			await once(mirror, 'listening');
			const fetch = ['model', 'fetch', `${name}@1`, join(workplace, name), '--mirror'];
			const address = `http://127.0.0.1:${mirror.address().port}/`;
			const changed = chunk.slice();
			changed[chunk.length - 1] ^= 1;
			for (served of [undefined, changed, chunk.subarray(0, -1), u8aConcat(chunk, chunk), '']) {
				assert.equal((await tool.fails(1, ...fetch, address)).reason, 'ChunkUnavailable');
			}
			served = chunk;
			assert.equal((await tool.succeeds(...fetch, address)).chunks.mirrored, 1);
			assert.ok(readFileSync(join(workplace, name, 'README.md')).equals(card));
		} finally {
			mirror.close();
			mirror.closeAllConnections();
		}
	});
}
