// Referenda by the stock pallets, as any client makes them.

import { compactAddLength, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';

/** The name under which the scheduler has a referendum's call. */
function taskOf(index) {
	const number = new Uint8Array(new Uint32Array([index]).buffer);
	return blake2AsHex(u8aConcat('assembly', compactAddLength(stringToU8a('enactment')), number));
}

/** Notes a call, submits a referendum on it, and places its decision deposit. */
export async function submit(chain, who, origin, call) {
	const { tx, events } = chain.api;
	const { method } = call;
	await chain.send(tx.preimage.notePreimage(method.toHex()), who);
	const proposal = { Lookup: { hash: blake2AsHex(method.toU8a()), len: method.encodedLength } };
	const submitted = await chain.send(tx.referenda.submit({ Origins: origin }, proposal, { After: 1 }), who);
	const { index } = submitted.events.find((event) => events.referenda.Submitted.is(event)).data;
	await chain.send(tx.referenda.placeDecisionDeposit(index), who);
	return { index: index.toNumber(), block: submitted.block };
}

/** All these voters say aye, with half of what they have and this conviction. */
export async function approve(chain, referendum, voters, conviction = 'Locked1x') {
	await Promise.all(voters.map(async (voter) => {
		const balance = await chain.free(voter) / 2n;
		const vote = { Standard: { vote: { aye: true, conviction }, balance } };
		await chain.send(chain.api.tx.convictionVoting.vote(referendum.index, vote), voter);
	}));
}

/**
 * Follows a referendum to the dispatch of its call: the block, and the reason if the call was refused.
 * `meanwhile` is run with the state after each block.
 */
export async function enacted(chain, { index, block }, meanwhile = async () => {}) {
	const { Dispatched } = chain.api.events.scheduler;
	const approved = await chain.follow(`referendum ${index} is approved`, block, async (at) => {
		await meanwhile(at);
		const info = (await at.query.referenda.referendumInfoFor(index)).unwrap();
		return info.isApproved && info.asApproved[0].toNumber();
	});
	return chain.follow(`the call of referendum ${index} is dispatched`, approved, async (at, number) => {
		await meanwhile(at);
		const event = (await chain.events(number)).find((event) =>
			Dispatched.is(event) && event.data.id.eq(taskOf(index)));
		if (!event) {
			return false;
		}
		const { result } = event.data;
		return { block: number, refused: result.isErr && chain.reason(result.asErr) };
	});
}
