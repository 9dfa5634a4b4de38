// The chain as a client sees it, through the stock @polkadot/api.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { hexToString, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { cryptoWaitReady } from '@polkadot/util-crypto';

export const UNIT = 10n ** 12n;
/** Blocks that an answer may take from its request, when all workers work. */
export const PROMPT = 4;
/** Questions of which one has to be answered so soon. */
export const TRIES = 8;
/** Blocks after which anything that is still not there never comes. */
const LONG = 200;
/** More blocks than there are here. */
const ENDLESS = 1_000_000;
/**
 * The numbers that these tests govern. A development chain's periods of ten seconds are few for a
 * machine with other things to do; and what a chain does by itself, it does where a test says when.
 */
export const PACE = {
	Inference: { CommitPeriod: 30, RevealPeriod: 30, MovePeriod: 24 },
	// Whoever earned in an era is paid once more when it is over.
	Staking: { EraLength: ENDLESS, MaxStrikes: 1000, CommissionDelay: 60 },
	Governance: { ConfirmPeriod: 12, VoteLockingPeriod: ENDLESS },
	Feedback: { RoundLength: ENDLESS },
};
/** Time for a test. What it waits for is counted in blocks; this only ends a chain that stands still. */
export const LIMIT = { timeout: 600_000 };

/** How a worker can be told to misbehave. */
export const Fault = { none: 0, lie: 1, mute: 2, silent: 3 };

/** The engine's operations, as a worker is told one. */
const OPERATIONS = [
	'table', 'embedding', 'norm', 'product', 'queries', 'rotation', 'scores', 'exponentials', 'mixture', 'attended',
	'inner', 'activation', 'outer', 'logits', 'choice', 'order', 'patches', 'pool',
];

/** It computes this operation of a layer wrongly, for the token at this position, and stands up for what follows. */
export function corrupt(operation, layer, token = 0) {
	const number = OPERATIONS.indexOf(operation);
	if (number < 0) {
		throw new Error(`there is no operation ${operation}`);
	}
	return [4, number, ...new Uint8Array(new Uint32Array([layer, token]).buffer)];
}

/** The chain refused a transaction, for this reason: `pallet.Error`. */
export class Refused extends Error {
	constructor(reason) {
		super(`refused: ${reason}`);
		this.reason = reason;
	}
}

export class Chain {
	/** Connects, and tells the node's workers where the node is. */
	static async connect(node) {
		await cryptoWaitReady();
		const chain = new Chain();
		chain.node = node;
		chain.provider = new WsProvider(node.ws);
		chain.api = await ApiPromise.create({ provider: chain.provider, noInitWarn: true });
		const keyring = new Keyring({ type: 'sr25519' });
		chain.account = (uri) => keyring.addFromUri(uri);
		await chain.remember(stringToU8a('dodona/rpc'), stringToU8a(node.http));
		return chain;
	}

	async disconnect() {
		await this.api.disconnect();
	}

	/** The workers that the chain starts with. */
	workers() {
		return [1, 2, 3, 4].map((number) => ({
			operator: this.account(`//Worker//${number}`),
			hotKey: this.account(`//Worker//${number}//hot`),
		}));
	}

	/** Sets a switch in the node's local storage. */
	async remember(key, value) {
		await this.provider.send('offchain_localStorageSet', [
			'PERSISTENT', u8aToHex(key), u8aToHex(value),
		]);
	}

	/** The address of the engine server that the node's workers use. */
	async engine() {
		const key = u8aToHex(stringToU8a('dodona/engine'));
		return hexToString(await this.provider.send('offchain_localStorageGet', ['PERSISTENT', key]));
	}

	/** Makes the node's workers use the engine server at this address. */
	async setEngine(address) {
		await this.remember(stringToU8a('dodona/engine'), stringToU8a(address));
	}

	/** Makes the worker with this hot key misbehave. */
	async setFault(hotKey, fault) {
		const key = u8aConcat(stringToU8a('dodona/fault/'), hotKey.publicKey);
		await this.remember(key, new Uint8Array([fault].flat()));
	}

	/** Makes workers misbehave: all that the chain starts with, unless others are named. */
	async setFaults(fault, workers = this.workers()) {
		await Promise.all(workers.map(({ hotKey }) => this.setFault(hotKey, fault)));
	}

	/** Sends transactions at once; tells what became of each, as `Promise.allSettled` does. */
	async sendAll(transactions, signer) {
		const next = (await this.api.rpc.system.accountNextIndex(signer.address)).toNumber();
		return Promise.allSettled(transactions.map((transaction, i) => this.send(transaction, signer, next + i)));
	}

