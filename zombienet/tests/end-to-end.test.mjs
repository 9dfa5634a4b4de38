// The real node, driven from outside: one chain for all scenarios, since starting it takes a while.

import { after, before, describe } from 'node:test';
import answers from './scenarios/answers.mjs';
import audits from './scenarios/audits.mjs';
import badInput from './scenarios/bad-input.mjs';
import cli from './scenarios/cli.mjs';
import contributions from './scenarios/contributions.mjs';
import disputes from './scenarios/disputes.mjs';
import economy from './scenarios/economy.mjs';
import faults from './scenarios/faults.mjs';
import language from './scenarios/language.mjs';
import library from './scenarios/library.mjs';
import restart from './scenarios/restart.mjs';
import upgrade from './scenarios/upgrade.mjs';
import { Chain, PACE } from './support/chain.mjs';
import { Node } from './support/node.mjs';

/** What the scenarios share: the node, and a connection to it. */
const world = {};

before(async () => {
	world.node = await Node.start();
	world.chain = await Chain.connect(world.node);
	for (const [kind, numbers] of Object.entries(PACE)) {
		await world.chain.govern(kind, numbers);
	}
});

after(async () => {
	await world.chain?.disconnect();
	await world.node?.stop();
});

describe('the command line tool', () => cli(world));
describe('language models', () => language(world));
describe('answers', () => answers(world));
describe('workers that misbehave', () => faults(world));
describe('disputes', () => disputes(world));
describe('audits', () => audits(world));
describe('what makes no sense', () => badInput(world));
describe('the library', () => library(world));
describe('upgrades of the commons', () => upgrade(world));
describe('the economy', () => economy(world));
describe('what contributors and raters get', () => contributions(world));
describe('what dies in the middle of its work', () => restart(world));
