// Somebody delegates to a worker: earns with it, answers with it, and leaves again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fault, LIMIT, PACE, UNIT } from '../support/chain.mjs';
import { encode, publish, seven } from '../support/digits.mjs';
import { Tool } from '../support/tool.mjs';

const PRICE = 10n * UNIT;
const DELEGATED = 5_000n * UNIT;
/** Parts per billion. */
const BILLION = 1_000_000_000n;
/** What the worker keeps: at first, and as it is raised. */
const [COMMISSION, RAISED] = [50_000_000n, 100_000_000n];
const PERCENT = { [COMMISSION]: '5%', [RAISED]: '10%' };

/** Periods by which who leaves waits until the longest dispute is over: short ones, and those of here. */
const [SHORT, USUAL] = [
	{ CommitPeriod: 5, RevealPeriod: 5, MovePeriod: 1, DrawPeriod: 5 },
	{ ...PACE.Inference, DrawPeriod: 40 },
];

export default function economy(world) {
	let chain, api, bob, charlie, worker, operator, model, tool, parts;
	/** The first block of all this, and the one in which a part of the stake can leave. */
	let start, free;

	const part = (fraction, amount) => fraction * amount / BILLION;
	const asOwner = (...command) => tool.succeeds('--suri', '//Charlie', 'stake', ...command);
	const asWorker = (...command) => tool.succeeds('--suri', '//Worker//4', 'worker', ...command);
	const delegation = async () => (await asOwner('show')).delegations.find((one) => one.operator === operator);
	const setEra = (blocks = PACE.Staking.EraLength) => chain.govern('Staking', { EraLength: blocks });
	const isNear = (actual, expected, what) => {
		const off = BigInt(actual) - BigInt(expected);
		// Shares round, each time against whoever moves.
		assert.ok(off >= -4n && off <= 4n, `${what}: ${actual}, not ${expected}`);
	};

	/** The staking pallet's events of this kind about the worker, in these blocks, each with its block. */
	async function events(kind, from, to) {
		const type = api.events.contributorStaking[kind];
		const found = [];
		for (let block = from; block <= to; block += 1) {
			for (const { data } of (await chain.events(block)).filter((event) => type.is(event))) {
				if (!data.operator || data.operator.eq(operator)) {
					found.push({ block, data });
				}
			}
		}
		return found;
	}

	/** What the worker has bonded and what it is delegated, and what all shares are worth. */
	async function stakeAt(block) {
		const { ledgers, pools } = (await chain.at(block)).query.contributorStaking;
		const [ledger, pool] = [(await ledgers(operator)).unwrap(), (await pools(operator)).unwrap()];
		return {
			own: ledger.bonded.toBigInt(),
			delegated: ledger.delegated.toBigInt(),
			worth: pool.shares.balance.toBigInt(),
		};
	}

	/** Asks, and returns the block in which all seats are paid. */
	async function ask() {
		const asked = await chain.ask(bob, model, encode(seven), PRICE);
		return { asked, ...await chain.reach(asked, 'Finalized') };
	}

	/** What the delegators get of a seat's earnings that were paid in this block. */
	async function delegatorsPart(earned, block, commission) {
		const { own, delegated } = await stakeAt(block - 1);
		const shared = earned * delegated / (own + delegated);
		return shared - part(commission, shared);
	}

	before(async () => {
		({ chain } = world);
		({ api } = chain);
		[bob, charlie] = ['//Bob', '//Charlie'].map(chain.account);
		worker = chain.workers()[3];
		operator = worker.operator.address;
		tool = new Tool(world);
		const { inference } = api.consts;
		parts = PRICE * inference.workerShare.toBigInt() / BILLION / BigInt(inference.committeeSize);
		model = await publish(chain, chain.account('//Dave'), 'economy/digits', PRICE);
	});

	after(async () => {
		await chain.setFault(worker.hotKey, Fault.none);
		await setEra();
	});

	test('delegator should earn little by little when its worker answers', LIMIT, async () => {
		const { pool } = await asWorker('commission', PERCENT[COMMISSION]);
		assert.equal(pool.commission, 0.05);
		assert.equal(pool.raise, null, 'nobody has to be warned');
		const { operators } = await tool.succeeds('stake', 'operators');
		const listed = operators.find((one) => one.operator === operator);
		assert.equal(listed.commission, 0.05);
		assert.ok(listed.active && BigInt(listed.room) > DELEGATED);

		const delegated = await asOwner('delegate', operator, `${DELEGATED / UNIT}`);
		start = delegated.block;
		assert.equal(BigInt(delegated.pool.delegated), DELEGATED);
		assert.equal(delegated.pool.delegators, 1);
		assert.equal(BigInt((await delegation()).claimable), 0n);

		const { state, block } = await ask();
		assert.ok(state.committee.some((seat) => seat.operator.eq(operator) && seat.status.isRevealed));
		const [{ data }, ...others] = await events('DelegatorsRewarded', start, block);
		assert.equal(others.length, 0);
		const earned = data.amount.toBigInt();
		assert.equal(earned, await delegatorsPart(parts, block, COMMISSION));
		const period = api.consts.contributorStaking.dripPeriod.toNumber();
		const due = async (at) =>
			(await at.call.contributorStakingApi.pendingRewards(charlie.address)).toBigInt();
		await chain.follow('all of it is due', block, async (at, now) => {
			const passed = BigInt(Math.min(now - block, period));
			isNear(await due(at), earned * passed / BigInt(period), `due in block ${now}`);
			return now >= block + period;
		});

		const before = await chain.free(charlie);
		const claim = await asOwner('claim');
		isNear(claim.amount, earned, 'claimed');
		assert.equal(await chain.free(charlie), before + BigInt(claim.amount) - BigInt(claim.fees));
		const error = await tool.fails(1, '--suri', '//Charlie', 'stake', 'claim');
		assert.equal(error.reason, 'ContributorStaking.NothingToClaim');
	});

	test('raise of a commission should be seen before it holds', LIMIT, async () => {
		const { pool: { commission, raise } } = await asWorker('commission', PERCENT[RAISED]);
		assert.equal(commission, 0.05);
		assert.equal(raise.commission, 0.1);
		const more = ['delegate', operator, '100', '--max-commission', PERCENT[COMMISSION]];
		const error = await tool.fails(1, '--suri', '//Charlie', 'stake', ...more);
		assert.equal(error.reason, 'ContributorStaking.CommissionTooHigh');
		const most = Number(COMMISSION);
		const delegate = api.tx.contributorStaking.delegate(operator, 100n * UNIT, most);
		await assert.rejects(chain.send(delegate, charlie), { reason: 'contributorStaking.CommissionTooHigh' });

		// A part leaves, which takes a while: the rest of this goes on beside it.
		await chain.govern('Inference', SHORT);
		const leaving = await asOwner('undelegate', operator, `${DELEGATED / UNIT / 2n}`)
			.finally(() => chain.govern('Inference', USUAL));
		free = leaving.from_block;
		assert.equal(BigInt(leaving.active), DELEGATED / 2n);
		const early = await tool.fails(1, '--suri', '//Charlie', 'stake', 'withdraw');
		assert.equal(early.reason, 'ContributorStaking.NothingToWithdraw');

		const before = await ask();
		assert.ok(before.block < raise.from_block, 'it is asked before the raise holds');
		const rewards = await events('DelegatorsRewarded', before.asked.block, before.block);
		assert.deepEqual(rewards.map(({ data }) => data.amount.toBigInt()),
			[await delegatorsPart(parts, before.block, COMMISSION)]);
	});

	test('delegator should lose its part when its worker does not answer', LIMIT, async () => {
		const { strikes } = (await api.call.contributorStakingApi.operator(operator)).unwrap();
		await chain.setFault(worker.hotKey, Fault.silent);
		const { asked, block } = await ask();
		await chain.setFault(worker.hotKey, Fault.none);
		const [struck] = await events('Struck', asked.block, block);
		assert.equal(struck.data.strikes.toNumber(), strikes.toNumber() + 1);
		const [{ data: { id, fraction, offence, due } }] = await events('SlashDeferred', asked.block, block);
		assert.ok(offence.isNoShow);
		const { slashes: [waiting] } = await tool.succeeds('stake', 'pool', operator);
		if (waiting) {
			assert.equal(waiting.id, id.toNumber());
			assert.equal(waiting.due, due.toNumber());
		}

		const slashed = await chain.follow('the slash applies', due.toNumber(), async (_, now) =>
			(await events('Slashed', now, now))[0]);
		assert.ok(slashed.data.fraction.eq(fraction));
		const { own, worth } = await stakeAt(slashed.block - 1);
		assert.equal(slashed.data.own.toBigInt(), part(fraction.toBigInt(), own));
		const lost = slashed.data.delegated.toBigInt();
		assert.equal(lost, part(fraction.toBigInt(), worth));
		assert.ok(lost > 0n);

		// What leaves and what stays answer alike; the treasury collects it when it is asked to.
		const { active, unbonding: [leaving], held, uncollected } = await delegation();
		isNear(active, DELEGATED / 2n - lost / 2n, 'what stays');
		isNear(leaving.amount, DELEGATED / 2n - lost / 2n, 'what leaves');
		isNear(uncollected, lost, 'what the treasury may collect');
		assert.equal(BigInt(held), DELEGATED);
		const collect = api.tx.contributorStaking.collect(operator, charlie.address);
		const { events: collected } = await chain.send(collect, bob);
		const { data } = collected.find((event) => api.events.contributorStaking.Collected.is(event));
		isNear(data.amount.toBigInt(), lost, 'collected');
		assert.equal(BigInt((await delegation()).held), DELEGATED - data.amount.toBigInt());
	});

	test('era should mint for those who worked, and for their delegators', LIMIT, async () => {
		const { since } = await api.query.contributorStaking.currentEra();
		const { from } = await chain.follow('the raise holds', await chain.best(), async (at) => {
			const pool = (await at.query.contributorStaking.pools(operator)).unwrap();
			const { set, raise } = pool.commission;
			const now = (await at.query.system.number()).toNumber();
			const holds = raise.isNone ? set.toBigInt() === RAISED : raise.unwrap()[1].toNumber() <= now;
			return holds && { from: now };
		});
		const { commission, raise } = await tool.succeeds('stake', 'pool', operator);
		assert.deepEqual({ commission, raise }, { commission: 0.1, raise: null });

		await setEra(from - since.toNumber());
		const { block, data } = await chain.follow('the era ends', from, async (_, now) =>
			(await events('EraEnded', now, now))[0]);
		await setEra();
		const ended = await chain.at(block);
		const issuance = async (at) => (await at.query.balances.totalIssuance()).toBigInt();
		const minted = ['workers', 'contributors', 'treasury'].map((who) => data[who].toBigInt());
		const grown = await issuance(ended) - await issuance(await chain.at(block - 1));
		assert.equal(grown, minted.reduce((sum, amount) => sum + amount));
		assert.ok(minted.every((amount) => amount > 0n), `${minted}`);

		// The last of the eras before: an operator's part goes by its seats.
		const { seatPoints, currentEra } = (await chain.at(block - 1)).query.contributorStaking;
		const { index, seats } = await currentEra();
		assert.ok(index.eq(data.era));
		const mine = (await seatPoints(index, operator)).toBigInt();
		const [reward] = await events('DelegatorsRewarded', block, block);
		const earned = minted[0] * mine / seats.toBigInt();
		isNear(reward.data.amount.toBigInt(), await delegatorsPart(earned, block, RAISED), 'the delegator earned');

		const { eras, apr } = await tool.succeeds('stake', 'eras');
		const era = eras.find((one) => one.era === data.era.toNumber());
		assert.equal(BigInt(era.minted), minted[0]);
		assert.ok(BigInt(era.fees) > 0n && era.apr > 0 && apr > 0);
	});

	test('delegation should be free again after the period', LIMIT, async () => {
		await chain.follow('the period is over', await chain.best(), (_, now) => now + 1 >= free);
		const { unbonding: [{ amount }], held: heldBefore } = await delegation();
		const [before, held] = [await chain.free(charlie), await chain.held(charlie)];
		const withdrawn = await asOwner('withdraw');
		assert.equal(withdrawn.amount, amount);
		assert.equal(await chain.free(charlie), before + BigInt(amount) - BigInt(withdrawn.fees));
		assert.equal(await chain.held(charlie), held - BigInt(amount));
		const { unbonding, held: heldAfter } = await delegation();
		assert.deepEqual(unbonding, []);
		assert.equal(BigInt(heldAfter), BigInt(heldBefore) - BigInt(amount));
	});
}