	/** Sends a transaction; returns the block that it is in, and its events. */
	send(transaction, signer, nonce = -1) {
		return new Promise((included, refused) => {
			transaction.signAndSend(signer, { nonce }, (result) => {
				if (result.isError) {
					refused(new Refused(result.status.type));
				} else if (result.status.isInBlock || result.status.isFinalized) {
					// A development chain finalises at once, and may not say more than that.
					if (result.dispatchError) {
						refused(new Refused(this.reason(result.dispatchError)));
					} else {
						const events = result.events.map(({ event }) => event);
						included({ block: result.blockNumber.toNumber(), events });
					}
				}
			}).catch(refused);
		});
	}

	/** The name of a dispatch error. */
	reason(error) {
		if (error.isModule) {
			const { section, name } = this.api.registry.findMetaError(error.asModule);
			return `${section}.${name}`;
		}
		return error.toString();
	}

	/** The numbers of new best blocks, as they come. */
	async *heads() {
		const queue = [];
		let wake = () => {};
		const stop = await this.api.rpc.chain.subscribeNewHeads((header) => {
			queue.push(header.number.toNumber());
			wake();
		});
		try {
			while (true) {
				while (queue.length > 0) {
					yield queue.shift();
				}
				await new Promise((woken) => {
					wake = woken;
					if (queue.length > 0) {
						woken();
					}
				});
			}
		} finally {
			stop();
		}
	}

	/** Looks at the state after each block from `from` on, until `look` finds something. */
	async follow(what, from, look, limit = LONG) {
		let next = from;
		for await (const head of this.heads()) {
			// Heads may skip blocks that came together.
			for (; next <= head; next += 1) {
				if (next - from > limit) {
					throw new Error(`${what}: not within ${limit} blocks from ${from}`);
				}
				const found = await look(await this.at(next), next);
				if (found) {
					return found;
				}
			}
		}
	}

	/** The state after a block. */
	async at(block) {
		return this.api.at(await this.api.rpc.chain.getBlockHash(block));
	}

	/** The number of the best block. */
	async best() {
		return (await this.api.rpc.chain.getHeader()).number.toNumber();
	}

	/** The events of a block. */
	async events(block) {
		const records = await (await this.at(block)).query.system.events();
		return records.map(({ event }) => event);
	}

	async free(account) {
		return (await this.api.query.system.account(account.address)).data.free.toBigInt();
	}

	/** What is held from an account, whatever for. */
	async held(account) {
		const holds = await this.api.query.balances.holds(account.address);
		return holds.reduce((sum, hold) => sum + hold.amount.toBigInt(), 0n);
	}

	/** What an operator has bonded. */
	async bonded(operator) {
		const ledger = await this.api.query.contributorStaking.ledgers(operator.address);
		return ledger.unwrap().bonded.toBigInt();
	}

	/** What the workers that the chain starts with have bonded. */
	bonds() {
		return Promise.all(this.workers().map(({ operator }) => this.bonded(operator)));
	}

	/** Waits, from a block on, until no slash of an operator can be called off any more. */
	async slashed(operator, from) {
		return this.follow('slashes apply', from, async (at) =>
			(await at.query.contributorStaking.pendingSlashes(operator.address)).isEmpty);
	}

	/** Sets governed numbers of one kind, such as `govern('Inference', { MovePeriod: 8 })`. */
	async govern(kind, numbers) {
		const { parameters, sudo, utility } = this.api.tx;
		const set = Object.entries(numbers).map(([name, value]) =>
			parameters.setParameter({ [kind]: { [name]: [null, value] } }));
		return this.send(sudo.sudo(utility.batchAll(set)), this.account('//Alice'));
	}

	/** The fee that a transaction cost, out of its events. */
	feeIn(events) {
		const { TransactionFeePaid } = this.api.events.transactionPayment;
		return events.find((event) => TransactionFeePaid.is(event)).data.actualFee.toBigInt();
	}

	/** Asks; returns the request's id with what `send` returns. */
	async ask(requester, model, input, maxFee = 100n * UNIT) {
		const call = this.api.tx.inference.request(model, null, u8aToHex(input), maxFee);
		const included = await this.send(call, requester);
		const asked = included.events.find((event) => this.api.events.inference.Requested.is(event));
		return { ...included, id: asked.data.request };
	}

	/** Follows a request until it is in one of these states; returns it with the block. */
	async reach(asked, ...states) {
		const what = `request ${asked.id}: ${states.join(' or ')}`;
		return this.follow(what, asked.block, async (at, block) => {
			const request = (await at.query.inference.requests(asked.id)).unwrap();
			return states.includes(request.state.type) && { request, state: request.state.value, block };
		});
	}

	/** The output that a request was agreed or finalised with. */
	async output(asked, state) {
		return (await this.api.query.inference.outputs(asked.id, state.outcome)).unwrap();
	}
}

/** What a seat has said, by its operator: `Assigned`, `Committed` or `Revealed`. */
export function seat(state, operator) {
	return state.committee.find((seat) => seat.operator.eq(operator.address))?.status;
}
