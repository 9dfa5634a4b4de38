// Who gave something to a model gets a share of what it earns; who asked says what the answer was worth.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { LIMIT, PACE, UNIT } from '../support/chain.mjs';
import { encode, publish, seven } from '../support/digits.mjs';
import { Tool } from '../support/tool.mjs';

const PRICE = 10n * UNIT;
const NAME = 'contributions/digits';
/** Blocks of a round that ends. */
const ROUND = 40;

export default function contributions(world) {
	let chain, api, bob, charlie, dave, workplace, tool, model;

	before(async () => {
		({ chain } = world);
		({ api } = chain);
		[bob, charlie, dave] = ['//Bob', '//Charlie', '//Dave'].map(chain.account);
		workplace = mkdtempSync(join(tmpdir(), 'dodona-contributions-'));
		tool = new Tool(world, { XDG_STATE_HOME: workplace });
		model = await publish(chain, dave, NAME, PRICE);
	});

	after(async () => {
		rmSync(workplace, { recursive: true, force: true });
		await setRound(PACE.Feedback.RoundLength);
	});

	const setRound = (blocks) => chain.govern('Feedback', { RoundLength: blocks });

	const as = (who, ...command) => tool.succeeds('--suri', who, ...command);
	const list = () => tool.succeeds('contribution', 'list', NAME);

	/** Asks once, and waits until everybody is paid. */
	async function ask() {
		const asked = await chain.ask(bob, model, encode(seven), PRICE);
		return { ...asked, final: (await chain.reach(asked, 'Finalized')).block };
	}

	test('contributor should be paid its share of what the model earns', LIMIT, async () => {
		const file = join(workplace, 'data.csv');
		writeFileSync(file, '0,1,2\n');
		const held = await chain.held(charlie);
		const asks = ['propose', NAME, 'dataset', '--share', '25%', '--file', file];
		const { id, deposit, content } = await as('//Charlie', 'contribution', ...asks);
		assert.equal(content, u8aToHex(blake2AsU8a('0,1,2\n')));
		assert.equal(await chain.held(charlie), held + BigInt(deposit));
		assert.deepEqual((await list()).waiting.map((one) => [one.id, one.share]), [[id, 0.25]]);

		const accept = ['contribution', 'accept', `${id}`];
		const { reason } = await tool.fails(4, '--suri', '//Bob', ...accept);
		assert.equal(reason, 'ModelRegistry.NotOwner');
		await tool.fails(1, '--suri', '//Dave', ...accept, '--share', '26%');
		const { entry, share } = await as('//Dave', ...accept, '--share', '20%');
		assert.equal(share, 0.2);
		assert.equal(await chain.held(charlie), held);
		const granted = await list();
		assert.deepEqual(granted.waiting, []);
		assert.deepEqual(granted.shares.map((one) => [one.entry, one.holder, one.vested]),
			[[entry, charlie.address, 0.2]]);
		assert.equal(granted.remainder, 0.8);

		await ask();
		const [{ amount: waits }] = (await list()).undistributed;
		const owner = await chain.free(dave);
		const { versions: [paid] } = await as('//Bob', 'contribution', 'distribute', NAME);
		assert.equal(BigInt(paid.amount), BigInt(waits));
		const parts = [paid.shared, paid.passed_on, paid.remainder].map(BigInt);
		assert.equal(parts.reduce((sum, part) => sum + part), BigInt(paid.amount), 'nothing vanishes');
		const off = BigInt(paid.amount) / 5n - parts[0];
		assert.ok(off >= -1n && off <= 1n, `a fifth of ${paid.amount}, not ${parts[0]}`);
		assert.equal(await chain.free(dave), owner + parts[2]);

		const before = await chain.free(charlie);
		const claimed = await as('//Charlie', 'contribution', 'claim', NAME);
		const rounded = parts[0] - BigInt(claimed.amount);
		assert.ok(rounded >= 0n && rounded <= 1n, `${claimed.amount} of ${parts[0]}`);
		assert.equal(await chain.free(charlie), before + BigInt(claimed.amount) - BigInt(claimed.fees));
		const nothing = await tool.fails(1, '--suri', '//Charlie', 'contribution', 'claim', NAME);
		assert.equal(nothing.reason, 'Contributions.NothingToClaim');
	});

	test('rating should be secret in its round, and counted after the next', LIMIT, async () => {
		const asked = await ask();
		const id = `${asked.id}`;
		const other = await tool.fails(4, '--suri', '//Charlie', 'rate', id, 'bad');
		assert.equal(other.reason, 'Feedback.NotYourRequest');
		const held = await chain.held(bob);
		const rated = await as('//Bob', 'rate', id, 'good');
		assert.equal(rated.revealed, false);
		const open = await api.call.feedbackApi.rating(asked.id);
		assert.ok(open.unwrap().rating.isNone);
		const { stake, deposit } = open.unwrap();
		assert.equal(await chain.held(bob), held + stake.toBigInt() + deposit.toBigInt());
		const again = await tool.fails(1, '--suri', '//Bob', 'rate', id, 'good');
		assert.equal(again.reason, 'Feedback.AlreadyRated');

		// Another round begins now, and ends when it has been revealed.
		const from = await chain.best();
		await Promise.all([as('//Bob', 'rate', id, '--reveal', '--wait'), setRound(ROUND)]);
		const folder = join(workplace, 'dodona/ratings', api.genesisHash.toHex());
		assert.ok(!readdirSync(folder).includes(`${bob.address}-${id}.json`), 'it is secret no more');
		const { RatingSettled } = api.events.feedback;
		await chain.follow('the rating is settled', from, async (_, now) =>
			(await chain.events(now)).some((event) => RatingSettled.is(event) && event.data.request.eq(asked.id)));
		assert.equal(await chain.held(bob), held);
		const { good, bad } = await tool.succeeds('ratings', NAME);
		assert.deepEqual({ good, bad }, { good: 1, bad: 0 });
	});
}
